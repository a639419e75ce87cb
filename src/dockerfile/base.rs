//! The image that a `FROM` names: its parts, and the distribution and release that the name alone gives away.

use crate::file::Span;

/// The image that a stage starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The reference, variables expanded.
    pub reference: String,
    /// The word of the `FROM`.
    pub span: Span,
    /// The repository, without `docker.io/`, `library/`, tag and digest (`alpine`, `ghcr.io/owner/image`).
    pub repository: String,
    /// The tag; `latest` where none is written and no digest either.
    pub tag: Option<String>,
    /// The digest, with its algorithm.
    pub digest: Option<String>,
    /// A variable of the reference has no value, so the image is unknown.
    pub unset: Vec<String>,
    /// The distribution, as far as the name says.
    pub distribution: Distribution,
}

/// What a base image is built on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Alpine, with the release (`3.20`, `edge`) where the tag says it.
    Alpine(Option<String>),
    /// Debian or Ubuntu.
    Debian,
    /// Nothing at all: `FROM scratch`.
    Scratch,
    /// The name does not say.
    Unknown,
}

impl Base {
    /// Takes a reference apart.
    pub fn new(reference: &str, span: Span, unset: Vec<String>) -> Self {
        let (repository, tag, digest) = parts(reference);
        let tag = tag.or_else(|| digest.is_none().then(|| "latest".to_owned()));
        let distribution = distribution(repository, tag.as_deref());
        Self {
            reference: reference.to_owned(),
            span,
            repository: repository.to_owned(),
            tag,
            digest,
            unset,
            distribution,
        }
    }

    /// Why the programs of the base are not known from its name; nothing where they are.
    pub fn unknown(&self) -> Option<String> {
        if !self.unset.is_empty() {
            return Some(format!("the value of {} is not known", self.unset.join(", ")));
        }
        match self.distribution {
            Distribution::Scratch => None,
            Distribution::Alpine(_) if self.is_plain_alpine() || self.official().is_some() => None,
            Distribution::Alpine(_) => Some("not an official image: it may hold more than Alpine does".to_owned()),
            Distribution::Debian => Some("not built on Alpine, whose packages alone are resolved".to_owned()),
            Distribution::Unknown => Some("no image that is known by its name".to_owned()),
        }
    }

    /// The Alpine release of the tag.
    pub fn alpine_release(&self) -> Option<&str> {
        match &self.distribution {
            Distribution::Alpine(release) => release.as_deref(),
            _ => None,
        }
    }

    /// Whether the base is Alpine itself, with nothing added.
    pub fn is_plain_alpine(&self) -> bool {
        self.repository == "alpine"
    }
}

/// The repository that a reference names, without `docker.io/`, `library/`, tag and digest.
pub fn repository(reference: &str) -> &str {
    parts(reference).0
}

fn parts(reference: &str) -> (&str, Option<String>, Option<String>) {
    let (named, digest) = match reference.split_once('@') {
        Some((named, digest)) => (named, Some(digest.to_owned())),
        None => (reference, None),
    };
    let (repository, tag) = match named.rsplit_once(':') {
        // A colon before the last slash belongs to the registry's port.
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag.to_owned())),
        _ => (named, None),
    };
    let repository = HUBS.iter().find_map(|hub| repository.strip_prefix(hub)).unwrap_or(repository);
    (LIBRARIES.iter().find_map(|library| repository.strip_prefix(library)).unwrap_or(repository), tag, digest)
}

/// Docker Hub and mirrors of it, as references write them.
const HUBS: [&str; 4] = ["docker.io/", "index.docker.io/", "mirror.gcr.io/", "public.ecr.aws/docker/"];
/// The folders of the official images: all of them, and those for one architecture.
/// Source: <https://github.com/docker-library/official-images#architectures-other-than-amd64>.
const LIBRARIES: [&str; 11] = [
    "library/",
    "amd64/",
    "arm32v5/",
    "arm32v6/",
    "arm32v7/",
    "arm64v8/",
    "i386/",
    "mips64le/",
    "ppc64le/",
    "riscv64/",
    "s390x/",
];

/// The part of a tag that names an Alpine release: `3.20` of `20-alpine3.20`, `3.20` of `3.20.3` for `alpine` itself.
fn alpine_release(version: &str) -> Option<String> {
    if version == "edge" {
        return Some(version.to_owned());
    }
    let mut numbers = version.split('.');
    let major = numbers.next().filter(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))?;
    let minor = numbers.next().filter(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(format!("{major}.{minor}"))
}

/// Words of a tag that say Debian or Ubuntu, sorted.
const DEBIAN: [&str; 12] = [
    "bookworm", "bullseye", "buster", "focal", "jammy", "jessie", "noble", "sid", "slim", "stretch", "trixie", "xenial",
];

/// Whether an image calls itself Alpine's: `linuxserver/baseimage-alpine`, `frolvlad/alpine-glibc`.
fn is_named_alpine(repository: &str) -> bool {
    repository.rsplit('/').next().unwrap_or_default().split(['-', '_']).any(|part| part == "alpine")
}

fn distribution(repository: &str, tag: Option<&str>) -> Distribution {
    let tag = tag.unwrap_or_default();
    if repository == "scratch" {
        return Distribution::Scratch;
    }
    if repository == "alpine" || repository.ends_with("/alpine") {
        return Distribution::Alpine(alpine_release(tag));
    }
    let mut parts = tag.split('-').filter_map(|part| part.strip_prefix("alpine"));
    if let Some(version) = parts.next() {
        return Distribution::Alpine(alpine_release(version));
    }
    let official = super::official::find(repository, Some(tag));
    if official.is_some_and(|row| row.alpine == super::official::AlpineTags::Always) {
        return Distribution::Alpine(None);
    }
    // Official images that say nothing of Alpine are built on Debian.
    if official.is_none() && is_named_alpine(repository) {
        // Its release, where the tag begins with one: `3.21`, `3.21-1.2`.
        let version = tag.split('-').next().unwrap_or_default();
        return Distribution::Alpine(alpine_release(version).filter(|release| release.starts_with("3.")));
    }
    let named = matches!(repository, "debian" | "ubuntu" | "buildpack-deps") || official.is_some();
    if named || tag.split('-').any(|part| DEBIAN.contains(&part)) {
        return Distribution::Debian;
    }
    Distribution::Unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        for (reference, want) in [
            ("alpine", "alpine"),
            ("docker.io/library/alpine:3.20@sha256:aa", "alpine"),
            ("amd64/node:24-alpine", "node"),
            ("public.ecr.aws/docker/library/golang:1.25", "golang"),
            ("localhost:5000/app", "localhost:5000/app"),
            ("ghcr.io/amd64/x:1", "ghcr.io/amd64/x"),
        ] {
            assert_eq!(repository(reference), want, "{reference}");
        }
    }

    #[test]
    fn names_and_tags_say_the_distribution() {
        let release = |release: &str| Distribution::Alpine(Some(release.to_owned()));
        for (repository, tag, want) in [
            ("alpine", "3.20.3", release("3.20")),
            ("node", "20-alpine3.19", release("3.19")),
            ("linuxserver/baseimage-alpine", "3.21", release("3.21")),
            ("crazymax/alpine-s6", "3.23-2.2.0.3", release("3.23")),
            ("x/alpine-java", "8", Distribution::Alpine(None)),
            ("x/alpine-node", "12.3", Distribution::Alpine(None)),
            ("x/app", "bookworm", Distribution::Debian),
            ("x/app", "1", Distribution::Unknown),
        ] {
            assert_eq!(distribution(repository, Some(tag)), want, "{repository}:{tag}");
        }
    }
}
