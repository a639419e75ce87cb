//! The rules that look at a Dockerfile: each with a case that it catches and one that it lets pass, judged for it alone.

use aboard::apk::catalog::{Catalog, Source};
use aboard::apk::index::Index;
use aboard::check::{self, Subject, subject::Docker};
use aboard::dockerfile::{Context, Options, Plans, parse};
use aboard::finding::{Finding, Severity};
use aboard::lock::LockedPackage;
use aboard::need::needs;
use aboard::resolve::answer::{answer, contents};
use aboard::resolve::base::Base;
use aboard::resolve::supply::Supply;
use aboard::scan::{Root, ScanContext, scan};
use aboard::walk::Tree;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

const INDEX: &str = "C:Q1a
P:bash
V:1-r0
p:cmd:bash=1-r0

C:Q1b
P:git
V:1-r0
p:cmd:git=1-r0

C:Q1d
P:wget
V:1-r0
p:cmd:wget=1-r0

C:Q1c
P:jq
V:1-r0
p:cmd:jq=1-r0

";
const RUN_GIT: &str = "#!/bin/sh\nset -e\ngit fetch\n";

/// What the rule `code` finds in a Dockerfile and scripts, as `severity message`; files that end in `*` are executable.
fn found(code: &str, dockerfile: &str, files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut roots = vec!["Dockerfile".to_owned()];
    for (path, text) in files {
        let (name, mode) = path.strip_suffix('*').map_or((*path, 0o644), |name| (name, 0o755));
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        roots.push(name.to_owned());
    }
    fs::write(folder.path().join("Dockerfile"), dockerfile).expect("written");
    let tree = Tree::open(folder.path()).expect("opened");
    let roots: Vec<Root> = roots.iter().map(|root| Root::parse(&tree, root).expect("a root")).collect();
    let scan = scan(&ScanContext::new(&tree), &roots);
    let (needs, dynamic) = needs(&scan.sites);
    let file = parse(tree.files(), tree.read("Dockerfile").expect("read")).expect("a Dockerfile");
    let context = Context::new(&tree, "", "Dockerfile");
    let options = Options { context: Some(&context), ..Options::default() };
    let mut plans = Plans::new(&file, &options);
    let plan = plans.stages.pop().expect("a stage");
    let index = Arc::new(Index::parse(INDEX.to_owned()).expect("an index"));
    let catalog = Catalog::new(vec![Source { repository: "main".to_owned(), tag: None, index }]);
    let packages: BTreeMap<String, LockedPackage> = plan
        .packages
        .iter()
        .map(|package| {
            let entry = catalog.package(&package.name).expect("in the index");
            let programs = entry.package.programs().map(|(name, _)| name.to_owned()).collect();
            (package.name.clone(), LockedPackage { programs, ..LockedPackage::default() })
        })
        .collect();
    let mut base = Base::default();
    for path in ["/bin/sh", "/usr/bin/env", "/usr/bin/wget"] {
        base.programs.insert(path.to_owned(), "busybox".to_owned());
    }
    let contents = contents(&plan, &base, &packages, plan.base.unknown().is_none());
    let answers: Vec<_> =
        needs.iter().map(|need| answer(&need.program, &contents, Some(&plan), Some((&tree, "")))).collect();
    let supply = Supply::new("v3.20", Some(Arc::new(catalog)), Vec::new());
    let subject = Subject {
        tree: &tree,
        image: None,
        dockerfile: Some(Docker { file: &file, plan: &plan, others: &plans.stages, contents: &contents, context: "" }),
        needs: &needs,
        answers: &answers,
        dynamic: &dynamic,
        scanned: true,
        supply: &supply,
        locked: None,
    };
    let findings = check::check(&subject);
    let own = findings.iter().filter(|finding| finding.rule.code == code);
    own.inspect(|finding| assert!(!finding.labels.is_empty(), "{finding:?}")).map(shown).collect()
}

fn shown(finding: &Finding) -> String {
    format!("{} {}", finding.severity.name(), finding.message)
}

#[test]
fn an_option_that_the_applet_lacks_is_told_with_the_package_that_has_it() {
    let image = |more: &str| format!("FROM alpine:3.20\n{more}COPY --chmod=0755 run.sh /run.sh\nCMD [\"/run.sh\"]\n");
    let script = "#!/bin/sh\nwget -q --retry-connrefused https://example.org\n";
    assert_eq!(
        found("applet-option", &image(""), &[("run.sh*", script)]),
        ["note busybox's wget has no --retry-connrefused; the one of the package wget has"]
    );
    let plain = "#!/bin/sh\nwget -q -O - https://example.org\n";
    assert_eq!(found("applet-option", &image(""), &[("run.sh*", plain)]), Vec::<String>::new());
    assert_eq!(found("applet-option", &image("RUN apk add wget\n"), &[("run.sh*", script)]), Vec::<String>::new());
}

#[test]
fn a_pin_is_stale_once_the_index_has_another_build() {
    let image = |add: &str| format!("FROM alpine:3.20\nRUN apk add {add}\nCMD [\"git\"]\n");
    assert_eq!(found("stale-pin", &image("git=1-r9 jq"), &[]), ["error git=1-r9 is pinned, and Alpine v3.20 has 1-r0"]);
    for kept in ["git=1-r0", "git~=1", "git>0", "git", "git=1-r9 -X https://example.org/apk"] {
        assert_eq!(found("stale-pin", &image(kept), &[]), Vec::<String>::new(), "{kept}");
    }
}

