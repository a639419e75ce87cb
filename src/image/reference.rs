//! References to images in registries: `[HOST/]NAME[:TAG][@DIGEST]`, with Docker's defaults.

use super::ImageError;
use super::digest::Digest;

/// A reference, every default resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// The registry's host and port, as credentials are kept for it (`docker.io` for Docker's own).
    pub(super) host: String,
    /// The repository (`library/alpine`).
    pub(super) repository: String,
    /// The tag, where no digest says which.
    pub(super) tag: String,
    pub(super) digest: Option<Digest>,
}

impl Reference {
    pub(super) fn parse(text: &str) -> Result<Self, ImageError> {
        let bad = || ImageError::Reference(text.to_owned());
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse().map_err(|_| bad())?)),
            None => (text, None),
        };
        let (host, path) = match rest.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
            _ => ("docker.io", rest),
        };
        let (name, tag) = path.rsplit_once(':').unwrap_or((path, "latest"));
        let is_part = |part: &str| {
            part.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
                && part.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        };
        let is_tag = !tag.is_empty()
            && tag.len() <= 128
            && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let port = host.rsplit_once(':').map_or("", |(_, port)| port).trim_end_matches(']');
        let numeric_port = host.starts_with('[') || port.bytes().all(|byte| byte.is_ascii_digit());
        let is_host = numeric_port && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
        if name.len() > 255 || !name.split('/').all(is_part) || !is_tag || !is_host {
            return Err(bad());
        }
        let official = host == "docker.io" && !name.contains('/');
        let repository = if official { format!("library/{name}") } else { name.to_owned() };
        Ok(Self { host: host.to_owned(), repository, tag: tag.to_owned(), digest })
    }

    /// What a manifest is asked for by: the digest, else the tag.
    pub(super) fn selector(&self) -> String {
        self.digest.as_ref().map_or_else(|| self.tag.clone(), ToString::to_string)
    }

    /// Where the registry answers. Only the own machine is asked without encryption.
    pub(super) fn base_url(&self) -> String {
        let host = if self.host == "docker.io" { "registry-1.docker.io" } else { &self.host };
        let scheme = if is_loopback(host) { "http" } else { "https" };
        format!("{scheme}://{host}")
    }
}

/// Whether a host (with or without a port) is the own machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let name = if host.starts_with('[') {
        host.split(']').next().unwrap_or_default().trim_start_matches('[')
    } else {
        host.split(':').next().unwrap_or_default()
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_dockers() {
        let parsed = |text: &str| {
            let reference = Reference::parse(text).expect("a reference");
            (reference.base_url(), reference.repository.clone(), reference.selector())
        };
        let text = |base: &str, repository: &str, selector: &str| {
            (base.to_owned(), repository.to_owned(), selector.to_owned())
        };
        assert_eq!(parsed("alpine"), text("https://registry-1.docker.io", "library/alpine", "latest"));
        assert_eq!(parsed("owner/name:1"), text("https://registry-1.docker.io", "owner/name", "1"));
        assert_eq!(parsed("ghcr.io/a/b/c"), text("https://ghcr.io", "a/b/c", "latest"));
        assert_eq!(parsed("localhost:5000/a:x"), text("http://localhost:5000", "a", "x"));
        assert_eq!(parsed("127.0.0.1:5000/a"), text("http://127.0.0.1:5000", "a", "latest"));
        assert_eq!(parsed("[::1]:5000/a"), text("http://[::1]:5000", "a", "latest"));
        let digest = format!("sha256:{}", "a".repeat(64));
        assert_eq!(
            parsed(&format!("alpine:3@{digest}")),
            text("https://registry-1.docker.io", "library/alpine", &digest)
        );
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for bad in
            ["", "A", "a b", "a/../b", "a:", "a@sha256:1", "host.io/", "ho st.io/a", "a?b", "evil.io#x/a", "a:b/c"]
        {
            assert!(Reference::parse(bad).is_err(), "{bad}");
        }
    }
}
