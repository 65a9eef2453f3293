//! <https://hl7.org/fhir/R4/operations.html>
//!
//! Operations: one file each. To add one: a line in [`Operation`], its row in [`TABLE`], its arm in
//! [`operate`], its file.

mod belonging;
mod diff;
pub(crate) mod docref;
mod document;
pub(crate) mod everything;
mod expand;
mod fhirpath;
mod graph;
mod input;
pub(crate) mod lastn;
mod lookup;
mod member_match;
mod meta;
mod purge_history;
pub(crate) mod reindex;
mod status;
mod subsumes;
mod terminology;
mod translate;
mod validate;
mod validate_code;

use authority::DataAction;
use http::Method;
use store::{Key, TypeId};

use super::context::Context;
use super::outcome::Outcome;
use super::types;
use crate::exchange::{Answer, Body};
pub(crate) use expand::PARAMETERS as EXPAND_PARAMETERS;
pub(crate) use input::Input;

/// An operation that works here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    FhirPath,
    Everything,
    Lookup,
    ValidateInCodeSystem,
    Subsumes,
    Expand,
    ValidateInValueSet,
    Translate,
    Validate,
    Reindex,
    Status,
    SetStatus,
    Document,
    LastN,
    DocRef,
    MemberMatch,
    Diff,
    Graph,
    Meta,
    MetaAdd,
    MetaDelete,
    PurgeHistory,
}

impl Operation {
    /// Takes something away, and so is also a DELETE.
    fn is_delete(self) -> bool {
        self == Self::PurgeHistory
    }

    /// The types of which it finds resources by its parameters, and cannot be answered without.
    pub(crate) fn finds(self) -> &'static [&'static str] {
        match self {
            Self::Document => &["Composition"],
            Self::Graph => &["GraphDefinition"],
            Self::Lookup
            | Self::ValidateInCodeSystem
            | Self::Subsumes
            | Self::Expand
            | Self::ValidateInValueSet
            | Self::Translate => &["CodeSystem", "ValueSet", "ConceptMap"],
            _ => &[],
        }
    }
}

/// What an operation is called on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    System,
    Type(TypeId),
    Instance(Key),
}

/// An operation that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) operation: Operation,
    pub(crate) level: Level,
    /// Whether it may have a body (POST, DELETE); if not, all parameters are in the query.
    pub(crate) is_post: bool,
    /// The version of the instance that it is called on, when the path says one.
    pub(crate) version: Option<u64>,
}

impl Call {
    /// Whether it changes nothing, whatever its parameters say.
    pub(crate) fn only_looks(self) -> bool {
        match self.operation {
            Operation::Document => !self.is_post,
            Operation::MetaAdd
            | Operation::MetaDelete
            | Operation::PurgeHistory
            | Operation::Reindex
            | Operation::SetStatus => false,
            _ => true,
        }
    }
}

/// Where an operation may be called, and what the capability statement says of it.
pub(crate) struct Definition {
    pub(crate) operation: Operation,
    /// With its `$`.
    pub(crate) name: &'static str,
    /// None: all of them.
    pub(crate) resource_type: Option<&'static str>,
    on_system: bool,
    on_type: bool,
    on_instance: bool,
    /// Changes something, or takes what no URL may hold, and so is never a GET.
    post_only: bool,
    /// The id of its OperationDefinition in FHIR R4; the whole URL of one of ours.
    pub(crate) definition: &'static str,
}

