//! <https://learn.microsoft.com/azure/azure-resource-manager/management/overview>
//!
//! To add a resource: one variant in `route`, its api-versions in `version`, one file here.

mod fhir_properties;
mod fhir_services;
mod metadata;
mod providers;
mod refusal;
mod resource_groups;
mod role_assignments;
mod role_definitions;
mod route;
mod subscriptions;
mod tenants;
mod version;
mod workspaces;

use std::sync::Arc;

use authority::{ChangeRefused, Decision, Draft, ExpectedAudience, Scope, Subscription};
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::app::App;
use crate::control::{self, caller::Caller};
use crate::edge::blocking;
use crate::exchange::{Answer, Request};
use refusal::Refusal;
use route::{Group, Target};

/// Answers everything under `/metadata/endpoints`, `/subscriptions`, `/tenants` and `/providers`.
pub(crate) async fn answer(app: &Arc<App>, request: Request) -> Answer {
    served(app, request).await.unwrap_or_else(|refusal| refusal.answer(app))
}

async fn served(app: &Arc<App>, request: Request) -> Result<Answer, Refusal> {
    let target = control::segments(&request.path).and_then(|path| route::target(&path));
    if matches!(target, Some(Target::MetadataEndpoints)) {
        return cloud(app, &request);
    }
    let caller = Caller::of(app, &request, &ExpectedAudience::Arm)?;
    let target = target.ok_or_else(|| Refusal::NoSuchPath(request.path.clone()))?;
    let version = version::required(&request.query, &target)?;
    let by = caller.identity.object_id;
    let call = Call { app: Arc::clone(app), caller, version, request };
    at(call, target).await.map(|answer| answer.by(by))
}

async fn at(call: Call, target: Target) -> Result<Answer, Refusal> {
    match target {
        Target::MetadataEndpoints => cloud(&call.app, &call.request),
        Target::Tenants => tenants::list(&call),
        Target::Subscriptions => subscriptions::list(&call),
        Target::Subscription(id) => subscriptions::get(&call, id),
        Target::Locations(id) => subscriptions::locations(&call, id),
        Target::Provider { subscription, namespace } => {
            providers::get(&call, subscription, &namespace)
        }
        Target::ProviderRegistration { subscription, namespace } => {
            providers::register(&call, subscription, &namespace)
        }
        Target::ResourceGroups(subscription) => resource_groups::list(&call, subscription),
        Target::ResourceGroup(group) => resource_groups::one(call, group).await,
        Target::Workspaces { subscription, group } => {
            workspaces::list(&call, subscription, group.as_deref())
        }
        Target::Workspace { group, workspace } => workspaces::one(call, group, workspace).await,
        Target::FhirServices { group, workspace } => fhir_services::list(&call, &group, &workspace),
        Target::FhirService { group, workspace, name } => {
            fhir_services::one(call, group, &workspace, &name).await
        }
        Target::RoleDefinitions(scope) => role_definitions::list(&call, &scope),
        Target::RoleDefinition { scope, id } => role_definitions::get(&call, &scope, &id),
        Target::RoleAssignments(scope) => role_assignments::list(&call, &scope),
        Target::RoleAssignment { scope, id } => role_assignments::one(call, scope, &id).await,
    }
}

/// `GET /metadata/endpoints`: for everybody, since it tells where to sign in.
fn cloud(app: &App, request: &Request) -> Result<Answer, Refusal> {
    if request.method != Method::GET {
        return Err(Refusal::OnlyMethods("GET"));
    }
    let version = version::required(&request.query, &Target::MetadataEndpoints)?;
    Ok(Answer::json(StatusCode::OK, &metadata::endpoints(version, &app.authority.names())))
}

/// One authenticated request.
struct Call {
    app: Arc<App>,
    caller: Caller,
    version: &'static str,
    request: Request,
}

impl Call {
    fn only_get(&self) -> Result<(), Refusal> {
        if self.request.method == Method::GET { Ok(()) } else { Err(Refusal::OnlyMethods("GET")) }
    }

    fn may(&self, action: &str, scope: &Scope) -> bool {
        let decision = self.app.authority.decide_control(&self.caller.identity, action, scope);
        matches!(decision, Decision::Allowed(_))
    }

    fn allow(&self, action: &str, scope: &Scope) -> Result<(), Refusal> {
        match self.app.authority.decide_control(&self.caller.identity, action, scope) {
            Decision::Allowed(_) => Ok(()),
            Decision::Denied(why) => Err(Refusal::Denied(why.to_string())),
        }
    }

    /// A subscription of the caller's tenant; those of others do not exist for the caller.
    fn subscription(&self, id: Uuid) -> Result<&Arc<Subscription>, Refusal> {
        let found = self.caller.directory.subscription(id);
        found
            .filter(|subscription| subscription.tenant == self.caller.identity.tenant)
            .ok_or_else(|| Refusal::NoSuchSubscription(id.to_string()))
    }

    fn group(&self, group: &Group) -> Result<Group, Refusal> {
        self.subscription(group.subscription)?;
        let found = self.caller.directory.resource_group(group.subscription, &group.name);
        let found = found.ok_or_else(|| Refusal::NoSuchGroup(group.name.clone()))?;
        Ok(Group { subscription: group.subscription, name: found.name.clone() })
    }

    /// Makes a change where it may wait for the disk.
    async fn change<T: Send + 'static>(
        &self,
        edit: impl FnOnce(&mut Draft<'_>) -> Result<T, ChangeRefused> + Send + 'static,
    ) -> Result<T, Refusal> {
        let authority = Arc::clone(&self.app.authority);
        Ok(blocking::run(move || authority.change(edit)).await??)
    }
}

fn ok(value: &impl Serialize) -> Result<Answer, Refusal> {
    Ok(Answer::json(StatusCode::OK, value))
}

/// A list as ARM writes it.
fn values<T: Serialize>(values: impl IntoIterator<Item = T>) -> Result<Answer, Refusal> {
    ok(&json!({ "value": values.into_iter().collect::<Vec<_>>() }))
}

/// 201 for what is new, 200 for what was there.
fn written(created: bool, value: &impl Serialize) -> Answer {
    Answer::json(if created { StatusCode::CREATED } else { StatusCode::OK }, value)
}
