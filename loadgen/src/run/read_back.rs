//! Reading the rooms' histories after the load: what was accepted must be in them.

use super::laggards::Reader;
use super::pace::Schedule;
use super::phases::{ANSWER_MAX, LOOK_EVERY, Run};
use super::world::{State, World};
use parlance_loadgen::{PostId, RoomId};
use parlance_wire::xccos::{Command, Delivery, Found, FoundInRoom, HistorySearch, RoomRef};
use std::time::Instant;

/// History asked for per second.
const HISTORIES_PER_SECOND: f64 = 1_000.0;
/// Messages of history asked for at once; the server's cap wins.
const PAGE_MESSAGES: u32 = 500;
/// Members of a room among whom its reader is chosen.
const READERS_LOOKED_AT_MAX: usize = 64;

/// Numbers and marks of messages, oldest first.
pub type Messages = Vec<(u64, Option<PostId>)>;

/// A room that is read page by page.
#[derive(Debug, Default)]
pub struct Archive {
    /// Its last message before the load; what lies before belongs to earlier runs.
    before: u64,
    /// Read so far.
    messages: Messages,
    reading: Reading,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Reading {
    #[default]
    Nothing,
    End,
    Pages,
}

/// What follows from a page.
pub enum Next {
    /// The room's last message before the load has this number; 0 when there is none.
    End(u64),
    /// There is more: what to ask for.
    Page(HistorySearch),
    /// All of it is here.
    Whole(Messages),
    /// Nobody asked.
    Nothing,
}

impl Archive {
    /// Asks for the newest message.
    fn ask_end(&mut self, room: &RoomRef) -> HistorySearch {
        self.reading = Reading::End;
        let rooms = vec![room.clone()];
        HistorySearch { rooms, count_max: Some(1), is_backwards: true, ..HistorySearch::default() }
    }

    /// Asks for what comes behind the messages read so far.
    fn ask_page(&mut self, room: &RoomRef) -> HistorySearch {
        self.reading = Reading::Pages;
        let last = self.messages.last().map_or(self.before, |(chat_id, _)| *chat_id);
        HistorySearch {
            rooms: vec![room.clone()],
            start: Some(last + 1),
            count_max: Some(PAGE_MESSAGES),
            ..HistorySearch::default()
        }
    }

    /// Takes the answer.
    pub fn take(&mut self, room: &RoomRef, found: &FoundInRoom, is_exceeded: bool) -> Next {
        match std::mem::take(&mut self.reading) {
            Reading::Nothing => Next::Nothing,
            Reading::End => {
                self.before = found.messages.last().map_or(0, |message| message.chat_id);
                Next::End(self.before)
            }
            Reading::Pages => {
                let mark = |text: &str| PostId::parse(text).filter(|post| post.is_intact(text));
                let page = found.messages.iter().map(|one| (one.chat_id, mark(&one.chat)));
                self.messages.extend(page);
                // Without a message there is nothing to go on from, whatever the server says.
                match is_exceeded && !found.messages.is_empty() {
                    true => Next::Page(self.ask_page(room)),
                    false => Next::Whole(std::mem::take(&mut self.messages)),
                }
            }
        }
    }
}

impl Run {
    /// Reads the newest messages of each room that was posted to.
    pub(super) async fn read_newest(&mut self) {
        let readers = self.world.borrow_mut().readers();
        let asked = readers.len() as u64;
        let mut schedule = Schedule::counting(Instant::now(), HISTORIES_PER_SECOND, asked);
        let mut waiting = readers.into_iter();
        while let Some(due) = schedule.due() {
            self.sleeper.until(due).await;
            while let Some((room, endpoint)) =
                schedule.take(Instant::now()).and_then(|_| waiting.next())
            {
                let reference = &self.plan.rooms[room as usize].reference;
                self.act(endpoint, |client, out| {
                    client.history(reference, PAGE_MESSAGES, out);
                });
            }
        }
        self.wait(|world| world.measured.counts.histories >= asked).await;
        let mut world = self.world.borrow_mut();
        if world.measured.counts.histories < asked {
            world.error("history not told in time".to_owned());
        }
    }

