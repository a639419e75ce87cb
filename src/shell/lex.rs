//! Where quotes, expansions, here-documents and comments of shell code begin and end.
//!
//! The grammar is `brush-parser`'s; this module settles only the extents, so that the parser is handed a text in which
//! everything quoted, substituted or commented is blanked out (same length, character for character) and nothing in
//! it can recurse. It never fails on length, and refuses nesting deeper than [`MAX_DEPTH`].

use std::ops::Range;

/// How deep quotes and substitutions may stand in each other.
pub(crate) const MAX_DEPTH: u32 = 64;

/// Why the extent of a construct is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LexError {
    /// What opens at the byte is never closed.
    Unterminated { at: usize, what: &'static str },
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep { at: usize },
}

impl LexError {
    /// The byte that the error is about.
    pub(crate) fn at(&self) -> usize {
        match self {
            Self::Unterminated { at, .. } | Self::TooDeep { at } => *at,
        }
    }

    /// The error in words.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Unterminated { what, .. } => format!("{what} is never closed"),
            Self::TooDeep { .. } => format!("substitutions are nested deeper than {MAX_DEPTH}"),
        }
    }
}

/// A part of a word, by byte ranges of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Unquoted text that stands for itself; globs stay in it.
    Literal(Range<usize>),
    /// Quoted text that stands for itself: the range is what is between the quotes, or the one escaped character.
    Quoted(Range<usize>),
    /// `$'…'`, the range without the quotes.
    Ansi(Range<usize>),
    /// What is between double quotes.
    Double(Vec<Piece>),
    /// `$x`, `${x…}`: the range of what follows `$`, braces taken off.
    Parameter(Range<usize>),
    /// `$(…)`, `<(…)`, `>(…)`: the code between the parentheses.
    Command(Range<usize>),
    /// `` `…` ``: the code between the quotes, escapes not yet taken away.
    Backquoted(Range<usize>),
    /// `$((…))`: the expression.
    Arithmetic(Range<usize>),
    /// `\` at the end of a line: nothing.
    Continuation,
}

/// A here-document whose body has not begun.
struct Pending {
    tag: Vec<u8>,
    strip_tabs: bool,
    at: usize,
}

/// Which quotes are quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    /// All are.
    None,
    /// Double quotes alone.
    Double,
    /// None is.
    Body,
}

enum Frame {
    Paren,
    Case,
}

/// Reads extents in one text.
pub(crate) struct Lexer<'t> {
    bytes: &'t [u8],
    depth: u32,
    in_double: bool,
    /// How many trials of reading an arithmetic expression are under way, and how much may still be read in trials: a
    /// trial that fails is read again as a command, and trials stand in trials.
    trials: u32,
    budget: usize,
    /// What to blank out of the top level, in order.
    masks: Option<Vec<Range<usize>>>,
}

type Extent = Result<usize, LexError>;

