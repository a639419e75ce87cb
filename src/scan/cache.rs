//! Results of earlier scans, kept by content: what was scanned is read and hashed each time, only the work on it is spared.
//!
//! A result is kept for each identity (the project, the roots, the platform and so on), the newest only, and counts for
//! the content and the build of aboard it was made with. What is damaged or of another form is as good as absent; a
//! folder that cannot be written to is no fault.

use super::{FAULT, Scan, ScanContext, Skipped};
use crate::file::{Files, Span};
use crate::site::{ExecSite, Program, Step};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The largest file that is read back, in bytes.
const MAX_SIZE: u64 = 64 << 20;
/// How many results are kept.
const MAX_KEPT: usize = 200;
/// The languages that sites can be of, for a site holds the name itself.
const LANGUAGES: &[&str] = &["deploy", "dockerfile", "go", "javascript", "python", "rust", "service", "shell"];

/// A hash that grows piece by piece; pieces cannot run into each other.
#[derive(Default)]
pub(super) struct Key(Sha256);

impl Key {
    pub(super) fn add(&mut self, piece: impl AsRef<[u8]>) -> &mut Self {
        let piece = piece.as_ref();
        self.0.update((piece.len() as u64).to_le_bytes());
        self.0.update(piece);
        self
    }

    fn finish(self) -> String {
        self.0.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
            text.push(digit(byte >> 4));
            text.push(digit(byte & 15));
            text
        })
    }
}

/// A hash of one piece alone, to hash many in parallel.
pub(super) fn digest(piece: &[u8]) -> [u8; 32] {
    Sha256::digest(piece).into()
}

/// A place: the file by its number in [`Kept::files`], and the bytes.
type Place = (u32, u32, u32);

