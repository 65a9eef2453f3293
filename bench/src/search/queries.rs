//! The searches that are measured: what scripts ask of Synthea's data.

use super::data::{Data, Patient};

/// Requests of one kind, sent in turns.
pub struct Search {
    pub name: &'static str,
    /// Paths under the base, with their queries.
    pub requests: Vec<String>,
    /// How many pages of each are asked for.
    pub pages: usize,
}

/// Codes of LOINC that both sets hold many of, with a value that some of their quantities exceed.
const CODES: [(&str, &str); 4] = [
    ("8302-2", "170|http://unitsofmeasure.org|cm"),
    ("29463-7", "80|http://unitsofmeasure.org|kg"),
    ("8867-4", "90|http://unitsofmeasure.org|/min"),
    ("39156-5", "27|http://unitsofmeasure.org|kg/m2"),
];

const LOINC: &str = "http://loinc.org|";

/// All searches.
pub fn all(data: &Data) -> Vec<Search> {
    let mut all = by_values(data);
    all.extend(by_references(data));
    all.extend(in_order());
    all
}

fn search(name: &'static str, requests: Vec<String>) -> Search {
    Search { name, requests, pages: 1 }
}

fn one(name: &'static str, path: &str) -> Search {
    search(name, vec![path.to_owned()])
}

/// A request for each patient.
fn patients(data: &Data, path: impl Fn(&Patient) -> String) -> Vec<String> {
    data.patients.iter().map(path).collect()
}

/// A request for each code, with its value.
fn codes(path: impl Fn(&str, &str) -> String) -> Vec<String> {
    CODES.iter().map(|(code, value)| path(&format!("{LOINC}{code}"), value)).collect()
}

fn start(name: &str) -> String {
    name.chars().take(3).collect()
}

fn by_values(data: &Data) -> Vec<Search> {
    let years = CODES.iter().flat_map(|(code, _)| (2010..2018).map(move |year| (code, year)));
    let year =
        |(code, year)| format!("Observation?code={LOINC}{code}&date=ge{year}&date=lt{}", year + 1);
    let born = |it: &Patient| {
        let (year, gender) = (it.birth_year, &it.gender);
        format!("Patient?birthdate=ge{year}&birthdate=lt{}&gender={gender}", year + 5)
    };
    let two = "Observation?category=vital-signs&status=final";
    let at_least =
        |code: &str, value: &str| format!("Observation?code={code}&value-quantity=ge{value}");
    vec![
        search("name prefix", patients(data, |it| format!("Patient?name={}", start(&it.family)))),
        search("birthdate and gender", patients(data, born)),
        search("identifier", patients(data, |it| format!("Patient?identifier={}", it.identifier))),
        search("code and date range", years.map(year).collect()),
        one("two broad tokens", &format!("{two}&_count=20")),
        one("count of two broad tokens", &format!("{two}&_summary=count")),
        search(
            "count of a code",
            codes(|code, _| format!("Observation?code={code}&_summary=count")),
        ),
        one("count of a type", "Observation?_summary=count"),
        search("quantity at least", codes(at_least)),
        one("text of a code", "Observation?code:text=body&_count=20"),
        one("string contains", "Patient?name:contains=er&_count=20"),
    ]
}

fn by_references(data: &Data) -> Vec<Search> {
    let newest = |it: &Patient| {
        format!("Observation?patient={}&code={LOINC}8302-2&_sort=-date&_count=20", it.id)
    };
    let chain =
        |it: &Patient| format!("Observation?patient.name={}&code={LOINC}8302-2", start(&it.family));
    let has =
        |code: &str, _: &str| format!("Patient?_has:Observation:patient:code={code}&_count=20");
    let include = |it: &Patient| {
        format!("Observation?patient={}&_include=Observation:encounter&_count=20", it.id)
    };
    let reverse =
        |it: &Patient| format!("Patient?name={}&_revinclude=Condition:patient", start(&it.family));
    let everything = |it: &Patient| format!("Patient/{}/$everything?_count=50", it.id);
    vec![
        search("patient and code, newest first", patients(data, newest)),
        search("chain", patients(data, chain)),
        search("reverse chain", codes(has)),
        search("include", patients(data, include)),
        search("reverse include", patients(data, reverse)),
        search("$everything", patients(data, everything)),
    ]
}

fn in_order() -> Vec<Search> {
    let pages = codes(|code, _| format!("Observation?code={code}&_count=50"));
    vec![
        one("sort of a large type by date", "Observation?_sort=-date&_count=50"),
        one("sort of a large type by code", "Observation?_sort=code&_count=20"),
        Search { pages: 30, ..search("deep paging", pages) },
    ]
}
