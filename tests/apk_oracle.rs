//! The closure and the version order against the real apk-tools 2.14.4 of Alpine's own minimal root.
//!
//! A sample runs by default; `ABOARD_ORACLE=full` runs at least 1,000 packages and 200 random sets an index. Tests here run
//! `chroot`, so they need to be root, and the folder of real data (`ABOARD_SHARED`).
#![cfg(feature = "shared-data-tests")]
#![allow(clippy::panic, clippy::print_stderr, reason = "a test fails by panicking, and says what it compared")]

mod apk_fixture;
mod closure_cases;

use aboard::apk::archive::Archive;
use aboard::apk::catalog::{Catalog, Source};
use aboard::apk::closure::{ClosureError, Planner};
use aboard::apk::index::{Index, Package};
use aboard::apk::installed::Installed;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::{env, fs};

fn shared() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = env::var_os("ABOARD_SHARED").map_or_else(default, PathBuf::from);
    assert!(shared.join("data").is_dir(), "{}: the folder of real data is missing", shared.display());
    shared
}

/// A copy of Alpine's minimal root with the mirror inside, removed at the end.
struct AlpineRoot {
    folder: tempfile::TempDir,
}

impl AlpineRoot {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let archive = shared().join("data/rootfs/alpine-minirootfs-3.20.3-x86_64.tar.gz");
        let status = Command::new("tar").arg("xzf").arg(archive).arg("-C").arg(folder.path()).status();
        assert!(status.expect("tar runs").success());
        let root = Self { folder };
        // The root trusts the keys of its own release; older indexes are signed with older ones.
        for key in fs::read_dir(shared().join("data/keys")).expect("the keys") {
            let key = key.expect("a key");
            fs::copy(key.path(), root.path().join("etc/apk/keys").join(key.file_name())).expect("copied");
        }
        root
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let output = Command::new("chroot")
            .arg(self.path())
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .output();
        output.expect("chroot runs; it needs to be root")
    }

    /// Puts an index where apk finds it as a local repository.
    fn add_index(&self, repository: &str) {
        let from = shared().join("data/mirror").join(repository).join("x86_64/APKINDEX.tar.gz");
        let folder = self.path().join("mirror").join(repository).join("x86_64");
        fs::create_dir_all(&folder).expect("a folder");
        fs::copy(from, folder.join("APKINDEX.tar.gz")).expect("copied");
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).expect("a file of the root")
    }
}

fn index(repository: &str) -> Arc<Index> {
    let file = shared().join("data/mirror").join(repository).join("x86_64/APKINDEX.tar.gz");
    let bytes = fs::read(file).expect("an index");
    let archive = Archive::open(&bytes).expect("an archive");
    Arc::new(Index::parse(archive.index).expect("an index"))
}

fn catalog(repository: &str) -> Catalog {
    Catalog::new(vec![Source { repository: repository.to_owned(), tag: None, index: index(repository) }])
}

/// xorshift64*: the same sets in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }
}

/// What an `apk add` does, as comparable text: the changes, or the subjects of its complaints.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Changes(BTreeSet<String>),
    Impossible(BTreeSet<String>),
}

fn outcome_of_apk(output: &Output) -> Outcome {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("WARNING"), "apk could not read the index: {stderr}");
    if let Some((_, complaints)) = stderr.split_once("unable to select packages:\n") {
        // Subjects are indented by two spaces and end in a colon; what is said of them is indented deeper.
        let subject = |line: &str| {
            let line = line.strip_prefix("  ")?.strip_suffix(':')?;
            (!line.starts_with(' ')).then(|| line.split(" (").next().unwrap_or(line).to_owned())
        };
        return Outcome::Impossible(complaints.lines().filter_map(subject).collect());
    }
    assert!(output.status.success(), "apk failed: {stderr}");
    let change = |line: &str| line.strip_prefix('(')?.split_once(") ").map(|(_, change)| change.to_owned());
    Outcome::Changes(stdout.lines().filter_map(change).collect())
}

