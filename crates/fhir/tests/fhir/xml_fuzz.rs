//! Mutations of resources in XML and in JSON, and the malformed ones beside the project: nothing
//! may panic, what was read must be written so that it reads the same, and what was written must
//! be well-formed.

use fhir::Definitions;
use fhir::xml::{ErrorKind, from_json, to_json};
use json::{Document, Limits};

use crate::archive::Archive;
use crate::fuzz::fuzz;

const TEXTS: [&str; 4] = [
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Patient xmlns=\"http://hl7.org/fhir\"><id \
     value=\"p\"/><text><status value=\"generated\"/><div xmlns=\"http://www.w3.org/1999/xhtml\">\
     <p class='a'>A &amp; B&#13;<br/></p></div></text></Patient>",
    "<Patient xmlns=\"http://hl7.org/fhir\"><contained><Organization><name value=\"&lt;O&gt;\"/>\
     </Organization></contained><extension url=\"u\"><valueDecimal value=\"1.50\"/></extension>\
     <active value=\"true\"/></Patient>",
    "<Patient xmlns=\"http://hl7.org/fhir\"><name id=\"n\"><given value=\"A\"/><given id=\"g\"/>\
     <given value=\"B\"><extension url=\"u\"><valueCode value=\"c\"/></extension></given></name>\
     <birthDate id=\"b\" value=\"1974-12-25\"/><multipleBirthInteger value=\"2\"/></Patient>",
    "<f:Bundle xmlns:f=\"http://hl7.org/fhir\"><!-- c --><f:type value=\"batch\"/><f:entry>\
     <f:resource><f:Basic><f:id value=\"b\"/></f:Basic></f:resource></f:entry></f:Bundle>",
];

const PIECES: [&str; 32] = [
    "<",
    ">",
    "/>",
    "</",
    "\"",
    "'",
    "&",
    ";",
    "&amp;",
    "&#10;",
    "&#x1F600;",
    "&#0;",
    "<!DOCTYPE a>",
    "<![CDATA[x]]>",
    "<!--",
    "-->",
    "<?a b?>",
    " xmlns=\"\"",
    " xmlns:x=\"http://hl7.org/fhir\"",
    " id=\"x\"",
    " value=\"x\"",
    " value=\"1\"",
    " value='true'",
    "<active value=\"true\"/>",
    "<given/>",
    "<extension url=\"u\">",
    "</extension>",
    "<div xmlns=\"http://www.w3.org/1999/xhtml\"/>",
    "\r\n",
    "\u{FEFF}",
    "é",
    "=",
];

const JSON: [&str; 3] = [
    r#"{"resourceType":"Patient","active":true,
        "text":{"div":"<div xmlns='http://www.w3.org/1999/xhtml'><p a='b'>x &amp; y<br/></p></div>"}}"#,
    r#"{"resourceType":"Patient","_birthDate":{"id":"b"},
        "name":[{"id":"n","given":["A",null,"B\t\r\n"],"_given":[null,{"id":"g"}]}]}"#,
    r#"{"resourceType":"Patient","contained":[{"resourceType":"Basic","id":"b"}],
        "extension":[{"url":"u","valueDecimal":1.50}]}"#,
];

const JSON_PIECES: [&str; 22] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\\"",
    "null",
    "1e5",
    "true",
    "\"\"",
    "\"id\":\"i\",",
    "<",
    ">",
    "&",
    "</div>",
    "<!--",
    "]]>",
    "\\u0001",
    "\\r",
    " xmlns=",
    "<q/>",
];

fn read(text: &[u8]) -> Result<Vec<u8>, fhir::xml::Error> {
    let limits = Limits { depth: 128, ..Limits::default() };
    to_json(Definitions::r4(), text, &limits)
}

fn written(json: Vec<u8>) -> Result<Vec<u8>, fhir::xml::Unwritable> {
    let document = Document::parse(json, &Limits::default()).expect("what was read is JSON");
    let mut out = Vec::new();
    from_json(Definitions::r4(), document.root(), false, &mut out).map(|()| out)
}

#[test]
fn no_xml_panics_and_what_is_read_is_written() {
    fuzz(&TEXTS, &PIECES, |text| {
        let Ok(json) = read(text.as_bytes()) else { return };
        let text = written(json.clone()).expect("what was read is written");
        let again = read(&text).expect("what was written is read");
        assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&json));
    });
}

#[test]
fn no_json_panics_and_what_is_written_is_well_formed() {
    fuzz(&JSON, &JSON_PIECES, |text| {
        let Ok(document) = Document::parse(text.to_owned(), &Limits::default()) else { return };
        let Ok(text) = written(document.bytes().to_vec()) else { return };
        let Err(error) = read(&text) else { return };
        // JSON may have empty strings and objects; only a validator refuses them.
        let of_fhir = matches!(
            error.kind,
            ErrorKind::EmptyValue
                | ErrorKind::NoContent { .. }
                | ErrorKind::Value { .. }
                | ErrorKind::Choice { .. }
        );
        assert!(of_fhir, "{error}: {}", String::from_utf8_lossy(&text));
    });
}

#[test]
fn malformed_documents_are_refused() {
    // A stylesheet is not fetched, and scripts are the validator's: it reads what this gives.
    let accepted = ["xml-stylesheet-pi", "xml-script-narrative"];
    let archive = Archive::open("bad-input/handmade.tar.zst");
    let mut count = 0;
    for (name, bytes) in archive.files("xml") {
        count += 1;
        match read(bytes) {
            Ok(_) => assert!(accepted.contains(&name), "{name} is read"),
            Err(error) => assert!(!accepted.contains(&name), "{name}: {error}"),
        }
    }
    assert_eq!(count, 21);
}
