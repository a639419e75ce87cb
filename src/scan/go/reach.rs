//! Which functions can run: those that a main package, an `init` function or a package-level initializer leads to.
//!
//! Asked backwards and on demand: a function runs if live code that runs names it. A method runs if code that runs names
//! its type, for anything may call it through an interface; an unexported one is also named in its own package. This errs
//! on the side of running: what nothing leads to is not in the binary's way.

use super::engine::Engine;
use super::load::{Program, UnitId};
use super::syntax::{Decl, ExprId, FuncId, Syntax};
use super::types::{At, FuncAt, Meaning, receiver_name};
use std::collections::HashSet;

/// How many functions and types are looked through for one function; past that it counts as one that runs.
const MAX_NODES: usize = 4_000;

/// What can lead to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Func(FuncAt),
    /// A package-level type, by its expression.
    Type(At),
}

impl Engine<'_> {
    /// Whether a place can run: on this platform, and in a function that something leads to.
    pub(crate) fn is_live(&mut self, unit: UnitId, at: u32) -> bool {
        self.is_on_platform(unit, at)
            && self.program.syntax(unit).declared_at(at).is_none_or(|func| self.runs(FuncAt { unit, func }))
    }

    /// Whether a declared function can run.
    fn runs(&mut self, func: FuncAt) -> bool {
        let node = Node::Func(func);
        if let Some(&known) = self.reached.get(&node) {
            return known;
        }
        let program = self.program;
        let declared = program.syntax(func.unit).func(func.func);
        let mut found = self.is_reached(node);
        if found && declared.receiver.is_some() && !is_exported(&declared.name) {
            found = receiver_type(program, func).is_none_or(|ty| self.is_reached(ty));
            self.reached.insert(node, found);
        }
        found
    }

    /// Whether something that runs leads to a node: a search against the direction of calls.
    fn is_reached(&mut self, start: Node) -> bool {
        let mut seen = HashSet::from([start]);
        let mut open = vec![start];
        let mut found = false;
        while let Some(node) = open.pop() {
            found = match self.reached.get(&node) {
                Some(known) => *known,
                None => is_root(self.program, node) || seen.len() > MAX_NODES,
            };
            if found {
                break;
            }
            match self.leading_to(node) {
                None => {
                    found = true;
                    break;
                }
                Some(nodes) => open.extend(nodes.into_iter().filter(|&node| seen.insert(node))),
            }
        }
        if found {
            self.reached.insert(start, true);
        } else {
            self.reached.extend(seen.into_iter().map(|node| (node, false)));
        }
        found
    }

    /// What names a node; nothing where a package-level initializer does, which always runs.
    fn leading_to(&mut self, node: Node) -> Option<Vec<Node>> {
        let program = self.program;
        let mut found = Vec::new();
        let (unit, name, meaning) = match node {
            Node::Func(at) => {
                let func = program.syntax(at.unit).func(at.func);
                if func.receiver.is_some() && is_exported(&func.name) {
                    return Some(receiver_type(program, at).into_iter().collect());
                }
                (at.unit, func.name.clone(), func.receiver.is_none().then_some(Meaning::Func(at)))
            }
            Node::Type(at) => {
                let syntax = program.syntax(at.unit);
                let named = syntax.all_decls().find(|(_, decl)| *decl == Decl::Type(at.expr));
                (at.unit, syntax.str(named?.0).to_owned(), Some(Meaning::Type(at)))
            }
        };
        for user in program.users(program.unit(unit).package, &name) {
            let syntax = program.syntax(user);
            let refs: Vec<ExprId> = syntax.refs(&name).collect();
            for expr in refs {
                let at = At { unit: user, expr };
                let start = syntax.expr(expr).range.start;
                let names = match &meaning {
                    Some(meaning) => self.meaning(at).as_ref() == Some(meaning),
                    // An unexported method: any selector of that name.
                    None => true,
                };
                if !names || is_receiver(syntax, start) || !self.is_on_platform(user, start) {
                    continue;
                }
                found.push(enclosing(program, user, start)?);
            }
        }
        Some(found)
    }
}

fn is_exported(name: &str) -> bool {
    name.starts_with(char::is_uppercase)
}

/// What runs without being named: `main`, `init`, and what C code or the linker knows by name.
fn is_root(program: &Program, node: Node) -> bool {
    let Node::Func(FuncAt { unit, func }) = node else { return false };
    let name = program.syntax(unit).func(func).name.as_str();
    let text = program.unit(unit).text();
    let told = |directive: &str| {
        text.contains(directive) && text.lines().any(|line| line.starts_with(directive) && line.contains(name))
    };
    match name {
        "init" | "_" | "" => true,
        "main" => program.package(program.unit(unit).package).name == "main",
        _ => told("//export ") || told("//go:linkname "),
    }
}

/// The function or type that a place stands in; nothing for the initializer of a variable.
fn enclosing(program: &Program, unit: UnitId, at: u32) -> Option<Node> {
    let syntax = program.syntax(unit);
    if let Some(func) = syntax.declared_at(at) {
        return Some(Node::Func(FuncAt { unit, func }));
    }
    syntax.all_decls().find_map(|(_, decl)| match decl {
        Decl::Type(expr) if syntax.expr(expr).range.contains(at) => Some(Node::Type(At { unit, expr })),
        _ => None,
    })
}

/// Whether a place is the type of the receiver that a method is declared with.
fn is_receiver(syntax: &Syntax, at: u32) -> bool {
    let receiver = syntax.declared_at(at).and_then(|func| syntax.func(func).receiver);
    receiver.is_some_and(|receiver| syntax.expr(receiver.ty).range.contains(at))
}

/// The type that a method belongs to.
fn receiver_type(program: &Program, FuncAt { unit, func }: FuncAt) -> Option<Node> {
    let syntax = program.syntax(unit);
    let name = receiver_name(syntax, syntax.func(func).receiver?.ty)?;
    match program.decl(program.unit(unit).package, name)? {
        (unit, Decl::Type(expr)) => Some(Node::Type(At { unit, expr })),
        _ => None,
    }
}

impl Syntax {
    /// The declared function (no literal) around a place, its head included.
    pub(crate) fn declared_at(&self, at: u32) -> Option<FuncId> {
        let before = self.declared.partition_point(|&(range, _)| range.start <= at);
        let &(range, func) = self.declared.get(before.checked_sub(1)?)?;
        range.contains(at).then_some(func)
    }
}
