//! XML to JSON, in one pass over the text.

use json::{Limits, Position, write_string};
use quick_xml::Reader;
use quick_xml::events::Event;

use super::error::{Error, ErrorKind};
use super::tag::{Namespaces, Tag};
use super::{NAMESPACE, XHTML, characters, narrative};
use crate::definitions::{Child, Definitions, Primitive, Type, TypeKind};

/// Reads a document.
pub(super) fn read(
    definitions: &Definitions,
    xml: &[u8],
    limits: &Limits,
) -> Result<Vec<u8>, Error> {
    let text = text(xml, limits).map_err(|refusal| refusal.located(xml))?;
    let mut read = Read::new(definitions, text, limits, &[]);
    read.document().map_err(|refusal| refusal.located(text.as_bytes()))?;
    Ok(read.out)
}

/// Reads a document again, for where the elements stand that made the bytes at `offsets`.
pub(super) fn places(definitions: &Definitions, xml: &[u8], offsets: &[usize]) -> Vec<Position> {
    let limits = Limits::default();
    let Ok(text) = text(xml, &limits) else { return Vec::new() };
    let mut read = Read::new(definitions, text, &limits, offsets);
    // It was read before; what it stops at was found then.
    drop(read.document());
    read.places.resize(offsets.len(), read.last);
    read.places.into_iter().map(|at| Position::of(text.as_bytes(), at)).collect()
}

/// The text, without a byte order mark.
fn text<'x>(xml: &'x [u8], limits: &Limits) -> Result<&'x str, Refusal> {
    if xml.len() > limits.bytes {
        return Err(Refusal::at(0, ErrorKind::TooLarge(limits.bytes)));
    }
    let text = str::from_utf8(xml)
        .map_err(|error| Refusal::at(error.valid_up_to(), ErrorKind::NotUtf8))?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    match characters::forbidden(text) {
        None => Ok(text),
        Some((at, found)) => {
            let found = format!("U+{:04X}", u32::from(found));
            Err(Refusal::at(at, ErrorKind::Character(found)))
        }
    }
}

/// What is wrong, where in the text, and in which element, the innermost first.
struct Refusal {
    at: usize,
    kind: ErrorKind,
    path: Vec<String>,
}

impl Refusal {
    #[cold]
    fn at(at: usize, kind: ErrorKind) -> Self {
        Self { at, kind, path: Vec::new() }
    }

    #[cold]
    fn inside(mut self, name: &str, index: Option<usize>) -> Self {
        self.path.push(index.map_or_else(|| name.to_owned(), |index| format!("{name}[{index}]")));
        self
    }

    fn located(self, text: &[u8]) -> Error {
        let position = Position::of(text, self.at);
        let path = self.path.into_iter().rev().collect::<Vec<_>>().join(".");
        Error { kind: self.kind, path, offset: self.at, position }
    }
}

/// What comes next in an element: one inside it, or its end.
enum Next<'x> {
    Open(Tag<'x>),
    Close,
    /// Of the document.
    End,
}

/// Elements of one name beside each other: one member, or an array and that of their siblings.
struct Run<'x> {
    name: &'x str,
    /// The place in the definition of the type.
    order: u32,
    many: bool,
    /// Where in the JSON the member begins.
    from: usize,
    count: usize,
    /// Whether any of them has a value.
    valued: bool,
    /// `[null,{…}`, once one of them has id or extensions.
    siblings: Vec<u8>,
    sibling_count: usize,
}

struct Read<'a, 'x> {
    definitions: &'a Definitions,
    text: &'x str,
    events: Reader<&'x [u8]>,
    namespaces: Namespaces<'x>,
    limits: &'a Limits,
    depth: usize,
    nodes: usize,
    out: Vec<u8>,
    /// Bytes of `out` whose elements are looked for, in order.
    offsets: &'a [usize],
    /// Where the elements of the first of them stand.
    places: Vec<usize>,
    /// Where the last element stands.
    last: usize,
}

