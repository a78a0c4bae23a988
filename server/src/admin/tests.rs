//! The service on a database in memory that others change and that goes away.

use super::ledger::{AdminRecord, Invitation, Ledger, LedgerError, StoredRecord};
use super::open::open;
use super::rooms::NoRooms;
use super::service::{Admin, Done, Options, Surface};
use super::{AdminError, MessageAct};
use crossbeam::channel::{Receiver, unbounded};
use parlance_core::admin::{Act, Actor, Cause, NewCategory};
use parlance_core::directory::{Change, Revision, Touched};
use parlance_core::{Directory, RoomConfig};
use parlance_storage::sql::{Found, Place, Query};
use parlance_wire::xccos::{Guid, Timestamp};
use std::sync::{Arc, Mutex};

/// What is in it, and what is to happen to it.
#[derive(Default)]
struct Memory {
    batches: Vec<Vec<Change>>,
    records: Vec<AdminRecord>,
    /// Does not answer.
    is_away: bool,
    /// Takes the next batch and does not say so.
    loses_answer: bool,
    /// Others come first with these, one before each batch of ours.
    others: Vec<Vec<Change>>,
}

#[derive(Clone, Default)]
struct Fake(Arc<Mutex<Memory>>);

impl Fake {
    fn memory(&self) -> Result<std::sync::MutexGuard<'_, Memory>, LedgerError> {
        let memory = self.0.lock().unwrap();
        match memory.is_away {
            true => Err(LedgerError::Database("the database is not available: gone".into())),
            false => Ok(memory),
        }
    }

    fn set(&self, change: impl FnOnce(&mut Memory)) {
        change(&mut self.0.lock().unwrap());
    }

    fn outcomes(&self) -> Vec<String> {
        self.0.lock().unwrap().records.iter().map(|record| record.outcome.clone()).collect()
    }
}

impl Ledger for Fake {
    fn revision(&mut self) -> Result<Revision, LedgerError> {
        Ok(Revision(self.memory()?.batches.len() as u64))
    }

    fn load(&mut self, take: &mut dyn FnMut(Change)) -> Result<Revision, LedgerError> {
        let memory = self.memory()?;
        memory.batches.iter().flatten().cloned().for_each(take);
        Ok(Revision(memory.batches.len() as u64))
    }

    fn commit(
        &mut self,
        base: Revision,
        changes: &[Change],
        record: &AdminRecord,
    ) -> Result<Revision, LedgerError> {
        let mut memory = self.memory()?;
        if let Some(others) = memory.others.pop() {
            memory.batches.push(others);
        }
        if base != Revision(memory.batches.len() as u64) {
            return Err(LedgerError::Collision);
        }
        memory.batches.push(changes.to_vec());
        memory.records.push(record.clone());
        match std::mem::take(&mut memory.loses_answer) {
            true => Err(LedgerError::Database("the answer got lost".into())),
            false => Ok(Revision(memory.batches.len() as u64)),
        }
    }

    fn note(&mut self, record: &AdminRecord) -> Result<(), LedgerError> {
        self.memory()?.records.push(record.clone());
        Ok(())
    }

    fn request(&mut self, key: &str) -> Result<Option<AdminRecord>, LedgerError> {
        let memory = self.memory()?;
        let is_it = |record: &&AdminRecord| record.request_key.as_deref() == Some(key);
        Ok(memory.records.iter().find(is_it).cloned())
    }

    fn records(&mut self, _: Option<u64>, _: usize) -> Result<Vec<StoredRecord>, LedgerError> {
        unreachable!("nobody asks")
    }

    fn invitations(&mut self, _: Guid, _: u64, _: usize) -> Result<Vec<Invitation>, LedgerError> {
        unreachable!("nobody asks")
    }

    fn room_bytes(&mut self) -> Result<Vec<(Guid, u64)>, LedgerError> {
        unreachable!("nobody asks")
    }

    fn search(&mut self, _: &Query) -> Result<Found, LedgerError> {
        unreachable!("nobody asks")
    }

