//! What the tests of the whole have in common.
//!
//! | module | subject |
//! |---|---|
//! | [`server`] | the real binary: started, watched, killed |
//! | [`output`] | what a process writes, read in the background |
//! | [`peer`] | a link and a dialog that may send anything |
//! | [`tls`] | a link by TLS |
//! | [`tool`] | the commands beside the server |
//! | [`talk`] | posts by the dozen, and what a room remembers of them |
//! | [`crash`] | the kill -9 loop: server, load generator, database |
//! | [`postgres`] | a PostgreSQL server of one's own |
//! | [`disk`] | a disk that fails on demand and loses its power, under the real binary |
//! | [`bystanders`] | two clients who chat and must not be disturbed |
//! | [`fuzz`] | properties the fuzzers and the regression test check |
//! | [`mutate`] | seeded damage to inputs |
//! | [`sim`] | the core under chaos, whole worlds from one seed |

pub mod bystanders;
pub mod crash;
pub mod disk;
pub mod fire;
pub mod fuzz;
pub mod mutate;
pub mod output;
pub mod peer;
// Lies where the package that is tested most with it can reach it too: nobody may depend on us.
#[path = "../../storage/tests/postgres/mod.rs"]
pub mod postgres;
pub mod server;
pub mod sim;
pub mod talk;
pub mod tls;
pub mod tool;

use std::io::Write as _;

/// Tells whoever runs the tests, past the harness, which swallows what a passing test prints.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "\n{text}");
}
