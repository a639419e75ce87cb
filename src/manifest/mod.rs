//! The manifest `aboard.yaml`.
