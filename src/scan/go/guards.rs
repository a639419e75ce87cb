//! What the conditions around a use leave of its values: a candidate that contradicts one cannot be the value there, and
//! a value that is not known is one of the constants that it was compared with.

use super::engine::Engine;
use super::load::UnitId;
use super::syntax::{Condition, ExprId, ExprKind, Guard, Op, Parent, Range, Source, Syntax};
use super::types::{At, FuncAt, Meaning, VarAt};
use super::value::{Context, Kind, Set, Value};

/// How many expressions are followed for what a parameter is, to rule out what stands behind a condition on it.
const RULING_STEPS: u32 = 2_000;
/// How deep conditions are worked out.
const MAX_DEPTH: u32 = 30;

/// What a condition says a text is one of.
#[derive(Clone, Debug)]
enum Choice {
    /// One of these (true) or none of them (false).
    Constants(bool, Vec<ExprId>),
    /// A key of a map (true) or none of its keys: `_, ok := table[x]`.
    Keys(bool, ExprId),
    /// An element of a list: `slices.Contains(list, x)`.
    Elements(ExprId),
}

/// A text that stands for an expression (a variable, a field) while a condition is worked out.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    /// The expression as it is written.
    of: &'a str,
    value: &'a str,
}

impl Engine<'_> {
    /// What the conditions around a use leave of its values.
    pub(crate) fn narrow(&mut self, at: At, set: Set, context: Context) -> Set {
        let syntax = self.program.syntax(at.unit);
        let range = syntax.expr(at.expr).range;
        if syntax.parent(at.expr) == Parent::Left || set.is_empty() {
            return set;
        }
        let text = syntax.str(range);
        let mut set = set;
        for guard in syntax.guards_at(range.start) {
            let mut choices = Vec::new();
            let mentions = |expr: ExprId| syntax.str(syntax.expr(expr).range).contains(text);
            let concerned = match &guard.condition {
                Condition::Case { tag: Some(tag), values } => {
                    if syntax.str(syntax.expr(*tag).range) == text {
                        choices.push(Choice::Constants(true, values.clone()));
                    }
                    mentions(*tag)
                }
                Condition::Default { tag: Some(tag), values } => {
                    if syntax.str(syntax.expr(*tag).range) == text {
                        choices.push(Choice::Constants(false, values.clone()));
                    }
                    mentions(*tag)
                }
                Condition::Is(expr) => {
                    choices_of(syntax, *expr, text, true, &mut choices, 0);
                    mentions(*expr)
                }
                Condition::IsNot(expr) => {
                    choices_of(syntax, *expr, text, false, &mut choices, 0);
                    mentions(*expr)
                }
                Condition::Case { tag: None, values } | Condition::Default { tag: None, values } => {
                    values.iter().any(|&value| mentions(value))
                }
                Condition::Unknown => false,
            };
            if !concerned && choices.is_empty()
                || self.is_changed(at.unit, guard.range, text)
                || is_declared_in(syntax, at.expr, guard.range)
            {
                continue;
            }
            for choice in choices {
                set = self.filter(at.unit, set, &choice, context);
            }
            set.values.retain(|value| {
                value.known_text().is_none_or(|value| {
                    self.allows(at.unit, &guard.condition, Candidate { of: text, value: &value }, 0) != Some(false)
                })
            });
        }
        set
    }

    /// Whether a condition on a parameter keeps a place of its function from running, whatever a call passes for it.
    pub(crate) fn is_ruled_out(&mut self, func: FuncAt, place: u32, context: Context) -> bool {
        let program = self.program;
        let syntax = program.syntax(func.unit);
        let declared = syntax.func(func.func);
        let (Some(range), Some((call, outer))) = (declared.range, self.entered(func, context)) else { return false };
        for guard in syntax.guards_at(place).filter(|guard| range.contains(guard.range.start)) {
            let (Condition::Is(condition)
            | Condition::IsNot(condition)
            | Condition::Case { tag: Some(condition), .. }
            | Condition::Default { tag: Some(condition), .. }) = guard.condition
            else {
                continue;
            };
            let text = syntax.str(syntax.expr(condition).range);
            for (index, param) in declared.params.iter().enumerate() {
                let Some(var) = param.var else { continue };
                let name = syntax.str(syntax.var(var).name);
                if name.is_empty() || !text.contains(name) || self.is_changed(func.unit, range, name) {
                    continue;
                }
                let ExprKind::Call { args, .. } = program.syntax(call.unit).kind(call.expr) else { continue };
                if param.variadic || args.len() == 1 && declared.params.len() > 1 {
                    continue;
                }
                let Some(&arg) = args.get(index) else { continue };
                if let Some(value) = self.given_bool(At { unit: call.unit, expr: arg }, outer) {
                    let candidate = Candidate { of: name, value: if value { "true" } else { "false" } };
                    if self.allows(func.unit, &guard.condition, candidate, 0) == Some(false) {
                        return true;
                    }
                    continue;
                }
                let is_tag = matches!(guard.condition, Condition::Case { .. } | Condition::Default { .. });
                if !is_tag && !asks_for_text(syntax, condition, name) {
                    continue;
                }
                let level = self.cycles.open();
                let values =
                    self.with_at_most(RULING_STEPS, |engine| engine.eval_var(VarAt { unit: func.unit, var }, context));
                if !self.cycles.close(level) {
                    // A part of the values rules nothing out.
                    continue;
                }
                let excluded = |engine: &mut Self, value: &Value| {
                    value.known_text().is_some_and(|value| {
                        let candidate = Candidate { of: name, value: &value };
                        engine.allows(func.unit, &guard.condition, candidate, 0) == Some(false)
                    })
                };
                if !values.is_empty() && values.values.iter().all(|value| excluded(self, value)) {
                    return true;
                }
            }
        }
        false
    }

    /// Whether a call, or one on the way to it, stands where the values that are passed keep it from running.
    pub(crate) fn is_way_ruled_out(&mut self, call: At, chain: Context) -> bool {
        let mut place = call;
        for (outer, func) in self.calls_of(chain) {
            let start = self.program.syntax(place.unit).expr(place.expr).range.start;
            if place.unit == func.unit && self.is_ruled_out(func, start, chain) {
                return true;
            }
            place = outer;
        }
        false
    }

    /// What a call passes for a truth value, where that is written there or further up.
    fn given_bool(&mut self, mut at: At, mut context: Context) -> Option<bool> {
        for _ in 0..MAX_DEPTH {
            let syntax = self.program.syntax(at.unit);
            let source = syntax.resolve_if_ident(at.expr).map(|var| syntax.var(var).source);
            let Some(Source::Param { func, index }) = source else { return self.constant_bool(at, 0) };
            let func = FuncAt { unit: at.unit, func };
            let range = syntax.func(func.func).range?;
            if self.is_changed(at.unit, range, syntax.name(at.expr)) {
                return None;
            }
            let (call, outer) = self.entered(func, context)?;
            let ExprKind::Call { args, .. } = self.program.syntax(call.unit).kind(call.expr) else { return None };
            if args.len() != syntax.func(func.func).params.len() {
                return None;
            }
            at = At { unit: call.unit, expr: *args.get(index as usize)? };
            context = outer;
        }
        None
    }

    /// Whether an expression is assigned to in a range, by code that runs on the platform.
    fn is_changed(&mut self, unit: UnitId, within: Range, text: &str) -> bool {
        let syntax = self.program.syntax(unit);
        syntax.assigns_in(within).any(|assign| {
            let left = syntax.expr(assign.left).range;
            within.contains(left.start) && syntax.str(left) == text && self.is_on_platform(unit, left.start)
        })
    }

    fn filter(&mut self, unit: UnitId, set: Set, choice: &Choice, context: Context) -> Set {
        let mut constants = Set::default();
        let allow = match choice {
            Choice::Constants(allow, values) => {
                for &expr in values {
                    constants.extend(self.eval(At { unit, expr }, context));
                }
                *allow
            }
            Choice::Keys(allow, table) => {
                let table = self.eval(At { unit, expr: *table }, context);
                constants = self.keys(&table);
                *allow
            }
            Choice::Elements(list) => {
                let list = self.eval(At { unit, expr: *list }, context);
                constants = self.elements(&list);
                true
            }
        };
        let texts: Vec<Option<String>> = constants.values.iter().map(Value::known_text).collect();
        if texts.is_empty() || texts.iter().any(Option::is_none) {
            return set;
        }
        let mut kept = Set::default();
        for value in set.values {
            match value.known_text() {
                Some(text) if texts.iter().any(|known| known.as_deref() == Some(&text)) == allow => kept.add(value),
                Some(_) => {}
                None if allow && !matches!(value.kind, Kind::Param(..)) => {
                    // Whatever it was, here it is one of these.
                    for constant in &constants.values {
                        kept.add(constant.clone());
                    }
                }
                None => kept.add(value),
            }
        }
        kept
    }

    /// Whether a condition can hold where an expression has a candidate for its value; nothing where that is not settled.
    fn allows(&mut self, unit: UnitId, condition: &Condition, candidate: Candidate<'_>, depth: u32) -> Option<bool> {
        match condition {
            Condition::Is(expr) => self.bool_for(At { unit, expr: *expr }, candidate, depth),
            Condition::IsNot(expr) => self.bool_for(At { unit, expr: *expr }, candidate, depth).map(|value| !value),
            Condition::Case { tag, values } => self.matches_any(unit, *tag, values, candidate, depth),
            Condition::Default { tag, values } => {
                self.matches_any(unit, *tag, values, candidate, depth).map(|value| !value)
            }
            Condition::Unknown => None,
        }
    }

    fn matches_any(
        &mut self,
        unit: UnitId,
        tag: Option<ExprId>,
        values: &[ExprId],
        candidate: Candidate<'_>,
        depth: u32,
    ) -> Option<bool> {
        let tag = match tag {
            Some(expr) => Some(self.text_for(At { unit, expr }, candidate, depth)?),
            None => None,
        };
        let mut settled = true;
        for &expr in values {
            let at = At { unit, expr };
            let matches = match &tag {
                Some(tag) => self.text_for(at, candidate, depth).map(|value| value == *tag),
                None => self.bool_for(at, candidate, depth),
            };
            match matches {
                Some(true) => return Some(true),
                Some(false) => {}
                None => settled = false,
            }
        }
        settled.then_some(false)
    }

    /// A condition's value for a candidate.
    fn bool_for(&mut self, at: At, candidate: Candidate<'_>, depth: u32) -> Option<bool> {
        if depth > MAX_DEPTH {
            return None;
        }
        let syntax = self.program.syntax(at.unit);
        let here = |expr: ExprId| At { unit: at.unit, expr };
        match syntax.kind(at.expr) {
            ExprKind::Unary { op: b'!', x } => self.bool_for(here(*x), candidate, depth + 1).map(|value| !value),
            ExprKind::Binary { op: op @ (Op::And | Op::Or), left, right } => {
                let decides = *op == Op::Or;
                let left = self.bool_for(here(*left), candidate, depth + 1);
                let right = self.bool_for(here(*right), candidate, depth + 1);
                match (left, right) {
                    (Some(value), _) | (_, Some(value)) if value == decides => Some(decides),
                    (Some(_), Some(_)) => Some(!decides),
                    _ => None,
                }
            }
            ExprKind::Binary { op: op @ (Op::Equal | Op::NotEqual), left, right } => {
                let left = self.text_for(here(*left), candidate, depth + 1)?;
                let right = self.text_for(here(*right), candidate, depth + 1)?;
                Some((left == right) == (*op == Op::Equal))
            }
            ExprKind::Call { fun, args, .. } => match self.meaning(here(*fun))? {
                Meaning::External(_, name) if &*name == "IsAbs" => {
                    let path = self.text_for(here(*args.first()?), candidate, depth + 1)?;
                    Some(path.starts_with('/'))
                }
                Meaning::External(import, name) if &*import == "strings" => {
                    let [first, second] = args[..] else { return None };
                    let first = self.text_for(here(first), candidate, depth + 1)?;
                    let second = self.text_for(here(second), candidate, depth + 1)?;
                    match &*name {
                        "HasPrefix" => Some(first.starts_with(&second)),
                        "HasSuffix" => Some(first.ends_with(&second)),
                        "Contains" => Some(first.contains(&second)),
                        "ContainsAny" => Some(first.contains(|c| second.contains(c))),
                        "EqualFold" => Some(first.eq_ignore_ascii_case(&second)),
                        _ => None,
                    }
                }
                Meaning::Func(_) => self.result_for(at, candidate, depth, Self::bool_for),
                _ => None,
            },
            ExprKind::Ident if syntax.name(at.expr) == candidate.of => match candidate.value {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
            _ => self.constant_bool(at, depth),
        }
    }

    /// A text's value for a candidate.
    fn text_for(&mut self, at: At, candidate: Candidate<'_>, depth: u32) -> Option<String> {
        if depth > MAX_DEPTH {
            return None;
        }
        let syntax = self.program.syntax(at.unit);
        let here = |expr: ExprId| At { unit: at.unit, expr };
        match syntax.kind(at.expr) {
            ExprKind::Ident | ExprKind::Selector { .. } if syntax.str(syntax.expr(at.expr).range) == candidate.of => {
                Some(candidate.value.to_owned())
            }
            ExprKind::Call { fun, args, .. } => match (self.meaning(here(*fun))?, &args[..]) {
                (Meaning::External(import, name), [first, rest @ ..]) => {
                    let text = self.text_for(here(*first), candidate, depth + 1)?;
                    let mut second = || self.text_for(here(*rest.first()?), candidate, depth + 1);
                    match (&*import, &*name) {
                        ("strings", "ToLower") => Some(text.to_lowercase()),
                        ("strings", "ToUpper") => Some(text.to_uppercase()),
                        ("strings", "TrimSpace") => Some(text.trim().to_owned()),
                        ("strings", "TrimSuffix") => {
                            let suffix = second()?;
                            Some(text.strip_suffix(suffix.as_str()).unwrap_or(&text).to_owned())
                        }
                        ("strings", "TrimPrefix") => {
                            let prefix = second()?;
                            Some(text.strip_prefix(prefix.as_str()).unwrap_or(&text).to_owned())
                        }
                        ("path" | "path/filepath", "Base") => Some(text.rsplit('/').next().unwrap_or(&text).to_owned()),
                        ("path" | "path/filepath", "Ext") => {
                            let base = text.rsplit('/').next().unwrap_or(&text);
                            Some(base.rfind('.').map_or("", |dot| &base[dot..]).to_owned())
                        }
                        _ => None,
                    }
                }
                (Meaning::Builtin | Meaning::Type(_), [only]) => self.text_for(here(*only), candidate, depth + 1),
                (Meaning::Func(_), _) => self.result_for(at, candidate, depth, Self::text_for),
                _ => None,
            },
            _ => self.constant_text(at, depth),
        }
    }

    /// What a function of one parameter returns for a candidate, where that is one and the same on every way that is left.
    fn result_for<T: PartialEq>(
        &mut self,
        call: At,
        candidate: Candidate<'_>,
        depth: u32,
        read: fn(&mut Self, At, Candidate<'_>, u32) -> Option<T>,
    ) -> Option<T> {
        if !self.spend() {
            return None;
        }
        let program = self.program;
        let syntax = program.syntax(call.unit);
        let ExprKind::Call { fun, args, .. } = syntax.kind(call.expr) else { return None };
        let Meaning::Func(func) = self.meaning(At { unit: call.unit, expr: *fun })? else { return None };
        let target = program.syntax(func.unit);
        let declared = target.func(func.func);
        let ([arg], [param]) = (&args[..], &declared.params[..]) else { return None };
        let name = target.str(target.var(param.var?).name);
        let value = self.text_for(At { unit: call.unit, expr: *arg }, candidate, depth + 1)?;
        let is_hidden = target
            .part_within(func.func)
            .vars()
            .any(|(id, var)| Some(id) != param.var && var.func == Some(func.func) && target.str(var.name) == name);
        if is_hidden || self.is_changed(func.unit, declared.range?, name) {
            return None;
        }
        let inside = Candidate { of: name, value: &value };
        let mut agreed = None;
        for one in target.returns(func.func) {
            let excludes = |engine: &mut Self, guard: &Guard| {
                engine.allows(func.unit, &guard.condition, inside, depth + 1) == Some(false)
            };
            if target.guards_at(one.range.start).any(|guard| excludes(self, guard)) {
                continue;
            }
            let &[expr] = &one.values[..] else { return None };
            let result = read(self, At { unit: func.unit, expr }, inside, depth + 1)?;
            if agreed.as_ref().is_some_and(|known| *known != result) {
                return None;
            }
            agreed = Some(result);
        }
        agreed
    }
}

/// Whether the variable that an expression starts with is declared in a range: what is said around the range is about
/// another one, which this one hides.
fn is_declared_in(syntax: &Syntax, mut expr: ExprId, range: Range) -> bool {
    while let ExprKind::Selector { base, .. } = syntax.kind(expr) {
        expr = *base;
    }
    syntax.resolve_if_ident(expr).is_some_and(|var| range.contains(syntax.var(var).name.start))
}

/// Whether a condition asks what text a name stands for, and not only whether it stands for anything.
fn asks_for_text(syntax: &Syntax, expr: ExprId, name: &str) -> bool {
    let mentions = |id: ExprId| syntax.str(syntax.expr(id).range).contains(name);
    match syntax.kind(expr) {
        ExprKind::Unary { x, .. } => asks_for_text(syntax, *x, name),
        ExprKind::Binary { op: Op::And | Op::Or, left, right } => {
            asks_for_text(syntax, *left, name) || asks_for_text(syntax, *right, name)
        }
        ExprKind::Binary { op: Op::Equal | Op::NotEqual, left, right } => {
            let is_text = |id: ExprId| !matches!(syntax.kind(id), ExprKind::Nil | ExprKind::Int(_));
            (mentions(*left) || mentions(*right)) && is_text(*left) && is_text(*right)
        }
        ExprKind::Call { args, .. } => args.iter().any(|&arg| mentions(arg)),
        _ => false,
    }
}

/// What a condition that holds, or does not, says a text is one of.
fn choices_of(syntax: &Syntax, expr: ExprId, text: &str, holds: bool, choices: &mut Vec<Choice>, depth: u32) {
    if depth > MAX_DEPTH {
        return;
    }
    let same = |id: ExprId| syntax.str(syntax.expr(id).range) == text;
    match syntax.kind(expr) {
        ExprKind::Unary { op: b'!', x } => choices_of(syntax, *x, text, !holds, choices, depth + 1),
        ExprKind::Binary { op: op @ (Op::Equal | Op::NotEqual), left, right } => {
            let equal = (*op == Op::Equal) == holds;
            if same(*left)
                && matches!(syntax.kind(*right), ExprKind::Text(_) | ExprKind::Ident | ExprKind::Selector { .. })
            {
                choices.push(Choice::Constants(equal, vec![*right]));
            } else if same(*right) && matches!(syntax.kind(*left), ExprKind::Text(_)) {
                choices.push(Choice::Constants(equal, vec![*left]));
            }
        }
        ExprKind::Binary { op, left, right } if (*op == Op::And && holds) || (*op == Op::Or && !holds) => {
            choices_of(syntax, *left, text, holds, choices, depth + 1);
            choices_of(syntax, *right, text, holds, choices, depth + 1);
        }
        ExprKind::Binary { op: Op::Or, left, right } => {
            // `x == "a" || x == "b"`: one of both, where each side says so.
            let mut first = Vec::new();
            let mut second = Vec::new();
            choices_of(syntax, *left, text, true, &mut first, depth + 1);
            choices_of(syntax, *right, text, true, &mut second, depth + 1);
            if let ([Choice::Constants(true, one)], [Choice::Constants(true, other)]) = (&first[..], &second[..]) {
                choices.push(Choice::Constants(true, one.iter().chain(other).copied().collect()));
            }
        }
        // `_, ok := table[x]`
        ExprKind::Ident => {
            if let Some(var) = syntax.resolve(expr)
                && let Source::Value { expr, index: 1, count: 2 } = syntax.var(var).source
                && let ExprKind::Index { base, index } = syntax.kind(expr)
                && same(*index)
            {
                choices.push(Choice::Keys(holds, *base));
            }
        }
        ExprKind::Call { fun, args, .. } if holds => {
            if let ([list, element], "Contains") = (&args[..], syntax.name(*fun))
                && syntax.str(syntax.expr(*fun).range) == "slices.Contains"
                && same(*element)
            {
                choices.push(Choice::Elements(*list));
            }
        }
        _ => {}
    }
}

/// Whether an expression compares a text with `""`, `nil` or a length with 0, alone or beside others.
pub(super) fn compares_with_nothing(syntax: &Syntax, expr: ExprId, text: &str, wanted: Op) -> bool {
    match syntax.kind(expr) {
        ExprKind::Binary { op, left, right } if *op == wanted => {
            let nothing = |id: ExprId| match syntax.kind(id) {
                ExprKind::Text(value) => value.is_empty(),
                ExprKind::Int(value) => *value == 0,
                ExprKind::Nil => true,
                _ => false,
            };
            let left_text = syntax.str(syntax.expr(*left).range);
            let length = left_text.strip_prefix("len(").and_then(|rest| rest.strip_suffix(')'));
            nothing(*right) && (left_text == text || length == Some(text))
        }
        ExprKind::Binary { op: Op::And | Op::Or, left, right } => {
            compares_with_nothing(syntax, *left, text, wanted) || compares_with_nothing(syntax, *right, text, wanted)
        }
        _ => false,
    }
}
