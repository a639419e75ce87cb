//! Credentials for registries, from where docker and podman keep them.
//!
//! `$DOCKER_CONFIG/config.json` (`~/.docker`): `credHelpers`, `credsStore`, `auths`; then podman's `auth.json`. Helpers are the
//! user's own programs `docker-credential-NAME`; they are asked for one host and given nothing else. Secrets are never shown.

use super::ImageError;
use super::reference::Reference;
use crate::engine;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::{env, fs, io};

/// What a registry is shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credential {
    /// A user's name and secret.
    Basic(String, String),
    /// A token that is changed into others.
    Identity(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ConfigFile {
    auths: BTreeMap<String, Auth>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Auth {
    #[serde(rename = "auth")]
    encoded: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperAnswer {
    username: String,
    secret: String,
}

/// The credential for a registry; nothing where none is kept.
pub(super) fn find(reference: &Reference) -> Result<Option<Credential>, ImageError> {
    let failed = |message: String| ImageError::Credentials { host: reference.host.clone(), message };
    let keys: Vec<&str> = match reference.host.as_str() {
        "docker.io" => vec!["https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"],
        host => vec![host],
    };
    for path in files() {
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => continue,
            Err(error) => return Err(failed(format!("{}: {error}", path.display()))),
        };
        // The message of a JSON error could show a part of the file.
        let config: ConfigFile = serde_json::from_slice(&text)
            .map_err(|error| failed(format!("{}: broken at line {}", path.display(), error.line())))?;
        for key in &keys {
            if let Some(found) = in_file(&config, key).map_err(failed)? {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

/// The files, the first that answers counts.
fn files() -> Vec<PathBuf> {
    let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let docker = folder("DOCKER_CONFIG").or_else(|| folder("HOME").map(|home| home.join(".docker")));
    let podman =
        folder("REGISTRY_AUTH_FILE").or_else(|| folder("XDG_RUNTIME_DIR").map(|run| run.join("containers/auth.json")));
    docker.map(|folder| folder.join("config.json")).into_iter().chain(podman).collect()
}

fn in_file(config: &ConfigFile, key: &str) -> Result<Option<Credential>, String> {
    if let Some(helper) = config.cred_helpers.get(key).or(config.creds_store.as_ref())
        && let Some(found) = ask(helper, key)?
    {
        return Ok(Some(found));
    }
    let same = |kept: &&String| host_of(kept) == host_of(key);
    let Some(auth) = config.auths.get(key).or_else(|| config.auths.keys().find(same).map(|kept| &config.auths[kept]))
    else {
        return Ok(None);
    };
    if let Some(token) = auth.identitytoken.as_ref().filter(|token| !token.is_empty()) {
        return Ok(Some(Credential::Identity(token.clone())));
    }
    if let Some(encoded) = auth.encoded.as_ref().filter(|encoded| !encoded.is_empty()) {
        let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = decoded.as_deref().and_then(|text| text.trim_end_matches('\0').split_once(':'));
        let (user, secret) = pair.ok_or("the entry `auth` is not base64 of NAME:SECRET")?;
        return Ok(Some(Credential::Basic(user.to_owned(), secret.to_owned())));
    }
    Ok(match (&auth.username, &auth.password) {
        (Some(user), Some(secret)) => Some(Credential::Basic(user.clone(), secret.clone())),
        _ => None,
    })
}

/// Entries are kept by host, or by an old style of URL.
fn host_of(key: &str) -> &str {
    let key = key.trim_start_matches("https://").trim_start_matches("http://");
    key.split('/').next().unwrap_or(key)
}

/// Asks a helper; nothing where it has none for the host.
fn ask(helper: &str, host: &str) -> Result<Option<Credential>, String> {
    let is_name =
        !helper.is_empty() && helper.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if !is_name {
        return Err(format!("`{helper}` is not the name of a credential helper"));
    }
    let name = format!("docker-credential-{helper}");
    let program = which::which(&name).map_err(|_| format!("{name} is not on the PATH"))?;
    let mut command = Command::new(program);
    command.arg("get");
    match engine::capture_with_input(command, host, Duration::from_secs(30)) {
        Ok(answer) => {
            let answer: HelperAnswer =
                serde_json::from_slice(&answer).map_err(|_| format!("{name} answers with something else than JSON"))?;
            Ok(Some(match answer.username.as_str() {
                "<token>" => Credential::Identity(answer.secret),
                _ => Credential::Basic(answer.username, answer.secret),
            }))
        }
        Err(engine::EngineError::Failed { tail, .. }) if tail.contains("credentials not found") => Ok(None),
        Err(engine::EngineError::Failed { tail, status, .. }) => {
            let first = tail.lines().next().unwrap_or_default();
            Err(format!("{name} failed ({status}): {first}"))
        }
        Err(error) => Err(format!("{name}: {error}")),
    }
}
