//! The manifest `aboard.yaml`: raw YAML to a [`Manifest`] with every default resolved.
//!
//! Everything that is wrong is reported at once, each with its place, and a manifest with any fault is not returned at
//! all. Every value keeps its [`Span`], so that later findings can label the entry that decided. Nothing here writes:
//! [`edit`] computes changes, the caller applies them.

pub mod base;
pub mod edit;
pub mod init;
pub mod name;
mod node;
pub mod schema;
pub mod shape;
pub mod template;
mod validate;

use crate::file::{FileId, Span};
use crate::finding::{Finding, Rule, Severity};
use crate::platform::Platform;
use crate::scan::Root;
use crate::walk::{ReadError, Tree};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

macro_rules! rule {
    ($(#[$doc:meta])* $name:ident, $code:literal, $summary:literal) => {
        $(#[$doc])*
        pub static $name: Rule = Rule {
            code: $code,
            severity: Severity::Error,
            summary: $summary,
            docs: include_str!(concat!("../../docs/findings/", $code, ".md")),
        };
    };
}

rule!(
    /// The manifest cannot be read at all.
    MANIFEST_UNREADABLE, "manifest-unreadable", "the manifest cannot be read"
);
rule!(
    /// The manifest is not the YAML that a manifest may be.
    MANIFEST_SYNTAX, "manifest-syntax", "the manifest is not valid YAML"
);
rule!(
    /// There is nothing in it.
    EMPTY_MANIFEST, "empty-manifest", "the manifest is empty"
);
rule!(
    /// A key that has no meaning.
    UNKNOWN_KEY, "unknown-key", "a key of the manifest is not known"
);
rule!(
    /// A value of another type than the key wants.
    WRONG_TYPE, "wrong-type", "a value of the manifest has the wrong type"
);
rule!(
    /// A key that stands twice in one map.
    DUPLICATE_KEY, "duplicate-key", "a key of the manifest stands twice"
);
rule!(
    /// A key that must be there and is not.
    MISSING_KEY, "missing-key", "a key of the manifest is missing"
);
rule!(
    /// A value of the right type that says nothing that aboard knows.
    INVALID_VALUE, "invalid-value", "a value of the manifest has no meaning"
);
rule!(
    /// A name that the thing it names cannot have.
    INVALID_NAME, "invalid-name", "a name in the manifest is not valid"
);
rule!(
    /// Two images that write one Dockerfile.
    DUPLICATE_DOCKERFILE, "duplicate-dockerfile", "two images write the same Dockerfile"
);
rule!(
    /// A path that leaves the project, as written or through a link.
    PATH_OUTSIDE, "path-outside", "a path of the manifest leaves the project"
);
rule!(
    /// A path that must exist and does not.
    PATH_NOT_FOUND, "path-not-found", "a path of the manifest does not exist"
);
rule!(
    /// A path whose language cannot be told.
    UNKNOWN_LANGUAGE, "unknown-language", "the language of a code path is not known"
);
rule!(
    /// A template that is neither built in nor a file of the project.
    UNKNOWN_TEMPLATE, "unknown-template", "the template does not exist"
);
rule!(
    /// A base that is not Alpine.
    UNSUPPORTED_BASE, "unsupported-base", "the base is not an Alpine image"
);

/// The rules of this module.
pub static RULES: &[&Rule] = &[
    &DUPLICATE_DOCKERFILE,
    &DUPLICATE_KEY,
    &EMPTY_MANIFEST,
    &INVALID_NAME,
    &INVALID_VALUE,
    &MANIFEST_SYNTAX,
    &MANIFEST_UNREADABLE,
    &MISSING_KEY,
    &PATH_NOT_FOUND,
    &PATH_OUTSIDE,
    &UNKNOWN_KEY,
    &UNKNOWN_LANGUAGE,
    &UNKNOWN_TEMPLATE,
    &UNSUPPORTED_BASE,
    &WRONG_TYPE,
];

/// The name that a manifest has unless another file is named.
pub const FILE_NAME: &str = "aboard.yaml";
/// The most findings that one manifest gives; what is more is counted.
pub const MAX_FINDINGS: usize = 200;

/// A value and where the manifest gives it. A default carries the span of the entry that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// The place.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// A value and its place.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// A valid manifest. Paths in it are relative to the tree it was read from.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The file itself.
    pub file: FileId,
    /// Its path, relative to the tree.
    pub path: String,
    /// The folder that its paths are relative to (`""` for the tree's root): the one that it lies in.
    pub folder: String,
    /// Where packages come from.
    pub alpine: Alpine,
    /// The images, in the manifest's order.
    pub images: Vec<Image>,
}

impl Manifest {
    /// The image of a name.
    pub fn image(&self, name: &str) -> Option<&Image> {
        self.images.iter().find(|image| image.name.value == name)
    }
}

/// Where Alpine's packages come from.
#[derive(Clone, Debug)]
pub struct Alpine {
    /// The mirror's URL, without a slash at its end.
    pub mirror: Spanned<String>,
    /// The repositories, in order.
    pub repositories: Vec<Spanned<Repository>>,
    /// The release of bases whose tag does not say it (`v3.20`, `edge`).
    pub release: Option<Spanned<String>>,
    /// Public key files, relative to the tree.
    pub keys: Vec<Spanned<String>>,
}

/// A repository of packages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repository {
    /// apk's tag (`edge` for `@edge …`): only packages asked for with it come from here.
    pub tag: Option<String>,
    /// Where it is.
    pub location: RepositoryLocation,
}

