//! A stand-in for a container engine: a script on the PATH that hands out archives as `image save` does, and nothing else.
#![allow(dead_code, reason = "each test file uses a part")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

const SCRIPT: &str = r#"#!/bin/sh
case "$1 $2" in
"version --format") echo 1.2.3 ;;
"image save")
    image=${0%/*}/images/$(printf %s "$4" | tr /: __)
    [ -f "$image" ] || { echo "reference does not exist" >&2; exit 1; }
    cat "$image" ;;
*) echo "unknown command: $*" >&2; exit 1 ;;
esac
"#;

/// A folder for the PATH.
pub struct StandIn {
    folder: TempDir,
}

impl StandIn {
    /// No engine at all; the shell and its tools stay.
    pub fn none() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("images")).expect("made");
        for tool in ["sh", "cat", "tr"] {
            let path = which::which(tool).expect("it is there");
            std::os::unix::fs::symlink(path, folder.path().join(tool)).expect("linked");
        }
        Self { folder }
    }

    /// An engine of this name.
    pub fn new(engine: &str) -> Self {
        Self::none().with(engine, SCRIPT)
    }

    /// As before, with a further program.
    pub fn with(self, program: &str, script: &str) -> Self {
        let path = self.folder.path().join(program);
        fs::write(&path, script).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
        self
    }

    /// Gives the engine an image under a reference; one of the same name is gone.
    pub fn has(&self, reference: &str, archive: &[u8]) {
        let name = reference.replace(['/', ':'], "_");
        fs::write(self.folder.path().join("images").join(name), archive).expect("written");
    }

    /// The PATH: nothing but this.
    pub fn path(&self) -> OsString {
        self.folder.path().into()
    }
}
