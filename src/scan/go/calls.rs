//! Who calls a function, and which functions a call may run: directly, by methods, interfaces and function values.

use super::engine::{CallSite, Engine};
use super::syntax::{ExprKind, Parent, Source};
use super::types::{At, FieldAt, FuncAt, Meaning, Member, VarAt, receiver_name};
use super::value::{Context, Kind, Set};
use super::words::way;
use std::collections::BTreeSet;
use std::rc::Rc;

/// How many callers of one function are looked at.
pub(super) const MAX_CALLERS: usize = 600;
/// How many files may select a method's name for its receivers to be told.
const MAX_RECEIVER_UNITS: usize = 60;
/// How many implementations of one method are looked at.
const MAX_IMPLEMENTATIONS: usize = 80;

/// What a call may run.
pub(crate) enum Callee {
    Func(FuncAt, Context),
    External(Rc<str>, Rc<str>),
    Conversion,
    Builtin,
    /// The call stands for these values.
    Value(Set),
    Unknown,
}

impl Engine<'_> {
    /// What a call may run.
    pub(crate) fn callees(&mut self, call: At, context: Context) -> Vec<Callee> {
        let syntax = self.program.syntax(call.unit);
        let ExprKind::Call { fun, .. } = syntax.kind(call.expr) else { return Vec::new() };
        let mut fun = At { unit: call.unit, expr: *fun };
        if let ExprKind::Index { base, .. } = syntax.kind(fun.expr)
            && let Some(Meaning::Func(_)) = self.meaning(At { unit: fun.unit, expr: *base })
        {
            fun.expr = *base;
        }
        match syntax.kind(fun.expr) {
            ExprKind::SliceType(_) | ExprKind::MapType { .. } | ExprKind::FuncType { .. } => {
                return vec![Callee::Conversion];
            }
            ExprKind::Func(func) => return vec![Callee::Func(FuncAt { unit: call.unit, func: *func }, context)],
            _ => {}
        }
        match self.meaning(fun) {
            Some(Meaning::Func(func)) => return vec![Callee::Func(func, 0)],
            Some(Meaning::External(import, name)) => return vec![Callee::External(import, name)],
            Some(Meaning::Type(_)) => return vec![Callee::Conversion],
            Some(Meaning::Builtin) => return vec![Callee::Builtin],
            Some(Meaning::Unknown) => return vec![Callee::Unknown],
            Some(Meaning::Var(_)) => {}
            None => match self.member(fun) {
                Member::Method(func) => return vec![Callee::Func(func, 0)],
                Member::Interface(interface, _) => {
                    let name = syntax.name(fun.expr).to_owned();
                    let found = self.implementations(interface, &name);
                    if found.is_empty() {
                        return vec![Callee::Unknown];
                    }
                    let cut = (found.len() >= MAX_IMPLEMENTATIONS).then_some(Callee::Unknown);
                    return found.iter().map(|&func| Callee::Func(func, 0)).chain(cut).collect();
                }
                Member::External(import, ty) => {
                    let name = format!("{ty}.{}", syntax.name(fun.expr));
                    return vec![Callee::External(import, name.into())];
                }
                Member::Unknown if matches!(syntax.kind(fun.expr), ExprKind::Selector { .. }) => {
                    return vec![Callee::Unknown];
                }
                _ => {}
            },
        }
        let set = self.eval(fun, context);
        if let Some(value) = Engine::deferred(&set) {
            return vec![Callee::Value(Set::one(value))];
        }
        let mut found = Vec::new();
        for value in set.values {
            match value.kind {
                Kind::Func(func, closure) => found.push(Callee::Func(func, closure)),
                Kind::Bound(func, ..) => found.push(Callee::Func(func, 0)),
                Kind::External(import, name) => found.push(Callee::External(import, name)),
                Kind::Hole(_) => found.push(Callee::Unknown),
                _ => {}
            }
        }
        if found.is_empty() { vec![Callee::Unknown] } else { found }
    }

    /// The methods of a name whose types have all methods of an interface.
    fn implementations(&mut self, interface: At, name: &str) -> Rc<Vec<FuncAt>> {
        let key = (interface, name.to_owned());
        if let Some(known) = self.implementations.get(&key) {
            return Rc::clone(known);
        }
        let program = self.program;
        let mut found = Vec::new();
        for declared in program.methods(name) {
            if found.len() < MAX_IMPLEMENTATIONS && self.satisfies(declared.package, declared.receiver, interface) {
                let method = self.method(declared.package, declared.receiver, name);
                found.extend(method.filter(|&func| self.fits(func, interface)));
            }
        }
        found.dedup();
        let found = Rc::new(found);
        self.implementations.insert(key, Rc::clone(&found));
        found
    }

    /// The receiver of a method call.
    pub(crate) fn receiver_of(&self, call: At) -> Option<At> {
        let syntax = self.program.syntax(call.unit);
        let ExprKind::Call { fun, .. } = syntax.kind(call.expr) else { return None };
        match syntax.kind(*fun) {
            ExprKind::Selector { base, .. } => Some(At { unit: call.unit, expr: *base }),
            _ => None,
        }
    }

    /// The receivers that a method is called on.
    pub(crate) fn eval_receivers(&mut self, func: FuncAt) -> Set {
        let mut set = Set::default();
        let declared = self.program.syntax(func.unit).func(func.func);
        let package = self.program.unit(func.unit).package;
        if self.program.member_users(package, &declared.name, way::SELECTOR).len() > MAX_RECEIVER_UNITS {
            return Set::hole(format!("the receiver of {}, which much code calls", declared.name));
        }
        for site in self.callers_of(func).iter() {
            if let Some(base) = self.receiver_of(site.call) {
                set.extend(self.eval(base, 0));
            }
        }
        set
    }

    /// The calls that may run a function.
    pub(crate) fn callers_of(&mut self, func: FuncAt) -> Rc<Vec<CallSite>> {
        if let Some(known) = self.callers.get(&func) {
            return Rc::clone(known);
        }
        self.callers.insert(func, Rc::default());
        let mut calls = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let program = self.program;
        let declared = program.syntax(func.unit).func(func.func);
        if let Some(expr) = declared.literal {
            self.flows(At { unit: func.unit, expr }, 0, &mut seen, &mut calls);
        } else if !declared.name.is_empty() {
            let name = declared.name.as_str();
            let is_method = declared.receiver.is_some();
            let package = program.unit(func.unit).package;
            let units = match declared.receiver {
                Some(receiver) => {
                    let receiver = receiver_name(program.syntax(func.unit), receiver.ty).unwrap_or_default();
                    program.callers_of_method(package, receiver, name)
                }
                None => program.users(package, name),
            };
            self.look_through(&units);
            for unit in units {
                for expr in program.refs(unit, name) {
                    let at = At { unit, expr };
                    if calls.len() < MAX_CALLERS && self.names(at, func, is_method) {
                        self.flows(at, 0, &mut seen, &mut calls);
                    }
                }
            }
        }
        let mut found = Vec::new();
        for call in calls {
            let start = program.syntax(call.unit).expr(call.expr).range.start;
            if self.is_live(call.unit, start) {
                found.push(CallSite { call });
            }
        }
        let found = Rc::new(found);
        self.callers.insert(func, Rc::clone(&found));
        found
    }

    /// The calls that a function value at a place leads to.
    pub(crate) fn calls_of_value(&mut self, at: At) -> Vec<At> {
        let mut calls = BTreeSet::new();
        self.flows(at, 0, &mut BTreeSet::new(), &mut calls);
        calls.into_iter().collect()
    }

    /// Whether an expression names a function, an interface's method that it implements included.
    fn names(&mut self, at: At, func: FuncAt, is_method: bool) -> bool {
        if !is_method {
            return self.meaning(at) == Some(Meaning::Func(func));
        }
        let program = self.program;
        if !matches!(program.syntax(at.unit).kind(at.expr), ExprKind::Selector { .. }) || self.meaning(at).is_some() {
            return false;
        }
        match self.member(at) {
            Member::Method(found) => found == func,
            Member::Interface(interface, _) => {
                let syntax = program.syntax(func.unit);
                let Some(receiver) = syntax.func(func.func).receiver else { return false };
                let Some(ty) = receiver_name(syntax, receiver.ty) else { return false };
                self.fits(func, interface) && self.satisfies(program.unit(func.unit).package, ty, interface)
            }
            _ => false,
        }
    }

    /// Follows a function value forward to the calls of it.
    fn flows(&mut self, at: At, depth: u32, seen: &mut BTreeSet<At>, calls: &mut BTreeSet<At>) {
        if depth > 12 || calls.len() >= MAX_CALLERS || !seen.insert(at) {
            return;
        }
        let program = self.program;
        let syntax = program.syntax(at.unit);
        match syntax.parent(at.expr) {
            Parent::Expr(outer) => {
                let outer_at = At { unit: at.unit, expr: outer };
                match syntax.kind(outer) {
                    ExprKind::Call { fun, .. } if *fun == at.expr => {
                        calls.insert(outer_at);
                    }
                    ExprKind::Call { args, .. } => {
                        if let Some(index) = args.iter().position(|&arg| arg == at.expr) {
                            self.flows_into(outer_at, index, depth, seen, calls);
                        }
                    }
                    ExprKind::Composite { elements, .. } => {
                        let index = elements.iter().position(|(_, value)| *value == at.expr);
                        let field = index.and_then(|index| match elements[index].0 {
                            Some(key) => self.key_field(outer_at, key),
                            None => self.field_in_place(outer_at, index),
                        });
                        match field {
                            Some(field) => self.flows_from_field(field, depth, seen, calls),
                            None => self.flows(outer_at, depth + 1, seen, calls),
                        }
                    }
                    ExprKind::Index { base, .. } | ExprKind::Selector { base, .. } if *base != at.expr => {}
                    ExprKind::Selector { .. } => {}
                    _ => self.flows(outer_at, depth + 1, seen, calls),
                }
            }
            Parent::Init | Parent::Right => {
                let from = |source: Source| matches!(source, Source::Value { expr, .. } if expr == at.expr);
                let part = syntax.part_of(at.expr);
                for (var, declared) in part.vars() {
                    if from(declared.source) {
                        self.flows_from_var(VarAt { unit: at.unit, var }, depth, seen, calls);
                    }
                }
                for assign in part.assigns.iter().filter(|assign| from(assign.source)) {
                    let left = At { unit: at.unit, expr: assign.left };
                    match self.meaning(left) {
                        Some(Meaning::Var(var)) => self.flows_from_var(var, depth, seen, calls),
                        _ => {
                            if let Member::Field(field) = self.member(left) {
                                self.flows_from_field(field, depth, seen, calls);
                            }
                        }
                    }
                }
            }
            Parent::Return { func, .. } => {
                let callers = self.callers_of(FuncAt { unit: at.unit, func });
                for site in callers.iter() {
                    self.flows(site.call, depth + 1, seen, calls);
                }
            }
            Parent::Range => {
                for (var, declared) in syntax.part_of(at.expr).vars() {
                    if declared.source == (Source::Range { over: at.expr, key: false }) {
                        self.flows_from_var(VarAt { unit: at.unit, var }, depth, seen, calls);
                    }
                }
            }
            Parent::Statement | Parent::Left | Parent::Send(_) => {}
        }
    }

    fn flows_into(&mut self, call: At, index: usize, depth: u32, seen: &mut BTreeSet<At>, calls: &mut BTreeSet<At>) {
        for callee in self.callees(call, 0) {
            match callee {
                Callee::Func(func, _) => {
                    let params = &self.program.syntax(func.unit).func(func.func).params;
                    let param = params.get(index.min(params.len().saturating_sub(1)));
                    if let Some(var) = param.and_then(|param| param.var) {
                        self.flows_from_var(VarAt { unit: func.unit, var }, depth, seen, calls);
                    }
                }
                Callee::Conversion => self.flows(call, depth + 1, seen, calls),
                Callee::External(import, name) if &*import == "sync" && name.starts_with("Once") => {
                    self.flows(call, depth + 1, seen, calls);
                }
                _ => {}
            }
        }
    }

    fn flows_from_var(&mut self, var: VarAt, depth: u32, seen: &mut BTreeSet<At>, calls: &mut BTreeSet<At>) {
        let program = self.program;
        let syntax = program.syntax(var.unit);
        let name = syntax.str(syntax.var(var.var).name).to_owned();
        let units = if syntax.is_global(var.var) {
            program.users(program.unit(var.unit).package, &name)
        } else {
            vec![var.unit]
        };
        self.look_through(&units);
        for unit in units {
            for expr in program.refs(unit, &name) {
                let at = At { unit, expr };
                if program.syntax(unit).parent(expr) != Parent::Left && self.meaning(at) == Some(Meaning::Var(var)) {
                    self.flows(at, depth + 1, seen, calls);
                }
            }
        }
    }

    fn flows_from_field(&mut self, field: FieldAt, depth: u32, seen: &mut BTreeSet<At>, calls: &mut BTreeSet<At>) {
        let program = self.program;
        let name = self.field_name(field);
        let units = program.member_users(program.unit(field.unit).package, &name, way::SELECTOR);
        self.look_through(&units);
        for unit in units {
            for expr in program.refs(unit, &name) {
                let at = At { unit, expr };
                if matches!(program.syntax(unit).kind(expr), ExprKind::Selector { .. })
                    && program.syntax(unit).parent(expr) != Parent::Left
                    && self.meaning(at).is_none()
                    && self.member(at) == Member::Field(field)
                {
                    self.flows(at, depth + 1, seen, calls);
                }
            }
        }
    }

    /// A function's name as a person would say it.
    pub(crate) fn func_name(&self, func: FuncAt) -> String {
        let declared = self.program.syntax(func.unit).func(func.func);
        if declared.name.is_empty() { "a function literal".to_owned() } else { declared.name.clone() }
    }

    /// The function in which a place stands.
    pub(crate) fn place_name(&self, at: At) -> String {
        match self.program.syntax(at.unit).expr(at.expr).func {
            Some(func) => self.func_name(FuncAt { unit: at.unit, func }),
            None => "the package".to_owned(),
        }
    }
}