impl Repository {
    /// The URL that the architecture is appended to, for a mirror and a release.
    pub fn url(&self, mirror: &str, release: &str) -> String {
        match &self.location {
            RepositoryLocation::Branch(name) => format!("{mirror}/{release}/{name}"),
            RepositoryLocation::Url(url) => url.clone(),
        }
    }
}

/// Where a repository is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RepositoryLocation {
    /// A branch of the mirror, in the release of the base (`main`).
    Branch(String),
    /// A URL of its own, to which the architecture is appended.
    Url(String),
}

/// Where an image's layout comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Template {
    /// A built-in template, by name.
    BuiltIn(String),
    /// A project's own, by its path relative to the tree.
    Own(String),
}

/// How packages are pinned in a rendered Dockerfile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Pin {
    /// Not at all (`pkg`).
    #[default]
    None,
    /// To the minor version (`pkg~=1.2`).
    Minor,
    /// To the build (`pkg=1.2-r3`).
    Exact,
}

impl Pin {
    /// All of them, the loosest first.
    pub const ALL: [Self; 3] = [Self::None, Self::Minor, Self::Exact];

    /// The word for it in the manifest and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minor => "minor",
            Self::Exact => "exact",
        }
    }

    /// What stands behind a package's name, for the version that was resolved (`26.1.5-r0`).
    pub fn text(self, version: &str) -> String {
        let build = version.rsplit_once("-r").map_or(version, |(before, _)| before);
        let plain = build.split(['_', '~']).next().unwrap_or(build);
        match self {
            Self::None => String::new(),
            Self::Minor => format!("~={}", plain.split('.').take(2).collect::<Vec<_>>().join(".")),
            Self::Exact => format!("={version}"),
        }
    }
}

/// One image.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its name; the span is the key's.
    pub name: Spanned<String>,
    /// Its Dockerfile, relative to the tree.
    pub dockerfile: Spanned<String>,
    /// The template that the Dockerfile is rendered from; a hand-written one has none.
    pub template: Option<Spanned<Template>>,
    /// The image that the runtime stage starts from; there wherever a template is.
    pub base: Option<Spanned<String>>,
    /// The build's context, relative to the tree (`""` is its root).
    pub context: Spanned<String>,
    /// The platform.
    pub platform: Spanned<Platform>,
    /// The references that a build is tagged with; at least one.
    pub tags: Vec<Spanned<String>>,
    /// Where scanning starts; empty where the Dockerfile shall say.
    pub code: Vec<Spanned<Root>>,
    /// The declared programs, by name or path.
    pub programs: BTreeMap<String, ProgramEntry>,
    /// Packages that bring no program.
    pub packages: BTreeMap<String, Reasoned>,
    /// Programs that need not be there.
    pub ignore: BTreeMap<String, Reasoned>,
    /// Variables for the template.
    pub vars: BTreeMap<String, Spanned<serde_json::Value>>,
    /// The stage that ships.
    pub target: Option<Spanned<String>>,
    /// `--build-arg` values.
    pub build_args: BTreeMap<String, Spanned<String>>,
    /// Go build tags.
    pub build_tags: Vec<Spanned<String>>,
    /// The release of the base: the image's own word, else what the base's tag says, else `alpine.release`.
    pub release: Option<Spanned<String>>,
    /// How packages are pinned.
    pub pin: Spanned<Pin>,
}

