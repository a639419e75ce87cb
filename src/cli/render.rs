//! `aboard render`: the manifest and its templates to Dockerfiles.

use super::images::{self, Chosen, Images};
use super::survey::Survey;
use super::{Global, Outcome};
use crate::check::dockerfile_drift;
use crate::finding::Finding;
use crate::lock::LockedImage;
use crate::manifest::{Image, Pin};
use crate::render::{self, PackageLine};
use crate::report::Printer;
use crate::resolve;
use std::collections::{BTreeMap, BTreeSet};

/// The arguments of `aboard render`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pub chosen: Chosen,
    /// How packages are pinned, whatever the manifest says
    #[arg(long, value_enum, value_name = "PIN")]
    pub pin: Option<Pin>,
}

/// Renders, or shows what rendering would change.
pub fn run(global: &Global, arguments: &Arguments, printer: &Printer) -> anyhow::Result<Outcome> {
    let Chosen { images: names, check } = &arguments.chosen;
    let work = if *check { self::check } else { write };
    images::with(global, printer, |images| work(images, names, arguments.pin, printer))
}

/// Shows the difference between what is there and what would be rendered.
pub fn check(images: &Images<'_>, names: &[String], pin: Option<Pin>, printer: &Printer) -> anyhow::Result<Outcome> {
    let mut differs = false;
    for (image, text) in match rendered(images, names, pin)? {
        Ok(rendered) => rendered,
        Err(findings) => return Ok(unusable(images, &findings, printer)),
    } {
        let path = &image.dockerfile.value;
        let old = images.project.tree.read(path).ok().map(|file| images.project.tree.files().get(file));
        if let Some(diff) = render::diff(path, old.as_ref().map(|old| old.text()), &text) {
            printer.result(&diff);
            differs = true;
        }
    }
    if differs {
        let flag = pin.map_or_else(String::new, |pin| format!(" --pin {}", pin.word()));
        printer.note(&format!("`aboard render{flag}` writes these changes"));
    }
    Ok(if differs { Outcome::Refused } else { Outcome::Done })
}

/// Writes the Dockerfiles that change; none where one cannot be rendered.
pub fn write(images: &Images<'_>, names: &[String], pin: Option<Pin>, printer: &Printer) -> anyhow::Result<Outcome> {
    let rendered = match rendered(images, names, pin)? {
        Ok(rendered) => rendered,
        Err(findings) => return Ok(unusable(images, &findings, printer)),
    };
    let tree = &images.project.tree;
    // Where the code starts is told by the Dockerfile, where the manifest does not say: the reasons follow once there is one.
    let is_first = |image: &Image| image.code.is_empty() && !tree.is_file(&image.dockerfile.value);
    let again = rendered.iter().any(|(image, _)| is_first(image));
    for (image, text) in rendered {
        let path = &image.dockerfile.value;
        if render::write(tree, path, &text)? {
            printer.note(&format!("wrote {path}"));
        }
    }
    if !again {
        return Ok(Outcome::Done);
    }
    let quiet = Printer { verbosity: -1, ..*printer };
    images::with(images.global, &quiet, |images| write(images, names, pin, &quiet))
}

fn unusable(images: &Images<'_>, findings: &[Finding], printer: &Printer) -> Outcome {
    printer.findings(images.project.tree.files(), findings);
    Outcome::Unusable
}

type Rendered<'m> = Vec<(&'m Image, String)>;

/// The images that are rendered, with their text; what is wrong where one cannot be.
fn rendered<'m>(
    images: &'m Images<'_>,
    names: &[String],
    pin: Option<Pin>,
) -> anyhow::Result<Result<Rendered<'m>, Vec<Finding>>> {
    let mut all = Vec::new();
    let mut findings = Vec::new();
    for image in images.project.images(&images.manifest, names)? {
        match one(images, image, &images.survey(image), pin.unwrap_or(image.pin.value)) {
            Ok(Some(text)) => all.push((image, text)),
            Ok(None) => {}
            Err(own) => findings.extend(own),
        }
    }
    Ok(if findings.is_empty() { Ok(all) } else { Err(findings) })
}

/// The text of one image's Dockerfile; nothing for one that is hand-written throughout.
fn one(images: &Images<'_>, image: &Image, survey: &Survey<'_>, pin: Pin) -> Result<Option<String>, Vec<Finding>> {
    let locked = images.lock().and_then(|lock| lock.images.get(&image.name.value));
    let current = locked.filter(|locked| resolve::image::stale(image, locked).is_none());
    let resolved = match current {
        Some(locked) => locked.clone(),
        None => {
            let (locked, findings) = resolve::image::resolve(image, &survey.base, &survey.supply);
            let errors: Vec<Finding> = findings.into_iter().filter(Finding::is_error).collect();
            if !errors.is_empty() {
                return Err(errors);
            }
            locked
        }
    };
    let lines = package_lines(images, image, &resolved, survey, pin);
    render::render(&images.project.tree, &images.manifest, image, &lines)
}

/// The packages that a Dockerfile installs, each with its pin and its reason.
fn package_lines(
    images: &Images<'_>,
    image: &Image,
    locked: &LockedImage,
    survey: &Survey<'_>,
    pin: Pin,
) -> Vec<PackageLine> {
    let named = locked.packages.iter().filter(|(_, package)| package.named);
    named
        .map(|(name, package)| PackageLine {
            name: name.clone(),
            pin: package.version.as_ref().map(|version| pin.text(version)).unwrap_or_default(),
            reason: match image.packages.get(name) {
                Some(entry) => entry.why.value.clone(),
                None => render::reason(&uses(images, locked, name, survey)),
            },
        })
        .collect()
}

/// The programs that a package is there for, each with the files that run it.
fn uses(
    images: &Images<'_>,
    locked: &LockedImage,
    package: &str,
    survey: &Survey<'_>,
) -> BTreeMap<String, BTreeSet<String>> {
    let files = images.project.tree.files();
    let given = locked.programs.iter().filter(|(_, program)| program.what == package);
    given
        .map(|(program, _)| {
            let needs = survey.needs.iter().filter(|need| crate::check::subject::names(program, need));
            let sites = needs.flat_map(|need| &need.sites);
            // The rendered file itself is no reason to render it.
            let own = |path: &String| *path != survey.dockerfile();
            (program.clone(), sites.map(|site| files.path(site.span.file)).filter(own).collect())
        })
        .collect()
}

/// The finding that a Dockerfile is not what would be rendered.
pub fn drift(images: &Images<'_>, image: &Image, survey: &Survey<'_>) -> Vec<Finding> {
    let files = images.project.tree.files();
    match one(images, image, survey, image.pin.value) {
        Ok(None) => Vec::new(),
        Ok(Some(text)) => {
            let old = images.project.tree.read(&image.dockerfile.value).ok();
            let is_old = |text: &str| old.is_some_and(|file| files.get(file).text() == text);
            if is_old(&text) {
                return Vec::new();
            }
            let others = Pin::ALL.into_iter().filter(|pin| *pin != image.pin.value);
            let mut pins =
                others.filter(|pin| matches!(one(images, image, survey, *pin), Ok(Some(text)) if is_old(&text)));
            vec![dockerfile_drift::finding(files, image, old, &text, pins.next())]
        }
        Err(findings) => findings,
    }
}
