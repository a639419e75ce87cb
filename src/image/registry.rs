//! Images in a registry, by the distribution protocol: manifests and blobs by digest, each checked.
//!
//! Layers are read as they arrive; nothing but kept bodies touches a disk. Credentials go to the registry and to the token
//! service it names, over https or to the own machine, and never along a redirect.

use super::config::{Descriptor, MAX_DOCUMENT};
use super::credentials::{self, Credential};
use super::digest::Digest;
use super::layer::{self, Budget, Layer};
use super::oci::{self, Blobs, MANIFEST_TYPES};
use super::reference::{Reference, is_loopback};
use super::{Image, ImageError, check};
use crate::platform::Platform;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

pub(super) fn open(reference: &str, platform: Platform, budget: &Budget) -> Result<Image, ImageError> {
    let parsed = Reference::parse(reference)?;
    let registry = Registry::new(parsed, budget);
    let selector = registry.reference.selector();
    let document = registry.small(&registry.url("manifests", &selector))?;
    if let Some(digest) = &registry.reference.digest {
        check("the manifest", &digest.to_string(), &Digest::of(&document))?;
    }
    oci::parts(&registry, document, reference.to_owned(), None, platform)?.assemble(platform)
}

struct Registry<'a> {
    reference: Reference,
    agent: Agent,
    /// The header that the registry wants, once it is known.
    authorization: Mutex<Option<String>>,
    budget: &'a Budget,
}

