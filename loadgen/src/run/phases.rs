//! The phases of a run, one after the other; every wait is bounded.

use super::life::{Life, SignIns};
use super::link::Link;
use super::links::Links;
use super::meeting::{Meeting, Place};
use super::pace::{Schedule, Sleeper};
use super::plan::{Plan, Stream};
use super::posts::Post;
use super::process::{Sample, sample};
use super::progress::Progress;
use super::summary::LoadWindow;
use super::world::{Outcome, State, World};
use parlance_loadgen::Client;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often a waiting phase looks.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often the load phase looks at memory and shows itself.
const SHOW_EVERY: Duration = Duration::from_millis(200);
/// Draining ends when nothing has come for so long.
const QUIET_MAX: Duration = Duration::from_secs(5);
/// Most seconds for an answer.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Exit code of a program that SIGINT ended, as shells have it.
const INTERRUPTED: i32 = 130;
/// Authors tried before a post is given up for want of a member that is signed in.
const AUTHORS_TRIED_MAX: u32 = 64;

pub(super) struct Run {
    pub(super) plan: Rc<Plan>,
    pub(super) world: Rc<RefCell<World>>,
    pub(super) links: Rc<Links>,
    pub(super) sleeper: Sleeper,
    pub(super) progress: Progress,
    /// Somebody wants the load to end before its time.
    is_interrupted: Arc<AtomicBool>,
    meeting: Meeting,
}

/// Runs all phases on the links of this process; an error when the server is not to be reached.
pub async fn run(plan: Plan) -> Result<Outcome, String> {
    let plan = Rc::new(plan);
    let is_interrupted = on_interrupt()?;
    let meeting = Meeting::new(plan.share, &is_interrupted);
    let start = meeting.run_start();
    let world = Rc::new(RefCell::new(World::new(Rc::clone(&plan), start)));
    let mut run = Run {
        links: Links::new(&plan, &world),
        world,
        sleeper: Sleeper::new()?,
        progress: Progress::new(plan.watched(start), plan.share.count == 1)?,
        meeting,
        is_interrupted,
        plan,
    };
    run.meet(Place::Ready).await;
    if let Err(error) = run.sign_in().await {
        run.links.close();
        return Err(error);
    }
    run.settle().await;
    if let Some(fault) = run.links.fault() {
        run.links.close();
        return Err(fault);
    }
    let signed_in = start.elapsed();
    if run.plan.reads_whole_history {
        run.find_ends().await;
    }
    let load_start = run.meet(Place::SignedIn).await;
    let mut window = run.load(load_start).await;
    run.meet(Place::Loaded).await;
    run.drain().await;
    window.end(run.world.borrow().last_delivery);
    run.look_after_the_dead().await;
    run.meet(Place::Drained).await;
    if run.plan.reads_whole_history {
        run.read_all().await;
    } else if run.plan.reads_history {
        run.read_newest().await;
    }
    run.meet(Place::Read).await;
    run.leave().await;
    let mut outcome = run.world.borrow_mut().conclude();
    window.close(signed_in, &mut outcome.measured);
    run.progress.finish(&mut outcome.measured);
    Ok(outcome)
}

impl Run {
    /// Waits until all processes of the run are there; the moment at which they go on.
    async fn meet(&mut self, place: Place) -> Instant {
        self.meeting.arrive(place);
        loop {
            if let Some(start) = self.meeting.called() {
                self.sleeper.until(start).await;
                return start;
            }
            self.sleeper.pause(LOOK_EVERY).await;
        }
    }

    /// Tells the parent, if there is one, how it goes.
    fn tell_status(&mut self) {
        let world = self.world.borrow();
        self.meeting.show(|| self.progress.status(&world.measured, world.owed.outstanding()));
    }

    async fn sign_in(&mut self) -> Result<(), String> {
        let first = self.plan.life.storm_from(self.plan.endpoints);
        let even = Schedule::counting(Instant::now(), self.plan.sign_in_rate, first.into());
        let mut sign_ins = SignIns::new(self.plan.arrivals(even, Stream::SignInTimes), 0);
        while let Some(due) = sign_ins.due() {
            self.sleeper.until(due).await;
            sign_ins.take_all(&self.plan, &self.links);
            self.show_sign_in("sign-in");
            if let Some(fault) = self.links.fault() {
                return Err(fault);
            }
        }
        Ok(())
    }

    /// The link that an endpoint is on that has begun.
    pub(super) fn link(&self, index: u32) -> Rc<Link> {
        self.links.get(index).expect("who is signed in has a link")
    }

