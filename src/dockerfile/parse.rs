//! Text to model: the grammar is `parse-dockerfile`'s, here-documents are [`super::heredoc`]'s.
//!
//! Refused is what docker refuses before it looks at anything but the text; each fault is a finding with a place. What
//! docker refuses only once it builds (a missing source, an unknown flag) is not judged here.

use super::heredoc::{self, Masked};
use super::model::{Command, Copy, Dockerfile, Flag, HereDoc, Instruction, Kind, Run, Source, Stage, Variable, Word};
use crate::file::{FileId, Files, MappedText, Span};
use crate::finding::{Finding, Rule, Severity};
use parse_dockerfile as raw;

/// A Dockerfile that docker itself would refuse to read.
pub static DOCKERFILE_SYNTAX: Rule = Rule {
    code: "dockerfile-syntax",
    severity: Severity::Error,
    summary: "the Dockerfile cannot be read",
    docs: include_str!("../../docs/findings/dockerfile-syntax.md"),
};

/// Reads a Dockerfile.
pub fn parse(files: &Files, file: FileId) -> Result<Dockerfile, Box<Finding>> {
    let source = files.get(file);
    let text = source.text();
    let directives = directives(file, text);
    let escape = match directives.iter().find(|(name, _)| *name == "escape") {
        Some((_, word)) if word.text == "`" => '`',
        _ => '\\',
    };
    let mut masked = heredoc::mask(file, text, escape).map_err(|open| {
        let span = Span::new(file, open.marker.0, open.marker.1);
        Box::new(
            Finding::new(&DOCKERFILE_SYNTAX, format!("nothing ends the here-document `{}`", open.delimiter))
                .label(span, "starts here")
                .help(format!("a line that holds `{}` alone ends it", open.delimiter)),
        )
    })?;
    masked.text = with_empty_entrypoints(&with_plain_directives(&masked.text, directives.len()), escape);
    Reader::new(file, text, escape, &masked).read(directives)
}

/// What the crate reports, at its place.
fn fault(file: FileId, text: &str, error: &raw::Error) -> Finding {
    let message = format!("{error:#}");
    let finding = Finding::new(&DOCKERFILE_SYNTAX, message);
    if error.line() == 0 {
        return finding.label(Span::new(file, 0, 0), "");
    }
    let line_start = text.split_inclusive('\n').take(error.line() - 1).map(str::len).sum::<usize>();
    let start = (line_start + error.column().saturating_sub(1) + bom(text)).min(text.len());
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.find(|c: char| c.is_whitespace()).unwrap_or(rest.len());
    finding.label(Span::new(file, start, start + length), "")
}

/// The length of a byte order mark; the crate counts from behind it.
fn bom(text: &str) -> usize {
    if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}

/// The parser directives: comments of the form `# name=value` before anything else, each name once.
/// Source: <https://docs.docker.com/reference/dockerfile/#parser-directives>.
fn directives(file: FileId, text: &str) -> Vec<(&'static str, Word)> {
    let mut found: Vec<(&'static str, Word)> = Vec::new();
    let mut at = bom(text);
    for line in text[at..].split_inclusive('\n') {
        let start = at;
        at += line.len();
        let Some((name, value)) = line.trim_start().strip_prefix('#').and_then(|rest| rest.split_once('=')) else {
            break;
        };
        let Some(name) =
            ["check", "escape", "syntax"].into_iter().find(|known| name.trim().eq_ignore_ascii_case(known))
        else {
            break;
        };
        if found.iter().any(|(known, _)| *known == name) {
            break;
        }
        let from = start + line.len() - value.len() + (value.len() - value.trim_start().len());
        let value = value.trim();
        found.push((name, Word { text: value.to_owned(), span: Span::new(file, from, from + value.len()) }));
    }
    found
}

/// The text with the blanks before its first `count` lines moved behind them: docker takes indented directives, the crate
/// does not.
fn with_plain_directives(text: &str, count: usize) -> String {
    let mut plain = String::with_capacity(text.len());
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let body = line.trim_end_matches(['\n', '\r']);
        let (mark, rest) = body.split_at(if number == 0 { bom(body) } else { 0 });
        let bare = rest.trim_start_matches([' ', '\t']);
        if number < count && bare.len() < rest.len() {
            plain.push_str(mark);
            plain.push_str(bare);
            plain.extend(std::iter::repeat_n(' ', rest.len() - bare.len()));
            plain.push_str(&line[body.len()..]);
        } else {
            plain.push_str(line);
        }
    }
    plain
}

