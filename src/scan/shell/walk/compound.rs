//! Compound commands: groups, loops, `case` and `if`, with the branches that a condition leaves.

use super::super::guard::{self, Known};
use super::super::parse::Code;
use super::super::simple::braces;
use super::super::value::{End, Fields, State, Value, add};
use super::{MAX_STEPS, Walker};
use crate::file::Span;
use brush_parser::ast;
use std::ops::Range;
use std::rc::Rc;

impl Walker<'_> {
    pub(super) fn compound(&mut self, code: &Rc<Code>, compound: &ast::CompoundCommand, state: &mut State) {
        match compound {
            ast::CompoundCommand::Arithmetic(arithmetic) => {
                let range = code.range(&arithmetic.loc);
                self.substitutions(code, range, state);
            }
            ast::CompoundCommand::ArithmeticForClause(clause) => {
                self.repeat(code, &clause.body.list, state, None);
            }
            ast::CompoundCommand::BraceGroup(group) => self.list(code, &group.list, state),
            ast::CompoundCommand::Subshell(subshell) => {
                let mut inner = state.clone();
                self.list(code, &subshell.list, &mut inner);
            }
            ast::CompoundCommand::ForClause(clause) => self.for_loop(code, clause, state),
            ast::CompoundCommand::CaseClause(clause) => self.case(code, clause, state),
            ast::CompoundCommand::IfClause(clause) => self.if_clause(code, clause, state),
            ast::CompoundCommand::WhileClause(clause) => {
                self.repeat(code, &clause.1.list, state, Some((&clause.0, true)));
            }
            ast::CompoundCommand::UntilClause(clause) => {
                self.repeat(code, &clause.1.list, state, Some((&clause.0, false)));
            }
            ast::CompoundCommand::Coprocess(coprocess) => self.command(code, &coprocess.body, &mut state.clone(), None),
        }
    }

    fn for_loop(&mut self, code: &Rc<Code>, clause: &ast::ForClauseCommand, state: &mut State) {
        let mut alternatives: Vec<Fields> = Vec::new();
        match &clause.values {
            Some(words) => {
                for word in words {
                    let Some(location) = &word.loc else { continue };
                    for range in braces(code.text(), code.range(location)) {
                        for fields in self.expand_braced(code, &range, state) {
                            for field in fields {
                                add(&mut alternatives, vec![Value { many: false, ..field }]);
                            }
                        }
                    }
                }
            }
            None => {
                for fields in state.positional.iter() {
                    for field in fields {
                        add(&mut alternatives, vec![Value { many: false, ..field.clone() }]);
                    }
                }
            }
        }
        let span = code.span(&code.range(&clause.loc));
        let name = &clause.variable_name;
        let alternatives =
            alternatives.into_iter().map(|fields| stepped(fields, &format!("loop over {name}"), span)).collect();
        state.assign(name, alternatives);
        self.repeat(code, &clause.body.list, state, None);
    }

    /// A loop's condition and body, read twice so that the second round sees what the first assigned.
    fn repeat(
        &mut self,
        code: &Rc<Code>,
        body: &ast::CompoundList,
        state: &mut State,
        condition: Option<(&ast::CompoundList, bool)>,
    ) {
        let rounds = if self.loops.len() < 3 && self.steps < MAX_STEPS / 2 { 2 } else { 1 };
        for _ in 0..rounds {
            let known = match condition {
                Some((condition, _)) => {
                    let known = self.list_known(code, condition, state);
                    self.list(code, condition, state);
                    known
                }
                None => Known::default(),
            };
            let wanted = condition.is_none_or(|(_, wanted)| wanted);
            let mut inner = state.clone();
            known.apply(&mut inner, wanted);
            self.loops.push(None);
            self.list(code, body, &mut inner);
            if let Some(Some(broken)) = self.loops.pop() {
                inner = inner.join(broken);
            }
            if inner.end == Some(End::Loop) {
                inner.end = None;
            }
            let before = std::mem::replace(state, State::new(Vec::new()));
            *state = before.join(inner);
        }
    }

    fn case(&mut self, code: &Rc<Code>, clause: &ast::CaseClauseCommand, state: &mut State) {
        let values = match &clause.value.loc {
            Some(location) => self.expand_one(code, code.range(location), state),
            None => Vec::new(),
        };
        let platform = !values.is_empty() && values.iter().all(|value| value.platform && value.constant().is_some());
        let mut after: Option<State> = None;
        let mut exhaustive = false;
        let mut falls = false;
        for item in &clause.cases {
            let patterns: Vec<Range<usize>> =
                item.patterns.iter().filter_map(|pattern| Some(code.range(pattern.loc.as_ref()?))).collect();
            let texts: Vec<&str> = patterns.iter().map(|pattern| code.text()[pattern.clone()].trim()).collect();
            let catches_all = texts.contains(&"*");
            if platform && !falls && !texts.iter().any(|pattern| pattern.contains('[')) {
                let hit = values.iter().any(|value| {
                    let text = value.text.text();
                    texts.iter().any(|pattern| guard::matches(pattern, text))
                });
                if !hit || exhaustive {
                    continue;
                }
                exhaustive = true;
            }
            for pattern in &patterns {
                self.words_in(code, pattern.clone(), state);
            }
            let mut branch = state.clone();
            if let Some(list) = &item.cmd {
                self.list(code, list, &mut branch);
            }
            falls = !matches!(item.post_action, ast::CaseItemPostAction::ExitCase);
            exhaustive |= catches_all;
            after = Some(match after {
                Some(after) => after.join(branch),
                None => branch,
            });
        }
        if let Some(after) = after {
            *state = if exhaustive { after } else { after.join(state.clone()) };
        }
    }

    fn if_clause(&mut self, code: &Rc<Code>, clause: &ast::IfClauseCommand, state: &mut State) {
        let mut after: Option<State> = None;
        let mut open = true;
        let branches = std::iter::once((Some(&clause.condition), &clause.then))
            .chain(clause.elses.iter().flatten().map(|branch| (branch.condition.as_ref(), &branch.body)));
        for (condition, body) in branches {
            let mut known = Known::default();
            if let Some(condition) = condition {
                known = self.list_known(code, condition, state);
                self.list(code, condition, state);
            } else {
                open = false;
            }
            if known.certain == Some(false) {
                known.apply(state, false);
                continue;
            }
            let mut branch = state.clone();
            known.apply(&mut branch, true);
            self.list(code, body, &mut branch);
            self.require(&known.if_false, &branch);
            known.apply(state, false);
            after = Some(match after {
                Some(after) => after.join(branch),
                None => branch,
            });
            if known.certain == Some(true) {
                open = false;
                break;
            }
        }
        let around = open.then(|| state.clone());
        *state = match (after, around) {
            (Some(after), Some(around)) => around.join(after),
            (Some(after), None) => after,
            (None, Some(around)) => around,
            (None, None) => return,
        };
    }

    /// A program whose absence ends the script with a failure is needed, though nothing may run it by name.
    pub(super) fn require(&mut self, absent: &[Value], branch: &State) {
        if branch.end == Some(End::Failure) {
            for value in absent {
                let text = value.text.text();
                // A path that is tested may be a folder or data; one beside programs is a program.
                let is_other = text.contains('/') && !["bin/", "libexec/"].iter().any(|folder| text.contains(folder));
                if !value.optional || is_other || self.functions.contains_key(text) {
                    continue;
                }
                let value = Value { optional: false, ..value.clone() };
                self.site(&value, "command -v", &[], &State::new(Vec::new()));
            }
        }
    }
}

fn stepped(fields: Fields, what: &str, span: Option<Span>) -> Fields {
    fields.into_iter().map(|value| value.step(what, span)).collect()
}
