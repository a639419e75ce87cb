//! Simple commands: their assignments, redirections and words.

use super::builtin::is_builtin;
use super::lex::Lexer;
use super::parse::{Code, Parts};
use super::value::{Fields, State, Value, add};
use super::walk::{Command, Walker};
use super::wrapper::{Inner, wrapper};
use crate::file::MappedText;
use crate::site::Step;
use brush_parser::ast;
use std::ops::Range;
use std::rc::Rc;

/// What a command's redirections do to it.
#[derive(Default)]
pub(super) struct Redirected {
    /// What stands on its standard input, where that is text in the script.
    pub(super) input: Option<Value>,
    /// Its output goes elsewhere.
    pub(super) silent: bool,
}

impl Walker<'_> {
    pub(super) fn simple(
        &mut self,
        code: &Rc<Code>,
        simple: &ast::SimpleCommand,
        state: &mut State,
        input: Option<&Value>,
    ) {
        if self.is_exhausted() {
            return;
        }
        let Parts { words, assignments, redirects, substitutions } = Parts::of(code, simple);
        for list in substitutions {
            // Its output is a file's name, not the command's.
            let outer = self.capture.take();
            self.list(code, list, &mut state.clone());
            self.capture = outer;
        }
        let redirected = self.redirects(code, redirects.into_iter(), state);
        if words.is_empty() {
            for assignment in assignments {
                self.assignment(code, assignment, state);
            }
            return;
        }
        let mut around = state.clone();
        for assignment in &assignments {
            self.assignment(code, assignment.clone(), &mut around);
        }
        let alternatives = self.expand_words(code, &words, state);
        let input = redirected.input.as_ref().or(input);
        let command = Command { input, silent: redirected.silent, ..Command::PLAIN };
        for fields in &alternatives {
            if assignments.is_empty() {
                self.dispatch(fields, command, state);
            } else {
                // What is assigned before a command holds for it alone.
                let mut inner = around.clone();
                self.dispatch(fields, command, &mut inner);
                state.end = inner.end;
            }
        }
    }

    /// The words of a command; an argument like `name=(…)` is one word.
    fn expand_words(&mut self, code: &Rc<Code>, words: &[Range<usize>], state: &mut State) -> Vec<Fields> {
        let mut all = vec![Fields::new()];
        for word in words {
            let text = &code.text()[word.clone()];
            if text.ends_with(')') && is_array_assignment(text) {
                let mut value = Value::known(code.mapped.slice(word.clone()));
                value.at = code.span(word);
                all = super::value::product(all, &[vec![value]]);
                continue;
            }
            let braced = braces(code.text(), word.clone());
            let mut fields = Vec::new();
            for range in &braced {
                let expanded = self.expand_braced(code, range, state);
                fields = if fields.is_empty() { expanded } else { super::value::product(fields, &expanded) };
            }
            if word.start == words[0].start {
                self.without_vanished(&mut fields);
            }
            all = super::value::product(all, &fields);
        }
        all
    }

    /// Takes the alternatives in which a command word vanishes away where others name a program that runs no other: what
    /// follows are that program's arguments, and an empty command word is a mistake or a path that is not taken.
    fn without_vanished(&self, alternatives: &mut Vec<Fields>) {
        let runs_others = |name: &str| {
            let base = name.rsplit('/').next().unwrap_or(name);
            wrapper(base).is_some_and(|row| row.inner != Inner::Nothing)
                || is_builtin(self.dialect, name)
                || self.functions.contains_key(name)
        };
        let names = || alternatives.iter().filter_map(|fields| fields.first()?.constant());
        let mut named = names().peekable();
        if named.peek().is_some() && !named.any(|name| name.is_empty() || runs_others(name)) {
            alternatives.retain(|fields| !fields.is_empty());
        }
    }

    /// The alternatives of a part of a word that brace expansion made.
    pub(super) fn expand_braced(&mut self, code: &Rc<Code>, parts: &[Range<usize>], state: &mut State) -> Vec<Fields> {
        match parts {
            [only] => self.expand(code, only.clone(), state),
            parts => {
                let mut mapped = MappedText::new();
                for part in parts {
                    mapped.append(&code.mapped.slice(part.clone()));
                }
                let length = mapped.text().len();
                let at = parts.first().and_then(|part| code.span(part));
                let mut all = self.expand(&Code::new(mapped), 0..length, state);
                for field in all.iter_mut().flatten() {
                    field.at = field.at.or(at);
                }
                all
            }
        }
    }

    /// Runs the substitutions of redirections.
    pub(super) fn redirects<'r>(
        &mut self,
        code: &Rc<Code>,
        redirects: impl Iterator<Item = &'r ast::IoRedirect>,
        state: &mut State,
    ) -> Redirected {
        let mut redirected = Redirected::default();
        for redirect in redirects {
            match redirect {
                ast::IoRedirect::File(fd, kind, target) => {
                    let writes = matches!(
                        kind,
                        ast::IoFileRedirectKind::Write
                            | ast::IoFileRedirectKind::Append
                            | ast::IoFileRedirectKind::Clobber
                            | ast::IoFileRedirectKind::DuplicateOutput
                    );
                    redirected.silent |= writes && fd.is_none_or(|fd| fd == 1);
                    match target {
                        ast::IoFileRedirectTarget::Filename(word) | ast::IoFileRedirectTarget::Duplicate(word) => {
                            if let Some(location) = &word.loc {
                                self.expand_one(code, code.range(location), state);
                            }
                        }
                        ast::IoFileRedirectTarget::ProcessSubstitution(_, subshell) => {
                            let outer = self.capture.take();
                            self.list(code, &subshell.list, &mut state.clone());
                            self.capture = outer;
                        }
                        ast::IoFileRedirectTarget::Fd(_) => {}
                    }
                }
                ast::IoRedirect::HereDocument(_, document) => {
                    if let Some(location) = &document.doc.loc {
                        let body = body_of(code, code.range(location));
                        redirected.input = if document.requires_expansion {
                            self.expand_text(code, body, state).into_iter().next()
                        } else {
                            Some(Value::known(code.mapped.slice(body)))
                        };
                    }
                }
                ast::IoRedirect::HereString(_, word) => {
                    if let Some(location) = &word.loc {
                        redirected.input = self.expand_one(code, code.range(location), state).into_iter().next();
                    }
                }
                ast::IoRedirect::OutputAndError(word, _) => {
                    redirected.silent = true;
                    if let Some(location) = &word.loc {
                        self.expand_one(code, code.range(location), state);
                    }
                }
            }
        }
        redirected
    }

    /// `name=value`, `name+=value`, `name[index]=value`, `name=(…)`.
    pub(super) fn assignment(&mut self, code: &Rc<Code>, word: Range<usize>, state: &mut State) {
        let text = code.text()[word.clone()].to_owned();
        let Some(equals) = text.find('=') else { return };
        let (target, append) = match text[..equals].strip_suffix('+') {
            Some(target) => (target, true),
            None => (&text[..equals], false),
        };
        let (name, indexed) = target.split_once('[').map_or((target, false), |(name, _)| (name, true));
        let value = word.start + equals + 1..word.end;
        let span = code.span(&word);
        let what = format!("variable {name}");
        let mut alternatives: Vec<Fields> = if text[equals + 1..].starts_with('(') && text.ends_with(')') {
            let words = array_words(code, value.start + 1..value.end - 1);
            self.expand_all(code, &words, state)
        } else {
            let mut all = Vec::new();
            for value in self.expand_one(code, value, state) {
                add(&mut all, vec![value]);
            }
            all
        };
        for value in alternatives.iter_mut().flatten() {
            if let Some(span) = span
                && value.trace.len() < 16
            {
                value.trace.insert(0, Step { what: what.clone(), span });
            }
        }
        if append || indexed {
            let before = self.variable(name, state);
            alternatives = grown(&before, &alternatives, indexed || text[equals + 1..].starts_with('('));
        }
        state.assign(name, alternatives);
    }

    /// The alternatives of a variable; one that nothing assigned is the environment's.
    pub(super) fn variable(&self, name: &str, state: &State) -> Vec<Fields> {
        let variable = state.variables.get(name);
        let mut all = variable.map(|variable| variable.alternatives.clone()).unwrap_or_default();
        if variable.is_none_or(|variable| variable.environment) {
            add(&mut all, vec![self.environment(name)]);
        }
        all
    }

    fn environment(&self, name: &str) -> Value {
        if let Some(text) = self.context.env.get(name) {
            return Value { default: true, ..Value::made(text, None) };
        }
        match name {
            "OSTYPE" => Value { platform: true, ..Value::made("linux", None) },
            _ => Value {
                // Whoever starts the container can set it.
                default: true,
                ..Value::unknown(format!("the variable {name}, which nothing here sets"))
            },
        }
    }
}

