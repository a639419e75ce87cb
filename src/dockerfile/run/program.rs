//! The commands of a `RUN` and who reads them: wrappers taken off, builtins followed, the rest by the program's name.

use super::words::Field;
use super::{Output, Runner, State, UNKNOWN, Verdict};
use crate::dockerfile::model::HereDoc;
use crate::dockerfile::path;
use crate::dockerfile::plan::{Origin, Presence, Shape};
use crate::file::{MappedText, Span};

/// Programs that put no program into an image and take none away, whatever their arguments.
static HARMLESS: [&str; 193] = [
    "[",
    "a2disconf",
    "a2dismod",
    "a2dissite",
    "a2enconf",
    "a2enmod",
    "a2ensite",
    "add-apt-repository",
    "addgroup",
    "adduser",
    "apt-add-repository",
    "apt-cache",
    "apt-config",
    "apt-key",
    "apt-mark",
    "arch",
    "autoconf",
    "autoreconf",
    "awk",
    "base64",
    "basename",
    "break",
    "bunzip2",
    "bzcat",
    "bzip2",
    "c_rehash",
    "cat",
    "chattr",
    "chgrp",
    "chown",
    "chpasswd",
    "chsh",
    "cksum",
    "clear",
    "cmp",
    "comm",
    "command",
    "continue",
    "crontab",
    "curl-config",
    "cut",
    "date",
    "debconf-set-selections",
    "delgroup",
    "deluser",
    "df",
    "diff",
    "dirmngr",
    "dirname",
    "docker-php-ext-configure",
    "docker-php-ext-enable",
    "docker-php-ext-install",
    "docker-php-source",
    "dos2unix",
    "dpkg-architecture",
    "dpkg-divert",
    "dpkg-query",
    "dpkg-reconfigure",
    "du",
    "echo",
    "egrep",
    "env",
    "envsubst",
    "expr",
    "false",
    "fc-cache",
    "fgrep",
    "file",
    "filterdiff",
    "fold",
    "gawk",
    "getcap",
    "getconf",
    "getent",
    "getopt",
    "git-lfs",
    "gpasswd",
    "gpg",
    "gpg-agent",
    "gpg1",
    "gpgconf",
    "gpgv",
    "grep",
    "groupadd",
    "groupdel",
    "groupmod",
    "hash",
    "head",
    "hexdump",
    "hostname",
    "id",
    "jq",
    "kill",
    "ldconfig",
    "ldd",
    "less",
    "local",
    "locale",
    "locale-gen",
    "localedef",
    "logger",
    "ls",
    "lsattr",
    "md5sum",
    "mkdir",
    "mkfifo",
    "mktemp",
    "mount",
    "newaliases",
    "nl",
    "nproc",
    "od",
    "openssl",
    "passwd",
    "paste",
    "patch",
    "pecl",
    "pgrep",
    "phpdismod",
    "phpenmod",
    "pkill",
    "postalias",
    "postconf",
    "postmap",
    "printenv",
    "printf",
    "ps",
    "pwd",
    "rabbitmq-plugins",
    "rc-service",
    "rc-update",
    "read",
    "readelf",
    "readlink",
    "readonly",
    "realpath",
    "rev",
    "rmdir",
    "scanelf",
    "sed",
    "seq",
    "service",
    "setcap",
    "setfacl",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "shasum",
    "shift",
    "sleep",
    "sort",
    "ssh-keygen",
    "ssh-keyscan",
    "stat",
    "strip",
    "stty",
    "sum",
    "sync",
    "sysctl",
    "systemctl",
    "tac",
    "tail",
    "tr",
    "trap",
    "true",
    "truncate",
    "tty",
    "type",
    "ulimit",
    "umask",
    "uname",
    "unattended-upgrade",
    "uniq",
    "unset",
    "update-ca-certificates",
    "update-locale",
    "updatedb",
    "useradd",
    "userdel",
    "usermod",
    "visudo",
    "wait",
    "wc",
    "which",
    "whoami",
    "xx-info",
    "xx-verify",
    "xxd",
    "xzcat",
    "yes",
    "yum-config-manager",
    "zcat",
    "zgrep",
];

