//! A mirror of small packages that real apk installs: packages of format 2 and their signed indexes, made by the test and
//! served over HTTP from a local port. What the programs of these packages do is the test's word, not Alpine's.
#![allow(dead_code, reason = "each test file uses a part")]

use crate::apk_fixture::{content, gzip, key, public_pem, signed, tar};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A package that a mirror offers.
#[derive(Clone, Copy)]
pub struct Package {
    /// `main` or `community`.
    pub repository: &'static str,
    pub name: &'static str,
    pub version: &'static str,
    /// The names of other packages.
    pub depends: &'static str,
    /// Path below the root, mode and text. What lies in a folder of PATH is provided as a command.
    pub files: &'static [(&'static str, u32, &'static str)],
}

impl Package {
    fn programs(&self) -> impl Iterator<Item = &'static str> {
        let folders = ["bin/", "sbin/", "usr/bin/", "usr/sbin/"];
        self.files.iter().filter_map(move |(path, ..)| {
            let name = folders.iter().find_map(|folder| path.strip_prefix(folder))?;
            (!name.contains('/')).then_some(name)
        })
    }

    fn provides(&self) -> String {
        self.programs().map(|name| format!("cmd:{name}={}", self.version)).collect::<Vec<_>>().join(" ")
    }

    fn size(&self) -> usize {
        self.files.iter().map(|(_, _, text)| text.len()).sum()
    }

    /// The file as apk installs it, and its record in the index.
    fn build(&self) -> (Vec<u8>, String) {
        let data = gzip(&self.data());
        let mut info = format!(
            "pkgname = {}\npkgver = {}\npkgdesc = made by a test\narch = x86_64\nsize = {}\nlicense = MIT\n",
            self.name,
            self.version,
            self.size()
        );
        for name in self.depends.split_whitespace() {
            let _ = writeln!(info, "depend = {name}");
        }
        for name in self.provides().split_whitespace() {
            let _ = writeln!(info, "provides = {name}");
        }
        let _ = writeln!(info, "datahash = {}", hex(&Sha256::digest(&data)));
        let control = gzip(&tar(&[(".PKGINFO", info.as_bytes())]));
        let identity = STANDARD.encode(Sha1::digest(&control));
        let bytes = [control, data].concat();
        let mut record = format!(
            "C:Q1{identity}\nP:{}\nV:{}\nA:x86_64\nS:{}\nI:{}\nT:made by a test\nL:MIT\nt:1700000000\n",
            self.name,
            self.version,
            bytes.len(),
            self.size()
        );
        for (field, value) in [("D", self.depends.to_owned()), ("p", self.provides())] {
            if !value.is_empty() {
                let _ = writeln!(record, "{field}:{value}");
            }
        }
        record.push('\n');
        (bytes, record)
    }

    /// The files, each with the checksum that apk wants to see in front of it.
    fn data(&self) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut folders = Vec::new();
        for (path, mode, text) in self.files {
            for (end, _) in path.match_indices('/') {
                let folder = &path[..=end];
                if !folders.contains(&folder) {
                    folders.push(folder);
                    let mut header = header(tar::EntryType::Directory, 0o755, 0);
                    builder.append_data(&mut header, folder, std::io::empty()).expect("appended");
                }
            }
            // Not `append_pax_extensions`: it gives the entry no name, which apk takes for the end of the archive.
            let record = format!("68 APK-TOOLS.checksum.SHA1={}\n", hex(&Sha1::digest(text)));
            let mut extension = header(tar::EntryType::XHeader, 0o644, record.len());
            builder.append_data(&mut extension, path, record.as_bytes()).expect("appended");
            let mut header = header(tar::EntryType::Regular, *mode, text.len());
            builder.append_data(&mut header, path, text.as_bytes()).expect("appended");
        }
        builder.into_inner().expect("ended")
    }
}

fn header(kind: tar::EntryType, mode: u32, size: usize) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size as u64);
    header.set_uid(0);
    header.set_gid(0);
    header.set_username("root").expect("it fits");
    header.set_groupname("root").expect("it fits");
    header
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The key of the mirrors.
pub fn signing_key() -> rsa::RsaPrivateKey {
    key(20)
}

/// A mirror that serves one release until the test ends.
pub struct Mirror {
    /// `http://127.0.0.1:PORT`.
    pub address: String,
    /// The public half of the key that signs the indexes.
    pub public_key: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Mirror {
    /// Signs and serves `RELEASE/{main,community}/x86_64`.
    pub fn start(release: &str, packages: &[Package]) -> Self {
        let key = signing_key();
        let mut files = BTreeMap::new();
        for repository in ["main", "community"] {
            let folder = format!("/{release}/{repository}/x86_64");
            let mut index = String::new();
            for package in packages.iter().filter(|package| package.repository == repository) {
                let (bytes, record) = package.build();
                files.insert(format!("{folder}/{}-{}.apk", package.name, package.version), bytes);
                index.push_str(&record);
            }
            files.insert(format!("{folder}/APKINDEX.tar.gz"), signed(&content(release, &index), &key, "RSA"));
        }
        Self::of_files(files)
    }

    /// Serves files by their path; what is an index must be signed by [`signing_key`] to be trusted.
    pub fn of_files(files: BTreeMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let (files, log) = (Arc::new(files), Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (files, log) = (Arc::clone(&files), Arc::clone(&log));
                thread::spawn(move || answer(stream, &files, &log));
            }
        });
        Self { address, public_key: public_pem(&signing_key()), requests }
    }

    /// The paths that were asked for since the last time this was asked, in their order.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().expect("no panic"))
    }

    /// The names of the packages that were fetched since the last time this was asked, in their order.
    pub fn fetched(&self) -> Vec<String> {
        let paths = self.asked();
        let package = |path: &String| {
            let file = path.rsplit('/').next()?.strip_suffix(".apk")?;
            Some(file.rsplitn(3, '-').last()?.to_owned())
        };
        paths.iter().filter_map(package).collect()
    }
}

fn answer(mut stream: TcpStream, files: &BTreeMap<String, Vec<u8>>, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("cloned"));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default();
    log.lock().expect("no panic").push(path.to_owned());
    let (status, body) = files.get(path).map_or(("404 Not Found", [].as_slice()), |bytes| ("200 OK", bytes));
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}
