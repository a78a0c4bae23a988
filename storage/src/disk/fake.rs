//! A disk in memory that does to the log whatever real disks and real power may do.
//!
//! It keeps two states: what a process sees, and what would be left if the power went now. A sync
//! moves the one into the other. Between them, writes wait in pieces of a page each; when power is
//! lost, of every piece all, nothing, or a part from its start arrives, whatever the others do.
//! Creations and removals wait for a sync of the directory likewise.
//!
//! After a failed sync the pieces are taken for clean and are not written by the next one, as Linux
//! does it: what is read is then not what is on the platter.
//!
//! Handles are clones: all see the same disk.

mod file;

use super::{Cause, Disk, DiskError, Operation};
use file::File;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// What happens at an operation of a [`FakeDisk`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails without having done anything. A failed sync drops what waited for it.
    Fail(Cause),
    /// The machine goes off before it.
    CrashBefore,
    /// It is done, then the machine goes off.
    CrashAfter,
    /// A write gets this many thousandths of its bytes done, then the machine goes off; any other
    /// operation is not done.
    Tear(u32),
}

/// Numbers from a seed, for choices of the fake disk and of tests (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "there is no number below 0");
        self.roll() % bound
    }
}

#[derive(Debug, Clone)]
enum Entry {
    Created(String, usize),
    Removed(String),
}

#[derive(Debug, Default)]
struct State {
    files: Vec<File>,
    seen: BTreeMap<String, usize>,
    platter: BTreeMap<String, usize>,
    waiting: Vec<Entry>,
    /// Operations so far.
    operations: u64,
    plan: Option<(u64, Fault)>,
    is_off: bool,
    capacity_bytes: Option<u64>,
    syncs: u64,
}

/// A folder in memory; a clone is another handle on it.
#[derive(Debug, Clone, Default)]
pub struct FakeDisk {
    state: Arc<Mutex<State>>,
}

impl FakeDisk {
    /// An empty disk without faults and of any size.
    pub fn new() -> FakeDisk {
        FakeDisk::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the lock panics in between")
    }

    /// Makes `fault` happen at the operation with that number, counted from 0.
    pub fn plan(&self, operation: u64, fault: Fault) {
        self.state().plan = Some((operation, fault));
    }

    /// Lets no more than this be written in all.
    pub fn limit(&self, capacity_bytes: u64) {
        self.state().capacity_bytes = Some(capacity_bytes);
    }

    /// Operations so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Syncs of files so far.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// The process ended, the machine stayed up: everything written is still seen. Faults are off.
    pub fn restart(&self) {
        let mut state = self.state();
        state.plan = None;
        state.is_off = false;
    }

    /// The power went and came back: what was not synced is there, gone or torn as the dice fall.
    pub fn lose_power(&self, dice: &mut Dice) {
        let state = &mut *self.state();
        state.plan = None;
        state.is_off = false;
        for file in &mut state.files {
            file.lose_power(dice);
        }
        for entry in std::mem::take(&mut state.waiting) {
            if dice.below(2) == 0 {
                enter(&mut state.platter, entry);
            }
        }
        state.seen = state.platter.clone();
    }

    /// Turns bits over, on the platter and in what is seen.
    pub fn flip(&self, name: &str, offset: u64, mask: u8) {
        let state = &mut *self.state();
        let file = &mut state.files[state.seen[name]];
        file.flip(offset, mask);
    }

    /// A file's bytes as they are seen.
    pub fn contents(&self, name: &str) -> Vec<u8> {
        let state = self.state();
        state.files[state.seen[name]].seen().to_vec()
    }

    /// Puts a file there, synced, over one that has the name.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let mut state = self.state();
        state.files.push(File::synced(bytes));
        let index = state.files.len() - 1;
        state.seen.insert(name.to_owned(), index);
        state.platter.insert(name.to_owned(), index);
    }

    /// Takes a file away, synced.
    pub fn lose(&self, name: &str) {
        let mut state = self.state();
        state.seen.remove(name);
        state.platter.remove(name);
    }

    /// A disk of its own with the same contents, everything seen being synced.
    pub fn copy(&self) -> FakeDisk {
        let copy = FakeDisk::new();
        let state = self.state();
        for (name, index) in &state.seen {
            copy.put(name, state.files[*index].seen());
        }
        copy
    }
}

fn enter(names: &mut BTreeMap<String, usize>, entry: Entry) {
    match entry {
        Entry::Created(name, file) => {
            names.insert(name, file);
        }
        Entry::Removed(name) => {
            names.remove(&name);
        }
    }
}

impl State {
    /// Counts the operation; says whether it is done, in what part, and whether that is all.
    fn begin(&mut self, operation: Operation, name: &str) -> Result<Option<Fault>, DiskError> {
        let failed = |cause| DiskError { operation, file: name.to_owned(), cause };
        if self.is_off {
            return Err(failed(Cause::Off));
        }
        let number = self.operations;
        self.operations += 1;
        match self.plan {
            Some((at, fault)) if at == number => match fault {
                Fault::Fail(cause) => {
                    if operation == Operation::Sync {
                        self.forget_waiting(name);
                    }
                    Err(failed(cause))
                }
                Fault::CrashBefore => {
                    self.is_off = true;
                    Err(failed(Cause::Off))
                }
                Fault::Tear(_) if operation != Operation::Write => {
                    self.is_off = true;
                    Err(failed(Cause::Off))
                }
                Fault::CrashAfter | Fault::Tear(_) => {
                    self.is_off = true;
                    Ok(Some(fault))
                }
            },
            _ => Ok(None),
        }
    }

