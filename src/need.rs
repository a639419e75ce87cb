//! Sites to needs.
