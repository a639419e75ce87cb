//! The commands that a shell runs itself, by dialect: they are no programs.

use super::Dialect;

/// Builtins of every shell that is scanned, sorted.
/// Source: <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_15> (special builtins) and
/// the lists below, of which it is the intersection.
const EVERYWHERE: [&str; 41] = [
    ".", ":", "[", "alias", "bg", "break", "cd", "command", "continue", "echo", "eval", "exec", "exit", "export",
    "false", "fg", "getopts", "hash", "jobs", "kill", "local", "printf", "pwd", "read", "readonly", "return", "set",
    "shift", "test", "times", "trap", "true", "type", "ulimit", "umask", "unalias", "unset", "wait", "{", "}", "!",
];

/// What busybox ash adds, as Alpine builds it, sorted. Source: `help` in `alpine:3.23`'s `sh`, and
/// <https://git.busybox.net/busybox/tree/shell/ash.c> (`builtintab`).
const ASH: [&str; 6] = ["[[", "chdir", "help", "history", "let", "source"];

/// What dash adds, sorted. Source: <https://git.kernel.org/pub/scm/utils/dash/dash.git/tree/src/builtins.def.in>.
const DASH: [&str; 2] = ["chdir", "fc"];

/// What bash adds, sorted. Source: `compgen -b` of bash 5.2,
/// <https://www.gnu.org/software/bash/manual/html_node/Bash-Builtins.html>.
const BASH: [&str; 24] = [
    "[[",
    "bind",
    "builtin",
    "caller",
    "compgen",
    "complete",
    "compopt",
    "declare",
    "dirs",
    "disown",
    "enable",
    "fc",
    "help",
    "history",
    "let",
    "logout",
    "mapfile",
    "popd",
    "pushd",
    "readarray",
    "shopt",
    "source",
    "suspend",
    "typeset",
];

/// Whether the dialect's shell runs the command itself. An unknown system's `sh` may be any of them.
pub(super) fn is_builtin(dialect: Dialect, name: &str) -> bool {
    let added: &[&[&str]] = match dialect {
        Dialect::Posix => &[&ASH, &DASH],
        Dialect::Ash => &[&ASH],
        Dialect::Dash => &[&DASH],
        Dialect::Bash => &[&BASH],
    };
    EVERYWHERE.contains(&name) || added.iter().any(|table| table.contains(&name))
}
