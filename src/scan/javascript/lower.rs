//! JavaScript's and TypeScript's syntax trees, lowered.

mod expression;
mod import;

use crate::file::FileId;
use crate::scan::value::form::{
    Bound, Builder, ClassId, Comparison, ExprId, FunctionId, Item, Kind, Module, Owner, Parameter, children, range,
};
use tree_sitter::Node;

/// Lowers one file.
pub(super) fn lower(file: FileId, path: &str, text: &str) -> Module {
    let mut builder = Builder::new(file, text);
    let ending = path.rsplit('.').next().unwrap_or_default();
    let language = match ending {
        "ts" | "mts" | "cts" => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        "tsx" => tree_sitter_typescript::LANGUAGE_TSX.into(),
        _ => tree_sitter_javascript::LANGUAGE.into(),
    };
    let mut parser = tree_sitter::Parser::new();
    if parser.set_language(&language).is_ok()
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
    fn statements(&mut self, nodes: &[Node<'_>]) {
        let outer = self.b.block;
        for &node in nodes {
            self.statement(node);
        }
        self.b.close(outer);
    }

    fn body(&mut self, node: Option<Node<'_>>) {
        let Some(node) = node else { return };
        if node.kind() == "statement_block" { self.statements(&children(node)) } else { self.statements(&[node]) }
    }

    fn statement(&mut self, node: Node<'_>) {
        if !self.b.enter() {
            return;
        }
        match node.kind() {
            "expression_statement" => {
                for child in children(node) {
                    self.expr(child);
                    self.mutation(child);
                }
            }
            "lexical_declaration" | "variable_declaration" | "using_declaration" => self.declarations(node),
            "if_statement" => self.if_statement(node),
            "while_statement" | "do_statement" | "for_statement" => {
                let outer = self.b.open();
                self.b.at_hand().repeats = true;
                for name in ["initializer", "condition", "increment", "body"] {
                    if let Some(part) = node.child_by_field_name(name) {
                        self.part(part);
                    }
                }
                self.b.close(outer);
            }
            "for_in_statement" => self.for_in(node),
            "try_statement" => self.try_statement(node),
            "switch_statement" => self.switch(node),
            "function_declaration" | "generator_function_declaration" => {
                let name_node = node.child_by_field_name("name");
                let name = name_node.map_or("", |it| self.b.slice(it));
                let value = self.function(node, name, None);
                self.b.bind(name, value, name_node.unwrap_or(node), 0);
            }
            "class_declaration" | "abstract_class_declaration" => {
                let name_node = node.child_by_field_name("name");
                let name = name_node.map_or("", |it| self.b.slice(it));
                let value = self.class(node, name);
                self.b.bind(name, value, name_node.unwrap_or(node), 0);
            }
            "return_statement" => {
                let value = children(node).first().map(|&value| self.expr(value));
                if let (Some(value), Some(function)) = (value, self.b.function()) {
                    self.b.module.functions[function as usize].returns.push(value);
                }
                self.leave_block();
            }
            "throw_statement" => {
                self.all(node);
                self.leave_block();
            }
            "continue_statement" | "break_statement" => self.leave_block(),
            "import_statement" => self.import(node),
            "export_statement" => self.export(node),
            "statement_block" => self.body(Some(node)),
            "enum_declaration" => self.enumeration(node),
            "interface_declaration" | "type_alias_declaration" | "ambient_declaration" | "empty_statement" => {}
            _ => self.all(node),
        }
        self.b.leave();
    }

    /// What follows in the block never runs.
    fn leave_block(&mut self) {
        self.b.open();
        self.b.at_hand().dead = true;
    }

    fn part(&mut self, node: Node<'_>) {
        let kind = node.kind();
        if kind == "statement_block" || kind.ends_with("_statement") || kind.ends_with("_declaration") {
            self.statements(&[node]);
        } else {
            self.expr(node);
        }
    }

    fn all(&mut self, node: Node<'_>) {
        for child in children(node) {
            self.part(child);
        }
    }

    fn declarations(&mut self, node: Node<'_>) {
        for one in children(node) {
            if one.kind() != "variable_declarator" {
                continue;
            }
            let Some(name) = one.child_by_field_name("name") else { continue };
            let value = match one.child_by_field_name("value") {
                Some(value) => self.named_value(value, name),
                None => continue,
            };
            self.assign(name, value, one.end_byte(), true);
            if one.child_by_field_name("type").is_some() {
                // The declared type says nothing that the value does not.
            }
        }
    }

    /// A value that takes the name which it is given to, where it has none of its own.
    fn named_value(&mut self, value: Node<'_>, name: Node<'_>) -> ExprId {
        let name = if matches!(name.kind(), "identifier" | "property_identifier") { self.b.slice(name) } else { "" };
        match value.kind() {
            "arrow_function" | "function_expression" | "generator_function" => self.function(value, name, None),
            "class" => self.class(value, name),
            _ => self.expr(value),
        }
    }

    /// Gives a target a value; a name that is not declared here is one of a scope around.
    fn assign(&mut self, target: Node<'_>, value: ExprId, from: usize, declares: bool) {
        if !self.b.enter() {
            return;
        }
        match target.kind() {
            "identifier" | "shorthand_property_identifier_pattern" => {
                let name = self.b.slice(target);
                let scope = if declares { self.b.scope } else { self.scope_of(name) };
                self.b.bind_in(scope, name, Bound::Value(value), range(target), from as u32);
            }
            "object_pattern" => {
                for part in children(target) {
                    self.assign_field(part, value, from, declares);
                }
            }
            "array_pattern" => {
                for (place, part) in children(target).into_iter().enumerate() {
                    if part.kind() != "rest_pattern" {
                        let one = self.b.add(Kind::At(value, place as u32), part);
                        self.assign(part, one, from, declares);
                    }
                }
            }
            "assignment_pattern" => {
                let (left, right) = (target.child_by_field_name("left"), target.child_by_field_name("right"));
                if let (Some(left), Some(right)) = (left, right) {
                    let default = self.expr(right);
                    let either = self.b.add(Kind::Or(value, default), target);
                    self.assign(left, either, from, declares);
                }
            }
            "member_expression" => self.assign_member(target, value),
            _ => {}
        }
        self.b.leave();
    }

    fn assign_field(&mut self, part: Node<'_>, value: ExprId, from: usize, declares: bool) {
        match part.kind() {
            "shorthand_property_identifier_pattern" => {
                let one = self.b.add(Kind::Member(value, self.b.slice(part).to_owned()), part);
                self.assign(part, one, from, declares);
            }
            "pair_pattern" => {
                let (key, target) = (part.child_by_field_name("key"), part.child_by_field_name("value"));
                if let (Some(key), Some(target)) = (key, target) {
                    let one = self.b.add(Kind::Member(value, self.key_text(key)), part);
                    self.assign(target, one, from, declares);
                }
            }
            "object_assignment_pattern" => {
                let (left, right) = (part.child_by_field_name("left"), part.child_by_field_name("right"));
                if let (Some(left), Some(right)) = (left, right) {
                    let one = self.b.add(Kind::Member(value, self.b.slice(left).to_owned()), part);
                    let default = self.expr(right);
                    let either = self.b.add(Kind::OneOf(vec![one, default]), part);
                    self.assign(left, either, from, declares);
                }
            }
            "rest_pattern" => {
                if let Some(&name) = children(part).first() {
                    self.assign(name, value, from, declares);
                }
            }
            _ => {}
        }
    }

    fn key_text(&self, key: Node<'_>) -> String {
        self.b.slice(key).trim_matches(['"', '\'', '[', ']', '`']).to_owned()
    }

    fn assign_member(&mut self, target: Node<'_>, value: ExprId) {
        let object = target.child_by_field_name("object");
        let field = target.child_by_field_name("property").map_or("", |it| self.b.slice(it));
        let Some(object) = object else { return };
        match self.b.slice(object) {
            "this" => {
                if let Some(class) = self.b.class() {
                    self.b.add_member(class, field, value);
                }
            }
            "module" if field == "exports" => {
                self.b.module.exports.insert("=".to_owned(), value);
            }
            "exports" | "module.exports" => {
                self.b.module.exports.insert(field.to_owned(), value);
            }
            name if object.kind() == "identifier" => self.b.add_write(name, field, value),
            _ => {}
        }
    }

    fn scope_of(&self, name: &str) -> u32 {
        let mut at = Some(self.b.scope);
        while let Some(scope) = at {
            let one = &self.b.module.scopes[scope as usize];
            if one.names.contains_key(name) {
                return scope;
            }
            at = one.parent;
        }
        0
    }

    /// `x.push(y)`: the name stands for a longer list from here on.
    fn mutation(&mut self, node: Node<'_>) {
        if node.kind() != "call_expression" {
            return;
        }
        let Some(function) = node.child_by_field_name("function").filter(|it| it.kind() == "member_expression") else {
            return;
        };
        let (Some(object), Some(method)) =
            (function.child_by_field_name("object"), function.child_by_field_name("property"))
        else {
            return;
        };
        let method = self.b.slice(method);
        if object.kind() != "identifier" || !matches!(method, "push" | "unshift") {
            return;
        }
        // Lowered once more, without the calls: the statement itself has them.
        let calls = self.b.module.calls.len();
        let before = self.expr(object);
        let items = node.child_by_field_name("arguments").map(|it| self.items(it)).unwrap_or_default();
        let list = self.b.add(Kind::List(items), node);
        let both = if method == "push" { Kind::Concat(before, list) } else { Kind::Concat(list, before) };
        let value = self.b.add(both, node);
        self.b.module.calls.truncate(calls);
        self.assign(object, value, node.end_byte(), false);
    }

    fn if_statement(&mut self, node: Node<'_>) {
        let entry = self.b.block;
        let mut gone = Vec::new();
        let mut at = Some(node);
        while let Some(one) = at {
            let test = one.child_by_field_name("condition").map(|it| self.expr(it));
            let then = one.child_by_field_name("consequence");
            let before = self.b.block;
            match test {
                Some(test) => self.b.open_if(test, true),
                None => self.b.open(),
            };
            self.body(then);
            self.b.close(before);
            if let Some(test) = test {
                if then.is_some_and(|then| leaves(self.b.text, then)) {
                    gone.push(test);
                }
                self.b.open_if(test, false);
            }
            let other = one.child_by_field_name("alternative").and_then(|it| children(it).first().copied());
            at = match other {
                Some(next) if next.kind() == "if_statement" => Some(next),
                other => {
                    self.body(other);
                    None
                }
            };
        }
        self.b.close(entry);
        for test in gone {
            self.b.open_if(test, false);
        }
    }

    fn for_in(&mut self, node: Node<'_>) {
        let list = node.child_by_field_name("right").map(|it| self.expr(it));
        let outer = self.b.open();
        self.b.at_hand().repeats = true;
        if let (Some(list), Some(left)) = (list, node.child_by_field_name("left")) {
            let element = self.b.add(Kind::Element(list), left);
            self.assign(left, element, left.start_byte(), true);
        }
        self.body(node.child_by_field_name("body"));
        self.b.close(outer);
    }

    fn try_statement(&mut self, node: Node<'_>) {
        let handler = node.child_by_field_name("handler").and_then(|it| it.child_by_field_name("body"));
        let outer = self.b.open();
        // A handler copes with a missing program where it asks for that very error.
        self.b.at_hand().copes = handler.is_some_and(|it| self.b.slice(it).contains("ENOENT") && !leaves_in_error(it));
        self.body(node.child_by_field_name("body"));
        self.b.close(outer);
        let before = self.b.open();
        self.body(handler);
        self.b.close(before);
        let last = node.child_by_field_name("finalizer").and_then(|it| it.child_by_field_name("body"));
        self.body(last);
    }

    fn switch(&mut self, node: Node<'_>) {
        let subject = node.child_by_field_name("value").map(|it| self.expr(it));
        let cases = node.child_by_field_name("body").map(children).unwrap_or_default();
        let mut values: Vec<Item> = Vec::new();
        for case in cases {
            let value = case.child_by_field_name("value").map(|it| self.expr(it));
            let is_default = value.is_none();
            values.extend(value.map(|value| Item { value, spread: false }));
            let mut cursor = case.walk();
            let body: Vec<Node<'_>> = case.children_by_field_name("body", &mut cursor).collect();
            if body.is_empty() && !is_default {
                continue;
            }
            let outer = self.b.open();
            if let (Some(subject), false) = (subject, is_default) {
                let list = self.b.add(Kind::List(values.clone()), case);
                let test = self.b.add(Kind::Compare(Comparison::In, subject, list), case);
                self.b.at_hand().guard = Some((test, true));
            }
            self.statements(&body);
            self.b.close(outer);
            if body.last().is_some_and(|last| leaves(self.b.text, *last)) {
                values.clear();
            }
        }
    }

    /// An `enum` as a table.
    fn enumeration(&mut self, node: Node<'_>) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let mut rows = Vec::new();
        for one in node.child_by_field_name("body").map(children).unwrap_or_default() {
            let (key, value) = (one.child_by_field_name("name"), one.child_by_field_name("value"));
            if let (Some(key), Some(value)) = (key, value) {
                let text = self.key_text(key);
                let key = self.b.add(Kind::Text(text), key);
                rows.push((Some(key), self.expr(value)));
            }
        }
        let value = self.b.add(Kind::Dict(rows), node);
        self.assign(name, value, 0, true);
    }

    fn class(&mut self, node: Node<'_>, name: &str) -> ExprId {
        let mut bases = Vec::new();
        for child in children(node) {
            if child.kind() == "class_heritage" {
                let clause = children(child).first().copied();
                let base = match clause {
                    Some(clause) if clause.kind() == "extends_clause" => clause.child_by_field_name("value"),
                    Some(clause) if clause.kind() == "implements_clause" => None,
                    other => other,
                };
                bases.extend(base.map(|base| self.expr(base)));
            }
        }
        let class = self.b.add_class(name, bases);
        let value = self.b.add(Kind::Class(class), node);
        let scope = self.b.open_scope(Owner::Class(class));
        let block = self.b.open();
        for member in node.child_by_field_name("body").map(children).unwrap_or_default() {
            self.class_member(class, member);
        }
        self.b.close(block);
        self.b.close_scope(scope);
        value
    }

    fn class_member(&mut self, class: ClassId, member: Node<'_>) {
        match member.kind() {
            "method_definition" => {
                let Some(name) = member.child_by_field_name("name") else { return };
                let text = self.key_text(name);
                let value = self.function(member, &text, Some(class));
                self.b.add_member(class, &text, value);
            }
            "field_definition" | "public_field_definition" => {
                let name = member.child_by_field_name("property").or_else(|| member.child_by_field_name("name"));
                if let (Some(name), Some(value)) = (name, member.child_by_field_name("value")) {
                    let text = self.key_text(name);
                    let value = self.named_value(value, name);
                    self.b.add_member(class, &text, value);
                }
            }
            _ => self.all(member),
        }
    }

    /// A function, arrow function or method; its expression.
    fn function(&mut self, node: Node<'_>, name: &str, class: Option<ClassId>) -> ExprId {
        let function = self.b.add_function(name, class);
        let mut cursor = node.walk();
        let getter = node.children(&mut cursor).any(|it| it.kind() == "get");
        self.b.module.functions[function as usize].property = getter;
        let value = self.b.add(Kind::Function(function), node);
        let scope = self.b.open_scope(Owner::Function(function));
        let block = self.b.open();
        if let Some(only) = node.child_by_field_name("parameter") {
            self.parameter(function, only, class);
        }
        for one in node.child_by_field_name("parameters").map(children).unwrap_or_default() {
            self.parameter(function, one, class);
        }
        if let Some(body) = node.child_by_field_name("body") {
            if body.kind() == "statement_block" {
                self.body(Some(body));
            } else {
                let value = self.expr(body);
                self.b.module.functions[function as usize].returns.push(value);
            }
        }
        self.b.close(block);
        self.b.close_scope(scope);
        value
    }

    fn parameter(&mut self, function: FunctionId, node: Node<'_>, class: Option<ClassId>) {
        let (mut target, mut default) = (node, None);
        let mut type_name = None;
        if matches!(node.kind(), "required_parameter" | "optional_parameter") {
            let Some(pattern) = node.child_by_field_name("pattern") else { return };
            target = pattern;
            default = node.child_by_field_name("value").map(|it| self.expr(it));
            type_name = node.child_by_field_name("type").map(|it| self.type_names(it));
        } else if node.kind() == "assignment_pattern" {
            let Some(left) = node.child_by_field_name("left") else { return };
            target = left;
            default = node.child_by_field_name("right").map(|it| self.expr(it));
        }
        let rest = target.kind() == "rest_pattern";
        let inner = if rest { children(target).first().copied() } else { Some(target) };
        let Some(inner) = inner else { return };
        let simple = inner.kind() == "identifier";
        // A pattern has no name of its own; one that cannot be written stands for it.
        let name = if simple { self.b.slice(inner).to_owned() } else { format!("{{{}}}", inner.start_byte()) };
        let parameter =
            Parameter { name: name.clone(), default, type_name, rest, rest_named: false, range: range(inner) };
        self.b.add_parameter(function, parameter);
        if !simple {
            let whole = self.b.add(Kind::Name(name.clone()), inner);
            self.assign(inner, whole, inner.start_byte(), true);
        }
        let mut cursor = node.walk();
        let is_field = node.children(&mut cursor).any(|it| matches!(it.kind(), "accessibility_modifier" | "readonly"));
        if let (true, Some(class)) = (is_field, class) {
            let value = self.b.add(Kind::Name(name.clone()), inner);
            self.b.add_member(class, &name, value);
        }
    }

    /// The names in a type, as one expression.
    fn type_names(&mut self, node: Node<'_>) -> ExprId {
        let mut names = Vec::new();
        let mut open = vec![node];
        while let Some(one) = open.pop() {
            if matches!(one.kind(), "type_identifier" | "identifier") {
                names.push(self.b.add(Kind::Name(self.b.slice(one).to_owned()), one));
            } else if names.len() < 8 && one.kind() != "object_type" {
                open.extend(children(one));
            }
        }
        self.b.add(Kind::OneOf(names), node)
    }
}

/// Whether a statement ends by leaving: return, throw, continue, break, `process.exit`.
fn leaves(text: &str, body: Node<'_>) -> bool {
    let last = if body.kind() == "statement_block" { children(body).last().copied() } else { Some(body) };
    let Some(last) = last else { return false };
    match last.kind() {
        "return_statement" | "throw_statement" | "continue_statement" | "break_statement" => true,
        "expression_statement" => text.get(last.byte_range()).unwrap_or_default().starts_with("process.exit("),
        _ => false,
    }
}

/// Whether a handler passes the error on whatever it is.
fn leaves_in_error(body: Node<'_>) -> bool {
    let statements = children(body);
    statements.len() == 1 && statements[0].kind() == "throw_statement"
}
