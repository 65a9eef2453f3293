//! What ARM, Graph and the administration share: who calls, JSON bodies, `$filter`, error bodies.

pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod filter;

use base::Fault;
use http::StatusCode;
use percent_encoding::percent_decode_str;
use serde_json::json;

use crate::exchange::Answer;

/// The error body that Azure's tools read: `{"error":{"code","message"}}`.
pub(crate) fn error(status: StatusCode, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({ "error": { "code": code, "message": message } }))
}

/// What a fault tells the client: how to go on, and nothing of what is inside.
pub(crate) fn told(fault: &Fault) -> &'static str {
    if fault.is_no_room() {
        "There is no room for this on the disk. Nothing was changed; try again when there is room."
    } else {
        "The server failed; its log has the cause under the request id."
    }
}

/// The segments of a path, decoded; repeated slashes count once. `None` when one is not UTF-8.
pub(crate) fn segments(path: &str) -> Option<Vec<String>> {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_decode_str(segment).decode_utf8().ok().map(String::from))
        .collect()
}

/// A parameter of the query, by name without regard to case, as ARM and `OData` take them.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.into_owned())
}
