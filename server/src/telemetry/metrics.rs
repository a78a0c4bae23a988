//! The Prometheus page: every shard's numbers with a `shard` label, and the process's own.

use super::snapshot::{Snapshot, read};
use crate::admin::AdminNumbers;
use crate::commit::{LogNumbers, Replication};
use crate::shell::Clock;
use parlance_core::Refusal;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// The page's sources.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
}

impl Metrics {
    /// A page over these shards, in order.
    pub fn new(
        clock: Clock,
        shards: Vec<Arc<Mutex<Snapshot>>>,
        log: Arc<LogNumbers>,
        admin: Arc<AdminNumbers>,
        replication: Option<Arc<Replication>>,
    ) -> Metrics {
        let mut registry = Registry::with_prefix("parlance");
        registry.register_collector(Box::new(Process { clock }));
        registry.register_collector(Box::new(Shards { shards }));
        registry.register_collector(Box::new(Log { numbers: log, replication }));
        registry.register_collector(Box::new(Administration { numbers: admin }));
        Metrics { registry }
    }

    /// The page in OpenMetrics text form.
    pub fn page(&self) -> String {
        let mut page = String::new();
        text::encode(&mut page, &self.registry).expect("writing to a string cannot fail");
        page
    }
}

/// Numbers of the whole process.
#[derive(Debug)]
struct Process {
    clock: Clock,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        let help = "Version of the program";
        let mut build = encoder.encode_descriptor("build", help, None, MetricType::Info)?;
        build.encode_info(&version)?;
        let uptime = ConstGauge::new(self.clock.uptime_s());
        let help = "Seconds since the start";
        uptime.encode(encoder.encode_descriptor(
            "uptime_seconds",
            help,
            None,
            MetricType::Gauge,
        )?)?;
        let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let cpu = ConstCounter::new(cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9);
        let help = "Processor time used by all threads, in user and kernel mode";
        cpu.encode(encoder.encode_descriptor("cpu_seconds", help, None, MetricType::Counter)?)
    }
}

/// Reads one number out of a shard's snapshot.
type Number = fn(&Snapshot) -> u64;

/// Numbers that only rise; the page adds `_total` to their names.
const COUNTERS: &[(&str, &str, Number)] = &[
    ("bytes_in", "Plain bytes taken in", |s| s.counters.bytes_in),
    ("bytes_out", "Plain bytes written", |s| s.counters.bytes_out),
    ("sip_requests", "SIP requests read", |s| s.counters.requests),
    ("sip_responses", "SIP responses read", |s| s.counters.responses),
    ("dialogs_opened", "Dialogs opened", |s| s.counters.dialogs_opened),
    ("dialogs_ended", "Dialogs ended, for whatever reason", |s| s.counters.dialogs_ended),
    ("dialogs_dropped", "Dialogs the server gave up", |s| s.counters.dialogs_dropped),
    ("commands", "Commands executed", |s| s.counters.commands),
    ("posts", "Messages accepted and numbered", |s| s.counters.posts),
    ("posts_unknown", "Posts whose authors were told 504", |s| s.counters.posts_unknown),
    ("deliveries", "Messages delivered to sessions", |s| s.counters.deliveries),
    ("notices", "Roster notices delivered to sessions", |s| s.counters.notices),
    ("notices_joined", "Roster notices that share a message with one before them", |s| {
        s.counters.notices_joined
    }),
    ("queries", "Questions put to the database", |s| s.counters.queries),
    ("queries_failed", "Questions that it did not answer", |s| s.counters.queries_failed),
    ("lags", "Times a session fell behind", |s| s.counters.lags),
    ("mail_out", "Letters to other shards", |s| s.counters.mail_out),
    ("mail_in", "Letters from other shards", |s| s.counters.mail_in),
    ("connections_accepted", "Connections accepted", |s| s.shell.counters.accepted),
    ("connections_refused", "Connections refused at once", |s| s.shell.counters.refused),
    ("tls_handshakes_full", "TLS handshakes with a signature", |s| {
        s.shell.counters.handshakes_full
    }),
    ("tls_handshakes_resumed", "TLS handshakes that resumed an earlier session", |s| {
        s.shell.counters.handshakes_resumed
    }),
    ("tls_handshakes_failed", "TLS handshakes that failed or took too long", |s| {
        s.shell.counters.handshakes_failed
    }),
    ("writes", "Gathering writes", |s| s.shell.counters.writes),
    ("writes_blocked", "Writes the socket did not take whole", |s| s.shell.counters.writes_blocked),
    ("turns", "Turns of the shard", |s| s.shell.counters.turns),
];

/// Numbers of this moment.
const GAUGES: &[(&str, &str, Number)] = &[
    ("links", "Links up", |s| s.gauges.links as u64),
    ("connections", "Connections, also in handshake or closing", |s| s.shell.connections as u64),
    ("connections_handshaking", "Connections in TLS handshake", |s| s.shell.handshaking as u64),
    ("sessions", "Chat dialogs open", |s| s.gauges.sessions as u64),
    ("sessions_lagging", "Sessions behind their rooms", |s| s.gauges.sessions_lagging as u64),
    ("rooms", "Rooms owned by the shard and in use", |s| s.gauges.rooms as u64),
    ("feeds", "Rooms that sessions of the shard are in", |s| s.gauges.feeds as u64),
    ("subscriptions", "Pairs of session and room", |s| s.gauges.subscriptions as u64),
    ("outbox_bytes", "Bytes waiting on all links", |s| s.gauges.outbox_bytes as u64),
    ("queries_open", "Questions to the database without answer yet", |s| s.gauges.queries as u64),
    ("uncommitted", "Posts waiting for the log", |s| s.gauges.uncommitted as u64),
    ("fanout_pending", "Rooms whose fan-out is not finished", |s| s.gauges.fanout_pending as u64),
    ("remembered", "Endpoints whose rooms are remembered", |s| s.gauges.remembered as u64),
    ("mail_waiting", "Letters waiting to be taken in", |s| s.shell.mail_waiting as u64),
    ("mail_overflowing", "Letters that found their queue full", |s| {
        s.shell.mail_overflowing as u64
    }),
];

