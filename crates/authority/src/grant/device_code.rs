//! <https://www.rfc-editor.org/rfc/rfc8628>

use std::net::IpAddr;
use std::time::Duration;

use base::limits::DEVICE_CODE_LIFETIME;
use base::{Random, Timestamp};
use uuid::Uuid;

use super::{Granted, Request, Target};
use crate::authority::Authority;
use crate::issue::TokenAnswer;
use crate::parameters::{Endpoint, Parameters, Shape};
use crate::refusal::TokenRefusal;
use crate::secret::{sha256, unguessable};
use crate::sign_in::SignedIn;

/// How long a device should wait between two polls.
const INTERVAL: Duration = Duration::from_secs(5);
/// Letters and digits that are not taken for one another when read aloud or typed.
const ALPHABET: &[u8] = b"CDFHJKMNPQRTVWXY346789";
/// Characters of a user code.
const USER_CODE: usize = 8;

/// What a device is told at first.
#[derive(Clone)]
pub struct DeviceStart {
    /// What the person types: `H7KD-4QXM`.
    pub user_code: String,
    /// What the device polls with.
    pub device_code: String,
    /// Seconds until both are over.
    pub expires_in: u64,
    /// Seconds between two polls.
    pub interval: u64,
}

/// What the page shows of a device's request.
#[derive(Clone, Debug)]
pub struct DeviceView {
    /// The client.
    pub client_id: Uuid,
    /// What to call it.
    pub client_name: String,
    /// The tenant segment the device used: where the person signs in.
    pub tenant: String,
}

/// A device that waits for a person.
pub(super) struct Device {
    user_code: String,
    view: DeviceView,
    endpoint: Endpoint,
    target: Target,
    pub(super) until: Timestamp,
    last_poll: Option<Timestamp>,
    state: State,
}

/// How far a device's request has come.
enum State {
    Waiting,
    Approved(SignedIn),
    Declined,
    Redeemed,
}

impl std::fmt::Debug for DeviceStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceStart")
            .field("expires_in", &self.expires_in)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

impl Authority {
    /// Starts a device's sign-in.
    pub fn begin_device(
        &self,
        endpoint: &Endpoint,
        parameters: &Parameters,
    ) -> Result<DeviceStart, TokenRefusal> {
        let request = self.request(endpoint, parameters)?;
        let client = request.client()?;
        if !client.is_public() {
            return Err(TokenRefusal::NoClientProof { client_id: client.client_id() });
        }
        let target = match (request.user_target()?, endpoint.shape) {
            (Some(target), _) => target,
            (None, Shape::V1) => Target { offline: true, openid: true, ..Target::default() },
            (None, Shape::V2 | Shape::Adfs) => {
                return Err(TokenRefusal::Missing { parameter: "scope" });
            }
        };
        let device_code = unguessable(self.random());
        let mut sign_ins = self.pending();
        sign_ins.room_for_device(request.now)?;
        let mut user_code = user_code(self.random());
        while sign_ins.devices.values().any(|device| device.user_code == user_code) {
            user_code = self::user_code(self.random());
        }
        let device = Device {
            user_code: user_code.clone(),
            view: DeviceView {
                client_id: client.client_id(),
                client_name: client.name().to_owned(),
                tenant: endpoint.tenant.clone(),
            },
            endpoint: endpoint.clone(),
            target,
            until: request.now.plus(DEVICE_CODE_LIFETIME),
            last_poll: None,
            state: State::Waiting,
        };
        sign_ins.devices.insert(sha256(device_code.as_bytes()), device);
        let (left, right) = user_code.split_at(USER_CODE / 2);
        Ok(DeviceStart {
            user_code: format!("{left}-{right}"),
            device_code,
            expires_in: DEVICE_CODE_LIFETIME.as_secs(),
            interval: INTERVAL.as_secs(),
        })
    }

