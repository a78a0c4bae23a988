use super::*;
use proptest::prelude::*;

const ROOM: RoomId = RoomId(1);
const OTHER_ROOM: RoomId = RoomId(2);
const ANN: SessionId = SessionId(1);
const BEN: SessionId = SessionId(2);

fn post(seq: u32) -> PostId {
    PostId { client: 1, seq }
}

/// A room with Ann and Ben in it and posts 1 to `count` accepted, seen by nobody yet.
fn room_with(count: u32) -> Checker {
    let mut checker = Checker::new();
    checker.session_joined(ANN, ROOM);
    checker.session_joined(BEN, ROOM);
    for seq in 1..=count {
        checker.posted(post(seq), ROOM);
        checker.accepted(post(seq));
    }
    checker
}

fn show(checker: &mut Checker, session: SessionId, numbers: impl IntoIterator<Item = u64>) {
    for chat_id in numbers {
        checker.delivered(session, ROOM, chat_id, Some(post(chat_id as u32)));
    }
}

#[track_caller]
fn check(checker: Checker, expect: &[&str]) {
    let report = checker.finish();
    let found: Vec<&str> = report.violations.iter().map(Violation::kind).collect();
    assert_eq!(found, expect, "{report}");
    assert_eq!(report.is_clean(), expect.is_empty());
}

/// Ann's part and Ben's part of a run: both are in the room, Ann's clients post.
fn parts_with(count: u32) -> (Checker, Checker) {
    let (mut anns, mut bens) = (Checker::of_part(), Checker::of_part());
    anns.at(10);
    anns.session_joined(ANN, ROOM);
    bens.at(11);
    bens.session_joined(BEN, ROOM);
    anns.at(20);
    for seq in 1..=count {
        anns.posted(post(seq), ROOM);
        anns.accepted(post(seq));
    }
    (anns, bens)
}

/// As the parts come from other processes.
fn whole(parts: [Checker; 2]) -> Checker {
    let written = parts.map(|part| serde_json::to_string(&part.into_part()).expect("JSON"));
    let read = written.map(|text| serde_json::from_str(&text).expect("what was written"));
    Checker::of_parts(read.into())
}

#[test]
fn parts_that_agree_are_clean() {
    let (mut anns, mut bens) = parts_with(3);
    show(&mut anns, ANN, 1..=3);
    show(&mut bens, BEN, 1..=3);
    bens.history_read_at_rest(ROOM, &[(2, Some(post(2))), (3, Some(post(3)))]);
    let whole = whole([anns, bens]);
    assert_eq!(whole.deliveries(), 6);
    check(whole, &[]);
}

#[test]
fn what_only_shows_across_parts_is_found() {
    type Doing = fn(&mut Checker, &mut Checker);
    let cases: [(&str, Doing, &[&str]); 9] = [
        (
            "two orders",
            |_, bens| {
                bens.delivered(BEN, ROOM, 1, Some(post(2)));
                bens.delivered(BEN, ROOM, 2, Some(post(1)));
            },
            &["order_differs", "order_differs"],
        ),
        (
            "a second number",
            |_, bens| {
                show(bens, BEN, 1..=2);
                bens.delivered(BEN, ROOM, 3, Some(post(2)));
            },
            &["post_twice"],
        ),
        (
            "nobody's post",
            |_, bens| {
                show(bens, BEN, 1..=3);
            },
            &["ghost"],
        ),
        (
            "another room",
            |_, bens| {
                show(bens, BEN, 1..=2);
                bens.session_joined(BEN, OTHER_ROOM);
                bens.delivered(BEN, OTHER_ROOM, 1, Some(post(1)));
            },
            &["wrong_room"],
        ),
        ("not all", |_, bens| show(bens, BEN, 1..=1), &["behind"]),
        ("nothing at all", |_, _| {}, &["behind"]),
        ("a late start", |_, bens| show(bens, BEN, 2..=2), &["late_start"]),
        (
            "refused, yet there",
            |anns, bens| {
                anns.posted(post(3), ROOM);
                anns.refused(post(3), 503);
                show(bens, BEN, 1..=3);
            },
            &["refused_yet_kept"],
        ),
        (
            "a short history",
            |_, bens| {
                show(bens, BEN, 1..=2);
                bens.history_read_at_rest(ROOM, &[(1, Some(post(1)))]);
            },
            &["history_short"],
        ),
    ];
    for (name, act, expect) in cases {
        let (mut anns, mut bens) = parts_with(2);
        show(&mut anns, ANN, 1..=2);
        act(&mut anns, &mut bens);
        let report = whole([anns, bens]).finish();
        let found: Vec<&str> = report.violations.iter().map(Violation::kind).collect();
        assert_eq!(found, expect, "{name}: {report}");
    }
}

