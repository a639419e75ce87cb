//! What a program's loader is: whose, where it looks for libraries, and what the variables of run paths stand for.
//!
//! The loader's own bytes tell: glibc's carries its folders as text, musl's the name of its path file, and gcompat's, which lets
//! musl's load what was built for glibc, that of musl's loader.

use super::elf::Elf;
use super::tree::{Body, Found, NodeKind, Tree};

/// The most of a loader that is searched for texts.
const MAX_SEARCHED: usize = 16 << 20;

/// Whose search a loader follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Musl,
    Glibc,
}

/// A loader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Loader {
    /// Whose search it follows.
    pub(super) kind: Kind,
    /// The folders that it searches last.
    pub(super) folders: Vec<String>,
    /// The folders below each that hold libraries for newer processors; the loader takes them where the processor is one.
    pub(super) newer: &'static [&'static str],
    /// What `$LIB` of a run path stands for.
    pub(super) lib: String,
    /// What `$PLATFORM` of a run path stands for, where anything does.
    pub(super) platform: Option<&'static str>,
    /// musl's loader behind gcompat's, by path.
    pub(super) behind: Option<String>,
    /// A library that is loaded before the program's own, by path.
    pub(super) preload: Option<String>,
}

impl Loader {
    /// What the loader is that a program asks for by a path.
    pub(super) fn of(tree: &Tree, program: &Elf, found: &Found) -> Self {
        let bytes = match &tree.node(found.node).kind {
            NodeKind::File(body) => body.head(MAX_SEARCHED).unwrap_or_default(),
            _ => Vec::new(),
        };
        let asked = program.interpreter.as_deref().unwrap_or_default();
        if is_musl_name(&found.path) || found.links.iter().any(|(link, _)| is_musl_name(link)) || is_musls_own(&bytes) {
            return Self::musl(tree, asked);
        }
        if let Some(behind) = text_with(&bytes, b"/ld-musl-") {
            let preload = text_with(&bytes, b"libgcompat.so");
            return Self { preload, behind: Some(behind.clone()), ..Self::musl(tree, &behind) };
        }
        Self::glibc(program, &bytes)
    }

    /// musl takes its architecture and the folder above its own from the path by which it was asked for.
    fn musl(tree: &Tree, asked: &str) -> Self {
        let folder = asked.rfind('/').map_or("", |at| &asked[..at]);
        let prefix = folder.rfind('/').map_or("", |at| &folder[..at]);
        let name = asked.rsplit('/').next().unwrap_or_default();
        let arch = name.strip_prefix("ld-musl-").and_then(|rest| rest.strip_suffix(".so.1")).unwrap_or("x86_64");
        let file = tree.file(&format!("{prefix}/etc/ld-musl-{arch}.path"));
        let folders = match file.and_then(|body: &Body| body.head(64 * 1024).ok()) {
            Some(text) => split(&String::from_utf8_lossy(&text), &[':', '\n']),
            None => ["/lib", "/usr/local/lib", "/usr/lib"].map(str::to_owned).to_vec(),
        };
        Self { kind: Kind::Musl, folders, newer: &[], lib: String::new(), platform: None, behind: None, preload: None }
    }

    fn glibc(program: &Elf, bytes: &[u8]) -> Self {
        let mut folders = compiled_in_folders(bytes);
        if folders.is_empty() {
            folders = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"].map(str::to_owned).to_vec();
        }
        let (platform, newer) = MACHINES
            .iter()
            .find(|machine| machine.elf == program.machine && machine.is_64 == program.is_64)
            .map_or((None, &[][..]), |machine| (machine.platform, machine.newer));
        // Before 2.33 there were none.
        let knows_newer = memchr::memmem::find(bytes, b"glibc-hwcaps").is_some();
        let lib = folders[0].trim_start_matches("/usr").trim_start_matches('/').to_owned();
        let newer = if knows_newer { newer } else { &[] };
        Self { kind: Kind::Glibc, folders, newer, lib, platform, behind: None, preload: None }
    }

    /// A run path's folders, its variables replaced for an object. musl knows `$ORIGIN` alone and gives up a whole path that
    /// holds another; glibc leaves out a folder whose variable stands for nothing, and takes an empty one for the folder that the
    /// program starts in.
    pub(super) fn run_path(&self, path: &str, object: &str) -> Vec<String> {
        let origin = origin(object);
        match self.kind {
            Kind::Musl => {
                let expanded = path.replace("${ORIGIN}", origin).replace("$ORIGIN", origin);
                if expanded.contains('$') { Vec::new() } else { split(&expanded, &[':']) }
            }
            Kind::Glibc => path.split(':').filter_map(|folder| self.expanded(folder, origin)).collect(),
        }
    }

