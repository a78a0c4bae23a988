//! What kind of world a seed makes: every knob is drawn anew, so that rare combinations come up.

use super::dice::Dice;
use parlance_core::Limits;

/// One world's constants.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Shards.
    pub shards: usize,
    /// Rooms of the directory.
    pub rooms: usize,
    /// Users; each may have several endpoints.
    pub users: usize,
    /// Hosts with one client each.
    pub direct: usize,
    /// Clients on each front-end host.
    pub front_ends: Vec<usize>,
    /// Hosts that mean harm.
    pub villains: usize,
    /// Bounds of the server.
    pub limits: Limits,
    /// Nothing in `limits` is so small that a healthy client may be given up.
    pub is_roomy: bool,
    /// How long there are faults, µs.
    pub chaos_us: u64,
    /// Longest pause of a client between two acts, µs.
    pub pause_us: u64,
    /// Longest time for mail between shards, µs.
    pub mail_us: u64,
    /// Most mail handed over at once.
    pub mail_batch: usize,
    /// Longest time of a log sync, µs.
    pub sync_us: u64,
    /// Longest time for bytes on the network, µs.
    pub network_us: u64,
    /// Bytes the network holds per direction.
    pub socket_bytes: usize,
    /// One in so many reads and writes is of a few bytes only.
    pub dribble_one_in: u64,
    /// Of a hundred acts of a client, how many are faults (stalls, drops, vanishing).
    pub fault_percent: u64,
    /// Of a hundred acts of a client, how many break the protocol.
    pub naughty_percent: u64,
    /// Of a hundred acts of a client, how many are posts.
    pub post_percent: u64,
    /// Everybody joins or leaves one room at once, so often; 0 for never.
    pub storm_us: u64,
    /// When the operator stops the server, if in the time of faults.
    pub drain_at_us: Option<u64>,
    /// The wall clock jumps back now and then.
    pub wall_jumps: bool,
    /// Longest time the database takes for an answer, µs.
    pub database_us: u64,
    /// Of a hundred questions to the database, how many it does not answer.
    pub database_fault_percent: u64,
    /// How often the server is killed, µs; 0 for never.
    pub crash_us: u64,
    /// Front ends outlive a kill of the server, and so do the dialogs on their other side.
    pub front_ends_hide_crashes: bool,
    /// How often the directory changes, µs; 0 for never.
    pub walls_us: u64,
    /// Longest time until a shard is told of a change of the directory, µs.
    pub publish_us: u64,
    /// Shards are never told: to see that this is found.
    pub walls_leak: bool,
    /// Shards are not told whose roles come or go with a group: to see that this is found.
    pub roles_untold: bool,
    /// The database keeps what is no history: to see that this is found.
    pub archive_leaks: bool,
    /// What was durable last is gone after a kill: to see that this is found.
    pub log_forgets: bool,
}

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64) -> Plan {
        let dice = &mut Dice::new(seed, 1);
        let mut limits = Limits::default();
        let is_roomy = dice.percent(30);
        // Memory only; the default takes time to fill.
        limits.dialogs_burst = 200;
        if !is_roomy {
            tighten(&mut limits, dice);
        }
        let front_ends = (0..dice.pick(&[0, 0, 1, 1, 2])).map(|_| dice.between(2, 8) as usize);
        let front_ends: Vec<usize> = front_ends.collect();
        let direct = dice.between(if front_ends.is_empty() { 2 } else { 1 }, 6) as usize;
        let clients = direct + front_ends.iter().sum::<usize>();
        // Who stays behind for too long is given up: a link that is always slow is not for a roomy
        // world.
        let networks: &[u64] = if is_roomy { &[50, 1_000] } else { &[50, 1_000, 40_000] };
        let dribbles: &[u64] = if is_roomy { &[20, 1_000_000] } else { &[3, 20, 1_000_000] };
        let shards = dice.between(1, 4) as usize;
        if !is_roomy && dice.percent(30) {
            // Just above what the well-meaning need: villains and half-open links reach them.
            limits.sessions_max = clients + 12;
            limits.links_max = (direct + front_ends.len()).div_ceil(shards) + 1;
            limits.link_sessions_max = 24;
        }
        let chaos_us = dice.between(2, 12) * 1_000_000;
        Plan {
            shards,
            rooms: dice.between(1, 5) as usize,
            users: if dice.percent(60) { clients } else { clients.div_ceil(2) },
            direct,
            front_ends,
            villains: dice.pick(&[0, 0, 1, 2]),
            limits,
            is_roomy,
            chaos_us,
            pause_us: dice.pick(&[50_000, 200_000, 600_000]),
            mail_us: dice.pick(if is_roomy { &[1, 100, 5_000] } else { &[1, 100, 5_000, 60_000] }),
            mail_batch: dice.pick(&[1, 3, 64]),
            sync_us: dice.pick(&[1, 1_000, 30_000, 300_000]),
            network_us: dice.pick(networks),
            socket_bytes: dice.pick(&[700, 3_000, 64_000]),
            dribble_one_in: dice.pick(dribbles),
            fault_percent: dice.pick(&[0, 2, 8]),
            naughty_percent: dice.pick(&[0, 3, 10]),
            post_percent: dice.pick(&[25, 50, 75]),
            storm_us: dice.pick(&[0, 0, 700_000, 3_000_000]),
            drain_at_us: dice.one_in(10).then(|| dice.between(1_000_000, chaos_us)),
            wall_jumps: dice.percent(30),
            database_us: dice.pick(&[100, 30_000, 400_000]),
            database_fault_percent: dice.pick(&[0, 10, 60]),
            crash_us: dice.pick(&[0, 0, 1_500_000, 5_000_000]),
            front_ends_hide_crashes: dice.percent(50),
            walls_us: dice.pick(&[0, 0, 50_000, 400_000, 1_500_000]),
            publish_us: dice.pick(&[1, 20_000, 1_000_000]),
            walls_leak: false,
            archive_leaks: false,
            roles_untold: false,
            log_forgets: false,
        }
    }

    /// Clients in all.
    pub fn clients(&self) -> usize {
        self.direct + self.front_ends.iter().sum::<usize>()
    }

    /// No room ever reaches the participant limit.
    pub fn rooms_stay_small(&self) -> bool {
        self.users <= self.limits.participants_max
    }
}

