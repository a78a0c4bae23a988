//! The steps of the hot paths, each alone, and how many instructions they may take.
//!
//! | module | subject |
//! |---|---|
//! | [`steps`] | what is measured, with its inputs made beforehand |
//! | [`budgets`] | instructions of each step, counted and compared with `bench/budgets.toml` |
#![forbid(unsafe_code)]

#[cfg(feature = "tools")]
pub mod budgets;
pub mod steps;
