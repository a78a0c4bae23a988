//! Processor time of a delivery, by TCP and by TLS, alone and with others in one write.

use super::crowd::Crowd;
use super::{Args, FRONT_ENDS, WAYS, shard_us};
use crate::Outcome;
use crate::spread::Spread;
use parlance_tests::server::{Room, Server};

/// Prints what a delivery costs the shard.
pub fn measure(args: &Args, server: &Server) -> Outcome<()> {
    let (room, other) = (Room::numbered(1), Room::numbered(2));
    let direct = compare(args, server, &room, args.links, 1)?;
    print("One delivery in a write", args, args.links, &direct);
    let sessions = args.links.div_ceil(FRONT_ENDS);
    let coalesced = compare(args, server, &other, FRONT_ENDS, sessions)?;
    print("Deliveries coalesced", args, FRONT_ENDS, &coalesced);
    Ok(())
}

/// Microseconds for each delivery, by each way, round by round. The crowds take their turns in one
/// room: who is not measured is not there.
fn compare(
    args: &Args,
    server: &Server,
    room: &Room,
    links: usize,
    sessions: usize,
) -> Outcome<Vec<Vec<f64>>> {
    let mut figures = vec![Vec::new(); WAYS.len()];
    let mut number = u32::try_from(links)? * 1_000;
    for round in 0..=args.rounds {
        for (figures, way) in figures.iter_mut().zip(WAYS) {
            let mut crowd = Crowd::sign_in(way, server, room, links, sessions, &mut number)?;
            crowd.post(args.text_bytes)?;
            let before = shard_us(server)?;
            for _ in 0..args.posts {
                crowd.post(args.text_bytes)?;
            }
            let deliveries = args.posts * crowd.sessions;
            if round > 0 {
                figures.push((shard_us(server)? - before) / deliveries as f64);
            }
            crowd.leave(server);
        }
    }
    Ok(figures)
}

fn print(title: &str, args: &Args, links: usize, figures: &[Vec<f64>]) {
    println!("{title}: {links} links, {} bytes of text; us of the shard", args.text_bytes);
    for (way, numbers) in WAYS.into_iter().zip(figures) {
        let ratios = numbers.iter().zip(&figures[0]).map(|(a, b)| a / b);
        let (all, ratio) = (Spread::of(numbers.iter().copied()), Spread::of(ratios));
        println!("  {:8}{all:28.2}  by TCP's {ratio:24.2}", way.name());
    }
    println!();
}
