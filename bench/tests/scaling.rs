//! The experiment with growing rooms works. How fast anything is, no test asserts.

mod experiment;

use experiment::{has_two_cores, run};

#[test]
fn every_size_of_every_server_is_measured_and_drawn() {
    if !has_two_cores() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("scaling.svg");
    let words = ["scaling", "--sessions", "8,40", "--front-ends", "4", "--rounds", "1"];
    let words = [&words[..], &["--seconds", "0.1", "--svg", svg.to_str().unwrap()]].concat();
    let report = run(&words);
    let mut points = report["points"].as_array().unwrap().iter();
    for front_ends in [None, Some(4)] {
        for shards in [None, Some(1), Some(2)] {
            for sessions in [8, 40] {
                let point = points.next().unwrap();
                assert_eq!(point["front_ends"].as_u64(), front_ends, "{point}");
                assert_eq!(point["kind"]["broker"]["shards"].as_u64(), shards, "{point}");
                assert_eq!(point["sessions"].as_u64(), Some(sessions), "{point}");
                let window = &point["windows"][0];
                let number = |what| window[what].as_u64().unwrap();
                assert!(number("posts") > 0, "{window}");
                assert_eq!(number("deliveries"), number("posts") * (sessions + 1), "{window}");
            }
        }
    }
    assert!(points.next().is_none());
    let drawing = std::fs::read_to_string(svg).unwrap();
    for part in ["direct links", "4 front-end links", "broker, 2 shards", "bare limit"] {
        assert!(drawing.contains(part), "no {part:?} in the drawing");
    }
    // Two points on each of three lines in each of two panels.
    assert_eq!(drawing.matches("<circle").count(), 12);
}
