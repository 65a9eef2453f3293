//! Why a text is not a resource in XML, and why a resource has no XML, in words for the person who
//! wrote it.

use std::fmt;

use json::Position;

/// A refused text: why and where. Its `Display` is a sentence that ends with line and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// The element, as FHIRPath names it: `Patient.name[0].given[1]`. Empty before the root.
    pub path: String,
    /// In bytes from the beginning of the text.
    pub offset: usize,
    /// The same place for people.
    pub position: Position,
}

/// Everything that can be wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// There is no element at all.
    Empty,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The declaration names another encoding.
    Encoding(String),
    /// XML does not allow this character, however it is written.
    Character(String),
    /// A document type declaration.
    DocumentType,
    /// An entity that XML itself does not have.
    Entity(String),
    /// An `&` that begins no reference.
    Ampersand,
    /// The text is not well-formed.
    Syntax(String),
    /// The text stops before all elements are closed.
    UnexpectedEnd,
    /// Something follows the root.
    TrailingData,
    /// The element is in another namespace, or in none.
    Namespace(Option<String>),
    /// A prefix that nothing declares.
    Prefix(String),
    /// A resource should stand here.
    NotAResource {
        /// The element that stands here.
        found: String,
    },
    /// The type has no such element.
    UnknownElement {
        /// The name that was found.
        found: String,
        /// The type that does not have it.
        within: String,
        /// The name that may have been meant.
        meant: Option<String>,
    },
    /// The element has no such attribute.
    UnknownAttribute(String),
    /// The attribute is there twice.
    RepeatedAttribute(String),
    /// What is an attribute was written as an element.
    NotAnElement(String),
    /// The element was not expected after this one.
    Order {
        /// The element that came too late.
        found: String,
        /// The element before it.
        after: String,
    },
    /// An element that may be there once is there again.
    Repeated(String),
    /// A choice is there with two types.
    Choice {
        /// The element that came second.
        found: String,
        /// The element that is there already.
        before: String,
    },
    /// Text where only elements may stand.
    Text,
    /// A primitive without value, id and extensions, or an element with nothing in it.
    NoContent {
        /// Whether it is a primitive.
        primitive: bool,
    },
    /// `value=""`
    EmptyValue,
    /// The value is not one of its type.
    Value {
        /// What was found.
        found: String,
        /// What is expected.
        expected: &'static str,
    },
    /// An element that holds a resource holds none.
    NoResource,
    /// An element that holds one resource holds more.
    ManyResources,
    /// More levels of nesting than this limit.
    TooDeep(usize),
    /// More bytes than this limit.
    TooLarge(usize),
    /// More elements and attributes than this limit.
    TooManyValues(usize),
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.kind, self.position)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty
            | Self::NotUtf8
            | Self::Encoding(_)
            | Self::Character(_)
            | Self::DocumentType
            | Self::Entity(_)
            | Self::Ampersand
            | Self::Syntax(_)
            | Self::UnexpectedEnd
            | Self::TrailingData
            | Self::TooDeep(_)
            | Self::TooLarge(_)
            | Self::TooManyValues(_) => self.of_xml(f),
            Self::Namespace(_)
            | Self::Prefix(_)
            | Self::NotAResource { .. }
            | Self::UnknownElement { .. }
            | Self::UnknownAttribute(_)
            | Self::RepeatedAttribute(_)
            | Self::NotAnElement(_)
            | Self::Order { .. }
            | Self::Repeated(_)
            | Self::Choice { .. }
            | Self::Text
            | Self::NoContent { .. }
            | Self::EmptyValue
            | Self::Value { .. }
            | Self::NoResource
            | Self::ManyResources => self.of_fhir(f),
        }
    }
}

