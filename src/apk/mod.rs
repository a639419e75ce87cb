//! Alpine's package index: format, signature, version order, mirrors, providers and closure.
