//! <https://learn.microsoft.com/azure/healthcare-apis/fhir/fhir-faq>: `/health/check`, which load
//! balancers ask.

use http::{HeaderValue, StatusCode};
use json::Writer;
use store::SearchPlan;

use super::context::Context;
use crate::edge::blocking;
use crate::exchange::Answer;
use crate::fhir::search::listing;

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// `GET [base]/health/check`: 200 when the store can be read, 503 when it cannot. Answered without
/// a token.
pub(crate) async fn check(cx: &Context<'_>) -> Answer {
    let snapshot = cx.snapshot();
    let plan = SearchPlan { most: 1, ..SearchPlan::default() };
    let read = blocking::run(move || {
        let page = snapshot.search(&plan).map_err(listing::fault)?;
        snapshot.versions(&page.rids).map(drop)
    });
    match read.await.and_then(|read| read) {
        Ok(()) => answer(StatusCode::OK, "Healthy", "The data store can be read."),
        Err(fault) => {
            tracing::error!(cx.correlation_id, "the health check failed: {fault}");
            let text = "The data store cannot be read. The service's log says why.";
            answer(StatusCode::SERVICE_UNAVAILABLE, "Unhealthy", text)
        }
    }
}

fn answer(status: StatusCode, word: &str, text: &str) -> Answer {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    writer.begin_object().key("overallStatus").string(word).key("details").begin_array();
    writer.begin_object().key("name").string("DataStoreHealthCheck");
    writer.key("status").string(word).key("description").string(text);
    writer.end_object().end_array().end_object();
    Answer::of(status, CONTENT_TYPE, out)
}
