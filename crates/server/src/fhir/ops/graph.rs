//! <https://hl7.org/fhir/R4/resource-operation-graph.html>
//!
//! Follows the links of a GraphDefinition from one resource on. What a definition says of numbers,
//! profiles and compartments is for whoever checks a graph; nothing is left out because of it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use authority::DataAction;
use base::limits::{BUNDLE_ANSWER_BYTES, GRAPH_RESOURCES};
use fhir::path::{Environment, Item, Options, Program, Schema, compile};
use fhir::value::Moment;
use form_urlencoded::Serializer;
use http::StatusCode;
use json::{Document, Value, Writer};
use store::{Key, Snapshot, Stop};

use super::document::entry;
use super::input::{Input, wrong};
use super::{Call, Level};
use crate::edge::blocking;
use crate::exchange::Answer;
use crate::fhir::bundle::{bases, reference};
use crate::fhir::context::Context;
use crate::fhir::history::local;
use crate::fhir::outcome::{CONTENT_TYPE, Outcome};
use crate::fhir::refusal::General;
use crate::fhir::search::criteria::Searcher;
use crate::fhir::search::listing;
use crate::fhir::{read, resource, types, validation};

/// References that are followed, to what is not there too.
const STEPS: usize = GRAPH_RESOURCES * 100;

/// Everything that can go wrong with it, in the order in which it is checked.
#[derive(Debug)]
pub(crate) enum Refusal {
    General(General),
    /// 404, 410: the resource, or the definition that is named by its id.
    Read(read::Refusal),
    /// 404
    NoDefinition(String),
    /// 408, or what is wrong with a search of the definition.
    Search(Box<listing::Refusal>),
    /// 413
    TooMany,
}

impl<T: Into<General>> From<T> for Refusal {
    fn from(refusal: T) -> Self {
        Self::General(refusal.into())
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::General(refusal) => refusal.into(),
            Refusal::Read(refusal) => refusal.into(),
            Refusal::NoDefinition(graph) => Self::error(
                StatusCode::NOT_FOUND,
                "not-found",
                format!(
                    "No GraphDefinition of this service is '{graph}'. Name one by its url, or as \
                     GraphDefinition/ID."
                ),
            ),
            Refusal::Search(refusal) => (*refusal).into(),
            Refusal::TooMany => Self::error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-costly",
                format!(
                    "The graph has more than {GRAPH_RESOURCES} resources or {BUNDLE_ANSWER_BYTES} \
                     bytes. Use a definition that follows less."
                ),
            ),
        }
    }
}

/// `[base]/[type]/[id]/$graph?graph=…`: the resource and what the definition leads to from it.
pub(crate) async fn graph(cx: &Context<'_>, call: Call, input: &Input) -> Result<Answer, Refusal> {
    cx.allow(DataAction::Read)?;
    input.only_parameters(&["graph"])?;
    let Level::Instance(key) = call.level else {
        return Err(General::bug("$graph is on instances").into());
    };
    let graph = input.required("graph")?.into_owned();
    let snapshot = cx.snapshot();
    read::current(&snapshot, key).map_err(Refusal::Read)?;
    let permit = cx.permit()?;
    let searcher = Searcher::of(cx)?;
    let following = Following {
        now: validation::moment(cx.now)?,
        base: cx.base.to_owned(),
        bases: bases(cx),
        stop: cx.stop.clone(),
        schema: Schema::r4(),
        snapshot,
        searcher,
    };
    let bundle = blocking::run(move || {
        let _permit = permit;
        let definition = following.definition(&graph)?;
        following.bundle(key, &definition)
    });
    Ok(Answer::of(StatusCode::OK, CONTENT_TYPE, bundle.await??))
}

/// What links are followed with.
struct Following {
    snapshot: Snapshot,
    searcher: Searcher,
    base: String,
    bases: Vec<String>,
    schema: Arc<Schema>,
    now: Moment,
    stop: Stop,
}

impl Following {
    /// The definition of this url, version and all, or of this id.
    fn definition(&self, graph: &str) -> Result<Document, Refusal> {
        let none = || Refusal::NoDefinition(graph.to_owned());
        let number = types::number("GraphDefinition").ok_or_else(none)?;
        let key = match local(graph, &self.bases).filter(|key| key.resource_type == number) {
            Some(key) => key,
            None => {
                let (url, version) = graph.split_once('|').unwrap_or((graph, ""));
                let mut query = Serializer::new(String::new());
                query.append_pair("url", &super::input::escaped(url));
                if !version.is_empty() {
                    query.append_pair("version", &super::input::escaped(version));
                }
                let found = self.search("GraphDefinition", &query.finish())?;
                // Of several of one url the one that was stored last.
                *found.last().ok_or_else(none)?
            }
        };
        let version = read::current(&self.snapshot, key).map_err(Refusal::Read)?;
        Ok(resource::whole(&version)?)
    }

