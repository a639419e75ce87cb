//! What the rules look at: one image with everything that is known of it.

use crate::file::{Files, Span};
use crate::manifest::Image;
use crate::need::Need;
use crate::resolve::contents::Contents;
use crate::resolve::supply::Supply;
use crate::site::ExecSite;

/// One image under check.
pub struct Subject<'a> {
    /// The files behind the spans.
    pub files: &'a Files,
    /// The image's entry in the manifest, where there is one.
    pub image: Option<&'a Image>,
    /// Where the runtime stage starts, for findings that have no better place.
    pub stage: Option<Span>,
    /// The programs that the code runs.
    pub needs: &'a [Need],
    /// The sites that could not be settled.
    pub dynamic: &'a [ExecSite],
    /// Whether there was code to scan.
    pub scanned: bool,
    /// What the image has by its Dockerfile; nothing where there is no Dockerfile yet.
    pub contents: Option<&'a Contents>,
    /// What could give it more.
    pub supply: &'a Supply,
    /// The `apk add` of the runtime stage that a package is best added to: its place, and the end of its last package.
    pub apk_add: Option<ApkAdd>,
}

/// An `apk add` in a Dockerfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApkAdd {
    /// The command.
    pub span: Span,
    /// Right behind its last package.
    pub end: Span,
}

impl Subject<'_> {
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
