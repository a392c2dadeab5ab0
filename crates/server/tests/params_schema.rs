//! Request structs are described by the code that reads them: the parameter types work inside `utoipa::ToSchema`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use bursar::params::{ExpandParam, MetadataParam, RangeParam, Text, Update, from_tree, parse_form};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its description matters")]
struct Nested {
    city: String,
}

/// What to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its description matters")]
struct Change {
    /// Free text.
    #[serde(default)]
    #[schema(inline)]
    description: Update<String>,
    #[serde(default)]
    #[schema(inline)]
    limit: Update<i64>,
    #[serde(default)]
    #[schema(inline)]
    address: Update<Nested>,
    #[serde(default)]
    #[schema(inline)]
    metadata: MetadataParam,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
    #[schema(inline)]
    created: Option<RangeParam>,
    #[schema(inline)]
    note: Text<22>,
    #[serde(default)]
    by_reference: Update<String>,
}

fn described() -> Value {
    serde_json::to_value(<Change as utoipa::PartialSchema>::schema()).unwrap()
}

#[test]
fn a_parameter_that_can_be_unset_is_described_as_its_type_or_an_empty_text() {
    let properties = described()["properties"].clone();
    let empty = json!({"type": "string", "enum": [""]});
    assert_eq!(properties["limit"]["anyOf"], json!([{"type": "integer", "format": "int64"}, empty]));
    assert_eq!(properties["metadata"]["anyOf"][0]["additionalProperties"], json!({"type": "string"}));
    assert_eq!(properties["metadata"]["anyOf"][1], empty);
    let description = properties["description"].to_string();
    assert!(description.contains("Free text.") && description.contains("anyOf"), "{description}");
}

#[test]
fn ranges_lists_and_limits_are_described() {
    let properties = described()["properties"].clone();
    let created = properties["created"].to_string();
    assert!(["gt", "gte", "lt", "lte"].iter().all(|name| created.contains(&format!("\"{name}\""))), "{created}");
    assert_eq!(properties["expand"]["items"], json!({"type": "string"}));
    assert_eq!(properties["note"], json!({"type": "string", "maxLength": 22}));
}

#[test]
fn only_what_must_be_sent_is_required() {
    assert_eq!(described()["required"], json!(["note"]));
    assert!(from_tree::<Change>(&parse_form(b"note=x").unwrap()).is_ok());
}

#[test]
fn schemas_that_are_referred_to_are_collected() {
    let mut schemas = Vec::new();
    Change::schemas(&mut schemas);
    let names: Vec<&str> = schemas.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"Update_String"), "{names:?}");
    let shown = described().to_string();
    assert!(!shown.contains("#/components/schemas/Nested") || names.contains(&"Nested"), "{shown} {names:?}");
}

#[derive(Debug, Deserialize)]
struct Renamed {
    #[serde(rename = "type", alias = "kind")]
    _kind: Option<String>,
}

#[test]
fn renamed_parameters_and_aliases_are_known() {
    for known in ["type=x", "kind=x"] {
        assert!(from_tree::<Renamed>(&parse_form(known.as_bytes()).unwrap()).is_ok(), "{known}");
    }
    assert!(from_tree::<Renamed>(&parse_form(b"_kind=x").unwrap()).is_err());
}
