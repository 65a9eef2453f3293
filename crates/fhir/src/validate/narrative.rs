//! <https://hl7.org/fhir/R4/narrative.html>: a `div` of XHTML, well-formed, with only the elements
//! and attributes that R4 lists, and nothing that runs.
//!
//! The text may be read as XML or as HTML, so what the two understand differently is refused:
//! CDATA, processing instructions, comments that HTML ends elsewhere.

use super::issue::IssueCode;
use super::primitive::{Wrong, no_controls};
use super::say::excerpt;

/// One thing that is wrong with a narrative.
#[derive(Debug)]
pub struct Fault {
    /// Structure where it is not well-formed, invariant where a rule of R4 is broken.
    pub code: IssueCode,
    /// `txt-1` or `txt-2`.
    pub key: Option<&'static str>,
    /// What is wrong.
    pub text: String,
}

/// Faults of one narrative that are told.
const MOST: usize = 20;

const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// What txt-1 lists, and what the chapters of HTML 4.0 that it names have beside. Sorted.
const ELEMENTS: [&str; 51] = [
    "a",
    "abbr",
    "acronym",
    "address",
    "b",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "ul",
    "var",
];

/// What txt-1 lists. Sorted.
const ATTRIBUTES: [&str; 50] = [
    "abbr",
    "accesskey",
    "align",
    "alt",
    "axis",
    "bgcolor",
    "border",
    "cellhalign",
    "cellpadding",
    "cellspacing",
    "cellvalign",
    "char",
    "charoff",
    "charset",
    "cite",
    "class",
    "colspan",
    "compact",
    "coords",
    "dir",
    "frame",
    "headers",
    "height",
    "href",
    "hreflang",
    "hspace",
    "id",
    "lang",
    "longdesc",
    "name",
    "nowrap",
    "rel",
    "rev",
    "rowspan",
    "rules",
    "scope",
    "shape",
    "span",
    "src",
    "start",
    "style",
    "summary",
    "tabindex",
    "title",
    "type",
    "valign",
    "value",
    "vspace",
    "width",
    "xml:lang",
];

/// Everything that is wrong with a `div`; nothing when it may be shown as it is.
#[must_use]
pub fn check(text: &str) -> Vec<Fault> {
    let mut reader =
        Reader { rest: text.trim(), open: Vec::new(), faults: Vec::new(), content: false };
    if let Err(why) = reader.read() {
        let text = format!("The narrative is not well-formed XHTML: {why}.");
        reader.faults.push(Fault { code: IssueCode::Structure, key: None, text });
    } else if !reader.content {
        let text = "The narrative says nothing: a div has text, or an image with a src.";
        reader.broken("txt-2", text.to_owned());
    }
    reader.faults
}

struct Reader<'t> {
    rest: &'t str,
    open: Vec<&'t str>,
    faults: Vec<Fault>,
    /// Whether there is anything to see.
    content: bool,
}

/// Why a text is not well-formed.
type Read<T> = Result<T, String>;

impl<'t> Reader<'t> {
    fn broken(&mut self, key: &'static str, text: String) {
        if self.faults.len() < MOST {
            self.faults.push(Fault { code: IssueCode::Invariant, key: Some(key), text });
        }
    }

    fn read(&mut self) -> Read<()> {
        if let Err(Wrong::Text(why)) = no_controls(self.rest) {
            return Err(why.into_owned());
        }
        if !self.rest.starts_with("<div") {
            return Err("it begins with <div xmlns=\"http://www.w3.org/1999/xhtml\">".to_owned());
        }
        loop {
            self.markup()?;
            if self.open.is_empty() {
                break;
            }
            self.text()?;
        }
        if self.rest.is_empty() { Ok(()) } else { Err("something follows the div".to_owned()) }
    }

    /// What stands between two tags.
    fn text(&mut self) -> Read<()> {
        let (text, rest) = match self.rest.find('<') {
            Some(at) => self.rest.split_at_checked(at).unwrap_or_default(),
            None => {
                let open = self.open.last().copied().unwrap_or_default();
                return Err(format!("<{open}> is not closed"));
            }
        };
        self.rest = rest;
        references(text)?;
        if text.contains("]]>") {
            return Err("']]>' is written ']]&gt;'".to_owned());
        }
        self.content |= !text.trim().is_empty();
        Ok(())
    }

    /// A tag or a comment.
    fn markup(&mut self) -> Read<()> {
        if let Some(rest) = self.rest.strip_prefix("<!--") {
            return self.comment(rest);
        }
        if let Some(rest) = self.rest.strip_prefix("</") {
            return self.end_tag(rest);
        }
        if self.rest.starts_with("<!") || self.rest.starts_with("<?") {
            let what = "declarations, CDATA and processing instructions have no place in it";
            return Err(what.to_owned());
        }
        self.start_tag()
    }

    fn comment(&mut self, rest: &'t str) -> Read<()> {
        let (comment, rest) = rest.split_once("--").ok_or("a comment is not closed")?;
        // HTML ends these at once, and what follows would be shown.
        if comment.starts_with('>') || comment.starts_with("->") {
            return Err("a comment begins with '>'".to_owned());
        }
        self.rest = rest.strip_prefix('>').ok_or("a comment has '--' inside")?;
        Ok(())
    }

