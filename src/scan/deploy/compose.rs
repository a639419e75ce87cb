//! Compose files: `entrypoint`, `command` and `healthcheck` of the services that start the image.
//! Source: <https://docs.docker.com/reference/compose-file/services/>.

use super::text::{Variables, exec, plain, shell};
use super::{Built, Deployment, Document, Setting, repository};
use crate::walk::Tree;
use crate::yaml::{Entry, Node};
use std::collections::BTreeSet;

/// How many services are followed through `extends` and merges.
const MAX_PARENTS: usize = 8;

/// The names that a file gives to what is built.
pub(super) fn names(tree: &Tree, document: &Document, built: &Built<'_>) -> Vec<String> {
    let services = services(document).iter();
    services
        .filter(|entry| is_built(tree, document, &entry.value, built))
        .filter_map(|entry| repository(&plain(tree, find(document, &entry.value, "image", 0)?)?))
        .collect()
}

/// How the services of a file start what is built.
pub(super) fn deployments(
    tree: &Tree,
    document: &Document,
    built: &Built<'_>,
    names: &BTreeSet<String>,
) -> Vec<Deployment> {
    let of = |entry: &Entry, key: &str, api: &'static str| {
        exec(tree, find(document, &entry.value, key, 0)?, Variables::Compose, api)
    };
    let mut found = Vec::new();
    for entry in services(document) {
        let is_named = || {
            let image = find(document, &entry.value, "image", 0).and_then(|image| plain(tree, image));
            image.and_then(|image| repository(&image)).is_some_and(|name| names.contains(&name))
        };
        let builds = find(document, &entry.value, "build", 0).is_some();
        if !(is_built(tree, document, &entry.value, built) || !builds && is_named()) {
            continue;
        }
        let deployment = Deployment {
            name: format!("service {}", entry.key),
            span: entry.key_span,
            entrypoint: of(entry, "entrypoint", "compose entrypoint"),
            cmd: of(entry, "command", "compose command"),
            healthcheck: find(document, &entry.value, "healthcheck", 0)
                .and_then(|check| check.get("test"))
                .and_then(|test| healthcheck(tree, &test.value)),
            others: Vec::new(),
        };
        if deployment.settings().next().is_some() {
            found.push(deployment);
        }
    }
    found
}

fn services(document: &Document) -> &[Entry] {
    document.node.get("services").map_or(&[], |services| services.value.entries())
}

/// A key of a service: its own, one that is merged in, or one of the service that it extends.
fn find<'n>(document: &'n Document, service: &'n Node, key: &str, parents: usize) -> Option<&'n Node> {
    if let Some(entry) = service.get(key) {
        return Some(&entry.value);
    }
    if parents == MAX_PARENTS {
        return None;
    }
    if let Some(merged) = service.get("<<") {
        let several = merged.value.items().iter().map(|item| &**item);
        let found = std::iter::once(&*merged.value).chain(several);
        let mut found = found.filter_map(|parent| find(document, parent, key, parents + 1));
        if let Some(found) = found.next() {
            return Some(found);
        }
    }
    let extends = &service.get("extends")?.value;
    let name = match extends.text() {
        Some(name) => name,
        None if extends.get("file").is_some() => return None,
        None => extends.get("service")?.value.text()?,
    };
    let parent = services(document).iter().find(|entry| entry.key == name)?;
    find(document, &parent.value, key, parents + 1)
}

fn is_built(tree: &Tree, document: &Document, service: &Node, built: &Built<'_>) -> bool {
    let Some(build) = find(document, service, "build", 0) else { return false };
    if build.text().is_some() {
        return plain(tree, build).is_some_and(|context| built.is_made_by(&document.folder, &context, None, None));
    }
    if build.get("dockerfile_inline").is_some() {
        return false;
    }
    // A value with a variable that has no default is not known: no match.
    let text = |key: &str| match build.get(key) {
        Some(entry) => plain(tree, &entry.value).map(Some),
        None => Some(None),
    };
    let (Some(context), Some(dockerfile), Some(target)) = (text("context"), text("dockerfile"), text("target")) else {
        return false;
    };
    let context = context.as_deref().unwrap_or(".");
    built.is_made_by(&document.folder, context, dockerfile.as_deref(), target.as_deref())
}

/// `test`: a text for the shell, or a list that begins with what it is.
fn healthcheck(tree: &Tree, test: &Node) -> Option<Setting> {
    const API: &str = "compose healthcheck";
    if test.text().is_some() {
        return shell(tree, test, Variables::Compose, API);
    }
    match test.items().first().and_then(|first| first.text()) {
        Some("CMD-SHELL") => shell(tree, test.items().get(1)?, Variables::Compose, API),
        Some("CMD") => {
            let setting = exec(tree, test, Variables::Compose, API)?;
            let crate::dockerfile::Command::Exec(words, span) = setting.command else { return None };
            let command = crate::dockerfile::Command::Exec(words[1..].to_vec(), span);
            Some(Setting { command, ..setting })
        }
        _ => None,
    }
}