    /// The request behind a user code that still waits for an answer, as a person typed it at the
    /// address `from`. Wrong ones are counted, so that codes cannot be found by trying.
    pub fn find_device(&self, user_code: &str, from: IpAddr) -> Result<DeviceView, TokenRefusal> {
        self.pending().may_guess(from, self.now())?;
        let found = self.with_device(user_code, |device| Ok(device.view.clone()));
        if found.is_err() {
            self.pending().guessed_wrong(from);
        }
        found
    }

    /// The person says yes. The code is one that [`Authority::find_device`] found.
    pub fn approve_device(&self, user_code: &str, user: &SignedIn) -> Result<(), TokenRefusal> {
        let current = self.current_user(user)?;
        self.with_device(user_code, |device| {
            self.admit(&device.endpoint, &current)?;
            device.state = State::Approved(user.clone());
            Ok(())
        })
    }

    /// The person says no. The code is one that [`Authority::find_device`] found.
    pub fn decline_device(&self, user_code: &str) -> Result<(), TokenRefusal> {
        self.with_device(user_code, |device| {
            device.state = State::Declined;
            Ok(())
        })
    }

    /// Finds the waiting device of a user code as a person may type it.
    fn with_device<T>(
        &self,
        user_code: &str,
        then: impl FnOnce(&mut Device) -> Result<T, TokenRefusal>,
    ) -> Result<T, TokenRefusal> {
        let now = self.now();
        let typed: String = user_code
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(USER_CODE + 1)
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let mut sign_ins = self.pending();
        let found = sign_ins.devices.values_mut().find(|device| {
            device.user_code == typed
                && device.until > now
                && matches!(device.state, State::Waiting)
        });
        then(found.ok_or(TokenRefusal::ExpiredDeviceCode)?)
    }

    /// Tokens for a device, once the person has said yes.
    pub(super) fn poll_device(&self, request: &Request<'_>) -> Result<TokenAnswer, TokenRefusal> {
        let client = request.client()?;
        let (proof, _) = self.prove(request, &client)?;
        let sent = request.parameters.get("device_code").or(request.parameters.get("code"));
        let device_code = sent.ok_or(TokenRefusal::Missing { parameter: "device_code" })?;
        let client_id = client.client_id();
        let granted = self.take_device(device_code, client_id, request.now)?;
        self.answer_user(request, client_id, proof, granted)
    }

    fn take_device(
        &self,
        device_code: &str,
        client_id: Uuid,
        now: Timestamp,
    ) -> Result<Granted, TokenRefusal> {
        let mut sign_ins = self.pending();
        let device = sign_ins
            .devices
            .get_mut(&sha256(device_code.as_bytes()))
            .filter(|device| device.view.client_id == client_id && device.until > now)
            .ok_or(TokenRefusal::ExpiredDeviceCode)?;
        match std::mem::replace(&mut device.state, State::Redeemed) {
            State::Approved(signed_in) => {
                let target = device.target.clone();
                Ok(Granted { family: self.new_id(), signed_in, target })
            }
            State::Redeemed => Err(TokenRefusal::ReusedDeviceCode),
            State::Declined => {
                device.state = State::Declined;
                Err(TokenRefusal::Declined)
            }
            State::Waiting => {
                device.state = State::Waiting;
                let before = device.last_poll.replace(now);
                // Half the interval is forgiven: networks bunch requests up.
                match before {
                    Some(before) if now.since(before) < INTERVAL / 2 => Err(TokenRefusal::SlowDown),
                    _ => Err(TokenRefusal::AuthorizationPending),
                }
            }
        }
    }
}

fn user_code(random: &dyn Random) -> String {
    let mut bytes = [0; USER_CODE * 2];
    random.fill(&mut bytes);
    let pick = |pair: &[u8]| {
        let number = pair.iter().fold(0, |number, byte| number * 256 + usize::from(*byte));
        char::from(ALPHABET.get(number % ALPHABET.len()).copied().unwrap_or(b'X'))
    };
    bytes.chunks(2).map(pick).collect()
}
