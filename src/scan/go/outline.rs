//! What each file of a program names, declares and selects: a table over every word, made once and on demand by a lexer
//! that knows comments, strings and declarations.
//!
//! It tells which files are worth parsing. Words are kept by their hash: a file too many costs a look, and is turned away
//! where the name itself is looked at.

use super::load::{PackageId, Unit, UnitId};
use super::syntax::{NameHash, hash};
use foldhash::{HashMap, HashSet};
use rayon::prelude::*;

/// How a file uses a word; several ways are joined by `|`.
pub(crate) mod way {
    /// By itself: `name`.
    pub(crate) const NAME: u8 = 1;
    /// After a dot: `x.name`.
    pub(crate) const SELECTOR: u8 = 2;
    /// As a package-level function, variable or constant, or as a type at any level.
    pub(crate) const DECLARED: u8 = 4;
    /// Before a colon, as in `T{name: value}`.
    pub(crate) const KEY: u8 = 8;
    /// As the last name of what is assigned to or pointed to: `x.name = …`, `&x.name`.
    pub(crate) const SET: u8 = 16;
    /// The same by itself, or with an element of it: `name = …`, `name[…]`.
    pub(crate) const SET_NAME: u8 = 32;
    /// Before a bracket, as in `name{…}` and `name[…]`.
    pub(crate) const OPENS: u8 = 64;
}

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

/// What a file's declarations are being read for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    /// After `func` at the top: a receiver or the name comes.
    Func,
    /// After a method's receiver: its name comes.
    Method,
    /// After `type`, `var` or `const`, or at the start of a line of their group: names come.
    Names,
}

/// One file's words and methods.
#[derive(Default)]
struct File<'a> {
    words: HashMap<u32, u8>,
    /// Receiver's type and name.
    methods: Vec<(&'a str, &'a str)>,
    /// The names of the methods that each interface asks for.
    interfaces: Vec<Vec<&'a str>>,
    structs: Vec<Struct<'a>>,
}

/// A struct type.
struct Struct<'a> {
    name: &'a str,
    embeds: bool,
}

