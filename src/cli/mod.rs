//! The command line: the flags, one file a command, and the exit status.
//!
//! 0: nothing found; 1: findings at or above `--fail-on`; 2: the work could not be done.

mod build;
mod check;
mod derive;
mod explain;
mod generate;
mod images;
mod index;
mod indexes;
mod init;
mod lock;
mod project;
mod render;
mod render_and_verify;
mod scan;
mod survey;
mod verify;
mod why;

pub use project::Project;

use crate::finding::{Finding, Severity};
use crate::report::{Format, Printer};
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

/// Proves that every program a piece of code executes is aboard the container image it ships in.
#[derive(Debug, Parser)]
#[command(name = "aboard", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit status: 0 nothing found, 1 findings at or above --fail-on, 2 the work could not be done.")]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct Global {
    /// The manifest; its folder is the project [default: aboard.yaml here or above]
    #[arg(long, global = true, value_name = "FILE", env = "ABOARD_MANIFEST")]
    pub manifest: Option<PathBuf>,
    /// How results are shown; never changes the exit status
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// When output is coloured
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
    /// The severity from which findings make the exit status 1
    #[arg(long, global = true, value_enum, default_value_t, value_name = "SEVERITY")]
    pub fail_on: FailOn,
    /// Use no network: what is cached or locked must do
    #[arg(long, global = true, env = "ABOARD_OFFLINE")]
    pub offline: bool,
    /// The mirror that serves the package indexes (https, http or file)
    #[arg(long, global = true, value_name = "URL", env = "ABOARD_MIRROR")]
    pub mirror: Option<String>,
    /// The folder that keeps the package indexes [default: the user's cache folder]
    #[arg(long, global = true, value_name = "DIR", env = "ABOARD_INDEX_DIR")]
    pub index_dir: Option<PathBuf>,
    /// Take package indexes whose signature cannot be verified
    #[arg(long, global = true)]
    pub allow_untrusted: bool,
    /// Keep nothing between runs and use nothing kept
    #[arg(long, global = true, env = "ABOARD_NO_CACHE")]
    pub no_cache: bool,
    /// Say less: errors alone
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more: how things were decided
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
}

/// When output is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The severity from which findings make the exit status 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    /// Any finding.
    Note,
    /// Warnings and errors.
    Warning,
    /// Errors.
    #[default]
    Error,
    /// No finding.
    Never,
}

/// The commands, in the order in which help lists them.
#[derive(Debug, Subcommand)]
enum Command {
    /// Find the Dockerfiles and write a first aboard.yaml
    Init(init::Arguments),
    /// List the programs that code executes, with the chain that settles each
    Scan(scan::Arguments),
    /// Bring the manifest's programs in line with the code, keeping comments and layout
    Derive(derive::Arguments),
    /// Resolve every image against the indexes and write aboard.lock
    Lock(lock::Arguments),
    /// Render the Dockerfiles from the manifest and the lock
    Render(render::Arguments),
    /// Check code against manifest, lock, index and Dockerfile; needs no engine
    Check(check::Arguments),
    /// Resolve against today's indexes, show what changes, and rewrite the lock and the Dockerfiles
    Update(lock::UpdateArguments),
    /// Build the images with docker (buildx where present), podman or buildah
    Build(build::Arguments),
    /// Hold a built image against what the code runs: PATH, modes, architecture, loaders, libraries, interpreters
    Verify(verify::Arguments),
    /// The CI job: render --check, check, build and verify, up to the first that fails
    RenderAndVerify(render_and_verify::Arguments),
    /// Tell which code needs a program or package, what gives it, and what it costs
    Why(why::Arguments),
    /// The package indexes: fetch them, ask which package brings a program, what installing one adds
    Index(index::Arguments),
    /// Print the documentation of a finding
    Explain(explain::Arguments),
    /// Print the JSON Schema of the manifest
    Schema,
    /// Print a completion script for a shell
    Completions(generate::Completions),
    /// Write the manual pages to a folder
    Man(generate::Man),
}

