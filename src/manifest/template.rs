//! The built-in templates and their variables: the one table of them, embedded in the binary.
//!
//! Layout only. What stands in a Dockerfile's lines is decided elsewhere and handed in: see [`crate::render`].

use super::shape::{Field, Shape};

/// A template file that is part of the binary.
#[derive(Debug)]
pub struct BuiltIn {
    /// What a manifest names it by. Partials start with `_`: templates include them, a manifest cannot name them.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub doc: &'static str,
    /// The text.
    pub source: &'static str,
}

/// One row: `(name, doc)`; the text is `templates/<name>.j2`, and a partial's name keeps the `.j2`.
macro_rules! built_in {
    ($($name:literal, $file:literal, $doc:literal;)*) => {
        &[$(BuiltIn { name: $name, doc: $doc, source: include_str!(concat!("../../templates/", $file)) },)*]
    };
}

/// The built-in templates and the partials that they share, sorted by name.
pub static BUILT_IN: &[BuiltIn] = built_in! {
    "_binary.j2", "_binary.j2", "ENTRYPOINT and CMD of an image that runs one binary.";
    "_command.j2", "_command.j2", "ENTRYPOINT and CMD of an image that runs a command.";
    "_files.j2", "_files.j2", "Further files and the entrypoint script.";
    "_header.j2", "_header.j2", "The comment that names the generator and the manifest.";
    "_node.j2", "_node.j2", "Node's environment and the packages of a lock file.";
    "_packages.j2", "_packages.j2", "The packages, each with its reason, in one `apk add`.";
    "_python.j2", "_python.j2", "Python's environment and the packages of a requirements file.";
    "_runtime.j2", "_runtime.j2", "Labels, environment, port, health check and user.";
    "_user.j2", "_user.j2", "The user without privileges, and the folders that it owns.";
    "go-service", "go-service.j2", "A Go service, built from source or taken prebuilt.";
    "node-service", "node-service.j2", "A Node service.";
    "python-service", "python-service.j2", "A Python service.";
    "static-binary", "static-binary.j2", "One binary that was built elsewhere.";
    "workspace-template", "workspace-template.j2", "A workspace that runs beside a server: shell, Python or Node.";
};

/// The names that a manifest may use, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|template| template.name).filter(|name| !name.starts_with('_'))
}

/// The text of a built-in template or partial.
pub fn source(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|template| template.name == name).map(|template| template.source)
}

/// A variable of the built-in templates.
#[derive(Debug)]
pub struct Variable {
    /// The templates that read it; all of them where the list is empty.
    pub templates: &'static [&'static str],
    /// The key under `vars`; its default is JSON, and one without a default is computed or absent (`null`).
    pub field: Field,
}

/// The templates that run one binary.
const BINARY: &[&str] = &["go-service", "static-binary"];
/// The templates that run a command.
const COMMAND: &[&str] = &["node-service", "python-service", "workspace-template"];
/// All templates.
const ALL: &[&str] = &[];

const fn variable(
    key: &'static str,
    templates: &'static [&'static str],
    shape: &'static Shape,
    default: Option<&'static str>,
    doc: &'static str,
) -> Variable {
    Variable { templates, field: Field { key, required: false, shape, doc, default } }
}

