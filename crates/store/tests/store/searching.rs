//! Searches over the index, measured by what each resource's values say of themselves.

use std::cmp::Ordering;

use base::Timestamp;
use fhir::search::{
    Bounds, Interval, NumberKey, Quantity, Reference, Token, UCUM, Uri, Value, fold,
};
use proptest::prelude::*;
use store::*;

use crate::world::*;

const TOKEN: ParameterId = ParameterId(10);
pub(crate) const REFERENCE: ParameterId = ParameterId(20);
pub(crate) const STRING: ParameterId = ParameterId(30);
const DATE: ParameterId = ParameterId(40);
const NUMBER: ParameterId = ParameterId(50);
const QUANTITY: ParameterId = ParameterId(60);
const URI: ParameterId = ParameterId(70);
pub(crate) const PAIR: ParameterId = ParameterId(80);

type Values = Vec<(ParameterId, Value<'static>)>;

pub(crate) fn names(name: &str) -> Option<TypeId> {
    match name {
        "Patient" => Some(PATIENT),
        "Observation" => Some(OBSERVATION),
        _ => None,
    }
}

fn some(texts: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(texts)
}

const CODES: &[&str] = &["a", "b", "A", "", "a|b", "k", "\u{212A}"];
const SYSTEMS: &[&str] = &["http://s", "http://t", ""];
const TEXTS: &[&str] = &[
    "Ann",
    "ann",
    "Änne",
    "An",
    "Bo Ann",
    "x",
    "a text of more than sixty-four bytes, which the keys of the index have to cut, one",
    "a text of more than sixty-four bytes, which the keys of the index have to cut, two",
];
const NUMBERS: &[&str] = &["1", "1.0", "1.5", "-1", "0", "100", "1e-3", "99.5", "2E2", "100.4"];
const URLS: &[&str] =
    &["http://a", "http://a/b", "http://a/b/c", "http://ab", "urn:x", "http://a/"];
const REFERENCES: &[&str] =
    &["Patient/r0", "Patient/r1", "Observation/r0", "http://else/Patient/r0", "urn:x", "#p"];

fn token() -> impl Strategy<Value = Token<'static>> {
    let part = |texts| prop::option::of(some(texts).prop_map(Into::into));
    (part(SYSTEMS), part(CODES), part(TEXTS)).prop_map(|(system, code, text)| Token {
        system,
        code,
        text,
        ..Token::default()
    })
}

fn interval() -> impl Strategy<Value = Interval> {
    let (low, width) = (-40_i64..40, prop::sample::select(vec![1_i64, 2, 3, 10, 40]));
    prop_oneof![
        8 => (low, width).prop_map(|(low, width)| Interval { low, high: low + width }),
        1 => (-40_i64..40).prop_map(|low| Interval { low, high: Interval::FUTURE }),
        1 => (-40_i64..40).prop_map(|high| Interval { low: Interval::PAST, high }),
    ]
}

fn bounds() -> impl Strategy<Value = Bounds<'static>> {
    prop_oneof![
        6 => some(NUMBERS).prop_map(Bounds::exactly),
        1 => some(NUMBERS).prop_map(|low| Bounds { low: Some(low.into()), high: None }),
        1 => some(NUMBERS).prop_map(|high| Bounds { low: None, high: Some(high.into()) }),
    ]
}

fn quantity() -> impl Strategy<Value = Quantity<'static>> {
    (bounds(), prop::sample::select(vec![None, Some("g"), Some("kg"), Some("mm")])).prop_map(
        |(value, code)| Quantity {
            value,
            comparator: None,
            system: code.map(|_| UCUM.into()),
            code: code.map(Into::into),
            unit: code.map(Into::into),
        },
    )
}

