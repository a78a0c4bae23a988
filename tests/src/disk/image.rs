//! A folder in memory, and what a loss of power makes of it.

use super::journal::{Inode, Note};
use crate::sim::dice::Dice;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What a disk writes at once or not at all.
const SECTOR_BYTES: usize = 512;

/// A file or folder; an inode that is used a second time gets another one.
type Id = u64;

/// A folder and everything below it.
#[derive(Debug, Clone)]
pub struct Image {
    files: BTreeMap<Id, Vec<u8>>,
    folders: BTreeMap<Id, BTreeMap<String, Id>>,
    root: Id,
    inodes: BTreeMap<Inode, Id>,
    next: Id,
}

/// What of the unsynced operations reaches the disk before the power is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survivors {
    /// None.
    Nothing,
    /// All: the power went a moment later.
    Everything,
    /// The first ones, the last of them torn.
    Prefix,
    /// Any of them, whole: written back in any order.
    Some,
    /// Any of them, and of writes any sectors.
    Sectors,
}

impl Survivors {
    /// Any of the kinds.
    pub fn any(dice: &mut Dice) -> Survivors {
        use Survivors::{Everything, Nothing, Prefix, Sectors, Some};
        dice.pick(&[Nothing, Everything, Prefix, Some, Sectors, Sectors])
    }
}

/// A change that can be done or left out.
#[derive(Debug, Clone)]
enum Change {
    Write { file: Id, offset: usize, data: Vec<u8> },
    Resize { file: Id, length: usize, is_shorter: bool },
    Enter { folder: Id, name: String, id: Id },
    Remove { folder: Id, name: String },
    Rename { from: (Id, String), to: (Id, String), id: Id },
}

impl Change {
    /// What must be synced for the change to be durable.
    fn subject(&self) -> Id {
        match self {
            Change::Write { file, .. } | Change::Resize { file, .. } => *file,
            Change::Enter { folder, .. } | Change::Remove { folder, .. } => *folder,
            Change::Rename { to, .. } => to.0,
        }
    }
}

/// How sure a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Waits,
    /// A sync has covered it.
    Durable,
    /// A sync that should have covered it failed: systems take it for written then, and no later
    /// sync writes it.
    Forgotten,
}

impl Image {
    /// A folder as it is now.
    pub fn read(folder: &Path) -> Image {
        let (files, folders, inodes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut image = Image { files, folders, root: 0, inodes, next: 1 };
        image.root = image.read_folder(folder);
        image
    }

    fn read_folder(&mut self, path: &Path) -> Id {
        let id = self.id_of_new(inode(path));
        let mut entries = BTreeMap::new();
        for entry in fs::read_dir(path).expect("a folder can be read") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a UTF-8 name");
            // SQLite's index of its log, in shared memory: it is not needed after a crash.
            if name.ends_with("-shm") {
                continue;
            }
            let entry = if path.is_dir() {
                self.read_folder(&path)
            } else {
                let id = self.id_of_new(inode(&path));
                self.files.insert(id, fs::read(&path).expect("a file can be read"));
                id
            };
            entries.insert(name.to_owned(), entry);
        }
        self.folders.insert(id, entries);
        id
    }

    fn id_of_new(&mut self, inode: Inode) -> Id {
        let id = self.next;
        self.next += 1;
        self.inodes.insert(inode, id);
        id
    }

    fn id(&self, inode: Inode) -> Id {
        *self.inodes.get(&inode).expect("what is changed was there, or was made before")
    }

    /// All changes of a journal, in order, and how sure they are; also what is new.
    fn changes(&mut self, notes: Vec<Note>) -> Vec<(Change, Standing)> {
        let mut changes: Vec<(Change, Standing)> = Vec::new();
        let mut syncs = BTreeMap::new();
        for note in notes {
            let change = match note {
                Note::Intent => continue,
                Note::SyncBegin { file, number, is_data_only } => {
                    syncs.insert(number, (self.id(file), changes.len(), is_data_only));
                    continue;
                }
                Note::SyncEnd { number, is_failed } => {
                    let (id, end, is_data_only) = syncs.remove(&number).expect("it has begun");
                    for (change, standing) in &mut changes[..end] {
                        // POSIX lets `fdatasync` leave out a length that became shorter.
                        let is_shorter = matches!(change, Change::Resize { is_shorter: true, .. });
                        let is_meant = change.subject() == id && !(is_data_only && is_shorter);
                        if is_meant && *standing == Standing::Waits {
                            *standing =
                                if is_failed { Standing::Forgotten } else { Standing::Durable };
                        }
                    }
                    continue;
                }
                Note::Write { file, offset, data } => {
                    Change::Write { file: self.id(file), offset: offset as usize, data }
                }
                Note::Truncate { file, length, is_shorter } => {
                    Change::Resize { file: self.id(file), length: length as usize, is_shorter }
                }
                Note::Create { file, folder, name, is_folder } => {
                    let (folder, id) = (self.id(folder), self.id_of_new(file));
                    if is_folder {
                        self.folders.insert(id, BTreeMap::new());
                    } else {
                        self.files.insert(id, Vec::new());
                    }
                    Change::Enter { folder, name, id }
                }
                Note::Remove { folder, name } => Change::Remove { folder: self.id(folder), name },
                Note::Rename { file, from, to } => Change::Rename {
                    from: (self.id(from.0), from.1),
                    to: (self.id(to.0), to.1),
                    id: self.id(file),
                },
            };
            changes.push((change, Standing::Waits));
        }
        changes
    }

