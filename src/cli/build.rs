//! `aboard build`: the engine's build of the manifest's images.

use super::{Global, Outcome, Project};
use crate::engine::{self, BuildRequest, Engine, Kind};
use crate::manifest::Image;
use crate::report::Printer;
use anyhow::Context;
use std::path::Path;

/// The arguments of `aboard build`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The images; all of the manifest without any
    #[arg(value_name = "IMAGE")]
    pub images: Vec<String>,
    #[command(flatten)]
    pub options: BuildOptions,
}

/// How images are built.
#[derive(Clone, Debug, clap::Args)]
pub struct BuildOptions {
    /// The engine [default: the first of docker, podman and buildah that answers]
    #[arg(long, value_enum, value_name = "ENGINE")]
    pub engine: Option<Kind>,
    /// Print the exact command and run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// A further argument for the engine's build; may be given several times
    #[arg(long = "engine-arg", value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub engine_args: Vec<String>,
}

/// Builds the images one after the other; the first failure ends it.
pub fn run(global: &Global, arguments: &Arguments, printer: &Printer) -> anyhow::Result<Outcome> {
    let project = Project::open(global)?;
    let manifest = match project.manifest(printer)? {
        Ok(manifest) => manifest,
        Err(outcome) => return Ok(outcome),
    };
    let images = project.images(&manifest, &arguments.images)?;
    build(&project, &images, &arguments.options, printer)?;
    Ok(Outcome::Done)
}

/// Builds images.
pub fn build(project: &Project, images: &[&Image], options: &BuildOptions, printer: &Printer) -> anyhow::Result<()> {
    let engine = find(options)?;
    for image in images {
        let argv = engine::build_command(&engine, &request(project.tree.root(), image, options));
        if options.dry_run {
            printer.result(&engine::shell_words(&argv));
            continue;
        }
        printer.note(&format!("building {}: {}", image.name, engine::shell_words(&argv)));
        engine::stream(&argv).with_context(|| format!("image {} was not built", image.name))?;
    }
    Ok(())
}

/// The engine that answers; under `--dry-run` the wanted one or docker will do, whether it answers or not.
fn find(options: &BuildOptions) -> anyhow::Result<Engine> {
    match engine::find(options.engine) {
        Ok(engine) => Ok(engine),
        Err(_) if options.dry_run => Ok(engine::assumed(options.engine)),
        Err(error) => Err(error.into()),
    }
}

fn request(root: &Path, image: &Image, options: &BuildOptions) -> BuildRequest {
    BuildRequest {
        dockerfile: root.join(&image.dockerfile.value),
        context: root.join(&image.context.value),
        platform: image.platform.value,
        tags: image.tags.iter().map(|tag| tag.value.clone()).collect(),
        target: image.target.as_ref().map(|target| target.value.clone()),
        build_args: image.build_args.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect(),
        extra: options.engine_args.clone(),
    }
}