    /// Finds out where each room ends before the load.
    pub(super) async fn find_ends(&mut self) {
        self.ask_all(Archive::ask_end).await;
    }

    /// Reads each room from there to its end.
    pub(super) async fn read_all(&mut self) {
        self.ask_all(Archive::ask_page).await;
    }

    async fn ask_all(&mut self, ask: impl Fn(&mut Archive, &RoomRef) -> HistorySearch) {
        let rooms = self.plan.rooms.len() as u32;
        let mut ours = (0..rooms).filter(|room| self.plan.reads(*room));
        let count = ours.clone().count() as u64;
        let goal = self.world.borrow().measured.counts.histories + count;
        let mut schedule = Schedule::counting(Instant::now(), HISTORIES_PER_SECOND, count);
        while let Some(due) = schedule.due() {
            self.sleeper.until(due).await;
            while let Some(room) = schedule.take(Instant::now()).and_then(|_| ours.next()) {
                self.ask_one(room, &ask);
            }
        }
        let mut seen = (self.read_so_far(), Instant::now());
        while self.world.borrow().measured.counts.histories < goal {
            self.sleeper.pause(LOOK_EVERY).await;
            let (read, now) = (self.read_so_far(), Instant::now());
            self.progress.show("history", 1.0, || format!("{} messages read", read.1));
            if read != seen.0 {
                seen = (read, now);
            } else if now - seen.1 > ANSWER_MAX {
                return self.world.borrow_mut().error("history not told in time".to_owned());
            }
        }
    }

    fn ask_one(&self, room: u32, ask: impl Fn(&mut Archive, &RoomRef) -> HistorySearch) {
        let mut world = self.world.borrow_mut();
        let Some(endpoint) = world.reader(room) else {
            return world.error("nobody is left to read a room".to_owned());
        };
        let reference = &self.plan.rooms[room as usize].reference;
        let search = ask(&mut world.archives[room as usize], reference);
        drop(world);
        let command = Command::BcByDate(Box::new(search));
        self.act(endpoint, |client, out| {
            client.command(&command, out);
        });
    }

    /// Histories and messages.
    fn read_so_far(&self) -> (u64, u64) {
        let counts = &self.world.borrow().measured.counts;
        (counts.histories, counts.messages_read)
    }
}

impl World {
    /// A member that can read the room's history: of some, the one that reads the fewest rooms,
    /// because a server lets nobody search many at once.
    fn reader(&mut self, room: u32) -> Option<u32> {
        let members = self.plan.rooms[room as usize].members.iter();
        let endpoints = members.flat_map(|user| self.plan.endpoints_of(*user));
        let can_read = |endpoint: &u32| {
            let endpoint = &self.endpoints[*endpoint as usize];
            endpoint.state == State::Open && endpoint.reader == Reader::Good
        };
        let some = endpoints.filter(can_read).take(READERS_LOOKED_AT_MAX);
        let reader = some.min_by_key(|endpoint| self.endpoints[*endpoint as usize].reading)?;
        self.endpoints[reader as usize].reading += 1;
        Some(reader)
    }

    /// Rooms that were posted to and that are read here, with a member that can read each.
    fn readers(&mut self) -> Vec<(u32, u32)> {
        let is_written = |room: &u32| self.first_numbers[*room as usize].is_some();
        let rooms = 0..self.plan.rooms.len() as u32;
        let ours: Vec<u32> =
            rooms.filter(|room| is_written(room) && self.plan.reads(*room)).collect();
        ours.into_iter().filter_map(|room| Some((room, self.reader(room)?))).collect()
    }

