//! Texts made of texts: what the functions of `strings`, `path` and of splitters of command lines make of known and
//! unknown pieces. Nothing here follows values.

use super::value::{Part, piece_span, tidy};
use crate::file::Span;
use std::rc::Rc;

/// Which ends of a text are trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    Start,
    End,
    Both,
}

/// Words, and whether more may come at no known place.
pub(crate) type Words = (Vec<Vec<Part>>, bool);

/// The text where all of it is known.
fn whole(parts: &[Part]) -> Option<(String, Span)> {
    let mut text = String::new();
    let mut place = None;
    for part in parts {
        let Part::Known(known, span) = part else { return None };
        text.push_str(known);
        place.get_or_insert(*span);
    }
    Some((text, place?))
}

/// A text changed as a whole; where a piece is not known, what comes out is not either.
pub(crate) fn changed(parts: &[Part], change: impl Fn(&str) -> String, otherwise: &str) -> Vec<Part> {
    match whole(parts) {
        Some((text, span)) => vec![Part::Known(change(&text).into(), span)],
        None if parts.is_empty() => Vec::new(),
        None => vec![Part::Hole(otherwise.into())],
    }
}

/// Each known piece changed by itself.
pub(crate) fn each(parts: Vec<Part>, change: impl Fn(&str) -> String) -> Vec<Part> {
    let change = |part| match part {
        Part::Known(text, span) => Part::Known(change(&text).into(), span),
        hole @ Part::Hole(_) => hole,
    };
    parts.into_iter().map(change).collect()
}

/// The text without the characters at its ends.
pub(crate) fn trimmed(mut parts: Vec<Part>, ends: Ends, cut: &dyn Fn(char) -> bool) -> Vec<Part> {
    if ends != Ends::End {
        while let Some(Part::Known(text, span)) = parts.first() {
            let rest = text.trim_start_matches(cut);
            let piece = piece(text, *span, text.len() - rest.len(), rest.len());
            parts[0] = piece;
            if !rest_is_empty(parts.first()) {
                break;
            }
            parts.remove(0);
        }
    }
    if ends != Ends::Start {
        while let Some(Part::Known(text, span)) = parts.last() {
            let rest = text.trim_end_matches(cut);
            let piece = piece(text, *span, 0, rest.len());
            parts.pop();
            parts.push(piece);
            if !rest_is_empty(parts.last()) {
                break;
            }
            parts.pop();
        }
    }
    parts
}

fn rest_is_empty(part: Option<&Part>) -> bool {
    matches!(part, Some(Part::Known(text, _)) if text.is_empty())
}

fn piece(text: &str, span: Span, start: usize, length: usize) -> Part {
    Part::Known(text[start..start + length].into(), piece_span(text, span, start, length))
}

/// The text without a word before or behind it.
pub(crate) fn without(mut parts: Vec<Part>, ends: Ends, word: &str) -> Vec<Part> {
    match ends {
        Ends::End => {
            if let Some(Part::Known(text, span)) = parts.last()
                && let Some(rest) = text.strip_suffix(word)
            {
                let piece = piece(text, *span, 0, rest.len());
                parts.pop();
                parts.push(piece);
            }
        }
        Ends::Start | Ends::Both => {
            if let Some(Part::Known(text, span)) = parts.first()
                && text.starts_with(word)
            {
                parts[0] = piece(text, *span, word.len(), text.len() - word.len());
            }
        }
    }
    tidy(parts)
}

/// The pieces between separators, empty ones too; `limit` pieces at most.
pub(crate) fn split(parts: &[Part], separator: &str, limit: Option<usize>) -> Words {
    let mut pieces: Vec<Vec<Part>> = vec![Vec::new()];
    for part in parts {
        let Part::Known(text, span) = part else {
            // It may hold separators itself: what follows is at no known place.
            pieces.last_mut().into_iter().for_each(|last| last.push(part.clone()));
            return (pieces, true);
        };
        let mut from = 0;
        loop {
            let more = limit.is_none_or(|limit| pieces.len() < limit);
            let found = text[from..].find(separator).filter(|_| more);
            let end = found.map_or(text.len(), |at| from + at);
            if end > from
                && let Some(last) = pieces.last_mut()
            {
                last.push(piece(text, *span, from, end - from));
            }
            if found.is_none() {
                break;
            }
            pieces.push(Vec::new());
            from = end + separator.len();
        }
    }
    (pieces, false)
}

