//! The handle of administration: what is asked of it and what it answers.

use super::error::AdminError;
use super::ledger::{Invitation, Ledger, LedgerError, StoredRecord};
use super::messages::MessageAct;
use super::numbers::AdminNumbers;
use crossbeam::channel::{Sender, TrySendError, bounded};
use parlance_core::Directory;
use parlance_core::admin::{Act, Actor};
use parlance_core::directory::Revision;
use parlance_wire::xccos::Guid;
use std::sync::{Arc, RwLock};

/// Acts and questions that may wait for the administration's thread. Each takes some milliseconds
/// of the database; who finds the queue full is told to come again.
pub const REQUESTS_MAX: usize = 64;

/// By which way an act came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// The API.
    Http,
    /// A command of a chat client.
    Chat,
    /// What another directory says of people.
    Sync,
    /// A command beside the server, without one.
    Command,
    /// The start of a server or the first command.
    Start,
}

impl Surface {
    /// As it is written down.
    pub fn name(self) -> &'static str {
        match self {
            Surface::Http => "http",
            Surface::Chat => "xccos",
            Surface::Sync => "sync",
            Surface::Command => "command",
            Surface::Start => "start",
        }
    }
}

/// How an act is to be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Only say what would come of it; nothing is changed or written down.
    pub dry_run: bool,
    /// Why, in the actor's words.
    pub reason: String,
    /// The same key is the same request: it is carried out once, and answered alike.
    pub request_key: Option<String>,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Of the directory.
    Act(Box<Act>),
    /// Of messages.
    Messages(MessageAct),
}

impl Wanted {
    /// Short stable name, such as `room.set`.
    pub fn name(&self) -> &'static str {
        match self {
            Wanted::Act(act) => act.name(),
            Wanted::Messages(act) => act.name(),
        }
    }
}

/// Who wants what, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who.
    pub actor: Actor,
    /// What.
    pub wanted: Wanted,
    /// Which way.
    pub surface: Surface,
    /// How.
    pub options: Options,
}

/// What came of an act.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Done {
    /// The directory's revision since then.
    pub revision: Revision,
    /// What was made or changed: category, room, add-in or principal.
    pub subject: Option<Guid>,
    /// What an operator should know beside.
    pub notes: Vec<String>,
    /// What was changed, or would be, step by step for a person; not after a repeated request.
    pub changes: Vec<String>,
    /// The request had been carried out before: this is what came of it then.
    pub is_repeated: bool,
    /// Messages removed or replaced.
    pub messages: Option<u64>,
}

/// Takes the answer, on the administration's thread.
pub type Reply = Box<dyn FnOnce(Result<Done, AdminError>) + Send>;

/// A question to the database.
type Question = Box<dyn FnOnce(&mut dyn Ledger) + Send>;

/// What waits for the thread.
pub(super) enum Job {
    /// An act.
    Act(Box<Request>, Reply),
    /// A question.
    Ask(Question),
}

/// What the handles and the thread share.
pub(super) struct Shared {
    pub(super) directory: RwLock<Arc<Directory>>,
    pub(super) numbers: Arc<AdminNumbers>,
}

impl Shared {
    pub(super) fn put(&self, directory: Arc<Directory>) {
        *self.directory.write().expect("no holder of the lock panics") = directory;
    }
}

/// The handle; copies are the same administration. Its thread ends with the last of them.
#[derive(Clone)]
pub struct Admin {
    jobs: Sender<Job>,
    shared: Arc<Shared>,
}

impl Admin {
    pub(super) fn new(jobs: Sender<Job>, shared: Arc<Shared>) -> Admin {
        Admin { jobs, shared }
    }

    /// The directory in force.
    pub fn directory(&self) -> Arc<Directory> {
        self.shared.directory.read().expect("no holder of the lock panics").clone()
    }

    /// What is counted.
    pub fn numbers(&self) -> &Arc<AdminNumbers> {
        &self.shared.numbers
    }

    /// Has an act carried out and waits for its outcome.
    ///
    /// # Errors
    /// Why not.
    pub fn submit(
        &self,
        actor: Actor,
        act: Act,
        surface: Surface,
        options: Options,
    ) -> Result<Done, AdminError> {
        let (reply, answer) = bounded(1);
        let wanted = Wanted::Act(Box::new(act));
        let request = Request { actor, wanted, surface, options };
        self.send(request, Box::new(move |outcome| drop(reply.send(outcome))));
        answer.recv().unwrap_or(Err(AdminError::Busy))
    }

    /// The same, without blocking the thread of whoever waits.
    ///
    /// # Errors
    /// Why not.
    pub async fn carry_out(&self, request: Request) -> Result<Done, AdminError> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        self.send(request, Box::new(move |outcome| drop(reply.send(outcome))));
        answer.await.unwrap_or(Err(AdminError::Busy))
    }

    /// The same, for whoever cannot wait: `reply` is called on the administration's thread, or at
    /// once on the caller's when too much waits.
    pub fn send(&self, request: Request, reply: Reply) {
        match self.jobs.try_send(Job::Act(Box::new(request), reply)) {
            Ok(()) => {}
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => {
                AdminNumbers::count(&self.shared.numbers.failed);
                let Job::Act(_, reply) = job else { unreachable!("an act was sent") };
                reply(Err(AdminError::Busy));
            }
        }
    }

    /// Asks the database.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut dyn Ledger) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, AdminError> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        let job = Job::Ask(Box::new(move |ledger| drop(reply.send(question(ledger)))));
        if self.jobs.try_send(job).is_err() {
            return Err(AdminError::Busy);
        }
        match answer.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(LedgerError::Database(cause))) => Err(AdminError::Database(cause)),
            Ok(Err(LedgerError::Collision | LedgerError::KeyTaken)) | Err(_) => {
                Err(AdminError::Busy)
            }
        }
    }

    /// What was done and refused: the newest `count` records before the row `before`; newest first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn records(
        &self,
        before: Option<u64>,
        count: usize,
    ) -> Result<Vec<StoredRecord>, AdminError> {
        self.ask(move |ledger| ledger.records(before, count)).await
    }

    /// Invitations of a user with numbers above `since`, lowest first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn invitations(
        &self,
        user: Guid,
        since: u64,
        count: usize,
    ) -> Result<Vec<Invitation>, AdminError> {
        self.ask(move |ledger| ledger.invitations(user, since, count)).await
    }

    /// What the messages of each room take, in bytes.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn room_bytes(&self) -> Result<Vec<(Guid, u64)>, AdminError> {
        self.ask(|ledger| ledger.room_bytes()).await
    }
}
