//! The image's files: layers laid over each other, and walks through the result as a user of the image would go.
//!
//! Layers are applied as container engines do: white-outs and opaque folders act on the layers below alone, an entry
//! behind a link lands where the link leads, and every path stays below the image's root. Nothing is unpacked: a folder is a
//! map of names.

use super::ImageError;
use super::layer::{Layer, LayerEntry, Stored, read_stored};
use super::tarball::MemberKind;
use super::user::Identity;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::Arc;

/// The most links that one walk follows, as in the kernel.
const MAX_LINKS: usize = 40;
/// The deepest path of an entry.
const MAX_DEPTH: usize = 1024;

/// A file of the image, by its place in the [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

/// A file, a folder, a link or something else.
#[derive(Debug)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Permission bits with set-user-id, set-group-id and sticky.
    pub mode: u16,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The layer that brought it, from 0; nothing for folders that no layer names.
    pub layer: Option<u16>,
    /// It carries file capabilities.
    pub capabilities: bool,
}

/// What a [`Node`] is.
#[derive(Debug)]
pub enum NodeKind {
    /// A folder with its entries.
    Folder(BTreeMap<Box<[u8]>, NodeId>),
    /// A regular file.
    File(Body),
    /// A symbolic link with its target.
    Link(Box<[u8]>),
    /// A device or a pipe.
    Special,
}

/// A regular file's content.
#[derive(Clone, Debug)]
pub struct Body {
    /// Its size in bytes.
    pub size: u64,
    stored: Stored,
    bodies: Arc<File>,
}

impl Body {
    /// Reads at an offset, as much as there is up to the buffer's length; 0 at the end.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        read_stored(&self.bodies, &self.stored, self.size, offset, buffer)
    }

    /// The first `most` bytes, or as many as there are.
    pub fn head(&self, most: usize) -> io::Result<Vec<u8>> {
        self.range(0, most)
    }

    /// `most` bytes from `offset` on, or as many as there are.
    pub fn range(&self, offset: u64, most: usize) -> io::Result<Vec<u8>> {
        let most = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX).min(most);
        let mut bytes = vec![0; most];
        let mut filled = 0;
        while filled < most {
            match self.read_at(offset + filled as u64, &mut bytes[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && filled > 0 => break,
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}

/// Where a walk ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What stands there.
    pub node: NodeId,
    /// Its path without links.
    pub path: String,
    /// The links at the end of the path that were followed, each with its target as written.
    pub links: Vec<(String, String)>,
}

/// Why a walk did not end anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WalkError {
    /// Nothing stands at this path.
    NotFound(String),
    /// A link leads to nothing: the link, its target as written, the path where nothing is.
    Dangling {
        /// The link.
        link: String,
        /// Its target, as written.
        target: String,
        /// Where nothing is.
        missing: String,
    },
    /// The user may not search this folder.
    Denied(String),
    /// Links lead to each other.
    Loop(String),
    /// This is no folder, yet the path goes on.
    NotAFolder(String),
}

/// The files of an image.
#[derive(Debug)]
pub struct Tree {
    nodes: Vec<Node>,
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    const ROOT: NodeId = NodeId(0);

    /// An empty root.
    pub fn new() -> Self {
        Self { nodes: vec![Node::folder()] }
    }

    /// What stands at a place.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// Follows a path from a folder (`/` for absolute paths) as a user of the image.
    pub fn walk(&self, from: &str, path: &str, user: &Identity) -> Result<Found, WalkError> {
        let start = if path.starts_with('/') { String::new() } else { format!("{from}/") };
        Walk { tree: self, user: Some(user) }.go(format!("{start}{path}").as_bytes(), true)
    }

    /// The file at a path, links followed, whoever asks.
    pub fn file(&self, path: &str) -> Option<&Body> {
        let found = Walk { tree: self, user: None }.go(path.as_bytes(), true).ok()?;
        match &self.node(found.node).kind {
            NodeKind::File(body) => Some(body),
            _ => None,
        }
    }

