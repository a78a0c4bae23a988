//! What is said in a room: its number, the log, and then everybody.

use super::super::{Output, Shard};
use super::{Move, Pending};
use crate::log::Record;
use crate::mail::{Address, AskKey, Item, Mail, PostOutcome, User};
use crate::policy::Right;
use parlance_wire::xccos::{self, Delivery, Guid, Post};
use std::sync::Arc;

impl Shard {
    pub(in crate::shard) fn on_post_mail(
        &mut self,
        id: Guid,
        from: Address,
        user: Arc<User>,
        ask: AskKey,
        post: Box<Post>,
    ) {
        match self.rooms.get_mut(&id) {
            Some(room) if room.has_moves_of(from) => {
                room.moves.push_back(Move::Post { from, user, ask, post });
            }
            _ => self.post(id, from, user, ask, *post),
        }
    }

    /// Numbers a message and hands it to the log.
    pub(super) fn post(
        &mut self,
        id: Guid,
        from: Address,
        user: Arc<User>,
        ask: AskKey,
        post: Post,
    ) {
        let session = from.session;
        let uncommitted_max = self.setup.limits.uncommitted_max;
        let refusal = match self.rooms.get(&id) {
            None => Some(PostOutcome::NotJoined),
            Some(room) if !room.roster.has(&user, from) => Some(PostOutcome::NotJoined),
            Some(_) if !self.setup.directory.allows(&user.uri, id, Right::Post) => {
                Some(self.why_no_post(id))
            }
            Some(_) if self.is_log_full => Some(PostOutcome::Busy),
            Some(room) if room.uncommitted >= uncommitted_max => Some(PostOutcome::Busy),
            Some(_) => None,
        };
        if let Some(outcome) = refusal {
            return self.mail(from.shard, Mail::Posted { session, ask, outcome });
        }
        let room = self.rooms.get_mut(&id).expect("looked up above");
        room.last_number += 1;
        // The wall clock may jump back; a room's times must not.
        room.last_ts = room.last_ts.max(self.now.wall);
        let delivery = Box::new(Delivery {
            room_uri: room.entry.uri.clone(),
            author: user.uri.to_string(),
            author_name: user.name.to_string(),
            ts: room.last_ts,
            alert: post.alert,
            chat_id: room.last_number,
            chat: post.chat,
            rtf: post.rtf,
        });
        let is_history = self.setup.directory.keeps_history(&room.entry);
        let body = self.render(|out, envid| xccos::encode_delivery(out, envid, &delivery));
        self.last_ticket += 1;
        let record = record(self.last_ticket, id, &delivery, is_history);
        self.outputs.push_back(Output::Append { record });
        self.uncommitted.push_back((self.last_ticket, id));
        let room = self.rooms.get_mut(&id).expect("looked up above");
        room.uncommitted += 1;
        room.pending.push_back(Pending::Post { delivery, body, from, ask, is_history });
        self.counters.posts += 1;
    }

    fn why_no_post(&self, id: Guid) -> PostOutcome {
        match self.setup.directory.room(id) {
            None => PostOutcome::NoRoom,
            Some(entry) if entry.room.is_disabled => PostOutcome::Disabled,
            Some(_) => PostOutcome::Denied,
        }
    }

    /// Everything up to `ticket` is durable: authors are answered, then everybody gets the message.
    pub(in crate::shard) fn on_committed(&mut self, ticket: u64) {
        assert!(ticket <= self.last_ticket, "the log commits only what was appended");
        while self.uncommitted.front().is_some_and(|(first, _)| *first <= ticket) {
            let (_, id) = self.uncommitted.pop_front().expect("looked at");
            self.release_steps(id);
            self.release_post(id);
            self.release_steps(id);
        }
    }

    fn release_post(&mut self, id: Guid) {
        let room = self.rooms.get_mut(&id).expect("a room with posts pending is kept");
        let Some(Pending::Post { delivery, body, from, ask, is_history }) =
            room.pending.pop_front()
        else {
            unreachable!("a committed post heads its room's queue")
        };
        room.uncommitted -= 1;
        let number = delivery.chat_id;
        if is_history {
            // Its document is rendered already: its length is known.
            let (bytes, message) = self.fit(body.len(), *delivery);
            self.remember(id, (bytes, Arc::new(message)));
        }
        let (session, outcome) = (from.session, PostOutcome::Accepted);
        self.mail(from.shard, Mail::Posted { session, ask, outcome });
        self.deliver(id, &Item::Post { number, body });
    }

    /// Runs roster steps that waited for the posts before them.
    fn release_steps(&mut self, id: Guid) {
        while let Some(room) = self.rooms.get_mut(&id)
            && let Some(Pending::Step | Pending::Gone(_)) = room.pending.front()
        {
            match room.pending.pop_front() {
                Some(Pending::Gone(user)) => {
                    room.roster.depart(&user);
                    self.want_step(id);
                }
                _ => {
                    room.is_step_pending = false;
                    self.step(id);
                }
            }
        }
    }
}

fn record(ticket: u64, room: Guid, delivery: &Delivery, is_history: bool) -> Record {
    Record {
        ticket,
        room,
        number: delivery.chat_id,
        ts: delivery.ts,
        author: delivery.author.clone(),
        alert: delivery.alert,
        chat: delivery.chat.clone(),
        rtf: delivery.rtf.clone(),
        is_history,
    }
}
