//! The command line.

use crate::run::{LINKS_PER_ADDRESS, MessageBytes, SERVERS_MAX, Share};
use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Signs clients in, posts at a fixed rate, measures each delivery from the time its post was due,
/// and checks that the server kept its word. SIGINT ends the load early, a second one everything.
///
/// Exit code: 0 clean, 1 violations or errors, 2 wrong usage or no connection.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prints a server configuration with the rooms and limits for a run of the same profile and
    /// size, or with the rooms of `--rooms N`.
    Config(ConfigArgs),
    /// Makes the page of a run again from the JSON that it wrote, and prints its table.
    Report(ReportArgs),
    /// Puts two runs side by side: what was run differently, and what came of it.
    Compare(CompareArgs),
}

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// A file that `--json` wrote.
    pub json: PathBuf,
    /// Write the page here. Without it only the table is printed.
    #[arg(short, long)]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The run that is the measure: ratios are B by A.
    pub a: PathBuf,
    /// The run that is measured by it.
    pub b: PathBuf,
    /// Write a page with both in each plot here.
    #[arg(long)]
    pub html: Option<PathBuf>,
}

/// A description of an organisation and of what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProfileName {
    /// Rooms of one size at one rate, as told: `--users`, `--rooms`, `--room-size`, `--rate`.
    Steady,
    /// The product's organisation: 80,000 users with 1.5 endpoints, each in 12 small rooms (30
    /// users), 2 medium (150) and 2 large (16,000), posting as its planning samples say.
    #[value(name = "pool-80k")]
    Pool80k,
    /// The same organisation, of which half signs in at once while the other half is chatting.
    Storm,
    /// One room with all of 16,000 users and a post a second, small rooms beside it.
    LargeRoom,
    /// The organisation of `pool-80k` for four hours, with people who go and come back.
    Soak,
}

/// How large the organisation is. `config` and the run must be told the same.
#[derive(Debug, Args)]
pub struct SizeArgs {
    /// What the run is like; other options override what the profile says.
    #[arg(long, value_enum, default_value_t = ProfileName::Steady)]
    pub profile: ProfileName,
    /// Part of the organisation of 80,000 users.
    #[arg(long)]
    pub scale: Option<f64>,
    /// Servers that share the organisation's users evenly. The run has those of one of them, and of
    /// each room the members who are there; the posts are those of the whole organisation.
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u32).range(1..=SERVERS_MAX))]
    pub servers: u32,
    /// Users of the run, instead of a scale [steady: 100].
    #[arg(long, conflicts_with = "scale")]
    pub users: Option<u32>,
    /// Endpoints of a user: with 1.5 every other user has two. All of them are in the user's rooms
    /// [1; pool-80k: 1.5].
    #[arg(long)]
    pub endpoints_per_user: Option<f64>,
}

#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(flatten)]
    pub size: SizeArgs,
    /// How many rooms, without a profile that says so [1].
    #[arg(long)]
    pub rooms: Option<u32>,
    /// SIP domain of users and rooms.
    #[arg(long, default_value = "example.test")]
    pub room_domain: String,
    /// Where the server listens for SIP over TCP.
    #[arg(long, default_value = "127.0.0.1:5060")]
    pub listen: String,
    /// Where it answers HTTP.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub http: String,
}

/// Which links there are. Without any of it each endpoint has a direct link.
#[derive(Debug, Args)]
pub struct LinkArgs {
    /// Links that the endpoints share evenly; as many as endpoints: direct ones.
    #[arg(long, conflicts_with_all = ["direct", "front_ends"])]
    pub links: Option<u32>,
    /// Direct links, one endpoint each.
    #[arg(long)]
    pub direct: Option<u32>,
    /// Links of front ends, which share the endpoints without a direct link.
    #[arg(long)]
    pub front_ends: Option<u32>,
    /// Links from one source address; beyond it they come from the next, 127.0.0.2 and so on.
    #[arg(long, default_value_t = LINKS_PER_ADDRESS, value_parser = value_parser!(u32).range(1..))]
    pub links_per_address: u32,
}

/// How arrivals at a rate fall in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Arrivals {
    Even,
    Poisson,
}

/// Endpoints that do not read as they should during the load, on direct links.
#[derive(Debug, Args)]
pub struct ReaderArgs {
    /// Part of the direct links that read slowly, 0 to 1. They do not post.
    #[arg(long, default_value_t = 0.0)]
    pub slow_readers: f64,
    /// What such a link reads in a second.
    #[arg(long, default_value_t = 1000, value_parser = value_parser!(u32).range(1..))]
    pub slow_bytes_per_second: u32,
    /// Second of the load until which they are slow; then they catch up [its end].
    #[arg(long)]
    pub slow_until: Option<u64>,
    /// Part of the direct links that stop reading when the load begins, 0 to 1. They do not post.
    #[arg(long, default_value_t = 0.0)]
    pub dead_readers: f64,
}

