//! The values that a word can have: quotes, parameters with their defaults, and what substitutions are known to print.

use super::lex::{LexError, Lexer, Piece};
use super::parse::Code;
use super::value::{Fields, HOLE, MAX_ALTERNATIVES, Place, State, Value, add, product};
use super::walk::Walker;
use crate::file::MappedText;
use std::ops::Range;
use std::rc::Rc;

/// How long all alternatives of a word may be together, in bytes.
const MAX_BYTES: usize = 128 * 1024;

/// One alternative while a word is put together.
#[derive(Clone, Default)]
struct Growing {
    done: Fields,
    current: Option<Value>,
}

/// A part of a word: its words, and whether they are split at blanks.
struct Part {
    fields: Fields,
    quoted: bool,
}

impl Growing {
    fn push(&mut self, part: &Part) {
        for (index, field) in part.fields.iter().enumerate() {
            if index > 0 {
                self.done.extend(self.current.take());
            }
            if part.quoted || field.many || !field.text.text().contains([' ', '\t', '\n']) {
                if part.quoted || field.unknown.is_some() || !field.text.text().is_empty() {
                    self.current.get_or_insert_with(|| Value::known(MappedText::new())).append(field);
                }
            } else {
                self.split(field);
            }
        }
    }

    /// Takes over an unquoted value, split at its blanks.
    fn split(&mut self, field: &Value) {
        let text = field.text.text();
        let mut at = 0;
        for (index, word) in text.split([' ', '\t', '\n']).enumerate() {
            if index > 0 {
                self.done.extend(self.current.take());
            }
            if !word.is_empty() {
                // What is not known of the whole may not touch this word.
                let unknown = field.unknown.clone().filter(|_| word.contains(HOLE));
                let part = Value { text: field.text.slice(at..at + word.len()), unknown, ..field.clone() };
                self.current.get_or_insert_with(|| Value::known(MappedText::new())).append(&part);
            }
            at += word.len() + 1;
        }
    }

    fn finish(mut self) -> Fields {
        self.done.extend(self.current.take());
        self.done
    }
}

/// A parameter expansion, taken apart.
struct Parameter<'t> {
    name: &'t str,
    index: Option<&'t str>,
    indirect: bool,
    length: bool,
    /// The operator (`:-`, `%`, `//`, …) and where its operand begins.
    operator: &'t str,
    operand: Range<usize>,
}

