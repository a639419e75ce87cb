//! `aboard index which`: the packages that bring a program, the one that would be chosen, and where else there is one.

use super::{Indexes, store};
use crate::apk::base::Base;
use crate::apk::catalog::Catalog;
use crate::apk::choice;
use crate::apk::closure::Planner;
use crate::apk::installed::Installed;
use crate::apk::repository::{self, DEFAULT_MIRROR, Loaded, Repository};
use crate::cli::{Global, Outcome};
use crate::report::{self, Format, Printer};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;

/// A package of another release or repository that brings the program.
struct Elsewhere {
    repository: Repository,
    package: String,
    version: String,
}

/// Shows every package that brings a program, and the one that would be chosen; where there is none, names that are near
/// and what other releases have.
pub fn show(
    global: &Global,
    loaded: &[Loaded],
    program: &str,
    which: &Indexes,
    printer: &Printer,
) -> anyhow::Result<Outcome> {
    let catalog = repository::catalog(loaded);
    let base = Base::minimal(&which.release());
    let of_base = base.program(program);
    let provided = catalog.providers_of_program(program);
    let chosen = if provided.len() > 1 {
        let installed = base.installed(&catalog, &which.arch);
        choice::choose(&catalog, &Planner::new(&catalog, &installed), &installed, program)
    } else {
        choice::choose(&catalog, &Planner::new(&Catalog::default(), &Installed::none()), &Installed::none(), program)
    };
    let is_absent = provided.is_empty() && of_base.is_none();
    let near = if is_absent { catalog.near_programs(program, 3) } else { Vec::new() };
    let elsewhere = if is_absent { elsewhere(global, loaded, program, which)? } else { Vec::new() };
    if printer.format == Format::Json {
        let providers: Vec<Value> = provided
            .iter()
            .map(|one| {
                json!({"package": one.entry.package.name(), "version": one.entry.package.version(),
                    "program_version": one.version, "repository": one.entry.source.repository})
            })
            .collect();
        let chosen = chosen.map(|one| json!({"package": one.entry.package.name(), "reason": one.reason}));
        let base = of_base.map(|one| json!({"package": one.package, "path": one.path}));
        let elsewhere: Vec<Value> = elsewhere
            .iter()
            .map(|one| json!({"package": one.package, "version": one.version, "repository": one.repository.label}))
            .collect();
        let value = json!({"version": 1, "program": program, "base": base, "providers": providers, "chosen": chosen,
            "near": near, "elsewhere": elsewhere});
        printer.result(&report::json::to_text(&value));
    } else {
        let mut text = String::new();
        if let Some(one) = of_base {
            let _ = writeln!(text, "{program} is in the base: {} ({})", one.path, one.package);
        }
        for one in &provided {
            let package = one.entry.package;
            let _ = writeln!(text, "{} {} ({})", package.name(), package.version(), one.entry.source.repository);
        }
        if let Some(one) = &chosen {
            let _ = writeln!(text, "chosen: {}, because {}", one.entry.package.name(), one.reason);
        }
        if is_absent {
            let hint = if near.is_empty() { String::new() } else { format!("; near: {}", near.join(", ")) };
            let _ = writeln!(text, "no package of {} brings {program}{hint}", which.release());
        }
        for one in &elsewhere {
            let place = one.repository.label.replacen('/', " ", usize::from(one.repository.label.starts_with('v')));
            let _ = writeln!(text, "in {place} ({} {}), not in {}", one.package, one.version, asked(loaded));
        }
        printer.result(&text);
    }
    Ok(if is_absent { Outcome::Refused } else { Outcome::Done })
}

/// The repositories that were asked, in words (`v3.20 main, v3.20 community`).
fn asked(loaded: &[Loaded]) -> String {
    loaded.iter().map(|one| one.repository.label.replacen('/', " ", 1)).collect::<Vec<_>>().join(", ")
}

/// What the other indexes at hand have for a program; no mirror is asked.
fn elsewhere(global: &Global, loaded: &[Loaded], program: &str, which: &Indexes) -> anyhow::Result<Vec<Elsewhere>> {
    let asked: BTreeSet<&str> = loaded.iter().map(|one| one.identity.address.as_str()).collect();
    let mirror = global.mirror.as_deref().unwrap_or(DEFAULT_MIRROR);
    let at_hand = store(global, &which.keys)?.at_hand(mirror, &which.repositories, &which.arch);
    let others = at_hand.into_iter().filter(|one| !asked.contains(one.identity.address.as_str()));
    let found = others.flat_map(|one| {
        let catalog = Catalog::new(vec![one.source()]);
        let provided = catalog.providers_of_program(program);
        let found = provided.iter().map(|provided| Elsewhere {
            repository: one.repository.clone(),
            package: provided.entry.package.name().to_owned(),
            version: provided.entry.package.version().to_owned(),
        });
        found.collect::<Vec<_>>()
    });
    Ok(found.collect())
}
