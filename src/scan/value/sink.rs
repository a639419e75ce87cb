//! From the calls that run programs to exec sites.
//!
//! A site is the call itself; its trace leads through wrappers and their callers to the value. A text for a shell is
//! handed to the scanner of shell code, and so is a command line, since its program may run another (`sudo`, `env`).

mod hit;
mod text;

use super::follow::Follower;
use super::form::{Argument, ExprId, Kind, Module};
use super::source::Code;
use super::{Element, Found, Given, Part, Text, Thunk, Tongue, Value};
use crate::file::Span;
use crate::scan::{Root, Scan, ScanContext, Skipped};
use crate::site::{ExecSite, Program};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The stack of a scanning thread: code may nest as deep as `form` allows.
const STACK: usize = 64 << 20;
/// Steps for the arguments of one program.
const ARGUMENT_FUEL: u32 = 1_500;
/// How many reasons are given for one call that cannot be settled.
const REASONS: usize = 3;
/// How many arguments of a command line are read.
const ARGUMENTS: usize = 48;

/// A call that runs a program.
#[derive(Debug)]
pub(crate) struct Sink {
    /// The function's dotted name; `.*` at the end stands for any name.
    pub(crate) name: &'static str,
    /// What it runs.
    pub(crate) run: Run,
    /// Where that is documented; for the reader of the table.
    #[cfg_attr(not(test), allow(dead_code, reason = "a row justifies itself; only a test asks"))]
    pub(crate) source: &'static str,
}

/// What a call runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    /// The command of an argument, a list or a program; a text for a shell where `shell` is true.
    Command(usize, &'static str),
    /// The program of an argument, then its arguments, of which the first so many repeat its name.
    Program(usize, usize),
    /// A text for `/bin/sh`.
    Shell(usize, &'static str),
    /// A command line that is split into words without a shell; a list is taken as it is.
    Line(usize, &'static str),
    /// A program that is only looked up on the PATH.
    Lookup(usize),
    /// A path that is only asked for.
    Probe(usize),
    /// A library that runs these programs.
    Fixed(&'static [&'static str]),
    /// A library that runs this program unless an argument of this name says otherwise.
    Default(&'static str, &'static str),
    /// The last part of the name is the program.
    Named,
    /// The text in the brackets behind the name is the program.
    Bracketed,
    /// The interpreter of the language.
    Interpreter,
}

/// Scans the roots of a language.
pub(crate) fn scan(context: &ScanContext<'_>, tongue: &'static Tongue, roots: &[Root]) -> Scan {
    let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK).build();
    match pool {
        Ok(pool) => pool.install(|| scan_here(context, tongue, roots)),
        Err(error) => {
            let skip = |root: &Root| Skipped { path: root.path.clone(), why: format!("no threads: {error}") };
            Scan { skipped: roots.iter().map(skip).collect(), ..Scan::default() }
        }
    }
}

fn scan_here(context: &ScanContext<'_>, tongue: &'static Tongue, roots: &[Root]) -> Scan {
    let code = Code::read(context, tongue, roots);
    let files = code.with_sinks();
    let scans: Vec<Scan> = files
        .par_iter()
        .map(|&file| {
            let mut finder = Finder::new(&code, file);
            finder.run();
            finder.scan
        })
        .collect();
    let mut scan = Scan { skipped: code.skipped, ..Scan::default() };
    for one in scans {
        scan.extend(one);
    }
    scan
}

/// Finds the exec sites of one file.
struct Finder<'c> {
    code: &'c Code<'c>,
    file: usize,
    module: &'c Module,
    follower: Follower<'c>,
    scan: Scan,
    /// Programs that the file looks up or asks for before it runs them.
    checked: BTreeSet<String>,
    /// The call that goes on from another (`Command::new(x)` … `.arg(y)`).
    chained: BTreeMap<ExprId, ExprId>,
}

/// A call of a sink.
struct Hit {
    sink: &'static Sink,
    call: ExprId,
    api: String,
    given: Vec<Given>,
}

