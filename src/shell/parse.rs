//! Shell code as complete commands: `brush-parser` over the masked text, one top-level command at a time.
//!
//! A syntax error costs the command that it stands in, not the file. Commands nested deeper than [`MAX_NESTING`] are
//! refused: the parser recurses, and its input is not to be trusted.

use crate::file::{MappedText, Span};
use crate::shell::lex::Lexer;
use brush_parser::ast;
use brush_parser::{ParserOptions, SourceSpan, Token, parse_tokens, uncached_tokenize_str};
use std::ops::Range;
use std::rc::Rc;

/// How deep compound commands may stand in each other.
const MAX_NESTING: usize = 64;

/// A text of shell code and where it stands.
#[derive(Debug)]
pub(crate) struct Code {
    /// The code, mapped to the file that a person would edit.
    pub(crate) mapped: MappedText,
    /// The byte of each character, where the text is not ASCII alone.
    bytes: Option<Vec<u32>>,
}

/// What could not be parsed: the byte at which the trouble is, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) at: usize,
    pub(crate) why: String,
}

/// What was read of a code.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) commands: Vec<ast::CompoundList>,
    pub(crate) troubles: Vec<Trouble>,
}

impl Code {
    pub(crate) fn new(mapped: MappedText) -> Rc<Self> {
        let text = mapped.text();
        let bytes = (!text.is_ascii()).then(|| {
            let mut bytes: Vec<u32> = text.char_indices().map(|(at, _)| at as u32).collect();
            bytes.push(text.len() as u32);
            bytes
        });
        Rc::new(Self { mapped, bytes })
    }

    pub(crate) fn text(&self) -> &str {
        self.mapped.text()
    }

    /// Where a range of the text stands in the file.
    pub(crate) fn span(&self, range: &Range<usize>) -> Option<Span> {
        self.mapped.span(range.start, range.end)
    }

    fn byte(&self, character: usize) -> usize {
        match &self.bytes {
            None => character.min(self.text().len()),
            Some(bytes) => bytes.get(character).map_or(self.text().len(), |&byte| byte as usize),
        }
    }

    /// The bytes that a location of the parser covers, blanks before them taken off.
    pub(crate) fn range(&self, location: &SourceSpan) -> Range<usize> {
        let (mut start, end) = (self.byte(location.start.index), self.byte(location.end.index));
        let text = self.text().as_bytes();
        while start < end {
            match text[start] {
                b' ' | b'\t' | b'\n' | b'\r' => start += 1,
                b'\\' if text.get(start + 1) == Some(&b'\n') => start += 2,
                _ => break,
            }
        }
        start..end.max(start)
    }

    /// Parses the code; what does not parse is among the troubles.
    pub(crate) fn parse(&self) -> Parsed {
        let (masked, error) = Lexer::mask(self.text());
        let mut parsed = Parsed::default();
        if let Some(error) = error {
            parsed.troubles.push(Trouble { at: error.at(), why: error.reason() });
        }
        let options = ParserOptions::default();
        match uncached_tokenize_str(&masked, &options.tokenizer_options()) {
            Ok(mut tokens) => {
                for chunk in chunks(&mut tokens) {
                    self.parse_chunk(&tokens[chunk.tokens], chunk.depth, &options, &mut parsed);
                }
            }
            Err(error) => parsed.troubles.push(Trouble { at: 0, why: error.to_string() }),
        }
        parsed
    }

    fn parse_chunk(&self, tokens: &[Token], depth: usize, options: &ParserOptions, parsed: &mut Parsed) {
        let Some(first) = tokens.first() else { return };
        let at = self.byte(first.location().start.index);
        if depth > MAX_NESTING {
            parsed.troubles.push(Trouble { at, why: format!("commands are nested deeper than {MAX_NESTING}") });
            return;
        }
        match parse_tokens(tokens, options) {
            Ok(program) => parsed.commands.extend(program.complete_commands),
            Err(error) => {
                let (at, why) = match error {
                    brush_parser::ParseError::ParsingNear(position) => {
                        (self.byte(position.index), "syntax error".to_owned())
                    }
                    brush_parser::ParseError::ParsingAtEndOfInput => {
                        (at, "a command that is never finished".to_owned())
                    }
                    error @ brush_parser::ParseError::Tokenizing { .. } => (at, error.to_string()),
                };
                parsed.troubles.push(Trouble { at, why });
            }
        }
    }
}