/// A here-document's body: what its token covers without the line of the tag.
fn body_of(code: &Code, token: Range<usize>) -> Range<usize> {
    let text = &code.text()[token.clone()];
    let text = text.strip_suffix('\n').unwrap_or(text);
    let length = text.rfind('\n').map_or(0, |newline| newline + 1);
    token.start..token.start + length
}

/// The words between an array's parentheses; `[key]=` before a word is left out.
fn array_words(code: &Code, range: Range<usize>) -> Vec<Range<usize>> {
    let text = code.text();
    let mut lexer = Lexer::new(text);
    let mut words = Vec::new();
    let mut at = range.start;
    while at < range.end && words.len() < 256 {
        match text.as_bytes()[at] {
            b'#' => at += text[at..range.end].find('\n').unwrap_or(range.end - at),
            b'\\' if text.as_bytes().get(at + 1) == Some(&b'\n') => at += 2,
            _ => match lexer.word_end(at) {
                Ok(end) if end > at => {
                    let end = end.min(range.end);
                    let word = &text[at..end];
                    let key = if word.starts_with('[') { word.find("]=").map_or(0, |found| found + 2) } else { 0 };
                    words.push(at + key..end);
                    at = end;
                }
                Ok(_) => at += 1,
                Err(_) => break,
            },
        }
    }
    words
}

