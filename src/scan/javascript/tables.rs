//! What node and well-known npm packages run, and which of their values are known.

use crate::scan::value::operation::Operation;
use crate::scan::value::sink::{Run, Sink};

/// Words of which a file that runs a program holds at least one.
pub(super) const WORDS: &[&str] = &[
    "child_process",
    "child-process",
    "execa",
    "cross-spawn",
    "shelljs",
    "'zx'",
    "\"zx\"",
    "command-exists",
    "'which'",
    "\"which\"",
    "hasbin",
    "lookpath",
    "simple-git",
    "fluent-ffmpeg",
    "tree-kill",
    "node-pty",
    "tinyexec",
    "nano-spawn",
    "spawn",
    "node-cmd",
    "Bun.",
    "Deno.",
    "/ping",
    "'ping'",
    "\"ping\"",
    "'gm'",
    "\"gm\"",
    "ps-list",
    "teen_process",
    "find-exec",
    "is-program-installed",
    "node-pandoc",
    "wkhtmltopdf",
    "sudo-prompt",
];

/// The calls that run programs, sorted by name.
pub(super) const SINKS: &[Sink] = &[
    Sink {
        name: "@homebridge/node-pty-prebuilt-multiarch.spawn",
        run: Run::Program(0, 0),
        source: "https://www.npmjs.com/package/@homebridge/node-pty-prebuilt-multiarch",
    },
    Sink {
        name: "@louislam/ping.promise.probe",
        run: Run::Fixed(&["ping"]),
        source: "https://www.npmjs.com/package/@louislam/ping",
    },
    Sink {
        name: "@lydell/node-pty.spawn",
        run: Run::Program(0, 0),
        source: "https://www.npmjs.com/package/@lydell/node-pty",
    },
    Sink {
        name: "@malept/cross-spawn-promise.spawn",
        run: Run::Program(0, 0),
        source: "https://www.npmjs.com/package/@malept/cross-spawn-promise",
    },
    Sink {
        name: "@npmcli/promise-spawn",
        run: Run::Program(0, 0),
        source: "https://www.npmjs.com/package/@npmcli/promise-spawn",
    },
    Sink { name: "Bun.spawn", run: Run::Command(0, "cmd"), source: "https://bun.com/docs/runtime/child-process" },
    Sink { name: "Bun.spawnSync", run: Run::Command(0, "cmd"), source: "https://bun.com/docs/runtime/child-process" },
    Sink { name: "Bun.which", run: Run::Lookup(0), source: "https://bun.com/docs/runtime/utils" },
    Sink { name: "Deno.Command", run: Run::Program(0, 0), source: "https://docs.deno.com/api/deno/~/Deno.Command" },
    Sink { name: "await-spawn", run: Run::Program(0, 0), source: "https://www.npmjs.com/package/await-spawn" },
    Sink {
        name: "child-process-es6-promise.exec",
        run: Run::Shell(0, ""),
        source: "https://www.npmjs.com/package/child-process-es6-promise",
    },
    Sink {
        name: "child-process-es6-promise.execFile",
        run: Run::Program(0, 0),
        source: "https://www.npmjs.com/package/child-process-es6-promise",
    },
    Sink {
        name: "child-process-es6-promise.fork",
        run: Run::Interpreter,
        source: "https://www.npmjs.com/package/child-process-es6-promise",
    },
    Sink {
        name: "child-process-es6-promise.spawn",
        run: Run::Program(0, 0),
        source: "https://www.npmjs.com/package/child-process-es6-promise",
    },
    Sink {
        name: "child-process-promise.exec",
        run: Run::Shell(0, ""),
        source: "https://www.npmjs.com/package/child-process-promise",
    },
    Sink {
        name: "child-process-promise.execFile",
        run: Run::Program(0, 0),
        source: "https://www.npmjs.com/package/child-process-promise",
    },
    Sink {
        name: "child-process-promise.fork",
        run: Run::Interpreter,
        source: "https://www.npmjs.com/package/child-process-promise",
    },
    Sink {
        name: "child-process-promise.spawn",
        run: Run::Program(0, 0),
        source: "https://www.npmjs.com/package/child-process-promise",
    },
    Sink { name: "child_process.exec", run: Run::Shell(0, ""), source: "https://nodejs.org/api/child_process.html" },
    Sink {
        name: "child_process.execFile",
        run: Run::Program(0, 0),
        source: "https://nodejs.org/api/child_process.html",
    },
    Sink {
        name: "child_process.execFileSync",
        run: Run::Program(0, 0),
        source: "https://nodejs.org/api/child_process.html",
    },
    Sink {
        name: "child_process.execSync",
        run: Run::Shell(0, ""),
        source: "https://nodejs.org/api/child_process.html",
    },
    Sink { name: "child_process.fork", run: Run::Interpreter, source: "https://nodejs.org/api/child_process.html" },
    Sink { name: "child_process.spawn", run: Run::Program(0, 0), source: "https://nodejs.org/api/child_process.html" },
    Sink {
        name: "child_process.spawnSync",
        run: Run::Program(0, 0),
        source: "https://nodejs.org/api/child_process.html",
    },
    Sink { name: "command-exists", run: Run::Lookup(0), source: "https://www.npmjs.com/package/command-exists" },
    Sink {
        name: "command-exists-promise",
        run: Run::Lookup(0),
        source: "https://www.npmjs.com/package/command-exists-promise",
    },
    Sink { name: "command-exists.sync", run: Run::Lookup(0), source: "https://www.npmjs.com/package/command-exists" },
    Sink { name: "cross-spawn", run: Run::Program(0, 0), source: "https://www.npmjs.com/package/cross-spawn" },
    Sink { name: "cross-spawn.spawn", run: Run::Program(0, 0), source: "https://www.npmjs.com/package/cross-spawn" },
    Sink { name: "cross-spawn.sync", run: Run::Program(0, 0), source: "https://www.npmjs.com/package/cross-spawn" },
    Sink {
        name: "execa",
        run: Run::Program(0, 0),
        source: "https://github.com/sindresorhus/execa/blob/main/docs/api.md",
    },
    Sink {
        name: "execa.$",
        run: Run::Line(0, ""),
        source: "https://github.com/sindresorhus/execa/blob/main/docs/api.md",
    },
    Sink {
        name: "execa.command",
        run: Run::Line(0, ""),
        source: "https://github.com/sindresorhus/execa/blob/v5.1.1/readme.md",
    },
    Sink {
        name: "execa.commandSync",
        run: Run::Line(0, ""),
        source: "https://github.com/sindresorhus/execa/blob/v5.1.1/readme.md",
    },
    Sink {
        name: "execa.execa",
        run: Run::Program(0, 0),
        source: "https://github.com/sindresorhus/execa/blob/main/docs/api.md",
    },
    Sink {
        name: "execa.execaCommand",
        run: Run::Line(0, ""),
        source: "https://github.com/sindresorhus/execa/blob/main/docs/api.md",
    },
    Sink {
        name: "execa.execaCommandSync",
        run: Run::Line(0, ""),
        source: "https://github.com/sindresorhus/execa/blob/main/docs/api.md",
    },
    Sink {
        name: "execa.execaNode",
        run: Run::Interpreter,
        source: "https://github.com/sindresorhus/execa/blob/main/docs/api.md",
    },
    Sink {
        name: "execa.execaSync",
        run: Run::Program(0, 0),
        source: "https://github.com/sindresorhus/execa/blob/main/docs/api.md",
    },
    Sink {
        name: "execa.node",
        run: Run::Interpreter,
        source: "https://github.com/sindresorhus/execa/blob/main/docs/api.md",
    },
    Sink {
        name: "execa.shell",
        run: Run::Shell(0, ""),
        source: "https://github.com/sindresorhus/execa/blob/v5.1.1/readme.md",
    },
    Sink {
        name: "execa.shellSync",
        run: Run::Shell(0, ""),
        source: "https://github.com/sindresorhus/execa/blob/v5.1.1/readme.md",
    },
    Sink {
        name: "execa.sync",
        run: Run::Program(0, 0),
        source: "https://github.com/sindresorhus/execa/blob/v5.1.1/readme.md",
    },
    Sink { name: "find-exec", run: Run::Lookup(0), source: "https://www.npmjs.com/package/find-exec" },
    Sink { name: "fluent-ffmpeg", run: Run::Fixed(&["ffmpeg"]), source: "https://www.npmjs.com/package/fluent-ffmpeg" },
    Sink {
        name: "fluent-ffmpeg.ffprobe",
        run: Run::Fixed(&["ffprobe"]),
        source: "https://www.npmjs.com/package/fluent-ffmpeg",
    },
    Sink {
        name: "foreground-child",
        run: Run::Program(0, 0),
        source: "https://www.npmjs.com/package/foreground-child",
    },
    Sink { name: "fs-extra.existsSync", run: Run::Probe(0), source: "https://nodejs.org/api/fs.html" },
    Sink { name: "fs-extra.pathExists", run: Run::Probe(0), source: "https://nodejs.org/api/fs.html" },
    Sink { name: "fs.accessSync", run: Run::Probe(0), source: "https://nodejs.org/api/fs.html" },
    Sink { name: "fs.existsSync", run: Run::Probe(0), source: "https://nodejs.org/api/fs.html" },
    Sink { name: "fs.promises.access", run: Run::Probe(0), source: "https://nodejs.org/api/fs.html" },
    Sink { name: "fs/promises.access", run: Run::Probe(0), source: "https://nodejs.org/api/fs.html" },
    Sink { name: "gm", run: Run::Fixed(&["gm"]), source: "https://www.npmjs.com/package/gm" },
    Sink { name: "hasbin", run: Run::Lookup(0), source: "https://www.npmjs.com/package/hasbin" },
    Sink { name: "hasbin.sync", run: Run::Lookup(0), source: "https://www.npmjs.com/package/hasbin" },
    Sink {
        name: "is-program-installed",
        run: Run::Lookup(0),
        source: "https://www.npmjs.com/package/is-program-installed",
    },
    Sink { name: "lookpath.lookpath", run: Run::Lookup(0), source: "https://www.npmjs.com/package/lookpath" },
    Sink { name: "mz/child_process.exec", run: Run::Shell(0, ""), source: "https://www.npmjs.com/package/mz" },
    Sink { name: "mz/child_process.execFile", run: Run::Program(0, 0), source: "https://www.npmjs.com/package/mz" },
    Sink { name: "mz/child_process.fork", run: Run::Interpreter, source: "https://www.npmjs.com/package/mz" },
    Sink { name: "mz/child_process.spawn", run: Run::Program(0, 0), source: "https://www.npmjs.com/package/mz" },
    Sink { name: "nano-spawn", run: Run::Program(0, 0), source: "https://www.npmjs.com/package/nano-spawn" },
    Sink { name: "node-cmd.get", run: Run::Shell(0, ""), source: "https://www.npmjs.com/package/node-cmd" },
    Sink { name: "node-cmd.run", run: Run::Shell(0, ""), source: "https://www.npmjs.com/package/node-cmd" },
    Sink { name: "node-cmd.runSync", run: Run::Shell(0, ""), source: "https://www.npmjs.com/package/node-cmd" },
    Sink { name: "node-pandoc", run: Run::Fixed(&["pandoc"]), source: "https://www.npmjs.com/package/node-pandoc" },
    Sink { name: "node-pty.spawn", run: Run::Program(0, 0), source: "https://www.npmjs.com/package/node-pty" },
    Sink { name: "ping.promise.probe", run: Run::Fixed(&["ping"]), source: "https://www.npmjs.com/package/ping" },
    Sink { name: "ping.sys.probe", run: Run::Fixed(&["ping"]), source: "https://www.npmjs.com/package/ping" },
    Sink {
        name: "promisify-child-process.exec",
        run: Run::Shell(0, ""),
        source: "https://www.npmjs.com/package/promisify-child-process",
    },
    Sink {
        name: "promisify-child-process.execFile",
        run: Run::Program(0, 0),
        source: "https://www.npmjs.com/package/promisify-child-process",
    },
    Sink {
        name: "promisify-child-process.fork",
        run: Run::Interpreter,
        source: "https://www.npmjs.com/package/promisify-child-process",
    },
    Sink {
        name: "promisify-child-process.spawn",
        run: Run::Program(0, 0),
        source: "https://www.npmjs.com/package/promisify-child-process",
    },
    Sink { name: "ps-list", run: Run::Fixed(&["ps"]), source: "https://www.npmjs.com/package/ps-list" },
    Sink { name: "shelljs.cmd", run: Run::Program(0, 0), source: "https://www.npmjs.com/package/shelljs" },
    Sink { name: "shelljs.exec", run: Run::Shell(0, ""), source: "https://www.npmjs.com/package/shelljs" },
    Sink { name: "shelljs.which", run: Run::Lookup(0), source: "https://www.npmjs.com/package/shelljs" },
    Sink { name: "simple-git", run: Run::Fixed(&["git"]), source: "https://www.npmjs.com/package/simple-git" },
    Sink { name: "simple-git.gitP", run: Run::Fixed(&["git"]), source: "https://www.npmjs.com/package/simple-git" },
    Sink {
        name: "simple-git.simpleGit",
        run: Run::Fixed(&["git"]),
        source: "https://www.npmjs.com/package/simple-git",
    },
    Sink { name: "simple-git/promise", run: Run::Fixed(&["git"]), source: "https://www.npmjs.com/package/simple-git" },
    Sink { name: "smart-spawn", run: Run::Program(0, 0), source: "https://www.npmjs.com/package/smart-spawn" },
    Sink { name: "spawn-please", run: Run::Program(0, 0), source: "https://www.npmjs.com/package/spawn-please" },
    Sink { name: "spawn-sync", run: Run::Program(0, 0), source: "https://www.npmjs.com/package/spawn-sync" },
    Sink { name: "spawndamnit", run: Run::Program(0, 0), source: "https://www.npmjs.com/package/spawndamnit" },
    Sink { name: "sudo-prompt.exec", run: Run::Shell(0, ""), source: "https://www.npmjs.com/package/sudo-prompt" },
    Sink {
        name: "teen_process.SubProcess",
        run: Run::Program(0, 0),
        source: "https://www.npmjs.com/package/teen_process",
    },
    Sink { name: "teen_process.exec", run: Run::Program(0, 0), source: "https://www.npmjs.com/package/teen_process" },
    Sink { name: "tinyexec.exec", run: Run::Program(0, 0), source: "https://www.npmjs.com/package/tinyexec" },
    Sink { name: "tinyexec.x", run: Run::Program(0, 0), source: "https://www.npmjs.com/package/tinyexec" },
    Sink { name: "tinyexec.xSync", run: Run::Program(0, 0), source: "https://www.npmjs.com/package/tinyexec" },
    Sink {
        name: "tree-kill",
        run: Run::Fixed(&["ps"]),
        source: "https://github.com/pkrumins/node-tree-kill/blob/master/index.js",
    },
    Sink { name: "which", run: Run::Lookup(0), source: "https://www.npmjs.com/package/which" },
    Sink { name: "which.sync", run: Run::Lookup(0), source: "https://www.npmjs.com/package/which" },
    Sink {
        name: "wkhtmltopdf",
        run: Run::Fixed(&["wkhtmltopdf"]),
        source: "https://www.npmjs.com/package/wkhtmltopdf",
    },
    Sink { name: "zx.$", run: Run::Shell(0, ""), source: "https://google.github.io/zx/api" },
    Sink { name: "zx.which", run: Run::Lookup(0), source: "https://google.github.io/zx/api" },
];

