//! <https://hl7.org/fhir/R4/references.html#canonical>: versions, their order and patterns.

use std::cmp::Ordering;

/// The order of two versions: number by number where both have numbers, else as texts.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (parts(left), parts(right));
    loop {
        return match (left.next(), right.next()) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => match order(left, right) {
                Ordering::Equal => continue,
                other => other,
            },
        };
    }
}

fn order(left: &str, right: &str) -> Ordering {
    match (left.parse::<u64>(), right.parse::<u64>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        _ => left.cmp(right),
    }
}

fn parts(version: &str) -> impl Iterator<Item = &str> {
    version.split(['.', '-'])
}

/// Whether `version` is what `wanted` asks for: the same, or one that `1.x`, `1.0.x` or `1.*`
/// stands for.
pub(super) fn matches(wanted: &str, version: &str) -> bool {
    if wanted == version {
        return true;
    }
    let mut left = wanted.split('.');
    let mut right = version.split('.');
    let mut has_wildcard = false;
    loop {
        match (left.next(), right.next()) {
            (None, None) => return has_wildcard,
            (Some("x" | "X" | "*"), found) => {
                has_wildcard = true;
                if found.is_none() {
                    return false;
                }
            }
            (Some(wanted), Some(found)) if wanted == found => {}
            (None, Some(_)) => return has_wildcard && is_open(wanted),
            _ => return false,
        }
    }
}

/// Whether a pattern ends in a wildcard, which then stands for all that follows.
fn is_open(wanted: &str) -> bool {
    wanted.ends_with(['x', 'X', '*'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        let mut versions = ["1.10.0", "1.9", "2019-01", "1.9.1", "1.0.0-b", "", "1.0.0"];
        versions.sort_by(|left, right| compare(left, right));
        assert_eq!(versions, ["", "1.0.0", "1.0.0-b", "1.9", "1.9.1", "1.10.0", "2019-01"]);
    }

    #[test]
    fn a_pattern_stands_for_versions() {
        let check = |wanted, version, expected| {
            assert_eq!(matches(wanted, version), expected, "{wanted} {version}");
        };
        check("1.0.0", "1.0.0", true);
        check("1.0.x", "1.0.7", true);
        check("1.x", "1.0.7", true);
        check("1.x.x", "1.2.0", true);
        check("1.0.x", "1.2.0", false);
        check("1.x.x", "1.2", false);
        check("1", "1.2.0", false);
        check("1.2", "1.2.0", false);
    }
}
