//! <https://hl7.org/fhir/R4/binary.html#rest>: a Binary as the content that it holds.

use std::borrow::Cow;

use authority::DataAction;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use json::{Value, Writer};
use store::{ResourceId, TypeId};

use super::context::Context;
use super::outcome::Outcome;
use super::refusal::General;
use super::route::Interaction;
use super::{negotiate, read, resource, types, vread};
use crate::exchange::{Answer, AnswerBody};

const SECURITY_CONTEXT: HeaderName = HeaderName::from_static("x-security-context");
/// What a browser may do with content that anybody may have written: show it, and nothing else.
const POLICY: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");

/// A body that is the content of a Binary, and what its headers say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    id: Option<ResourceId>,
    content_type: String,
    security_context: Option<String>,
}

impl Content {
    /// `None` when a resource is written, not content: that has a type of FHIR, or none.
    pub(crate) fn sent(interaction: Interaction, headers: &HeaderMap) -> Option<Self> {
        let id = match interaction {
            Interaction::Create(number) if is_binary(number) => None,
            Interaction::Update(key) if is_binary(key.resource_type) => Some(key.id),
            _ => return None,
        };
        let text = |name| headers.get::<HeaderName>(name)?.to_str().ok();
        let content_type = text(CONTENT_TYPE)?;
        if negotiate::is_resource(content_type) {
            return None;
        }
        // A code has single spaces.
        let content_type = content_type.split_whitespace().collect::<Vec<_>>().join(" ");
        let security_context = text(SECURITY_CONTEXT).map(|text| text.trim().to_owned());
        Some(Self { id, content_type, security_context })
    }

    /// The Binary that holds these bytes.
    pub(crate) fn resource(&self, data: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(data.len() / 3 * 4 + 512);
        let mut writer = Writer::new(&mut out);
        writer.begin_object().key("resourceType").string("Binary");
        if let Some(id) = &self.id {
            writer.key("id").string(id.as_str());
        }
        writer.key("contentType").string(&self.content_type);
        if let Some(reference) = &self.security_context {
            writer.key("securityContext").begin_object();
            writer.key("reference").string(reference).end_object();
        }
        if !data.is_empty() {
            writer.key("data").string(&STANDARD.encode(data));
        }
        writer.end_object();
        out.into()
    }
}

/// Whether a Binary is read as its content: unless a type of FHIR is asked for by name.
pub(crate) fn is_content(interaction: Interaction, headers: &HeaderMap, query: &str) -> bool {
    let (Interaction::Read(key) | Interaction::Vread(key, _)) = interaction else { return false };
    is_binary(key.resource_type) && !negotiate::names_fhir(headers, query)
}

fn is_binary(number: TypeId) -> bool {
    types::name(number) == "Binary"
}

/// `GET [base]/Binary/[id]` and `.../_history/[vid]`: the content, as it is; 204 when there is
/// none.
pub(crate) fn content(cx: &Context<'_>, interaction: Interaction) -> Result<Answer, Outcome> {
    cx.allow(DataAction::Read)?;
    cx.only_parameters(&[])?;
    let version = match interaction {
        Interaction::Read(key) => read::current(&cx.snapshot(), key)?,
        Interaction::Vread(key, number) => vread::version(&cx.snapshot(), key, number)?,
        _ => return Err(General::bug("this does not read one resource").into()),
    };
    let head = version.head();
    if cx.conditions.client_has(head.number, head.last_updated) {
        return Ok(resource::stamped(Answer::empty(StatusCode::NOT_MODIFIED), &head));
    }
    let document = resource::whole(&version).map_err(General::from)?;
    let text = |value: Option<Value<'_>>| value.and_then(Value::as_str).map(Cow::into_owned);
    let mut data = text(document.root().get("data")).unwrap_or_default();
    data.retain(|character| !character.is_ascii_whitespace());
    let data = STANDARD.decode(data);
    let data = data.map_err(|_| General::bug("the data of a stored Binary is not base64"))?;
    let status = if data.is_empty() { StatusCode::NO_CONTENT } else { StatusCode::OK };
    let content_type = text(document.root().get("contentType")).unwrap_or_default();
    let mut answer = resource::stamped(Answer::empty(status), &head)
        .with_text(CONTENT_TYPE, &content_type)
        .with(CONTENT_SECURITY_POLICY, POLICY)
        .with(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let context = document.root().get("securityContext").and_then(|it| it.get("reference"));
    if let Some(reference) = text(context) {
        answer = answer.with_text(SECURITY_CONTEXT, &reference);
    }
    Ok(if data.is_empty() { answer } else { answer.body(AnswerBody::Full(data.into())) })
}
