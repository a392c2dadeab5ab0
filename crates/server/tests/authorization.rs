//! Every operation with every kind of credential: what opens what, and what each is told. Made of the table of operations, so that
//! one without a place here fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::large_futures)]

mod common;

use std::collections::BTreeMap;

use axum::Router;
use bursar::compose::{Composed, compose};
use bursar::serve;
use common::people::Browser;
use common::{KEY, Reply, made, pay, send};
use domain::account::ApiKeyKind;
use domain::currency::Currency;
use domain::permission::{Access, Permissions, Resource};
use domain::scope::{Mode, Scope};
use domain::user::Role;
use http::StatusCode;
use payments::By;
use payments::accounts::{NewAccount, NewKey};

/// What opens an operation, besides a secret key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    /// Nothing but a key of the platform, which opens nothing else unless it speaks for a merchant.
    Platform,
    /// Nothing but a secret key, and people with this access.
    SecretOnly(Resource, Access),
    /// A restricted key with this access.
    Restricted(Resource, Access),
    /// That, and any publishable key.
    Browsers(Resource, Access),
    /// That, and a publishable key with the client secret.
    ClientSecret(Resource, Access),
}

/// Where each operation belongs. Whoever adds one says here what opens it.
fn place(method: &str, template: &str) -> For {
    use Access::{Read, Write};
    use Resource::{
        Account, ApiKeys, AuditLog, Balance, Charges, Customers, Events, OpenOperations, PaymentIntents, PaymentMethods, Refunds,
        SetupIntents, Tokens, Users, WebhookEndpoints,
    };
    let access = if method == "GET" { Read } else { Write };
    let rest = template.strip_prefix("/v1/").unwrap();
    match (method, rest) {
        ("GET", "payment_intents/{intent}") | ("POST", "payment_intents/{intent}/confirm") => For::ClientSecret(PaymentIntents, access),
        ("GET", "setup_intents/{intent}") | ("POST", "setup_intents/{intent}/confirm") => For::ClientSecret(SetupIntents, access),
        ("POST", "payment_methods") => For::Browsers(PaymentMethods, Write),
        ("POST", "tokens") => For::Browsers(Tokens, Write),
        _ => match rest.split('/').next().unwrap() {
            "account" => For::Restricted(Account, access),
            "accounts" => For::Platform,
            "api_keys" => For::SecretOnly(ApiKeys, access),
            "audit_log" => For::Restricted(AuditLog, access),
            "balance" | "balance_transactions" => For::Restricted(Balance, access),
            "charges" => For::Restricted(Charges, access),
            "customers" => For::Restricted(Customers, access),
            "events" => For::Restricted(Events, access),
            "open_operations" => For::Restricted(OpenOperations, access),
            "payment_intents" => For::Restricted(PaymentIntents, access),
            "payment_methods" => For::Restricted(PaymentMethods, access),
            "refunds" => For::Restricted(Refunds, access),
            "setup_intents" => For::Restricted(SetupIntents, access),
            "tokens" => For::Restricted(Tokens, access),
            "users" => For::SecretOnly(Users, access),
            "webhook_endpoints" => For::Restricted(WebhookEndpoints, access),
            other => panic!("say who may use {other}"),
        },
    }
}

struct World {
    api: Router,
    composed: Composed,
    publishable: String,
    /// Real ids, by what paths call them.
    ids: BTreeMap<&'static str, String>,
}

