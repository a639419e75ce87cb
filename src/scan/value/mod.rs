//! Following values through code: one core for Python, JavaScript and Rust.
//!
//! A language lowers its files into [`form`]; [`follow`] reads on demand, from an exec site back, what an expression can
//! be; [`sink`] turns the calls that run programs into exec sites. What a language adds is its [`Tongue`]: tables and two
//! functions. Nothing is executed, and every walk is bounded in depth, steps and alternatives.

pub(crate) mod call;
pub(crate) mod follow;
pub(crate) mod form;
pub(crate) mod operation;
pub(crate) mod sink;
pub(crate) mod source;

use self::form::{ClassId, ExprId, FunctionId, Module};
use self::operation::Operation;
use self::sink::Sink;
use self::source::Code;
use crate::file::{FileId, Span};
use crate::site::Step;
use std::rc::Rc;

/// How many steps a trace keeps; those farthest from the exec site are kept.
const STEPS: usize = 48;

/// A language, as the core needs to know it.
pub(crate) struct Tongue {
    /// The name, as the table of languages has it.
    pub(crate) name: &'static str,
    /// The endings of its files, with the dot.
    pub(crate) endings: &'static [&'static str],
    /// Words of a shebang that name it.
    pub(crate) shebangs: &'static [&'static str],
    /// Whether a file or folder below a root is a test, or a tool of development.
    pub(crate) left_out: fn(&str) -> bool,
    /// Lowers one file.
    pub(crate) lower: fn(FileId, &str, &str) -> Module,
    /// Where an import leads.
    pub(crate) resolve: fn(&Code<'_>, usize, &str) -> Target,
    /// The calls that run programs, sorted by name.
    pub(crate) sinks: &'static [Sink],
    /// The functions and constants from outside whose values are known, sorted by name.
    pub(crate) known: &'static [(&'static str, Operation)],
    /// The methods of texts, lists and tables, sorted by name.
    pub(crate) methods: &'static [(&'static str, Operation)],
    /// The name that a constructor has among a class's members.
    pub(crate) constructor: &'static str,
    /// Words of which a file that runs a program holds at least one.
    pub(crate) words: &'static [&'static str],
    /// The prefix of a look-up of the environment by a member (`process.env`).
    pub(crate) environment: &'static str,
    /// The program that runs the language's own files.
    pub(crate) interpreter: &'static str,
    /// Names without a module are looked up in every file (Rust paths).
    pub(crate) global_names: bool,
}

/// Where an import leads.
pub(crate) enum Target {
    /// To a file of the scanned code.
    File(usize),
    /// Out of it, under a dotted name.
    Outside(String),
}

/// What an expression can be.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A text, of which parts may be unknown.
    Text(Text),
    /// A list.
    List(Rc<Vec<Element>>),
    /// A table, by the expression that writes it.
    Dict(Thunk),
    /// A function, and the object that it is a method of.
    Function(usize, FunctionId, Option<Rc<Value>>),
    /// A class.
    Class(usize, ClassId),
    /// An object of a class.
    Instance(Instance),
    /// The object seen as one of the classes that its class extends.
    Super(usize, ClassId),
    /// A module of the scanned code.
    Module(usize),
    /// Something from outside, under its dotted name; `()` stands for a call's result.
    Outside(String),
    /// A callable with its first arguments given.
    Partial(Rc<Value>, Rc<Vec<Given>>),
    /// A truth value.
    Bool(bool),
    /// `None`, `null`.
    Nothing,
    /// Not to be known, and why.
    Unknown(String),
}

/// An object of a class.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    /// The class's module.
    pub(crate) module: usize,
    /// The class.
    pub(crate) class: ClassId,
    /// The arguments that made it, where they are known.
    pub(crate) given: Option<Rc<Vec<Given>>>,
}

/// An expression with what its parameters stand for.
#[derive(Clone, Debug)]
pub(crate) struct Thunk {
    /// The module, by its place in the code.
    pub(crate) module: usize,
    /// The expression.
    pub(crate) expr: ExprId,
    /// The call that is followed.
    pub(crate) frame: Option<Rc<Frame>>,
}

/// A call that is followed: what the parameters of a function stand for.
#[derive(Debug)]
pub(crate) struct Frame {
    /// The function's module.
    pub(crate) module: usize,
    /// The function.
    pub(crate) function: FunctionId,
    /// The arguments.
    pub(crate) given: Rc<Vec<Given>>,
    /// The object that a method is called on.
    pub(crate) this: Option<Rc<Value>>,
    /// The call around it.
    pub(crate) parent: Option<Rc<Frame>>,
}

/// An argument of a followed call.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// The parameter that it names.
    pub(crate) name: Option<String>,
    /// Its value.
    pub(crate) value: Thunk,
    /// The value's elements are meant.
    pub(crate) spread: bool,
}

/// An element of a list.
#[derive(Clone, Debug)]
pub(crate) enum Element {
    /// One whose value is worked out when asked for.
    Later(Thunk),
    /// One whose value is known.
    Known(Found),
    /// The elements of a list that is worked out when asked for.
    More(Thunk),
    /// Any number of elements that are not known, and why.
    Rest(String),
}

