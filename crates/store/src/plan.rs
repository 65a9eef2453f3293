//! What a reader asks for: search and history plans. No FHIR syntax, no SQL.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base::Timestamp;
use bytes::Bytes;
use fhir::search::NumberKey;

use crate::forward::Forward;
use crate::key::{Key, ParameterId, ResourceId, Rid, TypeId};

/// How many rows are read between two looks at whether anyone still waits.
const ROWS_BETWEEN_LOOKS: u64 = 4096;

/// A search over the current versions of a snapshot, deletions left out.
#[derive(Clone, Debug, Default)]
pub struct SearchPlan {
    /// The types to search, each with what must hold for it; a type that is named twice is
    /// searched once, by what stands first.
    pub types: Vec<TypeSearch>,
    /// What the caller may see, applied to matches, chains, includes and counts.
    pub restrictions: Restrictions,
    /// The first key counts most; ties, and no keys, are in the order of rids.
    pub sort: Vec<SortKey>,
    /// Of what is equal by all keys, newest first instead of oldest first.
    pub descending: bool,
    /// The last match of the page before: only what comes after it, in the plan's order.
    pub after: Option<Rid>,
    /// The most matches of this page.
    pub most: usize,
    /// Ends the search early: whoever asked has gone away or waited too long.
    pub stop: Stop,
}

/// One type of a search.
#[derive(Clone, Debug)]
pub struct TypeSearch {
    /// The type.
    pub resource_type: TypeId,
    /// What must hold.
    pub criterion: Criterion,
}

impl TypeSearch {
    /// All of a type.
    #[must_use]
    pub fn everything(resource_type: TypeId) -> Self {
        Self { resource_type, criterion: Criterion::everything() }
    }
}

/// What a caller may see, by type.
#[derive(Clone, Debug, Default)]
pub struct Restrictions {
    /// Types with a restriction of their own.
    pub types: Vec<TypeRestriction>,
    /// Whether all other types are hidden.
    pub others_hidden: bool,
}

impl Restrictions {
    /// What may be seen of a type.
    #[must_use]
    pub fn of(&self, resource_type: TypeId) -> &Restriction {
        let own = self.types.iter().find(|it| it.resource_type == resource_type);
        match own {
            Some(own) => &own.restriction,
            None if self.others_hidden => &Restriction::Nothing,
            None => &Restriction::Everything,
        }
    }
}

/// What a caller may see of one type. Carried by every plan and applied at every hop.
#[derive(Clone, Debug)]
pub struct TypeRestriction {
    /// The type.
    pub resource_type: TypeId,
    /// What of it.
    pub restriction: Restriction,
}

/// How much of a type is visible.
#[derive(Clone, Debug)]
pub enum Restriction {
    /// All of it.
    Everything,
    /// None of it.
    Nothing,
    /// What this holds for.
    Where(Criterion),
}

