//! What `check`, `derive`, `lock`, `render` and `why` work on: one image with its Dockerfile, its code and its packages.

use super::indexes::Indexes;
use super::{Global, Project};
use crate::apk;
use crate::check::Subject;
use crate::check::subject::Docker;
use crate::dockerfile::{self, Context, Dockerfile, Options, Plans, StagePlan};
use crate::finding::Finding;
use crate::lock::{Lock, LockedBase, LockedImage, LockedPackage};
use crate::manifest::{Alpine, Image, Pin};
use crate::need::{self, Need};
use crate::platform::Platform;
use crate::resolve::answer::{self, Answer};
use crate::resolve::base::Base;
use crate::resolve::contents::Contents;
use crate::resolve::supply::Supply;
use crate::resolve::{self, packages};
use crate::roots::{self, Roots};
use crate::scan::deploy::{Built, Deployment};
use crate::scan::{self, Root, ScanContext, Skipped};
use crate::site::ExecSite;
use std::collections::BTreeMap;

/// What is asked about: an image of the manifest, or a Dockerfile by itself.
#[derive(Clone, Debug, Default)]
pub struct Target<'m> {
    /// The image's entry in the manifest.
    pub image: Option<&'m Image>,
    /// Where the manifest says that packages come from.
    pub alpine: Option<&'m Alpine>,
    /// What was read of the base image itself.
    pub base: Option<&'m LockedBase>,
    /// The Dockerfile, relative to the tree.
    pub dockerfile: String,
    /// The build's context, relative to the tree; found by what the Dockerfile copies where nobody says.
    pub context: Option<String>,
    /// Where scanning starts; the Dockerfile says where this is empty.
    pub code: Vec<Root>,
    /// The stage that ships.
    pub stage: Option<String>,
    /// `--build-arg` values.
    pub build_args: BTreeMap<String, String>,
    /// Go build tags.
    pub build_tags: Vec<String>,
    /// The platform.
    pub platform: Platform,
}

impl<'m> Target<'m> {
    /// An image of the manifest.
    pub fn of(alpine: &'m Alpine, image: &'m Image) -> Self {
        Self {
            image: Some(image),
            alpine: Some(alpine),
            base: None,
            dockerfile: image.dockerfile.value.clone(),
            context: Some(image.context.value.clone()),
            code: image.code.iter().map(|root| root.value.clone()).collect(),
            stage: image.target.as_ref().map(|target| target.value.clone()),
            build_args: image.build_args.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect(),
            build_tags: image.build_tags.iter().map(|tag| tag.value.clone()).collect(),
            platform: image.platform.value,
        }
    }
}

/// Everything known of a target.
pub struct Survey<'a> {
    target: Target<'a>,
    project: &'a Project,
    /// What gives packages.
    pub supply: Supply,
    /// What the base brings.
    pub base: Base,
    docker: Option<Docked>,
    /// Where the code was found, where the Dockerfile said so.
    pub roots: Option<Roots>,
    /// The programs that the code runs.
    pub needs: Vec<Need>,
    answers: Vec<Answer>,
    /// The sites that could not be settled.
    pub dynamic: Vec<ExecSite>,
    /// Code that was not scanned.
    pub skipped: Vec<Skipped>,
    scanned: bool,
    locked: Option<&'a LockedImage>,
    /// What is wrong with the Dockerfile or the scanned files themselves.
    pub findings: Vec<Finding>,
}

/// A Dockerfile that could be read.
struct Docked {
    file: Dockerfile,
    plan: StagePlan,
    others: Vec<StagePlan>,
    contents: Contents,
    context: String,
}

