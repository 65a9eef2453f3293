//! The search values of resources: all parameters of a type at once.

use std::sync::{Arc, LazyLock, OnceLock};

use base::limits::FHIRPATH_STEPS;
use json::{Document, Limits, Value as Element};

use super::compile::{CompileError, Compiled, Compiler, Finder};
use super::convert::convert;
use super::shape::Shape;
use super::tree::{Found, Tree, Walk};
use super::value::{Text, Token, Value};
use crate::definitions::{Definitions, Layer, Registry, SearchKind, SearchParameter, Type, TypeId};
use crate::path::{self, Environment, Item, Node, Program, Resolve, Schema};
use crate::value::{Moment, Zone};

/// What extraction is told of the world.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The zone of dates and times that have none: that of the service.
    pub zone: Zone,
    /// The time, for expressions that ask.
    pub now: Moment,
}

/// A parameter that resources of a type can be searched by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in a search.
    pub code: Box<str>,
    /// The canonical URL of its definition.
    pub url: Box<str>,
    /// Its type.
    pub kind: SearchKind,
    /// The value sets of those of its elements that are of type code: the systems of these are
    /// implied, tokens do not carry them.
    pub value_sets: Box<[Box<str>]>,
    /// Whether its definition is the FHIR version's own.
    pub is_standard: bool,
    /// Whether a search by its code means another: it is indexed all the same, so that it finds
    /// everything when that other one is gone.
    pub is_hidden: bool,
}

/// The search values of a resource.
#[derive(Debug, Default)]
pub struct Values<'d> {
    /// In the order in which the resource has them, parameters mixed; a value may come twice.
    /// What a parameter has none of is missing.
    pub found: Vec<Found<'d>>,
    /// The parameters whose expression failed on this resource.
    pub faults: Vec<Fault>,
}

/// An expression that failed on a resource, so that its values are not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The place of its parameter in [`TypeExtractor::parameters`].
    pub parameter: usize,
    /// Why it failed.
    pub error: path::Error,
}

/// The extractors of all resource types of a service, each made when it is first asked for.
pub struct Extractors {
    registry: Registry,
    schema: Arc<Schema>,
    types: Box<[OnceLock<TypeExtractor>]>,
}

impl Extractors {
    /// The extractors of what a registry knows; `schema` is that of its FHIR version.
    #[must_use]
    pub fn new(registry: Registry, schema: Arc<Schema>) -> Extractors {
        let types = registry.base().types().map(|_| OnceLock::new()).collect();
        Extractors { registry, schema, types }
    }

    /// Those of R4 alone, shared by the process.
    #[must_use]
    pub fn r4() -> &'static Extractors {
        static EXTRACTORS: LazyLock<Extractors> =
            LazyLock::new(|| Extractors::new(Registry::new(Definitions::r4()), Schema::r4()));
        &EXTRACTORS
    }

    /// The extractor of a resource type; None if the number is of no type.
    #[must_use]
    pub fn of(&self, ty: TypeId) -> Option<&TypeExtractor> {
        let make = || TypeExtractor::new(&self.registry, &self.schema, ty);
        Some(self.types.get(ty.index())?.get_or_init(make))
    }

    /// The extractor of the type that a resource says it is.
    #[must_use]
    pub fn of_resource(&self, resource: Element<'_>) -> Option<&TypeExtractor> {
        let name = resource.get("resourceType")?.as_str()?;
        self.of(self.registry.base().type_named(&name)?)
    }
}

/// Most resources have fewer values.
const VALUES: usize = 64;

/// All that resources of one type can be searched by.
pub struct TypeExtractor {
    parameters: Vec<Parameter>,
    tree: Tree,
    /// What is not in the tree, by the place of its parameter.
    evaluated: Vec<(usize, Evaluated)>,
    errors: Vec<CompileError>,
}

struct Evaluated {
    program: Program,
    kind: SearchKind,
    components: Vec<(Program, SearchKind)>,
}

/// Parameters of every type that R4 has no definition of: code, type, expression.
const OWN: [(&str, SearchKind, &str); 1] = [("_language", SearchKind::Token, "Resource.language")];

