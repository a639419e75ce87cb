//! Mirrors and the indexes kept from them. This is the one part of [`crate::apk`] that reads, writes and asks the network.
//!
//! An index is kept only once its signature is verified, and only whole. Where a mirror cannot be reached the kept one
//! serves, with a note that says how old it is; where the mirror serves an older one than is kept, the kept one stays.

mod at_hand;
mod fetch;
mod kept;

use super::archive::{Archive, ArchiveError};
use super::catalog::{Catalog, Source};
use super::index::{Index, IndexError};
use super::signature::{Keys, SignatureError, hex};
use etcetera::BaseStrategy;
use fetch::Answer;
use kept::Facts;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{io, thread};

/// The mirror that is asked where none is named.
pub const DEFAULT_MIRROR: &str = "https://dl-cdn.alpinelinux.org/alpine";

/// Told what was received: the address, the bytes so far, and the whole where the mirror says it.
pub type Progress<'a> = &'a (dyn Fn(&str, u64, Option<u64>) + Sync);

/// A [`Progress`] that tells nobody.
pub fn silent(_: &str, _: u64, _: Option<u64>) {}

/// Why an index cannot be had. Each message names the address.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The address is none that aboard can ask: the manifest or the flag is at fault.
    #[error("{0}: not an address of a mirror (https://…, http://… or file:///…)")]
    Address(String),
    /// The mirror has no such file: the release, repository or architecture does not exist there.
    #[error("{0}: the mirror has no such index (wrong release, repository or architecture?)")]
    NotThere(String),
    /// The mirror answered with another status than it should.
    #[error("{address}: the mirror answered with status {status}")]
    Status {
        /// The address.
        address: String,
        /// The HTTP status.
        status: u16,
    },
    /// The mirror was not reached, or broke the connection.
    #[error("{address}: the mirror cannot be reached ({why})")]
    Connection {
        /// The address.
        address: String,
        /// What the system said.
        why: String,
    },
    /// The mirror did not answer in time.
    #[error("{0}: the mirror did not answer in time")]
    TimedOut(String),
    /// The mirror served fewer bytes than it announced.
    #[error("{address}: cut short on the way: {received} of {expected} bytes came")]
    CutShort {
        /// The address.
        address: String,
        /// The bytes that came.
        received: u64,
        /// The bytes that were announced.
        expected: u64,
    },
    /// The file is larger than an index can be.
    #[error("{0}: larger than an index can be")]
    TooLarge(String),
    /// The file is no index archive.
    #[error("{address}: {fault}")]
    Archive {
        /// The address.
        address: String,
        /// What is wrong.
        fault: ArchiveError,
    },
    /// The text inside is no index.
    #[error("{address}: {fault}")]
    Index {
        /// The address.
        address: String,
        /// What is wrong.
        fault: IndexError,
    },
    /// The signature is missing, unknown or wrong.
    #[error("{address}: {fault}; nothing was kept (--allow-untrusted takes it unverified)")]
    Signature {
        /// The address.
        address: String,
        /// What is wrong.
        fault: SignatureError,
    },
    /// There is no kept index, and the network may not be used.
    #[error("{0}: no index is kept and aboard is offline; run `aboard index update` with a network")]
    Offline(String),
    /// The folder that keeps indexes cannot be used.
    #[error("{}: {fault}", .path.display())]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        fault: io::Error,
    },
    /// The system names no folder for caches.
    #[error("no cache folder is known: set HOME, or --index-dir")]
    NoFolder,
}

impl RepositoryError {
    /// Whether the mirror answered, with something that must not be used: that is more than a mirror out of reach.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::TooLarge(_) | Self::Archive { .. } | Self::Index { .. } | Self::Signature { .. })
    }
}

/// A repository of one architecture.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    /// What it is called in output (`v3.20/main`, or its address).
    pub label: String,
    /// The address above the folder of the architecture (`https://dl-cdn.alpinelinux.org/alpine/v3.20/main`).
    pub address: String,
    /// Alpine's word for the architecture (`x86_64`).
    pub arch: String,
    /// The tag under which alone its packages are taken.
    pub tag: Option<String>,
}

impl Repository {
    /// A repository of an Alpine release on a mirror (`https://…/alpine`, `v3.20`, `main`, `x86_64`).
    pub fn alpine(mirror: &str, release: &str, name: &str, arch: &str) -> Self {
        let label = format!("{release}/{name}");
        let address = format!("{}/{label}", mirror.trim_end_matches('/'));
        Self { label, address, arch: arch.to_owned(), tag: None }
    }

