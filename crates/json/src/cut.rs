//! Taking members out of an object, each with the one comma that it no longer needs.

use std::ops::Range;

use crate::value::{Member, Value};

/// What must go from the text of an object so that some of its members are gone.
pub(crate) struct Cuts {
    /// Disjoint, in the order of the text; one per member that goes.
    pub(crate) ranges: Vec<Range<usize>>,
    /// Where the last member that stays ends; None when none stays.
    pub(crate) last_kept: Option<usize>,
}

/// A member that goes takes the comma behind it along, or the one before it when nothing that stays
/// follows. Whitespace outside that range stays as it is.
pub(crate) fn cuts<'d>(object: Value<'d>, goes: impl Fn(&Member<'d>) -> bool) -> Cuts {
    let last_kept =
        object.members().filter(|member| !goes(member)).last().map(|last| last.span().end);
    let mut ranges = Vec::new();
    let mut previous_end = None;
    let mut members = object.members().peekable();
    while let Some(member) = members.next() {
        let Range { start, end } = member.span();
        if goes(&member) {
            let behind = members.peek().filter(|_| last_kept.is_some_and(|last| last > end));
            ranges.push(match (behind, previous_end) {
                (Some(next), _) => start..comma(object, end..next.span().start) + 1,
                (None, Some(previous)) => comma(object, previous..start)..end,
                (None, None) => start..end,
            });
        }
        previous_end = Some(end);
    }
    Cuts { ranges, last_kept }
}

/// Between two members there is whitespace and one comma.
fn comma(object: Value<'_>, between: Range<usize>) -> usize {
    let gap = object.text().get(between.clone()).unwrap_or_default();
    memchr::memchr(b',', gap).map_or(between.end, |place| between.start + place)
}
