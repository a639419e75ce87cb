//! Members of objects, through classes and what they extend.

use super::given;
use crate::scan::value::follow::{ALTERNATIVES, Follower};
use crate::scan::value::form::{ClassId, ExprId, FunctionId, Kind};
use crate::scan::value::{Found, Frame, Given, Instance, Target, Thunk, Value};
use std::rc::Rc;

/// How many classes above or below a class are read.
const CLASSES: usize = 12;

impl Follower<'_> {
    /// Whether a class without a constructor of its own takes over that of another.
    pub(super) fn inherits(&mut self, module: usize, class: ClassId, other: (usize, Option<ClassId>)) -> bool {
        let constructor = self.code.tongue.constructor;
        let own = &self.module(module).classes[class as usize];
        !own.members.contains_key(constructor) && self.extends(module, class, other)
    }

    /// Whether a class extends another, at any distance.
    pub(super) fn extends(&mut self, module: usize, class: ClassId, other: (usize, Option<ClassId>)) -> bool {
        self.above(module, class).iter().any(|&(m, c)| (m, Some(c)) == other)
    }

    /// The classes above a class, nearest first.
    pub(super) fn above(&mut self, module: usize, class: ClassId) -> Vec<(usize, ClassId)> {
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
    pub(in crate::scan::value) fn outside_above(&mut self, module: usize, class: ClassId) -> Vec<Found> {
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
    pub(super) fn extended_by(&mut self, module: usize, class: ClassId) -> Vec<(usize, ClassId)> {
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

    pub(super) fn member_of_inner(&mut self, at: &Thunk, base: &Found, field: &str) -> Vec<Found> {
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
    pub(super) fn written(&mut self, module: usize, field: &str, is_it: impl Fn(ExprId, &Kind) -> bool) -> Vec<Found> {
        let read = self.module(module);
        let mut found = Vec::new();
        for ((object, name), members) in &read.writes {
            if name != field {
                continue;
            }
            let bindings = read.scopes[0].names.get(object).map_or(&[][..], Vec::as_slice);
            let bound = bindings.iter().any(|binding| match binding.value {
                crate::scan::value::form::Bound::Value(value) => is_it(value, &read.exprs[value as usize].kind),
                crate::scan::value::form::Bound::Parameter(..) => false,
            });
            if bound {
                for member in members {
                    found.extend(self.values(&Self::thunk(module, member.value)));
                }
            }
        }
        found
    }

    pub(super) fn class_member(
        &mut self,
        module: usize,
        class: ClassId,
        field: &str,
        this: Option<&Instance>,
    ) -> Vec<Found> {
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
    pub(super) fn own_member(
        &mut self,
        module: usize,
        class: ClassId,
        field: &str,
        this: Option<&Instance>,
    ) -> Vec<Found> {
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
    pub(super) fn bound(&mut self, at: &Thunk, value: Found, this: Option<&Instance>, field: &str) -> Vec<Found> {
        let span = self.span(at);
        if let Value::Function(module, function, None) = value.value {
            let one = &self.module(module).functions[function as usize];
            let object = this.map(|this| Rc::new(Value::Instance(this.clone())));
            let method = value.with(Value::Function(module, function, object));
            return if one.property { self.apply(at, &method, &Rc::default()) } else { vec![method] };
        }
        vec![value.step(format!("field {field}"), span)]
    }

    pub(super) fn constructor_frame(&self, module: usize, class: ClassId, this: &Instance) -> Option<Rc<Frame>> {
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
    pub(super) fn declared(
        &mut self,
        module: usize,
        class: ClassId,
        place: usize,
        this: Option<&Instance>,
    ) -> Vec<Found> {
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

    pub(super) fn field_of(&mut self, given: &[Given], place: usize, field: &str) -> Vec<Found> {
        let by_name = given.iter().find(|one| one.name.as_deref() == Some(field) && !one.spread);
        let by_place = || given.iter().filter(|one| one.name.is_none() && !one.spread).nth(place);
        by_name.or_else(by_place).map(|one| self.values(&one.value)).unwrap_or_default()
    }
}
