//! From sinks to exec sites: each sink's program and arguments, caller by caller where parameters decide.

use super::commands::scan_structs;
use super::engine::Engine;
use super::load::{Program, UnitId};
use super::models::word_list;
use super::pairs::Invocation;
use super::shells::{Read, dialect, run_by, runs_others, shell_text};
use super::sinks::{Arguments, LITERALS, SINKS, Sink};
use super::syntax::{ExprId, ExprKind, Parent};
use super::texts;
use super::types::{At, FuncAt, Member};
use super::value::{Context, Kind, Part, Set, Value};
use super::words::way;
use crate::file::Span;
use crate::scan::shell::Dialect;
use crate::scan::{Scan, ScanContext};
use crate::site::{self, ExecSite, Step};
use std::collections::{BTreeMap, BTreeSet};

/// How many chains of callers one sink is looked at through.
const MAX_CHAINS: usize = 400;
/// How many open values of one place are told apart.
const MAX_OPEN: usize = 4;
/// How many callers up a chain goes.
const MAX_LEVELS: u32 = 8;

/// A sink in the code.
#[derive(Clone, Copy, Debug)]
struct Found {
    call: At,
    sink: Sink,
}

/// The sites of the files of one program.
pub(crate) fn scan_unit(engine: &mut Engine<'_>, context: &ScanContext<'_>, unit: UnitId, scan: &mut Scan) {
    for found in sinks_in(engine, unit) {
        let start = engine.program.syntax(found.call.unit).expr(found.call.expr).range.start;
        if engine.is_live(found.call.unit, start) {
            scan_sink(engine, context, found, scan);
        }
    }
    scan_structs(engine, unit, scan);
    scan.sites = first_open(std::mem::take(&mut scan.sites));
}

/// The files that import a sink's package and select its function, or a command's type.
pub(crate) fn units_with_sinks(program: &Program) -> Vec<UnitId> {
    let imports = |unit: UnitId, path: &str| program.unit(unit).head.imports.iter().any(|import| import.path == path);
    let mut units = BTreeSet::new();
    let functions = SINKS.iter().map(|sink| (sink.function, sink.import));
    let structs = LITERALS.iter().map(|literal| (literal.name, literal.import));
    for (name, import) in functions.chain(structs) {
        let name = name.rsplit('.').next().unwrap_or(name);
        let users = program.outline().users(name, way::SELECTOR);
        units.extend(users.filter(|&unit| imports(unit, import)));
    }
    units.into_iter().collect()
}

fn sinks_in(engine: &mut Engine<'_>, unit: UnitId) -> Vec<Found> {
    let program = engine.program;
    let mut found = Vec::new();
    let imports: Vec<(String, String)> = program
        .unit(unit)
        .head
        .imports
        .iter()
        .filter(|import| SINKS.iter().any(|sink| sink.import == import.path))
        .filter_map(|import| Some((program.local_name(import)?.to_owned(), import.path.clone())))
        .collect();
    if imports.is_empty() {
        return found;
    }
    let syntax = program.syntax(unit);
    found.extend(methods_in(engine, unit, &imports));
    for (local, path) in &imports {
        for base in program.refs(unit, local) {
            let Parent::Expr(selector) = syntax.parent(base) else { continue };
            let Some(sink) = SINKS.iter().find(|sink| sink.import == *path && sink.function == syntax.name(selector))
            else {
                continue;
            };
            if !matches!(syntax.kind(selector), ExprKind::Selector { base: own, .. } if *own == base)
                || syntax.resolve(base).is_some()
            {
                continue;
            }
            for call in engine.calls_of_value(At { unit, expr: selector }) {
                found.push(Found { call, sink: *sink });
            }
        }
    }
    found
}

/// Calls of methods of types without sources.
fn methods_in(engine: &mut Engine<'_>, unit: UnitId, imports: &[(String, String)]) -> Vec<Found> {
    let program = engine.program;
    let syntax = program.syntax(unit);
    let mut found = Vec::new();
    for sink in SINKS.iter().filter(|sink| imports.iter().any(|(_, path)| path == sink.import)) {
        let Some((ty, name)) = sink.function.split_once('.') else { continue };
        for selector in program.refs(unit, name) {
            let at = At { unit, expr: selector };
            let Some(call) = engine.call_of(at) else { continue };
            let ExprKind::Selector { .. } = syntax.kind(selector) else { continue };
            if engine.meaning(at).is_none()
                && matches!(engine.member(at), Member::External(import, own)
                    if *import == *sink.import && (ty.is_empty() || *own == *ty))
            {
                found.push(Found { call, sink: *sink });
            }
        }
    }
    found
}

