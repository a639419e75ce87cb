//! `aboard` proves that every program a piece of code executes is aboard the container image it ships in.
//!
//! The flow is `walk → scan → need → resolve → lock → render → build → verify`; `check` joins the Dockerfile with
//! the resolution. Each step is a pure function from values to values plus findings. Only [`walk`], the index fetcher in
//! [`apk`], the readers in [`image`], [`engine`] and the binary do I/O, and only [`report`] writes output.
//!
//! The modules below stand in the order of that flow: each uses only those above it (`tests/layers.rs` holds that).

pub mod file;
pub mod finding;
pub mod platform;
pub mod walk;
pub mod yaml;
pub mod apk;
pub mod lock;
pub mod shell;
pub mod dockerfile;
pub mod site;
pub mod scan;
pub mod roots;
pub mod manifest;
pub mod need;
pub mod resolve;
pub mod render;
pub mod check;
pub mod engine;
pub mod image;
pub mod verify;
pub mod report;
pub mod cli;
