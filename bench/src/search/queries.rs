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
    let patients = |path: &dyn Fn(&Patient) -> String| data.patients.iter().map(path).collect();
    let codes = |path: &dyn Fn(&str, &str) -> String| {
        CODES.iter().map(|(code, value)| path(&format!("{LOINC}{code}"), value)).collect()
    };
    let years = |path: &dyn Fn(&str, u32) -> String| {
        let pairs = CODES.iter().flat_map(|(code, _)| (2010..2018).map(move |year| (code, year)));
        pairs.map(|(code, year)| path(&format!("{LOINC}{code}"), year)).collect()
    };
    let one = |path: &str| vec![path.to_owned()];
    let search = |name, requests: Vec<String>| Search { name, requests, pages: 1 };
    let start = |text: &str| text.chars().take(3).collect::<String>();
    vec![
        search("name prefix", patients(&|it| format!("Patient?name={}", start(&it.family)))),
        search(
            "birthdate and gender",
            patients(&|it| {
                let (year, gender) = (it.birth_year, &it.gender);
                format!("Patient?birthdate=ge{year}&birthdate=lt{}&gender={gender}", year + 5)
            }),
        ),
        search("identifier", patients(&|it| format!("Patient?identifier={}", it.identifier))),
        search(
            "patient and code, newest first",
            patients(&|it| {
                let (id, code) = (&it.id, format!("{LOINC}8302-2"));
                format!("Observation?patient={id}&code={code}&_sort=-date&_count=20")
            }),
        ),
        search(
            "code and date range",
            years(&|code, year| {
                format!("Observation?code={code}&date=ge{year}&date=lt{}", year + 1)
            }),
        ),
        search("two broad tokens", one("Observation?category=vital-signs&status=final&_count=20")),
        search(
            "count of two broad tokens",
            one("Observation?category=vital-signs&status=final&_summary=count"),
        ),
        search(
            "count of a code",
            codes(&|code, _| format!("Observation?code={code}&_summary=count")),
        ),
        search("count of a type", one("Observation?_summary=count")),
        search(
            "quantity at least",
            codes(&|code, value| format!("Observation?code={code}&value-quantity=ge{value}")),
        ),
        search(
            "chain",
            patients(&|it| {
                format!("Observation?patient.name={}&code={LOINC}8302-2", start(&it.family))
            }),
        ),
        search(
            "reverse chain",
            codes(&|code, _| format!("Patient?_has:Observation:patient:code={code}&_count=20")),
        ),
        search(
            "include",
            patients(&|it| {
                format!("Observation?patient={}&_include=Observation:encounter&_count=20", it.id)
            }),
        ),
        search(
            "reverse include",
            patients(&|it| {
                format!("Patient?name={}&_revinclude=Condition:patient", start(&it.family))
            }),
        ),
        search("sort of a large type by date", one("Observation?_sort=-date&_count=50")),
        search("sort of a large type by code", one("Observation?_sort=code&_count=20")),
        Search {
            name: "deep paging",
            requests: codes(&|code, _| format!("Observation?code={code}&_count=50")),
            pages: 30,
        },
        search("text of a code", one("Observation?code:text=body&_count=20")),
        search("string contains", one("Patient?name:contains=er&_count=20")),
        search("$everything", patients(&|it| format!("Patient/{}/$everything?_count=50", it.id))),
    ]
}
