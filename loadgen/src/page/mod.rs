//! A report as one HTML page that needs nothing from elsewhere.

mod parts;
mod plots;
#[cfg(test)]
mod tests;

use crate::plot::dark_style;
use crate::results::{Comparison, Document, Summary};
use crate::units::Unit;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use parts::{section, verdict};
use plots::Run;

const STYLE: &str = include_str!("style.css");

/// The page of one run.
pub fn report(document: &Document) -> String {
    let summary = document.summary();
    let run = [Run { name: "", document, is_dashed: false }];
    let [deliveries, posts, sign_ins] = plots::rates(&run);
    let [processor, memory] = plots::usage(&run);
    let [waiting, bytes] = plots::waiting(&run);
    let time = [deliveries, plots::latency_over_time(&run), posts, waiting, bytes];
    let body = html! {
        header {
            h1 { "Load run " (verdict(summary.is_clean())) }
            p.lead { (lead(&summary)) }
            p.meta { (document.about.started) " · loadgen " (document.about.version) }
        }
        (parts::warnings(&summary))
        (parts::cards(&summary))
        (section("verdict", "Verdict", parts::contract(&summary)))
        (section("latency", "Latency", html! {
            (parts::figures([plots::latency(&run)]))
            (parts::times(&summary))
        }))
        @if !summary.classes.is_empty() {
            (section("classes", "Latency by class", html! {
                (parts::figures([plots::classes(run[0])]))
                (parts::classes(&summary))
            }))
        }
        (section("time", "Over time", parts::figures(time)))
        (section("usage", "Processor and memory", html! {
            (parts::figures([processor, memory]))
            (parts::usage(&summary))
        }))
        (section("sign-in", "Signing in and joining", html! {
            (parts::figures([plots::sign_in(&run), sign_ins]))
        }))
        (section("setup", "What was run", parts::setup(document)))
    };
    page("Load run", body)
}

/// The page of two runs; the names are those of their files.
pub fn comparison(a: (&str, &Document), b: (&str, &Document)) -> String {
    let compared = Comparison::new(a.1, b.1);
    let runs = [
        Run { name: "A", document: a.1, is_dashed: false },
        Run { name: "B", document: b.1, is_dashed: true },
    ];
    let [deliveries, posts, sign_ins] = plots::rates(&runs);
    let [processor, memory] = plots::usage(&runs);
    let [waiting, bytes] = plots::waiting(&runs);
    let time = [deliveries, plots::latency_over_time(&runs), posts, waiting, bytes];
    let [a_is_clean, b_is_clean] = compared.are_clean;
    let body = html! {
        header {
            h1 { "Two load runs" }
            p.lead { "A: " (a.0) " " (verdict(a_is_clean)) " — " (lead(&a.1.summary())) }
            p.lead { "B: " (b.0) " " (verdict(b_is_clean)) " — " (lead(&b.1.summary())) }
        }
        (section("differences", "What differs", parts::differences(&compared)))
        (section("figures", "Figures", parts::rows(&compared)))
        (section("latency", "Latency", parts::figures([plots::latency(&runs)])))
        (section("time", "Over time", parts::figures(time)))
        (section("usage", "Processor and memory", parts::figures([processor, memory])))
        (section("sign-in", "Signing in and joining", html! {
            (parts::figures([plots::sign_in(&runs), sign_ins]))
        }))
    };
    page("Two load runs", body)
}

/// What was run, in a sentence.
fn lead(summary: &Summary) -> String {
    let setup = &summary.setup;
    let count = |number: u64| Unit::Count.say(number as f64);
    format!(
        "{} users with {} sessions on {} links in {} rooms, posts at {}, {} of load",
        count(setup.users.into()),
        count(setup.endpoints.into()),
        count(setup.links.into()),
        count(setup.rooms),
        Unit::PerSecond.say(setup.rate),
        Unit::Seconds.say(summary.load_s)
    )
}

fn page(title: &str, body: Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(dark_style())) }
            }
            body { main { (body) } }
        }
    };
    page.into_string()
}
