//! A built image's files and configuration, from wherever the image is.
//!
//! [`open`] reads an image from a container engine, an archive (docker-archive or OCI, plain or compressed), an OCI
//! layout folder or a registry, checks every digest, and returns an [`Image`]: its configuration and a [`Tree`] of its files.
//! On top of that, [`lookup`] finds programs as the image's user would, and [`start`] says whether they would start.
//! Nothing of an image is ever unpacked or executed here, and no path of it leads out of it.

mod archive;
pub mod config;
mod credentials;
mod daemon;
pub mod digest;
pub mod elf;
pub mod facts;
mod layer;
mod layout;
mod oci;
mod reference;
mod registry;
pub mod library;
mod loader;
pub mod lookup;
pub mod packages;
pub mod probe;
pub mod start;
mod tarball;
pub mod tree;
pub mod user;

pub use layer::Limits;
pub use tarball::TarError;

use crate::engine::{Engine, EngineError};
use crate::platform::Platform;
use config::Config;
use digest::Digest;
use layer::{Budget, Layer};
use std::io;
use std::path::PathBuf;
use tree::Tree;

/// Where an image is.
#[derive(Clone, Debug)]
pub enum Source {
    /// An engine has it under this reference.
    Engine(Engine, String),
    /// An archive or an OCI layout folder; the name picks one of several images in it.
    Path(PathBuf, Option<String>),
    /// A registry has it under this reference (`ghcr.io/owner/name:tag`, `alpine@sha256:…`).
    Registry(String),
}

/// Why an image could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The system or the network failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A file of the user's could not be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A layer or an archive is broken.
    #[error("broken archive: {0}")]
    Tar(TarError),
    /// A layer cannot be read.
    #[error("{layer} cannot be read: {source}")]
    Layer {
        /// Which one.
        layer: String,
        /// Why not.
        source: Box<Self>,
    },
    /// An entry of a layer is one that no engine would take.
    #[error("the layer's entry `{path}` {what}")]
    Entry {
        /// Its path.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// The image is larger than any honest one.
    #[error("the image has {0}")]
    TooMuch(String),
    /// A compression that images do not use.
    #[error("{0} compression is not one that images use; gzip, zstd or none is meant")]
    Compression(&'static str),
    /// A JSON document of the image is broken.
    #[error("{0}")]
    Document(String),
    /// Something that the image names is not there.
    #[error("{0} is not in the image's archive")]
    Missing(String),
    /// The content is not what its digest says.
    #[error("{what} is {found}, not {wanted}: it was changed or cut short")]
    Digest {
        /// What was read.
        what: String,
        /// What it should be.
        wanted: String,
        /// What it is.
        found: String,
    },
    /// No image for the platform.
    #[error("there is no image for {wanted}; there {}", listed(there))]
    Platform {
        /// What was asked for.
        wanted: Platform,
        /// What there is.
        there: Vec<String>,
    },
    /// Several images, and none was picked.
    #[error("there are several images: {}; name one", .0.join(", "))]
    Several(Vec<String>),
    /// The path holds no image.
    #[error("{0}: neither a docker-archive nor an OCI archive or layout")]
    NotAnImage(PathBuf),
    /// The reference is none.
    #[error("`{0}` is not a reference to an image: NAME[:TAG][@DIGEST] is meant")]
    Reference(String),
    /// The registry cannot be reached or does not answer as one.
    #[error("{url}: {message}")]
    Registry {
        /// What was asked for.
        url: String,
        /// What is wrong.
        message: String,
    },
    /// The credentials for a registry cannot be had.
    #[error("credentials for {host}: {message}")]
    Credentials {
        /// The registry.
        host: String,
        /// What is wrong.
        message: String,
    },
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The engine does not have the image.
    #[error("{engine} has no image `{reference}`: {message}")]
    NoSuchImage {
        /// The engine.
        engine: String,
        /// What was asked for.
        reference: String,
        /// What the engine said.
        message: String,
    },
}

impl ImageError {
    /// Says which layer it is about.
    fn in_layer(self, layer: String) -> Self {
        Self::Layer { layer, source: Box::new(self) }
    }
}

fn listed(there: &[String]) -> String {
    match there {
        [] => "is none at all".to_owned(),
        [one] => format!("is one for {one}"),
        several => format!("are images for {}", several.join(", ")),
    }
}

/// One layer of an image, as far as people ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerInfo {
    /// The digest of the uncompressed layer.
    pub diff_id: Digest,
    /// The instruction that made it, where the image tells.
    pub created_by: String,
}

