//! A word of Go: how long it is, and its hash, eight bytes at a time.

/// What is asked of eight bytes at once.
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x80 * ONES;
const LOW: u64 = 0x7f * ONES;

/// What hashes are multiplied with.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Eight bytes from a place on, the first the lowest; zeros stand for what is not there.
fn eight(bytes: &[u8], at: usize) -> u64 {
    if let Some(whole) = bytes.get(at..at + 8).and_then(|whole| whole.try_into().ok()) {
        return u64::from_le_bytes(whole);
    }
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().rev().fold(0, |eight, &byte| eight << 8 | u64::from(byte))
}

/// The high bit of each byte that can stand in a word: a letter, a digit, `_`, a part of what is not ASCII.
fn in_word(eight: u64) -> u64 {
    let low = eight & LOW;
    // None of the sums carries into the next byte.
    let from = |bytes: u64, first: u8| bytes + u64::from(0x80 - first) * ONES;
    let digit = from(low, b'0') & !from(low, b'9' + 1);
    let small = low | (0x20 * ONES);
    let letter = from(small, b'a') & !from(small, b'z' + 1);
    let underscore = !((low ^ (u64::from(b'_') * ONES)) + LOW);
    (eight | digit | letter | underscore) & HIGH
}

/// The end of the word that starts at a place, and its hash.
pub(super) fn word_at(bytes: &[u8], start: usize) -> (usize, u32) {
    let (mut at, mut state) = (start, 0);
    loop {
        let next = eight(bytes, at);
        let length = (!in_word(next) & HIGH).trailing_zeros() / 8;
        if length == 8 {
            state = mix(state, next);
            at += 8;
            continue;
        }
        let kept = next & ((1 << (length * 8)) - 1);
        return (at + length as usize, finish(if length == 0 { state } else { mix(state, kept) }));
    }
}

/// The hash of a whole word, as [`word_at`] gives it.
pub(crate) fn hash(word: &[u8]) -> u32 {
    finish(word.chunks(8).fold(0, |state, chunk| mix(state, eight(chunk, 0))))
}

fn mix(state: u64, eight: u64) -> u64 {
    (state.rotate_left(23) ^ eight).wrapping_mul(FACTOR)
}

fn finish(state: u64) -> u32 {
    ((state ^ state >> 29).wrapping_mul(FACTOR) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_that_can_stand_in_a_word_is_told() {
        for byte in 0..=u8::MAX {
            let expected = byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
            for place in 0..8 {
                // Its neighbours change nothing.
                for other in [0, b'a', 0x7f, 0xff] {
                    let mut bytes = [other; 8];
                    bytes[place] = byte;
                    let found = in_word(u64::from_le_bytes(bytes)) >> (place * 8) & 0x80 != 0;
                    assert_eq!(found, expected, "{byte:#x} at {place} among {other:#x}");
                }
            }
        }
    }

    #[test]
    fn words_end_where_they_end_and_have_one_hash() {
        for word in ["a", "_x1", "func", "eight888", "interface", "sixteenSixteen16", "überlängeDesNamens", ""] {
            for after in ["", " ", ".next", "(", "\n\n\n\n\n\n\n\n\n\n"] {
                let text = format!("- {word}{after}");
                assert_eq!(word_at(text.as_bytes(), 2), (2 + word.len(), hash(word.as_bytes())), "{text}");
            }
        }
        let mut hashes: Vec<u32> = (0..50_000).map(|number| hash(format!("name{number}").as_bytes())).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert!(hashes.len() > 49_990, "{}", hashes.len());
    }
}