/// A value and how it was come by.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The value.
    pub(crate) value: Value,
    /// The steps, from the exec site back.
    pub(crate) trace: Option<Rc<Trace>>,
    /// Configuration can replace it.
    pub(crate) default: bool,
    /// It was looked up on the PATH, so it is there where it is run.
    pub(crate) optional: bool,
}

/// A chain of steps.
#[derive(Debug)]
pub(crate) struct Trace {
    step: Step,
    length: usize,
    next: Option<Rc<Trace>>,
}

impl Found {
    /// A value without a history.
    pub(crate) fn new(value: Value) -> Self {
        Self { value, trace: None, default: false, optional: false }
    }

    /// A value that cannot be known.
    pub(crate) fn unknown(reason: impl Into<String>) -> Self {
        Self::new(Value::Unknown(reason.into()))
    }

    /// A known text that stands at `span`.
    pub(crate) fn text(text: &str, span: Span) -> Self {
        Self::new(Value::Text(Text::known(text, span)))
    }

    /// The same history with another value.
    pub(crate) fn with(&self, value: Value) -> Self {
        Self { value, trace: self.trace.clone(), default: self.default, optional: self.optional }
    }

    /// Puts a step before the others.
    #[must_use]
    pub(crate) fn step(mut self, what: impl Into<String>, span: Span) -> Self {
        let length = self.trace.as_ref().map_or(0, |trace| trace.length) + 1;
        if length <= STEPS {
            let step = Step { what: what.into(), span };
            self.trace = Some(Rc::new(Trace { step, length, next: self.trace.take() }));
        }
        self
    }

    /// Takes over what `other` says of the way here.
    #[must_use]
    pub(crate) fn after(mut self, other: &Self) -> Self {
        self.default |= other.default;
        self.optional |= other.optional;
        if self.trace.is_none() {
            self.trace.clone_from(&other.trace);
        }
        self
    }

    /// The steps in order.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut at = self.trace.as_deref();
        while let Some(trace) = at {
            steps.push(trace.step.clone());
            at = trace.next.as_deref();
        }
        steps
    }

    /// The text, where it is one and wholly known.
    pub(crate) fn known_text(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) => text.whole(),
            _ => None,
        }
    }
}

/// A text in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// The parts in order.
    pub(crate) parts: Vec<Part>,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Known, and where it stands.
    Known(String, Span),
    /// Not known, why, and where.
    Unknown(String, Span),
}

impl Text {
    /// A known text.
    pub(crate) fn known(text: &str, span: Span) -> Self {
        Self { parts: vec![Part::Known(text.to_owned(), span)] }
    }

    /// A text of which nothing is known.
    pub(crate) fn unknown(reason: &str, span: Span) -> Self {
        Self { parts: vec![Part::Unknown(reason.to_owned(), span)] }
    }

    /// The whole text, where every part is known.
    pub(crate) fn whole(&self) -> Option<String> {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Known(text, _) => Some(text.as_str()),
                Part::Unknown(..) => None,
            })
            .collect()
    }

    /// The known text before the first unknown part.
    pub(crate) fn start(&self) -> String {
        let known = self.parts.iter().map_while(|part| match part {
            Part::Known(text, _) => Some(text.as_str()),
            Part::Unknown(..) => None,
        });
        known.collect()
    }

    /// The first reason why a part is unknown.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.parts.iter().find_map(|part| match part {
            Part::Unknown(reason, _) => Some(reason.as_str()),
            Part::Known(..) => None,
        })
    }

    /// Whether some part of it is known and not blank.
    pub(crate) fn says_something(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Known(text, _) if !text.trim().is_empty()))
    }

    /// Every known part changed by `change`.
    #[must_use]
    pub(crate) fn map(&self, change: impl Fn(&str) -> String) -> Self {
        let parts = self.parts.iter().map(|part| match part {
            Part::Known(text, span) => Part::Known(change(text), *span),
            Part::Unknown(..) => part.clone(),
        });
        Self { parts: parts.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::source::glob_matches;
    use crate::scan::{javascript::JAVASCRIPT, python::PYTHON, rust::RUST};

    #[test]
    fn the_tables_are_sorted_and_sourced() {
        for tongue in [&PYTHON, &JAVASCRIPT, &RUST] {
            let strictly = |names: Vec<&str>| names.windows(2).all(|pair| pair[0] < pair[1]);
            assert!(strictly(tongue.sinks.iter().map(|sink| sink.name).collect()), "{}: sinks", tongue.name);
            assert!(strictly(tongue.known.iter().map(|row| row.0).collect()), "{}: known", tongue.name);
            assert!(strictly(tongue.methods.iter().map(|row| row.0).collect()), "{}: methods", tongue.name);
            assert!(tongue.sinks.iter().all(|sink| sink.source.starts_with("https://")), "{}: sources", tongue.name);
        }
    }

    #[test]
    fn globs_match_names() {
        assert!(glob_matches("*.py", "app.py"));
        assert!(glob_matches("a?[b-d]*", "axc.py"));
        assert!(glob_matches("[!a]b", "xb"));
        assert!(!glob_matches("*.py", "app.pyc"));
        assert!(!glob_matches("*.py", ".hidden.py"));
        assert!(!glob_matches("[ab", "a"));
        assert!(!glob_matches("*a*a*a*a*a*b", &"a".repeat(200)));
    }
}
