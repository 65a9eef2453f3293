//! From a SearchParameter to what finds its values in resources of one type.

use std::fmt;
use std::sync::Arc;

use super::branch::{Branch, Step, Stop, branches};
use super::shape::Shape;
use super::tree::Give;
use crate::definitions::{Registry, SearchKind, SearchParameter, Type};
use crate::path::{self, Options, Program, Schema, TypeId, parse};

/// Why a SearchParameter cannot be searched by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// Its canonical URL.
    pub url: Box<str>,
    /// The resource type that it was compiled for.
    pub base: Box<str>,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What can be wrong with a SearchParameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It has no expression.
    NoExpression,
    /// The expression is not FHIRPath.
    Expression(path::Error),
    /// The expression names an element that does not exist.
    UnknownElement {
        /// The type without it.
        of: Box<str>,
        /// The name.
        element: Box<str>,
    },
    /// The expression gives nothing in resources of its base.
    OtherBase,
    /// The expression gives elements of types that a search of its type finds nothing in.
    NoValues(SearchKind, Box<str>),
    /// A composite without components, or a component that is not known.
    Component(Box<str>),
    /// It is for a type that does not exist.
    UnknownBase,
    /// Its type has rules of its own, which are known for the specification's parameters only.
    Special,
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CompileError { url, base, reason } = self;
        write!(f, "SearchParameter {url} cannot be used for {base}: ")?;
        match reason {
            Reason::NoExpression => f.write_str("it has no expression"),
            Reason::Expression(error) => write!(f, "its expression is wrong: {error}"),
            Reason::UnknownElement { of, element } => {
                write!(f, "its expression names {element}, which {of} does not have")
            }
            Reason::OtherBase => {
                write!(f, "its expression finds nothing there; begin it with '{base}.'")
            }
            Reason::NoValues(kind, found) => {
                let kind = kind.code();
                write!(f, "a search of type {kind} finds nothing in what it gives ({found})")
            }
            Reason::Component(definition) if definition.is_empty() => {
                f.write_str("a composite has components")
            }
            Reason::Component(definition) => {
                write!(f, "its component {definition} is not known; store that one first")
            }
            Reason::UnknownBase => f.write_str("there is no such resource type"),
            Reason::Special => f.write_str("a special parameter has rules that nobody knows"),
        }
    }
}

impl std::error::Error for CompileError {}

/// What finds the values of a parameter.
#[derive(Debug)]
pub(crate) enum Finder {
    /// Paths from the resource.
    Paths(Vec<(Vec<Step>, Give)>),
    /// The paths to elements, and from each of them those of the components.
    Composite { elements: Vec<Vec<Step>>, components: Vec<Vec<(Vec<Step>, Give)>> },
    /// An expression, and for a composite those of its components.
    Evaluated { program: Program, kind: SearchKind, components: Vec<(Program, SearchKind)> },
}

impl Finder {
    /// Whether both find the same in every resource, as far as their paths tell.
    fn finds_the_same(&self, other: &Finder) -> bool {
        match (self, other) {
            (Self::Paths(one), Self::Paths(other)) => are_the_same(one, other),
            (
                Self::Composite { elements, components },
                Self::Composite { elements: others, components: parts },
            ) => {
                let mut pairs = components.iter().zip(parts);
                are_the_same(elements, others)
                    && components.len() == parts.len()
                    && pairs.all(|(one, other)| are_the_same(one, other))
            }
            _ => false,
        }
    }
}

/// In whatever order.
fn are_the_same<T: PartialEq>(some: &[T], others: &[T]) -> bool {
    some.len() == others.len() && some.iter().all(|one| others.contains(one))
}

/// A finder, and the value sets that the codes found by it are bound to.
pub(crate) struct Compiled {
    pub(crate) finder: Finder,
    pub(crate) value_sets: Vec<Box<str>>,
}

