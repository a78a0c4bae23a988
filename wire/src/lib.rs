//! Bytes to typed values and back: SIP over streams, the XML profile, XCCOS.
//!
//! Everything here is pure: no socket, clock, thread or randomness, so that the simulator, the fuzz
//! targets and the server run the same code. Nothing panics on input; every limit is in [`limits`].
//!
//! | module | subject |
//! |---|---|
//! | [`sip`] | framing a stream, messages as spans, addresses, the dialog's stamp, the window |
//! | [`xml`] | the XML profile: no DTD, no processing instructions, bounds on depth and size |
//! | [`xccos`] | commands, replies, notices and chat messages as typed values, both directions |
#![forbid(unsafe_code)]

pub mod limits;
pub mod sip;
pub mod xccos;
pub mod xml;
