//! <https://hl7.org/fhir/R4/http.html#search>
//!
//! `parameters.rs` gives them their meaning, `date.rs` dates theirs, `listing.rs` finds a page and
//! links it to the next, `entries.rs` writes it. Histories are listed the same way.

pub(crate) mod date;
mod entries;
pub(crate) mod listing;
pub(crate) mod parameters;

use authority::DataAction;
use store::TypeId;

use super::context::Context;
use super::negotiate::{self, Form};
use super::refusal::General;
use crate::exchange::{Answer, Body};
use listing::{Listing, Refusal};

/// `GET [base]/[type]?…`, and without a type over all of them.
pub(crate) async fn search(cx: &Context<'_>, of: Option<TypeId>) -> Result<Answer, Refusal> {
    cx.allow(DataAction::Read)?;
    listing::list(cx, Listing::Search(of), &[cx.query]).await
}

/// `POST [base]/[type]/_search`: parameters in the query and in a form, as one. The links are for
/// GET.
pub(crate) async fn search_form(
    cx: &Context<'_>,
    of: Option<TypeId>,
    body: Body,
    wants: &mut Form,
) -> Result<Answer, Refusal> {
    cx.allow(DataAction::Read)?;
    let form = cx.read(body).await?;
    let form = std::str::from_utf8(&form).map_err(|_| General::not_utf8())?;
    let form = form.trim_ascii();
    // `Accept` and the query were heard before; the form may ask for a format of its own.
    negotiate::amend(wants, form).map_err(Refusal::Form)?;
    listing::list(cx, Listing::Search(of), &[cx.query, form]).await
}
