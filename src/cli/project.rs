//! The project: the folder that paths are relative to, and where the user stands in it.

use super::Global;
use super::Outcome;
use crate::manifest::{self, Image, Manifest};
use crate::report::Printer;
use crate::scan::deploy;
use crate::walk::{self, Tree};
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// An opened project.
pub struct Project {
    /// The tree below the project's folder.
    pub tree: Tree,
    /// The manifest's path in the tree, where there is one.
    pub manifest: Option<String>,
    /// The current folder, relative to the project's.
    here: String,
    deploy: OnceLock<deploy::Files>,
}

impl Project {
    /// Opens the project around the current folder: the folder of the manifest, else that of the git repository, else
    /// the current one.
    pub fn open(global: &Global) -> anyhow::Result<Self> {
        let current = std::env::current_dir().context("the current folder cannot be told")?;
        let current = current.canonicalize().context("the current folder cannot be read")?;
        let (root, manifest) = match &global.manifest {
            Some(path) => {
                let real = path.canonicalize().with_context(|| path.display().to_string())?;
                let folder = real.parent().map_or_else(|| current.clone(), Path::to_path_buf);
                let name = real.file_name().map(|name| name.to_string_lossy().into_owned());
                (folder, name)
            }
            None => match above(&current, manifest::FILE_NAME) {
                Some(folder) => (folder, Some(manifest::FILE_NAME.to_owned())),
                None => (above(&current, ".git").unwrap_or_else(|| current.clone()), None),
            },
        };
        let here =
            current.strip_prefix(&root).map_or_else(|_| String::new(), |path| path.to_string_lossy().into_owned());
        Ok(Self { tree: Tree::open(&root)?, manifest, here, deploy: OnceLock::new() })
    }

    /// The files that may start images of the project, looked for once.
    pub fn deploy_files(&self) -> &deploy::Files {
        self.deploy.get_or_init(|| deploy::Files::find(&self.tree))
    }

    /// The manifest that the command needs. One that is not valid is shown and is no manifest: nothing is done from it.
    pub fn manifest(&self, printer: &Printer) -> anyhow::Result<Result<Manifest, Outcome>> {
        let Some(path) = &self.manifest else {
            bail!("no {} here or above; `aboard init` writes one", manifest::FILE_NAME);
        };
        Ok(manifest::read(&self.tree, path).map_err(|findings| {
            printer.findings(self.tree.files(), &findings);
            Outcome::Unusable
        }))
    }

    /// The named images of the manifest, all without any name.
    pub fn images<'m>(&self, manifest: &'m Manifest, names: &[String]) -> anyhow::Result<Vec<&'m Image>> {
        if names.is_empty() {
            return Ok(manifest.images.iter().collect());
        }
        names
            .iter()
            .map(|name| {
                manifest.image(name).with_context(|| {
                    let known: Vec<&str> = manifest.images.iter().map(|image| image.name.value.as_str()).collect();
                    format!("`{name}` is not an image of {}; it has {}", manifest.path, known.join(", "))
                })
            })
            .collect()
    }

    /// A path that the user gave, relative to the project's folder.
    pub fn path(&self, given: &str) -> anyhow::Result<String> {
        let inside = if Path::new(given).is_absolute() {
            let real = Path::new(given).canonicalize().with_context(|| given.to_owned())?;
            real.strip_prefix(self.tree.root()).ok().map(|path| path.to_string_lossy().into_owned())
        } else {
            walk::join(&self.here, given)
        };
        match inside {
            Some(path) => Ok(path),
            None => bail!("{given}: lies outside the project folder {}", self.tree.root().display()),
        }
    }

    /// A root that the user gave: `PATH` or `LANGUAGE:PATH`, the path made relative to the project's folder.
    pub fn root(&self, given: &str) -> anyhow::Result<crate::scan::Root> {
        let argument = match given.split_once(':') {
            Some((language, path)) if !language.contains('/') => format!("{language}:{}", self.path(path)?),
            _ => self.path(given)?,
        };
        Ok(crate::scan::Root::parse(&self.tree, &argument)?)
    }
}

/// The nearest folder from `start` up that holds `name`.
fn above(start: &Path, name: &str) -> Option<PathBuf> {
    start.ancestors().find(|folder| folder.join(name).exists()).map(Path::to_path_buf)
}
