//! <https://hl7.org/fhir/R4/datatypes.html>: what of resources may stand in the dictionaries that
//! compress them, which outlive any one of them.
//!
//! Kept are the names of members, what is true or false and, where at least eight patients have it
//! alike, codes with their display, systems, units, and the URLs of extensions and profiles. Of all
//! else (ids, names, dates, numbers, references, texts) the letters and digits are replaced by
//! others as frequent: only its shape is left, lengths and punctuation.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use json::{Document, Kind, Limits, Value};
use store::{Key, Sample};

use super::types;

/// Members whose text is a code or names a system, wherever they stand.
const CODED: &[&str] = &[
    "resourceType",
    "system",
    "code",
    "valueCode",
    "unit",
    "use",
    "status",
    "intent",
    "gender",
    "mode",
    "kind",
    "type",
    "priority",
    "criticality",
    "comparator",
    "currency",
    "contentType",
    "language",
];
/// How the text of almost every narrative begins.
const NARRATIVE: &str = r#"<div xmlns=\"http://www.w3.org/1999/xhtml\">"#;
/// A code that resources of fewer patients have, or fewer resources where they are of none, is not
/// kept.
const OWNERS_LEAST: usize = 8;

/// A value without members, where it stands in its body.
struct Leaf<'d> {
    span: Range<usize>,
    /// The text of a code, with its quotes.
    coded: Option<&'d [u8]>,
}

/// The bodies of one type with nothing left in them that tells one resource from others.
pub(crate) fn samples(samples: &[Sample]) -> Vec<Vec<u8>> {
    let parsed = samples.iter().filter_map(|sample| {
        let document = Document::parse(sample.body.clone(), &Limits::default()).ok()?;
        Some((owner(sample), document))
    });
    let (owners, documents): (Vec<_>, Vec<_>) = parsed.unzip();
    let leaves = documents.iter().map(|it| leaves(it.root())).collect::<Vec<_>>();
    let mut having = HashMap::<&[u8], HashSet<Key>>::new();
    for (owner, leaves) in owners.iter().zip(&leaves) {
        for code in leaves.iter().filter_map(|leaf| leaf.coded) {
            let owners = having.entry(code).or_default();
            // No more need be told apart.
            if owners.len() < OWNERS_LEAST {
                owners.insert(*owner);
            }
        }
    }
    let is_kept = |leaf: &Leaf<'_>| {
        leaf.coded.and_then(|code| having.get(code)).is_some_and(|it| it.len() >= OWNERS_LEAST)
    };
    let hidden = documents.iter().zip(&leaves).map(|(document, leaves)| {
        let spans = leaves.iter().filter(|leaf| !is_kept(leaf)).map(|leaf| leaf.span.clone());
        (document.bytes().to_vec(), spans.collect::<Vec<_>>())
    });
    disguised(hidden.collect())
}

/// The patient that a resource is about, or the resource where it is about none.
fn owner(sample: &Sample) -> Key {
    let patient = types::number("Patient");
    let is_patient = |key: &&Key| Some(key.resource_type) == patient;
    sample.compartments.iter().find(is_patient).copied().unwrap_or(sample.key)
}

fn leaves(root: Value<'_>) -> Vec<Leaf<'_>> {
    let mut leaves = Vec::new();
    gather(root, "", "", &mut leaves);
    leaves
}

/// Gathers the leaves of a value that stands under `name`, its object under `above`.
fn gather<'d>(value: Value<'d>, name: &str, above: &str, leaves: &mut Vec<Leaf<'d>>) {
    match value.kind() {
        Kind::Object => {
            let has_code = value.get("code").is_some();
            for member in value.members() {
                let key = member.key();
                // What stands beside a code is its text; beside a reference it may be a name.
                let key = if key == "display" && has_code { "code" } else { &*key };
                gather(member.value(), key, name, leaves);
            }
        }
        Kind::Array => value.elements().for_each(|it| gather(it, name, above, leaves)),
        Kind::String => {
            let is_coded = CODED.contains(&name)
                || name == "profile"
                || name == "url" && matches!(above, "extension" | "modifierExtension");
            let coded = is_coded.then(|| value.raw());
            let mut span = value.span();
            span.start += shown(value.raw_str());
            leaves.push(Leaf { span, coded });
        }
        Kind::Number => leaves.push(Leaf { span: value.span(), coded: None }),
        Kind::Bool | Kind::Null => {}
    }
}

