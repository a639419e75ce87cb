//! One Go file as value following needs it: expressions with their parents, variables with their scopes, assignments,
//! functions, and the conditions under which ranges of the text run.
//!
//! [`lex`] and [`parse`] read the text into flat tables. There are no types and no other files here. What is no Go is left
//! out, the parsable rest counts.

mod lex;
mod parse;
mod text;

use crate::file::{FileId, SourceFile, Span};
use std::sync::{Arc, OnceLock};

/// An expression or a type, by its place in [`Syntax::exprs`].
pub(crate) type ExprId = u32;
/// A variable, by its place in [`Syntax::vars`].
pub(crate) type VarId = u32;
/// A function, by its place in [`Syntax::funcs`].
pub(crate) type FuncId = u32;

/// A range of bytes in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub start: u32,
    pub end: u32,
}

impl Range {
    pub(crate) fn contains(self, at: u32) -> bool {
        self.start <= at && at < self.end
    }
}

/// What an expression is. Types are expressions too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ExprKind {
    /// A name.
    Ident,
    /// `base.name`; a package-qualified name too. The name stands at the end of the text.
    Selector { base: ExprId, name: Range },
    /// A string; its value is decoded.
    Text(Box<str>),
    /// An integer, where it fits.
    Int(i64),
    /// `true`, `false`.
    Bool(bool),
    /// `nil`.
    Nil,
    /// `fun(args)`, with `...` after the last argument where `spread`.
    Call { fun: ExprId, args: Vec<ExprId>, spread: bool },
    /// `base[index]`; an instantiated generic too.
    Index { base: ExprId, index: ExprId },
    /// `base[low:high]`.
    Slice { base: ExprId, low: Option<ExprId>, high: Option<ExprId> },
    /// `T{…}`; elements of a nested literal without its type have none.
    Composite { ty: Option<ExprId>, elements: Vec<(Option<ExprId>, ExprId)> },
    /// `func(…) {…}`.
    Func(FuncId),
    /// `!x`, `-x`.
    Unary { op: u8, x: ExprId },
    /// `*x` and `*T`.
    Star(ExprId),
    /// `&x`.
    Address(ExprId),
    /// `<-x`.
    Receive(ExprId),
    /// `left op right`.
    Binary { op: Op, left: ExprId, right: ExprId },
    /// `x.(T)`.
    Assert { x: ExprId, ty: ExprId },
    /// `[]T`, `[n]T`.
    SliceType(ExprId),
    /// `map[K]V`.
    MapType { key: ExprId, value: ExprId },
    /// `chan T`.
    ChanType(ExprId),
    /// `func(…) …`; its results.
    FuncType { results: Vec<ExprId> },
    /// `struct{…}`.
    StructType(Vec<Field>),
    /// `interface{…}`: its own methods, and embedded types.
    InterfaceType { methods: Vec<InterfaceMethod>, embedded: Vec<ExprId> },
    /// Something that is not followed.
    Other(Vec<ExprId>),
}

impl ExprKind {
    /// Goes through the expressions that stand in one.
    pub(crate) fn each_child(&self, mut visit: impl FnMut(ExprId)) {
        match self {
            Self::Call { fun, args, .. } => {
                visit(*fun);
                args.iter().copied().for_each(visit);
            }
            Self::Index { base: first, index: second }
            | Self::Binary { left: first, right: second, .. }
            | Self::Assert { x: first, ty: second }
            | Self::MapType { key: first, value: second } => {
                visit(*first);
                visit(*second);
            }
            Self::Slice { base, low, high } => {
                visit(*base);
                low.iter().chain(high).copied().for_each(visit);
            }
            Self::Composite { ty, elements } => {
                ty.iter().copied().for_each(&mut visit);
                for &(key, value) in elements {
                    key.into_iter().for_each(&mut visit);
                    visit(value);
                }
            }
            Self::Selector { base: only, .. }
            | Self::Unary { x: only, .. }
            | Self::Star(only)
            | Self::Address(only)
            | Self::Receive(only)
            | Self::SliceType(only)
            | Self::ChanType(only) => visit(*only),
            Self::FuncType { results: all } | Self::Other(all) => all.iter().copied().for_each(visit),
            Self::StructType(fields) => fields.iter().map(|field| field.ty).for_each(visit),
            Self::InterfaceType { methods, embedded } => {
                methods.iter().flat_map(|method| &method.results).chain(embedded).copied().for_each(visit);
            }
            Self::Ident | Self::Text(_) | Self::Int(_) | Self::Bool(_) | Self::Nil | Self::Func(_) => {}
        }
    }
}

