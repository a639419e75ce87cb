//! What the image's own package databases say: which packages are installed, and which file is whose.
//!
//! apk keeps everything in one text (`lib/apk/db/installed`); dpkg has a status file and a list of files a package. A
//! database that is broken counts as none.

use super::tree::{Body, Tree};
use crate::apk;
use serde::Serialize;
use std::collections::BTreeMap;

/// An installed package.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Installed {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its installed size in bytes.
    pub size: u64,
}

/// The databases, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packages {
    /// The installed packages by name.
    pub installed: BTreeMap<String, Installed>,
    /// The package of each file, by path.
    owners: BTreeMap<String, String>,
}

/// The most of a database that is read.
const MAX_DATABASE: usize = 64 << 20;

impl Packages {
    /// Reads the databases of an image.
    pub fn of(tree: &Tree) -> Self {
        let mut packages = Self::default();
        for path in ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"] {
            if let Some(text) = tree.file(path).and_then(text) {
                packages.read_apk(text);
                break;
            }
        }
        if let Some(text) = tree.file("/var/lib/dpkg/status").and_then(text) {
            packages.read_dpkg(&text, tree);
        }
        packages
    }

    /// The package that a file belongs to.
    pub fn owner(&self, path: &str) -> Option<&Installed> {
        let name = self.owners.get(path).or_else(|| {
            // Where /bin is a link to /usr/bin, packages list either.
            let other = path.strip_prefix("/usr").map_or_else(|| format!("/usr{path}"), str::to_owned);
            self.owners.get(&other)
        })?;
        self.installed.get(name)
    }

    fn read_apk(&mut self, text: String) {
        let Ok(database) = apk::installed::Installed::parse(text, "") else { return };
        for package in database.index().packages() {
            let size = package.installed_size();
            let (name, version) = (package.name().to_owned(), package.version().to_owned());
            self.installed.insert(name.clone(), Installed { name, version, size });
        }
        for (path, package) in database.files() {
            self.own(path.to_owned(), package.name());
        }
    }

    fn own(&mut self, path: String, package: &str) {
        self.owners.insert(path, package.to_owned());
    }

    fn read_dpkg(&mut self, status: &str, tree: &Tree) {
        let mut package = Installed::default();
        let mut is_installed = false;
        for line in status.lines().chain([""]) {
            match line.split_once(": ") {
                Some(("Package", value)) => value.clone_into(&mut package.name),
                Some(("Version", value)) => value.clone_into(&mut package.version),
                Some(("Installed-Size", value)) => package.size = value.trim().parse::<u64>().unwrap_or(0) * 1024,
                Some(("Status", value)) => is_installed = value.ends_with(" installed"),
                _ if line.is_empty() => {
                    let done = std::mem::take(&mut package);
                    if is_installed && !done.name.is_empty() {
                        self.installed.insert(done.name.clone(), done);
                    }
                    is_installed = false;
                }
                _ => {}
            }
        }
        for (name, _) in tree.list("/var/lib/dpkg/info") {
            let Some(stem) = name.strip_suffix(".list") else { continue };
            let package = stem.split(':').next().unwrap_or(stem);
            if let Some(list) = tree.file(&format!("/var/lib/dpkg/info/{name}")).and_then(text) {
                for path in list.lines().filter(|path| path.len() > 2) {
                    self.own(path.to_owned(), package);
                }
            }
        }
    }
}

fn text(body: &Body) -> Option<String> {
    body.head(MAX_DATABASE).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
