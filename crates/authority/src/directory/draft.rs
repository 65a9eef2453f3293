//! A change of the directory under way: tenants, users, applications, service principals.
//!
//! Nothing is visible to others until the change is written; a refused change leaves no trace.

use std::fmt;
use std::ops::Deref;

use base::limits::PASSWORD_BYTES;
use base::{Fault, Random, Timestamp, ids};
use serde_json::to_vec;
use std::sync::Arc;
use uuid::Uuid;

use super::record::StoredKey;
use super::{Administrator, Application, Directory, Listed, ServicePrincipal, Tenant, User};
use crate::clients;
use crate::password::PasswordHash;
use crate::redirect;
use crate::secret::Pepper;
use store::control::Change;

/// The directory with the changes made so far; reads like a [`Directory`].
pub struct Draft<'a> {
    directory: Directory,
    changes: Vec<Change>,
    now: Timestamp,
    random: &'a dyn Random,
    pub(super) pepper: &'a Pepper,
}

/// Why a change was not made. Prints as a sentence.
#[derive(Debug)]
pub enum ChangeRefused {
    /// What should be changed is not there.
    NotFound(String),
    /// Something else has the place already.
    Conflict {
        /// As ARM names it, such as `RoleAssignmentExists`.
        code: &'static str,
        /// The sentence.
        message: String,
    },
    /// What was given cannot be stored.
    Invalid(String),
    /// Nobody's fault.
    Fault(Fault),
}

impl From<Fault> for ChangeRefused {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl fmt::Display for ChangeRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(message) | Self::Invalid(message) | Self::Conflict { message, .. } => {
                f.write_str(message)
            }
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for ChangeRefused {}

/// What a new user is made from.
pub struct NewUser<'a> {
    /// The home tenant.
    pub tenant: Uuid,
    /// The user principal name; ends in the tenant's domain.
    pub username: &'a str,
    /// The name shown.
    pub display_name: &'a str,
    /// The first password, at least eight characters.
    pub password: &'a str,
}

/// What a new application registration is made from.
#[derive(Clone, Debug)]
pub struct NewApplication {
    /// The tenant.
    pub tenant: Uuid,
    /// The name shown.
    pub display_name: String,
    /// Where authorization codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Such as `api://…`.
    pub identifier_uris: Vec<String>,
    /// Whether it signs users in without a secret.
    pub public_client: bool,
}

impl Deref for Draft<'_> {
    type Target = Directory;

    fn deref(&self) -> &Directory {
        &self.directory
    }
}

impl<'a> Draft<'a> {
    pub(crate) fn new(
        directory: Directory,
        now: Timestamp,
        random: &'a dyn Random,
        pepper: &'a Pepper,
    ) -> Self {
        Self { directory, changes: Vec::new(), now, random, pepper }
    }

    /// The directory as it will be, and what has to be written for that.
    pub(crate) fn finish(self) -> (Directory, Vec<Change>) {
        (self.directory, self.changes)
    }

    /// Keeps what the server needs of its own in the same write as the directory.
    pub fn keep(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// The moment of this change.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A fresh id.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        ids::guid(self.random)
    }

