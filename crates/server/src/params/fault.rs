//! A fault on its way from the parameter that has it to the answer that names it.
//!
//! It starts where the fault is and collects the path on the way out, so that reading a request without faults
//! keeps no path at all. What serde offers to say about values is dropped here: it would quote them.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

use super::name;
use super::{ParamError, ParamErrorKind};

/// Boxed, because every step of reading returns a result of it.
#[derive(Debug)]
pub(super) struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    /// Absent while only the reader of the value knows what was asked for.
    kind: Option<ParamErrorKind>,
    /// Words of this program; see [`ParamError::about`].
    rule: String,
    /// Names and indexes, innermost first.
    path: Vec<String>,
    /// For unknown parameters: all of them, as names below the path.
    unknown: Vec<String>,
}

impl Fault {
    pub(super) fn new(kind: ParamErrorKind) -> Self {
        Self::with_rule(kind, String::new())
    }

    pub(super) fn with_rule(kind: ParamErrorKind, rule: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind: Some(kind), rule: rule.into(), path: Vec::new(), unknown: Vec::new() }))
    }

    pub(super) fn unknown(names: Vec<String>) -> Self {
        let mut fault = Self::new(ParamErrorKind::Unknown);
        fault.0.unknown = names;
        fault
    }

    /// The fault, seen from the container it happened in.
    pub(super) fn inside(mut self, segment: impl Into<String>) -> Self {
        self.0.path.push(segment.into());
        self
    }

    /// Says what was asked for, if nobody closer to the value did.
    pub(super) fn or(mut self, kind: ParamErrorKind) -> Self {
        self.0.kind.get_or_insert(kind);
        self
    }

    /// The names and indexes that lead to the fault, outermost first.
    pub(super) fn path(&self) -> impl Iterator<Item = &str> {
        self.0.path.iter().rev().map(String::as_str)
    }

    /// What a type said about a value it refused, in its own words.
    pub(super) fn rule(&self) -> &str {
        &self.0.rule
    }

    pub(super) fn without_rule(mut self) -> Self {
        self.0.rule.clear();
        self
    }

    pub(super) fn into_error(self) -> ParamError {
        let mut inner = *self.0;
        inner.path.reverse();
        if !inner.unknown.is_empty() {
            let whole = |name: String| {
                let mut path = inner.path.clone();
                path.push(name);
                name::path(&path).unwrap_or_default()
            };
            return ParamError::unknown(inner.unknown.into_iter().map(whole).collect());
        }
        ParamError::about(inner.kind.unwrap_or(ParamErrorKind::Invalid), name::path(&inner.path), &inner.rule)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a parameter was refused")
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::with_rule(ParamErrorKind::Invalid, message.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self(Box::new(Inner { kind: None, rule: String::new(), path: Vec::new(), unknown: Vec::new() }))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::with_rule(ParamErrorKind::TooLong, format!("{expected}."))
    }

    fn unknown_variant(_: &str, allowed: &'static [&'static str]) -> Self {
        Self::new(ParamErrorKind::InvalidEnum { allowed })
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::unknown(vec![field.to_owned()])
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(ParamErrorKind::Missing).inside(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(ParamErrorKind::Repeated).inside(field)
    }
}