    fn clear(&mut self, _: Guid, _: Timestamp) -> Result<u64, LedgerError> {
        self.memory().map(|_| 7)
    }

    fn delete(&mut self, _: Guid, _: &[Place]) -> Result<u64, LedgerError> {
        unreachable!("nobody asks")
    }

    fn replace(&mut self, _: Guid, _: &[Place], _: &str) -> Result<u64, LedgerError> {
        unreachable!("nobody asks")
    }
}

/// Administration on a fake database, with what it publishes.
struct Desk {
    fake: Fake,
    admin: Admin,
    published: Receiver<(Arc<Directory>, Touched)>,
}

fn lobby() -> RoomConfig {
    let (name, description) = ("Lobby".into(), String::new());
    RoomConfig { id: Guid(7), name, description, managers: Vec::new() }
}

impl Desk {
    fn open() -> Desk {
        let fake = Fake::default();
        let loaded = open(Box::new(fake.clone()), "example.test", vec![lobby()], true).unwrap();
        let (sender, published) = unbounded();
        let publish = move |directory: &Arc<Directory>, touched| {
            sender.send((directory.clone(), touched)).unwrap();
        };
        let admin = loaded.start(Box::new(publish), Box::new(NoRooms)).unwrap();
        Desk { fake, admin, published }
    }

    fn make(&self, name: &str, options: Options) -> Result<Done, AdminError> {
        let act = Act::NewCategory(NewCategory::named(name));
        self.admin.submit(boss(), act, Surface::Http, options)
    }
}

fn boss() -> Actor {
    Actor::Administrator { name: "boss".into() }
}

fn keyed(key: &str) -> Options {
    Options { request_key: Some(key.into()), ..Options::default() }
}

/// What somebody else does meanwhile.
fn other_category(name: &str) -> Vec<Change> {
    let id = parlance_core::directory::guid_of(name);
    let name = name.to_owned();
    let category =
        parlance_core::directory::model::Category { id, name, version: 1, ..Default::default() };
    vec![Change::Category(category)]
}

