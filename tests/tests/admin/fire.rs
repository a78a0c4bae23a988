//! Walls under fire: lists of members change while everybody posts (`parlance_tests::fire`).
//!
//! `PARLANCE_FIRE_USERS=200 PARLANCE_FIRE_SECONDS=60 cargo test --release -p parlance-tests --test
//! admin walls_hold -- --nocapture` is the long form.

use super::http::Api;
use parlance_tests::fire::{Plan, REVOCATION_MAX, burn, user_uri};
use parlance_tests::server::{Options, Room, Server};
use serde_json::{Value, json};
use std::time::Duration;

fn number(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).unwrap_or_default();
    text.parse().unwrap_or(default)
}

#[test]
fn walls_hold_under_fire() {
    let users = number("PARLANCE_FIRE_USERS", 40) as usize;
    let duration = Duration::from_secs(number("PARLANCE_FIRE_SECONDS", 5));
    let rooms: Vec<Room> = (1..=4).map(Room::numbered).collect();
    let server = Server::start(&Options { rooms: rooms.clone(), ..Options::default() });
    let api = Api::of(&server);
    let uris: Vec<String> = (0..users).map(user_uri).collect();
    for uri in &uris {
        assert_eq!(api.post("/people", &json!({"uri": uri})).status, 201);
    }
    for room in &rooms {
        let edit = json!({"privacy": "closed", "members": {"add": uris}});
        let answer = api.patch(&format!("/rooms/{}", room.id), &edit);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let plan = Plan {
        users,
        rooms: rooms.clone(),
        duration,
        post_pause: Duration::from_millis(1_000),
        change_pause: Duration::from_millis(30),
        seed: 1,
    };
    let verdict = burn(server.sip, &plan, |user, room, is_member| {
        let what = if is_member { "add" } else { "remove" };
        let mut members = serde_json::Map::new();
        members.insert(what.into(), json!([uris[user]]));
        let edit = json!({"members": Value::Object(members)});
        let answer = api.patch(&format!("/rooms/{}", rooms[room].id), &edit);
        assert_eq!(answer.status, 200, "{answer:?}");
    });
    println!(
        "{users} users, {} changes, {} posts accepted, {} deliveries, {} joins refused; silence \
         after a revocation: p50 {:?}, p99 {:?}, max {:?} of {}",
        verdict.changes,
        verdict.accepted,
        verdict.deliveries,
        verdict.joins_refused,
        verdict.silence(500),
        verdict.silence(990),
        verdict.silence(1_000),
        verdict.silences.len(),
    );
    assert!(verdict.violations.is_empty(), "{:?}", verdict.violations);
    assert!(verdict.silence(990) <= REVOCATION_MAX);
    assert!(verdict.joins_refused > 0 && verdict.accepted > 0);
}