impl<'a, 'x> Read<'a, 'x> {
    fn new(
        definitions: &'a Definitions,
        text: &'x str,
        limits: &'a Limits,
        offsets: &'a [usize],
    ) -> Self {
        let mut events = Reader::from_str(text);
        events.config_mut().check_comments = true;
        Self {
            definitions,
            text,
            events,
            namespaces: Namespaces::default(),
            limits,
            depth: 0,
            nodes: 0,
            out: Vec::with_capacity(text.len()),
            offsets,
            places: Vec::new(),
            last: 0,
        }
    }

    fn document(&mut self) -> Result<(), Refusal> {
        match self.next()? {
            Next::Open(tag) => self.resource(&tag)?,
            Next::Close | Next::End => return Err(Refusal::at(0, ErrorKind::Empty)),
        }
        let at = self.place();
        match self.next() {
            Ok(Next::End) => Ok(()),
            Err(refusal) if !matches!(refusal.kind, ErrorKind::Text) => Err(refusal),
            _ => Err(Refusal::at(at, ErrorKind::TrailingData)),
        }
    }

    fn place(&self) -> usize {
        narrative::place(&self.events)
    }

    /// Reads on to the next tag.
    fn next(&mut self) -> Result<Next<'x>, Refusal> {
        loop {
            let at = self.place();
            let event = self.events.read_event();
            let event = event.map_err(|error| Refusal::at(at, narrative::syntax(&error)))?;
            let kind = match event {
                Event::Start(tag) => return self.open(at, tag.name().0.len(), tag.len(), false),
                Event::Empty(tag) => return self.open(at, tag.name().0.len(), tag.len(), true),
                Event::End(_) => return Ok(Next::Close),
                Event::Eof => return Ok(Next::End),
                Event::Text(text) if text.iter().all(u8::is_ascii_whitespace) => continue,
                Event::Comment(_) | Event::PI(_) => continue,
                Event::Text(_) | Event::CData(_) => ErrorKind::Text,
                Event::DocType(_) => ErrorKind::DocumentType,
                Event::GeneralRef(name) => {
                    let name = str::from_utf8(&name).unwrap_or_default();
                    characters::character(name).err().unwrap_or(ErrorKind::Text)
                }
                Event::Decl(declaration) if at == 0 => {
                    let Some(Ok(encoding)) = declaration.encoding() else { continue };
                    if encoding.eq_ignore_ascii_case(b"utf-8") {
                        continue;
                    }
                    ErrorKind::Encoding(String::from_utf8_lossy(&encoding).into_owned())
                }
                Event::Decl(_) => {
                    ErrorKind::Syntax("<?xml …?> stands at the very beginning".to_owned())
                }
            };
            return Err(Refusal::at(at, kind));
        }
    }

    fn open(
        &mut self,
        at: usize,
        name: usize,
        length: usize,
        is_empty: bool,
    ) -> Result<Next<'x>, Refusal> {
        while self.offsets.get(self.places.len()).is_some_and(|offset| *offset < self.out.len()) {
            self.places.push(self.last);
        }
        self.last = at;
        let content = self.text.get(at + 1..at + 1 + length).unwrap_or_default();
        let tag = Tag::read(content, name, &mut self.namespaces);
        let mut tag = tag.map_err(|kind| Refusal::at(at, kind))?;
        self.nodes += 1 + [tag.id, tag.url, tag.value].iter().flatten().count();
        if self.nodes > self.limits.nodes {
            return Err(Refusal::at(at, ErrorKind::TooManyValues(self.limits.nodes)));
        }
        (tag.at, tag.is_empty) = (at, is_empty);
        Ok(Next::Open(tag))
    }

    /// Whether an element is in the namespace.
    fn expect_namespace(&self, tag: &Tag<'x>, expected: &str) -> Result<(), Refusal> {
        let found = self.namespaces.of(tag.prefix);
        if found == Some(expected) {
            return Ok(());
        }
        let kind = match tag.prefix {
            Some(prefix) if found.is_none() => ErrorKind::Prefix(prefix.to_owned()),
            _ => ErrorKind::Namespace(found.map(str::to_owned)),
        };
        Err(Refusal::at(tag.at, kind))
    }

    /// A resource, as an object.
    fn resource(&mut self, tag: &Tag<'x>) -> Result<(), Refusal> {
        self.expect_namespace(tag, NAMESPACE)?;
        let ty = self.definitions.type_named(tag.name).map(|id| self.definitions.ty(id));
        let ty = ty.filter(|ty| ty.kind() == TypeKind::Resource && !ty.is_abstract());
        let Some(ty) = ty else {
            let found = tag.name.to_owned();
            return Err(Refusal::at(tag.at, ErrorKind::NotAResource { found }));
        };
        self.out.extend_from_slice(b"{\"resourceType\":\"");
        self.out.extend_from_slice(ty.name().as_bytes());
        self.out.push(b'"');
        self.members(ty, tag).map_err(|refusal| refusal.inside(ty.name(), None))?;
        self.out.push(b'}');
        self.namespaces.leave(tag);
        Ok(())
    }

    /// The members that the attributes of an element and the elements in it make, up to its end.
    fn members(&mut self, ty: Type<'a>, tag: &Tag<'x>) -> Result<(), Refusal> {
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(Refusal::at(tag.at, ErrorKind::TooDeep(self.limits.depth)));
        }
        for (name, value) in [("id", tag.id), ("url", tag.url)] {
            let Some(value) = value else { continue };
            if !ty.child(name).is_some_and(|child| child.element.is_xml_attribute()) {
                return Err(Refusal::at(tag.at, ErrorKind::UnknownAttribute(name.to_owned())));
            }
            self.key("", name);
            self.string(tag, value)?;
        }
        let wrong = tag.unknown.or(tag.value.and(ty.primitive().is_none().then_some("value")));
        if let Some(name) = wrong {
            return Err(Refusal::at(tag.at, ErrorKind::UnknownAttribute(name.to_owned())));
        }
        if !tag.is_empty {
            self.elements(ty)?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// The elements in an element, up to its end.
    fn elements(&mut self, ty: Type<'a>) -> Result<(), Refusal> {
        let mut run: Option<Run<'x>> = None;
        loop {
            let child = match self.next()? {
                Next::Open(child) => child,
                Next::Close => break,
                Next::End => return Err(Refusal::at(self.text.len(), ErrorKind::UnexpectedEnd)),
            };
            self.member(ty, &child, &mut run)?;
            self.namespaces.leave(&child);
        }
        if let Some(run) = run {
            self.close(run);
        }
        Ok(())
    }

    /// One element in another.
    fn member(
        &mut self,
        ty: Type<'a>,
        tag: &Tag<'x>,
        run: &mut Option<Run<'x>>,
    ) -> Result<(), Refusal> {
        let child = child(ty, tag);
        let ty_of = |child: &Child<'a>| self.definitions.ty(child.ty).primitive();
        let is_xhtml = child.as_ref().is_ok_and(|it| ty_of(it) == Some(Primitive::Xhtml));
        self.expect_namespace(tag, if is_xhtml { XHTML } else { NAMESPACE })?;
        let child = child.map_err(|kind| Refusal::at(tag.at, kind))?;
        let order = child.element.order();
        if let Some(before) = run.take_if(|run| run.name != tag.name) {
            let (found, name) = (tag.name.to_owned(), before.name.to_owned());
            if order < before.order {
                let kind = ErrorKind::Order { found, after: name };
                return Err(Refusal::at(tag.at, kind));
            }
            if order == before.order {
                let kind = ErrorKind::Choice { found, before: name };
                return Err(Refusal::at(tag.at, kind));
            }
            self.close(before);
        } else if run.as_ref().is_some_and(|run| !run.many) {
            return Err(Refusal::at(tag.at, ErrorKind::Repeated(tag.name.to_owned())));
        }
        let value = self.definitions.ty(child.ty);
        let run = run.get_or_insert_with(|| self.begin(tag.name, order, child.many, value));
        let index = run.many.then_some(run.count);
        let written = match value.primitive() {
            Some(Primitive::Xhtml) => self.narrative(tag),
            Some(primitive) => self.primitive(value, primitive, tag, run),
            None => self.complex(value, tag, run.count),
        };
        run.count += 1;
        written.map_err(|refusal| refusal.inside(tag.name, index))
    }

    /// Begins a member. The key of a single primitive is written with its value: it may have none.
    fn begin(&mut self, name: &'x str, order: u32, many: bool, ty: Type<'a>) -> Run<'x> {
        let from = self.out.len();
        let is_single = ty.primitive().is_some_and(|it| it != Primitive::Xhtml) && !many;
        if !is_single {
            self.key("", name);
        }
        if many {
            self.out.push(b'[');
        }
        let (count, valued, siblings, sibling_count) = (0, false, Vec::new(), 0);
        Run { name, order, many, from, count, valued, siblings, sibling_count }
    }

    /// Ends a member.
    fn close(&mut self, mut run: Run<'x>) {
        if !run.many {
            return;
        }
        self.out.push(b']');
        if run.siblings.is_empty() {
            return;
        }
        if !run.valued {
            self.out.truncate(run.from);
        }
        for _ in run.sibling_count..run.count {
            run.siblings.extend_from_slice(b",null");
        }
        self.key("_", run.name);
        self.out.extend_from_slice(&run.siblings);
        self.out.push(b']');
    }

    /// A complex value: an element with elements, or with a resource.
    fn complex(&mut self, ty: Type<'a>, tag: &Tag<'x>, index: usize) -> Result<(), Refusal> {
        if index > 0 {
            self.out.push(b',');
        }
        if ty.kind() == TypeKind::Resource {
            return self.contained(tag);
        }
        self.out.push(b'{');
        let from = self.out.len();
        self.members(ty, tag)?;
        if self.out.len() == from {
            return Err(Refusal::at(tag.at, ErrorKind::NoContent { primitive: false }));
        }
        self.out.push(b'}');
        Ok(())
    }

    /// An element with one resource in it.
    fn contained(&mut self, tag: &Tag<'x>) -> Result<(), Refusal> {
        let attributes = [("id", tag.id), ("url", tag.url), ("value", tag.value)];
        let known = attributes.iter().find_map(|(name, value)| value.map(|_| *name));
        if let Some(name) = tag.unknown.or(known) {
            return Err(Refusal::at(tag.at, ErrorKind::UnknownAttribute(name.to_owned())));
        }
        let next = if tag.is_empty { Next::Close } else { self.next()? };
        let Next::Open(resource) = next else {
            return Err(Refusal::at(tag.at, ErrorKind::NoResource));
        };
        self.depth += 1;
        self.resource(&resource)?;
        self.depth -= 1;
        match self.next()? {
            Next::Close => Ok(()),
            Next::Open(more) => Err(Refusal::at(more.at, ErrorKind::ManyResources)),
            Next::End => Err(Refusal::at(self.text.len(), ErrorKind::UnexpectedEnd)),
        }
    }

    /// A primitive: its value, and beside it id and extensions.
    fn primitive(
        &mut self,
        ty: Type<'a>,
        primitive: Primitive,
        tag: &Tag<'x>,
        run: &mut Run<'x>,
    ) -> Result<(), Refusal> {
        if run.many && run.count > 0 {
            self.out.push(b',');
        }
        match tag.value {
            Some(value) => {
                if !run.many {
                    self.key("", run.name);
                }
                self.scalar(primitive, tag, value)?;
                run.valued = true;
            }
            None if run.many => self.out.extend_from_slice(b"null"),
            None => {}
        }
        if tag.is_empty && tag.id.is_none() && tag.unknown.is_none() && tag.url.is_none() {
            let kind = ErrorKind::NoContent { primitive: true };
            return if tag.value.is_some() { Ok(()) } else { Err(Refusal::at(tag.at, kind)) };
        }
        let from = self.out.len();
        if !run.many {
            self.key("_", run.name);
        }
        self.out.push(b'{');
        let inside = self.out.len();
        self.members(ty, tag)?;
        if self.out.len() == inside {
            self.out.truncate(from);
            let kind = ErrorKind::NoContent { primitive: true };
            return if tag.value.is_some() { Ok(()) } else { Err(Refusal::at(tag.at, kind)) };
        }
        self.out.push(b'}');
        if run.many {
            let sibling = self.out.get(from..).unwrap_or_default();
            for _ in run.sibling_count..run.count {
                run.siblings.extend_from_slice(if run.siblings.is_empty() {
                    b"[null"
                } else {
                    b",null"
                });
            }
            run.siblings.push(if run.siblings.is_empty() { b'[' } else { b',' });
            run.siblings.extend_from_slice(sibling);
            run.sibling_count = run.count + 1;
            self.out.truncate(from);
        }
        Ok(())
    }

    /// A value, as JSON has those of its type.
    fn scalar(
        &mut self,
        primitive: Primitive,
        tag: &Tag<'x>,
        value: &'x str,
    ) -> Result<(), Refusal> {
        let expected = match primitive {
            Primitive::Boolean if matches!(value, "true" | "false") => None,
            Primitive::Boolean => Some("true or false"),
            Primitive::Integer
            | Primitive::PositiveInt
            | Primitive::UnsignedInt
            | Primitive::Decimal => {
                (!is_number(value)).then_some("a number: digits without a leading zero or plus")
            }
            _ => return self.string(tag, value),
        };
        if let Some(expected) = expected {
            let kind = ErrorKind::Value { found: value.to_owned(), expected };
            return Err(Refusal::at(tag.at, kind));
        }
        self.out.extend_from_slice(value.as_bytes());
        Ok(())
    }

    fn string(&mut self, tag: &Tag<'x>, value: &'x str) -> Result<(), Refusal> {
        if value.is_empty() {
            return Err(Refusal::at(tag.at, ErrorKind::EmptyValue));
        }
        let text = characters::value(value).map_err(|kind| Refusal::at(tag.at, kind))?;
        write_string(&mut self.out, &text);
        Ok(())
    }

    /// The `div`, with its bytes.
    fn narrative(&mut self, tag: &Tag<'x>) -> Result<(), Refusal> {
        if let Some(prefix) = tag.prefix {
            return Err(Refusal::at(tag.at, ErrorKind::Prefix(prefix.to_owned())));
        }
        narrative::attributes(tag.rest).map_err(|kind| Refusal::at(tag.at, kind))?;
        let end = if tag.is_empty {
            self.place()
        } else {
            narrative::read_to_end(&mut self.events, self.text)
                .map_err(|(at, kind)| Refusal::at(at, kind))?
        };
        let raw = self.text.get(tag.at..end).unwrap_or_default();
        write_string(&mut self.out, &narrative::text(raw));
        Ok(())
    }

    /// The key of a member, with the comma before it.
    fn key(&mut self, underscore: &str, name: &str) {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(underscore.as_bytes());
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }
}

/// What an element is in its type.
fn child<'a>(ty: Type<'a>, tag: &Tag<'_>) -> Result<Child<'a>, ErrorKind> {
    let found = ty.child(tag.name).filter(|child| child.named_type && !tag.name.starts_with('_'));
    let Some(child) = found else {
        let same = |name: &&str| name.eq_ignore_ascii_case(tag.name);
        let meant = ty.json_names().find(same).map(str::to_owned);
        let (found, within) = (tag.name.to_owned(), ty.name().to_owned());
        return Err(ErrorKind::UnknownElement { found, within, meant });
    };
    if child.element.is_xml_attribute() {
        return Err(ErrorKind::NotAnElement(tag.name.to_owned()));
    }
    Ok(child)
}

/// <https://www.rfc-editor.org/rfc/rfc8259#section-6>
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = text
        .split_once(['e', 'E'])
        .map_or((text, None), |(m, e)| (m, Some(e.strip_prefix(['+', '-']).unwrap_or(e))));
    let (whole, fraction) =
        mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}
