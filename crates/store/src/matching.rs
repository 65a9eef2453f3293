//! Whether a value passes a test, and whether a version meets a criterion: by its packed values
//! alone. This decides; index rows only say where to look.

use fhir::search::{Interval, fold};

use crate::forward::{Packed, PackedQuantity, PackedReference, PackedToken, Range, Target, Tested};
use crate::plan::{
    Comparison, Criterion, NumberTest, ReferenceTest, StringTest, Test, TokenTest, UnitTest,
    UriTest,
};
use crate::spelling::folded_code;

/// Metres of a degree of a great circle.
const METRES_PER_DEGREE: f64 = 111_194.926_644_558_7;

impl Tested<'_> {
    /// Whether the version meets the criterion; `None` when that depends on other resources or on
    /// the body.
    #[must_use]
    pub fn meets(&self, criterion: &Criterion) -> Option<bool> {
        Some(match criterion {
            Criterion::All(criteria) => return self.all(criteria),
            Criterion::Any(criteria) => return self.any(criteria),
            Criterion::Not(criterion) => !self.meets(criterion)?,
            Criterion::Shared(shared) => self.meets(&shared.0)?,
            Criterion::Ids(ids) => ids.contains(&self.key.id),
            Criterion::Keys(keys) => keys.contains(&self.key),
            Criterion::LastUpdated { from, before } => {
                let time = self.last_updated?;
                from.is_none_or(|from| from <= time) && before.is_none_or(|before| time < before)
            }
            Criterion::Value(parameter, test) => {
                self.values.of(*parameter).any(|value| test.passes(&value))
            }
            Criterion::Present(parameter) => self.values.of(*parameter).next().is_some(),
            Criterion::Compartment(_)
            | Criterion::CompartmentOfAny(_)
            | Criterion::Chain { .. }
            | Criterion::Has { .. }
            | Criterion::CanonicalChain { .. }
            | Criterion::CanonicalHas { .. }
            | Criterion::Inside(_)
            | Criterion::Body(_) => return None,
        })
    }

    /// One that does not hold decides, whatever the others need.
    fn all(&self, criteria: &[Criterion]) -> Option<bool> {
        let met = criteria.iter().map(|criterion| self.meets(criterion)).collect::<Vec<_>>();
        if met.contains(&Some(false)) {
            return Some(false);
        }
        met.iter().all(Option::is_some).then_some(true)
    }

    fn any(&self, criteria: &[Criterion]) -> Option<bool> {
        let met = criteria.iter().map(|criterion| self.meets(criterion)).collect::<Vec<_>>();
        if met.contains(&Some(true)) {
            return Some(true);
        }
        met.iter().all(Option::is_some).then_some(false)
    }
}

impl Test {
    /// Whether a value passes.
    pub(crate) fn passes(&self, value: &Packed<'_>) -> bool {
        match (self, value) {
            (Self::Token(test), Packed::Token(token)) => test.passes(token),
            (Self::Reference(test), Packed::Reference(reference)) => test.passes(reference),
            (Self::String(test), Packed::String(text)) => test.passes(text),
            (Self::Date { comparison, low, high }, Packed::Date(found)) => {
                comparison.holds(*found, Interval { low: *low, high: *high })
            }
            (Self::Number(test), Packed::Number(range)) => test.passes(*range),
            (Self::Quantity { unit, number }, Packed::Quantity(found)) => {
                unit.number(found).is_some_and(|range| number.passes(range))
            }
            (Self::Uri(test), Packed::Uri { url, version }) => test.passes(url, *version),
            (Self::Composite(tests), Packed::Composite(components)) => {
                tests.len() == components.len()
                    && tests
                        .iter()
                        .zip(components)
                        .all(|(test, values)| values.iter().any(|value| test.passes(value)))
            }
            (Self::Other(tests), value) => !tests.iter().any(|test| test.passes(value)),
            (
                Self::Near { latitude, longitude, metres },
                Packed::Position { latitude: found_latitude, longitude: found_longitude },
            ) => distance((*latitude, *longitude), (*found_latitude, *found_longitude)) <= *metres,
            _ => false,
        }
    }
}

/// By the haversine formula, on a sphere.
fn distance(from: (f64, f64), to: (f64, f64)) -> f64 {
    let half = |a: f64, b: f64| ((b - a).to_radians() / 2.0).sin().powi(2);
    let cosines = from.0.to_radians().cos() * to.0.to_radians().cos();
    let haversine = half(from.0, to.0) + cosines * half(from.1, to.1);
    2.0 * haversine.sqrt().min(1.0).asin().to_degrees() * METRES_PER_DEGREE
}