    /// The names in a folder, links followed, whoever asks; nothing where there is no folder.
    pub fn list(&self, path: &str) -> Vec<(String, NodeId)> {
        let Ok(found) = (Walk { tree: self, user: None }).go(path.as_bytes(), true) else { return Vec::new() };
        match &self.node(found.node).kind {
            NodeKind::Folder(entries) => {
                entries.iter().map(|(name, id)| (String::from_utf8_lossy(name).into_owned(), *id)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Lays a layer over what is there.
    pub(super) fn apply(&mut self, layer: &Layer, number: u16) -> Result<(), ImageError> {
        for entry in &layer.entries {
            let parts = parts_of(layer.name(entry.path))?;
            if let Some((last, folder)) = parts.split_last()
                && let Some(hidden) = last.strip_prefix(b".wh.")
            {
                self.white_out(folder, hidden);
            }
        }
        for entry in &layer.entries {
            let parts = parts_of(layer.name(entry.path))?;
            match parts.split_last() {
                None => self.describe_root(entry),
                Some((last, _)) if last.starts_with(b".wh.") => {}
                Some((last, folder)) => self.add(layer, entry, folder, last, number)?,
            }
        }
        Ok(())
    }

    fn describe_root(&mut self, entry: &LayerEntry) {
        if entry.kind == MemberKind::Folder {
            let root = &mut self.nodes[0];
            (root.mode, root.uid, root.gid) = (entry.mode, entry.uid, entry.gid);
        }
    }

    fn white_out(&mut self, folder: &[&[u8]], hidden: &[u8]) {
        let Some(folder) = self.real_folder(folder) else { return };
        if let NodeKind::Folder(entries) = &mut self.nodes[folder.0 as usize].kind {
            if hidden == b".wh..opq" {
                entries.clear();
            } else if !hidden.starts_with(b".wh.") {
                entries.remove(hidden);
            }
        }
    }

    fn add(
        &mut self,
        layer: &Layer,
        entry: &LayerEntry,
        folder: &[&[u8]],
        last: &[u8],
        number: u16,
    ) -> Result<(), ImageError> {
        let path = || String::from_utf8_lossy(layer.name(entry.path)).into_owned();
        let folder = self.make_folder(folder).ok_or_else(|| ImageError::Entry {
            path: path(),
            what: "lies behind something that is no folder".to_owned(),
        })?;
        let NodeKind::Folder(entries) = &self.node(folder).kind else { return Ok(()) };
        let there = entries.get(last).copied();
        let kind = match entry.kind {
            MemberKind::Unknown => return Ok(()),
            MemberKind::Folder => match there {
                Some(there) if matches!(self.node(there).kind, NodeKind::Folder(_)) => {
                    let node = &mut self.nodes[there.0 as usize];
                    (node.mode, node.uid, node.gid) = (entry.mode, entry.uid, entry.gid);
                    node.layer = Some(number);
                    return Ok(());
                }
                _ => NodeKind::Folder(BTreeMap::new()),
            },
            MemberKind::File => {
                NodeKind::File(Body { size: entry.size, stored: entry.body.clone(), bodies: Arc::clone(&layer.bodies) })
            }
            MemberKind::SymbolicLink => NodeKind::Link(layer.name(entry.link).into()),
            MemberKind::Special => NodeKind::Special,
            MemberKind::HardLink => {
                let target = layer.name(entry.link);
                let id = self.hard_link_target(target).ok_or_else(|| ImageError::Entry {
                    path: path(),
                    what: format!("is a hard link to `{}`, where no file is", String::from_utf8_lossy(target)),
                })?;
                self.put(folder, last, id);
                return Ok(());
            }
        };
        let node = Node {
            kind,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            layer: Some(number),
            capabilities: entry.capabilities,
        };
        let id = self.new_node(node);
        self.put(folder, last, id);
        Ok(())
    }

    fn hard_link_target(&self, target: &[u8]) -> Option<NodeId> {
        let parts = parts_of(target).ok()?;
        let (last, folder) = parts.split_last()?;
        let folder = self.real_folder(folder)?;
        let NodeKind::Folder(entries) = &self.node(folder).kind else { return None };
        let id = *entries.get(*last)?;
        (!matches!(self.node(id).kind, NodeKind::Folder(_))).then_some(id)
    }

    fn put(&mut self, folder: NodeId, name: &[u8], id: NodeId) {
        if let NodeKind::Folder(entries) = &mut self.nodes[folder.0 as usize].kind {
            entries.insert(name.into(), id);
        }
    }

    fn new_node(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        id
    }

    /// The folder behind a path, links followed; nothing where there is none.
    fn real_folder(&self, parts: &[&[u8]]) -> Option<NodeId> {
        if let Ok(plain) = self.plain(parts) {
            return Some(plain);
        }
        let found = Walk { tree: self, user: None }.go(&parts.join(&b'/'), true).ok()?;
        matches!(self.node(found.node).kind, NodeKind::Folder(_)).then_some(found.node)
    }

    /// The folder behind a path without links; else how far it goes.
    fn plain(&self, parts: &[&[u8]]) -> Result<NodeId, (NodeId, usize)> {
        let mut at = Self::ROOT;
        for (depth, part) in parts.iter().enumerate() {
            let NodeKind::Folder(entries) = &self.node(at).kind else { return Err((at, depth)) };
            match entries.get(*part) {
                Some(&next) if matches!(self.node(next).kind, NodeKind::Folder(_)) => at = next,
                _ => return Err((at, depth)),
            }
        }
        Ok(at)
    }

    /// The folder behind a path, made where it is missing; nothing where a file stands in the way.
    fn make_folder(&mut self, parts: &[&[u8]]) -> Option<NodeId> {
        let mut parts: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
        for _ in 0..=MAX_LINKS {
            let view: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            let (mut at, depth) = match self.plain(&view) {
                Ok(folder) => return Some(folder),
                Err(stop) => stop,
            };
            let NodeKind::Folder(entries) = &self.node(at).kind else { return None };
            match entries.get(view[depth]).map(|&next| &self.node(next).kind) {
                None => {
                    for part in &view[depth..] {
                        let id = self.new_node(Node::folder());
                        self.put(at, part, id);
                        at = id;
                    }
                    return Some(at);
                }
                Some(NodeKind::Link(target)) => parts = spliced(&view, depth, target),
                Some(_) => return None,
            }
        }
        None
    }
}

impl Node {
    fn folder() -> Self {
        Self { kind: NodeKind::Folder(BTreeMap::new()), mode: 0o755, uid: 0, gid: 0, layer: None, capabilities: false }
    }
}

/// `parts` with the link at `depth` replaced by its target, below the root whatever the target says.
fn spliced(parts: &[&[u8]], depth: usize, target: &[u8]) -> Vec<Vec<u8>> {
    let mut result: Vec<Vec<u8>> = Vec::new();
    if !target.starts_with(b"/") {
        result.extend(parts[..depth].iter().map(|part| part.to_vec()));
    }
    for part in target.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(result.pop()),
            part => result.push(part.to_vec()),
        }
    }
    result.extend(parts[depth + 1..].iter().map(|part| part.to_vec()));
    result
}

/// The parts of an entry's path, `.` and `..` resolved as text; refused where it leaves the root.
fn parts_of(path: &[u8]) -> Result<Vec<&[u8]>, ImageError> {
    let refused = |what: &str| ImageError::Entry {
        path: String::from_utf8_lossy(path).chars().take(200).collect(),
        what: what.to_owned(),
    };
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop().ok_or_else(|| refused("leaves the image's root"))?),
            part => parts.push(part),
        }
    }
    if parts.len() > MAX_DEPTH {
        return Err(refused("lies too deep"));
    }
    Ok(parts)
}