fn reference() -> impl Strategy<Value = Reference<'static>> {
    (prop::option::of(some(REFERENCES)), prop::option::of(some(CODES))).prop_map(|(text, value)| {
        Reference {
            text: text.map(Into::into),
            identifier: value.map(|value| (Some("http://s".into()), Some(value.into()))),
            ..Reference::default()
        }
    })
}

fn value() -> impl Strategy<Value = (ParameterId, Value<'static>)> {
    prop_oneof![
        token().prop_map(|it| (TOKEN, Value::Token(it))),
        reference().prop_map(|it| (REFERENCE, Value::Reference(it))),
        some(TEXTS).prop_map(|it| (STRING, Value::String(it.into()))),
        interval().prop_map(|it| (DATE, Value::Date(it))),
        bounds().prop_map(|it| (NUMBER, Value::Number(it))),
        quantity().prop_map(|it| (QUANTITY, Value::Quantity(it))),
        some(URLS).prop_map(|it| (URI, Value::Uri(Uri { url: it.into(), version: None }))),
        (quantity(), token()).prop_map(|(quantity, token)| {
            let components =
                [Box::from([Value::Quantity(quantity)]), Box::from([Value::Token(token)])];
            (PAIR, Value::Composite(Box::new(components)))
        }),
    ]
}

fn comparison() -> impl Strategy<Value = Comparison> {
    prop::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Greater,
        Comparison::Less,
        Comparison::GreaterOrEqual,
        Comparison::LessOrEqual,
        Comparison::StartsAfter,
        Comparison::EndsBefore,
        Comparison::Overlaps,
    ])
}

fn token_test() -> impl Strategy<Value = TokenTest> {
    prop_oneof![
        some(CODES).prop_map(|code| TokenTest::Code(code.into())),
        (prop::option::of(some(SYSTEMS)), some(CODES)).prop_map(|(system, code)| {
            TokenTest::SystemCode { system: system.map(Into::into), code: code.into() }
        }),
        (prop::collection::vec(prop::option::of(some(SYSTEMS)), 1..3), some(CODES)).prop_map(
            |(systems, code)| TokenTest::AnyCase {
                systems: systems.into_iter().map(|system| system.map(Into::into)).collect(),
                codes: [folded_code(code).into()].into(),
            }
        ),
        some(SYSTEMS).prop_map(|system| TokenTest::System(system.into())),
        some(TEXTS).prop_map(|text| TokenTest::Text(fold(text).into())),
        some(CODES).prop_map(|code| TokenTest::Mime(code.into())),
    ]
}

fn number_test() -> impl Strategy<Value = NumberTest> {
    (comparison(), some(NUMBERS)).prop_map(|(comparison, text)| {
        let (low, high) = NumberKey::implied(text).unwrap();
        NumberTest { comparison, exact: NumberKey::of(text).unwrap(), low, high }
    })
}

fn quantity_test() -> impl Strategy<Value = Test> {
    let unit = prop_oneof![
        Just(UnitTest::Any),
        Just(UnitTest::Given { system: None, code: "g".into() }),
        Just(UnitTest::Given { system: Some(UCUM.into()), code: "kg".into() }),
        Just(UnitTest::Canonical("g".into())),
    ];
    (unit, number_test()).prop_map(|(unit, number)| Test::Quantity { unit, number })
}

