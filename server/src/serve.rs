//! `parlance serve`: starts everything, waits for signals, drains, ends.

use crate::Exit;
use crate::admin::{self, Tokens};
use crate::api::{self, Api};
use crate::certificate::{InForce, ensure_self_signed, self_signed_files};
use crate::commit::{
    self, Background, Desk, Endpoints, Feeder, LiveRooms, Queries, Replication, Service,
};
use crate::config::{Ack, Config, Io};
use crate::greeting::{self, Bound};
use crate::layout::Machine;
use crate::machine;
use crate::opening::{self, Ground};
use crate::placement::Placement;
use crate::shell::driver::Parts;
use crate::shell::edition::{Edition, Editions};
use crate::shell::mesh::{Mesh, MeshEnd};
use crate::shell::{Clock, Control, Past, Report, Seat, epoll, listen, tls, uring};
use crate::telemetry::{self, Health, LogGuard, Metrics, Publisher, Reporter};
use parlance_core::{Directory, Mail, Setup, ShardId, Transport};
use parlance_people::runner::Runner;
use parlance_wire::xccos::Guid;
use rustix::rand::{GetRandomFlags, getrandom};
use rustls::ServerConfig;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Beyond the shards' own limit of draining, they get this much to report that they are done.
const DRAIN_SLACK: Duration = Duration::from_millis(2_500);

/// How long an address may stay taken by a server that has just ended.
const BIND_PATIENCE: Duration = Duration::from_secs(3);

/// How long an administrator's answer waits for the shards to take over what was changed: many
/// times what a turn under load takes.
const IN_FORCE_PATIENCE: Duration = Duration::from_millis(500);

