//! A criterion as the set of what meets it.

use roaring::RoaringTreemap;

use super::{Found, SearchError, Searching, Step};
use crate::embedded::read::{broken, named_row};
use crate::embedded::tables::COMPARTMENT;
use crate::embedded::walk::updated_within;
use crate::forward::{Packed, Target, Values};
use crate::key::{self, Key, ParameterId, Rid, TypeId};
use crate::lookup::{self, Lookup, Says};
use crate::plan::{BodyTest, Criterion, Shared, Test, TypeSearch};

/// So few candidates are tested by their packed values, and no index is read.
const FEW: u64 = 64;

impl<'t> Searching<'t> {
    /// What of a type meets a criterion; with `within` only what of it does, which may cost less.
    pub(super) fn set(
        &self,
        of: TypeId,
        criterion: &Criterion,
        within: Option<&RoaringTreemap>,
    ) -> Found<RoaringTreemap> {
        if within.is_some_and(RoaringTreemap::is_empty) {
            return Ok(RoaringTreemap::new());
        }
        if self.stop.is_set() {
            return Err(SearchError::Stopped);
        }
        match criterion {
            Criterion::All(criteria) => return self.all(of, criteria, within),
            Criterion::Any(criteria) => return self.any(of, criteria, within),
            _ => {}
        }
        let began = self.now();
        let (index, rows, found) = self.one(of, criterion, within)?;
        let found = match within {
            Some(within) => found & within,
            None => found,
        };
        let left = found.len();
        self.tell(began, || Step { what: format!("{criterion:?}"), index, rows, left, micros: 0 });
        Ok(found)
    }

    /// One that is not made of others: how it is decided, by how many rows, and what meets it.
    fn one(
        &self,
        of: TypeId,
        criterion: &Criterion,
        within: Option<&RoaringTreemap>,
    ) -> Found<(&'static str, u64, RoaringTreemap)> {
        let all = || within.map_or_else(|| self.all_of(of), |within| Ok(within.clone()));
        Ok(match criterion {
            Criterion::All(_) | Criterion::Any(_) => ("all", 0, self.set(of, criterion, within)?),
            Criterion::Not(criterion) => {
                let all = all()?;
                let but = self.set(of, criterion, Some(&all))?;
                ("all but", all.len(), all - but)
            }
            Criterion::Shared(shared) => self.shared(of, shared)?,
            Criterion::Ids(ids) => {
                let keys = ids.iter().map(|&id| Key { resource_type: of, id });
                ("ids", ids.len() as u64, self.keys(keys)?)
            }
            Criterion::Keys(keys) => {
                let of_type = keys.iter().copied().filter(|key| key.resource_type == of);
                ("ids", keys.len() as u64, self.keys(of_type)?)
            }
            Criterion::LastUpdated { from, before } => {
                let mut found = all()?;
                let (from, to) = updated_within(self.view, self.head, *from, *before)?;
                found.remove_range(..from);
                if let Some(next) = to.checked_add(1) {
                    found.remove_range(next..);
                }
                ("commits", found.len(), found)
            }
            Criterion::Value(..) | Criterion::Present(_)
                if let Some(few) = within.filter(|within| within.len() <= FEW) =>
            {
                ("values of each", few.len(), self.by_values(criterion, few)?)
            }
            Criterion::Value(parameter, test) => self.value(*parameter, test, within)?,
            Criterion::Present(parameter) => {
                let (rows, found) = self.present(*parameter)?;
                ("all values", rows, found)
            }
            Criterion::Compartment(compartment) => {
                let found = self.members(compartment, of)?;
                ("compartment", found.len(), self.visible(found)?)
            }
            Criterion::CompartmentOfAny(kind) => self.members_of_any(*kind, all()?)?,
            Criterion::Chain { parameter, targets } => {
                ("chain", 0, self.chain(*parameter, targets, within)?)
            }
            Criterion::Has { source, parameter } => {
                ("reverse chain", 0, self.has(of, source, *parameter, within)?)
            }
            Criterion::CanonicalChain { parameter, targets } => {
                ("chain of canonicals", 0, self.canonical_chain(*parameter, targets)?)
            }
            Criterion::CanonicalHas { source, parameter, address } => {
                ("reverse chain of canonicals", 0, self.canonical_has(source, *parameter, address)?)
            }
            Criterion::Inside(inside) => {
                let (rows, found) = self.inside(inside, within)?;
                ("contained resources", rows, found)
            }
            Criterion::Body(test) => {
                let all = all()?;
                ("bodies", all.len(), self.bodies(test, all)?)
            }
        })
    }

    /// Decided the first time that it is met for a type, and one step whatever it is made of.
    fn shared(&self, of: TypeId, shared: &Shared) -> Found<(&'static str, u64, RoaringTreemap)> {
        if let Some(found) = self.decided.borrow().of(of, shared) {
            return Ok(("decided before", 0, found.clone()));
        }
        let told = self.steps.as_ref().map_or(0, |steps| steps.borrow().len());
        let found = self.set(of, &shared.0, None)?;
        let steps = self.steps.as_ref().map(|steps| steps.borrow_mut().split_off(told));
        let rows = steps.into_iter().flatten().map(|step| step.rows).sum();
        self.decided.borrow_mut().add(of, shared.clone(), found.clone());
        Ok(("once for its type", rows, found))
    }