pub(crate) const TABLE: &[Definition] = &[
    Definition {
        operation: Operation::FhirPath,
        name: "$fhirpath",
        resource_type: None,
        on_system: true,
        on_type: true,
        on_instance: true,
        post_only: false,
        definition: "urn:firekeep:OperationDefinition:fhirpath",
    },
    Definition {
        operation: Operation::Validate,
        name: "$validate",
        resource_type: None,
        on_system: false,
        on_type: true,
        on_instance: true,
        post_only: false,
        definition: "Resource-validate",
    },
    on_both(Operation::Everything, "$everything", "Patient", "Patient-everything"),
    on_instances(Operation::Everything, "$everything", "Encounter", "Encounter-everything"),
    on_instances(Operation::Everything, "$everything", "Group", "Group-everything"),
    Definition {
        operation: Operation::Meta,
        name: "$meta",
        resource_type: None,
        on_system: true,
        on_type: true,
        on_instance: true,
        post_only: false,
        definition: "Resource-meta",
    },
    changing(Operation::MetaAdd, "$meta-add", "Resource-meta-add"),
    changing(Operation::MetaDelete, "$meta-delete", "Resource-meta-delete"),
    changing(
        Operation::PurgeHistory,
        "$purge-history",
        "urn:firekeep:OperationDefinition:purge-history",
    ),
    on_both(Operation::Document, "$document", "Composition", "Composition-document"),
    Definition {
        operation: Operation::Reindex,
        name: "$reindex",
        resource_type: None,
        on_system: true,
        on_type: true,
        on_instance: true,
        post_only: false,
        definition: "urn:firekeep:OperationDefinition:reindex",
    },
    on_types(
        Operation::Status,
        "$status",
        "SearchParameter",
        "urn:firekeep:OperationDefinition:status",
    ),
    on_types(Operation::LastN, "$lastn", "Observation", "Observation-lastn"),
    on_types(
        Operation::DocRef,
        "$docref",
        "DocumentReference",
        "http://hl7.org/fhir/us/core/OperationDefinition/docref",
    ),
    Definition {
        post_only: true,
        ..on_types(
            Operation::MemberMatch,
            "$member-match",
            "Patient",
            "http://hl7.org/fhir/us/davinci-hrex/OperationDefinition/member-match",
        )
    },
    Definition {
        operation: Operation::Graph,
        name: "$graph",
        resource_type: None,
        on_system: false,
        on_type: false,
        on_instance: true,
        post_only: false,
        definition: "Resource-graph",
    },
    Definition {
        operation: Operation::Diff,
        name: "$diff",
        resource_type: None,
        on_system: true,
        on_type: false,
        on_instance: true,
        post_only: false,
        definition: "urn:firekeep:OperationDefinition:diff",
    },
    on_both(Operation::Lookup, "$lookup", "CodeSystem", "CodeSystem-lookup"),
    on_both(
        Operation::ValidateInCodeSystem,
        "$validate-code",
        "CodeSystem",
        "CodeSystem-validate-code",
    ),
    on_both(Operation::Subsumes, "$subsumes", "CodeSystem", "CodeSystem-subsumes"),
    on_both(Operation::Expand, "$expand", "ValueSet", "ValueSet-expand"),
    on_both(Operation::ValidateInValueSet, "$validate-code", "ValueSet", "ValueSet-validate-code"),
    on_both(Operation::Translate, "$translate", "ConceptMap", "ConceptMap-translate"),
];

/// An operation that changes an instance of any type.
const fn changing(
    operation: Operation,
    name: &'static str,
    definition: &'static str,
) -> Definition {
    Definition {
        operation,
        name,
        resource_type: None,
        on_system: false,
        on_type: false,
        on_instance: true,
        post_only: true,
        definition,
    }
}

/// An operation on one type and its instances that only looks.
const fn on_both(
    operation: Operation,
    name: &'static str,
    resource_type: &'static str,
    definition: &'static str,
) -> Definition {
    Definition {
        operation,
        name,
        resource_type: Some(resource_type),
        on_system: false,
        on_type: true,
        on_instance: true,
        post_only: false,
        definition,
    }
}

/// An operation on instances of one type that only looks.
const fn on_instances(
    operation: Operation,
    name: &'static str,
    resource_type: &'static str,
    definition: &'static str,
) -> Definition {
    Definition { on_type: false, ..on_both(operation, name, resource_type, definition) }
}

/// An operation on one type, and not on its instances, that only looks.
const fn on_types(
    operation: Operation,
    name: &'static str,
    resource_type: &'static str,
    definition: &'static str,
) -> Definition {
    Definition { on_instance: false, ..on_both(operation, name, resource_type, definition) }
}

impl Definition {
    fn is_on(&self, level: Level) -> bool {
        let of = |number| self.resource_type.is_none_or(|own| own == types::name(number));
        match level {
            Level::System => self.on_system,
            Level::Type(number) => self.on_type && of(number),
            Level::Instance(key) => self.on_instance && of(key.resource_type),
        }
    }
}

