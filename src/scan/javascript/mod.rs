//! Exec sites in JavaScript and TypeScript code.
//!
//! Every module of the roots counts as reachable, since applications load modules by listing folders; tests, bundles,
//! declarations and other platforms' branches do not. Nothing is imported or executed.

mod lower;
mod tables;

use super::value::source::{self, Code};
use super::value::{Target, Tongue, sink};
use super::{Root, Scan, ScanContext};
use crate::walk::{Tree, join};

/// JavaScript and TypeScript, as the core needs to know them.
pub(super) static JAVASCRIPT: Tongue = Tongue {
    name: "javascript",
    endings: &[".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"],
    shebangs: &["node", "nodejs", "bun", "deno", "tsx", "zx"],
    left_out,
    lower: lower::lower,
    resolve,
    sinks: tables::SINKS,
    known: tables::KNOWN,
    methods: tables::METHODS,
    constructor: "constructor",
    words: tables::WORDS,
    environment: "process.env",
    interpreter: "node",
    global_names: false,
};

/// Whether a path is a root of this language.
pub fn detects(tree: &Tree, path: &str) -> bool {
    source::detects(&JAVASCRIPT, tree, path)
}

/// Scans the roots together.
pub fn scan(context: &ScanContext<'_>, roots: &[Root]) -> Scan {
    sink::scan(context, &JAVASCRIPT, roots)
}

/// Tests, declarations, bundles and tools of development, by the names that jest, mocha, vitest and bundlers give them.
fn left_out(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let folder = matches!(
        name,
        "__tests__"
            | "__mocks__"
            | "__fixtures__"
            | "test"
            | "tests"
            | "spec"
            | "e2e"
            | "cypress"
            | "playwright"
            | "node_modules"
            | "bower_components"
            | "docs"
            | "examples"
            | "coverage"
    );
    let part = |word: &str| name.contains(&format!(".{word}."));
    let test = ["test", "spec", "e2e-spec", "bench", "stories", "cy"].iter().any(|word| part(word));
    let made = part("d") && name.ends_with("ts") || part("min") || part("bundle");
    let tool = part("config") && !name.starts_with("app.")
        || ["gulpfile", "gruntfile", "karma.", "jest.", "webpack."]
            .iter()
            .any(|start| name.to_ascii_lowercase().starts_with(start));
    folder || test || made || tool
}

/// An import as a file of the code: relative, or by an alias of the project (`@/x`, `~/x`, `src/x`).
fn resolve(code: &Code<'_>, from: usize, module: &str) -> Target {
    let own = &code.files[from].path;
    if module.starts_with('.') {
        let folder = own.rsplit_once('/').map_or("", |(folder, _)| folder);
        let found = join(folder, module).and_then(|path| candidates(&path).iter().find_map(|path| code.at(path)));
        return found.map_or_else(|| Target::Outside(module.to_owned()), Target::File);
    }
    let alias = ["@/", "~/", "#/", "$lib/"].iter().find_map(|alias| module.strip_prefix(alias));
    let alias = alias.or_else(|| module.strip_prefix('#')).or_else(|| module.starts_with("src/").then_some(module));
    if let Some(path) = alias
        && let Some(file) = candidates(path).iter().find_map(|path| code.ending_in(path, own))
    {
        return Target::File(file);
    }
    Target::Outside(module.strip_prefix("node:").unwrap_or(module).to_owned())
}

/// The files that an import path can mean, in the order in which node and TypeScript look.
fn candidates(path: &str) -> Vec<String> {
    let mut paths = vec![path.to_owned()];
    paths.extend(JAVASCRIPT.endings.iter().map(|ending| format!("{path}{ending}")));
    for (from, to) in [(".js", ".ts"), (".js", ".tsx"), (".mjs", ".mts"), (".cjs", ".cts"), (".jsx", ".tsx")] {
        paths.extend(path.strip_suffix(from).map(|stem| format!("{stem}{to}")));
    }
    paths.extend(JAVASCRIPT.endings.iter().map(|ending| format!("{path}/index{ending}")));
    paths
}
