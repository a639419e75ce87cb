//! Splitters of command lines that a program has itself: functions that go through a text character by character and
//! append pieces of it to a list.
//!
//! Such a function is not run. The words of a text that is known are taken to be what a shell would make of it.

use super::engine::Engine;
use super::models::word_list;
use super::syntax::{ExprKind, FuncId, Parent, Syntax, VarId};
use super::texts;
use super::types::{FuncAt, VarAt};
use super::value::{Context, Kind, Set, Value};

impl Engine<'_> {
    /// The list that a splitter makes of its text; nothing where a function is none.
    pub(crate) fn split_by_own_code(&mut self, func: FuncAt, index: u32, inside: Context) -> Option<Set> {
        let syntax = self.program.syntax(func.unit);
        let declared = syntax.func(func.func);
        let result = declared.results.get(index as usize)?;
        if !matches!(syntax.kind(result.ty), ExprKind::SliceType(_)) {
            return None;
        }
        let var =
            declared.params.iter().filter_map(|param| param.var).find(|&var| is_cut_up(syntax, func.func, var))?;
        let mut lists = Set::default();
        for value in self.eval_var(VarAt { unit: func.unit, var }, inside).values {
            lists.add(match &value.kind {
                Kind::Text(_) if value.known_text().is_some_and(|text| is_plain(&text)) => {
                    word_list(value, &texts::command_line)
                }
                Kind::Text(_) => Value::hole("a piece of a text"),
                _ => value,
            });
        }
        Some(lists)
    }
}

/// Whether a loop of a function runs over the characters of a text, and pieces of that text are appended to something.
fn is_cut_up(syntax: &Syntax, func: FuncId, var: VarId) -> bool {
    let (text, name) = (syntax.source.text(), syntax.str(syntax.var(var).name));
    let own = || syntax.part_within(func).refs(text, name).filter(|&expr| syntax.resolve_if_ident(expr) == Some(var));
    let is_run_through = || own().any(|expr| syntax.parent(expr) == Parent::Range);
    let is_appended = |expr| {
        let Parent::Expr(slice) = syntax.parent(expr) else { return false };
        let ExprKind::Slice { base, low: Some(low), .. } = syntax.kind(slice) else { return false };
        let Parent::Expr(call) = syntax.parent(slice) else { return false };
        *base == expr
            && !matches!(syntax.kind(*low), ExprKind::Int(_))
            && matches!(syntax.kind(call), ExprKind::Call { fun, .. } if syntax.name(*fun) == "append")
    };
    is_run_through() && own().any(is_appended)
}

/// Whether a text begins like a command line: with a word that nothing but white space can end.
fn is_plain(text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default();
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./+@".contains(c))
}
