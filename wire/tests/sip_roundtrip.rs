//! What is written can be read, whatever is in it; what is read never panics, whatever it is.

use parlance_wire::sip::address::split_list;
use parlance_wire::sip::stamp::{STAMP_VARYING_BYTES_MAX, info_rest, parse_branch};
use parlance_wire::sip::window::WINDOW_MAX;
use parlance_wire::sip::{
    Address, CSeq, Echo, Frame, FrameError, Framer, HeaderName, Message, Method, Request, Response,
    Stamp, StampFields, StartLine, Uri, Window,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::ops::Range;

const TOKEN: &str = "[A-Za-z0-9.!%*_+`'~-]{1,20}";
/// A header value: anything printable, no blank at its ends.
const VALUE: &str = "[!-~äß大](\\PC{0,30}[!-~é])?";

/// Frames bytes that are exactly one message and reads it.
fn read(bytes: &[u8]) -> Message<'_> {
    match Framer::default().next(bytes) {
        Ok(Some(Frame::Message { head_len, len })) if len == bytes.len() => {
            Message::parse(bytes, head_len).expect("what we wrote is valid")
        }
        other => panic!("{other:?} for {}", String::from_utf8_lossy(bytes)),
    }
}

/// Every message of a stream as a range of it, fed in chunks that end at the given places.
fn frames(stream: &[u8], ends: &[usize]) -> (Vec<(usize, Range<usize>)>, Option<FrameError>) {
    let (mut framer, mut start, mut found) = (Framer::default(), 0, Vec::new());
    for end in ends.iter().copied().chain([stream.len()]) {
        loop {
            match framer.next(&stream[start..end]) {
                Err(error) => return (found, Some(error)),
                Ok(None) => break,
                Ok(Some(Frame::KeepAlive { len })) => start += len,
                Ok(Some(Frame::Message { head_len, len })) => {
                    found.push((head_len, start..start + len));
                    start += len;
                }
            }
        }
    }
    (found, None)
}

/// Calls everything a message offers, for the panics it must not have.
fn touch(message: &Message<'_>) {
    for header in message.headers() {
        split_list(header.value).for_each(drop);
        let _ = message.lists(header.name, "x");
    }
    let _ = (message.branch(), message.contact(), message.expires_s(), message.max_forwards());
    for address in [Some(message.from()), Some(message.to()), message.contact()] {
        let _ = address.map(|a| (a.tag(), a.epid(), a.parsed_uri().and_then(|u| u.identity())));
    }
    let mut out = Vec::new();
    Response::to(message, &mut out, 200, Some("tag")).record_routes(message).empty();
    let mut held = Vec::new();
    Echo::of(message, Some("tag")).respond(&mut held, 200).empty();
    let answer = read(&out);
    assert_eq!(answer.cseq(), message.cseq());
    assert_eq!(answer.all(HeaderName::Via).count(), message.all(HeaderName::Via).count());
    assert!(read(&held).to().tag().is_some());
}

/// Pieces of which random streams get interesting far more often than of random bytes.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = select(vec![
        "\r\n\r\n",
        "\r\n",
        "\r",
        "\n",
        "\0",
        " ",
        ":",
        "SIP/2.0 200 OK\r\n",
        "INFO sip:a@b SIP/2.0\r\n",
        "Via: SIP/2.0/TCP h;branch=z9hG4bK1\r\n",
        "From: \"a\" <sip:a@b>;tag=1\r\nTo: sip:c@d\r\nCall-ID: 1\r\nCSeq: 1 INFO\r\n",
        "Content-Length: 3\r\n",
        "l:0\r\n",
        "Content-Length: 0\r\n\r\n",
        "Content-Length: 5\r\n\r\nab\r\nc",
        "Contact: \"x, <sip:a>;y=\"\r\n",
        "Record-Route: <sip:a;lr>, <sip:b>\r\n",
    ]);
    prop_oneof![
        8 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..8),
    ]
}

