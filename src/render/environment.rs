//! The template engine: its settings, its filters, and its errors as findings.
//!
//! Strict: what is undefined is an error. A template reads built-in templates and files of the project, nothing else,
//! and the work that it may make is bounded.

use super::{TEMPLATE_ERROR, relative};
use crate::file::Span;
use crate::finding::Finding;
use crate::manifest::shape::is_token;
use crate::manifest::{Image, Manifest, template};
use crate::walk::Tree;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, ValueKind};
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value};
use serde::Serialize;
use std::sync::{Arc, Mutex};

/// How much work a template may make: about one unit an instruction.
const FUEL: u64 = 500_000;
/// The size above which a template of the project is refused. The engine folds constants in a time that grows with the
/// square of an expression's length.
const MAX_BYTES: usize = 16 * 1024;
/// The size that the project's own templates of one rendering may have together.
const MAX_TOTAL: usize = 128 * 1024;
/// The stack that one rendering has: room for an expression as long as a template may be. The system gives it page by
/// page as it is used.
const STACK: usize = 64 * 1024 * 1024;
/// How many templates of the project one rendering may read.
const MAX_OWN: usize = 32;

/// One rendering: where its templates come from and what its findings point at.
pub(super) struct Rendering<'a> {
    pub(super) tree: &'a Tree,
    pub(super) manifest: &'a Manifest,
    pub(super) image: &'a Image,
    /// The manifest's word that chose the template.
    pub(super) template: Span,
}

impl Rendering<'_> {
    /// Renders a template.
    ///
    /// The engine's parser goes as deep as an expression is long, and a stack that overflows ends the process: a
    /// template is therefore rendered with a stack that the longest one cannot fill.
    pub(super) fn run(&self, name: &str, context: &impl Serialize) -> Result<String, Vec<Finding>> {
        let context = Value::from(Serde(context));
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("template".to_owned()).stack_size(STACK);
            let started = thread.spawn_scoped(scope, || self.run_here(name, &context));
            let failed = |message: String| vec![Finding::new(&TEMPLATE_ERROR, message).label(self.template, "")];
            let handle = started.map_err(|error| failed(format!("no thread could be started: {error}")))?;
            handle.join().unwrap_or_else(|_| Err(failed(format!("the template engine failed on {name}"))))
        })
    }

    /// Renders on this thread. A template of the project is read when it is first asked for, and rendering starts
    /// again.
    fn run_here(&self, name: &str, context: &Value) -> Result<String, Vec<Finding>> {
        let missing: Arc<Mutex<Option<String>>> = Arc::default();
        let mut environment = environment(Arc::clone(&missing), self.manifest.folder.clone());
        let mut total = 0;
        for _ in 0..=MAX_OWN {
            let outcome = environment.get_template(name).and_then(|template| template.render(context));
            let asked = missing.lock().map(|mut slot| slot.take()).unwrap_or_default();
            match (asked, outcome) {
                (None, Ok(text)) => return Ok(text),
                (None, Err(error)) => return Err(vec![self.fault(&error)]),
                (Some(path), _) => {
                    let source = self.read(&path, &mut total)?;
                    environment.add_template_owned(path, source).map_err(|error| vec![self.fault(&error)])?;
                }
            }
        }
        let message = format!("the template {name} needs more than {MAX_OWN} other templates");
        Err(vec![Finding::new(&TEMPLATE_ERROR, message).label(self.template, "")])
    }

    /// The text of a project's own template; `total` counts the bytes of all.
    fn read(&self, path: &str, total: &mut usize) -> Result<String, Vec<Finding>> {
        let failed = |message: String| vec![Finding::new(&TEMPLATE_ERROR, message).label(self.template, "")];
        let file = self.tree.read(path).map_err(|error| failed(format!("a template cannot be read: {error}")))?;
        let source = self.tree.files().get(file);
        *total += source.text().len();
        if source.text().len() > MAX_BYTES {
            return Err(failed(format!("{path} has more than the {MAX_BYTES} bytes that a template may have")));
        }
        if *total > MAX_TOTAL {
            return Err(failed(format!("{path} and those before it have more than {MAX_TOTAL} bytes")));
        }
        Ok(source.text().to_owned())
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
    environment.add_filter("literal", literal);
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

/// A value in double quotes, for ENV; `$NAME` keeps its meaning there.
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

/// A value in double quotes whose `$` is nothing but a dollar sign.
fn literal(value: &Value) -> Result<String, minijinja::Error> {
    Ok(quote(value)?.replace('$', "\\$"))
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
