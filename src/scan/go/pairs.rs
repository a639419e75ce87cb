//! Programs and arguments that belong together: those of one list (`exec.Command(args[0], args[1:]...)`), and those of one
//! struct (`exec.Command(c.Name, c.Args...)`), whose literals are looked at one by one.
//!
//! That matters where one of several programs runs others: only a shell's own arguments are a text for a shell. What runs
//! at all is told without this.

use super::engine::Engine;
use super::syntax::{ExprId, ExprKind, Part, Source};
use super::types::{At, FieldAt, FuncAt, Meaning, Member, Shape, VarAt};
use super::value::{Context, Item, Kind, Set, Value};
use super::words::way;

/// How many lists one place has that are told apart.
const MAX_LISTS: usize = 8;
/// How many literals of one struct are told apart.
const MAX_LITERALS: usize = 60;
/// How many steps lead from a call's argument to the field behind it.
const MAX_STEPS: u32 = 12;

/// A program, or several, with the arguments that it is run with.
pub(crate) struct Invocation {
    pub program: Set,
    /// The arguments after the program, one set each.
    pub argv: Vec<Set>,
}

impl Engine<'_> {
    /// The invocations of a call whose last argument is a list (`...`), after some that each are one argument.
    pub(crate) fn spread(
        &mut self,
        (program_at, program): (At, &Set),
        before: &[Set],
        list_at: At,
        context: Context,
    ) -> Vec<Invocation> {
        let whole = self.list_behind(program_at, list_at).filter(|_| before.is_empty());
        let (lists, from) = match whole {
            Some(whole) => (self.eval(whole, context), 1),
            None => (self.eval(list_at, context), 0),
        };
        if let Some(value) = Engine::deferred(&lists) {
            let argv = before.iter().cloned().chain([Set::one(value)]).collect();
            return vec![Invocation { program: program.clone(), argv }];
        }
        let is_list = |value: &&Value| matches!(value.kind, Kind::List(_));
        let several = (2..=MAX_LISTS).contains(&lists.values.iter().filter(is_list).count());
        let is_open = |value: &Value| matches!(&value.kind, Kind::List(list) if list.open);
        let elsewhere = (several || lists.values.iter().any(is_open)) && self.may_leave(program, &lists);
        if !several {
            let mut program = program.clone();
            program.values.retain(|value| !(elsewhere && is_nsenter(value)));
            let argv = before.iter().cloned().chain(self.list_sets(&lists, from)).collect();
            return vec![Invocation { program, argv }];
        }
        let mut invocations = Vec::new();
        for value in lists.values.into_iter().filter(|value| is_list(&value)) {
            let list = Set::one(value);
            let mut program = if whole.is_some() { self.element(&list, 0) } else { program.clone() };
            program.values.retain(|value| !(elsewhere && is_nsenter(value)));
            let argv = before.iter().cloned().chain(self.list_sets(&list, from)).collect();
            invocations.push(Invocation { program, argv });
        }
        invocations
    }

    /// Whether an option that is put in on some of the ways makes `nsenter` run what is of another root.
    fn may_leave(&self, program: &Set, lists: &Set) -> bool {
        let leaves = |item: &Item| {
            let Item::Lazy(at, _) = item else { return false };
            let syntax = self.program.syntax(at.unit);
            let mut first = at.expr;
            while let ExprKind::Binary { left, .. } = syntax.kind(first) {
                first = *left;
            }
            matches!(syntax.kind(first), ExprKind::Text(text)
                if ["-m", "--mount", "--all"].iter().any(|option| text.starts_with(option)))
        };
        program.values.iter().any(is_nsenter)
            && lists.values.iter().any(|value| match &value.kind {
                Kind::List(list) => list.items.iter().chain(&list.rest).any(leaves),
                _ => false,
            })
    }

    /// The elements of lists from an index on, one set a place.
    pub(crate) fn list_sets(&mut self, list: &Set, from: usize) -> Vec<Set> {
        if let Some(value) = Engine::deferred(list) {
            return vec![Set::one(value)];
        }
        let length = list.values.iter().map(|value| match &value.kind {
            Kind::List(list) => list.items.len(),
            _ => 0,
        });
        let length = length.max().unwrap_or(0).min(64);
        (from..length).map(|index| self.element(list, index)).collect()
    }

    /// The list of which a program is the first element and the arguments are the rest.
    fn list_behind(&mut self, program: At, arguments: At) -> Option<At> {
        let (program, arguments) = (self.source_of(program), self.source_of(arguments));
        let syntax = self.program.syntax(program.unit);
        let ExprKind::Index { base, index } = syntax.kind(program.expr) else { return None };
        let ExprKind::Slice { base: list, low: Some(low), high: None } = syntax.kind(arguments.expr) else {
            return None;
        };
        let text = |expr: ExprId| syntax.str(syntax.expr(expr).range);
        (program.unit == arguments.unit
            && *syntax.kind(*index) == ExprKind::Int(0)
            && *syntax.kind(*low) == ExprKind::Int(1)
            && text(*base) == text(*list))
        .then_some(At { unit: program.unit, expr: *base })
    }

    /// The value that a variable is declared with and keeps; else the expression itself.
    fn source_of(&mut self, at: At) -> At {
        let syntax = self.program.syntax(at.unit);
        let Some(var) = syntax.resolve_if_ident(at.expr) else { return at };
        match syntax.var(var).source {
            Source::Value { expr, index: 0, count: 1 } if !self.is_written(VarAt { unit: at.unit, var }) => {
                At { unit: at.unit, expr }
            }
            _ => at,
        }
    }

    /// The literals of the struct whose field holds a call's arguments: each with the context in which the fields of that
    /// struct are those of this literal, and the function around it. None where something else sets the field too.
    pub(crate) fn literals_behind(&mut self, arguments: At, context: Context) -> Vec<(Context, Option<FuncAt>)> {
        let Some(field) = self.field_behind(arguments, context) else { return Vec::new() };
        if self.is_configured(field) || self.is_assigned(field) {
            return Vec::new();
        }
        let of = At { unit: field.unit, expr: field.ty };
        let literals = self.literals_of(of);
        if literals.len() > MAX_LITERALS {
            return Vec::new();
        }
        let mut found = Vec::new();
        for literal in literals {
            let syntax = self.program.syntax(literal.unit);
            let func = syntax.expr(literal.expr).func.map(|func| FuncAt { unit: literal.unit, func });
            found.push((self.choose_literal(context, of, literal), func));
        }
        found
    }

    /// The field that an argument is handed down from.
    fn field_behind(&mut self, mut at: At, mut context: Context) -> Option<FieldAt> {
        for _ in 0..MAX_STEPS {
            let syntax = self.program.syntax(at.unit);
            match self.meaning(at) {
                Some(Meaning::Var(var)) if var.unit == at.unit && !self.is_written(var) => {
                    match syntax.var(var.var).source {
                        Source::Value { expr, index: 0, count: 1 } => at.expr = expr,
                        Source::Param { func, index } => {
                            let func = FuncAt { unit: at.unit, func };
                            let (call, outer) = self.entered(func, context)?;
                            let ExprKind::Call { args, .. } = self.program.syntax(call.unit).kind(call.expr) else {
                                return None;
                            };
                            at = At { unit: call.unit, expr: *args.get(index as usize)? };
                            context = outer;
                        }
                        _ => return None,
                    }
                }
                None => {
                    let Member::Field(field) = self.member(at) else { return None };
                    let of = At { unit: field.unit, expr: field.ty };
                    match self.chosen_literal(of, context) {
                        Some(literal) => at = self.literal_field(literal, field)?,
                        None => return Some(field),
                    }
                }
                _ => return None,
            }
        }
        None
    }

    /// The literals of a named struct type in the code that runs.
    fn literals_of(&mut self, of: At) -> Vec<At> {
        let program = self.program;
        let syntax = program.syntax(of.unit);
        let package = program.unit(of.unit).package;
        let ExprKind::StructType(fields) = syntax.kind(of.expr) else { return Vec::new() };
        let mut units = Vec::new();
        for field in fields {
            units.extend(program.member_users(package, syntax.str(field.name), way::KEY));
        }
        if let Some(name) = syntax.type_name(of.expr) {
            units.extend(program.literals(package, name));
        }
        units.sort_unstable();
        units.dedup();
        let mut literals = Vec::new();
        for unit in units {
            let syntax = program.syntax(unit);
            for (id, expr) in syntax.parts().flat_map(Part::exprs) {
                let ExprKind::Composite { elements, .. } = &expr.kind else { continue };
                let at = At { unit, expr: id };
                if elements.is_empty() || literals.len() > MAX_LITERALS {
                    continue;
                }
                let ty = self.type_of(at);
                if let Shape::Struct(own) = self.inner_shape(&ty)
                    && own == of
                    && self.is_live(unit, expr.range.start)
                {
                    literals.push(at);
                }
            }
        }
        literals
    }
}

fn is_nsenter(program: &Value) -> bool {
    program.known_text().is_some_and(|text| text == "nsenter" || text.ends_with("/nsenter"))
}
