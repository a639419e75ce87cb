//! What one stage of a Dockerfile makes of its image: packages, files, environment, and what starts.
//!
//! The plan follows the stage from its base, through the stages that it starts from, instruction by instruction. It reads no
//! registry and runs nothing: what a base image holds is another module's knowledge, and what a `RUN` does beyond the
//! commands that are understood is an [`UnknownEffect`].

use super::base::Base;
use super::model::{Command, HereDoc};
use crate::file::Span;
use std::collections::BTreeMap;

/// The image that a stage makes, as far as its instructions say.
#[derive(Clone, Debug)]
pub struct StagePlan {
    /// The stage's place in the file.
    pub stage: usize,
    /// The stage's name, else its number.
    pub label: String,
    /// The stages whose instructions take part, the base-most first, this one last.
    pub chain: Vec<usize>,
    /// The image that the first of them starts from.
    pub base: Base,
    /// Packages that apk has installed in the end, in the order of the file.
    pub packages: Vec<Package>,
    /// Packages that were installed, or that the base may have had, and that a later command removed.
    pub removed: Vec<Removed>,
    /// Packages of other package managers (apt, dnf, …), by the manager's name.
    pub foreign: Vec<ForeignPackage>,
    /// Each `apk add` command, for the places where a package can be added.
    pub apk_adds: Vec<ApkAdd>,
    /// The files that instructions put into the image, in order; a later one at the same path replaces an earlier one.
    pub files: Vec<ImageFile>,
    /// The environment of the image, PATH included where the stage or a known base sets it.
    pub env: BTreeMap<String, String>,
    /// The place that set each variable of the environment, for those that the Dockerfile sets.
    pub env_spans: BTreeMap<String, Span>,
    /// `ARG` values, which `RUN` sees and the image does not.
    pub args: BTreeMap<String, String>,
    /// `USER`, expanded.
    pub user: Option<Set<String>>,
    /// `WORKDIR`, absolute.
    pub workdir: String,
    /// Every folder that `WORKDIR` or `mkdir` made.
    pub folders: Vec<String>,
    /// `SHELL`, or the default `/bin/sh -c`.
    pub shell: Vec<String>,
    /// `ENTRYPOINT`, the stage's own or an inherited one.
    pub entrypoint: Option<Set<Command>>,
    /// `CMD`; nothing where an `ENTRYPOINT` below it took it away.
    pub cmd: Option<Set<Command>>,
    /// `HEALTHCHECK`; nothing where there is none or it is `NONE`.
    pub healthcheck: Option<Set<Command>>,
    /// The base's own `ENTRYPOINT` still holds, and its `CMD` where the plan has none.
    pub base_start: bool,
    /// The base's own `HEALTHCHECK` still holds.
    pub base_healthcheck: bool,
    /// `CMD` stands in this stage, so that a later `ENTRYPOINT` leaves it.
    pub(super) cmd_is_own: bool,
    /// What `ONBUILD` leaves to the stages that start from this one.
    pub onbuild: Vec<super::model::Instruction>,
    /// What was compiled or installed from source, in order.
    pub builds: Vec<Build>,
    /// Modes set on paths that no instruction names: whether they can be executed.
    pub(super) modes: Vec<(String, bool)>,
    /// What could not be known.
    pub unknown: Vec<UnknownEffect>,
}

/// A setting, and the instruction that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set<T> {
    /// What was set.
    pub value: T,
    /// The instruction.
    pub span: Span,
    /// The stage that it stands in.
    pub stage: usize,
}

/// A package that `apk add` installs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name, without constraint and tag; may be `so:…` or `cmd:…`.
    pub name: String,
    /// The version constraint as written (`=1.2-r0`, `~1`, `>2`).
    pub constraint: Option<String>,
    /// The repository tag behind `@`.
    pub tag: Option<String>,
    /// The virtual package (`--virtual .deps`) that it was installed under.
    pub virtual_name: Option<String>,
    /// `--repository` values of its command.
    pub repositories: Vec<String>,
    /// Only some runs of the build install it: it stands behind `if`, `case` or `||`.
    pub conditional: bool,
    /// The word that names it, or the whole command where the name came from a variable.
    pub span: Span,
    /// The stage that installs it.
    pub stage: usize,
}

/// A package that `apk del` took away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Its name.
    pub name: String,
    /// Where it was installed; nothing where only the base can have had it.
    pub added: Option<Span>,
    /// The word of the command that removed it.
    pub span: Span,
    /// Removed only on some runs.
    pub conditional: bool,
}

/// A package of another manager than apk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignPackage {
    /// The manager (`apt`, `dnf`, `pip`, `npm`, …).
    pub manager: &'static str,
    /// The name as written, without its version.
    pub name: String,
    /// The word.
    pub span: Span,
}

/// One `apk add` command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApkAdd {
    /// From `apk` to the last word.
    pub span: Span,
    /// The words that name packages, in order, each with the package's name.
    pub words: Vec<(String, Span)>,
    /// The virtual package of the command.
    pub virtual_name: Option<String>,
    /// It stands behind `if`, `case` or `||`.
    pub conditional: bool,
    /// The stage that it stands in.
    pub stage: usize,
}

