//! The platform that an image runs on, under the names that docker, Go, apk and ELF give it.

use std::fmt;
use std::str::FromStr;

/// An operating system and an architecture, in docker's and Go's words (`linux/amd64`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    arch: &'static Arch,
}

/// One row of the table of architectures.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Arch {
    /// docker's word, with the variant (`arm/v7`).
    docker: &'static str,
    /// `GOARCH`.
    go: &'static str,
    /// Alpine's word: the folder of a mirror.
    apk: &'static str,
    /// `e_machine` of an ELF header, and whether it is a 64-bit file.
    elf: (u16, bool),
}

/// Architectures that Alpine builds for, sorted by docker's word.
/// Source: <https://wiki.alpinelinux.org/wiki/Architecture>, <https://go.dev/doc/install/source#environment>, `elf.h`.
static ARCHES: [Arch; 8] = [
    Arch { docker: "386", go: "386", apk: "x86", elf: (3, false) },
    Arch { docker: "amd64", go: "amd64", apk: "x86_64", elf: (62, true) },
    Arch { docker: "arm/v6", go: "arm", apk: "armhf", elf: (40, false) },
    Arch { docker: "arm/v7", go: "arm", apk: "armv7", elf: (40, false) },
    Arch { docker: "arm64", go: "arm64", apk: "aarch64", elf: (183, true) },
    Arch { docker: "ppc64le", go: "ppc64le", apk: "ppc64le", elf: (21, true) },
    Arch { docker: "riscv64", go: "riscv64", apk: "riscv64", elf: (243, true) },
    Arch { docker: "s390x", go: "s390x", apk: "s390x", elf: (22, true) },
];

/// Why a text is not a [`Platform`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not a platform that Alpine builds for; one of linux/amd64, linux/arm64, linux/386, linux/arm/v6, linux/arm/v7, linux/ppc64le, linux/riscv64, linux/s390x is meant"
)]
pub struct UnknownPlatform(String);

impl Platform {
    /// `GOOS`; always `linux`.
    pub fn os(self) -> &'static str {
        "linux"
    }

    /// `GOARCH`.
    pub fn go_arch(self) -> &'static str {
        self.arch.go
    }

    /// Alpine's word for the architecture (`x86_64`).
    pub fn apk_arch(self) -> &'static str {
        self.arch.apk
    }

    /// docker's architecture without its variant (`arm`).
    pub fn docker_arch(self) -> &'static str {
        self.arch.docker.split('/').next().unwrap_or(self.arch.docker)
    }

    /// docker's variant (`v7`), where there is one.
    pub fn variant(self) -> Option<&'static str> {
        self.arch.docker.split_once('/').map(|(_, variant)| variant)
    }

    /// The platform of Alpine's word for an architecture (`x86_64`).
    pub fn of_apk(arch: &str) -> Option<Self> {
        ARCHES.iter().find(|row| row.apk == arch).map(|arch| Self { arch })
    }

    /// `e_machine` of the ELF files that run there, and whether they are 64-bit.
    pub fn elf(self) -> (u16, bool) {
        self.arch.elf
    }
}

impl Default for Platform {
    fn default() -> Self {
        Self { arch: &ARCHES[1] }
    }
}

impl FromStr for Platform {
    type Err = UnknownPlatform;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let arch = text.strip_prefix("linux/").map(|arch| match arch {
            "arm" => "arm/v7",
            "arm64/v8" => "arm64",
            other => other,
        });
        ARCHES
            .iter()
            .find(|row| Some(row.docker) == arch)
            .map(|arch| Self { arch })
            .ok_or_else(|| UnknownPlatform(text.to_owned()))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "linux/{}", self.arch.docker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_reads_back() {
        for arch in &ARCHES {
            let platform: Platform = format!("linux/{}", arch.docker).parse().expect("a row");
            assert_eq!(platform.to_string(), format!("linux/{}", arch.docker));
        }
        assert!(ARCHES.is_sorted_by_key(|row| row.docker));
    }

    #[test]
    fn the_default_is_amd64() {
        assert_eq!(Platform::default().to_string(), "linux/amd64");
        assert_eq!(Platform::default().apk_arch(), "x86_64");
        assert!("windows/amd64".parse::<Platform>().is_err());
    }
}
