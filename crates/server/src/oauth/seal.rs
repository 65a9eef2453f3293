//! <https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html>
//!
//! A form carries what it is about in one hidden field, authenticated with a key that only this
//! browser's cookie holds: a page of another site has neither the cookie nor the key.

use std::time::Duration;

use aws_lc_rs::{constant_time, hmac};
use base::{Random, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use http::header::COOKIE;

use crate::exchange::Request;

/// The `__Host-` prefix keeps other hosts and plain http from setting it.
const COOKIE_NAME: &str = "__Host-firekeep-sign-in";

/// How long a page may stand open before it is sent.
const LIFETIME: Duration = Duration::from_mins(30);

/// A browser, known by a random cookie for as long as it runs.
pub(crate) struct Browser {
    key: String,
}

impl Browser {
    /// The one that sent `request`, when it has our cookie.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        let cookies =
            request.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies.flat_map(|line| line.split(';')).find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            let sound = name == COOKIE_NAME && value.len() == 43;
            sound.then(|| Self { key: value.to_owned() })
        })
    }

    pub(crate) fn new(random: &dyn Random) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self { key: URL_SAFE_NO_PAD.encode(bytes) }
    }

    /// The `Set-Cookie` line. `Lax` lets another tab's sign-in find the same cookie when a client
    /// sends the browser here, and still keeps it from forms of other sites.
    pub(crate) fn cookie(&self) -> Option<HeaderValue> {
        let line = format!("{COOKIE_NAME}={}; Path=/; Secure; HttpOnly; SameSite=Lax", self.key);
        HeaderValue::from_str(&line).ok()
    }

    /// The hidden field for a form about `subject` on the page `purpose`.
    pub(crate) fn seal(&self, purpose: &str, subject: &str, now: Timestamp) -> String {
        let until = now.plus(LIFETIME).unix_seconds();
        let tag = URL_SAFE_NO_PAD.encode(self.tag(purpose, subject, until));
        format!("{until}.{tag}.{}", URL_SAFE_NO_PAD.encode(subject))
    }

    /// The subject, when the field was made by [`Browser::seal`] for this browser and page.
    pub(crate) fn open(&self, purpose: &str, field: &str, now: Timestamp) -> Option<String> {
        let mut parts = field.splitn(3, '.');
        let (until, tag, subject) = (parts.next()?, parts.next()?, parts.next()?);
        let until: i64 = until.parse().ok()?;
        let subject = String::from_utf8(URL_SAFE_NO_PAD.decode(subject).ok()?).ok()?;
        let expected = self.tag(purpose, &subject, until);
        let given = URL_SAFE_NO_PAD.decode(tag).ok()?;
        let genuine = constant_time::verify_slices_are_equal(&expected, &given).is_ok();
        (genuine && now.unix_seconds() <= until).then_some(subject)
    }

    fn tag(&self, purpose: &str, subject: &str, until: i64) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.key.as_bytes());
        let message = format!("{purpose}\n{until}\n{subject}");
        hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
    }
}

/// Whether a form may come from where it says it comes from: our own page, or a client that sends
/// no `Origin`.
pub(crate) fn same_origin(request: &Request, own: &str) -> bool {
    let mut origins = request.headers.get_all(http::header::ORIGIN).iter();
    origins.all(|origin| origin == request.origin.as_str() || origin == own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::SystemRandom;

    #[test]
    fn a_field_opens_only_where_and_while_it_was_meant_to() {
        let now = Timestamp::from_unix_seconds(1_795_532_334);
        let (one, other) = (Browser::new(&SystemRandom), Browser::new(&SystemRandom));
        let field = one.seal("device", "B7KD-4QXM", now);
        let late = now.plus(LIFETIME + Duration::from_secs(1));
        let longer = field.replacen(|_: char| true, "9", 1);

        assert_eq!(one.open("device", &field, now).as_deref(), Some("B7KD-4QXM"));
        assert_eq!(one.open("authorize", &field, now), None, "another page");
        assert_eq!(other.open("device", &field, now), None, "another browser");
        assert_eq!(one.open("device", &field, late), None, "too late");
        assert_eq!(one.open("device", &longer, now), None, "a longer life");
        assert_eq!(one.open("device", "", now), None, "no field");
        assert_eq!(one.open("device", "1.2", now), None, "no parts");
    }
}
