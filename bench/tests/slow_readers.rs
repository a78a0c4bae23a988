//! The experiment with slow and dead readers works. How fast anything is, no test asserts.

mod experiment;

use experiment::{has_two_cores, run};

#[test]
fn slow_readers_catch_up_and_dead_ones_are_given_up() {
    if !has_two_cores() {
        return;
    }
    // 10 slow ones behind windows of 64: 200 posts are more than fit.
    let who = ["slow-readers", "--sessions", "30", "--slow", "10", "--rooms", "2"];
    let what = ["--rate", "100", "--seconds", "1", "--rounds", "1", "--info-timeout-ms", "6000"];
    let report = run(&[&who[..], &what].concat());
    let round = &report["rounds"][0];
    let number = |value: &serde_json::Value| value.as_u64().unwrap();
    assert_eq!(number(&round["without"]["deliveries"]), 200 * 30, "{round}");
    assert_eq!(number(&round["before"]["lagging"]), 0, "{round}");
    let owed = number(&round["with"]["groups"][1]["owed"]);
    assert!(owed > 10 * 100, "the slow ones are far behind: {round}");
    assert_eq!(number(&round["lagging"]["lagging"]), 10, "{round}");
    // That nothing was missed or came twice, the clients have checked.
    assert_eq!(number(&round["catching_up"]["deliveries"]), owed, "{round}");
    assert_eq!(number(&round["catching_up"]["groups"][1]["owed"]), 0, "{round}");
    let dead = &report["dead"];
    assert_eq!(number(&dead["before"]["sessions"]), 30, "{dead}");
    assert_eq!(number(&dead["after"]["sessions"]), 20, "{dead}");
    assert_eq!(number(&dead["after"]["lagging"]), 0, "{dead}");
    assert_eq!(number(&dead["after"]["outbox_bytes"]), 0, "{dead}");
}
