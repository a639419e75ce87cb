//! Commands that put files into an image, move them, and change their modes.

use super::words::Field;
use super::{Runner, State, UNKNOWN};
use crate::dockerfile::evaluate::mode_executes;
use crate::dockerfile::path;
use crate::dockerfile::plan::{ImageFile, Origin, Shape};
use crate::file::Span;

/// The words of a command, options apart.
struct Line<'f> {
    operands: Vec<&'f Field>,
    options: Vec<(&'f str, Option<String>)>,
}

/// Takes a command line apart; `with_value` are the options whose value is the next word.
fn read<'f>(fields: &'f [Field], with_value: &[&str]) -> Line<'f> {
    let mut line = Line { operands: Vec::new(), options: Vec::new() };
    let mut at = 0;
    while let Some(field) = fields.get(at) {
        at += 1;
        let text = field.text();
        if text == "--" {
            line.operands.extend(&fields[at..]);
            break;
        }
        if !text.starts_with('-') || text == "-" {
            line.operands.push(field);
            continue;
        }
        // `-m644`: the value is attached.
        if !text.starts_with("--")
            && let Some((option, value)) = text.split_at_checked(2)
            && !value.is_empty()
            && with_value.contains(&option)
        {
            line.options.push((&option[1..], Some(value.to_owned())));
            continue;
        }
        // In `-Lo FILE` the last letter takes the value.
        let short = !text.starts_with("--") && text.len() > 2 && text.is_ascii();
        let last = if short { format!("-{}", &text[text.len() - 1..]) } else { text.to_owned() };
        let option = with_value.iter().find(|option| **option == text || **option == last);
        match option {
            Some(_) => {
                let name = if short { &text[text.len() - 1..] } else { text.trim_start_matches('-') };
                line.options.push((name, fields.get(at).map(|value| value.text().to_owned())));
                if short {
                    line.options.push((text.trim_start_matches('-'), None));
                }
                at += 1;
            }
            None => line.options.push((text.trim_start_matches('-'), None)),
        }
    }
    line
}

impl Line<'_> {
    fn value(&self, names: &[&str]) -> Option<String> {
        let long = |option: &str| {
            let (name, value) = option.split_once('=')?;
            names.contains(&name).then(|| value.to_owned())
        };
        self.options.iter().find_map(|(name, value)| match value {
            Some(value) if names.contains(name) => Some(value.clone()),
            _ => long(name),
        })
    }

    /// Whether a long option or a letter among short ones is there.
    fn has(&self, letter: char, long: &str) -> bool {
        self.options.iter().any(|(name, _)| *name == long || (name.len() < 6 && name.contains(letter)))
    }
}

