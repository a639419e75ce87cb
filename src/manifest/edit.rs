//! Changes to a manifest's text that keep its comments and its layout.
//!
//! Edits are computed from the places of the nodes, never by writing the document anew. What comes out is read again:
//! an edit that would not say exactly what was asked is refused. Nothing here writes a file.

use super::name;
use super::node::{self, Entry, Kind, Node};
use crate::file::{FileId, Span};
use crate::finding::Edit;
use std::collections::{BTreeMap, BTreeSet};

/// A program that is to be declared.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewProgram {
    /// The image may go without it.
    pub optional: bool,
    /// The package that shall provide it.
    pub package: Option<String>,
}

/// Why a manifest cannot be edited; each is told to the person who wrote it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EditError {
    /// The manifest cannot be read, or has no such image.
    #[error("the manifest has no image `{0}` that can be edited")]
    NoImage(String),
    /// The map is an anchor's or an alias: an edit would change other places too.
    #[error("`programs` of `{0}` is shared through a YAML anchor; write it out, or edit it by hand")]
    Shared(String),
    /// The map is in braces, over several lines, with comments between its entries.
    #[error("`programs` of `{0}` has comments inside of braces; write one program a line without braces")]
    CommentInBraces(String),
    /// The program's name cannot stand in a manifest.
    #[error("{0:?} cannot be declared: a manifest does not take such a name")]
    Name(String),
    /// The layout is one that no edit was found for.
    #[error("no edit of `programs` of `{0}` keeps its layout; edit it by hand")]
    Layout(String),
}

/// The edits that declare the programs of `add` and take out those of `remove`, under `images.<image>.programs`.
///
/// New entries go to their sorted place where the present ones are sorted, else to the end. A comment on the line of an
/// entry goes with it; one on a line of its own stays.
pub fn programs(
    file: FileId,
    text: &str,
    image: &str,
    add: &BTreeMap<String, NewProgram>,
    remove: &BTreeSet<String>,
) -> Result<Vec<Edit>, EditError> {
    if let Some(name) = add.keys().find(|name| !(name::PROGRAM.accepts)(name)) {
        return Err(EditError::Name(name.clone()));
    }
    let before = declared(file, text, image).ok_or_else(|| EditError::NoImage(image.to_owned()))?;
    let mut wanted: BTreeSet<String> = before.difference(remove).cloned().collect();
    wanted.extend(add.keys().cloned());
    if wanted == before {
        return Ok(Vec::new());
    }
    let (Some(root), _) = node::parse(file, text) else { return Err(EditError::NoImage(image.to_owned())) };
    let editor = Editor { file, text, image, add: add.iter().filter(|(name, _)| !before.contains(*name)).collect() };
    let edits = editor.edit(&root, remove)?;
    let after = declared(file, &apply(text, &edits), image);
    if after == Some(wanted) { Ok(edits) } else { Err(EditError::Layout(image.to_owned())) }
}

/// The programs that a manifest's text declares for an image; nothing where it has faults or no such image.
fn declared(file: FileId, text: &str, image: &str) -> Option<BTreeSet<String>> {
    let (root, faults) = node::parse(file, text);
    let root = root.filter(|_| faults.is_empty())?;
    let image = &root.get("images")?.value.get(image)?.value;
    let programs = image.get("programs").map(|programs| programs.value.entries()).unwrap_or_default();
    Some(programs.iter().map(|entry| entry.key.clone()).collect())
}

/// The text with the edits made; they do not overlap, and those at one place keep their order.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        let start = (edit.span.start as usize).max(at);
        out.push_str(text.get(at..start).unwrap_or_default());
        out.push_str(&edit.replacement);
        at = (edit.span.end as usize).max(start);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

struct Editor<'a> {
    file: FileId,
    text: &'a str,
    image: &'a str,
    /// What is new, sorted.
    add: Vec<(&'a String, &'a NewProgram)>,
}