impl<'a> File<'a> {
    fn read(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let mut file = Self::default();
        let mut state = State::Code;
        // How deep braces, brackets and parentheses nest, and where a group of declarations does.
        let (mut depth, mut group) = (0_u32, None);
        let mut receiver = "";
        let mut after_dot = false;
        // The interfaces around, each with the depth of its inside.
        let mut inside: Vec<(u32, usize)> = Vec::new();
        let mut after_interface = false;
        // The structs around, as the interfaces, and the type that is being declared.
        let mut structs: Vec<(u32, usize)> = Vec::new();
        let mut after_struct = false;
        let mut declaring = "";
        let mut pointed_to = false;
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'/' if bytes.get(at + 1) == Some(&b'/') => {
                    at += memchr::memchr(b'\n', &bytes[at..]).unwrap_or(bytes.len() - at);
                    continue;
                }
                b'/' if bytes.get(at + 1) == Some(&b'*') => {
                    at += 2;
                    at += memchr::memmem::find(&bytes[at..], b"*/").map_or(bytes.len() - at, |end| end + 2);
                    continue;
                }
                b'`' => {
                    at += 1;
                    at += memchr::memchr(b'`', &bytes[at..]).map_or(bytes.len() - at, |end| end + 1);
                    state = State::Code;
                    continue;
                }
                b'"' | b'\'' => {
                    at = end_of_string(bytes, at);
                    state = State::Code;
                    continue;
                }
                _ if is_letter(byte) => {
                    let start = at;
                    let mut hash = NameHash::default();
                    while let Some(&byte) = bytes.get(at)
                        && is_in_word(byte)
                    {
                        hash = hash.push(byte);
                        at += 1;
                    }
                    let word = &bytes[start..at];
                    let way = if after_dot { way::SELECTOR } else { way::NAME };
                    after_dot = false;
                    let mut ways = way;
                    match (state, word) {
                        // Not the type in `type option func(*options)`.
                        (State::Code, b"func") if depth == 0 && starts_line(bytes, start) => state = State::Func,
                        (State::Code, b"var" | b"const") if depth == 0 => state = State::Names,
                        (State::Code, b"type") if way == way::NAME => state = State::Names,
                        (State::Code, _) => {}
                        (State::Names | State::Func, _) => {
                            ways |= way::DECLARED;
                            state = State::Code;
                        }
                        (State::Method, _) => {
                            if let Some(name) = text.get(start..at) {
                                file.methods.push((receiver, name));
                            }
                            state = State::Code;
                        }
                    }
                    after_interface = word == b"interface";
                    after_struct = word == b"struct";
                    if ways & way::DECLARED != 0 {
                        declaring = text.get(start..at).unwrap_or_default();
                    }
                    let rest = &bytes[at..];
                    let next = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(rest.len());
                    if is_set(rest.get(next..).unwrap_or_default()) || pointed_to {
                        ways |= if way == way::SELECTOR { way::SET } else { way::SET_NAME };
                    }
                    if let Some(&(_, of)) = structs.last().filter(|(own, _)| *own == depth)
                        && ends_field(rest, next)
                        && starts_field(bytes, start)
                    {
                        file.structs[of].embeds = true;
                    }
                    match rest.get(next) {
                        Some(b'{') => ways |= way::OPENS,
                        Some(b'[') => ways |= way::OPENS | way::SET_NAME,
                        Some(b':') if rest.get(next + 1) != Some(&b'=') => ways |= way::KEY,
                        // `var a, b = …`
                        Some(b',') if ways & way::DECLARED != 0 => state = State::Names,
                        Some(b'(') => {
                            if let Some(&(_, interface)) = inside.last().filter(|(own, _)| *own == depth)
                                && let Some(name) = text.get(start..at)
                            {
                                file.interfaces[interface].push(name);
                            }
                        }
                        _ => {}
                    }
                    *file.words.entry(hash.finish()).or_insert(0) |= ways;
                    continue;
                }
                b'(' if state == State::Func => {
                    let end = memchr::memchr(b')', &bytes[at..]).map_or(bytes.len(), |end| at + end);
                    receiver = text.get(at + 1..end).map_or("", receiver_type);
                    // The words of the receiver count too.
                    state = State::Code;
                    depth += 1;
                    group = None;
                    file.read_receiver(&bytes[at + 1..end]);
                    depth -= 1;
                    at = end;
                    state = if receiver.is_empty() { state } else { State::Method };
                }
                b'(' | b'[' | b'{' => {
                    depth += 1;
                    if byte == b'{' && after_interface {
                        inside.push((depth, file.interfaces.len()));
                        file.interfaces.push(Vec::new());
                    }
                    if byte == b'{' && after_struct {
                        structs.push((depth, file.structs.len()));
                        file.structs.push(Struct { name: declaring, embeds: false });
                    }
                    (after_interface, after_struct) = (false, false);
                    if byte == b'(' && state == State::Names {
                        group = Some(depth);
                    } else {
                        state = State::Code;
                    }
                }
                b')' | b']' | b'}' => {
                    if group == Some(depth) {
                        group = None;
                        state = State::Code;
                    }
                    inside.pop_if(|(own, _)| *own == depth);
                    structs.pop_if(|(own, _)| *own == depth);
                    depth = depth.saturating_sub(1);
                }
                b'\n' | b';' if group == Some(depth) => state = State::Names,
                b'=' if group == Some(depth) => state = State::Code,
                _ => {}
            }
            if matches!(byte, b'\n' | b'{' | b'(') {
                declaring = "";
            }
            // `&x.y.z`, `*x`
            pointed_to = matches!(byte, b'&' | b'*') || byte == b'.' && pointed_to;
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                after_dot = byte == b'.' && bytes.get(at + 1) != Some(&b'.');
            }
            at += 1;
        }
        file
    }

    /// The words of a receiver.
    fn read_receiver(&mut self, bytes: &[u8]) {
        for word in bytes.split(|&byte| !is_in_word(byte)).filter(|word| !word.is_empty()) {
            *self.words.entry(hash(word)).or_insert(0) |= way::NAME;
        }
    }
}

