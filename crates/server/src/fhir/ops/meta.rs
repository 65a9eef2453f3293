//! <https://hl7.org/fhir/R4/resource-operation-meta.html>, and with it `$meta-add` and
//! `$meta-delete`.

use std::collections::BTreeMap;

use authority::DataAction;
use http::StatusCode;
use json::{Document, Kind, Limits, Value, Writer};
use store::{SearchError, SearchPlan, Snapshot, Stop, TypeId, TypeSearch};

use super::input::{Input, wrong};
use super::{Call, Level};
use crate::edge::blocking;
use crate::exchange::Answer;
use crate::fhir::context::Context;
use crate::fhir::outcome::{CONTENT_TYPE, Outcome};
use crate::fhir::patch::{self, Change, MetaChange};
use crate::fhir::refusal::General;
use crate::fhir::search::listing;
use crate::fhir::{read, resource, types, vread};

/// Resources that are read at one time.
const READ_AT_ONCE: usize = 256;

/// `$meta`: the meta of a resource or of one of its versions, or all profiles, security labels and
/// tags that the resources of a type or of the service have.
pub(crate) async fn meta(cx: &Context<'_>, call: Call, input: &Input) -> Result<Answer, Outcome> {
    cx.allow(DataAction::Read)?;
    input.only_parameters(&[])?;
    let resource_type = match call.level {
        Level::Instance(key) => {
            let version = match call.version {
                Some(number) => vread::version(&cx.snapshot(), key, number)?,
                None => read::current(&cx.snapshot(), key)?,
            };
            let document = resource::whole(&version).map_err(General::from)?;
            return Ok(of_resource(&document));
        }
        Level::Type(number) => Some(number),
        Level::System => None,
    };
    let (snapshot, permit, stop) = (cx.snapshot(), cx.permit()?, cx.stop.clone());
    let used = blocking::run(move || {
        let _permit = permit;
        Used::of(&snapshot, resource_type, stop)
    });
    let used = used.await;
    let used = used.map_err(General::from)?.map_err(listing::Refusal::from)?;
    Ok(answer((!used.is_empty()).then_some(|writer: &mut Writer<'_>| used.write(writer))))
}

/// `$meta-add` and `$meta-delete`: the meta of the resource afterwards. What was there before it
/// was added, or was not there to be deleted, makes no version.
pub(crate) async fn change(
    cx: &Context<'_>,
    level: Level,
    input: &Input,
    adds: bool,
) -> Result<Answer, Outcome> {
    let Level::Instance(key) = level else {
        return Err(General::bug("meta is changed on instances").into());
    };
    let patching = patch::begin(cx, key)?;
    input.only_parameters(&["meta"])?;
    let missing = || wrong("required", "The parameter 'meta' is missing: give it as valueMeta.");
    let mut all = input.values("meta").filter(|meta| meta.kind() == Kind::Object);
    let given = all.next().ok_or_else(missing)?;
    if all.next().is_some() {
        return Err(wrong("value", "There is more than one 'meta': give them as one.").into());
    }
    let change = Change::Meta(MetaChange::read(given, adds)?);
    let (head, stripped) = patch::apply(cx, patching, change).await?;
    let mut text = Vec::with_capacity(stripped.body.len() + 256);
    resource::write_stripped(&stripped, &head, &mut text);
    let document = Document::parse(text, &Limits::default());
    let document = document.map_err(|_| General::bug("a stored resource is not JSON"))?;
    Ok(resource::stamped(of_resource(&document), &head))
}

fn of_resource(document: &Document) -> Answer {
    let meta = document.root().get("meta");
    answer(meta.map(|meta| {
        move |writer: &mut Writer<'_>| {
            writer.raw(meta.raw());
        }
    }))
}

/// Parameters with one Meta; without one when there is nothing in it.
fn answer(meta: Option<impl FnOnce(&mut Writer<'_>)>) -> Answer {
    let mut out = Vec::with_capacity(512);
    let mut writer = Writer::new(&mut out);
    writer.begin_object().key("resourceType").string("Parameters");
    if let Some(write) = meta {
        writer.key("parameter").begin_array();
        writer.begin_object().key("name").string("return").key("valueMeta");
        write(&mut writer);
        writer.end_object().end_array();
    }
    writer.end_object();
    Answer::of(StatusCode::OK, CONTENT_TYPE, out)
}

/// What resources have in their meta, each once: per list by name, with one of its texts.
#[derive(Default)]
struct Used([BTreeMap<(String, String), String>; patch::LISTS.len()]);

impl Used {
    /// Reads all resources, of one type or of all. Blocks.
    fn of(
        snapshot: &Snapshot,
        resource_type: Option<TypeId>,
        stop: Stop,
    ) -> Result<Self, SearchError> {
        let every = types::numbers();
        let wanted = resource_type.map_or_else(|| every.collect(), |one| vec![one]);
        let types = wanted.into_iter().map(TypeSearch::everything).collect();
        let mut plan = SearchPlan { types, most: READ_AT_ONCE, stop, ..SearchPlan::default() };
        let mut used = Self::default();
        loop {
            let page = snapshot.search(&plan)?;
            for version in snapshot.versions(&page.rids)? {
                // What is stored was read before it was stored.
                let body = Document::parse(version.body, &Limits::default());
                if let Some(meta) = body.as_ref().ok().and_then(|body| body.root().get("meta")) {
                    used.add(meta);
                }
            }
            if plan.stop.is_set() {
                return Err(SearchError::Stopped);
            }
            plan.after = page.rids.last().copied();
            if !page.more {
                return Ok(used);
            }
        }
    }

    fn add(&mut self, meta: Value<'_>) {
        for (list, known) in patch::LISTS.into_iter().zip(&mut self.0) {
            for item in patch::items(Some(meta), list) {
                known.entry(patch::name(item)).or_insert_with(|| item.raw_str().to_owned());
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(BTreeMap::is_empty)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.begin_object();
        for (list, items) in patch::LISTS.into_iter().zip(&self.0) {
            if items.is_empty() {
                continue;
            }
            writer.key(list).begin_array();
            for text in items.values() {
                writer.raw(text.as_bytes());
            }
            writer.end_array();
        }
        writer.end_object();
    }
}
