use super::*;
use crate::results::{
    About, Argument, Aspect, CpuUse, Kind, Machine, Measured, OwnUse, ServerUse, Setup, Spans,
    Usage,
};
use quick_xml::Reader;
use quick_xml::events::Event;
use std::time::Duration;

/// Elements of HTML that have no end.
const VOID: [&str; 1] = ["meta"];

fn measured(slowness: u32) -> Measured {
    let mut measured = Measured::default();
    let large = measured.classes.class(Aspect::Room, "large & loud");
    for second in 0..40u64 {
        let at = Duration::from_secs(second);
        measured.opened(at);
        if second < 10 {
            continue;
        }
        for n in 0..100u32 {
            let time = Duration::from_micros(u64::from((n * n + 200) * slowness));
            measured.sent(at);
            measured.delivered(at);
            measured.record(Kind::Delivery, at, time, &[large]);
            measured.record(Kind::Accept, at, time / 2, &[]);
        }
        let cpu = CpuUse { cpu_us: 250_000, span_us: 1_000_000 };
        let server = ServerUse {
            shards: cpu,
            others: cpu,
            resident_bytes: 40 << 20,
            sessions_lagging: Some(3),
            outbox_bytes: Some(10_000),
        };
        // The server is away for a while.
        let server = (!(20..25).contains(&second)).then_some(server);
        measured.series.seen(at, Some(OwnUse { cpu, resident_bytes: 9 << 20 }), server);
    }
    measured.record(Kind::SignIn, Duration::ZERO, Duration::from_millis(3), &[]);
    measured.mark(Duration::ZERO, "sign-in");
    measured.mark(Duration::from_secs(10), "load");
    measured.spans = Spans { sign_in_s: 10.0, load_s: 30.0, delivering_s: 30.0 };
    measured.server = Some(Usage { cpu_s: 15.0, resident_bytes_max: 40 << 20 });
    measured.own = Usage { cpu_s: 7.5, resident_bytes_max: 9 << 20 };
    measured.own_load_max = 0.25;
    measured
}

fn document(slowness: u32) -> Document {
    let argument =
        |name: &str, value: String| Argument { name: name.into(), value, is_default: false };
    Document {
        about: About {
            started: "2024-03-08T07:16:05Z".to_owned(),
            version: "0.1.0".to_owned(),
            server_version: Some("0.1.0".to_owned()),
            arguments: vec![
                argument("rate", "100".to_owned()),
                argument("message-bytes", (slowness * 256).to_string()),
                argument("json", format!("{slowness}.json")),
            ],
            machine: Machine {
                processor: "A <processor>".to_owned(),
                cores: 2,
                memory_bytes: 8 << 30,
                kernel: "Linux 6".to_owned(),
            },
        },
        setup: Setup {
            server: "127.0.0.1:5060".to_owned(),
            users: 40,
            endpoints: 40,
            links: 40,
            rooms: 4,
            memberships: 40,
            rate: 100.0,
            message_bytes: 256,
            seed: 1,
            reconnects: false,
        },
        measured: measured(slowness),
    }
}

/// Fails unless every element is closed where it must be, and nothing is loaded from elsewhere.
#[track_caller]
fn check_page(page: &str) {
    let mut reader = Reader::from_str(page);
    reader.config_mut().check_end_names = false;
    let mut open: Vec<String> = Vec::new();
    loop {
        match reader.read_event().expect("the page is well-formed") {
            Event::Start(start) if VOID.contains(&start.name().as_ref()) => {}
            Event::Start(start) => {
                open.push(start.name().as_ref().to_owned());
                check_attributes(&start);
            }
            Event::Empty(empty) => check_attributes(&empty),
            Event::End(end) => {
                assert_eq!(open.pop().as_deref(), Some(end.name().as_ref()));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
    let css = page.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next());
    let css = css.expect("there is a style sheet");
    assert!(!css.contains("url(") && !css.contains("@import"), "the style sheet loads something");
    assert!(!page.contains("<script"), "a report needs no program");
}

#[track_caller]
fn check_attributes(element: &quick_xml::events::BytesStart<'_>) {
    for attribute in element.html_attributes() {
        let attribute = attribute.expect("attributes are well-formed");
        let name = attribute.key.as_ref();
        assert!(!["src", "href", "srcset", "data"].contains(&name), "{name}");
    }
}

/// Ids of the sections, in order.
fn sections(page: &str) -> Vec<&str> {
    let parts = page.split("<section id=\"").skip(1);
    parts.filter_map(|part| part.split('"').next()).collect()
}

fn plots(page: &str) -> usize {
    page.matches("<svg ").count()
}

#[test]
fn a_report_is_whole() {
    let page = report(&document(1));
    check_page(&page);
    let expected = ["verdict", "latency", "classes", "time", "usage", "sign-in", "setup"];
    assert_eq!(sections(&page), expected);
    assert_eq!(plots(&page), 11);
    for words in [
        "40 users with 40 sessions on 40 links in 4 rooms, posts at 100/s, 30 s of load",
        "clean",
        "room: large &amp; loud",
        "A &lt;processor&gt;",
        "--rate 100",
        // 3,000 deliveries in 30 s.
        "100/s",
        // 40 MiB for 40 sessions.
        "1 MiB",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("bottleneck"));
}

#[test]
fn a_run_without_anything_has_a_page() {
    let mut document = document(1);
    document.measured = Measured { own_load_max: 0.97, ..Measured::default() };
    document.measured.error(Duration::ZERO, "sign-in answered 503".to_owned());
    document.measured.verdict.counts.insert("gap".to_owned(), 3);
    document.measured.verdict.violations.push("room 1: a <gap>".to_owned());
    let page = report(&document);
    check_page(&page);
    for words in [
        "FAULTY",
        "was the bottleneck",
        "1 × sign-in answered 503",
        "3 × gap",
        "a &lt;gap&gt;",
        "--server-pid",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn a_report_read_again_gives_the_same_page() {
    let first = document(1);
    let json = first.to_json();
    let again = Document::from_json(&json).expect("we wrote it");
    assert_eq!(again, first);
    assert_eq!(again.to_json(), json);
    assert_eq!(report(&again), report(&first));
}

#[test]
fn two_runs_are_compared() {
    let (a, b) = (document(1), document(2));
    let page = comparison(("a.json", &a), ("b.json", &b));
    check_page(&page);
    let expected = ["differences", "figures", "latency", "time", "usage", "sign-in"];
    assert_eq!(sections(&page), expected);
    assert_eq!(plots(&page), 10);
    assert!(page.contains("message-bytes"));

    let text = Comparison::new(&a, &b).to_string();
    let line = |start: &str| {
        let line = text.lines().find(|line| line.starts_with(start));
        line.unwrap_or_else(|| panic!("{start}: {text}"))
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(line("differs"), "differs message-bytes: A 256, B 512");
    assert_eq!(text.matches("differs").count(), 1, "{text}");
    assert_eq!(line("deliveries  "), "deliveries 100/s 100/s 1.00");
    assert_eq!(line("delivery p50"), "delivery p50 2.6 ms 5.2 ms 2.00");
    assert_eq!(line("server's memory by"), "server's memory by session 1 MiB 1 MiB 1.00");
    assert_eq!(line("errors"), "errors 0 0 —");
    assert_eq!(line("verdict"), "verdict clean clean");
}
