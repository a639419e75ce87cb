//! What is installed in an image: `/lib/apk/db/installed` and `/etc/apk/world`.
//!
//! The database holds the same fields as an index, and for each package the files that it brought.

use super::index::{Index, IndexError, Lines, Package, RecordParser};
use std::collections::BTreeMap;

/// The path of the database in an image.
pub const DATABASE: &str = "/lib/apk/db/installed";

/// The path, in an image, of the list of packages that were asked for.
pub const WORLD: &str = "/etc/apk/world";

/// The installed packages of an image.
#[derive(Clone, Debug, Default)]
pub struct Installed {
    index: Index,
    files: BTreeMap<String, u32>,
    world: Vec<String>,
}

impl Installed {
    /// Nothing installed, nothing asked for: what `FROM scratch` or `apk add --initdb` starts with.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads the database, and the text of `world` (empty where there is none).
    pub fn parse(database: String, world: &str) -> Result<Self, IndexError> {
        let (mut records, mut files) = (Vec::new(), BTreeMap::new());
        let mut parser = RecordParser::default();
        let (mut folder, mut last) = ("", 0);
        for line in Lines::new(&database)? {
            let line = line?;
            last = line.number;
            if line.is_blank() {
                records.extend(parser.finish(line.number)?);
                folder = "";
                continue;
            }
            let text = &database[line.start..line.end];
            match text.split_at_checked(2) {
                Some(("F:", path)) => folder = path,
                Some(("R:", name)) => {
                    let path = if folder.is_empty() { format!("/{name}") } else { format!("/{folder}/{name}") };
                    files.insert(path, records.len() as u32);
                }
                // Modes, checksums and states of folders and files.
                Some(("M:" | "a:" | "Z:" | "s:" | "f:", _)) => {}
                _ => parser.field(&database, line)?,
            }
        }
        records.extend(parser.finish(last)?);
        let world = world.split_ascii_whitespace().map(str::to_owned).collect();
        Ok(Self { index: Index::from_records(database, records), files, world })
    }

    /// The packages.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// A package by its name.
    pub fn package(&self, name: &str) -> Option<Package<'_>> {
        self.index.packages().find(|package| package.name() == name)
    }

    /// What was asked for (`alpine-baselayout`, `busybox`): the roots of all dependencies.
    pub fn world(&self) -> &[String] {
        &self.world
    }

    /// The package that brought the file at an absolute path.
    pub fn owner(&self, path: &str) -> Option<Package<'_>> {
        self.index.package(*self.files.get(path)? as usize)
    }

    /// Every file that a package brought, with its absolute path, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = (&str, Package<'_>)> {
        self.files.iter().filter_map(|(path, &at)| Some((path.as_str(), self.index.package(at as usize)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATABASE: &str = "C:Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=\nP:a\nV:1-r0\nD:b\nr:c\nq:10\nF:\nR:top\nF:usr/bin\nM:0:0:755\nR:tool\na:0:0:755\nZ:Q1x=\n\nC:Q1aaaa\nP:b\nV:2-r0\nF:etc\n\n";

    #[test]
    fn files_know_their_package() {
        let installed = Installed::parse(DATABASE.to_owned(), "a\nb>1\n").expect("a database");
        assert_eq!(installed.owner("/usr/bin/tool").map(Package::name), Some("a"));
        assert_eq!(installed.owner("/top").map(Package::name), Some("a"));
        assert!(installed.owner("/etc").is_none());
        assert_eq!(installed.world(), ["a", "b>1"]);
        let package = installed.package("a").expect("installed");
        assert_eq!(package.replaces().map(|replaced| replaced.name).collect::<Vec<_>>(), ["c"]);
        assert_eq!((package.replaces_priority(), package.depends().count()), (10, 1));
        assert_eq!(installed.index().len(), 2);
    }

    #[test]
    fn a_cut_database_is_refused() {
        assert!(matches!(Installed::parse("P:a\nV:1\nF:x\n".to_owned(), ""), Err(IndexError::Missing { .. })));
        assert_eq!(Installed::none().index().len(), 0);
    }
}
