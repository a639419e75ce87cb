//! The values of expressions other than variables: operators, literals, lists and calls.

use super::calls::Callee;
use super::engine::Engine;
use super::slices::{Bound, slice};
use super::syntax::{ExprId, ExprKind, Op, Parent, Return, Syntax};
use super::types::{At, FuncAt, Meaning, Member, Shape, VarAt};
use super::value::{Context, Item, Kind, List, Part, Set, Value, concat};
use super::variables::joined;
use std::rc::Rc;

/// How many lists are looked into with equal shares.
const MANY: usize = 8;

impl Engine<'_> {
    /// The values of an expression, unremembered; [`Engine::eval`] is the way in.
    pub(super) fn eval_inner(&mut self, at: At, context: Context) -> Set {
        let syntax = self.program.syntax(at.unit);
        let here = |expr: ExprId| At { unit: at.unit, expr };
        let span = syntax.expr_span(at.expr);
        match syntax.kind(at.expr) {
            ExprKind::Text(text) => Set::one(Value::text(text, span)),
            ExprKind::Int(value) => Set::one(Value::new(Kind::Text(vec![Part::Known(value.to_string().into(), span)]))),
            ExprKind::Nil => Set::one(Value::new(Kind::Nil)),
            ExprKind::Ident | ExprKind::Selector { .. } => {
                let set = self.eval_name(at, context);
                self.narrow(at, set, context)
            }
            ExprKind::Call { .. } => self.eval_call(at, 0, context),
            ExprKind::Index { base, index } => self.eval_index(here(*base), here(*index), context),
            ExprKind::Slice { base, low, high } => {
                let set = self.eval(here(*base), context);
                let low = low.map_or(Bound::Start(0), |low| self.bound(here(*base), here(low)));
                let high = high.map(|high| self.bound(here(*base), here(high)));
                slice(set, low, high)
            }
            ExprKind::Composite { elements, .. } => {
                let ty = self.type_of(at);
                match self.inner_shape(&ty) {
                    Shape::List(_) if is_in_order(syntax, elements) => {
                        let items = elements.iter().map(|&(_, value)| Item::Lazy(here(value), context)).collect();
                        Set::one(Value::new(Kind::List(Rc::new(List { items, ..List::default() }))))
                    }
                    _ => Set::one(Value::new(Kind::Composite(at, context))),
                }
            }
            ExprKind::Func(func) => Set::one(Value::new(Kind::Func(FuncAt { unit: at.unit, func: *func }, context))),
            ExprKind::Star(x) | ExprKind::Address(x) | ExprKind::Assert { x, .. } => self.eval(here(*x), context),
            ExprKind::Binary { op: Op::Add, left, right } => {
                let left = self.eval(here(*left), context);
                let right = self.eval(here(*right), context);
                self.join_texts(&left, &right)
            }
            ExprKind::Receive(x) => {
                let channels = self.eval(here(*x), context);
                let sent = self.elements(&channels);
                if sent.is_empty() { Set::hole_at("received from a channel", span) } else { sent }
            }
            ExprKind::Bool(_) => Set::default(),
            _ => Set::hole_at("an expression that is not followed", span),
        }
    }

    /// Two texts joined; a parameter that is looked at caller by caller stands for the whole.
    pub(crate) fn join_texts(&mut self, left: &Set, right: &Set) -> Set {
        if let Some(value) = Engine::deferred(left).or_else(|| Engine::deferred(right)) {
            return Set::one(value);
        }
        concat(left, right)
    }

    fn eval_name(&mut self, at: At, context: Context) -> Set {
        let syntax = self.program.syntax(at.unit);
        let span = syntax.expr_span(at.expr);
        match self.meaning(at) {
            Some(Meaning::Var(var)) => {
                let place = (var.unit == at.unit).then(|| syntax.expr(at.expr).range.start);
                self.eval_var_at(var, context, place)
            }
            Some(Meaning::Func(func)) => Set::one(Value::new(Kind::Func(func, context))),
            Some(Meaning::External(import, name)) => self.external_value(&import, &name, span),
            Some(Meaning::Builtin | Meaning::Type(_)) => Set::default(),
            Some(Meaning::Unknown) => Set::hole_at(format!("{}, which is not declared", syntax.name(at.expr)), span),
            None => match self.member(at) {
                Member::Field(field) => self.eval_field(at, field, context),
                Member::Method(func) => {
                    let ExprKind::Selector { base, .. } = syntax.kind(at.expr) else { return Set::default() };
                    Set::one(Value::new(Kind::Bound(func, At { unit: at.unit, expr: *base }, context)))
                }
                _ => Set::hole_at(format!("{} of a value without sources", syntax.name(at.expr)), span),
            },
        }
    }

    fn external_value(&mut self, import: &str, name: &str, span: crate::file::Span) -> Set {
        match (import, name) {
            ("os", "Args") => {
                let own = Item::Done(Rc::new(Set::one(Value::new(Kind::Own))));
                let rest = vec![Item::Done(Rc::new(Set::hole_at("the command line", span)))];
                Set::one(Value::new(Kind::List(Rc::new(List {
                    items: vec![own],
                    rest,
                    open: true,
                    writes: Vec::new(),
                }))))
            }
            ("runtime", "GOOS") => Set::one(Value::text(self.tags.os(), span)),
            ("runtime", "GOARCH") => Set::one(Value::text(self.tags.arch(), span)),
            _ => Set::one(Value::new(Kind::External(import.into(), name.into()))),
        }
    }

    fn eval_index(&mut self, base: At, index: At, context: Context) -> Set {
        let set = self.eval(base, context);
        let syntax = self.program.syntax(index.unit);
        // An instantiated generic function.
        if set.values.iter().any(|value| matches!(value.kind, Kind::Func(..))) {
            return set;
        }
        match syntax.kind(index.expr) {
            ExprKind::Int(place) => {
                let mut found = Set::default();
                for value in set.values {
                    match value.kind {
                        Kind::Composite(at, inner) => {
                            let keys = self.eval(index, context);
                            found.extend(self.map_entries(at, inner, &keys));
                        }
                        _ => {
                            let place = usize::try_from(*place).unwrap_or(usize::MAX);
                            found.extend(self.element(&Set::one(value), place));
                        }
                    }
                }
                found
            }
            _ => {
                if let Some(back) = self.back_from_end(base, index) {
                    return self.element_from_end(set, back);
                }
                let over = syntax.resolve_if_ident(index.expr).and_then(|var| match syntax.var(var).source {
                    super::syntax::Source::Range { over, key: true } => {
                        self.pinned(At { unit: index.unit, expr: over }, context)
                    }
                    _ => None,
                });
                if let Some(index) = over {
                    return self.element(&set, index);
                }
                let is_written = set.values.iter().any(
                    |value| matches!(&value.kind, Kind::List(list) if !list.writes.is_empty() && list.items.is_empty()),
                );
                let mut found = Set::default();
                for value in &set.values {
                    match &value.kind {
                        Kind::Composite(at, inner) => {
                            let keys = self.with_share(|engine| engine.eval(index, context));
                            let entries = self.map_entries(*at, *inner, &keys);
                            found.extend(if is_written && keys.has_hole() { unknown_texts(entries) } else { entries });
                        }
                        Kind::List(list) if !list.writes.is_empty() && list.items.is_empty() => {
                            found.extend(self.map_writes(list, index, context));
                        }
                        _ => found.extend(self.elements(&Set::one(value.clone()))),
                    }
                }
                found
            }
        }
    }

    /// The entries of a map literal under the keys; all of them where a key is not known.
    fn map_entries(&mut self, at: At, context: Context, keys: &Set) -> Set {
        let syntax = self.program.syntax(at.unit);
        let ExprKind::Composite { elements, .. } = syntax.kind(at.expr) else { return Set::default() };
        let known: Option<Vec<String>> = keys.values.iter().map(Value::known_text).collect();
        let mut found = Set::default();
        for &(key, value) in elements {
            if let (Some(known), Some(key)) = (&known, key)
                && !known.is_empty()
            {
                let own = self.eval(At { unit: at.unit, expr: key }, context);
                if own.values.iter().all(|own| own.known_text().is_some_and(|own| !known.contains(&own))) {
                    continue;
                }
            }
            found.extend(self.eval(At { unit: at.unit, expr: value }, context));
        }
        found
    }

    /// What is put into a map under the keys that an index can be.
    fn map_writes(&mut self, list: &List, index: At, context: Context) -> Set {
        let syntax = self.program.syntax(index.unit);
        let keys = self.eval(index, context);
        let known: Option<Vec<String>> = keys.values.iter().map(Value::known_text).collect();
        let known = known.filter(|known| !known.is_empty());
        let mut found = Set::default();
        for item in &list.rest {
            found.extend(self.item(item));
        }
        for write in &list.writes {
            let here = (syntax.str(syntax.expr(index.expr).range), syntax.expr(index.expr).func);
            let there = self.program.syntax(write.key.unit);
            let own = index.unit == write.key.unit
                && !matches!(syntax.kind(index.expr), ExprKind::Text(_))
                && here == (there.str(there.expr(write.key.expr).range), there.expr(write.key.expr).func);
            if own {
                // A cache: what it holds under this very key, the function gives anyway.
                continue;
            }
            let own = self.eval(write.key, write.context);
            let same = known.as_ref().map(|known| {
                own.values.is_empty()
                    || own.values.iter().any(|own| own.known_text().is_none_or(|own| known.contains(&own)))
            });
            if same == Some(false) {
                continue;
            }
            let values = self.eval(write.value, write.context);
            found.extend(if same.is_none() { unknown_texts(values) } else { values });
        }
        found
    }

    fn item(&mut self, item: &Item) -> Set {
        match item {
            Item::Lazy(at, context) => self.eval(*at, *context),
            Item::Done(set) => (**set).clone(),
        }
    }

    /// The element at an index of each list.
    pub(crate) fn element(&mut self, set: &Set, index: usize) -> Set {
        if set.values.len() > MANY {
            // None of many lists may use up what the others need.
            let mut found = Set::default();
            for value in &set.values {
                found.extend(self.with_share(|engine| engine.element(&Set::one(value.clone()), index)));
            }
            return found;
        }
        let mut found = Set::default();
        for value in &set.values {
            match &value.kind {
                Kind::List(list) => {
                    if let Some(item) = list.items.get(index) {
                        found.extend(self.item(item));
                    } else if list.open {
                        for item in &list.rest {
                            found.extend(self.item(item));
                        }
                    }
                    for write in &list.writes {
                        if write.index.is_some_and(|known| known != index) {
                            continue;
                        }
                        let context = match write.over {
                            Some(over) => self.pin(over, index, write.context),
                            None => write.context,
                        };
                        found.extend(self.eval(write.value, context));
                    }
                }
                Kind::Composite(..) => found.extend(self.elements(&Set::one(value.clone()))),
                Kind::Hole(_) | Kind::Param(..) => found.add(value.clone()),
                Kind::Object(_) => found.add(Value::hole("an element of a list that is not known")),
                _ => {}
            }
        }
        found
    }

    /// Every element of each list or map.
    pub(crate) fn elements(&mut self, set: &Set) -> Set {
        let mut found = Set::default();
        for value in &set.values {
            match &value.kind {
                Kind::List(list) => {
                    for item in list.items.iter().chain(&list.rest) {
                        found.extend(self.item(item));
                    }
                    for write in &list.writes {
                        found.extend(self.eval(write.value, write.context));
                    }
                }
                Kind::Composite(at, context) => {
                    if let ExprKind::Composite { elements, .. } = self.program.syntax(at.unit).kind(at.expr) {
                        for &(_, expr) in elements {
                            found.extend(self.eval(At { unit: at.unit, expr }, *context));
                        }
                    }
                }
                Kind::Channel(made) => found.extend(self.sent_to(*made)),
                Kind::Hole(_) | Kind::Param(..) => found.add(value.clone()),
                _ => {}
            }
        }
        found
    }

    /// The keys of each map literal.
    pub(crate) fn keys(&mut self, set: &Set) -> Set {
        let mut found = Set::default();
        for value in &set.values {
            match &value.kind {
                Kind::Composite(at, context) => {
                    if let ExprKind::Composite { elements, .. } = self.program.syntax(at.unit).kind(at.expr) {
                        for key in elements.iter().filter_map(|&(key, _)| key) {
                            found.extend(self.eval(At { unit: at.unit, expr: key }, *context));
                        }
                    }
                }
                Kind::List(list) => {
                    for write in &list.writes {
                        found.extend(self.eval(write.key, write.context));
                    }
                }
                Kind::Channel(made) => found.extend(self.sent_to(*made)),
                Kind::Hole(_) | Kind::Param(..) => found.add(value.clone()),
                _ => {}
            }
        }
        found
    }

    /// The element that stands `back` places before a list's end.
    fn element_from_end(&mut self, set: Set, back: usize) -> Set {
        let mut found = Set::default();
        for value in set.values {
            match &value.kind {
                Kind::List(list) if !list.open && list.writes.is_empty() => {
                    if let Some(index) = list.items.len().checked_sub(back) {
                        found.extend(self.element(&Set::one(value), index));
                    }
                }
                _ => found.extend(self.elements(&Set::one(value))),
            }
        }
        found
    }

    /// The `index`th value that an expression gives.
    pub(crate) fn eval_result(&mut self, at: At, index: u32, context: Context) -> Set {
        match self.program.syntax(at.unit).kind(at.expr) {
            ExprKind::Call { .. } if index > 0 => self.eval_call(at, index, context),
            _ if index > 0 => Set::default(),
            _ => self.eval(at, context),
        }
    }

    fn eval_call(&mut self, at: At, index: u32, context: Context) -> Set {
        let syntax = self.program.syntax(at.unit);
        let ExprKind::Call { fun, args, spread } = syntax.kind(at.expr) else { return Set::default() };
        let span = syntax.expr_span(at.expr);
        let here = |expr: ExprId| At { unit: at.unit, expr };
        let mut found = Set::default();
        for callee in self.callees(at, context) {
            match callee {
                Callee::Conversion => {
                    if let Some(&arg) = args.first() {
                        found.extend(self.eval(here(arg), context));
                    }
                }
                Callee::Builtin => match syntax.name(*fun) {
                    "append" => found.extend(self.eval_append(at, args, *spread, context)),
                    "string" | "min" | "max" => {
                        if let Some(&arg) = args.first() {
                            found.extend(self.eval(here(arg), context));
                        }
                    }
                    "make" | "new" => {
                        let ty = self.type_of(at);
                        found.extend(match self.inner_shape(&ty) {
                            Shape::Chan(_) => Set::one(Value::new(Kind::Channel(at))),
                            _ => self.zero(&ty),
                        });
                    }
                    _ => {}
                },
                Callee::Func(func, closure) => found.extend(match self.eval_known_flag(at, func, index, context) {
                    Some(set) => set,
                    None => self.eval_returns(at, func, index, context, closure),
                }),
                Callee::External(import, name) => found.extend(self.eval_external(at, &import, &name, index, context)),
                Callee::Value(set) => found.extend(set),
                Callee::Unknown => {
                    let name = syntax.name(*fun).to_owned();
                    let known = match self.eval_unknown_flag(at, &name, index, context) {
                        None => self.eval_unknown_method(at, &name, context),
                        known => known,
                    };
                    found.extend(known.unwrap_or_else(|| {
                        Set::hole_at(format!("the result of {name}, whose code is not known"), span)
                    }));
                }
            }
        }
        found
    }

    fn eval_append(&mut self, at: At, args: &[ExprId], spread: bool, context: Context) -> Set {
        let Some(&first) = args.first() else { return Set::default() };
        let base = self.eval(At { unit: at.unit, expr: first }, context);
        let added = self.appended(at.unit, args, spread, context);
        let mut found = Set::default();
        for mut value in base.values {
            match &value.kind {
                Kind::List(list) => value.kind = Kind::List(Rc::new(joined((**list).clone(), added.clone()))),
                Kind::Nil | Kind::Object(_) => value.kind = Kind::List(Rc::new(added.clone())),
                _ => {}
            }
            found.add(value);
        }
        if found.is_empty() {
            found.add(Value::new(Kind::List(Rc::new(added))));
        }
        found
    }

    fn eval_returns(&mut self, call: At, func: FuncAt, index: u32, context: Context, closure: Context) -> Set {
        let outer = if context == 0 { closure } else { context };
        let Some(inside) = self.enter(call, func, outer) else { return Set::default() };
        let syntax = self.program.syntax(func.unit);
        let declared = syntax.func(func.func);
        let step = format!("result of {}", self.func_name(func));
        let place = self.program.syntax(call.unit).expr_span(call.expr);
        if let Some(words) = self.split_by_own_code(func, index, inside) {
            return words.step(&step, place);
        }
        let mut found = Set::default();
        for Return { range, values, .. } in syntax.returns(func.func) {
            if !self.is_live(func.unit, range.start)
                || gives_nothing(syntax, values, index)
                || self.is_ruled_out(func, range.start, inside)
            {
                continue;
            }
            if values.is_empty() {
                if let Some(var) = declared.results.get(index as usize).and_then(|result| result.var) {
                    found.extend(self.eval_var(VarAt { unit: func.unit, var }, inside));
                }
            } else if values.len() == 1 && declared.results.len() > 1 {
                found.extend(self.eval_result(At { unit: func.unit, expr: values[0] }, index, inside));
            } else if let Some(&expr) = values.get(index as usize) {
                found.extend(self.eval(At { unit: func.unit, expr }, inside));
            }
        }
        found.step(&step, place)
    }

    /// The call that an expression is the function of.
    pub(crate) fn call_of(&self, at: At) -> Option<At> {
        let syntax = self.program.syntax(at.unit);
        match syntax.parent(at.expr) {
            Parent::Expr(call) if matches!(syntax.kind(call), ExprKind::Call { fun, .. } if *fun == at.expr) => {
                Some(At { unit: at.unit, expr: call })
            }
            _ => None,
        }
    }
}

