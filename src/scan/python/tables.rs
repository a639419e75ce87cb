//! What Python's standard library and well-known packages run, and which of their values are known.

use crate::scan::value::operation::Operation;
use crate::scan::value::sink::{Run, Sink};

const SUBPROCESS: &str = "https://docs.python.org/3/library/subprocess.html";
const ASYNCIO: &str = "https://docs.python.org/3/library/asyncio-subprocess.html";
const LOOP: &str = "https://docs.python.org/3/library/asyncio-eventloop.html#running-subprocesses";
const OS: &str = "https://docs.python.org/3/library/os.html#process-management";
const OS_PATH: &str = "https://docs.python.org/3/library/os.path.html";

/// Words of which a file that runs a program holds at least one.
pub(super) const WORDS: &[&str] = &[
    "subprocess",
    "os.system",
    "popen",
    "Popen",
    "os.exec",
    "os.spawn",
    "posix_spawn",
    "from os import",
    "import os as",
    "shutil",
    "pty",
    "sh.",
    "import sh",
    "from sh",
    "plumbum",
    "pexpect",
    "invoke",
    "fabric",
    "anyio",
    "trio",
    "psutil",
    "sarge",
    "delegator",
    "envoy",
    "git",
    "gnupg",
    "ffmpeg",
    "pdf2image",
    "pytesseract",
    "pydub",
    "weasyprint",
    "pdfkit",
    "imgkit",
    "pypandoc",
    "xvfbwrapper",
    "nmap",
    "python_on_whales",
    "ptyprocess",
    "wand",
    "graphviz",
    "pydot",
    "speedtest",
    "ocrmypdf",
    "hglib",
    "mercurial",
    "webbrowser",
    "ffpyplayer",
    "moviepy",
    "pyudev",
    "create_subprocess",
];

