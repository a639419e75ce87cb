//! `check`, `derive`, `render` and `lock` as users run them, on small projects of their own.

mod harness;

use harness::{Project, Run};

const GO_MOD: &str = "module example.com/server\n\ngo 1.19\n";
const MAIN: &str = r#"package main

import (
	"context"
	"os/exec"
)

const dockerBin = "docker"

func run(ctx context.Context, bin string, args ...string) error {
	return exec.CommandContext(ctx, bin, args...).Run()
}

func main() {
	_ = run(context.Background(), dockerBin, "image", "inspect", "x")
}
"#;
const DOCKERFILE: &str = "FROM golang:1.22-alpine AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /server ./cmd/server\n\n\
                          FROM alpine:3.20\nRUN apk add --no-cache ca-certificates tzdata\nCOPY --from=build /server /server\n\
                          ENTRYPOINT [\"/server\"]\n";
const MANIFEST: &str = "version: 1\nimages:\n  server: # the one that ships\n    dockerfile: Dockerfile\n    template: static-binary\n    \
                        base: alpine:3.20\n    code: [cmd/server]\n    programs: {}\n    vars: {prebuilt: dist/server}\n";

fn hand_written() -> Project {
    Project::new(&[("go.mod", GO_MOD), ("cmd/server/main.go", MAIN), ("Dockerfile", DOCKERFILE)])
}

fn managed() -> Project {
    Project::new(&[("go.mod", GO_MOD), ("cmd/server/main.go", MAIN), ("aboard.yaml", MANIFEST)])
}

fn offline(project: &Project, arguments: &[&str]) -> Run {
    let mut all = arguments.to_vec();
    all.push("--offline");
    project.run(&all)
}

#[test]
fn a_hand_written_dockerfile_is_checked_without_a_manifest() {
    offline(&hand_written(), &["check"]).status(1).prints(&[
        "error[missing-program]: `docker` is run but not in the image",
        "cmd/server/main.go:11:34",
        "const dockerBin = \"docker\"",
        "apk add --no-cache ca-certificates tzdata",
        "package docker-cli brings it",
    ]);
}

#[test]
fn with_the_package_it_passes() {
    let project = hand_written();
    project.write("Dockerfile", &DOCKERFILE.replace("tzdata", "tzdata docker-cli"));
    offline(&project, &["check"]).status(0);
}

#[test]
fn fix_adds_the_package_to_the_line() {
    let project = hand_written();
    offline(&project, &["check", "--fix"]).status(0).notes(&["add docker-cli to the `apk add` line"]);
    assert_eq!(project.read("Dockerfile"), DOCKERFILE.replace("tzdata", "tzdata docker-cli"));
    offline(&project, &["check"]).status(0);
}

#[test]
fn the_package_in_another_stage_is_told() {
    let project = hand_written();
    project.write("Dockerfile", &DOCKERFILE.replace("WORKDIR /src", "RUN apk add docker-cli\nWORKDIR /src"));
    offline(&project, &["check"]).status(1).prints(&["error[wrong-stage]: docker-cli is installed in stage build"]);
}

#[test]
fn the_status_is_the_same_in_every_format() {
    let project = hand_written();
    for format in ["human", "json", "sarif", "github", "markdown"] {
        offline(&project, &["check", "--format", format]).status(1).prints(&["missing-program", "docker-cli"]);
        offline(&project, &["check", "--format", format, "--fail-on", "never"]).status(0);
    }
    let json = offline(&project, &["check", "--format", "json"]).stdout;
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON alone is on stdout");
    assert_eq!(value["version"], 1);
    assert_eq!(value["findings"][0]["labels"][0]["file"], "cmd/server/main.go");
    offline(&project, &["check", "--format", "github"])
        .prints(&["::error file=cmd/server/main.go,line=11,endLine=11,col=34", "title=aboard%3A missing-program::"]);
}

#[test]
fn the_roots_are_explained() {
    offline(&hand_written(), &["check", "--explain-roots"]).status(1).prints(&["go:cmd/server", "Dockerfile:4"]);
}

