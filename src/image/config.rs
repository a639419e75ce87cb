//! The JSON documents of an image: its configuration, manifests and indexes (OCI and Docker's own forms).

use super::ImageError;
use super::digest::Digest;
use crate::platform::Platform;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The most bytes that a JSON document of an image may have.
pub(super) const MAX_DOCUMENT: u64 = 8 << 20;
/// The most layers that an image may have.
pub(super) const MAX_LAYERS: usize = 1000;

/// An image's configuration: what a container of it starts with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The architecture, in Go's words.
    pub architecture: String,
    /// The operating system.
    pub os: String,
    /// The architecture's variant (`v7`), where there is one.
    pub variant: Option<String>,
    /// How a process is started.
    #[serde(deserialize_with = "or_default")]
    pub config: Process,
    /// The layers.
    pub rootfs: RootFs,
    /// How the layers came to be.
    #[serde(deserialize_with = "or_default")]
    pub history: Vec<History>,
}

/// The part of a configuration that says how a process is started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Process {
    /// The user and group.
    #[serde(deserialize_with = "or_default")]
    pub user: String,
    /// `NAME=VALUE`.
    #[serde(deserialize_with = "or_default")]
    pub env: Vec<String>,
    /// The program and its first arguments.
    #[serde(deserialize_with = "or_default")]
    pub entrypoint: Vec<String>,
    /// The program, or further arguments.
    #[serde(deserialize_with = "or_default")]
    pub cmd: Vec<String>,
    /// The folder that it starts in.
    #[serde(deserialize_with = "or_default")]
    pub working_dir: String,
    /// How its health is asked for.
    pub healthcheck: Option<Healthcheck>,
    /// The shell of instructions in shell form.
    #[serde(deserialize_with = "or_default")]
    pub shell: Vec<String>,
    /// Labels.
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
}

/// How a container's health is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Healthcheck {
    /// `NONE`, or `CMD` with a program and its arguments, or `CMD-SHELL` with a command.
    #[serde(deserialize_with = "or_default")]
    pub test: Vec<String>,
}

/// The uncompressed layers, by digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RootFs {
    /// The lowest layer first.
    #[serde(deserialize_with = "or_default")]
    pub diff_ids: Vec<String>,
}

/// One step of an image's making.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct History {
    /// The instruction.
    #[serde(deserialize_with = "or_default")]
    pub created_by: String,
    /// It made no layer.
    pub empty_layer: bool,
}

/// `null` means the same as nothing.
fn or_default<'de, D: serde::Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

impl Config {
    /// `linux/arm64/v8`.
    pub fn platform(&self) -> String {
        let variant = self.variant.as_deref().filter(|variant| !variant.is_empty());
        let base = format!("{}/{}", self.os, self.architecture);
        variant.map_or_else(|| base.clone(), |variant| format!("{base}/{variant}"))
    }

    /// The value of a variable of the environment.
    pub fn env(&self, name: &str) -> Option<&str> {
        self.config.env.iter().rev().find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    /// The PATH of the image's processes: its own, or what engines set where it has none.
    pub fn path(&self) -> &str {
        self.env("PATH").unwrap_or("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    }

    /// The folder that processes start in.
    pub fn working_dir(&self) -> &str {
        if self.config.working_dir.is_empty() { "/" } else { &self.config.working_dir }
    }
}

/// What names a blob.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Descriptor {
    #[serde(rename = "mediaType", default)]
    pub(super) media_type: String,
    pub(super) digest: String,
    #[serde(default)]
    pub(super) size: Option<u64>,
    #[serde(default)]
    pub(super) platform: Option<DescriptorPlatform>,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, String>,
}

impl Descriptor {
    pub(super) fn digest(&self) -> Result<Digest, ImageError> {
        self.digest.parse().map_err(|error| ImageError::Document(format!("{error}")))
    }
}

/// What an entry of an index runs on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DescriptorPlatform {
    architecture: String,
    os: String,
    variant: Option<String>,
}

/// A manifest or an index: which one, its media type and its fields say.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Manifest {
    pub(super) config: Option<Descriptor>,
    pub(super) layers: Vec<Descriptor>,
    pub(super) manifests: Option<Vec<Descriptor>>,
    #[serde(rename = "fsLayers")]
    schema1: Option<serde_json::Value>,
}

impl Manifest {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ImageError> {
        let manifest: Self = document(bytes, "manifest")?;
        if manifest.schema1.is_some() {
            return Err(ImageError::Document("the manifest is of schema 1, which registries gave up".to_owned()));
        }
        if manifest.layers.len() > MAX_LAYERS {
            return Err(ImageError::TooMuch(format!("more than {MAX_LAYERS} layers")));
        }
        Ok(manifest)
    }
}

/// One image of a docker-archive.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ArchiveImage {
    pub(super) config: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) repo_tags: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) layers: Vec<String>,
}

/// Reads a JSON document.
pub(super) fn document<'a, T: Deserialize<'a>>(bytes: &'a [u8], what: &str) -> Result<T, ImageError> {
    serde_json::from_slice(bytes).map_err(|error| ImageError::Document(format!("the {what} cannot be read: {error}")))
}

/// Chooses the entry of an index that runs on the platform.
pub(super) fn choose(entries: &[Descriptor], platform: Platform) -> Result<&Descriptor, ImageError> {
    let images: Vec<&Descriptor> = entries.iter().filter(|entry| !is_attestation(entry)).collect();
    let runs = |entry: &&&Descriptor| entry.platform.as_ref().is_none_or(|own| matches(own, platform));
    let exact = |entry: &&&Descriptor| entry.platform.as_ref().is_some_and(|own| matches(own, platform));
    if let Some(entry) = images.iter().find(exact).or_else(|| images.iter().find(runs)) {
        return Ok(entry);
    }
    let mut there: Vec<String> = images.iter().filter_map(|entry| entry.platform.as_ref()).map(shown).collect();
    there.sort();
    there.dedup();
    Err(ImageError::Platform { wanted: platform, there })
}

fn is_attestation(entry: &Descriptor) -> bool {
    entry.annotations.contains_key("vnd.docker.reference.type")
        || entry.platform.as_ref().is_some_and(|platform| platform.os == "unknown")
}

fn shown(own: &DescriptorPlatform) -> String {
    let variant = own.variant.as_ref().map(|variant| format!("/{variant}")).unwrap_or_default();
    format!("{}/{}{variant}", own.os, own.architecture)
}

fn matches(own: &DescriptorPlatform, wanted: Platform) -> bool {
    runs_on(&own.os, &own.architecture, own.variant.as_deref(), wanted)
}

/// Whether an image for `os/architecture/variant` is one for the platform. Without a variant any will do; an image for
/// an older variant runs on a newer one, but is another image.
pub(super) fn runs_on(os: &str, architecture: &str, variant: Option<&str>, wanted: Platform) -> bool {
    let variant = variant.filter(|variant| !(variant.is_empty() || (architecture == "arm64" && *variant == "v8")));
    os == wanted.os()
        && architecture == wanted.docker_arch()
        && (variant.is_none() || wanted.variant().is_none() || variant == wanted.variant())
}
