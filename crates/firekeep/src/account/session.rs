//! From an identity to a token: the cache first, then the refresh token or the service principal's
//! credential.

use anyhow::{Result, anyhow};
use base::{Clock, SystemClock};
use jiff::tz::TimeZone;
use reqwest::Client;
use serde_json::{Value, json};

use super::authority::Authority;
use super::cache::{Account, Cache, CachedToken, Credential, Identity};
use crate::client::control::text;
use crate::client::grant::{self, Form, Grant};
use crate::client::http;
use crate::client::tokens::RENEWAL;

/// The public client of the Azure CLI, which every authority of this kind knows.
pub(crate) const CLIENT_ID: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const USER_SCOPES: &str = "offline_access openid profile";

/// A token with what `az account get-access-token` prints of it.
pub(crate) struct Token {
    pub(crate) access_token: String,
    pub(crate) expires_on: i64,
}

/// The scope for the control plane of an authority: what a sign-in asks for.
pub(crate) fn control_scope(authority: &Authority) -> String {
    format!("{}/.default", authority.url)
}

/// With what a user's tokens always come: a refresh token and an id token.
pub(crate) fn user_scope(scope: &str) -> String {
    format!("{scope} {USER_SCOPES}")
}

/// A token of the account for a scope, from the cache until five minutes before it expires.
pub(crate) async fn token(
    cache: &mut Cache,
    account: &Account,
    tenant: &str,
    scope: &str,
) -> Result<Token> {
    let now = SystemClock.now().unix_seconds();
    let renewal = i64::try_from(RENEWAL.as_secs()).unwrap_or(0);
    cache.tokens.retain(|it| it.expires_on - renewal > now);
    let same = |it: &&CachedToken| {
        (&it.authority, it.tenant.as_str(), it.identity.as_str(), it.scope.as_str())
            == (&account.authority, tenant, account.identity.name(), scope)
    };
    if let Some(held) = cache.tokens.iter().find(same) {
        let access_token = held.access_token.clone();
        return Ok(Token { access_token, expires_on: held.expires_on });
    }
    let authority = account.authority();
    let http = http::client(&authority.url, authority.ca.as_deref())?;
    let grant = renew(&http, &authority.url, &account.identity, tenant, scope).await?;
    let expires_on = now + grant.expires_in;
    remember_refresh(cache, account, grant.refresh_token);
    cache.tokens.push(CachedToken {
        authority: account.authority.clone(),
        tenant: tenant.to_owned(),
        identity: account.identity.name().to_owned(),
        scope: scope.to_owned(),
        expires_on,
        access_token: grant.access_token.clone(),
    });
    cache.write()?;
    Ok(Token { access_token: grant.access_token, expires_on })
}

/// A refresh token is replaced in every account of the same user.
fn remember_refresh(cache: &mut Cache, account: &Account, new: Option<String>) {
    let Some(new) = new else { return };
    for other in &mut cache.accounts {
        let same = other.authority == account.authority;
        if let Identity::User { name, refresh_token } = &mut other.identity
            && same
            && name == account.identity.name()
        {
            refresh_token.clone_from(&new);
        }
    }
}

/// Asks the authority, as what the identity is.
pub(crate) async fn renew(
    http: &Client,
    authority: &str,
    identity: &Identity,
    tenant: &str,
    scope: &str,
) -> Result<Grant> {
    let endpoint = grant::endpoint(authority, tenant, "token");
    let (with_user, assertion);
    let form: Form<'_> = match identity {
        Identity::User { refresh_token, .. } => {
            with_user = user_scope(scope);
            vec![
                ("grant_type", "refresh_token"),
                ("client_id", CLIENT_ID),
                ("refresh_token", refresh_token),
                ("scope", &with_user),
            ]
        }
        Identity::ServicePrincipal { client_id, credential } => {
            let mut form = vec![
                ("grant_type", "client_credentials"),
                ("client_id", client_id.as_str()),
                ("scope", scope),
            ];
            match credential {
                Credential::Secret(secret) => form.push(("client_secret", secret)),
                Credential::Certificate(pem) => {
                    assertion = grant::assertion(pem, client_id, &endpoint)?;
                    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                    form.push(("client_assertion_type", kind));
                    form.push(("client_assertion", &assertion));
                }
            }
            form
        }
    };
    Ok(grant::ask(http, &endpoint, &form).await?)
}

