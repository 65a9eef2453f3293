//! The functions, a file per group; [`all`] is the one list of them.

mod boundary;
mod combine;
mod conversion;
mod encoding;
mod existence;
mod fhir;
mod filter;
mod math;
mod sort;
mod strings;
mod subset;
mod tree;
mod utility;

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::error::Flaw;
use super::item::{Item, Items};
use super::program::OpId;
use super::run::{Run, at_most_one};

/// What a function does: from the input, and the arguments that it evaluates itself.
type Body = for<'r, 'p, 'd> fn(
    &'r mut Run<'p, 'd>,
    Call<'p>,
    &'r mut Items<'d>,
    &'r mut Items<'d>,
) -> Result<(), Flaw>;

/// A function of FHIRPath.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// How many arguments it takes.
    pub(crate) count: RangeInclusive<usize>,
    pub(crate) arguments: Arguments,
    pub(crate) gives: Gives,
    /// Whether it goes by the order of its input.
    pub(crate) needs_order: bool,
    pub(crate) body: Body,
}

/// What `$this` is in the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    /// What it is around the call.
    Around,
    /// Each item of the input.
    Each,
    /// Items that only the evaluation knows.
    Results,
}

/// What is known of the result before there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gives {
    /// Items of the input.
    Input,
    /// A System type.
    System(&'static str),
    /// What the first argument gives.
    Argument,
    /// Items of the input or of the argument.
    Either,
    Any,
    /// Anything, in no order.
    Unordered,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}()", self.name)
    }
}

impl Function {
    const fn new(
        name: &'static str,
        count: RangeInclusive<usize>,
        gives: Gives,
        body: Body,
    ) -> Function {
        let (arguments, needs_order) = (Arguments::Around, false);
        Function { name, count, arguments, gives, needs_order, body }
    }

    /// Its arguments are evaluated for each item.
    const fn of_each(mut self) -> Function {
        self.arguments = Arguments::Each;
        self
    }

    /// Its arguments are evaluated for its own results.
    const fn of_any(mut self) -> Function {
        self.arguments = Arguments::Results;
        self
    }

    const fn ordered(mut self) -> Function {
        self.needs_order = true;
        self
    }
}

const BOOLEAN: Gives = Gives::System("Boolean");
const INTEGER: Gives = Gives::System("Integer");
const STRING: Gives = Gives::System("String");

const TABLES: [&[Function]; 13] = [
    existence::TABLE,
    filter::TABLE,
    subset::TABLE,
    combine::TABLE,
    conversion::TABLE,
    strings::TABLE,
    encoding::TABLE,
    math::TABLE,
    boundary::TABLE,
    sort::TABLE,
    tree::TABLE,
    utility::TABLE,
    fhir::TABLE,
];

/// All functions but `is`, `as` and `ofType`, whose argument is a type.
pub(crate) fn all() -> impl Iterator<Item = &'static Function> {
    TABLES.into_iter().flatten()
}

/// The function of a name.
pub(crate) fn named(name: &str) -> Option<&'static Function> {
    all().find(|function| function.name == name)
}

/// A call of a function: its arguments and its place.
#[derive(Clone, Copy)]
pub(crate) struct Call<'p> {
    pub(crate) args: &'p [OpId],
    pub(crate) at: usize,
    pub(crate) name: &'static str,
}

impl Call<'_> {
    fn wrong(&self, expected: &str, found: &str) -> Flaw {
        Flaw::execution(self.at, format!("{}() is for {expected}, not {found}", self.name))
    }

    /// The argument, which is there: the binder has counted.
    fn arg(&self, index: usize) -> Result<OpId, Flaw> {
        let missing = || Flaw::semantic(self.at, format!("{}() lacks an argument", self.name));
        self.args.get(index).copied().ok_or_else(missing)
    }
}

impl<'d> Run<'_, 'd> {
    /// The items of an argument; none if it is not given.
    fn argument(&mut self, call: Call<'_>, index: usize) -> Result<Items<'d>, Flaw> {
        match call.args.get(index) {
            Some(id) => self.collect(*id),
            None => Ok(Items::new()),
        }
    }

    /// A string argument.
    fn text_argument(
        &mut self,
        call: Call<'_>,
        index: usize,
    ) -> Result<Option<Cow<'d, str>>, Flaw> {
        let items = self.argument(call, index)?;
        self.text_of(call, items)
    }

    /// An integer argument.
    fn integer_argument(&mut self, call: Call<'_>, index: usize) -> Result<Option<i64>, Flaw> {
        match call.args.get(index) {
            Some(id) => self.one_integer(*id),
            None => Ok(None),
        }
    }

    /// The value of an input of at most one item that has a System value.
    fn value_of(&self, call: Call<'_>, input: Items<'d>) -> Result<Option<Item<'d>>, Flaw> {
        let Some(item) = at_most_one(call.at, call.name, input)? else { return Ok(None) };
        Ok(item.system(self.schema()))
    }

    /// An input or argument of at most one string.
    fn text_of(&self, call: Call<'_>, items: Items<'d>) -> Result<Option<Cow<'d, str>>, Flaw> {
        let Some(item) = at_most_one(call.at, call.name, items)? else { return Ok(None) };
        match item.system(self.schema()) {
            Some(Item::String(text)) => Ok(Some(text)),
            _ => Err(call.wrong("a string", item.type_name(self.schema()).1)),
        }
    }
}
