//! The state of value following: contexts, what is known already, and the bounds.
//!
//! Values are followed on demand, from a sink back, without regard to the order of statements (conditions that only
//! another platform meets, and comparisons with constants, are regarded). Every bound ends in a hole that says so: steps
//! of one chain and one sink ([`FUEL`], [`BUDGET`]), depth ([`MAX_DEPTH`]), nested calls ([`MAX_CALLS`]) and set sizes.

use super::constraint::BuildTags;
use super::cycles::{Cycles, Key};
use super::embedded::Embedded;
use super::load::{PackageId, Program, UnitId};
use super::reach::Node;
use super::types::{At, FieldAt, FuncAt, Meaning, Ty};
use super::value::{Context, Set, Value};
use foldhash::HashMap;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many expressions are followed for one chain of a sink's callers.
const FUEL: u32 = 6_000;
/// How many expressions are followed for one sink.
const BUDGET: u32 = 20_000;
/// How many expressions are followed for a question beside the way to a value, and for all of them.
const ASIDE: u32 = 1_000;
const ALL_ASIDE: u32 = 60_000;
/// How many steps it takes to look through a file for uses of a name: one of the modules that are developed here, and one of
/// another, from which few names of programs come.
const OWN_FILE: u32 = 3;
const OTHER_FILE: u32 = 30;
/// Why a value is not known where the steps are used up.
pub(super) const TOO_MUCH: &str = "too much code to follow";
/// How deep following may nest.
const MAX_DEPTH: u32 = 120;
/// How many calls a context may hold.
const MAX_CALLS: u32 = 10;

/// One link of a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Frame {
    /// A function, entered from a call.
    Call { call: At, func: FuncAt, outer: Context },
    /// The iteration of a loop in which its range stands at an index.
    Pin { over: At, index: usize, outer: Context },
    /// One literal of a struct type, of which the fields of that type are looked at.
    Literal { of: At, literal: At, outer: Context },
}

/// A call of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CallSite {
    pub call: At,
}

/// Follows values through one program.
pub(crate) struct Engine<'a> {
    pub program: &'a Program,
    pub tags: &'a BuildTags,
    /// The image's own environment.
    pub env: &'a BTreeMap<String, String>,
    pub embedded: &'a Embedded<'a>,
    frames: Vec<Frame>,
    frame_ids: HashMap<Frame, Context>,
    /// Values that hold everywhere.
    memo: HashMap<Key, Rc<Set>>,
    /// Values in which the current sink's parameters stand.
    local_memo: HashMap<Key, Rc<Set>>,
    pub(super) cycles: Cycles,
    params_seen: u64,
    depth: u32,
    fuel: u32,
    /// What the current sink has left beside the fuel of its chain.
    budget: u32,
    /// What is left for questions beside the way, and whether one is being followed.
    aside: u32,
    is_aside: bool,
    /// The function whose parameters are looked at caller by caller.
    pub bottom: Option<FuncAt>,
    pub(super) members: HashMap<PackageId, HashMap<String, Option<Meaning>>>,
    pub(super) types: HashMap<At, Ty>,
    pub(super) type_depth: u32,
    pub(super) interface_methods: HashMap<At, Rc<Vec<String>>>,
    pub(super) satisfied: HashMap<(PackageId, String, At), bool>,
    pub(super) implementations: HashMap<(At, String), Rc<Vec<FuncAt>>>,
    pub(super) callers: HashMap<FuncAt, Rc<Vec<CallSite>>>,
    pub(super) callers_by_type: HashMap<FuncAt, Rc<Vec<CallSite>>>,
    pub(super) fields: HashMap<FieldAt, Rc<Set>>,
    pub(super) field_writes: HashMap<FieldAt, Rc<Set>>,
    pub(super) open_fields: Vec<(FieldAt, usize)>,
    pub(super) open_writes: Vec<(FieldAt, usize)>,
    /// Fields of structs that fields of others hold; nothing where that does not tell more than the field alone.
    pub(super) held_fields: HashMap<(FieldAt, FieldAt), Option<Rc<Set>>>,
    pub(super) open_held: Vec<((FieldAt, FieldAt), usize)>,
    pub(super) reached: HashMap<Node, bool>,
    /// Conditions that never hold on the platform, by file and number.
    pub(super) dead: HashMap<(UnitId, u32), bool>,
    pub(super) flags: Option<Rc<super::flags::Flags>>,
    /// By file and part.
    pub(super) var_writes: HashMap<(UnitId, u32), Rc<super::variables::Writes>>,
}

