//! Texts that are written piece by piece: buffers, builders and templates.

use super::engine::Engine;
use super::syntax::{ExprKind, Parent};
use super::types::At;
use super::value::{Context, Kind, Part, Set, Value};

impl Engine<'_> {
    /// A method known by its name alone, on a value without sources: templates, buffers, flag sets.
    pub(crate) fn eval_unknown_method(&mut self, call: At, name: &str, context: Context) -> Option<Set> {
        let syntax = self.program.syntax(call.unit);
        let base = self.receiver_of(call)?;
        match name {
            "Parse" if self.leads_to_template(base) => {
                let set = self.argument(call, 0, context);
                Some(set.map_parts(|parts| {
                    let templated = |part: &Part| matches!(part, Part::Known(text, _) if text.contains("{{"));
                    if parts.iter().any(templated) { vec![Part::Hole("a template".into())] } else { parts }
                }))
            }
            "String" if syntax.resolve_if_ident(base.expr).is_some() => self.buffer(call, base, context),
            _ => None,
        }
    }

    /// Whether a chain of calls starts at `template.New`.
    fn leads_to_template(&mut self, at: At) -> bool {
        let syntax = self.program.syntax(at.unit);
        let mut expr = at.expr;
        for _ in 0..20 {
            match syntax.kind(expr) {
                ExprKind::Call { fun, .. } => expr = *fun,
                ExprKind::Selector { base, .. } => {
                    if matches!(syntax.kind(*base), ExprKind::Ident)
                        && let Some(import) = self.program.import_of(at.unit, syntax.name(*base))
                    {
                        return import.ends_with("/template");
                    }
                    expr = *base;
                }
                _ => return false,
            }
        }
        false
    }

    /// What a template or `WriteString` has written into a buffer, in order. Where another function gets the buffer too,
    /// or a piece is written in a loop or under a condition, it ends in what is not known.
    fn buffer(&mut self, read: At, base: At, context: Context) -> Option<Set> {
        let syntax = self.program.syntax(base.unit);
        let var = syntax.resolve_if_ident(base.expr)?;
        let declared = syntax.var(var).name.start;
        let name = syntax.name(base.expr).to_owned();
        let mut refs: Vec<u32> =
            self.program.refs(base.unit, &name).filter(|&expr| syntax.resolve(expr) == Some(var)).collect();
        refs.sort_unstable_by_key(|&expr| syntax.expr(expr).range.start);
        let mut templates = Set::default();
        let mut text = Set::one(Value::new(Kind::Text(Vec::new())));
        let mut written = false;
        let rest = Set::hole("what else is written");
        for expr in refs {
            let at = syntax.expr(expr).range.start;
            let Parent::Expr(outer) = syntax.parent(expr) else { continue };
            if at >= syntax.expr(read.expr).range.start {
                continue;
            }
            let around = |range: super::syntax::Range| range.contains(at) && !range.contains(declared);
            let part = syntax.part_at(at);
            let always = !part.loops.iter().any(|(range, _)| around(*range))
                && !part.guards.iter().any(|guard| !guard.by_leaving && around(guard.range));
            let piece = match syntax.kind(outer) {
                ExprKind::Address(_) => {
                    let Parent::Expr(call) = syntax.parent(outer) else { continue };
                    let ExprKind::Call { fun, .. } = syntax.kind(call) else { continue };
                    match (syntax.name(*fun), syntax.kind(*fun)) {
                        (name, ExprKind::Selector { base: template, .. }) if name.starts_with("Execute") => {
                            templates.extend(self.eval(At { unit: base.unit, expr: *template }, context));
                            continue;
                        }
                        ("Fprintf", _) => self.sprintf(At { unit: base.unit, expr: call }, 1, context),
                        ("Fprint", _) => self.argument(At { unit: base.unit, expr: call }, 1, context),
                        _ => rest.clone(),
                    }
                }
                ExprKind::Selector { .. } => {
                    let Some(call) = self.call_of(At { unit: base.unit, expr: outer }) else { continue };
                    match syntax.name(outer) {
                        "WriteString" | "Write" => self.argument(call, 0, context),
                        "String" | "Len" | "Grow" | "Cap" => continue,
                        _ => rest.clone(),
                    }
                }
                _ => continue,
            };
            written = true;
            text = self.join_texts(&text, if always { &piece } else { &rest });
        }
        if !templates.is_empty() {
            return Some(templates);
        }
        written.then_some(text)
    }
}
