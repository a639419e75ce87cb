//! The version order of apk, and the constraints that dependencies put on versions.
//!
//! The rules are those of apk-tools 2.14 (`src/version.c`), with the commit hash of apk-tools 3 (`1.2~0abc`) added. A
//! version that breaks the rules is not refused by [`compare`]: apk orders what it can read of it, and so does this.
//! Nothing here knows semantic versioning or any other ecosystem's order.

use std::cmp::Ordering;
use std::fmt;

/// Why a text is not a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version that apk reads (digits, letter, _suffix, ~hash, -rN)")]
pub struct VersionError(pub String);

/// A version that keeps apk's rules, ordered as apk orders it.
///
/// Two versions can be equal without being the same text only where apk itself calls them equal.
#[derive(Clone, Debug)]
pub struct Version(String);

impl Version {
    /// Reads a version (`1.36.1-r29`).
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        if is_valid(text) { Ok(Self(text.to_owned())) } else { Err(VersionError(text.to_owned())) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

/// How two versions stand to each other, as apk sees it.
pub fn compare(a: &str, b: &str) -> Ordering {
    compare_tokens(a, b, false)
}

/// Whether `a` and `b` agree as far as the shorter of them goes (`1.2.3` and `1.2`); apk's `~`.
pub fn matches_fuzzily(a: &str, b: &str) -> bool {
    compare_tokens(a, b, true) == Ordering::Equal
}

/// Whether a text keeps apk's rules for a version.
pub fn is_valid(text: &str) -> bool {
    let mut reader = Reader::new(text);
    while !matches!(reader.next, Token::End | Token::Invalid) {
        reader.value();
    }
    reader.next == Token::End
}

/// A comparison that a dependency asks for. It is a set of outcomes, as in apk; `~` matches by prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operator(u8);

impl Operator {
    const EQUAL_BIT: u8 = 1;
    const LESS_BIT: u8 = 2;
    const GREATER_BIT: u8 = 4;
    const FUZZY_BIT: u8 = 8;

    /// Every version will do.
    pub const ANY: Self = Self(Self::EQUAL_BIT | Self::LESS_BIT | Self::GREATER_BIT);
    /// `=`
    pub const EQUAL: Self = Self(Self::EQUAL_BIT);
    /// `<`
    pub const LESS: Self = Self(Self::LESS_BIT);
    /// `<=`
    pub const AT_MOST: Self = Self(Self::LESS_BIT | Self::EQUAL_BIT);
    /// `>`
    pub const GREATER: Self = Self(Self::GREATER_BIT);
    /// `>=`
    pub const AT_LEAST: Self = Self(Self::GREATER_BIT | Self::EQUAL_BIT);
    /// `~` (`=~` and `~=` are the same)
    pub const FUZZY: Self = Self(Self::FUZZY_BIT | Self::EQUAL_BIT);
    /// `><`: the package itself is meant, by its checksum
    pub const CHECKSUM: Self = Self(Self::LESS_BIT | Self::GREATER_BIT);

    /// Reads a run of `<`, `=`, `>` and `~` in any order, as apk does; nothing for another character or none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bits = 0;
        for byte in text.bytes() {
            bits |= match byte {
                b'<' => Self::LESS_BIT,
                b'>' => Self::GREATER_BIT,
                b'=' => Self::EQUAL_BIT,
                b'~' => Self::FUZZY_BIT | Self::EQUAL_BIT,
                _ => return None,
            };
        }
        (bits != 0).then_some(Self(bits))
    }

    /// Whether it matches by prefix.
    pub fn is_fuzzy(self) -> bool {
        self.0 & Self::FUZZY_BIT != 0
    }

    /// Whether `version` is one that `wanted` asks for with this operator. [`Operator::CHECKSUM`] asks for no version;
    /// it never matches here.
    pub fn matches(self, version: &str, wanted: &str) -> bool {
        if self == Self::ANY {
            return true;
        }
        if self == Self::CHECKSUM {
            return false;
        }
        let outcome = match compare_tokens(version, wanted, self.is_fuzzy()) {
            Ordering::Less => Self::LESS_BIT,
            Ordering::Equal => Self::EQUAL_BIT,
            Ordering::Greater => Self::GREATER_BIT,
        };
        self.0 & outcome != 0
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::ANY => "",
            Self::EQUAL => "=",
            Self::LESS => "<",
            Self::AT_MOST => "<=",
            Self::GREATER => ">",
            Self::AT_LEAST => ">=",
            Self::CHECKSUM => "><",
            Self(bits) if bits & (Self::LESS_BIT | Self::FUZZY_BIT) == Self::LESS_BIT | Self::FUZZY_BIT => "<~",
            Self(bits) if bits & (Self::GREATER_BIT | Self::FUZZY_BIT) == Self::GREATER_BIT | Self::FUZZY_BIT => ">~",
            _ => "~",
        })
    }
}

