//! Parts of lists and texts: `x[1:]`, `x[:len(x)-1]`, `x[len(x)-1]`.

use super::engine::Engine;
use super::syntax::{ExprKind, Op};
use super::texts;
use super::types::At;
use super::value::{Kind, Set, Value};
use std::rc::Rc;

/// A place in a list or text, counted from its start or its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Start(usize),
    End(usize),
    Unknown,
}

impl Bound {
    /// The place from the start; nothing where the length decides and is not known, or is too small.
    fn place(self, length: Option<usize>) -> Option<usize> {
        match self {
            Self::Start(index) => Some(index),
            Self::End(back) => length?.checked_sub(back),
            Self::Unknown => None,
        }
    }
}

impl Engine<'_> {
    /// Where a slice of `base` starts or ends.
    pub(crate) fn bound(&self, base: At, at: At) -> Bound {
        match self.program.syntax(at.unit).kind(at.expr) {
            ExprKind::Int(index) => usize::try_from(*index).map_or(Bound::Unknown, Bound::Start),
            _ => self.back_from_end(base, at).map_or(Bound::Unknown, Bound::End),
        }
    }

    /// How far from the end of a list or text an index stands: `x[len(x)-1]` is 1.
    pub(crate) fn back_from_end(&self, base: At, index: At) -> Option<usize> {
        let syntax = self.program.syntax(index.unit);
        let ExprKind::Binary { op: Op::Subtract, left, right } = syntax.kind(index.expr) else { return None };
        let (ExprKind::Call { fun, args, .. }, ExprKind::Int(back)) = (syntax.kind(*left), syntax.kind(*right)) else {
            return None;
        };
        let text = |expr: u32| syntax.str(syntax.expr(expr).range);
        let same = base.unit == index.unit && args.len() == 1 && text(args[0]) == text(base.expr);
        (same && syntax.name(*fun) == "len").then(|| usize::try_from(*back).ok()).flatten()
    }
}

/// A part of each list or text; without `high` the part goes to the end.
pub(crate) fn slice(set: Set, low: Bound, high: Option<Bound>) -> Set {
    let mut found = Set::default();
    for mut value in set.values {
        match &value.kind {
            Kind::List(list) => {
                let mut list = (**list).clone();
                let length = (!list.open && list.writes.is_empty()).then_some(list.items.len());
                let low = low.place(length);
                if let Some(high) = length.and(high).and_then(|high| high.place(length)) {
                    list.items.truncate(high);
                }
                match low {
                    Some(low) => drop(list.items.drain(..low.min(list.items.len()))),
                    None => {
                        list.rest.splice(0..0, list.items.drain(..));
                        list.open = true;
                    }
                }
                if low != Some(0) {
                    list.writes.clear();
                }
                value.kind = Kind::List(Rc::new(list));
            }
            Kind::Text(_) if low == Bound::Start(0) && high.is_none() => {}
            Kind::Text(parts) => {
                let length = value.known_text().map(|text| text.len());
                let piece = match (low.place(length), high.map(|high| high.place(length))) {
                    (Some(low), None) => texts::range(parts, low, None),
                    (Some(low), Some(Some(high))) => texts::range(parts, low, Some(high)),
                    _ => None,
                };
                match piece {
                    Some(piece) => value.kind = Kind::Text(piece),
                    None => value = Value::hole("a piece of a text"),
                }
            }
            _ => {}
        }
        found.add(value);
    }
    found
}
