//! What is known of a word's value while a script is read, and of the shell's state around it.
//!
//! A word that can have several values has several alternatives; how many are kept is bounded.

use crate::file::{MappedText, Span};
use crate::site::Step;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How many alternatives of a value are followed.
pub(super) const MAX_ALTERNATIVES: usize = 32;
/// How many words one alternative can have.
const MAX_FIELDS: usize = 512;
/// How long a value is followed, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// What stands in a text for a part that is not known: a character that no program's name has.
pub(super) const HOLE: &str = "\u{F8FF}";

/// Where a value's text is a path of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Of the image, or no path at all.
    Image,
    /// Of the scanned tree: it was made from the script's own place (`$0`, `dirname "$0"`).
    Tree,
}

/// One word after expansion.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // four facts that do not depend on each other
pub(super) struct Value {
    /// The text; where `unknown` is set, [`HOLE`] stands for what is not known of it.
    pub(super) text: MappedText,
    /// Why the text is not known as a whole.
    pub(super) unknown: Option<Rc<str>>,
    /// It stands for any number of words.
    pub(super) many: bool,
    pub(super) place: Place,
    /// The steps that led to it, nearest first.
    pub(super) trace: Vec<Step>,
    /// Configuration can replace it.
    pub(super) default: bool,
    /// The code looked first whether it is there.
    pub(super) optional: bool,
    /// It is certain: it follows from the platform alone (`uname`), or from arguments that are given.
    pub(super) platform: bool,
    /// The word in the command that is being read.
    pub(super) at: Option<Span>,
}

/// The words of one alternative.
pub(super) type Fields = Vec<Value>;

impl Value {
    pub(super) fn known(text: MappedText) -> Self {
        Self {
            text,
            unknown: None,
            many: false,
            place: Place::Image,
            trace: Vec::new(),
            default: false,
            optional: false,
            platform: false,
            at: None,
        }
    }

    pub(super) fn unknown(why: impl Into<Rc<str>>) -> Self {
        let mut text = MappedText::new();
        text.push_unplaced(HOLE);
        Self { unknown: Some(why.into()), ..Self::known(text) }
    }

    /// A text that was made, not read: the whole of it stands at `span`.
    pub(super) fn made(text: &str, span: Option<Span>) -> Self {
        let mut mapped = MappedText::new();
        match span {
            Some(span) => mapped.push_inexact(text, span),
            None => mapped.push_unplaced(text),
        }
        Self::known(mapped)
    }

    /// Whether nothing of the text is known.
    pub(super) fn is_blank(&self) -> bool {
        self.unknown.is_some() && self.text.text() == HOLE
    }

    /// The text, where all of it is known.
    pub(super) fn constant(&self) -> Option<&str> {
        (self.unknown.is_none() && !self.many).then(|| self.text.text())
    }

    /// Appends another value's text to this one.
    pub(super) fn append(&mut self, other: &Self) {
        if self.text.text().is_empty() && self.unknown.is_none() {
            self.place = other.place;
            self.platform = other.platform;
        } else if !other.text.text().is_empty() {
            self.platform &= other.platform;
        }
        if self.unknown.is_none() {
            self.unknown.clone_from(&other.unknown);
        }
        if self.text.text().len() + other.text.text().len() > MAX_TEXT {
            self.unknown.get_or_insert_with(|| "a text too long to follow".into());
        } else {
            self.text.append(&other.text);
        }
        self.many |= other.many;
        self.default |= other.default;
        self.optional |= other.optional;
        for step in &other.trace {
            if self.trace.len() < 16 && !self.trace.contains(step) {
                self.trace.push(step.clone());
            }
        }
    }

    /// The same value one step further from where it came.
    #[must_use]
    pub(super) fn step(mut self, what: impl Into<String>, span: Option<Span>) -> Self {
        if let Some(span) = span
            && self.trace.len() < 16
        {
            let step = Step { what: what.into(), span };
            if self.trace.first() != Some(&step) {
                self.trace.insert(0, step);
            }
        }
        self
    }

    /// What two equal values have in common, to drop doubles.
    fn key(&self) -> (&str, Option<&str>, bool, bool) {
        (self.text.text(), self.unknown.as_deref(), self.many, self.place == Place::Tree)
    }
}

