//! The `metadata` parameter, which creates and updates share: `metadata[order]=5` sets a key, `metadata[order]=`
//! deletes it, `metadata=` deletes all.
//!
//! Deliberately absent: how many keys there may be and how long; the domain knows what is already kept.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use utoipa::__dev::ComposeSchema;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};

use super::de::EMPTY_IS_TEXT;
use super::update::{Update, or_empty};

/// What a request does with an object's metadata. A field of this type needs `#[serde(default)]`.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum MetadataParam {
    /// The parameter is absent.
    #[default]
    Keep,
    /// The parameter is empty: every key is deleted.
    Clear,
    /// These keys are set, in the order they were sent; one with an empty value is deleted.
    Merge(Vec<(String, String)>),
}

/// Values are the merchant's and may be personal.
impl fmt::Debug for MetadataParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => f.write_str("Keep"),
            Self::Clear => f.write_str("Clear"),
            Self::Merge(entries) => write!(f, "Merge({} keys)", entries.len()),
        }
    }
}

impl<'de> Deserialize<'de> for MetadataParam {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Update::<Entries>::deserialize(deserializer).map(|update| match update {
            Update::Keep => Self::Keep,
            Update::Clear => Self::Clear,
            Update::Set(Entries(entries)) => Self::Merge(entries),
        })
    }
}

struct Entries(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::with_capacity(map.size_hint().unwrap_or(0));
        while let Some((key, EmptyIsText(value))) = map.next_entry()? {
            entries.push((key, value));
        }
        Ok(Entries(entries))
    }
}

struct EmptyIsText(String);

impl<'de> Deserialize<'de> for EmptyIsText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(EMPTY_IS_TEXT, EmptyIsTextVisitor)
    }
}

struct EmptyIsTextVisitor;

impl<'de> Visitor<'de> for EmptyIsTextVisitor {
    type Value = EmptyIsText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<EmptyIsText, D::Error> {
        String::deserialize(deserializer).map(EmptyIsText)
    }
}

impl ComposeSchema for MetadataParam {
    fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let entries =
            ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(AdditionalProperties::<Schema>::from(text)));
        or_empty(entries.into())
    }
}

impl ToSchema for MetadataParam {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("MetadataParam")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ParamErrorKind, from_tree, parse_form, parse_json};
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Request {
        #[serde(default)]
        metadata: MetadataParam,
    }

    fn merge(entries: &[(&str, &str)]) -> MetadataParam {
        MetadataParam::Merge(entries.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    fn form(text: &str) -> MetadataParam {
        from_tree::<Request>(&parse_form(text.as_bytes()).unwrap()).unwrap().metadata
    }

    #[test]
    fn absent_keeps_empty_clears_and_keys_merge() {
        assert_eq!(form(""), MetadataParam::Keep);
        assert_eq!(form("metadata="), MetadataParam::Clear);
        assert_eq!(form("metadata[b]=1&metadata[a]="), merge(&[("b", "1"), ("a", "")]));
        let json: Request = from_tree(&parse_json(br#"{"metadata":{"a":"1","b":null,"c":""}}"#).unwrap()).unwrap();
        assert_eq!(json.metadata, merge(&[("a", "1"), ("b", ""), ("c", "")]));
    }

    #[test]
    fn keys_that_look_like_indexes_are_keys() {
        assert_eq!(form("metadata[0]=x&metadata[7]=y"), merge(&[("0", "x"), ("7", "y")]));
    }

    #[test]
    fn values_that_are_not_text_are_refused_with_their_key() {
        let error = from_tree::<Request>(&parse_json(br#"{"metadata":{"a":1}}"#).unwrap()).unwrap_err();
        assert_eq!((error.kind, error.param.as_deref()), (ParamErrorKind::InvalidString, Some("metadata[a]")));
        let error = from_tree::<Request>(&parse_form(b"metadata[]=x").unwrap()).unwrap_err();
        assert_eq!((error.kind, error.param.as_deref()), (ParamErrorKind::InvalidHash, Some("metadata")));
    }

    #[test]
    fn control_characters_are_refused_in_keys_and_values() {
        for (text, param) in [("metadata[a%01]=x", "metadata"), ("metadata[a]=x%01", "metadata[a]")] {
            let error = from_tree::<Request>(&parse_form(text.as_bytes()).unwrap()).unwrap_err();
            assert_eq!((error.kind, error.param.as_deref()), (ParamErrorKind::Invalid, Some(param)), "{text}");
        }
    }

    #[test]
    fn debug_output_shows_no_entry() {
        assert_eq!(format!("{:?}", merge(&[("name", "Zoë")])), "Merge(1 keys)");
    }
}
