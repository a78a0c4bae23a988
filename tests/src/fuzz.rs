//! What the fuzzers look for, as plain functions: `fuzz/` calls them with inputs it searches for,
//! `fuzz_regressions` with the inputs that were found, so that both always test the same.
//!
//! A target panics when a property does not hold. None of them may panic for any other reason.

use parlance_wire::limits::{SIP_HEAD_BYTES_MAX, SIP_MESSAGE_BYTES_MAX};
use parlance_wire::sip::answer::{Answers, Front};
use parlance_wire::sip::stamp::{EchoLengths, parse_branch};
use parlance_wire::sip::{
    Echo, Frame, FrameError, Framer, HeaderName, Message, Response, StartLine, Uri,
};
use parlance_wire::xccos::{
    FromClient, FromServer, decode_client, decode_server, encode_command, encode_delivery,
    encode_notices, encode_post, encode_replies,
};

/// A target by its name, which is also the name of its corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 4] = [
    ("sip_framer", sip_framer),
    ("sip_message", sip_message),
    ("xccos_client", xccos_client),
    ("xccos_server", xccos_server),
];

/// What a stream was cut into, and how that ended.
type Cut = (Vec<Frame>, Option<FrameError>);

/// Cuts a stream that arrives in these pieces, as a link does.
fn cut<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Cut {
    let (mut framer, mut unread, mut frames) = (Framer::default(), Vec::new(), Vec::new());
    for piece in pieces {
        unread.extend_from_slice(piece);
        loop {
            match framer.next(&unread) {
                Err(error) => return (frames, Some(error)),
                Ok(None) => break,
                Ok(Some(frame)) => {
                    unread.drain(..len_of(&frame, unread.len()));
                    frames.push(frame);
                }
            }
        }
    }
    (frames, None)
}

fn len_of(frame: &Frame, available: usize) -> usize {
    let len = match *frame {
        Frame::KeepAlive { len } => len,
        Frame::Message { head_len, len } => {
            assert!(head_len <= SIP_HEAD_BYTES_MAX && head_len <= len, "{frame:?}");
            assert!(len <= SIP_MESSAGE_BYTES_MAX, "{frame:?}");
            len
        }
    };
    assert!(0 < len && len <= available, "{frame:?} of {available} bytes");
    len
}

/// Cuts of keep-alives depend on what has arrived; messages and the end do not.
fn messages((frames, end): &Cut) -> (Vec<&Frame>, Option<FrameError>) {
    (frames.iter().filter(|f| matches!(f, Frame::Message { .. })).collect(), *end)
}

/// However a stream is split, the same messages come out of it, or the same refusal.
///
/// The first byte says how many lengths of pieces follow; they are used in turn for the rest.
pub fn sip_framer(data: &[u8]) {
    let Some((&count, rest)) = data.split_first() else { return };
    let (lengths, stream) = rest.split_at(rest.len().min(usize::from(count % 16)));
    let whole = cut(std::iter::once(stream));
    let mut at = 0;
    let mut turn = lengths.iter().cycle();
    let pieces = std::iter::from_fn(|| {
        let len = turn.next().map_or(1, |len| usize::from(*len).max(1));
        let piece = &stream[at..stream.len().min(at + len)];
        at += piece.len();
        (!piece.is_empty()).then_some(piece)
    });
    let split = cut(pieces);
    let is_flood = |cut: &Cut| cut.1 == Some(FrameError::KeepAliveFlood);
    // Only what lies unread at once counts as a flood, so that one verdict may differ.
    if !is_flood(&whole) {
        assert_eq!(messages(&whole), messages(&split), "split by {lengths:?}");
    }
}