/// Bytes at the beginning of a text, with its quote, that tell its kind only.
fn shown(quoted: &str) -> usize {
    let text = quoted.get(1..).unwrap_or_default();
    let of_type = text.split_once('/').filter(|(name, _)| types::number(name).is_some());
    let shown = match of_type {
        Some((name, _)) => name.len(),
        None if text.starts_with(NARRATIVE) => NARRATIVE.len(),
        None => 0,
    };
    1 + shown
}

/// The bodies with other letters and digits in these places, drawn by how frequent they are there.
fn disguised(bodies: Vec<(Vec<u8>, Vec<Range<usize>>)>) -> Vec<Vec<u8>> {
    let mut letters = Letters::default();
    for (body, spans) in &bodies {
        spans.iter().filter_map(|span| body.get(span.clone())).for_each(|it| letters.count(it));
    }
    let mut drawing = letters.drawing();
    let disguise = |(mut body, spans): (Vec<u8>, Vec<Range<usize>>)| {
        for span in spans {
            let place = body.get_mut(span).unwrap_or_default();
            place.iter_mut().for_each(|byte| *byte = drawing.instead_of(*byte));
        }
        body
    };
    bodies.into_iter().map(disguise).collect()
}

/// How often each letter and digit stands in what is replaced.
#[derive(Default)]
struct Letters(HashMap<u8, u64>);

impl Letters {
    fn count(&mut self, text: &[u8]) {
        for byte in text.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
            *self.0.entry(*byte).or_default() += 1;
        }
    }

    fn drawing(&self) -> Drawing {
        let of = |is_it: fn(&u8) -> bool, or: u8| {
            let some = self.0.iter().filter(|(byte, _)| is_it(byte)).collect::<Vec<_>>();
            let all = some.iter().map(|(_, count)| **count).sum::<u64>().max(1);
            let share = |count: u64| usize::try_from(count * 1_000 / all).unwrap_or(0) + 1;
            let repeat = |(byte, count): &(&u8, &u64)| vec![**byte; share(**count)];
            let mut urn = some.iter().flat_map(repeat).collect::<Vec<_>>();
            urn.push(or);
            urn.sort_unstable();
            urn
        };
        Drawing {
            digits: of(u8::is_ascii_digit, b'0'),
            lower: of(u8::is_ascii_lowercase, b'e'),
            upper: of(u8::is_ascii_uppercase, b'A'),
            state: 0x9E37_79B9_7F4A_7C15,
        }
    }
}

/// Draws letters; each class from an urn that tells nothing of where they stood.
struct Drawing {
    digits: Vec<u8>,
    lower: Vec<u8>,
    upper: Vec<u8>,
    state: u64,
}

impl Drawing {
    /// Another of the same class; what is no ASCII becomes a letter.
    fn instead_of(&mut self, byte: u8) -> u8 {
        // A xorshift: what is drawn need not be unpredictable, only unrelated to what was there.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let urn = match byte {
            b'0'..=b'9' => &self.digits,
            b'A'..=b'Z' => &self.upper,
            b'a'..=b'z' | 0x80.. => &self.lower,
            _ => return byte,
        };
        let place = self.state % urn.len().max(1) as u64;
        let drawn = usize::try_from(place).ok().and_then(|place| urn.get(place));
        drawn.copied().unwrap_or(b'x')
    }
}

