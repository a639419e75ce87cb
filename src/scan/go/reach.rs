//! Which functions can run: those that a main package, an `init` function or a package-level initializer leads to.
//!
//! Asked backwards and on demand: a function runs if live code that runs names it, or reads the variable that holds it. A
//! method runs if code that runs names its type, for anything may call it through an interface; an unexported one is also
//! named in its own package. This errs on the side of running: what nothing leads to is not in the binary's way. Where all
//! code is there, a method that nothing selects does not run either, unless an interface of the standard library asks for it.

use super::engine::Engine;
use super::load::{Program, UnitId};
use super::syntax::{Decl, ExprKind, Parent, Source, Syntax, Var};
use super::types::{At, FuncAt, Meaning, VarAt, receiver_name};
use super::words::way;
use foldhash::HashSet;

/// How many functions and types are looked through for one function; past that it counts as one that runs.
const MAX_NODES: usize = 4_000;

/// How deep an initializer is looked into for what it holds.
const MAX_NESTING: u32 = 100;

/// What can lead to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Func(FuncAt),
    /// A package-level type, by its expression.
    Type(At),
    /// A package-level variable, which holds what its initializer names.
    Var(VarAt),
}

/// A node with what is still to be looked at for it.
struct Search {
    node: Node,
    /// Its name.
    name: String,
    /// Files that may name it.
    units: Vec<UnitId>,
    /// What names it in the files that were looked at.
    found: Vec<Node>,
}

