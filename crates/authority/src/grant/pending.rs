//! Sign-ins under way: codes and device codes, in memory, until their few minutes are over.

use std::collections::HashMap;

use base::Timestamp;
use base::limits::PENDING_SIGN_INS;

use super::authorization_code::Code;
use super::device_code::Device;
use crate::refusal::TokenRefusal;

/// Wrong user codes that may be tried in one minute, by everybody together.
const GUESSES_PER_MINUTE: u32 = 100;

/// Codes and device codes by the SHA-256 of their text.
#[derive(Default)]
pub(crate) struct Pending {
    pub(super) codes: HashMap<[u8; 32], Code>,
    pub(super) devices: HashMap<[u8; 32], Device>,
    guesses: Guesses,
}

#[derive(Default)]
struct Guesses {
    minute: i64,
    wrong: u32,
}

impl Pending {
    /// Makes sure that one more code fits; forgets those whose time is over.
    pub(super) fn room_for_code(&mut self, now: Timestamp) -> Result<(), TokenRefusal> {
        make_room(&mut self.codes, |code| code.until > now)
    }

    /// The same for a device code. Anybody can start a device's sign-in, so their number takes no
    /// room from those who have signed in already.
    pub(super) fn room_for_device(&mut self, now: Timestamp) -> Result<(), TokenRefusal> {
        make_room(&mut self.devices, |device| device.until > now)
    }

    /// Whether another user code may be tried now. People type few wrong ones; a program that tries
    /// them all is stopped long before it finds one.
    pub(super) fn may_guess(&self, now: Timestamp) -> Result<(), TokenRefusal> {
        let seconds = now.unix_seconds();
        if self.guesses.minute == seconds / 60 && self.guesses.wrong >= GUESSES_PER_MINUTE {
            return Err(TokenRefusal::Wait { seconds: (60 - seconds % 60).unsigned_abs() });
        }
        Ok(())
    }

    /// Counts a wrong user code.
    pub(super) fn guessed_wrong(&mut self, now: Timestamp) {
        let minute = now.unix_seconds() / 60;
        if self.guesses.minute != minute {
            self.guesses = Guesses { minute, wrong: 0 };
        }
        self.guesses.wrong += 1;
    }
}

fn make_room<T>(
    under_way: &mut HashMap<[u8; 32], T>,
    lasts: impl Fn(&T) -> bool,
) -> Result<(), TokenRefusal> {
    if under_way.len() >= PENDING_SIGN_INS {
        under_way.retain(|_, sign_in| lasts(sign_in));
    }
    if under_way.len() >= PENDING_SIGN_INS { Err(TokenRefusal::Busy) } else { Ok(()) }
}
