//! The Go scanner on fixtures: each marks the programs of a line in a comment (`// want: docker git dynamic`), checked
//! both ways. Hostile input is scanned too: it must end, without a panic.

use aboard::scan::{Root, Scan, ScanContext, go};
use aboard::site::Program;
use aboard::walk::{Kind, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

fn scan(folder: &Path) -> (Tree, Scan) {
    let tree = Tree::open(folder).expect("opened");
    let mut context = ScanContext::new(&tree);
    // The image's own environment.
    context.env.insert("TOOL".to_owned(), "skopeo".to_owned());
    let scan = go::scan(&context, &[Root { language: "go", path: String::new() }]);
    (tree, scan)
}

/// The Go files of a folder and those below it.
fn go_files(tree: &Tree, folder: &str, found: &mut Vec<String>) {
    for entry in tree.list(folder).expect("listed") {
        let path = if folder.is_empty() { entry.name } else { format!("{folder}/{}", entry.name) };
        match entry.kind {
            Kind::Folder => go_files(tree, &path, found),
            _ if path.ends_with(".go") => found.push(path),
            _ => {}
        }
    }
}

fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/go").join(name);
    let (tree, scan) = scan(&folder);
    let mut found: BTreeMap<(String, u32), BTreeSet<String>> = BTreeMap::new();
    for site in &scan.sites {
        let path = tree.files().path(site.span.file);
        let program = match &site.program {
            Program::Dynamic(_) => "dynamic".to_owned(),
            program => program.to_string(),
        };
        found.entry((path, tree.files().start(site.span).line)).or_default().insert(program);
    }
    let mut wanted: BTreeMap<(String, u32), BTreeSet<String>> = BTreeMap::new();
    let mut files = Vec::new();
    go_files(&tree, "", &mut files);
    for path in files {
        let file = tree.read(&path).expect("read");
        for (index, line) in tree.files().get(file).text().lines().enumerate() {
            if let Some((_, marks)) = line.split_once("// want") {
                let marks = marks.trim_start_matches(':').split_whitespace().map(str::to_owned).collect();
                wanted.insert((path.clone(), index as u32 + 1), marks);
            }
        }
    }
    assert!(!wanted.is_empty());
    assert_eq!(found, wanted);
}

#[test]
fn constants_and_texts() {
    check("constants");
}

#[test]
fn wrappers_interfaces_and_function_values() {
    check("wrappers");
}

#[test]
fn lists_and_words() {
    check("lists");
}

#[test]
fn fields_and_their_defaults() {
    check("fields");
}

#[test]
fn the_platform_and_constant_cases() {
    check("platform");
}

#[test]
fn what_nothing_leads_to_does_not_run() {
    check("reach");
}

#[test]
fn conditions_on_the_value_itself() {
    check("guards");
}

#[test]
fn tables_and_caches() {
    check("maps");
}

#[test]
fn splitters_of_a_projects_own() {
    check("splitters");
}

#[test]
fn registries_of_factories() {
    check("registry");
}

#[test]
fn texts_made_of_texts() {
    check("texts");
}

#[test]
fn functions_methods_and_their_results() {
    check("functions");
}

#[test]
fn structs_lists_maps_and_channels() {
    check("structures");
}

#[test]
fn defaults_of_flags() {
    check("flags");
}

#[test]
fn the_environment_and_tags() {
    check("environment");
}

#[test]
fn embedded_files_with_defaults() {
    check("embedded");
}

#[test]
fn texts_for_a_shell_and_wrappers() {
    check("shells");
}

#[test]
fn what_runs_elsewhere() {
    check("elsewhere");
}

#[test]
fn other_ways_to_run_a_program() {
    check("commands");
}

fn scan_text(text: &[u8]) -> Scan {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("go.mod"), "module example.com/x\n").expect("written");
    std::fs::write(folder.path().join("main.go"), text).expect("written");
    scan(folder.path()).1
}

