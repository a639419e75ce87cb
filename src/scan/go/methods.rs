//! Which methods a program declares: a table over every file, made once and on demand.
//!
//! Only the heads of methods are read from the text, without parsing: a row too many (in a comment, in a raw string) is
//! turned away where the file is parsed.

use super::load::{PackageId, Unit, UnitId};
use rayon::prelude::*;
use std::collections::HashMap;

/// A method's declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Declared<'a> {
    pub unit: UnitId,
    pub package: PackageId,
    /// The name of the receiver's type.
    pub receiver: &'a str,
}

/// The methods of a program by their names.
#[derive(Debug, Default)]
pub(crate) struct Methods {
    rows: HashMap<Box<str>, Vec<(UnitId, PackageId, Box<str>)>>,
}

impl Methods {
    /// Reads every file once.
    pub(crate) fn of(units: &[Unit]) -> Self {
        let found: Vec<Vec<(&str, &str)>> = units.par_iter().map(|unit| heads(unit.text()).collect()).collect();
        let mut rows: HashMap<Box<str>, Vec<(UnitId, PackageId, Box<str>)>> = HashMap::new();
        for (id, (unit, heads)) in units.iter().zip(found).enumerate() {
            for (receiver, name) in heads {
                let row = (id as UnitId, unit.package, receiver.into());
                match rows.get_mut(name) {
                    Some(rows) => rows.push(row),
                    None => {
                        rows.insert(name.into(), vec![row]);
                    }
                }
            }
        }
        Self { rows }
    }

    /// The methods of a name, by file.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = Declared<'_>> {
        let rows = self.rows.get(name).into_iter().flatten();
        rows.map(|(unit, package, receiver)| Declared { unit: *unit, package: *package, receiver })
    }

    /// The files of a package that declare a method of a type.
    pub(crate) fn of_type(&self, package: PackageId, receiver: &str, name: &str) -> impl Iterator<Item = UnitId> {
        let rows = self.rows.get(name).map_or(&[][..], Vec::as_slice);
        // A package's files stand together.
        let start = rows.partition_point(|row| row.1 < package);
        let own = rows[start..].iter().take_while(move |row| row.1 == package);
        own.filter(move |row| &*row.2 == receiver).map(|row| row.0)
    }
}

/// The type and the name of each method whose head stands at the start of a line.
fn heads(text: &str) -> impl Iterator<Item = (&str, &str)> {
    memchr::memmem::find_iter(text.as_bytes(), b"func").filter_map(|at| {
        let before = text[..at].trim_end_matches([' ', '\t']);
        if !(before.is_empty() || before.ends_with(['\n', ';'])) {
            return None;
        }
        let rest = text[at + 4..].trim_start().strip_prefix('(')?;
        let (receiver, rest) = rest.split_once(')')?;
        let receiver = receiver.split_once('[').map_or(receiver, |(base, _)| base).trim_end();
        let receiver = receiver.rsplit([' ', '\t', '*', '(', '\n']).next()?;
        let rest = rest.trim_start();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        (!receiver.is_empty() && end > 0).then_some((receiver, &rest[..end]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_as_gofmt_writes_them_and_otherwise() {
        let text = "package p\nfunc (s *Server[K, V]) Run(x int) {}\nfunc Free() {}\n\tfunc  (T)\tName() string\nvar f = func(a int) {}\n";
        assert_eq!(heads(text).collect::<Vec<_>>(), [("Server", "Run"), ("T", "Name")]);
    }
}
