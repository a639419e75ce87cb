//! `aboard derive`: brings the manifest's `programs` in line with the code, keeping comments and layout.

use super::images::{self, Chosen, Images};
use super::{Global, Outcome};
use crate::check::{stale_program, undeclared_program};
use crate::finding::Edit;
use crate::manifest::edit::{self, NewProgram};
use crate::report::Printer;
use anyhow::Context;
use std::collections::{BTreeMap, BTreeSet};

/// The arguments of `aboard derive`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pub chosen: Chosen,
}

/// Derives and writes the manifest.
pub fn run(global: &Global, arguments: &Arguments, printer: &Printer) -> anyhow::Result<Outcome> {
    let Chosen { images: names, check } = &arguments.chosen;
    images::with(global, printer, |images| {
        if *check {
            return self::check(images, names, printer);
        }
        derive(images, names, printer)?;
        Ok(Outcome::Done)
    })
}

/// Shows what deriving would change.
fn check(images: &Images<'_>, names: &[String], printer: &Printer) -> anyhow::Result<Outcome> {
    let (path, old, new) = derived(images, names, printer)?;
    let Some(diff) = crate::render::diff(&path, Some(&old), &new) else { return Ok(Outcome::Done) };
    printer.result(&diff);
    Ok(Outcome::Refused)
}

/// Writes the manifest where it changes.
pub fn derive(images: &Images<'_>, names: &[String], printer: &Printer) -> anyhow::Result<()> {
    let (path, _, new) = derived(images, names, printer)?;
    if crate::render::write(&images.project.tree, &path, &new)? {
        printer.note(&format!("wrote {path}"));
    }
    Ok(())
}

/// The manifest's path, its text, and the text that fits the code.
fn derived(images: &Images<'_>, names: &[String], printer: &Printer) -> anyhow::Result<(String, String, String)> {
    let source = images.project.tree.files().get(images.manifest.file);
    let text = source.text().to_owned();
    let mut edits: Vec<Edit> = Vec::new();
    for image in images.project.images(&images.manifest, names)? {
        let survey = images.survey(image);
        let subject = survey.subject();
        let add: BTreeMap<String, NewProgram> = undeclared_program::undeclared(&subject)
            .map(|need| (need.program.to_string(), NewProgram { optional: need.optional, ..NewProgram::default() }))
            .collect();
        let mut remove: BTreeSet<String> = BTreeSet::new();
        for entry in stale_program::stale(&subject) {
            if subject.dynamic.is_empty() {
                remove.insert(entry.name.value.clone());
            } else {
                let place = images.project.tree.files().place(entry.name.span);
                printer.note(&format!("{place}: `{}` is kept: a place that is not settled may run it", entry.name));
            }
        }
        for (name, what) in add.keys().map(|name| (name, "+")).chain(remove.iter().map(|name| (name, "-"))) {
            printer.note(&format!("{what} {name} ({})", image.name));
        }
        let own = edit::programs(images.manifest.file, &text, &image.name.value, &add, &remove);
        edits.extend(own.with_context(|| format!("image {}", image.name))?);
    }
    let new = edit::apply(&text, &edits);
    Ok((images.manifest.path.clone(), text, new))
}