impl TokenTest {
    fn passes(&self, token: &PackedToken<'_>) -> bool {
        match self {
            Self::Code(code) => token.code == Some(code),
            Self::SystemCode { system, code } => {
                token.system == system.as_deref() && token.code == Some(code)
            }
            Self::AnyCase { systems, codes } => {
                let folded = token.code.map(folded_code);
                folded.is_some_and(|folded| codes.iter().any(|code| **code == *folded))
                    && systems.iter().any(|system| token.system == system.as_deref())
            }
            Self::System(system) => token.system == Some(system),
            Self::Text(text) => token.text.is_some_and(|found| has_word(&fold(found), text)),
            Self::Mime(mime) => token.code.is_some_and(|code| is_mime(code, mime)),
            Self::OfType { system, code, value } => {
                let is_type = |(found, its): &(Option<&str>, &str)| {
                    *its == &**code && *found == system.as_deref()
                };
                token.code == Some(value) && token.types.iter().any(is_type)
            }
        }
    }
}

/// Whether a folded text begins with `wanted`, or goes on with it after something that is no
/// letter or digit.
pub(crate) fn has_word(text: &str, wanted: &str) -> bool {
    let begins = |(at, _): (usize, &str)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|before| !before.is_alphanumeric())
    };
    text.match_indices(wanted).any(begins)
}

/// Whether a MIME type is the wanted one, whatever parameters it has.
fn is_mime(found: &str, wanted: &str) -> bool {
    found.split(';').next().is_some_and(|base| base.trim().eq_ignore_ascii_case(wanted))
}

/// Whether a version is the wanted one or one below it: `1.0.2` is below `1` and `1.0`.
fn is_version(found: &str, wanted: &str) -> bool {
    found.strip_prefix(wanted).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with(['.', '-']) || wanted.ends_with('.')
    })
}

impl ReferenceTest {
    fn passes(&self, reference: &PackedReference<'_>) -> bool {
        match (self, reference.target) {
            (Self::Resource { key, version }, Target::Resource { key: found, version: its }) => {
                *key == found && version.as_deref().is_none_or(|version| its == Some(version))
            }
            (Self::Url { url, version }, Target::Url { url: found, version: its }) => {
                &**url == found && version.as_deref().is_none_or(|version| its == Some(version))
            }
            (Self::Versions { url, version }, Target::Url { url: found, version: its }) => {
                &**url == found && its.is_some_and(|its| is_version(its, version))
            }
            (Self::Identifier(test), _) => reference.identifier.is_some_and(|(system, code)| {
                test.passes(&PackedToken { system, code, text: None, types: Vec::new() })
            }),
            (Self::Resource { .. } | Self::Url { .. } | Self::Versions { .. }, _) => false,
        }
    }
}

impl StringTest {
    pub(crate) fn passes(&self, text: &str) -> bool {
        match self {
            Self::StartsWith(wanted) => fold(text).starts_with(&**wanted),
            Self::Exact(wanted) => text == &**wanted,
            Self::Is(wanted) => fold(text) == **wanted,
            Self::EndsWith(wanted) => fold(text).ends_with(&**wanted),
            Self::Contains(wanted) => fold(text).contains(&**wanted),
        }
    }
}

impl UriTest {
    fn passes(&self, url: &str, version: Option<&str>) -> bool {
        match self {
            Self::Exact { url: wanted, version: its } => {
                url == &**wanted && its.as_deref().is_none_or(|its| version == Some(its))
            }
            Self::Below(wanted) => is_below(url, wanted),
            Self::Above(wanted) => is_below(wanted, url),
        }
    }
}

/// Whether `url` is `above` or goes on behind it, at the end of one of its parts.
pub(crate) fn is_below(url: &str, above: &str) -> bool {
    url.strip_prefix(above).is_some_and(|rest| {
        rest.is_empty() || above.ends_with('/') || rest.starts_with(['/', '#', '?', '|'])
    })
}

impl Comparison {
    /// How the found interval lies to the searched one.
    pub(crate) fn holds(self, found: Interval, searched: Interval) -> bool {
        let within = searched.low <= found.low && found.high <= searched.high;
        match self {
            Self::Equal => within,
            Self::NotEqual => !within,
            Self::Greater => found.high > searched.high,
            Self::Less => found.low < searched.low,
            // R4: the range above a value is the value and up.
            Self::GreaterOrEqual => found.high > searched.low,
            Self::LessOrEqual => found.low < searched.high,
            Self::StartsAfter => found.low >= searched.high,
            Self::EndsBefore => found.high <= searched.low,
            Self::Overlaps => found.low < searched.high && found.high > searched.low,
        }
    }
}

