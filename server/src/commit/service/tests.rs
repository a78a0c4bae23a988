//! The log's thread over a disk in memory, with shards and a feeder that are only their ends.

use super::super::lane::News;
use super::*;
use crate::shell::doorbell::Doorbell;
use parlance_core::time::Timestamp;
use parlance_storage::Log;
use parlance_storage::disk::fake::FakeDisk;
use parlance_storage::log::Options;
use parlance_wire::xccos::Guid;
use std::sync::atomic::AtomicBool;

/// Nobody wakes by himself: a call that is lost hangs the test.
const NEVER: Duration = Duration::from_secs(3600);

fn record(ticket: u64) -> Record {
    Record {
        ticket,
        room: Guid(1),
        number: ticket,
        ts: Timestamp(1),
        author: "sip:kay@example.test".into(),
        alert: false,
        chat: "x".repeat(100),
        rtf: None,
        is_history: true,
    }
}

fn service(shards: usize, options: Options) -> (Service, Arc<Desk>, Arc<LogNumbers>) {
    let (mut log, _) = Log::open(FakeDisk::default(), options).unwrap();
    let stored = log.attach("stored", Position(0)).unwrap();
    let desk = Desk::new((0..shards).map(|_| Arc::<Doorbell>::default()).collect());
    let numbers = desk.numbers();
    (Service::new(Box::new(log), stored, desk.clone()), desk, numbers)
}

/// The database has everything that the log has.
fn store_all(desk: &Desk, numbers: &LogNumbers) {
    numbers.stored.store(numbers.durable.load(Ordering::Acquire), Ordering::Release);
    desk.call();
}

/// A shard whose author posts `posts` times, each time when the last post is answered. An answer
/// that does not come hangs the test.
fn author(desk: &Arc<Desk>, shard: usize, posts: u64) -> std::thread::JoinHandle<()> {
    let (mut end, bell) = (desk.end(shard), desk.bell(shard));
    std::thread::spawn(move || {
        let mut durable = 0;
        for ticket in 1..=posts {
            end.append(record(ticket));
            end.flush();
            while durable < ticket {
                futures_lite::future::block_on(std::future::poll_fn(|cx| bell.poll_rung(cx)));
                while let Some(News::Durable(ticket)) = end.news() {
                    durable = ticket;
                }
            }
        }
    })
}

#[test]
fn what_several_shards_append_is_one_commit() {
    let (mut service, desk, numbers) = service(2, Options::default());
    let (mut a, mut b) = (desk.end(0), desk.end(1));
    (1..=3).for_each(|ticket| a.append(record(ticket)));
    b.append(record(1));
    a.flush();
    b.flush();
    assert_eq!(a.news(), None, "nothing is durable before the commit");
    assert!(service.round().unwrap());
    assert_eq!((a.news(), a.news()), (Some(News::Durable(3)), None));
    assert_eq!(b.news(), Some(News::Durable(1)));
    assert_eq!(numbers.commits.load(Ordering::Relaxed), 1);
    assert_eq!(numbers.durable.load(Ordering::Relaxed), 4);
    assert!(!service.round().unwrap(), "nothing is left to do");
}

#[test]
fn a_full_log_keeps_what_waits_and_takes_it_when_there_is_room() {
    let options = Options { quota_bytes: 8_000, segment_bytes: 2_000, ..Options::default() };
    let (mut service, desk, numbers) = service(1, options);
    let mut end = desk.end(0);
    (1..=60).for_each(|ticket| end.append(record(ticket)));
    end.flush();
    while service.round().unwrap() {}
    let mut news = Vec::new();
    while let Some(piece) = end.news() {
        news.push(piece);
    }
    assert_eq!(news[0], News::Full(true));
    let News::Durable(durable) = news[1] else { panic!("some were taken") };
    assert!((10..60).contains(&durable), "{durable}");
    // The store has taken everything that is durable: room for more, and so on.
    while end.news() != Some(News::Durable(60)) {
        let taken = numbers.durable.load(Ordering::Relaxed);
        numbers.stored.store(taken, Ordering::Relaxed);
        service.round().unwrap();
    }
}

#[test]
fn no_record_is_forgotten_between_threads() {
    let (mut service, desk, _) = service(2, Options::default());
    service.quiet = NEVER;
    let log = std::thread::spawn(move || service.run());
    let shards = [author(&desk, 0, 5_000), author(&desk, 1, 20_000)];
    shards.into_iter().for_each(|shard| shard.join().unwrap());
    desk.close();
    log.join().unwrap().unwrap();
}

