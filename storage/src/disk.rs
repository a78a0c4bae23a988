//! What the log needs of a disk: one folder of files, written at offsets and synced.
//!
//! Every operation blocks until it is done. Errors are data: which operation, on which file, and a
//! cause like the operating system's. An operation that failed may have happened in part.

pub mod fake;
pub mod memory;
pub mod real;

use std::fmt;

/// One folder of files.
pub trait Disk {
    /// Names of all files, in no particular order.
    fn list(&mut self) -> Result<Vec<String>, DiskError>;

    /// Makes an empty file; [`Cause::Exists`] if there is one. Survives power loss only after
    /// [`Disk::sync_directory`].
    fn create(&mut self, name: &str) -> Result<(), DiskError>;

    /// Writes all of `bytes` at `offset`, making the file longer where needed. Survives power loss
    /// only after [`Disk::sync`]; until then any part of it may be there, in any order.
    fn write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError>;

    /// Makes everything written to the file durable, and its length with it.
    fn sync(&mut self, name: &str) -> Result<(), DiskError>;

    /// Makes creations and removals durable.
    fn sync_directory(&mut self) -> Result<(), DiskError>;

    /// Fills `into` from `offset` on; returns how many bytes, fewer only where the file ends.
    fn read(&mut self, name: &str, offset: u64, into: &mut [u8]) -> Result<usize, DiskError>;

    /// Length of a file, in bytes.
    fn length(&mut self, name: &str) -> Result<u64, DiskError>;

    /// Makes a file shorter. Durable only after [`Disk::sync`].
    fn truncate(&mut self, name: &str, length: u64) -> Result<(), DiskError>;

    /// Removes a file. Durable only after [`Disk::sync_directory`].
    fn remove(&mut self, name: &str) -> Result<(), DiskError>;

    /// Bytes that can still be written; `None` if the disk cannot tell.
    fn available_bytes(&mut self) -> Option<u64>;
}

/// A disk that is lent.
impl<D: Disk> Disk for &mut D {
    fn list(&mut self) -> Result<Vec<String>, DiskError> {
        (**self).list()
    }

    fn create(&mut self, name: &str) -> Result<(), DiskError> {
        (**self).create(name)
    }

    fn write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        (**self).write(name, offset, bytes)
    }

    fn sync(&mut self, name: &str) -> Result<(), DiskError> {
        (**self).sync(name)
    }

    fn sync_directory(&mut self) -> Result<(), DiskError> {
        (**self).sync_directory()
    }

    fn read(&mut self, name: &str, offset: u64, into: &mut [u8]) -> Result<usize, DiskError> {
        (**self).read(name, offset, into)
    }

    fn length(&mut self, name: &str) -> Result<u64, DiskError> {
        (**self).length(name)
    }

    fn truncate(&mut self, name: &str, length: u64) -> Result<(), DiskError> {
        (**self).truncate(name, length)
    }

    fn remove(&mut self, name: &str) -> Result<(), DiskError> {
        (**self).remove(name)
    }

    fn available_bytes(&mut self) -> Option<u64> {
        (**self).available_bytes()
    }
}

/// An operation of [`Disk`], for errors and fault plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Opening the folder.
    Open,
    /// [`Disk::list`].
    List,
    /// [`Disk::create`].
    Create,
    /// [`Disk::write`].
    Write,
    /// [`Disk::sync`].
    Sync,
    /// [`Disk::sync_directory`].
    SyncDirectory,
    /// [`Disk::read`].
    Read,
    /// [`Disk::length`].
    Length,
    /// [`Disk::truncate`].
    Truncate,
    /// [`Disk::remove`].
    Remove,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::Open => "open",
            Operation::List => "list",
            Operation::Create => "create",
            Operation::Write => "write",
            Operation::Sync => "sync",
            Operation::SyncDirectory => "sync directory",
            Operation::Read => "read",
            Operation::Length => "length",
            Operation::Truncate => "truncate",
            Operation::Remove => "remove",
        })
    }
}

/// Why an operation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The device reported an error (`EIO`).
    Device,
    /// No space left (`ENOSPC`, `EDQUOT`).
    NoSpace,
    /// No such file (`ENOENT`).
    NotFound,
    /// The file is there already (`EEXIST`).
    Exists,
    /// Not allowed (`EACCES`, `EPERM`, `EROFS`).
    Denied,
    /// Another process holds the folder.
    Locked,
    /// The machine is off. Only the fake disk says so.
    Off,
    /// Another number of the operating system; 0 if it gave none.
    Other(i32),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Device => "the device reported an error",
            Cause::NoSpace => "no space left",
            Cause::NotFound => "no such file",
            Cause::Exists => "the file is there already",
            Cause::Denied => "not allowed",
            Cause::Locked => "another process uses this folder",
            Cause::Off => "the machine is off",
            Cause::Other(code) => return write!(f, "error {code} of the operating system"),
        })
    }
}

/// An operation that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskError {
    /// Which operation.
    pub operation: Operation,
    /// On which file; the folder for operations on it.
    pub file: String,
    /// Why.
    pub cause: Cause,
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.operation, self.file, self.cause)
    }
}

impl std::error::Error for DiskError {}