/// What comes of asking for an operation by its name.
pub(crate) enum Asked {
    Call(Call),
    /// There is one, but not by this method.
    Method(&'static str),
    /// There is none of this name in this place.
    Unknown,
}

/// The operation of this name, `$` included, at this level.
pub(crate) fn find(method: &Method, name: &str, level: Level) -> Asked {
    let here = |row: &&Definition| row.name == name && row.is_on(level);
    let Some(found) = TABLE.iter().find(here) else { return Asked::Unknown };
    let (operation, post_only) = (found.operation, found.post_only);
    let call = |is_post| Asked::Call(Call { operation, level, is_post, version: None });
    match *method {
        Method::PUT if operation == Operation::Status => {
            let operation = Operation::SetStatus;
            Asked::Call(Call { operation, level, is_post: true, version: None })
        }
        Method::POST => call(true),
        Method::DELETE if operation.is_delete() => call(true),
        Method::GET if !post_only => call(false),
        _ if operation.is_delete() => Asked::Method("POST, DELETE"),
        _ if post_only => Asked::Method("POST"),
        _ if operation == Operation::Status => Asked::Method("GET, HEAD, POST, PUT"),
        _ => Asked::Method("GET, HEAD, POST"),
    }
}

/// The same on one version of an instance: what compares versions, and what tells their meta.
pub(crate) fn find_on_version(method: &Method, name: &str, key: Key, version: u64) -> Asked {
    match find(method, name, Level::Instance(key)) {
        Asked::Call(call) if matches!(call.operation, Operation::Diff | Operation::Meta) => {
            Asked::Call(Call { version: Some(version), ..call })
        }
        Asked::Call(_) => Asked::Unknown,
        other => other,
    }
}

/// The specification's word for it, in the log and the metrics.
pub(crate) fn name(operation: Operation) -> &'static str {
    if operation == Operation::SetStatus {
        return "$status";
    }
    TABLE.iter().find(|row| row.operation == operation).map_or("operation", |row| row.name)
}

/// Answers a call. `body` is that of a POST.
pub(crate) async fn operate(
    cx: &Context<'_>,
    call: Call,
    body: Option<Body>,
) -> Result<Answer, Outcome> {
    use DataAction::{HardDelete, Read, Reindex, ResourceValidate, SearchParameter, Write};

    let others = [Write, HardDelete, ResourceValidate, Reindex, SearchParameter];
    cx.allow_any(Read, &others)?;
    let input = Input::read(cx, body).await?;
    let Call { operation, level, is_post, .. } = call;
    match operation {
        Operation::Everything => everything::everything(cx, level, &input).await,
        Operation::FhirPath => Ok(fhirpath::fhirpath(cx, level, &input).await?),
        Operation::Lookup => Ok(lookup::lookup(cx, level, &input)?),
        Operation::ValidateInCodeSystem => Ok(validate_code::of_code_system(cx, level, &input)?),
        Operation::Subsumes => Ok(subsumes::subsumes(cx, level, &input)?),
        Operation::Expand => Ok(expand::expand(cx, level, &input)?),
        Operation::ValidateInValueSet => Ok(validate_code::of_value_set(cx, level, &input)?),
        Operation::Translate => Ok(translate::translate(cx, level, &input)?),
        Operation::Status => status::status(cx, &input),
        Operation::SetStatus => status::set(cx, &input).await,
        Operation::Reindex => reindex::reindex(cx, level, input, is_post).await,
        Operation::Validate => Ok(validate::validate(cx, level, input).await?),
        Operation::Document => Ok(document::document(cx, call, &input).await?),
        Operation::LastN => lastn::lastn(cx, &input).await,
        Operation::DocRef => docref::docref(cx, &input).await,
        Operation::Graph => Ok(graph::graph(cx, call, &input).await?),
        Operation::Diff => Ok(diff::diff(cx, call, &input).await?),
        Operation::MemberMatch => Ok(member_match::member_match(cx, &input).await?),
        Operation::Meta => Ok(meta::meta(cx, call, &input).await?),
        Operation::MetaAdd => Ok(meta::change(cx, level, &input, true).await?),
        Operation::MetaDelete => Ok(meta::change(cx, level, &input, false).await?),
        Operation::PurgeHistory => Ok(purge_history::purge_history(cx, level, &input).await?),
    }
}
