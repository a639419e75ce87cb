//! What functions from outside and methods of texts, lists and tables do to values, as far as values can be read.

use super::call::result_of;
use super::follow::{Follower, appended, as_text, chained};
use super::form::Kind;
use super::{Element, Found, Given, Part, Target, Text, Thunk, Value};
use crate::file::Span;
use std::rc::Rc;

/// What a function or method does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// It is this text on the image's platform.
    Is(&'static str),
    /// Calling it gives this text on the image's platform.
    Gives(&'static str),
    /// Calling it, or reading it, gives the machine's name in the language's words.
    Machine,
    /// It is, or gives, the program that runs the code.
    Interpreter,
    /// It gives its first argument.
    First,
    /// It gives its second argument.
    Second,
    /// It gives the object that it is called on.
    Receiver,
    /// It gives all arguments as a list.
    Arguments,
    /// It joins its arguments to a path.
    JoinPath,
    /// It puts its arguments below the object, as a path.
    JoinBelow,
    /// It splits a text into words: its first argument, or the object.
    Split,
    /// It joins the list of its first argument with the object between (`" ".join(x)`).
    JoinWith,
    /// It joins the object, a list, with its first argument between.
    ListJoin,
    /// It joins a list of words to a command, with blanks.
    Words,
    /// It puts its arguments into the object's braces (`"{}".format(x)`).
    Format,
    /// It appends its arguments' elements to the object.
    Extend,
    /// It looks a variable of the environment up; a second argument is the default.
    Environment,
    /// It looks a program up on the PATH and gives its path.
    Lookup,
    /// It gives a callable with its first arguments given.
    Partial,
    /// It calls its first argument later; the callable itself is given back (`promisify`).
    Callable,
    /// It gives the object, or its first argument where the object is not there.
    OrElse,
    /// As [`Operation::OrElse`], with a function that gives the other value.
    OrCall,
    /// It looks its first argument up in the object, a table; a second is the default.
    Get,
    /// The values of the object, a table.
    Values,
    /// The pairs of the object, a table.
    Pairs,
    /// Whether the object starts with its first argument.
    StartsWith,
    /// Whether the object ends with its first argument.
    EndsWith,
    /// Whether the object holds its first argument.
    Contains,
    /// The object in small letters.
    Lower,
    /// The object in capitals.
    Upper,
    /// The object without white space at its ends.
    Trim,
    /// The last part of a path.
    BaseName,
    /// A declared field: its `default`, or what its `default_factory` makes.
    Field,
    /// The module that its first argument names.
    Import,
    /// The object, a list, each element put through a function.
    Map,
    /// The object with one text put for another.
    Replace,
}

impl Operation {
    /// Whether reading the name, without a call, has the value.
    pub(super) fn is_value(self) -> bool {
        matches!(self, Self::Is(_) | Self::Interpreter | Self::Machine)
    }
}

impl Follower<'_> {
    /// What is known of a name from outside.
    pub(super) fn known(&self, name: &str) -> Option<Operation> {
        find(self.code.tongue.known, name)
    }

    /// What a method of a text, list or table does.
    pub(super) fn operation_of_method(&self, name: &str) -> Option<Operation> {
        find(self.code.tongue.methods, name)
    }

    /// The results of a method of a text, list, table or unknown value.
    pub(super) fn method(&mut self, at: &Thunk, base: &Found, name: &str, given: &Rc<Vec<Given>>) -> Vec<Found> {
        match self.operation_of_method(name) {
            Some(operation) => self.operate(at, operation, name, Some(base), given),
            None => match &base.value {
                Value::Unknown(reason) => vec![base.with(Value::Unknown(reason.clone()))],
                _ => vec![base.with(Value::Unknown(result_of(name)))],
            },
        }
    }

    /// The results of an operation.
    pub(super) fn operate(
        &mut self,
        at: &Thunk,
        operation: Operation,
        name: &str,
        base: Option<&Found>,
        given: &Rc<Vec<Given>>,
    ) -> Vec<Found> {
        let span = self.span(at);
        let arguments: Vec<Thunk> =
            given.iter().filter(|one| one.name.is_none()).map(|one| one.value.clone()).collect();
        let first = arguments.first().cloned();
        let first_values = |this: &mut Self| first.as_ref().map_or_else(Vec::new, |first| this.values(first));
        match operation {
            Operation::Is(text) | Operation::Gives(text) => vec![Found::text(text, span)],
            Operation::Machine => vec![Found::text(self.machine(), span)],
            Operation::Interpreter => vec![Found::text(self.code.tongue.interpreter, span).step(name, span)],
            Operation::First => first_values(self),
            Operation::Second => arguments.get(1).map(|second| self.values(second)).unwrap_or_default(),
            Operation::Receiver => base.cloned().into_iter().collect(),
            Operation::Arguments => {
                vec![Found::new(Value::List(Rc::new(arguments.into_iter().map(Element::Later).collect())))]
            }
            Operation::JoinPath | Operation::JoinBelow => self.join_paths(base, given, span),
            Operation::Split => {
                let texts = base.map_or_else(|| first_values(self), |base| vec![base.clone()]);
                texts.iter().map(|text| split(text, span)).collect()
            }
            Operation::JoinWith => {
                let lists = first_values(self);
                let between = base.and_then(Found::known_text);
                lists.iter().flat_map(|list| self.joined(list, between.as_deref(), span)).collect()
            }
            Operation::ListJoin => {
                let between = first_values(self).first().and_then(Found::known_text);
                let between = if first.is_none() { Some(",".to_owned()) } else { between };
                base.map_or_else(Vec::new, |list| self.joined(list, between.as_deref(), span))
            }
            Operation::Words => {
                let lists = first_values(self);
                lists.iter().flat_map(|list| self.joined(list, Some(" "), span)).collect()
            }
            Operation::Format => base.map_or_else(Vec::new, |base| self.formatted(base, given, span)),
            Operation::Extend => {
                let mut lists: Vec<Found> = base.cloned().into_iter().collect();
                for argument in &arguments {
                    let values = self.values(argument);
                    lists = chained(&lists, &values);
                }
                lists
            }
            Operation::Environment => self.variable_of(&arguments, span),
            Operation::Lookup => {
                let mut found = first_values(self);
                for one in &mut found {
                    one.optional = true;
                }
                found
            }
            Operation::Partial => {
                let rest: Rc<Vec<Given>> = Rc::new(given.iter().skip(1).cloned().collect());
                let callables = first_values(self);
                let bind = |found: &Found| found.with(Value::Partial(Rc::new(found.value.clone()), Rc::clone(&rest)));
                callables.iter().map(bind).collect()
            }
            Operation::Callable => first_values(self),
            Operation::OrElse => self.or_else(base, first.as_ref(), None, at),
            Operation::OrCall => self.or_else(base, None, first.as_ref(), at),
            Operation::Get => self.get(base, &arguments),
            Operation::Values | Operation::Pairs => {
                let table = base.cloned().or_else(|| first_values(self).into_iter().next());
                vec![self.values_of(table.as_ref(), operation == Operation::Pairs)]
            }
            Operation::StartsWith | Operation::EndsWith | Operation::Contains => {
                let values = first_values(self);
                vec![self.judge_text(operation, base, &values)]
            }
            Operation::Lower => mapped(base, str::to_lowercase),
            Operation::Upper => mapped(base, str::to_uppercase),
            Operation::Trim => mapped_whole(base, |text| text.trim().to_owned()),
            Operation::BaseName => {
                let bases = base.cloned().map_or_else(|| first_values(self), |base| vec![base]);
                let last = |text: &str| text.rsplit('/').next().unwrap_or(text).to_owned();
                bases.iter().flat_map(|base| mapped_whole(Some(base), last)).collect()
            }
            Operation::Import => {
                let names = first_values(self);
                let files = names.iter().filter_map(|name| {
                    match (self.code.tongue.resolve)(self.code, at.module, &name.known_text()?) {
                        Target::File(file) => Some(name.with(Value::Module(file))),
                        Target::Outside(name) => Some(Found::new(Value::Outside(name))),
                    }
                });
                let mut found: Vec<Found> = files.collect();
                if found.is_empty() {
                    found.push(Found::unknown("a module whose name is not known"));
                }
                found
            }
            Operation::Map => self.mapped_list(at, base, first.as_ref()),
            Operation::Replace => {
                let (old, new) = (first_values(self), arguments.get(1).cloned());
                let new = new.map(|new| self.values(&new)).unwrap_or_default();
                let (old, new) = (old.first().and_then(Found::known_text), new.first().and_then(Found::known_text));
                match (base.and_then(Found::known_text), old, new) {
                    (Some(text), Some(old), _) if !text.contains(&old) => base.cloned().into_iter().collect(),
                    (Some(_), Some(old), Some(new)) => mapped_whole(base, |text| text.replace(&old, &new)),
                    _ => vec![Found::unknown("a text with a part replaced")],
                }
            }
            Operation::Field => self.field_default(at, given),
        }
    }

    /// A list put through a function: its first element, which decides the program, and as many more as there are.
    fn mapped_list(&mut self, at: &Thunk, base: Option<&Found>, function: Option<&Thunk>) -> Vec<Found> {
        let (Some(base), Some(function)) = (base, function) else { return Vec::new() };
        let Value::List(elements) = &base.value else {
            return match &base.value {
                Value::Unknown(_) => vec![base.clone()],
                _ => vec![Found::unknown("a list that is not known")],
            };
        };
        let Some(Element::Later(first)) = elements.first() else {
            return vec![Found::unknown("a list that is not known")];
        };
        let given = Rc::new(vec![Given { name: None, value: first.clone(), spread: false }]);
        let callables = self.values(function);
        let values: Vec<Found> = callables.iter().flat_map(|callable| self.apply(at, callable, &given)).collect();
        let list = |value: Found| {
            let rest = Element::Rest("elements made from others".to_owned());
            base.with(Value::List(Rc::new(vec![Element::Known(value), rest])))
        };
        values.into_iter().map(list).collect()
    }

    fn field_default(&mut self, at: &Thunk, given: &Rc<Vec<Given>>) -> Vec<Found> {
        let named = |name: &str| given.iter().find(|one| one.name.as_deref() == Some(name)).cloned();
        if let Some(factory) = named("default_factory").or_else(|| named("factory")) {
            let makers = self.values(&factory.value);
            return makers.iter().flat_map(|maker| self.apply(at, maker, &Rc::default())).collect();
        }
        let default = named("default").or_else(|| given.iter().find(|one| one.name.is_none() && !one.spread).cloned());
        let mut found = default.map(|default| self.values(&default.value)).unwrap_or_default();
        for one in &mut found {
            one.default = true;
        }
        found
    }

    /// The machine in the words of `uname -m`.
    fn machine(&self) -> &'static str {
        match self.code.context.platform.go_arch() {
            "amd64" => "x86_64",
            "arm64" => "aarch64",
            "386" => "i686",
            "arm" => "armv7l",
            other => other,
        }
    }

    fn join_paths(&mut self, base: Option<&Found>, given: &Rc<Vec<Given>>, span: Span) -> Vec<Found> {
        let mut paths: Vec<Found> = base.cloned().into_iter().collect();
        for (place, one) in given.iter().filter(|one| one.name.is_none()).enumerate() {
            let values = if one.spread { vec![Found::unknown("parts of a path")] } else { self.values(&one.value) };
            if place == 0 && base.is_none() {
                paths = values;
                continue;
            }
            let mut next = Vec::new();
            for value in &values {
                let text = as_text(&value.value, span);
                if text.start().starts_with('/') {
                    next.push(value.clone());
                    continue;
                }
                for path in &paths {
                    let ends = path.known_text().is_some_and(|path| path.ends_with('/') || path.is_empty());
                    let slash = Found::text(if ends { "" } else { "/" }, span);
                    let with_slash = appended(std::slice::from_ref(path), &[slash], span);
                    next.extend(appended(&with_slash, std::slice::from_ref(value), span));
                }
            }
            next.truncate(96);
            paths = next;
        }
        paths
    }

    /// The elements of a list as one text; without a known separator nothing is known.
    fn joined(&mut self, list: &Found, between: Option<&str>, span: Span) -> Vec<Found> {
        let (Value::List(elements), Some(between)) = (&list.value, between) else {
            return match &list.value {
                Value::Unknown(_) => vec![list.clone()],
                _ => vec![Found::unknown("a joined list that is not known")],
            };
        };
        let mut texts = vec![list.with(Value::Text(Text { parts: Vec::new() }))];
        for (place, element) in elements.iter().take(256).enumerate() {
            if place > 0 {
                texts = appended(&texts, &[Found::text(between, span)], span);
            }
            let mut values = match element {
                Element::Later(value) | Element::More(value) if place > 0 => self.values_briefly(value),
                _ => self.element(element),
            };
            // The first word decides; further ones of which there are several would only multiply.
            if place > 0 && values.len() > 1 {
                values = vec![Found::unknown("one of several values")];
            }
            texts = appended(&texts, &values, span);
        }
        texts
    }

    fn formatted(&mut self, base: &Found, given: &Rc<Vec<Given>>, span: Span) -> Vec<Found> {
        let Some(format) = base.known_text() else { return vec![base.clone()] };
        let mut texts = vec![base.with(Value::Text(Text { parts: Vec::new() }))];
        let mut next = 0;
        for piece in braces(&format) {
            let values = match piece {
                Piece::Plain(text) => vec![Found::text(&text, span)],
                Piece::Hole(name) => {
                    let place = if name.is_empty() {
                        next += 1;
                        Some(next - 1)
                    } else {
                        name.parse::<usize>().ok()
                    };
                    let mut unnamed = given.iter().filter(|one| one.name.is_none());
                    let one = match place {
                        Some(place) => unnamed.nth(place),
                        None => given.iter().find(|one| one.name.as_deref() == Some(name.as_str())),
                    };
                    match one {
                        Some(one) if !one.spread => self.values(&one.value),
                        _ => vec![Found::unknown("a part that is not known")],
                    }
                }
            };
            texts = appended(&texts, &values, span);
        }
        texts
    }

    fn variable_of(&mut self, arguments: &[Thunk], span: Span) -> Vec<Found> {
        let Some(name) = arguments.first() else { return Vec::new() };
        let names = self.values(name);
        let Some(name) = names.first().and_then(Found::known_text) else {
            let mut found = vec![Found::unknown("environment variable whose name is not known")];
            if let Some(default) = arguments.get(1) {
                found.extend(self.values(default));
            }
            return found;
        };
        let own = self.environment(&name, span);
        match (&own.value, arguments.get(1)) {
            (Value::Unknown(_), Some(default)) => {
                let mut found = self.values(default);
                for one in &mut found {
                    one.default = true;
                }
                found.into_iter().map(|one| one.step(format!("default of {name}"), span)).collect()
            }
            _ => vec![own],
        }
    }

    fn or_else(&mut self, base: Option<&Found>, value: Option<&Thunk>, call: Option<&Thunk>, at: &Thunk) -> Vec<Found> {
        let Some(base) = base else { return Vec::new() };
        if !matches!(base.value, Value::Unknown(_) | Value::Nothing) {
            return vec![base.clone()];
        }
        let mut found = match (value, call) {
            (Some(value), _) => self.values(value),
            (None, Some(call)) => {
                let callables = self.values(call);
                callables.iter().flat_map(|callable| self.apply(at, callable, &Rc::default())).collect()
            }
            (None, None) => Vec::new(),
        };
        for one in &mut found {
            one.default = true;
        }
        if !matches!(&base.value, Value::Unknown(reason) if super::follow::is_setting(reason)) {
            found.push(base.clone());
        }
        found
    }

    fn get(&mut self, base: Option<&Found>, arguments: &[Thunk]) -> Vec<Found> {
        let (Some(base), Some(key)) = (base, arguments.first()) else { return Vec::new() };
        let default = arguments.get(1);
        match &base.value {
            Value::Dict(dict) => {
                let keys = self.values(key);
                let mut found = self.rows(&dict.clone(), &keys);
                let exact = !found.is_empty() && keys.iter().all(|key| key.known_text().is_some());
                if let (Some(default), false) = (default, exact) {
                    found.extend(self.values(default));
                }
                found
            }
            _ => {
                // A setting with a default: configuration can replace it.
                let mut found = default.map_or_else(Vec::new, |default| self.values(default));
                found.retain(|one| !matches!(one.value, Value::Nothing));
                for one in &mut found {
                    one.default = true;
                }
                if found.is_empty() {
                    let key = self.values(key).first().and_then(Found::known_text);
                    let key = key.unwrap_or_else(|| "whose name is not known".to_owned());
                    found.push(Found::unknown(format!("setting {key}")));
                }
                found
            }
        }
    }

    fn values_of(&mut self, table: Option<&Found>, pairs: bool) -> Found {
        let Some(Found { value: Value::Dict(dict), .. }) = table else {
            return table
                .cloned()
                .filter(|table| matches!(table.value, Value::Unknown(_)))
                .unwrap_or_else(|| Found::unknown("the values of a table that is not known"));
        };
        let module = self.module(dict.module);
        let Kind::Dict(rows) = &module.exprs[dict.expr as usize].kind else {
            return Found::unknown("the values of a table that is not known");
        };
        let mut elements = Vec::new();
        for (key, value) in rows {
            let value = Element::Later(Self::beside(dict, *value));
            match (key, pairs) {
                (Some(key), true) => {
                    let key = Element::Later(Self::beside(dict, *key));
                    elements.push(Element::Known(Found::new(Value::List(Rc::new(vec![key, value])))));
                }
                (Some(_), false) => elements.push(value),
                (None, _) => elements.push(Element::Rest("a table that is not known".to_owned())),
            }
        }
        Found::new(Value::List(Rc::new(elements)))
    }

    fn judge_text(&mut self, operation: Operation, base: Option<&Found>, values: &[Found]) -> Found {
        let open = || Found::unknown("a condition");
        let (Some(base), [value]) = (base, values) else { return open() };
        if base.default || value.default {
            return open();
        }
        let Some(text) = base.known_text() else {
            if let (Value::List(elements), Some(wanted), Operation::Contains) =
                (&base.value, value.known_text(), operation)
            {
                let known: Option<Vec<String>> = elements
                    .iter()
                    .map(|element| match self.element(element).as_slice() {
                        [one] => one.known_text(),
                        _ => None,
                    })
                    .collect();
                return known.map_or_else(open, |known| Found::new(Value::Bool(known.contains(&wanted))));
            }
            return open();
        };
        let holds = |wanted: &str| match operation {
            Operation::StartsWith => text.starts_with(wanted),
            Operation::EndsWith => text.ends_with(wanted),
            _ => text.contains(wanted),
        };
        match &value.value {
            Value::List(elements) => {
                let known: Vec<Option<String>> =
                    elements.iter().map(|element| self.element(element).first().and_then(Found::known_text)).collect();
                if known.iter().flatten().any(|one| holds(one)) {
                    return Found::new(Value::Bool(true));
                }
                if known.contains(&None) { open() } else { Found::new(Value::Bool(false)) }
            }
            _ => value.known_text().map_or_else(open, |wanted| Found::new(Value::Bool(holds(&wanted)))),
        }
    }
}

