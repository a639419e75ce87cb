//! Sets of packages.

use super::load::PackageId;

/// A set of packages, one bit for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PackageSet(Vec<u64>);

impl PackageSet {
    /// Adds a package; returns whether it is new.
    pub(crate) fn insert(&mut self, package: PackageId) -> bool {
        let (word, bit) = (package as usize / 64, 1 << (package % 64));
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        new
    }

    pub(crate) fn contains(&self, package: PackageId) -> bool {
        self.0.get(package as usize / 64).is_some_and(|word| word & (1 << (package % 64)) != 0)
    }

    /// Adds all of another set.
    pub(crate) fn add_all(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PackageSet;

    #[test]
    fn packages_are_told_apart_across_words() {
        let mut set = PackageSet::default();
        assert!(set.insert(3) && set.insert(64) && !set.insert(3));
        let mut other = PackageSet::default();
        other.insert(200);
        set.add_all(&other);
        let held: Vec<u32> = (0..300).filter(|&package| set.contains(package)).collect();
        assert_eq!(held, [3, 64, 200]);
    }
}
