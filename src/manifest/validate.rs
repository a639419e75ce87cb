//! The nodes of a manifest to a [`Manifest`], with what they mean checked.
//!
//! Runs whatever the form's faults are, so that all are reported at once: a value of the wrong form counts as absent
//! here, since [`super::shape`] has reported it.

use super::base::{self, Reference};
use super::name::{self, NameKind};
use super::node::{Entry, Node};
use super::shape::{check_object, meant, nearest};
use super::{
    Alpine, DUPLICATE_DOCKERFILE, INVALID_NAME, INVALID_VALUE, Image, MISSING_KEY, Manifest, PATH_NOT_FOUND,
    PATH_OUTSIDE, Pin, ProgramEntry, Reasoned, Repository, RepositoryLocation, Spanned, Template, UNKNOWN_LANGUAGE,
    UNKNOWN_TEMPLATE, UNSUPPORTED_BASE, template,
};
use crate::file::{FileId, Span};
use crate::finding::Finding;
use crate::platform::Platform;
use crate::scan::{Root, RootError};
use crate::walk::{self, ReadError, Tree};
use std::collections::BTreeMap;

/// The length in bytes above which a path is refused; Linux takes no longer one either.
const MAX_PATH: usize = 4096;

const DEFAULT_MIRROR: &str = "https://dl-cdn.alpinelinux.org/alpine";

/// Validates a document. The manifest is whole only where neither this nor [`super::shape::check`] found anything.
pub(crate) fn manifest(tree: &Tree, file: FileId, root: &Node) -> (Manifest, Vec<Finding>) {
    let path = tree.files().path(file);
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let mut reader = Reader { tree, folder: folder.clone(), findings: Vec::new() };
    let alpine = reader.alpine(root);
    let images: Vec<Image> =
        map(root, "images").iter().map(|entry| reader.image(entry, alpine.release.as_ref())).collect();
    reader.one_dockerfile_each(&images);
    (Manifest { file, path, folder, alpine, images }, reader.findings)
}

