//! <https://hl7.org/fhir/us/davinci-hrex/OperationDefinition/member-match>
//!
//! A patient is the member when name, birth date and gender are the ones that were sent, and a
//! Coverage of its has the member's number. It is not enough to know who somebody is.

use authority::DataAction;
use base::limits::{MEMBERS_ALIKE, MEMBERS_COVERAGES};
use form_urlencoded::Serializer;
use http::StatusCode;
use json::{Document, Edits, Value, Writer};
use store::{Key, Snapshot};

use super::Input;
use super::input::{escaped, wrong};
use crate::edge::blocking;
use crate::edge::config::Compatibility;
use crate::exchange::Answer;
use crate::fhir::bundle::{bases, reference};
use crate::fhir::context::Context;
use crate::fhir::history::local;
use crate::fhir::outcome::{CONTENT_TYPE, Outcome};
use crate::fhir::refusal::General;
use crate::fhir::search::criteria::Searcher;
use crate::fhir::search::listing;
use crate::fhir::{resource, types};

const IDENTIFIER_TYPE: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";

/// Everything that can go wrong with it, in the order in which it is checked.
#[derive(Debug)]
pub(crate) enum Refusal {
    General(General),
    /// 422: the consent that was sent does not permit it.
    Consent,
    /// 422: what was sent does not say enough to tell one member from another.
    NotEnough(&'static str),
    /// 408, or a date or gender that cannot be one.
    Search(Box<listing::Refusal>),
    /// 422
    Nobody,
    /// 422
    Several,
}

impl<T: Into<General>> From<T> for Refusal {
    fn from(refusal: T) -> Self {
        Self::General(refusal.into())
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        let unmatched =
            |code, text: &str| Self::error(StatusCode::UNPROCESSABLE_ENTITY, code, text);
        match refusal {
            Refusal::General(refusal) => refusal.into(),
            Refusal::Search(refusal) => (*refusal).into(),
            Refusal::Consent => unmatched(
                "suppressed",
                "The Consent does not permit the match: it must be active, and not of type deny.",
            ),
            Refusal::NotEnough(missing) => unmatched("required", missing),
            Refusal::Nobody => unmatched(
                "not-found",
                "No member has this name, birth date and gender and a Coverage with one of these \
                 identifiers, or this subscriberId.",
            ),
            Refusal::Several => unmatched(
                "multiple-matches",
                "Several members match, or too many to tell apart. Send more: the gender, all \
                 given names, the identifier of the Coverage.",
            ),
        }
    }
}

/// `POST [base]/Patient/$member-match`: the identifier of the one member that matches.
pub(crate) async fn member_match(cx: &Context<'_>, input: &Input) -> Result<Answer, Refusal> {
    cx.allow(DataAction::Read)?;
    input.only(&[
        "MemberPatient",
        "CoverageToMatch",
        "OldCoverage",
        "CoverageToLink",
        "NewCoverage",
        "Consent",
    ])?;
    let patient = given(input, &["MemberPatient"], "Patient")?;
    let coverage = given(input, &["CoverageToMatch", "OldCoverage"], "Coverage")?;
    if let Some(consent) = input.resource("Consent") {
        permits(consent)?;
    }
    let numbers = Numbers::of(coverage);
    if numbers.is_empty() {
        return Err(Refusal::NotEnough("The Coverage needs an identifier or a subscriberId."));
    }
    let looking = Looking {
        searcher: Searcher::of(cx)?,
        snapshot: cx.snapshot(),
        bases: bases(cx),
        demographics: demographics(patient)?,
        numbers,
    };
    let member = blocking::run(move || looking.member()).await??;
    match (cx.service.settings.compatibility, input.document()) {
        (Compatibility::Azure, Some(body)) => Ok(member.azures_answer(body, patient)?),
        _ => Ok(member.answer(cx.base)),
    }
}

/// The resource of a parameter, under any of its names.
fn given<'i>(input: &'i Input, names: &[&str], kind: &str) -> Result<Value<'i>, General> {
    let name = names.first().copied().unwrap_or_default();
    let resource = names.iter().find_map(|name| input.resource(name)).ok_or_else(|| {
        wrong("required", format!("POST Parameters with {name}: a {kind} as its resource."))
    })?;
    match resource.get("resourceType").is_some_and(|found| found.is_str(kind)) {
        true => Ok(resource),
        false => Err(wrong("value", format!("The resource of {name} must be a {kind}."))),
    }
}

/// Of a Consent only these are looked at: nothing but an identifier is given away.
fn permits(consent: Value<'_>) -> Result<(), Refusal> {
    let is_active = consent.get("status").is_none_or(|status| status.is_str("active"));
    let kind = consent.get("provision").and_then(|provision| provision.get("type"));
    let denies = kind.is_some_and(|kind| kind.is_str("deny"));
    if is_active && !denies { Ok(()) } else { Err(Refusal::Consent) }
}

