//! The functions that run programs, and which argument names the program.

/// A function that runs a program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sink {
    pub import: &'static str,
    pub function: &'static str,
    /// The place of the program among the arguments.
    pub program: usize,
    pub arguments: Arguments,
}

/// How the arguments follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    /// Each its own argument.
    Spread,
    /// A list whose first element is the program again.
    Argv(usize),
    /// None: the program is only looked up.
    Lookup,
    /// The program's argument is a command line.
    Line,
}

const fn sink(import: &'static str, function: &'static str, program: usize, arguments: Arguments) -> Sink {
    Sink { import, function, program, arguments }
}

/// The table, sorted. Sources: the package's page on <https://pkg.go.dev/>, at the import path and function of the row.
pub(crate) static SINKS: &[Sink] = &[
    sink("github.com/bitfield/script", "Exec", 0, Arguments::Line),
    sink("github.com/cli/safeexec", "LookPath", 0, Arguments::Lookup),
    sink("github.com/codeskyblue/go-sh", "Command", 0, Arguments::Spread),
    sink("github.com/go-cmd/cmd", "NewCmd", 0, Arguments::Spread),
    sink("github.com/go-cmd/cmd", "NewCmdOptions", 1, Arguments::Spread),
    sink("github.com/magefile/mage/sh", "Output", 0, Arguments::Spread),
    sink("github.com/magefile/mage/sh", "Run", 0, Arguments::Spread),
    sink("github.com/magefile/mage/sh", "RunV", 0, Arguments::Spread),
    sink("github.com/magefile/mage/sh", "RunWith", 1, Arguments::Spread),
    sink("github.com/sourcegraph/run", "Cmd", 1, Arguments::Line),
    sink("golang.org/x/sys/execabs", "Command", 0, Arguments::Spread),
    sink("golang.org/x/sys/execabs", "CommandContext", 1, Arguments::Spread),
    sink("golang.org/x/sys/execabs", "LookPath", 0, Arguments::Lookup),
    sink("golang.org/x/sys/unix", "Exec", 0, Arguments::Argv(1)),
    sink("os", "StartProcess", 0, Arguments::Argv(1)),
    sink("os/exec", "Command", 0, Arguments::Spread),
    sink("os/exec", "CommandContext", 1, Arguments::Spread),
    sink("os/exec", "LookPath", 0, Arguments::Lookup),
    sink("syscall", "Exec", 0, Arguments::Argv(1)),
    sink("syscall", "ForkExec", 0, Arguments::Argv(1)),
    sink("syscall", "StartProcess", 0, Arguments::Argv(1)),
];

#[cfg(test)]
mod tests {
    use super::SINKS;

    #[test]
    fn the_table_is_sorted() {
        assert!(SINKS.is_sorted_by_key(|sink| (sink.import, sink.function)));
    }
}