struct Reader<'a> {
    tree: &'a Tree,
    folder: String,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn alpine(&mut self, root: &Node) -> Alpine {
        let start = Span::new(root.span.file, root.span.start as usize, root.span.start as usize);
        let empty = Node::empty(start);
        let (node, owner) = root.get("alpine").map_or((&empty, start), |entry| (entry.value.as_ref(), entry.key_span));
        let mirror = match text(node, "mirror") {
            Some(mirror) => {
                self.url(&mirror);
                Spanned::new(mirror.value.trim_end_matches('/').to_owned(), mirror.span)
            }
            None => Spanned::new(DEFAULT_MIRROR.to_owned(), owner),
        };
        let mut repositories: Vec<Spanned<Repository>> =
            texts(node, "repositories").iter().filter_map(|text| self.repository(text)).collect();
        if node.get("repositories").is_none() {
            let branch = |name: &str| Repository { tag: None, location: RepositoryLocation::Branch(name.to_owned()) };
            repositories = ["main", "community"].map(|name| Spanned::new(branch(name), owner)).into();
        }
        let keys = texts(node, "keys").iter().filter_map(|key| self.existing(key)).collect();
        Alpine { mirror, repositories, release: self.release(node), keys }
    }

    fn url(&mut self, url: &Spanned<String>) {
        let usable = ["https://", "http://", "file:///"]
            .iter()
            .any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
        if !usable || url.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
            let message = format!("`{}` is not an https, http or file URL", url.value);
            self.findings.push(Finding::new(&INVALID_VALUE, message).label(url.span, ""));
        }
    }

    fn repository(&mut self, text: &Spanned<String>) -> Option<Spanned<Repository>> {
        let (tag, place) = match text.strip_prefix('@').map(|rest| rest.split_once(' ')) {
            None => (None, text.as_str()),
            Some(Some((tag, place))) => (Some(tag.to_owned()), place.trim()),
            Some(None) => (None, ""),
        };
        let location = if place.contains("://") {
            self.url(&Spanned::new(place.to_owned(), text.span));
            RepositoryLocation::Url(place.trim_end_matches('/').to_owned())
        } else if !place.is_empty() && place.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            RepositoryLocation::Branch(place.to_owned())
        } else {
            let message = format!("`{}` is not a repository", text.value);
            let finding = Finding::new(&INVALID_VALUE, message)
                .label(text.span, "")
                .help("a branch of the mirror (`main`), a URL, or `@tag URL` is meant");
            self.findings.push(finding);
            return None;
        };
        Some(Spanned::new(Repository { tag, location }, text.span))
    }

    fn release(&mut self, node: &Node) -> Option<Spanned<String>> {
        let written = word(node, "release")?;
        let release = base::release(&written);
        if release.is_none() {
            let finding = Finding::new(&INVALID_VALUE, format!("`{}` is not a release of Alpine", written.value))
                .label(written.span, "")
                .help("`3.20`, `v3.20` or `edge` is meant");
            self.findings.push(finding);
        }
        release.map(|release| Spanned::new(release, written.span))
    }

    fn image(&mut self, entry: &Entry, release: Option<&Spanned<String>>) -> Image {
        let name = Spanned::new(entry.key.clone(), entry.key_span);
        let node = entry.value.as_ref();
        self.name(&name, &name::IMAGE);
        let absent = || Spanned::new(String::new(), entry.key_span);
        let dockerfile = text(node, "dockerfile").and_then(|path| self.inside(&path)).unwrap_or_else(absent);
        if dockerfile.span != entry.key_span && self.tree.is_folder(&dockerfile) {
            let message = format!("`{}` is a folder where a Dockerfile is wanted", dockerfile.value);
            self.findings.push(Finding::new(&INVALID_VALUE, message).label(dockerfile.span, ""));
        }
        let template = text(node, "template").and_then(|text| self.template(&text));
        let context = match text(node, "context") {
            Some(path) => self.existing(&path).unwrap_or_else(absent),
            None => Spanned::new(self.folder.clone(), entry.key_span),
        };
        let target = self.named(node, "target", &name::STAGE);
        let own_release = self.release(node);
        let base = self.base(entry, own_release.is_some());
        let told = base
            .as_ref()
            .and_then(|base| base::alpine(base, base.span).flatten().map(|release| Spanned::new(release, base.span)));
        let programs = self.programs(node);
        Image {
            dockerfile,
            base,
            context,
            platform: self.platform(entry),
            tags: self.tags(node, &name),
            code: texts(node, "code").iter().filter_map(|text| self.code(text)).collect(),
            packages: self.reasoned(node, "packages", &name::PACKAGE),
            ignore: self.ignore(node, &programs),
            programs,
            vars: self.vars(entry, template.as_ref()),
            target,
            build_args: self.build_args(node),
            build_tags: self.build_tags(node),
            release: own_release.or(told).or_else(|| release.cloned()),
            pin: pin(entry),
            template,
            name,
        }
    }

    fn name(&mut self, name: &Spanned<String>, kind: &NameKind) -> bool {
        let valid = (kind.accepts)(name);
        if !valid {
            let finding = Finding::new(&INVALID_NAME, format!("{:?} is not a {} name", name.value, kind.what))
                .label(name.span, "")
                .help(format!("a {} name is made of {}", kind.what, kind.form));
            self.findings.push(finding);
        }
        valid
    }

    fn named(&mut self, node: &Node, key: &str, kind: &NameKind) -> Option<Spanned<String>> {
        text(node, key).filter(|name| self.name(name, kind))
    }

    /// The path relative to the tree, where it stays inside.
    fn inside(&mut self, path: &Spanned<String>) -> Option<Spanned<String>> {
        if path.len() > MAX_PATH {
            let message = format!("a path has {} bytes where at most {MAX_PATH} are taken", path.len());
            self.findings.push(Finding::new(&INVALID_VALUE, message).label(path.span, ""));
            return None;
        }
        let normal = walk::join(&self.folder, path).filter(|_| !path.starts_with('/'));
        let why = match &normal {
            None => "leaves the project folder",
            Some(normal) if leaves_through_link(self.tree, normal) => "leaves the project folder through a link",
            Some(normal) => return Some(Spanned::new(normal.clone(), path.span)),
        };
        let finding = Finding::new(&PATH_OUTSIDE, format!("`{}` {why}", path.value))
            .label(path.span, "")
            .help("paths are relative to the folder of the manifest and stay inside the project");
        self.findings.push(finding);
        None
    }

    fn existing(&mut self, path: &Spanned<String>) -> Option<Spanned<String>> {
        let inside = self.inside(path)?;
        if self.tree.kind(&inside).is_some() {
            return Some(inside);
        }
        self.not_found(path);
        None
    }

    fn not_found(&mut self, path: &Spanned<String>) {
        let message = format!("`{}` does not exist", path.value);
        self.findings.push(Finding::new(&PATH_NOT_FOUND, message).label(path.span, ""));
    }

    fn template(&mut self, written: &Spanned<String>) -> Option<Spanned<Template>> {
        if template::names().any(|name| name == written.value) {
            return Some(Spanned::new(Template::BuiltIn(written.value.clone()), written.span));
        }
        let is_path = written.contains('/') || written.ends_with(".j2") || written.ends_with(".jinja");
        if is_path {
            let path = self.inside(written)?;
            if self.tree.is_file(&path) {
                return Some(Spanned::new(Template::Own(path.value), written.span));
            }
        }
        let message = if is_path {
            format!("the template `{}` is not a file of the project", written.value)
        } else {
            format!("`{}` is not a built-in template", written.value)
        };
        let finding = Finding::new(&UNKNOWN_TEMPLATE, message).label(written.span, "");
        let known: Vec<&str> = template::names().collect();
        self.findings.push(match nearest(written, template::names()).filter(|_| !is_path) {
            Some(near) => meant(finding, written.span, near),
            None => finding.help(format!("built-in are {}; a project's own is named by its path", known.join(", "))),
        });
        None
    }

    fn base(&mut self, entry: &Entry, release_given: bool) -> Option<Spanned<String>> {
        let node = entry.value.as_ref();
        let Some(written) = text(node, "base") else {
            if node.get("template").is_some() && node.get("base").is_none() {
                let message = format!("`{}` has a template and no `base`", entry.key);
                let finding = Finding::new(&MISSING_KEY, message)
                    .label(entry.key_span, "`base` is missing here")
                    .help("name the Alpine image that the runtime stage starts from, such as `base: alpine:3.20`");
                self.findings.push(finding);
            }
            return None;
        };
        match base::reference(&written) {
            None => {
                let message = format!("{:?} is not an image reference", written.value);
                self.findings.push(Finding::new(&INVALID_NAME, message).label(written.span, ""));
                return None;
            }
            Some(reference) if !release_given && base::alpine(&written, written.span).is_none() => {
                self.findings.push(unsupported(&written, &reference));
            }
            Some(_) => {}
        }
        Some(written)
    }

    fn platform(&mut self, entry: &Entry) -> Spanned<Platform> {
        let Some(written) = text(&entry.value, "platform") else {
            return Spanned::new(Platform::default(), entry.key_span);
        };
        let platform = written.parse::<Platform>().unwrap_or_else(|error| {
            self.findings.push(Finding::new(&INVALID_VALUE, error.to_string()).label(written.span, ""));
            Platform::default()
        });
        Spanned::new(platform, written.span)
    }

    fn tags(&mut self, node: &Node, name: &Spanned<String>) -> Vec<Spanned<String>> {
        let tags: Vec<_> = texts(node, "tags").into_iter().filter(|tag| self.name(tag, &name::TAG)).collect();
        if tags.is_empty() { vec![Spanned::new(format!("{}:dev", name.value), name.span)] } else { tags }
    }

    fn code(&mut self, written: &Spanned<String>) -> Option<Spanned<Root>> {
        let (language, path) = match written.split_once(':') {
            Some((language, path)) => (Some(language), path),
            None => (None, written.as_str()),
        };
        let path = self.inside(&Spanned::new(path.to_owned(), written.span))?.value;
        let argument = language.map_or(path.clone(), |language| format!("{language}:{path}"));
        match Root::parse(self.tree, &argument) {
            Ok(root) => return Some(Spanned::new(root, written.span)),
            Err(RootError::NotFound(_)) => self.not_found(written),
            Err(error) => {
                self.findings.push(Finding::new(&UNKNOWN_LANGUAGE, error.to_string()).label(written.span, ""));
            }
        }
        None
    }

    fn programs(&mut self, node: &Node) -> BTreeMap<String, ProgramEntry> {
        let mut programs = BTreeMap::new();
        for entry in map(node, "programs") {
            let name = Spanned::new(entry.key.clone(), entry.key_span);
            let value = entry.value.as_ref();
            let package = self.named(value, "package", &name::PACKAGE);
            let provided_by = text(value, "provided_by");
            if let (Some(package), Some(other)) = (&package, &provided_by) {
                let finding =
                    Finding::new(&INVALID_VALUE, format!("`{}` has both a package and `provided_by`", name.value))
                        .label(other.span, "")
                        .label(package.span, "the package");
                self.findings.push(finding);
            }
            if self.name(&name, &name::PROGRAM) {
                let probe = value.get("probe").filter(|probe| !probe.value.is_null());
                let program = ProgramEntry {
                    name,
                    package,
                    optional: text_of(value, "optional").is_some_and(|flag| flag.eq_ignore_ascii_case("true")),
                    provided_by,
                    probe: probe.map(|_| words(value, "probe").into_iter().map(|word| word.value).collect()),
                };
                programs.insert(entry.key.clone(), program);
            }
        }
        programs
    }

    /// The programs that need not be there; one that is declared as well says two things.
    fn ignore(&mut self, node: &Node, programs: &BTreeMap<String, ProgramEntry>) -> BTreeMap<String, Reasoned> {
        let ignored = self.reasoned(node, "ignore", &name::PROGRAM);
        for (name, entry) in &ignored {
            if let Some(program) = programs.get(name) {
                let finding = Finding::new(&INVALID_VALUE, format!("`{name}` is both declared and ignored"))
                    .label(entry.name.span, "ignored here")
                    .label(program.name.span, "declared here")
                    .help("`optional: true` lets the image go without it");
                self.findings.push(finding);
            }
        }
        ignored
    }

    fn reasoned(&mut self, node: &Node, key: &str, kind: &NameKind) -> BTreeMap<String, Reasoned> {
        let mut found = BTreeMap::new();
        for entry in map(node, key) {
            let name = Spanned::new(entry.key.clone(), entry.key_span);
            let why = if entry.value.is_null() { "" } else { entry.value.text().unwrap_or_default() };
            let why = Spanned::new(why.to_owned(), entry.value.span);
            if self.name(&name, kind) {
                found.insert(entry.key.clone(), Reasoned { name, why });
            }
        }
        found
    }

    /// The variables; those of a built-in template have known names and forms.
    fn vars(
        &mut self,
        image: &Entry,
        template: Option<&Spanned<Template>>,
    ) -> BTreeMap<String, Spanned<serde_json::Value>> {
        if let Some(Template::BuiltIn(name)) = template.map(|template| &template.value) {
            let absent = Node::empty(image.key_span);
            let (node, owner) =
                image.value.get("vars").map_or((&absent, image.key_span), |vars| (vars.value.as_ref(), vars.key_span));
            let what = format!("`vars` for the template {name}");
            let is_map = matches!(node.type_name(), "a map" | "nothing");
            let fields = || template::variables(Some(name)).filter(move |_| is_map);
            check_object(node, fields, &what, owner, &mut self.findings);
        }
        let mut found = BTreeMap::new();
        for entry in map(&image.value, "vars") {
            if self.name(&Spanned::new(entry.key.clone(), entry.key_span), &name::VARIABLE) {
                found.insert(entry.key.clone(), Spanned::new(json(&entry.value), entry.value.span));
            }
        }
        found
    }

    fn build_args(&mut self, node: &Node) -> BTreeMap<String, Spanned<String>> {
        let mut found = BTreeMap::new();
        for entry in map(node, "build_args") {
            if self.name(&Spanned::new(entry.key.clone(), entry.key_span), &name::VARIABLE) {
                let value = entry.value.text().unwrap_or_default().to_owned();
                found.insert(entry.key.clone(), Spanned::new(value, entry.value.span));
            }
        }
        found
    }

    fn build_tags(&mut self, node: &Node) -> Vec<Spanned<String>> {
        texts(node, "build_tags").into_iter().filter(|tag| self.name(tag, &name::BUILD_TAG)).collect()
    }

    /// Only images that have a template write their Dockerfile; several may read one hand-written file.
    fn one_dockerfile_each(&mut self, images: &[Image]) {
        let mut writers: BTreeMap<&str, &Image> = BTreeMap::new();
        for image in images.iter().filter(|image| image.template.is_some() && !image.dockerfile.is_empty()) {
            if let Some(first) = writers.get(image.dockerfile.as_str()) {
                let message =
                    format!("`{}` and `{}` write the same Dockerfile, {}", first.name, image.name, image.dockerfile);
                let finding = Finding::new(&DUPLICATE_DOCKERFILE, message)
                    .label(image.dockerfile.span, "")
                    .label(first.dockerfile.span, "first here");
                self.findings.push(finding);
            } else {
                writers.insert(image.dockerfile.as_str(), image);
            }
        }
    }
}