/// Functions and constants from outside whose values are known, sorted by name; the platform is linux.
/// Source: <https://nodejs.org/api/process.html>, <https://nodejs.org/api/path.html>, <https://nodejs.org/api/os.html>, and the packages.
pub(super) const KNOWN: &[(&str, Operation)] = &[
    ("Array.from", Operation::First),
    ("Bun.which", Operation::Lookup),
    ("Object.entries", Operation::Pairs),
    ("Object.freeze", Operation::First),
    ("Object.keys", Operation::First),
    ("Object.values", Operation::Values),
    ("Promise.resolve", Operation::First),
    ("String", Operation::First),
    ("String.raw", Operation::First),
    ("bluebird.promisify", Operation::Callable),
    ("es6-promisify.promisify", Operation::Callable),
    ("lookpath.lookpath", Operation::Lookup),
    ("os.EOL", Operation::Is("\n")),
    ("os.platform", Operation::Gives("linux")),
    ("os.type", Operation::Gives("Linux")),
    ("path.basename", Operation::BaseName),
    ("path.join", Operation::JoinPath),
    ("path.normalize", Operation::First),
    ("path.posix.join", Operation::JoinPath),
    ("path.resolve", Operation::JoinPath),
    ("path.sep", Operation::Is("/")),
    ("pify", Operation::Callable),
    ("process.argv0", Operation::Interpreter),
    ("process.execPath", Operation::Interpreter),
    ("process.platform", Operation::Is("linux")),
    ("shell-quote.parse", Operation::Split),
    ("shelljs.which", Operation::Lookup),
    ("string-argv", Operation::Split),
    ("util.promisify", Operation::Callable),
    ("which", Operation::Lookup),
    ("which.sync", Operation::Lookup),
    ("zx.which", Operation::Lookup),
];