/// Who signed in, from the id token that came with the user's first token.
pub(crate) fn user(grant: &Grant) -> Result<(String, String)> {
    let claims = grant.id_token.as_deref().and_then(|jwt| grant::part(jwt, 1));
    let claims = claims.ok_or_else(|| anyhow!("the authority sent no id token"))?;
    let name = ["/preferred_username", "/upn", "/oid"].map(|it| text(&claims, it));
    let name = name.into_iter().find(|it| !it.is_empty()).unwrap_or_default();
    Ok((name.to_owned(), text(&claims, "/tid").to_owned()))
}

/// The accounts of a new identity: one per subscription it can see, or one for the tenant.
pub(crate) async fn accounts(
    http: &Client,
    authority: &Authority,
    tenant: &str,
    identity: &Identity,
    control_token: &str,
) -> Result<Vec<Account>> {
    let url = format!("{}/subscriptions?api-version=2022-12-01", authority.url);
    let sent = http.get(url).bearer_auth(control_token).send().await;
    let listed = http::json(sent.map_err(|error| http::unreachable(&error))?).await?;
    let account = |id: &str, name: &str| Account {
        authority: authority.url.clone(),
        ca: authority.ca.clone(),
        tenant: tenant.to_owned(),
        id: id.to_owned(),
        name: name.to_owned(),
        is_default: false,
        identity: identity.clone(),
    };
    let subscriptions = crate::client::control::items(&listed);
    if subscriptions.is_empty() {
        return Ok(vec![account(tenant, "N/A(tenant level account)")]);
    }
    let one = |it: &Value| account(text(it, "/subscriptionId"), text(it, "/displayName"));
    Ok(subscriptions.iter().map(one).collect())
}

/// As `az account get-access-token` prints it; without a subscription when another tenant was asked
/// for.
pub(crate) fn shown(token: &Token, tenant: &str, subscription: Option<&str>) -> Value {
    let expires_on = local(token.expires_on, &TimeZone::system());
    let mut shown = json!({
        "accessToken": token.access_token, "expiresOn": expires_on,
        "expires_on": token.expires_on, "tenant": tenant, "tokenType": "Bearer",
    });
    if let (Some(id), Some(members)) = (subscription, shown.as_object_mut()) {
        members.insert("subscription".to_owned(), id.into());
    }
    shown
}

/// Local time as Python writes it: `2026-11-24 16:10:00.000000`.
fn local(unix_seconds: i64, zone: &TimeZone) -> String {
    let moment = jiff::Timestamp::from_second(unix_seconds).unwrap_or(jiff::Timestamp::MAX);
    moment.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S.%6f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expires_on_is_local_time_with_microseconds() {
        let hour_east = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(local(1_795_532_334, &hour_east), "2026-11-24 15:58:54.000000");
    }

    #[test]
    fn a_token_of_another_tenant_is_shown_without_subscription() {
        let token = Token { access_token: "a".to_owned(), expires_on: 1 };
        assert!(shown(&token, "t", None).get("subscription").is_none());
        assert_eq!(text(&shown(&token, "t", Some("s")), "/subscription"), "s");
    }

    #[test]
    fn a_user_is_named_by_the_id_token() {
        let claims = grant::encode(r#"{"preferred_username":"ada@x","tid":"t","oid":"o"}"#);
        let grant = Grant {
            access_token: String::new(),
            expires_in: 1,
            refresh_token: None,
            id_token: Some(format!("h.{claims}.s")),
        };
        assert_eq!(user(&grant).ok(), Some(("ada@x".to_owned(), "t".to_owned())));
    }
}
