//! The one reader of the source tree.
//!
//! Every path is relative to the tree's root and stays below it, links included. A file is read once; what is larger
//! than [`MAX_FILE`] is not read at all. Nothing here writes or executes anything.

use crate::file::{FileId, Files};
use foldhash::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::RwLock;
use std::{fs, io};

/// The size in bytes above which a source file is not read.
pub const MAX_FILE: u64 = 16 * 1024 * 1024;

/// Why a path of the tree could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing is there: the caller named a path that does not exist.
    #[error("{0}: no such file or directory")]
    NotFound(String),
    /// The path, or the link behind it, leaves the tree.
    #[error("{0}: leaves the project folder")]
    Outside(String),
    /// The file is larger than [`MAX_FILE`].
    #[error("{path}: {size} bytes is more than the {MAX_FILE} that a source file may have")]
    TooLarge {
        /// The path.
        path: String,
        /// Its size in bytes.
        size: u64,
    },
    /// A folder, a device or a socket stands there.
    #[error("{0}: not a regular file")]
    NotAFile(String),
    /// The system refused.
    #[error("{path}: {source}")]
    Io {
        /// The path.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

/// What stands at a path, links followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link whose target is missing or outside, a device, a socket.
    Other,
}

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The name, without its folder.
    pub name: String,
    /// What it is, links followed.
    pub kind: Kind,
    /// Whether it is a link.
    pub is_link: bool,
}

/// A path that was looked up.
struct Resolved {
    /// The path, normalized.
    path: String,
    /// Where it lies, links followed.
    real: PathBuf,
    /// What stands there.
    metadata: fs::Metadata,
}

/// A source tree: its root, and the files read from it so far.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    files: Files,
    folders: RwLock<HashMap<String, bool>>,
}

impl Tree {
    /// Opens the tree below `root`.
    pub fn open(root: &Path) -> Result<Self, ReadError> {
        let shown = root.display().to_string();
        let root = fs::canonicalize(root).map_err(|source| io_error(&shown, source))?;
        if !root.is_dir() {
            return Err(ReadError::NotAFile(shown));
        }
        Ok(Self { root, files: Files::new(), folders: RwLock::default() })
    }

    /// The root, absolute and without links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The files read so far.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Reads a file, once: a second call returns the same id. Invalid UTF-8 is replaced, not refused.
    pub fn read(&self, path: &str) -> Result<FileId, ReadError> {
        let path = normalize(path).ok_or_else(|| ReadError::Outside(path.to_owned()))?;
        if let Some(id) = self.files.find(&path) {
            return Ok(id);
        }
        let bytes = self.read_bytes(&path)?;
        Ok(self.keep(&path, bytes))
    }

    /// As [`Self::read`], for the file at a normalized path that [`Self::list`] has found in its folder.
    pub fn read_entry(&self, path: &str, entry: &Entry) -> Result<FileId, ReadError> {
        if entry.is_link || self.files.find(path).is_some() {
            return self.read(path);
        }
        let bytes = read_file(path, &self.root.join(path))?;
        Ok(self.keep(path, bytes))
    }

    fn keep(&self, path: &str, bytes: Vec<u8>) -> FileId {
        let text =
            String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        self.files.add(path, text)
    }

    /// Reads a file's bytes without keeping them.
    pub fn read_bytes(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let Resolved { path, real, metadata } = self.resolve(path)?;
        // A pipe would be waited for where it is opened.
        if metadata.is_file() { read_file(&path, &real) } else { Err(ReadError::NotAFile(path)) }
    }

    /// The sorted entries of a folder (`""` is the root).
    pub fn list(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        let Resolved { path, real, .. } = self.resolve(path)?;
        let mut entries = Vec::new();
        for entry in fs::read_dir(&real).map_err(|source| io_error(&path, source))? {
            let entry = entry.map_err(|source| io_error(&path, source))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let own = entry.file_type().ok();
            let is_link = own.is_some_and(|own| own.is_symlink());
            let kind = match own {
                Some(own) if own.is_file() => Kind::File,
                Some(own) if own.is_dir() => Kind::Folder,
                Some(_) if is_link => self.kind(&join(&path, &name).unwrap_or_default()).unwrap_or(Kind::Other),
                _ => Kind::Other,
            };
            entries.push(Entry { name, kind, is_link });
        }
        entries.sort();
        Ok(entries)
    }

    /// What stands at a path; nothing where nothing does or the path leaves the tree.
    pub fn kind(&self, path: &str) -> Option<Kind> {
        let metadata = self.resolve(path).ok()?.metadata;
        Some(if metadata.is_file() {
            Kind::File
        } else if metadata.is_dir() {
            Kind::Folder
        } else {
            Kind::Other
        })
    }

    /// Where a path really lies, links followed: the same for every name of one file or folder.
    pub fn identity(&self, path: &str) -> Option<PathBuf> {
        fs::canonicalize(self.resolve(path).ok()?.real).ok()
    }

    /// Whether a regular file stands at a path.
    pub fn is_file(&self, path: &str) -> bool {
        self.kind(path) == Some(Kind::File)
    }

    /// Whether a folder stands at a path.
    pub fn is_folder(&self, path: &str) -> bool {
        self.kind(path) == Some(Kind::Folder)
    }