/// Checks a SearchParameter as it would be used: for each of its bases.
///
/// # Errors
/// One for each base that it cannot be used for.
pub fn check(
    registry: &Registry,
    schema: &Arc<Schema>,
    parameter: SearchParameter<'_>,
) -> Result<(), Vec<CompileError>> {
    let compiler = Compiler { registry, schema };
    let mut errors = Vec::new();
    for base in parameter.bases() {
        let error =
            |reason| CompileError { url: parameter.url().into(), base: base.into(), reason };
        let known = registry.base().type_named(base).map(|ty| registry.base().ty(ty));
        match known {
            None => errors.push(error(Reason::UnknownBase)),
            Some(ty) => errors.extend(compiler.compile(parameter, ty).err().map(error)),
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

pub(crate) struct Compiler<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) schema: &'a Arc<Schema>,
}

impl Compiler<'_> {
    /// Whether a definition adds nothing to the standard's in resources of a type: it means the
    /// same, or cannot be used.
    pub(crate) fn gives_way(
        &self,
        own: SearchParameter<'_>,
        standard: SearchParameter<'_>,
        ty: Type<'_>,
    ) -> bool {
        let finder = |definition| self.compile(definition, ty).map(|it| it.finder);
        let Ok(found) = finder(own) else { return true };
        let is_one_text =
            own.expression() == standard.expression() && own.kind() != SearchKind::Composite;
        let means_the_same =
            || finder(standard).is_ok_and(|standard| found.finds_the_same(&standard));
        own.kind() == standard.kind() && (is_one_text || means_the_same())
    }

    /// Compiles a parameter for a resource type.
    pub(crate) fn compile(
        &self,
        parameter: SearchParameter<'_>,
        ty: Type<'_>,
    ) -> Result<Compiled, Reason> {
        let expression = parameter.expression().ok_or(Reason::NoExpression)?;
        let input = TypeId::from(ty.id());
        let kind = parameter.kind();
        match kind {
            SearchKind::Composite => self.composite(parameter, expression, input),
            SearchKind::Resource => Err(Reason::Special),
            _ => self.simple(kind, expression, input),
        }
    }

    /// Compiles an expression whose elements are values of one type of search.
    pub(crate) fn simple(
        &self,
        kind: SearchKind,
        expression: &str,
        input: TypeId,
    ) -> Result<Compiled, Reason> {
        let Some(branches) = self.branches(expression, input)? else {
            let program = self.program(expression)?;
            let finder = Finder::Evaluated { program, kind, components: Vec::new() };
            return Ok(Compiled { finder, value_sets: Vec::new() });
        };
        let mut value_sets = Vec::new();
        let paths = self.paths(kind, branches, &mut value_sets)?;
        Ok(Compiled { finder: Finder::Paths(paths), value_sets })
    }

    /// The branches of an expression; None if it has to be evaluated.
    fn branches(&self, expression: &str, input: TypeId) -> Result<Option<Vec<Branch>>, Reason> {
        let ast = parse(expression).map_err(Reason::Expression)?;
        match branches(&ast, self.schema, input) {
            Ok(branches) if branches.is_empty() => Err(Reason::OtherBase),
            Ok(branches) => Ok(Some(branches)),
            Err(Stop::Evaluate) => Ok(None),
            Err(Stop::Unknown { of, element }) => Err(Reason::UnknownElement { of, element }),
        }
    }

    fn program(&self, expression: &str) -> Result<Program, Reason> {
        let options = Options { as_filters: true, ..Options::default() };
        path::compile(expression, self.schema, options).map_err(Reason::Expression)
    }

    /// What of the branches a search of this type finds values in.
    fn paths(
        &self,
        kind: SearchKind,
        branches: Vec<Branch>,
        value_sets: &mut Vec<Box<str>>,
    ) -> Result<Vec<(Vec<Step>, Give)>, Reason> {
        let mut paths: Vec<(Vec<Step>, Give)> = Vec::new();
        let mut unsuited = Vec::new();
        for branch in branches.into_iter().flat_map(|branch| self.inside_extension(branch)) {
            let shape = Shape::of(self.schema, branch.type_id);
            if !shape.suits(kind) {
                unsuited.push(self.schema.type_name(branch.type_id));
                continue;
            }
            if shape == Shape::Code {
                value_sets.extend(self.value_set(&branch));
            }
            if !paths.iter().any(|(steps, _)| *steps == branch.steps) {
                paths.push((branch.steps, Give { parameter: 0, kind, shape }));
            }
        }
        if paths.is_empty() {
            unsuited.dedup();
            return Err(Reason::NoValues(kind, unsuited.join(", ").into()));
        }
        Ok(paths)
    }

    /// Of an extension its value is searched.
    fn inside_extension(&self, branch: Branch) -> Vec<Branch> {
        let value = self.schema.element(branch.type_id, "value");
        let is_extension = self.schema.type_name(branch.type_id) == "Extension";
        let Some(value) = value.filter(|_| is_extension) else { return vec![branch] };
        let forms = self.schema.forms(value).iter().map(|form| {
            let mut steps = branch.steps.clone();
            steps.push(Step { key: form.key.clone(), filter: super::branch::Filter::All });
            Branch { steps, type_id: form.type_id, owner: Some(branch.type_id) }
        });
        forms.collect()
    }

    /// The value set that the code at the end of a branch is bound to.
    fn value_set(&self, branch: &Branch) -> Option<Box<str>> {
        let owner = self.registry.base().ty(branch.owner?.into());
        let child = owner.child(&branch.steps.last()?.key)?;
        child.element.binding()?.value_set.map(Into::into)
    }

    fn composite(
        &self,
        parameter: SearchParameter<'_>,
        expression: &str,
        input: TypeId,
    ) -> Result<Compiled, Reason> {
        let components: Vec<(SearchKind, &str)> = parameter
            .components()
            .map(|(definition, expression)| Ok((self.kind_of(definition)?, expression)))
            .collect::<Result<_, Reason>>()?;
        if components.is_empty() {
            return Err(Reason::Component("".into()));
        }
        let elements = self.branches(expression, input)?;
        let paths = match &elements {
            Some(elements) => self.component_paths(elements, &components)?,
            None => None,
        };
        let finder = match (elements, paths) {
            (Some(elements), Some(components)) => {
                let elements = elements.into_iter().map(|branch| branch.steps).collect();
                Finder::Composite { elements, components }
            }
            _ => {
                let kind = SearchKind::Composite;
                let components = components.iter().map(|(kind, expression)| {
                    Ok((self.program(&in_primitives(expression))?, *kind))
                });
                let components = components.collect::<Result<_, Reason>>()?;
                Finder::Evaluated { program: self.program(expression)?, kind, components }
            }
        };
        Ok(Compiled { finder, value_sets: Vec::new() })
    }

    /// The paths of each component from an element; None if one has to be evaluated. Elements of
    /// several types have the paths of all of them.
    #[expect(clippy::type_complexity, reason = "each component has paths")]
    fn component_paths(
        &self,
        elements: &[Branch],
        components: &[(SearchKind, &str)],
    ) -> Result<Option<Vec<Vec<(Vec<Step>, Give)>>>, Reason> {
        let mut found = Vec::with_capacity(components.len());
        for (_, expression) in components {
            let mut branches = Vec::new();
            for element in elements {
                match self.branches(expression, element.type_id)? {
                    Some(found) => branches.extend(found),
                    None => return Ok(None),
                }
            }
            found.push(branches);
        }
        let paths = |found: &[Vec<Branch>]| {
            let all = components.iter().zip(found);
            let all = all.map(|((kind, _), own)| self.paths(*kind, own.clone(), &mut Vec::new()));
            all.collect::<Result<Vec<_>, Reason>>()
        };
        let all = paths(&found).or_else(|reason| {
            // R4 once has the expressions of both components in the wrong order.
            found.reverse();
            paths(&found).map_err(|_| reason)
        });
        all.map(Some)
    }

    /// The type of the parameter that a component is.
    fn kind_of(&self, definition: &str) -> Result<SearchKind, Reason> {
        let own =
            self.registry.layers().find_map(|layer| layer.search_parameters().by_url(definition));
        let found = own.or_else(|| self.registry.base().search_parameters().by_url(definition));
        let kind = found.map(SearchParameter::kind).filter(|kind| *kind != SearchKind::Composite);
        kind.ok_or_else(|| Reason::Component(definition.into()))
    }
}

/// R4 names a System type where it means the primitive.
fn in_primitives(expression: &str) -> String {
    expression.replace("as(DateTime)", "as(dateTime)")
}