fn criterion() -> impl Strategy<Value = Criterion> {
    let string = prop_oneof![
        some(TEXTS).prop_map(|text| StringTest::StartsWith(fold(text).into())),
        some(TEXTS).prop_map(|text| StringTest::Exact(text.into())),
        some(&["n", "o", "", "two"]).prop_map(|text| StringTest::Contains(text.into())),
        some(TEXTS).prop_map(|text| StringTest::Is(fold(text).into())),
        some(&["n", "o", "", "two"]).prop_map(|text| StringTest::EndsWith(text.into())),
    ];
    let uri = prop_oneof![
        some(URLS).prop_map(|url| UriTest::Exact { url: url.into(), version: None }),
        some(URLS).prop_map(|url| UriTest::Below(url.into())),
        some(URLS).prop_map(|url| UriTest::Above(url.into())),
    ];
    let resource = |(resource_type, text): (TypeId, &str)| ReferenceTest::Resource {
        key: Key { resource_type, id: id(text) },
        version: None,
    };
    let leaf = prop_oneof![
        token_test().prop_map(|it| Criterion::Value(TOKEN, Test::Token(it))),
        (prop::sample::select(vec![PATIENT, OBSERVATION]), some(&["r0", "r1"]))
            .prop_map(move |it| Criterion::Value(REFERENCE, Test::Reference(resource(it)))),
        token_test().prop_map(|it| {
            Criterion::Value(REFERENCE, Test::Reference(ReferenceTest::Identifier(it)))
        }),
        string.prop_map(|it| Criterion::Value(STRING, Test::String(it))),
        (comparison(), interval()).prop_map(|(comparison, Interval { low, high })| {
            Criterion::Value(DATE, Test::Date { comparison, low, high })
        }),
        number_test().prop_map(|it| Criterion::Value(NUMBER, Test::Number(it))),
        token_test().prop_map(|it| Criterion::Value(TOKEN, Test::Other(vec![Test::Token(it)]))),
        quantity_test().prop_map(|it| Criterion::Value(QUANTITY, it)),
        uri.prop_map(|it| Criterion::Value(URI, Test::Uri(it))),
        (quantity_test(), token_test()).prop_map(|(quantity, token)| {
            Criterion::Value(PAIR, Test::Composite(vec![quantity, Test::Token(token)]))
        }),
        prop::sample::select(vec![TOKEN, DATE, REFERENCE, PAIR]).prop_map(Criterion::Present),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Criterion::All),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Criterion::Any),
            inner.prop_map(|it| Criterion::Not(Box::new(it))),
        ]
    })
}

/// A small store, what it holds, and one snapshot.
struct Filled {
    world: World,
    /// By what it was written with, the newest of each.
    resources: Vec<(Key, Forward, Values)>,
}

fn fill(all: Vec<(u8, Values)>) -> Filled {
    let world = World::new();
    let mut resources = Vec::<(Key, Forward, Values)>::new();
    for (place, (which, values)) in all.into_iter().enumerate() {
        // Some are written again: their old rows must not be found.
        let key = patient(&format!("r{}", which % 40));
        let forward = Forward::pack(&values, &names);
        let content =
            content(&format!("{place}")).with_values(forward.clone(), vec![observation("c")]);
        world.run(Operation::Put { key, condition: PutCondition::Any, content });
        resources.retain(|it| it.0 != key);
        resources.push((key, forward, values));
    }
    Filled { world, resources }
}

fn filled() -> impl Strategy<Value = Vec<(u8, Values)>> {
    prop::collection::vec((any::<u8>(), prop::collection::vec(value(), 0..6)), 0..90)
}

fn one_by_one(filled: &Filled, criterion: &Criterion) -> Vec<String> {
    let matches = |it: &&(Key, Forward, Values)| Tested::new(it.0, &it.1).meets(criterion).unwrap();
    filled.resources.iter().filter(matches).map(|it| it.0.id.to_string()).collect()
}

pub(crate) fn ask(criterion: &Criterion) -> SearchPlan {
    let types = vec![TypeSearch { resource_type: PATIENT, criterion: criterion.clone() }];
    SearchPlan { types, most: 7, ..SearchPlan::default() }
}

/// All pages, one after the other.
pub(crate) fn paged(snapshot: &Snapshot, mut plan: SearchPlan) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let page = snapshot.search(&plan).unwrap();
        all.extend(crate::world::names(snapshot, &page.rids));
        plan.after = page.rids.last().copied();
        if !page.more {
            return all;
        }
    }
}

