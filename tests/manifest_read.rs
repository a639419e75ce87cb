//! The manifest as it is read: defaults, and every fault with its place.

#![allow(clippy::panic, reason = "a test fails by panicking, and says what it saw")]

use aboard::file::Span;
use aboard::finding::Finding;
use aboard::manifest::{self, Manifest, Pin, RepositoryLocation, Template};
use aboard::walk::Tree;
use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A project with one Go program, and the manifest of the given text.
struct Project {
    folder: TempDir,
    tree: Tree,
}

impl Project {
    fn new(manifest: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &[u8]| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("written");
        };
        write("cmd/server/main.go", b"package main\n\nfunc main() {}\n");
        write("Dockerfile", b"FROM alpine:3.20\n");
        write("own/layout.j2", b"FROM {{ base }}\n");
        write("keys/own.rsa.pub", b"");
        write("aboard.yaml", manifest.as_ref());
        let tree = Tree::open(folder.path()).expect("opened");
        Self { folder, tree }
    }

    fn read(&self) -> Result<Manifest, Vec<Finding>> {
        manifest::read(&self.tree, "aboard.yaml")
    }

    fn text(&self, span: Span) -> String {
        self.tree.files().text(span)
    }

    /// `code line:column text` of each finding.
    fn faults(&self) -> Vec<String> {
        let findings = self.read().expect_err("a fault");
        let show = |finding: &Finding| match finding.labels.first() {
            Some(label) => {
                let at = self.tree.files().start(label.span);
                format!("{} {}:{} {}", finding.rule.code, at.line, at.column, self.text(label.span))
            }
            None => finding.rule.code.to_owned(),
        };
        findings.iter().map(show).collect()
    }
}

/// The faults of a manifest whose one image has the given further lines.
fn image_faults(lines: &str) -> Vec<String> {
    let lines: Vec<String> = lines.lines().map(|line| format!("    {line}\n")).collect();
    let lines = lines.concat();
    Project::new(format!("version: 1\nimages:\n  server:\n    dockerfile: Dockerfile\n{lines}")).faults()
}

#[test]
fn every_default_is_resolved() {
    let project = Project::new("version: 1\nimages:\n  server:\n    dockerfile: ./Dockerfile\n");
    let manifest = project.read().expect("valid");
    assert_eq!(manifest.alpine.mirror.value, "https://dl-cdn.alpinelinux.org/alpine");
    let branches: Vec<_> = manifest.alpine.repositories.iter().map(|repository| repository.location.clone()).collect();
    assert_eq!(branches, ["main", "community"].map(|name| RepositoryLocation::Branch(name.to_owned())));
    let image = manifest.image("server").expect("the image");
    assert_eq!(image.dockerfile.value, "Dockerfile");
    assert_eq!(project.text(image.dockerfile.span), "./Dockerfile");
    assert_eq!(image.context.value, "");
    assert_eq!(image.platform.to_string(), "linux/amd64");
    assert_eq!(image.tags[0].value, "server:dev");
    assert_eq!(project.text(image.tags[0].span), "server");
    assert_eq!(image.pin.value, Pin::None);
    assert!(image.template.is_none() && image.base.is_none() && image.release.is_none());
    assert!(manifest.image("other").is_none());
}

