//! What a run found: a table for people, JSON for programs.

use super::phases::cpu_between;
use super::plan::Plan;
use super::process::Sample;
use super::world::{Timing, World};
use parlance_loadgen::Report;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

/// The time of load with what the processes used in it.
pub struct LoadWindow {
    pub start: Instant,
    /// Load and drain.
    pub elapsed: Duration,
    /// From the start to the last delivery.
    pub delivering: Duration,
    pub server_pid: Option<u32>,
    pub server_before: Option<Sample>,
    pub server_after: Option<Sample>,
    pub own_before: Sample,
    pub own_after: Sample,
    pub server_resident_max: u64,
}

/// Quantiles in microseconds.
#[derive(Debug, Serialize)]
pub struct Quantiles {
    pub count: u64,
    pub min: u64,
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p999: u64,
    pub max: u64,
    pub mean: f64,
}

impl From<&Timing> for Quantiles {
    fn from(timing: &Timing) -> Quantiles {
        let at = |quantile| timing.0.value_at_quantile(quantile);
        Quantiles {
            count: timing.0.len(),
            min: timing.0.min(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: timing.0.max(),
            mean: timing.0.mean(),
        }
    }
}

impl fmt::Display for Quantiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Quantiles { count, p50, p90, p99, p999, max, .. } = self;
        write!(f, "{p50:>9} {p90:>9} {p99:>9} {p999:>9} {max:>9}   {count}")
    }
}

/// All times in microseconds, from the time an arrival was due.
#[derive(Debug, Serialize)]
pub struct Timings {
    /// To each delivery.
    pub delivery_us: Quantiles,
    /// To the author's 200.
    pub accept_us: Quantiles,
    /// To the long dialog.
    pub sign_in_us: Quantiles,
    /// To the last room joined.
    pub join_us: Quantiles,
    /// To the sending of the post: our own delay, part of the first two.
    pub lateness_us: Quantiles,
}

/// What `--reconnect` made good.
#[derive(Debug, Serialize)]
pub struct Returns {
    pub links_lost: u64,
    pub links_reopened: u64,
    pub dialogs_lost: u64,
    /// Sign-ins that the server had no room for, which were repeated.
    pub sign_ins_refused: u64,
    /// Of each user: from the loss of its dialog to the last of its rooms joined again.
    pub without_service_us: Quantiles,
}

/// What a process used in the load window.
#[derive(Debug, Serialize)]
pub struct Usage {
    pub cpu_s: f64,
    pub deliveries_per_cpu_s: f64,
    pub resident_bytes_max: u64,
}

/// The checker's verdict.
#[derive(Debug, Serialize)]
pub struct Contract {
    pub is_kept: bool,
    pub counts: BTreeMap<&'static str, u64>,
    pub violations: Vec<String>,
    pub unwitnessed: u64,
}

/// All of it.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub server: String,
    pub users: u32,
    pub links: u32,
    pub rooms: usize,
    pub memberships: u64,
    pub rate: f64,
    pub message_bytes: usize,
    pub seed: u64,
    pub sign_in_s: f64,
    pub load_s: f64,
    pub opened: u64,
    pub joined: u64,
    pub lost: u64,
    pub left: u64,
    pub posts_sent: u64,
    pub posts_unsent: u64,
    pub posts_accepted: u64,
    pub posts_refused: u64,
    pub posts_unknown: u64,
    pub deliveries: u64,
    pub deliveries_missing: u64,
    pub deliveries_per_s: f64,
    pub notices: u64,
    pub histories: u64,
    /// Messages of history that were read page by page.
    pub messages_read: u64,
    /// Absent without `--reconnect`.
    pub returns: Option<Returns>,
    pub timings: Timings,
    pub server_usage: Option<Usage>,
    pub own_usage: Usage,
    /// Part of a core this program used: near 1, it was the bottleneck.
    pub own_load: f64,
    pub errors: BTreeMap<String, u64>,
    pub contract: Contract,
}

impl Summary {
    pub fn new(
        plan: &Plan,
        world: &World,
        signed_in: Duration,
        window: &LoadWindow,
        report: &Report,
    ) -> Summary {
        let counts = &world.counts;
        let per_cpu = |cpu_s: f64| counts.delivered as f64 / cpu_s.max(0.01);
        let server_usage = window.server_before.zip(window.server_after).map(|(before, after)| {
            let cpu_s = cpu_between(before, after);
            let resident_bytes_max = window.server_resident_max;
            Usage { cpu_s, deliveries_per_cpu_s: per_cpu(cpu_s), resident_bytes_max }
        });
        let own_cpu_s = cpu_between(window.own_before, window.own_after);
        Summary {
            server: plan.server.to_string(),
            users: plan.users,
            links: plan.links,
            rooms: plan.rooms.len(),
            memberships: plan.memberships(),
            rate: plan.rate,
            message_bytes: plan.message_bytes,
            seed: plan.seed,
            sign_in_s: signed_in.as_secs_f64(),
            load_s: window.elapsed.as_secs_f64(),
            opened: counts.opened,
            joined: counts.joined,
            lost: counts.lost,
            left: counts.left,
            posts_sent: counts.sent,
            posts_unsent: counts.unsent,
            posts_accepted: report.accepted,
            posts_refused: report.refused,
            posts_unknown: report.unknown,
            deliveries: counts.delivered,
            deliveries_missing: world.owed.outstanding(),
            deliveries_per_s: counts.delivered as f64 / window.delivering.as_secs_f64().max(0.001),
            notices: counts.notices,
            histories: counts.histories,
            messages_read: counts.messages_read,
            returns: plan.reconnects.then(|| returns(world)),
            timings: timings(world),
            server_usage,
            own_usage: Usage {
                cpu_s: own_cpu_s,
                deliveries_per_cpu_s: per_cpu(own_cpu_s),
                resident_bytes_max: window.own_after.resident_bytes,
            },
            own_load: own_cpu_s / window.elapsed.as_secs_f64().max(0.001),
            errors: world.errors.clone(),
            contract: Contract {
                is_kept: report.is_clean(),
                counts: report.counts.clone(),
                violations: report.violations.iter().map(ToString::to_string).collect(),
                unwitnessed: report.unwitnessed,
            },
        }
    }

