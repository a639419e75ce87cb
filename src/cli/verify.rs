//! `aboard verify`: the built image against what the code runs.

use super::images::Images;
use super::indexes::Indexes;
use super::scan::CodeOptions;
use super::{Global, Outcome, Project};
use crate::apk::repository::Ask;
use crate::engine::{self, Kind};
use crate::file::{MappedText, Span};
use crate::image::tree::Tree;
use crate::image::{self, Image, Limits, Source};
use crate::lock::{self, By, LockedImage};
use crate::manifest::{self, Alpine};
use crate::need;
use crate::platform::Platform;
use crate::report::{self, Format, Printer};
use crate::scan::shell::{Dialect, scan_text};
use crate::scan::{self, Root, ScanContext};
use crate::verify::{self, Expectation, Report, ShellText, Wanted, WantedBase, WantedPackage};
use anyhow::{Context, bail};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// The arguments of `aboard verify`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The manifest's images; with --image or --archive, programs to look for
    #[arg(value_name = "IMAGE|PROGRAM")]
    pub names: Vec<String>,
    /// An image of the engine; with docker:// in front, of a registry
    #[arg(long, value_name = "REF", conflicts_with = "archive", group = "source")]
    pub image: Option<String>,
    /// A docker-archive, an OCI archive (tar, tar.gz, tar.zst) or an OCI layout folder
    #[arg(long, value_name = "PATH", group = "source")]
    pub archive: Option<PathBuf>,
    /// The image of the manifest that --image or --archive is: with its code, programs and lock
    #[arg(long = "as", value_name = "IMAGE", requires = "source")]
    pub image_of_manifest: Option<String>,
    /// Which image of an archive that holds several
    #[arg(long, value_name = "REF", requires = "archive")]
    pub name: Option<String>,
    /// Code whose programs must be there; may be given several times
    #[arg(long = "code", value_name = "PATH")]
    pub paths: Vec<String>,
    #[command(flatten)]
    pub code: CodeOptions,
    /// The engine [default: the first of docker, podman and buildah that answers]
    #[arg(long, value_enum, value_name = "ENGINE")]
    pub engine: Option<Kind>,
    /// Start the programs in a container too: `command -v`, and the manifest's probes
    #[arg(long, conflicts_with = "archive")]
    pub run: bool,
    /// How long each start may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", requires = "run")]
    pub run_limit: u64,
}

/// Verifies and shows what was found.
pub fn run(global: &Global, arguments: &Arguments, printer: &Printer) -> anyhow::Result<Outcome> {
    let project = Project::open(global)?;
    let mut reports = Vec::new();
    let source = source(arguments)?;
    if let (Some(source), None) = (&source, &arguments.image_of_manifest) {
        let mut programs: Vec<Wanted> = arguments.names.iter().map(|name| Wanted::named(name)).collect();
        let roots = project_roots(&project, &arguments.paths)?;
        programs.extend(scanned(&project, global, &arguments.code, &roots, printer));
        let expected = Expectation { programs, platform: arguments.code.platform, ..Expectation::default() };
        let indexes = Indexes::new(global, &project, printer, Ask::WhenStale);
        let ground = Ground { project: &project, global, indexes: &indexes, alpine: None };
        reports.push(held(&ground, arguments, source, expected)?);
    } else {
        let images = match Images::open(&project, global, printer, Ask::WhenStale)? {
            Ok(images) => images,
            Err(outcome) => return Ok(outcome),
        };
        let names = match &arguments.image_of_manifest {
            Some(name) => std::slice::from_ref(name),
            None => &arguments.names,
        };
        for image in project.images(&images.manifest, names)? {
            reports.push(of_manifest(&images, arguments, image, source.as_ref(), printer)?);
        }
    }
    Ok(show(&project, reports, printer))
}

/// Verifies built images of the manifest, as the last step of the CI job.
pub fn of_images(
    images: &Images<'_>,
    chosen: &[&manifest::Image],
    engine: Option<Kind>,
    run: bool,
    printer: &Printer,
) -> anyhow::Result<Outcome> {
    let arguments = Arguments {
        names: Vec::new(),
        image: None,
        archive: None,
        image_of_manifest: None,
        name: None,
        paths: Vec::new(),
        code: CodeOptions::default(),
        engine,
        run,
        run_limit: 30,
    };
    let reports = chosen
        .iter()
        .map(|image| of_manifest(images, &arguments, image, None, printer))
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(show(images.project, reports, printer))
}

