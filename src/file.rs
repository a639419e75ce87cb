//! The files that were read, and places in them.
//!
//! A [`Span`] is a file and a byte range; lines and columns are worked out only when something is shown. Paths are
//! relative to the project's root and use `/`. This module reads nothing from disk: [`crate::walk`] does.

use foldhash::HashMap;
use std::sync::{Arc, OnceLock, RwLock};

/// A file that was read, by its place in [`Files`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A half-open byte range `start..end` in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file that the range lies in.
    pub file: FileId,
    /// The first byte, counted from 0.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end` of `file`; a range past 4 GiB is cut there.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        let cut = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { file, start: cut(start), end: cut(end.max(start)) }
    }

    /// The smallest range that covers both; `self` where the files differ.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        if self.file != other.file {
            return self;
        }
        Self { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A line and a column, both counted from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// One file's path and text.
#[derive(Debug)]
pub struct SourceFile {
    path: String,
    text: String,
    lines: OnceLock<Vec<u32>>,
}

impl SourceFile {
    fn new(path: String, text: String) -> Self {
        Self { path, text, lines: OnceLock::new() }
    }

    /// The path, relative to the project's root, with `/` between its parts.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole text; bytes that were not UTF-8 stand as U+FFFD.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The byte at which each line starts.
    fn line_starts(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            let newlines = memchr::memchr_iter(b'\n', self.text.as_bytes()).map(|at| at as u32 + 1);
            std::iter::once(0).chain(newlines).collect()
        })
    }

    /// The line and column of a byte; a byte past the end counts as the end.
    pub fn position(&self, byte: u32) -> Position {
        let starts = self.line_starts();
        let byte = byte.min(self.text.len() as u32);
        let line = starts.partition_point(|&start| start <= byte).max(1);
        let mut at = byte as usize;
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let column = self.text[starts[line - 1] as usize..at].chars().count() + 1;
        Position { line: line as u32, column: column as u32 }
    }

    /// The text of line `line` (from 1) without its line break; empty past the end.
    pub fn line(&self, line: u32) -> &str {
        self.text.lines().nth(line.saturating_sub(1) as usize).unwrap_or("")
    }
}

/// Every file that was read, shared between threads; files are only ever added.
#[derive(Debug, Default)]
pub struct Files {
    inner: RwLock<FilesInner>,
}

#[derive(Debug, Default)]
struct FilesInner {
    files: Vec<Arc<SourceFile>>,
    by_path: HashMap<String, FileId>,
}

impl Files {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, or returns the one that already stands at that path.
    pub fn add(&self, path: &str, text: String) -> FileId {
        let mut inner = self.inner.write().expect("internal: no thread panics while it holds the lock");
        if let Some(&id) = inner.by_path.get(path) {
            return id;
        }
        let id = FileId(inner.files.len() as u32);
        inner.files.push(Arc::new(SourceFile::new(path.to_owned(), text)));
        inner.by_path.insert(path.to_owned(), id);
        id
    }

    /// The file that was added under `path`.
    pub fn find(&self, path: &str) -> Option<FileId> {
        self.inner.read().expect("internal: no thread panics while it holds the lock").by_path.get(path).copied()
    }

    /// The file behind an id.
    pub fn get(&self, id: FileId) -> Arc<SourceFile> {
        let inner = self.inner.read().expect("internal: no thread panics while it holds the lock");
        Arc::clone(&inner.files[id.0 as usize])
    }

    /// How many files were read.
    pub fn len(&self) -> usize {
        self.inner.read().expect("internal: no thread panics while it holds the lock").files.len()
    }

    /// Whether none was read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The files that were read when there were already `before` of them.
    pub fn since(&self, before: usize) -> impl Iterator<Item = FileId> {
        (before as u32..self.len() as u32).map(FileId)
    }

    /// The path of the file behind an id.
    pub fn path(&self, id: FileId) -> String {
        self.get(id).path().to_owned()
    }

    /// The line and column at which a span starts.
    pub fn start(&self, span: Span) -> Position {
        self.get(span.file).position(span.start)
    }

    /// The text that a span covers; empty where the span does not fit the text.
    pub fn text(&self, span: Span) -> String {
        self.get(span.file).text().get(span.start as usize..span.end as usize).unwrap_or("").to_owned()
    }

    /// `path:line:column` of a span's start.
    pub fn place(&self, span: Span) -> String {
        let file = self.get(span.file);
        let position = file.position(span.start);
        format!("{}:{}:{}", file.path(), position.line, position.column)
    }

    /// What a span sorts by in output: path, line, column.
    pub fn sort_key(&self, span: Span) -> (String, Position) {
        let file = self.get(span.file);
        let position = file.position(span.start);
        (file.path().to_owned(), position)
    }
}

/// A text taken from a file, or put together from pieces of several, whose every byte knows where it came from.
///
/// Shell code in a Go string, a Dockerfile instruction or a YAML value is such a text: it is scanned by itself, and what
/// is found is mapped back into the file that a person would edit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MappedText {
    text: String,
    pieces: Vec<Piece>,
}

/// From `start` on, the text stands in the source at `source`; byte for byte where `exact`, else as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Piece {
    start: u32,
    source: Span,
    exact: bool,
}

impl MappedText {
    /// An empty text.
    pub fn new() -> Self {
        Self { text: String::new(), pieces: Vec::new() }
    }