/// The search for who has this name, birth date and gender.
fn demographics(patient: Value<'_>) -> Result<String, Refusal> {
    let names = || patient.get("name").into_iter().flat_map(Value::elements);
    let official = |name: &Value<'_>| name.get("use").is_some_and(|kind| kind.is_str("official"));
    let name = names().find(official).or_else(|| names().next());
    let text = |of: Value<'_>, key| of.get(key).and_then(Value::as_str).map(|it| escaped(&it));
    let family = name.and_then(|name| text(name, "family"));
    let (Some(name), Some(family)) = (name, family) else {
        return Err(Refusal::NotEnough("The MemberPatient needs a name with a family name."));
    };
    let Some(birth_date) = text(patient, "birthDate") else {
        return Err(Refusal::NotEnough("The MemberPatient needs a birthDate."));
    };
    let mut query = Serializer::new(String::new());
    query.append_pair("family:exact", &family).append_pair("birthdate", &birth_date);
    for given in name.get("given").into_iter().flat_map(Value::elements).filter_map(Value::as_str) {
        query.append_pair("given:exact", &escaped(&given));
    }
    if let Some(gender) = text(patient, "gender") {
        query.append_pair("gender", &gender);
    }
    Ok(query.finish())
}

/// What a health plan knows a member by.
#[derive(Debug, Default, PartialEq, Eq)]
struct Numbers {
    /// System and value.
    identifiers: Vec<(Option<String>, String)>,
    subscriber: Option<String>,
}

impl Numbers {
    fn of(coverage: Value<'_>) -> Self {
        let text = |of: Value<'_>, key| Some(of.get(key)?.as_str()?.into_owned());
        let identifiers = identifiers(coverage)
            .filter_map(|it| Some((text(it, "system"), text(it, "value")?)))
            .collect();
        Self { identifiers, subscriber: text(coverage, "subscriberId") }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn fit(&self, other: &Self) -> bool {
        self.identifiers.iter().any(|own| other.identifiers.contains(own))
            || (self.subscriber.is_some() && self.subscriber == other.subscriber)
    }
}

/// The one whose coverage has one of the numbers.
struct Member {
    key: Key,
    /// As JSON.
    identifier: Vec<u8>,
}

/// What a member is looked for with.
struct Looking {
    searcher: Searcher,
    snapshot: Snapshot,
    bases: Vec<String>,
    demographics: String,
    numbers: Numbers,
}

impl Looking {
    fn member(&self) -> Result<Member, Refusal> {
        let alike = self.found("Patient", &self.demographics, MEMBERS_ALIKE)?;
        let alike: Vec<String> = alike.iter().map(reference).collect();
        if alike.is_empty() {
            return Err(Refusal::Nobody);
        }
        let theirs = format!("beneficiary={}", alike.join(","));
        let mut found: Option<(Key, Document)> = None;
        for key in self.found("Coverage", &theirs, MEMBERS_COVERAGES)? {
            let Some(coverage) = stored(&self.snapshot, &key)? else { continue };
            let root = coverage.root();
            let beneficiary = root.get("beneficiary").and_then(|it| it.get("reference")?.as_str());
            let of = beneficiary.and_then(|reference| local(&reference, &self.bases));
            let Some(of) = of.filter(|_| self.numbers.fit(&Numbers::of(root))) else { continue };
            if found.as_ref().is_some_and(|(other, _)| *other != of) {
                return Err(Refusal::Several);
            }
            found = Some((of, coverage));
        }
        let Some((key, coverage)) = found else { return Err(Refusal::Nobody) };
        let patient = stored(&self.snapshot, &key)?.ok_or(Refusal::Nobody)?;
        Ok(Member { key, identifier: identifier(patient.root(), coverage.root()) })
    }

    /// What matches; more than `most` are too many to tell apart.
    fn found(&self, name: &str, query: &str, most: usize) -> Result<Vec<Key>, Refusal> {
        let number = types::number(name).ok_or_else(|| General::bug("R4 has no such type"))?;
        let found = self.searcher.find(&self.snapshot, (number, query), most + 1);
        let found = found.map_err(|refusal| Refusal::Search(Box::new(refusal)))?;
        if found.len() > most { Err(Refusal::Several) } else { Ok(found) }
    }
}

fn stored(snapshot: &Snapshot, key: &Key) -> Result<Option<Document>, General> {
    let Some(version) = snapshot.current(key)?.filter(|it| !it.is_deletion()) else {
        return Ok(None);
    };
    Ok(Some(resource::body(&version)?))
}

fn identifiers(resource: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    resource.get("identifier").into_iter().flat_map(Value::elements)
}

/// What the member is known by here: the patient's member number, else the coverage's.
fn identifier(patient: Value<'_>, coverage: Value<'_>) -> Vec<u8> {
    let has = |it: &Value<'_>, wanted: &[&str]| {
        let codings = it.get("type").and_then(|kind| kind.get("coding")).into_iter();
        let codes = codings.flat_map(Value::elements).filter_map(|coding| coding.get("code"));
        codes.into_iter().any(|code| wanted.iter().any(|wanted| code.is_str(wanted)))
    };
    // UMB is the number that HRex gives a member, MB and SN those of HL7 v2.
    let known = ["UMB", "MB", "SN"].iter().find_map(|wanted| {
        let mut all = identifiers(patient).chain(identifiers(coverage));
        all.find(|it| has(it, &[wanted]))
    });
    if let Some(known) = known.or_else(|| identifiers(coverage).next()) {
        return known.raw().to_vec();
    }
    let subscriber = coverage.get("subscriberId").and_then(Value::as_str).unwrap_or_default();
    let mut out = Vec::with_capacity(128);
    let mut writer = Writer::new(&mut out);
    writer.begin_object().key("type").begin_object().key("coding").begin_array().begin_object();
    writer.key("system").string(IDENTIFIER_TYPE).key("code").string("SN");
    writer.end_object().end_array().end_object();
    writer.key("value").string(&subscriber).end_object();
    out
}

