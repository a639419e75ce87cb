//! What an image has, as far as it is known without building it: programs by name, and what put each there.

use crate::dockerfile::DEFAULT_PATH;
use crate::file::Span;
use crate::site::Program;
use crate::walk;
use std::collections::BTreeMap;

/// What puts a program into an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    /// The base image, at a path.
    Base(String),
    /// A package.
    Package {
        /// Its name.
        name: String,
        /// Its version, where an index or the lock says it.
        version: Option<String>,
        /// The packages that the Dockerfile names and that bring it; empty where it is named itself.
        because: Vec<String>,
        /// The `apk add` that installs it.
        span: Option<Span>,
    },
    /// A `COPY` or `ADD`.
    Copied(Span),
    /// A `RUN` that makes it.
    Built(Span),
    /// The manifest's word for it.
    Declared(String),
}

impl Provider {
    /// A few words for people: `package git 2.45.2-r0`, `base`, `COPY`.
    pub fn describe(&self) -> String {
        match self {
            Self::Base(_) => "base".to_owned(),
            Self::Package { name, version, because, .. } => {
                let version = version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
                let because = if because.is_empty() { String::new() } else { format!(", by {}", because.join(", ")) };
                format!("package {name}{version}{because}")
            }
            Self::Copied(_) => "COPY".to_owned(),
            Self::Built(_) => "RUN".to_owned(),
            Self::Declared(why) if why.is_empty() => "declared".to_owned(),
            Self::Declared(why) => format!("declared: {why}"),
        }
    }
}

/// A program that an image has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Given {
    /// Its path; nothing where the index names the program alone.
    pub path: Option<String>,
    /// What put it there.
    pub provider: Provider,
}

/// Something of an image that cannot be known from its Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// What is not known, and why.
    pub why: String,
    /// The instruction.
    pub span: Option<Span>,
}

/// What an image has.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    by_name: BTreeMap<String, Vec<Given>>,
    /// The folders of the image's PATH, in order.
    pub path: Vec<String>,
    /// The folder that relative paths start from.
    pub workdir: String,
    /// What may be there besides.
    pub gaps: Vec<Gap>,
    /// Installed packages of which no index at hand tells what they bring, by name.
    pub unknown_packages: BTreeMap<String, Gap>,
}

impl Contents {
    /// An image that has nothing yet, with the PATH and working folder of its config.
    pub fn new(path: Option<&str>, workdir: &str) -> Self {
        let path = path.unwrap_or(DEFAULT_PATH).split(':').filter(|folder| !folder.is_empty());
        Self {
            path: path.map(|folder| folder.trim_end_matches('/').to_owned()).collect(),
            workdir: if workdir.is_empty() { "/".to_owned() } else { workdir.to_owned() },
            ..Self::default()
        }
    }

    /// Adds a program at a path.
    pub fn add_path(&mut self, path: &str, provider: Provider) {
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        self.by_name.entry(name).or_default().push(Given { path: Some(path.to_owned()), provider });
    }

    /// Adds a program of which the name alone is known; it counts as standing on the PATH.
    pub fn add_name(&mut self, name: &str, provider: Provider) {
        self.by_name.entry(name.to_owned()).or_default().push(Given { path: None, provider });
    }

    /// What gives a program: looked up on the PATH for a name, at its path for a path.
    pub fn find(&self, program: &Program) -> Option<&Given> {
        let given = self.by_name.get(program.base_name()?)?;
        match program {
            Program::Name(_) => {
                given.iter().find(|given| given.path.as_deref().is_none_or(|path| self.is_on_path(path)))
            }
            Program::Path(path) => {
                let wanted = self.absolute(path);
                given.iter().find(|given| given.path.as_deref().is_none_or(|path| path == wanted))
            }
            Program::Dynamic(_) => None,
        }
    }

    /// Where a program of the same name stands that [`Contents::find`] does not reach.
    pub fn elsewhere(&self, program: &Program) -> Vec<&Given> {
        program.base_name().and_then(|name| self.by_name.get(name)).into_iter().flatten().collect()
    }

    /// Every program, by name.
    pub fn programs(&self) -> impl Iterator<Item = (&str, &[Given])> {
        self.by_name.iter().map(|(name, given)| (name.as_str(), given.as_slice()))
    }

    fn is_on_path(&self, path: &str) -> bool {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.path.iter().any(|on_path| on_path == folder)
    }

    fn absolute(&self, path: &str) -> String {
        let joined = if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", self.workdir) };
        format!("/{}", walk::normalize(joined.trim_start_matches('/')).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str) -> Provider {
        Provider::Package { name: name.to_owned(), version: None, because: Vec::new(), span: None }
    }

    #[test]
    fn a_name_is_looked_up_on_the_path_and_a_path_at_its_place() {
        let mut contents = Contents::new(None, "/app");
        contents.add_path("/usr/bin/env", Provider::Base("/usr/bin/env".to_owned()));
        contents.add_path("/opt/tool/bin/tool", Provider::Base("/opt/tool/bin/tool".to_owned()));
        contents.add_path("/app/run.sh", Provider::Declared(String::new()));
        contents.add_name("git", package("git"));
        let found = |text: &str| contents.find(&Program::from_text(text)).is_some();
        assert!(found("env") && found("/usr/bin/env") && found("git") && found("/usr/bin/git"));
        assert!(found("./run.sh") && found("/opt/tool/bin/tool"));
        assert!(!found("tool") && !found("/bin/env") && !found("run.sh") && !found("aws"));
        assert_eq!(contents.elsewhere(&Program::from_text("tool")).len(), 1);
    }

    #[test]
    fn the_images_own_path_counts() {
        let mut contents = Contents::new(Some("/opt/bin/:/bin"), "");
        contents.add_path("/opt/bin/x", Provider::Base(String::new()));
        contents.add_path("/usr/bin/y", Provider::Base(String::new()));
        assert!(contents.find(&Program::from_text("x")).is_some());
        assert!(contents.find(&Program::from_text("y")).is_none());
    }

    #[test]
    fn providers_describe_themselves() {
        let git = Provider::Package {
            name: "perl".to_owned(),
            version: Some("5".to_owned()),
            because: vec!["git".to_owned()],
            span: None,
        };
        assert_eq!(git.describe(), "package perl 5, by git");
        assert_eq!(Provider::Declared("mounted".to_owned()).describe(), "declared: mounted");
    }
}
