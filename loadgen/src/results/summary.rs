//! What the results say in numbers: a table for people, an object for programs.

use super::{Counts, Kind, Measured, Timing, Timings, Usage};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Part of a core from which on this program is said to have been the bottleneck.
const OWN_LOAD_HIGH: f64 = 0.9;

/// What was run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// Address of the server.
    pub server: String,
    /// Users.
    pub users: u32,
    /// Their endpoints.
    pub endpoints: u32,
    /// Links they shared.
    pub links: u32,
    /// Rooms.
    pub rooms: u64,
    /// Users in rooms, summed over the rooms.
    pub memberships: u64,
    /// Posts per second over all rooms.
    pub rate: f64,
    /// Bytes of text in a post on average.
    pub message_bytes: u64,
    /// What chose authors, rooms, tags and Call-IDs.
    pub seed: u64,
    /// Were lost links opened again?
    pub reconnects: bool,
}

/// Quantiles in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each is named as what it is")]
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
        Quantiles {
            count: timing.count(),
            min: timing.min(),
            p50: timing.at(0.5),
            p90: timing.at(0.9),
            p99: timing.at(0.99),
            p999: timing.at(0.999),
            max: timing.max(),
            mean: timing.mean(),
        }
    }
}

impl fmt::Display for Quantiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Quantiles { count, p50, p90, p99, p999, max, .. } = self;
        write!(f, "{p50:>9} {p90:>9} {p99:>9} {p999:>9} {max:>9}   {count}")
    }
}

/// Quantiles of each kind of time but the last.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[expect(missing_docs, reason = "Kind says what each is")]
pub struct Quantities {
    pub delivery_us: Quantiles,
    pub accept_us: Quantiles,
    pub sign_in_us: Quantiles,
    pub join_us: Quantiles,
    pub lateness_us: Quantiles,
}

impl From<&Timings> for Quantities {
    fn from(timings: &Timings) -> Quantities {
        let of = |kind| Quantiles::from(timings.of(kind));
        Quantities {
            delivery_us: of(Kind::Delivery),
            accept_us: of(Kind::Accept),
            sign_in_us: of(Kind::SignIn),
            join_us: of(Kind::Join),
            lateness_us: of(Kind::Lateness),
        }
    }
}

/// One class of times.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassSummary {
    /// Its label.
    pub label: String,
    /// Its times.
    pub timings: Quantities,
}

/// Endpoints that did not read as they should, and what the server did with them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Readers {
    pub slow: u64,
    pub slow_ended: u64,
    pub dead: u64,
    pub dead_ended: u64,
}

/// What `--reconnect` made good.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Returns {
    /// Links that ended before the run did.
    pub links_lost: u64,
    /// Links opened again.
    pub links_reopened: u64,
    /// Dialogs that ended before the run did.
    pub dialogs_lost: u64,
    /// Sign-ins that the server had no room for, which were repeated.
    pub sign_ins_refused: u64,
    /// Of each user: from the loss of its dialog to the last of its rooms joined again.
    pub without_service_us: Quantiles,
}

/// What a process used during load and drain.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Used {
    /// Processor time, seconds.
    pub cpu_s: f64,
    /// Part of a core: processor time by time on the wall.
    pub cores: f64,
    /// Deliveries by processor time.
    pub deliveries_per_cpu_s: f64,
    /// Most memory resident, bytes.
    pub resident_bytes_max: u64,
}

/// The checker's verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contract {
    /// No violation was found.
    pub is_kept: bool,
    /// How many of each kind.
    pub counts: BTreeMap<String, u64>,
    /// The first of them in words.
    pub violations: Vec<String>,
    /// Accepted posts that nobody was there to see.
    pub unwitnessed: u64,
}

/// All of it. Fields without a text are those of [`Setup`], [`Counts`] and [`super::Spans`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "they are documented where they come from")]
pub struct Summary {
    #[serde(flatten)]
    pub setup: Setup,
    pub processes: u32,
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
    pub messages_read: u64,
    /// Absent without `--reconnect`.
    pub returns: Option<Returns>,
    /// Endpoints that did not read as they should, on purpose; absent without any.
    pub readers: Option<Readers>,
    /// All times in microseconds.
    pub timings: Quantities,
    /// The same by label.
    pub classes: Vec<ClassSummary>,
    /// Absent when nobody said which process the server is.
    pub server_usage: Option<Used>,
    pub own_usage: Used,
    /// Part of a core this program used, its busiest process if it is several: near 1, it was the
    /// bottleneck.
    pub own_load: f64,
    pub errors: BTreeMap<String, u64>,
    pub contract: Contract,
}

