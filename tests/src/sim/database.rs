//! The database beside the simulated server, and what happens when the server is killed: what the
//! log had for good is there afterwards, everything else is gone.

use super::agenda::Event;
use super::world::{Phase, World, node};
use parlance_core::admin::{self, Actor, Context};
use parlance_core::archive::Fault;
use parlance_core::{Answer, Input, Query, QueryKey, Record};
use parlance_wire::xccos::Guid;

/// A question of a shard.
#[derive(Debug)]
pub struct Asked {
    shard: usize,
    key: QueryKey,
    query: Query,
}

impl World {
    /// A shard asks.
    pub fn ask_database(&mut self, shard: usize, key: QueryKey, query: Query) {
        if matches!(query, Query::Older { .. }) {
            self.ledger.marks.hit("older_asked");
        }
        self.trace.number(0xda7a);
        self.queries_asked += 1;
        self.queries.insert(self.queries_asked, Asked { shard, key, query });
        let when = self.now + self.dice.between(1, self.plan.database_us);
        self.agenda.at(when, Event::Database(self.queries_asked));
    }

    /// The database answers, unless the server that asked is gone.
    pub fn answer_query(&mut self, number: u64) {
        let Some(Asked { shard, key, query }) = self.queries.remove(&number) else { return };
        let is_away =
            self.phase == Phase::Chaos && self.dice.percent(self.plan.database_fault_percent);
        let answer = match is_away {
            true => Answer::Failed(Fault::Unavailable),
            false => self.answer(query),
        };
        self.input(shard, Input::Answered { key, answer });
    }

    fn answer(&mut self, query: Query) -> Answer {
        let Query::Administer { user, act } = query else { return self.archive.answer(query) };
        if self.phase != Phase::Chaos {
            // Walls that were torn down are not built again by those who had asked before.
            return Answer::Failed(Fault::Unavailable);
        }
        let fresh = u128::from(self.dice.any()) << 64 | u128::from(self.dice.any());
        let context = Context { now: self.moment().wall, fresh: Guid(fresh) };
        let actor = Actor::User { uri: user.into() };
        Answer::Administered(match admin::plan(&self.directory, &actor, &act, &context) {
            Ok(plan) => {
                if !plan.changes.is_empty() {
                    self.put_in_force(&plan.changes);
                }
                Ok(plan.subject)
            }
            Err(refusal) => Err(refusal),
        })
    }

    /// The whole server is killed and started again. Of what its logs had not confirmed, any part
    /// from the front may have got to the disk.
    pub fn crash_server(&mut self) {
        if self.phase != Phase::Chaos {
            return;
        }
        let when = self.now + self.dice.between(1, 2 * self.plan.crash_us);
        self.agenda.at(when, Event::Crash);
        self.trace.tell(self.now, || "the server is killed and starts again".to_owned());
        self.ledger.marks.hit("server_crashed");
        for shard in 0..self.nodes.len() {
            let most = self.nodes[shard].log.waiting();
            let count = self.dice.between(0, most as u64) as usize;
            self.make_durable(shard, count);
        }
        if self.plan.log_forgets {
            self.forget_last();
        }
        self.collect_counters();
        for pipe in &mut self.pipes {
            pipe.is_crashed = pipe.server_open;
            pipe.server_open = false;
            pipe.link = None;
        }
        (0..self.pipes.len()).for_each(|pipe| self.arm_client(pipe));
        self.mail.iter_mut().for_each(std::collections::VecDeque::clear);
        self.queries.clear();
        self.start_again();
    }

    /// What was durable last in each room is gone.
    fn forget_last(&mut self) {
        let all = std::mem::take(&mut self.archive);
        for room in self.directory.rooms() {
            if let Some((_, rest)) = all.room(room.room.id).split_last() {
                rest.iter().for_each(|record| self.archive.keep(record.clone()));
            }
        }
    }

    /// New shards, which are given back where each room ended, and some of what was said last.
    fn start_again(&mut self) {
        // None, where the database is away when the server starts.
        let kept = self.dice.between(0, self.plan.limits.history_max.min(8) as u64) as usize;
        let (directory, moment) = (self.directory.clone(), self.moment());
        for id in 0..self.nodes.len() {
            let mut fresh = node(&self.plan, &directory, id, moment, &mut self.dice);
            for room in directory.rooms() {
                let records = self.archive.room(room.room.id);
                let end = &records[records.len().saturating_sub(kept)..];
                end.iter().for_each(|record| fresh.shard.restore(record.clone()));
                if let Some(end) = self.archive.end(room.room.id) {
                    fresh.shard.restore_end(end);
                }
            }
            for endpoint in self.archive.endpoints() {
                fresh.shard.restore_endpoint(moment, endpoint.clone());
            }
            self.nodes[id] = fresh;
        }
    }

    /// The first so many records that wait in a shard's log are durable.
    pub fn make_durable(&mut self, shard: usize, count: usize) {
        for record in self.nodes[shard].log.commit(count) {
            self.ledger.committed(&record);
            let is_history = record.is_history || self.plan.archive_leaks;
            self.archive.keep(Record { is_history, ..record });
        }
    }
}