impl<'c> Finder<'c> {
    fn new(code: &'c Code<'c>, file: usize) -> Self {
        let module = code.module(file);
        let mut chained = BTreeMap::new();
        for &call in &module.calls {
            if let Kind::Call { callee, .. } = &module.exprs[call as usize].kind
                && let Kind::Member(base, _) = &module.exprs[*callee as usize].kind
            {
                chained.insert(*base, call);
            }
        }
        let follower = Follower::new(code);
        Self { code, file, module, follower, scan: Scan::default(), checked: BTreeSet::new(), chained }
    }

    fn run(&mut self) {
        if self.module.too_deep {
            let path = self.code.files[self.file].path.clone();
            self.scan.skipped.push(Skipped { path, why: "parts of it nest too deeply to be read".to_owned() });
        }
        let mut hits = Vec::new();
        for &call in &self.module.calls {
            self.follower.refuel();
            self.hits_of_call(call, &mut hits);
        }
        self.hits_of_brackets(&mut hits);
        for hit in &hits {
            self.follower.refuel();
            self.sites(hit);
        }
        for site in &mut self.scan.sites {
            site.optional |= site.program.text().is_some_and(|text| self.checked.contains(text));
        }
        self.tidy();
    }

    /// One site for each program of a call; the one with the shortest trace.
    fn tidy(&mut self) {
        let sites = std::mem::take(&mut self.scan.sites);
        let mut best: BTreeMap<(Span, Program), ExecSite> = BTreeMap::new();
        for site in sites {
            let key = (site.span, site.program.clone());
            match best.get_mut(&key) {
                Some(known) => {
                    let optional = known.optional && site.optional;
                    let default = known.default && site.default;
                    if site.trace.len() < known.trace.len() {
                        *known = site;
                    }
                    (known.optional, known.default) = (optional, default);
                }
                None => {
                    best.insert(key, site);
                }
            }
        }
        let mut reasons: BTreeMap<Span, usize> = BTreeMap::new();
        self.scan.sites = best.into_values().collect();
        self.scan.sites.retain(|site| {
            if !matches!(site.program, Program::Dynamic(_)) {
                return true;
            }
            let count = reasons.entry(site.span).or_default();
            *count += 1;
            *count <= REASONS
        });
    }

    fn sites(&mut self, hit: &Hit) {
        match hit.sink.run {
            Run::Command(place, name) => self.command(hit, place, name),
            Run::Program(place, skip) => self.program(hit, place, skip),
            Run::Shell(place, name) => {
                let texts = self.values_at(hit, place, name);
                for text in texts {
                    self.shell(hit, &text);
                }
            }
            Run::Line(place, name) => {
                for line in self.values_at(hit, place, name) {
                    self.line(hit, &line);
                }
            }
            Run::Lookup(place) => {
                for found in self.values_at(hit, place, "cmd") {
                    if let Some(text) = found.known_text() {
                        self.checked.insert(text);
                        let found = Found { optional: true, ..found };
                        self.site(hit, &found, &[]);
                    } else {
                        let found = Found { optional: true, ..found };
                        self.site(hit, &found, &[]);
                    }
                }
            }
            Run::Probe(place) => {
                for found in self.values_at(hit, place, "path") {
                    self.checked.extend(found.known_text().filter(|text| text.starts_with('/')));
                }
            }
            Run::Fixed(programs) => {
                let span = self.module.span(hit.call);
                for program in programs {
                    let found = Found::text(program, span).step(format!("{} runs it", hit.sink.name), span);
                    self.site(hit, &found, &[]);
                }
            }
            Run::Default(program, name) => {
                let given = hit.given.iter().find(|one| one.name.as_deref() == Some(name)).cloned();
                let span = self.module.span(hit.call);
                let found = match given {
                    Some(given) => self.follower.values(&given.value),
                    None => vec![Found::text(program, span).step(format!("{} runs it", hit.sink.name), span)],
                };
                for found in found {
                    self.site(hit, &found, &[]);
                }
            }
            Run::Named => self.named(hit),
            Run::Bracketed => {
                for found in self.values_at(hit, 0, "") {
                    self.site(hit, &found, &[]);
                }
            }
            Run::Interpreter => {
                let span = self.module.span(hit.call);
                let found = Found::text(self.code.tongue.interpreter, span);
                self.site(hit, &found, &[]);
            }
        }
    }