impl Walker<'_> {
    /// The alternatives of the words in the ranges, in order.
    pub(super) fn expand_all(&mut self, code: &Rc<Code>, words: &[Range<usize>], state: &mut State) -> Vec<Fields> {
        let mut all = vec![Fields::new()];
        for word in words {
            let fields = self.expand(code, word.clone(), state);
            all = product(all, &fields);
        }
        all
    }

    /// The alternatives of one word, each split into the words that it becomes.
    pub(super) fn expand(&mut self, code: &Rc<Code>, word: Range<usize>, state: &mut State) -> Vec<Fields> {
        let pieces = Lexer::new(code.text()).pieces(word.clone());
        self.expand_pieces(code, pieces, word, state)
    }

    /// The value of a word that is not split: the right side of an assignment, a here-document.
    pub(super) fn expand_one(&mut self, code: &Rc<Code>, word: Range<usize>, state: &mut State) -> Vec<Value> {
        let pieces = Lexer::new(code.text()).pieces(word.clone()).map(|pieces| vec![Piece::Double(pieces)]);
        self.joined(code, pieces, word, state)
    }

    /// The text of a here-document after expansion.
    pub(super) fn expand_text(&mut self, code: &Rc<Code>, range: Range<usize>, state: &mut State) -> Vec<Value> {
        let pieces = Lexer::new(code.text()).body_pieces(range.clone()).map(|pieces| vec![Piece::Double(pieces)]);
        self.joined(code, pieces, range, state)
    }

    fn joined(
        &mut self,
        code: &Rc<Code>,
        pieces: Result<Vec<Piece>, LexError>,
        range: Range<usize>,
        state: &mut State,
    ) -> Vec<Value> {
        let alternatives = self.expand_pieces(code, pieces, range, state);
        alternatives.into_iter().map(joined).collect()
    }

    fn expand_pieces(
        &mut self,
        code: &Rc<Code>,
        pieces: Result<Vec<Piece>, LexError>,
        word: Range<usize>,
        state: &mut State,
    ) -> Vec<Fields> {
        let at = code.span(&word);
        let mut growing = vec![Growing::default()];
        match pieces {
            Ok(pieces) => {
                for piece in &pieces {
                    let parts = self.piece(code, piece, false, state);
                    growing = grow(growing, &parts);
                }
            }
            Err(error) => {
                self.trouble(code, error.at(), &error.reason());
                let part = Part { fields: vec![Value::unknown(error.reason())], quoted: true };
                growing = grow(growing, &[part]);
            }
        }
        let mut all = Vec::new();
        for one in growing {
            let mut fields = one.finish();
            for field in &mut fields {
                field.at = at;
            }
            add(&mut all, fields);
        }
        all
    }

    /// The alternatives of one piece.
    fn piece(&mut self, code: &Rc<Code>, piece: &Piece, quoted: bool, state: &mut State) -> Vec<Part> {
        let verbatim = |range: &Range<usize>| Value::known(code.mapped.slice(range.clone()));
        let one = |value: Value, quoted: bool| vec![Part { fields: vec![value], quoted }];
        match piece {
            Piece::Continuation => one(Value::known(MappedText::new()), false),
            Piece::Quoted(range) => one(verbatim(range), true),
            Piece::Ansi(range) => {
                let text = unescaped(&code.text()[range.clone()]);
                one(Value::made(&text, code.span(range)), true)
            }
            Piece::Literal(range) => one(literal(verbatim(range)), true),
            Piece::Double(pieces) => {
                // Between double quotes nothing is split, but `"$@"` stays several words.
                let mut parts = vec![Growing { done: Vec::new(), current: Some(Value::known(MappedText::new())) }];
                for piece in pieces {
                    let inner = self.piece(code, piece, true, state);
                    parts = grow(parts, &inner);
                }
                let vanishes =
                    matches!(pieces.as_slice(), [Piece::Parameter(range)] if is_list(&code.text()[range.clone()]));
                parts
                    .into_iter()
                    .map(|growing| {
                        let mut fields = growing.finish();
                        if vanishes && fields.len() == 1 && fields[0].constant() == Some("") {
                            fields.clear();
                        }
                        Part { fields, quoted: true }
                    })
                    .collect()
            }
            Piece::Arithmetic(range) => {
                self.substitutions(code, range.clone(), state);
                one(Value::unknown("the result of a computation"), true)
            }
            Piece::Command(range) => {
                let text = Code::new(code.mapped.slice(range.clone()));
                self.substitution(&text, state).into_iter().map(|value| Part { fields: vec![value], quoted }).collect()
            }
            Piece::Backquoted(range) => {
                let text = Code::new(backquoted(&code.mapped, range, quoted));
                self.substitution(&text, state).into_iter().map(|value| Part { fields: vec![value], quoted }).collect()
            }
            Piece::Parameter(range) => self
                .parameter(code, range.clone(), quoted, state)
                .into_iter()
                .map(|fields| Part { fields, quoted })
                .collect(),
        }
    }

    /// Runs the substitutions that stand in a range which is not itself a word (an arithmetic expression, `[[ … ]]`).
    pub(super) fn substitutions(&mut self, code: &Rc<Code>, range: Range<usize>, state: &mut State) {
        match Lexer::new(code.text()).body_pieces(range) {
            Ok(pieces) => {
                for piece in &pieces {
                    if !matches!(piece, Piece::Quoted(_) | Piece::Continuation) {
                        self.piece(code, piece, true, state);
                    }
                }
            }
            Err(error) => self.trouble(code, error.at(), &error.reason()),
        }
    }

    fn parameter(&mut self, code: &Rc<Code>, range: Range<usize>, quoted: bool, state: &mut State) -> Vec<Fields> {
        let text = code.text()[range.clone()].to_owned();
        let Some(parameter) = take_apart(&text, range.start) else {
            return vec![vec![Value::unknown("an expansion that no shell knows")]];
        };
        if parameter.length {
            return vec![vec![Value::unknown("the length of a value")]];
        }
        let at = code.span(&range);
        let mut values = self.look_up(parameter.name, parameter.index, quoted, state);
        if parameter.indirect {
            values = self.indirect(&values, quoted, state);
        }
        let operand = parameter.operand.clone();
        match parameter.operator {
            "" => values,
            "-" | ":-" | "=" | ":=" => {
                let empty_counts = parameter.operator.starts_with(':');
                let fallback = self.operand(code, operand, quoted, state);
                let default = format!("default of {}", parameter.name);
                let all = or_default(values, &fallback, empty_counts, |value| {
                    let mut value = value.step(default.clone(), at);
                    value.default = true;
                    value
                });
                if parameter.operator.ends_with('=') {
                    state.assign(parameter.name, all.clone());
                }
                all
            }
            "+" | ":+" => {
                let mut all = self.operand(code, operand, quoted, state);
                add(&mut all, Vec::new());
                all
            }
            "?" | ":?" => {
                self.operand(code, operand, quoted, state);
                values
            }
            "%" | "%%" | "#" | "##" => {
                let patterns = self.operand(code, operand, false, state);
                trimmed(&values, &patterns, parameter.operator)
            }
            ":" => slice_of(values, &code.text()[operand], parameter.name),
            _ => {
                self.substitutions(code, operand, state);
                let why = format!("a value made from {}", parameter.name);
                values.iter().map(|_| vec![Value::unknown(why.as_str())]).take(1).collect()
            }
        }
    }

    fn operand(&mut self, code: &Rc<Code>, range: Range<usize>, quoted: bool, state: &mut State) -> Vec<Fields> {
        let mut lexer = Lexer::new(code.text());
        let pieces = if quoted { lexer.operand_pieces(range.clone()) } else { lexer.pieces(range.clone()) };
        let pieces = if quoted { pieces.map(|pieces| vec![Piece::Double(pieces)]) } else { pieces };
        self.expand_pieces(code, pieces, range, state)
    }

    /// The alternatives of a parameter without its operator.
    fn look_up(&self, name: &str, index: Option<&str>, quoted: bool, state: &State) -> Vec<Fields> {
        match name {
            "@" | "*" => {
                let mut all = state.positional.as_ref().clone();
                if name == "*" && quoted {
                    all = all.into_iter().map(|fields| vec![with_blanks(fields)]).collect();
                }
                all
            }
            "0" | "BASH_SOURCE" | "BASH_ARGV0" => vec![vec![self.script_value()]],
            "#" | "?" | "-" | "$" | "!" => vec![vec![Value::unknown(format!("the value of ${name}"))]],
            _ if name.starts_with(|c: char| c.is_ascii_digit()) => {
                let number: usize = name.parse().unwrap_or(usize::MAX);
                let mut all = Vec::new();
                for fields in state.positional.iter() {
                    add(&mut all, vec![nth(fields, number)]);
                }
                all
            }
            _ => {
                let all = self.variable(name, state);
                match index {
                    None => all.into_iter().map(|fields| fields.into_iter().take(1).collect()).collect(),
                    Some("@") => all,
                    Some("*") if !quoted => all,
                    Some("*") => all.into_iter().map(|fields| vec![with_blanks(fields)]).collect(),
                    Some(index) => all.into_iter().map(|fields| element(fields, index, name)).collect(),
                }
            }
        }
    }

    fn indirect(&self, names: &[Fields], quoted: bool, state: &State) -> Vec<Fields> {
        let mut all = Vec::new();
        for fields in names {
            match fields.first().and_then(Value::constant) {
                Some(name) => {
                    for fields in self.look_up(name, None, quoted, state) {
                        add(&mut all, fields);
                    }
                }
                None => add(&mut all, vec![Value::unknown("a variable whose name is not known")]),
            }
        }
        all
    }
}

