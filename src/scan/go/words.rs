//! Which files of a program hold a word: an index over every identifier, made once and on demand.
//!
//! Words are kept by their hash: a file too many costs a look, and is turned away where the name itself is looked at.

use super::load::{Unit, UnitId};
use rayon::prelude::*;
use std::collections::HashSet;

/// The files by the hash of each word in them, sorted.
#[derive(Debug)]
pub(crate) struct Words {
    rows: Vec<(u32, UnitId)>,
}

impl Words {
    /// Reads every file once.
    pub(crate) fn of(units: &[Unit]) -> Self {
        let mut rows: Vec<(u32, UnitId)> = units
            .par_iter()
            .enumerate()
            .flat_map_iter(|(id, unit)| {
                let hashes: HashSet<u32> = words(unit.text()).map(hash).collect();
                hashes.into_iter().map(move |hash| (hash, id as UnitId))
            })
            .collect();
        rows.par_sort_unstable();
        Self { rows }
    }

    /// The files that hold a word, sorted.
    pub(crate) fn holders(&self, word: &str) -> impl Iterator<Item = UnitId> {
        let hash = hash(word);
        let start = self.rows.partition_point(|row| row.0 < hash);
        self.rows[start..].iter().take_while(move |row| row.0 == hash).map(|row| row.1)
    }
}

/// The runs of letters, digits and underscores.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// FNV-1a.
fn hash(word: &str) -> u32 {
    word.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole_identifiers() {
        let found: Vec<&str> = words("x.Run_1(a-b) // é").collect();
        assert_eq!(found, ["x", "Run_1", "a", "b", "é"]);
    }
}
