//! A manifest with random faults is refused or read, and edited or not, without a panic and in bounded time.

use aboard::file::Files;
use aboard::manifest::{self, edit};
use aboard::walk::Tree;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// xorshift64*: the same numbers in every run. <https://www.jstatsoft.org/article/view/v008i14>
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit.max(1)
    }
}

/// The files of the example that its manifest names.
const CODE: [&str; 6] = [
    "workspace-server/go.mod",
    "workspace-server/cmd/server/main.go",
    "workspace-server/entrypoint.sh",
    "workspaces/shell/run.sh",
    "workspaces/python/agent.py",
    "workspaces/node/agent.js",
];

const PIECES: [&str; 24] = [
    "{", "}", "[", "]", ":", ": ", "- ", "#", "\n", "\r\n", "  ", "\t", "'", "\"", "&a ", "*a", "!x ", "|\n", ">\n",
    "~", "é", "\u{feff}", ",", "? ",
];

fn mutate(text: &str, numbers: &mut Numbers) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(characters.len());
        match numbers.below(3) {
            0 => drop(characters.drain(at..(at + 1 + numbers.below(20)).min(characters.len()))),
            1 => drop(characters.splice(at..at, PIECES[numbers.below(PIECES.len())].chars())),
            _ => {
                let from = numbers.below(characters.len());
                let copy: Vec<char> = characters.iter().skip(from).take(numbers.below(60)).copied().collect();
                drop(characters.splice(at..at, copy));
            }
        }
    }
    characters.into_iter().collect()
}

#[test]
fn mutated_manifests_do_no_harm() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workspace-platform");
    let original = fs::read_to_string(example.join("aboard.yaml")).expect("the example");
    let mut numbers = Numbers(0x5EED);
    let add = BTreeMap::from([("added".to_owned(), edit::NewProgram::default())]);
    let remove = BTreeSet::from(["git".to_owned()]);
    let (mut valid, mut edited) = (0, 0);
    let folder = tempfile::tempdir().expect("a folder");
    for path in CODE {
        let copy = folder.path().join(path);
        fs::create_dir_all(copy.parent().expect("a parent")).expect("a folder");
        fs::copy(example.join(path), copy).expect("copied");
    }
    for round in 0..3000 {
        let text = mutate(&original, &mut numbers);
        let files = Files::new();
        let file = files.add("aboard.yaml", text.clone());
        if let Ok(edits) = edit::programs(file, &text, "workspace-server", &add, &remove) {
            edited += 1;
            let after = edit::apply(&text, &edits);
            let again = edit::programs(file, &after, "workspace-server", &add, &remove).expect("still editable");
            assert!(again.is_empty(), "an edit is made once:\n{after}");
            let comments = |text: &str| text.lines().filter(|line| line.trim_start().starts_with('#')).count();
            assert_eq!(comments(&text), comments(&after), "comments on their own lines stay:\n{text}\n----\n{after}");
        }
        // Files are slower than the editor: a part of the rounds reads through a tree as users do.
        if round % 10 == 0 {
            fs::write(folder.path().join("aboard.yaml"), &text).expect("written");
            let tree = Tree::open(folder.path()).expect("opened");
            match manifest::read(&tree, "aboard.yaml") {
                Ok(manifest) => {
                    valid += 1;
                    assert!(!manifest.images.is_empty());
                }
                Err(findings) => assert!(!findings.is_empty()),
            }
        }
    }
    assert!(edited > 300, "too few of the mutations could be edited to say anything: {edited}");
    assert!((10..290).contains(&valid), "some of the mutations are valid and some are not: {valid} of 300");
}
