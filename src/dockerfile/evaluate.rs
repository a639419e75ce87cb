//! Follows the stages of a Dockerfile, instruction by instruction, into their plans.

use super::base::Base;
use super::expand::{Expanded, expand};
use super::model::{Command, Copy, Dockerfile, Instruction, Kind, Source, Stage, Variable, flag};
use super::path;
use super::plan::{ImageFile, Origin, Set, Shape, StagePlan, UnknownEffect};
use crate::file::Span;
use crate::platform::Platform;
use std::collections::BTreeMap;

/// How many files one stage may have; what is copied beyond that is not told apart any more.
pub(super) const MAX_FILES: usize = 20_000;

/// What a plan is told besides the Dockerfile.
#[derive(Clone, Debug, Default)]
pub struct Options<'a> {
    /// `--build-arg` values.
    pub build_args: BTreeMap<String, String>,
    /// The platform that is built for; building is taken to happen on the same.
    pub platform: Platform,
    /// The build context, where it is at hand: its files settle globs, folders and execute bits.
    pub context: Option<&'a super::context::Context<'a>>,
}

/// The plans of all stages of a Dockerfile.
#[derive(Clone, Debug)]
pub struct Plans {
    /// One for each stage, in the order of the file.
    pub stages: Vec<StagePlan>,
    names: Vec<Option<String>>,
}

/// No stage has the name that was asked for.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("no stage is called `{target}`; there are {}", .known.join(", "))]
pub struct UnknownTarget {
    /// What was asked for.
    pub target: String,
    /// The stages of the file.
    pub known: Vec<String>,
}

impl Plans {
    /// Works out every stage of `dockerfile`.
    pub fn new(dockerfile: &Dockerfile, options: &Options<'_>) -> Self {
        let names = dockerfile.stages.iter().map(|stage| stage.name.as_ref().map(|name| name.text.clone())).collect();
        let mut plans = Self { stages: Vec::new(), names };
        let globals = Globals::new(dockerfile, options);
        for stage in &dockerfile.stages {
            let plan = Evaluator::new(dockerfile, options, &plans, &globals, stage).follow(stage);
            plans.stages.push(plan);
        }
        plans
    }

    /// The stage that `target` names, by name or number; the last one without a target.
    pub fn target(&self, target: Option<&str>) -> Result<&StagePlan, UnknownTarget> {
        let last = self.stages.len().saturating_sub(1);
        let index = match target {
            None => Some(last),
            Some(target) => self.named(target, self.stages.len()).or_else(|| target.parse().ok()),
        };
        index.and_then(|index| self.stages.get(index)).ok_or_else(|| UnknownTarget {
            target: target.unwrap_or_default().to_owned(),
            known: self.stages.iter().map(|plan| plan.label.clone()).collect(),
        })
    }

    /// The last stage before `before` that has a name, letters of either case meaning the same.
    fn named(&self, name: &str, before: usize) -> Option<usize> {
        let known = self.names.iter().take(before);
        known
            .enumerate()
            .rev()
            .find(|(_, known)| known.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(name)))
            .map(|(at, _)| at)
    }

    /// The stage that `COPY --from` means, among those before `before`; nothing for another image.
    pub(super) fn source(&self, name: &str, before: usize) -> Option<usize> {
        self.named(name, before).or_else(|| name.parse().ok().filter(|index| *index < before))
    }
}

/// What holds before the first `FROM`: global `ARG`s and the platform's variables.
struct Globals {
    /// For `FROM` lines.
    lines: BTreeMap<String, String>,
    /// The platform's variables, which a stage's `ARG` without a default picks up.
    platform: BTreeMap<String, String>,
}

