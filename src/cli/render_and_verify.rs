//! `aboard render-and-verify`: the job of a CI run in one command. Each step runs only where the one before it passed.

use super::build::{self, BuildOptions};
use super::images::Images;
use super::{Global, Outcome, Project, check, render, verify};
use crate::apk::repository::Ask;
use crate::engine;
use crate::report::{self, Format, Printer};

/// The arguments of `aboard render-and-verify`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The images; all of the manifest without any
    #[arg(value_name = "IMAGE")]
    pub images: Vec<String>,
    /// Whether to build and verify: with `auto` only where an engine answers that has or can pull the base images
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub build: When,
    #[command(flatten)]
    pub options: BuildOptions,
    /// Start the programs in a container too, as `verify --run` does
    #[arg(long)]
    pub run: bool,
}

/// Whether images are built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum When {
    /// Yes; that no engine answers is an error.
    #[default]
    Always,
    /// Where it can be done on this machine.
    Auto,
    /// No: the Dockerfiles and the check alone.
    Never,
}

/// Runs the steps and sums them up.
pub fn run(global: &Global, arguments: &Arguments, printer: &Printer) -> anyhow::Result<Outcome> {
    let project = Project::open(global)?;
    let images = match Images::open(&project, global, printer, Ask::WhenStale)? {
        Ok(images) => images,
        Err(outcome) => return Ok(outcome),
    };
    let mut summary = Summary { steps: Vec::new(), printer };
    let rendered = render::check(&images, &arguments.images, None, printer)?;
    if !matches!(rendered, Outcome::Done) {
        return Ok(summary.stop("render", "differs", rendered));
    }
    let count = report::count_of(images.project.images(&images.manifest, &arguments.images)?.len(), "image");
    summary.pass("render", &format!("{count} as the manifest gives"));

    let (mut findings, surveys) = check::of_manifest(&images, &arguments.images)?;
    report::sort(project.tree.files(), &mut findings);
    if !findings.is_empty() {
        printer.findings(project.tree.files(), &findings);
    }
    let checked = Outcome::of(&findings);
    if checked.fails(global.fail_on) {
        return Ok(summary.stop("check", &report::tally(&findings).unwrap_or_default(), checked));
    }
    let programs: usize = surveys.iter().map(|survey| survey.needs.len()).sum();
    summary.pass("check", &format!("{} aboard", report::count_of(programs, "program")));

    let chosen = images.project.images(&images.manifest, &arguments.images)?;
    if let Some(why) = not_built(arguments, &chosen) {
        return Ok(summary.end(&format!("not built: {why}"), checked));
    }
    build::build(&project, &chosen, &arguments.options, printer)?;
    if arguments.options.dry_run {
        return Ok(summary.end("not built: --dry-run", checked));
    }
    summary.pass("build", &count);
    let verified = verify::of_images(&images, &chosen, arguments.options.engine, arguments.run, printer)?;
    if verified.fails(global.fail_on) {
        return Ok(summary.stop("verify", "the built image lacks something", verified));
    }
    summary.pass("verify", &count);
    Ok(summary.end("", verified))
}

/// Why the images are not built here; nothing where they are.
fn not_built(arguments: &Arguments, images: &[&crate::manifest::Image]) -> Option<String> {
    match arguments.build {
        When::Always => None,
        When::Never => Some("--build never".to_owned()),
        When::Auto => {
            let engine = match engine::find(arguments.options.engine) {
                Ok(engine) => engine,
                Err(error) => return Some(error.to_string()),
            };
            let bases = images.iter().filter_map(|image| image.base.as_ref());
            let mut missing = bases.filter(|base| !engine::has_or_pulls(&engine, &base.value));
            missing.next().map(|base| format!("the engine neither has nor can pull {base}"))
        }
    }
}

/// What was done, told at the end.
struct Summary<'p> {
    steps: Vec<String>,
    printer: &'p Printer,
}

impl Summary<'_> {
    fn pass(&mut self, step: &str, what: &str) {
        self.steps.push(format!("{step}: passed ({what})"));
    }

    fn stop(mut self, step: &str, why: &str, outcome: Outcome) -> Outcome {
        self.steps.push(format!("{step}: FAILED ({why})"));
        self.end("", outcome)
    }

    fn end(mut self, last: &str, outcome: Outcome) -> Outcome {
        if !last.is_empty() {
            self.steps.push(last.to_owned());
        }
        match self.printer.format {
            Format::Human => self.printer.result(&format!("{}\n", self.steps.join("\n"))),
            _ => self.printer.note(&self.steps.join("\n")),
        }
        outcome
    }
}
