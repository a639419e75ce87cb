//! One image, one verdict, from wherever it is read: archives in every form, a layout, a registry on a local port.

mod image_kit;
mod image_registry_server;

use aboard::image::{self, Image, ImageError, Limits, Source};
use aboard::platform::Platform;
use aboard::verify::{self, Expectation, Wanted};
use image_kit::{Elf, Fixture, MUSL, Pack, Tar, gzip, sha256, zstd};
use image_registry_server::{Access, Content, Registry};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An image with something of everything, in three layers.
fn fixture() -> Fixture {
    let elf = Elf::program().bytes();
    let dynamic = Elf { interpreter: Some(MUSL), needed: vec!["libz.so.1"], ..Elf::program() }.bytes();
    let base = Tar::new()
        .folder("bin", 0o755)
        .file("bin/static", 0o755, &elf)
        .file("bin/gone", 0o755, &elf)
        .file("bin/dynamic", 0o755, &dynamic)
        .file("lib/ld-musl-x86_64.so.1", 0o755, &Elf { kind: 3, ..Elf::program() }.bytes())
        .file("bin/script", 0o755, b"#!/bin/no-such\n")
        .file("srv/data", 0o644, &vec![7; 300_000])
        .file("srv/secret/old", 0o755, &elf);
    let middle = Tar::new().file("bin/.wh.gone", 0o644, b"").file("bin/mode", 0o644, &elf).link("bin/link", "static");
    let top = Tar::new()
        .file("srv/secret/.wh..wh..opq", 0o644, b"")
        .file("srv/secret/new", 0o755, &elf)
        .file(&format!("opt/{}/tool", "long-name/".repeat(20)), 0o755, &elf)
        .hard_link("bin/hard", "bin/static");
    Fixture::new(vec![base, middle, top]).with("Entrypoint", vec!["/bin/static"])
}

/// The verdicts on it: program, path, status.
fn verdicts(image: &Image) -> Vec<(String, Option<String>, Option<&'static str>)> {
    let long = format!("/opt/{}/tool", "long-name/".repeat(20));
    let names =
        ["static", "gone", "dynamic", "script", "mode", "link", "hard", "/srv/secret/old", "/srv/secret/new", &long];
    let programs = names.iter().map(|name| Wanted::named(name)).collect();
    let report = verify::verify(image, &Expectation { programs, ..Expectation::default() });
    report.rows.into_iter().map(|row| (row.program, row.path, row.code)).collect()
}

fn expected() -> Vec<(String, Option<String>, Option<&'static str>)> {
    let long = format!("/opt/{}tool", "long-name/".repeat(20));
    [
        ("static", Some("/bin/static"), None),
        ("gone", None, Some("missing-program")),
        ("dynamic", Some("/bin/dynamic"), Some("missing-library")),
        ("script", Some("/bin/script"), Some("missing-interpreter")),
        ("mode", Some("/bin/mode"), Some("not-executable")),
        ("link", Some("/bin/static"), None),
        ("hard", Some("/bin/hard"), None),
        ("/srv/secret/old", None, Some("missing-program")),
        ("/srv/secret/new", Some("/srv/secret/new"), None),
        (&format!("/opt/{}/tool", "long-name/".repeat(20)), Some(&long), None),
        ("/bin/static", Some("/bin/static"), None),
    ]
    .map(|(program, path, code)| (program.to_owned(), path.map(str::to_owned), code))
    .to_vec()
}

fn open(path: &Path) -> Result<Image, ImageError> {
    image::open(&Source::Path(path.to_owned(), None), Platform::default(), Limits::default())
}

#[track_caller]
fn same_verdict(path: &Path) {
    let image = open(path).expect("the image is read");
    assert_eq!(verdicts(&image), expected());
    assert_eq!(image.id.to_string(), format!("sha256:{}", sha256(&fixture().config_json())));
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("written");
    path
}

