//! YAML text to a tree of nodes that know where they stand.
//!
//! Bounded on purpose: at most [`MAX_BYTES`] of text, [`MAX_DEPTH`] levels and [`MAX_NODES`] nodes with every alias
//! counted at its full size, so that no manifest can make its reader work long. Tags, several documents and keys that
//! are not plain texts are refused.

use super::{DUPLICATE_KEY, MANIFEST_SYNTAX};
use crate::file::{FileId, Span};
use crate::finding::Finding;
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::HashMap;
use std::sync::Arc;

/// The size in bytes above which a manifest is refused.
pub(super) const MAX_BYTES: usize = 1 << 20;
/// How deep lists and maps may nest.
pub(super) const MAX_DEPTH: usize = 32;
/// How many nodes a manifest may have once every alias is counted at its full size.
pub(super) const MAX_NODES: usize = 100_000;

/// A value of the manifest and where it stands.
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

/// Reads one document. The node is there as far as the text could be read; nothing for an empty document.
pub(crate) fn parse(file: FileId, text: &str) -> (Option<Arc<Node>>, Vec<Finding>) {
    let mut builder = Builder::new(file, text);
    if text.len() > MAX_BYTES {
        let message = format!("the manifest has {} bytes; at most {MAX_BYTES} are read", text.len());
        return (None, vec![Finding::new(&MANIFEST_SYNTAX, message).label(Span::new(file, 0, 0), "")]);
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
    builder.finish()
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
    open: Vec<Open>,
    anchors: HashMap<usize, Arc<Node>>,
    nodes: usize,
    documents: usize,
    root: Option<Arc<Node>>,
    findings: Vec<Finding>,
}

impl<'a> Builder<'a> {
    fn new(file: FileId, text: &'a str) -> Self {
        let marks = if text.len() > MAX_BYTES {
            Vec::new()
        } else {
            text.char_indices().step_by(64).map(|(byte, _)| byte).collect()
        };
        Self {
            file,
            text,
            marks,
            open: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            documents: 0,
            root: None,
            findings: Vec::new(),
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
        self.findings.push(Finding::new(&MANIFEST_SYNTAX, message).label(span, ""));
    }

    /// Takes one event in; `false` where reading on makes no sense.
    fn take(&mut self, event: Event<'_>, span: saphyr_parser::Span) -> bool {
        let (start, end) = (self.byte(span.start.index()), self.byte(span.end.index()));
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.fail(start, end, "a manifest is one YAML document, and here a second one starts");
                }
                self.documents == 1
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
        if tag {
            self.fail(start, end, "YAML tags (`!name`) have no meaning in a manifest");
        }
        !tag
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
            self.fail(
                span.start as usize,
                span.end as usize,
                &format!("the manifest has more than {MAX_NODES} values"),
            );
            return false;
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return true;
        };
        if !open.map {
            open.items.push(node);
            return true;
        }
        match open.key.take() {
            Some((key, key_span)) => {
                if let Some(&first) = open.seen.get(&key) {
                    let message = format!("the key `{key}` stands twice in one map");
                    let finding = Finding::new(&DUPLICATE_KEY, message).label(key_span, "").label(first, "first here");
                    self.findings.push(finding);
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

    fn finish(self) -> (Option<Arc<Node>>, Vec<Finding>) {
        (self.root, self.findings)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Files;
    use std::fmt::Write as _;

    fn read(text: &str) -> (Files, Option<Arc<Node>>, Vec<Finding>) {
        let files = Files::new();
        let id = files.add("aboard.yaml", text.to_owned());
        let (node, findings) = parse(id, text);
        (files, node, findings)
    }

    #[test]
    fn spans_cover_what_was_written() {
        let text = "é: \"ü\"
list:
  - one   # why
  - 'two'
flow: {a: [x, y]} # z
quoted: 'q''s' # z's
double: \"q\\\"s\" # \"
block: |
  l1
  l2

last: z
";
        let (files, node, findings) = read(text);
        assert!(findings.is_empty(), "{findings:?}");
        let node = node.expect("a document");
        let shown = |key: &str| files.text(node.get(key).expect("the key").value.span);
        assert_eq!(shown("é"), "\"ü\"");
        assert_eq!(shown("list"), "- one   # why\n  - 'two'");
        assert_eq!(shown("flow"), "{a: [x, y]}");
        assert_eq!(shown("quoted"), "'q''s'");
        assert_eq!(shown("double"), "\"q\\\"s\"");
        assert_eq!(shown("block"), "l1\n  l2");
        assert_eq!(shown("last"), "z");
        assert_eq!(files.text(node.get("flow").expect("the key").key_span), "flow");
    }

    #[test]
    fn spans_hold_with_carriage_returns_and_a_byte_order_mark() {
        for text in ["a: 1\r\nb:\r\n  c: 'x'\r\n\r\nd: {e: f}\r\n", "\u{feff}a: 1\nb:\n  c: 'x'\nd: {e: f}\n"] {
            let (files, node, findings) = read(text);
            assert!(findings.is_empty(), "{findings:?}");
            let node = node.expect("a document");
            let shown: Vec<String> = node.entries().iter().map(|entry| files.text(entry.value.span)).collect();
            assert_eq!(shown, ["1", "c: 'x'", "{e: f}"], "{text:?}");
            assert_eq!(node.entries()[0].key, "a", "{text:?}");
            assert_eq!(files.text(node.entries()[0].key_span), "a", "{text:?}");
        }
    }

    #[test]
    fn plain_scalars_have_the_core_schemas_types() {
        for (text, kind) in [
            ("~", "nothing"),
            ("true", "a truth value"),
            ("yes", "a text"),
            ("12", "a number"),
            ("3.20", "a number"),
            ("3.20.1", "a text"),
            ("1e3", "a number"),
            ("e", "a text"),
            ("-", "a text"),
            ("inf", "a text"),
        ] {
            assert_eq!(plain_type(text), kind, "{text}");
        }
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..20 {
            let inner = vec![format!("*a{}", level - 1); 9].join(", ");
            let _ = writeln!(text, "a{level}: &a{level} [{inner}]");
        }
        let (_, _, findings) = read(&text);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].message.contains("more than 100000 values"), "{findings:?}");
    }

    #[test]
    fn depth_is_bounded() {
        for text in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000)] {
            let (_, _, findings) = read(&text);
            assert_eq!(findings.len(), 1, "{findings:?}");
        }
    }

    #[test]
    fn an_alias_inside_its_own_value_is_refused() {
        let (_, _, findings) = read("a: &x [*x]\n");
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].rule.code, "manifest-syntax");
    }

    #[test]
    fn a_key_that_stands_twice_labels_both() {
        let (files, _, findings) = read("a: 1\nb: {c: 1, c: 2}\n");
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].rule.code, "duplicate-key");
        assert_eq!(files.place(findings[0].labels[0].span), "aboard.yaml:2:11");
        assert_eq!(files.place(findings[0].labels[1].span), "aboard.yaml:2:5");
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        for text in ["a: !x 1\n", "a: 1\n---\nb: 2\n", "[a]: 1\n", "a: *nothing\n", "a: 'b\n", "a:\n\tb: 1\n"] {
            let (_, _, findings) = read(text);
            assert_eq!(findings.len(), 1, "{text:?}: {findings:?}");
            assert_eq!(findings[0].rule.code, "manifest-syntax", "{text:?}");
        }
    }
}
