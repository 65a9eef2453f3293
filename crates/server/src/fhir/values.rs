//! <https://hl7.org/fhir/R4/search.html>: the search values of a resource that is to be stored, and
//! the compartments that it is in.

use std::borrow::Cow;
use std::sync::Arc;

use authority::ExpectedAudience;
use base::{Fault, Timestamp};
use fhir::search::{Found, Interval, Setting, Value as Searched};
use fhir::value::Zone;
use json::Value;
use store::{Content, Forward, Key, ParameterId, ResourceId, TypeId};

use super::bundle;
use super::context::Context;
use super::search::catalogue::{Catalogue, Searchable};
use super::search::contained;
use super::search::interpret::local;
use super::{types, validation};
use crate::app::App;
use crate::service::Service;

/// What values are extracted with: the parameters of the service as they are now.
#[derive(Clone)]
pub(crate) struct Indexing {
    catalogue: Arc<Catalogue>,
    /// The names of the service, without trailing slashes.
    bases: Arc<[String]>,
    setting: Setting,
}

impl Indexing {
    /// For writes of this request. May block while definitions that changed are read.
    pub(crate) fn of(cx: &Context<'_>) -> Result<Self, Fault> {
        Ok(Self {
            catalogue: cx.service.catalogue()?,
            bases: bundle::bases(cx).into(),
            setting: Setting { zone: Zone::UTC, now: validation::moment(cx.now)? },
        })
    }

    /// For criteria on resources that stand within others.
    pub(crate) fn with(
        catalogue: Arc<Catalogue>,
        bases: Arc<[String]>,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let setting = Setting { zone: Zone::UTC, now: validation::moment(now)? };
        Ok(Self { catalogue, bases, setting })
    }

    /// The ids of contained resources that a parameter of a resource refers to.
    pub(crate) fn fragments(
        &self,
        of: TypeId,
        resource: Value<'_>,
        parameter: ParameterId,
    ) -> Vec<String> {
        let searchable = self.catalogue.of_type(of);
        let place = searchable.parameters.iter().position(|known| known.id == parameter);
        let (Some(place), Some(extractor)) = (place, self.catalogue.extractor(of)) else {
            return Vec::new();
        };
        let found = extractor.extract(resource, &self.setting).found.into_iter();
        let ids = found.filter(|found| found.parameter == place).filter_map(|found| {
            let Searched::Reference(reference) = found.value else { return None };
            Some(reference.text?.strip_prefix('#')?.to_owned())
        });
        ids.collect()
    }

    /// For work that no request waits for.
    pub(crate) fn of_service(app: &App, service: &Service) -> Result<Self, Fault> {
        let names = app.authority.names();
        let bases = names.urls(&ExpectedAudience::Service(service.id.clone())).to_vec();
        Ok(Self {
            catalogue: service.catalogue()?,
            bases: bases.into(),
            setting: Setting { zone: Zone::UTC, now: validation::moment(app.clock.now())? },
        })
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// What a resource is found by, as texts: the parameter and the value.
    pub(crate) fn told(&self, key: Key, resource: Value<'_>) -> Vec<(String, String)> {
        let searchable = self.catalogue.of_type(key.resource_type);
        let Some(extractor) = self.catalogue.extractor(key.resource_type) else {
            return Vec::new();
        };
        let found = extractor.extract(resource, &self.setting).found.into_iter();
        let told = found.filter_map(|Found { parameter, value }| {
            let known = searchable.parameters.get(parameter).filter(|known| !known.is_hidden)?;
            Some((known.code.to_string(), value.to_string()))
        });
        told.collect()
    }

    /// What the parameter `date` finds; of several values the latest.
    pub(crate) fn date(&self, of: TypeId, resource: Value<'_>) -> Option<Interval> {
        let extractor = self.catalogue.extractor(of)?;
        let place = extractor.place("date")?;
        let found = extractor.extract(resource, &self.setting).found.into_iter();
        let dates = found.filter(|found| found.parameter == place);
        let dates = dates.filter_map(|found| match found.value {
            Searched::Date(interval) => Some(interval),
            _ => None,
        });
        dates.max_by_key(|interval| (interval.high, interval.low))
    }

    /// The content with all that `resource` can be found by.
    pub(crate) fn add(&self, content: Content, key: Key, resource: Value<'_>) -> Content {
        let (forward, compartments) = self.values(key, resource);
        content.with_values(forward, compartments)
    }

    /// The packed values of a resource, and its compartments.
    pub(crate) fn values(&self, key: Key, resource: Value<'_>) -> (Forward, Vec<Key>) {
        let searchable = self.catalogue.of_type(key.resource_type);
        let Some(extractor) = self.catalogue.extractor(key.resource_type) else {
            return (Forward::default(), Vec::new());
        };
        let mut values = extractor.extract(resource, &self.setting);
        for fault in &values.faults {
            let code = searchable.parameters.get(fault.parameter).map(|known| &known.code);
            let (name, id) = (types::name(key.resource_type), key.id);
            tracing::warn!(
                "{name}/{id} is not found by {code:?}: its expression failed: {}",
                fault.error
            );
        }
        values.found.iter_mut().for_each(|found| self.make_local(found));
        let compartments = compartments(searchable, key, &values.found);
        let named = values.found.iter().filter_map(|Found { parameter, value }| {
            let known = searchable.parameters.get(*parameter)?;
            // The store has these from the version itself.
            let is_own = matches!(&*known.code, "_id" | "_lastUpdated");
            (!is_own).then_some((known.id, value))
        });
        let presences = contained::presences(key.resource_type, resource);
        let within = presences.iter().map(|(parameter, value)| (*parameter, value));
        (Forward::of(named.chain(within), &types::number), compartments)
    }

    /// An absolute reference to a resource of this service is a relative one.
    fn make_local(&self, found: &mut Found<'_>) {
        if let Searched::Reference(reference) = &mut found.value
            && !reference.is_canonical
            && let Some(text) = &reference.text
            && let Some(rest) = local(&self.bases, text)
        {
            reference.text = Some(Cow::Owned(rest.to_owned()));
        }
        if let Searched::Composite(components) = &mut found.value {
            for value in components.iter_mut().flat_map(|values| values.iter_mut()) {
                let parameter = found.parameter;
                let mut inner = Found { parameter, value: std::mem::replace(value, empty()) };
                self.make_local(&mut inner);
                *value = inner.value;
            }
        }
    }
}

fn empty<'d>() -> Searched<'d> {
    Searched::String(Cow::Borrowed(""))
}

/// The compartments that the references of a resource put it into.
fn compartments(searchable: &Searchable, key: Key, found: &[Found<'_>]) -> Vec<Key> {
    let mut keys = Vec::new();
    for membership in &searchable.compartments {
        if membership.own {
            keys.push(key);
        }
        let name = types::name(membership.of);
        for Found { parameter, value } in found {
            if let Searched::Reference(reference) = value
                && membership.parameters.contains(parameter)
                && let Some(fhir::value::Reference::Relative(target)) = reference.target()
                && target.resource_type == name
                && let Some(id) = ResourceId::new(target.id)
            {
                keys.push(Key { resource_type: membership.of, id });
            }
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}
