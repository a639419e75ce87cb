//! The values of struct fields: from the literal behind a value where it is known, else from every literal of the type,
//! and from every assignment to the field.

use super::engine::{Engine, TOO_MUCH};
use super::load::UnitId;
use super::syntax::{ExprId, ExprKind, Parent, Source};
use super::types::{At, FieldAt, Member, Shape, Ty};
use super::value::{Context, Item, Kind, List, Set, Value, concat};
use super::words::way;
use std::rc::Rc;

impl Engine<'_> {
    /// A field of the value before the dot.
    pub(crate) fn eval_field(&mut self, at: At, field: FieldAt, context: Context) -> Set {
        let syntax = self.program.syntax(at.unit);
        let ExprKind::Selector { base, .. } = syntax.kind(at.expr) else { return Set::default() };
        if let Some(literal) = self.chosen_literal(At { unit: field.unit, expr: field.ty }, context) {
            return self
                .chosen_field(literal, field, context)
                .step(&format!("field {}", self.field_name(field)), syntax.expr_span(at.expr));
        }
        let bases = self.eval(At { unit: at.unit, expr: *base }, context);
        let name = self.field_name(field);
        let span = syntax.expr_span(at.expr);
        if let Some(own) = self.own_generic_field(at, field, context) {
            return own.step(&format!("field {name}"), span);
        }
        if let Some(held) = self.held_field(At { unit: at.unit, expr: *base }, field, context) {
            return held.step(&format!("field {name}"), span);
        }
        if let Some(value) = Engine::deferred(&bases) {
            return Set::one(value);
        }
        let mut set = Set::default();
        let literals: Vec<(At, Context)> = bases
            .values
            .iter()
            .filter_map(|value| match value.kind {
                Kind::Composite(at, context) => Some((at, context)),
                _ => None,
            })
            .collect();
        if !literals.is_empty() && literals.len() == bases.values.len() {
            for (literal, inner) in literals {
                set.extend(self.field_of_literal(literal, field, inner));
            }
            set.extend(self.apart_from_sink(|engine| engine.field_writes_of(field)));
        } else {
            set.extend(self.apart_from_sink(|engine| engine.any_field(field)));
        }
        set.step(&format!("field {name}"), span)
    }

    /// A field of the one literal of its type that a context looks at.
    fn chosen_field(&mut self, literal: At, field: FieldAt, context: Context) -> Set {
        let mut set = self.field_of_literal(literal, field, context);
        set.extend(self.apart_from_sink(|engine| engine.field_writes_of(field)));
        set
    }

    /// What a literal says of a field, be it that it leaves it at its zero value.
    pub(super) fn field_of_literal(&mut self, literal: At, field: FieldAt, context: Context) -> Set {
        if let Some(value) = self.literal_field(literal, field) {
            return self.eval(value, context);
        }
        let ty = Ty::Written(At { unit: field.unit, expr: self.field(field).ty });
        let mut set = self.zero(&ty);
        if self.is_configured(field) {
            set.extend(self.tagged(field));
        }
        set
    }

    /// Whether code assigns to a field.
    pub(super) fn is_assigned(&mut self, field: FieldAt) -> bool {
        !self.apart_from_sink(|engine| engine.field_writes_of(field)).is_empty()
    }

    /// The value that a literal gives a field of the type it is of.
    pub(super) fn literal_field(&mut self, literal: At, field: FieldAt) -> Option<At> {
        let syntax = self.program.syntax(literal.unit);
        let ExprKind::Composite { elements, .. } = syntax.kind(literal.expr) else { return None };
        let name = self.field_name(field);
        for (index, &(key, value)) in elements.iter().enumerate() {
            let given = match key {
                Some(key) => syntax.name(key) == name,
                None => index == field.index as usize,
            };
            if given {
                return Some(At { unit: literal.unit, expr: value });
            }
        }
        None
    }

    /// The field that a key of a struct literal names.
    pub(crate) fn key_field(&mut self, literal: At, key: ExprId) -> Option<FieldAt> {
        let ty = self.type_of(literal);
        let Shape::Struct(at) = self.inner_shape(&ty) else { return None };
        let name = self.program.syntax(literal.unit).name(key);
        let ExprKind::StructType(fields) = self.program.syntax(at.unit).kind(at.expr) else { return None };
        let index = fields.iter().position(|field| self.program.syntax(at.unit).str(field.name) == name)?;
        Some(FieldAt { unit: at.unit, ty: at.expr, index: index as u32 })
    }

    /// The field that an element without a key gives, by its place in a struct literal.
    pub(crate) fn field_in_place(&mut self, literal: At, index: usize) -> Option<FieldAt> {
        let ty = self.type_of(literal);
        let Shape::Struct(at) = self.inner_shape(&ty) else { return None };
        let ExprKind::StructType(fields) = self.program.syntax(at.unit).kind(at.expr) else { return None };
        (index < fields.len()).then_some(FieldAt { unit: at.unit, ty: at.expr, index: index as u32 })
    }

    /// What the function around a use itself puts into a field of generic type before: each type argument, and each
    /// call, has its own (`func (l *Lazy[T]) Get(fill func() T) T { l.value = fill(); return l.value }`).
    fn own_generic_field(&mut self, at: At, field: FieldAt, context: Context) -> Option<Set> {
        let program = self.program;
        let declaring = program.syntax(field.unit);
        let ty = self.field(field).ty;
        if !declaring.is_type_parameter(ty) || context == 0 {
            return None;
        }
        let syntax = program.syntax(at.unit);
        let text = syntax.str(syntax.expr(at.expr).range);
        let around = syntax.declared_at(syntax.expr(at.expr).range.start)?;
        let mut set = Set::default();
        for assign in &syntax.part_within(around).assigns {
            let left = syntax.expr(assign.left).range;
            if let Source::Value { expr, index, .. } = assign.source
                && syntax.str(left) == text
                && syntax.declared_at(left.start) == Some(around)
            {
                set.extend(self.eval_result(At { unit: at.unit, expr }, index, context));
            }
        }
        (!set.is_empty()).then_some(set)
    }

    /// Whatever a field is given anywhere.
    fn any_field(&mut self, field: FieldAt) -> Set {
        if let Some(known) = self.fields.get(&field) {
            return (**known).clone();
        }
        if let Some(&(_, level)) = self.open_fields.iter().find(|(open, _)| *open == field) {
            self.cycles.came_round_to(level);
            return Set::default();
        }
        let level = self.cycles.open();
        self.open_fields.push((field, level.at));
        let program = self.program;
        let mut set = Set::default();
        let name = self.field_name(field);
        let units = program.member_users(program.unit(field.unit).package, &name, way::KEY);
        let units = self.look_through_some(units, &mut set);
        for unit in units {
            if self.exhausted() {
                set.add(Value::hole(TOO_MUCH));
                break;
            }
            for value in self.given_in(unit, field, &name) {
                if self.is_live(unit, program.syntax(unit).expr(value.expr).range.start) {
                    set.extend(self.eval(value, 0));
                }
            }
        }
        set.extend(self.positional_field(field));
        set.extend(self.field_writes_of(field));
        set.extend(self.tagged(field));
        if set.values.iter().all(|value| value.known_text().is_some_and(|text| text.is_empty())) {
            set.extend(self.viper_default(&[&name]));
            let declared = program.syntax(field.unit).span(self.field(field).name);
            set.add(Value::hole_at(format!("field {name}, which is set by other means"), declared));
        }
        self.open_fields.pop();
        self.cycles.close(level);
        self.fields.insert(field, Rc::new(set.clone()));
        set
    }

    /// The values that the literals of a file give a field by its name.
    pub(super) fn given_in(&mut self, unit: UnitId, field: FieldAt, name: &str) -> Vec<At> {
        let syntax = self.program.syntax(unit);
        let mut found = Vec::new();
        for expr in self.program.refs(unit, name) {
            let Parent::Expr(literal) = syntax.parent(expr) else { continue };
            let ExprKind::Composite { elements, .. } = syntax.kind(literal) else { continue };
            let Some(&(_, value)) = elements.iter().find(|(key, _)| *key == Some(expr)) else { continue };
            if self.key_field(At { unit, expr: literal }, expr) == Some(field) {
                found.push(At { unit, expr: value });
            }
        }
        found
    }

    /// Literals that give their fields in order, without names.
    fn positional_field(&mut self, field: FieldAt) -> Set {
        let program = self.program;
        let syntax = program.syntax(field.unit);
        let mut set = Set::default();
        let Some(name) = syntax.type_name(field.ty) else { return set };
        let units = program.literals(program.unit(field.unit).package, name);
        let units = self.look_through_some(units, &mut set);
        for unit in units {
            if self.exhausted() {
                set.add(Value::hole(TOO_MUCH));
                break;
            }
            let syntax = program.syntax(unit);
            for &literal in program.parts_naming(unit, name).flat_map(|part| &part.unkeyed) {
                let ExprKind::Composite { elements, .. } = syntax.kind(literal) else { continue };
                let Some(&(None, value)) = elements.get(field.index as usize) else { continue };
                let ty = self.type_of(At { unit, expr: literal });
                if let Shape::Struct(at) = self.inner_shape(&ty)
                    && (at.unit, at.expr) == (field.unit, field.ty)
                {
                    set.extend(self.eval(At { unit, expr: value }, 0));
                }
            }
        }
        set
    }

    /// Everything that is assigned to a field.
    fn field_writes_of(&mut self, field: FieldAt) -> Set {
        if let Some(known) = self.field_writes.get(&field) {
            return (**known).clone();
        }
        if let Some(&(_, level)) = self.open_writes.iter().find(|(open, _)| *open == field) {
            self.cycles.came_round_to(level);
            return Set::default();
        }
        let level = self.cycles.open();
        self.open_writes.push((field, level.at));
        let program = self.program;
        let mut set = Set::default();
        let mut added = Set::default();
        let name = self.field_name(field);
        let units = program.member_users(program.unit(field.unit).package, &name, way::SET);
        let units = self.look_through_some(units, &mut set);
        for unit in units {
            if self.exhausted() {
                set.add(Value::hole(TOO_MUCH));
                break;
            }
            for expr in program.refs(unit, &name) {
                let at = At { unit, expr };
                let syntax = program.syntax(unit);
                if !matches!(syntax.kind(expr), ExprKind::Selector { .. }) {
                    continue;
                }
                let pointer = match syntax.parent(expr) {
                    Parent::Left => None,
                    Parent::Expr(outer) if matches!(syntax.kind(outer), ExprKind::Address(_)) => Some(outer),
                    _ => continue,
                };
                if self.meaning(at).is_some()
                    || self.member(at) != Member::Field(field)
                    || !self.is_live(unit, syntax.expr(expr).range.start)
                {
                    continue;
                }
                if let Some(pointer) = pointer {
                    set.extend(self.eval_pointer_use(At { unit, expr: pointer }, 0));
                    continue;
                }
                let assigns = &syntax.part_of(expr).assigns;
                let Some(&assign) = assigns.iter().find(|assign| assign.left == expr) else { continue };
                if let Source::Value { expr: value, .. } = assign.source
                    && let ExprKind::Call { fun, args, spread } = syntax.kind(value)
                    && syntax.name(*fun) == "append"
                {
                    let added = self.appended(unit, args, *spread, 0);
                    let rest: Vec<Item> = added.items.into_iter().chain(added.rest).collect();
                    let list = List { rest, open: true, ..List::default() };
                    // Only where the list is empty before can what is appended stand first.
                    if set.is_empty() {
                        set.add(Value::new(Kind::List(Rc::new(list))));
                    }
                    continue;
                }
                let values = self.eval_assigned(unit, assign, 0);
                if assign.adds { added.extend(values) } else { set.extend(values) }
            }
        }
        if !added.is_empty() {
            set.add(Value::hole("what the field held before"));
            set.extend(concat(&set, &added));
        }
        self.open_writes.pop();
        self.cycles.close(level);
        self.field_writes.insert(field, Rc::new(set.clone()));
        set
    }
}
