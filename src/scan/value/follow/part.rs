//! Parts of values: members, entries of dictionaries, elements and slices of lists.

use super::{ALTERNATIVES, COMBINATIONS, Follower};
use crate::scan::value::form::{ExprId, Kind};
use crate::scan::value::{Element, Found, Thunk, Value};
use std::rc::Rc;

impl Follower<'_> {
    pub(super) fn member(&mut self, at: &Thunk, base: ExprId, field: &str) -> Vec<Found> {
        let bases = self.values(&Self::beside(at, base));
        bases.iter().flat_map(|base| self.member_of(at, base, field)).collect()
    }

    pub(super) fn index(&mut self, at: &Thunk, base: ExprId, key: ExprId) -> Vec<Found> {
        let bases = self.values(&Self::beside(at, base));
        let keys = self.values(&Self::beside(at, key));
        let mut found = Vec::new();
        for base in &bases {
            match &base.value {
                Value::Dict(dict) => {
                    let dict = dict.clone();
                    found.extend(self.rows(&dict, &keys).into_iter().map(|value| value.after(base)));
                }
                Value::List(elements) => {
                    for element in elements.iter().take(ALTERNATIVES) {
                        found.extend(self.element(element));
                    }
                }
                Value::Outside(name) => {
                    if name == self.code.tongue.environment
                        && let Some(variable) = keys.first().and_then(Found::known_text)
                    {
                        found.push(self.environment(&variable, self.span(at)));
                    } else {
                        found.push(base.with(Value::Outside(format!("{name}[]"))));
                    }
                }
                Value::Module(_) | Value::Class(..) | Value::Instance(_) => {
                    for key in keys.iter().filter_map(Found::known_text) {
                        found.extend(self.member_of(at, base, &key));
                    }
                }
                Value::Unknown(_) => found.push(base.clone()),
                _ => found.push(Found::unknown("an element that is not known")),
            }
        }
        found
    }

    /// The rows of a table that keys can reach: by the key, or all where it is open.
    pub(in crate::scan::value) fn rows(&mut self, dict: &Thunk, keys: &[Found]) -> Vec<Found> {
        if !self.enter() {
            return vec![Found::unknown("following the value takes too many steps")];
        }
        let found = self.rows_inner(dict, keys);
        self.leave();
        found
    }

    pub(super) fn rows_inner(&mut self, dict: &Thunk, keys: &[Found]) -> Vec<Found> {
        let module = self.module(dict.module);
        let Kind::Dict(rows) = &module.exprs[dict.expr as usize].kind else { return Vec::new() };
        let wanted: Option<Vec<String>> = keys.iter().map(Found::known_text).collect();
        let wanted = wanted.filter(|wanted| !wanted.is_empty() && !keys.iter().any(|key| key.default));
        let mut found = Vec::new();
        for (key, value) in rows {
            let value = Self::beside(dict, *value);
            let Some(key) = key else {
                for spread in self.values(&value) {
                    match &spread.value {
                        Value::Dict(inner) => found.extend(self.rows(&inner.clone(), keys)),
                        _ => found.push(Found::unknown("a table that is not known")),
                    }
                }
                continue;
            };
            let own: Option<Vec<String>> =
                self.values(&Self::beside(dict, *key)).iter().map(Found::known_text).collect();
            let fits = match (&wanted, &own) {
                (Some(wanted), Some(own)) => own.is_empty() || own.iter().any(|own| wanted.contains(own)),
                _ => true,
            };
            if fits {
                let span = self.span(&value);
                found.extend(self.values(&value).into_iter().map(|value| value.step("table entry", span)));
            }
        }
        found
    }

    pub(super) fn slice(&mut self, at: &Thunk, base: ExprId, from: u32) -> Vec<Found> {
        let bases = self.values(&Self::beside(at, base));
        let cut = |base: &Found| match &base.value {
            Value::List(elements) => {
                let from = from as usize;
                let open =
                    elements.iter().take(from).any(|element| matches!(element, Element::Rest(_) | Element::More(_)));
                let rest = if open {
                    vec![Element::Rest("part of a list that is not known".to_owned())]
                } else {
                    elements.iter().skip(from).cloned().collect()
                };
                base.with(Value::List(Rc::new(rest)))
            }
            Value::Text(_) if from > 0 => Found::unknown("part of a text"),
            _ => base.clone(),
        };
        bases.iter().map(cut).collect()
    }

    /// The values of one element.
    pub(crate) fn element(&mut self, element: &Element) -> Vec<Found> {
        if !self.enter() {
            return vec![Found::unknown("following the value takes too many steps")];
        }
        let found = self.element_inner(element);
        self.leave();
        found
    }

    pub(super) fn element_inner(&mut self, element: &Element) -> Vec<Found> {
        match element {
            Element::Later(thunk) => self.values(thunk),
            Element::Known(found) => vec![found.clone()],
            Element::More(thunk) => {
                let mut found = Vec::new();
                for list in self.values(thunk) {
                    match &list.value {
                        Value::List(elements) => {
                            let inner: Vec<Element> = elements.iter().take(COMBINATIONS).cloned().collect();
                            for one in inner {
                                found.extend(self.element(&one));
                            }
                        }
                        Value::Unknown(_) => found.push(list),
                        _ => found.push(Found::unknown("an element of a list that is not known")),
                    }
                }
                found
            }
            Element::Rest(reason) => vec![Found::unknown(reason.clone())],
        }
    }

    pub(super) fn elements_of_list(&mut self, at: &Thunk, list: ExprId) -> Vec<Found> {
        let lists = self.values(&Self::beside(at, list));
        let mut found = Vec::new();
        for list in &lists {
            match &list.value {
                Value::List(elements) => {
                    for element in elements.iter().take(ALTERNATIVES) {
                        found.extend(self.element(element).into_iter().map(|value| value.after(list)));
                    }
                }
                Value::Dict(dict) => {
                    let module = self.module(dict.module);
                    let Kind::Dict(rows) = &module.exprs[dict.expr as usize].kind else { continue };
                    for (key, _) in rows.iter().take(ALTERNATIVES) {
                        if let Some(key) = key {
                            found.extend(self.values(&Self::beside(dict, *key)));
                        }
                    }
                }
                Value::Unknown(_) => found.push(list.clone()),
                _ => found.push(Found::unknown("an element of a list that is not known")),
            }
        }
        found
    }

    pub(super) fn element_at(&mut self, at: &Thunk, list: ExprId, place: u32) -> Vec<Found> {
        let lists = self.values(&Self::beside(at, list));
        let mut found = Vec::new();
        for list in &lists {
            match &list.value {
                Value::List(elements) => {
                    let before = elements.iter().take(place as usize + 1);
                    if before.clone().any(|element| matches!(element, Element::More(_))) {
                        found.push(Found::unknown("an element of a list that is not known"));
                    } else if let Some(Element::Rest(reason)) =
                        before.clone().find(|element| matches!(element, Element::Rest(_)))
                    {
                        found.push(Found::unknown(reason.clone()));
                    } else if let Some(element) = elements.get(place as usize) {
                        found.extend(self.element(element).into_iter().map(|value| value.after(list)));
                    }
                }
                Value::Unknown(_) => found.push(list.clone()),
                _ => found.push(Found::unknown("an element that is not known")),
            }
        }
        found
    }
}
