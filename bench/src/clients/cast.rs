//! What the clients are told, and what they tell: lines of JSON between two of our processes.

use crate::counters::Counts;
use crate::cpu::CpuTime;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Who takes part. Given once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cast {
    /// SIP over TCP.
    pub server: SocketAddr,
    /// The server's process.
    pub server_pid: u32,
    /// `ma-chan://…` of each room.
    pub rooms: Vec<String>,
    /// In the order in which they sign in.
    pub groups: Vec<Group>,
    /// Most bytes read from a link before others have their turn.
    pub read_bytes: usize,
}

/// Links of one kind.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Group {
    /// How many.
    pub links: usize,
    /// Sessions on each: 1 for direct clients, thousands for front ends.
    pub sessions_per_link: usize,
    /// Rooms that each of its sessions joins: places in [`Cast::rooms`].
    pub rooms: Vec<usize>,
    /// Its links are looked at before all others, again and again, so that the times of its
    /// deliveries are the server's and not those of the clients' own queue.
    pub is_watched: bool,
    /// Size of the sockets' receive buffers; the system's own choice without one.
    pub receive_buffer_bytes: Option<usize>,
}

impl Group {
    /// Of nobody yet, who will join the first room.
    pub fn one_room() -> Group {
        Group { rooms: vec![0], ..Group::default() }
    }

    /// Sessions on all its links.
    pub fn sessions(&self) -> u64 {
        (self.links * self.sessions_per_link) as u64
    }
}

/// What to do and to measure.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Order {
    /// How long posts are made. It ends when all who read as fast as they can have everything.
    pub seconds: f64,
    /// Who posts where.
    pub streams: Vec<Stream>,
    /// Groups that read slowly, others as fast as they can. These need not have everything at the
    /// end.
    pub slow: Vec<Slow>,
}

/// Posts of one author in one room.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Stream {
    /// The first session of this group posts.
    pub group: usize,
    /// Place in [`Cast::rooms`].
    pub room: usize,
    /// Text of each post.
    pub text_bytes: usize,
    /// Posts per second on a schedule, whatever has come of those before; `None` posts when the
    /// last delivery of the post before has come.
    pub rate: Option<f64>,
}

/// A group that reads slowly.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Slow {
    /// Which.
    pub group: usize,
    /// What each of its links reads. At 0 it is dead: it reads nothing, nor sees its end.
    pub bytes_per_second: f64,
}

/// What was measured while an order was carried out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Window {
    /// How long it took, until the last delivery.
    pub wall_s: f64,
    /// Posts of all streams.
    pub posts: u64,
    /// Deliveries that came.
    pub deliveries: u64,
    /// Reads that brought something: how much the server wrote together shows in deliveries per
    /// read.
    pub reads: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes of answers.
    pub bytes_out: u64,
    /// The server's processor time.
    pub server: CpuTime,
    /// Our own.
    pub clients: CpuTime,
    /// What the processor counted of the server's; none where it counts nothing for us.
    pub counts: Option<Counts>,
    /// Of each stream, how long each of its posts took until everybody had it, milliseconds; only
    /// of posts that everybody has.
    pub last_ms: Vec<Vec<f64>>,
    /// Of each group.
    pub groups: Vec<Latency>,
}

/// Times from when a post was due to its deliveries.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Latency {
    /// That came.
    pub deliveries: u64,
    /// Still to come at the end.
    pub owed: u64,
    /// Half of them came within this time, microseconds.
    pub p50_us: f64,
    /// 99 % of them did.
    pub p99_us: f64,
    /// The latest.
    pub max_us: f64,
}