    fn members(&self, compartment: &Key, of: TypeId) -> Found<RoaringTreemap> {
        let first = key::of_compartment(compartment, of, Rid(0));
        let last = key::of_compartment(compartment, of, Rid(u64::MAX));
        let mut found = RoaringTreemap::new();
        for entry in self.view.range(COMPARTMENT, &first, &last)? {
            let rid = key::read_compartment_rid(entry?.0);
            found.insert(rid.ok_or_else(|| broken("compartment"))?.0);
        }
        Ok(found)
    }

    /// Those that are in a compartment of this type: each says so itself.
    fn members_of_any(
        &self,
        compartment: TypeId,
        mut among: RoaringTreemap,
    ) -> Found<(&'static str, u64, RoaringTreemap)> {
        let mut outside = RoaringTreemap::new();
        let mut count = 0;
        for rid in &among {
            self.look(&mut count)?;
            let row = named_row(self.view, Rid(rid))?;
            if !row.compartments().any(|key| key.resource_type == compartment) {
                outside.insert(rid);
            }
        }
        among -= outside;
        Ok(("compartments", count, among))
    }

    fn bodies(&self, test: &BodyTest, all: RoaringTreemap) -> Found<RoaringTreemap> {
        let mut found = RoaringTreemap::new();
        for rid in all {
            if self.stop.is_set() {
                return Err(SearchError::Stopped);
            }
            if (test.0)(&named_row(self.view, Rid(rid))?.body(self.dictionaries)?) {
                found.insert(rid);
            }
        }
        Ok(found)
    }

    /// The narrowest first; what is costly is asked about what the others leave.
    fn all(
        &self,
        of: TypeId,
        criteria: &[Criterion],
        within: Option<&RoaringTreemap>,
    ) -> Found<RoaringTreemap> {
        let mut ordered = criteria.iter().collect::<Vec<_>>();
        // Each rank once: to know one, a look-up is made.
        ordered.sort_by_cached_key(|criterion| rank(criterion));
        let mut left = within.cloned();
        for criterion in ordered {
            left = Some(self.set(of, criterion, left.as_ref())?);
            if left.as_ref().is_some_and(RoaringTreemap::is_empty) {
                break;
            }
        }
        match left {
            Some(left) => Ok(left),
            None => self.all_of(of),
        }
    }

    fn any(
        &self,
        of: TypeId,
        criteria: &[Criterion],
        within: Option<&RoaringTreemap>,
    ) -> Found<RoaringTreemap> {
        let mut found = RoaringTreemap::new();
        for criterion in criteria {
            found |= self.set(of, criterion, within)?;
        }
        Ok(found)
    }

    fn keys(&self, keys: impl Iterator<Item = Key>) -> Found<RoaringTreemap> {
        let mut found = RoaringTreemap::new();
        for key in keys {
            found.extend(self.current(&key)?.map(|rid| rid.0));
        }
        Ok(found)
    }

    fn by_values(&self, criterion: &Criterion, few: &RoaringTreemap) -> Found<RoaringTreemap> {
        let mut found = RoaringTreemap::new();
        for rid in few {
            if self.tested(Rid(rid))?.meets(criterion) == Some(true) {
                found.insert(rid);
            }
        }
        Ok(found)
    }

    pub(super) fn value(
        &self,
        parameter: ParameterId,
        test: &Test,
        within: Option<&RoaringTreemap>,
    ) -> Found<(&'static str, u64, RoaringTreemap)> {
        let Lookup { ranges, unsure, skip, says, name, .. } = lookup::lookup(parameter, test);
        let (mut found, mut doubtful) = (RoaringTreemap::new(), RoaringTreemap::new());
        let mut count = 0;
        for (range, decides) in
            ranges.iter().map(|it| (it, true)).chain(unsure.iter().map(|it| (it, false)))
        {
            for row in self.rows(&range.0, &range.1)? {
                self.look(&mut count)?;
                let (row, rid) = row?;
                match if decides { says(row.get(skip..).unwrap_or_default()) } else { Says::Unsure }
                {
                    Says::Yes => {
                        found.insert(rid.0);
                    }
                    Says::No => {}
                    Says::Unsure => {
                        doubtful.insert(rid.0);
                    }
                }
            }
        }
        doubtful -= &found;
        if let Some(within) = within {
            doubtful &= within;
            found &= within;
        }
        let doubtful = self.visible(doubtful)?;
        for rid in doubtful {
            if self.values(Rid(rid))?.of(parameter).any(|value| test.passes(&value)) {
                found.insert(rid);
            }
        }
        Ok((name, count, self.visible(found)?))
    }

