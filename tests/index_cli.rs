//! `aboard index` as users run it: what brings a program here and elsewhere, repositories of others with keys of their own,
//! and what comes to which base.

mod apk_fixture;
mod closure_cases;
mod harness;
mod image_kit;
mod package_mirror;

use aboard::lock::{Lock, LockedBase, LockedImage};
use apk_fixture::{content, signed};
use closure_cases::text;
use harness::{Project, Run};
use image_kit::{Fixture, Pack, Tar};
use package_mirror::{Mirror, signing_key};
use std::collections::BTreeMap;
use std::fs;

fn index(packages: &str) -> Vec<u8> {
    signed(&content("made by a test", &text(packages)), &signing_key(), "RSA256")
}

fn served(files: &[(&str, &str)]) -> Mirror {
    let path = |repository: &str| format!("/{repository}/x86_64/APKINDEX.tar.gz");
    Mirror::of_files(files.iter().map(|(repository, packages)| (path(repository), index(packages))).collect())
}

/// A project whose folder `mirror` is a mirror.
fn project(repositories: &[(&str, &str)]) -> Project {
    let project = Project::new(&[("keys/test.rsa.pub", &served(&[]).public_key)]);
    for (repository, packages) in repositories {
        let folder = project.path().join("mirror").join(repository).join("x86_64");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("APKINDEX.tar.gz"), index(packages)).expect("written");
    }
    project
}

fn ask(project: &Project, mirror: &str, arguments: &[&str]) -> Run {
    let mut all = vec!["index"];
    all.extend(arguments);
    all.extend(["--key", "keys/test.rsa.pub", "--mirror", mirror]);
    project.run(&all)
}

fn ask_folder(project: &Project, arguments: &[&str]) -> Run {
    let mirror = format!("file://{}", project.path().join("mirror").display());
    ask(project, &mirror, arguments)
}

const MAIN: &str = "git 2-r0; p:cmd:git=2-r0\nvim 9-r0; p:cmd:vi=9-r0\nnvi 1-r0; p:cmd:vi=1-r0; k:10";

#[test]
fn every_provider_is_named_with_the_choice_and_its_reason() {
    let project = project(&[("v3.19/main", MAIN), ("v3.19/community", "tool 1-r0; p:cmd:git=1-r0")]);
    ask_folder(&project, &["which", "git", "--release", "3.19"]).status(0).prints(&[
        "git 2-r0 (v3.19/main)\ntool 1-r0 (v3.19/community)\nchosen: git, because it has the name git itself\n",
    ]);
    ask_folder(&project, &["which", "wget", "--release", "3.19"]).status(0).prints(&["is in the base: /usr/bin/wget"]);
    let run = ask_folder(&project, &["which", "vim", "--release", "3.19", "--format", "json"]).status(1);
    let value: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(value["providers"], serde_json::json!([]));
}

#[test]
fn a_typo_is_told_names_that_are_near() {
    let project = project(&[("v3.20/main", MAIN)]);
    let run = ask_folder(&project, &["which", "gti"]).status(1);
    assert_eq!(run.stdout, "no package of v3.20 brings gti; near: git\n");
}

#[test]
fn other_releases_of_a_folder_are_named() {
    let project = project(&[
        ("v3.9/main", "git 1-r0; p:cmd:git=1-r0"),
        ("v3.20/main", MAIN),
        ("v3.21/community", "zoxide 0.9-r0; p:cmd:zoxide=0.9-r0"),
        ("v3.9/community", "zoxide 0.1-r0; p:cmd:zoxide=0.1-r0"),
    ]);
    let run = ask_folder(&project, &["which", "zoxide"]).status(1);
    assert_eq!(
        run.stdout,
        "no package of v3.20 brings zoxide\nin v3.9 community (zoxide 0.1-r0), not in v3.20 main\n\
         in v3.21 community (zoxide 0.9-r0), not in v3.20 main\n"
    );
    let run = ask_folder(&project, &["which", "zoxide", "--format", "json"]).status(1);
    let value: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let found = serde_json::json!({"package": "zoxide", "version": "0.9-r0", "repository": "v3.21/community"});
    assert_eq!(value["elsewhere"][1], found);
}

