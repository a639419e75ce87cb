//! Images made by tests: tar archives entry by entry, hostile ones too, ELF files byte by byte, and the archives and
//! layouts that carry them. No binary is committed.
#![allow(dead_code, reason = "not every test file that includes the kit uses all of it")]

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A tar archive in the making.
#[derive(Clone, Default)]
pub struct Tar {
    bytes: Vec<u8>,
}

/// What an entry says besides its name and body.
#[derive(Clone, Copy)]
pub struct Meta {
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
}

impl Tar {
    pub fn new() -> Self {
        Self::default()
    }

    /// A regular file of root's.
    pub fn file(self, path: &str, mode: u32, body: &[u8]) -> Self {
        self.entry(path, b'0', Meta { mode, uid: 0, gid: 0 }, "", body)
    }

    pub fn folder(self, path: &str, mode: u32) -> Self {
        self.entry(&format!("{path}/"), b'5', Meta { mode, uid: 0, gid: 0 }, "", b"")
    }

    pub fn link(self, path: &str, target: &str) -> Self {
        self.entry(path, b'2', Meta { mode: 0o777, uid: 0, gid: 0 }, target, b"")
    }

    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(path, b'1', Meta { mode: 0o755, uid: 0, gid: 0 }, target, b"")
    }

    /// Any entry; names that do not fit the header get a PAX record.
    pub fn entry(mut self, path: &str, kind: u8, meta: Meta, target: &str, body: &[u8]) -> Self {
        let mut records = Vec::new();
        if path.len() > 100 {
            records.extend(pax("path", path.as_bytes()));
        }
        if target.len() > 100 {
            records.extend(pax("linkpath", target.as_bytes()));
        }
        if !records.is_empty() {
            self = self.raw("pax", b'x', meta, "", records.len() as u64, &records);
        }
        self.raw(path, kind, meta, target, body.len() as u64, body)
    }

    /// Header and body as given, whether they fit each other or not.
    pub fn raw(self, path: &str, kind: u8, meta: Meta, target: &str, size: u64, body: &[u8]) -> Self {
        let mut block = [0u8; 512];
        put(&mut block[..100], path.as_bytes());
        octal(&mut block[100..108], u64::from(meta.mode));
        octal(&mut block[108..116], u64::from(meta.uid));
        octal(&mut block[116..124], u64::from(meta.gid));
        if size < 1 << 33 {
            octal(&mut block[124..136], size);
        } else {
            block[124] = 0x80;
            block[128..136].copy_from_slice(&size.to_be_bytes());
        }
        octal(&mut block[136..148], 0);
        block[156] = kind;
        put(&mut block[157..257], target.as_bytes());
        put(&mut block[257..265], b"ustar\x0000");
        self.checked(block, body)
    }

    /// A header block of one's own, whose checksum is put in.
    pub fn checked(mut self, mut block: [u8; 512], body: &[u8]) -> Self {
        block[148..156].fill(b' ');
        let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
        put(&mut block[148..156], format!("{sum:06o}\0 ").as_bytes());
        self.bytes.extend_from_slice(&block);
        self.bytes.extend_from_slice(body);
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        self
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(&[0; 1024]);
        self.bytes
    }
}

/// One PAX record with its own length in front.
pub fn pax(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length.to_string().len() + rest != length {
        length += 1;
    }
    [length.to_string().as_bytes(), b" ", key.as_bytes(), b"=", value, b"\n"].concat()
}

fn put(field: &mut [u8], value: &[u8]) {
    let length = value.len().min(field.len());
    field[..length].copy_from_slice(&value[..length]);
}

fn octal(field: &mut [u8], value: u64) {
    let width = field.len() - 1;
    put(field, format!("{value:0width$o}\0").as_bytes());
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("compressed")
}

/// How the layers of a fixture are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pack {
    Plain,
    Gzip,
    Zstd,
}

/// An image in the making.
#[derive(Clone)]
pub struct Fixture {
    pub layers: Vec<Vec<u8>>,
    pub config: serde_json::Value,
    pub platform: (&'static str, Option<&'static str>),
    pub tag: String,
}

impl Fixture {
    /// An image for linux/amd64 with these layers.
    pub fn new(layers: Vec<Tar>) -> Self {
        Self {
            layers: layers.into_iter().map(Tar::finish).collect(),
            config: serde_json::json!({}),
            platform: ("amd64", None),
            tag: "aboard-test/fixture:1".to_owned(),
        }
    }

    /// Sets a field of the part of the configuration that says how processes start.
    pub fn with(mut self, key: &str, value: impl Into<serde_json::Value>) -> Self {
        self.config[key] = value.into();
        self
    }

