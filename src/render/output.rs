//! A rendered text against the file that it belongs in: the difference, and writing it.
//!
//! Writes inside of the tree alone, as a whole or not at all, and only where something changes.

use crate::walk::{self, Tree};
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::{fs, io};

/// What rendering would change in the file at `path`, as a unified diff; nothing where it would change nothing.
pub fn diff(path: &str, old: Option<&str>, new: &str) -> Option<String> {
    if old == Some(new) {
        return None;
    }
    let from = if old.is_some() { format!("a/{path}") } else { "/dev/null".to_owned() };
    let text_diff = similar::TextDiff::from_lines(old.unwrap_or_default(), new);
    let mut out = String::new();
    let _ = write!(out, "{}", text_diff.unified_diff().context_radius(3).header(&from, &format!("b/{path}")));
    Some(out)
}

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The path, or a link on the way to it, leaves the project: the manifest's fault, or the tree changed meanwhile.
    #[error("{0}: leaves the project folder, nothing was written")]
    Outside(String),
    /// The system refused.
    #[error("{path}: cannot be written: {source}")]
    Io {
        /// The path.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Writes a file of the tree where its bytes differ, and says whether they did. The file is replaced as a whole: a
/// reader sees the old text or the new one. Its mode is kept; folders on the way are made.
pub fn write(tree: &Tree, path: &str, text: &str) -> Result<bool, WriteError> {
    let failed = |source| WriteError::Io { path: path.to_owned(), source };
    let target = target(tree, path)?;
    let mode = match fs::read(&target) {
        Ok(old) if old == text.as_bytes() => return Ok(false),
        Ok(_) => fs::metadata(&target).map_err(failed)?.permissions().mode(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0o644,
        Err(error) => return Err(failed(error)),
    };
    let folder = target.parent().ok_or_else(|| WriteError::Outside(path.to_owned()))?;
    let mut file = tempfile::Builder::new().prefix(".aboard-").tempfile_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(mode & 0o7777)).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&target).map_err(|error| failed(error.error))?;
    Ok(true)
}

/// Where a path of the tree really lies, its folders made; a link at its end is followed.
fn target(tree: &Tree, path: &str) -> Result<PathBuf, WriteError> {
    let outside = || WriteError::Outside(path.to_owned());
    let failed = |source| WriteError::Io { path: path.to_owned(), source };
    let normal = walk::normalize(path).filter(|path| !path.is_empty()).ok_or_else(outside)?;
    let (folder, name) = normal.rsplit_once('/').unwrap_or(("", &normal));
    // The part of the folder that exists must be inside before anything is made below it.
    let mut existing = tree.root().join(folder);
    while !existing.exists() && existing.pop() {}
    if !fs::canonicalize(&existing).map_err(failed)?.starts_with(tree.root()) {
        return Err(outside());
    }
    fs::create_dir_all(tree.root().join(folder)).map_err(failed)?;
    let folder = fs::canonicalize(tree.root().join(folder)).map_err(failed)?;
    let target = folder.join(name);
    let real = fs::canonicalize(&target).unwrap_or(target);
    if real.starts_with(tree.root()) { Ok(real) } else { Err(outside()) }
}
