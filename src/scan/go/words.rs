//! One file's words with the ways in which it uses them, and its methods, interfaces and structs: a lexer that knows
//! comments, strings and declarations, and no more.

use super::syntax::section_shift;
use super::word::{hash, word_at};
use super::word_table::WordTable;

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

/// What one file holds.
#[derive(Default)]
pub(super) struct File<'a> {
    /// Receiver's type and name.
    pub methods: Vec<(&'a str, &'a str)>,
    /// The names of the methods that each interface asks for.
    pub interfaces: Vec<Vec<&'a str>>,
    pub structs: Vec<Struct<'a>>,
    /// Functions that C code or the linker knows by name: `//export`, `//go:linkname`.
    pub told: Vec<&'a str>,
}

/// A struct type.
pub(super) struct Struct<'a> {
    /// Empty for one without a name.
    pub name: &'a str,
    pub embeds: bool,
}

impl<'a> File<'a> {
    /// Reads a text; its words come into a table.
    pub(super) fn read(text: &'a str, words: &mut WordTable) -> Self {
        let mut reader = Reader {
            text,
            words,
            section_shift: section_shift(text.len()),
            bytes: text.as_bytes(),
            at: 0,
            file: Self::default(),
            state: State::Code,
            depth: 0,
            group: None,
            interfaces: Vec::new(),
            structs: Vec::new(),
            receiver: "",
            declaring: "",
            after_dot: false,
            pointed_to: false,
            after: Keyword::Other,
        };
        reader.run();
        reader.file
    }
}

/// The word before a brace, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keyword {
    Interface,
    Struct,
    Other,
}

/// The state of reading a file.
struct Reader<'a, 'w> {
    text: &'a str,
    words: &'w mut WordTable,
    /// The power of two that a section is long.
    section_shift: u32,
    bytes: &'a [u8],
    at: usize,
    file: File<'a>,
    state: State,
    /// How deep braces, brackets and parentheses nest.
    depth: u32,
    /// The depth inside a group of declarations.
    group: Option<u32>,
    /// The interfaces around, each with the depth of its inside.
    interfaces: Vec<(u32, usize)>,
    /// The structs around, as the interfaces.
    structs: Vec<(u32, usize)>,
    /// The type of the receiver that was read.
    receiver: &'a str,
    /// The name that is being declared in this line.
    declaring: &'a str,
    after_dot: bool,
    /// In `&x.y.z` or `*x`.
    pointed_to: bool,
    after: Keyword,
}