/// A file or a folder that an instruction puts into the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFile {
    /// The absolute path in the image.
    pub path: String,
    /// A file, a folder with everything in it, or one of the two.
    pub shape: Shape,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether it can be executed: `--chmod`, `chmod`, `install -m`, or the source file's own bits; nothing where unknown.
    pub executable: Option<bool>,
    /// It is there on some runs of the build only.
    pub conditional: bool,
    /// The place that says so.
    pub span: Span,
    /// The stage whose instruction put it there.
    pub stage: usize,
}

/// What stands at a path of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// A file.
    File,
    /// A folder, with whatever its source holds below it.
    Tree,
    /// A file or a folder; the Dockerfile alone does not tell.
    Unknown,
}

/// Where a file of the image comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The build context, by its path there.
    Context(String),
    /// Another stage of the file, by its number, and the path there.
    Stage(usize, String),
    /// Another image, or a build context with a name, and the path there.
    Image(String, String),
    /// A URL or a git repository that `ADD` fetches.
    Remote(String),
    /// A here-document.
    HereDoc(HereDoc),
    /// A link, with its target as written.
    Link(String),
    /// A command of a `RUN`, by its program (`curl`, `go build`, `install`).
    Built(String),
}

/// A build tool's run inside a `RUN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// The tool.
    pub tool: BuildTool,
    /// The folder of the image that it runs in; may hold U+FFFC where it is not known.
    pub folder: String,
    /// What it is told to build, as written: Go packages, cargo binaries, npm words, pip folders, make targets.
    pub packages: Vec<String>,
    /// The files that it writes, where its command says so.
    pub outputs: Vec<String>,
    /// What `--mount=type=bind` lays into the image while it runs.
    pub binds: Vec<Bind>,
    /// The command.
    pub span: Span,
    /// The stage that it stands in.
    pub stage: usize,
}

/// A tool that makes programs out of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BuildTool {
    /// `cargo build`, `cargo install --path`.
    Cargo,
    /// `go build`, `go install`.
    Go,
    /// make, ninja, cmake, meson.
    Make,
    /// npm, yarn, pnpm, bun.
    Node,
    /// pip and its kin, from a folder.
    Python,
}

/// A `--mount=type=bind`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// The folder in the image.
    pub target: String,
    /// The path in the source; empty for all of it.
    pub source: String,
    /// The stage or image that it comes from; nothing for the build context.
    pub from: Option<String>,
}

/// Something that the plan cannot know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnknownEffect {
    /// The place.
    pub span: Span,
    /// Why it cannot be known.
    pub why: String,
    /// It may put programs into the image or take them away; else it bears on something lesser.
    pub programs: bool,
}

/// What the plan says of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence<'a> {
    /// An instruction puts it there.
    Provided(&'a ImageFile),
    /// It may lie in a folder that an instruction copies.
    Within(&'a ImageFile),
    /// No instruction names it.
    Unnamed,
}

impl StagePlan {
    /// What the instructions say of an absolute path, the last word first.
    pub fn presence(&self, path: &str) -> Presence<'_> {
        if let Some(file) = self.files.iter().rev().find(|file| file.path == path && file.shape != Shape::Tree) {
            return Presence::Provided(file);
        }
        let below = |folder: &str| folder == "/" || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        let within = self.files.iter().rev().find(|file| file.shape != Shape::File && below(&file.path));
        within.map_or(Presence::Unnamed, Presence::Within)
    }

    /// Whether a folder is known to stand at a path: made by an instruction, with files below it, or one that every
    /// distribution has.
    pub fn is_folder(&self, at: &str) -> bool {
        STANDARD_FOLDERS.contains(&at)
            || self.folders.iter().any(|folder| folder == at)
            || self.files.iter().any(|file| {
                (file.path == at && file.shape == Shape::Tree)
                    || super::path::below(at, &file.path).is_some_and(|rest| !rest.is_empty())
            })
    }

    /// The folders of the image's PATH, in order.
    pub fn path_folders(&self) -> Vec<&str> {
        let path = self.env.get("PATH").map_or(DEFAULT_PATH, String::as_str);
        path.split(':').filter(|folder| !folder.is_empty()).collect()
    }

    /// What the instructions say of a program that is looked up on the PATH.
    pub fn program(&self, name: &str) -> Presence<'_> {
        let mut within = Presence::Unnamed;
        for folder in self.path_folders() {
            match self.presence(&super::path::join(folder, name)) {
                found @ Presence::Provided(_) => return found,
                found @ Presence::Within(_) if within == Presence::Unnamed => within = found,
                _ => {}
            }
        }
        within
    }
}

/// The PATH that docker gives an image that sets none.
/// Source: <https://github.com/moby/buildkit/blob/v0.13.0/util/system/path.go>.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Folders that every distribution has. Source: <https://refspecs.linuxfoundation.org/FHS_3.0/fhs/index.html>.
const STANDARD_FOLDERS: [&str; 18] = [
    "/",
    "/bin",
    "/etc",
    "/home",
    "/lib",
    "/opt",
    "/root",
    "/sbin",
    "/srv",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/sbin",
    "/var",
];