impl Engine<'_> {
    /// Whether a place can run: on this platform, and in a function that something leads to; in a package-level initializer,
    /// if it is no literal's that nothing reads.
    pub(crate) fn is_live(&mut self, unit: UnitId, at: u32) -> bool {
        let syntax = self.program.syntax(unit);
        self.is_on_platform(unit, at)
            && match syntax.declared_at(at) {
                Some(func) => self.runs(FuncAt { unit, func }),
                None => syntax
                    .literal_at(at)
                    .and_then(|literal| holder(self.program, At { unit, expr: literal }))
                    .is_none_or(|holder| self.is_reached(holder)),
            }
    }

    /// Whether a declared function can run.
    fn runs(&mut self, func: FuncAt) -> bool {
        let node = Node::Func(func);
        let program = self.program;
        let declared = program.syntax(func.unit).func(func.func);
        let mut found = self.is_reached(node);
        if found && declared.receiver.is_some() && !is_exported(&declared.name) {
            found = receiver_type(program, func).is_none_or(|ty| self.is_reached(ty));
            self.reached.insert(node, found);
        }
        found
    }

    /// Whether something that runs leads to a node: a search against the direction of calls, file by file, for the first
    /// way to a root is as good as any.
    fn is_reached(&mut self, start: Node) -> bool {
        if let Some(&known) = self.reached.get(&start) {
            return known;
        }
        let mut seen = HashSet::from_iter([start]);
        let mut open = vec![self.search(start)];
        let mut runs = self.is_known_to_run(start);
        while !runs && let Some(search) = open.last_mut() {
            if let Some(node) = search.found.pop() {
                if seen.insert(node) {
                    runs = seen.len() > MAX_NODES || self.is_known_to_run(node);
                    open.push(self.search(node));
                }
            } else if let Some(unit) = search.units.pop() {
                let (node, name) = (search.node, search.name.clone());
                match self.naming(node, &name, unit) {
                    Some(nodes) => open.last_mut().expect("internal: a search is open").found = nodes,
                    None => runs = true,
                }
            } else {
                open.pop();
            }
        }
        if runs {
            self.reached.insert(start, true);
        } else {
            self.reached.extend(seen.into_iter().map(|node| (node, false)));
        }
        runs
    }

    /// Whether a node is a root or was found to run before.
    fn is_known_to_run(&self, node: Node) -> bool {
        match self.reached.get(&node) {
            Some(known) => *known,
            None => is_root(self.program, node),
        }
    }

    /// The files that may name a node.
    fn search(&self, node: Node) -> Search {
        let program = self.program;
        let mut search = Search { node, name: String::new(), units: Vec::new(), found: Vec::new() };
        if self.reached.contains_key(&node) {
            return search;
        }
        match node {
            Node::Func(at) => {
                let func = program.syntax(at.unit).func(at.func);
                let package = program.unit(at.unit).package;
                search.name.clone_from(&func.name);
                if func.receiver.is_none() {
                    search.units = program.users(package, &func.name);
                } else if is_exported(&func.name) {
                    let receiver = func.receiver.and_then(|own| receiver_name(program.syntax(at.unit), own.ty));
                    if program.may_be_called(package, receiver.unwrap_or_default(), &func.name) {
                        search.found.extend(receiver_type(program, at));
                    }
                } else {
                    search.units = program.member_users(package, &func.name, way::SELECTOR);
                }
            }
            Node::Type(at) => {
                let syntax = program.syntax(at.unit);
                if let Some(name) = syntax.type_name(at.expr) {
                    name.clone_into(&mut search.name);
                    search.units = program.users(program.unit(at.unit).package, &search.name);
                }
            }
            Node::Var(at) => {
                let syntax = program.syntax(at.unit);
                syntax.str(syntax.var(at.var).name).clone_into(&mut search.name);
                search.units = program.users(program.unit(at.unit).package, &search.name);
            }
        }
        // The last is looked at first: best one that is parsed already.
        search.units.sort_by_cached_key(|&unit| program.unit(unit).is_parsed());
        search
    }

    /// What names a node in a file; nothing where what a package-level initializer runs does.
    fn naming(&mut self, node: Node, name: &str, unit: UnitId) -> Option<Vec<Node>> {
        let program = self.program;
        let meaning = match node {
            Node::Func(at) => program.syntax(at.unit).func(at.func).receiver.is_none().then_some(Meaning::Func(at)),
            Node::Type(at) => Some(Meaning::Type(at)),
            Node::Var(at) => Some(Meaning::Var(at)),
        };
        let syntax = program.syntax(unit);
        let mut found = Vec::new();
        for expr in program.refs(unit, name) {
            let at = At { unit, expr };
            let start = syntax.expr(expr).range.start;
            // An unexported method: any selector of that name.
            let names = meaning.as_ref().is_none_or(|meaning| self.meaning(at).as_ref() == Some(meaning));
            // What is only assigned to is not read.
            let is_left = matches!(node, Node::Var(_)) && syntax.parent(expr) == Parent::Left;
            if names && !is_left && !is_receiver(syntax, start) && self.is_on_platform(unit, start) {
                found.push(enclosing(program, at)?);
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
    match name {
        "init" | "_" | "" => true,
        "main" => program.package(program.unit(unit).package).name == "main",
        _ => program.outline().is_told(unit, name),
    }
}

/// The function or type that an expression stands in, or the variable that holds it; nothing for what an initializer runs.
fn enclosing(program: &Program, at: At) -> Option<Node> {
    let (unit, syntax) = (at.unit, program.syntax(at.unit));
    let start = syntax.expr(at.expr).range.start;
    if let Some(func) = syntax.declared_at(start) {
        return Some(Node::Func(FuncAt { unit, func }));
    }
    let ty = syntax.type_around(start).map(|expr| Node::Type(At { unit, expr }));
    ty.or_else(|| holder(program, at))
}

/// The package-level variable whose initializer holds an expression and does not run it: `var f = g`,
/// `var commands = []command{{run: g}}`, `var f = func() { g() }`.
fn holder(program: &Program, At { unit, mut expr }: At) -> Option<Node> {
    let syntax = program.syntax(unit);
    for _ in 0..MAX_NESTING {
        // Code of a literal runs where the literal is called.
        if let Some(literal) = syntax.expr(expr).func {
            expr = syntax.func(literal).literal?;
            continue;
        }
        match syntax.parent(expr) {
            Parent::Expr(outer) if matches!(syntax.kind(outer), ExprKind::Composite { .. } | ExprKind::Address(_)) => {
                expr = outer;
            }
            Parent::Init => {
                let is_own = |var: &Var| matches!(var.source, Source::Value { expr: own, .. } if own == expr);
                let (var, declared) = syntax.part_of(expr).vars().find(|(_, var)| is_own(var))?;
                let name = syntax.str(declared.name);
                let package = program.package(program.unit(unit).package);
                // What has no sources may read what others export.
                let is_seen = package.is_own || program.missing.is_empty() || !is_exported(name);
                return is_seen.then_some(Node::Var(VarAt { unit, var }));
            }
            _ => return None,
        }
    }
    None
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
