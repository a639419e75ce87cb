//! The manifest and a template to a Dockerfile.
//!
//! Templates decide layout, never facts: which packages stand in a Dockerfile, and why, is handed in. The same input gives
//! the same bytes, and they end in a newline. A template reads nothing but its context, the built-in partials and templates
//! of the project, and its work is bounded.

use crate::file::Span;
use crate::finding::{Finding, Rule, Severity};
use crate::manifest::shape::is_token;
use crate::manifest::{Image, Manifest, RepositoryLocation, Template, template};
use crate::walk::Tree;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, ValueKind};
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::{fs, io};

/// A template that cannot be rendered.
pub static TEMPLATE_ERROR: Rule = Rule {
    code: "template-error",
    severity: Severity::Error,
    summary: "a template cannot be rendered",
    docs: include_str!("../docs/findings/template-error.md"),
};

/// Markers of a managed block that do not fit together.
pub static MANAGED_BLOCK: Rule = Rule {
    code: "managed-block",
    severity: Severity::Error,
    summary: "the managed block of a Dockerfile is malformed",
    docs: include_str!("../docs/findings/managed-block.md"),
};

/// The rules of this module.
pub static RULES: &[&Rule] = &[&MANAGED_BLOCK, &TEMPLATE_ERROR];

/// The line that starts a managed block in a hand-written Dockerfile.
pub const BLOCK_BEGIN: &str = "# aboard:begin packages";
/// The line that ends it.
pub const BLOCK_END: &str = "# aboard:end";

/// How much work a template may make: about one unit an instruction.
const FUEL: u64 = 5_000_000;
/// How many templates of the project one rendering may read.
const MAX_OWN: usize = 64;

/// A package that a Dockerfile installs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PackageLine {
    /// Its name (`docker-cli`).
    pub name: String,
    /// What follows the name (`~=26.1`, `=26.1.5-r0`), or nothing.
    pub pin: String,
    /// Why it is there, in one line; may be empty.
    pub reason: String,
}

/// The reason for a package from the programs that it gives, each with the files that run it: `docker, run by a.go, b.go`.
/// No line numbers and no counts, so that it changes only where the need does.
pub fn reason(uses: &BTreeMap<String, BTreeSet<String>>) -> String {
    let listed = |items: Vec<String>, separator: &str| {
        let more = if items.len() > 3 { " and others" } else { "" };
        format!("{}{more}", items.into_iter().take(3).collect::<Vec<_>>().join(separator))
    };
    let one = |(program, files): (&String, &BTreeSet<String>)| {
        if files.is_empty() {
            return program.clone();
        }
        format!("{program}, run by {}", listed(files.iter().cloned().collect(), ", "))
    };
    listed(uses.iter().map(one).collect(), "; ")
}

/// The Dockerfile of an image: rendered from its template, or the hand-written one with its managed block brought up to
/// date. Nothing for a hand-written one without such a block.
pub fn render(
    tree: &Tree,
    manifest: &Manifest,
    image: &Image,
    packages: &[PackageLine],
) -> Result<Option<String>, Vec<Finding>> {
    let packages = tidy(packages);
    let apk = apk_context(manifest, image).map_err(|finding| vec![finding])?;
    match &image.template {
        Some(template) => {
            let (name, shown) = match &template.value {
                Template::BuiltIn(name) => (name.clone(), name.clone()),
                Template::Own(path) => (path.clone(), relative(path, &manifest.folder).to_owned()),
            };
            let context = Context {
                manifest: relative(&manifest.path, &manifest.folder),
                template: &shown,
                image: &image.name,
                base: image.base.as_ref().map(|base| base.value.as_str()),
                platform: platform_context(image),
                build_tags: image.build_tags.iter().map(|tag| tag.value.as_str()).collect(),
                build_args: image.build_args.iter().map(|(key, arg)| (key.as_str(), arg.value.as_str())).collect(),
                vars: vars_context(tree, image),
                packages: &packages,
                apk: &apk,
            };
            let own = Own { tree, manifest, image, template: template.span };
            own.run(&name, &Value::from(Serde(&context)))
                .map(|text| Some(ended(&text)))
                .map_err(|finding| vec![finding])
        }
        None => {
            let Ok(file) = tree.read(&image.dockerfile) else { return Ok(None) };
            let own = Own { tree, manifest, image, template: image.dockerfile.span };
            let block = own
                .run("_packages.j2", &Value::from(Serde(BlockContext { packages: &packages, apk: &apk })))
                .map_err(|finding| vec![finding])?;
            let note = format!(
                "# Written by aboard from {} (image {}): change the manifest, then run `aboard render`.\n",
                relative(&manifest.path, &manifest.folder),
                image.name
            );
            let source = tree.files().get(file);
            let lines = marked_lines(source.text());
            match block_bounds(&lines) {
                Ok(None) => Ok(None),
                Ok(Some((start, end))) => {
                    let text = source.text();
                    Ok(Some(format!("{}{note}{block}{}", &text[..start], &text[end..])))
                }
                Err((message, at)) => {
                    let span = Span::new(file, at, at + BLOCK_END.len());
                    Err(vec![Finding::new(&MANAGED_BLOCK, message).label(span, "")])
                }
            }
        }
    }
}

