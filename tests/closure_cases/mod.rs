//! Small indexes that each show one rule of apk's selection, with what `apk add` makes of them on an empty base. The plain
//! tests hold `aboard` against the table; where the real apk is at hand it is held against the same rows.
#![allow(dead_code, reason = "each test file uses a part")]

use crate::apk_fixture::record;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// One index, one request, and the outcome.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The rule that it shows.
    pub rule: &'static str,
    /// A package a line: name, version, then fields as in an index, each after a `;`.
    pub index: &'static str,
    /// What is asked for, separated by spaces.
    pub add: &'static str,
    /// `name-version` of what comes, or the subjects of apk's complaints; sorted, separated by spaces.
    pub outcome: Result<&'static str, &'static str>,
}

impl Case {
    /// The text of its APKINDEX.
    pub fn text(&self) -> String {
        text(self.index)
    }

    /// What is asked for.
    pub fn requests(&self) -> Vec<&'static str> {
        self.add.split(' ').collect()
    }
}

/// The text of an APKINDEX, from a package a line: `name version; D:other; p:cmd:x=1`.
pub fn text(packages: &str) -> String {
    packages.lines().map(str::trim).filter(|line| !line.is_empty()).map(one).collect()
}

fn one(line: &str) -> String {
    let mut parts = line.split("; ");
    let head = parts.next().expect("a name and a version");
    let (name, version) = head.split_once(' ').expect("a name and a version");
    let fields: Vec<&str> = parts.collect();
    let checksum = format!("C:Q1{}", STANDARD.encode(Sha1::digest(line)));
    record(name, version, 100, &fields.join("\n")).replacen(&format!("C:Q1{name}{version}"), &checksum, 1)
}

