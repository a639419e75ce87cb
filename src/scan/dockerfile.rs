//! Exec sites in Dockerfiles: what the stage that ships starts, and the scripts that it writes by here-document.
//!
//! `RUN` needs programs at build time, in its own stage: it is never a site. Scripts that are copied from the context are
//! roots of their own.

use super::deploy::{Deployment, Setting};
use super::shell::{self, Dialect};
use super::{Root, Scan, ScanContext, Skipped};
use crate::dockerfile::{
    Command, Context, Dockerfile, ImageFile, Options, Origin, Plans, Presence, Set, StagePlan, Word, parse, path,
};
use crate::file::{MappedText, Span};
use crate::site::{ExecSite, Program, Step};
use crate::walk::Tree;

/// Whether a path is a Dockerfile, by its name.
pub fn detects(tree: &Tree, path: &str) -> bool {
    is_dockerfile_name(path) && tree.is_file(path)
}

/// `Dockerfile`, `Dockerfile.x`, `x.Dockerfile`, `Containerfile` and the like.
pub fn is_dockerfile_name(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    if name.ends_with(".dockerignore") {
        return false;
    }
    ["dockerfile", "containerfile"].iter().any(|stem| {
        name.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
            || name.strip_suffix(stem).is_some_and(|rest| rest.ends_with(['.', '-', '_']))
    })
}

/// Whether a file that is named like a Dockerfile is something else by its ending: a template of one, code or prose about
/// them.
pub fn is_about(path: &str) -> bool {
    const ENDINGS: [&str; 21] = [
        "erb", "go", "golden", "gotmpl", "html", "in", "j2", "jinja", "js", "json", "md", "mustache", "py", "rs",
        "rst", "sh", "template", "tmpl", "tpl", "txt", "yml",
    ];
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// Scans the roots together.
pub fn scan(context: &ScanContext<'_>, roots: &[Root]) -> Scan {
    let mut scan = Scan::default();
    for root in roots {
        match context.tree.read(&root.path) {
            Ok(file) => match parse(context.tree.files(), file) {
                Ok(dockerfile) => scan.extend(scan_file(context, &root.path, &dockerfile)),
                Err(finding) => scan.findings.push(*finding),
            },
            Err(error) => scan.skipped.push(Skipped { path: root.path.clone(), why: error.to_string() }),
        }
    }
    scan
}

fn scan_file(context: &ScanContext<'_>, path: &str, dockerfile: &Dockerfile) -> Scan {
    let build = Context::find_for(context.tree, path, dockerfile);
    let options = Options { build_args: context.build_args.clone(), platform: context.platform, context: Some(&build) };
    let plans = Plans::new(dockerfile, &options);
    match plans.target(context.target.as_deref()) {
        Ok(plan) => scan_stage(context, dockerfile, plan, Some(&build)),
        Err(error) => {
            Scan { skipped: vec![Skipped { path: path.to_owned(), why: error.to_string() }], ..Scan::default() }
        }
    }
}

/// What the stage of a plan starts, and the scripts that its here-documents write.
pub fn scan_stage(
    context: &ScanContext<'_>,
    dockerfile: &Dockerfile,
    plan: &StagePlan,
    build: Option<&Context<'_>>,
) -> Scan {
    let inner = in_image(context, plan);
    let mut stage = Stage { context: &inner, dockerfile, plan, build, deployment: None, scan: Scan::default() };
    stage.start();
    stage.healthcheck();
    stage.here_documents();
    stage.scan
}

/// What a file beside the Dockerfile starts in the image of the plan: its own commands in the place of the image's.
pub fn scan_deployment(
    context: &ScanContext<'_>,
    dockerfile: &Dockerfile,
    plan: &StagePlan,
    build: Option<&Context<'_>>,
    deployment: &Deployment,
) -> Scan {
    let inner = in_image(context, plan);
    let mut plan = plan.clone();
    let set =
        |setting: &Setting| Set { value: setting.command.clone(), span: setting.command.span(), stage: plan.stage };
    let known = |setting: &Option<Setting>| setting.as_ref().filter(|setting| setting.unknown.is_none()).map(set);
    let (entrypoint, cmd, healthcheck) =
        (known(&deployment.entrypoint), known(&deployment.cmd), known(&deployment.healthcheck));
    if deployment.entrypoint.is_some() {
        plan.entrypoint = entrypoint.filter(|entrypoint| !is_empty(&entrypoint.value));
        plan.cmd = None;
        plan.base_start = false;
    }
    if deployment.cmd.is_some() {
        plan.cmd = cmd.filter(|cmd| !is_empty(&cmd.value));
    }
    plan.healthcheck = healthcheck;
    let mut stage =
        Stage { context: &inner, dockerfile, plan: &plan, build, deployment: Some(deployment), scan: Scan::default() };
    if deployment.entrypoint.is_some() || deployment.cmd.is_some() {
        stage.start();
    }
    stage.healthcheck();
    for setting in &deployment.others {
        stage.beside(setting);
    }
    let unknown = deployment.settings().filter_map(|setting| Some((setting, setting.unknown.as_ref()?)));
    for (setting, why) in unknown {
        let program = Program::Dynamic(why.clone());
        stage.scan.sites.push(ExecSite::new(program, setting.command.span(), "service", setting.api));
    }
    let mut scan = stage.scan;
    // What the image starts by itself is told with the image.
    scan.sites.retain(|site| site.span.file != dockerfile.file);
    for site in scan.sites.iter_mut().filter(|site| site.span.file == deployment.span.file) {
        site.language = "service";
    }
    scan
}

fn is_empty(command: &Command) -> bool {
    matches!(command, Command::Exec(words, _) if words.iter().all(|word| word.text.is_empty()))
}

/// The context inside the image: its own environment answers what its programs ask of the environment.
fn in_image<'a>(context: &ScanContext<'a>, plan: &StagePlan) -> ScanContext<'a> {
    let mut env = context.env.clone();
    env.extend(plan.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    ScanContext {
        tree: context.tree,
        platform: context.platform,
        env,
        build_tags: Vec::new(),
        target: None,
        build_args: context.build_args.clone(),
        cache: None,
    }
}

