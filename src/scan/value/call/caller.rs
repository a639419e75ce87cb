//! Who calls a function, what callers give, and whether anything that runs leads to it.

use super::{dedup, given};
use crate::scan::value::follow::{ALTERNATIVES, Follower};
use crate::scan::value::form::{Argument, ExprId, FunctionId, Kind};
use crate::scan::value::{Found, Given, Instance, Value};
use std::rc::Rc;

/// How many callers of one function are read.
const CALLERS: usize = 400;
/// How many steps one of many callers may take at least.
const LEAST_SHARE: u32 = 500;
/// How many steps a callee may take to be told.
const CALLEE_FUEL: u32 = 600;

impl Follower<'_> {
    /// What the callers in the scanned code give a parameter, and its default where one of them gives nothing.
    pub(in crate::scan::value) fn callers_values(
        &mut self,
        module: usize,
        function: FunctionId,
        place: u32,
    ) -> Vec<Found> {
        let key = (module, function, place);
        if self.active_parameters.contains(&key) {
            return Vec::new();
        }
        let read = self.module(module);
        let one = &read.functions[function as usize];
        let parameter = &one.parameters[place as usize];
        let span = read.range(parameter.range);
        if let Some(object) = self.object_of_type(module, function, place) {
            return vec![object];
        }
        self.active_parameters.push(key);
        let calls = self.callers(module, function);
        let mut found = Vec::new();
        for (read, (file, call, given)) in calls.iter().enumerate() {
            // Every caller has its share of what is left, so that one cannot starve the others.
            let left = self.fuel;
            let share = (left / (calls.len() - read) as u32).max(left.min(LEAST_SHARE));
            self.fuel = share;
            let values = self.argument(module, function, place, given, None);
            self.fuel = left - (share - self.fuel);
            let what = format!("caller {}", self.caller_name(*file, *call));
            let place = self.module(*file).span(*call);
            found.extend(values.into_iter().map(|value| value.step(what.clone(), place)));
            dedup(&mut found);
            if found.len() > ALTERNATIVES {
                break;
            }
        }
        self.active_parameters.pop();
        if found.is_empty() {
            match parameter.default {
                Some(default) => {
                    found = self.values(&Self::thunk(module, default));
                    // Whoever calls it from outside can give another value.
                    for one in &mut found {
                        one.default |= calls.is_empty();
                    }
                }
                None if calls.is_empty() => {
                    let name = if one.name.is_empty() { "a function" } else { &one.name };
                    let reason = format!("parameter {} of {name}, which no scanned code calls", parameter.name);
                    found.push(Found::unknown(reason));
                }
                None => {}
            }
        }
        dedup(&mut found);
        found.into_iter().map(|value| value.step(format!("parameter {}", parameter.name), span)).collect()
    }

    /// An object of the class that a parameter is declared to be.
    pub(in crate::scan::value) fn object_of_type(
        &mut self,
        module: usize,
        function: FunctionId,
        place: u32,
    ) -> Option<Found> {
        let parameter = &self.module(module).functions[function as usize].parameters[place as usize];
        self.object_of(module, parameter.type_name?)
    }

    pub(super) fn object_of(&mut self, module: usize, type_name: ExprId) -> Option<Found> {
        let types = self.values(&Self::thunk(module, type_name));
        types.iter().find_map(|found| match found.value {
            Value::Class(module, class) => Some(Found::new(Value::Instance(Instance { module, class, given: None }))),
            _ => None,
        })
    }

    pub(super) fn caller_name(&self, file: usize, call: ExprId) -> String {
        let module = self.module(file);
        let function = module.function_of(module.exprs[call as usize].scope);
        let name = function.map_or("", |function| module.functions[function as usize].name.as_str());
        if name.is_empty() { "at the top".to_owned() } else { name.to_owned() }
    }

    /// The calls of a function, with their arguments.
    pub(super) fn callers(&mut self, module: usize, function: FunctionId) -> Vec<(usize, ExprId, Rc<Vec<Given>>)> {
        let read = self.module(module);
        let one = &read.functions[function as usize];
        let is_constructor = one.class.is_some() && one.name == self.code.tongue.constructor;
        // Each name with the word that a file must hold to matter: `super` and constructors stand everywhere.
        let mut names = vec![(one.name.clone(), one.name.clone())];
        if let (true, Some(class)) = (is_constructor, one.class) {
            let own = read.classes[class as usize].name.clone();
            names = vec![(own.clone(), own.clone()), (own.clone(), "super".to_owned()), (own, one.name.clone())];
            for (file, class) in self.extended_by(module, class) {
                let name = self.module(file).classes[class as usize].name.clone();
                names.push((name.clone(), name));
            }
        }
        let mut calls = Vec::new();
        for (word, name) in names.iter().filter(|(word, _)| !word.is_empty()) {
            let files = self.code.mentioning(word);
            for &file in files.iter() {
                self.calls_in(file, name, (module, function), &mut calls);
                if calls.len() >= CALLERS || self.fuel == 0 {
                    return calls;
                }
            }
        }
        if one.name.is_empty() {
            self.calls_of_lambda(module, function, &mut calls);
        }
        calls
    }

    /// Whether an expression can run on the image's platform: its block, and the functions around it.
    pub(in crate::scan::value) fn runs(&mut self, module: usize, expr: ExprId) -> bool {
        let read = self.module(module);
        let one = &read.exprs[expr as usize];
        self.is_alive(module, one.block)
            && read.functions_around(one.scope).into_iter().all(|function| self.is_reached(module, function, 0))
    }

    /// Whether a function can be reached on the image's platform: every call of it may stand in code that cannot run.
    pub(in crate::scan::value) fn is_reached(&mut self, module: usize, function: FunctionId, depth: u32) -> bool {
        let key = (module, function);
        if let Some(&known) = self.reached.get(&key) {
            return known;
        }
        // Taken for reached while it is judged: functions may call one another in circles.
        self.reached.insert(key, true);
        let reached = depth > 4 || !self.only_dead_calls(module, function, depth);
        self.reached.insert(key, reached);
        reached
    }

    pub(super) fn only_dead_calls(&mut self, module: usize, function: FunctionId, depth: u32) -> bool {
        let one = &self.module(module).functions[function as usize];
        let is_constructor = one.class.is_some() && one.name == self.code.tongue.constructor;
        let name = match one.class {
            Some(class) if is_constructor => &self.module(module).classes[class as usize].name,
            _ => &one.name,
        };
        if name.is_empty() || name.starts_with("__") {
            return false;
        }
        let name = name.clone();
        let mut dead = 0;
        for &file in self.code.mentioning(&name).iter() {
            let lowered = self.code.lowered(file);
            if lowered.named.get(&name).is_some_and(|&others| others > 0) {
                return false;
            }
            for &call in lowered.calls.get(&name).map_or(&[][..], Vec::as_slice) {
                let expr = &lowered.module.exprs[call as usize];
                let alive = self.is_alive(file, expr.block)
                    && lowered
                        .module
                        .function_of(expr.scope)
                        .is_none_or(|outer| self.is_reached(file, outer, depth + 1));
                if alive {
                    return false;
                }
                dead += 1;
            }
        }
        dead > 0
    }

    pub(super) fn calls_in(
        &mut self,
        file: usize,
        name: &str,
        target: (usize, FunctionId),
        calls: &mut Vec<(usize, ExprId, Rc<Vec<Given>>)>,
    ) {
        let lowered = self.code.lowered(file);
        let module = &lowered.module;
        for &call in lowered.calls.get(name).map_or(&[][..], Vec::as_slice) {
            let Kind::Call { callee, arguments } = &module.exprs[call as usize].kind else { continue };
            if self.runs(file, call) && self.leads_to(file, *callee, target) {
                calls.push((file, call, Rc::new(given(&Self::thunk(file, call), arguments))));
            }
        }
        for &(call, place) in lowered.handed.get(name).map_or(&[][..], Vec::as_slice) {
            let Kind::Call { arguments, .. } = &module.exprs[call as usize].kind else { continue };
            if self.runs(file, call) && self.leads_to(file, arguments[place].value, target) {
                let given = self.handed_on(file, call, arguments, place);
                calls.push((file, call, Rc::new(given)));
            }
        }
    }

    /// The arguments that a function handed to another call will be given: those after it, or those of `args=`.
    pub(in crate::scan::value) fn handed_on(
        &self,
        file: usize,
        call: ExprId,
        arguments: &[Argument],
        place: usize,
    ) -> Vec<Given> {
        let at = Self::thunk(file, call);
        let named = arguments.iter().find(|argument| argument.name.as_deref() == Some("args"));
        if let Some(named) = named {
            return vec![Given { name: None, value: Self::beside(&at, named.value), spread: true }];
        }
        if arguments[place].name.is_some() {
            return Vec::new();
        }
        given(&at, &arguments[place + 1..])
    }

    /// Calls of a lambda or function expression by the names that it is bound to.
    pub(super) fn calls_of_lambda(
        &mut self,
        module: usize,
        function: FunctionId,
        calls: &mut Vec<(usize, ExprId, Rc<Vec<Given>>)>,
    ) {
        let read = self.module(module);
        let mut names = Vec::new();
        for scope in &read.scopes {
            for (name, bindings) in &scope.names {
                let is_it =
                    |value: ExprId| matches!(read.exprs[value as usize].kind, Kind::Function(id) if id == function);
                if bindings.iter().any(
                    |binding| matches!(binding.value, crate::scan::value::form::Bound::Value(value) if is_it(value)),
                ) {
                    names.push(name.clone());
                }
            }
        }
        for name in names {
            let files = self.code.mentioning(&name);
            for &file in files.iter() {
                self.calls_in(file, &name, (module, function), calls);
                if calls.len() >= CALLERS {
                    return;
                }
            }
        }
    }

    /// Whether a callee is the function: by its value, or by its name where the object cannot be known.
    pub(super) fn leads_to(&mut self, file: usize, callee: ExprId, (module, function): (usize, FunctionId)) -> bool {
        let read = self.module(module);
        let one = &read.functions[function as usize];
        let at = Self::thunk(file, callee);
        let outer = std::mem::replace(&mut self.shallow, true);
        let fuel = self.fuel;
        self.fuel = fuel.min(CALLEE_FUEL);
        let values = self.values(&at);
        let used = fuel.min(CALLEE_FUEL) - self.fuel;
        self.fuel = fuel.saturating_sub(used.min(20));
        self.shallow = outer;
        let same = |found: &Found| match &found.value {
            Value::Function(m, f, _) => (*m, *f) == (module, function),
            Value::Partial(inner, _) => matches!(**inner, Value::Function(m, f, _) if (m, f) == (module, function)),
            Value::Class(m, c) => *m == module && one.class == Some(*c) && one.name == self.code.tongue.constructor,
            _ => false,
        };
        if values.iter().any(same) {
            return true;
        }
        let subclass = values.iter().any(|found| match &found.value {
            Value::Class(m, c) => {
                one.name == self.code.tongue.constructor && self.inherits(*m, *c, (module, one.class))
            }
            Value::Super(m, c) => one.name == self.code.tongue.constructor && self.extends(*m, *c, (module, one.class)),
            _ => false,
        });
        if subclass {
            return true;
        }
        let callee = self.module(file);
        match &callee.exprs[at.expr as usize].kind {
            Kind::Name(name) if name == "super" => {
                let class = callee.class_of(callee.exprs[at.expr as usize].scope);
                class.is_some_and(|class| self.extends(file, class, (module, one.class)))
            }
            Kind::Member(_, _)
                if one.class.is_some() && one.name != self.code.tongue.constructor && self.is_unique(&one.name) =>
            {
                values.iter().all(|found| match &found.value {
                    Value::Unknown(_) => true,
                    Value::Outside(name) => name.contains("()"),
                    _ => false,
                })
            }
            _ => false,
        }
    }

    /// Whether the code defines one function of a name: then a call by that name can be no other of its own.
    pub(super) fn is_unique(&mut self, name: &str) -> bool {
        if let Some(&known) = self.unique.get(name) {
            return known;
        }
        let files = self.code.mentioning(name);
        let count: usize = files
            .iter()
            .map(|&file| self.module(file).functions.iter().filter(|function| function.name == name).count())
            .sum();
        self.unique.insert(name.to_owned(), count == 1);
        count == 1
    }
}
