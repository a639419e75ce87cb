//! What a stage makes of its image: each case is a Dockerfile and what its last stage then has.

#![allow(clippy::panic, reason = "a test fails by panicking")]

use aboard::dockerfile::{Context, Options, Origin, Plans, Presence, StagePlan, parse};
use aboard::walk::Tree;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new(dockerfile: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("Dockerfile"), dockerfile).expect("written");
        Self { folder }
    }

    fn file(self, path: &str, mode: u32) -> Self {
        self.text(path, mode, "x")
    }

    fn text(self, path: &str, mode: u32, text: &str) -> Self {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        self
    }

    fn plan(&self, args: &[(&str, &str)]) -> StagePlan {
        let tree = Tree::open(self.folder.path()).expect("opened");
        let file = tree.read("Dockerfile").expect("read");
        let dockerfile = parse(tree.files(), file).expect("a Dockerfile");
        let context = Context::new(&tree, "", "Dockerfile");
        let build_args: BTreeMap<String, String> =
            args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let options = Options { build_args, context: Some(&context), ..Options::default() };
        let plans = Plans::new(&dockerfile, &options);
        let plan = plans.target(None).expect("a stage").clone();
        // Every package's span covers a word of the file.
        for package in &plan.packages {
            assert!(!tree.files().text(package.span).is_empty(), "{package:?}");
        }
        plan
    }
}

fn plan(dockerfile: &str) -> StagePlan {
    Case::new(dockerfile).plan(&[])
}

fn packages(plan: &StagePlan) -> Vec<&str> {
    plan.packages.iter().map(|package| package.name.as_str()).collect()
}

fn run(text: &str) -> StagePlan {
    plan(&format!("FROM alpine:3.20\nWORKDIR /app\nRUN {text}\n"))
}

#[test]
fn apk_add_reads_options_constraints_and_tags() {
    let plan = run(
        "apk --no-cache -X https://x/y add -t .deps 'git=2.45.2-r0' curl~8 jq@edge --repository=https://z so:libz.so.1",
    );
    assert_eq!(packages(&plan), ["git", "curl", "jq", "so:libz.so.1"]);
    assert_eq!(plan.packages[0].constraint.as_deref(), Some("=2.45.2-r0"));
    assert_eq!(plan.packages[1].constraint.as_deref(), Some("~8"));
    assert_eq!(plan.packages[2].tag.as_deref(), Some("edge"));
    assert!(plan.packages.iter().all(|package| package.virtual_name.as_deref() == Some(".deps")));
    assert_eq!(plan.packages[0].repositories, ["https://x/y", "https://z"]);
    assert_eq!(plan.apk_adds[0].words.len(), 4);
}

#[test]
fn what_is_removed_is_gone_unless_it_was_added_twice() {
    let plan = run("apk add --virtual .b gcc git && apk add git && apk del .b && apk del tzdata");
    assert_eq!(packages(&plan), ["git"]);
    let removed: Vec<(&str, bool)> =
        plan.removed.iter().map(|gone| (gone.name.as_str(), gone.added.is_some())).collect();
    assert_eq!(removed, [("gcc", true), ("tzdata", false)]);
}

#[test]
fn loops_variables_functions_and_texts_are_followed() {
    assert_eq!(packages(&run("for p in git curl; do apk add \"$p\"; done")), ["git", "curl"]);
    assert_eq!(packages(&run("set -eux; deps='git curl'; apk add --no-cache $deps")), ["git", "curl"]);
    assert_eq!(packages(&run("f() { apk add \"$1\"; }; f git; f jq")), ["git", "jq"]);
    assert_eq!(packages(&run("sh -c \"apk add git\" && sudo -E env A=b apk add jq")), ["git", "jq"]);
    assert_eq!(packages(&run("apk add lib{a,b}")), ["liba", "libb"]);
    assert_eq!(packages(&run("[\"apk\", \"add\", \"git\"]")), ["git"]);
    let here = "FROM alpine:3.20\nRUN <<EOF\nset -e\napk add git\napk add \\\n  jq\nEOF\nRUN cat <<A >/a && apk add sed\nRUN not\nA\n";
    assert_eq!(packages(&plan(here)), ["git", "jq", "sed"]);
}

