//! Images in one file or stream: what `docker save` and `podman save` write, and OCI archives.
//!
//! In a plain file the members are found by jumping from header to header, and only the chosen image's layers are read. In
//! a stream (an engine's output, a compressed archive) the manifest may come last: every member that looks like a layer is
//! indexed as it passes.

use super::config::{self, ArchiveImage, Descriptor, MAX_DOCUMENT, MAX_LAYERS};
use super::digest::Digest;
use super::layer::{self, Budget, Compression, Layer};
use super::oci::{self, Blobs};
use super::tarball::{MemberKind, Tarball};
use super::{Image, ImageError, Parts};
use crate::platform::Platform;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// The most members that an archive of images may have.
const MAX_MEMBERS: usize = 100_000;
/// The most bytes of documents that are kept of a stream.
const MAX_DOCUMENTS: u64 = 64 << 20;
/// The most links between members that are followed.
const MAX_LINKS: usize = 8;

pub(super) fn open(
    path: &Path,
    wanted: Option<&str>,
    platform: Platform,
    budget: &Budget,
) -> Result<Image, ImageError> {
    let failed = |source| ImageError::File { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let (head, _) = layer::peek(&mut file, 6).map_err(failed)?;
    let name = path.display().to_string();
    let compression = Compression::of(&head)?;
    let seekable = file.metadata().map_err(failed)?.is_file();
    if seekable {
        file.rewind().map_err(failed)?;
    }
    let members = match (compression, seekable) {
        (Compression::None, true) => in_file(file, budget),
        (_, true) => in_stream(layer::unpack(file, compression, budget)?, budget),
        _ => in_stream(layer::unpack(io::Cursor::new(head).chain(file), compression, budget)?, budget),
    };
    let members = members.map_err(|error| match error {
        ImageError::Tar(super::TarError::Invalid { at: 0, .. }) => ImageError::NotAnImage(path.to_owned()),
        other => other,
    })?;
    image(&members, name, wanted, platform)?.ok_or_else(|| ImageError::NotAnImage(path.to_owned()))?.assemble(platform)
}

/// Reads the image that a stream carries.
pub(super) fn open_stream(
    stream: impl Read,
    name: &str,
    platform: Platform,
    budget: &Budget,
) -> Result<Image, ImageError> {
    let members = in_stream(stream, budget)?;
    let parts = image(&members, name.to_owned(), None, platform)?;
    parts.ok_or_else(|| ImageError::Missing("a manifest".to_owned()))?.assemble(platform)
}

/// What an archive holds, by name.
struct Members<'a> {
    held: BTreeMap<String, Held>,
    /// The archive itself, where it is a plain file.
    file: Option<Arc<File>>,
    budget: &'a Budget,
}

/// What is held of a member.
enum Held {
    Document(Vec<u8>),
    Layer(Arc<Layer>),
    /// It lies in the file: where, and how long.
    Range(u64, u64),
    Link(String),
}

fn in_file(file: File, budget: &Budget) -> Result<Members<'_>, ImageError> {
    let whole = Arc::new(file.try_clone()?);
    let mut tarball = Tarball::seekable(file);
    let mut members = BTreeMap::new();
    while let Some(member) = tarball.next()? {
        let name = clean(&member.path);
        match member.kind {
            MemberKind::File if member.segments.is_none() => {
                add(&mut members, name, Held::Range(member.offset, member.stored))?;
            }
            MemberKind::SymbolicLink => {
                let target = linked(&name, &member.link);
                add(&mut members, name, Held::Link(target))?;
            }
            MemberKind::HardLink => add(&mut members, name, Held::Link(clean(&member.link)))?,
            _ => {}
        }
    }
    Ok(Members { held: members, file: Some(whole), budget })
}

fn in_stream<R: Read>(stream: R, budget: &Budget) -> Result<Members<'_>, ImageError> {
    let mut tarball = Tarball::new(BufReader::with_capacity(256 * 1024, stream));
    let mut members = BTreeMap::new();
    let mut kept = 0;
    while let Some(member) = tarball.next()? {
        let name = clean(&member.path);
        match member.kind {
            MemberKind::File if member.segments.is_none() => {
                let head = tarball.read_head(512)?;
                if looks_like_a_layer(&head) {
                    let body = io::Cursor::new(head).chain(MemberBody(&mut tarball));
                    let layer = layer::read(body, None, budget).map_err(|error| error.in_layer(format!("`{name}`")))?;
                    add(&mut members, name, Held::Layer(Arc::new(layer)))?;
                } else if member.stored <= MAX_DOCUMENT && kept + member.stored <= MAX_DOCUMENTS {
                    kept += member.stored;
                    let mut document = head;
                    document.extend(tarball.read_head(MAX_DOCUMENT as usize)?);
                    add(&mut members, name, Held::Document(document))?;
                }
            }
            MemberKind::SymbolicLink => {
                let target = linked(&name, &member.link);
                add(&mut members, name, Held::Link(target))?;
            }
            MemberKind::HardLink => add(&mut members, name, Held::Link(clean(&member.link)))?,
            _ => {}
        }
    }
    Ok(Members { held: members, file: None, budget })
}

fn add(members: &mut BTreeMap<String, Held>, name: String, held: Held) -> Result<(), ImageError> {
    if members.len() >= MAX_MEMBERS {
        return Err(ImageError::TooMuch(format!("more than {MAX_MEMBERS} members in its archive")));
    }
    members.insert(name, held);
    Ok(())
}

/// A layer is a tar archive, compressed or not; an empty one is all zeros.
fn looks_like_a_layer(head: &[u8]) -> bool {
    !matches!(Compression::of(head), Ok(Compression::None))
        || (head.len() == 512 && (head[257..262] == *b"ustar" || head.iter().all(|&byte| byte == 0)))
}

