//! What a base image brings, as plain facts that outlive it: kept in the lock, they let `check` know a base without an
//! engine.

use super::Image;
use super::packages::Packages;
use super::tree::{NodeKind, Tree};
use super::user::Identity;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a base brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BaseFacts {
    /// The digest of the manifest where the source tells it, else that of the configuration.
    pub digest: String,
    /// The platform.
    pub platform: String,
    /// The digests of the uncompressed layers, the lowest first.
    pub diff_ids: Vec<String>,
    /// The PATH of its processes.
    pub path: String,
    /// The user of its processes; empty for root.
    pub user: String,
    /// The programs on the PATH, by path.
    pub programs: BTreeMap<String, ProgramFact>,
    /// The installed packages with their versions.
    pub packages: BTreeMap<String, String>,
}

/// A program of a base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProgramFact {
    /// The permission bits of the file, in octal.
    pub mode: String,
    /// Where the link leads, links followed; nothing for a file of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The package that it is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
}

impl BaseFacts {
    /// The facts of an image.
    pub fn of(image: &Image) -> Self {
        let packages = Packages::of(&image.tree);
        let mut programs = BTreeMap::new();
        for folder in image.config.path().split(':').filter(|folder| folder.starts_with('/')) {
            for (name, _) in image.tree.list(folder) {
                let path = format!("{}/{name}", folder.trim_end_matches('/'));
                if let Some(fact) = program(&image.tree, &packages, &path) {
                    programs.insert(path, fact);
                }
            }
        }
        Self {
            digest: image.manifest.as_ref().unwrap_or(&image.id).to_string(),
            platform: image.config.platform(),
            diff_ids: image.layers.iter().map(|layer| layer.diff_id.to_string()).collect(),
            path: image.config.path().to_owned(),
            user: image.config.config.user.clone(),
            programs,
            packages: packages.installed.into_values().map(|package| (package.name, package.version)).collect(),
        }
    }
}

/// The facts of a path where somebody may execute what it leads to.
fn program(tree: &Tree, packages: &Packages, path: &str) -> Option<ProgramFact> {
    let found = tree.walk("/", path, &Identity::root()).ok()?;
    let node = tree.node(found.node);
    if !matches!(node.kind, NodeKind::File(_)) || node.mode & 0o111 == 0 {
        return None;
    }
    // A link may belong to another package than what it leads to (busybox-binsh owns /bin/sh).
    let package = packages.owner(path).or_else(|| packages.owner(&found.path));
    Some(ProgramFact {
        mode: format!("{:04o}", node.mode & 0o7777),
        link: (found.path != path).then_some(found.path),
        package: package.map(|package| package.name.clone()),
    })
}