/// How long the end of the server waits for the database to take what is left.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// Serves until told to stop.
///
/// # Errors
/// Why the server could not start: cause, effect, next step.
pub fn run(config: &Config, lines: &LogGuard) -> Result<Exit, String> {
    let clock = Clock::start();
    let io = config.cores.io;
    if io == Io::Uring {
        machine::probe_uring().map_err(|cause| {
            format!(
                "cores.io = \"uring\", and io_uring cannot be used: {cause}; or set cores.io to \
                 \"auto\""
            )
        })?;
        tracing::warn!("{}", machine::URING_WARNING);
    }
    let placement = Placement::plan(&config.cores, &Machine::read())?;
    // Every thread that is or will be, the shards' apart, stays off their cores.
    machine::bind_process(&placement.background);
    let in_force = certificate(config)?;
    let tls = tls::server_config(in_force.certificate()).map_err(|e| format!("no TLS: {e}"))?;
    machine::raise_descriptors();
    // All that listens is bound here: what cannot be had is told before anything runs.
    let (sockets, bound) = bind_all(config, placement.shards.len())?;
    let http = config.listen.http.map(bind_http).transpose()?;
    let bound = Bound { http: address_of(http.as_ref())?, ..bound };

    let (supervisor, reports) = channel();
    watch_signals(supervisor.clone(), in_force)?;
    // Held until the end: no second server on this data directory.
    let _lock = commit::lock(&config.data, config.log.engine)?;
    let seeds = seed()?;
    let fresh = Guid(u128::from_le_bytes(seeds[..16].try_into().expect("sixteen bytes")));
    let ground = opening::open(config, placement.shards.len(), fresh)?;
    let Ground { archive, opened, endpoints: known, administration, replication } = ground;
    let meshes = Mesh::build(placement.shards.len());
    let desk = Desk::new(meshes.iter().map(MeshEnd::bell).collect());
    let numbers = desk.numbers();
    numbers.stored.store(opened.reader.taken().0, Ordering::Release);
    let marks = opened.log.watermarks();
    numbers.durable.store(marks.durable.0, Ordering::Release);
    let (ack, spread) = (config.log.ack, seeds[16].into());
    let feeder = Feeder::new(archive, opened.reader, &marks, desk.clone(), ack, clock, spread);
    let mut feeder = feeder.replicating(replication.clone());
    // Only signals are reported before the shards run.
    if ack == Ack::Sql && !feeder.catch_up(|| reports.try_recv().is_err())? {
        return Ok(Exit::Done);
    }
    let service = Service::new(opened.log, opened.stored, desk.clone());
    let places: Vec<Edition> = meshes.iter().map(|mesh| Edition::new(mesh.bell())).collect();
    let editions = Editions::new(places.clone());
    let rooms = LiveRooms::open(&config.store, numbers.clone(), editions.clone())?;
    let publish = move |directory: &Arc<Directory>, touched| {
        editions.publish(directory, &touched);
        editions.await_taken(IN_FORCE_PATIENCE);
    };
    let administration = administration.start(Box::new(publish), Box::new(rooms))?;
    let queries = Queries::start(
        &config.store,
        meshes.len(),
        config.limits.queries_max,
        marks.durable,
        &numbers,
        Some(administration.clone()),
    )?;
    let endpoints = Arc::<Endpoints>::default();
    let ends = meshes.into_iter().zip(places).collect();
    let parts = parts(ends, &desk, &queries, &endpoints, clock, &tls, &supervisor);
    let past = |rooms| Past { rooms, endpoints: known.clone() };
    let pasts = opened.restored.into_iter().map(past).collect();
    let directory = administration.directory();
    let (seats, slots) = seats(config, &directory, &placement, parts, pasts, sockets, &supervisor)?;
    let store = Background::start("store", move |is_closing| feeder.run(is_closing))?;
    let service = match ack {
        Ack::Log => service,
        Ack::Sql => service.awaiting(store.thread().clone()),
    };
    let log = start_log(service, lines.clone())?;
    let endpoint_writer = commit::start_writer(&config.store, endpoints, replication.clone())?;
    let replicating = replication.as_ref().map(Replication::start).transpose()?;
    let controls: Vec<Control> = seats.iter().map(|seat| seat.control.clone()).collect();
    for seat in seats {
        let started = match io {
            Io::Epoll => epoll::start(seat),
            Io::Uring => uring::start(seat),
        };
        started.map_err(|e| format!("no thread for a shard: {e}"))?;
    }
    if let Some(early) = await_start(&reports, controls.len())? {
        return Ok(early);
    }
    let people = config.people.ldap.clone();
    let people = people
        .map(|settings| commit::people::start(settings, administration.clone()))
        .transpose()?;
    let health = Health::default();
    if let Some(listener) = http {
        let admin_numbers = administration.numbers().clone();
        let metrics = Metrics::new(clock, slots, numbers, admin_numbers, replication);
        let tokens = Tokens::open(&config.data)?;
        let trigger = people.as_ref().map(Runner::trigger);
        let api = api::router(Api::new(administration, tokens.into(), trigger));
        telemetry::serve(listener, metrics, health.clone(), api)
            .map_err(|e| format!("no HTTP: {e}"))?;
    }
    admin::tell_address(&config.data, bound.http)?;
    tracing::info!(shards = controls.len(), ?io, ?bound, "serving");
    let mut stdout = std::io::stdout().lock();
    // Nobody may be reading; that is no reason not to serve.
    let _ = stdout.write_all(greeting::text(config, &placement, &bound).as_bytes());
    let _ = stdout.flush();
    drop(stdout);
    let exit = supervise(config, &reports, &controls, &health);
    // The shards have drained, or were told to hurry: what they appended is made durable either
    // way.
    desk.close();
    // Its panics end the process by themselves.
    let _ = log.join();
    endpoint_writer.finish(STORE_PATIENCE);
    if let Some(replicating) = replicating {
        replicating.finish(STORE_PATIENCE);
    }
    if let Some(people) = people {
        people.finish(STORE_PATIENCE);
    }
    // What it does not manage is in the log.
    store.finish(STORE_PATIENCE);
    Ok(exit)
}

