//! Container engines: docker (with buildx where present), podman, buildah.
//!
//! The command lines come from pure functions, so that `--dry-run` prints exactly what would run. Running streams the
//! engine's output to stderr, ends the child on interrupt, and says which step failed.

use crate::platform::Platform;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

/// The kinds of engine, in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Docker, with buildx where its plugin is present.
    Docker,
    /// Podman.
    Podman,
    /// Buildah: builds, but runs no images.
    Buildah,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Docker, Self::Podman, Self::Buildah];

    fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Buildah => "buildah",
        }
    }

    /// Arguments that make the engine answer without doing anything.
    fn probe(self) -> &'static [&'static str] {
        match self {
            Self::Docker => &["version", "--format", "{{.Server.Version}}"],
            Self::Podman => &["version", "--format", "{{.Client.Version}}"],
            Self::Buildah => &["version"],
        }
    }
}

/// An engine that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// What it is.
    pub kind: Kind,
    /// The program that was found on the PATH.
    pub program: PathBuf,
    /// Whether `docker buildx` is present.
    pub buildx: bool,
}

/// Why an engine could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// None answered: the machine has no engine, or its daemon is down.
    #[error("no container engine answers; tried {0}")]
    NoEngine(String),
    /// The system could not start it.
    #[error("{program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The engine ran and failed: the Dockerfile's or the network's fault.
    #[error("{command} failed ({status}){}", step.as_ref().map(|step| format!(" in {step}")).unwrap_or_default())]
    Failed {
        /// The command without its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The last step that was under way, as the engine names it.
        step: Option<String>,
        /// The last lines that it printed.
        tail: String,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// It took longer than was allowed.
    #[error("{0} did not end within {1} s")]
    TimedOut(String, u64),
}

/// The engine to use: the wanted one, else the first that answers.
pub fn find(wanted: Option<Kind>) -> Result<Engine, EngineError> {
    let mut tried = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| wanted.is_none_or(|wanted| wanted == *kind)) {
        match which::which(kind.program()) {
            Err(_) => tried.push(format!("{} (not on the PATH)", kind.program())),
            Ok(program) => match answers(&program, kind.probe()) {
                Ok(()) => {
                    let buildx = kind == Kind::Docker && answers(&program, &["buildx", "version"]).is_ok();
                    return Ok(Engine { kind, program, buildx });
                }
                Err(why) => tried.push(format!("{} ({why})", program.display())),
            },
        }
    }
    Err(EngineError::NoEngine(tried.join(", ")))
}

/// The wanted engine, or docker, as if it answered: for showing a command that nobody runs.
pub fn assumed(wanted: Option<Kind>) -> Engine {
    let kind = wanted.unwrap_or(Kind::Docker);
    Engine { kind, program: PathBuf::from(kind.program()), buildx: false }
}

/// Whether the engine has an image, or pulls it now.
pub fn has_or_pulls(engine: &Engine, reference: &str) -> bool {
    let run = |arguments: &[&str], limit: u64| {
        let mut command = Command::new(&engine.program);
        command.args(arguments);
        capture(command, Duration::from_secs(limit)).is_ok()
    };
    run(&["image", "inspect", reference], 20) || run(&["pull", reference], 300)
}

