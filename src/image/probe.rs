//! Starting programs in a container of an image, where the user asks for it: without network, read-only, within a time
//! limit and as the image's user. Nothing is mounted, and nothing is pulled.

use crate::engine::{self, Engine, EngineError};
use std::process::Command;
use std::time::Duration;

/// What starting a program came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed {
    /// It ended well; what it printed to its standard output.
    Well(String),
    /// It failed: why, and what it printed.
    Failed(String, String),
}

/// The command that starts a program in a container that has a name of its own.
pub fn run_command(engine: &Engine, name: &str, image: &str, program: &str, arguments: &[&str]) -> Vec<String> {
    const FIXED: [&str; 9] =
        ["run", "--rm", "--network", "none", "--read-only", "--pids-limit", "512", "--pull", "never"];
    std::iter::once(engine.program.display().to_string())
        .chain(FIXED.map(str::to_owned))
        .chain(["--name", name, "--entrypoint", program, "--", image].map(str::to_owned))
        .chain(arguments.iter().map(|&argument| argument.to_owned()))
        .collect()
}

/// The command that ends a container and removes it.
pub fn remove_command(engine: &Engine, name: &str) -> Vec<String> {
    std::iter::once(engine.program.display().to_string())
        .chain(["rm", "--force", "--", name].map(str::to_owned))
        .collect()
}

/// Prints a line for each argument: the name, a tab, and what the shell finds under it.
const LOOK_UP: &str = r#"for p; do printf '%s\t%s\n' "$p" "$(command -v "$p")"; done"#;

/// What a shell of the image finds under each name; nothing where it finds none.
pub fn command_v(
    engine: &Engine,
    image: &str,
    shell: &str,
    names: &[&str],
    limit: Duration,
) -> Result<Vec<(String, Option<String>)>, EngineError> {
    let arguments: Vec<&str> = ["-c", LOOK_UP, "sh"].into_iter().chain(names.iter().copied()).collect();
    let output = run(engine, image, shell, &arguments, limit)?;
    let line = |line: &str| {
        let (name, path) = line.split_once('\t')?;
        Some((name.to_owned(), Some(path.to_owned()).filter(|path| !path.is_empty())))
    };
    Ok(output.lines().filter_map(line).collect())
}

/// Starts a program with arguments.
pub fn start(
    engine: &Engine,
    image: &str,
    program: &str,
    arguments: &[&str],
    limit: Duration,
) -> Result<Probed, EngineError> {
    match run(engine, image, program, arguments, limit) {
        Ok(output) => Ok(Probed::Well(output)),
        Err(EngineError::Failed { status, tail, .. }) => {
            let why = status.code().map_or_else(|| status.to_string(), |code| format!("exit status {code}"));
            Ok(Probed::Failed(why, tail))
        }
        Err(EngineError::TimedOut(..)) => {
            Ok(Probed::Failed(format!("it did not end within {} s", limit.as_secs()), String::new()))
        }
        Err(other) => Err(other),
    }
}

fn run(
    engine: &Engine,
    image: &str,
    program: &str,
    arguments: &[&str],
    limit: Duration,
) -> Result<String, EngineError> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("aboard-probe-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let argv = run_command(engine, &name, image, program, arguments);
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]);
    let result = engine::capture(command, limit);
    if matches!(result, Err(EngineError::TimedOut(..) | EngineError::Interrupted)) {
        // The client was ended; its container goes on unless it is ended too.
        let argv = remove_command(engine, &name);
        let mut command = Command::new(&argv[0]);
        command.args(&argv[1..]);
        let _ = engine::capture(command, Duration::from_secs(20));
    }
    result.map(|output| String::from_utf8_lossy(&output).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Kind;

    #[test]
    fn a_probe_has_no_network_and_writes_nothing() {
        let engine = Engine { kind: Kind::Docker, program: "docker".into(), buildx: false };
        assert_eq!(
            engine::shell_words(&run_command(&engine, "n", "app:1", "/bin/tool", &["--version"])),
            "docker run --rm --network none --read-only --pids-limit 512 --pull never --name n --entrypoint /bin/tool -- app:1 --version"
        );
        assert_eq!(engine::shell_words(&remove_command(&engine, "n")), "docker rm --force -- n");
    }
}
