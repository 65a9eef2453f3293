//! What is read, what is refused and where, and what is written.

use json::{Document, Limits};

use super::*;

/// The text with `xmlns` put in, so that rows are short.
fn with_namespace(text: &str) -> String {
    text.replacen("<Patient", "<Patient xmlns=\"http://hl7.org/fhir\"", 1)
}

fn read(text: &str) -> Result<String, Error> {
    let json = to_json(Definitions::r4(), text.as_bytes(), &Limits::default())?;
    Ok(String::from_utf8(json).expect("JSON is UTF-8"))
}

fn write(json: &str, pretty: bool) -> Result<String, Unwritable> {
    let document = Document::parse(json.to_owned(), &Limits::default()).expect("a test has JSON");
    let mut out = Vec::new();
    from_json(Definitions::r4(), document.root(), pretty, &mut out)?;
    Ok(String::from_utf8(out).expect("XML is UTF-8"))
}

/// Reads as this JSON and is written the same.
#[track_caller]
fn both(inside: &str, json: &str) {
    let (xml, json) = (format!("<Patient>{inside}</Patient>"), patient(json));
    assert_eq!(read(&with_namespace(&xml)).as_deref(), Ok(json.as_str()));
    let declared = format!("{}{}", String::from_utf8_lossy(DECLARATION), with_namespace(&xml));
    assert_eq!(write(&json, false), Ok(declared));
}

/// Reads as this JSON; is written otherwise.
#[track_caller]
fn reads(inside: &str, json: &str) {
    let xml = with_namespace(&format!("<Patient>{inside}</Patient>"));
    assert_eq!(read(&xml), Ok(patient(json)));
}

fn patient(json: &str) -> String {
    format!("{{\"resourceType\":\"Patient\",{json}}}")
}

/// Is refused there, with these words.
#[track_caller]
fn refused(text: &str, path: &str, place: &str, words: &str) {
    let error = read(text).expect_err(text);
    assert_eq!(
        (error.path.as_str(), error.position.to_string().as_str()),
        (path, place),
        "{error}"
    );
    assert!(error.to_string().contains(words), "{error}");
}

#[track_caller]
fn refused_inside(inside: &str, path: &str, words: &str) {
    let text = with_namespace(&format!("<Patient>\n{inside}</Patient>"));
    refused(&text, path, "line 2, column 1", words);
}

const PATIENT: &str = "<Patient xmlns=\"http://hl7.org/fhir\">";

