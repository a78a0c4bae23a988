//! The plots of a page: of one run, or of two in the same plot, the second dashed.

use crate::plot::{Axis, Line, Plot, Scale, Tone};
use crate::results::{Document, Kind, Point, Series, Timing};
use crate::units::Unit;

/// A run as a plot shows it.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    /// "A" or "B"; empty when it is alone.
    pub name: &'a str,
    /// Its results.
    pub document: &'a Document,
    /// The second of two.
    pub is_dashed: bool,
}

/// A plot with what stands above and below it.
pub(super) struct Figure {
    pub title: &'static str,
    pub note: &'static str,
    pub svg: String,
}

/// Classes that a plot shows; tables show all.
const CLASSES_SHOWN_MAX: usize = Tone::ALL.len();

/// How a value of a point in time is found.
type Value = fn(&Point, f64) -> Option<f64>;

fn line(run: Run<'_>, name: &str, tone: Tone, points: Vec<(f64, Option<f64>)>) -> Line {
    let is_alone = run.name.is_empty();
    let name = if is_alone { name.to_owned() } else { format!("{} {name}", run.name) };
    Line { name, tone, is_dashed: run.is_dashed, points }
}

/// A curve of percentiles.
fn curve(timing: &Timing) -> Vec<(f64, Option<f64>)> {
    // A time of 0 us would be infinitely far down.
    timing.by_nines().into_iter().map(|(nines, us)| (nines, Some(us.max(1) as f64))).collect()
}

fn percentiles(title: &'static str, note: &'static str, lines: Vec<Line>) -> Option<Figure> {
    let plot = Plot {
        title,
        x: Axis { label: "percentile", unit: Unit::Count, scale: Scale::Nines },
        y: Axis { label: "time (log)", unit: Unit::Micros, scale: Scale::Log },
        lines,
        marks: Vec::new(),
    };
    figure(note, &plot)
}

fn figure(note: &'static str, plot: &Plot<'static>) -> Option<Figure> {
    let is_empty = plot.lines.is_empty();
    (!is_empty).then(|| Figure { title: plot.title, note, svg: plot.inline() })
}

/// Percentiles of some kinds of times.
fn kinds(runs: &[Run<'_>], kinds: &[(Kind, &str, Tone)]) -> Vec<Line> {
    let of_run = |run: Run<'_>| {
        let lines = kinds.iter().filter_map(move |(kind, name, tone)| {
            let timing = run.document.measured.timings.of(*kind);
            (timing.count() > 0).then(|| line(run, name, *tone, curve(timing)))
        });
        lines.collect::<Vec<Line>>()
    };
    runs.iter().flat_map(|run| of_run(*run)).collect()
}

