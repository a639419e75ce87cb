//! Package managers beside apk, and the tools that build programs.

use super::words::Field;
use super::{Runner, State, UNKNOWN};
use crate::dockerfile::path;
use crate::dockerfile::plan::{Build, BuildTool, ForeignPackage, Origin, Shape};
use crate::file::Span;

impl Runner<'_> {
    /// Follows a package manager or a build tool; false where the name is none.
    pub(super) fn install_command(&mut self, name: &str, rest: &[Field], whole: Span, state: &State) -> bool {
        let applet = rest.iter().position(|field| !field.text().starts_with(['-', '+']));
        let words = applet.map_or(rest, |at| &rest[at + 1..]);
        let applet = applet.map_or("", |at| rest[at].text());
        match (name, applet) {
            ("apt-get" | "apt" | "aptitude", _) => self.system(rest, "apt"),
            ("dnf" | "microdnf" | "tdnf" | "yum" | "zypper", _) => self.system(rest, "dnf"),
            ("dpkg" | "rpm", _) => {
                if rest.iter().any(|field| matches!(field.text(), "-i" | "--install" | "-U" | "-Uvh" | "-ivh")) {
                    self.unknown(whole, format!("the package that `{name}` installs is not in an index"), true);
                }
            }
            ("pip" | "pip3", "install") => self.pip(words, whole, state),
            ("python" | "python3", _) if is_module(rest, "pip") && has(rest, "install") => {
                let at = rest.iter().position(|field| field.text() == "install").unwrap_or(0);
                self.pip(&rest[at + 1..], whole, state);
            }
            ("uv", "pip") if has(words, "install") => {
                let at = words.iter().position(|field| field.text() == "install").unwrap_or(0);
                self.pip(&words[at + 1..], whole, state);
            }
            ("pipx" | "gem", "install") | ("uv", "tool") => {
                self.named(name, words, whole, "/usr/local/bin");
            }
            ("python" | "python3", _) if is_module(rest, "venv") => {}
            ("pip" | "pip3" | "gem" | "pipx", _) => {}
            ("poetry" | "uv" | "pdm" | "pipenv", _) => {
                let syncs = matches!(applet, "install" | "sync");
                self.build(BuildTool::Python, &[], None, whole, state);
                if syncs {
                    self.unknown(whole, format!("which programs `{name} {applet}` installs is not known"), true);
                }
            }
            ("npm" | "yarn" | "pnpm" | "bun", _) => self.node(name, rest, whole, state),
            ("corepack", _) => {
                for program in ["pnpm", "pnpx", "yarn", "yarnpkg"] {
                    let at = path::join("/usr/local/bin", program);
                    self.put(&at, Shape::File, Origin::Built("corepack".to_owned()), Some(true), whole);
                }
            }
            ("go" | "xx-go", _) => self.go(applet, words, whole, state),
            ("cargo" | "xx-cargo", _) => self.cargo(applet, words, whole, state),
            ("make" | "gmake" | "ninja" | "cmake" | "meson", _) => {
                self.build(BuildTool::Make, &operands(rest, &["-C", "-f", "-j"]), None, whole, state);
                self.unknown(whole, format!("which programs `{name}` builds and installs is not known"), true);
            }
            _ => return false,
        }
        true
    }

    /// `apt-get install`, `dnf install`.
    fn system(&mut self, rest: &[Field], manager: &'static str) {
        let names = operands(rest, &["-o", "-t", "--target-release", "-c"]);
        let Some((applet, names)) = names.split_first() else { return };
        if !matches!(applet.text(), "install" | "in") {
            return;
        }
        for field in names {
            let name = field.text().split(['=', ':', '/']).next().unwrap_or_default();
            if !name.is_empty() && !name.contains(UNKNOWN) {
                self.foreign(manager, name, field.span);
            } else {
                self.unknown(field.span, "which packages are installed is known only when it runs", true);
            }
        }
    }

    fn foreign(&mut self, manager: &'static str, name: &str, span: Span) {
        let package = ForeignPackage { manager, name: name.to_owned(), span };
        if self.plan.foreign.len() < 5000 && !self.plan.foreign.contains(&package) {
            self.plan.foreign.push(package);
        }
    }

    fn pip(&mut self, rest: &[Field], whole: Span, state: &State) {
        let with_value = [
            "-r",
            "--requirement",
            "-c",
            "--constraint",
            "-i",
            "--index-url",
            "--extra-index-url",
            "-t",
            "--target",
            "--prefix",
            "-f",
        ];
        let mut local = Vec::new();
        for field in operands(rest, &with_value) {
            let text = field.text();
            if text.starts_with(['.', '/']) || text.contains('/') {
                local.push(field.clone());
                continue;
            }
            let name = text.split(['=', '<', '>', '~', '!', '[', '@', ';', ' ']).next().unwrap_or_default();
            if !name.is_empty() && !name.contains(UNKNOWN) {
                self.foreign("pip", name, field.span);
                // Most packages with a program name it like themselves.
                self.perhaps(&path::join("/usr/local/bin", name), "pip install", field.span);
            }
        }
        if !local.is_empty() {
            self.build(BuildTool::Python, &local, None, whole, state);
        }
        self.unknown(whole, "which programs the Python packages bring is not known", true);
    }

    /// Tools whose packages are programs, named like them.
    fn named(&mut self, name: &str, words: &[Field], whole: Span, folder: &str) {
        for field in operands(words, &["-v", "--version", "--python"]) {
            let program = field.text().split(['=', '@', ':']).next().unwrap_or_default();
            if !program.is_empty() && !program.contains('/') && program != "install" {
                self.perhaps(&path::join(folder, program), name, field.span);
            }
        }
        self.unknown(whole, format!("which programs the packages that `{name}` installs bring is not known"), true);
    }

    /// A program that an installer most likely brings.
    fn perhaps(&mut self, path: &str, tool: &str, span: Span) {
        self.conditional += 1;
        self.put(path, Shape::File, Origin::Built(tool.to_owned()), Some(true), span);
        self.conditional -= 1;
    }

    fn node(&mut self, name: &str, rest: &[Field], whole: Span, state: &State) {
        let words = operands(rest, &["--prefix", "--registry", "-C", "--cwd", "--dir"]);
        let applet = words.first().map(Field::text).unwrap_or_default();
        let global = has(rest, "-g") || has(rest, "--global") || has(rest, "--location=global") || applet == "global";
        let installs = ["install", "i", "add", "global"].contains(&applet);
        if global && installs {
            for field in words.iter().skip(1).filter(|field| field.text() != "add") {
                let text = field.text();
                let bare = match text.strip_prefix('@') {
                    Some(scoped) => scoped.split('@').next().and_then(|scoped| scoped.rsplit('/').next()),
                    None => text.split('@').next(),
                };
                if let Some(bare) = bare.filter(|bare| !bare.is_empty() && !bare.contains(UNKNOWN)) {
                    self.foreign("npm", text, field.span);
                    self.perhaps(&path::join("/usr/local/bin", bare), "npm install", field.span);
                }
            }
            self.unknown(whole, format!("which programs the packages that `{name}` installs bring is not known"), true);
        } else {
            // Packages of the project itself: they land beside it, not on the PATH.
            self.build(BuildTool::Node, &words, None, whole, state);
        }
    }

    fn go(&mut self, applet: &str, words: &[Field], whole: Span, state: &State) {
        let with_value = [
            "-o",
            "-ldflags",
            "-tags",
            "-gcflags",
            "-asmflags",
            "-mod",
            "-p",
            "-C",
            "-buildmode",
            "-installsuffix",
            "-compiler",
            "-overlay",
            "-pkgdir",
            "-toolexec",
            "-modfile",
        ];
        match applet {
            "build" => {
                let output = value(words, &["-o"]);
                let folder =
                    value(words, &["-C"]).map_or_else(|| state.folder.clone(), |to| path::join(&state.folder, &to));
                let inner = State { folder, ..state.clone() };
                let packages = operands(words, &with_value);
                self.build(BuildTool::Go, &packages, output, whole, &inner);
            }
            "install" => {
                let bin = match (state.variables.get("GOBIN"), state.variables.get("GOPATH")) {
                    (Some(bin), _) if !bin.contains(UNKNOWN) && !bin.is_empty() => bin.clone(),
                    (_, Some(path)) if !path.contains(UNKNOWN) && !path.is_empty() => format!("{path}/bin"),
                    _ => "/root/go/bin".to_owned(),
                };
                for field in operands(words, &with_value) {
                    let (package, remote) = match field.text().split_once('@') {
                        Some((package, _)) => (package, true),
                        None => (field.text(), false),
                    };
                    if !remote {
                        let output = Some(format!("{bin}/"));
                        self.build(BuildTool::Go, std::slice::from_ref(&field), output, whole, state);
                        continue;
                    }
                    let name = go_program(package);
                    self.put(
                        &path::join(&bin, name),
                        Shape::File,
                        Origin::Built("go install".to_owned()),
                        Some(true),
                        field.span,
                    );
                }
            }
            "run" | "generate" | "tool" => {
                self.unknown(whole, format!("what `go {applet}` runs is not followed"), false);
            }
            _ => {}
        }
    }

    fn cargo(&mut self, applet: &str, words: &[Field], whole: Span, state: &State) {
        let with_value = [
            "--bin",
            "--target",
            "--features",
            "-p",
            "--package",
            "--manifest-path",
            "--target-dir",
            "--profile",
            "-F",
            "--root",
            "--path",
            "--version",
            "-j",
            "--git",
            "--branch",
            "--tag",
            "--rev",
        ];
        match applet {
            "build" | "zigbuild" | "auditable" => {
                let names: Vec<Field> = words
                    .windows(2)
                    .filter(|pair| matches!(pair[0].text(), "--bin" | "-p" | "--package"))
                    .map(|pair| pair[1].clone())
                    .collect();
                self.build(BuildTool::Cargo, &names, None, whole, state);
            }
            "install" => {
                let home = state.variables.get("CARGO_HOME").cloned().unwrap_or_else(|| "/root/.cargo".to_owned());
                let root = value(words, &["--root"]).unwrap_or(home);
                if let Some(local) = value(words, &["--path"]) {
                    let folder = path::join(&state.folder, &local);
                    self.build(
                        BuildTool::Cargo,
                        &[],
                        Some(format!("{root}/bin/")),
                        whole,
                        &State { folder, ..state.clone() },
                    );
                    self.put(
                        &format!("{root}/bin"),
                        Shape::Tree,
                        Origin::Built("cargo install".to_owned()),
                        None,
                        whole,
                    );
                }
                for field in operands(words, &with_value) {
                    let name = field.text().split('@').next().unwrap_or_default();
                    let at = path::join(&format!("{root}/bin"), name);
                    self.put(&at, Shape::File, Origin::Built("cargo install".to_owned()), Some(true), field.span);
                }
            }
            _ => {}
        }
    }

    /// Notes a build, and the file that it makes where the command says which.
    fn build(&mut self, tool: BuildTool, packages: &[Field], output: Option<String>, whole: Span, state: &State) {
        let packages: Vec<String> = packages.iter().map(|field| field.text().replace(UNKNOWN, "…")).collect();
        let outputs =
            if tool == BuildTool::Go { go_outputs(&packages, output.as_deref(), &state.folder) } else { Vec::new() };
        for path in &outputs {
            self.put(path, Shape::File, Origin::Built("go build".to_owned()), Some(true), whole);
        }
        let binds = self.binds.clone();
        let build =
            Build { tool, folder: state.folder.clone(), packages, outputs, binds, span: whole, stage: self.plan.stage };
        if self.plan.builds.len() < 1000 {
            self.plan.builds.push(build);
        }
    }
}

