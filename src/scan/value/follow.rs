//! What an expression can be, followed on demand and within bounds.
//!
//! The answer is a set: where code can take several ways, every way counts, except those that cannot be taken on the
//! image's platform. What cannot be known is a value with its reason.

mod condition;
mod name;
mod part;

pub(super) use condition::truth;

use super::form::{BlockId, ExprId, FunctionId, Item, Kind, Module};
use super::source::Code;
use super::{Element, Found, Part, Text, Thunk, Value};
use crate::file::Span;
use condition::settled;
use std::collections::HashMap;
use std::rc::Rc;

/// How many steps one exec site may take.
const FUEL: u32 = 400_000;
/// How many steps a part of a command may take that does not decide the program.
const BRIEF: u32 = 300;
/// How deep values are followed.
const DEPTH: u32 = 200;
/// How many values one expression may have.
pub(super) const ALTERNATIVES: usize = 512;
/// How many combinations of values are made where one value is put together from several.
const COMBINATIONS: usize = 96;
/// How many parts a text, or elements a list, is followed to; what comes behind decides no program.
const PARTS: usize = 512;
/// How many ways of going on are tried where the beginning, which decides the program, is known.
const ENDINGS: usize = 3;
/// Follows values for one exec site after another.
pub(crate) struct Follower<'c> {
    /// The code.
    pub(crate) code: &'c Code<'c>,
    pub(super) fuel: u32,
    depth: u32,
    /// Conditions are judged: only what cannot change counts as known.
    strict: bool,
    /// A callee is looked at: what callers give is not asked for.
    pub(super) shallow: bool,
    active: Vec<(usize, ExprId, usize)>,
    /// What stands for the element of a list, while the value for one of them is worked out.
    elements: Vec<((usize, ExprId), Element)>,
    pub(super) reached: HashMap<(usize, FunctionId), bool>,
    pub(super) active_parameters: Vec<(usize, FunctionId, u32)>,
    dead: HashMap<(usize, BlockId), bool>,
    /// What was found before; only whole answers outside every followed call are kept.
    kept: HashMap<(usize, ExprId), Vec<Found>>,
    /// Something of the answer at hand was cut short by a bound. What a circle leaves out does not count: to work such
    /// answers out again and again would take for ever in code whose functions call one another.
    pub(super) cut: bool,
    pub(super) unique: HashMap<String, bool>,
}

impl<'c> Follower<'c> {
    /// A follower with a full tank.
    pub(crate) fn new(code: &'c Code<'c>) -> Self {
        Self {
            code,
            fuel: FUEL,
            depth: 0,
            strict: false,
            shallow: false,
            active: Vec::new(),
            elements: Vec::new(),
            reached: HashMap::new(),
            active_parameters: Vec::new(),
            dead: HashMap::new(),
            kept: HashMap::new(),
            cut: false,
            unique: HashMap::new(),
        }
    }

    /// Fills the tank for the next exec site.
    pub(crate) fn refuel(&mut self) {
        self.fuel = FUEL;
    }