/// What a resource is sorted by, of the values that it was written with.
fn sort_key(values: &Values, by: ParameterId, descending: bool) -> Option<Vec<u8>> {
    let keys = values.iter().filter(|(its, _)| *its == by).filter_map(|(_, value)| match value {
        Value::Date(Interval { low, high }) => {
            let tick = if descending { *high } else { *low };
            Some((tick.cast_unsigned() ^ (1 << 63)).to_be_bytes().to_vec())
        }
        Value::String(text) => Some(fold(text).as_bytes().to_vec()),
        Value::Number(bounds) => {
            let (low, high) = bounds.keys();
            let number = if descending { high.or(low) } else { low.or(high) };
            number.map(|number| number.as_bytes().to_vec())
        }
        _ => None,
    });
    if descending { keys.max() } else { keys.min() }
}

/// Without values whose order depends on their unit.
fn sorted_by() -> impl Strategy<Value = Vec<(ParameterId, bool)>> {
    let by = prop::sample::select(vec![DATE, STRING, NUMBER]);
    prop::collection::vec((by, any::<bool>()), 1..3)
}

proptest! {
    // 40 stores, and 250 criteria asked of each: filling a store is what takes the time.
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_the_values_say(
        all in filled(),
        criteria in prop::collection::vec(criterion(), 250),
    ) {
        let filled = fill(all);
        let snapshot = filled.world.store.snapshot();
        for criterion in criteria {
            let expected = one_by_one(&filled, &criterion);
            let plan = ask(&criterion);
            prop_assert_eq!(snapshot.count(&plan).unwrap(), expected.len() as u64, "{:?}", plan);
            prop_assert_eq!(&paged(&snapshot, plan.clone()), &expected, "{:?}", plan);
            let falling = SearchPlan { descending: true, ..plan };
            let expected = expected.into_iter().rev().collect::<Vec<_>>();
            prop_assert_eq!(paged(&snapshot, falling), expected);
        }
        filled.world.sound();
    }

    #[test]
    fn a_sort_neither_loses_nor_repeats(
        all in filled(),
        by in sorted_by(),
        criterion in prop_oneof![criterion(), Just(Criterion::everything())],
    ) {
        let filled = fill(all);
        let snapshot = filled.world.store.snapshot();
        let sort = by.iter().map(|&(parameter, descending)| SortKey {
            by: SortBy::Parameter(vec![(PATIENT, parameter)]),
            descending,
        });
        let plan = SearchPlan { sort: sort.collect(), ..ask(&criterion) };
        let matches = one_by_one(&filled, &criterion);
        let is_match = |it: &&(Key, Forward, Values)| matches.contains(&it.0.id.to_string());
        let mut expected = filled.resources.iter().filter(is_match).collect::<Vec<_>>();
        expected.sort_by(|one, two| {
            let keys = by.iter().map(|&(parameter, descending)| {
                let key = |values| sort_key(values, parameter, descending);
                let order = key(&one.2).cmp(&key(&two.2));
                if descending { order.reverse() } else { order }
            });
            // The sort is stable: what is equal stays in the order of writing.
            keys.fold(Ordering::Equal, Ordering::then)
        });
        let expected = expected.iter().map(|it| it.0.id.to_string()).collect::<Vec<_>>();
        prop_assert_eq!(paged(&snapshot, plan), expected);
    }
}

/// `o…` refer to patients by their numbers; each has the code of its number.
pub(crate) fn observations(world: &World, subjects: &[&str]) {
    for (place, subject) in subjects.iter().enumerate() {
        let reference =
            Reference { text: Some(format!("Patient/{subject}").into()), ..Reference::default() };
        let code = Token { code: Some(format!("c{place}").into()), ..Token::default() };
        let values = [(REFERENCE, Value::Reference(reference)), (TOKEN, Value::Token(code))];
        let content = content(&format!("{place} of {subject}"))
            .with_values(Forward::pack(&values, &names), vec![patient(subject)]);
        let key = observation(&format!("o{place}"));
        world.run(Operation::Put { key, condition: PutCondition::Any, content });
    }
}