#[test]
fn kept_indexes_of_other_releases_answer_and_nobody_is_asked() {
    let old = served(&[("v3.20/main", MAIN), ("v3.20/community", "")]);
    let new = served(&[("v3.21/main", ""), ("v3.21/community", "zoxide 0.9-r0; p:cmd:zoxide=0.9-r0")]);
    let project = project(&[]);
    let absent = ask(&project, &old.address, &["which", "zoxide"]).status(1);
    assert_eq!(absent.stdout, "no package of v3.20 brings zoxide\n");
    ask(&project, &new.address, &["update", "--release", "v3.21"]).status(0);
    new.asked();
    let found = ask(&project, &old.address, &["which", "zoxide"]).status(1);
    found.prints(&["in v3.21 community (zoxide 0.9-r0), not in v3.20 main, v3.20 community\n"]);
    assert_eq!(new.asked(), Vec::<String>::new());
}

#[test]
fn without_a_cache_nothing_is_kept_or_used() {
    let mirror = served(&[("v3.20/main", MAIN)]);
    let project = project(&[]);
    for _ in 0..2 {
        let arguments = ["which", "git", "--repository", "main", "--no-cache"];
        ask(&project, &mirror.address, &arguments).status(0).prints(&["git 2-r0 (v3.20/main)"]);
        assert_eq!(mirror.asked().len(), 1, "the mirror is asked each time");
    }
    assert!(!project.path().join(".cache/index").exists());
    ask(&project, &mirror.address, &["which", "git", "--no-cache", "--offline"]).status(2).notes(&["no index is kept"]);
}

/// Wolfi's repository: one folder above the architecture, no releases, a key of its own.
#[test]
fn a_repository_without_releases_is_read_with_its_own_key() {
    let wolfi = served(&[("os", "curl 8-r0; p:cmd:curl=8-r0; D:glibc\nglibc 2-r0")]);
    let project = project(&[]);
    let repository = format!("{}/os", wolfi.address);
    let run = ask(&project, "http://127.0.0.1:9", &["which", "curl", "--repository", &repository]).status(0);
    assert!(run.stdout.starts_with(&format!("curl 8-r0 ({repository})\n")), "{}", run.stdout);
    assert_eq!(wolfi.asked(), ["/os/x86_64/APKINDEX.tar.gz"]);
    let closure = ["closure", "curl", "--base", "empty", "--repository", &repository];
    ask(&project, "http://127.0.0.1:9", &closure).status(0).prints(&["glibc 2-r0", "curl needs glibc", "2 packages"]);
    let untrusted = project.run(&["index", "which", "curl", "--repository", &repository, "--no-cache"]).status(2);
    untrusted.notes(&[&repository, "signed with a key that is not trusted: test.rsa.pub"]);
    let list = ask(&project, "http://127.0.0.1:9", &["list", "--repository", &repository]).status(0);
    list.prints(&[&repository, "2 packages", "signed by test.rsa.pub"]);
}

#[test]
fn a_private_repository_of_the_manifest_is_locked_with_its_key() {
    let alpine = served(&[("v3.20/main", MAIN)]);
    let private =
        served(&[("apk", "deployer 3-r0; p:cmd:deployer=3-r0; D:cmd:git"), ("beta", "beta 1-r0; p:cmd:beta=1")]);
    let manifest = format!(
        "version: 1\nalpine:\n  mirror: {}\n  repositories: [main, '{}/apk', '@beta {}/beta']\n  keys: [keys/test.rsa.pub]\n\
         images:\n  server:\n    dockerfile: Dockerfile\n    template: static-binary\n    base: alpine:3.20\n    \
         programs: {{deployer: {{}}}}\n    vars: {{prebuilt: dist/server}}\n",
        alpine.address, private.address, private.address
    );
    let project = project(&[]);
    project.write("aboard.yaml", &manifest);
    project.run(&["lock"]).status(0);
    let lock = project.read("aboard.lock");
    for part in ["version: 3-r0", "- deployer", &format!("url: {}/apk", private.address), "git:"] {
        assert!(lock.contains(part), "{part} in\n{lock}");
    }
    project.run(&["render"]).status(0);
    let dockerfile = project.read("Dockerfile");
    assert!(dockerfile.contains(&format!("{}/apk", private.address)), "{dockerfile}");
    assert!(dockerfile.contains("keys/test.rsa.pub"), "{dockerfile}");
}

