//! Fields of a struct that another struct holds as a value and reads by a method: `c.Dirs.Get()`, where `Dirs` is a `List`
//! with `func (l *List) Get() []string { return l.values }`.
//!
//! Such small types hold many things that have nothing to do with each other. What is put in by `c.Other.Set(…)` is left
//! out where the code tells that `Other` is another field. It refuses where the held value is copied from elsewhere, and
//! pointers, which others may hold too.

use super::engine::Engine;
use super::load::UnitId;
use super::syntax::{Assign, ExprKind, Parent, Source};
use super::types::{At, FieldAt, FuncAt, Member, Shape, Ty};
use super::value::{Context, Item, Kind, List, Set, Value};
use super::words::way;
use std::rc::Rc;

/// How many callers of a method that sets a field are told apart.
const MAX_SETTERS: usize = 200;

impl Engine<'_> {
    /// A field of a method's receiver, where the method is called on a field that holds the receiver's struct itself.
    pub(super) fn held_field(&mut self, base: At, field: FieldAt, context: Context) -> Option<Set> {
        let func = self.receiver_named(base)?;
        let (call, _) = self.entered(func, context)?;
        let holder = self.receiver_of(call).and_then(|receiver| self.holder(receiver, field))?;
        let key = (field, holder);
        if let Some(known) = self.held_fields.get(&key) {
            return known.as_deref().cloned();
        }
        if let Some(&(_, level)) = self.open_held.iter().find(|(open, _)| *open == key) {
            self.cycles.came_round_to(level);
            return Some(Set::default());
        }
        let level = self.cycles.open();
        self.open_held.push((key, level.at));
        let set = self.apart_from_sink(|engine| engine.held_values(field, holder));
        self.open_held.pop();
        self.cycles.close(level);
        self.held_fields.insert(key, set.clone().map(Rc::new));
        set
    }

    fn held_values(&mut self, field: FieldAt, holder: FieldAt) -> Option<Set> {
        let mut set = Set::default();
        if self.is_assigned(holder) {
            return None;
        }
        for value in self.given_by_key(holder) {
            if !matches!(
                self.program.syntax(value.unit).kind(value.expr),
                ExprKind::Call { .. } | ExprKind::Composite { .. }
            ) {
                return None;
            }
            for value in self.eval(value, 0).values {
                match value.kind {
                    Kind::Composite(literal, context) => set.extend(self.field_of_literal(literal, field, context)),
                    Kind::Hole(_) => set.add(value),
                    _ => return None,
                }
            }
        }
        if self.is_pointed_to(field) {
            return None;
        }
        for (at, assign) in self.assignments_to(field) {
            for context in self.contexts_of_write(at, field, holder) {
                set.extend(self.written(at.unit, assign, context));
            }
        }
        if set.is_empty() {
            return None;
        }
        if self.is_configured(holder) {
            set.extend(self.tagged(holder));
        }
        Some(set)
    }

    /// The function whose receiver an expression is.
    fn receiver_named(&self, at: At) -> Option<FuncAt> {
        let syntax = self.program.syntax(at.unit);
        match syntax.var(syntax.resolve_if_ident(at.expr)?).source {
            Source::Receiver(func) => Some(FuncAt { unit: at.unit, func }),
            _ => None,
        }
    }

    /// The field that an expression selects, where it holds the struct of another field itself.
    fn holder(&mut self, at: At, field: FieldAt) -> Option<FieldAt> {
        if !matches!(self.program.syntax(at.unit).kind(at.expr), ExprKind::Selector { .. })
            || self.meaning(at).is_some()
        {
            return None;
        }
        let Member::Field(holder) = self.member(at) else { return None };
        let ty = self.field(holder).ty;
        if matches!(self.program.syntax(holder.unit).kind(ty), ExprKind::Star(_)) {
            return None;
        }
        let ty = Ty::Written(At { unit: holder.unit, expr: ty });
        match self.inner_shape(&ty) {
            Shape::Struct(of) => ((of.unit, of.expr) == (field.unit, field.ty)).then_some(holder),
            _ => None,
        }
    }

    /// The values that literals give a field by its name.
    fn given_by_key(&mut self, field: FieldAt) -> Vec<At> {
        let program = self.program;
        let name = self.field_name(field);
        let units = program.member_users(program.unit(field.unit).package, &name, way::KEY);
        units.into_iter().flat_map(|unit| self.given_in(unit, field, &name)).collect()
    }

    /// The assignments to a field in code that runs, each with its left side.
    fn assignments_to(&mut self, field: FieldAt) -> Vec<(At, Assign)> {
        let program = self.program;
        let name = self.field_name(field);
        let mut found = Vec::new();
        for unit in program.member_users(program.unit(field.unit).package, &name, way::SET) {
            let syntax = program.syntax(unit);
            let assigns = program.parts_naming(unit, &name).flat_map(|part| &part.assigns);
            for assign in assigns.filter(|assign| syntax.name(assign.left) == name) {
                let at = At { unit, expr: assign.left };
                if matches!(syntax.kind(at.expr), ExprKind::Selector { .. })
                    && self.meaning(at).is_none()
                    && self.member(at) == Member::Field(field)
                    && self.is_live(unit, syntax.expr(at.expr).range.start)
                {
                    found.push((at, *assign));
                }
            }
        }
        found
    }

    /// Whether a pointer to a field is handed out, through which anything may set it.
    fn is_pointed_to(&mut self, field: FieldAt) -> bool {
        let program = self.program;
        let name = self.field_name(field);
        program.member_users(program.unit(field.unit).package, &name, way::SET).into_iter().any(|unit| {
            let syntax = program.syntax(unit);
            program.refs(unit, &name).any(|expr| {
                let at = At { unit, expr };
                matches!(syntax.parent(expr), Parent::Expr(outer) if matches!(syntax.kind(outer), ExprKind::Address(_)))
                    && self.meaning(at).is_none()
                    && self.member(at) == Member::Field(field)
            })
        })
    }

    /// The contexts in which an assignment to a field can be one to the value that a holder holds: in a method of the
    /// struct, those of the calls that are not on another holder.
    fn contexts_of_write(&mut self, at: At, field: FieldAt, holder: FieldAt) -> Vec<Context> {
        let ExprKind::Selector { base, .. } = self.program.syntax(at.unit).kind(at.expr) else { return vec![0] };
        let base = At { unit: at.unit, expr: *base };
        let Some(func) = self.receiver_named(base) else {
            let is_other = self.holder(base, field).is_some_and(|other| other != holder);
            return if is_other { Vec::new() } else { vec![0] };
        };
        let callers = self.callers_of(func);
        if callers.is_empty() || callers.len() > MAX_SETTERS {
            return vec![0];
        }
        let mut contexts = Vec::new();
        for site in callers.iter() {
            let other = self.receiver_of(site.call).and_then(|receiver| self.holder(receiver, field));
            if other.is_none_or(|other| other == holder) {
                contexts.extend(self.enter(site.call, func, 0));
            }
        }
        contexts
    }

    /// What an assignment to a field puts there; what is appended stands behind what is not known.
    fn written(&mut self, unit: UnitId, assign: Assign, context: Context) -> Set {
        if let Source::Value { expr, .. } = assign.source
            && let ExprKind::Call { fun, args, spread } = self.program.syntax(unit).kind(expr)
            && self.program.syntax(unit).name(*fun) == "append"
        {
            let added = self.appended(unit, args, *spread, context);
            let rest: Vec<Item> = added.items.into_iter().chain(added.rest).collect();
            return Set::one(Value::new(Kind::List(Rc::new(List { rest, open: true, ..List::default() }))));
        }
        self.eval_assigned(unit, assign, context)
    }
}
