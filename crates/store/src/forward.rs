//! The packed search values of one version: what the index rows are made of, and what answers
//! everything that no index row tells exactly.
//!
//! A value is the number of its parameter, its length, a byte for its type, and its fields. Texts
//! and numbers carry their lengths; a missing one has the length 0, others one more than theirs.

use std::ops::Range as Span;

use base::Timestamp;
use fhir::search::{Bounds, Interval, NumberKey, Position, Quantity, Reference, Token, Value};
use fhir::value;

use crate::key::{Key, ParameterId, ResourceId, TypeId};
use crate::leb128;

const TOKEN: u8 = 1;
const REFERENCE: u8 = 2;
const STRING: u8 = 3;
const DATE: u8 = 4;
const NUMBER: u8 = 5;
const QUANTITY: u8 = 6;
const URI: u8 = 7;
const COMPOSITE: u8 = 8;
const POSITION: u8 = 9;

/// The most bytes of a length.
const LENGTH_BYTES: u32 = 5;

/// Most values take less room.
const ENTRY_BYTES: usize = 64;

/// Behind the key of a bound that is no value itself, as of `<5`: no key ends so.
const OPEN: u8 = 1;

/// Packed search values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forward(Vec<u8>);

/// Finds the number of a resource type by its name.
pub type TypeNames<'n> = &'n dyn Fn(&str) -> Option<TypeId>;

impl Forward {
    /// Packs values, in any order; one that comes twice is kept once.
    #[must_use]
    pub fn pack(values: &[(ParameterId, Value<'_>)], names: TypeNames<'_>) -> Self {
        Self::of(values.iter().map(|(parameter, value)| (*parameter, value)), names)
    }

    /// Packs values that stand where they were found.
    #[must_use]
    pub fn of<'v>(
        values: impl Iterator<Item = (ParameterId, &'v Value<'v>)>,
        names: TypeNames<'_>,
    ) -> Self {
        let most = values.size_hint().1.unwrap_or_default();
        let mut bytes = Vec::with_capacity(ENTRY_BYTES * most);
        let mut entries = Vec::with_capacity(most);
        let mut last = None;
        for (parameter, value) in values {
            let start = bytes.len();
            bytes.extend_from_slice(&parameter.0.to_be_bytes());
            framed(&mut bytes, |out| Packer { out, names, last: &mut last }.value(value));
            entries.push((parameter, start..bytes.len()));
        }
        let text = |entry: &Span<usize>| bytes.get(entry.clone()).unwrap_or_default();
        // In the order of their bytes, which begin with the parameter.
        entries.sort_unstable_by(|(one, its), (two, theirs)| {
            one.cmp(two).then_with(|| text(its).cmp(text(theirs)))
        });
        entries.dedup_by(|(one, its), (two, theirs)| one == two && text(its) == text(theirs));
        let mut packed = Vec::with_capacity(bytes.len());
        entries.iter().for_each(|(_, entry)| packed.extend_from_slice(text(entry)));
        Self(packed)
    }

    /// The bytes, as they are kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn view(&self) -> Values<'_> {
        Values(&self.0)
    }
}

/// Packed values, read in place.
#[derive(Clone, Copy)]
pub(crate) struct Values<'f>(pub(crate) &'f [u8]);

impl<'f> Values<'f> {
    /// All values; ends where bytes are broken.
    pub(crate) fn all(self) -> impl Iterator<Item = (ParameterId, Packed<'f>)> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (parameter, value) = entry(&mut rest)?;
            Some((parameter, Unpacker(value).value()?))
        })
    }

    /// The values of one parameter.
    pub(crate) fn of(self, wanted: ParameterId) -> impl Iterator<Item = Packed<'f>> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            loop {
                let (parameter, value) = entry(&mut rest)?;
                if parameter == wanted {
                    return Unpacker(value).value();
                }
                // They stand in the order of their parameters.
                if parameter > wanted {
                    return None;
                }
            }
        })
    }
}

