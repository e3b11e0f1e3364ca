//! The directories of a simulated disk: which names are on the platter, which came and went since.
//!
//! Promises that a rename is seen whole or not at all, and nothing else about what was not synced: any of
//! the changes of a directory may be there after a crash, later ones without earlier ones.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::dice::Dice;
use super::inode::Inode;

const ROOT: u64 = 0;

type Names = BTreeMap<OsString, u64>;

/// Directories and files by number.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: BTreeMap<u64, Node>,
    next: u64,
}

#[derive(Debug, Clone)]
enum Node {
    Directory(Directory),
    File(Inode),
}

#[derive(Debug, Default, Clone)]
struct Directory {
    durable: Names,
    current: Names,
    pending: Vec<Change>,
}

/// One change since the last sync of a directory.
#[derive(Debug, Clone)]
enum Change {
    Add(OsString, u64),
    Remove(OsString),
    Rename(OsString, OsString, u64),
}

impl Change {
    fn apply(&self, names: &mut Names) {
        match self {
            Self::Add(name, node) => {
                names.insert(name.clone(), *node);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
            Self::Rename(from, to, node) => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

impl Directory {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.current);
        self.pending.push(change);
    }

    fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    fn crash(&mut self, dice: &mut Dice) {
        let kept = dice.below(self.pending.len() as u64 + 1);
        let style = dice.below(4);
        for (at, change) in self.pending.drain(..).enumerate() {
            let keep = match style {
                0 => false,
                1 => (at as u64) < kept,
                _ => dice.chance(1, 2),
            };
            if keep {
                change.apply(&mut self.durable);
            }
        }
        self.current.clone_from(&self.durable);
    }
}

fn missing() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            nodes: BTreeMap::from([(ROOT, Node::Directory(Directory::default()))]),
            next: ROOT + 1,
        }
    }
}

impl Tree {
    /// The node of a path.
    pub(super) fn find(&self, path: &Path) -> io::Result<u64> {
        let mut node = ROOT;
        for component in path.components() {
            if let Component::Normal(name) = component {
                let Some(Node::Directory(directory)) = self.nodes.get(&node) else {
                    return Err(io::Error::from(io::ErrorKind::NotADirectory));
                };
                node = *directory.current.get(name).ok_or_else(missing)?;
            }
        }
        Ok(node)
    }

    pub(super) fn is_directory(&self, node: u64) -> bool {
        matches!(self.nodes.get(&node), Some(Node::Directory(_)))
    }

    pub(super) fn file(&mut self, node: u64) -> Option<&mut Inode> {
        match self.nodes.get_mut(&node) {
            Some(Node::File(inode)) => Some(inode),
            _ => None,
        }
    }

    fn directory(&mut self, path: &Path) -> io::Result<&mut Directory> {
        let node = self.find(path)?;
        match self.nodes.get_mut(&node) {
            Some(Node::Directory(directory)) => Ok(directory),
            _ => Err(io::Error::from(io::ErrorKind::NotADirectory)),
        }
    }

    /// The directory that holds a path, and the path's last name.
    fn holder<'p>(&mut self, path: &'p Path) -> io::Result<(&mut Directory, &'p OsStr)> {
        let name = path.file_name().ok_or_else(missing)?;
        let parent = path.parent().unwrap_or(Path::new(""));
        Ok((self.directory(parent)?, name))
    }

    fn create(&mut self, path: &Path, made: Node) -> io::Result<u64> {
        let node = self.next;
        let (holder, name) = self.holder(path)?;
        holder.change(Change::Add(name.to_owned(), node));
        self.nodes.insert(node, made);
        self.next += 1;
        Ok(node)
    }

    pub(super) fn create_file(&mut self, path: &Path) -> io::Result<u64> {
        self.create(path, Node::File(Inode::default()))
    }

    pub(super) fn create_directory(&mut self, path: &Path) -> io::Result<()> {
        match self.find(path) {
            Ok(_) => Ok(()),
            Err(_) => self
                .create(path, Node::Directory(Directory::default()))
                .map(drop),
        }
    }

    pub(super) fn list(&mut self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let names = self.directory(path)?.current.keys();
        Ok(names.map(|name| path.join(name)).collect())
    }

    pub(super) fn sync_names(&mut self, path: &Path) -> io::Result<()> {
        self.directory(path).map(Directory::sync)
    }

    /// Makes every name durable.
    pub(super) fn sync_all_names(&mut self) {
        for node in self.nodes.values_mut() {
            if let Node::Directory(directory) = node {
                directory.sync();
            }
        }
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.find(path)?;
        let (holder, name) = self.holder(path)?;
        holder.change(Change::Remove(name.to_owned()));
        Ok(())
    }

    /// Gives a file another name in the same directory.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        if from.parent() != to.parent() {
            return Err(io::Error::from(io::ErrorKind::CrossesDevices));
        }
        let node = self.find(from)?;
        let to = to.file_name().ok_or_else(missing)?;
        let (holder, from) = self.holder(from)?;
        holder.change(Change::Rename(from.to_owned(), to.to_owned(), node));
        Ok(())
    }

    /// The length of all files that have a name.
    pub(super) fn used_bytes(&self) -> u64 {
        let reached = self.reached();
        let sizes = reached.iter().map(|node| match self.nodes.get(node) {
            Some(Node::File(inode)) => inode.current().len() as u64,
            _ => 0,
        });
        sizes.sum()
    }

    /// The nodes that have a name.
    fn reached(&self) -> BTreeSet<u64> {
        let mut reached = BTreeSet::from([ROOT]);
        let mut open = vec![ROOT];
        while let Some(node) = open.pop() {
            if let Some(Node::Directory(directory)) = self.nodes.get(&node) {
                for child in directory.current.values() {
                    if reached.insert(*child) {
                        open.push(*child);
                    }
                }
            }
        }
        reached
    }

    /// The power went: any of what was not synced is there, and nameless files are gone.
    pub(super) fn crash(&mut self, dice: &mut Dice) {
        for node in self.nodes.values_mut() {
            match node {
                Node::Directory(directory) => directory.crash(dice),
                Node::File(inode) => inode.crash(dice),
            }
        }
        let reached = self.reached();
        self.nodes.retain(|node, _| reached.contains(node));
    }

    /// The same tree with everything in it durable.
    pub(super) fn settled(&self) -> Self {
        let settle = |node: &Node| match node {
            Node::File(inode) => Node::File(Inode::durable(inode.current().to_vec())),
            Node::Directory(directory) => Node::Directory(Directory {
                durable: directory.current.clone(),
                current: directory.current.clone(),
                pending: Vec::new(),
            }),
        };
        let nodes = self.nodes.iter().map(|(at, node)| (*at, settle(node)));
        Self {
            nodes: nodes.collect(),
            next: self.next,
        }
    }
}
