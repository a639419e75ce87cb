//! What `fmt.Sprintf` makes of a format and its arguments.

use super::engine::Engine;
use super::syntax::ExprKind;
use super::texts;
use super::types::At;
use super::value::{Context, Kind, Part, Set, Value};
use crate::file::Span;
use std::rc::Rc;

/// One verb of a format: `%-08.3[2]s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Verb {
    left: bool,
    zeros: bool,
    width: usize,
    /// Whether something is asked for that is not followed (`*`, a precision).
    unknown: bool,
    /// The argument's number, from 1, where it is named.
    index: Option<usize>,
    letter: char,
}

/// The widest value that is padded.
const MAX_WIDTH: usize = 64;

impl Verb {
    /// Reads what stands behind a `%`; also how long it is.
    fn read(text: &str) -> (Self, usize) {
        let mut verb = Self { letter: '%', ..Self::default() };
        let mut characters = text.char_indices().peekable();
        while let Some((at, c)) = characters.next() {
            match c {
                '-' => verb.left = true,
                '0' if verb.width == 0 => verb.zeros = true,
                '0'..='9' => verb.width = (verb.width * 10 + c as usize - '0' as usize).min(MAX_WIDTH),
                '+' | '#' | ' ' => {}
                '.' | '*' => verb.unknown = true,
                '[' => {
                    let inside: String = characters.by_ref().map(|(_, c)| c).take_while(|c| *c != ']').collect();
                    verb.index = inside.parse().ok().filter(|index| (1..1000).contains(index));
                }
                c => {
                    verb.letter = c;
                    return (verb, at + c.len_utf8());
                }
            }
        }
        (verb, text.len())
    }

    fn padded(&self, text: &str) -> String {
        let width = self.width;
        match (self.left, self.zeros) {
            (true, _) => format!("{text:<width$}"),
            (false, true) => format!("{text:0>width$}"),
            (false, false) => format!("{text:>width$}"),
        }
    }

    /// The text of an argument's values.
    fn show(&self, set: Set, span: Span) -> Set {
        let unknown = || Set::hole("a formatted value");
        if self.unknown || set.is_empty() {
            return unknown();
        }
        match self.letter {
            's' | 'v' | 'd' if self.width == 0 => set,
            's' | 'v' | 'd' => {
                set.map_parts(|parts| texts::changed(&parts, |text| self.padded(text), "a padded value"))
            }
            'q' if self.width == 0 => {
                let quote = || Part::Known("\"".into(), span);
                let mut quoted = Set::default();
                for mut value in set.values {
                    if !matches!(value.kind, Kind::Param(..)) {
                        let parts = texts::each(value.parts(), |text| text.replace('\\', "\\\\").replace('"', "\\\""));
                        value.kind = Kind::Text([vec![quote()], parts, vec![quote()]].concat());
                    }
                    quoted.add(value);
                }
                quoted
            }
            _ => unknown(),
        }
    }
}

impl Engine<'_> {
    /// The texts of a `Sprintf` whose format is the argument at `first`.
    pub(crate) fn sprintf(&mut self, call: At, first: usize, context: Context) -> Set {
        let syntax = self.program.syntax(call.unit);
        let ExprKind::Call { args, spread, .. } = syntax.kind(call.expr) else { return Set::default() };
        let formats = self.argument(call, first, context);
        let span = syntax.expr_span(call.expr);
        let mut found = Set::default();
        for format in formats.values {
            let Some(text) = format.known_text() else {
                found.add(match format.kind {
                    Kind::Param(..) => format,
                    _ => Value::hole_at("a format", span),
                });
                continue;
            };
            let place = match &format.kind {
                Kind::Text(parts) => parts.iter().find_map(|part| match part {
                    Part::Known(_, span) => Some(*span),
                    Part::Hole(_) => None,
                }),
                _ => None,
            };
            let place = place.unwrap_or(span);
            let known = |text: &str| Set::one(Value::new(Kind::Text(vec![Part::Known(Rc::from(text), place)])));
            let mut set = Set::one(Value { kind: Kind::Text(Vec::new()), ..format });
            let mut index = first + 1;
            let mut rest = text.as_str();
            while let Some(at) = rest.find('%') {
                set = self.join_texts(&set, &known(&rest[..at]));
                let (verb, length) = Verb::read(&rest[at + 1..]);
                rest = &rest[at + 1 + length..];
                let next = if verb.letter == '%' {
                    known("%")
                } else {
                    index = verb.index.map_or(index, |index| first + index);
                    index += 1;
                    let only = args.len() == first + 2 && *spread;
                    let value = if only {
                        let list = self.argument(call, first + 1, context);
                        self.element(&list, index.saturating_sub(first + 2))
                    } else {
                        self.argument(call, index - 1, context)
                    };
                    verb.show(value, place)
                };
                set = self.join_texts(&set, &next);
            }
            found.extend(self.join_texts(&set, &known(rest)));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::Verb;

    #[test]
    fn verbs_are_read_with_their_flags() {
        let (verb, length) = Verb::read("-08[2]s!");
        assert_eq!((verb.left, verb.width, verb.index, verb.letter, length), (true, 8, Some(2), 's', 7));
        assert_eq!(Verb::read("%"), (Verb { letter: '%', ..Verb::default() }, 1));
        assert_eq!(Verb::read("02d").0.padded("7"), "07");
        assert!(Verb::read(".3f").0.unknown);
        assert_eq!(Verb::read("").1, 0);
    }
}