/// The calls that run programs, sorted by name.
pub(super) const SINKS: &[Sink] = &[
    Sink {
        name: "anyio.open_process",
        run: Run::Command(0, "command"),
        source: "https://anyio.readthedocs.io/en/stable/subprocesses.html",
    },
    Sink {
        name: "anyio.run_process",
        run: Run::Command(0, "command"),
        source: "https://anyio.readthedocs.io/en/stable/subprocesses.html",
    },
    Sink { name: "asyncio.create_subprocess_exec", run: Run::Program(0, 0), source: ASYNCIO },
    Sink { name: "asyncio.create_subprocess_shell", run: Run::Shell(0, "cmd"), source: ASYNCIO },
    Sink { name: "asyncio.get_event_loop().subprocess_exec", run: Run::Program(1, 0), source: LOOP },
    Sink { name: "asyncio.get_event_loop().subprocess_shell", run: Run::Shell(1, "cmd"), source: LOOP },
    Sink { name: "asyncio.get_running_loop().subprocess_exec", run: Run::Program(1, 0), source: LOOP },
    Sink { name: "asyncio.get_running_loop().subprocess_shell", run: Run::Shell(1, "cmd"), source: LOOP },
    Sink { name: "asyncio.subprocess.create_subprocess_exec", run: Run::Program(0, 0), source: ASYNCIO },
    Sink { name: "asyncio.subprocess.create_subprocess_shell", run: Run::Shell(0, "cmd"), source: ASYNCIO },
    Sink {
        name: "commands.getoutput",
        run: Run::Shell(0, "cmd"),
        source: "https://docs.python.org/2/library/commands.html",
    },
    Sink {
        name: "commands.getstatusoutput",
        run: Run::Shell(0, "cmd"),
        source: "https://docs.python.org/2/library/commands.html",
    },
    Sink { name: "delegator.run", run: Run::Line(0, "command"), source: "https://github.com/amitt001/delegator.py" },
    Sink {
        name: "distutils.spawn.find_executable",
        run: Run::Lookup(0),
        source: "https://docs.python.org/3.11/distutils/apiref.html",
    },
    Sink {
        name: "fabric.api.local",
        run: Run::Shell(0, "command"),
        source: "https://docs.fabfile.org/en/1.14/api/core/operations.html",
    },
    Sink {
        name: "fabric.operations.local",
        run: Run::Shell(0, "command"),
        source: "https://docs.fabfile.org/en/1.14/api/core/operations.html",
    },
    Sink {
        name: "ffmpeg.probe",
        run: Run::Default("ffprobe", "cmd"),
        source: "https://kkroening.github.io/ffmpeg-python/",
    },
    Sink {
        name: "ffmpeg.run",
        run: Run::Default("ffmpeg", "cmd"),
        source: "https://kkroening.github.io/ffmpeg-python/",
    },
    Sink {
        name: "ffmpeg.run_async",
        run: Run::Default("ffmpeg", "cmd"),
        source: "https://kkroening.github.io/ffmpeg-python/",
    },
    Sink { name: "git.Git", run: Run::Fixed(&["git"]), source: "https://gitpython.readthedocs.io/en/stable/" },
    Sink { name: "git.Repo", run: Run::Fixed(&["git"]), source: "https://gitpython.readthedocs.io/en/stable/" },
    Sink {
        name: "git.Repo.clone_from",
        run: Run::Fixed(&["git"]),
        source: "https://gitpython.readthedocs.io/en/stable/",
    },
    Sink { name: "git.Repo.init", run: Run::Fixed(&["git"]), source: "https://gitpython.readthedocs.io/en/stable/" },
    Sink { name: "git.cmd.Git", run: Run::Fixed(&["git"]), source: "https://gitpython.readthedocs.io/en/stable/" },
    Sink { name: "git.repo.Repo", run: Run::Fixed(&["git"]), source: "https://gitpython.readthedocs.io/en/stable/" },
    Sink {
        name: "gnupg.GPG",
        run: Run::Default("gpg", "gpgbinary"),
        source: "https://gnupg.readthedocs.io/en/latest/",
    },
    Sink { name: "hglib.clone", run: Run::Fixed(&["hg"]), source: "https://www.mercurial-scm.org/wiki/PythonHglib" },
    Sink { name: "hglib.open", run: Run::Fixed(&["hg"]), source: "https://www.mercurial-scm.org/wiki/PythonHglib" },
    Sink {
        name: "imgkit.from_string",
        run: Run::Fixed(&["wkhtmltoimage"]),
        source: "https://github.com/jarrekk/imgkit",
    },
    Sink { name: "imgkit.from_url", run: Run::Fixed(&["wkhtmltoimage"]), source: "https://github.com/jarrekk/imgkit" },
    Sink {
        name: "invoke.run",
        run: Run::Shell(0, "command"),
        source: "https://docs.pyinvoke.org/en/stable/api/__init__.html",
    },
    Sink { name: "nmap.PortScanner", run: Run::Fixed(&["nmap"]), source: "https://pypi.org/project/python-nmap/" },
    Sink { name: "os.access", run: Run::Probe(0), source: "https://docs.python.org/3/library/os.html#os.access" },
    Sink { name: "os.execl", run: Run::Program(0, 1), source: OS },
    Sink { name: "os.execle", run: Run::Program(0, 1), source: OS },
    Sink { name: "os.execlp", run: Run::Program(0, 1), source: OS },
    Sink { name: "os.execlpe", run: Run::Program(0, 1), source: OS },
    Sink { name: "os.execv", run: Run::Program(0, 1), source: OS },
    Sink { name: "os.execve", run: Run::Program(0, 1), source: OS },
    Sink { name: "os.execvp", run: Run::Program(0, 1), source: OS },
    Sink { name: "os.execvpe", run: Run::Program(0, 1), source: OS },
    Sink { name: "os.path.exists", run: Run::Probe(0), source: OS_PATH },
    Sink { name: "os.path.isfile", run: Run::Probe(0), source: OS_PATH },
    Sink { name: "os.popen", run: Run::Shell(0, "cmd"), source: OS },
    Sink { name: "os.popen2", run: Run::Shell(0, "cmd"), source: OS },
    Sink { name: "os.popen3", run: Run::Shell(0, "cmd"), source: OS },
    Sink { name: "os.posix_spawn", run: Run::Program(0, 1), source: OS },
    Sink { name: "os.posix_spawnp", run: Run::Program(0, 1), source: OS },
    Sink { name: "os.spawnl", run: Run::Program(1, 1), source: OS },
    Sink { name: "os.spawnle", run: Run::Program(1, 1), source: OS },
    Sink { name: "os.spawnlp", run: Run::Program(1, 1), source: OS },
    Sink { name: "os.spawnlpe", run: Run::Program(1, 1), source: OS },
    Sink { name: "os.spawnv", run: Run::Program(1, 1), source: OS },
    Sink { name: "os.spawnve", run: Run::Program(1, 1), source: OS },
    Sink { name: "os.spawnvp", run: Run::Program(1, 1), source: OS },
    Sink { name: "os.spawnvpe", run: Run::Program(1, 1), source: OS },
    Sink { name: "os.system", run: Run::Shell(0, "command"), source: OS },
    Sink {
        name: "pdf2image.convert_from_bytes",
        run: Run::Fixed(&["pdftoppm", "pdfinfo"]),
        source: "https://github.com/Belval/pdf2image",
    },
    Sink {
        name: "pdf2image.convert_from_path",
        run: Run::Fixed(&["pdftoppm", "pdfinfo"]),
        source: "https://github.com/Belval/pdf2image",
    },
    Sink {
        name: "pdf2image.pdfinfo_from_path",
        run: Run::Fixed(&["pdfinfo"]),
        source: "https://github.com/Belval/pdf2image",
    },
    Sink {
        name: "pdfkit.from_file",
        run: Run::Fixed(&["wkhtmltopdf"]),
        source: "https://github.com/JazzCore/python-pdfkit",
    },
    Sink {
        name: "pdfkit.from_string",
        run: Run::Fixed(&["wkhtmltopdf"]),
        source: "https://github.com/JazzCore/python-pdfkit",
    },
    Sink {
        name: "pdfkit.from_url",
        run: Run::Fixed(&["wkhtmltopdf"]),
        source: "https://github.com/JazzCore/python-pdfkit",
    },
    Sink {
        name: "pexpect.popen_spawn.PopenSpawn",
        run: Run::Line(0, "cmd"),
        source: "https://pexpect.readthedocs.io/en/stable/api/popen_spawn.html",
    },
    Sink {
        name: "pexpect.run",
        run: Run::Line(0, "command"),
        source: "https://pexpect.readthedocs.io/en/stable/api/pexpect.html",
    },
    Sink {
        name: "pexpect.spawn",
        run: Run::Line(0, "command"),
        source: "https://pexpect.readthedocs.io/en/stable/api/pexpect.html",
    },
    Sink {
        name: "pexpect.spawnu",
        run: Run::Line(0, "command"),
        source: "https://pexpect.readthedocs.io/en/stable/api/pexpect.html",
    },
    Sink {
        name: "pexpect.which",
        run: Run::Lookup(0),
        source: "https://pexpect.readthedocs.io/en/stable/api/pexpect.html",
    },
    Sink {
        name: "platform.popen",
        run: Run::Shell(0, "cmd"),
        source: "https://docs.python.org/3.7/library/platform.html",
    },
    Sink {
        name: "plumbum.cmd.*",
        run: Run::Named,
        source: "https://plumbum.readthedocs.io/en/latest/local_commands.html",
    },
    Sink {
        name: "plumbum.local",
        run: Run::Bracketed,
        source: "https://plumbum.readthedocs.io/en/latest/local_commands.html",
    },
    Sink {
        name: "plumbum.local.which",
        run: Run::Lookup(0),
        source: "https://plumbum.readthedocs.io/en/latest/local_machine.html",
    },
    Sink {
        name: "psutil.Popen",
        run: Run::Command(0, "args"),
        source: "https://psutil.readthedocs.io/en/latest/#psutil.Popen",
    },
    Sink {
        name: "pty.spawn",
        run: Run::Line(0, "argv"),
        source: "https://docs.python.org/3/library/pty.html#pty.spawn",
    },
    Sink {
        name: "ptyprocess.PtyProcess.spawn",
        run: Run::Command(0, "argv"),
        source: "https://ptyprocess.readthedocs.io/en/latest/api.html",
    },
    Sink {
        name: "ptyprocess.PtyProcessUnicode.spawn",
        run: Run::Command(0, "argv"),
        source: "https://ptyprocess.readthedocs.io/en/latest/api.html",
    },
    Sink {
        name: "pydub.AudioSegment.from_file",
        run: Run::Fixed(&["ffmpeg"]),
        source: "https://github.com/jiaaro/pydub",
    },
    Sink {
        name: "pydub.AudioSegment.from_mp3",
        run: Run::Fixed(&["ffmpeg"]),
        source: "https://github.com/jiaaro/pydub",
    },
    Sink {
        name: "pypandoc.convert_file",
        run: Run::Fixed(&["pandoc"]),
        source: "https://github.com/JessicaTegner/pypandoc",
    },
    Sink {
        name: "pypandoc.convert_text",
        run: Run::Fixed(&["pandoc"]),
        source: "https://github.com/JessicaTegner/pypandoc",
    },
    Sink {
        name: "pytesseract.image_to_data",
        run: Run::Fixed(&["tesseract"]),
        source: "https://github.com/madmaze/pytesseract",
    },
    Sink {
        name: "pytesseract.image_to_string",
        run: Run::Fixed(&["tesseract"]),
        source: "https://github.com/madmaze/pytesseract",
    },
    Sink {
        name: "sarge.capture_both",
        run: Run::Line(0, "cmd"),
        source: "https://sarge.readthedocs.io/en/latest/reference.html",
    },
    Sink {
        name: "sarge.capture_stdout",
        run: Run::Line(0, "cmd"),
        source: "https://sarge.readthedocs.io/en/latest/reference.html",
    },
    Sink {
        name: "sarge.run",
        run: Run::Line(0, "cmd"),
        source: "https://sarge.readthedocs.io/en/latest/reference.html",
    },
    Sink {
        name: "sh.*",
        run: Run::Named,
        source: "https://sh.readthedocs.io/en/latest/sections/passing_arguments.html",
    },
    Sink {
        name: "sh.Command",
        run: Run::Program(0, 0),
        source: "https://sh.readthedocs.io/en/latest/sections/command_class.html",
    },
    Sink { name: "sh.which", run: Run::Lookup(0), source: "https://sh.readthedocs.io/en/latest/sections/faq.html" },
    Sink {
        name: "shutil.which",
        run: Run::Lookup(0),
        source: "https://docs.python.org/3/library/shutil.html#shutil.which",
    },
    Sink { name: "subprocess.Popen", run: Run::Command(0, "args"), source: SUBPROCESS },
    Sink { name: "subprocess.call", run: Run::Command(0, "args"), source: SUBPROCESS },
    Sink { name: "subprocess.check_call", run: Run::Command(0, "args"), source: SUBPROCESS },
    Sink { name: "subprocess.check_output", run: Run::Command(0, "args"), source: SUBPROCESS },
    Sink { name: "subprocess.getoutput", run: Run::Shell(0, "cmd"), source: SUBPROCESS },
    Sink { name: "subprocess.getstatusoutput", run: Run::Shell(0, "cmd"), source: SUBPROCESS },
    Sink { name: "subprocess.run", run: Run::Command(0, "args"), source: SUBPROCESS },
    Sink {
        name: "trio.lowlevel.open_process",
        run: Run::Command(0, "command"),
        source: "https://trio.readthedocs.io/en/stable/reference-io.html#spawning-subprocesses",
    },
    Sink {
        name: "trio.run_process",
        run: Run::Command(0, "command"),
        source: "https://trio.readthedocs.io/en/stable/reference-io.html#spawning-subprocesses",
    },
    Sink { name: "xvfbwrapper.Xvfb", run: Run::Fixed(&["Xvfb"]), source: "https://github.com/cgoldberg/xvfbwrapper" },
];

