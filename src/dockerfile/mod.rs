//! Dockerfiles: text to stages, and what each instruction does to the image.
//!
//! [`parse()`] reads the text, [`plan`] follows one stage from its base and says what stands in the image: packages, files,
//! PATH, user, entrypoint. Nothing is run and nothing is fetched; what a `RUN` does beyond the commands that are
//! understood is listed as an unknown effect, never guessed.

mod base;
mod context;
mod evaluate;
mod expand;
mod heredoc;
mod model;
pub mod official;
mod parse;
pub mod path;
mod plan;
mod run;

pub use base::{Base, Distribution, repository};
pub use context::{Context, Found, matches};
pub use evaluate::{Options, Plans, UnknownTarget};
pub use expand::{Expanded, expand};
pub use model::{
    Command, Copy, Dockerfile, Flag, HereDoc, Instruction, Kind, Run, Source, Stage, Variable, Word, flag,
};
pub use parse::{DOCKERFILE_SYNTAX, parse};
pub use plan::{
    ApkAdd, Bind, Build, BuildTool, DEFAULT_PATH, ForeignPackage, ImageFile, Origin, Package, Presence, Removed, Set,
    Shape, StagePlan, UnknownEffect,
};
