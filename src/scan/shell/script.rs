//! Scripts as files: their shebang, what they source, and the scripts of the tree that they run.

use super::Dialect;
use super::value::{Fields, Place, State, Value};
use super::walk::{Command, Walker};
use crate::file::{FileId, MappedText, Span};
use crate::finding::{Edit, Finding, Fix, Rule, Severity};
use crate::scan::{Scan, ScanContext, Skipped};
use crate::site::{ExecSite, Program};
use crate::walk::{Tree, join};
use std::collections::BTreeSet;

/// A script's first line ends in CR LF, so that the kernel looks for an interpreter whose name ends in CR.
pub static CRLF_SHEBANG: Rule = Rule {
    code: "crlf-shebang",
    severity: Severity::Error,
    summary: "the script's first line ends in a carriage return, which becomes part of the interpreter's name",
    docs: include_str!("../../../docs/findings/crlf-shebang.md"),
};

/// The endings of shell scripts.
const ENDINGS: [&str; 4] = [".sh", ".bash", ".envsh", ".ash"];
/// How much of a file is looked at to find its shebang.
const SHEBANG_LENGTH: usize = 512;

/// The words of a `#!` line, and where each stands in the file.
struct Shebang {
    words: Vec<(String, usize)>,
    /// Where a carriage return ends the line.
    carriage_return: Option<usize>,
}

impl Shebang {
    fn read(text: &str) -> Option<Self> {
        let line = text.strip_prefix("#!")?;
        let line = line.split('\n').next().unwrap_or("");
        let end = 2 + line.len();
        let carriage_return = line.ends_with('\r').then(|| end - 1);
        let line = line.trim_end_matches('\r');
        let mut words = Vec::new();
        let mut at = 2;
        for word in line.split([' ', '\t']) {
            if !word.is_empty() {
                words.push((word.to_owned(), at));
            }
            at += word.len() + 1;
        }
        (!words.is_empty()).then_some(Self { words, carriage_return })
    }

    /// The interpreters, `env` and its like first: what the line runs, in the order in which it runs.
    fn programs(&self) -> Vec<&(String, usize)> {
        let mut programs = Vec::new();
        let mut words = self.words.iter();
        let Some(first) = words.next() else { return programs };
        programs.push(first);
        let mut runs_another = passes_on(&first.0);
        for word in words {
            if !runs_another {
                break;
            }
            if word.0.starts_with('-') || word.0.contains('=') {
                continue;
            }
            programs.push(word);
            runs_another = passes_on(&word.0);
        }
        programs
    }

    fn is_execline(&self) -> bool {
        self.programs().last().is_some_and(|last| base_name(&last.0) == "execlineb")
    }

    /// The dialect, where the last interpreter is a shell that is read here.
    fn dialect(&self) -> Option<Dialect> {
        let programs = self.programs();
        let last = programs.last()?;
        dialect_of(base_name(&last.0), self.words.iter().any(|(word, _)| word == "busybox"))
    }
}

/// Whether an interpreter runs the next word of the line.
fn passes_on(word: &str) -> bool {
    matches!(base_name(word), "env" | "with-contenv" | "busybox" | "execlineb" | "tini" | "dumb-init")
        && word != "execlineb"
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn dialect_of(name: &str, busybox: bool) -> Option<Dialect> {
    match name {
        "sh" if busybox => Some(Dialect::Ash),
        "sh" => Some(Dialect::Posix),
        "ash" => Some(Dialect::Ash),
        "dash" => Some(Dialect::Dash),
        "bash" => Some(Dialect::Bash),
        _ => None,
    }
}

/// Whether a path of the tree is a shell script.
pub(super) fn detects(tree: &Tree, path: &str) -> bool {
    if !tree.is_file(path) {
        return false;
    }
    let Ok(bytes) = tree.read_bytes(path) else { return false };
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(SHEBANG_LENGTH)]);
    match Shebang::read(&head) {
        Some(shebang) => shebang.dialect().is_some() || shebang.is_execline(),
        None => ENDINGS.iter().any(|ending| path.ends_with(ending)),
    }
}

