//! The values of variables: what they start with, every assignment, and what a list is built up to.

use super::calls::MAX_CALLERS;
use super::engine::{Engine, TOO_MUCH};
use super::guards::compares_with_nothing;
use super::load::UnitId;
use super::syntax::{Assign, Condition, ExprId, ExprKind, Guard, Op, Part, Range, Source, Syntax, VarId};
use super::types::{At, FuncAt, Shape, Ty, VarAt};
use super::value::{Context, Item, Kind, List, Set, Value, Write, concat};
use foldhash::HashMap;
use std::rc::Rc;

/// Past so many callers, each is followed with a share of the fuel alone.
const FEW_CALLERS: usize = 12;
/// How many ways of building up one list are told apart.
const MAX_WAYS: usize = 12;

/// One assignment to a variable or a part of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum VarWrite {
    /// `x = …`.
    Whole(Assign),
    /// `x[index] = …`.
    Element(Assign, ExprId),
    /// `&x` as an argument.
    Pointer(ExprId),
}

/// The writes to the variables that a part of a file names, by variable or, for those of other files, by name.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    own: HashMap<VarId, Vec<VarWrite>>,
    /// Writes whose target is not declared in the file: the root expression of the left side.
    foreign: Vec<(ExprId, VarWrite)>,
}

fn collect_writes(syntax: &Syntax, part: &Part) -> Writes {
    let mut writes = Writes::default();
    let mut add = |root: ExprId, write: VarWrite| match syntax.resolve_if_ident(root) {
        Some(var) => writes.own.entry(var).or_default().push(write),
        None => writes.foreign.push((root, write)),
    };
    for &assign in &part.assigns {
        let mut root = assign.left;
        if let ExprKind::Star(x) = syntax.kind(root) {
            root = *x;
        }
        match syntax.kind(root) {
            ExprKind::Index { base, index } => add(*base, VarWrite::Element(assign, *index)),
            _ => add(root, VarWrite::Whole(assign)),
        }
    }
    for (id, expr) in part.exprs() {
        if let ExprKind::Address(x) = expr.kind
            && matches!(syntax.kind(x), ExprKind::Ident | ExprKind::Selector { .. })
        {
            add(x, VarWrite::Pointer(id));
        }
        // `copy(x, y)`: what is in `y` comes into `x`.
        if let ExprKind::Call { fun, args, .. } = &expr.kind
            && let (ExprKind::Ident, "copy", &[left, from]) = (syntax.kind(*fun), syntax.name(*fun), &args[..])
        {
            let source = Source::Value { expr: from, index: 0, count: 1 };
            add(left, VarWrite::Whole(Assign { left, source, adds: false }));
        }
    }
    writes
}