/// Adds an alternative unless it is there already or there are too many.
pub(super) fn add(alternatives: &mut Vec<Fields>, fields: Fields) {
    if alternatives.len() < MAX_ALTERNATIVES && !alternatives.iter().any(|known| same(known, &fields)) {
        alternatives.push(fields);
    }
}

fn same(a: &Fields, b: &Fields) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.key() == b.key())
}

/// Every alternative of the first followed by every alternative of the second.
pub(super) fn product(first: Vec<Fields>, second: &[Fields]) -> Vec<Fields> {
    if let [only] = second {
        let mut first = first;
        for fields in &mut first {
            let room = MAX_FIELDS.saturating_sub(fields.len());
            fields.extend(only.iter().take(room).cloned());
        }
        return first;
    }
    let mut all = Vec::new();
    for a in &first {
        for b in second {
            let mut fields = a.clone();
            fields.extend(b.iter().take(MAX_FIELDS.saturating_sub(a.len())).cloned());
            add(&mut all, fields);
        }
    }
    all
}

/// A variable's alternatives.
#[derive(Clone, Debug, Default)]
pub(super) struct Variable {
    pub(super) alternatives: Vec<Fields>,
    /// It may not have been assigned, so that the environment answers.
    pub(super) environment: bool,
}

/// Why no further command of a list runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// `exit` with a status that is not 0.
    Failure,
    /// `exit`, or `exec` of a program.
    Exit,
    /// `return`; whether with a status that is not 0.
    Return(bool),
    /// `break` or `continue`.
    Loop,
}

/// The shell's state at one point of a script.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Shared until one of the states that hold it assigns.
    pub(super) variables: Rc<BTreeMap<String, Rc<Variable>>>,
    /// The alternatives of `"$@"`.
    pub(super) positional: Rc<Vec<Fields>>,
    /// Programs that are known to be there: the code looked.
    pub(super) guards: BTreeSet<String>,
    /// Set where no further command runs.
    pub(super) end: Option<End>,
    /// The working directory, where it is known.
    pub(super) folder: Option<Value>,
}

impl State {
    pub(super) fn new(positional: Vec<Fields>) -> Self {
        Self {
            variables: Rc::default(),
            positional: Rc::new(positional),
            guards: BTreeSet::new(),
            end: None,
            folder: None,
        }
    }

    /// What holds after either of two ways; one that has ended does not come back.
    #[must_use]
    pub(super) fn join(self, other: Self) -> Self {
        match (self.end, other.end) {
            (None, Some(_)) => return self,
            (Some(_), None) => return other,
            _ => {}
        }
        let (mut joined, other) = (self, other);
        if !Rc::ptr_eq(&joined.variables, &other.variables) {
            join_variables(Rc::make_mut(&mut joined.variables), &other.variables);
        }
        if !Rc::ptr_eq(&joined.positional, &other.positional) {
            let ours = Rc::make_mut(&mut joined.positional);
            for fields in other.positional.iter() {
                add(ours, fields.clone());
            }
        }
        joined.guards.retain(|guard| other.guards.contains(guard));
        if joined.folder.as_ref().map(Value::key) != other.folder.as_ref().map(Value::key) {
            joined.folder = None;
        }
        joined
    }
}

impl State {
    /// Gives a variable its alternatives.
    pub(super) fn assign(&mut self, name: &str, alternatives: Vec<Fields>) {
        let variables = Rc::make_mut(&mut self.variables);
        variables.insert(name.to_owned(), Rc::new(Variable { alternatives, environment: false }));
    }
}

fn join_variables(ours: &mut BTreeMap<String, Rc<Variable>>, theirs: &BTreeMap<String, Rc<Variable>>) {
    for (name, their) in theirs {
        match ours.get_mut(name) {
            Some(our) if Rc::ptr_eq(our, their) => {}
            Some(our) => {
                let our = Rc::make_mut(our);
                our.environment |= their.environment;
                for fields in &their.alternatives {
                    add(&mut our.alternatives, fields.clone());
                }
            }
            None => {
                let mut their = Variable::clone(their);
                their.environment = true;
                ours.insert(name.clone(), Rc::new(their));
            }
        }
    }
    for (name, our) in ours {
        if !our.environment && !theirs.contains_key(name) {
            Rc::make_mut(our).environment = true;
        }
    }
}
