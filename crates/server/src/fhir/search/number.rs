//! <https://hl7.org/fhir/R4/search.html#number> and `#quantity`

use fhir::search::{NumberKey, UCUM, implied_numbers};
use fhir::{ucum, value};
use store::{Comparison, NumberTest, Test, UnitTest};

use super::text;

const PREFIXES: [(&str, Comparison); 9] = [
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

/// The prefix of a value, and the rest.
pub(crate) fn prefix(value: &str) -> (Comparison, &str) {
    let known = PREFIXES
        .iter()
        .find_map(|(text, comparison)| value.strip_prefix(text).map(|rest| (*comparison, rest)));
    known.unwrap_or((Comparison::Equal, value))
}

/// `gt100`, `1e2`, `ap0.5`
pub(crate) fn number(value: &str) -> Result<Test, String> {
    let (comparison, number) = prefix(value);
    Ok(Test::Number(keys(comparison, number)?))
}

fn wrong(text: &str) -> String {
    format!("'{text}' is not a number. Write it as 100, 5.40 or 1e-3, with a prefix such as gt")
}

fn keys(comparison: Comparison, number: &str) -> Result<NumberTest, String> {
    let exact = NumberKey::of(number).ok_or_else(|| wrong(number))?;
    let around = (comparison == Comparison::Overlaps).then(|| around(number)).flatten();
    let (low, high) = match around {
        Some((low, high)) => (NumberKey::of(&low), NumberKey::of(&high)),
        None => NumberKey::implied(number).unzip(),
    };
    let (Some(low), Some(high)) = (low, high) else { return Err(wrong(number)) };
    Ok(NumberTest { comparison, exact, low, high })
}

/// R4: 10 % of the number either way; None for one that arithmetic cannot hold.
fn around(number: &str) -> Option<(String, String)> {
    let exact = value::decimal(number)?;
    let tenth = exact.checked_mul(value::decimal("0.1")?)?.abs();
    Some((exact.checked_sub(tenth)?.to_string(), exact.checked_add(tenth)?.to_string()))
}

/// `gt5.4|http://unitsofmeasure.org|mg`, `5.4||mg`, `5.4`
pub(crate) fn quantity(value: &str) -> Result<Test, String> {
    let parts: Vec<String> = text::parts(value, '|').into_iter().map(text::plain).collect();
    let (number, system, code) = match parts.as_slice() {
        [number] => (number, "", ""),
        [number, system, code] => (number, system.trim(), code.trim()),
        _ => {
            let text = format!(
                "'{value}' is not a quantity. Write it as 5.4, 5.4||mg or \
                 5.4|http://unitsofmeasure.org|mg"
            );
            return Err(text);
        }
    };
    let (comparison, number) = prefix(number);
    if code.is_empty() {
        if !system.is_empty() {
            return Err(format!("'{value}' names a system and no unit"));
        }
        let number = keys(comparison, number)?;
        return Ok(Test::Quantity { unit: UnitTest::Any, number });
    }
    if system == UCUM
        && let Some(test) = canonical(comparison, number, code)?
    {
        return Ok(test);
    }
    let system = Some(system).filter(|system| !system.is_empty()).map(Into::into);
    let unit = UnitTest::Given { system, code: code.into() };
    Ok(Test::Quantity { unit, number: keys(comparison, number)? })
}

/// In UCUM's base units; None when the unit is not one of UCUM's or not linear.
fn canonical(comparison: Comparison, number: &str, code: &str) -> Result<Option<Test>, String> {
    NumberKey::of(number).ok_or_else(|| wrong(number))?;
    let Some(scale) = ucum::scale(code) else { return Ok(None) };
    let key = |text: &str| {
        let (digits, exponent) = scale.canonical(text)?;
        Some(NumberKey::of_parts(digits, exponent))
    };
    let bounds = match comparison {
        Comparison::Overlaps => around(number),
        _ => implied_numbers(number),
    };
    let Some((low, high)) = bounds else { return Ok(None) };
    let (Some(exact), Some(low), Some(high)) = (key(number), key(&low), key(&high)) else {
        return Ok(None);
    };
    let number = NumberTest { comparison, exact, low, high };
    let unit = UnitTest::Canonical((&**scale.unit()).into());
    Ok(Some(Test::Quantity { unit, number }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Option<NumberKey> {
        NumberKey::of(text)
    }

    fn check(value: &str, comparison: Comparison, bounds: [&str; 3]) {
        let expected = bounds.map(key);
        match number(value) {
            Ok(Test::Number(test)) => {
                assert_eq!(test.comparison, comparison, "{value}");
                assert_eq!([test.low, test.exact, test.high].map(Some), expected, "{value}");
            }
            other => unreachable!("{value}: {other:?}"),
        }
    }

    #[test]
    fn a_number_is_as_exact_as_its_digits() {
        check("100", Comparison::Equal, ["99.5", "100", "100.5"]);
        check("eq100.00", Comparison::Equal, ["99.995", "100", "100.005"]);
        check("ne1e2", Comparison::NotEqual, ["95", "100", "105"]);
        check("gt-5", Comparison::Greater, ["-5.5", "-5", "-4.5"]);
        check("ap50", Comparison::Overlaps, ["45", "50", "55"]);
        check("sa1E-245", Comparison::StartsAfter, ["0.95E-245", "1E-245", "1.05E-245"]);
        for wrong in ["", "ten", "gt", "1,5", "0x1", "eqgt5", "--1"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_quantity_is_converted_when_its_unit_is_of_ucum() {
        let unit = |value: &str| match quantity(value) {
            Ok(Test::Quantity { unit: UnitTest::Any, .. }) => "any".to_owned(),
            Ok(Test::Quantity { unit: UnitTest::Canonical(unit), .. }) => unit.into(),
            Ok(Test::Quantity { unit: UnitTest::Given { system, code }, .. }) => {
                format!("{}|{code}", system.as_deref().unwrap_or_default())
            }
            other => format!("{}", other.is_err()),
        };
        for (value, expected) in [
            ("5.4", "any"),
            ("5.4||mg", "|mg"),
            ("5.4|http://unitsofmeasure.org|mg", "g"),
            ("ge5|http://unitsofmeasure.org|nothing", "http://unitsofmeasure.org|nothing"),
            ("5|urn:iso:std:iso:4217|EUR", "urn:iso:std:iso:4217|EUR"),
            ("5|mg", "true"),
            ("x||mg", "true"),
            ("x|http://unitsofmeasure.org|mg", "true"),
            ("5|http://unitsofmeasure.org|", "true"),
        ] {
            assert_eq!(unit(value), expected, "{value}");
        }
    }
}
