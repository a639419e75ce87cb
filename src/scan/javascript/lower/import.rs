//! Imports and exports.

use super::Lowering;
use crate::scan::value::form::{Kind, children};
use tree_sitter::Node;

impl Lowering<'_, '_> {
    pub(super) fn import(&mut self, node: Node<'_>) {
        let from = node.end_byte();
        let source = node.child_by_field_name("source").map(|it| self.key_text(it));
        for clause in children(node) {
            if clause.kind() == "import_require_clause" {
                let name = children(clause).first().copied();
                let module = clause.child_by_field_name("source").map(|it| self.key_text(it));
                if let (Some(name), Some(module)) = (name, module) {
                    let value = self.b.add(Kind::Import { module, member: None }, clause);
                    self.assign(name, value, 0, true);
                }
            }
            let (Some(module), "import_clause") = (source.clone(), clause.kind()) else { continue };
            for part in children(clause) {
                match part.kind() {
                    "identifier" => {
                        let member = Some("default".to_owned());
                        let value = self.b.add(Kind::Import { module: module.clone(), member }, part);
                        self.assign(part, value, 0, true);
                    }
                    "namespace_import" => {
                        let value = self.b.add(Kind::Import { module: module.clone(), member: None }, part);
                        if let Some(&name) = children(part).first() {
                            self.assign(name, value, 0, true);
                        }
                    }
                    "named_imports" => {
                        for one in children(part) {
                            let Some(name) = one.child_by_field_name("name") else { continue };
                            let member = Some(self.key_text(name));
                            let value = self.b.add(Kind::Import { module: module.clone(), member }, one);
                            self.assign(one.child_by_field_name("alias").unwrap_or(name), value, 0, true);
                        }
                    }
                    _ => {}
                }
            }
        }
        let _ = from;
    }

    pub(super) fn export(&mut self, node: Node<'_>) {
        let source = node.child_by_field_name("source").map(|it| self.key_text(it));
        let mut cursor = node.walk();
        let is_default = node.children(&mut cursor).any(|it| it.kind() == "default");
        if let Some(declaration) = node.child_by_field_name("declaration") {
            let names = self.names_before();
            self.statement(declaration);
            if is_default {
                let name = declaration.child_by_field_name("name");
                if let Some(name) = name {
                    let value = self.b.add(Kind::Name(self.b.slice(name).to_owned()), name);
                    self.b.module.exports.insert("default".to_owned(), value);
                }
            }
            let _ = names;
            return;
        }
        if let Some(value) = node.child_by_field_name("value") {
            let value = self.expr(value);
            self.b.module.exports.insert("default".to_owned(), value);
            return;
        }
        let mut named = false;
        for clause in children(node) {
            if clause.kind() == "export_clause" {
                named = true;
                for one in children(clause) {
                    let Some(name) = one.child_by_field_name("name") else { continue };
                    let own = self.key_text(name);
                    let kind = match &source {
                        Some(module) => Kind::Import { module: module.clone(), member: Some(own.clone()) },
                        None => Kind::Name(own.clone()),
                    };
                    let value = self.b.add(kind, one);
                    let shown = one.child_by_field_name("alias").map_or(own, |alias| self.key_text(alias));
                    self.b.module.exports.insert(shown, value);
                }
            } else if clause.kind() == "namespace_export" {
                named = true;
                if let (Some(module), Some(&name)) = (source.clone(), children(clause).first()) {
                    let value = self.b.add(Kind::Import { module, member: None }, clause);
                    let name = self.key_text(name);
                    self.b.module.exports.insert(name, value);
                }
            } else if !matches!(clause.kind(), "string") {
                // `export = value`.
                let value = self.expr(clause);
                self.b.module.exports.insert("=".to_owned(), value);
            }
        }
        if let (Some(source), false) = (source, named) {
            self.b.module.stars.push(source);
        }
    }

    pub(super) fn names_before(&self) -> usize {
        self.b.module.scopes[0].names.len()
    }
}
