//! execline scripts, in which s6 services are often written: a chain of programs, each of which runs the next, with blocks of
//! such chains between. Source: <https://skarnet.org/software/execline/grammar.html>.

use super::value::{Fields, State, Value};
use super::walk::{Command, Walker};
use super::wrapped::{command_start, takes_next};
use super::wrapper::{Inner, Wrapper, wrapper};
use crate::file::{MappedText, Span};

/// How deep blocks may stand in each other.
const MAX_DEPTH: usize = 32;
/// How many words of a script are read.
const MAX_WORDS: usize = 20_000;

/// A part of a script.
enum Item {
    Word(Value),
    Block(Vec<Item>),
}

/// execline's own programs: the short options that take a value, and what stands before the program that is run next: `w` a
/// word, `d` a block of words, `b` a block that is run. Nothing follows `.`.
/// Source: <https://skarnet.org/software/execline/>.
static COMMANDS: [(&str, &str, &str); 33] = [
    ("background", "", "b"),
    ("backtick", "", "wb"),
    ("cd", "", "w"),
    ("define", "d", "ww"),
    ("dollarat", "d", "."),
    ("elgetopt", "", "w"),
    ("elgetpositionals", "P", ""),
    ("elglob", "", "ww"),
    ("emptyenv", "", ""),
    ("envfile", "", "w"),
    ("exec", "a", ""),
    ("execline-cd", "", "w"),
    ("execline-umask", "", "w"),
    ("exit", "", "."),
    ("export", "", "ww"),
    ("fdclose", "", "w"),
    ("fdmove", "", "ww"),
    ("fdreserve", "", "w"),
    ("forbacktickx", "od", "wb"),
    ("foreground", "", "b"),
    ("forstdin", "od", "w"),
    ("forx", "o", "wd"),
    ("getpid", "", "w"),
    ("heredoc", "", "ww"),
    ("if", "x", "b"),
    ("ifelse", "", "bb"),
    ("ifte", "", "bb"),
    ("ifthenelse", "", "bbb"),
    ("importas", "Dd", "ww"),
    ("pipeline", "", "b"),
    ("redirfd", "", "ww"),
    ("umask", "", "w"),
    ("unexport", "", "w"),
];

impl Walker<'_> {
    /// Reads an execline script.
    pub(super) fn execline(&mut self, mapped: &MappedText, state: &mut State) {
        let mut reader = Reader { mapped, at: 0, words: 0 };
        let items = reader.items(0);
        self.chain(&items, state, 0);
    }

    /// Follows a chain of programs.
    fn chain(&mut self, items: &[Item], state: &mut State, depth: usize) {
        let mut rest = items;
        let mut api = "command";
        while let Some((Item::Word(program), after)) = rest.split_first() {
            if self.is_exhausted() || depth > MAX_DEPTH {
                return;
            }
            let words: Fields = after.iter().map_while(word_of).cloned().collect();
            let Some(name) = program.constant().map(str::to_owned) else {
                self.site(program, api, &words, state);
                return;
            };
            let base = name.rsplit('/').next().unwrap_or(&name).to_owned();
            if let Ok(index) = COMMANDS.binary_search_by_key(&base.as_str(), |row| row.0) {
                self.site(program, api, &words, state);
                let Some(next) = self.blocks(&COMMANDS[index], after, state, depth) else { return };
                rest = next;
                api = COMMANDS[index].0;
                continue;
            }
            match wrapper(&base) {
                // What a wrapper runs is the rest of the chain.
                Some(row) if matches!(row.inner, Inner::Command(_)) => {
                    let Inner::Command(operands) = row.inner else { return };
                    self.site(program, api, &words, state);
                    let Some(start) = command_start(row, &words, operands) else { return };
                    rest = &after[start..];
                    api = row.name;
                }
                _ => {
                    let fields: Fields = std::iter::once(program.clone()).chain(words).collect();
                    self.dispatch(&fields, Command { api, by_shell: false, ..Command::PLAIN }, state);
                    return;
                }
            }
        }
    }

    /// Runs the blocks of one of execline's own programs; what stands behind them is the next program.
    fn blocks<'i>(
        &mut self,
        row: &(&str, &'static str, &str),
        items: &'i [Item],
        state: &mut State,
        depth: usize,
    ) -> Option<&'i [Item]> {
        let options = Wrapper { short: row.1, ..super::command::PLAIN };
        let mut rest = items;
        while let Some(Item::Word(word)) = rest.first()
            && let Some(text) = word.constant().filter(|text| text.len() > 1 && text.starts_with('-'))
        {
            rest = rest.get(1 + usize::from(takes_next(&options, text))..)?;
        }
        for part in row.2.chars() {
            let (item, after) = rest.split_first()?;
            match (part, item) {
                ('b', Item::Block(block)) => self.chain(block, &mut state.clone(), depth + 1),
                ('w', Item::Word(_)) | ('d', Item::Block(_)) => {}
                _ => return None,
            }
            rest = after;
        }
        Some(rest)
    }
}

