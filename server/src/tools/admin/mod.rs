//! `parlance admin`: the product's cmdlets as commands.
//!
//! A command is a request to the API. A server carries it out: a remote one with a token, or the
//! one on this data directory; where none runs, the same routes do so in this process, on the
//! database.
//!
//! | module | subject |
//! |---|---|
//! | `things`, `rooms`, `users`, `others` | verbs, and the requests they come to |
//! | `call` | a request |
//! | `remote`, `local` | who carries it out |
//! | `output` | answers as JSON or tables |

mod call;
mod local;
mod others;
mod output;
mod remote;
mod rooms;
mod things;
mod users;

use super::{Fault, note};
use crate::config::Config;
use crate::{Exit, refuse};
use call::{Call, Method};
use clap::{Args, Subcommand};
use output::{Answer, Columns};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Headings of the help.
const WHERE: &str = "Where it is carried out";
const HOW: &str = "How it is carried out";

/// What to administer, and how.
#[derive(Debug, Clone, Args)]
pub struct Admin {
    /// A server elsewhere, such as `https://chat.example.com`; needs --token-file
    #[arg(long, global = true, value_name = "URL", help_heading = WHERE)]
    server: Option<String>,
    /// File with the token for --server
    #[arg(long, global = true, value_name = "FILE", requires = "server", help_heading = WHERE)]
    token_file: Option<PathBuf>,
    /// Certificates of the authorities that --server is trusted by (PEM); those of the machine, if
    /// left out
    #[arg(long, global = true, value_name = "FILE", requires = "server", help_heading = WHERE)]
    ca: Option<PathBuf>,
    /// Answer as JSON
    #[arg(long, global = true, help_heading = HOW)]
    json: bool,
    /// Only say what would come of it
    #[arg(long, global = true, help_heading = HOW)]
    dry_run: bool,
    /// Go on past what would only be warned of
    #[arg(long, global = true, help_heading = HOW)]
    force: bool,
    /// Only if the thing still has this version
    #[arg(long = "version", global = true, value_name = "N", help_heading = HOW)]
    if_version: Option<u64>,
    /// Why, for the record
    #[arg(long, global = true, value_name = "TEXT", help_heading = HOW)]
    reason: Option<String>,
    /// The same key is the same request: it is carried out once, and answered alike
    #[arg(long, global = true, value_name = "KEY", help_heading = HOW)]
    request_key: Option<String>,
    #[command(subcommand)]
    noun: Noun,
}

/// Of what.
#[derive(Debug, Clone, Subcommand)]
enum Noun {
    /// Categories: who may be in their rooms
    #[command(subcommand)]
    Category(things::Category),
    /// Rooms
    #[command(subcommand)]
    Room(rooms::Room),
    /// Messages of a room
    #[command(subcommand)]
    Message(others::Message),
    /// Web pages beside rooms
    #[command(subcommand)]
    Addin(others::Addin),
    /// Who has the feature at all
    #[command(subcommand)]
    Policy(others::Policy),
    /// How the pool behaves
    #[command(subcommand)]
    Config(others::Config),
    /// Further addresses of the service
    #[command(subcommand)]
    Endpoint(others::Endpoint),
    /// People and groups
    #[command(subcommand)]
    User(users::User),
    /// The pool itself
    #[command(subcommand)]
    Pool(others::Pool),
    /// Who can be put on the lists of a room or category
    Eligible {
        /// For the lists of this category
        #[arg(long, conflicts_with = "room", required_unless_present = "room")]
        category: Option<String>,
        /// For the lists of this room
        #[arg(long)]
        room: Option<String>,
        /// For the presenters of the room, an auditorium
        #[arg(long, requires = "room")]
        presenters: bool,
        /// Wildcards * and ? for the URI
        #[arg(long)]
        filter: Option<String>,
        /// At most so many
        #[arg(long)]
        limit: Option<usize>,
    },
    /// What somebody may do with a room, and why
    Explain {
        /// URI, id, account, address or name
        user: String,
        /// Name, id, URI or pool\name
        room: String,
    },
    /// Invitations of a user
    Invitations {
        /// URI, id, account, address or name
        user: String,
        /// Only those behind this number
        #[arg(long, value_name = "NUMBER")]
        since: Option<u64>,
    },
    /// What was done and refused, from the newest on
    Audit {
        /// At most so many
        #[arg(long, default_value = "50")]
        limit: usize,
    },
    /// Read people from the directory that is followed, now; who is gone, too
    Sync,
    /// Tokens of the API
    #[command(subcommand)]
    Token(others::Token),
}

