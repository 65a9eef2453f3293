//! <https://hl7.org/fhir/R4/references.html>: whether a reference points at a type that is allowed.

use json::Value;

use super::issue::IssueCode;
use super::say;
use super::walk::Walk;
use crate::TypeId;
use crate::value::Reference;

/// What stands before the name of a type in `Reference.type`, when it is written in full.
const CANONICAL: &str = "http://hl7.org/fhir/StructureDefinition/";

impl<'d> Walk<'_, 'd> {
    /// Checks the type that the literal reference names, and `type`; `targets` are those that are
    /// allowed, none for any.
    pub(super) fn reference(&mut self, reference: Value<'d>, targets: Option<&[TypeId]>) {
        let (mut literal, mut named) = (None, None);
        for member in reference.members() {
            if member.is("reference") {
                literal = self.literal(member.value()).map(|id| (id, member.value()));
            } else if member.is("type") {
                named = self.named(member.value()).map(|id| (id, member.value()));
            }
        }
        for (id, value) in literal.iter().chain(&named) {
            if let Some(targets) = targets.filter(|targets| !targets.contains(id)) {
                self.not_a_target(*value, *id, targets);
            }
        }
        if let (Some((literal, _)), Some((named, value))) = (literal, named)
            && literal != named
        {
            self.contradicting(value, named, literal);
        }
    }

    /// The type of a literal reference, as far as it says one.
    fn literal(&mut self, value: Value<'d>) -> Option<TypeId> {
        let text = value.as_str()?;
        let (name, relative) = match Reference::parse(&text) {
            Reference::Relative(target) => (target.resource_type, true),
            Reference::Conditional { resource_type, .. } => (resource_type, true),
            Reference::Absolute { target, .. } => (target.resource_type, false),
            Reference::Urn(_) | Reference::Fragment(_) | Reference::Url(_) => return None,
            Reference::Other(_) => return None,
        };
        let found = self.rules.resource_type(name).map(|(id, _)| id);
        // Any URL may look as if it ended in a type and an id.
        if found.is_none() && relative {
            self.no_such_type(value, name);
        }
        found
    }

    fn named(&self, value: Value<'d>) -> Option<TypeId> {
        let text = value.as_str()?;
        let name = text.strip_prefix(CANONICAL).unwrap_or(&text);
        self.rules.resource_type(name).map(|(id, _)| id)
    }

    #[cold]
    fn no_such_type(&mut self, value: Value<'d>, name: &str) {
        let meant = say::meant(name, self.rules.resource_names());
        let text = format!(
            "The reference points at a '{}', and FHIR R4 has no such resource type{meant}",
            say::excerpt(name)
        );
        self.wrong(value, IssueCode::Value, text);
    }

    #[cold]
    fn not_a_target(&mut self, value: Value<'d>, id: TypeId, targets: &[TypeId]) {
        let names: Vec<&str> = targets.iter().map(|id| self.rules.name(*id)).collect();
        let text = format!(
            "A reference from here does not point at a {}: allowed are {}.",
            self.rules.name(id),
            say::list(&names)
        );
        self.wrong(value, IssueCode::Value, text);
    }

    #[cold]
    fn contradicting(&mut self, value: Value<'d>, named: TypeId, literal: TypeId) {
        let (named, literal) = (self.rules.name(named), self.rules.name(literal));
        let text = format!("The type says {named}, the reference points at a {literal}.");
        self.wrong(value, IssueCode::Value, text);
    }
}
