//! `aboard check`: the code against the manifest, the lock, the index and the Dockerfile.

use super::images::{Images, dockerfiles};
use super::indexes::Indexes;
use super::scan::CodeOptions;
use super::survey::{Survey, Target};
use super::{Global, Outcome, Project, derive, render};
use crate::apk::repository::Ask;
use crate::check;
use crate::finding::{Edit, Finding};
use crate::manifest::edit;
use crate::report::{self, Printer};
use anyhow::{Context, bail};
use std::collections::BTreeMap;

/// The arguments of `aboard check`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Images of the manifest, or Dockerfiles [default: all images; without a manifest every Dockerfile]
    #[arg(value_name = "IMAGE|DOCKERFILE")]
    pub names: Vec<String>,
    /// Where scanning starts, instead of where the Dockerfile or the manifest says; may be given several times
    #[arg(long = "code", value_name = "PATH")]
    pub paths: Vec<String>,
    #[command(flatten)]
    pub code: CodeOptions,
    /// The build's context folder [default: the one that has what the Dockerfile copies]
    #[arg(long, value_name = "DIR")]
    pub context: Option<String>,
    /// Show where the code of each image was found, and what was not traced
    #[arg(long)]
    pub explain_roots: bool,
    /// Mend what can be mended: the manifest's programs, the Dockerfiles, the lock
    #[arg(long)]
    pub fix: bool,
}

/// Checks and shows what was found.
pub fn run(global: &Global, arguments: &Arguments, printer: &Printer) -> anyhow::Result<Outcome> {
    let project = Project::open(global)?;
    let by_file = project.manifest.is_none() || arguments.names.iter().any(|name| is_dockerfile(&project, name));
    if by_file {
        return check_files(&project, global, arguments, printer);
    }
    let images = match Images::open(&project, global, printer, Ask::WhenStale)? {
        Ok(images) => images,
        Err(outcome) => return Ok(outcome),
    };
    if arguments.fix {
        derive::derive(&images, &arguments.names, printer)?;
        drop(images);
        return check_again(global, arguments, printer);
    }
    let (findings, surveys) = of_manifest(&images, &arguments.names)?;
    Ok(show(&project, findings, &surveys, arguments, printer))
}

/// After the manifest was mended: render, then check what is there now.
fn check_again(global: &Global, arguments: &Arguments, printer: &Printer) -> anyhow::Result<Outcome> {
    let project = Project::open(global)?;
    let images = match Images::open(&project, global, printer, Ask::WhenStale)? {
        Ok(images) => images,
        Err(outcome) => return Ok(outcome),
    };
    render::write(&images, &arguments.names, None, printer)?;
    drop(images);
    let project = Project::open(global)?;
    let images = match Images::open(&project, global, printer, Ask::WhenStale)? {
        Ok(images) => images,
        Err(outcome) => return Ok(outcome),
    };
    let (findings, surveys) = of_manifest(&images, &arguments.names)?;
    let findings = mend(&project, findings, printer)?;
    Ok(show(&project, findings, &surveys, arguments, printer))
}

/// What is wrong with images of the manifest.
pub fn of_manifest<'a>(images: &'a Images<'a>, names: &[String]) -> anyhow::Result<(Vec<Finding>, Vec<Survey<'a>>)> {
    let chosen = images.project.images(&images.manifest, names)?;
    let mut findings = images.lock_findings(&chosen);
    let mut surveys = Vec::new();
    for image in chosen {
        let survey = images.survey(image);
        findings.extend(survey.findings.iter().cloned());
        findings.extend(check::check(&survey.subject()));
        findings.extend(render::drift(images, image, &survey));
        surveys.push(survey);
    }
    Ok((findings, surveys))
}

fn is_dockerfile(project: &Project, name: &str) -> bool {
    project.path(name).is_ok_and(|path| project.tree.is_file(&path))
}

fn check_files(
    project: &Project,
    global: &Global,
    arguments: &Arguments,
    printer: &Printer,
) -> anyhow::Result<Outcome> {
    let mut paths = Vec::new();
    for name in &arguments.names {
        let path = project.path(name)?;
        if !project.tree.is_file(&path) {
            bail!("{name}: no such Dockerfile, and there is no manifest with such an image");
        }
        paths.push(path);
    }
    if paths.is_empty() {
        paths = dockerfiles(project);
        if paths.is_empty() {
            bail!("no Dockerfile and no aboard.yaml was found below {}", project.tree.root().display());
        }
        printer.detail(&format!("checking {}", paths.join(", ")));
    }
    let code = arguments.paths.iter().map(|path| project.root(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let context = arguments.context.as_ref().map(|folder| project.path(folder)).transpose()?;
    let indexes = Indexes::new(global, project, printer, Ask::WhenStale);
    let mut findings = Vec::new();
    let mut surveys = Vec::new();
    for path in paths {
        let target = Target {
            dockerfile: path,
            context: context.clone(),
            code: code.clone(),
            stage: arguments.code.target.clone(),
            build_args: arguments.code.build_args.iter().cloned().collect(),
            build_tags: arguments.code.build_tags.clone(),
            platform: arguments.code.platform,
            image: None,
            alpine: None,
            base: None,
        };
        let survey = Survey::of(project, global, &indexes, target, None);
        findings.extend(survey.findings.iter().cloned());
        findings.extend(check::check(&survey.subject()));
        surveys.push(survey);
    }
    if arguments.fix {
        findings = mend(project, findings, printer)?;
    }
    Ok(show(project, findings, &surveys, arguments, printer))
}

/// Makes the fixes that findings carry; what is left is returned.
pub fn mend(project: &Project, findings: Vec<Finding>, printer: &Printer) -> anyhow::Result<Vec<Finding>> {
    let files = project.tree.files();
    let mut edits: BTreeMap<crate::file::FileId, Vec<Edit>> = BTreeMap::new();
    let (mended, left): (Vec<Finding>, Vec<Finding>) = findings.into_iter().partition(|finding| finding.fix.is_some());
    for fix in mended.iter().filter_map(|finding| finding.fix.as_ref()) {
        for edit in &fix.edits {
            let of_file = edits.entry(edit.span.file).or_default();
            if !of_file.contains(edit) {
                of_file.push(edit.clone());
            }
        }
        printer.note(&format!("fixed: {}", fix.description));
    }
    for (file, edits) in edits {
        let path = files.path(file);
        let text = edit::apply(files.get(file).text(), &edits);
        crate::render::write(&project.tree, &path, &text).with_context(|| format!("{path} was not mended"))?;
    }
    Ok(left)
}

fn show(
    project: &Project,
    mut findings: Vec<Finding>,
    surveys: &[Survey<'_>],
    arguments: &Arguments,
    printer: &Printer,
) -> Outcome {
    let files = project.tree.files();
    report::sort(files, &mut findings);
    if arguments.explain_roots {
        for survey in surveys {
            if let Some(roots) = &survey.roots {
                printer.result(&report::human::roots(files, &survey.title(), roots));
            }
        }
    }
    for survey in surveys {
        if let Some(note) = &survey.base.note {
            printer.detail(&format!("{}: {note}", survey.title()));
        }
        if !survey.skipped.is_empty() {
            let count = report::count_of(survey.skipped.len(), "path");
            printer.detail(&format!("{}: {count} not scanned; `aboard scan` lists them", survey.title()));
        }
    }
    printer.findings(files, &findings);
    let programs: usize = surveys.iter().map(|survey| survey.needs.len()).sum();
    let images = report::count_of(surveys.len(), "image");
    printer.note(&format!("checked {images}, {}", report::count_of(programs, "program")));
    Outcome::of(&findings)
}
