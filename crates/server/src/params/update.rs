//! A parameter of an update: leave it, unset it, or set it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use utoipa::__dev::ComposeSchema;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Schema, Type};

use super::de::EMPTY_UNSETS;

/// What an update does with one property. A field of this type needs `#[serde(default)]`;
/// without it an update that leaves the parameter out is refused, not taken for [`Update::Clear`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Update<T> {
    /// The parameter is absent: the property stays as it is.
    #[default]
    Keep,
    /// The parameter is empty: the property is unset.
    Clear,
    /// The property becomes this.
    Set(T),
}

impl<T> Update<T> {
    /// Brings a property up to date.
    pub fn apply(self, property: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *property = None,
            Self::Set(value) => *property = Some(value),
        }
    }

    /// What the property of a new object is: there is nothing to keep.
    #[must_use]
    pub fn into_new(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// The value to set, when there is one.
    #[must_use]
    pub fn as_set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// Converts the value to set.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Update<U> {
        match self {
            Self::Keep => Update::Keep,
            Self::Clear => Update::Clear,
            Self::Set(value) => Update::Set(convert(value)),
        }
    }

    /// Checks or converts the value to set.
    ///
    /// # Errors
    /// What `convert` refuses.
    pub fn try_map<U, E>(self, convert: impl FnOnce(T) -> Result<U, E>) -> Result<Update<U>, E> {
        Ok(match self {
            Self::Keep => Update::Keep,
            Self::Clear => Update::Clear,
            Self::Set(value) => Update::Set(convert(value)?),
        })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Update<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By way of a newtype: as an option, a field that lost its `default` would read an absent parameter as `Clear`.
        deserializer.deserialize_newtype_struct(EMPTY_UNSETS, ClearOrSet(PhantomData))
    }
}

struct ClearOrSet<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ClearOrSet<T> {
    type Value = Update<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, or nothing to unset it")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Update<T>, D::Error> {
        Option::deserialize(deserializer).map(|value| value.map_or(Update::Clear, Update::Set))
    }
}

/// The schema of a parameter that an empty text unsets.
pub(super) fn or_empty(schema: RefOr<Schema>) -> RefOr<Schema> {
    let empty = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([""]));
    AnyOfBuilder::new().item(schema).item(empty).into()
}

impl<T: ComposeSchema> ComposeSchema for Update<T> {
    fn compose(generics: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        or_empty(generics.into_iter().next().unwrap_or_else(|| T::compose(Vec::new())))
    }
}

impl<T: ToSchema + ComposeSchema> ToSchema for Update<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Update")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ParamErrorKind, from_tree, parse_form, parse_json};
    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Default)]
    struct Change {
        #[serde(default)]
        name: Update<String>,
        #[serde(default)]
        limit: Update<u32>,
        #[serde(default)]
        nested: Update<Nested>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Nested {
        city: String,
    }

    fn form(text: &str) -> Change {
        from_tree(&parse_form(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn absent_keeps_empty_clears_and_a_value_sets() {
        assert_eq!(form(""), Change::default());
        assert_eq!(form("name=&nested="), Change { name: Update::Clear, nested: Update::Clear, ..Change::default() });
        assert_eq!(
            form("name=a&limit=5&nested[city]=b"),
            Change { name: Update::Set("a".to_owned()), limit: Update::Set(5), nested: Update::Set(Nested { city: "b".to_owned() }) }
        );
        let json: Change = from_tree(&parse_json(br#"{"name":null,"limit":7}"#).unwrap()).unwrap();
        assert_eq!(json, Change { name: Update::Clear, limit: Update::Set(7), ..Change::default() });
    }

    #[test]
    fn a_field_without_default_never_turns_absence_into_clearing() {
        #[derive(Debug, Deserialize)]
        struct Forgotten {
            #[serde(rename = "name")]
            _name: Update<String>,
        }
        let error = from_tree::<Forgotten>(&parse_form(b"").unwrap()).unwrap_err();
        assert_eq!(error.kind, ParamErrorKind::Missing);
    }

    #[test]
    fn what_is_set_is_set_whole_and_an_empty_text_inside_it_is_refused() {
        let error = from_tree::<Change>(&parse_form(b"nested[city]=").unwrap()).unwrap_err();
        assert_eq!((error.kind, error.param.as_deref()), (ParamErrorKind::Empty, Some("nested[city]")));
    }

    #[test]
    fn wrong_values_are_refused_with_their_path() {
        let error = from_tree::<Change>(&parse_form(b"limit=x").unwrap()).unwrap_err();
        assert_eq!((error.kind, error.param.as_deref()), (ParamErrorKind::InvalidInteger, Some("limit")));
    }

    #[test]
    fn an_update_is_applied_to_a_property() {
        let after = |update: Update<u8>| {
            let mut property = Some(1);
            update.apply(&mut property);
            property
        };
        assert_eq!([after(Update::Keep), after(Update::Clear), after(Update::Set(2))], [Some(1), None, Some(2)]);
        assert_eq!([Update::Keep.into_new(), Update::Clear.into_new(), Update::Set(2).into_new()], [None, None, Some(2)]);
    }
}
