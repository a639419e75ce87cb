//! Command lines and arguments as texts: for the shell, and for wrappers that run other programs.

use super::{Finder, Hit};
use crate::file::{MappedText, Span};
use crate::scan::shell::{Dialect, scan_text};
use crate::scan::value::operation::words;
use crate::scan::value::{Element, Found, Part, Text, Value};
use crate::site::{ExecSite, Program, Step};
use std::rc::Rc;

/// Stands in shell text for what is not known.
const HOLE: &str = "ABOARD_UNKNOWN";

impl Finder<'_> {
    /// A command line that is split into words.
    pub(super) fn line(&mut self, hit: &Hit, found: &Found) {
        match &found.value {
            Value::Text(text) => {
                let elements: Vec<Element> =
                    words(text).into_iter().map(|word| Element::Known(found.with(Value::Text(word)))).collect();
                if elements.is_empty() { self.site(hit, found, &[]) } else { self.list(hit, &Rc::new(elements), found) }
            }
            Value::List(elements) => {
                let elements = Rc::clone(elements);
                self.list(hit, &elements, found);
            }
            _ => self.site(hit, found, &[]),
        }
    }

    pub(super) fn argument_text(&self, hit: &Hit, values: &[Found]) -> Text {
        match values {
            [Found { value: Value::Text(text), .. }] => text.clone(),
            _ => Text::unknown("an argument", self.module.span(hit.call)),
        }
    }

    /// The programs that a program runs in turn (`sudo`, `env`, `sh -c`), as the scanner of shell code knows them.
    pub(super) fn inner_programs(&mut self, hit: &Hit, found: &Found, program: &str, arguments: &[Text]) {
        let span = self.module.span(hit.call);
        let mut text = MappedText::new();
        text.push(&quoted(program), span);
        for argument in arguments {
            text.push(" ", span);
            push_word(&mut text, argument);
        }
        let scan = scan_text(self.code.context, &text, Dialect::Posix, &[]);
        let own = Program::from_text(program);
        let inner = scan.sites.into_iter().filter(|site| site.program != own);
        self.take_shell(hit, found, inner.collect());
    }

    /// A text for `/bin/sh`: the shell itself, and what the text runs.
    pub(super) fn shell(&mut self, hit: &Hit, found: &Found) {
        if matches!(found.value, Value::Nothing) {
            return;
        }
        let span = self.module.span(hit.call);
        self.site(hit, &found.with(Value::Text(Text::known("/bin/sh", span))), &[]);
        let Value::Text(text) = &found.value else {
            let reason = match &found.value {
                Value::Unknown(reason) => format!("shell text: {reason}"),
                _ => "shell text that is not known".to_owned(),
            };
            return self.site(hit, &found.with(Value::Unknown(reason)), &[]);
        };
        if !text.says_something() {
            let reason = format!("shell text: {}", text.reason().unwrap_or("nothing is known of it"));
            return self.site(hit, &found.with(Value::Unknown(reason)), &[]);
        }
        let mut mapped = MappedText::new();
        for part in &text.parts {
            match part {
                Part::Known(known, span) => mapped.push(known, *span),
                Part::Unknown(_, span) => mapped.push(&format!("${{{HOLE}}}"), *span),
            }
        }
        let scan = scan_text(self.code.context, &mapped, Dialect::Posix, &[]);
        self.take_shell(hit, found, scan.sites);
        self.scan.skipped.extend(scan.skipped);
    }

    pub(super) fn take_shell(&mut self, hit: &Hit, found: &Found, sites: Vec<ExecSite>) {
        let span = self.module.span(hit.call);
        for mut site in sites {
            if site.program.text().is_some_and(|text| text.contains(HOLE)) {
                site.program = Program::Dynamic("a part of the shell text that is not known".to_owned());
            }
            if let Program::Dynamic(reason) = &mut site.program {
                *reason = reason.replace(&format!("${{{HOLE}}}"), "an unknown part").replace(HOLE, "an unknown part");
            }
            site.optional |= found.optional || self.copes(hit.call);
            site.default |= found.default;
            site.trace.push(Step { what: hit.api.clone(), span });
            site.trace.extend(found.steps());
            self.scan.sites.push(site);
        }
    }
}

/// A word in single quotes.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A word of shell text; what is not known of it becomes a variable.
pub(super) fn push_word(text: &mut MappedText, word: &Text) {
    if word.parts.is_empty()
        && let Some(span) = text.span(0, 1)
    {
        text.push("''", span);
    }
    for part in &word.parts {
        match part {
            Part::Known(known, span) if known.is_empty() => text.push("''", *span),
            Part::Known(known, span) if known.contains('\'') || word.parts.len() > 1 => {
                text.push(&quoted(known), *span);
            }
            Part::Known(known, span) => {
                // The quotes stand apart, so that the word itself maps back byte for byte.
                let at = |byte: u32| Span { file: span.file, start: byte, end: byte };
                text.push("'", at(span.start));
                text.push(known, *span);
                text.push("'", at(span.end));
            }
            Part::Unknown(_, span) => text.push(&format!("\"${{{HOLE}}}\""), *span),
        }
    }
}