fn answers(program: &Path, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments);
    match capture(command, Duration::from_secs(20)) {
        Ok(_) => Ok(()),
        Err(EngineError::Failed { tail, status, .. }) => {
            let last = tail.lines().rfind(|line| !line.trim().is_empty()).map(str::trim).map(str::to_owned);
            Err(last.unwrap_or_else(|| status.to_string()))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// What to build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildRequest {
    /// The Dockerfile.
    pub dockerfile: PathBuf,
    /// The context folder.
    pub context: PathBuf,
    /// The platform.
    pub platform: Platform,
    /// The names that the image gets.
    pub tags: Vec<String>,
    /// The stage to build; the last one by default.
    pub target: Option<String>,
    /// `--build-arg` values.
    pub build_args: BTreeMap<String, String>,
    /// Further arguments for the engine, as they are.
    pub extra: Vec<String>,
}

/// The exact command that builds an image.
pub fn build_command(engine: &Engine, request: &BuildRequest) -> Vec<String> {
    let mut argv = vec![engine.program.display().to_string()];
    match (engine.kind, engine.buildx) {
        (Kind::Docker, true) => argv.extend(["buildx".to_owned(), "build".to_owned(), "--load".to_owned()]),
        _ => argv.push("build".to_owned()),
    }
    argv.extend(["--platform".to_owned(), request.platform.to_string()]);
    argv.extend(["--file".to_owned(), request.dockerfile.display().to_string()]);
    for tag in &request.tags {
        argv.extend(["--tag".to_owned(), tag.clone()]);
    }
    if let Some(target) = &request.target {
        argv.extend(["--target".to_owned(), target.clone()]);
    }
    for (name, value) in &request.build_args {
        argv.extend(["--build-arg".to_owned(), format!("{name}={value}")]);
    }
    argv.extend(request.extra.iter().cloned());
    argv.push(request.context.display().to_string());
    argv
}

/// A command as a person would type it.
pub fn shell_words(argv: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    let words: Vec<String> = argv
        .iter()
        .map(|word| {
            if !word.is_empty() && word.chars().all(plain) {
                word.clone()
            } else {
                format!("'{}'", word.replace('\'', "'\\''"))
            }
        })
        .collect();
    words.join(" ")
}

/// Runs a command whose output people follow: both its streams go to stderr as they come.
pub fn stream(argv: &[String]) -> Result<(), EngineError> {
    let Some((program, arguments)) = argv.split_first() else { return Ok(()) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let log = Arc::new(Mutex::new(Log::default()));
    let mut child = spawn(command, program)?;
    let readers: Vec<_> = [child.stdout.take().map(boxed), child.stderr.take().map(boxed)]
        .into_iter()
        .flatten()
        .map(|pipe| {
            let log = Arc::clone(&log);
            std::thread::spawn(move || follow(pipe, &log))
        })
        .collect();
    let status = wait(&mut child, program, None);
    for reader in readers {
        let _ = reader.join();
    }
    let status = status?;
    if status.success() {
        return Ok(());
    }
    let log = log.lock().map(|log| log.clone()).unwrap_or_default();
    let command = argv.iter().take(2).map(String::as_str).collect::<Vec<_>>().join(" ");
    Err(EngineError::Failed { command, status, step: log.step, tail: log.tail.join("\n") })
}

/// Runs a command and returns what it printed to stdout; its stderr is in the error.
pub fn capture(command: Command, limit: Duration) -> Result<Vec<u8>, EngineError> {
    capture_with_input(command, "", limit)
}

/// As [`capture`], for a command that reads a short input.
pub fn capture_with_input(mut command: Command, input: &str, limit: Duration) -> Result<Vec<u8>, EngineError> {
    /// Bytes kept of either stream.
    const MOST: u64 = 16 * 1024 * 1024;
    let program = command.get_program().to_string_lossy().into_owned();
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn(command, &program)?;
    if let Some(mut pipe) = child.stdin.take() {
        // A command that does not read its input is no error here.
        let _ = pipe.write_all(input.as_bytes());
    }
    let read = |pipe: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut pipe) = pipe {
                let _ = pipe.by_ref().take(MOST).read_to_end(&mut bytes);
                let _ = std::io::copy(&mut pipe, &mut std::io::sink());
            }
            bytes
        })
    };
    let (out, err) = (read(child.stdout.take().map(boxed)), read(child.stderr.take().map(boxed)));
    let status = wait(&mut child, &program, Some(limit))?;
    let (out, err) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
    if status.success() {
        return Ok(out);
    }
    let mut tail = String::from_utf8_lossy(&out).into_owned();
    tail.push_str(&String::from_utf8_lossy(&err));
    Err(EngineError::Failed { command: program, status, step: None, tail })
}

fn boxed(pipe: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(pipe)
}

fn spawn(mut command: Command, program: &str) -> Result<Child, EngineError> {
    command.spawn().map_err(|source| EngineError::Start { program: program.to_owned(), source })
}

