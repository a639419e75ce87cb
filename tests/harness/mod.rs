//! The binary as users run it: a temporary project, a scrubbed environment, the exit status stated.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A project in a folder of its own that is gone afterwards.
pub struct Project {
    folder: TempDir,
}

/// What a run came to.
pub struct Run {
    /// The exit status.
    pub status: i32,
    /// What it printed as its result.
    pub stdout: String,
    /// Notes and errors.
    pub stderr: String,
}

#[allow(dead_code, reason = "not every test file that includes the harness uses all of it")]
impl Project {
    /// A project with these files.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let project = Self { folder };
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// The project's folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, with its folders.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder is made");
        fs::write(path, text).expect("the file is written");
    }

    /// Reads a file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.path().join(path)).expect("the file is there")
    }

    /// Runs `aboard` in the project's folder.
    pub fn run(&self, arguments: &[&str]) -> Run {
        run_in(self.folder.path(), &self.folder.path().join(".cache"), arguments)
    }

    /// As [`Self::run`], with these variables in the environment.
    pub fn run_with(&self, environment: &[(&str, &OsStr)], arguments: &[&str]) -> Run {
        run_in_with(self.folder.path(), &self.folder.path().join(".cache"), environment, arguments)
    }
}

/// Runs `aboard` in a folder, with nothing of the caller's environment but the PATH.
pub fn run_in(folder: &Path, cache: &Path, arguments: &[&str]) -> Run {
    run_in_with(folder, cache, &[], arguments)
}

fn run_in_with(folder: &Path, cache: &Path, environment: &[(&str, &OsStr)], arguments: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_aboard"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("ABOARD_CACHE_DIR", cache)
        .env("ABOARD_INDEX_DIR", cache.join("index"))
        .envs(environment.iter().copied())
        .output()
        .expect("aboard starts");
    Run {
        status: output.status.code().expect("aboard ends by itself"),
        stdout: String::from_utf8(output.stdout).expect("the result is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("the notes are UTF-8"),
    }
}

impl Run {
    /// States the exit status; what was printed is shown where it differs.
    #[track_caller]
    pub fn status(self, expected: i32) -> Self {
        assert_eq!(self.status, expected, "\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// States that the result holds each of these.
    #[track_caller]
    #[allow(dead_code, reason = "not every test file that includes the harness uses all of it")]
    pub fn prints(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(
                self.stdout.contains(part),
                "`{part}` is not in stdout:\n{}\nstderr:\n{}",
                self.stdout,
                self.stderr
            );
        }
        self
    }

    /// States that the notes hold each of these.
    #[track_caller]
    #[allow(dead_code, reason = "not every test file that includes the harness uses all of it")]
    pub fn notes(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not in stderr:\n{}", self.stderr);
        }
        self
    }
}

/// The folder of real data beside the project; fails where it is missing.
#[allow(dead_code, reason = "only tests behind `shared-data-tests` use it")]
pub fn shared() -> PathBuf {
    let folder = std::env::var_os("ABOARD_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    assert!(folder.join("data").is_dir(), "{}: the real data is not there; set ABOARD_SHARED", folder.display());
    folder
}
