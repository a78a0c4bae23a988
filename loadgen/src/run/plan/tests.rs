use super::*;
use crate::cli::Cli;
use clap::Parser;
use std::collections::BTreeSet;

fn plan(words: &str) -> Result<Plan, String> {
    Plan::new(Cli::parse_from(words.split_ascii_whitespace()).run)
}

fn good(words: &str) -> Plan {
    plan(words).unwrap_or_else(|error| panic!("{words}: {error}"))
}

#[test]
fn everybody_is_in_as_many_rooms_of_each_size_and_the_seed_repeats_it() {
    for scale in [0.002, 0.01, 0.05] {
        let words = format!("loadgen --profile pool-80k --scale {scale}");
        let plan = good(&words);
        assert_eq!(plan.endpoints, plan.users * 3 / 2);
        assert_eq!(plan.memberships(), u64::from(plan.endpoints) * 16);
        for user in 0..plan.users {
            let rooms = &plan.rooms_of[user as usize];
            let each = plan
                .classes
                .iter()
                .map(|class| rooms.iter().filter(|room| class.rooms.contains(room)).count());
            assert_eq!(each.collect::<Vec<usize>>(), [12, 2, 2], "{user} at {scale}");
        }
        let members = |plan: &Plan| {
            plan.rooms.iter().map(|room| room.members.clone()).collect::<Vec<Vec<u32>>>()
        };
        for room in members(&plan) {
            assert_eq!(room.iter().collect::<BTreeSet<&u32>>().len(), room.len());
        }
        assert_eq!(members(&plan), members(&good(&words)));
        assert!(members(&plan) != members(&good(&format!("{words} --seed 2"))));
    }
}

#[test]
fn rooms_are_full_but_the_last_of_each_size() {
    let plan = good("loadgen --profile pool-80k --scale 0.01");
    for (class, size) in plan.classes.iter().zip([30, 150, 800]) {
        let (last, full) = plan.rooms[class.rooms.start as usize..class.rooms.end as usize]
            .split_last()
            .expect("there are rooms of each size");
        assert!(full.iter().all(|room| room.members.len() == size), "{}", class.name);
        assert!((1..=size).contains(&last.members.len()), "{}", class.name);
    }
}

#[test]
fn servers_share_the_members_of_each_room() {
    let plan = good("loadgen --profile pool-80k --scale 0.02 --servers 4");
    assert_eq!((plan.users, plan.memberships()), (400, 600 * 16));
    let rates: Vec<u32> =
        plan.classes.iter().map(|class| (class.rate * 1_000.0).round() as u32).collect();
    assert_eq!(rates, [1_111, 370, 1], "posts of all 1,600 users");
    // The whole has 640 rooms of 30, 22 of 150 and 2 of 1,600, and a quarter of each is here.
    for (class, (rooms, here)) in
        plan.classes.iter().zip([(640, 7..=8), (22, 37..=38), (2, 400..=400)])
    {
        assert_eq!(class.rooms.len(), rooms, "{}", class.name);
        let full = class.rooms.start as usize..class.rooms.end as usize - 1;
        let sizes = plan.rooms[full].iter().map(|room| room.members.len());
        assert!(sizes.clone().all(|size| here.contains(&size)), "{}", class.name);
    }
    for room in &plan.rooms {
        assert_eq!(room.members.iter().collect::<BTreeSet<&u32>>().len(), room.members.len());
    }
}

#[test]
fn endpoints_belong_to_users_one_after_the_other() {
    let plan = good("loadgen --users 4 --endpoints-per-user 1.5");
    let users: Vec<u32> = (0..plan.endpoints).map(|endpoint| plan.user_of(endpoint)).collect();
    assert_eq!(users, [0, 0, 1, 2, 2, 3]);
    for user in 0..4 {
        assert!(plan.endpoints_of(user).all(|endpoint| plan.user_of(endpoint) == user));
    }
    assert_eq!((0..4).map(|user| plan.endpoints_of(user).len()).sum::<usize>(), 6);
}