/// A run of tokens that is a whole number of top-level commands, and how deep they nest.
struct Chunk {
    tokens: Range<usize>,
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Paren,
    Brace,
    If,
    Case,
    Do,
    Loop,
}

/// Cuts the tokens at the line breaks that stand outside every compound command. The nesting is counted as the grammar
/// nests: by words that stand where a command can begin.
fn chunks(tokens: &mut [Token]) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let (mut start, mut depth, mut command, mut pending_line, mut function_name) = (0, 0, true, false, false);
    let (mut both, mut redirected): (Option<String>, Vec<usize>) = (None, Vec::new());
    for (at, token) in tokens.iter_mut().enumerate() {
        if command && token.to_str() == "select" {
            // The parser does not know `select`, whose grammar is that of `for`.
            *token = Token::Word("for".to_owned(), token.location().clone());
        }
        if matches!(token.to_str(), ">" | "<") && matches!(both.as_deref(), Some("&>" | "&>>")) {
            // The parser does not know `&> >(…)`; what is redirected makes no difference here.
            redirected.push(at - 1);
        }
        both = Some(token.to_str().to_owned());
        let text = token.to_str();
        if matches!(token, Token::Operator(..)) {
            operator(text, &mut open);
            command =
                !matches!(text, "<" | ">" | ">>" | "<<" | "<<-" | "<<<" | "<>" | ">|" | ">&" | "<&" | "&>" | "&>>");
            if text == "\n" && open.is_empty() && !pending_line {
                chunks.push(Chunk { tokens: start..at + 1, depth });
                (start, depth) = (at + 1, 0);
            }
            if text != "\n" {
                // A command goes on after `&&`, `||` and `|`, and a function's body may stand on the line below.
                pending_line = matches!(text, "&&" | "||" | "|" | "|&") || (text == ")" && open.is_empty());
            }
        } else {
            // `function name`: the body may stand on the line below.
            pending_line = function_name && open.is_empty();
            let names_function = command && text == "function";
            command = word(text, command, &mut open) || function_name;
            function_name = names_function;
        }
        depth = depth.max(open.len());
    }
    for at in redirected {
        tokens[at] = Token::Operator(">".to_owned(), tokens[at].location().clone());
    }
    if start < tokens.len() {
        chunks.push(Chunk { tokens: start..tokens.len(), depth });
    }
    chunks
}

fn operator(text: &str, open: &mut Vec<Open>) {
    match text {
        "(" => open.push(Open::Paren),
        ")" if open.last() == Some(&Open::Paren) => {
            open.pop();
        }
        _ => {}
    }
}

/// Counts a word; whether a command can begin after it.
fn word(text: &str, command: bool, open: &mut Vec<Open>) -> bool {
    if !command {
        return matches!(text, "in" | "do");
    }
    let close = |open: &mut Vec<Open>, what: Open| {
        if open.last() == Some(&what) {
            open.pop();
        }
    };
    match text {
        "if" => open.push(Open::If),
        "case" => {
            open.push(Open::Case);
            return false;
        }
        "for" | "select" => {
            open.push(Open::Loop);
            return false;
        }
        "while" | "until" => open.push(Open::Loop),
        "do" => {
            if open.last() == Some(&Open::Loop) {
                open.pop();
            }
            open.push(Open::Do);
        }
        "{" => open.push(Open::Brace),
        "}" => {
            close(open, Open::Brace);
            return false;
        }
        "fi" => {
            close(open, Open::If);
            return false;
        }
        "esac" => {
            close(open, Open::Case);
            return false;
        }
        "done" => {
            close(open, Open::Do);
            return false;
        }
        "then" | "else" | "elif" | "!" | "time" => {}
        "function" => return false,
        _ => return false,
    }
    true
}

