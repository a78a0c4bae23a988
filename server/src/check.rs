//! `parlance check`: what this machine and this configuration give, one finding per line.

use crate::Exit;
use crate::certificate::InForce;
use crate::commit;
use crate::config::{Ack, Config, Engine, Io};
use crate::files::create_data_directory;
use crate::layout::advice::{DESCRIPTORS_APART, DESCRIPTORS_PER_SHARD};
use crate::layout::{Machine, advice, capacity};
use crate::machine;
use crate::placement::Placement;
use crate::shell::listen;
use parlance_core::Limits;
use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// How good a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grade {
    Ok,
    Warn,
    Fail,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Grade::Ok => "ok  ",
            Grade::Warn => "warn",
            Grade::Fail => "fail",
        })
    }
}

/// All findings so far.
#[derive(Debug, Default)]
pub struct Findings {
    lines: Vec<(Grade, &'static str, String)>,
}

impl Findings {
    /// As it should be.
    pub fn ok(&mut self, subject: &'static str, text: impl Into<String>) {
        self.lines.push((Grade::Ok, subject, text.into()));
    }

    /// Works, but not as well as it could.
    pub fn warn(&mut self, subject: &'static str, text: impl Into<String>) {
        self.lines.push((Grade::Warn, subject, text.into()));
    }

    /// Does not work.
    pub fn fail(&mut self, subject: &'static str, text: impl Into<String>) {
        self.lines.push((Grade::Fail, subject, text.into()));
    }

    fn worst(&self) -> Grade {
        let graded = |grade| self.lines.iter().any(|(g, ..)| *g == grade);
        match (graded(Grade::Fail), graded(Grade::Warn)) {
            (true, _) => Grade::Fail,
            (false, true) => Grade::Warn,
            (false, false) => Grade::Ok,
        }
    }

    /// One line per finding.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut lines = self.lines.iter();
        lines.try_for_each(|(grade, subject, text)| writeln!(out, "{grade}  {subject:<12}  {text}"))
    }

    /// What they come to.
    pub fn exit(&self) -> Exit {
        match self.worst() {
            Grade::Fail => Exit::Failed,
            Grade::Ok | Grade::Warn => Exit::Done,
        }
    }
}

/// Looks at everything and prints what it finds, and a layout for the machine; with `users`,
/// whether it is enough for so many.
pub fn run(file: Option<&Path>, users: Option<u32>) -> Exit {
    let mut findings = Findings::default();
    let config = configuration(&mut findings, file);
    findings.ok("kernel", machine::kernel());
    io(&mut findings, config.as_ref());
    let machine = Machine::read();
    let shards = match &config {
        Some(config) => cores(&mut findings, config, &machine),
        None => machine.auto().shards.len(),
    };
    descriptors(&mut findings, config.as_ref(), shards as u64);
    if let Some(config) = &config {
        ports(&mut findings, config);
        data(&mut findings, config);
        log(&mut findings, config);
        certificate(&mut findings, config);
    }
    let limits = config.map(|config| config.limits).unwrap_or_default();
    let lines = layout(&mut findings, &machine, &limits, users);
    let mut out = io::stdout().lock();
    // If nobody reads, the exit code must do.
    let _ = findings
        .print(&mut out)
        .and_then(|()| write!(out, "\nA layout for this machine, to be pasted:\n\n{lines}"));
    findings.exit()
}

/// What the recommended layout is like; its lines for the configuration.
fn layout(
    findings: &mut Findings,
    machine: &Machine,
    limits: &Limits,
    users: Option<u32>,
) -> String {
    let advice = advice::advise(machine, limits, users);
    advice.notes.into_iter().for_each(|note| findings.ok("layout", note));
    advice.warnings.into_iter().for_each(|warning| findings.warn("layout", warning));
    advice.lines
}

fn configuration(findings: &mut Findings, file: Option<&Path>) -> Option<Config> {
    match Config::load(file) {
        Ok(config) => {
            let rooms = config.directory.rooms().count();
            let domain = &config.directory.domain;
            let source = match &config.file {
                Some(file) => file.display().to_string(),
                None => "no file given, defaults".into(),
            };
            findings.ok("configuration", format!("{source}: domain {domain}, {rooms} room(s)"));
            Some(config)
        }
        Err(error) => {
            findings.fail("configuration", error.to_string());
            None
        }
    }
}

fn io(findings: &mut Findings, config: Option<&Config>) {
    if config.is_none_or(|config| config.cores.io == Io::Epoll) {
        return findings.ok("io", "epoll");
    }
    match machine::probe_uring() {
        Ok(()) => findings.warn("io", machine::URING_WARNING),
        Err(cause) => {
            let text = format!("cores.io asks for io_uring: {cause}; or set cores.io to \"auto\"");
            findings.fail("io", text);
        }
    }
    let bytes = machine::memlock_bytes();
    let text = machine::bytes(bytes);
    if bytes >= machine::MEMLOCK_MIN_BYTES {
        findings.ok("memlock", text);
    } else {
        let text = format!("{text}: too little for io_uring; raise it to 8 MiB: `ulimit -l 8192`");
        findings.warn("memlock", text);
    }
}

