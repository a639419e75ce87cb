//! How other files of the project start an image: compose files and Kubernetes manifests.
//!
//! Such a file counts only where it says that the image is this one: a compose service that builds this Dockerfile and
//! stage, or a container whose image has the name that a compose service or a skaffold artifact gives to that build. All
//! else runs images of others, and nothing is said of it. A file that is not YAML (a chart's template) is passed over.

mod compose;
mod kubernetes;
mod text;

use crate::dockerfile::{self, Command, path};
use crate::file::Span;
use crate::walk::{self, Kind, Tree};
use crate::yaml::{self, Dialect, Node};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many entries the search for such files looks at.
const MAX_ENTRIES: usize = 20_000;
/// How deep below the project's folder it looks.
const MAX_DEPTH: usize = 5;
/// How many files are read.
const MAX_FILES: usize = 500;

/// One way in which a file starts the image.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// What does so, in words (`service web`, `container web`).
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// What takes the place of `ENTRYPOINT`, and takes the image's `CMD` away.
    pub entrypoint: Option<Setting>,
    /// What takes the place of `CMD`.
    pub cmd: Option<Setting>,
    /// What takes the place of `HEALTHCHECK`.
    pub healthcheck: Option<Setting>,
    /// What is run beside (probes, hooks).
    pub others: Vec<Setting>,
}

/// A command that a file sets.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The command.
    pub command: Command,
    /// What sets it (`compose command`, `livenessProbe`).
    pub api: &'static str,
    /// Why its program is not known, where a variable names it.
    pub unknown: Option<String>,
}

impl Deployment {
    /// Every command that is set.
    pub fn settings(&self) -> impl Iterator<Item = &Setting> {
        [&self.entrypoint, &self.cmd, &self.healthcheck].into_iter().flatten().chain(&self.others)
    }
}

/// What is built: a stage of a Dockerfile.
pub struct Built<'a> {
    /// The Dockerfile, relative to the tree.
    pub dockerfile: &'a str,
    /// Whether a target's name, or none, means the stage.
    pub is_stage: &'a dyn Fn(Option<&str>) -> bool,
    /// Names that the image is known to have.
    pub names: Vec<String>,
}

/// The files of a project that may start its images.
#[derive(Debug, Default)]
pub struct Files {
    documents: Vec<Document>,
}

/// One YAML document.
#[derive(Debug)]
struct Document {
    /// The folder of its file.
    folder: String,
    kind: DocumentKind,
    node: Arc<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DocumentKind {
    Compose,
    Skaffold,
    Kubernetes,
}

impl Files {
    /// Looks for the files below the project's folder and reads them.
    pub fn find(tree: &Tree) -> Self {
        let mut files = Self::default();
        for path in candidates(tree) {
            let Ok(file) = tree.read(&path) else { continue };
            let source = tree.files().get(file);
            let Some(kind) = kind_of(&path, source.text()) else { continue };
            let reading = yaml::parse(file, source.text(), Dialect::Foreign);
            if !reading.faults.is_empty() {
                continue;
            }
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            let documents = reading.documents.into_iter();
            files.documents.extend(documents.map(|node| Document { folder: folder.clone(), kind, node }));
        }
        files
    }

    /// Every way in which the files start what is built.
    pub fn deployments(&self, tree: &Tree, built: &Built<'_>) -> Vec<Deployment> {
        let mut names: BTreeSet<String> = built.names.iter().filter_map(|name| repository(name)).collect();
        for document in &self.documents {
            match document.kind {
                DocumentKind::Compose => names.extend(compose::names(tree, document, built)),
                DocumentKind::Skaffold => names.extend(skaffold_names(document, built)),
                DocumentKind::Kubernetes => {}
            }
        }
        let mut found = Vec::new();
        for document in &self.documents {
            match document.kind {
                DocumentKind::Compose => found.extend(compose::deployments(tree, document, built, &names)),
                DocumentKind::Kubernetes if !names.is_empty() => {
                    found.extend(kubernetes::deployments(tree, document, &names));
                }
                DocumentKind::Kubernetes | DocumentKind::Skaffold => {}
            }
        }
        found
    }
}

impl Built<'_> {
    /// Whether a build of `dockerfile` below the context, itself below `folder`, makes the image.
    fn is_made_by(&self, folder: &str, context: &str, dockerfile: Option<&str>, target: Option<&str>) -> bool {
        let Some(context) = walk::join(folder, context) else { return false };
        let file = walk::join(&context, dockerfile.unwrap_or("Dockerfile"));
        file.is_some_and(|file| file == self.dockerfile) && (self.is_stage)(target)
    }
}

/// The repository of an image's name, without tag and digest; nothing where a variable is in it.
fn repository(name: &str) -> Option<String> {
    let is_known = !name.is_empty() && !name.contains('$');
    is_known.then(|| dockerfile::repository(name).to_owned())
}

fn kind_of(path: &str, text: &str) -> Option<DocumentKind> {
    let name = path::file_name(path).to_ascii_lowercase();
    if (name.starts_with("docker-compose") || name.starts_with("compose")) && text.contains("services") {
        Some(DocumentKind::Compose)
    } else if name.starts_with("skaffold") && text.contains("artifacts") {
        Some(DocumentKind::Skaffold)
    } else {
        (text.contains("apiVersion") && text.contains("containers:")).then_some(DocumentKind::Kubernetes)
    }
}

/// The YAML files of the project, sorted; hidden folders, those of packages and of tests' data left out.
fn candidates(tree: &Tree) -> Vec<String> {
    const SKIPPED: [&str; 8] =
        ["fixtures", "node_modules", "test", "testdata", "tests", "third_party", "vendor", "e2e"];
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), 0)];
    let mut seen = 0;
    while let Some((folder, depth)) = folders.pop() {
        for entry in tree.list(&folder).unwrap_or_default() {
            seen += 1;
            if seen > MAX_ENTRIES || found.len() >= MAX_FILES {
                found.sort();
                return found;
            }
            let path = if folder.is_empty() { entry.name.clone() } else { format!("{folder}/{}", entry.name) };
            let ending = entry.name.rsplit_once('.').map_or("", |(_, ending)| ending);
            match entry.kind {
                Kind::Folder
                    if depth < MAX_DEPTH && !entry.name.starts_with('.') && !SKIPPED.contains(&entry.name.as_str()) =>
                {
                    folders.push((path, depth + 1));
                }
                Kind::File if matches!(ending, "yml" | "yaml") => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// The names that skaffold gives to what is built. Source: <https://skaffold.dev/docs/references/yaml/>.
fn skaffold_names(document: &Document, built: &Built<'_>) -> Vec<String> {
    let Some(artifacts) = document.node.get("build").and_then(|build| build.value.get("artifacts")) else {
        return Vec::new();
    };
    let text = |node: &Node, key: &str| node.get(key).and_then(|entry| entry.value.text()).map(str::to_owned);
    let artifacts = artifacts.value.items().iter();
    artifacts
        .filter_map(|artifact| {
            let docker = artifact.get("docker").map(|entry| &*entry.value);
            let own = |key: &str| docker.and_then(|docker| text(docker, key));
            let context = text(artifact, "context").unwrap_or_else(|| ".".to_owned());
            let dockerfile = own("dockerfile");
            let target = own("target");
            let is_made = built.is_made_by(&document.folder, &context, dockerfile.as_deref(), target.as_deref());
            is_made.then(|| repository(&text(artifact, "image")?)).flatten()
        })
        .collect()
}
