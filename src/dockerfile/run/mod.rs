//! What a `RUN` does to the image: its shell text read command by command, with the values that are known.
//!
//! Nothing is executed. A command whose effect is not understood is listed as an unknown effect; one that stands behind a
//! condition that cannot be decided counts as conditional. How much is read is bounded by [`MAX_STEPS`].

mod apk;
mod files;
mod install;
mod program;
mod words;

use super::context::Context;
use super::evaluate::Options;
use super::model::{Command, HereDoc, Run, Word};
use super::path;
use super::plan::{Bind, ImageFile, Origin, Shape, StagePlan};
use crate::file::{MappedText, Span};
use crate::platform::Platform;
use crate::shell::parse::{Code, Parts};
use brush_parser::ast;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use words::Field;

/// How many commands of one `RUN` are read, each turn of a loop counted.
const MAX_STEPS: u32 = 20_000;
/// How deep commands, functions and `sh -c` texts may stand in each other.
const MAX_DEPTH: u32 = 100;
/// Stands in a value for a part that is not known.
pub(super) const UNKNOWN: char = '\u{fffc}';

/// What one `RUN` changes.
pub(super) struct Runner<'a> {
    plan: &'a mut StagePlan,
    platform: Platform,
    /// What `--mount=type=bind` lays into the image while the command runs.
    binds: Vec<Bind>,
    /// The whole command, for what has no better place.
    whole: Span,
    /// The build context, whose scripts are followed.
    context: Option<&'a Context<'a>>,
    /// More than 0 behind a condition that is not decided.
    conditional: u32,
    steps: u32,
    depth: u32,
    /// How many scripts of the context run each other.
    scripts: u32,
}

/// The shell's state at one point.
#[derive(Clone)]
struct State {
    variables: BTreeMap<String, String>,
    functions: BTreeMap<String, Rc<Function>>,
    folder: String,
    /// `exit`, `return` or `exec` was reached.
    ended: bool,
}

struct Function {
    code: Rc<Code>,
    body: ast::CompoundCommand,
}

/// Whether a command is known to succeed.
type Verdict = Option<bool>;

/// Where a command's output goes.
#[derive(Clone, Debug, Default)]
struct Output {
    files: Vec<(String, Span)>,
    input: Option<MappedText>,
}

/// Follows one `RUN` of the stage that `plan` describes.
pub(super) fn follow(plan: &mut StagePlan, run: &Run, options: &Options<'_>, expand: &dyn Fn(&str) -> String) {
    let binds = binds(plan, run, expand);
    let whole = run.command.span();
    let mut variables = plan.args.clone();
    variables.insert("PATH".to_owned(), super::plan::DEFAULT_PATH.to_owned());
    variables.extend(plan.env.clone());
    let folder = plan.workdir.clone();
    let mut state = State { variables, functions: BTreeMap::new(), folder, ended: false };
    let shell = plan.shell.first().map(|shell| path::file_name(shell).to_owned()).unwrap_or_default();
    let mut runner = Runner {
        plan,
        platform: options.platform,
        binds,
        whole,
        context: options.context,
        conditional: 0,
        steps: 0,
        depth: 0,
        scripts: 0,
    };
    match &run.command {
        Command::Exec(words, _) => runner.exec_form(words, &mut state),
        Command::Shell(..) if !matches!(shell.as_str(), "sh" | "bash" | "ash" | "dash" | "ksh" | "zsh") => {
            runner.unknown(whole, format!("the text is for {shell}, which is not followed"), true);
        }
        Command::Shell(text, _) => runner.shell_form(text, &run.here_docs, &mut state),
    }
}

