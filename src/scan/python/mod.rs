//! Exec sites in Python code.
//!
//! Every module of the roots counts as reachable; tests, development tools and other platforms' branches do not.
//! Nothing is imported or executed.

mod lower;
mod tables;

use super::value::source::{self, Code};
use super::value::{Target, Tongue, sink};
use super::{Root, Scan, ScanContext};
use crate::walk::Tree;

/// Python, as the core needs to know it.
pub(super) static PYTHON: Tongue = Tongue {
    name: "python",
    endings: &[".py"],
    shebangs: &["python", "pypy"],
    left_out,
    lower: lower::lower,
    resolve,
    sinks: tables::SINKS,
    known: tables::KNOWN,
    methods: tables::METHODS,
    constructor: "__init__",
    words: tables::WORDS,
    environment: "os.environ",
    interpreter: "python3",
    global_names: false,
};

/// Whether a path is a root of this language.
pub fn detects(tree: &Tree, path: &str) -> bool {
    source::detects(&PYTHON, tree, path)
}

/// Scans the roots together.
pub fn scan(context: &ScanContext<'_>, roots: &[Root]) -> Scan {
    sink::scan(context, &PYTHON, roots)
}

/// Tests and tools of development, by their names as pytest, unittest and packaging have them.
fn left_out(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let test = name.starts_with("test_") && name.ends_with(".py") || name.ends_with("_test.py");
    let folder = matches!(name, "test" | "tests" | "testing" | "site-packages" | "node_modules" | "docs" | "examples");
    let tool = matches!(name, "conftest.py" | "setup.py" | "noxfile.py" | "tests.py" | "test.py" | "fabfile.py");
    test || folder || tool
}

/// `package.module` or `..module` as a file of the code.
fn resolve(code: &Code<'_>, from: usize, module: &str) -> Target {
    let outside = || Target::Outside(module.trim_start_matches('.').to_owned());
    let own = &code.files[from].path;
    let dots = module.len() - module.trim_start_matches('.').len();
    let path = module[dots..].replace('.', "/");
    if dots > 0 {
        let mut folder = own.as_str();
        for _ in 0..dots {
            match folder.rsplit_once('/') {
                Some((outer, _)) => folder = outer,
                None if folder.is_empty() => return outside(),
                None => folder = "",
            }
        }
        let stem = match (folder.is_empty(), path.is_empty()) {
            (true, _) => path,
            (false, true) => folder.to_owned(),
            (false, false) => format!("{folder}/{path}"),
        };
        let found = code.at(&format!("{stem}.py")).or_else(|| code.at(&format!("{stem}/__init__.py")));
        return found.map_or_else(outside, Target::File);
    }
    if module == "django.conf.settings" {
        // The settings object has the names of the project's settings module.
        if let Some(named) = django_settings(code) {
            return Target::File(named);
        }
        let found = code.ending_in("settings.py", own).or_else(|| code.ending_in("settings/__init__.py", own));
        return found.map_or_else(outside, Target::File);
    }
    if path.is_empty() || tables::is_standard(module) {
        return outside();
    }
    on_the_path(code, own, &path).map_or_else(outside, Target::File)
}

/// A module by its absolute name: below a folder around the importing file that is not itself part of a package, or
/// beside the file (a script's own folder), or wherever the code has it.
fn on_the_path(code: &Code<'_>, own: &str, path: &str) -> Option<usize> {
    let below = |folder: &str| {
        let stem = if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") };
        code.at(&format!("{stem}/__init__.py")).or_else(|| code.at(&format!("{stem}.py")))
    };
    let beside = own.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut folder = beside;
    loop {
        let marker = if folder.is_empty() { "__init__.py".to_owned() } else { format!("{folder}/__init__.py") };
        if code.at(&marker).is_none()
            && let Some(found) = below(folder)
        {
            return Some(found);
        }
        match folder.rsplit_once('/') {
            Some((outer, _)) => folder = outer,
            None if folder.is_empty() => break,
            None => folder = "",
        }
    }
    let found = below(beside).or_else(|| code.ending_in(&format!("{path}/__init__.py"), own));
    found.or_else(|| code.ending_in(&format!("{path}.py"), own))
}

/// The settings module that the project names to django.
fn django_settings(code: &Code<'_>) -> Option<usize> {
    const VARIABLE: &str = "DJANGO_SETTINGS_MODULE";
    for &file in code.mentioning(VARIABLE).iter() {
        for (at, _) in code.files[file].text().match_indices(VARIABLE) {
            let rest = code.files[file].text().get(at + VARIABLE.len()..).unwrap_or_default();
            let module = rest.trim_start_matches(['"', '\'', ',', ' ', '\n', ']', '=', ')']);
            let end = module.find(|c: char| !(c.is_alphanumeric() || c == '.' || c == '_')).unwrap_or(0);
            let path = module[..end].replace('.', "/");
            let own = &code.files[file].path;
            let found = code.ending_in(&format!("{path}.py"), own);
            let found = found.or_else(|| code.ending_in(&format!("{path}/__init__.py"), own));
            if !path.is_empty() && found.is_some() {
                return found;
            }
        }
    }
    None
}
