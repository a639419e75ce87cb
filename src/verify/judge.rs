//! From what was found in an image to rows and findings: the wording of each.

use super::rules::{
    BASE_DRIFT, DANGLING_LINK, MISSING_INTERPRETER, MISSING_LIBRARY, MISSING_LOADER, NOT_EXECUTABLE, PACKAGE_DRIFT,
    PRIVILEGED_PROGRAM, UNKNOWN_USER, WRONG_ARCHITECTURE,
};
use super::{Expectation, Row, Status, Wanted, given_by, size_of, touched};
use crate::check::missing_program;
use crate::finding::{Finding, Rule, Severity};
use crate::image::Image;
use crate::image::library::Lacking;
use crate::image::lookup::{LookupError, Runtime};
use crate::image::packages::Packages;
use crate::image::start::{Start, Trouble};
use crate::image::tree::Found;
use crate::image::user::{Identity, UserError};

/// The number of exec sites that a finding labels.
const SITES_SHOWN: usize = 3;
/// The number of libraries or packages that one finding names.
const NAMES_SHOWN: usize = 20;

/// What judging takes.
pub(super) struct Judge<'a> {
    pub(super) image: &'a Image,
    pub(super) runtime: &'a Runtime<'a>,
    pub(super) packages: &'a Packages,
    pub(super) expected: &'a Expectation<'a>,
}

