//! The manifest and a template to a Dockerfile.
//!
//! Templates decide layout, never facts: which packages stand in a Dockerfile, and why, is handed in. The same input
//! gives the same bytes, and they end in a newline. A template reads nothing but its context, the built-in partials
//! and templates of the project, and its work is bounded.

mod block;
mod context;
mod environment;
mod output;

pub use block::{BEGIN as BLOCK_BEGIN, END as BLOCK_END};
pub use output::{WriteError, diff, write};

use crate::file::Span;
use crate::finding::{Finding, Rule, Severity};
use crate::manifest::{Image, Manifest, Spanned, Template};
use crate::walk::Tree;
use context::{BlockContext, Context, apk_context, platform_context, vars_context};
use environment::Rendering;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A template that cannot be rendered.
pub static TEMPLATE_ERROR: Rule = Rule {
    code: "template-error",
    severity: Severity::Error,
    summary: "a template cannot be rendered",
    docs: include_str!("../docs/findings/template-error.md"),
};

/// Markers of a managed block that do not fit together.
pub static MANAGED_BLOCK: Rule = Rule {
    code: "managed-block",
    severity: Severity::Error,
    summary: "the managed block of a Dockerfile is malformed",
    docs: include_str!("../docs/findings/managed-block.md"),
};

/// The rules of this module.
pub static RULES: &[&Rule] = &[&MANAGED_BLOCK, &TEMPLATE_ERROR];

/// A package that a Dockerfile installs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PackageLine {
    /// Its name (`docker-cli`).
    pub name: String,
    /// What follows the name (`~=26.1`, `=26.1.5-r0`), or nothing.
    pub pin: String,
    /// Why it is there, in one line; may be empty.
    pub reason: String,
}

/// The reason for a package from the programs that it gives, each with the files that run it: `docker, run by a.go,
/// b.go`. No line numbers and no counts, so that it changes only where the need does.
pub fn reason(uses: &BTreeMap<String, BTreeSet<String>>) -> String {
    let listed = |items: Vec<String>, separator: &str| {
        let more = if items.len() > 3 { " and others" } else { "" };
        format!("{}{more}", items.into_iter().take(3).collect::<Vec<_>>().join(separator))
    };
    let one = |(program, files): (&String, &BTreeSet<String>)| {
        if files.is_empty() {
            return program.clone();
        }
        format!("{program}, run by {}", listed(files.iter().cloned().collect(), ", "))
    };
    listed(uses.iter().map(one).collect(), "; ")
}

/// The Dockerfile of an image: rendered from its template, or the hand-written one with its managed block brought up to
/// date. Nothing for a hand-written one without such a block.
pub fn render(
    tree: &Tree,
    manifest: &Manifest,
    image: &Image,
    packages: &[PackageLine],
) -> Result<Option<String>, Vec<Finding>> {
    let packages = tidy(packages);
    match &image.template {
        Some(template) => from_template(tree, manifest, image, template, &packages).map(Some),
        None => with_block(tree, manifest, image, &packages),
    }
}

fn from_template(
    tree: &Tree,
    manifest: &Manifest,
    image: &Image,
    template: &Spanned<Template>,
    packages: &[PackageLine],
) -> Result<String, Vec<Finding>> {
    let (Template::BuiltIn(name) | Template::Own(name)) = &template.value;
    let context = Context {
        manifest: relative(&manifest.path, &manifest.folder),
        template: relative(name, &manifest.folder),
        image: &image.name,
        base: image.base.as_ref().map(|base| base.value.as_str()),
        platform: platform_context(image),
        build_tags: image.build_tags.iter().map(|tag| tag.value.as_str()).collect(),
        build_args: image.build_args.iter().map(|(key, arg)| (key.as_str(), arg.value.as_str())).collect(),
        vars: vars_context(tree, image),
        packages,
        apk: &apk_context(manifest, image)?,
    };
    let text = Rendering { tree, manifest, image, template: template.span }.run(name, &context)?;
    Ok(format!("{}\n", text.trim_end()))
}

fn with_block(
    tree: &Tree,
    manifest: &Manifest,
    image: &Image,
    packages: &[PackageLine],
) -> Result<Option<String>, Vec<Finding>> {
    let Ok(file) = tree.read(&image.dockerfile) else { return Ok(None) };
    let source = tree.files().get(file);
    let text = source.text();
    let bounds = block::find(text).map_err(|(message, at)| {
        let line = text[at..].lines().next().unwrap_or_default();
        vec![Finding::new(&MANAGED_BLOCK, message).label(Span::new(file, at, at + line.len()), "")]
    })?;
    let Some((start, end)) = bounds else { return Ok(None) };
    let context = BlockContext { packages, apk: &apk_context(manifest, image)? };
    let lines = Rendering { tree, manifest, image, template: image.dockerfile.span }.run("_packages.j2", &context)?;
    let note = format!(
        "# Written by aboard from {} (image {}): change the manifest, then run `aboard render`.\n",
        relative(&manifest.path, &manifest.folder),
        image.name
    );
    Ok(Some(format!("{}{note}{lines}{}", &text[..start], &text[end..])))
}

/// Sorted by name, with reasons of one line.
fn tidy(packages: &[PackageLine]) -> Vec<PackageLine> {
    let mut packages = packages.to_vec();
    for package in &mut packages {
        let words: Vec<&str> = package.reason.split(|c: char| c.is_whitespace() || c.is_control()).collect();
        package.reason = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    }
    packages.sort();
    packages.dedup_by(|next, first| next.name == first.name);
    packages
}

/// `path` as seen from `folder`, where it lies below it.
fn relative<'a>(path: &'a str, folder: &str) -> &'a str {
    below(path, folder).unwrap_or(path)
}

fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    if folder.is_empty() {
        return Some(path);
    }
    path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'))
}
