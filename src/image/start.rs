//! Whether a program would start: what the kernel, the loader and the script's first line ask for is there.
//!
//! The kernel's rules are those of `fs/binfmt_elf.c` and `fs/binfmt_script.c`; the loaders' are in [`super::library`]. What a
//! program does once it runs is not judged, and symbols are not compared.

use super::elf::{self, Elf, ElfError};
use super::library::{self, Lacking, Search};
use super::lookup::{LookupError, Runtime};
use super::tree::{Found, NodeKind};
use crate::platform::Platform;

/// A script's interpreter may be a script: the kernel follows this many.
const MAX_INTERPRETERS: usize = 5;
/// `env` starts the count anew, though not without end.
const MAX_TOUCHED: usize = 20;
/// The kernel reads this many bytes of a script's first line.
const FIRST_LINE: usize = 256;

/// A program that would start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The file.
    pub found: Found,
    /// The interpreters of a script, the outermost last.
    pub interpreters: Vec<Found>,
    /// The loader and the libraries that are loaded with it.
    pub loads: Vec<Found>,
}

/// Why a program would not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be looked up.
    Lookup(LookupError),
    /// It is nothing that the kernel starts.
    NoProgram {
        /// The file.
        path: String,
        /// What it is instead.
        why: String,
    },
    /// It is built for another machine or system.
    WrongArchitecture {
        /// The file.
        path: String,
        /// What it is built for.
        built_for: String,
        /// The image's platform can run such files where the kernel has support for them (386 on amd64, arm on arm64).
        sometimes: bool,
    },
    /// The loader that it asks for is not there.
    MissingLoader {
        /// The file.
        path: String,
        /// The loader.
        loader: String,
        /// Why it cannot be used.
        why: String,
        /// The loader is glibc's and the image has musl's.
        glibc_on_musl: bool,
    },
    /// Libraries that it needs are not there.
    MissingLibrary {
        /// The file.
        path: String,
        /// What is lacking.
        lacking: Vec<Lacking>,
    },
    /// A script's interpreter is not there.
    MissingInterpreter {
        /// The script.
        path: String,
        /// The interpreter.
        interpreter: String,
        /// Why it cannot be used.
        why: String,
        /// The first line ends in a carriage return, which becomes part of the name.
        carriage_return: bool,
    },
    /// A link to busybox under a name that is none of its applets.
    NoApplet {
        /// The link.
        path: String,
        /// The busybox.
        busybox: String,
        /// The name.
        applet: String,
    },
}

/// Looks a program up and says whether it would start.
pub fn program(runtime: &Runtime<'_>, platform: Platform, name: &str) -> Result<Start, Trouble> {
    let found = runtime.find(name).map_err(Trouble::Lookup)?;
    let mut start = Start { found: found.clone(), interpreters: Vec::new(), loads: Vec::new() };
    Check { runtime, platform }.file(&found, name, 0, &mut start)?;
    Ok(start)
}

struct Check<'a> {
    runtime: &'a Runtime<'a>,
    platform: Platform,
}

