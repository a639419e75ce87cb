//! What a wrapper runs: where its command, its shell code or its script stands in its arguments, and how that is read.

use super::Dialect;
use super::command::{is_variable, words_of};
use super::expand::with_blanks;
use super::value::{Fields, HOLE, State, Value};
use super::walk::{Command, Walker};
use super::wrapper::{Inner, Wrapper};
use std::rc::Rc;

impl Walker<'_> {
    /// What a wrapper runs.
    pub(super) fn wrapped(&mut self, row: &Wrapper, arguments: &[Value], command: Command<'_>, state: &mut State) {
        let api = row.name;
        let inner = Command { api, by_shell: false, ..command };
        match row.inner {
            Inner::Nothing => {}
            Inner::Command(operands) => {
                if let Some((letter, code)) = split_option(row, arguments) {
                    let mut fields = words_of(&arguments[letter]);
                    fields.extend_from_slice(&arguments[code..]);
                    self.run_command(&dropped_assignments(&fields), inner, state);
                } else if let Some(start) = command_start(row, arguments, operands) {
                    let rest = &arguments[start..];
                    let rest = if row.name == "parallel" { until(rest, &[":::", "::::", ":::+"]) } else { rest };
                    self.run_command(rest, inner, state);
                }
            }
            Inner::Code => {
                if let Some(start) = command_start(row, arguments, 0) {
                    self.run_code(&with_blanks(arguments[start..].to_vec()), &[], state);
                }
            }
            Inner::CommandOrCode(operands) => {
                if let Some(start) = command_start(row, arguments, operands) {
                    match arguments[start..].split_first() {
                        Some((flag, code)) if matches!(flag.constant(), Some("-c" | "--command")) => {
                            self.run_code(&with_blanks(code.to_vec()), &[], state);
                        }
                        _ => self.run_command(&arguments[start..], inner, state),
                    }
                }
            }
            Inner::Shell => self.shell(row, arguments, command, state),
            Inner::Su => self.su(row, arguments, inner, state),
            Inner::Find => {
                for (index, value) in arguments.iter().enumerate() {
                    if matches!(value.constant(), Some("-exec" | "-execdir" | "-ok" | "-okdir")) {
                        let rest = until(&arguments[index + 1..], &[";", "+"]);
                        self.run_command(rest, Command { api: "find -exec", ..inner }, state);
                    }
                }
            }
            Inner::Applet => {
                if arguments.first().and_then(Value::constant).is_none_or(|text| !text.starts_with('-')) {
                    self.run_command(arguments, inner, state);
                }
            }
            Inner::Root => {
                if let Some(start) = command_start(row, arguments, 1)
                    && arguments[start - 1].constant() == Some("/")
                {
                    self.run_command(&arguments[start..], inner, state);
                }
            }
            Inner::Namespace => {
                let elsewhere = |text: &str| {
                    matches!(text, "--mount" | "--all")
                        || text.starts_with("--mount=")
                        || text.starts_with("-m")
                        || text.starts_with("-a")
                };
                let start = command_start(row, arguments, 0);
                let options = &arguments[..start.unwrap_or(arguments.len())];
                if !options.iter().filter_map(Value::constant).any(elsewhere)
                    && let Some(start) = start
                {
                    self.run_command(&arguments[start..], inner, state);
                }
            }
            Inner::Daemon => self.daemon(arguments, inner, state),
        }
    }

    fn run_command(&mut self, fields: &[Value], command: Command<'_>, state: &mut State) {
        let mut inner = state.clone();
        if fields.first().and_then(Value::constant) == Some("{}") {
            let value = Value { unknown: Some("the files that are found".into()), ..fields[0].clone() };
            self.site(&value, command.api, &[], state);
            return;
        }
        if self.depth < 200 {
            self.depth += 4;
            self.dispatch(fields, command, &mut inner);
            self.depth -= 4;
        }
    }

    /// Reads a value as shell code.
    pub(super) fn run_code(&mut self, code: &Value, arguments: &[Value], state: &mut State) {
        let text = code.text.text();
        if text.replace(HOLE, "").trim().is_empty() {
            if code.unknown.is_some() {
                self.dispatched = true;
                self.site(code, "eval", &[], state);
            }
            return;
        }
        let outer = std::mem::replace(&mut state.positional, Rc::new(vec![arguments.to_vec()]));
        self.run(code.text.clone(), state);
        state.positional = outer;
    }

    fn shell(&mut self, row: &Wrapper, arguments: &[Value], command: Command<'_>, state: &mut State) {
        let dialect = match row.name {
            "bash" => Dialect::Bash,
            "ash" => Dialect::Ash,
            "dash" => Dialect::Dash,
            "sh" if self.dialect == Dialect::Bash => Dialect::Posix,
            "sh" => self.dialect,
            _ => Dialect::Bash,
        };
        let (mut at, mut takes_code, mut reads_input) = (0, false, false);
        while let Some(text) = arguments.get(at).and_then(Value::constant) {
            if text == "--" || text == "-" {
                at += 1;
                break;
            }
            if !text.starts_with(['-', '+']) || text.len() < 2 {
                break;
            }
            if text.starts_with("--") {
                at += 1 + usize::from(row.long.contains(&text));
                continue;
            }
            takes_code |= text.starts_with('-') && text.contains('c');
            reads_input |= text.starts_with('-') && text.contains('s');
            at += 1 + usize::from(text.ends_with(['o', 'O']));
        }
        let operands = arguments.get(at..).unwrap_or_default();
        let outer = std::mem::replace(&mut self.dialect, dialect);
        let mut inner = state.clone();
        match operands.split_first() {
            Some((code, rest)) if takes_code => self.run_code(code, rest.get(1..).unwrap_or_default(), &mut inner),
            Some((script, rest)) if !reads_input => self.shell_script(script, rest, &inner),
            _ => {
                if let Some(input) = command.input {
                    self.run_code(input, operands, &mut inner);
                }
            }
        }
        self.dialect = outer;
    }

    fn su(&mut self, row: &Wrapper, arguments: &[Value], command: Command<'_>, state: &mut State) {
        let mut code: Option<&Value> = None;
        let (mut user, mut after_dashes, mut operands) = (false, None, 0);
        let mut at = 0;
        while let Some(value) = arguments.get(at) {
            let text = value.constant().unwrap_or("x");
            let next = arguments.get(at + 1);
            match text {
                "-c" | "--command" | "--session-command" => code = next,
                "-s" | "--shell" => {
                    if let Some(shell) = next {
                        self.site(shell, row.name, &[], state);
                    }
                }
                "-u" | "--user" => user = true,
                "--" => {
                    after_dashes = Some(at + 1);
                    break;
                }
                _ if !text.starts_with('-') => {
                    operands += 1;
                    if user && operands == 1 {
                        after_dashes = Some(at);
                        break;
                    }
                }
                _ => {}
            }
            let takes = text.len() == 2 && text.starts_with('-') && row.short.contains(&text[1..]);
            at += 1 + usize::from(takes || row.long.contains(&text));
        }
        if let Some(code) = code {
            self.run_code(code, &[], &mut state.clone());
        } else if let (true, Some(start)) = (user, after_dashes) {
            self.run_command(arguments.get(start..).unwrap_or_default(), command, state);
        }
    }

    fn daemon(&mut self, arguments: &[Value], command: Command<'_>, state: &State) {
        let mut program: Option<Value> = None;
        for (index, value) in arguments.iter().enumerate() {
            let Some(text) = value.constant() else { continue };
            if text == "--" {
                break;
            }
            match text {
                "-x" | "--exec" | "-a" | "--startas" => program = arguments.get(index + 1).cloned().or(program),
                _ => {
                    if let Some(path) = text.strip_prefix("--exec=").or_else(|| text.strip_prefix("--startas=")) {
                        let length = text.len();
                        program = Some(Value { text: value.text.slice(length - path.len()..length), ..value.clone() });
                    }
                }
            }
        }
        if let Some(program) = program {
            self.run_command(&[program], command, &mut state.clone());
        }
    }
}

