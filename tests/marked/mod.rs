//! Fixtures that mark what they run: `runs: git docker? (dynamic)` in a comment on the line of the call, `?` where the
//! need is optional. What is marked must be found, and nothing else.

use aboard::scan::{Root, ScanContext, scan};
use aboard::site::Program;
use aboard::walk::Tree;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Marks = BTreeMap<(String, u32), BTreeSet<String>>;

/// Scans every case of a language, a folder each, and compares.
pub fn check(language: &'static str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(language);
    let mut cases: Vec<PathBuf> =
        fs::read_dir(&folder).expect("the fixtures").map(|entry| entry.expect("an entry").path()).collect();
    cases.sort();
    assert!(cases.len() >= 5, "{} has the cases", folder.display());
    let mut marks = 0;
    let mut faults = Vec::new();
    for case in cases {
        let (wanted, got) = (marked(&case), found(language, &case));
        marks += wanted.len();
        let places: BTreeSet<&(String, u32)> = wanted.keys().chain(got.keys()).collect();
        for place in places.into_iter().filter(|place| wanted.get(place) != got.get(place)) {
            let name = case.file_name().unwrap_or_default().display();
            faults.push(format!(
                "{name}/{}:{}: marked {:?}, found {:?}",
                place.0,
                place.1,
                wanted.get(place),
                got.get(place)
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(marks >= 10, "the cases of {language} mark what they run");
}

/// What a case marks.
fn marked(case: &Path) -> Marks {
    let mut marks = Marks::new();
    let mut folders = vec![case.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(case).expect("below the case").display().to_string();
            for (line, text) in fs::read_to_string(&path).expect("a text").lines().enumerate() {
                if let Some((_, words)) = text.split_once("runs: ") {
                    let words = words.split_whitespace().map(str::to_owned).collect();
                    marks.insert((name.clone(), line as u32 + 1), words);
                }
            }
        }
    }
    marks
}

/// What a scan of the case finds.
fn found(language: &'static str, case: &Path) -> Marks {
    let tree = Tree::open(case).expect("opened");
    let result = scan(&ScanContext::new(&tree), &[Root { language, path: String::new() }]);
    let mut marks = Marks::new();
    for site in result.sites {
        let position = tree.files().start(site.span);
        let name = match &site.program {
            Program::Dynamic(_) => "(dynamic)".to_owned(),
            program if site.optional => format!("{program}?"),
            program => program.to_string(),
        };
        marks.entry((tree.files().path(site.span.file), position.line)).or_default().insert(name);
    }
    marks
}