/// Where the image is that the flags name; nothing where they name none.
fn source(arguments: &Arguments) -> anyhow::Result<Option<Source>> {
    if let Some(path) = &arguments.archive {
        return Ok(Some(Source::Path(path.clone(), arguments.name.clone())));
    }
    let Some(reference) = &arguments.image else { return Ok(None) };
    Ok(Some(match reference.strip_prefix("docker://") {
        Some(reference) => Source::Registry(reference.to_owned()),
        None => Source::Engine(engine::find(arguments.engine)?, reference.clone()),
    }))
}

fn open(source: &Source, platform: Platform) -> anyhow::Result<Image> {
    image::open(source, platform, Limits::default()).with_context(|| match source {
        Source::Engine(_, reference) | Source::Registry(reference) => format!("image {reference} cannot be read"),
        Source::Path(path, _) => format!("{} cannot be read", path.display()),
    })
}

/// An image of the manifest: where the flags say that it is, else as the engine has it under its first tag.
fn of_manifest(
    images: &Images<'_>,
    arguments: &Arguments,
    image: &manifest::Image,
    source: Option<&Source>,
    printer: &Printer,
) -> anyhow::Result<Report> {
    let platform = image.platform.value;
    let survey = images.survey(image);
    let mut programs: Vec<Wanted> = survey.needs.iter().cloned().map(Wanted::from).collect();
    if !arguments.paths.is_empty() {
        let options = CodeOptions { platform, ..arguments.code.clone() };
        let roots = project_roots(images.project, &arguments.paths)?;
        programs.extend(scanned(images.project, images.global, &options, &roots, printer));
    }
    programs.retain(|wanted| !is_ignored(image, wanted));
    for (name, entry) in &image.programs {
        let declared = Some(entry.name.span);
        let at = programs.iter().position(|wanted| wanted.program.text() == Some(name)).unwrap_or_else(|| {
            programs.push(Wanted::named(name));
            programs.len() - 1
        });
        let wanted = &mut programs[at];
        (wanted.declared, wanted.optional, wanted.probe) = (declared, entry.optional, entry.probe.clone());
    }
    let mut expected = Expectation { programs, platform, ..Expectation::default() };
    if let Some(locked) = images.lock().and_then(|lock| lock.images.get(&image.name.value)) {
        by_lock(&mut expected, locked);
    }
    let source = match source {
        Some(source) => source.clone(),
        None => {
            let tag = image.tags.first().with_context(|| format!("image {} has no tag", image.name))?;
            Source::Engine(engine::find(arguments.engine)?, tag.value.clone())
        }
    };
    if arguments.image_of_manifest.is_some() {
        expected.programs.extend(arguments.names.iter().map(|name| Wanted::named(name)));
    }
    let (project, global, indexes) = (images.project, images.global, &images.indexes);
    let ground = Ground { project, global, indexes, alpine: Some(&images.manifest.alpine) };
    held(&ground, arguments, &source, expected)
}

/// What an image is judged from.
struct Ground<'a> {
    project: &'a Project,
    global: &'a Global,
    indexes: &'a Indexes<'a>,
    alpine: Option<&'a Alpine>,
}

impl Ground<'_> {
    /// The packages of a release that provide something; none where its index cannot be had.
    fn provide(&self, release: Option<&str>, platform: Platform, what: &str) -> Vec<String> {
        let supply = self.indexes.supply(self.alpine, release, platform);
        let provided = supply.catalog().map(|catalog| catalog.providers(what)).unwrap_or_default();
        let names: BTreeSet<String> = provided.iter().map(|one| one.entry.package.name().to_owned()).collect();
        names.into_iter().collect()
    }
}

/// The Alpine release that an image says it is of (`v3.20`); nothing for another distribution.
fn alpine_release(tree: &Tree) -> Option<String> {
    let text = tree.file("/etc/alpine-release")?.head(64).ok()?;
    let text = String::from_utf8_lossy(&text);
    // Snapshots of edge carry the number of the release to come (`3.23_alpha20250612`).
    if text.contains("_alpha") { Some("edge".to_owned()) } else { manifest::base::release(text.trim()) }
}