const SCRIPT_IMAGE: &str = "COPY run.sh /run.sh\nENTRYPOINT [\"/run.sh\"]\n";

#[test]
fn missing_interpreter() {
    let files = [("run.sh*", "#!/bin/bash\necho x\n")];
    let catch = found("missing-interpreter", &format!("FROM alpine:3.20\n{SCRIPT_IMAGE}"), &files);
    assert_eq!(catch, ["error run.sh is a script for `/bin/bash`, which is not in the image"]);
    let pass = format!("FROM alpine:3.20\nRUN apk add bash\n{SCRIPT_IMAGE}");
    assert!(found("missing-interpreter", &pass, &files).is_empty());
    // It is said once.
    assert!(found("missing-program", &format!("FROM alpine:3.20\n{SCRIPT_IMAGE}"), &files).is_empty());
}

#[test]
fn removed_package() {
    let files = [("run.sh*", RUN_GIT)];
    let text = format!("FROM alpine:3.20\nRUN apk add -t .deps git jq && apk del .deps\n{SCRIPT_IMAGE}");
    assert_eq!(found("removed-package", &text, &files), ["error git, which brings `git`, is removed again"]);
    let pass = text.replace("&& apk del", "&& apk add git && apk del");
    assert!(found("removed-package", &pass, &files).is_empty());
}

#[test]
fn shadowed_program() {
    let files = [("run.sh*", RUN_GIT), ("wrap*", "#!/bin/sh\ntrue\n")];
    let text = format!("FROM alpine:3.20\nRUN apk add git\nCOPY wrap /usr/local/bin/git\n{SCRIPT_IMAGE}");
    assert_eq!(found("shadowed-program", &text, &files).len(), 1);
    let pass = text.replace("/usr/local/bin/git", "/opt/git");
    assert!(found("shadowed-program", &pass, &files).is_empty());
}

#[test]
fn not_executable() {
    let files = [("run.sh", "#!/bin/sh\ntrue\n")];
    let text = format!("FROM alpine:3.20\n{SCRIPT_IMAGE}");
    assert_eq!(found("not-executable", &text, &files), ["error /run.sh is run, and has no execute bit"]);
    for pass in [
        text.replace("COPY", "COPY --chmod=0755"),
        text.replace("ENTRYPOINT", "RUN chmod +x /run.sh\nENTRYPOINT"),
        text.replace("[\"/run.sh\"]", "[\"sh\", \"/run.sh\"]"),
    ] {
        assert!(found("not-executable", &pass, &files).is_empty(), "{pass}");
    }
}

#[test]
fn missing_file() {
    let text = "FROM alpine:3.20\nWORKDIR /app\nENTRYPOINT [\"./start\"]\n";
    assert_eq!(found("missing-file", text, &[]), ["error nothing puts ./start into the image"]);
    assert!(found("missing-program", text, &[]).is_empty());
    let pass = text.replace("ENTRYPOINT", "COPY --chmod=755 start .\nENTRYPOINT");
    assert!(found("missing-file", &pass, &[("start", "#!/bin/sh\n")]).is_empty());
    assert!(found("missing-file", "FROM alpine:3.20\nENTRYPOINT [\"/bin/sh\"]\n", &[]).is_empty());
}

#[test]
fn unused_package() {
    let files = [("run.sh*", RUN_GIT)];
    let text = format!("FROM alpine:3.20\nRUN apk add git jq\n{SCRIPT_IMAGE}");
    assert_eq!(found("unused-package", &text, &files), ["note nothing in the code runs a program of jq"]);
    assert!(found("unused-package", &text.replace(" jq", ""), &files).is_empty());
}

#[test]
fn unknown_base() {
    for (reference, want) in [
        ("alpine:3.20", 0),
        ("node:20-alpine3.20", 0),
        ("scratch", 0),
        ("ghcr.io/owner/image:1", 1),
        ("owner/image:1-alpine3.20", 1),
        ("debian:12", 1),
        ("${BASE}", 1),
    ] {
        let text = format!("FROM {reference}\nCMD [\"sh\"]\n");
        assert_eq!(found("unknown-base", &text, &[]).len(), want, "{reference}");
    }
}

#[test]
fn unknown_effect() {
    let catch = found("unknown-effect", "FROM alpine:3.20\nRUN wget -qO- https://x | sh\nCMD [\"sh\"]\n", &[]);
    assert_eq!(catch, ["note what the script that `sh` reads does is not known"]);
    assert!(
        found("unknown-effect", "FROM alpine:3.20\nRUN apk add git && adduser -D x\nCMD [\"sh\"]\n", &[]).is_empty()
    );
    // What may bring a program makes its absence a warning.
    let files = [("run.sh*", RUN_GIT)];
    let text = format!("FROM alpine:3.20\nRUN ./install\n{SCRIPT_IMAGE}");
    let missing = found("missing-program", &text, &files);
    assert!(missing.iter().any(|line| line.starts_with(Severity::Warning.name())), "{missing:?}");
}

#[test]
fn wrong_stage() {
    let files = [("run.sh*", RUN_GIT)];
    let text = format!("FROM alpine:3.20 AS b\nRUN apk add git\nFROM alpine:3.20\n{SCRIPT_IMAGE}");
    assert_eq!(found("wrong-stage", &text, &files), ["error git is installed in stage b, which does not ship"]);
    let pass = text.replace("FROM alpine:3.20\nCOPY", "FROM b\nCOPY");
    assert!(found("wrong-stage", &pass, &files).is_empty());
}
