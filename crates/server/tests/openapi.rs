//! The API's description: complete, consistent, and true of what the server takes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::collections::BTreeSet;

use common::{KEY, call, send, shop};
use http::StatusCode;
use serde_json::Value;

async fn description() -> Value {
    let answer = send(&shop().await, "GET", "/openapi.json", &[], "").await;
    assert_eq!((answer.status, answer.headers["content-type"].to_str().unwrap()), (StatusCode::OK, "application/json"));
    answer.json
}

fn visit(value: &Value, act: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, inner)| {
            act(name, inner);
            visit(inner, act);
        }),
        Value::Array(items) => items.iter().for_each(|item| visit(item, act)),
        _ => {}
    }
}

/// Method in capitals, path, description.
fn described(api: &Value) -> Vec<(String, String, Value)> {
    let paths = api["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation.clone()))
    });
    operations.collect()
}

#[tokio::test]
async fn every_operation_that_is_served_is_described_and_every_described_one_is_served() {
    let api = description().await;
    assert_eq!(api["openapi"], "3.1.0");
    let told: BTreeSet<_> =
        described(&api).into_iter().map(|(method, path, _)| (method, path)).filter(|(_, path)| path.starts_with("/v1/")).collect();
    let served: BTreeSet<_> = bursar::api::operations().map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
    assert_eq!(told, served);
    let shop = shop().await;
    for (method, path, _) in described(&api).into_iter().filter(|(_, path, _)| !path.starts_with("/v1/")) {
        assert_eq!(send(&shop, &method, &path, &[], "").await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_probe_answers_in_the_media_type_that_is_described() {
    let (api, shop) = (description().await, shop().await);
    for path in ["/livez", "/readyz"] {
        let answer = send(&shop, "GET", path, &[], "").await;
        let told = answer.headers["content-type"].to_str().unwrap().split(';').next().unwrap().to_owned();
        assert!(api["paths"][path]["get"]["responses"]["200"]["content"].get(&told).is_some(), "{path}: {told}");
    }
}

#[tokio::test]
async fn an_idempotency_key_may_be_as_long_as_described_and_no_header_may_be_empty() {
    let parameters = description().await["components"]["parameters"].clone();
    assert!(["StripeVersion", "StripeAccount"].iter().all(|name| parameters[name]["schema"]["pattern"].is_string()), "{parameters}");
    let longest = "k".repeat(parameters["IdempotencyKey"]["schema"]["maxLength"].as_u64().unwrap().try_into().unwrap());
    let (shop, authorization) = (shop().await, format!("Bearer {KEY}"));
    for (header, value, expected) in [
        ("idempotency-key", &*longest, StatusCode::OK),
        ("idempotency-key", &*format!("{longest}k"), StatusCode::BAD_REQUEST),
        ("idempotency-key", "", StatusCode::BAD_REQUEST),
        ("stripe-version", "", StatusCode::BAD_REQUEST),
        ("stripe-account", "", StatusCode::FORBIDDEN),
    ] {
        let answer = send(&shop, "POST", "/v1/customers", &[("authorization", &authorization), (header, value)], "").await;
        assert_eq!(answer.status, expected, "{header}: {value}");
    }
}

#[tokio::test]
async fn nothing_that_is_asked_is_described_as_null_since_null_is_refused() {
    let (api, shop) = (description().await, shop().await);
    for (method, path, operation) in described(&api).into_iter().filter(|(_, path, _)| path.starts_with("/v1/")) {
        for (name, schema) in parameters(&api, &operation) {
            visit(&schema, &mut |_, value| assert!(*value != "null", "{method} {path} {name}: {schema}"));
        }
    }
    let headers = [("authorization", format!("Bearer {KEY}")), ("content-type", "application/json".to_owned())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = send(&shop, "POST", "/v1/payment_intents", &headers, r#"{"amount":500,"currency":"usd","confirm":null}"#).await;
    assert_eq!(answer.json["error"]["code"], "parameter_invalid_empty");
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_id_of_an_operation_is_its_own() {
    let api = description().await;
    let mut references = 0;
    visit(&api, &mut |name, value| {
        if name == "$ref" {
            let target = value.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(api.pointer(target).is_some(), "{target}");
            references += 1;
        }
    });
    assert!(references > 100, "{references}");
    let operations = described(&api);
    let ids: BTreeSet<_> = operations.iter().map(|(_, _, operation)| operation["operationId"].to_string()).collect();
    assert_eq!(ids.len(), operations.len());
}

#[tokio::test]
async fn no_schema_asks_for_a_text_that_is_an_object() {
    visit(&description().await, &mut |name, value| assert_ne!(name, "allOf", "{value}"));
}

#[tokio::test]
async fn a_path_names_exactly_the_ids_that_are_described() {
    for (method, path, operation) in described(&description().await) {
        let named: BTreeSet<&str> = path.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}')).collect();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let told: BTreeSet<&str> = parameters.iter().filter(|p| p["in"] == "path").map(|p| p["name"].as_str().unwrap()).collect();
        assert_eq!(named, told, "{method} {path}");
    }
}

/// The parameters of an operation as a form: each with an empty value.
fn parameters(api: &Value, operation: &Value) -> Vec<(String, Value)> {
    match operation.get("requestBody") {
        Some(body) => {
            let schema = body["content"]["application/x-www-form-urlencoded"]["schema"]["$ref"].as_str().unwrap();
            let properties = api.pointer(&schema[1..]).unwrap()["properties"].as_object().unwrap();
            properties.iter().map(|(name, schema)| (name.clone(), schema.clone())).collect()
        }
        None => {
            let parameters = operation["parameters"].as_array().unwrap().iter().filter(|p| p["in"] == "query");
            parameters.map(|p| (p["name"].as_str().unwrap().trim_end_matches("[]").to_owned(), p["schema"].clone())).collect()
        }
    }
}

fn empty_form(api: &Value, operation: &Value) -> String {
    parameters(api, operation).iter().map(|(name, _)| format!("{name}=")).collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn an_operation_knows_the_parameters_it_is_described_with_and_no_other() {
    let (api, shop) = (description().await, shop().await);
    for (method, path, operation) in described(&api).into_iter().filter(|(_, path, _)| path.starts_with("/v1/")) {
        let form = empty_form(&api, &operation);
        let ask = async |form: &str| match &*method {
            "POST" => call(&shop, "POST", &path, form, None).await.json["error"]["code"].clone(),
            _ => call(&shop, &method, &format!("{path}?{form}"), "", None).await.json["error"]["code"].clone(),
        };
        assert_ne!(ask(&form).await, "parameter_unknown", "{method} {path} {form}");
        assert_eq!(ask("no_such_parameter=1").await, "parameter_unknown", "{method} {path}");
    }
}

/// Whether the description of a parameter lets it be empty.
fn can_be_empty(schema: &Value) -> bool {
    schema["anyOf"].as_array().is_some_and(|choices| choices.iter().any(|choice| choice["enum"] == serde_json::json!([""])))
}

#[tokio::test]
async fn a_parameter_that_is_not_described_as_one_to_unset_is_refused_when_it_is_empty() {
    let (api, shop) = (description().await, shop().await);
    let mut refused = 0;
    for (method, path, operation) in described(&api).into_iter().filter(|(_, path, _)| path.starts_with("/v1/")) {
        for (name, schema) in parameters(&api, &operation) {
            let form = format!("{name}=");
            let answer = match &*method {
                "POST" => call(&shop, "POST", &path, &form, None).await,
                _ => call(&shop, &method, &format!("{path}?{form}"), "", None).await,
            };
            let is_empty = (answer.status, &answer.json["error"]["code"], &answer.json["error"]["param"])
                == (StatusCode::BAD_REQUEST, &Value::from("parameter_invalid_empty"), &Value::from(name.as_str()));
            assert_eq!(is_empty, !can_be_empty(&schema), "{method} {path} {name}: {}", answer.json);
            refused += usize::from(is_empty);
        }
    }
    assert!(refused > 100, "{refused}");
}

#[tokio::test]
async fn the_page_is_served_beside_the_description_and_may_load_from_nowhere_else() {
    let page = send(&shop().await, "GET", "/docs", &[], "").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(page.status == StatusCode::OK && policy.starts_with("default-src 'self'"), "{policy}");
}
