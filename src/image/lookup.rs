//! Finding a program as the image would: its PATH, its user's rights, its folder to start in.

use super::Image;
use super::tree::{Found, NodeId, NodeKind, WalkError};
use super::user::{Identity, UserError};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a process of the image sees.
#[derive(Debug)]
pub struct Runtime<'a> {
    /// The image.
    pub image: &'a Image,
    /// Whom the process belongs to.
    pub user: Identity,
    /// The folders of its PATH, in order.
    pub path: Vec<String>,
    /// The folder it starts in.
    pub working_dir: String,
    applets: RefCell<BTreeMap<NodeId, Option<Rc<Vec<String>>>>>,
}

/// Why a program cannot be looked up to something that may be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupError {
    /// Nothing has the name.
    NotFound,
    /// A link leads to nothing, or to itself.
    Dangling {
        /// The link.
        link: String,
        /// Its target, as written.
        target: String,
        /// Where nothing is.
        missing: String,
    },
    /// Something has the name, but the user may not execute it.
    NotExecutable {
        /// Its path.
        path: String,
        /// Why not.
        why: String,
    },
}

impl<'a> Runtime<'a> {
    /// What a process of the image's configured user sees.
    pub fn new(image: &'a Image) -> Result<Self, UserError> {
        let user = Identity::of(&image.config.config.user, &image.tree)?;
        Ok(Self::with_user(image, user))
    }

    /// What a process of another user sees.
    pub fn with_user(image: &'a Image, user: Identity) -> Self {
        let working_dir = format!("/{}", image.config.working_dir().trim_start_matches('/'));
        let path = image.config.path().split(':').map(|folder| match folder {
            "" => working_dir.clone(),
            folder if folder.starts_with('/') => folder.to_owned(),
            folder => format!("{working_dir}/{folder}"),
        });
        Self { user, path: path.collect(), image, applets: RefCell::default(), working_dir }
    }

    /// Finds a program by name or path.
    pub fn find(&self, program: &str) -> Result<Found, LookupError> {
        if program.contains('/') {
            return self.executable(&self.working_dir, program);
        }
        if program.is_empty() {
            return Err(LookupError::NotFound);
        }
        let mut worst = LookupError::NotFound;
        for folder in &self.path {
            match self.executable("/", &format!("{folder}/{program}")) {
                Ok(found) => return Ok(found),
                Err(error) if weight(&error) > weight(&worst) => worst = error,
                Err(_) => {}
            }
        }
        Err(worst)
    }

    /// What stands at a path, where the user may execute it.
    pub fn executable(&self, from: &str, path: &str) -> Result<Found, LookupError> {
        let denied = |path: &str, why: String| LookupError::NotExecutable { path: path.to_owned(), why };
        let found = match self.image.tree.walk(from, path, &self.user) {
            Ok(found) => found,
            Err(WalkError::NotFound(_) | WalkError::NotAFolder(_)) => return Err(LookupError::NotFound),
            Err(WalkError::Dangling { link, target, missing }) => {
                return Err(LookupError::Dangling { link, target, missing });
            }
            Err(WalkError::Loop(link)) => {
                return Err(LookupError::Dangling {
                    target: "a circle of links".to_owned(),
                    missing: link.clone(),
                    link,
                });
            }
            Err(WalkError::Denied(folder)) => {
                return Err(denied(path, format!("{} may not search the folder {folder}", self.who())));
            }
        };
        let node = self.image.tree.node(found.node);
        match &node.kind {
            NodeKind::File(_) if self.user.may_execute(node) => Ok(found),
            NodeKind::File(_) => {
                let mode = node.mode & 0o7777;
                let why =
                    format!("{} may not execute it (mode {mode:04o}, owner {}:{})", self.who(), node.uid, node.gid);
                Err(denied(&found.path, why))
            }
            NodeKind::Folder(_) => Err(denied(&found.path, "it is a folder".to_owned())),
            NodeKind::Special | NodeKind::Link(_) => Err(denied(&found.path, "it is a device or a pipe".to_owned())),
        }
    }

    /// The user in words.
    pub fn who(&self) -> String {
        let configured = self.image.config.config.user.as_str();
        if configured.is_empty() { "root".to_owned() } else { format!("user `{configured}`") }
    }

    /// The applets of a busybox, read once; nothing where it is none or its table is not recognized.
    pub(super) fn applets(&self, node: NodeId) -> Option<Rc<Vec<String>>> {
        if let Some(known) = self.applets.borrow().get(&node) {
            return known.clone();
        }
        let applets = match &self.image.tree.node(node).kind {
            NodeKind::File(body) => body.head(MAX_BUSYBOX).ok().and_then(|bytes| applet_table(&bytes)).map(Rc::new),
            _ => None,
        };
        self.applets.borrow_mut().insert(node, applets.clone());
        applets
    }
}

/// The most of a busybox that is searched for its applets.
const MAX_BUSYBOX: usize = 8 << 20;

/// What is worth telling most of several failures.
fn weight(error: &LookupError) -> u8 {
    match error {
        LookupError::NotFound => 0,
        LookupError::Dangling { .. } => 1,
        LookupError::NotExecutable { .. } => 2,
    }
}

/// busybox keeps its applets' names sorted, each ended by a zero byte, from `[` on.
fn applet_table(bytes: &[u8]) -> Option<Vec<String>> {
    memchr::memmem::find(bytes, b"BusyBox v")?;
    let start = memchr::memmem::find(bytes, b"\0[\0[[\0")? + 1;
    let mut names: Vec<String> = Vec::new();
    for name in bytes[start..].split(|&byte| byte == 0) {
        let plain = name.iter().all(|&byte| byte.is_ascii_alphanumeric() || b"[-_.".contains(&byte));
        let name = String::from_utf8_lossy(name).into_owned();
        if name.is_empty() || !plain || names.last().is_some_and(|last| *last >= name) {
            break;
        }
        names.push(name);
    }
    (names.len() > 10).then_some(names)
}