    pub fn config_json(&self) -> Vec<u8> {
        let diff_ids: Vec<String> = self.layers.iter().map(|layer| format!("sha256:{}", sha256(layer))).collect();
        let mut config = serde_json::json!({
            "architecture": self.platform.0,
            "os": "linux",
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": self.layers.iter().enumerate()
                .map(|(number, _)| serde_json::json!({"created_by": format!("COPY step{number} /")}))
                .collect::<Vec<_>>(),
        });
        if let Some(variant) = self.platform.1 {
            config["variant"] = variant.into();
        }
        serde_json::to_vec(&config).expect("json")
    }

    /// What `docker save` writes.
    pub fn docker_archive(&self) -> Vec<u8> {
        let config = self.config_json();
        let name = format!("{}.json", sha256(&config));
        let mut tar = Tar::new().file(&name, 0o644, &config);
        let mut names = Vec::new();
        for (number, layer) in self.layers.iter().enumerate() {
            let path = format!("{number:064}/layer.tar");
            tar = tar.file(&path, 0o644, layer);
            names.push(path);
        }
        let manifest = serde_json::json!([{"Config": name, "RepoTags": [self.tag], "Layers": names}]);
        tar.file("manifest.json", 0o644, &serde_json::to_vec(&manifest).expect("json")).finish()
    }

    /// The blobs by digest, and the manifest's descriptor with its platform.
    pub fn blobs(&self, pack: Pack) -> (BTreeMap<String, Vec<u8>>, serde_json::Value) {
        let mut blobs = BTreeMap::new();
        let mut add = |bytes: Vec<u8>, media_type: &str| {
            let digest = sha256(&bytes);
            let size = bytes.len();
            blobs.insert(digest.clone(), bytes);
            serde_json::json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": size})
        };
        let config = add(self.config_json(), "application/vnd.oci.image.config.v1+json");
        let layers: Vec<serde_json::Value> = self
            .layers
            .iter()
            .map(|layer| match pack {
                Pack::Plain => add(layer.clone(), "application/vnd.oci.image.layer.v1.tar"),
                Pack::Gzip => add(gzip(layer), "application/vnd.oci.image.layer.v1.tar+gzip"),
                Pack::Zstd => add(zstd(layer), "application/vnd.oci.image.layer.v1.tar+zstd"),
            })
            .collect();
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config,
            "layers": layers,
        });
        let bytes = serde_json::to_vec(&manifest).expect("json");
        let mut descriptor = add(bytes, "application/vnd.oci.image.manifest.v1+json");
        let mut platform = serde_json::json!({"os": "linux", "architecture": self.platform.0});
        if let Some(variant) = self.platform.1 {
            platform["variant"] = variant.into();
        }
        descriptor["platform"] = platform;
        (blobs, descriptor)
    }

    /// An OCI archive, uncompressed outside.
    pub fn oci_archive(&self, pack: Pack) -> Vec<u8> {
        let (blobs, descriptor) = self.blobs(pack);
        oci_archive(&blobs, &[descriptor])
    }

    pub fn write_docker_archive(&self, folder: &Path) -> PathBuf {
        let path = folder.join("image.tar");
        std::fs::write(&path, self.docker_archive()).expect("written");
        path
    }

    /// An OCI layout folder.
    pub fn write_layout(&self, folder: &Path, pack: Pack) -> PathBuf {
        let (blobs, descriptor) = self.blobs(pack);
        let folder = folder.join("layout");
        std::fs::create_dir_all(folder.join("blobs/sha256")).expect("a folder");
        std::fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("written");
        std::fs::write(folder.join("index.json"), index(&[descriptor])).expect("written");
        for (digest, bytes) in &blobs {
            std::fs::write(folder.join("blobs/sha256").join(digest), bytes).expect("written");
        }
        folder
    }
}

pub fn index(descriptors: &[serde_json::Value]) -> Vec<u8> {
    let index = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": descriptors,
    });
    serde_json::to_vec(&index).expect("json")
}

pub fn oci_archive(blobs: &BTreeMap<String, Vec<u8>>, descriptors: &[serde_json::Value]) -> Vec<u8> {
    let mut tar = Tar::new().file("oci-layout", 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#).file(
        "index.json",
        0o644,
        &index(descriptors),
    );
    for (digest, bytes) in blobs {
        tar = tar.file(&format!("blobs/sha256/{digest}"), 0o644, bytes);
    }
    tar.finish()
}

/// An ELF file in the making: headers and a dynamic section, as far as loaders go by them.
#[derive(Clone)]
pub struct Elf {
    pub machine: u16,
    pub kind: u16,
    pub os_abi: u8,
    pub interpreter: Option<&'static str>,
    pub needed: Vec<&'static str>,
    pub rpath: Option<&'static str>,
    pub runpath: Option<&'static str>,
    /// Versions that are asked of libraries.
    pub versions_needed: Vec<(&'static str, &'static str)>,
    /// Versions that are defined.
    pub versions_defined: Vec<&'static str>,
}