    pub(super) fn module(&self, module: usize) -> &'c Module {
        self.code.module(module)
    }

    /// An expression outside every followed call.
    pub(crate) fn thunk(module: usize, expr: ExprId) -> Thunk {
        Thunk { module, expr, frame: None }
    }

    /// Another expression of the same file and call.
    pub(super) fn beside(at: &Thunk, expr: ExprId) -> Thunk {
        Thunk { module: at.module, expr, frame: at.frame.clone() }
    }

    pub(super) fn span(&self, at: &Thunk) -> Span {
        self.module(at.module).span(at.expr)
    }

    /// As [`Self::values`], with few steps: for what does not decide the program.
    pub(super) fn values_briefly(&mut self, at: &Thunk) -> Vec<Found> {
        let left = self.fuel;
        self.fuel = left.min(BRIEF);
        let found = self.values(at);
        let used = left.min(BRIEF) - self.fuel;
        self.fuel = left - used;
        found
    }

    /// Everything that an expression can be; nothing where it is part of a circle or never evaluated.
    pub(crate) fn values(&mut self, at: &Thunk) -> Vec<Found> {
        if self.fuel == 0 || self.depth >= DEPTH {
            self.cut = true;
            return vec![Found::unknown("following the value takes too many steps")];
        }
        let frame = at.frame.as_ref().map_or(0, |frame| Rc::as_ptr(frame).cast::<()>() as usize);
        let key = (at.module, at.expr, frame);
        if self.active.contains(&key) {
            return Vec::new();
        }
        let keeps = at.frame.is_none() && !self.strict && !self.shallow && self.elements.is_empty();
        if keeps && let Some(known) = self.kept.get(&(at.module, at.expr)) {
            return known.clone();
        }
        let outer_cut = std::mem::replace(&mut self.cut, false);
        self.fuel -= 1;
        self.depth += 1;
        self.active.push(key);
        let mut found = self.read(at);
        self.active.pop();
        self.depth -= 1;
        if found.len() > COMBINATIONS {
            super::call::dedup(&mut found);
        }
        if found.len() > ALTERNATIVES {
            found.truncate(ALTERNATIVES);
            found.push(Found::unknown("more values than are followed"));
        }
        if keeps && !self.cut {
            self.kept.insert((at.module, at.expr), found.clone());
        }
        self.cut |= outer_cut;
        found
    }

    /// Goes one level down, for what can lead back to itself without an expression between; every `true` is answered
    /// by one [`Self::leave`].
    pub(super) fn enter(&mut self) -> bool {
        if self.fuel == 0 || self.depth >= DEPTH {
            self.cut = true;
            return false;
        }
        self.fuel -= 1;
        self.depth += 1;
        true
    }

    /// Comes back up.
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    fn read(&mut self, at: &Thunk) -> Vec<Found> {
        let module = self.module(at.module);
        match &module.exprs[at.expr as usize].kind {
            Kind::Text(text) => vec![Found::text(text, self.span(at))],
            Kind::Template(parts) => self.template(at, parts),
            Kind::Concat(left, right) => self.concat(at, *left, *right),
            Kind::Below(left, right) => self.joined_paths(at, &[*left, *right]),
            Kind::List(items) => self.list(at, items),
            Kind::Dict(_) => vec![Found::new(Value::Dict(at.clone()))],
            Kind::Choice { test, then, other } => self.choice(at, *test, *then, *other),
            Kind::OneOf(values) => values.iter().flat_map(|&value| self.values(&Self::beside(at, value))).collect(),
            Kind::Or(left, right) => self.or(at, *left, *right),
            Kind::And(left, right) => self.and(at, *left, *right),
            Kind::Not(value) => vec![Self::judged(self.judge(&Self::beside(at, *value)).map(|holds| !holds))],
            Kind::Compare(how, left, right) => vec![Self::judged(self.compare(at, *how, *left, *right))],
            Kind::Bool(value) => vec![Found::new(Value::Bool(*value))],
            Kind::Number => vec![Found::unknown("a number")],
            Kind::Nothing => vec![Found::new(Value::Nothing)],
            Kind::Name(name) => self.name(at, name),
            Kind::Member(base, field) => self.member(at, *base, field),
            Kind::Index(base, key) => self.index(at, *base, *key),
            Kind::Slice(base, from) => self.slice(at, *base, *from),
            Kind::Call { callee, arguments } => self.call(at, *callee, arguments),
            Kind::Function(function) => vec![Found::new(Value::Function(at.module, *function, None))],
            Kind::Class(class) => vec![Found::new(Value::Class(at.module, *class))],
            Kind::Import { module, member } => self.import(at, module, member.as_deref()),
            Kind::This => self.this(at),
            Kind::Element(list) => {
                let key = (at.module, at.expr);
                match self.elements.iter().rev().find(|one| one.0 == key).map(|one| one.1.clone()) {
                    Some(element) => self.element(&element),
                    None => self.elements_of_list(at, *list),
                }
            }
            Kind::Map { list, element, body } => self.map(at, *list, *element, *body),
            Kind::At(list, place) => self.element_at(at, *list, *place),
            Kind::Unknown(reason) => vec![Found::unknown(*reason)],
        }
    }

    fn judged(holds: Option<bool>) -> Found {
        holds.map_or_else(|| Found::unknown("a condition"), |holds| Found::new(Value::Bool(holds)))
    }

    fn template(&mut self, at: &Thunk, parts: &[ExprId]) -> Vec<Found> {
        let mut texts = vec![Found::new(Value::Text(Text { parts: Vec::new() }))];
        for &part in parts {
            let part = Self::beside(at, part);
            let span = self.span(&part);
            let begun = texts.iter().all(is_begun);
            let values = if begun { self.values_briefly(&part) } else { self.values(&part) };
            texts = appended(&texts, &values, span);
        }
        texts
    }

    fn concat(&mut self, at: &Thunk, left: ExprId, right: ExprId) -> Vec<Found> {
        let (left, right) = (Self::beside(at, left), Self::beside(at, right));
        let lefts = self.values(&left);
        if !lefts.is_empty() && lefts.iter().all(has_first) {
            // What follows does not decide the program: it is worked out when asked for.
            let more = [Found::new(Value::List(Rc::new(vec![Element::More(right)])))];
            return chained(&lefts, &more);
        }
        let rights = self.values(&right);
        let (left_span, right_span) = (self.span(&left), self.span(&right));
        let is_list = |found: &Found| matches!(found.value, Value::List(_));
        if lefts.iter().chain(&rights).any(is_list) {
            return chained(&lefts, &rights);
        }
        let empty = vec![Found::new(Value::Text(Text { parts: Vec::new() }))];
        appended(&appended(&empty, &lefts, left_span), &rights, right_span)
    }

    /// `a/b/c` of several expressions.
    pub(super) fn joined_paths(&mut self, at: &Thunk, parts: &[ExprId]) -> Vec<Found> {
        let mut paths: Vec<Found> = Vec::new();
        for (place, &part) in parts.iter().enumerate() {
            let part = Self::beside(at, part);
            let span = self.span(&part);
            let values = self.values(&part);
            if place == 0 {
                paths = appended(&[Found::new(Value::Text(Text { parts: Vec::new() }))], &values, span);
                continue;
            }
            let mut next = Vec::new();
            for value in &values {
                let own = as_text(&value.value, span);
                if own.start().starts_with('/') {
                    next.push(value.with(Value::Text(own)));
                    continue;
                }
                let slash = Found::text("/", span);
                let needs = |found: &Found| match &found.value {
                    Value::Text(text) => !text.parts.is_empty() && !ends_in_slash(text),
                    _ => true,
                };
                for path in &paths {
                    let with_slash = if needs(path) {
                        appended(std::slice::from_ref(path), std::slice::from_ref(&slash), span)
                    } else {
                        vec![path.clone()]
                    };
                    next.extend(appended(&with_slash, std::slice::from_ref(value), span));
                }
            }
            next.truncate(COMBINATIONS);
            paths = next;
        }
        paths
    }

    fn list(&mut self, at: &Thunk, items: &[Item]) -> Vec<Found> {
        let mut lists = vec![Found::new(Value::List(Rc::new(Vec::new())))];
        for item in items {
            let value = Self::beside(at, item.value);
            let more = if item.spread && lists.iter().all(has_first) {
                vec![Found::new(Value::List(Rc::new(vec![Element::More(value)])))]
            } else if item.spread {
                self.values(&value)
            } else {
                vec![Found::new(Value::List(Rc::new(vec![Element::Later(value)])))]
            };
            lists = chained(&lists, &more);
        }
        lists
    }

    /// A list made from another: its first element, which decides the program, and as many more as there are.
    fn map(&mut self, at: &Thunk, list: ExprId, element: ExprId, body: ExprId) -> Vec<Found> {
        let lists = self.values(&Self::beside(at, list));
        let mut found = Vec::new();
        for list in &lists {
            let Value::List(elements) = &list.value else {
                found.push(match &list.value {
                    Value::Unknown(_) => list.clone(),
                    _ => Found::unknown("a list that is not known"),
                });
                continue;
            };
            let Some(first) = elements.first() else {
                found.push(list.clone());
                continue;
            };
            self.elements.push(((at.module, element), first.clone()));
            let values = self.values(&Self::beside(at, body));
            self.elements.pop();
            for value in values {
                let mut all = vec![Element::Known(value)];
                if elements.len() > 1 {
                    all.push(Element::Rest("elements made from others".to_owned()));
                }
                found.push(list.with(Value::List(Rc::new(all))));
            }
        }
        found
    }

    fn choice(&mut self, at: &Thunk, test: ExprId, then: ExprId, other: ExprId) -> Vec<Found> {
        let holds = self.judge(&Self::beside(at, test));
        let mut found = Vec::new();
        if holds != Some(false) {
            found.extend(self.values(&Self::beside(at, then)));
        }
        if holds != Some(true) {
            found.extend(self.values(&Self::beside(at, other)));
        }
        found
    }

    /// The first value that is one; what only configuration can give is left out where a default stands behind it.
    fn or(&mut self, at: &Thunk, left: ExprId, right: ExprId) -> Vec<Found> {
        let lefts = self.values(&Self::beside(at, left));
        if self.strict {
            return match settled(&lefts) {
                Some(true) => lefts,
                Some(false) => self.values(&Self::beside(at, right)),
                None => vec![Found::unknown("a condition")],
            };
        }
        let always = !lefts.is_empty() && lefts.iter().all(|found| truth(&found.value) == Some(true) && !found.default);
        let mut found: Vec<Found> = lefts.iter().filter(|found| truth(&found.value) != Some(false)).cloned().collect();
        if always {
            return found;
        }
        let configured = |found: &Found| matches!(&found.value, Value::Unknown(reason) if is_setting(reason));
        let replaced = found.iter().any(configured);
        found.retain(|found| !configured(found));
        for mut value in self.values(&Self::beside(at, right)) {
            value.default |= replaced;
            found.push(value);
        }
        found
    }

    fn and(&mut self, at: &Thunk, left: ExprId, right: ExprId) -> Vec<Found> {
        let left_holds = self.judge(&Self::beside(at, left));
        match left_holds {
            Some(false) => vec![Found::new(Value::Bool(false))],
            Some(true) => self.values(&Self::beside(at, right)),
            None if self.judge(&Self::beside(at, right)) == Some(false) => vec![Found::new(Value::Bool(false))],
            None if self.strict => vec![Found::unknown("a condition")],
            None => self.values(&Self::beside(at, right)),
        }
    }

    /// A variable of the environment: the image's own value, else unknown.
    pub(super) fn environment(&self, name: &str, span: Span) -> Found {
        match self.code.variable(name) {
            Some(value) => {
                let mut found = Found::text(value, span).step(format!("environment variable {name}"), span);
                found.default = true;
                found
            }
            None => Found::unknown(format!("environment variable {name}")),
        }
    }

    pub(super) fn is_strict(&self) -> bool {
        self.strict
    }
}

