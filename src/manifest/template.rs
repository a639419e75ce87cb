//! The built-in templates: the one table of them, embedded in the binary.
//!
//! Layout only. What stands in a Dockerfile's lines is decided elsewhere and handed in: see [`crate::render`].

/// A template file that is part of the binary.
#[derive(Debug)]
pub struct BuiltIn {
    /// What a manifest names it by; partials start with `_` and cannot be named.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub doc: &'static str,
    /// The text.
    pub source: &'static str,
}

/// The built-in templates and the partials that they share, sorted by name.
pub static BUILT_IN: &[BuiltIn] = &[];

/// The names that a manifest may use, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|template| template.name).filter(|name| !name.starts_with('_'))
}
