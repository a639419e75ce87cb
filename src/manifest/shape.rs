//! The manifest's keys: the one table that the validator, the JSON Schema and the documentation are made from.
//!
//! This module knows the form of a manifest alone (which keys, which types). What the values mean, [`super::validate`]
//! knows.

use super::node::{Entry, Kind, Node};
use super::{EMPTY_MANIFEST, MISSING_KEY, UNKNOWN_KEY, WRONG_TYPE};
use crate::file::Span;
use crate::finding::{Edit, Finding, Fix};

/// The form of a value.
#[derive(Debug)]
pub enum Shape {
    /// A text; a bare number or truth value is refused, since YAML would change it (`1.20` reads as 1.2).
    Text,
    /// A text, or a bare number or truth value that is taken as it is written.
    Word,
    /// A text that stands as one word in a Dockerfile's instructions: see [`is_token`].
    Token,
    /// A [`Shape::Token`] that starts with a slash: a path in the image, or of a URL.
    Absolute,
    /// A [`Shape::Token`] that is a path below the build's context.
    Source,
    /// A text, or nothing.
    Reason,
    /// `true` or `false`.
    Flag,
    /// A whole number from 0.
    Number,
    /// The number of the manifest's form.
    Version,
    /// One of several forms.
    Either(&'static [Shape]),
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A list.
    List(&'static Shape),
    /// A map from names to values of one form.
    Map(&'static Shape),
    /// A map with known keys.
    Object(&'static [Field]),
    /// Anything at all.
    Any,
}

/// One key of an [`Shape::Object`].
#[derive(Debug)]
pub struct Field {
    /// The key.
    pub key: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// The form of its value.
    pub shape: &'static Shape,
    /// What it means, in a sentence.
    pub doc: &'static str,
    /// The default, in words or as it would be written.
    pub default: Option<&'static str>,
}

/// The whole manifest.
pub static MANIFEST: Shape = Shape::Object(&[
    Field { key: "version", required: true, shape: &Shape::Version, doc: "The manifest's form.", default: None },
    Field {
        key: "alpine",
        required: false,
        shape: &Shape::Object(ALPINE),
        doc: "Where Alpine's packages come from.",
        default: None,
    },
    Field {
        key: "images",
        required: true,
        shape: &Shape::Map(&Shape::Object(IMAGE)),
        doc: "The images, by name.",
        default: None,
    },
]);

static ALPINE: &[Field] = &[
    Field {
        key: "mirror",
        required: false,
        shape: &Shape::Text,
        doc: "The mirror: an https, http or file URL.",
        default: Some("https://dl-cdn.alpinelinux.org/alpine"),
    },
    Field {
        key: "repositories",
        required: false,
        shape: &Shape::List(&Shape::Text),
        doc: "Branches of the mirror (`main`) or whole URLs; `@tag ` before one makes it a tagged repository.",
        default: Some("[main, community]"),
    },
    Field {
        key: "release",
        required: false,
        shape: &Shape::Word,
        doc: "The Alpine release (`3.20`, `edge`) of bases whose tag does not say it.",
        default: Some("what the base's tag says"),
    },
    Field {
        key: "keys",
        required: false,
        shape: &Shape::List(&Shape::Text),
        doc: "Public key files (PEM) in the project that may sign an index, besides Alpine's own.",
        default: Some("[]"),
    },
];

static IMAGE: &[Field] = &[
    Field {
        key: "dockerfile",
        required: true,
        shape: &Shape::Text,
        doc: "The Dockerfile: what `aboard render` writes, or a hand-written one where no template is named.",
        default: None,
    },
    Field {
        key: "template",
        required: false,
        shape: &Shape::Text,
        doc: "A built-in template, or the path of a project's own `.j2`.",
        default: Some("none: the Dockerfile is hand-written"),
    },
    Field {
        key: "base",
        required: false,
        shape: &Shape::Text,
        doc: "The image that the runtime stage starts from; it must be there where a template is named.",
        default: Some("what the hand-written Dockerfile says"),
    },
    Field {
        key: "context",
        required: false,
        shape: &Shape::Text,
        doc: "The folder that the build is given.",
        default: Some("."),
    },
    Field {
        key: "platform",
        required: false,
        shape: &Shape::Text,
        doc: "The platform that the image runs on.",
        default: Some("linux/amd64"),
    },
    Field {
        key: "tags",
        required: false,
        shape: &Shape::List(&Shape::Text),
        doc: "The references that a build is tagged with.",
        default: Some("[NAME:dev]"),
    },
    Field {
        key: "code",
        required: false,
        shape: &Shape::List(&Shape::Text),
        doc: "The code that runs in the image: paths, or `LANGUAGE:PATH` where the language is not plain.",
        default: Some("what the Dockerfile copies in"),
    },
    Field {
        key: "programs",
        required: false,
        shape: &Shape::Map(&Shape::Object(PROGRAM)),
        doc: "The programs that the code runs; `aboard derive` keeps this in step.",
        default: Some("{}"),
    },
    Field {
        key: "packages",
        required: false,
        shape: &Shape::Map(&Shape::Reason),
        doc: "Packages that bring no program, and why they are there.",
        default: Some("{}"),
    },
    Field {
        key: "ignore",
        required: false,
        shape: &Shape::Map(&Shape::Reason),
        doc: "Programs that need not be there, and why.",
        default: Some("{}"),
    },
    Field {
        key: "vars",
        required: false,
        shape: &Shape::Map(&Shape::Any),
        doc: "Variables for the template. A bare number with a point stays as it is written.",
        default: Some("{}"),
    },
    Field {
        key: "target",
        required: false,
        shape: &Shape::Text,
        doc: "The stage that ships.",
        default: Some("the last one"),
    },
    Field {
        key: "build_args",
        required: false,
        shape: &Shape::Map(&Shape::Word),
        doc: "`--build-arg` values.",
        default: Some("{}"),
    },
    Field {
        key: "build_tags",
        required: false,
        shape: &Shape::List(&Shape::Text),
        doc: "Go build tags, as in `go build -tags`.",
        default: Some("[]"),
    },
    Field {
        key: "release",
        required: false,
        shape: &Shape::Word,
        doc: "The Alpine release of the base (`3.20`, `edge`), where its tag does not say it.",
        default: Some("what the base's tag says"),
    },
    Field {
        key: "pin",
        required: false,
        shape: &Shape::Choice(&["none", "minor", "exact"]),
        doc: "How packages are pinned: `pkg`, `pkg~=1.2` or `pkg=1.2-r3`.",
        default: Some("none"),
    },
];

static PROGRAM: &[Field] = &[
    Field {
        key: "package",
        required: false,
        shape: &Shape::Text,
        doc: "The package that shall provide it, where there are several or the base's applet will not do.",
        default: Some("chosen from the index"),
    },
    Field {
        key: "optional",
        required: false,
        shape: &Shape::Flag,
        doc: "Whether the image may go without it.",
        default: Some("false"),
    },
    Field {
        key: "provided_by",
        required: false,
        shape: &Shape::Text,
        doc: "What else puts it into the image (a mount, a download); aboard takes the manifest's word.",
        default: None,
    },
    Field {
        key: "probe",
        required: false,
        shape: &Shape::List(&Shape::Word),
        doc: "Arguments with which `aboard verify --run` starts it.",
        default: None,
    },
];

impl Shape {
    /// The form in words, for messages.
    fn name(&self) -> String {
        match self {
            Self::Text | Self::Word | Self::Reason => "a text".to_owned(),
            Self::Absolute => "a path that starts with `/`, without spaces".to_owned(),
            Self::Source => "a path inside of the build's context, without spaces".to_owned(),
            Self::Token => "a word without spaces, quotes and the shell's own characters".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Number => "a whole number".to_owned(),
            Self::Version => "the number 1".to_owned(),
            Self::Either(shapes) => shapes.iter().map(Self::name).collect::<Vec<_>>().join(" or "),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) | Self::Object(_) => "a map".to_owned(),
            Self::Any => "a value".to_owned(),
        }
    }

    fn accepts(&self, node: &Node) -> bool {
        let kind = node.type_name();
        match self {
            Self::Text => kind == "a text",
            Self::Absolute => {
                kind == "a text" && node.text().is_some_and(|text| text.starts_with('/') && is_token(text))
            }
            Self::Source => {
                let inside = |text: &str| is_token(text) && crate::walk::normalize(text).is_some();
                kind == "a text" && node.text().is_some_and(inside)
            }
            Self::Token => kind == "a text" && node.text().is_some_and(is_token),
            Self::Word => matches!(kind, "a text" | "a number" | "a truth value"),
            Self::Reason => matches!(kind, "a text" | "nothing"),
            Self::Flag => kind == "a truth value",
            Self::Number => kind == "a number" && node.text().is_some_and(|text| text.parse::<u32>().is_ok()),
            Self::Either(shapes) => shapes.iter().any(|shape| shape.accepts(node)),
            Self::Version => kind == "a number" && node.text() == Some("1"),
            Self::Choice(words) => kind == "a text" && node.text().is_some_and(|text| words.contains(&text)),
            Self::List(_) => matches!(kind, "a list" | "nothing"),
            Self::Map(_) | Self::Object(_) => matches!(kind, "a map" | "nothing"),
            Self::Any => true,
        }
    }
}

/// Whether a text stands as one word in any instruction of a Dockerfile, in shell form too; `*` and `$NAME` keep their
/// meaning there.
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"\"'`\\;&|<>(){}#".contains(c))
}

/// Checks the whole document's form.
pub(crate) fn check(root: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    if is_empty(root) {
        findings.push(empty(root.span));
    } else {
        check_value(root, &MANIFEST, "the manifest", root.span, &mut findings);
        if let Some(images) = root.get("images").filter(|images| is_empty(&images.value)) {
            let finding = Finding::new(&EMPTY_MANIFEST, "the manifest has no image").label(images.key_span, "");
            findings.push(finding.help("each image stands under `images` by its name, with its `dockerfile`"));
        }
    }
    findings
}

/// Whether a node is nothing, or a map without entries.
fn is_empty(node: &Node) -> bool {
    node.is_null() || node.entries().is_empty() && node.type_name() == "a map"
}

/// The finding for a manifest without content.
pub(crate) fn empty(span: Span) -> Finding {
    Finding::new(&EMPTY_MANIFEST, "the manifest is empty")
        .label(span, "")
        .help("run `aboard init` to write one, or start with `version: 1` and `images:`")
}

/// `what` names the value in messages; `owner` is where a missing key is shown.
fn check_value(node: &Node, shape: &Shape, what: &str, owner: Span, findings: &mut Vec<Finding>) {
    if !shape.accepts(node) {
        findings.push(wrong_type(node, shape, what));
        return;
    }
    match (shape, &node.kind) {
        (Shape::List(item), Kind::List { items, .. }) => {
            for value in items {
                check_value(value, item, &format!("an item of {what}"), value.span, findings);
            }
        }
        (Shape::Map(value), Kind::Map { entries, .. }) => {
            for entry in entries {
                check_value(&entry.value, value, &format!("`{}`", entry.key), entry.key_span, findings);
            }
        }
        (Shape::Object(fields), _) => check_object(node, || fields.iter(), what, owner, findings),
        (Shape::Either(shapes), _) => {
            if let Some(shape) = shapes.iter().find(|shape| shape.accepts(node)) {
                check_value(node, shape, what, owner, findings);
            }
        }
        _ => {}
    }
}

/// Checks a map with known keys; `fields` gives them each time anew.
pub(crate) fn check_object<I: Iterator<Item = &'static Field>>(
    node: &Node,
    fields: impl Fn() -> I,
    what: &str,
    owner: Span,
    findings: &mut Vec<Finding>,
) {
    for entry in node.entries() {
        match fields().find(|field| field.key == entry.key) {
            Some(field) => {
                check_value(&entry.value, field.shape, &format!("`{}`", entry.key), entry.key_span, findings);
            }
            None => findings.push(unknown_key(node, entry, fields(), what)),
        }
    }
    for field in fields().filter(|field| field.required && node.get(field.key).is_none()) {
        let finding = Finding::new(&MISSING_KEY, format!("{what} has no `{}`", field.key))
            .label(owner, format!("`{}` is missing here", field.key))
            .help(format!("`{}`: {}", field.key, field.doc));
        findings.push(finding);
    }
}