/// What a script runs, and what it is to the others that are scanned with it.
#[derive(Default)]
pub(super) struct Scanned {
    pub(super) scan: Scan,
    /// The files that it sources.
    pub(super) sourced: BTreeSet<String>,
    /// The functions that it defines, those of sourced files too.
    pub(super) functions: BTreeSet<String>,
}

/// Scans one script as if it were run, with arguments that are not known; `outer` are functions that scripts which source
/// it define.
pub(super) fn scan_root(context: &ScanContext<'_>, path: &str, outer: BTreeSet<String>) -> Scanned {
    let any = Value { many: true, ..Value::unknown("the container's own arguments") };
    scan_script(context, path, vec![any], None, &mut BTreeSet::new(), 0, outer)
}

/// Scans a script; its shebang counts unless another shell reads it (`sh script`).
fn scan_script(
    context: &ScanContext<'_>,
    path: &str,
    arguments: Fields,
    reader: Option<Dialect>,
    scripts: &mut BTreeSet<String>,
    depth: u32,
    outer: BTreeSet<String>,
) -> Scanned {
    scripts.insert(path.to_owned());
    let file = match context.tree.read(path) {
        Ok(file) => file,
        Err(error) => {
            let skipped = Skipped { path: path.to_owned(), why: error.to_string() };
            return Scanned { scan: Scan { skipped: vec![skipped], ..Scan::default() }, ..Scanned::default() };
        }
    };
    let source = context.tree.files().get(file);
    let text = source.text();
    let mut scan = Scan::default();
    if text.as_bytes()[..text.len().min(SHEBANG_LENGTH)].contains(&0) {
        scan.skipped.push(Skipped { path: path.to_owned(), why: "not a text".to_owned() });
        return Scanned { scan, ..Scanned::default() };
    }
    let shebang = Shebang::read(text);
    let named = if path.ends_with(".bash") { Dialect::Bash } else { Dialect::Posix };
    let dialect = reader.or_else(|| shebang.as_ref().map_or(Some(named), Shebang::dialect));
    if let (Some(shebang), None) = (&shebang, reader) {
        shebang_sites(shebang, file, path, &mut scan);
    }
    let is_execline = reader.is_none() && shebang.as_ref().is_some_and(Shebang::is_execline);
    let Some(dialect) = dialect.or_else(|| is_execline.then_some(Dialect::Posix)) else {
        let interpreter = shebang.map(|shebang| shebang.words[0].0.clone()).unwrap_or_default();
        scan.skipped.push(Skipped { path: path.to_owned(), why: format!("run by {interpreter}, which is no shell") });
        return Scanned { scan, ..Scanned::default() };
    };
    let mut walker = Walker::new(context, dialect, Some(path.to_owned()));
    walker.scripts.clone_from(scripts);
    walker.depth = depth;
    walker.outer = outer;
    let mut state = State::new(vec![arguments]);
    let mapped = MappedText::verbatim(context.tree.files(), Span::new(file, 0, text.len()));
    if is_execline {
        walker.execline(&mapped, &mut state);
    } else {
        walker.run(mapped, &mut state);
        walker.run_uncalled(&state);
    }
    scripts.clone_from(&walker.scripts);
    let sourced = std::mem::take(&mut walker.sourced);
    let functions = walker.functions.keys().cloned().collect();
    scan.extend(walker.finish());
    Scanned { scan, sourced, functions }
}