impl Editor<'_> {
    fn edit(&self, root: &Node, remove: &BTreeSet<String>) -> Result<Vec<Edit>, EditError> {
        let no_image = || EditError::NoImage(self.image.to_owned());
        let images = root.get("images").ok_or_else(no_image)?;
        let image = images.value.get(self.image).ok_or_else(no_image)?;
        if images.alias || image.alias || images.value.anchored || image.value.anchored {
            return Err(EditError::Shared(self.image.to_owned()));
        }
        let Some(programs) = image.value.get("programs") else { return self.new_key(&image.value) };
        if programs.alias || programs.value.anchored {
            return Err(EditError::Shared(self.image.to_owned()));
        }
        match &programs.value.kind {
            Kind::Map { entries, flow: false } => Ok(self.block(programs, entries, remove)),
            Kind::Map { entries, flow: true } if entries.is_empty() && !in_flow(&image.value) => {
                Ok(self.fill(programs, Some(programs.value.span)))
            }
            Kind::Map { entries, flow: true } => self.flow(&programs.value, entries, remove),
            _ if in_flow(&image.value) => Ok(vec![replace(programs.value.span, format!(" {}", self.braces()))]),
            _ => {
                let written = (programs.value.span.end > programs.value.span.start).then_some(programs.value.span);
                Ok(self.fill(programs, written))
            }
        }
    }

    /// There is no `programs` yet: behind `code`, else at the image's end.
    fn new_key(&self, image: &Node) -> Result<Vec<Edit>, EditError> {
        let entries = image.entries();
        let behind = entries.iter().find(|entry| entry.key == "code").or(entries.last());
        let behind = behind.ok_or_else(|| EditError::Layout(self.image.to_owned()))?;
        if in_flow(image) {
            if behind.alias {
                return Err(EditError::Layout(self.image.to_owned()));
            }
            let at = behind.value.span.end as usize;
            return Ok(vec![self.insert(at, format!(", programs: {}", self.braces()))]);
        }
        let column = self.column(behind.key_span);
        let indent = " ".repeat(column);
        let lines = self.lines(column + step(column));
        Ok(vec![self.insert_lines(self.behind(behind), &format!("{indent}programs:{}{lines}", self.newline()))])
    }

    /// The key stands without entries: `written` is the empty value, where one is written out.
    fn fill(&self, programs: &Entry, written: Option<Span>) -> Vec<Edit> {
        let column = self.column(programs.key_span);
        let lines = self.lines(column + step(column));
        let mut edits = Vec::new();
        let mut at = programs.key_span.end as usize;
        if let Some(span) = written {
            let colon =
                self.text[at..span.start as usize].find(':').map_or(span.start as usize, |colon| at + colon + 1);
            edits.push(replace(Span::new(self.file, colon, span.end as usize), String::new()));
            at = span.end as usize;
        }
        edits.push(self.insert_lines(self.next_line(at), &lines));
        edits
    }

    /// One program a line.
    fn block(&self, programs: &Entry, entries: &[Entry], remove: &BTreeSet<String>) -> Vec<Edit> {
        let mut edits = Vec::new();
        let column = entries.first().map_or(0, |entry| self.column(entry.key_span));
        let sorted = entries.is_sorted_by(|left, right| left.key <= right.key);
        let mut inserted: BTreeMap<usize, String> = BTreeMap::new();
        for (name, program) in &self.add {
            let before = entries.iter().take_while(|entry| !sorted || entry.key.as_str() < name.as_str()).last();
            let at = before.map_or_else(|| self.next_line(programs.key_span.end as usize), |entry| self.behind(entry));
            inserted.entry(at).or_default().push_str(&self.line(column, name, program));
        }
        edits.extend(inserted.into_iter().map(|(at, lines)| self.insert_lines(at, &lines)));
        let gone: Vec<&Entry> = entries.iter().filter(|entry| remove.contains(&entry.key)).collect();
        for entry in &gone {
            let start = self.line_start(entry.key_span.start as usize);
            edits.push(replace(Span::new(self.file, start, self.behind(entry)), String::new()));
        }
        if gone.len() == entries.len() && self.add.is_empty() {
            let key = programs.key_span.end as usize;
            let colon = self.text[key..].find(':').map_or(key, |colon| key + colon + 1);
            edits.push(self.insert(colon, " {}".to_owned()));
        }
        edits
    }

    /// All in braces: written anew from the entries' own texts, with the padding and the line breaks that are there.
    fn flow(&self, map: &Node, entries: &[Entry], remove: &BTreeSet<String>) -> Result<Vec<Edit>, EditError> {
        let part = |start: u32, end: u32| self.text.get(start as usize..end as usize).unwrap_or_default();
        let end_of = |entry: &Entry| {
            if entry.value.span.end > entry.key_span.end && !entry.alias {
                entry.value.span.end
            } else {
                entry.key_span.end
            }
        };
        if entries.iter().any(|entry| entry.alias || entry.value.is_null()) {
            return Err(EditError::Layout(self.image.to_owned()));
        }
        let mut gaps = Vec::new();
        let mut at = map.span.start + 1;
        for entry in entries {
            gaps.push(part(at, entry.key_span.start));
            at = end_of(entry);
        }
        gaps.push(part(at, map.span.end.saturating_sub(1)));
        if gaps.iter().any(|gap| gap.contains('#')) {
            return Err(EditError::CommentInBraces(self.image.to_owned()));
        }
        let sorted = entries.is_sorted_by(|left, right| left.key <= right.key);
        let mut texts: Vec<(&str, String)> = entries
            .iter()
            .filter(|entry| !remove.contains(&entry.key))
            .map(|entry| (entry.key.as_str(), part(entry.key_span.start, end_of(entry)).to_owned()))
            .collect();
        texts.extend(self.add.iter().map(|(name, program)| (name.as_str(), declaration(name, program))));
        if sorted {
            texts.sort();
        }
        let opening = gaps.first().copied().unwrap_or_default();
        let between = gaps.get(1).filter(|_| entries.len() > 1).map_or_else(
            || if opening.contains('\n') { format!(",{opening}") } else { ", ".to_owned() },
            |gap| (*gap).to_owned(),
        );
        let closing = gaps.last().copied().unwrap_or_default();
        let texts: Vec<String> = texts.into_iter().map(|(_, text)| text).collect();
        let whole =
            if texts.is_empty() { "{}".to_owned() } else { format!("{{{opening}{}{closing}}}", texts.join(&between)) };
        Ok(vec![replace(map.span, whole)])
    }

    fn braces(&self) -> String {
        let all: Vec<String> = self.add.iter().map(|(name, program)| declaration(name, program)).collect();
        format!("{{{}}}", all.join(", "))
    }

    fn lines(&self, column: usize) -> String {
        self.add.iter().map(|(name, program)| self.line(column, name, program)).collect()
    }

    fn line(&self, column: usize, name: &str, program: &NewProgram) -> String {
        format!("{}{}{}", " ".repeat(column), declaration(name, program), self.newline())
    }

    fn newline(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn next_line(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |newline| at + newline + 1)
    }

    /// Where the line after an entry's last one starts.
    fn behind(&self, entry: &Entry) -> usize {
        let key = entry.key_span.end as usize;
        let own = if entry.alias || entry.value.is_null() { key } else { (entry.value.span.end as usize).max(key) };
        self.next_line(own)
    }

    /// The column of a span's start, in bytes from 0: what stands before a block's key are spaces.
    fn column(&self, span: Span) -> usize {
        span.start as usize - self.line_start(span.start as usize)
    }

    fn insert(&self, at: usize, replacement: String) -> Edit {
        Edit { span: Span::new(self.file, at, at), replacement }
    }

    /// Whole lines; where the last line of the text does not end, it does now.
    fn insert_lines(&self, at: usize, lines: &str) -> Edit {
        let unended = at == self.text.len() && !self.text.is_empty() && !self.text.ends_with('\n');
        let first = if unended { self.newline() } else { "" };
        self.insert(at, format!("{first}{lines}"))
    }
}

