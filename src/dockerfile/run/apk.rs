//! `apk`'s command line: what it adds to the image's packages and takes from them.

use super::words::Field;
use super::{Runner, UNKNOWN};
use crate::dockerfile::plan::{ApkAdd, Package, Removed};
use crate::file::Span;

/// Options that take a value. Source: `apk(8)`, apk-tools 2.14 and 3.0.
const WITH_VALUE: [&str; 18] = [
    "--arch",
    "--cache-dir",
    "--cache-max-age",
    "--cache-packages",
    "--keys-dir",
    "--log-protocol",
    "--pretty-print",
    "--progress-fd",
    "--repositories-file",
    "--repository",
    "--root",
    "--root-tmpfs",
    "--timeout",
    "--virtual",
    "--wait",
    "-X",
    "-p",
    "-t",
];

/// A command line taken apart.
#[derive(Default)]
struct Line<'f> {
    applet: Option<&'f str>,
    names: Vec<&'f Field>,
    repositories: Vec<String>,
    virtual_name: Option<String>,
    root: bool,
}

fn read(fields: &[Field]) -> Line<'_> {
    let mut line = Line::default();
    let mut at = 0;
    while let Some(field) = fields.get(at) {
        at += 1;
        let text = field.text();
        if text == "--" {
            line.names.extend(&fields[at..]);
            break;
        }
        if !text.starts_with('-') || text == "-" {
            match line.applet {
                None => line.applet = Some(text),
                Some(_) => line.names.push(field),
            }
            continue;
        }
        let (option, attached) = match text.split_once('=') {
            Some((option, value)) if text.starts_with("--") => (option, Some(value.to_owned())),
            _ if !text.starts_with("--")
                && text.len() > 2
                && WITH_VALUE.contains(&text.get(..2).unwrap_or_default()) =>
            {
                (&text[..2], Some(text[2..].to_owned()))
            }
            _ => (text, None),
        };
        if !WITH_VALUE.contains(&option) {
            continue;
        }
        let value = attached.or_else(|| {
            let value = fields.get(at).map(|field| field.text().to_owned());
            at += 1;
            value
        });
        match option {
            "--virtual" | "-t" => line.virtual_name = value,
            "--repository" | "-X" => line.repositories.extend(value),
            "--root" | "-p" => line.root = value.is_some_and(|root| root != "/"),
            _ => {}
        }
    }
    line
}

impl Runner<'_> {
    /// `apk` with the words behind it; `whole` is the command from its first word to its last.
    pub(super) fn apk(&mut self, fields: &[Field], whole: Span) {
        let line = read(fields);
        if line.root {
            // Another root than the image's own.
            return;
        }
        match line.applet {
            Some("add") => self.apk_add(&line, whole),
            Some("del") => self.apk_del(&line),
            _ => {}
        }
    }

    fn apk_add(&mut self, line: &Line<'_>, whole: Span) {
        let conditional = self.conditional > 0;
        let stage = self.plan.stage;
        let mut words = Vec::new();
        for field in &line.names {
            let text = field.text();
            if text.ends_with(".apk") || text.starts_with(['/', '.']) && text.contains('/') {
                let file = text.replace(UNKNOWN, "…");
                self.unknown(field.span, format!("the package in {file} is not in an index"), true);
                continue;
            }
            if text.starts_with('!') || text.is_empty() {
                continue;
            }
            let Some(request) = Request::read(text) else {
                let shown = text.replace(UNKNOWN, "…");
                let why = match shown.as_str() {
                    "…" => "which packages are added is known only when it runs".to_owned(),
                    shown => format!("which package `{shown}` is is known only when it runs"),
                };
                self.unknown(field.span, why, true);
                continue;
            };
            words.push((request.name.clone(), field.span));
            let package = Package {
                name: request.name,
                constraint: request.constraint,
                tag: request.tag,
                virtual_name: line.virtual_name.clone(),
                repositories: line.repositories.clone(),
                conditional,
                span: field.span,
                stage,
            };
            let same = |known: &Package| known.name == package.name && known.virtual_name == package.virtual_name;
            match self.plan.packages.iter_mut().find(|known| same(known)) {
                Some(known) if known.conditional && !conditional => *known = package,
                Some(_) => {}
                None => self.plan.packages.push(package),
            }
            let last = words.last().map(|(name, _)| name.clone()).unwrap_or_default();
            if !conditional {
                self.plan.removed.retain(|gone| gone.name != last);
            }
        }
        let virtual_name = line.virtual_name.clone();
        self.plan.apk_adds.push(ApkAdd { span: whole, words, virtual_name, conditional, stage });
    }

    fn apk_del(&mut self, line: &Line<'_>) {
        for field in &line.names {
            let text = field.text();
            if !field.is_known() {
                self.unknown(field.span, "which packages are removed is known only when it runs", true);
                continue;
            }
            let name = Request::read(text).map_or_else(|| text.to_owned(), |request| request.name);
            let group = self.plan.packages.iter().any(|package| package.virtual_name.as_ref() == Some(&name));
            let taken = |package: &Package| {
                if group {
                    package.virtual_name.as_ref() == Some(&name)
                } else {
                    package.name == name && package.virtual_name.is_none()
                }
            };
            self.remove(&name, group, field.span, taken);
        }
    }

    fn remove(&mut self, name: &str, group: bool, span: Span, taken: impl Fn(&Package) -> bool) {
        let conditional = self.conditional > 0;
        let gone: Vec<Package> = self.plan.packages.iter().filter(|package| taken(package)).cloned().collect();
        if gone.is_empty() && !group {
            self.plan.removed.push(Removed { name: name.to_owned(), added: None, span, conditional });
        }
        for package in gone {
            if conditional {
                continue;
            }
            self.plan.packages.retain(|known| known != &package);
            // What another command has installed too stays.
            if !self.plan.packages.iter().any(|known| known.name == package.name) {
                self.plan.removed.push(Removed { name: package.name, added: Some(package.span), span, conditional });
            }
        }
    }
}

/// `name`, `name=1.2`, `name~1`, `name>=2`, `name@tag`.
struct Request {
    name: String,
    constraint: Option<String>,
    tag: Option<String>,
}

impl Request {
    /// Nothing where the name itself is not known.
    fn read(text: &str) -> Option<Self> {
        let (text, tag) = match text.rsplit_once('@') {
            Some((text, tag)) => (text, Some(tag.to_owned())),
            None => (text, None),
        };
        let end = text.find(['=', '~', '<', '>']).unwrap_or(text.len());
        let (name, constraint) = text.split_at(end);
        if name.is_empty() || name.contains(UNKNOWN) || name.contains(char::is_whitespace) {
            return None;
        }
        let constraint = (!constraint.is_empty()).then(|| constraint.replace(UNKNOWN, "*"));
        Some(Self { name: name.to_owned(), constraint, tag })
    }
}
