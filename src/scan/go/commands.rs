//! Programs that a struct names: `exec.Cmd{Path: …}`, and what is assigned to such a field later.

use super::engine::Engine;
use super::load::UnitId;
use super::sinks::{LITERALS, Literal};
use super::sites::{dedup, report};
use super::syntax::{ExprId, ExprKind, Parent, Part, Source, Syntax};
use super::types::{At, Meaning, Member};
use crate::file::Span;
use crate::scan::Scan;

/// The sites of one file.
pub(crate) fn scan_structs(engine: &mut Engine<'_>, unit: UnitId, scan: &mut Scan) {
    let program = engine.program;
    let imported = |literal: &&Literal| program.unit(unit).head.imports.iter().any(|own| own.path == literal.import);
    let known: Vec<&Literal> = LITERALS.iter().filter(imported).collect();
    if known.is_empty() {
        return;
    }
    let syntax = program.syntax(unit);
    let mut own = Scan::default();
    let naming = |names: fn(&Literal) -> &'static str| {
        let mut parts: Vec<&Part> =
            known.iter().flat_map(|literal| program.parts_naming(unit, names(literal))).collect();
        parts.sort_unstable_by_key(|part| part.base);
        parts.dedup_by_key(|part| part.base);
        parts
    };
    for (id, expr) in naming(|literal| literal.name).into_iter().flat_map(Part::exprs) {
        let ExprKind::Composite { ty: Some(ty), elements } = &expr.kind else { continue };
        let name = syntax.name(*ty);
        if !known.iter().any(|literal| literal.name == name) {
            continue;
        }
        let Some(Meaning::External(import, _)) = engine.meaning(At { unit, expr: *ty }) else { continue };
        let is_of = |literal: &&&Literal| literal.name == name && *literal.import == *import;
        let Some(literal) = known.iter().find(is_of) else { continue };
        let path = elements.iter().find(|(key, _)| key.is_some_and(|key| syntax.name(key) == literal.field));
        let Some(&(_, path)) = path else { continue };
        site(engine, At { unit, expr: path }, syntax.expr_span(id), literal, &mut own);
    }
    for assign in naming(|literal| literal.field).into_iter().flat_map(|part| &part.assigns) {
        let Source::Value { expr, index: 0, count: 1 } = assign.source else { continue };
        let name = syntax.name(assign.left);
        if syntax.parent(assign.left) != Parent::Left || !known.iter().any(|literal| literal.field == name) {
            continue;
        }
        let left = At { unit, expr: assign.left };
        if !matches!(syntax.kind(left.expr), ExprKind::Selector { .. }) || engine.meaning(left).is_some() {
            continue;
        }
        let Member::External(import, ty) = engine.member(left) else { continue };
        let is_of = |literal: &&&Literal| *literal.import == *import && *literal.name == *ty && literal.field == name;
        let Some(literal) = known.iter().find(is_of) else { continue };
        if !is_given_already(syntax, left.expr, expr) {
            site(engine, At { unit, expr }, syntax.expr_span(left.expr), literal, &mut own);
        }
    }
    scan.extend(dedup(own));
}

/// Whether a command is made with the very path that it is given later: `cmd := exec.Command(path); cmd.Path = path`.
fn is_given_already(syntax: &Syntax, left: ExprId, path: ExprId) -> bool {
    let ExprKind::Selector { base, .. } = syntax.kind(left) else { return false };
    let Some(Source::Value { expr, .. }) = syntax.resolve_if_ident(*base).map(|var| syntax.var(var).source) else {
        return false;
    };
    let ExprKind::Call { args, .. } = syntax.kind(expr) else { return false };
    let text = |expr: ExprId| syntax.str(syntax.expr(expr).range);
    args.iter().any(|&arg| text(arg) == text(path))
}

fn site(engine: &mut Engine<'_>, path: At, span: Span, literal: &Literal, scan: &mut Scan) {
    if !engine.is_live(path.unit, span.start) {
        return;
    }
    engine.restart(None);
    let set = engine.eval(path, 0);
    let package = literal.import.rsplit('/').next().unwrap_or(literal.import);
    report(&set, &[], span, &format!("{package}.{}", literal.name), scan);
}