/// Set by the signal handler, read by [`wait`].
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Waits for the child; ends it on interrupt and when the limit is over.
fn wait(child: &mut Child, program: &str, limit: Option<Duration>) -> Result<ExitStatus, EngineError> {
    static HANDLER: Once = Once::new();
    HANDLER.call_once(|| {
        // A second handler in the process is refused; the first one then does as well.
        let _ = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::SeqCst));
    });
    let start = std::time::Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => {}
            Err(source) => return Err(EngineError::Start { program: program.to_owned(), source }),
        }
        let over = limit.is_some_and(|limit| start.elapsed() > limit);
        let interrupted = INTERRUPTED.load(Ordering::SeqCst);
        if over || interrupted {
            let _ = child.kill();
            let _ = child.wait();
            return Err(if interrupted {
                EngineError::Interrupted
            } else {
                EngineError::TimedOut(program.to_owned(), start.elapsed().as_secs())
            });
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// What is remembered of a build's output.
#[derive(Clone, Debug, Default)]
struct Log {
    step: Option<String>,
    tail: Vec<String>,
}

impl Log {
    fn line(&mut self, line: &str) {
        const KEPT: usize = 20;
        if let Some(step) = step_of(line) {
            self.step = Some(step);
        }
        if self.tail.len() == KEPT {
            self.tail.remove(0);
        }
        self.tail.push(line.to_owned());
    }
}

/// The step that a line of build output announces: `Step 3/7 : RUN …` (docker's legacy builder), ` > [3/7] RUN …:`
/// (`BuildKit`'s summary of a failure), `STEP 3/7: RUN …` (podman, buildah).
fn step_of(line: &str) -> Option<String> {
    let line = line.trim();
    if line.starts_with("Step ") || line.starts_with("STEP ") {
        return Some(line.to_owned());
    }
    let failed = line.strip_prefix("> [")?;
    Some(format!("[{}", failed.trim_end_matches(':')))
}

fn follow(pipe: Box<dyn Read + Send>, log: &Mutex<Log>) {
    let mut reader = BufReader::new(pipe);
    let mut bytes = Vec::new();
    while let Ok(1..) = reader.read_until(b'\n', &mut bytes) {
        let _ = std::io::stderr().write_all(&bytes);
        if let Ok(mut log) = log.lock() {
            log.line(String::from_utf8_lossy(&bytes).trim_end());
        }
        bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(kind: Kind, buildx: bool) -> Engine {
        Engine { kind, program: PathBuf::from(kind.program()), buildx }
    }

    fn request() -> BuildRequest {
        BuildRequest {
            dockerfile: PathBuf::from("a/Dockerfile"),
            context: PathBuf::from("."),
            tags: vec!["a:dev".to_owned()],
            build_args: BTreeMap::from([("V".to_owned(), "1 2".to_owned())]),
            ..BuildRequest::default()
        }
    }

    #[test]
    fn the_build_command_names_platform_file_tags_and_arguments() {
        assert_eq!(
            shell_words(&build_command(&engine(Kind::Docker, false), &request())),
            "docker build --platform linux/amd64 --file a/Dockerfile --tag a:dev --build-arg 'V=1 2' ."
        );
        let buildx = build_command(&engine(Kind::Docker, true), &request());
        assert_eq!(buildx[1..4], ["buildx", "build", "--load"]);
        assert_eq!(build_command(&engine(Kind::Podman, false), &request())[..2], ["podman", "build"]);
    }

    #[test]
    fn the_step_under_way_is_told_for_every_engine() {
        assert_eq!(step_of("Step 3/7 : RUN false").as_deref(), Some("Step 3/7 : RUN false"));
        assert_eq!(step_of(" > [stage-1 2/3] RUN false:").as_deref(), Some("[stage-1 2/3] RUN false"));
        assert_eq!(step_of("STEP 2/3: RUN false").as_deref(), Some("STEP 2/3: RUN false"));
        assert_eq!(step_of("fetch https://example.org"), None);
    }

    #[test]
    fn a_failing_command_tells_its_step_and_last_words() {
        let script = "echo 'Step 1/2 : FROM x'; echo oops >&2; sleep 0.1; exit 3";
        let error = stream(&["sh".to_owned(), "-c".to_owned(), script.to_owned()]).expect_err("it fails");
        match error {
            EngineError::Failed { step, tail, status, .. } => {
                assert_eq!(step.as_deref(), Some("Step 1/2 : FROM x"));
                assert!(tail.contains("oops"));
                assert_eq!(status.code(), Some(3));
            }
            other => unreachable!("not a failure: {other}"),
        }
    }

    #[test]
    fn a_command_that_hangs_is_ended() {
        let mut command = Command::new("sleep");
        command.arg("30");
        let error = capture(command, Duration::from_millis(50)).expect_err("it is ended");
        assert!(matches!(error, EngineError::TimedOut(..)));
    }
}
