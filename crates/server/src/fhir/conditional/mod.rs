//! <https://hl7.org/fhir/R4/http.html#ccreate>
//!
//! Criteria that stand for a resource: in conditional interactions, and in references. They are
//! looked up at a snapshot; the commit carries them as guards, so that nothing which was written in
//! between can make the answer wrong: then it is looked up again.

pub(crate) mod references;
mod write;

pub(crate) use write::{
    Deleting, ITEMS_DELETED, another, beside, create, delete_matching, deleting, existing,
    is_there, mismatch, named, nothing, patch_one, update, update_one,
};

use base::limits::GUARD_ATTEMPTS;
use http::StatusCode;
use store::{
    Guard, Key, Restrictions, SearchError, SearchPlan, Snapshot, Stop, TypeId, TypeSearch,
};

use super::context::Context;
use super::outcome::{Issue, Outcome, Severity};
use super::refusal::General;
use super::route::Searched;
use super::search::contained::{self, Contained};
use super::search::listing::{self, Listing};
use super::types;
use crate::exchange::Answer;

/// Parameters of an interaction that are none of its criteria.
const BESIDE: [&str; 5] = ["_format", "_pretty", "_meta-history", "hardDelete", "_count"];

/// What can be wrong with criteria.
#[derive(Debug)]
pub(crate) enum Refusal {
    General(General),
    Search(Box<listing::Refusal>),
    /// 400, of a patch or a delete 412: they select every resource of the type.
    Everything {
        query: String,
        status: StatusCode,
    },
    /// 412
    Many {
        query: String,
        found: usize,
    },
    /// 412: a conditional reference must lead to one resource.
    NoTarget(String),
    /// 409: others changed what the criteria are about again and again.
    Overtaken,
}

impl<T: Into<General>> From<T> for Refusal {
    fn from(refusal: T) -> Self {
        Self::General(refusal.into())
    }
}

impl From<SearchError> for Refusal {
    fn from(error: SearchError) -> Self {
        Self::Search(Box::new(error.into()))
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        let failed = |code, text| Self::error(StatusCode::PRECONDITION_FAILED, code, text);
        match refusal {
            Refusal::General(refusal) => refusal.into(),
            Refusal::Search(refusal) => (*refusal).into(),
            Refusal::Everything { query, status } => Self::error(
                status,
                "value",
                format!(
                    "The criteria '{query}' do not select: they hold for every resource of the \
                     type. Name one by its identifier, for example."
                ),
            ),
            Refusal::Many { query, found } => failed(
                "multiple-matches",
                format!("The criteria '{query}' match {found} resources or more, not one."),
            ),
            Refusal::NoTarget(query) => failed(
                "not-found",
                format!("The conditional reference '{query}' matches no resource."),
            ),
            Refusal::Overtaken => Self::error(
                StatusCode::CONFLICT,
                "conflict",
                format!(
                    "What the criteria are about changed {GUARD_ATTEMPTS} times while they were \
                     looked up. Nothing was changed; send it again."
                ),
            ),
        }
    }
}

/// Looks and writes until nobody changed meanwhile what was looked at: `attempt` gives nothing when
/// somebody did. A refusal ends it.
async fn until_settled<T>(mut attempt: impl FnMut() -> T) -> Result<Answer, Outcome>
where
    T: Future<Output = Result<Option<Answer>, Outcome>>,
{
    for _ in 0..GUARD_ATTEMPTS {
        if let Some(answer) = attempt().await? {
            return Ok(answer);
        }
    }
    Err(Refusal::Overtaken.into())
}

/// Criteria of one type that select something.
#[derive(Clone, Debug)]
pub(crate) struct Criteria {
    pub(crate) search: TypeSearch,
    pub(crate) query: String,
}

/// What criteria came to at a snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Looked {
    pub(crate) found: Vec<Key>,
    pub(crate) guard: Guard,
}

