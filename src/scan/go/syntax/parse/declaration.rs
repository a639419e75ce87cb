//! Files, functions and the declarations of types, variables and constants.

use super::super::lex::Kind;
use super::super::{Body, Decl, ExprId, Func, FuncId, Range, Source};
use super::Parser;
use super::statement::value_of;
use std::sync::OnceLock;

impl Parser<'_> {
    pub(super) fn file(&mut self) {
        while !self.is(Kind::End) {
            let before = self.at;
            match self.kind() {
                Kind::Func => self.function(),
                Kind::Var | Kind::Const | Kind::Type => self.declaration(),
                Kind::Import => {
                    self.advance();
                    if self.is(Kind::OpenParen) { self.skip_balanced() } else { self.skip_statement() }
                }
                Kind::Package => self.skip_statement(),
                // Code that lost its function.
                Kind::Semicolon | Kind::CloseBrace | Kind::CloseParen | Kind::CloseBracket => self.advance(),
                _ => drop(self.statement()),
            }
            if self.at == before {
                self.advance();
            }
        }
    }

    fn function(&mut self) {
        let start = self.start();
        self.advance();
        let id = self.open_function(start, None);
        self.open_scope();
        let receiver = self.is(Kind::OpenParen).then(|| self.parameters(start, |_| Source::Receiver(id)));
        if let Some(name) = self.accept_name() {
            let text = self.str(name).to_owned();
            let func = self.out.func_mut(id);
            (func.name, func.name_at) = (text, Some(name));
            match receiver {
                Some(receiver) => self.out.func_mut(id).receiver = receiver.first().copied(),
                None if !matches!(self.str(name), "_" | "init") => self.declare(name, Decl::Func(id)),
                None => {}
            }
        }
        if self.is(Kind::OpenBracket) {
            self.type_parameters();
        }
        self.signature_and_body(start, id);
        self.close_scope();
        self.func = None;
        self.close_function(id);
    }

    pub(super) fn open_function(&mut self, start: u32, literal: Option<ExprId>) -> FuncId {
        let range = Some(Range { start, end: start });
        let id = self.out.add_func(Func { range, outer: self.func, literal, ..Func::default() });
        self.func = Some(id);
        id
    }

    pub(super) fn close_function(&mut self, id: FuncId) {
        let end = self.end();
        if let Some(range) = &mut self.out.func_mut(id).range {
            range.end = end.max(range.start);
        }
    }

    /// The parameters, results and body of a function, in a block that is open; whether there is a body.
    pub(super) fn signature_and_body(&mut self, start: u32, id: FuncId) -> bool {
        if self.is(Kind::OpenParen) {
            self.out.func_mut(id).params = self.parameters(start, |index| Source::Param { func: id, index });
        }
        self.out.func_mut(id).results = if self.is(Kind::OpenParen) {
            self.parameters(start, |index| Source::Result { func: id, index })
        } else {
            self.result_type().into_iter().map(|ty| super::super::Param { var: None, ty, variadic: false }).collect()
        };
        if self.is(Kind::Body) {
            self.out.func_mut(id).body = Some(self.bodies.len() as u32);
            self.bodies.push(Body { func: id, range: self.token().range(), part: OnceLock::new() });
            self.advance();
            return true;
        }
        self.braced_statements()
    }

    /// Statements in braces, in a block that is open; whether there are any braces.
    pub(super) fn braced_statements(&mut self) -> bool {
        let has_body = self.accept(Kind::OpenBrace);
        if has_body {
            let in_head = std::mem::take(&mut self.in_head);
            self.statements();
            self.accept(Kind::CloseBrace);
            self.in_head = in_head;
        }
        has_body
    }

    /// `[K comparable, V any]`: the names.
    fn type_parameters(&mut self) {
        self.advance();
        let mut depth = 1_u32;
        let mut starts = true;
        while depth > 0 && !self.is(Kind::End) && !self.is_new_function() {
            let token = self.token();
            match token.kind {
                Kind::OpenBracket | Kind::OpenParen | Kind::OpenBrace => depth += 1,
                Kind::CloseBracket | Kind::CloseParen | Kind::CloseBrace => depth -= 1,
                Kind::Name if starts && depth == 1 => self.out.type_params.push(token.range()),
                _ => {}
            }
            starts = token.kind == Kind::Comma;
            self.advance();
        }
    }

    /// `var`, `const` and `type`, one or a group of them.
    pub(super) fn declaration(&mut self) {
        let kind = self.kind();
        self.advance();
        let mut previous = (Vec::new(), None);
        let group = self.accept(Kind::OpenParen);
        while !self.is(Kind::End) && !self.is_new_function() {
            if group && self.accept(Kind::CloseParen) {
                return;
            }
            if group && self.accept(Kind::Semicolon) {
                continue;
            }
            let before = self.at;
            match kind {
                Kind::Type => self.type_spec(),
                _ => self.value_spec(kind == Kind::Const, &mut previous),
            }
            if !group {
                return;
            }
            if !matches!(self.kind(), Kind::Semicolon | Kind::CloseParen) || self.at == before {
                self.skip_statement();
            }
        }
    }

    fn value_spec(&mut self, constant: bool, previous: &mut (Vec<ExprId>, Option<ExprId>)) {
        let mut names = Vec::new();
        while let Some(name) = self.accept_name() {
            names.push(name);
            if !self.accept(Kind::Comma) {
                break;
            }
        }
        let typed = !matches!(self.kind(), Kind::Assign | Kind::Semicolon | Kind::CloseParen | Kind::End);
        let ty = if typed { self.ty() } else { None };
        let values = if self.accept(Kind::Assign) {
            let values = self.expressions();
            for &value in &values {
                self.out.set_parent(value, super::Parent::Init);
            }
            *previous = (values.clone(), ty);
            values
        } else if constant {
            previous.0.clone()
        } else {
            Vec::new()
        };
        let ty = ty.or(if constant { previous.1 } else { None });
        let from = self.end();
        let count = names.len();
        for (index, name) in names.into_iter().enumerate() {
            let var = self.var(name, from, value_of(&values, index, count), ty, constant);
            if self.func.is_none() && self.str(name) != "_" {
                self.declare(name, Decl::Var(var));
            }
        }
    }

    fn type_spec(&mut self) {
        let Some(name) = self.accept_name() else { return };
        // `type T[P any] …` against `type T [N]int`.
        if self.is(Kind::OpenBracket)
            && self.kind_after(1) == Kind::Name
            && !matches!(self.kind_after(2), Kind::CloseBracket | Kind::Dot)
        {
            self.type_parameters();
        }
        self.accept(Kind::Assign);
        if let Some(ty) = self.ty() {
            // A local type counts as one of the package: names rarely clash, and it is found at all.
            self.declare(name, Decl::Type(ty));
        }
    }
}
