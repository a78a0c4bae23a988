//! A run of several processes, seen from their parent: it starts them, has them wait for each
//! other, adds up what they measured and judges what they saw as one run.

use super::meeting::{Found, Order, Place, Status, Word};
use super::pace::{moment, shared_now_ns};
use super::phases::on_interrupt;
use super::plan::Plan;
use super::progress::Progress;
use super::summary::LoadWindow;
use parlance_loadgen::Checker;
use parlance_loadgen::results::{Measured, Verdict};
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How often the parent looks at the server and shows how it goes.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Until all have heard that they may go on.
const CALL_AHEAD: Duration = Duration::from_millis(20);

/// A process that does its share.
struct Worker {
    child: Child,
    orders: ChildStdin,
    status: Status,
    found: Option<Found>,
}

impl Drop for Worker {
    /// None outlives the run, however that ends.
    fn drop(&mut self) {
        if self.found.is_none() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// What a worker said; `None` when it says nothing more.
type Said = (usize, Option<Word>);

/// Runs the plan with so many processes; an error when one of them ends before its time.
pub fn run(plan: &Plan, workers: u32) -> Result<Measured, String> {
    let start_ns = shared_now_ns();
    let (sender, said) = channel();
    let workers = (0..workers)
        .map(|index| start(index, workers, start_ns, sender.clone()))
        .collect::<Result<Vec<Worker>, String>>()?;
    drop(sender);
    let progress = Progress::new(plan.watched(moment(start_ns)), true)?;
    Crew { plan, workers, said, progress, arrived: 0, phase: "start", window: None }.run(start_ns)
}

fn start(index: u32, count: u32, start_ns: u64, said: Sender<Said>) -> Result<Worker, String> {
    let program = std::env::current_exe().map_err(|error| format!("no worker: {error}"))?;
    let mut child = Command::new(program)
        .args(std::env::args_os().skip(1))
        .args(["--share", &format!("{index}/{count}/{start_ns}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("no worker: {error}"))?;
    let orders = child.stdin.take().expect("asked for above");
    let output = child.stdout.take().expect("asked for above");
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let Ok(Ok(word)) = line.map(|line| serde_json::from_str(&line)) else { break };
            if said.send((index as usize, Some(word))).is_err() {
                return;
            }
        }
        let _ = said.send((index as usize, None));
    });
    Ok(Worker { child, orders, status: Status::default(), found: None })
}

struct Crew<'a> {
    plan: &'a Plan,
    workers: Vec<Worker>,
    said: Receiver<Said>,
    progress: Progress,
    /// How many are at the next place.
    arrived: usize,
    phase: &'static str,
    /// From the start of the load on.
    window: Option<LoadWindow>,
}

impl Crew<'_> {
    fn run(mut self, start_ns: u64) -> Result<Measured, String> {
        let is_interrupted = on_interrupt()?;
        let (mut signed_in, mut is_stopped) = (Duration::ZERO, false);
        while self.workers.iter().any(|worker| worker.found.is_none()) {
            if !is_stopped && is_interrupted.load(Ordering::Relaxed) {
                is_stopped = true;
                self.order(&Order::Stop)?;
            }
            match self.said.recv_timeout(LOOK_EVERY) {
                Ok((_, Some(Word::Arrived(place)))) => {
                    self.arrived += 1;
                    if self.arrived == self.workers.len() {
                        self.arrived = 0;
                        if place == Place::SignedIn {
                            signed_in = Duration::from_nanos(shared_now_ns() - start_ns);
                        }
                        self.go_on(place)?;
                    }
                }
                Ok((index, Some(Word::Status(status)))) => self.workers[index].status = *status,
                Ok((index, Some(Word::Found(found)))) => self.workers[index].found = Some(*found),
                Ok((index, None)) if self.workers[index].found.is_some() => {}
                Ok((index, None)) => return Err(format!("worker {index} ended before its time")),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err("all workers ended".to_owned()),
            }
            self.show();
        }
        Ok(self.conclude(signed_in))
    }

    /// All are at a place, and leave it together.
    fn go_on(&mut self, place: Place) -> Result<(), String> {
        let at_ns = shared_now_ns() + CALL_AHEAD.as_nanos() as u64;
        self.phase = match place {
            Place::Ready => "sign-in",
            Place::SignedIn => "load",
            Place::Loaded => "drain",
            Place::Drained => "history",
            Place::Read => "leave",
        };
        if place == Place::SignedIn {
            self.window = Some(LoadWindow::begin(self.plan.server_pid, moment(at_ns)));
        }
        if let Some(window) = self.window.as_mut().filter(|_| place == Place::Drained) {
            window.end(None);
        }
        self.order(&Order::Go { at_ns })
    }

    fn order(&mut self, order: &Order) -> Result<(), String> {
        let line = serde_json::to_string(order).expect("numbers can be written");
        for (worker, index) in self.workers.iter_mut().zip(0..) {
            writeln!(worker.orders, "{line}")
                .map_err(|error| format!("worker {index} does not listen: {error}"))?;
        }
        Ok(())
    }

    fn show(&mut self) {
        if let Some(window) = self.window.as_mut().filter(|_| self.phase == "load") {
            window.look();
        }
        let all = self.workers.iter().map(|worker| worker.status);
        let all = all.fold(Status::default(), Status::beside);
        let Status { counts, outstanding, errors, own_cores, .. } = all;
        let (opened, joined, left) = (counts.opened, counts.joined, counts.left);
        let part = match (self.phase, &self.window) {
            ("sign-in", _) => joined as f64 / self.plan.memberships().max(1) as f64,
            ("load", Some(window)) => {
                window.start.elapsed().as_secs_f64() / self.plan.duration.as_secs_f64().max(0.001)
            }
            _ => 1.0,
        };
        self.progress.workers_cores = own_cores;
        if self.phase == "load" {
            return self.progress.show_load(part, &all);
        }
        self.progress.show(self.phase, part, || {
            format!(
                "{opened} signed in, {joined} rooms joined, {outstanding} outstanding, \
                 {left} left, {errors} errors"
            )
        });
    }

    fn conclude(mut self, signed_in: Duration) -> Measured {
        // The parent measures nothing but the processes.
        let mut measured = Measured { processes: 0, ..Measured::default() };
        if let Some(window) = &self.window {
            window.close(signed_in, &mut measured);
        }
        self.progress.finish(&mut measured);
        let found = self.workers.iter_mut().filter_map(|worker| worker.found.as_mut());
        let found: Vec<Found> = found.map(std::mem::take).collect();
        found.iter().for_each(|found| measured.merge(&found.measured));
        measured.counts.missing = missing(&found);
        let parts = found.into_iter().map(|found| found.part).collect();
        measured.verdict = Verdict::from(&Checker::of_parts(parts).finish());
        measured
    }
}

/// Deliveries that did not come of posts that were accepted. What became of a post only the process
/// knows that sent it, so the others wait for all of them.
fn missing(found: &[Found]) -> u64 {
    let accepted = found.iter().flat_map(|found| found.part.accepted());
    let accepted: HashSet<u32> = accepted.map(|post| post.seq).collect();
    let missing = found.iter().flat_map(|found| &found.missing);
    let missing = missing.filter(|(seq, _)| accepted.contains(seq));
    missing.map(|(_, count)| u64::from(*count)).sum()
}
