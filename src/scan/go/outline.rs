//! What each file of a program names, declares and selects: a table over every word ([`super::words`]), made once and on
//! demand.
//!
//! It tells which files are worth parsing. Words are kept by their hash: a file too many costs a look, and is turned away
//! where the name itself is looked at.

use super::load::{PackageId, Unit, UnitId};
use super::word::hash;
use super::word_table::{Row, WordTable};
use super::words::File;
use foldhash::{HashMap, HashSet};
use rayon::prelude::*;
use std::ops::Range;

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

/// Files that stand together.
pub(crate) type UnitRange = Range<UnitId>;

/// How many files stand in one [`Share`] at most.
const SHARE: usize = 1 << 8;

/// How many bits of a word's hash tell its bucket.
const BUCKET_BITS: u32 = 11;

/// That a file uses a word.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    hash: u32,
    /// The sections of the file in which it stands.
    sections: u32,
    /// The file, counted from the first of its share.
    file: u16,
    ways: u8,
}

/// The words of some files.
#[derive(Debug)]
struct Words {
    /// Where each bucket starts among the rows, and where the last one ends.
    starts: Box<[u32]>,
    /// By bucket, then by file.
    rows: Box<[Use]>,
}

impl Words {
    fn bucket(hash: u32) -> usize {
        (hash >> (u32::BITS - BUCKET_BITS)) as usize
    }

    /// Sorts rows that stand in the order of their files into buckets.
    fn new(unsorted: &[Use]) -> Self {
        let mut starts = vec![0_u32; (1 << BUCKET_BITS) + 1];
        for row in unsorted {
            starts[Self::bucket(row.hash) + 1] += 1;
        }
        for bucket in 1..starts.len() {
            starts[bucket] += starts[bucket - 1];
        }
        let mut next = starts.clone();
        let mut rows = vec![Use::default(); unsorted.len()];
        for row in unsorted {
            let place = &mut next[Self::bucket(row.hash)];
            rows[*place as usize] = *row;
            *place += 1;
        }
        Self { starts: starts.into(), rows: rows.into() }
    }

    /// The files that use a word, in order.
    fn uses(&self, hash: u32) -> impl Iterator<Item = &Use> {
        let bucket = Self::bucket(hash);
        let rows = &self.rows[self.starts[bucket] as usize..self.starts[bucket + 1] as usize];
        rows.iter().filter(move |row| row.hash == hash)
    }
}

/// What files that stand together name and declare.
#[derive(Debug)]
struct Share {
    /// The first of the files.
    first: UnitId,
    words: Words,
    /// By name, in the order of files.
    methods: HashMap<Box<str>, Vec<Method>>,
    /// Struct types that embed nothing.
    plain: HashSet<(PackageId, Box<str>)>,
    interfaces: Vec<Interface>,
    /// Interfaces by the names of their methods.
    asking: HashMap<Box<str>, Vec<u32>>,
    /// Functions that C code or the linker knows by name.
    told: HashSet<(UnitId, Box<str>)>,
}

impl Share {
    /// Reads each file once.
    fn read(first: UnitId, units: &[Unit]) -> Self {
        let mut share = Self {
            first,
            words: Words::new(&[]),
            methods: HashMap::default(),
            plain: HashSet::default(),
            interfaces: Vec::new(),
            asking: HashMap::default(),
            told: HashSet::default(),
        };
        let mut table = WordTable::default();
        let mut uses = Vec::new();
        for (unit, at) in units.iter().zip(0_u16..) {
            table.clear();
            share.take(first + UnitId::from(at), unit.package, File::read(unit.text(), &mut table));
            let rows = table.rows().iter();
            uses.extend(rows.map(|&Row { hash, ways, sections }| Use { hash, sections, file: at, ways }));
        }
        share.words = Words::new(&uses);
        share
    }

    fn take(&mut self, id: UnitId, package: PackageId, file: File<'_>) {
        for (receiver, name) in file.methods {
            let row = (id, package, receiver.into());
            match self.methods.get_mut(name) {
                Some(rows) => rows.push(row),
                None => drop(self.methods.insert(name.into(), vec![row])),
            }
        }
        self.plain.extend(file.structs.into_iter().filter(|of| !of.embeds).map(|of| (package, of.name.into())));
        self.told.extend(file.told.into_iter().map(|name| (id, name.into())));
        for names in file.interfaces.into_iter().filter(|names| !names.is_empty()) {
            for &name in &names {
                self.asking.entry(name.into()).or_default().push(self.interfaces.len() as u32);
            }
            let methods = names.into_iter().map(Box::from).collect();
            self.interfaces.push(Interface { package, methods });
        }
    }

