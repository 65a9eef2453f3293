//! What texts of values mean, as tables.

use super::*;

/// `low .. high`, or the fault of a dateTime of any precision.
fn check(text: &str, expected: &str) {
    let found = match Moment::parse_partial(text) {
        Ok(moment) => {
            let (_, high) = moment.interval(Zone::UTC);
            let high = Moment::at(high, Some(Zone::UTC), Precision::Minute);
            let high = high.map(|high| high.to_string()).unwrap_or_default();
            format!("{moment} .. {high}")
        }
        Err(malformed) => malformed.to_string(),
    };
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_moment_is_the_interval_it_could_mean() {
    check("2020", "2020 .. 2021-01-01T00:00Z");
    check("2020-02", "2020-02 .. 2020-03-01T00:00Z");
    check("2019-12", "2019-12 .. 2020-01-01T00:00Z");
    check("2020-02-29", "2020-02-29 .. 2020-03-01T00:00Z");
    check("2020-02-29T23", "2020-02-29T23 .. 2020-03-01T00:00Z");
    check("2020-02-29T23:59+01:00", "2020-02-29T23:59+01:00 .. 2020-02-29T23:00Z");
    check("2020-02-29T23:59:60Z", "2020-02-29T23:59:60Z .. 2020-03-01T00:00Z");
    check("0001-01-01", "0001-01-01 .. 0001-01-02T00:00Z");
    check("9999", "9999 .. ");
}

#[test]
fn what_is_not_a_moment_says_where_and_why() {
    check("2019-02-29", "error at 8: February 2019 has 28 days");
    check("1900-02-29", "error at 8: February 1900 has 28 days");
    check("2020-04-31", "error at 8: April 2020 has 30 days");
    check("2020-04-00", "error at 8: April 2020 has 30 days");
    check("2020-13", "error at 5: a month is at most 12");
    check("2020-00", "error at 5: months begin with 01");
    check("0000", "error at 0: years begin with 0001");
    check("20", "error at 0: expected a year of 4 digits");
    check("2020-1-01", "error at 5: expected a month of 2 digits");
    check("2020-01-01T24:00:00Z", "error at 11: an hour is at most 23");
    check("2020-01-01T10:60:00Z", "error at 14: a minute is at most 59");
    check("2020-01-01T10:00:61Z", "error at 17: a second is at most 60");
    check("2020-01-01T10:00:00.Z", "error at 20: expected the digits of a fraction of a second");
    check("2020-01-01T10:00:00+15:00", "error at 20: the hours of a zone is at most 14");
    check("2020-01-01T10:00:00Zx", "error at 20: expected the end of the dateTime");
    check("2020-01-01 ", "error at 10: expected the end of the dateTime");
}

#[test]
fn fhir_asks_for_seconds_and_a_zone() {
    let fault = |text| Moment::parse_date_time(text).map_err(|fault| fault.to_string());
    assert!(fault("2020-01-01T10:00:00.123456789Z").is_ok());
    assert_eq!(
        fault("2020-01-01T10:00"),
        Err("error at 16: a time has hours, minutes and seconds".into())
    );
    assert_eq!(
        fault("2020-01-01T10:00:00"),
        Err("error at 19: expected a zone: Z, or one such as +02:00".into())
    );
    assert!(Moment::parse_instant("2020-01-01").is_err());
    assert!(Moment::parse_date("2020-01-01T10:00:00Z").is_err());
    assert!(Time::parse("10:00").is_err() && Time::parse("10:00:00.5").is_ok());
}

#[test]
fn every_day_has_its_number() {
    let mut expected = 0;
    for year in 1..=9999 {
        for month in 1..=12 {
            for day in 1..=days_in_month(year, month) {
                assert_eq!(calendar::day_number(year, month, day), expected);
                assert_eq!(calendar::date_of(expected), Some((year, month, day)));
                expected += 1;
            }
        }
    }
    assert_eq!(calendar::date_of(expected), None);
    assert_eq!(calendar::date_of(-1), None);
}

#[test]
fn a_leap_second_lies_between_its_neighbours() {
    let low = |text| Moment::parse_partial(text).ok().map(|moment| moment.interval(Zone::UTC).0);
    assert!(low("2020-06-30T23:59:59Z") < low("2020-06-30T23:59:60Z"));
    assert!(low("2020-06-30T23:59:60Z") < low("2020-07-01T00:00:00Z"));
}

#[test]
fn time_passes_by_the_calendar() {
    let plus = |text, amount, unit| {
        let moment = Moment::parse_partial(text).ok().and_then(|moment| moment.plus(amount, unit));
        moment.map(|moment| moment.to_string()).unwrap_or_default()
    };
    assert_eq!(plus("2020-02-29", 1, CalendarUnit::Year), "2021-02-28");
    assert_eq!(plus("2020-01-31", 1, CalendarUnit::Month), "2020-02-29");
    assert_eq!(plus("2020-01-31", -2, CalendarUnit::Month), "2019-11-30");
    assert_eq!(plus("2020", 24, CalendarUnit::Month), "2022");
    assert_eq!(plus("2020", 23, CalendarUnit::Month), "2021");
    assert_eq!(plus("2020-01", 31, CalendarUnit::Day), "2020-02");
    assert_eq!(plus("2020-02-28", 25, CalendarUnit::Hour), "2020-02-29");
    assert_eq!(plus("2020-02-28T23:30:00Z", 30, CalendarUnit::Minute), "2020-02-29T00:00:00Z");
    assert_eq!(plus("9999-12-31", 1, CalendarUnit::Day), "");
    assert_eq!(plus("2020", i64::MAX, CalendarUnit::Year), "");
}

#[test]
fn decimals_keep_their_digits() {
    let show = |text| decimal(text).map(|value| value.to_string()).unwrap_or_default();
    for (text, expected) in [
        ("1.50", "1.50"),
        ("-0.0", "0.0"),
        ("1e3", "1000"),
        ("1.5E1", "15"),
        ("1.50e-2", "0.0150"),
        ("1E-245", ""),
        ("1e99999999999", ""),
        ("0.12345678901234567890123456789", ""),
    ] {
        assert_eq!(show(text).trim_start_matches('-'), expected.trim_start_matches('-'), "{text}");
    }
    let interval = decimal("1.50").and_then(implied_interval);
    assert_eq!(interval, decimal("1.495").zip(decimal("1.505")));
}

#[test]
fn references_come_in_forms() {
    let show = |text| format!("{:?}", Reference::parse(text));
    for (text, form) in [
        ("Patient/1", "Relative"),
        ("Patient/1/_history/2", "Relative"),
        ("https://example.org/fhir/Patient/1", "Absolute"),
        ("Patient?identifier=a|b", "Conditional"),
        ("urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", "Urn"),
        ("#a", "Fragment"),
        ("http://hl7.org/fhir/ValueSet/all-types|4.0.1", "Url"),
        ("Patient", "Other"),
        ("patient/1", "Other"),
        ("Patient/a b", "Other"),
        ("", "Other"),
    ] {
        assert!(show(text).starts_with(form), "{text}: {}", show(text));
    }
    let versioned = Reference::parse("Patient/1/_history/2#x").target();
    assert_eq!(versioned.and_then(|target| target.version.zip(target.fragment)), Some(("2", "x")));
    let canonical = Canonical::parse("http://x/y|1.0#z");
    assert_eq!(
        canonical,
        Canonical { url: "http://x/y", version: Some("1.0"), fragment: Some("z") }
    );
}

#[test]
fn quantities_compare_through_their_units() {
    use std::cmp::Ordering;
    let quantity = |value: &str, code: &str| Quantity {
        value: decimal(value).unwrap_or_default(),
        unit: CalendarUnit::named(code).map_or_else(|| Unit::Ucum(code.into()), Unit::Calendar),
    };
    let compare = |left: (&str, &str), right: (&str, &str)| {
        quantity(left.0, left.1).compare(&quantity(right.0, right.1))
    };
    assert_eq!(compare(("4", "g"), ("4000", "mg")), Some(Ordering::Equal));
    assert_eq!(compare(("1", "[in_i]"), ("2.54", "cm")), Some(Ordering::Equal));
    assert_eq!(compare(("7", "days"), ("1", "wk")), Some(Ordering::Equal));
    assert_eq!(compare(("37", "Cel"), ("98", "[degF]")), Some(Ordering::Greater));
    assert_eq!(compare(("12", "months"), ("1", "year")), Some(Ordering::Equal));
    assert_eq!(compare(("1", "year"), ("1", "a")), None);
    assert_eq!(compare(("1", "m"), ("1", "s")), None);
    assert_eq!(compare(("1", "nonsense"), ("1", "s")), None);
}
