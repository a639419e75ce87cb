//! A built image's files and config.
