//! Expressions.

use super::Lowering;
use crate::scan::value::form::{Argument, Comparison, ExprId, Item, Kind, children, left_chain};
use tree_sitter::Node;

impl Lowering<'_, '_> {
    pub(super) fn expr(&mut self, node: Node<'_>) -> ExprId {
        if !self.b.enter() {
            return self.b.add(Kind::Unknown("an expression that nests too deeply"), node);
        }
        let value = self.expr_inner(node);
        self.b.leave();
        value
    }

    pub(super) fn expr_inner(&mut self, node: Node<'_>) -> ExprId {
        let kind = match node.kind() {
            "string" => return self.string(node),
            "template_string" => return self.template(node),
            "identifier" | "type_identifier" | "shorthand_property_identifier" => {
                Kind::Name(self.b.slice(node).to_owned())
            }
            "this" => Kind::This,
            "super" | "import" => Kind::Name(node.kind().to_owned()),
            "true" | "false" => Kind::Bool(node.kind() == "true"),
            "null" | "undefined" => Kind::Nothing,
            "number" => Kind::Number,
            "parenthesized_expression"
            | "await_expression"
            | "as_expression"
            | "satisfies_expression"
            | "non_null_expression"
            | "expression_statement"
            | "computed_property_name" => match children(node).first() {
                Some(&inner) => return self.expr(inner),
                None => Kind::Nothing,
            },
            "sequence_expression" | "type_assertion" => {
                let parts: Vec<ExprId> = children(node).into_iter().map(|it| self.expr(it)).collect();
                return parts.last().copied().unwrap_or_else(|| self.b.add(Kind::Nothing, node));
            }
            "array" => Kind::List(self.items(node)),
            "object" => Kind::Dict(self.rows(node)),
            "member_expression" => self.member(node),
            "subscript_expression" => self.subscript(node),
            "call_expression" | "new_expression" => return self.call(node),
            "binary_expression" => return self.binary(node),
            "unary_expression" => match (node.child_by_field_name("operator"), node.child_by_field_name("argument")) {
                (Some(operator), Some(argument)) if operator.kind() == "!" => Kind::Not(self.expr(argument)),
                (_, argument) => {
                    argument.map(|it| self.expr(it));
                    Kind::Unknown("arithmetic")
                }
            },
            "ternary_expression" => {
                let mut part = |name: &str| node.child_by_field_name(name).map(|it| self.expr(it));
                match (part("condition"), part("consequence"), part("alternative")) {
                    (Some(test), Some(then), Some(other)) => Kind::Choice { test, then, other },
                    _ => Kind::Unknown("broken code"),
                }
            }
            "arrow_function" | "function_expression" | "generator_function" => {
                let name = node.child_by_field_name("name").map_or("", |it| self.b.slice(it));
                return self.function(node, name, None);
            }
            "class" => {
                let name = node.child_by_field_name("name").map_or("", |it| self.b.slice(it));
                return self.class(node, name);
            }
            "assignment_expression" => return self.assignment(node),
            "augmented_assignment_expression" => return self.augmented(node),
            "statement_block" => {
                self.body(Some(node));
                Kind::Unknown("code")
            }
            _ => {
                self.all(node);
                Kind::Unknown("an expression that no value is read from")
            }
        };
        self.b.add(kind, node)
    }

    pub(super) fn assignment(&mut self, node: Node<'_>) -> ExprId {
        let (left, right) = (node.child_by_field_name("left"), node.child_by_field_name("right"));
        let (Some(left), Some(right)) = (left, right) else { return self.b.add(Kind::Unknown("broken code"), node) };
        let name = left.child_by_field_name("property").unwrap_or(left);
        let value = self.named_value(right, name);
        self.assign(left, value, node.end_byte(), false);
        value
    }

    pub(super) fn augmented(&mut self, node: Node<'_>) -> ExprId {
        let (left, right) = (node.child_by_field_name("left"), node.child_by_field_name("right"));
        let (Some(left), Some(right)) = (left, right) else { return self.b.add(Kind::Unknown("broken code"), node) };
        let before = self.expr(left);
        let added = self.expr(right);
        let kind = match node.child_by_field_name("operator").map(|it| it.kind()) {
            Some("+=") => Kind::Concat(before, added),
            Some("||=" | "??=") => Kind::Or(before, added),
            _ => Kind::Unknown("arithmetic"),
        };
        let value = self.b.add(kind, node);
        self.assign(left, value, node.end_byte(), false);
        value
    }

    /// `a + b + c …`, from the left, without going down a level for each.
    pub(super) fn binary(&mut self, node: Node<'_>) -> ExprId {
        let chain = left_chain(node);
        let first = chain.last().and_then(|it| it.child_by_field_name("left"));
        let mut value = match first {
            Some(first) => self.expr(first),
            None => self.b.add(Kind::Unknown("broken code"), node),
        };
        let limited = chain.len() > 64;
        for one in chain.into_iter().rev() {
            let Some(right) = one.child_by_field_name("right") else { continue };
            let right = self.expr(right);
            let kind = match one.child_by_field_name("operator").map_or("", |it| it.kind()) {
                _ if limited => Kind::Unknown("a long expression"),
                "+" => Kind::Concat(value, right),
                "||" | "??" => Kind::Or(value, right),
                "&&" => Kind::And(value, right),
                "==" | "===" => Kind::Compare(Comparison::Equal, value, right),
                "!=" | "!==" => Kind::Compare(Comparison::Unequal, value, right),
                "<" | ">" | "<=" | ">=" | "in" | "instanceof" => Kind::Compare(Comparison::Other, value, right),
                _ => Kind::Unknown("arithmetic"),
            };
            value = self.b.add(kind, one);
        }
        value
    }

