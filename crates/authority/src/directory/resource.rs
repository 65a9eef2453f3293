//! A change of ARM's tree: subscriptions, groups, workspaces, services, and who may do what there.

use std::sync::Arc;

use uuid::Uuid;

use super::draft::{conflict, missing};
use super::{
    ChangeRefused, Draft, ResourceGroup, RoleAssignment, Service, Subscription, Workspace,
};
use crate::names::ServiceId;
use crate::roles;
use crate::scope::Scope;

impl Draft<'_> {
    /// Makes a subscription of a tenant.
    pub fn add_subscription(&mut self, tenant: Uuid, name: &str) -> Result<Uuid, ChangeRefused> {
        self.known_tenant(tenant)?;
        let id = self.new_id();
        self.put(Subscription { id, tenant, display_name: name.to_owned() })?;
        Ok(id)
    }

    /// Makes a resource group, or changes its tags.
    pub fn put_resource_group(&mut self, group: ResourceGroup) -> Result<(), ChangeRefused> {
        if self.subscription(group.subscription).is_none() {
            return Err(missing("subscription", group.subscription));
        }
        if group.name.is_empty() || group.name.contains('/') {
            return Err(ChangeRefused::Invalid("this cannot be a resource group's name".into()));
        }
        self.put(group)
    }

    /// Takes an empty resource group away, and the role assignments at it.
    pub fn remove_resource_group(
        &mut self,
        subscription: Uuid,
        name: &str,
    ) -> Result<(), ChangeRefused> {
        let used = self.workspaces().find(|workspace| {
            workspace.subscription == subscription
                && workspace.resource_group.eq_ignore_ascii_case(name)
        });
        if let Some(workspace) = used {
            let message =
                format!("the group {name} holds the workspace {}: delete it first", workspace.name);
            return Err(conflict("ResourceGroupNotEmpty", message));
        }
        self.remove::<ResourceGroup>(&(subscription, name.to_lowercase()))
            .ok_or_else(|| missing("resource group", name))?;
        self.remove_assignments_at(&Scope::resource_group(subscription, name));
        Ok(())
    }

    /// Makes a workspace, or changes it. Workspace names are unique in the data folder.
    pub fn put_workspace(&mut self, workspace: Workspace) -> Result<(), ChangeRefused> {
        check_name(&workspace.name)?;
        if self.resource_group(workspace.subscription, &workspace.resource_group).is_none() {
            return Err(missing("resource group", &workspace.resource_group));
        }
        if let Some(known) = self.workspace(&workspace.name)
            && known.scope() != workspace.scope()
        {
            let message = format!("the name {} is taken by {}", workspace.name, known.scope());
            return Err(conflict("NameUnavailable", message));
        }
        self.put(workspace)
    }

    /// Takes an empty workspace away, and the role assignments at it.
    pub fn remove_workspace(&mut self, name: &str) -> Result<(), ChangeRefused> {
        if let Some(service) = self.services_in(name).next() {
            let message = format!(
                "the workspace {name} holds the service {}: delete it first",
                service.id.name
            );
            return Err(conflict("WorkspaceNotEmpty", message));
        }
        let removed = self
            .remove::<Workspace>(&name.to_lowercase())
            .ok_or_else(|| missing("workspace", name))?;
        self.remove_assignments_at(&removed.scope());
        Ok(())
    }

    /// Makes a FHIR service, or changes it. `a-b`/`c` and `a`/`b-c` would have the same host name:
    /// they cannot both exist.
    pub fn put_service(&mut self, service: Service) -> Result<(), ChangeRefused> {
        check_name(&service.id.name)?;
        if self.workspace(&service.id.workspace).is_none() {
            return Err(missing("workspace", &service.id.workspace));
        }
        if let Some(known) = self.service_by_label(&service.id.label())
            && known.id != service.id
        {
            let message = format!(
                "{} would have the host name of {}: choose another name",
                service.id, known.id
            );
            return Err(conflict("NameUnavailable", message));
        }
        self.put(service)
    }

    /// Takes a FHIR service away, and the role assignments at it.
    pub fn remove_service(&mut self, id: &ServiceId) -> Result<(), ChangeRefused> {
        let scope = self.service_scope(id).cloned();
        self.remove::<Service>(id).ok_or_else(|| missing("service", id))?;
        if let Some(scope) = scope {
            self.remove_assignments_at(&scope);
        }
        Ok(())
    }

    /// Who makes a place of the same name later has not given these roles.
    fn remove_assignments_at(&mut self, place: &Scope) {
        let at_it: Vec<Uuid> = self
            .role_assignments()
            .filter(|assignment| assignment.scope == *place)
            .map(|assignment| assignment.id)
            .collect();
        for assignment in at_it {
            self.remove::<RoleAssignment>(&assignment);
        }
    }

    /// Puts an object id on a service's list; false when it was on it.
    pub fn allow(&mut self, service: &ServiceId, object: Uuid) -> Result<bool, ChangeRefused> {
        let mut added = false;
        self.edit_service(service, |service| added = service.allowed_object_ids.insert(object))?;
        Ok(added)
    }

    /// Takes an object id from a service's list; false when it was not on it.
    pub fn disallow(&mut self, service: &ServiceId, object: Uuid) -> Result<bool, ChangeRefused> {
        let mut removed = false;
        self.edit_service(service, |service| removed = service.allowed_object_ids.remove(&object))?;
        Ok(removed)
    }

    fn edit_service(
        &mut self,
        id: &ServiceId,
        edit: impl FnOnce(&mut Service),
    ) -> Result<(), ChangeRefused> {
        self.edit(id, || missing("service", id), edit)
    }

    /// Gives a role. The same role, principal and scope a second time is a conflict, as in ARM.
    pub fn put_role_assignment(&mut self, new: RoleAssignment) -> Result<(), ChangeRefused> {
        if roles::by_id(new.role).is_none() {
            return Err(missing("role definition", new.role));
        }
        match self.principal(new.principal) {
            None => return Err(self.no_principal(new.principal)),
            Some(known) if known.kind() != new.principal_kind => {
                let message = format!(
                    "{} is a {}, not a {}",
                    new.principal,
                    known.kind(),
                    new.principal_kind
                );
                return Err(ChangeRefused::Invalid(message));
            }
            Some(_) => {}
        }
        let same = self
            .assignments_of(new.principal)
            .iter()
            .find(|known| known.role == new.role && known.scope == new.scope);
        if let Some(same) = same {
            let message = format!("The role assignment already exists: {}.", same.id);
            return Err(conflict("RoleAssignmentExists", message));
        }
        if self.role_assignment(new.id).is_some() {
            let message = format!("The role assignment {} says something else.", new.id);
            return Err(conflict("RoleAssignmentUpdateNotPermitted", message));
        }
        self.put(new)
    }

    /// Says which id was meant when an application's other ids are taken for a principal's.
    fn no_principal(&self, id: Uuid) -> ChangeRefused {
        let application = self
            .application_by_client_id(id)
            .or_else(|| self.application(id))
            .and_then(|it| self.service_principal_of(it.tenant, it.client_id));
        match application {
            None => missing("user or service principal", id),
            Some(meant) => ChangeRefused::NotFound(format!(
                "{id} is not the object ID of the service principal of {}: that is {}",
                meant.display_name, meant.object_id
            )),
        }
    }

    /// Takes a role away, and says what it was.
    pub fn remove_role_assignment(
        &mut self,
        id: Uuid,
    ) -> Result<Arc<RoleAssignment>, ChangeRefused> {
        self.remove(&id).ok_or_else(|| missing("role assignment", id))
    }
}

/// ARM's rule for names of workspaces and services: 3 to 23 letters, digits and inner dashes.
fn check_name(name: &str) -> Result<(), ChangeRefused> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = (3..=23).contains(&name.len())
        && name.chars().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-');
    if fits {
        return Ok(());
    }
    Err(ChangeRefused::Invalid(format!(
        "'{name}' is no name for a workspace or service: \
         3 to 23 lower-case letters, digits and dashes, no dash at either end"
    )))
}