/// The kinds of a version's parts, in apk's order: where one version ends or differs in kind, the earlier kind is the
/// greater version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Token {
    Invalid,
    /// A number after a dot; its leading zeros count.
    DigitOrZero,
    Digit,
    Letter,
    Suffix,
    SuffixNumber,
    CommitHash,
    Revision,
    End,
}

/// What a part is worth; the text is that of a commit hash alone.
type Value<'a> = (i64, &'a [u8]);

const PRE_SUFFIXES: [&[u8]; 4] = [b"alpha", b"beta", b"pre", b"rc"];
const POST_SUFFIXES: [&[u8]; 5] = [b"cvs", b"svn", b"git", b"hg", b"p"];

/// Longest run of digits that apk reads as a number.
const MAX_DIGITS: usize = 17;

/// Reads a version part by part; `next` is the kind of the part that comes.
#[derive(Clone)]
struct Reader<'a> {
    rest: &'a [u8],
    next: Token,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text.as_bytes(), next: Token::Digit }
    }

    /// The value of the part that comes; moves to the kind of the one after.
    fn value(&mut self) -> Value<'a> {
        if self.rest.is_empty() {
            self.next = Token::End;
            return (0, b"");
        }
        let (value, length, then) = match self.next {
            Token::DigitOrZero if self.rest[0] == b'0' => {
                // More leading zeros make a smaller number: 1.001 < 1.01 < 1.1.
                let extra = self.rest[1..].iter().take_while(|&&byte| byte == b'0').count();
                ((-(extra as i64), &b""[..]), extra, Some(Token::Digit))
            }
            Token::DigitOrZero | Token::Digit | Token::SuffixNumber | Token::Revision => {
                let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                if length > MAX_DIGITS {
                    return self.invalid();
                }
                let number = self.rest[..length].iter().fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0'));
                ((number, &b""[..]), length, None)
            }
            Token::Letter => ((i64::from(self.rest[0]), &b""[..]), 1, None),
            Token::Suffix => match suffix(self.rest) {
                Some((rank, length)) => ((rank, &b""[..]), length, None),
                None => return self.invalid(),
            },
            Token::CommitHash => {
                let length = self.rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
                if length == 0 {
                    return self.invalid();
                }
                ((0, &self.rest[..length]), length, None)
            }
            Token::Invalid | Token::End => return self.invalid(),
        };
        self.rest = &self.rest[length..];
        if self.rest.is_empty() {
            self.next = Token::End;
        } else if let Some(then) = then {
            self.next = then;
        } else {
            self.advance();
        }
        value
    }

    fn invalid(&mut self) -> Value<'a> {
        self.next = Token::Invalid;
        (-1, b"")
    }

    /// Finds the kind of the part that follows and skips the mark that opens it.
    fn advance(&mut self) {
        let was = self.next;
        let first = self.rest[0];
        let (next, skip) = match first {
            0 => (Token::End, 0),
            b'a'..=b'z' if matches!(was, Token::Digit | Token::DigitOrZero) => (Token::Letter, 0),
            b'0'..=b'9' if was == Token::Letter => (Token::Digit, 0),
            b'0'..=b'9' if was == Token::Suffix => (Token::SuffixNumber, 0),
            b'.' => (Token::DigitOrZero, 1),
            b'_' => (Token::Suffix, 1),
            b'~' => (Token::CommitHash, 1),
            b'-' if self.rest.get(1) == Some(&b'r') => (Token::Revision, 2),
            _ => (Token::Invalid, 1),
        };
        self.rest = &self.rest[skip..];
        let may_go_back = matches!(
            (was, next),
            (Token::Digit, Token::DigitOrZero) | (Token::SuffixNumber, Token::Suffix) | (Token::Letter, Token::Digit)
        );
        self.next = if next < was && !may_go_back { Token::Invalid } else { next };
    }
}

/// The rank of the suffix that a text starts with (below zero before a release), and its length.
fn suffix(text: &[u8]) -> Option<(i64, usize)> {
    let find = |table: &[&[u8]]| table.iter().position(|name| text.starts_with(name));
    if let Some(at) = find(&PRE_SUFFIXES) {
        return Some((at as i64 - PRE_SUFFIXES.len() as i64, PRE_SUFFIXES[at].len()));
    }
    find(&POST_SUFFIXES).map(|at| (at as i64, POST_SUFFIXES[at].len()))
}

