use super::*;

#[track_caller]
fn check(text: &str, expect: Option<&str>) {
    let actual = Timestamp::parse(text).map(|time| time.to_string());
    assert_eq!(actual.as_deref(), expect, "{text}");
}

#[test]
fn readable() {
    check("2024-03-08T07:16:05.4417000Z", Some("2024-03-08T07:16:05.4417000Z"));
    check("2024-03-08T07:16:05Z", Some("2024-03-08T07:16:05.0000000Z"));
    check("2024-03-08T07:16:05", Some("2024-03-08T07:16:05.0000000Z"));
    check("2024-03-08t07:16:05.5z", Some("2024-03-08T07:16:05.5000000Z"));
    check("2024-03-08T07:16:05.123456789Z", Some("2024-03-08T07:16:05.1234567Z"));
    check("2024-03-08T07:16:05+02:00", Some("2024-03-08T05:16:05.0000000Z"));
    check("2024-02-28T23:30:00.25-01:30", Some("2024-02-29T01:00:00.2500000Z"));
    check("1969-12-31T23:30:00-00:30", Some("1970-01-01T00:00:00.0000000Z"));
    check("1970-01-01T00:00:00Z", Some("1970-01-01T00:00:00.0000000Z"));
    check("9999-12-31T23:59:59.9999999Z", Some("9999-12-31T23:59:59.9999999Z"));
    check("2000-02-29T00:00:00Z", Some("2000-02-29T00:00:00.0000000Z"));
}

#[test]
fn unreadable() {
    for bad in [
        "",
        "2024",
        "2024-03-08",
        "2024-03-08 07:16:05Z",
        "2024-13-08T07:16:05Z",
        "2024-00-08T07:16:05Z",
        "2024-02-30T07:16:05Z",
        "2023-02-29T07:16:05Z",
        "2100-02-29T07:16:05Z",
        "2024-03-00T07:16:05Z",
        "2024-03-08T24:00:00Z",
        "2024-03-08T07:60:05Z",
        "2024-03-08T07:16:60Z",
        "2024-03-08T07:16:05.Z",
        "2024-03-08T07:16:05ZZ",
        "2024-03-08T07:16:05+2:00",
        "2024-03-08T07:16:05+02:00Z",
        "2024-03-08T07:16:05+25:00",
        "2024-03-08T07:16Z",
        "02024-03-08T07:16:05Z",
        "+024-03-08T07:16:05Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    ] {
        check(bad, None);
    }
}

#[test]
fn known_instants() {
    let check = |seconds: i64, expect: &str| {
        let time = Timestamp(seconds * TICKS_PER_SECOND);
        assert_eq!(time.to_string(), format!("{expect}.0000000Z"));
        assert_eq!(Timestamp::parse(expect), Some(time));
    };
    check(0, "1970-01-01T00:00:00");
    check(951_782_400, "2000-02-29T00:00:00");
    check(1_000_000_000, "2001-09-09T01:46:40");
    check(1_709_882_165, "2024-03-08T07:16:05");
    check(4_107_542_400, "2100-03-01T00:00:00");
}

/// Walks the whole calendar day by day against the plain rule for lengths of months.
#[test]
fn every_day() {
    let mut days = 0;
    for year in 1970..=9999 {
        for month in 1..=12 {
            for day in 1..=days_in_month(year, month) {
                assert_eq!(days_since_1970(year, month, day), days);
                assert_eq!(civil_date(days), (year, month, day));
                days += 1;
            }
        }
    }
    assert_eq!(days * SECONDS_PER_DAY * TICKS_PER_SECOND - 1, TICKS_MAX);
}

#[test]
fn out_of_range_is_shown_as_the_nearest() {
    assert_eq!(Timestamp(i64::MIN).to_string(), "1970-01-01T00:00:00.0000000Z");
    assert_eq!(Timestamp(i64::MAX).to_string(), "9999-12-31T23:59:59.9999999Z");
}
