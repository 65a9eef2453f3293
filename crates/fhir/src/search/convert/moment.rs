//! <https://hl7.org/fhir/R4/search.html#date>

use json::Value as Element;

use super::super::shape::Shape;
use super::super::value::Interval;
use crate::value::{Moment, Zone};

/// The interval that a date, Period or Timing lies in; its times are in `zone` where they say
/// nothing else.
pub(super) fn interval(shape: Shape, element: Element<'_>, zone: Zone) -> Option<Interval> {
    match shape {
        Shape::Period => period(element, zone),
        Shape::Timing => timing(element, zone),
        _ => moment(element, zone),
    }
}

fn moment(element: Element<'_>, zone: Zone) -> Option<Interval> {
    let (low, high) = Moment::parse_partial(&element.as_str()?).ok()?.interval(zone);
    Some(Interval { low, high })
}

/// From the first moment of its start to the last of its end; a side that is missing is open.
fn period(element: Element<'_>, zone: Zone) -> Option<Interval> {
    let (mut start, mut end) = (None, None);
    for member in element.members() {
        if member.is("start") {
            start = moment(member.value(), zone);
        } else if member.is("end") {
            end = moment(member.value(), zone);
        }
    }
    if start.is_none() && end.is_none() {
        return None;
    }
    let low = start.map_or(Interval::PAST, |start| start.low);
    let high = end.map_or(Interval::FUTURE, |end| end.high);
    // A period that ends before it begins is that of its two ends, whichever comes first.
    match (start, end) {
        (Some(start), Some(end)) if high <= low => {
            Some(Interval { low: end.low, high: start.high })
        }
        _ => Some(Interval { low, high }),
    }
}

/// Only the outer limits count: those of its events and of the period that bounds it.
fn timing(element: Element<'_>, zone: Zone) -> Option<Interval> {
    let events = element.get("event").into_iter().flat_map(Element::elements);
    let events = events.filter_map(|event| moment(event, zone));
    let bounds = || period(element.get("repeat")?.get("boundsPeriod")?, zone);
    events
        .chain(bounds())
        .reduce(|all, one| Interval { low: all.low.min(one.low), high: all.high.max(one.high) })
}
