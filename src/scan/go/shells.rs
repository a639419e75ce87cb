//! What shells and wrappers run: the text after a shell's `-c`, and the program among a wrapper's arguments.
//!
//! Both go to the shell scanner; what is not known of them stands there as a variable.

use super::pairs::Invocation;
use super::sites::may_be_program;
use super::value::{Kind, Part, Set};
use crate::file::{MappedText, Span};
use crate::scan::shell::{self, Dialect};
use crate::scan::{Scan, ScanContext};
use crate::site::{self, ExecSite};
use std::collections::BTreeSet;

/// Programs that run the program among their arguments; the shell scanner knows how.
const WRAPPERS: &[&str] = &[
    "aa-exec",
    "chroot",
    "chrt",
    "doas",
    "dumb-init",
    "env",
    "flock",
    "gosu",
    "ionice",
    "nice",
    "nohup",
    "nsenter",
    "runuser",
    "setpriv",
    "setsid",
    "stdbuf",
    "su-exec",
    "sudo",
    "taskset",
    "time",
    "timeout",
    "tini",
    "unshare",
    "xargs",
];

/// The commands of wrappers that one sink has had read, and whether an argument of each is not known.
pub(super) type Read = BTreeSet<(bool, String)>;

/// Whether one of the programs runs others: a shell, or a wrapper.
pub(super) fn runs_others(programs: &Set) -> bool {
    programs.values.iter().any(|value| {
        value.known_text().is_some_and(|text| {
            let base = text.rsplit('/').next().unwrap_or("").to_owned();
            dialect(&base).is_some() || WRAPPERS.contains(&base.as_str())
        })
    })
}

pub(super) fn dialect(program: &str) -> Option<Dialect> {
    match program {
        "sh" | "ash" => Some(Dialect::Ash),
        "dash" => Some(Dialect::Dash),
        "bash" => Some(Dialect::Bash),
        _ => None,
    }
}

/// What a shell or a wrapper runs with its arguments.
pub(super) fn run_by(
    context: &ScanContext<'_>,
    invocation: &Invocation,
    (span, api): (Span, &str),
    read: &mut Read,
    scan: &mut Scan,
) {
    let argv = &invocation.argv[..];
    for value in &invocation.program.values {
        let Some(text) = value.known_text() else { continue };
        let base = text.rsplit('/').next().unwrap_or("");
        if let Some(dialect) = dialect(base) {
            if let Some(script) = code_of_shell(argv) {
                for script in &script.values {
                    match &script.kind {
                        Kind::Hole(reason) => {
                            let reason = format!("a text for {base}: {reason}");
                            let mut unknown = ExecSite::new(site::Program::Dynamic(reason), span, "go", api);
                            unknown.trace = script.steps();
                            scan.sites.push(unknown);
                        }
                        _ => shell_text(context, &script.parts(), span, dialect, scan),
                    }
                }
            }
        } else if WRAPPERS.contains(&base) {
            wrapped(context, base, argv, (span, api), read, scan);
        }
    }
}

/// What a wrapper runs: read as the shell scanner reads its words, up to one that is not known; the text of a shell among
/// them by itself, for it may be known in part.
fn wrapped(
    context: &ScanContext<'_>,
    base: &str,
    argv: &[Set],
    (span, api): (Span, &str),
    read: &mut Read,
    scan: &mut Scan,
) {
    let shell = shell_among(argv);
    if let Some(shell) = &shell {
        run_by(context, shell, (span, api), read, scan);
    }
    let mut parts = vec![Part::Known(format!("{base} ").into(), span)];
    let mut unknown = false;
    for argument in argv {
        match &argument.values[..] {
            [only] => match only.known_text() {
                Some(text) => {
                    let quoted = text.replace('\'', "'\\''");
                    parts.push(Part::Known(format!("'{quoted}' ").into(), span));
                }
                None => {
                    unknown = true;
                    parts.push(Part::Hole("an argument".into()));
                }
            },
            _ => parts.push(Part::Hole("an argument".into())),
        }
        if matches!(parts.last(), Some(Part::Hole(_))) {
            break;
        }
    }
    let text = parts.iter().map(|part| match part {
        Part::Known(text, _) => text,
        Part::Hole(_) => "\n",
    });
    if !read.insert((unknown, text.collect())) {
        return;
    }
    let mut inner = Scan::default();
    shell_text(context, &parts, span, Dialect::Posix, &mut inner);
    inner.sites.retain_mut(|site| match &mut site.program {
        site::Program::Dynamic(reason) => {
            *reason = format!("an argument of {base}");
            unknown && shell.is_none()
        }
        program => program.base_name() != Some(base),
    });
    scan.extend(inner);
}

