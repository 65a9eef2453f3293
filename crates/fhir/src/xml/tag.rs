//! Start tags, and the namespaces that they declare.

use smallvec::SmallVec;

use super::error::ErrorKind;

/// Where `schemaLocation` is from, which editors put on roots.
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// A start tag: the name, and the attributes that elements of FHIR have.
#[derive(Default)]
pub(super) struct Tag<'x> {
    /// Where its `<` stands.
    pub(super) at: usize,
    /// What stands behind the name.
    pub(super) rest: &'x str,
    pub(super) prefix: Option<&'x str>,
    /// Without the prefix.
    pub(super) name: &'x str,
    /// `<a/>`
    pub(super) is_empty: bool,
    pub(super) id: Option<&'x str>,
    pub(super) url: Option<&'x str>,
    pub(super) value: Option<&'x str>,
    /// The first attribute that no element of FHIR has.
    pub(super) unknown: Option<&'x str>,
    /// How many declarations were in force before it.
    declared: usize,
}

impl<'x> Tag<'x> {
    /// Reads what stands between the brackets; `length` is that of the name.
    pub(super) fn read(
        content: &'x str,
        length: usize,
        namespaces: &mut Namespaces<'x>,
    ) -> Result<Self, ErrorKind> {
        let (name, rest) = content.split_at_checked(length).unwrap_or((content, ""));
        let (prefix, name) = split(name);
        let mut tag = Self { rest, prefix, name, declared: namespaces.0.len(), ..Self::default() };
        let mut foreign = SmallVec::<[&str; 2]>::new();
        for attribute in Attributes(rest) {
            let (name, value) = attribute?;
            let slot = match name {
                "value" => &mut tag.value,
                "id" => &mut tag.id,
                "url" => &mut tag.url,
                "xmlns" => {
                    namespaces.declare(None, value, tag.declared)?;
                    continue;
                }
                _ => {
                    match split(name) {
                        (Some("xmlns"), prefix) => {
                            namespaces.declare(Some(prefix), value, tag.declared)?;
                        }
                        (Some(_), _) => foreign.push(name),
                        (None, _) => tag.unknown = tag.unknown.or(Some(name)),
                    }
                    continue;
                }
            };
            if slot.replace(value).is_some() {
                return Err(ErrorKind::RepeatedAttribute(name.to_owned()));
            }
        }
        let of_schema = |name: &&str| namespaces.of(split(name).0) == Some(SCHEMA_INSTANCE);
        tag.unknown = tag.unknown.or_else(|| foreign.into_iter().find(|name| !of_schema(name)));
        Ok(tag)
    }
}

/// Prefix and name.
fn split(name: &str) -> (Option<&str>, &str) {
    name.split_once(':').map_or((None, name), |(prefix, name)| (Some(prefix), name))
}

/// The attributes of a tag, from what stands behind its name: names, and what is between quotes.
pub(super) struct Attributes<'x>(pub(super) &'x str);

impl<'x> Iterator for Attributes<'x> {
    type Item = Result<(&'x str, &'x str), ErrorKind>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0.trim_ascii_start();
        if text.is_empty() {
            return None;
        }
        let attribute = (text.len() < self.0.len()).then(|| attribute(text)).flatten();
        self.0 = attribute.map_or("", |(.., rest)| rest);
        let wrong = || ErrorKind::Syntax(format!("name=\"value\" is expected at '{text}'"));
        Some(attribute.map(|(name, value, _)| (name, value)).ok_or_else(wrong))
    }
}

/// Name, value and what follows.
fn attribute(text: &str) -> Option<(&str, &str, &str)> {
    let (name, from) = text.split_once('=')?;
    let name = name.trim_ascii_end();
    let from = from.trim_ascii_start();
    let quote = from.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (value, rest) = from.get(1..)?.split_once(quote)?;
    is_name(name).then_some((name, value, rest))
}

/// <https://www.w3.org/TR/xml-names/#NT-QName>, with all that is not ASCII.
pub(super) fn is_name(name: &str) -> bool {
    let starts = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii();
    let is_part =
        |byte: u8| starts(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b':');
    let has_stray_colon =
        || name.ends_with(':') || name.bytes().filter(|it| *it == b':').count() > 1;
    name.bytes().next().is_some_and(starts) && name.bytes().all(is_part) && !has_stray_colon()
}

/// The declarations in force, the innermost last; without a prefix, that of the default.
#[derive(Default)]
pub(super) struct Namespaces<'x>(Vec<(Option<&'x str>, &'x str)>);

impl<'x> Namespaces<'x> {
    fn declare(
        &mut self,
        prefix: Option<&'x str>,
        namespace: &'x str,
        before: usize,
    ) -> Result<(), ErrorKind> {
        let of_tag = self.0.get(before..).unwrap_or_default();
        if of_tag.iter().any(|(known, _)| *known == prefix) {
            let prefix = prefix.map(|prefix| format!(":{prefix}")).unwrap_or_default();
            return Err(ErrorKind::RepeatedAttribute(format!("xmlns{prefix}")));
        }
        self.0.push((prefix, namespace));
        Ok(())
    }

    /// What a prefix, or its absence, stands for.
    pub(super) fn of(&self, prefix: Option<&str>) -> Option<&'x str> {
        let (_, found) = self.0.iter().rev().find(|(known, _)| *known == prefix)?;
        Some(*found).filter(|found| !found.is_empty())
    }

    /// Forgets what a tag declared.
    pub(super) fn leave(&mut self, tag: &Tag<'x>) {
        self.0.truncate(tag.declared);
    }
}
