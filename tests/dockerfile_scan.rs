//! What Dockerfiles start: each case is a Dockerfile and the programs that its last stage runs.

use aboard::scan::{Root, Scan, ScanContext, scan};
use aboard::walk::Tree;
use std::fs;

fn scanned(files: &[(&str, &str)]) -> (tempfile::TempDir, Scan) {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs::write(path, text).expect("written");
    }
    let tree = Tree::open(folder.path()).expect("opened");
    let context = ScanContext::new(&tree);
    let root = Root::parse(&tree, "Dockerfile").expect("a Dockerfile");
    assert_eq!(root.language, "dockerfile");
    let found = scan(&context, &[root]);
    // Every settled name stands in the text at its site, unless it comes from the base image.
    for site in &found.sites {
        let text = tree.files().text(site.span);
        let named = site.program.base_name().is_none_or(|name| text.contains(name));
        assert!(named || !site.trace.is_empty() || text.len() > 1, "{site:?}: {text}");
    }
    (folder, found)
}

/// The programs that the dockerfile itself runs, as `api:program`, sorted.
fn started(text: &str) -> Vec<String> {
    let (_folder, found) = scanned(&[("Dockerfile", text)]);
    let sites = found.sites.iter().filter(|site| site.language == "dockerfile");
    let mut names: Vec<String> = sites.map(|site| format!("{}:{}", site.api, site.program)).collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn exec_forms_name_their_program() {
    assert_eq!(
        started("FROM scratch\nENTRYPOINT [\"/app\", \"serve\"]\nCMD [\"--port\", \"1\"]\n"),
        ["ENTRYPOINT:/app"]
    );
    assert_eq!(started("FROM alpine:3.20\nCMD [ \"nginx\", \"-g\", \"daemon off;\" ]\n"), ["CMD:nginx"]);
}

#[test]
fn cmd_is_arguments_behind_a_program_and_a_program_behind_a_script() {
    let script = "#!/bin/sh\nset -e\nexec \"$@\"\n";
    let text = "FROM alpine:3.20\nCOPY run.sh /run.sh\nENTRYPOINT [\"/run.sh\"]\nCMD [\"server\"]\n";
    let (_folder, found) = scanned(&[("Dockerfile", text), ("run.sh", script)]);
    let sites = found.sites.iter().filter(|site| site.api == "CMD");
    assert_eq!(sites.map(|site| site.program.to_string()).collect::<Vec<_>>(), ["server"]);
    // A word that the script takes for itself is no program.
    let script = "#!/bin/sh\ncase $1 in\n  app:start) exec real ;;\n  *) exec \"$@\" ;;\nesac\n";
    let text = text.replace("server", "app:start");
    let (_folder, found) = scanned(&[("Dockerfile", &text), ("run.sh", script)]);
    assert!(found.sites.iter().all(|site| site.api != "CMD"), "{:?}", found.sites);
    assert_eq!(started("FROM alpine:3.20\nENTRYPOINT [\"git\"]\nCMD [\"status\"]\n"), ["ENTRYPOINT:git"]);
}

#[test]
fn only_the_last_stage_ships_and_run_is_no_need() {
    let text =
        "FROM golang:1.25-alpine AS b\nRUN go build\nCMD [\"never\"]\nFROM alpine:3.20\nRUN apk add git\nCMD [\"x\"]\n";
    assert_eq!(started(text), ["CMD:x"]);
}

#[test]
fn a_stage_inherits_what_its_parent_starts() {
    let text =
        "FROM alpine:3.20 AS base\nENTRYPOINT [\"a\"]\nCMD [\"-v\"]\nHEALTHCHECK CMD [\"h\"]\nFROM base\nUSER x\n";
    assert_eq!(started(text), ["ENTRYPOINT:a", "HEALTHCHECK:h"]);
    let text =
        "FROM alpine:3.20 AS base\nENTRYPOINT [\"a\"]\nCMD [\"b\"]\nFROM base\nENTRYPOINT [\"c\"]\nHEALTHCHECK NONE\n";
    assert_eq!(started(text), ["ENTRYPOINT:c"]);
}

#[test]
fn official_images_bring_their_entrypoint() {
    let names = started("FROM node:20-alpine3.20\nCMD [\"yarn\", \"start\"]\n");
    assert_eq!(names, ["CMD:yarn", "ENTRYPOINT:docker-entrypoint.sh"]);
    assert_eq!(started("FROM node:20-alpine\nENTRYPOINT [\"node\", \"x\"]\n"), ["ENTRYPOINT:node"]);
}

#[test]
fn comments_and_healthcheck_none_start_nothing() {
    let text = "FROM alpine:3.20\n# HEALTHCHECK CMD curl localhost\nHEALTHCHECK NONE\nENTRYPOINT [\"a\"]\n";
    assert_eq!(started(text), ["ENTRYPOINT:a"]);
}

#[test]
fn a_here_document_script_names_its_interpreter() {
    let text = "FROM alpine:3.20\nCOPY <<'E' /start\n#!/usr/bin/env -S bash -e\nexec git\nE\nRUN chmod +x /start\nENTRYPOINT [\"/start\"]\n";
    let (_folder, found) = scanned(&[("Dockerfile", text)]);
    let names: Vec<String> = found.sites.iter().map(|site| format!("{}:{}", site.api, site.program)).collect();
    for want in ["ENTRYPOINT:/start", "shebang:/usr/bin/env", "shebang:bash"] {
        assert!(names.contains(&want.to_owned()), "{want} in {names:?}");
    }
}

#[test]
fn a_fault_is_a_finding() {
    let (_folder, found) = scanned(&[("Dockerfile", "FROM alpine:3.20\nRUNN x\n")]);
    assert!(found.sites.is_empty());
    assert_eq!(found.findings.len(), 1);
    assert_eq!(found.findings[0].rule.code, "dockerfile-syntax");
}
