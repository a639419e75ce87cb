//! The manifest's images with their lock, ready to be surveyed; and the Dockerfiles of a project without a manifest.

use super::indexes::Indexes;
use super::survey::{Survey, Target};
use super::{Global, Outcome, Project};
use crate::apk::builtin;
use crate::apk::repository::Ask;
use crate::check::stale_lock;
use crate::finding::Finding;
use crate::lock::{self, By, Lock, LockError, LockedBase};
use crate::manifest::{Image, Manifest};
use crate::report::Printer;
use crate::{resolve, scan};
use std::collections::BTreeMap;

/// The images that a command writes something for.
#[derive(Debug, clap::Args)]
pub struct Chosen {
    /// The images; all of the manifest without any
    #[arg(value_name = "IMAGE")]
    pub images: Vec<String>,
    /// Write nothing; show the difference, and make the status 1 where there is one
    #[arg(long)]
    pub check: bool,
}

/// The manifest and the lock of a project.
pub struct Images<'a> {
    /// The project.
    pub project: &'a Project,
    /// The flags that every command takes.
    pub global: &'a Global,
    /// The manifest.
    pub manifest: Manifest,
    /// The indexes.
    pub indexes: Indexes<'a>,
    lock: Option<Result<Lock, LockError>>,
    /// What was read of base images themselves, by the name of the image that stands on each.
    bases: BTreeMap<String, LockedBase>,
}

/// Does a command's work on the images of the project's manifest; one that is not valid is shown.
pub fn with(
    global: &Global,
    printer: &Printer,
    work: impl FnOnce(&Images<'_>) -> anyhow::Result<Outcome>,
) -> anyhow::Result<Outcome> {
    let project = Project::open(global)?;
    match Images::open(&project, global, printer, Ask::WhenStale)? {
        Ok(images) => work(&images),
        Err(outcome) => Ok(outcome),
    }
}

impl<'a> Images<'a> {
    /// Reads manifest and lock; a manifest that is not valid is shown.
    pub fn open(
        project: &'a Project,
        global: &'a Global,
        printer: &'a Printer,
        ask: Ask,
    ) -> anyhow::Result<Result<Self, Outcome>> {
        let manifest = match project.manifest(printer)? {
            Ok(manifest) => manifest,
            Err(outcome) => return Ok(Err(outcome)),
        };
        let file = project.tree.read(lock::FILE).ok();
        let lock = file.map(|file| Lock::parse(project.tree.files().get(file).text()));
        let indexes = Indexes::new(global, project, printer, ask);
        let mut images = Self { project, global, manifest, indexes, lock, bases: BTreeMap::new() };
        images.bases = images.known_bases();
        Ok(Ok(images))
    }

    /// What the lock knows of base images: it stays true as long as the manifest names the same base.
    fn known_bases(&self) -> BTreeMap<String, LockedBase> {
        let known = |image: &Image| {
            let locked = &self.lock()?.images.get(&image.name.value)?.base;
            let is_same = image.base.as_ref().is_some_and(|base| base.value == locked.reference);
            (is_same && locked.is_read()).then(|| (image.name.value.clone(), locked.clone()))
        };
        self.manifest.images.iter().filter_map(known).collect()
    }

    /// Takes over what was read just now of the base of an image.
    pub fn know_base(&mut self, image: &str, base: LockedBase) {
        self.bases.insert(image.to_owned(), base);
    }

    /// The lock, where there is one that can be used.
    pub fn lock(&self) -> Option<&Lock> {
        self.lock.as_ref()?.as_ref().ok()
    }

    /// What is known of an image.
    pub fn survey<'s>(&'s self, image: &'s Image) -> Survey<'s> {
        self.survey_by(image, self.lock())
    }

    /// What is known of an image by the indexes alone, whatever the lock says.
    pub fn survey_unlocked<'s>(&'s self, image: &'s Image) -> Survey<'s> {
        self.survey_by(image, None)
    }

    fn survey_by<'s>(&'s self, image: &'s Image, lock: Option<&'s Lock>) -> Survey<'s> {
        let base = self.bases.get(&image.name.value);
        let target = Target { base, ..Target::of(&self.manifest.alpine, image) };
        Survey::of(self.project, self.global, &self.indexes, target, lock)
    }

    /// What is wrong with the lock, as far as these images go.
    pub fn lock_findings(&self, chosen: &[&Image]) -> Vec<Finding> {
        match &self.lock {
            None => Vec::new(),
            Some(Err(error)) => vec![Finding::new(&stale_lock::RULE, error.to_string()).subject(lock::FILE)],
            Some(Ok(lock)) => {
                let images = chosen.iter().copied();
                images.flat_map(|image| stale(image, lock).into_iter().chain(unverified(image, lock))).collect()
            }
        }
    }
}

fn stale(image: &Image, lock: &Lock) -> Option<Finding> {
    let why = match lock.images.get(&image.name.value) {
        Some(locked) => resolve::image::stale(image, locked)?,
        None if image.template.is_none() => return None,
        None => "the image is new".to_owned(),
    };
    let message = format!("{} does not fit image {}: {why}", lock::FILE, image.name);
    Some(Finding::new(&stale_lock::RULE, message).label(image.name.span, "of this image").help("run `aboard lock`"))
}

/// The programs of an image whose package no index has confirmed.
fn unverified<'l>(image: &'l Image, lock: &'l Lock) -> impl Iterator<Item = Finding> + 'l {
    let programs = lock.images.get(&image.name.value).into_iter().flat_map(|locked| &locked.programs);
    let programs = programs.filter(|(_, program)| program.by == By::Unverified);
    programs.filter_map(|(name, program)| {
        let entry = image.programs.get(name)?;
        let message = format!("package {} for `{name}` is {}", program.what, builtin::CAVEAT);
        let finding =
            Finding::new(&resolve::image::UNVERIFIED_PACKAGE, message).label(entry.name.span, "declared here");
        Some(finding.help("run `aboard lock` where the index of the image's release can be read"))
    })
}

/// The Dockerfiles of a project, sorted; what git ignores and what belongs to tests or packages of others left out.
pub fn dockerfiles(project: &Project) -> Vec<String> {
    /// Entries looked at before the search ends.
    const MOST: usize = 200_000;
    let root = project.tree.root();
    let walk = ignore::WalkBuilder::new(root).hidden(true).require_git(false).max_depth(Some(12)).build();
    let mut found: Vec<String> = walk
        .take(MOST)
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .filter_map(|entry| entry.path().strip_prefix(root).ok().map(|path| path.to_string_lossy().into_owned()))
        .filter(|path| {
            scan::dockerfile::is_dockerfile_name(path) && !scan::dockerfile::is_about(path) && !is_of_others(path)
        })
        .collect();
    found.sort();
    found
}

/// Whether a file that is named like a Dockerfile is test data or belongs to a package of others.
fn is_of_others(path: &str) -> bool {
    const FOLDERS: [&str; 6] = ["fixtures", "node_modules", "testdata", "testfiles", "third_party", "vendor"];
    path.split('/').any(|folder| FOLDERS.contains(&folder))
}
