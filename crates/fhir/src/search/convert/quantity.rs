//! <https://hl7.org/fhir/R4/search.html#quantity>

use std::borrow::Cow;

use json::Value as Element;
use rust_decimal::Decimal;

use super::super::shape::Shape;
use super::super::value::{Bounds, Quantity};
use super::{member, number, text};
use crate::value::decimal;

/// The system of the codes of currencies.
const CURRENCY: &str = "urn:iso:std:iso:4217";

/// The numbers of an element without its unit.
pub(super) fn bounds(shape: Shape, element: Element<'_>) -> Option<Bounds<'_>> {
    match shape {
        Shape::Number => number(element),
        _ => quantity(shape, element).map(|quantity| quantity.value),
    }
}

/// The quantity that an element is, or the range of quantities.
pub(super) fn quantity(shape: Shape, element: Element<'_>) -> Option<Quantity<'_>> {
    match shape {
        Shape::Quantity => one(element),
        Shape::Money => money(element),
        Shape::Range => range(element),
        Shape::SampledData => sampled(element),
        _ => number(element).map(without_unit),
    }
}

fn without_unit(value: Bounds<'_>) -> Quantity<'_> {
    Quantity { value, comparator: None, system: None, code: None, unit: None }
}

fn one(element: Element<'_>) -> Option<Quantity<'_>> {
    let mut quantity = without_unit(Bounds { low: None, high: None });
    for member in element.members() {
        let value = member.value();
        if member.is("value") {
            quantity.value = number(value)?;
        } else if member.is("unit") {
            quantity.unit = text(value);
        } else if member.is("system") {
            quantity.system = text(value);
        } else if member.is("code") {
            quantity.code = text(value);
        } else if member.is("comparator") {
            quantity.comparator = text(value);
        }
    }
    let value = quantity.value.low.take()?;
    quantity.value = match quantity.comparator.as_deref() {
        Some("<" | "<=") => Bounds { low: None, high: Some(value) },
        Some(">" | ">=") => Bounds { low: Some(value), high: None },
        _ => Bounds { low: Some(value.clone()), high: Some(value) },
    };
    Some(quantity)
}

fn money(element: Element<'_>) -> Option<Quantity<'_>> {
    let mut quantity = without_unit(number(element.get("value")?)?);
    quantity.code = member(element, "currency");
    quantity.system = quantity.code.as_ref().map(|_| Cow::Borrowed(CURRENCY));
    Some(quantity)
}

/// The unit is that of a side; R4 wants both to have the same. A side that is missing is open.
fn range(element: Element<'_>) -> Option<Quantity<'_>> {
    let side = |key| element.get(key).and_then(one);
    let (low, high) = (side("low"), side("high"));
    let from = low.as_ref().and_then(|low| low.value.low.clone());
    let to = high.as_ref().and_then(|high| high.value.high.clone());
    Some(Quantity { value: Bounds { low: from, high: to }, comparator: None, ..low.or(high)? })
}

/// From the least to the greatest sample; a sample below or above what the device can tell leaves
/// that side open.
fn sampled(element: Element<'_>) -> Option<Quantity<'_>> {
    let origin = one(element.get("origin")?)?;
    let start = decimal(origin.value.low.as_deref()?)?;
    let factor = element.get("factor").and_then(Element::as_number).and_then(decimal);
    let data = element.get("data")?.as_str()?;
    let (mut low, mut high) = (None, None);
    let (mut is_low_open, mut is_high_open) = (false, false);
    for sample in data.split_ascii_whitespace() {
        match sample {
            "L" => is_low_open = true,
            "U" => is_high_open = true,
            _ => {
                let Some(sample) = decimal(sample) else { continue };
                low = Some(low.map_or(sample, |low: Decimal| low.min(sample)));
                high = Some(high.map_or(sample, |high: Decimal| high.max(sample)));
            }
        }
    }
    let value = |sample: Decimal| {
        let value = sample.checked_mul(factor.unwrap_or(Decimal::ONE))?.checked_add(start)?;
        Some(Cow::Owned(value.normalize().to_string()))
    };
    let (low, high) = (value(low?)?, value(high?)?);
    let low = Some(low).filter(|_| !is_low_open);
    let high = Some(high).filter(|_| !is_high_open);
    Some(Quantity { value: Bounds { low, high }, comparator: None, ..origin })
}
