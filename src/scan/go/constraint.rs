//! Which files the Go tool would build: file names, `//go:build` and `// +build` lines, tags.
//!
//! It answers for one platform and one set of tags, as `go build` does. It refuses nothing: a constraint that cannot be
//! read counts as satisfied, so that code is looked at rather than lost.

use crate::platform::Platform;
use std::collections::BTreeSet;

/// The newest Go release whose tag (`go1.N`) counts as set.
/// Source: <https://go.dev/doc/devel/release>; a later release only adds tags, which old code does not exclude.
const NEWEST_RELEASE: u32 = 27;

/// How deep a constraint may nest before it counts as satisfied.
const MAX_DEPTH: u32 = 100;

/// The operating systems that a file name or a tag may name.
/// Source: <https://cs.opensource.google/go/go/+/master:src/internal/syslist/syslist.go>.
const SYSTEMS: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "wasip1",
    "windows",
    "zos",
];

/// The architectures that a file name or a tag may name. Source: as for [`SYSTEMS`].
const ARCHITECTURES: &[&str] = &[
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "arm64",
    "arm64be",
    "armbe",
    "loong64",
    "mips",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "mipsle",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

/// What is set in one build.
#[derive(Clone, Debug)]
pub(crate) struct BuildTags {
    os: &'static str,
    arch: &'static str,
    cgo: bool,
    tags: BTreeSet<String>,
}

impl BuildTags {
    /// Whether a name is that of an operating system or an architecture.
    pub(crate) fn is_platform(name: &str) -> bool {
        SYSTEMS.contains(&name) || ARCHITECTURES.contains(&name)
    }

    /// The tags of a platform and those given besides; `cgo` is on unless `-cgo` is among them.
    pub(crate) fn new(platform: Platform, extra: &[String]) -> Self {
        let mut tags = BTreeSet::new();
        let mut cgo = true;
        for tag in extra.iter().flat_map(|tags| tags.split([',', ' '])).filter(|tag| !tag.is_empty()) {
            if tag == "-cgo" {
                cgo = false;
            } else {
                tags.insert(tag.to_owned());
            }
        }
        Self { os: platform.os(), arch: platform.go_arch(), cgo, tags }
    }

    /// `GOOS`.
    pub(crate) fn os(&self) -> &'static str {
        self.os
    }

    /// `GOARCH`.
    pub(crate) fn arch(&self) -> &'static str {
        self.arch
    }

    /// Whether files that `import "C"` are built.
    pub(crate) fn cgo(&self) -> bool {
        self.cgo
    }

    /// Whether a tag is set.
    fn is_set(&self, tag: &str) -> bool {
        if tag == self.os || tag == self.arch || self.tags.contains(tag) {
            return true;
        }
        match tag {
            "unix" | "gc" => true,
            "cgo" => self.cgo,
            _ => tag
                .strip_prefix("go1.")
                .and_then(|minor| minor.parse::<u32>().ok())
                .is_some_and(|minor| minor <= NEWEST_RELEASE),
        }
    }

    /// Whether a file of this name belongs to the build, as far as the name tells.
    pub(crate) fn takes_name(&self, name: &str) -> bool {
        let Some(stem) = name.strip_suffix(".go") else { return false };
        if stem.starts_with(['_', '.']) || stem.ends_with("_test") {
            return false;
        }
        // The part before the first underscore never counts: `linux.go` is built everywhere.
        let Some((_, suffix)) = stem.split_once('_') else { return true };
        let parts: Vec<&str> = suffix.split('_').collect();
        let last = parts[parts.len() - 1];
        if ARCHITECTURES.contains(&last) {
            let system = parts.len() >= 2 && SYSTEMS.contains(&parts[parts.len() - 2]);
            return last == self.arch && (!system || parts[parts.len() - 2] == self.os);
        }
        !SYSTEMS.contains(&last) || last == self.os
    }

    /// Whether a `//go:build` expression holds.
    pub(crate) fn holds(&self, expression: &str) -> bool {
        let mut parser = Parser { rest: expression, tags: self };
        parser.or(0).unwrap_or(true)
    }

    /// Whether all `// +build` lines hold: spaces are "or", commas are "and".
    pub(crate) fn plus_build_holds(&self, lines: &[&str]) -> bool {
        lines.iter().all(|line| {
            line.split_whitespace().any(|option| {
                option.split(',').all(|term| match term.strip_prefix('!') {
                    Some(tag) => !self.is_set(tag),
                    None => self.is_set(term),
                })
            })
        })
    }
}

/// A recursive reader of `a && (b || !c)`.
struct Parser<'a> {
    rest: &'a str,
    tags: &'a BuildTags,
}

impl Parser<'_> {
    fn or(&mut self, depth: u32) -> Option<bool> {
        let mut value = self.and(depth)?;
        while self.eat("||") {
            value |= self.and(depth)?;
        }
        Some(value)
    }

    fn and(&mut self, depth: u32) -> Option<bool> {
        let mut value = self.not(depth)?;
        while self.eat("&&") {
            value &= self.not(depth)?;
        }
        Some(value)
    }

    fn not(&mut self, depth: u32) -> Option<bool> {
        if depth > MAX_DEPTH {
            return None;
        }
        if self.eat("!") {
            return self.not(depth + 1).map(|value| !value);
        }
        if self.eat("(") {
            let value = self.or(depth + 1)?;
            return self.eat(")").then_some(value);
        }
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(self.rest.len());
        let (tag, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!tag.is_empty()).then(|| self.tags.is_set(tag))
    }

    fn eat(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(extra: &[&str]) -> BuildTags {
        let extra: Vec<String> = extra.iter().map(|&tag| tag.to_owned()).collect();
        BuildTags::new(Platform::default(), &extra)
    }

    #[test]
    fn names_choose_files() {
        let tags = tags(&[]);
        for name in ["a.go", "linux.go", "windows.go", "a_linux.go", "a_amd64.go", "a_linux_amd64.go", "a_unix.go"] {
            assert!(tags.takes_name(name), "{name}");
        }
        for name in ["a_test.go", "a_windows.go", "a_arm64.go", "a_darwin_amd64.go", "_a.go", ".a.go", "a.c"] {
            assert!(!tags.takes_name(name), "{name}");
        }
    }

    #[test]
    fn expressions_are_read_as_go_reads_them() {
        let tags = tags(&["netgo,extra"]);
        for holds in ["linux", "!windows", "linux && (amd64 || arm64)", "go1.18 && extra", "unix", "cgo", "netgo"] {
            assert!(tags.holds(holds), "{holds}");
        }
        for fails in ["windows", "ignore", "linux && !amd64", "!(linux || darwin)", "go1.99"] {
            assert!(!tags.holds(fails), "{fails}");
        }
        assert!(!BuildTags::new(Platform::default(), &["-cgo".to_owned()]).holds("cgo"));
    }

    #[test]
    fn a_constraint_that_cannot_be_read_holds() {
        assert!(tags(&[]).holds("windows &&"));
        assert!(tags(&[]).holds(&"(".repeat(100_000)));
        assert!(tags(&[]).holds(&"!".repeat(100_000)));
    }

    #[test]
    fn old_lines_are_read_too() {
        let tags = tags(&[]);
        assert!(tags.plus_build_holds(&["linux darwin", "!windows"]));
        assert!(tags.plus_build_holds(&["windows linux,amd64"]));
        assert!(!tags.plus_build_holds(&["linux", "windows"]));
    }
}
