//! What a name stands for: bindings, parameters, imports and what a module exports.

use super::{DEPTH, Follower};
use crate::scan::value::form::{Binding, BlockId, Bound, FunctionId, Kind, Module, Owner, ScopeId};
use crate::scan::value::source::defined_anywhere;
use crate::scan::value::{Found, Frame, Instance, Target, Thunk, Value};
use std::rc::Rc;

/// How many files a name without an import is looked up in.
const ANYWHERE: usize = 4;

impl Follower<'_> {
    pub(super) fn name(&mut self, at: &Thunk, name: &str) -> Vec<Found> {
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
    pub(super) fn anywhere(&mut self, name: &str) -> Vec<Found> {
        let mut found = Vec::new();
        for file in defined_anywhere(self.code, name, ANYWHERE) {
            let mut values = self.exported(file, name);
            values.retain(|found| !matches!(found.value, Value::Outside(_)));
            found.extend(values);
        }
        found
    }

    /// The values of a name in a scope; of those bound before the place of use, the ones that can still hold there.
    pub(super) fn bindings(
        &mut self,
        at: &Thunk,
        scope: ScopeId,
        name: &str,
        use_at: Option<(u32, BlockId)>,
    ) -> Vec<Found> {
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
            let again = |binding: &&Binding| binding.from > place && module.same_loop(block, binding.block);
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

    pub(super) fn parameter(&mut self, at: &Thunk, function: FunctionId, place: u32) -> Vec<Found> {
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
    pub(super) fn given(&mut self, frame: &Rc<Frame>, place: u32) -> Vec<Found> {
        let outer = frame.parent.clone();
        let parameter = &self.module(frame.module).functions[frame.function as usize].parameters[place as usize];
        let span = self.module(frame.module).range(parameter.range);
        let found = self.argument(frame.module, frame.function, place, &frame.given, outer);
        found.into_iter().map(|value| value.step(format!("parameter {}", parameter.name), span)).collect()
    }

    pub(super) fn this(&mut self, at: &Thunk) -> Vec<Found> {
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
    pub(super) fn import(&mut self, at: &Thunk, spec: &str, member: Option<&str>) -> Vec<Found> {
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
    pub(in crate::scan::value) fn exported(&mut self, file: usize, name: &str) -> Vec<Found> {
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
