//! The values of Go's string literals.

/// The value of a literal with its quotes; nothing where it is no string.
pub(super) fn decode(literal: &str) -> Option<Box<str>> {
    if let Some(raw) = literal.strip_prefix('`') {
        return Some(raw.strip_suffix('`').unwrap_or(raw).replace('\r', "").into());
    }
    let body = literal.strip_prefix('"')?;
    let body = body.strip_suffix('"').unwrap_or(body);
    if !body.contains('\\') {
        return Some(body.into());
    }
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = escape(&rest[at + 1..], &mut bytes);
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(String::from_utf8_lossy(&bytes).into_owned().into())
}

/// Appends the value of the escape that starts after the backslash; returns what follows it.
fn escape<'a>(rest: &'a str, bytes: &mut Vec<u8>) -> &'a str {
    let Some(first) = rest.chars().next() else { return rest };
    let after = &rest[first.len_utf8()..];
    let simple = match first {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        'x' => return number(after, 2, 16, bytes, false),
        'u' => return number(after, 4, 16, bytes, true),
        'U' => return number(after, 8, 16, bytes, true),
        '0'..='7' => return number(rest, 3, 8, bytes, false),
        other => {
            bytes.extend_from_slice(other.to_string().as_bytes());
            return after;
        }
    };
    bytes.push(simple);
    after
}

fn number<'a>(rest: &'a str, digits: usize, radix: u32, bytes: &mut Vec<u8>, is_char: bool) -> &'a str {
    let Some(value) = rest.get(..digits).and_then(|text| u32::from_str_radix(text, radix).ok()) else { return rest };
    if is_char {
        let c = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
        bytes.extend_from_slice(c.to_string().as_bytes());
    } else {
        bytes.push(value as u8);
    }
    &rest[digits..]
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn literals_are_decoded() {
        assert_eq!(decode(r#""git""#).as_deref(), Some("git"));
        assert_eq!(decode("`a\\n`").as_deref(), Some("a\\n"));
        assert_eq!(decode(r#""a\tb\x41\u00e9\101\"\\""#).as_deref(), Some("a\tbAéA\"\\"));
        assert_eq!(decode(r#""\xff""#).as_deref(), Some("\u{fffd}"));
        assert_eq!(decode("'a'"), None);
    }

    #[test]
    fn broken_literals_do_no_harm() {
        for literal in ["\"", "`", r#""\"#, r#""\x"#, r#""\u12"#, "\"\\é\"", "\"\\xé\""] {
            decode(literal);
        }
    }
}
