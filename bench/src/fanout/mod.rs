//! Fan-out of the broker beside the bare limit.
//!
//! Two servers, each a process on the first core: the broker and [`crate::bare`]. Two processes of
//! [`crate::clients`] on the second core, one for each server. All stand for the whole run; the
//! rounds alternate, so that whatever else the machine does meets both sides alike, and the side
//! that is not measured waits in the kernel. What counts is the servers' processor time, not the
//! time on the wall: so a busy second core makes a round longer, not dearer.

mod report;

use crate::clients::{Group, Order, Stream, Window};
use crate::sides::{Cores, Io, Pair};
use crate::{Outcome, save};
use report::{Report, Summary};
use std::path::PathBuf;

/// Posts per second.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rate {
    /// Each post when the one before is with everybody.
    Saturating,
    /// Half as many as the broker makes then.
    Half,
    /// So many.
    Fixed(f64),
}

fn rate(text: &str) -> Result<Rate, String> {
    match text {
        "max" => Ok(Rate::Saturating),
        "half" => Ok(Rate::Half),
        number => match number.parse() {
            Ok(rate) if rate > 0.0 => Ok(Rate::Fixed(rate)),
            _ => Err("neither \"max\" nor \"half\" nor a number of posts per second".into()),
        },
    }
}

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Links of those who only read; the author has one more.
    #[arg(long, default_value_t = 1_000)]
    links: usize,
    /// Sessions on each: 1 for direct clients, thousands for front ends.
    #[arg(long, default_value_t = 1)]
    sessions_per_link: usize,
    /// Text of each post, bytes.
    #[arg(long, default_value_t = 256)]
    text_bytes: usize,
    /// Posts per second; "max": each when the one before is with everybody; "half": half as many
    /// as the broker makes then.
    #[arg(long, default_value = "max", value_parser = rate)]
    rate: Rate,
    /// Measure 1,000 and 10,000 direct links and 10,000 sessions on 4 links, each with 256 and
    /// 1,024 bytes of text, each at "max" and at "half"; one table.
    #[arg(long, conflicts_with_all = ["links", "sessions_per_link", "text_bytes", "rate"])]
    matrix: bool,
    /// Sessions of the matrix are divided by this: for a quick try.
    #[arg(long, default_value_t = 1, requires = "matrix")]
    divide_by: usize,
    /// Measured windows of each side.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Length of each.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// `[cores] io` of the broker.
    #[arg(long, default_value = "epoll")]
    io: Io,
    /// Write everything here as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// How the readers are spread over links: links, and sessions on each.
type Layout = (usize, usize);

/// Measures and prints.
///
/// # Errors
/// If a side does not start, or does not deliver what it should.
pub fn run(args: &Args) -> Outcome<()> {
    let cores = Cores::take()?;
    if !args.matrix {
        let mut bench = Bench::start(cores, args, (args.links, args.sessions_per_link))?;
        let report = bench.measure(args.text_bytes, args.rate)?;
        print!("{report}");
        return save(args.json.as_deref(), &report);
    }
    let divided = |count: usize| (count / args.divide_by).max(1);
    let layouts = [(divided(1_000), 1), (divided(10_000), 1), (4, divided(2_500))];
    let mut reports = Vec::new();
    for layout in layouts {
        let mut bench = Bench::start(cores, args, layout)?;
        for text_bytes in [256, 1_024] {
            for rate in [Rate::Saturating, Rate::Half] {
                reports.push(bench.measure(text_bytes, rate)?);
            }
        }
    }
    let summary = Summary { reports };
    print!("{summary}");
    save(args.json.as_deref(), &summary)
}

/// Both sides with everybody in the room.
struct Bench<'a> {
    pair: Pair,
    args: &'a Args,
    layout: Layout,
}

impl Bench<'_> {
    fn start(cores: Cores, args: &Args, layout: Layout) -> Outcome<Bench<'_>> {
        let group =
            |(links, sessions_per_link)| Group { links, sessions_per_link, ..Group::one_room() };
        let groups = [group((1, 1)), group(layout)];
        let pair = Pair::start(cores, args.io, &groups, &groups)?;
        Ok(Bench { pair, args, layout })
    }

    fn measure(&mut self, text_bytes: usize, rate: Rate) -> Outcome<Report> {
        let (seconds, rounds) = (self.args.seconds, self.args.rounds);
        let order = |rate| Order {
            seconds,
            streams: vec![Stream { group: 0, room: 0, text_bytes, rate }],
            slow: Vec::new(),
        };
        let saturating = order(None);
        // The first window of each is thrown away: it grows memory to its size.
        self.pair.bare.measure(&saturating)?;
        let warm = self.pair.broker.measure(&saturating)?;
        let order = order(match rate {
            Rate::Saturating => None,
            Rate::Half => Some(warm.posts as f64 / warm.wall_s / 2.0),
            Rate::Fixed(rate) => Some(rate),
        });
        let (mut bare, mut broker) = (Vec::<Window>::new(), Vec::<Window>::new());
        for _ in 0..rounds {
            bare.push(self.pair.bare.measure(&order)?);
            broker.push(self.pair.broker.measure(&order)?);
        }
        let report = Report::new(self.layout, &order, bare, broker);
        eprintln!("{}: {:.2}", report.title(), report.ratio());
        Ok(report)
    }
}