struct Stage<'a> {
    context: &'a ScanContext<'a>,
    dockerfile: &'a Dockerfile,
    plan: &'a StagePlan,
    build: Option<&'a Context<'a>>,
    /// What starts the image, where that is not the Dockerfile alone.
    deployment: Option<&'a Deployment>,
    scan: Scan,
}

/// What starts a container: words that are run, or text for a shell.
#[derive(Clone)]
struct Start {
    command: Command,
    api: &'static str,
    trace: Vec<Step>,
}

impl Stage<'_> {
    fn start(&mut self) {
        let entrypoint = self.entrypoint();
        let cmd = self.cmd();
        match (entrypoint, cmd) {
            (Some(entrypoint), cmd) => match &entrypoint.command {
                // The shell form takes no arguments: CMD is lost.
                Command::Shell(..) => self.shell_form(&entrypoint),
                Command::Exec(words, _) => {
                    let arguments = match cmd.as_ref().map(|cmd| &cmd.command) {
                        Some(Command::Exec(arguments, _)) => arguments.clone(),
                        Some(Command::Shell(text, span)) => self.shell_words(text, *span),
                        None => Vec::new(),
                    };
                    self.exec_form(&entrypoint, words, &arguments);
                    if let Some(cmd) = cmd {
                        self.cmd_of_entrypoint(words, &cmd, &arguments);
                    }
                }
            },
            (None, Some(cmd)) => match &cmd.command {
                Command::Shell(..) => self.shell_form(&cmd),
                Command::Exec(words, _) => self.exec_form(&cmd, words, &[]),
            },
            (None, None) => {}
        }
    }

    fn entrypoint(&self) -> Option<Start> {
        if let Some(set) = &self.plan.entrypoint {
            return Some(self.own(set, "ENTRYPOINT"));
        }
        let row = self.plan.base.official().filter(|row| self.plan.base_start && !row.entrypoint.is_empty())?;
        Some(self.inherited(&row.entrypoint, "ENTRYPOINT"))
    }

    fn cmd(&self) -> Option<Start> {
        if let Some(set) = &self.plan.cmd {
            return Some(self.own(set, "CMD"));
        }
        let row = self.plan.base.official().filter(|row| self.plan.base_start && !row.cmd.is_empty())?;
        Some(self.inherited(&row.cmd, "CMD"))
    }

    fn own(&self, set: &Set<Command>, api: &'static str) -> Start {
        let mut trace = Vec::new();
        if set.stage != self.plan.stage
            && let Some(stage) = self.dockerfile.stages.get(self.plan.stage)
        {
            let parent = self.dockerfile.stages.get(set.stage).map(crate::dockerfile::Stage::label).unwrap_or_default();
            trace.push(Step { what: format!("inherited from stage {parent}"), span: stage.image.span });
        }
        let mut api = api;
        if let Some(deployment) = self.deployment
            && let Some(setting) = deployment.settings().find(|setting| setting.command.span() == set.span)
        {
            api = setting.api;
            trace.push(Step { what: deployment.name.clone(), span: deployment.span });
        }
        Start { command: set.value.clone(), api, trace }
    }

    /// A command that is run beside what the image starts.
    fn beside(&mut self, setting: &Setting) {
        if setting.unknown.is_none() {
            let set = Set { value: setting.command.clone(), span: setting.command.span(), stage: self.plan.stage };
            let start = self.own(&set, setting.api);
            match &set.value {
                Command::Shell(..) => self.shell_form(&start),
                Command::Exec(words, _) => self.exec_form(&start, words, &[]),
            }
        }
    }

    /// What the base image starts, by the table of official images; it stands at the `FROM`.
    fn inherited(&self, words: &[String], api: &'static str) -> Start {
        let span = self.plan.base.span;
        let words = words.iter().map(|word| Word { text: word.clone(), span }).collect();
        let trace = vec![Step { what: format!("{api} of {}", self.plan.base.reference), span }];
        Start { command: Command::Exec(words, span), api, trace }
    }

    fn site(&mut self, text: &str, span: Span, start: &Start, arguments: &[Word]) {
        let arguments = arguments.iter().take(32).map(|word| word.text.clone()).collect();
        let site = ExecSite::new(Program::from_text(text), span, "dockerfile", start.api);
        self.scan.sites.push(ExecSite { trace: start.trace.clone(), arguments, ..site });
    }

    /// The program of an exec form, and what it runs in turn where it is a wrapper (`tini -- /entrypoint.sh`).
    fn exec_form(&mut self, start: &Start, words: &[Word], arguments: &[Word]) {
        let Some((program, own)) = words.split_first() else { return };
        let all: Vec<Word> = own.iter().chain(arguments).cloned().collect();
        self.site(&program.text, program.span, start, &all);
        let line: Vec<Word> = words.iter().chain(arguments).cloned().collect();
        let wrapped = self.run_words(&line);
        self.take(wrapped, start, Some(program));
    }

    /// The shell form: the shell, and what its text runs.
    fn shell_form(&mut self, start: &Start) {
        let Command::Shell(text, span) = &start.command else { return };
        let shell = self.plan.shell.first().cloned().unwrap_or_default();
        self.site(&shell, *span, start, &[]);
        let found = shell::scan_text(self.context, text, self.dialect(), &[]);
        self.take(found, start, None);
    }

    /// The words that the shell form of `CMD` becomes behind an `ENTRYPOINT`.
    fn shell_words(&self, text: &MappedText, span: Span) -> Vec<Word> {
        let shell = self.plan.shell.iter().cloned();
        shell.chain([text.text().to_owned()]).map(|text| Word { text, span }).collect()
    }

    /// Takes over what shell code of an instruction runs, under the instruction's name.
    fn take(&mut self, mut found: Scan, start: &Start, except: Option<&Word>) {
        let is_told = |site: &ExecSite, word: &Word| site.span == word.span && site.program.text() == Some(&word.text);
        found.sites.retain(|site| except.is_none_or(|word| !is_told(site, word)));
        for site in &mut found.sites {
            site.language = "dockerfile";
            start.api.clone_into(&mut site.api);
            site.trace.extend(start.trace.iter().cloned());
        }
        self.scan.extend(found);
    }

    /// What a command line of known words runs beside its first word.
    fn run_words(&self, words: &[Word]) -> Scan {
        let mut text = MappedText::new();
        for (index, word) in words.iter().enumerate() {
            let (start, end) = (Span { end: word.span.start, ..word.span }, Span { start: word.span.end, ..word.span });
            text.push(if index > 0 { " '" } else { "'" }, start);
            for (part, piece) in word.text.split('\'').enumerate() {
                if part > 0 {
                    text.push("'\\''", word.span);
                }
                text.push(piece, word.span);
            }
            text.push("'", end);
        }
        shell::scan_text(self.context, &text, self.dialect(), &[])
    }

    /// `/bin/sh` is ash where the image is Alpine, dash on Debian; `SHELL` may name bash.
    fn dialect(&self) -> Dialect {
        let shell = self.plan.shell.first().map_or("", |shell| path::file_name(shell));
        if shell == "bash" { Dialect::Bash } else { self.system_dialect() }
    }

    fn system_dialect(&self) -> Dialect {
        match self.plan.base.distribution {
            crate::dockerfile::Distribution::Debian => Dialect::Dash,
            crate::dockerfile::Distribution::Alpine(_) => Dialect::Ash,
            _ => Dialect::Posix,
        }
    }

    /// Whether CMD behind an ENTRYPOINT names a program: where the entrypoint is a script that runs its arguments.
    fn cmd_of_entrypoint(&mut self, entrypoint: &[Word], cmd: &Start, arguments: &[Word]) {
        let Some(first) = arguments.first().filter(|word| !word.text.is_empty() && !word.text.starts_with('-')) else {
            return;
        };
        let Some(script) = self.script_of(entrypoint) else { return };
        let runs_it = match &script {
            Script::Table => true,
            Script::Text(text) => {
                let given: Vec<String> =
                    entrypoint.iter().skip(1).chain(arguments).map(|word| word.text.clone()).collect();
                shell::runs(self.context, text, self.dialect(), &given, &first.text)
            }
            Script::Unread => true,
        };
        if !runs_it {
            return;
        }
        let mut start = cmd.clone();
        if let Some(word) = entrypoint.last() {
            start.trace.insert(0, Step { what: format!("run by {}", word.text), span: word.span });
        }
        let known = |site: &ExecSite| site.span == first.span && site.program.text() == Some(first.text.as_str());
        if !self.scan.sites.iter().any(known) {
            self.exec_form(&start, arguments, &[]);
        }
    }

    /// The script that an entrypoint starts, its wrappers aside; nothing where it is a program.
    fn script_of(&self, entrypoint: &[Word]) -> Option<Script> {
        let word = entrypoint.iter().rev().find(|word| !word.text.starts_with('-'))?;
        let file = match program_file(self.plan, &word.text) {
            Presence::Provided(file) => Some(file),
            _ => None,
        };
        match file.map(|file| &file.origin) {
            Some(Origin::HereDoc(doc)) => Some(Script::Text(doc.text.clone())),
            Some(Origin::Context(source)) => {
                let tree_path = self.build?.tree_path(source);
                let id = self.context.tree.read(&tree_path).ok()?;
                let text = self.context.tree.files().get(id);
                if !text.text().starts_with("#!") {
                    return None;
                }
                let span = Span::new(id, 0, text.text().len());
                Some(Script::Text(MappedText::verbatim(self.context.tree.files(), span)))
            }
            Some(_) => looks_like_script(&word.text).then_some(Script::Unread),
            None => {
                let row = self.plan.base.official().filter(|row| row.forwards);
                match row {
                    Some(row) if row.entrypoint.first() == Some(&word.text) => Some(Script::Table),
                    _ => looks_like_script(&word.text).then_some(Script::Unread),
                }
            }
        }
    }

    fn healthcheck(&mut self) {
        let Some(set) = &self.plan.healthcheck else { return };
        let start = self.own(set, "HEALTHCHECK");
        match &set.value {
            Command::Shell(..) => self.shell_form(&start),
            Command::Exec(words, _) => self.exec_form(&start, words, &[]),
        }
    }

    /// The scripts that here-documents write: their interpreters and what they run.
    fn here_documents(&mut self) {
        let mut scripts: Vec<(MappedText, &ImageFile)> = Vec::new();
        for file in &self.plan.files {
            if let Origin::HereDoc(doc) = &file.origin
                && doc.text.text().starts_with("#!")
            {
                scripts.push((doc.text.clone(), file));
            }
        }
        for (text, file) in scripts {
            self.here_document(&text, file);
        }
    }

    fn here_document(&mut self, text: &MappedText, file: &ImageFile) {
        let Some(shebang) = Shebang::read(text.text()) else { return };
        let span = |range: &std::ops::Range<usize>| text.span(range.start, range.end).unwrap_or(file.span);
        let first =
            ExecSite::new(Program::from_text(&shebang.interpreter.0), span(&shebang.interpreter.1), "shell", "shebang");
        self.scan.sites.push(first);
        if let Some((name, range)) = &shebang.through_env {
            self.scan.sites.push(ExecSite::new(Program::from_text(name), span(range), "shell", "shebang"));
        }
        let interpreter = shebang.through_env.as_ref().map_or(&shebang.interpreter.0, |(name, _)| name);
        let dialect = match path::file_name(interpreter) {
            "sh" => self.system_dialect(),
            "ash" => Dialect::Ash,
            "dash" => Dialect::Dash,
            "bash" => Dialect::Bash,
            other => {
                let why = format!("a here-document for {other}, which is not scanned inside a Dockerfile");
                let path = self.context.tree.files().place(file.span);
                self.scan.skipped.push(Skipped { path, why });
                return;
            }
        };
        let arguments = self.arguments_of(file);
        let found = shell::scan_text(self.context, text, dialect, &arguments);
        self.scan.extend(found);
    }

    /// The arguments that ENTRYPOINT and CMD start a script with, where it is the one that they start.
    fn arguments_of(&self, file: &ImageFile) -> Vec<String> {
        let exec = |start: Option<Start>| match start.map(|start| start.command) {
            Some(Command::Exec(words, _)) => words,
            _ => Vec::new(),
        };
        let words: Vec<Word> = exec(self.entrypoint()).into_iter().chain(exec(self.cmd())).collect();
        let at = words.iter().position(
            |word| matches!(program_file(self.plan, &word.text), Presence::Provided(found) if found.path == file.path),
        );
        at.map_or_else(Vec::new, |at| words[at + 1..].iter().map(|word| word.text.clone()).collect())
    }
}