/// Reports cores and placement; returns how many shards there will be.
fn cores(findings: &mut Findings, config: &Config, machine: &Machine) -> usize {
    let Machine { available, nodes, .. } = machine;
    let count = available.0.len();
    let physical = machine.one_each(available).len();
    let quota = machine.quota_cpus.map_or_else(String::new, |q| format!(", a quota of {q} CPUs"));
    let nodes = nodes.len().max(1);
    let text = format!(
        "{count} usable ({available}) of {physical} physical core(s), {nodes} NUMA node(s){quota}"
    );
    findings.ok("cores", text);
    let placement = match Placement::plan(&config.cores, machine) {
        Ok(placement) => placement,
        Err(cause) => {
            findings.fail("shards", cause);
            return count;
        }
    };
    let seat = |(shard, cpu): (usize, &Option<usize>)| match cpu {
        None => format!("{shard}:any"),
        Some(cpu) => format!("{shard}:core {cpu}"),
    };
    let seats: Vec<String> = placement.shards.iter().enumerate().map(seat).collect();
    findings.ok("shards", format!("{} ({})", seats.len(), seats.join(", ")));
    findings.ok("background", format!("cores {}", placement.background));
    let shards = placement.shards.len();
    let full = capacity::memory_bytes(&config.limits, shards as u64, machine.descriptors_max);
    let has = machine.memory_bytes.map_or_else(|| "?".into(), machine::bytes);
    let text = format!("{has}; with links_max and sessions_max {} are used", machine::bytes(full));
    findings.ok("memory", text);
    for warning in advice::warnings(machine, &placement, &config.limits) {
        findings.warn("shards", warning);
    }
    shards
}

fn descriptors(findings: &mut Findings, config: Option<&Config>, shards: u64) {
    let (soft, hard) = machine::descriptors();
    let apart = DESCRIPTORS_APART + shards * DESCRIPTORS_PER_SHARD;
    let links = hard.saturating_sub(apart);
    let limit = |count: u64| if count == u64::MAX { "no limit".into() } else { count.to_string() };
    let text =
        format!("{} now, raised to {} at start: {} links", limit(soft), limit(hard), limit(links));
    // One server is sized for 20,000 connections however many shards share them.
    let wanted = config.map_or(20_000, |config| config.limits.links_max as u64);
    if links >= wanted {
        findings.ok("descriptors", text);
    } else {
        let enough = (wanted + apart).next_multiple_of(1024);
        let text = format!(
            "{text}, fewer than limits.links_max ({wanted}); set LimitNOFILE={enough} in the \
             systemd unit or `ulimit -Hn {enough}`"
        );
        findings.warn("descriptors", text);
    }
}

fn ports(findings: &mut Findings, config: &Config) {
    let listen = &config.listen;
    let all = listen.sip.iter().map(|a| ("sip", a)).chain(listen.sips.iter().map(|a| ("sips", a)));
    let all = all.chain(listen.http.iter().map(|a| ("http", a)));
    let mut seen: Vec<SocketAddr> = Vec::new();
    for (name, address) in all {
        if address.port() != 0 && seen.contains(address) {
            findings
                .fail("port", format!("{name} {address} is used twice in [listen]; change one"));
            continue;
        }
        seen.push(*address);
        match listen::bind(*address, 1, Duration::ZERO) {
            Ok(_) => findings.ok("port", format!("{name} {address} can be bound")),
            Err(error) => findings.fail(
                "port",
                format!(
                    "{name} {address}: {error}; stop what listens there (`ss -tlnp`), or choose \
                     another port"
                ),
            ),
        }
    }
}

fn data(findings: &mut Findings, config: &Config) {
    let path = &config.data;
    let probe = path.join(format!(".check-{}", std::process::id()));
    let written = create_data_directory(path)
        .and_then(|()| std::fs::write(&probe, "check"))
        .and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => findings.ok("data", format!("{} is writable", path.display())),
        Err(error) => findings.fail(
            "data",
            format!(
                "{}: {error}; make it writable for this user, or set server.data",
                path.display()
            ),
        ),
    }
}

/// What keeps messages, and what is promised of them.
fn log(findings: &mut Findings, config: &Config) {
    let log = &config.log;
    let quota = machine::bytes(log.quota_bytes);
    let promise = match log.ack {
        Ack::Log => "a post is answered when the log has it",
        Ack::Sql => "a post is answered when the database has it",
    };
    match log.engine {
        Engine::Segment => {
            let place = commit::folder(&config.data);
            findings.ok("log", format!("{}, up to {quota}; {promise}", place.display()));
        }
        Engine::Memory => findings.warn(
            "log",
            format!(
                "in memory, up to {quota}: what the database lacks is gone when the server ends; \
                 {promise}; set engine = \"segment\" for anything but a trial"
            ),
        ),
        Engine::Sled => findings.warn(
            "log",
            format!(
                "kept by sled, up to {quota}, which loses messages when power is lost; {promise}; \
                 set engine = \"segment\" for anything but a comparison"
            ),
        ),
    }
}

fn certificate(findings: &mut Findings, config: &Config) {
    let Some(files) = &config.certificate else {
        let text = "none configured: a self-signed one is made in the data directory; clients must \
                    be told to trust it";
        return findings.ok("certificate", text);
    };
    match InForce::load(files.clone()) {
        Ok(_) => findings.ok("certificate", files.certificate.display().to_string()),
        Err(cause) => findings.fail("certificate", cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_releases_are_read() {
        assert_eq!(machine::version("6.1.0-18-amd64"), Some((6, 1)));
        assert_eq!(machine::version("5.8"), Some((5, 8)));
        assert_eq!(machine::version("odd"), None);
    }

    #[test]
    fn the_worst_finding_counts() {
        let mut findings = Findings::default();
        assert_eq!(findings.worst(), Grade::Ok);
        findings.warn("a", "b");
        assert_eq!(findings.worst(), Grade::Warn);
        findings.fail("a", "b");
        findings.ok("a", "b");
        assert_eq!(findings.worst(), Grade::Fail);
    }
}
