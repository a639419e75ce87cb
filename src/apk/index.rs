//! The packages of one repository: the text of APKINDEX (version 2), read into records.
//!
//! An [`Index`] keeps the text and, for each package, where its fields stand; a [`Package`] is a view of one. Lists of
//! dependencies are read when they are asked for. The same records stand in an image's database of installed packages
//! ([`super::installed`]). What apk would misread is refused here, with the line; nothing is repaired.

use super::dependency::{self, Dependency};
use super::version::Version;
use base64::Engine;

/// The length in bytes that a line may have. Alpine's longest is 8 KB; apk itself gives up at 128 KB.
pub const MAX_LINE: usize = 64 << 10;

/// The number of packages that an index may hold. Alpine's largest holds about 25,000.
pub const MAX_PACKAGES: usize = 500_000;

/// Why a text is not an index. Lines count from 1.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// The text is larger than an index can be.
    #[error("larger than 4 GiB")]
    TooLarge,
    /// More packages than an index can hold.
    #[error("more than {MAX_PACKAGES} packages")]
    TooManyPackages,
    /// A line ends in CR LF: something translated line ends on the way, and apk would read the CR as part of the value.
    #[error("line {0} ends in CR LF; apk's files have LF alone")]
    CrLf(usize),
    /// A line longer than apk's own tools write.
    #[error("line {line} has {length} bytes; more than {MAX_LINE} is no index")]
    LineTooLong {
        /// The line.
        line: usize,
        /// Its length in bytes.
        length: usize,
    },
    /// A line that is not `X:value`.
    #[error("line {0} is not a field and a value (`P:name`)")]
    NotAField(usize),
    /// A byte that no text has.
    #[error("line {0} holds a NUL byte")]
    Nul(usize),
    /// A package without a name, a version or a checksum.
    #[error("the package that ends at line {line} has no {field}")]
    Missing {
        /// The line after the package.
        line: usize,
        /// What is missing (`name (P:)`).
        field: &'static str,
    },
    /// A field that may stand once stands twice in one package.
    #[error("line {line}: the field {field}: stands twice in one package")]
    Twice {
        /// The line.
        line: usize,
        /// The letter.
        field: char,
    },
    /// A size, a time or a priority that is not a number.
    #[error("line {line}: `{field}:` is not a number")]
    NotANumber {
        /// The line.
        line: usize,
        /// The letter.
        field: char,
    },
}

/// Where a value stands in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    start: u32,
    end: u32,
}

/// The fields of one package.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    fields: [Range; TEXT_FIELDS.len()],
    seen: u32,
    size: u64,
    installed_size: u64,
    built: u64,
    priority: u32,
    replaces_priority: u32,
}

/// The fields that are kept as text, by their letter.
const TEXT_FIELDS: [u8; 14] = [b'P', b'V', b'A', b'C', b'T', b'U', b'L', b'o', b'm', b'c', b'D', b'p', b'i', b'r'];

const NAME: usize = 0;
const VERSION: usize = 1;
const ARCH: usize = 2;
const CHECKSUM: usize = 3;
const DESCRIPTION: usize = 4;
const URL: usize = 5;
const LICENSE: usize = 6;
const ORIGIN: usize = 7;
const MAINTAINER: usize = 8;
const COMMIT: usize = 9;
const DEPENDS: usize = 10;
const PROVIDES: usize = 11;
const INSTALL_IF: usize = 12;
const REPLACES: usize = 13;

/// The packages of one repository, release and architecture.
#[derive(Clone, Debug, Default)]
pub struct Index {
    text: String,
    records: Vec<Record>,
}

impl Index {
    /// Reads the text of APKINDEX.
    pub fn parse(text: String) -> Result<Self, IndexError> {
        let mut records = Vec::with_capacity(text.len() / 400);
        parse_records(&text, |record| {
            if records.len() == MAX_PACKAGES {
                return Err(IndexError::TooManyPackages);
            }
            records.push(record);
            Ok(())
        })?;
        Ok(Self { text, records })
    }

    pub(super) fn from_records(text: String, records: Vec<Record>) -> Self {
        Self { text, records }
    }

