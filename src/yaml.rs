//! YAML text to a tree of nodes that know where they stand: the project's own manifest, and the files of others that say
//! how an image is started.
//!
//! Bounded on purpose: at most [`MAX_BYTES`] of text, [`MAX_DEPTH`] levels and [`MAX_NODES`] nodes with every alias
//! counted at its full size, so that no text can make its reader work long. Keys that are not plain texts are refused; in
//! a manifest tags and a second document are too.

use crate::file::{FileId, Span};
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::HashMap;
use std::sync::Arc;

/// The size in bytes above which a text is refused.
const MAX_BYTES: usize = 1 << 20;
/// How deep lists and maps may nest.
const MAX_DEPTH: usize = 32;
/// How many nodes a text may have once every alias is counted at its full size.
const MAX_NODES: usize = 100_000;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The place, quotes and brackets included; of a block scalar its text alone. A block list or map reaches from its
    /// first key to its last value.
    pub(crate) span: Span,
    pub(crate) kind: Kind,
    /// It has an anchor, so that other places may show it too.
    pub(crate) anchored: bool,
    /// Itself and everything below it, aliases counted at their full size.
    size: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A scalar; `plain` where it was written without quotes and so may mean a number, a truth value or nothing.
    Scalar {
        text: String,
        plain: bool,
    },
    List {
        items: Vec<Arc<Node>>,
        flow: bool,
    },
    Map {
        entries: Vec<Entry>,
        flow: bool,
    },
}

/// One key of a map with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Arc<Node>,
    /// The value is an alias: it stands elsewhere, and an edit there would change other places too.
    pub(crate) alias: bool,
}

impl Node {
    /// A value that is not there.
    pub(crate) fn empty(span: Span) -> Self {
        Self { span, kind: Kind::Scalar { text: String::new(), plain: true }, anchored: false, size: 1 }
    }

    /// The value of a key of a map; nothing for other nodes.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The keys of a map; none for other nodes.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map { entries, .. } => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for other nodes.
    pub(crate) fn items(&self) -> &[Arc<Node>] {
        match &self.kind {
            Kind::List { items, .. } => items,
            _ => &[],
        }
    }

    /// The text of a scalar as it was written; nothing for other nodes.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// What the node is, in YAML's core schema.
    pub(crate) fn type_name(&self) -> &'static str {
        match &self.kind {
            Kind::List { .. } => "a list",
            Kind::Map { .. } => "a map",
            Kind::Scalar { plain: false, .. } => "a text",
            Kind::Scalar { text, .. } => plain_type(text),
        }
    }

    /// Whether the node is an empty or `null` value.
    pub(crate) fn is_null(&self) -> bool {
        self.type_name() == "nothing"
    }
}

/// The type that YAML 1.2's core schema (<https://yaml.org/spec/1.2.2/#103-core-schema>) gives an unquoted scalar.
fn plain_type(text: &str) -> &'static str {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => "nothing",
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => "a truth value",
        _ if text.parse::<i64>().is_ok() => "a number",
        _ if is_float(text) => "a number",
        _ => "a text",
    }
}

fn is_float(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let numeric = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'-' | b'+'));
    numeric && digits.bytes().any(|byte| byte.is_ascii_digit()) && digits.parse::<f64>().is_ok()
}

/// Which YAML is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// What a manifest may be: one document, no tags.
    Manifest,
    /// What other tools write: any number of documents; tags are read over.
    Foreign,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not the YAML that is taken.
    Syntax {
        /// The place.
        span: Span,
        /// What is wrong there.
        message: String,
    },
    /// A key that stands twice in one map; the first is kept.
    Duplicate {
        /// The key.
        key: String,
        /// The second place.
        span: Span,
        /// The first.
        first: Span,
    },
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    /// The documents that are not empty, as far as the text could be read.
    pub(crate) documents: Vec<Arc<Node>>,
    /// What is wrong.
    pub(crate) faults: Vec<Fault>,
}

/// Reads a text.
pub(crate) fn parse(file: FileId, text: &str, dialect: Dialect) -> Reading {
    let mut builder = Builder::new(file, text, dialect);
    if text.len() > MAX_BYTES {
        builder.fail(0, 0, &format!("the text has {} bytes; at most {MAX_BYTES} are read", text.len()));
        return builder.reading;
    }
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let more = match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => {
                let at = builder.byte(error.marker().index());
                builder.fail(at, at, error.info());
                false
            }
        };
        if !more {
            break;
        }
    }
    builder.reading
}

/// An open list or map.
struct Open {
    start: usize,
    anchor: usize,
    flow: bool,
    map: bool,
    items: Vec<Arc<Node>>,
    entries: Vec<Entry>,
    seen: HashMap<String, Span>,
    key: Option<(String, Span)>,
}

struct Builder<'a> {
    file: FileId,
    text: &'a str,
    /// The byte of every 64th character: the parser counts characters.
    marks: Vec<usize>,
    dialect: Dialect,
    open: Vec<Open>,
    anchors: HashMap<usize, Arc<Node>>,
    nodes: usize,
    started: usize,
    reading: Reading,
}

impl<'a> Builder<'a> {
    fn new(file: FileId, text: &'a str, dialect: Dialect) -> Self {
        let marks = if text.len() > MAX_BYTES {
            Vec::new()
        } else {
            text.char_indices().step_by(64).map(|(byte, _)| byte).collect()
        };
        Self {
            file,
            text,
            marks,
            dialect,
            open: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            started: 0,
            reading: Reading::default(),
        }
    }

