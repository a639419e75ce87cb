//! The user that a container runs as, and what that user may do.
//!
//! A configuration names a user and a group by name or number; names are those of the image's own `/etc/passwd` and
//! `/etc/group`. The meaning follows `runc`: without a group in the configuration the user also has every group that lists
//! the name.

use super::tree::{Node, Tree};

/// Whom the processes of a container belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Further groups.
    pub groups: Vec<u32>,
}

/// Why a container could not be started as the configured user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// No line of `/etc/passwd` has the name.
    #[error("user `{0}` is not in the image's /etc/passwd")]
    NoUser(String),
    /// No line of `/etc/group` has the name.
    #[error("group `{0}` is not in the image's /etc/group")]
    NoGroup(String),
}

impl Identity {
    /// The superuser.
    pub fn root() -> Self {
        Self { uid: 0, gid: 0, groups: Vec::new() }
    }

    /// The identity that `User` of a configuration means (`""`, `app`, `app:www`, `1000`, `1000:1000`).
    pub fn of(user: &str, tree: &Tree) -> Result<Self, UserError> {
        let (user, group) = user.split_once(':').map_or((user, None), |(user, group)| (user, Some(group)));
        let group = group.filter(|group| !group.is_empty());
        let user = if user.is_empty() { "0" } else { user };
        let passwd = lines(tree, "/etc/passwd");
        let account = passwd.iter().find(|fields| fields.first().is_some_and(|name| name == user));
        let account = account.or_else(|| passwd.iter().find(|fields| fields.get(2).is_some_and(|uid| uid == user)));
        let number = user.parse::<u32>().ok();
        let (uid, gid, name) = match (account, number) {
            (Some(fields), _) => (field(fields, 2), field(fields, 3), fields.first().cloned()),
            (None, Some(uid)) => (uid, 0, None),
            (None, None) => return Err(UserError::NoUser(user.to_owned())),
        };
        let database = lines(tree, "/etc/group");
        if let Some(group) = group {
            let known = database.iter().find(|fields| fields.first().is_some_and(|name| name == group));
            let gid = known.map(|fields| field(fields, 2)).or_else(|| group.parse().ok());
            let gid = gid.ok_or_else(|| UserError::NoGroup(group.to_owned()))?;
            return Ok(Self { uid, gid, groups: Vec::new() });
        }
        let lists = |fields: &Vec<String>| {
            let members = fields.get(3).map(String::as_str).unwrap_or_default();
            name.as_ref().is_some_and(|name| members.split(',').any(|member| member == name))
        };
        let groups = database.iter().filter(|fields| lists(fields)).map(|fields| field(fields, 2)).collect();
        Ok(Self { uid, gid, groups })
    }

    /// Whether the user may go through a folder.
    pub fn may_search(&self, folder: &Node) -> bool {
        self.uid == 0 || self.bits(folder) & 1 != 0
    }

    /// Whether the user may execute a file. Even the superuser needs one execute bit.
    pub fn may_execute(&self, file: &Node) -> bool {
        if self.uid == 0 { file.mode & 0o111 != 0 } else { self.bits(file) & 1 != 0 }
    }

    /// Whether the user may read a file.
    pub fn may_read(&self, file: &Node) -> bool {
        self.uid == 0 || self.bits(file) & 4 != 0
    }

    fn bits(&self, node: &Node) -> u16 {
        if node.uid == self.uid {
            node.mode >> 6
        } else if node.gid == self.gid || self.groups.contains(&node.gid) {
            node.mode >> 3
        } else {
            node.mode
        }
    }
}

/// The most of a database that is read.
const MAX_DATABASE: usize = 8 << 20;

fn lines(tree: &Tree, path: &str) -> Vec<Vec<String>> {
    let bytes = tree.file(path).and_then(|body| body.head(MAX_DATABASE).ok()).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.lines().map(|line| line.split(':').map(|field| field.trim().to_owned()).collect()).collect()
}

fn field(fields: &[String], at: usize) -> u32 {
    fields.get(at).and_then(|field| field.parse().ok()).unwrap_or(0)
}
