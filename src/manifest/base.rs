//! References to base images, and the Alpine release that their tags tell.
//!
//! Only the text is read: nothing is asked of a registry. A tag that floats (`alpine`, `alpine:3`) tells no release.
//! What a name gives away of its distribution, [`crate::dockerfile::Base`] knows.

use crate::dockerfile::{Base, Distribution};
use crate::file::Span;

/// A docker image reference, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference<'a> {
    /// Registry and path (`alpine`, `ghcr.io/owner/name`).
    pub repository: &'a str,
    /// The tag, where one is written.
    pub tag: Option<&'a str>,
    /// The digest (`sha256:…`), where one is written.
    pub digest: Option<&'a str>,
}

/// Reads a reference; nothing where the text is none.
/// Source: <https://pkg.go.dev/github.com/distribution/reference#pkg-overview>.
pub fn reference(text: &str) -> Option<Reference<'_>> {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    let slash = rest.rfind('/').map_or(0, |at| at + 1);
    let (repository, tag) = match rest[slash..].find(':') {
        Some(colon) => (&rest[..slash + colon], Some(&rest[slash + colon + 1..])),
        None => (rest, None),
    };
    let valid = is_repository(repository) && tag.is_none_or(is_tag) && digest.is_none_or(is_digest);
    valid.then_some(Reference { repository, tag, digest })
}

fn is_repository(text: &str) -> bool {
    let mut parts: Vec<&str> = text.split('/').collect();
    let is_registry = |part: &str| part.contains(['.', ':']) || part == "localhost";
    if parts.len() > 1 && is_registry(parts[0]) {
        let registry = parts.remove(0);
        let (host, port) = registry.split_once(':').unwrap_or((registry, "1"));
        let host_ok = host.split('.').all(|label| {
            let edges = label.starts_with('-') || label.ends_with('-');
            !label.is_empty() && !edges && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        });
        if !host_ok || port.parse::<u16>().is_err() {
            return false;
        }
    }
    text.len() <= 255 && parts.iter().all(|part| is_path_part(part))
}

/// Lower-case letters and digits, with `.`, `_`, `__` or dashes only between them.
fn is_path_part(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    let edges = bytes.first().copied().is_some_and(plain) && bytes.last().copied().is_some_and(plain);
    edges && bytes.iter().all(|&byte| plain(byte) || matches!(byte, b'.' | b'_' | b'-')) && !part.contains("..")
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = tag.as_bytes();
    let first = bytes.first().copied().is_some_and(word);
    first && bytes.len() <= 128 && bytes.iter().all(|&byte| word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        let wanted = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return false,
        };
        hex.len() == wanted && hex.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
    })
}

/// Whether a reference names Alpine itself or says in its tag that it is built on it (`node:20-alpine3.20`), and the
/// release that it tells (`v3.20`, `edge`); no release where its tag floats.
pub fn alpine(text: &str, span: Span) -> Option<Option<String>> {
    match Base::new(text, span, Vec::new()).distribution {
        Distribution::Alpine(told) => Some(told.as_deref().and_then(release)),
        _ => None,
    }
}

/// A release as a mirror's folder names it (`v3.20`, `edge`), from `3.20`, `v3.20`, `3.20.3` or `edge`.
pub fn release(text: &str) -> Option<String> {
    if matches!(text, "edge" | "latest-stable") {
        return Some(text.to_owned());
    }
    let mut parts = text.strip_prefix('v').unwrap_or(text).split(['.', '_']);
    let number = |part: &str| part.len() <= 3 && !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (major, minor) = (parts.next()?, parts.next()?);
    // What follows is the patch level or a release candidate (`3.21.0_rc1`): of the same branch.
    (number(major) && number(minor)).then(|| format!("v{major}.{minor}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Files;

    #[expect(clippy::option_option, reason = "no Alpine, Alpine without a release, Alpine with one")]
    fn told(text: &str) -> Option<Option<String>> {
        alpine(text, Span::new(Files::new().add("aboard.yaml", text.to_owned()), 0, text.len()))
    }

    #[test]
    fn tags_tell_releases() {
        for (text, release) in [
            ("alpine:3.20", "v3.20"),
            ("alpine:3.20.3", "v3.20"),
            ("docker.io/library/alpine:3.21.0_rc1", "v3.21"),
            ("alpine:edge", "edge"),
            ("node:20-alpine3.20", "v3.20"),
            ("mirror.example:5000/library/alpine:3.20", "v3.20"),
        ] {
            assert_eq!(told(text), Some(Some(release.to_owned())), "{text}");
        }
        for floating in ["alpine", "alpine:3", "alpine:latest", "node:20-alpine", "example/alpine-like:1"] {
            assert_eq!(told(floating), Some(None), "{floating}");
        }
        for other in ["debian:bookworm", "nginx:1.27", "example/alpinelike:1", "scratch"] {
            assert_eq!(told(other), None, "{other}");
        }
    }

    #[test]
    fn references_are_taken_apart() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let text = format!("localhost:5000/a/b:1.0@{digest}");
        let parsed = reference(&text).expect("a reference");
        assert_eq!((parsed.repository, parsed.tag), ("localhost:5000/a/b", Some("1.0")));
        assert_eq!(parsed.digest, Some(digest.as_str()));
        for wrong in ["", "A/b", "a b", "a:", "a:b:c", "a@sha256:1", "a\nRUN x", "a//b", "-a", "${BASE}", "a..b", "é"]
        {
            assert_eq!(reference(wrong), None, "{wrong:?}");
        }
    }
}
