//! The package indexes that a command works with.

use super::{Global, Project};
use crate::platform::Platform;
use crate::resolve::supply::Supply;

/// What could give an image of a release its packages.
pub fn supply(_global: &Global, _project: &Project, release: Option<&str>, _platform: Platform) -> Supply {
    Supply::new(release.unwrap_or_default(), None, Vec::new())
}

/// Fetches the indexes of every image anew.
pub fn refresh(_global: &Global, _images: &super::images::Images<'_>) -> anyhow::Result<()> {
    Ok(())
}
