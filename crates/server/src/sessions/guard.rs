//! Whether a request that a browser sends with its cookie is meant by a page of ours.
//!
//! Three things stand in another site's way, each of which would be enough: the cookie is `SameSite=Strict`; the browser says where
//! the request comes from; and what changes something shows a token in a header, which another site's page can neither read nor
//! send. Clients that are no browsers say nothing of where they are, and need the token all the same.

use aws_lc_rs::hmac;
use http::{HeaderMap, Method, Uri, header};
use payments::client_secrets::same;

use crate::api::Failure;

/// Where the token is shown.
const CSRF: &str = "bursar-csrf-token";
const SITE: &str = "sec-fetch-site";

/// The token of a session: a function of what only the browser and its session's answers have, so that nothing more need be kept.
pub(super) fn csrf_token(session: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, session.as_bytes());
    hex::encode(hmac::sign(&key, b"bursar csrf token"))
}

/// Refuses what a browser says comes from elsewhere.
pub(super) fn check_site(headers: &HeaderMap, public_url: &str) -> Result<(), Failure> {
    let site = headers.get(SITE).map(|site| matches!(site.to_str(), Ok("same-origin" | "none")));
    let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().is_ok_and(|origin| is_ours(origin, public_url)));
    if site.unwrap_or(true) && origin.unwrap_or(true) { Ok(()) } else { Err(Failure::OtherSite) }
}

fn is_ours(origin: &str, public_url: &str) -> bool {
    let place = |text: &str| text.parse::<Uri>().ok().and_then(|url| Some((url.scheme_str()?.to_owned(), url.authority()?.to_string())));
    place(origin).is_some_and(|origin| place(public_url) == Some(origin))
}

/// Refuses what changes something and does not show the session's token.
pub(super) fn check_token(headers: &HeaderMap, method: &Method, session: &str) -> Result<(), Failure> {
    if *method == Method::GET || *method == Method::HEAD {
        return Ok(());
    }
    let shown = headers.get(CSRF).and_then(|token| token.to_str().ok()).unwrap_or_default();
    if same(shown, &csrf_token(session)) { Ok(()) } else { Err(Failure::CsrfToken) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(given: &[(&'static str, &str)]) -> bool {
        let headers = given.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
        check_site(&headers, "https://pay.example").is_ok()
    }

    #[test]
    fn only_our_own_pages_and_what_is_no_browser_pass() {
        for good in [&[][..], &[(SITE, "same-origin")], &[(SITE, "none")], &[("origin", "https://pay.example"), (SITE, "same-origin")]] {
            assert!(site(good), "{good:?}");
        }
        for other in ["same-site", "cross-site", "", "Same-Origin"] {
            assert!(!site(&[(SITE, other)]), "{other}");
        }
        for other in ["https://evil.example", "http://pay.example", "https://pay.example:444", "null", "https://pay.example.evil.example"] {
            assert!(!site(&[("origin", other)]), "{other}");
            assert!(!site(&[("origin", other), (SITE, "same-origin")]), "{other}");
        }
    }

    #[test]
    fn what_changes_something_shows_the_token_of_its_own_session() {
        let check = |method: Method, token: Option<&str>| {
            let headers = token.iter().map(|token| (http::HeaderName::from_static(CSRF), token.parse().unwrap())).collect();
            check_token(&headers, &method, "session").is_ok()
        };
        let (own, others) = (csrf_token("session"), csrf_token("another"));
        for method in [Method::POST, Method::DELETE, Method::PUT] {
            assert!(check(method.clone(), Some(&own)), "{method}");
            for wrong in [None, Some(""), Some("session"), Some(&*others)] {
                assert!(!check(method.clone(), wrong), "{method} {wrong:?}");
            }
        }
        assert!(check(Method::GET, None) && check(Method::HEAD, None));
        assert!(!own.contains("session") && own.len() == 64);
    }
}
