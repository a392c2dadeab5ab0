//! The API's description in OpenAPI 3.1, made of the table of operations and of the types that requests are read
//! into and answers written from: it cannot say what the code does not do.

use std::collections::BTreeMap;

use domain::permission::{Access, Resource, scope_word};
use http::Method;
use payments::idempotency::MAX_KEY;
use serde_json::{Map, Value, json};
use utoipa::OpenApi as _;
use utoipa::openapi::{RefOr, Schema};

use super::route::{Described, Gives, Opens, Route};
use super::routes::ROUTES;
use crate::oauth::TOKEN_PATH;
use crate::views::API_VERSION;
use crate::views::components::Components;

const ABOUT: &str = "Payments over an API in Stripe's shapes: the official Stripe libraries work when their address and key are changed.\n\n\
    Amounts are integers in the currency's minor unit; of ISK and UGX in hundredths that must be 00, of MGA in whole ariary, and of BHD, JOD, \
    KWD, OMR and TND in thousandths that must end in 0. Requests are forms (`card[number]=…`) or JSON. Lists are newest first. \
    A `POST` or `DELETE` with an `Idempotency-Key` can be repeated: it is carried out once, and answered alike.";

/// The groups operations are shown in: the beginning of their paths, a name, and what they are about.
const TAGS: [(&str, &str, &str); 17] = [
    ("/v1/payment_intents", "Payments", "A shop's purposes to collect an amount, from creation to capture or cancellation."),
    ("/v1/setup_intents", "Set-ups", "Saving a card for later payments."),
    ("/v1/payment_methods", "Cards", "Cards to pay with."),
    ("/v1/tokens", "Tokens", "Cards handed over once, usually by a browser."),
    ("/v1/charges", "Charges", "The visible results of tries to take a payment."),
    ("/v1/refunds", "Refunds", "Money given back."),
    ("/v1/customers", "Customers", "Buyers the merchant knows, and their saved cards."),
    ("/v1/balance_transactions", "Statement", "The lines of the merchant's statement."),
    ("/v1/balance", "Balance", "What the merchant has."),
    ("/v1/events", "Events", "What happened, with each object as it was at that change."),
    ("/v1/webhook_endpoints", "Webhooks", "Where a shop wants to hear of events, and how telling it went."),
    ("/v1/open_operations", "Open operations", "What was begun and has no known end."),
    ("/v1/audit_log", "Audit trail", "Who did what, and who was denied what."),
    ("/v1/api_keys", "Keys", "What opens the API."),
    ("/v1/accounts", "Merchants", "Merchants, for whoever runs the platform."),
    ("/v1/account", "Account", "The merchant."),
    ("/", "Service", "Whether the server is well."),
];

/// Every failure an operation can answer, by status.
const FAILURES: [(&str, &str, &str); 12] = [
    ("400", "Invalid", "A parameter is wrong, or the object's status does not take the operation."),
    ("401", "Unauthenticated", "No key came with the request, or one that opens nothing."),
    ("402", "Declined", "The card was refused."),
    ("403", "Forbidden", "The key does not open this operation or account."),
    ("404", "Missing", "There is no such object."),
    ("408", "TooSlow", "The body took too long."),
    ("409", "Conflict", "The first request with this idempotency key is under way, or others are changing the object. Repeat it."),
    ("413", "TooLarge", "The body is too large."),
    ("415", "UnsupportedMediaType", "The body is neither a form nor JSON in UTF-8."),
    ("429", "Limited", "There were too many requests. Repeat it after the seconds that `Retry-After` tells."),
    ("500", "Defect", "An internal error."),
    ("503", "Unavailable", "Nothing can be stored now, or too many requests are under way. Repeat it with the same idempotency key."),
];

/// Schemas by name.
type Schemas = BTreeMap<String, Value>;

/// The whole description.
pub(crate) fn description() -> Value {
    let answers = Components::openapi().components.map(|components| components.schemas).unwrap_or_default();
    let mut schemas: Schemas = answers.into_iter().map(|(name, schema)| (name, written(schema))).collect();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in ROUTES.iter() {
        let described = operation(route, &mut schemas);
        paths.entry(route.template).or_default().insert(route.method.as_str().to_lowercase(), described);
    }
    for (path, title) in [("/livez", "Whether the server runs"), ("/readyz", "Whether the server can serve")] {
        paths.entry(path).or_default().insert("get".to_owned(), probe(title));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Bursar",
            "version": API_VERSION,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": TAGS.map(|(_, name, about)| json!({"name": name, "description": about})),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": headers(),
            "responses": failures(),
            "securitySchemes": {
                "secretKey": {"type": "http", "scheme": "bearer", "description": "A secret key: `sk_test_…` or `sk_live_…`."},
                "secretKeyAsUser": {"type": "http", "scheme": "basic", "description": "A secret key as user name, without a password."},
                "clientCredentials": {
                    "type": "oauth2",
                    "description": "A token for a key that stays on a server: the key's id is the client's, its text the client's secret.",
                    "flows": {"clientCredentials": {"tokenUrl": TOKEN_PATH, "scopes": scopes()}},
                },
                "platformKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key of whoever runs the platform: `sk_platform_…`. With `Stripe-Account` and `Bursar-Mode` it speaks for a merchant.",
                },
                "publishableKey": {"type": "http", "scheme": "bearer", "description": "A publishable key: `pk_test_…` or `pk_live_…`."},
            },
        },
    })
}