fn scan_sink(engine: &mut Engine<'_>, context: &ScanContext<'_>, found: Found, scan: &mut Scan) {
    let syntax = engine.program.syntax(found.call.unit);
    let ExprKind::Call { args, .. } = syntax.kind(found.call.expr) else { return };
    if let Arguments::Fixed(programs) = found.sink.arguments {
        fixed(syntax.expr_span(found.call.expr), found.sink, programs, scan);
        return;
    }
    let Some(&program) = args.get(found.sink.program) else { return };
    let program = At { unit: found.call.unit, expr: program };
    let bottom =
        syntax.expr(found.call.expr).func.map(|func| FuncAt { unit: found.call.unit, func: outermost(syntax, func) });
    engine.restart(bottom);
    let mut own = Scan::default();
    let mut chains: Vec<(Context, Option<FuncAt>, u32)> = vec![(0, bottom, 0)];
    let mut looked = 0;
    let mut read = Read::new();
    while let Some((chain, bottom, level)) = chains.pop() {
        looked += 1;
        engine.set_bottom(if level < MAX_LEVELS && looked < MAX_CHAINS { bottom } else { None });
        let set = match found.sink.arguments {
            Arguments::Words => first_word(engine, program, chain),
            Arguments::Shell(_) => joined_arguments(engine, found, args, chain),
            _ => engine.eval(program, chain),
        };
        let mut invocations = invocations(engine, found, args, chain, &set);
        let deferred =
            Engine::deferred(&set).or_else(|| invocations.iter().flat_map(|one| &one.argv).find_map(Engine::deferred));
        // The function whose parameter decides: that of the sink, or one around it.
        let decider = match deferred.as_ref().map(|value| &value.kind) {
            Some(&Kind::Param(func, _)) => Some(func),
            _ => None,
        };
        let callers = decider.map(|func| engine.callers_by_type(func)).unwrap_or_default();
        if deferred.is_some() && !callers.is_empty() {
            for site in callers.iter() {
                let Some(func) = decider else { break };
                let Some(longer) = engine.extend(chain, site.call, func) else { continue };
                let syntax = engine.program.syntax(site.call.unit);
                let next = syntax
                    .expr(site.call.expr)
                    .func
                    .map(|func| FuncAt { unit: site.call.unit, func: outermost(syntax, func) });
                chains.push((longer, next, level + 1));
            }
            continue;
        }
        if engine.is_way_ruled_out(found.call, chain) {
            continue;
        }
        // One program of several runs others: each literal of the struct that holds the arguments by itself.
        if let Some(list) = spread_list(engine, found)
            && set.values.len() > 1
            && runs_others(&set)
        {
            for (chain, func) in engine.literals_behind(list, chain) {
                let bottom = func.map(|at| FuncAt { func: outermost(engine.program.syntax(at.unit), at.func), ..at });
                chains.push((chain, bottom, level + 1));
                invocations.clear();
            }
        }
        let set = set_of_unknown(engine, set);
        let span = engine.program.syntax(program.unit).expr_span(program.expr);
        let api = syntax.str(
            syntax
                .expr(match syntax.kind(found.call.expr) {
                    ExprKind::Call { fun, .. } => *fun,
                    _ => found.call.expr,
                })
                .range,
        );
        let steps = chain_steps(engine, chain);
        let api = if api.len() > 60 || api.contains('\n') { found.sink.function } else { api };
        site(context, found, &set, &invocations, (span, api, &steps), &mut read, &mut own);
    }
    let copes = found.sink.arguments == Arguments::Lookup && engine.copes_with_absence(found.call);
    for site in &mut own.sites {
        site.optional |=
            copes || site.program.base_name().is_some_and(|name| engine.is_looked_up_before(found.call, name));
    }
    scan.extend(dedup(own));
}

/// Parameters that no caller gives stand for what is not known.
fn set_of_unknown(engine: &Engine<'_>, set: Set) -> Set {
    let mut known = Set::default();
    for mut value in set.values {
        if let Kind::Param(func, index) = value.kind {
            value.kind = Kind::Hole(engine.unknown_parameter(func, index).into());
        }
        known.add(value);
    }
    known
}

/// The programs that a function runs whatever it is given.
fn fixed(span: Span, sink: Sink, programs: &[&str], scan: &mut Scan) {
    for program in programs {
        let mut site = ExecSite::new(site::Program::from_text(program), span, "go", sink.function);
        site.optional = programs.len() > 1;
        scan.sites.push(site);
    }
}

