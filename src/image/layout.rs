//! Images in an OCI layout folder.

use super::config::{Descriptor, MAX_DOCUMENT};
use super::digest::Digest;
use super::layer::{self, Budget, Layer};
use super::oci::{self, Blobs};
use super::{Image, ImageError};
use crate::platform::Platform;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn open(
    folder: &Path,
    wanted: Option<&str>,
    platform: Platform,
    budget: &Budget,
) -> Result<Image, ImageError> {
    if !folder.join("index.json").is_file() {
        return Err(ImageError::NotAnImage(folder.to_owned()));
    }
    let layout = Layout { folder, budget };
    let index = small(&folder.join("index.json"))?;
    oci::parts(&layout, index, folder.display().to_string(), wanted, platform)?.assemble(platform)
}

struct Layout<'a> {
    folder: &'a Path,
    budget: &'a Budget,
}

impl Layout<'_> {
    fn blob(&self, digest: &Digest) -> Result<PathBuf, ImageError> {
        let path = self.folder.join("blobs/sha256").join(digest.hex());
        let kind = fs::symlink_metadata(&path).map_err(|_| ImageError::Missing(format!("blob {digest}")))?;
        // A link could lead anywhere; a pipe would never end.
        if kind.is_file() { Ok(path) } else { Err(ImageError::Missing(format!("blob {digest} (as a regular file)"))) }
    }
}

fn small(path: &Path) -> Result<Vec<u8>, ImageError> {
    let failed = |source| ImageError::File { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_DOCUMENT {
        return Err(ImageError::TooMuch(format!("a document of more than {} MiB", MAX_DOCUMENT >> 20)));
    }
    Ok(bytes)
}

impl Blobs for Layout<'_> {
    fn document(&self, _: &Descriptor, digest: &Digest) -> Result<Vec<u8>, ImageError> {
        small(&self.blob(digest)?)
    }

    fn layer(&self, _: &Descriptor, digest: &Digest) -> Result<Arc<Layer>, ImageError> {
        let path = self.blob(digest)?;
        let file = Arc::new(File::open(&path).map_err(|source| ImageError::File { path, source })?);
        Ok(Arc::new(layer::read(&*file, Some((Arc::clone(&file), 0)), self.budget)?))
    }
}