pub(crate) fn named(world: &World, key: &str, name: &str) {
    let values = [(STRING, Value::String(name.to_owned().into()))];
    let content = content(name).with_values(Forward::pack(&values, &names), Vec::new());
    world.run(Operation::Put { key: patient(key), condition: PutCondition::Any, content });
}

fn starts_with(text: &str) -> Criterion {
    Criterion::Value(STRING, Test::String(StringTest::StartsWith(text.into())))
}

pub(crate) fn has_code(code: &str) -> Criterion {
    Criterion::Value(TOKEN, Test::Token(TokenTest::Code(code.into())))
}

pub(crate) fn search(of: TypeId, criterion: Criterion) -> TypeSearch {
    TypeSearch { resource_type: of, criterion }
}

#[test]
fn chains_are_followed_in_both_directions_and_see_only_what_may_be_seen() {
    let world = World::new();
    [("a", "ann"), ("b", "bob"), ("c", "anne")]
        .iter()
        .for_each(|(id, name)| named(&world, id, name));
    observations(&world, &["a", "b", "c", "a", "gone"]);
    let now = world.store.snapshot();
    let targets = vec![search(PATIENT, starts_with("ann"))];
    let chain = search(OBSERVATION, Criterion::Chain { parameter: REFERENCE, targets });
    let plan = all_of(vec![chain]);
    assert_eq!(found(&now, &plan), ["o0", "o2", "o3"]);
    let source = Box::new(search(OBSERVATION, has_code("c1")));
    let has = search(PATIENT, Criterion::Has { source, parameter: REFERENCE });
    let has = all_of(vec![has]);
    assert_eq!(found(&now, &has), ["b"]);
    let member = |key| all_of(vec![search(OBSERVATION, Criterion::Compartment(key))]);
    assert_eq!(found(&now, &member(patient("a"))), ["o0", "o3"]);

    let restriction = Restriction::Where(starts_with("anne"));
    let restricted = TypeRestriction { resource_type: PATIENT, restriction };
    let restrictions = Restrictions { types: vec![restricted], others_hidden: false };
    let plan = SearchPlan { restrictions: restrictions.clone(), ..plan };
    assert_eq!(found(&now, &plan), ["o2"]);
    assert_eq!(now.count(&plan).unwrap(), 1);
    let has = SearchPlan { restrictions, ..has };
    assert_eq!(found(&now, &has), [""; 0]);
}

#[test]
fn includes_reach_what_may_be_seen_and_stop_in_a_circle() {
    let world = World::new();
    [("a", "ann"), ("b", "bob")].iter().for_each(|(id, name)| named(&world, id, name));
    observations(&world, &["a", "b", "a"]);
    let now = world.store.snapshot();
    let rids = |of| now.search(&all_of(only(of))).unwrap().rids;
    let rule = |reverse, iterate| Include {
        canonicals: Vec::new(),
        source: OBSERVATION,
        parameters: vec![REFERENCE],
        target: Some(PATIENT),
        reverse,
        iterate,
    };
    let everything = Restrictions::default();
    let included = |matches: &[Rid], rules: &[Include], restrictions: &Restrictions, most| {
        let told = (restrictions, &Stop::default());
        let found = now.included(matches, rules, told, most).unwrap();
        (crate::world::names(&now, &found.rids).join(" "), found.more, found.circular)
    };
    let (observations, patients) = (rids(OBSERVATION), rids(PATIENT));
    let include = [rule(false, false)];
    let told = |names: &str, more, circular| (names.to_owned(), more, circular);
    assert_eq!(included(&observations, &include, &everything, 9), told("a b", false, false));
    assert_eq!(included(&observations, &include, &everything, 1), told("a", true, false));
    let reverse = [rule(true, false)];
    assert_eq!(included(&patients[..1], &reverse, &everything, 9), told("o0 o2", false, false));
    let both = [rule(true, false), rule(false, true)];
    assert_eq!(included(&patients[..1], &both, &everything, 9), told("o0 o2", false, true));
    let hidden = TypeRestriction {
        resource_type: PATIENT,
        restriction: Restriction::Where(starts_with("b")),
    };
    let restrictions = Restrictions { types: vec![hidden], others_hidden: false };
    assert_eq!(included(&observations, &include, &restrictions, 9), told("b", false, false));
}