impl TypeExtractor {
    fn new(registry: &Registry, schema: &Arc<Schema>, ty: TypeId) -> TypeExtractor {
        let compiler = Compiler { registry, schema };
        let ty = registry.base().ty(ty);
        let mut extractor = TypeExtractor {
            parameters: Vec::new(),
            tree: Tree::default(),
            evaluated: Vec::new(),
            errors: Vec::new(),
        };
        for (definition, is_standard) in definitions(&compiler, ty) {
            match compiler.compile(definition, ty) {
                Ok(compiled) => {
                    let (code, url) = (definition.code(), definition.url());
                    extractor.add((code, url, definition.kind()), is_standard, compiled);
                }
                Err(super::Reason::NoExpression) => {}
                Err(reason) => {
                    let (url, base) = (definition.url().into(), ty.name().into());
                    extractor.errors.push(CompileError { url, base, reason });
                }
            }
        }
        for (code, kind, expression) in OWN {
            if extractor.place(code).is_none()
                && let Ok(compiled) = compiler.simple(kind, expression, ty.id().into())
            {
                extractor.add((code, "", kind), true, compiled);
            }
        }
        extractor
    }

    fn add(
        &mut self,
        (code, url, kind): (&str, &str, SearchKind),
        is_standard: bool,
        compiled: Compiled,
    ) {
        let parameter = self.parameters.len();
        let (is_hidden, value_sets) = (self.place(code).is_some(), compiled.value_sets.into());
        let (code, url) = (code.into(), url.into());
        self.parameters.push(Parameter { code, url, kind, value_sets, is_standard, is_hidden });
        match compiled.finder {
            Finder::Paths(paths) => {
                for (steps, mut give) in paths {
                    give.parameter = parameter;
                    self.tree.add(&steps, give);
                }
            }
            Finder::Composite { elements, components } => {
                for steps in elements {
                    self.tree.add_composite(&steps, parameter, &components);
                }
            }
            Finder::Evaluated { program, kind, components } => {
                self.evaluated.push((parameter, Evaluated { program, kind, components }));
            }
        }
    }

    /// What resources of the type can be searched by.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The place of the parameter that a search by a code means.
    #[must_use]
    pub fn place(&self, code: &str) -> Option<usize> {
        self.parameters.iter().position(|parameter| *parameter.code == *code)
    }

    /// Whether a parameter's expression has to be evaluated, which costs more than a path.
    #[must_use]
    pub fn is_evaluated(&self, parameter: usize) -> bool {
        self.evaluated.iter().any(|(place, _)| *place == parameter)
    }

    /// What is defined for the type but cannot be searched by.
    #[must_use]
    pub fn errors(&self) -> &[CompileError] {
        &self.errors
    }

    /// All search values of a resource of the type.
    #[must_use]
    pub fn extract<'d>(&self, resource: Element<'d>, setting: &Setting) -> Values<'d> {
        let mut values = Values { found: Vec::with_capacity(VALUES), faults: Vec::new() };
        let walk = Walk::new(resource, setting.zone);
        self.tree.walk(&walk, resource, &mut values.found);
        for (parameter, evaluated) in &self.evaluated {
            if let Err(error) = evaluated.run(*parameter, resource, setting, &mut values.found) {
                values.faults.push(Fault { parameter: *parameter, error });
            }
        }
        values
    }
}

/// The parameters of a type, its own before those of what it specializes, each with whether it is
/// the FHIR version's own. Of each code the one that the registry finds first, and behind it that
/// of the FHIR version where it is another. One that means what that means, or cannot be used,
/// gives way to it.
fn definitions<'r>(compiler: &Compiler<'r>, ty: Type<'r>) -> Vec<(SearchParameter<'r>, bool)> {
    let mut all: Vec<(SearchParameter<'r>, bool)> = Vec::new();
    let registry = compiler.registry;
    let lineage = std::iter::successors(Some(ty), |ty| ty.base()).take(64);
    for base in lineage.map(Type::name) {
        let standard = || registry.base().search_parameters().of_base(base);
        let layers = registry.layers().map(Layer::search_parameters);
        for own in layers.flat_map(|layer| layer.of_base(base)) {
            let same = standard().find(|known| known.code() == own.code());
            let gives_way = same.is_some_and(|known| compiler.gives_way(own, known, ty));
            if !gives_way && !all.iter().any(|(known, _)| known.code() == own.code()) {
                all.push((own, false));
            }
        }
        for standard in standard() {
            if !all
                .iter()
                .any(|(known, is_standard)| *is_standard && known.code() == standard.code())
            {
                all.push((standard, true));
            }
        }
    }
    all
}

impl Evaluated {
    fn run<'d>(
        &self,
        parameter: usize,
        resource: Element<'d>,
        setting: &Setting,
        out: &mut Vec<Found<'d>>,
    ) -> Result<(), path::Error> {
        let mut environment = Environment::at(setting.now);
        environment.resource = Some(resource);
        environment.resolve = Some(&OnlyTypes);
        environment.steps = FHIRPATH_STEPS;
        for item in self.program.evaluate(&environment, resource)? {
            if self.components.is_empty() {
                let give = &mut |value| out.push(Found { parameter, value });
                values(self.program.schema(), self.kind, &item, setting.zone, give);
                continue;
            }
            let mut components = Vec::with_capacity(self.components.len());
            for (program, kind) in &self.components {
                let mut found = Vec::new();
                for item in program.evaluate_on(&environment, Some(item.clone()))? {
                    values(program.schema(), *kind, &item, setting.zone, &mut |v| found.push(v));
                }
                components.push(found.into_boxed_slice());
            }
            if components.iter().all(|values| !values.is_empty()) {
                let value = Value::Composite(components.into());
                out.push(Found { parameter, value });
            }
        }
        Ok(())
    }
}