#[test]
fn archives_of_every_form_give_the_same_verdict() {
    let folder = tempfile::tempdir().expect("a folder");
    let docker = fixture().docker_archive();
    same_verdict(&written(folder.path(), "docker.tar", &docker));
    same_verdict(&written(folder.path(), "docker.tar.gz", &gzip(&docker)));
    same_verdict(&written(folder.path(), "docker.tar.zst", &zstd(&docker)));
    for pack in [Pack::Plain, Pack::Gzip, Pack::Zstd] {
        let archive = fixture().oci_archive(pack);
        same_verdict(&written(folder.path(), "oci.tar", &archive));
        same_verdict(&written(folder.path(), "oci.tar.gz", &gzip(&archive)));
        same_verdict(&written(folder.path(), "oci.tar.zst", &zstd(&archive)));
        same_verdict(&fixture().write_layout(tempfile::tempdir().expect("a folder").path(), pack));
    }
}

#[test]
fn a_layer_that_is_a_link_to_another_is_followed() {
    // `docker save` of old writes a layer that occurs twice as a link.
    let fixture = fixture();
    let config = fixture.config_json();
    let name = format!("{}.json", sha256(&config));
    let mut tar = Tar::new().file(&name, 0o644, &config);
    for (number, layer) in fixture.layers.iter().enumerate() {
        tar = tar.file(&format!("real{number}/layer.tar"), 0o644, layer);
        tar = tar.link(&format!("alias{number}/layer.tar"), &format!("../real{number}/layer.tar"));
    }
    let layers: Vec<String> = (0..3).map(|number| format!("alias{number}/layer.tar")).collect();
    let manifest = serde_json::json!([{"Config": name, "RepoTags": null, "Layers": layers}]);
    let folder = tempfile::tempdir().expect("a folder");
    let archive = tar.file("manifest.json", 0o644, manifest.to_string().as_bytes()).finish();
    same_verdict(&written(folder.path(), "plain.tar", &archive));
    same_verdict(&written(folder.path(), "stream.tar.gz", &gzip(&archive)));
}

#[test]
fn one_of_several_images_must_be_named() {
    let (mut one, mut two) =
        (fixture(), Fixture::new(vec![Tar::new().file("bin/other", 0o755, &Elf::program().bytes())]));
    (one.tag, two.tag) = ("team/app:1".to_owned(), "team/other:2".to_owned());
    let mut tar = Tar::new();
    let mut manifest = Vec::new();
    for (prefix, fixture) in [("a", &one), ("b", &two)] {
        let config = fixture.config_json();
        let name = format!("{}.json", sha256(&config));
        tar = tar.file(&name, 0o644, &config);
        let names: Vec<String> = (0..fixture.layers.len()).map(|n| format!("{prefix}{n}/layer.tar")).collect();
        for (name, layer) in names.iter().zip(&fixture.layers) {
            tar = tar.file(name, 0o644, layer);
        }
        manifest.push(serde_json::json!({"Config": name, "RepoTags": [fixture.tag], "Layers": names}));
    }
    let archive = tar.file("manifest.json", 0o644, serde_json::json!(manifest).to_string().as_bytes()).finish();
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path(), "two.tar", &archive);
    let error = open(&path).expect_err("which one").to_string();
    assert_eq!(error, "there are several images: team/app:1, team/other:2; name one");
    let named = Source::Path(path, Some("docker.io/team/app:1".to_owned()));
    let image = image::open(&named, Platform::default(), Limits::default()).expect("it is there");
    assert_eq!(verdicts(&image), expected());
}

#[test]
fn the_wanted_platform_is_picked_or_all_are_listed() {
    let other = |arch, variant| Fixture { platform: (arch, variant), ..fixture() };
    let (mut blobs, amd64) = fixture().blobs(Pack::Gzip);
    let (more, arm64) = other("arm64", Some("v8")).blobs(Pack::Gzip);
    blobs.extend(more);
    let attestation = serde_json::json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": format!("sha256:{}", "1".repeat(64)), "size": 1,
        "platform": {"os": "unknown", "architecture": "unknown"},
    });
    let folder = tempfile::tempdir().expect("a folder");
    let both = image_kit::oci_archive(&blobs, &[attestation.clone(), arm64.clone(), amd64]);
    same_verdict(&written(folder.path(), "both.tar", &both));
    let (more, arm7) = other("arm", Some("v7")).blobs(Pack::Gzip);
    blobs.extend(more);
    let without = written(folder.path(), "arms.tar", &image_kit::oci_archive(&blobs, &[attestation, arm7, arm64]));
    let error = open(&without).expect_err("no amd64").to_string();
    assert_eq!(error, "there is no image for linux/amd64; there are images for linux/arm/v7, linux/arm64/v8");
    // An index may lie about what it points to.
    let (blobs, mut descriptor) = other("arm64", None).blobs(Pack::Plain);
    descriptor["platform"]["architecture"] = "amd64".into();
    let lie = written(folder.path(), "lie.tar", &image_kit::oci_archive(&blobs, &[descriptor]));
    assert!(open(&lie).expect_err("it is for arm64").to_string().contains("there is one for linux/arm64"));
}

