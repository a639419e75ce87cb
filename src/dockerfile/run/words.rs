//! The values of shell words: quotes taken off, variables put in, parts that are not known marked.

use super::{Runner, State, UNKNOWN};
use crate::dockerfile::expand::expand;
use crate::dockerfile::model::Word;
use crate::file::{MappedText, Span};
use crate::shell::lex::{Lexer, Piece};
use crate::shell::parse::Code;
use std::ops::Range;
use std::rc::Rc;

/// How many words one word may become.
const MAX_FIELDS: usize = 2000;
/// How long a value is followed.
const MAX_VALUE: usize = 64 * 1024;

/// A word after expansion.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// The text, each part mapped to where it stands; [`UNKNOWN`] stands for what is not known.
    pub(super) mapped: MappedText,
    /// The word that it came from.
    pub(super) span: Span,
}

impl Field {
    pub(super) fn of_word(word: &Word) -> Self {
        let mut mapped = MappedText::new();
        mapped.push(&word.text, word.span);
        Self { mapped, span: word.span }
    }

    pub(super) fn text(&self) -> &str {
        self.mapped.text()
    }

    /// Whether all of the text is known.
    pub(super) fn is_known(&self) -> bool {
        !self.text().contains(UNKNOWN)
    }
}

#[derive(Default)]
struct Growing {
    done: Vec<MappedText>,
    current: Option<MappedText>,
}

impl Growing {
    fn push(&mut self, text: &str, span: Option<Span>, quoted: bool) {
        let Some(span) = span else { return };
        if quoted || !text.contains([' ', '\t', '\n']) {
            if quoted || !text.is_empty() {
                self.current.get_or_insert_default().push(text, span);
            }
            return;
        }
        for (index, word) in text.split([' ', '\t', '\n']).enumerate() {
            if index > 0 {
                self.finish_word();
            }
            if !word.is_empty() {
                self.current.get_or_insert_default().push(word, span);
            }
        }
    }

    fn append(&mut self, text: &MappedText) {
        self.current.get_or_insert_default().append(text);
    }

    fn finish_word(&mut self) {
        if self.done.len() < MAX_FIELDS {
            self.done.extend(self.current.take());
        }
    }
}

impl Runner<'_> {
    /// The words that the words in some ranges become.
    pub(super) fn expand_all(&mut self, code: &Rc<Code>, ranges: &[Range<usize>], state: &State) -> Vec<Field> {
        let mut fields = Vec::new();
        for range in ranges {
            if fields.len() < MAX_FIELDS {
                fields.extend(self.expand(code, range.clone(), state));
            }
        }
        fields
    }

    fn expand(&mut self, code: &Rc<Code>, range: Range<usize>, state: &State) -> Vec<Field> {
        let span = code.span(&range).unwrap_or(self.whole);
        let text = &code.text()[range.clone()];
        if let Some(words) = braces(text) {
            return words.into_iter().map(|word| Field::of_word(&Word { text: word, span })).collect();
        }
        let mut growing = Growing::default();
        match Lexer::new(code.text()).pieces(range) {
            Ok(pieces) => self.pieces(code, &pieces, false, state, &mut growing),
            Err(_) => growing.push(&UNKNOWN.to_string(), Some(span), true),
        }
        growing.finish_word();
        growing.done.into_iter().map(|mapped| Field { mapped, span }).collect()
    }

    /// The value of a word that is not split.
    pub(super) fn expand_one(&mut self, code: &Rc<Code>, range: Range<usize>, state: &State) -> Field {
        let span = code.span(&range).unwrap_or(self.whole);
        let mut growing = Growing::default();
        match Lexer::new(code.text()).pieces(range) {
            Ok(pieces) => self.pieces(code, &pieces, true, state, &mut growing),
            Err(_) => growing.push(&UNKNOWN.to_string(), Some(span), true),
        }
        Field { mapped: growing.current.unwrap_or_default(), span }
    }

    fn pieces(&mut self, code: &Rc<Code>, pieces: &[Piece], quoted: bool, state: &State, growing: &mut Growing) {
        for piece in pieces {
            match piece {
                Piece::Literal(range) | Piece::Quoted(range) => growing.append(&code.mapped.slice(range.clone())),
                Piece::Ansi(range) => growing.append(&code.mapped.slice(range.clone())),
                Piece::Double(inner) => {
                    growing.push("", code.span(&(0..0)).or(Some(self.whole)), true);
                    self.pieces(code, inner, true, state, growing);
                }
                Piece::Parameter(range) => {
                    let value = self.parameter(&code.text()[range.clone()], state);
                    growing.push(&value, code.span(range), quoted);
                }
                Piece::Command(range) => {
                    let value = self.substitution(code, range, state);
                    growing.push(&value, code.span(range), quoted);
                }
                Piece::Backquoted(range) | Piece::Arithmetic(range) => {
                    growing.push(&UNKNOWN.to_string(), code.span(range), quoted);
                }
                Piece::Continuation => {}
            }
        }
    }

    /// The value of `${inner}`.
    fn parameter(&self, inner: &str, state: &State) -> String {
        let unknown = || UNKNOWN.to_string();
        let first = inner.chars().next();
        if first.is_none_or(|c| !c.is_ascii_alphabetic() && c != '_') {
            // `$1`, `$@`: known inside a function that was called.
            return state.variables.get(inner).cloned().unwrap_or_else(unknown);
        }
        let expanded = expand(&format!("${{{inner}}}"), &state.variables, '\\');
        if !expanded.unset.is_empty() || expanded.text.len() > MAX_VALUE {
            return unknown();
        }
        expanded.text
    }

    /// What a substitution prints, where that follows from the platform or from what is known.
    fn substitution(&mut self, code: &Rc<Code>, range: &Range<usize>, state: &State) -> String {
        let inner = code.text()[range.clone()].trim();
        let arch = self.platform.apk_arch().to_owned();
        match inner {
            "uname -m" | "arch" | "apk --print-arch" | "cat /etc/apk/arch" => return arch,
            "dpkg --print-architecture" => return self.platform.docker_arch().to_owned(),
            "uname" | "uname -s" => return "Linux".to_owned(),
            "pwd" => return state.folder.clone(),
            _ => {}
        }
        let start = range.start + code.text()[range.clone()].find(inner).unwrap_or(0);
        for echo in ["echo ", "printf %s ", "printf '%s' "] {
            if inner.starts_with(echo) && !inner.contains(['|', ';', '&', '<', '>', '\n', '(', '`']) {
                let from = start + echo.len();
                let value = self.expand_one(code, from..start + inner.len(), state);
                return value.text().to_owned();
            }
        }
        UNKNOWN.to_string()
    }
}

/// `a{b,c}d` as its words, for a word that holds nothing else of the shell.
fn braces(text: &str) -> Option<Vec<String>> {
    if text.contains(['$', '`', '\'', '"', '\\']) {
        return None;
    }
    let open = text.find('{')?;
    let close = open + text[open..].find('}')?;
    let inner = &text[open + 1..close];
    if !inner.contains(',') || inner.contains('{') {
        return None;
    }
    let mut words = Vec::new();
    for part in inner.split(',') {
        let word = format!("{}{part}{}", &text[..open], &text[close + 1..]);
        match braces(&word) {
            Some(more) if words.len() < 64 => words.extend(more),
            _ => words.push(word),
        }
    }
    Some(words)
}
