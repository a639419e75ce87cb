//! One Go file as value following needs it: expressions with their parents, variables with their scopes, assignments,
//! functions, and the conditions under which ranges of the text run.
//!
//! [`lex`] and [`parse`] read the text into flat tables ([`Part`]): one for what stands at the top, and one for the body of
//! each function, which is parsed when something in it is asked for. There are no types and no other files here. What is no
//! Go is left out, the parsable rest counts.

mod lex;
mod parse;
mod part;
mod text;

pub(crate) use part::Part;

use crate::file::{FileId, SourceFile, Span};
use std::sync::{Arc, OnceLock};

/// An expression or a type, by its part and its place among the expressions there.
pub(crate) type ExprId = u32;
/// A variable, as an expression.
pub(crate) type VarId = u32;
/// A function, as an expression.
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
    Composite { ty: Option<ExprId>, elements: Box<[(Option<ExprId>, ExprId)]> },
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
    /// `interface{…}`.
    InterfaceType(Box<InterfaceType>),
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
            Self::InterfaceType(of) => {
                of.methods.iter().flat_map(|method| &method.results).chain(&of.embedded).copied().for_each(visit);
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

/// What stands in an interface type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InterfaceType {
    /// Its own methods.
    pub methods: Vec<InterfaceMethod>,
    /// The types that it embeds.
    pub embedded: Vec<ExprId>,
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

impl Expr {
    /// The name of an identifier, or the last name of a selector, in the text of its file.
    fn name<'a>(&self, text: &'a str) -> &'a str {
        match &self.kind {
            ExprKind::Ident => str(text, self.range),
            ExprKind::Selector { name, .. } => str(text, *name),
            _ => "",
        }
    }
}

fn str(text: &str, range: Range) -> &str {
    text.get(range.start as usize..range.end as usize).unwrap_or("")
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
    /// The place of its body in [`Syntax::bodies`], where that is a part of its own.
    body: Option<u32>,
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
    /// The guard around it, by its place in its part.
    outer: Option<u32>,
}

/// A `return` statement.
#[derive(Clone, Debug)]
pub(crate) struct Return {
    pub func: FuncId,
    pub range: Range,
    pub values: Vec<ExprId>,
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
    /// What stands outside of functions, with their heads.
    top: Part,
    /// In the order of their ranges.
    bodies: Box<[Body]>,
    /// Declared functions, by their ranges.
    declared: Vec<(Range, FuncId)>,
}

/// The body of a declared function.
#[derive(Debug)]
struct Body {
    func: FuncId,
    /// The braces included.
    range: Range,
    part: OnceLock<Box<Part>>,
}

impl Syntax {
    /// Parses a file.
    pub(crate) fn parse(file: FileId, source: &Arc<SourceFile>) -> Self {
        parse::parse(file, source)
    }

    /// The text of a range.
    pub(crate) fn str(&self, range: Range) -> &str {
        str(self.source.text(), range)
    }

    pub(crate) fn expr(&self, id: ExprId) -> &Expr {
        self.part_of(id).expr(id)
    }

    pub(crate) fn kind(&self, id: ExprId) -> &ExprKind {
        &self.expr(id).kind
    }

    pub(crate) fn func(&self, id: FuncId) -> &Func {
        self.part_of(id).func(id)
    }

    pub(crate) fn var(&self, id: VarId) -> &Var {
        self.part_of(id).var(id)
    }

    pub(crate) fn parent(&self, id: ExprId) -> Parent {
        self.part_of(id).parent(id)
    }

    pub(crate) fn span(&self, range: Range) -> Span {
        Span { file: self.file, start: range.start, end: range.end }
    }

    pub(crate) fn expr_span(&self, id: ExprId) -> Span {
        self.span(self.expr(id).range)
    }

    /// The name of an identifier, or the last name of a selector.
    pub(crate) fn name(&self, id: ExprId) -> &str {
        self.expr(id).name(self.source.text())
    }

    // Parts.

    /// The part in which an expression, a variable or a function stands.
    pub(crate) fn part_of(&self, id: u32) -> &Part {
        match part::body_of(id) {
            None => &self.top,
            Some(body) => self.body(body),
        }
    }

    /// The part in which a place stands.
    pub(crate) fn part_at(&self, at: u32) -> &Part {
        let before = self.bodies.partition_point(|body| body.range.start <= at);
        match before.checked_sub(1) {
            Some(last) if self.bodies[last].range.contains(at) => self.body(last),
            _ => &self.top,
        }
    }

    /// The part in which a function's statements stand.
    pub(crate) fn part_within(&self, func: FuncId) -> &Part {
        match self.func(func).body {
            None => self.part_of(func),
            Some(body) => self.body(body as usize),
        }
    }

