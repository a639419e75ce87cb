//! Exec sites: the places in code that run a program, and how each program was settled.

use crate::file::Span;
use std::fmt;

/// What an exec site runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Program {
    /// A program looked up on the PATH (`docker`).
    Name(String),
    /// A program named by its path, absolute or relative (`/usr/sbin/iptables`, `./run.sh`).
    Path(String),
    /// It cannot be known from the code; the reason says where the value comes from.
    Dynamic(String),
}

impl Program {
    /// A [`Program::Path`] where the text holds a slash, else a [`Program::Name`].
    pub fn from_text(text: &str) -> Self {
        if text.contains('/') { Self::Path(text.to_owned()) } else { Self::Name(text.to_owned()) }
    }

    /// The last part of the name or path; nothing for a dynamic one.
    pub fn base_name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Path(path) => Some(path.rsplit('/').next().unwrap_or(path)),
            Self::Dynamic(_) => None,
        }
    }

    /// The name or path as the code gives it; nothing for a dynamic one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Name(text) | Self::Path(text) => Some(text),
            Self::Dynamic(_) => None,
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(text) | Self::Path(text) => f.write_str(text),
            Self::Dynamic(reason) => write!(f, "(dynamic: {reason})"),
        }
    }
}

/// One step of the chain that settles a program, from the sink back to the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step {
    /// What happens there, in a few words (`parameter bin`, `constant dockerBin`).
    pub what: String,
    /// Where.
    pub span: Span,
}

/// A place that runs a program. A site that can run several programs stands once for each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExecSite {
    /// What it runs.
    pub program: Program,
    /// The place, mapped back into the file that a person would edit.
    pub span: Span,
    /// The language, as the table of languages names it (`go`, `shell`, `dockerfile`).
    pub language: &'static str,
    /// What runs it, as the language writes it (`exec.CommandContext`, `ENTRYPOINT`, `command`).
    pub api: String,
    /// The steps that settle the program, from the sink back.
    pub trace: Vec<Step>,
    /// The code checks first whether the program exists, or copes with its absence.
    pub optional: bool,
    /// The program is a default that configuration can replace.
    pub default: bool,
    /// The constant arguments after the program, as far as they are known; for notes on options that an applet lacks.
    pub arguments: Vec<String>,
}

impl ExecSite {
    /// A site with an empty trace that is neither optional nor a default.
    pub fn new(program: Program, span: Span, language: &'static str, api: impl Into<String>) -> Self {
        Self {
            program,
            span,
            language,
            api: api.into(),
            trace: Vec::new(),
            optional: false,
            default: false,
            arguments: Vec::new(),
        }
    }
}
