//! What the tests of the whole have in common.
//!
//! | module | subject |
//! |---|---|
//! | [`server`] | the real binary: started, watched, killed |
//! | [`peer`] | a link and a dialog that may send anything |
//! | [`tool`] | the commands beside the server |
//! | [`talk`] | posts by the dozen, and what a room remembers of them |
//! | [`crash`] | the kill -9 loop: server, load generator, database |
//! | [`postgres`] | a PostgreSQL server of one's own |
//! | [`bystanders`] | two clients who chat and must not be disturbed |
//! | [`fuzz`] | properties the fuzzers and the regression test check |
//! | [`mutate`] | seeded damage to inputs |
//! | [`sim`] | the core under chaos, whole worlds from one seed |

pub mod bystanders;
pub mod crash;
pub mod fuzz;
pub mod mutate;
pub mod peer;
// Lies where the package that is tested most with it can reach it too: nobody may depend on us.
#[path = "../../storage/tests/postgres/mod.rs"]
pub mod postgres;
pub mod server;
pub mod sim;
pub mod talk;
pub mod tool;