    /// What is left when the power goes after these notes. Also says how many changes were lost,
    /// wholly or in part.
    pub fn lose_power(&mut self, notes: Vec<Note>, survivors: Survivors, dice: &mut Dice) -> usize {
        let changes = self.changes(notes);
        let waiting = changes.iter().filter(|(_, standing)| *standing != Standing::Durable).count();
        let prefix = dice.below(waiting + 1);
        let (mut number, mut lost) = (0, 0);
        for (change, standing) in changes {
            if standing == Standing::Durable {
                self.apply(change);
                continue;
            }
            let survives = match survivors {
                Survivors::Nothing => false,
                Survivors::Everything => true,
                Survivors::Prefix => number < prefix,
                Survivors::Some | Survivors::Sectors => dice.percent(50),
            };
            let is_torn = match survivors {
                Survivors::Prefix => number + 1 == prefix,
                Survivors::Sectors => true,
                _ => false,
            };
            number += 1;
            match change {
                Change::Write { file, offset, data } if survives && is_torn => {
                    self.tear(file, offset, &data, dice);
                    lost += 1;
                }
                change if survives => self.apply(change),
                _ => lost += 1,
            }
        }
        lost
    }

    /// What a program sees that goes on after these notes.
    pub fn go_on(&mut self, notes: Vec<Note>) {
        for (change, _) in self.changes(notes) {
            self.apply(change);
        }
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Write { file, offset, data } => self.write(file, offset, &data),
            Change::Resize { file, length, .. } => self.file(file).resize(length, 0),
            Change::Enter { folder, name, id } => drop(self.folder(folder).insert(name, id)),
            Change::Remove { folder, name } => drop(self.folder(folder).remove(&name)),
            Change::Rename { from, to, id } => {
                // Unless the name has got another owner, whose making came through.
                if self.folder(from.0).get(&from.1) == Some(&id) {
                    self.folder(from.0).remove(&from.1);
                }
                self.folder(to.0).insert(to.1, id);
            }
        }
    }

    fn file(&mut self, id: Id) -> &mut Vec<u8> {
        self.files.get_mut(&id).expect("a file that was there, or was made")
    }

    fn folder(&mut self, id: Id) -> &mut BTreeMap<String, Id> {
        self.folders.get_mut(&id).expect("a folder that was there, or was made")
    }

    fn write(&mut self, file: Id, offset: usize, data: &[u8]) {
        let file = self.file(file);
        if file.len() < offset + data.len() {
            file.resize(offset + data.len(), 0);
        }
        file[offset..offset + data.len()].copy_from_slice(data);
    }

    /// Writes any of the sectors that a write touches. At times the length arrives without data.
    fn tear(&mut self, file: Id, offset: usize, data: &[u8], dice: &mut Dice) {
        if dice.one_in(4) {
            let length = self.file(file).len().max(offset + data.len());
            self.file(file).resize(length, 0);
        }
        let mut done = 0;
        while done < data.len() {
            let end = (offset + done) / SECTOR_BYTES * SECTOR_BYTES + SECTOR_BYTES;
            let piece = &data[done..data.len().min(end - offset)];
            if dice.percent(50) {
                self.write(file, offset + done, piece);
            }
            done += piece.len();
        }
    }

    /// Each file with its path below the folder, and each folder as an empty one with a `/`.
    fn paths(&self) -> BTreeMap<String, &[u8]> {
        let mut paths = BTreeMap::new();
        let mut open = vec![(String::new(), self.root)];
        // A power loss in the middle of a rename leaves one folder at two places; no loops.
        while let Some((path, folder)) = open.pop() {
            for (name, id) in &self.folders[&folder] {
                match self.files.get(id) {
                    Some(content) => drop(paths.insert(format!("{path}{name}"), &content[..])),
                    None => {
                        paths.insert(format!("{path}{name}/"), &[][..]);
                        open.push((format!("{path}{name}/"), *id));
                    }
                }
            }
        }
        paths
    }

    /// Where two images differ.
    pub fn differences(&self, other: &Image) -> Vec<String> {
        let (ours, theirs) = (self.paths(), other.paths());
        let all: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let differs = |path: &&&String| ours.get(**path) != theirs.get(**path);
        all.iter().filter(differs).map(|path| (**path).clone()).collect()
    }

    /// Makes the folder what the image says.
    pub fn write_to(&self, folder: &Path) {
        for entry in fs::read_dir(folder).expect("a folder can be read") {
            let path = entry.expect("an entry").path();
            let gone = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            gone.expect("what is there can be removed");
        }
        for (path, content) in self.paths() {
            let full = folder.join(&path);
            let made = match path.ends_with('/') {
                true => fs::create_dir(full),
                false => fs::write(full, content),
            };
            made.expect("a folder can be filled");
        }
    }
}

fn inode(path: &Path) -> Inode {
    fs::metadata(path).expect("what is listed is there").ino()
}
