//! The programs started in a container: what the image's own shell finds, and the manifest's probes.

use super::rules::FAILED_PROBE;
use super::{Expectation, Report, SHELL, Status};
use crate::engine::{Engine, EngineError};
use crate::finding::Finding;
use crate::image::probe::{self, Probed};
use serde::Serialize;
use std::fmt::Write;
use std::time::Duration;

/// The most lines of a probe's output that are shown.
const LINES_SHOWN: usize = 10;

/// A program that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// The command as a person would type it.
    pub command: String,
    /// Whether it ended well.
    pub well: bool,
    /// What it printed, its first lines.
    pub output: String,
}

impl Probe {
    /// The probe for people.
    pub(super) fn shown(&self) -> String {
        let mut text = format!("$ {}\n", self.command);
        for line in self.output.lines() {
            let _ = writeln!(text, "  {}", line.replace(char::is_control, "?"));
        }
        text
    }
}

/// Starts the programs that would start, and adds what came of it to the report.
pub fn run(
    engine: &Engine,
    reference: &str,
    expected: &Expectation<'_>,
    limit: Duration,
    report: &mut Report,
) -> Result<(), EngineError> {
    let starts = |name: &str| report.rows.iter().any(|row| row.program == name && row.status == Status::Starts);
    let named: Vec<&str> = report
        .rows
        .iter()
        .map(|row| row.program.as_str())
        .filter(|name| !name.starts_with('-') && starts(name))
        .collect();
    let (mut probes, mut findings) = (Vec::new(), Vec::new());
    let mut add = |command: String, result: Result<String, (String, String)>| {
        let (well, output) = match result {
            Ok(output) => (true, output),
            Err((why, output)) => {
                let finding = Finding::new(&FAILED_PROBE, format!("`{command}` failed in the image: {why}"));
                let finding = finding.subject(format!("image {reference}"));
                findings.push(first_lines(&output).lines().fold(finding, Finding::help));
                (false, output)
            }
        };
        probes.push(Probe { command, well, output: first_lines(&output) });
    };
    // An image without a shell cannot be asked so; its probes still can.
    let asked = report.has_shell.then(|| probe::command_v(engine, reference, SHELL, &named, limit));
    match asked.unwrap_or_else(|| Ok(Vec::new())) {
        Ok(found) => {
            for (name, path) in found {
                add(format!("command -v {name}"), path.ok_or_else(|| ("it finds nothing".to_owned(), String::new())));
            }
        }
        Err(EngineError::Failed { status, tail, .. }) => {
            add(format!("{SHELL} -c 'command -v …'"), Err((status.to_string(), tail)));
        }
        Err(other) => return Err(other),
    }
    for wanted in &expected.programs {
        let (Some(arguments), Some(name)) = (&wanted.probe, wanted.program.text()) else { continue };
        if !starts(name) {
            continue;
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let command = format!("{name} {}", arguments.join(" "));
        match probe::start(engine, reference, name, &arguments, limit)? {
            Probed::Well(output) => add(command, Ok(output)),
            Probed::Failed(why, output) => add(command, Err((why, output))),
        }
    }
    report.probes.extend(probes);
    report.findings.extend(findings);
    Ok(())
}

fn first_lines(text: &str) -> String {
    text.lines().take(LINES_SHOWN).collect::<Vec<_>>().join("\n")
}
