//! Code that cannot run on the platform: ranges behind conditions that are constantly false.
//!
//! Constant are comparisons with `runtime.GOOS` and `runtime.GOARCH`, booleans, and names that stand for such.

use super::constraint::BuildTags;
use super::engine::Engine;
use super::load::UnitId;
use super::syntax::{Condition, ExprId, ExprKind, Guard, Op, Return, Source};
use super::types::{At, Meaning, VarAt};

/// How many expressions are followed for a variable that may hold the platform's name: that is handed on by few.
const PLATFORM_STEPS: u32 = 200;

impl Engine<'_> {
    /// Whether no condition keeps a place from running on the platform.
    pub(crate) fn is_on_platform(&mut self, unit: UnitId, at: u32) -> bool {
        let program = self.program;
        !program.syntax(unit).guards_around(at).any(|(index, guard)| self.is_dead(unit, index, guard))
    }

    /// Whether a condition never holds on the platform.
    fn is_dead(&mut self, unit: UnitId, index: u32, guard: &Guard) -> bool {
        if let Some(&known) = self.dead.get(&(unit, index)) {
            return known;
        }
        // While it is worked out, it counts as one that holds.
        self.dead.insert((unit, index), false);
        let dead = self.holds(unit, guard) == Some(false);
        self.dead.insert((unit, index), dead);
        dead
    }

    fn holds(&mut self, unit: UnitId, guard: &Guard) -> Option<bool> {
        match &guard.condition {
            Condition::Is(expr) => self.constant_bool(At { unit, expr: *expr }, 0),
            Condition::IsNot(expr) => self.constant_bool(At { unit, expr: *expr }, 0).map(|value| !value),
            Condition::Case { tag, values } => self.any_equal(unit, *tag, values),
            Condition::Default { tag, values } if !values.is_empty() => {
                self.any_equal(unit, *tag, values).map(|value| !value)
            }
            Condition::Default { .. } | Condition::Unknown => None,
        }
    }

    fn any_equal(&mut self, unit: UnitId, tag: Option<ExprId>, values: &[ExprId]) -> Option<bool> {
        let mut all_known = true;
        let tag = match tag {
            Some(tag) => {
                let tag = At { unit, expr: tag };
                let known = match self.constant_text(tag, 0) {
                    None if values.iter().any(|&expr| self.names_a_platform(At { unit, expr })) => {
                        self.platform_text(tag)
                    }
                    known => known,
                };
                Some(known?)
            }
            None => None,
        };
        for &expr in values {
            let value = match &tag {
                Some(tag) => self.constant_text(At { unit, expr }, 0).map(|value| value == *tag),
                None => self.constant_bool(At { unit, expr }, 0),
            };
            match value {
                Some(true) => return Some(true),
                Some(false) => {}
                None => all_known = false,
            }
        }
        all_known.then_some(false)
    }

    /// A boolean that does not change from run to run.
    pub(crate) fn constant_bool(&mut self, at: At, depth: u32) -> Option<bool> {
        if depth > 20 {
            return None;
        }
        let syntax = self.program.syntax(at.unit);
        let here = |expr: ExprId| At { unit: at.unit, expr };
        match syntax.kind(at.expr) {
            ExprKind::Bool(value) => Some(*value),
            ExprKind::Unary { op: b'!', x } => self.constant_bool(here(*x), depth + 1).map(|value| !value),
            ExprKind::Binary { op: Op::And, left, right } => {
                match (self.constant_bool(here(*left), depth + 1), self.constant_bool(here(*right), depth + 1)) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                }
            }
            ExprKind::Binary { op: Op::Or, left, right } => {
                match (self.constant_bool(here(*left), depth + 1), self.constant_bool(here(*right), depth + 1)) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                }
            }
            ExprKind::Binary { op: op @ (Op::Equal | Op::NotEqual), left, right } => {
                let (left, right) = (here(*left), here(*right));
                let first = match self.constant_text(left, depth + 1) {
                    None if self.names_a_platform(right) => self.platform_text(left),
                    known => known,
                }?;
                let second = match self.constant_text(right, depth + 1) {
                    None if self.names_a_platform(left) => self.platform_text(right),
                    known => known,
                }?;
                Some((first == second) == (*op == Op::Equal))
            }
            ExprKind::Ident | ExprKind::Selector { .. } => {
                let initial = self.constant_initial(at)?;
                self.constant_bool(initial, depth + 1)
            }
            // `strings.HasPrefix(runtime.GOOS, "win")`
            ExprKind::Call { fun, args, .. } if args.len() == 2 => {
                let Some(Meaning::External(import, name)) = self.meaning(here(*fun)) else { return None };
                if &*import != "strings" {
                    return None;
                }
                let text = self.constant_text(here(args[0]), depth + 1)?;
                let part = self.constant_text(here(args[1]), depth + 1)?;
                match &*name {
                    "HasPrefix" => Some(text.starts_with(&part)),
                    "HasSuffix" => Some(text.ends_with(&part)),
                    "Contains" => Some(text.contains(&part)),
                    "EqualFold" => Some(text.eq_ignore_ascii_case(&part)),
                    _ => None,
                }
            }
            // `func isWindows() bool { return runtime.GOOS == "windows" }`
            ExprKind::Call { fun, args, .. } if args.is_empty() => {
                let Some(Meaning::Func(func)) = self.meaning(here(*fun)) else { return None };
                let target = self.program.syntax(func.unit);
                let mut returns = target.returns(func.func).filter(|one| {
                    // Asked of the conditions themselves: this file's dead ranges may be just in the making.
                    target.guards_at(one.range.start).all(|guard| match guard.condition {
                        Condition::Is(expr) => {
                            self.constant_bool(At { unit: func.unit, expr }, depth + 4) != Some(false)
                        }
                        Condition::IsNot(expr) => {
                            self.constant_bool(At { unit: func.unit, expr }, depth + 4) != Some(true)
                        }
                        _ => true,
                    })
                });
                let only = (returns.next(), returns.next());
                match only {
                    (Some(Return { values, .. }), None) if values.len() == 1 => {
                        self.constant_bool(At { unit: func.unit, expr: values[0] }, depth + 4)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    pub(crate) fn constant_text(&mut self, at: At, depth: u32) -> Option<String> {
        if depth > 20 {
            return None;
        }
        let syntax = self.program.syntax(at.unit);
        match syntax.kind(at.expr) {
            ExprKind::Text(text) => Some(text.to_string()),
            ExprKind::Ident | ExprKind::Selector { .. } => {
                if let Some(Meaning::External(import, name)) = self.meaning(at) {
                    return match (&*import, &*name) {
                        ("runtime", "GOOS") => Some(self.tags.os().to_owned()),
                        ("runtime", "GOARCH") => Some(self.tags.arch().to_owned()),
                        _ => None,
                    };
                }
                let initial = self.constant_initial(at)?;
                self.constant_text(initial, depth + 1)
            }
            _ => None,
        }
    }

    /// Whether an expression is the literal name of an operating system or an architecture.
    fn names_a_platform(&self, at: At) -> bool {
        matches!(self.program.syntax(at.unit).kind(at.expr), ExprKind::Text(text) if BuildTags::is_platform(text))
    }

    /// The platform's name where a variable, field or parameter holds nothing else.
    fn platform_text(&mut self, at: At) -> Option<String> {
        let (ExprKind::Ident | ExprKind::Selector { .. }) = self.program.syntax(at.unit).kind(at.expr) else {
            return None;
        };
        let set = self.apart_from_sink(|engine| engine.with_own_steps(PLATFORM_STEPS, |engine| engine.eval(at, 0)));
        let text = set.values.first()?.known_text()?;
        let same = set.values.iter().all(|value| !value.default && value.known_text().as_deref() == Some(&text));
        (same && (text == self.tags.os() || text == self.tags.arch())).then_some(text)
    }

    /// The value of a constant, or of a variable that is initialized from the platform's names.
    fn constant_initial(&mut self, at: At) -> Option<At> {
        let Some(Meaning::Var(VarAt { unit, var })) = self.meaning(at) else { return None };
        let syntax = self.program.syntax(unit);
        let variable = syntax.var(var);
        let Source::Value { expr, index: 0, count: 1 } = variable.source else { return None };
        // Other variables can be set by flags and through pointers.
        let by_platform = || {
            let text = syntax.str(syntax.expr(expr).range);
            text.contains("GOOS") || text.contains("GOARCH")
        };
        (variable.constant || by_platform()).then_some(At { unit, expr })
    }
}