#[test]
fn conditions_are_decided_where_the_values_are_known() {
    let text = "FROM alpine:3.20\nARG DOCKER=false\nRUN if [ \"$DOCKER\" = true ]; then apk add docker-cli; else apk add git; fi\n";
    assert_eq!(packages(&plan(text)), ["git"]);
    assert_eq!(packages(&Case::new(text).plan(&[("DOCKER", "true")])), ["docker-cli"]);
    let plan = run("case \"$(uname -m)\" in x86_64) apk add git ;; *) exit 1 ;; esac; apk add jq");
    assert_eq!(packages(&plan), ["git", "jq"]);
    assert!(plan.packages.iter().all(|package| !package.conditional));
    let plan = run("if [ -f /x ]; then apk add git; fi; test -f /y && apk add jq; apk add sed || true");
    let known: Vec<(&str, bool)> =
        plan.packages.iter().map(|package| (package.name.as_str(), package.conditional)).collect();
    assert_eq!(known, [("git", true), ("jq", true), ("sed", false)]);
}

#[test]
fn what_cannot_be_known_is_said() {
    for text in [
        "apk add $(cat packages.txt)",
        "apk add $UNSET",
        "./setup.sh",
        "curl https://x | sh",
        "apk add /tmp/x.apk",
        "make install",
    ] {
        let plan = run(text);
        assert!(plan.unknown.iter().any(|effect| effect.programs), "{text}: {:?}", plan.unknown);
        assert!(plan.packages.is_empty(), "{text}");
    }
    for text in [
        // It writes for `make`, which is not known anyway.
        "./configure",
        "apk add git",
        "addgroup x && adduser -D y",
        "mkdir -p /a && chown x /a",
        "true",
        "update-ca-certificates",
        "node --version",
        "sed -i s/a/b/ /etc/x",
    ] {
        assert!(run(text).unknown.is_empty(), "{text}: {:?}", run(text).unknown);
    }
}

#[test]
fn files_are_followed_through_commands() {
    let plan = run(
        "wget -O /usr/local/bin/gosu https://x/gosu && chmod +x /usr/local/bin/gosu && ln -s gosu /usr/local/bin/g && cp /usr/local/bin/gosu /opt/ && mv /opt/gosu /usr/bin/h",
    );
    let Presence::Provided(gosu) = plan.program("gosu") else { panic!("gosu") };
    assert_eq!(gosu.executable, Some(true));
    assert_eq!(gosu.origin, Origin::Built("wget".to_owned()));
    assert!(matches!(plan.program("g"), Presence::Provided(_)));
    assert!(matches!(plan.program("h"), Presence::Provided(_)));
    assert_eq!(plan.presence("/opt/gosu"), Presence::Unnamed);
    let plan = run(
        "curl -fsSLo /tmp/x.tgz https://x && tar -xzf /tmp/x.tgz -C /usr/local/bin --strip-components=1 linux-amd64/helm && rm -rf /tmp/x.tgz",
    );
    assert!(matches!(plan.presence("/usr/local/bin/helm"), Presence::Provided(_)));
    assert_eq!(plan.presence("/tmp/x.tgz"), Presence::Unnamed);
    let plan = run("install -m 0755 a /usr/bin/b && install -D -m644 c /etc/d");
    assert!(matches!(plan.presence("/usr/bin/b"), Presence::Provided(file) if file.executable == Some(true)));
    assert!(matches!(plan.presence("/etc/d"), Presence::Provided(file) if file.executable == Some(false)));
}

