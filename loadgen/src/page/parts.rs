//! Pieces of a page: cards, tables, figures.

use super::plots::Figure;
use crate::results::{
    ClassSummary, Comparison, Document, Quantiles, Row, Summary, Used, figures as all_figures,
};
use crate::units::Unit;
use maud::{Markup, PreEscaped, html};

/// Violations and errors that a page spells out.
const FAULTS_SHOWN_MAX: usize = 20;
/// A change of this part or less is not worth a colour.
const CHANGE_SMALL: f64 = 0.05;

/// The figures that stand at the top.
const CARDS: [&str; 8] = [
    "deliveries",
    "delivery p50",
    "delivery p99",
    "delivery p99.9",
    "deliveries by server CPU second",
    "server's processor",
    "server's memory by session",
    "own busiest process",
];

pub(super) fn verdict(is_clean: bool) -> Markup {
    html! {
        @if is_clean { span.badge.good { "clean" } } @else { span.badge.bad { "FAULTY" } }
    }
}

pub(super) fn section(id: &str, title: &str, body: Markup) -> Markup {
    html! { section id=(id) { h2 { (title) } (body) } }
}

pub(super) fn figures(all: impl IntoIterator<Item = Option<Figure>>) -> Markup {
    html! {
        @for Figure { title, note, svg } in all.into_iter().flatten() {
            figure {
                figcaption { strong { (title) } " " span { (note) } }
                (PreEscaped(svg))
            }
        }
    }
}

/// What makes the figures say less than they seem to.
pub(super) fn warnings(summary: &Summary) -> Markup {
    let own = Unit::Cores.say(summary.own_load);
    html! {
        @if summary.is_own_bottleneck() {
            p.warning {
                strong { "The load generator was the bottleneck." }
                " Its busiest process used " (own) ". Latencies and rates are its own as much as \
                the server's: give it more processes, or less to do."
            }
        }
        @if summary.server_usage.is_none() {
            p.warning {
                "The server's processor time and memory were not measured in the whole run: name \
                 its process with " code { "--server-pid" } ", and let it live."
            }
        }
    }
}

pub(super) fn cards(summary: &Summary) -> Markup {
    let figures = all_figures(summary);
    html! {
        div.cards {
            @for figure in CARDS.iter().filter_map(|n| figures.iter().find(|f| f.name == *n)) {
                div.card { div.value { (figure.say()) } div.name { (figure.name) } }
            }
        }
    }
}

/// The checker's verdict and what went wrong.
pub(super) fn contract(summary: &Summary) -> Markup {
    let count = |number: u64| Unit::Count.say(number as f64);
    let contract = &summary.contract;
    html! {
        p {
            @if contract.is_kept {
                "Every message was checked: each came once, in one order, without a gap"
                @if summary.messages_read > 0 || summary.histories > 0 {
                    ", and what was acknowledged stands in the history"
                }
                "."
            } @else {
                "The server broke its word."
            }
        }
        table {
            tbody {
                (row("posts", &format!(
                    "{} sent, {} accepted, {} refused, {} of unknown outcome, {} not sent",
                    count(summary.posts_sent), count(summary.posts_accepted),
                    count(summary.posts_refused), count(summary.posts_unknown),
                    count(summary.posts_unsent)
                )))
                (row("deliveries", &format!(
                    "{}, {} missing", count(summary.deliveries), count(summary.deliveries_missing)
                )))
                (row("read back", &format!(
                    "{} histories, {} messages page by page", count(summary.histories),
                    count(summary.messages_read)
                )))
                @if let Some(returns) = &summary.returns {
                    (row("returns", &format!(
                        "{} links lost, {} opened again, {} dialogs lost, {} sign-ins refused for \
                         want of room", count(returns.links_lost), count(returns.links_reopened),
                        count(returns.dialogs_lost), count(returns.sign_ins_refused)
                    )))
                }
                @for (what, times) in &summary.errors {
                    (row("error", &format!("{} × {what}", count(*times))))
                }
                @for (kind, times) in &contract.counts {
                    (row("violation", &format!("{} × {kind}", count(*times))))
                }
            }
        }
        @if !contract.violations.is_empty() {
            ol.faults {
                @for violation in contract.violations.iter().take(FAULTS_SHOWN_MAX) {
                    li { (violation) }
                }
            }
        }
    }
}

fn row(name: &str, says: &str) -> Markup {
    html! { tr { th scope="row" { (name) } td { (says) } } }
}

fn quantiles(name: &str, times: &Quantiles) -> Markup {
    let Quantiles { count, p50, p90, p99, p999, max, .. } = times;
    html! {
        tr {
            th scope="row" { (name) }
            @for time_us in [p50, p90, p99, p999, max] {
                td.number {
                    @if *count > 0 { (Unit::Micros.say(*time_us as f64)) } @else { "—" }
                }
            }
            td.number { (Unit::Count.say(*count as f64)) }
        }
    }
}