/// The folders that `--mount=type=bind` lays into the image.
fn binds(plan: &StagePlan, run: &Run, expand: &dyn Fn(&str) -> String) -> Vec<Bind> {
    let mounts = run.flags.iter().filter(|flag| flag.name == "mount").filter_map(|flag| flag.value.as_ref());
    let mut binds = Vec::new();
    for mount in mounts {
        let mut bind = Bind { target: plan.workdir.clone(), source: String::new(), from: None };
        let mut is_bind = true;
        for pair in mount.text.split(',') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = expand(value);
            match name {
                "type" => is_bind = value == "bind",
                "target" | "dst" | "destination" => bind.target = path::join(&plan.workdir, &value),
                "source" | "src" => bind.source = path::join("/", &value),
                "from" => bind.from = Some(value),
                _ => {}
            }
        }
        if is_bind {
            binds.push(bind);
        }
    }
    binds
}

impl Runner<'_> {
    fn exec_form(&mut self, words: &[Word], state: &mut State) {
        let fields: Vec<Field> = words.iter().map(Field::of_word).collect();
        self.dispatch(&fields, &Output::default(), state);
    }

    fn shell_form(&mut self, text: &MappedText, here_docs: &[HereDoc], state: &mut State) {
        let line = text.text().trim();
        if let [only] = here_docs
            && line.starts_with("<<")
            && !line.contains(char::is_whitespace)
        {
            let shebang = only.text.text().strip_prefix("#!").and_then(|rest| rest.lines().next());
            match shebang {
                Some(line) if !line.trim_end().ends_with("sh") && !line.contains("sh ") => {
                    self.unknown(
                        only.span,
                        format!("the script is for `{}`, which is not followed", line.trim()),
                        true,
                    );
                }
                _ => self.text(only.text.clone(), state),
            }
            return;
        }
        let mut all = text.clone();
        for doc in here_docs {
            let end = Span { start: doc.span.end, ..doc.span };
            all.push("\n", Span { end: doc.span.start, ..doc.span });
            all.append(&doc.text);
            all.push(&doc.delimiter, end);
        }
        self.text(all, state);
    }

    /// Reads shell code in a state.
    fn text(&mut self, text: MappedText, state: &mut State) {
        if self.depth >= MAX_DEPTH {
            self.unknown(self.whole, "commands lead to each other too deep to follow", true);
            return;
        }
        self.depth += 1;
        let code = Code::new(text);
        let parsed = code.parse();
        for trouble in &parsed.troubles {
            let span = code.span(&(trouble.at..trouble.at + 1)).unwrap_or(self.whole);
            self.unknown(span, format!("the shell text cannot be read: {}", trouble.why), true);
        }
        for list in &parsed.commands {
            self.list(&code, list, state);
        }
        self.depth -= 1;
    }

    fn unknown(&mut self, span: Span, why: impl Into<String>, programs: bool) {
        self.plan.unknown(span, why, programs);
    }

    fn put(&mut self, path: &str, shape: Shape, origin: Origin, executable: Option<bool>, span: Span) {
        let conditional = self.conditional > 0 || path.contains(UNKNOWN);
        let stage = self.plan.stage;
        if !path.contains(UNKNOWN) {
            let path = path.to_owned();
            self.plan.put(ImageFile { path, shape, origin, executable, conditional, span, stage });
        }
    }

    fn list(&mut self, code: &Rc<Code>, list: &ast::CompoundList, state: &mut State) -> Verdict {
        let mut verdict = None;
        for ast::CompoundListItem(and_or, separator) in &list.0 {
            if state.ended {
                return verdict;
            }
            verdict = if matches!(separator, ast::SeparatorOperator::Async) {
                self.and_or(code, and_or, &mut state.clone());
                None
            } else {
                self.and_or(code, and_or, state)
            };
        }
        verdict
    }

    /// `a && b` goes on where `a` is not known to fail: a `RUN` that fails makes no image. What stands behind `||` is conditional.
    fn and_or(&mut self, code: &Rc<Code>, and_or: &ast::AndOrList, state: &mut State) -> Verdict {
        let mut verdict = self.pipeline(code, &and_or.first, state);
        let tests = is_test(&and_or.first);
        for (index, next) in and_or.additional.iter().enumerate() {
            if state.ended {
                return verdict;
            }
            match next {
                ast::AndOr::And(pipeline) => match verdict {
                    Some(false) => {}
                    // `[ x ] && y` is a condition, not a demand.
                    None if tests && index == 0 => {
                        verdict = self.maybe(state, |runner, state| runner.pipeline(code, pipeline, state));
                    }
                    _ => verdict = self.pipeline(code, pipeline, state),
                },
                ast::AndOr::Or(pipeline) => match verdict {
                    Some(true) => {}
                    Some(false) => verdict = self.pipeline(code, pipeline, state),
                    None => {
                        self.maybe(state, |runner, state| runner.pipeline(code, pipeline, state));
                    }
                },
            }
        }
        verdict
    }

    /// Reads something that may not run, and joins what is known with and without it.
    fn maybe(&mut self, state: &mut State, read: impl FnOnce(&mut Self, &mut State) -> Verdict) -> Verdict {
        let before = state.clone();
        self.conditional += 1;
        read(self, state);
        self.conditional -= 1;
        state.join(before);
        None
    }

    fn pipeline(&mut self, code: &Rc<Code>, pipeline: &ast::Pipeline, state: &mut State) -> Verdict {
        let verdict = match pipeline.seq.as_slice() {
            [only] => self.command(code, only, state),
            commands => {
                for command in commands {
                    self.command(code, command, &mut state.clone());
                }
                None
            }
        };
        if pipeline.bang { verdict.map(|verdict| !verdict) } else { verdict }
    }

    fn command(&mut self, code: &Rc<Code>, command: &ast::Command, state: &mut State) -> Verdict {
        if self.depth >= MAX_DEPTH || self.steps >= MAX_STEPS {
            self.unknown(self.whole, "the command is too long to follow to its end", true);
            state.ended = true;
            return None;
        }
        self.depth += 1;
        self.steps += 1;
        let verdict = match command {
            ast::Command::Simple(simple) => self.simple(code, simple, state),
            ast::Command::Compound(compound, redirects) => {
                if let Some(redirects) = redirects {
                    self.redirects(code, redirects.0.iter(), state);
                }
                self.compound(code, compound, state)
            }
            ast::Command::Function(function) => {
                let known = Function { code: Rc::clone(code), body: function.body.0.clone() };
                state.functions.insert(function.fname.value.clone(), Rc::new(known));
                Some(true)
            }
            ast::Command::ExtendedTest(..) => None,
        };
        self.depth -= 1;
        verdict
    }

    fn compound(&mut self, code: &Rc<Code>, compound: &ast::CompoundCommand, state: &mut State) -> Verdict {
        match compound {
            ast::CompoundCommand::BraceGroup(group) => self.list(code, &group.list, state),
            ast::CompoundCommand::Subshell(subshell) => self.list(code, &subshell.list, &mut state.clone()),
            ast::CompoundCommand::ForClause(clause) => {
                self.for_loop(code, clause, state);
                None
            }
            ast::CompoundCommand::CaseClause(clause) => {
                self.case(code, clause, state);
                None
            }
            ast::CompoundCommand::IfClause(clause) => {
                self.if_clause(code, clause, state);
                None
            }
            ast::CompoundCommand::WhileClause(clause) | ast::CompoundCommand::UntilClause(clause) => {
                self.list(code, &clause.0, state);
                self.maybe(state, |runner, state| runner.list(code, &clause.1.list, state))
            }
            ast::CompoundCommand::ArithmeticForClause(clause) => {
                self.maybe(state, |runner, state| runner.list(code, &clause.body.list, state))
            }
            ast::CompoundCommand::Coprocess(coprocess) => self.command(code, &coprocess.body, &mut state.clone()),
            ast::CompoundCommand::Arithmetic(_) => None,
        }
    }

    fn for_loop(&mut self, code: &Rc<Code>, clause: &ast::ForClauseCommand, state: &mut State) {
        let words = clause.values.as_deref().unwrap_or_default();
        let ranges: Vec<Range<usize>> =
            words.iter().filter_map(|word| word.loc.as_ref()).map(|at| code.range(at)).collect();
        let values = self.expand_all(code, &ranges, state);
        for value in &values {
            state.variables.insert(clause.variable_name.clone(), value.text().to_owned());
            if value.is_known() {
                self.list(code, &clause.body.list, state);
            } else {
                self.maybe(state, |runner, state| runner.list(code, &clause.body.list, state));
            }
            if state.ended || self.steps >= MAX_STEPS {
                break;
            }
        }
    }

    fn if_clause(&mut self, code: &Rc<Code>, clause: &ast::IfClauseCommand, state: &mut State) {
        let mut branches = vec![(Some(&clause.condition), &clause.then)];
        for other in clause.elses.iter().flatten() {
            branches.push((other.condition.as_ref(), &other.body));
        }
        let mut open = Vec::new();
        for (condition, body) in branches {
            let verdict = condition.map_or(Some(true), |condition| self.list(code, condition, state));
            match verdict {
                Some(false) => {}
                Some(true) => {
                    open.push(body);
                    self.branches(code, &open, true, state);
                    return;
                }
                None => open.push(body),
            }
        }
        self.branches(code, &open, false, state);
    }

    /// Reads bodies of which one runs; or none, unless the last is known to where no other does.
    fn branches(&mut self, code: &Rc<Code>, bodies: &[&ast::CompoundList], complete: bool, state: &mut State) {
        if let ([only], true) = (bodies, complete) {
            self.list(code, only, state);
            return;
        }
        let before = state.clone();
        let mut joined: Option<State> = (!complete).then(|| before.clone());
        self.conditional += 1;
        for body in bodies {
            let mut own = before.clone();
            self.list(code, body, &mut own);
            match &mut joined {
                Some(joined) => joined.join(own),
                None => joined = Some(own),
            }
        }
        self.conditional -= 1;
        if let Some(joined) = joined {
            *state = joined;
        }
    }

    fn case(&mut self, code: &Rc<Code>, clause: &ast::CaseClauseCommand, state: &mut State) {
        let value = clause.value.loc.as_ref().map(|at| self.expand_one(code, code.range(at), state));
        let known = value.filter(words::Field::is_known);
        let mut open = Vec::new();
        for item in &clause.cases {
            let mut hit = Some(false);
            for pattern in item.patterns.iter().filter_map(|pattern| pattern.loc.as_ref()) {
                let pattern = self.expand_one(code, code.range(pattern), state);
                let own = match &known {
                    _ if pattern.text() == "*" => Some(true),
                    Some(value) if pattern.is_known() => {
                        Some(super::expand::glob_matches(pattern.text(), value.text()))
                    }
                    _ => None,
                };
                hit = match (hit, own) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (None, _) | (_, None) => None,
                    _ => Some(false),
                };
            }
            let Some(body) = &item.cmd else {
                if hit == Some(true) {
                    self.branches(code, &open, false, state);
                    return;
                }
                continue;
            };
            match hit {
                Some(false) => {}
                Some(true) => {
                    open.push(body);
                    self.branches(code, &open, true, state);
                    return;
                }
                None => open.push(body),
            }
        }
        self.branches(code, &open, false, state);
    }

    fn simple(&mut self, code: &Rc<Code>, simple: &ast::SimpleCommand, state: &mut State) -> Verdict {
        let Parts { mut words, assignments, redirects, substitutions } = Parts::of(code, simple);
        words.retain(|word| !word.is_empty());
        for list in substitutions {
            self.list(code, list, &mut state.clone());
        }
        let output = self.redirects(code, redirects.into_iter(), state);
        if words.is_empty() {
            for assignment in assignments {
                self.assign(code, &assignment, state);
            }
            return Some(true);
        }
        let fields = self.expand_all(code, &words, state);
        if assignments.is_empty() {
            return self.dispatch(&fields, &output, state);
        }
        let mut inner = state.clone();
        for assignment in assignments {
            self.assign(code, &assignment, &mut inner);
        }
        let verdict = self.dispatch(&fields, &output, &mut inner);
        state.ended = inner.ended;
        state.folder = inner.folder;
        verdict
    }

    /// The files that redirections write, and the here-document that is read.
    fn redirects<'r>(
        &mut self,
        code: &Rc<Code>,
        redirects: impl Iterator<Item = &'r ast::IoRedirect>,
        state: &mut State,
    ) -> Output {
        let mut output = Output::default();
        for redirect in redirects {
            match redirect {
                ast::IoRedirect::File(fd, kind, ast::IoFileRedirectTarget::Filename(word)) => {
                    use ast::IoFileRedirectKind as K;
                    let writes = matches!(kind, K::Write | K::Append | K::Clobber | K::ReadAndWrite);
                    if writes
                        && fd.is_none_or(|fd| fd == 1)
                        && let Some(at) = &word.loc
                    {
                        let file = self.expand_one(code, code.range(at), state);
                        output.files.push((path::join(&state.folder, file.text()), file.span));
                    }
                }
                ast::IoRedirect::OutputAndError(word, _) => {
                    if let Some(at) = &word.loc {
                        let file = self.expand_one(code, code.range(at), state);
                        output.files.push((path::join(&state.folder, file.text()), file.span));
                    }
                }
                ast::IoRedirect::HereDocument(_, doc) => {
                    output.input = doc.doc.loc.as_ref().map(|at| code.mapped.slice(code.range(at)));
                }
                _ => {}
            }
        }
        output.files.retain(|(path, _)| !path.starts_with("/dev/") && !path.starts_with("/proc/"));
        output
    }

    fn assign(&mut self, code: &Rc<Code>, range: &Range<usize>, state: &mut State) {
        let text = &code.text()[range.clone()];
        let Some(equals) = text.find('=') else { return };
        let (append, name) = match text[..equals].strip_suffix('+') {
            Some(name) => (true, name.to_owned()),
            None => (false, text[..equals].to_owned()),
        };
        let value = if text[equals + 1..].starts_with('(') {
            UNKNOWN.to_string()
        } else {
            self.expand_one(code, range.start + equals + 1..range.end, state).text().to_owned()
        };
        let before = if append { state.variables.get(&name).cloned().unwrap_or_default() } else { String::new() };
        state.variables.insert(name, before + &value);
    }
}

/// Whether a pipeline is a test, so that `&&` behind it is a condition.
fn is_test(pipeline: &ast::Pipeline) -> bool {
    match pipeline.seq.as_slice() {
        [ast::Command::ExtendedTest(..)] => true,
        [ast::Command::Simple(simple)] => {
            let name = simple.word_or_name.as_ref().map_or("", |word| word.value.as_str());
            matches!(name, "[" | "test" | "grep" | "command" | "which" | "false")
        }
        _ => false,
    }
}

impl State {
    /// What holds after either of two ways; one that has ended does not come back.
    fn join(&mut self, other: Self) {
        match (self.ended, other.ended) {
            (_, true) => return,
            (true, false) => {
                *self = other;
                return;
            }
            _ => {}
        }
        for (name, value) in &mut self.variables {
            if other.variables.get(name) != Some(value) {
                *value = UNKNOWN.to_string();
            }
        }
        for name in other.variables.keys() {
            if !self.variables.contains_key(name) {
                self.variables.insert(name.clone(), UNKNOWN.to_string());
            }
        }
        if self.folder != other.folder {
            self.folder = format!("/{UNKNOWN}");
        }
        self.functions.extend(other.functions);
    }
}
