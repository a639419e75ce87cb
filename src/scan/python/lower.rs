//! Python's syntax tree, lowered.

mod expression;
mod import;

use crate::file::FileId;
use crate::scan::value::form::{Builder, Comparison, ExprId, Item, Kind, Module, Owner, Parameter, children, range};
use tree_sitter::Node;

/// Lowers one file.
pub(super) fn lower(file: FileId, _path: &str, text: &str) -> Module {
    let mut builder = Builder::new(file, text);
    let mut parser = tree_sitter::Parser::new();
    if parser.set_language(&tree_sitter_python::LANGUAGE.into()).is_ok()
        && let Some(tree) = parser.parse(text, None)
    {
        let mut lowering = Lowering { b: &mut builder };
        lowering.statements(&children(tree.root_node()));
    }
    builder.module
}

struct Lowering<'b, 't> {
    b: &'b mut Builder<'t>,
}

impl Lowering<'_, '_> {
    /// Statements in a row; what follows one that leaves is dead, or runs only where its condition did not hold.
    fn statements(&mut self, nodes: &[Node<'_>]) {
        let outer = self.b.block;
        for &node in nodes {
            self.statement(node);
        }
        self.b.close(outer);
    }

    fn body(&mut self, node: Option<Node<'_>>) {
        let Some(node) = node else { return };
        if node.kind() == "block" { self.statements(&children(node)) } else { self.statements(&[node]) }
    }

    fn statement(&mut self, node: Node<'_>) {
        if !self.b.enter() {
            return;
        }
        match node.kind() {
            "expression_statement" => {
                for child in children(node) {
                    self.expression_statement(child);
                }
            }
            "if_statement" => self.if_statement(node),
            "while_statement" => {
                let test = node.child_by_field_name("condition").map(|test| self.expr(test));
                let outer = match test {
                    Some(test) => self.b.open_if(test, true),
                    None => self.b.open(),
                };
                self.b.at_hand().repeats = true;
                self.body(node.child_by_field_name("body"));
                self.b.close(outer);
                self.body(node.child_by_field_name("alternative").and_then(|it| it.child_by_field_name("body")));
            }
            "for_statement" => self.for_statement(node),
            "try_statement" => self.try_statement(node),
            "with_statement" => self.with_statement(node),
            "match_statement" => self.match_statement(node),
            "function_definition" => {
                self.function(node, &[]);
            }
            "class_definition" => self.class(node),
            "decorated_definition" => self.decorated(node),
            "return_statement" => {
                let value = children(node).first().map(|&value| self.expr(value));
                if let (Some(value), Some(function)) = (value, self.b.function()) {
                    self.b.module.functions[function as usize].returns.push(value);
                }
                self.leave_block();
            }
            "raise_statement" => {
                self.all(node);
                self.leave_block();
            }
            "continue_statement" | "break_statement" => self.leave_block(),
            "import_statement" => self.import(node),
            "import_from_statement" => self.import_from(node),
            "block" => self.body(Some(node)),
            "global_statement" | "nonlocal_statement" | "pass_statement" | "comment" => {}
            _ => self.all(node),
        }
        self.b.leave();
    }

    /// What follows in the block never runs.
    fn leave_block(&mut self) {
        self.b.open();
        self.b.at_hand().dead = true;
    }

    /// Lowers every child, for the calls in it.
    fn all(&mut self, node: Node<'_>) {
        for child in children(node) {
            if child.kind() == "block" || child.kind().ends_with("_statement") {
                self.statement(child);
            } else {
                self.expr(child);
            }
        }
    }

    fn expression_statement(&mut self, node: Node<'_>) {
        match node.kind() {
            "assignment" => {
                self.assignment(node);
            }
            "augmented_assignment" => {
                let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right"))
                else {
                    return;
                };
                let before = self.expr(left);
                let added = self.expr(right);
                let operator = node.child_by_field_name("operator").map_or("", |it| self.b.slice(it));
                let kind = match operator {
                    "+=" => Kind::Concat(before, added),
                    "/=" => Kind::Below(before, added),
                    _ => Kind::Unknown("arithmetic"),
                };
                let value = self.b.add(kind, node);
                self.assign(left, value, node.end_byte());
            }
            _ => {
                self.expr(node);
                self.mutation(node);
            }
        }
    }

    /// `x.append(y)` and the like: the name stands for a longer list from here on.
    fn mutation(&mut self, node: Node<'_>) {
        if node.kind() == "await" {
            return;
        }
        let Some(function) = node.child_by_field_name("function").filter(|it| it.kind() == "attribute") else { return };
        let (Some(object), Some(method)) =
            (function.child_by_field_name("object"), function.child_by_field_name("attribute"))
        else {
            return;
        };
        let arguments = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        let method = self.b.slice(method);
        if object.kind() != "identifier" || !matches!(method, "append" | "extend" | "insert") {
            return;
        }
        // Lowered once more, without the calls: the statement itself has them.
        let calls = self.b.module.calls.len();
        let before = self.expr(object);
        let value = match (method, arguments.as_slice()) {
            ("append", [value]) => {
                let value = self.expr(*value);
                let list = self.b.add(Kind::List(vec![Item { value, spread: false }]), node);
                self.b.add(Kind::Concat(before, list), node)
            }
            ("extend", [value]) => {
                let value = self.expr(*value);
                let list = self.b.add(Kind::List(vec![Item { value, spread: true }]), node);
                self.b.add(Kind::Concat(before, list), node)
            }
            ("insert", [place, value]) if self.b.slice(*place) == "0" => {
                let value = self.expr(*value);
                let list = self.b.add(Kind::List(vec![Item { value, spread: false }]), node);
                self.b.add(Kind::Concat(list, before), node)
            }
            _ => {
                self.b.module.calls.truncate(calls);
                return;
            }
        };
        self.b.module.calls.truncate(calls);
        self.assign(object, value, node.end_byte());
    }

    fn assignment(&mut self, node: Node<'_>) -> Option<ExprId> {
        let left = node.child_by_field_name("left")?;
        let type_name = node.child_by_field_name("type").map(|it| self.type_names(it));
        let value = match node.child_by_field_name("right") {
            Some(right) if right.kind() == "assignment" => self.assignment(right),
            Some(right) => Some(self.expr(right)),
            None => None,
        };
        if let (Some(class), true, true) = (self.b.class(), self.in_class_body(), left.kind() == "identifier") {
            let name = self.b.slice(left).to_owned();
            if type_name.is_some() {
                self.b.module.classes[class as usize].fields.push((name, type_name));
            }
        }
        if let Some(value) = value {
            self.assign(left, value, node.end_byte());
        }
        value
    }

    fn in_class_body(&self) -> bool {
        matches!(self.b.module.scopes[self.b.scope as usize].owner, Owner::Class(_))
    }

    /// Gives a target a value.
    fn assign(&mut self, target: Node<'_>, value: ExprId, from: usize) {
        if !self.b.enter() {
            return;
        }
        match target.kind() {
            "identifier" => {
                let name = self.b.slice(target);
                if let (Some(class), true) = (self.b.class(), self.in_class_body()) {
                    self.b.add_member(class, name, value);
                }
                self.b.bind(name, value, target, from as u32);
            }
            "attribute" => {
                let object = target.child_by_field_name("object");
                let field = target.child_by_field_name("attribute").map_or("", |it| self.b.slice(it));
                if object.is_some_and(|object| self.is_this(object))
                    && let Some(class) = self.b.class()
                {
                    self.b.add_member(class, field, value);
                } else if let Some(object) = object.filter(|it| it.kind() == "identifier") {
                    self.b.add_write(self.b.slice(object), field, value);
                }
            }
            "pattern_list" | "tuple_pattern" | "list_pattern" => {
                for (place, part) in children(target).into_iter().enumerate() {
                    if part.kind() == "list_splat_pattern" {
                        break;
                    }
                    let one = self.b.add(Kind::At(value, place as u32), part);
                    self.assign(part, one, from);
                }
            }
            _ => {}
        }
        self.b.leave();
    }

    fn is_this(&self, node: Node<'_>) -> bool {
        node.kind() == "identifier" && matches!(self.b.slice(node), "self" | "cls") && self.b.class().is_some()
    }

    fn if_statement(&mut self, node: Node<'_>) {
        let entry = self.b.block;
        let mut left = Vec::new();
        let mut tests = Vec::new();
        let mut branches = vec![(node.child_by_field_name("condition"), node.child_by_field_name("consequence"))];
        let mut cursor = node.walk();
        for other in node.children_by_field_name("alternative", &mut cursor) {
            match other.kind() {
                "elif_clause" => {
                    branches.push((other.child_by_field_name("condition"), other.child_by_field_name("consequence")));
                }
                _ => branches.push((None, other.child_by_field_name("body"))),
            }
        }
        let mut has_else = false;
        for (test, body) in branches {
            let test = test.map(|test| self.expr(test));
            has_else |= test.is_none();
            let before = self.b.block;
            if let Some(test) = test {
                self.b.open_if(test, true);
            } else {
                self.b.open();
            }
            self.body(body);
            self.b.close(before);
            if let Some(test) = test {
                tests.push(test);
                if body.is_some_and(|body| leaves(self.b.text, body)) {
                    left.push(test);
                }
                // The next branch runs only where this condition did not hold.
                self.b.open_if(test, false);
            } else if body.is_some_and(|body| leaves(self.b.text, body)) && tests.len() == 1 {
                left.push(u32::MAX);
            }
        }
        self.b.close(entry);
        for test in left {
            if test == u32::MAX {
                self.b.open_if(tests[0], true);
            } else {
                self.b.open_if(test, false);
            }
        }
        let _ = has_else;
    }

    fn for_statement(&mut self, node: Node<'_>) {
        let list = node.child_by_field_name("right").map(|it| self.expr(it));
        let outer = self.b.open();
        self.b.at_hand().repeats = true;
        if let (Some(list), Some(left)) = (list, node.child_by_field_name("left")) {
            let element = self.b.add(Kind::Element(list), left);
            self.assign(left, element, left.start_byte());
        }
        self.body(node.child_by_field_name("body"));
        self.b.close(outer);
        self.body(node.child_by_field_name("alternative").and_then(|it| it.child_by_field_name("body")));
    }

    fn try_statement(&mut self, node: Node<'_>) {
        let handlers: Vec<Node<'_>> = children(node);
        let outer = self.b.open();
        self.b.at_hand().copes = handlers.iter().any(|&handler| self.copes(handler));
        self.body(node.child_by_field_name("body"));
        self.b.close(outer);
        for handler in handlers.into_iter().skip(1) {
            let before = self.b.open();
            for child in children(handler) {
                if child.kind() == "block" {
                    self.body(Some(child));
                } else {
                    self.expr(child);
                }
            }
            self.b.close(before);
        }
    }

    /// Whether a handler takes a missing program and goes on.
    fn copes(&self, handler: Node<'_>) -> bool {
        if handler.kind() != "except_clause" {
            return false;
        }
        let parts = children(handler);
        let Some((body, caught)) = parts.split_last() else { return false };
        let takes = caught.iter().any(|it| {
            let text = self.b.slice(*it);
            ["FileNotFoundError", "OSError", "IOError"].iter().any(|name| text.contains(name))
        });
        takes && !leaves_in_error(self.b.text, *body)
    }

    fn with_statement(&mut self, node: Node<'_>) {
        let mut items = Vec::new();
        for clause in children(node) {
            if clause.kind() == "with_clause" {
                items.extend(children(clause));
            }
        }
        for item in items {
            let Some(value) = item.child_by_field_name("value") else { continue };
            self.expr(value);
        }
        self.body(node.child_by_field_name("body"));
    }

    fn match_statement(&mut self, node: Node<'_>) {
        let subject = node.child_by_field_name("subject").map(|it| self.expr(it));
        let clauses = node.child_by_field_name("body").map(children).unwrap_or_default();
        for clause in clauses {
            let patterns: Vec<Node<'_>> =
                children(clause).into_iter().filter(|it| it.kind() == "case_pattern").collect();
            let outer = self.b.open();
            if let (Some(subject), [pattern]) = (subject, patterns.as_slice())
                && let Some(constants) = self.constants(*pattern)
            {
                let items = constants.into_iter().map(|value| Item { value, spread: false }).collect();
                let list = self.b.add(Kind::List(items), *pattern);
                let test = self.b.add(Kind::Compare(Comparison::In, subject, list), *pattern);
                self.b.at_hand().guard = Some((test, true));
            }
            self.body(clause.child_by_field_name("consequence"));
            self.b.close(outer);
        }
    }

    /// The constants of a case, where it has nothing else.
    fn constants(&mut self, pattern: Node<'_>) -> Option<Vec<ExprId>> {
        let parts = children(pattern);
        let [part] = parts.as_slice() else { return None };
        match part.kind() {
            "string" => Some(vec![self.expr(*part)]),
            "union_pattern" => {
                let mut all = Vec::new();
                for one in children(*part) {
                    if one.kind() != "string" {
                        return None;
                    }
                    all.push(self.expr(one));
                }
                Some(all)
            }
            _ => None,
        }
    }

    fn decorated(&mut self, node: Node<'_>) {
        let mut decorators = Vec::new();
        for child in children(node) {
            if child.kind() == "decorator" {
                decorators.push(self.b.slice(child).trim_start_matches('@').trim());
                self.all(child);
            }
        }
        match node.child_by_field_name("definition") {
            Some(function) if function.kind() == "function_definition" => {
                self.function(function, &decorators);
            }
            Some(class) => self.class(class),
            None => {}
        }
    }

    fn function(&mut self, node: Node<'_>, decorators: &[&str]) {
        let name_node = node.child_by_field_name("name");
        let name = name_node.map_or("", |it| self.b.slice(it));
        let class = if self.in_class_body() { self.b.class() } else { None };
        let function = self.b.add_function(name, class);
        let is_static = decorators.contains(&"staticmethod");
        let is_property = decorators.iter().any(|it| *it == "property" || it.ends_with("cached_property"));
        self.b.module.functions[function as usize].property = is_property;
        let value = self.b.add(Kind::Function(function), node);
        if let Some(class) = class {
            self.b.add_member(class, name, value);
        }
        self.b.bind(name, value, name_node.unwrap_or(node), node.start_byte() as u32);
        let parameters = node.child_by_field_name("parameters").map(children).unwrap_or_default();
        let drop = class.is_some() && !is_static;
        self.in_function(function, &parameters, drop, |this| this.body(node.child_by_field_name("body")));
    }

    fn in_function(&mut self, function: u32, parameters: &[Node<'_>], drop_first: bool, body: impl FnOnce(&mut Self)) {
        // Defaults and types belong to the code around.
        let mut read = Vec::new();
        for (place, &node) in parameters.iter().enumerate() {
            if !(drop_first && place == 0) {
                read.extend(self.parameter(node));
            }
        }
        let scope = self.b.open_scope(Owner::Function(function));
        let block = self.b.open();
        for parameter in read {
            self.b.add_parameter(function, parameter);
        }
        body(self);
        self.b.close(block);
        self.b.close_scope(scope);
    }

    fn parameter(&mut self, node: Node<'_>) -> Option<Parameter> {
        let plain = |this: &Self, name: Node<'_>| Parameter {
            name: this.b.slice(name).to_owned(),
            default: None,
            type_name: None,
            rest: false,
            rest_named: false,
            range: range(name),
        };
        match node.kind() {
            "identifier" => Some(plain(self, node)),
            "default_parameter" | "typed_default_parameter" => {
                let name = node.child_by_field_name("name")?;
                let default = node.child_by_field_name("value").map(|it| self.expr(it));
                let type_name = node.child_by_field_name("type").map(|it| self.type_names(it));
                Some(Parameter { default, type_name, ..plain(self, name) })
            }
            "typed_parameter" => {
                let name = *children(node).first()?;
                let type_name = node.child_by_field_name("type").map(|it| self.type_names(it));
                let inner = self.parameter(name)?;
                let type_name = type_name.filter(|_| !inner.rest && !inner.rest_named);
                Some(Parameter { type_name, ..inner })
            }
            "list_splat_pattern" => Some(Parameter { rest: true, ..plain(self, *children(node).first()?) }),
            "dictionary_splat_pattern" => Some(Parameter { rest_named: true, ..plain(self, *children(node).first()?) }),
            _ => None,
        }
    }

    /// The names in a type, as one expression.
    fn type_names(&mut self, node: Node<'_>) -> ExprId {
        let mut names = Vec::new();
        let mut open = vec![node];
        while let Some(one) = open.pop() {
            match one.kind() {
                "identifier" | "attribute" => names.push(self.expr(one)),
                "string" => {
                    let text = self.b.slice(one).trim_matches(['"', '\'']).to_owned();
                    names.push(self.b.add(Kind::Name(text), one));
                }
                _ if names.len() < 8 => open.extend(children(one)),
                _ => {}
            }
        }
        self.b.add(Kind::OneOf(names), node)
    }

    fn class(&mut self, node: Node<'_>) {
        let name_node = node.child_by_field_name("name");
        let name = name_node.map_or("", |it| self.b.slice(it));
        let mut bases = Vec::new();
        for base in node.child_by_field_name("superclasses").map(children).unwrap_or_default() {
            let value = self.expr(base);
            if base.kind() != "keyword_argument" {
                bases.push(value);
            }
        }
        let class = self.b.add_class(name, bases);
        let value = self.b.add(Kind::Class(class), node);
        self.b.bind(name, value, name_node.unwrap_or(node), node.start_byte() as u32);
        let scope = self.b.open_scope(Owner::Class(class));
        let block = self.b.open();
        self.body(node.child_by_field_name("body"));
        self.b.close(block);
        self.b.close_scope(scope);
    }
}

/// Whether a block ends by leaving: return, raise, continue, break, `sys.exit`.
fn leaves(text: &str, body: Node<'_>) -> bool {
    let last = if body.kind() == "block" { children(body).last().copied() } else { Some(body) };
    let Some(last) = last else { return false };
    match last.kind() {
        "return_statement" | "raise_statement" | "continue_statement" | "break_statement" => true,
        "expression_statement" => {
            let text = text.get(last.byte_range()).unwrap_or_default();
            ["sys.exit(", "exit(", "os._exit(", "quit("].iter().any(|start| text.starts_with(start))
        }
        _ => false,
    }
}

/// Whether a handler ends the program or passes the error on.
fn leaves_in_error(text: &str, body: Node<'_>) -> bool {
    children(body).iter().any(|it| {
        let own = text.get(it.byte_range()).unwrap_or_default();
        it.kind() == "raise_statement" || own.starts_with("sys.exit(") || own.starts_with("exit(")
    })
}