#[test]
fn a_part_finds_alone_what_it_sees_alone() {
    let (mut anns, mut bens) = parts_with(3);
    show(&mut anns, ANN, 1..=3);
    show(&mut bens, BEN, [1, 3]);
    bens.delivered(BEN, ROOM, 4, None);
    check(whole([anns, bens]), &["gap", "ghost"]);
}

#[test]
fn who_joins_after_a_post_of_another_part_is_not_owed_it() {
    let (mut anns, mut bens) = (Checker::of_part(), Checker::of_part());
    anns.at(5);
    anns.posted(post(1), ROOM);
    anns.accepted(post(1));
    bens.at(6);
    bens.session_joined(BEN, ROOM);
    assert_eq!(whole([anns, bens]).finish().unwitnessed, 1);
}

#[test]
fn every_kind_of_violation_goes_over() {
    let violations = [
        Violation::Repeated { room: ROOM, session: ANN, expected: 2, found: 1 },
        Violation::Gap { room: ROOM, session: ANN, expected: 1, found: 2 },
        Violation::HistoryShort { room: ROOM, last: None, highest: 1 },
    ];
    for violation in violations {
        assert!(Violation::KINDS.contains(&violation.kind()));
        let mut part = Checker::of_part();
        part.violate(violation.clone());
        let report = whole([part, Checker::of_part()]).finish();
        assert_eq!((report.counts[violation.kind()], report.violations), (1, vec![violation]));
    }
}

#[test]
fn a_clean_history_passes() {
    let mut checker = room_with(5);
    show(&mut checker, ANN, 1..=5);
    show(&mut checker, BEN, 1..=5);
    checker.history_read_at_rest(ROOM, &[(4, Some(post(4))), (5, Some(post(5)))]);
    check(checker, &[]);
}

#[test]
fn order_differs() {
    let mut checker = room_with(2);
    show(&mut checker, ANN, 1..=2);
    checker.delivered(BEN, ROOM, 1, Some(post(2)));
    checker.delivered(BEN, ROOM, 2, Some(post(1)));
    check(checker, &["order_differs", "order_differs"]);
}

#[test]
fn post_twice() {
    let mut checker = room_with(1);
    for session in [ANN, BEN] {
        show(&mut checker, session, 1..=1);
        checker.delivered(session, ROOM, 2, Some(post(1)));
    }
    check(checker, &["post_twice", "post_twice"]);
}

#[test]
fn gap_is_told_once() {
    let mut checker = room_with(5);
    show(&mut checker, ANN, 1..=5);
    show(&mut checker, BEN, [1, 2, 4, 5]);
    check(checker, &["gap"]);
}

#[test]
fn repeated() {
    let mut checker = room_with(3);
    show(&mut checker, ANN, 1..=3);
    show(&mut checker, BEN, [1, 2, 2, 1, 3]);
    check(checker, &["repeated", "repeated"]);
}

#[test]
fn ghosts() {
    let mut checker = room_with(1);
    show(&mut checker, ANN, 1..=1);
    show(&mut checker, BEN, 1..=1);
    checker.delivered(ANN, ROOM, 2, None);
    checker.delivered(BEN, ROOM, 2, Some(post(77)));
    checker.history_read(ROOM, &[(2, None)]);
    check(checker, &["ghost", "ghost", "ghost"]);
}

#[test]
fn wrong_room() {
    let mut checker = room_with(1);
    checker.session_joined(ANN, OTHER_ROOM);
    show(&mut checker, ANN, 1..=1);
    show(&mut checker, BEN, 1..=1);
    checker.delivered(ANN, OTHER_ROOM, 1, Some(post(1)));
    check(checker, &["wrong_room"]);
}