    /// A failed sync leaves the pages clean: seen, never written.
    fn forget_waiting(&mut self, name: &str) {
        if let Some(index) = self.seen.get(name) {
            self.files[*index].forget_waiting();
        }
    }

    fn file(&mut self, operation: Operation, name: &str) -> Result<&mut File, DiskError> {
        match self.seen.get(name) {
            Some(index) => Ok(&mut self.files[*index]),
            None => Err(DiskError { operation, file: name.to_owned(), cause: Cause::NotFound }),
        }
    }

    fn used_bytes(&self) -> u64 {
        self.seen.values().map(|index| self.files[*index].seen().len() as u64).sum()
    }

    fn available_bytes(&self) -> Option<u64> {
        self.capacity_bytes.map(|capacity| capacity.saturating_sub(self.used_bytes()))
    }

    /// Ends an operation that was done.
    fn end<T>(
        &self,
        operation: Operation,
        name: &str,
        fault: Option<Fault>,
        value: T,
    ) -> Result<T, DiskError> {
        match fault {
            None => Ok(value),
            Some(_) => Err(DiskError { operation, file: name.to_owned(), cause: Cause::Off }),
        }
    }
}

impl Disk for FakeDisk {
    fn list(&mut self) -> Result<Vec<String>, DiskError> {
        let mut state = self.state();
        let fault = state.begin(Operation::List, "")?;
        let names = state.seen.keys().cloned().collect();
        state.end(Operation::List, "", fault, names)
    }

    fn create(&mut self, name: &str) -> Result<(), DiskError> {
        let mut state = self.state();
        let fault = state.begin(Operation::Create, name)?;
        if state.seen.contains_key(name) {
            let (operation, file) = (Operation::Create, name.to_owned());
            return Err(DiskError { operation, file, cause: Cause::Exists });
        }
        state.files.push(File::default());
        let index = state.files.len() - 1;
        state.seen.insert(name.to_owned(), index);
        state.waiting.push(Entry::Created(name.to_owned(), index));
        state.end(Operation::Create, name, fault, ())
    }

    fn write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let mut state = self.state();
        let fault = state.begin(Operation::Write, name)?;
        let available = state.available_bytes();
        let file = state.file(Operation::Write, name)?;
        let mut count = bytes.len() as u64;
        if let Some(Fault::Tear(thousandths)) = fault {
            count = count * u64::from(thousandths.min(1000)) / 1000;
        }
        let growth = (offset + count).saturating_sub(file.seen().len() as u64);
        let is_full = available.is_some_and(|available| growth > available);
        if is_full {
            count -= growth - available.unwrap_or(0);
        }
        if count > 0 {
            file.write(offset, &bytes[..count as usize]);
        }
        if is_full {
            let (operation, file) = (Operation::Write, name.to_owned());
            return Err(DiskError { operation, file, cause: Cause::NoSpace });
        }
        state.end(Operation::Write, name, fault, ())
    }

    fn sync(&mut self, name: &str) -> Result<(), DiskError> {
        let mut state = self.state();
        let fault = state.begin(Operation::Sync, name)?;
        state.syncs += 1;
        state.file(Operation::Sync, name)?.sync();
        state.end(Operation::Sync, name, fault, ())
    }

    fn sync_directory(&mut self) -> Result<(), DiskError> {
        let mut state = self.state();
        let fault = state.begin(Operation::SyncDirectory, "")?;
        let waiting = std::mem::take(&mut state.waiting);
        for entry in waiting {
            enter(&mut state.platter, entry);
        }
        state.end(Operation::SyncDirectory, "", fault, ())
    }

    fn read(&mut self, name: &str, offset: u64, into: &mut [u8]) -> Result<usize, DiskError> {
        let mut state = self.state();
        let fault = state.begin(Operation::Read, name)?;
        let file = state.file(Operation::Read, name)?;
        let rest = file.seen().get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        state.end(Operation::Read, name, fault, count)
    }

    fn length(&mut self, name: &str) -> Result<u64, DiskError> {
        let mut state = self.state();
        let fault = state.begin(Operation::Length, name)?;
        let length = state.file(Operation::Length, name)?.seen().len() as u64;
        state.end(Operation::Length, name, fault, length)
    }

    fn truncate(&mut self, name: &str, length: u64) -> Result<(), DiskError> {
        let mut state = self.state();
        let fault = state.begin(Operation::Truncate, name)?;
        state.file(Operation::Truncate, name)?.truncate(length);
        state.end(Operation::Truncate, name, fault, ())
    }

    fn remove(&mut self, name: &str) -> Result<(), DiskError> {
        let mut state = self.state();
        let fault = state.begin(Operation::Remove, name)?;
        state.file(Operation::Remove, name)?;
        state.seen.remove(name);
        state.waiting.push(Entry::Removed(name.to_owned()));
        state.end(Operation::Remove, name, fault, ())
    }

    fn available_bytes(&mut self) -> Option<u64> {
        self.state().available_bytes()
    }
}
