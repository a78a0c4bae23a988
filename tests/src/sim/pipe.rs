//! One transport connection between a host and a shard, as two byte pipes with everything a network
//! does to them.

use super::dice::Dice;
use parlance_core::LinkId;

/// Whose client end it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A host of well-meaning clients.
    Host(usize),
    /// A villain.
    Villain(usize),
}

/// See the module's text. Each flag `*_due` says that the event is in the agenda.
#[derive(Debug)]
pub struct Pipe {
    /// Whose.
    pub owner: Owner,
    /// Where it ends.
    pub shard: usize,
    /// The shard's name for it, until the shard was told that it is down.
    pub link: Option<LinkId>,
    /// Towards the server.
    pub up: Vec<u8>,
    /// Towards the client.
    pub down: Vec<u8>,
    /// The client's end is open.
    pub client_open: bool,
    /// The server's end is open.
    pub server_open: bool,
    /// The client's end vanished, and the server cannot know.
    pub is_silent: bool,
    /// The server was killed.
    pub is_crashed: bool,
    /// The client does not read.
    pub is_paused: bool,
    /// The network towards the client is full.
    pub is_full: bool,
    /// The shard said that it has something to write, and not all of it is written.
    pub is_announced: bool,
    /// The server does not read until it has written something.
    pub is_held: bool,
    /// [`super::agenda::Event::ServerWrite`]
    pub write_due: bool,
    /// [`super::agenda::Event::ServerRead`]
    pub read_due: bool,
    /// [`super::agenda::Event::ClientRead`]
    pub client_due: bool,
}

impl Pipe {
    /// A connection just made.
    pub fn new(owner: Owner, shard: usize, link: LinkId) -> Pipe {
        Pipe {
            owner,
            shard,
            link: Some(link),
            up: Vec::new(),
            down: Vec::new(),
            client_open: true,
            server_open: true,
            is_silent: false,
            is_crashed: false,
            is_paused: false,
            is_full: false,
            is_announced: false,
            is_held: false,
            write_due: false,
            read_due: false,
            client_due: false,
        }
    }
}

/// Most bytes read or written at once.
pub const PORTION_BYTES_MAX: usize = 64 * 1024;

/// How many of `have` bytes go through at once: all, some, or a dribble.
pub fn portion(dice: &mut Dice, dribble_one_in: u64, have: usize) -> usize {
    let most = if dice.one_in(dribble_one_in) {
        dice.between(1, 9) as usize
    } else if dice.percent(30) {
        dice.between(1, 1_500) as usize
    } else {
        PORTION_BYTES_MAX
    };
    have.min(most)
}