impl Reader<'_, '_> {
    fn run(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            if is_letter(byte) {
                self.word();
                continue;
            }
            if matches!(byte, b' ' | b'\t') {
                self.pointed_to = false;
                self.at += 1;
                continue;
            }
            let rest = &self.bytes[self.at..];
            match byte {
                b'/' if rest.get(1) == Some(&b'/') => {
                    let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                    if rest.starts_with(b"//export ") || rest.starts_with(b"//go:linkname ") {
                        self.directive(length);
                    }
                    self.at += length;
                    continue;
                }
                b'/' if rest.get(1) == Some(&b'*') => {
                    self.at += memchr::memmem::find(&rest[2..], b"*/").map_or(rest.len(), |end| end + 4);
                    continue;
                }
                b'`' => {
                    self.at += memchr::memchr(b'`', &rest[1..]).map_or(rest.len(), |end| end + 2);
                    self.state = State::Code;
                    continue;
                }
                b'"' | b'\'' => {
                    self.at = end_of_string(self.bytes, self.at);
                    self.state = State::Code;
                    continue;
                }
                b'(' if self.state == State::Func => self.receiver(),
                b'(' | b'[' | b'{' => self.open(byte),
                b')' | b']' | b'}' => self.close(),
                b'\n' | b';' if self.group == Some(self.depth) => self.state = State::Names,
                b'=' if self.group == Some(self.depth) => self.state = State::Code,
                _ => {}
            }
            match byte {
                b'.' => self.after_dot = rest.get(1) != Some(&b'.'),
                b'\n' | b'\r' => {
                    self.declaring = "";
                    self.pointed_to = false;
                }
                _ => {
                    if matches!(byte, b'{' | b'(') {
                        self.declaring = "";
                    }
                    self.pointed_to = matches!(byte, b'&' | b'*');
                    self.after_dot = false;
                }
            }
            self.at += 1;
        }
    }

    /// The function that a comment of some length names for others than Go code.
    fn directive(&mut self, length: usize) {
        if starts_line(self.bytes, self.at) {
            let line = self.text.get(self.at..self.at + length).unwrap_or_default();
            self.file.told.extend(line.split_ascii_whitespace().nth(1));
        }
    }

    fn word(&mut self) {
        let start = self.at;
        let (end, hash) = word_at(self.bytes, start);
        self.at = end;
        let way = if std::mem::take(&mut self.after_dot) { way::SELECTOR } else { way::NAME };
        let mut ways = way | self.declared(start, way);
        let rest = &self.bytes[self.at..];
        let next = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(rest.len());
        if is_set(&rest[next..]) || self.pointed_to {
            ways |= if way == way::SELECTOR { way::SET } else { way::SET_NAME };
        }
        if let Some(&(_, of)) = self.structs.last().filter(|(own, _)| *own == self.depth)
            && ends_field(rest, next)
            && starts_field(self.bytes, start)
        {
            self.file.structs[of].embeds = true;
        }
        match rest.get(next) {
            Some(b'{') => ways |= way::OPENS,
            Some(b'[') => ways |= way::OPENS | way::SET_NAME,
            Some(b':') if rest.get(next + 1) != Some(&b'=') => ways |= way::KEY,
            // `var a, b = …`
            Some(b',') if ways & way::DECLARED != 0 => self.state = State::Names,
            Some(b'(') => {
                if let Some(&(_, interface)) = self.interfaces.last().filter(|(own, _)| *own == self.depth) {
                    let name = self.text.get(start..self.at);
                    self.file.interfaces[interface].extend(name);
                }
            }
            _ => {}
        }
        self.words.add(hash, ways, start as u32 >> self.section_shift);
    }

    /// What a word says of declarations: whether it is declared, and what comes after it.
    fn declared(&mut self, start: usize, way: u8) -> u8 {
        let word = &self.bytes[start..self.at];
        if self.state == State::Code && !matches!(word[0], b'c' | b'f' | b'i' | b's' | b't' | b'v') {
            // No keyword that matters.
            self.after = Keyword::Other;
            return 0;
        }
        self.after = match word {
            b"interface" => Keyword::Interface,
            b"struct" => Keyword::Struct,
            _ => Keyword::Other,
        };
        match (self.state, word) {
            // Not the type in `type option func(*options)`.
            (State::Code, b"func") if self.depth == 0 && starts_line(self.bytes, start) => self.state = State::Func,
            (State::Code, b"var" | b"const") if self.depth == 0 => self.state = State::Names,
            (State::Code, b"type") if way == way::NAME => self.state = State::Names,
            (State::Code, _) => {}
            (State::Names | State::Func, _) => {
                self.declaring = self.text.get(start..self.at).unwrap_or_default();
                self.state = State::Code;
                return way::DECLARED;
            }
            (State::Method, _) => {
                let name = self.text.get(start..self.at).map(|name| (self.receiver, name));
                self.file.methods.extend(name);
                self.state = State::Code;
            }
        }
        0
    }

    /// The receiver of a method; its words count too.
    fn receiver(&mut self) {
        let inside = self.at + 1;
        let end = memchr::memchr(b')', &self.bytes[inside..]).map_or(self.bytes.len(), |end| inside + end);
        for word in self.bytes[inside..end].split(|&byte| !is_in_word(byte)).filter(|word| !word.is_empty()) {
            self.words.add(hash(word), way::NAME, inside as u32 >> self.section_shift);
        }
        self.receiver = self.text.get(inside..end).map_or("", receiver_type);
        self.state = if self.receiver.is_empty() { State::Code } else { State::Method };
        self.group = None;
        self.at = end;
    }

    fn open(&mut self, byte: u8) {
        self.depth += 1;
        match (byte, self.after) {
            (b'{', Keyword::Interface) => {
                self.interfaces.push((self.depth, self.file.interfaces.len()));
                self.file.interfaces.push(Vec::new());
            }
            (b'{', Keyword::Struct) => {
                self.structs.push((self.depth, self.file.structs.len()));
                self.file.structs.push(Struct { name: self.declaring, embeds: false });
            }
            _ => {}
        }
        self.after = Keyword::Other;
        if byte == b'(' && self.state == State::Names {
            self.group = Some(self.depth);
        } else {
            self.state = State::Code;
        }
    }

    fn close(&mut self) {
        if self.group == Some(self.depth) {
            self.group = None;
            self.state = State::Code;
        }
        self.interfaces.pop_if(|(own, _)| *own == self.depth);
        self.structs.pop_if(|(own, _)| *own == self.depth);
        self.depth = self.depth.saturating_sub(1);
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
        let mut words = WordTable::default();
        File::read(TEXT, &mut words);
        words.ways(hash(word.as_bytes()))
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
        let file = File::read(text, &mut WordTable::default());
        let embedding: Vec<&str> = file.structs.iter().filter(|of| of.embeds).map(|of| of.name).collect();
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
        let mut words = WordTable::default();
        File::read(text, &mut words);
        let ways = |word: &str| words.ways(hash(word.as_bytes()));
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
        let file = File::read(text, &mut WordTable::default());
        let found: Vec<&[&str]> = file.interfaces.iter().map(Vec::as_slice).collect();
        assert_eq!(found, [&["One", "Three"][..], &["Inner"], &["Four", "Five"], &[]]);
    }

    #[test]
    fn functions_that_others_know_by_name_are_told() {
        let text = "package p\n\n//export Start\nfunc Start() {}\n\n//go:linkname now runtime.now\nfunc now() int64\n\
            func f() string {\n\treturn `\n//export Quoted\n` // see\n} //export Late\n//go:linkname\n";
        assert_eq!(File::read(text, &mut WordTable::default()).told, ["Start", "now", "Late"]);
    }

    #[test]
    fn methods_are_read_as_gofmt_writes_them_and_otherwise() {
        assert_eq!(File::read(TEXT, &mut WordTable::default()).methods, [("Server", "Run"), ("T", "Name")]);
    }
}
