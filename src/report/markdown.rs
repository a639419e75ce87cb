//! Markdown tables, for a job summary or a comment on a change.

use crate::file::Files;
use crate::finding::Finding;
use std::fmt::Write;

/// A table of findings; one line where there is none.
pub fn findings(files: &Files, findings: &[Finding]) -> String {
    let Some(tally) = super::tally(findings) else {
        return "Nothing found.\n".to_owned();
    };
    let mut text = format!("**{tally}**\n\n| severity | finding | place | what | help |\n|---|---|---|---|---|\n");
    for finding in findings {
        let place = match (finding.labels.first(), &finding.subject) {
            (Some(label), _) => format!("`{}`", files.place(label.span)),
            (None, Some(subject)) => subject.clone(),
            (None, None) => String::new(),
        };
        let help = finding.help.join("<br>");
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {} | {} |",
            finding.severity.name(),
            finding.rule.code,
            cell(&place),
            cell(&finding.message),
            cell(&help)
        );
    }
    text
}

/// Text that does not end its cell.
pub fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// The result of `aboard scan` as a table.
pub fn scan(files: &Files, needs: &[crate::need::Need], dynamic: &[crate::site::ExecSite]) -> String {
    let mut text = "| program | run at |\n|---|---|\n".to_owned();
    for need in needs {
        let places: Vec<String> = need.sites.iter().map(|site| format!("`{}`", files.place(site.span))).collect();
        let optional = if need.optional { " (optional)" } else { "" };
        let _ = writeln!(text, "| `{}`{optional} | {} |", cell(&need.program.to_string()), places.join(", "));
    }
    for site in dynamic {
        let _ = writeln!(text, "| {} | `{}` |", cell(&site.program.to_string()), files.place(site.span));
    }
    text
}