    fn show_sign_in(&mut self, phase: &'static str) {
        self.tell_status();
        let world = self.world.borrow();
        let counts = &world.measured.counts;
        let all = self.plan.memberships().max(1);
        let joined = world.owed.seated();
        self.progress.show(phase, joined as f64 / all as f64, || {
            let (opened, failed) = (counts.opened, counts.open_failed);
            format!("{opened} signed in, {joined} of {all} rooms joined, {failed} failed")
        });
    }

    async fn settle(&mut self) {
        let deadline = Instant::now() + self.plan.settle;
        while !self.world.borrow().is_settled() && Instant::now() < deadline {
            self.sleeper.pause(LOOK_EVERY).await;
            self.show_sign_in("settle");
        }
        let mut world = self.world.borrow_mut();
        if !world.is_settled() {
            world.error("not everybody was in all rooms in time".to_owned());
        }
    }

    fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Ordering::Relaxed)
    }

    /// Posts on schedule.
    async fn load(&mut self, start: Instant) -> LoadWindow {
        let mut window = LoadWindow::begin(self.plan.watched(start).server_pid, start);
        self.world.borrow_mut().begin_load(start);
        self.slow_down();
        let mut life = Life::new(Rc::clone(&self.plan), start);
        let mut slow_until = start.checked_add(self.plan.laggards.slow_for);
        let end = start + self.plan.duration;
        let mut show_at = start;
        let mut seconds_refreshed = 0;
        loop {
            let now = Instant::now();
            while let Some(post) = self.take_post(now) {
                self.post(&post, now);
            }
            if now >= show_at {
                show_at = now + SHOW_EVERY;
                window.look();
                self.show_load(now - start);
            }
            life.go_on(self, now);
            if slow_until.is_some_and(|until| now >= until) {
                slow_until = None;
                self.catch_up();
            }
            if now >= end || self.is_interrupted() || self.world.borrow().is_deserted() {
                break;
            }
            self.refresh((now - start).as_secs(), &mut seconds_refreshed);
            let next = self.world.borrow().next_due().unwrap_or(end).min(show_at).min(end);
            let next = life.next_due().map_or(next, |due| due.min(next));
            self.sleeper.until(next).await;
        }
        if self.plan.reconnects || self.plan.life.is_some() {
            self.settle().await;
        }
        self.catch_up();
        self.world.borrow_mut().end_load();
        window
    }

    fn take_post(&self, now: Instant) -> Option<Post> {
        self.world.borrow_mut().take_post(now)
    }

    fn show_load(&mut self, elapsed: Duration) {
        self.tell_status();
        let mut world = self.world.borrow_mut();
        let part = elapsed.as_secs_f64() / self.plan.duration.as_secs_f64().max(0.001);
        let outstanding = world.look();
        let status = self.progress.status(&world.measured, outstanding);
        self.progress.show_load(part, &status);
    }

    /// Has a member of its room send a post that is due.
    fn post(&self, post: &Post, now: Instant) {
        let room = &self.plan.rooms[post.room as usize];
        let mut world = self.world.borrow_mut();
        let mut authors = (0..AUTHORS_TRIED_MAX).map(|order| post.author(&self.plan, order));
        let Some(author) = authors.find(|author| world.may_post(*author, post.room)) else {
            return world.unsent(post);
        };
        let id = world.post(author, post, now);
        let author = &world.endpoints[author as usize];
        let text = id.text(post.bytes);
        self.link(author.link)
            .with(|mux, out| mux.client(author.place).post_as(id, &room.reference, &text, out));
    }

    /// Refreshes session timers in runs that are longer than them: some endpoints each second.
    fn refresh(&self, second: u64, done: &mut u64) {
        let world = self.world.borrow();
        let Some(expires) = world.session_expires_s.filter(|_| second > *done) else { return };
        *done = second;
        let period = (expires / 2).max(1) as usize;
        let slice = world.endpoints.iter().skip(second as usize % period).step_by(period);
        for endpoint in slice.filter(|endpoint| endpoint.state == State::Open) {
            self.link(endpoint.link).with(|mux, out| mux.client(endpoint.place).update(out));
        }
    }

    async fn drain(&mut self) {
        let start = Instant::now();
        let (mut before, mut progress_at, mut has_asked) = (0, start, false);
        while !self.world.borrow().is_quiet() {
            let now = Instant::now();
            let counts = self.world.borrow().measured.counts;
            if counts.delivered + counts.answered != before {
                (before, progress_at) = (counts.delivered + counts.answered, now);
            }
            if now - start > self.plan.drain {
                return;
            }
            if now - progress_at > QUIET_MAX {
                if has_asked {
                    return;
                }
                // A server gives a dialog up in silence; who asks is told.
                let behind = self.world.borrow().owed.behind();
                self.ask_whether_open(&behind);
                (has_asked, progress_at) = (true, now);
            }
            self.sleeper.pause(LOOK_EVERY).await;
            self.tell_status();
            let outstanding = self.world.borrow_mut().look();
            self.progress.show("drain", 1.0, || format!("{outstanding} outstanding"));
        }
    }

    pub(super) fn act(&self, endpoint: u32, act: impl FnOnce(&mut Client, &mut Vec<u8>)) {
        let world = self.world.borrow();
        let endpoint = &world.endpoints[endpoint as usize];
        if endpoint.state == State::Open {
            self.link(endpoint.link).with(|mux, out| act(mux.client(endpoint.place), out));
        }
    }

    pub(super) async fn wait(&mut self, is_done: impl Fn(&World) -> bool) {
        let deadline = Instant::now() + ANSWER_MAX;
        while !is_done(&self.world.borrow()) && Instant::now() < deadline {
            self.sleeper.pause(LOOK_EVERY).await;
        }
    }

    async fn leave(&mut self) {
        self.world.borrow_mut().is_leaving = true;
        let endpoints = self.plan.endpoints;
        let rate = self.plan.sign_in_rate * 4.0;
        let mut schedule = Schedule::counting(Instant::now(), rate, endpoints.into());
        let mut leaving = 0..endpoints;
        while let Some(due) = schedule.due() {
            self.sleeper.until(due).await;
            let now = Instant::now();
            while let Some(endpoint) = schedule.take(now).and_then(|_| leaving.next()) {
                self.act(endpoint, |client, out| client.bye(out));
            }
            self.tell_status();
            let left = self.world.borrow().measured.counts.left;
            let part = left as f64 / f64::from(endpoints);
            self.progress.show("leave", part, || format!("{left} of {endpoints} left"));
        }
        let is_open = |state: State| matches!(state, State::Open | State::Opening);
        self.wait(|world| !world.endpoints.iter().any(|endpoint| is_open(endpoint.state))).await;
        let mut world = self.world.borrow_mut();
        let silent = world.endpoints.iter().filter(|endpoint| is_open(endpoint.state)).count();
        (0..silent).for_each(|_| world.error("BYE never answered".to_owned()));
        drop(world);
        self.links.close();
    }
}