#[test]
fn a_stopped_search_gives_nothing() {
    let world = World::new();
    named(&world, "a", "ann");
    let plan = all_of(vec![search(PATIENT, starts_with("a"))]);
    plan.stop.now();
    let now = world.store.snapshot();
    assert!(matches!(now.search(&plan), Err(SearchError::Stopped)));
    let all = SearchPlan { stop: plan.stop.clone(), ..all_of(only(PATIENT)) };
    assert!(matches!(now.search(&all), Err(SearchError::Stopped)));
    let history = HistoryPlan { stop: plan.stop.clone(), ..HistoryPlan::of(HistoryOf::System) };
    assert!(matches!(now.count_history(&history), Err(SearchError::Stopped)));
    assert!(matches!(now.history(&history, None, 9), Err(SearchError::Stopped)));
    let rids = now.search(&all_of(only(PATIENT))).unwrap().rids;
    let rule = Include {
        source: PATIENT,
        parameters: vec![REFERENCE],
        canonicals: Vec::new(),
        target: None,
        reverse: false,
        iterate: false,
    };
    let told = (&Restrictions::default(), &plan.stop);
    assert!(matches!(now.included(&rids, &[rule], told, 9), Err(SearchError::Stopped)));
}

#[test]
fn old_rows_are_taken_out_and_new_ones_made_for_what_is_there() {
    let world = World::new();
    named(&world, "a", "ann");
    named(&world, "a", "bob");
    // A hard delete brings all rows into their table.
    named(&world, "gone", "gone");
    world.run(Operation::HardDelete { key: patient("gone") });
    let before = Timestamp::from_unix_seconds(4_000_000_000);
    while world.store.vacuum(before, 1).unwrap() {}
    world.sound();
    let now = world.store.snapshot();
    let ask = |text| all_of(vec![search(PATIENT, starts_with(text))]);
    assert_eq!(found(&now, &ask("bob")), ["a"]);
    let rid = now.search(&ask("bob")).unwrap().rids[0];
    let forward = Forward::pack(&[(STRING, Value::String("carl".into()))], &names);
    let compartments = vec![patient("a")];
    world.store.reindex(&[Indexed { rid, forward, compartments }]).unwrap();
    world.sound();
    assert_eq!(found(&now, &ask("bob")), [""; 0]);
    assert_eq!(found(&now, &ask("carl")), ["a"]);
    let states = [(STRING, ParameterState::Complete), (DATE, ParameterState::Building)];
    world.store.set_parameters(&states).unwrap();
    assert_eq!(world.store.parameters().unwrap(), states);
}

