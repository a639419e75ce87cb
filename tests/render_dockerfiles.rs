//! Rendered Dockerfiles: what each template writes, and what rendering refuses.

#![allow(clippy::panic, reason = "a test fails by panicking, and says what it saw")]

use aboard::dockerfile::{self, Options, Plans};
use aboard::file::Files;
use aboard::finding::Finding;
use aboard::manifest::{self, template};
use aboard::render::{self, PackageLine};
use aboard::walk::Tree;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

struct Project {
    _folder: TempDir,
    tree: Tree,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("written");
        }
        let tree = Tree::open(folder.path()).expect("opened");
        Self { _folder: folder, tree }
    }

    fn render(&self, packages: &[PackageLine]) -> Result<Option<String>, Vec<Finding>> {
        let manifest = manifest::read(&self.tree, "aboard.yaml").unwrap_or_else(|faults| panic!("valid: {faults:?}"));
        render::render(&self.tree, &manifest, &manifest.images[0], packages)
    }

    fn message(&self) -> String {
        let findings = self.render(&[]).expect_err("a fault");
        assert_eq!(findings.len(), 1);
        let label = &findings[0].labels[0];
        format!("{} [{}] {}", findings[0].message, self.tree.files().place(label.span), findings[0].rule.code)
    }
}

fn line(name: &str, pin: &str, reason: &str) -> PackageLine {
    PackageLine { name: name.to_owned(), pin: pin.to_owned(), reason: reason.to_owned() }
}

fn packages() -> Vec<PackageLine> {
    vec![
        line("git", "", "git, run by internal/plugins/git.go"),
        line("docker-cli", "~=26.1", "docker, run by internal/provisioner/localbuild.go"),
        line("ca-certificates", "", "TLS\nroots"),
    ]
}

/// A manifest with one image `server` of a template and the given further lines.
fn manifest_of(template: &str, lines: &str) -> String {
    let lines: Vec<String> = lines.lines().map(|line| format!("    {line}\n")).collect();
    let lines = lines.concat();
    format!(
        "version: 1
images:
  server:
    dockerfile: Dockerfile
    template: {template}
    base: alpine:3.20
{lines}"
    )
}

