//! What a template can read, made from the manifest and the tree.
//!
//! Facts are gathered here and only shown by templates. Nothing is read but which files exist.

use super::{PackageLine, TEMPLATE_ERROR, below};
use crate::finding::Finding;
use crate::manifest::{Image, Manifest, RepositoryLocation, Template, template};
use crate::walk::Tree;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a template can read.
#[derive(Serialize)]
pub(super) struct Context<'a> {
    /// The manifest's path, relative to its own folder.
    pub(super) manifest: &'a str,
    /// The template's name or path.
    pub(super) template: &'a str,
    /// The image's name.
    pub(super) image: &'a str,
    /// The reference in the FROM of the stage that ships.
    pub(super) base: Option<&'a str>,
    /// The platform under its several names.
    pub(super) platform: PlatformContext,
    /// Go build tags.
    pub(super) build_tags: Vec<&'a str>,
    /// `--build-arg` values.
    pub(super) build_args: BTreeMap<&'a str, &'a str>,
    /// The variables of the manifest and the defaults of the built-in templates.
    pub(super) vars: BTreeMap<String, serde_json::Value>,
    /// The packages to install, sorted.
    pub(super) packages: &'a [PackageLine],
    /// What apk must be told.
    pub(super) apk: &'a ApkContext,
}

/// What the managed block of a hand-written Dockerfile is made from.
#[derive(Serialize)]
pub(super) struct BlockContext<'a> {
    pub(super) packages: &'a [PackageLine],
    pub(super) apk: &'a ApkContext,
}

#[derive(Serialize)]
pub(super) struct PlatformContext {
    /// docker's word (`linux/amd64`).
    pub(super) name: String,
    /// docker's architecture (`amd64`).
    pub(super) arch: &'static str,
    /// `GOARCH`.
    pub(super) go_arch: &'static str,
    /// Alpine's word (`x86_64`).
    pub(super) apk_arch: &'static str,
}

#[derive(Serialize)]
pub(super) struct ApkContext {
    /// The lines of /etc/apk/repositories, where they differ from what the base has.
    pub(super) repositories: Vec<String>,
    /// Key files, relative to the build's context.
    pub(super) keys: Vec<String>,
}

/// What the build must tell apk: nothing where the manifest has Alpine's own mirror, or one that only this machine
/// sees.
pub(super) fn apk_context(manifest: &Manifest, image: &Image) -> Result<ApkContext, Vec<Finding>> {
    let alpine = &manifest.alpine;
    let branch = |name: &str| RepositoryLocation::Branch(name.to_owned());
    let mut default = alpine.mirror.value == "https://dl-cdn.alpinelinux.org/alpine";
    default &= alpine.repositories.iter().all(|row| row.tag.is_none());
    default &= alpine.repositories.iter().map(|row| &row.location).eq([&branch("main"), &branch("community")]);
    let mut repositories = Vec::new();
    if !default && !alpine.mirror.starts_with("file://") {
        for row in &alpine.repositories {
            let release = match (&row.location, &image.release) {
                (_, Some(release)) => release.as_str(),
                (RepositoryLocation::Url(_), None) => "",
                (RepositoryLocation::Branch(name), None) => {
                    let message = format!("the release of the base is not known, so `{name}` has no URL");
                    let finding = Finding::new(&TEMPLATE_ERROR, message)
                        .label(row.span, "")
                        .label(image.name.span, "for this image")
                        .help("add `release: 3.20` (the base's own) to the image");
                    return Err(vec![finding]);
                }
            };
            let place = row.url(&alpine.mirror, release);
            repositories.push(row.tag.as_ref().map_or(place.clone(), |tag| format!("@{tag} {place}")));
        }
    }
    let mut keys = Vec::new();
    for key in &alpine.keys {
        let Some(path) = below(key, &image.context) else {
            let message = format!("the key {key} lies outside of the context of image {}", image.name);
            let finding = Finding::new(&TEMPLATE_ERROR, message);
            return Err(vec![finding.label(key.span, "").label(image.context.span, "the context")]);
        };
        keys.push(path.to_owned());
    }
    Ok(ApkContext { repositories, keys })
}

pub(super) fn platform_context(image: &Image) -> PlatformContext {
    let platform = image.platform.value;
    PlatformContext {
        name: platform.to_string(),
        arch: platform.docker_arch(),
        go_arch: platform.go_arch(),
        apk_arch: platform.apk_arch(),
    }
}

/// The manifest's variables, and every other one of the template with its default, its computed value or null.
pub(super) fn vars_context(tree: &Tree, image: &Image) -> BTreeMap<String, serde_json::Value> {
    let template = match image.template.as_ref().map(|template| &template.value) {
        Some(Template::BuiltIn(name)) => Some(name.as_str()),
        _ => None,
    };
    let mut vars: BTreeMap<String, serde_json::Value> =
        image.vars.iter().map(|(key, var)| (key.clone(), var.value.clone())).collect();
    for field in template::variables(template) {
        let default = || field.default.and_then(|default| serde_json::from_str(default).ok()).unwrap_or_default();
        let value = vars.entry(field.key.to_owned()).or_insert_with(default);
        if value.is_null() {
            *value = default();
        }
    }
    let text = |key: &str| vars.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    let source = text("source").or_else(|| go_module(tree, image)).unwrap_or_else(|| ".".to_owned());
    let computed = [
        ("binary", Some(format!("/usr/local/bin/{}", image.name))),
        ("builder", text("go_version").map(|version| format!("golang:{version}-alpine"))),
        ("home", text("user").map(|user| format!("/home/{user}"))),
        ("main", go_main(image, &source)),
        ("source", Some(source)),
    ];
    for (key, value) in computed {
        if let (Some(slot), Some(value)) = (vars.get_mut(key), value)
            && slot.is_null()
        {
            *slot = value.into();
        }
    }
    vars
}

/// The folder of the first Go path of `code`, relative to the build's context.
fn go_folder(image: &Image) -> Option<&str> {
    let root = image.code.iter().find(|root| root.language == "go")?;
    let path = below(&root.path, &image.context)?;
    let is_file = std::path::Path::new(path).extension().is_some_and(|extension| extension == "go");
    Some(if is_file { path.rsplit_once('/').map_or("", |(folder, _)| folder) } else { path })
}

/// The folder of the Go module that the first Go path lies in, relative to the build's context.
fn go_module(tree: &Tree, image: &Image) -> Option<String> {
    let mut folder = go_folder(image)?;
    loop {
        let path = [image.context.as_str(), folder, "go.mod"];
        let path: Vec<&str> = path.into_iter().filter(|part| !part.is_empty()).collect();
        if tree.is_file(&path.join("/")) {
            return Some(if folder.is_empty() { ".".to_owned() } else { folder.to_owned() });
        }
        if folder.is_empty() {
            return None;
        }
        folder = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
}

/// The Go package to build, as seen from the source folder.
fn go_main(image: &Image, source: &str) -> Option<String> {
    let source = crate::walk::normalize(source)?;
    let folder = go_folder(image)?;
    if folder == source {
        return Some(".".to_owned());
    }
    below(folder, &source).map(|path| format!("./{path}"))
}