proptest! {
    #[test]
    fn requests_come_back(
        method in TOKEN,
        uri in "sip:[a-z0-9.]{1,10}@[a-z0-9.]{1,10}(;[a-z]{1,5})?",
        (from, to, call_id) in ("[a-z]{1,9}", "[a-z]{1,9}", "[!-~]{1,40}"),
        number in 0..1u32 << 31,
        extra in vec((TOKEN, VALUE), 0..20),
        body in vec(any::<u8>(), 0..300),
    ) {
        let mut out = Vec::new();
        let mut request = Request::new(&mut out, &method, &uri)
            .header("Via", "SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bKx")
            .header("From", format_args!("\"{from}\" <sip:{from}@h>;tag={from}"))
            .header("To", format_args!("<sip:{to}@h>"))
            .header("Call-ID", &call_id)
            .header("CSeq", format_args!("{number} {method}"));
        for (name, value) in &extra {
            request = request.header(&format!("X-{name}"), value);
        }
        request.body("text/plain", &body);

        let message = read(&out);
        let StartLine::Request { method: found, uri: target } = message.start() else { panic!() };
        prop_assert_eq!((found.as_str(), target), (method.as_str(), uri.as_str()));
        prop_assert_eq!(message.from().tag(), Some(from.as_str()));
        prop_assert_eq!(message.from().display, Some(from.as_str()));
        prop_assert_eq!(message.to().uri, format!("sip:{to}@h"));
        prop_assert_eq!(message.call_id(), call_id);
        prop_assert_eq!(message.cseq(), CSeq { number, method: Method::parse(&method).unwrap() });
        prop_assert_eq!(message.branch(), Some("z9hG4bKx"));
        let others = message.all(HeaderName::Other);
        prop_assert!(others.eq(extra.iter().map(|(_, value)| value.as_str())));
        prop_assert_eq!(message.body(), body);
        touch(&message);
    }

    #[test]
    fn responses_come_back(
        status in 100..700u16,
        vias in vec(TOKEN, 1..4),
        routes in vec(TOKEN, 0..4),
        tag in TOKEN,
        has_tag: bool,
        body in vec(any::<u8>(), 0..100),
    ) {
        let mut out = Vec::new();
        let old = if has_tag { ";tag=old" } else { "" };
        let mut request = Request::new(&mut out, "INVITE", "sip:gc@h");
        for via in &vias {
            request = request.header("v", format_args!("SIP/2.0/TCP h;branch={via}"));
        }
        for route in &routes {
            request = request.header("Record-Route", format_args!("<sip:{route};lr>"));
        }
        request.header("f", "<sip:a@b>;tag=1").header("t", format_args!("<sip:gc@h>{old}"))
            .header("i", "1@h").header("CSeq", "7 INVITE").empty();
        let request = read(&out);

        let mut out = Vec::new();
        let response = Response::to(&request, &mut out, status, Some(&tag));
        response.record_routes(&request).body("application/sdp", &body);
        let answer = read(&out);
        let StartLine::Response { status: found, .. } = answer.start() else { panic!() };
        prop_assert_eq!(found, status);
        prop_assert!(answer.all(HeaderName::Via).eq(request.all(HeaderName::Via)));
        let routes = answer.all(HeaderName::RecordRoute);
        prop_assert!(routes.eq(request.all(HeaderName::RecordRoute)));
        prop_assert_eq!(answer.to().tag(), Some(if has_tag { "old" } else { &tag }));
        prop_assert_eq!((answer.from(), answer.cseq()), (request.from(), request.cseq()));
        prop_assert_eq!((answer.call_id(), answer.body()), ("1@h", body.as_slice()));
    }

    #[test]
    fn no_text_adds_a_line(name in TOKEN, evil in vec(any::<char>(), 0..40)) {
        let evil: String = evil.into_iter().chain("\r\nA: b\r\n\r\n".chars()).collect();
        let mut out = Vec::new();
        Request::new(&mut out, "INFO", "sip:a@b").header(&name, &evil).body(&evil, evil.as_bytes());
        let head_len = out.len() - evil.len();
        prop_assert_eq!(out[..head_len].iter().filter(|byte| **byte == b'\r').count(), 5);
        prop_assert_eq!(out[..head_len].iter().filter(|byte| **byte == b'\n').count(), 5);
        prop_assert_eq!(&out[head_len - 4..head_len], b"\r\n\r\n");
    }

    #[test]
    fn stamps_come_back(
        branch_key: u64,
        cseq in 0..1u32 << 31,
        body_len in 0..1usize << 18,
        routes in vec("<sip:[a-z]{1,8};lr>", 0..3),
        method in select(vec!["BYE", "UPDATE", "ACK"]),
    ) {
        let routes: Vec<&str> = routes.iter().map(String::as_str).collect();
        let stamp = Stamp::new(&StampFields {
            target: "sip:kay@h;gruu",
            transport: "TLS",
            sent_by: "192.0.2.1:5041",
            branch_key,
            from: "<sip:gc@h>;tag=1",
            to: "<sip:kay@h>;tag=2;epid=3",
            call_id: "4@h",
            routes: &routes,
        });
        let mut out = Vec::with_capacity(stamp.constant_len() + STAMP_VARYING_BYTES_MAX);
        let room = out.capacity();
        stamp.write(&mut out, cseq);
        prop_assert_eq!(out.capacity(), room);
        let document = |out: &mut Vec<u8>| out.resize(out.len() + body_len, b'x');
        out.extend_from_slice(info_rest(&mut Vec::new(), document));
        let info = read(&out);
        prop_assert_eq!(info.cseq(), CSeq { number: cseq, method: Method::Info });
        prop_assert_eq!(info.body().len(), body_len);
        prop_assert!(info.is_content_type("text/plain"));

        let mut out = Vec::new();
        stamp.write_bare(&mut out, method, cseq);
        let bare = read(&out);
        prop_assert_eq!(bare.cseq(), CSeq { number: cseq, method: Method::parse(method).unwrap() });
        prop_assert!(bare.header(HeaderName::ContentType).is_none() && bare.body().is_empty());
        for message in [&info, &bare] {
            prop_assert_eq!(message.branch().and_then(parse_branch), Some((branch_key, cseq)));
            prop_assert!(message.all(HeaderName::Route).eq(routes.iter().copied()));
            prop_assert_eq!((message.from().tag(), message.to().epid()), (Some("1"), Some("3")));
            prop_assert_eq!((message.call_id(), message.max_forwards()), ("4@h", Some(70)));
        }
    }

    #[test]
    fn splits_change_nothing(pieces in vec(piece(), 0..8), cuts in vec(any::<u16>(), 0..6)) {
        // At most 16 CRLFs in all, so that none of the ways to cut is a flood and another not.
        let stream = pieces.concat();
        let whole = frames(&stream, &[]);
        let mut ends: Vec<_> = cuts.iter().map(|c| usize::from(*c) % (stream.len() + 1)).collect();
        ends.sort_unstable();
        prop_assert_eq!(&frames(&stream, &ends), &whole);
        let every: Vec<_> = (0..stream.len()).collect();
        prop_assert_eq!(&frames(&stream, &every), &whole);
        for (head_len, range) in whole.0 {
            if let Ok(message) = Message::parse(&stream[range], head_len) {
                touch(&message);
            }
        }
    }

    #[test]
    fn nothing_panics(
        bytes in prop_oneof![
            vec(any::<u8>(), 0..200),
            vec(piece(), 0..12).prop_map(|pieces| pieces.concat()),
        ],
        head_len in 0..300usize,
        text in "\\PC{0,40}|[\"<>;,=?@:%a-f0-9 sip\\[\\]\\\\]{0,40}",
    ) {
        frames(&bytes, &[]);
        for head_len in [head_len, bytes.len()] {
            let _ = Message::parse(&bytes, head_len);
        }
        if let Some(echo) = Echo::salvage(&bytes, "tag") {
            let mut out = Vec::new();
            echo.respond(&mut out, 400).empty();
            let len = out.len();
            let frame = Framer::default().next(&out);
            prop_assert_eq!(frame, Ok(Some(Frame::Message { head_len: len, len })));
        }
        if let Some(address) = Address::parse(&text) {
            let _ = (address.tag(), address.parsed_uri());
        }
        split_list(&text).for_each(drop);
        let _ = parse_branch(&text);
        for text in [text.clone(), format!("sip:{text}")] {
            if let Some(identity) = Uri::parse(&text).and_then(|uri| uri.identity()) {
                let again = Uri::parse(&identity).and_then(|uri| uri.identity());
                prop_assert_eq!(again.as_deref(), Some(identity.as_str()));
            }
        }
    }

    #[test]
    fn windows_agree_with_a_list(
        first in prop_oneof![0..1000u32, u32::MAX - 50..=u32::MAX],
        steps in vec((any::<bool>(), 0..80u32), 0..400),
    ) {
        let (mut window, mut next) = (Window::new(first), first);
        // Answers that are noted, oldest first; the model drops them only at the front.
        let mut open: Vec<(u32, bool)> = Vec::new();
        for (is_send, back) in steps {
            if is_send && open.len() < WINDOW_MAX as usize {
                prop_assert_eq!(window.send(), next);
                open.push((next, false));
                next = next.wrapping_add(1);
            } else {
                let cseq = next.wrapping_sub(back);
                let slot = open.iter_mut().find(|slot| slot.0 == cseq && !slot.1);
                prop_assert_eq!(window.answer(cseq), slot.is_some());
                if let Some(slot) = slot {
                    slot.1 = true;
                }
                let done = open.iter().take_while(|slot| slot.1).count();
                open.drain(..done);
            }
            let unanswered = open.iter().filter(|slot| !slot.1).count();
            prop_assert_eq!(window.unanswered() as usize, unanswered);
            prop_assert_eq!(window.span() as usize, open.len());
            prop_assert_eq!(window.oldest(), open.first().map(|slot| slot.0));
            prop_assert_eq!(window.next_cseq(), next);
        }
    }
}
