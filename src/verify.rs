//! Image facts against the resolution.