/// Whether what follows a name may assign to it: `=`, `+=`, `++`, or a comma, for several may be assigned to.
fn is_set(rest: &[u8]) -> bool {
    match *rest {
        [b'=', next, ..] => next != b'=',
        [b',' | b'=', ..] => true,
        [b'+', b'+', ..] | [b'-', b'-', ..] => true,
        [b'+' | b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^' | b'<' | b'>', one, two, ..] => {
            one == b'=' || two == b'='
        }
        _ => false,
    }
}

/// The name of the type in `s *Server[K, V]`.
fn receiver_type(receiver: &str) -> &str {
    let base = receiver.split_once('[').map_or(receiver, |(base, _)| base).trim();
    base.rsplit([' ', '\t', '\n', '*', '(']).next().unwrap_or(base)
}

/// The place after a string or rune that starts at `at`, at the latest the end of its line.
fn end_of_string(bytes: &[u8], at: usize) -> usize {
    let quote = bytes[at];
    let mut end = at + 1;
    while let Some(&byte) = bytes.get(end) {
        match byte {
            b'\\' => end += 1,
            b'\n' => return end,
            _ if byte == quote => return end + 1,
            _ => {}
        }
        end += 1;
    }
    bytes.len()
}

/// Whether only white space stands before a place in its line, or in its part of one.
fn starts_line(bytes: &[u8], at: usize) -> bool {
    let before = bytes[..at].iter().rev().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
    matches!(before, None | Some(b'\n' | b';' | b'}' | b'/'))
}

/// Whether nothing more of a field stands after a name but a tag or a remark, or a part of the name of its type.
fn ends_field(rest: &[u8], next: usize) -> bool {
    match rest.get(next) {
        None | Some(b'\n' | b'\r' | b';' | b'}' | b'`' | b'"' | b'/' | b'.') => true,
        // `Box[int]`, not `list []int`.
        Some(b'[') => next == 0,
        _ => false,
    }
}

/// Whether a name stands first in a field of a struct, but for a `*`.
fn starts_field(bytes: &[u8], at: usize) -> bool {
    let before = bytes[..at].iter().rev().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'*'));
    matches!(before, None | Some(b'\n' | b';' | b'{' | b'/' | b'('))
}

fn is_letter(byte: u8) -> bool {
    CLASSES[byte as usize] & LETTER != 0
}

fn is_in_word(byte: u8) -> bool {
    CLASSES[byte as usize] != 0
}

/// What starts a word.
const LETTER: u8 = 1;
/// What goes on with one beside letters.
const DIGIT: u8 = 2;