impl Globals {
    fn new(dockerfile: &Dockerfile, options: &Options<'_>) -> Self {
        let mut platform = BTreeMap::new();
        for side in ["BUILD", "TARGET"] {
            platform.insert(format!("{side}PLATFORM"), options.platform.to_string());
            platform.insert(format!("{side}OS"), options.platform.os().to_owned());
            platform.insert(format!("{side}ARCH"), options.platform.docker_arch().to_owned());
            platform.insert(format!("{side}VARIANT"), options.platform.variant().unwrap_or_default().to_owned());
        }
        let mut lines = platform.clone();
        for instruction in &dockerfile.global_args {
            let Kind::Arg(variables) = &instruction.kind else { continue };
            for variable in variables {
                if let Some(value) = options.build_args.get(&variable.name) {
                    lines.insert(variable.name.clone(), value.clone());
                } else if let Some(value) = &variable.value {
                    let value = expand(value, &lines, dockerfile.escape).text;
                    lines.insert(variable.name.clone(), value);
                }
            }
        }
        Self { lines, platform }
    }
}

struct Evaluator<'a> {
    escape: char,
    options: &'a Options<'a>,
    plans: &'a Plans,
    globals: &'a Globals,
    plan: StagePlan,
}

impl<'a> Evaluator<'a> {
    fn new(
        dockerfile: &Dockerfile,
        options: &'a Options<'a>,
        plans: &'a Plans,
        globals: &'a Globals,
        stage: &Stage,
    ) -> Self {
        let Expanded { text, unset } = expand(&stage.image.text, &globals.lines, dockerfile.escape);
        let plan = match plans.named(&text, stage.index) {
            Some(parent) => plans.stages[parent].child(stage),
            None => StagePlan::from_base(Base::new(&text, stage.image.span, unset.into_iter().collect()), stage),
        };
        Self { escape: dockerfile.escape, options, plans, globals, plan }
    }

    fn follow(mut self, stage: &Stage) -> StagePlan {
        // What the parent left with ONBUILD comes first, and is not passed on.
        for instruction in std::mem::take(&mut self.plan.onbuild) {
            self.instruction(&instruction);
        }
        for instruction in &stage.instructions {
            self.instruction(instruction);
        }
        self.plan
    }

    /// A word with its variables expanded: `ENV` answers before `ARG`.
    fn expand(&self, word: &str) -> Expanded {
        let mut variables = self.plan.args.clone();
        variables.insert("PATH".to_owned(), super::plan::DEFAULT_PATH.to_owned());
        variables.extend(self.plan.env.iter().map(|(name, value)| (name.clone(), value.clone())));
        expand(word, &variables, self.escape)
    }

    fn set<T>(&self, value: T, instruction: &Instruction) -> Set<T> {
        Set { value, span: instruction.span, stage: self.plan.stage }
    }

    fn unknown(&mut self, span: Span, why: impl Into<String>, programs: bool) {
        self.plan.unknown(span, why, programs);
    }

    fn instruction(&mut self, instruction: &Instruction) {
        match &instruction.kind {
            Kind::Arg(variables) => self.args(variables),
            Kind::Env(variables) => self.env(variables),
            Kind::Cmd(command) => {
                // An empty array takes the command away.
                let empty = matches!(command, Command::Exec(words, _) if words.is_empty());
                self.plan.cmd = (!empty).then(|| self.set(command.clone(), instruction));
                self.plan.cmd_is_own = true;
            }
            Kind::Entrypoint(command) => {
                let empty = matches!(command, Command::Exec(words, _) if words.is_empty());
                self.plan.entrypoint = (!empty).then(|| self.set(command.clone(), instruction));
                self.plan.base_start = false;
                // An inherited CMD does not outlive a new ENTRYPOINT.
                if !self.plan.cmd_is_own {
                    self.plan.cmd = None;
                }
            }
            Kind::Healthcheck(command) => {
                self.plan.healthcheck = command.as_ref().map(|command| self.set(command.clone(), instruction));
                self.plan.base_healthcheck = false;
            }
            Kind::User(word) => {
                let user = self.expand(&word.text).text;
                self.plan.user = Some(self.set(user, instruction));
            }
            Kind::Workdir(word) => {
                let folder = self.expand(&word.text).text;
                self.plan.workdir = path::join(&self.plan.workdir, &folder);
                self.plan.folders.push(self.plan.workdir.clone());
            }
            Kind::Shell(words) => {
                self.plan.shell = words.iter().map(|word| word.text.clone()).collect();
            }
            Kind::Copy(copy) => self.copy(copy, instruction.span, false),
            Kind::Add(copy) => self.copy(copy, instruction.span, true),
            Kind::Onbuild(inner) => self.plan.onbuild.push((**inner).clone()),
            Kind::Run(run) => {
                let mut variables = self.plan.args.clone();
                variables.extend(self.plan.env.clone());
                let escape = self.escape;
                let expand = |word: &str| expand(word, &variables, escape).text;
                super::run::follow(&mut self.plan, run, self.options, &expand);
            }
            Kind::Inert(_) => {}
        }
    }

