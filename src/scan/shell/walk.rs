//! Reads a script's commands in the order in which they run: branches are joined, loops read twice, functions read where
//! they are called, with the arguments of the call.
//!
//! Nothing is executed. How much is read is bounded by [`MAX_STEPS`] and [`MAX_DEPTH`]; what stands past the bounds is
//! listed among the skipped.

mod compound;

use super::Dialect;
use super::definition::definitions;
use super::guard::Known;
use super::parse::{Code, Parsed};
use super::value::{End, Fields, State, Value, Variable, add};
use crate::file::{MappedText, Span};
use crate::scan::{Scan, ScanContext, Skipped};
use crate::site::{ExecSite, Program};
use brush_parser::SourceSpan;
use brush_parser::ast::{self, SourceLocation};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::rc::Rc;

/// How many simple commands are read, calls of functions counted each time.
const MAX_STEPS: u32 = 120_000;
/// How deep commands, functions, substitutions and sourced files may stand in each other.
const MAX_DEPTH: u32 = 220;
/// How often one function is read anew, for the arguments that it is called with.
const MAX_CALLS: u32 = 60;

/// A code and its commands.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) code: Rc<Code>,
    pub(super) parsed: Parsed,
}

/// A function's body and the code that it stands in.
#[derive(Clone)]
pub(super) struct Function {
    code: Rc<Code>,
    body: Rc<ast::CompoundCommand>,
}

/// A function that is being read.
struct Frame {
    name: String,
    returns: Option<State>,
    locals: Vec<(String, Option<Rc<Variable>>)>,
}

/// What a substitution's commands are known to print.
#[derive(Default)]
pub(super) struct Capture {
    pub(super) values: Vec<Value>,
    /// Something prints that is not known.
    pub(super) opaque: Option<String>,
}

/// How the words of a command came to be one, for dispatching them.
#[derive(Clone, Copy)]
pub(super) struct Command<'c> {
    /// What runs it, for the site.
    pub(super) api: &'c str,
    /// Functions, aliases and builtins can be meant: the shell itself runs it.
    pub(super) by_shell: bool,
    /// What stands on its standard input, where that is code in the script.
    pub(super) input: Option<&'c Value>,
    /// Its output goes elsewhere than to a substitution's result.
    pub(super) silent: bool,
}

impl Command<'_> {
    /// A command that the shell runs.
    pub(super) const PLAIN: Self = Self { api: "command", by_shell: true, input: None, silent: false };
}

/// Reads one script and all that it leads to.
pub(super) struct Walker<'a> {
    pub(super) context: &'a ScanContext<'a>,
    pub(super) dialect: Dialect,
    /// The script, relative to the tree; nothing for a text in another language's file.
    pub(super) script: Option<String>,
    pub(super) scan: Scan,
    pub(super) sites: BTreeSet<ExecSite>,
    pub(super) functions: BTreeMap<String, Vec<Function>>,
    pub(super) aliases: BTreeMap<String, Value>,
    pub(super) capture: Option<Capture>,
    /// A command word could not be settled: any function may be meant.
    pub(super) dispatched: bool,
    /// Files that are sourced and cannot be read.
    pub(super) unread: BTreeSet<String>,
    pub(super) sources: Vec<String>,
    /// Every file of the tree that was sourced.
    pub(super) sourced: BTreeSet<String>,
    /// Functions of the scripts that source this one.
    pub(super) outer: BTreeSet<String>,
    pub(super) scripts: BTreeSet<String>,
    pub(super) depth: u32,
    units: HashMap<MappedText, Rc<Unit>>,
    frames: Vec<Frame>,
    loops: Vec<Option<State>>,
    calls: BTreeMap<String, u32>,
    called: BTreeSet<String>,
    steps: u32,
}

impl<'a> Walker<'a> {
    pub(super) fn new(context: &'a ScanContext<'a>, dialect: Dialect, script: Option<String>) -> Self {
        Self {
            context,
            dialect,
            script,
            scan: Scan::default(),
            sites: BTreeSet::new(),
            functions: BTreeMap::new(),
            aliases: BTreeMap::new(),
            capture: None,
            dispatched: false,
            unread: BTreeSet::new(),
            sources: Vec::new(),
            sourced: BTreeSet::new(),
            outer: BTreeSet::new(),
            scripts: BTreeSet::new(),
            depth: 0,
            units: HashMap::new(),
            frames: Vec::new(),
            loops: Vec::new(),
            calls: BTreeMap::new(),
            called: BTreeSet::new(),
            steps: 0,
        }
    }

    /// What was found.
    pub(super) fn finish(mut self) -> Scan {
        self.scan.sites.extend(self.sites);
        self.scan
    }

