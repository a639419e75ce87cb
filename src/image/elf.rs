//! What the header and the dynamic section of an ELF file say of how it starts.
//!
//! Only the program's headers are read, never its sections: those are what the kernel and the loader go by. The file may lie;
//! what is read of it is bounded, and a table that does not fit the file makes it broken.

use super::tree::Body;
use object::elf;
use object::endian::Endianness;
use object::read::ReadRef;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::read::{ReadCache, ReadCacheOps};

/// The most bytes that are read of one file.
const MAX_READ: u64 = 64 << 20;
/// The most libraries, versions or segments of one file.
const MAX_ITEMS: usize = 4096;

/// How a file says it is started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a header")]
pub struct Elf {
    /// `e_machine`.
    pub machine: u16,
    /// It is a 64-bit file.
    pub is_64: bool,
    /// Its numbers have the low byte first.
    pub little_endian: bool,
    /// `EI_OSABI`.
    pub os_abi: u8,
    /// It is an executable or a shared object: what the kernel starts.
    pub executable: bool,
    /// It has an address to start at.
    pub has_entry: bool,
    /// It has segments that are loaded.
    pub loads: bool,
    /// A segment that is loaded lies past the file's end.
    pub cut_short: bool,
    /// The loader that it asks for.
    pub interpreter: Option<String>,
    /// The libraries that it needs, in order.
    pub needed: Vec<String>,
    /// Its own name as a library.
    pub soname: Option<String>,
    /// `DT_RPATH`.
    pub rpath: Option<String>,
    /// `DT_RUNPATH`.
    pub runpath: Option<String>,
    /// `DF_1_NODEFLIB`: the default folders are not searched.
    pub no_default: bool,
    /// Versions that must be defined by a library: library, version. Weak ones are left out.
    pub versions_needed: Vec<(String, String)>,
    /// Versions that it defines itself.
    pub versions_defined: Vec<String>,
}

/// Why a file's headers cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// It is no ELF file.
    #[error("not an ELF file")]
    NotElf,
    /// It begins as one, but is broken or cut short.
    #[error("a broken ELF file: {0}")]
    Broken(&'static str),
}

/// Reads an ELF file's headers.
pub fn read(body: &Body) -> Result<Elf, ElfError> {
    let ident = body.head(16).unwrap_or_default();
    if !ident.starts_with(&elf::ELFMAG) {
        return Err(ElfError::NotElf);
    }
    let cache = ReadCache::new(Bounded { body, at: 0, left: MAX_READ });
    match ident.get(4) {
        Some(1) => parse::<elf::FileHeader32<Endianness>, _>(&cache),
        Some(2) => parse::<elf::FileHeader64<Endianness>, _>(&cache),
        _ => Err(ElfError::Broken("neither 32-bit nor 64-bit")),
    }
}

/// Reads a body within bounds.
struct Bounded<'a> {
    body: &'a Body,
    at: u64,
    left: u64,
}

impl ReadCacheOps for Bounded<'_> {
    fn len(&mut self) -> Result<u64, ()> {
        Ok(self.body.size)
    }

    fn seek(&mut self, at: u64) -> Result<u64, ()> {
        self.at = at;
        Ok(at)
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ()> {
        self.left = self.left.checked_sub(buffer.len() as u64).ok_or(())?;
        let count = self.body.read_at(self.at, buffer).map_err(|_| ())?;
        self.at += count as u64;
        Ok(count)
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), ()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..])? {
                0 => return Err(()),
                count => filled += count,
            }
        }
        Ok(())
    }
}

