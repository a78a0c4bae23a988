use super::*;
use proptest::prelude::*;

/// What may happen in a run, told to one of its processes.
#[derive(Debug, Clone)]
enum Event {
    Opened,
    Sent,
    Delivered { class: usize, time_us: u64 },
    Took { kind: usize, time_us: u64 },
    Wrong { what: u8 },
    Seen { cpu_us: u64 },
}

fn event() -> impl Strategy<Value = (u64, Event)> {
    let time_us = 0..5_000_000_000u64;
    let event = prop_oneof![
        Just(Event::Opened),
        Just(Event::Sent),
        (0..3usize, time_us.clone())
            .prop_map(|(class, time_us)| Event::Delivered { class, time_us }),
        (0..6usize, time_us).prop_map(|(kind, time_us)| Event::Took { kind, time_us }),
        (0..5u8).prop_map(|what| Event::Wrong { what }),
        (0..1_000_000u64).prop_map(|cpu_us| Event::Seen { cpu_us }),
    ];
    // Up to an hour and a half: the steps are doubled three times.
    (0..5_400u64, event)
}

fn classes(measured: &mut Measured) -> [ClassId; 3] {
    [
        measured.classes.class(Aspect::Room, "small"),
        measured.classes.class(Aspect::Phase, "storm"),
        measured.classes.class(Aspect::Reader, "slow"),
    ]
}

fn tell(measured: &mut Measured, at_s: u64, event: &Event) {
    let at = Duration::from_secs(at_s);
    match *event {
        Event::Opened => measured.opened(at),
        Event::Sent => measured.sent(at),
        Event::Delivered { class, time_us } => {
            let class = classes(measured)[class];
            measured.delivered(at);
            measured.record(Kind::Delivery, at, Duration::from_micros(time_us), &[class]);
        }
        Event::Took { kind, time_us } => {
            measured.record(Kind::ALL[kind], at, Duration::from_micros(time_us), &[]);
        }
        Event::Wrong { what } => measured.error(at, format!("fault {what}")),
        Event::Seen { cpu_us } => {
            let own = measured.series.at(at).own.get_or_insert_default();
            own.cpu.cpu_us += cpu_us;
        }
    }
}

fn empty() -> Measured {
    let mut measured = Measured { processes: 0, ..Measured::default() };
    classes(&mut measured);
    measured
}

fn told(events: &[(u64, Event)]) -> Measured {
    let mut measured = empty();
    events.iter().for_each(|(at_s, event)| tell(&mut measured, *at_s, event));
    measured
}

proptest! {
    #[test]
    fn parts_make_the_whole(
        events in prop::collection::vec((event(), 0..3usize), 0..60),
    ) {
        let all: Vec<_> = events.iter().map(|(event, _)| event.clone()).collect();
        let part = |wanted: usize| {
            let of_it = events.iter().filter(|(_, part)| *part == wanted);
            told(&of_it.map(|(event, _)| event.clone()).collect::<Vec<_>>())
        };
        let (one, two, three) = (part(0), part(1), part(2));
        let mut left = one.clone();
        left.merge(&two);
        left.merge(&three);
        prop_assert_eq!(&left, &told(&all));

        let mut right = three.clone();
        right.merge(&two);
        right.merge(&one);
        prop_assert_eq!(&left, &right);

        right.merge(&empty());
        prop_assert_eq!(&left, &right);
    }

    #[test]
    fn what_is_written_is_read_again(events in prop::collection::vec(event(), 0..40)) {
        let measured = told(&events);
        let text = serde_json::to_string(&measured).expect("it can be written");
        let read: Measured = serde_json::from_str(&text).expect("and read");
        prop_assert_eq!(&read, &measured);
        // What was read can go on counting.
        let (mut read, mut measured) = (read, measured);
        let event = Event::Delivered { class: 0, time_us: 4_000_000_000 };
        tell(&mut read, 9_000, &event);
        tell(&mut measured, 9_000, &event);
        prop_assert_eq!(read, measured);
    }

    #[test]
    fn doubled_steps_keep_sums(seconds in prop::collection::vec(0..20_000u64, 1..60)) {
        let mut series = Series::default();
        for second in &seconds {
            let point = series.at(Duration::from_secs(*second));
            point.posts += 1;
            point.delivery.record(Duration::from_micros(*second));
            point.outstanding = point.outstanding.max(*second);
        }
        let points = series.points();
        prop_assert!(points.len() <= POINTS_MAX);
        let count = seconds.len() as u64;
        prop_assert_eq!(points.iter().map(|point| point.posts).sum::<u64>(), count);
        prop_assert_eq!(points.iter().map(|point| point.delivery.count()).sum::<u64>(), count);
        prop_assert_eq!(
            points.iter().map(|point| point.outstanding).max(),
            seconds.iter().max().copied()
        );
        let last = seconds.iter().max().expect("at least one");
        prop_assert_eq!(points.len() as u64, last / series.step_s() + 1);
    }
}

