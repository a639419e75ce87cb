//! Text for people: findings with their source lines, and the table of programs.

use crate::file::Files;
use crate::finding::{Finding, Severity};
use crate::need::Need;
use crate::roots::Roots;
use crate::scan::Skipped;
use crate::site::{ExecSite, Program};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Lines longer than this (in bytes) are not shown: a minified file would fill the screen.
const LONGEST_LINE: usize = 400;

/// Every finding with its labelled source lines, and a tally.
pub fn findings(files: &Files, findings: &[Finding], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    for finding in findings {
        text.push_str(&one_finding(files, finding, &renderer));
        text.push_str("\n\n");
    }
    if let Some(tally) = super::tally(findings) {
        let _ = writeln!(text, "{tally}");
    }
    text
}

fn one_finding(files: &Files, finding: &Finding, renderer: &Renderer) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = match &finding.subject {
        Some(subject) => format!("{} ({subject})", clean(&finding.message)),
        None => clean(&finding.message),
    };
    let mut group = Group::with_title(level.primary_title(title).id(finding.rule.code));
    let mut by_file: Vec<(crate::file::FileId, Vec<usize>)> = Vec::new();
    for (index, label) in finding.labels.iter().enumerate() {
        match by_file.iter_mut().find(|(file, _)| *file == label.span.file) {
            Some((_, labels)) => labels.push(index),
            None => by_file.push((label.span.file, vec![index])),
        }
    }
    let sources: Vec<_> = by_file.iter().map(|(file, _)| files.get(*file)).collect();
    let mut plain = Vec::new();
    for ((_, labels), source) in by_file.iter().zip(&sources) {
        let text = source.text();
        let mut snippet = Snippet::source(text).path(source.path()).fold(true);
        let mut drawn = false;
        for &index in labels {
            let label = &finding.labels[index];
            let (start, end) = char_range(text, label.span.start as usize, label.span.end as usize);
            if line_length(text, start) > LONGEST_LINE {
                plain.push(format!("{}: {}", files.place(label.span), clean(&label.message)));
                continue;
            }
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(start..end);
            snippet = snippet.annotation(if label.message.is_empty() {
                annotation
            } else {
                annotation.label(clean(&label.message))
            });
            drawn = true;
        }
        if drawn {
            group = group.element(snippet);
        }
    }
    for place in plain {
        group = group.element(Level::NOTE.message(place));
    }
    for help in &finding.help {
        group = group.element(Level::HELP.message(clean(help)));
    }
    if let Some(fix) = &finding.fix {
        group = group.element(Level::HELP.message(format!("`--fix` would {}", clean(&fix.description))));
    }
    renderer.render(&[group]).clone()
}

/// The range cut to the text, on character boundaries, and to its first line.
fn char_range(text: &str, start: usize, end: usize) -> (usize, usize) {
    let down = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (down(start), down(end));
    let line_end = text[start..].find('\n').map_or(text.len(), |offset| start + offset);
    (start, end.clamp(start, line_end.max(start)))
}

fn line_length(text: &str, at: usize) -> usize {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |offset| at + offset);
    end - start
}

/// Text from a scanned file, without what a terminal would obey.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// The result of `aboard scan`: the programs with the places that run them, and what was not settled.
pub fn scan(files: &Files, needs: &[Need], dynamic: &[ExecSite], skipped: &[Skipped], trace: bool) -> String {
    let mut text = String::new();
    let width = needs.iter().map(|need| need.program.to_string().chars().count()).max().unwrap_or(0).clamp(8, 32);
    for need in needs {
        let mut name = clean(&need.program.to_string());
        for site in &need.sites {
            let _ = write!(text, "{name:width$}  {}  {}", files.place(site.span), clean(&site.api));
            if need.optional || site.optional {
                text.push_str("  (optional)");
            }
            if site.default {
                text.push_str("  (default)");
            }
            text.push('\n');
            if trace {
                write_trace(&mut text, files, site, width);
            }
            name.clear();
        }
    }
    if needs.is_empty() {
        text.push_str("No program is run.\n");
    }
    if !dynamic.is_empty() {
        text.push_str("\nNot settled by the code alone:\n");
        for site in dynamic {
            let Program::Dynamic(reason) = &site.program else { continue };
            let _ = writeln!(text, "  {}  {}  {}", files.place(site.span), clean(&site.api), clean(reason));
            if trace {
                write_trace(&mut text, files, site, 0);
            }
        }
    }
    text.push_str(&skipped_text(skipped));
    text
}

/// Where the code of an image was found, and what was not traced.
pub fn roots(files: &Files, title: &str, roots: &Roots) -> String {
    let mut text = format!("{title}: code\n");
    for found in &roots.found {
        let path = if found.root.path.is_empty() { "." } else { &found.root.path };
        let _ = writeln!(text, "  {}:{}", found.root.language, clean(path));
        for step in &found.trace {
            let _ = writeln!(text, "    └ {}  {}", clean(&step.what), files.place(step.span));
        }
    }
    if roots.found.is_empty() {
        text.push_str("  none was found\n");
    }
    for step in &roots.started {
        let _ = writeln!(text, "  started too by {}  {}", clean(&step.what), files.place(step.span));
    }
    for untraced in &roots.untraced {
        let _ = writeln!(text, "  not traced: {}  {}", clean(&untraced.path), files.place(untraced.span));
        let _ = writeln!(text, "    {}; {}", clean(&untraced.why), clean(&untraced.help));
    }
    text
}

fn write_trace(text: &mut String, files: &Files, site: &ExecSite, width: usize) {
    for (depth, step) in site.trace.iter().enumerate() {
        let indent = width + 2 + depth * 2;
        let _ = writeln!(text, "{:indent$}└ {}  {}", "", clean(&step.what), files.place(step.span));
    }
}

fn skipped_text(skipped: &[Skipped]) -> String {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for skipped in skipped {
        by_reason.entry(&skipped.why).or_default().push(&skipped.path);
    }
    let mut text = String::new();
    if !by_reason.is_empty() {
        text.push_str("\nNot scanned:\n");
    }
    for (why, paths) in by_reason {
        let shown: Vec<String> = paths.iter().take(3).map(|path| clean(path)).collect();
        let more = paths.len().saturating_sub(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(text, "  {}{more}: {}", shown.join(", "), clean(why));
    }
    text
}
