//! What well-known functions without sources make of their arguments: texts, lists, paths, flags, the environment.
//!
//! A function that is not here gives a hole that names it.

use super::engine::Engine;
use super::syntax::{ExprId, ExprKind, Parent};
use super::types::At;
use super::value::{Context, Item, Kind, List, Part, Set, Value, tidy, words};
use std::rc::Rc;

impl Engine<'_> {
    fn argument(&mut self, call: At, index: usize, context: Context) -> Set {
        let ExprKind::Call { args, .. } = self.program.syntax(call.unit).kind(call.expr) else { return Set::default() };
        match args.get(index) {
            Some(&expr) => self.eval(At { unit: call.unit, expr }, context),
            None => Set::default(),
        }
    }

    /// The `index`th result of a function without sources.
    pub(crate) fn eval_external(&mut self, call: At, import: &str, name: &str, index: u32, context: Context) -> Set {
        let syntax = self.program.syntax(call.unit);
        let ExprKind::Call { args, .. } = syntax.kind(call.expr) else { return Set::default() };
        let span = syntax.expr_span(call.expr);
        if index > 0 {
            return Set::default();
        }
        match (import, name) {
            (
                "strings" | "bytes",
                "TrimSpace" | "Trim" | "TrimRight" | "TrimLeft" | "TrimSuffix" | "ReplaceAll" | "Replace" | "Clone"
                | "ToValidUTF8",
            ) => self.replaced(call, name, context),
            ("strings", "TrimPrefix" | "ToLower" | "ToUpper") => self.mapped(call, name, context),
            ("path" | "path/filepath", "Clean" | "FromSlash" | "ToSlash" | "Abs" | "EvalSymlinks")
            | ("os", "ExpandEnv")
            | ("sync", "OnceValue" | "OnceFunc" | "OnceValues")
            | ("slices", "Clone" | "Insert" | "Compact") => self.argument(call, 0, context),
            ("os/exec" | "golang.org/x/sys/execabs" | "github.com/cli/safeexec", "LookPath") => {
                let mut set = self.argument(call, 0, context);
                if self.copes_with_absence(call) {
                    set.values.iter_mut().for_each(|value| value.optional = true);
                }
                set
            }
            ("path" | "path/filepath", "Base") => {
                self.argument(call, 0, context).map_parts(|parts| match parts.last() {
                    Some(Part::Known(text, span)) if parts.len() == 1 || text.contains('/') => {
                        vec![Part::Known(text.rsplit('/').next().unwrap_or(text).into(), *span)]
                    }
                    _ => parts,
                })
            }
            ("path" | "path/filepath", "Dir") => self.argument(call, 0, context).map_parts(|parts| match &parts[..] {
                [Part::Known(text, span)] => {
                    let dir = text.rsplit_once('/').map_or(".", |(dir, _)| dir);
                    vec![Part::Known(dir.into(), *span)]
                }
                _ => vec![Part::Hole("a folder that is not known".into())],
            }),
            ("path" | "path/filepath", "Join") => self.joined_path(call, args, context),
            ("fmt", "Sprintf") => self.sprintf(call, args, context),
            ("fmt", "Sprint") => {
                let mut set = Set::one(Value::new(Kind::Text(Vec::new())));
                for index in 0..args.len() {
                    let next = self.argument(call, index, context);
                    set = self.join_texts(&set, &next);
                }
                set
            }
            ("strings", "Fields") => self.split(call, context, &|c| c.is_whitespace()),
            (
                "github.com/kballard/go-shellquote"
                | "github.com/google/shlex"
                | "github.com/anmitsu/go-shlex"
                | "github.com/mattn/go-shellwords",
                "Split" | "Parse",
            ) => self.split(call, context, &|c| c.is_whitespace()),
            ("strings", "Split" | "SplitN") => {
                let separator = self.argument(call, 1, context);
                match separator.values.first().and_then(Value::known_text) {
                    Some(separator) if separator.chars().count() == 1 => {
                        self.split(call, context, &move |c| separator.starts_with(c))
                    }
                    _ => Set::hole_at("a text that is split", span),
                }
            }
            ("strings", "Join") => {
                let list = self.argument(call, 0, context);
                self.joined_list(&list)
            }
            ("cmp", "Or") => {
                let mut set = Set::default();
                for index in 0..args.len() {
                    let next = self.argument(call, index, context);
                    set.extend(if index == 0 { next } else { next.defaults() });
                }
                set
            }
            ("os", "Getenv" | "LookupEnv") | ("syscall", "Getenv") => self.environment(call, context),
            ("os", "Executable") => Set::one(Value::new(Kind::Own)),
            ("flag" | "github.com/spf13/pflag", "String" | "StringP") => {
                let index = if name == "StringP" { 2 } else { 1 };
                let mut set = self.argument(call, index, context).defaults();
                set.add(Value::hole_at("a flag of the command line", span));
                set
            }
            ("text/template" | "html/template", "Must") => self.argument(call, 0, context),
            _ => self
                .eval_unknown_method(call, name.rsplit('.').next().unwrap_or(name), context)
                .unwrap_or_else(|| Set::hole_at(format!("the result of {import}.{name}"), span)),
        }
    }

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
            "String" if syntax.resolve_if_ident(base.expr).is_some() => self.buffer(base, context),
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

    /// What a template writes into a buffer, and what is written with `WriteString` first.
    fn buffer(&mut self, base: At, context: Context) -> Option<Set> {
        let syntax = self.program.syntax(base.unit);
        let var = syntax.resolve_if_ident(base.expr)?;
        let name = syntax.name(base.expr).to_owned();
        let mut found = Set::default();
        for expr in syntax.refs(&name) {
            if syntax.resolve(expr) != Some(var) {
                continue;
            }
            let Parent::Expr(outer) = syntax.parent(expr) else { continue };
            match syntax.kind(outer) {
                ExprKind::Address(_) => {
                    let Parent::Expr(call) = syntax.parent(outer) else { continue };
                    let ExprKind::Call { fun, .. } = syntax.kind(call) else { continue };
                    let (true, ExprKind::Selector { base: template, .. }) =
                        (syntax.name(*fun).starts_with("Execute"), syntax.kind(*fun))
                    else {
                        continue;
                    };
                    found.extend(self.eval(At { unit: base.unit, expr: *template }, context));
                }
                ExprKind::Selector { .. } if syntax.name(outer) == "WriteString" && found.is_empty() => {
                    let Some(call) = self.call_of(At { unit: base.unit, expr: outer }) else { continue };
                    let text = self.argument(call, 0, context);
                    found.extend(self.join_texts(&text, &Set::hole("what is written after it")));
                }
                _ => {}
            }
        }
        (!found.is_empty()).then_some(found)
    }

    /// A variable or field whose address is handed on: flags that set it.
    pub(crate) fn eval_pointer_use(&mut self, at: At, context: Context) -> Set {
        let syntax = self.program.syntax(at.unit);
        let Parent::Expr(call) = syntax.parent(at.expr) else { return Set::default() };
        let ExprKind::Call { fun, .. } = syntax.kind(call) else { return Set::default() };
        let index = match syntax.name(*fun) {
            "StringVar" => 2,
            "StringVarP" => 3,
            _ => return Set::default(),
        };
        let call = At { unit: at.unit, expr: call };
        let mut set = self.argument(call, index, context).defaults();
        set.add(Value::hole_at("a flag of the command line", syntax.expr_span(call.expr)));
        set
    }

    fn environment(&mut self, call: At, context: Context) -> Set {
        let span = self.program.syntax(call.unit).expr_span(call.expr);
        let mut set = Set::default();
        for name in self.argument(call, 0, context).values {
            match name.known_text() {
                Some(name) => match self.env.get(&name) {
                    Some(value) => set.extend(Set::one(Value::text(value, span)).defaults()),
                    None => set.add(Value::hole_at(format!("the environment variable {name}"), span)),
                },
                None if matches!(name.kind, Kind::Param(..)) => set.add(name),
                None => set.add(Value::hole_at("an environment variable", span)),
            }
        }
        set
    }

    fn mapped(&mut self, call: At, name: &str, context: Context) -> Set {
        let set = self.argument(call, 0, context);
        let prefix = self.argument(call, 1, context).values.first().and_then(Value::known_text).unwrap_or_default();
        set.map_parts(|parts| {
            let change = |text: &str, first: bool| match name {
                "ToLower" => text.to_lowercase(),
                "ToUpper" => text.to_uppercase(),
                _ if first => text.strip_prefix(prefix.as_str()).unwrap_or(text).to_owned(),
                _ => text.to_owned(),
            };
            parts
                .into_iter()
                .enumerate()
                .map(|(index, part)| match part {
                    Part::Known(text, span) => Part::Known(change(&text, index == 0).into(), span),
                    hole @ Part::Hole(_) => hole,
                })
                .collect()
        })
    }

    fn replaced(&mut self, call: At, name: &str, context: Context) -> Set {
        let set = self.argument(call, 0, context);
        if name == "TrimSpace" {
            return set.map_parts(|parts| match &parts[..] {
                [Part::Known(text, span)] => vec![Part::Known(text.trim().into(), *span)],
                _ => parts,
            });
        }
        if !name.starts_with("Replace") {
            return set;
        }
        let old = self.argument(call, 1, context).values.first().and_then(Value::known_text);
        let new = self.argument(call, 2, context);
        let Some(old) = old.filter(|old| !old.is_empty()) else { return set };
        let new = match &new.values[..] {
            [only] => only.parts(),
            _ => vec![Part::Hole("a replacement".into())],
        };
        set.map_parts(|parts| {
            let mut changed = Vec::new();
            for part in parts {
                let Part::Known(text, span) = &part else {
                    changed.push(part);
                    continue;
                };
                for (index, piece) in text.split(old.as_str()).enumerate() {
                    if index > 0 {
                        changed.extend(new.iter().cloned());
                    }
                    changed.push(Part::Known(piece.into(), *span));
                }
            }
            tidy(changed)
        })
    }

    fn joined_path(&mut self, call: At, args: &[ExprId], context: Context) -> Set {
        let ExprKind::Call { spread, .. } = self.program.syntax(call.unit).kind(call.expr) else {
            return Set::default();
        };
        if *spread {
            return Set::hole("a joined path");
        }
        let span = self.program.syntax(call.unit).expr_span(call.expr);
        let mut set = Set::one(Value::new(Kind::Text(Vec::new())));
        for index in 0..args.len() {
            let next = self.argument(call, index, context);
            if index > 0 {
                let slash = Set::one(Value::new(Kind::Text(vec![Part::Known("/".into(), span)])));
                set = self.join_texts(&set, &slash);
            }
            set = self.join_texts(&set, &next);
        }
        let mut cleaned = Set::default();
        for mut value in set.values {
            if let Some(text) = value.known_text() {
                let absolute = text.starts_with('/');
                let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
                let text = format!("{}{}", if absolute { "/" } else { "" }, parts.join("/"));
                value.kind = Kind::Text(vec![Part::Known(text.into(), span)]);
            }
            cleaned.add(value);
        }
        cleaned
    }

    fn sprintf(&mut self, call: At, args: &[ExprId], context: Context) -> Set {
        let formats = self.argument(call, 0, context);
        let span = self.program.syntax(call.unit).expr_span(call.expr);
        let mut found = Set::default();
        for format in formats.values {
            let Some(text) = format.known_text() else {
                found.add(if matches!(format.kind, Kind::Param(..)) {
                    format
                } else {
                    Value::hole_at("a format", span)
                });
                continue;
            };
            let place = match &format.kind {
                Kind::Text(parts) => parts.iter().find_map(|part| match part {
                    Part::Known(_, span) => Some(*span),
                    Part::Hole(_) => None,
                }),
                _ => None,
            };
            let place = place.unwrap_or(span);
            let mut set = Set::one(Value { kind: Kind::Text(Vec::new()), ..format });
            let mut index = 1;
            let mut rest = text.as_str();
            while let Some(at) = rest.find('%') {
                let known = Set::one(Value::new(Kind::Text(vec![Part::Known(rest[..at].into(), place)])));
                set = self.join_texts(&set, &known);
                let after = &rest[at + 1..];
                let end = after.find(|c: char| c.is_ascii_alphabetic() || c == '%').unwrap_or(after.len());
                let verb = after[end..].chars().next();
                rest = verb.map_or("", |verb| &after[end + verb.len_utf8()..]);
                let next = match verb {
                    Some('%') => Set::one(Value::new(Kind::Text(vec![Part::Known("%".into(), place)]))),
                    Some('s' | 'v' | 'd') if end == 0 && index < args.len() => {
                        index += 1;
                        self.argument(call, index - 1, context)
                    }
                    _ => {
                        index += 1;
                        Set::hole("a formatted value")
                    }
                };
                let next = if next.is_empty() { Set::hole("a formatted value") } else { next };
                set = self.join_texts(&set, &next);
            }
            let known = Set::one(Value::new(Kind::Text(vec![Part::Known(rest.into(), place)])));
            found.extend(self.join_texts(&set, &known));
        }
        found
    }

    fn split(&mut self, call: At, context: Context, is_separator: &dyn Fn(char) -> bool) -> Set {
        let mut found = Set::default();
        for mut value in self.argument(call, 0, context).values {
            if let Kind::Text(parts) = &value.kind {
                let (pieces, open) = words(parts, is_separator);
                let item = |parts: Vec<Part>| {
                    let kind = match &parts[..] {
                        [Part::Hole(reason)] => Kind::Hole(Rc::clone(reason)),
                        _ => Kind::Text(parts),
                    };
                    Item::Done(Rc::new(Set::one(Value { kind, ..value.clone() })))
                };
                let items = pieces.into_iter().map(item).collect();
                let rest = if open { vec![Item::Done(Rc::new(Set::hole("a later word")))] } else { Vec::new() };
                value.kind = Kind::List(Rc::new(List { items, rest, open, writes: Vec::new() }));
            }
            found.add(value);
        }
        found
    }

    /// A list's elements joined with spaces.
    fn joined_list(&mut self, set: &Set) -> Set {
        let mut found = Set::default();
        for value in &set.values {
            let Kind::List(list) = &value.kind else {
                found.add(value.clone());
                continue;
            };
            let one = Set::one(value.clone());
            let mut text = Set::one(Value::new(Kind::Text(Vec::new())));
            for index in 0..list.items.len().min(64) {
                let next = self.element(&one, index);
                text = self.join_texts(&text, &next);
                if index + 1 < list.items.len() {
                    let Some(span) = next.values.first().and_then(|value| value.steps().first().map(|step| step.span))
                    else {
                        break;
                    };
                    let space = Set::one(Value::new(Kind::Text(vec![Part::Known(" ".into(), span)])));
                    text = self.join_texts(&text, &space);
                }
            }
            if list.open {
                text = self.join_texts(&text, &Set::hole("the rest of a list"));
            }
            found.extend(text);
        }
        found
    }
}