fn operation(route: &Route, schemas: &mut Schemas) -> Value {
    let told = &route.told;
    collect(told.takes, taken, schemas);
    let mut parameters: Vec<Value> = path_parameters(route.template).collect();
    if route.method == Method::GET {
        parameters.extend(query_parameters(told.takes, schemas));
    } else {
        parameters.push(json!({"$ref": "#/components/parameters/IdempotencyKey"}));
    }
    parameters.extend(["StripeVersion", "StripeAccount"].map(|name| json!({"$ref": format!("#/components/parameters/{name}")})));
    let mut operation = Map::new();
    let mut tell = |name: &str, value: Value| operation.insert(name.to_owned(), value);
    tell("operationId", json!(operation_id(told.title)));
    tell("summary", json!(told.title));
    tell("tags", json!([TAGS.iter().find(|(start, _, _)| route.template.starts_with(start)).map(|(_, name, _)| name)]));
    tell("security", security(route.opens));
    tell("parameters", Value::Array(parameters));
    if route.method != Method::GET && has_properties(told.takes) {
        tell("requestBody", request_body(told.takes, schemas));
    }
    if let Opens::ClientSecret(_) = route.opens {
        tell("description", json!("A browser can do this with a publishable key and the intent's `client_secret`."));
    }
    tell("responses", responses(route, schemas));
    Value::Object(operation)
}

/// Every word that a token's scope may have.
fn scopes() -> Value {
    let words = Resource::ALL.iter().filter(|resource| resource.is_for_keys()).flat_map(|resource| {
        let about = |access: Access| format!("{} {}", access.as_str(), resource.as_str().replace('_', " "));
        [Access::Read, Access::Write].map(|access| (scope_word(*resource, access), json!(about(access))))
    });
    Value::Object(words.collect())
}

/// The title as a name: lower case, joined by `_`.
fn operation_id(title: &str) -> String {
    title.to_lowercase().replace(['\'', '-'], "").replace(' ', "_")
}

fn security(opens: Opens) -> Value {
    match opens {
        Opens::Platform => json!([{"platformKey": []}]),
        Opens::Secret => json!([{"secretKey": []}, {"secretKeyAsUser": []}, {"clientCredentials": []}]),
        Opens::Any | Opens::ClientSecret(_) => json!([{"secretKey": []}, {"secretKeyAsUser": []}, {"publishableKey": []}]),
    }
}

/// Adds a type and all it is made of, each written in that way.
fn collect(described: Described, write: fn(RefOr<Schema>) -> Value, schemas: &mut Schemas) {
    schemas.extend(parts(described).into_iter().map(|(name, schema)| (name, write(schema))));
}

fn parts(described: Described) -> Vec<(String, RefOr<Schema>)> {
    let mut parts = Vec::new();
    (described.parts)(&mut parts);
    parts.push(((described.name)().into_owned(), (described.schema)()));
    parts
}

/// A schema as JSON.
fn written(schema: RefOr<Schema>) -> Value {
    let mut schema = serde_json::to_value(schema).unwrap_or_default();
    tidy(&mut schema);
    schema
}

/// Gives a type that is written in place the description of its field. What is generated for it has the two side by
/// side in `allOf`, the description as that of an object, which no text or number would be.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(fields) => {
            if let Some((mut inner, about)) = described_in_place(fields) {
                inner.insert("description".to_owned(), about);
                *fields = inner;
            }
            fields.values_mut().for_each(tidy);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn described_in_place(fields: &Map<String, Value>) -> Option<(Map<String, Value>, Value)> {
    let [inner, about] = fields.get("allOf")?.as_array()?.as_slice() else { return None };
    let about = about.as_object().filter(|about| about.keys().all(|key| key == "description" || key == "type"))?;
    Some((inner.as_object()?.clone(), about.get("description")?.clone()))
}

/// The schema of what is asked as JSON: nothing is `null`, which is no way to leave a parameter out, and no text is
/// empty, unless that unsets it (which is written as an alternative of its own).
fn taken(schema: RefOr<Schema>) -> Value {
    let mut schema = written(schema);
    fill(&mut schema);
    schema
}

