//! The rules, one file each, and the one table of them all.
//!
//! A rule looks at a [`Subject`], one image with everything that is known of it, and returns findings. Rules that other
//! steps find (the manifest's, the Dockerfile parser's, `verify`'s) stand in the table too: it drives help, docs and tests.

pub mod applet_option;
pub mod dockerfile_drift;
pub mod dynamic_program;
pub mod missing_file;
pub mod missing_interpreter;
pub mod missing_program;
pub mod not_executable;
pub mod removed_package;
pub mod shadowed_program;
pub mod stale_lock;
pub mod stale_pin;
pub mod stale_program;
pub mod subject;
pub mod undeclared_program;
pub mod unknown_base;
pub mod unknown_effect;
pub mod unknown_package;
pub mod unused_ignore;
pub mod unused_package;
pub mod wrong_stage;

pub use subject::Subject;

use crate::finding::{Finding, Rule};
use crate::resolve::image;
use crate::scan::shell::CRLF_SHEBANG;
use crate::{dockerfile, manifest, render};

/// A row of the table: a rule, and the function that finds it in a subject where `check` does.
pub struct Row {
    /// The rule.
    pub rule: &'static Rule,
    /// What finds it; nothing for rules of other steps.
    pub find: Option<fn(&Subject<'_>) -> Vec<Finding>>,
}

/// The rules of `check` and of the steps before it; those that `check` itself finds carry the function.
static TABLE: &[Row] = &[
    Row { rule: &applet_option::RULE, find: Some(applet_option::find) },
    Row { rule: &dockerfile::DOCKERFILE_SYNTAX, find: None },
    Row { rule: &dockerfile_drift::RULE, find: None },
    Row { rule: &dynamic_program::RULE, find: Some(dynamic_program::find) },
    Row { rule: &image::IMPOSSIBLE_PACKAGES, find: None },
    Row { rule: &missing_file::RULE, find: Some(missing_file::find) },
    Row { rule: &missing_interpreter::RULE, find: Some(missing_interpreter::find) },
    Row { rule: &missing_program::RULE, find: Some(missing_program::find) },
    Row { rule: &not_executable::RULE, find: Some(not_executable::find) },
    Row { rule: &removed_package::RULE, find: Some(removed_package::find) },
    Row { rule: &shadowed_program::RULE, find: Some(shadowed_program::find) },
    Row { rule: &CRLF_SHEBANG, find: None },
    Row { rule: &stale_lock::RULE, find: None },
    Row { rule: &stale_pin::RULE, find: Some(stale_pin::find) },
    Row { rule: &stale_program::RULE, find: Some(stale_program::find) },
    Row { rule: &undeclared_program::RULE, find: Some(undeclared_program::find) },
    Row { rule: &unknown_base::RULE, find: Some(unknown_base::find) },
    Row { rule: &unknown_effect::RULE, find: Some(unknown_effect::find) },
    Row { rule: &image::UNKNOWN_PACKAGE, find: Some(unknown_package::find) },
    Row { rule: &image::UNKNOWN_PROGRAM, find: None },
    Row { rule: &image::UNVERIFIED_PACKAGE, find: None },
    Row { rule: &unused_ignore::RULE, find: Some(unused_ignore::find) },
    Row { rule: &unused_package::RULE, find: Some(unused_package::find) },
    Row { rule: &image::WRONG_PACKAGE, find: None },
    Row { rule: &wrong_stage::RULE, find: Some(wrong_stage::find) },
];

/// Every rule up to `check`; `verify` has its own.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    TABLE.iter().map(|row| row.rule).chain(manifest::RULES.iter().copied()).chain(render::RULES.iter().copied())
}

/// What every rule of the table finds in a subject.
pub fn check(subject: &Subject<'_>) -> Vec<Finding> {
    TABLE.iter().filter_map(|row| row.find).flat_map(|find| find(subject)).collect()
}
