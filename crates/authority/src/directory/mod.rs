//! The directory in memory: immutable, replaced as a whole by each change.

mod credential;
mod draft;
mod record;
mod resource;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base::Fault;
use store::control::ControlStore;
use uuid::Uuid;

pub use credential::NewSecret;
pub use draft::{ChangeRefused, Draft, NewApplication, NewUser};
use record::Record;
pub(crate) use record::moment;
pub use record::{
    Administrator, Application, Certificate, PrincipalKind, ResourceGroup, RoleAssignment, Secret,
    Service, ServicePrincipal, Subscription, Tenant, User, Workspace,
};

use crate::names::ServiceId;
use crate::scope::Scope;

/// The records of one kind, in the order of their keys.
type Table<R> = BTreeMap<<R as Record>::Key, Arc<R>>;

/// Everything the authority and the control plane know, at one moment.
#[derive(Clone, Default)]
pub struct Directory {
    tenants: Table<Tenant>,
    users: Table<User>,
    applications: Table<Application>,
    service_principals: Table<ServicePrincipal>,
    subscriptions: Table<Subscription>,
    resource_groups: Table<ResourceGroup>,
    workspaces: Table<Workspace>,
    services: Table<Service>,
    role_assignments: Table<RoleAssignment>,
    administrators: Table<Administrator>,
    /// Made from the tables when the directory is published.
    index: Index,
}

/// What is looked up on every request.
#[derive(Clone, Default)]
struct Index {
    assignments: HashMap<Uuid, Vec<Arc<RoleAssignment>>>,
    scopes: BTreeMap<ServiceId, Scope>,
    tenants: BTreeMap<ServiceId, Uuid>,
    user_names: HashMap<String, Uuid>,
    client_ids: HashMap<Uuid, Uuid>,
    service_principals: HashMap<(Uuid, Uuid), Uuid>,
}

/// A record that has its table in the directory.
trait Listed: Record + Sized {
    fn table(directory: &mut Directory) -> &mut Table<Self>;
}

macro_rules! listed {
    ($($record:ident in $table:ident;)*) => {
        $(impl Listed for $record {
            fn table(directory: &mut Directory) -> &mut Table<Self> {
                &mut directory.$table
            }
        })*

        impl Directory {
            /// Reads every record from the control store.
            pub(crate) fn load(control: &ControlStore) -> Result<Self, Fault> {
                let mut directory = Self::default();
                $(directory.$table = load::<$record>(control)?;)*
                directory.reindex();
                Ok(directory)
            }
        }
    };
}

listed! {
    Tenant in tenants;
    User in users;
    Application in applications;
    ServicePrincipal in service_principals;
    Subscription in subscriptions;
    ResourceGroup in resource_groups;
    Workspace in workspaces;
    Service in services;
    RoleAssignment in role_assignments;
    Administrator in administrators;
}

fn load<R: Record>(control: &ControlStore) -> Result<Table<R>, Fault> {
    control
        .scan(R::COLLECTION, b"")?
        .into_iter()
        .map(|(_, value)| {
            let record: R = serde_json::from_slice(&value).map_err(|error| {
                Fault::new(format!("reading a record of '{}'", R::COLLECTION), error)
            })?;
            Ok((record.key(), Arc::new(record)))
        })
        .collect()
}

/// Look-ups. Those without an argument list everything of their kind.
impl Directory {
    /// All tenants.
    pub fn tenants(&self) -> impl Iterator<Item = &Arc<Tenant>> {
        self.tenants.values()
    }

    /// By the first segment of an authority URL: a GUID, a domain, or one of `organizations`,
    /// `common` and `adfs`, which mean the first tenant.
    #[must_use]
    pub fn tenant(&self, segment: &str) -> Option<&Arc<Tenant>> {
        if let Ok(id) = Uuid::parse_str(segment) {
            return self.tenants.get(&id);
        }
        match segment.to_ascii_lowercase().as_str() {
            "organizations" | "common" | "adfs" => self.bootstrap_tenant(),
            domain => self.tenants().find(|tenant| tenant.domain == domain),
        }
    }