    /// Whether any execute bit of a file is set; nothing where there is no such file.
    pub fn is_executable(&self, path: &str) -> Option<bool> {
        use std::os::unix::fs::PermissionsExt;
        Some(self.resolve(path).ok()?.metadata.permissions().mode() & 0o111 != 0)
    }

    /// Where a path really lies; an error where that is outside the tree.
    fn resolve(&self, path: &str) -> Result<Resolved, ReadError> {
        let path = normalize(path).ok_or_else(|| ReadError::Outside(path.to_owned()))?;
        let real = self.root.join(&path);
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if !self.folder_is_inside(folder) {
            // A folder that does not exist is not outside.
            return Err(if real.exists() { ReadError::Outside(path) } else { ReadError::NotFound(path) });
        }
        match fs::symlink_metadata(&real) {
            Ok(metadata) if metadata.is_symlink() => {
                let target = fs::canonicalize(&real).map_err(|source| io_error(&path, source))?;
                if !target.starts_with(&self.root) {
                    return Err(ReadError::Outside(path));
                }
                let metadata = fs::metadata(&target).map_err(|source| io_error(&path, source))?;
                Ok(Resolved { path, real: target, metadata })
            }
            Ok(metadata) => Ok(Resolved { path, real, metadata }),
            Err(source) => Err(io_error(&path, source)),
        }
    }

    fn folder_is_inside(&self, folder: &str) -> bool {
        if folder.is_empty() {
            return true;
        }
        let known =
            self.folders.read().expect("internal: no thread panics while it holds the lock").get(folder).copied();
        if let Some(inside) = known {
            return inside;
        }
        let real = self.root.join(folder);
        let inside = match fs::symlink_metadata(&real) {
            // What is no link lies where the folder around it does.
            Ok(metadata) if metadata.is_dir() => {
                self.folder_is_inside(folder.rsplit_once('/').map_or("", |(around, _)| around))
            }
            _ => fs::canonicalize(&real).is_ok_and(|real| real.starts_with(&self.root)),
        };
        self.folders
            .write()
            .expect("internal: no thread panics while it holds the lock")
            .insert(folder.to_owned(), inside);
        inside
    }
}

/// Reads a file of the tree, `path`, that lies at `real`: it was found to be one.
fn read_file(path: &str, real: &Path) -> Result<Vec<u8>, ReadError> {
    let failed = |source| io_error(path, source);
    let file = fs::File::open(real).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(ReadError::NotAFile(path.to_owned()));
    }
    let size = metadata.len();
    if size > MAX_FILE {
        return Err(ReadError::TooLarge { path: path.to_owned(), size });
    }
    // One read: it is not asked again whether there is more. What says that it is empty need not be.
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(if size == 0 { MAX_FILE } else { size }).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn io_error(path: &str, source: io::Error) -> ReadError {
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::NotFound(path.to_owned()),
        _ => ReadError::Io { path: path.to_owned(), source },
    }
}

/// A relative path without `.`, `..` and doubled slashes (`""` is the root); nothing where it is absolute or leaves the root.
pub fn normalize(path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains('\0') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// `path` below `folder`, normalized; nothing where it leaves the root.
pub fn join(folder: &str, path: &str) -> Option<String> {
    if folder.is_empty() { normalize(path) } else { normalize(&format!("{folder}/{path}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn paths_are_normalized_and_held_inside() {
        assert_eq!(normalize("./a//b/../c").as_deref(), Some("a/c"));
        assert_eq!(normalize("a/../.."), None);
        assert_eq!(normalize("/etc/passwd"), None);
        assert_eq!(join("a/b", "../c").as_deref(), Some("a/c"));
        assert_eq!(join("", ".").as_deref(), Some(""));
    }

    #[test]
    fn links_out_of_the_tree_are_refused() {
        let outside = tempfile::tempdir().expect("a folder");
        fs::write(outside.path().join("secret"), "x").expect("written");
        let inside = tempfile::tempdir().expect("a folder");
        symlink(outside.path(), inside.path().join("folder")).expect("linked");
        symlink(outside.path().join("secret"), inside.path().join("file")).expect("linked");
        fs::write(inside.path().join("own"), "y").expect("written");
        symlink("own", inside.path().join("near")).expect("linked");
        let tree = Tree::open(inside.path()).expect("opened");
        assert!(matches!(tree.read("file"), Err(ReadError::Outside(_))));
        assert!(matches!(tree.read("folder/secret"), Err(ReadError::Outside(_))));
        assert!(matches!(tree.list("folder"), Err(ReadError::Outside(_))));
        assert!(matches!(tree.read("missing/file"), Err(ReadError::NotFound(_))));
        let near = tree.read("near").expect("a link inside is followed");
        assert_eq!(tree.files().get(near).text(), "y");
        // What a listing has found is held to the same.
        for entry in tree.list("").expect("listed") {
            let read = tree.read_entry(&entry.name, &entry).map(|id| tree.files().get(id).text().to_owned());
            match entry.name.as_str() {
                "near" | "own" => assert_eq!(read.expect("read"), "y"),
                _ => assert!(matches!(read, Err(ReadError::Outside(_))), "{}", entry.name),
            }
        }
    }

    #[test]
    fn a_large_file_is_refused_unread() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = fs::File::create(folder.path().join("big")).expect("created");
        file.set_len(MAX_FILE + 1).expect("sized");
        let tree = Tree::open(folder.path()).expect("opened");
        assert!(matches!(tree.read("big"), Err(ReadError::TooLarge { .. })));
    }
}
