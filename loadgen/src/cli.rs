//! The command line.

use clap::{Args, Parser, Subcommand};
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
    /// Prints a server configuration with the rooms of `--rooms N`.
    Config(ConfigArgs),
}

#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// How many rooms.
    #[arg(long, default_value_t = 1)]
    pub rooms: u32,
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

#[derive(Debug, Args)]
pub struct RunArgs {
    /// SIP over TCP; loopback only.
    #[arg(long, default_value = "127.0.0.1:5060")]
    pub server: SocketAddr,
    /// Users, one endpoint each.
    #[arg(long, default_value_t = 100)]
    pub users: u32,
    /// Links they share: as many as users for direct clients (the default), few for front ends.
    #[arg(long)]
    pub links: Option<u32>,
    /// A number of rooms (those of the `config` command), or `ma-chan://` URIs with commas between.
    #[arg(long, default_value = "1")]
    pub rooms: String,
    /// A file with one `ma-chan://` URI per line, instead of `--rooms`.
    #[arg(long, conflicts_with = "rooms")]
    pub rooms_file: Option<PathBuf>,
    /// SIP domain of users and rooms.
    #[arg(long, default_value = "example.test")]
    pub room_domain: String,
    /// Members of each room; users are spread over the rooms evenly.
    #[arg(long, default_value_t = 30)]
    pub room_size: u32,
    /// Posts per second over all rooms.
    #[arg(long, default_value_t = 10.0)]
    pub rate: f64,
    /// Seconds of load.
    #[arg(long, default_value_t = 60)]
    pub duration: u64,
    /// Bytes of text in each post, mark included.
    #[arg(long, default_value_t = 256)]
    pub message_bytes: usize,
    /// New sessions per second while signing in.
    #[arg(long, default_value_t = 500.0)]
    pub sign_in_rate: f64,
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
    /// Write the report here as JSON.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Where the server answers HTTP, such as `http://127.0.0.1:8080`: how many sessions lag and
    /// how many bytes wait become part of the report.
    #[arg(long)]
    pub metrics: Option<String>,
    /// The server's process: its CPU time and memory become part of the report.
    #[arg(long)]
    pub server_pid: Option<u32>,
}