    /// The first tenant of this data folder.
    #[must_use]
    pub fn bootstrap_tenant(&self) -> Option<&Arc<Tenant>> {
        self.tenants().find(|tenant| tenant.bootstrap)
    }

    /// All users.
    pub fn users(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.values()
    }

    /// A user by object id.
    #[must_use]
    pub fn user(&self, object_id: Uuid) -> Option<&Arc<User>> {
        self.users.get(&object_id)
    }

    /// A user by user principal name, without regard to case.
    #[must_use]
    pub fn user_by_name(&self, username: &str) -> Option<&Arc<User>> {
        self.user(*self.index.user_names.get(&username.to_lowercase())?)
    }

    /// All application registrations.
    pub fn applications(&self) -> impl Iterator<Item = &Arc<Application>> {
        self.applications.values()
    }

    /// An application by the registration's object id.
    #[must_use]
    pub fn application(&self, object_id: Uuid) -> Option<&Arc<Application>> {
        self.applications.get(&object_id)
    }

    /// An application by client id.
    #[must_use]
    pub fn application_by_client_id(&self, client_id: Uuid) -> Option<&Arc<Application>> {
        self.application(*self.index.client_ids.get(&client_id)?)
    }

    /// All service principals.
    pub fn service_principals(&self) -> impl Iterator<Item = &Arc<ServicePrincipal>> {
        self.service_principals.values()
    }

    /// A service principal by object id.
    #[must_use]
    pub fn service_principal(&self, object_id: Uuid) -> Option<&Arc<ServicePrincipal>> {
        self.service_principals.get(&object_id)
    }

    /// The service principal of an application in a tenant.
    #[must_use]
    pub fn service_principal_of(
        &self,
        tenant: Uuid,
        client_id: Uuid,
    ) -> Option<&Arc<ServicePrincipal>> {
        self.service_principal(*self.index.service_principals.get(&(tenant, client_id))?)
    }

