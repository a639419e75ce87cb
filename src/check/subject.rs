//! What the rules look at: one image with everything that is known of it.

use crate::dockerfile::{Dockerfile, StagePlan};
use crate::file::Files;
use crate::finding::{Finding, Severity};
use crate::lock::LockedImage;
use crate::manifest::Image;
use crate::need::Need;
use crate::resolve::answer::Answer;
use crate::resolve::contents::Contents;
use crate::resolve::supply::Supply;
use crate::site::ExecSite;
use crate::walk::Tree;

/// One image under check.
pub struct Subject<'a> {
    /// The tree that holds the project.
    pub tree: &'a Tree,
    /// The image's entry in the manifest, where there is one.
    pub image: Option<&'a Image>,
    /// The image's Dockerfile, where there is one.
    pub dockerfile: Option<Docker<'a>>,
    /// The programs that the code runs.
    pub needs: &'a [Need],
    /// Whether the image has them, in the order of `needs`; empty where there is no Dockerfile.
    pub answers: &'a [Answer],
    /// The sites that could not be settled.
    pub dynamic: &'a [ExecSite],
    /// Whether there was code to scan.
    pub scanned: bool,
    /// What could give the image more.
    pub supply: &'a Supply,
    /// The image's part of the lock, where there is one that fits.
    pub locked: Option<&'a LockedImage>,
}

/// An image's Dockerfile and what it comes to.
#[derive(Clone, Copy)]
pub struct Docker<'a> {
    /// The file as parsed.
    pub file: &'a Dockerfile,
    /// The stage that ships.
    pub plan: &'a StagePlan,
    /// The stages that do not ship.
    pub others: &'a [StagePlan],
    /// What the image has.
    pub contents: &'a Contents,
    /// The build's context, relative to the tree.
    pub context: &'a str,
}

impl<'a> Subject<'a> {
    /// The files behind the spans.
    pub fn files(&self) -> &'a Files {
        self.tree.files()
    }

    /// The needs with their answers; none where there is no Dockerfile.
    pub fn answered(&self) -> impl Iterator<Item = (&'a Need, &'a Answer)> {
        self.needs.iter().zip(self.answers)
    }

    /// The needs that nothing is known to meet and that the code cannot do without, each as bad as that is sure.
    pub fn unmet(&self) -> impl Iterator<Item = (&'a Need, Severity)> {
        let must = self.answered().filter(|(need, _)| !need.optional && !self.is_ignored(need));
        must.filter_map(|(need, answer)| match answer {
            Answer::Given(_) => None,
            Answer::Missing => Some((need, Severity::Error)),
            Answer::Perhaps(_) => Some((need, Severity::Warning)),
        })
    }

    /// Whether the manifest says that a need must not be met.
    pub fn is_ignored(&self, need: &Need) -> bool {
        self.image.is_some_and(|image| image.ignore.keys().any(|name| names(name, need)))
    }

    /// Whether the manifest declares a program that meets a need.
    pub fn is_declared(&self, need: &Need) -> bool {
        self.image.is_some_and(|image| image.programs.keys().any(|name| names(name, need)))
    }
}

/// Whether an entry of the manifest names a need: by its full path, or by its name alone.
pub fn names(entry: &str, need: &Need) -> bool {
    need.program.text() == Some(entry) || (!entry.contains('/') && need.name() == entry)
}

/// Labels the first place that runs a program, where another place is what is wrong.
pub fn run_here(finding: Finding, need: &Need) -> Finding {
    match need.sites.first() {
        Some(site) => finding.label(site.span, format!("`{}` is run here", need.program)),
        None => finding,
    }
}
