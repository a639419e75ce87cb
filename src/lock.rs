//! The lock `aboard.lock`.
