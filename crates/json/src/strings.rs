//! All strings of a subtree with the keys they belong to: what rewriting references walks over.

use std::borrow::Cow;

use crate::value::{Kind, Value};

/// See [`Value::strings`].
#[derive(Clone)]
pub struct Strings<'d> {
    value: Value<'d>,
    at: usize,
    /// The arrays around the present place: where each ends on the tape, and the key of the member
    /// around its elements, which is read once for all of them.
    arrays: Vec<(usize, Option<Cow<'d, str>>)>,
}

impl<'d> Strings<'d> {
    pub(crate) fn new(value: Value<'d>) -> Self {
        Self { value, at: value.index(), arrays: Vec::new() }
    }

    /// The key of the member around `value`: its own, or that of the innermost array it is an
    /// element of.
    fn key(&mut self, value: Value<'d>) -> Option<Cow<'d, str>> {
        while self.arrays.pop_if(|(end, _)| *end <= value.index()).is_some() {}
        let own = value.member().map(|member| member.key());
        own.or_else(|| self.arrays.last().and_then(|(_, key)| key.clone()))
    }
}

impl<'d> Iterator for Strings<'d> {
    type Item = (Option<Cow<'d, str>>, Value<'d>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.value.node().next().min(self.value.source().tape.len()) {
            let value = Value::new(self.value.source(), self.at);
            self.at += 1;
            match value.kind() {
                Kind::String => return Some((self.key(value), value)),
                Kind::Array => {
                    let key = self.key(value);
                    self.arrays.push((value.node().next(), key));
                }
                Kind::Object | Kind::Null | Kind::Bool | Kind::Number => {}
            }
        }
        None
    }
}
