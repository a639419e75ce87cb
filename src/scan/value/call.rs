//! Calls, members of objects, and parameters from their callers.

use super::follow::{ALTERNATIVES, Follower};
use super::form::{Argument, ClassId, ExprId, FunctionId, Kind};
use super::{Element, Found, Frame, Given, Instance, Target, Thunk, Value};
use std::rc::Rc;

/// How many calls inside one another are followed.
const FRAMES: usize = 12;
/// How many callers of one function are read.
const CALLERS: usize = 400;
/// How many steps one of many callers may take at least.
const LEAST_SHARE: u32 = 500;
/// How many steps a callee may take to be told.
const CALLEE_FUEL: u32 = 600;
/// How many classes above or below a class are read.
const CLASSES: usize = 12;

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

    /// What the callers in the scanned code give a parameter, and its default where one of them gives nothing.
    pub(super) fn callers_values(&mut self, module: usize, function: FunctionId, place: u32) -> Vec<Found> {
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
    pub(super) fn object_of_type(&mut self, module: usize, function: FunctionId, place: u32) -> Option<Found> {
        let parameter = &self.module(module).functions[function as usize].parameters[place as usize];
        self.object_of(module, parameter.type_name?)
    }

    fn object_of(&mut self, module: usize, type_name: ExprId) -> Option<Found> {
        let types = self.values(&Self::thunk(module, type_name));
        types.iter().find_map(|found| match found.value {
            Value::Class(module, class) => Some(Found::new(Value::Instance(Instance { module, class, given: None }))),
            _ => None,
        })
    }

    fn caller_name(&self, file: usize, call: ExprId) -> String {
        let module = self.module(file);
        let function = module.function_of(module.exprs[call as usize].scope);
        let name = function.map_or("", |function| module.functions[function as usize].name.as_str());
        if name.is_empty() { "at the top".to_owned() } else { name.to_owned() }
    }

    /// The calls of a function, with their arguments.
    fn callers(&mut self, module: usize, function: FunctionId) -> Vec<(usize, ExprId, Rc<Vec<Given>>)> {
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
    pub(super) fn runs(&mut self, module: usize, expr: ExprId) -> bool {
        let read = self.module(module);
        let one = &read.exprs[expr as usize];
        self.is_alive(module, one.block)
            && read.functions_around(one.scope).into_iter().all(|function| self.is_reached(module, function, 0))
    }

    /// Whether a function can be reached on the image's platform: every call of it may stand in code that cannot run.
    pub(super) fn is_reached(&mut self, module: usize, function: FunctionId, depth: u32) -> bool {
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

    fn only_dead_calls(&mut self, module: usize, function: FunctionId, depth: u32) -> bool {
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

    fn calls_in(
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
    pub(super) fn handed_on(&self, file: usize, call: ExprId, arguments: &[Argument], place: usize) -> Vec<Given> {
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
    fn calls_of_lambda(
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
                if bindings
                    .iter()
                    .any(|binding| matches!(binding.value, super::form::Bound::Value(value) if is_it(value)))
                {
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
    fn leads_to(&mut self, file: usize, callee: ExprId, (module, function): (usize, FunctionId)) -> bool {
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
    fn is_unique(&mut self, name: &str) -> bool {
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

    /// Whether a class without a constructor of its own takes over that of another.
    fn inherits(&mut self, module: usize, class: ClassId, other: (usize, Option<ClassId>)) -> bool {
        let constructor = self.code.tongue.constructor;
        let own = &self.module(module).classes[class as usize];
        !own.members.contains_key(constructor) && self.extends(module, class, other)
    }

    /// Whether a class extends another, at any distance.
    fn extends(&mut self, module: usize, class: ClassId, other: (usize, Option<ClassId>)) -> bool {
        self.above(module, class).iter().any(|&(m, c)| (m, Some(c)) == other)
    }

    /// The classes above a class, nearest first.
    fn above(&mut self, module: usize, class: ClassId) -> Vec<(usize, ClassId)> {
        let mut found = vec![(module, class)];
        let mut at = 0;
        while at < found.len() && found.len() < CLASSES {
            let (module, class) = found[at];
            for base in self.module(module).classes[class as usize].bases.clone() {
                for value in self.values(&Self::thunk(module, base)) {
                    if let Value::Class(m, c) = value.value
                        && !found.contains(&(m, c))
                    {
                        found.push((m, c));
                    }
                }
            }
            at += 1;
        }
        found.remove(0);
        found
    }

    /// The classes from outside that a class extends.
    pub(super) fn outside_above(&mut self, module: usize, class: ClassId) -> Vec<Found> {
        let mut all = self.above(module, class);
        all.push((module, class));
        let mut found = Vec::new();
        for (module, class) in all {
            for base in self.module(module).classes[class as usize].bases.clone() {
                found.extend(self.values(&Self::thunk(module, base)));
            }
        }
        found.retain(|found| matches!(found.value, Value::Outside(_)));
        found
    }

    /// The classes that extend a class, by its name.
    fn extended_by(&mut self, module: usize, class: ClassId) -> Vec<(usize, ClassId)> {
        let name = self.module(module).classes[class as usize].name.clone();
        let mut found = Vec::new();
        if name.is_empty() {
            return found;
        }
        for &file in self.code.mentioning(&name).iter() {
            let read = self.module(file);
            for (place, one) in read.classes.iter().enumerate() {
                let by_name = one.bases.iter().any(|&base| read.last_name(base) == Some(&name));
                if by_name && found.len() < CLASSES && self.extends(file, place as ClassId, (module, Some(class))) {
                    found.push((file, place as ClassId));
                }
            }
        }
        found
    }

    /// A member of a value.
    pub(crate) fn member_of(&mut self, at: &Thunk, base: &Found, field: &str) -> Vec<Found> {
        if !self.enter() {
            return vec![Found::unknown("following the value takes too many steps")];
        }
        let found = self.member_of_inner(at, base, field);
        self.leave();
        found
    }

    fn member_of_inner(&mut self, at: &Thunk, base: &Found, field: &str) -> Vec<Found> {
        match &base.value {
            Value::Module(file) => {
                let found = self.exported(*file, field);
                if !found.is_empty() {
                    return found;
                }
                match (self.code.tongue.resolve)(self.code, *file, &format!(".{field}")) {
                    Target::File(inner) if inner != *file => vec![Found::new(Value::Module(inner))],
                    _ => vec![Found::unknown(format!("{field} of {}", self.code.files[*file].path))],
                }
            }
            Value::Outside(name)
                if name == self.code.tongue.environment && self.known(&format!("{name}.{field}")).is_none() =>
            {
                vec![self.environment(field, self.span(at))]
            }
            Value::Outside(name) => {
                let full = if field == "default" { name.clone() } else { format!("{name}.{field}") };
                if let Target::File(file) = (self.code.tongue.resolve)(self.code, at.module, &full) {
                    return vec![Found::new(Value::Module(file))];
                }
                match self.known(&full) {
                    Some(operation) if operation.is_value() => self.operate(at, operation, &full, None, &Rc::default()),
                    _ => vec![base.with(Value::Outside(full))],
                }
            }
            Value::Class(module, class) => self.class_member(*module, *class, field, None),
            Value::Instance(object) => {
                let object = object.clone();
                self.class_member(object.module, object.class, field, Some(&object))
            }
            Value::Super(module, class) => {
                let this = Instance { module: *module, class: *class, given: None };
                for (module, class) in self.above(*module, *class) {
                    let found = self.own_member(module, class, field, Some(&this));
                    if !found.is_empty() {
                        return found;
                    }
                }
                vec![Found::unknown(format!("{field} of a class that is not scanned"))]
            }
            Value::Dict(dict) => {
                let span = self.span(at);
                let dict = dict.clone();
                let found = self.rows(&dict, &[Found::text(field, span)]);
                if found.is_empty() { self.written(dict.module, field, |it, _| it == dict.expr) } else { found }
            }
            Value::Function(module, function, _) => {
                let function = *function;
                let is_it = |_, kind: &Kind| matches!(kind, Kind::Function(id) if *id == function);
                let found = self.written(*module, field, is_it);
                if found.is_empty() { vec![Found::unknown(format!("{field} of a function"))] } else { found }
            }
            Value::Unknown(reason) => vec![base.with(Value::Unknown(reason.clone()))],
            _ => vec![Found::unknown(format!("{field} of a value that is not known"))],
        }
    }

    /// The values of a field that is given to an object by a name bound to it.
    fn written(&mut self, module: usize, field: &str, is_it: impl Fn(ExprId, &Kind) -> bool) -> Vec<Found> {
        let read = self.module(module);
        let mut found = Vec::new();
        for ((object, name), members) in &read.writes {
            if name != field {
                continue;
            }
            let bindings = read.scopes[0].names.get(object).map_or(&[][..], Vec::as_slice);
            let bound = bindings.iter().any(|binding| match binding.value {
                super::form::Bound::Value(value) => is_it(value, &read.exprs[value as usize].kind),
                super::form::Bound::Parameter(..) => false,
            });
            if bound {
                for member in members {
                    found.extend(self.values(&Self::thunk(module, member.value)));
                }
            }
        }
        found
    }

    fn class_member(&mut self, module: usize, class: ClassId, field: &str, this: Option<&Instance>) -> Vec<Found> {
        if self.is_strict() && this.is_some_and(|this| this.given.is_none()) {
            return vec![Found::unknown(format!("field {field}"))];
        }
        let mut found = self.own_member(module, class, field, this);
        if found.is_empty() {
            for (module, class) in self.above(module, class) {
                found = self.own_member(module, class, field, this);
                if !found.is_empty() {
                    break;
                }
            }
        }
        // The object may be of a class that extends this one and says otherwise.
        if this.is_some_and(|this| this.given.is_none()) {
            for (module, class) in self.extended_by(module, class) {
                found.extend(self.own_member(module, class, field, this));
            }
        }
        if found.is_empty() {
            let name = &self.module(module).classes[class as usize].name;
            found.push(Found::unknown(format!("field {field} of {name}")));
        }
        found
    }

    /// What the class itself says of a member.
    fn own_member(&mut self, module: usize, class: ClassId, field: &str, this: Option<&Instance>) -> Vec<Found> {
        let read = self.module(module);
        let one = &read.classes[class as usize];
        let mut found = Vec::new();
        let frame = this.and_then(|this| self.constructor_frame(module, class, this));
        for member in one.members.get(field).map_or(&[][..], Vec::as_slice) {
            if !self.is_alive(module, member.block) {
                continue;
            }
            let thunk = Thunk { module, expr: member.value, frame: frame.clone() };
            for value in self.values(&thunk) {
                found.extend(self.bound(&thunk, value, this, field));
            }
        }
        if let Some(place) = one.fields.iter().position(|(name, _)| name == field) {
            found.extend(self.declared(module, class, place, this));
        }
        found
    }

    /// A function found in a class becomes a method of the object; a property is read.
    fn bound(&mut self, at: &Thunk, value: Found, this: Option<&Instance>, field: &str) -> Vec<Found> {
        let span = self.span(at);
        if let Value::Function(module, function, None) = value.value {
            let one = &self.module(module).functions[function as usize];
            let object = this.map(|this| Rc::new(Value::Instance(this.clone())));
            let method = value.with(Value::Function(module, function, object));
            return if one.property { self.apply(at, &method, &Rc::default()) } else { vec![method] };
        }
        vec![value.step(format!("field {field}"), span)]
    }

    fn constructor_frame(&self, module: usize, class: ClassId, this: &Instance) -> Option<Rc<Frame>> {
        let given = Rc::clone(this.given.as_ref()?);
        let read = self.module(module);
        if (this.module, this.class) != (module, class) {
            return None;
        }
        let constructor = read.classes[class as usize].members.get(self.code.tongue.constructor)?.first()?;
        let Kind::Function(function) = read.exprs[constructor.value as usize].kind else { return None };
        Some(Rc::new(Frame { module, function, given, this: None, parent: None }))
    }

    /// A declared field of a data class or struct: from the arguments that make its objects.
    fn declared(&mut self, module: usize, class: ClassId, place: usize, this: Option<&Instance>) -> Vec<Found> {
        let read = self.module(module);
        let one = &read.classes[class as usize];
        if one.members.contains_key(self.code.tongue.constructor) {
            return Vec::new();
        }
        let (field, type_name) = &one.fields[place];
        if let Some(given) = this.and_then(|this| this.given.clone()) {
            return self.field_of(&given, place, field);
        }
        let key = (module, FunctionId::MAX - class, place as u32);
        if self.active_parameters.contains(&key) {
            return Vec::new();
        }
        if let Some(object) = type_name.and_then(|type_name| self.object_of(module, type_name)) {
            return vec![object];
        }
        if self.shallow {
            return Vec::new();
        }
        self.active_parameters.push(key);
        let mut found = Vec::new();
        let name = one.name.clone();
        for &file in self.code.mentioning(&name).iter() {
            let lowered = self.code.lowered(file);
            for &call in lowered.calls.get(&name).map_or(&[][..], Vec::as_slice) {
                let Kind::Call { callee, arguments } = &lowered.module.exprs[call as usize].kind else { continue };
                if found.len() > ALTERNATIVES || !self.is_alive(file, lowered.module.exprs[call as usize].block) {
                    continue;
                }
                let callees = self.values(&Self::thunk(file, *callee));
                if callees.iter().any(|found| matches!(found.value, Value::Class(m, c) if (m, c) == (module, class))) {
                    let given = given(&Self::thunk(file, call), arguments);
                    found.extend(self.field_of(&given, place, field));
                }
            }
        }
        self.active_parameters.pop();
        found
    }

    fn field_of(&mut self, given: &[Given], place: usize, field: &str) -> Vec<Found> {
        let by_name = given.iter().find(|one| one.name.as_deref() == Some(field) && !one.spread);
        let by_place = || given.iter().filter(|one| one.name.is_none() && !one.spread).nth(place);
        by_name.or_else(by_place).map(|one| self.values(&one.value)).unwrap_or_default()
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
