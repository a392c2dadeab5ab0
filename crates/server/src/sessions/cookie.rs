//! The cookie of a session.
//!
//! Its name begins with `__Host-`, so that a browser takes it only from this host, encrypted, and for all its paths: no neighbouring
//! host can put one there. On plain HTTP to the own machine, where browsers would refuse that, it has another name.

use std::net::IpAddr;

use cookie::{Cookie, SameSite, time::Duration};
use domain::user::session::LONGEST_MS;
use http::{HeaderMap, Uri, header};

const ENCRYPTED: &str = "__Host-bursar_session";
const PLAIN: &str = "bursar_session";

/// Whether browsers reach this server at their own machine, without encryption.
fn is_plain(public_url: &str) -> bool {
    let Ok(url) = public_url.parse::<Uri>() else { return false };
    let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_own = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme_str() == Some("http") && is_own
}

fn name(public_url: &str) -> &'static str {
    if is_plain(public_url) { PLAIN } else { ENCRYPTED }
}

/// What a browser shows.
pub(super) fn read(headers: &HeaderMap, public_url: &str) -> Option<String> {
    let name = name(public_url);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut all = lines.flat_map(Cookie::split_parse).filter_map(Result::ok).filter(|cookie| cookie.name() == name);
    let shown = all.next()?;
    // Two would mean that somebody else put one there, and nobody knows which.
    all.next().is_none().then(|| shown.value().to_owned())
}

fn cookie(public_url: &str, token: &str, lives: Duration) -> String {
    let built = Cookie::build((name(public_url), token.to_owned())).path("/").http_only(true).same_site(SameSite::Strict);
    built.secure(!is_plain(public_url)).max_age(lives).build().to_string()
}

/// What the browser is to keep.
pub(super) fn keep(public_url: &str, token: &str) -> String {
    cookie(public_url, token, Duration::milliseconds(LONGEST_MS))
}

/// What makes the browser forget it.
pub(super) fn forget(public_url: &str) -> String {
    cookie(public_url, "", Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_kept_where_no_script_and_no_other_site_gets_it() {
        let kept = keep("https://pay.example", "abc");
        assert_eq!(kept, "__Host-bursar_session=abc; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=43200");
        assert_eq!(forget("https://pay.example"), "__Host-bursar_session=; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=0");
        assert_eq!(keep("http://127.0.0.1:8420", "abc"), "bursar_session=abc; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200");
    }

    #[test]
    fn only_the_own_machine_goes_without_encryption() {
        for own in ["http://localhost:1", "http://127.0.0.1", "http://127.9.9.9:80", "http://[::1]:8420"] {
            assert!(is_plain(own), "{own}");
        }
        for other in ["https://localhost", "http://pay.example", "http://192.0.2.1", "http://localhost.example", "", "localhost"] {
            assert!(!is_plain(other), "{other}");
        }
    }

    #[test]
    fn a_cookie_is_read_among_others_and_not_if_there_are_two() {
        let read = |line: &str, url: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, line.parse().unwrap());
            read(&headers, url)
        };
        let encrypted = "https://pay.example";
        assert_eq!(read("a=1; __Host-bursar_session=abc; b=2", encrypted).as_deref(), Some("abc"));
        assert_eq!(read("bursar_session=abc", "http://localhost").as_deref(), Some("abc"));
        for none in ["bursar_session=abc", "a=1", "__Host-bursar_session=abc; __Host-bursar_session=abd"] {
            assert_eq!(read(none, encrypted), None, "{none}");
        }
    }
}
