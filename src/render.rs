//! The manifest and a template to a Dockerfile.
