//! Packages by name to everything that installing them brings, with the programs of each.

use super::supply::Supply;
use crate::apk::builtin;
use crate::apk::closure::{self, ClosureError};
use crate::apk::installed::Installed;
use crate::lock::LockedPackage;
use std::collections::BTreeMap;

/// What comes with packages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installation {
    /// Every package that comes, the named ones too.
    pub packages: BTreeMap<String, LockedPackage>,
    /// Named packages that no index at hand has.
    pub unverified: Vec<String>,
}

/// What `apk add` of these requests (`git`, `git=2.45.2-r0`, `git~=2.45`) brings into an image that has `installed`.
///
/// A named package that no index at hand has is taken from the built-in table, without version and dependencies, and is
/// listed as unverified; that it does not exist is for the caller to say.
pub fn install(supply: &Supply, installed: &Installed, requests: &[String]) -> Result<Installation, ClosureError> {
    let mut result = Installation::default();
    let mut known: Vec<&str> = Vec::new();
    for request in requests {
        let name = name_of(request);
        let found = supply.catalog().is_some_and(|catalog| !catalog.providers(name).is_empty());
        if found {
            known.push(request);
            continue;
        }
        if installed.package(name).is_some() {
            continue;
        }
        result.unverified.push(name.to_owned());
        let mut programs: Vec<String> = builtin::programs_of(name).into_iter().map(str::to_owned).collect();
        if name == "busybox-extras" {
            programs.extend(builtin::BUSYBOX_EXTRAS.iter().map(|applet| (*applet).to_owned()));
        }
        result.packages.insert(name.to_owned(), LockedPackage { named: true, programs, ..LockedPackage::default() });
    }
    if let Some(catalog) = supply.catalog() {
        let closure = closure::closure(catalog, installed, &known)?;
        for added in closure.packages {
            let entry =
                catalog.versions(&added.name).into_iter().find(|entry| entry.package.version() == added.version);
            let mut programs: Vec<String> = entry
                .iter()
                .flat_map(|entry| entry.package.programs().map(|(program, _)| program.to_owned()))
                .collect();
            if added.name == "busybox-extras" {
                programs.extend(builtin::BUSYBOX_EXTRAS.iter().map(|applet| (*applet).to_owned()));
            }
            programs.sort();
            programs.dedup();
            let (asked, because): (Vec<String>, Vec<String>) =
                added.because.into_iter().partition(|reason| reason == "requested");
            result.packages.insert(
                added.name,
                LockedPackage {
                    version: Some(added.version),
                    repository: Some(added.repository),
                    named: !asked.is_empty(),
                    because: if asked.is_empty() { because } else { Vec::new() },
                    programs,
                    download_size: added.download_size,
                    installed_size: added.installed_size,
                },
            );
        }
    }
    Ok(result)
}

/// The package's name in a request: what stands before a constraint or a repository tag.
pub fn name_of(request: &str) -> &str {
    request.split(['=', '<', '>', '~', '@']).next().unwrap_or(request)
}
