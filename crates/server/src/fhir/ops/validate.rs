//! <https://hl7.org/fhir/R4/resource-operation-validate.html>

use std::borrow::Cow;
use std::sync::Arc;

use authority::DataAction;
use fhir::validate::Request;
use http::StatusCode;
use json::{Document, Value};
use store::Key;

use super::Level;
use super::input::{Input, wrong};
use crate::edge::blocking;
use crate::exchange::Answer;
use crate::fhir::context::Context;
use crate::fhir::outcome::{self, CONTENT_TYPE, Issue};
use crate::fhir::read::{self, Refusal};
use crate::fhir::refusal::General;
use crate::fhir::{resource, types, validation};

/// <https://hl7.org/fhir/R4/valueset-resource-validation-mode.html>
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Whether the content is right.
    Content,
    Create,
    Update,
    Delete,
    Profile,
}

impl Mode {
    fn of(input: &Input) -> Result<Self, General> {
        let Some(text) = input.text("mode") else { return Ok(Self::Content) };
        match text.as_ref() {
            "create" => Ok(Self::Create),
            "update" => Ok(Self::Update),
            "delete" => Ok(Self::Delete),
            "profile" => Ok(Self::Profile),
            other => Err(wrong(
                "value",
                format!("'{other}' is no mode: create, update, delete or profile."),
            )),
        }
    }
}

/// `$validate` on a type or an instance: 200 with all that is wrong with the resource that was
/// sent, else with the one that is stored. It is refused as a read of that one is; what is wrong
/// with the resource is its answer.
pub(crate) async fn validate(
    cx: &Context<'_>,
    level: Level,
    input: Input,
) -> Result<Answer, Refusal> {
    cx.allow(DataAction::ResourceValidate)?;
    let (name, key) = match level {
        Level::Instance(key) => (types::name(key.resource_type), Some(key)),
        Level::Type(number) => (types::name(number), None),
        Level::System => return Err(General::bug("$validate is on types").into()),
    };
    // A Parameters resource may itself be what is asked about.
    let is_subject = name == "Parameters" && input.resource("resource").is_none();
    if is_subject {
        cx.only_parameters(&["mode", "profile"])?;
    } else {
        input.only(&["resource", "mode", "profile"])?;
    }
    let mode = Mode::of(&input)?;
    let profiles: Vec<String> = input.texts("profile").map(Cow::into_owned).collect();
    if mode == Mode::Profile && profiles.is_empty() {
        return Err(wrong("required", "The mode 'profile' needs the parameter 'profile'.").into());
    }
    let stored = key.map(|key| stored(cx, key)).transpose()?;
    if mode == Mode::Delete {
        let text = "The mode 'delete' is about one resource: call it on TYPE/ID/$validate.";
        return match stored {
            Some(_) => Ok(answer(vec![])),
            None => Err(wrong("required", text).into()),
        };
    }
    let check = Check { name, key, mode, profiles, is_subject };
    let (service, now) = (Arc::clone(cx.service), validation::moment(cx.now)?);
    let found = blocking::run(move || {
        let validator = validation::validator(&service)?;
        let profiles: Vec<&str> = check.profiles.iter().map(String::as_str).collect();
        let request = Request { profiles: &profiles, ..Request::full(now) };
        check.issues(&input, stored.as_ref(), |resource| {
            validation::all(&validator, resource, check.name, &request)
        })
    });
    Ok(answer(found.await??))
}

/// The resource that is stored, as it would be read.
fn stored(cx: &Context<'_>, key: Key) -> Result<Document, Refusal> {
    cx.allow(DataAction::Read)?;
    Ok(resource::whole(&read::current(&cx.snapshot(), key)?)?)
}

/// What was asked.
struct Check {
    name: &'static str,
    key: Option<Key>,
    mode: Mode,
    profiles: Vec<String>,
    is_subject: bool,
}

impl Check {
    fn issues<'d>(
        &self,
        input: &'d Input,
        stored: Option<&'d Document>,
        all: impl Fn((&'d Document, Value<'d>)) -> Vec<Issue>,
    ) -> Result<Vec<Issue>, General> {
        let body = input.document();
        let sent = match body {
            Some(body) if self.is_subject => Some(body.root()),
            _ => input.subject(),
        };
        let sent = body.zip(sent);
        let Some(resource) = sent.or_else(|| stored.map(|stored| (stored, stored.root()))) else {
            return Err(wrong(
                "required",
                "Send the resource as the body, or as the parameter 'resource' of Parameters.",
            ));
        };
        let mut issues = self.place(resource.1);
        if issues.is_empty() {
            issues = all(resource);
        }
        issues.extend(self.id(resource.1));
        Ok(issues)
    }

    /// Whether the resource is of the type that the URL names.
    fn place(&self, resource: Value<'_>) -> Vec<Issue> {
        let expected = self.name;
        let found = resource.get("resourceType").and_then(Value::as_str);
        let text = match found {
            Some(found) if found == expected => return Vec::new(),
            Some(found) => format!("The URL says {expected}, the resource is of type {found}."),
            None => format!("The resource has no resourceType; it would be \"{expected}\"."),
        };
        vec![Issue::error("invariant", text).at(expected)]
    }

    /// Whether the id is right for what the resource is to be used for.
    fn id(&self, resource: Value<'_>) -> Option<Issue> {
        if self.mode != Mode::Update {
            return None;
        }
        let id = resource.get("id").and_then(Value::as_str);
        let text = match (id, self.key) {
            (None, _) => "An update needs the id of the resource in it.".to_owned(),
            (Some(id), Some(key)) if *key.id.as_str() != *id => {
                format!("The id in the URL is '{}', that in the resource '{id}'.", key.id)
            }
            (Some(_), _) => return None,
        };
        Some(Issue::error("value", text).at(format!("{}.id", self.name)))
    }
}

fn answer(mut issues: Vec<Issue>) -> Answer {
    if issues.is_empty() {
        issues.push(Issue::information("informational", "All OK"));
    }
    Answer::of(StatusCode::OK, CONTENT_TYPE, outcome::resource(None, &issues))
}
