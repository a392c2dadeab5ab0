//! Text of a bounded length.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use utoipa::__dev::ComposeSchema;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

/// Text of at most `MAX` characters; never empty.
#[derive(Clone, PartialEq, Eq)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// The text itself.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<const MAX: usize> Deref for Text<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Whatever people write into free text, logs are no place for it.
impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor<const MAX: usize>;

impl<const MAX: usize> Visitor<'_> for TextVisitor<MAX> {
    type Value = Text<MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MAX} characters long")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<MAX>, E> {
        let length = text.chars().count();
        if length > MAX {
            return Err(E::invalid_length(length, &self));
        }
        Ok(Text(text.to_owned()))
    }
}

impl<const MAX: usize> ComposeSchema for Text<MAX> {
    fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).max_length(Some(MAX)).into()
    }
}

impl<const MAX: usize> ToSchema for Text<MAX> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("Text{MAX}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ParamErrorKind, from_tree, parse_form};
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Request {
        note: Text<3>,
    }

    #[test]
    fn text_is_limited_in_characters_not_bytes() {
        let read = |text: &str| from_tree::<Request>(&parse_form(text.as_bytes()).unwrap());
        assert_eq!(&*read("note=Zoë").unwrap().note, "Zoë");
        let error = read("note=abcd").unwrap_err();
        assert_eq!((&error.kind, error.param.as_deref()), (&ParamErrorKind::TooLong, Some("note")));
        assert_eq!(error.message, "Invalid note: must be at most 3 characters long.");
        assert_eq!(read("note=").unwrap_err().kind, ParamErrorKind::Empty);
    }
}