impl<'a> Survey<'a> {
    /// Looks at a target: reads its Dockerfile, scans its code, and joins the two.
    pub fn of(
        project: &'a Project,
        global: &Global,
        indexes: &Indexes<'_>,
        target: Target<'a>,
        lock: Option<&'a Lock>,
    ) -> Self {
        let mut findings = Vec::new();
        let tree = &project.tree;
        let read = tree.read(&target.dockerfile).ok().and_then(|file| match dockerfile::parse(tree.files(), file) {
            Ok(dockerfile) => Some(dockerfile),
            Err(finding) => {
                findings.push(*finding);
                None
            }
        });
        let mut survey = Self {
            target,
            project,
            supply: Supply::default(),
            base: Base::default(),
            docker: None,
            roots: None,
            needs: Vec::new(),
            answers: Vec::new(),
            dynamic: Vec::new(),
            skipped: Vec::new(),
            scanned: false,
            locked: None,
            findings,
        };
        survey.locked = lock.and_then(|lock| survey.locked_part(lock));
        match read {
            Some(file) => survey.with_dockerfile(global, indexes, file),
            None => survey.without_dockerfile(global, indexes),
        }
        survey
    }

    fn with_dockerfile(&mut self, global: &Global, indexes: &Indexes<'_>, file: Dockerfile) {
        let tree = &self.project.tree;
        let build = match &self.target.context {
            Some(folder) => Context::new(tree, folder, &self.target.dockerfile),
            None => Context::find_for(tree, &self.target.dockerfile, &file),
        };
        let options = Options {
            build_args: self.target.build_args.clone(),
            platform: self.target.platform,
            context: Some(&build),
        };
        let mut plans = Plans::new(&file, &options);
        let stage = match plans.target(self.target.stage.as_deref()) {
            Ok(plan) => plan.stage,
            Err(error) => {
                let finding = Finding::new(&dockerfile::DOCKERFILE_SYNTAX, error.to_string());
                self.findings.push(finding.subject(self.target.dockerfile.clone()));
                return self.without_dockerfile(global, indexes);
            }
        };
        let mut code = self.target.code.clone();
        let mut deployments = Vec::new();
        if code.is_empty() {
            deployments = self.deployments(&plans, stage);
            let roots = roots::from_dockerfile(&plans, &plans.stages[stage], &build, &deployments);
            code.extend(roots.found.iter().map(|found| found.root.clone()));
            self.roots = Some(roots);
        }
        let plan = plans.stages.swap_remove(stage);
        let context = self.scan_context(global, plan.env.clone());
        let mut scan = scan::scan(&context, &code);
        scan.extend(scan::dockerfile::scan_stage(&context, &file, &plan, Some(&build)));
        for deployment in &deployments {
            scan.extend(scan::dockerfile::scan_deployment(&context, &file, &plan, Some(&build), deployment));
        }
        if self.roots.is_some() {
            self.follow_scripts(&context, &plan, &build, &mut code, &mut scan);
        }
        self.scanned = !code.is_empty();
        self.take(scan);
        let release = release_of(self.target.image, &plan.base);
        let locked = self.locked;
        // A pin is held against the index of today, whatever the lock knew.
        let is_pinned =
            plans.stages.iter().chain([&plan]).flat_map(|stage| &stage.packages).any(|one| one.constraint.is_some())
                || self.pins();
        if locked.is_none() || is_pinned {
            self.supply = indexes.supply(self.target.alpine, release.as_deref(), self.target.platform);
        }
        self.base = self.base_of(&plan.base, release.as_deref());
        let complete = plan.base.unknown().is_none() || self.base.is_read();
        let packages = self.installed(&plan, locked);
        let contents = answer::contents(&plan, &self.base, &packages, complete);
        let at = Some((tree, build.folder()));
        self.answers =
            self.needs.iter().map(|need| answer::answer(&need.program, &contents, Some(&plan), at)).collect();
        if self.answers.iter().any(|answer| !matches!(answer, Answer::Given(_))) {
            // Only the index knows what would bring what is missing.
            self.supply = indexes.supply(self.target.alpine, release.as_deref(), self.target.platform);
        }
        let context = build.folder().to_owned();
        self.docker = Some(Docked { file, plan, others: plans.stages, contents, context });
    }

