//! Bytes to typed values and back.

use super::{Step, repeated, text};
use parlance_wire::sip::answer::{Answers, Front};
use parlance_wire::sip::{Frame, Framer, Message, Request, Response, Stamp, StampFields};
use parlance_wire::xccos::{
    Delivery, FromClient, Post, RoomRef, Timestamp, decode_client, encode_delivery, encode_post,
};
use std::hint::black_box;

/// How often the work is repeated in one run, so that measuring costs nothing beside it.
const TIMES: u64 = 100;

const USER: &str = "sip:u4711@example.test";
const SERVICE: &str = "sip:ocschat@example.test";
const ROOM: &str = "ma-chan://example.test/7f6a1f0e-5a3e-4a53-9d1c-2f6f0c8f4b11";
const CALL_ID: &str = "000000ffc1x0123456789abcdef";
const TAG: &str = "00000001000000070123456789abcdef0123456789abcdef";

const TRANSPORT: &str = "TCP";
const SENT_BY: &str = "127.0.0.1:5060";
const BRANCH_KEY: u64 = 0x0000_0001_0000_002a;
/// Number of the request that is answered.
const ANSWERED: u32 = 1_234;

/// A client's post: INFO with a document.
fn post() -> Vec<u8> {
    let mut body = Vec::new();
    let post = Post {
        room: RoomRef::parse(ROOM).expect("a room's URI"),
        author: USER.to_owned(),
        ts: Some("2024-01-01T00:00:00Z".to_owned()),
        alert: false,
        chat: text(),
        rtf: None,
    };
    encode_post(&mut body, 4_242, &post);
    let mut out = Vec::new();
    Request::new(&mut out, "INFO", "sip:127.0.0.1:5060;transport=tcp")
        .header("Via", "SIP/2.0/TCP 127.0.0.1:40123;branch=z9hG4bK0123456789abcdef00000017")
        .header("Max-Forwards", 70)
        .header("From", format_args!("<{USER}>;tag=1234567890;epid=0000000012ff"))
        .header("To", format_args!("<{SERVICE}>;tag={TAG}"))
        .header("Call-ID", CALL_ID)
        .header("CSeq", "23 INFO")
        .body("text/plain", &body);
    out
}

fn a_stamp() -> Stamp {
    Stamp::new(&StampFields {
        target: "sip:u4711@example.test;opaque=user:epid:0000000012ff;gruu",
        transport: TRANSPORT,
        sent_by: SENT_BY,
        branch_key: BRANCH_KEY,
        from: &format!("<{SERVICE}>;tag={TAG}"),
        to: &format!("<{USER}>;tag=1234567890;epid=0000000012ff"),
        call_id: CALL_ID,
        routes: &[],
    })
}

/// A client's answer to a delivery.
fn an_answer() -> Vec<u8> {
    let (mut info, mut out) = (Vec::new(), Vec::new());
    a_stamp().write_info(&mut info, ANSWERED, b"");
    let message = Message::parse(&info, info.len()).expect("our own head");
    Response::to(&message, &mut out, 200, None).empty();
    out
}

fn a_delivery() -> Delivery {
    Delivery {
        room_uri: ROOM.to_owned(),
        author: USER.to_owned(),
        author_name: "u4711".to_owned(),
        ts: Timestamp(638_000_000_000_000_000),
        alert: false,
        chat_id: 4_242,
        chat: text(),
        rtf: None,
    }
}

/// The one message in a buffer: its head's length.
fn head_len(bytes: &[u8]) -> usize {
    match Framer::default().next(bytes) {
        Ok(Some(Frame::Message { head_len, len })) if len == bytes.len() => head_len,
        other => panic!("one whole message, not {other:?}"),
    }
}

/// Finds the ends of posts that came in one read.
pub fn frame() -> Box<dyn Step> {
    let bytes = post().repeat(TIMES as usize);
    repeated(TIMES, move || {
        let (mut framer, mut at) = (Framer::default(), 0);
        while let Ok(Some(Frame::Message { len, .. })) = framer.next(black_box(&bytes[at..])) {
            at += len;
        }
        assert_eq!(at, bytes.len());
    })
}

/// Reads the head of a post.
pub fn parse_head() -> Box<dyn Step> {
    parse(post())
}

/// Reads an answer the long way: what one costs that is not written as usual.
pub fn parse_answer() -> Box<dyn Step> {
    parse(an_answer())
}

fn parse(bytes: Vec<u8>) -> Box<dyn Step> {
    let head_len = head_len(&bytes);
    repeated(TIMES, move || {
        for _ in 0..TIMES {
            assert!(black_box(Message::parse(black_box(&bytes), head_len)).is_ok());
        }
    })
}

/// Reads the document of a post.
pub fn parse_post() -> Box<dyn Step> {
    let bytes = post();
    let body = bytes[head_len(&bytes)..].to_vec();
    repeated(TIMES, move || {
        for _ in 0..TIMES {
            let document = black_box(decode_client(black_box(&body)));
            assert!(matches!(document, Ok(FromClient::Post(_))));
        }
    })
}

/// Writes the document that all participants share.
pub fn render() -> Box<dyn Step> {
    let (delivery, mut out) = (a_delivery(), Vec::new());
    repeated(TIMES, move || {
        for _ in 0..TIMES {
            out.clear();
            encode_delivery(&mut out, 4_611_686_018_427_387_999, black_box(&delivery));
            black_box(&out);
        }
    })
}

/// Writes the head of one delivery.
pub fn stamp() -> Box<dyn Step> {
    let (stamp, mut out) = (a_stamp(), Vec::new());
    repeated(TIMES, move || {
        for cseq in 1_000..1_000 + TIMES as u32 {
            out.clear();
            black_box(&stamp).write(&mut out, cseq);
            black_box(&out);
        }
    })
}

/// Recognises answers that came in one read.
pub fn recognise_answer() -> Box<dyn Step> {
    let (answer, front) = (an_answer(), Front::new(TRANSPORT, SENT_BY));
    let lengths = a_stamp().echo_lengths();
    let mut answers = Answers::default();
    let branch = (BRANCH_KEY, ANSWERED);
    let shape = answers.learn(&answer, &front, branch).expect("an ordinary answer");
    let bytes = answer.repeat(TIMES as usize);
    repeated(TIMES, move || {
        let mut at = 0;
        while let Some(begun) = front.begin(black_box(&bytes[at..])) {
            at += answers.finish(&begun, shape, lengths).expect("it was learned");
        }
        assert_eq!(at, bytes.len());
    })
}