/// One condition on a match.
#[derive(Clone, Debug)]
pub enum Criterion {
    /// All of them hold; of none, everything does.
    All(Vec<Criterion>),
    /// At least one of them holds; of none, nothing does.
    Any(Vec<Criterion>),
    /// It does not hold: also for resources without the element.
    Not(Box<Criterion>),
    /// The id is one of these.
    Ids(Vec<ResourceId>),
    /// The resource is one of these.
    Keys(Vec<Key>),
    /// `last_updated` is in the interval.
    LastUpdated {
        /// From here on, inclusive.
        from: Option<Timestamp>,
        /// Up to here, exclusive.
        before: Option<Timestamp>,
    },
    /// A value of the parameter passes the test.
    Value(ParameterId, Test),
    /// The parameter has a value (`:missing=false`).
    Present(ParameterId),
    /// The resource is in the compartment.
    Compartment(Key),
    /// The resource is in a compartment of some resource of the type.
    CompartmentOfAny(TypeId),
    /// A reference of the parameter leads to a resource, of one of the types, that its criterion
    /// holds for.
    Chain {
        /// The parameter, of type reference.
        parameter: ParameterId,
        /// The types it is followed to.
        targets: Vec<TypeSearch>,
    },
    /// A resource that the criterion holds for refers to this one (`_has`).
    Has {
        /// The type and the condition of the resource that refers.
        source: Box<TypeSearch>,
        /// The parameter of that type, of type reference.
        parameter: ParameterId,
    },
    /// A canonical URL of the parameter is that of a resource that its criterion holds for.
    CanonicalChain {
        /// The parameter, of type reference.
        parameter: ParameterId,
        /// The types it is followed to, and how they are named.
        targets: Vec<(Address, TypeSearch)>,
    },
    /// A resource that the criterion holds for names this one by its canonical URL (`_has`).
    CanonicalHas {
        /// The type and the condition of the resource that refers.
        source: Box<TypeSearch>,
        /// The parameter of that type, of type reference.
        parameter: ParameterId,
        /// How this resource is named.
        address: Address,
    },
    /// A resource that stands within this one meets the criterion for its type.
    Inside(Inside),
    /// It holds; it stands in many places of a plan and is decided once for each type.
    Shared(Shared),
    /// A condition on the body itself, for what no index knows: it is tested last, on what the
    /// others leave.
    Body(BodyTest),
}

impl Criterion {
    /// What holds for everything.
    #[must_use]
    pub fn everything() -> Self {
        Self::All(Vec::new())
    }

    /// What holds for nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self::Any(Vec::new())
    }
}

/// A criterion that may be long and stands in many places of a plan.
#[derive(Clone)]
pub struct Shared(pub Arc<Criterion>);

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Criterion::Any(all) => write!(f, "Shared(any of {})", all.len()),
            _ => f.write_str("Shared"),
        }
    }
}

/// By what canonicals name the resources of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The type.
    pub resource_type: TypeId,
    /// Its parameter for the URL.
    pub url: ParameterId,
    /// Its parameter for the version.
    pub version: Option<ParameterId>,
}

/// A condition on resources that stand within others, and so are no versions of their own.
#[derive(Clone, Debug)]
pub struct Inside {
    /// Reads them out of a body.
    pub parts: PartsOf,
    /// What must hold, by type. The parameter has a value where there is one of the type.
    pub targets: Vec<(ParameterId, TypeSearch)>,
}

/// Reads the resources that stand within a body, as it is stored.
#[derive(Clone)]
pub struct PartsOf(pub Arc<ReadParts>);

/// The resources within a body.
pub type ReadParts = dyn Fn(&[u8]) -> Vec<Part> + Send + Sync;

impl fmt::Debug for PartsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartsOf")
    }
}

/// A resource within another.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its type, and its id within the other.
    pub key: Key,
    /// What it is found by.
    pub values: Forward,
    /// Its text.
    pub body: Bytes,
}

/// A condition on a body, as it is stored.
#[derive(Clone)]
pub struct BodyTest(pub Arc<Passes>);

/// Whether a body passes.
pub type Passes = dyn Fn(&[u8]) -> bool + Send + Sync;

impl fmt::Debug for BodyTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodyTest")
    }
}

/// Turned on by whoever no longer waits.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends the search as soon as it looks.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is to end, looked at once in a while: `count` is the number of the row.
    #[must_use]
    pub(crate) fn is_due(&self, count: u64) -> bool {
        count.saturating_sub(1).is_multiple_of(ROWS_BETWEEN_LOOKS) && self.is_set()
    }

    /// Whether it is to end.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A condition on one value, by the type of the parameter. A value of another type never passes.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// <https://hl7.org/fhir/R4/search.html#token>
    Token(TokenTest),
    /// <https://hl7.org/fhir/R4/search.html#reference>
    Reference(ReferenceTest),
    /// <https://hl7.org/fhir/R4/search.html#string>
    String(StringTest),
    /// <https://hl7.org/fhir/R4/search.html#date>
    Date {
        /// The prefix.
        comparison: Comparison,
        /// The first tick of what was asked for; as in [`fhir::search::Interval`].
        low: i64,
        /// The tick after the last.
        high: i64,
    },
    /// <https://hl7.org/fhir/R4/search.html#number>
    Number(NumberTest),
    /// <https://hl7.org/fhir/R4/search.html#quantity>
    Quantity {
        /// Which unit the value has.
        unit: UnitTest,
        /// Its number, in that unit.
        number: NumberTest,
    },
    /// <https://hl7.org/fhir/R4/search.html#uri>
    Uri(UriTest),
    /// <https://hl7.org/fhir/R4/search.html#composite>: one test for each component, all to be
    /// passed within one element.
    Composite(Vec<Test>),
    /// A value that passes none of these.
    Other(Vec<Test>),
    /// <https://hl7.org/fhir/R4/location.html#positional>
    Near {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
        /// How far away at most, in metres.
        metres: f64,
    },
}