    fn search(&self, name: &str, query: &str) -> Result<Vec<Key>, Refusal> {
        let number = types::number(name).ok_or_else(|| {
            let text = format!("The definition searches '{name}', which is no type of FHIR R4.");
            wrong("value", text)
        })?;
        let found = self.searcher.find(&self.snapshot, (number, query), GRAPH_RESOURCES + 1);
        let found = found.map_err(|refusal| Refusal::Search(Box::new(refusal)))?;
        if found.len() > GRAPH_RESOURCES { Err(Refusal::TooMany) } else { Ok(found) }
    }

    /// The resources that are reached, nearest first.
    fn bundle(&self, start: Key, definition: &Document) -> Result<Vec<u8>, Refusal> {
        let (root, name) = (definition.root(), types::name(start.resource_type));
        if let Some(other) = root.get("start").filter(|it| !it.is_str(name)) {
            let text = format!("The graph starts at a {}, not at a {name}.", other.raw_str());
            return Err(wrong("value", text).into());
        }
        let mut out = Vec::with_capacity(64 << 10);
        let mut writer = Writer::new(&mut out);
        writer.begin_object().key("resourceType").string("Bundle").key("type").string("collection");
        writer.key("entry").begin_array();
        let mut reached = HashSet::new();
        let mut programs = HashMap::new();
        // A graph may lead back to where it was: each place is gone to once.
        let (mut queued, mut queue) = (HashSet::new(), VecDeque::from([(start, root)]));
        while let Some((key, at)) = queue.pop_front() {
            if self.stop.is_set() {
                return Err(Refusal::Search(Box::new(listing::Refusal::Stopped)));
            }
            let Some(version) = self.snapshot.current(&key)?.filter(|it| !it.is_deletion()) else {
                continue;
            };
            if reached.insert(key) {
                let length = entry(&self.base, &version, &mut writer)?;
                if reached.len() > GRAPH_RESOURCES || length > BUNDLE_ANSWER_BYTES {
                    return Err(Refusal::TooMany);
                }
            }
            let Some(links) = at.get("link") else { continue };
            let document = resource::whole(&version)?;
            for link in links.elements() {
                let found = self.followed((key, &document), link, &mut programs)?;
                let is_new = |(key, at): &(Key, Value<'_>)| queued.insert((*key, at.index()));
                queue.extend(found.into_iter().filter(is_new));
            }
            if queued.len() > STEPS {
                return Err(Refusal::TooMany);
            }
        }
        writer.end_array().end_object();
        Ok(out)
    }

    /// What a link leads to from a resource, each with the target whose links come next.
    fn followed<'d>(
        &self,
        (key, document): (Key, &Document),
        link: Value<'d>,
        programs: &mut HashMap<usize, Program>,
    ) -> Result<Vec<(Key, Value<'d>)>, Refusal> {
        let targets = || link.get("target").into_iter().flat_map(Value::elements);
        let mut found = Vec::new();
        if let Some(path) = link.get("path").and_then(Value::as_str) {
            for referred in self.referred(document, (&path, link), programs)? {
                let name = types::name(referred.resource_type);
                let fits = |target: &Value<'d>| {
                    let kind = target.get("type");
                    kind.is_none_or(|kind| kind.is_str(name) || kind.is_str("Resource"))
                };
                if link.get("target").is_none() {
                    found.push((referred, link));
                }
                found.extend(targets().filter(fits).map(|target| (referred, target)));
            }
            return Ok(found);
        }
        for target in targets() {
            let text = |key| target.get(key).and_then(Value::as_str);
            let (Some(name), Some(params)) = (text("type"), text("params")) else {
                let text = "A link of the GraphDefinition has neither a path nor params to follow.";
                return Err(wrong("value", text).into());
            };
            let query = params.trim_start_matches('?').replace("{ref}", &reference(&key));
            let matches = self.search(&name, &query)?;
            found.extend(matches.into_iter().map(|key| (key, target)));
        }
        Ok(found)
    }

    /// The resources of this service that a path leads to; `*` is all references.
    fn referred(
        &self,
        document: &Document,
        (path, link): (&str, Value<'_>),
        programs: &mut HashMap<usize, Program>,
    ) -> Result<Vec<Key>, Refusal> {
        let local = |text: &str| local(text, &self.bases);
        if path == "*" {
            let strings = document.root().strings();
            let references = strings.filter(|(key, _)| key.as_deref() == Some("reference"));
            let texts = references.filter_map(|(_, value)| Value::as_str(value));
            return Ok(texts.filter_map(|text| local(&text)).collect());
        }
        let bad =
            |error| wrong("value", format!("The path '{path}' of the GraphDefinition: {error}."));
        let program = match programs.entry(link.index()) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => {
                let program = compile(path, &self.schema, Options::default());
                free.insert(program.map_err(bad)?)
            }
        };
        let items = program.evaluate(&Environment::at(self.now), document.root()).map_err(bad)?;
        let found = items.iter().filter_map(|item| match item {
            Item::Node(node) => local(&node.value.get("reference")?.as_str()?),
            _ => None,
        });
        Ok(found.collect())
    }
}
