//! <https://hl7.org/fhir/R4/search.html#paging>: where a page leads, and what there is to say of it.

use base::limits::LINK_CHARACTERS;
use store::Rid;

use super::listing::{Found, Listing};
use crate::fhir::context::Context;
use crate::fhir::outcome::Issue;
use crate::fhir::page_link::{Binding, Place};

/// Writes the links of a page.
pub(super) struct Links<'l> {
    pub(super) cx: &'l Context<'l>,
    pub(super) binding: Binding<'l>,
    pub(super) listing: Listing,
    /// What the page comes after.
    pub(super) start: Option<Rid>,
    /// The parameters that were heard.
    pub(super) query: String,
    pub(super) token: Option<String>,
}

impl Links<'_> {
    pub(super) fn of(&self, found: &Found) -> Vec<(&'static str, String)> {
        let own = self.url(self.binding.path, &self.query, self.token.as_deref());
        let mut links = vec![("self", own)];
        let snapshot = found.snapshot.number();
        let made = self.cx.now;
        if let Some(after) = found.last {
            let place = Place { snapshot, after, total: found.total, made };
            links.push(("next", self.sealed(&self.binding, &place)));
        }
        if let Some(given) = found.given.filter(|_| self.pages_includes()) {
            let (relation, listing) = match self.listing {
                Listing::Search(of) => ("related", Listing::Includes(of)),
                other => ("next", other),
            };
            let after = self.start.unwrap_or(Rid(0));
            let place = Place { snapshot, after, total: Some(given), made };
            let path = listing.path();
            links.push((relation, self.sealed(&Binding { path: &path, ..self.binding }, &place)));
        }
        links
    }

    /// What belongs to somebody has its pages by matches only.
    fn pages_includes(&self) -> bool {
        matches!(self.listing, Listing::Search(_) | Listing::Includes(_))
    }

    /// What there is to say about what was found.
    pub(super) fn warnings(&self, found: &Found) -> Vec<Issue> {
        let mut warnings = Vec::new();
        if found.given.is_some() && !self.pages_includes() {
            let text = "More is referred to than fits on the page. Ask for fewer with _count.";
            warnings.push(Issue::warning("incomplete", text));
        }
        if found.circular {
            let text = "An _include:iterate came back to where it had been, and stopped there.";
            warnings.push(Issue::information("informational", text));
        }
        warnings.extend(found.steps.iter().cloned());
        warnings
    }

    fn sealed(&self, binding: &Binding<'_>, place: &Place) -> String {
        let token = binding.seal(place, &self.query);
        let url = self.url(binding.path, &self.query, Some(&token));
        if url.len() <= LINK_CHARACTERS {
            return url;
        }
        let token = binding.seal_and_keep(place, &self.query);
        self.url(binding.path, &form(&self.query), Some(&token))
    }

    fn url(&self, path: &str, query: &str, token: Option<&str>) -> String {
        let mut url = format!("{}/{path}", self.cx.base);
        let token = token.map(|token| format!("ct={token}"));
        let parts = [Some(query).filter(|query| !query.is_empty()), token.as_deref()];
        for (part, separator) in parts.into_iter().flatten().zip(["?", "&"]) {
            url.push_str(separator);
            url.push_str(part);
        }
        url
    }
}

/// What of a query says how answers look. It stays in a link whose query is kept here: it is read
/// before that is looked up.
fn form(query: &str) -> String {
    let named = |part: &&str| part.starts_with("_format=") || part.starts_with("_pretty=");
    query.split('&').filter(named).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_whose_query_is_kept_still_says_how_answers_look() {
        assert_eq!(form("_id=1&_pretty=true&_count=2&_format=json"), "_pretty=true&_format=json");
        assert_eq!(form("_id=_pretty=true"), "");
    }
}
