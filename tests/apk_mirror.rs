//! Mirrors that misbehave: a real server on a local port, and the message that each fault makes.

mod apk_fixture;

use aboard::apk::repository::{Ask, Loaded, Options, Policy, Repository, RepositoryError, Store, silent};
use aboard::apk::signature::Keys;
use apk_fixture::{content, key, public_pem, record, signed};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What the server does with the next request.
#[derive(Clone)]
enum Act {
    Serve(Vec<u8>),
    Status(u16),
    /// Announces the whole file and sends half of it.
    Truncate(Vec<u8>),
    /// Takes the request and says nothing.
    Stall,
    /// Sends the head and a few bytes, then says nothing.
    StallInside(Vec<u8>),
    /// Serves with an entity tag, and answers 304 to who sends it back.
    Tagged(Vec<u8>),
}

struct Mirror {
    address: String,
    act: Arc<Mutex<Act>>,
    requests: Arc<AtomicUsize>,
}

impl Mirror {
    fn new(act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let (act, requests) = (Arc::new(Mutex::new(act)), Arc::new(AtomicUsize::new(0)));
        let mirror = Self { address, act: Arc::clone(&act), requests: Arc::clone(&requests) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                requests.fetch_add(1, Ordering::SeqCst);
                let act = act.lock().expect("no panic").clone();
                thread::spawn(move || answer(stream, &act));
            }
        });
        mirror
    }

    fn act(&self, act: Act) {
        *self.act.lock().expect("no panic") = act;
    }

    fn requests(&self) -> usize {
        self.requests.swap(0, Ordering::SeqCst)
    }

    fn repository(&self) -> Repository {
        Repository::alpine(&self.address, "v3.20", "main", "x86_64")
    }
}

fn answer(mut stream: TcpStream, act: &Act) {
    let mut head = String::new();
    let mut reader = BufReader::new(stream.try_clone().expect("cloned"));
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    assert!(head.starts_with("GET /v3.20/main/x86_64/APKINDEX.tar.gz HTTP/1.1"), "{head}");
    let ok = |length: usize, more: &str| {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{more}Connection: close\r\n\r\n").into_bytes()
    };
    let (mut bytes, stall) = match act {
        Act::Serve(file) => ([ok(file.len(), ""), file.clone()].concat(), false),
        Act::Status(status) => {
            (format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes(), false)
        }
        Act::Truncate(file) => ([ok(file.len(), ""), file[..file.len() / 2].to_vec()].concat(), false),
        Act::Stall => (Vec::new(), true),
        Act::StallInside(file) => ([ok(file.len(), ""), file[..20].to_vec()].concat(), true),
        Act::Tagged(_) if head.to_lowercase().contains("if-none-match: \"one\"") => {
            (b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_vec(), false)
        }
        Act::Tagged(file) => ([ok(file.len(), "ETag: \"one\"\r\n"), file.clone()].concat(), false),
    };
    let _ = stream.write_all(&bytes);
    bytes.clear();
    if stall {
        thread::sleep(Duration::from_secs(5));
    }
}

fn policy(fresh_for: Duration) -> Policy {
    Policy {
        fresh_for,
        attempts: 2,
        first_pause: Duration::from_millis(10),
        connect_timeout: Duration::from_secs(2),
        response_timeout: Duration::from_millis(400),
        total_timeout: Duration::from_millis(800),
    }
}

fn store_with(folder: &Path, change: impl FnOnce(&mut Options)) -> Store {
    let mut keys = Keys::none();
    keys.add(Path::new(apk_fixture::KEY), &public_pem(&key(1))).expect("a key");
    let folder = Some(folder.to_owned());
    let mut options = Options { folder, keys, policy: policy(Duration::ZERO), ..Options::default() };
    change(&mut options);
    Store::open(options).expect("a store")
}

fn store(folder: &Path) -> Store {
    store_with(folder, |_| {})
}

fn index(description: &str, version: &str, built: u64) -> Vec<u8> {
    signed(&content(description, &record("tool", version, built, "p:cmd:tool")), &key(1), "RSA")
}

fn load(store: &Store, mirror: &Mirror) -> Result<Loaded, RepositoryError> {
    store.load(&mirror.repository(), Ask::WhenStale, &silent)
}

fn kept_files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(".index")).count()
}