fn until<'v>(fields: &'v [Value], ends: &[&str]) -> &'v [Value] {
    let end = fields.iter().position(|value| value.constant().is_some_and(|text| ends.contains(&text)));
    &fields[..end.unwrap_or(fields.len())]
}

fn is_assignment(value: &Value) -> bool {
    value.text.text().split_once('=').is_some_and(|(name, _)| is_variable(name))
}

fn dropped_assignments(fields: &[Value]) -> Fields {
    fields.iter().skip_while(|value| is_assignment(value)).cloned().collect()
}

/// `env -S 'a b'`: where the text to split stands, and where the words after it begin.
fn split_option(row: &Wrapper, arguments: &[Value]) -> Option<(usize, usize)> {
    if row.split.is_empty() {
        return None;
    }
    let at = arguments.iter().position(|value| {
        value.constant().is_some_and(|text| {
            matches!(text, "--split-string")
                || text.strip_prefix('-').is_some_and(|flags| flags.ends_with(row.split) && !flags.starts_with('-'))
        })
    })?;
    (at + 1 < arguments.len()).then_some((at + 1, at + 2))
}

/// Where a wrapper's command begins in its arguments: after its options, its assignments and so many operands.
pub(super) fn command_start(row: &Wrapper, arguments: &[Value], operands: usize) -> Option<usize> {
    let mut at = 0;
    let mut left = operands;
    let mut options = true;
    loop {
        let value = arguments.get(at)?;
        let text = value.constant();
        // A word of which only the beginning is known can still be seen to be an option.
        let text = text.or_else(|| Some(value.text.text()).filter(|text| text.starts_with('-') && !value.many));
        if options && let Some(text) = text {
            if text == "--" {
                options = false;
                at += 1;
                continue;
            }
            if let Some(long) = text.strip_prefix("--") {
                at += 1 + usize::from(!long.contains('=') && row.long.contains(&text));
                continue;
            }
            if text.starts_with('-') {
                at += 1 + usize::from(takes_next(row, text));
                continue;
            }
        }
        if row.assignments && is_assignment(value) {
            at += 1;
            continue;
        }
        if left == 0 || value.many {
            return Some(at);
        }
        // After the first operand an option is the command's own; a wrapper's may follow its operands before that.
        left -= 1;
        at += 1;
        options = options && left > 0;
        if left == 0 && row.inner == Inner::CommandOrCode(1) {
            return (at < arguments.len()).then_some(at);
        }
    }
}

/// Whether a cluster of short options ends in one whose value is the next word.
pub(super) fn takes_next(row: &Wrapper, text: &str) -> bool {
    let (next, attached) = row.short.split_once('?').unwrap_or((row.short, ""));
    let mut letters = text[1..].chars().peekable();
    while let Some(letter) = letters.next() {
        if attached.contains(letter) {
            return false;
        }
        if next.contains(letter) {
            return letters.peek().is_none();
        }
    }
    false
}