impl World {
    async fn open() -> Self {
        let settings = common::settings();
        let composed = compose(&settings).await.unwrap();
        let keys = serve::first_shop(&composed.app.platform, Some(KEY)).await.unwrap().unwrap();
        let api = serve::router(&composed);
        let account = composed.app.platform.all_accounts().await.unwrap()[0].id;
        let id = |value: serde_json::Value| value["id"].as_str().unwrap().to_owned();
        let payment = pay(&api, 2000, "usd").await;
        let charge = payment["latest_charge"].as_str().unwrap().to_owned();
        let event = common::get(&api, "/v1/events?limit=1").await.json["data"][0]["id"].as_str().unwrap().to_owned();
        let entry = common::get(&api, "/v1/audit_log?limit=1").await.json["data"][0]["id"].as_str().unwrap().to_owned();
        let line = common::get(&api, "/v1/balance_transactions?limit=1").await.json["data"][0]["id"].as_str().unwrap().to_owned();
        let ids = BTreeMap::from([
            ("accounts", composed.app.platform.all_accounts().await.unwrap()[0].id.to_string()),
            ("payment_intents", id(payment)),
            ("charges", charge),
            ("events", event),
            ("audit_log", entry),
            ("balance_transactions", line),
            ("setup_intents", id(made(&api, "/v1/setup_intents", "").await)),
            ("customers", id(made(&api, "/v1/customers", "").await)),
            ("payment_methods", id(made(&api, "/v1/payment_methods", "type=card&card[token]=tok_visa").await)),
            ("tokens", "tok_00000000000000000000000000".to_owned()),
            ("refunds", "re_00000000000000000000000000".to_owned()),
            ("open_operations", "pa_00000000000000000000000000".to_owned()),
            ("api_keys", id(made(&api, "/v1/api_keys", "permissions[refunds]=read").await)),
            ("users", common::people::invite(&api, &composed.app, account, ("ada@shop.example", Role::Owner)).await),
            ("webhook_endpoints", id(made(&api, "/v1/webhook_endpoints", "url=https://shop.example&enabled_events[]=*").await)),
        ]);
        Self { api, composed, publishable: keys.publishable, ids }
    }

    fn path(&self, template: &str) -> String {
        let (start, rest) = template.split_once('{').map_or((template, ""), |(start, rest)| (start, rest));
        if rest.is_empty() {
            return template.to_owned();
        }
        let of = template.trim_start_matches("/v1/").split('/').next().unwrap();
        let rest = rest.split_once('}').unwrap().1.replace("{payment_method}", "pm_00000000000000000000000000");
        format!("{start}{}{rest}", self.ids[of])
    }

    async fn ask(&self, method: &str, template: &str, key: Option<&str>) -> Reply {
        let bearer = key.map(|key| format!("Bearer {key}"));
        let headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        // What is asked for makes no sense, so that nothing is done where the key opens it.
        let form = if method == "GET" { "" } else { "no_such_parameter=1" };
        send(&self.api, method, &self.path(template), &headers, form).await
    }

    fn by() -> By {
        By::operator("test")
    }

    async fn key(&self, scope: Scope, kind: ApiKeyKind, permissions: Permissions) -> String {
        let new = NewKey { kind, permissions, allowed_from: Vec::new() };
        self.composed.app.platform.create_key_of(&Self::by(), scope, new, None).await.unwrap().1
    }

    async fn scope(&self) -> Scope {
        Scope { account: self.composed.app.platform.all_accounts().await.unwrap()[0].id, mode: Mode::Test }
    }
}

