//! What a shop says of its objects is kept and shown again, or refused with the parameter's name.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::{get, post, shop};
use http::StatusCode;
use serde_json::{Value, json};

const SHIPPING: &str = "shipping[name]=Ada&shipping[phone]=%2B1555&shipping[carrier]=Post&shipping[tracking_number]=T1\
    &shipping[address][line1]=1+Main+St&shipping[address][country]=US&shipping[address][postal_code]=12345";
const PAY: &str = "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true";

fn shipping() -> Value {
    json!({
        "address": {"city": null, "country": "US", "line1": "1 Main St", "line2": null, "postal_code": "12345", "state": null},
        "carrier": "Post", "name": "Ada", "phone": "+1555", "tracking_number": "T1",
    })
}

#[tokio::test]
async fn what_a_payment_is_told_is_shown_on_it_and_on_its_charge() {
    let shop = shop().await;
    let form =
        format!("{PAY}&{SHIPPING}&receipt_email=ada@example.com&statement_descriptor_suffix=ORDER+17&capture_method=automatic_async");
    let paid = post(&shop, "/v1/payment_intents", &form).await.json;
    assert_eq!((&paid["shipping"], &paid["receipt_email"]), (&shipping(), &json!("ada@example.com")));
    assert_eq!((&paid["status"], &paid["capture_method"]), (&json!("succeeded"), &json!("automatic_async")));
    let charge = get(&shop, &format!("/v1/charges/{}", paid["latest_charge"].as_str().unwrap())).await.json;
    assert_eq!((&charge["shipping"], &charge["statement_descriptor_suffix"]), (&shipping(), &json!("ORDER 17")));
    assert_eq!(charge["calculated_statement_descriptor"], "TEST SHOP* ORDER 17");
    assert_eq!(get(&shop, &format!("/v1/payment_intents/{}", paid["id"].as_str().unwrap())).await.json, paid);
}

#[tokio::test]
async fn a_charges_statement_says_the_merchants_line_unless_the_payment_says_another() {
    let shop = shop().await;
    let account = get(&shop, "/v1/account").await.json;
    assert_eq!(account["settings"]["payments"]["statement_descriptor"], "TEST SHOP");
    assert_eq!(account["settings"]["card_payments"]["statement_descriptor_prefix"], "TEST SHOP");
    for (more, line) in [("", "TEST SHOP"), ("&statement_descriptor=ALL+MINE", "ALL MINE")] {
        let paid = post(&shop, "/v1/payment_intents", &format!("{PAY}{more}&expand[]=latest_charge")).await.json;
        assert_eq!(paid["latest_charge"]["calculated_statement_descriptor"], line);
    }
}

#[tokio::test]
async fn all_enabled_methods_may_pay_unless_the_shop_names_kinds() {
    let shop = shop().await;
    let enabled = |redirects: &str| json!({"allow_redirects": redirects, "enabled": true});
    for (more, expected) in [
        ("", enabled("always")),
        ("&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never", enabled("never")),
        ("&automatic_payment_methods[enabled]=false", Value::Null),
        ("&payment_method_types[]=card", Value::Null),
    ] {
        for (path, form) in [("/v1/payment_intents", "amount=100&currency=usd"), ("/v1/setup_intents", "usage=on_session")] {
            let made = post(&shop, path, &format!("{form}{more}")).await.json;
            assert_eq!((&made["automatic_payment_methods"], &made["payment_method_types"]), (&expected, &json!(["card"])), "{path} {more}");
        }
    }
    let both = "amount=100&currency=usd&automatic_payment_methods[enabled]=true&payment_method_types[]=card";
    assert_eq!(post(&shop, "/v1/payment_intents", both).await.json["error"]["param"], "automatic_payment_methods");
}