/// Draws small bounds. Each stays as it is in some worlds: a bound that always strikes hides those
/// behind it.
fn tighten(limits: &mut Limits, dice: &mut Dice) {
    let mut maybe = |value: &mut usize, low: u64, high: u64| {
        if dice.percent(55) {
            *value = dice.between(low, high) as usize;
        }
    };
    maybe(&mut limits.feed_items_max, 2, 8);
    maybe(&mut limits.backlog_max, 3, 12);
    maybe(&mut limits.fanout_slice, 1, 3);
    maybe(&mut limits.uncommitted_max, 1, 6);
    maybe(&mut limits.recent_max, 2, 20);
    maybe(&mut limits.history_max, 1, 10);
    maybe(&mut limits.session_rooms_max, 2, 4);
    maybe(&mut limits.backlog_bytes_max, 3_000, 30_000);
    maybe(&mut limits.link_outbox_bytes_max, 1_500, 12_000);
    maybe(&mut limits.search_max, 1, 3);
    maybe(&mut limits.preference_bytes_max, 1, 8);
    maybe(&mut limits.queries_max, 1, 4);
    maybe(&mut limits.session_searches_max, 1, 2);
    maybe(&mut limits.remembered_max, 1, 3);
    maybe(&mut limits.message_bytes_max, 60, 400);
    limits.history_max = limits.history_max.min(limits.recent_max);
    limits.story_bytes_max = limits.message_bytes_max.max(1_000);
    if dice.percent(60) {
        limits.window = dice.between(1, 4) as u32;
    }
    if dice.percent(60) {
        limits.participants_max = 3;
        limits.participants_resume = 2;
    }
    if dice.percent(30) {
        limits.session_requests_burst = 10;
        limits.session_requests_per_second = 10;
    }
    if dice.percent(20) {
        limits.dialogs_burst = 3;
        limits.dialogs_per_second = 5;
    }
    if dice.percent(20) {
        limits.link_requests_burst = 5;
        limits.link_requests_per_second = 20;
    }
    tighten_times(limits, dice);
    if dice.percent(50) {
        limits.notice_writes_per_second = 1;
        limits.notice_hold_ms = dice.pick(&[0, 20, 2_000]);
    }
}

fn tighten_times(limits: &mut Limits, dice: &mut Dice) {
    let mut maybe = |value: &mut u64, among: &[u64]| {
        if dice.percent(50) {
            *value = dice.pick(among);
        }
    };
    maybe(&mut limits.roster_tick_ms, &[0, 0, 20, 2_000]);
    maybe(&mut limits.rejoin_grace_ms, &[0, 100, 1_000]);
    maybe(&mut limits.lag_ms_max, &[1_500, 5_000]);
    maybe(&mut limits.info_timeout_ms, &[3_000, 10_000]);
    maybe(&mut limits.ack_timeout_ms, &[3_000]);
    maybe(&mut limits.link_stall_ms, &[2_000, 5_000]);
    maybe(&mut limits.link_message_ms, &[3_000]);
    maybe(&mut limits.link_first_message_ms, &[3_000]);
    maybe(&mut limits.link_idle_ms, &[5_000]);
    maybe(&mut limits.remember_ms, &[500, 10_000]);
    maybe(&mut limits.older_ms, &[50, 500]);
    maybe(&mut limits.post_ms_max, &[2_000, 5_000]);
    maybe(&mut limits.drain_ms, &[0, 1_000]);
    if dice.percent(45) {
        limits.session_expires_s = 5;
        limits.min_se_s = 2;
        limits.session_expires_grace_ms = 2_000;
    }
}