/// The values of an item that an expression gave.
fn values<'d>(
    schema: &Schema,
    kind: SearchKind,
    item: &Item<'d>,
    zone: Zone,
    give: &mut dyn FnMut(Value<'d>),
) {
    match item {
        Item::Node(node) if !node.is_sibling => {
            let node = inside_extension(schema, node);
            let shape = Shape::of(schema, node.type_id);
            if shape.suits(kind) {
                convert(kind, shape, node.value, zone, give);
            }
        }
        Item::Node(_) => {}
        computed => {
            let Some(text) = computed.to_text(schema) else { return };
            computed_value(kind, text, zone, give);
        }
    }
}

/// Of an extension its value is searched.
fn inside_extension<'d>(schema: &Schema, node: &Node<'d>) -> Node<'d> {
    let is_extension = schema.type_name(node.type_id) == "Extension";
    let value = schema.element(node.type_id, "value").filter(|_| is_extension);
    let forms = value.map(|value| schema.forms(value)).unwrap_or_default();
    let found =
        forms.iter().find_map(|form| Some(Node::new(node.value.get(&form.key)?, form.type_id)));
    found.unwrap_or(*node)
}

/// A value that no element has, such as the truth of a comparison.
fn computed_value<'d>(
    kind: SearchKind,
    text: Text<'d>,
    zone: Zone,
    give: &mut dyn FnMut(Value<'d>),
) {
    match kind {
        SearchKind::Token => give(Value::Token(Token { code: Some(text), ..Token::default() })),
        SearchKind::String => give(Value::String(text)),
        SearchKind::Uri => give(Value::Uri(super::Uri { url: text, version: None })),
        SearchKind::Number => {
            give(Value::Number(super::Bounds { low: Some(text.clone()), high: Some(text) }));
        }
        SearchKind::Date => {
            if let Ok(moment) = Moment::parse_partial(&text) {
                let (low, high) = moment.interval(zone);
                give(Value::Date(super::Interval { low, high }));
            }
        }
        SearchKind::Reference
        | SearchKind::Quantity
        | SearchKind::Composite
        | SearchKind::Special
        | SearchKind::Resource => {}
    }
}

/// While values are extracted, all that is known of another resource is what a reference to it
/// says: its type.
struct OnlyTypes;

impl<'d> Resolve<'d> for OnlyTypes {
    fn resolve(&self, reference: &str) -> Option<Element<'d>> {
        static TYPES: LazyLock<Vec<(String, Document)>> = LazyLock::new(|| {
            let resources = Definitions::r4().types().filter(|ty| !ty.is_abstract());
            let document = |name: &str| {
                Document::parse(format!("{{\"resourceType\":\"{name}\"}}"), &Limits::default())
            };
            resources
                .filter_map(|ty| Some((ty.name().to_owned(), document(ty.name()).ok()?)))
                .collect()
        });
        let name = match crate::value::Reference::parse(reference) {
            crate::value::Reference::Conditional { resource_type, .. } => resource_type,
            other => other.target()?.resource_type,
        };
        TYPES.iter().find(|(known, _)| known == name).map(|(_, document)| document.root())
    }
}