#[test]
fn the_last_seconds_are_whole_ones() {
    let mut series = Series::default();
    for second in 0..10 {
        let point = series.at(Duration::from_secs(second));
        point.posts = second;
        point.delivery.record(Duration::from_micros(second));
    }
    let recent = series.recent(Duration::from_millis(9_500), 3);
    assert_eq!((recent.posts_per_s, recent.delivery_p99_us), (7.0, 8));
    let busier = Recent { delivery_p99_us: 20, ..recent };
    let both = recent.beside(busier);
    assert_eq!((both.posts_per_s, both.delivery_p99_us), (14.0, 20));
    assert_eq!(series.recent(Duration::from_secs(60), 3).posts_per_s, 8.0);
    assert_eq!(series.recent(Duration::ZERO, 3).posts_per_s, 0.0);
}

#[test]
fn names_beyond_the_bound_share_a_class() {
    let mut classes = Classes::default();
    for index in 0..2 * CLASSES_MAX {
        let class = classes.class(Aspect::Room, &format!("room {index}"));
        classes.record(class, Kind::Delivery, Duration::from_micros(1));
    }
    let counts: Vec<(String, u64)> = classes
        .iter()
        .map(|(label, timings)| (label.to_string(), timings.of(Kind::Delivery).count()))
        .collect();
    assert_eq!(counts.len(), CLASSES_MAX + 1);
    assert_eq!(counts[0], ("room: room 0".to_owned(), 1));
    assert_eq!(counts[CLASSES_MAX], ("room: other".to_owned(), CLASSES_MAX as u64));
}

#[test]
fn errors_beyond_the_bound_are_counted_together() {
    let mut measured = Measured::default();
    for index in 0..ERROR_KINDS_MAX + 10 {
        measured.error(Duration::ZERO, format!("fault {index}"));
    }
    assert_eq!(measured.errors.len(), ERROR_KINDS_MAX + 1);
    assert_eq!(measured.errors["other"], 10);
}

#[test]
fn a_histogram_of_another_kind_is_refused() {
    let mut coarse = Timing::coarse();
    coarse.record(Duration::from_micros(5));
    let coarse = serde_json::to_value(&coarse).expect("it can be written");
    let mut timings = serde_json::to_value(Timings::default()).expect("it can be written");
    timings["delivery"] = coarse;
    let error = serde_json::from_value::<Timings>(timings).expect_err("it has one digit");
    assert!(error.to_string().contains("3 digits"), "{error}");
    for text in ["nonsense", "AAAA"] {
        let mut timings = serde_json::to_value(Timings::default()).expect("it can be written");
        timings["delivery"] = text.into();
        assert!(serde_json::from_value::<Timings>(timings).is_err(), "{text}");
    }
}

#[test]
fn the_curve_ends_at_the_longest() {
    let mut timing = Timing::fine();
    (1..=1_000).for_each(|time_us| timing.record(Duration::from_micros(time_us)));
    let curve = timing.by_nines();
    let at = |nines: f64| curve.iter().find(|(x, _)| (x - nines).abs() < 1e-9).map(|(_, us)| *us);
    assert_eq!((at(1.0), at(2.0), at(3.0)), (Some(900), Some(990), Some(999)));
    assert_eq!(curve.last(), Some(&(3.0, 1_000)));
    assert_eq!(Timing::fine().by_nines().last(), Some(&(0.0, 0)));
}

#[test]
fn reports_of_other_programs_are_refused() {
    let refused = |text: &str| Document::from_json(text).expect_err(text).to_string();
    assert!(refused("{\"schema\": 7}").contains("schema 7, and this program reads schema 1 only"));
    assert!(refused("{\"schema\": 1}").contains("missing field `about`"));
    assert!(refused("{\"users\": 1}").contains("missing field `schema`"));
    assert!(refused("none").contains("give a file that --json wrote"));
}