#[test]
fn derive_lock_and_render_bring_a_manifest_to_a_green_check() {
    let project = managed();
    offline(&project, &["check"]).status(1).prints(&["undeclared-program", "cmd/server/main.go:11:34", "docker-cli"]);
    offline(&project, &["derive", "--check"]).status(1).prints(&["+      docker: {}"]);
    offline(&project, &["derive"]).status(0).notes(&["+ docker (server)", "wrote aboard.yaml"]);
    assert!(project.read("aboard.yaml").contains("server: # the one that ships"), "comments are kept");
    offline(&project, &["lock"]).status(0).prints(&["unverified-package"]).notes(&["wrote aboard.lock"]);
    offline(&project, &["render", "--check"]).status(1).prints(&["# docker-cli: docker, run by cmd/server/main.go"]);
    offline(&project, &["render"]).status(0).notes(&["wrote Dockerfile"]);
    offline(&project, &["render", "--check"]).status(0);
    offline(&project, &["check"]).status(0);
    let (rendered, locked) = (project.read("Dockerfile"), project.read("aboard.lock"));
    offline(&project, &["lock"]).status(0);
    offline(&project, &["render"]).status(0);
    assert_eq!(
        (project.read("Dockerfile"), project.read("aboard.lock")),
        (rendered, locked),
        "twice gives the same bytes"
    );
    offline(&project, &["why", "docker-cli"])
        .status(0)
        .prints(&["docker: by package docker-cli", "cmd/server/main.go:11:34"]);
    offline(&project, &["render-and-verify", "--build", "never"]).status(0).prints(&["check: passed"]);
}

#[test]
fn a_first_render_writes_what_the_second_would() {
    let manifest = MANIFEST.replace("    code: [cmd/server]\n", "").replace("programs: {}", "programs: {docker: {}}");
    let script = "#!/bin/sh\ndocker ps\n";
    let project = Project::new(&[("aboard.yaml", manifest.as_str()), ("dist/server", script)]);
    offline(&project, &["render"]).status(0).notes(&["wrote Dockerfile"]);
    assert!(project.read("Dockerfile").contains("# docker-cli: docker, run by dist/server"));
    offline(&project, &["render", "--check"]).status(0);
}

#[test]
fn drift_staleness_and_edited_locks_are_findings() {
    let project = managed();
    offline(&project, &["derive"]).status(0);
    offline(&project, &["lock"]).status(0);
    offline(&project, &["render"]).status(0);
    let (manifest, dockerfile) = (project.read("aboard.yaml"), project.read("Dockerfile"));

    project.write("Dockerfile", &dockerfile.replace("docker-cli", "docker"));
    offline(&project, &["check"]).status(1).prints(&["dockerfile-drift"]);
    project.write("Dockerfile", &dockerfile);

    project.write("aboard.yaml", &manifest.replace("docker: {}", "docker: {}\n      jq: {}"));
    offline(&project, &["check"]).status(1).prints(&["stale-lock", "program jq is new", "stale-program"]);
    project.write("aboard.yaml", &manifest.replace("programs:", "ignore: {xdg-open: desktop only}\n    programs:"));
    offline(&project, &["check"]).status(0).prints(&["warning[unused-ignore]"]);
    project.write("aboard.yaml", &manifest);

    project.write("aboard.lock", &project.read("aboard.lock").replace("named: true", "named: false"));
    offline(&project, &["check"]).status(1).prints(&["edited by hand"]);
}

#[test]
fn a_wrong_manifest_is_status_2_with_every_fault() {
    let project = managed();
    project.write(
        "aboard.yaml",
        "version: 1\nimages:\n  server:\n    dockerfil: x\n    base: debian:12\n    template: go\n",
    );
    for command in ["check", "render", "derive", "lock", "build", "verify", "render-and-verify"] {
        project.run(&[command]).status(2).prints(&[
            "unknown-key",
            "aboard.yaml:4:5",
            "unsupported-base",
            "unknown-template",
        ]);
    }
}

#[test]
fn a_dry_run_prints_the_exact_build() {
    let project = managed();
    project
        .run(&["build", "--dry-run", "--engine", "docker"])
        .status(0)
        .prints(&["build --platform linux/amd64 --file "]);
}

#[test]
fn no_dockerfile_and_no_manifest_is_status_2() {
    Project::new(&[("a.txt", "")]).run(&["check"]).status(2).notes(&["no Dockerfile and no aboard.yaml"]);
    Project::new(&[]).run(&["render"]).status(2).notes(&["aboard init"]);
}

#[test]
fn init_writes_a_manifest_that_reads() {
    let project = hand_written();
    project.run(&["init"]).status(0).notes(&["wrote aboard.yaml"]);
    offline(&project, &["check"]).status(1).prints(&["`docker` is run but not in the image"]);
    project.run(&["init"]).status(2).notes(&["is there already"]);
}