    /// All parts.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        std::iter::once(&self.top).chain((0..self.bodies.len()).map(|body| self.body(body)))
    }

    /// What stands outside of functions, and the parts that lie at least partly in some of the sections of the file, a bit each.
    pub(crate) fn parts_in(&self, sections: u32) -> impl Iterator<Item = &Part> {
        let shift = section_shift(self.source.text().len());
        let within = move |range: Range| {
            let (first, last) = (range.start >> shift, range.end.saturating_sub(1) >> shift);
            sections >> first << first & (u32::MAX >> (u32::BITS - 1 - last)) != 0
        };
        let bodies = self.bodies.iter().enumerate().filter(move |(_, body)| within(body.range));
        std::iter::once(&self.top).chain(bodies.map(|(index, _)| self.body(index)))
    }

    fn body(&self, index: usize) -> &Part {
        let body = &self.bodies[index];
        body.part.get_or_init(|| Box::new(parse::body(self.source.text(), &self.top, index, body)))
    }

    // What is asked of a file.

    /// The package-level declaration of a name (methods are not among them).
    pub(crate) fn decl(&self, name: &str) -> Option<Decl> {
        self.top.decl(self.source.text(), name)
    }

    /// The name of the type declaration behind which a type expression stands.
    pub(crate) fn type_name(&self, ty: ExprId) -> Option<&str> {
        let name = self.part_of(ty).decls().find(|(_, decl)| *decl == Decl::Type(ty))?.0;
        Some(self.str(name))
    }

    /// The declared type in which a place stands.
    pub(crate) fn type_around(&self, at: u32) -> Option<ExprId> {
        self.part_at(at).decls().find_map(|(_, decl)| match decl {
            Decl::Type(expr) if self.expr(expr).range.contains(at) => Some(expr),
            _ => None,
        })
    }

    /// The declared functions and methods.
    pub(crate) fn declared(&self) -> impl Iterator<Item = FuncId> {
        self.declared.iter().map(|&(_, func)| func)
    }

    /// The declared function (no literal) around a place, its head included.
    pub(crate) fn declared_at(&self, at: u32) -> Option<FuncId> {
        let before = self.declared.partition_point(|&(range, _)| range.start <= at);
        let &(range, func) = self.declared.get(before.checked_sub(1)?)?;
        range.contains(at).then_some(func)
    }

    /// The outermost function literal around a place that no declared function is around.
    pub(crate) fn literal_at(&self, at: u32) -> Option<ExprId> {
        let around = |func: &Func| func.outer.is_none() && func.range.is_some_and(|range| range.contains(at));
        self.top.funcs().filter(|(_, func)| around(func)).find_map(|(_, func)| func.literal)
    }

    /// The `return` statements of a function with their values.
    pub(crate) fn returns(&self, func: FuncId) -> impl Iterator<Item = &Return> {
        self.part_within(func).returns.iter().filter(move |own| own.func == func)
    }

    /// Whether an expression names a type parameter.
    pub(crate) fn is_type_parameter(&self, id: ExprId) -> bool {
        matches!(self.kind(id), ExprKind::Ident)
            && self.top.type_params.iter().any(|&range| self.str(range) == self.name(id))
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
    fn resolve_at(&self, name: &str, at: u32) -> Option<VarId> {
        let text = self.source.text();
        let part = self.part_at(at);
        let own = part.local(text, name, at);
        // The parameters of a function stand in its head.
        let outer = || if part.base == self.top.base { None } else { self.top.local(text, name, at) };
        own.or_else(outer).or_else(|| match self.decl(name) {
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

    /// As [`Self::guards_at`], each with what identifies it in the file.
    pub(crate) fn guards_around(&self, at: u32) -> impl Iterator<Item = (u32, &Guard)> {
        self.part_at(at).guards_around(at)
    }

    /// The assignments whose left side starts in a range.
    pub(crate) fn assigns_in(&self, range: Range) -> impl Iterator<Item = &Assign> {
        let first = self.bodies.partition_point(|body| body.range.end <= range.start);
        let bodies = self.bodies[first..].iter().take_while(move |body| body.range.start < range.end);
        let parts = bodies.zip(first..).map(|(_, index)| self.body(index));
        std::iter::once(&self.top).chain(parts).flat_map(move |part| part.assigns_in(range))
    }
}

/// How many sections a file has at most.
const SECTIONS: u32 = u32::BITS;

/// The power of two that a section of a file is long: equal ones, [`SECTIONS`] at most.
pub(crate) fn section_shift(length: usize) -> u32 {
    (usize::BITS - length.leading_zeros()).saturating_sub(SECTIONS.ilog2())
}
