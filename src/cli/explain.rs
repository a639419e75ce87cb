//! `aboard explain`: the documentation of a finding.

use super::Outcome;
use crate::check;
use crate::finding::Rule;
use crate::report::Printer;
use crate::verify;
use anyhow::bail;
use std::fmt::Write;

/// The arguments of `aboard explain`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A finding's code; all are listed without one
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

/// Every rule, whoever finds it.
fn rules() -> impl Iterator<Item = &'static Rule> {
    check::rules().chain(verify::RULES.iter().copied())
}

/// Prints one rule's documentation, or the list of rules.
pub fn run(arguments: &Arguments, printer: &Printer) -> anyhow::Result<Outcome> {
    let Some(code) = &arguments.code else {
        let mut text = String::new();
        for rule in rules() {
            let _ = writeln!(text, "{:22} {:8} {}", rule.code, rule.severity.name(), rule.summary);
        }
        printer.result(&text);
        return Ok(Outcome::Done);
    };
    let Some(rule) = rules().find(|rule| rule.code == code) else {
        let near = rules().max_by(|a, b| {
            let near = |rule: &&Rule| strsim::jaro_winkler(rule.code, code);
            near(a).total_cmp(&near(b))
        });
        match near {
            Some(near) => bail!("`{code}` is not a finding; `{}` is near, `aboard explain` lists them all", near.code),
            None => bail!("`{code}` is not a finding"),
        }
    };
    printer.result(rule.docs);
    Ok(Outcome::Done)
}
