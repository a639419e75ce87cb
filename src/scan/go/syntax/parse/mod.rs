//! From the text of a file to the flat tables of [`Syntax`] and its parts: a parser by recursive descent.
//!
//! It reads any Go that the Go tool accepts, and of what that refuses the parsable rest: a broken statement is left out up
//! to its end, and a `func` at the start of a line ends whatever stands open before it. Depth is bounded: what nests
//! deeper than [`MAX_DEPTH`] is left out.
//! Source: <https://go.dev/ref/spec>.

mod declaration;
mod expression;
mod statement;
#[cfg(test)]
mod tests;
mod types;

use super::lex::{self, Kind, Token};
use super::part::{self, Part};
use super::{Body, Decl, Expr, ExprId, ExprKind, Func, FuncId, Parent, Range, Source, Syntax, Var, VarId};
use crate::file::{FileId, SourceFile};
use std::sync::Arc;

/// How deep code may nest before the rest is left out. Compilers and formatters stop near there too.
const MAX_DEPTH: u32 = 250;

/// How far ahead a closing bracket is looked for.
const MAX_AHEAD: usize = 2_000;

/// Parses what stands at the top of a file, and the heads of its functions.
pub(super) fn parse(file: FileId, source: &Arc<SourceFile>) -> Syntax {
    let outside = lex::tokens_outside_bodies(source.text(), part::MAX_LENGTH, part::MAX_BODIES);
    let bodies = outside.iter().filter(|token| token.kind == Kind::Body).count();
    let syntax = read(file, source, outside);
    // In broken code something may look like a body that is none.
    if syntax.bodies.len() == bodies { syntax } else { read(file, source, lex::tokens(source.text())) }
}

fn read(file: FileId, source: &Arc<SourceFile>, tokens: Vec<Token>) -> Syntax {
    let part = Part::new(None, tokens.len());
    let mut parser = Parser::new(source.text(), tokens, part);
    parser.file();
    parser.out.finish(source.text());
    let Parser { out: top, bodies, .. } = parser;
    let declares = |func: &Func| func.range.filter(|_| func.literal.is_none());
    let mut declared: Vec<(Range, FuncId)> = top.funcs().filter_map(|(id, func)| Some((declares(func)?, id))).collect();
    declared.sort_unstable_by_key(|(range, _)| range.start);
    Syntax { file, source: Arc::clone(source), top, bodies: bodies.into(), declared }
}

/// Parses the body of a function; `top` holds its head.
pub(super) fn body(text: &str, top: &Part, index: usize, body: &Body) -> Part {
    let tokens = lex::tokens_in(text, body.range);
    let part = Part::new(Some(index), tokens.len());
    let mut parser = Parser::new(text, tokens, part);
    parser.func = Some(body.func);
    let func = top.func(body.func);
    let params = func.receiver.iter().chain(&func.params).chain(&func.results);
    parser.params = params.filter_map(|param| Some(top.var(param.var?).name)).collect();
    parser.open_scope();
    parser.braced_statements();
    parser.close_scope();
    parser.out.finish(text);
    parser.out
}

/// A block that is being read. Where it ends is known only then.
#[derive(Default)]
struct Scope {
    vars: Vec<VarId>,
    /// Guards that hold up to the end of the block.
    guards: Vec<usize>,
}