fn rendered(template: &str, lines: &str) -> String {
    let manifest = manifest_of(template, lines);
    let project = Project::new(&[
        ("aboard.yaml", &manifest),
        ("server/go.mod", "module x\n"),
        ("server/cmd/server/main.go", "package main\n"),
    ]);
    let text = project.render(&packages()).unwrap_or_else(|faults| panic!("rendered: {faults:?}"));
    let text = text.expect("a template renders");
    assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "ends in one newline");
    assert_eq!(Some(&text), project.render(&packages()).expect("again").as_ref(), "the same bytes twice");
    let files = Files::new();
    let file = files.add("Dockerfile", text.clone());
    let parsed = dockerfile::parse(&files, file).unwrap_or_else(|finding| panic!("{finding:?}\n{text}"));
    let plans = Plans::new(&parsed, &Options::default());
    let plan = plans.target(None).expect("a stage");
    let installed: Vec<String> = plan
        .packages
        .iter()
        .map(|package| format!("{}{}", package.name, package.constraint.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(installed, ["ca-certificates", "docker-cli~=26.1", "git"], "aboard reads back what it wrote");
    assert_eq!(plan.base.reference, "alpine:3.20");
    let starts_as_root = lines.contains("root_entrypoint");
    assert_eq!(
        plan.user.is_none(),
        starts_as_root,
        "the image does not run as root unless its entrypoint is to drop it"
    );
    assert!(plan.cmd.is_some() || plan.entrypoint.is_some(), "it starts something");
    for modern in ["<<", "RUN --mount", "--chmod", "--link", "# syntax="] {
        assert!(!text.contains(modern), "the legacy builder does not know {modern}");
    }
    for line in text.lines() {
        assert_eq!(line, line.trim_end(), "no space at a line's end");
    }
    text
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

const EVERYTHING: &str = "  env: {MODE: production, PATH: /opt/bin:$PATH, TEXT: 'a \"b\" \\c'}
  labels: {org.opencontainers.image.licenses: MIT}
  files: {server/migrations: /migrations, LICENSE: /LICENSE}
  folders: [/var/lib/server, /var/cache/server]
  user: service
  uid: 1234
  port: 8080
  healthcheck: /health
  workdir: /var/lib/server
  entrypoint: server/entrypoint.sh";

#[test]
fn go_service() {
    snapshot("dockerfile-go-service", &rendered("go-service", "code: [go:server/cmd/server]"));
    let lines = format!(
        "code: [go:server/cmd/server]\nplatform: linux/arm64\nbuild_tags: [netgo, osusergo]\nvars:\n{EVERYTHING}
  root_entrypoint: true
  go_version: 1.24
  arguments: [--port, 8080]"
    );
    snapshot("dockerfile-go-service-with-everything", &rendered("go-service", &lines));
    snapshot("dockerfile-go-service-prebuilt", &rendered("go-service", "vars: {prebuilt: dist/server}"));
}

#[test]
fn python_service() {
    let plain = rendered("python-service", "vars: {command: [python3, -m, server]}");
    snapshot("dockerfile-python-service", &plain);
    let lines =
        format!("vars:\n{EVERYTHING}\n  command: [python3, -m, server]\n  requirements: server/requirements.txt");
    snapshot("dockerfile-python-service-with-everything", &rendered("python-service", &lines));
}

#[test]
fn node_service() {
    snapshot("dockerfile-node-service", &rendered("node-service", "vars: {command: [node, index.js]}"));
    let lines = "vars:
  source: server
  lockfile: package-lock.json
  create_user: false
  user: node
  healthcheck: [node, health.js, \"it's\"]
  command: [node, index.js]";
    snapshot("dockerfile-node-service-with-lockfile", &rendered("node-service", lines));
}

#[test]
fn static_binary() {
    snapshot("dockerfile-static-binary", &rendered("static-binary", "vars: {prebuilt: dist/server, port: 80}"));
}

#[test]
fn workspace_template() {
    for runtime in ["shell", "python", "node"] {
        let lines = format!("vars: {{runtime: {runtime}, source: workspaces/x, command: [run]}}");
        snapshot(&format!("dockerfile-workspace-template-{runtime}"), &rendered("workspace-template", &lines));
    }
}

#[test]
fn without_packages_nothing_is_installed() {
    let project = Project::new(&[("aboard.yaml", &manifest_of("static-binary", "vars: {prebuilt: x}"))]);
    let text = project.render(&[]).expect("rendered").expect("a template renders");
    assert!(!text.contains("apk"), "{text}");
}

#[test]
fn a_mirror_and_a_key_of_ones_own_reach_the_build() {
    let manifest = manifest_of("static-binary", "vars: {prebuilt: x}").replace(
        "images:",
        "alpine:
  mirror: https://mirror.example/alpine/
  repositories: [main, '@edge https://mirror.example/alpine/edge/main']
  keys: [keys/own.rsa.pub]
images:",
    );
    let project = Project::new(&[("aboard.yaml", &manifest), ("keys/own.rsa.pub", "")]);
    let text = project.render(&packages()).expect("rendered").expect("a template renders");
    let wanted = "
FROM alpine:3.20
COPY keys/own.rsa.pub /etc/apk/keys/
RUN printf '%s\\n' \\
    https://mirror.example/alpine/v3.20/main \\
    '@edge https://mirror.example/alpine/edge/main' \\
    > /etc/apk/repositories
# ca-certificates: TLS roots
";
    assert!(text.contains(wanted), "{text}");
    assert!(parse_dockerfile::parse(&text).is_ok());
}

#[test]
fn the_table_of_variables_is_what_templates_read() {
    let read_by = |name: &str| {
        let mut found: BTreeSet<String> = BTreeSet::new();
        let mut pending = vec![name];
        while let Some(name) = pending.pop() {
            let source = template::source(name).unwrap_or_else(|| panic!("{name} is built in"));
            for rest in source.split("vars.").skip(1) {
                found.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            }
            pending.extend(source.split("{% include \"").skip(1).filter_map(|rest| rest.split('"').next()));
        }
        found
    };
    // These are read here, to compute what templates are handed.
    let computed_from = BTreeMap::from([("go-service", vec!["go_version", "home"])]);
    for name in template::names() {
        let mut known: BTreeSet<String> = template::variables(Some(name)).map(|field| field.key.to_owned()).collect();
        for key in computed_from.get(name).into_iter().flatten() {
            known.remove(*key);
        }
        let mut read = read_by(name);
        read.remove("home");
        known.remove("home");
        assert_eq!(read, known, "{name}");
    }
    let mut files: Vec<String> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut embedded: Vec<String> = template::BUILT_IN
        .iter()
        .map(|row| if row.name.starts_with('_') { row.name.to_owned() } else { format!("{}.j2", row.name) })
        .collect();
    embedded.sort();
    assert_eq!(files, embedded, "every file of templates/ is in the table");
}

#[test]
fn a_projects_own_template_includes_and_extends() {
    let project = Project::new(&[
        ("aboard.yaml", &manifest_of("docker/layout.j2", "vars: {prebuilt: dist/server, greeting: hello}")),
        (
            "docker/layout.j2",
            "{% extends 'static-binary' %}
{% block files %}
{% include './part.j2' %}
{{ super() }}
{% endblock %}
",
        ),
        ("docker/part.j2", "{% include \"shared/other.j2\" %}\nLABEL greeting={{ vars.greeting | quote }}\n"),
        ("shared/other.j2", "LABEL platform={{ platform.name }}\n"),
    ]);
    let text = project.render(&packages()).unwrap_or_else(|f| panic!("rendered: {f:?}")).expect("a template renders");
    assert!(text.contains("(image server, template docker/layout.j2)"), "{text}");
    assert!(text.contains("LABEL platform=linux/amd64\n"), "{text}");
    assert!(text.contains("LABEL greeting=\"hello\"\n"), "{text}");
    assert!(text.contains("COPY dist/server /usr/local/bin/server\n"), "{text}");
}

#[test]
fn a_template_error_names_template_line_and_variable() {
    let own = |text: &str| {
        let manifest = manifest_of("own.j2", "");
        Project::new(&[("aboard.yaml", &manifest), ("own.j2", text)]).message()
    };
    assert_eq!(
        own("FROM {{ base }}\n\nENV A={{ vars.nothing }}\n"),
        "template own.j2, line 3: `vars.nothing` is not defined [own.j2:3:10] template-error"
    );
    assert_eq!(
        own("FROM {{ base }}\n{% include \"_command.j2\" %}\nCMD {{ nowhere.x }}\n"),
        "template _command.j2, line 4: a list of words is wanted, not none [aboard.yaml:5:15] template-error"
    );
    assert!(own("{% if %}\n").starts_with("template own.j2, line 1: "));
    assert!(own("{% include \"../../etc/passwd\" %}").contains("leaves the project folder"));
    assert!(own("{% include \"none.j2\" %}").contains("none.j2: no such file"));
    let endless = "{% for a in range(90000) %}{% for b in range(90000) %}x{% endfor %}{% endfor %}";
    assert!(own(endless).contains("more work than a template may"), "{}", own(endless));
    assert!(own("{% include \"own.j2\" %}").contains("template own.j2"));
    assert!(own("ENV A={{ \"a\\nb\" | quote }}").contains("holds a line break"));
}

#[test]
fn hostile_templates_end_soon() {
    let texts = [
        "{{ 'x' * 2000000000 }}".to_owned(),
        "{{ ['x'] * 2000000000 }}".to_owned(),
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}".to_owned(),
        format!("{{{{ {}1{} }}}}", "(".repeat(8_000), ")".repeat(8_000)),
        "{% if true %}".repeat(1_200),
        format!("{{{{ x{} }}}}", "|upper".repeat(2_000)),
        format!("{{{{ {}1{} }}}}", "[".repeat(8_000), "]".repeat(8_000)),
        "{% set ns = namespace(a='x') %}{% for i in range(64) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}".to_owned(),
        "{% for a in range(100000) %}{% for b in range(100000) %}{{ b }}{% endfor %}{% endfor %}".to_owned(),
        "{{ range(1000000000) | list | length }}".to_owned(),
        "{% include 'a.j2' %}".to_owned(),
    ];
    for text in texts {
        assert!(text.len() < 16_384, "the size alone is not what stops it");
        let outcome = timed_render(&text).map(|text| text.unwrap_or_default().len());
        assert!(outcome.is_err(), "{}… was rendered to {outcome:?} bytes", text.chars().take(60).collect::<String>());
    }
}

#[test]
fn the_deepest_expression_does_not_end_the_process() {
    for (start, more) in [
        ("1", "+1"),
        ("x", "|e"),
        ("x", ".a"),
        ("x", "()"),
        ("1", " if 1 else 1"),
        ("1", "~1"),
        ("1", "**1"),
        ("1", "<1"),
    ] {
        let text = |size: usize| format!("{{{{ {start}{} }}}}", more.repeat(size / more.len()));
        // Whether it means anything is not the matter: that it comes back is.
        let _ = timed_render(&text(16_300));
        let _ = timed_render(&format!("{{{{ {}{start} }}}}", "not ".repeat(4_000)));
        let findings = timed_render(&text(16_500)).expect_err("too large");
        assert!(findings[0].message.contains("more than the 16384 bytes"), "{findings:?}");
    }
}

fn timed_render(template: &str) -> Result<Option<String>, Vec<Finding>> {
    let project = Project::new(&[("aboard.yaml", &manifest_of("a.j2", "")), ("a.j2", template)]);
    let start = std::time::Instant::now();
    let outcome = project.render(&[]);
    let took = start.elapsed();
    assert!(
        took < std::time::Duration::from_secs(10),
        "{}… took {took:?}",
        template.chars().take(60).collect::<String>()
    );
    outcome
}

#[test]
fn what_a_built_in_template_lacks_is_named() {
    let manifest = manifest_of("go-service", "");
    let project = Project::new(&[("aboard.yaml", &manifest)]);
    assert!(project.message().contains("line 9: `vars.main` is needed and not given"), "{}", project.message());
    let manifest = manifest_of("static-binary", "vars: {prebuilt: x, healthcheck: /health}");
    let message = Project::new(&[("aboard.yaml", &manifest)]).message();
    assert!(message.contains("template _runtime.j2, line 12: `vars.port` is needed"), "{message}");
}

#[test]
fn variables_of_built_in_templates_are_checked() {
    let faults = |lines: &str| {
        let manifest = manifest_of("python-service", lines);
        let project = Project::new(&[("aboard.yaml", &manifest)]);
        let findings = manifest::read(&project.tree, "aboard.yaml").expect_err("a fault");
        findings.iter().map(|finding| format!("{}: {}", finding.rule.code, finding.message)).collect::<Vec<_>>()
    };
    assert_eq!(
        faults("vars: {command: [x], prot: 8080}"),
        ["unknown-key: `prot` is not a key of `vars` for the template python-service"]
    );
    assert_eq!(faults(""), ["missing-key: `vars` for the template python-service has no `command`"]);
    assert_eq!(
        faults("vars: {command: [x], port: http}"),
        ["wrong-type: `port` is \"http\" where a whole number is wanted"]
    );
    assert_eq!(
        faults("vars: {command: [x], user: a b}"),
        ["wrong-type: `user` is \"a b\" where a word without spaces, quotes and the shell's own characters is wanted"]
    );
    assert_eq!(faults("vars: {command: [x], workdir: data}").len(), 1);
    assert_eq!(faults("vars: {command: [x], healthcheck: health}").len(), 1);
    assert_eq!(
        faults("vars: {command: [x], entrypoint: ../run.sh}"),
        [
            "wrong-type: `entrypoint` is \"../run.sh\" where a path inside of the build's context, without spaces is wanted"
        ]
    );
    assert_eq!(
        faults("vars: {command: [x], healthcheck: {a: b}}"),
        ["wrong-type: `healthcheck` is a map where a path that starts with `/`, without spaces or a list is wanted"]
    );
}

const HAND_WRITTEN: &str = "FROM alpine:3.20\n  # aboard:begin packages\nRUN apk add old\n# aboard:end\nCOPY a /a\n";

fn hand_written(text: &str) -> Project {
    Project::new(&[("aboard.yaml", "version: 1\nimages: {server: {dockerfile: Dockerfile}}\n"), ("Dockerfile", text)])
}

#[test]
fn a_managed_block_is_brought_up_to_date() {
    let text = hand_written(HAND_WRITTEN).render(&packages()).expect("rendered").expect("a block");
    snapshot("dockerfile-managed-block", &text);
    let again = hand_written(&text).render(&packages()).expect("rendered").expect("a block");
    assert_eq!(text, again);
    assert_eq!(hand_written("FROM alpine:3.20\n").render(&packages()).expect("rendered"), None, "no block, no change");
    let emptied = hand_written(HAND_WRITTEN).render(&[]).expect("rendered").expect("a block");
    assert!(!emptied.contains("RUN"), "{emptied}");
    assert!(emptied.ends_with("# aboard:end\nCOPY a /a\n"));
}

#[test]
fn markers_that_do_not_fit_are_refused_where_they_stand() {
    let begin = "# aboard:begin packages\n";
    let end = "# aboard:end\n";
    for (text, place) in [
        (format!("FROM a\n{begin}"), "Dockerfile:2:1"),
        (format!("FROM a\n{end}"), "Dockerfile:2:1"),
        (format!("{begin}{begin}{end}"), "Dockerfile:2:1"),
        (format!("{begin}{end}FROM b\n{begin}{end}"), "Dockerfile:4:1"),
        (format!("{end}{begin}"), "Dockerfile:1:1"),
    ] {
        let message = hand_written(&text).message();
        assert!(message.ends_with(&format!("[{place}] managed-block")), "{text:?}: {message}");
    }
}

#[test]
fn reasons_are_one_line_and_do_not_count() {
    let uses = |rows: &[(&str, &[&str])]| {
        let files = |files: &[&str]| files.iter().map(|&file| file.to_owned()).collect::<BTreeSet<_>>();
        render::reason(&rows.iter().map(|(name, list)| ((*name).to_owned(), files(list))).collect())
    };
    assert_eq!(uses(&[("docker", &["a.go"])]), "docker, run by a.go");
    assert_eq!(
        uses(&[("git", &["b.go", "a.go"]), ("git-lfs", &["c.sh"])]),
        "git, run by a.go, b.go; git-lfs, run by c.sh"
    );
    assert_eq!(uses(&[("x", &["a", "b", "c", "d"])]), "x, run by a, b, c and others");
    assert_eq!(uses(&[("x", &["a", "b", "c", "d", "e"])]), "x, run by a, b, c and others");
    assert_eq!(uses(&[("x", &[])]), "x");
}

#[test]
fn a_diff_is_unified_and_absent_where_nothing_changes() {
    assert_eq!(render::diff("Dockerfile", Some("a\n"), "a\n"), None);
    assert_eq!(
        render::diff("d/Dockerfile", Some("a\nb\n"), "a\nc\n").expect("a difference"),
        "--- a/d/Dockerfile\n+++ b/d/Dockerfile\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
    );
    assert_eq!(
        render::diff("Dockerfile", None, "a\n").expect("a difference"),
        "--- /dev/null\n+++ b/Dockerfile\n@@ -0,0 +1 @@\n+a\n"
    );
}

#[test]
fn writing_is_atomic_and_only_where_it_differs() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    let project = Project::new(&[("aboard.yaml", ""), ("Dockerfile", "old\n"), ("real", "old\n")]);
    let root = project.tree.root().to_owned();
    let at = |path: &str| root.join(path);
    fs::set_permissions(at("Dockerfile"), fs::Permissions::from_mode(0o640)).expect("set");
    let inode = fs::metadata(at("Dockerfile")).expect("there").ino();
    assert!(!render::write(&project.tree, "Dockerfile", "old\n").expect("written"));
    assert_eq!(fs::metadata(at("Dockerfile")).expect("there").ino(), inode, "untouched");
    assert!(render::write(&project.tree, "Dockerfile", "new\n").expect("written"));
    let metadata = fs::metadata(at("Dockerfile")).expect("there");
    assert_eq!(metadata.mode() & 0o777, 0o640);
    assert_ne!(metadata.ino(), inode, "replaced as a whole");
    assert!(render::write(&project.tree, "a/b/Dockerfile", "new\n").expect("written"));
    assert_eq!(fs::metadata(at("a/b/Dockerfile")).expect("there").mode() & 0o777, 0o644);

    symlink("real", at("link")).expect("linked");
    assert!(render::write(&project.tree, "link", "new\n").expect("written"));
    assert_eq!(fs::read_to_string(at("real")).expect("read"), "new\n", "a link inside is followed, not replaced");

    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("victim"), "keep").expect("written");
    symlink(outside.path(), at("out")).expect("linked");
    symlink(outside.path().join("victim"), at("direct")).expect("linked");
    for path in ["out/Dockerfile", "out/new/Dockerfile", "direct", "../x", "/tmp/x", ""] {
        assert!(render::write(&project.tree, path, "x").is_err(), "{path}");
    }
    assert_eq!(fs::read_dir(outside.path()).expect("listed").count(), 1);
    assert_eq!(fs::read_to_string(outside.path().join("victim")).expect("read"), "keep");
    let left: Vec<_> = fs::read_dir(&root).expect("listed").map(|entry| entry.expect("an entry").file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".aboard-")), "{left:?}");
}
