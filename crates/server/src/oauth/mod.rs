//! OAuth 2.0: access tokens for clients, and trust in those of outside issuers.
//!
//! Every API key that stays on a server is a client (RFC 6749 §4.4): its id is the client's, its text the client's secret. A token
//! that it is given opens what the key does, or less, for a quarter of an hour; and nothing any more once the key is revoked.
//!
//! Invariants:
//! - Only asymmetric signatures of a closed list are good, each with a key that its issuer publishes; a token's own words about
//!   where its key is are not read.
//! - What a token opens is read after its signature, from what was signed.
//! - Outside issuers are asked for their keys seldom, whatever tokens say.
//!
//! Absent on purpose: people who log in, refresh tokens (RFC 6749 §4.4.3 wants none here), and tokens that are no JWTs.

mod claims;
mod grant;
mod outside;
mod own;
mod published;

use domain::access_token::{Claims, Untimely};
use domain::token_issuer::TokenIssuer;

use self::claims::Written;
use self::outside::Outside;
use self::own::Seldom;
use crate::api::credential::Credential;
use crate::api::{App, Failure};
pub(crate) use grant::token;
pub use outside::is_safe;
pub(crate) use published::{jwks, metadata};

/// Where tokens are given out.
pub(crate) const TOKEN_PATH: &str = "/oauth/token";
/// Where keys are published.
pub(crate) const JWKS_PATH: &str = "/.well-known/jwks.json";
/// Where it is told what there is (RFC 8414).
pub(crate) const METADATA_PATH: &str = "/.well-known/oauth-authorization-server";

/// Characters of a token that is read at all.
const MAX_TOKEN: usize = 8 * 1024;

/// What is remembered between requests.
#[derive(Default)]
pub(crate) struct OAuth {
    outside: Outside,
    looked_again: Seldom,
}

/// Whether a text is a token and no key: keys have no dots.
pub(crate) fn is_token(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// What a token opens.
pub(crate) async fn read(app: &App, text: &str) -> Result<Credential, Failure> {
    if text.len() > MAX_TOKEN {
        return Err(Failure::WrongToken);
    }
    let header = jsonwebtoken::decode_header(text).map_err(|_| Failure::WrongToken)?;
    if header.crit.is_some() {
        return Err(Failure::WrongToken);
    }
    // Only to know whose signature it must have; whatever it says is read again once that is known to be good.
    let unproven: Written = jsonwebtoken::dangerous::insecure_decode_claims(text).map_err(|_| Failure::WrongToken)?;
    if unproven.iss == app.platform.public_url() {
        return own::read(app, text, &header).await;
    }
    let issuers = app.platform.trusted_issuers().await?;
    let trusted: Vec<&TokenIssuer> = issuers.iter().filter(|issuer| issuer.issuer == unproven.iss).collect();
    let first = trusted.first().ok_or(Failure::WrongToken)?;
    let claims = app.oauth.outside.read(&first.issuer, text, &header).await?;
    let issuer = trusted.iter().find(|issuer| issuer.makes(&claims)).ok_or(Failure::WrongToken)?;
    in_time(app, &claims)?;
    Ok(Credential::of_client(issuer, &claims))
}

fn in_time(app: &App, claims: &Claims) -> Result<(), Failure> {
    claims.check_time(app.platform.now()).map_err(|untimely| match untimely {
        Untimely::Expired => Failure::ExpiredToken,
        Untimely::TooEarly => Failure::WrongToken,
    })
}