fn unsupported(written: &Spanned<String>, reference: &Reference<'_>) -> Finding {
    Finding::new(&UNSUPPORTED_BASE, format!("`{}` is not known to be an Alpine image", reference.repository))
        .label(written.span, "")
        .help("only Alpine bases are resolved yet: `alpine:3.20`, or a tag that says it, such as `node:20-alpine3.20`")
        .help("where an image is built on Alpine and its name does not tell, add `release: 3.20` to it")
}

/// Whether a path, or a folder on the way to it, is a link that leaves the tree.
fn leaves_through_link(tree: &Tree, path: &str) -> bool {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.into_iter().any(|end| matches!(tree.list(&path[..end]), Err(ReadError::Outside(_))))
}

fn pin(entry: &Entry) -> Spanned<Pin> {
    match text(&entry.value, "pin") {
        None => Spanned::new(Pin::None, entry.key_span),
        Some(written) => {
            let pin = Pin::ALL.into_iter().find(|pin| pin.word() == written.as_str());
            Spanned::new(pin.unwrap_or_default(), written.span)
        }
    }
}

fn json(node: &Node) -> serde_json::Value {
    use super::node::Kind;
    use serde_json::Value;
    match &node.kind {
        Kind::List { items, .. } => Value::Array(items.iter().map(|item| json(item)).collect()),
        Kind::Map { entries, .. } => {
            Value::Object(entries.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect())
        }
        Kind::Scalar { text, .. } => match node.type_name() {
            "nothing" => Value::Null,
            "a truth value" => Value::Bool(text.eq_ignore_ascii_case("true")),
            // A number with a point is nearly always a version: `go_version: 1.20` must not become 1.2.
            "a number" => text.parse::<i64>().map_or_else(|_| Value::String(text.clone()), Value::from),
            _ => Value::String(text.clone()),
        },
    }
}

