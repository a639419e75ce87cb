//! The output formats, and the only place that writes to stdout and stderr.
//!
//! A format turns values into text and decides nothing: the exit status never depends on it.

pub mod github;
pub mod human;
pub mod json;
pub mod markdown;
pub mod progress;
pub mod sarif;

use crate::file::Files;
use crate::finding::Finding;
use std::io::Write;

/// How results are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people, with the source lines.
    #[default]
    Human,
    /// Version 1 of the documented JSON form.
    Json,
    /// SARIF 2.1.0, for code-scanning services.
    Sarif,
    /// Workflow commands that GitHub shows as annotations.
    Github,
    /// Tables for a job summary or a comment.
    Markdown,
}

/// Where output goes and how much of it is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    /// The form of the result.
    pub format: Format,
    /// Whether the result may carry colours.
    pub color: bool,
    /// Whether notes may carry colours.
    pub color_stderr: bool,
    /// Below 0: errors alone. Above 0: more of the reasons.
    pub verbosity: i8,
}

impl Printer {
    /// Writes a result to stdout; a closed pipe is not an error.
    pub fn result(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes());
        if !text.is_empty() && !text.ends_with('\n') {
            let _ = out.write_all(b"\n");
        }
        let _ = out.flush();
    }

    /// Writes a note to stderr, unless quiet.
    pub fn note(&self, text: &str) {
        if self.verbosity >= 0 {
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        }
    }

    /// Writes detail to stderr, where asked for.
    pub fn detail(&self, text: &str) {
        if self.verbosity > 0 {
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        }
    }

    /// Writes an error to stderr.
    pub fn error(&self, text: &str) {
        let mark = if self.color_stderr { "\u{1b}[1;31merror\u{1b}[0m" } else { "error" };
        let _ = writeln!(std::io::stderr().lock(), "{mark}: {text}");
    }

    /// Writes findings to stdout in the chosen format.
    pub fn findings(&self, files: &Files, findings: &[Finding]) {
        let text = match self.format {
            Format::Human => human::findings(files, findings, self.color),
            Format::Json => json::to_text(&json::findings(files, findings)),
            Format::Sarif => json::to_text(&sarif::findings(files, findings)),
            Format::Github => github::findings(files, findings),
            Format::Markdown => markdown::findings(files, findings),
        };
        self.result(&text);
    }
}

/// Sorts findings by place, then severity, then code, and drops repetitions.
pub fn sort(files: &Files, findings: &mut Vec<Finding>) {
    findings.sort_by_cached_key(|finding| {
        let place = finding.labels.first().map(|label| files.sort_key(label.span));
        (place, std::cmp::Reverse(finding.severity), finding.rule.code, finding.message.clone())
    });
    findings.dedup();
}

/// `1 error, 2 warnings`, or nothing where there is none.
pub fn tally(findings: &[Finding]) -> Option<String> {
    use crate::finding::Severity::{Error, Note, Warning};
    let parts: Vec<String> = [(Error, "error"), (Warning, "warning"), (Note, "note")]
        .into_iter()
        .filter_map(|(severity, name)| {
            let count = findings.iter().filter(|finding| finding.severity == severity).count();
            (count > 0).then(|| count_of(count, name))
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// `1 note`, `2 notes`.
pub fn count_of(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `1.2 MiB`: a size in bytes for people.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let mut value = bytes;
    let mut tenths = 0;
    let mut unit = 0;
    while value >= 1024 && unit + 1 < UNITS.len() {
        tenths = (value % 1024) * 10 / 1024;
        value /= 1024;
        unit += 1;
    }
    if unit == 0 { format!("{value} B") } else { format!("{value}.{tenths} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_counts_read_well() {
        assert_eq!(size(17), "17 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(3 * 1024 * 1024), "3.0 MiB");
        assert_eq!(count_of(1, "note"), "1 note");
        assert_eq!(count_of(0, "note"), "0 notes");
    }
}
