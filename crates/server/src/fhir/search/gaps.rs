//! <https://hl7.org/fhir/R4/search.html#errors>: what a search cannot find because it is not known
//! here: the answer says so, and who wants to be strict, or writes by it, is refused.

use std::cell::RefCell;

use crate::fhir::outcome::Issue;

/// What is not known that was asked for, as texts.
#[derive(Debug, Default)]
pub(crate) struct Gaps(RefCell<Vec<String>>);

impl Gaps {
    /// Once, however many types and values meet it.
    pub(crate) fn tell(&self, text: String) {
        let mut known = self.0.borrow_mut();
        if !known.contains(&text) {
            known.push(text);
        }
    }

    pub(crate) fn issues(self) -> Vec<Issue> {
        let all = self.0.into_inner().into_iter();
        all.map(|text| Issue::warning("incomplete", text)).collect()
    }
}
