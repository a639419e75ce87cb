//! What a command does once its words are known: a function, a builtin or a program, and the program that a program runs.

use super::Dialect;
use super::builtin::is_builtin;
use super::expand::{dropped, in_tree, with_blanks};
use super::simple::is_array_assignment;
use super::value::{End, Fields, HOLE, State, Value, add};
use super::walk::{Command, Walker};
use super::wrapped::command_start;
use super::wrapper::{Inner, Wrapper, wrapper};
use std::rc::Rc;

impl Walker<'_> {
    /// Follows one alternative of a command's words.
    pub(super) fn dispatch(&mut self, fields: &[Value], command: Command<'_>, state: &mut State) {
        let Some((first, arguments)) = fields.split_first() else { return };
        let Some(name) = first.constant().map(str::to_owned) else {
            self.dispatched |= command.by_shell;
            self.site(first, command.api, arguments, state);
            self.print_unknown("the output of a program that is not known", command.silent);
            return;
        };
        if name.is_empty() {
            return;
        }
        if !can_name_a_program(&name) {
            let value = Value { unknown: Some(format!("`{name}` is no program's name").into()), ..first.clone() };
            self.site(&value, command.api, arguments, state);
            self.print_unknown("the output of a program that is not known", command.silent);
            return;
        }
        if in_tree(first) {
            self.run_script(first, arguments, command, state);
            return;
        }
        if command.by_shell {
            if let Some(alias) = self.aliases.get(&name).cloned() {
                self.run_alias(&name, &alias, arguments, state);
                return;
            }
            if self.functions.contains_key(&name) {
                let kept = if command.silent { self.capture.take() } else { None };
                self.call(&name, arguments, state);
                if command.silent {
                    self.capture = kept;
                }
                return;
            }
            if self.outer.contains(&name) {
                self.print_unknown("the output of a function of the script that sources this one", command.silent);
                return;
            }
            if is_builtin(self.dialect, &name) || (self.dialect != Dialect::Dash && name == "source") {
                self.builtin(&name, fields, command, state);
                return;
            }
        }
        self.program(fields, &name, command, state);
    }

    /// An alias's text takes the place of its name.
    fn run_alias(&mut self, name: &str, alias: &Value, arguments: &[Value], state: &mut State) {
        let kept = self.aliases.remove(name);
        let mut code = alias.text.clone();
        for argument in arguments {
            code.push_unplaced(" ");
            code.append(&argument.text);
        }
        self.run(code, state);
        if let Some(kept) = kept {
            self.aliases.insert(name.to_owned(), kept);
        }
    }

    /// A program: its site, what it is known to print, and what it runs itself.
    fn program(&mut self, fields: &[Value], name: &str, command: Command<'_>, state: &mut State) {
        let (first, arguments) = (&fields[0], &fields[1..]);
        if let Some(reason) = self.maybe_function(name, command) {
            let value = Value { unknown: Some(reason.into()), ..first.clone() };
            self.site(&value, command.api, arguments, state);
            self.print_unknown("the output of a function that is not known", command.silent);
            return;
        }
        self.site(first, command.api, arguments, state);
        let base = name.rsplit('/').next().unwrap_or(name).to_owned();
        self.print_of(&base, arguments, command);
        if let Some(row) = wrapper(&base) {
            let capture = if row.inner == Inner::Nothing || command.silent { self.capture.take() } else { None };
            self.wrapped(row, arguments, command, state);
            if capture.is_some() {
                self.capture = capture;
            }
        }
    }

    /// Why a name may be a function of a file that was sourced and cannot be read; programs' names rarely have an
    /// underscore.
    fn maybe_function(&self, name: &str, command: Command<'_>) -> Option<String> {
        const PROGRAMS: [&str; 4] = ["mariadb_", "mysql_", "mysqld_", "pg_"];
        if command.by_shell && name == "deactivate" {
            return Some("deactivate is a function of a virtual environment's activate".to_owned());
        }
        if !command.by_shell || !name.contains('_') || name.contains('/') {
            return None;
        }
        if name.starts_with('_') {
            return Some(format!("{name} is named as functions are, and no file that was read defines it"));
        }
        let unread = self.unread.iter().next()?;
        let known = PROGRAMS.iter().any(|prefix| name.starts_with(prefix));
        (!known).then(|| format!("{name} may be a function of {unread}, which is sourced and not in the tree"))
    }

    pub(super) fn print_unknown(&mut self, why: &str, silent: bool) {
        if let Some(capture) = &mut self.capture
            && !silent
        {
            capture.opaque.get_or_insert_with(|| why.to_owned());
        }
    }

    fn print(&mut self, value: Value, silent: bool) {
        if let Some(capture) = &mut self.capture
            && !silent
            && capture.values.len() < 64
        {
            capture.values.push(value);
        }
    }

    /// What a program prints, where that follows from its arguments or the platform.
    fn print_of(&mut self, base: &str, arguments: &[Value], command: Command<'_>) {
        if self.capture.is_none() || command.silent {
            return;
        }
        let operands: Vec<&Value> =
            arguments.iter().filter(|value| !value.constant().is_some_and(|text| text.starts_with('-'))).collect();
        let text = |index: usize| arguments.get(index).and_then(Value::constant);
        let at = arguments.first().and_then(|value| value.at);
        match base {
            "uname" => {
                let machine = match self.context.platform.apk_arch() {
                    "x86" => "i686",
                    "armhf" => "armv6l",
                    "armv7" => "armv7l",
                    other => other,
                };
                let made = match text(0) {
                    None | Some("-s" | "-o") => Some("Linux"),
                    Some("-m" | "-p") => Some(machine),
                    _ => None,
                };
                match made {
                    Some(made) => {
                        let value = Value { platform: true, ..Value::made(made, at) };
                        self.print(value, false);
                    }
                    None => self.print_unknown("the output of uname", false),
                }
            }
            "dirname" => match operands.first().filter(|value| value.constant().is_some()) {
                Some(value) => {
                    let cut = value.text.text().rfind('/').unwrap_or(0);
                    let mut parent = Value { text: value.text.slice(0..cut), ..(*value).clone() };
                    if cut == 0 && !in_tree(value) {
                        parent.text = Value::made(if value.text.text().starts_with('/') { "/" } else { "." }, at).text;
                    }
                    self.print(parent, false);
                }
                None => self.print_unknown("the folder of a path", false),
            },
            "basename" => match operands.first().filter(|value| value.constant().is_some()) {
                Some(value) if !in_tree(value) => {
                    let cut = value.text.text().rfind('/').map_or(0, |slash| slash + 1);
                    let text = value.text.slice(cut..value.text.text().len());
                    self.print(Value { text, ..(*value).clone() }, false);
                }
                _ => self.print_unknown("the name of a path", false),
            },
            "readlink" | "realpath" => match operands.last().filter(|value| value.constant().is_some()) {
                Some(value) => self.print((*value).clone(), false),
                None => self.print_unknown("a path that a link leads to", false),
            },
            "which" => {
                for value in operands {
                    self.print(Value { optional: true, ..value.clone() }, false);
                }
            }
            "cat" if operands.is_empty() => match command.input {
                Some(input) => self.print(input.clone(), false),
                None => self.print_unknown("the output of cat", false),
            },
            _ => self.print_unknown(&format!("the output of {base}"), false),
        }
    }

    /// A command that the shell runs itself.
    fn builtin(&mut self, name: &str, fields: &[Value], command: Command<'_>, state: &mut State) {
        let arguments = &fields[1..];
        let text = |index: usize| arguments.get(index).and_then(Value::constant);
        match name {
            "exec" => {
                let start = command_start(&EXEC, arguments, 0);
                if let Some(start) = start {
                    self.dispatch(&arguments[start..], Command { api: "exec", by_shell: false, ..command }, state);
                    self.end(state, End::Exit);
                }
            }
            "command" => match text(0) {
                Some("-v" | "-V" | "-pv" | "-vp") => {
                    for value in &arguments[1..] {
                        self.print(Value { optional: true, ..value.clone() }, command.silent);
                    }
                }
                _ => {
                    if let Some(start) = command_start(&PLAIN, arguments, 0) {
                        self.unless_function(&arguments[start..], command, state);
                    }
                }
            },
            "builtin" => {
                if let Some(start) = command_start(&PLAIN, arguments, 0)
                    && let Some(inner) = arguments[start].constant().map(str::to_owned)
                    && is_builtin(self.dialect, &inner)
                {
                    self.builtin(&inner, &arguments[start..], command, state);
                }
            }
            "type" | "hash" => {
                for value in arguments.iter().filter(|value| !value.constant().is_some_and(|t| t.starts_with('-'))) {
                    self.print(Value { optional: true, ..value.clone() }, command.silent);
                }
            }
            "eval" => {
                let code = with_blanks(arguments.to_vec());
                let positional = state.positional.clone();
                if code.text.text().replace(HOLE, "").trim().is_empty() {
                    self.run_code(&code, &[], state);
                } else {
                    self.run(code.text, state);
                }
                state.positional = positional;
            }
            "." | "source" => self.source(arguments, state),
            "trap" => self.trap(arguments, state),
            "set" => set(arguments, state),
            "shift" => {
                let count = match arguments.first() {
                    None => Some(1),
                    Some(value) => value.constant().and_then(|text| text.parse().ok()),
                };
                let mut all = Vec::new();
                for fields in state.positional.iter() {
                    match count {
                        Some(count) => add(&mut all, dropped(fields, count)),
                        None => add(&mut all, vec![Value { many: true, ..Value::unknown("arguments after a shift") }]),
                    }
                }
                state.positional = Rc::new(all);
            }
            "export" | "readonly" | "declare" | "typeset" | "local" => self.declare(name, arguments, state),
            "alias" => {
                for value in arguments {
                    if let Some((alias, _)) = value.constant().and_then(|text| text.split_once('=')) {
                        let length = value.text.text().len();
                        let text = value.text.slice(alias.len() + 1..length);
                        self.aliases.insert(alias.to_owned(), Value { text, ..value.clone() });
                    }
                }
            }
            "unalias" => {
                for value in arguments {
                    self.aliases.remove(value.text.text());
                }
            }
            "unset" => {
                for value in arguments {
                    state.assign(value.text.text(), vec![Vec::new()]);
                }
            }
            "read" | "mapfile" | "readarray" | "getopts" => read(name, arguments, command.input, state),
            "printf" if text(0) == Some("-v") => {
                if let Some(name) = text(1) {
                    state.assign(name, vec![vec![Value::unknown("a text that printf puts together")]]);
                }
            }
            "echo" | "printf" => self.echo(name, arguments, command),
            "pwd" => match state.folder.clone() {
                Some(folder) => self.print(folder, command.silent),
                None => self.print_unknown("the working directory", command.silent),
            },
            "cd" | "chdir" | "pushd" => {
                let folder = arguments.iter().find(|value| !value.constant().is_some_and(|t| t.starts_with('-')));
                state.folder = folder.filter(|value| value.constant().is_some()).cloned();
            }
            "exit" => {
                let failure = arguments.first().is_some_and(|status| status.constant() != Some("0"));
                self.end(state, if failure { End::Failure } else { End::Exit });
            }
            "return" => {
                let failure = arguments.first().is_some_and(|status| status.constant() != Some("0"));
                if self.in_function() {
                    self.end(state, End::Return(failure));
                }
            }
            "break" | "continue" => self.end(state, End::Loop),
            _ => {}
        }
    }

    /// `command x` and its kin: a builtin or a program, no function.
    fn unless_function(&mut self, fields: &[Value], command: Command<'_>, state: &mut State) {
        match fields.first().and_then(Value::constant).map(str::to_owned) {
            Some(name) if is_builtin(self.dialect, &name) => self.builtin(&name, fields, command, state),
            _ => self.dispatch(fields, Command { by_shell: false, ..command }, state),
        }
    }

    fn trap(&mut self, arguments: &[Value], state: &State) {
        let mut arguments = arguments;
        if arguments.first().and_then(Value::constant) == Some("--") {
            arguments = &arguments[1..];
        }
        let [code, _, ..] = arguments else { return };
        if matches!(code.constant(), Some("-" | "")) {
            return;
        }
        let outer = self.capture.take();
        let mut inner = state.clone();
        let positional = inner.positional.as_ref().first().cloned().unwrap_or_default();
        self.run_code(code, &positional, &mut inner);
        self.capture = outer;
    }

    fn echo(&mut self, name: &str, arguments: &[Value], command: Command<'_>) {
        if self.capture.is_none() || command.silent {
            return;
        }
        let mut rest = arguments;
        if name == "echo" {
            while rest
                .first()
                .and_then(Value::constant)
                .is_some_and(|text| matches!(text, "-n" | "-e" | "-ne" | "-en" | "-E"))
            {
                rest = &rest[1..];
            }
        } else {
            rest = match rest.first().and_then(Value::constant) {
                Some("%s" | "%s\\n" | "%s ") => &rest[1..],
                Some(format) if !format.contains(['%', '\\']) => rest,
                _ => {
                    self.print_unknown("a text that printf puts together", false);
                    return;
                }
            };
        }
        let mut value = with_blanks(rest.to_vec());
        value.many = false;
        self.print(value, false);
    }

    fn declare(&mut self, name: &str, arguments: &[Value], state: &mut State) {
        for value in arguments {
            let text = value.text.text();
            let variable = text.split('=').next().unwrap_or("").trim_end_matches('+').to_owned();
            if !is_variable(&variable) {
                continue;
            }
            if name == "local" || (self.in_function() && matches!(name, "declare" | "typeset")) {
                self.local(&variable, state);
            }
            if is_array_assignment(text) {
                let code = super::parse::Code::new(value.text.clone());
                let length = code.text().len();
                self.assignment(&code, 0..length, state);
            } else if text.contains('=') {
                let length = text.len();
                let value_text = value.text.slice(text.find('=').map_or(length, |equals| equals + 1)..length);
                let own = Value { text: value_text, place: value.place, ..value.clone() };
                let own = own.step(format!("variable {variable}"), value.at);
                state.assign(&variable, vec![vec![own]]);
            } else if name == "local" {
                state.assign(&variable, vec![Vec::new()]);
            }
        }
    }
}