/// The words between white space.
pub(crate) fn fields(parts: &[Part]) -> Words {
    let mut words: Vec<Vec<Part>> = Vec::new();
    let mut current: Vec<Part> = Vec::new();
    for part in parts {
        let Part::Known(text, span) = part else {
            // It may hold white space itself: what follows is at no known place.
            current.push(part.clone());
            words.push(current);
            return (words, true);
        };
        let mut pieces = text.split(char::is_whitespace).peekable();
        while let Some(word) = pieces.next() {
            if !word.is_empty() {
                let start = word.as_ptr() as usize - text.as_ptr() as usize;
                current.push(piece(text, *span, start, word.len()));
            }
            if pieces.peek().is_some() && !current.is_empty() {
                words.push(std::mem::take(&mut current));
            }
        }
    }
    if !current.is_empty() {
        words.push(current);
    }
    (words, false)
}

/// The words of a command line, as a shell reads it: cut at white space, quotes taken off.
pub(crate) fn command_line(parts: &[Part]) -> Words {
    let mut words: Vec<Vec<Part>> = Vec::new();
    let mut word: Option<Vec<Part>> = None;
    let mut quote: Option<char> = None;
    for part in parts {
        let Part::Known(text, span) = part else {
            word.get_or_insert_default().push(part.clone());
            if quote.is_none() {
                words.extend(word);
                return (words, true);
            }
            continue;
        };
        let mut characters = text.char_indices().peekable();
        // The start of what is taken over as it stands.
        let mut run: Option<usize> = None;
        let close = |word: &mut Option<Vec<Part>>, run: &mut Option<usize>, end: usize| {
            if let Some(start) = run.take() {
                word.get_or_insert_default().push(piece(text, *span, start, end - start));
            }
        };
        while let Some((at, c)) = characters.next() {
            match (quote, c) {
                (None, c) if c.is_whitespace() => {
                    close(&mut word, &mut run, at);
                    words.extend(word.take());
                }
                (None, '\'' | '"') => {
                    close(&mut word, &mut run, at);
                    word.get_or_insert_default();
                    quote = Some(c);
                }
                (Some(open), c) if c == open => {
                    close(&mut word, &mut run, at);
                    word.get_or_insert_default();
                    quote = None;
                }
                (None | Some('"'), '\\') => {
                    close(&mut word, &mut run, at);
                    if let Some((next, _)) = characters.next() {
                        run = Some(next);
                    }
                }
                _ => {
                    run.get_or_insert(at);
                }
            }
        }
        close(&mut word, &mut run, text.len());
    }
    words.extend(word);
    (words.into_iter().map(tidy).collect(), false)
}

/// The text with a word replaced wherever it stands in a known piece.
pub(crate) fn replaced(parts: Vec<Part>, old: &str, new: &[Part]) -> Vec<Part> {
    let mut found = Vec::new();
    for part in parts {
        let Part::Known(text, span) = &part else {
            found.push(part);
            continue;
        };
        for (index, piece) in text.split(old).enumerate() {
            if index > 0 {
                found.extend(new.iter().cloned());
            }
            found.push(Part::Known(piece.into(), *span));
        }
    }
    tidy(found)
}

/// A piece of a text by byte positions; nothing where that is not settled.
pub(crate) fn range(parts: &[Part], low: usize, high: Option<usize>) -> Option<Vec<Part>> {
    match (parts, high) {
        ([Part::Known(text, span), rest @ ..], None) if low <= text.len() && text.is_char_boundary(low) => {
            let mut parts = vec![piece(text, *span, low, text.len() - low)];
            parts.extend(rest.iter().cloned());
            Some(parts)
        }
        ([Part::Known(text, span), ..], Some(high)) => {
            text.get(low..high)?;
            Some(vec![piece(text, *span, low, high - low)])
        }
        _ => None,
    }
}