    /// `sh.git(…)`: the program is the name.
    fn named(&mut self, hit: &Hit) {
        let Kind::Call { callee, .. } = &self.module.exprs[hit.call as usize].kind else { return };
        let values = self.follower.values(&Follower::thunk(self.file, *callee));
        let span = self.module.span(hit.call);
        for found in values {
            let Value::Outside(name) = &found.value else { continue };
            let Some(program) = name.strip_prefix(hit.sink.name.trim_end_matches('*')) else { continue };
            let program = program.split('.').next().unwrap_or(program).trim_end_matches("()");
            self.site(hit, &Found::text(&program.replace('_', "-"), span), &[]);
        }
    }

    fn values_at(&mut self, hit: &Hit, place: usize, name: &str) -> Vec<Found> {
        let by_name = hit.given.iter().find(|one| one.name.as_deref() == Some(name) && !one.spread);
        if let Some(one) = by_name {
            return self.follower.values(&one.value);
        }
        for (at, one) in hit.given.iter().filter(|one| one.name.is_none()).enumerate() {
            if one.spread {
                let lists = self.follower.values(&one.value);
                let mut found = Vec::new();
                for list in &lists {
                    match &list.value {
                        Value::List(elements) => match elements.get(place - at) {
                            Some(element) => {
                                let values = self.follower.element(element);
                                found.extend(values.into_iter().map(|value| value.after(list)));
                            }
                            None => found.push(Found::unknown("arguments that are not known")),
                        },
                        Value::Unknown(_) => found.push(list.clone()),
                        _ => found.push(Found::unknown("arguments that are not known")),
                    }
                }
                return found;
            }
            if at == place {
                return self.follower.values(&one.value);
            }
        }
        Vec::new()
    }

    /// Whether the call asks for a shell: `shell=True`, `{shell: true}`; nothing where that is open.
    fn wants_shell(&mut self, hit: &Hit) -> Option<bool> {
        let mut options: Vec<Found> = Vec::new();
        let mut said = false;
        for one in &hit.given {
            if one.name.as_deref() == Some("shell") {
                said = true;
                options.extend(self.follower.values(&one.value));
            } else if one.name.is_none() && !one.spread {
                for value in self.follower.values(&one.value) {
                    if let Value::Dict(dict) = &value.value {
                        let key = Found::text("shell", self.module.span(hit.call));
                        let rows = self.rows_named(&dict.clone(), &key);
                        said |= !rows.is_empty();
                        options.extend(rows);
                    }
                }
            }
        }
        if !said {
            return Some(false);
        }
        let answers: Vec<Option<bool>> = options.iter().map(|found| super::follow::truth(&found.value)).collect();
        let first = answers.first().copied().flatten()?;
        answers.iter().all(|answer| *answer == Some(first)).then_some(first)
    }

    /// The rows of a table under a name, other than those that any name could mean.
    fn rows_named(&mut self, dict: &Thunk, key: &Found) -> Vec<Found> {
        let module = self.code.module(dict.module);
        let Kind::Dict(rows) = &module.exprs[dict.expr as usize].kind else { return Vec::new() };
        let mut found = Vec::new();
        for (name, value) in rows {
            let Some(name) = name else { continue };
            let names = self.follower.values(&Follower::thunk(dict.module, *name));
            if names.iter().any(|name| name.known_text() == key.known_text()) {
                let value = Thunk { module: dict.module, expr: *value, frame: dict.frame.clone() };
                found.extend(self.follower.values(&value));
            }
        }
        found
    }

