//! Calls, members of objects, and parameters from their callers.

mod caller;
mod class;

use super::follow::Follower;
use super::form::{Argument, ExprId, FunctionId, Kind};
use super::{Element, Found, Frame, Given, Instance, Thunk, Value};
use std::rc::Rc;

/// How many calls inside one another are followed.
const FRAMES: usize = 12;

impl Follower<'_> {
    pub(super) fn call(&mut self, at: &Thunk, callee: ExprId, arguments: &[Argument]) -> Vec<Found> {
        let given: Rc<Vec<Given>> = Rc::new(given(at, arguments));
        let callee = Self::beside(at, callee);
        let module = self.module(at.module);
        if let Kind::Member(base, field) = &module.exprs[callee.expr as usize].kind {
            let bases = self.values(&Self::beside(at, *base));
            return bases.iter().flat_map(|base| self.call_member(at, base, field, &given)).collect();
        }
        if matches!(&module.exprs[callee.expr as usize].kind, Kind::Name(name) if name == "super") {
            let class = module.class_of(module.exprs[at.expr as usize].scope);
            return class.map(|class| Found::new(Value::Super(at.module, class))).into_iter().collect();
        }
        let callees = self.values(&callee);
        callees.iter().flat_map(|callee| self.apply(at, callee, &given)).collect()
    }

    fn call_member(&mut self, at: &Thunk, base: &Found, field: &str, given: &Rc<Vec<Given>>) -> Vec<Found> {
        match &base.value {
            Value::Text(_) | Value::List(_) | Value::Unknown(_) | Value::Bool(_) | Value::Nothing => {
                self.method(at, base, field, given)
            }
            Value::Dict(_) => {
                let own = self.member_of(at, base, field);
                let callable = |found: &&Found| matches!(found.value, Value::Function(..) | Value::Partial(..));
                let own: Vec<&Found> = own.iter().filter(callable).collect();
                if own.is_empty() {
                    return self.method(at, base, field, given);
                }
                own.into_iter().flat_map(|callee| self.apply(at, callee, given)).collect()
            }
            Value::Function(..) | Value::Partial(..) if matches!(field, "call" | "bind" | "apply") => {
                // `f.call(this, x)`: the object is not a parameter.
                let rest = Rc::new(given.iter().skip(1).cloned().collect::<Vec<_>>());
                if field == "bind" {
                    return vec![base.with(Value::Partial(Rc::new(base.value.clone()), rest))];
                }
                self.apply(at, base, &rest)
            }
            Value::Outside(name) if self.known(&format!("{name}.{field}")).is_none() && name.ends_with("()") => {
                match self.operation_of_method(field) {
                    // The result of a call outside is not known, but what stands in for it is.
                    Some(_) => self.method(at, &base.with(Value::Unknown(result_of(name))), field, given),
                    None => vec![base.with(Value::Outside(format!("{name}.{field}()")))],
                }
            }
            _ => {
                let callees = self.member_of(at, base, field);
                callees.iter().flat_map(|callee| self.apply(at, callee, given)).collect()
            }
        }
    }

    /// The results of calling a value.
    pub(super) fn apply(&mut self, at: &Thunk, callee: &Found, given: &Rc<Vec<Given>>) -> Vec<Found> {
        if !self.enter() {
            return vec![Found::unknown("following the value takes too many steps")];
        }
        let found = self.apply_inner(at, callee, given);
        self.leave();
        found
    }

    fn apply_inner(&mut self, at: &Thunk, callee: &Found, given: &Rc<Vec<Given>>) -> Vec<Found> {
        match &callee.value {
            Value::Function(module, function, this) => self.enter_call(at, *module, *function, this.clone(), given),
            Value::Class(module, class) => vec![callee.with(Value::Instance(Instance {
                module: *module,
                class: *class,
                given: Some(Rc::clone(given)),
            }))],
            Value::Partial(inner, first) => {
                let all: Vec<Given> = first.iter().chain(given.iter()).cloned().collect();
                self.apply(at, &callee.with((**inner).clone()), &Rc::new(all))
            }
            Value::Outside(name) => match self.known(name) {
                Some(operation) => self.operate(at, operation, name, None, given),
                None => vec![callee.with(Value::Outside(format!("{name}()")))],
            },
            Value::Module(file) => {
                let whole = self.exported(*file, "default");
                whole.iter().flat_map(|callee| self.apply_whole(at, callee, given)).collect()
            }
            Value::Unknown(_) => vec![callee.clone()],
            _ => vec![Found::unknown("the result of a call that is not known")],
        }
    }

    /// As [`Self::apply`], but a module that exports a module ends there.
    fn apply_whole(&mut self, at: &Thunk, callee: &Found, given: &Rc<Vec<Given>>) -> Vec<Found> {
        if matches!(callee.value, Value::Module(_)) {
            return vec![Found::unknown("the result of a call that is not known")];
        }
        self.apply(at, callee, given)
    }

    fn enter_call(
        &mut self,
        at: &Thunk,
        module: usize,
        function: FunctionId,
        this: Option<Rc<Value>>,
        given: &Rc<Vec<Given>>,
    ) -> Vec<Found> {
        let mut frames = 0;
        let mut outer = at.frame.as_ref();
        while let Some(one) = outer {
            frames += 1;
            if one.module == module && one.function == function {
                return Vec::new();
            }
            outer = one.parent.as_ref();
        }
        if frames >= FRAMES {
            return vec![Found::unknown("calls nest too deeply")];
        }
        let span = self.span(at);
        let given = Rc::clone(given);
        let frame = Rc::new(Frame { module, function, given, this, parent: at.frame.clone() });
        let read = self.module(module);
        let one = &read.functions[function as usize];
        let mut found = Vec::new();
        for &value in &one.returns {
            if self.is_alive(module, read.exprs[value as usize].block) {
                let values = self.values(&Thunk { module, expr: value, frame: Some(Rc::clone(&frame)) });
                found.extend(values.into_iter().map(|value| value.step(format!("result of {}", one.name), span)));
            }
        }
        found
    }

    /// The value of a parameter, given the arguments of one call; nothing where it stays without one.
    pub(super) fn argument(
        &mut self,
        module: usize,
        function: FunctionId,
        place: u32,
        given: &Rc<Vec<Given>>,
        outer: Option<Rc<Frame>>,
    ) -> Vec<Found> {
        let parameter = &self.module(module).functions[function as usize].parameters[place as usize];
        if parameter.rest {
            return vec![Found::new(Value::List(Rc::new(self.rest(given, place))))];
        }
        if parameter.rest_named {
            return vec![Found::unknown("named arguments")];
        }
        let mut position = 0;
        let mut open = None;
        for one in given.iter() {
            match (&one.name, one.spread) {
                (Some(name), false) => {
                    if *name == parameter.name {
                        return self.values(&one.value);
                    }
                }
                (None, false) => {
                    if position == place {
                        return self.values(&one.value);
                    }
                    position += 1;
                }
                (Some(_), true) => {
                    let found = self.row_named(&one.value, &parameter.name);
                    if !found.is_empty() {
                        return found;
                    }
                }
                (None, true) => {
                    let lists = self.values(&one.value);
                    let [list] = lists.as_slice() else {
                        open = Some("arguments that are not known");
                        break;
                    };
                    let Value::List(elements) = &list.value else {
                        open = Some("arguments that are not known");
                        break;
                    };
                    for element in elements.iter() {
                        if position == place || matches!(element, Element::Rest(_) | Element::More(_)) {
                            return self.element(element).into_iter().map(|value| value.after(list)).collect();
                        }
                        position += 1;
                    }
                }
            }
        }
        match (parameter.default, open) {
            (_, Some(reason)) => vec![Found::unknown(reason)],
            (Some(default), None) => {
                let frame = outer.filter(|_| false);
                self.values(&Thunk { module, expr: default, frame })
            }
            (None, None) => Vec::new(),
        }
    }

    fn row_named(&mut self, table: &Thunk, name: &str) -> Vec<Found> {
        let span = self.span(table);
        let mut found = Vec::new();
        for value in self.values(table) {
            match &value.value {
                Value::Dict(dict) => found.extend(self.rows(&dict.clone(), &[Found::text(name, span)])),
                Value::Unknown(_) => {}
                _ => {}
            }
        }
        found
    }

    /// The arguments from a place on, as the elements of a list.
    fn rest(&mut self, given: &Rc<Vec<Given>>, from: u32) -> Vec<Element> {
        let mut elements = Vec::new();
        for one in given.iter().filter(|one| one.name.is_none()) {
            if !one.spread {
                elements.push(Element::Later(one.value.clone()));
                continue;
            }
            let lists = self.values(&one.value);
            match lists.as_slice() {
                [Found { value: Value::List(inner), .. }] => elements.extend(inner.iter().cloned()),
                [Found { value: Value::Unknown(reason), .. }] => elements.push(Element::Rest(reason.clone())),
                many => {
                    // Several lists: each can come first; what follows is open.
                    for list in many {
                        if let Value::List(inner) = &list.value {
                            elements.extend(inner.first().cloned());
                        }
                    }
                    elements.push(Element::Rest("arguments that are not known".to_owned()));
                }
            }
        }
        elements.split_off((from as usize).min(elements.len()))
    }
}

/// The arguments of a call, to be worked out where it stands.
pub(super) fn given(at: &Thunk, arguments: &[Argument]) -> Vec<Given> {
    let one = |argument: &Argument| Given {
        name: argument.name.clone(),
        value: Follower::beside(at, argument.value),
        spread: argument.spread,
    };
    arguments.iter().map(one).collect()
}

/// Keeps the first of values that say the same.
pub(super) fn dedup(found: &mut Vec<Found>) {
    let mut seen = std::collections::HashSet::new();
    found.retain(|one| match &one.value {
        Value::Text(text) => seen.insert(format!("{:?} {}", text.parts, one.optional)),
        Value::Unknown(reason) => seen.insert(reason.clone()),
        Value::List(elements) => match elements.first() {
            Some(Element::Later(first)) if first.frame.is_none() => {
                seen.insert(format!("{} {}", first.module, first.expr))
            }
            _ => true,
        },
        _ => true,
    });
}

/// Why the result of a call outside is not known.
pub(super) fn result_of(name: &str) -> String {
    format!("the result of {name}")
}