/// Numbers of all shards.
#[derive(Debug)]
struct Shards {
    shards: Vec<Arc<Mutex<Snapshot>>>,
}

impl Collector for Shards {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let shards: Vec<(String, Snapshot)> =
            self.shards.iter().enumerate().map(|(n, slot)| (n.to_string(), read(slot))).collect();
        for (name, help, number) in COUNTERS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (shard, snapshot) in &shards {
                let counter = ConstCounter::new(number(snapshot));
                counter.encode(family.encode_family(&[("shard", shard.as_str())])?)?;
            }
        }
        for (name, help, number) in GAUGES {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (shard, snapshot) in &shards {
                let gauge = ConstGauge::new(number(snapshot));
                gauge.encode(family.encode_family(&[("shard", shard.as_str())])?)?;
            }
        }
        let help = "Input refused, by cause";
        let mut family = encoder.encode_descriptor("refused", help, None, MetricType::Counter)?;
        for (shard, snapshot) in &shards {
            for (cause, count) in Refusal::KINDS.iter().zip(snapshot.counters.refused) {
                let labels = [("shard", shard.as_str()), ("cause", cause)];
                ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

/// Numbers of the log and of what is behind it.
struct Log {
    numbers: Arc<LogNumbers>,
    replication: Option<Arc<Replication>>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("numbers", &self.numbers).finish_non_exhaustive()
    }
}

impl Collector for Log {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let log = &*self.numbers;
        let counters = [
            ("log_commits", "Commits: one write and one sync each", &log.commits),
            ("log_commit_micros", "Microseconds spent in commits", &log.commit_micros),
            ("store_rows", "Messages put into the database", &log.stored_rows),
            ("store_failures", "Attempts of that which failed", &log.store_failures),
            ("log_records", "Messages made durable", &log.records),
        ];
        for (name, help, number) in counters {
            let counter = ConstCounter::new(number.load(Ordering::Relaxed));
            let descriptor = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            counter.encode(descriptor)?;
        }
        let gauges = [
            ("log_durable", "Last position that survives power loss", &log.durable),
            ("log_stored", "Last position that the database has", &log.stored),
            ("log_used_bytes", "Size of the log", &log.used_bytes),
            ("log_limit_bytes", "Size from which on posts are refused", &log.limit_bytes),
            ("log_alarm", "1 when four fifths of the limit are used", &log.alarm),
            ("ack_waiting", "Posts whose authors wait for the database", &log.ack_waiting),
            ("ack_late", "1 while posts are refused as the database is late", &log.ack_late),
        ];
        for (name, help, number) in gauges {
            let gauge = ConstGauge::new(number.load(Ordering::Relaxed));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        let is_whole = self.replication.as_ref().is_some_and(|replica| replica.is_whole());
        let (help, kind) = ("1 while the server could start without PostgreSQL", MetricType::Gauge);
        let gauge = ConstGauge::new(u64::from(is_whole));
        gauge.encode(encoder.encode_descriptor("replica_whole", help, None, kind)?)
    }
}

/// Numbers of administration.
#[derive(Debug)]
struct Administration {
    numbers: Arc<AdminNumbers>,
}

impl Collector for Administration {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let admin = &*self.numbers;
        let counters = [
            ("admin_acts", "Administrative acts carried out", &admin.done),
            ("admin_refused", "Administrative acts refused", &admin.refused),
            ("admin_failed", "Administrative acts that the database did not take", &admin.failed),
            ("admin_collisions", "Times an act was planned again", &admin.collisions),
            ("api_requests", "Requests to the API", &admin.requests),
            ("api_denied", "Requests to the API without a known token", &admin.denied),
            ("people_runs", "Times people were read from elsewhere", &admin.people_runs),
            ("people_runs_failed", "Times they were not", &admin.people_runs_failed),
        ];
        for (name, help, number) in counters {
            let counter = ConstCounter::new(number.load(Ordering::Relaxed));
            let descriptor = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            counter.encode(descriptor)?;
        }
        let help = "Entries of the last run that were not taken over as they are";
        let gauge = ConstGauge::new(admin.people_findings.load(Ordering::Relaxed));
        gauge.encode(encoder.encode_descriptor("people_findings", help, None, MetricType::Gauge)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_every_shard_and_cause() {
        let one = Arc::<Mutex<Snapshot>>::default();
        let two = Arc::<Mutex<Snapshot>>::default();
        two.lock().unwrap().counters.posts = 3;
        two.lock().unwrap().counters.refused[1] = 9;
        two.lock().unwrap().gauges.links = 4;
        let page =
            Metrics::new(Clock::start(), vec![one, two], Arc::default(), Arc::default(), None)
                .page();
        for line in [
            "parlance_posts_total{shard=\"0\"} 0",
            "parlance_posts_total{shard=\"1\"} 3",
            "parlance_links{shard=\"1\"} 4",
            "parlance_refused_total{shard=\"1\",cause=\"message\"} 9",
            "# TYPE parlance_cpu_seconds counter",
            "# EOF",
        ] {
            assert!(page.lines().any(|l| l == line), "{line:?} is missing in\n{page}");
        }
        assert!(page.contains("parlance_build_info{version="), "{page}");
    }
}
