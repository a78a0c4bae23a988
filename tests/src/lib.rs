//! What the tests of the whole have in common.
//!
//! | module | subject |
//! |---|---|
//! | [`server`] | the real binary: started, watched, killed |
//! | [`peer`] | a link and a dialog that may send anything |
//! | [`bystanders`] | two clients who chat and must not be disturbed |
//! | [`fuzz`] | properties the fuzzers and the regression test check |
//! | [`mutate`] | seeded damage to inputs |
//! | [`sim`] | the core under chaos, whole worlds from one seed |

pub mod bystanders;
pub mod fuzz;
pub mod mutate;
pub mod peer;
pub mod server;
pub mod sim;
