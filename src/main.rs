//! The binary: everything it does is in the library, and the exit status is the command's.

use std::process::ExitCode;

/// A scan makes and drops millions of small values in several threads, which this allocator does faster than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    aboard::cli::main()
}