/// What a simple command is made of.
#[derive(Debug, Default)]
pub struct Parts<'s> {
    /// Its words, the name first; a process substitution is an empty one at its place.
    pub words: Vec<Range<usize>>,
    /// The assignments before its name.
    pub assignments: Vec<Range<usize>>,
    /// Its redirections.
    pub redirects: Vec<&'s ast::IoRedirect>,
    /// The commands of its process substitutions.
    pub substitutions: Vec<&'s ast::CompoundList>,
}

impl<'s> Parts<'s> {
    /// Takes a simple command of `code` apart.
    pub fn of(code: &Code, simple: &'s ast::SimpleCommand) -> Self {
        use ast::CommandPrefixOrSuffixItem as Item;
        let mut parts = Self::default();
        let prefix = simple.prefix.iter().flat_map(|prefix| &prefix.0);
        let suffix = simple.suffix.iter().flat_map(|suffix| &suffix.0);
        if let Some(location) = simple.word_or_name.as_ref().and_then(|word| word.loc.as_ref()) {
            parts.words.push(code.range(location));
        }
        for (is_suffix, item) in prefix.map(|item| (false, item)).chain(suffix.map(|item| (true, item))) {
            match item {
                Item::Word(word) => parts.words.extend(word.loc.as_ref().map(|at| code.range(at))),
                Item::AssignmentWord(assignment, word) => {
                    let at = code.range(word.loc.as_ref().unwrap_or(&assignment.loc));
                    if is_suffix { &mut parts.words } else { &mut parts.assignments }.push(at);
                }
                Item::IoRedirect(redirect) => parts.redirects.push(redirect),
                Item::ProcessSubstitution(_, subshell) => {
                    let start = code.range(&subshell.loc).start;
                    parts.words.push(start..start);
                    parts.substitutions.push(&subshell.list);
                }
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Files;

    fn parse(text: &str) -> Parsed {
        let files = Files::new();
        let id = files.add("a.sh", text.to_owned());
        Code::new(MappedText::verbatim(&files, Span::new(id, 0, text.len()))).parse()
    }

    #[test]
    fn real_forms_parse() {
        for text in [
            "a && \\\n b\n",
            "f()\n{\n a\n}\nb\n",
            "function f\n{ a; }\n",
            "x=$(case a in b) c;; esac)\n",
            "cat <<'EOF' | b\nit's $(\nEOF\nc\n",
            "a ||\n\n# comment's\n b\n",
            "x=(a b $(c) \"d e\")\nfor i in \"${x[@]}\"; do $i; done\n",
            "echo \"${x:-it's}\" '(' \")\"\n",
            "while read -r l; do a; done < <(b)\n",
            "((x = 1 << 2))\ncase $x in (a|b) c ;; *) d ;; esac\n",
            "if [[ $x =~ ^(a|b)$ ]]; then c; fi\n",
            "select x in a b; do c; done\n",
            "for ((i=0; i<3; i++)); do a; done\n",
            "( a ) &> >(tee -a b)\n",
        ] {
            let parsed = parse(text);
            assert_eq!(parsed.troubles, [], "{text}");
            assert!(!parsed.commands.is_empty(), "{text}");
        }
    }

    #[test]
    fn an_error_costs_its_command_alone() {
        let parsed = parse("a\nif b; then ) c; fi\nd\n");
        assert_eq!(parsed.commands.len(), 2, "{:?}", parsed.troubles);
        assert_eq!(parsed.troubles.len(), 1);
        let parsed = parse("a\nb 'c\n");
        assert_eq!(parsed.commands.len(), 1);
        assert_eq!(parsed.troubles, [Trouble { at: 4, why: "a single quote is never closed".to_owned() }]);
    }
}