/// Whether a list's literal gives its elements in order: without keys, or with those that they have anyway.
fn is_in_order(syntax: &Syntax, elements: &[(Option<ExprId>, ExprId)]) -> bool {
    elements.iter().enumerate().all(|(index, (key, _))| {
        key.is_none_or(|key| matches!(syntax.kind(key), ExprKind::Int(own) if usize::try_from(*own) == Ok(index)))
    })
}

/// Whether a `return` hands on an error with an empty text beside it: callers do not use that.
fn gives_nothing(syntax: &Syntax, values: &[ExprId], index: u32) -> bool {
    let (Some(&value), Some(&last)) = (values.get(index as usize), values.last()) else { return false };
    value != last
        && matches!(syntax.kind(value), ExprKind::Text(text) if text.is_empty())
        && !matches!(syntax.kind(last), ExprKind::Nil | ExprKind::Bool(_) | ExprKind::Text(_))
}

/// The values of a map that is written to, under a key that is not known: a text there tells nothing, for such a map holds
/// whatever there is and is no table of programs.
fn unknown_texts(values: Set) -> Set {
    let mut found = Set::default();
    for value in values.values {
        found.add(match value.kind {
            Kind::Text(_) => Value::hole("an element of a map under a key that is not known"),
            _ => value,
        });
    }
    found
}