/// The shell that a wrapper runs with a text that is not known as a whole.
fn shell_among(argv: &[Set]) -> Option<Invocation> {
    let is_shell = |set: &Set| {
        let [only] = &set.values[..] else { return false };
        only.known_text().is_some_and(|text| dialect(text.rsplit('/').next().unwrap_or_default()).is_some())
    };
    let at = argv.iter().position(is_shell)?;
    let (program, argv) = (argv[at].clone(), argv[at + 1..].to_vec());
    let script = code_of_shell(&argv)?;
    let is_known = matches!(&script.values[..], [only] if only.known_text().is_some());
    (!is_known).then_some(Invocation { program, argv })
}

/// Among a shell's arguments the text that it runs: after the option `-c`, and after further options and their end (`--`).
fn code_of_shell(argv: &[Set]) -> Option<&Set> {
    let is_flag = |text: &str| text.starts_with('-') && text.ends_with('c');
    let any_flag = |set: &Set| set.values.iter().any(|value| value.known_text().is_some_and(|text| is_flag(&text)));
    let mut at = argv.iter().position(any_flag)? + 1;
    loop {
        let text = match &argv.get(at)?.values[..] {
            [only] => only.known_text(),
            _ => None,
        };
        match text.as_deref() {
            Some("--" | "-") => return argv.get(at + 1),
            Some(text) if text.len() > 1 && text.starts_with(['-', '+']) => at += 1 + usize::from(text.ends_with('o')),
            _ => return argv.get(at),
        }
    }
}

/// The variable that stands for what is not known of a text for a shell.
const UNKNOWN: &str = "UNKNOWN_IN_GO_CODE";

/// Hands a text to the shell scanner; what is not known stands as a variable.
pub(super) fn shell_text(context: &ScanContext<'_>, parts: &[Part], span: Span, dialect: Dialect, scan: &mut Scan) {
    if !parts.iter().any(|part| matches!(part, Part::Known(text, _) if !text.trim().is_empty())) {
        return;
    }
    let mut text = MappedText::new();
    for part in parts {
        match part {
            Part::Known(known, at) if (at.end - at.start) as usize == known.len() + 2 => {
                text.push(known, Span { start: at.start + 1, end: at.end - 1, ..*at });
            }
            Part::Known(known, at) => text.push(known, *at),
            Part::Hole(_) => text.push(&format!("${{{UNKNOWN}}}"), span),
        }
    }
    let mut found = shell::scan_text(context, &text, dialect, &[]);
    let why = parts.iter().find_map(|part| match part {
        Part::Hole(why) => Some(why),
        Part::Known(..) => None,
    });
    for site in &mut found.sites {
        if let (site::Program::Dynamic(reason), Some(why)) = (&mut site.program, why)
            && reason.contains(UNKNOWN)
        {
            *reason = format!("a command in a text for a shell: {why}");
        }
    }
    // What was put together from values that do not belong together shows in words that no program is called by.
    found.sites.retain(|site| match &site.program {
        site::Program::Dynamic(_) => true,
        program => may_be_program(&program.to_string()),
    });
    scan.extend(found);
}
