//! The package indexes that a command works with: from the manifest's mirror, kept between runs.

use super::{Global, Project};
use crate::apk::repository::{self, Ask, Identity, Loaded, Options, Policy, Repository, Store};
use crate::apk::signature::Keys;
use crate::lock::LockedIndex;
use crate::manifest::Alpine;
use crate::platform::Platform;
use crate::report::Printer;
use crate::report::progress::Progress;
use crate::resolve::supply::Supply;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The repositories of an Alpine release where nobody names others.
const REPOSITORIES: [&str; 2] = ["main", "community"];

/// The indexes of one run, each release read once.
pub struct Indexes<'a> {
    global: &'a Global,
    project: &'a Project,
    printer: &'a Printer,
    ask: Ask,
    read: RefCell<BTreeMap<(String, Platform), Supply>>,
    refused: Cell<bool>,
}

impl<'a> Indexes<'a> {
    /// No index is read yet; `ask` says whether the mirrors are asked in any case.
    pub fn new(global: &'a Global, project: &'a Project, printer: &'a Printer, ask: Ask) -> Self {
        Self { global, project, printer, ask, read: RefCell::default(), refused: Cell::default() }
    }

    /// What could give an image of a release its packages. An index that cannot be had is named in the supply.
    pub fn supply(&self, alpine: Option<&Alpine>, release: Option<&str>, platform: Platform) -> Supply {
        let Some(release) = release else { return Supply::default() };
        let release = release_name(release);
        let key = (release.clone(), platform);
        if let Some(supply) = self.read.borrow().get(&key) {
            return supply.clone();
        }
        let supply = self.load(alpine, &release, platform);
        self.read.borrow_mut().insert(key, supply.clone());
        supply
    }

    /// Whether a mirror served something that was refused: its signature is not trusted, or it is no index.
    pub fn any_refused(&self) -> bool {
        self.refused.get()
    }

    fn load(&self, alpine: Option<&Alpine>, release: &str, platform: Platform) -> Supply {
        let repositories = repositories(self.global, alpine, release, platform);
        let labels = || repositories.iter().map(|repository| repository.label.clone()).collect();
        let store = match options(self.global, self.project, alpine).and_then(|options| Ok(Store::open(options)?)) {
            Ok(store) => store,
            Err(error) => {
                self.printer.note(&format!("no index is read: {error:#}"));
                return Supply::new(release, None, labels());
            }
        };
        let mut loaded: Vec<Loaded> = Vec::new();
        let mut absent = Vec::new();
        let progress = Progress::new(self.printer.verbosity < 0);
        let received = |address: &str, bytes: u64, whole: Option<u64>| progress.received(address, bytes, whole);
        for (repository, result) in repositories.iter().zip(store.load_all(&repositories, self.ask, &received)) {
            match result {
                Ok(one) => loaded.push(one),
                Err(error) => {
                    if error.is_refusal() {
                        self.printer.note(&error.to_string());
                        self.refused.set(true);
                    } else {
                        self.printer.detail(&error.to_string());
                    }
                    absent.push(repository.label.clone());
                }
            }
        }
        for note in loaded.iter().flat_map(|one| &one.notes) {
            self.printer.detail(note);
        }
        let named = |one: &Loaded| LockedIndex {
            url: self.official(alpine, &one.repository),
            ..identity(&one.identity, &one.repository)
        };
        let identities = loaded.iter().map(named).collect();
        let catalog = (!loaded.is_empty()).then(|| std::sync::Arc::new(repository::catalog(&loaded)));
        Supply::new(release, catalog, absent).identified(identities)
    }
}

impl Indexes<'_> {
    /// The repository under the manifest's own mirror: `--mirror` is a way to it, not another repository.
    fn official(&self, alpine: Option<&Alpine>, repository: &Repository) -> String {
        let own = alpine.map_or(repository::DEFAULT_MIRROR, |alpine| alpine.mirror.value.as_str());
        match &self.global.mirror {
            Some(mirror) => repository.address.replacen(mirror.trim_end_matches('/'), own, 1),
            None => repository.address.clone(),
        }
    }
}

/// `v3.20` for `3.20`; `edge` stays.
fn release_name(release: &str) -> String {
    if release.starts_with(|c: char| c.is_ascii_digit()) { format!("v{release}") } else { release.to_owned() }
}

fn repositories(global: &Global, alpine: Option<&Alpine>, release: &str, platform: Platform) -> Vec<Repository> {
    let mirror = global
        .mirror
        .as_deref()
        .or_else(|| alpine.map(|alpine| alpine.mirror.value.as_str()))
        .unwrap_or(repository::DEFAULT_MIRROR);
    let arch = platform.apk_arch();
    let Some(alpine) = alpine else {
        return REPOSITORIES.iter().map(|name| Repository::alpine(mirror, release, name, arch)).collect();
    };
    alpine
        .repositories
        .iter()
        .map(|one| {
            let address = one.value.url(mirror, release);
            let label = address.strip_prefix(&format!("{}/", mirror.trim_end_matches('/'))).unwrap_or(&address);
            Repository { label: label.to_owned(), tag: one.value.tag.clone(), arch: arch.to_owned(), address }
        })
        .collect()
}

fn options(global: &Global, project: &Project, alpine: Option<&Alpine>) -> anyhow::Result<Options> {
    let mut keys = Keys::alpine().clone();
    for path in alpine.into_iter().flat_map(|alpine| &alpine.keys) {
        let file = project.tree.read(&path.value)?;
        keys.add(Path::new(&path.value), project.tree.files().get(file).text())?;
    }
    // A person waits for `check`: a mirror that does not answer is given up early.
    let policy = Policy { attempts: 2, connect_timeout: Duration::from_secs(5), ..Policy::default() };
    Ok(Options {
        folder: global.index_dir.clone(),
        keys,
        allow_untrusted: global.allow_untrusted,
        offline: global.offline,
        for_once: global.no_cache,
        policy,
    })
}

fn identity(identity: &Identity, repository: &Repository) -> LockedIndex {
    let day = i64::try_from(identity.newest).ok().filter(|newest| *newest > 0);
    let day = day.and_then(|newest| jiff::Timestamp::from_second(newest).ok());
    LockedIndex {
        url: repository.address.clone(),
        arch: repository.arch.clone(),
        description: Some(identity.description.clone()).filter(|text| !text.is_empty()),
        sha256: identity.digest.clone(),
        date: day.map(|day| day.strftime("%Y-%m-%d").to_string()),
    }
}
