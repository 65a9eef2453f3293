//! <https://www.rfc-editor.org/rfc/rfc8252#section-7.3>
//!
//! Redirect URIs are compared as they are, but a loopback address may have any port.

/// Whether `sent` is the registered address `known`.
pub(crate) fn fits(known: &str, sent: &str) -> bool {
    if sent.contains('#') {
        return false;
    }
    known == sent
        || match (loopback(known), loopback(sent)) {
            (Some(known), Some(sent)) => known == sent,
            _ => false,
        }
}

/// Whether `uri` may be registered: `https`, `http` on a loopback address, or a scheme of an
/// application's own; never one that a browser runs or reads from, and never with a fragment.
pub(crate) fn may_be_registered(uri: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !"#\"<>\\^`{|}".contains(c);
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c));
    is_scheme
        && !rest.is_empty()
        && uri.chars().all(plain)
        && match scheme.to_ascii_lowercase().as_str() {
            "https" => rest.len() > "//".len() && rest.starts_with("//"),
            "http" => is_loopback(uri),
            "javascript" | "data" | "vbscript" | "file" | "blob" | "about" => false,
            _ => true,
        }
}

/// Whether `uri` is `http` on a loopback address, any port and path.
pub(crate) fn is_loopback(uri: &str) -> bool {
    !uri.contains('#') && loopback(uri).is_some()
}

/// Host and the rest of a loopback address, without its port.
fn loopback(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let host = ["localhost", "127.0.0.1", "[::1]"].into_iter().find(|host| {
        let port = authority.strip_prefix(host);
        port.is_some_and(|port| port.is_empty() || is_port(port))
    })?;
    Some((host, if path == "/" { "" } else { path }))
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|digits| {
        digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_address_is_one_and_nothing_that_only_looks_like_it() {
        let check = |uri: &str, expected: bool| assert_eq!(is_loopback(uri), expected, "{uri}");
        check("http://localhost", true);
        check("http://localhost:8400", true);
        check("http://localhost:45011/", true);
        check("http://127.0.0.1:1/a/b?c=d", true);
        check("http://[::1]:8080/x", true);
        check("https://localhost:8400", false);
        check("http://localhost.evil.example", false);
        check("http://localhost:80@evil.example/", false);
        check("http://localhost@evil.example/", false);
        check("http://localhost:99999", false);
        check("http://localhost:+80", false);
        check("http://localhost:", false);
        check("http://localhost\\@evil.example", false);
        check("http://localhost:1#fragment", false);
        check("http://LOCALHOST", false);
        check("urn:ietf:wg:oauth:2.0:oob", false);
    }

    #[test]
    fn what_a_browser_would_run_cannot_be_registered() {
        let check = |uri: &str, expected: bool| {
            assert_eq!(may_be_registered(uri), expected, "{uri}");
        };
        check("https://app.example/callback?x=1", true);
        check("http://localhost", true);
        check("http://127.0.0.1:8400/cb", true);
        check("com.example.app:/callback", true);
        check("urn:ietf:wg:oauth:2.0:oob", true);
        check("http://app.example/callback", false);
        check("https:", false);
        check("https://", false);
        check("https://app.example/#x", false);
        check("https://app.example/\r\nX: y", false);
        check("JavaScript:alert(1)", false);
        check("data:text/html,x", false);
        check("/callback", false);
        check("", false);
    }

    #[test]
    fn a_registered_address_is_exact_and_loopback_on_any_port() {
        let check = |known: &str, sent: &str, expected: bool| {
            assert_eq!(fits(known, sent), expected, "{known} and {sent}");
        };
        let postman = "https://oauth.pstmn.io/v1/callback";
        check(postman, postman, true);
        check(postman, "https://oauth.pstmn.io/v1/callback/", false);
        check(postman, "https://oauth.pstmn.io/v1/callback#x", false);
        check(postman, "https://OAUTH.pstmn.io/v1/callback", false);
        check("http://localhost", "http://localhost:51234", true);
        check("http://localhost", "http://localhost:51234/", true);
        check("http://localhost/cb", "http://localhost:51234/cb", true);
        check("http://localhost/cb", "http://localhost:51234/other", false);
        check("http://localhost/cb", "http://127.0.0.1:51234/cb", false);
    }
}
