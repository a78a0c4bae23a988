//! Some numbers in short.

use serde::Serialize;
use std::fmt;

/// The middle of some numbers and how far they go.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// Of at least one number; the lower of two in the middle.
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Spread {
        let mut numbers: Vec<f64> = numbers.into_iter().collect();
        numbers.sort_by(f64::total_cmp);
        let at = |place: usize| numbers.get(place).copied().unwrap_or(f64::NAN);
        let last = numbers.len().saturating_sub(1);
        Spread { median: at(last / 2), min: at(0), max: at(last) }
    }
}

/// `median (least to greatest)`, with as many digits as the precision says.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(0);
        let Spread { median, min, max } = self;
        let text = match median.is_nan() {
            true => "not counted".to_owned(),
            false => format!("{median:.digits$} ({min:.digits$} to {max:.digits$})"),
        };
        match f.width() {
            Some(width) => write!(f, "{text:>width$}"),
            None => write!(f, "{text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn the_middle_of_some_numbers() {
        let spread = |numbers: &[f64]| Spread::of(numbers.iter().copied());
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(spread(&[4.0, 1.0]), Spread { median: 1.0, min: 1.0, max: 4.0 });
        assert_eq!(format!("{:20.1}", spread(&[2.0])), "    2.0 (2.0 to 2.0)");
    }
}