fn grow(growing: Vec<Growing>, parts: &[Part]) -> Vec<Growing> {
    let mut grown = Vec::new();
    let mut bytes = 0;
    for one in &growing {
        for part in parts {
            let length = |value: &Value| value.text.text().len();
            bytes += part.fields.iter().map(length).sum::<usize>() + one.current.as_ref().map_or(0, length);
            if grown.len() >= MAX_ALTERNATIVES || (bytes > MAX_BYTES && !grown.is_empty()) {
                return grown;
            }
            let mut next = one.clone();
            next.push(part);
            grown.push(next);
        }
    }
    grown
}

/// Several words as one text.
pub(super) fn with_blanks(fields: Fields) -> Value {
    let mut fields = fields.into_iter();
    let Some(mut all) = fields.next() else { return Value::known(MappedText::new()) };
    for field in fields {
        all.append(&Value::made(" ", field.at.or_else(|| field.text.span(0, 0))));
        all.append(&field);
    }
    all
}

fn joined(fields: Fields) -> Value {
    with_blanks(fields)
}

/// Unquoted text: an unescaped glob is not known before run time.
fn literal(value: Value) -> Value {
    let text = value.text.text();
    if text.contains(HOLE) {
        return Value { unknown: Some("a part of the code that is not known".into()), ..value };
    }
    let Some(at) = text.find(['*', '?', '[']) else { return value };
    if text.len() == 1 && at == 0 && text == "[" || text == "[[" {
        return value;
    }
    let why = format!("the files that match {text}");
    let mut text = value.text.slice(0..at);
    text.push_unplaced(HOLE);
    Value { text, unknown: Some(why.into()), ..value }
}