/// A path in its shortest form.
pub(crate) fn clean(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if absolute {
        format!("/{joined}")
    } else if joined.is_empty() {
        ".".to_owned()
    } else {
        joined
    }
}

/// The last name of a path.
pub(crate) fn base(parts: Vec<Part>) -> Vec<Part> {
    match parts.last() {
        Some(Part::Known(text, span)) if parts.len() == 1 || text.contains('/') => {
            let end = text.trim_end_matches('/').len();
            let start = text[..end].rfind('/').map_or(0, |at| at + 1);
            vec![piece(text, *span, start, end - start)]
        }
        _ => parts,
    }
}

/// The ending of a path's last name, with its dot.
pub(crate) fn extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rfind('.').map_or("", |dot| &name[dot..]).to_owned()
}

/// A text with `$NAME` and `${NAME}` replaced.
pub(crate) fn expanded(parts: Vec<Part>, value: &dyn Fn(&str) -> Option<String>) -> Vec<Part> {
    let mut found = Vec::new();
    for part in parts {
        let Part::Known(text, span) = &part else {
            found.push(part);
            continue;
        };
        let mut rest = &**text;
        while let Some(at) = rest.find('$') {
            found.push(Part::Known(rest[..at].into(), *span));
            let after = &rest[at + 1..];
            let (name, end) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                Some((name, _)) => (name, name.len() + 2),
                None => {
                    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                    (&after[..end], end)
                }
            };
            found.push(match value(name) {
                Some(value) => Part::Known(value.into(), *span),
                None => Part::Hole(Rc::from(format!("the environment variable {name}"))),
            });
            rest = &after[end..];
        }
        found.push(Part::Known(rest.into(), *span));
    }
    tidy(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Files;

    fn parts(text: &str) -> Vec<Part> {
        let files = Files::default();
        let file = files.add("x", text.to_owned());
        let span = Span::new(file, 0, text.len());
        let piece = |piece: &str| match piece {
            "?" => Part::Hole("unknown".into()),
            known => Part::Known(known.into(), span),
        };
        text.split('|').filter(|piece| !piece.is_empty()).map(piece).collect()
    }

    fn shown(words: &Words) -> Vec<String> {
        let show = |part: &Part| match part {
            Part::Known(text, _) => text.to_string(),
            Part::Hole(_) => "?".to_owned(),
        };
        words.0.iter().map(|word| word.iter().map(show).collect()).collect()
    }

    #[test]
    fn a_command_line_is_read_as_a_shell_does() {
        for (text, words) in [
            ("a 'b c' d", &["a", "b c", "d"][..]),
            (r#"a\ b "c\"d" '' e"#, &["a b", "c\"d", "", "e"]),
            ("a \"|?|b\" c", &["a", "?b", "c"]),
            ("a |?| c", &["a", "?"]),
            ("", &[]),
            ("a\\", &["a"]),
        ] {
            assert_eq!(shown(&command_line(&parts(text))), words, "{text}");
        }
    }

    #[test]
    fn pieces_are_counted_with_the_empty_ones() {
        assert_eq!(shown(&split(&parts("a,,b"), ",", None)), ["a", "", "b"]);
        assert_eq!(shown(&split(&parts("a::b::c"), "::", Some(2))), ["a", "b::c"]);
        assert_eq!(shown(&split(&parts("a,b|?|,c"), ",", None)), ["a", "b?"]);
    }

    #[test]
    fn paths_are_cleaned_as_go_does() {
        for (path, cleaned) in [
            ("/usr/lib/../bin/x", "/usr/bin/x"),
            ("./x", "x"),
            ("../x", "../x"),
            ("/../x", "/x"),
            ("", "."),
            ("a//b/./c/..", "a/b"),
        ] {
            assert_eq!(clean(path), cleaned);
        }
    }
}