/// Waits for the first signal, drains, and waits for the shards or the second signal.
fn supervise(
    config: &Config,
    reports: &Receiver<Report>,
    controls: &[Control],
    health: &Health,
) -> Exit {
    // Nothing else is reported by now: a shard that dies takes the process with it.
    while !matches!(reports.recv(), Ok(Report::Signal(_)) | Err(_)) {}
    let limit = Duration::from_millis(config.limits.drain_ms) + DRAIN_SLACK;
    tracing::info!(?limit, "draining: no new links, posts are finished, links are closed");
    health.drain();
    controls.iter().for_each(Control::drain);
    let end = Instant::now() + limit;
    let mut left = controls.len();
    while left > 0 {
        match reports.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(Report::Drained(ShardId(shard))) => {
                tracing::debug!(shard, "drained");
                left -= 1;
            }
            Ok(Report::Signal(signal)) => {
                tracing::warn!(signal, "second signal: ending without waiting for the links");
                return Exit::Impatient;
            }
            Ok(Report::Started(_) | Report::Failed(..)) => (),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                tracing::warn!(shards = left, "not drained in time; the links left are cut");
                return Exit::Done;
            }
        }
    }
    tracing::info!("drained");
    Exit::Done
}

/// Waits until all shards serve. `Some` if a signal comes first.
fn await_start(reports: &Receiver<Report>, shards: usize) -> Result<Option<Exit>, String> {
    let mut started = 0;
    while started < shards {
        match reports.recv() {
            Ok(Report::Started(ShardId(shard))) => {
                tracing::debug!(shard, "started");
                started += 1;
            }
            Ok(Report::Signal(_)) => return Ok(Some(Exit::Done)),
            Ok(Report::Failed(ShardId(shard), cause)) => {
                return Err(format!(
                    "shard {shard} cannot start ({cause}), and a server without all its shards \
                     would lose rooms; see `parlance check`"
                ));
            }
            Ok(Report::Drained(_)) | Err(_) => unreachable!("nobody was told to drain or end"),
        }
    }
    Ok(None)
}

/// The configured certificate, or the one the server makes for itself.
fn certificate(config: &Config) -> Result<InForce, String> {
    let domain = &config.directory.domain;
    match &config.certificate {
        Some(files) => InForce::load(files.clone()),
        None => {
            ensure_self_signed(&config.data, domain)?;
            InForce::load(self_signed_files(&config.data, domain))
        }
    }
}

/// Listening sockets per shard.
type Sockets = Vec<Vec<(TcpListener, Transport)>>;

fn bind_all(config: &Config, shards: usize) -> Result<(Sockets, Bound), String> {
    let mut sockets: Sockets = (0..shards).map(|_| Vec::new()).collect();
    let mut bind = |addresses: &[SocketAddr], transport| -> Result<Vec<SocketAddr>, String> {
        let mut bound = Vec::new();
        for address in addresses {
            let (address, listeners) = listen::bind(*address, shards, BIND_PATIENCE)
                .map_err(|e| not_bound(*address, &e))?;
            bound.push(address);
            for (shard, listener) in sockets.iter_mut().zip(listeners) {
                shard.push((listener, transport));
            }
        }
        Ok(bound)
    };
    let sip = bind(&config.listen.sip, Transport::Tcp)?;
    let sips = bind(&config.listen.sips, Transport::Tls)?;
    Ok((sockets, Bound { sip, sips, http: None }))
}

fn bind_http(address: SocketAddr) -> Result<TcpListener, String> {
    let (_, mut listeners) =
        listen::bind(address, 1, BIND_PATIENCE).map_err(|e| not_bound(address, &e))?;
    Ok(listeners.pop().expect("one was asked for"))
}

fn not_bound(address: SocketAddr, error: &std::io::Error) -> String {
    format!(
        "{address} cannot be bound ({error}), so the server does not start; stop what listens \
         there (`ss -tlnp`), or choose another port in [listen]"
    )
}

fn address_of(listener: Option<&TcpListener>) -> Result<Option<SocketAddr>, String> {
    listener.map(TcpListener::local_addr).transpose().map_err(|e| e.to_string())
}