    pub(super) fn member(&mut self, node: Node<'_>) -> Kind {
        let field = node.child_by_field_name("property").map_or("", |it| self.b.slice(it)).to_owned();
        match node.child_by_field_name("object") {
            Some(object) => Kind::Member(self.expr(object), field),
            None => Kind::Unknown("broken code"),
        }
    }

    pub(super) fn subscript(&mut self, node: Node<'_>) -> Kind {
        let (base, key) = (node.child_by_field_name("object"), node.child_by_field_name("index"));
        let (Some(base), Some(key)) = (base, key) else { return Kind::Unknown("broken code") };
        let base = self.expr(base);
        if key.kind() == "number" {
            return self.b.slice(key).parse().map_or(Kind::Unknown("an element"), |place| Kind::At(base, place));
        }
        Kind::Index(base, self.expr(key))
    }

    pub(super) fn items(&mut self, node: Node<'_>) -> Vec<Item> {
        let mut items = Vec::new();
        for child in children(node) {
            let inner = if child.kind() == "spread_element" { children(child).first().copied() } else { None };
            items.push(match inner {
                Some(inner) => Item { value: self.expr(inner), spread: true },
                None => Item { value: self.expr(child), spread: false },
            });
        }
        items
    }

    pub(super) fn rows(&mut self, node: Node<'_>) -> Vec<(Option<ExprId>, ExprId)> {
        let mut rows = Vec::new();
        for child in children(node) {
            match child.kind() {
                "pair" => {
                    let (key, value) = (child.child_by_field_name("key"), child.child_by_field_name("value"));
                    let (Some(key), Some(value)) = (key, value) else { continue };
                    let value = self.named_value(value, key);
                    rows.push((Some(self.key(key)), value));
                }
                "shorthand_property_identifier" => {
                    let name = self.b.slice(child).to_owned();
                    let key = self.b.add(Kind::Text(name), child);
                    rows.push((Some(key), self.expr(child)));
                }
                "spread_element" => {
                    if let Some(&inner) = children(child).first() {
                        rows.push((None, self.expr(inner)));
                    }
                }
                "method_definition" => {
                    let Some(name) = child.child_by_field_name("name") else { continue };
                    let text = self.key_text(name);
                    let value = self.function(child, &text, None);
                    rows.push((Some(self.key(name)), value));
                }
                _ => {
                    self.expr(child);
                }
            }
        }
        rows
    }

    pub(super) fn key(&mut self, key: Node<'_>) -> ExprId {
        match key.kind() {
            "computed_property_name" | "string" => self.expr(key),
            _ => self.b.add(Kind::Text(self.b.slice(key).to_owned()), key),
        }
    }

    pub(super) fn call(&mut self, node: Node<'_>) -> ExprId {
        let callee = node.child_by_field_name("function").or_else(|| node.child_by_field_name("constructor"));
        let Some(callee) = callee else { return self.b.add(Kind::Unknown("broken code"), node) };
        let list = node.child_by_field_name("arguments");
        if matches!(self.b.slice(callee), "require" | "import")
            && let Some(module) = list.and_then(|it| children(it).first().copied()).filter(|it| it.kind() == "string")
        {
            let module = self.key_text(module);
            return self.b.add(Kind::Import { module, member: None }, node);
        }
        let callee = self.expr(callee);
        let mut arguments = Vec::new();
        match list {
            Some(list) if list.kind() == "template_string" => {
                let value = self.template(list);
                arguments.push(Argument { name: None, value, spread: false });
            }
            Some(list) => {
                for item in self.items(list) {
                    arguments.push(Argument { name: None, value: item.value, spread: item.spread });
                }
            }
            None => {}
        }
        self.b.add(Kind::Call { callee, arguments }, node)
    }

    pub(super) fn string(&mut self, node: Node<'_>) -> ExprId {
        let parts = children(node);
        if let [part] = parts.as_slice()
            && part.kind() == "string_fragment"
        {
            return self.b.add(Kind::Text(self.b.slice(*part).to_owned()), *part);
        }
        let mut text = String::new();
        for part in parts {
            text.push_str(&unescaped(self.b.slice(part)));
        }
        self.b.add(Kind::Text(text), node)
    }

    pub(super) fn template(&mut self, node: Node<'_>) -> ExprId {
        let mut pieces = Vec::new();
        for part in children(node) {
            match part.kind() {
                "template_substitution" => {
                    if let Some(&inner) = children(part).first() {
                        pieces.push(self.expr(inner));
                    }
                }
                _ => pieces.push(self.b.add(Kind::Text(unescaped(self.b.slice(part))), part)),
            }
        }
        self.b.add(Kind::Template(pieces), node)
    }
}

/// A text's piece with its escapes resolved.
pub(super) fn unescaped(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match characters.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some('\n') | None => {}
            Some(other) => plain.push(other),
        }
    }
    plain
}
