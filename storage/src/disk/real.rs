//! A folder of the operating system: the only module of the crate that reaches outside.
//!
//! Data is made durable with `fdatasync`, which on Linux also writes what is needed to find the
//! data again: the file's length and its blocks. Nothing here uses `sync_file_range`, which does
//! not.

use super::{Cause, Disk, DiskError, Operation};
use rustix::fs::{StatVfs, fstatvfs};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};

/// Files kept open: the one being written, and one being read.
const HANDLES_MAX: usize = 2;
/// The user's own rule says who may look into a folder of the log.
const FOLDER_MODE: u32 = 0o777;

/// A folder on a real disk.
#[derive(Debug)]
pub struct RealDisk {
    path: PathBuf,
    folder: File,
    /// Most recently used last.
    handles: Vec<(String, File)>,
    is_writer: bool,
}

impl RealDisk {
    /// Opens a folder for the log, making it where needed, and locks it against a second log, in
    /// this process or another one, for as long as the value lives.
    ///
    /// # Errors
    /// [`Cause::Locked`] when somebody else has it; whatever the operating system says.
    pub fn open(path: impl Into<PathBuf>) -> Result<RealDisk, DiskError> {
        let path = path.into();
        make_folder(&path, FOLDER_MODE).map_err(|e| error(Operation::Open, &path, &e))?;
        let disk = RealDisk::at(path, true)?;
        match disk.folder.try_lock() {
            Ok(()) => Ok(disk),
            Err(TryLockError::WouldBlock) => {
                let file = disk.path.display().to_string();
                Err(DiskError { operation: Operation::Open, file, cause: Cause::Locked })
            }
            Err(TryLockError::Error(e)) => Err(error(Operation::Open, &disk.path, &e)),
        }
    }

    /// Opens a folder for a reader, beside the log that writes it. Writing operations are refused.
    pub fn open_for_reading(path: impl Into<PathBuf>) -> Result<RealDisk, DiskError> {
        RealDisk::at(path.into(), false)
    }

    fn at(path: PathBuf, is_writer: bool) -> Result<RealDisk, DiskError> {
        let folder = File::open(&path).map_err(|e| error(Operation::Open, &path, &e))?;
        Ok(RealDisk { path, folder, handles: Vec::new(), is_writer })
    }

    /// The file, from the kept handles or opened now.
    fn handle(&mut self, operation: Operation, name: &str) -> Result<&File, DiskError> {
        let at = match self.handles.iter().position(|(kept, _)| kept == name) {
            Some(at) => at,
            None => {
                let path = self.path.join(name);
                let file = OpenOptions::new().read(true).write(self.is_writer).open(&path);
                let file = file.map_err(|e| error(operation, &path, &e))?;
                if self.handles.len() == HANDLES_MAX {
                    self.handles.remove(0);
                }
                self.handles.push((name.to_owned(), file));
                self.handles.len() - 1
            }
        };
        let newest = self.handles.len() - 1;
        self.handles[at..].rotate_left(1);
        debug_assert_eq!(self.handles[newest].0, name, "the used handle goes last");
        Ok(&self.handles[newest].1)
    }

    /// Does `act` with the file's handle.
    fn with<T>(
        &mut self,
        operation: Operation,
        name: &str,
        act: impl FnOnce(&File) -> io::Result<T>,
    ) -> Result<T, DiskError> {
        let result = act(self.handle(operation, name)?);
        result.map_err(|e| error(operation, &self.path.join(name), &e))
    }

    fn writer(&self, operation: Operation, name: &str) -> Result<(), DiskError> {
        if self.is_writer {
            return Ok(());
        }
        let file = self.path.join(name).display().to_string();
        Err(DiskError { operation, file, cause: Cause::Denied })
    }
}

impl Disk for RealDisk {
    fn list(&mut self) -> Result<Vec<String>, DiskError> {
        let failed = |e| error(Operation::List, &self.path, &e);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry.map_err(failed)?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create(&mut self, name: &str) -> Result<(), DiskError> {
        self.writer(Operation::Create, name)?;
        let path = self.path.join(name);
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
        file.map(drop).map_err(|e| error(Operation::Create, &path, &e))
    }

    fn write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.writer(Operation::Write, name)?;
        self.with(Operation::Write, name, |file| file.write_all_at(bytes, offset))
    }

    fn sync(&mut self, name: &str) -> Result<(), DiskError> {
        self.writer(Operation::Sync, name)?;
        self.with(Operation::Sync, name, File::sync_data)
    }

    fn sync_directory(&mut self) -> Result<(), DiskError> {
        self.writer(Operation::SyncDirectory, "")?;
        self.folder.sync_all().map_err(|e| error(Operation::SyncDirectory, &self.path, &e))
    }

    fn read(&mut self, name: &str, offset: u64, into: &mut [u8]) -> Result<usize, DiskError> {
        self.with(Operation::Read, name, |file| read_full(file, offset, into))
    }

    fn length(&mut self, name: &str) -> Result<u64, DiskError> {
        self.with(Operation::Length, name, |file| file.metadata().map(|data| data.len()))
    }

    fn truncate(&mut self, name: &str, length: u64) -> Result<(), DiskError> {
        self.writer(Operation::Truncate, name)?;
        // POSIX lets `fdatasync` leave out a length that became shorter; rare enough to make sure.
        self.with(Operation::Truncate, name, |file| {
            file.set_len(length)?;
            file.sync_all()
        })
    }

    fn remove(&mut self, name: &str) -> Result<(), DiskError> {
        self.writer(Operation::Remove, name)?;
        self.handles.retain(|(kept, _)| kept != name);
        let path = self.path.join(name);
        fs::remove_file(&path).map_err(|e| error(Operation::Remove, &path, &e))
    }

    fn available_bytes(&mut self) -> Option<u64> {
        let StatVfs { f_bavail, f_frsize, .. } = fstatvfs(&self.folder).ok()?;
        f_bavail.checked_mul(f_frsize)
    }
}

/// Reads until `into` is full or the file ends.
fn read_full(file: &File, offset: u64, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match file.read_at(&mut into[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

/// Makes a folder, and those above it, so that power loss does not take it away with all that is in
/// it. `mode` is for those that are made.
///
/// # Errors
/// The system's.
pub fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    let above = match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    if path.is_dir() {
        // Who made it may have come to its end before this. Where the folder above is closed to us
        // it was not us.
        let _ = sync_folder(above);
        return Ok(());
    }
    make_folder(above, mode)?;
    match DirBuilder::new().mode(mode).create(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    sync_folder(above)
}

/// Makes the names in a folder durable.
///
/// # Errors
/// The system's.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn error(operation: Operation, path: &Path, error: &io::Error) -> DiskError {
    let cause = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Cause::NoSpace,
        io::ErrorKind::NotFound => Cause::NotFound,
        io::ErrorKind::AlreadyExists => Cause::Exists,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Cause::Denied,
        _ => match error.raw_os_error() {
            Some(code) if code == rustix::io::Errno::IO.raw_os_error() => Cause::Device,
            code => Cause::Other(code.unwrap_or(0)),
        },
    };
    DiskError { operation, file: path.display().to_string(), cause }
}
