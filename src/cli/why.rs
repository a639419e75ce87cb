//! `aboard why`: which code needs a program or a package, what gives it, and what it costs.

use super::images::Images;
use super::survey::Survey;
use super::{Global, Outcome, Project, lock};
use crate::apk::repository::Ask;
use crate::check::subject::names;
use crate::lock::{By, LockedImage};
use crate::manifest::Image;
use crate::report::{self, Format, Printer};
use anyhow::bail;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The arguments of `aboard why`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A program or a package
    #[arg(value_name = "PROGRAM|PACKAGE")]
    pub name: String,
}

/// Tells why.
pub fn run(global: &Global, arguments: &Arguments, printer: &Printer) -> anyhow::Result<Outcome> {
    let project = Project::open(global)?;
    let images = match Images::open(&project, global, printer, Ask::WhenStale)? {
        Ok(images) => images,
        Err(outcome) => return Ok(outcome),
    };
    let (fresh, _) = if images.lock().is_none() { lock::resolve_all(&images) } else { Default::default() };
    let mut text = String::new();
    let mut values = Vec::new();
    for image in &images.manifest.images {
        let survey = images.survey(image);
        let locked = images.lock().unwrap_or(&fresh).images.get(&image.name.value);
        let Some(answer) = answer(&arguments.name, image, &survey, locked) else { continue };
        text.push_str(&answer.text(&images, &image.name));
        values.push(answer.json(&images, &image.name));
    }
    if values.is_empty() {
        bail!("`{}` is neither a program that the code runs nor a package of an image", arguments.name);
    }
    match printer.format {
        Format::Json => {
            let value = serde_json::json!({ "version": 1, "images": values });
            printer.result(&report::json::to_text(&value));
        }
        _ => printer.result(&text),
    }
    Ok(Outcome::Done)
}

/// Why one image has something.
struct Answer<'a> {
    /// The programs in question, each with what gives it.
    programs: Vec<(String, String)>,
    /// The package in question and its part of the lock.
    package: Option<(&'a str, &'a crate::lock::LockedPackage)>,
    /// The manifest's reason for the package.
    reason: Option<&'a str>,
    sites: Vec<&'a crate::site::ExecSite>,
    /// Packages that come with it and for nothing else that the image names.
    brings: Vec<&'a str>,
    /// What the package and those that it alone brings take up.
    installed: u64,
    download: u64,
}

fn answer<'a>(
    name: &str,
    image: &'a Image,
    survey: &'a Survey<'_>,
    locked: Option<&'a LockedImage>,
) -> Option<Answer<'a>> {
    let locked_program = locked.and_then(|locked| locked.programs.get(name));
    let needed = survey.needs.iter().any(|need| names(name, need));
    let package = locked.and_then(|locked| match locked_program {
        Some(program) if matches!(program.by, By::Package | By::Unverified) => {
            locked.packages.get_key_value(&program.what)
        }
        _ => locked.packages.get_key_value(name),
    });
    if locked_program.is_none() && !needed && package.is_none() {
        return None;
    }
    let mut programs: BTreeSet<String> = BTreeSet::new();
    if locked_program.is_some() || needed {
        programs.insert(name.to_owned());
    } else if let (Some(locked), Some((package, _))) = (locked, package) {
        let given = locked.programs.iter().filter(|(_, program)| program.what == *package);
        programs.extend(given.map(|(program, _)| program.clone()));
    }
    let sites = survey
        .needs
        .iter()
        .filter(|need| programs.iter().any(|program| names(program, need)))
        .flat_map(|need| &need.sites)
        .collect();
    let given = |program: &String| {
        let given = locked.and_then(|locked| locked.programs.get(program));
        let how = given.map_or_else(
            || "by the base or the image's own files".to_owned(),
            |given| match given.by {
                By::Base => format!("by the base, at {}", given.what),
                By::Package => format!("by package {}", given.what),
                By::Unverified => format!("by package {} (built-in table, not verified)", given.what),
                By::Declared => format!("declared: {}", given.what),
            },
        );
        (program.clone(), how)
    };
    let named = package.map(|(name, _)| name.as_str());
    let brings: Vec<&crate::lock::LockedPackage> = locked
        .into_iter()
        .flat_map(|locked| locked.packages.values())
        .filter(|other| !other.named && named.is_some_and(|named| only_for(&other.because, named)))
        .collect();
    let brought: Vec<&str> = locked
        .into_iter()
        .flat_map(|locked| &locked.packages)
        .filter(|(_, other)| !other.named && named.is_some_and(|named| only_for(&other.because, named)))
        .map(|(name, _)| name.as_str())
        .collect();
    let total = |size: fn(&crate::lock::LockedPackage) -> u64| {
        package.map_or(0, |(_, package)| size(package)) + brings.iter().map(|package| size(package)).sum::<u64>()
    };
    Some(Answer {
        programs: programs.iter().map(given).collect(),
        package: package.map(|(name, package)| (name.as_str(), package)),
        reason: package.and_then(|(name, _)| image.packages.get(name)).map(|entry| entry.why.value.as_str()),
        sites,
        brings: brought,
        installed: total(|package| package.installed_size),
        download: total(|package| package.download_size),
    })
}

/// Whether every reason for a package names one package as the one that needs it.
fn only_for(because: &[String], package: &str) -> bool {
    !because.is_empty() && because.iter().all(|reason| reason.split(' ').next() == Some(package))
}

impl Answer<'_> {
    fn text(&self, images: &Images<'_>, image: &str) -> String {
        let files = images.project.tree.files();
        let mut text = format!("{image}\n");
        for (program, how) in &self.programs {
            let _ = writeln!(text, "  {program}: {how}");
        }
        if let Some((name, package)) = self.package {
            let version = package.version.as_deref().unwrap_or("(version not known)");
            let repository =
                package.repository.as_ref().map(|repository| format!(" from {repository}")).unwrap_or_default();
            let _ = writeln!(text, "  package {name} {version}{repository}");
            if let Some(reason) = self.reason {
                let _ = writeln!(text, "    named in the manifest: {reason}");
            }
            for because in &package.because {
                let _ = writeln!(text, "    {because}");
            }
            if package.version.is_some() {
                let (installed, download) = (report::size(self.installed), report::size(self.download));
                let _ = writeln!(text, "    costs {installed} installed, {download} to download");
            }
            if !self.brings.is_empty() {
                let _ = writeln!(text, "    brings {}", self.brings.join(", "));
            }
        }
        for site in &self.sites {
            let _ = writeln!(text, "  run at {}  {}", files.place(site.span), site.api);
        }
        if self.package.is_some() && !self.sites.is_empty() {
            let places = report::count_of(self.sites.len(), "place");
            let _ = writeln!(text, "  without it: {places} in the code would fail");
        }
        text
    }

    fn json(&self, images: &Images<'_>, image: &str) -> serde_json::Value {
        let files = images.project.tree.files();
        serde_json::json!({
            "image": image,
            "programs": self.programs.iter().map(|(name, by)| serde_json::json!({ "name": name, "by": by })).collect::<Vec<_>>(),
            "package": self.package.map(|(name, package)| serde_json::json!({
                "name": name,
                "version": package.version,
                "repository": package.repository,
                "because": package.because,
                "installed_size": self.installed,
                "download_size": self.download,
                "brings": self.brings,
            })),
            "sites": self.sites.iter().map(|site| report::json::one_site(files, site)).collect::<Vec<_>>(),
        })
    }
}
