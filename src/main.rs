//! The binary: everything it does is in the library, and the exit status is the command's.

use std::process::ExitCode;

fn main() -> ExitCode {
    aboard::cli::main()
}
