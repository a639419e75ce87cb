//! Whether code that looks for a program on the `PATH` copes with its absence.

use super::engine::Engine;
use super::syntax::{ExprKind, Parent, Source, VarId};
use super::types::At;

impl Engine<'_> {
    /// Whether the error of a `LookPath` is not passed on: the code goes on without the program.
    pub(crate) fn copes_with_absence(&self, call: At) -> bool {
        let syntax = self.program.syntax(call.unit);
        if !matches!(syntax.parent(call.expr), Parent::Init | Parent::Right) {
            return false;
        }
        let end = syntax.expr(call.expr).range.end;
        let func = syntax.expr(call.expr).func;
        let Some(error) = self.error_of(call) else { return true };
        let name = syntax.str(syntax.var(error).name);
        let later = || {
            self.program
                .refs(call.unit, name)
                .filter(|&id| syntax.expr(id).range.start >= end && syntax.expr(id).func == func)
        };
        let tests = syntax.part_of(call.expr).ifs.iter().filter(|(condition, ..)| {
            let range = syntax.expr(*condition).range;
            range.start >= end && later().any(|id| range.contains(syntax.expr(id).range.start))
        });
        let Some((condition, body, _)) = tests.min_by_key(|(condition, ..)| syntax.expr(*condition).range.start) else {
            // Handed on as it is: whoever gets it decides, and mostly gives up.
            return !later().any(|id| matches!(syntax.parent(id), Parent::Return { .. }));
        };
        let text = syntax.str(syntax.expr(*condition).range);
        if text.contains("== nil") {
            return true;
        }
        let ends = |text: &str| ["panic(", "Fatal", "Exit("].iter().any(|word| text.contains(word));
        let passes_on = |text: &str| text.contains("err") || text.contains("Err");
        let mut returns =
            func.iter().flat_map(|&func| syntax.returns(func)).filter(|one| body.contains(one.range.start)).peekable();
        let body = syntax.str(*body);
        // What is said of the error on the way (`log.Print(err)`) does not matter where the body leaves without it.
        let is_passed_on = match returns.peek() {
            Some(_) => returns.any(|one| passes_on(syntax.str(one.range))),
            None => passes_on(body),
        };
        text.contains("!= nil") && !ends(body) && !is_passed_on
    }

    /// The variable that takes a call's second result.
    fn error_of(&self, call: At) -> Option<VarId> {
        let syntax = self.program.syntax(call.unit);
        let second = |source: Source| matches!(source, Source::Value { expr, index: 1, .. } if expr == call.expr);
        let part = syntax.part_of(call.expr);
        let declared = part.vars().find(|(_, var)| second(var.source)).map(|(id, _)| id);
        let assigned = || part.assigns.iter().find(|assign| second(assign.source));
        declared
            .filter(|&var| syntax.str(syntax.var(var).name) != "_")
            .or_else(|| syntax.resolve_if_ident(assigned()?.left))
    }

    /// Whether the function around a place has looked for a program before it, and copes with its absence.
    pub(crate) fn is_looked_up_before(&self, place: At, program: &str) -> bool {
        let syntax = self.program.syntax(place.unit);
        let start = syntax.expr(place.expr).range.start;
        let func = syntax.declared_at(start);
        func.is_some() && self.program.refs(place.unit, "LookPath").any(|expr| {
            let range = syntax.expr(expr).range;
            let Some(call) = self.call_of(At { unit: place.unit, expr }) else { return false };
            let ExprKind::Call { args, .. } = syntax.kind(call.expr) else { return false };
            range.start < start
                && syntax.declared_at(range.start) == func
                && matches!(args.first().map(|&arg| syntax.kind(arg)), Some(ExprKind::Text(text)) if **text == *program)
                && self.copes_with_absence(call)
        })
    }
}
