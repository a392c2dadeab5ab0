//! Access tokens: who gets one, what it opens, and what opens nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::large_futures)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use bursar::compose::{Composed, compose};
use bursar::serve;
use common::{KEY, Reply, URL, made, pay, send};
use domain::permission::{Access, Permissions, Resource};
use domain::scope::{Mode, Scope};
use http::StatusCode;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use payments::By;
use payments::tokens::NewIssuer;
use serde_json::{Value, json};

struct World {
    api: Router,
    composed: Composed,
    /// Id and text of the shop's secret key.
    client: (String, String),
    publishable: String,
}

fn by() -> By {
    By::operator("test")
}

impl World {
    async fn open() -> Self {
        let settings = common::settings();
        let composed = compose(&settings).await.unwrap();
        let keys = serve::first_shop(&composed.app.platform, Some(KEY)).await.unwrap().unwrap();
        let api = serve::router(&composed);
        let id = composed.app.platform.find_key(KEY).await.unwrap().unwrap().id.to_string();
        Self { api, composed, client: (id, KEY.to_owned()), publishable: keys.publishable }
    }

    async fn scope(&self) -> Scope {
        Scope { account: self.composed.app.platform.all_accounts().await.unwrap()[0].id, mode: Mode::Test }
    }

    /// What `/oauth/token` says to a client that shows its secret in the header.
    async fn ask(&self, (id, secret): &(String, String), form: &str) -> Reply {
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        send(&self.api, "POST", "/oauth/token", &[("authorization", &format!("Basic {basic}"))], form).await
    }

    async fn token(&self, client: &(String, String), more: &str) -> String {
        let reply = self.ask(client, &format!("grant_type=client_credentials{more}")).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.json);
        reply.json["access_token"].as_str().unwrap().to_owned()
    }

    async fn with(&self, token: &str, method: &str, path: &str, form: &str) -> Reply {
        send(&self.api, method, path, &[("authorization", &format!("Bearer {token}"))], form).await
    }

    async fn restricted(&self, form: &str) -> (String, String) {
        let key = made(&self.api, "/v1/api_keys", form).await;
        (key["id"].as_str().unwrap().to_owned(), key["secret"].as_str().unwrap().to_owned())
    }

    /// What the key that signs now makes of these claims, under a header that is changed.
    async fn signed_under(&self, change: impl FnOnce(&mut Header), claims: &Value) -> String {
        let signer = self.composed.app.platform.token_signer().await.unwrap();
        let der = Ed25519KeyPair::from_seed_unchecked(signer.seed.as_slice()).unwrap().to_pkcs8().unwrap();
        let mut header = Header { typ: Some("at+jwt".to_owned()), kid: Some(signer.id.to_string()), ..Header::new(Algorithm::EdDSA) };
        change(&mut header);
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(der.as_ref())).unwrap()
    }

    async fn signed(&self, claims: &Value) -> String {
        self.signed_under(|_| (), claims).await
    }

    fn claims(&self, expires_in: i64) -> Value {
        let now = self.composed.app.platform.now().seconds();
        json!({"iss": URL, "aud": URL, "sub": self.client.0, "client_id": self.client.0, "iat": now, "exp": now + expires_in, "jti": "1"})
    }
}

fn refused(reply: &Reply, status: StatusCode, code: &str) {
    assert_eq!((reply.status, reply.json["error"]["code"].as_str()), (status, Some(code)), "{}", reply.json);
}

