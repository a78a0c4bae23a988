//! Times in microseconds, as histograms that can be added and written down.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{
    Deserializer as FromBytes, Serializer as _, V2DeflateSerializer,
};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// Longest time that is told apart from longer ones: an hour, in microseconds.
pub const TIME_US_MAX: u64 = 3_600_000_000;
/// Points of a curve within each tenfold of percentiles.
const POINTS_PER_NINE: u32 = 12;

/// A histogram of times. Written down it is the interchange format of HdrHistogram (V2, deflated,
/// base64), which its libraries in other languages read; the empty one is the empty text.
#[derive(Clone, PartialEq)]
pub struct Timing(Histogram<u64>);

impl Timing {
    /// To three digits: for a whole run.
    pub fn fine() -> Timing {
        Timing::with_digits(3)
    }

    /// To one digit (6 %), in a tenth of the memory: for one of many seconds.
    pub fn coarse() -> Timing {
        Timing::with_digits(1)
    }

    fn with_digits(digits: u8) -> Timing {
        Timing(Histogram::new(digits).expect("so many digits are allowed"))
    }

    /// Counts one time; those above [`TIME_US_MAX`] as that.
    pub fn record(&mut self, time: Duration) {
        let time_us = u64::try_from(time.as_micros()).unwrap_or(TIME_US_MAX).min(TIME_US_MAX);
        self.0.record(time_us).expect("the table grows to any time");
    }

    /// Counts all that the other counts.
    pub fn merge(&mut self, other: &Timing) {
        self.0.add(&other.0).expect("the table grows to any time");
    }

    /// How many times were recorded.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time, microseconds, that a part (0 to 1) of all did not exceed; 0 without any.
    pub fn at(&self, quantile: f64) -> u64 {
        self.0.value_at_quantile(quantile)
    }

    /// The shortest, microseconds; 0 without any.
    pub fn min(&self) -> u64 {
        self.0.min()
    }

    /// The longest, microseconds; 0 without any.
    pub fn max(&self) -> u64 {
        self.0.max()
    }

    /// The mean, microseconds; 0 without any.
    pub fn mean(&self) -> f64 {
        self.0.mean()
    }

    /// The time, microseconds, by nines of percentiles: at 1 stands p90, at 2 p99, and so on, as
    /// far as there are recordings to tell them apart. It begins at p17: the quickest few would
    /// stretch a logarithmic axis for nothing.
    pub fn by_nines(&self) -> Vec<(f64, u64)> {
        let last = (self.count().max(1) as f64).log10();
        let steps = 1..=(last * f64::from(POINTS_PER_NINE)).floor() as u32;
        steps
            .map(|step| f64::from(step) / f64::from(POINTS_PER_NINE))
            .map(|nines| (nines, self.at(1.0 - 10f64.powf(-nines))))
            .chain([(last, self.max())])
            .collect()
    }
}

impl fmt::Debug for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, p50, max) = (self.count(), self.at(0.5), self.max());
        write!(f, "Timing {{ count: {count}, p50: {p50}, max: {max} }}")
    }
}

impl Serialize for Timing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        if self.count() > 0 {
            V2DeflateSerializer::new().serialize(&self.0, &mut bytes).map_err(S::Error::custom)?;
        }
        serializer.serialize_str(&STANDARD.encode(bytes))
    }
}

/// Reads a histogram of this many digits.
fn read<'de, D: Deserializer<'de>>(deserializer: D, digits: u8) -> Result<Timing, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(Timing::with_digits(digits));
    }
    let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
    let mut histogram: Histogram<u64> =
        FromBytes::new().deserialize(&mut bytes.as_slice()).map_err(D::Error::custom)?;
    if histogram.sigfig() != digits || histogram.low() != 1 {
        return Err(D::Error::custom(format!("a histogram that is not of {digits} digits")));
    }
    histogram.auto(true);
    Ok(Timing(histogram))
}

/// Reads a [`Timing::fine`].
pub(super) fn read_fine<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timing, D::Error> {
    read(deserializer, 3)
}

/// Reads a [`Timing::coarse`].
pub(super) fn read_coarse<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timing, D::Error> {
    read(deserializer, 1)
}

/// What is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// From the time a post was due to a delivery of it.
    Delivery,
    /// From the time a post was due to its author's 200.
    Accept,
    /// From the time a sign-in was due to the long dialog.
    SignIn,
    /// From the time a sign-in was due to the last room joined.
    Join,
    /// From the time a post was due to its sending: our own delay, part of the first two.
    Lateness,
    /// From the loss of a dialog to the last room joined again.
    Away,
}

impl Kind {
    /// Each.
    pub const ALL: [Kind; 6] =
        [Kind::Delivery, Kind::Accept, Kind::SignIn, Kind::Join, Kind::Lateness, Kind::Away];

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Delivery => "delivery",
            Kind::Accept => "accept",
            Kind::SignIn => "sign-in",
            Kind::Join => "join",
            Kind::Lateness => "lateness",
            Kind::Away => "away",
        }
    }
}

/// A histogram of each kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    #[serde(deserialize_with = "read_fine")]
    delivery: Timing,
    #[serde(deserialize_with = "read_fine")]
    accept: Timing,
    #[serde(deserialize_with = "read_fine")]
    sign_in: Timing,
    #[serde(deserialize_with = "read_fine")]
    join: Timing,
    #[serde(deserialize_with = "read_fine")]
    lateness: Timing,
    #[serde(deserialize_with = "read_fine")]
    away: Timing,
}

impl Default for Timings {
    fn default() -> Timings {
        let empty = Timing::fine;
        Timings {
            delivery: empty(),
            accept: empty(),
            sign_in: empty(),
            join: empty(),
            lateness: empty(),
            away: empty(),
        }
    }
}

impl Timings {
    /// The histogram of a kind.
    pub fn of(&self, kind: Kind) -> &Timing {
        match kind {
            Kind::Delivery => &self.delivery,
            Kind::Accept => &self.accept,
            Kind::SignIn => &self.sign_in,
            Kind::Join => &self.join,
            Kind::Lateness => &self.lateness,
            Kind::Away => &self.away,
        }
    }

    /// The same, to record in.
    pub fn of_mut(&mut self, kind: Kind) -> &mut Timing {
        match kind {
            Kind::Delivery => &mut self.delivery,
            Kind::Accept => &mut self.accept,
            Kind::SignIn => &mut self.sign_in,
            Kind::Join => &mut self.join,
            Kind::Lateness => &mut self.lateness,
            Kind::Away => &mut self.away,
        }
    }

    /// Counts all that the other counts.
    pub fn merge(&mut self, other: &Timings) {
        Kind::ALL.into_iter().for_each(|kind| self.of_mut(kind).merge(other.of(kind)));
    }
}
