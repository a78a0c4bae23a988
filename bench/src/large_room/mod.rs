//! One post to a room of thousands: when the last member has it, beside the bare limit; and what
//! such posts do to a small room on the same shard.
//!
//! The members of the small room are looked at first by the clients, again and again, also in the
//! middle of a large room's deliveries: what is measured is how long the server let them wait.

mod report;

use crate::clients::{Group, Order, Stream, Window};
use crate::sides::{Cores, Io, Pair};
use crate::{Outcome, save};
use report::{Report, Summary};
use std::path::PathBuf;

/// How the large room's members come.
#[derive(Debug, Clone, Copy, PartialEq, clap::ValueEnum)]
enum Layout {
    /// Each on a link of its own.
    Direct,
    /// On a few links.
    FrontEnds,
    /// First the one, then the other.
    Both,
}

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Members of the large room, its author among them.
    #[arg(long, default_value_t = 16_000, value_parser = clap::value_parser!(u32).range(64..))]
    members: u32,
    /// How they come.
    #[arg(long, value_enum, default_value_t = Layout::Both)]
    layout: Layout,
    /// Links that carry them where they come through front ends.
    #[arg(long, default_value_t = 8)]
    front_ends: usize,
    /// Members of the small room, each on a link of its own.
    #[arg(long, default_value_t = 30)]
    small_members: usize,
    /// Posts per second in the small room.
    #[arg(long, default_value_t = 50.0)]
    small_rate: f64,
    /// Posts per second in the large room while the small one is watched.
    #[arg(long, default_value_t = 1.0)]
    large_rate: f64,
    /// Text of each post, bytes.
    #[arg(long, default_value_t = 256)]
    text_bytes: usize,
    /// Rounds: both sides post to the large room, then the small one is watched without and with
    /// posts to the large one.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each of the two sides posts to the large room, each time when everybody has the
    /// post before.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// How long the small room is watched, each time.
    #[arg(long, default_value_t = 3.0)]
    watch_seconds: f64,
    /// `[cores] io` of the broker.
    #[arg(long, default_value = "epoll")]
    io: Io,
    /// Write everything here as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Places of the groups: who posts to the large room, who else is in it, and the small room.
const AUTHOR: usize = 0;
const SMALL: usize = 2;

/// Measures and prints.
///
/// # Errors
/// If a side does not start, or does not deliver what it should.
pub fn run(args: &Args) -> Outcome<()> {
    let cores = Cores::take()?;
    let direct = (args.members as usize - 1, 1);
    let shared = (args.front_ends, direct.0 / args.front_ends.max(1));
    let layouts = match args.layout {
        Layout::Direct => vec![direct],
        Layout::FrontEnds => vec![shared],
        Layout::Both => vec![direct, shared],
    };
    let reports: Outcome<_> = layouts.into_iter().map(|l| measure(args, cores, l)).collect();
    let summary = Summary { reports: reports? };
    print!("{summary}");
    save(args.json.as_deref(), &summary)
}

/// One layout: links of the large room besides the author's, and sessions on each.
fn measure(args: &Args, cores: Cores, layout: (usize, usize)) -> Outcome<Report> {
    let group =
        |(links, sessions_per_link)| Group { links, sessions_per_link, ..Group::one_room() };
    let watched = Group { is_watched: true, ..group((args.small_members, 1)) };
    // The bare limit has but one room; so that both have clients alike, some are watched there too.
    let of_bare = [group((1, 1)), group(layout), watched.clone()];
    let of_broker = [group((1, 1)), group(layout), Group { rooms: vec![1], ..watched }];
    let mut pair = Pair::start(cores, args.io, &of_bare, &of_broker)?;
    let text_bytes = args.text_bytes;
    let large = |rate| Stream { group: AUTHOR, room: 0, text_bytes, rate };
    let small = Stream { group: SMALL, room: 1, text_bytes, rate: Some(args.small_rate) };
    let order = |seconds, streams| Order { seconds, streams, slow: Vec::new() };
    let alone = order(args.watch_seconds, vec![small]);
    let beside = order(args.watch_seconds, vec![small, large(Some(args.large_rate))]);
    let saturating = order(args.seconds, vec![large(None)]);
    let mut report = Report::new(args.members, layout, args.small_members, args.small_rate);
    for round in 0..=args.rounds {
        let windows: Outcome<Vec<Window>> = [
            pair.bare.measure(&saturating),
            pair.broker.measure(&saturating),
            pair.broker.measure(&alone),
            pair.broker.measure(&beside),
        ]
        .into_iter()
        .collect();
        // The first round grows memory to its size.
        if round > 0 {
            report.add(windows?)?;
        }
    }
    eprintln!("{}", report.title());
    Ok(report)
}
