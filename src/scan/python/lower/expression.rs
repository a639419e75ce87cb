//! Expressions.

use super::Lowering;
use crate::scan::value::form::{Argument, Comparison, ExprId, Item, Kind, children, left_chain};
use tree_sitter::Node;

impl Lowering<'_, '_> {
    /// Lowers an expression.
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
            "concatenated_string" => Kind::Template(children(node).into_iter().map(|it| self.expr(it)).collect()),
            "identifier" if self.is_this(node) => Kind::This,
            "identifier" => Kind::Name(self.b.slice(node).to_owned()),
            "true" | "false" => Kind::Bool(node.kind() == "true"),
            "none" => Kind::Nothing,
            "integer" | "float" => Kind::Number,
            "parenthesized_expression" | "await" | "type" => match children(node).first() {
                Some(&inner) => return self.expr(inner),
                None => Kind::Nothing,
            },
            "list" | "tuple" | "set" | "expression_list" => Kind::List(self.items(node)),
            "dictionary" => Kind::Dict(self.rows(node)),
            "attribute" => {
                let field = node.child_by_field_name("attribute").map_or("", |it| self.b.slice(it)).to_owned();
                match node.child_by_field_name("object") {
                    Some(object) => Kind::Member(self.expr(object), field),
                    None => Kind::Unknown("broken code"),
                }
            }
            "subscript" => self.subscript(node),
            "call" => self.call(node),
            "binary_operator" => return self.binary(node),
            "boolean_operator" => {
                let (left, right) = self.sides(node);
                match node.child_by_field_name("operator").map(|it| it.kind()) {
                    Some("and") => Kind::And(left, right),
                    _ => Kind::Or(left, right),
                }
            }
            "not_operator" => match node.child_by_field_name("argument") {
                Some(argument) => Kind::Not(self.expr(argument)),
                None => Kind::Unknown("broken code"),
            },
            "comparison_operator" => self.comparison(node),
            "conditional_expression" => {
                let parts: Vec<ExprId> = children(node).into_iter().map(|it| self.expr(it)).collect();
                match parts.as_slice() {
                    [then, test, other] => Kind::Choice { test: *test, then: *then, other: *other },
                    _ => Kind::Unknown("broken code"),
                }
            }
            "named_expression" => {
                let value = node.child_by_field_name("value").map(|it| self.expr(it));
                if let (Some(value), Some(name)) = (value, node.child_by_field_name("name")) {
                    self.assign(name, value, node.start_byte());
                    return value;
                }
                Kind::Unknown("broken code")
            }
            "as_pattern" => {
                let parts = children(node);
                let value = parts.first().map(|&it| self.expr(it));
                let target = node.child_by_field_name("alias").and_then(|it| children(it).first().copied());
                if let (Some(value), Some(target)) = (value, target) {
                    self.assign(target, value, node.start_byte());
                    return value;
                }
                Kind::Unknown("broken code")
            }
            "lambda" => {
                let function = self.b.add_function("", None);
                let parameters = node.child_by_field_name("parameters").map(children).unwrap_or_default();
                self.in_function(function, &parameters, false, |this| {
                    if let Some(body) = node.child_by_field_name("body") {
                        let value = this.expr(body);
                        this.b.module.functions[function as usize].returns.push(value);
                    }
                });
                Kind::Function(function)
            }
            "list_comprehension" | "generator_expression" | "set_comprehension" => self.comprehension(node),
            "assignment" => {
                self.assignment(node);
                Kind::Unknown("an assignment")
            }
            _ => {
                for child in children(node) {
                    self.expr(child);
                }
                Kind::Unknown("an expression that no value is read from")
            }
        };
        self.b.add(kind, node)
    }

    pub(super) fn sides(&mut self, node: Node<'_>) -> (ExprId, ExprId) {
        let mut side = |name: &str| match node.child_by_field_name(name) {
            Some(side) => self.expr(side),
            None => self.b.add(Kind::Unknown("broken code"), node),
        };
        (side("left"), side("right"))
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
            let operator = one.child_by_field_name("operator").map_or("", |it| it.kind());
            let kind = match operator {
                "+" if !limited => Kind::Concat(value, self.expr(right)),
                "/" if !limited => Kind::Below(value, self.expr(right)),
                "%" => return_percent(self, value, right),
                _ => {
                    self.expr(right);
                    Kind::Unknown("arithmetic")
                }
            };
            value = self.b.add(kind, one);
        }
        value
    }

    pub(super) fn comparison(&mut self, node: Node<'_>) -> Kind {
        let parts: Vec<ExprId> = children(node).into_iter().map(|it| self.expr(it)).collect();
        let [left, right] = parts.as_slice() else { return Kind::Unknown("a condition") };
        let mut cursor = node.walk();
        let operators: Vec<&str> = node.children_by_field_name("operators", &mut cursor).map(|it| it.kind()).collect();
        let how = match operators.as_slice() {
            ["==" | "is"] => Comparison::Equal,
            ["!=" | "is not" | "<>"] | ["is", "not"] => Comparison::Unequal,
            ["in"] => Comparison::In,
            ["not in"] | ["not", "in"] => Comparison::NotIn,
            _ => Comparison::Other,
        };
        Kind::Compare(how, *left, *right)
    }

    pub(super) fn items(&mut self, node: Node<'_>) -> Vec<Item> {
        let one = |this: &mut Self, node: Node<'_>| match (node.kind(), children(node).first()) {
            ("list_splat" | "parenthesized_list_splat", Some(&inner)) => Item { value: this.expr(inner), spread: true },
            _ => Item { value: this.expr(node), spread: false },
        };
        children(node).into_iter().map(|child| one(self, child)).collect()
    }

    pub(super) fn rows(&mut self, node: Node<'_>) -> Vec<(Option<ExprId>, ExprId)> {
        let mut rows = Vec::new();
        for child in children(node) {
            match (child.kind(), child.child_by_field_name("key"), child.child_by_field_name("value")) {
                ("pair", Some(key), Some(value)) => {
                    let key = self.expr(key);
                    rows.push((Some(key), self.expr(value)));
                }
                ("dictionary_splat", ..) => {
                    if let Some(&inner) = children(child).first() {
                        rows.push((None, self.expr(inner)));
                    }
                }
                _ => {
                    self.expr(child);
                }
            }
        }
        rows
    }

    pub(super) fn subscript(&mut self, node: Node<'_>) -> Kind {
        let Some(base) = node.child_by_field_name("value") else { return Kind::Unknown("broken code") };
        let base = self.expr(base);
        let Some(key) = node.child_by_field_name("subscript") else { return Kind::Unknown("broken code") };
        match key.kind() {
            "integer" => match self.b.slice(key).parse::<u32>() {
                Ok(place) => Kind::At(base, place),
                Err(_) => Kind::Unknown("an element that is not known"),
            },
            "slice" => {
                let start = self.b.slice(key).split(':').next().unwrap_or_default().trim().to_owned();
                if start.is_empty() {
                    return Kind::Slice(base, 0);
                }
                start.parse::<u32>().map_or(Kind::Unknown("part of a list"), |start| Kind::Slice(base, start))
            }
            _ => Kind::Index(base, self.expr(key)),
        }
    }

    pub(super) fn call(&mut self, node: Node<'_>) -> Kind {
        let Some(function) = node.child_by_field_name("function") else { return Kind::Unknown("broken code") };
        let callee = self.expr(function);
        let mut arguments = Vec::new();
        let Some(list) = node.child_by_field_name("arguments") else { return Kind::Call { callee, arguments } };
        if list.kind() == "generator_expression" {
            let value = self.expr(list);
            arguments.push(Argument { name: None, value, spread: false });
            return Kind::Call { callee, arguments };
        }
        for child in children(list) {
            let inner = children(child).first().copied();
            match (child.kind(), inner) {
                ("keyword_argument", _) => {
                    let name = child.child_by_field_name("name").map(|it| self.b.slice(it).to_owned());
                    if let Some(value) = child.child_by_field_name("value") {
                        let value = self.expr(value);
                        arguments.push(Argument { name, value, spread: false });
                    }
                }
                ("list_splat", Some(inner)) => {
                    let value = self.expr(inner);
                    arguments.push(Argument { name: None, value, spread: true });
                }
                ("dictionary_splat", Some(inner)) => {
                    let value = self.expr(inner);
                    arguments.push(Argument { name: Some("**".to_owned()), value, spread: true });
                }
                _ => {
                    let value = self.expr(child);
                    arguments.push(Argument { name: None, value, spread: false });
                }
            }
        }
        Kind::Call { callee, arguments }
    }

    /// `[f(x) for x in list]`: a list of one value for each element.
    pub(super) fn comprehension(&mut self, node: Node<'_>) -> Kind {
        let mut loops = Vec::new();
        for clause in children(node).into_iter().skip(1) {
            match (clause.kind(), clause.child_by_field_name("left"), clause.child_by_field_name("right")) {
                ("for_in_clause", Some(left), Some(right)) => {
                    let list = self.expr(right);
                    let element = self.b.add(Kind::Element(list), left);
                    self.assign(left, element, node.start_byte());
                    loops.push((list, element));
                }
                _ => {
                    self.expr(clause);
                }
            }
        }
        match node.child_by_field_name("body") {
            Some(body) => {
                let value = self.expr(body);
                match loops.as_slice() {
                    [(list, element)] => Kind::Map { list: *list, element: *element, body: value },
                    _ => Kind::List(vec![Item { value, spread: false }]),
                }
            }
            None => Kind::Unknown("broken code"),
        }
    }

    /// A text or f-string, its escapes resolved.
    pub(super) fn string(&mut self, node: Node<'_>) -> ExprId {
        let parts = children(node);
        let start = parts.iter().find(|it| it.kind() == "string_start").map_or("", |it| self.b.slice(*it));
        let raw = start.contains(['r', 'R']);
        let mut pieces = Vec::new();
        for part in parts {
            match part.kind() {
                "string_content" => {
                    let text = unescaped(self.b.slice(part), raw, start.contains(['f', 'F']));
                    pieces.push(self.b.add(Kind::Text(text), part));
                }
                "interpolation" => {
                    let value = part.child_by_field_name("expression").map(|it| self.expr(it));
                    pieces.push(value.unwrap_or_else(|| self.b.add(Kind::Unknown("broken code"), part)));
                }
                _ => {}
            }
        }
        match pieces.as_slice() {
            [] => self.b.add(Kind::Text(String::new()), node),
            [one] if !start.contains(['f', 'F']) => *one,
            _ => self.b.add(Kind::Template(pieces), node),
        }
    }
}

