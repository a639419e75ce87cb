//! The manifest's text as a tree of nodes, and what is wrong with it as findings.

use super::{DUPLICATE_KEY, MANIFEST_SYNTAX};
use crate::file::FileId;
use crate::finding::Finding;
use crate::yaml::{self, Dialect, Fault};
pub(super) use crate::yaml::{Entry, Kind, Node};
use std::sync::Arc;

/// Reads one document. The node is there as far as the text could be read; nothing for an empty document.
pub(super) fn parse(file: FileId, text: &str) -> (Option<Arc<Node>>, Vec<Finding>) {
    let reading = yaml::parse(file, text, Dialect::Manifest);
    let findings = reading.faults.into_iter().map(|fault| match fault {
        Fault::Syntax { span, message } => Finding::new(&MANIFEST_SYNTAX, message).label(span, ""),
        Fault::Duplicate { key, span, first } => {
            let message = format!("the key `{key}` stands twice in one map");
            Finding::new(&DUPLICATE_KEY, message).label(span, "").label(first, "first here")
        }
    });
    (reading.documents.into_iter().next(), findings.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Files;
    use std::fmt::Write as _;

    fn read(text: &str) -> (Files, Option<Arc<Node>>, Vec<Finding>) {
        let files = Files::new();
        let id = files.add("aboard.yaml", text.to_owned());
        let (node, findings) = parse(id, text);
        (files, node, findings)
    }

    #[test]
    fn spans_cover_what_was_written() {
        let text = "é: \"ü\"
list:
  - one   # why
  - 'two'
flow: {a: [x, y]} # z
quoted: 'q''s' # z's
double: \"q\\\"s\" # \"
block: |
  l1
  l2

last: z
";
        let (files, node, findings) = read(text);
        assert!(findings.is_empty(), "{findings:?}");
        let node = node.expect("a document");
        let shown = |key: &str| files.text(node.get(key).expect("the key").value.span);
        assert_eq!(shown("é"), "\"ü\"");
        assert_eq!(shown("list"), "- one   # why\n  - 'two'");
        assert_eq!(shown("flow"), "{a: [x, y]}");
        assert_eq!(shown("quoted"), "'q''s'");
        assert_eq!(shown("double"), "\"q\\\"s\"");
        assert_eq!(shown("block"), "l1\n  l2");
        assert_eq!(shown("last"), "z");
        assert_eq!(files.text(node.get("flow").expect("the key").key_span), "flow");
    }

    #[test]
    fn spans_hold_with_carriage_returns_and_a_byte_order_mark() {
        for text in ["a: 1\r\nb:\r\n  c: 'x'\r\n\r\nd: {e: f}\r\n", "\u{feff}a: 1\nb:\n  c: 'x'\nd: {e: f}\n"] {
            let (files, node, findings) = read(text);
            assert!(findings.is_empty(), "{findings:?}");
            let node = node.expect("a document");
            let shown: Vec<String> = node.entries().iter().map(|entry| files.text(entry.value.span)).collect();
            assert_eq!(shown, ["1", "c: 'x'", "{e: f}"], "{text:?}");
            assert_eq!(node.entries()[0].key, "a", "{text:?}");
            assert_eq!(files.text(node.entries()[0].key_span), "a", "{text:?}");
        }
    }

    #[test]
    fn plain_scalars_have_the_core_schemas_types() {
        for (text, kind) in [
            ("~", "nothing"),
            ("true", "a truth value"),
            ("yes", "a text"),
            ("12", "a number"),
            ("3.20", "a number"),
            ("3.20.1", "a text"),
            ("1e3", "a number"),
            ("e", "a text"),
            ("inf", "a text"),
        ] {
            let (_, node, _) = read(&format!("a: {text}\n"));
            let node = node.expect("a document");
            assert_eq!(node.get("a").expect("the key").value.type_name(), kind, "{text}");
        }
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..20 {
            let inner = vec![format!("*a{}", level - 1); 9].join(", ");
            let _ = writeln!(text, "a{level}: &a{level} [{inner}]");
        }
        let (_, _, findings) = read(&text);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].message.contains("more than 100000 values"), "{findings:?}");
    }

    #[test]
    fn depth_is_bounded() {
        for text in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000)] {
            let (_, _, findings) = read(&text);
            assert_eq!(findings.len(), 1, "{findings:?}");
        }
    }

    #[test]
    fn an_alias_inside_its_own_value_is_refused() {
        let (_, _, findings) = read("a: &x [*x]\n");
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].rule.code, "manifest-syntax");
    }

    #[test]
    fn a_key_that_stands_twice_labels_both() {
        let (files, _, findings) = read("a: 1\nb: {c: 1, c: 2}\n");
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].rule.code, "duplicate-key");
        assert_eq!(files.place(findings[0].labels[0].span), "aboard.yaml:2:11");
        assert_eq!(files.place(findings[0].labels[1].span), "aboard.yaml:2:5");
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        for text in ["a: !x 1\n", "a: 1\n---\nb: 2\n", "[a]: 1\n", "a: *nothing\n", "a: 'b\n", "a:\n\tb: 1\n"] {
            let (_, _, findings) = read(text);
            assert_eq!(findings.len(), 1, "{text:?}: {findings:?}");
            assert_eq!(findings[0].rule.code, "manifest-syntax", "{text:?}");
        }
    }
}