fn find(table: &'static [(&'static str, Operation)], name: &str) -> Option<Operation> {
    table.binary_search_by_key(&name, |row| row.0).ok().map(|place| table[place].1)
}

fn mapped(base: Option<&Found>, change: impl Fn(&str) -> String) -> Vec<Found> {
    let Some(base) = base else { return Vec::new() };
    vec![match &base.value {
        Value::Text(text) => base.with(Value::Text(text.map(change))),
        _ => base.clone(),
    }]
}

/// As [`mapped`], but only where the whole text is known.
fn mapped_whole(base: Option<&Found>, change: impl Fn(&str) -> String) -> Vec<Found> {
    let whole = base.is_some_and(|base| base.known_text().is_some());
    if whole { mapped(base, change) } else { base.cloned().into_iter().collect() }
}

/// A text as the list of its words.
pub(super) fn split(found: &Found, span: Span) -> Found {
    let Value::Text(text) = &found.value else {
        return match &found.value {
            Value::Unknown(_) | Value::List(_) => found.clone(),
            _ => Found::unknown("the words of a value that is not a text"),
        };
    };
    let words = words(text).into_iter().map(|word| Element::Known(Found::new(Value::Text(word))));
    let mut elements: Vec<Element> = words.collect();
    if elements.is_empty()
        && let Some(reason) = text.reason()
    {
        elements.push(Element::Rest(reason.to_owned()));
    }
    let _ = span;
    found.with(Value::List(Rc::new(elements)))
}

