//! What `apk add` would do, on small indexes made for one rule each: what comes, what goes, and why a set is impossible.

#![allow(clippy::panic, reason = "a test fails by panicking")]

mod apk_fixture;
mod closure_cases;

use aboard::apk::catalog::{Catalog, Source};
use aboard::apk::closure::{Closure, ClosureError, Planner, closure};
use aboard::apk::index::Index;
use aboard::apk::installed::Installed;
use closure_cases::{CASES, text};
use std::fmt::Write;
use std::sync::Arc;

fn source(repository: &str, tag: Option<&str>, packages: &str) -> Source {
    let index = Arc::new(Index::parse(text(packages)).expect("an index"));
    Source { repository: repository.to_owned(), tag: tag.map(str::to_owned), index }
}

fn catalog(packages: &str) -> Catalog {
    Catalog::new(vec![source("main", None, packages)])
}

fn installed(packages: &str, world: &str) -> Installed {
    Installed::parse(text(packages), world).expect("a database")
}

/// `name-version` of what comes.
fn comes(closure: &Closure) -> String {
    let labels = closure.packages.iter().map(|added| format!("{}-{}", added.name, added.version));
    labels.collect::<Vec<_>>().join(" ")
}

/// The problems of a set that must be impossible, each as a user reads it.
fn problems(catalog: &Catalog, installed: &Installed, requests: &[&str]) -> Vec<String> {
    match closure(catalog, installed, requests) {
        Err(ClosureError::Impossible(problems)) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("{requests:?} should be impossible: {other:?}"),
    }
}

