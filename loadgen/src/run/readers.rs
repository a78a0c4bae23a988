//! Endpoints that read slowly during the load, or not at all, and what becomes of them.
//!
//! A slow reader must get everything in the end, in order, unless the server gives its dialog up,
//! which is its right after some time. A dead reader is given up by the server, or not; nothing is
//! owed to it from the moment it stops.

use super::connection::Pace;
use super::laggards::Reader;
use super::phases::Run;
use super::world::{State, World};
use parlance_loadgen::ClientEvent;

impl Run {
    /// The load begins: some read slowly from now on, others not at all.
    pub(super) fn slow_down(&mut self) {
        if !self.plan.laggards.is_some() {
            return;
        }
        for endpoint in 0..self.plan.endpoints {
            let mut world = self.world.borrow_mut();
            let state = &world.endpoints[endpoint as usize];
            let Some(link) = self.links.get(state.link) else { continue };
            match (self.plan.reader_of(state.link), state.state) {
                (Reader::Good, _) | (_, State::Lost) => {}
                (Reader::Slow, _) => {
                    link.set_pace(Pace::BytesPerSecond(self.plan.laggards.slow_bytes_per_second));
                    world.measured.counts.slow += 1;
                }
                (Reader::Dead, _) => {
                    link.set_pace(Pace::Stopped);
                    world.stops_reading(endpoint);
                }
            }
        }
    }

    /// Slow readers read what waits for them. Those whose dialog the server has given up in silence
    /// learn it by asking.
    pub(super) fn catch_up(&self) {
        let slow = self.endpoints_that(|reader| reader == Reader::Slow);
        for endpoint in &slow {
            self.set_pace(*endpoint, Pace::Free);
        }
        self.ask_whether_open(&slow);
    }

    /// Dead readers read again to learn what the server did with them meanwhile.
    pub(super) async fn look_after_the_dead(&mut self) {
        let dead = self.endpoints_that(|reader| reader == Reader::Dead);
        if dead.is_empty() {
            return;
        }
        for endpoint in &dead {
            self.set_pace(*endpoint, Pace::Free);
        }
        self.ask_whether_open(&dead);
        self.wait(|world| dead.iter().all(|one| !is_open(world, *one))).await;
        let mut world = self.world.borrow_mut();
        for endpoint in dead {
            let state = &mut world.endpoints[endpoint as usize].state;
            if *state == State::Open {
                // Not answered, but not given up either.
                *state = State::Left;
            }
        }
    }

    /// Has endpoints ask by an UPDATE: the answer to a dialog that is no more is 481.
    pub(super) fn ask_whether_open(&self, endpoints: &[u32]) {
        for endpoint in endpoints {
            self.act(*endpoint, |client, out| {
                if client.is_open() {
                    client.update(out);
                }
            });
        }
    }

    fn endpoints_that(&self, is_wanted: impl Fn(Reader) -> bool) -> Vec<u32> {
        if !self.plan.laggards.is_some() {
            return Vec::new();
        }
        let world = self.world.borrow();
        let reader = |endpoint: u32| self.plan.reader_of(world.endpoints[endpoint as usize].link);
        (0..self.plan.endpoints)
            .filter(|endpoint| is_open(&world, *endpoint) && is_wanted(reader(*endpoint)))
            .collect()
    }

    fn set_pace(&self, endpoint: u32, pace: Pace) {
        let link = self.world.borrow().endpoints[endpoint as usize].link;
        if let Some(link) = self.links.get(link) {
            link.set_pace(pace);
        }
    }
}

fn is_open(world: &World, endpoint: u32) -> bool {
    world.endpoints[endpoint as usize].state == State::Open
}

impl World {
    /// A dead reader: nothing is owed to it any more.
    fn stops_reading(&mut self, endpoint: u32) {
        self.measured.counts.dead += 1;
        self.owed.leave(endpoint);
        self.checker.session_ended(self.session(endpoint));
        self.endpoints[endpoint as usize].is_dead = true;
    }

    /// A dead reader reads again; what the server sent it meanwhile does not matter any more.
    pub(super) fn on_dead_event(&mut self, endpoint: u32, event: &ClientEvent<'_>) {
        let state = &mut self.endpoints[endpoint as usize].state;
        match event {
            ClientEvent::Updated { status: 200 } => *state = State::Left,
            ClientEvent::Gone { .. } if !self.is_leaving && *state != State::Lost => {
                *state = State::Lost;
                self.measured.counts.dead_ended += 1;
            }
            _ => {}
        }
    }
}
