//! The thread of administration.

use super::error::AdminError;
use super::fresh::{fresh_guid, now};
use super::ledger::{AdminRecord, Ledger, LedgerError};
use super::messages;
use super::numbers::AdminNumbers;
use super::open::load;
use super::record;
use super::rooms::Rooms;
use super::service::{Done, Job, Request, Shared, Wanted};
use crossbeam::channel::{Receiver, RecvTimeoutError};
use parlance_core::Directory;
use parlance_core::admin::{Act, Cause, Context, Refusal, plan};
use parlance_core::directory::Touched;
use std::sync::Arc;
use std::time::Duration;

/// How often an act is planned when others are first each time.
const TRIES_MAX: usize = 3;
/// How soon it is looked again what became of a commit whose outcome is not known.
const DOUBT_PAUSE: Duration = Duration::from_secs(2);

/// Gets each new directory, and what is touched in it.
pub type Publish = Box<dyn Fn(&Arc<Directory>, Touched) + Send>;

/// What the thread owns.
pub(super) struct Worker {
    ledger: Box<dyn Ledger>,
    directory: Arc<Directory>,
    shared: Arc<Shared>,
    publish: Publish,
    rooms: Box<dyn Rooms>,
    /// The database failed while a batch was on its way, or was away at the start: it may have
    /// another directory.
    is_in_doubt: bool,
}

impl Worker {
    pub(super) fn new(
        ledger: Box<dyn Ledger>,
        directory: Arc<Directory>,
        is_in_doubt: bool,
        shared: Arc<Shared>,
        publish: Publish,
        rooms: Box<dyn Rooms>,
    ) -> Worker {
        Worker { ledger, directory, shared, publish, rooms, is_in_doubt }
    }

    /// Works until nobody has a handle any more.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let job = match self.is_in_doubt {
                true => jobs.recv_timeout(DOUBT_PAUSE),
                false => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match job {
                Ok(Job::Act(request, reply)) => reply(self.act(&request)),
                Ok(Job::Ask(question)) => question(&mut *self.ledger),
                Err(RecvTimeoutError::Timeout) => drop(self.dispel_doubt()),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn act(&mut self, request: &Request) -> Result<Done, AdminError> {
        let outcome = self.once(request);
        let numbers = &self.shared.numbers;
        let (act, actor) = (request.wanted.name(), request.actor.name());
        match &outcome {
            Ok(done) if request.options.dry_run || done.is_repeated => {}
            Ok(done) => {
                AdminNumbers::count(&numbers.done);
                tracing::info!(act, actor, revision = done.revision.0, "administration");
            }
            Err(error @ (AdminError::Refused(_) | AdminError::KeyReused)) => {
                AdminNumbers::count(&numbers.refused);
                tracing::info!(act, actor, cause = %error, "administration refused");
            }
            Err(error) => {
                AdminNumbers::count(&numbers.failed);
                tracing::warn!(act, actor, cause = %error, "administration failed");
            }
        }
        outcome
    }

    /// Carries a request out, unless its key says that this has been done.
    fn once(&mut self, request: &Request) -> Result<Done, AdminError> {
        self.dispel_doubt()?;
        let record = record::of(request, fresh_guid(), now());
        if !request.options.dry_run
            && let Some(key) = &record.request_key
            && let Some(first) = self.ledger.request(key).map_err(failed)?
        {
            return record::replay(&first, &record);
        }
        match &request.wanted {
            Wanted::Act(act) => self.change(request, act, record),
            Wanted::Messages(act) => {
                let (directory, rooms) = (self.directory.clone(), &*self.rooms);
                let is_dry = request.options.dry_run;
                let actor = &request.actor;
                let outcome =
                    messages::run(&mut *self.ledger, &directory, rooms, actor, act, is_dry);
                self.write_down(record, outcome, is_dry)
            }
        }
    }

    /// Plans, commits, applies.
    fn change(
        &mut self,
        request: &Request,
        act: &Act,
        mut record: AdminRecord,
    ) -> Result<Done, AdminError> {
        let is_dry = request.options.dry_run;
        let context = Context { now: record.at, fresh: fresh_guid() };
        for _ in 0..TRIES_MAX {
            let plan = match plan(&self.directory, &request.actor, act, &context) {
                Ok(plan) => plan,
                Err(refusal) => return self.write_down(record, Err(refusal.into()), is_dry),
            };
            // Before it is committed: what cannot be applied must not be in the database.
            let applied = self.directory.apply(&plan.changes);
            let (next, touched) = applied.map_err(|e| AdminError::Broken(e.to_string()))?;
            let mut done = Done {
                revision: self.directory.revision,
                subject: plan.subject,
                notes: plan.notes,
                changes: record::steps(&self.directory, &next, &plan.changes),
                ..Done::default()
            };
            if is_dry || plan.changes.is_empty() {
                return self.write_down(record, Ok(done), is_dry);
            }
            done.revision = next.revision;
            record.outcome = record::outcome(&Ok(done.clone()));
            match self.ledger.commit(self.directory.revision, &plan.changes, &record) {
                Ok(revision) => {
                    assert_eq!(revision, next.revision, "a batch is one revision");
                    self.put(next, touched);
                    return Ok(done);
                }
                Err(LedgerError::Collision) => {
                    AdminNumbers::count(&self.shared.numbers.collisions);
                    self.reload()?;
                }
                Err(LedgerError::KeyTaken) => return Err(AdminError::KeyReused),
                Err(LedgerError::Database(cause)) => {
                    self.is_in_doubt = true;
                    return Err(AdminError::Database(cause));
                }
            }
        }
        let message = format!(
            "others changed the directory {TRIES_MAX} times while this was tried, so nothing was \
             done; try again"
        );
        let refusal = Refusal { cause: Cause::DataCollision, field: "", message };
        self.write_down(record, Err(refusal.into()), is_dry)
    }

    /// Keeps the record of what changed nothing of the directory.
    fn write_down(
        &mut self,
        mut record: AdminRecord,
        outcome: Result<Done, AdminError>,
        is_dry: bool,
    ) -> Result<Done, AdminError> {
        let is_worth_it = matches!(&outcome, Ok(_) | Err(AdminError::Refused(_)));
        if !is_dry && is_worth_it {
            record.outcome = record::outcome(&outcome);
            self.ledger.note(&record).map_err(failed)?;
        }
        outcome
    }

    fn put(&mut self, next: Directory, touched: Touched) {
        self.directory = Arc::new(next);
        self.shared.put(self.directory.clone());
        (self.publish)(&self.directory, touched);
    }

    /// Takes what the database has in place of what is in memory.
    fn reload(&mut self) -> Result<(), AdminError> {
        let (domain, admits) = (self.directory.domain.clone(), self.directory.admits_unknown);
        let next = load(|take| self.ledger.load(take), &domain, admits);
        let next = next.map_err(AdminError::Database)?;
        let next = next.with_defaults(self.directory.defaults().clone());
        self.put(next, Touched { everything: true, ..Touched::default() });
        Ok(())
    }

    /// Finds out what became of a batch when the database failed.
    fn dispel_doubt(&mut self) -> Result<(), AdminError> {
        if self.is_in_doubt {
            let revision = self.ledger.revision().map_err(failed)?;
            if revision != self.directory.revision {
                self.reload()?;
            }
            self.is_in_doubt = false;
        }
        Ok(())
    }
}

fn failed(error: LedgerError) -> AdminError {
    match error {
        LedgerError::Database(cause) => AdminError::Database(cause),
        LedgerError::Collision => AdminError::Busy,
        LedgerError::KeyTaken => AdminError::KeyReused,
    }
}