fn outcome_of_aboard(planner: &Planner<'_>, packages: &[&str]) -> Outcome {
    match planner.add(packages) {
        Ok(closure) => {
            let added = closure.packages.iter().map(|added| match &added.replaces {
                None => format!("Installing {} ({})", added.name, added.version),
                Some(old) if aboard::apk::version::compare(old, &added.version).is_gt() => {
                    format!("Downgrading {} ({old} -> {})", added.name, added.version)
                }
                Some(old) => format!("Upgrading {} ({old} -> {})", added.name, added.version),
            });
            let removed = closure.removed.iter().map(|label| format!("Purging {label}"));
            Outcome::Changes(added.chain(removed).collect())
        }
        Err(ClosureError::Impossible(problems)) => {
            Outcome::Impossible(problems.into_iter().map(|problem| problem.subject).collect())
        }
        Err(error) => panic!("{packages:?}: {error}"),
    }
}

/// `Purging` lines write `name (version)`.
fn normalize(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Changes(changes) => Outcome::Changes(
            changes
                .into_iter()
                .map(|change| match change.strip_prefix("Purging ") {
                    Some(rest) => format!("Purging {}", rest.replace(" (", "-").trim_end_matches(')')),
                    None => change,
                })
                .collect(),
        ),
        Outcome::Impossible(names) => Outcome::Impossible(names),
    }
}

/// How many single packages and how many sets are compared.
fn amounts() -> (usize, usize) {
    match env::var("ABOARD_ORACLE").as_deref() {
        Ok("full") => (usize::MAX, 400),
        _ => (60, 30),
    }
}

/// Single packages spread over the whole index, then random sets of two to six, some with a version constraint.
fn requests(index: &Index, seed: u64) -> Vec<Vec<String>> {
    let (singles, sets) = amounts();
    let mut names: Vec<&str> = index.packages().map(Package::name).collect();
    names.sort_unstable();
    names.dedup();
    let mut random = Random(seed);
    let step = (names.len() / singles.min(names.len())).max(1);
    let mut requests: Vec<Vec<String>> = names.iter().step_by(step).map(|name| vec![(*name).to_owned()]).collect();
    for _ in 0..sets {
        let size = 2 + random.below(5);
        requests.push((0..size).map(|_| names[random.below(names.len())].to_owned()).collect());
    }
    // Provided names, constraints that hold, that do not, and conflicts: some of these sets are impossible.
    for _ in 0..sets {
        let mut set = Vec::new();
        for _ in 0..=random.below(4) {
            let package = index.package(random.below(index.len())).expect("in bounds");
            let provided: Vec<_> = package.provides().collect();
            set.push(match random.below(8) {
                0 => format!("{}={}", package.name(), package.version()),
                1 => format!("{}>{}", package.name(), package.version()),
                2 => format!("{}~{}", package.name(), package.version().split('.').next().unwrap_or("1")),
                3 => format!("!{}", package.name()),
                4 | 5 if !provided.is_empty() => provided[random.below(provided.len())].name.to_owned(),
                6 => format!("{}<{}", package.name(), package.version()),
                _ => package.name().to_owned(),
            });
        }
        requests.push(set);
    }
    requests
}

fn compare(root: &AlpineRoot, planner: &Planner<'_>, requests: &[Vec<String>], fixed: &[&str]) {
    let (mut impossible, mut differing) = (0, Vec::new());
    for request in requests {
        let packages: Vec<&str> = request.iter().map(String::as_str).collect();
        let mut arguments = vec!["/sbin/apk", "add", "--simulate", "--no-cache"];
        arguments.extend(fixed);
        arguments.extend(&packages);
        let wanted = normalize(outcome_of_apk(&root.run(&arguments)));
        let found = outcome_of_aboard(planner, &packages);
        impossible += usize::from(matches!(wanted, Outcome::Impossible(_)));
        if wanted != found {
            differing.push(format!("{request:?}\n  apk:    {wanted:?}\n  aboard: {found:?}"));
        }
    }
    eprintln!("{} requests compared, {impossible} of them impossible, {} differ", requests.len(), differing.len());
    assert!(differing.is_empty(), "{} of {} differ:\n{}", differing.len(), requests.len(), differing.join("\n"));
}

