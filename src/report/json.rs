//! JSON, version 1: a frozen form that does not follow the names in the code (`docs/json.md`).

use crate::file::{Files, Span};
use crate::finding::{Finding, Fix};
use crate::need::Need;
use crate::scan::Skipped;
use crate::site::ExecSite;
use serde_json::{Value, json};

/// Pretty-printed, with a line break at the end.
pub fn to_text(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// `{"version":1,"findings":[…]}`.
pub fn findings(files: &Files, findings: &[Finding]) -> Value {
    let findings: Vec<Value> = findings.iter().map(|finding| one_finding(files, finding)).collect();
    json!({ "version": 1, "findings": findings })
}

/// One finding with its labels, help and fix.
pub fn one_finding(files: &Files, finding: &Finding) -> Value {
    let labels: Vec<Value> = finding
        .labels
        .iter()
        .map(|label| {
            let mut value = range(files, label.span);
            value["message"] = json!(label.message);
            value
        })
        .collect();
    json!({
        "code": finding.rule.code,
        "severity": finding.severity.name(),
        "message": finding.message,
        "subject": finding.subject,
        "labels": labels,
        "help": finding.help,
        "fix": finding.fix.as_ref().map(|fix| one_fix(files, fix)),
    })
}

fn one_fix(files: &Files, fix: &Fix) -> Value {
    let edits: Vec<Value> = fix
        .edits
        .iter()
        .map(|edit| {
            let mut value = range(files, edit.span);
            value["replacement"] = json!(edit.replacement);
            value
        })
        .collect();
    json!({ "description": fix.description, "edits": edits })
}

/// `file`, `line`, `column`, `end_line`, `end_column`.
fn range(files: &Files, span: Span) -> Value {
    let file = files.get(span.file);
    let (start, end) = (file.position(span.start), file.position(span.end));
    json!({
        "file": file.path(),
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
    })
}

/// The result of `aboard scan`.
pub fn scan(files: &Files, needs: &[Need], dynamic: &[ExecSite], skipped: &[Skipped], findings: &[Finding]) -> Value {
    let programs: Vec<Value> = needs
        .iter()
        .map(|need| {
            let text = need.program.text().unwrap_or_default();
            json!({
                "name": need.name(),
                "path": text.contains('/').then_some(text),
                "optional": need.optional,
                "sites": need.sites.iter().map(|site| one_site(files, site)).collect::<Vec<_>>(),
            })
        })
        .collect();
    let dynamic: Vec<Value> = dynamic
        .iter()
        .map(|site| {
            let mut value = one_site(files, site);
            value["reason"] = match &site.program {
                crate::site::Program::Dynamic(reason) => json!(reason),
                _ => Value::Null,
            };
            value
        })
        .collect();
    let skipped: Vec<Value> =
        skipped.iter().map(|skipped| json!({ "path": skipped.path, "why": skipped.why })).collect();
    let findings: Vec<Value> = findings.iter().map(|finding| one_finding(files, finding)).collect();
    json!({ "version": 1, "programs": programs, "dynamic": dynamic, "skipped": skipped, "findings": findings })
}

/// One exec site.
pub fn one_site(files: &Files, site: &ExecSite) -> Value {
    let (file, position) = (files.path(site.span.file), files.start(site.span));
    let trace: Vec<Value> = site
        .trace
        .iter()
        .map(|step| {
            let position = files.start(step.span);
            json!({ "what": step.what, "file": files.path(step.span.file), "line": position.line, "column": position.column })
        })
        .collect();
    json!({
        "file": file,
        "line": position.line,
        "column": position.column,
        "language": site.language,
        "api": site.api,
        "optional": site.optional,
        "default": site.default,
        "trace": trace,
    })
}
