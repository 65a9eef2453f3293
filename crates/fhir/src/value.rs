//! FHIR's values: moments with a precision, decimals with their digits, quantities, references.
//!
//! To add a kind of value: a file here, its table of examples beside it.
//!
//! Never here: JSON, types of elements, FHIRPath.

mod calendar;
mod decimal;
mod moment;
mod quantity;
mod read;
mod reference;
mod time;

pub use calendar::{DAY, HOUR, MINUTE, SECOND, TICK_NANOSECONDS, days_in_month};
pub use decimal::{decimal, implied_interval, round_to};
pub use moment::{Moment, Precision, Zone};
pub use quantity::{CalendarUnit, Quantity, Unit};
pub use read::Malformed;
pub use reference::{Canonical, Reference, Target};
pub use time::Time;

#[cfg(test)]
mod tests;