#[test]
fn not_joined_before_join_after_part_and_after_the_end() {
    let mut checker = room_with(1);
    let eve = SessionId(3);
    show(&mut checker, eve, 1..=1);
    checker.parted(ANN, ROOM);
    show(&mut checker, ANN, 1..=1);
    checker.session_ended(BEN);
    show(&mut checker, BEN, 1..=1);
    check(checker, &["not_joined", "not_joined", "not_joined"]);
}

#[test]
fn joining_again_begins_anew() {
    let mut checker = room_with(3);
    show(&mut checker, BEN, 1..=3);
    show(&mut checker, ANN, 1..=1);
    checker.parted(ANN, ROOM);
    checker.session_joined(ANN, ROOM);
    checker.posted(post(4), ROOM);
    checker.accepted(post(4));
    show(&mut checker, ANN, 3..=4);
    show(&mut checker, BEN, 4..=4);
    check(checker, &[]);
}

#[test]
fn refused_yet_kept_whichever_comes_first() {
    let mut checker = room_with(0);
    for seq in 1..=2 {
        checker.posted(post(seq), ROOM);
    }
    show(&mut checker, ANN, 1..=1);
    checker.refused(post(1), 503);
    checker.refused(post(2), 503);
    show(&mut checker, ANN, 2..=2);
    show(&mut checker, BEN, 1..=2);
    check(checker, &["refused_yet_kept", "refused_yet_kept"]);
}

#[test]
fn unknown_may_be_kept_or_not() {
    let mut checker = room_with(0);
    for seq in 1..=2 {
        checker.posted(post(seq), ROOM);
        checker.unknown(post(seq));
    }
    show(&mut checker, ANN, 1..=1);
    show(&mut checker, BEN, 1..=1);
    check(checker, &[]);
}

#[test]
fn lost_when_nobody_saw_it() {
    let mut checker = room_with(2);
    show(&mut checker, ANN, 1..=1);
    show(&mut checker, BEN, 1..=1);
    check(checker, &["lost"]);
}

#[test]
fn unwitnessed_is_no_violation_unless_the_history_was_read() {
    let mut checker = Checker::new();
    checker.posted(post(1), ROOM);
    checker.accepted(post(1));
    checker.session_joined(ANN, ROOM);
    assert_eq!(checker.finish().unwitnessed, 1);

    let mut checker = Checker::new();
    checker.posted(post(1), ROOM);
    checker.accepted(post(1));
    checker.history_read_at_rest(ROOM, &[]);
    check(checker, &["lost"]);
}

#[test]
fn a_crash_hides_nothing_when_the_rest_is_known() {
    let mut checker = room_with(4);
    show(&mut checker, ANN, 1..=2);
    checker.session_ended(ANN);
    checker.session_ended(BEN);
    // Posts 3 and 4 were accepted; the server comes back without post 4.
    checker.history_read_at_rest(ROOM, &[(2, Some(post(2))), (3, Some(post(3)))]);
    check(checker, &["lost"]);
}

#[test]
fn a_room_may_have_had_messages_before() {
    for (before, expect) in [(10, &["lost"][..]), (0, &[])] {
        let mut checker = Checker::new();
        checker.room_had(ROOM, before);
        for seq in 11..=13 {
            checker.posted(post(seq), ROOM);
            checker.accepted(post(seq));
        }
        // Post 13 is gone; only who knows that 11 is the first can tell that it is not elsewhere.
        checker.history_read_at_rest(ROOM, &[(11, Some(post(11))), (12, Some(post(12)))]);
        check(checker, expect);
    }
}

#[test]
fn unanswered() {
    let mut checker = room_with(0);
    checker.posted(post(1), ROOM);
    check(checker, &["unanswered"]);
}

#[test]
fn behind() {
    let mut checker = room_with(3);
    show(&mut checker, ANN, 1..=3);
    show(&mut checker, BEN, 1..=2);
    check(checker, &["behind"]);
    let mut checker = room_with(3);
    show(&mut checker, ANN, 1..=3);
    check(checker, &["behind"]);
}

