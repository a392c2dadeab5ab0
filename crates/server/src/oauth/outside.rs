//! The keys of outside issuers: found by discovery (OpenID Connect Discovery 1.0 §4) and remembered.
//!
//! Nobody but the operator names an issuer, so an issuer is reached wherever it is, by way of the system's proxy if there is one.
//! Its keys are asked for when there are none, when they are old, and when a token names one that is not known; seldom in any case.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use domain::access_token::Claims;
use domain::token_issuer::MAX_ISSUERS;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{DecodingKey, Header};
use parking_lot::Mutex;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::claims::verified;
use crate::api::Failure;

/// Keys are asked for again after that time.
const FRESH_FOR: Duration = Duration::from_secs(3_600);
/// Keys of an issuer that cannot be reached are good for that time: its outage need not be ours.
const GOOD_FOR: Duration = Duration::from_secs(24 * 3_600);
/// Between two questions of one issuer, whatever tokens name.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// How long an issuer may take to answer: a request waits for it.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// What an issuer may answer: hundreds of keys.
const MAX_ANSWER: usize = 256 * 1024;

/// Why an issuer's keys are not known.
#[derive(Debug, thiserror::Error)]
enum Unknown {
    #[error("its address must begin with https://, or lead to this machine")]
    Address,
    #[error("it does not answer as it must: {0}")]
    Answer(&'static str),
    #[error("it cannot be reached: {0}")]
    Reach(#[from] reqwest::Error),
}

/// One issuer's keys.
#[derive(Default)]
struct Keys {
    all: Vec<Jwk>,
    read_at: Option<Instant>,
    asked_at: Option<Instant>,
}

impl Keys {
    fn find(&self, kid: Option<&str>) -> Option<&Jwk> {
        let good = self.read_at.is_some_and(|at| at.elapsed() < GOOD_FOR);
        let signs = |key: &&Jwk| !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
        let mut signing = self.all.iter().filter(|_| good).filter(signs);
        match kid {
            Some(kid) => signing.find(|key| key.common.key_id.as_deref() == Some(kid)),
            // A token need not name its key where there is but one.
            None => signing.next().filter(|_| self.all.len() == 1),
        }
    }

    fn is_old(&self) -> bool {
        self.read_at.is_none_or(|at| at.elapsed() >= FRESH_FOR)
    }

    fn may_ask(&self) -> bool {
        self.asked_at.is_none_or(|at| at.elapsed() >= AGAIN_AFTER)
    }
}

/// The keys of each issuer. While one request asks an issuer, others with its tokens wait for the answer.
#[derive(Default)]
pub(super) struct Outside(Mutex<HashMap<String, Arc<tokio::sync::Mutex<Keys>>>>);

impl Outside {
    /// What a token says, if that issuer signed it.
    pub(super) async fn read(&self, issuer: &str, text: &str, header: &Header) -> Result<Claims, Failure> {
        let key = self.key(issuer, header.kid.as_deref()).await.ok_or(Failure::WrongToken)?;
        let key = DecodingKey::from_jwk(&key).map_err(|_| Failure::WrongToken)?;
        verified(text, header.alg, &key)
    }

    async fn key(&self, issuer: &str, kid: Option<&str>) -> Option<Jwk> {
        let keys = self.of(issuer);
        let mut keys = keys.lock().await;
        if (keys.is_old() || keys.find(kid).is_none()) && keys.may_ask() {
            keys.asked_at = Some(Instant::now());
            match ask(issuer).await {
                Ok(all) => (keys.all, keys.read_at) = (all, Some(Instant::now())),
                Err(error) => tracing::warn!(issuer, %error, "the keys of an issuer of tokens could not be read"),
            }
        }
        keys.find(kid).cloned()
    }

    fn of(&self, issuer: &str) -> Arc<tokio::sync::Mutex<Keys>> {
        let mut all = self.0.lock();
        // Only those of issuers that are not trusted any more can be too many.
        if all.len() >= 2 * MAX_ISSUERS && !all.contains_key(issuer) {
            all.clear();
        }
        Arc::clone(all.entry(issuer.to_owned()).or_default())
    }
}

#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: String,
}

/// Whether keys may be read from there: nobody in between can have changed them.
#[must_use]
pub fn is_safe(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let here = || match url.host_str() {
        Some("localhost" | "[::1]") => true,
        Some(host) => host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && here())
}

async fn ask(issuer: &str) -> Result<Vec<Jwk>, Unknown> {
    let found: Discovered = get(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))).await?;
    if found.issuer != issuer {
        return Err(Unknown::Answer("it calls itself by another name"));
    }
    Ok(get::<JwkSet>(&found.jwks_uri).await?.keys)
}

async fn get<T: DeserializeOwned>(url: &str) -> Result<T, Unknown> {
    static CLIENT: LazyLock<Option<Client>> =
        LazyLock::new(|| Client::builder().timeout(ANSWER_WITHIN).redirect(Policy::none()).referer(false).build().ok());
    if !is_safe(url) {
        return Err(Unknown::Address);
    }
    let client = CLIENT.as_ref().ok_or(Unknown::Answer("there is no TLS here"))?;
    let mut answer = client.get(url).send().await?.error_for_status()?;
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await? {
        body.extend_from_slice(&part);
        if body.len() > MAX_ANSWER {
            return Err(Unknown::Answer("it says too much"));
        }
    }
    serde_json::from_slice(&body).map_err(|_| Unknown::Answer("not with what was asked for"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_over_tls_or_from_this_machine() {
        for safe in ["https://issuer.example", "http://127.0.0.1:8080/realms/shop", "http://localhost", "http://[::1]:1/"] {
            assert!(is_safe(safe), "{safe}");
        }
        for other in ["http://issuer.example", "http://10.0.0.1", "http://127.0.0.1.example", "ftp://localhost", "issuer", ""] {
            assert!(!is_safe(other), "{other}");
        }
    }

    fn keys(json: &str) -> Keys {
        let set: JwkSet = serde_json::from_str(json).unwrap();
        Keys { all: set.keys, read_at: Some(Instant::now()), asked_at: None }
    }

    #[test]
    fn a_key_is_found_by_its_name_and_one_that_encrypts_never() {
        let one = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","kid":"a"}]}"#;
        assert!(keys(one).find(Some("a")).is_some() && keys(one).find(None).is_some() && keys(one).find(Some("b")).is_none());
        let two = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","kid":"a"},
            {"kty":"OKP","crv":"Ed25519","x":"AA","kid":"b","use":"enc"},{"kty":"new","kid":"c"}]}"#;
        assert!(keys(two).find(Some("a")).is_some() && keys(two).find(Some("b")).is_none() && keys(two).find(None).is_none());
        assert!(Keys { read_at: None, ..keys(one) }.find(Some("a")).is_none());
    }
}