    /// Reads a code in a state; the functions that it defines are known from its beginning.
    pub(super) fn run(&mut self, mapped: MappedText, state: &mut State) {
        if self.depth >= MAX_DEPTH {
            self.skip_deep(mapped.span(0, 0));
            return;
        }
        let unit = self.unit(mapped);
        self.depth += 1;
        for list in &unit.parsed.commands {
            self.define(&unit.code, list);
        }
        for list in &unit.parsed.commands {
            self.list(&unit.code, list, state);
        }
        self.depth -= 1;
    }

    fn unit(&mut self, mapped: MappedText) -> Rc<Unit> {
        if let Some(unit) = self.units.get(&mapped) {
            return Rc::clone(unit);
        }
        let code = Code::new(mapped.clone());
        let parsed = code.parse();
        // A text that was put together from alternatives may be one that never runs: its faults are not the file's.
        for trouble in parsed.troubles.iter().filter(|_| mapped.is_verbatim()) {
            self.trouble(&code, trouble.at, &trouble.why);
        }
        let unit = Rc::new(Unit { code, parsed });
        self.units.insert(mapped, Rc::clone(&unit));
        unit
    }

    /// Lists a place that could not be read.
    pub(super) fn trouble(&mut self, code: &Code, at: usize, why: &str) {
        let files = self.context.tree.files();
        let Some(span) = code.span(&(at..at)) else { return };
        let position = files.start(span);
        let skipped = Skipped { path: files.path(span.file), why: format!("line {}: {why}", position.line) };
        if self.scan.skipped.len() < 1000 && !self.scan.skipped.contains(&skipped) {
            self.scan.skipped.push(skipped);
        }
    }

    fn skip_deep(&mut self, span: Option<Span>) {
        let Some(span) = span else { return };
        let files = self.context.tree.files();
        let why = format!("line {}: commands lead to each other more than {MAX_DEPTH} deep", files.start(span).line);
        let skipped = Skipped { path: files.path(span.file), why };
        if self.scan.skipped.len() < 1000 && !self.scan.skipped.contains(&skipped) {
            self.scan.skipped.push(skipped);
        }
    }

    /// Records a site.
    pub(super) fn site(&mut self, value: &Value, api: &str, arguments: &[Value], state: &State) {
        let Some(span) = value.at.or_else(|| value.text.span(0, value.text.text().len())) else { return };
        let program = match (&value.unknown, value.many) {
            (None, false) => Program::from_text(value.text.text()),
            (Some(why), _) => Program::Dynamic(why.to_string()),
            (None, true) => Program::Dynamic("any number of words".to_owned()),
        };
        if matches!(program, Program::Dynamic(_)) && self.sites.len() > 50_000 {
            return;
        }
        let guarded = program.text().is_some_and(|text| state.guards.contains(text));
        let known = arguments.iter().map_while(Value::constant).take(32).map(str::to_owned);
        self.sites.insert(ExecSite {
            trace: value.trace.clone(),
            optional: value.optional || guarded,
            default: value.default,
            arguments: known.collect(),
            ..ExecSite::new(program, span, "shell", api)
        });
    }

    /// Makes known every function that a list defines, wherever in it.
    fn define(&mut self, code: &Rc<Code>, list: &ast::CompoundList) {
        let mut functions = Vec::new();
        definitions(list, &mut functions);
        for function in functions {
            let name = function.fname.value.clone();
            let known = self.functions.entry(name).or_default();
            let body = Rc::new(function.body.0.clone());
            let at = body.location().map(|location| location.start.index);
            let same = |other: &Function| {
                Rc::ptr_eq(&other.code, code) && other.body.location().map(|location| location.start.index) == at
            };
            if known.len() < 16 && !known.iter().any(same) {
                known.push(Function { code: Rc::clone(code), body });
            }
        }
    }

    pub(super) fn list(&mut self, code: &Rc<Code>, list: &ast::CompoundList, state: &mut State) {
        for ast::CompoundListItem(and_or, separator) in &list.0 {
            if state.end.is_some() {
                return;
            }
            if matches!(separator, ast::SeparatorOperator::Async) {
                self.and_or(code, and_or, &mut state.clone());
            } else {
                self.and_or(code, and_or, state);
            }
        }
    }

    fn and_or(&mut self, code: &Rc<Code>, and_or: &ast::AndOrList, state: &mut State) {
        let Some(last) = and_or.additional.len().checked_sub(1) else {
            self.pipeline(code, &and_or.first, state);
            return;
        };
        // What is known where the list so far is true, and where it is false.
        let mut known = self.known(code, &and_or.first, state);
        self.pipeline(code, &and_or.first, state);
        for (index, next) in and_or.additional.iter().enumerate() {
            if state.end.is_some() {
                return;
            }
            let (pipeline, and) = match next {
                ast::AndOr::And(pipeline) => (pipeline, true),
                ast::AndOr::Or(pipeline) => (pipeline, false),
            };
            let mut around = state.clone();
            known.apply(&mut around, !and);
            known.apply(state, and);
            let next_known = if index < last { self.known(code, pipeline, state) } else { Known::default() };
            if known.certain == Some(!and) {
                *state = around;
            } else {
                self.pipeline(code, pipeline, state);
                self.require(if and { &known.if_false } else { &known.if_true }, state);
                if known.certain != Some(and) {
                    let taken = std::mem::replace(state, State::new(Vec::new()));
                    *state = around.join(taken);
                }
            }
            known = known.then(next_known, and);
        }
    }

