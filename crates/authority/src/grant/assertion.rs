//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>
//!
//! A client assertion: a JWT that the key of one of the application's certificates signed. Read as
//! leniently as real clients need it, and checked against what is registered, never against itself.

use std::collections::HashMap;

use base::Timestamp;
use base::limits::{
    ASSERTION_BYTES, ASSERTION_LIFETIME, ASSERTION_RESOURCES, ASSERTIONS_REMEMBERED, CLOCK_SKEW,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey};
use parking_lot::Mutex;
use serde::Deserialize;
use uuid::Uuid;

use super::{Request, shortened};
use crate::directory::{Application, Certificate};
use crate::jwt::{BASE64URL, Jwt};
use crate::refusal::TokenRefusal;
use crate::secret::{base64url, sha256};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What is read of an assertion's header. `x5c` is passed over: the registered certificate decides.
#[derive(Deserialize)]
struct AssertionHeader {
    alg: String,
    x5t: Option<String>,
    #[serde(rename = "x5t#S256")]
    x5t_s256: Option<String>,
}

/// What is read of an assertion's claims. MSAL for Python sends its dates as fractions.
#[derive(Deserialize)]
struct AssertionClaims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    jti: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// An assertion that held: whose it is, what tells it from others, and until when.
pub(super) struct Spent {
    application: Uuid,
    identity: [u8; 32],
    until: Timestamp,
}

/// Checks an assertion against the application's certificates; `client_assertion_type` too.
pub(super) fn check_assertion(
    request: &Request<'_>,
    application: &Application,
    assertion: &str,
) -> Result<Spent, TokenRefusal> {
    let refuse = |why: &str| TokenRefusal::Assertion { why: why.to_owned() };
    if request.parameters.get("client_assertion_type") != Some(ASSERTION_TYPE) {
        let expected = ASSERTION_TYPE;
        return Err(TokenRefusal::Malformed { parameter: "client_assertion_type", expected });
    }
    if assertion.len() > ASSERTION_BYTES {
        return Err(refuse("it is too long"));
    }
    let jwt = Jwt::split(assertion).ok_or_else(|| refuse("it is not a JWT of three parts"))?;
    let header: AssertionHeader =
        jwt.header().ok_or_else(|| refuse("its header cannot be read"))?;
    let claims: AssertionClaims =
        jwt.claims().ok_or_else(|| refuse("its claims iss, sub, aud and exp cannot be read"))?;
    let algorithm = match header.alg.as_str() {
        "RS256" => Algorithm::RS256,
        "PS256" => Algorithm::PS256,
        _ => return Err(refuse("it is signed with another algorithm than RS256 or PS256")),
    };
    let certificate = find_certificate(application, &header)?;
    let key = BASE64URL.decode(&certificate.public_key).unwrap_or_default();
    if !jwt.is_signed_by(&DecodingKey::from_rsa_der(&key), algorithm) {
        return Err(refuse("the signature is not of the certificate's key"));
    }
    let client_id = application.client_id.to_string();
    if ![&claims.iss, &claims.sub].iter().all(|claim| claim.eq_ignore_ascii_case(&client_id)) {
        return Err(refuse("iss and sub have to be the client id"));
    }
    let audiences = match &claims.aud {
        Audience::One(audience) => std::slice::from_ref(audience),
        Audience::Many(audiences) => audiences.as_slice(),
    };
    if !audiences.iter().any(|audience| request.is_our_audience(audience)) {
        return Err(refuse("aud has to be the token endpoint's URL"));
    }
    check_times(&claims, certificate, request.now)?;
    Ok(Spent {
        application: application.client_id,
        identity: sha256(claims.jti.as_deref().unwrap_or(assertion).as_bytes()),
        until: moment(claims.exp).plus(CLOCK_SKEW),
    })
}

/// The certificate that the header names, by either thumbprint, in either base64, padded or not.
fn find_certificate<'a>(
    application: &'a Application,
    header: &AssertionHeader,
) -> Result<&'a Certificate, TokenRefusal> {
    let sent = header.x5t_s256.as_deref().or(header.x5t.as_deref());
    let thumbprint = sent.and_then(thumbprint);
    let found = application.certificates.iter().find(|certificate| {
        thumbprint.as_ref().is_some_and(|it| [&certificate.sha1, &certificate.sha256].contains(&it))
    });
    found.ok_or_else(|| {
        let registered: Vec<_> =
            application.certificates.iter().map(|it| it.sha1.as_str()).collect();
        TokenRefusal::UnknownCertificate {
            thumbprint: shortened(sent.unwrap_or("(none was sent)")),
            registered: if registered.is_empty() {
                "none".to_owned()
            } else {
                registered.join(", ")
            },
        }
    })
}

/// A thumbprint in the form it is kept in.
fn thumbprint(sent: &str) -> Option<String> {
    let standard = sent.replace('-', "+").replace('_', "/");
    let padded = format!("{0}{1}", standard.trim_end_matches('='), padding(&standard));
    STANDARD.decode(padded).ok().map(base64url)
}

fn padding(text: &str) -> &'static str {
    match text.trim_end_matches('=').len() % 4 {
        2 => "==",
        3 => "=",
        _ => "",
    }
}

