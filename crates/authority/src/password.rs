//! User passwords: argon2id, and longer and longer waits after wrong ones.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc};
use argon2::{Algorithm, Argon2, Params, Version};
use base::limits::{NAMES_REMEMBERED, PASSWORD_TRIES, PASSWORD_WAIT_MOST};
use base::{Fault, Random, Timestamp};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::secret::sha256;

/// 19 MiB, two passes, one lane: OWASP's first recommendation for argon2id.
static ARGON2: LazyLock<Argon2<'static>> = LazyLock::new(|| {
    let params = Params::new(19 * 1024, 2, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
});

/// An argon2id hash in PHC form, with its salt and parameters.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Hashes `password` with a fresh salt.
    pub(crate) fn of(password: &str, random: &dyn Random) -> Result<Self, Fault> {
        let mut salt = [0; 16];
        random.fill(&mut salt);
        let hash: phc::PasswordHash = ARGON2
            .hash_password_with_salt(password.as_bytes(), &salt)
            .map_err(|error| Fault::new("hashing a password", error.to_string()))?;
        Ok(Self(hash.to_string()))
    }

    /// Whether `password` is the one. Takes some 30 ms and 19 MiB by design.
    pub(crate) fn matches(&self, password: &str) -> bool {
        ARGON2.verify_password(password.as_bytes(), self.0.as_str()).is_ok()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(hidden)")
    }
}

/// Counts wrong passwords per user name (known or not: the answer must not tell) and makes the
/// guesser wait, twice as long each time. Names are kept as hashes: they may be of any length.
#[derive(Default)]
pub(crate) struct Backoff {
    wrong: Mutex<HashMap<[u8; 32], Wrong>>,
}

#[derive(Clone, Copy)]
struct Wrong {
    tries: u32,
    until: Timestamp,
}

impl Backoff {
    /// How long `name` has to wait before the next try.
    pub(crate) fn wait(&self, name: &str, now: Timestamp) -> Option<Duration> {
        let name = sha256(name.as_bytes());
        let mut wrong = self.wrong.lock();
        if wrong.len() >= NAMES_REMEMBERED && !wrong.contains_key(&name) {
            wrong.retain(|_, known| known.until > now);
        }
        match wrong.get(&name) {
            Some(known) => Some(known.until.since(now)).filter(|wait| !wait.is_zero()),
            None if wrong.len() >= NAMES_REMEMBERED => Some(PASSWORD_WAIT_MOST),
            None => None,
        }
    }

    /// `name` gave a wrong password.
    pub(crate) fn failed(&self, name: &str, now: Timestamp) {
        let mut wrong = self.wrong.lock();
        let known = wrong.entry(sha256(name.as_bytes())).or_insert(Wrong { tries: 0, until: now });
        known.tries = known.tries.saturating_add(1);
        known.until = now.plus(wait_after(known.tries));
    }

    /// `name` gave the right password.
    pub(crate) fn succeeded(&self, name: &str) {
        self.wrong.lock().remove(&sha256(name.as_bytes()));
    }
}

/// No wait for the first tries, then one second, doubled each time, up to the longest.
fn wait_after(tries: u32) -> Duration {
    match tries.checked_sub(PASSWORD_TRIES) {
        None => Duration::ZERO,
        Some(over) => {
            let seconds = 1_u64.checked_shl(over).unwrap_or(u64::MAX);
            Duration::from_secs(seconds).min(PASSWORD_WAIT_MOST)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_from_the_limit_on_and_has_an_end() {
        let check = |tries, seconds| {
            assert_eq!(wait_after(tries), Duration::from_secs(seconds), "after {tries}");
        };
        check(0, 0);
        check(PASSWORD_TRIES - 1, 0);
        check(PASSWORD_TRIES, 1);
        check(PASSWORD_TRIES + 1, 2);
        check(PASSWORD_TRIES + 9, 512);
        check(PASSWORD_TRIES + 10, PASSWORD_WAIT_MOST.as_secs());
        check(u32::MAX, PASSWORD_WAIT_MOST.as_secs());
    }

    #[test]
    fn names_are_remembered_up_to_the_limit_and_time_makes_room() {
        let (backoff, now) = (Backoff::default(), Timestamp::from_unix_seconds(0));
        for name in 0..NAMES_REMEMBERED {
            assert_eq!(backoff.wait(&name.to_string(), now), None);
            for _ in 0..PASSWORD_TRIES {
                backoff.failed(&name.to_string(), now);
            }
        }
        assert_eq!(backoff.wait("0", now), Some(Duration::from_secs(1)));
        assert_eq!(backoff.wait("one more", now), Some(PASSWORD_WAIT_MOST));
        assert_eq!(backoff.wait("one more", now.plus(Duration::from_secs(1))), None);
    }

    #[test]
    fn a_hash_knows_its_password_and_shows_nothing() -> Result<(), Fault> {
        let hash = PasswordHash::of("correct horse", &base::SystemRandom)?;
        assert!(hash.matches("correct horse"));
        assert!(!hash.matches("correct horse "));
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(format!("{hash:?}"), "PasswordHash(hidden)");
        Ok(())
    }
}
