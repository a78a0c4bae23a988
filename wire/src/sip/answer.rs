//! The short way for the message that comes most often: the 200 to one of our INFOs.
//!
//! One comes back per delivery, so it is not parsed: it is compared. It begins as the link's
//! requests make it begin, repeats Via, From, To, Call-ID and CSeq (RFC 3261 §8.2.6.2), most often
//! in this order, and what a client adds, behind our Via and behind the CSeq, is the same in each
//! of its answers. So these are learned from an answer that [`super::Framer`] and
//! [`super::Message`] have read. What differs in another place than where it must, or in the order
//! of its lines, is left to them.
//!
//! Hence what is recognised means what they would make of it, if they read it: the bytes that vary
//! are checked here, and the others have been read by them before. The values of From, To and
//! Call-ID are not looked at, since the branch says all; that they are one line each is, or a
//! message could be hidden in another. Most clients repeat them letter by letter, so that it is
//! known where the lines end. They are not compared with the request's: that would fetch a long
//! text from memory for each of tens of thousands of dialogs.

use super::stamp::{BRANCH_COOKIE, EchoLengths, branch_digits};
use memchr::{memchr3, memmem};

/// Longest answer recognised, in bytes.
const ANSWER_BYTES_MAX: usize = 4 * 1024;
/// Most that a client may add to what it must repeat, in bytes.
const SHAPE_BYTES_MAX: usize = 512;
/// Most shapes kept; each kind and version of client has one. The next takes the place of the
/// oldest, whose clients are then read the long way once.
const SHAPES_MAX: usize = 64;

const STATUS_LINE: &str = "SIP/2.0 200 OK\r\n";

/// A buffer that begins as an answer to a request of ours does, status 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun<'b> {
    /// Branch key of the stamp that the request was written with.
    pub key: u64,
    /// CSeq number, as the branch has it.
    pub cseq: u32,
    /// Bytes before `rest`.
    at: usize,
    /// What follows the branch.
    rest: &'b [u8],
}

/// How all answers on a link begin, up to the branch's digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Front(Box<[u8]>);

impl Front {
    /// Of a link whose requests carry a Via with this transport (`TCP`, `TLS`) and `host:port`.
    pub fn new(transport: &str, sent_by: &str) -> Front {
        let front =
            format!("{STATUS_LINE}Via: SIP/2.0/{transport} {sent_by};branch={BRANCH_COOKIE}");
        Front(front.into_bytes().into())
    }

    /// Looks at the front of `buffer` as far as the branch, which says whose answer it may be.
    pub fn begin<'b>(&self, buffer: &'b [u8]) -> Option<Begun<'b>> {
        let (digits, rest) = buffer.strip_prefix(&*self.0)?.split_first_chunk()?;
        let (key, cseq) = branch_digits(digits)?;
        Some(Begun { key, cseq, at: buffer.len() - rest.len(), rest })
    }
}

/// Names a shape. The default is the first that was learned, which most clients share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShapeId(u8);

/// What a client adds to what it must repeat.
#[derive(Debug, PartialEq, Eq)]
struct Shape {
    /// Behind the branch in our Via, to the end of the line.
    via_rest: Box<[u8]>,
    /// Behind the line of CSeq, to the end of the head.
    tail: Box<[u8]>,
}

/// The shapes of answers that were met.
#[derive(Debug, Default)]
pub struct Answers {
    shapes: Vec<Shape>,
    /// Which one goes next when there are too many.
    oldest: u8,
}

impl Answers {
    /// Recognises the whole of an answer, without a body; how many bytes it takes at the front of
    /// the buffer. `shape` is what the dialog's answers have looked like, `lengths` are those of
    /// its requests' lines.
    pub fn finish(&self, begun: &Begun<'_>, shape: ShapeId, lengths: EchoLengths) -> Option<usize> {
        let shape = self.shapes.get(usize::from(shape.0))?;
        let rest = skip_echo(begun.rest.strip_prefix(&*shape.via_rest)?, lengths)?;
        let rest = skip_cseq(rest, begun.cseq)?.strip_prefix(&*shape.tail)?;
        let len = begun.at + begun.rest.len() - rest.len();
        (len <= ANSWER_BYTES_MAX).then_some(len)
    }

