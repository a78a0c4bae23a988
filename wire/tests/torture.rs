//! RFC 4475, the torture tests for SIP, as far as they apply to a chat service over streams.
//!
//! The messages are our own, built after the descriptions there; the names of the tests in the RFC
//! stand beside them. Our profile is stricter on purpose in one point: folded header lines cost the
//! link. Whoever is in front of us (a Front End, SIPE) never folds.

use parlance_wire::sip::{
    Frame, FrameError, Framer, HeaderName, Message, MessageError, Method, StartLine, Uri,
};

/// One message from indented text: blanks in front of a line go, except behind a `|`. Blank line
/// and Content-Length are added unless the text has a blank line of its own.
fn message(text: &str) -> Vec<u8> {
    let margin = |line: &str| match line.trim_start().strip_prefix('|') {
        Some(kept) => kept.to_string(),
        None => line.trim_start().to_string(),
    };
    let lines: Vec<String> =
        text.trim_start().trim_end_matches([' ', '\n']).lines().map(margin).collect();
    let text = lines.join("\r\n");
    let has_body = text.contains("\r\n\r\n");
    (if has_body { text } else { text + "\r\nContent-Length: 0\r\n\r\n" }).into_bytes()
}

/// Frames bytes that hold exactly one message.
fn head_len(bytes: &[u8]) -> usize {
    match Framer::default().next(bytes) {
        Ok(Some(Frame::Message { head_len, len })) if len == bytes.len() => head_len,
        other => panic!("{other:?} for {}", String::from_utf8_lossy(bytes)),
    }
}