/// A binary operator, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Add,
    Subtract,
    Equal,
    NotEqual,
    And,
    Or,
    Other,
}

/// A field of a struct type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// The name; for an embedded field the type's own name.
    pub name: Range,
    pub ty: ExprId,
    pub embedded: bool,
    /// The tag's decoded text.
    pub tag: Option<Box<str>>,
    pub tag_at: Range,
}

/// A method that an interface asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InterfaceMethod {
    pub name: Range,
    /// How many parameters it has.
    pub params: u32,
    pub results: Vec<ExprId>,
}

/// An expression with its place.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub kind: ExprKind,
    pub range: Range,
    /// The function it stands in.
    pub func: Option<FuncId>,
}

/// What stands around an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    /// A statement that does nothing with the value.
    Statement,
    /// Another expression.
    Expr(ExprId),
    /// The initial value (or one of several) of variables that are declared with it.
    Init,
    /// The left side of an assignment.
    Left,
    /// The right side of assignments.
    Right,
    /// The `index`th of `count` returned values.
    Return { func: FuncId, index: u16, count: u16 },
    /// What a `range` runs over.
    Range,
    /// What is sent to a channel.
    Send(ExprId),
}

/// Where a variable's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A value; the `index`th of `count` where one call gives several.
    Value {
        expr: ExprId,
        index: u32,
        count: u32,
    },
    /// The key or the value of what is ranged over.
    Range {
        over: ExprId,
        key: bool,
    },
    /// The type's zero value.
    Zero,
    Receiver(FuncId),
    Param {
        func: FuncId,
        index: u32,
    },
    Result {
        func: FuncId,
        index: u32,
    },
}

/// A variable or constant.
#[derive(Clone, Debug)]
pub(crate) struct Var {
    pub name: Range,
    /// Where the name means this variable.
    pub scope: Range,
    pub source: Source,
    pub ty: Option<ExprId>,
    pub func: Option<FuncId>,
    pub constant: bool,
}

/// `left = source`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assign {
    pub left: ExprId,
    pub source: Source,
    /// `+=`.
    pub adds: bool,
}

/// A parameter or result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Param {
    pub var: Option<VarId>,
    pub ty: ExprId,
    pub variadic: bool,
}

/// A function, method or function literal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Func {
    /// Empty for a literal.
    pub name: String,
    pub name_at: Option<Range>,
    pub receiver: Option<Param>,
    pub params: Vec<Param>,
    pub results: Vec<Param>,
    pub range: Option<Range>,
    /// The function around a literal.
    pub outer: Option<FuncId>,
    /// The expression that a literal is.
    pub literal: Option<ExprId>,
    /// The values of each `return`.
    pub returns: Vec<(Range, Vec<ExprId>)>,
}

/// What must hold for a range of text to run.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// The expression is true.
    Is(ExprId),
    /// The expression is false.
    IsNot(ExprId),
    /// The tag (or `true`) equals one of the values.
    Case { tag: Option<ExprId>, values: Vec<ExprId> },
    /// The tag (or `true`) equals none of the values.
    Default { tag: Option<ExprId>, values: Vec<ExprId> },
    /// Something that is not followed.
    Unknown,
}

/// A range of text with the condition for it.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub range: Range,
    pub condition: Condition,
    /// The condition holds because the other branch leaves the block.
    pub by_leaving: bool,
    /// The guard around it, by its place in [`Syntax::guards`].
    pub outer: Option<u32>,
}

