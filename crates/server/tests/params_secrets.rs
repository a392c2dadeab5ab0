//! Nothing a client sends as a value comes back in an error, whatever is wrong with the request.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use bursar::params::{ExpandParam, MetadataParam, ParamError, RangeParam, Text, Update, from_tree, read};
use http::Method;
use proptest::prelude::*;
use serde::Deserialize;

const FORM: &[u8] = b"application/x-www-form-urlencoded";
const JSON: &[u8] = b"application/json";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only what the errors say matters")]
struct Request {
    amount: i64,
    month: Option<u8>,
    confirm: Option<bool>,
    method: Option<Method_>,
    card: Option<Card>,
    address: Option<std::net::Ipv4Addr>,
    created: Option<RangeParam>,
    note: Option<Text<2>>,
    nothing: Option<()>,
    letter: Option<char>,
    positive: Option<std::num::NonZeroU8>,
    pair: Option<(u8, u8)>,
    #[serde(default)]
    expand: ExpandParam,
    #[serde(default)]
    metadata: MetadataParam,
    #[serde(default)]
    limit: Update<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method_ {
    Automatic,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only what the errors say matters")]
struct Card {
    number: i64,
    cvc: u8,
}

/// The error with everything it says, or nothing when the request was fine.
fn said(content_type: &[u8], body: &str) -> String {
    let request: Result<Request, ParamError> =
        read(&Method::POST, Some(content_type), None, body.as_bytes()).and_then(|tree| from_tree(&tree));
    request.err().map(|error| format!("{error:?} {error}")).unwrap_or_default()
}

/// Every place of a request a value can stand at, and every way a request can be broken around it.
fn bodies(secret: &str) -> Vec<(&'static [u8], String)> {
    let fields = [
        "amount",
        "amount[x]",
        "amount[]",
        "month",
        "confirm",
        "method",
        "method[x]",
        "card",
        "card[]",
        "card[number]",
        "card[cvc]",
        "card[number][x]",
        "card[x]",
        "address",
        "created",
        "created[gt]",
        "created[x]",
        "note",
        "nothing",
        "letter",
        "positive",
        "pair[]",
        "pair[0]",
        "expand",
        "expand[]",
        "expand[7]",
        "metadata",
        "metadata[]",
        "metadata[x][y]",
        "limit",
        "unknown",
        "x[y]",
    ];
    let mut bodies: Vec<(&'static [u8], String)> = Vec::new();
    for field in fields {
        for more in ["", "&amount=1", "&amount=x", "&=", "&a[b", "&x=%zz"] {
            bodies.push((FORM, format!("{field}={secret}{more}")));
        }
        bodies.push((FORM, format!("amount=1&{field}={secret}%zz")));
        bodies.push((FORM, format!("{field}={secret}&{field}={secret}")));
        bodies.push((JSON, format!("{field}={secret}")));
        let name = field.split('[').next().unwrap_or_default();
        for value in [format!("\"{secret}\""), secret.to_owned(), format!("[\"{secret}\"]"), format!("{{\"x\":\"{secret}\"}}")] {
            for tail in ["}", ",\"amount\":1}", "", "]", ",}", ",\"amount\":1,\"amount\":2}"] {
                let body = format!("{{\"{name}\":{value}{tail}");
                bodies.push((FORM, body.clone()));
                bodies.push((b"text/plain", body.clone()));
                bodies.push((JSON, body));
            }
        }
    }
    let mut wholes = vec![format!("\"{secret}\""), format!("cvc: {secret}"), format!("<cvc>{secret}</cvc>"), format!("cvc%3D{secret}")];
    // A word alone is a parameter's name, which is shown; digits alone are not.
    if !secret.chars().any(char::is_alphabetic) {
        wholes.push(secret.to_owned());
    }
    for whole in wholes {
        bodies.push((FORM, whole.clone()));
        bodies.push((JSON, whole));
    }
    bodies
}

#[test]
fn no_error_repeats_a_value() {
    for secret in ["4242424242424242", "31415", "314", "tok_secret_314159", "-7771"] {
        let mut refused = 0;
        for (content_type, body) in bodies(secret) {
            let said = said(content_type, &body);
            assert!(!said.contains(secret), "{body}\n{said}");
            refused += usize::from(!said.is_empty());
        }
        assert!(refused > 500, "only {refused} of these requests were refused");
    }
}

#[test]
fn a_card_number_sent_as_a_name_is_not_repeated() {
    for name in
        ["4242424242424242", "card[4242424242424242]", "x[4242][4242][4242][4242]", "n4242-4242-4242-4242", "metadata[4242424242424242][x]"]
    {
        let said = said(FORM, &format!("amount=1&{name}=1"));
        assert!(!said.is_empty() && !said.contains("4242"), "{name}\n{said}");
    }
    let said = said(JSON, r#"{"amount":1,"card":{"4242424242424242":{"cvc":1}}}"#);
    assert!(!said.is_empty() && !said.contains("4242"), "{said}");
}

proptest! {
    #[test]
    fn no_error_repeats_any_value(secret in "[A-Za-z0-9]{12,24}", at in 0..10_000_usize) {
        let bodies = bodies(&secret);
        let (content_type, body) = &bodies[at % bodies.len()];
        let said = said(content_type, body);
        prop_assert!(!said.contains(&secret), "{}\n{}", body, said);
    }
}
