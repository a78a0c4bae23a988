//! The drawing, by plotters.

use super::scale::Ruler;
use super::{Line, Plot, palette};
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// The drawing has ten points to the pixel, for plotters knows whole ones only.
const PX: i32 = 10;
const WIDTH: i32 = 760 * PX;
/// With a legend of one row.
const HEIGHT: i32 = 270 * PX;
/// Beside the plot: room for names of ticks.
const LEFT: i32 = 74 * PX;
const RIGHT: i32 = 30 * PX;
/// Above it: the y axis' label with the legend's first row, and marks.
const TOP: i32 = 48 * PX;
/// For each further row of the legend.
const ROW: i32 = 18 * PX;
/// Below it: names of ticks and the x axis' label.
const BOTTOM: i32 = 44 * PX;
const TEXT: i32 = 12 * PX;
/// plotters writes a font smaller than it is asked for, by this.
const FONT_FACTOR: f64 = 1.24;
/// Width of an average letter by the size of the text.
const LETTER: f64 = 0.57;
const TICKS_X: usize = 8;
const TICKS_Y: usize = 4;
/// Of [`BOTTOM`], what names of ticks take.
const TICKS_HEIGHT: i32 = 26 * PX;
/// A tick's length: it keeps names away from the lines.
const TICK: i32 = 5 * PX;
const LINE_WIDTH: u32 = 17;
const DASH: i32 = 5 * PX;
const GAP: i32 = 4 * PX;
const KEY_WIDTH: i32 = 18 * PX;
const KEY_DASH: i32 = 4 * PX;
/// Between a key and its name, and between a name and the next key.
const KEY_GAP: i32 = 6 * PX;
const NAME_GAP: i32 = 14 * PX;
const FAMILY: &str = "system-ui, sans-serif";

/// Text in memory takes whatever is drawn.
const WRITABLE: &str = "memory can be drawn on";

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Values = Vec<(f64, f64)>;

pub(super) fn svg(plot: &Plot<'_>, style: &str) -> String {
    let mut text = String::new();
    let rows = legend_rows(plot);
    let frame = Frame::below(rows.len());
    let height = frame.height;
    {
        let size = (WIDTH as u32, height as u32);
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        draw_legend(plot, &rows, &area);
        draw(plot, &frame, &area);
        area.present().expect(WRITABLE);
    }
    let body = text.find('>').map_or("", |end| &text[end + 1..]);
    let title = escape(plot.title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"{title}\">{style}{body}"
    )
}

/// Where a plot stands below its legend.
struct Frame {
    top: i32,
    height: i32,
}

impl Frame {
    fn below(rows: usize) -> Frame {
        let more = ROW * (rows as i32 - 1);
        Frame { top: TOP + more, height: HEIGHT + more }
    }
}

fn draw(plot: &Plot<'_>, frame: &Frame, area: &Area<'_>) {
    let points = || plot.lines.iter().flat_map(|line| &line.points);
    let (x_min, x_max) = range(points().map(|(x, _)| *x));
    let (y_min, y_max) = range(points().filter_map(|(_, y)| *y));
    let x = Ruler::new(&plot.x, x_min, x_max, TICKS_X).cut(x_max);
    let y = Ruler::new(&plot.y, y_min, y_max, TICKS_Y);
    draw_marks(plot, frame, area, &x);
    draw_lines(plot, frame, area, &x, &y);
    let at = (WIDTH - RIGHT, frame.height - TEXT / 2 - 2 * PX);
    write(area, plot.x.label, at, HPos::Right);
}

/// Axes and lines.
fn draw_lines(plot: &Plot<'_>, frame: &Frame, area: &Area<'_>, x: &Ruler, y: &Ruler) {
    let mut chart = ChartBuilder::on(area)
        .margin_top(frame.top)
        .margin_right(RIGHT)
        .margin_bottom(BOTTOM - TICKS_HEIGHT)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .set_label_area_size(LabelAreaPosition::Bottom, TICKS_HEIGHT)
        .build_cartesian_2d(x.clone(), y.clone())
        .expect(WRITABLE);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(palette::grid().stroke_width(PX as u32))
        .axis_style(palette::grid().stroke_width(PX as u32))
        .set_all_tick_mark_size(TICK)
        .x_label_style(words(HPos::Center))
        .y_label_style(words(HPos::Right))
        .draw()
        .expect(WRITABLE);
    for line in plot.lines.iter().rev() {
        let style = line.tone.colour().stroke_width(LINE_WIDTH);
        for piece in pieces(line) {
            let drawn = match (piece.as_slice(), line.is_dashed) {
                ([only], _) => {
                    let dot = Circle::new(*only, LINE_WIDTH, line.tone.colour().filled());
                    chart.draw_series([dot]).map(drop)
                }
                (_, false) => chart.draw_series([PathElement::new(piece, style)]).map(drop),
                (_, true) => {
                    let series = DashedLineSeries::new(piece, DASH, GAP, style);
                    chart.draw_series(series).map(drop)
                }
            };
            drawn.expect(WRITABLE);
        }
    }
}

/// The parts of a line between its gaps.
fn pieces(line: &Line) -> Vec<Values> {
    let parts = line.points.split(|(_, y)| y.is_none()).filter(|part| !part.is_empty());
    let known = |(x, y): &(f64, Option<f64>)| (*x, y.unwrap_or_default());
    parts.map(|part| part.iter().map(known).collect()).collect()
}

