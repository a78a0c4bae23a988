//! The experiment with a large room works. How fast anything is, no test asserts.

mod experiment;

use experiment::{has_two_cores, run};

#[test]
fn both_layouts_are_measured_beside_a_small_room() {
    if !has_two_cores() {
        return;
    }
    let words = ["large-room", "--members", "101", "--front-ends", "4", "--rounds", "1"];
    let summary = run(&[&words[..], &["--seconds", "0.1", "--watch-seconds", "0.3"]].concat());
    let reports = summary["reports"].as_array().unwrap();
    let layout = |report: &serde_json::Value| {
        ["links", "sessions_per_link"].map(|what| report[what].as_u64().unwrap())
    };
    assert_eq!(reports.iter().map(layout).collect::<Vec<_>>(), [[100, 1], [4, 25]]);
    for report in reports {
        // The bare limit has but one room, so that the small one's 30 are in it, too.
        for (side, members) in [("bare", 131), ("broker", 101)] {
            let window = &report[side][0];
            let [posts, deliveries] = ["posts", "deliveries"].map(|what| window[what].as_u64());
            assert!(posts.unwrap() > 0, "{window}");
            assert_eq!(deliveries.unwrap(), posts.unwrap() * members, "{window}");
            let times = window["last_ms"][0].as_array().unwrap();
            assert_eq!(times.len() as u64, posts.unwrap(), "each came to its last member");
        }
        let [alone, beside] = ["alone", "beside"].map(|window| &report[window][0]);
        // 15 posts to 30; beside them one to 101.
        assert_eq!(alone["groups"][2]["deliveries"].as_u64().unwrap(), 450, "{alone}");
        assert_eq!(beside["deliveries"].as_u64().unwrap(), 551, "{beside}");
    }
}
