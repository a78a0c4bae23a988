//! The comparison works, and compares like with like. How fast anything is, no test asserts.

mod experiment;

use experiment::{has_two_cores, run};
use serde_json::Value;

fn fanout(words: &[&str]) -> Value {
    run(&[&["fanout", "--rounds", "1", "--seconds", "0.1"], words].concat())
}

fn per_delivery(report: &Value, side: &str, what: &str) -> f64 {
    let number = |what| report[side][0][what].as_f64().expect("a window has numbers");
    number(what) / number("deliveries")
}

fn compare_bytes(report: &Value) {
    for what in ["bytes_in", "bytes_out"] {
        let (bare, broker) =
            (per_delivery(report, "bare", what), per_delivery(report, "broker", what));
        // Numbers of messages have more digits on the side that has sent more.
        assert!((bare - broker).abs() < 12.0, "{what} {bare} and {broker} of {report}");
    }
    assert!(report["ratio"]["median"].as_f64().expect("a number") > 0.0, "{report}");
}

#[test]
fn both_sides_move_the_same_bytes() {
    if !has_two_cores() {
        return;
    }
    for words in [
        &["--links", "20"][..],
        &["--links", "2", "--sessions-per-link", "700", "--text-bytes", "1024"],
        &["--links", "5", "--rate", "half", "--io", "epoll"],
    ] {
        compare_bytes(&fanout(words));
    }
}

#[test]
fn the_matrix_has_every_case() {
    if !has_two_cores() {
        return;
    }
    let summary = fanout(&["--matrix", "--divide-by", "100"]);
    let reports = summary["reports"].as_array().unwrap();
    let mut cases = Vec::new();
    for report in reports {
        compare_bytes(report);
        let number = |what: &str| report[what].as_u64().unwrap();
        let is_saturating = report["rate"].is_null();
        let [links, per_link] = ["links", "sessions_per_link"].map(number);
        cases.push((links, per_link, number("text_bytes"), is_saturating));
    }
    let layouts = [(10, 1), (100, 1), (4, 25)];
    let of_layout = |(links, per_link)| {
        let of_text = |text| [true, false].map(|saturating| (links, per_link, text, saturating));
        [256, 1_024].map(of_text).concat()
    };
    assert_eq!(cases, layouts.map(of_layout).concat());
}
