//! What every request passes before its operation: whose it is, on what terms, and under which idempotency key.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use base64::Engine as _;
use domain::account::Account;
use domain::id::AccountId;
use domain::idempotency::{Fingerprint, holds_card_number};
use domain::scope::{Mode, Scope};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, header};
use payments::idempotency::{Idempotency, MAX_KEY};

use super::credential::{Credential, Grant};
use super::{App, Failure};
use crate::limits::rate::Standing;
use crate::oauth;
use crate::sessions;
use crate::views::API_VERSION;

/// Which data a request is about of whoever runs the platform, or is logged in.
const MODE: &str = "bursar-mode";
/// The date of Stripe's first dated version.
const FIRST_VERSION: &str = "2011-01-01";

/// Where a request comes from: the other end of the connection, or what a trusted proxy there said
/// ([`TrustedProxies`](crate::connections::TrustedProxies)).
pub(crate) fn from(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|connection| connection.0.ip().to_canonical())
}

/// What becomes known of whoever sends a request, also of one that is denied.
#[derive(Default)]
pub(crate) struct Sender {
    /// Where guesses are limited, how many the address has left.
    pub(crate) standing: Option<Standing>,
    /// Whose credential it is, good or not.
    pub(crate) credential: Option<Arc<Credential>>,
}

/// Whoever sent a request.
pub(super) async fn authenticate(app: &App, parts: &Parts, sender: &mut Sender) -> Result<Arc<Credential>, Failure> {
    if !parts.headers.contains_key(header::AUTHORIZATION) && sessions::is_shown(app, parts) {
        // Of people there are few, and its future is large: it lives on the heap.
        return Box::pin(sessions::prove(app, parts, sender)).await;
    }
    let text = parts.headers.get(header::AUTHORIZATION).and_then(|h| h.to_str().ok()).ok_or(Failure::NoKey)?;
    let text = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim().to_owned(),
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("basic") => {
            let decoded = base64::engine::general_purpose::STANDARD.decode(token.trim()).map_err(|_| Failure::WrongKey)?;
            let decoded = String::from_utf8(decoded).map_err(|_| Failure::WrongKey)?;
            decoded.split(':').next().unwrap_or_default().to_owned()
        }
        _ => return Err(Failure::NoKey),
    };
    prove(app, parts, text, sender).await
}

/// Whose key or token it is.
pub(crate) async fn prove(app: &App, parts: &Parts, text: String, sender: &mut Sender) -> Result<Arc<Credential>, Failure> {
    let from = from(parts);
    let credential = match app.credentials.get(&text) {
        Some(credential) => credential,
        None => look_up(app, from, text, &mut sender.standing).await?,
    };
    sender.credential = Some(Arc::clone(&credential));
    credential.check(app.platform.now(), from)?;
    if let Some(key) = &credential.key {
        app.platform.key_was_used(key.id);
    }
    Ok(credential)
}

async fn look_up(app: &App, from: Option<IpAddr>, text: String, standing: &mut Option<Standing>) -> Result<Arc<Credential>, Failure> {
    *standing = app.limits.try_key(from, &text)?;
    let credential = if oauth::is_token(&text) {
        // Rare, and its future is large: it lives on the heap.
        Box::pin(oauth::read(app, &text)).await?
    } else {
        let found = app.platform.find_key(&text).await?;
        Credential::of_key(found.filter(|key| key.revoked_at.is_none()).ok_or(Failure::WrongKey)?)
    };
    app.limits.key_is_good(from, &text);
    let credential = Arc::new(credential);
    app.credentials.insert(text, Arc::clone(&credential));
    Ok(credential)
}

/// Whose request it is, and whether it is about test or live data: what the key says; one of whoever runs the platform speaks for
/// the merchant that it names.
pub(super) async fn merchant(app: &App, headers: &HeaderMap, credential: Arc<Credential>) -> Result<Arc<Credential>, Failure> {
    if credential.grant != Grant::Platform {
        return Ok(credential);
    }
    let Some(named) = headers.get("stripe-account") else { return Ok(credential) };
    let account = named.to_str().ok().and_then(|text| text.parse::<AccountId>().ok()).ok_or(Failure::Account)?;
    let mode = mode(headers)?.unwrap_or(Mode::Live);
    let found = app.platform.find::<Account>(Scope::PLATFORM, account.ulid()).await?;
    found.ok_or(Failure::Account)?;
    Ok(Arc::new(credential.for_merchant(Scope { account, mode })))
}

/// Which data a request that could be about both says that it is about.
pub(crate) fn mode(headers: &HeaderMap) -> Result<Option<Mode>, Failure> {
    match headers.get(MODE).map(HeaderValue::as_bytes) {
        None => Ok(None),
        Some(b"live") => Ok(Some(Mode::Live)),
        Some(b"test") => Ok(Some(Mode::Test)),
        Some(_) => Err(Failure::Mode),
    }
}

/// Checks `Stripe-Version` and `Stripe-Account`: every version that there was is served in the shapes of
/// [`API_VERSION`], and a credential speaks for its own account only.
pub(super) fn terms(headers: &HeaderMap, credential: &Credential) -> Result<(), Failure> {
    if let Some(version) = headers.get("stripe-version")
        && !version.to_str().is_ok_and(is_version)
    {
        return Err(Failure::Version);
    }
    if let Some(account) = headers.get("stripe-account") {
        let named = account.to_str().ok().and_then(|text| text.parse::<AccountId>().ok());
        if named != Some(credential.scope.account) {
            return Err(Failure::Account);
        }
    }
    Ok(())
}

/// `2019-02-19` or `2026-10-28.endive`, also with flags of previews behind a semicolon; none later than ours.
fn is_version(text: &str) -> bool {
    let version = text.split(';').next().unwrap_or_default().trim();
    let (date, name) = version.split_once('.').map_or((version, None), |(date, name)| (date, Some(name)));
    let ours = API_VERSION.split('.').next().unwrap_or_default();
    let is_date = time::Date::parse(date, time::macros::format_description!("[year]-[month]-[day]")).is_ok();
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase());
    // Dates of this form are ordered as their texts are.
    is_date && name.is_none_or(is_name) && (FIRST_VERSION..=ours).contains(&date)
}

/// The idempotency key of a request that changes something, with the fingerprint of what came with it.
pub(super) fn idempotency(app: &App, parts: &Parts, body: &[u8]) -> Result<Option<Idempotency>, Failure> {
    let changes = parts.method == Method::POST || parts.method == Method::DELETE;
    let Some(text) = parts.headers.get("idempotency-key").filter(|_| changes) else {
        return Ok(None);
    };
    let text = text.to_str().ok().filter(|k| (1..=MAX_KEY).contains(&k.len()) && !holds_card_number(k));
    let text = text.ok_or(Failure::IdempotencyKey)?.to_owned();
    let target = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let fingerprint = Fingerprint::of(&app.fingerprints, parts.method.as_str(), target, body);
    Ok(Some(Idempotency { key: text, fingerprint }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_there_were_are_known_and_no_others() {
        for known in [API_VERSION, "2011-01-01", "2024-06-20", "2025-03-31.basil", "2025-03-31.basil; flag_beta=v1", "2025-03-31.preview"] {
            assert!(is_version(known), "{known}");
        }
        for unknown in ["", "latest", "2099-01-01", "2026-10-29", "2010-12-31", "2024-6-20", "2024-02-30", "2024-06-20.", "2024-06-20.1"] {
            assert!(!is_version(unknown), "{unknown}");
        }
    }
}