impl Judge<'_> {
    /// The row of a program, and what is to be said of it.
    pub(super) fn program(&self, wanted: &Wanted, name: &str, result: &Result<Start, Trouble>) -> (Row, Vec<Finding>) {
        let found = match result {
            Ok(start) => Some(start.found.clone()),
            Err(Trouble::Lookup(LookupError::NotExecutable { path, .. })) => {
                self.image.tree.walk("/", path, &Identity::root()).ok()
            }
            Err(Trouble::Lookup(_)) => None,
            Err(_) => self.runtime.find(name).ok(),
        };
        let mut row = Row {
            program: name.to_owned(),
            path: found.as_ref().map(|found| found.path.clone()),
            links: found.iter().flat_map(|found| found.links.iter().map(|(link, _)| link.clone())).collect(),
            given_by: found.as_ref().and_then(|found| given_by(self.image, self.packages, found)),
            size: found.as_ref().and_then(|found| size_of(self.image, found)),
            status: Status::Starts,
            code: None,
        };
        match result {
            Ok(start) => (row, self.privileged(wanted, start)),
            Err(trouble) => {
                let absent = *trouble == Trouble::Lookup(LookupError::NotFound) && wanted.optional;
                row.status = if absent { Status::Absent } else { Status::Fails };
                let finding = self.trouble(wanted, name, trouble);
                row.code = (!absent).then_some(finding.rule.code);
                (row, vec![finding])
            }
        }
    }

    /// A finding about a program: its subject, the places that run it, and its severity where the code copes without.
    fn finding(&self, rule: &'static Rule, wanted: &Wanted, message: String) -> Finding {
        let mut finding = Finding::new(rule, message).subject(format!("image {}", self.image.name));
        if wanted.optional {
            finding.severity = if rule.code == missing_program::RULE.code { Severity::Note } else { Severity::Warning };
        }
        for site in wanted.sites.iter().take(SITES_SHOWN) {
            finding = finding.label(site.span, format!("runs it ({})", site.api));
        }
        if let Some(span) = wanted.declared {
            finding = finding.label(span, "declares it");
        }
        if let Some(origin) = &wanted.origin {
            finding = finding.help(format!("{origin} runs it"));
        }
        if let Some(provider) = &wanted.provider {
            finding = finding.help(format!("by the plan it comes from {provider}"));
        }
        finding
    }

    fn trouble(&self, wanted: &Wanted, name: &str, trouble: &Trouble) -> Finding {
        let new = |rule, message| self.finding(rule, wanted, message);
        match trouble {
            Trouble::Lookup(LookupError::NotFound) => self.not_found(wanted, name),
            Trouble::Lookup(LookupError::Dangling { link, target, missing }) => {
                let message = format!("`{name}` is the link {link} to {target}, which leads nowhere");
                new(&DANGLING_LINK, message).help(format!("nothing stands at {missing}"))
            }
            Trouble::Lookup(LookupError::NotExecutable { path, why }) => {
                new(&NOT_EXECUTABLE, format!("`{name}` is at {path}, but {why}"))
            }
            Trouble::NoProgram { path, why } => new(&NOT_EXECUTABLE, format!("`{name}` is at {path}, which is {why}")),
            Trouble::WrongArchitecture { path, built_for, sometimes } => {
                let message = format!("`{name}` ({path}) is built for {built_for}, not {}", self.expected.platform);
                let finding = new(&WRONG_ARCHITECTURE, message);
                if *sometimes && finding.severity == Severity::Error {
                    return finding
                        .severity(Severity::Warning)
                        .help("it runs only where the kernel supports such programs");
                }
                finding
            }
            Trouble::MissingLoader { path, loader, why, glibc_on_musl } => {
                let finding = new(&MISSING_LOADER, format!("`{name}` ({path}) asks for the loader {loader}: {why}"));
                if *glibc_on_musl {
                    return finding
                        .help("it is built for glibc, and the image has musl")
                        .help("build it statically or on Alpine, or take the distribution's package");
                }
                finding
            }
            Trouble::MissingLibrary { path, lacking } => self.missing_library(wanted, name, path, lacking),
            Trouble::MissingInterpreter { path, interpreter, why, carriage_return } => {
                let message = format!("`{name}` ({path}) is a script for {}, but {why}", shown(interpreter));
                let finding = new(&MISSING_INTERPRETER, message);
                if *carriage_return {
                    return finding.help("its first line ends in a carriage return, which becomes part of the name");
                }
                let program = interpreter.rsplit('/').next().unwrap_or(interpreter);
                self.provided(finding, &format!("cmd:{program}"))
            }
            Trouble::NoApplet { path, busybox, applet } => {
                new(&DANGLING_LINK, format!("`{name}` is the link {path} to {busybox}, which has no applet `{applet}`"))
            }
        }
    }

    fn not_found(&self, wanted: &Wanted, name: &str) -> Finding {
        let message = if name.contains('/') {
            format!("`{name}` is run, but nothing is there in the image")
        } else {
            format!("`{name}` is run, but is not on the image's PATH")
        };
        let finding = self.finding(&missing_program::RULE, wanted, message);
        let base = name.rsplit('/').next().unwrap_or(name);
        let finding = match self.elsewhere(base) {
            Some(path) => finding.help(format!("the image has {path}, where it is not looked up")),
            None => finding,
        };
        let finding = self.provided(finding, &format!("cmd:{base}"));
        if name.contains('/') { finding } else { finding.help(format!("PATH is {}", self.image.config.path())) }
    }

    /// A program of the name in a folder where programs are kept, but not looked up.
    fn elsewhere(&self, name: &str) -> Option<String> {
        const FOLDERS: [&str; 8] =
            ["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/libexec", "/opt/bin"];
        let there = |folder: &&&str| self.runtime.executable("/", &format!("{folder}/{name}")).is_ok();
        FOLDERS.iter().find(there).map(|folder| format!("{folder}/{name}"))
    }

    fn missing_library(&self, wanted: &Wanted, name: &str, path: &str, lacking: &[Lacking]) -> Finding {
        let named: Vec<String> = lacking
            .iter()
            .take(NAMES_SHOWN)
            .map(|lacking| match &lacking.version {
                Some(version) => format!("{version} of {}", lacking.library),
                None => lacking.library.clone(),
            })
            .collect();
        let message = format!("`{name}` ({path}) needs {}, which the image lacks", named.join(", "));
        let mut finding = self.finding(&MISSING_LIBRARY, wanted, message);
        for lacking in lacking.iter().take(NAMES_SHOWN) {
            if lacking.needed_by != path {
                finding = finding.help(format!("{} is needed by {}", lacking.library, lacking.needed_by));
            }
            match (&lacking.instead, self.library_elsewhere(lacking)) {
                (Some(instead), _) => finding = finding.help(instead.clone()),
                (None, Some(path)) => {
                    finding = finding.help(format!("the image has {path}, where the loader does not look"));
                    if self.image.tree.file("/etc/ld.so.conf").is_some() {
                        finding =
                            finding.help("`ldconfig` takes the folders of /etc/ld.so.conf into the loader's cache");
                    }
                }
                (None, None) => {}
            }
            if lacking.version.is_none() {
                finding = self.provided(finding, &format!("so:{}", lacking.library));
            }
        }
        finding
    }

    /// A library of the name in a folder where libraries are kept, but which the loader does not search.
    fn library_elsewhere(&self, lacking: &Lacking) -> Option<String> {
        const FOLDERS: [&str; 7] =
            ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64", "/opt/lib"];
        let mut paths = FOLDERS.iter().map(|folder| format!("{folder}/{}", lacking.library));
        paths.find(|path| lacking.version.is_none() && self.image.tree.file(path).is_some())
    }

    /// Says which packages provide something.
    fn provided(&self, finding: Finding, what: &str) -> Finding {
        let packages = self.expected.provides.map(|provides| provides(what)).unwrap_or_default();
        match packages.as_slice() {
            [] => finding,
            [one] => finding.help(format!("package {one} provides {what}")),
            several => finding.help(format!("one of the packages {} provides {what}", several.join(", "))),
        }
    }

    fn privileged(&self, wanted: &Wanted, start: &Start) -> Vec<Finding> {
        let rights = |found: &Found| {
            let node = self.image.tree.node(found.node);
            let mut rights = Vec::new();
            if node.mode & 0o4000 != 0 {
                rights.push(format!("set-user-id to {}", node.uid));
            }
            if node.mode & 0o2000 != 0 {
                rights.push(format!("set-group-id to {}", node.gid));
            }
            if node.capabilities {
                rights.push("file capabilities".to_owned());
            }
            rights.join(" and ")
        };
        let finding = |found: &Found| {
            let rights = rights(found);
            let message = format!("{} has {rights}", found.path);
            (!rights.is_empty()).then(|| self.finding(&PRIVILEGED_PROGRAM, wanted, message).severity(Severity::Note))
        };
        touched(start).into_iter().filter_map(finding).collect()
    }

    /// What differs between the image's packages and those expected.
    pub(super) fn packages(&self) -> Vec<Finding> {
        let drift =
            |message: String| Finding::new(&PACKAGE_DRIFT, message).subject(format!("image {}", self.image.name));
        self.expected
            .packages
            .iter()
            .filter_map(|wanted| match self.packages.installed.get(&wanted.name) {
                None => Some(drift(format!("package {} {} of the lock is not installed", wanted.name, wanted.version))),
                Some(there) if there.version != wanted.version => Some(drift(format!(
                    "package {} is installed as {}, the lock has {}",
                    wanted.name, there.version, wanted.version
                ))),
                Some(_) => None,
            })
            .collect()
    }

    /// Whether the image stands on the expected base.
    pub(super) fn base(&self) -> Option<Finding> {
        let base = self.expected.base.as_ref()?;
        let own: Vec<String> = self.image.layers.iter().map(|layer| layer.diff_id.to_string()).collect();
        let label = self.image.config.config.labels.get("org.opencontainers.image.base.digest");
        let what = if base.diff_ids.is_empty() {
            let (wanted, label) = (base.digest.as_ref()?, label?);
            if wanted == label {
                return None;
            }
            format!("its label names the base {label}, the lock {wanted}")
        } else if own.starts_with(&base.diff_ids) {
            return None;
        } else {
            match base.diff_ids.len() {
                1 => "its lowest layer is not that of the base in the lock".to_owned(),
                count => format!("its lowest {count} layers are not those of the base in the lock"),
            }
        };
        let message = format!("the image does not stand on the locked {}", base.reference);
        Some(Finding::new(&BASE_DRIFT, message).subject(format!("image {}", self.image.name)).help(what))
    }
}

/// The image cannot run as its user.
pub(super) fn unknown_user(image: &Image, error: &UserError) -> Finding {
    Finding::new(&UNKNOWN_USER, error.to_string()).subject(format!("image {}", image.name))
}

/// A name without control characters.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