    fn command(&mut self, hit: &Hit, place: usize, name: &str) {
        let shell = self.wants_shell(hit);
        if let Some(one) = hit.given.iter().find(|one| one.name.as_deref() == Some("executable")) {
            let programs = self.follower.values(&one.value);
            for found in programs.iter().filter(|found| !matches!(found.value, Value::Nothing)) {
                self.site(hit, found, &[]);
            }
            if shell != Some(true) {
                return;
            }
        }
        let mut commands = self.values_at(hit, place, name);
        if commands.is_empty() {
            commands.push(Found::unknown("arguments that are not known"));
        }
        for found in commands {
            match &found.value {
                Value::List(elements) if shell == Some(true) => {
                    let first = elements.first().cloned();
                    for text in first.map(|first| self.follower.element(&first)).unwrap_or_default() {
                        self.shell(hit, &text.after(&found));
                    }
                }
                Value::List(elements) => {
                    let elements = Rc::clone(elements);
                    self.list(hit, &elements, &found);
                }
                _ if shell == Some(true) => self.shell(hit, &found),
                Value::Text(text) if shell.is_none() && text.start().trim().contains(' ') => self.shell(hit, &found),
                // Without a shell such a text could not run: it is meant to be split.
                Value::Text(text) if text.start().trim().contains(' ') => self.line(hit, &found),
                _ => self.with_arguments(hit, &found, place),
            }
        }
    }

    /// A program given by itself, with a list of arguments behind it (`spawn("git", ["status"])`).
    fn with_arguments(&mut self, hit: &Hit, found: &Found, place: usize) {
        let elements = self.arguments_after(hit, place, 0);
        self.site_with(hit, found, &elements);
    }

    fn program(&mut self, hit: &Hit, place: usize, skip: usize) {
        let shell = self.wants_shell(hit) == Some(true);
        let mut programs = self.values_at(hit, place, "program");
        if programs.is_empty() {
            programs.push(Found::unknown("arguments that are not known"));
        }
        let elements = self.arguments_after(hit, place, skip);
        for found in programs {
            if shell {
                self.shell(hit, &found);
                continue;
            }
            match &found.value {
                Value::List(list) => {
                    let list = Rc::clone(list);
                    self.list(hit, &list, &found);
                }
                _ => self.site_with(hit, &found, &elements),
            }
        }
    }

    /// The arguments after the program, lists laid flat, and those that later calls of the chain add.
    fn arguments_after(&mut self, hit: &Hit, place: usize, skip: usize) -> Vec<Element> {
        let unnamed: Vec<Given> = hit.given.iter().filter(|one| one.name.is_none()).cloned().collect();
        let mut elements = Vec::new();
        let mut at = 0;
        for one in unnamed {
            if one.spread {
                let lists = self.follower.values(&one.value);
                match lists.as_slice() {
                    [Found { value: Value::List(inner), .. }] => {
                        elements.extend(inner.iter().skip((place + 1).saturating_sub(at)).cloned());
                    }
                    _ => elements.push(Element::Rest("arguments that are not known".to_owned())),
                }
                at = place + 1;
                continue;
            }
            if at > place && self.flatten(&one.value, &mut elements) {
                // A list has all arguments; what follows are the environment or options.
                break;
            }
            at += 1;
        }
        let mut call = hit.call;
        while let Some(&next) = self.chained.get(&call) {
            call = next;
            if elements.len() >= ARGUMENTS {
                break;
            }
            let Kind::Call { arguments, .. } = &self.module.exprs[call as usize].kind else { break };
            if let (Some("arg" | "args"), Some(Argument { value, .. })) =
                (self.module.callee_name(call), arguments.first())
            {
                self.flatten(&Follower::thunk(self.file, *value), &mut elements);
            }
        }
        elements.drain(..skip.min(elements.len()));
        elements
    }

    /// Adds an argument, or all of a list; whether it was one.
    fn flatten(&mut self, value: &Thunk, elements: &mut Vec<Element>) -> bool {
        let values = self.follower.values(value);
        match values.as_slice() {
            [Found { value: Value::List(inner), .. }] => {
                elements.extend(inner.iter().cloned());
                return true;
            }
            [Found { value: Value::Dict(_) | Value::Function(..) | Value::Nothing, .. }] => {}
            _ => elements.push(Element::Later(value.clone())),
        }
        false
    }