impl NumberTest {
    pub(crate) fn passes(&self, found: Range<'_>) -> bool {
        let Self { comparison, exact, low, high } = self;
        let (exact, low, high) = (exact.as_bytes(), low.as_bytes(), high.as_bytes());
        // A side that is not there lies beyond every number.
        let above = |number: &[u8]| found.high.is_none_or(|its| its > number);
        let below = |number: &[u8]| found.low.is_none_or(|its| its < number);
        // Whether the range ends with the number, or only reaches up to it.
        let ends_with = |side: Option<&[u8]>, number| side == Some(number) && !found.open;
        let stops_at = |side: Option<&[u8]>, number| side == Some(number) && found.open;
        let within = found.low.is_some_and(|its| low <= its)
            && found.high.is_some_and(|its| its < high || its == exact);
        match comparison {
            Comparison::Equal => within,
            Comparison::NotEqual => !within,
            Comparison::Greater => above(exact),
            Comparison::Less => below(exact),
            Comparison::GreaterOrEqual => above(exact) || ends_with(found.high, exact),
            Comparison::LessOrEqual => below(exact) || ends_with(found.low, exact),
            Comparison::StartsAfter => {
                found.low.is_some_and(|its| its > exact) || stops_at(found.low, exact)
            }
            Comparison::EndsBefore => {
                found.high.is_some_and(|its| its < exact) || stops_at(found.high, exact)
            }
            Comparison::Overlaps => {
                (below(high) || ends_with(found.low, high))
                    && (above(low) || ends_with(found.high, low))
            }
        }
    }
}

impl UnitTest {
    /// The range to compare with, if the unit is the right one.
    fn number<'f>(&self, found: &PackedQuantity<'f>) -> Option<Range<'f>> {
        match self {
            Self::Any => Some(found.given),
            Self::Given { system, code } => {
                let system_fits = system.as_deref().is_none_or(|it| found.system == Some(it));
                let code_fits =
                    found.code == Some(code) || (system.is_none() && found.unit == Some(code));
                (system_fits && code_fits).then_some(found.given)
            }
            Self::Canonical(unit) => {
                found.canonical.filter(|(its, _)| *its == &**unit).map(|(_, range)| range)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fhir::search::{Bounds, NumberKey, Quantity, Value};

    use crate::forward::{Forward, Tested};
    use crate::key::{Key, ParameterId, ResourceId, TypeId};
    use crate::plan::{Comparison, Criterion, NumberTest, Test, UnitTest};

    const ALL: [(&str, Comparison); 9] = [
        ("eq", Comparison::Equal),
        ("ne", Comparison::NotEqual),
        ("gt", Comparison::Greater),
        ("lt", Comparison::Less),
        ("ge", Comparison::GreaterOrEqual),
        ("le", Comparison::LessOrEqual),
        ("sa", Comparison::StartsAfter),
        ("eb", Comparison::EndsBefore),
        ("ap", Comparison::Overlaps),
    ];

    /// The prefixes by which `comparator` with 5 is found when 5 is asked for.
    fn check(comparator: &'static str, expected: &str) {
        let five = Some("5".into());
        let value = match comparator {
            "<" | "<=" => Bounds { low: None, high: five },
            ">" | ">=" => Bounds { low: five, high: None },
            _ => Bounds::exactly("5"),
        };
        let comparator = Some(comparator.into());
        let quantity = Quantity { value, comparator, system: None, code: None, unit: None };
        let forward = Forward::pack(&[(ParameterId(1), Value::Quantity(quantity))], &|_| None);
        let id = ResourceId::new("a").unwrap();
        let tested = Tested::new(Key { resource_type: TypeId(1), id }, &forward);
        let passes = |(_, comparison): &&(&str, Comparison)| {
            let key = |text| NumberKey::of(text).unwrap();
            let (low, high) = match comparison {
                Comparison::Overlaps => (key("5"), key("5")),
                _ => NumberKey::implied("5").unwrap(),
            };
            let number = NumberTest { comparison: *comparison, exact: key("5"), low, high };
            let test = Test::Quantity { unit: UnitTest::Any, number };
            tested.meets(&Criterion::Value(ParameterId(1), test)) == Some(true)
        };
        let found: Vec<&str> = ALL.iter().filter(passes).map(|(name, _)| *name).collect();
        assert_eq!(found.join(" "), expected);
    }

    #[test]
    fn what_is_below_five_is_not_five() {
        check("", "eq ge le ap");
        check("<", "ne lt le eb");
        check("<=", "ne lt ge le ap");
        check(">", "ne gt ge sa");
        check(">=", "ne gt ge le ap");
    }
}