/// The words of a text, quotes taken away as a shell does.
pub(super) fn words(text: &Text) -> Vec<Text> {
    let mut words = Vec::new();
    let mut word: Option<Text> = None;
    let mut quote: Option<char> = None;
    for part in &text.parts {
        let (known, span) = match part {
            Part::Known(known, span) => (known, *span),
            Part::Unknown(..) => {
                word.get_or_insert_with(|| Text { parts: Vec::new() }).parts.push(part.clone());
                continue;
            }
        };
        let mut piece = String::new();
        let flush = |piece: &mut String, word: &mut Option<Text>| {
            if !piece.is_empty() {
                let part = Part::Known(std::mem::take(piece), span);
                word.get_or_insert_with(|| Text { parts: Vec::new() }).parts.push(part);
            }
        };
        let mut characters = known.chars();
        while let Some(c) = characters.next() {
            match (c, quote) {
                (c, Some(open)) if c == open => quote = None,
                ('\\', None) => piece.extend(characters.next()),
                ('\'' | '"', None) => {
                    quote = Some(c);
                    word.get_or_insert_with(|| Text { parts: Vec::new() });
                }
                (c, None) if c.is_whitespace() => {
                    flush(&mut piece, &mut word);
                    words.extend(word.take());
                }
                (c, _) => piece.push(c),
            }
        }
        flush(&mut piece, &mut word);
    }
    words.extend(word);
    words
}

/// A piece of a format text.
enum Piece {
    Plain(String),
    Hole(String),
}

/// The pieces of a text with `{name}` holes; `{{` and `}}` are braces.
fn braces(format: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        plain.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            plain.push_str(brace);
            rest = after;
            continue;
        }
        if brace == "{"
            && let Some(close) = rest.find('}')
        {
            pieces.push(Piece::Plain(std::mem::take(&mut plain)));
            let name = rest[..close].split([':', '!', '.', '[']).next().unwrap_or_default();
            pieces.push(Piece::Hole(name.to_owned()));
            rest = &rest[close + 1..];
        }
    }
    plain.push_str(rest);
    pieces.push(Piece::Plain(plain));
    pieces
}
