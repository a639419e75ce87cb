//! What a condition says about programs: that one is there, or that the platform is another.

use super::expand::with_blanks;
use super::lex::Lexer;
use super::parse::Code;
use super::value::{Fields, State, Value};
use super::walk::Walker;
use brush_parser::ast;
use std::ops::Range;
use std::rc::Rc;

/// What is known where a condition holds, and where it does not.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Programs that are there where it is true.
    pub(super) if_true: Vec<Value>,
    /// Programs that are there where it is false.
    pub(super) if_false: Vec<Value>,
    /// Its truth, where the platform settles it.
    pub(super) certain: Option<bool>,
}

impl Known {
    fn negated(self) -> Self {
        Self { if_true: self.if_false, if_false: self.if_true, certain: self.certain.map(|certain| !certain) }
    }

    /// Adds what is known to a state.
    pub(super) fn apply(&self, state: &mut State, truth: bool) {
        for value in if truth { &self.if_true } else { &self.if_false } {
            state.guards.insert(value.text.text().to_owned());
        }
    }

    /// What is known of `self && next` or `self || next`.
    pub(super) fn then(self, next: Self, and: bool) -> Self {
        let (mut if_true, mut if_false) = (Vec::new(), Vec::new());
        if and {
            if_true = self.if_true;
            if_true.extend(next.if_true);
        } else {
            if_false = self.if_false;
            if_false.extend(next.if_false);
        }
        let certain = match (self.certain, next.certain) {
            (Some(first), _) if first != and => Some(first),
            (_, Some(second)) if second != and => Some(second),
            (Some(first), Some(second)) if first == second => Some(first),
            _ => None,
        };
        Self { if_true, if_false, certain }
    }
}

impl Walker<'_> {
    /// What a list's last command says.
    pub(super) fn list_known(&mut self, code: &Rc<Code>, list: &ast::CompoundList, state: &State) -> Known {
        let Some(ast::CompoundListItem(and_or, _)) = list.0.last() else { return Known::default() };
        let mut known = self.known(code, &and_or.first, state);
        for next in &and_or.additional {
            let (pipeline, and) = match next {
                ast::AndOr::And(pipeline) => (pipeline, true),
                ast::AndOr::Or(pipeline) => (pipeline, false),
            };
            let next = self.known(code, pipeline, state);
            known = known.then(next, and);
        }
        known
    }

    /// What one pipeline says.
    pub(super) fn known(&mut self, code: &Rc<Code>, pipeline: &ast::Pipeline, state: &State) -> Known {
        let known = match pipeline.seq.as_slice() {
            [ast::Command::Simple(simple)] => self.command_known(code, simple, state),
            [ast::Command::ExtendedTest(test, _)] => {
                let words = self.test_words(code, code.range(&test.loc), &mut state.clone());
                test_known(&words)
            }
            [ast::Command::Compound(ast::CompoundCommand::BraceGroup(group), _)] if self.depth < 100 => {
                self.list_known(code, &group.list, state)
            }
            _ => Known::default(),
        };
        if pipeline.bang { known.negated() } else { known }
    }

    fn command_known(&mut self, code: &Rc<Code>, simple: &ast::SimpleCommand, state: &State) -> Known {
        let Some(location) = simple.word_or_name.as_ref().and_then(|word| word.loc.as_ref()) else {
            return Known::default();
        };
        let name = code.text()[code.range(location)].to_owned();
        let is_function = self.functions.contains_key(&name);
        if !is_function && !matches!(name.as_str(), "[" | "test" | "command" | "type" | "which" | "hash") {
            return Known::default();
        }
        let suffix = simple.suffix.iter().flat_map(|suffix| &suffix.0);
        let words = suffix.filter_map(|item| match item {
            ast::CommandPrefixOrSuffixItem::Word(word) | ast::CommandPrefixOrSuffixItem::AssignmentWord(_, word) => {
                word.loc.as_ref().map(|location| code.range(location))
            }
            _ => None,
        });
        let words: Vec<Range<usize>> = words.collect();
        let mut scratch = state.clone();
        if is_function {
            return self.function_known(code, &name, &words, &mut scratch);
        }
        let mut fields = Fields::new();
        for word in words {
            let alternatives = self.expand(code, word, &mut scratch);
            // A test sees one text; of several alternatives only a probe can use all.
            let used = if matches!(name.as_str(), "[" | "test") { 1 } else { alternatives.len() };
            fields.extend(alternatives.into_iter().take(used).flatten());
        }
        match name.as_str() {
            "[" | "test" => test_known(&fields),
            "command" if !matches!(fields.first().and_then(Value::constant), Some("-v" | "-V" | "-pv" | "-vp")) => {
                Known::default()
            }
            _ => {
                let there = fields.into_iter().filter(is_name).map(|value| Value { optional: true, ..value });
                Known { if_true: there.collect(), ..Known::default() }
            }
        }
    }

    /// What a function of the script says that does no more than look (`has() { command -v "$1"; }`).
    fn function_known(&mut self, code: &Rc<Code>, name: &str, words: &[Range<usize>], state: &mut State) -> Known {
        let bodies = self.function_bodies(name);
        let [(body_code, body)] = bodies.as_slice() else { return Known::default() };
        let ast::CompoundCommand::BraceGroup(group) = body.as_ref() else { return Known::default() };
        if group.list.0.len() > 2 || self.depth > 100 {
            return Known::default();
        }
        let arguments = self.expand_all(code, words, state).into_iter().take(1).collect();
        let mut inner = State { positional: Rc::new(arguments), ..state.clone() };
        inner.end = None;
        self.depth += 10;
        let known = self.list_known(body_code, &group.list, &inner);
        self.depth -= 10;
        known
    }

    /// The words of `[[ … ]]`, each as one text.
    fn test_words(&mut self, code: &Rc<Code>, range: Range<usize>, state: &mut State) -> Fields {
        let mut words = Fields::new();
        let mut lexer = Lexer::new(code.text());
        let mut at = range.start;
        while at < range.end && words.len() < 200 {
            let rest = &code.text()[at..range.end];
            if rest.starts_with("&&") || rest.starts_with("||") {
                words.push(Value::known(code.mapped.slice(at..at + 2)));
                at += 2;
                continue;
            }
            match lexer.word_end(at) {
                Ok(end) if end > at => {
                    let alternatives = self.expand(code, at..end.min(range.end), state);
                    let first = alternatives.into_iter().next().unwrap_or_default();
                    let mut value = with_blanks(first);
                    value.at = value.at.or_else(|| code.span(&(at..end)));
                    words.push(value);
                    at = end;
                }
                Ok(_) => at += 1,
                Err(_) => break,
            }
        }
        words
    }
}

