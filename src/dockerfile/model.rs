//! What a Dockerfile says: stages and instructions, every part with its place.
//!
//! The model holds the text as written; variables are expanded by [`super::expand()`], and what the instructions do to an
//! image is worked out by [`super::plan`].

use crate::file::{FileId, MappedText, Span};

/// A Dockerfile that parsed.
#[derive(Clone, Debug)]
pub struct Dockerfile {
    /// The file.
    pub file: FileId,
    /// The escape character: a backslash unless the parser directive says a backtick.
    pub escape: char,
    /// The parser directives (`# syntax=…`, `# escape=…`, `# check=…`), by name.
    pub directives: Vec<(&'static str, Word)>,
    /// The `ARG` instructions before the first `FROM`.
    pub global_args: Vec<Instruction>,
    /// The stages, in the order of the file; at least one.
    pub stages: Vec<Stage>,
}

/// A word of an instruction, with line continuations removed and variables as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The text; quotes are still there unless it comes from a JSON array.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// One build stage: a `FROM` and the instructions up to the next.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Its place in the file, counted from 0.
    pub index: usize,
    /// The name after `AS`.
    pub name: Option<Word>,
    /// The image or stage that it starts from, as written.
    pub image: Word,
    /// The value of `--platform`, as written.
    pub platform: Option<Word>,
    /// The whole `FROM` instruction.
    pub span: Span,
    /// What follows, without the `FROM`.
    pub instructions: Vec<Instruction>,
}

impl Stage {
    /// The name after `AS`, else the number, as a person would call it.
    pub fn label(&self) -> String {
        self.name.as_ref().map_or_else(|| self.index.to_string(), |name| name.text.clone())
    }
}

/// An instruction and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What it says.
    pub kind: Kind,
    /// The keyword (`RUN`).
    pub keyword: Span,
    /// From the keyword to the end of the last line, here-documents included.
    pub span: Span,
}

/// The instructions of a Dockerfile, except `FROM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `ADD`: like [`Kind::Copy`], and sources may be URLs, git repositories and archives that are unpacked.
    Add(Copy),
    /// `ARG`: names with their defaults.
    Arg(Vec<Variable>),
    /// `CMD`.
    Cmd(Command),
    /// `COPY`.
    Copy(Copy),
    /// `ENTRYPOINT`.
    Entrypoint(Command),
    /// `ENV`: names with their values.
    Env(Vec<Variable>),
    /// `HEALTHCHECK`; nothing for `NONE`.
    Healthcheck(Option<Command>),
    /// `ONBUILD`: what a stage that starts from this one runs first.
    Onbuild(Box<Instruction>),
    /// `RUN`.
    Run(Run),
    /// `SHELL`: the words that run shell forms.
    Shell(Vec<Word>),
    /// `USER`.
    User(Word),
    /// `WORKDIR`.
    Workdir(Word),
    /// `EXPOSE`, `LABEL`, `MAINTAINER`, `STOPSIGNAL` and `VOLUME`, which change nothing that a program needs.
    Inert(&'static str),
}

/// A name and a value of `ARG` or `ENV`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The name.
    pub name: String,
    /// The value as written, quotes included; nothing for an `ARG` without a default.
    pub value: Option<String>,
    /// Where the pair stands.
    pub span: Span,
}

/// `COPY` or `ADD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// `--name=value` and `--name`, in order, without the dashes.
    pub flags: Vec<Flag>,
    /// The sources.
    pub sources: Vec<Source>,
    /// The destination.
    pub destination: Word,
}

/// A flag of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The name, without dashes.
    pub name: String,
    /// The value.
    pub value: Option<Word>,
    /// The whole flag.
    pub span: Span,
}

/// The value of the flag `name` among `flags`.
pub fn flag<'a>(flags: &'a [Flag], name: &str) -> Option<&'a Word> {
    flags.iter().find(|flag| flag.name == name)?.value.as_ref()
}

/// What a `COPY` or `ADD` takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A path, a glob or, for `ADD`, a URL.
    Path(Word),
    /// A here-document; the word is the name of the file where the destination is a folder.
    HereDoc(Word, HereDoc),
}

/// A here-document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HereDoc {
    /// The word that ends it, unquoted.
    pub delimiter: String,
    /// Variables in it are expanded: the delimiter is not quoted.
    pub expand: bool,
    /// The text, with leading tabs removed after `<<-`.
    pub text: MappedText,
    /// The lines of the body, without the delimiter.
    pub span: Span,
}

/// `RUN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// `--mount`, `--network`, `--security`.
    pub flags: Vec<Flag>,
    /// What is run.
    pub command: Command,
    /// The here-documents that the command line names, in order.
    pub here_docs: Vec<HereDoc>,
}

/// What `RUN`, `CMD`, `ENTRYPOINT` and `HEALTHCHECK CMD` run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The words of a JSON array: run without a shell. May be empty for `CMD`.
    Exec(Vec<Word>, Span),
    /// Text for the shell, on one line: continuations and comment lines are taken out, as docker does.
    Shell(MappedText, Span),
}

impl Command {
    /// Where the command stands.
    pub fn span(&self) -> Span {
        match self {
            Self::Exec(_, span) | Self::Shell(_, span) => *span,
        }
    }
}
