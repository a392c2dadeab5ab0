//! What each kind of key opens, on what terms, and what a browser sees.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use axum::Router;
use bursar::compose::compose;
use bursar::serve;
use common::{KEY, Reply, made, send};
use http::StatusCode;
use serde_json::{Value, json};

struct Shop {
    router: Router,
    publishable: String,
}

impl Shop {
    async fn open() -> Self {
        let settings = common::settings();
        let composed = compose(&settings).await.unwrap();
        let keys = serve::first_shop(&composed.app.platform, Some(KEY)).await.unwrap().unwrap();
        Self { router: serve::router(&composed), publishable: keys.publishable }
    }

    async fn browser(&self, method: &str, path: &str, form: &str) -> Reply {
        send(&self.router, method, path, &[("authorization", &format!("Bearer {}", self.publishable))], form).await
    }

    async fn shop(&self, method: &str, path: &str, form: &str) -> Reply {
        send(&self.router, method, path, &[("authorization", &format!("Bearer {KEY}"))], form).await
    }

    async fn with(&self, header: &str, value: &str) -> Reply {
        send(&self.router, "GET", "/v1/account", &[("authorization", &format!("Bearer {KEY}")), (header, value)], "").await
    }

    /// A payment and a set-up of a customer's, with notes: everything a browser is not to see.
    async fn intents(&self) -> [Value; 2] {
        let customer = made(&self.router, "/v1/customers", "name=Ada").await["id"].as_str().unwrap().to_owned();
        let form = format!("customer={customer}&metadata[margin]=12&payment_method_types[]=card");
        let payment = format!("amount=500&currency=usd&statement_descriptor_suffix=X&{form}");
        [made(&self.router, "/v1/payment_intents", &payment).await, made(&self.router, "/v1/setup_intents", &form).await]
    }
}

fn path_of(intent: &Value) -> String {
    format!("/v1/{}s/{}", intent["object"].as_str().unwrap(), intent["id"].as_str().unwrap())
}

fn secret_of(intent: &Value) -> String {
    format!("client_secret={}", intent["client_secret"].as_str().unwrap())
}

#[tokio::test]
async fn a_publishable_key_opens_four_operations_on_intents_and_two_on_cards_and_nothing_else() {
    let (shop, platform) = (Shop::open().await, common::shop().await);
    let mut opened = Vec::new();
    for (method, template) in bursar::api::operations() {
        let path = template.replace(['{', '}'], "");
        let anonymous = send(&shop.router, method, &path, &[], "").await.status;
        assert_eq!(anonymous, StatusCode::UNAUTHORIZED, "{method} {template} without a key");
        // Merchants are made by whoever runs the platform: no key of a shop opens that.
        let with_secret = common::call(&platform, method, &path, "", None).await.status;
        assert!(![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&with_secret), "{method} {template}: {with_secret}");
        if shop.browser(method, &path, "").await.status != StatusCode::FORBIDDEN {
            opened.push(format!("{method} {template}"));
        }
    }
    opened.sort();
    let expected = [
        "GET /v1/payment_intents/{intent}",
        "GET /v1/setup_intents/{intent}",
        "POST /v1/payment_intents/{intent}/confirm",
        "POST /v1/payment_methods",
        "POST /v1/setup_intents/{intent}/confirm",
        "POST /v1/tokens",
    ];
    assert_eq!(opened, expected);
}

