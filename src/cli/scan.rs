//! `aboard scan`: the programs that code executes.

use super::{Global, Outcome, Project};
use crate::need;
use crate::platform::Platform;
use crate::report::{self, Format, Printer};
use crate::scan::{self, Root, ScanContext};
use std::collections::BTreeMap;

/// The arguments of `aboard scan`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Code or a Dockerfile; `LANGUAGE:PATH` where the language is not to be guessed
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<String>,
    #[command(flatten)]
    pub code: CodeOptions,
    /// Show the steps that settle each program
    #[arg(long)]
    pub trace: bool,
}

/// What decides which code counts.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct CodeOptions {
    /// The stage that ships [default: the last one]
    #[arg(long, value_name = "STAGE")]
    pub target: Option<String>,
    /// The platform that the code runs on
    #[arg(long, value_name = "PLATFORM", default_value = "linux/amd64")]
    pub platform: Platform,
    /// A Go build tag; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    pub build_tags: Vec<String>,
    /// A build argument of the Dockerfile; may be given several times
    #[arg(long = "build-arg", value_name = "NAME=VALUE", value_parser = pair)]
    pub build_args: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

impl CodeOptions {
    /// The context that these options make.
    pub fn context<'a>(&self, project: &'a Project, global: &Global) -> ScanContext<'a> {
        ScanContext {
            platform: self.platform,
            build_tags: self.build_tags.clone(),
            target: self.target.clone(),
            build_args: self.build_args.iter().cloned().collect::<BTreeMap<_, _>>(),
            cache: global.cache_dir(),
            ..ScanContext::new(&project.tree)
        }
    }
}

/// Scans and shows what was found.
pub fn run(global: &Global, arguments: &Arguments, printer: &Printer) -> anyhow::Result<Outcome> {
    let project = Project::open(global)?;
    let roots = arguments.paths.iter().map(|path| project.root(path)).collect::<anyhow::Result<Vec<Root>>>()?;
    let context = arguments.code.context(&project, global);
    let scan = scan::scan(&context, &roots);
    let (needs, dynamic) = need::needs(&scan.sites);
    let files = project.tree.files();
    match printer.format {
        Format::Json => {
            let value = report::json::scan(files, &needs, &dynamic, &scan.skipped, &scan.findings);
            printer.result(&report::json::to_text(&value));
        }
        Format::Human => {
            printer.result(&report::human::scan(files, &needs, &dynamic, &scan.skipped, arguments.trace));
            if !scan.findings.is_empty() {
                printer.findings(files, &scan.findings);
            }
        }
        Format::Markdown => printer.result(&report::markdown::scan(files, &needs, &dynamic)),
        Format::Sarif | Format::Github => printer.findings(files, &scan.findings),
    }
    Ok(Outcome::of(&scan.findings))
}
