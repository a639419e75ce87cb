//! Types. They are expressions too; of a generic type only the type itself is kept, without its arguments.

use super::super::lex::Kind;
use super::super::text;
use super::super::{ExprId, ExprKind, Field, InterfaceMethod, InterfaceType, Param, Range, Source};
use super::{MAX_DEPTH, Parser};

impl Parser<'_> {
    /// A type; nothing where none starts.
    pub(super) fn ty(&mut self) -> Option<ExprId> {
        if self.depth >= MAX_DEPTH {
            let start = self.start();
            self.skip_balanced();
            return Some(self.add(ExprKind::Other(Vec::new()), Range { start, end: self.end() }));
        }
        self.depth += 1;
        let ty = self.ty_inner();
        self.depth -= 1;
        ty
    }

    fn ty_inner(&mut self) -> Option<ExprId> {
        let start = self.start();
        let kind = match self.kind() {
            Kind::Name => return self.type_name(),
            Kind::OpenParen => {
                self.advance();
                let ty = self.ty();
                self.accept(Kind::CloseParen);
                return ty;
            }
            Kind::Star => {
                self.advance();
                ExprKind::Star(self.ty()?)
            }
            Kind::Tilde => {
                self.advance();
                ExprKind::Other(self.ty().into_iter().collect())
            }
            Kind::OpenBracket => {
                self.advance();
                if !self.is(Kind::CloseBracket) && !self.accept(Kind::Ellipsis) {
                    let in_head = std::mem::take(&mut self.in_head);
                    self.expr();
                    self.in_head = in_head;
                }
                self.accept(Kind::CloseBracket);
                ExprKind::SliceType(self.ty()?)
            }
            Kind::Map => {
                self.advance();
                self.accept(Kind::OpenBracket);
                let key = self.ty()?;
                self.accept(Kind::CloseBracket);
                ExprKind::MapType { key, value: self.ty()? }
            }
            Kind::Chan => {
                self.advance();
                self.accept(Kind::Arrow);
                ExprKind::ChanType(self.ty()?)
            }
            Kind::Arrow if self.kind_after(1) == Kind::Chan => {
                self.advance();
                self.advance();
                ExprKind::ChanType(self.ty()?)
            }
            Kind::Func => {
                self.advance();
                ExprKind::FuncType { results: self.signature().1 }
            }
            Kind::Struct => {
                self.advance();
                self.struct_type()
            }
            Kind::Interface => {
                self.advance();
                self.interface_type()
            }
            _ => return None,
        };
        Some(self.add(kind, Range { start, end: self.end() }))
    }

    fn type_name(&mut self) -> Option<ExprId> {
        let first = self.accept_name()?;
        let mut ty = self.add(ExprKind::Ident, first);
        if self.is(Kind::Dot) && self.kind_after(1) == Kind::Name {
            self.advance();
            let name = self.accept_name()?;
            ty = self.add(ExprKind::Selector { base: ty, name }, Range { start: first.start, end: name.end });
        }
        if self.is(Kind::OpenBracket) && self.kind_after(1) != Kind::CloseBracket {
            self.skip_balanced();
        }
        Some(ty)
    }

    /// A function's one result without parentheses.
    pub(super) fn result_type(&mut self) -> Option<ExprId> {
        match self.kind() {
            Kind::Name
            | Kind::Star
            | Kind::OpenBracket
            | Kind::Map
            | Kind::Chan
            | Kind::Arrow
            | Kind::Func
            | Kind::Struct
            | Kind::Interface => self.ty(),
            _ => None,
        }
    }

    /// The parameters and results of a function type: how many, and one type each.
    fn signature(&mut self) -> (usize, Vec<ExprId>) {
        let params = if self.is(Kind::OpenParen) { self.entries().len() } else { 0 };
        let results = if self.is(Kind::OpenParen) {
            self.entries().into_iter().map(|entry| entry.ty).collect()
        } else {
            self.result_type().into_iter().collect()
        };
        (params, results)
    }

    /// A list of parameters or results as variables of the function that starts at `from`.
    pub(super) fn parameters(&mut self, from: u32, source: impl Fn(u32) -> Source) -> Vec<Param> {
        let entries = self.entries();
        let params = entries.into_iter().enumerate().map(|(index, entry)| {
            let var = entry.name.map(|name| self.var(name, from, source(index as u32), Some(entry.ty), false));
            Param { var, ty: entry.ty, variadic: entry.variadic }
        });
        params.collect()
    }

    /// `(a, b int, rest ...string)` or `(int, string)`.
    fn entries(&mut self) -> Vec<Entry> {
        self.advance();
        let in_head = std::mem::take(&mut self.in_head);
        let mut read: Vec<(Option<Range>, Option<ExprId>, bool)> = Vec::new();
        while !matches!(self.kind(), Kind::CloseParen | Kind::End | Kind::Semicolon) && !self.is_new_function() {
            let before = self.at;
            let name = self.is_entry_name().then(|| self.accept_name()).flatten();
            let variadic = self.accept(Kind::Ellipsis);
            let ty = if matches!(self.kind(), Kind::Comma | Kind::CloseParen) { None } else { self.ty() };
            read.push((name, ty, variadic));
            self.accept(Kind::Comma);
            if self.at == before {
                self.advance();
            }
        }
        self.accept(Kind::CloseParen);
        self.in_head = in_head;
        self.settle_entries(read)
    }

    /// Whether a name starts an entry that may go on with a type: `a`, `a int`, `a []T`; not `pkg.T` or `List[int]`.
    fn is_entry_name(&self) -> bool {
        if !self.is(Kind::Name) {
            return false;
        }
        match self.kind_after(1) {
            Kind::Dot => false,
            Kind::OpenBracket if self.kind_after(2) != Kind::CloseBracket => {
                !matches!(self.kind_after_brackets(1, 1), Kind::Comma | Kind::CloseParen)
            }
            _ => true,
        }
    }

    /// Gives names without a type the one of the entry after them; where no entry has both, the names are the types.
    fn settle_entries(&mut self, read: Vec<(Option<Range>, Option<ExprId>, bool)>) -> Vec<Entry> {
        let named = read.iter().any(|(name, ty, _)| name.is_some() && ty.is_some());
        let mut entries: Vec<Entry> = Vec::with_capacity(read.len());
        let mut waiting: Vec<Range> = Vec::new();
        for (name, ty, variadic) in read {
            match (name, ty) {
                (Some(name), None) if named => waiting.push(name),
                (Some(name), None) => {
                    let ty = self.add(ExprKind::Ident, name);
                    entries.push(Entry { name: None, ty, variadic });
                }
                (name, Some(ty)) => {
                    for name in waiting.drain(..) {
                        entries.push(Entry { name: Some(name), ty, variadic: false });
                    }
                    entries.push(Entry { name, ty, variadic });
                }
                (None, None) => {}
            }
        }
        entries
    }

    fn struct_type(&mut self) -> ExprKind {
        let mut fields = Vec::new();
        if !self.accept(Kind::OpenBrace) {
            return ExprKind::StructType(fields);
        }
        while !matches!(self.kind(), Kind::CloseBrace | Kind::End) && !self.is_new_function() {
            if self.accept(Kind::Semicolon) {
                continue;
            }
            let before = self.at;
            self.field(&mut fields);
            if !matches!(self.kind(), Kind::Semicolon | Kind::CloseBrace) || self.at == before {
                self.skip_statement();
            }
        }
        self.accept(Kind::CloseBrace);
        ExprKind::StructType(fields)
    }

    fn field(&mut self, fields: &mut Vec<Field>) {
        let ends = |kind: Kind| matches!(kind, Kind::Semicolon | Kind::CloseBrace | Kind::Text | Kind::End);
        let embedded = match self.kind() {
            Kind::Star | Kind::OpenParen => true,
            _ => match self.kind_after(1) {
                Kind::Dot => true,
                Kind::OpenBracket => self.kind_after(2) != Kind::CloseBracket && ends(self.kind_after_brackets(1, 1)),
                kind => ends(kind),
            },
        };
        let mut names = Vec::new();
        if embedded {
            self.accept(Kind::Star);
        } else {
            while let Some(name) = self.accept_name() {
                names.push(name);
                if !self.accept(Kind::Comma) {
                    break;
                }
            }
        }
        let Some(ty) = self.ty() else { return };
        let mut tag = None;
        let mut tag_at = self.out.expr(ty).range;
        if self.is(Kind::Text) {
            tag_at = self.token().range();
            tag = text::decode(self.str(tag_at));
            self.advance();
        }
        if embedded {
            let name = match self.expr_kind(ty) {
                ExprKind::Selector { name, .. } => *name,
                _ => self.out.expr(ty).range,
            };
            fields.push(Field { name, ty, embedded: true, tag, tag_at });
        } else {
            fields.extend(names.into_iter().map(|name| Field { name, ty, embedded: false, tag: tag.clone(), tag_at }));
        }
    }

    fn interface_type(&mut self) -> ExprKind {
        let mut of = InterfaceType::default();
        if self.accept(Kind::OpenBrace) {
            while !matches!(self.kind(), Kind::CloseBrace | Kind::End) && !self.is_new_function() {
                if self.accept(Kind::Semicolon) {
                    continue;
                }
                let before = self.at;
                if self.is(Kind::Name) && self.kind_after(1) == Kind::OpenParen {
                    let name = self.token().range();
                    self.advance();
                    let (params, results) = self.signature();
                    of.methods.push(InterfaceMethod { name, params: params as u32, results });
                } else if let Some(ty) = self.ty()
                    && !self.is(Kind::Or)
                {
                    of.embedded.push(ty);
                }
                if !matches!(self.kind(), Kind::Semicolon | Kind::CloseBrace) || self.at == before {
                    self.skip_statement();
                }
            }
            self.accept(Kind::CloseBrace);
        }
        ExprKind::InterfaceType(Box::new(of))
    }
}

/// A parameter or result as it is written.
struct Entry {
    name: Option<Range>,
    ty: ExprId,
    variadic: bool,
}