struct Parser<'a> {
    out: Part,
    /// Bodies that are parts of their own.
    bodies: Vec<Body>,
    /// The names of the parameters of the function whose body this is.
    params: Vec<Range>,
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    func: Option<FuncId>,
    depth: u32,
    scopes: Vec<Scope>,
    /// In the head of an `if`, `for` or `switch`, where `{` after a name starts the body.
    in_head: bool,
    /// `.(type)` was read.
    type_switch: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, tokens: Vec<Token>, out: Part) -> Self {
        Self {
            out,
            bodies: Vec::new(),
            params: Vec::new(),
            text,
            tokens,
            at: 0,
            func: None,
            depth: 0,
            scopes: Vec::new(),
            in_head: false,
            type_switch: false,
        }
    }

    // Tokens.

    fn token(&self) -> Token {
        self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn kind(&self) -> Kind {
        self.token().kind
    }

    fn kind_after(&self, ahead: usize) -> Kind {
        self.tokens.get(self.at + ahead).map_or(Kind::End, |token| token.kind)
    }

    fn start(&self) -> u32 {
        self.token().start
    }

    /// The end of the token before.
    fn end(&self) -> u32 {
        self.at.checked_sub(1).map_or(0, |before| self.tokens[before].end)
    }

    fn advance(&mut self) {
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
    }

    fn is(&self, kind: Kind) -> bool {
        self.kind() == kind
    }

    fn accept(&mut self, kind: Kind) -> bool {
        let found = self.is(kind);
        if found {
            self.advance();
        }
        found
    }

    fn accept_name(&mut self) -> Option<Range> {
        let token = self.token();
        self.accept(Kind::Name).then(|| token.range())
    }

    fn str(&self, range: Range) -> &str {
        super::str(self.text, range)
    }

    /// Goes past a bracketed piece, brackets of all kinds counted; one token where none opens.
    fn skip_balanced(&mut self) {
        let mut depth = 0_u32;
        loop {
            match self.kind() {
                Kind::OpenParen | Kind::OpenBracket | Kind::OpenBrace => depth += 1,
                Kind::CloseParen | Kind::CloseBracket | Kind::CloseBrace => depth = depth.saturating_sub(1),
                Kind::End => return,
                _ => {}
            }
            if self.is_new_function() {
                return;
            }
            self.advance();
            if depth == 0 {
                return;
            }
        }
    }

    /// The `nth` token after the bracket that closes the one at `open` tokens ahead; looked for near by only.
    fn kind_after_brackets(&self, open: usize, nth: usize) -> Kind {
        let mut depth = 0_u32;
        for (ahead, token) in self.tokens.iter().enumerate().skip(self.at + open).take(MAX_AHEAD) {
            match token.kind {
                Kind::OpenParen | Kind::OpenBracket | Kind::OpenBrace => depth += 1,
                Kind::CloseParen | Kind::CloseBracket | Kind::CloseBrace => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return self.tokens.get(ahead + nth).map_or(Kind::End, |token| token.kind);
                    }
                }
                _ => {}
            }
        }
        Kind::End
    }

    /// Whether a function is declared here though something before it is still open: `func name` or `func (…) name(` at
    /// the start of a line.
    fn is_new_function(&self) -> bool {
        self.is(Kind::Func)
            && self
                .start()
                .checked_sub(1)
                .is_none_or(|before| self.text.as_bytes().get(before as usize) == Some(&b'\n'))
            && match self.kind_after(1) {
                Kind::Name => true,
                Kind::OpenParen => {
                    self.kind_after_brackets(1, 1) == Kind::Name && self.kind_after_brackets(1, 2) == Kind::OpenParen
                }
                _ => false,
            }
    }

    // Tables.

    fn add(&mut self, kind: ExprKind, at: Range) -> ExprId {
        self.out.add(Expr { kind, range: at, func: self.func })
    }

    fn expr_kind(&self, id: ExprId) -> &ExprKind {
        &self.out.expr(id).kind
    }

    fn declare(&mut self, name: Range, decl: Decl) {
        self.out.add_decl(self.text, name, decl);
    }

    /// A variable of the innermost block from a place on; of the whole file at the top.
    fn var(&mut self, name: Range, from: u32, source: Source, ty: Option<ExprId>, constant: bool) -> VarId {
        let whole = self.text.len() as u32;
        let start = if self.func.is_none() { 0 } else { from };
        let scope = Range { start, end: whole };
        let id = self.out.add_var(Var { name, scope, source, ty, func: self.func, constant });
        if let Some(scope) = self.scopes.last_mut() {
            scope.vars.push(id);
        }
        id
    }

    fn open_scope(&mut self) {
        self.scopes.push(Scope::default());
    }

    fn close_scope(&mut self) {
        let end = self.end();
        let Some(scope) = self.scopes.pop() else { return };
        for var in scope.vars {
            let scope = &mut self.out.var_mut(var).scope;
            scope.end = end.max(scope.start);
        }
        for guard in scope.guards {
            let range = &mut self.out.guards[guard].range;
            range.end = end.max(range.start);
        }
    }
}