fn version(loaded: &Loaded) -> String {
    loaded.index.package(0).expect("a package").version().to_owned()
}

#[test]
fn an_index_is_kept_and_asked_for_with_its_tag() {
    let folder = tempfile::tempdir().expect("a folder");
    let mirror = Mirror::new(Act::Tagged(index("one", "1-r0", 100)));
    let first = load(&store(folder.path()), &mirror).expect("loaded");
    assert!(first.changed);
    assert_eq!((first.identity.description.as_str(), first.identity.signer.as_deref()), ("one", Some("test.rsa.pub")));
    let second = load(&store(folder.path()), &mirror).expect("loaded");
    assert!(!second.changed && second.notes.is_empty());
    assert_eq!(second.identity.digest, first.identity.digest);
    assert_eq!(mirror.requests(), 2);
    // While it is fresh nobody is asked, unless that is wanted.
    let fresh = store_with(folder.path(), |options| options.policy = policy(Duration::from_secs(60)));
    load(&fresh, &mirror).expect("loaded");
    assert_eq!(mirror.requests(), 0);
    fresh.load(&mirror.repository(), Ask::Always, &silent).expect("loaded");
    assert_eq!(mirror.requests(), 1);
    assert_eq!(kept_files(folder.path()), 1);
}

#[test]
fn each_fault_of_a_mirror_has_its_message_and_keeps_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = index("one", "1-r0", 100);
    let other = signed(&content("one", &record("tool", "1-r0", 100, "")), &key(2), "RSA");
    let mut flipped = file.clone();
    let last = flipped.len() - 20;
    flipped[last] ^= 1;
    let mirror = Mirror::new(Act::Stall);
    let cases: Vec<(Act, usize, &str)> = vec![
        (Act::Stall, 2, "did not answer in time"),
        (Act::StallInside(file.clone()), 2, "did not answer in time"),
        (Act::Status(404), 1, "the mirror has no such index (wrong release, repository or architecture?)"),
        (Act::Status(500), 2, "the mirror answered with status 500"),
        (Act::Status(403), 1, "the mirror answered with status 403"),
        (Act::Truncate(file.clone()), 2, "cut short on the way"),
        (Act::Serve(file[..file.len() / 2].to_vec()), 1, "cut short: the file ends inside a gzip member"),
        (Act::Serve(b"<html>log in</html>".to_vec()), 1, "not a gzip file but an HTML or XML page"),
        (Act::Serve(Vec::new()), 1, "the file is empty"),
        (Act::Serve(other), 1, "the signature by test.rsa.pub does not fit the index"),
        (Act::Serve(content("one", "")), 1, "the index is not signed"),
        (Act::Serve(flipped), 1, "damaged"),
    ];
    for (act, requests, message) in cases {
        mirror.act(act);
        let began = Instant::now();
        let error = load(&store(folder.path()), &mirror).expect_err(message).to_string();
        assert!(error.contains(message), "{error} should say: {message}");
        assert!(error.starts_with(&mirror.address), "{error} names the address");
        assert_eq!(mirror.requests(), requests, "{message}");
        assert_eq!(kept_files(folder.path()), 0, "{message}: nothing is kept");
        assert!(began.elapsed() < Duration::from_secs(4), "{message}: it does not wait long");
    }
}

#[test]
fn where_the_mirror_fails_the_kept_index_serves_and_says_its_age() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = index("one", "1-r0", 100);
    let mirror = Mirror::new(Act::Serve(file.clone()));
    load(&store(folder.path()), &mirror).expect("loaded");
    for act in [Act::Status(500), Act::Stall, Act::Truncate(file)] {
        mirror.act(act);
        let loaded = load(&store(folder.path()), &mirror).expect("the kept one serves");
        assert_eq!(version(&loaded), "1-r0");
        assert!(loaded.notes[0].contains("the kept index serves, "), "{:?}", loaded.notes);
    }
    // What is wrong with the file itself is not passed over.
    mirror.act(Act::Serve(content("one", "")));
    assert!(matches!(load(&store(folder.path()), &mirror), Err(RepositoryError::Signature { .. })));
}