    /// The text that was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many packages there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The package at a place below [`Index::len`], in the index's order.
    pub fn package(&self, at: usize) -> Option<Package<'_>> {
        let record = self.records.get(at)?;
        Some(Package { index: self, record, at: at as u32 })
    }

    /// The packages, in the index's order.
    pub fn packages(&self) -> impl ExactSizeIterator<Item = Package<'_>> {
        self.records.iter().enumerate().map(|(at, record)| Package { index: self, record, at: at as u32 })
    }

    /// Every version of a package by its name, in the index's order. It looks through the whole index; ask a
    /// [`super::catalog::Catalog`] where many are wanted.
    pub fn find<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Package<'a>> {
        self.packages().filter(move |package| package.name() == name)
    }

    fn get(&self, range: Range) -> &str {
        &self.text[range.start as usize..range.end as usize]
    }
}

/// One package of an index, or of an image's installed ones.
#[derive(Clone, Copy, Debug)]
pub struct Package<'a> {
    index: &'a Index,
    record: &'a Record,
    at: u32,
}

impl<'a> Package<'a> {
    fn field(self, field: usize) -> &'a str {
        self.index.get(self.record.fields[field])
    }

    /// Its place in its index.
    pub fn at(self) -> usize {
        self.at as usize
    }

    /// `P:` the name.
    pub fn name(self) -> &'a str {
        self.field(NAME)
    }

    /// `V:` the version, as the index writes it.
    pub fn version(self) -> &'a str {
        self.field(VERSION)
    }

    /// The version, where it keeps apk's rules.
    pub fn parsed_version(self) -> Option<Version> {
        Version::parse(self.version()).ok()
    }

    /// `A:` the architecture; empty where the index gives none.
    pub fn arch(self) -> &'a str {
        self.field(ARCH)
    }

    /// `C:` the checksum of the package's control segment as the index writes it (`Q1` and base64 of the SHA-1).
    pub fn checksum(self) -> &'a str {
        self.field(CHECKSUM)
    }

    /// The bytes of the checksum; nothing where it is in no known form.
    pub fn checksum_bytes(self) -> Option<Vec<u8>> {
        let text = self.checksum();
        let encoded = text.strip_prefix("Q1").or_else(|| text.strip_prefix("Q2"))?;
        base64::engine::general_purpose::STANDARD.decode(encoded).ok()
    }

    /// `T:` one line that says what it is.
    pub fn description(self) -> &'a str {
        self.field(DESCRIPTION)
    }

    /// `U:` the project's address.
    pub fn url(self) -> &'a str {
        self.field(URL)
    }

    /// `L:` the licence.
    pub fn license(self) -> &'a str {
        self.field(LICENSE)
    }

    /// `o:` the source package that it is built from; empty where the index gives none.
    pub fn origin(self) -> &'a str {
        self.field(ORIGIN)
    }

    /// `m:` who maintains it.
    pub fn maintainer(self) -> &'a str {
        self.field(MAINTAINER)
    }

    /// `c:` the commit that it was built from.
    pub fn commit(self) -> &'a str {
        self.field(COMMIT)
    }

    /// `t:` when it was built, in seconds since 1970; 0 where the index does not say.
    pub fn built(self) -> u64 {
        self.record.built
    }

    /// `S:` the size of the package file in bytes.
    pub fn download_size(self) -> u64 {
        self.record.size
    }

    /// `I:` the size in bytes of what it installs.
    pub fn installed_size(self) -> u64 {
        self.record.installed_size
    }

    /// `k:` the priority among packages that provide the same name; 0 where there is none.
    pub fn provider_priority(self) -> u32 {
        self.record.priority
    }

    /// `D:` what it depends on, conflicts included.
    pub fn depends(self) -> impl Iterator<Item = Dependency<'a>> {
        dependency::list(self.field(DEPENDS))
    }

    /// `p:` the names that it provides besides its own, most with a version.
    pub fn provides(self) -> impl Iterator<Item = Dependency<'a>> {
        dependency::list(self.field(PROVIDES))
    }

    /// `i:` apk installs it by itself once all of these are there.
    pub fn install_if(self) -> impl Iterator<Item = Dependency<'a>> {
        dependency::list(self.field(INSTALL_IF))
    }

    /// `r:` the packages whose files it may overwrite. Only the database of installed packages has it.
    pub fn replaces(self) -> impl Iterator<Item = Dependency<'a>> {
        dependency::list(self.field(REPLACES))
    }

    /// `q:` which of two packages that replace each other wins.
    pub fn replaces_priority(self) -> u32 {
        self.record.replaces_priority
    }

    /// The programs that it provides (`cmd:` names), without the prefix, with their version where there is one.
    pub fn programs(self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        self.provides().filter_map(|provided| {
            let program = provided.name.strip_prefix("cmd:")?;
            Some((program, (!provided.version.is_empty()).then_some(provided.version)))
        })
    }

    /// The raw text of `p:`, for a search that need not read the list.
    pub(super) fn provides_text(self) -> &'a str {
        self.field(PROVIDES)
    }
}