/// Lines by the row of the legend that names them; the first row is shared with the y axis' label.
/// A single line is in none: the label says it.
fn legend_rows<'p>(plot: &'p Plot<'_>) -> Vec<Vec<&'p Line>> {
    let whole = WIDTH - RIGHT - PX;
    let (mut rows, mut free) = (vec![Vec::new()], whole - width(plot.y.label));
    let named = if plot.lines.len() > 1 { &plot.lines[..] } else { &[] };
    for line in named {
        let wide = NAME_GAP + KEY_WIDTH + KEY_GAP + width(&line.name);
        if wide > free {
            rows.push(Vec::new());
            free = whole;
        }
        free -= wide;
        rows.last_mut().expect("there is one from the beginning").push(line);
    }
    rows
}

/// The y axis' label, and names of lines from the right.
fn draw_legend(plot: &Plot<'_>, rows: &[Vec<&Line>], area: &Area<'_>) {
    write(area, plot.y.label, (PX, TEXT), HPos::Left);
    let mut top = TEXT;
    for row in rows {
        let mut left = WIDTH - RIGHT;
        for line in row.iter().rev() {
            let text_left = left - width(&line.name);
            write(area, &line.name, (text_left, top), HPos::Left);
            let key_left = text_left - KEY_WIDTH - KEY_GAP;
            let key = [(key_left, top), (key_left + KEY_WIDTH, top)];
            let style = line.tone.colour().stroke_width(LINE_WIDTH * 3 / 2);
            let drawn = match line.is_dashed {
                true => area.draw(&DashedPathElement::new(key, KEY_DASH, KEY_DASH, style)),
                false => area.draw(&PathElement::new(key, style)),
            };
            drawn.expect(WRITABLE);
            left = key_left - NAME_GAP;
        }
        top += ROW;
    }
}

/// Lines from top to bottom; a name that would run into the next is left out.
fn draw_marks(plot: &Plot<'_>, frame: &Frame, area: &Area<'_>, x: &Ruler) {
    let mut free_to = WIDTH;
    for (at, name) in plot.marks.iter().rev() {
        let left = LEFT + (x.place(*at) * f64::from(WIDTH - LEFT - RIGHT)) as i32;
        let style = palette::tick().stroke_width(PX as u32);
        let line = [(left, frame.top - TEXT), (left, frame.height - BOTTOM)];
        area.draw(&PathElement::new(line, style)).expect(WRITABLE);
        if left + width(name) + 8 * PX <= free_to {
            let text_at = (left + 4 * PX, frame.top - TEXT / 2 - 3 * PX);
            write(area, name, text_at, HPos::Left);
            free_to = left;
        }
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The width that a text takes, about.
fn width(text: &str) -> i32 {
    (text.chars().count() as f64 * f64::from(TEXT) * LETTER) as i32
}

fn font(size: i32) -> FontDesc<'static> {
    FontDesc::new(FontFamily::Name(FAMILY), f64::from(size) * FONT_FACTOR, FontStyle::Normal)
}

fn words(at: HPos) -> TextStyle<'static> {
    font(TEXT).color(&palette::ink()).pos(Pos::new(at, VPos::Center))
}

fn write(area: &Area<'_>, text: &str, at: (i32, i32), align: HPos) {
    area.draw_text(text, &words(align), at).expect(WRITABLE);
}

/// Least and greatest of some values.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|value| value.is_finite());
    finite.fold((f64::INFINITY, 0.0f64), |(min, max), value| (min.min(value), max.max(value)))
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, Scale, Tone};
    use super::*;
    use crate::units::Unit;

    fn plot(names: &[&str]) -> Plot<'static> {
        let axis = |label| Axis { label, unit: Unit::Count, scale: Scale::Linear };
        let points = vec![(0.0, Some(1.0)), (1.0, Some(2.0))];
        let lines = names.iter().map(|name| Line::new(name, Tone::Blue, points.clone())).collect();
        Plot { title: "", x: axis("from left to right"), y: axis("upwards"), lines, marks: vec![] }
    }

    fn rows(names: &[&str]) -> Vec<Vec<String>> {
        let of = |row: Vec<&Line>| row.iter().map(|line| line.name.clone()).collect();
        legend_rows(&plot(names)).into_iter().map(of).collect()
    }

    #[test]
    fn a_legend_has_as_many_rows_as_it_needs() {
        assert_eq!(rows(&["one"]), [[""; 0]]);
        assert_eq!(rows(&["one", "two"]), [["one", "two"]]);
        let long =
            ["one of those", "that have long", "names in words", "by which a row", "is full"];
        assert_eq!(rows(&[long, long].concat()), [&long[..], &long[..]]);
        let row_wide = "x".repeat(100);
        assert_eq!(rows(&["one", &row_wide]), [["one"], [&*row_wide]]);
    }

    #[test]
    fn what_the_legend_names_is_in_the_drawing() {
        let names: Vec<String> = (0..20).map(|n| format!("the line of number {n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let text = plot(&names).inline();
        assert!(names.iter().all(|name| text.contains(name)));
        let lefts = text.split("<text x=\"").skip(1).map(|rest| rest.split('"').next());
        let lefts: Vec<i32> = lefts.map(|left| left.unwrap().parse().unwrap()).collect();
        assert!(lefts.len() > 20 && lefts.iter().all(|left| *left > 0), "{lefts:?}");
    }
}