/// What a package-level name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decl {
    Func(FuncId),
    Var(VarId),
    /// The type expression behind the name.
    Type(ExprId),
}

/// A parsed file.
#[derive(Debug)]
pub(crate) struct Syntax {
    pub file: FileId,
    pub source: Arc<SourceFile>,
    pub exprs: Vec<Expr>,
    pub parents: Vec<Parent>,
    pub vars: Vec<Var>,
    /// In the order of their left sides.
    pub assigns: Vec<Assign>,
    pub funcs: Vec<Func>,
    /// In the order of their ranges, outer ones first.
    pub guards: Vec<Guard>,
    /// Bodies of loops with what they range over.
    pub loops: Vec<(Range, Option<ExprId>)>,
    /// `if` statements: condition, consequence, whether the consequence leaves.
    pub ifs: Vec<(ExprId, Range, bool)>,
    /// Literals whose elements stand there without keys.
    pub unkeyed: Vec<ExprId>,
    decls: Vec<(u32, Range, Decl)>,
    /// Declared functions, by their ranges.
    pub declared: Vec<(Range, FuncId)>,
    /// Names and selectors by the hash of their last name; made when they are asked for, which many files never are.
    refs: OnceLock<Vec<(u32, ExprId)>>,
    /// Variables by the place of their name, then by scope.
    vars_by_place: Vec<(u32, u32, VarId)>,
    local_vars: Vec<LocalVar>,
    /// Type parameters of functions and types.
    pub type_params: Vec<Range>,
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

/// A small hash of a name, which grows byte by byte: names of up to nine letters differ before they are mixed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NameHash(u64);

impl NameHash {
    pub(crate) fn push(self, byte: u8) -> Self {
        Self(self.0.rotate_left(7) ^ u64::from(byte))
    }

    pub(crate) fn finish(self) -> u32 {
        (self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
    }
}

/// The hash of a whole name.
pub(crate) fn hash(name: &[u8]) -> u32 {
    name.iter().fold(NameHash::default(), |hash, &byte| hash.push(byte)).finish()
}

fn hashed<T: Copy>(table: &[(u32, T)], name: &str) -> impl Iterator<Item = T> {
    let hash = hash(name.as_bytes());
    let start = table.partition_point(|&(known, _)| known < hash);
    table[start..].iter().take_while(move |&&(known, _)| known == hash).map(|&(_, item)| item)
}

impl Syntax {
    /// Parses a file.
    pub(crate) fn parse(file: FileId, source: &Arc<SourceFile>) -> Self {
        parse::parse(file, source)
    }

    /// The text of a range.
    pub(crate) fn str(&self, range: Range) -> &str {
        self.source.text().get(range.start as usize..range.end as usize).unwrap_or("")
    }

    pub(crate) fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id as usize]
    }

    pub(crate) fn kind(&self, id: ExprId) -> &ExprKind {
        &self.exprs[id as usize].kind
    }

    pub(crate) fn func(&self, id: FuncId) -> &Func {
        &self.funcs[id as usize]
    }

    pub(crate) fn var(&self, id: VarId) -> &Var {
        &self.vars[id as usize]
    }

    pub(crate) fn parent(&self, id: ExprId) -> Parent {
        self.parents[id as usize]
    }

    pub(crate) fn span(&self, range: Range) -> Span {
        Span { file: self.file, start: range.start, end: range.end }
    }

    pub(crate) fn expr_span(&self, id: ExprId) -> Span {
        self.span(self.expr(id).range)
    }

    /// The name of an identifier, or the last name of a selector.
    pub(crate) fn name(&self, id: ExprId) -> &str {
        match &self.expr(id).kind {
            ExprKind::Ident => self.str(self.expr(id).range),
            ExprKind::Selector { name, .. } => self.str(*name),
            _ => "",
        }
    }

    /// The package-level declaration of a name (methods are not among them).
    pub(crate) fn decl(&self, name: &str) -> Option<Decl> {
        let hash = hash(name.as_bytes());
        let start = self.decls.partition_point(|&(known, ..)| known < hash);
        let mut same = self.decls[start..].iter().take_while(|&&(known, ..)| known == hash);
        same.find(|&&(_, range, _)| self.str(range) == name).map(|&(.., decl)| decl)
    }