impl Check<'_> {
    fn file(&self, found: &Found, called: &str, depth: usize, start: &mut Start) -> Result<(), Trouble> {
        let no_program = |why: &str| Trouble::NoProgram { path: found.path.clone(), why: why.to_owned() };
        let NodeKind::File(body) = &self.runtime.image.tree.node(found.node).kind else {
            return Err(no_program("no regular file"));
        };
        let head = body.head(FIRST_LINE).map_err(|error| no_program(&format!("unreadable: {error}")))?;
        if head.is_empty() {
            return Err(no_program("an empty file"));
        }
        if head.starts_with(b"#!") {
            return self.script(found, &head, depth, start);
        }
        match elf::read(body) {
            Err(ElfError::NotElf) => Err(no_program("neither an ELF program nor a script with #!")),
            Err(ElfError::Broken(why)) => Err(no_program(&format!("a broken ELF file: {why}"))),
            Ok(elf) => {
                self.elf(found, &elf, start)?;
                self.applet(found, called)
            }
        }
    }

    fn elf(&self, found: &Found, elf: &Elf, start: &mut Start) -> Result<(), Trouble> {
        let path = found.path.clone();
        let no_program = |why: &str| Trouble::NoProgram { path: found.path.clone(), why: why.to_owned() };
        if let Some((built_for, sometimes)) = foreign(elf, self.platform) {
            return Err(Trouble::WrongArchitecture { path, built_for, sometimes });
        }
        if !elf.executable || !elf.loads {
            return Err(no_program("an ELF file, but none that is started (an object file)"));
        }
        if elf.cut_short {
            return Err(no_program("an ELF file that is cut short"));
        }
        let Some(name) = &elf.interpreter else {
            if !elf.has_entry {
                return Err(no_program("a shared library, which has no address to start at"));
            }
            return Ok(());
        };
        let loader = self.loader(found, name)?;
        let node = self.runtime.image.tree.node(found.node);
        let secure = node.mode & 0o6000 != 0 || node.capabilities;
        let search = Search {
            tree: &self.runtime.image.tree,
            user: &self.runtime.user,
            library_path: self.runtime.image.config.env("LD_LIBRARY_PATH").filter(|_| !secure),
            working_dir: &self.runtime.working_dir,
        };
        let (lacking, files) = library::lacking(&search, &found.path, elf, &loader);
        start.loads.push(loader);
        start.loads.extend(files);
        if lacking.is_empty() { Ok(()) } else { Err(Trouble::MissingLibrary { path, lacking }) }
    }

    fn loader(&self, found: &Found, name: &str) -> Result<Found, Trouble> {
        let missing = |why: String| Trouble::MissingLoader {
            path: found.path.clone(),
            loader: name.to_owned(),
            why,
            glibc_on_musl: is_glibc_name(name) && self.has_musl(),
        };
        let loader =
            self.runtime.executable(&self.runtime.working_dir, name).map_err(|error| missing(reason(&error)))?;
        let NodeKind::File(body) = &self.runtime.image.tree.node(loader.node).kind else {
            return Err(missing("it is no file".to_owned()));
        };
        match elf::read(body) {
            Ok(elf) if foreign(&elf, self.platform).is_some() => {
                Err(missing(format!("it is built for {}", elf::machine_name(elf.machine, elf.is_64))))
            }
            Ok(elf) if elf.executable && elf.loads && !elf.cut_short => Ok(loader),
            Ok(_) => Err(missing("it is no program".to_owned())),
            Err(error) => Err(missing(format!("it is {error}"))),
        }
    }

    fn has_musl(&self) -> bool {
        self.runtime.image.tree.list("/lib").iter().any(|(name, _)| name.starts_with("ld-musl-"))
    }

    /// A script: its first line names an interpreter and at most one argument.
    fn script(&self, found: &Found, head: &[u8], depth: usize, start: &mut Start) -> Result<(), Trouble> {
        let no_program = |why: &str| Trouble::NoProgram { path: found.path.clone(), why: why.to_owned() };
        if depth >= MAX_INTERPRETERS || start.interpreters.len() > MAX_TOUCHED {
            return Err(no_program("a script whose interpreters are scripts too many times or in a circle"));
        }
        let line = &head[2..];
        let end = memchr::memchr(b'\n', line);
        let blank = |byte: u8| byte == b' ' || byte == b'\t';
        let line = &line[..end.unwrap_or(line.len())];
        let from = line.iter().position(|&byte| !blank(byte)).unwrap_or(line.len());
        let to = line.iter().rposition(|&byte| !blank(byte)).map_or(from, |last| last + 1).max(from);
        let line = String::from_utf8_lossy(&line[from..to]).into_owned();
        let (name, argument) = line.split_once([' ', '\t']).unwrap_or((&line, ""));
        let name = name.split('\0').next().unwrap_or_default();
        if name.is_empty() {
            return Err(no_program("a script whose #! names no interpreter"));
        }
        if head.len() == FIRST_LINE && end.is_none() && name.len() == line.len() {
            return Err(no_program("a script whose #! line is longer than the kernel reads"));
        }
        let missing = |interpreter: &str, why: String| Trouble::MissingInterpreter {
            path: found.path.clone(),
            interpreter: interpreter.trim_end_matches('\r').to_owned(),
            why,
            carriage_return: interpreter.ends_with('\r'),
        };
        let interpreter =
            self.runtime.executable(&self.runtime.working_dir, name).map_err(|error| missing(name, reason(&error)))?;
        start.interpreters.push(interpreter.clone());
        self.file(&interpreter, name, depth + 1, start)?;
        if name.rsplit('/').next() != Some("env") {
            return Ok(());
        }
        let is_busybox = interpreter.path.ends_with("/busybox");
        let Some(program) = env_program(argument, is_busybox).map_err(|why| missing(argument, why))? else {
            return Ok(());
        };
        let target = self.runtime.find(&program).map_err(|error| missing(&program, on_path(&error)))?;
        start.interpreters.push(target.clone());
        self.file(&target, &program, 0, start)
    }

    /// A busybox started under a name must have an applet of that name.
    fn applet(&self, found: &Found, called: &str) -> Result<(), Trouble> {
        let busybox = found.path.rsplit('/').next().is_some_and(|name| name.starts_with("busybox"));
        let name = called.rsplit('/').next().unwrap_or(called).trim_start_matches('-');
        if !busybox || name.starts_with("busybox") {
            return Ok(());
        }
        match self.runtime.applets(found.node) {
            Some(applets) if applets.binary_search_by(|applet| applet.as_str().cmp(name)).is_err() => {
                let path = found.links.first().map_or_else(|| called.to_owned(), |(link, _)| link.clone());
                Err(Trouble::NoApplet { path, busybox: found.path.clone(), applet: name.to_owned() })
            }
            _ => Ok(()),
        }
    }
}

