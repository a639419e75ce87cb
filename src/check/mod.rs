//! The rules, one file each, and the one table of them.