impl Member {
    /// The patient as it was sent, and the identifier with its own.
    fn azures_answer(&self, body: &Document, patient: Value<'_>) -> Result<Answer, General> {
        let all = identifiers(patient).map(Value::raw).chain([&*self.identifier]);
        let all = [b"[", all.collect::<Vec<_>>().join(&b","[..]).as_slice(), b"]"].concat();
        let mut edits = Edits::new(body);
        edits.set(patient, "identifier", all);
        let out = edits.apply_to(patient);
        let out = out.map_err(|_| General::bug("a member that was found cannot be set"))?;
        Ok(Answer::of(StatusCode::OK, CONTENT_TYPE, out))
    }

    fn answer(&self, base: &str) -> Answer {
        let mut out = Vec::with_capacity(512);
        let mut writer = Writer::new(&mut out);
        writer.begin_object().key("resourceType").string("Parameters");
        writer.key("parameter").begin_array();
        writer.begin_object().key("name").string("MemberIdentifier");
        writer.key("valueIdentifier").raw(&self.identifier).end_object();
        writer.begin_object().key("name").string("MemberId").key("valueReference").begin_object();
        writer.key("reference").string(&format!("{base}/{}", reference(&self.key)));
        writer.end_object().end_object().end_array().end_object();
        Answer::of(StatusCode::OK, CONTENT_TYPE, out)
    }
}

#[cfg(test)]
mod tests {
    use json::Limits;

    use super::*;

    fn document(text: &str) -> Document {
        Document::parse(text.to_owned(), &Limits::default()).expect("JSON")
    }

    #[test]
    fn a_member_is_looked_for_by_the_official_name() {
        for (patient, expected) in [
            (
                r#"{"name":[{"family":"Old"},{"use":"official","family":"A,B","given":["C","D"]}],
                    "gender":"female","birthDate":"1974-12-25"}"#,
                "family%3Aexact=A%5C%2CB&birthdate=1974-12-25&given%3Aexact=C&given%3Aexact=D&\
                 gender=female",
            ),
            (r#"{"name":[{"text":"A"}],"birthDate":"1974"}"#, "family name"),
            (r#"{"name":[{"family":"A"}]}"#, "birthDate"),
        ] {
            let found = demographics(document(patient).root());
            let found = found.unwrap_or_else(|refusal| format!("{refusal:?}"));
            assert!(found.contains(expected), "{patient}: {found}");
        }
    }

    #[test]
    fn a_coverage_fits_by_a_number_of_its_own() {
        let numbers = |text| Numbers::of(document(text).root());
        let sent = numbers(r#"{"identifier":[{"system":"s","value":"1"}],"subscriberId":"x"}"#);
        for (stored, fits) in [
            (r#"{"identifier":[{"value":"0"},{"system":"s","value":"1"}]}"#, true),
            (r#"{"identifier":[{"system":"t","value":"1"}]}"#, false),
            (r#"{"identifier":[{"value":"1"}]}"#, false),
            (r#"{"subscriberId":"x"}"#, true),
            (r#"{"subscriberId":"y"}"#, false),
            ("{}", false),
        ] {
            assert_eq!(sent.fit(&numbers(stored)), fits, "{stored}");
        }
        assert!(numbers(r#"{"identifier":[{"system":"s"}]}"#).is_empty());
    }

    #[test]
    fn the_identifier_is_the_most_telling_one() {
        let typed = |code: &str| {
            format!(r#"{{"type":{{"coding":[{{"code":"{code}"}}]}},"value":"{code}"}}"#)
        };
        let (unique, own) = (typed("UMB"), typed("MB"));
        let patient = format!(r#"{{"identifier":[{{"value":"0"}},{own}]}}"#);
        let coverage = format!(r#"{{"identifier":[{unique}]}}"#);
        for (patient, coverage, expected) in [
            (&*patient, &*coverage, &*unique),
            (&*patient, "{}", &*own),
            ("{}", r#"{"identifier":[{"value":"7"}]}"#, r#"{"value":"7"}"#),
            ("{}", r#"{"subscriberId":"x"}"#, r#""value":"x"}"#),
        ] {
            let found = identifier(document(patient).root(), document(coverage).root());
            let found = String::from_utf8_lossy(&found).into_owned();
            assert!(found.ends_with(expected), "{patient} {coverage}: {found}");
        }
    }
}