/// The text with `ENTRYPOINT []` written as `CMD []`, blanks behind the keyword: docker takes an empty list as the word to
/// start nothing, the crate refuses it. The reader tells the two apart by the file's own text.
fn with_empty_entrypoints(text: &str, escape: char) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut continued = false;
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        let (keyword, list) = bare.split_at_checked(ENTRYPOINT.len()).unwrap_or((bare, ""));
        let is_empty = list.trim().strip_prefix('[').is_some_and(|rest| rest.trim_start() == "]");
        if !continued && is_empty && keyword.eq_ignore_ascii_case(ENTRYPOINT) {
            let blanks = line.len() - line.trim_start().len();
            plain.push_str(&line[..blanks]);
            plain.push_str("CMD       ");
            plain.push_str(&line[blanks + ENTRYPOINT.len()..]);
        } else {
            plain.push_str(line);
        }
        continued = bare.ends_with(escape);
    }
    plain
}

const ENTRYPOINT: &str = "ENTRYPOINT";

struct Reader<'a> {
    file: FileId,
    text: &'a str,
    escape: char,
    masked: &'a Masked,
    bom: usize,
}

impl<'a> Reader<'a> {
    fn new(file: FileId, text: &'a str, escape: char, masked: &'a Masked) -> Self {
        Self { file, text, escape, masked, bom: bom(text) }
    }