/// The variables, sorted by key. Paths on the left of a copy are relative to the build's context.
pub static VARIABLES: &[Variable] = &[
    variable(
        "app",
        COMMAND,
        &Shape::Absolute,
        Some("\"/app\""),
        "The folder in the image that the source is copied to.",
    ),
    variable("arguments", BINARY, &Shape::List(&Shape::Word), Some("[]"), "The binary's arguments."),
    variable(
        "binary",
        BINARY,
        &Shape::Absolute,
        None,
        "The binary's path in the image; /usr/local/bin and the image's name unless given.",
    ),
    variable(
        "builder",
        &["go-service"],
        &Shape::Token,
        None,
        "The image that compiles; golang:VERSION-alpine unless given.",
    ),
    Variable {
        templates: COMMAND,
        field: Field {
            key: "command",
            required: true,
            shape: &Shape::List(&Shape::Word),
            doc: "The command that the image runs.",
            default: None,
        },
    },
    variable(
        "create_user",
        ALL,
        &Shape::Flag,
        Some("true"),
        "Whether the user is made; false where the base brings it.",
    ),
    variable("entrypoint", ALL, &Shape::Source, None, "A script that becomes the image's entrypoint."),
    variable("env", ALL, &Shape::Map(&Shape::Word), Some("{}"), "Environment variables."),
    variable("files", ALL, &Shape::Map(&Shape::Absolute), Some("{}"), "Further files: source -> path in the image."),
    variable(
        "folders",
        ALL,
        &Shape::List(&Shape::Absolute),
        Some("[]"),
        "Folders that are made and given to the user.",
    ),
    variable("go_version", &["go-service"], &Shape::Word, Some("\"1.25\""), "The Go version of the builder image."),
    variable(
        "healthcheck",
        ALL,
        &Shape::Either(&[Shape::Absolute, Shape::List(&Shape::Word)]),
        None,
        "A path that is asked over HTTP, or a command.",
    ),
    variable("home", ALL, &Shape::Absolute, None, "The user's home folder; /home and the user's name unless given."),
    variable("labels", ALL, &Shape::Map(&Shape::Word), Some("{}"), "Labels beside org.opencontainers.image.title."),
    variable("ldflags", &["go-service"], &Shape::Text, Some("\"-s -w\""), "The linker's flags."),
    variable(
        "lockfile",
        &["node-service", "workspace-template"],
        &Shape::Source,
        None,
        "The lock file in the source folder that npm installs from.",
    ),
    variable(
        "main",
        &["go-service"],
        &Shape::Token,
        None,
        "The package to build; the first Go path of `code` unless given.",
    ),
    variable(
        "port",
        ALL,
        &Shape::Number,
        None,
        "The port that the service listens on; needed by a health check over HTTP.",
    ),
    variable("prebuilt", BINARY, &Shape::Source, None, "A binary that was built elsewhere."),
    variable(
        "requirements",
        &["python-service", "workspace-template"],
        &Shape::Source,
        None,
        "The requirements file that pip installs from.",
    ),
    variable(
        "root_entrypoint",
        ALL,
        &Shape::Flag,
        Some("false"),
        "The entrypoint starts as root and drops to the user itself.",
    ),
    variable(
        "runtime",
        &["workspace-template"],
        &Shape::Choice(&["shell", "python", "node"]),
        Some("\"shell\""),
        "What the workspace runs.",
    ),
    variable(
        "source",
        &["go-service", "node-service", "python-service", "workspace-template"],
        &Shape::Source,
        None,
        "The folder of the source; for Go the module's unless given, else the context.",
    ),
    variable("uid", ALL, &Shape::Number, Some("10001"), "The user's and the group's number."),
    variable("user", ALL, &Shape::Token, Some("\"app\""), "The user that the image runs as."),
    variable("workdir", ALL, &Shape::Absolute, None, "The working folder."),
    variable(
        "workspace",
        &["workspace-template"],
        &Shape::Absolute,
        Some("\"/workspace\""),
        "The folder of the user's own files, a volume.",
    ),
];

/// The variables of a template, sorted by key; those of all templates for a project's own.
pub fn variables(template: Option<&str>) -> impl Iterator<Item = &'static Field> {
    VARIABLES
        .iter()
        .filter(move |row| row.templates.is_empty() || template.is_none_or(|name| row.templates.contains(&name)))
        .map(|row| &row.field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_and_whole() {
        assert!(BUILT_IN.is_sorted_by_key(|row| row.name));
        assert!(VARIABLES.is_sorted_by_key(|row| row.field.key));
        for row in VARIABLES {
            assert!(row.templates.iter().all(|used| names().any(|name| name == *used)), "{}", row.field.key);
            if let Some(default) = row.field.default {
                assert!(serde_json::from_str::<serde_json::Value>(default).is_ok(), "{}", row.field.key);
            }
        }
    }
}