impl<'a> Engine<'a> {
    pub(crate) fn new(
        program: &'a Program,
        tags: &'a BuildTags,
        env: &'a BTreeMap<String, String>,
        embedded: &'a Embedded<'a>,
    ) -> Self {
        Self {
            program,
            tags,
            env,
            embedded,
            frames: vec![Frame::Pin { over: At { unit: 0, expr: 0 }, index: usize::MAX, outer: 0 }],
            frame_ids: HashMap::default(),
            memo: HashMap::default(),
            local_memo: HashMap::default(),
            cycles: Cycles::default(),
            params_seen: 0,
            depth: 0,
            fuel: FUEL,
            budget: BUDGET,
            aside: ALL_ASIDE,
            is_aside: false,
            bottom: None,
            members: HashMap::default(),
            types: HashMap::default(),
            type_depth: 0,
            interface_methods: HashMap::default(),
            satisfied: HashMap::default(),
            implementations: HashMap::default(),
            callers: HashMap::default(),
            callers_by_type: HashMap::default(),
            fields: HashMap::default(),
            field_writes: HashMap::default(),
            open_fields: Vec::new(),
            open_writes: Vec::new(),
            held_fields: HashMap::default(),
            open_held: Vec::new(),
            reached: HashMap::default(),
            dead: HashMap::default(),
            flags: None,
            var_writes: HashMap::default(),
        }
    }

    /// Parses files that are about to be looked through for uses of a name, in parallel, and pays for that: what is used
    /// all over the place leads to everything.
    pub(super) fn look_through(&mut self, units: &[UnitId]) {
        self.program.parse_all(units);
        let cost: u32 = units.iter().map(|&unit| self.cost_of(unit)).sum();
        self.fuel = self.fuel.saturating_sub(cost);
    }

    /// As [`Self::look_through`], of as many files as there are steps for, those of the own modules first; says in the set
    /// of what is looked for where that is not all of them.
    pub(super) fn look_through_some(&mut self, mut units: Vec<UnitId>, set: &mut Set) -> Vec<UnitId> {
        let cost: u32 = units.iter().map(|&unit| self.cost_of(unit)).sum();
        if cost >= self.fuel {
            units.sort_by_key(|&unit| self.cost_of(unit));
            // What is found has to be followed, too.
            let mut left = self.fuel - self.fuel / 4;
            let paid = units.iter().map_while(|&unit| {
                left = left.checked_sub(self.cost_of(unit))?;
                Some(unit)
            });
            let paid = paid.count();
            if paid < units.len() {
                set.add(Value::hole(TOO_MUCH));
                units.truncate(paid);
            }
        }
        self.look_through(&units);
        units
    }

    fn cost_of(&self, unit: UnitId) -> u32 {
        let program = self.program;
        if program.package(program.unit(unit).package).is_own { OWN_FILE } else { OTHER_FILE }
    }

    /// Starts on another sink.
    pub(crate) fn restart(&mut self, bottom: Option<FuncAt>) {
        self.local_memo.clear();
        self.bottom = bottom;
        self.fuel = 0;
        self.budget = BUDGET;
        self.refuel();
    }

    /// Goes on to another chain of callers: the parameters of its last function stand for themselves.
    pub(crate) fn set_bottom(&mut self, bottom: Option<FuncAt>) {
        self.local_memo.clear();
        self.bottom = bottom;
        self.refuel();
    }

    /// Gives a chain its share of the sink's budget, so that a long one leaves the others theirs.
    fn refuel(&mut self) {
        self.budget += self.fuel;
        self.fuel = FUEL.min(self.budget);
        self.budget -= self.fuel;
    }

