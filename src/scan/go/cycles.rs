//! Values that depend on themselves: what is being worked out, and what was found meanwhile.
//!
//! An expression that comes round to itself adds nothing to what else it can be, so it stands for nothing there; what was
//! worked out on the way is *partial*. It is kept until what it came round to is done, for the same question is asked from
//! many places of a cycle, and forgotten then.

use super::types::At;
use super::value::{Context, Set};
use foldhash::HashMap;
use std::rc::Rc;

/// An expression in a context.
pub(super) type Key = (At, Context);

/// A value that lacks what comes round to something still being worked out.
#[derive(Debug)]
struct Partial {
    set: Rc<Set>,
    /// The level of that.
    head: usize,
    /// Whether the current sink's parameters stand in it.
    has_params: bool,
}

/// What is being worked out, each in its level.
#[derive(Debug, Default)]
pub(super) struct Cycles {
    open: HashMap<Key, usize>,
    /// What was found in part, by the lowest level that it came round to.
    heads: Vec<Vec<Key>>,
    partial: HashMap<Key, Partial>,
    /// The lowest level that the current value came round to.
    lowest: Option<usize>,
}

impl Cycles {
    /// Goes a level deeper; for [`Self::close`].
    pub(super) fn open(&mut self) -> Level {
        self.heads.push(Vec::new());
        Level { at: self.heads.len() - 1, outer: self.lowest.take() }
    }

    /// Goes a level deeper, for an expression.
    pub(super) fn open_key(&mut self, key: Key) -> Level {
        self.open.insert(key, self.heads.len());
        self.open()
    }

    /// Whether an expression is being worked out; what asks came round to it then.
    pub(super) fn comes_round(&mut self, key: &Key) -> bool {
        let Some(&level) = self.open.get(key) else { return false };
        self.came_round_to(level);
        true
    }

    /// Notes that the current value came round to a level.
    pub(super) fn came_round_to(&mut self, level: usize) {
        self.lowest = Some(self.lowest.map_or(level, |lowest| lowest.min(level)));
    }

    /// What was found in part, and whether the current sink's parameters stand in it.
    pub(super) fn partial(&mut self, key: &Key) -> Option<(Rc<Set>, bool)> {
        let Partial { set, head, has_params } = self.partial.get(key)?;
        let found = (Rc::clone(set), *has_params);
        let head = *head;
        self.came_round_to(head);
        Some(found)
    }

    /// Leaves a level; returns whether all of its value was found.
    pub(super) fn close(&mut self, level: Level) -> bool {
        for key in self.heads.pop().unwrap_or_default() {
            self.partial.remove(&key);
        }
        let own = self.lowest.filter(|&lowest| lowest < level.at);
        self.lowest = match (own, level.outer) {
            (Some(own), Some(outer)) => Some(own.min(outer)),
            (own, outer) => own.or(outer),
        };
        own.is_none()
    }

    /// As [`Self::close`], for what is only asked beside the way to the current value, which does not hang on it.
    pub(super) fn close_beside(&mut self, level: Level) -> bool {
        let outer = level.outer;
        let whole = self.close(level);
        self.lowest = outer;
        whole
    }

    /// Leaves the level of an expression; keeps its value, if there is one to be kept, where only a part of it was found.
    /// Returns whether all of it was.
    pub(super) fn close_key(&mut self, key: Key, level: Level, set: Option<&Set>, has_params: bool) -> bool {
        self.open.remove(&key);
        let head = self.lowest;
        let at = level.at;
        let whole = self.close(level);
        if let (Some(head), Some(set)) = (head.filter(|&head| head < at), set) {
            self.heads[head].push(key);
            self.partial.insert(key, Partial { set: Rc::new(set.clone()), head, has_params });
        }
        whole
    }

    /// Sets aside what was found in part, for values that are worked out apart.
    pub(super) fn set_aside(&mut self) -> Aside {
        Aside(std::mem::take(&mut self.partial))
    }

    /// Takes back what was set aside.
    pub(super) fn take_back(&mut self, aside: Aside) {
        self.partial = aside.0;
    }
}

/// A level that is open.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) at: usize,
    outer: Option<usize>,
}

/// What [`Cycles::set_aside`] set aside.
#[derive(Debug)]
pub(super) struct Aside(HashMap<Key, Partial>);