static EXEC: Wrapper = Wrapper {
    name: "exec",
    short: "a",
    long: &[],
    split: "",
    assignments: false,
    inner: Inner::Command(0),
    source: "",
};
pub(super) const PLAIN: Wrapper = Wrapper {
    name: "command",
    short: "",
    long: &[],
    split: "",
    assignments: false,
    inner: Inner::Command(0),
    source: "",
};

/// Whether a word that stands as a command can be one: an option that lost its command, or a text in which quotes and
/// operators are left, cannot.
fn can_name_a_program(name: &str) -> bool {
    let odd = |c: char| {
        c.is_control()
            || matches!(c, '"' | '\'' | '`' | '$' | ';' | '|' | '&' | '<' | '>' | '(' | ')' | '{' | '}' | '*' | '?')
    };
    !name.starts_with('-') && !name.contains(odd) && !name.contains(HOLE) && (name.contains('/') || !name.contains(' '))
}

pub(super) fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// `set -- a b`, `set a b`: the positional parameters. Options alone change nothing that is followed.
fn set(arguments: &[Value], state: &mut State) {
    let mut rest = arguments;
    while let Some(text) = rest.first().and_then(Value::constant) {
        match text {
            "--" => {
                state.positional = Rc::new(vec![rest[1..].to_vec()]);
                return;
            }
            "-o" | "+o" => rest = rest.get(2..).unwrap_or_default(),
            _ if text.starts_with(['-', '+']) => {
                rest = &rest[1..];
                if text.ends_with('o') && !rest.is_empty() {
                    rest = &rest[1..];
                }
            }
            _ => break,
        }
    }
    if !rest.is_empty() {
        state.positional = Rc::new(vec![rest.to_vec()]);
    }
}

/// What is read from outside is not known.
fn read(name: &str, arguments: &[Value], input: Option<&Value>, state: &mut State) {
    let names: Vec<&str> = arguments.iter().filter_map(Value::constant).filter(|text| is_variable(text)).collect();
    if name == "getopts" {
        state.assign("OPTARG", vec![vec![Value::unknown("the value of an option")]]);
    }
    for variable in &names {
        let value = match input {
            Some(input) if names.len() == 1 && name == "read" => {
                words_of(input).into_iter().map(|word| vec![word]).take(32).collect()
            }
            _ => vec![vec![Value::unknown("what is read from the standard input")]],
        };
        state.assign(variable, value);
    }
}

/// A value's words, split at blanks and line breaks.
pub(super) fn words_of(value: &Value) -> Fields {
    let text = value.text.text();
    let mut words = Fields::new();
    let mut at = 0;
    for word in text.split([' ', '\t', '\n']) {
        if !word.is_empty() {
            let unknown = value.unknown.clone().filter(|_| word.contains(HOLE));
            words.push(Value { text: value.text.slice(at..at + word.len()), unknown, ..value.clone() });
        }
        at += word.len() + 1;
    }
    words
}