#[tokio::test]
async fn authentication_is_asked_for_as_the_shop_chose() {
    let shop = shop().await;
    for (request, status) in [("automatic", "succeeded"), ("any", "requires_action"), ("challenge", "requires_action")] {
        let more = format!("payment_method_options[card][request_three_d_secure]={request}");
        let form = format!("amount=100&currency=usd&payment_method=pm_card_threeDSecureOptional&confirm=true&{more}");
        let paid = post(&shop, "/v1/payment_intents", &form).await.json;
        assert_eq!(paid["payment_method_options"]["card"]["request_three_d_secure"], request);
        assert_eq!(paid["status"], status, "{request}");
        let form = format!("payment_method=pm_card_threeDSecureOptional&confirm=true&{more}");
        let saved = post(&shop, "/v1/setup_intents", &form).await.json;
        assert_eq!(saved["payment_method_options"]["card"]["request_three_d_secure"], request);
        assert_eq!(saved["status"], status, "{request}");
    }
}

#[tokio::test]
async fn a_buyer_who_is_not_to_be_asked_is_refused_instead() {
    let shop = shop().await;
    let form = PAY.replace("pm_card_visa", "pm_card_threeDSecure2Required");
    let refused = post(&shop, "/v1/payment_intents", &format!("{form}&error_on_requires_action=true")).await;
    assert_eq!((refused.status, &refused.json["error"]["code"]), (StatusCode::PAYMENT_REQUIRED, &json!("authentication_required")));
    assert_eq!(refused.json["error"]["payment_intent"]["status"], "requires_payment_method");
}

