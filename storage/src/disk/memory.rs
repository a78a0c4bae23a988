//! A folder in memory: everything is gone when the last handle is, and nothing waits for a device.
//!
//! For a log that need not survive, so that the same code can be measured without syncs.

use super::{Cause, Disk, DiskError, Operation};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

type Files = BTreeMap<String, Vec<u8>>;

/// The folder; a clone is another handle on it, also for another thread. A file is copied while
/// the others wait, half a megabyte at a time at most: that is what a [`crate::Reader`] takes.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk {
    files: Arc<Mutex<Files>>,
}

impl MemoryDisk {
    /// An empty folder.
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().expect("no holder of the lock panics in between")
    }

    /// Does `act` with a file.
    fn with<T>(
        &self,
        operation: Operation,
        name: &str,
        act: impl FnOnce(&mut Vec<u8>) -> T,
    ) -> Result<T, DiskError> {
        self.files().get_mut(name).map(act).ok_or_else(|| error(operation, name, Cause::NotFound))
    }
}

impl Disk for MemoryDisk {
    fn list(&mut self) -> Result<Vec<String>, DiskError> {
        Ok(self.files().keys().cloned().collect())
    }

    fn create(&mut self, name: &str) -> Result<(), DiskError> {
        let mut files = self.files();
        if files.contains_key(name) {
            return Err(error(Operation::Create, name, Cause::Exists));
        }
        files.insert(name.to_owned(), Vec::new());
        Ok(())
    }

    fn write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.with(Operation::Write, name, |file| {
            let begin = place(offset);
            let end = begin + bytes.len();
            if file.len() < end {
                file.resize(end, 0);
            }
            file[begin..end].copy_from_slice(bytes);
        })
    }

    fn sync(&mut self, name: &str) -> Result<(), DiskError> {
        self.with(Operation::Sync, name, |_| ())
    }

    fn sync_directory(&mut self) -> Result<(), DiskError> {
        Ok(())
    }

    fn read(&mut self, name: &str, offset: u64, into: &mut [u8]) -> Result<usize, DiskError> {
        self.with(Operation::Read, name, |file| {
            let rest = file.get(place(offset)..).unwrap_or_default();
            let count = rest.len().min(into.len());
            into[..count].copy_from_slice(&rest[..count]);
            count
        })
    }

    fn length(&mut self, name: &str) -> Result<u64, DiskError> {
        self.with(Operation::Length, name, |file| file.len() as u64)
    }

    fn truncate(&mut self, name: &str, length: u64) -> Result<(), DiskError> {
        self.with(Operation::Truncate, name, |file| file.truncate(place(length)))
    }

    fn remove(&mut self, name: &str) -> Result<(), DiskError> {
        let removed = self.files().remove(name);
        removed.map(drop).ok_or_else(|| error(Operation::Remove, name, Cause::NotFound))
    }

    /// The log's quota is the bound.
    fn available_bytes(&mut self) -> Option<u64> {
        None
    }
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).expect("files in memory are shorter than memory")
}

fn error(operation: Operation, name: &str, cause: Cause) -> DiskError {
    DiskError { operation, file: name.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_what_a_folder_does() {
        let mut disk = MemoryDisk::new();
        let mut beside = disk.clone();
        disk.create("a").unwrap();
        assert_eq!(disk.create("a").unwrap_err().cause, Cause::Exists);
        disk.write("a", 2, b"cd").unwrap();
        disk.write("a", 3, b"de").unwrap();
        disk.sync("a").unwrap();
        disk.sync_directory().unwrap();
        let mut into = [9; 8];
        assert_eq!(beside.read("a", 1, &mut into), Ok(4));
        assert_eq!(&into[..4], b"\0cde");
        assert_eq!(beside.read("a", 7, &mut into), Ok(0));
        disk.truncate("a", 3).unwrap();
        assert_eq!((beside.length("a"), beside.list()), (Ok(3), Ok(vec!["a".to_owned()])));
        disk.remove("a").unwrap();
        assert_eq!(disk.remove("a").unwrap_err().cause, Cause::NotFound);
        assert_eq!(beside.read("a", 0, &mut into).unwrap_err().cause, Cause::NotFound);
        assert_eq!(disk.write("a", 0, b"x").unwrap_err().cause, Cause::NotFound);
    }
}
