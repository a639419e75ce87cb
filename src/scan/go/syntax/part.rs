//! A piece of a file that is parsed at once, as flat tables: what stands at the top, or the body of one function.
//!
//! Expressions, variables and functions are numbered through by their part, so that a number tells where to look.

use super::{Assign, Decl, Expr, ExprId, ExprKind, Func, FuncId, Guard, Parent, Range, Return, Var, VarId, str};
use crate::scan::go::word::hash;
use std::sync::OnceLock;

/// Marks numbers in a body; below it stand the body's own number and the number in it.
const IN_BODY: u32 = 1 << 31;
/// How many bits a number within a body has.
const BITS: u32 = 18;
/// How many bodies of a file are parts of their own.
pub(super) const MAX_BODIES: usize = 1 << (31 - BITS);
/// How long a body may be to be a part of its own, in bytes: an expression takes about two.
pub(super) const MAX_LENGTH: usize = 1 << (BITS - 1);

/// The body in which the thing of a number stands; nothing for what stands at the top.
pub(super) fn body_of(id: u32) -> Option<usize> {
    (id & IN_BODY != 0).then_some(((id & !IN_BODY) >> BITS) as usize)
}

/// The tables of one piece of a file.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// The number of the first of everything here; it tells the part from the others of its file.
    pub base: u32,
    exprs: Vec<Expr>,
    parents: Vec<Parent>,
    vars: Vec<Var>,
    funcs: Vec<Func>,
    /// In the order of their left sides.
    pub assigns: Vec<Assign>,
    /// In the order of their ranges, outer ones first.
    pub guards: Vec<Guard>,
    /// Bodies of loops with what they range over.
    pub loops: Vec<(Range, Option<ExprId>)>,
    /// `if` statements: condition, consequence, whether the consequence leaves.
    pub ifs: Vec<(ExprId, Range, bool)>,
    pub(super) returns: Vec<Return>,
    /// Literals whose elements stand there without keys.
    pub unkeyed: Vec<ExprId>,
    /// Type parameters of functions and types.
    pub(super) type_params: Vec<Range>,
    decls: Vec<(u32, Range, Decl)>,
    /// Names and selectors by the hash of their last name; made when they are asked for, which many parts never are.
    refs: OnceLock<Vec<(u32, ExprId)>>,
    /// Variables by the place of their name, then by scope.
    vars_by_place: Vec<(u32, u32, VarId)>,
    local_vars: Vec<LocalVar>,
}

/// A variable of a block, in the order of names and scopes.
#[derive(Clone, Copy, Debug)]
struct LocalVar {
    /// The hash of its name.
    hash: u32,
    /// Where its scope starts.
    start: u32,
    /// Where the last of the scopes ends that start no later, of variables of the same hash.
    reach: u32,
    var: VarId,
}

impl Part {
    /// The tables of what stands at the top, or of a body, to be filled from so many tokens.
    pub(super) fn new(body: Option<usize>, tokens: usize) -> Self {
        // About every second token makes an expression.
        let (exprs, parents) = (Vec::with_capacity(tokens / 2), Vec::with_capacity(tokens / 2));
        let base = body.map_or(0, |index| IN_BODY | (index as u32) << BITS);
        Self { base, exprs, parents, ..Self::default() }
    }

    fn local_number(&self, id: u32) -> usize {
        (id - self.base) as usize
    }

    fn next(&self, length: usize) -> u32 {
        self.base + length as u32
    }