#[test]
fn build_tools_say_what_they_write() {
    for (text, want) in [
        ("go build -o /bin/app ./cmd/app", "/bin/app"),
        ("go build ./cmd/server", "/app/server"),
        ("cd cmd && go build -o ../out/ ./x ./y", "/app/out/y"),
        ("GOBIN=/b go install example.com/tool/v2@latest", "/b/tool"),
        ("cargo install ripgrep --root /usr/local", "/usr/local/bin/ripgrep"),
        ("npm install -g @scope/tool@1", "/usr/local/bin/tool"),
        ("pip install --no-cache-dir yt-dlp==1", "/usr/local/bin/yt-dlp"),
    ] {
        let plan = run(text);
        assert!(matches!(plan.presence(want), Presence::Provided(_)), "{text}: {:?}", plan.files);
    }
}

#[test]
fn copies_come_from_the_context_other_stages_and_images() {
    let text = "FROM alpine:3.20 AS b\nRUN go build -o /out/app .\nFROM alpine:3.20\nWORKDIR /srv\nCOPY --from=b /out /usr/local/bin\nCOPY *.sh run/ ./\nCOPY --from=docker:cli /usr/local/bin/docker /usr/bin/\nCOPY secret /x\n";
    let plan =
        Case::new(text).file("a.sh", 0o755).file("run/b.sh", 0o644).file("secret", 0o644).file(".dockerignore", 0o644);
    fs::write(plan.folder.path().join(".dockerignore"), "secret\n").expect("written");
    let plan = plan.plan(&[]);
    assert!(
        matches!(plan.program("app"), Presence::Provided(file) if file.origin == Origin::Stage(0, "/out/app".to_owned()))
    );
    assert!(matches!(plan.presence("/srv/a.sh"), Presence::Provided(file) if file.executable == Some(true)));
    assert!(matches!(plan.presence("/srv/b.sh"), Presence::Within(_)));
    assert!(matches!(plan.program("docker"), Presence::Provided(_)));
    assert_eq!(plan.presence("/x"), Presence::Unnamed);
    assert!(plan.unknown.iter().any(|effect| effect.why.contains("secret")), "{:?}", plan.unknown);
}

#[test]
fn stages_inherit_arguments_environment_and_packages() {
    let text = "ARG RELEASE=3.20\nFROM alpine:${RELEASE} AS base\nARG EXTRA=jq\nENV PATH=/opt/bin:$PATH\nRUN apk add git $EXTRA\nFROM base\nRUN apk add \"x-$EXTRA\"\nUSER 1000\n";
    let plan = plan(text);
    assert_eq!(packages(&plan), ["git", "jq", "x-jq"]);
    assert_eq!(plan.base.alpine_release(), Some("3.20"));
    assert_eq!(plan.path_folders()[0], "/opt/bin");
    assert_eq!(plan.chain, [0, 1]);
    assert_eq!(plan.user.as_ref().map(|user| user.value.as_str()), Some("1000"));
    assert_eq!(Case::new(text).plan(&[("RELEASE", "3.19")]).base.alpine_release(), Some("3.19"));
}

#[test]
fn releases_come_from_tags() {
    for (reference, want) in [
        ("alpine:3.20.3", Some("3.20")),
        ("node:20-alpine3.20", Some("3.20")),
        ("python:3.12-alpine3.19", Some("3.19")),
        ("alpine:edge", Some("edge")),
        ("node:20-alpine", None),
        ("docker.io/library/alpine:3.18@sha256:00", Some("3.18")),
        ("localhost:5000/alpine:3.17", Some("3.17")),
        ("debian:12", None),
    ] {
        assert_eq!(plan(&format!("FROM {reference}\n")).base.alpine_release(), want, "{reference}");
    }
}