/// A condition on a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenTest {
    /// `code`: whatever the system.
    Code(Box<str>),
    /// `system|code`; with no system `|code`: it has none.
    SystemCode {
        /// The system.
        system: Option<Box<str>>,
        /// The code.
        code: Box<str>,
    },
    /// `system|code` where case means nothing: one of the codes, however it is written.
    AnyCase {
        /// One of these; none is a token without a system.
        systems: Box<[Option<Box<str>>]>,
        /// In lower case.
        codes: Box<[Box<str>]>,
    },
    /// `system|`: whatever the code.
    System(Box<str>),
    /// `:text`: the folded text begins so, or a word in it does.
    Text(Box<str>),
    /// `:below` of a MIME type: it, or it with parameters behind a semicolon.
    Mime(Box<str>),
    /// `:of-type`: an identifier of a type, by its value.
    OfType {
        /// The system of the type; none asks for one without.
        system: Option<Box<str>>,
        /// The code of the type.
        code: Box<str>,
        /// The value of the identifier.
        value: Box<str>,
    },
}

/// A condition on a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceTest {
    /// A resource of this service.
    Resource {
        /// The resource.
        key: Key,
        /// Only references to this version.
        version: Option<Box<str>>,
    },
    /// Another URL or URN; of a canonical what stands before the `|`.
    Url {
        /// The text.
        url: Box<str>,
        /// Only this version of a canonical.
        version: Option<Box<str>>,
    },
    /// `:below` of a canonical with a version: also versions that go on behind it with a dot.
    Versions {
        /// What stands before the `|`.
        url: Box<str>,
        /// What the version is, or begins with.
        version: Box<str>,
    },
    /// `:identifier`: only code tests, system tests and both.
    Identifier(TokenTest),
}

/// A condition on a string; all texts but that of `Exact` are folded as by
/// [`fhir::search::fold`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StringTest {
    /// It begins so, case and accents aside.
    StartsWith(Box<str>),
    /// It is this, to the letter.
    Exact(Box<str>),
    /// It is this, case and accents aside.
    Is(Box<str>),
    /// It ends so, case and accents aside.
    EndsWith(Box<str>),
    /// It holds this, case and accents aside.
    Contains(Box<str>),
}

/// A condition on a URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UriTest {
    /// It is this; with a version it is that version of a canonical.
    Exact {
        /// The text.
        url: Box<str>,
        /// The version of a canonical.
        version: Option<Box<str>>,
    },
    /// It is this, or goes on behind it with a `/` (or `:` of a URN, or `#` or `?`).
    Below(Box<str>),
    /// This is it, or goes on behind it.
    Above(Box<str>),
}

/// How a value's range and the searched range lie (<https://hl7.org/fhir/R4/search.html#prefix>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The searched range contains the value's.
    Equal,
    /// It does not.
    NotEqual,
    /// Something of the value's lies above the searched range.
    Greater,
    /// Something of the value's lies below it.
    Less,
    /// Greater or equal: something of the value's lies within the searched range or above it.
    GreaterOrEqual,
    /// Less or equal: something of it lies within or below.
    LessOrEqual,
    /// All of the value's lies above it.
    StartsAfter,
    /// All of the value's lies below it.
    EndsBefore,
    /// They overlap; whoever asks has widened the searched range.
    Overlaps,
}

