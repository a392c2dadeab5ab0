//! From a request's bytes to a typed request: the one way in for every parameter.
//!
//! ```text
//! query, form or JSON bytes ──read──► Tree ──from_tree──► a struct of the operation
//! ```
//!
//! Invariants:
//! - Everything is bounded before it is kept: nesting, fields, list elements.
//! - Nothing is guessed: a parameter given twice, or as two shapes, is refused and never resolved by order.
//! - A parameter the operation does not know is refused, with or without `deny_unknown_fields` on its struct.
//! - An error names the parameter by its path (`card[exp_month]`) and never repeats what was sent as its value.
//!   A name with as many digits as a card number has is shown with its digits starred.
//!
//! Request structs derive `serde::Deserialize` and `utoipa::ToSchema`. A field of type [`Update`] or [`MetadataParam`]
//! carries `#[serde(default)]` and, like one of type [`RangeParam`] or [`ExpandParam`], `#[schema(inline)]`.
//!
//! Deliberately absent: `#[serde(flatten)]`, untagged and internally tagged enums in request structs (serde buffers
//! them, and the leniency of form values and the paths of errors would be lost), and floating point numbers.

mod de;
mod error;
mod expand;
mod fault;
mod form;
mod json;
mod metadata;
mod name;
mod range;
mod request;
mod text;
mod tree;
mod update;

pub use de::from_tree;
pub use error::{ParamError, ParamErrorKind};
pub use expand::{ExpandParam, MAX_EXPAND_LEVELS};
pub use form::parse_form;
pub use json::parse_json;
pub use metadata::MetadataParam;
pub use range::RangeParam;
pub use request::read;
pub use text::Text;
pub use tree::{Fields, MAX_DEPTH, MAX_FIELDS, MAX_LIST, MAX_TEXT, Tree};
pub use update::Update;