    fn end_tag(&mut self, rest: &'t str) -> Read<()> {
        let (name, rest) = rest.split_once('>').ok_or("a tag is not closed")?;
        let name = name.trim_ascii_end();
        match self.open.pop() {
            Some(open) if open == name => {
                self.rest = rest;
                Ok(())
            }
            Some(open) => Err(format!("<{open}> is closed by </{}>", excerpt(name))),
            None => Err(format!("</{}> closes nothing", excerpt(name))),
        }
    }

    fn start_tag(&mut self) -> Read<()> {
        let rest = self.rest.strip_prefix('<').unwrap_or_default();
        let (name, mut rest) = name(rest).ok_or("a '<' begins no tag: write &lt;")?;
        if ELEMENTS.binary_search(&name).is_err() {
            let text = format!("The narrative has a <{}>, which R4 does not allow.", excerpt(name));
            self.broken("txt-1", text);
        }
        let mut seen: Vec<&str> = Vec::new();
        loop {
            let trimmed = rest.trim_ascii_start();
            if let Some(rest) = trimmed.strip_prefix('>') {
                self.open.push(name);
                self.rest = rest;
                return Ok(());
            }
            if let Some(rest) = trimmed.strip_prefix("/>") {
                self.rest = rest;
                return Ok(());
            }
            if trimmed.len() == rest.len() {
                return Err(format!("the tag <{}> is malformed", excerpt(name)));
            }
            let (attribute, value, after) = attribute(trimmed)
                .ok_or_else(|| format!("an attribute of <{}> is malformed", excerpt(name)))?;
            if seen.contains(&attribute) {
                return Err(format!("<{name}> has the attribute {} twice", excerpt(attribute)));
            }
            seen.push(attribute);
            self.attribute(name, attribute, value)?;
            rest = after;
        }
    }

    fn attribute(&mut self, element: &str, name: &str, value: &str) -> Read<()> {
        references(value)?;
        if value.contains('<') {
            return Err(format!("the attribute {} holds a '<'", excerpt(name)));
        }
        if name == "xmlns" {
            if value != XHTML {
                return Err(format!("the namespace is {XHTML}, not {}", excerpt(value)));
            }
            return Ok(());
        }
        if ATTRIBUTES.binary_search(&name).is_err() {
            let text = format!(
                "The narrative has an attribute {} on a <{element}>, which R4 does not allow.",
                excerpt(name)
            );
            self.broken("txt-1", text);
        } else if is_active(name, value) {
            let text = format!("The {name} of a <{element}> in the narrative would run something.");
            self.broken("txt-1", text);
        }
        self.content |= element == "img" && name == "src";
        Ok(())
    }
}

/// Splits the name off that a text begins with.
fn name(text: &str) -> Option<(&str, &str)> {
    let ends = |c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | ':' | '.'));
    let (name, rest) = text.split_at_checked(text.find(ends)?)?;
    name.starts_with(|c: char| c.is_alphabetic() || c == '_').then_some((name, rest))
}

/// Splits off `name="value"`: the name, the value, and the rest.
fn attribute(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = name(text)?;
    let rest = rest.trim_ascii_start().strip_prefix('=')?.trim_ascii_start();
    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (value, rest) = rest.get(1..)?.split_once(quote)?;
    Some((name, value, rest))
}

/// Every `&` begins a character reference or one of the five entities of XML.
fn references(text: &str) -> Read<()> {
    for piece in text.split('&').skip(1) {
        let reference = piece.split_once(';').map(|(reference, _)| reference);
        if reference.and_then(character).is_none() {
            let found = excerpt(piece.split([';', ' ', '<']).next().unwrap_or_default());
            return Err(format!(
                "'&{found}' is no entity of XML: write the character itself, &#…; or &amp;"
            ));
        }
    }
    Ok(())
}

/// The character of a reference, without its `&` and `;`.
fn character(reference: &str) -> Option<char> {
    match reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = reference.strip_prefix('#')?;
            let number = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            let character = char::from_u32(number.ok()?)?;
            (character >= ' ' || matches!(character, '\t' | '\n' | '\r')).then_some(character)
        }
    }
}

/// Whether a browser would run something for the value of an attribute.
fn is_active(name: &str, value: &str) -> bool {
    // Browsers pass over white space and controls in schemes, and over backslashes in styles.
    let plain: String = decoded(value)
        .chars()
        .filter(|c| !c.is_whitespace() && !c.is_control() && *c != '\\')
        .flat_map(char::to_lowercase)
        .collect();
    let scheme = |scheme: &str| plain.starts_with(scheme);
    match name {
        "style" => {
            ["javascript:", "vbscript:", "expression(", "behavior:", "-moz-binding", "@import"]
                .iter()
                .any(|active| plain.contains(active))
        }
        "src" => {
            scheme("javascript:")
                || scheme("vbscript:")
                || (scheme("data:") && !scheme("data:image/"))
        }
        "href" | "cite" | "longdesc" => {
            scheme("javascript:") || scheme("vbscript:") || scheme("data:")
        }
        _ => false,
    }
}

/// A value with its references resolved.
fn decoded(value: &str) -> String {
    let mut pieces = value.split('&');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (reference, rest) = piece.split_once(';').unwrap_or_default();
        out.extend(character(reference));
        out.push_str(rest);
    }
    out
}