/// Whether a reason says that configuration gives the value.
pub(super) fn is_setting(reason: &str) -> bool {
    reason.starts_with("environment variable ") || reason.starts_with("setting ")
}

fn ends_in_slash(text: &Text) -> bool {
    matches!(text.parts.last(), Some(Part::Known(text, _)) if text.ends_with('/'))
}

/// A value as a text; unknown where it is none.
pub(super) fn as_text(value: &Value, span: Span) -> Text {
    match value {
        Value::Text(text) => text.clone(),
        Value::Unknown(reason) => Text::unknown(reason, span),
        _ => Text::unknown("a value that is not a text", span),
    }
}

/// Whether a text has its first word, which decides the program, and goes on.
fn is_begun(found: &Found) -> bool {
    matches!(&found.value, Value::Text(text) if text.start().trim_start().contains(' '))
}

/// Every text followed by every value.
pub(super) fn appended(texts: &[Found], values: &[Found], span: Span) -> Vec<Found> {
    let nothing = [Found::unknown("a value that is not known")];
    let values = if values.is_empty() { &nothing[..] } else { values };
    let mut found = Vec::new();
    for text in texts {
        let begun = is_begun(text);
        for value in values.iter().take(if begun { ENDINGS } else { COMBINATIONS }) {
            if found.len() >= COMBINATIONS {
                return found;
            }
            let mut whole = as_text(&text.value, span);
            if whole.parts.len() < PARTS {
                whole.parts.extend(as_text(&value.value, span).parts.into_iter().take(PARTS));
            }
            let mut both = text.with(Value::Text(whole)).after(value);
            both.default = text.default || value.default;
            found.push(both);
        }
    }
    found
}