#[derive(Serialize, Deserialize)]
struct Kept {
    content: String,
    /// Paths, with the hashes of those that were read beside the content.
    files: Vec<(String, Option<String>)>,
    sites: Vec<Site>,
    skipped: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
struct Site {
    /// `name`, `path` or `dynamic`, and the text.
    program: (String, String),
    place: Place,
    language: String,
    api: String,
    trace: Vec<(String, Place)>,
    optional: bool,
    default: bool,
    arguments: Vec<String>,
}

/// What `work` finds, or what it found when it was last asked the same of the same content. Files that `work` reads
/// besides are held against their content too.
pub(super) fn remembered(
    context: &ScanContext<'_>,
    identity: Key,
    content: impl FnOnce() -> Key,
    work: impl FnOnce() -> Scan,
) -> Scan {
    let Some(folder) = &context.cache else { return work() };
    let mut identity = identity;
    identity.add(context.tree.root().to_string_lossy().as_bytes());
    let file = folder.join("scan").join(format!("{}.json", identity.finish()));
    let mut content = content();
    content.add(build());
    let content = content.finish();
    if let Some(scan) = load(context, &file, &content) {
        return scan;
    }
    let before = context.tree.files().len();
    let scan = work();
    if scan.findings.is_empty() && scan.skipped.iter().all(|skipped| skipped.why != FAULT) {
        // Without a place to keep it the next run does the work again.
        let _ = store(context.tree.files(), before, &file, content, &scan);
    }
    scan
}

/// This build of aboard: its version, and the program file's size and time.
fn build() -> String {
    let program = std::env::current_exe().and_then(std::fs::metadata);
    let stamp = program.and_then(|about| Ok((about.len(), about.modified()?)));
    format!("{} {:?}", env!("CARGO_PKG_VERSION"), stamp.ok())
}

fn load(context: &ScanContext<'_>, file: &Path, content: &str) -> Option<Scan> {
    if std::fs::metadata(file).ok()?.len() > MAX_SIZE {
        return None;
    }
    let kept: Kept = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    if kept.content != content {
        return None;
    }
    let mut files = Vec::with_capacity(kept.files.len());
    for (path, hash) in &kept.files {
        let id = match context.tree.files().find(path) {
            Some(id) => id,
            None => context.tree.read(path).ok()?,
        };
        let source = context.tree.files().get(id);
        if hash.as_ref().is_some_and(|hash| hex(source.text()) != *hash) {
            return None;
        }
        files.push((id, source));
    }
    let span = |(file, start, end): Place| {
        let (id, source) = files.get(file as usize)?;
        let (from, to) = (start as usize, end as usize);
        source.text().get(from..to)?;
        Some(Span::new(*id, from, to))
    };
    let mut scan = Scan::default();
    for site in kept.sites {
        let language = LANGUAGES.iter().find(|known| **known == site.language)?;
        let (kind, text) = site.program;
        let program = match kind.as_str() {
            "name" => Program::Name(text),
            "path" => Program::Path(text),
            "dynamic" => Program::Dynamic(text),
            _ => return None,
        };
        let trace: Option<Vec<Step>> =
            site.trace.into_iter().map(|(what, place)| Some(Step { what, span: span(place)? })).collect();
        scan.sites.push(ExecSite {
            program,
            span: span(site.place)?,
            language,
            api: site.api,
            trace: trace?,
            optional: site.optional,
            default: site.default,
            arguments: site.arguments,
        });
    }
    scan.skipped = kept.skipped.into_iter().map(|(path, why)| Skipped { path, why }).collect();
    Some(scan)
}

fn hex(text: &str) -> String {
    let mut key = Key::default();
    key.add(text);
    key.finish()
}

/// Writes a result beside its place and then over it, so that no reader meets half of one.
fn store(files: &Files, before: usize, file: &Path, content: String, scan: &Scan) -> std::io::Result<()> {
    let mut numbers: HashMap<crate::file::FileId, u32> = HashMap::new();
    let mut paths: Vec<(String, Option<String>)> = Vec::new();
    for id in files.since(before) {
        let source = files.get(id);
        numbers.insert(id, paths.len() as u32);
        paths.push((source.path().to_owned(), Some(hex(source.text()))));
    }
    let mut place = |span: Span| {
        let number = *numbers.entry(span.file).or_insert_with(|| {
            paths.push((files.path(span.file), None));
            paths.len() as u32 - 1
        });
        (number, span.start, span.end)
    };
    let sites = scan.sites.iter().map(|site| Site {
        program: match &site.program {
            Program::Name(text) => ("name".to_owned(), text.clone()),
            Program::Path(text) => ("path".to_owned(), text.clone()),
            Program::Dynamic(reason) => ("dynamic".to_owned(), reason.clone()),
        },
        place: place(site.span),
        language: site.language.to_owned(),
        api: site.api.clone(),
        trace: site.trace.iter().map(|step| (step.what.clone(), place(step.span))).collect(),
        optional: site.optional,
        default: site.default,
        arguments: site.arguments.clone(),
    });
    let sites = sites.collect();
    let skipped = scan.skipped.iter().map(|skipped| (skipped.path.clone(), skipped.why.clone())).collect();
    let kept = Kept { content, files: paths, sites, skipped };
    let folder: PathBuf = file.parent().unwrap_or(Path::new(".")).to_owned();
    std::fs::create_dir_all(&folder)?;
    let mut beside = tempfile::NamedTempFile::new_in(&folder)?;
    beside.write_all(&serde_json::to_vec(&kept)?)?;
    beside.persist(file)?;
    drop_oldest(&folder)
}

/// Keeps the newest results alone: projects come and go.
fn drop_oldest(folder: &Path) -> std::io::Result<()> {
    let mut kept: Vec<_> = std::fs::read_dir(folder)?
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    if kept.len() > MAX_KEPT {
        kept.sort();
        for (_, file) in &kept[..kept.len() - MAX_KEPT] {
            std::fs::remove_file(file)?;
        }
    }
    Ok(())
}