    /// A line of `/etc/apk/repositories` (`https://example.org/apk`, `@edge https://…/edge/main`); nothing for an empty
    /// line or a comment.
    pub fn from_line(line: &str, arch: &str) -> Option<Self> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (tag, address) = match line.strip_prefix('@') {
            Some(rest) => {
                let (tag, address) = rest.split_once(char::is_whitespace)?;
                (Some(tag.to_owned()), address.trim())
            }
            None => (None, line),
        };
        let address = address.trim_end_matches('/').to_owned();
        let mut parts = address.rsplit('/');
        let (name, release) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let of_alpine = release == "edge" || release.strip_prefix('v').is_some_and(|rest| rest.starts_with("3."));
        let label = if of_alpine { format!("{release}/{name}") } else { address.clone() };
        Some(Self { label, address, arch: arch.to_owned(), tag })
    }

    /// The address of the index file.
    pub fn index_address(&self) -> String {
        format!("{}/{}/APKINDEX.tar.gz", self.address, self.arch)
    }
}

/// How patient the fetcher is.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How long an index is used without asking the mirror again.
    pub fresh_for: Duration,
    /// How often a mirror is asked before it is given up.
    pub attempts: u32,
    /// The pause after the first failure; each further one is twice as long.
    pub first_pause: Duration,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long the first byte of an answer may take.
    pub response_timeout: Duration,
    /// How long one attempt may take in all.
    pub total_timeout: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            fresh_for: Duration::from_secs(4 * 3600),
            attempts: 3,
            first_pause: Duration::from_millis(500),
            connect_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(20),
            total_timeout: Duration::from_secs(180),
        }
    }
}

/// How a [`Store`] works.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder that keeps the indexes; that of the user where nothing.
    pub folder: Option<PathBuf>,
    /// The keys that are trusted.
    pub keys: Keys,
    /// Takes indexes that are not signed by a trusted key, and says so.
    pub allow_untrusted: bool,
    /// Uses no network; `file:` mirrors are read all the same.
    pub offline: bool,
    /// Keeps indexes for this run alone, in a folder that goes with it.
    pub for_once: bool,
    /// How patient the fetcher is.
    pub policy: Policy,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            folder: None,
            keys: Keys::alpine().clone(),
            allow_untrusted: false,
            offline: false,
            for_once: false,
            policy: Policy::default(),
        }
    }
}

/// What an index is, for the lock and for output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What the repository is called in output.
    pub repository: String,
    /// The address of the index file.
    pub address: String,
    /// What the mirror calls this state of the repository (`v3.20.3-38-g5b99a0b2f22`).
    pub description: String,
    /// SHA-256 of the index file, in hexadecimal.
    pub digest: String,
    /// When its newest package was built, in seconds since 1970; 0 where no package says.
    pub newest: u64,
    /// The name of the key that signed it; nothing where it was taken unverified.
    pub signer: Option<String>,
    /// When the mirror was last asked, in seconds since 1970.
    pub checked: u64,
}

/// An index that was had.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The repository.
    pub repository: Repository,
    /// What the index is.
    pub identity: Identity,
    /// The packages.
    pub index: Arc<Index>,
    /// What the user should know: how old it is where the mirror was not reached, that it is unverified.
    pub notes: Vec<String>,
    /// Whether the mirror served something new.
    pub changed: bool,
}

impl Loaded {
    /// The repository as a part of a catalog.
    pub fn source(&self) -> Source {
        Source {
            repository: self.repository.label.clone(),
            tag: self.repository.tag.clone(),
            index: Arc::clone(&self.index),
        }
    }
}

/// The catalog of several indexes, in their order.
pub fn catalog(loaded: &[Loaded]) -> Catalog {
    Catalog::new(loaded.iter().map(Loaded::source).collect())
}

/// When a mirror is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Where nothing is kept, or what is kept is no longer fresh.
    WhenStale,
    /// In any case.
    Always,
}

/// The folder of kept indexes, and the way to the mirrors.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    options: Options,
    _temporary: Option<tempfile::TempDir>,
}

