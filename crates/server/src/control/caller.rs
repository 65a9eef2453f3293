//! <https://www.rfc-editor.org/rfc/rfc6750#section-3>

use std::sync::Arc;

use authority::{Directory, ExpectedAudience, Identity, TokenFault};
use http::header::WWW_AUTHENTICATE;

use crate::app::App;
use crate::edge::bearer;
use crate::exchange::{Answer, Request};

/// Who calls, and the directory as it is for this request.
pub(crate) struct Caller {
    pub(crate) identity: Arc<Identity>,
    pub(crate) directory: Arc<Directory>,
}

impl Caller {
    pub(crate) fn of(
        app: &App,
        request: &Request,
        expected: &ExpectedAudience,
    ) -> Result<Self, TokenFault> {
        let token = bearer::token(&request.headers)?;
        let identity = app.authority.verify(token, expected)?;
        Ok(Self { identity, directory: app.authority.directory() })
    }

    pub(crate) fn is_directory_administrator(&self) -> bool {
        self.directory.is_administrator(self.identity.object_id)
    }
}

/// Adds the header that tells a client where to get which token.
pub(crate) fn challenged(
    answer: Answer,
    app: &App,
    fault: &TokenFault,
    expected: &ExpectedAudience,
) -> Answer {
    let names = app.authority.names();
    let directory = app.authority.directory();
    let tenant = directory.bootstrap_tenant().map_or_else(String::new, |it| it.id.to_string());
    let resource = names.urls(expected).first().map_or("", String::as_str);
    let origin = &names.origin;
    let mut challenge = format!(
        "Bearer authorization_uri=\"{origin}/{tenant}/oauth2/authorize\", \
         resource_id=\"{resource}\""
    );
    if fault.sent_a_token() {
        let why: String = fault.to_string().chars().map(plain).collect();
        challenge.push_str(", error=\"invalid_token\", error_description=\"");
        challenge.push_str(&why);
        challenge.push('"');
    }
    answer.with_text(WWW_AUTHENTICATE, &challenge)
}

/// What may stand between the quotes of `error_description`: printable ASCII without quotes and
/// backslashes.
fn plain(c: char) -> char {
    match c {
        '"' | '\\' => '\'',
        ' '..='~' => c,
        _ => ' ',
    }
}
