//! A first manifest, for Dockerfiles that are there already.
//!
//! Only the text is made here: what was found in the project, the caller says. The Dockerfiles stay hand-written; a
//! template is for a person to choose.

use super::edit::scalar;
use super::name;
use std::collections::BTreeSet;
use std::fmt::Write;

/// A Dockerfile that was found, with what is known of it. Paths are relative to the project.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Its path.
    pub dockerfile: String,
    /// The folder that its build is given (`""` for the project's own).
    pub context: String,
    /// The stage that ships, where it is not the last one.
    pub target: Option<String>,
    /// Where scanning starts (`cmd/server`, `go:cmd/server`); empty where the Dockerfile says.
    pub code: Vec<String>,
}

/// The manifest's text for what was found, in that order. `project` names the image of a Dockerfile in the project's
/// own folder.
pub fn text(project: &str, found: &[Found]) -> String {
    let mut out = "# The images of this project, and the programs that their code runs.\n\
                   # `aboard derive` fills in `programs`; `aboard check` holds code, manifest and image together.\n\
                   version: 1\n\nimages:\n"
        .to_owned();
    let mut taken = BTreeSet::new();
    for (index, image) in found.iter().enumerate() {
        let name = unique(&image_name(project, &image.dockerfile), &mut taken);
        let gap = if index > 0 { "\n" } else { "" };
        let _ = write!(out, "{gap}  {}:\n    dockerfile: {}\n", scalar(&name), scalar(&image.dockerfile));
        if !image.context.is_empty() && image.context != "." {
            let _ = writeln!(out, "    context: {}", scalar(&image.context));
        }
        if let Some(target) = &image.target {
            let _ = writeln!(out, "    target: {}", scalar(target));
        }
        if !image.code.is_empty() {
            out.push_str("    code:\n");
            for path in &image.code {
                let _ = writeln!(out, "      - {}", code(path));
            }
        }
    }
    out
}

/// A root as a YAML scalar: the colon behind a language needs no quotes.
fn code(root: &str) -> String {
    match root.split_once(':') {
        Some((language, path)) if scalar(language) == language && scalar(path) == path => root.to_owned(),
        _ => scalar(root),
    }
}

/// `Dockerfile.web` is `web`, `docker/web/Dockerfile` is `web`, and `Dockerfile` has the project's name.
fn image_name(project: &str, dockerfile: &str) -> String {
    let (folder, file) = dockerfile.rsplit_once('/').unwrap_or(("", dockerfile));
    let (before, after) = file.split_once('.').unwrap_or((file, ""));
    let own = match (before.eq_ignore_ascii_case("dockerfile"), after) {
        (true, "") => folder.rsplit('/').next().filter(|part| !part.is_empty()).unwrap_or(project),
        (true, suffix) => suffix,
        (false, _) => before,
    };
    [own, project, "image"].into_iter().map(tidy).find(|name| (name::IMAGE.accepts)(name)).unwrap_or_default()
}

fn tidy(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let text: String = name.chars().take(100).map(plain).collect();
    let parts: Vec<&str> = text.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

fn unique(name: &str, taken: &mut BTreeSet<String>) -> String {
    let free = (2..).map(|number| format!("{name}-{number}"));
    let name = std::iter::once(name.to_owned()).chain(free).find(|candidate| !taken.contains(candidate));
    let name = name.expect("internal: numbers do not end");
    taken.insert(name.clone());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(dockerfile: &str) -> Found {
        Found { dockerfile: dockerfile.to_owned(), ..Found::default() }
    }

    #[test]
    fn what_is_found_becomes_a_manifest() {
        let server = Found {
            context: "server".to_owned(),
            target: Some("runtime".to_owned()),
            code: vec!["go:server/cmd/x".to_owned(), "server/run it.sh".to_owned()],
            ..found("server/Dockerfile")
        };
        let text = text("My Project", &[server, found("Dockerfile")]);
        let (head, images) = text.split_once("images:\n").expect("images");
        assert!(head.ends_with("version: 1\n\n"));
        assert_eq!(
            images,
            "  server:
    dockerfile: server/Dockerfile
    context: server
    target: runtime
    code:
      - go:server/cmd/x
      - \"server/run it.sh\"

  my-project:
    dockerfile: Dockerfile
"
        );
    }

    #[test]
    fn names_are_valid_and_unique() {
        let text = text(
            "_",
            &["a/Dockerfile", "b/a/Dockerfile", "Dockerfile", "Dockerfile.Web", "x/api.dockerfile", "é/Dockerfile"]
                .map(found),
        );
        let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':')).collect();
        assert_eq!(names, ["a", "a-2", "image", "web", "api", "image-2"]);
    }
}
