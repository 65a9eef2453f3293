//! <https://hl7.org/fhir/R4/search.html#errors>: what a search cannot find because it is not known
//! here: the answer says so, and who wants to be strict, or writes by it, is refused.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::fhir::outcome::Issue;

/// What one request found out about terminology while it was understood.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    /// What is not known that was asked for, as texts.
    told: RefCell<Vec<String>>,
    /// The systems that take case for nothing and have a code, by the code.
    loose: RefCell<HashMap<String, Rc<[String]>>>,
}

impl Gaps {
    /// The systems that take case for nothing and have a code: looked for once, however many types
    /// and values ask.
    pub(crate) fn loose(&self, code: &str, find: impl FnOnce() -> Vec<String>) -> Rc<[String]> {
        if let Some(known) = self.loose.borrow().get(code) {
            return Rc::clone(known);
        }
        let found: Rc<[String]> = find().into();
        self.loose.borrow_mut().insert(code.to_owned(), Rc::clone(&found));
        found
    }

    /// Once, however many types and values meet it.
    pub(crate) fn tell(&self, text: String) {
        let mut known = self.told.borrow_mut();
        if !known.contains(&text) {
            known.push(text);
        }
    }

    pub(crate) fn issues(self) -> Vec<Issue> {
        let all = self.told.into_inner().into_iter();
        all.map(|text| Issue::warning("incomplete", text)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_looked_for_once_in_a_request() {
        let (gaps, looks) = (Gaps::default(), RefCell::new(Vec::new()));
        let find = |code: &str| {
            let found = gaps.loose(code, || {
                looks.borrow_mut().push(code.to_owned());
                vec![format!("http://systems/{code}")]
            });
            found.join(" ")
        };
        for code in ["a", "b", "a", "A", "b"] {
            assert_eq!(find(code), format!("http://systems/{code}"));
        }
        assert_eq!(*looks.borrow(), ["a", "b", "A"]);
    }
}