    /// Scans the scripts of the context that what was scanned runs, and those that these run in turn.
    fn follow_scripts(
        &mut self,
        context: &ScanContext<'_>,
        plan: &StagePlan,
        build: &Context<'_>,
        code: &mut Vec<Root>,
        scan: &mut scan::Scan,
    ) {
        /// How many scripts may lead to each other.
        const ROUNDS: usize = 8;
        let mut from = 0;
        for _ in 0..ROUNDS {
            let found = roots::run_by(&scan.sites[from..], plan, build, code);
            if found.is_empty() {
                break;
            }
            let own: Vec<Root> = found.iter().map(|found| found.root.clone()).collect();
            from = scan.sites.len();
            scan.extend(scan::scan(context, &own));
            code.extend(own);
            if let Some(roots) = &mut self.roots {
                roots.found.extend(found);
                roots.found.sort();
            }
        }
    }

    /// How other files of the project start the image.
    fn deployments(&self, plans: &Plans, stage: usize) -> Vec<Deployment> {
        let is_stage = |target: Option<&str>| plans.target(target).is_ok_and(|plan| plan.stage == stage);
        let tags = self.target.image.iter().flat_map(|image| &image.tags);
        let built = Built {
            dockerfile: &self.target.dockerfile,
            is_stage: &is_stage,
            names: tags.map(|tag| tag.value.clone()).collect(),
        };
        self.project.deploy_files().deployments(&self.project.tree, &built)
    }

    /// An image of the manifest that was never rendered.
    fn without_dockerfile(&mut self, global: &Global, indexes: &Indexes<'_>) {
        let context = self.scan_context(global, BTreeMap::new());
        let scan = scan::scan(&context, &self.target.code);
        self.scanned = !self.target.code.is_empty();
        self.take(scan);
        let Some(image) = self.target.image else { return };
        let Some(reference) = &image.base else { return };
        let base = dockerfile::Base::new(&reference.value, reference.span, Vec::new());
        let release = release_of(Some(image), &base);
        self.supply = indexes.supply(self.target.alpine, release.as_deref(), self.target.platform);
        self.base = self.base_of(&base, release.as_deref());
    }

    /// What a base brings: by the image itself where that was read, else by the minimal root of its release and the table of
    /// official images.
    fn base_of(&self, base: &dockerfile::Base, release: Option<&str>) -> Base {
        let arch = self.target.platform.apk_arch();
        let empty = apk::catalog::Catalog::default();
        let catalog = self.supply.catalog().unwrap_or(&empty);
        if let Some(read) = self.target.base {
            let installed = apk::base::installed_as(&read.packages, catalog, arch);
            return Base { programs: read.programs.clone(), installed, locked: read.clone(), note: None };
        }
        let dockerfile::Distribution::Alpine(_) = base.distribution else {
            let programs = base.official().map(|row| row.programs.clone()).unwrap_or_default();
            return Base {
                programs: programs.into_iter().map(|path| (path, String::new())).collect(),
                ..Base::default()
            };
        };
        let root = apk::base::Base::minimal(release.unwrap_or("edge"));
        let mut programs: BTreeMap<String, String> =
            root.programs().map(|program| (program.path.to_owned(), program.package.to_owned())).collect();
        if let Some(official) = base.official() {
            programs.extend(official.programs.iter().map(|path| (path.clone(), String::new())));
        }
        Base { programs, installed: root.installed(catalog, arch), note: root.stand_in(), ..Base::default() }
    }

    fn take(&mut self, mut scan: scan::Scan) {
        let files = self.project.tree.files();
        scan.sites.sort_by_cached_key(|site| (files.sort_key(site.span), site.clone()));
        scan.sites.dedup();
        (self.needs, self.dynamic) = need::needs(&scan.sites);
        self.skipped = scan.skipped;
        self.findings.extend(scan.findings);
    }