/// What the manifest says of a program.
#[derive(Clone, Debug)]
pub struct ProgramEntry {
    /// The name or path; the span is the key's.
    pub name: Spanned<String>,
    /// The package that shall provide it.
    pub package: Option<Spanned<String>>,
    /// The image may go without it.
    pub optional: bool,
    /// What else puts it into the image.
    pub provided_by: Option<Spanned<String>>,
    /// Arguments with which it is started on `verify --run`.
    pub probe: Option<Vec<String>>,
}

/// A name and why it stands in the manifest.
#[derive(Clone, Debug)]
pub struct Reasoned {
    /// The name; the span is the key's.
    pub name: Spanned<String>,
    /// The reason; may be empty.
    pub why: Spanned<String>,
}

/// Reads and validates the manifest at `path` of the tree; all that is wrong with it where anything is.
pub fn read(tree: &Tree, path: &str) -> Result<Manifest, Vec<Finding>> {
    let file = open(tree, path)?;
    let source = tree.files().get(file);
    let (root, mut findings) = node::parse(file, source.text());
    let Some(root) = root else {
        if findings.is_empty() {
            findings.push(shape::empty(Span::new(file, 0, 0)));
        }
        return Err(limited(findings));
    };
    findings.extend(shape::check(&root));
    let (manifest, meaning) = validate::manifest(tree, file, &root);
    findings.extend(meaning);
    if findings.is_empty() { Ok(manifest) } else { Err(limited(findings)) }
}

fn open(tree: &Tree, path: &str) -> Result<FileId, Vec<Finding>> {
    let unreadable = |error: &ReadError| Finding::new(&MANIFEST_UNREADABLE, error.to_string());
    let bytes = tree.read_bytes(path).map_err(|error| match error {
        ReadError::NotFound(_) => {
            unreadable(&error).help("run `aboard init` to write a manifest, or name one with --manifest")
        }
        _ => unreadable(&error),
    });
    let bytes = bytes.map_err(|finding| vec![finding])?;
    let file = tree.read(path).map_err(|error| vec![unreadable(&error)])?;
    match std::str::from_utf8(&bytes) {
        Ok(_) => Ok(file),
        Err(error) => {
            let at = error.valid_up_to();
            let message = format!("byte {at} of the manifest is not UTF-8");
            let finding = Finding::new(&MANIFEST_UNREADABLE, message);
            Err(vec![finding.label(Span::new(file, at, at), "not UTF-8 from here on")])
        }
    }
}

/// The findings in the order of their places, and no more than a person would read.
fn limited(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| finding.labels.first().map(|label| label.span));
    if findings.len() > MAX_FINDINGS {
        let more = findings.len() - MAX_FINDINGS;
        findings.truncate(MAX_FINDINGS);
        if let Some(last) = findings.last_mut() {
            last.help.push(format!("{more} more findings are not shown"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_say_as_much_as_they_are_told() {
        for (version, minor) in [
            ("26.1.5-r0", "~=26.1"),
            ("20240705-r0", "~=20240705"),
            ("1.1.1w-r1", "~=1.1"),
            ("2.0_rc1-r3", "~=2.0"),
            ("3.2.1_p20240101-r0", "~=3.2"),
            ("9f-r2", "~=9f"),
        ] {
            assert_eq!(Pin::Minor.text(version), minor);
            assert_eq!(Pin::Exact.text(version), format!("={version}"));
            assert_eq!(Pin::None.text(version), "");
        }
    }

    #[test]
    fn a_branch_is_below_the_release() {
        let of = |location| Repository { tag: None, location }.url("https://m/alpine", "v3.20");
        assert_eq!(of(RepositoryLocation::Branch("main".to_owned())), "https://m/alpine/v3.20/main");
        assert_eq!(of(RepositoryLocation::Url("https://o".to_owned())), "https://o");
    }
}
