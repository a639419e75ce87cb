//! From a Dockerfile back to the source that its image runs: the roots that `check` scans when nobody names any.
//!
//! For the stage that ships, each file and folder is followed through `COPY --from` and build commands to the build
//! context. What cannot be followed is listed with the flag that settles it; nothing is guessed.

mod folder;
mod release;

use self::folder::{is_test_or_data, join, kinds_of, python_roots};
use crate::dockerfile::{
    Build, BuildTool, Command, Context, ImageFile, Origin, Plans, Presence, Shape, StagePlan, path,
};
use crate::file::Span;
use crate::scan::deploy::Deployment;
use crate::scan::{LANGUAGES, Root};
use crate::site::{ExecSite, Program, Step};
use crate::walk::{self, Kind, Tree};
use std::collections::BTreeSet;

/// How many stages a file is followed through.
const MAX_HOPS: usize = 32;

/// A root that the Dockerfile names, and how it was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RootFound {
    /// The root.
    pub root: Root,
    /// From the image back to the source.
    pub trace: Vec<Step>,
}

/// Something of the image that could not be followed to its source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Untraced {
    /// The instruction.
    pub span: Span,
    /// The path in the image.
    pub path: String,
    /// Why it was not followed.
    pub why: String,
    /// The flag that settles it.
    pub help: String,
}

/// What a Dockerfile says of the source of its image.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    /// The roots, sorted, each once.
    pub found: Vec<RootFound>,
    /// What was not followed.
    pub untraced: Vec<Untraced>,
    /// What starts the image beside the Dockerfile: services and containers.
    pub started: Vec<Step>,
}

/// Follows everything in the stage `plan` to the build context; `deployments` are the ways in which other files start it.
pub fn from_dockerfile(plans: &Plans, plan: &StagePlan, context: &Context<'_>, deployments: &[Deployment]) -> Roots {
    let mut tracer = Tracer {
        plans,
        context,
        tree: context.tree(),
        plan,
        started: started(plan, deployments),
        built: BTreeSet::new(),
        deferred: Vec::new(),
        roots: Roots::default(),
    };
    for file in &plan.files {
        tracer.file(file);
    }
    tracer.roots.started = deployments.iter().map(|own| Step { what: own.name.clone(), span: own.span }).collect();
    tracer.started_files();
    tracer.finish()
}

/// The scripts of the context that `sites` run by their path or name in the image, those in `known` left out.
pub fn run_by(sites: &[ExecSite], plan: &StagePlan, context: &Context<'_>, known: &[Root]) -> Vec<RootFound> {
    let tree = context.tree();
    let mut found: Vec<RootFound> = Vec::new();
    for site in sites {
        let at = match &site.program {
            Program::Path(at) if at.starts_with('/') => vec![at.clone()],
            Program::Name(name) => plan.path_folders().iter().map(|folder| path::join(folder, name)).collect(),
            _ => continue,
        };
        let there = at.iter().find_map(|at| match plan.presence(at) {
            Presence::Provided(file) => Some((file, "")),
            Presence::Within(file) => Some((file, path::below(&file.path, at)?)),
            Presence::Unnamed => None,
        });
        let Some((file, rest)) = there else { continue };
        let Origin::Context(source) = &file.origin else { continue };
        let root = Root { language: "shell", path: context.tree_path(&join(source, rest)) };
        let is_known = known.contains(&root) || found.iter().any(|other| other.root == root);
        if !is_known && tree.is_file(&root.path) && crate::scan::shell::detects(tree, &root.path) {
            let trace = vec![
                Step { what: format!("run as {}", site.program), span: site.span },
                Step { what: format!("{} of the image", file.path), span: file.span },
            ];
            found.push(RootFound { root, trace });
        }
    }
    found.sort();
    found
}