fn is_list(parameter: &str) -> bool {
    parameter == "@" || parameter.ends_with("[@]")
}

/// The n-th positional parameter of one alternative.
fn nth(fields: &Fields, number: usize) -> Value {
    for (index, field) in fields.iter().enumerate() {
        if field.many {
            return Value { many: false, ..field.clone() };
        }
        if index + 1 == number {
            return field.clone();
        }
    }
    Value::known(MappedText::new())
}

fn element(fields: Fields, index: &str, name: &str) -> Fields {
    match index.parse::<usize>() {
        Ok(number) => vec![nth(&fields, number + 1)],
        Err(_) if fields.len() == 1 && fields[0].unknown.is_some() => fields,
        Err(_) => vec![Value::unknown(format!("an element of {name}"))],
    }
}

fn or_default(
    values: Vec<Fields>,
    fallback: &[Fields],
    empty_counts: bool,
    mark: impl Fn(Value) -> Value,
) -> Vec<Fields> {
    let mut all = Vec::new();
    for fields in values {
        let unset = fields.iter().any(|value| value.is_blank() && value.default);
        let empty = fields.is_empty() || (empty_counts && fields.iter().all(|value| value.constant() == Some("")));
        if unset || empty || fields.iter().any(Value::is_blank) {
            for default in fallback {
                add(&mut all, default.iter().cloned().map(&mark).collect());
            }
        }
        if !unset && !empty {
            add(&mut all, fields);
        }
    }
    all
}

/// `${x%…}` and its kin, for patterns of constant text with at most one `*`.
fn trimmed(values: &[Fields], patterns: &[Fields], operator: &str) -> Vec<Fields> {
    let raw = match patterns {
        [fields] if fields.len() == 1 => pattern_text(&fields[0]),
        _ => None,
    };
    values.iter().map(|fields| fields.iter().map(|value| trim(value, raw.as_deref(), operator)).collect()).collect()
}

/// A pattern's text with its globs, where nothing else of it is unknown.
fn pattern_text(value: &Value) -> Option<String> {
    match &value.unknown {
        None => Some(value.text.text().to_owned()),
        Some(why) => why.strip_prefix("the files that match ").map(str::to_owned),
    }
}

fn trim(value: &Value, pattern: Option<&str>, operator: &str) -> Value {
    let (Some(text), Some(pattern)) = (value.constant(), pattern) else {
        return if value.unknown.is_some() { value.clone() } else { Value::unknown("a value whose part is cut off") };
    };
    let kept = match (operator, pattern.split_once('*')) {
        ("%" | "%%", None) => 0..text.strip_suffix(pattern).map_or(text.len(), str::len),
        ("#" | "##", None) => text.strip_prefix(pattern).map_or(0, |rest| text.len() - rest.len())..text.len(),
        ("%", Some((head, ""))) => 0..text.rfind(head).unwrap_or(text.len()),
        ("%%", Some((head, ""))) => 0..text.find(head).unwrap_or(text.len()),
        ("#", Some(("", tail))) => text.find(tail).map_or(0, |at| at + tail.len())..text.len(),
        ("##", Some(("", tail))) => text.rfind(tail).map_or(0, |at| at + tail.len())..text.len(),
        _ => return Value::unknown("a value whose part is cut off"),
    };
    if pattern.trim_end_matches('*').contains(['?', '[', '\\']) {
        return Value::unknown("a value whose part is cut off");
    }
    Value { text: value.text.slice(kept), ..value.clone() }
}

