//! `aboard index`: the package indexes, what they hold, and what installing packages would add.

use super::{Global, Outcome};
use crate::apk::base::Base;
use crate::apk::catalog::Catalog;
use crate::apk::choice;
use crate::apk::closure::{Closure, ClosureError, Planner};
use crate::apk::installed::Installed;
use crate::apk::repository::{self, Ask, DEFAULT_MIRROR, Loaded, Options, Repository, RepositoryError, Store};
use crate::apk::signature::Keys;
use crate::report::progress::Progress;
use crate::report::{self, Format, Printer};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

/// The arguments of `aboard index`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What is done with the indexes.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Fetch the indexes anew
    Update(Indexes),
    /// Show the packages that bring a program, and which would be chosen and why
    Which {
        /// The program (`docker`)
        #[arg(value_name = "PROGRAM")]
        program: String,
        #[command(flatten)]
        which: Indexes,
    },
    /// Show what `apk add` of packages would install, and why
    Closure {
        /// Packages, as apk takes them (`git`, `openssl~3.3`, `php@edge`)
        #[arg(value_name = "PACKAGE", required = true)]
        packages: Vec<String>,
        /// What is installed before: `minimal` (the release's base image), `empty`, or a folder that holds an image's files
        #[arg(long, value_name = "BASE", default_value = "minimal")]
        base: String,
        #[command(flatten)]
        which: Indexes,
    },
    /// List the indexes with their state
    List(Indexes),
}

/// Which indexes are meant.
#[derive(Clone, Debug, clap::Args)]
pub struct Indexes {
    /// The Alpine release
    #[arg(long, value_name = "RELEASE", default_value = "v3.20")]
    pub release: String,
    /// A repository of the release; may be given several times
    #[arg(long = "repository", value_name = "NAME", default_values = ["main", "community"])]
    pub repositories: Vec<String>,
    /// A further repository, as a line of /etc/apk/repositories; may be given several times
    #[arg(long = "add-repository", value_name = "LINE")]
    pub further: Vec<String>,
    /// Alpine's word for the architecture
    #[arg(long, value_name = "ARCH", default_value = "x86_64")]
    pub arch: String,
    /// A public key that is trusted besides Alpine's; may be given several times
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<PathBuf>,
}

impl Indexes {
    /// The release as a mirror's folder is called (`v3.20` for `3.20`).
    fn release(&self) -> String {
        let digit = self.release.starts_with(|c: char| c.is_ascii_digit());
        if digit { format!("v{}", self.release) } else { self.release.clone() }
    }

    fn repositories(&self, mirror: &str) -> Vec<Repository> {
        let release = self.release();
        let own = self.repositories.iter().map(|name| Repository::alpine(mirror, &release, name, &self.arch));
        let further = self.further.iter().filter_map(|line| Repository::from_line(line, &self.arch));
        own.chain(further).collect()
    }
}

/// The store that the global flags and these keys make.
pub fn store(global: &Global, keys: &[PathBuf]) -> anyhow::Result<Store> {
    let mut trusted = Keys::alpine().clone();
    for path in keys {
        let pem = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        trusted.add(path, &pem)?;
    }
    let options = Options {
        folder: global.index_dir.clone(),
        keys: trusted,
        allow_untrusted: global.allow_untrusted,
        offline: global.offline,
        ..Options::default()
    };
    Ok(Store::open(options)?)
}

/// Loads indexes and says their notes; those that the mirror does not have are left out with a note, unless none is left.
fn load(global: &Global, which: &Indexes, ask: Ask, printer: &Printer) -> anyhow::Result<Vec<Loaded>> {
    let store = store(global, &which.keys)?;
    let mirror = global.mirror.as_deref().unwrap_or(DEFAULT_MIRROR);
    let mut loaded = Vec::new();
    let mut absent = Vec::new();
    let progress = Progress::new(printer.verbosity < 0);
    let received = |address: &str, bytes: u64, whole: Option<u64>| progress.received(address, bytes, whole);
    for answer in store.load_all(&which.repositories(mirror), ask, &received) {
        match answer {
            Ok(one) => {
                one.notes.iter().for_each(|note| printer.note(note));
                loaded.push(one);
            }
            Err(error @ (RepositoryError::NotThere(_) | RepositoryError::Offline(_))) => absent.push(error),
            Err(error) => return Err(error.into()),
        }
    }
    if loaded.is_empty() {
        let reasons: Vec<String> = absent.iter().map(ToString::to_string).collect();
        bail!("{}", reasons.join("\n"));
    }
    for error in &absent {
        printer.note(&error.to_string());
    }
    Ok(loaded)
}

/// Runs one of the commands.
pub fn run(global: &Global, arguments: &Arguments, printer: &Printer) -> anyhow::Result<Outcome> {
    match &arguments.command {
        Command::Update(which) => list(&load(global, which, Ask::Always, printer)?, printer),
        Command::List(which) => list(&load(global, which, Ask::WhenStale, printer)?, printer),
        Command::Which { program, which } => {
            let loaded = load(global, which, Ask::WhenStale, printer)?;
            return Ok(show_providers(&repository::catalog(&loaded), program, which, printer));
        }
        Command::Closure { packages, base, which } => {
            let loaded = load(global, which, Ask::WhenStale, printer)?;
            let catalog = repository::catalog(&loaded);
            let installed = installed(base, &catalog, which, printer)?;
            return show_closure(&catalog, &installed, packages, printer);
        }
    }
    Ok(Outcome::Done)
}

