//! Files of the data directory: whole or not there, and there after a loss of power.

use parlance_storage::disk::real::{make_folder, sync_folder};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Makes the data directory, private to its user, unless it exists.
///
/// # Errors
/// The system's.
pub fn create_data_directory(data: &Path) -> io::Result<()> {
    make_folder(data, 0o700)
}

/// Writes a file so that it is there whole or not at all, and stays. `path` has a folder.
///
/// # Errors
/// The system's.
pub fn write_whole(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let temporary = path.with_extension(format!("tmp{}", std::process::id()));
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(mode).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}
