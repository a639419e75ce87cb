//! Which texts can name what: images, packages, programs, stages, arguments and variables.
//!
//! A name that passes here can be written into a Dockerfile, a comment or a command line as it stands.

/// A kind of name: what it is called, which form it must have, and the test of it.
#[derive(Debug)]
pub struct NameKind {
    /// What is named (`package`), for messages.
    pub what: &'static str,
    /// The form in words.
    pub form: &'static str,
    /// Whether a text has that form.
    pub accepts: fn(&str) -> bool,
}

/// An image of the manifest; it is also the default repository of its tag.
pub static IMAGE: NameKind = NameKind {
    what: "image",
    form: "lower-case letters and digits, with `.`, `_` and `-` between them",
    accepts: |name| {
        let parsed = super::base::reference(name);
        parsed.is_some_and(|parsed| parsed.repository == name && !name.contains('/'))
    },
};

/// A package of an apk repository, with an optional repository tag (`name@edge`).
/// Source: `apk_name` in <https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/src/database.c>.
pub static PACKAGE: NameKind = NameKind {
    what: "package",
    form: "letters, digits, `.`, `_`, `+` and `-`, starting with a letter, a digit or `_`, and perhaps `@tag`",
    accepts: |name| {
        let (name, tag) = name.split_once('@').unwrap_or((name, "tag"));
        is_package_word(name) && is_package_word(tag)
    },
};

fn is_package_word(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let first = word.bytes().next().is_some_and(plain);
    first && word.len() <= 128 && word.bytes().all(|byte| plain(byte) || matches!(byte, b'.' | b'+' | b'-'))
}

/// A program, by name or by absolute path.
pub static PROGRAM: NameKind = NameKind {
    what: "program",
    form: "a name or an absolute path without spaces, quotes and the shell's own characters",
    accepts: |name| {
        let usable = |c: char| !c.is_whitespace() && !c.is_control() && !"\"'`\\$;&|<>(){}*?#".contains(c);
        let relative = name.contains('/') && !name.starts_with('/');
        !name.is_empty() && name.len() <= 1024 && !relative && !name.ends_with('/') && name.chars().all(usable)
    },
};

/// The reference that a build is tagged with.
pub static TAG: NameKind = NameKind {
    what: "tag",
    form: "`name:tag`, perhaps with a registry before it, and no digest",
    accepts: |name| super::base::reference(name).is_some_and(|parsed| parsed.digest.is_none()),
};

/// A build argument or a template's variable.
pub static VARIABLE: NameKind = NameKind {
    what: "variable",
    form: "letters, digits and `_`, not starting with a digit",
    accepts: |name| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        name.bytes().all(plain) && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
    },
};

/// A Go build tag.
/// Source: <https://pkg.go.dev/cmd/go#hdr-Build_constraints>.
pub static BUILD_TAG: NameKind = NameKind {
    what: "build tag",
    form: "letters, digits, `_` and `.`",
    accepts: |name| {
        !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '.'))
    },
};

/// A stage of a Dockerfile.
pub static STAGE: NameKind = NameKind {
    what: "stage",
    form: "letters, digits, `.`, `_` and `-`",
    accepts: |name| {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        !name.is_empty() && name.bytes().all(word)
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_what_is_none() {
        let cases: [(&NameKind, &[&str], &[&str]); 6] = [
            (&IMAGE, &["workspace-server", "a", "a_b.c1"], &["", "A", "a/b", "a:1", "-a", "a b"]),
            (&PACKAGE, &["docker-cli", "gtk+3.0", "libstdc++", "x@edge"], &["", "a b", "-a", "a=1", "a\n", "é", "a@"]),
            (&PROGRAM, &["docker", "[", "/usr/sbin/iptables", "g++"], &["", "a b", "./x", "a/b", "a;b", "$x", "/a/"]),
            (&TAG, &["a:1", "ghcr.io/a/b:dev", "a"], &["", "a:", "A:1", "a b"]),
            (&VARIABLE, &["go_version", "_x"], &["", "1a", "a-b", "a.b"]),
            (&BUILD_TAG, &["netgo", "go1.19"], &["", "a,b", "a b", "!a"]),
        ];
        for (kind, good, bad) in cases {
            for name in good {
                assert!((kind.accepts)(name), "{} {name:?}", kind.what);
            }
            for name in bad {
                assert!(!(kind.accepts)(name), "{} {name:?}", kind.what);
            }
        }
    }
}