/// A message that is read can be looked at and answered; the answer is a message again.
pub fn sip_message(data: &[u8]) {
    check_short_way(data);
    let Ok(Some(Frame::Message { head_len, len })) = Framer::default().next(data) else {
        return check_salvage(data);
    };
    let Ok(message) = Message::parse(&data[..len], head_len) else { return check_salvage(data) };
    look_at(&message);
    if !matches!(message.start(), StartLine::Request { .. }) {
        return;
    }
    let mut answer = Vec::new();
    Response::to(&message, &mut answer, 481, Some("0123456789abcdef"))
        .record_routes(&message)
        .header("Retry-After", 5)
        .empty();
    check_answer(&message, &answer);
    let mut held = Vec::new();
    Echo::of(&message, Some("0123456789abcdef")).respond(&mut held, 200).body("text/plain", b"x");
    check_answer(&message, &held);
}

/// What the short way for answers has learned from the first message, and recognises in it and
/// in what follows, the long way reads as the same.
fn check_short_way(data: &[u8]) {
    let Ok(Some(Frame::Message { head_len, len })) = Framer::default().next(data) else { return };
    let Ok(message) = Message::parse(&data[..len], head_len) else { return };
    let is_answer = matches!(message.start(), StartLine::Response { status: 200, .. });
    let branch = message.branch().and_then(parse_branch);
    let branch = branch.filter(|(_, cseq)| *cseq == message.cseq().number);
    let Some((key, cseq)) = branch.filter(|_| is_answer && head_len == len) else { return };
    let via = message.all(HeaderName::Via).next().unwrap_or_default();
    let sent_by = via.strip_prefix("SIP/2.0/TCP ").and_then(|via| via.split(';').next());
    let (mut answers, front) = (Answers::default(), Front::new("TCP", sent_by.unwrap_or_default()));
    let Some(shape) = answers.learn(&data[..len], &front, (key, cseq)) else { return };
    // Lines of the first are as long as it says; those of the second may be, or not.
    let length = |name: &str, value: &str| {
        u16::try_from(name.len() + ": \r\n".len() + value.len()).unwrap_or_default()
    };
    let text = |name| message.header(name).unwrap_or_default();
    let lengths = EchoLengths {
        from: length("From", text(HeaderName::From)),
        to: length("To", text(HeaderName::To)),
        call_id: length("Call-ID", message.call_id()),
    };
    for data in [data, &data[len..]] {
        let Some(begun) = front.begin(data) else { continue };
        let Some(answer_len) = answers.finish(&begun, shape, lengths) else { continue };
        let frame = Framer::default().next(data);
        let Ok(Some(Frame::Message { head_len, len })) = frame else {
            panic!("{begun:?} is recognised in what the framer finds to be {frame:?}");
        };
        assert_eq!(answer_len, len);
        let Ok(message) = Message::parse(&data[..len], head_len) else { continue };
        assert!(matches!(message.start(), StartLine::Response { status: 200, .. }));
        let branch = message.branch().and_then(parse_branch);
        assert_eq!(branch, Some((begun.key, begun.cseq)));
        assert_eq!(message.cseq().number, begun.cseq);
    }
}

/// The answer to what cannot be read is one message, whatever of it is repeated.
fn check_salvage(data: &[u8]) {
    let Some(echo) = Echo::salvage(data, "0123456789abcdef") else { return };
    let mut answer = Vec::new();
    echo.respond(&mut answer, 400).empty();
    match Framer::default().next(&answer) {
        Ok(Some(Frame::Message { head_len, len })) => {
            assert_eq!((head_len, len), (answer.len(), answer.len()));
        }
        Err(FrameError::HeadTooLong | FrameError::LineTooLong | FrameError::TooManyHeaders) => {}
        other => panic!("{other:?} of {:?}", String::from_utf8_lossy(&answer)),
    }
}

