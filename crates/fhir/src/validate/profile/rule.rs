//! An element of a profile, and what stands below it.

use smallvec::SmallVec;

use super::Validator;
use crate::definitions::{Element, Structure, TypeRef};

/// An element of a profile that a value is held against.
#[derive(Clone, Copy)]
pub(super) struct Rule<'v> {
    pub(super) structure: Structure<'v>,
    pub(super) element: Element<'v>,
}

/// The rules of one value.
pub(super) type Rules<'v> = SmallVec<[Rule<'v>; 4]>;

impl<'v> Rule<'v> {
    /// The rule of a whole profile; none when it has no snapshot.
    pub(super) fn root(structure: Structure<'v>) -> Option<Self> {
        structure.root().map(|element| Self { structure, element })
    }

    /// Whether both are the same element of the same profile.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.structure.url() == other.structure.url() && self.element.id() == other.element.id()
    }

    /// The rules right below, in the order of the profile, slices included. A content reference
    /// is to the type: what the profile says of the element that it names is not said of this.
    pub(super) fn children(&self) -> impl Iterator<Item = Self> + use<'v> {
        let Self { structure, element } = *self;
        element.children().map(move |element| Self { structure, element })
    }

    /// What the message says it comes from.
    pub(super) fn source(&self) -> String {
        match self.structure.version() {
            "" => self.structure.url().to_owned(),
            version => format!("{}|{version}", self.structure.url()),
        }
    }
}

/// `name[x]` is the name of its choices' elements.
pub(super) fn is_named(element: Element<'_>, name: &str) -> bool {
    element.name() == name
        || element
            .name()
            .strip_suffix("[x]")
            .is_some_and(|stem| name == stem || name.strip_prefix(stem).is_some_and(starts_upper))
}

fn starts_upper(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase())
}

impl Validator {
    /// The profile or type with this canonical URL, whatever its version when that is unknown.
    pub(super) fn structure(&self, canonical: &str) -> Option<Structure<'_>> {
        let canonical = canonical.split_once('#').map_or(canonical, |(url, _)| url);
        let exact = self.registry().structure(canonical);
        exact.or_else(|| self.registry().structure(canonical.split_once('|')?.0))
    }

    /// The profiles that a type of an element demands, as far as they are known.
    pub(super) fn profiles_of<'v>(&'v self, ty: TypeRef<'v>) -> impl Iterator<Item = Rule<'v>> {
        ty.profiles().filter_map(|url| Rule::root(self.structure(url)?))
    }

    /// The rules for `name` below `rule`: its own, else those of the profiles or of the types
    /// that it demands.
    pub(super) fn below<'v>(&'v self, rule: &Rule<'v>, name: &str) -> Rules<'v> {
        let named = |rule: &Rule<'v>| is_named(rule.element, name);
        let own: Rules<'v> = rule.children().filter(named).collect();
        if !own.is_empty() {
            return own;
        }
        let types = || rule.element.types();
        let profiles = types().flat_map(|ty| self.profiles_of(ty));
        let profiled: Rules<'v> = profiles.flat_map(|root| root.children()).filter(named).collect();
        if !profiled.is_empty() {
            return profiled;
        }
        let base = self.registry().base();
        let bases = types().filter_map(|ty| Rule::root(base.ty(ty.ty()?).structure()?));
        bases.flat_map(|root| root.children()).filter(named).collect()
    }
}
