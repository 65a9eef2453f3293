//! The resource while it is patched, and what that has cost.

use base::limits::{BODY_BYTES, JSON_DEPTH, JSON_NODES, PATCH_BYTES, PATCH_OPERATIONS};
use json::{Document, Edits, Limits};

use super::{Error, Flaw};

/// The resource after the operations so far.
pub(super) struct Subject {
    document: Document,
    /// Bytes gone through so far.
    spent: usize,
}

impl Subject {
    /// Refuses a patch of too many operations before the first.
    pub(super) fn new(document: &Document, operations: usize) -> Result<Subject, Error> {
        if operations > PATCH_OPERATIONS {
            let message = format!(
                "The patch has {operations} operations; at most {PATCH_OPERATIONS} are taken at \
                 once. Send it in parts, or send the whole resource with PUT."
            );
            return Err(Flaw::too_costly(message).whole());
        }
        Ok(Subject { document: document.clone(), spent: 0 })
    }

    pub(super) fn document(&self) -> &Document {
        &self.document
    }

    pub(super) fn into_document(self) -> Document {
        self.document
    }

    /// Takes the text that an operation made.
    pub(super) fn becomes(&mut self, text: Vec<u8>) -> Result<(), Flaw> {
        self.spent = self.spent.saturating_add(text.len());
        if self.spent > PATCH_BYTES {
            return Err(Flaw::too_costly(format!(
                "the operations so far went through more than {PATCH_BYTES} bytes, the size of \
                 the resource once for each. Send the whole resource with PUT"
            )));
        }
        let limits = Limits { bytes: BODY_BYTES, depth: JSON_DEPTH, nodes: JSON_NODES };
        self.document = Document::parse(text, &limits)
            .map_err(|error| Flaw::too_costly(format!("the result is refused: {error}")))?;
        Ok(())
    }
}

/// The text with the edits made.
pub(super) fn applied(edits: Edits<'_>) -> Result<Vec<u8>, Flaw> {
    let refused = |error| Flaw::inapplicable(format!("the change cannot be made: {error}"));
    edits.apply().map_err(refused)
}