    pub(super) fn present(&self, parameter: ParameterId) -> Found<(u64, RoaringTreemap)> {
        let (from, to) = lookup::all(parameter);
        let (mut found, mut count) = (RoaringTreemap::new(), 0);
        for row in self.rows(&from, &to)? {
            self.look(&mut count)?;
            found.insert(row?.1.0);
        }
        Ok((count, self.visible(found)?))
    }

    /// The resources that refer, by a parameter, to a resource.
    pub(super) fn referring(
        &self,
        parameter: ParameterId,
        to: &Key,
        into: &mut RoaringTreemap,
    ) -> Found<()> {
        let (from, to) = lookup::references_to(parameter, to);
        for row in self.rows(&from, &to)? {
            into.insert(row?.1.0);
        }
        Ok(())
    }

    /// The resources that a version refers to by a parameter, and which version of each, where the
    /// reference says so.
    pub(super) fn referred(
        &self,
        rid: Rid,
        parameter: ParameterId,
    ) -> Found<Vec<(Key, Option<&'t str>)>> {
        Ok(references(self.values(rid)?, parameter))
    }

    /// From the side that has fewer resources.
    fn chain(
        &self,
        parameter: ParameterId,
        targets: &[TypeSearch],
        within: Option<&RoaringTreemap>,
    ) -> Found<RoaringTreemap> {
        let mut leads_to = RoaringTreemap::new();
        for target in targets {
            leads_to |= self.matching(target.resource_type, &target.criterion)?;
        }
        let (mut found, mut count) = (RoaringTreemap::new(), 0);
        if let Some(within) = within.filter(|within| within.len() < leads_to.len()) {
            for rid in within {
                self.look(&mut count)?;
                for (key, _) in self.referred(Rid(rid), parameter)? {
                    if self.current(&key)?.is_some_and(|target| leads_to.contains(target.0)) {
                        found.insert(rid);
                        break;
                    }
                }
            }
            return Ok(found);
        }
        for target in leads_to {
            self.look(&mut count)?;
            self.referring(parameter, &self.key_of(Rid(target))?, &mut found)?;
        }
        self.visible(found)
    }

    fn has(
        &self,
        of: TypeId,
        source: &TypeSearch,
        parameter: ParameterId,
        within: Option<&RoaringTreemap>,
    ) -> Found<RoaringTreemap> {
        let sources = self.matching(source.resource_type, &source.criterion)?;
        let (mut found, mut count) = (RoaringTreemap::new(), 0);
        if let Some(within) = within.filter(|within| within.len() < sources.len()) {
            for rid in within {
                self.look(&mut count)?;
                let mut referring = RoaringTreemap::new();
                self.referring(parameter, &self.key_of(Rid(rid))?, &mut referring)?;
                if !referring.is_disjoint(&sources) {
                    found.insert(rid);
                }
            }
            return Ok(found);
        }
        for rid in sources {
            self.look(&mut count)?;
            for (key, _) in self.referred(Rid(rid), parameter)? {
                if key.resource_type == of {
                    found.extend(self.current(&key)?.map(|rid| rid.0));
                }
            }
        }
        Ok(found)
    }
}

/// The resources that values of a parameter name, and which version of each.
pub(super) fn references(values: Values<'_>, parameter: ParameterId) -> Vec<(Key, Option<&str>)> {
    values.of(parameter).filter_map(reference).collect()
}

/// By which parameter a resource is referred to, and which version of it.
pub(super) type Referred<'f> = (ParameterId, Key, Option<&'f str>);

/// The same of all parameters, in their order.
pub(super) fn all_references(values: Values<'_>) -> Vec<Referred<'_>> {
    let named = |(parameter, value)| {
        let (key, version) = reference(value)?;
        Some((parameter, key, version))
    };
    values.all().filter_map(named).collect()
}

/// The resource that a value names, and which version of it.
fn reference(value: Packed<'_>) -> Option<(Key, Option<&str>)> {
    let Packed::Reference(reference) = value else { return None };
    match reference.target {
        Target::Resource { key, version } => Some((key, version)),
        Target::Url { .. } | Target::Nothing => None,
    }
}

/// In which order criteria are looked at that all have to hold.
fn rank(criterion: &Criterion) -> u8 {
    match criterion {
        Criterion::Ids(_) | Criterion::Keys(_) => 0,
        Criterion::Compartment(_) => 1,
        Criterion::Value(parameter, test) => lookup::lookup(*parameter, test).rank,
        Criterion::Any(criteria) => criteria.iter().map(rank).max().unwrap_or(0),
        Criterion::All(criteria) => criteria.iter().map(rank).min().unwrap_or(8),
        Criterion::Has { .. } | Criterion::CanonicalHas { .. } => 5,
        Criterion::Chain { .. } | Criterion::CanonicalChain { .. } | Criterion::Inside(_) => 5,
        Criterion::Present(_) => 7,
        Criterion::CompartmentOfAny(_) | Criterion::LastUpdated { .. } => 8,
        Criterion::Shared(shared) => rank(&shared.0),
        Criterion::Not(_) => 9,
        Criterion::Body(_) => 10,
    }
}