/// The words that ENTRYPOINT, CMD, HEALTHCHECK and the files beside start with, as paths of the image where they may be some.
fn started(plan: &StagePlan, deployments: &[Deployment]) -> Vec<(String, Span)> {
    let own = [&plan.entrypoint, &plan.cmd, &plan.healthcheck].into_iter().flatten().map(|set| &set.value);
    let beside = deployments.iter().flat_map(|deployment| deployment.settings().map(|setting| &setting.command));
    let mut words = Vec::new();
    for command in own.chain(beside) {
        match command {
            Command::Exec(own, _) => {
                words.extend(
                    own.iter().flat_map(|word| word.text.split_whitespace().map(|part| (part.to_owned(), word.span))),
                );
            }
            Command::Shell(text, span) => {
                words.extend(
                    text.text().split_whitespace().map(|part| (part.trim_matches(['"', '\'', ';']).to_owned(), *span)),
                );
            }
        }
    }
    words
}

struct Tracer<'a> {
    plans: &'a Plans,
    context: &'a Context<'a>,
    tree: &'a Tree,
    plan: &'a StagePlan,
    started: Vec<(String, Span)>,
    /// Builds that gave a root.
    built: BTreeSet<Span>,
    /// What is said of a build unless it gives a root after all.
    deferred: Vec<(Span, Untraced)>,
    roots: Roots,
}

/// Where something of the image comes from.
enum Source<'a> {
    /// A path of the context.
    Context(String),
    /// A build command of a stage.
    Build(&'a Build),
    /// Another image: not the project's code.
    Foreign,
    /// Something else, in words.
    Other(String),
}

impl<'a> Tracer<'a> {
    fn finish(mut self) -> Roots {
        let built = &self.built;
        let open = self.deferred.into_iter().filter(|(build, _)| !built.contains(build));
        self.roots.untraced.extend(open.map(|(_, untraced)| untraced));
        self.roots.found.sort();
        self.roots.found.dedup_by(|a, b| a.root == b.root);
        self.roots.untraced.sort();
        self.roots.untraced.dedup();
        self.roots
    }

    fn file(&mut self, file: &ImageFile) {
        let mut trace = vec![Step { what: format!("{} of the image", file.path), span: file.span }];
        match &file.origin {
            Origin::Context(source) => self.context_path(source, file, &trace),
            Origin::Stage(stage, at) => match self.follow(*stage, at, &mut trace, 0) {
                Source::Context(source) => self.context_path(&source, file, &trace),
                Source::Build(build) => self.build(build, file, &trace),
                Source::Foreign => {}
                Source::Other(why) => {
                    // A file and a folder may both stand for one source; only what may be a program matters.
                    if file.shape != Shape::Tree || self.is_on_path(&file.path) {
                        self.untraced(file, why);
                    }
                }
            },
            Origin::Built(tool) if tool == "go build" => {
                match self.plan.builds.iter().rev().find(|build| build.outputs.contains(&file.path)) {
                    Some(build) => self.build(build, file, &trace),
                    None => self.untraced(file, "the build that makes it was not recognized".to_owned()),
                }
            }
            _ => {}
        }
    }