    fn args(&mut self, variables: &[Variable]) {
        for variable in variables {
            let given = self.options.build_args.get(&variable.name).cloned();
            let default = || variable.value.as_ref().map(|value| self.expand(value).text);
            let global = || {
                self.globals.lines.get(&variable.name).or_else(|| self.globals.platform.get(&variable.name)).cloned()
            };
            if let Some(value) = given.or_else(default).or_else(global) {
                self.plan.args.insert(variable.name.clone(), value);
            }
        }
    }

    fn env(&mut self, variables: &[Variable]) {
        // All values of one instruction see the environment before it.
        let values: Vec<(String, String, Span)> = variables
            .iter()
            .map(|variable| {
                let value = self.expand(variable.value.as_deref().unwrap_or_default()).text;
                (variable.name.clone(), value, variable.span)
            })
            .collect();
        for (name, value, span) in values {
            self.plan.env_spans.insert(name.clone(), span);
            self.plan.env.insert(name, value);
        }
    }

    fn copy(&mut self, copy: &Copy, span: Span, add: bool) {
        let destination = self.expand(&copy.destination.text).text;
        let target = path::join(&self.plan.workdir, &destination);
        let into_folder = destination.ends_with('/')
            || matches!(destination.as_str(), "." | "..")
            || copy.sources.len() > 1
            || self.plan.is_folder(&target);
        let executable = flag(&copy.flags, "chmod").and_then(|mode| mode_executes(&self.expand(&mode.text).text));
        let from = flag(&copy.flags, "from").map(|from| self.expand(&from.text).text);
        for source in &copy.sources {
            let placed = Placed { target: &target, into_folder, executable, span };
            match source {
                Source::HereDoc(word, doc) => {
                    let path = if into_folder { path::join(&target, &word.text) } else { target.clone() };
                    self.put(path, Shape::File, Origin::HereDoc(doc.clone()), executable, span);
                }
                Source::Path(word) => {
                    let source = self.expand(&word.text);
                    if !source.unset.is_empty() {
                        let names: Vec<&str> = source.unset.iter().map(String::as_str).collect();
                        self.unknown(word.span, format!("the value of {} is not known", names.join(", ")), true);
                    }
                    match &from {
                        Some(from) => self.copy_from(from, &source.text, &placed),
                        None if add && is_remote(&source.text) => self.add_remote(&source.text, &placed),
                        // What it is called in the context is not known, so no rule can keep it out.
                        None if !source.unset.is_empty() => {
                            let origin = Origin::Context(path::join("/", &source.text)[1..].to_owned());
                            self.put(placed.path(&source.text), Shape::Unknown, origin, executable, span);
                        }
                        None => self.copy_context(&source.text, &placed, add),
                    }
                }
            }
        }
    }