impl Summary {
    /// Of all that was measured.
    pub fn new(setup: &Setup, measured: &Measured) -> Summary {
        let Measured { counts, spans, verdict, .. } = measured;
        let used = |usage: &Usage| Used {
            cpu_s: usage.cpu_s,
            cores: usage.cpu_s / spans.load_s.max(0.001),
            deliveries_per_cpu_s: counts.delivered as f64 / usage.cpu_s.max(0.01),
            resident_bytes_max: usage.resident_bytes_max,
        };
        let classes = measured.classes.iter();
        Summary {
            setup: setup.clone(),
            processes: measured.processes,
            sign_in_s: spans.sign_in_s,
            load_s: spans.load_s,
            opened: counts.opened,
            joined: counts.joined,
            lost: counts.lost,
            left: counts.left,
            posts_sent: counts.sent,
            posts_unsent: counts.unsent,
            posts_accepted: verdict.accepted,
            posts_refused: verdict.refused,
            posts_unknown: verdict.unknown,
            deliveries: counts.delivered,
            deliveries_missing: counts.missing,
            deliveries_per_s: counts.delivered as f64 / spans.delivering_s.max(0.001),
            notices: counts.notices,
            histories: counts.histories,
            messages_read: counts.messages_read,
            returns: setup.reconnects.then(|| returns(counts, &measured.timings)),
            readers: readers(counts),
            timings: Quantities::from(&measured.timings),
            classes: classes
                .map(|(label, timings)| ClassSummary {
                    label: label.to_string(),
                    timings: Quantities::from(timings),
                })
                .collect(),
            server_usage: measured.server.as_ref().map(used),
            own_usage: used(&measured.own),
            own_load: measured.own_load_max,
            errors: measured.errors.clone(),
            contract: Contract {
                is_kept: verdict.is_kept(),
                counts: verdict.counts.clone(),
                violations: verdict.violations.clone(),
                unwitnessed: verdict.unwitnessed,
            },
        }
    }

    /// Nothing was broken, missing or refused.
    pub fn is_clean(&self) -> bool {
        self.contract.is_kept && self.errors.is_empty() && self.deliveries_missing == 0
    }

    /// The figures say more about this program than about the server.
    pub fn is_own_bottleneck(&self) -> bool {
        self.own_load > OWN_LOAD_HIGH
    }

    fn write_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setup { users, endpoints, links, rooms, memberships, .. } = &self.setup;
        let Summary { opened, joined, lost, left, sign_in_s, .. } = self;
        writeln!(
            f,
            "users      {users} with {endpoints} endpoints on {links} links, {rooms} rooms, \
             {memberships} memberships\n\
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
        if let Some(Readers { slow, slow_ended, dead, dead_ended }) = &self.readers {
            writeln!(
                f,
                "readers    {slow} slow, of which the server gave up {slow_ended}; {dead} dead, of \
                 which it gave up {dead_ended}"
            )?;
        }
        let Some(returns) = &self.returns else { return Ok(()) };
        let Returns { links_lost, links_reopened, dialogs_lost, sign_ins_refused, .. } = returns;
        writeln!(
            f,
            "returns    {links_lost} links lost, {links_reopened} opened again; {dialogs_lost} \
             dialogs lost; {sign_ins_refused} sign-ins refused for want of room"
        )
    }

    fn write_times(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n us              p50       p90       p99     p99.9       max   count")?;
        let Quantities { delivery_us, accept_us, sign_in_us, join_us, lateness_us } = &self.timings;
        writeln!(f, "delivery  {delivery_us}\naccept    {accept_us}\nsign-in   {sign_in_us}")?;
        writeln!(f, "join      {join_us}\nlateness  {lateness_us}")?;
        if let Some(returns) = &self.returns {
            writeln!(f, "away      {}", returns.without_service_us)?;
        }
        for ClassSummary { label, timings } in &self.classes {
            writeln!(f, "{label}\n          {}", timings.delivery_us)?;
        }
        writeln!(f)
    }

    fn write_usage(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, used: &Used| {
            let mebibytes = used.resident_bytes_max as f64 / f64::from(1 << 20);
            let (cpu_s, per_cpu) = (used.cpu_s, used.deliveries_per_cpu_s);
            writeln!(
                f,
                "{name:<10} {cpu_s:.2} CPU s, {per_cpu:.0} deliveries per CPU s, \
                 {mebibytes:.1} MiB resident"
            )
        };
        if let Some(used) = &self.server_usage {
            line("server", used)?;
        }
        line("own", &self.own_usage)?;
        if self.is_own_bottleneck() {
            let own_load = self.own_load;
            writeln!(f, "           this program was the bottleneck ({own_load:.2} of a core)")?;
        }
        Ok(())
    }
}

fn readers(counts: &Counts) -> Option<Readers> {
    let &Counts { slow, slow_ended, dead, dead_ended, .. } = counts;
    (slow + dead > 0).then_some(Readers { slow, slow_ended, dead, dead_ended })
}

fn returns(counts: &Counts, timings: &Timings) -> Returns {
    Returns {
        links_lost: counts.links_lost,
        links_reopened: counts.links_reopened,
        dialogs_lost: counts.dialogs_lost,
        sign_ins_refused: counts.sign_ins_refused,
        without_service_us: Quantiles::from(timings.of(Kind::Away)),
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_counts(f)?;
        self.write_times(f)?;
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
