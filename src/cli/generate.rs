//! `aboard completions` and `aboard man`: for shells and packagers.

use super::Outcome;
use crate::report::Printer;
use anyhow::Context;
use std::path::PathBuf;

/// The arguments of `aboard completions`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// The arguments of `aboard man`.
#[derive(Debug, clap::Args)]
pub struct Man {
    /// The folder that the pages are written to
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// Prints a completion script.
pub fn completions(arguments: &Completions, command: &mut clap::Command, printer: &Printer) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, command, "aboard", &mut script);
    printer.result(&String::from_utf8_lossy(&script));
    Outcome::Done
}

/// Writes a manual page a command.
pub fn man(arguments: &Man, command: clap::Command, printer: &Printer) -> anyhow::Result<Outcome> {
    let folder = &arguments.folder;
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    clap_mangen::generate_to(command, folder).with_context(|| folder.display().to_string())?;
    printer.note(&format!("wrote the manual pages to {}", folder.display()));
    Ok(Outcome::Done)
}