fn check_times(
    claims: &AssertionClaims,
    certificate: &Certificate,
    now: Timestamp,
) -> Result<(), TokenRefusal> {
    let refuse = |why: String| Err(TokenRefusal::AssertionTime { why });
    let skewed = now.plus(CLOCK_SKEW);
    if moment(claims.exp).plus(CLOCK_SKEW) <= now {
        return refuse(format!("it ended at {}, and it is {now}", moment(claims.exp)));
    }
    for start in [claims.nbf, claims.iat].into_iter().flatten() {
        if moment(start) > skewed {
            return refuse(format!("it begins at {}, and it is {now}", moment(start)));
        }
    }
    let begins = claims.iat.or(claims.nbf).map_or(now, moment);
    if moment(claims.exp).since(begins.max(now)) > ASSERTION_LIFETIME {
        return refuse("it would live for more than a day".to_owned());
    }
    if now < certificate.start || certificate.end < now {
        return refuse(format!(
            "the certificate holds from {} to {}",
            certificate.start, certificate.end
        ));
    }
    Ok(())
}

/// A NumericDate, fractions rounded down.
fn moment(date: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to what fits")]
    Timestamp::from_unix_seconds(date.clamp(0.0, 1e11) as i64)
}

impl Request<'_> {
    /// The tenant's token endpoints and issuer, by any name of the tenant that the request may have
    /// used.
    fn is_our_audience(&self, audience: &str) -> bool {
        let Some(path) = audience.strip_prefix(self.names.origin.as_str()) else { return false };
        let path = path.trim_end_matches('/').strip_prefix('/').unwrap_or_default();
        let (tenant, rest) = path.split_once('/').unwrap_or((path, ""));
        let tenant = self.directory.tenant(tenant).map(|tenant| tenant.id);
        let known = ["", "v2.0", "oauth2/token", "oauth2/v2.0/token"];
        tenant == Some(self.tenant.id) && known.contains(&rest)
    }
}

/// Assertions that were used, by application, until their time is over.
///
/// MSAL uses one assertion for several resources while it lives, under any of their names, so what
/// is refused is the second use for a resource as it was written, and more resources than a client
/// has. What one application uses up takes no room from others.
#[derive(Default)]
pub(crate) struct Assertions {
    used: Mutex<HashMap<Uuid, HashMap<[u8; 32], Used>>>,
}

/// One assertion: what it was used for, as hashes.
struct Used {
    resources: Vec<[u8; 32]>,
    until: Timestamp,
}

impl Assertions {
    /// Marks an assertion as used for `resource`.
    pub(super) fn spend(
        &self,
        spent: &Spent,
        resource: &str,
        now: Timestamp,
    ) -> Result<(), TokenRefusal> {
        let refuse = |why: &str| Err(TokenRefusal::Assertion { why: why.to_owned() });
        let resource = sha256(resource.as_bytes());
        let mut used = self.used.lock();
        let used = used.entry(spent.application).or_default();
        if used.len() >= ASSERTIONS_REMEMBERED {
            used.retain(|_, used| used.until > now);
        }
        if used.len() >= ASSERTIONS_REMEMBERED && !used.contains_key(&spent.identity) {
            return Err(TokenRefusal::Busy);
        }
        let known = used.entry(spent.identity);
        let known = known.or_insert(Used { resources: Vec::new(), until: spent.until });
        if known.until <= now {
            *known = Used { resources: Vec::new(), until: spent.until };
        }
        if known.resources.contains(&resource) {
            return refuse(
                "it was used for this resource before: make a new one, with another jti",
            );
        }
        if known.resources.len() >= ASSERTION_RESOURCES {
            return refuse("it was used for too many resources: make a new one, with another jti");
        }
        known.resources.push(resource);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_is_read_in_every_form_clients_send() {
        let check = |sent: &str, expected: Option<&str>| {
            assert_eq!(thumbprint(sent).as_deref(), expected, "{sent}");
        };
        check("-_8", Some("-_8"));
        check("-_8=", Some("-_8"));
        check("+/8", Some("-_8"));
        check("+/8=", Some("-_8"));
        check("AAE=", Some("AAE"));
        check("not base64", None);
    }

    #[test]
    fn dates_may_be_fractions_and_nonsense_does_not_overflow() {
        assert_eq!(moment(1_795_532_334.75), Timestamp::from_unix_seconds(1_795_532_334));
        assert_eq!(moment(f64::NAN), Timestamp::from_unix_seconds(0));
        assert_eq!(moment(-5.0), Timestamp::from_unix_seconds(0));
        assert_eq!(moment(1e300), Timestamp::from_unix_seconds(100_000_000_000));
    }

    #[test]
    fn an_application_remembers_its_assertions_up_to_the_limit_and_others_their_own() {
        let (assertions, now) = (Assertions::default(), Timestamp::from_unix_seconds(0));
        let later = now.plus(CLOCK_SKEW);
        let spend = |application: u128, number: usize, now: Timestamp| {
            let identity = sha256(&number.to_be_bytes());
            let application = Uuid::from_u128(application);
            let spent = Spent { application, identity, until: later };
            assertions.spend(&spent, "https://a", now)
        };
        for number in 0..ASSERTIONS_REMEMBERED {
            assert!(spend(1, number, now).is_ok());
        }
        assert!(matches!(spend(1, ASSERTIONS_REMEMBERED, now), Err(TokenRefusal::Busy)));
        assert!(spend(2, ASSERTIONS_REMEMBERED, now).is_ok());
        assert!(spend(1, ASSERTIONS_REMEMBERED, later).is_ok());
    }

    #[test]
    fn an_assertion_is_for_so_many_resources() {
        let (assertions, now) = (Assertions::default(), Timestamp::from_unix_seconds(0));
        let until = now.plus(CLOCK_SKEW);
        let spent = Spent { application: Uuid::nil(), identity: [0; 32], until };
        let spend = |number: usize| assertions.spend(&spent, &number.to_string(), now).is_ok();
        assert!((0..ASSERTION_RESOURCES).all(spend));
        assert!(!spend(ASSERTION_RESOURCES));
    }
}
