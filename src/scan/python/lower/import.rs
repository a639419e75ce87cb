//! Imports, and which modules only Windows has.

use super::Lowering;
use crate::scan::value::form::Kind;
use tree_sitter::Node;

/// Modules of Python that exist on Windows alone: code behind such an import never runs on Linux.
/// Source: <https://docs.python.org/3/library/windows.html>, <https://github.com/mhammond/pywin32>.
const WINDOWS_ONLY: [&str; 10] = [
    "_winapi",
    "msvcrt",
    "pywintypes",
    "win32api",
    "win32com",
    "win32con",
    "win32console",
    "win32security",
    "winreg",
    "winsound",
];

impl Lowering<'_, '_> {
    pub(super) fn import(&mut self, node: Node<'_>) {
        let mut cursor = node.walk();
        let names: Vec<Node<'_>> = node.children_by_field_name("name", &mut cursor).collect();
        for one in names {
            let (path, alias) = aliased(one);
            let module = self.b.slice(path).to_owned();
            let top = module.split('.').next().unwrap_or_default().to_owned();
            match alias {
                Some(alias) => {
                    let value = self.b.add(Kind::Import { module: module.clone(), member: None }, one);
                    self.b.bind(self.b.slice(alias), value, alias, node.end_byte() as u32);
                }
                None => {
                    let value = self.b.add(Kind::Import { module: top.clone(), member: None }, one);
                    self.b.bind(&top, value, one, node.end_byte() as u32);
                }
            }
            self.windows_only(&top);
        }
    }

    pub(super) fn import_from(&mut self, node: Node<'_>) {
        let Some(module) = node.child_by_field_name("module_name") else { return };
        let text: String = self.b.slice(module).split_whitespace().collect();
        let mut cursor = node.walk();
        let names: Vec<Node<'_>> = node.children_by_field_name("name", &mut cursor).collect();
        for one in &names {
            let (name, alias) = aliased(*one);
            let member = self.b.slice(name).to_owned();
            let value = self.b.add(Kind::Import { module: text.clone(), member: Some(member.clone()) }, *one);
            let bound = alias.map_or(member, |alias| self.b.slice(alias).to_owned());
            self.b.bind(&bound, value, *one, node.end_byte() as u32);
        }
        if names.is_empty() {
            self.b.module.stars.push(text.clone());
        }
        let top = text.split('.').next().unwrap_or_default().to_owned();
        self.windows_only(&top);
    }

    pub(super) fn windows_only(&mut self, module: &str) {
        if WINDOWS_ONLY.contains(&module) {
            self.leave_block();
        }
    }
}

/// The path and the alias of an import.
pub(super) fn aliased(node: Node<'_>) -> (Node<'_>, Option<Node<'_>>) {
    match (node.child_by_field_name("name"), node.child_by_field_name("alias")) {
        (Some(name), alias) if node.kind() == "aliased_import" => (name, alias),
        _ => (node, None),
    }
}
