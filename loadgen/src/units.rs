//! Numbers as people read them, with their unit.

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Things each second.
    PerSecond,
    /// Microseconds.
    Micros,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Cores that are busy: processor time by time on the wall.
    Cores,
}

impl Unit {
    /// To three digits or so, with the unit where the number alone would not tell.
    pub fn say(self, value: f64) -> String {
        match self {
            Unit::Count => whole(value),
            Unit::PerSecond => format!("{}/s", digits(value)),
            Unit::Micros => scaled(value, 1_000.0, &["us", "ms"]).unwrap_or_else(|| {
                let seconds = digits(value / 1e6);
                format!("{seconds} s")
            }),
            Unit::Seconds => format!("{} s", digits(value)),
            Unit::Bytes => scaled(value, 1_024.0, &["B", "KiB", "MiB"]).unwrap_or_else(|| {
                let gibibytes = digits(value / f64::from(1 << 30));
                format!("{gibibytes} GiB")
            }),
            Unit::Cores if value == 1.0 => "1 core".to_owned(),
            Unit::Cores => format!("{} cores", digits(value)),
        }
    }
}

/// In the first of these units that leaves less than `factor`.
fn scaled(value: f64, factor: f64, units: &[&str]) -> Option<String> {
    let mut value = value;
    for unit in units {
        // What would be rounded up to the next unit belongs there.
        if value.abs() < factor - 0.5 {
            return Some(format!("{} {unit}", digits(value)));
        }
        value /= factor;
    }
    None
}

/// Three digits at least, none of them a zero at the end behind a point.
fn digits(value: f64) -> String {
    let places = match value.abs() {
        magnitude if magnitude >= 99.95 => return whole(value),
        magnitude if magnitude >= 9.995 => 1,
        magnitude if magnitude >= 0.0995 => 2,
        _ => 3,
    };
    let text = format!("{value:.places$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() || text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A whole number with commas between thousands.
fn whole(value: f64) -> String {
    let text = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (at, digit) in text.chars().enumerate() {
        if at > 0 && (text.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if value <= -0.5 { format!("-{grouped}") } else { grouped }
}

#[cfg(test)]
mod tests {
    use super::Unit::{self, *};

    #[test]
    fn numbers_are_said() {
        let table: [(Unit, f64, &str); 22] = [
            (Count, 0.0, "0"),
            (Count, 999.6, "1,000"),
            (Count, 1_234_567.0, "1,234,567"),
            (Count, -1_234.0, "-1,234"),
            (PerSecond, 0.25, "0.25/s"),
            (PerSecond, 5.0, "5/s"),
            (PerSecond, 12_345.4, "12,345/s"),
            (Micros, 0.0, "0 us"),
            (Micros, 870.0, "870 us"),
            (Micros, 999.7, "1 ms"),
            (Micros, 1_234.0, "1.23 ms"),
            (Micros, 45_000.0, "45 ms"),
            (Micros, 2_500_000.0, "2.5 s"),
            (Micros, 600_000_000.0, "600 s"),
            (Seconds, 12.34, "12.3 s"),
            (Bytes, 100.0, "100 B"),
            (Bytes, 1_536.0, "1.5 KiB"),
            (Bytes, 536_870_912.0, "512 MiB"),
            (Bytes, 1_610_612_736.0, "1.5 GiB"),
            (Cores, 1.0, "1 core"),
            (Cores, 0.333, "0.33 cores"),
            (Cores, 0.004, "0.004 cores"),
        ];
        for (unit, value, says) in table {
            assert_eq!(unit.say(value), says, "{unit:?} {value}");
        }
    }
}
