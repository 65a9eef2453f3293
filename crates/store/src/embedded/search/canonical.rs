//! <https://hl7.org/fhir/R4/references.html#canonical>: references that name a resource by its URL and
//! not by its place. A version that they name has to be that of the resource.

use roaring::RoaringTreemap;

use super::{Found, Searching};
use crate::forward::{Packed, Target};
use crate::key::{ParameterId, Rid};
use crate::plan::{Address, ReferenceTest, Test, TypeSearch, UriTest};

impl<'t> Searching<'t> {
    /// What leads, by a canonical, to what meets its criterion.
    pub(super) fn canonical_chain(
        &self,
        parameter: ParameterId,
        targets: &[(Address, TypeSearch)],
    ) -> Found<RoaringTreemap> {
        let mut found = RoaringTreemap::new();
        for (address, target) in targets {
            for rid in self.matching(target.resource_type, &target.criterion)? {
                found |= self.naming(parameter, address, Rid(rid))?;
            }
        }
        Ok(found)
    }

    /// What is named, by a canonical, by what meets the criterion.
    pub(super) fn canonical_has(
        &self,
        source: &TypeSearch,
        parameter: ParameterId,
        address: &Address,
    ) -> Found<RoaringTreemap> {
        let mut found = RoaringTreemap::new();
        for rid in self.matching(source.resource_type, &source.criterion)? {
            found |= self.named_by(Rid(rid), parameter, address)?;
        }
        Ok(found)
    }

    /// The resources that a version names by its canonicals.
    pub(super) fn named_by(
        &self,
        rid: Rid,
        parameter: ParameterId,
        address: &Address,
    ) -> Found<RoaringTreemap> {
        let mut found = RoaringTreemap::new();
        for (url, version) in self.canonicals(rid, parameter)? {
            let test = Test::Uri(UriTest::Exact { url: url.into(), version: None });
            let (_, _, named) = self.value(address.url, &test, None)?;
            for rid in named {
                if self.has_version(Rid(rid), address, version)? {
                    found.insert(rid);
                }
            }
        }
        Ok(found)
    }

    /// The resources that name a version by its canonical URL.
    pub(super) fn naming(
        &self,
        parameter: ParameterId,
        address: &Address,
        rid: Rid,
    ) -> Found<RoaringTreemap> {
        let mut found = RoaringTreemap::new();
        for value in self.values(rid)?.of(address.url) {
            let Packed::Uri { url, .. } = value else { continue };
            let test = Test::Reference(ReferenceTest::Url { url: url.into(), version: None });
            let (_, _, candidates) = self.value(parameter, &test, None)?;
            for candidate in candidates {
                for (named, version) in self.canonicals(Rid(candidate), parameter)? {
                    if named == url && self.has_version(rid, address, version)? {
                        found.insert(candidate);
                    }
                }
            }
        }
        Ok(found)
    }

    fn canonicals(
        &self,
        rid: Rid,
        parameter: ParameterId,
    ) -> Found<Vec<(&'t str, Option<&'t str>)>> {
        let values = self.values(rid)?.of(parameter);
        let canonicals = values.filter_map(|value| match value {
            Packed::Reference(reference) => match reference.target {
                Target::Url { url, version } => Some((url, version)),
                Target::Resource { .. } | Target::Nothing => None,
            },
            _ => None,
        });
        Ok(canonicals.collect())
    }

    fn has_version(&self, rid: Rid, address: &Address, version: Option<&str>) -> Found<bool> {
        let (Some(wanted), Some(parameter)) = (version, address.version) else { return Ok(true) };
        let mut values = self.values(rid)?.of(parameter);
        Ok(values.any(|value| match value {
            Packed::Token(token) => token.code == Some(wanted),
            _ => false,
        }))
    }
}
