//! What was measured of this server, in numbers that `parlance check` reckons with. Where each
//! comes from is in docs/performance.md, section "What a machine bears"; change them together.

use parlance_core::Limits;

/// Resident memory of an idle link by TLS, bytes: `parlance-bench tls`, the larger of 1.2 and 1.3.
pub const LINK_TLS_BYTES: u64 = 6_500;
/// What the kernel keeps for an idle link, bytes: socket, inode, file and its entry in epoll; not
/// in the process's own memory.
pub const LINK_KERNEL_BYTES: u64 = 4_000;
/// Resident memory of a session in 16 rooms, bytes, with what its rooms remember: a run of 19,900
/// direct links, which takes more for each than one behind front ends.
pub const SESSION_BYTES: u64 = 23_000;
/// Resident memory of a server without links, bytes: the program, with room for the database's
/// caches. What rooms remember of their messages comes on top.
pub const SERVER_BYTES: u64 = 64 * 1024 * 1024;
/// The same of each shard, bytes.
pub const SHARD_BYTES: u64 = 4 * 1024 * 1024;
/// Deliveries that a shard makes in a second to clients with a link each, by TLS: half of what was
/// measured, for a server should not run at its limit.
pub const DIRECT_DELIVERIES_PER_SHARD_S: u64 = 45_000;
/// The same to sessions behind front ends, hundreds on a link.
pub const FRONT_END_DELIVERIES_PER_SHARD_S: u64 = 800_000;
/// Links by TLS that a shard takes in a second after a restart, when no client can resume, with an
/// ECDSA certificate: half of its time, for rooms go on meanwhile.
pub const HANDSHAKES_PER_SHARD_S: u64 = 1_200;

/// Endpoints of a user: many sit at a desk and carry a laptop as well.
pub const ENDPOINTS_PER_USER: f64 = 1.5;
/// Deliveries to a user in a second: a busy day's peak of large installations, 11,700 to the
/// 120,000 endpoints of 80,000 users, with a fivefold reserve.
pub const DELIVERIES_PER_USER_S: f64 = 0.75;

/// Memory of a server that is as full as it may be, bytes, with all links by TLS and idle: what
/// waits for slow readers is bounded for each link, and comes on top.
pub fn memory_bytes(limits: &Limits, shards: u64, descriptors_max: u64) -> u64 {
    let links = (limits.links_max as u64 * shards).min(descriptors_max);
    let sessions = limits.sessions_max as u64 * shards;
    SERVER_BYTES
        + shards * SHARD_BYTES
        + links * (LINK_TLS_BYTES + LINK_KERNEL_BYTES)
        + sessions * SESSION_BYTES
}

/// Memory for so many users, each endpoint with a link by TLS and a session, bytes.
pub fn memory_for_bytes(users: u32, shards: u64) -> u64 {
    let endpoints = endpoints(users);
    let each = LINK_TLS_BYTES + LINK_KERNEL_BYTES + SESSION_BYTES;
    SERVER_BYTES + shards * SHARD_BYTES + endpoints * each
}

/// Endpoints of so many users.
pub fn endpoints(users: u32) -> u64 {
    (f64::from(users) * ENDPOINTS_PER_USER).ceil() as u64
}

/// Links that each of some shards must be able to take for so many users: the kernel spreads them
/// by chance, so that one may get some more than another.
pub fn links_per_shard(users: u32, shards: u64) -> u64 {
    let even = endpoints(users).div_ceil(shards.max(1));
    even + even / 20
}

/// Shards that so many users need, at least one.
pub fn shards_for(users: u32) -> u64 {
    let deliveries = (f64::from(users) * DELIVERIES_PER_USER_S).ceil() as u64;
    deliveries.div_ceil(DIRECT_DELIVERIES_PER_SHARD_S).max(1)
}