#[cfg(test)]
mod tests {
    use store::ResourceId;

    use super::*;

    fn patient(number: usize) -> Vec<u8> {
        let text = r##"{"resourceType":"Patient","meta":{"profile":["http://x.example/Profile"]},
            "text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Zoë</div>"},
            "extension":[{"url":"http://x.example/Race","valueString":"Klingon"}],
            "identifier":[{"system":"http://x.example/mrn","value":"MRN-8812"}],
            "maritalStatus":{"coding":[{"code":"M","display":"Married"},{"code":"RARE"}]},
            "name":[{"family":"Ødegård","given":["Ingrid"]}],"birthDate":"1971-03-09",
            "photo":[{"url":"http://x.example/photo-of-ingrid"}],"multipleBirthInteger":12345,
            "managingOrganization":{"reference":"Organization/northside","display":"Northside"}}"##;
        let rare = format!("\"RARE{}\"", number % 8);
        text.replace("\"RARE\"", &rare).into_bytes()
    }

    fn sample(of: usize, body: Vec<u8>) -> Sample {
        let resource_type = types::number("Patient").expect("a type");
        let id = ResourceId::new(&format!("p{of}")).expect("an id");
        let key = Key { resource_type, id };
        Sample { key, compartments: vec![key], body }
    }

    fn all() -> Vec<String> {
        let made =
            samples(&(0..56).map(|number| sample(number, patient(number))).collect::<Vec<_>>());
        assert_eq!(made.len(), 56);
        made.into_iter().map(|sample| String::from_utf8(sample).expect("ASCII")).collect()
    }

    #[test]
    fn what_many_have_alike_stays() {
        for sample in all() {
            for kept in [
                r#""resourceType":"Patient""#,
                r#"["http://x.example/Profile"]"#,
                r#""url":"http://x.example/Race""#,
                r#""system":"http://x.example/mrn""#,
                r#"{"code":"M","display":"Married"}"#,
                r#""reference":"Organization/"#,
                r#""status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">"#,
            ] {
                assert!(sample.contains(kept), "{kept} is not in {sample}");
            }
        }
    }

    #[test]
    fn nothing_stays_that_tells_one_from_others() {
        let gone = [
            "Klingon",
            "MRN-8812",
            "RARE0",
            "RARE7",
            "degård",
            "Ingrid",
            "1971-03",
            "12345",
            "photo-of",
            "northside",
            "Northside",
        ];
        for sample in all() {
            for text in gone {
                assert!(!sample.contains(text), "{text} is in {sample}");
            }
        }
    }

    #[test]
    fn the_shape_stays() {
        let sample = &all()[0];
        let begin = sample.find("\"birthDate\":\"").expect("it") + 13;
        let date = sample[begin..begin + 10].bytes();
        assert!(date.zip("0000-00-00".bytes()).all(|(found, shape)| match shape {
            b'0' => found.is_ascii_digit(),
            _ => found == shape,
        }));
    }

    #[test]
    fn what_is_no_json_is_no_sample() {
        let some = [sample(1, b"{".to_vec()), sample(2, b"{}".to_vec())];
        assert_eq!(samples(&some), [b"{}"]);
        assert!(samples(&[]).is_empty());
    }

    #[test]
    fn what_one_patient_has_again_and_again_is_not_kept() {
        let of = |patients: usize| {
            let body = |_| br#"{"code":{"coding":[{"code":"RARE-DISEASE"}]}}"#.to_vec();
            let bodies = (0..80).map(body).enumerate();
            let all = bodies.map(|(number, body)| sample(number % patients, body));
            String::from_utf8(samples(&all.collect::<Vec<_>>()).concat()).expect("ASCII")
        };
        assert!(!of(1).contains("RARE-DISEASE"));
        assert!(!of(7).contains("RARE-DISEASE"));
        assert!(of(8).contains("RARE-DISEASE"));
    }
}
