//! Exec sites in Go code: from the main packages, through everything that they import, back from the functions that run
//! programs to the values that name them.
//!
//! Loading follows the Go tool ([`module`], [`load`], [`constraint`], [`imports`]); files are parsed on demand
//! ([`syntax`]). Values are sets, followed across functions, fields and packages without regard to the order of
//! statements ([`engine`], [`eval`], [`variables`], [`fields`], [`calls`], [`models`]). [`sites`] turns them into exec
//! sites.
//!
//! It refuses to guess: what is not settled by the code is reported as dynamic with where it comes from, a package without
//! sources is listed, and nothing of the tree is executed. Programs that run elsewhere (container and ssh APIs) are no
//! sinks; neither is the running program's own path.

mod buffers;
mod calls;
mod channels;
mod commands;
mod constraint;
mod cycles;
mod embedded;
mod engine;
mod eval;
mod fields;
mod flags;
mod formats;
mod guards;
mod imports;
mod live;
mod load;
mod lookup;
mod models;
mod module;
mod outline;
mod owners;
mod package_set;
mod pairs;
mod reach;
mod receivers;
mod shells;
mod sinks;
mod sites;
mod slices;
mod splitters;
mod std_methods;
mod syntax;
mod tags;
mod texts;
mod types;
mod value;
mod variables;
mod word;
mod word_table;
mod words;

use super::cache::{self, Key};
use super::{FAULT, Root, Scan, ScanContext, Skipped};
use crate::platform::Platform;
use crate::walk::Tree;
use constraint::BuildTags;
use embedded::Embedded;
use engine::Engine;
use load::{MainPackage, Program, UnitId};
use module::Workspace;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The stack of a thread that follows values: following nests deep, within its bounds.
const STACK: usize = 64 << 20;

/// How many engines share the files with sinks: more find the same values several times.
const ENGINES: usize = 8;

/// Whether a path is a Go main package, a folder of them, or a file of one.
pub fn detects(tree: &Tree, path: &str) -> bool {
    (!tree.is_file(path) || path.ends_with(".go"))
        && !load::main_packages(tree, path, &BuildTags::new(Platform::default(), &[])).is_empty()
}

/// Scans the roots together.
pub fn scan(context: &ScanContext<'_>, roots: &[Root]) -> Scan {
    let tags = BuildTags::new(context.platform, &context.build_tags);
    let mut scan = Scan::default();
    let mut groups: BTreeMap<String, Vec<MainPackage>> = BTreeMap::new();
    for root in roots {
        let mains = load::main_packages(context.tree, &root.path, &tags);
        if mains.is_empty() {
            scan.skipped.push(Skipped { path: root.path.clone(), why: "no Go main package is there".to_owned() });
        }
        for main in mains {
            groups.entry(module_folder(context.tree, &main.folder)).or_default().push(main);
        }
    }
    let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK).build();
    for mut mains in groups.into_values() {
        mains.sort();
        mains.dedup();
        let run = || scan_mains(context, &tags, &mains);
        scan.extend(match &pool {
            Ok(pool) => pool.install(run),
            Err(_) => run(),
        });
    }
    scan
}

/// The folder of the module that a folder belongs to.
fn module_folder(tree: &Tree, folder: &str) -> String {
    let mut at = folder;
    loop {
        let file = if at.is_empty() { "go.mod".to_owned() } else { format!("{at}/go.mod") };
        if at.is_empty() || tree.is_file(&file) {
            return at.to_owned();
        }
        at = at.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
}

fn scan_mains(context: &ScanContext<'_>, tags: &BuildTags, mains: &[MainPackage]) -> Scan {
    let workspace = Workspace::find(context.tree, &mains[0].folder);
    let program = Program::load(context.tree, &workspace, tags, mains);
    let mut scan = Scan::default();
    for (module, import) in &program.missing {
        let why = format!("no sources of {import} are in the tree, a vendor folder or the module cache");
        scan.skipped.push(Skipped { path: module.clone(), why });
    }
    for (path, why) in &program.unread {
        scan.skipped.push(Skipped { path: path.clone(), why: why.clone() });
    }
    let mut identity = Key::default();
    identity.add("go").add(format!("{:?} {:?} {mains:?}", context.platform, context.build_tags));
    for (name, value) in &context.env {
        identity.add(name).add(value);
    }
    scan.extend(cache::remembered(
        context,
        identity,
        || content(&program),
        || {
            let mut scan = Scan::default();
            let units = sites::units_with_sinks(&program);
            for part in follow(context, tags, &program, &units) {
                scan.extend(part);
            }
            scan
        },
    ));
    // Nobody waits until hundreds of megabytes of small pieces are given back one by one; without a thread for it they are
    // given back here.
    drop(std::thread::Builder::new().spawn(move || drop(program)));
    scan
}

/// Everything that the sites of a program follow from.
fn content(program: &Program) -> Key {
    let mut content = Key::default();
    let digests: Vec<[u8; 32]> = program.units.par_iter().map(|unit| cache::digest(unit.text().as_bytes())).collect();
    for (unit, digest) in program.units.iter().zip(digests) {
        content.add(unit.source.path()).add(digest);
    }
    for missing in program.missing.keys() {
        content.add(missing);
    }
    content
}

/// The sites of each file, in order. What one sink has taught an engine serves the next, so that neighbours share one; how
/// many there are does not hang on the machine, nor does what they find.
fn follow(context: &ScanContext<'_>, tags: &BuildTags, program: &Program, units: &[UnitId]) -> Vec<Scan> {
    let embedded = Embedded::new(context.tree, program);
    let share = units.len().div_ceil(ENGINES).max(1);
    let parts = units.par_chunks(share).flat_map_iter(|units| {
        let engine = || Engine::new(program, tags, &context.env, &embedded);
        let mut own = engine();
        let mut parts = Vec::with_capacity(units.len());
        for &unit in units {
            let mut scan = Scan::default();
            let followed = catch_unwind(AssertUnwindSafe(|| sites::scan_unit(&mut own, context, unit, &mut scan)));
            if followed.is_err() {
                // A fault costs its file a note, not the run; what the engine has learnt is not trusted after it.
                own = engine();
                let path = program.unit(unit).source.path().to_owned();
                scan.skipped.push(Skipped { path, why: FAULT.to_owned() });
            }
            parts.push(scan);
        }
        parts
    });
    parts.collect()
}