    /// The folders of `LD_LIBRARY_PATH`, for a program.
    pub(super) fn library_path(&self, path: &str, program: &str) -> Vec<String> {
        match self.kind {
            Kind::Musl => split(path, &[':', '\n']),
            Kind::Glibc if path.is_empty() => Vec::new(),
            Kind::Glibc => path.split([':', ';']).filter_map(|folder| self.expanded(folder, origin(program))).collect(),
        }
    }

    fn expanded(&self, folder: &str, origin: &str) -> Option<String> {
        let variables = [("ORIGIN", Some(origin)), ("PLATFORM", self.platform), ("LIB", Some(self.lib.as_str()))];
        let mut result = String::new();
        let mut rest = folder;
        while let Some((before, after)) = rest.split_once('$') {
            result.push_str(before);
            let variable = variables.iter().find_map(|(name, value)| {
                let braced = after.strip_prefix('{').and_then(|after| after.strip_prefix(name)?.strip_prefix('}'));
                Some((value, braced.or_else(|| after.strip_prefix(name))?))
            });
            match variable {
                Some((value, after)) => {
                    result.push_str((*value)?);
                    rest = after;
                }
                None => {
                    result.push('$');
                    rest = after;
                }
            }
        }
        result.push_str(rest);
        Some(if folder.is_empty() { ".".to_owned() } else { result })
    }
}

/// What a machine's processors are called (`AT_PLATFORM` of the kernel's `arch/*/include/asm/elf.h`; nothing where it depends on
/// the processor; glibc up to 2.36 calls some of Intel's `haswell` or `xeon_phi`, `sysdeps/x86/cpu-features.c`), and glibc's
/// folders for newer ones (`sysdeps/*/dl-hwcaps-subdirs.c`).
struct Machine {
    elf: u16,
    is_64: bool,
    platform: Option<&'static str>,
    newer: &'static [&'static str],
}

const MACHINES: [Machine; 5] = [
    Machine { elf: 3, is_64: false, platform: Some("i686"), newer: &[] },
    Machine { elf: 21, is_64: true, platform: None, newer: &["power9", "power10"] },
    Machine { elf: 22, is_64: true, platform: None, newer: &["z13", "z14", "z15", "z16"] },
    Machine { elf: 62, is_64: true, platform: Some("x86_64"), newer: &["x86-64-v2", "x86-64-v3", "x86-64-v4"] },
    Machine { elf: 183, is_64: true, platform: Some("aarch64"), newer: &[] },
];

fn is_musl_name(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with("ld-musl-"))
}

/// Whether a file is musl's loader under another name: it names its own path file.
fn is_musls_own(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"/etc/ld-musl-").is_some()
}

/// A path among a file's texts that holds these bytes.
fn text_with(bytes: &[u8], part: &[u8]) -> Option<String> {
    memchr::memmem::find_iter(bytes, part).find_map(|at| {
        let start = memchr::memrchr(0, &bytes[..at]).map_or(0, |before| before + 1);
        let end = at + memchr::memchr(0, &bytes[at..])?;
        let text = &bytes[start..end];
        (text.len() < 256 && text.starts_with(b"/") && text.iter().all(u8::is_ascii_graphic))
            .then(|| String::from_utf8_lossy(text).into_owned())
    })
}

/// glibc's loader carries its folders as text (`/lib/x86_64-linux-gnu/`, `/usr/lib/`): which they are, distributions decide.
fn compiled_in_folders(bytes: &[u8]) -> Vec<String> {
    let mut folders = Vec::new();
    for at in memchr::memmem::find_iter(bytes, b"/lib") {
        let start = if bytes[..at].ends_with(b"/usr") { at - 4 } else { at };
        let starts_a_text = start == 0 || bytes[start - 1] == 0;
        let text = &bytes[start..bytes.len().min(start + 256)];
        let Some(end) = text.iter().position(|&byte| byte == 0) else { continue };
        let plain = text[..end].iter().all(|&byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte));
        if starts_a_text && plain && text[..end].ends_with(b"/") {
            let folder = String::from_utf8_lossy(&text[..end]).trim_end_matches('/').to_owned();
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    folders
}

/// The folder of an object.
fn origin(object: &str) -> &str {
    object.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The parts of a path that are not empty.
fn split(path: &str, separators: &[char]) -> Vec<String> {
    path.split(separators).filter(|folder| !folder.is_empty()).map(str::to_owned).collect()
}