#[tokio::test]
async fn a_payment_that_the_shop_confirms_by_itself_can_be_confirmed_once_more_to_no_effect() {
    let shop = shop().await;
    for (method, again) in [("manual", StatusCode::OK), ("automatic", StatusCode::BAD_REQUEST)] {
        let paid = post(&shop, "/v1/payment_intents", &format!("{PAY}&confirmation_method={method}")).await.json;
        assert_eq!((&paid["status"], &paid["confirmation_method"]), (&json!("succeeded"), &json!(method)));
        let path = format!("/v1/payment_intents/{}/confirm", paid["id"].as_str().unwrap());
        assert_eq!(post(&shop, &path, "").await.status, again, "{method}");
    }
    assert_eq!(get(&shop, "/v1/charges").await.json["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn updates_and_confirmations_change_what_was_said() {
    let shop = shop().await;
    let form = format!("amount=100&currency=usd&{SHIPPING}&statement_descriptor=FIRST&description=x");
    let made = post(&shop, "/v1/payment_intents", &form).await.json;
    let path = format!("/v1/payment_intents/{}", made["id"].as_str().unwrap());
    let form = "currency=jpy&shipping=&statement_descriptor=&statement_descriptor_suffix=B&description=\
        &payment_method_options[card][request_three_d_secure]=any&payment_method_types[]=card";
    let changed = post(&shop, &path, form).await.json;
    assert_eq!((&changed["amount"], &changed["currency"]), (&json!(100), &json!("jpy")));
    for gone in ["shipping", "statement_descriptor", "description", "automatic_payment_methods"] {
        assert_eq!(changed[gone], Value::Null, "{gone}");
    }
    assert_eq!(changed["payment_method_options"]["card"]["request_three_d_secure"], "any");
    let form = format!("payment_method=pm_card_visa&{SHIPPING}&receipt_email=a@b.co&capture_method=manual&use_stripe_sdk=true");
    let paid = post(&shop, &format!("{path}/confirm"), &form).await.json;
    assert_eq!((&paid["status"], &paid["shipping"]), (&json!("requires_capture"), &shipping()));
    assert_eq!((&paid["receipt_email"], &paid["statement_descriptor_suffix"]), (&json!("a@b.co"), &json!("B")));
    let made = post(&shop, "/v1/payment_intents", &format!("amount=100&currency=usd&{SHIPPING}&receipt_email=a@b.co")).await.json;
    let path = format!("/v1/payment_intents/{}/confirm", made["id"].as_str().unwrap());
    let paid = post(&shop, &path, "payment_method=pm_card_visa&receipt_email=&shipping=").await.json;
    assert_eq!((&paid["status"], &paid["receipt_email"], &paid["shipping"]), (&json!("succeeded"), &Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_customer_keeps_its_address_languages_and_default_card() {
    let shop = shop().await;
    let form = format!(
        "address[city]=Bern&address[country]=CH&{SHIPPING}&preferred_locales[]=de&preferred_locales[]=fr&invoice_prefix=AB12&tax_exempt=exempt"
    );
    let made = post(&shop, "/v1/customers", &form).await.json;
    assert_eq!((&made["address"]["city"], &made["shipping"]), (&json!("Bern"), &shipping()));
    assert_eq!((&made["preferred_locales"], &made["tax_exempt"]), (&json!(["de", "fr"]), &json!("exempt")));
    let id = made["id"].as_str().unwrap();
    let method = post(&shop, "/v1/payment_methods/pm_card_visa/attach", &format!("customer={id}")).await.json;
    let path = format!("/v1/customers/{id}");
    let form =
        format!("invoice_settings[default_payment_method]={}&address=&preferred_locales=&tax_exempt=", method["id"].as_str().unwrap());
    let changed = post(&shop, &path, &form).await.json;
    assert_eq!(changed["invoice_settings"]["default_payment_method"], method["id"]);
    assert_eq!((&changed["address"], &changed["preferred_locales"]), (&Value::Null, &json!([])));
    assert_eq!((&changed["invoice_prefix"], &changed["tax_exempt"]), (&json!("AB12"), &json!("none")));
    let cleared = post(&shop, &path, "invoice_settings[default_payment_method]=").await.json;
    assert_eq!(cleared["invoice_settings"]["default_payment_method"], Value::Null);
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_by_name() {
    let shop = shop().await;
    let other = post(&shop, "/v1/payment_methods/pm_card_visa/attach", "customer=").await;
    assert_eq!(other.json["error"]["param"], "customer");
    let intent = "/v1/payment_intents";
    for (path, more, param) in [
        (intent, "statement_descriptor=AB", "statement_descriptor"),
        (intent, "statement_descriptor_suffix=123", "statement_descriptor_suffix"),
        (intent, "statement_descriptor_suffix=A*B", "statement_descriptor_suffix"),
        (intent, "receipt_email=nobody", "receipt_email"),
        (intent, "shipping[name]=Ada", "shipping[address]"),
        (intent, "shipping[address][line1]=x", "shipping[name]"),
        (intent, "payment_method_types[]=sepa_debit", "payment_method_types"),
        (intent, "payment_method_options[card][request_three_d_secure]=maybe", "payment_method_options[card][request_three_d_secure]"),
        (intent, "capture_method=later", "capture_method"),
        (intent, "off_session=true", "off_session"),
        (intent, "error_on_requires_action=true", "error_on_requires_action"),
        (intent, "return_url=https://shop.example", "return_url"),
        ("/v1/setup_intents", "return_url=https://shop.example", "return_url"),
        ("/v1/customers", "email=nobody", "email"),
        ("/v1/customers", "invoice_prefix=ab", "invoice_prefix"),
        ("/v1/customers", "invoice_settings[default_payment_method]=pm_x", "invoice_settings[default_payment_method]"),
    ] {
        let form = if path == intent { format!("amount=100&currency=usd&{more}") } else { more.to_owned() };
        let refused = post(&shop, path, &form).await;
        assert_eq!(refused.json["error"]["param"], param, "{path} {more}: {}", refused.json);
    }
}

#[tokio::test]
async fn a_refund_that_was_sent_cannot_be_canceled_and_says_why() {
    let shop = shop().await;
    for (card, why) in [("pm_card_visa", "it has succeeded"), ("pm_card_pendingRefund", "with its provider")] {
        let paid = post(&shop, "/v1/payment_intents", &PAY.replace("pm_card_visa", card)).await.json;
        let refund = post(&shop, "/v1/refunds", &format!("payment_intent={}", paid["id"].as_str().unwrap())).await.json;
        let path = format!("/v1/refunds/{}", refund["id"].as_str().unwrap());
        let refused = post(&shop, &format!("{path}/cancel"), "").await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(refused.json["error"]["message"].as_str().unwrap().contains(why), "{card}: {}", refused.json);
        assert_eq!(get(&shop, &path).await.json, refund);
    }
    assert_eq!(post(&shop, "/v1/refunds/re_x/cancel", "").await.status, StatusCode::NOT_FOUND);
}