    /// `COPY --from`: what the other stage is known to have below the source arrives below the target.
    fn copy_from(&mut self, from: &str, source: &str, placed: &Placed<'_>) {
        let source_path = path::join("/", source);
        let plans = self.plans;
        let Some(stage) = plans.source(from, self.plan.stage) else {
            let shape = Shape::Unknown;
            let path = placed.path(&source_path);
            self.put(path, shape, Origin::Image(from.to_owned(), source_path), placed.executable, placed.span);
            return;
        };
        let other = &plans.stages[stage];
        let glob = source_path.contains(['*', '?', '[']);
        let mut known = false;
        for file in &other.files {
            let (from_path, to) = if glob {
                if !super::context::matches(&source_path, &file.path) {
                    continue;
                }
                (file.path.clone(), path::join(placed.target, path::file_name(&file.path)))
            } else {
                let Some(rest) = path::below(&source_path, &file.path) else { continue };
                let whole = rest.is_empty() && file.shape != Shape::Tree;
                let to = if whole { placed.path(&source_path) } else { path::join(placed.target, rest) };
                known |= whole;
                (file.path.clone(), to)
            };
            if from_path == source_path && file.shape == Shape::Tree {
                continue;
            }
            let executable = placed.executable.or(file.executable);
            self.put(to, file.shape, Origin::Stage(stage, from_path), executable, placed.span);
        }
        if known {
            return;
        }
        if glob {
            let origin = Origin::Stage(stage, source_path);
            self.put(placed.target.to_owned(), Shape::Tree, origin, placed.executable, placed.span);
            return;
        }
        // A folder's contents land in the target; a file lands in it by its name, or as it.
        let inside =
            other.files.iter().any(|file| path::below(&source_path, &file.path).is_some_and(|rest| !rest.is_empty()));
        let is_folder = inside || source.ends_with('/') || source_path == "/" || other.folders.contains(&source_path);
        let (path, shape) = if is_folder {
            (placed.target.to_owned(), Shape::Tree)
        } else if placed.into_folder {
            // Either the folder's contents land here, or a file of this name.
            self.put(
                placed.path(&source_path),
                Shape::Unknown,
                Origin::Stage(stage, source_path.clone()),
                placed.executable,
                placed.span,
            );
            (placed.target.to_owned(), Shape::Tree)
        } else {
            (placed.target.to_owned(), Shape::Unknown)
        };
        self.put(path, shape, Origin::Stage(stage, source_path), placed.executable, placed.span);
    }

    fn add_remote(&mut self, source: &str, placed: &Placed<'_>) {
        let git = source.contains(".git") || source.starts_with("git@");
        let (path, shape) = if git {
            (placed.target.to_owned(), Shape::Tree)
        } else {
            let name = source.split(['?', '#']).next().unwrap_or(source);
            (placed.path(name), Shape::File)
        };
        self.put(path, shape, Origin::Remote(source.to_owned()), placed.executable, placed.span);
    }

    fn copy_context(&mut self, source: &str, placed: &Placed<'_>, add: bool) {
        let relative = path::join("/", source)[1..].to_owned();
        let origin = Origin::Context(relative.clone());
        if add && is_archive(&relative) {
            self.put(placed.target.to_owned(), Shape::Tree, origin, placed.executable, placed.span);
            self.unknown(placed.span, format!("`{relative}` is unpacked, and what it holds is not known"), true);
            return;
        }
        let Some(context) = self.options.context else {
            let glob = relative.contains(['*', '?', '[']);
            if glob || relative.is_empty() {
                self.put(placed.target.to_owned(), Shape::Tree, origin, placed.executable, placed.span);
            } else {
                self.put(placed.path(&relative), Shape::Unknown, origin.clone(), placed.executable, placed.span);
                if placed.into_folder {
                    self.put(placed.target.to_owned(), Shape::Tree, origin, placed.executable, placed.span);
                }
            }
            return;
        };
        let found = context.find(&relative);
        if found.is_empty() && context.is_ignored(&relative) {
            self.unknown(placed.span, format!(".dockerignore keeps `{source}` out of the build context"), false);
        } else if found.is_empty() {
            // What is not in the tree may be made before the build.
            self.unknown(placed.span, format!("the build context has no `{source}`"), false);
            let glob = relative.contains(['*', '?', '[']);
            let path = if glob { placed.target.to_owned() } else { placed.path(&relative) };
            let shape = if glob { Shape::Tree } else { Shape::Unknown };
            self.put(path, shape, origin, placed.executable, placed.span);
        }
        for entry in found {
            let executable = placed.executable.or(entry.executable);
            let origin = Origin::Context(entry.path.clone());
            if entry.is_folder {
                self.put(placed.target.to_owned(), Shape::Tree, origin, placed.executable, placed.span);
            } else {
                self.put(placed.path(&entry.path), Shape::File, origin, executable, placed.span);
            }
        }
    }

