//! The head of a Go file: build constraints, package clause, import declarations.
//!
//! A small lexer reads up to the first declaration that is no import and stops; it never looks at code. Broken text
//! ends the head early, nothing more.

/// One imported package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// The name given in the file (`.` and `_` too).
    pub alias: Option<String>,
    /// The import path.
    pub path: String,
}

/// What stands before a file's code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// The package's name; empty where there is no package clause.
    pub package: String,
    /// The expression of the `//go:build` line.
    pub build: Option<String>,
    /// The `// +build` lines, which count only without a `//go:build` line.
    pub plus_build: Vec<String>,
    /// The imports in their order.
    pub imports: Vec<Import>,
}

impl Head {
    /// Reads a file's head.
    pub(crate) fn read(text: &str) -> Self {
        let mut lexer = Lexer { text, at: usize::from(text.starts_with('\u{feff}')) * 3, head: Self::default() };
        lexer.run();
        lexer.head
    }

    /// Whether the file is built under these tags (the name apart).
    pub(crate) fn is_built(&self, tags: &super::constraint::BuildTags) -> bool {
        let holds = match &self.build {
            Some(expression) => tags.holds(expression),
            None => tags.plus_build_holds(&self.plus_build.iter().map(String::as_str).collect::<Vec<_>>()),
        };
        holds && (tags.cgo() || !self.imports.iter().any(|import| import.path == "C"))
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    head: Head,
}

#[derive(PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Sign(u8),
    End,
}

impl<'a> Lexer<'a> {
    fn run(&mut self) {
        if self.next() != Token::Word("package") {
            return;
        }
        let Token::Word(name) = self.next() else { return };
        name.clone_into(&mut self.head.package);
        loop {
            match self.next() {
                Token::Sign(b';') => {}
                Token::Word("import") => match self.next() {
                    Token::Sign(b'(') => while self.spec() {},
                    token => {
                        self.spec_from(&token);
                    }
                },
                _ => return,
            }
        }
    }

    /// One line of an import list; false at its end.
    fn spec(&mut self) -> bool {
        match self.next() {
            Token::Sign(b')') | Token::End => false,
            token => self.spec_from(&token),
        }
    }

    fn spec_from(&mut self, token: &Token<'a>) -> bool {
        let (alias, token) = match *token {
            Token::Word(alias) => (Some(alias.to_owned()), self.next()),
            Token::Sign(b'.') => (Some(".".to_owned()), self.next()),
            Token::Text(path) => (None, Token::Text(path)),
            Token::Sign(b';') => return true,
            _ => return false,
        };
        let Token::Text(path) = token else { return false };
        self.head.imports.push(Import { alias, path: path.to_owned() });
        true
    }

    fn next(&mut self) -> Token<'a> {
        let bytes = self.text.as_bytes();
        loop {
            while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
                self.at += 1;
            }
            if !self.comment() {
                break;
            }
        }
        let start = self.at;
        let Some(&first) = bytes.get(start) else { return Token::End };
        if matches!(first, b'"' | b'`') {
            let end = memchr::memchr(first, &bytes[start + 1..]).map_or(bytes.len(), |length| start + 1 + length);
            self.at = (end + 1).min(bytes.len());
            return Token::Text(self.text.get(start + 1..end).unwrap_or(""));
        }
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        if is_word(first) {
            while bytes.get(self.at).copied().is_some_and(is_word) {
                self.at += 1;
            }
            return Token::Word(&self.text[start..self.at]);
        }
        self.at += 1;
        Token::Sign(first)
    }

    /// Steps over a comment and keeps the constraint in it; false where none stands here.
    fn comment(&mut self) -> bool {
        let rest = &self.text.as_bytes()[self.at..];
        if rest.starts_with(b"//") {
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = self.text.get(self.at..self.at + end).unwrap_or("");
            self.at += end;
            if self.head.package.is_empty() {
                self.constraint(line);
            }
            return true;
        }
        if rest.starts_with(b"/*") {
            let end = memchr::memmem::find(&rest[2..], b"*/").map_or(rest.len(), |end| end + 4);
            self.at += end;
            return true;
        }
        false
    }

    fn constraint(&mut self, line: &str) {
        if let Some(expression) = line.strip_prefix("//go:build ") {
            self.head.build.get_or_insert_with(|| expression.trim().to_owned());
        } else if let Some(options) = line.trim_start_matches('/').trim_start().strip_prefix("+build ") {
            self.head.plus_build.push(options.trim().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_and_no_more() {
        let text = "// Copyright\n//go:build linux && !x\n// +build linux\n\n/* doc */\npackage a // import \"x\"\n\n\
            import \"fmt\"\nimport (\n\t_ \"embed\"\n\t. \"dot\" // c\n\n\tb \"b/c\"; \"d\"\n)\n\nvar s = `import \"no\"`\n";
        let head = Head::read(text);
        assert_eq!(head.package, "a");
        assert_eq!(head.build.as_deref(), Some("linux && !x"));
        assert_eq!(head.plus_build, ["linux"]);
        let paths: Vec<_> = head.imports.iter().map(|i| (i.alias.as_deref(), i.path.as_str())).collect();
        assert_eq!(paths, [(None, "fmt"), (Some("_"), "embed"), (Some("."), "dot"), (Some("b"), "b/c"), (None, "d")]);
    }

    #[test]
    fn broken_heads_end_early() {
        for text in [
            "",
            "package",
            "package a\nimport (",
            "package a\nimport \"x",
            "/*",
            "import \"fmt\"",
            "package a\nimport (",
        ] {
            Head::read(text);
        }
        assert!(Head::read("x := 1\npackage a").imports.is_empty());
    }
}