#[test]
fn late_start() {
    let mut checker = room_with(3);
    show(&mut checker, ANN, 1..=3);
    show(&mut checker, BEN, 2..=3);
    check(checker, &["late_start"]);
}

#[test]
fn history_disorder_and_short() {
    let mut checker = room_with(3);
    show(&mut checker, ANN, 1..=3);
    show(&mut checker, BEN, 1..=3);
    let message = |seq| (u64::from(seq), Some(post(seq)));
    checker.history_read(ROOM, &[message(1), message(3)]);
    checker.history_read_at_rest(ROOM, &[message(1), message(2)]);
    check(checker, &["history_disorder", "history_short"]);
}

#[test]
fn the_list_of_violations_is_bounded() {
    let mut checker = room_with(0);
    for chat_id in 1..=1_000 {
        checker.delivered(ANN, ROOM, chat_id, None);
    }
    let report = checker.finish();
    assert_eq!(report.violations.len(), VIOLATIONS_KEPT_MAX);
    assert_eq!(report.counts["ghost"], 1_000);
}

/// What a random, correct server does next.
#[derive(Debug, Clone)]
enum Step {
    Join(u64),
    Part(u64),
    End(u64),
    /// Post; whether it is kept; what the author is told: 0 accepted, 1 refused, 2 unknown.
    Post(bool, u8),
    /// Deliver up to so many messages to a session.
    Deliver(u64, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let session = 0u64..6;
    let step = prop_oneof![
        session.clone().prop_map(Step::Join),
        session.clone().prop_map(Step::Part),
        session.clone().prop_map(Step::End),
        (any::<bool>(), 0u8..3).prop_map(|(kept, told)| Step::Post(kept, told)),
        (session, 1usize..8).prop_map(|(session, count)| Step::Deliver(session, count)),
    ];
    proptest::collection::vec(step, 0..200)
}

/// A correct room: a list of posts, and for each session in it the place it has read to.
#[derive(Default)]
struct Model {
    log: Vec<PostId>,
    places: HashMap<u64, usize>,
    checker: Checker,
}

impl Model {
    fn run(&mut self, at: usize, step: &Step) {
        match *step {
            Step::Join(session) => {
                self.checker.session_joined(SessionId(session), ROOM);
                self.places.entry(session).or_insert(self.log.len());
            }
            Step::Part(session) => {
                self.places.remove(&session);
                self.checker.parted(SessionId(session), ROOM);
            }
            Step::End(session) => {
                self.places.remove(&session);
                self.checker.session_ended(SessionId(session));
            }
            Step::Post(kept, told) => self.post(post(at as u32), kept, told),
            Step::Deliver(session, count) => self.deliver(session, count),
        }
    }

    fn post(&mut self, post: PostId, kept: bool, told: u8) {
        self.checker.posted(post, ROOM);
        if (kept && told != 1) || told == 0 {
            self.log.push(post);
        }
        match told {
            0 => self.checker.accepted(post),
            1 => self.checker.refused(post, 503),
            _ => self.checker.unknown(post),
        }
    }

    fn deliver(&mut self, session: u64, count: usize) {
        let Some(place) = self.places.get_mut(&session) else { return };
        for _ in 0..count {
            let Some(post) = self.log.get(*place) else { return };
            *place += 1;
            self.checker.delivered(SessionId(session), ROOM, *place as u64, Some(*post));
        }
    }