#[tokio::test]
async fn a_client_gets_a_token_that_opens_what_its_key_does() {
    let world = World::open().await;
    let reply = world.ask(&world.client, "grant_type=client_credentials").await;
    assert_eq!((&reply.json["token_type"], &reply.json["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert!(reply.json["scope"].is_null());
    assert_eq!(reply.headers["cache-control"], "no-store");
    let token = reply.json["access_token"].as_str().unwrap();
    for (method, path) in [("GET", "/v1/charges"), ("GET", "/v1/api_keys"), ("POST", "/v1/customers")] {
        assert_eq!(world.with(token, method, path, "").await.status, StatusCode::OK, "{path}");
    }
    let last = common::get(&world.api, "/v1/audit_log?limit=1").await.json;
    assert_eq!(last["data"][0]["actor"], json!({"id": world.client.0, "name": null, "type": "api_key"}));

    let (id, secret) = &world.client;
    let in_body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    assert_eq!(send(&world.api, "POST", "/oauth/token", &[], &in_body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_opens_no_more_than_its_scope_and_its_key_allow() {
    let world = World::open().await;
    let narrowed = world.token(&world.client, "&scope=refunds:write charges:read").await;
    assert_eq!(world.with(&narrowed, "GET", "/v1/charges", "").await.status, StatusCode::OK);
    refused(&world.with(&narrowed, "POST", "/v1/customers", "").await, StatusCode::FORBIDDEN, "permission_missing");
    refused(&world.with(&narrowed, "GET", "/v1/api_keys", "").await, StatusCode::FORBIDDEN, "secret_key_required");

    let client = world.restricted("permissions[refunds]=write&permissions[charges]=read").await;
    let reply = world.ask(&client, "grant_type=client_credentials").await;
    assert_eq!(reply.json["scope"], "charges:read refunds:write");
    let token = world.token(&client, "&scope=charges:read").await;
    assert_eq!(world.with(&token, "GET", "/v1/charges", "").await.status, StatusCode::OK);
    refused(&world.with(&token, "GET", "/v1/refunds", "").await, StatusCode::FORBIDDEN, "permission_missing");
    for wrong in ["charges:write", "customers:read", "charges:read customers:read", "charges", "*", " ", "api_keys:write"] {
        let reply = world.ask(&client, &format!("grant_type=client_credentials&scope={wrong}")).await;
        assert_eq!((reply.status, &reply.json["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_scope")), "{wrong}");
    }
}

#[tokio::test]
async fn who_is_no_client_gets_none() {
    let world = World::open().await;
    let (id, secret) = world.client.clone();
    let token = world.token(&world.client, "").await;
    let other = world.restricted("permissions[refunds]=write").await;
    let grant = "grant_type=client_credentials";
    for wrong in
        [(id.clone(), "sk_test_nobody".to_owned()), (other.0.clone(), secret.clone()), (String::new(), secret.clone()), (id.clone(), token)]
    {
        let reply = world.ask(&wrong, grant).await;
        assert_eq!((reply.status, &reply.json["error"]), (StatusCode::UNAUTHORIZED, &json!("invalid_client")), "{wrong:?}");
        assert_eq!(reply.headers["www-authenticate"], "Basic realm=\"Bursar\"");
    }
    let publishable = world.composed.app.platform.find_key(&world.publishable).await.unwrap().unwrap();
    for (client, form, error) in [
        (&(publishable.id.to_string(), world.publishable.clone()), grant, "unauthorized_client"),
        (&world.client, "grant_type=password", "unsupported_grant_type"),
        (&world.client, "", "unsupported_grant_type"),
        (&world.client, "grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        (&world.client, "grant_type=client_credentials&client_secret=x", "invalid_request"),
    ] {
        let reply = world.ask(client, form).await;
        assert_eq!((reply.status, &reply.json["error"]), (StatusCode::BAD_REQUEST, &json!(error)), "{form}");
    }
    assert_eq!(send(&world.api, "POST", "/oauth/token", &[], grant).await.status, StatusCode::UNAUTHORIZED);
    let denied = world.ask(&(id.clone(), other.1.clone()), grant).await;
    let row = common::get(&world.api, "/v1/audit_log?limit=1&action=access.deny").await.json["data"][0].clone();
    assert_eq!((&row["note"], &row["actor"]["id"]), (&json!("POST /oauth/token"), &json!(other.0)));
    assert_eq!(row["request"], denied.headers["request-id"].to_str().unwrap(), "the request that the client was told");
    let differing = format!("{grant}&client_id={}", other.0);
    assert_eq!(world.ask(&world.client, &differing).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_opens_nothing_once_its_key_is_revoked_or_its_own_key_withdrawn() {
    let world = World::open().await;
    let client = world.restricted("permissions[charges]=read").await;
    // Not the same token twice: a server remembers for two seconds what one opened.
    let (before, after) = (world.token(&client, "").await, world.token(&client, "").await);
    assert_eq!(world.with(&before, "GET", "/v1/charges", "").await.status, StatusCode::OK);
    common::call(&world.api, "DELETE", &format!("/v1/api_keys/{}", client.0), "", None).await;
    refused(&world.with(&after, "GET", "/v1/charges", "").await, StatusCode::UNAUTHORIZED, "token_invalid");

    let token = world.token(&world.client, "").await;
    let platform = &world.composed.app.platform;
    let signer = platform.token_signer().await.unwrap().id;
    platform.withdraw_token_key(&by(), signer).await.unwrap();
    refused(&world.with(&token, "GET", "/v1/charges", "").await, StatusCode::UNAUTHORIZED, "token_invalid");
    let next = world.token(&world.client, "").await;
    assert_eq!(world.with(&next, "GET", "/v1/charges", "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_next_key_is_published_before_it_signs() {
    let world = World::open().await;
    let platform = &world.composed.app.platform;
    let signer = platform.token_signer().await.unwrap().id.to_string();
    let next = platform.make_token_key(&by()).await.unwrap().id.to_string();
    let published = common::get(&world.api, "/.well-known/jwks.json").await;
    assert_eq!(published.headers["cache-control"], "public, max-age=1800");
    let ids: Vec<&str> = published.json["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(ids, [next.as_str(), signer.as_str()]);
    assert_eq!(platform.token_signer().await.unwrap().id.to_string(), signer);
    let token = world.token(&world.client, "").await;
    let header = jsonwebtoken::decode_header(&token).unwrap();
    assert_eq!((header.kid, header.typ.as_deref(), header.alg), (Some(signer), Some("at+jwt"), Algorithm::EdDSA));
    let key: Jwk = serde_json::from_value(published.json["keys"][1].clone()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[URL]);
    validation.set_issuer(&[URL]);
    let read = jsonwebtoken::decode::<Value>(&token, &jsonwebtoken::DecodingKey::from_jwk(&key).unwrap(), &validation).unwrap();
    assert_eq!(read.claims["client_id"], json!(world.client.0));
    let told = common::get(&world.api, "/.well-known/oauth-authorization-server").await.json;
    assert_eq!((&told["issuer"], &told["token_endpoint"]), (&json!(URL), &json!(format!("{URL}/oauth/token"))));
}

#[tokio::test]
async fn what_is_no_token_of_ours_opens_nothing() {
    let world = World::open().await;
    let ask = async |token: &str| world.with(token, "GET", "/v1/charges", "").await;
    let good = world.signed(&world.claims(60)).await;
    assert_eq!(ask(&good).await.status, StatusCode::OK);
    refused(&ask(&world.signed(&world.claims(-61)).await).await, StatusCode::UNAUTHORIZED, "token_expired");

    let mut wrong = vec![
        world.signed_under(|header| header.typ = Some("JWT".to_owned()), &world.claims(60)).await,
        world.signed_under(|header| header.crit = Some(vec!["exp".to_owned()]), &world.claims(60)).await,
        world.signed_under(|header| header.kid = None, &world.claims(60)).await,
        "a.b.c".to_owned(),
        "..".to_owned(),
        format!("{}.{}.", "a".repeat(9000), "b"),
    ];
    for (name, value) in [
        ("iss", json!("http://127.0.0.1:2")),
        ("aud", json!("http://127.0.0.1:2")),
        ("aud", json!([])),
        ("sub", json!("key_00000000000000000000000000")),
        ("sub", json!("acct_1")),
        ("nbf", json!(world.composed.app.platform.now().seconds() + 3_600)),
        ("exp", json!("soon")),
    ] {
        let mut claims = world.claims(60);
        claims[name] = value;
        if name == "aud" {
            claims.as_object_mut().unwrap().remove("client_id");
        }
        wrong.push(world.signed(&claims).await);
    }
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
    let encode = |json: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json.to_string());
    let kid = jsonwebtoken::decode_header(&good).unwrap().kid.unwrap();
    let more = encode(&world.claims(1_000_000));
    wrong.push(format!("{header}.{more}.{signature}"));
    wrong.push(format!("{}.{payload}.", encode(&json!({"alg": "none", "typ": "at+jwt", "kid": kid}))));
    // Signed with the public key as if it were a shared secret.
    let keys = common::get(&world.api, "/.well-known/jwks.json").await.json;
    let public = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(keys["keys"][0]["x"].as_str().unwrap()).unwrap();
    let shared = Header { typ: Some("at+jwt".to_owned()), kid: Some(kid.clone()), ..Header::new(Algorithm::HS256) };
    wrong.push(jsonwebtoken::encode(&shared, &world.claims(60), &EncodingKey::from_secret(&public)).unwrap());
    // Signed by somebody else who gives the key's name, and by one who brings his own key.
    let stranger = Ed25519KeyPair::generate().unwrap();
    let der = stranger.to_pkcs8v1().unwrap();
    let by_stranger = EncodingKey::from_ed_der(der.as_ref());
    let mut header = Header { typ: Some("at+jwt".to_owned()), kid: Some(kid), ..Header::new(Algorithm::EdDSA) };
    wrong.push(jsonwebtoken::encode(&header, &world.claims(60), &by_stranger).unwrap());
    header.jwk = Some(Jwk::from_encoding_key(&by_stranger, Algorithm::EdDSA).unwrap());
    header.kid = Some("jwk_00000000000000000000000000".to_owned());
    wrong.push(jsonwebtoken::encode(&header, &world.claims(60), &by_stranger).unwrap());
    for token in wrong {
        refused(&ask(&token).await, StatusCode::UNAUTHORIZED, "token_invalid");
    }
}

/// A provider of tokens on a free port: one key, found by discovery.
struct Provider {
    url: String,
    key: EncodingKey,
    asked: Arc<AtomicUsize>,
}

impl Provider {
    async fn open() -> Self {
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &aws_lc_rs::rand::SystemRandom::new()).unwrap();
        let key = EncodingKey::from_ec_der(der.as_ref());
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some("one".to_owned());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let found = json!({"issuer": url, "jwks_uri": format!("{url}/keys")}).to_string();
        let keys = json!({"keys": [jwk]}).to_string();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let pages = Router::new().route("/.well-known/openid-configuration", get(move || async move { found })).route(
            "/keys",
            get(move || async move {
                counted.fetch_add(1, Ordering::Relaxed);
                keys
            }),
        );
        tokio::spawn(async move { axum::serve(listener, pages).await.unwrap() });
        Self { url, key, asked }
    }

    fn token(&self, kid: &str, change: impl FnOnce(&mut Value)) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let mut claims = json!({"iss": self.url, "aud": "bursar", "sub": "shop-server", "exp": now + 300,
            "scope": "openid pay/charges:read pay/refunds:write pay/customers:write"});
        change(&mut claims);
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }
}

#[tokio::test]
async fn a_token_of_a_trusted_issuer_opens_what_it_allows_and_its_issuer_may() {
    let world = World::open().await;
    let provider = Provider::open().await;
    let platform = &world.composed.app.platform;
    let ask = async |token: &str| world.with(token, "GET", "/v1/charges", "").await;
    let token = provider.token("one", |_| ());
    refused(&ask(&token).await, StatusCode::UNAUTHORIZED, "token_invalid");
    let new = NewIssuer {
        issuer: provider.url.clone(),
        audience: "bursar".to_owned(),
        scope: world.scope().await,
        prefix: "pay/".to_owned(),
        permissions: Permissions::of([(Resource::Charges, Access::Read), (Resource::Refunds, Access::Write)]),
    };
    let issuer = platform.trust_issuer(&by(), &new).await.unwrap();
    assert!(platform.trust_issuer(&by(), &new).await.is_err(), "twice");

    assert_eq!(ask(&token).await.status, StatusCode::OK);
    let charge = pay(&world.api, 2000, "usd").await["latest_charge"].as_str().unwrap().to_owned();
    assert_eq!(world.with(&token, "POST", "/v1/refunds", &format!("charge={charge}&amount=5")).await.status, StatusCode::OK);
    let rows = common::get(&world.api, "/v1/audit_log?limit=10").await.json;
    let actor = json!({"id": issuer.id.to_string(), "name": "shop-server", "type": "client"});
    assert!(rows["data"].as_array().unwrap().iter().any(|row| row["actor"] == actor), "{rows}");
    // Asked for by the token, and more than its issuer may allow.
    refused(&world.with(&token, "POST", "/v1/customers", "").await, StatusCode::FORBIDDEN, "permission_missing");
    refused(&world.with(&token, "GET", "/v1/api_keys", "").await, StatusCode::FORBIDDEN, "secret_key_required");
    let poor = provider.token("one", |claims| claims["scope"] = json!("openid"));
    refused(&ask(&poor).await, StatusCode::FORBIDDEN, "permission_missing");

    for wrong in [
        provider.token("one", |claims| claims["aud"] = json!("account")),
        provider.token("one", |claims| claims["iss"] = json!("http://127.0.0.1:2")),
        provider.token("one", |claims| claims["sub"] = json!("4242424242424242")),
        provider.token("two", |_| ()),
        provider.token("three", |_| ()),
    ] {
        refused(&ask(&wrong).await, StatusCode::UNAUTHORIZED, "token_invalid");
    }
    let old = provider.token("one", |claims| claims["exp"] = json!(1_000));
    refused(&ask(&old).await, StatusCode::UNAUTHORIZED, "token_expired");
    assert_eq!(provider.asked.load(Ordering::Relaxed), 1, "unknown keys do not make an issuer be asked again and again");

    let cognito = provider.token("one", |claims| {
        claims.as_object_mut().unwrap().remove("aud");
        claims["client_id"] = json!("bursar");
    });
    assert_eq!(ask(&cognito).await.status, StatusCode::OK);
    platform.distrust_issuer(&by(), issuer.id).await.unwrap();
    refused(&ask(&provider.token("one", |claims| claims["jti"] = json!("new"))).await, StatusCode::UNAUTHORIZED, "token_invalid");
}

#[tokio::test]
async fn of_several_who_trust_an_issuer_at_once_one_does_and_it_can_be_trusted_anew() {
    let world = World::open().await;
    let new = NewIssuer {
        issuer: "https://issuer.example".to_owned(),
        audience: "bursar".to_owned(),
        scope: world.scope().await,
        prefix: String::new(),
        permissions: Permissions::of([(Resource::Charges, Access::Read)]),
    };
    let (platform, by) = (&world.composed.app.platform, by());
    let all = futures::future::join_all((0..8).map(|_| platform.trust_issuer(&by, &new))).await;
    let trusted: Vec<_> = all.into_iter().filter_map(Result::ok).collect();
    assert_eq!((trusted.len(), platform.trusted_issuers().await.unwrap().len()), (1, 1));
    let first = trusted[0].id;
    platform.distrust_issuer(&by, first).await.unwrap();
    let second = platform.trust_issuer(&by, &new).await.unwrap();
    // Whoever distrusts the first one once more takes nothing of the second.
    platform.distrust_issuer(&by, first).await.unwrap();
    assert!(platform.trust_issuer(&by, &new).await.is_err());
    platform.distrust_issuer(&by, second.id).await.unwrap();
    assert!(platform.trusted_issuers().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_issuer_that_cannot_be_one_is_not_trusted() {
    let world = World::open().await;
    let good = NewIssuer {
        issuer: "https://issuer.example".to_owned(),
        audience: "bursar".to_owned(),
        scope: world.scope().await,
        prefix: String::new(),
        permissions: Permissions::of([(Resource::Charges, Access::Read)]),
    };
    for wrong in [
        NewIssuer { issuer: String::new(), ..good.clone() },
        NewIssuer { audience: String::new(), ..good.clone() },
        NewIssuer { prefix: "a b".to_owned(), ..good.clone() },
        NewIssuer { issuer: format!("https://{}", "x".repeat(255)), ..good.clone() },
        NewIssuer { permissions: Permissions::default(), ..good.clone() },
    ] {
        assert!(world.composed.app.platform.trust_issuer(&by(), &wrong).await.is_err(), "{wrong:?}");
    }
}