    /// Follows a path of a stage to the context or to the command that makes it.
    fn follow(&self, stage: usize, at: &str, trace: &mut Vec<Step>, hops: usize) -> Source<'a> {
        let Some(plan) = self.plans.stages.get(stage).filter(|_| hops < MAX_HOPS) else {
            return Source::Other("the stages lead too far".to_owned());
        };
        if let Some(build) = made_by(plan, at) {
            trace.push(Step { what: format!("made in stage {}", plan.label), span: build.span });
            return Source::Build(build);
        }
        match plan.presence(at) {
            Presence::Provided(file) => self.follow_file(plan, file, at, trace, hops),
            Presence::Within(file) => {
                let whole = self.follow_file(plan, file, at, trace, hops);
                match whole {
                    // The context has it not: a build below this folder made it.
                    Source::Context(source) if self.tree.kind(&self.context.tree_path(&source)).is_none() => {
                        builder_of(plan, at).map_or_else(
                            || Source::Other(format!("nothing in stage {} is known to make it", plan.label)),
                            Source::Build,
                        )
                    }
                    other => other,
                }
            }
            Presence::Unnamed => match builder_of(plan, at) {
                Some(build) => {
                    trace.push(Step { what: format!("made in stage {}", plan.label), span: build.span });
                    Source::Build(build)
                }
                // Nothing of the project takes part: the image's own files.
                None if plan.unknown.is_empty() && plan.builds.is_empty() => Source::Foreign,
                None => Source::Other(format!("stage {} does not say what makes it", plan.label)),
            },
        }
    }

    fn follow_file(
        &self,
        plan: &'a StagePlan,
        file: &'a ImageFile,
        at: &str,
        trace: &mut Vec<Step>,
        hops: usize,
    ) -> Source<'a> {
        let rest = path::below(&file.path, at).unwrap_or_default();
        let deeper = |source: &str| {
            if rest.is_empty() { source.to_owned() } else { format!("{}/{rest}", source.trim_end_matches('/')) }
        };
        trace.push(Step { what: format!("copied in stage {}", plan.label), span: file.span });
        match &file.origin {
            Origin::Context(source) => Source::Context(deeper(source).trim_start_matches('/').to_owned()),
            Origin::Stage(stage, source) => self.follow(*stage, &deeper(source), trace, hops + 1),
            Origin::Image(..) | Origin::Remote(_) => Source::Foreign,
            Origin::HereDoc(_) => Source::Other("it is a here-document".to_owned()),
            Origin::Link(target) => Source::Other(format!("it is a link to {target}")),
            Origin::Built(tool) if matches!(tool.as_str(), "curl" | "wget" | "tar" | "unzip") => Source::Foreign,
            Origin::Built(tool) => Source::Other(format!("`{tool}` makes it")),
        }
    }

    /// A file or a folder of the context that stands in the image.
    fn context_path(&mut self, source: &str, file: &ImageFile, trace: &[Step]) {
        let at = self.context.tree_path(source);
        match self.tree.kind(&at) {
            Some(Kind::File) => self.source_file(&at, file, trace),
            Some(Kind::Folder) => self.source_folder(&at, file, trace),
            _ => {
                let mut made = release::sources(self.context, source);
                if made.is_empty() && file.shape != Shape::Tree {
                    // Where its name in the context has a variable, the one in the image tells.
                    made = release::sources(self.context, &file.path);
                }
                for (folder, why) in &made {
                    let mut trace = trace.to_vec();
                    trace.push(Step { what: format!("made before the image is: {why}"), span: file.span });
                    self.root("go", folder.clone(), &trace);
                }
                let matters = source.ends_with(".apk") || source.contains('*');
                if made.is_empty() && (matters || self.is_run(file)) {
                    self.untraced(file, format!("the build context has no {source}: something else makes it"));
                }
            }
        }
    }

    fn source_file(&mut self, at: &str, file: &ImageFile, trace: &[Step]) {
        if is_test_or_data(at) {
            return;
        }
        let language =
            LANGUAGES.iter().find(|language| language.name != "dockerfile" && (language.detects)(self.tree, at));
        match language.map(|language| language.name) {
            Some(name @ ("python" | "javascript")) => {
                // Several files of one folder and ending are one root.
                let (folder, name_part) = at.rsplit_once('/').unwrap_or(("", at));
                let ending = name_part.rsplit_once('.').map_or("", |(_, ending)| ending);
                let siblings = self
                    .plan
                    .files
                    .iter()
                    .filter(|other| other.span == file.span && other.path.ends_with(&format!(".{ending}")))
                    .count();
                let path = if siblings > 1 && !ending.is_empty() {
                    if folder.is_empty() { format!("*.{ending}") } else { format!("{folder}/*.{ending}") }
                } else {
                    at.to_owned()
                };
                self.root(name, path, trace);
            }
            Some(name @ ("shell" | "service")) => self.root(name, at.to_owned(), trace),
            _ => {}
        }
    }

    /// A folder that is copied: an application where something says so.
    fn source_folder(&mut self, at: &str, file: &ImageFile, trace: &[Step]) {
        if let Some(inside) = path::below(&format!("/{}", self.context.folder()), &format!("/{at}")) {
            for (language, source) in folder::started_files(self.context, self.plan, inside, &file.path) {
                self.root(language, source, trace);
            }
        }
        let kinds = kinds_of(self.tree, at);
        let has = |name: &str| self.tree.is_file(&join(at, name));
        let is_started = self.is_started_below(&file.path);
        let is_workdir = self.plan.workdir == file.path && file.path != "/";
        let python_package = has("__init__.py") || has("pyproject.toml") || has("setup.py");
        if kinds.contains("python") {
            if python_package || is_started || is_workdir {
                for path in python_roots(self.tree, at) {
                    self.root("python", path, trace);
                }
            } else if self.is_on_path(&file.path)
                || file.path.starts_with("/app")
                || file.path.starts_with(&self.plan.workdir) && self.plan.workdir != "/"
            {
                self.untraced_folder(file, at, "python");
            }
        }
        let javascript_starts = has("package.json") || is_started || is_workdir;
        if kinds.contains("javascript") && !python_package && javascript_starts {
            self.root("javascript", at.to_owned(), trace);
        }
    }

    fn is_started_below(&self, folder: &str) -> bool {
        self.started.iter().any(|(word, _)| {
            let at = path::join(&self.plan.workdir, word);
            let names_path = word.contains('/') || word.contains('.') || at == folder;
            names_path && !word.starts_with('-') && path::below(folder, &at).is_some()
        })
    }

    /// The files that the start names inside copied folders.
    fn started_files(&mut self) {
        let started = self.started.clone();
        for (word, span) in started {
            let at = path::join(&self.plan.workdir, &word);
            let Presence::Within(folder) = self.plan.presence(&at) else { continue };
            let rest = path::below(&folder.path, &at).unwrap_or_default();
            let mut trace = vec![Step { what: format!("started as {word}"), span }];
            let source = match &folder.origin {
                Origin::Context(source) => Source::Context(join(source, rest)),
                Origin::Stage(stage, from) => self.follow(*stage, &path::join(from, rest), &mut trace, 0),
                _ => continue,
            };
            match source {
                Source::Context(source) => {
                    let source = self.context.tree_path(&source);
                    if self.tree.is_file(&source) && crate::scan::shell::detects(self.tree, &source) {
                        self.root("shell", source, &trace);
                    }
                }
                Source::Build(build) => {
                    let folder = folder.clone();
                    self.build(build, &folder, &trace);
                }
                Source::Foreign | Source::Other(_) => {}
            }
        }
    }

    /// The source of a build command.
    fn build(&mut self, build: &'a Build, file: &ImageFile, trace: &[Step]) {
        match build.tool {
            BuildTool::Go => self.go_build(build, file, trace),
            BuildTool::Cargo => self.folder_build(build, file, trace, "rust", "--code rust:FOLDER"),
            BuildTool::Node => self.node_build(build, file, trace),
            BuildTool::Python => self.folder_build(build, file, trace, "python", "--code python:FOLDER"),
            BuildTool::Make => {
                let mut made = release::sources(self.context, &origin_path(file));
                let stage = self.plans.stages.get(build.stage);
                if made.is_empty() && stage.is_some_and(|stage| path::file_name(&stage.base.repository) == "golang") {
                    made.extend(release::only(self.context).filter(|_| self.is_run(file)));
                }
                for (folder, why) in &made {
                    let mut trace = trace.to_vec();
                    trace.push(Step { what: format!("made by make: {why}"), span: build.span });
                    self.root("go", folder.clone(), &trace);
                }
                if !made.is_empty() {
                    return;
                }
                let why = "make builds it, and its rules are not read".to_owned();
                self.roots.untraced.push(Untraced {
                    span: build.span,
                    path: file.path.clone(),
                    why,
                    help: "name its source with --code, for example --code go:./cmd/server".to_owned(),
                });
            }
        }
    }

    /// What npm and its kin build is the application where the image starts something of it; else it is data for one, or
    /// packages.
    fn node_build(&mut self, build: &'a Build, file: &ImageFile, trace: &[Step]) {
        if file.path.contains("node_modules") {
            return;
        }
        if self.plan.workdir == file.path || self.is_started_below(&file.path) {
            self.folder_build(build, file, trace, "javascript", "--code javascript:FOLDER");
        } else {
            let why = "it is built by npm or the like, and nothing known starts it".to_owned();
            let help = "scan its source with --code javascript:FOLDER where the image runs it".to_owned();
            let untraced = Untraced { span: file.span, path: file.path.clone(), why, help };
            self.deferred.push((build.span, untraced));
        }
    }

    fn go_build(&mut self, build: &'a Build, file: &ImageFile, trace: &[Step]) {
        let own = [".".to_owned()];
        let all = if build.packages.is_empty() { own.as_slice() } else { build.packages.as_slice() };
        // Where several packages are built, the one whose file is followed.
        let at = build.outputs.iter().position(|output| path::file_name(output) == path::file_name(&origin_path(file)));
        let packages: Vec<&String> = match at {
            Some(at) if build.outputs.len() == all.len() => vec![&all[at]],
            _ => all.iter().collect(),
        };
        for package in packages {
            match self.go_package(build, package) {
                Some(folder) => {
                    let mut trace = trace.to_vec();
                    trace.push(Step { what: format!("go build of {package}"), span: build.span });
                    self.root("go", folder, &trace);
                }
                None => self.roots.untraced.push(Untraced {
                    span: build.span,
                    path: file.path.clone(),
                    why: format!("the Go package {package}, seen from {}, is not in the build context", build.folder),
                    help: "name it with --code go:FOLDER".to_owned(),
                }),
            }
        }
    }

    /// The folder of the tree that holds a Go package.
    fn go_package(&self, build: &Build, package: &str) -> Option<String> {
        if package.contains("...") {
            return None;
        }
        let local = package.starts_with(['.', '/']);
        let is_file = package.ends_with(".go");
        if local || is_file {
            let at = path::join(&build.folder, package);
            let at = if is_file { at.rsplit_once('/').map_or("/", |(folder, _)| folder).to_owned() } else { at };
            let folder = self.source_of(build, &at)?;
            return self.tree.is_folder(&folder).then_some(folder);
        }
        // An import path: below the module's own.
        let module_folder = self.source_of(build, &build.folder)?;
        let id = self.tree.read(&join(&module_folder, "go.mod")).ok()?;
        let text = self.tree.files().get(id);
        let module = text
            .text()
            .lines()
            .find_map(|line| line.trim().strip_prefix("module "))?
            .trim()
            .trim_matches('"')
            .to_owned();
        let rest = package.strip_prefix(&module)?;
        let folder = join(&module_folder, rest.trim_start_matches('/'));
        self.tree.is_folder(&folder).then_some(folder)
    }

    /// A build of a whole folder.
    fn folder_build(&mut self, build: &'a Build, file: &ImageFile, trace: &[Step], language: &'static str, flag: &str) {
        let folder = match build.packages.first() {
            Some(named) if build.tool == BuildTool::Python => path::join(&build.folder, named),
            _ => build.folder.clone(),
        };
        let source = self.source_of(build, &folder).filter(|folder| self.tree.is_folder(folder));
        match source {
            Some(folder) => {
                self.built.insert(build.span);
                let mut trace = trace.to_vec();
                trace.push(Step { what: format!("built in {}", build.folder), span: build.span });
                let folders = if language == "python" { python_roots(self.tree, &folder) } else { vec![folder] };
                for folder in folders {
                    self.root(language, folder, &trace);
                }
            }
            None => self.roots.untraced.push(Untraced {
                span: build.span,
                path: file.path.clone(),
                why: format!("{} is built, and is not a folder of the build context", build.folder),
                help: format!("name the source with {flag}"),
            }),
        }
    }

    /// The path of the tree that stands at a path of the image while a build runs.
    fn source_of(&self, build: &Build, at: &str) -> Option<String> {
        let mut binds: Vec<_> = build.binds.iter().filter(|bind| bind.from.is_none()).collect();
        binds.sort_by_key(|bind| std::cmp::Reverse(bind.target.len()));
        for bind in binds {
            if let Some(rest) = path::below(&bind.target, at) {
                let source = join(bind.source.trim_matches('/'), rest);
                return Some(self.context.tree_path(&source));
            }
        }
        let plan = self.plans.stages.get(build.stage)?;
        let mut best = None;
        for file in plan.files.iter().rev() {
            if file.shape == Shape::File {
                continue;
            }
            let Some(rest) = path::below(&file.path, at) else { continue };
            let source = match &file.origin {
                Origin::Context(source) => Some(join(source, rest)),
                Origin::Stage(stage, from) => match self.follow(*stage, &path::join(from, rest), &mut Vec::new(), 1) {
                    Source::Context(source) => Some(source),
                    _ => None,
                },
                _ => None,
            };
            let Some(source) = source.map(|source| self.context.tree_path(source.trim_matches('/'))) else { continue };
            if self.tree.is_folder(&source) {
                return Some(source);
            }
            best = best.or(Some(source));
        }
        // Only files were copied to that folder: the folder that they come from.
        best.or_else(|| {
            let file = plan.files.iter().find(|file| {
                path::below(at, &file.path).is_some_and(|rest| !rest.is_empty() && !rest.contains('/'))
                    && matches!(file.origin, Origin::Context(_))
            })?;
            let Origin::Context(source) = &file.origin else { return None };
            let folder = source.rsplit_once('/').map_or("", |(folder, _)| folder);
            Some(self.context.tree_path(folder))
        })
    }

    /// Whether the start names a file, or it can be run by its name.
    fn is_run(&self, file: &ImageFile) -> bool {
        self.is_on_path(&file.path)
            || self.started.iter().any(|(word, _)| path::join(&self.plan.workdir, word) == file.path)
    }

    fn is_on_path(&self, at: &str) -> bool {
        let folder = at.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.plan.path_folders().iter().any(|on_path| *on_path == folder || *on_path == at)
    }

    fn root(&mut self, language: &'static str, path: String, trace: &[Step]) {
        let root = Root { language, path: walk::normalize(&path).unwrap_or(path) };
        self.roots.found.push(RootFound { root, trace: trace.to_vec() });
    }

    fn untraced(&mut self, file: &ImageFile, why: String) {
        let help = "name its source with --code LANGUAGE:PATH where the project has it".to_owned();
        self.roots.untraced.push(Untraced { span: file.span, path: file.path.clone(), why, help });
    }

    fn untraced_folder(&mut self, file: &ImageFile, at: &str, language: &str) {
        let why = format!("{at} holds {language} code that nothing known starts or installs");
        let help = format!("scan it with --code {language}:{at} where the image runs it");
        self.roots.untraced.push(Untraced { span: file.span, path: file.path.clone(), why, help });
    }
}