/// Holds the image against what is expected, and starts its programs where that is asked for.
fn held(
    ground: &Ground<'_>,
    arguments: &Arguments,
    source: &Source,
    mut expected: Expectation<'_>,
) -> anyhow::Result<Report> {
    let image = open(source, expected.platform)?;
    let context = arguments.code.context(ground.project, ground.global);
    for text in verify::own_shell_texts(&image) {
        expected.programs.extend(in_shell_text(&context, &image, &text));
    }
    // The index is read where something is missing.
    let (release, platform) = (alpine_release(&image.tree), expected.platform);
    let provides = |what: &str| ground.provide(release.as_deref(), platform, what);
    let expected = Expectation { provides: Some(&provides), ..expected };
    let mut report = verify::verify(&image, &expected);
    if arguments.run {
        let Source::Engine(engine, reference) = source else {
            bail!("--run needs an image of the engine; a registry's is to be pulled first");
        };
        verify::run(engine, reference, &expected, Duration::from_secs(arguments.run_limit), &mut report)?;
    }
    Ok(report)
}

/// The programs that shell code of the image's configuration runs.
fn in_shell_text(context: &ScanContext<'_>, image: &Image, text: &ShellText) -> Vec<Wanted> {
    let files = context.tree.files();
    let file = files.add(&format!("{} of {}", text.origin, image.name), text.text.clone());
    let dialect = match text.shell.as_str() {
        "bash" => Dialect::Bash,
        "dash" => Dialect::Dash,
        "ash" => Dialect::Ash,
        _ => Dialect::Posix,
    };
    let code = MappedText::verbatim(files, Span::new(file, 0, text.text.len()));
    let (needs, _) = need::needs(&scan_text(context, &code, dialect, &[]).sites);
    let origin = Some(text.origin.to_owned());
    needs.into_iter().map(|need| Wanted { origin: origin.clone(), ..Wanted::from(need) }).collect()
}

fn is_ignored(image: &manifest::Image, wanted: &Wanted) -> bool {
    let program = &wanted.program;
    [program.text(), program.base_name()].into_iter().flatten().any(|name| image.ignore.contains_key(name))
}

/// Adds what the lock names: the packages with their versions, the base, and what gives each program.
fn by_lock(expected: &mut Expectation<'_>, locked: &LockedImage) {
    let package = |(name, package): (&String, &lock::LockedPackage)| {
        package.version.clone().map(|version| WantedPackage { name: name.clone(), version })
    };
    expected.packages = locked.packages.iter().filter_map(package).collect();
    expected.base = Some(WantedBase {
        reference: locked.base.reference.clone(),
        digest: locked.base.digest.clone(),
        diff_ids: locked.base.diff_ids.clone(),
    });
    for wanted in &mut expected.programs {
        let program = wanted.program.text().and_then(|name| locked.programs.get(name));
        wanted.provider = program.map(|program| match program.by {
            By::Base => format!("the base ({})", program.what),
            By::Package | By::Unverified => format!("package {}", program.what),
            By::Declared => program.what.clone(),
        });
    }
}

fn project_roots(project: &Project, paths: &[String]) -> anyhow::Result<Vec<Root>> {
    paths.iter().map(|path| project.root(path)).collect()
}

/// The programs that code runs.
fn scanned(
    project: &Project,
    global: &Global,
    options: &CodeOptions,
    roots: &[Root],
    printer: &Printer,
) -> Vec<Wanted> {
    if roots.is_empty() {
        return Vec::new();
    }
    let scan = scan::scan(&options.context(project, global), roots);
    let (needs, dynamic) = need::needs(&scan.sites);
    if !dynamic.is_empty() {
        let count = report::count_of(dynamic.len(), "place");
        printer.note(&format!("{count} in the code could not be settled: `aboard scan` lists them"));
    }
    needs.into_iter().map(Wanted::from).collect()
}

fn show(project: &Project, mut reports: Vec<Report>, printer: &Printer) -> Outcome {
    let files = project.tree.files();
    for report in &mut reports {
        report.sort(files);
    }
    let findings: Vec<_> = reports.iter().flat_map(|report| report.findings.iter().cloned()).collect();
    match printer.format {
        Format::Json => {
            let images: Vec<_> = reports.iter().map(Report::json).collect();
            let shown: Vec<_> = findings.iter().map(|finding| report::json::one_finding(files, finding)).collect();
            let value = serde_json::json!({ "version": 1, "images": images, "findings": shown });
            printer.result(&report::json::to_text(&value));
        }
        Format::Human | Format::Markdown => {
            for report in &reports {
                printer.result(&report.table(report::size));
            }
            if !findings.is_empty() {
                printer.findings(files, &findings);
            }
        }
        Format::Sarif | Format::Github => printer.findings(files, &findings),
    }
    Outcome::of(&findings)
}