    /// Learns the shape of a whole message that has been read as the answer to the request with
    /// this branch key and CSeq number. `None` if it is an unusual one.
    pub fn learn(&mut self, message: &[u8], front: &Front, of: (u64, u32)) -> Option<ShapeId> {
        let Begun { key, cseq, rest, .. } = front.begin(message)?;
        let (via_rest, rest) = rest.split_at(memmem::find(rest, b"\r\n")? + 2);
        let tail = skip_cseq(skip_echo(rest, EchoLengths::default())?, cseq)?;
        let is_short = via_rest.len() + tail.len() <= SHAPE_BYTES_MAX;
        // Nothing that could name another branch, or go on with a line that varies.
        let is_plain = via_rest.iter().all(|byte| !matches!(byte, b',' | b'"' | b'<'))
            && memmem::find(&via_rest.to_ascii_lowercase(), b"branch").is_none()
            && !tail.starts_with(b" ")
            && !tail.starts_with(b"\t");
        ((key, cseq) == of && is_short && is_plain).then(|| self.keep(via_rest, tail))
    }

    fn keep(&mut self, via_rest: &[u8], tail: &[u8]) -> ShapeId {
        let is_same = |shape: &Shape| (&*shape.via_rest, &*shape.tail) == (via_rest, tail);
        let shape = || Shape { via_rest: via_rest.into(), tail: tail.into() };
        let index = match self.shapes.iter().position(is_same) {
            Some(index) => index,
            None if self.shapes.len() < SHAPES_MAX => {
                self.shapes.push(shape());
                self.shapes.len() - 1
            }
            None => {
                let index = usize::from(self.oldest);
                self.shapes[index] = shape();
                self.oldest = ((index + 1) % SHAPES_MAX) as u8;
                index
            }
        };
        ShapeId(index as u8)
    }
}

/// What follows the lines of From, To and Call-ID.
fn skip_echo(lines: &[u8], lengths: EchoLengths) -> Option<&[u8]> {
    skip_likely(lines, lengths).or_else(|| {
        let rest = skip_line(skip_line(lines, b"From: ")?, b"To: ")?;
        skip_line(rest, b"Call-ID: ")
    })
}

/// The same of lines that are as long as the request's, and hold no controls, not even a tab.
fn skip_likely(lines: &[u8], lengths: EchoLengths) -> Option<&[u8]> {
    let EchoLengths { from, to, call_id } = lengths;
    let (from, rest) = lines.split_at_checked(from.into())?;
    let (to, rest) = rest.split_at_checked(to.into())?;
    let (call_id, rest) = rest.split_at_checked(call_id.into())?;
    let least = least_of(from, b"From: ", [u8::MAX; 16])?;
    let least = least_of(to, b"To: ", least)?;
    let least = least_of(call_id, b"Call-ID: ", least)?;
    (least.into_iter().fold(u8::MAX, u8::min) >= b' ').then_some(rest)
}

/// The least of these bytes and the text's, for each of the sixteen places in a vector. `None` for
/// what is no line of this name, or a short one.
fn least_of<const N: usize>(line: &[u8], name: &[u8; N], least: [u8; 16]) -> Option<[u8; 16]> {
    skip(line, name)?;
    let (text, b"\r\n") = line.split_last_chunk()? else { return None };
    let lesser = |mut least: [u8; 16], chunk: &[u8; 16]| {
        least.iter_mut().zip(chunk).for_each(|(least, byte)| *least = (*least).min(*byte));
        least
    };
    // The last sixteen bytes cover the remainder.
    Some(text.as_chunks().0.iter().fold(lesser(least, text.last_chunk()?), lesser))
}

