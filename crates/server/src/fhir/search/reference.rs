//! <https://hl7.org/fhir/R4/search.html#reference>

use fhir::value::{Canonical, Reference};
use store::{Key, ReferenceTest, ResourceId, Test, TokenTest, TypeId};

use super::catalogue::{Component, Known};
use super::interpret::{Interpreter, Miss, targets, wrong};
use super::test::unsupported;
use super::{hierarchy, text};
use crate::fhir::types;

/// Types whose resources other elements name by a canonical URL.
const CANONICAL: [&str; 10] = [
    "ActivityDefinition",
    "CodeSystem",
    "Library",
    "Measure",
    "OperationDefinition",
    "PlanDefinition",
    "Questionnaire",
    "SearchParameter",
    "StructureDefinition",
    "ValueSet",
];

/// Any of these tests, of a value without modifier.
pub(crate) fn tests(
    interpreter: &Interpreter<'_>,
    of: &Component,
    value: &str,
) -> Result<Vec<Test>, Miss> {
    let plain = text::plain(value);
    let local = interpreter.local(&plain).unwrap_or(&plain);
    if let Some(id) = ResourceId::new(local) {
        return Ok(by_id(&of.targets, id));
    }
    let found = match Reference::parse(local) {
        Reference::Relative(target) => {
            let number = types::number(target.resource_type);
            let id = ResourceId::new(target.id);
            let found = number.zip(id).map(|(number, id)| resource(number, id, target.version));
            let mut found: Vec<ReferenceTest> = found.into_iter().collect();
            if found.is_empty()
                || of.targets.is_empty()
                || of.targets.iter().any(|number| is_canonical(*number))
            {
                found.push(url(value));
            }
            found
        }
        Reference::Absolute { .. }
        | Reference::Urn(_)
        | Reference::Url(_)
        | Reference::Other(_)
        | Reference::Fragment(_) => vec![url(value)],
        Reference::Conditional { .. } => {
            return wrong(format!("'{plain}' is a search and no reference"));
        }
    };
    Ok(found.into_iter().map(Test::Reference).collect())
}

/// A canonical may be written as a relative reference is, and is kept as the URL that it is.
fn by_id(targets: &[TypeId], id: ResourceId) -> Vec<Test> {
    let tests = |number: TypeId| {
        let canonical =
            is_canonical(number).then(|| url(&format!("{}/{}", types::name(number), id.as_str())));
        std::iter::once(resource(number, id, None)).chain(canonical).map(Test::Reference)
    };
    if targets.is_empty() {
        return types::numbers().flat_map(tests).collect();
    }
    targets.iter().copied().flat_map(tests).collect()
}

fn is_canonical(number: TypeId) -> bool {
    CANONICAL.contains(&types::name(number))
}

pub(super) fn resource(
    resource_type: TypeId,
    id: ResourceId,
    version: Option<&str>,
) -> ReferenceTest {
    let key = Key { resource_type, id };
    ReferenceTest::Resource { key, version: version.map(Into::into) }
}

/// Another URL; of a canonical the version stands behind the last `|`.
fn url(value: &str) -> ReferenceTest {
    let plain = text::plain(value);
    let Canonical { url, version, .. } = Canonical::parse(&plain);
    let version = version.filter(|version| !version.is_empty()).map(Into::into);
    ReferenceTest::Url { url: url.into(), version }
}

/// Any of these tests, of a value with `:identifier`, `:above`, `:below` or the name of a type.
pub(crate) fn modified(
    interpreter: &Interpreter<'_>,
    known: &Known,
    modifier: &str,
    value: &str,
) -> Result<Vec<Test>, Miss> {
    if modifier == "identifier" {
        return Ok(vec![Test::Reference(ReferenceTest::Identifier(identifier(value)?))]);
    }
    if matches!(modifier, "below" | "above") {
        return hierarchy::tests(interpreter, known, modifier, value);
    }
    if types::number(modifier).is_none() {
        return unsupported(&known.code, modifier);
    }
    let targets = targets(known, Some(modifier))?;
    let only = Component { targets, ..known.of.clone() };
    let plain = text::plain(value);
    let local = interpreter.local(&plain).unwrap_or(&plain);
    match Reference::parse(local).target() {
        Some(target) if target.resource_type != modifier => {
            wrong(format!("'{plain}' is not a {modifier}"))
        }
        _ => tests(interpreter, &only, value),
    }
}

fn identifier(value: &str) -> Result<TokenTest, Miss> {
    let parts: Vec<String> = text::parts(value, '|').into_iter().map(text::plain).collect();
    Ok(match parts.as_slice() {
        [code] if !code.is_empty() => TokenTest::Code(code.as_str().into()),
        [system, code] if code.is_empty() && !system.is_empty() => {
            TokenTest::System(system.as_str().into())
        }
        [system, code] if !code.is_empty() => TokenTest::SystemCode {
            system: Some(system.as_str()).filter(|system| !system.is_empty()).map(Into::into),
            code: code.as_str().into(),
        },
        _ => return wrong(format!("'{value}' is not an identifier. Write it as system|value")),
    })
}