const INSTALLED: &str = "musl 1-r0; p:so:musl=1\nbusybox 1-r0; D:so:musl; p:cmd:sh=1-r0";
const OFFERED: &str = "musl 1-r0; p:so:musl=1\nbusybox 1-r0; D:so:musl; p:cmd:sh=1-r0\napp 2-r0; D:cmd:sh so:musl libx\nlibx 1-r0\n\
                       plain 1-r0; D:so:libc.musl-x86_64.so.1";

fn comes(run: &Run) -> Vec<String> {
    let value: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let packages = value["packages"].as_array().expect("a list");
    packages.iter().map(|package| package["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn the_base_may_be_given_in_every_form() {
    let project = project(&[("v3.20/main", OFFERED)]);
    project.write("root/lib/apk/db/installed", &text(INSTALLED));
    project.write("root/etc/apk/world", "busybox\n");
    let layer = Tar::new().file("lib/apk/db/installed", 0o644, text(INSTALLED).as_bytes()).file(
        "etc/apk/world",
        0o644,
        b"busybox\n",
    );
    let image = Fixture::new(vec![layer]);
    let archive = image.write_docker_archive(project.path());
    let layout = image.write_layout(&project.path().join("layout"), Pack::Gzip);
    let packages = BTreeMap::from([("musl", "1-r0"), ("busybox", "1-r0")]);
    let owned = packages.into_iter().map(|(name, version)| (name.to_owned(), version.to_owned())).collect();
    let base = LockedBase { reference: "registry.example/base:1".to_owned(), packages: owned, ..LockedBase::default() };
    let image = LockedImage { base, ..LockedImage::default() };
    let lock = Lock { images: BTreeMap::from([("server".to_owned(), image)]), ..Lock::default() };
    project.write("aboard.lock", &lock.to_text());
    let on = |base: &str| ask_folder(&project, &["closure", "app", "--format", "json", "--base", base]);
    let all = ["app", "busybox", "libx", "musl"];
    assert_eq!(comes(&on("empty").status(0)), all);
    let (archive, layout) = (archive.display().to_string(), layout.display().to_string());
    for base in ["root", &archive, &layout, "registry.example/base:1"] {
        assert_eq!(comes(&on(base).status(0)), ["app", "libx"], "{base}");
    }
    let minimal = ask_folder(&project, &["closure", "plain", "--format", "json"]).status(0);
    assert_eq!(comes(&minimal), ["plain"], "the minimal root of the release has musl");
}

#[test]
fn a_base_that_cannot_be_read_is_told() {
    let project = project(&[("v3.20/main", OFFERED)]);
    let on = |base: &str| ask_folder(&project, &["closure", "app", "--base", base]).status(2);
    project.write("not-an-image", "hello");
    on("not-an-image").notes(&["base not-an-image cannot be read"]);
    let debian = Fixture::new(vec![Tar::new().file("etc/debian_version", 0o644, b"12\n")]);
    let archive = debian.write_docker_archive(project.path()).display().to_string();
    on(&archive).notes(&["has no /lib/apk/db/installed"]);
    project.write("root/lib/apk/db/installed", "P:a\r\n");
    on("root").notes(&["root/lib/apk/db/installed", "line 1 ends in CR LF"]);
}

#[test]
fn an_impossible_set_is_status_1_and_explained() {
    let project = project(&[("v3.20/main", "app 1-r0; D:ssl<3\ncli 2-r0; D:ssl>=3\nssl 1-r0\nssl 3-r0")]);
    let run = ask_folder(&project, &["closure", "app", "cli", "--base", "empty"]).status(1);
    run.prints(&[
        "cannot be installed together:\nssl-1-r0 does not fit; breaks cli-2-r0: ssl>=3; is there for app-1-r0: ssl<3",
    ]);
    let run = ask_folder(&project, &["closure", "app", "cli", "--base", "empty", "--format", "json"]).status(1);
    run.prints(&["\"impossible\""]);
}