/// Set by SIGINT. A second one ends the program at once.
pub(super) fn on_interrupt() -> Result<Arc<AtomicBool>, String> {
    use signal_hook::{consts::SIGINT, flag};
    let is_set = Arc::new(AtomicBool::new(false));
    // In this order, or the first one would end it already.
    flag::register_conditional_shutdown(SIGINT, INTERRUPTED, Arc::clone(&is_set))
        .and_then(|_| flag::register(SIGINT, Arc::clone(&is_set)))
        .map_err(|error| format!("no signal can be taken: {error}"))?;
    Ok(is_set)
}

impl LoadWindow {
    /// Looks at both processes, then starts the clock.
    pub fn begin(server_pid: Option<u32>, start: Instant) -> LoadWindow {
        let server = server_pid.and_then(sample);
        let own = sample(std::process::id()).unwrap_or_default();
        LoadWindow {
            start,
            elapsed: Duration::ZERO,
            delivering: Duration::ZERO,
            server_pid,
            server_before: server,
            server_after: server,
            own_before: own,
            own_after: own,
            server_resident_max: server.map_or(0, |server| server.resident_bytes),
        }
    }

    pub fn look(&mut self) {
        self.server_after = self.server_pid.and_then(sample).or(self.server_after);
        let resident = self.server_after.map_or(0, |server| server.resident_bytes);
        self.server_resident_max = self.server_resident_max.max(resident);
    }

    pub fn end(&mut self, last_delivery: Option<Instant>) {
        self.look();
        self.own_after = sample(std::process::id()).unwrap_or_default();
        self.elapsed = self.start.elapsed();
        self.delivering = last_delivery.map_or(Duration::ZERO, |last| last - self.start);
    }
}

/// CPU seconds between two samples.
pub fn cpu_between(before: Sample, after: Sample) -> f64 {
    (after.cpu_s - before.cpu_s).max(0.0)
}
