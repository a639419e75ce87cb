//! Variables in a word of a Dockerfile, as `BuildKit` expands them.
//!
//! `$x`, `${x}`, `${x:-y}`, `${x-y}`, `${x:+y}`, `${x+y}`, `${x:?y}`, `${x?y}`, `${x#p}`, `${x##p}`, `${x%p}`, `${x%%p}`, `${x/a/b}` and
//! `${x//a/b}`; quotes are removed. Source: <https://docs.docker.com/reference/dockerfile/#environment-replacement>.

use std::collections::{BTreeMap, BTreeSet};

/// How deep `${a:-${b:-…}}` may go; what is deeper stays as written.
const MAX_DEPTH: usize = 32;
/// How long an expanded word may grow, so that variables that double each other stay small.
const MAX_LENGTH: usize = 1 << 16;
/// The longest value that patterns are tried on; a longer one stays as it is.
const MAX_PATTERN: usize = 1 << 10;

/// A word after expansion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expanded {
    /// The text, quotes removed. A variable without a value stands for the empty text, as in docker.
    pub text: String,
    /// The variables that had no value and no default.
    pub unset: BTreeSet<String>,
}

/// Expands the variables in `word` and removes its quotes.
pub fn expand(word: &str, variables: &BTreeMap<String, String>, escape: char) -> Expanded {
    let mut reader = Reader { rest: word, variables, escape, unset: BTreeSet::new() };
    let text = reader.word(None, 0);
    Expanded { text, unset: reader.unset }
}

struct Reader<'a> {
    rest: &'a str,
    variables: &'a BTreeMap<String, String>,
    escape: char,
    unset: BTreeSet<String>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Up to an unquoted `stop`, which is taken but not returned, or to the end.
    fn word(&mut self, stop: Option<char>, depth: usize) -> String {
        let mut text = String::new();
        while let Some(c) = self.next() {
            if text.len() > MAX_LENGTH {
                break;
            }
            match c {
                c if Some(c) == stop => break,
                '\'' => {
                    while let Some(c) = self.next().filter(|c| *c != '\'') {
                        text.push(c);
                    }
                }
                '"' => self.double_quoted(&mut text, depth),
                '$' => {
                    let value = self.dollar(depth);
                    text.push_str(&value);
                }
                c if c == self.escape => text.extend(self.next()),
                c => text.push(c),
            }
        }
        text
    }

    fn double_quoted(&mut self, text: &mut String, depth: usize) {
        while let Some(c) = self.next() {
            match c {
                '"' => return,
                '$' => {
                    let value = self.dollar(depth);
                    text.push_str(&value);
                }
                c if c == self.escape => match self.next() {
                    Some(next) if next == '"' || next == '$' || next == self.escape => text.push(next),
                    next => {
                        text.push(c);
                        text.extend(next);
                    }
                },
                c => text.push(c),
            }
        }
    }

    /// What stands behind a `$`.
    fn dollar(&mut self, depth: usize) -> String {
        match self.peek() {
            Some('{') if depth < MAX_DEPTH => {
                self.next();
                self.braced(depth + 1)
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let name = self.name();
                self.value(&name).unwrap_or_default()
            }
            Some(c) if c.is_ascii_digit() || "@*#?-!$".contains(c) => {
                self.next();
                String::new()
            }
            _ => "$".to_owned(),
        }
    }

    fn name(&mut self) -> String {
        let length = self.rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let (name, rest) = self.rest.split_at(length);
        self.rest = rest;
        name.to_owned()
    }

    fn value(&mut self, name: &str) -> Option<String> {
        let value = self.variables.get(name).cloned();
        if value.is_none() {
            self.unset.insert(name.to_owned());
        }
        value
    }

    fn braced(&mut self, depth: usize) -> String {
        let name = self.name();
        match self.next() {
            Some('}') | None => self.value(&name).unwrap_or_default(),
            Some(':') => {
                let operator = self.next();
                let word = self.word(Some('}'), depth);
                let value = self.variables.get(&name).filter(|value| !value.is_empty()).cloned();
                self.choose(&name, operator, value, word)
            }
            Some(operator @ ('-' | '+' | '?')) => {
                let word = self.word(Some('}'), depth);
                let value = self.variables.get(&name).cloned();
                self.choose(&name, Some(operator), value, word)
            }
            Some(operator @ ('#' | '%')) => {
                let longest = self.peek() == Some(operator);
                if longest {
                    self.next();
                }
                let pattern = self.word(Some('}'), depth);
                let value = self.value(&name).unwrap_or_default();
                strip(&value, &pattern, operator == '#', longest)
            }
            Some('/') => {
                let all = self.peek() == Some('/');
                if all {
                    self.next();
                }
                let word = self.word(Some('}'), depth);
                let (pattern, with) = word.split_once('/').unwrap_or((&word, ""));
                let value = self.value(&name).unwrap_or_default();
                replace(&value, pattern, with, all)
            }
            Some(_) => {
                // docker refuses the modifier; the whole expression has no value.
                self.word(Some('}'), depth);
                self.unset.insert(name);
                String::new()
            }
        }
    }

    fn choose(&mut self, name: &str, operator: Option<char>, value: Option<String>, word: String) -> String {
        match (operator, value) {
            (Some('+'), Some(_)) | (Some('-'), None) => word,
            (Some('+'), None) => String::new(),
            (_, Some(value)) => value,
            (_, None) => {
                self.unset.insert(name.to_owned());
                String::new()
            }
        }
    }
}