fn content(access: Access) -> Content {
    let (blobs, descriptor) = fixture().blobs(Pack::Gzip);
    let (more, arm) = Fixture { platform: ("arm64", None), ..fixture() }.blobs(Pack::Zstd);
    let mut by_path = BTreeMap::new();
    for (digest, bytes) in blobs.into_iter().chain(more) {
        by_path.insert(format!("blobs/sha256:{digest}"), bytes.clone());
        by_path.insert(format!("manifests/sha256:{digest}"), bytes);
    }
    let index = image_kit::index(&[arm, descriptor]);
    by_path.insert(format!("manifests/sha256:{}", sha256(&index)), index.clone());
    by_path.insert("manifests/1".to_owned(), index);
    Content { by_path, access, blobs_at: None }
}

fn pull(registry: &Registry, selector: &str) -> Result<Image, ImageError> {
    let source = Source::Registry(format!("{}/team/app{selector}", registry.host));
    image::open(&source, Platform::default(), Limits::default())
}

#[test]
fn a_registry_gives_the_same_verdict() {
    let content = content(Access::Anyone);
    let digest = sha256(&content.by_path["manifests/1"]);
    let registry = Registry::start(content);
    assert_eq!(verdicts(&pull(&registry, ":1").expect("pulled by tag")), expected());
    assert_eq!(verdicts(&pull(&registry, &format!("@sha256:{digest}")).expect("pulled by digest")), expected());
    let error = pull(&registry, ":2").expect_err("no such tag").to_string();
    assert!(error.ends_with("/v2/team/app/manifests/2: the registry does not have it"), "{error}");
}

#[test]
fn what_a_registry_changed_is_noticed() {
    let mut content = content(Access::Anyone);
    let index = content.by_path["manifests/1"].clone();
    content.by_path.insert(format!("manifests/sha256:{}", "a".repeat(64)), index);
    let layer = format!("blobs/sha256:{}", sha256(&gzip(&fixture().layers[0])));
    let changed = gzip(&Tar::new().file("bin/static", 0o755, b"#!/bin/evil\n").finish());
    content.by_path.insert(layer, changed);
    let registry = Registry::start(content);
    let error = pull(&registry, &format!("@sha256:{}", "a".repeat(64))).expect_err("another index").to_string();
    assert!(error.starts_with("the manifest is sha256:"), "{error}");
    assert!(matches!(pull(&registry, ":1"), Err(ImageError::Digest { .. })));
}