/// A condition on a number or a range of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberTest {
    /// The prefix.
    pub comparison: Comparison,
    /// The number itself, which all but equality compares with.
    pub exact: NumberKey,
    /// The least number that is written like it, included; for equality and overlaps.
    pub low: NumberKey,
    /// The number above all that are written like it, excluded.
    pub high: NumberKey,
}

/// A condition on a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitTest {
    /// Whatever it is.
    Any,
    /// As it was given: this code or this text of the unit, in this system when one is named.
    Given {
        /// The system.
        system: Option<Box<str>>,
        /// The code or the text.
        code: Box<str>,
    },
    /// In UCUM's base units, which must be these; the number is in them.
    Canonical(Box<str>),
}

/// One key of a sort.
#[derive(Clone, Debug)]
pub struct SortKey {
    /// What is compared.
    pub by: SortBy,
    /// Largest first, by the largest value, without one last; else smallest first, by the
    /// smallest value, without one first.
    pub descending: bool,
}

/// What a sort compares.
#[derive(Clone, Debug)]
pub enum SortBy {
    /// The time of the last change.
    LastUpdated,
    /// The id, as text.
    Id,
    /// The values of a parameter, for each type that has it.
    Parameter(Vec<(TypeId, ParameterId)>),
    /// The values of a parameter of what a reference leads to.
    Chain {
        /// The reference.
        parameter: ParameterId,
        /// What is compared, by the type it leads to.
        targets: Vec<(TypeId, ParameterId)>,
    },
}

/// A rule of what goes onto a page besides its matches.
#[derive(Clone, Debug)]
pub struct Include {
    /// The type that has the reference.
    pub source: TypeId,
    /// Its parameters of type reference.
    pub parameters: Vec<ParameterId>,
    /// Those of them that may name a resource by its canonical URL, and how.
    pub canonicals: Vec<(ParameterId, Address)>,
    /// Only what is of this type on the other side.
    pub target: Option<TypeId>,
    /// From what is referred to, to what refers (`_revinclude`).
    pub reverse: bool,
    /// Again for what was included (`:iterate`).
    pub iterate: bool,
}

/// What was found besides the matches.
#[derive(Clone, Debug, Default)]
pub struct Included {
    /// Each once, none of the matches, in the order in which they were reached.
    pub rids: Vec<Rid>,
    /// There are more than were asked for.
    pub more: bool,
    /// An `:iterate` came back to where it had been.
    pub circular: bool,
}

/// Whose history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HistoryOf {
    /// One resource's.
    Instance(Key),
    /// That of all resources of a type.
    Type(TypeId),
    /// That of all resources.
    System,
}

/// A history: all versions, deletions included, newest first unless it says otherwise.
#[derive(Clone, Debug)]
pub struct HistoryPlan {
    /// Whose.
    pub of: HistoryOf,
    /// What the caller may see: versions are measured by what they held themselves.
    pub restrictions: Restrictions,
    /// `last_updated` from here on, inclusive.
    pub since: Option<Timestamp>,
    /// `last_updated` up to here, exclusive.
    pub before: Option<Timestamp>,
    /// Only what was current at this moment or came after it; a deletion is current of nothing.
    pub current_from: Option<Timestamp>,
    /// Only the histories of these, when there is such a list.
    pub only: Option<Vec<Key>>,
    /// Oldest first.
    pub ascending: bool,
    /// Ends it early: whoever asked has gone away or waited too long.
    pub stop: Stop,
}

impl HistoryPlan {
    /// The whole history of `of`, unrestricted.
    #[must_use]
    pub fn of(of: HistoryOf) -> Self {
        Self {
            of,
            restrictions: Restrictions::default(),
            since: None,
            before: None,
            current_from: None,
            only: None,
            ascending: false,
            stop: Stop::default(),
        }
    }
}