fn shebang_sites(shebang: &Shebang, file: FileId, path: &str, scan: &mut Scan) {
    // A file that is sourced (`.envsh`) is not run, and its first line is a comment.
    if path.ends_with(".envsh") {
        return;
    }
    for (word, at) in shebang.programs() {
        let span = Span::new(file, *at, at + word.len());
        let arguments = shebang.words.iter().filter(|(_, start)| start > at).map(|(word, _)| word.clone()).collect();
        let site = ExecSite::new(Program::from_text(word), span, "shell", "shebang");
        scan.sites.push(ExecSite { arguments, ..site });
    }
    if let Some(at) = shebang.carriage_return {
        let interpreter = shebang.words.last().map(|(word, _)| word.as_str()).unwrap_or_default();
        let span = Span::new(file, at, at + 1);
        let fix = Fix {
            description: "remove the carriage return from the first line".to_owned(),
            edits: vec![Edit { span, replacement: String::new() }],
        };
        scan.findings.push(
            Finding::new(&CRLF_SHEBANG, format!("the interpreter of {path} is `{interpreter}\\r`, which no image has"))
                .label(Span::new(file, 0, at), "this line ends in CR LF")
                .help("save the file with Unix line ends (`sed -i 's/\\r$//'`), or set `*.sh text eol=lf` in .gitattributes")
                .fix(fix),
        );
    }
}