pub const MUSL: &str = "/lib/ld-musl-x86_64.so.1";
pub const GLIBC: &str = "/lib64/ld-linux-x86-64.so.2";

impl Elf {
    /// A static program for amd64.
    pub fn program() -> Self {
        Self {
            machine: 62,
            kind: 2,
            os_abi: 0,
            interpreter: None,
            needed: Vec::new(),
            rpath: None,
            runpath: None,
            versions_needed: Vec::new(),
            versions_defined: Vec::new(),
        }
    }

    /// A shared library for amd64.
    pub fn library() -> Self {
        Self { kind: 3, ..Self::program() }
    }

    pub fn bytes(&self) -> Vec<u8> {
        const BASE: u64 = 0x40_0000;
        const HEADERS: usize = 64 + 3 * 56;
        let mut strings = vec![0u8];
        let mut string = |text: &str| {
            let at = strings.len() as u64;
            strings.extend_from_slice(text.as_bytes());
            strings.push(0);
            at
        };
        let mut dynamic: Vec<(u64, u64)> = self.needed.iter().map(|name| (1, string(name))).collect();
        dynamic.extend(self.rpath.map(|path| (15, string(path))));
        dynamic.extend(self.runpath.map(|path| (29, string(path))));
        let mut verneed = Vec::new();
        for (number, (library, version)) in self.versions_needed.iter().enumerate() {
            let next = if number + 1 == self.versions_needed.len() { 0u32 } else { 32 };
            verneed.extend([1u16, 1].iter().flat_map(|n| n.to_le_bytes()));
            verneed.extend([string(library) as u32, 16, next, 0].iter().flat_map(|n| n.to_le_bytes()));
            verneed.extend([0u16, 2].iter().flat_map(|n| n.to_le_bytes()));
            verneed.extend([string(version) as u32, 0].iter().flat_map(|n| n.to_le_bytes()));
        }
        let mut verdef = Vec::new();
        for (number, version) in self.versions_defined.iter().enumerate() {
            let next = if number + 1 == self.versions_defined.len() { 0u32 } else { 28 };
            verdef.extend([1u16, 0, number as u16 + 1, 1].iter().flat_map(|n| n.to_le_bytes()));
            verdef.extend([0, 20, next, string(version) as u32, 0].iter().flat_map(|n| n.to_le_bytes()));
        }
        let interpreter = self.interpreter.map(|path| format!("{path}\0")).unwrap_or_default();
        let at_interpreter = HEADERS as u64;
        let at_verneed = (at_interpreter + interpreter.len() as u64).next_multiple_of(8);
        let at_verdef = at_verneed + verneed.len() as u64;
        let at_strings = at_verdef + verdef.len() as u64;
        let at_dynamic = (at_strings + strings.len() as u64).next_multiple_of(8);
        if !verneed.is_empty() {
            dynamic.extend([(0x6fff_fffe, BASE + at_verneed), (0x6fff_ffff, self.versions_needed.len() as u64)]);
        }
        if !verdef.is_empty() {
            dynamic.extend([(0x6fff_fffc, BASE + at_verdef), (0x6fff_fffd, self.versions_defined.len() as u64)]);
        }
        dynamic.extend([(5, BASE + at_strings), (10, strings.len() as u64), (0, 0)]);
        let size = at_dynamic + dynamic.len() as u64 * 16;

        let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, self.os_abi, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(self.kind.to_le_bytes());
        bytes.extend(self.machine.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend([if self.kind == 2 { BASE } else { 0 }, 64, 0].iter().flat_map(|n: &u64| n.to_le_bytes()));
        bytes.extend(0u32.to_le_bytes());
        bytes.extend([64u16, 56, 3, 0, 0, 0].iter().flat_map(|n| n.to_le_bytes()));
        let mut segment = |kind: u32, offset: u64, length: u64| {
            bytes.extend(kind.to_le_bytes());
            bytes.extend(5u32.to_le_bytes());
            bytes
                .extend([offset, BASE + offset, BASE + offset, length, length, 8].iter().flat_map(|n| n.to_le_bytes()));
        };
        segment(1, 0, size);
        match interpreter.len() as u64 {
            0 => segment(0, 0, 0),
            length => segment(3, at_interpreter, length),
        }
        segment(2, at_dynamic, size - at_dynamic);
        bytes.extend(interpreter.as_bytes());
        bytes.resize(at_verneed as usize, 0);
        bytes.extend(verneed);
        bytes.extend(verdef);
        bytes.extend(strings);
        bytes.resize(at_dynamic as usize, 0);
        bytes.extend(dynamic.iter().flat_map(|(tag, value)| [tag.to_le_bytes(), value.to_le_bytes()].concat()));
        assert_eq!(bytes.len() as u64, size);
        bytes
    }
}
