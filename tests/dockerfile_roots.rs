//! From a Dockerfile to the source that its image runs: each case is a tree and the roots of its last stage.

use aboard::dockerfile::{Context, Options, Plans, parse};
use aboard::roots::{Roots, from_dockerfile};
use aboard::walk::Tree;
use std::fs;

const SCRIPT: &str = "#!/bin/sh\nexec true\n";

fn traced(dockerfile: &str, files: &[(&str, &str)]) -> Roots {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in files.iter().chain(&[("Dockerfile", dockerfile)]) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs::write(path, text).expect("written");
    }
    let tree = Tree::open(folder.path()).expect("opened");
    let file = tree.read("Dockerfile").expect("read");
    let dockerfile = parse(tree.files(), file).expect("a Dockerfile");
    let context = Context::find_for(&tree, "Dockerfile", &dockerfile);
    let options = Options { context: Some(&context), ..Options::default() };
    let plans = Plans::new(&dockerfile, &options);
    from_dockerfile(&plans, plans.target(None).expect("a stage"), &context, &[])
}

fn names(roots: &Roots) -> Vec<String> {
    roots.found.iter().map(|found| format!("{}:{}", found.root.language, found.root.path)).collect()
}

#[test]
fn a_go_binary_leads_to_its_package() {
    let main = ("srv/cmd/app/main.go", "package main");
    let module = ("srv/go.mod", "module example.com/srv\n");
    for (lines, want) in [
        ("COPY srv .\nRUN go build -o /out/app ./cmd/app\n", "/out/app"),
        ("COPY . .\nRUN cd srv && CGO_ENABLED=0 go build -ldflags '-s -w' -o ../app ./cmd/app\n", "/src/app"),
        ("COPY srv/ ./\nRUN go build ./cmd/app\n", "/src/app"),
        ("COPY srv/ ./\nRUN go build -o /out/ example.com/srv/cmd/app\n", "/out/app"),
        ("COPY srv/ ./\nRUN go install ./cmd/app\n", "/go/bin/app"),
        ("RUN --mount=type=bind,source=srv,target=. go build -o /out/app ./cmd/app\n", "/out/app"),
        ("WORKDIR /src/cmd/app\nCOPY srv /src\nRUN go build -o /app .\n", "/app"),
    ] {
        let text = format!(
            "FROM golang:1.25-alpine AS b\nWORKDIR /src\n{lines}FROM b AS mid\nFROM alpine:3.20\nCOPY --from=mid {want} /usr/bin/app\nENTRYPOINT [\"app\"]\n"
        );
        let roots = traced(&text, &[main, module]);
        assert_eq!(names(&roots), ["go:srv/cmd/app"], "{lines}: {:?}", roots.untraced);
        assert!(roots.untraced.is_empty(), "{lines}: {:?}", roots.untraced);
        assert!(roots.found[0].trace.len() > 1);
    }
}

#[test]
fn scripts_and_trees_that_are_copied_are_roots() {
    let text = "FROM python:3.12-alpine3.20\nWORKDIR /app\nCOPY *.py ./\nCOPY lib ./lib\nCOPY run /usr/local/bin/\nCOPY data ./data\nCMD [\"python\", \"main.py\"]\n";
    let files = [
        ("main.py", "x"),
        ("more.py", "x"),
        ("lib/__init__.py", ""),
        ("run", SCRIPT),
        ("data/x.json", "{}"),
        ("other/unused.py", ""),
    ];
    assert_eq!(names(&traced(text, &files)), ["python:*.py", "python:lib", "shell:run"]);
}

#[test]
fn a_started_script_in_a_copied_folder_is_a_root() {
    let text = "FROM alpine:3.20\nCOPY scripts /scripts\nENTRYPOINT [\"/scripts/start.sh\"]\n";
    assert_eq!(
        names(&traced(text, &[("scripts/start.sh", SCRIPT), ("scripts/else.sh", SCRIPT)])),
        ["shell:scripts/start.sh"]
    );
}