impl Noun {
    fn call(&self) -> Call {
        match self {
            Noun::Category(verb) => verb.call(),
            Noun::Room(verb) => verb.call(),
            Noun::Message(verb) => verb.call(),
            Noun::Addin(verb) => verb.call(),
            Noun::Policy(verb) => verb.call(),
            Noun::Config(verb) => verb.call(),
            Noun::Endpoint(verb) => verb.call(),
            Noun::User(verb) => verb.call(),
            Noun::Pool(verb) => verb.call(),
            Noun::Eligible { category, room, presenters, filter, limit } => {
                Call::new(Method::Get, &["eligible"])
                    .param("category", category.as_deref())
                    .param("room", room.as_deref())
                    .flag("presenters", *presenters)
                    .param("filter", filter.as_deref())
                    .list(*limit)
            }
            Noun::Explain { user, room } => Call::new(Method::Get, &["explain"])
                .param("user", Some(user))
                .param("room", Some(room)),
            Noun::Invitations { user, since } => {
                Call::new(Method::Get, &["people", user, "invitations"])
                    .param("since", *since)
                    .list(None)
            }
            Noun::Audit { limit } => Call::new(Method::Get, &["records"]).list(Some(*limit)),
            Noun::Sync => Call::new(Method::Post, &["sync"]),
            Noun::Token(verb) => verb.call(),
        }
    }

    /// Can it be tried, given a reason, and so on? All acts can.
    fn takes_options(&self) -> bool {
        !matches!(self, Noun::Sync | Noun::Token(_))
    }

    /// What a table of such things shows.
    fn columns(&self) -> Columns {
        match self {
            Noun::Category(_) => output::CATEGORIES,
            Noun::Room(_) | Noun::Message(_) => output::ROOMS,
            Noun::Addin(_) => output::ADDINS,
            Noun::Policy(_) => output::POLICIES,
            Noun::Config(_) => output::CONFIGURATIONS,
            Noun::Endpoint(_) => output::ENDPOINTS,
            Noun::User(_) | Noun::Pool(_) | Noun::Sync => output::PEOPLE,
            Noun::Eligible { .. } | Noun::Explain { .. } => output::PRINCIPALS,
            Noun::Invitations { .. } => output::INVITATIONS,
            Noun::Audit { .. } => output::RECORDS,
            Noun::Token(_) => output::TOKENS,
        }
    }
}

/// Who carries requests out.
trait Carrier {
    /// Status and document.
    fn carry_out(&mut self, call: &Call) -> Result<Answer, Fault>;
}

/// Does it.
pub fn run(file: Option<&Path>, admin: &Admin) -> Exit {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let outcome = carrier(file, admin).and_then(|mut carrier| {
        let answer = all(&mut *carrier, admin)?;
        output::show(&answer, admin.json, admin.noun.columns(), &mut out)
    });
    let flushed = out.flush().map_err(Fault::from);
    match outcome.and_then(|exit| flushed.map(|()| exit)) {
        Ok(exit) => exit,
        Err(Fault::Told(text)) => refuse(&text, Exit::Failed),
        Err(Fault::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Exit::Done,
        Err(Fault::Output(error)) => refuse(
            &format!("the output cannot be written ({error}), so the answer is incomplete"),
            Exit::Failed,
        ),
    }
}

fn carrier(file: Option<&Path>, admin: &Admin) -> Result<Box<dyn Carrier>, Fault> {
    if let Some(server) = &admin.server {
        let Some(token) = &admin.token_file else {
            return Err(Fault::Told(
                "--server is given without --token-file, so nobody could be let in; \
                 `parlance admin token new` on that server's machine makes a token"
                    .into(),
            ));
        };
        let remote = remote::Remote::new(server, token, admin.ca.as_deref())?;
        return Ok(Box::new(remote));
    }
    let config = Config::load(file).map_err(|error| Fault::Told(error.to_string()))?;
    local::carrier(&config)
}

/// The answer; of a list all its pages, or as many as are wanted.
fn all(carrier: &mut dyn Carrier, admin: &Admin) -> Result<Answer, Fault> {
    let mut call = admin.noun.call();
    if call.is_act() && admin.noun.takes_options() {
        call = call
            .flag("dry_run", admin.dry_run)
            .flag("force", admin.force)
            .param("reason", admin.reason.as_deref());
        call.headers.extend(admin.if_version.map(|n| ("if-match", format!("\"{n}\""))));
        call.headers.extend(admin.request_key.clone().map(|key| ("idempotency-key", key)));
    } else if admin.dry_run || admin.if_version.is_some() {
        note("--dry-run and --version mean nothing for this command, which does as it always does");
    }
    let first = call.clone();
    let mut answer = carrier.carry_out(&call)?;
    while let Some(next) = answer.next() {
        if answer.count() >= first.most {
            break;
        }
        call = first.clone().param("cursor", Some(next));
        answer.extend(carrier.carry_out(&call)?);
    }
    answer.truncate(first.most);
    Ok(answer)
}