/// The path in the last stage before the image's own.
fn origin_path(file: &ImageFile) -> String {
    match &file.origin {
        Origin::Stage(_, from) => from.clone(),
        _ => file.path.clone(),
    }
}

/// The build whose command names the path as its output; one whose output is not known in full may match by its known part.
fn made_by<'a>(plan: &'a StagePlan, at: &str) -> Option<&'a Build> {
    let builds = || plan.builds.iter().rev();
    builds().find(|build| build.outputs.iter().any(|output| output == at)).or_else(|| {
        builds().find(|build| {
            build.outputs.iter().any(|output| {
                output.split_once('\u{fffc}').is_some_and(|(known, _)| known.len() > 1 && at.starts_with(known))
            })
        })
    })
}

/// The build that most likely makes a path which no command names: one that runs at or above it, else the only one.
fn builder_of<'a>(plan: &'a StagePlan, at: &str) -> Option<&'a Build> {
    let mut above: Vec<&Build> = plan
        .builds
        .iter()
        .filter(|build| build.folder != "/" && path::below(&build.folder, at).is_some() && build.outputs.is_empty())
        .collect();
    above.sort_by_key(|build| build.folder.len());
    above.pop().or_else(|| match plan.builds.as_slice() {
        [only] if only.tool != BuildTool::Node => Some(only),
        _ => None,
    })
}
