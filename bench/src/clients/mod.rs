//! The clients: the same program for the broker and for the bare limit.
//!
//! One process on a core of its own. Its sessions sign in, join the one room, and answer every
//! delivery with the 200 that a client owes; one of them, on a link of its own, posts. On its
//! standard input it is told, line by line, which windows of time to measure; it answers each with
//! one line of JSON.

mod crowd;
mod link;
mod window;

use crate::{Outcome, cpu};
use crowd::Crowd;
use parlance_wire::xccos::RoomRef;
use std::io::{BufRead, Write};
use std::net::SocketAddr;
pub use window::{Order, Window};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// SIP over TCP.
    #[arg(long)]
    pub server: SocketAddr,
    /// The server's process.
    #[arg(long)]
    pub server_pid: u32,
    /// Links of those who only read.
    #[arg(long)]
    pub links: usize,
    /// Sessions on each of them.
    #[arg(long)]
    pub sessions_per_link: usize,
    /// Text of each post.
    #[arg(long)]
    pub text_bytes: usize,
    /// `ma-chan://…`.
    #[arg(long)]
    pub room: String,
    /// Core to run on.
    #[arg(long)]
    pub core: usize,
}

/// What the clients say when all are in the room.
pub const READY: &str = "ready";

/// Signs in, then measures what it is told to until its standard input ends.
///
/// # Errors
/// If the server does not do what clients need.
pub fn run(args: &Args) -> Outcome<()> {
    cpu::bind(args.core)?;
    let room = RoomRef::parse(&args.room).ok_or("--room is no ma-chan URI")?;
    let mut crowd = Crowd::new(args.server, room)?;
    crowd.sign_in(args.links, args.sessions_per_link)?;
    let mut out = std::io::stdout();
    writeln!(out, "{READY}")?;
    for line in std::io::stdin().lock().lines() {
        let order: Order = serde_json::from_str(&line?)?;
        let window = window::measure(&mut crowd, args, &order)?;
        writeln!(out, "{}", serde_json::to_string(&window)?)?;
    }
    Ok(())
}