/// The last part of a package's path, a major version aside.
fn go_program(package: &str) -> &str {
    let mut parts = package.rsplit('/').filter(|part| !part.is_empty() && *part != "...");
    let last = parts.next().unwrap_or(package);
    let is_version =
        last.strip_prefix('v').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    if is_version { parts.next().unwrap_or(last) } else { last }
}

/// The files that `go build` writes: `-o`, else a file named like the package in the working folder.
fn go_outputs(packages: &[String], output: Option<&str>, folder: &str) -> Vec<String> {
    let named = |package: &String| {
        let at = path::join(folder, package);
        let name = go_program(if package.starts_with(['.', '/']) || package.is_empty() { &at } else { package });
        name.trim_end_matches(".go").to_owned()
    };
    let own = [".".to_owned()];
    let packages = if packages.is_empty() { own.as_slice() } else { packages };
    match output {
        Some(output) if output.ends_with('/') || packages.len() > 1 => {
            packages.iter().map(|package| path::join(&path::join(folder, output), &named(package))).collect()
        }
        Some(output) => vec![path::join(folder, output)],
        None => packages.iter().map(|package| path::join(folder, &named(package))).collect(),
    }
}

/// The words that are no options and no options' values.
fn operands(fields: &[Field], with_value: &[&str]) -> Vec<Field> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(field) = fields.get(at) {
        at += 1;
        let text = field.text();
        if with_value.contains(&text) {
            at += 1;
        } else if !text.starts_with('-') && !text.is_empty() {
            found.push(field.clone());
        }
    }
    found
}

/// The value of an option, behind it or behind its `=`.
fn value(fields: &[Field], names: &[&str]) -> Option<String> {
    for (at, field) in fields.iter().enumerate() {
        let text = field.text();
        if names.contains(&text) {
            return fields.get(at + 1).map(|value| value.text().to_owned());
        }
        if let Some((name, value)) = text.split_once('=')
            && names.contains(&name)
        {
            return Some(value.to_owned());
        }
    }
    None
}

fn has(fields: &[Field], text: &str) -> bool {
    fields.iter().any(|field| field.text() == text)
}

fn is_module(fields: &[Field], module: &str) -> bool {
    fields.windows(2).any(|pair| pair[0].text() == "-m" && pair[1].text() == module)
}
