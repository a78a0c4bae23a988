//! What endpoints do during the load besides posting: a crowd that signs in at once, and a steady
//! coming and going.

use super::laggards::Reader;
use super::links::Links;
use super::pace::Schedule;
use super::phases::Run;
use super::plan::{Plan, Stream};
use super::profile::Organisation;
use super::world::{State, World};
use crate::cli::LifeArgs;
use parlance_loadgen::Client;
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Phases of a load with a storm in it.
const BEFORE_STORM: &str = "before the storm";
const STORM: &str = "storm";
pub const AFTER_STORM: &str = "after the storm";

/// An endpoint that should come back and still waits for the answer to its BYE waits so long again.
const AWAY_LONGER: Duration = Duration::from_secs(1);

/// What a run wants of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LifePlan {
    /// Part of the endpoints that sign in as a storm during the load.
    pub storm_part: f64,
    /// Sign-ins per second in the storm.
    pub storm_rate: f64,
    /// From the start of the load to the storm.
    pub storm_after: Duration,
    /// Endpoints that sign out, per second.
    pub churn_rate: f64,
    /// How long each of them stays away.
    pub away: Duration,
}

impl LifePlan {
    /// What the command line says, or else the profile.
    pub fn new(args: &LifeArgs, organisation: &Organisation) -> Result<LifePlan, String> {
        let Organisation { profile, users, .. } = organisation;
        let storm_part = args.storm_part.unwrap_or(profile.storm_part);
        let churn_rate =
            args.churn.unwrap_or_else(|| f64::from(*users) * profile.sign_outs_per_user_s);
        if !(0.0..1.0).contains(&storm_part) {
            return Err("--storm-part is a part of the endpoints, from 0 to below 1".to_owned());
        }
        let is_rate = |rate: f64| rate.is_finite() && rate >= 0.0;
        if !is_rate(churn_rate) || !is_rate(args.storm_rate) || args.storm_rate == 0.0 {
            return Err("rates are positive numbers".to_owned());
        }
        let storm_after = Duration::from_secs(args.storm_at);
        let (storm_rate, away) = (args.storm_rate, Duration::from_secs(args.away));
        Ok(LifePlan { storm_part, storm_rate, storm_after, churn_rate, away })
    }

    /// Is there any?
    pub fn is_some(&self) -> bool {
        self.storm_part > 0.0 || self.churn_rate > 0.0
    }

    /// The first endpoint of the storm, of so many.
    pub fn storm_from(&self, endpoints: u32) -> u32 {
        endpoints - (f64::from(endpoints) * self.storm_part) as u32
    }
}

/// Sign-ins on a schedule, one endpoint after the other. A process takes all of them and begins its
/// own.
pub struct SignIns {
    schedule: Schedule,
    next: u32,
}

impl SignIns {
    /// Endpoint `first` is the first that is due.
    pub fn new(schedule: Schedule, first: u32) -> SignIns {
        SignIns { schedule, next: first }
    }

    pub fn due(&self) -> Option<Instant> {
        self.schedule.due()
    }

    /// Begins all that are due and that there is room for.
    pub fn take_all(&mut self, plan: &Plan, links: &Rc<Links>) {
        let now = Instant::now();
        while !links.is_busy()
            && let Some(due) = self.schedule.take(now)
        {
            if plan.has(self.next) {
                links.sign_in(self.next, due);
            }
            self.next += 1;
        }
    }
}

/// How far the storm is.
enum Storm {
    None,
    Ahead(Instant),
    Rising(Box<SignIns>),
    Over,
}

/// See the module's text.
pub struct Life {
    plan: Rc<Plan>,
    storm: Storm,
    sign_outs: Schedule,
    random: ChaCha8Rng,
    /// Who comes back, and when.
    away: VecDeque<(Instant, u32)>,
}

impl Life {
    /// Of a load that starts at `start`.
    pub fn new(plan: Rc<Plan>, start: Instant) -> Life {
        let LifePlan { storm_part, storm_after, churn_rate, .. } = plan.life;
        let even = Schedule::lasting(start, churn_rate, plan.duration);
        Life {
            storm: if storm_part > 0.0 { Storm::Ahead(start + storm_after) } else { Storm::None },
            sign_outs: plan.arrivals(even, Stream::SignOutTimes),
            random: plan.random(Stream::SignOuts),
            away: VecDeque::new(),
            plan,
        }
    }