    /// The byte at which a character stands.
    fn byte(&self, character: usize) -> usize {
        let Some(&start) = self.marks.get(character / 64) else { return self.text.len() };
        let rest = &self.text[start..];
        rest.char_indices().nth(character % 64).map_or(self.text.len(), |(byte, _)| start + byte)
    }

    fn fail(&mut self, start: usize, end: usize, message: &str) {
        let span = Span::new(self.file, start, end);
        self.reading.faults.push(Fault::Syntax { span, message: message.to_owned() });
    }

    /// Takes one event in; `false` where reading on makes no sense.
    fn take(&mut self, event: Event<'_>, span: saphyr_parser::Span) -> bool {
        let (start, end) = (self.byte(span.start.index()), self.byte(span.end.index()));
        match event {
            Event::DocumentStart(_) => {
                self.started += 1;
                let too_many = self.dialect == Dialect::Manifest && self.started > 1;
                if too_many {
                    self.fail(start, end, "a manifest is one YAML document, and here a second one starts");
                }
                !too_many
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let end = self.scalar_end(style, start, end);
                let kind = Kind::Scalar { text: text.into_owned(), plain };
                let node = Node { span: Span::new(self.file, start, end), kind, anchored: anchor > 0, size: 1 };
                self.no_tag(tag.is_some(), start, end) && self.place(Arc::new(node), anchor, false)
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                if node.is_none() {
                    self.fail(start, end, "this alias stands inside the value that it names");
                }
                node.is_some_and(|node| self.place(node, 0, true))
            }
            Event::SequenceStart(anchor, tag) => {
                self.no_tag(tag.is_some(), start, end) && self.enter(start, anchor, false)
            }
            Event::MappingStart(anchor, tag) => {
                self.no_tag(tag.is_some(), start, end) && self.enter(start, anchor, true)
            }
            // The parser's span of a closing bracket takes in the spaces and the comment behind it.
            Event::SequenceEnd | Event::MappingEnd => self.leave(start + 1),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => true,
        }
    }

    /// The parser's span of a scalar that is not plain takes in the spaces, and the comment, behind it.
    fn scalar_end(&self, style: ScalarStyle, start: usize, end: usize) -> usize {
        let written = &self.text[start..end];
        match style {
            ScalarStyle::Plain => end,
            ScalarStyle::Literal | ScalarStyle::Folded => start + written.trim_end().len(),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                start + quoted_length(written).unwrap_or(written.len())
            }
        }
    }

    fn no_tag(&mut self, tag: bool, start: usize, end: usize) -> bool {
        let refused = tag && self.dialect == Dialect::Manifest;
        if refused {
            self.fail(start, end, "YAML tags (`!name`) have no meaning in a manifest");
        }
        !refused
    }

    fn enter(&mut self, start: usize, anchor: usize, map: bool) -> bool {
        if self.open.len() == MAX_DEPTH {
            self.fail(start, start + 1, &format!("lists and maps nest deeper than {MAX_DEPTH} levels here"));
            return false;
        }
        let flow = self.text[start..].starts_with(if map { '{' } else { '[' });
        self.open.push(Open {
            start,
            anchor,
            flow,
            map,
            items: Vec::new(),
            entries: Vec::new(),
            seen: HashMap::new(),
            key: None,
        });
        true
    }

    fn leave(&mut self, end: usize) -> bool {
        let Some(open) = self.open.pop() else { return false };
        let last = open.items.last().or(open.entries.last().map(|entry| &entry.value)).map(|node| node.span.end);
        let end = if open.flow { end } else { last.map_or(open.start, |last| (last as usize).max(open.start)) };
        let size = 1
            + open.items.iter().map(|node| node.size).sum::<usize>()
            + open.entries.iter().map(|entry| entry.value.size).sum::<usize>();
        let kind = if open.map {
            Kind::Map { entries: open.entries, flow: open.flow }
        } else {
            Kind::List { items: open.items, flow: open.flow }
        };
        let node = Node { span: Span::new(self.file, open.start, end), kind, anchored: open.anchor > 0, size };
        self.place(Arc::new(node), open.anchor, false)
    }

    /// Puts a finished node where it belongs: into the open list or map, as a key, or as the document.
    fn place(&mut self, node: Arc<Node>, anchor: usize, alias: bool) -> bool {
        if anchor > 0 {
            self.anchors.insert(anchor, Arc::clone(&node));
        }
        self.nodes = self.nodes.saturating_add(if alias { node.size } else { 1 });
        if self.nodes > MAX_NODES {
            let span = node.span;
            self.fail(span.start as usize, span.end as usize, &format!("the text has more than {MAX_NODES} values"));
            return false;
        }
        let Some(open) = self.open.last_mut() else {
            if !node.is_null() {
                self.reading.documents.push(node);
            }
            return true;
        };
        if !open.map {
            open.items.push(node);
            return true;
        }
        match open.key.take() {
            Some((key, key_span)) => {
                if let Some(&first) = open.seen.get(&key) {
                    self.reading.faults.push(Fault::Duplicate { key, span: key_span, first });
                } else {
                    open.seen.insert(key.clone(), key_span);
                    open.entries.push(Entry { key, key_span, value: node, alias });
                }
                true
            }
            None if node.text().is_some() => {
                open.key = node.text().map(|text| (text.to_owned(), node.span));
                true
            }
            None => {
                let span = node.span;
                self.fail(span.start as usize, span.end as usize, "a key must be a text");
                false
            }
        }
    }
}

/// How many bytes a quoted scalar at the start of a text has, its quotes included.
fn quoted_length(text: &str) -> Option<usize> {
    let quote = text.bytes().next().filter(|byte| matches!(byte, b'\'' | b'"'))?;
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 2,
            b'\'' if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}
