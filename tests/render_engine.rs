//! Rendered Dockerfiles on a real engine, with its legacy builder and no network: each template builds, and the image
//! has the user, the files and the health check that were asked for. `apk add` is a stand-in: what packages hold is
//! not the matter here.

#![cfg(all(feature = "engine-tests", feature = "shared-data-tests"))]
#![allow(clippy::panic, reason = "a test fails by panicking, and says what it saw")]

use aboard::manifest;
use aboard::render::{self, PackageLine};
use aboard::walk::Tree;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const BASE: &str = "aboard-test/render-base:3.20";

const APK: &str = "#!/bin/sh
# A stand-in: notes what it was asked for.
shift
for word in \"$@\"; do
    case $word in
    -*) ;;
    *) echo \"$word\" >> /etc/asked-for ;;
    esac
done
";

const MANIFEST: &str = "
alpine:
  repositories: [main, '@own https://example.invalid/own']
  keys: [keys/own.rsa.pub]
images:
  go-service:
    template: go-service
    vars:
      prebuilt: dist/server
      entrypoint: entrypoint.sh
      root_entrypoint: true
      files: {data: /data}
      folders: [/var/lib/a, /var/lib/b]
      labels: {org.example.note: 'a \"quoted\" $5 \\ note'}
      env: {GREETING: it's $HOME}
      port: 8080
      healthcheck: /health
      workdir: /data
  static-binary:
    template: static-binary
    vars: {prebuilt: dist/server, user: service, uid: 1234, arguments: [one, 'two words']}
  python-service:
    template: python-service
    vars: {command: [sh, -c, 'id -un'], source: data}
  node-service:
    template: node-service
    vars: {command: [sh, -c, 'id -un'], create_user: false, user: nobody}
  workspace-template:
    template: workspace-template
    vars: {command: [sh, -c, 'touch /workspace/x && id -un'], source: data}
";

fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).env("DOCKER_BUILDKIT", "0").output().expect("docker starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "docker {arguments:?}\n{stdout}\n{stderr}");
    stdout.trim().to_owned()
}

fn shared() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    std::env::var_os("ABOARD_SHARED").map_or_else(default, PathBuf::from)
}

/// Removes the images of this test, however it ends.
struct Images(Vec<String>);

impl Drop for Images {
    fn drop(&mut self) {
        for image in &self.0 {
            let _ = Command::new("docker").args(["image", "rm", "-f", image]).output();
        }
    }
}

/// An Alpine root with a stand-in for apk.
fn make_base(folder: &Path) {
    let root = shared().join("data/rootfs/alpine-minirootfs-3.20.3-x86_64.tar.gz");
    fs::copy(&root, folder.join("root.tar.gz")).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
    fs::write(folder.join("apk"), APK).expect("written");
    let text = "FROM scratch\nADD root.tar.gz /\nCOPY apk /sbin/apk\nRUN chmod 0755 /sbin/apk\n";
    fs::write(folder.join("Dockerfile"), text).expect("written");
    docker(&["build", "--network", "none", "-t", BASE, &folder.to_string_lossy()]);
}

#[test]
fn every_template_builds_with_the_legacy_builder_and_no_network() {
    let base = tempfile::tempdir().expect("a folder");
    make_base(base.path());
    let project = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = project.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("written");
    };
    write("dist/server", "#!/bin/sh\necho \"server $*\"; id -un\n");
    write("entrypoint.sh", "#!/bin/sh\necho \"as $(id -un) in $PWD: $GREETING\"\nexec \"$@\"\n");
    write("data/file", "data\n");
    write("keys/own.rsa.pub", "key\n");
    let lines = |name: &str| format!("    dockerfile: {name}.Dockerfile\n    base: {BASE}\n    release: 3.20\n");
    let mut text = format!("version: 1{MANIFEST}");
    for name in manifest::template::names() {
        text = text.replace(&format!("    template: {name}\n"), &format!("    template: {name}\n{}", lines(name)));
    }
    write("aboard.yaml", &text);

    let tree = Tree::open(project.path()).expect("opened");
    let manifest = manifest::read(&tree, "aboard.yaml").unwrap_or_else(|faults| panic!("valid: {faults:?}"));
    let names: Vec<&str> = manifest.images.iter().map(|image| image.name.as_str()).collect();
    let mut known: Vec<&str> = manifest::template::names().collect();
    known.sort_by_key(|name| names.iter().position(|other| other == name));
    assert_eq!(names, known, "every template is here");
    let packages = [
        PackageLine { name: "git".into(), pin: "~=2.45".into(), reason: "git, run by a.go".into() },
        PackageLine { name: "tzdata".into(), ..PackageLine::default() },
    ];
    let tag = |name: &str| format!("aboard-test/render-{name}:dev");
    let _images = Images(names.iter().map(|name| tag(name)).chain([BASE.to_owned()]).collect());
    let mut outputs = Vec::new();
    for image in &manifest.images {
        let text = render::render(&tree, &manifest, image, &packages);
        let text = text.unwrap_or_else(|faults| panic!("{faults:?}")).expect("a template renders");
        assert!(render::write(&tree, &image.dockerfile, &text).expect("written"));
        let file = project.path().join(image.dockerfile.as_str());
        let (file, context) = (file.to_string_lossy().into_owned(), project.path().to_string_lossy().into_owned());
        let tag = tag(&image.name);
        docker(&["build", "--network", "none", "--platform", "linux/amd64", "-f", &file, "-t", &tag, &context]);
        outputs.push(docker(&["run", "--rm", "--network", "none", &tag]));
        let files = ["/etc/asked-for", "/etc/apk/keys/own.rsa.pub", "/etc/apk/repositories"];
        let arguments = [&["run", "--rm", "--network", "none", "--entrypoint", "cat", &tag][..], &files].concat();
        assert_eq!(
            docker(&arguments),
            "git~=2.45\ntzdata\nkey\nhttps://dl-cdn.alpinelinux.org/alpine/v3.20/main\n@own https://example.invalid/own"
        );
    }
    assert_eq!(
        outputs,
        ["as root in /data: it's \nserver \nroot", "server one two words\nservice", "app", "nobody", "app"],
        "what each image says when it runs"
    );
    let inspect = |name: &str, format: &str| docker(&["image", "inspect", "--format", format, &tag(name)]);
    assert_eq!(
        inspect("go-service", "{{json .Config.Labels}}"),
        r#"{"org.example.note":"a \"quoted\" $5 \\ note","org.opencontainers.image.title":"go-service"}"#
    );
    assert!(inspect("go-service", "{{json .Config.Healthcheck.Test}}").contains("http://127.0.0.1:8080/health"));
    assert_eq!(inspect("static-binary", "{{.Config.User}} {{json .Config.Cmd}}"), "service [\"one\",\"two words\"]");
    assert_eq!(inspect("workspace-template", "{{json .Config.Volumes}}"), "{\"/workspace\":{}}");
}