/// Sorted by name, with reasons of one line.
fn tidy(packages: &[PackageLine]) -> Vec<PackageLine> {
    let mut packages = packages.to_vec();
    for package in &mut packages {
        let words: Vec<&str> = package.reason.split(|c: char| c.is_whitespace() || c.is_control()).collect();
        package.reason = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    }
    packages.sort();
    packages.dedup_by(|next, first| next.name == first.name);
    packages
}

fn ended(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

/// `path` as seen from `folder`, where it lies below it.
fn relative<'a>(path: &'a str, folder: &str) -> &'a str {
    below(path, folder).unwrap_or(path)
}

fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    if folder.is_empty() {
        return Some(path);
    }
    path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'))
}

/// What a template can read.
#[derive(Serialize)]
struct Context<'a> {
    /// The manifest's path, relative to its own folder.
    manifest: &'a str,
    /// The template's name or path.
    template: &'a str,
    /// The image's name.
    image: &'a str,
    /// The reference in the FROM of the stage that ships.
    base: Option<&'a str>,
    /// The platform under its several names.
    platform: PlatformContext,
    /// Go build tags.
    build_tags: Vec<&'a str>,
    /// `--build-arg` values.
    build_args: BTreeMap<&'a str, &'a str>,
    /// The variables of the manifest and the defaults of the built-in templates.
    vars: BTreeMap<String, serde_json::Value>,
    /// The packages to install, sorted.
    packages: &'a [PackageLine],
    /// What apk must be told.
    apk: &'a ApkContext,
}

/// What the managed block of a hand-written Dockerfile is made from.
#[derive(Serialize)]
struct BlockContext<'a> {
    packages: &'a [PackageLine],
    apk: &'a ApkContext,
}

#[derive(Serialize)]
struct PlatformContext {
    /// docker's word (`linux/amd64`).
    name: String,
    /// docker's architecture (`amd64`).
    arch: &'static str,
    /// `GOARCH`.
    go_arch: &'static str,
    /// Alpine's word (`x86_64`).
    apk_arch: &'static str,
}

#[derive(Serialize)]
struct ApkContext {
    /// The lines of /etc/apk/repositories, where they differ from what the base has.
    repositories: Vec<String>,
    /// Key files, relative to the build's context.
    keys: Vec<String>,
}

/// What the build must tell apk: nothing where the manifest has Alpine's own mirror, or one that only this machine sees.
fn apk_context(manifest: &Manifest, image: &Image) -> Result<ApkContext, Finding> {
    let alpine = &manifest.alpine;
    let branch = |name: &str| RepositoryLocation::Branch(name.to_owned());
    let mut default = alpine.mirror.value == "https://dl-cdn.alpinelinux.org/alpine";
    default &= alpine.repositories.iter().all(|row| row.tag.is_none());
    default &= alpine.repositories.iter().map(|row| &row.location).eq([&branch("main"), &branch("community")]);
    let mut repositories = Vec::new();
    if !default && !alpine.mirror.starts_with("file://") {
        for row in &alpine.repositories {
            let place = match (&row.location, &image.release) {
                (RepositoryLocation::Url(url), _) => url.clone(),
                (RepositoryLocation::Branch(name), Some(release)) => format!("{}/{release}/{name}", alpine.mirror),
                (RepositoryLocation::Branch(name), None) => {
                    let message = format!("the release of the base is not known, so `{name}` has no URL");
                    let finding = Finding::new(&TEMPLATE_ERROR, message)
                        .label(row.span, "")
                        .label(image.name.span, "for this image")
                        .help("add `release: 3.20` (the base's own) to the image");
                    return Err(finding);
                }
            };
            repositories.push(row.tag.as_ref().map_or(place.clone(), |tag| format!("@{tag} {place}")));
        }
    }
    let mut keys = Vec::new();
    for key in &alpine.keys {
        let Some(path) = below(key, &image.context) else {
            let message = format!("the key {key} lies outside of the context of image {}", image.name);
            let finding = Finding::new(&TEMPLATE_ERROR, message);
            return Err(finding.label(key.span, "").label(image.context.span, "the context"));
        };
        keys.push(path.to_owned());
    }
    Ok(ApkContext { repositories, keys })
}