fn list(loaded: &[Loaded], printer: &Printer) {
    let rows = loaded.iter().map(|one| {
        let identity = &one.identity;
        json!({
            "repository": identity.repository, "address": identity.address, "description": identity.description,
            "digest": format!("sha256:{}", identity.digest), "newest_package": repository::date(identity.newest),
            "signer": identity.signer, "packages": one.index.len(), "changed": one.changed,
        })
    });
    if printer.format == Format::Json {
        let value = json!({"version": 1, "indexes": rows.collect::<Vec<Value>>()});
        return printer.result(&report::json::to_text(&value));
    }
    let mut text = String::new();
    for one in loaded {
        let identity = &one.identity;
        let _ = writeln!(
            text,
            "{}: {} ({} packages, newest of {}), {}, asked {} ago",
            identity.repository,
            identity.description,
            one.index.len(),
            repository::date(identity.newest),
            identity.signer.as_ref().map_or_else(|| "not verified".to_owned(), |key| format!("signed by {key}")),
            repository::age(identity.checked),
        );
    }
    printer.result(&text);
}

/// Every package that brings a program, and the one that would be chosen.
fn show_providers(catalog: &Catalog, program: &str, which: &Indexes, printer: &Printer) -> Outcome {
    let base = Base::minimal(&which.release());
    let of_base = base.program(program);
    let provided = catalog.providers_of_program(program);
    let chosen = if provided.len() > 1 {
        let installed = base.installed(catalog, &which.arch);
        choice::choose(catalog, &Planner::new(catalog, &installed), &installed, program)
    } else {
        choice::choose(catalog, &Planner::new(&Catalog::default(), &Installed::none()), &Installed::none(), program)
    };
    let near = if provided.is_empty() && of_base.is_none() { catalog.near_programs(program, 3) } else { Vec::new() };
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
        let value = json!({"version": 1, "program": program, "base": base, "providers": providers, "chosen": chosen,
            "near": near});
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
        if provided.is_empty() && of_base.is_none() {
            let hint = if near.is_empty() { String::new() } else { format!("; near: {}", near.join(", ")) };
            let _ = writeln!(text, "no package of {} brings {program}{hint}", which.release());
        }
        printer.result(&text);
    }
    if provided.is_empty() && of_base.is_none() { Outcome::Refused } else { Outcome::Done }
}

/// What is installed before.
fn installed(base: &str, catalog: &Catalog, which: &Indexes, printer: &Printer) -> anyhow::Result<Installed> {
    match base {
        "empty" => Ok(Installed::none()),
        "minimal" => {
            let base = Base::minimal(&which.release());
            base.stand_in().iter().for_each(|note| printer.note(note));
            Ok(base.installed(catalog, &which.arch))
        }
        folder => {
            let root = PathBuf::from(folder);
            let database = root.join("lib/apk/db/installed");
            let text = fs::read_to_string(&database)
                .with_context(|| format!("{}: --base is minimal, empty, or an image's folder", database.display()))?;
            let world = fs::read_to_string(root.join("etc/apk/world")).unwrap_or_default();
            Installed::parse(text, &world).with_context(|| database.display().to_string())
        }
    }
}

fn show_closure(
    catalog: &Catalog,
    installed: &Installed,
    packages: &[String],
    printer: &Printer,
) -> anyhow::Result<Outcome> {
    let requests: Vec<&str> = packages.iter().map(String::as_str).collect();
    let closure = match Planner::new(catalog, installed).add(&requests) {
        Ok(closure) => closure,
        Err(ClosureError::Impossible(problems)) => {
            if printer.format == Format::Json {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                printer.result(&report::json::to_text(&json!({"version": 1, "impossible": problems})));
            } else {
                let lines: Vec<String> = problems.iter().map(|problem| format!("{problem}\n")).collect();
                printer.result(&format!("these packages cannot be installed together:\n{}", lines.concat()));
            }
            return Ok(Outcome::Refused);
        }
        Err(error) => return Err(error.into()),
    };
    if printer.format == Format::Json {
        printer.result(&report::json::to_text(&closure_json(&closure)));
    } else {
        printer.result(&closure_text(&closure));
    }
    Ok(Outcome::Done)
}

fn closure_json(closure: &Closure) -> Value {
    let packages = closure.packages.iter().map(|added| {
        json!({"name": added.name, "version": added.version, "replaces": added.replaces, "repository": added.repository,
            "download_size": added.download_size, "installed_size": added.installed_size, "because": added.because})
    });
    json!({"version": 1, "packages": packages.collect::<Vec<Value>>(), "removed": closure.removed,
        "download_size": closure.download_size, "installed_size": closure.installed_size})
}

fn closure_text(closure: &Closure) -> String {
    let mut text = String::new();
    for added in &closure.packages {
        let from = added.replaces.as_ref().map_or_else(String::new, |old| format!(" in place of {old}"));
        let because = added.because.first().map_or("", String::as_str);
        let more = match added.because.len() {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let size = choice::size(added.installed_size);
        let _ = writeln!(text, "{} {}{from} ({size}): {because}{more}", added.name, added.version);
    }
    for removed in &closure.removed {
        let _ = writeln!(text, "{removed} goes");
    }
    let grown = u64::try_from(closure.installed_size).unwrap_or(0);
    let count = closure.packages.len();
    let plural = if count == 1 { "" } else { "s" };
    let download = choice::size(closure.download_size);
    let _ = writeln!(text, "{count} package{plural}, {download} to download, {} installed", choice::size(grown));
    text
}
