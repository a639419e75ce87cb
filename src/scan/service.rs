//! Exec sites in the files that tell a supervisor what to start: supervisord's programs, crontabs, a Procfile, the units of
//! systemd-like managers.
//!
//! Such a file is read line by line; what a line runs goes through the shell's code, so that wrappers count as they do
//! there. Whether the image holds the file is the caller's to know.

use super::shell::{self, Dialect};
use super::{Root, Scan, ScanContext, Skipped};
use crate::file::{FileId, MappedText, Span};
use crate::walk::Tree;
use std::ops::Range;

/// How many lines of one file are read.
const MAX_LINES: usize = 20_000;

/// A kind of file: by which names it is known, and the part of a line that is a command.
struct Format {
    name: &'static str,
    is_named: fn(&str) -> bool,
    command: fn(&str) -> Option<Range<usize>>,
}

/// The formats, in the order in which a path is offered to them.
/// Sources: <http://supervisord.org/configuration.html#program-x-section-settings>,
/// <https://man7.org/linux/man-pages/man5/crontab.5.html>, <https://devcenter.heroku.com/articles/procfile>,
/// <https://www.freedesktop.org/software/systemd/man/systemd.service.html#Command%20lines>.
static FORMATS: [Format; 4] = [
    Format {
        name: "supervisord",
        is_named: |path| path.ends_with(".conf") && path.contains("supervisor") || path.ends_with("supervisord.ini"),
        command: supervisor_command,
    },
    Format { name: "Procfile", is_named: |path| base_name(path) == "Procfile", command: procfile_command },
    Format { name: "unit", is_named: |path| path.ends_with(".service"), command: unit_command },
    Format {
        name: "crontab",
        is_named: |path| {
            let folders = ["/cron.d/", "/crontabs/", "etc/cron.d/", "crontabs/"];
            let name = base_name(path);
            name == "crontab"
                || name.ends_with(".crontab")
                || name.ends_with(".cron")
                || folders.iter().any(|folder| path.contains(folder))
        },
        command: cron_command,
    },
];

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a path is a file of a supervisor.
pub fn detects(tree: &Tree, path: &str) -> bool {
    tree.is_file(path) && format_of(tree, path).is_some()
}

/// The format of a file: by its name, or supervisord's by its sections, which files of any name hold.
fn format_of(tree: &Tree, path: &str) -> Option<&'static Format> {
    let by_name = FORMATS.iter().find(|format| (format.is_named)(path));
    by_name.or_else(|| {
        let is_settings = path.ends_with(".conf") || path.ends_with(".ini");
        if !is_settings {
            return None;
        }
        let file = tree.read(path).ok()?;
        let source = tree.files().get(file);
        source.text().lines().any(|line| line.starts_with("[program:")).then_some(&FORMATS[0])
    })
}

/// Whether a path of an image is one at which a supervisor, cron or systemd looks for its files.
pub fn watched(at: &str) -> bool {
    const FOLDERS: [&str; 5] =
        ["/etc/cron.d/", "/etc/crontabs/", "/etc/supervisor", "/etc/systemd/system/", "/var/spool/cron/crontabs/"];
    FOLDERS.iter().any(|folder| at.starts_with(folder)) || at == "/etc/crontab"
}

/// Scans the roots together.
pub fn scan(context: &ScanContext<'_>, roots: &[Root]) -> Scan {
    let mut scan = Scan::default();
    for root in roots {
        let format = format_of(context.tree, &root.path);
        match (format, context.tree.read(&root.path)) {
            (Some(format), Ok(file)) => scan.extend(scan_file(context, file, format)),
            (None, _) => {
                let why = "no supervisor's file: its name is none that aboard knows".to_owned();
                scan.skipped.push(Skipped { path: root.path.clone(), why });
            }
            (_, Err(error)) => scan.skipped.push(Skipped { path: root.path.clone(), why: error.to_string() }),
        }
    }
    scan
}

fn scan_file(context: &ScanContext<'_>, file: FileId, format: &Format) -> Scan {
    let source = context.tree.files().get(file);
    // All commands make one text, a line each, so that one pass of the shell's code reads them.
    let mut code = MappedText::new();
    let mut start = 0;
    for line in source.text().split('\n').take(MAX_LINES) {
        if let Some(command) = (format.command)(line.trim_end_matches('\r')) {
            let range = start + command.start..start + command.end;
            code.push(&source.text()[range.clone()], Span::new(file, range.start, range.end));
            code.push_unplaced("\n");
        }
        start += line.len() + 1;
    }
    let mut scan = shell::scan_text(context, &code, Dialect::Posix, &[]);
    for site in &mut scan.sites {
        if site.api == "command" || site.api == "exec" {
            format.name.clone_into(&mut site.api);
        }
    }
    scan
}

