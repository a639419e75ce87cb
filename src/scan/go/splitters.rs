//! Splitters of command lines that a program has itself: functions that go through a text character by character and
//! append pieces of it to a list.
//!
//! Such a function is not run. The words of a text that is known are taken to be what a shell would make of it.

use super::engine::Engine;
use super::models::word_list;
use super::syntax::{ExprId, ExprKind, FuncId, Parent, Syntax, VarId};
use super::texts;
use super::types::{FuncAt, VarAt};
use super::value::{Context, Kind, Part, Set, Value};

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
                Kind::Text(parts) if starts_plain(parts) => word_list(value, &texts::command_line),
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
    let part = syntax.part_within(func);
    let own = || part.refs(text, name).filter(|&expr| syntax.resolve_if_ident(expr) == Some(var));
    let is_constant = |expr: ExprId| matches!(syntax.kind(expr), ExprKind::Int(_));
    let is_run_through = |expr: ExprId| match syntax.parent(expr) {
        Parent::Range => true,
        // `s[i]`, `s[i:i+1]`
        Parent::Expr(outer) => match *syntax.kind(outer) {
            ExprKind::Index { base, index } => base == expr && !is_constant(index),
            ExprKind::Slice { base, low: Some(low), high: Some(_) } => base == expr && !is_constant(low),
            _ => false,
        },
        _ => false,
    };
    let is_appended = |expr: ExprId| match syntax.parent(expr) {
        Parent::Expr(call) => matches!(syntax.kind(call), ExprKind::Call { fun, .. } if syntax.name(*fun) == "append"),
        _ => false,
    };
    let is_piece = |expr: ExprId| {
        let Parent::Expr(slice) = syntax.parent(expr) else { return false };
        matches!(*syntax.kind(slice), ExprKind::Slice { base, low: Some(low), .. } if base == expr && !is_constant(low))
            && is_appended(slice)
    };
    // `word += character`, and the word is appended.
    let is_gathered = || {
        let mut grown = part.assigns.iter().filter(|assign| assign.adds && !syntax.name(assign.left).is_empty());
        grown.any(|assign| part.refs(text, syntax.name(assign.left)).any(is_appended))
    };
    own().any(is_run_through) && (own().any(is_piece) || is_gathered())
}

/// Whether a text begins like a command line: with a word that nothing but white space can end.
fn starts_plain(parts: &[Part]) -> bool {
    let known = parts.iter().map_while(|part| match part {
        Part::Known(text, _) => Some(&**text),
        Part::Hole(_) => None,
    });
    let text: String = known.collect();
    let is_whole = !parts.iter().any(|part| matches!(part, Part::Hole(_)));
    let mut words = text.split_whitespace();
    let is_plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./+@".contains(c));
    words.next().is_some_and(is_plain) && (is_whole || text.trim_start().contains(char::is_whitespace))
}
