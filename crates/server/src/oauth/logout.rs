//! <https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout>

use http::StatusCode;

use super::page::{self, Message};
use crate::exchange::Answer;

/// `GET /{tenant}/oauth2/v2.0/logout`: there is no browser session to end, since every sign-in asks
/// for the password; nothing is redirected, since nothing proves whose address was sent.
pub(super) fn logout() -> Answer {
    let message = Message {
        title: "Signed out",
        text: "This authority keeps no session in your browser. You can close this page.",
        error: "",
    };
    page::page(StatusCode::OK, &message, &[])
}
