//! A disk under the real binary that fails on demand and loses its power.
//!
//! The disk is `tests/preload/disk.c`, a library that is loaded into the server before all others.
//! It notes what is written and what is synced. From these notes and from how the folder was
//! before, [`FaultyDisk::lose_power`] makes the folder what a real loss of power might leave.

mod image;
mod journal;

pub use image::{Image, Survivors};

use crate::server::profile_folder;
use crate::sim::dice::Dice;
use journal::Journal;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

/// `ENOSPC` of Linux.
pub const NO_SPACE: &str = "28";
/// `EIO` of Linux.
pub const DEVICE: &str = "5";

/// A folder on a faulty disk.
#[derive(Debug)]
pub struct FaultyDisk {
    library: PathBuf,
    folder: PathBuf,
    state: TempDir,
    /// The folder when the power came last.
    image: Image,
}

impl FaultyDisk {
    /// The disk under `folder` from now on; `None`, and said, where there is no C compiler.
    ///
    /// # Panics
    /// If the library does not build.
    pub fn under(folder: &Path) -> Option<FaultyDisk> {
        let library = library()?.to_owned();
        let folder = folder.canonicalize().expect("the folder is there");
        let state = tempfile::tempdir().expect("a temporary folder");
        let image = Image::read(&folder);
        let mut disk = FaultyDisk { library, folder, state, image };
        disk.power_on();
        Some(disk)
    }

    /// What a program must find in its environment.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        vec![
            ("LD_PRELOAD", self.library.clone().into()),
            ("DISK_FOLDER", self.folder.clone().into()),
            ("DISK_STATE", self.state.path().into()),
        ]
    }

    /// What goes wrong from now on, also in programs that run; counting begins anew. One rule per
    /// line, as `tests/preload/disk.c` explains: operation, pattern, fault, how many pass first,
    /// how many fail then (0: all).
    pub fn fail(&self, rules: &str) {
        let (path, new) = (self.state.path().join("faults"), self.state.path().join("new"));
        fs::write(&new, rules).expect("rules can be written");
        fs::rename(new, path).expect("rules can be put in force");
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        self.fail("");
    }

    /// Puts in another disk, with what `image` says. All that used the old one must have ended.
    pub fn replace(&mut self, image: &Image) {
        image.write_to(&self.folder);
        self.power_on();
    }

    /// Takes all that is in the folder for durable. All that has used it must have ended.
    pub fn power_on(&mut self) {
        self.image = Image::read(&self.folder);
        fs::write(self.journal(), "").expect("a journal");
    }

    /// What was on the disk when the power came last.
    pub fn image(&self) -> Image {
        self.image.clone()
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn journal(&self) -> PathBuf {
        self.state.path().join("journal")
    }

    /// Makes the folder what a loss of power would leave. All that used it must have ended. Returns
    /// how many changes have not reached the disk.
    ///
    /// # Panics
    /// If something was changed behind the preloaded disk's back: then it proves nothing.
    pub fn lose_power(&mut self, survivors: Survivors, dice: &mut Dice) -> usize {
        let Journal { notes, is_cut_off } = Journal::read(&self.journal());
        let mut all = self.image.clone();
        all.go_on(notes.clone());
        let unknown = all.differences(&Image::read(&self.folder));
        // An operation that was cut off may show: a rename at most, which has two names.
        let unknown_max = if is_cut_off { 2 } else { 0 };
        assert!(unknown.len() <= unknown_max, "changed behind the disk's back: {unknown:?}");
        let lost = self.image.lose_power(notes, survivors, dice);
        self.image.write_to(&self.folder);
        self.power_on();
        lost
    }
}

/// The library, built once for all tests of a process.
fn library() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    LIBRARY.get_or_init(build).as_deref()
}

fn build() -> Option<PathBuf> {
    if !Command::new("cc").arg("--version").output().is_ok_and(|o| o.status.success()) {
        crate::say("SKIPPED faulty disks: there is no C compiler (cc)");
        return None;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("preload/disk.c");
    let folder = profile_folder().join("preload");
    fs::create_dir_all(&folder).expect("a folder for the library");
    // Another process may build or use it at the same time: it appears whole.
    let new = folder.join(format!("disk-{}.so", std::process::id()));
    let mut compiler = Command::new("cc");
    compiler.args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]);
    let output = compiler.arg("-o").arg(&new).arg(source).output().expect("cc runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the preloaded disk does not build:\n{errors}");
    let library = folder.join("disk.so");
    fs::rename(new, &library).expect("the library gets its name");
    Some(library)
}

#[cfg(test)]
mod tests;