fn platform_context(image: &Image) -> PlatformContext {
    let platform = image.platform.value;
    PlatformContext {
        name: platform.to_string(),
        arch: platform.docker_arch(),
        go_arch: platform.go_arch(),
        apk_arch: platform.apk_arch(),
    }
}

/// The manifest's variables, and every other one of the template with its default, its computed value or null.
fn vars_context(tree: &Tree, image: &Image) -> BTreeMap<String, serde_json::Value> {
    let template = match image.template.as_ref().map(|template| &template.value) {
        Some(Template::BuiltIn(name)) => Some(name.as_str()),
        _ => None,
    };
    let mut vars: BTreeMap<String, serde_json::Value> =
        image.vars.iter().map(|(key, var)| (key.clone(), var.value.clone())).collect();
    for field in template::variables(template) {
        let default = || field.default.and_then(|default| serde_json::from_str(default).ok()).unwrap_or_default();
        let value = vars.entry(field.key.to_owned()).or_insert_with(default);
        if value.is_null() {
            *value = default();
        }
    }
    let text = |key: &str| vars.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    let source = text("source").or_else(|| go_module(tree, image)).unwrap_or_else(|| ".".to_owned());
    let computed = [
        ("binary", Some(format!("/usr/local/bin/{}", image.name))),
        ("builder", text("go_version").map(|version| format!("golang:{version}-alpine"))),
        ("home", text("user").map(|user| format!("/home/{user}"))),
        ("main", go_main(image, &source)),
        ("source", Some(source)),
    ];
    for (key, value) in computed {
        if let (Some(slot), Some(value)) = (vars.get_mut(key), value)
            && slot.is_null()
        {
            *slot = value.into();
        }
    }
    vars
}

/// The folder of the first Go path of `code`, relative to the build's context.
fn go_folder(image: &Image) -> Option<&str> {
    let root = image.code.iter().find(|root| root.language == "go")?;
    let path = below(&root.path, &image.context)?;
    Some(if path.ends_with(".go") { path.rsplit_once('/').map_or("", |(folder, _)| folder) } else { path })
}

/// The folder of the Go module that the first Go path lies in, relative to the build's context.
fn go_module(tree: &Tree, image: &Image) -> Option<String> {
    let mut folder = go_folder(image)?;
    loop {
        let path = [image.context.as_str(), folder, "go.mod"];
        let path: Vec<&str> = path.into_iter().filter(|part| !part.is_empty()).collect();
        if tree.is_file(&path.join("/")) {
            return Some(if folder.is_empty() { ".".to_owned() } else { folder.to_owned() });
        }
        if folder.is_empty() {
            return None;
        }
        folder = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
}

/// The Go package to build, as seen from the source folder.
fn go_main(image: &Image, source: &str) -> Option<String> {
    let source = crate::walk::normalize(source)?;
    let folder = go_folder(image)?;
    if folder == source {
        return Some(".".to_owned());
    }
    below(folder, &source).map(|path| format!("./{path}"))
}

/// One rendering: where its templates come from and what its findings point at.
struct Own<'a> {
    tree: &'a Tree,
    manifest: &'a Manifest,
    image: &'a Image,
    /// The manifest's word that chose the template.
    template: Span,
}

