//! From the text of a file to the flat tables of [`Syntax`]: a parser by recursive descent.
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

use super::lex::{Kind, Token, tokens};
use super::{Decl, Expr, ExprId, ExprKind, FuncId, LocalVar, Parent, Range, Source, Syntax, Var, VarId, hash};
use crate::file::{FileId, SourceFile};
use std::sync::{Arc, OnceLock};

/// How deep code may nest before the rest is left out. Compilers and formatters stop near there too.
const MAX_DEPTH: u32 = 250;

/// How far ahead a closing bracket is looked for.
const MAX_AHEAD: usize = 2_000;

/// Parses a file.
pub(super) fn parse(file: FileId, source: &Arc<SourceFile>) -> Syntax {
    let tokens = tokens(source.text());
    // About every second token makes an expression.
    let (exprs, parents) = (Vec::with_capacity(tokens.len() / 2), Vec::with_capacity(tokens.len() / 2));
    let out = Syntax {
        file,
        source: Arc::clone(source),
        exprs,
        parents,
        vars: Vec::new(),
        assigns: Vec::new(),
        funcs: Vec::new(),
        guards: Vec::new(),
        loops: Vec::new(),
        ifs: Vec::new(),
        unkeyed: Vec::new(),
        decls: Vec::new(),
        declared: Vec::new(),
        refs: OnceLock::new(),
        vars_by_place: Vec::new(),
        local_vars: Vec::new(),
        type_params: Vec::new(),
    };
    let mut parser = Parser {
        out,
        text: source.text(),
        tokens,
        at: 0,
        func: None,
        depth: 0,
        scopes: Vec::new(),
        in_head: false,
        type_switch: false,
    };
    parser.file();
    parser.finish()
}

/// A block that is being read. Where it ends is known only then.
#[derive(Default)]
struct Scope {
    vars: Vec<VarId>,
    /// Guards that hold up to the end of the block.
    guards: Vec<usize>,
}

struct Parser<'a> {
    out: Syntax,
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

impl Parser<'_> {
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
        self.text.get(range.start as usize..range.end as usize).unwrap_or("")
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
        let id = self.out.exprs.len() as ExprId;
        self.out.exprs.push(Expr { kind, range: at, func: self.func });
        self.out.parents.push(Parent::Statement);
        id
    }

    fn set_parent(&mut self, id: ExprId, parent: Parent) {
        self.out.parents[id as usize] = parent;
    }

    fn declare(&mut self, name: Range, decl: Decl) {
        let hash = hash(self.str(name).as_bytes());
        self.out.decls.push((hash, name, decl));
    }

    /// A variable of the innermost block from a place on; of the whole file at the top.
    fn var(&mut self, name: Range, from: u32, source: Source, ty: Option<ExprId>, constant: bool) -> VarId {
        let id = self.out.vars.len() as VarId;
        let whole = self.text.len() as u32;
        let start = if self.func.is_none() { 0 } else { from };
        let scope = Range { start, end: whole };
        self.out.vars.push(Var { name, scope, source, ty, func: self.func, constant });
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
            let scope = &mut self.out.vars[var as usize].scope;
            scope.end = end.max(scope.start);
        }
        for guard in scope.guards {
            let range = &mut self.out.guards[guard].range;
            range.end = end.max(range.start);
        }
    }

    /// Makes the tables that answer by place and by name.
    fn finish(mut self) -> Syntax {
        self.out.exprs.shrink_to_fit();
        self.out.parents.shrink_to_fit();
        let parents = &mut self.out.parents;
        for (id, expr) in self.out.exprs.iter().enumerate() {
            expr.kind.each_child(|child| parents[child as usize] = Parent::Expr(id as ExprId));
            if let ExprKind::Composite { elements, .. } = &expr.kind
                && elements.iter().any(|(key, _)| key.is_none())
            {
                self.out.unkeyed.push(id as ExprId);
            }
        }
        self.index_vars();
        self.nest_guards();
        let exprs = &self.out.exprs;
        self.out.assigns.sort_by_key(|assign| exprs[assign.left as usize].range.start);
        for (id, func) in self.out.funcs.iter().enumerate() {
            if let (Some(range), None) = (func.range, func.literal) {
                self.out.declared.push((range, id as FuncId));
            }
        }
        self.out.declared.sort_unstable_by_key(|(range, _)| range.start);
        self.out.decls.sort_by_key(|&(hash, range, _)| (hash, range.start));
        self.out
    }

    fn index_vars(&mut self) {
        let out = &mut self.out;
        let text = self.text;
        let name = |range: Range| text.get(range.start as usize..range.end as usize).unwrap_or("");
        for (id, var) in out.vars.iter().enumerate() {
            out.vars_by_place.push((var.name.start, var.scope.start, id as VarId));
            if var.func.is_some() {
                let hash = hash(name(var.name).as_bytes());
                out.local_vars.push(LocalVar { hash, start: var.scope.start, reach: var.scope.end, var: id as VarId });
            }
        }
        out.vars_by_place.sort_unstable();
        out.local_vars.sort_unstable_by_key(|local| (local.hash, local.start, local.var));
        for index in 1..out.local_vars.len() {
            let before = out.local_vars[index - 1];
            let local = &mut out.local_vars[index];
            if before.hash == local.hash {
                local.reach = local.reach.max(before.reach);
            }
        }
    }

    fn nest_guards(&mut self) {
        let guards = &mut self.out.guards;
        guards.sort_by_key(|guard| (guard.range.start, std::cmp::Reverse(guard.range.end)));
        let mut around: Vec<u32> = Vec::new();
        for index in 0..guards.len() {
            let start = guards[index].range.start;
            while around.pop_if(|outer| guards[*outer as usize].range.end <= start).is_some() {}
            guards[index].outer = around.last().copied();
            around.push(index as u32);
        }
    }
}
