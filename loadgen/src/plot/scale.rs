//! Axes: where a value stands, and which values are named.

use crate::units::Unit;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use std::ops::Range;

/// How values are spread over an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Evenly, from 0.
    Linear,
    /// Each tenfold takes the same room.
    Log,
    /// The values are nines of percentiles: 0 is 0 %, 1 is 90 %, 2 is 99 %.
    Nines,
}

/// An axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis<'a> {
    /// What it shows.
    pub label: &'a str,
    /// What its values are.
    pub unit: Unit,
    /// How they are spread.
    pub scale: Scale,
}

/// Longest axis of percentiles, in nines, on which the names of 0 % and 50 % do not touch.
const NINES_WITH_START_MAX: f64 = 4.0;

/// An axis for certain values: its ends, and its ticks with their names.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ruler {
    scale: Scale,
    start: f64,
    end: f64,
    ticks: Vec<(f64, String)>,
}

/// Steps between ticks, by the power of ten that is right for the range.
const STEPS: [f64; 4] = [1.0, 2.0, 5.0, 10.0];
/// Most tenfolds of which also 2 and 5 are named.
const FINE_TENFOLDS_MAX: f64 = 2.0;

impl Ruler {
    /// For values up to `max` (and down to `min`, which is of importance for [`Scale::Log`] only)
    /// with about so many ticks.
    pub fn new(axis: &Axis<'_>, min: f64, max: f64, ticks: usize) -> Ruler {
        match axis.scale {
            Scale::Linear => Ruler::linear(axis.unit, max, ticks),
            Scale::Log => Ruler::log(axis.unit, min, max),
            Scale::Nines => Ruler::nines(max),
        }
    }

    /// Ends at the last value instead of the next tick, where values are spread evenly.
    pub fn cut(mut self, max: f64) -> Ruler {
        if self.scale == Scale::Linear && max > 0.0 {
            self.end = max;
            self.ticks.retain(|(value, _)| *value <= max);
        }
        self
    }

    /// Where a value stands: 0 at the start, 1 at the end, no further.
    pub fn place(&self, value: f64) -> f64 {
        let spread = |value: f64| match self.scale {
            Scale::Linear | Scale::Nines => value,
            Scale::Log => value.max(f64::MIN_POSITIVE).log10(),
        };
        let (start, end) = (spread(self.start), spread(self.end));
        ((spread(value) - start) / (end - start)).clamp(0.0, 1.0)
    }

    fn linear(unit: Unit, max: f64, ticks: usize) -> Ruler {
        let max = if max > 0.0 { max } else { 1.0 };
        let step = step(unit, max / ticks.max(1) as f64);
        let end = (max / step).ceil() * step;
        let count = (end / step).round() as u32;
        let ticks = (0..=count)
            .map(|n| f64::from(n) * step)
            .map(|value| (value, if value == 0.0 { "0".to_owned() } else { unit.say(value) }))
            .collect();
        Ruler { scale: Scale::Linear, start: 0.0, end, ticks }
    }

    fn log(unit: Unit, min: f64, max: f64) -> Ruler {
        let max = if max > 0.0 { max } else { 1.0 };
        let min = if min > 0.0 { min.min(max) } else { max };
        let (mut start, mut end) = (floor_125(min), floor_125(max));
        if end < max {
            end = above(end);
        }
        if start == end {
            start /= 10.0;
        }
        let is_fine = (end / start).log10() <= FINE_TENFOLDS_MAX;
        let mut ticks = Vec::new();
        let mut value = start;
        while value <= end * 1.001 {
            let is_ten = (value.log10() - value.log10().round()).abs() < 1e-6;
            if is_ten || is_fine {
                ticks.push((value, unit.say(value)));
            }
            value = above(value);
        }
        Ruler { scale: Scale::Log, start, end, ticks }
    }

    fn nines(max: f64) -> Ruler {
        let end = max.max(1.0);
        let name = |nines: u32| match nines {
            0 => "0 %".to_owned(),
            1 => "90 %".to_owned(),
            2 => "99 %".to_owned(),
            _ => format!("99.{} %", "9".repeat(nines as usize - 2)),
        };
        // The median is what is asked for most often: on a long axis it is named in place of the
        // start, for both have no room.
        let first = u32::from(end > NINES_WITH_START_MAX);
        let tens = (first..=end.floor() as u32).map(|nines| (f64::from(nines), name(nines)));
        let mut ticks: Vec<(f64, String)> = tens.collect();
        let median = (2f64.log10(), "50 %".to_owned());
        ticks.insert(1 - first as usize, median);
        Ruler { scale: Scale::Nines, start: 0.0, end, ticks }
    }
}