fn compare_tokens(a: &str, b: &str, fuzzy: bool) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let (mut a, mut b) = (Reader::new(a), Reader::new(b));
    loop {
        let order = a.value().cmp(&b.value());
        if order != Ordering::Equal {
            return order;
        }
        if a.next != b.next || matches!(a.next, Token::End | Token::Invalid) {
            break;
        }
    }
    if a.next == b.next || fuzzy {
        return Ordering::Equal;
    }
    // The longer version is the greater one, unless what it adds says that it comes before the release.
    if a.next == Token::Suffix && a.clone().value().0 < 0 {
        return Ordering::Less;
    }
    if b.next == Token::Suffix && b.clone().value().0 < 0 {
        return Ordering::Greater;
    }
    b.next.cmp(&a.next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(a: &str, b: &str) -> char {
        match compare(a, b) {
            Ordering::Less => '<',
            Ordering::Equal => '=',
            Ordering::Greater => '>',
        }
    }

    /// apk reads a missing number as 0, so it takes these; `apk version --check` says so.
    #[test]
    fn apk_takes_more_than_one_would_think() {
        for text in ["", "v1", "1.", "1.a", "_p1", ".1", "1..2", "1.0-r", "1.0a1b", "12345678901234567"] {
            assert!(is_valid(text), "{text}");
        }
    }

    /// Each answer is that of `apk version -t` of apk-tools 2.14.4.
    #[test]
    fn the_order_is_that_of_apk() {
        for (a, wanted, b) in [
            ("1.0", '<', "1.0.1"),
            ("1.0", '<', "1.0a"),
            ("1.0_alpha", '<', "1.0"),
            ("1.0_alpha", '<', "1.0_beta"),
            ("1.0_beta", '<', "1.0_pre"),
            ("1.0_pre", '<', "1.0_rc"),
            ("1.0_rc", '<', "1.0"),
            ("1.0", '<', "1.0_cvs"),
            ("1.0_cvs", '<', "1.0_svn"),
            ("1.0_svn", '<', "1.0_git"),
            ("1.0_git", '<', "1.0_hg"),
            ("1.0_hg", '<', "1.0_p"),
            ("1.0_p", '<', "1.0_p1"),
            ("1.0_p1", '<', "1.0_p2"),
            ("1.0_alpha1_git20200101", '>', "1.0_alpha1"),
            ("1.0", '<', "1.0-r1"),
            ("1.0-r1", '<', "1.0-r10"),
            ("1.01", '<', "1.1"),
            ("1.001", '<', "1.01"),
            ("1.10", '>', "1.9"),
            ("02", '=', "2"),
            ("1.0", '=', "1.0"),
            ("20200101", '>', "1.0"),
            ("2.34", '>', "0.1.0_alpha"),
        ] {
            assert_eq!(order(a, b), wanted, "{a} against {b}");
            let mirrored = if wanted == '<' {
                '>'
            } else if wanted == '>' {
                '<'
            } else {
                '='
            };
            assert_eq!(order(b, a), mirrored, "{b} against {a}");
        }
    }

    #[test]
    fn a_commit_hash_stands_before_the_revision() {
        assert!(is_valid("1.0_git20240101~a1b2c3d-r0"));
        assert!(!is_valid("1.0~-r0"));
        assert!(!is_valid("1.0-r0~abc"));
        assert_eq!(order("1.0~aa", "1.0~ab"), '<');
        assert_eq!(order("1.0~ab-r1", "1.0~ab-r0"), '>');
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["1.0-1", "1.0_foo", "1.0bc", "1.0-rc1x", "1_a", "123456789012345678", "1.0_alphax", "1 "] {
            assert!(!is_valid(text), "{text}");
            assert_eq!(Version::parse(text), Err(VersionError(text.to_owned())));
        }
        assert!(Version::parse("1.36.1-r29").expect("valid") < Version::parse("1.36.1-r30").expect("valid"));
    }

    #[test]
    fn operators_read_back_and_match() {
        for text in ["=", "<", "<=", ">", ">=", "~", "><", "<~", ">~"] {
            assert_eq!(Operator::parse(text).expect("an operator").to_string(), text);
        }
        assert_eq!(Operator::parse("=~"), Some(Operator::FUZZY));
        assert_eq!(Operator::parse(""), None);
        assert_eq!(Operator::parse("=1"), None);
        assert!(Operator::FUZZY.matches("1.2.3-r4", "1.2"));
        assert!(!Operator::FUZZY.matches("1.20", "1.2"));
        assert!(Operator::AT_LEAST.matches("1.2-r1", "1.2-r1"));
        assert!(!Operator::LESS.matches("1.2", "1.2"));
        assert!(Operator::ANY.matches("anything", ""));
    }
}
