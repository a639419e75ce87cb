//! `aboard index closure`: what installing packages on a base would add.

use super::Indexes;
use crate::apk::base::{Base, installed_as};
use crate::apk::catalog::Catalog;
use crate::apk::choice;
use crate::apk::closure::{Closure, ClosureError, Planner};
use crate::apk::installed::{DATABASE, Installed, WORLD};
use crate::cli::{Global, Outcome, Project};
use crate::engine;
use crate::image::tree::Tree;
use crate::image::{self, Limits, Source};
use crate::lock::{self, Lock, LockedBase};
use crate::platform::Platform;
use crate::report::{self, Format, Printer};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// What is installed on a base (see [`super::Command`] for the forms that the word may have).
pub fn installed(
    global: &Global,
    base: &str,
    catalog: &Catalog,
    which: &Indexes,
    printer: &Printer,
) -> anyhow::Result<Installed> {
    match base {
        "empty" => return Ok(Installed::none()),
        "minimal" => {
            let base = Base::minimal(&which.release());
            base.stand_in().iter().for_each(|note| printer.note(note));
            return Ok(base.installed(catalog, &which.arch));
        }
        _ => {}
    }
    let path = Path::new(base);
    if path.join(DATABASE.trim_start_matches('/')).is_file() {
        return of_folder(path);
    }
    if path.exists() {
        return of_image(&Source::Path(path.to_owned(), None), base, which);
    }
    if let Some(reference) = base.strip_prefix("docker://") {
        return of_image(&Source::Registry(reference.to_owned()), base, which);
    }
    if let Some(locked) = locked(global, base)? {
        printer.detail(&format!("base {base}: by {}, all its packages taken as asked for", lock::FILE));
        return Ok(installed_as(&locked.packages, catalog, &which.arch));
    }
    let engine = engine::find(None).with_context(|| {
        format!(
            "--base {base}: no such file, no such base in {} (`aboard lock --base` reads them), and no engine",
            lock::FILE
        )
    })?;
    of_image(&Source::Engine(engine, base.to_owned()), base, which)
}

/// What the root of an image holds, unpacked in a folder.
fn of_folder(root: &Path) -> anyhow::Result<Installed> {
    let inside = |path: &str| root.join(path.trim_start_matches('/'));
    let database = inside(DATABASE);
    let text = fs::read_to_string(&database).with_context(|| database.display().to_string())?;
    let world = fs::read_to_string(inside(WORLD)).unwrap_or_default();
    Installed::parse(text, &world).with_context(|| database.display().to_string())
}

/// What an image holds.
fn of_image(source: &Source, name: &str, which: &Indexes) -> anyhow::Result<Installed> {
    let platform =
        Platform::of_apk(&which.arch).with_context(|| format!("no image is of architecture {}", which.arch))?;
    let image =
        image::open(source, platform, Limits::default()).with_context(|| format!("base {name} cannot be read"))?;
    let Some(database) = text_of(&image.tree, DATABASE)? else {
        bail!("base {name} has no {DATABASE}: apk did not install its packages");
    };
    let world = text_of(&image.tree, WORLD)?.unwrap_or_default();
    Installed::parse(database, &world).with_context(|| format!("{DATABASE} of base {name}"))
}

/// The text of a file of an image; nothing where there is none.
fn text_of(tree: &Tree, path: &str) -> anyhow::Result<Option<String>> {
    /// Longer than any database or world.
    const MOST: usize = 64 << 20;
    let Some(body) = tree.file(path) else { return Ok(None) };
    let bytes = body.head(MOST).with_context(|| path.to_owned())?;
    Ok(Some(String::from_utf8(bytes).with_context(|| format!("{path} is not UTF-8"))?))
}

/// What the project's lock knows of a base, where it was read from the image itself.
fn locked(global: &Global, reference: &str) -> anyhow::Result<Option<LockedBase>> {
    let project = Project::open(global)?;
    let Ok(file) = project.tree.read(lock::FILE) else { return Ok(None) };
    let lock = Lock::parse(project.tree.files().get(file).text())?;
    let mut bases = lock.images.into_values().map(|image| image.base);
    Ok(bases.find(|base| base.reference == reference && !base.packages.is_empty()))
}

/// Shows what comes, or why the packages cannot be installed together.
pub fn show(
    catalog: &Catalog,
    installed: &Installed,
    packages: &[String],
    printer: &Printer,
) -> anyhow::Result<Outcome> {
    let requests: Vec<&str> = packages.iter().map(String::as_str).collect();
    let closure = match Planner::new(catalog, installed).add(&requests) {
        Ok(closure) => closure,
        Err(ClosureError::Impossible(problems)) => {
            if printer.format == Format::Json {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                printer.result(&report::json::to_text(&json!({"version": 1, "impossible": problems})));
            } else {
                let lines: Vec<String> = problems.iter().map(|problem| format!("{problem}\n")).collect();
                printer.result(&format!("these packages cannot be installed together:\n{}", lines.concat()));
            }
            return Ok(Outcome::Refused);
        }
        Err(error) => return Err(error.into()),
    };
    if printer.format == Format::Json {
        printer.result(&report::json::to_text(&closure_json(&closure)));
    } else {
        printer.result(&closure_text(&closure));
    }
    Ok(Outcome::Done)
}

fn closure_json(closure: &Closure) -> Value {
    let packages = closure.packages.iter().map(|added| {
        json!({"name": added.name, "version": added.version, "replaces": added.replaces, "repository": added.repository,
            "download_size": added.download_size, "installed_size": added.installed_size, "because": added.because})
    });
    json!({"version": 1, "packages": packages.collect::<Vec<Value>>(), "removed": closure.removed,
        "download_size": closure.download_size, "installed_size": closure.installed_size})
}

fn closure_text(closure: &Closure) -> String {
    let mut text = String::new();
    for added in &closure.packages {
        let from = added.replaces.as_ref().map_or_else(String::new, |old| format!(" in place of {old}"));
        let because = added.because.first().map_or("", String::as_str);
        let more = match added.because.len() {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let size = choice::size(added.installed_size);
        let _ = writeln!(text, "{} {}{from} ({size}): {because}{more}", added.name, added.version);
    }
    for removed in &closure.removed {
        let _ = writeln!(text, "{removed} goes");
    }
    let grown = u64::try_from(closure.installed_size).unwrap_or(0);
    let count = closure.packages.len();
    let plural = if count == 1 { "" } else { "s" };
    let download = choice::size(closure.download_size);
    let _ = writeln!(text, "{count} package{plural}, {download} to download, {} installed", choice::size(grown));
    text
}