    fn pipeline(&mut self, code: &Rc<Code>, pipeline: &ast::Pipeline, state: &mut State) {
        if let Some(timed) = &pipeline.timed
            && self.dialect != Dialect::Bash
            && let Some(location) = timed.location()
        {
            let word = code.range(&location);
            let word = word.start..(word.start + "time".len()).min(word.end);
            let mut value = Value::known(code.mapped.slice(word.clone()));
            value.at = code.span(&word);
            self.site(&value, "command", &[], state);
        }
        match pipeline.seq.as_slice() {
            [only] => self.command(code, only, state, None),
            commands => self.piped(code, commands, state),
        }
    }

    /// The commands of a pipeline, each in a shell of its own.
    fn piped(&mut self, code: &Rc<Code>, commands: &[ast::Command], state: &State) {
        let outer = self.capture.take();
        let mut printed = Capture::default();
        for (index, command) in commands.iter().enumerate() {
            self.capture = Some(Capture::default());
            let input = match printed.values.as_slice() {
                [only] if printed.opaque.is_none() => Some(only.clone()),
                _ => None,
            };
            self.command(code, command, &mut state.clone(), input.as_ref());
            let own = self.capture.take().unwrap_or_default();
            let passes = index > 0 && own.values.is_empty() && passes_on(command);
            if !passes {
                printed = own;
            }
        }
        self.capture = outer.map(|mut outer| {
            outer.values.extend(printed.values);
            outer.opaque = outer.opaque.or(printed.opaque);
            outer
        });
    }

    fn command(&mut self, code: &Rc<Code>, command: &ast::Command, state: &mut State, input: Option<&Value>) {
        if self.depth >= MAX_DEPTH {
            self.skip_deep(command.location().and_then(|location| code.span(&code.range(&location))));
            return;
        }
        self.depth += 1;
        match command {
            ast::Command::Simple(simple) => self.simple(code, simple, state, input),
            ast::Command::Compound(compound, redirects) => {
                let silent =
                    redirects.as_ref().is_some_and(|redirects| self.redirects(code, redirects.0.iter(), state).silent);
                let kept = if silent { self.capture.take() } else { None };
                self.compound(code, compound, state);
                if silent {
                    self.capture = kept;
                }
            }
            ast::Command::Function(function) => {
                if let Some(redirects) = &function.body.1 {
                    self.redirects(code, redirects.0.iter(), state);
                }
            }
            ast::Command::ExtendedTest(test, redirects) => {
                self.substitutions_at(code, &test.loc, state);
                if let Some(redirects) = redirects {
                    self.redirects(code, redirects.0.iter(), state);
                }
            }
        }
        self.depth -= 1;
    }

    fn substitutions_at(&mut self, code: &Rc<Code>, location: &SourceSpan, state: &mut State) {
        let range = code.range(location);
        self.words_in(code, range, state);
    }

    /// Runs the substitutions of every word in a range of words.
    fn words_in(&mut self, code: &Rc<Code>, range: Range<usize>, state: &mut State) {
        let text = code.text();
        let mut at = range.start;
        let mut lexer = super::lex::Lexer::new(text);
        let mut words = Vec::new();
        while at < range.end {
            match lexer.word_end(at) {
                Ok(end) if end > at => {
                    words.push(at..end.min(range.end));
                    at = end;
                }
                Ok(_) => at += 1,
                Err(_) => break,
            }
        }
        for word in words {
            if text[word.clone()].contains(['$', '`']) {
                self.expand_one(code, word, state);
            }
        }
    }

    /// A branch that has come to its end: where it goes on is remembered.
    pub(super) fn end(&mut self, state: &mut State, end: End) {
        let mut ended = state.clone();
        state.end = Some(end);
        ended.end = None;
        let slot = match end {
            End::Return(_) => self.frames.last_mut().map(|frame| &mut frame.returns),
            End::Loop => self.loops.last_mut(),
            End::Failure | End::Exit => None,
        };
        if let Some(slot) = slot {
            *slot = Some(match slot.take() {
                Some(before) => before.join(ended),
                None => ended,
            });
        }
    }

