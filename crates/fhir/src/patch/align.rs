//! Which elements of two lists are the same, and what stands between them.

use std::ops::Range;

/// Lists whose lengths multiply to more are not searched for what they share in the middle.
const TABLE: usize = 1 << 20;

/// What stands in a list and in another where they differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) before: Range<usize>,
    pub(super) after: Range<usize>,
}

/// The gaps between what is the same in both, in their order.
pub(super) fn gaps<T: PartialEq>(before: &[T], after: &[T]) -> Vec<Gap> {
    let same = before.iter().zip(after).take_while(|(one, other)| one == other).count();
    let (rest, others) =
        (before.get(same..).unwrap_or_default(), after.get(same..).unwrap_or_default());
    let ends = rest.iter().rev().zip(others.iter().rev());
    let end = ends.take_while(|(one, other)| one == other).count();
    let middle = |list: &'_ [T]| list.len() - end;
    let (rows, columns) = (middle(rest), middle(others));
    if rows == 0 && columns == 0 {
        return Vec::new();
    }
    let kept = match rows.saturating_mul(columns) <= TABLE {
        true => {
            shared(rest.get(..rows).unwrap_or_default(), others.get(..columns).unwrap_or_default())
        }
        false => Vec::new(),
    };
    let mut gaps = Vec::new();
    let (mut row, mut column) = (0, 0);
    for (next, other) in kept.into_iter().chain([(rows, columns)]) {
        if row < next || column < other {
            let (before, after) = (same + row..same + next, same + column..same + other);
            gaps.push(Gap { before, after });
        }
        (row, column) = (next + 1, other + 1);
    }
    gaps
}

/// The places of a longest common subsequence.
fn shared<T: PartialEq>(before: &[T], after: &[T]) -> Vec<(usize, usize)> {
    let width = after.len() + 1;
    // How long it is from a place of one and a place of the other on.
    let mut lengths = vec![0_u32; (before.len() + 1) * width];
    let at = |lengths: &[u32], row: usize, column: usize| {
        lengths.get(row * width + column).copied().unwrap_or_default()
    };
    for (row, one) in before.iter().enumerate().rev() {
        for (column, other) in after.iter().enumerate().rev() {
            let length = match one == other {
                true => at(&lengths, row + 1, column + 1) + 1,
                false => at(&lengths, row + 1, column).max(at(&lengths, row, column + 1)),
            };
            if let Some(slot) = lengths.get_mut(row * width + column) {
                *slot = length;
            }
        }
    }
    let (mut row, mut column, mut found) = (0, 0, Vec::new());
    while let (Some(one), Some(other)) = (before.get(row), after.get(column)) {
        if one == other {
            found.push((row, column));
            (row, column) = (row + 1, column + 1);
        } else if at(&lengths, row + 1, column) >= at(&lengths, row, column + 1) {
            row += 1;
        } else {
            column += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, after: &str, expected: &str) {
        let (before, after): (Vec<char>, Vec<char>) =
            (before.chars().collect(), after.chars().collect());
        let text = |list: &[char], range: Range<usize>| list[range].iter().collect::<String>();
        let gaps = gaps(&before, &after).into_iter();
        let found = gaps.map(|gap| {
            let start = gap.before.start;
            format!("{start}:{}>{}", text(&before, gap.before), text(&after, gap.after))
        });
        assert_eq!(found.collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn what_is_the_same_stays() {
        check("", "", "");
        check("abc", "abc", "");
        check("", "ab", "0:>ab");
        check("ab", "", "0:ab>");
        check("abc", "axc", "1:b>x");
        check("abc", "ac", "1:b>");
        check("ac", "abc", "1:>b");
        check("abcd", "xbyd", "0:a>x 2:c>y");
        check("aab", "ab", "1:a>");
        check("abc", "cab", "0:>c 2:c>");
        check("ab", "ba", "0:a> 2:>a");
    }
}