/// What endpoints do during the load besides posting.
#[derive(Debug, Args)]
pub struct LifeArgs {
    /// Part of the endpoints that do not sign in before the load, but all at once during it [0;
    /// storm: 0.5].
    #[arg(long)]
    pub storm_part: Option<f64>,
    /// Sign-ins per second in the storm.
    #[arg(long, default_value_t = 500.0)]
    pub storm_rate: f64,
    /// Second of the load at which the storm begins.
    #[arg(long, default_value_t = 10)]
    pub storm_at: u64,
    /// Endpoints per second that sign out during the load; each comes back and joins its rooms
    /// again [0; soak: 10 for 80,000 users].
    #[arg(long)]
    pub churn: Option<f64>,
    /// Seconds that each of them stays away.
    #[arg(long, default_value_t = 10)]
    pub away: u64,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// SIP over TCP; loopback only.
    #[arg(long, default_value = "127.0.0.1:5060")]
    pub server: SocketAddr,
    #[command(flatten)]
    pub size: SizeArgs,
    #[command(flatten)]
    pub links: LinkArgs,
    #[command(flatten)]
    pub readers: ReaderArgs,
    #[command(flatten)]
    pub life: LifeArgs,
    /// A number of rooms (those of the `config` command), or `ma-chan://` URIs with commas between
    /// [1].
    #[arg(long)]
    pub rooms: Option<String>,
    /// A file with one `ma-chan://` URI per line, instead of `--rooms`.
    #[arg(long, conflicts_with = "rooms")]
    pub rooms_file: Option<PathBuf>,
    /// SIP domain of users and rooms.
    #[arg(long, default_value = "example.test")]
    pub room_domain: String,
    /// Members of each room; users are spread over the rooms evenly [30].
    #[arg(long)]
    pub room_size: Option<u32>,
    /// How an organisation's posts fall to its rooms: 1 by messages per room, 74/s for 80,000
    /// users; 2 by messages per user, 56/s [1].
    #[arg(long, value_parser = value_parser!(u8).range(1..=2))]
    pub model: Option<u8>,
    /// Posts per second over all rooms; an organisation keeps its proportions [10, or what the
    /// model says].
    #[arg(long, allow_negative_numbers = true)]
    pub rate: Option<f64>,
    /// Seconds of load [60; pool-80k, storm: 300; soak: 14,400].
    #[arg(long)]
    pub duration: Option<u64>,
    /// Bytes of text in each post, mark included: a number; two with a dash between, for each
    /// length between as often; or `mix`, as people write: half of them up to 120 bytes, one in a
    /// hundred above 2,000, the longest 8,000.
    #[arg(long, default_value = "256")]
    pub message_bytes: MessageBytes,
    /// When posts and sign-ins are due: evenly, or each by itself (a Poisson process).
    #[arg(long, value_enum, default_value_t = Arrivals::Even)]
    pub arrivals: Arrivals,
    /// New sessions per second while signing in [500; an organisation: 100].
    #[arg(long)]
    pub sign_in_rate: Option<f64>,
    /// REGISTER and ask for provisioning and look-up before the long dialog, as SIPE does.
    #[arg(long)]
    pub full_sign_in: bool,
    /// Chooses authors, rooms, tags and Call-IDs.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Seconds to wait for everybody to be signed in beyond the time the rate takes.
    #[arg(long, default_value_t = 60)]
    pub settle: u64,
    /// Most seconds to wait for outstanding deliveries after the load.
    #[arg(long, default_value_t = 30)]
    pub drain: u64,
    /// Open lost links again, sign in and join again, and go on: for a server that is restarted
    /// meanwhile. What its end explains is then no error: lost links, dialogs and answers, and
    /// posts that nobody was there to send.
    #[arg(long)]
    pub reconnect: bool,
    /// Do not read the rooms' history at the end.
    #[arg(long)]
    pub no_history: bool,
    /// Read all that was posted in the run back from the rooms' history, page by page, not only
    /// the newest messages: then each accepted post is known to be there, once.
    #[arg(long, conflicts_with = "no_history")]
    pub whole_history: bool,
    /// Processes that do the work, each with a part of the links, when one core or one process's
    /// descriptors do not suffice [as many as the links need].
    #[arg(long)]
    pub workers: Option<u32>,
    /// What the parent of a run tells those that do the work.
    #[arg(long, hide = true)]
    pub share: Option<Share>,
    /// Write the report here as JSON; the `report` and `compare` commands read it.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Write the report here as one HTML page.
    #[arg(long)]
    pub html: Option<PathBuf>,
    /// Where the server answers HTTP, such as `http://127.0.0.1:8080`: how many sessions lag and
    /// how many bytes wait become part of the report.
    #[arg(long)]
    pub metrics: Option<String>,
    /// The server's process: its CPU time and memory become part of the report.
    #[arg(long)]
    pub server_pid: Option<u32>,
}
