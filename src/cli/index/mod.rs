//! `aboard index`: the package indexes, what they hold, and what installing packages would add.

mod closure;
mod providers;

use super::{Global, Outcome};
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
        /// What is installed before: `minimal` (the release's base image), `empty`, a folder that holds an image's files, an
        /// archive or OCI layout of an image, a base that the project's lock knows, an image of the engine, or with
        /// docker:// in front one of a registry
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
    /// A repository of the release (`main`), or one by its address (`https://packages.wolfi.dev/os`); may be given several
    /// times
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
        let own = self.repositories.iter().filter_map(|name| {
            let is_address = name.contains('/');
            if is_address {
                Repository::from_line(name, &self.arch)
            } else {
                Some(Repository::alpine(mirror, &release, name, &self.arch))
            }
        });
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
        for_once: global.no_cache,
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
            return providers::show(global, &loaded, program, which, printer);
        }
        Command::Closure { packages, base, which } => {
            let loaded = load(global, which, Ask::WhenStale, printer)?;
            let catalog = repository::catalog(&loaded);
            let installed = closure::installed(global, base, &catalog, which, printer)?;
            return closure::show(&catalog, &installed, packages, printer);
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
