//! Filters by a number or time: `created=5`, or `created[gte]=5&created[lt]=9`.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};
use utoipa::__dev::ComposeSchema;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};

/// The numbers a filter lets through: those from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeParam {
    /// The smallest that passes, where there is one.
    pub first: Option<i64>,
    /// The largest that passes, where there is one.
    pub last: Option<i64>,
}

impl RangeParam {
    /// Whether a number passes.
    #[must_use]
    pub fn contains(&self, number: i64) -> bool {
        self.first.is_none_or(|first| first <= number) && self.last.is_none_or(|last| number <= last)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounds {
    gt: Option<i64>,
    gte: Option<i64>,
    lt: Option<i64>,
    lte: Option<i64>,
}

impl From<Bounds> for RangeParam {
    fn from(bounds: Bounds) -> Self {
        // Nothing lies beyond the ends of the range; there the smallest number stands in for "none at all".
        const NONE: RangeParam = RangeParam { first: Some(i64::MAX), last: Some(i64::MIN) };
        if bounds.gt == Some(i64::MAX) || bounds.lt == Some(i64::MIN) {
            return NONE;
        }
        let above = bounds.gt.map(|gt| gt.saturating_add(1));
        let below = bounds.lt.map(|lt| lt.saturating_sub(1));
        Self { first: above.into_iter().chain(bounds.gte).max(), last: below.into_iter().chain(bounds.lte).min() }
    }
}

impl<'de> Deserialize<'de> for RangeParam {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RangeVisitor)
    }
}

struct RangeVisitor;

impl<'de> Visitor<'de> for RangeVisitor {
    type Value = RangeParam;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or bounds named gt, gte, lt and lte")
    }

    fn visit_i64<E>(self, number: i64) -> Result<RangeParam, E> {
        Ok(RangeParam { first: Some(number), last: Some(number) })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<RangeParam, E> {
        let number = text.parse().map_err(|_| E::custom("must be a whole number, or bounds named gt, gte, lt and lte"))?;
        self.visit_i64(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<RangeParam, E> {
        let number = i64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))?;
        self.visit_i64(number)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RangeParam, A::Error> {
        Bounds::deserialize(MapAccessDeserializer::new(map)).map(RangeParam::from)
    }
}

impl ComposeSchema for RangeParam {
    fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        let integer = || ObjectBuilder::new().schema_type(Type::Integer).format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)));
        let bounds = ["gt", "gte", "lt", "lte"]
            .into_iter()
            .fold(ObjectBuilder::new().schema_type(Type::Object), |bounds, name| bounds.property(name, integer()));
        AnyOfBuilder::new().item(integer()).item(bounds).into()
    }
}

impl ToSchema for RangeParam {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("RangeParam")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ParamError, ParamErrorKind, from_tree, parse_form, parse_json};
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Filter {
        created: Option<RangeParam>,
    }

    fn form(text: &str) -> Result<Option<RangeParam>, ParamError> {
        from_tree::<Filter>(&parse_form(text.as_bytes())?).map(|filter| filter.created)
    }

    fn range(first: Option<i64>, last: Option<i64>) -> Option<RangeParam> {
        Some(RangeParam { first, last })
    }

    #[test]
    fn a_number_is_exact_and_bounds_are_read_by_name() {
        assert_eq!(form("").unwrap(), None);
        assert_eq!(form("created=5").unwrap(), range(Some(5), Some(5)));
        assert_eq!(form("created[gt]=5&created[lt]=9").unwrap(), range(Some(6), Some(8)));
        assert_eq!(form("created[gte]=5&created[lte]=9").unwrap(), range(Some(5), Some(9)));
        assert_eq!(form("created[gt]=5&created[gte]=7").unwrap(), range(Some(7), None));
        let json: Filter = from_tree(&parse_json(br#"{"created":{"lt":9}}"#).unwrap()).unwrap();
        assert_eq!(json.created, range(None, Some(8)));
        let json: Filter = from_tree(&parse_json(br#"{"created":9}"#).unwrap()).unwrap();
        assert_eq!(json.created, range(Some(9), Some(9)));
    }

    #[test]
    fn bounds_at_the_ends_of_the_range_let_nothing_through() {
        for none in [format!("created[gt]={}", i64::MAX), format!("created[lt]={}", i64::MIN)] {
            let range = form(&none).unwrap().unwrap();
            assert!([i64::MIN, 0, i64::MAX].iter().all(|n| !range.contains(*n)), "{none}");
        }
    }

    #[test]
    fn contains_includes_both_ends() {
        let range = form("created[gt]=5&created[lte]=9").unwrap().unwrap();
        assert_eq!((5..=10).filter(|n| range.contains(*n)).collect::<Vec<_>>(), [6, 7, 8, 9]);
    }

    #[test]
    fn wrong_filters_are_refused_with_their_path() {
        for (text, kind, param) in [
            ("created[ge]=5", ParamErrorKind::Unknown, "created[ge]"),
            ("created[gt]=x", ParamErrorKind::InvalidInteger, "created[gt]"),
            ("created=x", ParamErrorKind::Invalid, "created"),
            ("created[]=5", ParamErrorKind::InvalidArray, "created"),
        ] {
            let error = form(text).unwrap_err();
            assert_eq!((error.kind, error.param.as_deref()), (kind, Some(param)), "{text}");
        }
    }
}