/// Functions and constants from outside whose values are known, sorted by name.
/// Source: <https://docs.python.org/3/library/> under each module; the platform is linux.
pub(super) const KNOWN: &[(&str, Operation)] = &[
    ("Path", Operation::JoinPath),
    ("attr.ib", Operation::Field),
    ("attrs.field", Operation::Field),
    ("bytes", Operation::First),
    ("copy.copy", Operation::First),
    ("copy.deepcopy", Operation::First),
    ("dataclasses.field", Operation::Field),
    ("decouple.config", Operation::Environment),
    ("environ.get", Operation::Environment),
    ("functools.partial", Operation::Partial),
    ("getenv", Operation::Environment),
    ("list", Operation::First),
    ("os.environ.get", Operation::Environment),
    ("os.environ.setdefault", Operation::Environment),
    ("os.fsdecode", Operation::First),
    ("os.fsencode", Operation::First),
    ("os.fspath", Operation::First),
    ("os.getenv", Operation::Environment),
    ("os.name", Operation::Is("posix")),
    ("os.path.abspath", Operation::First),
    ("os.path.basename", Operation::BaseName),
    ("os.path.expanduser", Operation::First),
    ("os.path.expandvars", Operation::First),
    ("os.path.join", Operation::JoinPath),
    ("os.path.normpath", Operation::First),
    ("os.path.realpath", Operation::First),
    ("os.sep", Operation::Is("/")),
    ("pathlib.Path", Operation::JoinPath),
    ("pathlib.PosixPath", Operation::JoinPath),
    ("pathlib.PurePath", Operation::JoinPath),
    ("pexpect.which", Operation::Lookup),
    ("platform.machine", Operation::Machine),
    ("platform.system", Operation::Gives("Linux")),
    ("platform.system_alias", Operation::Arguments),
    ("pydantic.Field", Operation::Field),
    ("pydantic.fields.Field", Operation::Field),
    ("shlex.join", Operation::Words),
    ("shlex.quote", Operation::First),
    ("shlex.split", Operation::Split),
    ("shutil.which", Operation::Lookup),
    ("sorted", Operation::First),
    ("str", Operation::First),
    ("sys.executable", Operation::Interpreter),
    ("sys.platform", Operation::Is("linux")),
    ("tuple", Operation::First),
    ("typing.TYPE_CHECKING", Operation::Is("")),
    ("typing.cast", Operation::Second),
];