#[test]
fn a_node_application_is_its_source_and_assets_are_not() {
    let text = "FROM node:20-alpine AS b\nWORKDIR /web\nCOPY web .\nRUN npm ci && npm run build\nFROM node:20-alpine\nWORKDIR /app\nCOPY --from=b /web/dist ./\nCMD [\"node\", \"server.js\"]\n";
    let files = [("web/package.json", "{}"), ("web/src/server.ts", "")];
    assert_eq!(names(&traced(text, &files)), ["javascript:web"]);
    let text = text.replace("WORKDIR /app\nCOPY --from=b /web/dist ./", "COPY --from=b /web/dist /var/www");
    let roots = traced(&text, &files);
    assert!(roots.found.is_empty());
    assert_eq!(roots.untraced.len(), 1);
}

#[test]
fn what_make_builds_is_said_not_guessed() {
    let text = "FROM golang:1.25 AS b\nWORKDIR /src\nCOPY . .\nRUN make build\nFROM alpine:3.20\nCOPY --from=b /src/bin/app /app\nENTRYPOINT [\"/app\"]\n";
    let roots = traced(text, &[("main.go", "package main"), ("cmd/x/main.go", "package main")]);
    assert!(roots.found.is_empty());
    assert!(
        roots.untraced.iter().any(|open| open.path == "/app" && open.help.contains("--code")),
        "{:?}",
        roots.untraced
    );
}

#[test]
fn what_dockerignore_keeps_out_is_no_root() {
    let text = "FROM alpine:3.20\nCOPY run.sh /run.sh\nENTRYPOINT [\"/run.sh\"]\n";
    assert!(traced(text, &[("run.sh", SCRIPT), (".dockerignore", "*.sh\n")]).found.is_empty());
    assert_eq!(names(&traced(text, &[("run.sh", SCRIPT), (".dockerignore", "*.md\n")])), ["shell:run.sh"]);
}

#[test]
fn files_of_other_images_are_not_the_projects() {
    let text = "FROM docker:cli AS d\nFROM alpine:3.20\nCOPY --from=d /usr/local/bin/docker /usr/bin/\nCOPY --from=busybox /bin/x /x\n";
    let roots = traced(text, &[]);
    assert!(roots.found.is_empty() && roots.untraced.is_empty(), "{roots:?}");
}

#[test]
fn what_a_supervisor_starts_in_a_copied_folder_is_a_root() {
    let text = "FROM alpine:3.20\nCOPY rootfs /\nCOPY jobs/app.conf /etc/supervisor/conf.d/\nENTRYPOINT [\"/init\"]\n";
    let run = "#!/command/with-contenv sh\nexec app\n";
    let files = [
        ("rootfs/etc/s6-overlay/s6-rc.d/app/run", run),
        ("rootfs/etc/s6-overlay/s6-rc.d/app/type", "longrun\n"),
        ("rootfs/etc/cont-init.d/10-user", SCRIPT),
        ("rootfs/etc/services.d/web/finish", SCRIPT),
        ("rootfs/etc/crontabs/root", "* * * * * job\n"),
        ("rootfs/usr/local/bin/tool", SCRIPT),
        ("rootfs/usr/share/doc/example.sh", SCRIPT),
        ("rootfs/defaults/run", SCRIPT),
        ("jobs/app.conf", "[program:app]\ncommand=app\n"),
    ];
    assert_eq!(
        names(&traced(text, &files)),
        [
            "service:jobs/app.conf",
            "service:rootfs/etc/crontabs/root",
            "shell:rootfs/etc/cont-init.d/10-user",
            "shell:rootfs/etc/s6-overlay/s6-rc.d/app/run",
            "shell:rootfs/etc/services.d/web/finish",
            "shell:rootfs/usr/local/bin/tool",
        ]
    );
}