#[test]
fn an_instruction_after_a_here_document_is_read() {
    let text = "FROM alpine:3.20\nRUN apk add --no-cache git\nCOPY <<'ENTRY' /entrypoint.sh\n#!/bin/sh\nexec su-exec app /app \"$@\"\nENTRY\nRUN chmod +x /entrypoint.sh && apk add --no-cache su-exec\nENTRYPOINT [\"/entrypoint.sh\"]\n";
    let plan = plan(text);
    assert_eq!(packages(&plan), ["git", "su-exec"]);
    assert!(matches!(plan.presence("/entrypoint.sh"), Presence::Provided(file) if file.executable == Some(true)));
    assert!(plan.entrypoint.is_some());
}

#[test]
fn onbuild_runs_in_the_child() {
    let text = "FROM alpine:3.20 AS base\nONBUILD RUN apk add git\nFROM base\n";
    assert_eq!(packages(&plan(text)), ["git"]);
    assert!(packages(&plan("FROM alpine:3.20\nONBUILD RUN apk add git\n")).is_empty());
}

#[test]
fn hostile_texts_end() {
    for text in [
        format!("FROM alpine\nRUN {}", "(".repeat(5000)),
        format!("FROM alpine\nRUN {}", "if a; then ".repeat(3000)),
        format!("FROM alpine\nRUN {}x", "sh -c 'sh -c \"a\"' && ".repeat(3000)),
        format!("FROM alpine\nENV A={}\n{}", "x".repeat(1000), "ENV A=$A$A$A$A\n".repeat(60)),
        "FROM alpine\nRUN f() { f; f; }; f".to_owned(),
        "FROM alpine\nRUN for a in 1 2 3 4 5 6 7 8 9; do for b in 1 2 3 4 5 6 7 8 9; do for c in 1 2 3 4 5 6 7 8 9; do for d in 1 2 3 4 5 6 7 8 9; do for e in 1 2 3 4 5 6 7 8 9; do apk add x$a$b$c$d$e; done; done; done; done; done".to_owned(),
    ] {
        plan(&text);
    }
}

#[test]
fn scripts_of_the_context_are_followed_where_a_run_starts_them() {
    let script = "#!/bin/sh\nset -e\napk add --no-cache \"$1\" jq\n";
    for run in [
        "COPY build /build\nRUN /build/setup.sh git",
        "COPY build/setup.sh /usr/local/bin/setup\nRUN setup git",
        "COPY build/setup.sh /\nRUN chmod +x /setup.sh && sh -e /setup.sh git",
        "RUN --mount=type=bind,source=build,target=/b cd /b && ./setup.sh git",
    ] {
        let case = Case::new(&format!("FROM alpine:3.20\n{run}\n")).text("build/setup.sh", 0o755, script);
        let plan = case.plan(&[]);
        assert_eq!(packages(&plan), ["git", "jq"], "{run}");
        assert!(plan.unknown.is_empty(), "{run}: {:?}", plan.unknown);
    }
    // What is no shell script, or is not there, stays unknown; one that runs itself ends.
    let python = Case::new("FROM alpine:3.20\nCOPY x /\nRUN /x\n").text("x", 0o755, "#!/usr/bin/python3\n");
    assert_eq!(python.plan(&[]).unknown.len(), 1);
    assert_eq!(plan("FROM alpine:3.20\nCOPY x /\nRUN /x\n").unknown.len(), 2);
    let own = Case::new("FROM alpine:3.20\nCOPY x.sh /\nRUN /x.sh\n").text("x.sh", 0o755, "#!/bin/sh\n/x.sh\n");
    assert_eq!(own.plan(&[]).unknown.len(), 1);
}

#[test]
fn alternatives_are_links() {
    let plan =
        run("update-alternatives --install /usr/bin/editor editor /usr/bin/vim 10 --slave /usr/bin/ex ex /usr/bin/vi");
    for link in ["/usr/bin/editor", "/usr/bin/ex"] {
        let Presence::Provided(file) = plan.presence(link) else { panic!("{link}: {:?}", plan.files) };
        assert!(matches!(&file.origin, Origin::Link(target) if target.starts_with("/usr/bin/vi")));
    }
    assert!(plan.unknown.is_empty());
}