/// Every list followed by every other; what is no list stands for any number of elements.
pub(super) fn chained(lists: &[Found], more: &[Found]) -> Vec<Found> {
    let nothing = [Found::unknown("a list that is not known")];
    let more = if more.is_empty() { &nothing[..] } else { more };
    let mut found = Vec::new();
    for list in lists {
        let begun = matches!(&list.value, Value::List(elements) if !elements.is_empty());
        for other in more.iter().take(if begun { ENDINGS } else { ALTERNATIVES }) {
            if found.len() >= ALTERNATIVES {
                return found;
            }
            let mut elements = elements_of(list);
            if elements.len() < PARTS {
                elements.extend(elements_of(other).into_iter().take(PARTS));
            }
            found.push(list.with(Value::List(Rc::new(elements))).after(other));
        }
    }
    found
}

/// Whether a value is a list whose first element is there.
fn has_first(found: &Found) -> bool {
    match &found.value {
        Value::List(elements) => matches!(elements.first(), Some(Element::Later(_) | Element::Known(_))),
        _ => false,
    }
}

fn elements_of(found: &Found) -> Vec<Element> {
    match &found.value {
        Value::List(elements) => elements
            .iter()
            .map(|element| match element {
                Element::Known(inner) => Element::Known(inner.clone().after(found)),
                other => other.clone(),
            })
            .collect(),
        Value::Nothing => Vec::new(),
        Value::Unknown(reason) => vec![Element::Rest(reason.clone())],
        _ => vec![Element::Rest("a list that is not known".to_owned())],
    }
}