/// What follows a line of this name.
fn skip_line<'b, const N: usize>(lines: &'b [u8], name: &[u8; N]) -> Option<&'b [u8]> {
    let value = skip(lines, name)?;
    // A lone CR or LF, or a NUL, is for the framer to refuse.
    value[memchr3(b'\r', b'\n', 0, value)?..].strip_prefix(b"\r\n")
}

/// What follows the line of CSeq with this number.
fn skip_cseq(line: &[u8], cseq: u32) -> Option<&[u8]> {
    let mut number = itoa::Buffer::new();
    let number = number.format(cseq).as_bytes();
    skip(skip(line, b"CSeq: ")?.strip_prefix(number)?, b" INFO\r\n")
}

/// What follows a short text: of a length that is known, comparing needs no call.
fn skip<'b, const N: usize>(bytes: &'b [u8], text: &[u8; N]) -> Option<&'b [u8]> {
    let (found, rest) = bytes.split_first_chunk()?;
    (found == text).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::super::stamp::parse_branch;
    use super::super::{Frame, Framer, Message, Response, Stamp, StampFields, StartLine};
    use super::*;
    use proptest::prelude::*;

    const SENT_BY: &str = "127.0.0.1:5060";

    fn front() -> Front {
        Front::new("TCP", SENT_BY)
    }

    /// An answer: how long it is, whose, and to which request.
    type Found = (usize, u64, u32);

    /// As a shard does. `dialog` says of a branch key what the dialog's answers look like.
    fn recognise<'s>(
        answers: &Answers,
        buffer: &[u8],
        front: &Front,
        dialog: impl FnOnce(u64) -> Option<(ShapeId, &'s Stamp)>,
    ) -> Option<Found> {
        let begun = front.begin(buffer)?;
        let (shape, stamp) = dialog(begun.key)?;
        let len = answers.finish(&begun, shape, stamp.echo_lengths())?;
        Some((len, begun.key, begun.cseq))
    }

    fn stamp(key: u64, user: &str) -> Stamp {
        Stamp::new(&StampFields {
            target: "sip:kay@contoso.example",
            transport: "TCP",
            sent_by: SENT_BY,
            branch_key: key,
            from: "<sip:ocschat@contoso.example>;tag=a1",
            to: &format!("<sip:{user}@contoso.example>;tag=b2;epid=c3"),
            call_id: "d4",
            routes: &["<sip:proxy.example;lr>"],
        })
    }

    const KAY: u64 = 0x0000_0001_0000_002a;

    /// What stands behind the cookie.
    fn branch(key: u64, cseq: u32) -> String {
        let info = |stamp: &Stamp| {
            let mut info = Vec::new();
            stamp.write_info(&mut info, cseq, b"");
            String::from_utf8(info).unwrap()
        };
        let info = info(&stamp(key, "kay"));
        let (_, rest) = info.split_once(BRANCH_COOKIE).unwrap();
        rest.lines().next().unwrap().to_owned()
    }

    /// The answer of an ordinary client.
    fn answer(stamp: &Stamp, cseq: u32) -> Vec<u8> {
        let (mut info, mut answer) = (Vec::new(), Vec::new());
        stamp.write_info(&mut info, cseq, b"body");
        let message = Message::parse(&info, info.len() - 4).unwrap();
        Response::to(&message, &mut answer, 200, None).header("User-Agent", "x").empty();
        answer
    }

    /// Learns from a message as a shard does: only from one that the long way has read.
    fn learn(answers: &mut Answers, bytes: &[u8]) -> Option<ShapeId> {
        let Ok(Some(Frame::Message { head_len, len })) = Framer::default().next(bytes) else {
            return None;
        };
        let message = Message::parse(&bytes[..len], head_len).ok()?;
        let StartLine::Response { status: 200, .. } = message.start() else { return None };
        let (key, cseq) = message.branch().and_then(parse_branch)?;
        let is_answer = (key, message.cseq().number) == (KAY, cseq) && head_len == len;
        is_answer.then(|| answers.learn(&bytes[..len], &front(), (key, cseq)))?
    }

    #[test]
    fn what_a_client_says_once_is_recognised_from_then_on_for_all_like_it() {
        let (kay, lee) = (stamp(KAY, "kay"), stamp(7, "lee"));
        let mut answers = Answers::default();
        let find = |key| match key {
            KAY => Some((ShapeId::default(), &kay)),
            7 => Some((ShapeId::default(), &lee)),
            _ => None,
        };
        let one = answer(&kay, 1234);
        assert_eq!(recognise(&answers, &one, &front(), find), None, "nothing was learned");
        assert_eq!(learn(&mut answers, &one), Some(ShapeId(0)));
        for (stamp, key, cseq) in [(&kay, KAY, 1235), (&lee, 7, 0), (&lee, 7, (1 << 31) - 1)] {
            let one = answer(stamp, cseq);
            let two = [&one[..], b"INFO and more"].concat();
            let expect = (one.len(), key, cseq);
            assert_eq!(recognise(&answers, &two, &front(), find), Some(expect));
            for end in 0..one.len() {
                assert_eq!(recognise(&answers, &one[..end], &front(), find), None, "half of one");
            }
        }
        let stranger = answer(&stamp(8, "mia"), 1);
        assert_eq!(recognise(&answers, &stranger, &front(), find), None);
        let other_link = Front::new("TCP", "127.0.0.1:5061");
        assert_eq!(recognise(&answers, &one, &other_link, find), None);
    }

    #[test]
    fn a_client_may_spell_what_it_repeats_another_way() {
        let kay = stamp(KAY, "kay");
        let mut answers = Answers::default();
        let shape = learn(&mut answers, &answer(&kay, 1)).unwrap();
        let text = String::from_utf8(answer(&kay, 2)).unwrap();
        let changed = text.replacen("To: <sip:kay@", "To: \"Kay\" <sip:kay@", 1);
        assert_ne!(changed, text);
        let found = recognise(&answers, changed.as_bytes(), &front(), |_| Some((shape, &kay)));
        assert_eq!(found, Some((changed.len(), KAY, 2)));
    }

    #[test]
    fn what_is_unusual_is_left_to_the_parser() {
        let kay = stamp(KAY, "kay");
        let text = String::from_utf8(answer(&kay, 1234)).unwrap();
        let mut answers = Answers::default();
        learn(&mut answers, text.as_bytes()).unwrap();
        for (from, to) in [
            ("Content-Length: 0", "Content-Length: 00"),
            ("User-Agent: x", "User-Agent: y"),
            ("User-Agent: x\r\n", ""),
            ("SIP/2.0 200", "SIP/2.0 486"),
            ("1234 INFO", "1235 INFO"),
            ("1234 INFO", "01234 INFO"),
            ("1234 INFO", "99999999991234 INFO"),
            ("1234 INFO", " INFO"),
            ("1234 INFO", "1234 BYE"),
            ("z9hG4bK", "z9hG4bX"),
            ("aaaaaack", "aaaaaacK"),
            ("Via:", "v:"),
            ("To: ", "t: "),
            ("d4\r\n", "d4\r"),
            ("d4\r\n", "d4\n"),
            ("d4\r\n", "d4\0\r\n"),
            ("d4\r\n", "d4\r\n\r\n"),
            ("d4\r\n", "d4\r\n folded\r\n"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            let dialog = |_| Some((ShapeId::default(), &kay));
            let found = recognise(&answers, changed.as_bytes(), &front(), dialog);
            assert_eq!(found, None, "{to:?}");
        }
    }

    #[test]
    fn what_could_mean_something_else_another_time_is_not_learned() {
        let kay = stamp(KAY, "kay");
        let text = String::from_utf8(answer(&kay, 1234)).unwrap();
        let branch = branch(KAY, 1234);
        for (from, to) in [
            (branch.as_str(), format!("{branch};Branch=z9hG4bK{branch}")),
            (branch.as_str(), format!("{branch}, SIP/2.0/TCP x;branch=y")),
            ("User-Agent: x", format!("User-Agent: {}", "x".repeat(SHAPE_BYTES_MAX))),
            ("User-Agent: x", " folded".to_owned()),
            ("SIP/2.0 200", "SIP/2.0 202".to_owned()),
        ] {
            let changed = text.replacen(from, &to, 1);
            assert_ne!(changed, text);
            let mut answers = Answers::default();
            let learned = answers.learn(changed.as_bytes(), &front(), (KAY, 1234));
            assert_eq!(learned, None, "{to}");
        }
    }

    #[test]
    fn shapes_are_bounded_and_the_newest_stays() {
        let kay = stamp(KAY, "kay");
        let text = String::from_utf8(answer(&kay, 1)).unwrap();
        let mut answers = Answers::default();
        let mut last = Vec::new();
        for n in 0..3 * SHAPES_MAX {
            last = text.replace("User-Agent: x", &format!("User-Agent: {n}")).into_bytes();
            let shape = learn(&mut answers, &last).unwrap();
            assert_eq!(learn(&mut answers, &last), Some(shape), "known already");
            let found = recognise(&answers, &last, &front(), |_| Some((shape, &kay)));
            assert!(found.is_some(), "{n}");
        }
        assert_eq!(answers.shapes.len(), SHAPES_MAX);
        let found = recognise(&answers, &last, &front(), |_| Some((ShapeId(200), &kay)));
        assert_eq!(found, None, "no such shape");
    }

    fn mutate(bytes: &mut Vec<u8>, edits: &[(prop::sample::Index, u8, u8)]) {
        for &(at, byte, kind) in edits {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => {
                    bytes.remove(at);
                }
                _ => {
                    let tail = bytes[at..].to_vec();
                    bytes.extend(tail);
                }
            }
        }
    }

    type Edits = Vec<(prop::sample::Index, u8, u8)>;

    fn edits() -> impl Strategy<Value = Edits> {
        prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 0..4)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        /// Whatever was learned, and whatever a mutation does: what is recognised is what the
        /// framer and the parser see. The second answer is another dialog's, with a mutation of
        /// its own, and what the first one added.
        #[test]
        fn the_short_way_agrees_with_the_long_one(first in edits(), second in edits()) {
            let (kay, lee) = (stamp(KAY, "kay"), stamp(7, "leonore"));
            let mut learned = answer(&kay, 1234);
            mutate(&mut learned, &first);
            let mut answers = Answers::default();
            let Some(shape) = learn(&mut answers, &learned) else { return Ok(()) };
            let Shape { via_rest, tail } = &answers.shapes[usize::from(shape.0)];
            let mut bytes = front().0.to_vec();
            bytes.extend_from_slice(branch(7, 99).as_bytes());
            bytes.extend_from_slice(via_rest);
            let other = String::from_utf8(answer(&lee, 99)).unwrap();
            let echo = &other[other.find("From").unwrap()..other.find("CSeq").unwrap()];
            bytes.extend_from_slice(echo.as_bytes());
            bytes.extend_from_slice(b"CSeq: 99 INFO\r\n");
            bytes.extend_from_slice(tail);
            let dialog = |key| match key {
                KAY => Some((shape, &kay)),
                7 => Some((shape, &lee)),
                _ => None,
            };
            prop_assert!(recognise(&answers, &bytes, &front(), dialog).is_some());
            mutate(&mut bytes, &second);
            for bytes in [&bytes, &learned] {
                let Some(found) = recognise(&answers, bytes, &front(), dialog) else { continue };
                let (found_len, key, cseq) = found;
                let Ok(Some(Frame::Message { head_len, len })) = Framer::default().next(bytes)
                else { return Err(TestCaseError::fail("the framer sees no message")) };
                prop_assert_eq!((len, head_len), (found_len, found_len));
                let Ok(message) = Message::parse(&bytes[..len], head_len) else { continue };
                let StartLine::Response { status, .. } = message.start() else { panic!() };
                prop_assert_eq!(status, 200);
                prop_assert_eq!(message.cseq().number, cseq);
                let branch = message.branch().and_then(parse_branch);
                prop_assert_eq!(branch, Some((key, cseq)));
            }
        }
    }
}
