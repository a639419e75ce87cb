//! The tokens of a Go file, with the semicolons that line ends stand for.
//! Source: <https://go.dev/ref/spec#Lexical_elements>.

use super::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    End,
    /// `;`, or the end of a line that ends a statement.
    Semicolon,
    Name,
    Int,
    /// A float, an imaginary number or a rune.
    Number,
    Text,
    OpenParen,
    CloseParen,
    OpenBracket,
    CloseBracket,
    OpenBrace,
    CloseBrace,
    /// A function's body, braces included, whose tokens are left out.
    Body,
    Comma,
    Dot,
    Ellipsis,
    Colon,
    Define,
    Assign,
    AddAssign,
    /// An assignment with another operator.
    OtherAssign,
    /// `++`, `--`.
    Step,
    Arrow,
    Not,
    Tilde,
    Star,
    And,
    Plus,
    /// `-`, `^`: unary or binary.
    Sign,
    Equal,
    NotEqual,
    BothOf,
    EitherOf,
    /// `<`, `<=`, `>`, `>=`.
    Order,
    Or,
    /// `/`, `%`, `<<`, `>>`, `&^`.
    Product,
    Break,
    Case,
    Chan,
    Const,
    Continue,
    Default,
    Defer,
    Else,
    Fallthrough,
    For,
    Func,
    Go,
    Goto,
    If,
    Import,
    Interface,
    Map,
    Package,
    Range,
    Return,
    Select,
    Struct,
    Switch,
    Type,
    Var,
}

/// A token with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    pub start: u32,
    pub end: u32,
}

impl Token {
    pub(super) fn range(self) -> Range {
        Range { start: self.start, end: self.end }
    }
}

/// The tokens of a text, the last one [`Kind::End`]. What is no token is left out.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    tokens_in(text, Range { start: 0, end: text.len() as u32 })
}

/// The tokens of a range of a text, as [`tokens`].
pub(super) fn tokens_in(text: &str, range: Range) -> Vec<Token> {
    let (start, end) = (range.start as usize, (range.end as usize).min(text.len()));
    let tokens = Vec::with_capacity(end.saturating_sub(start) / 4);
    let mut lexer = Lexer { bytes: &text.as_bytes()[..end], at: start, tokens, heads: None };
    lexer.run();
    lexer.tokens
}

/// The tokens of a text, as [`tokens`], where the bodies of declared functions are one token each: as far as they close
/// before another function starts, are not longer than so many bytes, and no more than so many.
pub(super) fn tokens_outside_bodies(text: &str, max_length: usize, max_bodies: usize) -> Vec<Token> {
    let heads = Some(Heads { max_length, left: max_bodies, depth: 0, in_head: false });
    let mut lexer = Lexer { bytes: text.as_bytes(), at: 0, tokens: Vec::with_capacity(text.len() / 16), heads };
    lexer.run();
    lexer.tokens
}