/// Methods of texts, lists, tables and paths, sorted by name.
/// Source: <https://docs.python.org/3/library/stdtypes.html>, <https://docs.python.org/3/library/pathlib.html>.
pub(super) const METHODS: &[(&str, Operation)] = &[
    ("absolute", Operation::Receiver),
    ("as_posix", Operation::Receiver),
    ("casefold", Operation::Lower),
    ("copy", Operation::Receiver),
    ("decode", Operation::Receiver),
    ("encode", Operation::Receiver),
    ("endswith", Operation::EndsWith),
    ("expanduser", Operation::Receiver),
    ("format", Operation::Format),
    ("get", Operation::Get),
    ("items", Operation::Pairs),
    ("join", Operation::JoinWith),
    ("joinpath", Operation::JoinBelow),
    ("keys", Operation::Receiver),
    ("lower", Operation::Lower),
    ("replace", Operation::Replace),
    ("resolve", Operation::Receiver),
    ("split", Operation::Split),
    ("startswith", Operation::StartsWith),
    ("strip", Operation::Trim),
    ("upper", Operation::Upper),
    ("values", Operation::Values),
];

/// Modules of the standard library that a file of the project may share its name with by chance.
pub(super) fn is_standard(module: &str) -> bool {
    let top = module.split('.').next().unwrap_or(module);
    matches!(
        top,
        "asyncio"
            | "functools"
            | "json"
            | "logging"
            | "os"
            | "pathlib"
            | "platform"
            | "pty"
            | "re"
            | "shlex"
            | "shutil"
            | "subprocess"
            | "sys"
            | "tempfile"
            | "threading"
            | "time"
            | "typing"
    )
}
