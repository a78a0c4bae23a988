//! The shards' questions to the database, and the threads that ask them.
//!
//! ```text
//! shard ─ QueryEnd ─> lookups  ─> one thread  ─┐
//!                └──> searches ─> two threads ─┴─> answers ─> bell ─> shard
//! ```
//!
//! Look-ups are quick and keep their order, so that a user reads what they have just written;
//! searches may take seconds, and then only other searches wait. Each thread has a connection of
//! its own. A question that has waited too long is answered that the database is not available:
//! each gets one answer, and soon.

use super::numbers::LogNumbers;
use super::store::record;
use crate::admin::{Admin, AdminError, Done, Options, Request, Surface, Wanted};
use crate::shell::doorbell::Doorbell;
use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};
use crossbeam::queue::ArrayQueue;
use parlance_core::admin::{Act, Actor};
use parlance_core::archive::{Fault, StoredInvitation};
use parlance_core::{Answer, Query, QueryKey};
use parlance_storage::Position;
use parlance_storage::sql::{
    AnyStore, Conflict, Error, Order, Place, Query as Search, Store, Words,
};
use parlance_wire::xccos::{Guid, HistorySearch};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Threads that search: one search may take as long as `SEARCH_TIME_MAX`.
const SEARCHERS: usize = 2;
/// Oldest look-up that is still made: live messages of its reader's room wait for it.
const LOOKUP_PATIENCE: Duration = Duration::from_secs(2);
/// Oldest search that is still made. Either includes the time for the database to catch up.
const SEARCH_PATIENCE: Duration = Duration::from_secs(5);
/// The term of all messages: one server owns its rooms for ever.
const TERM: u64 = 0;

/// A question on its way.
struct Job {
    key: QueryKey,
    query: Query,
    since: Instant,
    answers: Arc<Answers>,
}

/// Answers on their way to one shard.
struct Answers {
    /// As long as the shard may have questions open, so there is always room.
    queue: ArrayQueue<(QueryKey, Answer)>,
    bell: Arc<Doorbell>,
}

impl Answers {
    fn tell(&self, key: QueryKey, answer: Answer) {
        let told = self.queue.push((key, answer));
        assert!(told.is_ok(), "a shard has no more questions open than its limit");
        self.bell.ring();
    }
}

/// Where questions go.
#[derive(Clone)]
pub struct Queries {
    lookups: Sender<Job>,
    searches: Sender<Job>,
    /// Questions of one shard, open at once.
    shard_max: usize,
    /// Where users' acts go.
    administration: Option<Admin>,
}

impl Queries {
    /// Starts the threads. `shards` shards may have `shard_max` questions open each. `replayed` is
    /// the last record of the log that the rooms were rebuilt from: what is older than a room's
    /// memory is not behind it.
    ///
    /// # Errors
    /// Why the server must not start.
    pub fn start(
        url: &str,
        shards: usize,
        shard_max: usize,
        replayed: Position,
        numbers: &Arc<LogNumbers>,
        administration: Option<Admin>,
    ) -> Result<Queries, String> {
        let (lookups, lookups_taken) = bounded(shards * shard_max);
        let (searches, searches_taken) = bounded(shards * shard_max);
        let start = |name: String, jobs: Receiver<Job>| {
            let store = AnyStore::open(url).map_err(|e| format!("the database: {e}"))?;
            let numbers = numbers.clone();
            let reader = Reader { store, replayed, numbers, told: None };
            let thread = std::thread::Builder::new().name(name);
            let thread = thread.spawn(move || reader.run(&jobs));
            thread.map(drop).map_err(|e| format!("no thread to ask the database: {e}"))
        };
        start("lookups".into(), lookups_taken)?;
        for n in 0..SEARCHERS {
            start(format!("searches{n}"), searches_taken.clone())?;
        }
        Ok(Queries { lookups, searches, shard_max, administration })
    }

    /// Questions that nobody takes: each is answered at once that the database is away.
    #[cfg(test)]
    pub fn unheard(shard_max: usize) -> Queries {
        let ((lookups, _), (searches, _)) = (bounded(1), bounded(1));
        Queries { lookups, searches, shard_max, administration: None }
    }

    /// The end of the shard with this bell.
    pub fn end(&self, bell: Arc<Doorbell>) -> QueryEnd {
        let answers = Answers { queue: ArrayQueue::new(self.shard_max), bell };
        QueryEnd { queries: self.clone(), answers: Arc::new(answers) }
    }
}

/// One shard's end.
pub struct QueryEnd {
    queries: Queries,
    answers: Arc<Answers>,
}

