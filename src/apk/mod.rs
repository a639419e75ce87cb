//! Alpine's package index: format, signature, version order, mirrors, providers and closure.
//!
//! The index is the authority on what `apk add` would do. Only [`repository`] does I/O; everything else is a function
//! from values to values.

pub mod applet;
pub mod archive;
pub mod base;
pub mod builtin;
pub mod catalog;
pub mod choice;
pub mod closure;
pub mod dependency;
pub mod index;
pub mod installed;
pub mod pin;
pub mod repository;
pub mod signature;
pub mod version;