fn fill(schema: &mut Value) {
    let Value::Object(fields) = schema else { return };
    if let Some(kinds) = fields.get_mut("type") {
        without_null(kinds);
    }
    for of in ["anyOf", "oneOf"] {
        let Some(choices) = fields.get_mut(of).and_then(Value::as_array_mut) else { continue };
        choices.retain(|choice| choice.get("type").and_then(Value::as_str) != Some("null"));
        choices.iter_mut().for_each(fill);
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            fields.remove(of);
            fields.extend(only);
        }
    }
    if fields.get("type").and_then(Value::as_str) == Some("string") && !fields.contains_key("enum") {
        fields.entry("minLength").or_insert(json!(1));
    }
    // Not `additionalProperties`, which are metadata: there an empty text means something.
    fields.get_mut("items").into_iter().for_each(fill);
    fields.get_mut("properties").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut).for_each(fill);
}

fn without_null(kinds: &mut Value) {
    let Value::Array(several) = kinds else { return };
    several.retain(|kind| kind != "null");
    if let [only] = several.as_slice() {
        *kinds = only.clone();
    }
}

fn reference(described: Described) -> Value {
    json!({"$ref": format!("#/components/schemas/{}", (described.name)())})
}

fn properties(described: Described) -> Map<String, Value> {
    let schema = taken((described.schema)());
    let found = schema.get("properties").and_then(Value::as_object).cloned();
    found.unwrap_or_default()
}

fn has_properties(described: Described) -> bool {
    !properties(described).is_empty()
}

fn path_parameters(template: &'static str) -> impl Iterator<Item = Value> {
    let names = template.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
}

/// In a query, a list is `name[]=…` again and again, and an object `name[key]=…`.
fn query_parameters(takes: Described, schemas: &Schemas) -> Vec<Value> {
    let schema = written((takes.schema)());
    let required: Vec<&str> = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let described = properties(takes).into_iter().map(|(name, mut schema)| {
        let about = schema.as_object_mut().and_then(|fields| fields.remove("description"));
        let required = required.contains(&name.as_str());
        let spelled = if is_of_type(&schema, "array", schemas) { format!("{name}[]") } else { name };
        let style = if is_of_type(&schema, "object", schemas) { "deepObject" } else { "form" };
        let mut parameter = Map::new();
        let mut tell = |name: &str, value: Value| parameter.insert(name.to_owned(), value);
        tell("name", json!(spelled));
        tell("in", json!("query"));
        tell("required", json!(required));
        tell("style", json!(style));
        tell("explode", json!(true));
        tell("schema", schema);
        if let Some(about) = about {
            tell("description", about);
        }
        Value::Object(parameter)
    });
    described.collect()
}

/// Whether the schema takes values of that type, if perhaps among others.
fn is_of_type(schema: &Value, kind: &str, schemas: &Schemas) -> bool {
    let referred = schema.get("$ref").and_then(Value::as_str).and_then(|name| schemas.get(name.rsplit('/').next()?));
    let alternatives = ["anyOf", "oneOf", "allOf"].iter().filter_map(|of| schema.get(of)?.as_array()).flatten();
    let own = match schema.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(several)) => several.iter().any(|one| one == kind),
        _ => false,
    };
    own || alternatives.chain(referred).any(|schema| is_of_type(schema, kind, schemas))
}

/// In a form, lists and objects are `name[0]=…` and `name[key]=…`.
fn request_body(takes: Described, schemas: &Schemas) -> Value {
    let schema = reference(takes);
    let nests = |schema: &Value| ["object", "array"].iter().any(|kind| is_of_type(schema, kind, schemas));
    let nested = properties(takes).into_iter().filter(|(_, schema)| nests(schema));
    let encoding: Map<String, Value> = nested.map(|(name, _)| (name, json!({"style": "deepObject", "explode": true}))).collect();
    json!({
        "content": {
            "application/x-www-form-urlencoded": {"schema": schema, "encoding": encoding},
            "application/json": {"schema": schema},
        },
    })
}

fn responses(route: &Route, schemas: &mut Schemas) -> Value {
    let body = match &route.told.gives {
        Gives::One(kinds) => {
            kinds.iter().for_each(|kind| collect(*kind, written, schemas));
            match kinds.as_slice() {
                [only] => reference(*only),
                several => json!({"anyOf": several.iter().map(|kind| reference(*kind)).collect::<Vec<_>>()}),
            }
        }
        Gives::Page(kind) => {
            collect(*kind, written, schemas);
            page(*kind)
        }
    };
    let mut responses = Map::new();
    responses.insert("200".to_owned(), json!({"description": "It is done.", "content": {"application/json": {"schema": body}}}));
    for (status, name, _) in FAILURES {
        let possible = match status {
            "402" => route.told.asks_a_card,
            "404" => route.template.contains('{') || route.method != Method::GET,
            "409" | "413" | "415" => route.method != Method::GET,
            _ => true,
        };
        if possible {
            responses.insert(status.to_owned(), json!({"$ref": format!("#/components/responses/{name}")}));
        }
    }
    Value::Object(responses)
}