/// The state of looking for the heads of functions.
#[derive(Clone, Copy)]
struct Heads {
    max_length: usize,
    left: usize,
    /// How deep brackets nest.
    depth: u32,
    /// After `func` at the start of a declaration.
    in_head: bool,
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
    /// Where bodies are left out.
    heads: Option<Heads>,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, kind: Kind, start: usize) {
        if let Some(heads) = &mut self.heads {
            heads.note(self.tokens.last().map(|token| token.kind), kind);
        }
        self.tokens.push(Token { kind, start: start as u32, end: self.at as u32 });
    }

    /// A semicolon where the line's last token can end a statement.
    fn end_line(&mut self) {
        let ends = self.tokens.last().is_some_and(|token| {
            matches!(
                token.kind,
                Kind::Name
                    | Kind::Int
                    | Kind::Number
                    | Kind::Text
                    | Kind::Break
                    | Kind::Continue
                    | Kind::Fallthrough
                    | Kind::Return
                    | Kind::Step
                    | Kind::CloseParen
                    | Kind::CloseBracket
                    | Kind::CloseBrace
                    | Kind::Body
            )
        });
        if ends {
            self.push(Kind::Semicolon, self.at);
        }
    }

    fn run(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            let start = self.at;
            match byte {
                b'\n' => {
                    self.end_line();
                    self.at += 1;
                }
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'/' if self.peek(1) == b'/' => {
                    self.at += memchr::memchr(b'\n', &self.bytes[start..]).unwrap_or(self.bytes.len() - start);
                }
                b'/' if self.peek(1) == b'*' => {
                    let rest = &self.bytes[start + 2..];
                    let length = memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2);
                    if memchr::memchr(b'\n', &rest[..length]).is_some() {
                        self.end_line();
                    }
                    self.at = start + 2 + length;
                }
                b'"' | b'\'' => {
                    self.quoted(byte);
                    self.push(if byte == b'"' { Kind::Text } else { Kind::Number }, start);
                }
                b'`' => {
                    let rest = &self.bytes[start + 1..];
                    self.at = start + 1 + memchr::memchr(b'`', rest).map_or(rest.len(), |end| end + 1);
                    self.push(Kind::Text, start);
                }
                b'0'..=b'9' => self.number(),
                b'.' if self.peek(1).is_ascii_digit() => self.number(),
                _ if is_letter(byte) => {
                    while is_letter(self.peek(0)) || self.peek(0).is_ascii_digit() {
                        self.at += 1;
                    }
                    self.push(keyword(&self.bytes[start..self.at]), start);
                }
                b'{' if let Some(end) = self.end_of_body() => {
                    self.at = end;
                    self.push(Kind::Body, start);
                }
                _ => match self.operator() {
                    Some((kind, length)) => {
                        self.at += length;
                        self.push(kind, start);
                    }
                    None => self.at += 1,
                },
            }
        }
        self.end_line();
        self.push(Kind::End, self.at);
    }

    /// The end of the body that a brace starts here; nothing where it starts something else, or is to be read.
    fn end_of_body(&self) -> Option<usize> {
        let heads = self.heads.filter(|heads| heads.in_head && heads.depth == 0 && heads.left > 0)?;
        if matches!(self.tokens.last()?.kind, Kind::Struct | Kind::Interface) {
            return None;
        }
        let rest = &self.bytes[self.at..];
        let length = length_of_block(&rest[..rest.len().min(heads.max_length)])?;
        let starts_function = |at: usize| matches!(rest.get(at + 5), Some(b' ' | b'(' | b'\t'));
        let mut functions = memchr::memmem::find_iter(&rest[..length], b"\nfunc");
        (!functions.any(starts_function)).then_some(self.at + length)
    }

    /// Goes past a string or a rune, at the latest to the end of its line.
    fn quoted(&mut self, quote: u8) {
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' => return,
                b'\\' if self.peek(1) != b'\n' => self.at += 2,
                _ => {
                    self.at += 1;
                    if byte == quote {
                        return;
                    }
                }
            }
        }
        self.at = self.at.min(self.bytes.len());
    }

    fn number(&mut self) {
        let start = self.at;
        let mut whole = true;
        loop {
            match self.peek(0) {
                b'+' | b'-' if self.at > start && matches!(self.bytes[self.at - 1], b'e' | b'E' | b'p' | b'P') => {
                    let hexadecimal = self.bytes.get(start + 1).is_some_and(|byte| matches!(byte, b'x' | b'X'));
                    if hexadecimal && matches!(self.bytes[self.at - 1], b'e' | b'E') {
                        break;
                    }
                    whole = false;
                }
                b'.' => whole = false,
                byte if byte.is_ascii_alphanumeric() || byte == b'_' => {}
                _ => break,
            }
            self.at += 1;
        }
        self.push(if whole { Kind::Int } else { Kind::Number }, start);
    }

    /// The operator at the current place, the longest one.
    fn operator(&self) -> Option<(Kind, usize)> {
        let (first, second, third) = (self.peek(0), self.peek(1), self.peek(2));
        Some(match (first, second, third) {
            (b'.', b'.', b'.') => (Kind::Ellipsis, 3),
            (b'<', b'<', b'=') | (b'>', b'>', b'=') | (b'&', b'^', b'=') => (Kind::OtherAssign, 3),
            (b':', b'=', _) => (Kind::Define, 2),
            (b'+', b'=', _) => (Kind::AddAssign, 2),
            (b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^', b'=', _) => (Kind::OtherAssign, 2),
            (b'+', b'+', _) | (b'-', b'-', _) => (Kind::Step, 2),
            (b'<', b'-', _) => (Kind::Arrow, 2),
            (b'=', b'=', _) => (Kind::Equal, 2),
            (b'!', b'=', _) => (Kind::NotEqual, 2),
            (b'&', b'&', _) => (Kind::BothOf, 2),
            (b'|', b'|', _) => (Kind::EitherOf, 2),
            (b'<' | b'>', b'=', _) => (Kind::Order, 2),
            (b'<', b'<', _) | (b'>', b'>', _) | (b'&', b'^', _) => (Kind::Product, 2),
            (b'(', ..) => (Kind::OpenParen, 1),
            (b')', ..) => (Kind::CloseParen, 1),
            (b'[', ..) => (Kind::OpenBracket, 1),
            (b']', ..) => (Kind::CloseBracket, 1),
            (b'{', ..) => (Kind::OpenBrace, 1),
            (b'}', ..) => (Kind::CloseBrace, 1),
            (b',', ..) => (Kind::Comma, 1),
            (b';', ..) => (Kind::Semicolon, 1),
            (b'.', ..) => (Kind::Dot, 1),
            (b':', ..) => (Kind::Colon, 1),
            (b'=', ..) => (Kind::Assign, 1),
            (b'!', ..) => (Kind::Not, 1),
            (b'~', ..) => (Kind::Tilde, 1),
            (b'*', ..) => (Kind::Star, 1),
            (b'&', ..) => (Kind::And, 1),
            (b'+', ..) => (Kind::Plus, 1),
            (b'-' | b'^', ..) => (Kind::Sign, 1),
            (b'<' | b'>', ..) => (Kind::Order, 1),
            (b'|', ..) => (Kind::Or, 1),
            (b'/' | b'%', ..) => (Kind::Product, 1),
            _ => return None,
        })
    }
}

