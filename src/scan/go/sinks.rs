//! The functions that run programs, and which argument names the program.

/// A function that runs a program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sink {
    pub import: &'static str,
    /// The function's name; `Type.Name` for a method of one type, `.Name` for one of any type of the package.
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
    /// The arguments from the program on are put together and cut into words.
    Words,
    /// The arguments from there on are put together as a text for this shell.
    Shell(&'static str),
    /// The function runs these programs, whatever its arguments; it copes with the absence of all but a lone one.
    Fixed(&'static [&'static str]),
}

/// A struct whose field names a program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Literal {
    pub import: &'static str,
    pub name: &'static str,
    pub field: &'static str,
}

const fn sink(import: &'static str, function: &'static str, program: usize, arguments: Arguments) -> Sink {
    Sink { import, function, program, arguments }
}

const OPENERS: Arguments = Arguments::Fixed(&["xdg-open", "x-www-browser", "www-browser"]);
const GH: Arguments = Arguments::Fixed(&["gh"]);

/// The table, sorted. Sources: the package's page on <https://pkg.go.dev/>, at the import path and function of the row; what
/// a [`Arguments::Fixed`] row runs is in the package's `exec.go`, `gh.go`, `browser_linux.go`, `iptables.go` or
/// `webbrowser.go`.
pub(crate) static SINKS: &[Sink] = &[
    sink("github.com/AdguardTeam/golibs/osutil/executil", "RunWithPeek", 3, Arguments::Spread),
    sink("github.com/bitfield/script", ".Exec", 0, Arguments::Line),
    sink("github.com/bitfield/script", ".ExecForEach", 0, Arguments::Line),
    sink("github.com/bitfield/script", "Exec", 0, Arguments::Line),
    sink("github.com/cli/browser", "OpenFile", 0, OPENERS),
    sink("github.com/cli/browser", "OpenReader", 0, OPENERS),
    sink("github.com/cli/browser", "OpenURL", 0, OPENERS),
    sink("github.com/cli/go-gh", "Exec", 0, GH),
    sink("github.com/cli/go-gh/v2", "Exec", 0, GH),
    sink("github.com/cli/go-gh/v2", "ExecContext", 0, GH),
    sink("github.com/cli/go-gh/v2", "ExecInteractive", 0, GH),
    sink("github.com/cli/safeexec", "LookPath", 0, Arguments::Lookup),
    sink("github.com/codeskyblue/go-sh", ".Command", 0, Arguments::Spread),
    sink("github.com/codeskyblue/go-sh", "Command", 0, Arguments::Spread),
    sink("github.com/commander-cli/cmd", "NewCommand", 0, Arguments::Line),
    sink("github.com/coreos/go-iptables/iptables", "New", 0, Arguments::Fixed(&["iptables"])),
    sink("github.com/coreos/go-iptables/iptables", "NewWithProtocol", 0, Arguments::Fixed(&["ip6tables", "iptables"])),
    sink("github.com/datawire/dlib/dexec", "CommandContext", 1, Arguments::Spread),
    sink("github.com/datawire/dlib/dexec", "LookPath", 0, Arguments::Lookup),
    sink("github.com/go-cmd/cmd", "NewCmd", 0, Arguments::Spread),
    sink("github.com/go-cmd/cmd", "NewCmdOptions", 1, Arguments::Spread),
    sink("github.com/ionrock/procs", "NewProcess", 0, Arguments::Line),
    sink("github.com/magefile/mage/sh", "Exec", 3, Arguments::Spread),
    sink("github.com/magefile/mage/sh", "OutCmd", 0, Arguments::Spread),
    sink("github.com/magefile/mage/sh", "Output", 0, Arguments::Spread),
    sink("github.com/magefile/mage/sh", "OutputWith", 1, Arguments::Spread),
    sink("github.com/magefile/mage/sh", "Run", 0, Arguments::Spread),
    sink("github.com/magefile/mage/sh", "RunCmd", 0, Arguments::Spread),
    sink("github.com/magefile/mage/sh", "RunV", 0, Arguments::Spread),
    sink("github.com/magefile/mage/sh", "RunWith", 1, Arguments::Spread),
    sink("github.com/magefile/mage/sh", "RunWithV", 1, Arguments::Spread),
    sink("github.com/pkg/browser", "OpenFile", 0, OPENERS),
    sink("github.com/pkg/browser", "OpenReader", 0, OPENERS),
    sink("github.com/pkg/browser", "OpenURL", 0, OPENERS),
    sink("github.com/skratchdot/open-golang/open", "Run", 0, Arguments::Fixed(&["xdg-open"])),
    sink("github.com/skratchdot/open-golang/open", "Start", 0, Arguments::Fixed(&["xdg-open"])),
    sink("github.com/sourcegraph/run", "Bash", 1, Arguments::Shell("bash")),
    sink("github.com/sourcegraph/run", "BashWith", 2, Arguments::Shell("bash")),
    sink("github.com/sourcegraph/run", "Cmd", 1, Arguments::Words),
    sink("github.com/toqueteos/webbrowser", "Open", 0, Arguments::Fixed(&["xdg-open"])),
    sink("golang.org/x/sys/execabs", "Command", 0, Arguments::Spread),
    sink("golang.org/x/sys/execabs", "CommandContext", 1, Arguments::Spread),
    sink("golang.org/x/sys/execabs", "LookPath", 0, Arguments::Lookup),
    sink("golang.org/x/sys/unix", "Exec", 0, Arguments::Argv(1)),
    sink("k8s.io/utils/exec", ".Command", 0, Arguments::Spread),
    sink("k8s.io/utils/exec", ".CommandContext", 1, Arguments::Spread),
    sink("k8s.io/utils/exec", ".LookPath", 0, Arguments::Lookup),
    sink("os", "StartProcess", 0, Arguments::Argv(1)),
    sink("os/exec", "Command", 0, Arguments::Spread),
    sink("os/exec", "CommandContext", 1, Arguments::Spread),
    sink("os/exec", "LookPath", 0, Arguments::Lookup),
    sink("syscall", "Exec", 0, Arguments::Argv(1)),
    sink("syscall", "ForkExec", 0, Arguments::Argv(1)),
    sink("syscall", "StartProcess", 0, Arguments::Argv(1)),
];

/// The structs, sorted. Sources as above.
pub(crate) static LITERALS: &[Literal] = &[
    Literal { import: "github.com/AdguardTeam/golibs/osutil/executil", name: "CommandConfig", field: "Path" },
    Literal { import: "github.com/alexellis/go-execute/pkg/v1", name: "ExecTask", field: "Command" },
    Literal { import: "github.com/alexellis/go-execute/v2", name: "ExecTask", field: "Command" },
    Literal { import: "golang.org/x/sys/execabs", name: "Cmd", field: "Path" },
    Literal { import: "os/exec", name: "Cmd", field: "Path" },
];

#[cfg(test)]
mod tests {
    use super::{LITERALS, SINKS};

    #[test]
    fn the_tables_are_sorted() {
        assert!(SINKS.is_sorted_by_key(|sink| (sink.import, sink.function)));
        assert!(LITERALS.is_sorted_by_key(|literal| (literal.import, literal.name)));
    }
}
