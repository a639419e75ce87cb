//! Rust's syntax tree, lowered.
//!
//! Attributes decide what is code for the platform: `#[cfg(test)]`, `#[cfg(windows)]` and the like make a block dead.

mod expression;

use super::cfg;
use crate::file::FileId;
use crate::scan::value::form::{
    Builder, ClassId, ExprId, FunctionId, Item, Kind, Module, Owner, Parameter, children, range,
};
use tree_sitter::Node;

/// Lowers one file.
pub(super) fn lower(file: FileId, _path: &str, text: &str) -> Module {
    let mut builder = Builder::new(file, text);
    let mut parser = tree_sitter::Parser::new();
    if parser.set_language(&tree_sitter_rust::LANGUAGE.into()).is_ok()
        && let Some(tree) = parser.parse(text, None)
    {
        let mut lowering = Lowering { b: &mut builder };
        lowering.items(&children(tree.root_node()));
    }
    builder.module
}

struct Lowering<'b, 't> {
    b: &'b mut Builder<'t>,
}

impl Lowering<'_, '_> {
    /// Items and statements in a row, each with the attributes before it.
    fn items(&mut self, nodes: &[Node<'_>]) {
        let outer = self.b.block;
        let mut dead = false;
        for &node in nodes {
            match node.kind() {
                "attribute_item" => {
                    dead |= !cfg::holds(self.b.slice(node));
                    continue;
                }
                "inner_attribute_item" => {
                    if !cfg::holds(self.b.slice(node)) {
                        self.leave_block();
                    }
                    continue;
                }
                _ => {}
            }
            if std::mem::take(&mut dead) {
                let before = self.b.open();
                self.b.at_hand().dead = true;
                self.statement(node);
                self.b.close(before);
            } else {
                self.statement(node);
            }
        }
        self.b.close(outer);
    }

    fn leave_block(&mut self) {
        self.b.open();
        self.b.at_hand().dead = true;
    }

    fn statement(&mut self, node: Node<'_>) {
        if !self.b.enter() {
            return;
        }
        match node.kind() {
            "function_item" => {
                let name_node = node.child_by_field_name("name");
                let name = name_node.map_or("", |it| self.b.slice(it));
                let value = self.function(node, name, None);
                self.b.bind(name, value, name_node.unwrap_or(node), 0);
            }
            "const_item" | "static_item" => {
                let (name, value) = (node.child_by_field_name("name"), node.child_by_field_name("value"));
                if let (Some(name), Some(value)) = (name, value) {
                    let value = self.expr(value);
                    self.b.bind(self.b.slice(name), value, name, 0);
                }
            }
            "struct_item" => self.structure(node),
            "enum_item" => {
                if let Some(name) = node.child_by_field_name("name") {
                    let class = self.b.add_class(self.b.slice(name), Vec::new());
                    let value = self.b.add(Kind::Class(class), node);
                    self.b.bind(self.b.slice(name), value, name, 0);
                }
            }
            "impl_item" | "trait_item" => self.implementation(node),
            "mod_item" => {
                if let Some(body) = node.child_by_field_name("body") {
                    let outer = self.b.open();
                    self.items(&children(body));
                    self.b.close(outer);
                }
            }
            "use_declaration" => {
                if let Some(argument) = node.child_by_field_name("argument") {
                    self.take_in(argument, "");
                }
            }
            "let_declaration" => self.let_declaration(node),
            "expression_statement" => {
                for child in children(node) {
                    self.expr(child);
                    self.mutation(child);
                }
            }
            "macro_definition" | "type_item" | "foreign_mod_item" | "extern_crate_declaration" | "empty_statement" => {}
            _ => {
                self.expr(node);
            }
        }
        self.b.leave();
    }

    /// `use a::{b, c as d}`.
    fn take_in(&mut self, node: Node<'_>, prefix: &str) {
        if !self.b.enter() {
            return;
        }
        let path = |text: &str| text.split_whitespace().collect::<String>().replace("::", ".");
        let below = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        match node.kind() {
            "scoped_use_list" => {
                let own = node.child_by_field_name("path").map(|it| path(self.b.slice(it))).unwrap_or_default();
                let own = below(&own);
                for one in node.child_by_field_name("list").map(children).unwrap_or_default() {
                    self.take_in(one, &own);
                }
            }
            "use_list" => {
                for one in children(node) {
                    self.take_in(one, prefix);
                }
            }
            "use_wildcard" => {
                let own = children(node).first().map(|it| path(self.b.slice(*it))).unwrap_or_default();
                self.b.module.stars.push(below(&own));
            }
            "use_as_clause" => {
                let own = node.child_by_field_name("path").map(|it| path(self.b.slice(it))).unwrap_or_default();
                if let Some(alias) = node.child_by_field_name("alias") {
                    self.import(&below(&own), self.b.slice(alias).to_owned().as_str(), node);
                }
            }
            "self" => {
                let name = prefix.rsplit('.').next().unwrap_or_default().to_owned();
                self.import(prefix, &name, node);
            }
            _ => {
                let own = below(&path(self.b.slice(node)));
                let name = own.rsplit('.').next().unwrap_or_default().to_owned();
                self.import(&own, &name, node);
            }
        }
        self.b.leave();
    }

    fn import(&mut self, path: &str, name: &str, node: Node<'_>) {
        let kind = match path.rsplit_once('.') {
            Some((module, member)) => Kind::Import { module: module.to_owned(), member: Some(member.to_owned()) },
            None => Kind::Import { module: path.to_owned(), member: None },
        };
        let value = self.b.add(kind, node);
        self.b.bind(name, value, node, 0);
    }

    fn structure(&mut self, node: Node<'_>) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let class = self.b.add_class(self.b.slice(name), Vec::new());
        let value = self.b.add(Kind::Class(class), node);
        self.b.bind(self.b.slice(name), value, name, 0);
        for field in node.child_by_field_name("body").map(children).unwrap_or_default() {
            let (field_name, type_name) = (field.child_by_field_name("name"), field.child_by_field_name("type"));
            if let Some(field_name) = field_name {
                let type_name = type_name.map(|it| self.type_names(it));
                let text = self.b.slice(field_name).to_owned();
                self.b.module.classes[class as usize].fields.push((text, type_name));
            }
        }
    }

    /// The methods of an `impl` belong to the struct of its name, wherever in the file that stands.
    fn implementation(&mut self, node: Node<'_>) {
        let name = node.child_by_field_name("type").or_else(|| node.child_by_field_name("name"));
        let name = name.map_or("", |it| self.b.slice(it).split('<').next().unwrap_or_default().trim()).to_owned();
        let known = self.b.module.classes.iter().position(|class| class.name == name);
        let class = match known {
            Some(class) => class as ClassId,
            None => {
                let class = self.b.add_class(&name, Vec::new());
                let value = self.b.add(Kind::Class(class), node);
                self.b.bind(&name, value, node, 0);
                class
            }
        };
        let scope = self.b.open_scope(Owner::Class(class));
        let block = self.b.open();
        let mut dead = false;
        for item in node.child_by_field_name("body").map(children).unwrap_or_default() {
            if item.kind() == "attribute_item" {
                dead |= !cfg::holds(self.b.slice(item));
                continue;
            }
            let before = self.b.open();
            self.b.at_hand().dead = std::mem::take(&mut dead);
            if item.kind() == "function_item" {
                let name = item.child_by_field_name("name").map_or("", |it| self.b.slice(it)).to_owned();
                let value = self.function(item, &name, Some(class));
                self.b.add_member(class, &name, value);
            } else if let (Some(name), Some(value)) =
                (item.child_by_field_name("name"), item.child_by_field_name("value"))
            {
                let value = self.expr(value);
                let name = self.b.slice(name).to_owned();
                self.b.add_member(class, &name, value);
            }
            self.b.close(before);
        }
        self.b.close(block);
        self.b.close_scope(scope);
    }

    fn function(&mut self, node: Node<'_>, name: &str, class: Option<ClassId>) -> ExprId {
        let function = self.b.add_function(name, class);
        let value = self.b.add(Kind::Function(function), node);
        let scope = self.b.open_scope(Owner::Function(function));
        let block = self.b.open();
        for one in node.child_by_field_name("parameters").map(children).unwrap_or_default() {
            self.parameter(function, one);
        }
        if let Some(body) = node.child_by_field_name("body") {
            let last = self.expr(body);
            self.b.module.functions[function as usize].returns.push(last);
        }
        self.b.close(block);
        self.b.close_scope(scope);
        value
    }

    fn parameter(&mut self, function: FunctionId, node: Node<'_>) {
        if node.kind() == "self_parameter" {
            return;
        }
        let pattern = node.child_by_field_name("pattern").unwrap_or(node);
        let pattern = children(pattern).into_iter().find(|it| it.kind() == "identifier").unwrap_or(pattern);
        let type_name = node.child_by_field_name("type").map(|it| self.type_names(it));
        let name = self.b.slice(pattern).to_owned();
        let range = range(pattern);
        let parameter = Parameter { name, default: None, type_name, rest: false, rest_named: false, range };
        self.b.add_parameter(function, parameter);
    }

    fn type_names(&mut self, node: Node<'_>) -> ExprId {
        let mut names = Vec::new();
        let mut open = vec![node];
        while let Some(one) = open.pop() {
            if one.kind() == "type_identifier" {
                names.push(self.b.add(Kind::Name(self.b.slice(one).to_owned()), one));
            } else if names.len() < 8 {
                open.extend(children(one));
            }
        }
        self.b.add(Kind::OneOf(names), node)
    }

    fn let_declaration(&mut self, node: Node<'_>) {
        let value = node.child_by_field_name("value").map(|it| self.expr(it));
        if let (Some(pattern), Some(value)) = (node.child_by_field_name("pattern"), value) {
            self.bind_pattern(pattern, value, node.end_byte());
        }
        if let Some(other) = node.child_by_field_name("alternative") {
            let outer = self.b.open();
            self.expr(other);
            self.b.close(outer);
        }
    }

    fn bind_pattern(&mut self, pattern: Node<'_>, value: ExprId, from: usize) {
        if !self.b.enter() {
            return;
        }
        match pattern.kind() {
            "identifier" => {
                let name = self.b.slice(pattern);
                self.b.bind(name, value, pattern, from as u32);
            }
            "tuple_pattern" | "slice_pattern" => {
                for (place, part) in children(pattern).into_iter().enumerate() {
                    let one = self.b.add(Kind::At(value, place as u32), part);
                    self.bind_pattern(part, one, from);
                }
            }
            "struct_pattern" => {
                for part in children(pattern) {
                    let Some(name) = part.child_by_field_name("name") else { continue };
                    let one = self.b.add(Kind::Member(value, self.b.slice(name).to_owned()), part);
                    let target = part.child_by_field_name("pattern").unwrap_or(name);
                    self.b.bind(self.b.slice(target), one, target, from as u32);
                }
            }
            // `Some(x)`, `Ok(x)`, `mut x`, `&x`: the value inside.
            "tuple_struct_pattern"
            | "mut_pattern"
            | "reference_pattern"
            | "ref_pattern"
            | "match_pattern"
            | "captured_pattern" => {
                let skip = usize::from(pattern.kind() == "tuple_struct_pattern");
                for part in children(pattern).into_iter().skip(skip).take(1) {
                    self.bind_pattern(part, value, from);
                }
            }
            _ => {}
        }
        self.b.leave();
    }

    /// `x.push(y)`: the name stands for a longer list from here on.
    fn mutation(&mut self, node: Node<'_>) {
        if node.kind() != "call_expression" {
            return;
        }
        let Some(function) = node.child_by_field_name("function").filter(|it| it.kind() == "field_expression") else {
            return;
        };
        let (Some(object), Some(method)) =
            (function.child_by_field_name("value"), function.child_by_field_name("field"))
        else {
            return;
        };
        if object.kind() != "identifier" || !matches!(self.b.slice(method), "push" | "push_str" | "extend") {
            return;
        }
        let calls = self.b.module.calls.len();
        let before = self.expr(object);
        let argument = node.child_by_field_name("arguments").and_then(|it| children(it).first().copied());
        let Some(argument) = argument else { return };
        let added = self.expr(argument);
        let kind = match self.b.slice(method) {
            "push_str" => Kind::Concat(before, added),
            method => {
                let spread = method == "extend";
                let list = self.b.add(Kind::List(vec![Item { value: added, spread }]), node);
                Kind::Concat(before, list)
            }
        };
        let value = self.b.add(kind, node);
        self.b.module.calls.truncate(calls);
        self.b.bind(self.b.slice(object), value, object, node.end_byte() as u32);
    }
}