impl Runner<'_> {
    /// Follows one command.
    pub(super) fn dispatch(&mut self, fields: &[Field], output: &Output, state: &mut State) -> Verdict {
        let fields = unwrapped(fields);
        let first = fields.first()?;
        let whole = fields.last().map_or(first.span, |last| first.span.to(last.span));
        if !first.is_known() {
            self.unknown(whole, "which program runs here is not known", true);
            return None;
        }
        let name = path::file_name(first.text()).to_owned();
        let rest = &fields[1..];
        self.written(&name, rest, output, state);
        let folder = first.text().rsplit_once('/').map(|(folder, _)| folder);
        let standard = |folder: &str| folder.starts_with("/usr/") || matches!(folder, "/bin" | "/sbin");
        // What these write is for `make`, which is not known anyway.
        let prepares = matches!(name.as_str(), "configure" | "config" | "Configure" | "autogen.sh" | "buildconf");
        if prepares {
            return None;
        }
        if !is_harmless(&name) && self.script(first.text(), rest, state) {
            return None;
        }
        if folder.is_some_and(|folder| !standard(folder)) && !is_smoke_test(rest) {
            // A program of the project or of a download, whatever its name.
            self.unknown(whole, format!("what `{}` does to the image is not known", first.text()), true);
            return None;
        }
        if let Some(verdict) = self.builtin(&name, rest, whole, state) {
            return verdict;
        }
        if let Some(function) = state.functions.get(first.text()).cloned() {
            self.call(&function, rest, state);
            return None;
        }
        if self.file_command(&name, rest, whole, state) || self.install_command(&name, rest, whole, state) {
            return None;
        }
        match name.as_str() {
            "apk" => self.apk(rest, whole),
            "update-alternatives" => self.alternatives(rest, state),
            "sh" | "bash" | "ash" | "dash" | "su" => self.shell(&name, rest, output, whole, state),
            _ if is_harmless(&name) => {}
            _ if is_smoke_test(rest) => {}
            _ => self.unknown(whole, format!("what `{name}` does to the image is not known"), true),
        }
        None
    }

    /// The shell's own commands; nothing where the name is none.
    fn builtin(&mut self, name: &str, rest: &[Field], whole: Span, state: &mut State) -> Option<Verdict> {
        match name {
            "cd" => {
                let to = rest.iter().find(|field| !field.text().starts_with('-'));
                state.folder = match to {
                    Some(to) => path::join(&state.folder, to.text()),
                    None => format!("/{UNKNOWN}"),
                };
            }
            "export" | "declare" | "typeset" | "local" | "readonly" => {
                for field in rest {
                    if let Some((name, value)) = field.text().split_once('=') {
                        state.variables.insert(name.to_owned(), value.to_owned());
                    }
                }
            }
            "unset" => {
                for field in rest {
                    state.variables.remove(field.text());
                }
            }
            "set" => {
                // `set -- a b` gives new arguments; options change nothing here.
                if let Some(at) = rest.iter().position(|field| field.text() == "--") {
                    self.arguments(&rest[at + 1..], state);
                }
            }
            "exit" | "return" => state.ended = true,
            "true" | ":" => return Some(Some(true)),
            "false" => return Some(Some(false)),
            "[" | "test" => return Some(test(rest)),
            "eval" => {
                let mut text = MappedText::new();
                for field in rest {
                    text.append(&field.mapped);
                    text.push(" ", Span { start: field.span.end, ..field.span });
                }
                self.known_text(text, whole, state);
            }
            "." | "source" => {
                let harmless = rest.first().is_some_and(|file| {
                    file.text().starts_with("/etc/")
                        || file.text().ends_with("/env")
                        || file.text().ends_with("/activate")
                });
                if !harmless {
                    self.unknown(whole, "what the sourced file does is not known", true);
                }
            }
            _ => return None,
        }
        Some(None)
    }

    fn arguments(&mut self, values: &[Field], state: &mut State) {
        for (index, value) in values.iter().enumerate() {
            state.variables.insert((index + 1).to_string(), value.text().to_owned());
        }
        let all: Vec<&str> = values.iter().map(Field::text).collect();
        state.variables.insert("@".to_owned(), all.join(" "));
        state.variables.insert("*".to_owned(), all.join(" "));
    }

    fn call(&mut self, function: &super::Function, arguments: &[Field], state: &mut State) {
        let positional =
            |name: &String| name.starts_with(|c: char| c.is_ascii_digit()) || matches!(name.as_str(), "@" | "*");
        let kept: Vec<(String, String)> = state
            .variables
            .iter()
            .filter(|(name, _)| positional(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        state.variables.retain(|name, _| !positional(name));
        self.arguments(arguments, state);
        if self.depth < super::MAX_DEPTH {
            self.depth += 1;
            self.compound(&function.code, &function.body, state);
            self.depth -= 1;
        }
        state.ended = false;
        state.variables.retain(|name, _| !positional(name));
        state.variables.extend(kept);
    }

    /// `sh -c TEXT`, `su USER -c TEXT`, `sh <<EOF`.
    fn shell(&mut self, name: &str, rest: &[Field], output: &Output, whole: Span, state: &mut State) {
        let flag = rest.iter().position(|field| {
            let text = field.text();
            text == "--command" || (text.starts_with('-') && !text.starts_with("--") && text.ends_with('c'))
        });
        if let Some(text) = flag.and_then(|at| rest.get(at + 1)) {
            self.known_text(text.mapped.clone(), whole, &mut state.clone());
            return;
        }
        let operand = rest.iter().position(|field| !field.text().starts_with(['-', '+']));
        if let Some(at) = operand.filter(|_| name != "su")
            && self.script(rest[at].text(), &rest[at + 1..], state)
        {
            return;
        }
        let operand = operand.is_some();
        match &output.input {
            Some(input) if !operand && name != "su" => self.text(input.clone(), &mut state.clone()),
            _ => self.unknown(whole, format!("what the script that `{name}` reads does is not known"), true),
        }
    }

    fn known_text(&mut self, text: MappedText, whole: Span, state: &mut State) {
        if text.text().contains(UNKNOWN) && text.text().trim_matches([UNKNOWN, ' ']).is_empty() {
            self.unknown(whole, "the text that the shell reads is not known", true);
        } else {
            self.text(text, state);
        }
    }

    /// `update-alternatives --install LINK NAME PATH PRIORITY [--slave LINK NAME PATH]…` makes links.
    fn alternatives(&mut self, rest: &[Field], state: &State) {
        for (at, field) in rest.iter().enumerate() {
            if matches!(field.text(), "--install" | "--slave")
                && let (Some(link), Some(target)) = (rest.get(at + 1), rest.get(at + 3))
            {
                let path = path::join(&state.folder, link.text());
                self.put(&path, Shape::File, Origin::Link(target.text().to_owned()), None, link.span);
            }
        }
    }

    /// A script of the build context that the command runs, read as if its text stood here; whether there is one.
    fn script(&mut self, name: &str, rest: &[Field], state: &State) -> bool {
        /// How many scripts may run each other.
        const DEEPEST: u32 = 4;
        let at = if name.contains('/') || name.ends_with(".sh") {
            vec![path::join(&state.folder, name)]
        } else {
            self.plan.path_folders().iter().map(|folder| path::join(folder, name)).collect()
        };
        let Some(source) = at.iter().find_map(|at| self.context_path(at)) else { return false };
        let Some(context) = self.context.filter(|_| self.scripts < DEEPEST) else { return false };
        let tree = context.tree();
        let Ok(file) = tree.read(&context.tree_path(&source)) else { return false };
        let text = tree.files().get(file);
        let first = text.text().lines().next().unwrap_or_default();
        let is_shell = match first.strip_prefix("#!") {
            Some(interpreter) => interpreter.trim_end().split(['/', ' ']).any(is_shell_name),
            None => name.ends_with(".sh"),
        };
        if !is_shell {
            return false;
        }
        let mapped = MappedText::verbatim(tree.files(), Span::new(file, 0, text.text().len()));
        let mut inner = state.clone();
        self.arguments(rest, &mut inner);
        self.scripts += 1;
        self.text(mapped, &mut inner);
        self.scripts -= 1;
        true
    }

    /// Where a path of the image stands in the build context while the command runs.
    fn context_path(&self, at: &str) -> Option<String> {
        let bound = self.binds.iter().filter(|bind| bind.from.is_none()).find_map(|bind| {
            let rest = path::below(&bind.target, at)?;
            Some(path::join(&format!("/{}", bind.source), rest))
        });
        let copied = || {
            let (file, rest) = match self.plan.presence(at) {
                Presence::Provided(file) => (file, ""),
                Presence::Within(file) => (file, path::below(&file.path, at)?),
                Presence::Unnamed => return None,
            };
            let Origin::Context(source) = &file.origin else { return None };
            Some(path::join(&format!("/{source}"), rest))
        };
        bound.or_else(copied).map(|found| found.trim_start_matches('/').to_owned())
    }

    /// The files that a command's output goes to.
    fn written(&mut self, name: &str, rest: &[Field], output: &Output, state: &State) {
        let mut files = output.files.clone();
        if name == "tee" {
            let operands = rest.iter().filter(|field| !field.text().starts_with('-'));
            files.extend(operands.map(|field| (path::join(&state.folder, field.text()), field.span)));
        }
        for (path, span) in files {
            let text = match (name, &output.input) {
                ("cat" | "tee", Some(input)) => Some(input.clone()),
                ("echo" | "printf", _) => printed(name, rest),
                _ => None,
            };
            let text = text.filter(|text| text.text().starts_with("#!") && !text.text().contains(UNKNOWN));
            let origin = match text {
                Some(text) => Origin::HereDoc(HereDoc { delimiter: String::new(), expand: false, span, text }),
                None => Origin::Built(name.to_owned()),
            };
            self.put(&path, Shape::File, origin, None, span);
        }
    }
}

fn is_shell_name(word: &str) -> bool {
    matches!(word, "sh" | "bash" | "ash" | "dash")
}

/// Whether a program puts no program into an image, whatever its arguments.
pub(super) fn is_harmless(name: &str) -> bool {
    HARMLESS.binary_search(&name).is_ok()
}

/// What `echo` or `printf` prints, where it is one known text.
fn printed(name: &str, rest: &[Field]) -> Option<MappedText> {
    let operands: Vec<&Field> =
        rest.iter().filter(|field| !matches!(field.text(), "-e" | "-n" | "-en" | "-ne")).collect();
    let [only] = operands.as_slice() else { return None };
    if name == "printf" && only.text().contains('%') {
        return None;
    }
    if !only.text().contains("\\n") {
        return Some(only.mapped.clone());
    }
    let mut text = MappedText::new();
    text.push(&only.text().replace("\\n", "\n"), only.span);
    Some(text)
}

/// The command behind `sudo`, `env X=y`, `exec`, `time` and the like.
fn unwrapped(fields: &[Field]) -> &[Field] {
    let mut fields = fields;
    for _ in 0..16 {
        let Some((first, rest)) = fields.split_first() else { return fields };
        let mut at = 0;
        // The options of these that take a value, and their operands before the command.
        let (with_value, operands): (&[&str], usize) = match path::file_name(first.text()) {
            "sudo" | "doas" => (&["-u", "-g"], 0),
            "env" => (&["-u", "-C"], 0),
            "nice" => (&["-n"], 0),
            "timeout" => (&["-s", "-k"], 1),
            "exec" | "builtin" | "nohup" | "time" | "eatmydata" | "setsid" => (&[], 0),
            "command" if !rest.first().is_some_and(|field| matches!(field.text(), "-v" | "-V")) => (&[], 0),
            "su-exec" | "gosu" => (&[], 1),
            _ => return fields,
        };
        while let Some(field) = rest.get(at) {
            let text = field.text();
            if with_value.contains(&text) {
                at += 2;
            } else if text.starts_with('-') || (text.contains('=') && !text.starts_with('/')) {
                at += 1;
            } else {
                break;
            }
        }
        fields = rest.get(at + operands..).unwrap_or_default();
    }
    fields
}

/// `[ a = b ]`, `[ -n x ]` and their kin, where both sides are known.
fn test(rest: &[Field]) -> Verdict {
    let words: Vec<&Field> = rest.iter().filter(|field| field.text() != "]").collect();
    let (negated, words) = match words.split_first() {
        Some((first, rest)) if first.text() == "!" => (true, rest),
        _ => (false, words.as_slice()),
    };
    if words.iter().any(|word| !word.is_known()) {
        return None;
    }
    let texts: Vec<&str> = words.iter().map(|word| word.text()).collect();
    let verdict = match texts.as_slice() {
        [a, "=" | "==", b] => a == b,
        [a, "!=", b] => a != b,
        ["-n", text] | [text] => !text.is_empty(),
        ["-z", text] => text.is_empty(),
        _ => return None,
    };
    Some(verdict != negated)
}

/// `x --version` and the like: a look, not a change.
fn is_smoke_test(rest: &[Field]) -> bool {
    let looks = ["--help", "--version", "-V", "-v", "-version", "help", "version"];
    matches!(rest, [only] if looks.contains(&only.text()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_sorted() {
        assert!(super::HARMLESS.is_sorted());
    }
}
