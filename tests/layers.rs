//! The modules of `src/lib.rs` stand in an order, and each uses only those above it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn each_module_uses_only_those_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lib = fs::read_to_string(src.join("lib.rs")).expect("src/lib.rs");
    let order: BTreeMap<&str, usize> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .enumerate()
        .map(|(place, name)| (name, place))
        .collect();
    assert!(order.len() > 15, "the modules of src/lib.rs were not recognized");
    let mut faults = Vec::new();
    let mut uses = 0;
    for (module, place) in &order {
        for file in files_of(&src, module) {
            let text = fs::read_to_string(&file).expect("a source file");
            for (number, line) in text.lines().enumerate() {
                if line.trim_start().starts_with("//") {
                    continue;
                }
                for used in modules_used(line) {
                    let Some(used_place) = order.get(used) else { continue };
                    uses += 1;
                    if used_place > place {
                        faults.push(format!(
                            "{}:{}: {module} uses {used}, which stands below it",
                            file.display(),
                            number + 1
                        ));
                    }
                }
            }
        }
    }
    assert!(uses > 30, "the uses were not recognized");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The names right behind `crate::` in a line, those in braces too.
fn modules_used(line: &str) -> Vec<&str> {
    let mut used = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            used.extend(list.split(['}', ',']).map(|name| name.trim().split("::").next().unwrap_or_default()));
        } else {
            used.extend(rest.split(|c: char| !c.is_alphanumeric() && c != '_').next());
        }
    }
    used
}

fn files_of(src: &Path, module: &str) -> Vec<PathBuf> {
    let file = src.join(format!("{module}.rs"));
    let mut found: Vec<PathBuf> = if file.is_file() { vec![file] } else { Vec::new() };
    let mut folders = vec![src.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}
