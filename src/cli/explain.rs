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
pub fn rules() -> impl Iterator<Item = &'static Rule> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_rule_is_documented_once_and_every_page_has_its_rule() {
        let mut codes = BTreeSet::new();
        for rule in rules() {
            assert!(codes.insert(rule.code.to_owned()), "{} stands twice", rule.code);
            assert!(
                rule.docs.starts_with(&format!("# {}\n", rule.code)),
                "{}: the page has another heading",
                rule.code
            );
            assert!(!rule.summary.ends_with('.'), "{}: a summary is no sentence", rule.code);
        }
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/findings");
        let pages: BTreeSet<String> = std::fs::read_dir(folder)
            .expect("the pages")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().trim_end_matches(".md").to_owned())
            .collect();
        assert_eq!(pages, codes);
    }
}
