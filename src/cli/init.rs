//! `aboard init`: finds Dockerfiles and writes a first manifest.

use super::images::dockerfiles;
use super::{Global, Outcome, Project};
use crate::dockerfile::{self, Context};
use crate::manifest::{self, init};
use crate::report::Printer;
use anyhow::bail;

/// The arguments of `aboard init`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Write to stdout instead
    #[arg(long)]
    pub dry_run: bool,
}

/// Writes the manifest; one that is there already is left alone.
pub fn run(global: &Global, arguments: &Arguments, printer: &Printer) -> anyhow::Result<Outcome> {
    let project = Project::open(global)?;
    if let (Some(path), false) = (&project.manifest, arguments.dry_run) {
        bail!("{path} is there already");
    }
    let tree = &project.tree;
    let found: Vec<init::Found> = dockerfiles(&project)
        .into_iter()
        .filter_map(|path| {
            let file = tree.read(&path).ok()?;
            let parsed = dockerfile::parse(tree.files(), file).ok()?;
            let context = Context::find_for(tree, &path, &parsed).folder().to_owned();
            Some(init::Found { dockerfile: path, context, ..init::Found::default() })
        })
        .collect();
    if found.is_empty() {
        bail!("no Dockerfile was found below {}", tree.root().display());
    }
    let name = tree.root().file_name().map_or_else(|| "image".to_owned(), |name| name.to_string_lossy().into_owned());
    let text = init::text(&name, &found);
    if arguments.dry_run {
        printer.result(&text);
    } else if crate::render::write(tree, manifest::FILE_NAME, &text)? {
        printer.note(&format!("wrote {}; `aboard derive` fills in the programs", manifest::FILE_NAME));
    }
    Ok(Outcome::Done)
}
