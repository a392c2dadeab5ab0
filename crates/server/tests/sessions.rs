//! People at a browser: logging in, what a session opens, and what does not pass for one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::large_futures, missing_docs)]

mod common;

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::Router;
use bursar::compose::{Composed, Settings, Webhooks, compose_limited};
use bursar::limits::Rules;
use bursar::metrics::Meters;
use bursar::serve;
use bursar::webhooks::Reach;
use common::people::{Browser, PASSWORD, code, invite};
use common::{KEY, Reply, send};
use domain::id::AccountId;
use domain::user::Role;
use domain::user::session::Session;
use http::StatusCode;
use payments::records::{decode, encode};
use serde_json::{Value, json};
use store::{Batch, Kind, Precondition};

struct Shop {
    api: Router,
    composed: Composed,
    account: AccountId,
}

impl Shop {
    async fn open() -> Self {
        Self::at("http://127.0.0.1:1", &Rules::default()).await
    }

    async fn at(public_url: &str, rules: &Rules) -> Self {
        let settings = Settings { public_url: public_url.to_owned(), webhooks: Webhooks::AtOnce(Reach::Public), ..common::settings() };
        let composed = compose_limited(&settings, &Meters::off(), rules).await.unwrap();
        serve::first_shop(&composed.app.platform, Some(KEY)).await.unwrap();
        let account = composed.app.platform.all_accounts().await.unwrap()[0].id;
        Self { api: serve::router(&composed), composed, account }
    }

    async fn person(&self, role: Role) -> Browser {
        Browser::of(&self.api, &self.composed.app, self.account, role).await
    }

    async fn with_factor(&self, role: Role) -> Browser {
        Browser::with_factor(&self.api, &self.composed.app, self.account, role).await
    }

    async fn invite(&self, email: &str, role: Role) -> String {
        invite(&self.api, &self.composed.app, self.account, (email, role)).await
    }

    /// Lets every session have been begun and used so much earlier.
    async fn age_sessions(&self, began_ms: i64, used_ms: i64) {
        let store = Arc::clone(self.composed.app.platform.store());
        for exported in store.export(Kind::Session, None, 100).await.unwrap() {
            let session: Session = decode(&exported.item.body).unwrap();
            let created_at = session.created_at.plus_millis(-began_ms);
            let aged = Session { created_at, last_seen_at: session.last_seen_at.plus_millis(-used_ms), ..session };
            let mut batch = Batch::new();
            batch.put(exported.key, encode(&aged).unwrap(), Precondition::Any);
            store.commit(batch).await.unwrap();
        }
    }
}

fn refused(reply: &Reply, status: StatusCode, code: &str) {
    assert_eq!((reply.status, &reply.json["error"]["code"]), (status, &code.into()), "{}", reply.json);
}

const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;
const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;
const MINUTE_MS: i64 = 60_000;

#[tokio::test]
async fn a_person_logs_in_looks_and_logs_out() {
    let shop = Shop::open().await;
    shop.invite("ada@shop.example", Role::Owner).await;
    let mut ada = Browser::new(&shop.api);
    let reply = ada.log_in("Ada@shop.example").await;
    let set = reply.headers["set-cookie"].to_str().unwrap();
    assert!(set.ends_with("; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200"), "{set}");
    assert_eq!(reply.headers["cache-control"], "no-store");
    assert_eq!((&reply.json["proof"], &reply.json["user"]["email"]), (&"password".into(), &"ada@shop.example".into()));
    let place = json!([{"id": shop.account.to_string(), "name": "Test shop", "role": "owner", "needs_second_factor": true}]);
    assert_eq!(reply.json["user"]["accounts"], place);
    assert_eq!(ada.get("/session").await.json, reply.json);
    assert_eq!(ada.get("/v1/charges").await.status, StatusCode::OK);
    let before = ada.clone();
    assert_eq!(ada.ask("DELETE", "/session", &[], "").await.json, json!({"object": "session", "deleted": true}));
    assert!(ada.cookie.is_none());
    refused(&before.clone().get("/session").await, UNAUTHORIZED, "session_invalid");
    refused(&before.clone().get("/v1/charges").await, UNAUTHORIZED, "session_invalid");
}

