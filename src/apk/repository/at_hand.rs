//! The indexes that can be read without asking anyone: those kept from earlier runs, and those of a mirror that is a folder.

use super::{Ask, Loaded, Repository, Store, fetch, kept, silent};
use std::collections::BTreeMap;
use std::fs;

/// More files than a folder of kept indexes holds; the rest is not looked at.
const MOST: usize = 256;

impl Store {
    /// Every index of an architecture that is at hand and trusted, the oldest release first. `names` are the repositories
    /// (`main`) that are looked for in a mirror that is a folder.
    pub fn at_hand(&self, mirror: &str, names: &[String], arch: &str) -> Vec<Loaded> {
        let mut found = BTreeMap::new();
        let of_mirror = releases(mirror).into_iter().flat_map(|release| {
            let repository = move |name: &String| Repository::alpine(mirror, &release, name, arch);
            names.iter().map(repository).collect::<Vec<_>>()
        });
        for repository in of_mirror {
            if let Ok(loaded) = self.load(&repository, Ask::WhenStale, &silent) {
                found.insert(loaded.identity.address.clone(), loaded);
            }
        }
        for loaded in self.kept_of(arch) {
            found.entry(loaded.identity.address.clone()).or_insert(loaded);
        }
        let mut found: Vec<Loaded> = found.into_values().collect();
        found.sort_by_key(|loaded| order(&loaded.repository.label));
        found
    }

    /// The kept indexes of an architecture.
    fn kept_of(&self, arch: &str) -> Vec<Loaded> {
        let entries = fs::read_dir(self.folder()).into_iter().flatten().flatten();
        let files = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "index"));
        let ending = format!("/{arch}/APKINDEX.tar.gz");
        files
            .take(MOST)
            .filter_map(|file| {
                let (facts, text) = kept::read(&file).filter(|(facts, _)| self.trusts(facts))?;
                let repository = Repository::from_line(facts.address.strip_suffix(&ending)?, arch)?;
                self.loaded(&repository, facts, text, Vec::new(), false).ok()
            })
            .collect()
    }
}

/// The releases that a mirror has, where it is a folder.
fn releases(mirror: &str) -> Vec<String> {
    let Some(folder) = fetch::local_path(mirror) else { return Vec::new() };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name == "edge" || name.starts_with("v3.")).take(MOST).collect()
}

/// Releases by their number, then what has none.
fn order(label: &str) -> (u32, String) {
    let number = label.strip_prefix("v3.").and_then(|rest| rest.split('/').next()?.parse().ok());
    (number.unwrap_or(u32::MAX), label.to_owned())
}