#[test]
fn direct_links_and_front_ends_mix_evenly() {
    let plan = good("loadgen --users 8 --direct 4 --front-ends 2");
    let links: Vec<u32> = (0..8).map(|endpoint| plan.link_of(endpoint)).collect();
    assert_eq!(links, [4, 0, 5, 1, 4, 2, 5, 3]);
    let shared = good("loadgen --users 5 --links 2");
    assert_eq!((0..5).map(|one| shared.link_of(one)).collect::<Vec<u32>>(), [0, 1, 0, 1, 0]);
    let direct = good("loadgen --users 3");
    assert_eq!((0..3).map(|one| direct.link_of(one)).collect::<Vec<u32>>(), [0, 1, 2]);
}

#[test]
fn slow_and_dead_readers_are_spread_over_the_direct_links() {
    let words = "--users 12 --direct 10 --front-ends 1 --slow-readers 0.3 --dead-readers 0.2";
    let plan = good(&format!("loadgen {words}"));
    let readers: Vec<Reader> = (0..plan.links.count()).map(|link| plan.reader_of(link)).collect();
    let count = |kind| readers.iter().filter(|reader| **reader == kind).count();
    assert_eq!((count(Reader::Slow), count(Reader::Dead)), (3, 2), "{readers:?}");
    assert_eq!(readers[10], Reader::Good);
    assert!(!readers.windows(2).any(|two| !two.contains(&Reader::Good)), "{readers:?}");
}

#[test]
fn workers_share_the_links_and_each_room_is_read_by_one() {
    let words = "loadgen --profile pool-80k --scale 0.001 --direct 30 --front-ends 2";
    let share = |index| good(&format!("{words} --share {index}/3/0"));
    let shares: Vec<Plan> = (0..3).map(share).collect();
    for endpoint in 0..shares[0].endpoints {
        assert_eq!(shares.iter().filter(|plan| plan.has(endpoint)).count(), 1);
    }
    assert_eq!(shares.iter().map(Plan::own_links).sum::<u32>(), 32);
    for room in 0..shares[0].rooms.len() as u32 {
        assert_eq!(shares.iter().filter(|plan| plan.reads(room)).count(), 1);
    }
}

#[test]
fn links_beyond_an_address_come_from_the_next() {
    let plan = good("loadgen --users 5 --links-per-address 2");
    let sources: Vec<Option<Ipv4Addr>> = (0..5).map(|link| plan.source_of(link)).collect();
    let second = Some(Ipv4Addr::new(127, 0, 0, 2));
    assert_eq!(sources, [None, None, second, second, Some(Ipv4Addr::new(127, 0, 0, 3))]);
}

#[test]
fn a_rate_keeps_the_proportions() {
    let plan = good("loadgen --profile pool-80k --scale 0.01 --rate 100 --model 2");
    let rates: Vec<u32> = plan.classes.iter().map(|class| class.rate.round() as u32).collect();
    assert_eq!(rates, [75, 25, 0]);
    assert_eq!(plan.class_at(0.0).name, "small");
    assert_eq!(plan.class_at(0.76).name, "medium");
    assert_eq!(plan.class_at(0.999).name, "large");
}

#[test]
fn arguments_that_do_not_fit_are_told() {
    let bad = [
        ("--users 3 --links 4", "more than the 3 endpoints"),
        ("--users 3 --direct 2", "--front-ends"),
        ("--users 3 --direct 4", "as many endpoints"),
        ("--scale 0.5", "--users"),
        ("--servers 4", "--rooms"),
        ("--profile pool-80k --users 500000 --servers 4", "on all"),
        ("--model 2", "--rate"),
        ("--profile pool-80k --scale 0.01 --rooms 3", "which rooms"),
        ("--profile pool-80k --scale 20", "users"),
        ("--endpoints-per-user 0.5", "endpoints per user"),
        ("--rate -1", "rates"),
        ("--links 2 --workers 3", "each needs one"),
        ("--workers 0", "at least one"),
        ("--storm-part 1", "below 1"),
        ("--churn inf", "rates"),
        ("--slow-readers 0.6 --dead-readers 0.5", "at most 1"),
        ("--links 2 --slow-readers 0.5", "--direct"),
        ("--dead-readers 0.5 --reconnect", "--reconnect"),
    ];
    for (words, says) in bad {
        let error = plan(&format!("loadgen {words}")).expect_err(words);
        assert!(error.contains(says), "{words}: {error}");
    }
}
