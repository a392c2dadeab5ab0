//! Parameters before they have types: what a form, a query string or a JSON body said, as a bounded tree.
//!
//! Invariant: a tree that this crate built keeps [`MAX_DEPTH`], [`MAX_FIELDS`] and [`MAX_LIST`].
//! Its `Debug` shows names and shapes, never a value: any text of a request may be a card number.
//!
//! `a[0]=x` stays a map with the key `0`, because a form cannot say whether a list or a map is meant
//! (`metadata[0]=x` is a map); the type that is asked for decides when the tree is read.

use std::fmt;

use indexmap::IndexMap;

use super::name;

/// How many names may nest in each other. The deepest parameter the API knows has six:
/// `line_items[0][price_data][product_data][metadata][key]`.
pub const MAX_DEPTH: usize = 8;
/// How many parameters one request may carry, containers included: ten times what the largest honest request has.
pub const MAX_FIELDS: usize = 1_000;
/// How many characters one text may have, as with Stripe.
pub const MAX_TEXT: usize = 5_000;
/// How many elements one list may have: as many as a page of a listing.
pub const MAX_LIST: usize = 100;

/// Named parameters in the order they were sent.
pub type Fields = IndexMap<String, Tree>;

/// One parameter, or all of a request.
#[derive(Clone, PartialEq, Eq)]
pub enum Tree {
    /// A form or query value, or a JSON string.
    Text(String),
    /// A JSON number that is an integer of at most 64 bits.
    Integer(i128),
    /// Any other JSON number. Its digits are not kept: no parameter takes it, and rounding it would be guessing.
    OtherNumber,
    /// A JSON `true` or `false`.
    Bool(bool),
    /// A JSON `null`.
    Null,
    /// A JSON array, or the values of `a[]=`.
    List(Vec<Self>),
    /// A JSON object, or `a[b]=` and `a[0]=`.
    Map(Fields),
}

impl Tree {
    /// A request without parameters.
    #[must_use]
    pub fn empty() -> Self {
        Self::Map(Fields::new())
    }

    /// The parameter of that name directly below this one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(fields) => fields.get(name),
            Self::List(items) => items.get(name.parse::<usize>().ok()?),
            Self::Text(_) | Self::Integer(_) | Self::OtherNumber | Self::Bool(_) | Self::Null => None,
        }
    }

    /// Whether nothing was sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Map(fields) if fields.is_empty())
    }

    /// The elements when this can be read as a list: a list, or a map whose names are 0 to n-1.
    pub(super) fn items(&self) -> Option<Vec<&Self>> {
        match self {
            Self::List(items) => Some(items.iter().collect()),
            Self::Map(fields) => (0..fields.len()).map(|index| fields.get(index.to_string().as_str())).collect(),
            Self::Text(_) | Self::Integer(_) | Self::OtherNumber | Self::Bool(_) | Self::Null => None,
        }
    }

    /// Whether some text of at least `shortest` bytes in this tree occurs in `haystack`.
    pub(super) fn is_quoted_in(&self, haystack: &str, shortest: usize) -> bool {
        match self {
            Self::Text(text) => text.len() >= shortest && haystack.contains(text.as_str()),
            Self::Integer(number) => {
                let digits = number.to_string();
                digits.len() >= shortest && haystack.contains(&digits)
            }
            Self::List(items) => items.iter().any(|item| item.is_quoted_in(haystack, shortest)),
            Self::Map(fields) => fields.values().any(|item| item.is_quoted_in(haystack, shortest)),
            Self::OtherNumber | Self::Bool(_) | Self::Null => false,
        }
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("text"),
            Self::Integer(_) => f.write_str("integer"),
            Self::OtherNumber => f.write_str("number"),
            Self::Bool(_) => f.write_str("bool"),
            Self::Null => f.write_str("null"),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Map(fields) => f.debug_map().entries(fields.iter().map(|(key, value)| (name::shown(key), value))).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_value_and_no_card_number_as_a_name() {
        let fields = [
            ("number".to_owned(), Tree::Text("4242424242424242".to_owned())),
            ("4000056655665556".to_owned(), Tree::Integer(4_000_056_655_665_556)),
        ];
        let shown = format!("{:?}", Tree::Map(fields.into_iter().collect()));
        assert!(shown.contains("number"), "{shown}");
        assert!(!shown.contains("4242") && !shown.contains("40000"), "{shown}");
    }

    #[test]
    fn a_map_is_a_list_only_when_its_names_count_up_from_zero() {
        let map = |names: &[&str]| Tree::Map(names.iter().map(|n| ((*n).to_owned(), Tree::Null)).collect());
        assert_eq!(map(&["1", "0"]).items().map(|items| items.len()), Some(2));
        for names in [&["1", "2"][..], &["0", "2"], &["00"], &["0", "x"]] {
            assert!(map(names).items().is_none(), "{names:?}");
        }
    }
}