fn check_answer(request: &Message<'_>, answer: &[u8]) {
    let frame = Framer::default().next(answer);
    let frame = match frame {
        Ok(Some(Frame::Message { head_len, len })) if len == answer.len() => head_len,
        // The tag and a header are added: at the bounds the answer may pass them by that much.
        Err(FrameError::HeadTooLong | FrameError::LineTooLong | FrameError::TooManyHeaders) => {
            return;
        }
        other => panic!("{other:?} of {:?}", String::from_utf8_lossy(answer)),
    };
    let answer = Message::parse(answer, frame).expect("what we write can be read");
    assert_eq!(answer.call_id(), request.call_id());
    assert_eq!(answer.cseq(), request.cseq());
    assert_eq!(answer.from(), request.from());
    assert_eq!(answer.branch(), request.branch());
    assert!(answer.to().tag().is_some(), "an answer has a tag");
}

/// Calls everything a message can be asked.
fn look_at(message: &Message<'_>) {
    let addresses = [Some(message.from()), Some(message.to()), message.contact()];
    for address in addresses.into_iter().flatten() {
        let _ = (address.tag(), address.epid(), address.param("x"));
        if let Some(uri) = address.parsed_uri() {
            check_identity(&uri);
        }
    }
    for name in [HeaderName::Supported, HeaderName::Require, HeaderName::Via] {
        let _ = message.lists(name, "timer");
    }
    let _ = (message.branch(), message.expires_s(), message.is_content_type("text/plain"));
    assert!(!message.call_id().contains(['\r', '\n']), "a header is one line");
    assert!(message.headers().all(|h| !h.value.contains(['\r', '\n'])), "a header is one line");
}

/// An identity is its own identity: who somebody is does not depend on who asks.
fn check_identity(uri: &Uri<'_>) {
    let _ = uri.param("transport");
    let Some(identity) = uri.identity() else { return };
    let again = Uri::parse(&identity).and_then(|uri| uri.identity());
    assert_eq!(again.as_deref(), Some(identity.as_str()));
}

/// What a client says is refused, or understood so that writing it again says the same.
pub fn xccos_client(data: &[u8]) {
    match decode_client(data) {
        Err(error) => assert!(!error.as_str().is_empty()),
        Ok(FromClient::Commands(commands)) => {
            assert!(!commands.is_empty());
            for (id, command) in commands {
                assert!((1..=20).contains(&id.envid.as_str().len()), "{id:?}");
                let mut out = Vec::new();
                encode_command(&mut out, 1, &command);
                let Ok(FromClient::Commands(again)) = decode_client(&out) else {
                    panic!("{command:?} became {:?}", String::from_utf8_lossy(&out));
                };
                assert_eq!(again.len(), 1);
                assert_eq!(again[0].1, command, "{:?}", String::from_utf8_lossy(&out));
            }
        }
        Ok(FromClient::Post(post)) => {
            let mut out = Vec::new();
            encode_post(&mut out, 1, &post);
            assert_eq!(decode_client(&out), Ok(FromClient::Post(post)));
        }
    }
}

/// The same for what a server says.
pub fn xccos_server(data: &[u8]) {
    let mut out = Vec::new();
    match decode_server(data) {
        Err(error) => return assert!(!error.as_str().is_empty()),
        Ok(FromServer::Replies(replies)) => encode_replies(&mut out, 1, &replies),
        // A notice about nobody is understood and has no form to write.
        Ok(FromServer::Notices(notices)) if notices.is_empty() => return,
        Ok(FromServer::Notices(notices)) => encode_notices(&mut out, 1, &notices),
        Ok(FromServer::Delivery(delivery)) => encode_delivery(&mut out, 1, &delivery),
    }
    let text = || String::from_utf8_lossy(&out);
    let again = decode_server(&out).unwrap_or_else(|e| panic!("{e}: {:?}", text()));
    // What a foreign server says may be put in other words than ours (the order of elements, names
    // of notices we have no form for); ours must stand as they are.
    let mut twice = Vec::new();
    match &again {
        FromServer::Replies(replies) => encode_replies(&mut twice, 1, replies),
        FromServer::Notices(notices) => encode_notices(&mut twice, 1, notices),
        FromServer::Delivery(delivery) => encode_delivery(&mut twice, 1, delivery),
    }
    assert_eq!(String::from_utf8_lossy(&twice), text());
}
