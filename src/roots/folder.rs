//! What the folders that are copied into an image hold: the languages of their files, and the files that something in the
//! image starts by their place.

use crate::dockerfile::{Context, StagePlan, matches, path};
use crate::scan::{service, shell};
use crate::walk::{Kind, Tree};
use std::collections::BTreeSet;

/// How many entries of a folder are looked at.
const MAX_ENTRIES: usize = 4000;

/// Places whose files are started by what watches them; `*` is one name of a path.
/// Sources: <https://github.com/just-containers/s6-overlay#usage>, <https://skarnet.org/software/s6/servicedir.html>,
/// <http://smarden.org/runit/runsvdir.8>, <https://wiki.alpinelinux.org/wiki/Cron>, the entrypoints of
/// <https://github.com/nginx/docker-nginx> and <https://github.com/docker-library/postgres>,
/// <https://github.com/phusion/baseimage-docker#running-scripts-during-container-startup>.
const STARTED: [&str; 22] = [
    "/docker-entrypoint-init.d/*",
    "/docker-entrypoint-initdb.d/*",
    "/docker-entrypoint.d/*",
    "/etc/cont-finish.d/*",
    "/etc/cont-init.d/*",
    "/etc/my_init.d/*",
    "/etc/periodic/*/*",
    "/etc/s6-overlay/s6-rc.d/*/data/check",
    "/etc/s6-overlay/s6-rc.d/*/finish",
    "/etc/s6-overlay/s6-rc.d/*/run",
    "/etc/s6-overlay/scripts/*",
    "/etc/s6/*/finish",
    "/etc/s6/*/run",
    "/etc/s6/init/*",
    "/etc/service/*/finish",
    "/etc/service/*/run",
    "/etc/services.d/*/data/check",
    "/etc/services.d/*/finish",
    "/etc/services.d/*/run",
    "/etc/sv/*/finish",
    "/etc/sv/*/run",
    "/service/*/run",
];

/// The files below a folder of the context, which stands at `image` in the image, that something there starts by their
/// place, or that can be run by name: the language of each with its path in the tree, sorted.
pub(super) fn started_files(
    context: &Context<'_>,
    plan: &StagePlan,
    folder: &str,
    image: &str,
) -> Vec<(&'static str, String)> {
    let tree = context.tree();
    let mut found = Vec::new();
    for file in files_below(context, folder) {
        let rest = file.strip_prefix(folder).unwrap_or(&file).trim_start_matches('/');
        let at = path::join(image, rest);
        let parent = at.rsplit_once('/').map_or("", |(parent, _)| parent);
        let in_tree = context.tree_path(&file);
        let by_place = STARTED.iter().any(|pattern| matches(&pattern[1..], &at[1..]));
        if (by_place || plan.path_folders().contains(&parent)) && shell::detects(tree, &in_tree) {
            found.push(("shell", in_tree));
        } else if service::watched(&at) && service::detects(tree, &in_tree) {
            found.push(("service", in_tree));
        }
    }
    found.sort();
    found
}

/// The files below a folder of the context that `.dockerignore` leaves in, by their paths there.
fn files_below(context: &Context<'_>, folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in context.tree().list(&context.tree_path(&folder)).unwrap_or_default() {
            seen += 1;
            if seen > MAX_ENTRIES {
                return files;
            }
            let at = join(&folder, &entry.name);
            match entry.kind {
                Kind::Folder if entry.name != ".git" && entry.name != "node_modules" => folders.push(at),
                Kind::File if !context.is_ignored(&at) => files.push(at),
                _ => {}
            }
        }
    }
    files
}

pub(super) fn join(folder: &str, rest: &str) -> String {
    match (folder.is_empty(), rest.is_empty()) {
        (true, _) => rest.to_owned(),
        (_, true) => folder.to_owned(),
        _ => format!("{folder}/{rest}"),
    }
}

/// Files that a copied application carries along and that are no code of it.
pub(super) fn is_test_or_data(at: &str) -> bool {
    let name = at.rsplit('/').next().unwrap_or(at);
    name.starts_with("test_") || name.starts_with('.') || name.ends_with("_test.py") || name == "package.json"
}

/// The languages of the files in a folder, dependencies and tests aside.
pub(super) fn kinds_of(tree: &Tree, folder: &str) -> BTreeSet<&'static str> {
    let mut kinds = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in tree.list(&folder).unwrap_or_default() {
            seen += 1;
            if seen > MAX_ENTRIES {
                return kinds;
            }
            let skipped = ["node_modules", "vendor", "tests", "test", "testdata", "docs"];
            match entry.kind {
                Kind::Folder if !entry.name.starts_with('.') && !skipped.contains(&entry.name.as_str()) => {
                    folders.push(join(&folder, &entry.name));
                }
                Kind::File => match entry.name.rsplit_once('.').map_or("", |(_, ending)| ending) {
                    "py" => {
                        kinds.insert("python");
                    }
                    "js" | "mjs" | "cjs" | "ts" | "tsx" | "jsx" => {
                        kinds.insert("javascript");
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    }
    kinds
}

/// The packages of a Python project: those below `src/` where it is laid out so, else the folder itself.
pub(super) fn python_roots(tree: &Tree, folder: &str) -> Vec<String> {
    let project = ["pyproject.toml", "setup.py", "setup.cfg"].iter().any(|name| tree.is_file(&join(folder, name)));
    let src = join(folder, "src");
    if project && tree.is_folder(&src) {
        let packages: Vec<String> = tree
            .list(&src)
            .unwrap_or_default()
            .into_iter()
            .filter(|entry| entry.kind == Kind::Folder && tree.is_file(&join(&join(&src, &entry.name), "__init__.py")))
            .map(|entry| join(&src, &entry.name))
            .collect();
        if !packages.is_empty() {
            return packages;
        }
    }
    vec![folder.to_owned()]
}
