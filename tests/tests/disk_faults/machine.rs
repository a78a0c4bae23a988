//! A server on a disk that can fail, and what its users know.

use parlance_tests::disk::{FaultyDisk, Image, Survivors};
use parlance_tests::peer::Dialog;
use parlance_tests::server::{Options, Room, Server};
use parlance_tests::sim::dice::Dice;
use parlance_tests::talk::{self, Burst, HISTORY_MAX, join};
use parlance_wire::xccos::Delivery;
use std::collections::BTreeSet;

/// Posts on their way at once.
pub const POSTS: usize = 40;
/// Status of a server whose log has failed.
const LOG_FAILED: i32 = 4;

/// A server, its disk, and what was said to its users.
pub struct Machine {
    pub server: Server,
    pub disk: FaultyDisk,
    pub room: Room,
    pub acknowledged: Vec<String>,
    /// How far the database was said to have got: the log may have forgotten everything up to it.
    stored: u64,
    /// The disk before the first start.
    pub empty: Image,
    /// Answered with a failure: must never be seen.
    pub denied: BTreeSet<String>,
}

impl Machine {
    /// `None` where there can be no faulty disk.
    pub fn start() -> Option<Machine> {
        Machine::acknowledging("log")
    }

    /// The same with `ack` of `[log]`.
    pub fn acknowledging(ack: &'static str) -> Option<Machine> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Above the data directory, whose own entry can be lost like any other.
        let path = folder.path().join("disk");
        std::fs::create_dir(&path).expect("a folder for the disk");
        let disk = FaultyDisk::under(&path)?;
        let limits = ["history_max", "recent_max"].map(|key| format!("{key} = {HISTORY_MAX}"));
        let environment = disk.environment();
        let options = Options {
            limits: limits.into(),
            ack,
            data: "disk/data",
            environment,
            ..Options::default()
        };
        let server = Server::start_in(folder, &options);
        let (acknowledged, denied) = (Vec::new(), BTreeSet::new());
        let (room, empty) = (Room::numbered(1), disk.image());
        Some(Machine { server, disk, room, acknowledged, stored: 0, empty, denied })
    }

    /// Somebody in the room.
    pub fn author(&self) -> Dialog {
        let mut dialog = Dialog::open(self.server.sip, "author");
        join(&mut dialog, &self.room);
        dialog
    }

    /// Sends posts at once and waits for so many answers; fewer when the server ends. How many.
    pub fn talk(&mut self, author: &mut Dialog, name: &str, enough: usize) -> usize {
        self.say(author, name, POSTS, enough)
    }

    /// Talks until the server has ended, at most about as much as a history shows.
    pub fn talk_to_the_end(&mut self, author: &mut Dialog) {
        let mut name = (0..HISTORY_MAX - 4 * POSTS).map(|number| format!("end-{number}"));
        while name.next().is_some_and(|name| self.say(author, &name, 1, 1) == 1) {}
    }

    fn say(&mut self, author: &mut Dialog, name: &str, posts: usize, enough: usize) -> usize {
        let burst = Burst::send(author, &self.room, name, posts);
        let answers = burst.answers(author, enough);
        let count = answers.len();
        for (text, status) in answers {
            match status {
                200 => self.acknowledged.push(text),
                _ => drop(self.denied.insert(text)),
            }
        }
        count
    }

    /// Starts the server after its end, which may fail. Has it got ready?
    pub fn try_start(&mut self) -> bool {
        self.server.begin();
        self.server.until_ready().is_ok()
    }

    /// What everybody can read.
    pub fn history(&self) -> Vec<Delivery> {
        talk::history(&self.server, &self.room)
    }

    /// It has ended by itself because of its log, and has told the operator what and why.
    pub fn assert_ended(&mut self, cause: &str) {
        let status = self.server.wait();
        let said = self.server.stderr();
        assert_eq!(status.code(), Some(LOG_FAILED), "{said}");
        for part in ["the log failed", cause, "effect=", "next_step="] {
            assert!(said.contains(part), "no {part:?} in {said}");
        }
    }

    /// The power goes and comes back, and so does the server. Says how many changes were lost.
    pub fn lose_power(&mut self, survivors: Survivors, dice: &mut Dice) -> usize {
        self.server.kill();
        self.disk.heal();
        let lost = self.disk.lose_power(survivors, dice);
        self.server.restart();
        lost
    }

    /// The database has got at least so far.
    pub fn note_stored(&mut self) {
        self.stored = self.stored.max(self.server.metric("parlance_log_stored", "") as u64);
    }

    /// All that was acknowledged is in the history, once and in order; nothing that was denied is.
    /// What the log was free to forget is in the database.
    pub fn assert_kept(&self, when: &str) {
        const LACKS: &str = "read from the log what the database lacks";
        let said = self.server.until_said(LACKS);
        let records = |line: &str| -> u64 {
            let line = said.split_once(line).expect("it says what it has found").1;
            let value = line.split_once(" records=").expect("it says how many").1;
            let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
            value[..end].parse().expect("a number")
        };
        let stored = records("log opened") - records(LACKS);
        assert!(stored >= self.stored, "the database has {stored}, not {} {when}", self.stored);
        let history = self.history();
        talk::assert_kept(&history, &self.acknowledged, when);
        let denied = history.iter().find(|message| self.denied.contains(&message.chat));
        assert!(denied.is_none(), "{denied:?} was denied, and is there {when}");
    }
}