#[test]
fn the_same_condition_creates_one_resource_whoever_asks() {
    let world = World::new();
    let create = |name: &'static str, at: SnapshotNumber, found: Vec<Key>| {
        let values = [(STRING, Value::String("ann".into()))];
        let content = content(name).with_values(Forward::pack(&values, &names), Vec::new());
        let key = patient(name);
        let operations = vec![Operation::Put { key, condition: PutCondition::Absent, content }];
        let guard = Guard { at, search: search(PATIENT, starts_with("ann")), found };
        Commit { operations, guards: vec![guard] }
    };
    let before = world.store.snapshot().number();
    named(&world, "other", "bob");
    let (one, two) = RUNTIME.block_on(async {
        let one = world.store.commit(create("one", before, Vec::new()));
        let two = world.store.commit(create("two", before, Vec::new()));
        tokio::join!(one, two)
    });
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|it| **it).count(), 1);
    let refused = one.err().or(two.err()).unwrap();
    assert!(matches!(refused, Rejected::Stale { guard: 0 }));
    let now = world.store.snapshot();
    let there = now.search(&all_of(vec![search(PATIENT, starts_with("ann"))])).unwrap();
    let there = now.heads(&there.rids).unwrap()[0].key;
    let again = |found| RUNTIME.block_on(world.store.commit(create("three", now.number(), found)));
    assert!(again(vec![there]).is_ok());
    world.run(delete(there));
    let late = RUNTIME.block_on(world.store.commit(create("four", now.number(), vec![there])));
    assert!(matches!(late, Err(Rejected::Stale { guard: 0 })));
}

#[test]
fn rows_that_were_in_memory_only_are_there_again_when_the_store_is_opened() {
    let mut world = World::new();
    for round in 1..4 {
        for place in 0..9 {
            named(&world, &format!("p{round}{place}"), "Ann");
        }
        named(&world, "p10", &format!("Bob {round}"));
        world = world.reopened();
        let now = world.store.snapshot();
        assert_eq!(paged(&now, ask(&starts_with("ann"))).len(), 9 * round - 1);
        assert_eq!(paged(&now, ask(&starts_with("bob"))), ["p10"]);
        world.sound();
    }
    let old = world.store.snapshot();
    world.run(Operation::HardDelete { key: patient("p11") });
    let now = world.store.snapshot();
    for snapshot in [&old, &now] {
        assert_eq!(paged(snapshot, ask(&starts_with("ann"))).len(), 25);
    }
    world.sound();
}

#[test]
fn versions_indexed_anew_beside_others_without_values_leave_a_sound_store() {
    let world = World::new();
    let content = content("nothing to find it by");
    let content = content.with_values(Forward::pack(&[], &names), Vec::new());
    world.run(Operation::Put { key: patient("a"), condition: PutCondition::Any, content });
    let rid = world.store.snapshot().search(&all_of(only(PATIENT))).unwrap().rids[0];
    let forward = Forward::pack(&[(STRING, Value::String("carl".into()))], &names);
    world.store.reindex(&[Indexed { rid, forward, compartments: Vec::new() }]).unwrap();
    world.sound();
    let world = world.reopened();
    named(&world, "b", "carl");
    world.sound();
    assert_eq!(paged(&world.store.snapshot(), ask(&starts_with("carl"))), ["a", "b"]);
}

#[test]
fn a_page_after_what_was_taken_out_and_a_snapshot_without_its_rows_have_expired() {
    let world = World::new();
    for (key, name) in [("a", "ann"), ("b", "bob"), ("c", "carl")] {
        named(&world, key, name);
    }
    let old = world.store.snapshot();
    let by = SortBy::Parameter(vec![(PATIENT, STRING)]);
    let sort = vec![SortKey { by, descending: false }];
    let types = vec![search(PATIENT, Criterion::Present(STRING))];
    let mut plan = SearchPlan { types, sort, most: 1, ..SearchPlan::default() };
    let page = old.search(&plan).unwrap();
    plan.after = page.rids.last().copied();
    assert_eq!(crate::world::names(&old, &old.search(&plan).unwrap().rids), ["b"]);
    world.run(Operation::HardDelete { key: patient("a") });
    assert!(matches!(old.search(&plan), Err(SearchError::Expired)));
    plan.after = None;
    assert_eq!(old.count(&plan).unwrap(), 2);
    named(&world, "b", "beth");
    while world.store.vacuum(Timestamp::from_unix_seconds(4_000_000_000), 9).unwrap() {}
    assert!(matches!(old.count(&plan), Err(SearchError::Expired)));
    assert_eq!(world.store.snapshot().count(&plan).unwrap(), 2);
}
