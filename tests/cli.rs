//! The command line as users meet it: usage, statuses, streams.

mod harness;

use harness::Project;

#[test]
fn bad_usage_is_status_2() {
    let project = Project::new(&[]);
    project.run(&["frobnicate"]).status(2).notes(&["unrecognized subcommand"]);
    project.run(&["scan", "--platform", "plan9/amd64"]).status(2).notes(&["not a platform"]);
}

#[test]
fn a_missing_path_is_status_2_and_named() {
    Project::new(&[]).run(&["scan", "nowhere.sh"]).status(2).notes(&["nowhere.sh"]);
}

#[test]
fn a_path_outside_the_project_is_refused() {
    Project::new(&[]).run(&["scan", "../../etc"]).status(2).notes(&["outside the project"]);
}

#[test]
fn an_unknown_language_is_told_the_known_ones() {
    Project::new(&[("a.x", "")]).run(&["scan", "cobol:a.x"]).status(2).notes(&["cobol", "go", "shell"]);
}

#[test]
fn explain_knows_near_codes() {
    let project = Project::new(&[]);
    project.run(&["explain", "missing-program"]).status(0).prints(&["# missing-program"]);
    project.run(&["explain", "missing-progam"]).status(2).notes(&["`missing-program` is near"]);
}

#[test]
fn completions_and_manual_pages_are_made() {
    let project = Project::new(&[]);
    project.run(&["completions", "bash"]).status(0).prints(&["_aboard"]);
    project.run(&["man", "pages"]).status(0);
    assert!(project.read("pages/aboard-scan.1").contains("aboard"));
}
