//! Plots as SVG text, for a page or a file of their own.
//!
//! ```
//! use parlance_loadgen::plot::{Axis, Line, Plot, Scale, Tone};
//! use parlance_loadgen::units::Unit;
//!
//! let cost = [(100.0, Some(9.2)), (1_000.0, Some(7.9)), (10_000.0, Some(8.1))];
//! let plot = Plot {
//!     title: "Cost of a delivery",
//!     x: Axis { label: "sessions in the room", unit: Unit::Count, scale: Scale::Log },
//!     y: Axis { label: "processor time", unit: Unit::Micros, scale: Scale::Linear },
//!     lines: vec![Line::new("epoll", Tone::Blue, cost.to_vec())],
//!     marks: Vec::new(),
//! };
//! assert!(plot.file().starts_with("<svg "));
//! ```

mod draw;
mod palette;
mod scale;

pub use palette::{Tone, dark_style};
pub use scale::{Axis, Scale};

/// A line of a plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// As the legend names it.
    pub name: String,
    /// Its colour.
    pub tone: Tone,
    /// Is it broken into dashes?
    pub is_dashed: bool,
    /// Values of x and y, x rising; the line has a gap where there is no y.
    pub points: Vec<(f64, Option<f64>)>,
}

impl Line {
    /// An unbroken line.
    pub fn new(name: &str, tone: Tone, points: Vec<(f64, Option<f64>)>) -> Line {
        Line { name: name.to_owned(), tone, is_dashed: false, points }
    }
}

/// A plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot<'a> {
    /// What it shows, for those who cannot see it, too.
    pub title: &'a str,
    /// From left to right.
    pub x: Axis<'a>,
    /// From bottom to top.
    pub y: Axis<'a>,
    /// What it shows; the first lies on top.
    pub lines: Vec<Line>,
    /// Moments on the x axis and what begins there.
    pub marks: Vec<(f64, String)>,
}

impl Plot<'_> {
    /// For a page that has [`dark_style`] among its styles.
    pub fn inline(&self) -> String {
        draw::svg(self, "")
    }

    /// For a file of its own.
    pub fn file(&self) -> String {
        let style = format!("<style>{}</style>", dark_style());
        draw::svg(self, &style)
    }
}
