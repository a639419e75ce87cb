//! What compose files and Kubernetes manifests start in the image of a Dockerfile: each case is a tree, the programs that
//! are found, and the text at each.

use aboard::dockerfile::{Context, Options, Plans, parse};
use aboard::scan::deploy::{Built, Files};
use aboard::scan::dockerfile::scan_deployment;
use aboard::scan::{Scan, ScanContext};
use aboard::walk::Tree;
use std::fs;

const DOCKERFILE: &str = "FROM alpine:3.20 AS dev\nCMD [\"d\"]\nFROM alpine:3.20\nCOPY run.sh /run.sh\nENTRYPOINT [\"/run.sh\"]\nCMD [\"serve\"]\n";
const SCRIPT: &str = "#!/bin/sh\nexec \"$@\"\n";

/// `api:program` of every site in the files beside `app/Dockerfile`, sorted; the name stands in the text at each site.
fn started(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in files.iter().chain(&[("app/Dockerfile", DOCKERFILE), ("app/run.sh", SCRIPT)]) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs::write(path, text).expect("written");
    }
    let tree = Tree::open(folder.path()).expect("opened");
    let dockerfile = parse(tree.files(), tree.read("app/Dockerfile").expect("read")).expect("a Dockerfile");
    let build = Context::find_for(&tree, "app/Dockerfile", &dockerfile);
    let plans = Plans::new(&dockerfile, &Options { context: Some(&build), ..Options::default() });
    let plan = plans.target(None).expect("a stage");
    let is_stage = |target: Option<&str>| plans.target(target).is_ok_and(|found| found.stage == plan.stage);
    let built = Built { dockerfile: "app/Dockerfile", is_stage: &is_stage, names: Vec::new() };
    let context = ScanContext::new(&tree);
    let mut scan = Scan::default();
    for deployment in Files::find(&tree).deployments(&tree, &built) {
        scan.extend(scan_deployment(&context, &dockerfile, plan, Some(&build), &deployment));
    }
    let mut names: Vec<String> = scan
        .sites
        .iter()
        .map(|site| {
            assert_eq!(site.language, "service", "{site:?}");
            let text = tree.files().text(site.span);
            let implied = site.api.contains("healthcheck") && site.program.base_name() == Some("sh");
            assert!(implied || site.program.base_name().is_none_or(|name| text.contains(name)), "{site:?}: {text}");
            format!("{}:{}", site.api, site.program)
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

fn compose(service: &str) -> Vec<String> {
    started(&[("docker-compose.yml", &format!("services:\n  web:\n    build: ./app\n{service}"))])
}

#[test]
fn a_services_command_is_a_program_of_its_image() {
    assert_eq!(compose("    command: worker --loop 'a b'\n"), ["compose command:worker"]);
    assert_eq!(
        compose("    command: [sh, -c, \"migrate && gosu app serve\"]\n"),
        ["compose command:gosu", "compose command:migrate", "compose command:serve", "compose command:sh"]
    );
    assert_eq!(compose("    command: >\n      sh -c 'migrate\n      && serve'\n").len(), 3);
}

#[test]
fn an_entrypoint_takes_the_images_own_with_its_arguments_away() {
    assert_eq!(
        compose("    entrypoint: [/usr/bin/tini, --, other]\n"),
        ["compose entrypoint:/usr/bin/tini", "compose entrypoint:other"]
    );
    assert_eq!(compose("    entrypoint: []\n    command: [other, serve]\n"), ["compose command:other"]);
    assert_eq!(compose("    entrypoint: program\n    command: serve\n"), ["compose entrypoint:program"]);
}

#[test]
fn a_healthcheck_is_words_or_a_text_for_the_shell() {
    assert_eq!(compose("    healthcheck:\n      test: [CMD, curl, -f, http://x]\n"), ["compose healthcheck:curl"]);
    for test in ["[CMD-SHELL, \"curl -f x || exit 1\"]", "curl -f x || exit 1"] {
        assert_eq!(
            compose(&format!("    healthcheck:\n      test: {test}\n")),
            ["compose healthcheck:/bin/sh", "compose healthcheck:curl"]
        );
    }
    assert!(compose("    healthcheck:\n      test: [NONE]\n").is_empty());
    assert!(compose("    healthcheck:\n      disable: true\n").is_empty());
}

#[test]
fn variables_have_their_defaults_or_are_not_known() {
    assert_eq!(compose("    command: ${TOOL:-worker} $$x ${Y}\n"), ["compose command:worker"]);
    assert_eq!(
        compose("    command: [\"${TOOL}\", x]\n"),
        ["compose command:(dynamic: the variable TOOL, which whoever starts the image sets)"]
    );
}

#[test]
fn merges_and_extensions_are_followed() {
    let text = "x-base: &base\n  build: {context: app}\nservices:\n  a:\n    <<: *base\n    command: one\n  b:\n    extends: {service: a}\n    command: two\n";
    assert_eq!(started(&[("compose.yaml", text)]), ["compose command:one", "compose command:two"]);
}

#[test]
fn services_of_other_images_are_not_the_images() {
    for service in [
        "    image: postgres\n    command: postgres -c x\n",
        "    build: ./other\n    command: other\n",
        "    build: {context: app, dockerfile: Dockerfile.dev}\n    command: other\n",
        "    build: {context: app, target: dev}\n    command: other\n",
        "    build: {context: \"${WHERE}\"}\n    command: other\n",
        "    build: {dockerfile_inline: FROM alpine}\n    command: other\n",
    ] {
        let text = format!("services:\n  x:\n{service}");
        assert!(started(&[("docker-compose.yml", &text)]).is_empty(), "{service}");
    }
    let test = "services:\n  x:\n    build: ../app\n    command: other\n";
    assert!(started(&[("tests/docker-compose.yml", test)]).is_empty());
    assert!(started(&[("docker-compose.yml", "services: {{ .Values }}\n")]).is_empty());
}

const POD: &str = "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      initContainers:\n        - name: init\n          image: registry.example.com/app:v2\n          command: [migrate]\n      containers:\n        - name: app\n          image: registry.example.com/app:v1\n          args: [worker]\n          livenessProbe: {exec: {command: [probe, x]}}\n          readinessProbe: {httpGet: {path: /}}\n          lifecycle: {preStop: {exec: {command: [sh, -c, \"sleep 5\"]}}}\n        - name: side\n          image: busybox\n          command: [other]\n";

#[test]
fn containers_of_an_image_with_a_known_name_count() {
    let named = "services:\n  web:\n    build: app\n    image: registry.example.com/app\n";
    let want =
        ["container args:worker", "container command:migrate", "livenessProbe:probe", "preStop:sh", "preStop:sleep"];
    assert_eq!(started(&[("docker-compose.yml", named), ("deploy/app.yaml", POD)]), want);
    let skaffold = "apiVersion: skaffold/v4beta6\nkind: Config\nbuild:\n  artifacts:\n    - image: registry.example.com/app\n      context: app\n";
    assert_eq!(started(&[("skaffold.yaml", skaffold), ("deploy/app.yaml", POD)]), want);
}

#[test]
fn containers_of_images_that_nothing_names_do_not() {
    assert!(started(&[("deploy/app.yaml", POD)]).is_empty());
    let other = "services:\n  web:\n    build: app\n    image: registry.example.com/other\n";
    assert!(started(&[("docker-compose.yml", other), ("deploy/app.yaml", POD)]).is_empty());
    let named = "services:\n  web:\n    build: app\n    image: registry.example.com/app\n";
    let chart = POD.replace("name: init", "name: {{ .Values.name }}");
    assert!(started(&[("docker-compose.yml", named), ("chart/templates/app.yaml", &chart)]).is_empty());
}
