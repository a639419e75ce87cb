//! Kubernetes manifests: `command`, `args`, probes and hooks of the containers whose image is known to be this one.
//! Source: <https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.31/#container-v1-core>.

use super::text::{Variables, exec};
use super::{Deployment, Document, Setting, repository};
use crate::walk::Tree;
use crate::yaml::Node;
use std::collections::BTreeSet;

/// The probes and hooks that may run a command.
const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];
const HOOKS: [&str; 2] = ["postStart", "preStop"];

/// How the containers of a document start the image that has one of the names.
pub(super) fn deployments(tree: &Tree, document: &Document, names: &BTreeSet<String>) -> Vec<Deployment> {
    let node = &*document.node;
    let kind = node.get("kind").and_then(|kind| kind.value.text());
    let objects: Vec<&Node> = match (kind, at(node, &["items"])) {
        (Some("List"), Some(items)) => items.items().iter().map(|item| &**item).collect(),
        _ => vec![node],
    };
    objects.into_iter().filter_map(pod).flat_map(|pod| containers(tree, pod, names)).collect()
}

fn at<'n>(node: &'n Node, keys: &[&str]) -> Option<&'n Node> {
    keys.iter().try_fold(node, |node, key| node.get(key).map(|entry| &*entry.value))
}

/// The pod's specification inside an object.
fn pod(object: &Node) -> Option<&Node> {
    object.get("apiVersion")?;
    match object.get("kind")?.value.text()? {
        "Pod" => at(object, &["spec"]),
        "CronJob" => at(object, &["spec", "jobTemplate", "spec", "template", "spec"]),
        "DaemonSet" | "Deployment" | "Job" | "ReplicaSet" | "ReplicationController" | "StatefulSet" => {
            at(object, &["spec", "template", "spec"])
        }
        _ => None,
    }
}

fn containers(tree: &Tree, pod: &Node, names: &BTreeSet<String>) -> Vec<Deployment> {
    let lists = ["initContainers", "containers"].into_iter().filter_map(|key| at(pod, &[key]));
    let containers = lists.flat_map(Node::items);
    containers
        .filter_map(|container| {
            let image = container.get("image")?;
            repository(image.value.text()?).filter(|name| names.contains(name))?;
            let name = container.get("name").and_then(|name| name.value.text()).unwrap_or("without a name");
            let of = |node: Option<&Node>, api: &'static str| exec(tree, node?, Variables::Kubernetes, api);
            let probes = PROBES.iter().map(|probe| of(at(container, &[probe, "exec", "command"]), probe));
            let hooks = HOOKS.iter().map(|hook| of(at(container, &["lifecycle", hook, "exec", "command"]), hook));
            let others: Vec<Setting> = probes.chain(hooks).flatten().collect();
            let deployment = Deployment {
                name: format!("container {name}"),
                span: image.value.span,
                entrypoint: of(at(container, &["command"]), "container command"),
                cmd: of(at(container, &["args"]), "container args"),
                healthcheck: None,
                others,
            };
            let says = deployment.settings().next().is_some();
            says.then_some(deployment)
        })
        .collect()
}