    /// A list of a program and its arguments.
    fn list(&mut self, hit: &Hit, elements: &Rc<Vec<Element>>, list: &Found) {
        let Some(first) = elements.first() else {
            let nothing = list.with(Value::Unknown("an empty command".to_owned()));
            return self.site(hit, &nothing, &[]);
        };
        for program in self.follower.element(first) {
            // `[*base, x]` where base is a list in turn.
            let program = program.after(list);
            match &program.value {
                Value::List(inner) => {
                    if let Some(first) = inner.first() {
                        for program in self.follower.element(first) {
                            self.site_with(hit, &program.after(list), &elements[1..]);
                        }
                    }
                }
                _ => self.site_with(hit, &program, &elements[1..]),
            }
        }
    }

    /// A site, and what its program runs in turn.
    fn site_with(&mut self, hit: &Hit, found: &Found, rest: &[Element]) {
        let mut arguments = Vec::new();
        let fuel = std::mem::replace(&mut self.follower.fuel, ARGUMENT_FUEL);
        for element in rest.iter().take(ARGUMENTS) {
            if matches!(element, Element::Rest(_)) {
                break;
            }
            if let Element::More(thunk) = element {
                let lists = self.follower.values(thunk);
                let [Found { value: Value::List(inner), .. }] = lists.as_slice() else { break };
                for element in inner.iter().take(ARGUMENTS) {
                    if matches!(element, Element::Rest(_) | Element::More(_)) {
                        break;
                    }
                    let values = self.follower.element(element);
                    arguments.push(self.argument_text(hit, &values));
                }
                continue;
            }
            let values = self.follower.element(element);
            arguments.push(self.argument_text(hit, &values));
        }
        self.follower.fuel = fuel;
        self.site(hit, found, &arguments);
        if let (Some(program), false) = (found.known_text(), arguments.is_empty()) {
            self.inner_programs(hit, found, &program, &arguments);
        }
    }

    fn copes(&self, call: ExprId) -> bool {
        let mut block = Some(self.module.exprs[call as usize].block);
        while let Some(id) = block {
            let at = &self.module.blocks[id as usize];
            if at.copes {
                return true;
            }
            block = at.parent;
        }
        false
    }

    fn site(&mut self, hit: &Hit, found: &Found, arguments: &[Text]) {
        let span = self.module.span(hit.call);
        let program = match &found.value {
            Value::Text(text) => match text.whole() {
                Some(text) => plausible(&text),
                None => Some(Program::Dynamic(unknown_text(text))),
            },
            Value::Nothing | Value::Bool(_) => None,
            Value::Unknown(reason) => Some(Program::Dynamic(reason.clone())),
            Value::Outside(name) => Some(Program::Dynamic(format!("the result of {}", name.trim_end_matches("()")))),
            _ => Some(Program::Dynamic("a value that is not a text".to_owned())),
        };
        let Some(program) = program else { return };
        let mut site = ExecSite::new(program, span, self.code.tongue.name, hit.api.clone());
        site.trace = found.steps();
        site.optional = found.optional || self.copes(hit.call);
        site.default = found.default;
        site.arguments = arguments.iter().map_while(Text::whole).collect();
        self.scan.sites.push(site);
    }
}

/// A text as a program, where it can be one.
fn plausible(text: &str) -> Option<Program> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let odd = |c: char| c.is_whitespace() || c.is_control() || "\"'`$;|&<>(){}*?".contains(c);
    let nameless = text.ends_with('/') || !text.rsplit('/').next().is_some_and(|it| it.contains(char::is_alphanumeric));
    if nameless || text.len() > 255 || text.starts_with('-') || text.contains(odd) {
        return Some(Program::Dynamic("a text that names no program".to_owned()));
    }
    Some(Program::from_text(text))
}

fn unknown_text(text: &Text) -> String {
    let reason = text.reason().unwrap_or("a part is not known");
    let known: String = text
        .parts
        .iter()
        .map(|part| match part {
            Part::Known(known, _) => known.as_str(),
            Part::Unknown(..) => "…",
        })
        .collect();
    if text.says_something() { format!("{known}: {reason}") } else { reason.to_owned() }
}