impl Store {
    /// Opens the store, and makes its folder where it is not there.
    pub fn open(options: Options) -> Result<Self, RepositoryError> {
        if options.for_once {
            let temporary = tempfile::tempdir();
            let temporary = temporary.map_err(|fault| RepositoryError::Folder { path: std::env::temp_dir(), fault })?;
            return Ok(Self { folder: temporary.path().to_owned(), options, _temporary: Some(temporary) });
        }
        let folder = match &options.folder {
            Some(folder) => folder.clone(),
            None => {
                let strategy = etcetera::choose_base_strategy().map_err(|_| RepositoryError::NoFolder)?;
                strategy.cache_dir().join("aboard").join("index")
            }
        };
        fs::create_dir_all(&folder).map_err(|fault| RepositoryError::Folder { path: folder.clone(), fault })?;
        Ok(Self { folder, options, _temporary: None })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Every repository's index, in the order asked; the mirrors are asked at the same time.
    pub fn load_all(
        &self,
        repositories: &[Repository],
        ask: Ask,
        progress: Progress<'_>,
    ) -> Vec<Result<Loaded, RepositoryError>> {
        thread::scope(|scope| {
            let load = |repository| scope.spawn(move || self.load(repository, ask, progress));
            let threads: Vec<_> = repositories.iter().map(load).collect();
            let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().expect("internal: loading never panics");
            threads.into_iter().map(join).collect()
        })
    }

    /// One repository's index: the kept one while it is fresh, else the mirror's, else the kept one with a note.
    pub fn load(&self, repository: &Repository, ask: Ask, progress: Progress<'_>) -> Result<Loaded, RepositoryError> {
        let address = repository.index_address();
        let file = self.file(&address);
        let kept = self.kept(&file, &address);
        let fresh = |facts: &Facts| now().saturating_sub(facts.checked) < self.options.policy.fresh_for.as_secs();
        let local = !address.starts_with("http:") && !address.starts_with("https:");
        if let Some((facts, text)) = kept {
            if self.options.offline && !local {
                let note = format!("offline: the index of {} is {} old", repository.label, age(facts.checked));
                return self.loaded(repository, facts, text, vec![note], false);
            }
            if !local && ask == Ask::WhenStale && fresh(&facts) {
                return self.loaded(repository, facts, text, Vec::new(), false);
            }
        } else if self.options.offline && !local {
            return Err(RepositoryError::Offline(address));
        }
        let _lock = self.lock(&file)?;
        // Another run may have been here while this one waited.
        let kept = self.kept(&file, &address);
        match kept {
            Some((facts, text)) if !local && ask == Ask::WhenStale && fresh(&facts) => {
                self.loaded(repository, facts, text, Vec::new(), false)
            }
            kept => self.refresh(repository, &file, kept, progress),
        }
    }

    /// Asks the mirror, and keeps what it serves.
    fn refresh(
        &self,
        repository: &Repository,
        file: &Path,
        kept: Option<(Facts, String)>,
        progress: Progress<'_>,
    ) -> Result<Loaded, RepositoryError> {
        let address = repository.index_address();
        let known = kept.as_ref().map(|(facts, _)| facts.validators()).unwrap_or_default();
        let answer = fetch::fetch(&address, &known, &self.options.policy, progress)
            .and_then(|answer| self.judge(&address, answer));
        match (answer, kept) {
            (Ok(None), Some((facts, text))) => {
                let mut facts = facts;
                facts.checked = now();
                self.keep(file, &facts, &text)?;
                self.loaded(repository, facts, text, Vec::new(), false)
            }
            (Ok(None), None) => Err(RepositoryError::Status { address, status: 304 }),
            (Ok(Some((new, _, _))), Some((facts, text))) if new.newest < facts.newest && new.newest > 0 => {
                let note = format!(
                    "{address}: the mirror serves an older index ({}, newest package of {}) than the one kept ({}, {}); the kept one stays",
                    new.description,
                    date(new.newest),
                    facts.description,
                    date(facts.newest)
                );
                self.loaded(repository, facts, text, vec![note], false)
            }
            (Ok(Some((facts, index, notes))), _) => {
                self.keep(file, &facts, index.text())?;
                let identity = identity(repository, &facts);
                Ok(Loaded { repository: repository.clone(), identity, index: Arc::new(index), notes, changed: true })
            }
            (Err(error), Some((facts, text))) if may_use_kept(&error) => {
                let note = format!("{error}; the kept index serves, {} old", age(facts.checked));
                self.loaded(repository, facts, text, vec![note], false)
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Opens what a mirror served and checks its signature; nothing where it is what is kept already.
    fn judge(&self, address: &str, answer: Answer) -> Result<Option<(Facts, Index, Vec<String>)>, RepositoryError> {
        let Answer::File(bytes, validators) = answer else { return Ok(None) };
        let archive_error = |fault| RepositoryError::Archive { address: address.to_owned(), fault };
        let archive = Archive::open(&bytes).map_err(archive_error)?;
        let mut notes = Vec::new();
        let signer = match self.options.keys.verify(&archive) {
            Ok(name) => {
                let fingerprint = self.options.keys.fingerprint(&name).unwrap_or_default().to_owned();
                Some((name, fingerprint))
            }
            Err(fault) if self.options.allow_untrusted => {
                notes.push(format!("{address}: {fault}; taken unverified"));
                None
            }
            Err(fault) => return Err(RepositoryError::Signature { address: address.to_owned(), fault }),
        };
        let digest = hex(&Sha256::digest(&bytes));
        let index_error = |fault| RepositoryError::Index { address: address.to_owned(), fault };
        let index = Index::parse(archive.index).map_err(index_error)?;
        let mut facts = Facts::new(address, archive.description, digest, signer, validators);
        facts.checked = now();
        facts.newest = index.packages().map(super::index::Package::built).max().unwrap_or(0);
        Ok(Some((facts, index, notes)))
    }

    fn loaded(
        &self,
        repository: &Repository,
        facts: Facts,
        text: String,
        mut notes: Vec<String>,
        changed: bool,
    ) -> Result<Loaded, RepositoryError> {
        let index =
            Index::parse(text).map_err(|fault| RepositoryError::Index { address: facts.address.clone(), fault })?;
        if facts.signer.is_none() {
            notes.push(format!("{}: not verified", facts.address));
        }
        let identity = identity(repository, &facts);
        Ok(Loaded { repository: repository.clone(), identity, index: Arc::new(index), notes, changed })
    }

    /// The kept index, where there is one that this run may trust.
    fn kept(&self, file: &Path, address: &str) -> Option<(Facts, String)> {
        let (facts, text) = kept::read(file).filter(|(facts, _)| facts.address == address)?;
        self.trusts(&facts).then_some((facts, text))
    }

    /// Whether a key signed it that this run trusts, or none need have.
    fn trusts(&self, facts: &Facts) -> bool {
        let by_key = match &facts.signer {
            Some((name, fingerprint)) => self.options.keys.fingerprint(name) == Some(fingerprint),
            None => false,
        };
        by_key || self.options.allow_untrusted
    }

    fn keep(&self, file: &Path, facts: &Facts, text: &str) -> Result<(), RepositoryError> {
        kept::write(file, facts, text).map_err(|fault| RepositoryError::Folder { path: file.to_owned(), fault })
    }

    /// The file that keeps the index of an address: the readable part of the address, and a digest of it.
    fn file(&self, address: &str) -> PathBuf {
        let readable: String = address
            .trim_end_matches("/APKINDEX.tar.gz")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
            .collect();
        let tail = &readable[readable.len().saturating_sub(60)..];
        let digest = hex(&Sha256::digest(address.as_bytes())[..8]);
        self.folder.join(format!("{}-{digest}.index", tail.trim_start_matches(['_', '.'])))
    }

    /// Waits until no other run writes the file; the lock goes with the value.
    fn lock(&self, file: &Path) -> Result<File, RepositoryError> {
        let path = file.with_extension("lock");
        let failed = |fault| RepositoryError::Folder { path: path.clone(), fault };
        let lock = File::create(&path).map_err(failed)?;
        lock.lock().map_err(failed)?;
        Ok(lock)
    }
}

/// Whether a kept index may stand in: the mirror cannot be reached or is broken for now. A wrong signature or a damaged
/// file is told, not passed over.
fn may_use_kept(error: &RepositoryError) -> bool {
    use RepositoryError as E;
    matches!(error, E::Status { .. } | E::Connection { .. } | E::TimedOut(_) | E::CutShort { .. })
}

fn identity(repository: &Repository, facts: &Facts) -> Identity {
    Identity {
        repository: repository.label.clone(),
        address: facts.address.clone(),
        description: facts.description.clone(),
        digest: facts.digest.clone(),
        newest: facts.newest,
        signer: facts.signer.as_ref().map(|(name, _)| name.clone()),
        checked: facts.checked,
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// How long ago a time was, in words.
pub fn age(then: u64) -> String {
    let seconds = now().saturating_sub(then);
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7_199 => (seconds / 60, "minute"),
        7_200..=172_799 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// The day of a time (`2024-09-12`).
pub fn date(seconds: u64) -> String {
    let time = jiff::Timestamp::from_second(i64::try_from(seconds).unwrap_or(0)).unwrap_or_default();
    time.strftime("%Y-%m-%d").to_string()
}
