//! <https://hl7.org/fhir/R4/searchparameter.html>: what resources of a service can be searched by,
//! each parameter under the number that the store knows it by.
//!
//! A number stands for a definition, not for a name: a definition that changes has another number,
//! and what was indexed by the old one is not mistaken for it.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock, OnceLock};

use fhir::Definitions;
use fhir::definitions::{Layer, Registry, SearchKind, SearchParameter};
use fhir::path::Schema;
use fhir::search::{Extractors, Parameter, TypeExtractor};
use store::{ParameterId, TypeId};
use xxhash_rust::xxh3::Xxh3;

use crate::fhir::types;

/// All parameters of a service; those of a type are made when they are first asked for.
pub(crate) struct Catalogue {
    registry: Registry,
    extractors: Extractors,
    /// By the number of the type.
    types: Box<[OnceLock<Searchable>]>,
    fingerprint: u64,
}

/// What resources of one type can be searched by.
#[derive(Default)]
pub(crate) struct Searchable {
    /// In the order of the extractor's.
    pub(crate) parameters: Vec<Known>,
    /// The compartments that resources of the type can be in.
    pub(crate) compartments: Vec<Membership>,
}

/// A parameter of one type.
pub(crate) struct Known {
    pub(crate) id: ParameterId,
    pub(crate) code: Box<str>,
    pub(crate) url: Box<str>,
    /// Whether the service has it beside those of its FHIR version.
    pub(crate) is_own: bool,
    /// Whether a search by its code means another.
    pub(crate) is_hidden: bool,
    pub(crate) of: Component,
    /// Of a composite.
    pub(crate) components: Vec<Component>,
}

/// How values are read that a parameter, or a component of one, is asked for.
#[derive(Clone)]
pub(crate) struct Component {
    pub(crate) kind: SearchKind,
    /// What a reference may point to.
    pub(crate) targets: Vec<TypeId>,
    /// What its elements of type code are bound to.
    pub(crate) value_sets: Box<[Box<str>]>,
}

/// How resources of a type come into the compartments of another.
pub(crate) struct Membership {
    pub(crate) of: TypeId,
    /// A resource is in the compartment that it is of.
    pub(crate) own: bool,
    /// The places of the reference parameters that name whose it is.
    pub(crate) parameters: Vec<usize>,
}

impl Searchable {
    /// Those that are searched by.
    pub(crate) fn known(&self) -> impl Iterator<Item = &Known> {
        self.parameters.iter().filter(|known| !known.is_hidden)
    }
}

impl Catalogue {
    /// That of R4 alone, shared by all services that have no parameters of their own.
    fn r4() -> Arc<Self> {
        static R4: LazyLock<Arc<Catalogue>> =
            LazyLock::new(|| Arc::new(Catalogue::new(Registry::new(Definitions::r4()), 0)));
        Arc::clone(&R4)
    }

    fn new(registry: Registry, fingerprint: u64) -> Self {
        let extractors = Extractors::new(registry.clone(), Schema::r4());
        let types = (0..=types::NAMES.len()).map(|_| OnceLock::new()).collect();
        Self { registry, extractors, types, fingerprint }
    }

    /// The catalogue of what a registry knows; `before` itself when it is the same.
    pub(crate) fn of(registry: &Registry, before: Option<&Arc<Self>>) -> Arc<Self> {
        let own = registry.layers().flat_map(|layer| layer.search_parameters().iter());
        let mut hash = Xxh3::new();
        let mut some = false;
        for parameter in own {
            some = true;
            hash.update(&fingerprint(parameter).to_be_bytes());
        }
        if !some {
            return Self::r4();
        }
        let fingerprint = hash.digest();
        let same = before.filter(|before| before.fingerprint == fingerprint);
        same.cloned().unwrap_or_else(|| Arc::new(Self::new(registry.clone(), fingerprint)))
    }

    /// What resources of a type can be searched by.
    pub(crate) fn of_type(&self, number: TypeId) -> &Searchable {
        static NOTHING: Searchable =
            Searchable { parameters: Vec::new(), compartments: Vec::new() };
        let slot = self.types.get(usize::from(number.0));
        slot.map_or(&NOTHING, |slot| slot.get_or_init(|| self.searchable(number)))
    }

    /// What finds the values in resources of a type.
    pub(crate) fn extractor(&self, number: TypeId) -> Option<&TypeExtractor> {
        self.extractors.of(self.registry.base().type_named(types::name(number))?)
    }

    /// A parameter by its name.
    pub(crate) fn find(&self, number: TypeId, code: &str) -> Option<&Known> {
        self.of_type(number).known().find(|known| *known.code == *code)
    }