    pub(super) fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[self.local_number(id)]
    }

    pub(super) fn func(&self, id: FuncId) -> &Func {
        &self.funcs[self.local_number(id)]
    }

    pub(super) fn var(&self, id: VarId) -> &Var {
        &self.vars[self.local_number(id)]
    }

    pub(super) fn parent(&self, id: ExprId) -> Parent {
        self.parents[self.local_number(id)]
    }

    /// The expressions, inner ones before those around them.
    pub(crate) fn exprs(&self) -> impl Iterator<Item = (ExprId, &Expr)> {
        (self.base..).zip(&self.exprs)
    }

    /// What is sent to channels: the value and the channel.
    pub(crate) fn sends(&self) -> impl Iterator<Item = (ExprId, ExprId)> {
        (self.base..).zip(&self.parents).filter_map(|(value, parent)| match parent {
            &Parent::Send(channel) => Some((value, channel)),
            _ => None,
        })
    }

    pub(crate) fn vars(&self) -> impl Iterator<Item = (VarId, &Var)> {
        (self.base..).zip(&self.vars)
    }

    pub(super) fn funcs(&self) -> impl Iterator<Item = (FuncId, &Func)> {
        (self.base..).zip(&self.funcs)
    }

    // While it is made.

    /// Adds an expression; past as many as there are numbers it stands for the last one, as no code comes near them.
    pub(super) fn add(&mut self, expr: Expr) -> ExprId {
        if self.base == 0 || self.exprs.len() < 1 << BITS {
            self.exprs.push(expr);
            self.parents.push(Parent::Statement);
        }
        self.next(self.exprs.len() - 1)
    }

    pub(super) fn add_var(&mut self, var: Var) -> VarId {
        self.vars.push(var);
        self.next(self.vars.len() - 1)
    }

    pub(super) fn add_func(&mut self, func: Func) -> FuncId {
        self.funcs.push(func);
        self.next(self.funcs.len() - 1)
    }

    pub(super) fn add_decl(&mut self, text: &str, name: Range, decl: Decl) {
        self.decls.push((hash(str(text, name).as_bytes()), name, decl));
    }

    pub(super) fn expr_mut(&mut self, id: ExprId) -> &mut Expr {
        let at = self.local_number(id);
        &mut self.exprs[at]
    }

    pub(super) fn func_mut(&mut self, id: FuncId) -> &mut Func {
        let at = self.local_number(id);
        &mut self.funcs[at]
    }

    pub(super) fn var_mut(&mut self, id: VarId) -> &mut Var {
        let at = self.local_number(id);
        &mut self.vars[at]
    }

    pub(super) fn set_parent(&mut self, id: ExprId, parent: Parent) {
        let at = self.local_number(id);
        self.parents[at] = parent;
    }

    /// How many expressions there are; for [`Self::truncate`].
    pub(super) fn len(&self) -> usize {
        self.exprs.len()
    }

    /// Takes back expressions.
    pub(super) fn truncate(&mut self, length: usize) {
        self.exprs.truncate(length);
        self.parents.truncate(length);
    }

    /// Makes the tables that answer by place and by name.
    pub(super) fn finish(&mut self, text: &str) {
        let (base, parents) = (self.base, &mut self.parents);
        for (id, expr) in (base..).zip(&self.exprs) {
            expr.kind.each_child(|child| parents[(child - base) as usize] = Parent::Expr(id));
            if let ExprKind::Composite { elements, .. } = &expr.kind
                && elements.iter().any(|(key, _)| key.is_none())
            {
                self.unkeyed.push(id);
            }
        }
        self.index_vars(text);
        self.nest_guards();
        let exprs = &self.exprs;
        self.assigns.sort_by_key(|assign| exprs[(assign.left - base) as usize].range.start);
        self.decls.sort_by_key(|&(hash, range, _)| (hash, range.start));
    }

    fn index_vars(&mut self, text: &str) {
        for (id, var) in (self.base..).zip(&self.vars) {
            self.vars_by_place.push((var.name.start, var.scope.start, id));
            if var.func.is_some() {
                let hash = hash(str(text, var.name).as_bytes());
                self.local_vars.push(LocalVar { hash, start: var.scope.start, reach: var.scope.end, var: id });
            }
        }
        self.vars_by_place.sort_unstable();
        self.local_vars.sort_unstable_by_key(|local| (local.hash, local.start, local.var));
        for index in 1..self.local_vars.len() {
            let before = self.local_vars[index - 1];
            let local = &mut self.local_vars[index];
            if before.hash == local.hash {
                local.reach = local.reach.max(before.reach);
            }
        }
    }

    fn nest_guards(&mut self) {
        let guards = &mut self.guards;
        guards.sort_by_key(|guard| (guard.range.start, std::cmp::Reverse(guard.range.end)));
        let mut around: Vec<u32> = Vec::new();
        for index in 0..guards.len() {
            let start = guards[index].range.start;
            while around.pop_if(|outer| guards[*outer as usize].range.end <= start).is_some() {}
            guards[index].outer = around.last().copied();
            around.push(index as u32);
        }
    }

    // What is asked of it.

    /// The declaration of a name.
    pub(crate) fn decl(&self, text: &str, name: &str) -> Option<Decl> {
        let hash = hash(name.as_bytes());
        let start = self.decls.partition_point(|&(known, ..)| known < hash);
        let mut same = self.decls[start..].iter().take_while(|&&(known, ..)| known == hash);
        same.find(|&&(_, range, _)| str(text, range) == name).map(|&(.., decl)| decl)
    }

    /// All declarations with their names.
    pub(super) fn decls(&self) -> impl Iterator<Item = (Range, Decl)> {
        self.decls.iter().map(|&(_, range, decl)| (range, decl))
    }

    /// The identifiers and selectors whose (last) name this is.
    pub(crate) fn refs<'a>(&'a self, text: &'a str, name: &'a str) -> impl Iterator<Item = ExprId> + 'a {
        let refs = self.refs.get_or_init(|| self.index_refs(text));
        let hash = hash(name.as_bytes());
        let start = refs.partition_point(|&(known, _)| known < hash);
        let same = refs[start..].iter().take_while(move |&&(known, _)| known == hash);
        same.map(|&(_, id)| id).filter(move |&id| self.expr(id).name(text) == name)
    }

    fn index_refs(&self, text: &str) -> Vec<(u32, ExprId)> {
        let names = self.exprs().filter(|(_, expr)| matches!(expr.kind, ExprKind::Ident | ExprKind::Selector { .. }));
        let mut refs: Vec<(u32, ExprId)> = names.map(|(id, expr)| (hash(expr.name(text).as_bytes()), id)).collect();
        refs.sort_unstable();
        refs
    }

    /// The variable of this part that is declared at a place, or that a name means there; none of the package.
    pub(super) fn local(&self, text: &str, name: &str, at: u32) -> Option<VarId> {
        let named = self.vars_by_place.partition_point(|&(place, ..)| place <= at);
        if let Some(&(place, _, var)) = named.checked_sub(1).and_then(|last| self.vars_by_place.get(last))
            && place == at
            && str(text, self.var(var).name) == name
        {
            return Some(var);
        }
        let hash = hash(name.as_bytes());
        let before = self.local_vars.partition_point(|var| (var.hash, var.start) <= (hash, at));
        let own = self.local_vars[..before].iter().rev().take_while(|var| var.hash == hash && var.reach > at);
        own.map(|local| local.var).find(|&var| {
            let var = self.var(var);
            var.scope.contains(at) && str(text, var.name) == name
        })
    }

    /// The guards around a place, the innermost first, each with its number in the file.
    pub(super) fn guards_around(&self, at: u32) -> impl Iterator<Item = (u32, &Guard)> {
        let before = self.guards.partition_point(|guard| guard.range.start <= at) as u32;
        // Ranges lie in one another or apart: what lies around a place lies around what starts last before it.
        let nested = std::iter::successors(before.checked_sub(1), |&index| self.guards[index as usize].outer);
        let guards = nested.map(|index| (self.next(index as usize), &self.guards[index as usize]));
        guards.filter(move |(_, guard)| guard.range.contains(at))
    }

    /// The assignments whose left side starts in a range.
    pub(super) fn assigns_in(&self, range: Range) -> impl Iterator<Item = &Assign> {
        let start = |assign: &Assign| self.expr(assign.left).range.start;
        let first = self.assigns.partition_point(|assign| start(assign) < range.start);
        self.assigns[first..].iter().take_while(move |assign| start(assign) < range.end)
    }
}