/// The rows.
pub const CASES: &[Case] = &[
    Case {
        rule: "what a package needs comes along, and no more",
        index: "a 1-r0; D:b\nb 1-r0; D:c\nc 1-r0\nd 1-r0",
        add: "a",
        outcome: Ok("a-1-r0 b-1-r0 c-1-r0"),
    },
    Case {
        rule: "packages may need each other, and themselves",
        index: "a 1-r0; D:b a\nb 1-r0; D:c\nc 1-r0; D:a",
        add: "a",
        outcome: Ok("a-1-r0 b-1-r0 c-1-r0"),
    },
    Case { rule: "the newest build is taken", index: "a 1-r9\na 1-r10\na 1_rc1-r20", add: "a", outcome: Ok("a-1-r10") },
    Case {
        rule: "an upper bound keeps the newest build out",
        index: "a 1-r0; D:b<2\nb 1-r0\nb 2-r0",
        add: "a",
        outcome: Ok("a-1-r0 b-1-r0"),
    },
    Case {
        rule: "a bound of the request counts as one of a package",
        index: "a 1-r0; D:b\nb 1-r0\nb 2-r0",
        add: "a b<2",
        outcome: Ok("a-1-r0 b-1-r0"),
    },
    Case {
        rule: "a fuzzy version fits what it begins",
        index: "a 1-r0; D:b~1.2\nb 1.1-r0\nb 1.2.3-r4\nb 1.20-r0",
        add: "a",
        outcome: Ok("a-1-r0 b-1.2.3-r4"),
    },
    Case {
        rule: "an exact version fits that build alone",
        index: "b 1-r0\nb 1-r1",
        add: "b=1-r0",
        outcome: Ok("b-1-r0"),
    },
    Case {
        rule: "a lower bound that nothing reaches is impossible",
        index: "a 1-r0; D:b>1-r0\nb 1-r0",
        add: "a",
        outcome: Err("b-1-r0"),
    },
    Case {
        rule: "two packages that want different builds of a third are impossible together",
        index: "a 1-r0; D:b<2\nc 1-r0; D:b>=2\nb 1-r0\nb 2-r0",
        add: "a c",
        outcome: Err("b-1-r0"),
    },
    Case {
        rule: "a conflict keeps a package out that is asked for",
        index: "a 1-r0; D:!x\nx 1-r0",
        add: "a x",
        outcome: Err("x-1-r0"),
    },
    Case {
        rule: "a conflict with some versions leaves the others",
        index: "a 1-r0; D:!x<2\nx 1-r0\nx 2-r0",
        add: "a x",
        outcome: Ok("a-1-r0 x-2-r0"),
    },
    Case {
        rule: "a conflict with what nobody wants is none",
        index: "a 1-r0; D:!x\nx 1-r0",
        add: "a",
        outcome: Ok("a-1-r0"),
    },
    Case {
        rule: "a conflict of the request forbids what a package needs",
        index: "a 1-r0; D:x\nx 1-r0",
        add: "a !x",
        outcome: Err("x-1-r0"),
    },
    Case {
        rule: "a conflict keeps one provider out, and the other serves",
        index: "a 1-r0; D:cmd:vi !vim\nvim 1-r0; p:cmd:vi=9\nnvi 1-r0; p:cmd:vi=1",
        add: "a",
        outcome: Ok("a-1-r0 nvi-1-r0"),
    },
    Case {
        rule: "of several providers the one of the highest provided version is taken",
        index: "a 1-r0; D:cmd:vi\none 9-r0; p:cmd:vi=1-r0\ntwo 1-r0; p:cmd:vi=2-r0",
        add: "a",
        outcome: Ok("a-1-r0 two-1-r0"),
    },
    Case {
        rule: "at the same provided version the provider priority decides",
        index: "a 1-r0; D:cmd:vi\none 1-r0; p:cmd:vi=1-r0; k:5\ntwo 1-r0; p:cmd:vi=1-r0; k:10\nthree 1-r0; p:cmd:vi=1-r0",
        add: "a",
        outcome: Ok("a-1-r0 two-1-r0"),
    },
    Case {
        rule: "a provider that needs what nothing has is taken all the same: apk does not look back",
        index: "a 1-r0; D:cmd:vi\none 1-r0; p:cmd:vi=2; D:gone\ntwo 1-r0; p:cmd:vi=1",
        add: "a",
        outcome: Err("gone"),
    },
    Case {
        rule: "a provider that is asked for serves the others too",
        index: "a 1-r0; D:cmd:vi\none 1-r0; p:cmd:vi=2\ntwo 1-r0; p:cmd:vi=1",
        add: "a two",
        outcome: Ok("a-1-r0 two-1-r0"),
    },
    Case {
        rule: "a provided version meets a bound",
        index: "a 1-r0; D:so:z>=2\nz 1-r0; p:so:z=2.1",
        add: "a",
        outcome: Ok("a-1-r0 z-1-r0"),
    },
    Case {
        rule: "a name provided without a version meets no bound",
        index: "a 1-r0; D:z>=2\ny 1-r0; p:z; k:10",
        add: "a",
        outcome: Err("y-1-r0"),
    },
    Case {
        rule: "a name provided without a version and a priority chooses nobody",
        index: "a 1-r0; D:mta\none 1-r0; p:mta\ntwo 1-r0; p:mta",
        add: "a",
        outcome: Err("mta"),
    },
    Case {
        rule: "not even where there is one alone",
        index: "a 1-r0; D:mta\none 1-r0; p:mta",
        add: "a",
        outcome: Err("mta"),
    },
    Case {
        rule: "with a priority it does",
        index: "a 1-r0; D:mta\none 1-r0; p:mta; k:1\ntwo 1-r0; p:mta; k:2",
        add: "a",
        outcome: Ok("a-1-r0 two-1-r0"),
    },
    Case {
        rule: "and so it does where its package is asked for",
        index: "a 1-r0; D:mta\none 1-r0; p:mta\ntwo 1-r0; p:mta",
        add: "a one",
        outcome: Ok("a-1-r0 one-1-r0"),
    },
    Case {
        rule: "two packages may provide a name without a version",
        index: "one 1-r0; p:mta\ntwo 1-r0; p:mta",
        add: "one two",
        outcome: Ok("one-1-r0 two-1-r0"),
    },
    Case {
        rule: "two packages may not provide a name with versions",
        index: "one 1-r0; p:cmd:vi=1\ntwo 1-r0; p:cmd:vi=1",
        add: "one two",
        outcome: Err("one-1-r0 two-1-r0"),
    },
    Case {
        rule: "a package under a new name takes the place of the old one",
        index: "old 1-r0\nnew 2-r0; p:old=2-r0",
        add: "old",
        outcome: Ok("new-2-r0"),
    },
    Case {
        rule: "a package comes by itself once all that it names are there",
        index: "a 1-r0\ndocs 1-r0\na-doc 1-r0; i:a docs; D:man\nman 1-r0",
        add: "a docs",
        outcome: Ok("a-1-r0 a-doc-1-r0 docs-1-r0 man-1-r0"),
    },
    Case {
        rule: "and not before",
        index: "a 1-r0\ndocs 1-r0\na-doc 1-r0; i:a docs; D:man\nman 1-r0",
        add: "a",
        outcome: Ok("a-1-r0"),
    },
    Case {
        rule: "it comes with that version alone that it names",
        index: "a 2-r0\na-x 1-r0; i:a=1-r0\na-y 1-r0; i:a>1",
        add: "a",
        outcome: Ok("a-2-r0 a-y-1-r0"),
    },
    Case {
        rule: "what came by itself brings others by itself",
        index: "a 1-r0\nb 1-r0; i:a\nc 1-r0; i:b",
        add: "a",
        outcome: Ok("a-1-r0 b-1-r0 c-1-r0"),
    },
    Case { rule: "a conflict keeps it away", index: "a 1-r0\nb 1-r0; i:a", add: "a !b", outcome: Ok("a-1-r0") },
    Case {
        rule: "what would come by itself and cannot makes the set impossible",
        index: "a 1-r0\nb 1-r0; i:a; D:gone",
        add: "a",
        outcome: Err("gone"),
    },
    Case {
        rule: "what a needed package needs must be there",
        index: "a 1-r0; D:b\nb 1-r0; D:so:gone.1",
        add: "a",
        outcome: Err("so:gone.1"),
    },
    Case { rule: "a request that nothing has", index: "a 1-r0", add: "a gone", outcome: Err("gone") },
    Case {
        rule: "a list ends at its first entry that cannot be read",
        index: "a 1-r0; D:b c=1_x d\nb 1-r0\nd 1-r0",
        add: "a",
        outcome: Ok("a-1-r0 b-1-r0"),
    },
];
