//! The `expand[]` parameter: which references of the answer are to be replaced by the objects they name.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use utoipa::__dev::ComposeSchema;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};

/// How many references may be followed one after the other, each a lookup more per object.
pub const MAX_EXPAND_LEVELS: usize = 4;
/// How many paths one request may ask for: more than any object has references.
const MAX_PATHS: usize = 20;
/// How long one level's name may be: longer than any property of the API.
const MAX_LEVEL: usize = 64;
/// The level that names the elements of a list; it follows no reference.
const ELEMENTS: &str = "data";

/// Paths such as `customer` or `data.latest_charge.refunds`, each once. A field of this type needs `#[serde(default)]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpandParam(Vec<String>);

impl ExpandParam {
    /// The paths, in the order they were asked for.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether nothing is to be expanded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for ExpandParam {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(PathsVisitor)
    }
}

struct PathsVisitor;

impl<'de> Visitor<'de> for PathsVisitor {
    type Value = ExpandParam;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MAX_PATHS} paths")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ExpandParam, A::Error> {
        let mut paths: Vec<String> = Vec::new();
        while let Some(Path(path)) = seq.next_element()? {
            if paths.contains(&path) {
                continue;
            }
            if paths.len() >= MAX_PATHS {
                return Err(A::Error::invalid_length(paths.len(), &self));
            }
            paths.push(path);
        }
        Ok(ExpandParam(paths))
    }
}

struct Path(String);

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = String::deserialize(deserializer)?;
        let is_name = |level: &str| {
            (1..=MAX_LEVEL).contains(&level.len()) && level.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        if !path.split('.').all(is_name) {
            return Err(D::Error::custom("must be names of properties, joined by dots."));
        }
        let levels = path.split('.').enumerate().filter(|(at, level)| *at > 0 || *level != ELEMENTS).count();
        if levels > MAX_EXPAND_LEVELS {
            return Err(D::Error::custom(format!("must not expand more than {MAX_EXPAND_LEVELS} levels.")));
        }
        Ok(Self(path))
    }
}

impl ComposeSchema for ExpandParam {
    fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::String)).max_items(Some(MAX_PATHS)).into()
    }
}

impl ToSchema for ExpandParam {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ExpandParam")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ParamError, from_tree, parse_form};
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Request {
        #[serde(default)]
        expand: ExpandParam,
    }

    fn form(text: &str) -> Result<Vec<String>, ParamError> {
        let request: Request = from_tree(&parse_form(text.as_bytes())?)?;
        Ok(request.expand.paths().map(str::to_owned).collect())
    }

    #[test]
    fn both_spellings_of_a_list_are_read_and_repetitions_dropped() {
        assert_eq!(form("expand[]=customer&expand[]=a.b&expand[]=customer").unwrap(), ["customer", "a.b"]);
        assert_eq!(form("expand[0]=customer").unwrap(), ["customer"]);
        assert!(form("").unwrap().is_empty() && form("expand=").is_err());
    }

    #[test]
    fn four_levels_are_followed_on_objects_and_on_lists_and_no_fifth() {
        assert!(form("expand[]=a.b.c.d").is_ok() && form("expand[]=data.a.b.c.d").is_ok());
        for deep in ["a.b.c.d.e", "data.a.b.c.d.e", "a.data.b.c.d"] {
            let error = form(&format!("expand[]=x&expand[]={deep}")).unwrap_err();
            assert_eq!(error.param.as_deref(), Some("expand[1]"), "{deep}");
        }
    }

    #[test]
    fn paths_are_names_joined_by_dots() {
        for bad in ["", "+", ".", "a.", ".a", "a..b", "A", "a-b", "a/b", "%C3%A9", &"a".repeat(MAX_LEVEL + 1)] {
            assert!(form(&format!("expand[]={bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_number_of_paths_is_bounded() {
        let many = |n: usize| (0..n).map(|i| format!("expand[]=p{i}")).collect::<Vec<_>>().join("&");
        assert!(form(&many(MAX_PATHS)).is_ok());
        assert!(form(&many(MAX_PATHS + 1)).is_err());
    }
}
