//! YAML values as commands: their text with its places, variables taken out, words told apart.

use super::Setting;
use crate::dockerfile::{Command, Word};
use crate::file::{MappedText, Span};
use crate::walk::Tree;
use crate::yaml::Node;

/// Whose variables a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variables {
    /// `$NAME`, `${NAME}`, `${NAME:-default}`; `$$` is a dollar.
    /// Source: <https://docs.docker.com/reference/compose-file/interpolation/>.
    Compose,
    /// `$(NAME)`; `$$(NAME)` is the text `$(NAME)`.
    /// Source: <https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/>.
    Kubernetes,
}

/// A scalar's text with the places of its words.
fn mapped(tree: &Tree, node: &Node) -> Option<MappedText> {
    let text = node.text()?;
    let written = tree.files().text(node.span);
    let mut mapped = MappedText::new();
    let mut from = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let blank = rest.starts_with(char::is_whitespace);
        let length = rest.find(|letter: char| letter.is_whitespace() != blank).unwrap_or(rest.len());
        let (part, after) = rest.split_at(length);
        let found = if blank { None } else { written[from..].find(part) };
        match found {
            Some(at) => {
                let start = node.span.start as usize + from + at;
                mapped.push(part, Span::new(node.span.file, start, start + part.len()));
                from += at + part.len();
            }
            None if blank => mapped.push_unplaced(part),
            // Escapes were resolved: from here on only the whole is known.
            None => {
                mapped.push_inexact(rest, node.span);
                break;
            }
        }
        rest = after;
    }
    Some(mapped)
}

/// A text with its variables replaced by their defaults, and the first that has none.
fn interpolated(text: &MappedText, variables: Variables) -> (MappedText, Option<String>) {
    let all = text.text();
    let mut out = MappedText::new();
    let mut unset = None;
    let mut at = 0;
    while let Some(dollar) = all[at..].find('$').map(|found| at + found) {
        out.append(&text.slice(at..dollar));
        let rest = &all[dollar + 1..];
        let (length, kept, name) = match variables {
            Variables::Compose => compose_variable(rest),
            Variables::Kubernetes => kubernetes_variable(rest),
        };
        let end = dollar + 1 + length;
        match kept {
            Some(kept) => out.append(&text.slice(dollar + kept.start..dollar + kept.end)),
            None => {
                out.append(&text.slice(dollar..end));
                unset = unset.or(name);
            }
        }
        at = end;
    }
    out.append(&text.slice(at..all.len()));
    (out, unset)
}

/// A scalar's text with its variables' defaults; nothing where one has none.
pub(super) fn plain(tree: &Tree, node: &Node) -> Option<String> {
    let (text, unset) = interpolated(&mapped(tree, node)?, Variables::Compose);
    unset.is_none().then(|| text.text().to_owned())
}

/// What stands behind a dollar: how long it is, the part that takes its place (counted from the dollar), its name.
type Reference = (usize, Option<std::ops::Range<usize>>, Option<String>);

fn compose_variable(rest: &str) -> Reference {
    let name_length =
        |text: &str| text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    if rest.starts_with('$') {
        return (1, Some(0..1), None);
    }
    if let Some(inner) = rest.strip_prefix('{')
        && let Some(end) = inner.find('}')
    {
        let length = name_length(&inner[..end]);
        let default = ["-", ":-"].iter().find(|mark| inner[length..end].starts_with(**mark));
        let kept = default.map(|mark| 2 + length + mark.len()..2 + end);
        return (end + 2, kept, Some(inner[..length].to_owned()));
    }
    let length = name_length(rest);
    if length == 0 { (0, Some(0..1), None) } else { (length, None, Some(rest[..length].to_owned())) }
}

fn kubernetes_variable(rest: &str) -> Reference {
    if rest.starts_with("$(") {
        return (1, Some(0..1), None);
    }
    match rest.strip_prefix('(').and_then(|inner| inner.find(')')) {
        Some(end) => (end + 2, None, Some(rest[1..=end].to_owned())),
        None => (0, Some(0..1), None),
    }
}

/// A list of words, or a text that is split into words as a shell would, without being run by one.
pub(super) fn exec(tree: &Tree, node: &Node, variables: Variables, api: &'static str) -> Option<Setting> {
    if node.is_null() {
        return None;
    }
    let mut words = Vec::new();
    let mut unknown = None;
    if node.text().is_some() {
        let (text, unset) = interpolated(&mapped(tree, node)?, variables);
        words = split(&text, node.span);
        unknown = unset.filter(|_| words.first().is_some_and(|word| word.text.contains('$')));
    } else {
        for (index, item) in node.items().iter().enumerate().take(500) {
            let (text, unset) = interpolated(&mapped(tree, item)?, variables);
            unknown = unknown.or(unset.filter(|_| index == 0));
            words.push(Word { text: text.text().to_owned(), span: item.span });
        }
    }
    let unknown = unknown.map(|name| format!("the variable {name}, which whoever starts the image sets"));
    Some(Setting { command: Command::Exec(words, node.span), api, unknown })
}

/// A text for a shell.
pub(super) fn shell(tree: &Tree, node: &Node, variables: Variables, api: &'static str) -> Option<Setting> {
    let (text, _) = interpolated(&mapped(tree, node)?, variables);
    Some(Setting { command: Command::Shell(text, node.span), api, unknown: None })
}

/// The words of a text: split at blanks, quotes and backslashes resolved, nothing expanded.
/// Source: <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02>.
fn split(text: &MappedText, whole: Span) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word: Option<(usize, String)> = None;
    let mut quote = None;
    let mut letters = text.text().char_indices();
    while let Some((at, letter)) = letters.next() {
        if quote.is_none() && letter.is_whitespace() {
            words.extend(word.take().map(|(start, own)| (start, at, own)));
            continue;
        }
        let (_, own) = word.get_or_insert((at, String::new()));
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), _) if letter == open => quote = None,
            (None | Some('"'), '\\') => match letters.next() {
                Some((_, next)) if quote.is_none() || matches!(next, '"' | '\\' | '$' | '`') => own.push(next),
                Some((_, next)) => own.extend(['\\', next]),
                None => own.push('\\'),
            },
            _ => own.push(letter),
        }
    }
    words.extend(word.map(|(start, own)| (start, text.text().len(), own)));
    let placed =
        words.into_iter().map(|(start, end, own)| Word { text: own, span: text.span(start, end).unwrap_or(whole) });
    placed.collect()
}
