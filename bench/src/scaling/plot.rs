//! The figures as a drawing: one panel for each layout, one line for each kind of server.

use super::report::{Kind, Report, layout};
use crate::Outcome;
use plotters::prelude::*;
use std::path::Path;

const SIZE: (u32, u32) = (1_000, 420);
const FONT: (&str, u32) = ("sans-serif", 16);

/// Draws it. What is between the least and the greatest stands as a thin bar behind each point.
///
/// # Errors
/// If the file cannot be written.
pub fn draw(report: &Report, path: &Path) -> Outcome<()> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut layouts: Vec<Option<usize>> = Vec::new();
    let mut kinds: Vec<Kind> = Vec::new();
    for point in &report.points {
        if !layouts.contains(&point.front_ends) {
            layouts.push(point.front_ends);
        }
        if !kinds.contains(&point.kind) {
            kinds.push(point.kind);
        }
    }
    for (front_ends, panel) in layouts.iter().zip(root.split_evenly((1, layouts.len()))) {
        let points = || report.points.iter().filter(|point| point.front_ends == *front_ends);
        let cost_us_max = points().map(|point| point.cost_us().max).fold(0.1, f64::max);
        let most = points().map(|point| point.sessions).max().unwrap_or(1);
        let least = points().map(|point| point.sessions).min().unwrap_or(1);
        let mut chart = ChartBuilder::on(&panel)
            .caption(layout(*front_ends), FONT)
            .margin(10)
            .x_label_area_size(40)
            .y_label_area_size(50)
            .build_cartesian_2d(
                (least as f64 * 0.8..most as f64 * 1.3).log_scale(),
                0.0..cost_us_max * 1.1,
            )?;
        chart
            .configure_mesh()
            .x_desc("sessions")
            .y_desc("us of the shards' processor time for each delivery")
            .x_label_formatter(&|x| format!("{x:.0}"))
            .draw()?;
        for (number, kind) in kinds.iter().enumerate() {
            let colour = Palette99::pick(number).to_rgba();
            let of_kind = || points().filter(|point| point.kind == *kind);
            let at = |x: usize, cost_us: f64| (x as f64, cost_us);
            let line = of_kind().map(|point| at(point.sessions, point.cost_us().median));
            chart
                .draw_series(LineSeries::new(line.clone(), colour.stroke_width(2)))?
                .label(kind.name())
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2))
                });
            chart.draw_series(line.map(|point| Circle::new(point, 3, colour.filled())))?;
            chart.draw_series(of_kind().map(|point| {
                let cost_us = point.cost_us();
                let ends = [at(point.sessions, cost_us.min), at(point.sessions, cost_us.max)];
                PathElement::new(ends, colour.stroke_width(1))
            }))?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerLeft)
            .background_style(WHITE)
            .border_style(BLACK)
            .draw()?;
    }
    Ok(root.present()?)
}