    /// Remembers a variable's value for the end of the function that is being read.
    pub(super) fn local(&mut self, name: &str, state: &State) {
        if let Some(frame) = self.frames.last_mut()
            && !frame.locals.iter().any(|(known, _)| known == name)
        {
            frame.locals.push((name.to_owned(), state.variables.get(name).cloned()));
        }
    }

    /// The bodies that a function's name may have, each with its code.
    pub(super) fn function_bodies(&self, name: &str) -> Vec<(Rc<Code>, Rc<ast::CompoundCommand>)> {
        let bodies = self.functions.get(name).into_iter().flatten();
        bodies.map(|function| (Rc::clone(&function.code), Rc::clone(&function.body))).collect()
    }

    /// Counts a command; whether the bound on them is passed.
    pub(super) fn is_exhausted(&mut self) -> bool {
        self.steps += 1;
        self.steps > MAX_STEPS * 2
    }

    pub(super) fn in_function(&self) -> bool {
        !self.frames.is_empty()
    }

    /// Reads a function with the arguments of a call.
    pub(super) fn call(&mut self, name: &str, arguments: &[Value], state: &mut State) {
        let bodies = self.functions.get(name).cloned().unwrap_or_default();
        self.called.insert(name.to_owned());
        let calls = self.calls.entry(name.to_owned()).or_default();
        *calls += 1;
        let nested = self.frames.iter().filter(|frame| frame.name == name).count();
        if *calls > MAX_CALLS || nested > 1 || self.depth >= MAX_DEPTH || self.steps > MAX_STEPS {
            return;
        }
        let arguments: Fields = arguments
            .iter()
            .enumerate()
            .map(|(index, value)| value.clone().step(format!("argument {} of {name}", index + 1), value.at))
            .collect();
        let outer = std::mem::replace(&mut state.positional, Rc::new(vec![arguments]));
        let loops = std::mem::take(&mut self.loops);
        self.frames.push(Frame { name: name.to_owned(), returns: None, locals: Vec::new() });
        self.depth += 1;
        let before = state.clone();
        let mut after: Option<State> = None;
        for function in &bodies {
            let mut inner = before.clone();
            self.compound(&function.code, &function.body, &mut inner);
            after = Some(match after {
                Some(after) => after.join(inner),
                None => inner,
            });
        }
        self.depth -= 1;
        let frame = self.frames.pop();
        self.loops = loops;
        if let Some(after) = after {
            *state = after;
        }
        if let Some(frame) = frame {
            if let Some(returns) = frame.returns {
                let here = std::mem::replace(state, State::new(Vec::new()));
                *state = if here.end.is_some() { returns } else { here.join(returns) };
            }
            for (name, value) in frame.locals {
                let variables = Rc::make_mut(&mut state.variables);
                match value {
                    Some(value) => variables.insert(name, value),
                    None => variables.remove(&name),
                };
            }
        }
        state.positional = outer;
    }

    /// Reads the functions that nothing called, where something could: a file of functions alone, or a command word
    /// that could not be settled.
    pub(super) fn run_uncalled(&mut self, state: &State) {
        if !self.dispatched && (!self.called.is_empty() || !self.sites.is_empty()) {
            return;
        }
        let names: Vec<String> = self.functions.keys().filter(|name| !self.called.contains(*name)).cloned().collect();
        for name in names {
            if self.called.contains(&name) {
                continue;
            }
            let mut inner = state.clone();
            inner.end = None;
            let any =
                Value { many: true, ..Value::unknown(format!("the arguments of {name}, which nothing here calls")) };
            self.call(&name, &[any], &mut inner);
        }
    }

    /// What the commands of a substitution are known to print.
    pub(super) fn substitution(&mut self, code: &Rc<Code>, state: &State) -> Vec<Value> {
        let outer = self.capture.replace(Capture::default());
        let mut inner = state.clone();
        inner.end = None;
        let loops = std::mem::take(&mut self.loops);
        self.run(code.mapped.clone(), &mut inner);
        self.loops = loops;
        let printed = std::mem::replace(&mut self.capture, outer).unwrap_or_default();
        let mut values = Vec::new();
        for value in printed.values {
            add(&mut values, vec![value]);
        }
        if let Some(why) = printed.opaque {
            add(&mut values, vec![Value::unknown(why)]);
        }
        if values.is_empty() {
            values.push(vec![Value::known(MappedText::new())]);
        }
        values.into_iter().flatten().collect()
    }
}

/// Whether a command passes lines on unchanged, so that what is printed into it comes out of it.
fn passes_on(command: &ast::Command) -> bool {
    let ast::Command::Simple(simple) = command else { return false };
    let name = simple.word_or_name.as_ref().map(|word| word.value.as_str());
    matches!(name, Some("head" | "tail" | "tee" | "sort" | "uniq" | "cat" | "xargs" | "tr"))
}
