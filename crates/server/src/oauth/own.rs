//! Tokens of this platform (RFC 9068): written and read.

use std::time::{Duration, Instant};

use aws_lc_rs::signature::Ed25519KeyPair;
use domain::access_token::LIFETIME_MS;
use domain::account::ApiKey;
use domain::id::{ApiKeyId, TokenKeyId};
use domain::permission::{Permissions, scope_word};
use domain::token_key::TokenKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use parking_lot::Mutex;
use payments::Error;
use serde::Serialize;

use super::claims::verified;
use super::in_time;
use crate::api::credential::Credential;
use crate::api::{App, Failure};

/// How often the store is asked for keys that this server does not know, whatever tokens name.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// What a token says it is.
const TYPE: &str = "at+jwt";

/// Something that is done now and then at most.
#[derive(Default)]
pub(super) struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    /// Whether it may be done now; then it may not for a while.
    fn may(&self, pause: Duration) -> bool {
        let mut last = self.0.lock();
        let may = last.is_none_or(|at| at.elapsed() >= pause);
        if may {
            *last = Some(Instant::now());
        }
        may
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: ApiKeyId,
    client_id: ApiKeyId,
    iat: i64,
    exp: i64,
    jti: String,
    /// Left out of a token that opens all that its key does.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

/// Permissions in words, as tokens and requests for them have them.
pub(super) fn words(permissions: &Permissions) -> String {
    permissions.iter().map(|(resource, access)| scope_word(resource, access)).collect::<Vec<_>>().join(" ")
}

/// A token that opens what the key does, or only so much of it.
pub(super) async fn write(app: &App, key: &ApiKey, only: Option<&Permissions>) -> Result<String, Failure> {
    let broken = |what: &str| Error::Internal(format!("a token could not be signed: {what}"));
    let signer = app.platform.token_signer().await?;
    let pair = Ed25519KeyPair::from_seed_unchecked(signer.seed.as_slice()).map_err(|_| broken("the key is none"))?;
    let der = pair.to_pkcs8().map_err(|_| broken("the key has no form"))?;
    let now = app.platform.now();
    let url = app.platform.public_url();
    let claims = Claims {
        iss: url,
        aud: url,
        sub: key.id,
        client_id: key.id,
        iat: now.seconds(),
        exp: now.plus_millis(LIFETIME_MS).seconds(),
        jti: app.platform.mint().to_string(),
        scope: only.map(words),
    };
    let header = Header { typ: Some(TYPE.to_owned()), kid: Some(signer.id.to_string()), ..Header::new(Algorithm::EdDSA) };
    let text = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(der.as_ref()));
    Ok(text.map_err(|_| broken("the library refused"))?)
}

/// What a token of ours opens.
pub(super) async fn read(app: &App, text: &str, header: &Header) -> Result<Credential, Failure> {
    let named: TokenKeyId = header.kid.as_deref().and_then(|kid| kid.parse().ok()).ok_or(Failure::WrongToken)?;
    if header.typ.as_deref() != Some(TYPE) || header.alg != Algorithm::EdDSA {
        return Err(Failure::WrongToken);
    }
    let find = |keys: Vec<TokenKey>| keys.into_iter().find(|key| key.id == named);
    let key = match find(app.platform.token_keys().await?) {
        // Another server may have made one that signs at once, because there was none.
        None if app.oauth.looked_again.may(AGAIN_AFTER) => find(app.platform.token_keys_again().await?),
        found => found,
    };
    let key = key.ok_or(Failure::WrongToken)?;
    let public = hex::decode(&key.public).map_err(|_| Error::Internal("a key that signs tokens is none".to_owned()))?;
    let claims = verified(text, header.alg, &DecodingKey::from_ed_der(&public))?;
    if claims.issuer != app.platform.public_url() || !claims.is_for(app.platform.public_url()) {
        return Err(Failure::WrongToken);
    }
    in_time(app, &claims)?;
    let id: ApiKeyId = claims.subject.parse().map_err(|_| Failure::WrongToken)?;
    let key = app.platform.key_named(id).await?.ok_or(Failure::WrongToken)?;
    if key.revoked_at.is_some() {
        return Err(Failure::WrongToken);
    }
    Ok(Credential::of_token(key, &claims))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seldom_done_is_done_once_in_a_while() {
        let seldom = Seldom::default();
        assert!(seldom.may(Duration::from_secs(3_600)));
        assert!(!seldom.may(Duration::from_secs(3_600)));
        assert!(seldom.may(Duration::ZERO));
    }
}