#[test]
fn what_copes_with_absence_is_optional() {
    let scan = scan_text(
        b"package main\nimport (\"log\"; \"os/exec\")\n\
          func quiet() string { p, err := exec.LookPath(\"pigz\"); if err != nil { log.Print(err.Error()); return \"\" }; return p }\n\
          func strict() (string, error) { p, err := exec.LookPath(\"gzip\"); if err != nil { return \"\", err }; return p, nil }\n\
          func main() { quiet(); if _, err := strict(); err != nil { log.Fatal(err) } }\n",
    );
    let optional: BTreeMap<&str, bool> =
        scan.sites.iter().filter_map(|site| Some((site.program.text()?, site.optional))).collect();
    assert_eq!(optional, BTreeMap::from([("gzip", false), ("pigz", true)]));
}

#[test]
fn recursion_and_cycles_end() {
    let scan = scan_text(
        b"package main\nimport \"os/exec\"\nfunc a(s string) { b(s) }\nfunc b(s string) { a(s); exec.Command(s).Run() }\n\
          func main() { a(\"git\"); x := \"\"; y := x; x = y + x; exec.Command(x).Run() }\n",
    );
    assert!(scan.sites.iter().any(|site| site.program.text() == Some("git")));
}

#[test]
fn odd_formats_bounds_and_channels_end() {
    let scan = scan_text(
        b"package main\nimport (\"fmt\"; \"os/exec\"; \"strings\")\nfunc main() {\n\
          exec.Command(fmt.Sprintf(\"%[0]s%[99999999999999999999]d%*d%-999999999s%\", \"a\")).Run()\n\
          exec.Command(fmt.Sprintf(\"\xc3\x28%q%[\", nil...)).Run()\n\
          c := make(chan string); c <- <-c; exec.Command(<-c).Run()\n\
          l := []string{\"a\"}; copy(l, l); l = l[len(l)-9:]; exec.Command(l[len(l)-7]).Run()\n\
          exec.Command(\"\xc3\xa9\"[1:][:9]).Run(); exec.Command(\"abc\"[2:1]).Run()\n\
          exec.Command(strings.SplitN(\"a\", \"\", -1)[0], strings.Split(\"\", \",\")[5]).Run()\n\
          exec.Command(\"git\").Run()\n}\n",
    );
    assert!(scan.sites.iter().any(|site| site.program.text() == Some("git")));
}

#[test]
fn deep_nesting_ends() {
    let mut text = String::from("package main\nimport \"os/exec\"\nfunc main() { exec.Command(");
    text.push_str(&"(".repeat(5_000));
    text.push_str("\"git\"");
    text.push_str(&")".repeat(5_000));
    text.push_str(") }\n");
    scan_text(text.as_bytes());
    let mut sum = String::from("package main\nimport \"os/exec\"\nvar s = \"a\"");
    for _ in 0..5_000 {
        write!(sum, " + \"a\"").expect("a text takes everything");
    }
    sum.push_str("\nfunc main() { exec.Command(s) }\n");
    scan_text(sum.as_bytes());
}

/// What is found of a field that a decoder fills, and that the program itself and so many files of a dependency set.
fn programs_of_a_field(files: usize) -> (BTreeSet<String>, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: String, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    write("go.mod".to_owned(), "module example.com/x\n\nrequire example.org/lib v1.0.0\n");
    let main = "package main\nimport (\"encoding/json\"; \"os\"; \"os/exec\"; \"example.org/lib\")\nfunc main() {\n\
        lib.Use(&lib.Tool{Path: \"git\"})\nvar t lib.Tool\njson.NewDecoder(os.Stdin).Decode(&t)\nexec.Command(t.Path).Run()\n}\n";
    write("main.go".to_owned(), main);
    write(
        "vendor/example.org/lib/lib.go".to_owned(),
        "package lib\ntype Tool struct{ Path string }\nfunc Use(*Tool) {}\n",
    );
    for file in 0..files {
        let text = format!("package lib\nfunc init() {{ Use(&Tool{{Path: \"tool{file}\"}}) }}\n");
        write(format!("vendor/example.org/lib/tool{file}.go"), &text);
    }
    let scan = scan(folder.path()).1;
    let open = |program: &Program| match program {
        Program::Dynamic(dynamic) => Some(format!("{dynamic:?}")),
        _ => None,
    };
    let names = scan.sites.iter().filter_map(|site| site.program.text().map(str::to_owned)).collect();
    (names, scan.sites.iter().filter_map(|site| open(&site.program)).collect())
}

