//! What an expression can be: names, members, parameters, followed on demand and within bounds.
//!
//! The answer is a set: where code can take several ways, every way counts, except those that cannot be taken on the
//! image's platform. What cannot be known is a value with its reason.

use super::form::{BlockId, Bound, Comparison, ExprId, FunctionId, Item, Kind, Module, Owner, ScopeId};
use super::source::{Code, defined_anywhere};
use super::{Element, Found, Frame, Instance, Part, Target, Text, Thunk, Value};
use crate::file::Span;
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
/// The names of platforms other than linux, as languages and libraries write them.
/// Source: <https://docs.python.org/3/library/sys.html#sys.platform>, <https://nodejs.org/api/process.html#processplatform>,
/// <https://docs.python.org/3/library/platform.html#platform.system>.
const OTHERS: [&str; 14] = [
    "Darwin",
    "FreeBSD",
    "Windows",
    "Windows_NT",
    "aix",
    "cygwin",
    "darwin",
    "freebsd",
    "mac",
    "macos",
    "nt",
    "openbsd",
    "win32",
    "windows",
];
/// How many files a name without an import is looked up in.
const ANYWHERE: usize = 4;

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

    /// Whether a condition holds on the image's platform whatever the configuration; nothing where that is open.
    pub(crate) fn judge(&mut self, at: &Thunk) -> Option<bool> {
        let outer = std::mem::replace(&mut self.strict, true);
        let found = self.values(at);
        self.strict = outer;
        settled(&found)
    }

    fn compare(&mut self, at: &Thunk, how: Comparison, left: ExprId, right: ExprId) -> Option<bool> {
        let outer = std::mem::replace(&mut self.strict, true);
        let lefts = self.values(&Self::beside(at, left));
        let rights = self.values(&Self::beside(at, right));
        let mut answer = None;
        let mut open = lefts.is_empty() || rights.is_empty();
        for left in &lefts {
            for right in &rights {
                let replaced = left.default || right.default || left.optional || right.optional;
                let holds = if replaced { None } else { self.compare_values(how, left, right) };
                open |= holds.is_none() || answer.is_some_and(|answer| Some(answer) != holds);
                answer = holds;
            }
        }
        self.strict = outer;
        if open { self.elsewhere(at, how, [(left, &lefts), (right, &rights)]) } else { answer }
    }

    /// A comparison of something that is named for the platform with the name of another one: it does not hold.
    fn elsewhere(&self, at: &Thunk, how: Comparison, sides: [(ExprId, &Vec<Found>); 2]) -> Option<bool> {
        let module = self.module(at.module);
        let is_platform = |expr: ExprId| {
            let name = match &module.exprs[expr as usize].kind {
                Kind::Call { callee, .. } => module.last_name(*callee),
                _ => module.last_name(expr),
            };
            name.is_some_and(|name| {
                let name = name.to_ascii_lowercase();
                name.contains("platform")
                    || matches!(name.as_str(), "os" | "os_name" | "os_type" | "system" | "sysname")
            })
        };
        let is_other = |found: &Vec<Found>| {
            let names: Option<Vec<String>> = found.iter().map(Found::known_text).collect();
            names.is_some_and(|names| !names.is_empty() && names.iter().all(|name| OTHERS.contains(&name.as_str())))
        };
        let [one, other] = sides;
        let holds = is_platform(one.0) && is_other(other.1) || is_platform(other.0) && is_other(one.1);
        match how {
            Comparison::Equal if holds => Some(false),
            Comparison::Unequal if holds => Some(true),
            _ => None,
        }
    }

    fn compare_values(&mut self, how: Comparison, left: &Found, right: &Found) -> Option<bool> {
        match how {
            Comparison::Equal => equal(left, right),
            Comparison::Unequal => equal(left, right).map(|same| !same),
            Comparison::In => self.contains(left, right),
            Comparison::NotIn => self.contains(left, right).map(|holds| !holds),
            Comparison::Other => None,
        }
    }

    fn contains(&mut self, one: &Found, all: &Found) -> Option<bool> {
        match &all.value {
            Value::Text(text) => Some(text.whole()?.contains(&one.known_text()?)),
            Value::List(elements) => {
                let mut open = false;
                for element in elements.iter() {
                    let values = self.element(element);
                    let holds: Vec<Option<bool>> = values.iter().map(|value| equal(one, value)).collect();
                    if holds.contains(&Some(true)) {
                        return (holds.len() == 1).then_some(true);
                    }
                    open |= holds.is_empty() || holds.contains(&None);
                }
                if open { None } else { Some(false) }
            }
            _ => None,
        }
    }

    /// Whether a block can run on the image's platform.
    pub(crate) fn is_alive(&mut self, module: usize, block: BlockId) -> bool {
        let mut chain = Vec::new();
        let mut at = Some(block);
        let mut dead = false;
        while let Some(id) = at {
            if let Some(&known) = self.dead.get(&(module, id)) {
                dead = known;
                break;
            }
            chain.push(id);
            at = self.module(module).blocks[id as usize].parent;
        }
        for id in chain.into_iter().rev() {
            // Taken for alive while its own condition is judged: a condition may use names bound below it.
            self.dead.insert((module, id), dead);
            let block = &self.module(module).blocks[id as usize];
            dead |= block.dead;
            if let (false, Some((test, expected))) = (dead, block.guard) {
                let fuel = std::mem::replace(&mut self.fuel, 2_000);
                dead = self.judge(&Self::thunk(module, test)) == Some(!expected);
                self.fuel = fuel;
            }
            self.dead.insert((module, id), dead);
        }
        !dead
    }

    fn name(&mut self, at: &Thunk, name: &str) -> Vec<Found> {
        let module = self.module(at.module);
        let expr = &module.exprs[at.expr as usize];
        if let Some((scope, near)) = lookup(module, expr.scope, name) {
            let use_at = near.then_some((expr.range.0, expr.block));
            return self.bindings(at, scope, name, use_at);
        }
        if self.code.tongue.global_names {
            let found = self.anywhere(name);
            if !found.is_empty() {
                return found;
            }
        }
        for star in &module.stars {
            if let Target::File(file) = (self.code.tongue.resolve)(self.code, at.module, star) {
                let found = self.exported(file, name);
                if !found.is_empty() {
                    return found;
                }
            }
        }
        vec![Found::new(Value::Outside(name.to_owned()))]
    }

    /// A name that needs no import, wherever the code defines it.
    fn anywhere(&mut self, name: &str) -> Vec<Found> {
        let mut found = Vec::new();
        for file in defined_anywhere(self.code, name, ANYWHERE) {
            let mut values = self.exported(file, name);
            values.retain(|found| !matches!(found.value, Value::Outside(_)));
            found.extend(values);
        }
        found
    }

    /// The values of a name in a scope; of those bound before the place of use, the ones that can still hold there.
    fn bindings(&mut self, at: &Thunk, scope: ScopeId, name: &str, use_at: Option<(u32, BlockId)>) -> Vec<Found> {
        let module = self.module(at.module);
        let Some(bindings) = module.scopes[scope as usize].names.get(name) else { return Vec::new() };
        let mut chosen = Vec::new();
        if let Some((place, block)) = use_at {
            let mut before: Vec<_> = bindings.iter().filter(|binding| binding.from <= place).collect();
            before.sort_by_key(|binding| binding.from);
            for binding in before.into_iter().rev() {
                if !self.is_alive(at.module, binding.block) {
                    continue;
                }
                chosen.push(binding);
                if module.block_is_in(block, binding.block) {
                    break;
                }
            }
            let again =
                |binding: &&super::form::Binding| binding.from > place && module.same_loop(block, binding.block);
            chosen.extend(bindings.iter().filter(again));
            chosen.reverse();
        }
        if chosen.is_empty() {
            chosen = bindings.iter().filter(|binding| self.is_alive(at.module, binding.block)).collect();
        }
        let is_constant = scope == 0 && chosen.len() == 1;
        let mut found = Vec::new();
        for binding in chosen {
            match binding.value {
                Bound::Value(value) => {
                    let is_import = matches!(
                        module.exprs[value as usize].kind,
                        Kind::Import { .. } | Kind::Function(_) | Kind::Class(_)
                    );
                    // A module's own names do not depend on the call that is followed.
                    let frame = if scope == 0 { None } else { at.frame.clone() };
                    let values = self.values(&Thunk { module: at.module, expr: value, frame });
                    let what = if is_constant { "constant" } else { "variable" };
                    found.extend(values.into_iter().map(|value| {
                        if is_import {
                            value
                        } else {
                            value.step(format!("{what} {name}"), module.range(binding.range))
                        }
                    }));
                }
                Bound::Parameter(function, place) => found.extend(self.parameter(at, function, place)),
            }
        }
        found
    }

    fn parameter(&mut self, at: &Thunk, function: FunctionId, place: u32) -> Vec<Found> {
        let mut frame = at.frame.as_ref();
        while let Some(one) = frame {
            if one.module == at.module && one.function == function {
                let one = Rc::clone(one);
                return self.given(&one, place);
            }
            frame = one.parent.as_ref();
        }
        if self.strict {
            return vec![Found::unknown("a parameter")];
        }
        if self.shallow {
            let object = self.object_of_type(at.module, function, place);
            return vec![object.unwrap_or_else(|| Found::unknown("a parameter"))];
        }
        self.callers_values(at.module, function, place)
    }

    /// The value of a parameter in a followed call.
    fn given(&mut self, frame: &Rc<Frame>, place: u32) -> Vec<Found> {
        let outer = frame.parent.clone();
        let parameter = &self.module(frame.module).functions[frame.function as usize].parameters[place as usize];
        let span = self.module(frame.module).range(parameter.range);
        let found = self.argument(frame.module, frame.function, place, &frame.given, outer);
        found.into_iter().map(|value| value.step(format!("parameter {}", parameter.name), span)).collect()
    }

    fn this(&mut self, at: &Thunk) -> Vec<Found> {
        let module = self.module(at.module);
        let Some(class) = module.class_of(module.exprs[at.expr as usize].scope) else {
            return vec![Found::unknown("the object is not known")];
        };
        let mut frame = at.frame.as_ref();
        while let Some(one) = frame {
            if let (Some(this), true) = (&one.this, one.module == at.module) {
                return vec![Found::new((**this).clone())];
            }
            frame = one.parent.as_ref();
        }
        vec![Found::new(Value::Instance(Instance { module: at.module, class, given: None }))]
    }

    /// An import: a file of the code, a name in it, or something from outside.
    fn import(&mut self, at: &Thunk, spec: &str, member: Option<&str>) -> Vec<Found> {
        match (self.code.tongue.resolve)(self.code, at.module, spec) {
            Target::File(file) => match member {
                None => vec![Found::new(Value::Module(file))],
                Some(member) => {
                    let found = self.exported(file, member);
                    if !found.is_empty() {
                        return found;
                    }
                    // `from package import module`.
                    match (self.code.tongue.resolve)(self.code, at.module, &below_module(spec, member)) {
                        Target::File(file) => vec![Found::new(Value::Module(file))],
                        Target::Outside(name) => vec![Found::new(Value::Outside(name))],
                    }
                }
            },
            Target::Outside(name) => {
                if let Some(member) = member
                    && let Target::File(file) =
                        (self.code.tongue.resolve)(self.code, at.module, &below_module(spec, member))
                {
                    return vec![Found::new(Value::Module(file))];
                }
                if let (Some(member), true) = (member, self.code.tongue.global_names) {
                    let found = self.anywhere(member);
                    if !found.is_empty() && !name.starts_with("std.") {
                        return found;
                    }
                }
                vec![Found::new(Value::Outside(match member {
                    None | Some("default") => name,
                    Some(member) => format!("{name}.{member}"),
                }))]
            }
        }
    }

    /// A name of a file of the code, as others see it.
    pub(super) fn exported(&mut self, file: usize, name: &str) -> Vec<Found> {
        let module = self.module(file);
        if !module.exports.is_empty() {
            let own = module.exports.get(name).or_else(|| module.exports.get("=").filter(|_| name == "default"));
            if let Some(&value) = own {
                return self.values(&Self::thunk(file, value));
            }
            if let Some(&whole) = module.exports.get("=") {
                let whole = self.values(&Self::thunk(file, whole));
                let found: Vec<Found> =
                    whole.iter().flat_map(|value| self.member_of(&Self::thunk(file, 0), value, name)).collect();
                return found;
            }
        }
        if module.scopes[0].names.contains_key(name) && (module.exports.is_empty() || name != "default") {
            let at = Self::thunk(file, 0);
            return self.bindings(&at, 0, name, None);
        }
        let stars = module.stars.clone();
        for star in &stars {
            if let Target::File(other) = (self.code.tongue.resolve)(self.code, file, star)
                && other != file
                && self.depth < DEPTH
                && self.fuel > 0
            {
                self.fuel -= 1;
                self.depth += 1;
                let found = self.exported(other, name);
                self.depth -= 1;
                if !found.is_empty() {
                    return found;
                }
            }
        }
        Vec::new()
    }

    fn member(&mut self, at: &Thunk, base: ExprId, field: &str) -> Vec<Found> {
        let bases = self.values(&Self::beside(at, base));
        bases.iter().flat_map(|base| self.member_of(at, base, field)).collect()
    }

    fn index(&mut self, at: &Thunk, base: ExprId, key: ExprId) -> Vec<Found> {
        let bases = self.values(&Self::beside(at, base));
        let keys = self.values(&Self::beside(at, key));
        let mut found = Vec::new();
        for base in &bases {
            match &base.value {
                Value::Dict(dict) => {
                    let dict = dict.clone();
                    found.extend(self.rows(&dict, &keys).into_iter().map(|value| value.after(base)));
                }
                Value::List(elements) => {
                    for element in elements.iter().take(ALTERNATIVES) {
                        found.extend(self.element(element));
                    }
                }
                Value::Outside(name) => {
                    if name == self.code.tongue.environment
                        && let Some(variable) = keys.first().and_then(Found::known_text)
                    {
                        found.push(self.environment(&variable, self.span(at)));
                    } else {
                        found.push(base.with(Value::Outside(format!("{name}[]"))));
                    }
                }
                Value::Module(_) | Value::Class(..) | Value::Instance(_) => {
                    for key in keys.iter().filter_map(Found::known_text) {
                        found.extend(self.member_of(at, base, &key));
                    }
                }
                Value::Unknown(_) => found.push(base.clone()),
                _ => found.push(Found::unknown("an element that is not known")),
            }
        }
        found
    }

    /// The rows of a table that keys can reach: by the key, or all where it is open.
    pub(super) fn rows(&mut self, dict: &Thunk, keys: &[Found]) -> Vec<Found> {
        if !self.enter() {
            return vec![Found::unknown("following the value takes too many steps")];
        }
        let found = self.rows_inner(dict, keys);
        self.leave();
        found
    }

    fn rows_inner(&mut self, dict: &Thunk, keys: &[Found]) -> Vec<Found> {
        let module = self.module(dict.module);
        let Kind::Dict(rows) = &module.exprs[dict.expr as usize].kind else { return Vec::new() };
        let wanted: Option<Vec<String>> = keys.iter().map(Found::known_text).collect();
        let wanted = wanted.filter(|wanted| !wanted.is_empty() && !keys.iter().any(|key| key.default));
        let mut found = Vec::new();
        for (key, value) in rows {
            let value = Self::beside(dict, *value);
            let Some(key) = key else {
                for spread in self.values(&value) {
                    match &spread.value {
                        Value::Dict(inner) => found.extend(self.rows(&inner.clone(), keys)),
                        _ => found.push(Found::unknown("a table that is not known")),
                    }
                }
                continue;
            };
            let own: Option<Vec<String>> =
                self.values(&Self::beside(dict, *key)).iter().map(Found::known_text).collect();
            let fits = match (&wanted, &own) {
                (Some(wanted), Some(own)) => own.is_empty() || own.iter().any(|own| wanted.contains(own)),
                _ => true,
            };
            if fits {
                let span = self.span(&value);
                found.extend(self.values(&value).into_iter().map(|value| value.step("table entry", span)));
            }
        }
        found
    }

    fn slice(&mut self, at: &Thunk, base: ExprId, from: u32) -> Vec<Found> {
        let bases = self.values(&Self::beside(at, base));
        let cut = |base: &Found| match &base.value {
            Value::List(elements) => {
                let from = from as usize;
                let open =
                    elements.iter().take(from).any(|element| matches!(element, Element::Rest(_) | Element::More(_)));
                let rest = if open {
                    vec![Element::Rest("part of a list that is not known".to_owned())]
                } else {
                    elements.iter().skip(from).cloned().collect()
                };
                base.with(Value::List(Rc::new(rest)))
            }
            Value::Text(_) if from > 0 => Found::unknown("part of a text"),
            _ => base.clone(),
        };
        bases.iter().map(cut).collect()
    }

    /// The values of one element.
    pub(crate) fn element(&mut self, element: &Element) -> Vec<Found> {
        if !self.enter() {
            return vec![Found::unknown("following the value takes too many steps")];
        }
        let found = self.element_inner(element);
        self.leave();
        found
    }

    fn element_inner(&mut self, element: &Element) -> Vec<Found> {
        match element {
            Element::Later(thunk) => self.values(thunk),
            Element::Known(found) => vec![found.clone()],
            Element::More(thunk) => {
                let mut found = Vec::new();
                for list in self.values(thunk) {
                    match &list.value {
                        Value::List(elements) => {
                            let inner: Vec<Element> = elements.iter().take(COMBINATIONS).cloned().collect();
                            for one in inner {
                                found.extend(self.element(&one));
                            }
                        }
                        Value::Unknown(_) => found.push(list),
                        _ => found.push(Found::unknown("an element of a list that is not known")),
                    }
                }
                found
            }
            Element::Rest(reason) => vec![Found::unknown(reason.clone())],
        }
    }

    fn elements_of_list(&mut self, at: &Thunk, list: ExprId) -> Vec<Found> {
        let lists = self.values(&Self::beside(at, list));
        let mut found = Vec::new();
        for list in &lists {
            match &list.value {
                Value::List(elements) => {
                    for element in elements.iter().take(ALTERNATIVES) {
                        found.extend(self.element(element).into_iter().map(|value| value.after(list)));
                    }
                }
                Value::Dict(dict) => {
                    let module = self.module(dict.module);
                    let Kind::Dict(rows) = &module.exprs[dict.expr as usize].kind else { continue };
                    for (key, _) in rows.iter().take(ALTERNATIVES) {
                        if let Some(key) = key {
                            found.extend(self.values(&Self::beside(dict, *key)));
                        }
                    }
                }
                Value::Unknown(_) => found.push(list.clone()),
                _ => found.push(Found::unknown("an element of a list that is not known")),
            }
        }
        found
    }

    fn element_at(&mut self, at: &Thunk, list: ExprId, place: u32) -> Vec<Found> {
        let lists = self.values(&Self::beside(at, list));
        let mut found = Vec::new();
        for list in &lists {
            match &list.value {
                Value::List(elements) => {
                    let before = elements.iter().take(place as usize + 1);
                    if before.clone().any(|element| matches!(element, Element::More(_))) {
                        found.push(Found::unknown("an element of a list that is not known"));
                    } else if let Some(Element::Rest(reason)) =
                        before.clone().find(|element| matches!(element, Element::Rest(_)))
                    {
                        found.push(Found::unknown(reason.clone()));
                    } else if let Some(element) = elements.get(place as usize) {
                        found.extend(self.element(element).into_iter().map(|value| value.after(list)));
                    }
                }
                Value::Unknown(_) => found.push(list.clone()),
                _ => found.push(Found::unknown("an element that is not known")),
            }
        }
        found
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

/// `package` and `module` as one import.
fn below_module(spec: &str, member: &str) -> String {
    if spec.ends_with('.') || spec.is_empty() { format!("{spec}{member}") } else { format!("{spec}.{member}") }
}

/// The scope that binds a name, and whether it is the one of the use itself.
fn lookup(module: &Module, scope: ScopeId, name: &str) -> Option<(ScopeId, bool)> {
    let mut at = Some(scope);
    while let Some(id) = at {
        let one = &module.scopes[id as usize];
        let seen = id == scope || !matches!(one.owner, Owner::Class(_));
        if seen && one.names.contains_key(name) {
            return Some((id, id == scope));
        }
        at = one.parent;
    }
    None
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

/// What a set of values says as a condition, where all agree.
fn settled(found: &[Found]) -> Option<bool> {
    let open = |found: &Found| found.default || found.optional;
    let mut answers = found.iter().map(|found| if open(found) { None } else { truth(&found.value) });
    let first = answers.next()??;
    answers.all(|answer| answer == Some(first)).then_some(first)
}

/// Whether a value counts as true.
pub(super) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Nothing => Some(false),
        Value::Text(text) => match text.whole() {
            Some(text) => Some(!text.is_empty()),
            None => text.says_something().then_some(true),
        },
        Value::List(elements) => {
            if elements.is_empty() {
                Some(false)
            } else {
                elements.iter().any(|element| matches!(element, Element::Later(_) | Element::Known(_))).then_some(true)
            }
        }
        Value::Function(..) | Value::Class(..) | Value::Instance(_) | Value::Module(_) | Value::Partial(..) => {
            Some(true)
        }
        Value::Dict(_) | Value::Super(..) | Value::Outside(_) | Value::Unknown(_) => None,
    }
}

fn equal(left: &Found, right: &Found) -> Option<bool> {
    match (&left.value, &right.value) {
        (Value::Nothing, Value::Nothing) => Some(true),
        (Value::Nothing, Value::Text(_) | Value::List(_) | Value::Bool(_))
        | (Value::Text(_) | Value::List(_) | Value::Bool(_), Value::Nothing) => Some(false),
        (Value::Bool(left), Value::Bool(right)) => Some(left == right),
        (Value::Text(left), Value::Text(right)) => Some(left.whole()? == right.whole()?),
        _ => None,
    }
}