fn word_of(item: &Item) -> Option<&Value> {
    match item {
        Item::Word(word) => Some(word),
        Item::Block(_) => None,
    }
}

struct Reader<'t> {
    mapped: &'t MappedText,
    at: usize,
    words: usize,
}

impl Reader<'_> {
    /// The words and blocks up to the end of the block that is being read.
    fn items(&mut self, depth: usize) -> Vec<Item> {
        let mut items = Vec::new();
        loop {
            self.blanks();
            let rest = &self.mapped.text()[self.at..];
            self.words += 1;
            if rest.is_empty() || self.words > MAX_WORDS || depth > MAX_DEPTH {
                return items;
            }
            let alone = rest[1..].chars().next().is_none_or(char::is_whitespace);
            match rest.as_bytes()[0] {
                b'{' if alone => {
                    self.at += 1;
                    items.push(Item::Block(self.items(depth + 1)));
                }
                b'}' if alone => {
                    self.at += 1;
                    return items;
                }
                _ => items.push(Item::Word(self.word())),
            }
        }
    }

    /// Passes over white space and comments.
    fn blanks(&mut self) {
        loop {
            let rest = &self.mapped.text()[self.at..];
            let bare = rest.trim_start();
            self.at += rest.len() - bare.len();
            if !bare.starts_with('#') {
                return;
            }
            self.at += bare.find('\n').unwrap_or(bare.len());
        }
    }

    /// One word: quotes and backslashes resolved; one with a variable is not known.
    fn word(&mut self) -> Value {
        let text = self.mapped.text();
        let start = self.at;
        let mut own = String::new();
        let mut quoted = false;
        let mut letters = text[start..].char_indices();
        let mut end = text.len();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => quoted = !quoted,
                '\\' => own.extend(letters.next().map(|(_, next)| next)),
                _ if !quoted && letter.is_whitespace() => {
                    end = start + at;
                    break;
                }
                _ => own.push(letter),
            }
        }
        self.at = end;
        let at: Option<Span> = self.mapped.span(start, end);
        if own.contains("${") {
            return Value { at, ..Value::unknown("a variable of execline") };
        }
        let written = self.mapped.slice(start..end);
        let value = if written.text() == own { Value::known(written) } else { Value::made(&own, at) };
        Value { at, ..value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{Root, ScanContext};
    use crate::walk::Tree;

    fn programs(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("run"), text).expect("written");
        let tree = Tree::open(folder.path()).expect("opened");
        assert!(super::super::detects(&tree, "run"), "{text}");
        let roots = [Root { language: "shell", path: "run".to_owned() }];
        let scan = super::super::scan(&ScanContext::new(&tree), &roots);
        assert!(scan.skipped.is_empty(), "{:?}", scan.skipped);
        let names = scan.sites.iter().map(|site| site.program.to_string());
        for site in &scan.sites {
            assert!(site.program.text().is_none_or(|name| tree.files().text(site.span).contains(name)), "{site:?}");
        }
        names.collect()
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(COMMANDS.is_sorted_by_key(|row| row.0));
    }

    #[test]
    fn chains_and_blocks_are_followed() {
        for (text, want) in [
            ("#!/bin/execlineb -P\nnginx -g \"daemon off;\"\n", vec!["/bin/execlineb", "nginx"]),
            (
                "#!/command/execlineb -P\n# first\nwith-contenv\ns6-setuidgid app\nfdmove -c 2 1\n/usr/bin/app --x\n",
                vec!["/command/execlineb", "/usr/bin/app", "fdmove", "s6-setuidgid", "with-contenv"],
            ),
            (
                "#!/bin/execlineb -S0\nif { test -e /x }\nifelse { other } { exec -a n third }\nforeground { sh -c \"inner shell\" }\nimportas -D 8 P PORT\nlast ${P}\n",
                vec![
                    "/bin/execlineb",
                    "exec",
                    "foreground",
                    "if",
                    "ifelse",
                    "importas",
                    "inner",
                    "last",
                    "other",
                    "sh",
                    "test",
                    "third",
                ],
            ),
            ("#!/bin/execlineb\nforeground { \n", vec!["/bin/execlineb", "foreground"]),
            ("#!/bin/execlineb\necho nginx { } nginx\n", vec!["/bin/execlineb", "echo"]),
        ] {
            let mut found = programs(text);
            found.sort();
            assert_eq!(found, want, "{text}");
        }
    }
}
