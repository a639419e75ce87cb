//! Which engine an image is taken from, and what is said where none answers or one cannot start anything. The engines are stand-ins.

mod harness;
mod image_kit;
mod image_stand_in;

use harness::{Project, Run};
use image_kit::{Elf, Fixture, Tar};
use image_stand_in::StandIn;

/// A daemon that is not running.
const DOWN: &str = "#!/bin/sh\necho 'Cannot connect to the Docker daemon. Is the docker daemon running?' >&2\nexit 1\n";

/// A program of the image says which engine had it.
fn archive(program: &str) -> Vec<u8> {
    let elf = Elf::program().bytes();
    Fixture::new(vec![Tar::new().file("bin/sh", 0o755, &elf).file(&format!("bin/{program}"), 0o755, &elf)])
        .docker_archive()
}

fn verify(engine: &StandIn, arguments: &[&str]) -> Run {
    let arguments = [&["verify", "--image", "team/app:1", "tool"], arguments].concat();
    Project::new(&[]).run_with(&[("PATH", &engine.path())], &arguments)
}

#[test]
fn where_no_engine_answers_each_is_named_with_what_is_wrong() {
    let run = verify(&StandIn::none(), &[]).status(2);
    run.notes(&[
        "no container engine answers; tried docker (not on the PATH), podman (not on the PATH), buildah (not on the PATH)",
    ]);
    let down = StandIn::none().with("docker", DOWN);
    verify(&down, &[]).status(2).notes(&[
        "no container engine answers; tried ",
        "/docker (Cannot connect to the Docker daemon. Is the docker daemon running?), podman (not on the PATH)",
    ]);
    let run = verify(&down, &["--engine", "podman"]).status(2);
    run.notes(&["no container engine answers; tried podman (not on the PATH)"]);
}

#[test]
fn podman_serves_where_docker_is_down() {
    let podman = StandIn::new("podman").with("docker", DOWN);
    podman.has("team/app:1", &archive("tool"));
    verify(&podman, &[]).status(0).prints(&["/bin/tool"]);
    verify(&podman, &["--engine", "podman"]).status(0).prints(&["/bin/tool"]);
    let run = verify(&podman, &["--engine", "docker"]).status(2);
    run.notes(&["no container engine answers; tried", "Cannot connect to the Docker daemon"]);
}

#[test]
fn an_image_is_taken_from_the_named_engine() {
    let engines = StandIn::new("docker")
        .with("podman", "#!/bin/sh\n[ \"$1\" = version ] || { echo 'image not known' >&2; exit 125; }\n");
    engines.has("team/app:1", &archive("tool"));
    verify(&engines, &["--engine", "docker"]).status(0);
    let run = verify(&engines, &["--engine", "podman"]).status(2);
    run.notes(&["image team/app:1 cannot be read", "podman has no image `team/app:1`: image not known"]);
}

/// The stand-in starts no containers, as an engine without the rights for it.
#[test]
fn an_engine_that_starts_nothing_is_a_finding_where_the_image_has_a_shell() {
    let engine = StandIn::new("docker");
    engine.has("team/app:1", &archive("tool"));
    verify(&engine, &["--run"])
        .status(1)
        .prints(&["error[failed-probe]: `/bin/sh -c 'command -v …'` failed in the image", "unknown command: run --rm"]);
    let without = Fixture::new(vec![Tar::new().file("bin/tool", 0o755, &Elf::program().bytes())]);
    engine.has("team/app:1", &without.docker_archive());
    verify(&engine, &["--run"]).status(0);
}

#[test]
fn nothing_is_started_without_being_asked() {
    let engine = StandIn::new("docker");
    engine.has("team/app:1", &archive("tool"));
    verify(&engine, &[]).status(0);
    let archive = Project::new(&[]);
    let run = archive.run(&["verify", "--archive", "app.tar", "--run", "tool"]).status(2);
    run.notes(&["cannot be used with"]);
}
