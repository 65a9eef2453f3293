//! <https://hl7.org/fhir/R4/compartmentdefinition.html>: what belongs to a patient, an encounter or
//! a group, in the terms of a search.

use std::borrow::Cow;
use std::iter;
use std::sync::Arc;

use fhir::definitions::Compartment;
use json::Value;
use store::{Criterion, Key, ParameterId, ReferenceTest, ResourceId, Shared, Test, TypeId};

use super::everything::Whose;
use crate::fhir::refusal::General;
use crate::fhir::search::interpret::{Interpreter, local};
use crate::fhir::{bundle, resource, types};

/// What belongs to a resource.
pub(super) struct Of {
    /// The types that can be in the compartments.
    pub(super) types: Vec<TypeId>,
    /// What holds for everything that is in them.
    pub(super) belongs: Criterion,
    /// The type Device, which no compartment of R4 has, and what holds for those of the patients.
    pub(super) devices: Option<(TypeId, Criterion)>,
    /// The patient that this one was replaced by.
    pub(super) replaced_by: Option<String>,
}

impl Of {
    /// The types of all that belongs to it.
    pub(super) fn searched(&self) -> Vec<TypeId> {
        let device = self.devices.iter().map(|(device, _)| *device);
        self.types.iter().copied().chain(device).collect()
    }
}

/// Finds it out.
pub(super) fn of(interpreter: &Interpreter<'_>, whose: Whose) -> Result<Of, General> {
    let key = match whose {
        Whose::One(key) => key,
        Whose::Patients => return of_patients(interpreter),
    };
    let name = types::name(key.resource_type);
    let compartment = if name == "Group" { "Patient" } else { name };
    let mut types = members(interpreter, compartment);
    if !types.contains(&key.resource_type) {
        types.push(key.resource_type);
    }
    let mut patients = Vec::new();
    let mut replaced_by = None;
    if let Some(version) = interpreter.stored(&key)? {
        let document = resource::body(&version)?;
        replaced_by = others(interpreter, name, document.root(), &mut patients);
    }
    let own = if name == "Group" { None } else { Some(key) };
    let compartments = own.iter().chain(&patients).copied().map(Criterion::Compartment);
    let belongs = iter::once(Criterion::Keys(vec![key])).chain(compartments).collect();
    let patients: Vec<Key> =
        own.into_iter().filter(|_| name == "Patient").chain(patients).collect();
    let devices = device_parameter(interpreter).filter(|_| !patients.is_empty());
    let devices = devices.map(|(device, parameter)| {
        let test = |key| ReferenceTest::Resource { key, version: None };
        let value = |key| Criterion::Value(parameter, Test::Reference(test(key)));
        (device, shared(patients.into_iter().map(value).collect()))
    });
    Ok(Of { types, belongs: shared(belongs), devices, replaced_by })
}

/// As long as the group has members; and it stands beside each reference that may lead outside.
fn shared(any: Vec<Criterion>) -> Criterion {
    Criterion::Shared(Shared(Arc::new(Criterion::Any(any))))
}

/// The type Device, and the parameter by which one belongs to a patient.
fn device_parameter(interpreter: &Interpreter<'_>) -> Option<(TypeId, ParameterId)> {
    let device = types::number("Device")?;
    Some((device, interpreter.catalogue.find(device, "patient")?.id))
}

/// Adds the patients whose compartments belong to a resource beside its own; tells by whom it was
/// replaced.
fn others(
    interpreter: &Interpreter<'_>,
    name: &str,
    root: Value<'_>,
    patients: &mut Vec<Key>,
) -> Option<String> {
    let mut replaced_by = None;
    for (kind, other) in links(root, interpreter.bases).filter(|_| name == "Patient") {
        match &*kind {
            "seealso" => patients.push(other),
            "replaced-by" => replaced_by = Some(bundle::reference(&other)),
            _ => {}
        }
    }
    let members = root.get("member").into_iter().flat_map(Value::elements);
    for member in members.filter(|_| name == "Group") {
        let entity = member.get("entity").and_then(|entity| patient(interpreter.bases, entity));
        patients.extend(entity);
    }
    replaced_by
}

fn of_patients(interpreter: &Interpreter<'_>) -> Result<Of, General> {
    let patient = types::number("Patient").ok_or_else(|| General::bug("R4 has no Patient"))?;
    let belongs = Criterion::CompartmentOfAny(patient);
    let devices = device_parameter(interpreter)
        .map(|(device, parameter)| (device, Criterion::Present(parameter)));
    Ok(Of { types: members(interpreter, "Patient"), belongs, devices, replaced_by: None })
}

/// The types that can be in compartments of a type.
fn members(interpreter: &Interpreter<'_>, compartment: &str) -> Vec<TypeId> {
    let found = interpreter.registry.base().compartments().find(compartment);
    found.into_iter().flat_map(Compartment::types).filter_map(types::number).collect()
}

/// The links of a patient to others of this service, each with its type.
pub(super) fn links<'d>(
    patient: Value<'d>,
    bases: &[String],
) -> impl Iterator<Item = (Cow<'d, str>, Key)> {
    let links = patient.get("link").into_iter().flat_map(Value::elements);
    links.filter_map(|link| {
        Some((link.get("type")?.as_str()?, self::patient(bases, link.get("other")?)?))
    })
}

/// The patient of this service that a Reference names.
fn patient(bases: &[String], reference: Value<'_>) -> Option<Key> {
    let text = reference.get("reference")?.as_str()?;
    let text = local(bases, &text).unwrap_or(&text);
    let id = ResourceId::new(text.strip_prefix("Patient/")?)?;
    Some(Key { resource_type: types::number("Patient")?, id })
}