#[test]
fn every_row_of_the_table_has_its_outcome() {
    let mut differing = Vec::new();
    for case in CASES {
        let outcome = outcome(&case.text(), &case.requests());
        if outcome.as_deref().map_err(String::as_str) != case.outcome {
            differing.push(format!("{}: {outcome:?}, not {:?}", case.rule, case.outcome));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// What comes, or the subjects of the problems; sorted and separated by spaces.
fn outcome(index: &str, requests: &[&str]) -> Result<String, String> {
    let index = Arc::new(Index::parse(index.to_owned()).expect("an index"));
    let catalog = Catalog::new(vec![Source { repository: "main".to_owned(), tag: None, index }]);
    match closure(&catalog, &Installed::none(), requests) {
        Ok(closure) => Ok(comes(&closure)),
        Err(ClosureError::Impossible(problems)) => {
            let mut subjects: Vec<String> = problems.into_iter().map(|problem| problem.subject).collect();
            subjects.sort();
            Err(subjects.join(" "))
        }
        Err(error) => panic!("{requests:?}: {error}"),
    }
}

#[test]
fn what_comes_says_from_where_why_and_at_what_cost() {
    let catalog = Catalog::new(vec![
        source("v3.20/main", None, "lib 2-r0; p:so:lib=2\nextra-doc 1-r0; i:app docs\ndocs 1-r0"),
        source("v3.20/community", None, "app 1-r0; D:so:lib>=2"),
    ]);
    let closure = closure(&catalog, &Installed::none(), &["docs", "app"]).expect("possible");
    let rows: Vec<(&str, &str, &str)> = closure
        .packages
        .iter()
        .map(|added| (added.name.as_str(), added.repository.as_str(), added.because[0].as_str()))
        .collect();
    assert_eq!(
        rows,
        [
            ("app", "v3.20/community", "requested"),
            ("docs", "v3.20/main", "requested"),
            ("extra-doc", "v3.20/main", "comes by itself with app and docs"),
            ("lib", "v3.20/main", "app needs so:lib>=2"),
        ]
    );
    assert_eq!((closure.download_size, closure.installed_size), (4 * 10, 4 * 20));
    assert!(closure.removed.is_empty());
}

#[test]
fn what_is_installed_stays_goes_or_is_replaced() {
    let base = installed("musl 1-r0\ntool 1-r0; D:musl", "tool");
    let newer = catalog("musl 1-r1\ntool 2-r0; D:musl>=1-r1\napp 1-r0; D:tool\nold 1-r0");
    // What meets the need as it is stays as it is, also where the index has a newer build.
    let app = closure(&newer, &base, &["app"]).expect("possible");
    assert_eq!((comes(&app).as_str(), app.installed_size), ("app-1-r0", 20));
    assert_eq!(comes(&closure(&newer, &base, &["tool"]).expect("possible")), "");
    // A bound that the installed build does not keep replaces it, and what the new one needs with it.
    let upgrade = closure(&newer, &base, &["tool>=2"]).expect("possible");
    assert_eq!(comes(&upgrade), "musl-1-r1 tool-2-r0");
    assert_eq!(upgrade.packages[1].replaces.as_deref(), Some("1-r0"));
    assert_eq!((upgrade.download_size, upgrade.installed_size), (20, 0));
    // Forbidden, it goes, and what only it needed with it.
    let gone = closure(&newer, &base, &["!tool"]).expect("possible");
    assert_eq!(
        (comes(&gone).as_str(), gone.removed.as_slice()),
        ("", ["musl-1-r0", "tool-1-r0"].map(str::to_owned).as_slice())
    );
    assert_eq!(gone.installed_size, -40);
}

#[test]
fn an_installed_provider_serves_where_it_can() {
    let base = installed("busy 1-r0; p:cmd:vi=1", "busy");
    let catalog = catalog("busy 1-r0; p:cmd:vi=1\nvim 9-r0; p:cmd:vi=9\napp 1-r0; D:cmd:vi\nnew 1-r0; D:cmd:vi>=9");
    assert_eq!(comes(&closure(&catalog, &base, &["app"]).expect("possible")), "app-1-r0");
    let problems = problems(&catalog, &base, &["new"]);
    assert_eq!(problems, ["busy-1-r0 does not fit; breaks new-1-r0: cmd:vi>=9; is there for the request: busy",]);
}

#[test]
fn the_order_of_repositories_and_tags_is_kept() {
    let same = "tool 1-r0; D:musl";
    let catalog = Catalog::new(vec![
        source("v3.20/main", None, "tool 1-r0; D:musl\nmusl 1-r0\nold 1-r0"),
        source("v3.20/community", None, &format!("{same}\nold 2-r0")),
        source("edge/main", Some("edge"), "tool 9-r0\nnewest 1-r0"),
    ]);
    let repository = |requests: &[&str]| {
        let closure = closure(&catalog, &Installed::none(), requests).expect("possible");
        let added = closure.packages.into_iter().find(|added| requests[0].starts_with(&added.name)).expect("it comes");
        format!("{} {}", added.version, added.repository)
    };
    assert_eq!(repository(&["tool"]), "1-r0 v3.20/main", "the first repository that has the build");
    assert_eq!(repository(&["old"]), "2-r0 v3.20/community", "the newest build, wherever it is");
    assert_eq!(repository(&["tool@edge"]), "9-r0 edge/main", "a tag opens its repository");
    assert_eq!(
        problems(&catalog, &Installed::none(), &["newest"]),
        ["newest-1-r0 does not fit; only under the tag @edge; is there for the request: newest",]
    );
    let unknown = closure(&catalog, &Installed::none(), &["tool@testing"]).expect_err("no such tag").to_string();
    assert_eq!(unknown, "tool@testing: no repository has the tag @testing");
    let nonsense = closure(&catalog, &Installed::none(), &["tool="]).expect_err("no version").to_string();
    assert_eq!(nonsense, "`tool=` ends where a version should stand");
}

#[test]
fn an_impossible_set_says_which_constraint_broke_and_who_asked() {
    let none = Installed::none();
    let two = catalog("app 1-r0; D:ssl<3\ncli 2-r0; D:ssl>=3\nssl 1-r0\nssl 3-r0");
    assert_eq!(
        problems(&two, &none, &["app", "cli"]),
        ["ssl-1-r0 does not fit; breaks cli-2-r0: ssl>=3; is there for app-1-r0: ssl<3",]
    );
    let conflict = catalog("app 1-r0; D:!cli\ncli 2-r0");
    assert_eq!(
        problems(&conflict, &none, &["app", "cli"]),
        ["cli-2-r0 does not fit; breaks app-1-r0: !cli; is there for the request: cli",]
    );
    let missing = catalog("app 1-r0; D:lib\nlib 1-r0; D:so:gone.1");
    assert_eq!(problems(&missing, &none, &["app"]), ["so:gone.1: no such package; required by lib-1-r0: so:gone.1"]);
    let bare = catalog("app 1-r0; D:mta\none 1-r0; p:mta\ntwo 1-r0; p:mta");
    assert_eq!(
        problems(&bare, &none, &["app"]),
        ["mta: several packages provide it; ask for one of them; required by app-1-r0: mta; provided by one, two",]
    );
}

/// A chain that no repository has is given up with an error of its own, on the small stack of a test's thread too.
#[test]
fn chains_and_rings_of_any_length_end() {
    let chain = |length: usize, last: &str| {
        (0..length).fold(String::new(), |mut packages, at| {
            let next = if at + 1 == length { last.to_owned() } else { format!("p{}", at + 1) };
            let _ = writeln!(packages, "p{at} 1-r0; D:{next}");
            packages
        })
    };
    let add = |packages: &str| closure(&catalog(packages), &Installed::none(), &["p0"]);
    assert_eq!(add(&chain(600, "p0")).expect("a ring").packages.len(), 600);
    assert_eq!(add(&chain(1_000, "gone")), Err(ClosureError::TooDeep));
    let longest = add(&chain(10_000, "p0"));
    assert!(matches!(longest, Err(ClosureError::TooDeep | ClosureError::TooTangled)), "{longest:?}");
    // Many wide rather than deep.
    let mut wide = format!("p0 1-r0; D:{}\n", (1..5_000).map(|at| format!("p{at}")).collect::<Vec<_>>().join(" "));
    (1..5_000).for_each(|at| writeln!(wide, "p{at} 1-r0; D:p0").expect("written"));
    assert_eq!(add(&wide).expect("possible").packages.len(), 5_000);
    // Triggers that wake each other.
    let triggers = (1..500).fold("p0 1-r0\n".to_owned(), |mut packages, at| {
        let _ = writeln!(packages, "p{at} 1-r0; i:p{}", at - 1);
        packages
    });
    assert_eq!(add(&triggers).expect("possible").packages.len(), 500);
}

/// Packages that provide and need each other's every name: found by fuzzing, where an explanation took minutes.
#[test]
fn a_tangle_of_names_ends() {
    let names = |range: std::ops::Range<usize>, tail: &str| {
        range.map(|at| format!("n{at}{tail}")).collect::<Vec<_>>().join(" ")
    };
    let none = Installed::none();
    // All is possible but the last name, which nothing has.
    let one = format!("p0 1-r0; D:{} gone; p:{}", names(0..300, ""), names(0..300, "=1"));
    let said = problems(&catalog(&one), &none, &["p0"]);
    assert_eq!(said, ["gone: no such package; required by p0-1-r0: gone"]);
    // Each breaks what the others want of every name.
    let many = (0..6).fold(String::new(), |mut packages, at| {
        let _ = writeln!(packages, "p{at} 1-r0; D:{}; p:{}", names(0..40, "=1"), names(0..40, &format!("={at}")));
        packages
    });
    let wanted: Vec<String> = (0..6).map(|at| format!("p{at}")).collect();
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    assert!(!problems(&catalog(&many), &none, &wanted).is_empty());
    // More links than any index has.
    let tangled = (0..50).fold(String::new(), |mut packages, at| {
        let own = names(at * 1_000..(at + 1) * 1_000, "");
        let _ = writeln!(packages, "p{at} 1-r0; D:{}; p:{own}", names(0..1_000, ""));
        packages
    });
    assert_eq!(closure(&catalog(&tangled), &none, &["p0"]), Err(ClosureError::TooTangled));
}

#[test]
fn a_planner_answers_many_requests_alike() {
    let catalog = catalog("a 1-r0; D:b\nb 1-r0\nc 1-r0; D:!b");
    let none = Installed::none();
    let planner = Planner::new(&catalog, &none);
    for _ in 0..3 {
        assert_eq!(comes(&planner.add(&["a"]).expect("possible")), "a-1-r0 b-1-r0");
        assert!(matches!(planner.add(&["a", "c"]), Err(ClosureError::Impossible(_))));
        assert_eq!(comes(&planner.add(&["c"]).expect("possible")), "c-1-r0");
    }
}