/// Starts the log's thread. When its disk fails, the process ends: what was acknowledged is safe,
/// and nothing more can be.
fn start_log(service: Service, lines: LogGuard) -> Result<JoinHandle<()>, String> {
    let serve = move || {
        let Err(fatal) = service.run() else { return };
        tracing::error!(
            cause = %fatal,
            effect = "the server ends now; posts that were not answered may or may not be kept",
            next_step = "mend the disk or make room, then start again: it tells what is there",
            "the log failed"
        );
        // It is the last that is heard of this process.
        lines.flush();
        // Destructors must not run: other threads still use what they would take away.
        std::process::exit(Exit::LogFailed as i32);
    };
    let thread = std::thread::Builder::new().name("log".into()).spawn(serve);
    thread.map_err(|e| format!("no thread for the log: {e}"))
}

/// Where each shard's numbers can be read.
type Slots = Vec<Arc<std::sync::Mutex<telemetry::Snapshot>>>;

/// What the drivers are made of, one for each shard, and where their numbers can be read.
fn parts(
    ends: Vec<(MeshEnd<Mail>, Edition)>,
    desk: &Arc<Desk>,
    queries: &Queries,
    endpoints: &Arc<Endpoints>,
    clock: Clock,
    tls: &Arc<ServerConfig>,
    supervisor: &Sender<Report>,
) -> Vec<(Parts, Arc<std::sync::Mutex<telemetry::Snapshot>>)> {
    let make = |(index, (mesh, edition)): (usize, (MeshEnd<Mail>, Edition))| {
        let id = ShardId(u16::try_from(index).expect("the configuration bounds shards"));
        let (publisher, slot) = Publisher::new();
        let reporter = Reporter::new(id, supervisor.clone());
        let log = desk.end(index);
        let queries = queries.end(mesh.bell());
        let (endpoints, tls) = (endpoints.clone(), tls.clone());
        (Parts { clock, mesh, log, queries, edition, endpoints, tls, publisher, reporter }, slot)
    };
    ends.into_iter().enumerate().map(make).collect()
}

/// What each shard's thread gets.
fn seats(
    config: &Config,
    directory: &Arc<Directory>,
    placement: &Placement,
    parts: Vec<(Parts, Arc<std::sync::Mutex<telemetry::Snapshot>>)>,
    pasts: Vec<Past>,
    sockets: Sockets,
    supervisor: &Sender<Report>,
) -> Result<(Vec<Seat>, Slots), String> {
    let shards = placement.shards.len();
    let (mut seats, mut slots) = (Vec::new(), Vec::new());
    let ends = parts.into_iter().zip(sockets).zip(&placement.shards).zip(pasts);
    for (index, ((((parts, slot), listeners), cpu), past)) in ends.enumerate() {
        slots.push(slot);
        let bell = parts.mesh.bell();
        let setup = Setup {
            id: ShardId(u16::try_from(index).expect("the configuration bounds shards")),
            shards,
            directory: directory.clone(),
            limits: config.limits.clone(),
            seed: seed()?,
        };
        seats.push(Seat {
            setup,
            parts,
            past,
            cpu: *cpu,
            listeners,
            control: Control::new(bell.clone()),
            bell,
            supervisor: supervisor.clone(),
        });
    }
    Ok((seats, slots))
}

/// Entropy for one shard's tags and branch keys.
fn seed() -> Result<[u8; 32], String> {
    let mut seed = [0; 32];
    let filled = getrandom(&mut seed, GetRandomFlags::empty());
    match filled {
        Ok(count) if count == seed.len() => Ok(seed),
        _ => Err("the kernel gives no random numbers, so nothing could be secret".into()),
    }
}

/// Reports SIGTERM and SIGINT; at SIGHUP the certificate is read again.
fn watch_signals(supervisor: Sender<Report>, certificate: InForce) -> Result<(), String> {
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP])
        .map_err(|e| format!("signals cannot be watched: {e}"))?;
    let watch = move || {
        for signal in signals.forever() {
            if signal == SIGHUP {
                certificate.reload();
                continue;
            }
            if supervisor.send(Report::Signal(signal)).is_err() {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("signals".into()).spawn(watch);
    thread.map(|_| ()).map_err(|e| format!("no thread for signals: {e}"))
}
