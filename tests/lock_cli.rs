//! The lock as users see it, with a signed mirror on a local port: what is refused, what a lock does not lose, whom it concerns.

mod apk_fixture;
mod harness;
mod package_mirror;

use harness::Project;
use package_mirror::{Mirror, Package};

const GIT: Package = Package {
    repository: "main",
    name: "git",
    version: "2.45.2-r0",
    depends: "",
    files: &[("usr/bin/git", 0o755, "#!/bin/sh\n")],
};

const IMAGE: &str = "images:\n  server:\n    dockerfile: Dockerfile\n    template: static-binary\n    base: alpine:3.20\n    \
                     programs: {git: {}}\n    vars: {prebuilt: dist/server}\n";

fn project(mirror: &Mirror, keys: &str) -> Project {
    let manifest = format!("version: 1\nalpine: {{mirror: '{}', keys: [{keys}]}}\n{IMAGE}", mirror.address);
    Project::new(&[("aboard.yaml", &manifest), ("keys/test.rsa.pub", &mirror.public_key)])
}

#[test]
fn an_index_that_no_trusted_key_signed_is_refused_and_nothing_is_written() {
    let mirror = Mirror::start("v3.20", &[GIT]);
    let project = project(&mirror, "");
    let run = project.run(&["lock"]).status(2);
    run.notes(&[
        "signed with a key that is not trusted: test.rsa.pub",
        "aboard.lock was not written: an index was refused",
    ]);
    assert!(!project.path().join("aboard.lock").exists());
    project.run(&["lock", "--allow-untrusted"]).status(0).notes(&["wrote aboard.lock"]);
}

#[test]
fn a_lock_does_not_forget_versions_for_want_of_an_index() {
    let mirror = Mirror::start("v3.20", &[GIT]);
    let project = project(&mirror, "keys/test.rsa.pub");
    project.run(&["lock"]).status(0);
    let lock = project.read("aboard.lock");
    assert!(lock.contains("version: 2.45.2-r0"), "{lock}");
    let run = project.run(&["lock", "--offline", "--index-dir", "empty"]).status(2);
    run.notes(&["aboard.lock was not written: no index at hand confirms git of image server, as it is locked"]);
    assert_eq!(project.read("aboard.lock"), lock);
}

#[test]
fn one_package_serves_all_the_programs_that_it_brings() {
    let tool = |name, version, files| Package { repository: "main", name, version, depends: "", files };
    let mirror = Mirror::start(
        "v3.20",
        &[
            tool("little", "1-r0", &[("usr/bin/one", 0o755, "")]),
            tool(
                "whole",
                "9-r0",
                &[("usr/bin/one", 0o755, ""), ("usr/bin/two", 0o755, ""), ("usr/bin/whole", 0o755, "#!/bin/sh\n")],
            ),
            tool("two", "9-r0", &[("usr/bin/two", 0o755, "")]),
            GIT,
        ],
    );
    let project = project(&mirror, "keys/test.rsa.pub");
    let with = |programs: &str| project.read("aboard.yaml").replace("{git: {}}", programs);
    project.write("aboard.yaml", &with("{git: {}, one: {}, two: {}, whole: {}}"));
    project.run(&["lock"]).status(0);
    project.run(&["render"]).status(0);
    let dockerfile = project.read("Dockerfile");
    assert!(dockerfile.contains("# whole: one; two; whole"), "{dockerfile}");
    assert!(!dockerfile.contains("little") && dockerfile.contains("# git: git"), "{dockerfile}");
}

#[test]
fn what_the_lock_lacks_for_another_image_is_not_this_ones_matter() {
    let mirror = Mirror::start("v3.20", &[GIT]);
    let project = project(&mirror, "keys/test.rsa.pub");
    project.run(&["lock"]).status(0);
    let other = IMAGE.replace("images:\n", "").replace("server:", "other:").replace("Dockerfile", "other.Dockerfile");
    project.write("aboard.yaml", &format!("{}{other}", project.read("aboard.yaml")));
    project.run(&["render"]).status(0);
    let findings = |image: &str| project.run(&["check", image, "--offline"]).stdout;
    assert!(findings("other").contains("stale-lock"), "{}", findings("other"));
    assert!(!findings("server").contains("stale-lock"), "{}", findings("server"));
}