#[test]
fn every_key_is_read() {
    let project = Project::new(
        "version: 1
alpine:
  mirror: file:///mirror/
  repositories: [main, '@edge https://example.org/edge/main/', https://example.org/own]
  release: edge
  keys: [keys/own.rsa.pub]
images:
  server:
    dockerfile: out/Dockerfile
    template: own/layout.j2
    base: alpine:3.20
    context: cmd
    platform: linux/arm64
    tags: [ghcr.io/example/server:1.0, server:dev]
    code: [go:cmd/server]
    programs:
      docker: {}
      git:
      wget: {package: wget, optional: true, probe: [--version, 1]}
      /usr/sbin/iptables: {provided_by: the host's mount}
    packages: {ca-certificates: TLS roots, tzdata: }
    ignore: {xdg-open: desktop only}
    vars: {go_version: 1.20, port: 8080, debug: false, names: [a, {b: c}]}
    target: runtime
    build_args: {VERSION: 1.10, DEBUG: true}
    build_tags: [netgo]
    pin: minor
",
    );
    let manifest = project.read().unwrap_or_else(|findings| panic!("valid: {findings:?}"));
    assert_eq!(manifest.alpine.mirror.value, "file:///mirror");
    assert_eq!(manifest.alpine.keys[0].value, "keys/own.rsa.pub");
    let tagged = &manifest.alpine.repositories[1];
    assert_eq!(tagged.tag.as_deref(), Some("edge"));
    assert_eq!(tagged.location, RepositoryLocation::Url("https://example.org/edge/main".to_owned()));
    let image = &manifest.images[0];
    assert_eq!(image.template.as_ref().expect("a template").value, Template::Own("own/layout.j2".to_owned()));
    assert_eq!(
        image.release.as_ref().expect("a release").value,
        "v3.20",
        "the base's tag tells, before alpine.release"
    );
    assert_eq!(image.platform.to_string(), "linux/arm64");
    assert_eq!((image.code[0].language, image.code[0].path.as_str()), ("go", "cmd/server"));
    assert_eq!(project.text(image.programs["docker"].name.span), "docker");
    let wget = &image.programs["wget"];
    assert!(wget.optional && !image.programs["git"].optional);
    assert_eq!(wget.package.as_ref().map(|name| name.value.as_str()), Some("wget"));
    assert_eq!(wget.probe.as_deref(), Some(&["--version".to_owned(), "1".to_owned()][..]));
    assert!(image.programs["/usr/sbin/iptables"].provided_by.is_some());
    assert_eq!(image.packages["ca-certificates"].why.value, "TLS roots");
    assert_eq!(image.packages["tzdata"].why.value, "");
    assert_eq!(image.ignore["xdg-open"].why.value, "desktop only");
    assert_eq!(image.vars["go_version"].value, serde_json::json!("1.20"), "as it is written");
    assert_eq!(image.vars["port"].value, serde_json::json!(8080));
    assert_eq!(image.vars["names"].value, serde_json::json!(["a", {"b": "c"}]));
    assert_eq!(image.build_args["VERSION"].value, "1.10");
    assert_eq!(image.build_args["DEBUG"].value, "true");
    assert_eq!(image.pin.value, Pin::Minor);
}

#[test]
fn all_faults_are_reported_at_once_in_order() {
    let project = Project::new(
        "version: 2
alpin: {}
images:
  Server:
    dockerfile: ../Dockerfile
    tag: [a]
    tags: a
    platform: windows/amd64
    platform: linux/amd64
    programs: {docker: {packge: docker-cli}}
",
    );
    assert_eq!(
        project.faults(),
        [
            "wrong-type 1:10 2",
            "unknown-key 2:1 alpin",
            "invalid-name 4:3 Server",
            "path-outside 5:17 ../Dockerfile",
            "unknown-key 6:5 tag",
            "wrong-type 7:11 a",
            "invalid-value 8:15 windows/amd64",
            "duplicate-key 9:5 platform",
            "unknown-key 10:25 packge",
        ]
    );
    let findings = project.read().expect_err("faults");
    let help: Vec<&str> =
        findings.iter().filter(|f| f.rule.code == "unknown-key").map(|f| f.help[0].as_str()).collect();
    assert_eq!(help, ["`alpine` may be meant", "`tags` is there already", "`package` may be meant"]);
}

#[test]
fn a_fix_writes_what_was_meant() {
    let before = "version: 1
images:
  a:
    dockrfile: D
    tags: [1.20]
    pin: exacts
    template: go-servic
    base: alpine:3.20
    vars: {prot: 80, main: .}
";
    let after = "version: 1
images:
  a:
    dockerfile: D
    tags: [\"1.20\"]
    pin: exact
    template: go-service
    base: alpine:3.20
    vars: {prot: 80, main: .}
";
    let findings = Project::new(before).read().expect_err("faults");
    let edits: Vec<_> = findings.iter().filter_map(|finding| finding.fix.clone()).flat_map(|fix| fix.edits).collect();
    assert_eq!(manifest::edit::apply(before, &edits), after);
    let findings = Project::new(after).read().expect_err("one is left: the template was not known before");
    let edits: Vec<_> = findings.iter().filter_map(|finding| finding.fix.clone()).flat_map(|fix| fix.edits).collect();
    let mended = manifest::edit::apply(after, &edits);
    assert!(mended.contains("vars: {port: 80"), "{mended}");
    assert!(Project::new(mended).read().is_ok());
}

#[test]
fn a_word_that_is_there_already_is_not_offered() {
    let findings =
        Project::new("version: 1\nimages: {a: {dockerfile: D, dockerfil: E}}\n").read().expect_err("a fault");
    assert_eq!(findings[0].rule.code, "unknown-key");
    assert!(findings[0].fix.is_none() && !findings[0].help[0].contains("may be meant"), "{findings:?}");
}

#[test]
fn nothing_and_comments_alone_are_empty() {
    for text in ["", "\n", "# only a comment\n", "---\n", "~\n", "{}\n"] {
        let codes: Vec<String> =
            Project::new(text).faults().iter().map(|f| f.split(' ').next().unwrap_or("").to_owned()).collect();
        assert_eq!(codes, ["empty-manifest"], "{text:?}");
    }
}

#[test]
fn what_must_be_there_is_missed() {
    let faults = Project::new("images: {a: {dockerfile: D}}\n").faults();
    assert_eq!(faults, ["missing-key 1:1 images: {a: {dockerfile: D}}"]);
    for images in ["images:", "images: {}"] {
        assert_eq!(Project::new(format!("version: 1\n{images}\n")).faults(), ["empty-manifest 2:1 images"]);
    }
    assert_eq!(Project::new("version: 1\nimages: {server: {}}\n").faults(), ["missing-key 2:10 server"]);
    assert_eq!(Project::new("version: 1\nimages: {server: }\n").faults(), ["missing-key 2:10 server"]);
    assert_eq!(image_faults("template: own/layout.j2"), ["missing-key 3:3 server"]);
}

#[test]
fn a_text_that_yaml_would_change_is_refused() {
    assert_eq!(image_faults("tags: [1.20]"), ["wrong-type 5:12 1.20"]);
    assert_eq!(image_faults("base: true"), ["wrong-type 5:11 true"]);
    assert_eq!(image_faults("programs: {wget: {optional: yes}}"), ["wrong-type 5:33 yes"]);
    assert_eq!(image_faults("programs: [docker]"), ["wrong-type 5:15 [docker]"]);
    assert_eq!(image_faults("pin: exactly"), ["wrong-type 5:10 exactly"]);
}

#[test]
fn paths_stay_inside_and_exist() {
    assert_eq!(image_faults("context: /etc"), ["path-outside 5:14 /etc"]);
    assert_eq!(image_faults("context: nowhere"), ["path-not-found 5:14 nowhere"]);
    assert_eq!(
        image_faults("code: [go:../x, go:nowhere]"),
        ["path-outside 5:12 go:../x", "path-not-found 5:21 go:nowhere"]
    );
    let long = "a/".repeat(3000);
    assert_eq!(image_faults(&format!("context: {long}")), [format!("invalid-value 5:14 {long}")]);
    assert_eq!(image_faults("code: [cobol:cmd]"), ["unknown-language 5:12 cobol:cmd"]);
}

#[test]
fn a_link_out_of_the_project_is_seen() {
    let project = Project::new(
        "version: 1\nimages:\n  a: {dockerfile: link/Dockerfile}\n  b: {dockerfile: file}\n  c: {dockerfile: near}\n",
    );
    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("file"), "FROM scratch\n").expect("written");
    symlink(outside.path(), project.folder.path().join("link")).expect("linked");
    symlink(outside.path().join("file"), project.folder.path().join("file")).expect("linked");
    symlink("Dockerfile", project.folder.path().join("near")).expect("linked");
    let deep = "d/".repeat(100);
    fs::create_dir_all(project.folder.path().join(&deep)).expect("a folder");
    symlink(outside.path(), project.folder.path().join(&deep).join("link")).expect("linked");
    let text = format!("version: 1\nimages: {{a: {{dockerfile: {deep}link/Dockerfile}}}}\n");
    fs::write(project.folder.path().join("deep.yaml"), text).expect("written");
    let findings = manifest::read(&project.tree, "deep.yaml").expect_err("a fault");
    assert_eq!(findings[0].rule.code, "path-outside");
    assert_eq!(project.faults(), ["path-outside 3:19 link/Dockerfile", "path-outside 4:19 file"]);
}

#[test]
fn names_are_checked_where_they_stand() {
    assert_eq!(image_faults("packages: {\"a b\": x}"), ["invalid-name 5:16 \"a b\""]);
    assert_eq!(image_faults("programs: {./run: {}}"), ["invalid-name 5:16 ./run"]);
    assert_eq!(image_faults("programs: {x: {package: a=1}}"), ["invalid-name 5:29 a=1"]);
    assert_eq!(image_faults("ignore: {'a;b': x}"), ["invalid-name 5:14 'a;b'"]);
    assert_eq!(image_faults("base: 'alpine:3.20 AS x'"), ["invalid-name 5:11 'alpine:3.20 AS x'"]);
    assert_eq!(image_faults("vars: {a-b: 1}"), ["invalid-name 5:12 a-b"]);
    assert_eq!(image_faults("programs: {x: {package: a, provided_by: b}}"), ["invalid-value 5:45 b"]);
    assert_eq!(image_faults("programs: {x: {}}\nignore: {x: why}"), ["invalid-value 6:14 x"]);
}

#[test]
fn a_base_that_is_not_alpine_is_refused_unless_its_release_is_given() {
    let project = Project::new("version: 1\nimages: {a: {dockerfile: D, base: 'debian:12'}}\n");
    assert_eq!(project.faults(), ["unsupported-base 2:35 'debian:12'"]);
    let findings = project.read().expect_err("a fault");
    assert!(findings[0].help[0].contains("only Alpine bases are resolved yet"));
    let own = "version: 1\nimages: {a: {dockerfile: D, base: 'example/base:1', release: 3.20}}\n";
    let manifest = Project::new(own).read().expect("valid");
    assert_eq!(manifest.images[0].release.as_ref().expect("a release").value, "v3.20");
}

#[test]
fn a_template_is_built_in_or_a_file() {
    assert_eq!(image_faults("base: alpine:3.20\ntemplate: own/none.j2"), ["unknown-template 6:15 own/none.j2"]);
    assert_eq!(image_faults("base: alpine:3.20\ntemplate: go-servce"), ["unknown-template 6:15 go-servce"]);
}

#[test]
fn two_images_may_not_write_one_dockerfile() {
    let image = "{dockerfile: D, template: own/layout.j2, base: 'alpine:3.20'}";
    let project = Project::new(format!("version: 1\nimages:\n  a: {image}\n  b: {image}\n"));
    assert_eq!(project.faults(), ["duplicate-dockerfile 4:19 D"]);
    let shared = "version: 1\nimages:\n  a: {dockerfile: D, target: x}\n  b: {dockerfile: D, target: y}\n";
    assert!(Project::new(shared).read().is_ok(), "a hand-written one may be shared");
}

#[test]
fn aliases_are_followed_and_keep_their_place() {
    let project = Project::new(
        "version: 1
images:
  a: {dockerfile: A, packages: &roots {tzdata: zones}}
  b: {dockerfile: B, packages: *roots}
",
    );
    let manifest = project.read().expect("valid");
    assert_eq!(project.text(manifest.images[1].packages["tzdata"].name.span), "tzdata");
}

#[test]
fn what_cannot_be_read_says_why() {
    let missing = Project::new("");
    let findings = manifest::read(&missing.tree, "other.yaml").expect_err("missing");
    assert_eq!(findings[0].rule.code, "manifest-unreadable");
    assert!(findings[0].help[0].contains("aboard init"));
    let project = Project::new(b"version: 1\nimages: \xff\n");
    assert_eq!(project.faults(), ["manifest-unreadable 2:9 "]);
    let utf16: Vec<u8> = "version: 1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(Project::new([&b"\xff\xfe"[..], &utf16].concat()).faults(), ["manifest-unreadable 1:1 "]);
}

#[test]
fn a_first_manifest_is_valid() {
    let found = manifest::init::Found {
        dockerfile: "Dockerfile".to_owned(),
        code: vec!["go:cmd/server".to_owned()],
        ..manifest::init::Found::default()
    };
    let project = Project::new(manifest::init::text("true", &[found]));
    let manifest = project.read().unwrap_or_else(|faults| panic!("valid: {faults:?}"));
    assert_eq!(manifest.images[0].name.value, "true");
    assert_eq!(manifest.images[0].code[0].path, "cmd/server");
}

#[test]
fn paths_are_relative_to_the_manifests_folder() {
    let project = Project::new("");
    let text = "version: 1\nimages: {a: {dockerfile: Dockerfile, code: ['go:server'], context: ..}}\n";
    fs::write(project.folder.path().join("cmd/aboard.yaml"), text).expect("written");
    let manifest = manifest::read(&project.tree, "cmd/aboard.yaml").expect("valid");
    let image = &manifest.images[0];
    assert_eq!((image.dockerfile.as_str(), image.code[0].path.as_str()), ("cmd/Dockerfile", "cmd/server"));
    assert_eq!(image.context.value, "");
}

#[test]
fn nonsense_is_refused_in_bounded_time() {
    let megabyte = 1 << 20;
    let texts = [
        "x".repeat(10 * megabyte),
        "{".repeat(megabyte),
        "- ".repeat(megabyte / 2),
        "a: ".repeat(megabyte / 3),
        "? ".repeat(megabyte / 2),
        "&a ".repeat(megabyte / 3),
        "\"".repeat(megabyte),
        "k: v\n".repeat(megabyte / 5),
        (0..100_000).map(|n| format!("k{n}: v\n")).collect::<Vec<_>>().concat(),
        "- - -\n".repeat(megabyte / 6),
        "a: |\n".repeat(megabyte / 5),
        "#".repeat(megabyte),
        "a ".repeat(megabyte / 2),
        "[a, ".repeat(megabyte / 4),
        "'a\n".repeat(megabyte / 3),
        "!".repeat(megabyte),
        "%A\n".repeat(megabyte / 3),
        " \n".repeat(megabyte / 2),
        "\u{0}".repeat(megabyte),
    ];
    for text in texts {
        let start = Instant::now();
        let findings = Project::new(&text).read().expect_err("nonsense");
        let took = start.elapsed();
        let shown: String = text.chars().take(12).collect();
        assert!(!findings.is_empty() && findings.len() <= manifest::MAX_FINDINGS, "{shown:?}");
        assert!(took < Duration::from_secs(10), "{shown:?} took {took:?}");
    }
}

#[test]
fn faults_are_shown_with_their_lines() {
    let project = Project::new(
        "# One of each.
version: 1
alpine: {mirror: ftp://example.org}
images:
  server:
    dockerfile: ../Dockerfile
    template: go-servise
    base: debian:12
    platfrom: linux/arm64
    tags: [1.20]
    code: [go:cmd/nowhere]
    programs:
      docker: {package: docker cli}
      docker: {}
    ignore: {docker: not needed}
  job:
    template: own/layout.j2
",
    );
    let findings = project.read().expect_err("faults");
    let text = aboard::report::human::findings(project.tree.files(), &findings, false);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("manifest-faults", text));
}
