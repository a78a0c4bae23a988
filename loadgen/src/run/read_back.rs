//! Reading the rooms' histories after the load: what was accepted must be in them.

use super::pace::Schedule;
use super::phases::{ANSWER_MAX, LOOK_EVERY, Run};
use super::world::World;
use parlance_loadgen::PostId;
use parlance_wire::xccos::{Command, FoundInRoom, HistorySearch, RoomRef};
use std::time::Instant;

/// History asked for per second.
const HISTORIES_PER_SECOND: f64 = 1_000.0;
/// Messages of history asked for at once; the server's cap wins.
const PAGE_MESSAGES: u32 = 500;

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
        let readers = self.world.borrow().readers();
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
        let goal = self.world.borrow().measured.counts.histories + u64::from(rooms);
        for room in 0..rooms {
            let reference = &self.plan.rooms[room as usize].reference;
            let reader = self.world.borrow().reader(room);
            let Some(endpoint) = reader else {
                self.world.borrow_mut().error("nobody is left to read a room".to_owned());
                continue;
            };
            let search = ask(&mut self.world.borrow_mut().archives[room as usize], reference);
            let command = Command::BcByDate(Box::new(search));
            self.act(endpoint, |client, out| {
                client.command(&command, out);
            });
        }
        let mut seen = (self.read_so_far(), Instant::now());
        while self.world.borrow().measured.counts.histories < goal {
            self.sleeper.pause(LOOK_EVERY).await;
            let (read, now) = (self.read_so_far(), Instant::now());
            self.progress.show("history", 1.0, || format!("{read} messages read"));
            if read != seen.0 {
                seen = (read, now);
            } else if now - seen.1 > ANSWER_MAX {
                return self.world.borrow_mut().error("history not told in time".to_owned());
            }
        }
    }

    fn read_so_far(&self) -> u64 {
        let world: &World = &self.world.borrow();
        world.measured.counts.messages_read
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