    /// The text that a span covers, byte for byte.
    pub fn verbatim(files: &Files, span: Span) -> Self {
        let mut mapped = Self::new();
        mapped.push(&files.text(span), span);
        mapped
    }

    /// Appends text that stands at `source`. Where its length differs from the span's (escapes were resolved, a
    /// constant was put in), every byte of it maps to the whole span.
    pub fn push(&mut self, text: &str, source: Span) {
        let exact = text.len() == (source.end - source.start) as usize;
        self.pieces.push(Piece { start: self.text.len() as u32, source, exact });
        self.text.push_str(text);
    }

    /// Appends text that was made of what stands at `source`: every byte of it maps to the whole span.
    pub fn push_inexact(&mut self, text: &str, source: Span) {
        self.pieces.push(Piece { start: self.text.len() as u32, source, exact: false });
        self.text.push_str(text);
    }

    /// Appends text that stands nowhere in the source; it maps to what stands before it.
    pub fn push_unplaced(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the text stands in one file as it is, not put together from pieces.
    pub fn is_verbatim(&self) -> bool {
        matches!(self.pieces.as_slice(), [Piece { start: 0, exact: true, .. }])
    }

    /// Appends another text with its places.
    pub fn append(&mut self, other: &Self) {
        let base = self.text.len() as u32;
        self.text.push_str(&other.text);
        self.pieces.extend(other.pieces.iter().map(|piece| Piece { start: base + piece.start, ..*piece }));
    }

    /// The bytes `range` of the text with their places; empty where the range does not fit the text.
    #[must_use]
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        let mut part = Self::new();
        let Some(text) = self.text.get(range.clone()) else { return part };
        let (start, end) = (range.start as u32, range.end as u32);
        let first = self.pieces.partition_point(|piece| piece.start <= start).saturating_sub(1);
        for piece in self.pieces.iter().skip(first).take_while(|piece| piece.start < end) {
            let skipped = start.saturating_sub(piece.start);
            let mut source = piece.source;
            if piece.exact {
                source.start = (source.start + skipped).min(source.end);
            }
            part.pieces.push(Piece { start: piece.start.max(start) - start, source, exact: piece.exact });
        }
        part.text.push_str(text);
        part
    }

    /// Where the bytes `start..end` of the text stand in the source; nothing for an empty text without pieces.
    pub fn span(&self, start: usize, end: usize) -> Option<Span> {
        let first = self.point(start, false)?;
        let last = self.point(end.max(start), true)?;
        Some(if first.file == last.file && last.end >= first.start {
            Span { file: first.file, start: first.start, end: last.end }
        } else {
            first
        })
    }

    fn point(&self, at: usize, as_end: bool) -> Option<Span> {
        let key = if as_end { at.saturating_sub(1) } else { at } as u32;
        let index = self.pieces.partition_point(|piece| piece.start <= key).saturating_sub(1);
        let piece = self.pieces.get(index)?;
        if !piece.exact {
            return Some(piece.source);
        }
        let byte = (piece.source.start + (at as u32).saturating_sub(piece.start)).min(piece.source.end);
        Some(Span { file: piece.source.file, start: byte, end: byte })
    }
}

impl Default for MappedText {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        let files = Files::new();
        let id = files.add("a.sh", "é\nab ü x\n".to_owned());
        let at = files.get(id).text().find('x').expect("x is there");
        assert_eq!(files.start(Span::new(id, at, at + 1)), Position { line: 2, column: 6 });
        assert_eq!(files.place(Span::new(id, 0, 1)), "a.sh:1:1");
        assert_eq!(files.text(Span::new(id, at, at + 1)), "x");
    }

    #[test]
    fn a_path_is_one_file() {
        let files = Files::new();
        assert_eq!(files.add("a", "1".to_owned()), files.add("a", "2".to_owned()));
        assert_eq!(files.get(files.find("a").expect("added")).text(), "1");
    }

    #[test]
    fn mapped_text_leads_back_to_its_pieces() {
        let files = Files::new();
        let id = files.add("a.go", "run(\"git \" + name)".to_owned());
        let mut text = MappedText::new();
        text.push("git ", Span::new(id, 5, 9));
        text.push("fetch", Span::new(id, 13, 17));
        assert_eq!(text.text(), "git fetch");
        assert_eq!(files.text(text.span(0, 3).expect("mapped")), "git");
        assert_eq!(files.text(text.span(4, 9).expect("mapped")), "name");
        assert_eq!(files.text(text.span(0, 9).expect("mapped")), "git \" + name");
        assert_eq!(MappedText::new().span(0, 0), None);
    }

    #[test]
    fn mapped_text_is_cut_and_joined_with_its_places() {
        let files = Files::new();
        let id = files.add("a.sh", "eval 'git fetch' now".to_owned());
        let whole = MappedText::verbatim(&files, Span::new(id, 0, 20));
        let mut text = whole.slice(6..15);
        text.append(&whole.slice(16..20));
        assert_eq!(text.text(), "git fetch now");
        assert_eq!(files.text(text.slice(4..9).span(0, 5).expect("mapped")), "fetch");
        assert_eq!(files.text(text.span(10, 13).expect("mapped")), "now");
        assert_eq!(whole.slice(18..99).text(), "");
    }

    #[test]
    fn the_end_has_a_position() {
        let files = Files::new();
        let id = files.add("a", "x\n".to_owned());
        assert_eq!(files.start(Span::new(id, 99, 99)), Position { line: 2, column: 1 });
    }
}
