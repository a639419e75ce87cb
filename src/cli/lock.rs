//! `aboard lock` and `aboard update`: resolves every image and writes `aboard.lock`.

use super::images::Images;
use super::survey::Survey;
use super::{Global, Outcome, Project, check, render};
use crate::apk::repository::Ask;
use crate::check::stale_pin;
use crate::engine::{self, Engine};
use crate::finding::Finding;
use crate::image::facts::BaseFacts;
use crate::image::{self, Limits, Source};
use crate::lock::{self, Lock, LockedBase, LockedImage};
use crate::manifest::{Image, Pin};
use crate::platform::Platform;
use crate::report::Printer;
use crate::resolve;
use anyhow::Context;
use std::collections::BTreeMap;

/// The arguments of `aboard lock`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Read each base image from the engine too, so that `check` knows later what it brings
    #[arg(long)]
    pub base: bool,
    /// The engine [default: the first of docker and podman that answers]
    #[arg(long, value_enum, value_name = "ENGINE", requires = "base")]
    pub engine: Option<engine::Kind>,
}

/// The arguments of `aboard update`.
#[derive(Debug, clap::Args)]
pub struct UpdateArguments {
    /// How packages are pinned in the Dockerfiles, whatever the manifest says
    #[arg(long, value_enum, value_name = "PIN")]
    pub pin: Option<Pin>,
}

/// Resolves and writes the lock.
pub fn run(global: &Global, arguments: &Arguments, printer: &Printer) -> anyhow::Result<Outcome> {
    let project = Project::open(global)?;
    let mut images = match Images::open(&project, global, printer, Ask::WhenStale)? {
        Ok(images) => images,
        Err(outcome) => return Ok(outcome),
    };
    if arguments.base {
        read_bases(&engine::find(arguments.engine)?, &mut images)?;
    }
    let (lock, findings) = resolve_all(&images);
    finish(&images, &lock, &findings, printer)
}

/// Takes over what the base images bring, from the images themselves: each is read once.
fn read_bases(engine: &Engine, images: &mut Images<'_>) -> anyhow::Result<()> {
    let mut read: BTreeMap<(String, String), LockedBase> = BTreeMap::new();
    let wanted =
        images.manifest.images.iter().filter_map(|image| {
            Some((image.name.value.clone(), image.base.as_ref()?.value.clone(), image.platform.value))
        });
    for (name, reference, platform) in wanted.collect::<Vec<_>>() {
        let key = (reference, platform.to_string());
        let base = match read.get(&key) {
            Some(known) => known.clone(),
            None => read_base(engine, &key.0, platform)?,
        };
        read.insert(key, base.clone());
        images.know_base(&name, base);
    }
    Ok(())
}

/// What a base image brings, from the image itself.
fn read_base(engine: &Engine, reference: &str, platform: Platform) -> anyhow::Result<LockedBase> {
    let source = Source::Engine(engine.clone(), reference.to_owned());
    let image = image::open(&source, platform, Limits::default());
    let facts = BaseFacts::of(&image.with_context(|| format!("base {reference} cannot be read"))?);
    Ok(LockedBase {
        reference: reference.to_owned(),
        release: None,
        digest: Some(facts.digest),
        diff_ids: facts.diff_ids,
        programs: facts.programs.into_iter().map(|(path, fact)| (path, fact.package.unwrap_or_default())).collect(),
        packages: facts.packages,
    })
}

/// Resolves against today's indexes, shows what changes, and rewrites the lock and the Dockerfiles.
pub fn update(global: &Global, arguments: &UpdateArguments, printer: &Printer) -> anyhow::Result<Outcome> {
    let project = Project::open(global)?;
    let images = match Images::open(&project, global, printer, Ask::Always)? {
        Ok(images) => images,
        Err(outcome) => return Ok(outcome),
    };
    let (lock, findings) = resolve_all(&images);
    let mut lines = changes(images.lock(), &lock);
    for (image, survey) in hand_written(&images) {
        lines.extend(
            stale_pin::changes(&survey.subject()).into_iter().map(|change| format!("{}: {change}", image.name)),
        );
    }
    lines.sort();
    lines.dedup();
    printer.result(&if lines.is_empty() { "Nothing changes.".to_owned() } else { lines.join("\n") });
    let outcome = finish(&images, &lock, &findings, printer)?;
    if matches!(outcome, Outcome::Unusable) {
        return Ok(outcome);
    }
    drop(images);
    let project = Project::open(global)?;
    if let Ok(images) = Images::open(&project, global, printer, Ask::WhenStale)? {
        render::write(&images, &[], arguments.pin, printer)?;
    }
    let project = Project::open(global)?;
    if let Ok(images) = Images::open(&project, global, printer, Ask::WhenStale)? {
        let stale = hand_written(&images).flat_map(|(_, survey)| stale_pin::find(&survey.subject()));
        check::mend(&project, stale.collect(), printer)?;
    }
    Ok(outcome)
}

