//! <https://hl7.org/fhir/R4/composition-operation-document.html>

use std::collections::BTreeSet;

use authority::DataAction;
use base::ids;
use base::limits::BUNDLE_ANSWER_BYTES;
use http::StatusCode;
use json::{Value, Writer};
use store::{Key, Operation, Outcome as Stored, PutCondition, ResourceId, Snapshot, Version};

use super::input::{Input, wrong};
use super::{Call, Level};
use crate::edge::blocking;
use crate::exchange::Answer;
use crate::fhir::bundle::bases;
use crate::fhir::context::Context;
use crate::fhir::history;
use crate::fhir::incoming::{Incoming, parse};
use crate::fhir::outcome::{CONTENT_TYPE, Outcome};
use crate::fhir::refusal::General;
use crate::fhir::values::Indexing;
use crate::fhir::{read, resource, types};

/// `[base]/Composition/[id]/$document`, `[base]/Composition/$document?id=…`: the Composition and
/// every resource of this service that it refers to, as a Bundle; with `persist=true` it is stored
/// too.
pub(crate) async fn document(
    cx: &Context<'_>,
    call: Call,
    input: &Input,
) -> Result<Answer, Outcome> {
    cx.allow(DataAction::Read)?;
    let key = match call.level {
        Level::Instance(key) => {
            input.only_parameters(&["persist"])?;
            key
        }
        Level::System | Level::Type(_) => {
            input.only_parameters(&["id", "persist"])?;
            named(cx, input)?
        }
    };
    let persist = input.flag("persist")?.unwrap_or_default();
    if persist && !call.is_post {
        return Err(wrong("value", "persist=true stores the document: ask with POST.").into());
    }
    if persist {
        cx.allow(DataAction::Write)?;
    }
    let snapshot = cx.snapshot();
    let composition = read::current(&snapshot, key)?;
    let id = ids::guid(&*cx.app.random).to_string();
    let made = Making {
        base: cx.base.to_owned(),
        bases: bases(cx),
        timestamp: resource::instant(cx.now),
        identifier: format!("urn:uuid:{id}"),
    };
    let bundle = blocking::run(move || made.bundle(&snapshot, &composition)).await;
    let bundle = bundle.map_err(General::from)??;
    if !persist {
        return Ok(Answer::of(StatusCode::OK, CONTENT_TYPE, bundle));
    }
    let resource_type = types::number("Bundle").ok_or_else(|| General::bug("R4 has no Bundle"))?;
    let key = Key { resource_type, id: cx.new_id()? };
    let indexing = Indexing::of(cx).map_err(General::from)?;
    let Incoming { stripped, content } =
        Incoming::prepare(parse(bundle.into())?.root(), key, (&indexing, &cx.service.store))?;
    let put = Operation::Put { key, condition: PutCondition::Absent, content };
    let committed = cx.commit(put).await.map_err(General::from)?;
    match committed.outcomes.first() {
        Some(Stored::Created(head)) => Ok(resource::written(cx, StatusCode::OK, head, &stripped)),
        other => Err(General::bug(&format!("a create came to {other:?}")).into()),
    }
}

/// The Composition that `id` names: by its id, or by its address here.
fn named(cx: &Context<'_>, input: &Input) -> Result<Key, Outcome> {
    let text = input.required("id")?;
    let resource_type =
        types::number("Composition").ok_or_else(|| General::bug("R4 has no Composition"))?;
    let bases = bases(cx);
    let id = ResourceId::new(&text);
    let key = id.map(|id| Key { resource_type, id }).or_else(|| history::local(&text, &bases));
    let key = key.filter(|key| key.resource_type == resource_type);
    let text = format!(
        "id is that of a Composition of this service, or its address, not '{text}'. Documents are \
         not made of what other services hold."
    );
    key.ok_or_else(|| wrong("value", text).into())
}

/// What a document is made with.
struct Making {
    base: String,
    bases: Vec<String>,
    timestamp: String,
    identifier: String,
}

impl Making {
    fn bundle(&self, snapshot: &Snapshot, composition: &Version) -> Result<Vec<u8>, General> {
        let mut out = Vec::with_capacity(64 << 10);
        let mut writer = Writer::new(&mut out);
        writer.begin_object().key("resourceType").string("Bundle");
        writer.key("identifier").begin_object().key("system").string("urn:ietf:rfc:3986");
        writer.key("value").string(&self.identifier).end_object();
        writer.key("type").string("document").key("timestamp").string(&self.timestamp);
        writer.key("entry").begin_array();
        entry(&self.base, composition, &mut writer)?;
        for key in self.referred(composition)? {
            let Some(version) = snapshot.current(&key)?.filter(|it| !it.is_deletion()) else {
                continue;
            };
            let room = BUNDLE_ANSWER_BYTES.saturating_sub(version.body.len());
            let length = entry(&self.base, &version, &mut writer)?;
            if length > room {
                let text = format!("The document is longer than {BUNDLE_ANSWER_BYTES} bytes.");
                return Err(wrong("too-costly", text));
            }
        }
        writer.end_array().end_object();
        Ok(out)
    }

    /// The resources that the Composition refers to, itself not among them.
    fn referred(&self, composition: &Version) -> Result<BTreeSet<Key>, General> {
        let document = resource::body(composition)?;
        let strings = document.root().strings();
        let references = strings.filter(|(key, _)| key.as_deref() == Some("reference"));
        let references = references.filter_map(|(_, value)| Value::as_str(value));
        let keys = references.filter_map(|reference| history::local(&reference, &self.bases));
        Ok(keys.filter(|key| *key != composition.key).collect())
    }
}

/// Writes an entry of what is stored; gives the length of all that was written.
pub(super) fn entry(
    base: &str,
    version: &Version,
    writer: &mut Writer<'_>,
) -> Result<usize, General> {
    let key = version.key;
    let (name, mut length) = (types::name(key.resource_type), 0);
    let mut text = Vec::with_capacity(version.body.len() + 256);
    resource::write(version, &mut text)?;
    writer.begin_object().key("fullUrl").string(&format!("{base}/{name}/{}", key.id));
    writer.key("resource").raw_with(|out| {
        out.extend_from_slice(&text);
        length = out.len();
    });
    writer.end_object();
    Ok(length)
}