/// The class of each byte.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        if c.is_ascii_alphabetic() || c == b'_' || c >= 0x80 {
            classes[byte] = LETTER;
        } else if c.is_ascii_digit() {
            classes[byte] = DIGIT;
        }
        byte += 1;
    }
    classes
};

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "package p // noise\n\
        import \"quoted\"\n\
        type T struct { field string }\n\
        var one, two = call(other), `raw`\n\
        const (\n\tfirst = iota\n\tsecond\n\tthird, fourth = 1, far.Off\n)\n\
        type (\n\tA int\n\tB struct {\n\t\tinner int\n\t}\n)\n\
        func (s *Server[K, V]) Run(x int) {\n\tlocal := 1\n\ttype L int\n\ty := T{field: s.member, 'k': 2}\n}\n\
        func free() {}\n\tfunc  (T)\tName() string\n\
        type option func(*T)\n\nfunc after() option {}\n\
        var f = func(a int) {}\n";

    fn ways(word: &str) -> u8 {
        File::read(TEXT).words.get(&hash(word.as_bytes())).copied().unwrap_or(0)
    }

    #[test]
    fn words_are_told_apart_by_how_they_are_used() {
        for word in
            ["T", "one", "two", "first", "second", "third", "fourth", "A", "B", "L", "free", "f", "option", "after"]
        {
            assert_ne!(ways(word) & way::DECLARED, 0, "{word}");
        }
        for word in ["field", "local", "inner", "other", "call", "Off", "x", "a", "Run", "Server", "iota"] {
            assert_eq!(ways(word) & way::DECLARED, 0, "{word}");
        }
        assert_eq!(ways("member"), way::SELECTOR | way::SET);
        assert_eq!(ways("Off"), way::SELECTOR);
        assert_ne!(ways("field") & way::KEY, 0);
        assert_eq!(ways("local") & way::KEY, 0);
        assert_eq!(ways("Server"), way::NAME);
        for word in ["noise", "quoted", "raw", "k"] {
            assert_eq!(ways(word), 0, "{word}");
        }
    }

    #[test]
    fn structs_that_embed_are_told_from_plain_ones() {
        let text = "type A struct {\n\tx, y int `tag`\n\tf func(a B) C // B\n\tin struct {\n\t\tz int\n\t}\n}\n\
            type B struct{ A }\ntype C struct {\n\tx int\n\t*pkg.D `json:\"d\"`\n}\ntype (\n\tD struct{}\n\tE struct {\n\
            \t\tBox[int]\n\t}\n\tF struct {\n\t\tlist []int\n\t\tm map[string]B\n\t}\n)\n\
            func f() {\n\tx := struct{ A }{}\n}\ntype G struct {\n\tA // what it is\n}\ntype H struct {\n\tx A\n}\n";
        let file = File::read(text);
        let mut embedding: Vec<&str> = file.structs.iter().filter(|of| of.embeds).map(|of| of.name).collect();
        assert_eq!(embedding, ["B", "C", "E", "", "G"]);
        assert!(!file.structs.iter().any(|of| of.name == "D" && of.embeds));
        for name in ["A", "D", "F", "H"] {
            assert!(file.structs.iter().any(|of| of.name == name), "{name}");
        }
    }

    #[test]
    fn what_is_assigned_or_pointed_to_is_told() {
        let text = "a.one = 1\na.two, b.three = f()\np := &x.four.five\na.six += b.seven\nif a.eight == b.nine {\n\
            *ten = 1; eleven[0] = 2; twelve := thirteen(fourteen)\na.fifteen <<= 1; a.sixteen++ }\nT{1}\n";
        let file = File::read(text);
        let ways = |word: &str| file.words.get(&hash(word.as_bytes())).copied().unwrap_or(0);
        for word in ["one", "two", "three", "four", "five", "six", "fifteen", "sixteen"] {
            assert_ne!(ways(word) & way::SET, 0, "{word}");
        }
        for word in ["ten", "eleven"] {
            assert_ne!(ways(word) & way::SET_NAME, 0, "{word}");
        }
        for word in ["seven", "eight", "nine", "twelve", "thirteen", "fourteen"] {
            assert_eq!(ways(word) & (way::SET | way::SET_NAME), 0, "{word}");
        }
        assert_ne!(ways("T") & way::OPENS, 0);
        assert_eq!(ways("one") & way::OPENS, 0);
    }

    #[test]
    fn interfaces_are_read_at_any_depth() {
        let text = "type I interface {\n\tOne(x interface{ Inner() }) error // Two()\n\tio.Closer\n\tThree ()\n}\n\
            func f(x any) {\n\tif y, ok := x.(interface{ Four(); Five() }); ok {\n\t\ty.Four()\n\t}\n}\n\
            type E interface{}\nfunc interface_like() { g(1) }\n";
        let file = File::read(text);
        let found: Vec<&[&str]> = file.interfaces.iter().map(Vec::as_slice).collect();
        assert_eq!(found, [&["One", "Three"][..], &["Inner"], &["Four", "Five"], &[]]);
    }

    #[test]
    fn methods_are_read_as_gofmt_writes_them_and_otherwise() {
        assert_eq!(File::read(TEXT).methods, [("Server", "Run"), ("T", "Name")]);
    }
}
