//! Here-documents: where they stand in a Dockerfile, and a text of the same length without them.
//!
//! A `RUN`, `COPY` or `ADD` line may name any number of here-documents anywhere in it (`RUN cat <<A >/a && sh <<B`); their
//! bodies follow it, in order. They are found here by `BuildKit`'s rules
//! (<https://github.com/moby/buildkit/blob/v0.13.0/frontend/dockerfile/parser/parser.go#L455>), and blanked out, so that what is
//! left can be read instruction by instruction and every byte keeps its place.

use super::model::HereDoc;
use crate::file::{FileId, MappedText, Span};

/// A Dockerfile's text without its here-documents.
pub(super) struct Masked {
    /// As long as the original: bodies are spaces, `<<` is `__`.
    pub text: String,
    /// The here-documents, each with the byte at which its marker (`<<EOF`) stands, in order.
    pub found: Vec<(usize, HereDoc)>,
    /// Comments and empty lines aside, where each logical line ends: with its here-documents.
    pub ends: Vec<(usize, usize)>,
}

/// A here-document that nothing ends.
pub(super) struct Unterminated {
    /// The word that should end it.
    pub delimiter: String,
    /// The marker.
    pub marker: (usize, usize),
}

/// Finds and blanks out the here-documents of a Dockerfile whose escape character is `escape`.
pub(super) fn mask(file: FileId, text: &str, escape: char) -> Result<Masked, Unterminated> {
    let mut masked = text.as_bytes().to_vec();
    let mut found = Vec::new();
    let mut ends = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = logical_line_end(text, at, escape);
        let line = &text[at..end];
        if is_blank_or_comment(line) {
            at = end;
            continue;
        }
        let mut next = end;
        if takes_here_docs(line) {
            for marker in markers(line, escape) {
                let marker_at = at + marker.start;
                let (body_end, after) = body(text, next, &marker).ok_or_else(|| Unterminated {
                    delimiter: marker.delimiter.clone(),
                    marker: (marker_at, at + marker.end),
                })?;
                masked[at + marker.operator..at + marker.operator + 2].copy_from_slice(b"__");
                for byte in &mut masked[next..after] {
                    if *byte != b'\n' {
                        *byte = b' ';
                    }
                }
                let mapped = body_text(file, text, next, body_end, marker.strip_tabs);
                found.push((
                    marker_at,
                    HereDoc {
                        delimiter: marker.delimiter,
                        expand: marker.expand,
                        text: mapped,
                        span: Span::new(file, next, body_end),
                    },
                ));
                next = after;
            }
        }
        ends.push((at, next));
        at = next;
    }
    let text = String::from_utf8(masked).expect("internal: only whole lines and ASCII bytes were replaced");
    Ok(Masked { text, found, ends })
}

/// One past the line break that ends the logical line which starts at `at`: continued lines, and the comment and empty lines
/// among them, belong to it.
fn logical_line_end(text: &str, at: usize, escape: char) -> usize {
    let mut end = physical_line_end(text, at);
    let mut line = &text[at..end];
    if is_blank_or_comment(line) {
        return end;
    }
    while end < text.len() && line.trim_end().ends_with(escape) {
        // Comments and empty lines inside a continued instruction are skipped.
        loop {
            let start = end;
            end = physical_line_end(text, start);
            line = &text[start..end];
            if !is_blank_or_comment(line) || end >= text.len() {
                break;
            }
        }
    }
    end
}

fn physical_line_end(text: &str, at: usize) -> usize {
    memchr::memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |offset| at + offset + 1)
}

fn is_blank_or_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

fn takes_here_docs(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let mut keyword = words.next().unwrap_or_default();
    if keyword.eq_ignore_ascii_case("ONBUILD") {
        keyword = words.next().unwrap_or_default();
    }
    ["RUN", "COPY", "ADD"].iter().any(|name| keyword.eq_ignore_ascii_case(name))
}

/// `<<EOF` in a line.
struct Marker {
    start: usize,
    operator: usize,
    end: usize,
    delimiter: String,
    expand: bool,
    strip_tabs: bool,
}

/// The words of a line that are here-document markers: digits, `<<`, perhaps `-`, and one word without `<`.
fn markers(line: &str, escape: char) -> Vec<Marker> {
    let mut markers = Vec::new();
    if !line.contains("<<") {
        return markers;
    }
    let line = without_comment_lines(line);
    for (start, end) in shell_words(&line, escape) {
        let word = &line[start..end];
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        let Some(rest) = word[digits..].strip_prefix("<<") else { continue };
        let (strip_tabs, raw) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
        if raw.contains('<') {
            continue;
        }
        let delimiter: String = unquote(raw);
        if delimiter.is_empty() || delimiter.contains(char::is_whitespace) {
            continue;
        }
        let expand = !raw.contains(['"', '\'', '\\']);
        markers.push(Marker { start, operator: start + digits, end, delimiter, expand, strip_tabs });
    }
    markers
}

/// The logical line with the comment lines inside it blanked out.
fn without_comment_lines(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for (number, physical) in line.split_inclusive('\n').enumerate() {
        if number > 0 && physical.trim_start().starts_with('#') {
            text.extend(std::iter::repeat_n(' ', physical.len()));
        } else {
            text.push_str(physical);
        }
    }
    text
}

/// The byte ranges of a line's words as a shell splits them, quotes and substitutions kept together.
fn shell_words(line: &str, escape: char) -> Vec<(usize, usize)> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut skip = false;
    for (at, c) in line.char_indices() {
        if skip {
            skip = false;
            continue;
        }
        if quote.is_none() && c.is_whitespace() {
            if let Some(start) = start.take() {
                words.push((start, at));
            }
            continue;
        }
        start.get_or_insert(at);
        match c {
            '\\' if quote != Some('\'') => skip = true,
            c if c == escape && line[at + c.len_utf8()..].trim_start_matches([' ', '\t', '\r']).starts_with('\n') => {
                skip = true;
            }
            '"' | '\'' if quote.is_none() => quote = Some(c),
            c if quote == Some(c) => quote = None,
            _ => {}
        }
    }
    words.extend(start.map(|start| (start, line.len())));
    words
}

fn unquote(raw: &str) -> String {
    let mut text = String::new();
    let mut quote = None;
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quote.is_none() => text.extend(chars.next()),
            '"' | '\'' if quote.is_none() => quote = Some(c),
            c if quote == Some(c) => quote = None,
            c => text.push(c),
        }
    }
    text
}

/// The end of the body that starts at `at`, and one past the line that ends it.
fn body(text: &str, at: usize, marker: &Marker) -> Option<(usize, usize)> {
    let mut start = at;
    while start < text.len() {
        let end = physical_line_end(text, start);
        let line = text[start..end].trim_end_matches(['\n', '\r']);
        let line = if marker.strip_tabs { line.trim_start_matches('\t') } else { line };
        if line == marker.delimiter {
            return Some((start, end));
        }
        start = end;
    }
    None
}

fn body_text(file: FileId, text: &str, start: usize, end: usize, strip_tabs: bool) -> MappedText {
    let mut mapped = MappedText::new();
    if !strip_tabs {
        mapped.push(&text[start..end], Span::new(file, start, end));
        return mapped;
    }
    let mut at = start;
    while at < end {
        let line_end = physical_line_end(text, at).min(end);
        let from = at + text[at..line_end].bytes().take_while(|byte| *byte == b'\t').count();
        mapped.push(&text[from..line_end], Span::new(file, from, line_end));
        at = line_end;
    }
    mapped
}
