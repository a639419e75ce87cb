//! What well-known functions without sources make of their arguments: texts, lists, paths, the environment.
//!
//! A function that is not here gives a hole that names it.

use super::engine::Engine;
use super::syntax::{ExprKind, Source};
use super::texts::{self, Ends, Words};
use super::types::At;
use super::value::{Context, Item, Kind, List, Part, Set, Value};
use std::rc::Rc;

/// What is said of an element of `filepath.SplitList`.
const FOLDER_OF_PATH: &str = "a folder of a list of folders";

impl Engine<'_> {
    /// The values of a call's argument.
    pub(crate) fn argument(&mut self, call: At, index: usize, context: Context) -> Set {
        let ExprKind::Call { args, .. } = self.program.syntax(call.unit).kind(call.expr) else { return Set::default() };
        match args.get(index) {
            Some(&expr) => self.eval(At { unit: call.unit, expr }, context),
            None => Set::default(),
        }
    }

    /// The text of an argument that has one known value.
    fn known_argument(&mut self, call: At, index: usize, context: Context) -> Option<String> {
        self.argument(call, index, context).values.first().and_then(Value::known_text)
    }

    /// The `index`th result of a function without sources.
    pub(crate) fn eval_external(&mut self, call: At, import: &str, name: &str, index: u32, context: Context) -> Set {
        let syntax = self.program.syntax(call.unit);
        let ExprKind::Call { args, .. } = syntax.kind(call.expr) else { return Set::default() };
        let count = args.len();
        let span = syntax.expr_span(call.expr);
        if let Some(set) = self.eval_flag(call, import, name, index, context) {
            return set;
        }
        if index > 0 {
            return self.later_result(call, import, name, index, context);
        }
        match (import, name) {
            ("strings" | "bytes", _) => self.eval_text_function(call, name, context),
            ("path" | "path/filepath", _) => self.eval_path_function(call, name, context),
            ("sync", "OnceValue" | "OnceFunc" | "OnceValues")
            | ("slices", "Clone" | "Insert" | "Compact")
            | ("strconv", "Itoa" | "FormatInt" | "FormatUint")
            | ("text/template" | "html/template", "Must") => self.argument(call, 0, context),
            ("os/exec" | "golang.org/x/sys/execabs" | "github.com/cli/safeexec", "LookPath") => {
                let mut set = self.argument(call, 0, context);
                if self.copes_with_absence(call) {
                    set.values.iter_mut().for_each(|value| value.optional = true);
                }
                set
            }
            ("fmt", "Sprintf") => self.sprintf(call, 0, context),
            ("fmt", "Sprint") => {
                let mut set = Set::one(Value::new(Kind::Text(Vec::new())));
                for index in 0..count {
                    let next = self.argument(call, index, context);
                    set = self.join_texts(&set, &next);
                }
                set
            }
            (
                "github.com/kballard/go-shellquote"
                | "github.com/google/shlex"
                | "github.com/anmitsu/go-shlex"
                | "github.com/mattn/go-shellwords"
                | "github.com/buildkite/shellwords",
                "Split" | "Parse" | "Parser.Parse" | "SplitPosix",
            )
            | ("github.com/mgutz/str", "ToArgv") => self.split(call, context, &texts::command_line),
            ("cmp", "Or") => {
                let mut set = Set::default();
                for index in 0..count {
                    let next = self.argument(call, index, context);
                    let settled = !next.is_empty()
                        && next.values.iter().all(|value| value.known_text().is_some_and(|text| !text.is_empty()));
                    set.extend(if index == 0 { next } else { next.defaults() });
                    if settled {
                        break;
                    }
                }
                set
            }
            ("os", "Getenv" | "LookupEnv") | ("syscall", "Getenv") => self.environment(call, context),
            ("os", "ExpandEnv") => {
                let env = self.env;
                let set = self.argument(call, 0, context);
                set.map_parts(|parts| texts::expanded(parts, &|name| env.get(name).cloned()))
            }
            ("os", "Executable") => Set::one(Value::new(Kind::Own)),
            _ => self
                .eval_unknown_method(call, name.rsplit('.').next().unwrap_or(name), context)
                .unwrap_or_else(|| Set::hole_at(format!("the result of {import}.{name}"), span)),
        }
    }

    /// A result after the first: the second half of a text that is cut; else not known.
    fn later_result(&mut self, call: At, import: &str, name: &str, index: u32, context: Context) -> Set {
        let span = self.program.syntax(call.unit).expr_span(call.expr);
        match (import, name, index) {
            ("strings", "Cut", 1) => self.cut(call, true, context),
            ("path" | "path/filepath", "Split", 1) => self.argument(call, 0, context).map_parts(texts::base),
            ("sync", "OnceValues", _) => Set::default(),
            _ => Set::hole_at(format!("a result of {import}.{name}"), span),
        }
    }

    fn eval_text_function(&mut self, call: At, name: &str, context: Context) -> Set {
        let span = self.program.syntax(call.unit).expr_span(call.expr);
        match name {
            "TrimSpace" => self
                .argument(call, 0, context)
                .map_parts(|parts| texts::trimmed(parts, Ends::Both, &char::is_whitespace)),
            "Trim" | "TrimLeft" | "TrimRight" => {
                let set = self.argument(call, 0, context);
                let Some(cut) = self.known_argument(call, 1, context) else { return set };
                let ends = match name {
                    "Trim" => Ends::Both,
                    "TrimLeft" => Ends::Start,
                    _ => Ends::End,
                };
                set.map_parts(|parts| texts::trimmed(parts, ends, &|c| cut.contains(c)))
            }
            "TrimPrefix" | "CutPrefix" | "TrimSuffix" | "CutSuffix" => {
                let set = self.argument(call, 0, context);
                let Some(word) = self.known_argument(call, 1, context) else { return set };
                let ends = if name.ends_with("Prefix") { Ends::Start } else { Ends::End };
                set.map_parts(|parts| texts::without(parts, ends, &word))
            }
            "ToLower" => self.argument(call, 0, context).map_parts(|parts| texts::each(parts, str::to_lowercase)),
            "ToUpper" => self.argument(call, 0, context).map_parts(|parts| texts::each(parts, str::to_uppercase)),
            "Clone" | "ToValidUTF8" => self.argument(call, 0, context),
            "Replace" | "ReplaceAll" => self.replaced(call, context),
            _ if name.ends_with(".Replace") => self.replaced_by_table(call, context),
            "FieldsFunc" => match self.argument(call, 1, context).values.first().map(|value| value.kind.clone()) {
                Some(Kind::External(import, name)) if (&*import, &*name) == ("unicode", "IsSpace") => {
                    self.split(call, context, &texts::fields)
                }
                _ => Set::hole_at("a text that is split", span),
            },
            "Fields" => self.split(call, context, &texts::fields),
            "Split" | "SplitN" => {
                let limit = (name == "SplitN").then(|| self.known_argument(call, 2, context)?.parse().ok()).flatten();
                match self.known_argument(call, 1, context).filter(|separator| !separator.is_empty()) {
                    Some(separator) => self.split(call, context, &|parts| texts::split(parts, &separator, limit)),
                    None => Set::hole_at("a text that is split", span),
                }
            }
            "Cut" => self.cut(call, false, context),
            "Join" => {
                let list = self.argument(call, 0, context);
                let separator = self.argument(call, 1, context);
                self.joined_list(&list, &separator)
            }
            _ => {
                let unknown = || Set::hole_at(format!("the result of strings.{name}"), span);
                let method = name.rsplit('.').next().unwrap_or(name);
                self.eval_unknown_method(call, method, context).unwrap_or_else(unknown)
            }
        }
    }

    fn eval_path_function(&mut self, call: At, name: &str, context: Context) -> Set {
        let span = self.program.syntax(call.unit).expr_span(call.expr);
        match name {
            "Clean" | "FromSlash" | "ToSlash" | "Abs" | "EvalSymlinks" => self.argument(call, 0, context),
            "Base" => self.argument(call, 0, context).map_parts(texts::base),
            "Ext" => self
                .argument(call, 0, context)
                .map_parts(|parts| texts::changed(&parts, texts::extension, "an ending that is not known")),
            "Dir" => {
                let dir = |path: &str| match path.rsplit_once('/') {
                    Some(("", _)) => "/".to_owned(),
                    Some((dir, _)) => texts::clean(dir),
                    None => ".".to_owned(),
                };
                self.argument(call, 0, context)
                    .map_parts(|parts| texts::changed(&parts, dir, "a folder that is not known"))
            }
            "Join" => self.joined_path(call, context),
            "SplitList" => {
                let rest = vec![Item::Done(Rc::new(Set::hole_at(FOLDER_OF_PATH, span)))];
                Set::one(Value::new(Kind::List(Rc::new(List { rest, open: true, ..List::default() }))))
            }
            _ => Set::hole_at(format!("the result of filepath.{name}"), span),
        }
    }

    /// What stands before, or behind, the first separator.
    fn cut(&mut self, call: At, behind: bool, context: Context) -> Set {
        let separator = self.known_argument(call, 1, context).filter(|separator| !separator.is_empty());
        let Some(separator) = separator else { return Set::hole("a text that is cut") };
        self.argument(call, 0, context).map_parts(|parts| {
            let (mut pieces, open) = texts::split(&parts, &separator, Some(2));
            if open {
                return match (&mut pieces[..], behind) {
                    ([first, _], false) => std::mem::take(first),
                    _ => vec![Part::Hole("a text that is cut".into())],
                };
            }
            pieces.into_iter().nth(usize::from(behind)).unwrap_or_default()
        })
    }

    fn environment(&mut self, call: At, context: Context) -> Set {
        let span = self.program.syntax(call.unit).expr_span(call.expr);
        let mut set = Set::default();
        for name in self.argument(call, 0, context).values {
            match name.known_text() {
                Some(name) => match self.env.get(&name) {
                    Some(value) => set.extend(Set::one(Value::text(value, span)).defaults()),
                    None => set.add(Value::hole_at(format!("the environment variable {name}"), span)),
                },
                None if matches!(name.kind, Kind::Param(..)) => set.add(name),
                None => set.add(Value::hole_at("an environment variable", span)),
            }
        }
        set
    }

    fn replaced(&mut self, call: At, context: Context) -> Set {
        let set = self.argument(call, 0, context);
        let Some(old) = self.known_argument(call, 1, context).filter(|old| !old.is_empty()) else { return set };
        let new = self.argument(call, 2, context);
        let new = match &new.values[..] {
            [only] => only.parts(),
            _ => vec![Part::Hole("a replacement".into())],
        };
        set.map_parts(|parts| texts::replaced(parts, &old, &new))
    }

    /// `strings.NewReplacer("a", "b").Replace(text)`, the replacer in a variable or not.
    fn replaced_by_table(&mut self, call: At, context: Context) -> Set {
        let span = self.program.syntax(call.unit).expr_span(call.expr);
        let unknown = || Set::hole_at("a text with replacements", span);
        let Some(At { unit, expr }) = self.receiver_of(call) else { return unknown() };
        let syntax = self.program.syntax(unit);
        let made = match syntax.resolve_if_ident(expr).map(|var| syntax.var(var).source) {
            Some(Source::Value { expr, .. }) => expr,
            _ => expr,
        };
        let made = At { unit, expr: made };
        let ExprKind::Call { args, .. } = syntax.kind(made.expr) else { return unknown() };
        let mut set = self.argument(call, 0, context);
        for index in (0..args.len() / 2).map(|pair| pair * 2) {
            let Some(old) = self.known_argument(made, index, context).filter(|old| !old.is_empty()) else {
                return unknown();
            };
            let new = match &self.argument(made, index + 1, context).values[..] {
                [only] => only.parts(),
                _ => return unknown(),
            };
            set = set.map_parts(|parts| texts::replaced(parts, &old, &new));
        }
        set
    }

    fn joined_path(&mut self, call: At, context: Context) -> Set {
        let syntax = self.program.syntax(call.unit);
        let ExprKind::Call { args, spread, .. } = syntax.kind(call.expr) else { return Set::default() };
        let span = syntax.expr_span(call.expr);
        let slash = Set::one(Value::new(Kind::Text(vec![Part::Known("/".into(), span)])));
        // A name in one of the folders of the PATH: it is the name that is run.
        if args.len() == 2 && !*spread {
            let folders = self.argument(call, 0, context);
            let is_of_path = |value: &Value| matches!(&value.kind, Kind::Hole(why) if **why == *FOLDER_OF_PATH);
            if folders.values.iter().any(is_of_path) {
                return self.argument(call, 1, context);
            }
        }
        let joined = if *spread && args.len() == 1 {
            let list = self.argument(call, 0, context);
            self.joined_list(&list, &slash)
        } else if *spread {
            return Set::hole("a joined path");
        } else {
            let mut set = Set::one(Value::new(Kind::Text(Vec::new())));
            for index in 0..args.len() {
                let next = self.argument(call, index, context);
                if index > 0 {
                    // What is empty is left out, with the slash after it.
                    let is_empty = |value: &Value| value.known_text().is_some_and(|text| text.is_empty());
                    let (mut empty, rest): (Vec<Value>, Vec<Value>) = set.values.into_iter().partition(is_empty);
                    // Where the code names folders, one that is empty is not filled in yet.
                    if index == 1 && rest.iter().any(|folder| folder.known_text().is_some()) {
                        empty.retain(|value| value.default);
                    }
                    set = self.join_texts(&Set { values: rest }, &slash);
                    set.extend(Set { values: empty });
                }
                set = self.join_texts(&set, &next);
            }
            set
        };
        let cleaned = joined.values.into_iter().map(|mut value| {
            if let Some(text) = value.known_text() {
                value.kind = Kind::Text(vec![Part::Known(texts::clean(&text).into(), span)]);
            }
            value
        });
        Set::of(cleaned.collect())
    }

    /// The words of a text, as a list.
    fn split(&mut self, call: At, context: Context, words: &dyn Fn(&[Part]) -> Words) -> Set {
        let mut found = Set::default();
        for value in self.argument(call, 0, context).values {
            found.add(word_list(value, words));
        }
        found
    }

    /// A list's elements with a separator between them.
    pub(crate) fn joined_list(&mut self, set: &Set, separator: &Set) -> Set {
        let mut found = Set::default();
        for value in &set.values {
            let Kind::List(list) = &value.kind else {
                found.add(value.clone());
                continue;
            };
            let one = Set::one(value.clone());
            let mut text = Set::one(Value::new(Kind::Text(Vec::new())));
            for index in 0..list.items.len().min(64) {
                let next = self.element(&one, index);
                if index > 0 {
                    text = self.join_texts(&text, separator);
                }
                text = self.join_texts(&text, &next);
            }
            if list.open || !list.writes.is_empty() || list.items.len() > 64 {
                text = self.join_texts(&text, &Set::hole("the rest of a list"));
            }
            found.extend(text);
        }
        found
    }
}

/// A text's words as a list; other values stand as they are.
pub(crate) fn word_list(mut value: Value, words: &dyn Fn(&[Part]) -> Words) -> Value {
    if let Kind::Text(parts) = &value.kind {
        let (pieces, open) = words(parts);
        let item = |parts: Vec<Part>| {
            let kind = match &parts[..] {
                [Part::Hole(reason)] => Kind::Hole(Rc::clone(reason)),
                _ => Kind::Text(parts),
            };
            Item::Done(Rc::new(Set::one(Value { kind, ..value.clone() })))
        };
        let items = pieces.into_iter().map(item).collect();
        let rest = if open { vec![Item::Done(Rc::new(Set::hole("a later word")))] } else { Vec::new() };
        value.kind = Kind::List(Rc::new(List { items, rest, open, writes: Vec::new() }));
    }
    value
}