/// A walk along a path, with a user's rights or without regard to them.
struct Walk<'a> {
    tree: &'a Tree,
    user: Option<&'a Identity>,
}

impl Walk<'_> {
    fn go(&self, path: &[u8], follow_last: bool) -> Result<Found, WalkError> {
        let mut todo: Vec<Vec<u8>> = Vec::new();
        push_parts(&mut todo, path);
        let mut at: Vec<(NodeId, Vec<u8>)> = Vec::new();
        let mut links: Vec<(String, String)> = Vec::new();
        let mut followed = 0;
        while let Some(part) = todo.pop() {
            let here = at.last().map_or(Tree::ROOT, |(id, _)| *id);
            let node = self.tree.node(here);
            let NodeKind::Folder(entries) = &node.kind else { return Err(WalkError::NotAFolder(shown(&at))) };
            if self.user.is_some_and(|user| !user.may_search(node)) {
                return Err(WalkError::Denied(shown(&at)));
            }
            match part.as_slice() {
                b"." => continue,
                b".." => {
                    at.pop();
                    continue;
                }
                _ => {}
            }
            let Some(&next) = entries.get(part.as_slice()) else {
                at.push((here, part));
                return Err(missing(&at, links));
            };
            let last = todo.is_empty();
            match &self.tree.node(next).kind {
                NodeKind::Link(target) if !last || follow_last => {
                    at.push((next, part));
                    followed += 1;
                    if followed > MAX_LINKS || target.is_empty() {
                        return Err(WalkError::Loop(shown(&at)));
                    }
                    if last {
                        links.push((shown(&at), String::from_utf8_lossy(target).into_owned()));
                    }
                    at.pop();
                    if target.starts_with(b"/") {
                        at.clear();
                    }
                    push_parts(&mut todo, target);
                }
                _ => at.push((next, part)),
            }
        }
        let node = at.last().map_or(Tree::ROOT, |(id, _)| *id);
        Ok(Found { node, path: shown(&at), links })
    }
}

fn missing(at: &[(NodeId, Vec<u8>)], mut links: Vec<(String, String)>) -> WalkError {
    match links.pop() {
        Some((link, target)) => WalkError::Dangling { link, target, missing: shown(at) },
        None => WalkError::NotFound(shown(at)),
    }
}

/// Puts a path's parts on a stack, the first on top.
fn push_parts(todo: &mut Vec<Vec<u8>>, path: &[u8]) {
    if path.ends_with(b"/") {
        todo.push(b".".to_vec());
    }
    todo.extend(path.split(|&byte| byte == b'/').filter(|part| !part.is_empty()).rev().map(<[u8]>::to_vec));
}

fn shown(at: &[(NodeId, Vec<u8>)]) -> String {
    if at.is_empty() {
        return "/".to_owned();
    }
    at.iter().fold(String::new(), |mut text, (_, part)| {
        text.push('/');
        text.push_str(&String::from_utf8_lossy(part));
        text
    })
}
