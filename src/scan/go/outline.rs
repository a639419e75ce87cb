//! What each file of a program names, declares and selects: a table over every word ([`super::words`]), made once and on
//! demand.
//!
//! It tells which files are worth parsing. Words are kept by their hash: a file too many costs a look, and is turned away
//! where the name itself is looked at.

use super::load::{PackageId, Unit, UnitId};
use super::syntax::hash;
use super::words::File;
use foldhash::{HashMap, HashSet};
use rayon::prelude::*;

/// A method's declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Declared<'a> {
    pub package: PackageId,
    /// The name of the receiver's type.
    pub receiver: &'a str,
}

/// An interface that a file writes down, named or not.
#[derive(Debug)]
pub(crate) struct Interface {
    pub package: PackageId,
    /// The methods that it asks for itself.
    pub methods: Box<[Box<str>]>,
}

/// A method by its file, its package and the name of its receiver's type.
type Method = (UnitId, PackageId, Box<str>);

/// The words and methods of a program.
#[derive(Debug)]
pub(crate) struct Outline {
    /// The hash of a word, a file, and the ways in which that uses it; sorted.
    words: Vec<(u32, UnitId, u8)>,
    /// By name, in the order of files.
    methods: HashMap<Box<str>, Vec<Method>>,
    /// Struct types that embed nothing.
    plain: HashSet<(PackageId, Box<str>)>,
    interfaces: Vec<Interface>,
    /// Interfaces by the names of their methods.
    asking: HashMap<Box<str>, Vec<u32>>,
}

impl Outline {
    /// Reads every file once.
    pub(crate) fn of(units: &[Unit]) -> Self {
        let files: Vec<File<'_>> = units.par_iter().map(|unit| File::read(unit.text())).collect();
        let mut words = Vec::with_capacity(files.iter().map(|file| file.words.len()).sum());
        let mut methods: HashMap<Box<str>, Vec<Method>> = HashMap::default();
        let mut plain = HashSet::default();
        let mut interfaces: Vec<Interface> = Vec::new();
        let mut asking: HashMap<Box<str>, Vec<u32>> = HashMap::default();
        for (id, (unit, file)) in units.iter().zip(files).enumerate() {
            words.extend(file.words.into_iter().map(|(hash, ways)| (hash, id as UnitId, ways)));
            for (receiver, name) in file.methods {
                let row = (id as UnitId, unit.package, receiver.into());
                match methods.get_mut(name) {
                    Some(rows) => rows.push(row),
                    None => drop(methods.insert(name.into(), vec![row])),
                }
            }
            plain.extend(file.structs.into_iter().filter(|of| !of.embeds).map(|of| (unit.package, of.name.into())));
            for names in file.interfaces.into_iter().filter(|names| !names.is_empty()) {
                for &name in &names {
                    asking.entry(name.into()).or_default().push(interfaces.len() as u32);
                }
                let methods = names.into_iter().map(Box::from).collect();
                interfaces.push(Interface { package: unit.package, methods });
            }
        }
        words.par_sort_unstable();
        Self { words, methods, plain, interfaces, asking }
    }

    /// The files that use a word in one of some ways, in order.
    pub(crate) fn users(&self, word: &str, ways: u8) -> impl Iterator<Item = UnitId> {
        self.users_from(word, ways, 0)
    }

    /// As [`Self::users`], from a file on.
    pub(crate) fn users_from(&self, word: &str, ways: u8, first: UnitId) -> impl Iterator<Item = UnitId> {
        let hash = hash(word.as_bytes());
        let start = self.words.partition_point(|row| (row.0, row.1) < (hash, first));
        let own = self.words[start..].iter().take_while(move |row| row.0 == hash);
        own.filter(move |row| row.2 & ways != 0).map(|row| row.1)
    }

    /// The methods of a name, in the order of their files.
    pub(crate) fn methods(&self, name: &str) -> impl Iterator<Item = Declared<'_>> {
        let rows = self.methods.get(name).into_iter().flatten();
        rows.map(|(_, package, receiver)| Declared { package: *package, receiver })
    }

    /// Whether a type is a struct that embeds nothing, so that it has no methods but its own.
    pub(crate) fn is_plain(&self, package: PackageId, name: &str) -> bool {
        self.plain.contains(&(package, Box::from(name)))
    }

    /// The interfaces that ask for a method of a name.
    pub(crate) fn interfaces(&self, name: &str) -> impl Iterator<Item = &Interface> {
        self.asking.get(name).into_iter().flatten().map(|&index| &self.interfaces[index as usize])
    }

    /// The files of a package that declare a method of a type.
    pub(crate) fn methods_of(&self, package: PackageId, receiver: &str, name: &str) -> impl Iterator<Item = UnitId> {
        let rows = self.methods.get(name).map_or(&[][..], Vec::as_slice);
        // A package's files stand together.
        let start = rows.partition_point(|row| row.1 < package);
        let own = rows[start..].iter().take_while(move |row| row.1 == package);
        own.filter(move |row| &*row.2 == receiver).map(|row| row.0)
    }
}