#[track_caller]
fn check(text: &str, inspect: impl FnOnce(&Message<'_>)) {
    let bytes = message(text);
    inspect(&Message::parse(&bytes, head_len(&bytes)).expect("valid"));
}

#[track_caller]
fn check_link(text: &str, expect: FrameError) {
    assert_eq!(Framer::default().next(&message(text)), Err(expect), "{text}");
}

#[track_caller]
fn check_message(text: &str, expect: MessageError) {
    let bytes = message(text);
    assert_eq!(Message::parse(&bytes, head_len(&bytes)).err(), Some(expect), "{text}");
}

/// The lines every request needs, for tests about something else.
fn request(start: &str, cseq: &str, lines: &str) -> String {
    format!(
        "{start}\nVia: SIP/2.0/TCP c.example.com;branch=z9hG4bKkdj\n\
         From: <sip:f@example.com>;tag=9\n\
         To: <sip:t@example.com>\nCall-ID: torture.1@c.example.com\nCSeq: {cseq}\n{lines}"
    )
}

fn options(lines: &str) -> String {
    request("OPTIONS sip:t@example.com SIP/2.0", "8 OPTIONS", lines)
}

/// wsinv, with every fold undone: odd blanks, compact names, mixed case, escaped quotes.
#[test]
fn a_short_tortuous_invite() {
    let text = r#"
        INVITE sip:vivek@chair.example.com;unknownparam SIP/2.0
        TO : sip:vivek@chair.example.com ;   tag    = 1918181833n
        from   : "J Rose \\\""       <sip:jdr@example.com>  ;  tag = 98asjd8
        MaX-fOrWaRdS: 0068
        Call-ID: wsinv.ndaksdj@192.0.2.1
        Content-Length   : 4
        cseq: 0009   INVITE
        Via  : SIP  /   2.0 /UDP    192.0.2.2;branch=390skdjuw
        s :
        NewFangledHeader:   newfangled value  continued newfangled value
        UnknownHeaderWithUnusualValue: ;;,,;;,;
        Content-Type: application/sdp
        Route: <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
        v:  SIP  / 2.0  / TCP   spindle.example.com ;  branch  =   z9hG4bK9 , SIP/2.0/ UDP  h
        m:"Quoted string \"\"" <sip:jdr@example.com> ; newparam = newvalue ; secondparam ; q = 0.33

        v=0"#;
    let mut bytes = message(text);
    bytes.push(b'\n');
    let message = Message::parse(&bytes, head_len(&bytes)).unwrap();
    assert_eq!(message.to().uri, "sip:vivek@chair.example.com");
    assert_eq!(message.to().tag(), Some("1918181833n"));
    assert_eq!(message.from().display, Some(r#"J Rose \\\""#));
    assert_eq!(message.from().tag(), Some("98asjd8"));
    assert_eq!(message.max_forwards(), Some(68));
    assert_eq!((message.cseq().number, message.cseq().method), (9, Method::Invite));
    assert_eq!(message.branch(), Some("390skdjuw"));
    assert_eq!(message.all(HeaderName::Via).count(), 2);
    let contact = message.contact().unwrap();
    assert_eq!(contact.uri, "sip:jdr@example.com");
    assert_eq!((contact.param("secondparam"), contact.param("Q")), (Some(""), Some("0.33")));
    let odd = message.headers().find(|header| header.written.starts_with("Unknown")).unwrap();
    assert_eq!(odd.value, ";;,,;;,;");
    assert_eq!(message.body(), b"v=0\n");
}

/// wsinv as it was meant: folded lines are legal SIP, and refused here.
#[test]
fn folded_lines_cost_the_link() {
    check_link(&options("Subject: first\n|  second"), FrameError::MalformedHeader);
    check_link(&options("Subject:\n|\tsecond"), FrameError::MalformedHeader);
    check_link(&options("v: SIP/2.0/TCP a,\n| SIP/2.0/TCP b"), FrameError::MalformedHeader);
}

/// intmeth: every mark a token may hold, in method, names, tags and the Call-ID.
#[test]
fn a_wide_range_of_characters() {
    let text = r#"
        !interesting-Method0123456789_*+`.%indeed'~ sip:USER@example.com SIP/2.0
        Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~
        To: "BEL:\ NUL:\ DEL:\ " <sip:1_unusual.URI~(to-be!sure)@example.com>
        From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;FROM-PARAMS
        Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\/"][?}{
        CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~
        Max-Forwards: 255
        extensionHeader-!.%*+_`'~: 大停電
        "#;
    let user = "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too";
    let params = "fromParam''~+*_!.-%=\"работающий\";tag=_token~1'+`*%!-.";
    check(&text.replace("USER", user).replace("FROM-PARAMS", params), |message| {
        let StartLine::Request { method, uri } = message.start() else { panic!() };
        assert_eq!(method.as_str(), "!interesting-Method0123456789_*+`.%indeed'~");
        let uri = Uri::parse(uri).unwrap();
        assert_eq!(uri.user, Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
        assert_eq!((uri.host, uri.params), ("example.com", ""));
        assert_eq!(message.branch(), Some("z9hG4bK-.!%66*_+`'~"));
        assert_eq!(message.from().display, Some("token1~` token2'+_ token3*%!.-"));
        assert_eq!(message.from().tag(), Some("_token~1'+`*%!-."));
        assert_eq!(message.from().param("fromParam''~+*_!.-%"), Some("работающий"));
        assert_eq!(message.call_id(), r#"intmeth.word%ZK-!.*_+'@word`~)(><:\/"][?}{"#);
        assert_eq!(message.max_forwards(), Some(255));
        assert_eq!(message.headers().nth(6).unwrap().value, "大停電");
    });
}

/// esc01, escnull, esc02: escapes in URIs mean something, in methods and display names nothing.
#[test]
fn percent_signs() {
    let identity = |uri: &str| Uri::parse(uri).and_then(|uri| uri.identity());
    let check_identity = |uri: &str, expect: Option<&str>| {
        assert_eq!(identity(uri).as_deref(), expect, "{uri}");
    };
    check_identity("sip:sips%3Auser%40example.com@example.net", {
        Some("sip:sips%3auser%40example.com@example.net")
    });
    check_identity("sip:I%20have%20spaces@example.net", Some("sip:i%20have%20spaces@example.net"));
    check_identity("sip:%75se%72@example.com", Some("sip:user@example.com"));
    check_identity("sip:null-%00-null@example.com", Some("sip:null-%00-null@example.com"));
    check_identity("sip:%00%00@host5.example.com", Some("sip:%00%00@host5.example.com"));
    check_identity("sip:100%@example.com", None);

    let method = request("RE%47IST%45R sip:registrar.example.com SIP/2.0", "29 RE%47IST%45R", "");
    check(&method, |message| assert_eq!(message.cseq().method, Method::Other("RE%47IST%45R")));
    check(&options(r#"Contact: "%Z%45" <sip:resource@example.com>"#), |message| {
        assert_eq!(message.contact().unwrap().display, Some("%Z%45"));
    });
}

/// lwsdisp, longreq, semiuri, transports, mpart01.
#[test]
fn valid_requests() {
    let text = options("").replace("From: <sip", "From: caller<sip");
    check(&text, |message| assert_eq!(message.from().display, Some("caller")));

    let long = "long".repeat(500);
    let text = options(&format!("Contact: <sip:{long}@host.example.com>\n{long}: {long}"));
    check(&text.replace("tag=9", &format!("tag={long};{long}={long}")), |message| {
        assert_eq!(message.from().tag(), Some(long.as_str()));
        assert_eq!(message.contact().unwrap().parsed_uri().unwrap().user, Some(long.as_str()));
    });

    let uri = "sip:user;par=u%40example.net@example.com";
    check(&request(&format!("OPTIONS {uri} SIP/2.0"), "8 OPTIONS", ""), |message| {
        let StartLine::Request { uri, .. } = message.start() else { panic!() };
        assert_eq!(Uri::parse(uri).unwrap().user, Some("user;par=u%40example.net"));
    });

    for transport in ["UDP", "TLS", "SCTP", "UNKNOWN"] {
        check(&options("").replace("/TCP", &format!("/{transport}")), |message| {
            assert_eq!(message.branch(), Some("z9hG4bKkdj"));
        });
    }

    let body = "--7a9cbec0\r\nContent-Type: text/plain\r\n\r\nHello\r\n--7a9cbec0--";
    let lines = "Content-Type: multipart/mixed;boundary=7a9cbec0";
    let length = format!("Content-Length: {}", body.len());
    let text = options(lines).replace('\n', "\r\n") + "\r\n" + &length + "\r\n\r\n" + body;
    let bytes = text.into_bytes();
    let message = Message::parse(&bytes, head_len(&bytes)).unwrap();
    assert!(message.is_content_type("multipart/mixed"));
    assert_eq!(message.body(), body.as_bytes());
}

/// dblreq: on a stream the octets behind a message are the next message.
#[test]
fn two_requests_in_one_read() {
    let mut bytes = message(&options("X: first"));
    let first_len = bytes.len();
    bytes.extend(message(&options("X: second one")));
    let mut framer = Framer::default();
    let frame = framer.next(&bytes);
    assert_eq!(frame, Ok(Some(Frame::Message { head_len: first_len, len: first_len })));
    let rest = &bytes[first_len..];
    assert_eq!(
        framer.next(rest),
        Ok(Some(Frame::Message { head_len: rest.len(), len: rest.len() }))
    );
}

/// unreason, noreason, bigcode.
#[test]
fn reason_phrases_and_codes() {
    let response = |start: &str| request(start, "8 OPTIONS", "");
    let check_reason = |reason: &str| {
        check(&response(&format!("SIP/2.0 200 {reason}")), |message| {
            assert_eq!(message.start(), StartLine::Response { status: 200, reason });
        });
    };
    check_reason("= 2**3 * 5**2 но сто девяносто девять - простое");
    check_reason("");
    check_message(&response("SIP/2.0 4294967301 better not break"), MessageError::StartLine);
    check_message(&response("SIP/2.0 042 better not break"), MessageError::StartLine);
}

/// ltgtruri, lwsruri, lwsstart, trws, badvers, and escruri, which is readable without its headers.
#[test]
fn broken_request_lines() {
    let check_start = |start: &str| {
        check_message(&request(start, "8 INVITE", ""), MessageError::StartLine);
    };
    check_start("INVITE <sip:user@example.com> SIP/2.0");
    check_start("INVITE sip:user@example.com; lr SIP/2.0");
    check_start("INVITE  sip:user@example.com  SIP/2.0");
    check_start("INVITE sip:user@example.com SIP/2.0  ");
    check_start("INVITE sip:user@example.com SIP/7.0");
    let start = "INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0";
    check(&request(start, "8 INVITE", ""), |message| {
        let StartLine::Request { uri, .. } = message.start() else { panic!() };
        assert_eq!(Uri::parse(uri).unwrap().identity().unwrap(), "sip:user@example.com");
    });
}

/// clerr, ncl, mcl01.
#[test]
fn lengths_that_lie() {
    let short = message(&options("Content-Length: 9999\n\nonly this"));
    assert_eq!(Framer::default().next(&short), Ok(None));
    check_link(&options("Content-Length: -999"), FrameError::ContentLengthMalformed);
    check_link(&options("Content-Length: 13\nl: 13"), FrameError::ContentLengthTwice);
}

/// scalar02, scalarlg.
#[test]
fn numbers_too_large() {
    let malformed = MessageError::HeaderMalformed;
    let text = request("REGISTER sip:example.com SIP/2.0", "36893488147419103232 REGISTER", "");
    check_message(&text, malformed(HeaderName::CSeq));
    check_message(&options("Max-Forwards: 300"), malformed(HeaderName::MaxForwards));
    check(&options("Expires: 10000000000000000000000"), |message| {
        assert_eq!(message.expires_s(), None);
    });
    let text = request("SIP/2.0 503 Service Unavailable", "9292394834772304023312 OPTIONS", "");
    check_message(&text, malformed(HeaderName::CSeq));
}

/// quotbal, regbadct, badaspec, baddn, badinv01.
#[test]
fn broken_addresses() {
    let check_to = |to: &str| {
        let text = options("").replace("<sip:t@example.com>", to);
        check_message(&text, MessageError::HeaderMalformed(HeaderName::To));
    };
    check_to(r#""Mr. J. User <sip:j.user@example.com>"#);
    check_to(r#""Watson, Thomas" < sip:t.watson@example.org >"#);
    check_to("Watson, Thomas <sip:t.watson@example.org>");
    check(&options("Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E"), |message| {
        assert!(message.contact().is_none());
    });
    // Superfluous separators hide nothing: what they separate is empty.
    let text = options("Contact: \"Joe\" <sip:joe@example.org>;;;;");
    check(&text.replace(";branch=z9hG4bKkdj", ";;,;,,"), |message| {
        assert_eq!(message.contact().unwrap().uri, "sip:joe@example.org");
        assert_eq!(message.branch(), None);
    });
}

/// mismatch01, mismatch02.
#[test]
fn methods_that_differ() {
    let malformed = MessageError::HeaderMalformed(HeaderName::CSeq);
    check_message(&request("OPTIONS sip:a@example.com SIP/2.0", "8 INVITE", ""), malformed);
    check_message(&request("NEWMETHOD sip:a@example.com SIP/2.0", "8 INVITE", ""), malformed);
    // Methods are case-sensitive: this is an unknown one, not an OPTIONS.
    check_message(&request("options sip:a@example.com SIP/2.0", "8 OPTIONS", ""), malformed);
}

/// insuf, multi01, badbranch, inv2543.
#[test]
fn missing_and_repeated() {
    let missing = "INVITE sip:user@example.com SIP/2.0\nCSeq: 193942 INVITE\n\
        Via: SIP/2.0/TCP 192.0.2.95;branch=z9hG4bKkdj";
    check_message(missing, MessageError::HeaderMissing(HeaderName::From));
    for (line, header) in [
        ("CSeq: 59 INVITE", HeaderName::CSeq),
        ("Call-ID: multi01.2", HeaderName::CallId),
        ("From: <sip:other@example.com>;tag=2", HeaderName::From),
        ("t: sip:other@example.com", HeaderName::To),
        ("Max-Forwards: 70\nMax-Forwards: 5", HeaderName::MaxForwards),
        ("c: application/sdp\nContent-Type: text/plain", HeaderName::ContentType),
    ] {
        check_message(&options(line), MessageError::HeaderTwice(header));
    }
    check(&options("").replace("z9hG4bKkdj", "z9hG4bK"), |message| {
        assert_eq!(message.branch(), Some("z9hG4bK"));
    });
    // An INVITE of the older RFC 2543: no branch, no tag.
    let text = options("").replace(";branch=z9hG4bKkdj", "").replace(";tag=9", "");
    check(&text, |message| assert_eq!((message.branch(), message.from().tag()), (None, None)));
}

/// unkscm, novelsc, unksm2, bext01, zeromf, baddate, bcast, cparam01: fine as messages; what they
/// ask for is answered further up.
#[test]
fn a_matter_for_the_layers_above() {
    for uri in ["nobodyKnowsThisScheme:totallyopaquecontent", "soap.beep://192.0.2.103:3002"] {
        check(&request(&format!("OPTIONS {uri} SIP/2.0"), "8 OPTIONS", ""), |message| {
            let StartLine::Request { uri: found, .. } = message.start() else { panic!() };
            assert_eq!((found, Uri::parse(found)), (uri, None));
        });
    }
    let text = options("").replace("sip:t@example.com>", "isbn:2983792873>");
    check(&text, |message| {
        assert_eq!((message.to().uri, message.to().parsed_uri()), ("isbn:2983792873", None));
    });
    let lines = "
        Require: nothingSupportsThis, nothingSupportsThisEither
        Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis
        Max-Forwards: 0
        Date: Fri, 01 Jan 2010 16:00:00 EST
        Contact: <sip:+19725552222@gw1.example.net;user=phone>;unknownparam";
    check(&options(lines.trim_start()), |message| {
        assert!(message.lists(HeaderName::Require, "nothingsupportsthiseither"));
        assert!(message.lists(HeaderName::ProxyRequire, "norDoAnyProxiesSupportThis"));
        assert_eq!(message.max_forwards(), Some(0));
        let contact = message.contact().unwrap();
        assert_eq!((contact.param("unknownparam"), contact.param("user")), (Some(""), None));
        assert_eq!(contact.parsed_uri().unwrap().param("user"), Some("phone"));
    });
    let text = request("SIP/2.0 200 OK", "8 OPTIONS", "v: SIP/2.0/UDP 255.255.255.255;branch=x");
    check(&text, |message| assert_eq!(message.branch(), Some("z9hG4bKkdj")));
}