/// The first word of the first of several arguments that make up a command line.
fn first_word(engine: &mut Engine<'_>, first: At, chain: Context) -> Set {
    let set = engine.eval(first, chain);
    let mut words = Set::default();
    for value in set.values {
        // The arguments are one list handed on with `...`, or each a text.
        let texts = match value.kind {
            Kind::List(_) => engine.element(&Set::one(value), 0),
            _ => Set::one(value),
        };
        for text in texts.values {
            let list = Set::one(word_list(text, &texts::command_line));
            words.extend(match list.values[..] {
                [Value { kind: Kind::List(_), .. }] => engine.element(&list, 0),
                _ => list,
            });
        }
    }
    words
}

/// The arguments from the program on with spaces between them.
fn joined_arguments(engine: &mut Engine<'_>, found: Found, args: &[ExprId], chain: Context) -> Set {
    let unit = found.call.unit;
    let span = engine.program.syntax(unit).expr_span(found.call.expr);
    let space = Set::one(Value::new(Kind::Text(vec![Part::Known(" ".into(), span)])));
    let mut text = Set::one(Value::new(Kind::Text(Vec::new())));
    for (index, &arg) in args.iter().enumerate().skip(found.sink.program) {
        if index > found.sink.program {
            text = engine.join_texts(&text, &space);
        }
        let next = engine.eval(At { unit, expr: arg }, chain);
        let next = if next.values.iter().any(|value| matches!(value.kind, Kind::List(_))) {
            engine.joined_list(&next, &space)
        } else {
            next
        };
        text = engine.join_texts(&text, &next);
    }
    text
}

/// The function around all literals.
fn outermost(syntax: &super::syntax::Syntax, mut func: u32) -> u32 {
    while let Some(outer) = syntax.func(func).outer {
        if syntax.func(func).params.iter().any(|param| param.var.is_some()) && syntax.func(func).literal.is_some() {
            break;
        }
        func = outer;
    }
    func
}

fn chain_steps(engine: &Engine<'_>, chain: Context) -> Vec<Step> {
    let mut steps = Vec::new();
    for (call, func) in engine.calls_of(chain) {
        let what = format!("{} called by {}", engine.func_name(func), engine.place_name(call));
        steps.push(Step { what, span: engine.program.syntax(call.unit).expr_span(call.expr) });
    }
    steps
}

/// The last argument of a call where it is a list (`...`) of arguments of the program.
fn spread_list(engine: &Engine<'_>, found: Found) -> Option<At> {
    let ExprKind::Call { args, spread: true, .. } = engine.program.syntax(found.call.unit).kind(found.call.expr) else {
        return None;
    };
    let last = args.len().checked_sub(1).filter(|&last| last > found.sink.program)?;
    (found.sink.arguments == Arguments::Spread).then(|| At { unit: found.call.unit, expr: args[last] })
}

/// The programs with the arguments after them.
fn invocations(
    engine: &mut Engine<'_>,
    found: Found,
    args: &[ExprId],
    chain: Context,
    program: &Set,
) -> Vec<Invocation> {
    let runs_others = runs_others(program);
    let at = |expr: ExprId| At { unit: found.call.unit, expr };
    let mut argv = Vec::new();
    match found.sink.arguments {
        Arguments::Spread => {
            let list = spread_list(engine, found);
            for &arg in args.get(found.sink.program + 1..).unwrap_or(&[]) {
                if let Some(list) = list.filter(|&list| list == at(arg)) {
                    if runs_others {
                        return engine.spread((at(args[found.sink.program]), program), &argv, list, chain);
                    }
                } else if runs_others || matches!(engine.program.syntax(found.call.unit).kind(arg), ExprKind::Text(_)) {
                    argv.push(engine.eval(at(arg), chain));
                } else {
                    break;
                }
            }
        }
        Arguments::Argv(index) if runs_others => {
            if let Some(&arg) = args.get(index) {
                let list = engine.eval(at(arg), chain);
                argv.extend(engine.list_sets(&list, 1));
            }
        }
        _ => {}
    }
    vec![Invocation { program: program.clone(), argv }]
}

fn site(
    context: &ScanContext<'_>,
    found: Found,
    set: &Set,
    invocations: &[Invocation],
    (span, api, steps): (Span, &str, &[Step]),
    read: &mut Read,
    scan: &mut Scan,
) {
    if found.sink.arguments == Arguments::Line {
        for value in &set.values {
            shell_text(context, &value.parts(), span, Dialect::Posix, scan);
        }
        return;
    }
    if let Arguments::Shell(shell) = found.sink.arguments {
        let mut own = ExecSite::new(site::Program::from_text(shell), span, "go", api);
        own.trace = steps.to_vec();
        scan.sites.push(own);
        for value in &set.values {
            shell_text(context, &value.parts(), span, dialect(shell).unwrap_or(Dialect::Posix), scan);
        }
        return;
    }
    let before = scan.sites.len();
    let argv = match invocations {
        [only] => &only.argv[..],
        _ => &[],
    };
    report(set, argv, span, api, scan);
    for site in &mut scan.sites[before..] {
        site.trace.extend(steps.iter().cloned());
    }
    for one in invocations {
        run_by(context, one, (span, api), read, scan);
    }
}

