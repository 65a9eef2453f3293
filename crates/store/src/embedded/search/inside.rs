//! <https://hl7.org/fhir/R4/search.html#contained>: resources that stand within others. The index
//! tells which versions have one of a type; the rest is read from their bodies.

use roaring::RoaringTreemap;

use super::criteria::references;
use super::{Found, SearchError, Searching};
use crate::embedded::read::named_row;
use crate::forward::Tested;
use crate::key::{ParameterId, Rid};
use crate::plan::{Criterion, Inside, Part, TypeSearch};

impl Searching<'_> {
    /// The versions within which something meets its criterion, and how many rows were read.
    pub(super) fn inside(
        &self,
        inside: &Inside,
        within: Option<&RoaringTreemap>,
    ) -> Found<(u64, RoaringTreemap)> {
        let (mut rows, mut candidates) = (0, RoaringTreemap::new());
        for (presence, _) in &inside.targets {
            let (count, found) = self.present(*presence)?;
            rows += count;
            candidates |= found;
        }
        if let Some(within) = within {
            candidates &= within;
        }
        let mut found = RoaringTreemap::new();
        for rid in candidates {
            if self.stop.is_set() {
                return Err(SearchError::Stopped);
            }
            if !self.parts(Rid(rid), inside)?.is_empty() {
                found.insert(rid);
            }
        }
        Ok((rows, found))
    }

    /// What within a version meets its criterion.
    pub(in crate::embedded) fn parts(&self, rid: Rid, inside: &Inside) -> Found<Vec<Part>> {
        let body = named_row(self.view, rid)?.body(self.dictionaries)?;
        let mut met = Vec::new();
        for part in (inside.parts.0)(&body) {
            let is_its =
                |it: &&(ParameterId, TypeSearch)| it.1.resource_type == part.key.resource_type;
            if let Some((_, search)) = inside.targets.iter().find(is_its)
                && self.part_meets(&part, &search.criterion)?
            {
                met.push(part);
            }
        }
        Ok(met)
    }

    /// Nothing outside refers to a part, and it has no compartments and no time of its own.
    fn part_meets(&self, part: &Part, criterion: &Criterion) -> Found<bool> {
        Ok(match criterion {
            Criterion::All(criteria) => {
                for criterion in criteria {
                    if !self.part_meets(part, criterion)? {
                        return Ok(false);
                    }
                }
                true
            }
            Criterion::Any(criteria) => {
                for criterion in criteria {
                    if self.part_meets(part, criterion)? {
                        return Ok(true);
                    }
                }
                false
            }
            Criterion::Not(criterion) => !self.part_meets(part, criterion)?,
            Criterion::Chain { parameter, targets } => {
                self.part_leads(part, *parameter, targets)?
            }
            Criterion::Body(test) => (test.0)(&part.body),
            other => Tested::new(part.key, &part.values).meets(other) == Some(true),
        })
    }

    /// Whether a part refers to a resource that meets its criterion.
    fn part_leads(
        &self,
        part: &Part,
        parameter: ParameterId,
        targets: &[TypeSearch],
    ) -> Found<bool> {
        for (key, _) in references(part.values.view(), parameter) {
            let Some(target) = targets.iter().find(|it| it.resource_type == key.resource_type)
            else {
                continue;
            };
            let Some(rid) = self.current(&key)? else { continue };
            let one = RoaringTreemap::from_iter([rid.0]);
            if self.may_see(key.resource_type, rid)?
                && !self.set(key.resource_type, &target.criterion, Some(&one))?.is_empty()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