fn text_of<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.get(key)?.value.text()
}

/// The text of a key, where it has the form [`super::shape::Shape::Text`].
fn text(node: &Node, key: &str) -> Option<Spanned<String>> {
    let value = &node.get(key)?.value;
    (value.type_name() == "a text").then(|| spanned(value)).flatten()
}

fn word(node: &Node, key: &str) -> Option<Spanned<String>> {
    spanned(&node.get(key)?.value).filter(|word| !word.is_empty())
}

fn spanned(node: &Node) -> Option<Spanned<String>> {
    Some(Spanned::new(node.text()?.to_owned(), node.span))
}

fn texts(node: &Node, key: &str) -> Vec<Spanned<String>> {
    let items = node.get(key).map(|entry| entry.value.items()).unwrap_or_default();
    items.iter().filter(|item| item.type_name() == "a text").filter_map(|item| spanned(item)).collect()
}

fn words(node: &Node, key: &str) -> Vec<Spanned<String>> {
    let items = node.get(key).map(|entry| entry.value.items()).unwrap_or_default();
    items.iter().filter_map(|item| spanned(item)).collect()
}

fn map<'a>(node: &'a Node, key: &str) -> &'a [Entry] {
    node.get(key).map(|entry| entry.value.entries()).unwrap_or_default()
}
