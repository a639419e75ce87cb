//! What each file of a program names, declares and selects: a table over every word ([`super::words`]), made once and on
//! demand.
//!
//! It tells which files are worth parsing. Words are kept by their hash: a file too many costs a look, and is turned away
//! where the name itself is looked at.

use super::load::{PackageId, Unit, UnitId};
use super::syntax::hash;
use super::word_table::{Row, WordTable};
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

/// How many files stand in one [`Words`] at most.
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

/// The words of files that stand together.
#[derive(Debug)]
struct Words {
    /// The first of the files.
    first: UnitId,
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
    fn new(first: UnitId, unsorted: &[Use]) -> Self {
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
        Self { first, starts: starts.into(), rows: rows.into() }
    }

    /// The files that use a word, in order.
    fn uses(&self, hash: u32) -> impl Iterator<Item = &Use> {
        let bucket = Self::bucket(hash);
        let rows = &self.rows[self.starts[bucket] as usize..self.starts[bucket + 1] as usize];
        rows.iter().filter(move |row| row.hash == hash)
    }

    /// The files that use a word in one of some ways, in order.
    fn users(&self, hash: u32, ways: u8) -> impl Iterator<Item = UnitId> {
        let own = self.uses(hash).filter(move |row| row.ways & ways != 0);
        own.map(|row| self.first + UnitId::from(row.file))
    }
}

/// The words and methods of a program.
#[derive(Debug)]
pub(crate) struct Outline {
    /// [`SHARE`] files each.
    words: Vec<Words>,
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

impl Outline {
    /// Reads every file once.
    pub(crate) fn of(units: &[Unit]) -> Self {
        let shares: Vec<(Words, Vec<File<'_>>)> = units.par_chunks(SHARE).enumerate().map(read).collect();
        let mut outline = Self {
            words: Vec::with_capacity(shares.len()),
            methods: HashMap::default(),
            plain: HashSet::default(),
            interfaces: Vec::new(),
            asking: HashMap::default(),
            told: HashSet::default(),
        };
        let mut files = units.iter().zip(0..);
        for (words, read) in shares {
            outline.words.push(words);
            for (file, (unit, id)) in read.into_iter().zip(&mut files) {
                outline.take(id, unit.package, file);
            }
        }
        outline
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
    pub(crate) fn users(&self, word: &str, ways: u8) -> impl Iterator<Item = UnitId> {
        self.users_among(word, ways, 0, UnitId::MAX)
    }

    /// As [`Self::users`], of the files from one to another.
    pub(crate) fn users_among(
        &self,
        word: &str,
        ways: u8,
        first: UnitId,
        last: UnitId,
    ) -> impl Iterator<Item = UnitId> {
        let hash = hash(word.as_bytes());
        let share = |unit: UnitId| (unit as usize / SHARE).min(self.words.len());
        let shares = &self.words[share(first)..(share(last) + 1).min(self.words.len())];
        let users = shares.iter().flat_map(move |words| words.users(hash, ways));
        users.filter(move |unit| (first..=last).contains(unit))
    }

    /// As [`Self::users`], of some files that stand in order.
    pub(crate) fn users_in(&self, word: &str, ways: u8, files: &[UnitId]) -> impl Iterator<Item = UnitId> {
        let hash = hash(word.as_bytes());
        let share = |unit: &UnitId| *unit as usize / SHARE;
        files.chunk_by(move |one, next| share(one) == share(next)).flat_map(move |files| {
            let users = self.words[share(&files[0])].users(hash, ways);
            users.filter(move |unit| files.binary_search(unit).is_ok())
        })
    }

    /// The sections of a file in which a word stands, a bit each.
    pub(crate) fn sections(&self, unit: UnitId, word: &str) -> u32 {
        let Some(words) = self.words.get(unit as usize / SHARE) else { return 0 };
        let mut uses = words.uses(hash(word.as_bytes()));
        uses.find(|one| words.first + UnitId::from(one.file) == unit).map_or(0, |one| one.sections)
    }

    /// Whether C code or the linker knows a function of a file by name.
    pub(crate) fn is_told(&self, unit: UnitId, name: &str) -> bool {
        !self.told.is_empty() && self.told.contains(&(unit, Box::from(name)))
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

/// Reads some files, the `index`th [`SHARE`] of all.
fn read<'a>((index, units): (usize, &'a [Unit])) -> (Words, Vec<File<'a>>) {
    let mut table = WordTable::default();
    let mut rows = Vec::new();
    let mut files = Vec::with_capacity(units.len());
    for (unit, at) in units.iter().zip(0_u16..) {
        table.clear();
        files.push(File::read(unit.text(), &mut table));
        rows.extend(table.rows().iter().map(|&Row { hash, ways, sections }| Use { hash, sections, file: at, ways }));
    }
    (Words::new((index * SHARE) as UnitId, &rows), files)
}