/// Latency by percentiles.
pub(super) fn latency(runs: &[Run<'_>]) -> Option<Figure> {
    let lines = kinds(
        runs,
        &[
            (Kind::Delivery, "delivery", Tone::Blue),
            (Kind::Accept, "accept", Tone::Orange),
            (Kind::Lateness, "own delay", Tone::Grey),
        ],
    );
    percentiles(
        "Latency by percentile",
        "From the moment a post was due: to each delivery, to its author's 200, and to its sending \
         (the load generator's own part in both).",
        lines,
    )
}

/// Signing in by percentiles.
pub(super) fn sign_in(runs: &[Run<'_>]) -> Option<Figure> {
    let lines = kinds(
        runs,
        &[
            (Kind::SignIn, "signed in", Tone::Blue),
            (Kind::Join, "in all rooms", Tone::Green),
            (Kind::Away, "without service", Tone::Red),
        ],
    );
    percentiles(
        "Signing in",
        "From the moment a sign-in was due to the open dialog, and to the last room joined; where \
         dialogs were lost, from the loss to the last room joined again.",
        lines,
    )
}

/// Delivery by class.
pub(super) fn classes(run: Run<'_>) -> Option<Figure> {
    let classes = run.document.measured.classes.iter();
    let timed = classes.filter(|(_, timings)| timings.of(Kind::Delivery).count() > 0);
    let lines = timed
        .take(CLASSES_SHOWN_MAX)
        .zip(Tone::ALL)
        .map(|((label, timings), tone)| {
            line(run, &label.to_string(), tone, curve(timings.of(Kind::Delivery)))
        })
        .collect();
    percentiles("Delivery by class", "From the moment a post was due to each delivery.", lines)
}

/// A plot of the run's seconds.
fn over_time(
    runs: &[Run<'_>],
    y: Axis<'static>,
    title: &'static str,
    note: &'static str,
    wanted: &[(&str, Tone, Value)],
) -> Option<Figure> {
    let lines: Vec<Line> = runs
        .iter()
        .flat_map(|run| {
            wanted.iter().filter_map(|(name, tone, value)| {
                let points = seconds(&run.document.measured.series, *value);
                // What never happened needs no line.
                let is_there = points.iter().any(|(_, y)| y.is_some_and(|y| y > 0.0));
                is_there.then(|| line(*run, name, *tone, points))
            })
        })
        .collect();
    // Two runs have their phases at different times.
    let marks = match runs {
        [run] => run.document.measured.marks.as_slice(),
        _ => &[],
    };
    let plot = Plot {
        title,
        x: Axis { label: "time since the start", unit: Unit::Seconds, scale: Scale::Linear },
        y,
        lines,
        marks: marks.iter().map(|mark| (mark.at_s as f64, mark.name.clone())).collect(),
    };
    figure(note, &plot)
}

/// The middle of each step and what was the case in it.
fn seconds(series: &Series, value: Value) -> Vec<(f64, Option<f64>)> {
    let step_s = series.step_s() as f64;
    let points = series.points().iter().zip(0..);
    points.map(|(point, index)| ((f64::from(index) + 0.5) * step_s, value(point, step_s))).collect()
}

/// What happened, each second.
pub(super) fn rates(runs: &[Run<'_>]) -> [Option<Figure>; 3] {
    let y = |label| Axis { label, unit: Unit::PerSecond, scale: Scale::Linear };
    let deliveries = over_time(
        runs,
        y("deliveries"),
        "Deliveries",
        "Messages that reached a reader.",
        &[("deliveries", Tone::Blue, |point, step_s| Some(point.deliveries as f64 / step_s))],
    );
    let posts = over_time(
        runs,
        y("events"),
        "Posts and errors",
        "Posts sent, and whatever went wrong.",
        &[
            ("posts", Tone::Blue, |point, step_s| Some(point.posts as f64 / step_s)),
            ("errors", Tone::Red, |point, step_s| Some(point.errors as f64 / step_s)),
        ],
    );
    let sign_ins = over_time(
        runs,
        y("sign-ins"),
        "Sign-ins",
        "Dialogs opened, also those after a loss.",
        &[("sign-ins", Tone::Green, |point, step_s| Some(point.sign_ins as f64 / step_s))],
    );
    [deliveries, posts, sign_ins]
}

fn at(timing: &Timing, quantile: f64) -> Option<f64> {
    (timing.count() > 0).then(|| timing.at(quantile).max(1) as f64)
}

/// How long deliveries took, each second.
pub(super) fn latency_over_time(runs: &[Run<'_>]) -> Option<Figure> {
    let p50: (&str, Tone, Value) = ("p50", Tone::Green, |point, _| at(&point.delivery, 0.5));
    let p99: (&str, Tone, Value) = ("p99", Tone::Blue, |point, _| at(&point.delivery, 0.99));
    let max: (&str, Tone, Value) = ("max", Tone::Red, |point, _| at(&point.delivery, 1.0));
    let accept: (&str, Tone, Value) =
        ("accept p99", Tone::Orange, |point, _| at(&point.accept, 0.99));
    let all = [p50, p99, max, accept];
    // More than four lines are hard to read.
    let wanted = if runs.len() == 1 { &all[..] } else { &all[..2] };
    over_time(
        runs,
        Axis { label: "time (log)", unit: Unit::Micros, scale: Scale::Log },
        "Latency",
        "Of the deliveries and 200s that came in each second; values are within 6 %.",
        wanted,
    )
}

/// What is on its way, and what waits at the server.
pub(super) fn waiting(runs: &[Run<'_>]) -> [Option<Figure>; 2] {
    let things = over_time(
        runs,
        Axis { label: "most at a time", unit: Unit::Count, scale: Scale::Linear },
        "Outstanding deliveries and lagging sessions",
        "Deliveries that were to come, and sessions that the server calls behind.",
        &[
            ("outstanding", Tone::Blue, |point, _| Some(point.outstanding as f64)),
            ("lagging", Tone::Red, |point, _| Some(point.server?.sessions_lagging? as f64)),
        ],
    );
    let bytes = over_time(
        runs,
        Axis { label: "bytes", unit: Unit::Bytes, scale: Scale::Linear },
        "Bytes that wait on the server's links",
        "Most of those seen at a time.",
        &[("waiting", Tone::Blue, |point, _| Some(point.server?.outbox_bytes? as f64))],
    );
    [things, bytes]
}

/// What both programs used.
pub(super) fn usage(runs: &[Run<'_>]) -> [Option<Figure>; 2] {
    let processor = over_time(
        runs,
        Axis { label: "busy cores", unit: Unit::Cores, scale: Scale::Linear },
        "Processor",
        "The server's shards, its other threads, and the load generator.",
        &[
            ("shards", Tone::Blue, |point, _| Some(point.server?.shards.cores())),
            ("other threads", Tone::Orange, |point, _| Some(point.server?.others.cores())),
            ("load generator", Tone::Grey, |point, _| Some(point.own?.cpu.cores())),
        ],
    );
    let memory = over_time(
        runs,
        Axis { label: "resident", unit: Unit::Bytes, scale: Scale::Linear },
        "Memory",
        "Resident memory of both.",
        &[
            ("server", Tone::Blue, |point, _| Some(point.server?.resident_bytes as f64)),
            ("load generator", Tone::Grey, |point, _| Some(point.own?.resident_bytes as f64)),
        ],
    );
    [processor, memory]
}
