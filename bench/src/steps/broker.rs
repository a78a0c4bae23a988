//! A whole shard: from a post's bytes to the last answer, everything but the system calls.

use super::harness::{Client, Wire, World, each_message};
use super::{Meter, Step, text};
use parlance_core::{Input, Limits, LinkId, Output};
use parlance_wire::sip::stamp::digits_of;
use parlance_wire::sip::{Response, StartLine};
use std::hint::black_box;

/// Sessions in the room of a fan-out.
const SESSIONS: usize = 500;
/// The one room.
const ROOM: u64 = 1;

/// A post into a room with nobody but its author: what a post costs besides its deliveries.
pub fn post() -> Box<dyn Step> {
    Box::new(FanOut::new(1, 1))
}

/// 500 sessions, each on a link of its own.
pub fn fan_out_direct() -> Box<dyn Step> {
    Box::new(FanOut::new(SESSIONS, 1))
}

/// 500 sessions behind one front end.
pub fn fan_out_front_end() -> Box<dyn Step> {
    Box::new(FanOut::new(1, SESSIONS))
}

/// A client's answer but for the number of the request: what stands before, between and behind its
/// two places.
struct Answer {
    link: LinkId,
    front: Vec<u8>,
    middle: Vec<u8>,
    back: Vec<u8>,
    cseq: u32,
}

impl Answer {
    /// Of an answer to one of our requests.
    fn learn(link: LinkId, bytes: &[u8], cseq: u32) -> Answer {
        let text = std::str::from_utf8(bytes).expect("an answer is text");
        let digits = digits_of(cseq).map(char::from);
        let digits = format!("{}\r\n", String::from_iter(digits));
        let (front, rest) = text.split_once(&digits).expect("the branch ends in the number");
        let line = format!("\r\nCSeq: {cseq} ");
        let (middle, back) = rest.split_once(&line).expect("the number has a line");
        let bytes = |text: &str| text.as_bytes().to_vec();
        Answer {
            link,
            front: bytes(front),
            middle: bytes(&format!("\r\n{middle}\r\nCSeq: ")),
            back: bytes(&format!(" {back}")),
            cseq,
        }
    }

    /// Appends the answer to the next request.
    fn next(&mut self, out: &mut Vec<u8>) {
        self.cseq += 1;
        out.extend_from_slice(&self.front);
        out.extend_from_slice(&digits_of(self.cseq));
        out.extend_from_slice(&self.middle);
        out.extend_from_slice(self.cseq.to_string().as_bytes());
        out.extend_from_slice(&self.back);
    }
}

struct FanOut {
    world: World,
    author: Client,
    answers: Vec<Answer>,
    ticket: u64,
}

impl FanOut {
    /// Everybody signs in, joins the room and has seen one post.
    fn new(links: usize, sessions_per_link: usize) -> FanOut {
        let limits = Limits {
            // If answers were not taken for what they are, somebody would lag before long.
            window: 4,
            session_requests_per_second: u32::MAX,
            session_requests_burst: u32::MAX,
            ..Limits::default()
        };
        let mut world = World::new(1, limits);
        let wires: Vec<Wire> = (0..links).map(|_| world.link(0)).collect();
        let mut clients: Vec<Client> = Vec::new();
        for wire in &wires {
            for _ in 0..sessions_per_link {
                let user = format!("u{}", clients.len());
                clients.push(Client::open(&mut world, *wire, &user));
            }
        }
        for client in &mut clients {
            client.join(&mut world, ROOM);
        }
        world.advance(3_000);
        answer_all(&mut world, &wires);
        let mut author = clients.swap_remove(0);
        author.post(&mut world, ROOM, &text());
        world.advance(1);
        let answers = answer_all(&mut world, &wires);
        assert_eq!(answers.len(), links * sessions_per_link, "everybody got the post");
        FanOut { world, author, answers, ticket: 1 }
    }
}

/// Answers whatever came; the answers that were given last.
fn answer_all(world: &mut World, wires: &[Wire]) -> Vec<Answer> {
    let mut learned = Vec::new();
    for wire in wires {
        let (bytes, mut answers) = (world.take(*wire), Vec::new());
        each_message(&bytes, |message| {
            if let StartLine::Request { .. } = message.start() {
                let mut answer = Vec::new();
                Response::to(message, &mut answer, 200, None).empty();
                learned.push(Answer::learn(wire.link, &answer, message.cseq().number));
                answers.extend_from_slice(&answer);
            }
        });
        world.send(*wire, &answers);
    }
    learned
}

impl Step for FanOut {
    fn units(&self) -> u64 {
        self.answers.len() as u64
    }

    fn run(&mut self, meter: &mut Meter<'_>) {
        let request = self.author.post_request(ROOM, &text());
        // Answers of one link come in one read.
        let mut reads: Vec<(LinkId, Vec<u8>)> = Vec::new();
        for answer in &mut self.answers {
            if reads.last().is_none_or(|(link, _)| *link != answer.link) {
                reads.push((answer.link, Vec::new()));
            }
            answer.next(&mut reads.last_mut().expect("pushed above").1);
        }
        self.ticket += 1;
        let (ticket, now, link) = (self.ticket, self.world.now, self.author.wire.link);
        let shard = &mut self.world.shards[0];
        let before = shard.counters().deliveries;
        meter(&mut || {
            shard.handle(now, Input::Bytes { link, bytes: &request });
            let Some(Output::Append { .. }) = shard.poll_output() else { panic!("a record") };
            shard.handle(now, Input::Committed { ticket });
            loop {
                while let Some(output) = shard.poll_output() {
                    let Output::Write { link } = output else { panic!("{output:?}") };
                    let written = shard.outgoing(link).map(|slice| black_box(slice).len()).sum();
                    shard.handle(now, Input::Drained { link, written });
                }
                if shard.poll_timeout().is_none_or(|due| due > now.instant) {
                    break;
                }
                shard.handle(now, Input::Timeout);
            }
            for (link, bytes) in &reads {
                shard.handle(now, Input::Bytes { link: *link, bytes });
            }
        });
        assert_eq!(shard.counters().deliveries - before, self.answers.len() as u64);
        assert_eq!(shard.gauges().sessions_lagging, 0, "the answers were understood");
    }
}
