//! People sign in: user name and password, with nothing in the answer or its timing that tells
//! which of the two was wrong.

use std::sync::Arc;

use base::limits::PASSWORD_BYTES;
use uuid::Uuid;

use crate::authority::Authority;
use crate::directory::{Directory, User};
use crate::parameters::Endpoint;
use crate::refusal::TokenRefusal;

/// Somebody who signed in just now or in this browser's session. Only [`Authority::sign_in`] makes
/// one; it is worth nothing any more once the user is disabled or the password changed.
#[derive(Clone, Debug)]
pub struct SignedIn {
    user: Uuid,
    generation: u64,
    username: String,
    display_name: String,
}

impl SignedIn {
    /// The user's object id.
    #[must_use]
    pub fn user(&self) -> Uuid {
        self.user
    }

    /// The user principal name.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The name shown.
    #[must_use]
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }
}

impl Authority {
    /// Checks a user's password. Takes some 30 ms: call it where it may block, and not too often at
    /// once (`base::limits::PASSWORD_CHECKS`).
    pub fn sign_in(
        &self,
        endpoint: &Endpoint,
        username: &str,
        password: &str,
    ) -> Result<SignedIn, TokenRefusal> {
        self.tenant(&endpoint.tenant)?;
        let now = self.now();
        let name = username.trim().to_lowercase();
        if let Some(wait) = self.backoff().wait(&name, now) {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            return Err(TokenRefusal::Wait { seconds });
        }
        let directory = self.directory();
        let user = directory.user_by_name(&name);
        let hash = user.map_or(self.no_password(), |user| &user.password);
        let right = password.len() <= PASSWORD_BYTES && hash.matches(password);
        let Some(user) = user.filter(|_| right) else {
            self.backoff().failed(&name, now);
            return Err(TokenRefusal::WrongPassword);
        };
        self.backoff().succeeded(&name);
        if !user.enabled {
            return Err(TokenRefusal::UserDisabled { username: user.username.clone() });
        }
        self.admit(endpoint, user)?;
        Ok(SignedIn {
            user: user.object_id,
            generation: user.session_generation,
            username: user.username.clone(),
            display_name: user.display_name.clone(),
        })
    }

    /// The user as the directory has it now, if the sign-in still counts.
    pub(crate) fn current_user(&self, signed_in: &SignedIn) -> Result<Arc<User>, TokenRefusal> {
        self.user_of_generation(signed_in.user, signed_in.generation)
    }

    /// The user, if no session of this generation was ended since.
    pub(crate) fn user_of_generation(
        &self,
        user: Uuid,
        generation: u64,
    ) -> Result<Arc<User>, TokenRefusal> {
        let directory = self.directory();
        let user = directory.user(user).ok_or(TokenRefusal::Revoked)?;
        if !user.enabled {
            return Err(TokenRefusal::UserDisabled { username: user.username.clone() });
        }
        if user.session_generation != generation {
            return Err(TokenRefusal::Revoked);
        }
        Ok(Arc::clone(user))
    }

    /// Whether a user may use this endpoint: its own tenant's, or one that is for everybody.
    pub(crate) fn admit(&self, endpoint: &Endpoint, user: &User) -> Result<(), TokenRefusal> {
        let directory = self.directory();
        if is_for_everybody(&endpoint.tenant) || is_tenant(&directory, endpoint, user.tenant) {
            return Ok(());
        }
        Err(TokenRefusal::OtherTenant {
            username: user.username.clone(),
            tenant: endpoint.tenant.clone(),
        })
    }
}

fn is_for_everybody(segment: &str) -> bool {
    ["organizations", "common"].iter().any(|name| segment.eq_ignore_ascii_case(name))
}

fn is_tenant(directory: &Directory, endpoint: &Endpoint, tenant: Uuid) -> bool {
    directory.tenant(&endpoint.tenant).is_some_and(|found| found.id == tenant)
}