fn is_name(value: &Value) -> bool {
    value.constant().is_some_and(|text| !text.is_empty() && !text.starts_with('-'))
}

/// What a test's words say; `[`'s own last word and `[[` may be among them.
fn test_known(words: &[Value]) -> Known {
    let words: Vec<&Value> =
        words.iter().filter(|value| !matches!(value.constant(), Some("]" | "]]" | "[[" | "(" | ")"))).collect();
    let is = |value: &Value, texts: [&str; 2]| value.constant().is_some_and(|text| texts.contains(&text));
    let mut known: Option<Known> = None;
    let mut and = true;
    for part in words.split_inclusive(|value| is(value, ["-a", "&&"]) || is(value, ["-o", "||"])) {
        let (next_and, test) = match part.split_last() {
            Some((last, rest)) if is(last, ["-a", "&&"]) => (true, rest),
            Some((last, rest)) if is(last, ["-o", "||"]) => (false, rest),
            _ => (true, part),
        };
        let this = one_test(test);
        known = Some(match known {
            Some(known) => known.then(this, and),
            None => this,
        });
        and = next_and;
    }
    known.unwrap_or_default()
}

fn one_test(words: &[&Value]) -> Known {
    if let Some((first, rest)) = words.split_first()
        && first.constant() == Some("!")
        && !rest.is_empty()
    {
        return one_test(rest).negated();
    }
    match words {
        [operator, value] => match operator.constant() {
            Some("-x") if is_name(value) => {
                Known { if_true: vec![Value { optional: true, ..(*value).clone() }], ..Known::default() }
            }
            Some("-f" | "-e" | "-s" | "-r") if is_name(value) => {
                Known { if_true: vec![(*value).clone()], ..Known::default() }
            }
            Some("-n") if value.optional => Known { if_true: vec![(*value).clone()], ..Known::default() },
            Some("-z") if value.optional => Known { if_false: vec![(*value).clone()], ..Known::default() },
            _ => Known::default(),
        },
        [value] if value.optional => Known { if_true: vec![(*value).clone()], ..Known::default() },
        [left, operator, right] => {
            let equal = match operator.constant() {
                Some("=" | "==") => true,
                Some("!=") => false,
                _ => return Known::default(),
            };
            let (Some(text), true, false) = (left.constant(), left.platform, right.text.text().contains('[')) else {
                return Known::default();
            };
            let pattern = match (&right.unknown, right.constant()) {
                (_, Some(pattern)) => pattern.to_owned(),
                (Some(why), None) => match why.strip_prefix("the files that match ") {
                    Some(pattern) => pattern.to_owned(),
                    None => return Known::default(),
                },
                _ => return Known::default(),
            };
            Known { certain: Some(matches(&pattern, text) == equal), ..Known::default() }
        }
        _ => Known::default(),
    }
}

/// Whether a pattern of text, `*` and `?` matches a text; quotes in it are taken off.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().filter(|c| !matches!(c, '"' | '\'' | '\\')).take(200).collect();
    let text: Vec<char> = text.chars().collect();
    // Row by row: which prefixes of the text the pattern so far matches.
    let mut row: Vec<bool> = (0..=text.len()).map(|length| length == 0).collect();
    for &c in &pattern {
        let mut next = vec![false; text.len() + 1];
        for length in 0..=text.len() {
            next[length] = match c {
                '*' => row[length] || (length > 0 && next[length - 1]),
                '?' => length > 0 && row[length - 1],
                c => length > 0 && row[length - 1] && text[length - 1] == c,
            };
        }
        row = next;
    }
    row[text.len()]
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match() {
        assert!(matches("Linux*", "Linux"));
        assert!(matches("*nu?", "Linux"));
        assert!(matches("\"Linux\"", "Linux"));
        assert!(!matches("Darwin*", "Linux"));
        assert!(!matches("", "Linux"));
        assert!(matches("*", ""));
    }
}
