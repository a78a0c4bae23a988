//! What the tests of the whole have in common.
//!
//! | module | subject |
//! |---|---|
//! | [`server`] | the real binary: started, watched, killed |
//! | [`fuzz`] | properties the fuzzers and the regression test check |
//! | [`mutate`] | seeded damage to inputs |

pub mod fuzz;
pub mod mutate;
pub mod server;