fn quantiles_head(what: &str) -> Markup {
    html! {
        thead {
            tr {
                th scope="col" { (what) }
                @for name in ["p50", "p90", "p99", "p99.9", "max", "count"] {
                    th.number scope="col" { (name) }
                }
            }
        }
    }
}

pub(super) fn times(summary: &Summary) -> Markup {
    let times = &summary.timings;
    html! {
        div.wide {
            table {
                (quantiles_head("from the moment it was due"))
                tbody {
                    (quantiles("delivery", &times.delivery_us))
                    (quantiles("accept", &times.accept_us))
                    (quantiles("own delay", &times.lateness_us))
                    (quantiles("signed in", &times.sign_in_us))
                    (quantiles("in all rooms", &times.join_us))
                    @if let Some(returns) = &summary.returns {
                        (quantiles("without service", &returns.without_service_us))
                    }
                }
            }
        }
    }
}

pub(super) fn classes(summary: &Summary) -> Markup {
    html! {
        div.wide {
            table {
                (quantiles_head("delivery"))
                tbody {
                    @for ClassSummary { label, timings } in &summary.classes {
                        (quantiles(label, &timings.delivery_us))
                    }
                }
            }
        }
    }
}

pub(super) fn usage(summary: &Summary) -> Markup {
    let line = |name: &str, used: &Used| {
        html! {
            tr {
                th scope="row" { (name) }
                td.number { (Unit::Seconds.say(used.cpu_s)) }
                td.number { (Unit::Cores.say(used.cores)) }
                td.number { (Unit::Count.say(used.deliveries_per_cpu_s)) }
                td.number { (Unit::Bytes.say(used.resident_bytes_max as f64)) }
            }
        }
    };
    html! {
        div.wide {
            table {
                thead {
                    tr {
                        th scope="col" { "during load and drain" }
                        @for name in ["CPU time", "on average", "deliveries by CPU s", "memory"] {
                            th.number scope="col" { (name) }
                        }
                    }
                }
                tbody {
                    @if let Some(used) = &summary.server_usage { (line("server", used)) }
                    (line("load generator", &summary.own_usage))
                }
            }
        }
    }
}

/// Arguments and machine.
pub(super) fn setup(document: &Document) -> Markup {
    let about = &document.about;
    let machine = &about.machine;
    let server_version = about.server_version.as_deref().unwrap_or("not told");
    let memory = Unit::Bytes.say(machine.memory_bytes as f64);
    let setup = &document.setup;
    html! {
        table {
            tbody {
                (row("server", &format!("{}, version {server_version}", setup.server)))
                (row("load generator", &format!(
                    "version {}, {} process(es), seed {}", about.version,
                    document.measured.processes, setup.seed
                )))
                (row("machine", &format!(
                    "{}, {} cores, {memory}, {}", machine.processor, machine.cores, machine.kernel
                )))
                (row("memberships", &Unit::Count.say(setup.memberships as f64)))
            }
        }
        h3 { "Arguments" }
        ul.arguments {
            @for argument in &about.arguments {
                li.default[argument.is_default] {
                    code { "--" (argument.name) " " (argument.value) }
                }
            }
        }
        p.note { "What stands in grey is what the program does by itself." }
    }
}

pub(super) fn differences(compared: &Comparison) -> Markup {
    let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "—".to_owned());
    html! {
        @if compared.differences.is_empty() {
            p { "Nothing: the same arguments, machine and versions." }
        } @else {
            div.wide {
                table {
                    thead {
                        tr { th scope="col" { "" } th scope="col" { "A" } th scope="col" { "B" } }
                    }
                    tbody {
                        @for one in &compared.differences {
                            tr {
                                th scope="row" { (one.name) }
                                td { (said(&one.a)) }
                                td { (said(&one.b)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn rows(compared: &Comparison) -> Markup {
    html! {
        div.wide {
            table {
                thead {
                    tr {
                        th scope="col" { "" }
                        @for name in ["A", "B", "B / A"] { th.number scope="col" { (name) } }
                    }
                }
                tbody {
                    @for row in &compared.rows {
                        tr {
                            th scope="row" { (row.a.name) }
                            td.number { (row.a.say()) }
                            td.number { (row.b.say()) }
                            td.number.changed[is_changed(row)] { (row.say_ratio()) }
                        }
                    }
                }
            }
        }
    }
}

fn is_changed(row: &Row) -> bool {
    row.ratio().is_some_and(|ratio| (ratio - 1.0).abs() > CHANGE_SMALL)
}
