//! What `aboard` has to say: a finding with a code, labelled places, help, and where possible a fix.
//!
//! A [`Rule`] is declared beside the code that finds it; `check::RULES` is the one table of them all. Nothing here
//! prints: [`crate::report`] does.

use crate::file::Span;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probably a fault, or something that could not be settled.
    Warning,
    /// A fault: the image would fail, or the input is wrong.
    Error,
}

impl Severity {
    /// `note`, `warning` or `error`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// The code, in kebab case (`missing-program`); also the name of its file in `docs/findings/`.
    pub code: &'static str,
    /// The severity unless the finding says otherwise.
    pub severity: Severity,
    /// One line that says what is wrong.
    pub summary: &'static str,
    /// The documentation that `aboard explain` prints (Markdown).
    pub docs: &'static str,
}

/// A place in a file with what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// A few words, or nothing.
    pub message: String,
}

/// One replacement of a range of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; an empty span inserts.
    pub span: Span,
    /// What stands there afterwards.
    pub replacement: String,
}

/// A change that mends a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What the change does, as a command (`add docker-cli to the apk add line`).
    pub description: String,
    /// The edits; none overlap.
    pub edits: Vec<Edit>,
}

/// A diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind it is.
    pub rule: &'static Rule,
    /// The severity of this one.
    pub severity: Severity,
    /// One sentence that says what is wrong, without a final full stop.
    pub message: String,
    /// What it is about where no file can say it (`image workspace-server`).
    pub subject: Option<String>,
    /// The places; the first is the primary one.
    pub labels: Vec<Label>,
    /// What to do, or more of the reason; one line each.
    pub help: Vec<String>,
    /// How it can be mended.
    pub fix: Option<Fix>,
}

impl Finding {
    /// A finding of a rule, at the rule's severity, with a message.
    pub fn new(rule: &'static Rule, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity,
            message: message.into(),
            subject: None,
            labels: Vec::new(),
            help: Vec::new(),
            fix: None,
        }
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Adds a labelled place.
    #[must_use]
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { span, message: message.into() });
        self
    }

    /// Adds a line of help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Sets another severity than the rule's.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Says what the finding is about where no file can.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Adds the change that mends it.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }
}
