//! Values as text for people: in tests, `_explain`, errors.

use std::fmt::{self, Display, Write};

use super::value::{Bounds, Interval, Quantity, Reference, Token, Value};
use crate::value::{Moment, Precision, Zone};

impl Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Token(token) => token.fmt(f),
            Value::Reference(reference) => reference.fmt(f),
            Value::String(text) => write!(f, "{text:?}"),
            Value::Date(interval) => interval.fmt(f),
            Value::Number(bounds) => bounds.fmt(f),
            Value::Quantity(quantity) => quantity.fmt(f),
            Value::Uri(uri) => {
                f.write_str(&uri.url)?;
                uri.version.as_ref().map_or(Ok(()), |version| write!(f, "|{version}"))
            }
            Value::Composite(components) => {
                for (index, values) in components.iter().enumerate() {
                    f.write_str(if index == 0 { "{ " } else { " & " })?;
                    for (index, value) in values.iter().enumerate() {
                        f.write_str(if index == 0 { "" } else { ", " })?;
                        value.fmt(f)?;
                    }
                }
                f.write_str(" }")
            }
            Value::Position(place) => write!(f, "{} {}", place.latitude, place.longitude),
        }
    }
}

impl Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(system) = &self.system {
            write!(f, "{system}|")?;
        }
        f.write_str(self.code.as_deref().unwrap_or_default())?;
        if let Some(text) = &self.text {
            write!(f, " {text:?}")?;
        }
        for (system, code) in &self.types {
            write!(f, " type {}|{code}", system.as_deref().unwrap_or_default())?;
        }
        Ok(())
    }
}

impl Display for Reference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.as_deref().unwrap_or("-"))?;
        if let Some(type_name) = &self.type_name {
            write!(f, " type {type_name}")?;
        }
        if let Some((system, value)) = &self.identifier {
            write!(f, " identifier ")?;
            if let Some(system) = system {
                write!(f, "{system}|")?;
            }
            f.write_str(value.as_deref().unwrap_or_default())?;
        }
        Ok(())
    }
}

impl Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        side(self.low, f)?;
        f.write_str(" .. ")?;
        side(self.high, f)
    }
}

/// A moment in UTC, without what is zero at its end; `*` where the side is open.
fn side(ticks: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if ticks == Interval::PAST || ticks == Interval::FUTURE {
        return f.write_char('*');
    }
    let moment = Moment::at(ticks, Some(Zone::UTC), Precision::Fraction(7));
    let Some(moment) = moment else { return f.write_char('*') };
    let text = moment.to_string();
    let text = text.trim_end_matches('Z').trim_end_matches(".0000000");
    f.write_str(text.trim_end_matches("T00:00:00"))
}

impl Display for Bounds<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.low.as_deref(), self.high.as_deref()) {
            (Some(low), Some(high)) if low == high => f.write_str(low),
            (low, high) => write!(f, "{} .. {}", low.unwrap_or("*"), high.unwrap_or("*")),
        }
    }
}

impl Display for Quantity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(comparator) = &self.comparator {
            write!(f, "{comparator} ")?;
        }
        self.value.fmt(f)?;
        if let Some(system) = &self.system {
            write!(f, " {system}|")?;
        }
        f.write_str(self.code.as_deref().unwrap_or_default())?;
        self.unit.as_ref().map_or(Ok(()), |unit| write!(f, " {unit:?}"))
    }
}
