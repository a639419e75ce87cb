//! What a base image brings, as far as it is known without the image.

use crate::apk::installed::Installed;
use crate::lock::LockedBase;
use std::collections::BTreeMap;

/// The facts of a base.
#[derive(Debug, Default)]
pub struct Base {
    /// The programs by path, with the package that each is from (empty where that is not known).
    pub programs: BTreeMap<String, String>,
    /// The installed packages.
    pub installed: Installed,
    /// What of it goes into the lock.
    pub locked: LockedBase,
    /// Why the facts may not be the base's own (`v3.20 stands in for v3.21`).
    pub note: Option<String>,
}

impl Base {
    /// Whether the image itself was read for these facts.
    pub fn is_read(&self) -> bool {
        self.locked.is_read()
    }

    /// The path of a program given by name or by path.
    pub fn path_of(&self, program: &str) -> Option<&str> {
        if program.contains('/') {
            return self.programs.get_key_value(program).map(|(path, _)| path.as_str());
        }
        self.programs.keys().map(String::as_str).find(|path| path.rsplit('/').next() == Some(program))
    }
}
