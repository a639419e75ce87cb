//! The distinct words of one file, each with the ways in which it is used.

/// How many slots a table starts with.
const SLOTS: usize = 1 << 10;

/// A word of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub hash: u32,
    /// How it is used: several ways are joined by `|`.
    pub ways: u8,
    /// The sections of the file in which it stands, a bit each.
    pub sections: u32,
}

/// A table from hashes of words to ways, in the order in which the words came up. It is used for one file after another:
/// [`Self::clear`] keeps the memory.
#[derive(Debug)]
pub(super) struct WordTable {
    /// For each slot the place of its row, counted from one; zero where it is free. A power of two many.
    slots: Vec<u32>,
    rows: Vec<Row>,
}

impl Default for WordTable {
    fn default() -> Self {
        Self { slots: vec![0; SLOTS], rows: Vec::new() }
    }
}

impl WordTable {
    /// Notes that a word is used in some ways in a section.
    pub(super) fn add(&mut self, hash: u32, ways: u8, section: u32) {
        let slot = self.slot(hash);
        match self.slots[slot].checked_sub(1) {
            Some(row) => {
                let row = &mut self.rows[row as usize];
                row.ways |= ways;
                row.sections |= 1 << section;
            }
            None => {
                self.rows.push(Row { hash, ways, sections: 1 << section });
                self.slots[slot] = self.rows.len() as u32;
                if self.rows.len() * 2 > self.slots.len() {
                    self.grow();
                }
            }
        }
    }

    /// The ways of a word; none for one that is not there.
    #[cfg(test)]
    pub(super) fn ways(&self, hash: u32) -> u8 {
        self.slots[self.slot(hash)].checked_sub(1).map_or(0, |row| self.rows[row as usize].ways)
    }

    /// The words with their ways.
    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Forgets the words.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.slots.fill(0);
    }

    /// The slot of a word: its own, or the free one where it would stand.
    fn slot(&self, hash: u32) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        while let Some(row) = self.slots[slot].checked_sub(1)
            && self.rows[row as usize].hash != hash
        {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 2];
        for row in 0..self.rows.len() {
            let slot = self.slot(self.rows[row].hash);
            self.slots[slot] = row as u32 + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Row, WordTable};

    #[test]
    fn ways_are_joined_and_words_kept_apart_however_many_there_are() {
        let mut table = WordTable::default();
        for round in [1, 2] {
            // Many of them share a slot at first.
            (0..5_000_u32).for_each(|word| table.add(word << 9, round, u32::from(round) * 8));
        }
        assert_eq!(table.rows().len(), 5_000);
        assert!((0..5_000_u32).all(|word| table.ways(word << 9) == 3));
        assert_eq!(table.ways(1), 0);
        assert!(table.rows().iter().all(|row| row.sections == 1 << 8 | 1 << 16));
        table.clear();
        table.add(7, 4, 31);
        assert_eq!((table.rows(), table.ways(0)), (&[Row { hash: 7, ways: 4, sections: 1 << 31 }][..], 0));
    }
}