impl Heads {
    /// Notes a token that is read after another.
    fn note(&mut self, before: Option<Kind>, token: Kind) {
        match token {
            Kind::OpenParen | Kind::OpenBracket | Kind::OpenBrace => self.depth += 1,
            Kind::CloseParen | Kind::CloseBracket | Kind::CloseBrace => self.depth = self.depth.saturating_sub(1),
            Kind::Func if self.depth == 0 => self.in_head = before.is_none_or(|before| before == Kind::Semicolon),
            Kind::Semicolon if self.depth == 0 => self.in_head = false,
            Kind::Body => {
                self.in_head = false;
                self.left -= 1;
            }
            _ => {}
        }
    }
}

/// How long the block in braces at the start of a text is; nothing where it does not end.
fn length_of_block(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_u32;
    let mut at = 0;
    loop {
        at += bytes[at..].iter().position(|&byte| matches!(byte, b'{' | b'}' | b'"' | b'\'' | b'`' | b'/'))?;
        match bytes[at] {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'`' => at += 1 + memchr::memchr(b'`', &bytes[at + 1..])?,
            b'/' => match bytes.get(at + 1) {
                Some(b'/') => at += memchr::memchr(b'\n', &bytes[at..])?,
                Some(b'*') => at += 3 + memchr::memmem::find(&bytes[at + 2..], b"*/")?,
                _ => {}
            },
            quote => at = end_of_quoted(bytes, at, quote)?,
        }
        at += 1;
    }
}

