//! Mutations of valid texts, for `FIREKEEP_FUZZ_SECONDS` each (10 unless given): nothing may
//! panic, and what was understood must read the same when it is written. The seed is printed.

use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use fhir::path::{Environment, Options, Schema, compile, parse};
use fhir::ucum;
use fhir::value::{CalendarUnit, Moment, Time, Zone};
use json::{Document, Limits};
use rust_decimal::Decimal;

pub(crate) const SEED: u64 = 0x5EED_F1BE_CEE9_0004;

const EXPRESSIONS: [&str; 12] = [
    "Patient.name.given.where($this = 'Ann').first()",
    "name.select(given | family).repeat($this).count() > 1 and active",
    "(1 | 2 | 3).aggregate($this + $total, 0) = 6 implies true",
    "@2015-02-04T14:34:28.5+10:00 + 3 days - 4 'h' <= now()",
    "'a\\'\\u00e9'.replaceMatches('[a-z]', 'x') & 'y' + \"z\"",
    "iif(name.exists(), 4.5 'mg' / 2 'mL', {}).lowBoundary(3) ~ 1.0",
    "descendants().ofType(FHIR.code).distinct().exclude('x')",
    "%resource.contained[0] is Organization xor birthDate < @1980",
    "telecom.sort(-system, value).skip(1).take(2).trace('x', value)",
    "-5.5.abs().round(1).power(2).toString().toChars().join('-')",
    "/* c */ name.all(use in ('official' | 'usual')) // end",
    "active.not() or (multipleBirth as integer) mod 2 != 0 div 1",
];

const PIECES: [&str; 40] = [
    ".",
    "(",
    ")",
    "[",
    "]",
    "{}",
    ",",
    "|",
    "+",
    "-",
    "*",
    "/",
    "&",
    "=",
    "!=",
    "~",
    "!~",
    "<",
    ">=",
    " and ",
    " implies ",
    " is ",
    " as ",
    " in ",
    " contains ",
    " div ",
    "$this",
    "$total",
    "%resource",
    "'",
    "`",
    "\\u",
    "@",
    "@T10:30",
    "1.5",
    "99999999999999999999",
    " days",
    " 'mg'",
    "((((((((",
    "é",
];

const MOMENTS: [&str; 8] = [
    "2020",
    "2020-02",
    "2020-02-29",
    "2020-02-29T23:59:60Z",
    "0001-01-01T00:00:00.000+14:00",
    "9999-12-31T23:59:59.999999999-12:00",
    "2015-02-04T14",
    "2019-12-31T24:00",
];

const PATIENT: &str = r#"{"resourceType":"Patient","active":true,"name":[{"use":"official",
    "family":"M","given":["Ann","B"]}],"telecom":[{"system":"phone","value":"1"}],
    "birthDate":"1974-12-25","multipleBirthInteger":2,
    "contained":[{"resourceType":"Organization","name":"Acme"}]}"#;

pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// xorshift64*
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).expect("31 bits") % limit.max(1)
    }

    fn pick<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }

    /// A text with some pieces put in, cut out or joined on.
    fn mutate(&mut self, texts: &[&str], pieces: &[&str]) -> String {
        let mut chars: Vec<char> = self.pick(texts).chars().collect();
        for _ in 0..=self.below(4) {
            let at = self.below(chars.len() + 1);
            match self.below(4) {
                0 => chars.truncate(at),
                1 => drop(chars.drain(at..(at + self.below(6)).min(chars.len()))),
                2 => drop(chars.splice(at..at, self.pick(pieces).chars())),
                _ => chars.extend(self.pick(texts).chars().skip(at)),
            }
        }
        chars.into_iter().collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "a test reads its own settings")]
pub(crate) fn duration() -> Duration {
    let seconds = std::env::var("FIREKEEP_FUZZ_SECONDS").unwrap_or_else(|_| "10".to_owned());
    Duration::from_secs(seconds.parse().expect("FIREKEEP_FUZZ_SECONDS is a number of seconds"))
}

#[expect(clippy::disallowed_methods, reason = "the length of the run, not a decision on time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Runs `check` on mutations until the time is over; a panic shows the text that made it.
pub(crate) fn fuzz(texts: &[&str], pieces: &[&str], check: impl Fn(&str)) {
    let end = now() + duration();
    let (mut random, mut count) = (Random(SEED), 0u64);
    println!("seed {SEED:#x}");
    while now() < end {
        let text = random.mutate(texts, pieces);
        if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(|| check(&text))) {
            println!("made by {text:?}");
            panic::resume_unwind(panic);
        }
        count += 1;
    }
    println!("{count} texts");
}

#[test]
fn no_expression_panics() {
    let document = Document::parse(PATIENT, &Limits::default()).expect("the sample is JSON");
    let schema = Schema::r4();
    let now = Moment::parse_partial("2026-11-24T12:00:00Z").expect("a moment");
    let environment = Environment { steps: 20_000, ..Environment::at(now) };
    fuzz(&EXPRESSIONS, &PIECES, |text| {
        let Ok(ast) = parse(text) else { return };
        let printed = ast.to_string();
        assert_eq!(parse(&printed).as_ref(), Ok(&ast), "{printed}");
        for (input, strict) in [(None, false), (Some("Patient"), false), (Some("Patient"), true)] {
            let options = Options { input, strict, as_filters: false };
            if let Ok(program) = compile(text, &schema, options) {
                let _ = program.evaluate(&environment, document.root());
            }
        }
    });
}

#[test]
fn no_moment_panics_and_all_are_intervals() {
    let pieces = ["-", ":", "T", "Z", "+", ".", "0", "9", "00", "60", "24", "2020", "é", " "];
    fuzz(&MOMENTS, &pieces, |text| {
        let _ = Time::parse_partial(text);
        let Ok(moment) = Moment::parse_partial(text) else { return };
        let (low, high) = moment.interval(Zone::UTC);
        assert!(low < high, "{low} {high}");
        assert_eq!(Moment::parse_partial(&moment.to_string()), Ok(moment));
        let strict = Moment::parse_date_time(text).is_ok() || Moment::parse_instant(text).is_ok();
        assert!(!strict || moment.compare(&moment).is_some());
        for unit in [CalendarUnit::Month, CalendarUnit::Week, CalendarUnit::Millisecond] {
            let _ = (moment.plus(7, unit), moment.plus(i64::MIN, unit));
        }
    });
}

#[test]
fn no_unit_panics_and_each_is_itself() {
    let texts = ["mg/dL", "10*3/uL", "m2.kg/s2", "[in_i'H2O]", "{a}.K-1", "cal_[20]", "1/(s.m)"];
    let pieces = [".", "/", "(", ")", "{", "}", "[", "]", "-", "9", "10*", "^", "da", "Cel", "é"];
    fuzz(&texts, &pieces, |text| {
        let one = Decimal::ONE;
        let (scale, canonical) = (ucum::scale(text), ucum::canonical(one, text));
        let _ = (ucum::display(text), scale, canonical);
        let _ = (ucum::product(text, "mg/(kg.d)"), ucum::quotient("mg/(kg.d)", text));
        if ucum::is_valid(text) {
            assert!(ucum::is_comparable(text, text));
            if let Some(same) = ucum::convert(one, text, text) {
                assert!((same - one).abs() < Decimal::new(1, 9), "{same}");
            }
        }
    });
}
