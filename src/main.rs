//! The binary: parses the command line, runs the command, maps the result to the exit status.

fn main() {}