impl Ranged for Ruler {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let length = f64::from(limit.1 - limit.0);
        limit.0 + (self.place(*value) * length).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        match hint.weight().allow_light_points() {
            true => Vec::new(),
            false => self.ticks.iter().map(|(value, _)| *value).collect(),
        }
    }

    fn range(&self) -> Range<f64> {
        self.start..self.end
    }
}

impl ValueFormatter<f64> for Ruler {
    fn format(value: &f64) -> String {
        value.to_string()
    }

    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|(tick, _)| tick == value);
        tick.map_or_else(String::new, |(_, name)| name.clone())
    }
}

/// The least round number that is not below `least`.
fn step(unit: Unit, least: f64) -> f64 {
    // There is nothing between two of them.
    let is_whole = matches!(unit, Unit::Count | Unit::Bytes);
    let least = if is_whole { least.max(1.0) } else { least };
    // Bytes are round in powers of 1,024.
    let unit = match unit {
        Unit::Bytes => 1_024f64.powf((least.ln() / 1_024f64.ln()).floor().max(0.0)),
        _ => 1.0,
    };
    let power = 10f64.powf((least / unit).log10().floor());
    let mantissa = STEPS.into_iter().find(|step| step * power * unit >= least * 0.999_999);
    mantissa.unwrap_or(10.0) * power * unit
}

/// The greatest of 1, 2, 5 times a power of ten that is not above `value`.
fn floor_125(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    let mantissa = [5.0, 2.0].into_iter().find(|step| step * power <= value * 1.000_001);
    mantissa.unwrap_or(1.0) * power
}

/// The next of them.
fn above(value: f64) -> f64 {
    let power = 10f64.powf((value * 1.000_001).log10().floor());
    match (value / power).round() as u32 {
        1 => 2.0 * power,
        2 => 5.0 * power,
        _ => 10.0 * power,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_of_time_ends_with_the_run() {
        let axis = Axis { label: "", unit: Unit::Seconds, scale: Scale::Linear };
        let ruler = Ruler::new(&axis, 0.0, 61.0, 5).cut(61.0);
        assert_eq!((ruler.place(61.0), ruler.ticks.len()), (1.0, 4));
        assert_eq!(ruler.place(30.5), 0.5);
    }

    fn names(scale: Scale, unit: Unit, min: f64, max: f64) -> Vec<String> {
        let ruler = Ruler::new(&Axis { label: "", unit, scale }, min, max, 5);
        let places: Vec<f64> = ruler.ticks.iter().map(|(value, _)| ruler.place(*value)).collect();
        assert!(places.is_sorted_by(|one, two| one < two), "{ruler:?}: {places:?}");
        assert!(ruler.start <= min.max(0.0) || max == 0.0, "{ruler:?}");
        assert!(ruler.end >= max, "{ruler:?}");
        ruler.ticks.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn ticks_are_round() {
        use Scale::{Linear, Log, Nines};
        use Unit::{Bytes, Count, Micros, PerSecond, Seconds};
        let table: [(Scale, Unit, f64, f64, &[&str]); 11] = [
            (
                Linear,
                PerSecond,
                0.0,
                9_300.0,
                &["0", "2,000/s", "4,000/s", "6,000/s", "8,000/s", "10,000/s"],
            ),
            (Linear, Seconds, 0.0, 61.0, &["0", "20 s", "40 s", "60 s", "80 s"]),
            (Linear, Count, 0.0, 2.0, &["0", "1", "2"]),
            (Linear, Count, 0.0, 0.0, &["0", "1"]),
            (Linear, Bytes, 0.0, 2.0, &["0", "1 B", "2 B"]),
            (Linear, Bytes, 0.0, 300e6, &["0", "100 MiB", "200 MiB", "300 MiB"]),
            (Log, Micros, 130.0, 90_000.0, &["100 us", "1 ms", "10 ms", "100 ms"]),
            (Log, Micros, 220.0, 900.0, &["200 us", "500 us", "1 ms"]),
            (Log, Micros, 0.0, 0.0, &["0.1 us", "0.2 us", "0.5 us", "1 us"]),
            (Nines, Count, 0.0, 3.4, &["0 %", "50 %", "90 %", "99 %", "99.9 %"]),
            (Nines, Count, 0.0, 4.6, &["50 %", "90 %", "99 %", "99.9 %", "99.99 %"]),
        ];
        for (scale, unit, min, max, expected) in table {
            assert_eq!(names(scale, unit, min, max), expected, "{scale:?} {unit:?} {max}");
        }
    }
}