#[test]
fn what_a_dependency_sets_all_over_the_place_is_given_up_and_said() {
    let (few, open) = programs_of_a_field(3);
    assert_eq!(few, ["git", "tool0", "tool1", "tool2"].map(str::to_owned).into());
    assert!(!open.iter().any(|open| open.contains("too much code")), "{open:?}");
    let (many, open) = programs_of_a_field(290);
    // What the program itself sets is looked at first.
    assert!(many.contains("git") && many.contains("tool0") && !many.contains("tool289"), "{many:?}");
    assert!(open.iter().any(|open| open.contains("too much code")), "{open:?}");
}

#[test]
fn the_parsable_rest_of_a_broken_file_counts() {
    let scan =
        scan_text(b"package main\nimport \"os/exec\"\nfunc main() { exec.Command(\"git\").Run() }\nfunc ( { \xff\n");
    assert!(scan.sites.iter().any(|site| site.program.text() == Some("git")));
}

#[test]
fn a_field_set_where_its_package_is_not_imported() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/go/packages");
    let (tree, scan) = scan(&folder);
    let found: BTreeSet<(String, String)> = scan
        .sites
        .iter()
        .map(|site| (tree.files().path(site.span.file), site.program.to_string()))
        .filter(|(_, program)| !program.starts_with("(dynamic"))
        .collect();
    let wanted = [("main.go", "git"), ("sign/sign.go", "cosign")];
    assert_eq!(found, wanted.into_iter().map(|(file, program)| (file.to_owned(), program.to_owned())).collect());
}

/// What a scan with a cache finds.
fn names_with_cache(folder: &Path, cache: &Path) -> Vec<String> {
    let tree = Tree::open(folder).expect("opened");
    let context = ScanContext { cache: Some(cache.to_owned()), ..ScanContext::new(&tree) };
    let scan = go::scan(&context, &[Root { language: "go", path: String::new() }]);
    scan.sites.iter().map(|site| site.program.to_string()).collect()
}

#[test]
fn a_kept_result_counts_for_its_content_alone() {
    let (project, cache) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let write = |name: &str, text: &str| std::fs::write(project.path().join(name), text).expect("written");
    let main = |program: &str| {
        let text = format!("package main\nimport \"os/exec\"\nfunc main() {{ exec.Command(\"{program}\").Run() }}\n");
        write("main.go", &text);
    };
    write("go.mod", "module example.com/x\n");
    main("git");
    assert_eq!(names_with_cache(project.path(), cache.path()), ["git"]);
    let kept: Vec<_> = std::fs::read_dir(cache.path().join("scan")).expect("kept").flatten().collect();
    assert_eq!(kept.len(), 1);
    let file = kept[0].path();

    // It is used: what is put into it comes back.
    let text = std::fs::read_to_string(&file).expect("read");
    std::fs::write(&file, text.replace("\"git\"", "\"kept\"")).expect("written");
    assert_eq!(names_with_cache(project.path(), cache.path()), ["kept"]);
    // Damaged, it is as good as absent.
    std::fs::write(&file, &text[..text.len() / 2]).expect("written");
    assert_eq!(names_with_cache(project.path(), cache.path()), ["git"]);
    // Other content is another result.
    main("tar");
    assert_eq!(names_with_cache(project.path(), cache.path()), ["tar"]);
    assert_eq!(std::fs::read_dir(cache.path().join("scan")).expect("kept").count(), 1);
}
