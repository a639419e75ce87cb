//! `aboard derive`: brings the manifest's `programs` in line with the code, keeping comments and layout.

use super::images::Images;
use super::{Global, Outcome, Project};
use crate::apk::repository::Ask;
use crate::check::{stale_program, undeclared_program};
use crate::finding::Edit;
use crate::manifest::edit::{self, NewProgram};
use crate::report::Printer;
use anyhow::Context;
use std::collections::{BTreeMap, BTreeSet};

/// The arguments of `aboard derive`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The images; all of the manifest without any
    #[arg(value_name = "IMAGE")]
    pub images: Vec<String>,
    /// Change nothing; show the difference, and make the status 1 where there is one
    #[arg(long)]
    pub check: bool,
}

/// Derives and writes the manifest.
pub fn run(global: &Global, arguments: &Arguments, printer: &Printer) -> anyhow::Result<Outcome> {
    let project = Project::open(global)?;
    let images = match Images::open(&project, global, printer, Ask::WhenStale)? {
        Ok(images) => images,
        Err(outcome) => return Ok(outcome),
    };
    if arguments.check {
        let (path, old, new) = derived(&images, &arguments.images, printer)?;
        return Ok(match crate::render::diff(&path, Some(&old), &new) {
            Some(diff) => {
                printer.result(&diff);
                Outcome::Refused
            }
            None => Outcome::Done,
        });
    }
    derive(&images, &arguments.images, printer)?;
    Ok(Outcome::Done)
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