#[test]
fn yesterdays_file_does_not_replace_todays() {
    let folder = tempfile::tempdir().expect("a folder");
    let mirror = Mirror::new(Act::Serve(index("today", "2-r0", 86_400 * 20_001)));
    load(&store(folder.path()), &mirror).expect("loaded");
    mirror.act(Act::Serve(index("yesterday", "1-r0", 86_400 * 20_000)));
    let loaded = load(&store(folder.path()), &mirror).expect("the kept one serves");
    assert_eq!(version(&loaded), "2-r0");
    let note = &loaded.notes[0];
    assert!(note.contains("serves an older index (yesterday, newest package of 2024-10-04)"), "{note}");
    assert!(note.contains("than the one kept (today, 2024-10-05); the kept one stays"), "{note}");
}

#[test]
fn offline_uses_what_is_kept_or_says_what_to_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let mirror = Mirror::new(Act::Serve(index("one", "1-r0", 100)));
    let offline = || store_with(folder.path(), |options| options.offline = true);
    let error = load(&offline(), &mirror).expect_err("nothing is kept").to_string();
    assert!(error.contains("run `aboard index update` with a network"), "{error}");
    load(&store(folder.path()), &mirror).expect("loaded");
    mirror.requests();
    let loaded = load(&offline(), &mirror).expect("kept");
    assert!(loaded.notes[0].starts_with("offline: the index of v3.20/main is "), "{:?}", loaded.notes);
    assert_eq!(mirror.requests(), 0);
}

#[test]
fn an_unverified_index_is_used_only_where_that_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let unsigned = content("one", &record("tool", "1-r0", 100, ""));
    let mirror = Mirror::new(Act::Serve(unsigned));
    let trusting = store_with(folder.path(), |options| options.allow_untrusted = true);
    let loaded = load(&trusting, &mirror).expect("taken");
    assert!(loaded.notes[0].contains("the index is not signed; taken unverified"), "{:?}", loaded.notes);
    assert_eq!(loaded.identity.signer, None);
    // What one run took unverified another does not use.
    let offline = store_with(folder.path(), |options| options.offline = true);
    assert!(matches!(load(&offline, &mirror), Err(RepositoryError::Offline(_))));
    assert!(matches!(load(&store(folder.path()), &mirror), Err(RepositoryError::Signature { .. })));
}

#[test]
fn a_damaged_kept_file_counts_as_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let mirror = Mirror::new(Act::Serve(index("one", "1-r0", 100)));
    load(&store(folder.path()), &mirror).expect("loaded");
    let mut entries = std::fs::read_dir(folder.path()).expect("a folder").flatten();
    let file = entries.find(|entry| entry.path().extension().is_some_and(|e| e == "index")).expect("kept").path();
    let mut bytes = std::fs::read(&file).expect("read");
    let last = bytes.len() - 5;
    bytes[last] ^= 1;
    std::fs::write(&file, &bytes).expect("written");
    let offline = store_with(folder.path(), |options| options.offline = true);
    assert!(matches!(load(&offline, &mirror), Err(RepositoryError::Offline(_))));
    assert!(load(&store(folder.path()), &mirror).expect("asked again").changed);
}

#[test]
fn two_runs_share_the_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let mirror = Mirror::new(Act::Serve(index("one", "1-r0", 100)));
    let stores: Vec<Store> =
        (0..8).map(|_| store_with(folder.path(), |options| options.policy = policy(Duration::from_secs(60)))).collect();
    thread::scope(|scope| {
        for store in &stores {
            scope.spawn(|| load(store, &mirror).expect("loaded"));
        }
    });
    assert_eq!(mirror.requests(), 1, "one run asks, the others use what it kept");
}

#[test]
fn several_repositories_are_asked_at_once_and_answered_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = Mirror::new(Act::Serve(index("one", "1-r0", 100)));
    let bad = Mirror::new(Act::Status(404));
    let missing = Repository::from_line("@edge file:///nowhere/edge/main", "x86_64").expect("a repository");
    let answers =
        store(folder.path()).load_all(&[bad.repository(), good.repository(), missing], Ask::WhenStale, &silent);
    assert!(matches!(answers[0], Err(RepositoryError::NotThere(_))));
    assert_eq!(answers[1].as_ref().expect("loaded").repository.label, "v3.20/main");
    assert!(
        matches!(&answers[2], Err(RepositoryError::NotThere(address)) if address.contains("/nowhere/edge/main/x86_64"))
    );
}