/// What a command came to: findings to show, or a result already shown.
pub enum Outcome {
    /// The command did its work and has nothing to say against anything.
    Done,
    /// Findings that were shown; the status follows from their severities.
    Found(Option<Severity>),
    /// The input is wrong, as the findings shown say: the work could not be done.
    Unusable,
    /// The command itself says no (a difference under `--check`).
    Refused,
}

impl Outcome {
    /// The outcome that these findings make.
    pub fn of(findings: &[Finding]) -> Self {
        Self::Found(findings.iter().map(|finding| finding.severity).max())
    }
}

impl Outcome {
    /// Whether the exit status is not 0.
    fn fails(&self, fail_on: FailOn) -> bool {
        match self {
            Self::Done => false,
            Self::Found(worst) => fails(fail_on, *worst),
            Self::Unusable | Self::Refused => true,
        }
    }
}

/// Parses the command line, runs the command, and says how it went.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let printer = cli.global.printer();
    let fail_on = cli.global.fail_on;
    match run(cli, &printer) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Found(worst)) => ExitCode::from(u8::from(fails(fail_on, worst))),
        Ok(Outcome::Unusable) => ExitCode::from(2),
        Ok(Outcome::Refused) => ExitCode::from(1),
        Err(error) => {
            printer.error(&format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

fn fails(fail_on: FailOn, worst: Option<Severity>) -> bool {
    let least = match fail_on {
        FailOn::Note => Severity::Note,
        FailOn::Warning => Severity::Warning,
        FailOn::Error => Severity::Error,
        FailOn::Never => return false,
    };
    worst.is_some_and(|worst| worst >= least)
}

fn run(cli: Cli, printer: &Printer) -> anyhow::Result<Outcome> {
    let global = &cli.global;
    match cli.command {
        Command::Init(arguments) => init::run(global, &arguments, printer),
        Command::Scan(arguments) => scan::run(global, &arguments, printer),
        Command::Derive(arguments) => derive::run(global, &arguments, printer),
        Command::Lock(arguments) => lock::run(global, &arguments, printer),
        Command::Render(arguments) => render::run(global, &arguments, printer),
        Command::Check(arguments) => check::run(global, &arguments, printer),
        Command::Update(arguments) => lock::update(global, &arguments, printer),
        Command::Build(arguments) => build::run(global, &arguments, printer),
        Command::Verify(arguments) => verify::run(global, &arguments, printer),
        Command::RenderAndVerify(arguments) => render_and_verify::run(global, &arguments, printer),
        Command::Why(arguments) => why::run(global, &arguments, printer),
        Command::Schema => {
            printer.result(&crate::manifest::schema::text());
            Ok(Outcome::Done)
        }
        Command::Index(arguments) => index::run(global, &arguments, printer),
        Command::Explain(arguments) => explain::run(&arguments, printer),
        Command::Completions(arguments) => Ok(generate::completions(&arguments, &mut Cli::command(), printer)),
        Command::Man(arguments) => generate::man(&arguments, Cli::command(), printer),
    }
}

impl Global {
    fn printer(&self) -> Printer {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let wants = |terminal: bool| match self.color {
            Color::Auto => terminal && !no_color,
            Color::Always => true,
            Color::Never => false,
        };
        Printer {
            format: self.format,
            color: wants(std::io::stdout().is_terminal()),
            color_stderr: wants(std::io::stderr().is_terminal()),
            verbosity: i8::from(self.verbose) - i8::from(self.quiet),
        }
    }

    /// The folder for results that are kept between runs; nothing where none is wanted or known.
    pub fn cache_dir(&self) -> Option<PathBuf> {
        use etcetera::BaseStrategy;
        if self.no_cache {
            return None;
        }
        if let Some(dir) = std::env::var_os("ABOARD_CACHE_DIR") {
            return Some(PathBuf::from(dir));
        }
        Some(etcetera::choose_base_strategy().ok()?.cache_dir().join("aboard"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_status_follows_fail_on() {
        assert!(fails(FailOn::Error, Some(Severity::Error)));
        assert!(!fails(FailOn::Error, Some(Severity::Warning)));
        assert!(fails(FailOn::Note, Some(Severity::Note)));
        assert!(!fails(FailOn::Note, None));
        assert!(!fails(FailOn::Never, Some(Severity::Error)));
    }
}
