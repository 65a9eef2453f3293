//! <https://learn.microsoft.com/graph/api/resources/application#properties>
//!
//! What creating and changing an application take.

use std::collections::BTreeSet;

use authority::{Application, ChangeRefused, Draft};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use uuid::Uuid;

use super::refusal::Refusal;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Body {
    pub(super) display_name: Option<String>,
    identifier_uris: Option<Vec<String>>,
    is_fallback_public_client: Option<bool>,
    key_credentials: Option<Vec<KeyCredential>>,
    public_client: Option<Platform>,
    sign_in_audience: Option<String>,
    web: Option<Platform>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Platform {
    #[serde(default)]
    redirect_uris: Vec<String>,
}

/// A certificate: a new one has a `key`, one that stays is named by its `keyId`. From when to when
/// it holds is read from the certificate itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct KeyCredential {
    key_id: Option<Uuid>,
    key: Option<String>,
    display_name: Option<String>,
    r#type: Option<String>,
    usage: Option<String>,
    #[serde(rename = "customKeyIdentifier")]
    _custom_key_identifier: Option<IgnoredAny>,
    #[serde(rename = "startDateTime")]
    _start: Option<IgnoredAny>,
    #[serde(rename = "endDateTime")]
    _end: Option<IgnoredAny>,
}

impl Body {
    /// Refuses what is not supported.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if let Some(audience) = self.sign_in_audience.as_deref()
            && audience != "AzureADMyOrg"
        {
            return Err(Refusal::Invalid(format!(
                "The signInAudience '{audience}' is not supported; 'AzureADMyOrg' is."
            )));
        }
        if self.display_name.as_deref().is_some_and(|name| name.trim().is_empty()) {
            return Err(Refusal::Invalid("The displayName cannot be empty.".into()));
        }
        for credential in self.key_credentials.iter().flatten() {
            let kind = credential.r#type.as_deref().unwrap_or("AsymmetricX509Cert");
            let usage = credential.usage.as_deref().unwrap_or("Verify");
            if kind != "AsymmetricX509Cert" || usage != "Verify" {
                return Err(Refusal::Invalid(
                    "A keyCredential must have the type AsymmetricX509Cert and the usage Verify."
                        .into(),
                ));
            }
        }
        Ok(())
    }

    /// Makes the application as the body says; what the body leaves out stays.
    pub(super) fn apply(self, draft: &mut Draft<'_>, id: Uuid) -> Result<(), ChangeRefused> {
        let credentials = self.key_credentials;
        let (web, public) = (self.web, self.public_client);
        let is_public = self.is_fallback_public_client;
        let (display_name, identifier_uris) = (self.display_name, self.identifier_uris);
        draft.edit_application(id, |application| {
            if let Some(name) = display_name {
                application.display_name = name;
            }
            if let Some(uris) = identifier_uris {
                application.identifier_uris = uris;
            }
            if web.is_some() || public.is_some() {
                let has_public = public.as_ref().is_some_and(|it| !it.redirect_uris.is_empty());
                let platforms = [web, public].into_iter().flatten();
                application.redirect_uris = platforms.flat_map(|it| it.redirect_uris).collect();
                application.public_client |= has_public;
            }
            if let Some(is_public) = is_public {
                application.public_client = is_public;
            }
        })?;
        credentials.map_or(Ok(()), |credentials| replace(draft, id, credentials))
    }
}

/// Makes `credentials` the application's certificates.
fn replace(
    draft: &mut Draft<'_>,
    id: Uuid,
    credentials: Vec<KeyCredential>,
) -> Result<(), ChangeRefused> {
    let missing = || ChangeRefused::NotFound(format!("application {id}"));
    let known = Application::clone(draft.application(id).ok_or_else(missing)?);
    let known: BTreeSet<Uuid> = known.certificates.iter().map(|it| it.key_id).collect();
    let mut kept = BTreeSet::new();
    for credential in credentials {
        match (credential.key, credential.key_id) {
            (Some(key), _) => {
                let key = STANDARD.decode(key.trim()).map_err(|_| {
                    ChangeRefused::Invalid("The 'key' of a keyCredential must be base64.".into())
                })?;
                kept.insert(draft.add_certificate(id, &key, credential.display_name.as_deref())?);
            }
            (None, Some(key_id)) if known.contains(&key_id) => {
                kept.insert(key_id);
            }
            (None, key_id) => {
                let named = key_id.map_or_else(|| "without keyId".to_owned(), |it| it.to_string());
                return Err(ChangeRefused::Invalid(format!(
                    "The keyCredential {named} has no 'key' and is none of the application's."
                )));
            }
        }
    }
    let gone = known.difference(&kept).copied().collect::<Vec<_>>();
    let still: BTreeSet<Uuid> = draft
        .application(id)
        .map(|it| it.certificates.iter().map(|it| it.key_id).collect())
        .unwrap_or_default();
    gone.into_iter()
        .filter(|key_id| still.contains(key_id))
        .try_for_each(|key_id| draft.remove_credential(id, key_id))
}