fn entry<'f>(rest: &mut &'f [u8]) -> Option<(ParameterId, &'f [u8])> {
    let (parameter, tail) = rest.split_first_chunk::<8>()?;
    let mut tail = Unpacker(tail);
    let value = tail.bytes()?;
    *rest = tail.0;
    Some((ParameterId(u64::from_be_bytes(*parameter)), value?))
}

/// A value in its packed form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Packed<'f> {
    Token(PackedToken<'f>),
    Reference(PackedReference<'f>),
    String(&'f str),
    Date(Interval),
    Number(Range<'f>),
    Quantity(PackedQuantity<'f>),
    Uri { url: &'f str, version: Option<&'f str> },
    Composite(Vec<Vec<Packed<'f>>>),
    Position { latitude: f64, longitude: f64 },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PackedToken<'f> {
    pub(crate) system: Option<&'f str>,
    pub(crate) code: Option<&'f str>,
    pub(crate) text: Option<&'f str>,
    pub(crate) types: Vec<(Option<&'f str>, &'f str)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PackedReference<'f> {
    pub(crate) target: Target<'f>,
    /// System and value.
    pub(crate) identifier: Option<(Option<&'f str>, Option<&'f str>)>,
}

/// What a reference's text leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target<'f> {
    Resource { key: Key, version: Option<&'f str> },
    Url { url: &'f str, version: Option<&'f str> },
    Nothing,
}

/// The bytes of both sides' number keys; where a side is not there it goes on without end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range<'f> {
    pub(crate) low: Option<&'f [u8]>,
    pub(crate) high: Option<&'f [u8]>,
    /// Whether the side that is there is beyond the range, as 5 is beyond `<5`.
    pub(crate) open: bool,
}

impl<'f> Range<'f> {
    pub(crate) fn point(number: &'f [u8]) -> Self {
        Self { low: Some(number), high: Some(number), open: false }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PackedQuantity<'f> {
    pub(crate) given: Range<'f>,
    pub(crate) system: Option<&'f str>,
    pub(crate) code: Option<&'f str>,
    pub(crate) unit: Option<&'f str>,
    /// Base unit, and the range in it.
    pub(crate) canonical: Option<(&'f str, Range<'f>)>,
}

/// Appends a length and what `write` appends.
fn framed(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    // Most lengths are one byte.
    out.push(0);
    write(out);
    let framed = out.len() - start;
    match (u8::try_from(framed), out.get_mut(start)) {
        (Ok(short @ ..0x80), Some(place)) => *place = short,
        _ => {
            let mut long = Vec::new();
            length(&mut long, framed);
            out.splice(start..=start, long);
        }
    }
}

fn length(out: &mut Vec<u8>, length: usize) {
    leb128::write(length as u64, out);
}

struct Packer<'p, 'v> {
    out: &'p mut Vec<u8>,
    names: TypeNames<'p>,
    /// The quantity before, and what became of it: several parameters find the same, each by itself
    /// and within composites, and its base units take long to compute.
    last: &'p mut Option<(&'v Quantity<'v>, Vec<u8>)>,
}

impl<'v> Packer<'_, 'v> {
    fn value(&mut self, value: &'v Value<'v>) {
        match value {
            Value::Token(token) => self.token(token),
            Value::Reference(reference) => self.reference(reference),
            Value::String(text) => {
                self.out.push(STRING);
                self.text(Some(text));
            }
            Value::Date(Interval { low, high }) => {
                self.out.push(DATE);
                self.out.extend(low.to_be_bytes());
                self.out.extend(high.to_be_bytes());
            }
            Value::Number(bounds) => {
                self.out.push(NUMBER);
                self.bounds(bounds, false);
            }
            Value::Quantity(quantity) => self.quantity(quantity),
            Value::Uri(uri) => {
                self.out.push(URI);
                self.text(Some(&uri.url));
                self.text(uri.version.as_deref());
            }
            Value::Composite(components) => {
                self.out.push(COMPOSITE);
                length(self.out, components.len());
                for values in components {
                    length(self.out, values.len());
                    for value in values {
                        let Packer { out, names, last } = self;
                        framed(out, |out| Packer { out, names: *names, last }.value(value));
                    }
                }
            }
            Value::Position(Position { latitude, longitude }) => {
                self.out.push(POSITION);
                for degrees in [latitude, longitude] {
                    let degrees = degrees.parse::<f64>().unwrap_or(f64::NAN);
                    self.out.extend(degrees.to_be_bytes());
                }
            }
        }
    }

    fn token(&mut self, token: &Token<'_>) {
        self.out.push(TOKEN);
        self.text(token.system.as_deref());
        self.text(token.code.as_deref());
        self.text(token.text.as_deref());
        length(self.out, token.types.len());
        for (system, code) in &token.types {
            self.text(system.as_deref());
            self.text(Some(code));
        }
    }

    fn reference(&mut self, reference: &Reference<'_>) {
        self.out.push(REFERENCE);
        let key = |target: value::Target<'_>| {
            let resource_type = (self.names)(target.resource_type)?;
            Some(Key { resource_type, id: ResourceId::new(target.id)? })
        };
        let text = reference.text.as_deref();
        let (key, version, url) = match reference.target() {
            Some(value::Reference::Relative(target)) => match key(target) {
                Some(key) => (Some(key), target.version, None),
                None => (None, None, text),
            },
            Some(value::Reference::Url(canonical)) if reference.is_canonical => {
                (None, canonical.version, Some(canonical.url))
            }
            _ => (None, None, text),
        };
        match key {
            Some(key) => {
                self.out.push(1);
                self.out.extend(key.resource_type.0.to_be_bytes());
                self.text(Some(key.id.as_str()));
            }
            None => {
                self.out.push(0);
                self.text(url);
            }
        }
        self.text(version);
        let identifier = reference.identifier.as_ref();
        self.out.push(u8::from(identifier.is_some()));
        if let Some((system, value)) = identifier {
            self.text(system.as_deref());
            self.text(value.as_deref());
        }
    }

    fn quantity(&mut self, quantity: &'v Quantity<'v>) {
        if let Some((_, packed)) = self.last.as_ref().filter(|(last, _)| *last == quantity) {
            return self.out.extend_from_slice(packed);
        }
        let start = self.out.len();
        self.out.push(QUANTITY);
        let open = matches!(quantity.comparator.as_deref(), Some("<" | ">"));
        self.bounds(&quantity.value, open);
        self.text(quantity.system.as_deref());
        self.text(quantity.code.as_deref());
        self.text(quantity.unit.as_deref());
        let canonical = quantity.canonical();
        self.text(canonical.as_ref().map(|it| &*it.unit));
        if let Some(canonical) = canonical {
            self.number(canonical.low.as_ref(), open);
            self.number(canonical.high.as_ref(), open);
        }
        let packed = self.out.get(start..).unwrap_or_default().to_vec();
        *self.last = Some((quantity, packed));
    }

    fn bounds(&mut self, bounds: &Bounds<'_>, open: bool) {
        let (low, high) = bounds.keys();
        self.number(low.as_ref(), open);
        self.number(high.as_ref(), open);
    }

    fn number(&mut self, number: Option<&NumberKey>, open: bool) {
        match number.map(NumberKey::as_bytes) {
            Some(key) if open => self.bytes(Some(&[key, &[OPEN]].concat())),
            key => self.bytes(key),
        }
    }

    fn text(&mut self, text: Option<&str>) {
        self.bytes(text.map(str::as_bytes));
    }

    fn bytes(&mut self, bytes: Option<&[u8]>) {
        length(self.out, bytes.map_or(0, |bytes| bytes.len() + 1));
        self.out.extend_from_slice(bytes.unwrap_or_default());
    }
}

struct Unpacker<'f>(&'f [u8]);

impl<'f> Unpacker<'f> {
    fn value(&mut self) -> Option<Packed<'f>> {
        Some(match self.byte()? {
            TOKEN => Packed::Token(self.token()?),
            REFERENCE => Packed::Reference(self.reference()?),
            STRING => Packed::String(self.text()??),
            DATE => {
                let (low, high) = (i64::from_be_bytes(self.eight()?), self.eight()?);
                Packed::Date(Interval { low, high: i64::from_be_bytes(high) })
            }
            NUMBER => Packed::Number(self.range()?),
            QUANTITY => Packed::Quantity(PackedQuantity {
                given: self.range()?,
                system: self.text()?,
                code: self.text()?,
                unit: self.text()?,
                canonical: match self.text()? {
                    Some(unit) => Some((unit, self.range()?)),
                    None => None,
                },
            }),
            URI => Packed::Uri { url: self.text()??, version: self.text()? },
            COMPOSITE => {
                let components = self.length()?;
                Packed::Composite((0..components).map(|_| self.component()).collect::<Option<_>>()?)
            }
            POSITION => {
                let (latitude, longitude) = (self.eight()?, self.eight()?);
                let [latitude, longitude] = [latitude, longitude].map(f64::from_be_bytes);
                Packed::Position { latitude, longitude }
            }
            _ => return None,
        })
    }

    fn component(&mut self) -> Option<Vec<Packed<'f>>> {
        let values = self.length()?;
        (0..values).map(|_| Unpacker(self.bytes()??).value()).collect()
    }

    fn token(&mut self) -> Option<PackedToken<'f>> {
        let (system, code, text) = (self.text()?, self.text()?, self.text()?);
        let types = self.length()?;
        let types = (0..types).map(|_| Some((self.text()?, self.text()??))).collect::<Option<_>>();
        Some(PackedToken { system, code, text, types: types? })
    }

    fn reference(&mut self) -> Option<PackedReference<'f>> {
        let target = if self.byte()? == 1 {
            let resource_type = u16::from_be_bytes([self.byte()?, self.byte()?]);
            let id = ResourceId::new(self.text()??)?;
            let key = Key { resource_type: TypeId(resource_type), id };
            Target::Resource { key, version: self.text()? }
        } else {
            match (self.text()?, self.text()?) {
                (Some(url), version) => Target::Url { url, version },
                (None, _) => Target::Nothing,
            }
        };
        let identifier = match self.byte()? {
            0 => None,
            _ => Some((self.text()?, self.text()?)),
        };
        Some(PackedReference { target, identifier })
    }

    fn range(&mut self) -> Option<Range<'f>> {
        let [(low, is_low_open), (high, is_high_open)] = [self.bytes()?, self.bytes()?].map(side);
        Some(Range { low, high, open: is_low_open || is_high_open })
    }

    fn text(&mut self) -> Option<Option<&'f str>> {
        match self.bytes()? {
            None => Some(None),
            Some(bytes) => std::str::from_utf8(bytes).ok().map(Some),
        }
    }

    fn bytes(&mut self) -> Option<Option<&'f [u8]>> {
        let Some(length) = self.length()?.checked_sub(1) else { return Some(None) };
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Some(bytes))
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(leb128::read(&mut self.0, LENGTH_BYTES)?).ok()
    }

    fn eight(&mut self) -> Option<[u8; 8]> {
        let (bytes, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }
}

/// The key of a bound, and whether it is one that is no value itself.
fn side(bytes: Option<&[u8]>) -> (Option<&[u8]>, bool) {
    match bytes {
        // The key of zero is one byte alone.
        Some([key @ .., OPEN]) if !key.is_empty() => (Some(key), true),
        bytes => (bytes, false),
    }
}

/// What a criterion is tested on: a version's name, time and values.
#[derive(Clone, Copy)]
pub struct Tested<'f> {
    /// The resource.
    pub key: Key,
    /// When it was written; none for what is yet to be.
    pub last_updated: Option<Timestamp>,
    pub(crate) values: Values<'f>,
}

impl<'f> Tested<'f> {
    /// A version that is yet to be written.
    #[must_use]
    pub fn new(key: Key, forward: &'f Forward) -> Self {
        Self { key, last_updated: None, values: forward.view() }
    }
}