    fn scan_context(&self, global: &Global, env: BTreeMap<String, String>) -> ScanContext<'a> {
        ScanContext {
            platform: self.target.platform,
            env,
            build_tags: self.target.build_tags.clone(),
            target: self.target.stage.clone(),
            build_args: self.target.build_args.clone(),
            cache: global.cache_dir(),
            ..ScanContext::new(&self.project.tree)
        }
    }

    /// The lock's part for this image, where it still fits.
    fn locked_part(&self, lock: &'a Lock) -> Option<&'a LockedImage> {
        let image = self.target.image?;
        lock.images.get(&image.name.value).filter(|locked| resolve::image::stale(image, locked).is_none())
    }

    /// Whether rendering pins the image's packages.
    fn pins(&self) -> bool {
        self.target.image.is_some_and(|image| image.pin.value != Pin::None)
    }

    /// What the packages of the Dockerfile bring: by the lock where it names them all, else by the index.
    fn installed(&mut self, plan: &StagePlan, locked: Option<&LockedImage>) -> BTreeMap<String, LockedPackage> {
        let own = plan.packages.iter().map(|package| package.name.clone());
        let official = plan.base.official().map(|row| row.packages.clone()).unwrap_or_default();
        let requests: Vec<String> = own.chain(official).collect();
        if let Some(locked) = locked
            && requests.iter().all(|name| locked.packages.contains_key(name))
        {
            let all =
                locked.packages.iter().filter(|(_, package)| package.named).all(|(name, _)| requests.contains(name));
            let wanted =
                locked.packages.iter().filter(|(name, package)| requests.contains(name) || (all && !package.named));
            return wanted.map(|(name, package)| (name.clone(), package.clone())).collect();
        }
        match packages::install(&self.supply, &self.base.installed, &requests) {
            Ok(installation) => installation.packages,
            Err(error) => {
                let finding =
                    Finding::new(&resolve::image::IMPOSSIBLE_PACKAGES, "the packages cannot be installed together");
                let finding =
                    plan.apk_adds.iter().fold(finding, |finding, add| finding.label(add.span, "installed here"));
                self.findings.push(finding.help(error.to_string()));
                // What each brings by itself still tells which programs are there.
                let single = requests.iter().filter_map(|request| {
                    packages::install(&self.supply, &self.base.installed, std::slice::from_ref(request)).ok()
                });
                single.flat_map(|installation| installation.packages).collect()
            }
        }
    }

    /// What the rules look at.
    pub fn subject(&self) -> Subject<'_> {
        Subject {
            tree: &self.project.tree,
            image: self.target.image,
            dockerfile: self.docker.as_ref().map(|docker| Docker {
                file: &docker.file,
                plan: &docker.plan,
                others: &docker.others,
                contents: &docker.contents,
                context: &docker.context,
            }),
            needs: &self.needs,
            answers: &self.answers,
            dynamic: &self.dynamic,
            scanned: self.scanned,
            supply: &self.supply,
            locked: self.locked,
        }
    }

    /// The Dockerfile's path.
    pub fn dockerfile(&self) -> &str {
        &self.target.dockerfile
    }

    /// What the survey is about, in words.
    pub fn title(&self) -> String {
        self.target.image.map_or_else(|| self.target.dockerfile.clone(), |image| format!("image {}", image.name))
    }
}

/// The Alpine release of a base: the manifest's word, else what the tag says, else the newest stable one, on which a tag
/// that floats is built. Nothing for what is not Alpine.
fn release_of(image: Option<&Image>, base: &dockerfile::Base) -> Option<String> {
    let dockerfile::Distribution::Alpine(by_tag) = &base.distribution else { return None };
    let own = image.and_then(|image| image.release.as_ref()).map(|release| release.value.clone());
    own.or_else(|| by_tag.clone()).or_else(|| Some("latest-stable".to_owned()))
}
