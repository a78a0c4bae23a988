//! The guide says what is true: its example is a configuration, its limits and metrics exist.

use parlance_core::Limits;
use parlance_core::directory::model::{Configuration, Scope};
use parlance_tests::server::{Options, Server};
use std::path::Path;

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide").join(name);
    std::fs::read_to_string(path).expect("the page exists")
}

/// First and second cell of each row of the table below the heading, marks removed.
fn rows<'p>(page: &'p str, heading: &str) -> Vec<(&'p str, &'p str)> {
    let section = page.split(heading).nth(1).expect("the heading exists");
    let table = section.lines().skip_while(|l| !l.starts_with('|')).skip(2);
    let cells = |line: &'p str| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        Some((cells.next()?, cells.next()?))
    };
    table.take_while(|l| l.starts_with('|')).filter_map(cells).collect()
}

/// What stands between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn the_example_is_a_configuration() {
    let page = page("configuration.md");
    let example = page.split("```toml").nth(1).and_then(|rest| rest.split("```").next());
    let mut example = example.expect("there is an example").to_owned();
    for port in [":5060", ":5061", ":8080"] {
        assert!(example.contains(port), "the example shows the default ports");
        example = example.replace(port, ":0");
    }
    let mut server = Server::start_with(&example);
    assert_eq!(server.get("/health"), "ok\n");
    assert_eq!(server.stop().code(), Some(0), "{}", server.stderr());
}

#[test]
fn the_limits_are_the_defaults() {
    let page = page("configuration.md");
    let defaults = format!("{:?}", Limits::default());
    let configuration = Configuration::new(Scope::Global);
    let mut limits = Vec::new();
    let mut before = "";
    for (keys, values) in rows(&page, "## `[limits]`") {
        for (key, value) in quoted(keys).zip(values.split(", ")) {
            // `…_burst` means: the name before it, with another end.
            let key = match key.strip_prefix('…') {
                Some(end) => before.rsplit_once("_per_second").expect("a rate").0.to_owned() + end,
                None => key.to_owned(),
            };
            let of_configuration = match &*key {
                "history_max" => Some(configuration.default_chat_history.to_string()),
                "participants_max" => Some(configuration.participant_update_limit.to_string()),
                _ => None,
            };
            let is_default = of_configuration.is_some_and(|default| default == value)
                || defaults.contains(&format!(" {key}: {value},"))
                || defaults.contains(&format!(" {key}: {value} }}"));
            assert!(is_default, "{key} = {value} is not the default in {defaults}");
            limits.push(format!("{key} = {value}"));
            before = quoted(keys).next().expect("a key");
        }
    }
    assert!(limits.len() > 20, "the table was found: {limits:?}");
    Server::start(&Options { limits, ..Options::default() });
}

#[test]
fn the_metrics_are_on_the_page() {
    let page = page("monitoring.md");
    let metrics = Server::start(&Options::default()).get("/metrics");
    let mut count = 0;
    for name in quoted(&page).filter(|name| name.starts_with("parlance_")) {
        let name = name.split('{').next().unwrap_or(name);
        let is_there = metrics
            .lines()
            .any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
        assert!(is_there, "{name} is not in\n{metrics}");
        count += 1;
    }
    for (causes, _) in rows(&page, "- **`refused`** by cause:") {
        for cause in quoted(causes) {
            assert!(metrics.contains(&format!("cause=\"{cause}\"")), "no cause {cause}");
            count += 1;
        }
    }
    assert!(count > 40, "only {count} names were found");
}