#[test]
fn nothing_is_answered_before_the_database_has_it() {
    let (service, desk, numbers) = service(2, Options::default());
    let mut service = service.awaiting(std::thread::current());
    let (mut a, mut b) = (desk.end(0), desk.end(1));
    let waiting = || numbers.ack_waiting.load(Ordering::Relaxed);
    a.append(record(1));
    a.flush();
    assert!(service.round().unwrap());
    (2..=3).for_each(|ticket| a.append(record(ticket)));
    b.append(record(1));
    a.flush();
    b.flush();
    assert!(service.round().unwrap());
    assert_eq!((a.news(), b.news(), waiting()), (None, None, 4), "the log has all of it");

    // The database has the first commit and half of the second.
    numbers.stored.store(2, Ordering::Release);
    assert!(!service.round().unwrap(), "nothing is left for the log");
    assert_eq!((a.news(), b.news(), waiting()), (Some(News::Durable(1)), None, 3));
    store_all(&desk, &numbers);
    service.round().unwrap();
    assert_eq!(a.news(), Some(News::Durable(3)));
    assert_eq!((b.news(), waiting()), (Some(News::Durable(1)), 0));
}

#[test]
fn while_the_database_is_late_new_posts_are_refused_and_those_under_way_wait() {
    let (service, desk, numbers) = service(1, Options::default());
    let mut service = service.awaiting(std::thread::current());
    let mut end = desk.end(0);
    let begin = Instant::now();
    end.append(record(1));
    end.flush();
    service.round_at(begin).unwrap();
    service.round_at(begin + ACK_PATIENCE / 2).unwrap();
    assert_eq!((end.news(), numbers.ack_late.load(Ordering::Relaxed)), (None, 0));
    service.round_at(begin + ACK_PATIENCE).unwrap();
    assert_eq!(end.news(), Some(News::Full(true)));
    assert_eq!(numbers.ack_late.load(Ordering::Relaxed), 1);

    // What the shard had taken before it heard of that is taken here, too.
    end.append(record(2));
    end.flush();
    service.round_at(begin + ACK_PATIENCE).unwrap();
    numbers.stored.store(1, Ordering::Release);
    service.round_at(begin + ACK_PATIENCE).unwrap();
    assert_eq!((end.news(), end.news()), (Some(News::Durable(1)), None), "still refused");
    store_all(&desk, &numbers);
    service.round_at(begin + ACK_PATIENCE).unwrap();
    assert_eq!(end.news(), Some(News::Full(false)));
    assert_eq!((end.news(), end.news()), (Some(News::Durable(2)), None));
    assert_eq!(numbers.ack_late.load(Ordering::Relaxed), 0);
}

#[test]
fn the_end_answers_nothing_that_the_database_lacks() {
    let (service, desk, numbers) = service(1, Options::default());
    let service = service.awaiting(std::thread::current());
    let mut end = desk.end(0);
    end.append(record(1));
    end.flush();
    desk.close();
    service.run().unwrap();
    assert_eq!(end.news(), None);
    assert!(numbers.durable.load(Ordering::Relaxed) >= 1, "it is in the log all the same");
}

#[test]
fn no_wake_up_is_lost_between_log_and_feeder() {
    let (mut service, desk, numbers) = service(2, Options::default());
    service.quiet = NEVER;
    let is_done = Arc::new(AtomicBool::new(false));
    let feeder = std::thread::spawn({
        let (desk, is_done) = (desk.clone(), is_done.clone());
        // As the real one, but it sleeps until it is woken.
        move || {
            while !is_done.load(Ordering::Acquire) {
                match numbers.durable.load(Ordering::Acquire) {
                    durable if durable > numbers.stored.load(Ordering::Relaxed) => {
                        numbers.stored.store(durable, Ordering::Release);
                        desk.call();
                    }
                    _ => std::thread::park(),
                }
            }
        }
    });
    let service = service.awaiting(feeder.thread().clone());
    let log = std::thread::spawn(move || service.run());
    let shards = [author(&desk, 0, 5_000), author(&desk, 1, 20_000)];
    shards.into_iter().for_each(|shard| shard.join().unwrap());
    is_done.store(true, Ordering::Release);
    feeder.thread().unpark();
    feeder.join().unwrap();
    desk.close();
    log.join().unwrap().unwrap();
}