/// What `+=` or the assignment of an element makes of a variable: more words of an array, or a longer text.
fn grown(before: &[Fields], after: &[Fields], array: bool) -> Vec<Fields> {
    let mut all = Vec::new();
    for old in before {
        let unset = old.first().is_some_and(Value::is_blank);
        for new in after {
            let mut fields = if unset { Vec::new() } else { old.clone() };
            if array {
                if fields.len() < 256 {
                    fields.extend(new.iter().cloned());
                }
            } else {
                match (fields.first_mut(), new.first()) {
                    (Some(first), Some(new)) => first.append(new),
                    _ => fields.extend(new.iter().cloned()),
                }
            }
            add(&mut all, fields);
        }
    }
    all
}

/// Whether a word is `name=(…)`.
pub(super) fn is_array_assignment(text: &str) -> bool {
    text.split_once("=(").is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// The words that brace expansion makes of a word, each as the ranges that it is put together from.
pub(super) fn braces(text: &str, word: Range<usize>) -> Vec<Vec<Range<usize>>> {
    let raw = &text[word.clone()];
    let plain = || vec![vec![word.clone()]];
    let Some(open) = raw.find('{') else { return plain() };
    if raw.contains(['$', '"', '\'', '\\', '`']) || raw.matches('{').count() != 1 {
        return plain();
    }
    let Some(close) = raw[open..].find('}').map(|length| open + length) else { return plain() };
    let inner = &raw[open + 1..close];
    if !inner.contains(',') {
        return plain();
    }
    let (head, tail) = (word.start..word.start + open, word.start + close + 1..word.end);
    let mut at = word.start + open + 1;
    inner
        .split(',')
        .take(64)
        .map(|member| {
            let parts = [head.clone(), at..at + member.len(), tail.clone()];
            at += member.len() + 1;
            parts.into_iter().filter(|part| !part.is_empty()).collect()
        })
        .collect()
}
