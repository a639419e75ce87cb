//! What an expression can be: sets of values, each with the steps that lead to it.
//!
//! Sets are bounded ([`MAX_VALUES`]); a larger one ends in a [`Kind::Hole`] that says so. A hole stands for whatever the
//! code alone does not settle, with the place where the value comes from in words.

use super::types::{At, FuncAt, Ty};
use crate::file::Span;
use crate::site::Step;
use foldhash::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

/// How many values one set may hold.
pub(crate) const MAX_VALUES: usize = 256;
/// Up to so many values, those that are the same are found by comparing each with each.
const FEW_VALUES: usize = 16;
/// How many parts one text may have.
const MAX_PARTS: usize = 200;
/// How many steps are kept of one chain.
const MAX_TRACE: usize = 40;

/// A context: the chain of calls that a value is followed through. 0 is none.
pub(crate) type Context = u32;

/// One piece of a text.
#[derive(Clone, Debug, Eq)]
pub(crate) enum Part {
    /// Known characters and where they stand.
    Known(Rc<str>, Span),
    /// Characters that are not known, and why.
    Hole(Rc<str>),
}

/// Texts are the same wherever they stand, and one hole in a text is as good as another.
impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known(text, _), Self::Known(other, _)) => text == other,
            (Self::Hole(_), Self::Hole(_)) => true,
            _ => false,
        }
    }
}

/// A list's element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// An expression that has not been followed yet.
    Lazy(At, Context),
    Done(Rc<Set>),
}

/// `list[index] = value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Write {
    pub key: At,
    /// The index where it is a constant.
    pub index: Option<usize>,
    /// What the index runs over, where it is the key of a `range`.
    pub over: Option<At>,
    pub value: At,
    pub context: Context,
}

/// A list: elements at known places, then any number of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct List {
    pub items: Vec<Item>,
    /// What stands after the items, in unknown number.
    pub rest: Vec<Item>,
    /// Whether anything may stand after the items.
    pub open: bool,
    pub writes: Vec<Write>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text(Vec<Part>),
    List(Rc<List>),
    /// A struct or map literal.
    Composite(At, Context),
    /// Some value of a type, no literal of which is known.
    Object(Ty),
    Func(FuncAt, Context),
    /// A method bound to a receiver.
    Bound(FuncAt, At, Context),
    /// A function of a package without sources.
    External(Rc<str>, Rc<str>),
    /// The path of the running program.
    Own,
    /// A channel, by the call that makes it.
    Channel(At),
    /// A parameter of the function whose callers are looked at one by one.
    Param(FuncAt, u32),
    Nil,
    /// Not known, and why.
    Hole(Rc<str>),
}

/// The steps to a value, the nearest first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    what: Rc<str>,
    span: Span,
    length: usize,
    rest: Option<Rc<Trace>>,
}

/// A value with how it was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub kind: Kind,
    pub trace: Option<Rc<Trace>>,
    /// Configuration can replace it.
    pub default: bool,
    /// The code looks for the program and copes with its absence.
    pub optional: bool,
}

/// The values that an expression can have; empty where it has none (dead code, a cycle).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set {
    pub values: Vec<Value>,
}

