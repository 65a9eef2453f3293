//! Searches over the index, measured by what each resource's values say of themselves.

use std::cmp::Ordering;

use fhir::search::{
    Bounds, Interval, NumberKey, Quantity, Reference, Token, UCUM, Uri, Value, fold,
};
use proptest::prelude::*;
use store::*;

use crate::world::*;

const TOKEN: ParameterId = ParameterId(10);
const REFERENCE: ParameterId = ParameterId(20);
const STRING: ParameterId = ParameterId(30);
const DATE: ParameterId = ParameterId(40);
const NUMBER: ParameterId = ParameterId(50);
const QUANTITY: ParameterId = ParameterId(60);
const URI: ParameterId = ParameterId(70);
const PAIR: ParameterId = ParameterId(80);

type Values = Vec<(ParameterId, Value<'static>)>;

fn names(name: &str) -> Option<TypeId> {
    match name {
        "Patient" => Some(PATIENT),
        "Observation" => Some(OBSERVATION),
        _ => None,
    }
}

fn some(texts: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(texts)
}

const CODES: &[&str] = &["a", "b", "A", "", "a|b"];
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
        some(SYSTEMS).prop_map(|system| TokenTest::System(system.into())),
        some(TEXTS).prop_map(|text| TokenTest::Text(fold(text).into())),
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
    resources: Vec<(Key, Forward)>,
}

fn fill(all: Vec<(u8, Values)>) -> Filled {
    let world = World::new();
    let mut resources = Vec::<(Key, Forward)>::new();
    for (place, (which, values)) in all.into_iter().enumerate() {
        // Some are written again: their old rows must not be found.
        let key = patient(&format!("r{}", which % 40));
        let forward = Forward::pack(&values, &names);
        let content =
            content(&format!("{place}")).with_values(forward.clone(), vec![observation("c")]);
        world.run(Operation::Put { key, condition: PutCondition::Any, content });
        resources.retain(|(its, _)| *its != key);
        resources.push((key, forward));
    }
    Filled { world, resources }
}

fn filled() -> impl Strategy<Value = Vec<(u8, Values)>> {
    prop::collection::vec((any::<u8>(), prop::collection::vec(value(), 0..6)), 0..90)
}

fn one_by_one(filled: &Filled, criterion: &Criterion) -> Vec<String> {
    let matches =
        |(key, forward): &&(Key, Forward)| Tested::new(*key, forward).meets(criterion).unwrap();
    filled.resources.iter().filter(matches).map(|(key, _)| key.id.to_string()).collect()
}

fn ask(criterion: &Criterion) -> SearchPlan {
    let types = vec![TypeSearch { resource_type: PATIENT, criterion: criterion.clone() }];
    SearchPlan { types, most: 7, ..SearchPlan::default() }
}

/// All pages, one after the other.
fn paged(snapshot: &Snapshot, mut plan: SearchPlan) -> Vec<String> {
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

/// The key of a resource as the documentation of the plan says it.
fn sort_key(forward: &Forward, by: ParameterId, descending: bool) -> Option<String> {
    // Dates and strings alone are compared here: their order needs no second implementation.
    let values = Tested::new(patient("x"), forward);
    let dates = (-45..90).filter(|tick| {
        let test = match descending {
            false => Test::Date { comparison: Comparison::Less, low: tick + 1, high: tick + 1 },
            true => Test::Date { comparison: Comparison::Greater, low: tick - 1, high: tick - 1 },
        };
        values.meets(&Criterion::Value(by, test)) == Some(true)
    });
    let key = if descending { dates.max() } else { dates.min() };
    key.map(|tick| format!("{:08}", tick + 1_000))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_the_values_say(
        all in filled(),
        criteria in prop::collection::vec(criterion(), 12),
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
        descending in any::<bool>(),
        criterion in criterion(),
    ) {
        let filled = fill(all);
        let snapshot = filled.world.store.snapshot();
        let by = SortBy::Parameter(vec![(PATIENT, DATE)]);
        let plan = SearchPlan { sort: vec![SortKey { by, descending }], ..ask(&criterion) };
        let matches = one_by_one(&filled, &criterion);
        let mut expected = filled.resources.iter().enumerate().filter_map(|(place, it)| {
            let is_match = matches.contains(&it.0.id.to_string());
            is_match.then(|| (sort_key(&it.1, DATE, descending), place, it.0.id.to_string()))
        }).collect::<Vec<_>>();
        expected.sort_by(|one, two| {
            let keys = one.0.cmp(&two.0);
            let keys = if descending { keys.reverse() } else { keys };
            keys.then(one.1.cmp(&two.1)).then(Ordering::Equal)
        });
        let expected = expected.into_iter().map(|(_, _, id)| id).collect::<Vec<_>>();
        prop_assert_eq!(paged(&snapshot, plan), expected);
    }
}
