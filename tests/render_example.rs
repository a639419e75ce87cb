//! The example `examples/workspace-platform`: its manifest is valid and its Dockerfiles are what rendering writes.

#![allow(clippy::panic, reason = "a test fails by panicking, and says what it saw")]

use aboard::manifest;
use aboard::render::{self, PackageLine};
use aboard::walk::Tree;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workspace-platform")
}

/// What resolution gives for an image of the example, in the words of its code.
fn packages(image: &str) -> Vec<PackageLine> {
    let rows: &[(&str, &str)] = match image {
        "workspace-server" => &[
            ("ca-certificates", "TLS roots"),
            ("docker-cli", "docker, run by workspace-server/internal/provisioner/localbuild.go"),
            ("git", "git, run by workspace-server/internal/plugins/git.go"),
            ("su-exec", "su-exec, run by workspace-server/entrypoint.sh"),
            ("tzdata", "time zones"),
        ],
        "workspace-shell" => &[
            ("bash", "bash, run by workspaces/shell/run.sh"),
            ("ca-certificates", "TLS roots"),
            ("git", "git, run by workspaces/shell/run.sh"),
            ("jq", "jq, run by workspaces/shell/run.sh"),
        ],
        "workspace-python" => &[
            ("ca-certificates", "TLS roots"),
            ("git", "git, run by workspaces/python/agent.py"),
            ("python3", "python3, run by workspaces/python/agent.py"),
        ],
        "workspace-node" => &[
            ("ca-certificates", "TLS roots"),
            ("git", "git, run by workspaces/node/agent.js"),
            ("nodejs", "node, run by workspaces/node/agent.js"),
        ],
        other => panic!("the example has an image {other} that this test does not know"),
    };
    let line = |row: &(&str, &str)| PackageLine { name: row.0.into(), pin: String::new(), reason: row.1.into() };
    rows.iter().map(line).collect()
}

#[test]
fn the_committed_dockerfiles_are_what_rendering_writes() {
    let tree = Tree::open(&folder()).expect("the example");
    let manifest = manifest::read(&tree, manifest::FILE_NAME).unwrap_or_else(|faults| panic!("valid: {faults:?}"));
    assert_eq!(manifest.images.len(), 4);
    for image in &manifest.images {
        let text = render::render(&tree, &manifest, image, &packages(&image.name));
        let text = text.unwrap_or_else(|faults| panic!("rendered: {faults:?}")).expect("a template renders");
        let path = image.dockerfile.as_str();
        if std::env::var_os("ABOARD_UPDATE").is_some() {
            render::write(&tree, path, &text).expect("written");
        }
        let committed = fs::read_to_string(folder().join(path)).unwrap_or_default();
        if let Some(diff) = render::diff(path, Some(&committed), &text) {
            panic!("differs; with ABOARD_UPDATE=1 this test writes it:\n{diff}");
        }
    }
}
