//! What parameters mean, which are left out, and which are wrong.

use super::*;

fn rules(listed: Listed) -> Rules {
    Rules { listed, page_default: 10, page_most: 1_000, now: Timestamp::from_unix_seconds(0) }
}

fn search(query: &str) -> Result<Meaning, Vec<Issue>> {
    read(&[query], rules(Listed::Matches))
}

/// Criteria, page, total and what was left out, in one line.
fn line(query: &str) -> String {
    match search(query) {
        Ok(meaning) => {
            let criteria: Vec<String> =
                meaning.criteria.iter().map(|it| format!("{it:?}")).collect();
            let mut parts = vec![criteria.join(" "), format!("{}", meaning.count)];
            if meaning.total != Total::Unsaid {
                parts.push(format!("{:?}", meaning.total));
            }
            if meaning.only_total {
                parts.push("only".to_owned());
            }
            let warned = [("ignored", meaning.ignored.len()), ("noted", meaning.notes.len())];
            for (what, how_many) in warned.into_iter().filter(|(_, how_many)| *how_many > 0) {
                parts.push(format!("{how_many} {what}"));
            }
            parts.retain(|part| !part.is_empty());
            parts.join("; ")
        }
        Err(issues) => format!("{} wrong", issues.len()),
    }
}

fn check(query: &str, expected: &str) {
    assert_eq!(line(query), expected, "{query}");
}

#[test]
fn parameters_mean_what_r4_says() {
    check("", "10");
    check("_id=a", "Ids([a]); 10");
    check("_id=a,b", "Ids([a, b]); 10");
    check("_id=a&_id=b", "Ids([a]) Ids([b]); 10");
    check("_id=a%5C,b", "Ids([]); 10");
    check("_id=a_b", "Ids([]); 10");
    check("_count=20", "20");
    check("_count=1000", "1000");
    check("_count=1001", "1000; 1 noted");
    check("_count=99999999999999999999999", "1000; 1 noted");
    check("_count=0", "0; only");
    check("_summary=count", "10; only");
    check("_summary=false", "10");
    check("_total=none", "10; None");
    check("_total=accurate&_count=5", "5; Accurate");
    check("_total=estimate", "10; Accurate");
    check("_format=json&_pretty=true", "10");
}

#[test]
fn what_is_not_supported_is_left_out_with_a_warning() {
    check("_sort=_lastUpdated", "10; 1 ignored");
    check("name=x&_include=y&_id:not=a", "10; 3 ignored");
    check("_summary=text", "10; 1 ignored");
    check("_id=", "10; 1 ignored");
    check("_since=2020", "10; 1 ignored");
}

#[test]
fn a_wrong_value_is_refused_with_all_its_siblings() {
    check("_count=-1", "1 wrong");
    check("_count=ten", "1 wrong");
    check("_count=", "1 wrong");
    check("_total=all", "1 wrong");
    check("_summary=some", "1 wrong");
    check("_lastUpdated=yesterday", "1 wrong");
    check("_lastUpdated=2020,yesterday", "1 wrong");
    check("_count=x&_lastUpdated=y&_id=a", "2 wrong");
}

#[test]
fn dates_become_intervals_and_gaps() {
    let year = |from: &str, before: &str| {
        format!("{from}-01-01T00:00:00.000000Z), before: Some({before}-01-01T00:00:00.000000Z)")
    };
    check(
        "_lastUpdated=2020",
        &format!("LastUpdated {{ from: Some({} }}; 10", year("2020", "2021")),
    );
    check(
        "_lastUpdated=2020,2021",
        &format!("LastUpdated {{ from: Some({} }}; 10", year("2020", "2022")),
    );
    check(
        "_lastUpdated=2020,2022",
        &format!(
            "LastUpdated {{ from: Some({} }} NotLastUpdated {{ from: Some({} }}; 10",
            year("2020", "2023"),
            year("2021", "2022")
        ),
    );
    check(
        "_lastUpdated=ne2020",
        &format!(
            "LastUpdated {{ from: None, before: None }} NotLastUpdated {{ from: Some({} }}; 10",
            year("2020", "2021")
        ),
    );
    check(
        "_lastUpdated=ge2020-01-01T00:00:00+00:00",
        "LastUpdated { from: Some(2020-01-01T00:00:00.000000Z), before: None }; 10",
    );
}

#[test]
fn a_history_has_its_own_bounds() {
    let meaning = read(&["_since=2020&_before=2021-06&_id=a"], rules(Listed::Versions));
    let meaning = meaning.unwrap_or_default();
    let text = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
    assert_eq!(text(meaning.since).as_deref(), Some("2020-01-01T00:00:00.000000Z"));
    assert_eq!(text(meaning.before).as_deref(), Some("2021-06-01T00:00:00.000000Z"));
    assert_eq!(meaning.ignored.len(), 1);
}

#[test]
fn what_was_heard_is_repeated_as_it_was_written() {
    let meaning = search("_id=a%2Cb&nonsense=1&_count=5&ct=abc").unwrap_or_default();
    assert_eq!(meaning.heard, ["_id=a%2Cb", "_count=5"]);
    assert_eq!(meaning.token.as_deref(), Some("abc"));
}

#[test]
fn limits_hold_at_the_limit_and_one_past_it() {
    let parameters = |how_many: usize| vec!["_id=a"; how_many].join("&");
    assert!(search(&parameters(SEARCH_PARAMETERS)).is_ok());
    assert!(search(&parameters(SEARCH_PARAMETERS + 1)).is_err());
    let values = |how_many: usize| format!("_id={}", vec!["a"; how_many].join(","));
    assert!(search(&values(SEARCH_VALUES)).is_ok());
    assert!(search(&values(SEARCH_VALUES + 1)).is_err());
}

#[test]
fn a_comma_that_is_escaped_parts_nothing() {
    assert_eq!(values("a,b"), ["a", "b"]);
    assert_eq!(values("a\\,b,c"), ["a,b", "c"]);
    assert_eq!(values("a\\\\,b"), ["a\\", "b"]);
    assert_eq!(values("a\\b\\"), ["a\\b\\"]);
    assert_eq!(values(""), [""]);
}