fn parse<'data, H, R>(data: R) -> Result<Elf, ElfError>
where
    H: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let header = H::parse(data).map_err(|_| ElfError::Broken("no whole header"))?;
    let endian = header.endian().map_err(|_| ElfError::Broken("no byte order"))?;
    let size = data.len().map_err(|()| ElfError::Broken("no size"))?;
    let segments = header.program_headers(endian, data).map_err(|_| ElfError::Broken("no whole program headers"))?;
    let mut facts = Elf {
        machine: header.e_machine(endian).0,
        is_64: header.is_class_64(),
        little_endian: header.is_little_endian(),
        os_abi: header.e_ident().os_abi.0,
        executable: matches!(header.e_type(endian), elf::ET_EXEC | elf::ET_DYN),
        has_entry: header.e_entry(endian).into() != 0,
        ..Elf::default()
    };
    for segment in segments {
        let (offset, length) = segment.file_range(endian);
        let inside = offset.checked_add(length).is_some_and(|end| end <= size);
        match segment.p_type(endian) {
            elf::PT_LOAD => {
                facts.loads = true;
                facts.cut_short |= !inside;
            }
            elf::PT_INTERP if facts.interpreter.is_none() => {
                let text = data.read_bytes_at(offset, length.min(4096));
                let text = text.map_err(|()| ElfError::Broken("the loader's name lies outside"))?;
                let Some(end) = text.iter().position(|&byte| byte == 0) else {
                    return Err(ElfError::Broken("the loader's name has no end"));
                };
                facts.interpreter = Some(String::from_utf8_lossy(&text[..end]).into_owned());
            }
            elf::PT_DYNAMIC if !inside => facts.cut_short = true,
            elf::PT_DYNAMIC => {
                let dynamic = segment.dynamic(endian, data).ok().flatten();
                let dynamic = dynamic.ok_or(ElfError::Broken("the dynamic section lies outside"))?;
                Dynamic::<H, R> { data, endian, segments }.read(dynamic, &mut facts)?;
            }
            _ => {}
        }
    }
    Ok(facts)
}

/// What reading the dynamic section takes.
struct Dynamic<'data, H: FileHeader<Endian = Endianness>, R> {
    data: R,
    endian: Endianness,
    segments: &'data [H::ProgramHeader],
}

