//! What is printed, against what `az` 2.91.0 (knack, tabulate, PyYAML) printed for the same values.

use serde_json::{Value, json};

use super::*;

fn token() -> Value {
    json!({
        "accessToken": "eyJ0eXAi.eyJhdWQi.c2ln", "expiresOn": "2026-11-24 16:10:00.000000",
        "expires_on": 1_795_536_600, "subscription": "11111111-1111-4111-8111-111111111111",
        "tenant": "22222222-2222-4222-8222-222222222222", "tokenType": "Bearer",
    })
}

fn list() -> Value {
    json!([
        {"id": "s1", "name": "One: two", "isDefault": true,
         "user": {"name": "ada@x", "type": "user"},
         "tags": ["a", "b"], "none": null, "n": 3, "e": [], "o": {}},
        {"id": "s2", "name": "true", "isDefault": false,
         "user": {"name": "x y", "type": "servicePrincipal"}, "tags": [], "none": "2026-11-24",
         "n": 1.5, "e": ["- x", "1e3", "0x1f", "~", "a'b", "#c", "12:30"],
         "o": {"k": [[1, 2], []]}},
    ])
}

fn check(value: &Value, query: &str, output: Format, expected: &str) {
    let query = (!query.is_empty()).then(|| parse_query(query).unwrap());
    let args = OutputArgs { query, output };
    assert_eq!(args.render(value.clone(), false).unwrap(), expected);
}

#[test]
fn json_has_sorted_keys_and_two_spaces() {
    check(
        &token(),
        "",
        Format::Json,
        r#"{
  "accessToken": "eyJ0eXAi.eyJhdWQi.c2ln",
  "expiresOn": "2026-11-24 16:10:00.000000",
  "expires_on": 1795536600,
  "subscription": "11111111-1111-4111-8111-111111111111",
  "tenant": "22222222-2222-4222-8222-222222222222",
  "tokenType": "Bearer"
}
"#,
    );
    check(&token(), "accessToken", Format::Json, "\"eyJ0eXAi.eyJhdWQi.c2ln\"\n");
    check(&token(), "tokenType", Format::Jsonc, "\"Bearer\"\n");
    check(&list(), "[0].n", Format::Json, "3\n");
    check(&list(), "length(@)", Format::Json, "2\n");
}

#[test]
fn a_null_result_prints_nothing_in_any_format() {
    for format in [Format::Json, Format::Jsonc, Format::Tsv, Format::Table, Format::Yaml] {
        check(&token(), "nope", format, "");
    }
    check(&token(), "", Format::None, "");
}

#[test]
fn tsv_is_rows_of_values() {
    check(&token(), "accessToken", Format::Tsv, "eyJ0eXAi.eyJhdWQi.c2ln\n");
    check(
        &token(),
        "[expires_on,tenant]",
        Format::Tsv,
        "1795536600\n22222222-2222-4222-8222-222222222222\n",
    );
    check(
        &list(),
        "",
        Format::Tsv,
        "0\ts1\tTrue\t3\tOne: two\tNone\t\t2\t\n7\ts2\tFalse\t1.5\ttrue\t2026-11-24\t\t0\t\n",
    );
    check(&list(), "[].isDefault", Format::Tsv, "true\nfalse\n");
    check(
        &list(),
        "[].{Z:name,A:n,N:none}",
        Format::Tsv,
        "One: two\t3\tNone\ntrue\t1.5\t2026-11-24\n",
    );
}

#[test]
fn a_table_has_titles_dashes_and_left_aligned_cells() {
    check(
        &json!({"tenant": "t", "expires_on": 5, "tokenType": "Bearer", "id": "left out"}),
        "",
        Format::Table,
        "Expires_on    Tenant    TokenType\n------------  --------  -----------\n\
         5             t         Bearer\n",
    );
    check(
        &token(),
        "{T:tokenType,A:accessToken}",
        Format::Table,
        "T       A\n------  ----------------------\nBearer  eyJ0eXAi.eyJhdWQi.c2ln\n",
    );
    check(
        &list(),
        "",
        Format::Table,
        "IsDefault    N    Name      None\n-----------  ---  --------  ----------\n\
         True         3    One: two\nFalse        1.5  true      2026-11-24\n",
    );
    check(
        &list(),
        "[].{Z:name,A:n,N:none}",
        Format::Table,
        "Z         A    N\n--------  ---  ----------\nOne: two  3\ntrue      1.5  2026-11-24\n",
    );
    check(
        &list(),
        "[].[name,n]",
        Format::Table,
        "Column1    Column2\n---------  ---------\nOne: two   3\ntrue       1.5\n",
    );
    check(&list(), "[].n", Format::Table, "Result\n--------\n3\n1.5\n");
}

#[test]
fn yaml_quotes_only_what_would_be_read_as_something_else() {
    check(
        &token(),
        "",
        Format::Yaml,
        "accessToken: eyJ0eXAi.eyJhdWQi.c2ln\nexpiresOn: '2026-11-24 16:10:00.000000'\n\
         expires_on: 1795536600\nsubscription: 11111111-1111-4111-8111-111111111111\n\
         tenant: 22222222-2222-4222-8222-222222222222\ntokenType: Bearer\n",
    );
    check(&token(), "accessToken", Format::Yaml, "eyJ0eXAi.eyJhdWQi.c2ln\n...\n");
    check(&token(), "expiresOn", Format::Yaml, "'2026-11-24 16:10:00.000000'\n");
    check(&list(), "length(@)", Format::Yaml, "2\n...\n");
    let expected = "\
- e: []
  id: s1
  isDefault: true
  n: 3
  name: 'One: two'
  none: null
  o: {}
  tags:
  - a
  - b
  user:
    name: ada@x
    type: user
- e:
  - '- x'
  - 1e3
  - '0x1f'
  - '~'
  - a'b
  - '#c'
  - '12:30'
  id: s2
  isDefault: false
  n: 1.5
  name: 'true'
  none: '2026-11-24'
  o:
    k:
    - - 1
      - 2
    - []
  tags: []
  user:
    name: x y
    type: servicePrincipal
";
    check(&list(), "", Format::Yaml, expected);
}

#[test]
fn a_literal_may_be_a_bare_word() {
    check(&list(), "[?name==`One: two`].id | [0]", Format::Tsv, "s1\n");
}

#[test]
fn a_query_that_is_wrong_says_so_as_az_does() {
    assert_eq!(parse_query("[?").unwrap_err(), "invalid jmespath_type value: '[?'");
    let unknown = parse_query("foo(@)").unwrap().search(&json!({})).unwrap_err();
    let said = unknown.to_string();
    assert!(said.starts_with("Invalid jmespath query supplied for `--query`:"), "{said}");
}

#[test]
fn a_command_may_name_the_columns_of_its_table() {
    let columns: [Column; 2] = [("Name", "/user/name"), ("Default", "/isDefault")];
    assert_eq!(
        table::columns(&list(), &columns),
        "Name    Default\n------  ---------\nada@x   True\nx y     False\n"
    );
}

#[test]
fn large_numbers_are_grouped_by_three() {
    for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (92_345, "92,345")] {
        assert_eq!(thousands(number), text);
    }
    assert_eq!(thousands(1_234_567), "1,234,567");
}
