//! <https://hl7.org/fhir/R4/conformance-rules.html#constraints>: what must hold, in FHIRPath.

use json::Value;

use super::Depth;
use super::rule::{Rule, Rules};
use super::scope::{Scope, Spot};
use super::walk::Pass;
use crate::definitions::{Constraint, DiscriminatorKind, Element, Severity as Wanted, Slicing};
use crate::path::{Environment, Error, Item, Items, Node, Profiles, Resolve};
use crate::validate::{IssueCode, Issues, Severity};

/// What the structural checks see to, for every element.
const CHECKED_BY_STRUCTURE: [&str; 3] = ["ele-1", "txt-1", "txt-2"];

impl<'v, 'd> Pass<'v, 'd> {
    /// Evaluates the constraints of a value, each once however many definitions have it.
    pub(super) fn invariants(
        &self,
        scope: &Scope<'_, 'v, 'd>,
        rules: &Rules<'v>,
        out: &mut Issues,
    ) {
        let mut seen: Vec<(&str, Option<&str>)> = Vec::new();
        let profiles = rules.iter().map(|rule| rule.element);
        for element in scope.bases.iter().copied().chain(profiles) {
            for constraint in element.constraints() {
                let named = (constraint.key, constraint.expression);
                let is_known = CHECKED_BY_STRUCTURE.contains(&constraint.key)
                    || seen.iter().any(|known| known.0 == named.0 && known.1 == named.1);
                if is_known {
                    continue;
                }
                seen.push(named);
                match scope.up.filter(|_| element.depth() > 0 && scope.is_resource()) {
                    // What is said where a resource stands is said by the resource around it.
                    Some(up) => {
                        let Scope { spot, key, trail, .. } = *scope;
                        let (resource, container) = (up.resource, up.container);
                        let bases = <_>::default();
                        let up = Some(up);
                        let outer = Scope { spot, key, bases, resource, container, up, trail };
                        self.invariant(&outer, &constraint, out);
                    }
                    None => self.invariant(scope, &constraint, out),
                }
            }
        }
    }

    fn invariant(&self, scope: &Scope<'_, 'v, 'd>, constraint: &Constraint<'v>, out: &mut Issues) {
        let severity = match constraint.severity {
            Wanted::Error => Severity::Error,
            Wanted::Warning => Severity::Warning,
        };
        // What is only tried need not hear warnings.
        let only_errors = self.request.depth == Depth::Base || scope.trail.is_some();
        if only_errors && severity != Severity::Error {
            return;
        }
        let Some(expression) = constraint.expression else { return };
        let (severity, code, text) = match self.holds(scope, expression) {
            Ok(Some(false)) => {
                let text = format!("{} ({})", constraint.human, constraint.key);
                (severity, IssueCode::Invariant, text)
            }
            Ok(_) => return,
            Err(error) => {
                let text = format!("The rule {} could not be checked: {error}.", constraint.key);
                (Severity::Warning, IssueCode::Exception, text)
            }
        };
        self.note(scope.spot.value, (severity, code, constraint.key), text, out);
    }

    /// Whether an expression holds for a value.
    pub(super) fn holds(
        &self,
        scope: &Scope<'_, 'v, 'd>,
        expression: &str,
    ) -> Result<Option<bool>, Error> {
        self.with(scope, expression, |program, environment, item| {
            program.holds(environment, Some(item))
        })
    }

    /// What an expression gives on a value.
    pub(super) fn evaluate(
        &self,
        scope: &Scope<'_, 'v, 'd>,
        expression: &str,
    ) -> Result<Items<'d>, Error> {
        self.with(scope, expression, |program, environment, item| {
            program.evaluate_on(environment, Some(item))
        })
    }

    fn with<T>(
        &self,
        scope: &Scope<'_, 'v, 'd>,
        expression: &str,
        run: impl Fn(&crate::path::Program, &Environment<'_, 'd>, Item<'d>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let validator = self.validator;
        let ty = self.base().ty(scope.spot.ty);
        let program = validator.programs.get(&validator.schema, (ty.id(), ty.name()), expression);
        let program = program.as_ref().as_ref().map_err(Clone::clone)?;
        let around = Around { pass: self, scope };
        let environment = Environment {
            resource: Some(scope.resource),
            root_resource: Some(scope.container),
            resolve: Some(&around),
            terminology: Some(&validator.terminologies),
            profiles: Some(&around),
            ..Environment::at(self.request.now)
        };
        run(program, &environment, Item::Node(scope.spot.node()))
    }

    /// Whether a value is in the named slice of a profile; None if there is none.
    fn is_in_slice(&self, scope: &Scope<'_, 'v, 'd>, profile: &str, slice: &str) -> Option<bool> {
        let structure = self.validator.structure(profile)?;
        let elements = || structure.elements();
        let element = elements().find(|element| element.slice_name() == Some(slice))?;
        let head =
            elements().find(|head| head.path() == element.path() && head.slicing().is_some());
        let mut by: Vec<(DiscriminatorKind, &str)> = Vec::new();
        by.extend(head.and_then(Element::slicing).into_iter().flat_map(Slicing::discriminators));
        Some(self.is_in(scope, &Rule { structure, element }, &by))
    }
}

/// What an expression may ask about: the rest of the document, profiles, codes.
struct Around<'a, 's, 'v, 'd> {
    pass: &'a Pass<'v, 'd>,
    scope: &'a Scope<'s, 'v, 'd>,
}

impl<'v, 'd> Around<'_, '_, 'v, 'd> {
    fn scope_of<'s>(&'s self, node: &Node<'d>) -> Option<Scope<'s, 'v, 'd>> {
        let mut spot = Spot::of(node.value, node.type_id.into());
        (spot.around, spot.is_sibling) = (node.around, node.is_sibling);
        self.pass.spot_scope(self.scope, &spot)
    }
}

impl<'d> Resolve<'d> for Around<'_, '_, '_, 'd> {
    fn resolve(&self, reference: &str) -> Option<Value<'d>> {
        self.pass.resolve(self.scope, reference)
    }
}

impl<'d> Profiles<'d> for Around<'_, '_, '_, 'd> {
    fn conforms_to(&self, node: &Node<'d>, profile: &str) -> Option<bool> {
        let rule = Rule::root(self.pass.validator.structure(profile)?)?;
        Some(self.pass.conforms(&self.scope_of(node)?, &rule))
    }

    fn is_in_slice(&self, node: &Node<'d>, profile: &str, slice: &str) -> Option<bool> {
        self.pass.is_in_slice(&self.scope_of(node)?, profile, slice)
    }

    fn element_definition(&self, _: &Node<'d>) -> Option<Value<'d>> {
        None
    }

    fn html_checks(&self, _: &Node<'d>) -> bool {
        // The structural checks read the markup and tell where it is wrong.
        true
    }
}
