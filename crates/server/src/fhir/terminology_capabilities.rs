//! <https://hl7.org/fhir/R4/terminologycapabilities.html>
//!
//! `GET [base]/metadata?mode=terminology`: the code systems that a service knows now, and what its
//! operations on codes understand.

use std::collections::{BTreeMap, BTreeSet};

use fhir::definitions::Registry;
use json::Writer;

use super::capabilities::DATE;
use super::context::Context;
use super::ops::EXPAND_PARAMETERS;
use super::refusal::General;

/// Answered without a token, as the whole of `/metadata` is.
pub(crate) fn capabilities(cx: &Context<'_>) -> Result<Vec<u8>, General> {
    Ok(statement(cx.base, &*cx.service.registry()?))
}

fn statement(base: &str, registry: &Registry) -> Vec<u8> {
    let mut out = Vec::with_capacity(128 << 10);
    let mut writer = Writer::new(&mut out);
    writer.begin_object().key("resourceType").string("TerminologyCapabilities");
    writer.key("url").string(&format!("{base}/metadata?mode=terminology"));
    writer.key("version").string(env!("CARGO_PKG_VERSION"));
    writer.key("name").string("FirekeepTerminology");
    writer.key("title").string("Firekeep terminology").key("status").string("active");
    writer.key("date").string(DATE).key("kind").string("instance");
    writer.key("software").begin_object().key("name").string("Firekeep");
    writer.key("version").string(env!("CARGO_PKG_VERSION")).end_object();
    writer.key("implementation").begin_object();
    writer.key("description").string("Firekeep FHIR R4 service").key("url").string(base);
    writer.end_object();
    systems(&mut writer, registry);
    writer.key("expansion").begin_object().key("hierarchical").bool(true);
    writer.key("paging").bool(true).key("incomplete").bool(false);
    writer.key("parameter").begin_array();
    for name in EXPAND_PARAMETERS {
        writer.begin_object().key("name").string(name).end_object();
    }
    writer.end_array();
    writer.key("textFilter");
    writer.string("The text is in the code, the display or a designation, whatever its case.");
    writer.end_object();
    writer.key("codeSearch").string("all");
    writer.key("validateCode").begin_object().key("translations").bool(true).end_object();
    writer.key("translation").begin_object().key("needsMap").bool(true).end_object();
    writer.key("closure").begin_object().key("translation").bool(false).end_object();
    writer.end_object();
    out
}

/// Those with concepts of their own, with their versions.
fn systems(writer: &mut Writer<'_>, registry: &Registry) {
    let own = registry.layers().flat_map(|layer| layer.terminology().code_systems());
    let all = own.chain(registry.base().terminology().code_systems());
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for system in all.filter(|it| !matches!(it.content(), "not-present" | "supplement")) {
        found.entry(system.url()).or_default().insert(system.version());
    }
    writer.key("codeSystem").begin_array();
    for (url, versions) in found {
        writer.begin_object().key("uri").string(url);
        let mut versions = versions.into_iter().filter(|version| !version.is_empty()).peekable();
        if versions.peek().is_some() {
            writer.key("version").begin_array();
            for version in versions {
                writer.begin_object().key("code").string(version).end_object();
            }
            writer.end_array();
        }
        writer.end_object();
    }
    writer.end_array();
}