impl QueryEnd {
    /// Puts a question.
    pub fn ask(&self, key: QueryKey, query: Query) {
        if let Query::Administer { user, act } = query {
            return self.administer(key, user.into(), *act);
        }
        let jobs = match query {
            Query::Search { .. } => &self.queries.searches,
            _ => &self.queries.lookups,
        };
        let job = Job { key, query, since: Instant::now(), answers: self.answers.clone() };
        match jobs.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => {
                job.answers.tell(job.key, Answer::Failed(Fault::Unavailable));
            }
        }
    }

    /// Has a user's act carried out where all administration is.
    fn administer(&self, key: QueryKey, uri: String, act: Act) {
        let answers = self.answers.clone();
        let reply = move |outcome: Result<Done, AdminError>| {
            answers.tell(
                key,
                match outcome {
                    Ok(done) => Answer::Administered(Ok(done.subject)),
                    Err(AdminError::Refused(refusal)) => Answer::Administered(Err(refusal)),
                    Err(_) => Answer::Failed(Fault::Unavailable),
                },
            );
        };
        let Some(administration) = &self.queries.administration else {
            return reply(Err(AdminError::Busy));
        };
        let request = Request {
            actor: Actor::User { uri },
            wanted: Wanted::Act(Box::new(act)),
            surface: Surface::Chat,
            options: Options::default(),
        };
        administration.send(request, Box::new(reply));
    }

    /// An answer, if there is one.
    pub fn answer(&self) -> Option<(QueryKey, Answer)> {
        self.answers.queue.pop()
    }
}

/// One thread.
struct Reader {
    store: AnyStore,
    replayed: Position,
    numbers: Arc<LogNumbers>,
    /// The trouble that was told last, so that it is told once.
    told: Option<String>,
}

impl Reader {
    /// Asks until there is nobody left who could have a question.
    fn run(mut self, jobs: &Receiver<Job>) {
        for Job { key, query, since, answers } in jobs {
            let answer = match self.ask(query, since) {
                Ok(answer) => {
                    self.told = None;
                    answer
                }
                Err(error) => Answer::Failed(self.fault(&error)),
            };
            answers.tell(key, answer);
        }
    }

    fn ask(&mut self, query: Query, since: Instant) -> Result<Answer, Error> {
        let patience = match query {
            Query::Search { .. } => SEARCH_PATIENCE,
            _ => LOOKUP_PATIENCE,
        };
        let deadline = since + patience;
        if Instant::now() > deadline {
            return Err(Error::Unavailable("there was too much to do".into()));
        }
        match query {
            Query::Older { room, before, count } => {
                self.await_stored(self.replayed, deadline)?;
                let before = Some(Place { term: TERM, number: before });
                let rows = self.store.last(room, count, before)?;
                let records = rows.into_iter().map(record).collect();
                Ok(Answer::Messages { records, is_exceeded: false })
            }
            Query::Search { rooms, search, count } => {
                // Whatever the asker has been told is durable by now.
                let durable = Position(self.numbers.durable.load(Ordering::Acquire));
                self.await_stored(durable, deadline)?;
                let found = self.store.by_date(&search_of(rooms, *search, count))?;
                let records = found.rows.into_iter().map(record).collect();
                Ok(Answer::Messages { records, is_exceeded: found.exceeded })
            }
            Query::ReadPreference { owner, label } => {
                let stored = self.store.preference_read(&owner, &label)?;
                let (seqid, content) = stored.map(|s| (s.seqid, s.content)).unwrap_or_default();
                Ok(Answer::Preference { seqid, content })
            }
            Query::WritePreference { owner, label, seqid, content } => {
                let seqid = self.store.preference_write(&owner, &label, seqid, &content)?;
                Ok(Answer::Written { seqid })
            }
            Query::Invitations { user, after, count } => {
                let stored = self.store.invitations(user, after, count)?;
                let told = stored.into_iter().map(|stored| StoredInvitation {
                    number: stored.number,
                    room: stored.room,
                    created_on: stored.created_on,
                });
                Ok(Answer::Invitations(told.collect()))
            }
            Query::Administer { .. } => unreachable!("acts go to administration"),
        }
    }

    /// What the shard is told; what an operator must know is told here.
    fn fault(&mut self, error: &Error) -> Fault {
        match error {
            Error::TimedOut | Error::Conflict(Conflict::PreferencesFull) => Fault::TooMuch,
            Error::Conflict(Conflict::Preference { .. }) => Fault::Collision,
            Error::Invalid(_) => Fault::Invalid,
            Error::Unavailable(_)
            | Error::Conflict(_)
            | Error::Schema(_)
            | Error::Corrupt(_)
            | Error::Permanent(_) => {
                let cause = error.to_string();
                if self.told.as_ref() != Some(&cause) {
                    tracing::warn!(
                        cause,
                        effect =
                            "users get no older history, searches or preferences; chat goes on",
                        next_step = "none if this passes; else run `parlance store check`",
                        "the database does not answer questions"
                    );
                    self.told = Some(cause);
                }
                Fault::Unavailable
            }
        }
    }

    /// Waits until the database has the log up to a record.
    fn await_stored(&self, wanted: Position, deadline: Instant) -> Result<(), Error> {
        match self.numbers.await_stored(wanted, deadline) {
            true => Ok(()),
            false => Err(Error::Unavailable("it lacks what was said last".into())),
        }
    }
}

fn search_of(rooms: Vec<Guid>, search: HistorySearch, count: usize) -> Search {
    let order = match search.is_backwards {
        true => Order::NewestFirst,
        false => Order::OldestFirst,
    };
    Search {
        rooms,
        text: search.text,
        words: if search.is_phrase { Words::Phrase } else { Words::Any },
        case_sensitive: search.is_case_sensitive,
        authors: search.authors,
        from: search.from,
        to: search.to,
        start: search.start,
        limit: count,
        search: order,
        sort: order,
        ..Search::default()
    }
}