    /// The files that use a word in one of some ways, in order.
    fn users(&self, hash: u32, ways: u8) -> impl Iterator<Item = UnitId> {
        let own = self.words.uses(hash).filter(move |row| row.ways & ways != 0);
        own.map(|row| self.first + UnitId::from(row.file))
    }

    fn methods(&self, name: &str) -> &[Method] {
        self.methods.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The words and methods of a program: [`SHARE`] files each.
#[derive(Debug)]
pub(crate) struct Outline(Vec<Share>);

impl Outline {
    /// Reads every file once.
    pub(crate) fn of(units: &[Unit]) -> Self {
        let shares = units.par_chunks(SHARE).enumerate();
        Self(shares.map(|(index, units)| Share::read((index * SHARE) as UnitId, units)).collect())
    }

    /// The files that use a word in one of some ways, in order.
    pub(crate) fn users(&self, word: &str, ways: u8) -> impl Iterator<Item = UnitId> {
        let hash = hash(word.as_bytes());
        self.0.iter().flat_map(move |share| share.users(hash, ways))
    }

    /// As [`Self::users`], of the files from one to another.
    pub(crate) fn users_among(&self, word: &str, ways: u8, files: UnitRange) -> impl Iterator<Item = UnitId> {
        let hash = hash(word.as_bytes());
        let users = self.shares(&files).iter().flat_map(move |share| share.users(hash, ways));
        users.filter(move |unit| files.contains(unit))
    }

    /// As [`Self::users`], of some files that stand in order.
    pub(crate) fn users_in(&self, word: &str, ways: u8, files: &[UnitId]) -> impl Iterator<Item = UnitId> {
        let hash = hash(word.as_bytes());
        let share = |unit: UnitId| unit as usize / SHARE;
        files.chunk_by(move |&one, &next| share(one) == share(next)).flat_map(move |files| {
            let users = self.0[share(files[0])].users(hash, ways);
            users.filter(move |unit| files.binary_search(unit).is_ok())
        })
    }

    /// The sections of a file in which a word stands, a bit each.
    pub(crate) fn sections(&self, unit: UnitId, word: &str) -> u32 {
        let Some(share) = self.0.get(unit as usize / SHARE) else { return 0 };
        let mut uses = share.words.uses(hash(word.as_bytes()));
        uses.find(|one| share.first + UnitId::from(one.file) == unit).map_or(0, |one| one.sections)
    }

    /// Whether C code or the linker knows a function of a file by name.
    pub(crate) fn is_told(&self, unit: UnitId, name: &str) -> bool {
        let share = self.0.get(unit as usize / SHARE);
        share.is_some_and(|share| !share.told.is_empty() && share.told.contains(&(unit, Box::from(name))))
    }

    /// The methods of a name, in the order of their files.
    pub(crate) fn methods(&self, name: &str) -> impl Iterator<Item = Declared<'_>> {
        let rows = self.0.iter().flat_map(move |share| share.methods(name));
        rows.map(|(_, package, receiver)| Declared { package: *package, receiver })
    }

    /// The files that declare a method of a type of a package, which has the files from one to another.
    pub(crate) fn methods_of(&self, files: UnitRange, receiver: &str, name: &str) -> impl Iterator<Item = UnitId> {
        self.shares(&files).iter().flat_map(move |share| {
            let rows = share.methods(name);
            let start = rows.partition_point(|row| row.0 < files.start);
            let own = rows[start..].iter().take_while(move |row| row.0 < files.end);
            own.filter(move |row| &*row.2 == receiver).map(|row| row.0)
        })
    }

    /// Whether a type of a package is a struct that embeds nothing, so that it has no methods but its own.
    pub(crate) fn is_plain(&self, package: PackageId, files: &UnitRange, name: &str) -> bool {
        let key = (package, Box::from(name));
        self.shares(files).iter().any(|share| share.plain.contains(&key))
    }

    /// The interfaces that ask for a method of a name.
    pub(crate) fn interfaces(&self, name: &str) -> impl Iterator<Item = &Interface> {
        self.0.iter().flat_map(move |share| {
            share.asking.get(name).into_iter().flatten().map(|&index| &share.interfaces[index as usize])
        })
    }

    /// The shares in which files from one to another stand.
    fn shares(&self, files: &UnitRange) -> &[Share] {
        let first = (files.start as usize / SHARE).min(self.0.len());
        let end = (files.end as usize).div_ceil(SHARE).clamp(first, self.0.len());
        &self.0[first..end]
    }
}