impl Engine<'_> {
    fn writes(&mut self, unit: UnitId, part: &Part) -> Rc<Writes> {
        let collect = || Rc::new(collect_writes(self.program.syntax(unit), part));
        Rc::clone(self.var_writes.entry((unit, part.base)).or_insert_with(collect))
    }

    /// All writes to a variable, with their files.
    fn writes_to(&mut self, at: VarAt) -> Vec<(UnitId, VarWrite)> {
        let program = self.program;
        let mut found: Vec<(UnitId, VarWrite)> = Vec::new();
        let syntax = program.syntax(at.unit);
        let var = syntax.var(at.var);
        let name = syntax.str(var.name);
        let mut own = |part: &Part| {
            let writes = self.writes(at.unit, part);
            found.extend(writes.own.get(&at.var).into_iter().flatten().map(|&write| (at.unit, write)));
        };
        match syntax.declared_at(var.name.start) {
            Some(func) => own(syntax.part_within(func)),
            None if var.func.is_some() => own(syntax.part_of(at.var)),
            None => program.parts_naming(at.unit, name).for_each(own),
        }
        if syntax.is_global(at.var) && !var.constant {
            for unit in program.setters(program.unit(at.unit).package, name) {
                if unit == at.unit {
                    continue;
                }
                for part in program.parts_naming(unit, name) {
                    for &(root, write) in &self.writes(unit, part).foreign {
                        if program.syntax(unit).name(root) == name
                            && self.meaning(At { unit, expr: root }) == Some(super::types::Meaning::Var(at))
                        {
                            found.push((unit, write));
                        }
                    }
                }
            }
        }
        found.retain(|&(unit, write)| {
            let syntax = program.syntax(unit);
            let expr = match write {
                VarWrite::Whole(assign) | VarWrite::Element(assign, _) => assign.left,
                VarWrite::Pointer(expr) => expr,
            };
            self.is_live(unit, syntax.expr(expr).range.start)
        });
        found
    }

    /// Whether a variable, or a part of it, is given a value after its declaration.
    pub(crate) fn is_written(&mut self, at: VarAt) -> bool {
        !self.writes_to(at).is_empty()
    }

    /// The values that a variable can have.
    pub(crate) fn eval_var(&mut self, at: VarAt, context: Context) -> Set {
        self.eval_var_at(at, context, None)
    }

    /// As [`Self::eval_var`], for a use at a place of its own file.
    pub(crate) fn eval_var_at(&mut self, at: VarAt, context: Context, place: Option<u32>) -> Set {
        let syntax = self.program.syntax(at.unit);
        let var = syntax.var(at.var);
        let context = if var.func.is_none() { 0 } else { context };
        let name = syntax.str(var.name);
        let span = syntax.span(var.name);
        if var.constant {
            return self.eval_source(at, var.source, context).step(&format!("constant {name}"), span);
        }
        let what = match var.source {
            Source::Param { .. } => format!("parameter {name}"),
            Source::Receiver(_) => format!("receiver {name}"),
            _ => format!("variable {name}"),
        };
        let writes = self.writes_to(at);
        let mut set = self.eval_source(at, var.source, context);
        let mut appends: Vec<(UnitId, Assign)> = Vec::new();
        let mut elements: Vec<Write> = Vec::new();
        let mut added = Set::default();
        for (unit, write) in writes {
            match write {
                VarWrite::Whole(assign) if self.is_self_append(unit, assign, at) => appends.push((unit, assign)),
                VarWrite::Whole(assign)
                    if unit == at.unit && place.is_some_and(|place| is_cut_later(syntax, assign, at.var, place)) => {}
                // A default for an empty parameter, where a call gives one that is not.
                VarWrite::Whole(assign)
                    if matches!(var.source, Source::Param { .. }) && is_filled(&set) && fills(syntax, assign) => {}
                VarWrite::Whole(assign) => {
                    let values = self.eval_assigned(unit, assign, if unit == at.unit { context } else { 0 });
                    if assign.adds { added.extend(values) } else { set.extend(values) }
                }
                VarWrite::Element(assign, index) => elements.extend(self.element_write(unit, assign, index, context)),
                VarWrite::Pointer(expr) => set.extend(self.eval_pointer_use(At { unit, expr }, context)),
            }
        }
        if !added.is_empty() {
            let longer = concat(&set, &added);
            let more = concat(&longer, &Set::hole("what is appended to the text"));
            set.extend(longer);
            set.extend(more);
        }
        if !appends.is_empty() || !elements.is_empty() {
            set = self.build_list(at, set, &appends, elements, context);
        }
        set.step(&what, span)
    }

    /// The values of one assignment; those that stand in for an empty value are defaults.
    pub(crate) fn eval_assigned(&mut self, unit: UnitId, assign: Assign, context: Context) -> Set {
        let values = match assign.source {
            Source::Value { expr, index, .. } => self.eval_result(At { unit, expr }, index, context),
            Source::Range { over, key } => self.eval_range(At { unit, expr: over }, key, context),
            _ => Set::default(),
        };
        if fills(self.program.syntax(unit), assign) { values.defaults() } else { values }
    }

    fn element_write(&mut self, unit: UnitId, assign: Assign, index: ExprId, context: Context) -> Option<Write> {
        let Source::Value { expr, index: 0, count: 1 } = assign.source else { return None };
        let syntax = self.program.syntax(unit);
        let constant = match syntax.kind(index) {
            ExprKind::Int(index) => usize::try_from(*index).ok(),
            _ => None,
        };
        let over = syntax.resolve_if_ident(index).and_then(|var| match syntax.var(var).source {
            Source::Range { over, key: true } => Some(At { unit, expr: over }),
            _ => None,
        });
        Some(Write { key: At { unit, expr: index }, index: constant, over, value: At { unit, expr }, context })
    }

    /// Whether an assignment is `x = append(x, …)`.
    fn is_self_append(&self, unit: UnitId, assign: Assign, at: VarAt) -> bool {
        let Source::Value { expr, index: 0, count: 1 } = assign.source else { return false };
        let syntax = self.program.syntax(unit);
        let ExprKind::Call { fun, args, .. } = syntax.kind(expr) else { return false };
        let (name, Some(&first)) = (syntax.name(*fun), args.first()) else { return false };
        (name == "append" || name == "Insert")
            && matches!(syntax.kind(first), ExprKind::Ident | ExprKind::Selector { .. })
            && if unit == at.unit && matches!(syntax.kind(first), ExprKind::Ident) {
                syntax.resolve(first) == Some(at.var)
            } else {
                let left = syntax.expr(assign.left).range;
                syntax.str(syntax.expr(first).range) == syntax.str(left)
            }
    }

    /// Where a variable's declaration gives it its value.
    pub(crate) fn eval_source(&mut self, at: VarAt, source: Source, context: Context) -> Set {
        let syntax = self.program.syntax(at.unit);
        match source {
            Source::Value { expr, index, .. } => self.eval_result(At { unit: at.unit, expr }, index, context),
            Source::Range { over, key } => self.eval_range(At { unit: at.unit, expr: over }, key, context),
            Source::Zero | Source::Result { .. } => {
                let ty = self.type_of_var(at);
                self.zero(&ty)
            }
            Source::Param { func, index } => self.eval_param(FuncAt { unit: at.unit, func }, index, context),
            Source::Receiver(func) => {
                let func = FuncAt { unit: at.unit, func };
                if let Some((call, outer)) = self.entered(func, context)
                    && let Some(base) = self.receiver_of(call)
                {
                    return self.eval(base, outer);
                }
                let ty = self.type_of_var(at);
                if let Shape::List(_) | Shape::Text = self.inner_shape(&ty) {
                    return self.eval_receivers(func);
                }
                let _ = syntax;
                Set::one(Value::new(Kind::Object(ty)))
            }
        }
    }

    /// The value that a type starts with.
    pub(crate) fn zero(&mut self, ty: &Ty) -> Set {
        let kind = match self.shape_of(ty) {
            Shape::Pointer(_) | Shape::Func(_) | Shape::Interface(_) | Shape::Chan(_) => return Set::default(),
            Shape::List(_) | Shape::Map(_) => Kind::List(Rc::default()),
            Shape::Text => Kind::Text(Vec::new()),
            Shape::Named { inner, .. } => match self.shape_of(&inner) {
                Shape::Text => Kind::Text(Vec::new()),
                Shape::List(_) | Shape::Map(_) => Kind::List(Rc::default()),
                Shape::Func(_) | Shape::Interface(_) => return Set::default(),
                _ => Kind::Object(ty.clone()),
            },
            _ => Kind::Object(ty.clone()),
        };
        Set::one(Value::new(kind))
    }

    /// A parameter's values: from the call that the context names, else from every caller.
    fn eval_param(&mut self, func: FuncAt, index: u32, context: Context) -> Set {
        if let Some((call, outer)) = self.entered(func, context) {
            return self.eval_argument(call, func, index, outer);
        }
        if self.is_bottom(func) {
            self.saw_param();
            return Set::one(Value::new(Kind::Param(func, index)));
        }
        let callers = self.callers_of(func);
        if callers.is_empty() {
            let syntax = self.program.syntax(func.unit);
            let span = syntax.func(func.func).range.map(|range| syntax.span(range));
            let reason = self.unknown_parameter(func, index);
            return match span {
                Some(span) => Set::hole_at(reason, crate::file::Span { end: span.start, ..span }),
                None => Set::hole(reason),
            };
        }
        let mut set = Set::default();
        if callers.len() >= MAX_CALLERS {
            set.add(Value::hole("one of too many callers"));
        }
        for site in callers.iter() {
            if self.exhausted() {
                set.add(Value::hole(TOO_MUCH));
                break;
            }
            set.extend(if callers.len() > FEW_CALLERS {
                self.with_share(|engine| engine.eval_argument(site.call, func, index, 0))
            } else {
                self.eval_argument(site.call, func, index, 0)
            });
        }
        set
    }

    /// Whether a function is the one that is looked at caller by caller, or stands around it.
    fn is_bottom(&self, func: FuncAt) -> bool {
        let Some(bottom) = self.bottom.filter(|bottom| bottom.unit == func.unit) else { return false };
        let syntax = self.program.syntax(func.unit);
        std::iter::successors(Some(bottom.func), |&inner| syntax.func(inner).outer).any(|known| known == func.func)
    }

    /// What a call passes for a parameter.
    pub(crate) fn eval_argument(&mut self, call: At, func: FuncAt, index: u32, context: Context) -> Set {
        let syntax = self.program.syntax(call.unit);
        let ExprKind::Call { args, spread, .. } = syntax.kind(call.expr) else { return Set::default() };
        let target = self.program.syntax(func.unit).func(func.func);
        let variadic = target.params.get(index as usize).is_some_and(|param| param.variadic);
        let span = syntax.expr_span(call.expr);
        let caller = format!("caller {}", self.place_name(call));
        let here = |expr: ExprId| At { unit: call.unit, expr };
        // `f(g())` with several results.
        if args.len() == 1 && target.params.len() > 1 && !*spread && !variadic {
            return self.eval_result(here(args[0]), index, context).step(&caller, span);
        }
        let set = if variadic {
            let own = args.get(index as usize..).unwrap_or(&[]);
            match own {
                [only] if *spread => self.eval(here(*only), context),
                own => {
                    let items = own.iter().map(|&arg| Item::Lazy(here(arg), context)).collect();
                    Set::one(Value::new(Kind::List(Rc::new(List { items, ..List::default() }))))
                }
            }
        } else {
            match args.get(index as usize) {
                Some(&arg) => self.eval(here(arg), context),
                None => return Set::default(),
            }
        };
        set.step(&caller, span)
    }

    /// The keys or values that a loop runs over.
    pub(crate) fn eval_range(&mut self, over: At, key: bool, context: Context) -> Set {
        let set = self.eval(over, context);
        if key {
            return self.keys(&set);
        }
        match self.pinned(over, context) {
            Some(index) => self.element(&set, index),
            None => self.elements(&set),
        }
    }

    /// The lists that a variable is built up to by `append` and by writes to elements.
    fn build_list(
        &mut self,
        at: VarAt,
        base: Set,
        appends: &[(UnitId, Assign)],
        writes: Vec<Write>,
        context: Context,
    ) -> Set {
        let mut others = Set::default();
        let mut ways: Vec<(List, Value)> = Vec::new();
        for value in base.values {
            match &value.kind {
                Kind::List(list) => ways.push(((**list).clone(), value)),
                Kind::Nil => ways.push((List::default(), value)),
                Kind::Composite(..) => {
                    // A map that is written to: its literal and what is put in.
                    others.add(value);
                }
                _ => others.add(value),
            }
        }
        if ways.is_empty() {
            if !others.is_empty() && appends.is_empty() {
                let list = List { open: true, writes, ..List::default() };
                others.add(Value::new(Kind::List(Rc::new(list))));
                return others;
            }
            if others.has_hole() || Engine::deferred(&others).is_some() {
                return others;
            }
            ways.push((List::default(), Value::new(Kind::Nil)));
        }
        for &(unit, assign) in appends {
            let Source::Value { expr, .. } = assign.source else { continue };
            self.append_ways(&mut ways, at, At { unit, expr }, if unit == at.unit { context } else { 0 });
        }
        for (mut list, value) in ways {
            list.writes.extend(writes.iter().cloned());
            others.add(Value { kind: Kind::List(Rc::new(list)), ..value });
        }
        others
    }

    fn append_ways(&mut self, ways: &mut Vec<(List, Value)>, at: VarAt, call: At, context: Context) {
        let syntax = self.program.syntax(call.unit);
        let ExprKind::Call { fun, args, spread } = syntax.kind(call.expr) else { return };
        if syntax.name(*fun) == "Insert" {
            return;
        }
        let here = |expr: ExprId| At { unit: call.unit, expr };
        let place = syntax.expr(call.expr).range.start;
        let declared = self.program.syntax(at.unit).var(at.var);
        let same_file = call.unit == at.unit && declared.func == syntax.expr(call.expr).func;
        let around = |range: Range| range.contains(place) && !(same_file && range.contains(declared.name.start));
        let part = syntax.part_of(call.expr);
        let in_loop = part.loops.iter().rev().find(|(range, _)| around(*range)).map(|(_, over)| *over);
        let conditional = !same_file
            || in_loop.is_some()
            || part
                .guards
                .iter()
                .any(|guard| !guard.by_leaving && around(guard.range) && !self.is_filled_in(call.unit, guard, context));
        let first = match in_loop {
            Some(Some(over)) => self.pin(here(over), 0, context),
            _ => context,
        };
        let added = self.appended(call.unit, args, *spread, first);
        let loop_rest: Vec<Item> = if in_loop.is_some() {
            let later = self.appended(call.unit, args, *spread, context);
            later.items.into_iter().chain(later.rest).collect()
        } else {
            Vec::new()
        };
        let mut result = Vec::new();
        for (list, value) in ways.drain(..) {
            if conditional && result.len() < MAX_WAYS {
                result.push((list.clone(), value.clone()));
            }
            let mut longer = joined(list, added.clone());
            if in_loop.is_some() {
                longer.open = true;
                longer.rest.extend(loop_rest.iter().cloned());
            }
            if result.len() < MAX_WAYS * 2 {
                result.push((longer, value));
            }
        }
        *ways = result;
    }

    /// Whether a condition asks only whether a text is there (`if program != ""`), and the code itself gives one.
    fn is_filled_in(&mut self, unit: UnitId, guard: &Guard, context: Context) -> bool {
        let Condition::Is(condition) = guard.condition else { return false };
        let syntax = self.program.syntax(unit);
        let ExprKind::Binary { op: Op::NotEqual, left, right } = syntax.kind(condition) else { return false };
        if !matches!(syntax.kind(*right), ExprKind::Text(text) if text.is_empty()) {
            return false;
        }
        let set = self.eval(At { unit, expr: *left }, context);
        let mut known = set.values.iter().filter_map(Value::known_text).peekable();
        known.peek().is_some() && known.all(|text| !text.is_empty())
    }

    /// The list of the arguments after the first of an `append`.
    pub(crate) fn appended(&mut self, unit: UnitId, args: &[ExprId], spread: bool, context: Context) -> List {
        let mut list = List::default();
        let own = args.get(1..).unwrap_or(&[]);
        for (index, &arg) in own.iter().enumerate() {
            if !(spread && index + 1 == own.len()) {
                list.items.push(Item::Lazy(At { unit, expr: arg }, context));
                continue;
            }
            let set = self.eval(At { unit, expr: arg }, context);
            let lists: Vec<&Rc<List>> = set
                .values
                .iter()
                .filter_map(|value| match &value.kind {
                    Kind::List(list) => Some(list),
                    _ => None,
                })
                .collect();
            match (&lists[..], set.values.len()) {
                ([only], 1) => list = joined(list, (***only).clone()),
                _ => {
                    let all = self.elements(&set);
                    list.open = true;
                    if !all.is_empty() {
                        list.rest.push(Item::Done(Rc::new(all)));
                    }
                    // The first elements still tell which program comes first.
                    let first = self.element(&set, 0);
                    if !first.is_empty() && !lists.is_empty() {
                        list.items.push(Item::Done(Rc::new(first)));
                    }
                }
            }
        }
        list
    }
}