/// One site for each value.
pub(crate) fn report(set: &Set, argv: &[Set], span: Span, api: &str, scan: &mut Scan) {
    let configured = set.has_hole();
    for value in &set.values {
        let Some(program) = program_of(value) else { continue };
        let mut site = ExecSite::new(program, span, "go", api);
        site.default = value.default || (configured && !value.is_hole());
        site.optional = value.optional;
        site.trace = value.steps();
        for argument in argv {
            match &argument.values[..] {
                [only] => match only.known_text() {
                    Some(text) => site.arguments.push(text),
                    None => break,
                },
                _ => break,
            }
        }
        scan.sites.push(site);
    }
}

/// The program that a value names; nothing for the running program itself and for what no file can be called.
fn program_of(value: &Value) -> Option<site::Program> {
    match &value.kind {
        Kind::Text(_) => match value.known_text() {
            Some(text) if text == "/proc/self/exe" => None,
            Some(text) if !may_be_program(&text) => None,
            Some(text) => Some(site::Program::from_text(&text)),
            None => Some(site::Program::Dynamic(dynamic_reason(&value.parts()))),
        },
        Kind::Hole(reason) => Some(site::Program::Dynamic(reason.to_string())),
        Kind::Param(..) => Some(site::Program::Dynamic("a parameter".to_owned())),
        Kind::Object(_) | Kind::List(_) => Some(site::Program::Dynamic("a value that is not known".to_owned())),
        _ => None,
    }
}

/// Whether a Linux program can be called that: no option, no folder, no shell operator, no path of Windows.
pub(super) fn may_be_program(text: &str) -> bool {
    let name = text.rsplit('/').next().unwrap_or_default();
    !text.starts_with('-')
        && (name == "[" || name.contains(char::is_alphabetic))
        // A suffix (`.exe`) or a prefix (`tool-`) whose other part is not known.
        && !name.starts_with('.')
        && !name.ends_with(['-', '_', '.', ':', '='])
        && !text.contains([' ', '\n', '\t', '%', '"', '&', '|', ';', '$', '\\', '<', '>'])
}

fn dynamic_reason(parts: &[Part]) -> String {
    let mut shown = String::new();
    let mut reason = "";
    for part in parts {
        match part {
            Part::Known(text, _) => shown.push_str(text),
            Part::Hole(why) => {
                shown.push('…');
                if reason.is_empty() {
                    reason = why;
                }
            }
        }
    }
    format!("`{shown}`: {reason}")
}

/// One site a program and place, the one with the shortest trace.
pub(crate) fn dedup(scan: Scan) -> Scan {
    let mut best: BTreeMap<(site::Program, Span, String), ExecSite> = BTreeMap::new();
    for site in scan.sites {
        let key = (site.program.clone(), site.span, site.language.to_owned());
        match best.get_mut(&key) {
            Some(known) => {
                let default = known.default && site.default;
                let optional = known.optional && site.optional;
                if known.trace.len() > site.trace.len() {
                    *known = site;
                }
                (known.default, known.optional) = (default, optional);
            }
            None => {
                best.insert(key, site);
            }
        }
    }
    Scan { sites: best.into_values().collect(), skipped: scan.skipped, findings: scan.findings }
}

/// Of a place with many open values the first few, and how many more there are.
fn first_open(sites: Vec<ExecSite>) -> Vec<ExecSite> {
    let mut open: BTreeMap<Span, usize> = BTreeMap::new();
    for site in sites.iter().filter(|site| matches!(site.program, site::Program::Dynamic(_))) {
        *open.entry(site.span).or_insert(0) += 1;
    }
    let mut told: BTreeMap<Span, usize> = BTreeMap::new();
    let mut kept: Vec<ExecSite> = Vec::with_capacity(sites.len());
    for mut site in sites {
        if let site::Program::Dynamic(reason) = &mut site.program {
            let told = told.entry(site.span).or_insert(0);
            *told += 1;
            match open.get(&site.span) {
                Some(_) if *told > MAX_OPEN => continue,
                Some(all) if *told == MAX_OPEN && *all > MAX_OPEN => {
                    *reason = format!("{reason}, and {} values more", all - MAX_OPEN);
                }
                _ => {}
            }
        }
        kept.push(site);
    }
    kept
}
