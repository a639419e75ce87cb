//! The example `examples/workspace-platform` is true: its lock fits, its Dockerfiles are what rendering writes, the check is
//! green, and what it says of itself holds.

mod harness;

use harness::{Run, run_in};
use std::path::Path;

/// Runs `aboard` in the example, offline, with a cache of its own.
fn run(arguments: &[&str]) -> Run {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workspace-platform");
    let mut all = arguments.to_vec();
    all.push("--offline");
    run_in(&folder, cache.path(), &all)
}

#[test]
fn the_dockerfiles_are_what_rendering_writes() {
    let run = run(&["render", "--check"]).status(0);
    assert_eq!(run.stdout, "");
}

#[test]
fn the_manifest_declares_what_the_code_runs() {
    let run = run(&["derive", "--check"]).status(0);
    assert_eq!(run.stdout, "");
}

#[test]
fn the_check_is_green() {
    run(&["check"]).status(0).notes(&["checked 4 images"]);
    run(&["render-and-verify", "--build", "never"]).status(0).prints(&["render: passed (4 images", "check: passed"]);
}

#[test]
fn docker_is_traced_through_function_values_to_its_constant() {
    run(&["scan", "--trace", "workspace-server/cmd/server"]).status(0).prints(&[
        "docker ",
        "internal/provisioner/localbuild.go",
        "git ",
        "internal/plugins/git.go",
    ]);
    run(&["why", "docker-cli"]).status(0).prints(&["docker: by package docker-cli", "localbuild.go"]);
}