impl Value {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, trace: None, default: false, optional: false }
    }

    pub(crate) fn text(text: &str, span: Span) -> Self {
        let mut value = Self::new(Kind::Text(vec![Part::Known(text.into(), span)]));
        value.push_step(format!("{text:?}"), span);
        value
    }

    pub(crate) fn hole(reason: impl Into<Rc<str>>) -> Self {
        Self::new(Kind::Hole(reason.into()))
    }

    /// A hole with the place where the value comes from.
    pub(crate) fn hole_at(reason: impl Into<Rc<str>>, span: Span) -> Self {
        let reason = reason.into();
        let mut value = Self::new(Kind::Hole(Rc::clone(&reason)));
        value.push_step(reason.to_string(), span);
        value
    }

    /// Puts a step before the others.
    pub(crate) fn push_step(&mut self, what: impl Into<Rc<str>>, span: Span) {
        let length = self.trace.as_ref().map_or(0, |trace| trace.length) + 1;
        if length <= MAX_TRACE {
            self.trace = Some(Rc::new(Trace { what: what.into(), span, length, rest: self.trace.take() }));
        }
    }

    /// The steps, the nearest first.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut at = self.trace.as_ref();
        while let Some(trace) = at {
            steps.push(Step { what: trace.what.to_string(), span: trace.span });
            at = trace.rest.as_ref();
        }
        steps
    }

    /// The text where all of it is known.
    pub(crate) fn known_text(&self) -> Option<String> {
        let Kind::Text(parts) = &self.kind else { return None };
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Known(known, _) => text.push_str(known),
                Part::Hole(_) => return None,
            }
        }
        Some(text)
    }

    /// The parts of a text; a hole where it is none.
    pub(crate) fn parts(&self) -> Vec<Part> {
        match &self.kind {
            Kind::Text(parts) => parts.clone(),
            Kind::Hole(reason) => vec![Part::Hole(Rc::clone(reason))],
            Kind::Own => vec![Part::Hole("the running program's own path".into())],
            Kind::Param(..) => vec![Part::Hole("a parameter".into())],
            _ => vec![Part::Hole("a value that is no text".into())],
        }
    }

    /// Whether it is the same value, however it was reached.
    fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.default == other.default
    }

    /// A hash that values which are the same share.
    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (std::mem::discriminant(&self.kind), self.default).hash(&mut hasher);
        match &self.kind {
            Kind::Text(parts) => {
                for part in parts {
                    match part {
                        Part::Known(text, _) => text.hash(&mut hasher),
                        Part::Hole(_) => 0_u8.hash(&mut hasher),
                    }
                }
            }
            Kind::Hole(reason) => reason.hash(&mut hasher),
            Kind::Composite(at, context) => (at, context).hash(&mut hasher),
            Kind::Func(func, context) => (func, context).hash(&mut hasher),
            Kind::Bound(func, at, context) => (func, at, context).hash(&mut hasher),
            _ => {}
        }
        hasher.finish()
    }

    pub(crate) fn is_hole(&self) -> bool {
        matches!(self.kind, Kind::Hole(_))
    }
}

impl Set {
    pub(crate) fn one(value: Value) -> Self {
        Self { values: vec![value] }
    }

    pub(crate) fn hole(reason: impl Into<Rc<str>>) -> Self {
        Self::one(Value::hole(reason))
    }

