//! Conditions: whether they hold on the image's platform, and which blocks can run there.

use super::Follower;
use crate::scan::value::form::{BlockId, Comparison, ExprId, Kind};
use crate::scan::value::{Element, Found, Thunk, Value};

/// The names of platforms other than linux, as languages and libraries write them.
/// Source: <https://docs.python.org/3/library/sys.html#sys.platform>, <https://nodejs.org/api/process.html#processplatform>,
/// <https://docs.python.org/3/library/platform.html#platform.system>.
const OTHERS: [&str; 14] = [
    "Darwin",
    "FreeBSD",
    "Windows",
    "Windows_NT",
    "aix",
    "cygwin",
    "darwin",
    "freebsd",
    "mac",
    "macos",
    "nt",
    "openbsd",
    "win32",
    "windows",
];

impl Follower<'_> {
    /// Whether a condition holds on the image's platform whatever the configuration; nothing where that is open.
    pub(crate) fn judge(&mut self, at: &Thunk) -> Option<bool> {
        let outer = std::mem::replace(&mut self.strict, true);
        let found = self.values(at);
        self.strict = outer;
        settled(&found)
    }

    pub(super) fn compare(&mut self, at: &Thunk, how: Comparison, left: ExprId, right: ExprId) -> Option<bool> {
        let outer = std::mem::replace(&mut self.strict, true);
        let lefts = self.values(&Self::beside(at, left));
        let rights = self.values(&Self::beside(at, right));
        let mut answer = None;
        let mut open = lefts.is_empty() || rights.is_empty();
        for left in &lefts {
            for right in &rights {
                let replaced = left.default || right.default || left.optional || right.optional;
                let holds = if replaced { None } else { self.compare_values(how, left, right) };
                open |= holds.is_none() || answer.is_some_and(|answer| Some(answer) != holds);
                answer = holds;
            }
        }
        self.strict = outer;
        if open { self.elsewhere(at, how, [(left, &lefts), (right, &rights)]) } else { answer }
    }

    /// A comparison of something that is named for the platform with the name of another one: it does not hold.
    pub(super) fn elsewhere(&self, at: &Thunk, how: Comparison, sides: [(ExprId, &Vec<Found>); 2]) -> Option<bool> {
        let module = self.module(at.module);
        let is_platform = |expr: ExprId| {
            let name = match &module.exprs[expr as usize].kind {
                Kind::Call { callee, .. } => module.last_name(*callee),
                _ => module.last_name(expr),
            };
            name.is_some_and(|name| {
                let name = name.to_ascii_lowercase();
                name.contains("platform")
                    || matches!(name.as_str(), "os" | "os_name" | "os_type" | "system" | "sysname")
            })
        };
        let is_other = |found: &Vec<Found>| {
            let names: Option<Vec<String>> = found.iter().map(Found::known_text).collect();
            names.is_some_and(|names| !names.is_empty() && names.iter().all(|name| OTHERS.contains(&name.as_str())))
        };
        let [one, other] = sides;
        let holds = is_platform(one.0) && is_other(other.1) || is_platform(other.0) && is_other(one.1);
        match how {
            Comparison::Equal if holds => Some(false),
            Comparison::Unequal if holds => Some(true),
            _ => None,
        }
    }

    pub(super) fn compare_values(&mut self, how: Comparison, left: &Found, right: &Found) -> Option<bool> {
        match how {
            Comparison::Equal => equal(left, right),
            Comparison::Unequal => equal(left, right).map(|same| !same),
            Comparison::In => self.contains(left, right),
            Comparison::NotIn => self.contains(left, right).map(|holds| !holds),
            Comparison::Other => None,
        }
    }

    pub(super) fn contains(&mut self, one: &Found, all: &Found) -> Option<bool> {
        match &all.value {
            Value::Text(text) => Some(text.whole()?.contains(&one.known_text()?)),
            Value::List(elements) => {
                let mut open = false;
                for element in elements.iter() {
                    let values = self.element(element);
                    let holds: Vec<Option<bool>> = values.iter().map(|value| equal(one, value)).collect();
                    if holds.contains(&Some(true)) {
                        return (holds.len() == 1).then_some(true);
                    }
                    open |= holds.is_empty() || holds.contains(&None);
                }
                if open { None } else { Some(false) }
            }
            _ => None,
        }
    }

    /// Whether a block can run on the image's platform.
    pub(crate) fn is_alive(&mut self, module: usize, block: BlockId) -> bool {
        let mut chain = Vec::new();
        let mut at = Some(block);
        let mut dead = false;
        while let Some(id) = at {
            if let Some(&known) = self.dead.get(&(module, id)) {
                dead = known;
                break;
            }
            chain.push(id);
            at = self.module(module).blocks[id as usize].parent;
        }
        for id in chain.into_iter().rev() {
            // Taken for alive while its own condition is judged: a condition may use names bound below it.
            self.dead.insert((module, id), dead);
            let block = &self.module(module).blocks[id as usize];
            dead |= block.dead;
            if let (false, Some((test, expected))) = (dead, block.guard) {
                let fuel = std::mem::replace(&mut self.fuel, 2_000);
                dead = self.judge(&Self::thunk(module, test)) == Some(!expected);
                self.fuel = fuel;
            }
            self.dead.insert((module, id), dead);
        }
        !dead
    }
}

/// What a set of values says as a condition, where all agree.
pub(super) fn settled(found: &[Found]) -> Option<bool> {
    let open = |found: &Found| found.default || found.optional;
    let mut answers = found.iter().map(|found| if open(found) { None } else { truth(&found.value) });
    let first = answers.next()??;
    answers.all(|answer| answer == Some(first)).then_some(first)
}

/// Whether a value counts as true.
pub(in crate::scan::value) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Nothing => Some(false),
        Value::Text(text) => match text.whole() {
            Some(text) => Some(!text.is_empty()),
            None => text.says_something().then_some(true),
        },
        Value::List(elements) => {
            if elements.is_empty() {
                Some(false)
            } else {
                elements.iter().any(|element| matches!(element, Element::Later(_) | Element::Known(_))).then_some(true)
            }
        }
        Value::Function(..) | Value::Class(..) | Value::Instance(_) | Value::Module(_) | Value::Partial(..) => {
            Some(true)
        }
        Value::Dict(_) | Value::Super(..) | Value::Outside(_) | Value::Unknown(_) => None,
    }
}

fn equal(left: &Found, right: &Found) -> Option<bool> {
    match (&left.value, &right.value) {
        (Value::Nothing, Value::Nothing) => Some(true),
        (Value::Nothing, Value::Text(_) | Value::List(_) | Value::Bool(_))
        | (Value::Text(_) | Value::List(_) | Value::Bool(_), Value::Nothing) => Some(false),
        (Value::Bool(left), Value::Bool(right)) => Some(left == right),
        (Value::Text(left), Value::Text(right)) => Some(left.whole()? == right.whole()?),
        _ => None,
    }
}
