//! What a program has done to its folder, as the preloaded disk has noted it.

use std::path::Path;

/// A file's or folder's number in the file system.
pub type Inode = u64;

/// One note. Operations stand in the order in which they were done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Bytes were written.
    Write {
        /// Into which file.
        file: Inode,
        /// From where on.
        offset: u64,
        /// What.
        data: Vec<u8>,
    },
    /// A file has got another length.
    Truncate {
        /// Which file.
        file: Inode,
        /// Its length now.
        length: u64,
        /// Did it lose bytes?
        is_shorter: bool,
    },
    /// Something new.
    Create {
        /// Its number; it may have been another one's before.
        file: Inode,
        /// Where.
        folder: Inode,
        /// Under which name.
        name: String,
        /// Is it a folder?
        is_folder: bool,
    },
    /// A name is gone.
    Remove {
        /// Where.
        folder: Inode,
        /// Which.
        name: String,
    },
    /// A name has become another one.
    Rename {
        /// Whose.
        file: Inode,
        /// Where it was, and its name there.
        from: (Inode, String),
        /// Where it is, and its name there.
        to: (Inode, String),
    },
    /// A sync began: what was noted before of its file or folder is covered if it succeeds.
    SyncBegin {
        /// Of which file or folder.
        file: Inode,
        /// Different for each sync.
        number: u64,
        /// Only what is needed to read the data again.
        is_data_only: bool,
    },
    /// A sync is over.
    SyncEnd {
        /// Which.
        number: u64,
        /// Has it failed?
        is_failed: bool,
    },
    /// Something is about to be done.
    Intent,
}

/// Everything that was noted.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    /// What was done, in order.
    pub notes: Vec<Note>,
    /// The program was killed in the middle of a further operation, which may be done or not.
    pub is_cut_off: bool,
}

impl Journal {
    /// Reads a journal. A note that is cut off at its end is left out: its writer was killed.
    ///
    /// # Panics
    /// If it is not what `tests/preload/disk.c` writes.
    pub fn read(path: &Path) -> Journal {
        let bytes = std::fs::read(path).expect("the preloaded disk keeps a journal");
        let mut rest = Reader(&bytes);
        let mut journal = Journal::default();
        while let Some(note) = rest.note() {
            journal.is_cut_off = note == Note::Intent;
            if note != Note::Intent {
                journal.notes.push(note);
            }
        }
        journal
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken.to_vec())
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_ne_bytes(self.take(4)?.try_into().expect("four bytes")))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_ne_bytes(self.take(8)?.try_into().expect("eight bytes")))
    }

    fn name(&mut self, count: usize) -> Option<String> {
        Some(String::from_utf8(self.take(count)?).expect("names are UTF-8"))
    }

    /// `struct note` of the C file.
    fn note(&mut self) -> Option<Note> {
        let (kind, flags) = (self.u32()?, self.u32()?);
        let (file, folder, target_folder) = (self.u64()?, self.u64()?, self.u64()?);
        let number = self.u64()?;
        let (name, target, data) = (self.u32()?, self.u32()?, self.u32()?);
        self.u32()?;
        let (name, target) = (self.name(name as usize)?, self.name(target as usize)?);
        let data = self.take(data as usize)?;
        let is_flagged = flags == 1;
        Some(match kind {
            1 => Note::Write { file, offset: number, data },
            2 => Note::Truncate { file, length: number, is_shorter: is_flagged },
            3 => Note::Create { file, folder, name, is_folder: is_flagged },
            4 => Note::Remove { folder, name },
            5 => Note::Rename { file, from: (folder, name), to: (target_folder, target) },
            6 => Note::SyncBegin { file, number, is_data_only: is_flagged },
            7 => Note::SyncEnd { number, is_failed: is_flagged },
            8 => Note::Intent,
            kind => panic!("a note of kind {kind}"),
        })
    }
}
