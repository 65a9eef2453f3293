//! Mutations of valid texts, for `FIREKEEP_FUZZ_SECONDS` (10 unless given): nothing may panic, and
//! all claims must hold. The seed is printed, and every failure prints the bytes that made it.

use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use crate::claims;

const SEED: u64 = 0x5EED_F1BE_CEE9_0001;

const SAMPLES: [&str; 6] = [
    r#"{"resourceType":"Patient","id":"p1","meta":{"versionId":"3","lastUpdated":"2026-11-24",
    "profile":["http://x/y"]},"active":true,"name":[{"family":"M\u00fcller \"x\"","given":["A",
    "B"]}],"multipleBirthInteger":2}"#,
    "{\n  \"resourceType\" : \"Observation\",\n  \"meta\" : {\n    \"lastUpdated\" : \"t\"\n  },\n\
     \"valueQuantity\" : { \"value\" : 1.50, \"unit\" : \"µg\" },\r\n\t\"id\" : \"o\"\n}",
    r#"{"resourceType":"Bundle","entry":[{"fullUrl":"urn:uuid:1","resource":{"id":"a","meta":{}}},
    {"resource":{"reference":"urn:uuid:1"}}],"meta":{"tag":[],"versionId":"1"}}"#,
    r#"[1.5e+10,-0,0.000,1E-245,123456789012345678901234567890,true,false,null,"",[],{},[[[]]]]"#,
    r#"{"\u0069d":"\ud834\udd1e\\\/\b\f\n\r\t","a":{"id":1},"meta":null,"𝄞é":"𝄞é\u0000"}"#,
    r#"{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"k":{"a":[{"b":{"a":0}}]}}"#,
];

const TOKENS: [&str; 30] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\"id\":",
    "\"meta\":",
    "\"versionId\":\"1\"",
    "null",
    "true",
    "-",
    "0",
    "1e5",
    ".",
    " ",
    "\n",
    "\\u",
    "\\ud800",
    "\\udc00",
    "\u{feff}",
    "é",
    "\0",
    "\u{7f}",
    "\\\"",
    "{\"a\":",
    ",\"\\u0061\":1",
    "[[[[[[[[[[[[[[[[[[[[[[",
];

struct Random(u64);

impl Random {
    /// xorshift64*
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap() % limit.max(1)
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..start + self.below((length - start).min(20) + 1)
    }
}

fn mutate(random: &mut Random, text: &mut Vec<u8>) {
    let range = random.range(text.len());
    match random.below(6) {
        0 => drop(text.splice(range, std::iter::empty())),
        1 => {
            let copy = text[range].to_vec();
            let place = random.below(text.len() + 1);
            text.splice(place..place, copy);
        }
        2 => {
            let other = SAMPLES[random.below(SAMPLES.len())].as_bytes();
            let piece = other[random.range(other.len())].to_vec();
            text.splice(range, piece);
        }
        3 if !text.is_empty() => {
            let place = random.below(text.len());
            text[place] = u8::try_from(random.below(256)).unwrap();
        }
        _ => {
            let token = TOKENS[random.below(TOKENS.len())];
            let end = if random.below(2) == 0 { range.start } else { range.end };
            text.splice(range.start..end, token.bytes());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test reads its own settings")]
fn duration() -> Duration {
    let seconds = std::env::var("FIREKEEP_FUZZ_SECONDS").unwrap_or_else(|_| "10".to_owned());
    Duration::from_secs(seconds.parse().expect("FIREKEEP_FUZZ_SECONDS is a number of seconds"))
}

#[expect(clippy::disallowed_methods, reason = "the length of the run, not a decision on time")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn mutated_texts_keep_all_claims() {
    let (start, duration) = (now(), duration());
    let mut random = Random(SEED);
    let (mut texts, mut accepted) = (0_u64, 0_u64);
    while texts % 256 != 0 || start.elapsed() < duration {
        let mut text = SAMPLES[random.below(SAMPLES.len())].as_bytes().to_vec();
        for _ in 0..random.below(4) + 1 {
            mutate(&mut random, &mut text);
        }
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| claims::check(&text)));
        let Ok(document) = outcome else {
            panic!("failed on {:?}", text.escape_ascii().to_string())
        };
        texts += 1;
        accepted += u64::from(document.is_some());
    }
    println!("{texts} texts, {accepted} of them valid, from seed {SEED:#x}");
    assert!(accepted > 0 || texts == 0, "some mutations leave a text valid");
}