    /// The reference parameters of a type.
    pub(crate) fn references(&self, number: TypeId) -> impl Iterator<Item = &Known> {
        let all = self.of_type(number).known();
        all.filter(|known| known.of.kind == SearchKind::Reference)
    }

    fn searchable(&self, number: TypeId) -> Searchable {
        let name = types::name(number);
        let Some(extractor) = self.extractor(number) else { return Searchable::default() };
        let parameters: Vec<Known> = extractor
            .parameters()
            .iter()
            .map(|parameter| self.known(name, parameter, extractor))
            .collect();
        let all = self.registry.base().compartments();
        let compartments = all.iter().filter_map(|compartment| {
            let of = types::number(compartment.code())?;
            let codes: Vec<&str> = compartment.parameters(name).collect();
            let is_standard = |known: &Known| !known.is_own;
            let place = |code: &&str| {
                parameters.iter().position(|known| is_standard(known) && *known.code == **code)
            };
            let places: Vec<usize> = codes.iter().filter_map(place).collect();
            // A patient is in its own compartment, whatever links it has.
            let own = of == number;
            (own || !places.is_empty()).then_some(Membership { of, own, parameters: places })
        });
        let compartments = compartments.collect();
        Searchable { parameters, compartments }
    }

    fn known(&self, name: &str, parameter: &Parameter, extractor: &TypeExtractor) -> Known {
        let standard = self.registry.base().search_parameters();
        let definition = match parameter.is_standard {
            true => standard.by_url(&parameter.url),
            false => self.by_url(&parameter.url),
        };
        let mut hash = Xxh3::new();
        for text in [name, &parameter.code, parameter.kind.code()] {
            hash.update(text.as_bytes());
            hash.update(&[0]);
        }
        hash.update(&definition.map_or(0, fingerprint).to_be_bytes());
        let components = definition.map(|it| self.components(it, extractor)).unwrap_or_default();
        Known {
            id: ParameterId(hash.digest()),
            code: parameter.code.clone(),
            url: parameter.url.clone(),
            is_own: !parameter.is_standard,
            is_hidden: parameter.is_hidden,
            of: Component {
                kind: parameter.kind,
                targets: definition.map(targets).unwrap_or_default(),
                value_sets: parameter.value_sets.clone(),
            },
            components,
        }
    }

    /// Changes with the service's own parameters; 0 is none of them.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The service's own parameters, each with its type.
    pub(crate) fn own(&self) -> Vec<(TypeId, &Known)> {
        let own = self.registry.layers().flat_map(|layer| layer.search_parameters().iter());
        let mut numbers = BTreeSet::new();
        for base in own.flat_map(SearchParameter::bases) {
            match types::number(base) {
                Some(number) => drop(numbers.insert(number)),
                // `Resource` and `DomainResource` are all of them.
                None => numbers.extend(types::numbers()),
            }
        }
        let of = |number| self.of_type(number).parameters.iter().map(move |known| (number, known));
        numbers.into_iter().flat_map(of).filter(|(_, known)| known.is_own).collect()
    }

    fn by_url(&self, url: &str) -> Option<SearchParameter<'_>> {
        let layers = self.registry.layers().map(Layer::search_parameters);
        let mut all = layers.chain([self.registry.base().search_parameters()]);
        all.find_map(|parameters| parameters.by_url(url))
    }

    fn components(
        &self,
        composite: SearchParameter<'_>,
        extractor: &TypeExtractor,
    ) -> Vec<Component> {
        let mut found = Vec::new();
        for (url, _) in composite.components() {
            let Some(definition) = self.by_url(url) else { return Vec::new() };
            let own = extractor.parameters().iter().find(|own| *own.url == *definition.url());
            found.push(Component {
                kind: definition.kind(),
                targets: targets(definition),
                value_sets: own.map(|own| own.value_sets.clone()).unwrap_or_default(),
            });
        }
        found
    }
}

fn targets(definition: SearchParameter<'_>) -> Vec<TypeId> {
    definition.targets().filter_map(types::number).collect()
}

/// Changes with everything that decides which values a parameter has.
pub(crate) fn fingerprint(parameter: SearchParameter<'_>) -> u64 {
    let mut hash = Xxh3::new();
    let mut add = |text: &str| {
        hash.update(&(text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    add(parameter.url());
    add(parameter.code());
    add(parameter.kind().code());
    add(parameter.expression().unwrap_or_default());
    for (definition, expression) in parameter.components() {
        add(definition);
        add(expression);
    }
    parameter.bases().chain(parameter.targets()).for_each(&mut add);
    hash.digest()
}