impl<'t> Lexer<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self::with_masks(text, None)
    }

    fn with_masks(text: &'t str, masks: Option<Vec<Range<usize>>>) -> Self {
        let budget = 1_000_000 + 4 * text.len();
        Self { bytes: text.as_bytes(), depth: 0, in_double: false, trials: 0, budget, masks }
    }

    /// The text with everything quoted, substituted or commented blanked out, one ASCII character for each character.
    /// Where an extent is unknown, the lines from there on are blank, and the error says why.
    pub(crate) fn mask(text: &'t str) -> (String, Option<LexError>) {
        let mut lexer = Self::with_masks(text, Some(Vec::new()));
        let result = lexer.code(0, false);
        let mut masks = lexer.masks.take().unwrap_or_default();
        let error = result.err();
        let cut = error.as_ref().map_or(text.len(), |error| {
            memchr::memrchr(b'\n', &text.as_bytes()[..error.at().min(text.len())]).map_or(0, |newline| newline + 1)
        });
        masks.push(text.len()..text.len() + 1);
        let mut masked = String::with_capacity(text.len());
        let mut masks = masks.into_iter().peekable();
        for (at, c) in text.char_indices() {
            while masks.peek().is_some_and(|mask| mask.end <= at) {
                masks.next();
            }
            let inside = masks.peek().is_some_and(|mask| mask.contains(&at));
            masked.push(match c {
                _ if at >= cut => '\n',
                '\n' if !inside => '\n',
                c if inside || !c.is_ascii() => {
                    if inside && c == '\n' && keeps_lines(text, masks.peek()) {
                        '\n'
                    } else {
                        'x'
                    }
                }
                '\r' if text.as_bytes().get(at + 1) == Some(&b'\n') => ' ',
                c => c,
            });
        }
        (masked, error)
    }

    /// From the byte after an opening parenthesis to the byte after its partner; the whole text without one.
    fn code(&mut self, start: usize, nested: bool) -> Extent {
        self.in_double = false;
        let mut at = start;
        let mut frames: Vec<Frame> = Vec::new();
        let mut pending: Vec<Pending> = Vec::new();
        // Whether a command can begin here, and whether a word can (a comment begins only there).
        let (mut command, mut word_start) = (true, true);
        while let Some(&byte) = self.bytes.get(at) {
            if self.trials > 0 && !self.spend() {
                return Err(LexError::TooDeep { at });
            }
            let first = word_start;
            word_start = false;
            match byte {
                b'\n' => {
                    at += 1;
                    for here in std::mem::take(&mut pending) {
                        at = self.here_document(at, &here)?;
                    }
                    (command, word_start) = (true, true);
                }
                b' ' | b'\t' | b'\r' => {
                    at += 1;
                    word_start = true;
                }
                b'#' if first => {
                    let end = self.line_end(at);
                    self.blank(at + 1..end);
                    at = end;
                    word_start = true;
                }
                b';' | b'&' | b'|' => {
                    at += 1;
                    (command, word_start) = (true, true);
                }
                b'<' | b'>' => {
                    at = self.redirection(at, &mut pending)?;
                    word_start = true;
                }
                b'(' => {
                    let arithmetic =
                        if self.bytes.get(at + 1) == Some(&b'(') { self.arithmetic_end(at + 2) } else { None };
                    if let Some(end) = arithmetic {
                        self.blank(at + 2..end - 2);
                        at = end;
                    } else {
                        frames.push(Frame::Paren);
                        at += 1;
                    }
                    (command, word_start) = (true, true);
                }
                b')' => {
                    at += 1;
                    match frames.last() {
                        Some(Frame::Paren) => {
                            frames.pop();
                        }
                        Some(Frame::Case) => {}
                        None if nested => return Ok(at),
                        None => {}
                    }
                    (command, word_start) = (true, true);
                }
                _ => {
                    let end = self.word_end(at)?;
                    if end == at {
                        at += 1;
                        continue;
                    }
                    command = self.keyword(at..end, command, &mut frames);
                    at = end;
                }
            }
        }
        if nested {
            return Err(LexError::Unterminated { at: start.saturating_sub(1), what: "a parenthesis" });
        }
        match pending.first() {
            Some(here) => Err(LexError::Unterminated { at: here.at, what: "a here-document" }),
            None => Ok(at),
        }
    }

    /// What a word does to the frames; whether a command can begin after it.
    fn keyword(&self, word: Range<usize>, command: bool, frames: &mut Vec<Frame>) -> bool {
        let text = &self.bytes[word.clone()];
        if !command {
            return matches!(text, b"in" | b"do");
        }
        if self.bytes.get(word.end) == Some(&b')') && text != b"esac" {
            return false;
        }
        match text {
            b"case" => {
                frames.push(Frame::Case);
                false
            }
            b"esac" => {
                if matches!(frames.last(), Some(Frame::Case)) {
                    frames.pop();
                }
                false
            }
            b"then" | b"do" | b"else" | b"elif" | b"if" | b"while" | b"until" | b"!" | b"time" | b"{" => true,
            _ => false,
        }
    }

    /// A redirection operator, a here-document's tag with it. A process substitution's parentheses are the parser's.
    fn redirection(&mut self, at: usize, pending: &mut Vec<Pending>) -> Extent {
        let rest = &self.bytes[at..];
        if rest.starts_with(b"<<<") {
            return Ok(at + 3);
        }
        if rest.starts_with(b"<<") {
            let strip_tabs = rest.get(2) == Some(&b'-');
            let mut tag_at = at + 2 + usize::from(strip_tabs);
            while matches!(self.bytes.get(tag_at), Some(b' ' | b'\t')) {
                tag_at += 1;
            }
            let masks = self.masks.take();
            let end = self.word_end(tag_at);
            self.masks = masks;
            let end = end?;
            let tag = unquoted(&self.bytes[tag_at..end]);
            pending.push(Pending { tag, strip_tabs, at });
            return Ok(end);
        }
        Ok(at + 1)
    }

    /// The body of a here-document that begins at a line; the byte after its last line.
    fn here_document(&mut self, start: usize, here: &Pending) -> Extent {
        let mut at = start;
        while at < self.bytes.len() {
            let end = self.line_end(at);
            let mut line = &self.bytes[at..end];
            if let Some(cut) = line.strip_suffix(b"\r") {
                line = cut;
            }
            while here.strip_tabs && line.first() == Some(&b'\t') {
                line = &line[1..];
            }
            if line == here.tag {
                self.blank(start..at);
                return Ok(end.min(self.bytes.len()));
            }
            at = end + 1;
        }
        Err(LexError::Unterminated { at: here.at, what: "a here-document" })
    }

    /// The byte after the word that begins at `at`; `at` itself where none does.
    pub(crate) fn word_end(&mut self, start: usize) -> Extent {
        let mut at = start;
        while let Some(&byte) = self.bytes.get(at) {
            match byte {
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b')' => break,
                b'\r' if self.bytes.get(at + 1).is_none_or(|&next| next == b'\n') => break,
                b'(' => {
                    // An array after `=`, or an extended glob after one of `?*+@!`; else an operator.
                    let before = if at > start { self.bytes[at - 1] } else { 0 };
                    if matches!(before, b'?' | b'*' | b'+' | b'@' | b'!') {
                        at = self.nested(at, |lexer| lexer.code(at + 1, true))?;
                    } else {
                        break;
                    }
                }
                b'\\' => at = (at + 2).min(self.bytes.len()),
                b'\'' => {
                    let end = self.single_quote(at)?;
                    self.blank(at + 1..end - 1);
                    at = end;
                }
                b'"' => {
                    let end = self.double_quote(at)?;
                    self.blank(at + 1..end - 1);
                    at = end;
                }
                b'`' => {
                    let end = self.backquote(at)?;
                    self.blank(at + 1..end - 1);
                    at = end;
                }
                b'$' => at = self.dollar_in_word(at)?,
                _ => at += 1,
            }
        }
        Ok(at)
    }

    fn dollar_in_word(&mut self, at: usize) -> Extent {
        let end = match self.bytes.get(at + 1) {
            Some(b'\'') => {
                let end = self.ansi_quote(at)?;
                self.blank(at + 2..end - 1);
                end
            }
            Some(b'"') => {
                let end = self.double_quote(at + 1)?;
                self.blank(at + 2..end - 1);
                end
            }
            Some(b'(' | b'{') => {
                let end = self.dollar(at)?;
                self.blank(at + 2..end - 1);
                end
            }
            _ => self.dollar(at)?,
        };
        Ok(end)
    }

    fn single_quote(&self, at: usize) -> Extent {
        memchr::memchr(b'\'', &self.bytes[at + 1..])
            .map(|length| at + length + 2)
            .ok_or(LexError::Unterminated { at, what: "a single quote" })
    }

    /// `$'…'`, from the dollar.
    fn ansi_quote(&self, start: usize) -> Extent {
        let mut at = start + 2;
        while let Some(&byte) = self.bytes.get(at) {
            match byte {
                b'\\' => at += 2,
                b'\'' => return Ok(at + 1),
                _ => at += 1,
            }
        }
        Err(LexError::Unterminated { at: start, what: "a $' quote" })
    }

    fn backquote(&self, start: usize) -> Extent {
        let mut at = start + 1;
        while let Some(&byte) = self.bytes.get(at) {
            match byte {
                b'\\' => at += 2,
                b'`' => return Ok(at + 1),
                _ => at += 1,
            }
        }
        Err(LexError::Unterminated { at: start, what: "a backquote" })
    }

    fn double_quote(&mut self, start: usize) -> Extent {
        self.nested(start, |lexer| {
            lexer.in_double = true;
            let mut at = start + 1;
            while let Some(&byte) = lexer.bytes.get(at) {
                match byte {
                    b'\\' => at += 2,
                    b'"' => return Ok(at + 1),
                    b'`' => at = lexer.backquote(at)?,
                    b'$' => at = lexer.dollar(at)?,
                    _ => at += 1,
                }
            }
            Err(LexError::Unterminated { at: start, what: "a double quote" })
        })
    }

    /// The byte after the expansion whose dollar stands at `at`; `at + 1` where the dollar stands for itself.
    fn dollar(&mut self, at: usize) -> Extent {
        match self.bytes.get(at + 1) {
            Some(b'(') => self.nested(at, |lexer| {
                if lexer.bytes.get(at + 2) == Some(&b'(')
                    && let Some(end) = lexer.arithmetic_end(at + 3)
                {
                    return Ok(end);
                }
                lexer.code(at + 2, true)
            }),
            Some(b'{') => self.nested(at, |lexer| lexer.braces(at)),
            Some(b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') => Ok(at + 2),
            Some(byte) if byte.is_ascii_alphabetic() || *byte == b'_' => {
                let length =
                    self.bytes[at + 1..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
                Ok(at + 1 + length)
            }
            _ => Ok(at + 1),
        }
    }

    /// `${…}`, from the dollar.
    fn braces(&mut self, start: usize) -> Extent {
        let mut at = start + 2;
        // Between double quotes an apostrophe in a default value is text; in a pattern it quotes.
        let name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'!' | b'@' | b'*' | b':');
        let operator = self.bytes[at..].iter().find(|byte| !name(byte));
        let plain = self.in_double && matches!(operator, Some(b'-' | b'=' | b'?' | b'+'));
        while let Some(&byte) = self.bytes.get(at) {
            match byte {
                b'\\' => at += 2,
                b'}' => return Ok(at + 1),
                b'"' => at = self.double_quote(at)?,
                b'`' => at = self.backquote(at)?,
                b'\'' if !plain => at = self.single_quote(at)?,
                b'$' if self.bytes.get(at + 1) == Some(&b'\'') => at = self.ansi_quote(at)?,
                b'$' => at = self.dollar(at)?,
                _ => at += 1,
            }
        }
        Err(LexError::Unterminated { at: start, what: "${" })
    }

    /// The byte after `))`, for an expression that begins at `start`; nothing where the parentheses are a subshell's.
    fn arithmetic_end(&mut self, start: usize) -> Option<usize> {
        let mut open = 2_u32;
        let mut at = start;
        let masks = self.masks.take();
        self.trials += 1;
        let found = loop {
            if !self.spend() {
                break None;
            }
            match self.bytes.get(at) {
                None | Some(b'\n' | b';') => break None,
                Some(b'(') => open += 1,
                Some(b')') => {
                    open -= 1;
                    if open == 1 && self.bytes.get(at + 1) != Some(&b')') {
                        break None;
                    }
                    if open == 0 {
                        break Some(at + 1);
                    }
                }
                Some(b'$' | b'`' | b'"' | b'\'') => {
                    let end = match self.bytes[at] {
                        b'$' => self.dollar(at),
                        b'`' => self.backquote(at),
                        b'"' => self.double_quote(at),
                        _ => self.single_quote(at),
                    };
                    match end {
                        Ok(end) => {
                            at = end;
                            continue;
                        }
                        Err(_) => break None,
                    }
                }
                Some(_) => {}
            }
            at += 1;
        };
        self.trials -= 1;
        self.masks = masks;
        found
    }

    /// Counts a step of a trial; whether there may be more.
    fn spend(&mut self) -> bool {
        self.budget = self.budget.saturating_sub(1);
        self.budget > 0
    }

    fn nested(&mut self, at: usize, read: impl FnOnce(&mut Self) -> Extent) -> Extent {
        if self.depth >= MAX_DEPTH {
            return Err(LexError::TooDeep { at });
        }
        self.depth += 1;
        let (masks, in_double) = (self.masks.take(), self.in_double);
        let end = read(self);
        (self.masks, self.in_double) = (masks, in_double);
        self.depth -= 1;
        end
    }

    fn blank(&mut self, range: Range<usize>) {
        if let Some(masks) = &mut self.masks
            && range.start < range.end
        {
            masks.push(range);
        }
    }

    fn line_end(&self, at: usize) -> usize {
        memchr::memchr(b'\n', &self.bytes[at..]).map_or(self.bytes.len(), |length| at + length)
    }

    /// The pieces of the word in a range.
    pub(crate) fn pieces(&mut self, range: Range<usize>) -> Result<Vec<Piece>, LexError> {
        self.split(range, Quoting::None)
    }

    /// The pieces of a here-document's body, in which quotes are text.
    pub(crate) fn body_pieces(&mut self, range: Range<usize>) -> Result<Vec<Piece>, LexError> {
        self.split(range, Quoting::Body)
    }

    /// The pieces of what follows `:-` and its kin between double quotes, in which apostrophes are text.
    pub(crate) fn operand_pieces(&mut self, range: Range<usize>) -> Result<Vec<Piece>, LexError> {
        self.split(range, Quoting::Double)
    }

    fn split(&mut self, range: Range<usize>, quoting: Quoting) -> Result<Vec<Piece>, LexError> {
        let outer = std::mem::replace(&mut self.in_double, quoting != Quoting::None);
        let pieces = self.split_pieces(range, quoting);
        self.in_double = outer;
        pieces
    }

    fn split_pieces(&mut self, range: Range<usize>, quoting: Quoting) -> Result<Vec<Piece>, LexError> {
        let mut pieces = Vec::new();
        let mut at = range.start;
        let mut literal = at;
        let quoted = quoting != Quoting::None;
        let text = |from: usize, to: usize| if quoted { Piece::Quoted(from..to) } else { Piece::Literal(from..to) };
        while at < range.end {
            let (piece, end) = match self.bytes[at] {
                b'\\' => self.escape(at, range.end, quoted),
                b'\'' if !quoted => {
                    let end = self.single_quote(at)?;
                    (Some(Piece::Quoted(at + 1..end - 1)), end)
                }
                b'"' if quoting != Quoting::Body => {
                    let end = self.double_quote(at)?;
                    (Some(Piece::Double(self.deeper(at, at + 1..end - 1)?)), end)
                }
                b'`' => {
                    let end = self.backquote(at)?;
                    (Some(Piece::Backquoted(at + 1..end - 1)), end)
                }
                b'$' => self.expansion(at, quoted)?,
                b'<' | b'>' if !quoted && self.bytes.get(at + 1) == Some(&b'(') => {
                    let end = self.nested(at, |lexer| lexer.code(at + 2, true))?;
                    (Some(Piece::Command(at + 2..end - 1)), end)
                }
                _ => (None, at + 1),
            };
            let end = end.min(range.end);
            if let Some(piece) = piece {
                if literal < at {
                    pieces.push(text(literal, at));
                }
                pieces.push(piece);
                literal = end;
            }
            at = end;
        }
        if literal < range.end {
            pieces.push(text(literal, range.end));
        }
        Ok(pieces)
    }

    fn deeper(&mut self, at: usize, range: Range<usize>) -> Result<Vec<Piece>, LexError> {
        if self.depth >= MAX_DEPTH {
            return Err(LexError::TooDeep { at });
        }
        self.depth += 1;
        let pieces = self.split(range, Quoting::Double);
        self.depth -= 1;
        pieces
    }

    fn escape(&self, at: usize, limit: usize, quoted: bool) -> (Option<Piece>, usize) {
        match self.bytes.get(at + 1) {
            Some(b'\n') => (Some(Piece::Continuation), at + 2),
            Some(byte) if quoted && !matches!(byte, b'$' | b'`' | b'"' | b'\\') => (None, at + 1),
            Some(_) if at + 1 < limit => {
                let mut end = at + 2;
                while end < limit && self.bytes[end] & 0xC0 == 0x80 {
                    end += 1;
                }
                (Some(Piece::Quoted(at + 1..end)), end)
            }
            _ => (None, at + 1),
        }
    }

    fn expansion(&mut self, at: usize, quoted: bool) -> Result<(Option<Piece>, usize), LexError> {
        match self.bytes.get(at + 1) {
            Some(b'\'') if !quoted => {
                let end = self.ansi_quote(at)?;
                Ok((Some(Piece::Ansi(at + 2..end - 1)), end))
            }
            Some(b'"') if !quoted => {
                let end = self.double_quote(at + 1)?;
                Ok((Some(Piece::Double(self.deeper(at, at + 2..end - 1)?)), end))
            }
            Some(b'(') => {
                if self.bytes.get(at + 2) == Some(&b'(')
                    && let Some(end) = self.arithmetic_end(at + 3)
                {
                    return Ok((Some(Piece::Arithmetic(at + 3..end - 2)), end));
                }
                let end = self.dollar(at)?;
                Ok((Some(Piece::Command(at + 2..end - 1)), end))
            }
            Some(b'{') => {
                let end = self.dollar(at)?;
                Ok((Some(Piece::Parameter(at + 2..end - 1)), end))
            }
            _ => {
                let end = self.dollar(at)?;
                Ok(if end == at + 1 { (None, end) } else { (Some(Piece::Parameter(at + 1..end)), end) })
            }
        }
    }
}

/// Whether a mask covers whole lines (a here-document's body), whose line breaks the parser must see.
fn keeps_lines(text: &str, mask: Option<&Range<usize>>) -> bool {
    mask.is_some_and(|mask| {
        mask.end <= text.len()
            && (mask.start == 0 || text.as_bytes()[mask.start - 1] == b'\n')
            && text.as_bytes()[mask.end - 1] == b'\n'
    })
}

/// A here-document's tag without its quotes.
fn unquoted(word: &[u8]) -> Vec<u8> {
    word.iter().copied().filter(|byte| !matches!(byte, b'\'' | b'"' | b'\\')).collect()
}