fn opened(reply: &Reply) -> bool {
    !matches!(reply.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

#[tokio::test]
async fn every_operation_is_opened_by_what_is_to_open_it_and_by_nothing_else() {
    let world = World::open().await;
    let scope = world.scope().await;
    let mut restricted = BTreeMap::new();
    for resource in Resource::ALL.iter().filter(|resource| resource.is_for_keys()) {
        for access in [Access::Read, Access::Write] {
            restricted.insert((*resource, access), world.key(scope, ApiKeyKind::Restricted, Permissions::of([(*resource, access)])).await);
        }
    }
    let platform = world.key(Scope::PLATFORM, ApiKeyKind::Platform, Permissions::default()).await;
    let mut operations = 0;
    for (method, template) in bursar::api::operations() {
        operations += 1;
        let needs = place(method, template);
        let what = format!("{method} {template}");
        let is_platform = needs == For::Platform;
        let refused = |reply: &Reply, code: &str| {
            assert_eq!((reply.status, &reply.json["error"]["code"]), (StatusCode::FORBIDDEN, &code.into()), "{what}");
        };
        let secret = world.ask(method, template, Some(KEY)).await;
        let by_platform = world.ask(method, template, Some(&platform)).await;
        if is_platform {
            assert!(opened(&by_platform), "{what}: a key of the platform opens it");
            refused(&secret, "platform_key_required");
        } else {
            refused(&by_platform, "account_required");
            assert!(opened(&secret), "{what}: a secret key opens it");
        }
        for (wrong, code) in [(None, None), (Some("sk_test_nobody"), Some("api_key_invalid"))] {
            let reply = world.ask(method, template, wrong).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{what}");
            assert_eq!(reply.json["error"]["code"].as_str(), code, "{what}");
        }
        let browser = world.ask(method, template, Some(&world.publishable)).await;
        match needs {
            For::Browsers(..) => assert!(opened(&browser), "{what}"),
            // Without the client secret it is told that this is missing.
            For::ClientSecret(..) => assert_eq!(browser.json["error"]["param"], "client_secret", "{what}"),
            For::Platform => refused(&browser, "platform_key_required"),
            For::SecretOnly(..) | For::Restricted(..) => refused(&browser, "secret_key_required"),
        }
        for ((resource, access), key) in &restricted {
            let reply = world.ask(method, template, Some(key)).await;
            let opens = match needs {
                For::SecretOnly(..) | For::Platform => false,
                For::Restricted(needed, least) | For::Browsers(needed, least) | For::ClientSecret(needed, least) => {
                    *resource == needed && *access >= least
                }
            };
            assert_eq!(opened(&reply), opens, "{what} with {resource:?} {access:?}: {}", reply.json);
            if !opens {
                refused(
                    &reply,
                    match needs {
                        For::Platform => "platform_key_required",
                        For::SecretOnly(..) => "secret_key_required",
                        For::Restricted(..) | For::Browsers(..) | For::ClientSecret(..) => "permission_missing",
                    },
                );
            }
        }
    }
    assert!(operations > 50, "{operations}");
}

/// What each role may do with live data, from owner to analyst: `w` to change, `r` to read, `-` for nothing; as the documentation
/// has it.
const ROLES: [(Resource, &str); 15] = [
    (Resource::Account, "wwrrr"),
    (Resource::ApiKeys, "www--"),
    (Resource::AuditLog, "wwr--"),
    (Resource::Balance, "wwr-r"),
    (Resource::Charges, "wwrrr"),
    (Resource::Customers, "wwrwr"),
    (Resource::Events, "wwwrr"),
    (Resource::OpenOperations, "wwrrr"),
    (Resource::PaymentIntents, "wwrrr"),
    (Resource::PaymentMethods, "wwrrr"),
    (Resource::Refunds, "wwrwr"),
    (Resource::SetupIntents, "wwrrr"),
    (Resource::Tokens, "wwr--"),
    (Resource::Users, "ww---"),
    (Resource::WebhookEndpoints, "www--"),
];

/// Whether somebody with that role, the first of [`Role::ALL`] being 0, may do that.
fn role_may(role: usize, mode: Mode, resource: Resource, access: Access) -> bool {
    // With test data developers may do everything but look after people.
    if Role::ALL[role] == Role::Developer && mode == Mode::Test && resource != Resource::Users {
        return true;
    }
    let letters = ROLES.iter().find(|(each, _)| *each == resource).unwrap().1;
    match letters.as_bytes()[role] {
        b'w' => true,
        b'r' => access == Access::Read,
        _ => false,
    }
}

#[tokio::test]
async fn every_operation_is_opened_by_the_roles_that_are_to_open_it_and_by_no_other() {
    let world = World::open().await;
    let account = world.scope().await.account;
    let mut tried = 0;
    for (index, role) in Role::ALL.into_iter().enumerate() {
        let mut person = Browser::with_factor(&world.api, &world.composed.app, account, role).await;
        for (method, template) in bursar::api::operations() {
            for mode in [Mode::Test, Mode::Live] {
                let form = if method == "GET" { "" } else { "no_such_parameter=1" };
                let reply = person.ask(method, &world.path(template), &[("bursar-mode", &mode.to_string())], form).await;
                let what = format!("{method} {template} by {role:?} in {mode}: {}", reply.json);
                let (opens, code) = match place(method, template) {
                    For::Platform => (false, "platform_key_required"),
                    For::SecretOnly(resource, access)
                    | For::Restricted(resource, access)
                    | For::Browsers(resource, access)
                    | For::ClientSecret(resource, access) => (role_may(index, mode, resource, access), "permission_missing"),
                };
                assert_eq!(opened(&reply), opens, "{what}");
                match (opens, method) {
                    (false, _) => assert_eq!((reply.status, &reply.json["error"]["code"]), (StatusCode::FORBIDDEN, &code.into()), "{what}"),
                    (true, "GET") => assert!(matches!(reply.status, StatusCode::OK | StatusCode::NOT_FOUND), "{what}"),
                    (true, _) => assert!(reply.status.is_client_error(), "{what}"),
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "{tried}");
}

#[tokio::test]
async fn keys_of_another_account_or_mode_find_nothing_of_this_one() {
    let world = World::open().await;
    let scope = world.scope().await;
    let new = NewAccount {
        name: "Other".to_owned(),
        email: None,
        country: "US".to_owned(),
        default_currency: Currency::Usd,
        statement_descriptor: None,
    };
    let other = world.composed.app.platform.create_account(&World::by(), &new).await.unwrap();
    let scopes = [Scope { account: other.id, mode: Mode::Test }, Scope { mode: Mode::Live, ..scope }];
    let of_one = |(method, template): &(&str, &str)| *method == "GET" && template.contains('{') && !template.starts_with("/v1/accounts");
    for scope in scopes {
        let key = world.key(scope, ApiKeyKind::Secret, Permissions::default()).await;
        // People are the account's in both modes.
        let of_account = |template: &str| template.starts_with("/v1/users") && scope.account != other.id;
        for (method, template) in bursar::api::operations().filter(of_one).filter(|(_, template)| !of_account(template)) {
            let reply = world.ask(method, template, Some(&key)).await;
            assert_eq!(reply.status, StatusCode::NOT_FOUND, "{template} with {scope:?}: {}", reply.json);
        }
    }
}

async fn with(world: &World, key: &str, method: &str, path: &str, form: &str) -> Reply {
    send(&world.api, method, path, &[("authorization", &format!("Bearer {key}"))], form).await
}

#[tokio::test]
async fn a_restricted_key_does_what_it_may_over_the_api_and_is_rolled_and_revoked() {
    let world = World::open().await;
    let form = "permissions[refunds]=write&permissions[charges]=read";
    let key = made(&world.api, "/v1/api_keys", form).await;
    let (id, secret) = (key["id"].as_str().unwrap(), key["secret"].as_str().unwrap());
    assert!(secret.starts_with("rk_test_"), "{secret}");
    assert_eq!((&key["kind"], &key["permissions"]), (&"restricted".into(), &serde_json::json!({"charges": "read", "refunds": "write"})));
    assert_eq!(with(&world, secret, "GET", "/v1/charges", "").await.status, StatusCode::OK);
    let refund = format!("charge={}&amount=100", world.ids["charges"]);
    assert_eq!(with(&world, secret, "POST", "/v1/refunds", &refund).await.status, StatusCode::OK);
    for (path, opens) in [("/v1/refunds?expand[]=data.charge", true), ("/v1/charges?expand[]=data.customer", false)] {
        let reply = with(&world, secret, "GET", path, "").await;
        assert_eq!(reply.status == StatusCode::OK, opens, "{path}: {}", reply.json);
    }
    let denied = with(&world, secret, "POST", "/v1/customers", "").await;
    assert_eq!(denied.json["error"]["message"], "The API key is restricted: this operation needs write access to customers.");

    let again = || common::call(&world.api, "POST", "/v1/api_keys", form, Some("once"));
    let (first, second) = (again().await.json, again().await.json);
    assert!(first["id"] == second["id"] && first["secret"].is_string() && second["secret"].is_null(), "{second}");

    let rolled = made(&world.api, &format!("/v1/api_keys/{id}/roll"), "expires_in=600").await;
    let fresh = rolled["secret"].as_str().unwrap();
    assert!(fresh != secret && rolled["permissions"] == key["permissions"] && rolled["expires_at"].is_null());
    for key in [secret, fresh] {
        assert_eq!(with(&world, key, "GET", "/v1/charges", "").await.status, StatusCode::OK);
    }
    let old = common::get(&world.api, &format!("/v1/api_keys/{id}")).await.json;
    assert!(old["expires_at"].is_i64() && old["secret"].is_null(), "{old}");
    let at_once = made(&world.api, &format!("/v1/api_keys/{}/roll", rolled["id"].as_str().unwrap()), "expires_in=0").await;
    // One that no server remembers, which they do for two seconds.
    made(&world.api, &format!("/v1/api_keys/{}/roll", first["id"].as_str().unwrap()), "expires_in=0").await;
    let expired = with(&world, first["secret"].as_str().unwrap(), "GET", "/v1/charges", "").await;
    assert_eq!((expired.status, &expired.json["error"]["code"]), (StatusCode::UNAUTHORIZED, &"api_key_expired".into()));
    world.composed.app.platform.note_key_uses().await.unwrap();
    let used = common::get(&world.api, &format!("/v1/api_keys/{id}")).await.json;
    assert!(used["last_used"].is_i64(), "{used}");
    let revoked = common::call(&world.api, "DELETE", &format!("/v1/api_keys/{}", at_once["id"].as_str().unwrap()), "", None).await;
    assert!(revoked.json["revoked_at"].is_i64());
    let gone = with(&world, at_once["secret"].as_str().unwrap(), "GET", "/v1/charges", "").await;
    assert_eq!((gone.status, &gone.json["error"]["code"]), (StatusCode::UNAUTHORIZED, &"api_key_invalid".into()));
    let listed = common::listed(&world.api, "/v1/api_keys", "kind").await;
    assert_eq!(listed.iter().filter(|kind| *kind == "restricted").count(), 6);
}

#[tokio::test]
async fn what_a_key_cannot_be_is_refused_by_the_name_of_the_parameter() {
    let world = World::open().await;
    for (form, param) in [
        ("", "permissions"),
        ("kind=other", "kind"),
        ("permissions[nothing]=read", "permissions[nothing]"),
        ("permissions[refunds]=all", "permissions[refunds]"),
        ("kind=secret&permissions[refunds]=read", "permissions"),
        ("permissions[refunds]=read&allowed_from[]=here", "allowed_from[0]"),
    ] {
        let reply = common::post(&world.api, "/v1/api_keys", form).await;
        assert_eq!((reply.status, &reply.json["error"]["param"]), (StatusCode::BAD_REQUEST, &param.into()), "{form}: {}", reply.json);
    }
}

#[tokio::test]
async fn a_key_that_is_bound_to_a_network_opens_nothing_from_elsewhere() {
    let world = World::open().await;
    let key = made(&world.api, "/v1/api_keys", "kind=secret&allowed_from[]=192.0.2.0/24&allowed_from[]=198.51.100.7").await;
    assert_eq!(key["allowed_from"], serde_json::json!(["192.0.2.0/24", "198.51.100.7/32"]));
    let secret = key["secret"].as_str().unwrap();
    // Requests of tests come from nowhere.
    let elsewhere = with(&world, secret, "GET", "/v1/charges", "").await;
    assert_eq!((elsewhere.status, &elsewhere.json["error"]["code"]), (StatusCode::FORBIDDEN, &"ip_not_allowed".into()));
}

#[tokio::test]
async fn who_was_denied_what_is_in_the_audit_trail() {
    let world = World::open().await;
    let restricted = made(&world.api, "/v1/api_keys", "permissions[refunds]=read").await;
    let bound = made(&world.api, "/v1/api_keys", "kind=secret&allowed_from[]=192.0.2.0/24").await;
    let scope = world.scope().await;
    let secret = |key: &serde_json::Value| key["secret"].as_str().unwrap().to_owned();
    for (key, method, path) in [
        (secret(&restricted), "POST", "/v1/customers"),
        (secret(&restricted), "POST", "/v1/customers"),
        (secret(&bound), "GET", "/v1/charges"),
        (world.publishable.clone(), "GET", "/v1/charges"),
        ("sk_test_nobody".to_owned(), "GET", "/v1/charges"),
    ] {
        with(&world, &key, method, path, "").await;
    }
    let rows = common::get(&world.api, "/v1/audit_log?limit=3").await.json;
    let told = |row: &serde_json::Value| {
        assert_eq!((&row["action"], &row["changes"]), (&"access.deny".into(), &serde_json::json!([])), "{row}");
        [&row["actor"]["type"], &row["actor"]["id"], &row["result"], &row["note"]].map(|part| part.as_str().unwrap_or("-").to_owned())
    };
    let publishable = world.composed.app.platform.find_key(&world.publishable).await.unwrap().unwrap().id.to_string();
    // The latest first; the same denial once. What a key may not do at all is not looked at further than the key.
    let expected = [
        ["publishable_key", &publishable, "secret_key_required", "GET /v1/charges"],
        ["api_key", bound["id"].as_str().unwrap(), "ip_not_allowed", "-"],
        ["api_key", restricted["id"].as_str().unwrap(), "permission_missing", "POST /v1/customers"],
    ];
    assert_eq!(rows["data"].as_array().unwrap().iter().map(told).collect::<Vec<_>>(), expected);

    let platform = store::List::all(Scope::PLATFORM, store::Index::AuditEntries);
    let store = world.composed.app.platform.store();
    let last = store.scan(store::Scan::newest(platform, 1)).await.unwrap()[0];
    let row = world.composed.app.platform.find::<domain::audit::AuditEntry>(Scope::PLATFORM, last).await.unwrap().unwrap().value;
    assert_eq!((row.actor, row.result.as_str()), (domain::audit::Actor::Unknown, "api_key_invalid"));
    assert!(scope != Scope::PLATFORM);
}

#[tokio::test]
async fn whoever_runs_the_platform_makes_merchants_and_speaks_for_each() {
    let world = World::open().await;
    let key = world.key(Scope::PLATFORM, ApiKeyKind::Platform, Permissions::default()).await;
    assert!(key.starts_with("sk_platform_"), "{key}");
    let form = "country=DE&default_currency=eur&business_profile[name]=Corner shop&email=shop@example.com\
        &settings[payments][statement_descriptor]=CORNER SHOP";
    let made = with(&world, &key, "POST", "/v1/accounts", form).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.json);
    let id = made.json["id"].as_str().unwrap();
    assert_eq!((&made.json["country"], &made.json["default_currency"]), (&"DE".into(), &"eur".into()));
    let merchants = with(&world, &key, "GET", "/v1/accounts?limit=1", "").await.json;
    assert_eq!((&merchants["data"][0]["id"], &merchants["has_more"]), (&id.into(), &true.into()));

    let bearer = format!("Bearer {key}");
    let speak = async |method: &str, path: &str, account: &str, mode: &str, form: &str| {
        let headers = [("authorization", bearer.as_str()), ("stripe-account", account), ("bursar-mode", mode)];
        send(&world.api, method, path, &headers, form).await
    };
    let made = speak("POST", "/v1/api_keys", id, "test", "kind=secret").await.json;
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("sk_test_"), "{secret}");
    assert_eq!(with(&world, secret, "GET", "/v1/account", "").await.json["id"], id);
    assert_eq!(speak("POST", "/v1/customers", id, "test", "").await.status, StatusCode::OK);
    let count = async |mode: &str| speak("GET", "/v1/customers", id, mode, "").await.json["data"].as_array().unwrap().len();
    assert_eq!((count("test").await, count("live").await), (1, 0));
    let row = speak("GET", "/v1/audit_log?limit=1", id, "test", "").await.json["data"][0].clone();
    let platforms = world.composed.app.platform.find_key(&key).await.unwrap().unwrap().id.to_string();
    assert_eq!((&row["action"], &row["actor"]["id"]), (&"customer.create".into(), &platforms.into()));

    let renamed = with(&world, &key, "POST", &format!("/v1/accounts/{id}"), "business_profile[name]=Other&email=").await.json;
    assert_eq!((&renamed["business_profile"]["name"], &renamed["email"]), (&"Other".into(), &serde_json::Value::Null));
    assert_eq!(renamed["settings"]["payments"]["statement_descriptor"], "CORNER SHOP");
    assert_eq!(with(&world, secret, "GET", "/v1/account", "").await.json["business_profile"]["name"], "Other");

    // Nobody else speaks for a merchant that is not their own, nor for theirs in the other mode.
    for other in [KEY, &world.publishable] {
        let bearer = format!("Bearer {other}");
        let headers = [("authorization", bearer.as_str()), ("stripe-account", id), ("bursar-mode", "test")];
        let reply = send(&world.api, "GET", "/v1/customers", &headers, "").await;
        assert_eq!((reply.status, &reply.json["error"]["code"]), (StatusCode::FORBIDDEN, &"account_invalid".into()), "{}", reply.json);
    }
    let (own, bearer_of_shop) = (world.scope().await.account.to_string(), format!("Bearer {KEY}"));
    let headers = [("authorization", bearer_of_shop.as_str()), ("stripe-account", own.as_str()), ("bursar-mode", "live")];
    let reply = send(&world.api, "GET", "/v1/payment_intents", &headers, "").await.json;
    assert_eq!(reply["data"][0]["livemode"], false, "what a key says of the mode, no header changes");

    let nobody = "acct_00000000000000000000000000";
    for (account, mode, status) in
        [(nobody, "test", StatusCode::FORBIDDEN), (id, "both", StatusCode::BAD_REQUEST), ("x", "test", StatusCode::FORBIDDEN)]
    {
        assert_eq!(speak("GET", "/v1/customers", account, mode, "").await.status, status, "{account} {mode}");
    }
    assert_eq!(speak("GET", "/v1/accounts", id, "test", "").await.status, StatusCode::FORBIDDEN, "a merchant sees no other");
    for (form, param) in [
        ("country=DE", "business_profile"),
        ("country=de&business_profile[name]=A", "country"),
        ("country=DE&business_profile[name]=", "business_profile[name]"),
        ("country=DE&business_profile[name]=A&email=nowhere", "email"),
        ("country=DE&business_profile[name]=A&default_currency=xxy", "default_currency"),
        ("country=DE&business_profile[name]=A&settings[payments][statement_descriptor]=A", "statement_descriptor"),
    ] {
        let reply = with(&world, &key, "POST", "/v1/accounts", form).await;
        assert_eq!((reply.status, &reply.json["error"]["param"]), (StatusCode::BAD_REQUEST, &param.into()), "{form}: {}", reply.json);
    }
}