#[test]
fn what_is_built_before_the_image_leads_to_its_package() {
    let main = ("cmd/server/main.go", "package main\nfunc main() {}\n");
    let module = ("go.mod", "module example.com/tool/v2\n");
    let top = ("main.go", "package main\nfunc main() {}\n");
    let release = ".goreleaser.yaml";
    for (copy, files, want) in [
        // By the configuration of goreleaser, in words or by its defaults.
        ("$TARGETPLATFORM/tool_*.apk /tmp/", vec![module, top, (release, "version: 2\n")], vec!["go:"]),
        ("tool /usr/bin/", vec![module, main, (release, "builds: [{main: ./cmd/server}]\n")], vec!["go:cmd/server"]),
        (
            "other /usr/bin/",
            vec![module, main, top, (release, "builds: [{id: a}, {binary: other, dir: cmd, main: server/main.go}]\n")],
            vec!["go:cmd/server"],
        ),
        // By the name of the one main package.
        ("dist/linux/server /usr/bin/", vec![module, main, top], vec!["go:cmd/server"]),
        ("bin/tool /usr/bin/", vec![module, main, top], vec!["go:"]),
        // Two have the name, none has it, or it is no program.
        ("bin/server /usr/bin/", vec![module, main, ("tools/server/main.go", "package main\n")], vec![]),
        ("bin/else /usr/bin/", vec![module, main, top], vec![]),
        ("bin/server /usr/bin/", vec![module, ("cmd/server/lib.go", "package server\n")], vec![]),
        ("tool.json /usr/bin/", vec![module, top], vec![]),
        ("tool /usr/bin/", vec![module, top, (release, "builds: [{builder: rust}]\n"), main], vec!["go:"]),
    ] {
        let roots = traced(&format!("FROM alpine:3.20\nARG TARGETPLATFORM\nCOPY {copy}\n"), &files);
        assert_eq!(names(&roots), want, "{copy}: {:?}", roots.untraced);
        // What cannot be told is said, with the flag that settles it.
        assert_eq!(roots.untraced.is_empty(), !want.is_empty(), "{copy}: {:?}", roots.untraced);
        assert!(roots.untraced.iter().all(|open| open.help.contains("--code")));
    }
}

#[test]
fn what_make_builds_in_go_is_the_one_main_package() {
    let text = "FROM golang:1.25 AS b\nWORKDIR /src\nCOPY . .\nRUN make build\nFROM alpine:3.20\nCOPY --from=b /src/bin/app /usr/bin/app\n";
    let (module, main) = (("go.mod", "module example.com/x\n"), ("main.go", "package main\nfunc main() {}\n"));
    let test = ("docs/tool/main.go", "package main\nfunc main() {}\n");
    assert_eq!(names(&traced(text, &[module, main, test])), ["go:"]);
    // With two, the name decides, and where it does not nothing is guessed.
    let app = ("cmd/app/main.go", "package main\nfunc main() {}\n");
    assert_eq!(names(&traced(text, &[module, main, app])), ["go:cmd/app"]);
    let other = ("cmd/other/main.go", "package main\nfunc main() {}\n");
    let roots = traced(text, &[module, main, other]);
    assert!(roots.found.is_empty() && roots.untraced.len() == 1, "{roots:?}");
    // A stage that is none of Go's builds something else.
    assert!(traced(&text.replace("golang:1.25", "gcc:14"), &[module, main]).found.is_empty());
}

#[test]
fn a_name_in_the_context_that_is_not_known_leaves_the_one_in_the_image() {
    let text = "FROM alpine:3.20\nARG DIST\nCOPY $DIST/out_linux /opt/app\nENTRYPOINT [\"/opt/app\"]\n";
    let files = [("go.mod", "module x/app\n"), ("main.go", "package main\n"), (".dockerignore", "*\n!dist\n")];
    assert_eq!(names(&traced(text, &files)), ["go:"]);
}