fn page(kind: Described) -> Value {
    json!({
        "type": "object",
        "required": ["object", "data", "has_more", "url"],
        "properties": {
            "object": {"type": "string", "const": "list"},
            "data": {"type": "array", "items": reference(kind), "description": "Newest first."},
            "has_more": {"type": "boolean", "description": "There are more objects behind the last one."},
            "url": {"type": "string", "description": "The path of the list."},
        },
    })
}

fn failures() -> Value {
    let error = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}});
    let described = FAILURES.map(|(_, name, about)| (name.to_owned(), json!({"description": about, "content": error})));
    Value::Object(described.into_iter().collect())
}

fn headers() -> Value {
    let header = |name: &str, about: &str, schema: Value| json!({"name": name, "in": "header", "required": false, "description": about, "schema": schema});
    let text = |pattern: &str| json!({"type": "string", "pattern": pattern});
    json!({
        "IdempotencyKey": header(
            "Idempotency-Key",
            "1 to 255 characters of ASCII, new for each operation: repeated, it gives the first answer again.",
            json!({"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[ -~]+$"}),
        ),
        "StripeVersion": header(
            "Stripe-Version",
            "A version of Stripe's API, no later than this one. Answers are in this one's shapes.",
            text(r"^20\d\d-\d\d-\d\d(\.[a-z]+)?(;.*)?$"),
        ),
        "StripeAccount": header("Stripe-Account", "The account the request is for: the key's own.", text("^acct_[0-9A-Z]+$")),
    })
}

fn probe(title: &str) -> Value {
    let text = json!({"text/plain": {"schema": {"type": "string"}}});
    json!({
        "operationId": operation_id(title),
        "summary": title,
        "tags": ["Service"],
        "security": [],
        "responses": {
            "200": {"description": "It does.", "content": text},
            "503": {"description": "The store cannot be read.", "content": text},
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(route: &Route) -> Vec<Described> {
        match &route.told.gives {
            Gives::One(kinds) => kinds.clone(),
            Gives::Page(kind) => vec![*kind],
        }
    }

    #[test]
    fn a_type_that_is_both_taken_and_given_is_written_alike() {
        let taken_parts = ROUTES.iter().flat_map(|route| parts(route.told.takes));
        let asked: BTreeMap<_, _> = taken_parts.map(|(name, schema)| (name, taken(schema))).collect();
        for (name, schema) in ROUTES.iter().flat_map(given).flat_map(parts) {
            assert!(asked.get(&name).is_none_or(|asked| *asked == written(schema)), "{name}");
        }
    }

    #[test]
    fn what_is_asked_is_never_null_and_never_an_empty_text_but_where_that_unsets_it() {
        let mut schema = json!({"properties": {
            "a": {"type": ["string", "null"], "description": "A."},
            "b": {"oneOf": [{"$ref": "#/b", "description": "B."}, {"type": "null"}]},
            "c": {"anyOf": [{"type": "string"}, {"type": "string", "enum": [""]}]},
            "d": {"type": "array", "items": {"type": "string"}},
            "e": {"type": "object", "additionalProperties": {"type": "string"}},
        }});
        fill(&mut schema);
        let expected = json!({"properties": {
            "a": {"type": "string", "description": "A.", "minLength": 1},
            "b": {"$ref": "#/b", "description": "B."},
            "c": {"anyOf": [{"type": "string", "minLength": 1}, {"type": "string", "enum": [""]}]},
            "d": {"type": "array", "items": {"type": "string", "minLength": 1}},
            "e": {"type": "object", "additionalProperties": {"type": "string"}},
        }});
        assert_eq!(schema, expected);
    }

    #[test]
    fn no_two_types_share_a_name() {
        let mut parts: Vec<(String, RefOr<Schema>)> =
            Components::openapi().components.map(|components| components.schemas).unwrap_or_default().into_iter().collect();
        for route in ROUTES.iter() {
            given(route).into_iter().chain([route.told.takes]).for_each(|described| parts.extend(super::parts(described)));
        }
        let mut known = BTreeMap::new();
        for (name, schema) in parts {
            let before = known.insert(name.clone(), schema.clone());
            assert!(before.is_none_or(|before| before == schema), "{name} stands for two types");
        }
    }

    #[test]
    fn every_operation_has_a_title_of_its_own_and_an_answer() {
        let mut titles = std::collections::BTreeSet::new();
        for route in ROUTES.iter() {
            assert!(!route.told.title.is_empty() && titles.insert(route.told.title), "{}", route.template);
            assert!(!matches!(&route.told.gives, Gives::One(kinds) if kinds.is_empty()), "{}", route.template);
        }
    }
}
