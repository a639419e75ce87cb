//! SARIF 2.1.0, the form that code-scanning services read.
//!
//! Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use crate::file::{Files, Span};
use crate::finding::{Finding, Rule, Severity};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A SARIF log with one run.
pub fn findings(files: &Files, findings: &[Finding]) -> Value {
    let rules: BTreeMap<&str, &Rule> = findings.iter().map(|finding| (finding.rule.code, finding.rule)).collect();
    let index: Vec<&str> = rules.keys().copied().collect();
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let place = index.iter().position(|code| *code == finding.rule.code);
            let mut message = finding.message.clone();
            for help in &finding.help {
                message.push('\n');
                message.push_str(help);
            }
            let (first, related) = finding.labels.split_first().map_or((None, &[][..]), |(first, rest)| (Some(first), rest));
            json!({
                "ruleId": finding.rule.code,
                "ruleIndex": place,
                "level": level(finding.severity),
                "message": { "text": message },
                "locations": first.map(|label| json!({ "physicalLocation": location(files, label.span) })).into_iter().collect::<Vec<_>>(),
                "relatedLocations": related.iter().enumerate().map(|(id, label)| json!({
                    "id": id,
                    "physicalLocation": location(files, label.span),
                    "message": { "text": label.message },
                })).collect::<Vec<_>>(),
            })
        })
        .collect();
    let rules: Vec<Value> = rules
        .values()
        .map(|rule| {
            json!({
                "id": rule.code,
                "shortDescription": { "text": rule.summary },
                "help": { "text": rule.docs, "markdown": rule.docs },
                "defaultConfiguration": { "level": level(rule.severity) },
            })
        })
        .collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "aboard", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    severity.name()
}

fn location(files: &Files, span: Span) -> Value {
    let file = files.get(span.file);
    let (start, end) = (file.position(span.start), file.position(span.end));
    json!({
        "artifactLocation": { "uri": file.path() },
        "region": { "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column },
    })
}