impl Runner<'_> {
    /// Follows a command about files; false where the name is none of them.
    pub(super) fn file_command(&mut self, name: &str, rest: &[Field], whole: Span, state: &mut State) -> bool {
        match name {
            "ln" => self.link(rest, state),
            "cp" => self.copy(rest, state, false),
            "mv" => self.copy(rest, state, true),
            "install" => self.install(rest, state),
            "chmod" => self.chmod(rest, state),
            "rm" | "unlink" => self.delete(rest, state),
            "touch" => {
                for field in read(rest, &["-d", "-r", "-t"]).operands {
                    let path = path::join(&state.folder, field.text());
                    if !self.plan.files.iter().any(|file| file.path == path) {
                        self.put(&path, Shape::File, Origin::Built("touch".to_owned()), Some(false), field.span);
                    }
                }
            }
            "tee" => {}
            "mkdir" => self.make_folders(&read(rest, &["-m", "--mode", "-Z"]).operands, state),
            "curl" => self.curl(rest, state),
            "wget" => self.wget(rest, state),
            "tar" | "bsdtar" => self.tar(rest, state, whole),
            "unzip" | "7z" | "7za" => {
                let line = read(rest, &["-d"]);
                let folder = line.value(&["d"]).unwrap_or_default();
                let folder = path::join(&state.folder, &folder);
                self.put(&folder, Shape::Tree, Origin::Built(name.to_owned()), None, whole);
            }
            "gunzip" | "gzip" | "xz" | "unxz" | "zstd" | "unzstd" => {
                for field in read(rest, &[]).operands {
                    let path = path::join(&state.folder, field.text());
                    let bare = [".gz", ".xz", ".zst"].iter().find_map(|ending| path.strip_suffix(ending));
                    if let Some(bare) = bare {
                        self.put(bare, Shape::File, Origin::Built(name.to_owned()), None, field.span);
                    }
                }
            }
            "git" => {
                if let Some(at) = rest.iter().position(|field| field.text() == "clone") {
                    self.git_clone(&rest[at + 1..], whole, state);
                }
            }
            "find" | "xargs" => {
                let run = if name == "find" {
                    let at = rest.iter().position(|field| matches!(field.text(), "-exec" | "-execdir" | "-ok"));
                    at.and_then(|at| rest.get(at + 1))
                } else {
                    read(rest, &["-n", "-I", "-P", "-L", "-d", "-s", "-E", "-a"]).operands.first().copied()
                };
                let quiet = |name: &str| {
                    super::program::is_harmless(name) || matches!(name, "rm" | "chmod" | "touch" | "rmdir" | "strip")
                };
                if run.is_some_and(|run| !quiet(path::file_name(run.text()))) {
                    self.unknown(whole, format!("what `{name}` runs is not followed"), true);
                }
            }
            "dd" => {
                for field in rest {
                    if let Some(file) = field.text().strip_prefix("of=") {
                        let at = path::join(&state.folder, file);
                        self.put(&at, Shape::File, Origin::Built("dd".to_owned()), None, field.span);
                    }
                }
            }
            _ => return false,
        }
        true
    }

    fn make_folders(&mut self, operands: &[&Field], state: &State) {
        for field in operands {
            let folder = path::join(&state.folder, field.text());
            if !folder.contains(UNKNOWN) && self.plan.folders.len() < 2000 && !self.plan.folders.contains(&folder) {
                self.plan.folders.push(folder);
            }
        }
    }

    /// The paths that operands name, globs matched against the files that are known.
    fn targets(&self, operand: &str, state: &State) -> Vec<String> {
        let path = path::join(&state.folder, operand);
        if path.contains(UNKNOWN) {
            return Vec::new();
        }
        if !path.contains(['*', '?', '[']) {
            return vec![path];
        }
        let known = self.plan.files.iter().filter(|file| crate::dockerfile::context::matches(&path, &file.path));
        known.map(|file| file.path.clone()).collect()
    }

    fn link(&mut self, rest: &[Field], state: &State) {
        let line = read(rest, &["-t", "-S"]);
        let (targets, into) = match (line.value(&["t", "target-directory"]), line.operands.split_last()) {
            (Some(folder), _) => (line.operands.clone(), (folder, true)),
            (None, Some((_, []))) => (line.operands.clone(), (".".to_owned(), true)),
            (None, Some((last, targets))) => {
                let text = last.text().to_owned();
                let folder = text.ends_with('/') || targets.len() > 1;
                let no_folder = line.has('T', "no-target-directory");
                let folder = folder || (!no_folder && self.plan.is_folder(&path::join(&state.folder, &text)));
                (targets.to_vec(), (text, folder))
            }
            (None, None) => return,
        };
        for target in targets {
            let at = path::join(&state.folder, &into.0);
            let at = if into.1 { path::join(&at, path::file_name(target.text())) } else { at };
            let to = target.text();
            let origin = if target.is_known() { Origin::Link(to.to_owned()) } else { Origin::Built("ln".to_owned()) };
            self.put(&at, Shape::File, origin, None, target.span);
        }
    }

    /// `cp` and `mv`: what is known at the source is known at the target.
    fn copy(&mut self, rest: &[Field], state: &State, moves: bool) {
        let line = read(rest, &["-t", "-S"]);
        let name = if moves { "mv" } else { "cp" };
        let (sources, to, into) = match (line.value(&["t", "target-directory"]), line.operands.split_last()) {
            (Some(folder), _) => (line.operands.clone(), folder, true),
            (None, Some((last, sources))) if !sources.is_empty() => {
                let text = last.text().to_owned();
                let glob = sources.iter().any(|source| source.text().contains(['*', '?']));
                let folder = text.ends_with('/') || sources.len() > 1 || glob;
                let folder = folder || self.plan.is_folder(&path::join(&state.folder, &text));
                (sources.to_vec(), text, folder)
            }
            _ => return,
        };
        let target = path::join(&state.folder, &to);
        for source in sources {
            let from = path::join(&state.folder, source.text());
            let at = if into { path::join(&target, path::file_name(&from)) } else { target.clone() };
            if from.contains(['*', '?']) || from.contains(UNKNOWN) {
                for found in self.targets(source.text(), state) {
                    let to = path::join(&target, path::file_name(&found));
                    self.transfer(&found, &to, name, source.span);
                }
                if into {
                    self.put(&target, Shape::Tree, Origin::Built(name.to_owned()), None, source.span);
                } else {
                    self.put(&target, Shape::Unknown, Origin::Built(name.to_owned()), None, source.span);
                }
            } else {
                self.transfer(&from, &at, name, source.span);
            }
            if moves && self.conditional == 0 {
                for gone in self.targets(source.text(), state) {
                    self.forget(&gone);
                }
            }
        }
    }

    /// What stands at `from` stands at `to` as well.
    fn transfer(&mut self, from: &str, to: &str, name: &str, span: Span) {
        let known: Vec<ImageFile> =
            self.plan.files.iter().filter(|file| path::below(from, &file.path).is_some()).cloned().collect();
        let whole = known.iter().any(|file| file.path == from);
        for file in known {
            let rest = path::below(from, &file.path).unwrap_or_default();
            let at = if rest.is_empty() { to.to_owned() } else { path::join(to, rest) };
            self.put(&at, file.shape, file.origin.clone(), file.executable, span);
        }
        if !whole {
            self.put(to, Shape::Unknown, Origin::Built(name.to_owned()), None, span);
        }
    }

    fn forget(&mut self, path: &str) {
        self.plan.files.retain(|file| path::below(path, &file.path).is_none());
    }

    fn delete(&mut self, rest: &[Field], state: &State) {
        if self.conditional > 0 {
            return;
        }
        for field in read(rest, &[]).operands {
            for path in self.targets(field.text(), state) {
                if path != "/" {
                    self.forget(&path);
                }
            }
        }
    }

    fn install(&mut self, rest: &[Field], state: &State) {
        let line = read(rest, &["-m", "-o", "-g", "-t", "-S", "--mode", "--owner", "--group", "--target-directory"]);
        if line.has('d', "directory") {
            self.make_folders(&line.operands, state);
            return;
        }
        // Without -m, install sets 0755.
        let executable = line.value(&["m", "mode"]).map_or(Some(true), |mode| mode_executes(&mode));
        let (sources, to, into) = match (line.value(&["t", "target-directory"]), line.operands.split_last()) {
            (Some(folder), _) => (line.operands.clone(), folder, true),
            (None, Some((last, sources))) if !sources.is_empty() => {
                let text = last.text().to_owned();
                let folder = text.ends_with('/') || sources.len() > 1;
                let folder = folder || self.plan.is_folder(&path::join(&state.folder, &text));
                (sources.to_vec(), text, folder)
            }
            _ => return,
        };
        let target = path::join(&state.folder, &to);
        for source in sources {
            let at = if into { path::join(&target, path::file_name(source.text())) } else { target.clone() };
            let from = path::join(&state.folder, source.text());
            let known = self.plan.files.iter().rev().find(|file| file.path == from).map(|file| file.origin.clone());
            let origin = known.unwrap_or_else(|| Origin::Built("install".to_owned()));
            self.put(&at, Shape::File, origin, executable, source.span);
        }
    }

    fn chmod(&mut self, rest: &[Field], state: &State) {
        let operands: Vec<&Field> = rest
            .iter()
            .filter(|field| {
                let text = field.text();
                // `-x` and `-w` are modes, not options.
                !text.starts_with('-')
                    || text.trim_start_matches('-').chars().all(|c| "rwxX".contains(c)) && text != "-"
            })
            .collect();
        let Some((mode, files)) = operands.split_first() else { return };
        let Some(executable) = mode_executes(mode.text()) else { return };
        let deep = rest.iter().any(|field| matches!(field.text(), "-R" | "--recursive" | "-Rf" | "-vR" | "-Rv"));
        for field in files {
            for path in self.targets(field.text(), state) {
                let mut hit = false;
                for file in &mut self.plan.files {
                    let below = deep && path::below(&path, &file.path).is_some();
                    if file.path == path || below {
                        file.executable = Some(executable);
                        hit = true;
                    }
                }
                if !hit {
                    self.plan.modes.push((path, executable));
                }
            }
        }
    }

    fn curl(&mut self, rest: &[Field], state: &State) {
        const WITH_VALUE: [&str; 20] = [
            "-o",
            "--output",
            "-H",
            "--header",
            "-d",
            "--data",
            "-u",
            "--user",
            "-X",
            "--request",
            "-A",
            "--user-agent",
            "--retry",
            "--connect-timeout",
            "--max-time",
            "-m",
            "--retry-delay",
            "-x",
            "--proto",
            "--output-dir",
        ];
        let line = read(rest, &WITH_VALUE);
        if let Some(file) = line.value(&["o", "output"]) {
            let folder = line.value(&["output-dir"]).unwrap_or_default();
            let at = path::join(&path::join(&state.folder, &folder), &file);
            let span = line.operands.first().map_or(self.whole, |field| field.span);
            self.put(&at, Shape::File, Origin::Built("curl".to_owned()), Some(false), span);
        } else if line.has('O', "remote-name") {
            self.remote_name(&line.operands, &state.folder, "curl");
        }
    }

    fn wget(&mut self, rest: &[Field], state: &State) {
        let with_value = [
            "-O",
            "--output-document",
            "-P",
            "--directory-prefix",
            "-T",
            "-t",
            "-U",
            "--header",
            "--tries",
            "--timeout",
        ];
        let line = read(rest, &with_value);
        match line.value(&["O", "output-document"]) {
            Some(file) if file == "-" => {}
            Some(file) => {
                let at = path::join(&state.folder, &file);
                let span = line.operands.first().map_or(self.whole, |field| field.span);
                self.put(&at, Shape::File, Origin::Built("wget".to_owned()), Some(false), span);
            }
            None => {
                let folder = line.value(&["P", "directory-prefix"]).unwrap_or_default();
                self.remote_name(&line.operands, &path::join(&state.folder, &folder), "wget");
            }
        }
    }

    /// A file that keeps the name that its URL ends in.
    fn remote_name(&mut self, urls: &[&Field], folder: &str, name: &str) {
        for url in urls {
            let text = url.text().split(['?', '#']).next().unwrap_or_default();
            let at = path::join(folder, path::file_name(text));
            self.put(&at, Shape::File, Origin::Built(name.to_owned()), Some(false), url.span);
        }
    }

    /// `tar -x`: the members that are named, else anything below the folder.
    fn tar(&mut self, rest: &[Field], state: &State, whole: Span) {
        let first = rest.first().map(Field::text).unwrap_or_default();
        let line = read(rest, &["-f", "--file", "-C", "--directory", "-T", "-X", "--exclude"]);
        let bundled = !first.starts_with('-');
        let extracts = line.has('x', "extract") || line.has('x', "get") || (bundled && first.contains('x'));
        if !extracts {
            return;
        }
        let folder = line.value(&["C", "directory"]).unwrap_or_default();
        let folder = path::join(&state.folder, &folder);
        let file_given = line.value(&["f", "file"]).is_some();
        // In the old style the letters and the archive are operands.
        let skip = if bundled { 1 + usize::from(first.contains('f')) } else { 0 };
        let strip = line
            .options
            .iter()
            .find_map(|(name, _)| name.strip_prefix("strip-components=").or(name.strip_prefix("strip=")))
            .and_then(|count| count.parse::<usize>().ok());
        let members: Vec<&&Field> =
            line.operands.iter().skip(skip).filter(|_| file_given || bundled || !first.is_empty()).collect();
        for member in &members {
            let parts: Vec<&str> = member.text().split('/').filter(|part| !part.is_empty() && *part != ".").collect();
            let kept = parts.get(strip.unwrap_or(0)..).unwrap_or_default().join("/");
            if !kept.is_empty() && kept.chars().any(|c| c.is_ascii_alphabetic()) {
                self.put(
                    &path::join(&folder, &kept),
                    Shape::Unknown,
                    Origin::Built("tar".to_owned()),
                    None,
                    member.span,
                );
            }
        }
        if members.is_empty() {
            if folder.contains(UNKNOWN) {
                self.unknown(whole, "the folder that the archive is unpacked to is not known", true);
            }
            self.put(&folder, Shape::Tree, Origin::Built("tar".to_owned()), None, whole);
        }
    }

    fn git_clone(&mut self, rest: &[Field], whole: Span, state: &State) {
        let line = read(rest, &["-b", "--branch", "--depth", "-c", "--config", "-o", "-j", "--jobs", "--reference"]);
        let Some(url) = line.operands.first() else { return };
        let name = path::file_name(url.text()).trim_end_matches(".git").to_owned();
        let folder = line.operands.get(1).map_or(name, |folder| folder.text().to_owned());
        self.put(&path::join(&state.folder, &folder), Shape::Tree, Origin::Built("git clone".to_owned()), None, whole);
    }
}