struct MemberBody<'a, R>(&'a mut Tarball<R>);

impl<R: BufRead> Read for MemberBody<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_body(buffer).map_err(io::Error::other)
    }
}

/// A member's name without `./`, doubled slashes and `..`: names here are keys, never paths of the machine.
fn clean(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The name that a symbolic link between members leads to.
fn linked(name: &str, target: &[u8]) -> String {
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    clean(&[folder.as_bytes(), b"/", target].concat())
}

impl Members<'_> {
    fn find(&self, name: &str) -> Result<(&Held, String), ImageError> {
        let mut name = clean(name.as_bytes());
        for _ in 0..=MAX_LINKS {
            match self.held.get(&name) {
                None => return Err(ImageError::Missing(format!("`{name}`"))),
                Some(Held::Link(target)) => name.clone_from(target),
                Some(held) => return Ok((held, name)),
            }
        }
        Err(ImageError::Document(format!("`{name}` is a link in a circle of links")))
    }

    fn has(&self, name: &str) -> bool {
        self.held.contains_key(name)
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, ImageError> {
        match (self.find(name)?, &self.file) {
            ((Held::Document(bytes), _), _) => Ok(bytes.clone()),
            ((Held::Range(_, length), _), _) if *length > MAX_DOCUMENT => {
                Err(ImageError::TooMuch(format!("a document of more than {} MiB", MAX_DOCUMENT >> 20)))
            }
            ((Held::Range(start, length), _), Some(file)) => {
                let mut bytes = vec![0; *length as usize];
                file.read_exact_at(&mut bytes, *start)?;
                Ok(bytes)
            }
            ((_, name), _) => Err(ImageError::Document(format!("`{name}` is no JSON document"))),
        }
    }

    fn read_layer(&self, name: &str) -> Result<Arc<Layer>, ImageError> {
        match (self.find(name)?, &self.file) {
            ((Held::Layer(layer), _), _) => Ok(Arc::clone(layer)),
            ((Held::Range(start, length), _), Some(file)) => {
                let range = Range { file, at: *start, end: start.saturating_add(*length) };
                Ok(Arc::new(layer::read(range, Some((Arc::clone(file), *start)), self.budget)?))
            }
            ((_, name), _) => Err(ImageError::Document(format!("`{name}` is no layer"))),
        }
    }
}

/// A part of a file, read without moving the file's own position.
struct Range<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Range<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read_at(&mut buffer[..most], self.at)?;
        if count == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += count as u64;
        Ok(count)
    }
}

impl Blobs for Members<'_> {
    fn document(&self, _: &Descriptor, digest: &Digest) -> Result<Vec<u8>, ImageError> {
        self.bytes(&format!("blobs/sha256/{}", digest.hex()))
    }

    fn layer(&self, _: &Descriptor, digest: &Digest) -> Result<Arc<Layer>, ImageError> {
        self.read_layer(&format!("blobs/sha256/{}", digest.hex()))
    }
}

/// The wanted image's parts; nothing where the archive has no image at all.
fn image(
    members: &Members<'_>,
    name: String,
    wanted: Option<&str>,
    platform: Platform,
) -> Result<Option<Parts>, ImageError> {
    if members.has("index.json") && members.has("oci-layout") {
        return oci::parts(members, members.bytes("index.json")?, name, wanted, platform).map(Some);
    }
    if !members.has("manifest.json") {
        return Ok(None);
    }
    let images: Vec<ArchiveImage> = config::document(&members.bytes("manifest.json")?, "manifest.json")?;
    let chosen = choose(&images, wanted)?;
    if chosen.layers.len() > MAX_LAYERS {
        return Err(ImageError::TooMuch(format!("more than {MAX_LAYERS} layers")));
    }
    let config = members.bytes(&chosen.config)?;
    let read = |name: &String| {
        let layer = members.read_layer(name).map_err(|error| error.in_layer(format!("`{name}`")))?;
        Ok((layer, None))
    };
    let layers = chosen.layers.par_iter().map(read).collect::<Result<Vec<_>, ImageError>>()?;
    check_config_name(&chosen.config, &config)?;
    Ok(Some(Parts { name, config, manifest: None, layers }))
}

/// A docker-archive names its configuration after its digest.
fn check_config_name(name: &str, config: &[u8]) -> Result<(), ImageError> {
    let stem = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".json");
    match format!("sha256:{stem}").parse::<Digest>() {
        Ok(wanted) => super::check("the configuration", &wanted.to_string(), &Digest::of(config)),
        Err(_) => Ok(()),
    }
}

fn choose<'a>(images: &'a [ArchiveImage], wanted: Option<&str>) -> Result<&'a ArchiveImage, ImageError> {
    match (wanted, images) {
        (None, [image]) => Ok(image),
        (None, []) => Err(ImageError::Missing("an image".to_owned())),
        (None, several) => {
            Err(ImageError::Several(several.iter().flat_map(|image| image.repo_tags.iter().cloned()).collect()))
        }
        (Some(wanted), images) => images
            .iter()
            .find(|image| image.repo_tags.iter().any(|tag| same_name(tag, wanted)))
            .ok_or_else(|| ImageError::Missing(format!("image `{wanted}`"))),
    }
}

/// Whether two references mean the same: a tag left out is `latest`, Docker's own registry may be left out.
pub(super) fn same_name(a: &str, b: &str) -> bool {
    fn full(name: &str) -> String {
        let name = name.strip_prefix("docker.io/").unwrap_or(name);
        let name = name.strip_prefix("library/").unwrap_or(name);
        let tagged = name.rsplit('/').next().is_some_and(|last| last.contains([':', '@']));
        if tagged { name.to_owned() } else { format!("{name}:latest") }
    }
    full(a) == full(b)
}
