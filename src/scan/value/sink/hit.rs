//! Which calls reach a sink.

use super::{Finder, Hit, Run, Sink};
use crate::scan::value::call::given;
use crate::scan::value::follow::Follower;
use crate::scan::value::form::{ExprId, Kind};
use crate::scan::value::{Given, Tongue, Value};

/// Steps for a callee whose name is not that of a sink.
const ALIAS_FUEL: u32 = 400;

impl Finder<'_> {
    pub(super) fn hits_of_call(&mut self, call: ExprId, hits: &mut Vec<Hit>) {
        let module = self.module;
        let expr = &module.exprs[call as usize];
        let Kind::Call { callee, arguments } = &expr.kind else { return };
        let at = Follower::thunk(self.file, call);
        if let Some((sink, first)) = self.sink_of(*callee)
            && self.follower.runs(self.file, call)
        {
            let mut all = first;
            all.extend(given(&at, arguments));
            hits.push(Hit { sink, call, api: self.api(*callee), given: all });
        }
        for (place, argument) in arguments.iter().enumerate() {
            // `to_thread(subprocess.run, …)`, `Thread(target=os.system, args=(…))`.
            let is_name = module.last_name(argument.value).is_some_and(|name| self.is_sink_name(name));
            if is_name
                && !self.hands_back(*callee)
                && let Some((sink, first)) = self.sink_of(argument.value)
                && self.follower.runs(self.file, call)
            {
                let mut all = first;
                all.extend(self.follower.handed_on(self.file, call, arguments, place));
                if !all.is_empty() {
                    hits.push(Hit { sink, call, api: self.api(argument.value), given: all });
                }
            }
        }
    }

    /// Whether a callee only wraps the function that it is handed.
    pub(super) fn hands_back(&self, callee: ExprId) -> bool {
        matches!(self.module.last_name(callee), Some("promisify" | "partial" | "isinstance" | "wraps" | "patch"))
    }

    /// `local["git"]`: a program in brackets, called or not.
    pub(super) fn hits_of_brackets(&mut self, hits: &mut Vec<Hit>) {
        if !self.code.tongue.sinks.iter().any(|sink| sink.run == Run::Bracketed) {
            return;
        }
        for (place, expr) in self.module.exprs.iter().enumerate() {
            let Kind::Index(base, key) = expr.kind else { continue };
            self.follower.refuel();
            self.follower.fuel = ALIAS_FUEL;
            let bases = self.follower.values(&Follower::thunk(self.file, base));
            let sink = bases.iter().find_map(|base| match &base.value {
                Value::Outside(name) => find(self.code.tongue, name).filter(|sink| sink.run == Run::Bracketed),
                _ => None,
            });
            if let Some(sink) = sink
                && self.follower.runs(self.file, place as ExprId)
            {
                let value = Follower::thunk(self.file, key);
                let given = vec![Given { name: None, value, spread: false }];
                hits.push(Hit { sink, call: place as ExprId, api: self.api(base), given });
            }
        }
    }

    pub(super) fn is_sink_name(&self, name: &str) -> bool {
        self.code.tongue.sinks.iter().any(|sink| sink.name.rsplit('.').next() == Some(name))
    }

    /// The sink that a callee is, and the arguments already given to it.
    pub(super) fn sink_of(&mut self, callee: ExprId) -> Option<(&'static Sink, Vec<Given>)> {
        match &self.module.exprs[callee as usize].kind {
            Kind::Name(_)
            | Kind::Member(..)
            | Kind::Call { .. }
            | Kind::Import { .. }
            | Kind::Index(..)
            | Kind::This => {}
            _ => return None,
        }
        let named = self.module.last_name(callee).is_some_and(|name| self.is_sink_name(name));
        let full = self.follower.fuel;
        if !named {
            self.follower.fuel = ALIAS_FUEL;
        }
        let values = self.follower.values(&Follower::thunk(self.file, callee));
        self.follower.fuel = full;
        let mut values = values;
        for found in values.clone() {
            // A class that extends one of a sink (`class Popen(subprocess.Popen)`) runs what it is made with.
            match found.value {
                Value::Class(module, class) => values.extend(self.follower.outside_above(module, class)),
                Value::Instance(object) if matches!(self.module.exprs[callee as usize].kind, Kind::This) => {
                    values.extend(self.follower.outside_above(object.module, object.class));
                }
                _ => {}
            }
        }
        values.iter().find_map(|found| match &found.value {
            Value::Outside(name) => Some((find(self.code.tongue, name)?, Vec::new())),
            Value::Partial(inner, first) => match &**inner {
                Value::Outside(name) => Some((find(self.code.tongue, name)?, first.to_vec())),
                _ => None,
            },
            _ => None,
        })
    }

    /// The callee as the code writes it.
    pub(super) fn api(&self, callee: ExprId) -> String {
        let (start, end) = self.module.exprs[callee as usize].range;
        let text = self.code.files[self.file].text().get(start as usize..end as usize).unwrap_or_default();
        let line = text.split_whitespace().collect::<String>();
        if line.chars().count() <= 60 { line } else { self.module.last_name(callee).unwrap_or("a call").to_owned() }
    }
}

/// The sink of a dotted name.
pub(super) fn find(tongue: &'static Tongue, name: &str) -> Option<&'static Sink> {
    if let Ok(place) = tongue.sinks.binary_search_by_key(&name, |sink| sink.name) {
        return Some(&tongue.sinks[place]);
    }
    let (prefix, last) = name.rsplit_once('.')?;
    let any = format!("{prefix}.*");
    let place = tongue.sinks.binary_search_by_key(&any.as_str(), |sink| sink.name).ok()?;
    let private = last.is_empty() || last.starts_with('_') || last.ends_with("()") || last.ends_with("[]");
    (!private).then_some(&tongue.sinks[place])
}