impl Own<'_> {
    /// Renders a template. One of the project is read when it is first asked for, and the rendering starts again.
    fn run(&self, name: &str, context: &Value) -> Result<String, Finding> {
        let missing: Arc<Mutex<Option<String>>> = Arc::default();
        let mut environment = environment(Arc::clone(&missing), self.manifest.folder.clone());
        for _ in 0..=MAX_OWN {
            let outcome = environment.get_template(name).and_then(|template| template.render(context));
            let asked = missing.lock().map(|mut slot| slot.take()).unwrap_or_default();
            match (asked, outcome) {
                (None, Ok(text)) => return Ok(text),
                (None, Err(error)) => return Err(self.fault(&error)),
                (Some(path), _) => {
                    let file = self.tree.read(&path).map_err(|error| {
                        Finding::new(&TEMPLATE_ERROR, format!("a template cannot be read: {error}"))
                            .label(self.template, "for this template")
                    })?;
                    let source = self.tree.files().get(file).text().to_owned();
                    environment.add_template_owned(path, source).map_err(|error| self.fault(&error))?;
                }
            }
        }
        let message = format!("the template {name} needs more than {MAX_OWN} other templates");
        Err(Finding::new(&TEMPLATE_ERROR, message).label(self.template, ""))
    }

    /// The finding for an error: template, line and the expression that failed.
    fn fault(&self, error: &minijinja::Error) -> Finding {
        let mut error = error;
        while let Some(inner) = std::error::Error::source(error).and_then(|inner| inner.downcast_ref()) {
            error = inner;
        }
        let name = error.name().unwrap_or("(unnamed)");
        let at = error.line().map(|line| format!(", line {line}")).unwrap_or_default();
        let expression = error.range().and_then(|range| error.template_source()?.get(range)).map(|text| {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if text.chars().count() > 60 { format!("{}…", text.chars().take(60).collect::<String>()) } else { text }
        });
        let what = match (error.kind(), &expression) {
            (ErrorKind::UndefinedError, Some(expression)) => format!("`{expression}` is not defined"),
            (ErrorKind::OutOfFuel, _) => "it does more work than a template may".to_owned(),
            (kind, _) => error.detail().map_or(kind.to_string(), str::to_owned),
        };
        let shown = relative(name, &self.manifest.folder);
        let finding = Finding::new(&TEMPLATE_ERROR, format!("template {shown}{at}: {what}"))
            .subject(format!("image {}", self.image.name));
        let finding = match (self.tree.files().find(name), error.range()) {
            (Some(file), Some(range)) => finding.label(Span::new(file, range.start, range.end), what),
            _ => finding,
        };
        let finding = finding.label(self.template, "the template is named here");
        if error.kind() == ErrorKind::UndefinedError {
            finding.help("a template's variables stand under `vars` of its image")
        } else {
            finding
        }
    }
}

/// The environment: the built-in templates and filters. What else is asked for is noted in `missing`.
fn environment(missing: Arc<Mutex<Option<String>>>, folder: String) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.expect("internal: the delimiters are the usual ones"));
    environment.set_debug(true);
    environment.set_fuel(Some(FUEL));
    environment.set_path_join_callback(move |name, parent| {
        if template::source(name).is_some() {
            return name.into();
        }
        let from =
            if name.starts_with('.') { parent.rsplit_once('/').map_or("", |(folder, _)| folder) } else { &folder };
        // A path that leaves the tree stays as it is, and the tree refuses it.
        crate::walk::join(from, name).map_or(name.into(), Into::into)
    });
    environment.set_loader(move |name| {
        if let Some(source) = template::source(name) {
            return Ok(Some(source.to_owned()));
        }
        if let Ok(mut slot) = missing.lock() {
            *slot = Some(name.to_owned());
        }
        Ok(None)
    });
    environment.add_filter("exec", exec_form);
    environment.add_filter("needed", needed);
    environment.add_filter("quote", quote);
    environment.add_filter("sh", shell_word);
    environment.add_filter("token", token);
    environment.add_filter("under", under);
    environment
}

fn invalid(message: impl Into<String>) -> minijinja::Error {
    minijinja::Error::new(ErrorKind::InvalidOperation, message.into())
}

/// A list as the exec form of CMD and its like: `["wget", "-q"]`.
fn exec_form(words: &Value) -> Result<String, minijinja::Error> {
    if !matches!(words.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return Err(invalid(format!("a list of words is wanted, not {}", words.kind())));
    }
    let words: Vec<String> =
        words.try_iter()?.map(|word| serde_json::Value::String(word.to_string()).to_string()).collect();
    Ok(format!("[{}]", words.join(", ")))
}

/// The value, which must be there.
fn needed(value: Value, name: &str) -> Result<Value, minijinja::Error> {
    if value.is_none() || value.is_undefined() {
        return Err(invalid(format!("`{name}` is needed and not given")));
    }
    Ok(value)
}

