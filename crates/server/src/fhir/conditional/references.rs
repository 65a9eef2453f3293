//! <https://hl7.org/fhir/R4/http.html#trules>: references that are criteria,
//! `Practitioner?identifier=…`, become references to what they match.

use std::collections::HashMap;

use bytes::Bytes;
use http::StatusCode;
use json::Value;
use store::{Guard, Key};

use super::{Criteria, Refusal};
use crate::edge::blocking;
use crate::fhir::bundle::{self, conditionals, resolve};
use crate::fhir::context::Context;
use crate::fhir::incoming;
use crate::fhir::outcome::Outcome;
use crate::fhir::refusal::General;
use crate::fhir::types;

/// The criteria that stand as references in a resource, by their texts.
pub(crate) fn criteria(
    cx: &Context<'_>,
    resource: Value<'_>,
) -> Result<HashMap<String, Criteria>, Refusal> {
    let mut found = HashMap::new();
    for text in conditionals(resource) {
        let Some((name, query)) = text.split_once('?') else { continue };
        let Some(resource_type) = types::number(name) else { continue };
        let failed = StatusCode::PRECONDITION_FAILED;
        let criteria = Criteria::read(cx, resource_type, query, failed)?;
        found.insert(text, criteria);
    }
    Ok(found)
}

/// The text of a body with its references resolved; adds their guards.
pub(super) async fn resolved(
    cx: &Context<'_>,
    bytes: Bytes,
    guards: &mut Vec<Guard>,
) -> Result<Bytes, Outcome> {
    if !bytes.contains(&b'?') {
        return Ok(bytes);
    }
    let document = incoming::document(bytes.clone()).await?;
    let criteria = criteria(cx, document.root())?;
    if criteria.is_empty() {
        return Ok(bytes);
    }
    let snapshot = cx.service.store.snapshot();
    let looked = blocking::run(move || {
        let one = |(text, criteria): (String, Criteria)| {
            let (found, guard) = criteria.find(&snapshot)?;
            let key = found.ok_or_else(|| Refusal::NoTarget(text.clone()))?;
            Ok((text, key, guard))
        };
        criteria.into_iter().map(one).collect::<Result<Vec<(String, Key, Guard)>, Refusal>>()
    });
    let looked = looked.await.map_err(General::from)??;
    let mut targets = HashMap::new();
    for (text, key, guard) in looked {
        targets.insert(text, bundle::reference(&key));
        guards.push(guard);
    }
    Ok(resolve(document.root(), &targets).map_or(bytes, Bytes::from))
}