    pub(super) fn on_history(&mut self, room_uri: &str, messages: &[Delivery]) {
        self.measured.counts.histories += 1;
        let Some(&room) = self.room_index.get(room_uri) else {
            return self.error(format!("history of {room_uri}, which nobody asked for"));
        };
        let Some(first) = self.first_numbers[room as usize] else { return };
        let ours: Vec<(u64, Option<PostId>)> = messages
            .iter()
            .filter(|message| message.chat_id >= first)
            .map(|message| (message.chat_id, PostId::parse(&message.chat)))
            .collect();
        self.checker.history_read_at_rest(RoomId(room), &ours);
    }

    pub(super) fn on_found(&mut self, endpoint: u32, found: &Found) {
        for room in &found.rooms {
            self.found_in_room(endpoint, room, found.is_exceeded);
        }
    }

    fn found_in_room(&mut self, endpoint: u32, found: &FoundInRoom, is_exceeded: bool) {
        let Some(&room) = self.room_index.get(&found.room_uri) else {
            return self.error(format!("found in {}, which nobody asked for", found.room_uri));
        };
        let reference = &self.plan.rooms[room as usize].reference;
        let archive = &mut self.archives[room as usize];
        let next = archive.take(reference, found, is_exceeded);
        if matches!(next, Next::Page(_) | Next::Whole(_)) {
            self.measured.counts.messages_read += found.messages.len() as u64;
        }
        match next {
            Next::End(before) => {
                self.measured.counts.histories += 1;
                self.checker.room_had(RoomId(room), before);
            }
            Next::Page(search) => {
                let place = self.endpoints[endpoint as usize].place;
                self.pages.push((place, Command::BcByDate(Box::new(search))));
            }
            Next::Whole(messages) => {
                self.measured.counts.histories += 1;
                self.checker.history_read_at_rest(RoomId(room), &messages);
            }
            Next::Nothing => self.error("history that nobody asked for".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlance_loadgen::rooms::room_uri;
    use parlance_wire::xccos::{Delivery, Timestamp};

    fn page(numbers: std::ops::RangeInclusive<u64>) -> FoundInRoom {
        let message = |chat_id| Delivery {
            room_uri: room_uri("example.test", 0),
            author: "sip:u1@example.test".to_owned(),
            author_name: "u1".to_owned(),
            ts: Timestamp(0),
            alert: false,
            chat_id,
            chat: PostId { client: 1, seq: chat_id as u32 }.text(64),
            rtf: None,
        };
        let messages = numbers.map(message).collect();
        FoundInRoom { room_uri: room_uri("example.test", 0), messages }
    }

    #[test]
    fn pages_follow_each_other_from_the_end_before_the_load() {
        let room = RoomRef::parse(&room_uri("example.test", 0)).expect("our own URI");
        let mut archive = Archive::default();
        assert!(archive.ask_end(&room).is_backwards);
        assert!(matches!(archive.take(&room, &page(7..=7), true), Next::End(7)));
        assert_eq!(archive.ask_page(&room).start, Some(8));
        let Next::Page(search) = archive.take(&room, &page(8..=9), true) else {
            panic!("there is more");
        };
        assert_eq!(search.start, Some(10));
        let mut last = page(10..=10);
        last.messages[0].chat.push('!');
        let Next::Whole(messages) = archive.take(&room, &last, false) else {
            panic!("that was all");
        };
        let mark = |seq| Some(PostId { client: 1, seq });
        assert_eq!(messages, [(8, mark(8)), (9, mark(9)), (10, None)]);
        assert!(matches!(archive.take(&room, &page(1..=1), true), Next::Nothing));
    }

    #[test]
    fn a_new_room_begins_at_one_and_an_empty_page_ends_it() {
        let room = RoomRef::parse(&room_uri("example.test", 0)).expect("our own URI");
        let mut archive = Archive::default();
        archive.ask_end(&room);
        let empty = FoundInRoom { messages: Vec::new(), ..page(1..=1) };
        assert!(matches!(archive.take(&room, &empty, false), Next::End(0)));
        assert_eq!(archive.ask_page(&room).start, Some(1));
        assert!(matches!(archive.take(&room, &empty, true), Next::Whole(all) if all.is_empty()));
    }
}
