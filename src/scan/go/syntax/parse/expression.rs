//! Expressions.

use super::super::lex::Kind;
use super::super::text;
use super::super::{ExprId, ExprKind, Op, Range};
use super::{MAX_DEPTH, Parser};

/// How tightly a binary operator binds; nothing for other tokens.
fn precedence(kind: Kind) -> Option<u8> {
    Some(match kind {
        Kind::EitherOf => 1,
        Kind::BothOf => 2,
        Kind::Equal | Kind::NotEqual | Kind::Order => 3,
        Kind::Plus | Kind::Sign | Kind::Or => 4,
        Kind::Star | Kind::Product | Kind::And => 5,
        _ => return None,
    })
}

impl Parser<'_> {
    /// One or more expressions between commas.
    pub(super) fn expressions(&mut self) -> Vec<ExprId> {
        let mut list = vec![self.expr()];
        while self.accept(Kind::Comma) {
            list.push(self.expr());
        }
        list
    }

    pub(super) fn expr(&mut self) -> ExprId {
        self.binary(1)
    }

    /// Something that cannot be followed or read, from a place to here.
    fn other(&mut self, start: u32) -> ExprId {
        let end = self.end().max(start);
        self.add(ExprKind::Other(Vec::new()), Range { start, end })
    }

    fn binary(&mut self, least: u8) -> ExprId {
        let start = self.start();
        if self.depth >= MAX_DEPTH {
            return self.too_deep();
        }
        self.depth += 1;
        let mut left = self.unary();
        while let Some(binds) = precedence(self.kind()).filter(|&binds| binds >= least) {
            let op = match self.kind() {
                Kind::Plus => Op::Add,
                Kind::Sign if self.str(self.token().range()) == "-" => Op::Subtract,
                Kind::Equal => Op::Equal,
                Kind::NotEqual => Op::NotEqual,
                Kind::BothOf => Op::And,
                Kind::EitherOf => Op::Or,
                _ => Op::Other,
            };
            self.advance();
            let right = self.binary(binds + 1);
            left = self.add(ExprKind::Binary { op, left, right }, Range { start, end: self.end() });
        }
        self.depth -= 1;
        left
    }

    /// Goes past an operand that nests too deep.
    fn too_deep(&mut self) -> ExprId {
        let start = self.start();
        while matches!(self.kind(), Kind::Not | Kind::Sign | Kind::Plus | Kind::Star | Kind::And | Kind::Arrow) {
            self.advance();
        }
        if !matches!(self.kind(), Kind::CloseParen | Kind::CloseBracket | Kind::CloseBrace | Kind::Semicolon) {
            self.skip_balanced();
        }
        self.other(start)
    }

    fn unary(&mut self) -> ExprId {
        let start = self.start();
        let kind = self.kind();
        let is_operator =
            matches!(kind, Kind::Not | Kind::Sign | Kind::Plus | Kind::Star | Kind::And | Kind::Arrow | Kind::Tilde);
        if !is_operator || (kind == Kind::Arrow && self.kind_after(1) == Kind::Chan) {
            return self.primary();
        }
        if self.depth >= MAX_DEPTH {
            return self.too_deep();
        }
        let op = self.text.as_bytes().get(start as usize).copied().unwrap_or(b'?');
        self.advance();
        self.depth += 1;
        let x = self.unary();
        self.depth -= 1;
        let kind = match kind {
            Kind::Star => ExprKind::Star(x),
            Kind::And => ExprKind::Address(x),
            Kind::Arrow => ExprKind::Receive(x),
            _ => ExprKind::Unary { op, x },
        };
        self.add(kind, Range { start, end: self.end() })
    }

    /// An operand with the selectors, indexes and calls after it.
    fn primary(&mut self) -> ExprId {
        let start = self.start();
        let mut x = self.operand();
        loop {
            let kind = match self.kind() {
                Kind::Dot if self.kind_after(1) == Kind::OpenParen => {
                    self.advance();
                    self.advance();
                    if self.accept(Kind::Type) {
                        self.type_switch = true;
                        self.accept(Kind::CloseParen);
                        return x;
                    }
                    let ty = self.ty();
                    self.accept(Kind::CloseParen);
                    match ty {
                        Some(ty) => ExprKind::Assert { x, ty },
                        None => ExprKind::Other(vec![x]),
                    }
                }
                Kind::Dot => {
                    self.advance();
                    match self.accept_name() {
                        Some(name) => ExprKind::Selector { base: x, name },
                        None => ExprKind::Other(vec![x]),
                    }
                }
                Kind::OpenParen => self.call(x),
                Kind::OpenBracket => match self.index(x) {
                    Some(kind) => kind,
                    // An instantiation with several types.
                    None => continue,
                },
                Kind::OpenBrace if let Some(ty) = self.literal_type(x) => {
                    ExprKind::Composite { ty: Some(ty), elements: self.elements() }
                }
                _ => return x,
            };
            x = self.add(kind, Range { start, end: self.end() });
        }
    }

    /// The type of the composite literal that `{` after an expression starts; nothing where it starts a block.
    fn literal_type(&self, x: ExprId) -> Option<ExprId> {
        let kind = |id: ExprId| self.expr_kind(id);
        // Of a generic type only the type itself counts.
        let ty = if let ExprKind::Index { base, .. } = kind(x) { *base } else { x };
        let starts = match kind(ty) {
            ExprKind::SliceType(_) | ExprKind::MapType { .. } | ExprKind::StructType(_) => true,
            ExprKind::Ident => !self.in_head,
            ExprKind::Selector { base, .. } => !self.in_head && matches!(kind(*base), ExprKind::Ident),
            _ => false,
        };
        starts.then_some(ty)
    }

    fn operand(&mut self) -> ExprId {
        let start = self.start();
        let at = self.token().range();
        let kind = match self.kind() {
            Kind::Name => {
                self.advance();
                match self.str(at) {
                    "true" => ExprKind::Bool(true),
                    "false" => ExprKind::Bool(false),
                    "nil" => ExprKind::Nil,
                    _ => ExprKind::Ident,
                }
            }
            Kind::Text => {
                self.advance();
                text::decode(self.str(at)).map_or(ExprKind::Other(Vec::new()), ExprKind::Text)
            }
            Kind::Int => {
                self.advance();
                self.str(at).replace('_', "").parse().map_or(ExprKind::Other(Vec::new()), ExprKind::Int)
            }
            Kind::Number => {
                self.advance();
                ExprKind::Other(Vec::new())
            }
            Kind::OpenParen => {
                self.advance();
                let in_head = std::mem::take(&mut self.in_head);
                let x = self.expr();
                self.in_head = in_head;
                self.accept(Kind::CloseParen);
                return x;
            }
            Kind::Func => return self.function_literal(),
            Kind::OpenBracket | Kind::Struct | Kind::Map | Kind::Chan | Kind::Interface | Kind::Arrow => {
                return self.ty().unwrap_or_else(|| self.other(start));
            }
            _ => return self.other(start),
        };
        self.add(kind, at)
    }

    /// `func(…) … {…}`; without a body it is a type.
    fn function_literal(&mut self) -> ExprId {
        let start = self.start();
        self.advance();
        let id = self.add(ExprKind::Other(Vec::new()), Range { start, end: start });
        let outer = self.func;
        let func = self.open_function(start, Some(id));
        self.open_scope();
        let has_body = self.signature_and_body(start, func);
        self.close_scope();
        self.func = outer;
        self.close_function(func);
        let kind = if has_body {
            ExprKind::Func(func)
        } else {
            let results = &self.out.func(func).results;
            ExprKind::FuncType { results: results.iter().map(|result| result.ty).collect() }
        };
        let end = self.end();
        let literal = self.out.expr_mut(id);
        literal.kind = kind;
        literal.range.end = end;
        id
    }

    fn call(&mut self, fun: ExprId) -> ExprKind {
        self.advance();
        let in_head = std::mem::take(&mut self.in_head);
        let mut args = Vec::new();
        let mut spread = false;
        while !matches!(self.kind(), Kind::CloseParen | Kind::End | Kind::CloseBrace) && !self.is_new_function() {
            let before = self.at;
            args.push(self.expr());
            spread |= self.accept(Kind::Ellipsis);
            if !self.accept(Kind::Comma) && !self.is(Kind::CloseParen) {
                // Broken: up to the next argument.
                while !matches!(
                    self.kind(),
                    Kind::Comma | Kind::CloseParen | Kind::CloseBrace | Kind::Semicolon | Kind::End
                ) && !self.is_new_function()
                {
                    self.skip_balanced();
                }
                if !self.accept(Kind::Comma) && self.is(Kind::Semicolon) && self.kind_after(1) != Kind::CloseParen {
                    break;
                }
                self.accept(Kind::Semicolon);
            }
            if self.at == before {
                self.advance();
            }
        }
        self.accept(Kind::CloseParen);
        self.in_head = in_head;
        ExprKind::Call { fun, args, spread }
    }

    /// `[index]`, `[low:high]`; nothing for several types, which instantiate what stands before.
    fn index(&mut self, base: ExprId) -> Option<ExprKind> {
        self.advance();
        let in_head = std::mem::take(&mut self.in_head);
        let mut parts: Vec<Option<ExprId>> = vec![None];
        let (mut slices, mut lists) = (false, false);
        while !matches!(self.kind(), Kind::CloseBracket | Kind::End | Kind::Semicolon | Kind::CloseBrace) {
            let before = self.at;
            if self.accept(Kind::Colon) {
                slices = true;
                parts.push(None);
            } else if self.accept(Kind::Comma) {
                lists = true;
            } else {
                let part = self.expr();
                if let Some(last) = parts.last_mut() {
                    *last = Some(part);
                }
            }
            if self.at == before {
                self.advance();
            }
        }
        self.accept(Kind::CloseBracket);
        self.in_head = in_head;
        match (slices, lists, parts.first().copied().flatten()) {
            (true, ..) => Some(ExprKind::Slice { base, low: parts[0], high: parts.get(1).copied().flatten() }),
            (false, false, Some(index)) => Some(ExprKind::Index { base, index }),
            (false, true, _) => None,
            (false, false, None) => Some(ExprKind::Other(vec![base])),
        }
    }

    /// `{key: value, …}`.
    fn elements(&mut self) -> Box<[(Option<ExprId>, ExprId)]> {
        self.advance();
        let in_head = std::mem::take(&mut self.in_head);
        let mut elements = Vec::new();
        while !matches!(self.kind(), Kind::CloseBrace | Kind::End | Kind::CloseParen) && !self.is_new_function() {
            let before = self.at;
            let first = self.element();
            if self.accept(Kind::Colon) {
                let value = self.element();
                elements.push((Some(first), value));
            } else {
                elements.push((None, first));
            }
            if !self.accept(Kind::Comma) && !self.is(Kind::CloseBrace) {
                // Broken: up to the next element.
                while !matches!(self.kind(), Kind::Comma | Kind::CloseBrace | Kind::End) && !self.is_new_function() {
                    self.skip_balanced();
                }
                self.accept(Kind::Comma);
            }
            if self.at == before {
                self.advance();
            }
        }
        self.accept(Kind::CloseBrace);
        self.in_head = in_head;
        elements.into()
    }

    fn element(&mut self) -> ExprId {
        if !self.is(Kind::OpenBrace) {
            return self.expr();
        }
        if self.depth >= MAX_DEPTH {
            return self.too_deep();
        }
        self.depth += 1;
        let start = self.start();
        let elements = self.elements();
        self.depth -= 1;
        self.add(ExprKind::Composite { ty: None, elements }, Range { start, end: self.end() })
    }
}
