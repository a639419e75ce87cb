//! From an OCI index or manifest to an image's parts, wherever the blobs are.

use super::config::{self, Descriptor, Manifest};
use super::digest::Digest;
use super::layer::Layer;
use super::{ImageError, Parts, check};
use crate::platform::Platform;
use rayon::prelude::*;
use std::sync::Arc;

/// The media types of manifests and indexes, OCI's and Docker's.
pub(super) const MANIFEST_TYPES: [&str; 4] = [
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
];

/// Where blobs are had by digest. What is returned need not be checked yet.
pub(super) trait Blobs: Sync {
    /// A JSON document, at most [`config::MAX_DOCUMENT`] bytes.
    fn document(&self, descriptor: &Descriptor, digest: &Digest) -> Result<Vec<u8>, ImageError>;
    /// A layer.
    fn layer(&self, descriptor: &Descriptor, digest: &Digest) -> Result<Arc<Layer>, ImageError>;
}

/// An index may name an index; more often than this is no honest image.
const MAX_NESTING: usize = 4;

/// The image that a document leads to: a manifest, or an index whose entries are chosen by name and platform.
pub(super) fn parts(
    blobs: &dyn Blobs,
    document: Vec<u8>,
    name: String,
    wanted: Option<&str>,
    platform: Platform,
) -> Result<Parts, ImageError> {
    let mut bytes = document;
    for depth in 0..MAX_NESTING {
        let manifest = Manifest::read(&bytes)?;
        let Some(entries) = manifest.manifests else {
            return image(blobs, &manifest, Digest::of(&bytes), name);
        };
        let entries = if depth == 0 { named(entries, wanted)? } else { entries };
        let chosen = config::choose(&entries, platform)?;
        let digest = chosen.digest()?;
        bytes = blobs.document(chosen, &digest)?;
        check("a manifest", &chosen.digest, &Digest::of(&bytes))?;
    }
    Err(ImageError::Document(format!("indexes lie in each other more than {MAX_NESTING} deep")))
}

fn image(blobs: &dyn Blobs, manifest: &Manifest, digest: Digest, name: String) -> Result<Parts, ImageError> {
    let Some(config) = &manifest.config else {
        return Err(ImageError::Document("the manifest names no configuration".to_owned()));
    };
    let bytes = blobs.document(config, &config.digest()?)?;
    check("the configuration", &config.digest, &Digest::of(&bytes))?;
    let layer = |descriptor: &Descriptor| {
        let digest = descriptor.digest()?;
        if descriptor.media_type.ends_with("+encrypted") {
            return Err(ImageError::Document("the layers are encrypted".to_owned()));
        }
        let layer = blobs.layer(descriptor, &digest).map_err(|error| error.in_layer(format!("layer {digest}")))?;
        if let Some(size) = descriptor.size.filter(|size| *size != layer.blob_size) {
            let found = format!("{} bytes", layer.blob_size);
            return Err(ImageError::Digest { what: format!("layer {digest}"), wanted: format!("{size} bytes"), found });
        }
        Ok((layer, Some(digest)))
    };
    let layers = manifest.layers.par_iter().map(layer).collect::<Result<Vec<_>, ImageError>>()?;
    Ok(Parts { name, config: bytes, manifest: Some(digest), layers })
}

/// The entries of an index that a name picks. Without a name there must not be two different ones.
fn named(entries: Vec<Descriptor>, wanted: Option<&str>) -> Result<Vec<Descriptor>, ImageError> {
    let names = |entry: &Descriptor| -> Vec<String> {
        ["io.containerd.image.name", "org.opencontainers.image.ref.name"]
            .iter()
            .filter_map(|key| entry.annotations.get(*key).cloned())
            .collect()
    };
    let mut all: Vec<String> = entries.iter().filter_map(|entry| names(entry).into_iter().next()).collect();
    all.sort();
    all.dedup();
    match wanted {
        Some(wanted) => {
            let picked = |entry: &Descriptor| {
                entry.digest == wanted || names(entry).iter().any(|name| super::archive::same_name(name, wanted))
            };
            let chosen: Vec<Descriptor> = entries.into_iter().filter(picked).collect();
            if chosen.is_empty() { Err(ImageError::Missing(format!("image `{wanted}`"))) } else { Ok(chosen) }
        }
        None if all.len() > 1 => Err(ImageError::Several(all)),
        None => Ok(entries),
    }
}