impl ErrorKind {
    /// What no XML may be.
    fn of_xml(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the document is empty: a resource is expected"),
            Self::NotUtf8 => f.write_str("these bytes are not UTF-8: FHIR is sent in UTF-8 only"),
            Self::Encoding(found) => {
                write!(f, "the declaration names the encoding {found}: FHIR is sent in UTF-8 only")
            }
            Self::Character(found) => {
                write!(f, "XML does not allow the character {found}: leave it out")
            }
            Self::DocumentType => f.write_str(
                "a document type declaration (DOCTYPE) is not accepted in FHIR: leave it out",
            ),
            Self::Entity(name) => write!(
                f,
                "the entity &{name}; is not defined in FHIR: write the character itself, or its \
                 number as in &#160;"
            ),
            Self::Ampersand => f.write_str("this '&' begins no reference: write &amp; for it"),
            Self::Syntax(what) => write!(f, "the text is not well-formed XML: {what}"),
            Self::UnexpectedEnd => f.write_str("the document ends before all elements are closed"),
            Self::TrailingData => f.write_str("the document goes on after its root element"),
            Self::TooDeep(limit) => write!(f, "elements are nested more than {limit} levels deep"),
            Self::TooLarge(limit) => write!(f, "the document has more than {limit} bytes"),
            Self::TooManyValues(limit) => {
                write!(f, "the document has more than {limit} elements and attributes")
            }
            _ => Ok(()),
        }
    }

    /// What no resource may be.
    fn of_fhir(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(None) => write!(
                f,
                "the element is in no namespace: resources are in xmlns=\"{}\", a narrative's div \
                 in xmlns=\"{}\"",
                super::NAMESPACE,
                super::XHTML
            ),
            Self::Namespace(Some(found)) => write!(
                f,
                "the element is in the namespace '{found}': resources are in xmlns=\"{}\", a \
                 narrative's div in xmlns=\"{}\"",
                super::NAMESPACE,
                super::XHTML
            ),
            Self::Prefix(prefix) => write!(
                f,
                "the prefix '{prefix}:' is not declared, or not usable here: write the element \
                 without a prefix"
            ),
            Self::NotAResource { found } => {
                write!(f, "'{found}' is not a type of resource: a resource is expected here")
            }
            Self::UnknownElement { found, within, meant } => {
                write!(f, "{within} has no element '{found}'")?;
                meant.iter().try_for_each(|meant| write!(f, ", did you mean '{meant}'?"))
            }
            Self::UnknownAttribute(name) => write!(
                f,
                "the element has no attribute '{name}': primitives have value and id, others \
                 only id"
            ),
            Self::RepeatedAttribute(name) => write!(f, "the attribute '{name}' is there twice"),
            Self::NotAnElement(name) => {
                write!(f, "'{name}' is an attribute here: write {name}=\"…\" in the start tag")
            }
            Self::Order { found, after } => write!(
                f,
                "'{found}' stands after '{after}': elements of FHIR XML have a fixed order, put \
                 it before"
            ),
            Self::Repeated(name) => write!(f, "'{name}' is there again, but may be there once"),
            Self::Choice { found, before } => {
                write!(f, "'{found}' and '{before}' are one choice: only one of them may be there")
            }
            Self::Text => f.write_str(
                "text is not allowed in an element: values stand in the attribute value, as in \
                 <family value=\"Chalmers\"/>",
            ),
            Self::NoContent { primitive: true } => {
                f.write_str("the element has no attribute 'value' and no extension: give it one")
            }
            Self::NoContent { primitive: false } => {
                f.write_str("the element is empty: put its elements in, or leave it out")
            }
            Self::EmptyValue => {
                f.write_str("the value is empty: leave the element out when there is none")
            }
            Self::Value { found, expected } => write!(f, "'{found}' is not {expected}"),
            Self::NoResource => f.write_str("a resource is expected in this element"),
            Self::ManyResources => f.write_str(
                "the element holds one resource only: repeat the element for each further one",
            ),
            _ => Ok(()),
        }
    }
}

/// What of a resource has no XML, and where: `Patient.name[0].givn`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritable {
    /// The element, as FHIRPath names it.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

impl std::error::Error for Unwritable {}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be written as XML: {}", self.path, self.reason)
    }
}