/// `${@:n}` and `${array[@]:n}`; of a text it is not followed.
fn slice_of(values: Vec<Fields>, operand: &str, name: &str) -> Vec<Fields> {
    let (offset, length) = operand.split_once(':').map_or((operand, None), |(offset, length)| (offset, Some(length)));
    let count = length.map(|length| length.trim().parse::<usize>().is_ok());
    match (offset.trim().parse::<usize>(), count) {
        (Ok(offset), None | Some(true)) => {
            let skip = if name == "@" || name == "*" { offset.saturating_sub(1) } else { offset };
            let count = length.map_or(usize::MAX, |length| length.trim().parse().unwrap_or(usize::MAX));
            values.into_iter().map(|fields| dropped(&fields, skip).into_iter().take(count).collect()).collect()
        }
        _ => vec![vec![Value::unknown(format!("a part of {name}"))]],
    }
}

/// The words after the first `count`; what stands for any number of words stays.
pub(super) fn dropped(fields: &[Value], count: usize) -> Fields {
    let mut left = count;
    let mut rest = fields;
    while left > 0 {
        match rest.first() {
            Some(field) if !field.many => rest = &rest[1..],
            _ => break,
        }
        left -= 1;
    }
    rest.to_vec()
}

/// What stands between backquotes, one level of escapes taken away.
fn backquoted(mapped: &MappedText, range: &Range<usize>, quoted: bool) -> MappedText {
    let text = &mapped.text()[range.clone()];
    let mut clean = MappedText::new();
    let mut from = range.start;
    let mut at = 0;
    let bytes = text.as_bytes();
    while at < bytes.len() {
        let escaped =
            bytes.get(at + 1).is_some_and(|next| matches!(next, b'`' | b'$' | b'\\') || quoted && *next == b'"');
        if bytes[at] == b'\\' && escaped {
            clean.append(&mapped.slice(from..range.start + at));
            from = range.start + at + 1;
            at += 2;
        } else {
            at += 1;
        }
    }
    clean.append(&mapped.slice(from..range.end));
    clean
}

/// The text of `$'…'`, for the escapes that matter in commands.
fn unescaped(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            clean.push(c);
            continue;
        }
        clean.push(match chars.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some(other) => other,
            None => '\\',
        });
    }
    clean
}

/// Takes `${…}` (or `$x`) apart; `start` is where its text begins.
fn take_apart(text: &str, start: usize) -> Option<Parameter<'_>> {
    let length = text.len() > 1 && text.starts_with('#') && !text[1..].starts_with(['-', '=', '?', '+', '#', '%', ':']);
    let indirect = text.len() > 1 && text.starts_with('!');
    let rest = if length || indirect { &text[1..] } else { text };
    let name_length = match rest.bytes().next()? {
        b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!' => 1,
        b'0'..=b'9' => rest.bytes().take_while(u8::is_ascii_digit).count(),
        byte if byte.is_ascii_alphabetic() || byte == b'_' => {
            rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
        }
        _ => return None,
    };
    let (name, mut tail) = rest.split_at(name_length);
    let mut index = None;
    if let Some(inner) = tail.strip_prefix('[') {
        let end = inner.find(']')?;
        index = Some(&inner[..end]);
        tail = &inner[end + 1..];
    }
    let mut operators = [":-", ":=", ":?", ":+", "%%", "##", "//", "/#", "/%", "^^", ",,"].iter().copied();
    let operator = operators
        .find(|operator| tail.starts_with(operator))
        .or_else(|| {
            let length = tail.chars().next()?.len_utf8();
            tail.get(..length)
        })
        .unwrap_or("");
    let operand = start + text.len() - tail.len() + operator.len()..start + text.len();
    // `${!name@}` and `${!name*}` list names.
    let indirect = indirect && !matches!(operator, "@" | "*");
    Some(Parameter { name, index, indirect, length, operator, operand })
}

/// Whether the value's path lies in the scanned tree.
pub(super) fn in_tree(value: &Value) -> bool {
    value.place == Place::Tree
}