    /// Nothing was broken, missing or refused.
    pub fn is_clean(&self) -> bool {
        self.contract.is_kept && self.errors.is_empty() && self.deliveries_missing == 0
    }

    /// Prints the table and writes the file.
    pub fn publish(&self, json: Option<&Path>) -> Result<(), String> {
        println!("{self}");
        let Some(path) = json else { return Ok(()) };
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        std::fs::write(path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))
    }

    fn write_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { users, links, rooms, memberships, opened, joined, lost, left, .. } = self;
        let sign_in_s = self.sign_in_s;
        writeln!(
            f,
            "users      {users} on {links} links, {rooms} rooms, {memberships} memberships\n\
             sign-in    {opened} opened, {joined} rooms joined in {sign_in_s:.1} s, {lost} lost, \
             {left} left"
        )?;
        writeln!(
            f,
            "posts      {} sent in {:.1} s: {} accepted, {} refused, {} unknown, {} not sent",
            self.posts_sent,
            self.load_s,
            self.posts_accepted,
            self.posts_refused,
            self.posts_unknown,
            self.posts_unsent
        )?;
        writeln!(
            f,
            "deliveries {} ({:.0}/s), {} missing; {} notices, {} histories, {} messages read",
            self.deliveries,
            self.deliveries_per_s,
            self.deliveries_missing,
            self.notices,
            self.histories,
            self.messages_read
        )?;
        let Some(returns) = &self.returns else { return Ok(()) };
        let Returns { links_lost, links_reopened, dialogs_lost, sign_ins_refused, .. } = returns;
        writeln!(
            f,
            "returns    {links_lost} links lost, {links_reopened} opened again; {dialogs_lost} \
             dialogs lost; {sign_ins_refused} sign-ins refused for want of room"
        )
    }

    fn write_usage(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, usage: &Usage| {
            let mebibytes = usage.resident_bytes_max as f64 / f64::from(1 << 20);
            let (cpu_s, per_cpu) = (usage.cpu_s, usage.deliveries_per_cpu_s);
            writeln!(
                f,
                "{name:<10} {cpu_s:.2} CPU s, {per_cpu:.0} deliveries per CPU s, \
                 {mebibytes:.1} MiB resident"
            )
        };
        if let Some(usage) = &self.server_usage {
            line("server", usage)?;
        }
        line("own", &self.own_usage)?;
        if self.own_load > 0.9 {
            writeln!(
                f,
                "           this program was the bottleneck ({:.2} of a core)",
                self.own_load
            )?;
        }
        Ok(())
    }
}

fn returns(world: &World) -> Returns {
    Returns {
        links_lost: world.counts.links_lost,
        links_reopened: world.counts.links_reopened,
        dialogs_lost: world.counts.dialogs_lost,
        sign_ins_refused: world.counts.sign_ins_refused,
        without_service_us: Quantiles::from(&world.away),
    }
}

fn timings(world: &World) -> Timings {
    Timings {
        delivery_us: Quantiles::from(&world.delivery),
        accept_us: Quantiles::from(&world.accept),
        sign_in_us: Quantiles::from(&world.sign_in),
        join_us: Quantiles::from(&world.join),
        lateness_us: Quantiles::from(&world.lateness),
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_counts(f)?;
        writeln!(f, "\n us              p50       p90       p99     p99.9       max   count")?;
        let Timings { delivery_us, accept_us, sign_in_us, join_us, lateness_us } = &self.timings;
        writeln!(f, "delivery  {delivery_us}\naccept    {accept_us}\nsign-in   {sign_in_us}")?;
        writeln!(f, "join      {join_us}\nlateness  {lateness_us}")?;
        if let Some(returns) = &self.returns {
            writeln!(f, "away      {}", returns.without_service_us)?;
        }
        writeln!(f)?;
        self.write_usage(f)?;
        for (what, count) in &self.errors {
            writeln!(f, "error      {count} x {what}")?;
        }
        for (kind, count) in &self.contract.counts {
            writeln!(f, "violation  {count} x {kind}")?;
        }
        for violation in self.contract.violations.iter().take(10) {
            writeln!(f, "           {violation}")?;
        }
        f.write_str(match self.is_clean() {
            true => "clean      the contract was kept",
            false => "FAULTY     see above",
        })
    }
}