fn cause_of(outcome: Result<Done, AdminError>) -> Cause {
    match outcome {
        Err(AdminError::Refused(refusal)) => refusal.cause,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_act_is_committed_published_and_written_down() {
    let desk = Desk::open();
    let before = desk.admin.directory();
    assert!(before.named("Lobby").is_some() && before.named("General").is_some());
    let done = desk.make("Research", Options::default()).unwrap();
    assert_eq!(done.revision, Revision(before.revision.0 + 1));
    let (published, touched) = desk.published.recv().unwrap();
    assert!(published.named("research").is_some() && !touched.everything);
    assert!(Arc::ptr_eq(&published, &desk.admin.directory()));
    let records = &desk.fake.0.lock().unwrap().records;
    let record = records.last().unwrap();
    assert_eq!(
        (&*record.actor, &*record.act, &*record.target),
        ("boss", "category.new", "Research")
    );
    assert!(record.outcome.starts_with("{\"done\":{\"revision\":"), "{}", record.outcome);
}

#[test]
fn a_second_start_makes_nothing_again() {
    let desk = Desk::open();
    let revision = desk.admin.directory().revision;
    let again = open(Box::new(desk.fake.clone()), "example.test", vec![lobby()], true).unwrap();
    assert_eq!(again.directory().revision, revision);
    let clash = RoomConfig { id: Guid(8), ..lobby() };
    let refused = open(Box::new(desk.fake), "example.test", vec![clash], true);
    assert!(refused.err().unwrap().contains("two rooms are called"));
}

#[test]
fn what_is_refused_is_written_down_and_changes_nothing() {
    let desk = Desk::open();
    let revision = desk.admin.directory().revision;
    let outcome = desk.make("Lobby", Options::default());
    assert_eq!(cause_of(outcome), Cause::DuplicateRoomName);
    assert_eq!(desk.admin.directory().revision, revision);
    let outcomes = desk.fake.outcomes();
    assert!(outcomes.last().unwrap().contains("duplicate-room-name"), "{outcomes:?}");
    assert!(desk.published.is_empty());
}

#[test]
fn a_dry_run_says_what_would_be_and_leaves_no_trace() {
    let desk = Desk::open();
    let (revision, records) = (desk.admin.directory().revision, desk.fake.outcomes().len());
    let options = Options { dry_run: true, ..keyed("k") };
    let done = desk.make("Research", options.clone()).unwrap();
    assert_eq!(done.changes, ["category \"Research\" made"]);
    assert_eq!(cause_of(desk.make("Lobby", options)), Cause::DuplicateRoomName);
    assert_eq!(desk.admin.directory().revision, revision);
    assert_eq!(desk.fake.outcomes().len(), records);
}

#[test]
fn who_comes_second_plans_again_and_gives_up_at_last() {
    let desk = Desk::open();
    desk.fake.set(|memory| memory.others = vec![other_category("Theirs")]);
    desk.make("Ours", Options::default()).unwrap();
    let directory = desk.admin.directory();
    assert!(directory.named("Theirs").is_some() && directory.named("Ours").is_some());

    desk.fake.set(|memory| memory.others = vec![other_category("Mine")]);
    assert_eq!(cause_of(desk.make("Mine", Options::default())), Cause::DuplicateRoomName);

    let others = ["A", "B", "C"].map(other_category);
    desk.fake.set(|memory| memory.others = others.to_vec());
    assert_eq!(cause_of(desk.make("Late", Options::default())), Cause::DataCollision);
    desk.make("Late", Options::default()).unwrap();
}

#[test]
fn the_same_request_is_carried_out_once() {
    let desk = Desk::open();
    let first = desk.make("Research", keyed("one")).unwrap();
    let again = desk.make("Research", keyed("one")).unwrap();
    assert!(again.is_repeated && !first.is_repeated);
    assert_eq!((again.revision, again.subject), (first.revision, first.subject));
    assert_eq!(desk.make("Other", keyed("one")), Err(AdminError::KeyReused));
    assert_eq!(cause_of(desk.make("Lobby", keyed("two"))), Cause::DuplicateRoomName);
    assert_eq!(cause_of(desk.make("Lobby", keyed("two"))), Cause::DuplicateRoomName);
}

#[test]
fn without_the_database_nothing_is_done_and_afterwards_all_is_well() {
    let desk = Desk::open();
    let revision = desk.admin.directory().revision;
    desk.fake.set(|memory| memory.is_away = true);
    let outcome = desk.make("Research", Options::default());
    assert!(matches!(outcome, Err(AdminError::Database(_))), "{outcome:?}");
    assert_eq!(desk.admin.directory().revision, revision);
    desk.fake.set(|memory| memory.is_away = false);
    desk.make("Research", Options::default()).unwrap();

    // The batch is there, and nobody was told.
    desk.fake.set(|memory| memory.loses_answer = true);
    let outcome = desk.make("Library", keyed("lost"));
    assert!(matches!(outcome, Err(AdminError::Database(_))), "{outcome:?}");
    assert!(desk.make("Library", keyed("lost")).unwrap().is_repeated);
    assert!(desk.admin.directory().named("Library").is_some());
}

#[test]
fn messages_are_for_administrators() {
    let desk = Desk::open();
    let clear = |actor: Actor, room: &str| {
        let act = MessageAct::Clear { room: room.into(), until: Timestamp(1) };
        let (sender, answer) = unbounded();
        let wanted = super::Wanted::Messages(act);
        let (surface, options) = (Surface::Http, Options::default());
        let request = super::Request { actor, wanted, surface, options };
        desk.admin.send(request, Box::new(move |outcome| sender.send(outcome).unwrap()));
        answer.recv().unwrap()
    };
    assert_eq!(clear(boss(), "Lobby").unwrap().messages, Some(7));
    assert_eq!(cause_of(clear(boss(), "Attic")), Cause::NoSuchNode);
    let user = Actor::User { uri: "sip:ann@example.test".into() };
    assert_eq!(cause_of(clear(user, "Lobby")), Cause::ErrorPermission);
}
