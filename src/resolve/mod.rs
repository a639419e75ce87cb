//! Needs to providers: what an image has, and what would give it a program that it lacks.
//!
//! [`image`] answers for an image of the manifest and fills its part of the lock; [`contents`] is what an image has,
//! whoever wrote its Dockerfile; [`supply`] is what could give it more. Nothing here reads a file or a network.

pub mod answer;
pub mod base;
pub mod contents;
pub mod image;
pub mod packages;
pub mod supply;
