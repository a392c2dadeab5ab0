//! What anybody may read: the keys that sign tokens (RFC 7517), and what the token endpoint does (RFC 8414).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::permission::{Access, Resource, scope_word};
use domain::token_key::{KNOWN_BEFORE_MS, TokenKey};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::{JWKS_PATH, TOKEN_PATH};
use crate::api::App;

/// For how many seconds a reader may keep the keys: half as long as a new one is published before it signs.
const KEPT_FOR: i64 = KNOWN_BEFORE_MS / 2_000;

fn published(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::OK
        && let Ok(kept) = HeaderValue::from_str(&format!("public, max-age={KEPT_FOR}"))
    {
        headers.insert(header::CACHE_CONTROL, kept);
    }
    response
}

fn jwk(key: &TokenKey) -> Option<Value> {
    let public = URL_SAFE_NO_PAD.encode(hex::decode(&key.public).ok()?);
    Some(json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key.id.to_string(), "x": public}))
}

/// The keys whose signatures are good, and the one that signs next.
pub(crate) async fn jwks(State(app): State<Arc<App>>) -> Response {
    match app.platform.token_keys().await {
        Ok(keys) => published(StatusCode::OK, &json!({"keys": keys.iter().filter_map(jwk).collect::<Vec<_>>()})),
        Err(error) => {
            tracing::error!(%error, "the keys that sign tokens cannot be read");
            published(StatusCode::SERVICE_UNAVAILABLE, &json!({"error": "temporarily_unavailable"}))
        }
    }
}

/// What the token endpoint does.
pub(crate) async fn metadata(State(app): State<Arc<App>>) -> Response {
    let url = app.platform.public_url();
    let scopes = Resource::ALL
        .iter()
        .filter(|resource| resource.is_for_keys())
        .flat_map(|resource| [Access::Read, Access::Write].map(|access| scope_word(*resource, access)));
    published(
        StatusCode::OK,
        &json!({
            "issuer": url,
            "token_endpoint": format!("{url}{TOKEN_PATH}"),
            "jwks_uri": format!("{url}{JWKS_PATH}"),
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": scopes.collect::<Vec<_>>(),
        }),
    )
}