impl Criteria {
    /// Reads criteria; what is not understood is refused, since without it they would select more,
    /// and what may find too little.
    /// `status` is for those that select everything.
    pub(crate) fn read(
        cx: &Context<'_>,
        resource_type: TypeId,
        query: &str,
        status: StatusCode,
    ) -> Result<Self, Refusal> {
        let query = query.trim();
        let query = query.strip_prefix(types::name(resource_type)).unwrap_or(query);
        let query = query.strip_prefix('?').unwrap_or(query);
        let name = |pair: &&str| pair.split(['=', ':']).next().unwrap_or_default().to_owned();
        let pairs = query.split('&').filter(|pair| !BESIDE.contains(&name(pair).as_str()));
        let query = pairs.collect::<Vec<_>>().join("&");
        let listing = Listing::Search(Searched::Type(resource_type));
        let meaning = listing::read(cx, &cx.snapshot(), listing, &[&query]);
        let meaning = meaning.map_err(|refusal| Refusal::Search(Box::new(refusal)))?;
        if meaning.contained != Contained::No {
            return Err(contained::unexpected().into());
        }
        if let Some(name) = meaning.of_a_page() {
            let text =
                format!("{name} says how a page looks, and criteria only select. Leave it out.");
            return Err(General::Content(vec![Issue::error("not-supported", text)]).into());
        }
        // One that has no value selects nothing, which is told in a better way.
        let unheard: Vec<Issue> = meaning
            .ignored
            .into_iter()
            .filter(|issue| !issue.diagnostics.contains("has no value"))
            .chain(meaning.gaps)
            .map(|issue| Issue { severity: Severity::Error, ..issue })
            .collect();
        if !unheard.is_empty() {
            return Err(General::Content(unheard).into());
        }
        match meaning.types.into_iter().next() {
            Some(search) if meaning.selective > 0 => Ok(Self { search, query }),
            _ => Err(Refusal::Everything { query, status }),
        }
    }

    /// The first `most` that match.
    pub(crate) fn look(&self, snapshot: &Snapshot, most: usize) -> Result<Looked, SearchError> {
        let plan = SearchPlan {
            types: vec![self.search.clone()],
            restrictions: Restrictions::default(),
            most,
            stop: Stop::default(),
            ..SearchPlan::default()
        };
        let page = snapshot.search(&plan)?;
        let found: Vec<Key> = snapshot.heads(&page.rids)?.iter().map(|head| head.key).collect();
        let (at, search) = (snapshot.number(), self.search.clone());
        Ok(Looked { guard: Guard { at, search, found: found.clone() }, found })
    }

    /// The one that matches, if any.
    pub(crate) fn only(&self, found: &[Key]) -> Result<Option<Key>, Refusal> {
        match found {
            [] => Ok(None),
            [only] => Ok(Some(*only)),
            many => Err(Refusal::Many { query: self.query.clone(), found: many.len() }),
        }
    }

    /// The one that matches now, and its guard.
    pub(crate) fn find(&self, snapshot: &Snapshot) -> Result<(Option<Key>, Guard), Refusal> {
        let Looked { found, guard } = self.look(snapshot, 2)?;
        Ok((self.only(&found)?, guard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn criteria_are_looked_up_so_often_while_others_change_what_they_are_about() {
        let settled_after = async |changes: usize| {
            let mut looked = 0;
            let answered = until_settled(|| {
                looked += 1;
                let settled = (looked > changes).then(|| Answer::empty(StatusCode::OK));
                async { Ok(settled) }
            });
            (answered.await.map_err(|refused| refused.status).map(|answer| answer.status), looked)
        };
        let (most, conflict) = (GUARD_ATTEMPTS, StatusCode::CONFLICT);
        assert_eq!(settled_after(0).await, (Ok(StatusCode::OK), 1));
        assert_eq!(settled_after(most - 1).await, (Ok(StatusCode::OK), most));
        assert_eq!(settled_after(most).await, (Err(conflict), most));
    }
}