/// A value in double quotes, for ENV and LABEL; `$` keeps its meaning there.
fn quote(value: &Value) -> Result<String, minijinja::Error> {
    let text = value.to_string();
    if text.contains(['\n', '\r', '\0']) {
        return Err(invalid(format!("{text:?} holds a line break, which ENV and LABEL cannot")));
    }
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// A text that stands as one word in any instruction; others are refused.
fn token(text: &str) -> Result<String, minijinja::Error> {
    if is_token(text) {
        return Ok(text.to_owned());
    }
    Err(invalid(format!("{text:?} holds spaces, quotes or the shell's own characters")))
}

/// A word of a shell command.
fn shell_word(value: &Value) -> String {
    let text = value.to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=+,%".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// A path below a folder of the build's context; the folder itself, with a slash at its end, for an empty path.
fn under(folder: &str, path: &str) -> String {
    match folder.trim_end_matches('/') {
        "" | "." if path.is_empty() => "./".to_owned(),
        "" | "." => path.to_owned(),
        folder => format!("{folder}/{path}"),
    }
}

/// A marker line of a hand-written Dockerfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    Begin,
    End,
}

/// The marker lines: which, where the line starts, and where the next one does.
fn marked_lines(text: &str) -> Vec<(Marker, usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.join(" ").as_str() {
            BLOCK_BEGIN => found.push((Marker::Begin, at, at + line.len())),
            BLOCK_END => found.push((Marker::End, at, at + line.len())),
            _ => {}
        }
        at += line.len();
    }
    found
}

/// Where the managed block's own lines start and end; what is wrong with the markers, and where.
fn block_bounds(lines: &[(Marker, usize, usize)]) -> Result<Option<(usize, usize)>, (&'static str, usize)> {
    match lines {
        [] => Ok(None),
        [(Marker::Begin, _, start), (Marker::End, end, _)] => Ok(Some((*start, *end))),
        [(Marker::End, at, _), ..] => Err(("a managed block ends here that does not begin", *at)),
        [(Marker::Begin, at, _)] => Err(("the managed block that begins here does not end", *at)),
        [_, (Marker::Begin, at, _), ..] => Err(("a managed block begins inside of another", *at)),
        [_, _, (_, at, _), ..] => Err(("a Dockerfile has one managed block, and here is a second one", *at)),
    }
}

/// What rendering would change in the file at `path`, as a unified diff; nothing where it would change nothing.
pub fn diff(path: &str, old: Option<&str>, new: &str) -> Option<String> {
    if old == Some(new) {
        return None;
    }
    let from = if old.is_some() { format!("a/{path}") } else { "/dev/null".to_owned() };
    let text_diff = similar::TextDiff::from_lines(old.unwrap_or_default(), new);
    let mut out = String::new();
    let _ = write!(out, "{}", text_diff.unified_diff().context_radius(3).header(&from, &format!("b/{path}")));
    Some(out)
}

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The path, or a link on the way to it, leaves the project: the manifest's fault, or the tree changed meanwhile.
    #[error("{0}: leaves the project folder, nothing was written")]
    Outside(String),
    /// The system refused.
    #[error("{path}: cannot be written: {source}")]
    Io {
        /// The path.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Writes a file of the tree where its bytes differ, and says whether they did. The file is replaced as a whole: a reader
/// sees the old text or the new one. Its mode is kept; folders on the way are made.
pub fn write(tree: &Tree, path: &str, text: &str) -> Result<bool, WriteError> {
    let failed = |source| WriteError::Io { path: path.to_owned(), source };
    let target = target(tree, path)?;
    let mode = match fs::read(&target) {
        Ok(old) if old == text.as_bytes() => return Ok(false),
        Ok(_) => fs::metadata(&target).map_err(failed)?.permissions().mode(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0o644,
        Err(error) => return Err(failed(error)),
    };
    let folder = target.parent().ok_or_else(|| WriteError::Outside(path.to_owned()))?;
    let mut file = tempfile::Builder::new().prefix(".aboard-").tempfile_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(mode & 0o7777)).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&target).map_err(|error| failed(error.error))?;
    Ok(true)
}

/// Where a path of the tree really lies, its folders made; a link at its end is followed.
fn target(tree: &Tree, path: &str) -> Result<PathBuf, WriteError> {
    let outside = || WriteError::Outside(path.to_owned());
    let failed = |source| WriteError::Io { path: path.to_owned(), source };
    let normal = crate::walk::normalize(path).filter(|path| !path.is_empty()).ok_or_else(outside)?;
    let (folder, name) = normal.rsplit_once('/').unwrap_or(("", &normal));
    // The part of the folder that exists must be inside before anything is made below it.
    let mut existing = tree.root().join(folder);
    while !existing.exists() && existing.pop() {}
    if !fs::canonicalize(&existing).map_err(failed)?.starts_with(tree.root()) {
        return Err(outside());
    }
    fs::create_dir_all(tree.root().join(folder)).map_err(failed)?;
    let folder = fs::canonicalize(tree.root().join(folder)).map_err(failed)?;
    let target = folder.join(name);
    let real = fs::canonicalize(&target).unwrap_or(target);
    if real.starts_with(tree.root()) { Ok(real) } else { Err(outside()) }
}
