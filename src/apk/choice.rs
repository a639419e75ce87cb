//! Which of several packages an image should have a program from, and the reason in words.
//!
//! The order: what is installed already, a package of the program's own name, the highest provider priority, the smallest
//! closure, then the name. The manifest's word comes before all of it and is not known here.

use super::catalog::{Catalog, Entry};
use super::closure::Planner;
use super::installed::Installed;
use std::cmp::Reverse;
use std::collections::HashSet;

/// The closures that are worked out for one choice. No program of Alpine's has as many providers.
const MOST_WEIGHED: usize = 100;

/// The cost of what cannot be installed, or was not tried.
const NOT_WEIGHED: (u64, usize) = (u64::MAX, usize::MAX);

/// A package chosen among those that bring a program.
#[derive(Clone, Debug)]
pub struct Choice<'a> {
    /// The package.
    pub entry: Entry<'a>,
    /// The version of the program, where the index gives one.
    pub version: Option<&'a str>,
    /// Why this one, as the end of a sentence (`it is the only one`, `its closure is the smallest: 3 packages, 1.2 MB`).
    pub reason: String,
    /// The names of the others, in the order of preference.
    pub others: Vec<&'a str>,
}

/// A candidate with what it is judged by.
struct Candidate<'a> {
    entry: Entry<'a>,
    version: Option<&'a str>,
    installed: bool,
    own_name: bool,
    priority: u32,
    /// Bytes that its closure adds, and packages; the largest numbers where it cannot be installed.
    cost: (u64, usize),
}

/// Chooses the package that brings a program; nothing where none does. Tagged repositories are not looked at.
pub fn choose<'a>(
    catalog: &'a Catalog,
    planner: &Planner<'_>,
    installed: &Installed,
    program: &str,
) -> Option<Choice<'a>> {
    let mut candidates: Vec<Candidate<'a>> = Vec::new();
    let mut known = HashSet::new();
    for provided in catalog.providers_of_program(program) {
        let name = provided.entry.package.name();
        // Of several builds of one package apk takes its own pick.
        if provided.entry.source.tag.is_some() || !known.insert(name) {
            continue;
        }
        candidates.push(Candidate {
            entry: provided.entry,
            version: provided.version,
            installed: installed.package(name).is_some(),
            own_name: name == program,
            priority: provided.entry.package.provider_priority(),
            cost: NOT_WEIGHED,
        });
    }
    let sort = |candidates: &mut Vec<Candidate<'a>>| {
        candidates.sort_by_key(|candidate| {
            let name = candidate.entry.package.name();
            let (installed, own_name) = (Reverse(candidate.installed), Reverse(candidate.own_name));
            (installed, own_name, Reverse(candidate.priority), candidate.cost, name)
        });
    };
    sort(&mut candidates);
    if candidates.len() > 1 {
        for candidate in candidates.iter_mut().take(MOST_WEIGHED) {
            candidate.cost = cost(planner, candidate.entry.package.name());
        }
        sort(&mut candidates);
    }
    let first = candidates.first()?;
    let reason = reason(first, candidates.get(1), program);
    let others = candidates[1..].iter().map(|candidate| candidate.entry.package.name()).collect();
    Some(Choice { entry: first.entry, version: first.version, reason, others })
}

fn cost(planner: &Planner<'_>, name: &str) -> (u64, usize) {
    match planner.add(&[name]) {
        Ok(closure) => (u64::try_from(closure.installed_size).unwrap_or(0), closure.packages.len()),
        Err(_) => NOT_WEIGHED,
    }
}

/// What set the first apart from the second.
fn reason(first: &Candidate<'_>, second: Option<&Candidate<'_>>, program: &str) -> String {
    let Some(second) = second else { return "it is the only one".to_owned() };
    if first.installed != second.installed {
        return "it is installed already".to_owned();
    }
    if first.own_name != second.own_name {
        return format!("it has the name {program} itself");
    }
    if first.priority != second.priority {
        return format!("its provider priority is the highest: {}", first.priority);
    }
    if first.cost != second.cost {
        let (bytes, packages) = first.cost;
        let plural = if packages == 1 { "" } else { "s" };
        return format!("its closure is the smallest: {packages} package{plural}, {}", size(bytes));
    }
    "it comes first by name; nothing else sets them apart".to_owned()
}

/// A size in bytes as a person reads it (`1.2 MB`).
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apk::catalog::Source;
    use crate::apk::index::Index;
    use std::sync::Arc;

    fn record(name: &str, size: u32, rest: &str) -> String {
        format!("C:Q1{name}\nP:{name}\nV:1-r0\nI:{size}\n{rest}\n\n")
    }

    fn chosen(records: &[String], base: &str, program: &str) -> Option<(String, String, usize)> {
        let index = Arc::new(Index::parse(records.concat()).expect("an index"));
        let catalog = Catalog::new(vec![Source { repository: "main".to_owned(), tag: None, index }]);
        let installed = Installed::parse(base.to_owned(), "").expect("a database");
        let planner = Planner::new(&catalog, &installed);
        let choice = choose(&catalog, &planner, &installed, program)?;
        Some((choice.entry.package.name().to_owned(), choice.reason, choice.others.len()))
    }

    #[test]
    fn the_order_is_kept_and_said() {
        let small = record("small", 10, "p:cmd:vi=1-r0");
        let large = record("large", 1_000, "p:cmd:vi=1-r0");
        let ranked = record("ranked", 5_000, "k:10\np:cmd:vi=1-r0");
        let own = record("vi", 9_000, "p:cmd:vi=1-r0");
        let answer = |name: &str, reason: &str, others| Some((name.to_owned(), reason.to_owned(), others));
        let all = [large.clone(), small.clone(), ranked.clone(), own];
        assert_eq!(chosen(&all, "", "vi"), answer("vi", "it has the name vi itself", 3));
        assert_eq!(chosen(&all[..3], "", "vi"), answer("ranked", "its provider priority is the highest: 10", 2));
        assert_eq!(chosen(&all[..2], "", "vi"), answer("small", "its closure is the smallest: 1 package, 10 B", 1));
        assert_eq!(chosen(&all[..1], "", "vi"), answer("large", "it is the only one", 0));
        assert_eq!(chosen(&all, &large, "vi"), answer("large", "it is installed already", 3));
        assert_eq!(chosen(&all, "", "nothing"), None);
    }

    #[test]
    fn what_cannot_be_installed_comes_last() {
        let broken = record("broken", 1, "D:so:gone\np:cmd:vi=1-r0");
        let large = record("large", 1_000, "p:cmd:vi=1-r0");
        assert_eq!(chosen(&[broken, large], "", "vi").expect("chosen").0, "large");
    }

    #[test]
    fn sizes_are_read_by_people() {
        assert_eq!([size(999), size(1_500), size(2_000_000)], ["999 B", "1.5 kB", "2.0 MB"]);
    }
}
