//! Messages that are no history: told to those who are in, and never again.

use super::Ledger;
use parlance_loadgen::PostId;
use parlance_wire::xccos::RoomRef;

/// A number in a room, and whose message it is.
pub(super) type Mark = (u64, Option<PostId>);

impl Ledger {
    /// What history shows of a room from `start` on, and in their places those that it must leave
    /// out: together they have no hole. `is_end`: there is nothing behind it.
    pub(super) fn with_silent(
        &self,
        room: usize,
        start: u64,
        shown: &[Mark],
        is_end: bool,
    ) -> Vec<Mark> {
        let (mut all, mut next) = (Vec::new(), start);
        for mark in shown {
            all.extend(self.silent(room, next, mark.0.max(next)));
            all.push(*mark);
            next = mark.0 + 1;
        }
        if is_end {
            all.extend(self.silent(room, next, self.heard(room, next)));
        }
        all
    }

    /// Messages with numbers from `from` to before `to` that are no history.
    pub(super) fn silent(
        &self,
        room: usize,
        from: u64,
        to: u64,
    ) -> impl Iterator<Item = Mark> + use<'_> {
        let range = self.silent.range((room, from)..(room, to));
        range.map(|((_, number), post)| (*number, Some(*post)))
    }

    /// The first number from this one on that is history, or may become some.
    pub(super) fn heard(&self, room: usize, from: u64) -> u64 {
        let mut number = from;
        while self.silent.contains_key(&(room, number)) {
            number += 1;
        }
        number
    }

    /// Sentences about what is shown and is no history.
    pub(super) fn shown_silent(&self, room: usize, shown: &[Mark]) -> Vec<String> {
        let silent = shown.iter().filter(|(number, _)| self.silent.contains_key(&(room, *number)));
        silent.map(|(number, _)| format!("message {number} is shown, and no history")).collect()
    }

    /// May an answer be empty because the room's category keeps no history?
    pub(super) fn may_be_off(&self, room_uri: &str, asked_at: u64) -> bool {
        let room = RoomRef::parse(room_uri).and_then(|room| room.guid());
        let is_off = |room| self.walls.is_history_off(room, asked_at, self.now);
        self.has_walls && room.is_some_and(is_off)
    }
}