impl<'a> Registry<'a> {
    fn new(reference: Reference, budget: &'a Budget) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(5)
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .timeout_per_read(Some(Duration::from_secs(60)))
            .user_agent(concat!("aboard/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Self { reference, agent, authorization: Mutex::new(None), budget }
    }

    fn url(&self, kind: &str, what: &str) -> String {
        format!("{}/v2/{}/{kind}/{what}", self.reference.base_url(), self.reference.repository)
    }

    fn get(&self, url: &str) -> Result<Response<Body>, ImageError> {
        let failed = |message: String| ImageError::Registry { url: url.to_owned(), message };
        let mut response = self.once(url)?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let challenge = response.headers().get_all("www-authenticate").iter();
            let challenges: Vec<String> = challenge.filter_map(|value| Some(value.to_str().ok()?.to_owned())).collect();
            self.authorize(url, &challenges)?;
            response = self.once(url)?;
        }
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::NOT_FOUND => Err(failed("the registry does not have it".to_owned())),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(failed("the registry refuses access; `docker login` gives it credentials".to_owned()))
            }
            status => Err(failed(format!("the registry answers {status}"))),
        }
    }

    fn once(&self, url: &str) -> Result<Response<Body>, ImageError> {
        let mut request = self.agent.get(url);
        for media_type in MANIFEST_TYPES {
            request = request.header("accept", media_type);
        }
        request = request.header("accept", "*/*");
        let authorization = self.authorization.lock().map(|known| known.clone()).unwrap_or_default();
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        request.call().map_err(|error| ImageError::Registry { url: url.to_owned(), message: error.to_string() })
    }

    /// Does what the registry's challenge asks for.
    fn authorize(&self, url: &str, challenges: &[String]) -> Result<(), ImageError> {
        let credential = credentials::find(&self.reference)?;
        let is = |challenge: &&String, scheme: &str| {
            challenge.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        let header = if let Some(challenge) = challenges.iter().find(|challenge| is(challenge, "bearer ")) {
            Some(format!("Bearer {}", self.token(url, challenge, credential.as_ref())?))
        } else {
            match (&credential, challenges.iter().any(|challenge| is(&challenge, "basic"))) {
                (Some(Credential::Basic(user, secret)), true) => Some(basic(user, secret)),
                _ => None,
            }
        };
        if let Ok(mut known) = self.authorization.lock() {
            *known = header;
        }
        Ok(())
    }

    /// A token from the service that the challenge names.
    fn token(&self, url: &str, challenge: &str, credential: Option<&Credential>) -> Result<String, ImageError> {
        let failed = |message: String| ImageError::Registry { url: url.to_owned(), message };
        let realm = parameter(challenge, "realm").ok_or_else(|| failed("the challenge names no realm".to_owned()))?;
        let host = realm.split_once("://").map(|(_, rest)| rest.split(['/', '?', '@']).next().unwrap_or_default());
        let safe = realm.starts_with("https://") || host.is_some_and(is_loopback);
        if !safe {
            return Err(failed(format!("the token service {realm} is not asked: its connection is not encrypted")));
        }
        let service = parameter(challenge, "service").unwrap_or_default();
        let scope = format!("repository:{}:pull", self.reference.repository);
        let response = match credential {
            Some(Credential::Identity(token)) => self.agent.post(&realm).send_form([
                ("grant_type", "refresh_token"),
                ("service", &service),
                ("scope", &scope),
                ("client_id", "aboard"),
                ("refresh_token", token),
            ]),
            other => {
                let mut request = self.agent.get(&realm).query("service", &service).query("scope", &scope);
                if let Some(Credential::Basic(user, secret)) = other {
                    request = request.header("authorization", basic(user, secret));
                }
                request.call()
            }
        };
        let mut response = response.map_err(|error| failed(format!("{realm}: {error}")))?;
        if response.status() != StatusCode::OK {
            return Err(failed(format!("the token service answers {}", response.status())));
        }
        let mut bytes = Vec::new();
        response.body_mut().as_reader().take(MAX_DOCUMENT).read_to_end(&mut bytes)?;
        let answer: TokenAnswer =
            serde_json::from_slice(&bytes).map_err(|_| failed("the token service answers with no token".to_owned()))?;
        let token = answer.token.or(answer.access_token).filter(|token| !token.is_empty());
        token.ok_or_else(|| failed("the token service answers with no token".to_owned()))
    }

    fn small(&self, url: &str) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Vec::new();
        self.get(url)?.into_body().into_reader().take(MAX_DOCUMENT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_DOCUMENT {
            return Err(ImageError::TooMuch(format!("a document of more than {} MiB", MAX_DOCUMENT >> 20)));
        }
        Ok(bytes)
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

impl Blobs for Registry<'_> {
    fn document(&self, descriptor: &Descriptor, digest: &Digest) -> Result<Vec<u8>, ImageError> {
        let is_manifest = MANIFEST_TYPES.contains(&descriptor.media_type.as_str());
        self.small(&self.url(if is_manifest { "manifests" } else { "blobs" }, &digest.to_string()))
    }

    fn layer(&self, descriptor: &Descriptor, digest: &Digest) -> Result<Arc<Layer>, ImageError> {
        let response = self.get(&self.url("blobs", &digest.to_string()))?;
        // One byte more than there should be is enough to see that there is too much.
        let most = descriptor.size.map_or(u64::MAX, |size| size.saturating_add(1));
        Ok(Arc::new(layer::read(response.into_body().into_reader().take(most), None, self.budget)?))
    }
}

fn basic(user: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{secret}")))
}

/// A parameter of a challenge: `NAME="VALUE"`.
fn parameter(challenge: &str, name: &str) -> Option<String> {
    let (_, list) = challenge.split_once(' ')?;
    let mut rest = list.trim_start();
    while let Some((key, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').map_or((after, ""), |(value, next)| (value, next)),
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value.trim().to_owned());
        }
        rest = next.trim_start_matches([',', ' ']);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::parameter;

    #[test]
    fn challenges_are_taken_apart() {
        let challenge = r#"Bearer realm="https://auth.example/token",service=registry,scope="repository:a:pull,push""#;
        assert_eq!(parameter(challenge, "realm").as_deref(), Some("https://auth.example/token"));
        assert_eq!(parameter(challenge, "service").as_deref(), Some("registry"));
        assert_eq!(parameter(challenge, "scope").as_deref(), Some("repository:a:pull,push"));
        assert_eq!(parameter(challenge, "error"), None);
        assert_eq!(parameter("Bearer", "realm"), None);
    }
}
