//! Workflow commands: GitHub shows each as an annotation on its line.
//!
//! Source: <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>.

use crate::file::Files;
use crate::finding::{Finding, Severity};
use std::fmt::Write;

/// One `::error …::…` line a finding.
pub fn findings(files: &Files, findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut properties = Vec::new();
        if let Some(label) = finding.labels.first() {
            let file = files.get(label.span.file);
            let (start, end) = (file.position(label.span.start), file.position(label.span.end));
            properties.push(format!("file={}", property(file.path())));
            properties.push(format!("line={}", start.line));
            properties.push(format!("endLine={}", end.line));
            if start.line == end.line {
                properties.push(format!("col={}", start.column));
                properties.push(format!("endColumn={}", end.column));
            }
        }
        properties.push(format!("title={}", property(&format!("aboard: {}", finding.rule.code))));
        let mut message = finding.message.clone();
        for label in finding.labels.iter().skip(1) {
            let _ = write!(message, "\n{}: {}", files.place(label.span), label.message);
        }
        for help in &finding.help {
            let _ = write!(message, "\n{help}");
        }
        let _ = writeln!(text, "::{command} {}::{}", properties.join(","), data(&message));
    }
    text
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_command_is_escaped() {
        assert_eq!(data("a\nb 100%"), "a%0Ab 100%25");
        assert_eq!(property("a:b,c"), "a%3Ab%2Cc");
    }
}