    fn drain(&mut self) {
        for session in 0..6 {
            self.deliver(session, usize::MAX);
        }
        let newest = self.log.iter().enumerate().skip(self.log.len().saturating_sub(30));
        let history: Vec<_> = newest.map(|(at, post)| (at as u64 + 1, Some(*post))).collect();
        self.checker.history_read_at_rest(ROOM, &history);
    }
}

proptest! {
    #[test]
    fn correct_servers_pass(steps in steps()) {
        let mut model = Model::default();
        steps.iter().enumerate().for_each(|(at, step)| model.run(at, step));
        model.drain();
        let report = model.checker.finish();
        prop_assert!(report.is_clean(), "{report}");
    }

    #[test]
    fn one_message_kept_from_one_session_is_found(steps in steps(), victim in 0u64..6) {
        let mut model = Model::default();
        model.run(100_000, &Step::Join(victim));
        model.run(100_001, &Step::Post(true, 0));
        let skips = |step: &Step| matches!(step, Step::Part(s) | Step::End(s) if *s == victim);
        for (at, step) in steps.iter().enumerate().filter(|(_, step)| !skips(step)) {
            model.run(at, step);
        }
        // One more accepted post that everybody but the victim is shown.
        model.run(100_002, &Step::Post(true, 0));
        model.deliver(victim, usize::MAX);
        let mut spoilt = Model::default();
        std::mem::swap(&mut spoilt, &mut model);
        let missing = PostId { client: 9, seq: 1 };
        spoilt.post(missing, true, 0);
        spoilt.places.remove(&victim);
        spoilt.run(100_003, &Step::Join(7));
        spoilt.drain();
        let report = spoilt.checker.finish();
        prop_assert_eq!(report.counts.get("behind").copied(), Some(1), "{}", report);
    }
}

/// What somebody learned: who (0 to 3), of which room, and more.
#[derive(Debug, Clone)]
enum Fact {
    Joined(u64, u32),
    Posted(u64, u32),
    Shown(u64, u32, u64, u32),
    Answered(u32, bool),
}

/// Tells facts to the checkers; the sessions are shared among them. Post number n is the nth fact
/// that is one.
fn told(facts: &[Fact], checkers: &mut [Checker]) {
    let count = checkers.len() as u64;
    let mut posts: Vec<(u64, bool)> = Vec::new();
    for (time, fact) in (1..).zip(facts) {
        checkers.iter_mut().for_each(|checker| checker.at(time * 1_000));
        let of = |session: u64| (session % count) as usize;
        let id = |seq: usize| PostId { client: 1, seq: seq as u32 };
        match *fact {
            Fact::Joined(session, room) => {
                checkers[of(session)].session_joined(SessionId(session), RoomId(room));
            }
            Fact::Posted(session, room) => {
                checkers[of(session)].posted(id(posts.len()), RoomId(room));
                posts.push((session, false));
            }
            Fact::Shown(session, room, chat_id, post) => checkers[of(session)].delivered(
                SessionId(session),
                RoomId(room),
                chat_id,
                Some(id(post as usize)),
            ),
            Fact::Answered(post, is_good) => {
                let Some((session, is_told)) = posts.get_mut(post as usize) else { continue };
                if !std::mem::replace(is_told, true) {
                    let status = if is_good { 200 } else { 503 };
                    checkers[of(*session)].answered(id(post as usize), status);
                }
            }
        }
    }
}

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let (session, room) = (0..4u64, 0..2u32);
    let early = prop_oneof![
        (session.clone(), room.clone()).prop_map(|(session, room)| Fact::Joined(session, room)),
        (session.clone(), room.clone()).prop_map(|(session, room)| Fact::Posted(session, room)),
    ];
    let late = prop_oneof![
        (session, room, 1..4u64, 0..4u32).prop_map(|(s, r, n, p)| Fact::Shown(s, r, n, p)),
        (0..4u32, prop::bool::weighted(0.9)).prop_map(|(post, good)| Fact::Answered(post, good)),
    ];
    let lists = (prop::collection::vec(early, 0..6), prop::collection::vec(late, 0..8));
    lists.prop_map(|(early, late)| [early, late].concat())
}

proptest! {
    #[test]
    fn parts_together_find_fault_exactly_where_one_checker_does(facts in facts()) {
        let mut alone = [Checker::new()];
        told(&facts, &mut alone);
        let mut parts = [Checker::of_part(), Checker::of_part()];
        told(&facts, &mut parts);
        let [alone] = alone;
        let (alone, together) = (alone.finish(), whole(parts).finish());
        prop_assert_eq!(alone.is_clean(), together.is_clean(), "{}\n{}", alone, together);
        prop_assert_eq!(alone.accepted, together.accepted);
        prop_assert_eq!(alone.deliveries, together.deliveries);
    }
}