/// What stands after `key=`, blanks around it taken off; the keys differ in case alone.
fn value_of(line: &str, key: &str) -> Option<Range<usize>> {
    let (name, value) = line.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case(key) {
        return None;
    }
    let start = line.len() - value.trim_start().len();
    let end = line.trim_end().len();
    (start < end).then_some(start..end)
}

fn supervisor_command(line: &str) -> Option<Range<usize>> {
    let command = value_of(line, "command")?;
    // ` ;` begins a comment.
    let end = line[command.clone()].find(" ;").map_or(command.end, |at| command.start + at);
    Some(command.start..end)
}

fn procfile_command(line: &str) -> Option<Range<usize>> {
    let (name, command) = line.split_once(':')?;
    let is_name =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let start = line.len() - command.trim_start().len();
    (is_name && start < line.len()).then_some(start..line.len())
}

fn unit_command(line: &str) -> Option<Range<usize>> {
    let keys =
        ["ExecStart", "ExecStartPre", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost", "ExecCondition"];
    let value = keys.iter().find_map(|key| value_of(line, key))?;
    let prefix = line[value.clone()].bytes().take_while(|byte| matches!(byte, b'-' | b'@' | b':' | b'+' | b'!' | b'|'));
    Some(value.start + prefix.count()..value.end)
}

/// A schedule of five fields or `@daily`, then the command; a system's crontab has the user between them, which its
/// name tells apart from a program's only by being one of the usual users.
fn cron_command(line: &str) -> Option<Range<usize>> {
    const USERS: [&str; 6] = ["app", "nobody", "nginx", "node", "root", "www-data"];
    let trimmed = line.trim_start();
    if trimmed.is_empty() || trimmed.starts_with('#') {
        return None;
    }
    let schedule = if trimmed.starts_with('@') { 1 } else { 5 };
    if schedule == 5 && !trimmed.starts_with(|c: char| c.is_ascii_digit() || c == '*') {
        return None;
    }
    let mut rest = trimmed;
    for _ in 0..schedule {
        rest = rest.split_once([' ', '\t'])?.1.trim_start();
    }
    if let Some((user, command)) = rest.split_once([' ', '\t'])
        && USERS.contains(&user)
    {
        rest = command.trim_start();
    }
    let start = line.len() - rest.len();
    (start < line.len()).then_some(start..line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(name: &str, text: &str) -> Vec<(String, String)> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(name), text).expect("written");
        let tree = Tree::open(folder.path()).expect("opened");
        assert!(detects(&tree, name), "{name}");
        let scan = scan(&ScanContext::new(&tree), &[Root { language: "service", path: name.to_owned() }]);
        let mut found: Vec<_> =
            scan.sites.iter().map(|site| (site.program.to_string(), tree.files().text(site.span))).collect();
        for (program, text) in &found {
            assert_eq!(program, text);
        }
        found.sort();
        found
    }

    fn names(name: &str, text: &str) -> Vec<String> {
        programs(name, text).into_iter().map(|(program, _)| program).collect()
    }

    #[test]
    fn supervisord_programs() {
        let text = "[program:web]\n; command=old\ncommand = /usr/sbin/nginx -g 'daemon off;' ; web\nuser=root\n\n\
                    [program:x]\ncommand=gosu app worker --loop\n";
        assert_eq!(names("supervisord.conf", text), ["/usr/sbin/nginx", "gosu", "worker"]);
    }

    #[test]
    fn crontabs() {
        let text = "# run it\nSHELL=/bin/sh\n*/5 * * * * root /usr/bin/backup >/dev/null\n@daily certbot renew\n0 3 * * 1 cd / && tidy\n";
        assert_eq!(names("crontab", text), ["/usr/bin/backup", "certbot", "tidy"]);
    }

    #[test]
    fn a_procfile() {
        assert_eq!(names("Procfile", "web: bundle exec puma -p $PORT\n# x\nworker: sidekiq\n"), ["bundle", "sidekiq"]);
    }

    #[test]
    fn units() {
        let text = "[Service]\nExecStartPre=-/bin/mkdir -p /run/x\nExecStart=/usr/bin/thing --x\nRestart=always\n";
        assert_eq!(names("thing.service", text), ["/bin/mkdir", "/usr/bin/thing"]);
    }
}
