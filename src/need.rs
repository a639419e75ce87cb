//! From exec sites to needs: one program with all the places that run it, for one image.

use crate::site::{ExecSite, Program};
use std::collections::BTreeMap;

/// One program that the code runs, with every place that runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The program; never dynamic.
    pub program: Program,
    /// The places, in the order in which they were given.
    pub sites: Vec<ExecSite>,
    /// The code copes with the program's absence at every place.
    pub optional: bool,
}

impl Need {
    /// A need without a place in code: a program that somebody asks for by name.
    pub fn named(program: Program) -> Self {
        Self { program, sites: Vec::new(), optional: false }
    }

    /// The name without its folder.
    pub fn name(&self) -> &str {
        self.program.base_name().unwrap_or_default()
    }
}

/// What a scan's sites come to: the needs, sorted by program, and the sites that could not be settled.
pub fn needs(sites: &[ExecSite]) -> (Vec<Need>, Vec<ExecSite>) {
    let mut by_program: BTreeMap<Program, Need> = BTreeMap::new();
    let mut dynamic = Vec::new();
    for site in sites {
        if site.program.text().is_none() {
            dynamic.push(site.clone());
            continue;
        }
        let need = by_program.entry(site.program.clone()).or_insert_with(|| Need {
            program: site.program.clone(),
            sites: Vec::new(),
            optional: true,
        });
        need.optional &= site.optional;
        need.sites.push(site.clone());
    }
    let mut needs: Vec<Need> = by_program.into_values().collect();
    needs.sort_by(|a, b| (a.name(), &a.program).cmp(&(b.name(), &b.program)));
    (needs, dynamic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{Files, Span};

    #[test]
    fn a_need_is_optional_only_where_every_site_is() {
        let file = Files::new().add("a.go", String::new());
        let site = |text: &str, at: usize, optional: bool| ExecSite {
            optional,
            ..ExecSite::new(Program::from_text(text), Span::new(file, at, at), "go", "exec.Command")
        };
        let dynamic =
            ExecSite::new(Program::Dynamic("user input".to_owned()), Span::new(file, 9, 9), "go", "exec.Command");
        let sites =
            [site("git", 0, true), site("/bin/git", 1, false), site("git", 2, false), site("aws", 3, true), dynamic];
        let (needs, dynamic) = needs(&sites);
        let shown: Vec<_> =
            needs.iter().map(|need| (need.program.to_string(), need.sites.len(), need.optional)).collect();
        assert_eq!(
            shown,
            [("aws".to_owned(), 1, true), ("git".to_owned(), 2, false), ("/bin/git".to_owned(), 1, false)]
        );
        assert_eq!(dynamic.len(), 1);
    }
}