/// Whether an assignment takes elements off a list (`x = x[1:]`) only after a place has used it.
fn is_cut_later(syntax: &Syntax, assign: Assign, var: VarId, place: u32) -> bool {
    let Source::Value { expr, .. } = assign.source else { return false };
    let ExprKind::Slice { base, .. } = syntax.kind(expr) else { return false };
    let cut = syntax.expr(expr).range;
    syntax.resolve_if_ident(*base) == Some(var)
        && place < cut.end
        && !syntax.part_at(place).loops.iter().any(|(range, _)| range.contains(place) && range.contains(cut.start))
}

/// Whether an assignment stands in for an empty value: `if x == "" { x = … }`.
fn fills(syntax: &Syntax, assign: Assign) -> bool {
    let left = syntax.expr(assign.left).range;
    syntax.guards_at(left.start).any(|guard| match guard.condition {
        Condition::Is(expr) => compares_with_nothing(syntax, expr, syntax.str(left), Op::Equal),
        Condition::IsNot(expr) => compares_with_nothing(syntax, expr, syntax.str(left), Op::NotEqual),
        _ => false,
    })
}

/// Whether all values are known texts, and none is empty.
fn is_filled(set: &Set) -> bool {
    !set.is_empty() && set.values.iter().all(|value| value.known_text().is_some_and(|text| !text.is_empty()))
}

/// A list followed by another.
pub(crate) fn joined(mut list: List, more: List) -> List {
    if list.open {
        list.rest.extend(more.items);
    } else {
        list.items.extend(more.items);
    }
    list.rest.extend(more.rest);
    list.open |= more.open;
    list
}