    /// When something is due next.
    pub fn next_due(&self) -> Option<Instant> {
        let storm = match &self.storm {
            Storm::Ahead(start) => Some(*start),
            Storm::Rising(sign_ins) => sign_ins.due(),
            Storm::None | Storm::Over => None,
        };
        let back = self.away.front().map(|(due, _)| *due);
        storm.into_iter().chain(self.sign_outs.due()).chain(back).min()
    }

    /// Does what is due.
    pub fn go_on(&mut self, run: &Run, now: Instant) {
        self.storm_on(run, now);
        while self.sign_outs.take(now).is_some() {
            let endpoint = super::mix::below(&mut self.random, self.plan.endpoints as usize) as u32;
            if self.plan.has(endpoint) && sign_out(run, endpoint, now) {
                self.away.push_back((now + self.plan.life.away, endpoint));
            }
        }
        while let Some((due, endpoint)) = self.away.pop_front_if(|(due, _)| *due <= now) {
            if !sign_in_again(run, endpoint, due) {
                self.away.push_back((now + AWAY_LONGER, endpoint));
            }
        }
    }

    fn storm_on(&mut self, run: &Run, now: Instant) {
        match &mut self.storm {
            Storm::Ahead(start) => {
                let (start, endpoints) = (*start, self.plan.endpoints);
                run.world.borrow_mut().phase(now, BEFORE_STORM);
                if now >= start {
                    let first = self.plan.life.storm_from(endpoints);
                    let count = u64::from(endpoints - first);
                    let even = Schedule::counting(start, self.plan.life.storm_rate, count);
                    let schedule = self.plan.arrivals(even, Stream::StormTimes);
                    self.storm = Storm::Rising(Box::new(SignIns::new(schedule, first)));
                    run.world.borrow_mut().phase(now, STORM);
                }
            }
            Storm::Rising(sign_ins) => {
                sign_ins.take_all(&self.plan, &run.links);
                if sign_ins.due().is_none() && run.world.borrow().is_settled() {
                    self.storm = Storm::Over;
                    run.world.borrow_mut().phase(now, AFTER_STORM);
                }
            }
            Storm::None | Storm::Over => {}
        }
    }
}

/// Says goodbye, if it is there and waits for nothing.
fn sign_out(run: &Run, endpoint: u32, now: Instant) -> bool {
    let mut world = run.world.borrow_mut();
    let state = &world.endpoints[endpoint as usize];
    if state.state != State::Open || state.reader != Reader::Good {
        return false;
    }
    let (link, place) = (run.link(state.link), state.place);
    let is_idle = |client: &mut Client| client.is_open() && client.unanswered() == 0;
    if !link.with(|mux, _| is_idle(mux.client(place))) {
        return false;
    }
    world.signs_out(endpoint, now);
    link.with(|mux, out| mux.client(place).bye(out));
    true
}

/// False when its BYE has no answer yet.
fn sign_in_again(run: &Run, endpoint: u32, due: Instant) -> bool {
    let (link, place) = {
        let state = &run.world.borrow().endpoints[endpoint as usize];
        if state.state != State::Out {
            return true; // Its link was lost meanwhile.
        }
        (run.link(state.link), state.place)
    };
    if !link.with(|mux, _| mux.client(place).is_idle()) {
        return false;
    }
    run.world.borrow_mut().signs_in_once_more(endpoint, due);
    link.sign_in(place);
    true
}

impl World {
    /// An endpoint says goodbye; it is owed nothing from now on.
    fn signs_out(&mut self, endpoint: u32, now: Instant) {
        self.advance(now);
        self.owed.leave(endpoint);
        self.wanted -= self.plan.rooms_of(endpoint).len() as u64;
        self.endpoints[endpoint as usize].state = State::Out;
    }

    /// It comes back.
    fn signs_in_once_more(&mut self, endpoint: u32, due: Instant) {
        self.wanted += self.plan.rooms_of(endpoint).len() as u64;
        let state = &mut self.endpoints[endpoint as usize];
        (state.state, state.due) = (State::Opening, due);
    }
}
