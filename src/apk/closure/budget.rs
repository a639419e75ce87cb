//! How much work one answer may take: an index is read from a mirror, and one made to be slow must not hang a run.
//!
//! A step is one entry of a list that is looked at. An answer on one of Alpine's own indexes takes some ten thousand steps, the
//! longest of 600 measured took 555,134.

use std::cell::Cell;

/// The steps that one answer may take: about a second.
pub(super) const MOST: u64 = 100_000_000;

/// What is left of the work that may be done.
#[derive(Debug)]
pub(super) struct Budget {
    left: Cell<u64>,
}

impl Budget {
    pub(super) fn new(steps: u64) -> Self {
        Self { left: Cell::new(steps) }
    }

    /// Takes steps off; whether there were as many.
    pub(super) fn spend(&self, steps: usize) -> bool {
        self.left.set(self.left.get().saturating_sub(steps as u64));
        !self.is_spent()
    }

    pub(super) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }
}
