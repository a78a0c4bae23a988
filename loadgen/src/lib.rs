//! Clients by the thousand, and the checker that says whether the server kept its word.
//!
//! The library is pure: no clock, socket, thread or randomness, so that the simulator drives the
//! same clients and the same checker as the load generator's binary.
//!
//! | module | subject |
//! |---|---|
//! | [`client`] | one endpoint: sign-in, look-up, long dialog, commands, posts, answers |
//! | [`mux`] | many endpoints on one link |
//! | [`history`] | the checker of the contract: one order, no gap, no ghost, acknowledged is kept |
//! | [`results`] | what a run measured, and what is made of it |
//! | [`page`] | a report as HTML |
//! | [`plot`] | curves as SVG |
//! | [`units`] | numbers as people read them |
//! | [`payload`] | the mark in each post's text by which it is recognised |
//! | [`rooms`] | rooms and members derived from numbers; the server configuration for them |
#![forbid(unsafe_code)]

pub mod client;
#[cfg(test)]
mod fake;
pub mod history;
pub mod mux;
pub mod page;
pub mod payload;
pub mod plot;
pub mod results;
pub mod rooms;
pub mod units;

pub use client::{Client, ClientConfig, ClientEvent, EndReason, SignIn, Transport};
pub use history::{Checker, Part, Report, RoomId, SessionId, Violation};
pub use mux::LinkMux;
pub use payload::PostId;
