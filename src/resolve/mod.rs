//! Needs to providers: what an image has, and what would give it a program that it lacks.

pub mod contents;
pub mod supply;