    /// Follows one of many ways to a value with a share of the fuel, so that a long one leaves the others theirs.
    pub(crate) fn with_share<T>(&mut self, follow: impl FnOnce(&mut Self) -> T) -> T {
        self.with_at_most((self.fuel / 3).max(2_000), follow)
    }

    /// Follows an expression beside the way to another value, with fuel of its own; nothing where it comes round to what
    /// is being followed, or there is too much code.
    pub(crate) fn eval_aside(&mut self, at: At) -> Option<Set> {
        if self.is_aside || self.aside == 0 {
            return None;
        }
        self.is_aside = true;
        let share = ASIDE.min(self.aside);
        let fuel = std::mem::replace(&mut self.fuel, share);
        let level = self.cycles.open();
        let set = self.apart_from_sink(|engine| engine.eval(at, 0));
        let whole = self.cycles.close_beside(level) && self.fuel > 0;
        self.aside -= share - self.fuel;
        (self.fuel, self.is_aside) = (fuel, false);
        whole.then_some(set)
    }

    /// Follows something with some of the steps that are left at most.
    pub(crate) fn with_at_most<T>(&mut self, steps: u32, follow: impl FnOnce(&mut Self) -> T) -> T {
        let spare = self.fuel.saturating_sub(steps);
        self.fuel -= spare;
        let result = follow(self);
        self.fuel += spare;
        result
    }

    /// Follows something with steps of its own, so that what comes out does not hang on what the sink has left.
    pub(crate) fn with_own_steps<T>(&mut self, steps: u32, follow: impl FnOnce(&mut Self) -> T) -> T {
        let fuel = std::mem::replace(&mut self.fuel, steps);
        let result = follow(self);
        self.fuel = fuel;
        result
    }

    /// Follows something that does not depend on the current sink's parameters.
    pub(crate) fn apart_from_sink<T>(&mut self, follow: impl FnOnce(&mut Self) -> T) -> T {
        let bottom = self.bottom.take();
        let memo = std::mem::take(&mut self.local_memo);
        let partial = self.cycles.set_aside();
        let result = follow(self);
        self.cycles.take_back(partial);
        self.bottom = bottom;
        self.local_memo = memo;
        result
    }

    /// Takes one step for a question about a condition; false where there is none left.
    pub(super) fn spend(&mut self) -> bool {
        let left = self.fuel > 0;
        self.fuel = self.fuel.saturating_sub(1);
        left
    }

    /// Whether the current sink's steps are used up.
    pub(crate) fn exhausted(&self) -> bool {
        self.fuel == 0
    }

    /// Notes that a value holds one of the current sink's parameters.
    pub(crate) fn saw_param(&mut self) {
        self.params_seen += 1;
    }

    fn intern(&mut self, frame: Frame) -> Context {
        if let Some(&id) = self.frame_ids.get(&frame) {
            return id;
        }
        let id = self.frames.len() as Context;
        self.frames.push(frame);
        self.frame_ids.insert(frame, id);
        id
    }

