//! The FHIR REST API: one file per interaction.
//!
//! A request is routed (`route.rs`), its caller found (`authenticate.rs`), its formats agreed upon
//! (`negotiate.rs`); then the interaction authorizes, plans, stores and answers. Every interaction
//! has its own closed list of refusals, which one `match` turns into an `Outcome`.

pub(crate) mod outcome;

mod authenticate;
mod binary;
mod bundle;
mod capabilities;
mod check;
mod conditional;
mod conditions;
mod context;
mod create;
mod delete;
mod health;
mod history;
mod incoming;
mod meta_history;
mod negotiate;
pub(crate) mod ops;
mod options;
mod page;
mod page_link;
mod patch;
mod prefer;
mod provenance;
mod read;
mod refusal;
pub(crate) mod resource;
mod route;
pub(crate) mod samples;
pub(crate) mod search;
mod search_parameter;
mod smart_configuration;
mod subset;
mod terminology_capabilities;
mod translate;
pub(crate) mod types;
mod update;
mod validation;
pub(crate) mod values;
mod versions;
mod vread;

use std::sync::{Arc, OnceLock};

use http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE};
use http::{HeaderMap, Method};

use crate::app::App;
use crate::edge::blocking;
use crate::exchange::{Answer, Body, Request};
use crate::service::Service;
use check::Checks;
use conditions::Conditions;
use context::{Context, Waiting};
use negotiate::{Form, Format};
use outcome::Outcome;
use prefer::Prefer;
use provenance::Provenance;
use refusal::General;
use route::Interaction;

/// Answers one request of a service; `base` is the URL under which it was called, without a
/// trailing slash.
pub(crate) async fn answer(
    app: &Arc<App>,
    service: &Arc<Service>,
    base: &str,
    request: Request,
) -> Answer {
    let Request { method, path, query, headers, correlation_id, now, body, last_token, .. } =
        request;
    let routed = route::route(&method, &path, &query);
    if let Some(answer) = options::options(&method, &routed) {
        return answer;
    }
    let waiting = Waiting::default();
    let mut cx = Context {
        app,
        service,
        base,
        query: &query,
        now,
        correlation_id: &correlation_id,
        conditions: Conditions::of(&headers),
        checks: Checks::of(service, &headers, now),
        accept_language: headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()),
        prefer: Prefer::of(&headers),
        last_token: &last_token,
        identity: None,
        guards: Vec::new(),
        pinned: None,
        sent: Format::Json,
        content: None,
        stop: waiting.0.clone(),
        provenance: None,
        translated: OnceLock::new(),
    };
    let name = routed.as_ref().ok().map(|interaction| interaction.name());
    let is_content = matches!(routed, Ok(asked) if binary::is_content(asked, &headers, &query));
    let asked = match (is_content, &routed) {
        (true, _) => Ok(Form::default()),
        // What is asked for may stand in the form that is still to be read.
        (_, Ok(Interaction::SearchForm(_))) => {
            Ok(negotiate::answer_form(&headers, &query).unwrap_or_default())
        }
        _ => negotiate::answer_form(&headers, &query),
    };
    let mut form = asked.as_ref().copied().unwrap_or_default();
    let answered = match asked {
        Ok(_) if is_content => {
            authenticated(&mut cx, &routed, &headers).and_then(|()| binary::content(&cx, routed?))
        }
        Ok(_) => serve(&mut cx, routed, &headers, body, &mut form).await,
        Err(refusal) => authenticated(&mut cx, &routed, &headers).and(Err(refusal.into())),
    };
    let answer = answered.unwrap_or_else(|mut outcome| {
        if let Some((xml, json)) = cx.translated.get() {
            translate::relocate(&mut outcome, xml, json);
        }
        outcome.answer(&correlation_id)
    });
    let answer = match form.is_page && method == Method::GET {
        true => {
            let target = if query.is_empty() { path } else { format!("{path}?{query}") };
            page_of(answer, page::Asked { base: base.to_owned(), target }).await
        }
        false => translate::outgoing(answer, form, &method).await,
    };
    let mut answer = answer.unwrap_or_else(|fault| Outcome::from(fault).answer(&correlation_id));
    answer.note.caller = cx.identity.map(|identity| identity.object_id);
    answer.note.interaction = name;
    answer
}

async fn page_of(answer: Answer, asked: page::Asked) -> Result<Answer, General> {
    Ok(blocking::run(move || page::page(answer, asked)).await.and_then(|page| page)?)
}

/// Makes ready what the first write would else wait for: the rules of R4 and its types.
pub(crate) fn warm() {
    let _ = fhir::validate::Rules::r4();
    validation::warm();
}