    pub(super) fn random(&self) -> &'a dyn Random {
        self.random
    }

    pub(super) fn put<R: Listed>(&mut self, record: R) -> Result<(), ChangeRefused> {
        let key = record.key();
        let value = to_vec(&record)
            .map_err(|error| Fault::new(format!("writing into '{}'", R::COLLECTION), error))?;
        self.changes.push(Change::Put {
            collection: R::COLLECTION.to_owned(),
            key: key.stored(),
            value,
        });
        R::table(&mut self.directory).insert(key, Arc::new(record));
        self.directory.reindex();
        Ok(())
    }

    pub(super) fn remove<R: Listed>(&mut self, key: &R::Key) -> Option<Arc<R>> {
        let removed = R::table(&mut self.directory).remove(key)?;
        self.changes
            .push(Change::Delete { collection: R::COLLECTION.to_owned(), key: key.stored() });
        self.directory.reindex();
        Some(removed)
    }

    /// Changes the record under `key` by `edit`.
    pub(super) fn edit<R: Listed + Clone>(
        &mut self,
        key: &R::Key,
        missing: impl FnOnce() -> ChangeRefused,
        edit: impl FnOnce(&mut R),
    ) -> Result<(), ChangeRefused> {
        let found = R::table(&mut self.directory).get(key).ok_or_else(missing)?;
        let mut record = R::clone(found);
        edit(&mut record);
        self.put(record)
    }

    /// Makes a tenant; the first one is the bootstrap tenant.
    pub fn add_tenant(&mut self, domain: &str, name: &str) -> Result<Uuid, ChangeRefused> {
        let domain = domain.to_lowercase();
        let reserved = ["organizations", "common", "adfs", "consumers"];
        if domain.is_empty() || domain.contains(['/', '@', ' ']) || reserved.contains(&&*domain) {
            return Err(ChangeRefused::Invalid(format!("'{domain}' cannot be a tenant's domain")));
        }
        if self.tenants().any(|tenant| tenant.domain == domain) {
            return Err(conflict("TenantExists", format!("a tenant has the domain {domain}")));
        }
        let tenant = Tenant {
            id: self.new_id(),
            domain,
            display_name: name.to_owned(),
            bootstrap: self.bootstrap_tenant().is_none(),
            created: self.now,
        };
        let id = tenant.id;
        self.put(tenant)?;
        Ok(id)
    }

    /// Makes a user.
    pub fn add_user(&mut self, new: &NewUser<'_>) -> Result<Uuid, ChangeRefused> {
        let username = new.username.to_lowercase();
        let tenant = self.known_tenant(new.tenant)?;
        if !username.strip_suffix(&tenant.domain).is_some_and(is_local_part) {
            return Err(ChangeRefused::Invalid(format!(
                "'{username}' does not have the form NAME@{}",
                tenant.domain
            )));
        }
        if self.user_by_name(&username).is_some() {
            return Err(conflict("UserExists", format!("there is a user {username} already")));
        }
        let user = User {
            object_id: self.new_id(),
            tenant: new.tenant,
            username,
            display_name: new.display_name.to_owned(),
            password: self.hashed(new.password)?,
            enabled: true,
            session_generation: 0,
            created: self.now,
        };
        let object_id = user.object_id;
        self.put(user)?;
        Ok(object_id)
    }

    /// Gives a user another password and ends the sessions made with the old one.
    pub fn set_password(&mut self, user: Uuid, password: &str) -> Result<(), ChangeRefused> {
        let hash = self.hashed(password)?;
        self.edit_user(user, |user| {
            user.password = hash;
            user.session_generation += 1;
        })
    }

    /// Lets a user in, or keeps it out; that ends its sessions too.
    pub fn set_user_enabled(&mut self, user: Uuid, enabled: bool) -> Result<(), ChangeRefused> {
        self.edit_user(user, |user| {
            user.enabled = enabled;
            user.session_generation += u64::from(!enabled);
        })
    }

    /// Ends a user's sessions: its refresh tokens are refused from now on.
    pub fn revoke_sessions(&mut self, user: Uuid) -> Result<(), ChangeRefused> {
        self.edit_user(user, |user| user.session_generation += 1)
    }

    /// Takes a user away. Its role assignments stay, as in Azure, and give nobody anything.
    pub fn remove_user(&mut self, user: Uuid) -> Result<(), ChangeRefused> {
        self.remove::<User>(&user).map(drop).ok_or_else(|| missing("user", user))
    }

    fn edit_user(&mut self, user: Uuid, edit: impl FnOnce(&mut User)) -> Result<(), ChangeRefused> {
        self.edit(&user, || missing("user", user), edit)
    }

    fn hashed(&self, password: &str) -> Result<PasswordHash, ChangeRefused> {
        if password.chars().count() < 8 || password.len() > PASSWORD_BYTES {
            return Err(ChangeRefused::Invalid(format!(
                "a password has at least 8 characters and at most {PASSWORD_BYTES} bytes"
            )));
        }
        Ok(PasswordHash::of(password, self.random)?)
    }

    /// Registers an application. It gets tokens once it has a service principal too.
    pub fn add_application(&mut self, new: NewApplication) -> Result<Application, ChangeRefused> {
        self.known_tenant(new.tenant)?;
        check_redirects(&new.redirect_uris)?;
        let application = Application {
            object_id: self.new_id(),
            client_id: self.new_id(),
            tenant: new.tenant,
            display_name: new.display_name,
            identifier_uris: new.identifier_uris,
            redirect_uris: new.redirect_uris,
            public_client: new.public_client,
            secrets: Vec::new(),
            certificates: Vec::new(),
            created: self.now,
        };
        self.put(application.clone())?;
        Ok(application)
    }

    /// Changes an application's names and addresses; its ids stay.
    pub fn edit_application(
        &mut self,
        object_id: Uuid,
        edit: impl FnOnce(&mut Application),
    ) -> Result<(), ChangeRefused> {
        let found = self.application(object_id).ok_or_else(|| missing("application", object_id))?;
        let mut application = Application::clone(found);
        let client_id = application.client_id;
        edit(&mut application);
        check_redirects(&application.redirect_uris)?;
        self.put(Application { object_id, client_id, ..application })
    }

    /// Takes an application away, and its service principals with it.
    pub fn remove_application(&mut self, object_id: Uuid) -> Result<(), ChangeRefused> {
        let removed = self
            .remove::<Application>(&object_id)
            .ok_or_else(|| missing("application", object_id))?;
        let principals: Vec<Uuid> = self
            .service_principals()
            .filter(|principal| principal.client_id == removed.client_id)
            .map(|principal| principal.object_id)
            .collect();
        for principal in principals {
            self.remove::<ServicePrincipal>(&principal);
        }
        Ok(())
    }

    /// Gives an application an identity in a tenant.
    pub fn add_service_principal(
        &mut self,
        tenant: Uuid,
        client_id: Uuid,
    ) -> Result<Uuid, ChangeRefused> {
        self.known_tenant(tenant)?;
        let display_name = match self.application_by_client_id(client_id) {
            Some(application) => application.display_name.clone(),
            None => clients::well_known(client_id)
                .ok_or_else(|| missing("application with the client id", client_id))?
                .to_owned(),
        };
        if self.service_principal_of(tenant, client_id).is_some() {
            let message = format!("the application {client_id} has a service principal already");
            return Err(conflict("ServicePrincipalExists", message));
        }
        let object_id = self.new_id();
        self.put(ServicePrincipal {
            object_id,
            tenant,
            client_id,
            display_name,
            enabled: true,
            created: self.now,
        })?;
        Ok(object_id)
    }

    /// Lets a service principal in, or keeps it out.
    pub fn set_service_principal_enabled(
        &mut self,
        object_id: Uuid,
        enabled: bool,
    ) -> Result<(), ChangeRefused> {
        self.edit(
            &object_id,
            || missing("service principal", object_id),
            |principal: &mut ServicePrincipal| principal.enabled = enabled,
        )
    }

    /// Takes a service principal away.
    pub fn remove_service_principal(&mut self, object_id: Uuid) -> Result<(), ChangeRefused> {
        self.remove::<ServicePrincipal>(&object_id)
            .map(drop)
            .ok_or_else(|| missing("service principal", object_id))
    }

    /// Says whether a principal may change the directory through Graph.
    pub fn set_administrator(
        &mut self,
        principal: Uuid,
        administrator: bool,
    ) -> Result<(), ChangeRefused> {
        if self.principal(principal).is_none() {
            return Err(missing("user or service principal", principal));
        }
        if administrator {
            return self.put(Administrator { principal });
        }
        self.remove::<Administrator>(&principal);
        Ok(())
    }

    pub(super) fn known_tenant(&self, tenant: Uuid) -> Result<&Arc<Tenant>, ChangeRefused> {
        self.directory.tenants.get(&tenant).ok_or_else(|| missing("tenant", tenant))
    }
}

fn check_redirects(uris: &[String]) -> Result<(), ChangeRefused> {
    match uris.iter().find(|uri| !redirect::may_be_registered(uri)) {
        None => Ok(()),
        Some(uri) => Err(ChangeRefused::Invalid(format!(
            "'{uri}' cannot be a redirect URI: https, http on a loopback address or a scheme of \
             the application's own, without a fragment"
        ))),
    }
}

/// Whether `text` is `NAME@`.
fn is_local_part(text: &str) -> bool {
    text.strip_suffix('@').is_some_and(|name| !name.is_empty() && !name.contains(['@', ' ', '/']))
}

/// The refusal for a thing that is not there.
pub(super) fn missing(what: &str, which: impl fmt::Display) -> ChangeRefused {
    ChangeRefused::NotFound(format!("there is no {what} {which}"))
}

/// The refusal for a place that is taken.
pub(super) fn conflict(code: &'static str, message: String) -> ChangeRefused {
    ChangeRefused::Conflict { code, message }
}