fn wrong_type(node: &Node, shape: &Shape, what: &str) -> Finding {
    let written = node.text().filter(|text| !text.is_empty());
    let message = match (shape, written) {
        (
            Shape::Version | Shape::Choice(_) | Shape::Absolute | Shape::Source | Shape::Token | Shape::Number,
            Some(text),
        ) => {
            format!("{what} is {text:?} where {} is wanted", shape.name())
        }
        _ => format!("{what} is {} where {} is wanted", node.type_name(), shape.name()),
    };
    let finding = Finding::new(&WRONG_TYPE, message).label(node.span, "");
    match (shape, written) {
        // What YAML reads as a number, a truth value or nothing is a text once it stands in quotes.
        (Shape::Text, Some(text)) => {
            let quoted = format!("\"{text}\"");
            let fix = replacement("put it in quotes".to_owned(), node.span, quoted.clone());
            finding.help(format!("write it in quotes: {quoted}")).fix(fix)
        }
        (Shape::Choice(words), Some(text)) => match nearest(text, words.iter().copied()) {
            Some(near) => meant(finding, node.span, near),
            None => finding,
        },
        _ => finding,
    }
}

fn unknown_key(map: &Node, entry: &Entry, fields: impl Iterator<Item = &'static Field>, what: &str) -> Finding {
    let known: Vec<&str> = fields.map(|field| field.key).collect();
    let message = format!("`{}` is not a key of {what}", entry.key);
    let finding = Finding::new(&UNKNOWN_KEY, message).label(entry.key_span, "");
    if entry.key == "<<" {
        return finding.help("YAML 1.1's merge keys are not followed; an alias as a whole value is");
    }
    match nearest(&entry.key, known.iter().copied()) {
        Some(near) if map.get(near).is_some() => finding.help(format!("`{near}` is there already")),
        Some(near) => meant(finding, entry.key_span, near),
        None => finding.help(format!("known keys are `{}`", known.join("`, `"))),
    }
}

/// Says which word may be meant, and offers to write it.
pub(crate) fn meant(finding: Finding, span: Span, word: &str) -> Finding {
    let fix = replacement(format!("write `{word}`"), span, word.to_owned());
    finding.help(format!("`{word}` may be meant")).fix(fix)
}

fn replacement(description: String, span: Span, replacement: String) -> Fix {
    Fix { description, edits: vec![Edit { span, replacement }] }
}

/// The known word that is most like `word`, where one is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.get(..64.min(word.len()))?;
    known
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0).then_with(|| right.1.cmp(left.1)))
        .map(|(_, candidate)| candidate)
}