    /// All package-level declarations with their names.
    pub(crate) fn all_decls(&self) -> impl Iterator<Item = (Range, Decl)> + '_ {
        self.decls.iter().map(|&(_, range, decl)| (range, decl))
    }

    /// The identifiers and selectors whose (last) name this is.
    pub(crate) fn refs<'a>(&'a self, name: &'a str) -> impl Iterator<Item = ExprId> + 'a {
        let refs = self.refs.get_or_init(|| self.index_refs());
        hashed(refs, name).filter(move |&id| self.name(id) == name)
    }

    fn index_refs(&self) -> Vec<(u32, ExprId)> {
        let names = (0..self.exprs.len() as ExprId)
            .filter(|&id| matches!(self.kind(id), ExprKind::Ident | ExprKind::Selector { .. }));
        let mut refs: Vec<(u32, ExprId)> = names.map(|id| (hash(self.name(id).as_bytes()), id)).collect();
        refs.sort_unstable();
        refs
    }

    /// The variable that an identifier means in this file: a local one, or a package-level one declared here.
    pub(crate) fn resolve(&self, id: ExprId) -> Option<VarId> {
        let range = self.expr(id).range;
        self.resolve_at(self.str(range), range.start)
    }

    /// As [`Self::resolve`]; nothing for what is no identifier.
    pub(crate) fn resolve_if_ident(&self, id: ExprId) -> Option<VarId> {
        matches!(self.kind(id), ExprKind::Ident).then(|| self.resolve(id)).flatten()
    }

    /// The variable that a name means at a place of this file.
    pub(crate) fn resolve_at(&self, name: &str, at: u32) -> Option<VarId> {
        let named = self.vars_by_place.partition_point(|&(place, ..)| place <= at);
        if let Some(&(place, _, var)) = named.checked_sub(1).and_then(|last| self.vars_by_place.get(last))
            && place == at
            && self.str(self.var(var).name) == name
        {
            return Some(var);
        }
        let hash = hash(name.as_bytes());
        let before = self.local_vars.partition_point(|var| (var.hash, var.start) <= (hash, at));
        let own = self.local_vars[..before].iter().rev().take_while(|var| var.hash == hash && var.reach > at);
        let local = own.map(|local| local.var).find(|&var| {
            let var = self.var(var);
            var.scope.contains(at) && self.str(var.name) == name
        });
        local.or_else(|| match self.decl(name) {
            Some(Decl::Var(var)) => Some(var),
            _ => None,
        })
    }

    /// Whether a variable is package-level.
    pub(crate) fn is_global(&self, id: VarId) -> bool {
        self.var(id).func.is_none()
    }

    /// The guards around a place, the innermost first.
    pub(crate) fn guards_at(&self, at: u32) -> impl Iterator<Item = &Guard> {
        self.guards_around(at).map(|(_, guard)| guard)
    }

    /// As [`Self::guards_at`], with their places in [`Self::guards`].
    pub(crate) fn guards_around(&self, at: u32) -> impl Iterator<Item = (u32, &Guard)> {
        let before = self.guards.partition_point(|guard| guard.range.start <= at) as u32;
        // Ranges lie in one another or apart: what lies around a place lies around what starts last before it.
        let nested = std::iter::successors(before.checked_sub(1), |&index| self.guards[index as usize].outer);
        nested.map(|index| (index, &self.guards[index as usize])).filter(move |(_, guard)| guard.range.contains(at))
    }

    /// The assignments whose left side starts in a range.
    pub(crate) fn assigns_in(&self, range: Range) -> impl Iterator<Item = &Assign> {
        let start = |assign: &Assign| self.expr(assign.left).range.start;
        let first = self.assigns.partition_point(|assign| start(assign) < range.start);
        self.assigns[first..].iter().take_while(move |assign| start(assign) < range.end)
    }
}