/// An image that was read.
#[derive(Debug)]
pub struct Image {
    /// Where it was read from, as the user named it.
    pub name: String,
    /// The digest of its configuration: the image's id in an engine.
    pub id: Digest,
    /// The digest of its manifest, where the source has one: its name in a registry.
    pub manifest: Option<Digest>,
    /// How its processes start.
    pub config: Config,
    /// Its layers, the lowest first.
    pub layers: Vec<LayerInfo>,
    /// Its files.
    pub tree: Tree,
}

/// Reads an image.
pub fn open(source: &Source, platform: Platform, limits: Limits) -> Result<Image, ImageError> {
    let budget = Budget::new(limits);
    match source {
        Source::Engine(engine, reference) => daemon::open(engine, reference, platform, &budget),
        Source::Path(path, wanted) if path.is_dir() => layout::open(path, wanted.as_deref(), platform, &budget),
        Source::Registry(reference) => registry::open(reference, platform, &budget),
        Source::Path(path, wanted) => archive::open(path, wanted.as_deref(), platform, &budget),
    }
}

/// What a source found out about an image before its layers were laid over each other.
struct Parts {
    name: String,
    config: Vec<u8>,
    manifest: Option<Digest>,
    /// With what each descriptor says its digest is, where it says.
    layers: Vec<(std::sync::Arc<Layer>, Option<Digest>)>,
}

impl Parts {
    /// Checks the digests, and lays the layers over each other.
    fn assemble(self, platform: Platform) -> Result<Image, ImageError> {
        let config: Config = config::document(&self.config, "image's configuration")?;
        if !config::runs_on(&config.os, &config.architecture, config.variant.as_deref(), platform) {
            return Err(ImageError::Platform { wanted: platform, there: vec![config.platform()] });
        }
        let diff_ids = &config.rootfs.diff_ids;
        if diff_ids.len() != self.layers.len() {
            let message =
                format!("the configuration names {} layers, but there are {}", diff_ids.len(), self.layers.len());
            return Err(ImageError::Document(message));
        }
        let mut steps = config.history.iter().filter(|step| !step.empty_layer);
        let mut tree = Tree::new();
        let mut layers = Vec::new();
        for (number, ((layer, blob), diff_id)) in self.layers.iter().zip(diff_ids).enumerate() {
            let what = |kind: &str| format!("layer {} ({kind})", number + 1);
            if let Some(blob) = blob {
                check(&what("as stored"), &blob.to_string(), &layer.blob)?;
            }
            check(&what("uncompressed"), diff_id, &layer.diff_id)?;
            tree.apply(layer, number as u16)?;
            let created_by = steps.next().map(|step| step.created_by.clone()).unwrap_or_default();
            layers.push(LayerInfo { diff_id: layer.diff_id.clone(), created_by });
        }
        let id = Digest::of(&self.config);
        Ok(Image { name: self.name, id, manifest: self.manifest, config, layers, tree })
    }
}

fn check(what: &str, wanted: &str, found: &Digest) -> Result<(), ImageError> {
    if wanted == found.to_string() {
        return Ok(());
    }
    Err(ImageError::Digest { what: what.to_owned(), wanted: wanted.to_owned(), found: found.to_string() })
}
