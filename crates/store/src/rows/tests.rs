//! The bytes of values and rows stand on disk, and a search makes its own to compare with them.

use std::borrow::Cow;

use fhir::search::{Bounds, Interval, Position, Quantity, Reference, Token, Uri, Value};

use super::Rows;
use crate::forward::Forward;
use crate::key::{ParameterId, TypeId};

const PARAMETER: ParameterId = ParameterId(0x0102_0304_0506_0708);

fn pack(values: &[(ParameterId, Value<'_>)]) -> Forward {
    Forward::pack(values, &|name| (name == "Patient").then_some(TypeId(3)))
}

fn rows(values: &[(ParameterId, Value<'_>)]) -> Vec<Vec<u8>> {
    Rows::of(pack(values).view()).iter().map(<[u8]>::to_vec).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `packed` and `rows` without the parameter that they begin with.
#[track_caller]
fn check(value: Value<'_>, packed: &str, expected: &[&str]) {
    let values = [(PARAMETER, value)];
    let packed_now = hex(pack(&values).as_bytes());
    let now: Vec<String> = rows(&values).iter().map(|row| hex(row)).collect();
    let now: Vec<&str> =
        now.iter().filter_map(|row| row.strip_prefix("0102030405060708")).collect();
    assert_eq!((packed_now.strip_prefix("0102030405060708"), &*now), (Some(packed), expected));
}

fn text(text: &str) -> Option<Cow<'_, str>> {
    Some(Cow::Borrowed(text))
}

fn token<'t>() -> Token<'t> {
    let types = [(text("t"), "MR".into())].into();
    Token { system: text("s"), code: text("c"), text: text("Über  all"), types }
}

fn quantity<'t>() -> Quantity<'t> {
    let (system, code) = (text("http://unitsofmeasure.org"), text("kg"));
    Quantity { value: Bounds::exactly("1.50"), comparator: text("<"), system, code, unit: None }
}

#[test]
fn stored_tokens_and_references_stay_as_they_are() {
    check(
        Value::Token(token()),
        "1701027302630bc39c6265722020616c6c010274034d52",
        &[
            "01315de5c2731ef7ac",
            "024d4ec91411ea33ae",
            "039ded95d894abd60b",
            "047562657220616c6c00",
            "05fe609a271c63046f",
        ],
    );
    check(
        Value::Token(Token { code: text("c"), ..Token::default() }),
        "07010002630000",
        &["01315de5c2731ef7ac", "029def72a046867bb7"],
    );
    let local = Reference { text: text("Patient/p1/_history/2"), ..Reference::default() };
    check(Value::Reference(local), "0b02010003037031023200", &["06e9d6172b51bcb917"]);
    let other = Reference {
        text: text("urn:uuid:1"),
        identifier: Some((text("s"), text("v"))),
        ..Reference::default()
    };
    check(
        Value::Reference(other),
        "1402000b75726e3a757569643a31000102730276",
        &[
            "07559c662f55e372ea",
            "080129526d069f2146f3",
            "0802157270df87202a13",
            "08039ded95d894abd60b",
        ],
    );
    let canonical = text("http://x.org/a|2");
    let canonical = Reference { text: canonical, is_canonical: true, ..Reference::default() };
    check(
        Value::Reference(canonical),
        "1502000f687474703a2f2f782e6f72672f61023200",
        &["077c106435f532bc64"],
    );
    // What has no row of its own is there all the same.
    check(Value::Token(Token::default()), "060100000000", &["0a"]);
}

#[test]
fn other_stored_values_stay_as_they_are() {
    check(
        Value::String("Ann-Sofie Łęcki".into()),
        "140312416e6e2d536f66696520c581c499636b69",
        &["0b616e6e2d736f666965206c65636b6900"],
    );
    check(
        Value::String("x".repeat(126).into()),
        &format!("8101037f{}", "78".repeat(126)),
        &[&format!("0b{}00", "78".repeat(64))],
    );
    check(
        Value::Date(Interval { low: -1, high: 1 << 40 }),
        "1204ffffffffffffffff0000010000000000",
        &["0c297fffffffffffffff8000010000000000", "0d8000010000000000"],
    );
    check(
        Value::Number(Bounds::exactly("-12.50")),
        "120508007ffffffddc9f08007ffffffddc9f",
        &["0e007ffffffddc9f"],
    );
    check(
        Value::Number(Bounds { low: text("2"), high: None }),
        "0a050702800000013000",
        &["0f028000000130"],
    );
    check(
        Value::Quantity(quantity()),
        concat!(
            "46060902800000012600010902800000012600011a687474703a2f2f756e6974736f666d65617375",
            "72652e6f7267036b67000267090280000004260001090280000004260001",
        ),
        &["0e02800000012600", "1028f11ab87bc0a2c002800000042600"],
    );
    let uri = Uri { url: "http://x.org/a".into(), version: text("2") };
    check(
        Value::Uri(uri),
        "13070f687474703a2f2f782e6f72672f610232",
        &["12687474703a2f2f782e6f72672f6100"],
    );
    let composite = [[Value::Quantity(quantity())].into(), [Value::Token(token())].into()];
    check(
        Value::Composite(composite.into()),
        concat!(
            "6208020146060902800000012600010902800000012600011a687474703a2f2f756e6974736f666d",
            "6561737572652e6f7267036b67000267090280000004260001090280000004260001011701027302",
            "630bc39c6265722020616c6c010274034d52",
        ),
        &[
            "8101315de5c2731ef7ac",
            "81024d4ec91411ea33ae",
            "81039ded95d894abd60b",
            "81047562657220616c6c00",
            "8105fe609a271c63046f",
        ],
    );
    check(
        Value::Position(Position { latitude: "52.25", longitude: "-0.5" }),
        "1209404a200000000000bfe0000000000000",
        &["138e59"],
    );
}

#[test]
fn values_and_rows_stand_in_their_order_each_once() {
    let string = |parameter, text: &str| {
        (ParameterId(parameter), Value::String(Cow::Owned(text.to_owned())))
    };
    let long = "a".repeat(200);
    let texts = ["b", "", "a", "aaaaaaaa", "aaaaaaab", &long, "aaaaaaaaa", "B"];
    let values: Vec<_> =
        [7, 300, 2, 7].iter().flat_map(|id| texts.map(|text| string(*id, text))).collect();
    let forward = pack(&values);
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for value in &values {
        parts.push(pack(std::slice::from_ref(value)).as_bytes().to_vec());
    }
    parts.sort_unstable();
    parts.dedup();
    assert_eq!(forward.as_bytes(), parts.concat());
    let mut all: Vec<Vec<u8>> =
        values.iter().flat_map(|value| rows(std::slice::from_ref(value))).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(rows(&values), all);
}

#[test]
fn a_quantity_that_is_found_again_is_packed_as_the_first_time() {
    let other = || Quantity { value: Bounds::exactly("1.5"), ..quantity() };
    let composite = |quantity| {
        let components = [[Value::Quantity(quantity)].into(), [Value::Token(token())].into()];
        Value::Composite(components.into())
    };
    let found = [
        Value::Quantity(quantity()),
        composite(quantity()),
        Value::Quantity(other()),
        composite(other()),
        composite(quantity()),
    ];
    let values: Vec<_> = (1..).map(ParameterId).zip(found).collect();
    let apart = values.iter().map(|value| pack(std::slice::from_ref(value)));
    let apart: Vec<u8> = apart.flat_map(|forward| forward.as_bytes().to_vec()).collect();
    assert_eq!(pack(&values).as_bytes(), apart);
}
