//! The shell around the core: threads, sockets, clocks, TLS. One thread per shard.
//!
//! | module | subject | knows glommio |
//! |---|---|---|
//! | [`listen`] | bound sockets, one per shard and address | no |
//! | [`mesh`], [`doorbell`] | mail between shards, waking them | no |
//! | [`edition`] | the newest directory on its way to the shards | no |
//! | [`driver`] | one shard with its links, log, mail | no |
//! | [`tls`], [`clock`] | TLS as a machine; time | no |
//! | [`uring`] | the executor of a shard and its tasks | yes |
//! | [`epoll`] | the same without io_uring: a plain loop | no |

pub mod clock;
pub mod doorbell;
pub mod driver;
pub mod edition;
pub mod epoll;
pub mod listen;
pub mod mesh;
pub mod tls;
pub mod uring;

pub use clock::Clock;
pub use driver::ShellCounters;

use crate::commit::Restored;
use doorbell::Doorbell;
use driver::Parts;
use parlance_core::{Endpoint, Setup, Shard, ShardId, Transport};
use rustix::io::Errno;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

/// What the main thread is told.
#[derive(Debug)]
pub enum Report {
    /// The shard serves.
    Started(ShardId),
    /// The shard could not start.
    Failed(ShardId, String),
    /// The shard has drained: all its links are closed.
    Drained(ShardId),
    /// The process got a signal.
    Signal(i32),
}

/// How the main thread speaks to a shard.
#[derive(Debug, Clone)]
pub struct Control {
    is_draining: Arc<AtomicBool>,
    bell: Arc<Doorbell>,
}

impl Control {
    /// A control that is heard by whoever waits at `bell`.
    pub fn new(bell: Arc<Doorbell>) -> Control {
        Control { is_draining: Arc::default(), bell }
    }

    /// Tells the shard to drain.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::SeqCst);
        self.bell.ring();
    }

    /// True once after [`Control::drain`].
    pub fn take_drain(&self) -> bool {
        self.is_draining.swap(false, Ordering::SeqCst)
    }
}

/// What earlier runs of the server knew.
#[derive(Debug)]
pub struct Past {
    /// What the shard's rooms go on from.
    pub rooms: Restored,
    /// Which rooms endpoints were in; those of all shards.
    pub endpoints: Arc<[Endpoint]>,
}

/// Everything a shard's thread needs; made on the main thread, so that whatever can fail has failed
/// before the first shard runs.
pub struct Seat {
    /// The core's part.
    pub setup: Setup,
    /// The driver's part.
    pub parts: Parts,
    /// What earlier runs knew.
    pub past: Past,
    /// Core to be pinned to.
    pub cpu: Option<usize>,
    /// Its own sockets.
    pub listeners: Vec<(TcpListener, Transport)>,
    /// Rung for mail and for [`Control`].
    pub bell: Arc<Doorbell>,
    /// Orders from the main thread.
    pub control: Control,
    /// Reports to it.
    pub supervisor: Sender<Report>,
}

/// True when the process or the system lacks something that may be given back; everything else that
/// accept reports is a fault of the one connection.
fn is_shortage(error: &io::Error) -> bool {
    let lacking = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| lacking.contains(&errno))
}

/// Tells the operator of a shortage.
fn tell_shortage(error: &io::Error) {
    tracing::warn!(
        cause = %error,
        effect = "new connections wait",
        next_step = "see `parlance check` for the limit of descriptors",
        "cannot accept"
    );
}

/// The shard of a seat, with what earlier runs knew.
fn furnish(setup: Setup, past: Past, clock: Clock) -> Shard {
    let now = clock.now();
    let mut shard = Shard::new(setup, now);
    past.rooms.records.into_iter().for_each(|record| shard.restore(record));
    past.rooms.ends.into_iter().for_each(|end| shard.restore_end(end));
    past.endpoints.iter().for_each(|endpoint| shard.restore_endpoint(now, endpoint.clone()));
    shard
}