/// The images whose Dockerfile no template gives.
fn hand_written<'i>(images: &'i Images<'_>) -> impl Iterator<Item = (&'i Image, Survey<'i>)> {
    let own = images.manifest.images.iter().filter(|image| image.template.is_none());
    own.map(|image| (image, images.survey(image)))
}

/// Writes the lock, unless an image could not be resolved, or a worse lock would take the place of a better one.
fn finish(images: &Images<'_>, lock: &Lock, findings: &[Finding], printer: &Printer) -> anyhow::Result<Outcome> {
    if !findings.is_empty() {
        printer.findings(images.project.tree.files(), findings);
    }
    let why_not = if findings.iter().any(Finding::is_error) {
        Some(String::new())
    } else if images.indexes.any_refused() {
        Some(": an index was refused".to_owned())
    } else {
        forgotten(images.lock(), lock).map(|package| format!(": no index at hand confirms {package}, as it is locked"))
    };
    if let Some(why_not) = why_not {
        printer.error(&format!("{} was not written{why_not}", lock::FILE));
        return Ok(Outcome::Unusable);
    }
    if crate::render::write(&images.project.tree, lock::FILE, &lock.to_text())? {
        printer.note(&format!("wrote {}", lock::FILE));
    }
    Ok(Outcome::of(findings))
}

/// A package whose version is in the old lock and not in the new one, though the image still has it.
fn forgotten(old: Option<&Lock>, new: &Lock) -> Option<String> {
    new.images.iter().find_map(|(image, now)| {
        let before = &old?.images.get(image)?.packages;
        let mut lost = now.packages.iter().filter(|(name, package)| {
            package.version.is_none() && before.get(*name).is_some_and(|before| before.version.is_some())
        });
        lost.next().map(|(name, _)| format!("{name} of image {image}"))
    })
}

/// The lock that fits the manifest now, and what is wrong with images that cannot be resolved.
pub fn resolve_all(images: &Images<'_>) -> (Lock, Vec<Finding>) {
    let mut lock = Lock::default();
    let mut findings = Vec::new();
    for image in images.manifest.images.iter().filter(|image| image.base.is_some()) {
        let (locked, own, indexes) = resolve_one(images, image);
        lock.images.insert(image.name.value.clone(), locked);
        findings.extend(own);
        lock.indexes.extend(indexes);
    }
    lock.indexes.sort();
    lock.indexes.dedup();
    (lock, findings)
}

fn resolve_one(images: &Images<'_>, image: &Image) -> (LockedImage, Vec<Finding>, Vec<lock::LockedIndex>) {
    let survey = images.survey_unlocked(image);
    let (locked, findings) = resolve::image::resolve(image, &survey.base, &survey.supply);
    (locked, findings, survey.supply.identities().to_vec())
}

/// `image: package old -> new`, for each that changes.
fn changes(old: Option<&Lock>, new: &Lock) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, image) in &new.images {
        let before = old.and_then(|lock| lock.images.get(name)).map(|image| &image.packages);
        for (package, now) in &image.packages {
            let was = before.and_then(|packages| packages.get(package)).and_then(|package| package.version.as_deref());
            let now = now.version.as_deref().unwrap_or("unverified");
            if was != Some(now) {
                lines.push(format!("{name}: {package} {} -> {now}", was.unwrap_or("(new)")));
            }
        }
        for package in before.into_iter().flat_map(|packages| packages.keys()) {
            if !image.packages.contains_key(package) {
                lines.push(format!("{name}: {package} is gone"));
            }
        }
    }
    lines
}
