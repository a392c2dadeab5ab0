//! A page of a list.

use serde::Serialize;
use utoipa::ToSchema;

/// A page of a list, newest first.
#[derive(Serialize, ToSchema)]
pub struct List<'a, T> {
    /// `list`.
    object: &'static str,
    data: Vec<T>,
    /// There are more objects behind the last one.
    has_more: bool,
    /// The path of the list.
    url: &'a str,
}

impl<'a, T> List<'a, T> {
    /// A page of the list at `url`.
    #[must_use]
    pub const fn of(data: Vec<T>, has_more: bool, url: &'a str) -> Self {
        Self { object: "list", data, has_more, url }
    }
}