    /// The links of a context, the innermost first.
    fn links(&self, mut context: Context) -> impl Iterator<Item = Frame> + '_ {
        std::iter::from_fn(move || {
            if context == 0 {
                return None;
            }
            let frame = self.frames[context as usize];
            context = match frame {
                Frame::Call { outer, .. } | Frame::Pin { outer, .. } | Frame::Literal { outer, .. } => outer,
            };
            Some(frame)
        })
    }

    /// The context inside a function that a call enters; nothing for recursion and where calls nest too deep.
    pub(crate) fn enter(&mut self, call: At, func: FuncAt, outer: Context) -> Option<Context> {
        let mut depth = 0;
        for frame in self.links(outer) {
            depth += 1;
            if depth > MAX_CALLS
                || matches!(frame, Frame::Call { call: known, func: f, .. } if known == call && f == func)
            {
                return None;
            }
        }
        Some(self.intern(Frame::Call { call, func, outer }))
    }

    /// The context of the iteration at `index` of a loop over `over`.
    pub(crate) fn pin(&mut self, over: At, index: usize, outer: Context) -> Context {
        if self.links(outer).count() as u32 > MAX_CALLS + 4 {
            return outer;
        }
        self.intern(Frame::Pin { over, index, outer })
    }

    /// The index that a loop stands at.
    pub(crate) fn pinned(&self, over: At, context: Context) -> Option<usize> {
        self.links(context).find_map(|frame| match frame {
            Frame::Pin { over: known, index, .. } if known == over => Some(index),
            _ => None,
        })
    }

    /// The call that entered a function, and the context of that call.
    pub(crate) fn entered(&self, func: FuncAt, context: Context) -> Option<(At, Context)> {
        self.links(context).find_map(|frame| match frame {
            Frame::Call { call, func: known, outer } if known == func => Some((call, outer)),
            _ => None,
        })
    }

    /// The calls of a context, the innermost first.
    pub(crate) fn calls_of(&self, context: Context) -> Vec<(At, FuncAt)> {
        self.links(context)
            .filter_map(|frame| match frame {
                Frame::Call { call, func, .. } => Some((call, func)),
                Frame::Pin { .. } | Frame::Literal { .. } => None,
            })
            .collect()
    }

    /// A context with one more call at its far end.
    pub(crate) fn extend(&mut self, context: Context, call: At, func: FuncAt) -> Option<Context> {
        let links: Vec<Frame> = self.links(context).collect();
        if links.len() as u32 >= MAX_CALLS
            || links.iter().any(|link| matches!(link, Frame::Call { call: c, .. } if *c == call))
        {
            return None;
        }
        Some(self.lengthen(context, Frame::Call { call, func, outer: 0 }))
    }

    /// A context in which the fields of a struct type are those of one literal.
    pub(crate) fn choose_literal(&mut self, context: Context, of: At, literal: At) -> Context {
        self.lengthen(context, Frame::Literal { of, literal, outer: 0 })
    }

    /// The literal of a struct type that a context looks at.
    pub(crate) fn chosen_literal(&self, of: At, context: Context) -> Option<At> {
        self.links(context).find_map(|frame| match frame {
            Frame::Literal { of: known, literal, .. } if known == of => Some(literal),
            _ => None,
        })
    }

    /// A context with one more link at its far end.
    fn lengthen(&mut self, context: Context, end: Frame) -> Context {
        let links: Vec<Frame> = self.links(context).collect();
        let mut built = self.intern(end);
        for link in links.into_iter().rev() {
            built = match link {
                Frame::Call { call, func, .. } => self.intern(Frame::Call { call, func, outer: built }),
                Frame::Pin { over, index, .. } => self.intern(Frame::Pin { over, index, outer: built }),
                Frame::Literal { of, literal, .. } => self.intern(Frame::Literal { of, literal, outer: built }),
            };
        }
        built
    }

    /// The values of an expression.
    pub(crate) fn eval(&mut self, at: At, context: Context) -> Set {
        let key = (at, context);
        if let Some(known) = self.memo.get(&key) {
            return (**known).clone();
        }
        if let Some(known) = self.local_memo.get(&key) {
            self.params_seen += 1;
            return (**known).clone();
        }
        if self.cycles.comes_round(&key) {
            return Set::default();
        }
        if let Some((known, has_params)) = self.cycles.partial(&key) {
            self.params_seen += u64::from(has_params);
            return (*known).clone();
        }
        if self.fuel == 0 {
            return Set::hole(TOO_MUCH);
        }
        if self.depth >= MAX_DEPTH {
            return Set::hole("too deep to follow");
        }
        self.fuel -= 1;
        self.depth += 1;
        let level = self.cycles.open_key(key);
        let before = self.params_seen;
        let set = self.eval_inner(at, context);
        self.depth -= 1;
        let has_params = self.params_seen != before;
        let kept = (self.fuel > 0).then_some(&set);
        let whole = self.cycles.close_key(key, level, kept, has_params);
        if whole && self.fuel > 0 {
            let memo = if has_params { &mut self.local_memo } else { &mut self.memo };
            memo.insert(key, Rc::new(set.clone()));
        }
        set
    }

    /// Whether a set stands for the current sink's parameters, at least in part.
    pub(crate) fn deferred(set: &Set) -> Option<Value> {
        set.values.iter().find(|value| matches!(value.kind, super::value::Kind::Param(..))).cloned()
    }
}
