//! What is left of a deleted object.

use serde::Serialize;
use std::fmt::Display;
use utoipa::ToSchema;

/// A deleted object.
#[derive(Serialize, ToSchema)]
pub struct Deleted {
    id: String,
    /// What it was: `customer`.
    object: &'static str,
    /// `true`.
    deleted: bool,
}

impl Deleted {
    /// The object with that id, which was a `object`.
    #[must_use]
    pub fn view(id: impl Display, object: &'static str) -> Self {
        Self { id: id.to_string(), object, deleted: true }
    }
}