/// `${value#pattern}` and its three siblings.
fn strip(value: &str, pattern: &str, from_start: bool, longest: bool) -> String {
    if value.len() > MAX_PATTERN {
        return value.to_owned();
    }
    let mut cuts: Vec<usize> = value.char_indices().map(|(at, _)| at).chain([value.len()]).collect();
    if from_start == longest {
        cuts.reverse();
    }
    for cut in cuts {
        let (head, tail) = value.split_at(cut);
        if from_start && glob_matches(pattern, head) {
            return tail.to_owned();
        }
        if !from_start && glob_matches(pattern, tail) {
            return head.to_owned();
        }
    }
    value.to_owned()
}

fn replace(value: &str, pattern: &str, with: &str, all: bool) -> String {
    if pattern.is_empty() || value.len() > MAX_PATTERN {
        return value.to_owned();
    }
    let mut text = String::new();
    let mut rest = value;
    'scan: while !rest.is_empty() {
        let ends: Vec<usize> = rest.char_indices().map(|(at, c)| at + c.len_utf8()).collect();
        for end in ends.into_iter().rev() {
            if glob_matches(pattern, &rest[..end]) {
                text.push_str(with);
                rest = &rest[end..];
                if !all {
                    break 'scan;
                }
                continue 'scan;
            }
        }
        let first = rest.chars().next().map_or(rest.len(), char::len_utf8);
        text.push_str(&rest[..first]);
        rest = &rest[first..];
    }
    text.push_str(rest);
    text
}

/// Whether `text` as a whole matches a pattern of `*`, `?` and plain characters; `*` crosses slashes.
pub(super) fn glob_matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some('?') => (p, t) = (p + 1, t + 1),
            Some(c) if *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(word: &str) -> String {
        let variables =
            [("x", "a.tar.gz"), ("e", ""), ("n", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        expand(word, &BTreeMap::from(variables), '\\').text
    }

    #[test]
    fn every_modifier() {
        for (word, want) in [
            ("$x", "a.tar.gz"),
            ("${x}y", "a.tar.gzy"),
            ("${u:-d}", "d"),
            ("${e:-d}", "d"),
            ("${e-d}", ""),
            ("${u-d}", "d"),
            ("${n:+d}", "d"),
            ("${e:+d}", ""),
            ("${e+d}", "d"),
            ("${u:-${n:-z}}", "1"),
            ("${u:-\"a b\"}", "a b"),
            ("${x%.*}", "a.tar"),
            ("${x%%.*}", "a"),
            ("${x#*.}", "tar.gz"),
            ("${x##*.}", "gz"),
            ("${x/a/b}", "b.tar.gz"),
            ("${x//a/b}", "b.tbr.gz"),
            ("'$x'", "$x"),
            ("\"$x y\"", "a.tar.gz y"),
            ("\\$x", "$x"),
            ("a$", "a$"),
        ] {
            assert_eq!(expanded(word), want, "{word}");
        }
    }

    #[test]
    fn what_has_no_value_is_named() {
        let unset = expand("$a ${b:-c} ${d:?no}", &BTreeMap::new(), '\\').unset;
        assert_eq!(unset, BTreeSet::from(["a".to_owned(), "d".to_owned()]));
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let deep = "${a:-".repeat(10_000);
        expand(&deep, &BTreeMap::new(), '\\');
        assert!(glob_matches("*a*b*", "xaxxbx") && !glob_matches("*a*b", "xaxxbx"));
    }
}
