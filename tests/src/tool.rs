//! The commands beside the server.

use crate::server::{CONFIG, binary};
use std::path::Path;
use std::process::Command;

/// What a command said, and its exit code.
#[derive(Debug)]
pub struct Said {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// `None` if it was killed.
    pub code: Option<i32>,
}

impl Said {
    /// The answer of a command that must have done its work.
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// What a command says that must have failed.
    pub fn failed(self) -> String {
        assert_eq!(self.code, Some(1), "{self:?}");
        self.out + &self.err
    }
}

/// Runs `parlance` with the configuration in `folder`.
pub fn tool(folder: &Path, words: &[&str]) -> Said {
    let mut command = Command::new(binary("parlance"));
    command.args(words).arg("--config").arg(CONFIG).current_dir(folder);
    let output = command.output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Said { out: text(output.stdout), err: text(output.stderr), code: output.status.code() }
}
