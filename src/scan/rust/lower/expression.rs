//! Expressions, macros among them.

use super::Lowering;
use crate::scan::rust::cfg;
use crate::scan::value::form::{Argument, Comparison, ExprId, Item, Kind, children};
use tree_sitter::Node;

impl Lowering<'_, '_> {
    /// A block: the value of its last expression.
    pub(super) fn block(&mut self, node: Node<'_>) -> ExprId {
        let outer = self.b.open();
        let nodes = children(node);
        let tail = nodes.last().copied().filter(|last| is_value(last.kind()));
        let statements = if tail.is_some() { &nodes[..nodes.len() - 1] } else { &nodes[..] };
        let tail_is_dead =
            statements.last().is_some_and(|it| it.kind() == "attribute_item" && !cfg::holds(self.b.slice(*it)));
        self.items(statements);
        let value = match tail {
            Some(tail) if tail_is_dead => {
                let before = self.b.open();
                self.b.at_hand().dead = true;
                self.expr(tail);
                self.b.close(before);
                self.b.add(Kind::OneOf(Vec::new()), node)
            }
            Some(tail) => self.expr(tail),
            None => self.b.add(Kind::Nothing, node),
        };
        self.b.close(outer);
        value
    }

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
            "string_literal" | "raw_string_literal" => return self.string(node),
            "identifier" | "type_identifier" | "crate" => Kind::Name(self.b.slice(node).to_owned()),
            "self" => Kind::This,
            "boolean_literal" => Kind::Bool(self.b.slice(node) == "true"),
            "integer_literal" | "float_literal" => Kind::Number,
            "scoped_identifier" | "scoped_type_identifier" => self.path(node),
            "reference_expression"
            | "parenthesized_expression"
            | "try_expression"
            | "await_expression"
            | "type_cast_expression"
            | "generic_type_with_turbofish"
            | "unsafe_block"
            | "const_block"
            | "async_block" => match node.child_by_field_name("value").or_else(|| last_child(node)) {
                Some(inner) if node.kind() != "type_cast_expression" => return self.expr(inner),
                _ => match children(node).first() {
                    Some(&inner) => return self.expr(inner),
                    None => Kind::Nothing,
                },
            },
            "unary_expression" => match children(node).first() {
                Some(&inner) if self.b.slice(node).starts_with('!') => Kind::Not(self.expr(inner)),
                Some(&inner) => return self.expr(inner),
                None => Kind::Nothing,
            },
            "generic_function" => match node.child_by_field_name("function") {
                Some(inner) => return self.expr(inner),
                None => Kind::Nothing,
            },
            "field_expression" => {
                let (value, field) = (node.child_by_field_name("value"), node.child_by_field_name("field"));
                let field = field.map_or("", |it| self.b.slice(it)).to_owned();
                match (value, field.parse::<u32>()) {
                    (Some(value), Ok(place)) => Kind::At(self.expr(value), place),
                    (Some(value), Err(_)) => Kind::Member(self.expr(value), field),
                    (None, _) => Kind::Unknown("broken code"),
                }
            }
            "call_expression" => self.call(node),
            "macro_invocation" => return self.macro_call(node),
            "array_expression" | "tuple_expression" => {
                let items = children(node).into_iter().map(|it| Item { value: self.expr(it), spread: false });
                Kind::List(items.collect())
            }
            "index_expression" => {
                let parts = children(node);
                match parts.as_slice() {
                    [base, key] if key.kind() == "integer_literal" => {
                        let base = self.expr(*base);
                        self.b.slice(*key).parse().map_or(Kind::Unknown("an element"), |place| Kind::At(base, place))
                    }
                    [base, key] => {
                        let base = self.expr(*base);
                        Kind::Index(base, self.expr(*key))
                    }
                    _ => Kind::Unknown("broken code"),
                }
            }
            "struct_expression" => self.struct_literal(node),
            "block" => return self.block(node),
            "if_expression" => return self.if_expression(node),
            "match_expression" => return self.match_expression(node),
            "closure_expression" => {
                let value = self.function(node, "", None);
                return value;
            }
            "binary_expression" => self.binary(node),
            "return_expression" => {
                let value = children(node).first().map(|&value| self.expr(value));
                if let (Some(value), Some(function)) = (value, self.b.function()) {
                    self.b.module.functions[function as usize].returns.push(value);
                }
                Kind::OneOf(Vec::new())
            }
            "let_condition" => {
                let (pattern, value) = (node.child_by_field_name("pattern"), node.child_by_field_name("value"));
                if let (Some(pattern), Some(value)) = (pattern, value) {
                    let value = self.expr(value);
                    self.bind_pattern(pattern, value, node.start_byte());
                }
                Kind::Unknown("a condition")
            }
            "assignment_expression" => {
                let (left, right) = (node.child_by_field_name("left"), node.child_by_field_name("right"));
                if let (Some(left), Some(right)) = (left, right) {
                    let value = self.expr(right);
                    if left.kind() == "identifier" {
                        self.b.bind(self.b.slice(left), value, left, node.end_byte() as u32);
                    }
                }
                Kind::Nothing
            }
            "for_expression" => {
                let list = node.child_by_field_name("value").map(|it| self.expr(it));
                let outer = self.b.open();
                self.b.at_hand().repeats = true;
                if let (Some(list), Some(pattern)) = (list, node.child_by_field_name("pattern")) {
                    let element = self.b.add(Kind::Element(list), pattern);
                    self.bind_pattern(pattern, element, pattern.start_byte());
                }
                node.child_by_field_name("body").map(|it| self.expr(it));
                self.b.close(outer);
                Kind::Nothing
            }
            "while_expression" | "loop_expression" => {
                let outer = self.b.open();
                self.b.at_hand().repeats = true;
                for child in children(node) {
                    self.expr(child);
                }
                self.b.close(outer);
                Kind::Unknown("the value of a loop")
            }
            "unit_expression" => Kind::Nothing,
            _ => {
                for child in children(node) {
                    if is_value(child.kind()) {
                        self.expr(child);
                    }
                }
                Kind::Unknown("an expression that no value is read from")
            }
        };
        self.b.add(kind, node)
    }

    pub(super) fn path(&mut self, node: Node<'_>) -> Kind {
        let name = node.child_by_field_name("name").map_or("", |it| self.b.slice(it)).to_owned();
        match node.child_by_field_name("path") {
            Some(path) => {
                let text = self.b.slice(path);
                if text == "Self" {
                    let this = self.b.add(Kind::This, path);
                    return Kind::Member(this, name);
                }
                if matches!(text, "crate" | "super" | "self") {
                    return Kind::Name(name);
                }
                let base = match path.kind() {
                    "generic_type" => match path.child_by_field_name("type") {
                        Some(inner) => self.expr(inner),
                        None => self.expr(path),
                    },
                    _ => self.expr(path),
                };
                Kind::Member(base, name)
            }
            None => Kind::Name(name),
        }
    }

    pub(super) fn call(&mut self, node: Node<'_>) -> Kind {
        let Some(function) = node.child_by_field_name("function") else { return Kind::Unknown("broken code") };
        let callee = self.expr(function);
        let list = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        let arguments =
            list.into_iter().map(|it| Argument { name: None, value: self.expr(it), spread: false }).collect();
        Kind::Call { callee, arguments }
    }

    pub(super) fn struct_literal(&mut self, node: Node<'_>) -> Kind {
        let name = node.child_by_field_name("name");
        let callee = match name {
            Some(name) if self.b.slice(name) == "Self" => {
                let class = self.b.class();
                match class {
                    Some(class) => {
                        let name_text = self.b.module.classes[class as usize].name.clone();
                        self.b.add(Kind::Name(name_text), name)
                    }
                    None => self.expr(name),
                }
            }
            Some(name) => self.expr(name),
            None => return Kind::Unknown("broken code"),
        };
        let mut arguments = Vec::new();
        for field in node.child_by_field_name("body").map(children).unwrap_or_default() {
            match field.kind() {
                "field_initializer" => {
                    let name = field.child_by_field_name("field").map(|it| self.b.slice(it).to_owned());
                    if let Some(value) = field.child_by_field_name("value") {
                        let value = self.expr(value);
                        arguments.push(Argument { name, value, spread: false });
                    }
                }
                "shorthand_field_initializer" => {
                    let name = self.b.slice(field).to_owned();
                    let value = self.b.add(Kind::Name(name.clone()), field);
                    arguments.push(Argument { name: Some(name), value, spread: false });
                }
                _ => {}
            }
        }
        Kind::Call { callee, arguments }
    }

    pub(super) fn if_expression(&mut self, node: Node<'_>) -> ExprId {
        let mut values = Vec::new();
        let entry = self.b.block;
        let mut at = Some(node);
        while let Some(one) = at {
            let test = one.child_by_field_name("condition").map(|it| self.expr(it));
            let before = self.b.block;
            match test {
                Some(test) => self.b.open_if(test, true),
                None => self.b.open(),
            };
            if let Some(then) = one.child_by_field_name("consequence") {
                let value = self.expr(then);
                values.push((test, true, value));
            }
            self.b.close(before);
            if let Some(test) = test {
                self.b.open_if(test, false);
            }
            let other = one.child_by_field_name("alternative").and_then(|it| children(it).first().copied());
            at = match other {
                Some(next) if next.kind() == "if_expression" => Some(next),
                Some(other) => {
                    let value = self.expr(other);
                    values.push((test, false, value));
                    None
                }
                None => None,
            };
        }
        self.b.close(entry);
        let mut value: Option<ExprId> = None;
        for (test, holds, one) in values.into_iter().rev() {
            value = Some(match (value, test, holds) {
                (Some(other), Some(test), true) => self.b.add(Kind::Choice { test, then: one, other }, node),
                _ => one,
            });
        }
        value.unwrap_or_else(|| self.b.add(Kind::Nothing, node))
    }

    pub(super) fn match_expression(&mut self, node: Node<'_>) -> ExprId {
        let subject = node.child_by_field_name("value").map(|it| self.expr(it));
        let mut values = Vec::new();
        let mut dead = false;
        for arm in node.child_by_field_name("body").map(children).unwrap_or_default() {
            if arm.kind() == "attribute_item" {
                dead |= !cfg::holds(self.b.slice(arm));
                continue;
            }
            let outer = self.b.open();
            self.b.at_hand().dead = std::mem::take(&mut dead);
            let pattern = arm.child_by_field_name("pattern");
            if let (Some(subject), Some(pattern)) = (subject, pattern) {
                let parts: Vec<Node<'_>> = children(pattern);
                if let [only] = parts.as_slice()
                    && only.kind() == "string_literal"
                {
                    let text = self.expr(*only);
                    let test = self.b.add(Kind::Compare(Comparison::Equal, subject, text), *only);
                    self.b.at_hand().guard = Some((test, true));
                }
                self.bind_pattern(pattern, subject, pattern.start_byte());
            }
            if let Some(value) = arm.child_by_field_name("value") {
                values.push(self.expr(value));
            }
            self.b.close(outer);
        }
        self.b.add(Kind::OneOf(values), node)
    }

    pub(super) fn binary(&mut self, node: Node<'_>) -> Kind {
        let (left, right) = (node.child_by_field_name("left"), node.child_by_field_name("right"));
        let (Some(left), Some(right)) = (left, right) else { return Kind::Unknown("broken code") };
        let (left, right) = (self.expr(left), self.expr(right));
        match node.child_by_field_name("operator").map_or("", |it| it.kind()) {
            "+" => Kind::Concat(left, right),
            "==" => Kind::Compare(Comparison::Equal, left, right),
            "!=" => Kind::Compare(Comparison::Unequal, left, right),
            "&&" => Kind::And(left, right),
            "||" => {
                // Both are conditions: true where either is.
                let (not_left, not_right) = (self.b.add(Kind::Not(left), node), self.b.add(Kind::Not(right), node));
                let neither = self.b.add(Kind::And(not_left, not_right), node);
                Kind::Not(neither)
            }
            _ => Kind::Unknown("arithmetic"),
        }
    }

    pub(super) fn string(&mut self, node: Node<'_>) -> ExprId {
        let parts = children(node);
        if let [part] = parts.as_slice()
            && part.kind() == "string_content"
        {
            return self.b.add(Kind::Text(self.b.slice(*part).to_owned()), *part);
        }
        let text: String = parts.iter().map(|part| unescaped(self.b.slice(*part))).collect();
        self.b.add(Kind::Text(text), node)
    }

    /// `format!`, `vec!`, `cfg!`, `cmd!` and others: what their tokens say.
    pub(super) fn macro_call(&mut self, node: Node<'_>) -> ExprId {
        let Some(name_node) = node.child_by_field_name("macro") else {
            return self.b.add(Kind::Unknown("broken code"), node);
        };
        let name = self.b.slice(name_node).rsplit("::").next().unwrap_or_default();
        let tokens = children(node).into_iter().find(|it| it.kind() == "token_tree");
        if name == "cfg" {
            let text = tokens.map_or("", |it| self.b.slice(it));
            return self.b.add(Kind::Bool(cfg::holds(&format!("#[cfg{text}]"))), node);
        }
        let groups = tokens.map(|it| self.groups(it)).unwrap_or_default();
        let values: Vec<ExprId> = groups.iter().map(|group| self.tokens(group, node)).collect();
        match name {
            "format" | "concat" => {
                let (Some(&format), true) = (values.first(), name == "format") else {
                    return self.b.add(Kind::Template(values), node);
                };
                let at = self.b.range_of(format);
                let method = self.b.add_at(Kind::Member(format, "format!".to_owned()), at);
                let arguments =
                    values[1..].iter().map(|&value| Argument { name: None, value, spread: false }).collect();
                let call = self.b.add(Kind::Call { callee: method, arguments }, node);
                self.b.module.calls.pop();
                call
            }
            "vec" => {
                let items = values.into_iter().map(|value| Item { value, spread: false }).collect();
                self.b.add(Kind::List(items), node)
            }
            _ => {
                let callee = self.expr(name_node);
                let arguments = values.into_iter().map(|value| Argument { name: None, value, spread: false }).collect();
                self.b.add(Kind::Call { callee, arguments }, node)
            }
        }
    }

    /// The tokens between the commas of a macro.
    pub(super) fn groups<'n>(&self, tree: Node<'n>) -> Vec<Vec<Node<'n>>> {
        let mut groups = vec![Vec::new()];
        let mut cursor = tree.walk();
        let all: Vec<Node<'n>> = tree.children(&mut cursor).collect();
        let inner = all.get(1..all.len().saturating_sub(1)).unwrap_or_default();
        for token in inner {
            if token.kind() == "," {
                groups.push(Vec::new());
            } else if let Some(group) = groups.last_mut() {
                group.push(*token);
            }
        }
        groups.retain(|group| !group.is_empty());
        groups
    }

    /// An argument of a macro, which is not parsed: a literal, a name, a path, or nothing that is known.
    pub(super) fn tokens(&mut self, group: &[Node<'_>], node: Node<'_>) -> ExprId {
        match group {
            [one] if matches!(one.kind(), "string_literal" | "raw_string_literal" | "identifier" | "self") => {
                self.expr(*one)
            }
            [first, rest @ ..] if matches!(first.kind(), "string_literal" | "identifier" | "self") => {
                // `"x".to_string()`, `self.bin`, `a::B`: names in a row.
                let mut value = self.expr(*first);
                for token in rest {
                    match token.kind() {
                        "identifier" => {
                            value = self.b.add(Kind::Member(value, self.b.slice(*token).to_owned()), *token);
                        }
                        "token_tree" if self.b.slice(*token) == "()" => {
                            value = self.b.add(Kind::Call { callee: value, arguments: Vec::new() }, *token);
                            self.b.module.calls.pop();
                        }
                        "." | "::" => {}
                        _ => return self.b.add(Kind::Unknown("code in a macro"), node),
                    }
                }
                value
            }
            _ => self.b.add(Kind::Unknown("code in a macro"), node),
        }
    }
}

/// Whether a node of a block can be its value.
pub(super) fn is_value(kind: &str) -> bool {
    !(kind.ends_with("_item")
        || kind.ends_with("_declaration")
        || kind.ends_with("_statement")
        || matches!(kind, "label" | "lifetime" | "mutable_specifier" | "type_arguments" | "macro_definition"))
}

pub(super) fn last_child(node: Node<'_>) -> Option<Node<'_>> {
    children(node).last().copied()
}

/// A text's piece with its escapes resolved.
pub(super) fn unescaped(text: &str) -> String {
    match text {
        "\\n" => "\n".to_owned(),
        "\\t" => "\t".to_owned(),
        _ if text.starts_with("\\\n") => String::new(),
        _ if text.starts_with('\\') && text.len() == 2 => text[1..].to_owned(),
        _ => text.to_owned(),
    }
}
