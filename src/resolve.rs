//! Needs to providers.