#[test]
fn the_closure_on_the_minimal_root_is_that_of_apk() {
    let root = AlpineRoot::new();
    root.add_index("v3.20/main");
    fs::write(root.path().join("etc/apk/repositories"), "/mirror/v3.20/main\n").expect("written");
    let installed = Installed::parse(root.text("lib/apk/db/installed"), &root.text("etc/apk/world"));
    let installed = installed.expect("a database");
    let catalog = catalog("v3.20/main");
    let requests = requests(&catalog.sources()[0].index, 1);
    compare(&root, &Planner::new(&catalog, &installed), &requests, &[]);
}

fn compare_on_an_empty_base(repository: &str, seed: u64) {
    let root = AlpineRoot::new();
    root.add_index(repository);
    let address = format!("/mirror/{repository}");
    let fixed = ["--root", "/empty", "--keys-dir", "/etc/apk/keys", "--repositories-file", "/dev/null", "-X", &address];
    let mut arguments = vec!["/sbin/apk", "add", "--initdb", "--no-cache"];
    arguments.extend(&fixed[..6]);
    assert!(root.run(&arguments).status.success(), "the empty database is made");
    let (catalog, installed) = (catalog(repository), Installed::none());
    let requests = requests(&catalog.sources()[0].index, seed);
    compare(&root, &Planner::new(&catalog, &installed), &requests, &fixed);
}

#[test]
fn the_closure_on_an_empty_base_is_that_of_apk_v3_22() {
    compare_on_an_empty_base("v3.22/main", 2);
}

#[test]
fn the_closure_on_an_empty_base_is_that_of_apk_v3_20() {
    compare_on_an_empty_base("v3.20/main", 5);
}

#[test]
fn the_closure_on_an_empty_base_is_that_of_apk_v3_17() {
    compare_on_an_empty_base("v3.17/main", 3);
}

#[test]
fn the_closure_on_an_empty_base_is_that_of_apk_v3_12_community() {
    compare_on_an_empty_base("v3.12/community", 4);
}

/// The rows that the plain tests hold `aboard` against are what apk itself does.
#[test]
fn the_table_of_small_indexes_is_that_of_apk() {
    let root = AlpineRoot::new();
    let key = apk_fixture::key(1);
    fs::write(root.path().join("etc/apk/keys").join(apk_fixture::KEY), apk_fixture::public_pem(&key)).expect("written");
    let on_empty = ["--root", "/empty", "--keys-dir", "/etc/apk/keys", "--repositories-file", "/dev/null"];
    let mut begin = vec!["/sbin/apk", "add", "--initdb", "--no-cache"];
    begin.extend(on_empty);
    assert!(root.run(&begin).status.success(), "the empty database is made");
    let mut differing = Vec::new();
    for (at, case) in closure_cases::CASES.iter().enumerate() {
        let folder = root.path().join(format!("cases/{at}/x86_64"));
        fs::create_dir_all(&folder).expect("a folder");
        let file = apk_fixture::signed(&apk_fixture::content("cases", &case.text()), &key, "RSA");
        fs::write(folder.join("APKINDEX.tar.gz"), file).expect("written");
        let address = format!("/cases/{at}");
        let mut arguments = vec!["/sbin/apk", "add", "--simulate", "--no-cache", "-X", &address];
        arguments.extend(on_empty);
        arguments.extend(case.requests());
        let join = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(" ");
        let outcome = match outcome_of_apk(&root.run(&arguments)) {
            Outcome::Changes(changes) => Ok(join(changes.iter().map(|change| installed_label(change)).collect())),
            Outcome::Impossible(subjects) => Err(join(subjects)),
        };
        if outcome.as_deref().map_err(String::as_str) != case.outcome {
            differing.push(format!("{}: apk says {outcome:?}, not {:?}", case.rule, case.outcome));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// `name-version` of `Installing name (version)`.
fn installed_label(change: &str) -> String {
    let label = change.strip_prefix("Installing ").unwrap_or(change);
    label.replace(" (", "-").trim_end_matches(')').to_owned()
}
