//! <https://hl7.org/fhir/R4/datatypes.html#attachment>: what an Attachment says of its data.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::scope::Scope;
use super::walk::Pass;
use crate::validate::{IssueCode, Issues, Severity};

impl<'v, 'd> Pass<'v, 'd> {
    /// Whether the size of an Attachment is that of its data.
    pub(super) fn attachment(&self, scope: &Scope<'_, 'v, 'd>, out: &mut Issues) {
        let value = scope.spot.value;
        let (Some(size), Some(data)) = (value.get("size"), value.get("data")) else { return };
        if !self.is_a(&scope.spot, "Attachment") {
            return;
        }
        let said = size.as_number().and_then(|size| size.parse::<usize>().ok());
        let data = data.as_str().unwrap_or_default();
        let plain: String = data.split_ascii_whitespace().collect();
        let Some((said, data)) = said.zip(STANDARD.decode(plain).ok()) else { return };
        if said != data.len() {
            let text = format!("The size is said to be {said}, and the data has {}.", data.len());
            self.note(size, (Severity::Error, IssueCode::Value, ""), text, out);
        }
    }
}