#[tokio::test]
async fn behind_tls_the_cookie_is_bound_to_its_host() {
    let shop = Shop::at("https://pay.example", &Rules::default()).await;
    let mut ada = shop.person(Role::Owner).await;
    assert!(ada.cookie.as_ref().unwrap().starts_with("__Host-bursar_session="));
    assert_eq!(ada.get("/v1/charges").await.status, StatusCode::OK);
    let reply = ada.log_in(ada.clone().get("/session").await.json["user"]["email"].as_str().unwrap()).await;
    assert!(reply.headers["set-cookie"].to_str().unwrap().contains("; Secure; "));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let shop = Shop::open().await;
    shop.invite("ada@shop.example", Role::Owner).await;
    let mut answers = Vec::new();
    for email in ["ada@shop.example", "nobody@shop.example", "x"] {
        let reply = Browser::new(&shop.api).post("/session", &format!("email={email}&password=wrong+horse+battery")).await;
        refused(&reply, UNAUTHORIZED, "login_invalid");
        assert!(!reply.headers.contains_key("set-cookie"));
        answers.push(reply.json);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn nobody_is_logged_in_by_a_text_that_was_given_to_their_browser() {
    let shop = Shop::open().await;
    shop.invite("ada@shop.example", Role::Owner).await;
    let fixed = "bursar_session=0000000000000000000000000000000000000000000000000000000000000000";
    let mut ada = Browser { cookie: Some(fixed.to_owned()), ..Browser::new(&shop.api) };
    ada.log_in("ada@shop.example").await;
    assert_ne!(ada.cookie.as_deref(), Some(fixed));
    let mut attacker = Browser { cookie: Some(fixed.to_owned()), ..Browser::new(&shop.api) };
    refused(&attacker.get("/session").await, UNAUTHORIZED, "session_invalid");
    // Whoever knew the text from before a step knows nothing after it.
    let password_only = ada.clone();
    ada.take_factor().await;
    refused(&password_only.clone().get("/session").await, UNAUTHORIZED, "session_invalid");
    let factor = ada.clone();
    ada.post("/session/password", &format!("current_password={PASSWORD}&password=another+horse+battery")).await;
    assert_ne!(ada.cookie, factor.cookie);
    refused(&factor.clone().get("/session").await, UNAUTHORIZED, "session_invalid");
    // One browser is one person: who was logged in there before is not any more.
    shop.invite("bob@shop.example", Role::Admin).await;
    let before = ada.clone();
    ada.log_in("bob@shop.example").await;
    refused(&before.clone().get("/session").await, UNAUTHORIZED, "session_invalid");
}

#[tokio::test]
async fn a_code_must_follow_where_a_second_factor_is_in_use_and_nothing_opens_before() {
    let shop = Shop::open().await;
    shop.invite("ada@shop.example", Role::Owner).await;
    let mut ada = Browser::new(&shop.api);
    ada.log_in("ada@shop.example").await;
    let (secret, told) = ada.take_factor().await;
    assert_eq!((&told["proof"], told["recovery_codes"].as_array().unwrap().len()), (&"second_factor".into(), 10));
    assert_eq!(ada.get("/session").await.json["recovery_codes"], Value::Null);

    let mut again = Browser::new(&shop.api);
    let reply = again.log_in("ada@shop.example").await;
    assert_eq!((&reply.json["proof"], &reply.json["user"]), (&"awaits_code".into(), &Value::Null));
    refused(&again.get("/v1/charges").await, UNAUTHORIZED, "session_invalid");
    refused(&again.post("/session/totp", &format!("password={PASSWORD}")).await, UNAUTHORIZED, "session_invalid");
    refused(&again.post("/session", "code=000000").await, StatusCode::BAD_REQUEST, "code_invalid");
    refused(&again.post("/session", &format!("code={}", code(&secret, 0))).await, StatusCode::BAD_REQUEST, "code_invalid");
    let before = again.clone();
    let next = code(&secret, 1);
    let reply = again.post("/session", &format!("code={next}")).await;
    assert_eq!((reply.status, &reply.json["proof"]), (StatusCode::OK, &"second_factor".into()), "{}", reply.json);
    refused(&before.clone().get("/session").await, UNAUTHORIZED, "session_invalid");
    assert_eq!(again.live("GET", "/v1/charges", "").await.status, StatusCode::OK);

    let mut third = Browser::new(&shop.api);
    third.log_in("ada@shop.example").await;
    refused(&third.post("/session", &format!("code={next}")).await, StatusCode::BAD_REQUEST, "code_invalid");
    let recovery = told["recovery_codes"][0].as_str().unwrap();
    let reply = third.post("/session", &format!("code={recovery}")).await;
    assert_eq!(reply.json["user"]["recovery_codes_left"], 9, "{}", reply.json);
}

#[tokio::test]
async fn what_another_sites_page_sends_changes_nothing_and_shows_nothing() {
    let shop = Shop::open().await;
    let (mut ada, bob) = (shop.person(Role::Owner).await, shop.person(Role::Owner).await);
    let own = ada.csrf.clone();
    for (method, path) in
        [("POST", "/v1/customers"), ("DELETE", "/session"), ("POST", "/session/password"), ("DELETE", "/session/everywhere")]
    {
        for token in ["", "0", &bob.csrf, ada.cookie.clone().unwrap().split_once('=').unwrap().1] {
            refused(&ada.ask(method, path, &[("bursar-csrf-token", token)], "").await, FORBIDDEN, "csrf_token_invalid");
        }
    }
    for elsewhere in
        [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")]
    {
        for (method, path) in
            [("POST", "/v1/customers"), ("GET", "/v1/charges"), ("GET", "/session"), ("DELETE", "/session"), ("POST", "/session")]
        {
            refused(&ada.ask(method, path, &[elsewhere, ("bursar-csrf-token", &own)], "").await, FORBIDDEN, "other_site");
        }
        let mut fresh = Browser::new(&shop.api);
        let logging_in = fresh.ask("POST", "/session", &[elsewhere], &format!("email=a@b.example&password={PASSWORD}")).await;
        refused(&logging_in, FORBIDDEN, "other_site");
    }
    let ours = [("origin", "http://127.0.0.1:1"), ("sec-fetch-site", "same-origin")];
    assert_eq!(ada.ask("POST", "/v1/customers", &ours, "").await.status, StatusCode::OK);
    // A key needs no token, and is not minded by a cookie beside it.
    let headers = [("authorization", format!("Bearer {KEY}")), ("cookie", ada.cookie.clone().unwrap())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(send(&shop.api, "POST", "/v1/customers", &headers, "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_ends_unused_after_half_an_hour_and_used_after_half_a_day() {
    let shop = Shop::open().await;
    let mut ada = shop.person(Role::Owner).await;
    shop.age_sessions(29 * MINUTE_MS, 29 * MINUTE_MS).await;
    assert_eq!(ada.get("/v1/charges").await.status, StatusCode::OK);
    // That was a use.
    shop.age_sessions(29 * MINUTE_MS, 29 * MINUTE_MS).await;
    assert_eq!(ada.get("/v1/charges").await.status, StatusCode::OK);
    shop.age_sessions(31 * MINUTE_MS, 31 * MINUTE_MS).await;
    refused(&ada.get("/v1/charges").await, UNAUTHORIZED, "session_invalid");
    let mut bob = shop.person(Role::Owner).await;
    shop.age_sessions(12 * 60 * MINUTE_MS, 0).await;
    refused(&bob.get("/session").await, UNAUTHORIZED, "session_invalid");
}

#[tokio::test]
async fn a_disabled_person_and_one_with_another_role_have_it_at_once() {
    let shop = Shop::open().await;
    let mut owner = shop.with_factor(Role::Owner).await;
    let mut support = shop.with_factor(Role::Support).await;
    let id = support.get("/session").await.json["user"]["id"].as_str().unwrap().to_owned();
    assert_eq!(support.live("POST", "/v1/customers", "").await.status, StatusCode::OK);
    let changed = owner.live("POST", &format!("/v1/users/{id}"), "role=analyst").await;
    assert_eq!((changed.status, &changed.json["role"]), (StatusCode::OK, &"analyst".into()), "{}", changed.json);
    refused(&support.live("POST", "/v1/customers", "").await, FORBIDDEN, "permission_missing");
    assert_eq!(support.live("GET", "/v1/customers", "").await.status, StatusCode::OK);
    let disabled = owner.live("POST", &format!("/v1/users/{id}/disable"), "").await;
    assert_eq!((disabled.status, &disabled.json["status"]), (StatusCode::OK, &"disabled".into()));
    refused(&support.live("GET", "/v1/customers", "").await, UNAUTHORIZED, "session_invalid");
    refused(&support.get("/session").await, UNAUTHORIZED, "session_invalid");
    let own = owner.get("/session").await.json["user"]["id"].as_str().unwrap().to_owned();
    refused(&owner.live("POST", &format!("/v1/users/{own}/disable"), "").await, StatusCode::BAD_REQUEST, "last_owner");
}

#[tokio::test]
async fn live_data_needs_a_second_factor_of_whoever_can_change_it() {
    let shop = Shop::open().await;
    for role in Role::ALL {
        let mut person = shop.person(role).await;
        let reply = person.live("GET", "/v1/charges", "").await;
        match role {
            Role::Analyst => assert_eq!(reply.status, StatusCode::OK),
            Role::Owner | Role::Admin | Role::Developer | Role::Support => refused(&reply, FORBIDDEN, "second_factor_required"),
        }
        assert_eq!(person.get("/v1/charges").await.status, StatusCode::OK, "{role:?}");
        person.take_factor().await;
        assert_eq!(person.live("GET", "/v1/charges", "").await.status, StatusCode::OK, "{role:?}");
    }
}

#[tokio::test]
async fn a_session_is_about_the_account_and_mode_that_it_names() {
    let shop = Shop::open().await;
    let mut ada = shop.with_factor(Role::Owner).await;
    let customer = async |ada: &mut Browser, mode: &str| ada.ask("POST", "/v1/customers", &[("bursar-mode", mode)], "").await.json;
    assert_eq!(
        (&customer(&mut ada, "live").await["livemode"], &customer(&mut ada, "test").await["livemode"]),
        (&true.into(), &false.into())
    );
    let wrong_mode = ada.ask("GET", "/v1/charges", &[("bursar-mode", "both")], "").await;
    assert_eq!(wrong_mode.status, StatusCode::BAD_REQUEST);
    let nobodys = "acct_00000000000000000000000000";
    refused(&ada.ask("GET", "/v1/charges", &[("bursar-account", nobodys)], "").await, FORBIDDEN, "account_invalid");
    let own = shop.account.to_string();
    assert_eq!(ada.ask("GET", "/v1/charges", &[("bursar-account", &own)], "").await.status, StatusCode::OK);
    let second = payments::accounts::NewAccount {
        name: "Second".to_owned(),
        email: None,
        country: "US".to_owned(),
        default_currency: domain::currency::Currency::Usd,
        statement_descriptor: None,
    };
    let second = shop.composed.app.platform.create_account(&payments::By::operator("test"), &second).await.unwrap().id;
    let email = ada.get("/session").await.json["user"]["email"].as_str().unwrap().to_owned();
    invite(&shop.api, &shop.composed.app, second, (&email, Role::Analyst)).await;
    refused(&ada.get("/v1/charges").await, StatusCode::BAD_REQUEST, "account_missing");
    let there = second.to_string();
    assert_eq!(ada.ask("GET", "/v1/charges", &[("bursar-account", &there)], "").await.status, StatusCode::OK);
    refused(&ada.ask("POST", "/v1/customers", &[("bursar-account", &there)], "").await, FORBIDDEN, "permission_missing");
    assert_eq!(ada.ask("POST", "/v1/customers", &[("bursar-account", &own)], "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn nobody_makes_or_rolls_a_key_that_does_more_than_they_may() {
    let shop = Shop::open().await;
    let mut developer = shop.with_factor(Role::Developer).await;
    let mut owner = shop.with_factor(Role::Owner).await;
    let form = "permissions[charges]=read";
    assert_eq!(developer.live("POST", "/v1/api_keys", form).await.status, StatusCode::OK);
    for above in ["kind=secret", "permissions[refunds]=write", "permissions[charges]=read&permissions[customers]=write"] {
        refused(&developer.live("POST", "/v1/api_keys", above).await, FORBIDDEN, "permission_missing");
    }
    let secret = owner.live("POST", "/v1/api_keys", "kind=secret").await.json["id"].as_str().unwrap().to_owned();
    refused(&developer.live("POST", &format!("/v1/api_keys/{secret}/roll"), "").await, FORBIDDEN, "permission_missing");
    assert_eq!(owner.live("POST", &format!("/v1/api_keys/{secret}/roll"), "").await.status, StatusCode::OK);
    for people in ["users", "api_keys"] {
        let reply = owner.live("POST", "/v1/api_keys", &format!("permissions[{people}]=read")).await;
        assert_eq!((reply.status, &reply.json["error"]["param"]), (StatusCode::BAD_REQUEST, &format!("permissions[{people}]").into()));
    }
}

#[tokio::test]
async fn people_are_invited_listed_and_looked_after_and_the_trail_tells_by_whom() {
    let shop = Shop::open().await;
    let mut admin = shop.with_factor(Role::Admin).await;
    let admin_id = admin.get("/session").await.json["user"]["id"].as_str().unwrap().to_owned();
    let made = admin.live("POST", "/v1/users", "email=Eve@shop.example&name=Eve&role=support").await.json;
    assert_eq!((&made["email"], &made["status"], &made["second_factor"]), (&"eve@shop.example".into(), &"invited".into(), &Value::Null));
    let text = made["invitation"].as_str().unwrap().to_owned();
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(admin.live("GET", &format!("/v1/users/{id}"), "").await.json["invitation"], Value::Null);
    let taken = Browser::new(&shop.api).post("/invitation", &format!("invitation={text}&password={PASSWORD}")).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.json);
    let twice = Browser::new(&shop.api).post("/invitation", &format!("invitation={text}&password={PASSWORD}")).await;
    refused(&twice, StatusCode::BAD_REQUEST, "invitation_invalid");
    let first = admin.live("GET", "/v1/users?limit=1", "").await.json;
    assert_eq!((&first["data"][0]["id"], &first["has_more"]), (&id.as_str().into(), &true.into()));
    let rest = admin.live("GET", &format!("/v1/users?starting_after={id}"), "").await.json;
    assert_eq!((&rest["data"][0]["id"], &rest["has_more"]), (&admin_id.as_str().into(), &false.into()));
    refused(&admin.live("POST", "/v1/users", "email=x@shop.example&role=owner").await, FORBIDDEN, "role_too_low");
    refused(&admin.ask("POST", "/v1/users", &[], "email=x@shop.example&role=support").await, FORBIDDEN, "live_mode_required");
    for (form, param) in [("email=x&role=support", "email"), ("email=x@shop.example&role=root", "role"), ("role=support", "email")] {
        let reply = admin.live("POST", "/v1/users", form).await;
        assert_eq!((reply.status, &reply.json["error"]["param"]), (StatusCode::BAD_REQUEST, &param.into()), "{form}: {}", reply.json);
    }
    let rows = admin.live("GET", "/v1/audit_log?action=user.invite&actor[type]=user", "").await.json;
    assert_eq!((&rows["data"][0]["actor"]["id"], &rows["data"][0]["changes"][0]["id"]), (&admin_id.as_str().into(), &id.as_str().into()));
    let denied = admin.live("GET", "/v1/audit_log?action=access.deny&actor[type]=user", "").await.json;
    assert_eq!((&denied["data"][0]["result"], &denied["data"][1]["result"]), (&"role_too_low".into(), &Value::Null), "{denied}");
}

#[tokio::test]
async fn from_one_address_so_many_log_ins_fail_a_minute() {
    let shop = Shop::at("http://127.0.0.1:1", &Rules { failures: NonZeroU32::new(3), ..Rules::default() }).await;
    shop.invite("ada@shop.example", Role::Owner).await;
    let try_from = async |from: &str, password: &str| {
        let address: std::net::SocketAddr = format!("{from}:40000").parse().unwrap();
        let request = http::Request::post("/session").header("content-type", "application/x-www-form-urlencoded");
        let request = request.extension(axum::extract::ConnectInfo(address));
        let body = axum::body::Body::from(format!("email=ada@shop.example&password={password}"));
        tower::ServiceExt::oneshot(shop.api.clone(), request.body(body).unwrap()).await.unwrap()
    };
    let mut statuses = Vec::new();
    for n in 0..4 {
        statuses.push(try_from("192.0.2.1", &format!("wrong+{n}")).await.status().as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 429]);
    assert!(try_from("192.0.2.1", PASSWORD).await.headers().contains_key("retry-after"));
    assert_eq!(try_from("192.0.2.2", PASSWORD).await.status(), StatusCode::OK);
}