    pub(crate) fn hole_at(reason: impl Into<Rc<str>>, span: Span) -> Self {
        Self::one(Value::hole_at(reason, span))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Adds a value unless the same is there; past the bound only that there were too many.
    pub(crate) fn add(&mut self, value: Value) {
        if let Some(known) = self.values.iter_mut().find(|known| known.is_same(&value)) {
            known.optional &= value.optional;
            return;
        }
        if self.values.len() < MAX_VALUES {
            self.values.push(value);
        } else if self.values.len() == MAX_VALUES {
            self.values.push(Value::hole("too many values"));
        }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.take_all(other.values);
    }

    /// The set of some values.
    pub(crate) fn of(values: Vec<Value>) -> Self {
        let mut set = Self::default();
        set.take_all(values);
        set
    }

    /// Adds many values; those that can be the same are found by their hashes.
    fn take_all(&mut self, values: Vec<Value>) {
        if self.values.len() + values.len() <= FEW_VALUES {
            for value in values {
                self.add(value);
            }
            return;
        }
        let mut places: HashMap<u64, Vec<usize>> =
            HashMap::with_capacity_and_hasher(self.values.len() + values.len(), foldhash::fast::RandomState::default());
        for (place, known) in self.values.iter().enumerate() {
            places.entry(known.hash()).or_default().push(place);
        }
        for value in values {
            let same = places.entry(value.hash()).or_default();
            let known = same.iter().find(|&&place| self.values[place].is_same(&value));
            match known {
                Some(&place) => self.values[place].optional &= value.optional,
                None if self.values.len() < MAX_VALUES => {
                    same.push(self.values.len());
                    self.values.push(value);
                }
                None => {
                    self.add(value);
                    return;
                }
            }
        }
    }

    /// Puts a step before every value's steps.
    #[must_use]
    pub(crate) fn step(mut self, what: &str, span: Span) -> Self {
        let what: Rc<str> = what.into();
        for value in &mut self.values {
            value.push_step(Rc::clone(&what), span);
        }
        self
    }

    #[must_use]
    pub(crate) fn defaults(mut self) -> Self {
        for value in &mut self.values {
            value.default |= !value.is_hole();
        }
        self
    }

    pub(crate) fn has_hole(&self) -> bool {
        self.values.iter().any(Value::is_hole)
    }

    /// Each text changed by a function of its parts; other values stand as they are.
    #[must_use]
    pub(crate) fn map_parts(self, change: impl Fn(Vec<Part>) -> Vec<Part>) -> Self {
        let changed = self.values.into_iter().map(|mut value| {
            if let Kind::Text(parts) = value.kind {
                value.kind = Kind::Text(change(parts));
            }
            value
        });
        Self::of(changed.collect())
    }
}

/// Joins neighbours and drops empty pieces; too many parts end in a hole.
pub(crate) fn tidy(parts: Vec<Part>) -> Vec<Part> {
    let mut tidied: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        match (&part, tidied.last()) {
            (Part::Known(text, _), _) if text.is_empty() => continue,
            (Part::Hole(_), Some(Part::Hole(_))) => continue,
            _ => {}
        }
        if tidied.len() == MAX_PARTS {
            tidied.push(Part::Hole("the rest of a long text".into()));
            break;
        }
        tidied.push(part);
    }
    tidied
}

/// The values of a set, of those that are not known the first alone: joined with others they make the same texts.
fn with_one_hole(set: &Set) -> Vec<&Value> {
    let first = set.values.iter().position(Value::is_hole);
    let kept = set.values.iter().enumerate().filter(|(index, value)| !value.is_hole() || Some(*index) == first);
    kept.map(|(_, value)| value).collect()
}

/// Every text of the left set followed by every one of the right.
pub(crate) fn concat(left: &Set, right: &Set) -> Set {
    let mut joined = Vec::new();
    let (left, right) = (with_one_hole(left), with_one_hole(right));
    if left.len() * right.len() > MAX_VALUES {
        for value in left {
            let mut parts = value.parts();
            parts.push(Part::Hole("one of many texts".into()));
            joined.push(Value { kind: Kind::Text(tidy(parts)), ..value.clone() });
        }
        return Set::of(joined);
    }
    for first in left {
        for second in &right {
            let mut parts = first.parts();
            parts.extend(second.parts());
            let parts = tidy(parts);
            let kind = match &parts[..] {
                [Part::Hole(reason)] => Kind::Hole(Rc::clone(reason)),
                _ => Kind::Text(parts),
            };
            let trace =
                if first.known_text().is_some_and(|text| text.is_empty()) { &second.trace } else { &first.trace };
            let default = first.default || second.default;
            joined.push(Value { kind, trace: trace.clone(), default, optional: false });
        }
    }
    Set::of(joined)
}

/// The span of a piece of a text, where the text stands byte for byte in the source (quotes apart).
pub(crate) fn piece_span(text: &str, span: Span, start: usize, length: usize) -> Span {
    let width = (span.end - span.start) as usize;
    let quote = if width == text.len() + 2 {
        1
    } else if width == text.len() {
        0
    } else {
        return span;
    };
    Span::new(span.file, span.start as usize + quote + start, span.start as usize + quote + start + length)
}
