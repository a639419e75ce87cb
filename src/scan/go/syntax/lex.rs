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
    let mut lexer = Lexer { bytes: text.as_bytes(), at: 0, tokens: Vec::with_capacity(text.len() / 5) };
    lexer.run();
    lexer.tokens
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, kind: Kind, start: usize) {
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
    fn broken_text_ends() {
        for text in ["\"", "\"\\", "'", "`", "/*", "\u{fffd}", "0x", "1e+", "#@?"] {
            assert_eq!(tokens(text).last().map(|token| token.kind), Some(Kind::End), "{text}");
        }
    }
}