fn replace(span: Span, replacement: String) -> Edit {
    Edit { span, replacement }
}

/// How much deeper a level is than the one at `column`: an image's keys stand two levels below the root.
fn step(column: usize) -> usize {
    (column / 2).max(2)
}

fn in_flow(node: &Node) -> bool {
    matches!(node.kind, Kind::Map { flow: true, .. } | Kind::List { flow: true, .. })
}

fn declaration(name: &str, program: &NewProgram) -> String {
    let mut keys = Vec::new();
    if let Some(package) = &program.package {
        keys.push(format!("package: {}", scalar(package)));
    }
    if program.optional {
        keys.push("optional: true".to_owned());
    }
    format!("{}: {{{}}}", scalar(name), keys.join(", "))
}

/// A text as a YAML scalar: bare where every reader takes it as the same text, else in double quotes.
pub(crate) fn scalar(text: &str) -> String {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '+' | '-');
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '/'));
    // Words that YAML 1.1 or 1.2 reads as a truth value or as nothing.
    let word =
        ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].iter().any(|w| text.eq_ignore_ascii_case(w));
    if first && !word && text.chars().all(inner) {
        return text.to_owned();
    }
    // JSON's strings are YAML's: https://yaml.org/spec/1.2.2/#12-yaml-and-json
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Files;

    fn edited(text: &str, add: &[&str], remove: &[&str]) -> Result<String, EditError> {
        let file = Files::new().add("aboard.yaml", text.to_owned());
        let add = add.iter().map(|name| ((*name).to_owned(), NewProgram::default())).collect();
        let remove = remove.iter().map(|name| (*name).to_owned()).collect();
        programs(file, text, "a", &add, &remove).map(|edits| apply(text, &edits))
    }

    fn check(before: &str, add: &[&str], remove: &[&str], after: &str) {
        assert_eq!(edited(before, add, remove).as_deref(), Ok(after), "{before:?}");
    }

    const HEAD: &str = "version: 1\nimages:\n  a:\n    dockerfile: D # here\n";

    fn check_lines(before: &str, add: &[&str], remove: &[&str], after: &str) {
        let tail = "    packages: {x: y}\n  b: {dockerfile: E}\n";
        check(&format!("{HEAD}{before}{tail}"), add, remove, &format!("{HEAD}{after}{tail}"));
    }

    #[test]
    fn one_program_a_line() {
        let block = "    programs: # all
      # the first
      git: {}   # for plugins

      # own line
      wget: {package: wget}
";
        check_lines(
            block,
            &["docker", "jq", "zip"],
            &[],
            "    programs: # all
      docker: {}
      # the first
      git: {}   # for plugins
      jq: {}

      # own line
      wget: {package: wget}
      zip: {}
",
        );
        check_lines(
            block,
            &[],
            &["git"],
            "    programs: # all\n      # the first\n\n      # own line\n      wget: {package: wget}\n",
        );
        check_lines(
            block,
            &["curl"],
            &["git", "wget"],
            "    programs: # all\n      curl: {}\n      # the first\n\n      # own line\n",
        );
        check_lines(block, &[], &["git", "wget"], "    programs: {} # all\n      # the first\n\n      # own line\n");
        check_lines(
            "    programs:\n      z: {}\n      b:\n        package: b # x\n",
            &["a"],
            &[],
            "    programs:\n      z: {}\n      b:\n        package: b # x\n      a: {}\n",
        );
        check_lines(
            "    programs:\n      b:\n        package: b # x\n      c:\n",
            &[],
            &["b"],
            "    programs:\n      c:\n",
        );
        check_lines("    programs:\n      b:\n      c:\n", &["bb"], &["c"], "    programs:\n      b:\n      bb: {}\n");
    }

    #[test]
    fn nothing_there_yet() {
        check_lines(
            "    code: [x]\n",
            &["git", "a"],
            &[],
            "    code: [x]\n    programs:\n      a: {}\n      git: {}\n",
        );
        check_lines(
            "    code: [x]\n    programs: {}  # none\n",
            &["git"],
            &[],
            "    code: [x]\n    programs:  # none\n      git: {}\n",
        );
        check_lines("    programs:\n", &["git"], &[], "    programs:\n      git: {}\n");
        check_lines("    programs: ~ # none\n", &["git"], &[], "    programs: # none\n      git: {}\n");
        check(HEAD, &["git"], &[], &format!("{HEAD}    programs:\n      git: {{}}\n"));
        check(HEAD.trim_end(), &["git"], &[], &format!("{HEAD}    programs:\n      git: {{}}\n"));
    }

    #[test]
    fn all_in_braces() {
        check_lines(
            "    programs: {git: {}, wget: {package: wget}} # x\n",
            &["jq"],
            &["git"],
            "    programs: {jq: {}, wget: {package: wget}} # x\n",
        );
        check_lines("    programs: { git: {} }\n", &["jq"], &[], "    programs: { git: {}, jq: {} }\n");
        check_lines("    programs: {git: {}}\n", &[], &["git"], "    programs: {}\n");
        check_lines(
            "    programs: {\n      git: {},\n      jq: {}\n    }\n",
            &["a"],
            &["jq"],
            "    programs: {\n      a: {},\n      git: {}\n    }\n",
        );
        check(
            "version: 1\nimages: {a: {dockerfile: D}}\n",
            &["git"],
            &[],
            "version: 1\nimages: {a: {dockerfile: D, programs: {git: {}}}}\n",
        );
        check(
            "version: 1\nimages: {a: {programs: {}, dockerfile: D}}\n",
            &["git"],
            &[],
            "version: 1\nimages: {a: {programs: {git: {}}, dockerfile: D}}\n",
        );
    }

    #[test]
    fn line_ends_and_indents_are_kept() {
        let text = format!("{HEAD}    programs:\n      git: {{}}\n").replace('\n', "\r\n");
        let after = format!("{HEAD}    programs:\n      git: {{}}\n      jq: {{}}\n").replace('\n', "\r\n");
        check(&text, &["jq"], &[], &after);
        let wide = "version: 1\nimages:\n    a:\n        dockerfile: D\n";
        check(wide, &["git"], &[], &format!("{wide}        programs:\n            git: {{}}\n"));
    }

    #[test]
    fn names_are_quoted_where_yaml_would_change_them() {
        check_lines(
            "    programs:\n      x: {}\n",
            &["[", "true", "7z"],
            &[],
            "    programs:\n      \"7z\": {}\n      \"[\": {}\n      \"true\": {}\n      x: {}\n",
        );
        assert_eq!(edited(HEAD, &["a b"], &[]), Err(EditError::Name("a b".to_owned())));
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let shared =
            "version: 1\nimages:\n  b: {dockerfile: E, programs: &p {git: {}}}\n  a: {dockerfile: D, programs: *p}\n";
        assert_eq!(edited(shared, &["jq"], &[]), Err(EditError::Shared("a".to_owned())));
        let anchor = format!("{HEAD}    programs: &p\n      git: {{}}\n");
        assert_eq!(edited(&anchor, &["jq"], &[]), Err(EditError::Shared("a".to_owned())));
        let comment = format!("{HEAD}    programs: {{\n      git: {{}}, # why\n      jq: {{}}}}\n");
        assert_eq!(edited(&comment, &["x"], &[]), Err(EditError::CommentInBraces("a".to_owned())));
        let alias = "version: 1\nimages: {b: {dockerfile: &d D}, a: {dockerfile: *d}}\n";
        assert_eq!(edited(alias, &["x"], &[]), Err(EditError::Layout("a".to_owned())));
        assert_eq!(edited("version: 1\n", &["x"], &[]), Err(EditError::NoImage("a".to_owned())));
        assert_eq!(edited("a: [", &["x"], &[]), Err(EditError::NoImage("a".to_owned())));
    }

    #[test]
    fn nothing_to_do_is_no_edit() {
        let text = format!("{HEAD}    programs: {{git: {{}}}}\n");
        check(&text, &["git"], &["jq"], &text);
    }

    #[test]
    fn new_entries_say_what_they_are() {
        let file = Files::new().add("aboard.yaml", HEAD.to_owned());
        let new = NewProgram { optional: true, package: Some("gtk+3.0".to_owned()) };
        let edits = programs(file, HEAD, "a", &BTreeMap::from([("x".to_owned(), new)]), &BTreeSet::new());
        let text = apply(HEAD, &edits.expect("edited"));
        assert_eq!(text, format!("{HEAD}    programs:\n      x: {{package: gtk+3.0, optional: true}}\n"));
    }
}
