//! <https://hl7.org/fhir/R4/http.html#search>
//!
//! `parameters.rs` reads the query; `name.rs` takes names apart, `interpret.rs` gives them their
//! meaning for a type, with a file for each type of search and for `_filter`, `_text`, `_sort`,
//! `_include`. `catalogue.rs` knows what can be searched by. `listing.rs` finds a page, by what
//! `plan.rs` asks the store; `links.rs` says where it leads, and `entries.rs` writes it. Histories
//! are listed the same way. `criteria.rs` is for searches that are a part of something else.

pub(crate) mod catalogue;
mod codes;
pub(crate) mod contained;
pub(crate) mod criteria;
pub(crate) mod date;
mod entries;
mod filter;
mod filter_text;
pub(crate) mod gaps;
mod hierarchy;
mod include;
pub(crate) mod interpret;
#[cfg(test)]
pub(crate) mod interpreting;
mod links;
pub(crate) mod listing;
pub(crate) mod name;
mod near;
mod number;
pub(crate) mod parameters;
mod plan;
mod reference;
mod sort;
mod test;
mod text;
mod token;
mod words;

use authority::DataAction;

use super::context::Context;
use super::negotiate::{self, Form};
use super::refusal::General;
use super::route::Searched;
use crate::exchange::{Answer, Body};
use listing::{Listing, Refusal};

/// `GET [base]/[type]?…`, over all types, or in a compartment.
pub(crate) async fn search(cx: &Context<'_>, of: Searched) -> Result<Answer, Refusal> {
    cx.allow(DataAction::Read)?;
    listing::list(cx, Listing::Search(of), &[cx.query]).await
}

/// `GET [base]/[type]/$includes?…`, Azure's: what a page includes beyond what fits on it.
pub(crate) async fn includes(cx: &Context<'_>, of: Searched) -> Result<Answer, Refusal> {
    cx.allow(DataAction::Read)?;
    listing::list(cx, Listing::Includes(of), &[cx.query]).await
}

/// `POST [base]/[type]/_search`: parameters in the query and in a form, as one. The links are for
/// GET.
pub(crate) async fn search_form(
    cx: &Context<'_>,
    of: Searched,
    body: Body,
    (wants, accepted): (&mut Form, Result<(), negotiate::Refusal>),
) -> Result<Answer, Refusal> {
    cx.allow(DataAction::Read)?;
    let form = cx.read(body).await?;
    let form = std::str::from_utf8(&form).map_err(|_| General::not_utf8())?;
    let form = form.trim_ascii();
    // `Accept` and the query were heard before; the form may ask for a format of its own.
    if !negotiate::amend(wants, form).map_err(Refusal::Form)? {
        accepted.map_err(Refusal::Form)?;
    }
    listing::list(cx, Listing::Search(of), &[cx.query, form]).await
}