/// `"…%s…" % x` as a template where the format is a literal.
pub(super) fn return_percent(lowering: &mut Lowering<'_, '_>, format: ExprId, right: Node<'_>) -> Kind {
    let values: Vec<ExprId> = match right.kind() {
        "tuple" => children(right).into_iter().map(|it| lowering.expr(it)).collect(),
        _ => vec![lowering.expr(right)],
    };
    let Kind::Text(text) = &lowering.b.module.exprs[format as usize].kind else { return Kind::Unknown("arithmetic") };
    let text = text.clone();
    let at = lowering.b.range_of(format);
    let mut values = values.into_iter();
    let mut pieces = Vec::new();
    let mut rest = text.as_str();
    while let Some(place) = rest.find('%') {
        pieces.push(lowering.b.add_at(Kind::Text(rest[..place].to_owned()), at));
        let hole = &rest[place + 1..];
        if let Some(after) = hole.strip_prefix('%') {
            pieces.push(lowering.b.add_at(Kind::Text("%".to_owned()), at));
            rest = after;
            continue;
        }
        let named = hole.starts_with('(');
        let end = hole.find(|c: char| c.is_ascii_alphabetic() && !named).or_else(|| {
            let close = hole.find(')')?;
            Some(close + hole[close..].find(|c: char| c.is_ascii_alphabetic())?)
        });
        let value = if named { None } else { values.next() };
        let value = value.unwrap_or_else(|| lowering.b.add_at(Kind::Unknown("a part that is not known"), at));
        pieces.push(value);
        rest = end.map_or("", |end| hole.get(end + 1..).unwrap_or_default());
    }
    pieces.push(lowering.b.add_at(Kind::Text(rest.to_owned()), at));
    Kind::Template(pieces)
}

/// A text's content with its escapes resolved.
pub(super) fn unescaped(text: &str, raw: bool, format: bool) -> String {
    let text = if format { text.replace("{{", "{").replace("}}", "}") } else { text.to_owned() };
    if raw || !text.contains('\\') {
        return text;
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
            Some('\n') => {}
            Some(c @ ('\\' | '\'' | '"')) => plain.push(c),
            Some(other) => {
                plain.push('\\');
                plain.push(other);
            }
            None => plain.push('\\'),
        }
    }
    plain
}
