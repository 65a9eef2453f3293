//! What a search finds in a resource: one value of one parameter.
//!
//! Values borrow from the resource's bytes. What an index is made of is computed from them when
//! it is asked for: [`fold`](super::fold), [`NumberKey`], [`Quantity::canonical`],
//! [`Reference::target`].

use std::borrow::Cow;
use std::sync::Arc;

use super::order::NumberKey;
use crate::{ucum, value};

/// Text of the resource, borrowed unless it had escapes.
pub type Text<'d> = Cow<'d, str>;

/// One value of a search parameter, by the type of the parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'d> {
    /// A code, identifier or boolean, or text about one.
    Token(Token<'d>),
    /// Another resource.
    Reference(Reference<'d>),
    /// Text.
    String(Text<'d>),
    /// A moment or period.
    Date(Interval),
    /// A number or a range of numbers.
    Number(Bounds<'d>),
    /// A number with its unit, or a range of them.
    Quantity(Quantity<'d>),
    /// A URI.
    Uri(Uri<'d>),
    /// One element that has a value of each component.
    Composite(Composite<'d>),
    /// A place on earth.
    Position(Position<'d>),
}

/// The values of each component in one element, in the order of the components; none is empty.
pub type Composite<'d> = Box<[Box<[Value<'d>]>]>;

/// <https://hl7.org/fhir/R4/search.html#token>
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Token<'d> {
    /// The URI before the `|`; that of an element of type code is implied, and not here.
    pub system: Option<Text<'d>>,
    /// What stands after the `|`. None where the value is only text.
    pub code: Option<Text<'d>>,
    /// What `:text` looks at: the display of a Coding, the text of a CodeableConcept or of an
    /// Identifier's type.
    pub text: Option<Text<'d>>,
    /// What `:of-type` looks at: the types of an Identifier, system and code.
    pub types: Box<[(Option<Text<'d>>, Text<'d>)]>,
}

/// <https://hl7.org/fhir/R4/search.html#reference>
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reference<'d> {
    /// The literal reference or canonical, as written.
    pub text: Option<Text<'d>>,
    /// Whether it is a canonical or another URL and not a Reference.
    pub is_canonical: bool,
    /// `Reference.type`
    pub type_name: Option<Text<'d>>,
    /// What `:identifier` looks at: system and value.
    pub identifier: Option<(Option<Text<'d>>, Option<Text<'d>>)>,
}

impl Reference<'_> {
    /// What the text points at: type, id, base, version; a canonical's URL and version.
    #[must_use]
    pub fn target(&self) -> Option<value::Reference<'_>> {
        let text = self.text.as_deref()?;
        match value::Reference::parse(text) {
            target if !self.is_canonical => Some(target),
            // A canonical may end as a reference does, but its version is told by a `|`.
            _ => Some(value::Reference::Url(value::Canonical::parse(text))),
        }
    }
}

/// Ticks of 100 ns since the beginning of year 1, UTC: from `low` to before `high`. An open side
/// of a period is [`Interval::PAST`] or [`Interval::FUTURE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The first tick that it can mean.
    pub low: i64,
    /// The one after the last.
    pub high: i64,
}

impl Interval {
    /// The beginning of a period that has none.
    pub const PAST: i64 = i64::MIN;
    /// The end of a period that has none.
    pub const FUTURE: i64 = i64::MAX;
}

/// Numbers as they were written; the same but for ranges. A side that is not there is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds<'d> {
    /// The least.
    pub low: Option<Text<'d>>,
    /// The greatest.
    pub high: Option<Text<'d>>,
}

impl<'d> Bounds<'d> {
    /// One number.
    #[must_use]
    pub fn exactly(text: &'d str) -> Bounds<'d> {
        Bounds { low: Some(Cow::Borrowed(text)), high: Some(Cow::Borrowed(text)) }
    }

    /// What `key` makes of both sides; done once where they are the same.
    fn both<K: Clone>(&self, key: impl Fn(&str) -> Option<K>) -> (Option<K>, Option<K>) {
        let low = self.low.as_deref().and_then(&key);
        let high = match self.high == self.low {
            true => low.clone(),
            false => self.high.as_deref().and_then(key),
        };
        (low, high)
    }

    /// The keys of both sides, as exact as they were written.
    #[must_use]
    pub fn keys(&self) -> (Option<NumberKey>, Option<NumberKey>) {
        self.both(NumberKey::of)
    }

    /// From the least to the greatest number that is written like these.
    #[must_use]
    pub fn implied(&self) -> (Option<NumberKey>, Option<NumberKey>) {
        let (low, high) = self.both(NumberKey::implied);
        (low.map(|(low, _)| low), high.map(|(_, high)| high))
    }
}

/// <https://hl7.org/fhir/R4/search.html#quantity>
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity<'d> {
    /// The numbers; a comparator leaves one side open.
    pub value: Bounds<'d>,
    /// `<`, `<=`, `>=`, `>` where the number is a bound of an unknown value.
    pub comparator: Option<Text<'d>>,
    /// The system of the code; that of currencies for Money.
    pub system: Option<Text<'d>>,
    /// The coded unit.
    pub code: Option<Text<'d>>,
    /// The unit for people.
    pub unit: Option<Text<'d>>,
}

/// The system of UCUM's units.
pub const UCUM: &str = "http://unitsofmeasure.org";

impl Quantity<'_> {
    /// The quantity in UCUM's base units; None if its unit is none of UCUM's or not linear.
    #[must_use]
    pub fn canonical(&self) -> Option<Canonical> {
        if self.system.as_deref() != Some(UCUM) {
            return None;
        }
        let scale = ucum::scale(self.code.as_deref()?)?;
        let (low, high) = self.value.both(|text| {
            let (digits, exponent) = scale.canonical(text)?;
            Some(NumberKey::of_parts(digits, exponent))
        });
        // A number that arithmetic cannot hold must not open a side.
        let is_whole = low.is_some() == self.value.low.is_some()
            && high.is_some() == self.value.high.is_some();
        is_whole.then(|| Canonical { unit: Arc::clone(scale.unit()), low, high })
    }
}

/// A quantity in base units.
#[derive(Clone, Debug, PartialEq)]
pub struct Canonical {
    /// The base units, such as `g.m-3`; `1` for none.
    pub unit: Arc<str>,
    /// The least.
    pub low: Option<NumberKey>,
    /// The greatest.
    pub high: Option<NumberKey>,
}

/// <https://hl7.org/fhir/R4/search.html#uri>
#[derive(Clone, Debug, PartialEq)]
pub struct Uri<'d> {
    /// The whole text; of a canonical that of before the `|`.
    pub url: Text<'d>,
    /// The version of a canonical.
    pub version: Option<Text<'d>>,
}

/// Degrees, WGS84.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position<'d> {
    /// North of the equator.
    pub latitude: &'d str,
    /// East of Greenwich.
    pub longitude: &'d str,
}