    fn put(&mut self, path: String, shape: Shape, origin: Origin, executable: Option<bool>, span: Span) {
        let stage = self.plan.stage;
        self.plan.put(ImageFile { path, shape, origin, executable, conditional: false, span, stage });
    }
}

/// Where a source of `COPY` lands.
struct Placed<'a> {
    target: &'a str,
    into_folder: bool,
    executable: Option<bool>,
    span: Span,
}

impl Placed<'_> {
    /// The path of a file named like `source`.
    fn path(&self, source: &str) -> String {
        if self.into_folder { path::join(self.target, path::file_name(source)) } else { self.target.to_owned() }
    }
}

/// Whether a mode of `--chmod` or `chmod` lets anyone execute; nothing where it does not say.
pub(super) fn mode_executes(mode: &str) -> Option<bool> {
    if !mode.is_empty() && mode.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) {
        return u32::from_str_radix(mode, 8).ok().map(|bits| bits & 0o111 != 0);
    }
    let mut verdict = None;
    for clause in mode.split(',') {
        let Some(at) = clause.find(['+', '-', '=']) else { continue };
        let (operator, bits) = clause[at..].split_at(1);
        let names = bits.contains(['x', 'X']);
        match operator {
            "+" if names => verdict = Some(true),
            "-" if names => verdict = Some(false),
            "=" => verdict = Some(names),
            _ => {}
        }
    }
    verdict
}

fn is_remote(source: &str) -> bool {
    ["http://", "https://", "git://", "git@", "ssh://"].iter().any(|scheme| source.starts_with(scheme))
}

/// The archives that `ADD` unpacks.
fn is_archive(path: &str) -> bool {
    [".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tbz", ".tar.zst"]
        .iter()
        .any(|ending| path.ends_with(ending))
}

impl StagePlan {
    /// The plan of a stage before its first instruction, on an image that no stage of the file makes.
    fn from_base(base: Base, stage: &Stage) -> Self {
        let official = base.official();
        let env = official.map(|row| row.env.clone()).unwrap_or_default();
        let workdir = official.and_then(|row| row.workdir.clone()).unwrap_or_else(|| "/".to_owned());
        Self {
            stage: stage.index,
            label: stage.label(),
            chain: vec![stage.index],
            base,
            packages: Vec::new(),
            removed: Vec::new(),
            foreign: Vec::new(),
            apk_adds: Vec::new(),
            files: Vec::new(),
            env,
            env_spans: BTreeMap::new(),
            args: BTreeMap::new(),
            user: None,
            workdir,
            folders: Vec::new(),
            shell: vec!["/bin/sh".to_owned(), "-c".to_owned()],
            entrypoint: None,
            cmd: None,
            healthcheck: None,
            base_start: true,
            base_healthcheck: true,
            cmd_is_own: false,
            onbuild: Vec::new(),
            builds: Vec::new(),
            modes: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// The plan of a stage that starts from this one, before its first instruction.
    fn child(&self, stage: &Stage) -> Self {
        let mut plan = self.clone();
        plan.stage = stage.index;
        plan.label = stage.label();
        plan.chain.push(stage.index);
        plan.cmd_is_own = false;
        plan
    }

    /// Puts a file where it belongs; one that stood there before is gone.
    pub(super) fn put(&mut self, file: ImageFile) {
        if self.files.len() >= MAX_FILES {
            return;
        }
        if file.shape == Shape::File && !file.conditional {
            self.files.retain(|known| known.path != file.path || known.shape == Shape::Tree);
        }
        self.files.push(file);
    }

    /// Notes something that cannot be known, once for each place and reason.
    pub(super) fn unknown(&mut self, span: Span, why: impl Into<String>, programs: bool) {
        let effect = UnknownEffect { span, why: why.into(), programs };
        if self.unknown.len() < 1000 && !self.unknown.contains(&effect) {
            self.unknown.push(effect);
        }
    }
}