/// `aboard verify` as users run it, with a docker configuration of its own.
fn verify(registry: &Registry, config: &str, helper: Option<&str>) -> (i32, String) {
    let home = tempfile::tempdir().expect("a folder");
    written(home.path(), "config.json", config.replace("HOST", &registry.host).as_bytes());
    if let Some(helper) = helper {
        let script = format!("#!/bin/sh\n[ \"$(cat)\" = {} ] || exit 9\n{helper}\n", registry.host);
        let path = written(home.path(), "docker-credential-of-test", script.as_bytes());
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("set");
    }
    let path = format!("{}:{}", home.path().display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new(env!("CARGO_BIN_EXE_aboard"))
        .current_dir(home.path())
        .env_clear()
        .env("PATH", path)
        .env("DOCKER_CONFIG", home.path())
        .args(["verify", "--image", &format!("docker://{}/team/app:1", registry.host), "static"])
        .output()
        .expect("aboard runs");
    (output.status.code().expect("it ends"), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn credentials_come_from_the_docker_configuration() {
    const AUTHS: &str = r#"{"auths":{"HOST":{"auth":"dXNlcjpzZWNyZXQ="}}}"#;
    const HELPER: &str = r#"{"credHelpers":{"HOST":"of-test"}}"#;
    const STORE: &str = r#"{"credsStore":"of-test","auths":{"HOST":{}}}"#;
    let basic = Registry::start(content(Access::Basic));
    let token = Registry::start(content(Access::Token));
    let identity = Registry::start(content(Access::Identity));
    let answers = |user: &str, secret: &str| format!("echo '{{\"Username\":\"{user}\",\"Secret\":\"{secret}\"}}'");
    for registry in [&basic, &token] {
        assert_eq!(verify(registry, AUTHS, None), (0, String::new()));
        assert_eq!(verify(registry, HELPER, Some(&answers("user", "secret"))), (0, String::new()));
        assert_eq!(verify(registry, STORE, Some(&answers("user", "secret"))), (0, String::new()));
        let (status, message) = verify(registry, HELPER, Some(&answers("user", "wrong")));
        assert_eq!(status, 2);
        assert!(
            message.contains("the registry refuses") || message.contains("the token service answers 401"),
            "{message}"
        );
        assert!(!message.contains("wrong"), "a secret is shown: {message}");
        assert_eq!(verify(registry, "{}", None).0, 2);
    }
    assert_eq!(verify(&identity, r#"{"auths":{"HOST":{"identitytoken":"refresh-me"}}}"#, None), (0, String::new()));
    assert_eq!(verify(&identity, HELPER, Some(&answers("<token>", "refresh-me"))), (0, String::new()));
    let (status, message) = verify(&basic, HELPER, Some("echo no keyring; exit 1"));
    assert_eq!(status, 2);
    assert!(message.contains("docker-credential-of-test failed"), "{message}");
    let (_, message) = verify(&basic, r#"{"credHelpers":{"HOST":"../evil"}}"#, None);
    assert!(message.contains("`../evil` is not the name of a credential helper"), "{message}");
    let (_, message) = verify(&basic, r#"{"auths": nonsense dXNlcjpzZWNyZXQ="#, None);
    assert!(message.contains("broken at line 1") && !message.contains("dXNl"), "{message}");
}

#[test]
fn credentials_do_not_follow_a_redirect() {
    let elsewhere = Registry::start(content(Access::Anyone));
    let front = Content { blobs_at: Some(elsewhere.host.clone()), ..content(Access::Basic) };
    let front = Registry::start(front);
    assert_eq!(verify(&front, r#"{"auths":{"HOST":{"auth":"dXNlcjpzZWNyZXQ="}}}"#, None), (0, String::new()));
    let log = elsewhere.log.lock().expect("the log").clone();
    assert_eq!(log.len(), 4, "the configuration and three layers come from elsewhere");
    assert!(log.iter().all(|(_, authorization)| authorization.is_empty()), "{log:?}");
    assert!(!front.paths().is_empty());
}

/// Shell code in the configuration is read as shell code is anywhere: what it runs must be there too.
#[test]
fn the_configurations_shell_code_is_scanned() {
    let folder = tempfile::tempdir().expect("a folder");
    let elf = Elf::program().bytes();
    let fixture = Fixture::new(vec![Tar::new().file("bin/sh", 0o755, &elf).file("bin/node", 0o755, &elf)])
        .with("Entrypoint", vec!["/bin/sh", "-c", "set -e; exec node server.js"])
        .with("Healthcheck", serde_json::json!({"Test": ["CMD-SHELL", "curl -f localhost || exit 1"]}));
    let path = fixture.write_docker_archive(folder.path());
    let output = Command::new(env!("CARGO_BIN_EXE_aboard"))
        .args(["verify", "--format", "json", "--archive"])
        .arg(path)
        .current_dir(folder.path())
        .output()
        .expect("aboard runs");
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
    let programs = value["images"][0]["programs"].as_array().expect("programs");
    let rows: Vec<_> = programs.iter().map(|row| (row["program"].as_str(), row["status"].as_str())).collect();
    let (starts, fails) = (Some("starts"), Some("fails"));
    assert_eq!(rows, [(Some("node"), starts), (Some("curl"), fails), (Some("/bin/sh"), starts)]);
    assert_eq!(output.status.code(), Some(1));
}
