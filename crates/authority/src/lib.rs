//! Who may do what: tenants, users, applications, their tokens, and what a token opens.
//!
//! To add a grant: a variant of `grant::Grant`, one file in `grant/`; what it can refuse gets a row
//! in the table of `refusal.rs`. To add a role: one row of [`roles::ROLES`] and one of the matrix
//! in its tests. To add a record to the directory: a struct and a line in `directory/record.rs`,
//! its table and look-ups in `directory/mod.rs`, its changes in a [`Draft`].
//!
//! Invariants: a change of the directory is on the disk before anybody sees it, and holds for the
//! next request; the signing algorithms are closed lists; secrets and refresh tokens are kept as
//! hashes, compared in constant time, and shown by no debug form; time and randomness are
//! arguments.
//!
//! Never here: HTTP types, FHIR, `async`, the network. The disk only through `store::control`.

mod authority;
pub mod clients;
mod decide;
mod directory;
mod explain;
mod fault;
mod grant;
mod issue;
mod jwt;
mod keys;
mod names;
mod parameters;
mod password;
mod redirect;
mod refusal;
pub mod roles;
mod scope;
mod secret;
mod sign_in;
mod verify;

#[cfg(test)]
mod tests;

pub use authority::{Authority, AuthorityOptions};
pub use decide::{Because, Decision, Why};
pub use directory::{
    Administrator, Application, Certificate, ChangeRefused, Directory, Draft, NewApplication,
    NewSecret, NewUser, Principal, PrincipalKind, ResourceGroup, RoleAssignment, Secret, Service,
    ServicePrincipal, Subscription, Tenant, User, Workspace,
};
pub use explain::{ServiceExplanation, TokenExplanation};
pub use fault::{TokenFault, bearer};
pub use grant::{
    AuthorizationRefusal, DeviceStart, DeviceView, PendingAuthorization, ResponseMode,
    ReturnAddress,
};
pub use issue::TokenAnswer;
pub use keys::PublishedKey;
pub use names::{ExpectedAudience, Names, ServiceId, ServiceNames, same_resource};
pub use parameters::{Endpoint, Parameters, Shape};
pub use password::PasswordHash;
pub use refusal::{RefusalRow, TokenRefusal};
pub use roles::{DataAction, RoleDefinition};
pub use scope::Scope;
pub use secret::SecretHash;
pub use sign_in::SignedIn;
pub use verify::{Identity, LastToken};