/// Why a lookup by path failed, in words.
fn reason(error: &LookupError) -> String {
    match error {
        LookupError::NotFound => "it is not there".to_owned(),
        LookupError::Dangling { link, target, .. } => format!("the link {link} leads to {target}, which is not there"),
        LookupError::NotExecutable { why, .. } => why.clone(),
    }
}

fn on_path(error: &LookupError) -> String {
    match error {
        LookupError::NotFound => "it is not on the image's PATH".to_owned(),
        other => reason(other),
    }
}

/// The program that `env` runs for a script with this argument; nothing where it runs none.
fn env_program(argument: &str, is_busybox: bool) -> Result<Option<String>, String> {
    let split = argument.strip_prefix("-S").or_else(|| argument.strip_prefix("--split-string="));
    let words: Vec<&str> = match split {
        Some(_) if is_busybox => return Err("busybox's env has no option -S".to_owned()),
        Some(rest) => rest.split([' ', '\t']).filter(|word| !word.is_empty()).collect(),
        // The kernel hands all that follows over as one argument.
        None if argument.is_empty() || argument.starts_with('-') => return Ok(None),
        None => vec![argument],
    };
    let mut words = words.into_iter().skip_while(|word| word.starts_with('-') || word.contains('='));
    Ok(words.next().map(|word| word.trim_matches(['"', '\'']).to_owned()))
}

/// The names of glibc's loaders begin so; musl's begin with `ld-musl-`.
fn is_glibc_name(loader: &str) -> bool {
    let name = loader.rsplit('/').next().unwrap_or_default();
    (name.starts_with("ld-linux") || name.starts_with("ld64.so") || name == "ld.so.1") && !name.contains("musl")
}

/// What a file is built for where that is not the platform, and whether the platform can run it all the same.
fn foreign(elf: &Elf, platform: Platform) -> Option<(String, bool)> {
    let (machine, is_64) = platform.elf();
    let big = platform.go_arch() == "s390x";
    let name = elf::machine_name(elf.machine, elf.is_64);
    if (elf.machine, elf.is_64) != (machine, is_64) {
        let sometimes = matches!((machine, elf.machine, elf.is_64), (62, 3, false) | (183, 40, false));
        return Some((format!("linux/{name}"), sometimes));
    }
    if elf.little_endian == big {
        return Some((format!("{name} with the other byte order"), false));
    }
    elf::foreign_abi(elf.os_abi).map(|system| (format!("{system} on {name}"), false))
}