/// Methods of texts, lists and tables, sorted by name.
/// Source: <https://developer.mozilla.org/en-US/docs/Web/JavaScript/Reference/Global_Objects>.
pub(super) const METHODS: &[(&str, Operation)] = &[
    ("catch", Operation::Receiver),
    ("concat", Operation::Extend),
    ("endsWith", Operation::EndsWith),
    ("entries", Operation::Pairs),
    ("filter", Operation::Receiver),
    ("flat", Operation::Receiver),
    ("get", Operation::Get),
    ("includes", Operation::Contains),
    ("join", Operation::ListJoin),
    ("keys", Operation::Receiver),
    ("reverse", Operation::Receiver),
    ("split", Operation::Split),
    ("startsWith", Operation::StartsWith),
    ("toLowerCase", Operation::Lower),
    ("toString", Operation::Receiver),
    ("toUpperCase", Operation::Upper),
    ("trim", Operation::Trim),
    ("valueOf", Operation::Receiver),
    ("values", Operation::Values),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_and_sourced() {
        assert!(SINKS.is_sorted_by_key(|sink| sink.name));
        assert!(KNOWN.is_sorted_by_key(|row| row.0));
        assert!(METHODS.is_sorted_by_key(|row| row.0));
        assert!(SINKS.iter().all(|sink| sink.source.starts_with("https://")));
    }
}