impl Walker<'_> {
    /// The value of `$0`: the script's own place in the tree.
    pub(super) fn script_value(&self) -> Value {
        match &self.script {
            Some(path) => Value { place: Place::Tree, ..Value::made(path, None) },
            None => Value::unknown("the name that the shell was started with"),
        }
    }

    /// A script of the tree that is run by its place beside this one.
    pub(super) fn run_script(&mut self, script: &Value, arguments: &[Value], command: Command<'_>, state: &State) {
        let Some(path) = crate::walk::normalize(script.text.text()) else { return };
        if self.script.as_deref() == Some(path.as_str()) {
            return;
        }
        self.print_unknown("the output of a script", command.silent);
        let shown = self.relative(&path);
        let value = Value { text: Value::made(&shown, script.at).text, ..script.clone() };
        self.site(&value, command.api, arguments, state);
        self.follow(&path, arguments, None);
    }

    /// `sh script`: the script is read by that shell, whatever its shebang.
    pub(super) fn shell_script(&mut self, script: &Value, arguments: &[Value], state: &State) {
        let Some(text) = script.constant() else {
            if script.place != Place::Tree {
                let why = format!("a script: {}", script.unknown.as_deref().unwrap_or("not known"));
                let value = Value { unknown: Some(why.into()), ..script.clone() };
                self.site(&value, "sh", &[], state);
            }
            return;
        };
        let path = if script.place == Place::Tree { crate::walk::normalize(text) } else { self.find(text) };
        if let Some(path) = path
            && self.script.as_deref() != Some(path.as_str())
        {
            let dialect = self.dialect;
            self.follow(&path, arguments, Some(dialect));
        }
    }

    fn follow(&mut self, path: &str, arguments: &[Value], reader: Option<Dialect>) {
        let is_script = reader.is_some() || detects(self.context.tree, path);
        if self.depth > 60 || self.scripts.contains(path) || !is_script || !self.context.tree.is_file(path) {
            return;
        }
        let mut scripts = std::mem::take(&mut self.scripts);
        let depth = self.depth + 20;
        let outer = BTreeSet::new();
        let scan = scan_script(self.context, path, arguments.to_vec(), reader, &mut scripts, depth, outer).scan;
        self.scripts = scripts;
        self.sites.extend(scan.sites);
        self.scan.skipped.extend(scan.skipped);
        self.scan.findings.extend(scan.findings);
    }

    fn folder(&self) -> &str {
        self.script.as_deref().and_then(|path| path.rsplit_once('/')).map_or("", |(folder, _)| folder)
    }

    /// A path of the tree as the script would write it.
    fn relative(&self, path: &str) -> String {
        let folder = self.folder();
        match path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) {
            Some(rest) if !folder.is_empty() => format!("./{rest}"),
            _ => format!("./{path}"),
        }
    }

    /// `. file`: its commands run in this shell.
    pub(super) fn source(&mut self, arguments: &[Value], state: &mut State) {
        let rest = match arguments.first().and_then(Value::constant) {
            Some("--") => &arguments[1..],
            _ => arguments,
        };
        let Some((file, rest)) = rest.split_first() else { return };
        let Some(text) = file.constant().map(str::to_owned) else {
            if file.text.text().contains('/') || !file.is_blank() {
                self.unread.insert("a file whose name is not known".to_owned());
            }
            let why = format!("a sourced file: {}", file.unknown.as_deref().unwrap_or("not known"));
            let value = Value { unknown: Some(why.into()), ..file.clone() };
            self.site(&value, "source", &[], state);
            return;
        };
        let path = if file.place == Place::Tree { crate::walk::normalize(&text) } else { self.find(&text) };
        let path = path.filter(|path| self.context.tree.is_file(path));
        let Some(path) = path else {
            if !is_data(&text) {
                self.unread.insert(text.clone());
            }
            self.skip_source(file, &text);
            return;
        };
        if self.sources.contains(&path) || self.sources.len() > 24 {
            return;
        }
        let Ok(id) = self.context.tree.read(&path) else { return };
        let length = self.context.tree.files().get(id).text().len();
        let mapped = MappedText::verbatim(self.context.tree.files(), Span::new(id, 0, length));
        self.sourced.insert(path.clone());
        self.sources.push(path);
        let positional = state.positional.clone();
        if !rest.is_empty() {
            state.positional = std::rc::Rc::new(vec![rest.to_vec()]);
        }
        self.run(mapped, state);
        if !rest.is_empty() {
            state.positional = positional;
        }
        self.sources.pop();
    }

    fn skip_source(&mut self, file: &Value, text: &str) {
        let files = self.context.tree.files();
        let place = file.at.map(|at| files.place(at)).unwrap_or_default();
        let skipped = Skipped { path: text.to_owned(), why: format!("sourced at {place}, but not in the tree") };
        if self.scan.skipped.len() < 1000 && !self.scan.skipped.contains(&skipped) {
            self.scan.skipped.push(skipped);
        }
    }

    /// The file of the tree that a path of the image most likely comes from: relative to the script's folder or the
    /// tree's root; for an absolute one, it or its later parts below a folder above the script (an overlay of the image's root),
    /// else the file of that name beside the script.
    fn find(&self, text: &str) -> Option<String> {
        let tree = self.context.tree;
        if !text.starts_with('/') {
            let near = join(self.folder(), text).filter(|path| tree.is_file(path));
            return near.or_else(|| crate::walk::normalize(text).filter(|path| tree.is_file(path)));
        }
        // The whole path first, then its later parts: a folder may be copied to another place of the image.
        let mut inner = text.trim_start_matches('/');
        loop {
            let mut folder = self.folder();
            loop {
                for overlay in ["", "rootfs", "root", "files"] {
                    let below = join(folder, overlay).and_then(|folder| join(&folder, inner));
                    if let Some(path) = below.filter(|path| tree.is_file(path)) {
                        return Some(path);
                    }
                }
                if folder.is_empty() {
                    break;
                }
                folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
            }
            match inner.split_once('/') {
                Some((_, rest)) if rest.contains('/') => inner = rest,
                _ => break,
            }
        }
        join(self.folder(), base_name(text)).filter(|path| tree.is_file(path))
    }
}

/// Whether a sourced file holds settings, no functions.
fn is_data(path: &str) -> bool {
    path.starts_with("/proc/")
        || path.starts_with("/etc/") && path.ends_with("release")
        || path == "/usr/lib/os-release"
        || path.starts_with("/etc/default/")
        || path.starts_with("/etc/sysconfig/")
        || path.ends_with(".env")
        || path.ends_with(".conf")
        || base_name(path) == "activate"
        || base_name(path) == "profile"
        || base_name(path) == "environment"
        || base_name(path) == "envvars"
}