    /// A user or service principal by object id.
    #[must_use]
    pub fn principal(&self, object_id: Uuid) -> Option<Principal<'_>> {
        let user = self.user(object_id).map(Principal::User);
        user.or_else(|| self.service_principal(object_id).map(Principal::ServicePrincipal))
    }

    /// All subscriptions.
    pub fn subscriptions(&self) -> impl Iterator<Item = &Arc<Subscription>> {
        self.subscriptions.values()
    }

    /// A subscription by GUID.
    #[must_use]
    pub fn subscription(&self, id: Uuid) -> Option<&Arc<Subscription>> {
        self.subscriptions.get(&id)
    }

    /// The resource groups of a subscription.
    pub fn resource_groups(&self, subscription: Uuid) -> impl Iterator<Item = &Arc<ResourceGroup>> {
        self.resource_groups.values().filter(move |group| group.subscription == subscription)
    }

    /// A resource group by name, without regard to case.
    #[must_use]
    pub fn resource_group(&self, subscription: Uuid, name: &str) -> Option<&Arc<ResourceGroup>> {
        self.resource_groups.get(&(subscription, name.to_lowercase()))
    }

    /// All workspaces.
    pub fn workspaces(&self) -> impl Iterator<Item = &Arc<Workspace>> {
        self.workspaces.values()
    }

    /// A workspace by name, without regard to case.
    #[must_use]
    pub fn workspace(&self, name: &str) -> Option<&Arc<Workspace>> {
        self.workspaces.get(&name.to_lowercase())
    }

    /// All FHIR services.
    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.values()
    }

    /// The FHIR services of a workspace.
    pub fn services_in(&self, workspace: &str) -> impl Iterator<Item = &Arc<Service>> {
        let workspace = workspace.to_lowercase();
        self.services().filter(move |service| service.id.workspace == workspace)
    }

    /// A FHIR service.
    #[must_use]
    pub fn service(&self, id: &ServiceId) -> Option<&Arc<Service>> {
        self.services.get(id)
    }

    /// A FHIR service by its label, such as `main-demo`.
    #[must_use]
    pub fn service_by_label(&self, label: &str) -> Option<&Arc<Service>> {
        self.services().find(|service| service.id.label().eq_ignore_ascii_case(label))
    }

    /// The ARM id of a FHIR service.
    #[must_use]
    pub fn service_scope(&self, id: &ServiceId) -> Option<&Scope> {
        self.index.scopes.get(id)
    }

    /// The tenant that a FHIR service's subscription belongs to.
    #[must_use]
    pub fn service_tenant(&self, id: &ServiceId) -> Option<Uuid> {
        self.index.tenants.get(id).copied()
    }

    /// All role assignments.
    pub fn role_assignments(&self) -> impl Iterator<Item = &Arc<RoleAssignment>> {
        self.role_assignments.values()
    }

    /// A role assignment by its name.
    #[must_use]
    pub fn role_assignment(&self, id: Uuid) -> Option<&Arc<RoleAssignment>> {
        self.role_assignments.get(&id)
    }

    /// The role assignments of a principal.
    #[must_use]
    pub fn assignments_of(&self, principal: Uuid) -> &[Arc<RoleAssignment>] {
        self.index.assignments.get(&principal).map_or(&[], Vec::as_slice)
    }

    /// Whether a principal may change the directory through Graph.
    #[must_use]
    pub fn is_administrator(&self, principal: Uuid) -> bool {
        self.administrators.contains_key(&principal)
    }

    /// Makes the look-ups anew; called before a directory is published.
    fn reindex(&mut self) {
        let mut index = Index::default();
        for assignment in self.role_assignments.values() {
            let of = index.assignments.entry(assignment.principal).or_default();
            of.push(Arc::clone(assignment));
        }
        for service in self.services.values() {
            if let Some(workspace) = self.workspaces.get(&service.id.workspace) {
                let scope = workspace.scope().service(&service.id.name);
                index.scopes.insert(service.id.clone(), scope);
                if let Some(subscription) = self.subscriptions.get(&workspace.subscription) {
                    index.tenants.insert(service.id.clone(), subscription.tenant);
                }
            }
        }
        for user in self.users.values() {
            index.user_names.insert(user.username.clone(), user.object_id);
        }
        for application in self.applications.values() {
            index.client_ids.insert(application.client_id, application.object_id);
        }
        for principal in self.service_principals.values() {
            let key = (principal.tenant, principal.client_id);
            index.service_principals.insert(key, principal.object_id);
        }
        self.index = index;
    }
}

/// Who can hold a role.
#[derive(Clone, Copy)]
pub enum Principal<'a> {
    /// A person.
    User(&'a Arc<User>),
    /// An application in a tenant.
    ServicePrincipal(&'a Arc<ServicePrincipal>),
}

impl Principal<'_> {
    /// What it is.
    #[must_use]
    pub fn kind(&self) -> PrincipalKind {
        match self {
            Self::User(_) => PrincipalKind::User,
            Self::ServicePrincipal(_) => PrincipalKind::ServicePrincipal,
        }
    }

    /// The user principal name, or the application's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::User(user) => &user.username,
            Self::ServicePrincipal(principal) => &principal.display_name,
        }
    }

    /// Whether it may do anything at all.
    #[must_use]
    pub fn enabled(&self) -> bool {
        match self {
            Self::User(user) => user.enabled,
            Self::ServicePrincipal(principal) => principal.enabled,
        }
    }

    /// Its tenant.
    #[must_use]
    pub fn tenant(&self) -> Uuid {
        match self {
            Self::User(user) => user.tenant,
            Self::ServicePrincipal(principal) => principal.tenant,
        }
    }
}