#[tokio::test]
async fn a_browser_needs_the_intents_own_secret() {
    let shop = Shop::open().await;
    let [payment, setup] = shop.intents().await;
    let [other, _] = shop.intents().await;
    for intent in [&payment, &setup] {
        for (method, path) in [("GET", path_of(intent)), ("POST", format!("{}/confirm", path_of(intent)))] {
            let ask = async |secret: &str| match method {
                "GET" => shop.browser("GET", &format!("{path}?{secret}"), "").await,
                _ => shop.browser("POST", &path, secret).await,
            };
            let missing = ask("").await;
            assert_eq!((missing.status, &missing.json["error"]["code"]), (StatusCode::BAD_REQUEST, &json!("parameter_missing")), "{path}");
            let real = secret_of(intent);
            for wrong in [secret_of(&other), real[..real.len() - 1].to_owned(), format!("{real}0"), "client_secret=x".to_owned()] {
                let refused = ask(&wrong).await;
                assert_eq!(
                    (refused.status, &refused.json["error"]["param"]),
                    (StatusCode::BAD_REQUEST, &json!("client_secret")),
                    "{path} {wrong}"
                );
            }
        }
        let path = format!("{}?{}", path_of(intent), secret_of(intent));
        assert_eq!(shop.browser("GET", &path, "").await.json["id"], intent["id"]);
        assert_eq!(shop.shop("GET", &format!("{}?client_secret=x", path_of(intent)), "").await.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_browser_confirms_and_sees_nothing_of_customer_notes_or_charge() {
    let shop = Shop::open().await;
    for intent in shop.intents().await {
        let form = format!("{}&payment_method=pm_card_visa&expand[]=payment_method", secret_of(&intent));
        let confirmed = shop.browser("POST", &format!("{}/confirm", path_of(&intent)), &form).await.json;
        assert_eq!(confirmed["status"], "succeeded", "{confirmed}");
        let full = shop.shop("GET", &path_of(&intent), "").await.json;
        assert_eq!((&full["metadata"]["margin"], full["customer"].is_string()), (&json!("12"), true));
        for hidden in ["customer", "latest_charge", "latest_attempt", "statement_descriptor_suffix", "payment_method_options"] {
            assert_eq!(confirmed.get(hidden).unwrap_or(&Value::Null), &Value::Null, "{hidden}");
        }
        let method = &confirmed["payment_method"];
        assert_eq!((&confirmed["metadata"], &method["customer"], &method["card"]["fingerprint"]), (&json!({}), &Value::Null, &Value::Null));
    }
}

#[tokio::test]
async fn a_card_refused_in_a_browser_tells_it_no_more() {
    let shop = Shop::open().await;
    for intent in shop.intents().await {
        let form = format!("{}&payment_method=pm_card_visa_chargeDeclined", secret_of(&intent));
        let refused = shop.browser("POST", &format!("{}/confirm", path_of(&intent)), &form).await;
        assert_eq!(refused.status, StatusCode::PAYMENT_REQUIRED);
        let shown = &refused.json["error"][intent["object"].as_str().unwrap()];
        assert_eq!((&shown["customer"], &shown["metadata"]), (&Value::Null, &json!({})));
        let again = shop.browser("POST", &format!("{}/confirm", path_of(&intent)), &secret_of(&intent)).await;
        assert!(!again.json.to_string().contains("margin"), "{}", again.json);
    }
}

#[tokio::test]
async fn a_browser_cannot_decide_what_the_shop_did() {
    let shop = Shop::open().await;
    let [payment, _] = shop.intents().await;
    let path = format!("{}/confirm", path_of(&payment));
    for (param, value) in [
        ("off_session", "true"),
        ("capture_method", "manual"),
        ("error_on_requires_action", "true"),
        ("payment_method_options[card][request_three_d_secure]", "automatic"),
    ] {
        let form = format!("{}&payment_method=pm_card_visa&{param}={value}", secret_of(&payment));
        let refused = shop.browser("POST", &path, &form).await;
        let named = param.split('[').next().unwrap();
        assert_eq!((refused.status, &refused.json["error"]["param"]), (StatusCode::BAD_REQUEST, &json!(named)));
    }
    let form = "amount=500&currency=usd&confirmation_method=manual";
    let manual = made(&shop.router, "/v1/payment_intents", form).await;
    let form = format!("{}&payment_method=pm_card_visa", secret_of(&manual));
    assert_eq!(shop.browser("POST", &format!("{}/confirm", path_of(&manual)), &form).await.status, StatusCode::FORBIDDEN);
    assert_eq!(shop.shop("POST", &format!("{}/confirm", path_of(&manual)), &form).await.json["status"], "succeeded");
}

#[tokio::test]
async fn a_browser_never_gets_what_was_kept_for_the_shop() {
    let shop = Shop::open().await;
    let [payment, _] = shop.intents().await;
    let (path, form) = (format!("{}/confirm", path_of(&payment)), format!("{}&payment_method=pm_card_visa", secret_of(&payment)));
    let under = async |key: &str| {
        send(&shop.router, "POST", &path, &[("authorization", &format!("Bearer {key}")), ("idempotency-key", "one")], &form).await
    };
    let paid = under(KEY).await;
    assert_eq!((&paid.json["status"], paid.json["customer"].is_string()), (&json!("succeeded"), true));
    let told = under(&shop.publishable).await;
    assert_eq!((told.replayed, &told.json["error"]["code"]), (false, &json!("payment_intent_unexpected_state")));
    assert_eq!(told.json["error"]["payment_intent"]["customer"], Value::Null);
    for key in [KEY, &shop.publishable] {
        assert!(under(key).await.replayed);
    }
    assert_eq!(under(KEY).await.bytes, paid.bytes);
}

#[tokio::test]
async fn a_browser_cannot_use_up_a_key_that_the_shop_will_send() {
    let shop = Shop::open().await;
    let under = async |key: &str, path: &str, form: &str| {
        send(&shop.router, "POST", path, &[("authorization", &format!("Bearer {key}")), ("idempotency-key", "order-17")], form).await
    };
    let card = "card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2040";
    let token = under(&shop.publishable, "/v1/tokens", card).await;
    assert_eq!(token.status, StatusCode::OK);
    let pay = "amount=500&currency=usd&payment_method=pm_card_visa&confirm=true";
    let paid = under(KEY, "/v1/payment_intents", pay).await;
    assert_eq!((&paid.json["status"], paid.replayed), (&json!("succeeded"), false));
    let again = under(&shop.publishable, "/v1/tokens", card).await;
    assert_eq!((again.replayed, again.bytes), (true, token.bytes));
    assert_eq!(under(KEY, "/v1/payment_intents", pay).await.bytes, paid.bytes);
}

#[tokio::test]
async fn cards_made_in_a_browser_are_shown_without_what_tells_them_apart() {
    let shop = Shop::open().await;
    let card = "card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2040&card[cvc]=123";
    let token = shop.browser("POST", "/v1/tokens", card).await;
    assert_eq!((token.status, &token.json["card"]["fingerprint"]), (StatusCode::OK, &Value::Null));
    let method = shop.browser("POST", "/v1/payment_methods", &format!("type=card&{card}")).await;
    assert_eq!((method.status, &method.json["card"]["fingerprint"]), (StatusCode::OK, &Value::Null));
    let path = format!("/v1/payment_methods/{}", method.json["id"].as_str().unwrap());
    assert!(shop.shop("GET", &path, "").await.json["card"]["fingerprint"].is_string());
}

#[tokio::test]
async fn every_answer_names_the_version_and_only_real_ones_may_be_asked_for() {
    let shop = Shop::open().await;
    for version in ["2026-10-28.endive", "2024-06-20"] {
        let answer = shop.with("stripe-version", version).await;
        assert_eq!((answer.status, answer.headers["stripe-version"].to_str().unwrap()), (StatusCode::OK, "2026-10-28.endive"));
    }
    for version in ["tomorrow", "2099-01-01"] {
        let refused = shop.with("stripe-version", version).await;
        assert_eq!((refused.status, &refused.json["error"]["type"]), (StatusCode::BAD_REQUEST, &json!("invalid_request_error")));
        assert!(refused.headers.contains_key("stripe-version"));
    }
}

#[tokio::test]
async fn a_key_speaks_for_its_own_account_only() {
    let shop = Shop::open().await;
    let own = shop.shop("GET", "/v1/account", "").await.json["id"].as_str().unwrap().to_owned();
    assert_eq!(shop.with("stripe-account", &own).await.json["id"], *own);
    for other in ["acct_00000000000000000000000000", "acct_1", "x"] {
        let refused = shop.with("stripe-account", other).await;
        assert_eq!((refused.status, &refused.json["error"]["code"]), (StatusCode::FORBIDDEN, &json!("account_invalid")));
    }
}

#[tokio::test]
async fn a_page_elsewhere_may_call_from_its_buyers_browsers() {
    let shop = Shop::open().await;
    let asks = [
        ("origin", "https://shop.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,stripe-version"),
    ];
    let may = send(&shop.router, "OPTIONS", "/v1/payment_methods", &asks, "").await;
    assert_eq!(may.status, StatusCode::OK);
    let header = |reply: &Reply, name: &str| reply.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header(&may, "access-control-allow-origin").as_deref(), Some("*"));
    assert_eq!(header(&may, "access-control-allow-methods").as_deref(), Some("GET,POST,DELETE"));
    assert_eq!(header(&may, "access-control-allow-headers").as_deref(), Some("authorization,content-type,stripe-version"));
    // No page is told to send cookies along: there are none.
    assert_eq!(header(&may, "access-control-allow-credentials"), None);

    let origin = ("origin", "https://shop.example");
    for (key, status) in [(shop.publishable.as_str(), StatusCode::OK), ("pk_test_wrong", StatusCode::UNAUTHORIZED)] {
        let bearer = format!("Bearer {key}");
        let card = "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2040&card[cvc]=123";
        let reply = send(&shop.router, "POST", "/v1/payment_methods", &[origin, ("authorization", &bearer)], card).await;
        assert_eq!((reply.status, header(&reply, "access-control-allow-origin").as_deref()), (status, Some("*")));
        let told = "request-id,idempotent-replayed,stripe-version,retry-after,ratelimit-limit,ratelimit-remaining,ratelimit-reset";
        assert_eq!(header(&reply, "access-control-expose-headers").as_deref(), Some(told));
    }
}

#[tokio::test]
async fn no_answer_is_kept_taken_for_a_page_or_framed() {
    let shop = Shop::open().await;
    let cases = [
        ("GET", "/v1/account", KEY),
        ("GET", "/v1/account", "sk_test_wrong"),
        ("POST", "/v1/nothing", KEY),
        ("GET", "/livez", KEY),
        ("POST", "/livez", KEY),
        ("GET", "/readyz", KEY),
        ("GET", "/redirect/acct_1/test/x", KEY),
    ];
    for (method, path, key) in cases {
        let reply = send(&shop.router, method, path, &[("authorization", &format!("Bearer {key}"))], "").await;
        let header = |name: &str| reply.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(header("cache-control"), ["no-store"], "{method} {path}");
        assert_eq!(header("x-content-type-options"), ["nosniff"], "{method} {path}");
        assert_eq!(header("referrer-policy"), ["no-referrer"], "{method} {path}");
        assert_eq!(header("content-security-policy"), ["default-src 'none'; frame-ancestors 'none'"], "{method} {path}");
    }
    for path in ["/docs", "/docs/app.js", "/openapi.json"] {
        let page = send(&shop.router, "GET", path, &[], "").await;
        let header = |name: &str| page.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!((header("cache-control"), header("x-content-type-options")), (vec!["no-cache"], vec!["nosniff"]), "{path}");
        let is_page = path != "/openapi.json";
        assert_eq!(header("content-security-policy").concat().contains("default-src 'self'"), is_page, "{path}");
    }
}
