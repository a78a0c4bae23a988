//! SIP over streams (RFC 3261), as much of it as a chat service needs.
//!
//! ```text
//! bytes --Framer--> one message's bytes --Message::parse--> spans over those bytes
//! typed values --write::{Request, Response}--> bytes
//! a dialog's constants --Stamp--> the head of each INFO of that dialog
//! ```
//!
//! There is no UDP, no forking, no dialling: answers go back on the link a request came from, and
//! nothing named in a message is ever resolved. Hence transactions need no retransmission; what is
//! left of them is data: [`window::Window`] says which requests of a dialog are unanswered.

pub mod address;
pub mod answer;
pub mod framer;
mod grammar;
mod header;
pub mod message;
mod salvage;
pub mod session_timer;
pub mod stamp;
mod start;
pub mod transaction;
pub mod uri;
pub mod window;
pub mod write;

pub use address::Address;
pub use framer::{Frame, FrameError, Framer};
pub use message::{CSeq, Header, HeaderName, Message, MessageError, Method, StartLine};
pub use stamp::{Stamp, StampFields};
pub use uri::Uri;
pub use window::Window;
pub use write::{Echo, Request, Response};