/// Who asks comes before what was asked wrongly: a stranger learns nothing but how to sign in.
fn authenticated(
    cx: &mut Context<'_>,
    routed: &Result<Interaction, route::Refusal>,
    headers: &HeaderMap,
) -> Result<(), Outcome> {
    if !routed.as_ref().is_ok_and(|interaction| interaction.is_anonymous()) {
        let identity = authenticate::authenticate(cx, headers);
        let identity = identity.map_err(|fault| authenticate::refused(cx.app, cx.base, &fault))?;
        cx.identity = Some(identity);
    }
    Ok(())
}

async fn serve(
    cx: &mut Context<'_>,
    routed: Result<Interaction, route::Refusal>,
    headers: &HeaderMap,
    body: Body,
    form: &mut Form,
) -> Result<Answer, Outcome> {
    authenticated(cx, &routed, headers)?;
    let interaction = routed?;
    match interaction {
        Interaction::Create(_)
        | Interaction::Update(_)
        | Interaction::UpdateMatching(_)
        | Interaction::Bundle => {
            if interaction != Interaction::Bundle {
                cx.provenance = Provenance::of(headers)?;
            }
            cx.content = binary::Content::sent(interaction, headers);
            if cx.content.is_none() {
                cx.sent = negotiate::resource_body(headers)?;
            }
        }
        Interaction::Operation(call) if call.is_post && headers.contains_key(CONTENT_TYPE) => {
            cx.sent = negotiate::resource_body(headers)?;
        }
        Interaction::Patch(key) => {
            let (kind, sent) = negotiate::patch_body(headers)?;
            cx.provenance = Provenance::of(headers)?;
            cx.sent = sent;
            return Ok(Box::pin(patch::patch(cx, key, kind, body)).await?);
        }
        Interaction::PatchMatching(resource_type) => {
            let (kind, sent) = negotiate::patch_body(headers)?;
            cx.provenance = Provenance::of(headers)?;
            cx.sent = sent;
            let patched = conditional::patch_one(cx, (resource_type, kind), body);
            return Box::pin(patched).await;
        }
        Interaction::SearchForm(of) => {
            negotiate::form_body(headers)?;
            let accepted = negotiate::answer_form(headers, cx.query).map(drop);
            return Ok(Box::pin(search::search_form(cx, of, body, (form, accepted))).await?);
        }
        _ => {}
    }
    interact(cx, interaction, body, form).await
}

/// Where the interactions are: those that read a body or change something. Their futures stand on
/// the heap, so that a read does not move the room they need.
async fn interact(
    cx: &Context<'_>,
    interaction: Interaction,
    body: Body,
    form: &mut Form,
) -> Result<Answer, Outcome> {
    Ok(match interaction {
        Interaction::Create(resource_type) => {
            Box::pin(conditional::create(cx, resource_type, body)).await?
        }
        Interaction::Update(key) => Box::pin(conditional::update(cx, key, body)).await?,
        Interaction::UpdateMatching(resource_type) => {
            Box::pin(conditional::update_one(cx, resource_type, body)).await?
        }
        Interaction::DeleteMatching(resource_type) => {
            Box::pin(conditional::delete_matching(cx, resource_type)).await?
        }
        Interaction::Delete(key) => Box::pin(delete::delete(cx, key)).await?,
        Interaction::Bundle => Box::pin(bundle::bundle(cx, body)).await?,
        Interaction::Operation(call) if call.is_post => {
            Box::pin(ops::operate(cx, call, Some(body))).await?
        }
        Interaction::Versions => versions::versions(cx, *form)?,
        Interaction::CancelReindex(id) => ops::reindex::cancel(cx, id)?,
        looking => look(cx, looking).await?,
    })
}

/// Those that only look, and so may stand as GET in a Bundle.
async fn look(cx: &Context<'_>, interaction: Interaction) -> Result<Answer, Outcome> {
    Ok(match interaction {
        Interaction::Capabilities => capabilities::capabilities(cx)?,
        Interaction::SmartConfiguration => smart_configuration::configuration(cx),
        Interaction::Versions => versions::versions(cx, Form::default())?,
        Interaction::Health => Box::pin(health::check(cx)).await,
        Interaction::Read(key) => read::read(cx, key)?,
        Interaction::Vread(key, number) => vread::vread(cx, key, number)?,
        Interaction::History(of) => Box::pin(history::history(cx, of)).await?,
        Interaction::Search(of) => Box::pin(search::search(cx, of)).await?,
        Interaction::Includes(of) => Box::pin(search::includes(cx, of)).await?,
        Interaction::Operation(call) => Box::pin(ops::operate(cx, call, None)).await?,
        Interaction::ReindexJob(id) => ops::reindex::status(cx, id)?,
        Interaction::CancelReindex(_)
        | Interaction::Create(_)
        | Interaction::Update(_)
        | Interaction::Patch(_)
        | Interaction::Delete(_)
        | Interaction::UpdateMatching(_)
        | Interaction::PatchMatching(_)
        | Interaction::DeleteMatching(_)
        | Interaction::SearchForm(_)
        | Interaction::Bundle => return Err(General::bug("this does not only look").into()),
    })
}
