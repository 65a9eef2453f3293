//! Sign-ins under way: codes and device codes, in memory, until their few minutes are over.

use std::collections::HashMap;
use std::net::IpAddr;

use base::Timestamp;
use base::limits::{ADDRESSES_REMEMBERED, PENDING_SIGN_INS, USER_CODE_TRIES};

use super::authorization_code::Code;
use super::device_code::Device;
use crate::refusal::TokenRefusal;

/// Codes and device codes by the SHA-256 of their text.
#[derive(Default)]
pub(crate) struct Pending {
    pub(super) codes: HashMap<[u8; 32], Code>,
    pub(super) devices: HashMap<[u8; 32], Device>,
    guesses: Guesses,
}

/// Wrong user codes of this minute, by the network they were typed in.
#[derive(Default)]
struct Guesses {
    minute: i64,
    wrong: HashMap<IpAddr, u32>,
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

    /// Whether another user code may be tried from there now. People type few wrong ones; a program
    /// that tries them all is stopped long before it finds one, and stops nobody else.
    pub(super) fn may_guess(&mut self, from: IpAddr, now: Timestamp) -> Result<(), TokenRefusal> {
        let seconds = now.unix_seconds();
        if self.guesses.minute != seconds / 60 {
            self.guesses = Guesses { minute: seconds / 60, wrong: HashMap::new() };
        }
        let wrong = &self.guesses.wrong;
        let may = match wrong.get(&network(from)) {
            Some(tries) => *tries < USER_CODE_TRIES,
            None => wrong.len() < ADDRESSES_REMEMBERED,
        };
        let seconds = (60 - seconds % 60).unsigned_abs();
        if may { Ok(()) } else { Err(TokenRefusal::Wait { seconds }) }
    }

    /// Counts a wrong user code.
    pub(super) fn guessed_wrong(&mut self, from: IpAddr) {
        *self.guesses.wrong.entry(network(from)).or_default() += 1;
    }
}

/// An address, or the network of 64 bits that one line of IPv6 has to itself.
fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address @ IpAddr::V4(_) => address,
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

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    #[test]
    fn addresses_are_remembered_up_to_the_limit_and_the_next_minute_makes_room() {
        let (mut pending, now) = (Pending::default(), Timestamp::from_unix_seconds(90));
        let line = |number: usize| IpAddr::V6(Ipv6Addr::from_bits((number as u128) << 64 | 7));
        for number in 0..ADDRESSES_REMEMBERED {
            assert!(pending.may_guess(line(number), now).is_ok());
            pending.guessed_wrong(line(number));
        }
        assert!(pending.may_guess(line(0), now).is_ok());
        let next = line(ADDRESSES_REMEMBERED);
        let refused = pending.may_guess(next, now);
        assert!(matches!(refused, Err(TokenRefusal::Wait { seconds: 30 })));
        assert!(pending.may_guess(next, Timestamp::from_unix_seconds(120)).is_ok());
    }

    #[test]
    fn one_line_is_one_network() {
        let check = |one: &str, other: &str, same: bool| {
            let of = |text: &str| text.parse().map(network);
            assert_eq!(of(one) == of(other), same, "{one} {other}");
        };
        check("2001:db8:1:2::1", "2001:db8:1:2:ffff::", true);
        check("2001:db8:1:2::1", "2001:db8:1:3::1", false);
        check("192.0.2.1", "192.0.2.2", false);
        check("192.0.2.1", "::ffff:192.0.2.1", true);
    }
}