/// What stands behind an entrypoint.
enum Script {
    /// The table of official images says that it runs its arguments.
    Table,
    /// Its text.
    Text(MappedText),
    /// A script by its name, which cannot be read here.
    Unread,
}

/// What the plan has for a program given by name or path.
fn program_file<'a>(plan: &'a StagePlan, program: &str) -> Presence<'a> {
    if program.contains('/') { plan.presence(&path::join(&plan.workdir, program)) } else { plan.program(program) }
}

fn looks_like_script(program: &str) -> bool {
    let name = path::file_name(program);
    name.ends_with(".sh") || name.contains("entrypoint")
}

/// The first line of a script.
struct Shebang {
    interpreter: (String, std::ops::Range<usize>),
    /// What `env` runs.
    through_env: Option<(String, std::ops::Range<usize>)>,
}

impl Shebang {
    fn read(text: &str) -> Option<Self> {
        let line = text.strip_prefix("#!")?.lines().next()?;
        let mut words = Vec::new();
        let mut at = 2;
        for word in line.split([' ', '\t']) {
            if !word.is_empty() {
                words.push((word.to_owned(), at..at + word.len()));
            }
            at += word.len() + 1;
        }
        let mut words = words.into_iter();
        let interpreter = words.next()?;
        let is_env = path::file_name(&interpreter.0) == "env";
        let through_env = words.find(|(word, _)| is_env && !word.starts_with('-') && !word.contains('='));
        Some(Self { interpreter, through_env })
    }
}
