//! All strings of a subtree with the keys they belong to: what rewriting references walks over.

use std::borrow::Cow;

use crate::value::{Kind, Member, Value};

/// See [`Value::strings`].
#[derive(Clone)]
pub struct Strings<'d> {
    value: Value<'d>,
    at: usize,
    /// The arrays around the present place: where each ends on the tape, and the member around its
    /// elements.
    arrays: Vec<(usize, Option<Member<'d>>)>,
}

impl<'d> Strings<'d> {
    pub(crate) fn new(value: Value<'d>) -> Self {
        Self { value, at: value.index(), arrays: Vec::new() }
    }

    /// The member around `value`: its own, or that of the innermost array it is an element of.
    fn member(&mut self, value: Value<'d>) -> Option<Member<'d>> {
        while self.arrays.pop_if(|(end, _)| *end <= value.index()).is_some() {}
        value.member().or_else(|| self.arrays.last().and_then(|(_, member)| *member))
    }
}

impl<'d> Iterator for Strings<'d> {
    type Item = (Option<Cow<'d, str>>, Value<'d>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.value.node().next().min(self.value.source().tape.len()) {
            let value = Value::new(self.value.source(), self.at);
            self.at += 1;
            match value.kind() {
                Kind::String => {
                    return Some((self.member(value).map(|member| member.key()), value));
                }
                Kind::Array => {
                    let member = self.member(value);
                    self.arrays.push((value.node().next(), member));
                }
                Kind::Object | Kind::Null | Kind::Bool | Kind::Number => {}
            }
        }
        None
    }
}
