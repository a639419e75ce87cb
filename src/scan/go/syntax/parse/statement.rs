//! Statements, with the conditions under which their parts run.

use super::super::lex::Kind;
use super::super::{Assign, Condition, ExprId, ExprKind, Guard, Range, Return, Source};
use super::{MAX_DEPTH, Parent, Parser};

/// How the names of functions start after which a block does not go on, in small letters.
const LEAVING_CALLS: [&str; 5] = ["panic", "exit", "fatal", "fail", "die"];

/// A statement without a body.
enum Simple {
    Expr(ExprId),
    /// `… range over`.
    Range(ExprId),
    /// `name := value.(type)`, and `value.(type)` without a name.
    TypeSwitch(Option<Range>, ExprId),
    Other,
}

/// The source of the `index`th of `count` names that are given these values.
pub(super) fn value_of(values: &[ExprId], index: usize, count: usize) -> Source {
    if values.len() == 1 && count > 1 {
        Source::Value { expr: values[0], index: index as u32, count: count as u32 }
    } else if let Some(&expr) = values.get(index) {
        Source::Value { expr, index: 0, count: 1 }
    } else {
        Source::Zero
    }
}

impl Parser<'_> {
    /// The statements up to the end of a block or case; whether the last one leaves it.
    pub(super) fn statements(&mut self) -> bool {
        let mut leaves = false;
        while !matches!(self.kind(), Kind::CloseBrace | Kind::Case | Kind::Default | Kind::End)
            && !self.is_new_function()
        {
            if self.accept(Kind::Semicolon) {
                continue;
            }
            let before = self.at;
            leaves = self.statement();
            if !matches!(self.kind(), Kind::Semicolon | Kind::CloseBrace | Kind::Case | Kind::Default | Kind::End)
                || self.at == before
            {
                self.skip_statement();
            }
        }
        leaves
    }

    /// Goes to the end of a statement that is broken or of no concern.
    pub(super) fn skip_statement(&mut self) {
        let before = self.at;
        while !matches!(self.kind(), Kind::Semicolon | Kind::CloseBrace | Kind::CloseParen | Kind::End)
            && !self.is_new_function()
        {
            self.skip_balanced();
        }
        if self.at == before && !self.is_new_function() {
            self.advance();
        }
    }

    /// One statement; whether it leaves the block that it ends.
    pub(super) fn statement(&mut self) -> bool {
        if self.depth >= MAX_DEPTH {
            self.skip_statement();
            return false;
        }
        self.depth += 1;
        let leaves = self.statement_inner();
        self.depth -= 1;
        leaves
    }

    fn statement_inner(&mut self) -> bool {
        match self.kind() {
            Kind::OpenBrace => {
                self.block();
            }
            Kind::Var | Kind::Const | Kind::Type => self.declaration(),
            Kind::Return => {
                self.return_statement();
                return true;
            }
            Kind::Break | Kind::Continue | Kind::Goto => {
                self.advance();
                self.accept(Kind::Name);
                return true;
            }
            Kind::Fallthrough => self.advance(),
            Kind::If => self.if_statement(),
            Kind::For => self.for_statement(),
            Kind::Switch => self.switch_statement(),
            Kind::Select => self.select_statement(),
            Kind::Go | Kind::Defer => {
                self.advance();
                self.expr();
            }
            Kind::Name if self.kind_after(1) == Kind::Colon => {
                self.advance();
                self.advance();
                if !matches!(self.kind(), Kind::Semicolon | Kind::CloseBrace) {
                    return self.statement();
                }
            }
            _ => {
                if let Simple::Expr(call) = self.simple()
                    && let ExprKind::Call { fun, .. } = *self.expr_kind(call)
                {
                    let name = self.out.expr(fun).name(self.text).to_lowercase();
                    return LEAVING_CALLS.iter().any(|leaving| name.starts_with(leaving));
                }
            }
        }
        false
    }

    /// A block in braces: its range, and whether its last statement leaves it.
    fn block(&mut self) -> (Range, bool) {
        let start = self.start();
        if !self.accept(Kind::OpenBrace) {
            return (Range { start, end: start }, false);
        }
        self.open_scope();
        let leaves = self.statements();
        self.accept(Kind::CloseBrace);
        self.close_scope();
        (Range { start, end: self.end().max(start) }, leaves)
    }

    fn return_statement(&mut self) {
        let start = self.start();
        self.advance();
        let ends = matches!(self.kind(), Kind::Semicolon | Kind::CloseBrace | Kind::Case | Kind::Default | Kind::End);
        let values = if ends { Vec::new() } else { self.expressions() };
        let Some(func) = self.func else { return };
        for (index, &value) in values.iter().enumerate() {
            self.out.set_parent(value, Parent::Return { func, index: index as u16, count: values.len() as u16 });
        }
        let range = Range { start, end: self.end() };
        self.out.returns.push(Return { func, range, values });
    }

    /// An expression, a definition, an assignment, a step or what is sent.
    fn simple(&mut self) -> Simple {
        if self.accept(Kind::Range) {
            return Simple::Range(self.ranged_over());
        }
        self.type_switch = false;
        let first = self.out.len();
        let left = self.expressions();
        match self.kind() {
            Kind::Define => {
                self.advance();
                let names: Vec<Range> = left.iter().map(|&name| self.out.expr(name).range).collect();
                if left.iter().all(|&name| matches!(self.expr_kind(name), ExprKind::Ident)) {
                    // Names that are defined are no uses of them.
                    self.out.truncate(first);
                }
                if self.accept(Kind::Range) {
                    let over = self.ranged_over();
                    let from = self.end();
                    for (index, name) in names.into_iter().enumerate() {
                        self.define(name, Source::Range { over, key: index == 0 }, from);
                    }
                    return Simple::Range(over);
                }
                let values = self.expressions();
                if std::mem::take(&mut self.type_switch) {
                    return match values.first() {
                        Some(&value) => Simple::TypeSwitch(names.first().copied(), value),
                        None => Simple::Other,
                    };
                }
                for &value in &values {
                    self.out.set_parent(value, Parent::Init);
                }
                let (from, count) = (self.end(), names.len());
                for (index, name) in names.into_iter().enumerate() {
                    self.define(name, value_of(&values, index, count), from);
                }
                Simple::Other
            }
            Kind::Assign | Kind::AddAssign | Kind::OtherAssign => {
                let adds = self.is(Kind::AddAssign);
                self.advance();
                if self.accept(Kind::Range) {
                    let over = self.ranged_over();
                    for (index, &target) in left.iter().enumerate() {
                        self.assign(target, Source::Range { over, key: index == 0 }, false);
                    }
                    return Simple::Range(over);
                }
                let values = self.expressions();
                for &value in &values {
                    self.out.set_parent(value, Parent::Right);
                }
                for (index, &target) in left.iter().enumerate() {
                    self.assign(target, value_of(&values, index, left.len()), adds);
                }
                Simple::Other
            }
            Kind::Arrow => {
                self.advance();
                let value = self.expr();
                if let Some(&channel) = left.first() {
                    self.out.set_parent(value, Parent::Send(channel));
                }
                Simple::Other
            }
            Kind::Step => {
                self.advance();
                Simple::Other
            }
            _ => match left[..] {
                [only] if std::mem::take(&mut self.type_switch) => Simple::TypeSwitch(None, only),
                [only] => Simple::Expr(only),
                _ => Simple::Other,
            },
        }
    }

    fn ranged_over(&mut self) -> ExprId {
        let over = self.expr();
        self.out.set_parent(over, Parent::Range);
        over
    }

    fn assign(&mut self, left: ExprId, source: Source, adds: bool) {
        self.out.set_parent(left, Parent::Left);
        self.out.assigns.push(Assign { left, source, adds });
    }

    /// `name := source`: a new variable, or an assignment where the block already has one of that name.
    fn define(&mut self, name: Range, source: Source, from: u32) {
        let text = self.str(name);
        if text == "_" {
            return;
        }
        let own = self.scopes.last().map_or(&[][..], |scope| &scope.vars);
        let params = if self.scopes.len() == 1 { &self.params[..] } else { &[] };
        let names = own.iter().rev().take(200).map(|&var| self.out.var(var).name);
        if names.chain(params.iter().copied()).any(|name| self.str(name) == text) {
            let left = self.add(ExprKind::Ident, name);
            self.assign(left, source, false);
        } else {
            self.var(name, from, source, None, false);
        }
    }

    fn guard(&mut self, range: Range, condition: Condition, by_leaving: bool) {
        self.out.guards.push(Guard { range, condition, by_leaving, outer: None });
    }

    /// The simple statements of a head up to its body: the last one, and whether semicolons stand between.
    fn head(&mut self) -> (Simple, bool) {
        let in_head = std::mem::replace(&mut self.in_head, true);
        let mut last = Simple::Other;
        let mut several = false;
        while !matches!(self.kind(), Kind::OpenBrace | Kind::CloseBrace | Kind::End) && !self.is_new_function() {
            if self.accept(Kind::Semicolon) {
                several = true;
                last = Simple::Other;
                continue;
            }
            let before = self.at;
            last = self.simple();
            if self.at == before {
                self.advance();
            }
        }
        self.in_head = in_head;
        (last, several)
    }

    fn if_statement(&mut self) {
        let start = self.start();
        self.advance();
        self.open_scope();
        let condition = match self.head().0 {
            Simple::Expr(condition) => Some(condition),
            _ => None,
        };
        let (consequence, leaves) = self.block();
        if let Some(condition) = condition {
            self.guard(consequence, Condition::Is(condition), false);
        }
        if self.accept(Kind::Else) {
            let start = self.start();
            self.statement();
            if let Some(condition) = condition {
                self.guard(Range { start, end: self.end() }, Condition::IsNot(condition), false);
            }
        }
        self.close_scope();
        let Some(condition) = condition else { return };
        self.out.ifs.push((condition, consequence, leaves));
        if leaves && let Some(scope) = self.scopes.last_mut() {
            scope.guards.push(self.out.guards.len());
            let range = Range { start: self.end().max(start), end: self.end() };
            self.guard(range, Condition::IsNot(condition), true);
        }
    }

    fn for_statement(&mut self) {
        self.advance();
        self.open_scope();
        let over = match self.head().0 {
            Simple::Range(over) => Some(over),
            _ => None,
        };
        let this = self.out.loops.len();
        let start = self.start();
        self.out.loops.push((Range { start, end: start }, over));
        let (body, _) = self.block();
        self.out.loops[this].0 = body;
        self.close_scope();
    }

    fn switch_statement(&mut self) {
        self.advance();
        self.open_scope();
        match self.head().0 {
            Simple::TypeSwitch(alias, value) => self.type_cases(alias, value),
            Simple::Expr(tag) => self.cases(Some(tag)),
            _ => self.cases(None),
        }
        self.close_scope();
    }

    fn cases(&mut self, tag: Option<ExprId>) {
        let mut seen: Vec<ExprId> = Vec::new();
        let mut default = None;
        // A case that the one above falls into runs for more than its own values.
        let mut falls = false;
        self.each_case(|parser, start| {
            let values = if parser.accept(Kind::Default) {
                None
            } else {
                parser.advance();
                Some(parser.expressions())
            };
            seen.extend(values.iter().flatten());
            let into = falls;
            falls = parser.case_body();
            let range = Range { start, end: parser.end() };
            match values {
                None => default = (!into).then_some(range),
                Some(values) if !into => parser.guard(range, Condition::Case { tag, values }, false),
                Some(_) => {}
            }
        });
        if let Some(range) = default {
            self.guard(range, Condition::Default { tag, values: seen }, false);
        }
    }

    fn type_cases(&mut self, alias: Option<Range>, value: ExprId) {
        self.each_case(|parser, start| {
            let mut types = Vec::new();
            if !parser.accept(Kind::Default) {
                parser.advance();
                loop {
                    types.extend(parser.ty());
                    if !parser.accept(Kind::Comma) {
                        break;
                    }
                }
            }
            if let Some(alias) = alias {
                let ty = if types.len() == 1 { Some(types[0]) } else { None };
                // Each case has its own variable of that name.
                parser.var(alias, start, Source::Value { expr: value, index: 0, count: 1 }, ty, false);
            }
            parser.case_body();
            parser.guard(Range { start, end: parser.end() }, Condition::Unknown, false);
        });
    }

    fn select_statement(&mut self) {
        self.advance();
        self.each_case(|parser, start| {
            if !parser.accept(Kind::Default) {
                parser.advance();
                parser.simple();
            }
            parser.case_body();
            parser.guard(Range { start, end: parser.end() }, Condition::Unknown, false);
        });
    }

    /// Reads the cases of a `switch` or `select`, each in a block of its own.
    fn each_case(&mut self, mut read: impl FnMut(&mut Self, u32)) {
        if !self.accept(Kind::OpenBrace) {
            return;
        }
        while !matches!(self.kind(), Kind::CloseBrace | Kind::End) && !self.is_new_function() {
            if !matches!(self.kind(), Kind::Case | Kind::Default) {
                self.skip_statement();
                continue;
            }
            let start = self.start();
            self.open_scope();
            read(self, start);
            self.close_scope();
        }
        self.accept(Kind::CloseBrace);
    }

    /// The statements after a case's colon; whether they fall through to the next case.
    fn case_body(&mut self) -> bool {
        if !self.accept(Kind::Colon) {
            self.skip_statement();
        }
        self.statements();
        let before = self.tokens[..self.at].iter().rev().find(|token| token.kind != Kind::Semicolon);
        before.is_some_and(|token| token.kind == Kind::Fallthrough)
    }
}