#[test]
fn primitives_are_attributes_of_the_types_of_json() {
    both(r#"<id value="p"/><active value="true"/>"#, r#""id":"p","active":true"#);
    both(r#"<multipleBirthInteger value="2"/>"#, r#""multipleBirthInteger":2"#);
    let decimal = |text| {
        let url = "<extension url=\"u\"><valueDecimal value=\"";
        let json = format!("\"extension\":[{{\"url\":\"u\",\"valueDecimal\":{text}}}]");
        both(&format!("{url}{text}\"/></extension>"), &json);
    };
    let numbers = ["1.50", "-0.0", "1e5", "1E-245", "0", "100000000000000000000.1"];
    numbers.into_iter().for_each(decimal);
}

#[test]
fn ids_and_extensions_of_primitives_stand_beside_them() {
    both(
        concat!(
            r#"<birthDate id="b" value="1974"><extension url="u"><valueCode value="c"/>"#,
            "</extension></birthDate>"
        ),
        r#""birthDate":"1974","_birthDate":{"id":"b","extension":[{"url":"u","valueCode":"c"}]}"#,
    );
    both(r#"<birthDate id="b"/>"#, r#""_birthDate":{"id":"b"}"#);
    both(
        concat!(
            r#"<name><given id="1"/><given value="B"/><given id="3" value="C"/>"#,
            r#"<given value="D"/></name>"#
        ),
        r#""name":[{"given":[null,"B","C","D"],"_given":[{"id":"1"},null,{"id":"3"},null]}]"#,
    );
    both(
        r#"<name><given id="1"/><given id="2"/></name>"#,
        r#""name":[{"_given":[{"id":"1"},{"id":"2"}]}]"#,
    );
    both(r#"<name id="n"><family value="F"/></name>"#, r#""name":[{"id":"n","family":"F"}]"#);
    reads(r#"<birthDate value="1974"></birthDate>"#, r#""birthDate":"1974""#);
}

#[test]
fn resources_stand_in_resources() {
    both(
        concat!(
            r#"<contained><Organization><id value="o"/></Organization></contained><contained>"#,
            r#"<Basic><id value="b"/></Basic></contained><managingOrganization>"#,
            r##"<reference value="#o"/></managingOrganization>"##
        ),
        concat!(
            r#""contained":[{"resourceType":"Organization","id":"o"},"#,
            r#"{"resourceType":"Basic","id":"b"}],"#,
            r##""managingOrganization":{"reference":"#o"}"##
        ),
    );
}

#[test]
fn characters_are_written_so_that_they_are_read_again() {
    both(
        "<name><text value=\"&lt;&amp;&quot;'&#9;&#10;&#13;é&lt;\"/></name>",
        r#""name":[{"text":"<&\"'\t\n\ré<"}]"#,
    );
    reads(
        "<name><text value='a\"&gt;&apos;&#xe9;\tb\r\nc\nd'/></name>",
        r#""name":[{"text":"a\">'é b c d"}]"#,
    );
}

#[test]
fn a_div_keeps_its_bytes() {
    let div = r#"<div xmlns="http://www.w3.org/1999/xhtml"><p class='a'>A &amp; &lt;b&gt; &#xa0;"</p><!-- c --><br/></div>"#;
    let text = format!("<text><status value=\"generated\"/>{div}</text>");
    let json = |div: &str| {
        format!("\"text\":{{\"status\":\"generated\",\"div\":\"{}\"}}", div.replace('"', "\\\""))
    };
    both(&text, &json(div));
    both(&text.replace("<br/>", "a&#13;\n"), &json(&div.replace("<br/>", "a\\r\\n")));
    reads(&text.replace("<br/>", "a\r\nb\rc"), &json(&div.replace("<br/>", "a\\nb\\nc")));
    both(
        &text.replace(div, &div.replace("<p", "<q").replace("</p>", "</q>")),
        &json(&div.replace("<p", "<q").replace("</p>", "</q>")),
    );
}

#[test]
fn a_div_that_is_no_markup_is_shown_as_text() {
    let rows = [
        ("<div>a</div>", r#"<div xmlns="http://www.w3.org/1999/xhtml">a</div>"#),
        ("<div/>", r#"<div xmlns="http://www.w3.org/1999/xhtml"/>"#),
        (
            "<div>a</div></text><active value='false'/><text>",
            r#"<div xmlns="http://www.w3.org/1999/xhtml">&lt;div&gt;a&lt;/div&gt;&lt;/text&gt;&lt;active value='false'/&gt;&lt;text&gt;</div>"#,
        ),
        (
            "<div>&nbsp;<br></div>",
            r#"<div xmlns="http://www.w3.org/1999/xhtml">&lt;div&gt;&amp;nbsp;&lt;br&gt;&lt;/div&gt;</div>"#,
        ),
        ("<div><a b='<'/></div>", "&lt;a b="),
        ("<div><a b='1' b='2'/></div>", "&lt;a b="),
        ("<div><x:a/></div>", "&lt;x:a"),
        ("<div><1/></div>", "&lt;1/"),
        ("<div>]]></div>", "]]&gt;&lt;/div&gt;"),
        ("<div><?php ?></div>", "&lt;?php"),
        ("<div><!-- -- --></div>", "&lt;!--"),
        ("<!DOCTYPE div><div/>", "&lt;!DOCTYPE"),
        ("<p/>", "&lt;p/&gt;"),
        ("<div xmlns='urn:x'/>", "&lt;div xmlns='urn:x'/&gt;"),
        ("", "\"></div>"),
        ("plain", ">plain</div>"),
    ];
    for (div, expected) in rows {
        let found = write(&patient(&format!("\"text\":{{\"div\":\"{div}\"}}")), false);
        let found = found.expect("a div is always written");
        assert!(found.contains(expected), "{found}");
        read(&found).expect("what is written is read");
    }
}

#[test]
fn comments_instructions_and_prefixes_are_understood() {
    let expected = Ok(patient("\"active\":true"));
    let rows = [
        "\u{FEFF}<?xml version=\"1.0\" encoding='utf-8'?><?a b?>\n<!-- c --><Patient xmlns='http://hl7.org/fhir'>\n <!-- d --> <active value=\"true\" /></Patient>\n<!-- e -->\n",
        "<f:Patient xmlns:f='http://hl7.org/fhir'><f:active value='true'/></f:Patient>",
        "<Patient xmlns='http://hl7.org/fhir' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='http://hl7.org/fhir patient.xsd'><active xmlns='http://hl7.org/fhir' value='true'/></Patient>",
    ];
    for text in rows {
        assert_eq!(read(text), expected);
    }
}

#[test]
fn what_is_not_xml_is_refused() {
    let start = "line 1, column 1";
    refused("", "", start, "is empty");
    refused(" <!-- only --> ", "", start, "is empty");
    refused("hello", "", start, "text is not allowed");
    refused("<!DOCTYPE Patient><Patient/>", "", start, "DOCTYPE");
    refused("<?xml version='1.0' encoding='ISO-8859-1'?><Patient/>", "", start, "ISO-8859-1");
    refused(&format!(" <?xml version='1.0'?>{PATIENT}"), "", "line 1, column 2", "beginning");
    refused(&format!("{PATIENT}<active"), "Patient", "line 1, column 38", "well-formed");
    refused(&format!("{PATIENT}\n"), "Patient", "line 2, column 1", "ends before");
    refused(&format!("{PATIENT}</Person>"), "Patient", "line 1, column 38", "well-formed");
    let whole = format!("{PATIENT}<active value=\"true\"/></Patient>");
    refused(&format!("{whole}{whole}"), "", "line 1, column 70", "goes on");
    refused(&format!("{whole}x"), "", "line 1, column 70", "goes on");
    refused(&format!("{whole}\u{1}"), "", "line 1, column 70", "U+0001");
    let bytes =
        [b"<Patient a=\"\xE9\"".as_slice(), b"<\0P\0".as_slice(), b"\xFE\xFF\0<".as_slice()];
    for bytes in bytes {
        assert!(to_json(Definitions::r4(), bytes, &Limits::default()).is_err());
    }
}

#[test]
fn what_is_not_fhir_is_refused_where_it_stands() {
    refused("<Patient/>", "", "line 1, column 1", "no namespace");
    refused("<Patient xmlns='urn:hl7-org:v3'/>", "", "line 1, column 1", "'urn:hl7-org:v3'");
    refused("<a:Patient/>", "", "line 1, column 1", "'a:'");
    refused("<Resource xmlns='http://hl7.org/fhir'/>", "", "line 1, column 1", "not a type");
    refused_inside("<activ value='true'/>", "Patient", "Patient has no element 'activ'");
    refused_inside("<Active value='true'/>", "Patient", "did you mean 'active'?");
    refused_inside("<_active id='a'/>", "Patient", "no element '_active'");
    refused_inside("<multipleBirth value='2'/>", "Patient", "no element 'multipleBirth'");
    refused_inside("<resourceType value='Patient'/>", "Patient", "no element");
    refused_inside("<active/>", "Patient.active", "no attribute 'value'");
    refused_inside("<active></active>", "Patient.active", "no attribute 'value'");
    refused_inside("<name/>", "Patient.name[0]", "is empty");
    refused_inside("<name value='x'/>", "Patient.name[0]", "no attribute 'value'");
    refused_inside("<active value=''/>", "Patient.active", "not true or false");
    refused_inside("<gender value=''/>", "Patient.gender", "value is empty");
    refused_inside("<active value='yes'/>", "Patient.active", "'yes' is not true or false");
    refused_inside("<multipleBirthInteger value='+2'/>", "Patient.multipleBirthInteger", "'+2'");
    refused_inside("<active VALUE='true'/>", "Patient.active", "no attribute 'VALUE'");
    refused_inside("<active value='true' x:y='1'/>", "Patient.active", "'x:y'");
    refused_inside("<active value='true' url='1'/>", "Patient.active", "'url'");
    refused_inside("<active value='true' value='true'/>", "Patient", "is there twice");
    refused_inside("<active value='true'id='a'/>", "Patient", "name=\"value\" is expected");
    refused_inside("<active value=true/>", "Patient", "name=\"value\" is expected");
    refused_inside("<gender value='&x;'/>", "Patient.gender", "entity &x;");
    refused_inside("<gender value='a & b'/>", "Patient.gender", "write &amp;");
    refused_inside("<gender value='&#0;'/>", "Patient.gender", "&#0;");
    refused_inside("<gender value='&#xD800;'/>", "Patient.gender", "&#xD800;");
    refused_inside("<gender value='a<b'/>", "Patient.gender", "&lt;");
    refused_inside("<div xmlns='http://www.w3.org/1999/xhtml'/>", "Patient", "in the namespace");
    refused_inside("<contained/>", "Patient.contained[0]", "resource is expected");
    refused_inside("<contained id='a'><Basic/></contained>", "Patient.contained[0]", "'id'");
    let url = "<extension url='u'><id value='x'/></extension>";
    refused(
        &format!("{PATIENT}{url}"),
        "Patient.extension[0]",
        "line 1, column 57",
        "attribute here",
    );
}

#[test]
fn text_order_and_repetition_are_refused_where_they_stand() {
    let rows = [
        ("<active>true</active>", "Patient.active", 46, "text is not allowed"),
        ("<active><![CDATA[true]]></active>", "Patient.active", 46, "text is not allowed"),
        ("<active>&amp;</active>", "Patient.active", 46, "text is not allowed"),
        ("<active>&amp</active>", "Patient.active", 46, "well-formed"),
        ("<name><given value='A'/><given>B</given></name>", "Patient.name[0].given[1]", 69, "text"),
        ("<active value='true'/><active value='true'/>", "Patient", 60, "may be there once"),
        ("<gender value='male'/><active value='true'/>", "Patient", 60, "stands after 'gender'"),
        (
            "<deceasedBoolean value='true'/><deceasedDateTime value='2020'/>",
            "Patient",
            69,
            "choice",
        ),
        ("<text><div xmlns='http://hl7.org/fhir'/></text>", "Patient.text", 44, "namespace"),
        ("<text><div/></text>", "Patient.text", 44, "namespace"),
        (
            "<contained><Basic><id value='b'/></Basic><Basic/></contained>",
            "Patient.contained[0]",
            79,
            "one resource",
        ),
        ("<contained><Basc/></contained>", "Patient.contained[0]", 49, "'Basc'"),
    ];
    for (inside, path, column, words) in rows {
        let text = format!("{PATIENT}{inside}</Patient>");
        refused(&text, path, &format!("line 1, column {column}"), words);
    }
    let text = "<text><div xmlns=\"http://www.w3.org/1999/xhtml\">\n<p>&nbsp;</p></div></text>";
    let text = format!("{PATIENT}{text}</Patient>");
    refused(&text, "Patient.text.div", "line 2, column 4", "&nbsp;");
}

#[test]
fn what_is_read_is_limited() {
    let deep = |levels: usize| {
        let (open, close) = ("<extension url='u'>".repeat(levels), "</extension>".repeat(levels));
        with_namespace(&format!("<Patient>{open}<valueCode value='c'/>{close}</Patient>"))
    };
    let check = |text: &str, limits: Limits| {
        to_json(Definitions::r4(), text.as_bytes(), &limits).err().map(|error| error.kind)
    };
    let limits = Limits { depth: 10, ..Limits::default() };
    assert_eq!(check(&deep(9), limits), None);
    assert_eq!(check(&deep(10), limits), Some(ErrorKind::TooDeep(10)));
    let text = deep(1);
    let limits = Limits { bytes: text.len(), ..Limits::default() };
    assert_eq!(check(&text, limits), None);
    assert_eq!(check(&format!("{text} "), limits), Some(ErrorKind::TooLarge(text.len())));
    // Three elements and two attributes.
    let limits = |nodes| Limits { nodes, ..Limits::default() };
    assert_eq!(check(&text, limits(5)), None);
    assert_eq!(check(&text, limits(4)), Some(ErrorKind::TooManyValues(4)));
}

#[test]
fn elements_are_written_in_their_order() {
    let json = concat!(
        r#"{"gender":"male","name":[{"_given":[{"id":"g"}],"family":"F"}],"_gender":{"id":"x"},"#,
        r#""resourceType":"Patient","id":"p"}"#
    );
    let expected = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<Patient xmlns=\"http://hl7.org/fhir\">\n",
        "  <id value=\"p\"/>\n",
        "  <name>\n",
        "    <family value=\"F\"/>\n",
        "    <given id=\"g\"/>\n",
        "  </name>\n",
        "  <gender id=\"x\" value=\"male\"/>\n",
        "</Patient>"
    );
    assert_eq!(write(json, true).as_deref(), Ok(expected));
}

#[test]
fn what_xml_cannot_hold_is_named() {
    let rows = [
        ("[]", "", "resourceType"),
        (r#"{"resourceType":"Patien"}"#, "", "Patien"),
        (r#"{"resourceType":"Patient","activ":true}"#, "Patient.activ", "no such element"),
        (r#"{"resourceType":"Patient","multipleBirth":2}"#, "Patient.multipleBirth", "no such"),
        (r#"{"resourceType":"Patient","active":{}}"#, "Patient.active", "primitive"),
        (r#"{"resourceType":"Patient","name":{}}"#, "Patient.name", "array"),
        (r#"{"resourceType":"Patient","name":[1]}"#, "Patient.name[0]", "object"),
        (r#"{"resourceType":"Patient","name":[null]}"#, "Patient.name[0]", "object"),
        (r#"{"resourceType":"Patient","text":{"div":1}}"#, "Patient.text.div", "string"),
        (r#"{"resourceType":"Patient","gender":"\u0001"}"#, "Patient.gender", "U+0001"),
        (r#"{"resourceType":"Patient","contained":[{}]}"#, "Patient.contained[0]", "resourceType"),
    ];
    for (json, path, words) in rows {
        let error = write(json, false).expect_err(json);
        assert_eq!(error.path, path, "{error}");
        assert!(error.reason.contains(words), "{error}");
    }
}