impl<'data, H: FileHeader<Endian = Endianness>, R: ReadRef<'data>> Dynamic<'data, H, R> {
    fn read(&self, dynamic: &[H::Dyn], facts: &mut Elf) -> Result<(), ElfError> {
        let end = dynamic.iter().position(|entry| entry.tag(self.endian) == elf::DT_NULL).unwrap_or(dynamic.len());
        let dynamic = &dynamic[..end];
        let value =
            |tag| dynamic.iter().find(|entry| entry.tag(self.endian) == tag).map(|entry| entry.val(self.endian));
        let Some(strings) = value(elf::DT_STRTAB).and_then(|address| self.offset(address)) else { return Ok(()) };
        let strings_len = value(elf::DT_STRSZ).unwrap_or(0);
        let string = |at: u64| {
            let start = strings.checked_add(at).filter(|_| at < strings_len)?;
            let bytes = self.data.read_bytes_at_until(start..strings.checked_add(strings_len)?, 0).ok()?;
            Some(String::from_utf8_lossy(bytes).into_owned())
        };
        let broken = ElfError::Broken("a name of the dynamic section lies outside");
        for entry in dynamic.iter().filter(|entry| entry.tag(self.endian) == elf::DT_NEEDED).take(MAX_ITEMS) {
            facts.needed.push(string(entry.val(self.endian)).ok_or(broken)?);
        }
        let text = |tag| value(tag).map(|at| string(at).ok_or(broken)).transpose();
        facts.soname = text(elf::DT_SONAME)?;
        facts.rpath = text(elf::DT_RPATH)?;
        facts.runpath = text(elf::DT_RUNPATH)?;
        facts.no_default = value(elf::DT_FLAGS_1).unwrap_or(0) & NODEFLIB != 0;
        // A version table that cannot be read is left out: only glibc looks at it, and the rest of the file stands.
        if let Some(at) = value(elf::DT_VERNEED).and_then(|address| self.offset(address)) {
            facts.versions_needed = self.versions_needed(at, &string);
        }
        if let Some(at) = value(elf::DT_VERDEF).and_then(|address| self.offset(address)) {
            facts.versions_defined = self.versions_defined(at, &string);
        }
        Ok(())
    }

    /// Where an address of the loaded program lies in the file.
    fn offset(&self, address: u64) -> Option<u64> {
        self.segments.iter().filter(|segment| segment.p_type(self.endian) == elf::PT_LOAD).find_map(|segment| {
            let (offset, length) = segment.file_range(self.endian);
            let inside = address.checked_sub(segment.p_vaddr(self.endian).into())?;
            (inside < length).then(|| offset.checked_add(inside)).flatten()
        })
    }

    fn versions_needed(&self, start: u64, string: &dyn Fn(u64) -> Option<String>) -> Vec<(String, String)> {
        const WEAK: u16 = 2;
        let mut found = Vec::new();
        for (at, bytes) in self.chain::<16>(start, 12) {
            let Some(library) = string(u64::from(self.u32(&bytes, 4))) else { continue };
            for (_, version) in self.chain::<16>(at + u64::from(self.u32(&bytes, 8)), 12) {
                let Some(name) = string(u64::from(self.u32(&version, 8))) else { continue };
                if self.u16(&version, 4) & WEAK == 0 && found.len() < MAX_ITEMS {
                    found.push((library.clone(), name));
                }
            }
        }
        found
    }

    fn versions_defined(&self, start: u64, string: &dyn Fn(u64) -> Option<String>) -> Vec<String> {
        let names = self.chain::<20>(start, 16).into_iter().filter_map(|(at, bytes)| {
            let first = self.data.read_bytes_at(at + u64::from(self.u32(&bytes, 12)), 8).ok()?;
            string(u64::from(self.u32(first, 0)))
        });
        names.collect()
    }

    /// Records that lead to each other by the offset at `next`; 0 ends the chain.
    fn chain<const SIZE: usize>(&self, start: u64, next: usize) -> Vec<(u64, [u8; SIZE])> {
        let mut records = Vec::new();
        let mut at = start;
        while records.len() < MAX_ITEMS {
            let Ok(bytes) = self.data.read_bytes_at(at, SIZE as u64) else { break };
            let Ok(bytes) = <[u8; SIZE]>::try_from(bytes) else { break };
            records.push((at, bytes));
            match self.u32(&bytes, next) {
                0 => break,
                step => at = at.saturating_add(u64::from(step)),
            }
        }
        records
    }

    fn u32(&self, bytes: &[u8], at: usize) -> u32 {
        let bytes = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        if self.endian == Endianness::Little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    }

    fn u16(&self, bytes: &[u8], at: usize) -> u16 {
        let bytes = [bytes[at], bytes[at + 1]];
        if self.endian == Endianness::Little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
    }
}

/// `DF_1_NODEFLIB` of `elf.h`.
const NODEFLIB: u64 = 0x800;

/// A machine's name for people.
pub fn machine_name(machine: u16, is_64: bool) -> String {
    let name = match (machine, is_64) {
        (3, _) => "386",
        (8, _) => "mips",
        (20, _) => "ppc",
        (21, _) => "ppc64",
        (22, _) => "s390x",
        (40, _) => "arm",
        (62, true) => "amd64",
        (62, false) => "amd64 (x32)",
        (183, _) => "arm64",
        (243, true) => "riscv64",
        (243, false) => "riscv32",
        (258, _) => "loong64",
        _ => return format!("machine {machine}"),
    };
    name.to_owned()
}

/// An operating system's name by its `EI_OSABI`; nothing for those that Linux programs carry.
pub fn foreign_abi(os_abi: u8) -> Option<&'static str> {
    match os_abi {
        1 => Some("HP-UX"),
        2 => Some("NetBSD"),
        6 => Some("Solaris"),
        7 => Some("AIX"),
        8 => Some("IRIX"),
        9 => Some("FreeBSD"),
        12 => Some("OpenBSD"),
        _ => None,
    }
}
