//! Pins from the manifest to the Dockerfile, and what becomes of them once the mirror has moved on: two signed mirrors on
//! local ports, one of yesterday and one of today.

mod apk_fixture;
mod harness;
mod package_mirror;

use harness::Project;
use package_mirror::{Mirror, Package};

const fn tool(
    name: &'static str,
    version: &'static str,
    files: &'static [(&'static str, u32, &'static str)],
) -> Package {
    Package { repository: "main", name, version, depends: "", files }
}

const GIT: &[(&str, u32, &str)] = &[("usr/bin/git", 0o755, "#!/bin/sh\n")];
const JQ: &[(&str, u32, &str)] = &[("usr/bin/jq", 0o755, "#!/bin/sh\n")];

fn yesterday() -> Mirror {
    Mirror::start("v3.20", &[tool("git", "2.45.2-r0", GIT), tool("jq", "1.7.1-r0", JQ)])
}

fn today() -> Mirror {
    Mirror::start("v3.20", &[tool("git", "2.45.3-r1", GIT), tool("jq", "1.7.1-r0", JQ)])
}

/// A project with one image that runs git and jq, its packages pinned as `pin` says.
fn project(mirror: &Mirror, pin: &str) -> Project {
    let manifest = format!(
        "version: 1\nalpine: {{mirror: '{}', keys: [keys/test.rsa.pub]}}\nimages:\n  server:\n    dockerfile: Dockerfile\n    \
         template: static-binary\n    base: alpine:3.20\n    pin: {pin}\n    code: [dist/server]\n    programs: {{git: {{}}, jq: {{}}}}\n    \
         vars: {{prebuilt: dist/server}}\n",
        mirror.address
    );
    let server = "#!/bin/sh\ngit clone x\njq . y\n";
    let key = mirror.public_key.as_str();
    let project = Project::new(&[("aboard.yaml", &manifest), ("keys/test.rsa.pub", key), ("dist/server", server)]);
    project.run(&["lock"]).status(0);
    project
}

fn has(project: &Project, lines: &[&str]) {
    let dockerfile = project.read("Dockerfile");
    for line in lines {
        assert!(dockerfile.lines().any(|own| own.trim().trim_end_matches(" \\") == *line), "{line} in\n{dockerfile}");
    }
}

#[test]
fn render_pins_as_the_manifest_says_or_the_flag() {
    let mirror = yesterday();
    let project = project(&mirror, "minor");
    project.run(&["render"]).status(0);
    has(&project, &["git~=2.45", "jq~=1.7"]);
    project.run(&["render", "--pin", "exact", "--check"]).status(1).prints(&["git=2.45.2-r0"]);
    project.run(&["render", "--pin", "exact"]).status(0).notes(&["wrote Dockerfile"]);
    has(&project, &["git=2.45.2-r0", "jq=1.7.1-r0"]);
    project.run(&["render", "--pin", "exact", "--check"]).status(0);
    project.run(&["render", "--pin", "none"]).status(0);
    has(&project, &["git", "jq"]);
    project.run(&["render", "--pin", "tight"]).status(2).notes(&["none, minor, exact"]);
}

#[test]
fn check_tells_a_file_that_is_only_pinned_otherwise() {
    let mirror = yesterday();
    let project = project(&mirror, "none");
    project.run(&["render", "--pin", "exact"]).status(0);
    project.run(&["check"]).status(1).prints(&[
        "error[dockerfile-drift]: Dockerfile is pinned otherwise than the manifest says",
        "what `aboard render --pin exact` writes",
        "write `pin: exact` for image server to keep it, or run `aboard render`",
    ]);
    project.write("aboard.yaml", &project.read("aboard.yaml").replace("pin: none", "pin: exact"));
    project.run(&["check"]).status(0);
    project.write("Dockerfile", &project.read("Dockerfile").replace("jq=", "yq="));
    project.run(&["check"]).status(1).prints(&["Dockerfile differs from what the manifest gives", "rendered:"]);
}

#[test]
fn a_rendered_pin_that_the_mirror_no_longer_has_is_found_and_updated() {
    let (old, new) = (yesterday(), today());
    let project = project(&old, "exact");
    project.run(&["render"]).status(0);
    project.run(&["check"]).status(0);
    let stale = project.run(&["check", "--mirror", &new.address]).status(1).prints(&[
        "error[stale-pin]: git=2.45.2-r0 is pinned, and Alpine v3.20 has 2.45.3-r1",
        "no such build is on the mirror any more",
        "`aboard update` resolves the image anew and rewrites the pins",
    ]);
    assert!(!stale.stdout.contains("jq="), "{}", stale.stdout);
    let update = project.run(&["update", "--mirror", &new.address]).status(0);
    let update = update.notes(&["wrote aboard.lock", "wrote Dockerfile"]);
    assert_eq!(update.stdout, "server: git 2.45.2-r0 -> 2.45.3-r1\n");
    has(&project, &["git=2.45.3-r1", "jq=1.7.1-r0"]);
    assert!(project.read("aboard.lock").contains("version: 2.45.3-r1"));
    project.run(&["check", "--mirror", &new.address]).status(0);
    let again = project.run(&["update", "--mirror", &new.address]).status(0);
    assert_eq!(again.stdout, "Nothing changes.\n");
    assert!(!again.stderr.contains("wrote"), "{}", again.stderr);
}