    fn read(&self, directives: Vec<(&'static str, Word)>) -> Result<Dockerfile, Box<Finding>> {
        let mut dockerfile = Dockerfile {
            file: self.file,
            escape: self.escape,
            directives,
            global_args: Vec::new(),
            stages: Vec::new(),
        };
        let refused = |error: &raw::Error| Box::new(fault(self.file, self.text, error));
        for instruction in raw::parse_iter(&self.masked.text).map_err(|error| refused(&error))? {
            let instruction = instruction.map_err(|error| refused(&error))?;
            if let raw::Instruction::From(from) = &instruction {
                let stage = self.stage(from, dockerfile.stages.len())?;
                dockerfile.stages.push(stage);
                continue;
            }
            let instruction = self.instruction(&instruction)?;
            match dockerfile.stages.last_mut() {
                Some(stage) => stage.instructions.push(instruction),
                None => dockerfile.global_args.push(instruction),
            }
        }
        Ok(dockerfile)
    }

    fn stage(&self, from: &raw::FromInstruction<'_>, index: usize) -> Result<Stage, Box<Finding>> {
        let flags = from.options.iter().map(|option| self.flag(option)).collect::<Vec<_>>();
        let name = from.as_.as_ref().map(|(_, name)| self.word(name));
        let span = self.whole(&from.from.span);
        if let Some(name) = &name
            && !is_stage_name(&name.text)
        {
            return Err(Box::new(
                Finding::new(&DOCKERFILE_SYNTAX, format!("`{}` cannot name a stage", name.text))
                    .label(name.span, "")
                    .help("a name starts with a letter and goes on with letters, digits, `-`, `_` and `.`"),
            ));
        }
        Ok(Stage {
            index,
            name,
            image: self.word(&from.image),
            platform: super::model::flag(&flags, "platform").cloned(),
            span,
            instructions: Vec::new(),
        })
    }

    fn instruction(&self, instruction: &raw::Instruction<'_>) -> Result<Instruction, Box<Finding>> {
        use raw::Instruction as I;
        let (keyword, kind) = match instruction {
            I::Add(add) => (&add.add, Kind::Add(self.copy(&add.options, &add.src, &add.dest))),
            I::Copy(copy) => (&copy.copy, Kind::Copy(self.copy(&copy.options, &copy.src, &copy.dest))),
            I::Arg(arg) => (&arg.arg, Kind::Arg(self.variables(&arg.arguments.span, Form::Arg)?)),
            I::Env(env) => (&env.env, Kind::Env(self.variables(&env.arguments.span, Form::Env)?)),
            I::Cmd(cmd) => {
                let start = cmd.cmd.span.start + self.bom;
                let written = self.text.get(start..start + ENTRYPOINT.len()).unwrap_or_default();
                let command = self.command(&cmd.arguments);
                let is_entrypoint = written.eq_ignore_ascii_case(ENTRYPOINT);
                (&cmd.cmd, if is_entrypoint { Kind::Entrypoint(command) } else { Kind::Cmd(command) })
            }
            I::Entrypoint(entry) => (&entry.entrypoint, Kind::Entrypoint(self.command(&entry.arguments))),
            I::Healthcheck(check) => {
                let command = match &check.arguments {
                    raw::HealthcheckArguments::Cmd { arguments, .. } => Some(self.command(arguments)),
                    _ => None,
                };
                (&check.healthcheck, Kind::Healthcheck(command))
            }
            I::Onbuild(on) => (&on.onbuild, Kind::Onbuild(Box::new(self.instruction(&on.instruction)?))),
            I::Run(run) => (&run.run, Kind::Run(self.run(run))),
            I::Shell(shell) => {
                (&shell.shell, Kind::Shell(shell.arguments.iter().map(|word| self.word(word)).collect()))
            }
            I::User(user) => (&user.user, Kind::User(self.word(&user.arguments))),
            I::Workdir(workdir) => (&workdir.workdir, Kind::Workdir(self.word(&workdir.arguments))),
            I::Expose(expose) => (&expose.expose, Kind::Inert("EXPOSE")),
            I::Label(label) => (&label.label, Kind::Inert("LABEL")),
            I::Maintainer(maintainer) => (&maintainer.maintainer, Kind::Inert("MAINTAINER")),
            I::Stopsignal(signal) => (&signal.stopsignal, Kind::Inert("STOPSIGNAL")),
            I::Volume(volume) => (&volume.volume, Kind::Inert("VOLUME")),
            I::From(from) => return Err(Box::new(self.misplaced(&from.from.span))),
            _ => return Err(Box::new(self.misplaced(&(0..0)))),
        };
        let mut span = self.span(&keyword.span);
        if matches!(kind, Kind::Entrypoint(_)) {
            span.end = span.start + ENTRYPOINT.len() as u32;
        }
        Ok(Instruction { kind, keyword: span, span: self.whole(&keyword.span) })
    }

    /// `ONBUILD FROM`, or an instruction that the grammar knows and the model does not.
    fn misplaced(&self, range: &raw::Span) -> Finding {
        let span = self.span(range);
        let keyword = &self.text[span.start as usize..span.end as usize];
        Finding::new(&DOCKERFILE_SYNTAX, format!("`{keyword}` cannot stand here")).label(span, "")
    }

    fn span(&self, range: &raw::Span) -> Span {
        Span::new(self.file, range.start + self.bom, range.end + self.bom)
    }

    /// From a keyword to the end of its logical line and the here-documents below it, without the last line break.
    fn whole(&self, keyword: &raw::Span) -> Span {
        let start = keyword.start + self.bom;
        let line = self.masked.ends.partition_point(|(at, _)| *at <= start).saturating_sub(1);
        let end = self.masked.ends.get(line).map_or(start, |(_, end)| *end);
        let text = self.text.get(start..end).unwrap_or_default();
        Span::new(self.file, start, start + text.trim_end().len())
    }

    fn word(&self, word: &raw::UnescapedString<'_>) -> Word {
        Word { text: word.value.to_string(), span: self.span(&word.span) }
    }

    fn flag(&self, flag: &raw::Flag<'_>) -> Flag {
        Flag {
            name: flag.name.value.to_string(),
            value: flag.value.as_ref().map(|value| self.word(value)),
            span: self.span(&flag.span()),
        }
    }

    fn copy(
        &self,
        flags: &[raw::Flag<'_>],
        sources: &[raw::Source<'_>],
        destination: &raw::UnescapedString<'_>,
    ) -> Copy {
        let sources = sources.iter().filter_map(|source| match source {
            raw::Source::Path(word) => {
                let mut word = self.word(word);
                let doc = self.here_docs(word.span).next().cloned();
                Some(match doc {
                    Some(doc) => {
                        word.text.clone_from(&doc.delimiter);
                        Source::HereDoc(word, doc)
                    }
                    None => Source::Path(word),
                })
            }
            _ => None,
        });
        Copy {
            flags: flags.iter().map(|flag| self.flag(flag)).collect(),
            sources: sources.collect(),
            destination: self.word(destination),
        }
    }

    fn run(&self, run: &raw::RunInstruction<'_>) -> Run {
        let command = self.command(&run.arguments);
        let here_docs = match &command {
            Command::Shell(_, span) => self.here_docs(*span).cloned().collect(),
            Command::Exec(..) => Vec::new(),
        };
        Run { flags: run.options.iter().map(|flag| self.flag(flag)).collect(), command, here_docs }
    }

    /// The here-documents whose markers stand in a span.
    fn here_docs(&self, span: Span) -> impl Iterator<Item = &HereDoc> {
        let inside = move |at: usize| at >= span.start as usize && at < span.end as usize;
        self.masked.found.iter().filter(move |(at, _)| inside(*at)).map(|(_, doc)| doc)
    }

    fn command(&self, command: &raw::Command<'_>) -> Command {
        match command {
            raw::Command::Exec(words) => {
                Command::Exec(words.value.iter().map(|word| self.word(word)).collect(), self.span(&words.span))
            }
            raw::Command::Shell(text) => Command::Shell(self.joined(&text.span), self.span(&text.span)),
            _ => Command::Exec(Vec::new(), Span::new(self.file, 0, 0)),
        }
    }

    /// The text of a range as one line: continuations, and the comment and empty lines among them, are taken out.
    fn joined(&self, range: &raw::Span) -> MappedText {
        let span = self.span(range);
        let mut at = span.start as usize;
        let mut mapped = MappedText::new();
        let mut first = true;
        for line in self.text[at..span.end as usize].split_inclusive('\n') {
            let start = at;
            at += line.len();
            let skipped = line.trim_start();
            if !first && (skipped.is_empty() || skipped.starts_with('#')) {
                continue;
            }
            first = false;
            let body = line.trim_end_matches(['\n', '\r']);
            // A continuation at the end of the file continues with nothing.
            let kept = body.trim_end_matches([' ', '\t']).strip_suffix(self.escape).unwrap_or(body);
            if !kept.is_empty() {
                mapped.push(kept, Span::new(self.file, start, start + kept.len()));
            }
        }
        mapped
    }

    fn variables(&self, range: &raw::Span, form: Form) -> Result<Vec<Variable>, Box<Finding>> {
        let mapped = self.joined(range);
        let whole = self.span(range);
        let words = split_words(mapped.text(), self.escape);
        let place = |from: usize, to: usize| mapped.span(from, to).unwrap_or(whole);
        if form == Form::Env
            && let Some(&(start, end)) = words.first()
            && !mapped.text()[start..end].contains('=')
        {
            return self.legacy_env(mapped.text(), (start, end), whole);
        }
        let mut variables = Vec::new();
        for (start, end) in words {
            let word = &mapped.text()[start..end];
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None if form == Form::Arg => (word, None),
                None => {
                    let message = format!("`{word}` has no value: ENV takes NAME=VALUE");
                    return Err(Box::new(Finding::new(&DOCKERFILE_SYNTAX, message).label(place(start, end), "")));
                }
            };
            if name.is_empty() {
                let message = "a variable without a name";
                return Err(Box::new(Finding::new(&DOCKERFILE_SYNTAX, message).label(place(start, end), "")));
            }
            let name = name.trim_matches(['"', '\'']).to_owned();
            variables.push(Variable { name, value, span: place(start, end) });
        }
        Ok(variables)
    }

    /// `ENV NAME the rest of the line`.
    fn legacy_env(&self, text: &str, name: (usize, usize), whole: Span) -> Result<Vec<Variable>, Box<Finding>> {
        let value = text[name.1..].trim();
        let name = &text[name.0..name.1];
        if value.is_empty() {
            let message = format!("`{name}` has no value: ENV takes NAME=VALUE");
            return Err(Box::new(Finding::new(&DOCKERFILE_SYNTAX, message).label(whole, "")));
        }
        Ok(vec![Variable { name: name.to_owned(), value: Some(value.to_owned()), span: whole }])
    }
}

/// Which instruction a list of variables belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Arg,
    Env,
}

/// The words of `ENV` and `ARG`: split at white space outside quotes; quotes and escapes are kept.
fn split_words(text: &str, escape: char) -> Vec<(usize, usize)> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut skip = false;
    for (at, c) in text.char_indices() {
        if skip {
            skip = false;
            continue;
        }
        if quote.is_none() && c.is_whitespace() {
            words.extend(start.take().map(|start| (start, at)));
            continue;
        }
        start.get_or_insert(at);
        match c {
            c if c == escape && quote != Some('\'') => skip = true,
            '"' | '\'' if quote.is_none() => quote = Some(c),
            c if quote == Some(c) => quote = None,
            _ => {}
        }
    }
    words.extend(start.map(|start| (start, text.len())));
    words
}

/// Source: <https://github.com/moby/buildkit/blob/v0.13.0/frontend/dockerfile/instructions/parse.go#L305>.
fn is_stage_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}