/// Reads records from a text; the callback gets each as its blank line is met.
fn parse_records(text: &str, mut each: impl FnMut(Record) -> Result<(), IndexError>) -> Result<(), IndexError> {
    let mut parser = RecordParser::default();
    for line in Lines::new(text)? {
        let line = line?;
        if line.is_blank() {
            if let Some(record) = parser.finish(line.number)? {
                each(record)?;
            }
        } else {
            parser.field(text, line)?;
        }
    }
    if let Some(record) = parser.finish(text.lines().count())? {
        each(record)?;
    }
    Ok(())
}

/// One line: where it stands, without its line break.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Line {
    /// apk takes any line of fewer than two bytes for the end of a package.
    pub(super) fn is_blank(self) -> bool {
        self.end - self.start < 2
    }
}

/// The lines of a text, each checked against what no line may hold.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    number: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, IndexError> {
        if u32::try_from(text.len()).is_err() {
            return Err(IndexError::TooLarge);
        }
        Ok(Self { bytes: text.as_bytes(), at: 0, number: 0 })
    }
}

impl Iterator for Lines<'_> {
    type Item = Result<Line, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        self.number += 1;
        let (start, number) = (self.at, self.number);
        let end = memchr::memchr(b'\n', &self.bytes[start..]).map_or(self.bytes.len(), |length| start + length);
        self.at = end + 1;
        let line = &self.bytes[start..end];
        Some(if line.len() > MAX_LINE {
            Err(IndexError::LineTooLong { line: number, length: line.len() })
        } else if line.last() == Some(&b'\r') {
            Err(IndexError::CrLf(number))
        } else if memchr::memchr(0, line).is_some() {
            Err(IndexError::Nul(number))
        } else {
            Ok(Line { number, start, end })
        })
    }
}

/// Puts the fields of one package together.
#[derive(Default)]
pub(super) struct RecordParser {
    record: Record,
    started: bool,
}

impl RecordParser {
    /// Takes a line `X:value`. Letters that aboard has no use for are passed over, as apk does with lower-case ones.
    pub(super) fn field(&mut self, text: &str, line: Line) -> Result<(), IndexError> {
        let bytes = &text.as_bytes()[line.start..line.end];
        if bytes.get(1) != Some(&b':') || !bytes[0].is_ascii_alphabetic() {
            return Err(IndexError::NotAField(line.number));
        }
        self.started = true;
        let letter = bytes[0];
        if let Some(field) = TEXT_FIELDS.iter().position(|&text_field| text_field == letter) {
            if self.record.seen & (1 << field) != 0 {
                return Err(IndexError::Twice { line: line.number, field: char::from(letter) });
            }
            self.record.seen |= 1 << field;
            self.record.fields[field] = Range { start: line.start as u32 + 2, end: line.end as u32 };
            return Ok(());
        }
        let number = || {
            let digits = &text[line.start + 2..line.end];
            let error = IndexError::NotANumber { line: line.number, field: char::from(letter) };
            if digits.bytes().all(|byte| byte.is_ascii_digit()) {
                digits.parse::<u64>().map_err(|_| error)
            } else {
                Err(error)
            }
        };
        let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        match letter {
            b'S' => self.record.size = number()?,
            b'I' => self.record.installed_size = number()?,
            b't' => self.record.built = number()?,
            b'k' => self.record.priority = small(number()?),
            b'q' => self.record.replaces_priority = small(number()?),
            _ => {}
        }
        Ok(())
    }

    /// Ends the package, if one was begun.
    pub(super) fn finish(&mut self, line: usize) -> Result<Option<Record>, IndexError> {
        if !std::mem::take(&mut self.started) {
            return Ok(None);
        }
        let record = std::mem::take(&mut self.record);
        for (field, name) in [(NAME, "name (P:)"), (VERSION, "version (V:)"), (CHECKSUM, "checksum (C:)")] {
            if record.fields[field].start == record.fields[field].end {
                return Err(IndexError::Missing { line, field: name });
            }
        }
        Ok(Some(record))
    }
}