#[test]
fn a_pin_of_the_lock_is_found_where_the_dockerfile_does_not_have_it() {
    let (old, new) = (yesterday(), today());
    let project = project(&old, "exact");
    project.run(&["render", "--pin", "none"]).status(0);
    project.run(&["check", "--mirror", &new.address]).status(1).prints(&[
        "error[stale-pin]: the lock of image server pins git=2.45.2-r0, and Alpine v3.20 has 2.45.3-r1",
        "aboard.yaml:",
    ]);
}

#[test]
fn what_is_not_pinned_to_the_build_does_not_rot_with_it() {
    let (old, new) = (yesterday(), today());
    for pin in ["none", "minor"] {
        let project = project(&old, pin);
        project.run(&["render"]).status(0);
        let dockerfile = project.read("Dockerfile");
        project.run(&["check", "--mirror", &new.address]).status(0);
        let update = project.run(&["update", "--mirror", &new.address]).status(0);
        assert_eq!(update.stdout, "server: git 2.45.2-r0 -> 2.45.3-r1\n", "{pin}");
        assert_eq!(project.read("Dockerfile"), dockerfile, "{pin}");
    }
}

#[test]
fn without_an_index_a_pin_is_not_judged() {
    let mirror = yesterday();
    let project = project(&mirror, "exact");
    project.run(&["render"]).status(0);
    project.run(&["check", "--offline", "--index-dir", "none"]).status(0);
}

const HAND_WRITTEN: &str = "FROM alpine:3.20 AS build\nRUN apk add --no-cache jq=1.7.0-r5\n\nFROM alpine:3.20\n\
                            RUN apk add --no-cache git=2.45.2-r0 'jq~=1.7' \\\n    jq\nCOPY --chmod=0755 run.sh /run.sh\nCMD [\"/run.sh\"]\n";

#[test]
fn a_hand_written_pin_is_found_in_every_stage_and_mended() {
    let mirror = today();
    let script = "#!/bin/sh\ngit clone x\njq . y\n";
    let project = Project::new(&[("Dockerfile", HAND_WRITTEN), ("run.sh", script)]);
    let check = |more: &[&str]| {
        let arguments = [&["check", "Dockerfile", "--allow-untrusted", "--mirror", &mirror.address], more].concat();
        project.run(&arguments)
    };
    check(&[]).status(1).prints(&[
        "error[stale-pin]: jq=1.7.0-r5 is pinned, and Alpine v3.20 has 1.7.1-r0",
        "Dockerfile:2:24",
        "error[stale-pin]: git=2.45.2-r0 is pinned, and Alpine v3.20 has 2.45.3-r1",
        "Dockerfile:5:24",
        "pinned to the minor version (`~=`), or not at all, it lasts longer",
        "2 errors",
    ]);
    check(&["--fix"]).status(0).notes(&["fixed: pin git to 2.45.3-r1", "fixed: pin jq to 1.7.1-r0"]);
    let mended = HAND_WRITTEN.replace("1.7.0-r5", "1.7.1-r0").replace("2.45.2-r0", "2.45.3-r1");
    assert_eq!(project.read("Dockerfile"), mended);
    check(&[]).status(0);
}

#[test]
fn update_mends_the_hand_written_images_of_a_manifest_too() {
    let mirror = today();
    let manifest = format!(
        "version: 1\nalpine: {{mirror: '{}', keys: [keys/test.rsa.pub]}}\nimages:\n  worker: {{dockerfile: Dockerfile, \
         programs: {{git: {{}}, jq: {{}}}}}}\n",
        mirror.address
    );
    let (key, script) = (mirror.public_key.as_str(), "#!/bin/sh\ngit clone x\njq . y\n");
    let files = [
        ("aboard.yaml", manifest.as_str()),
        ("Dockerfile", HAND_WRITTEN),
        ("run.sh", script),
        ("keys/test.rsa.pub", key),
    ];
    let project = Project::new(&files);
    let update = project.run(&["update"]).status(0).notes(&["fixed: pin git to 2.45.3-r1"]);
    assert_eq!(update.stdout, "worker: git 2.45.2-r0 -> 2.45.3-r1\nworker: jq 1.7.0-r5 -> 1.7.1-r0\n");
    assert!(project.read("Dockerfile").contains("git=2.45.3-r1 'jq~=1.7'"));
    project.run(&["check"]).status(0);
    assert_eq!(project.run(&["update"]).status(0).stdout, "Nothing changes.\n");
}
