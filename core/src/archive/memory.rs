//! A database in memory, for tests and the simulator: the same answers, nothing kept.

use super::{Answer, Endpoint, Fault, Query};
use crate::log::{Record, RoomEnd};
use hashbrown::HashMap;
use parlance_wire::xccos::{Guid, HistorySearch};
use std::collections::BTreeMap;

/// Everything that was committed, and the preferences. Not bounded: it lives as long as a test.
#[derive(Debug, Default)]
pub struct MemoryArchive {
    /// Each room's messages in order: its history.
    rooms: HashMap<Guid, Vec<Record>>,
    ends: HashMap<Guid, RoomEnd>,
    /// By owner and label: number and content.
    preferences: HashMap<(Box<str>, String), (u64, String)>,
    /// By owner and endpoint identifier.
    endpoints: BTreeMap<(Box<str>, Box<str>), Endpoint>,
}

impl MemoryArchive {
    /// Keeps a committed message; of one that is no history, that the room goes on behind it.
    ///
    /// # Panics
    /// If its number is not above those of its room.
    pub fn keep(&mut self, record: Record) {
        let end = RoomEnd { room: record.room, number: record.number, ts: record.ts };
        let before = self.ends.insert(record.room, end);
        assert!(before.is_none_or(|before| before.number < end.number), "a room's numbers rise");
        if record.is_history {
            self.rooms.entry(record.room).or_default().push(record);
        }
    }

    /// Where a room ends that something was said in.
    pub fn end(&self, room: Guid) -> Option<RoomEnd> {
        self.ends.get(&room).copied()
    }

    /// Keeps which rooms an endpoint is in, or forgets it.
    pub fn remember(&mut self, endpoint: Endpoint) {
        let key = (endpoint.owner.clone(), endpoint.epid.clone());
        match endpoint.rooms.is_empty() {
            true => self.endpoints.remove(&key),
            false => self.endpoints.insert(key, endpoint),
        };
    }

    /// What was kept of endpoints, in one order.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.values()
    }

    /// What was kept of a room, oldest first.
    pub fn room(&self, room: Guid) -> &[Record] {
        self.rooms.get(&room).map_or(&[], |records| records)
    }

    /// Removes a room's messages up to a number, as an administrator does.
    pub fn clear(&mut self, room: Guid, through: u64) {
        if let Some(records) = self.rooms.get_mut(&room) {
            records.retain(|record| record.number > through);
        }
    }

    /// Puts another text in place of a message's, as an administrator does.
    pub fn replace(&mut self, room: Guid, number: u64, text: &str) {
        let records = self.rooms.get_mut(&room).into_iter().flatten();
        for record in records.filter(|record| record.number == number) {
            text.clone_into(&mut record.chat);
            record.rtf = None;
        }
    }

    /// Answers like a database that is there and has everything. A text finds the messages with one
    /// of its words, or with the text itself when it is a phrase.
    pub fn answer(&mut self, query: Query) -> Answer {
        match query {
            Query::Older { room, before, count } => {
                let older = self.room(room).iter().rev().filter(|record| record.number < before);
                let mut records: Vec<Record> = older.take(count).cloned().collect();
                records.reverse();
                Answer::Messages { records, is_exceeded: false }
            }
            Query::Search { rooms, search, count } => self.search(&rooms, &search, count),
            Query::ReadPreference { owner, label } => {
                let stored = self.preferences.get(&(owner, label)).cloned();
                let (seqid, content) = stored.unwrap_or_default();
                Answer::Preference { seqid, content }
            }
            Query::WritePreference { owner, label, seqid, content } => {
                let stored = self.preferences.entry((owner, label)).or_default();
                if seqid < stored.0 {
                    return Answer::Failed(Fault::Collision);
                }
                *stored = (stored.0 + 1, content);
                Answer::Written { seqid: stored.0 }
            }
            // The directory is not kept here: nobody is invited, and nobody administers.
            Query::Invitations { .. } => Answer::Invitations(Vec::new()),
            Query::Administer { .. } => Answer::Failed(Fault::Unavailable),
        }
    }

    fn search(&self, rooms: &[Guid], search: &HistorySearch, count: usize) -> Answer {
        let mut records: Vec<Record> = Vec::new();
        for room in rooms {
            records.extend(self.room(*room).iter().filter(|r| matches(r, search)).cloned());
        }
        records.sort_by_key(|record| (record.ts, record.room, record.number));
        if search.is_backwards {
            records.reverse();
        }
        let is_exceeded = records.len() > count;
        records.truncate(count);
        Answer::Messages { records, is_exceeded }
    }
}

fn matches(record: &Record, search: &HistorySearch) -> bool {
    let is_there = match search.start {
        Some(start) if search.is_backwards => record.number <= start,
        Some(start) => record.number >= start,
        None => {
            search.from.is_none_or(|from| record.ts >= from)
                && search.to.is_none_or(|to| record.ts <= to)
        }
    };
    let fold = |text: &str| match search.is_case_sensitive {
        true => text.to_owned(),
        false => text.to_lowercase(),
    };
    let (chat, text) = (fold(&record.chat), fold(&search.text));
    let is_said = match search.is_phrase {
        true => chat.contains(text.trim()),
        false => {
            let mut words = text.split_whitespace();
            words.clone().next().is_none()
                || words.any(|word| chat.split_whitespace().any(|said| said == word))
        }
    };
    is_there && is_said && (search.authors.is_empty() || search.authors.contains(&record.author))
}