/// The place of the quote that ends a string or a rune, or of the end of its line.
fn end_of_quoted(bytes: &[u8], start: usize, quote: u8) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match *bytes.get(at)? {
            b'\n' => return Some(at),
            b'\\' if bytes.get(at + 1) != Some(&b'\n') => at += 2,
            byte if byte == quote => return Some(at),
            _ => at += 1,
        }
    }
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn keyword(word: &[u8]) -> Kind {
    match word {
        b"break" => Kind::Break,
        b"case" => Kind::Case,
        b"chan" => Kind::Chan,
        b"const" => Kind::Const,
        b"continue" => Kind::Continue,
        b"default" => Kind::Default,
        b"defer" => Kind::Defer,
        b"else" => Kind::Else,
        b"fallthrough" => Kind::Fallthrough,
        b"for" => Kind::For,
        b"func" => Kind::Func,
        b"go" => Kind::Go,
        b"goto" => Kind::Goto,
        b"if" => Kind::If,
        b"import" => Kind::Import,
        b"interface" => Kind::Interface,
        b"map" => Kind::Map,
        b"package" => Kind::Package,
        b"range" => Kind::Range,
        b"return" => Kind::Return,
        b"select" => Kind::Select,
        b"struct" => Kind::Struct,
        b"switch" => Kind::Switch,
        b"type" => Kind::Type,
        b"var" => Kind::Var,
        _ => Kind::Name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        tokens(text).into_iter().map(|token| (token.kind, &text[token.start as usize..token.end as usize])).collect()
    }

    #[test]
    fn line_ends_stand_for_semicolons_where_a_statement_can_end() {
        let found = kinds("x := \"a\\\"b\" // c\n+ `r\nw` /* a\nb */ return\n)");
        assert_eq!(
            found,
            [
                (Kind::Name, "x"),
                (Kind::Define, ":="),
                (Kind::Text, "\"a\\\"b\""),
                (Kind::Semicolon, ""),
                (Kind::Plus, "+"),
                (Kind::Text, "`r\nw`"),
                (Kind::Semicolon, ""),
                (Kind::Return, "return"),
                (Kind::Semicolon, ""),
                (Kind::CloseParen, ")"),
                (Kind::Semicolon, ""),
                (Kind::End, ""),
            ]
        );
    }

    #[test]
    fn numbers_and_operators() {
        let found: Vec<Kind> = kinds("0x1e+2 1e+3 .5 1_000 'a' a...<-b&^=c").into_iter().map(|token| token.0).collect();
        let number = Kind::Number;
        assert_eq!(found[..8], [Kind::Int, Kind::Plus, Kind::Int, number, number, Kind::Int, number, Kind::Name]);
        assert_eq!(found[8..13], [Kind::Ellipsis, Kind::Arrow, Kind::Name, Kind::OtherAssign, Kind::Name]);
    }

    #[test]
    fn bodies_are_one_token_where_a_function_is_declared() {
        let bodies = |text: &str| -> Vec<String> {
            let tokens = tokens_outside_bodies(text, 60, 4);
            let bodies = tokens.iter().filter(|token| token.kind == Kind::Body);
            bodies.map(|token| text[token.start as usize..token.end as usize].to_owned()).collect()
        };
        let strange = "{ f(\"}\\\"}\", '}', '\\'', `}\n`) /* } */ // }\n}";
        assert_eq!(
            bodies(&format!("func f(a struct{{ x int }}) (b T) {strange}\nvar x = func() {{ g() }}")),
            [strange]
        );
        assert_eq!(
            bodies(
                "func (T) a() interface{ m() } { x }; func b() map[string]struct{} { y }\nfunc c()\ntype T struct { z int }"
            ),
            ["{ x }", "{ y }"]
        );
        // What is too long, does not end or has a function in it is read.
        let long = "x; ".repeat(30);
        assert_eq!(bodies(&format!("func a() {{ {long} }}\nfunc b() {{ }}\nfunc c() {{ {{ }}")), ["{ }"]);
        assert_eq!(bodies("func a() {\n\tf(\nfunc b() { }\n}"), [""; 0]);
        assert_eq!(bodies(&"func a() { }\n".repeat(6)).len(), 4);
    }

    #[test]
    fn broken_text_ends() {
        for text in ["\"", "\"\\", "'", "`", "/*", "\u{fffd}", "0x", "1e+", "#@?"] {
            assert_eq!(tokens(text).last().map(|token| token.kind), Some(Kind::End), "{text}");
            let outside = tokens_outside_bodies(&format!("func f() {{ {text}"), 100, 100);
            assert!(outside.iter().all(|token| token.kind != Kind::Body), "{text}");
        }
    }
}
