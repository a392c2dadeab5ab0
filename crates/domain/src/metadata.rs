//! A shop's own notes on an object: a few short texts under names.
//!
//! Invariants: at most 50 keys of at most 40 characters, none with a bracket, with values of at most 500
//! characters and never an empty one. [`Metadata::merge`] is the only way to change notes and checks them all.
//! Reading stored notes does not check again: what was accepted once stays readable.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Stripe's limits, so that no shop's notes are refused that Stripe takes.
const KEYS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 40;
const VALUE_CHARS_MAX: usize = 500;

/// Texts under names, ordered by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metadata(BTreeMap<String, String>);

/// Why notes are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// More keys than an object can have.
    #[error("Metadata can have at most {KEYS_MAX} keys.")]
    TooManyKeys,
    /// A key of too many characters.
    #[error("Metadata keys can have at most {KEY_CHARS_MAX} characters; '{key}…' has more.")]
    KeyTooLong {
        /// As much of the key as a key may have.
        key: String,
    },
    /// A value of too many characters.
    #[error("Metadata values can have at most {VALUE_CHARS_MAX} characters; that of '{key}' has more.")]
    ValueTooLong {
        /// The value's key.
        key: String,
    },
    /// An empty key, or one with a bracket.
    #[error("Metadata keys cannot be empty or contain square brackets.")]
    KeyInvalid,
}

impl Metadata {
    /// These notes with changes made to them, in order: an empty value takes its key away.
    ///
    /// # Errors
    /// The first limit that is broken; nothing is changed then.
    pub fn merge(&self, changes: &[(String, String)]) -> Result<Self, Error> {
        let mut merged = self.0.clone();
        for (key, value) in changes {
            if key.is_empty() || key.contains(['[', ']']) {
                return Err(Error::KeyInvalid);
            }
            if let Some((cut, _)) = key.char_indices().nth(KEY_CHARS_MAX) {
                return Err(Error::KeyTooLong { key: key.get(..cut).unwrap_or_default().to_owned() });
            }
            if value.chars().nth(VALUE_CHARS_MAX).is_some() {
                return Err(Error::ValueTooLong { key: key.clone() });
            }
            if value.is_empty() {
                merged.remove(key);
            } else {
                merged.insert(key.clone(), value.clone());
            }
        }
        if merged.len() > KEYS_MAX {
            return Err(Error::TooManyKeys);
        }
        Ok(Self(merged))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The text under a name.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// All names and texts, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn merge(onto: &Metadata, changes: &[(&str, &str)]) -> Result<Metadata, Error> {
        let changes: Vec<_> = changes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        onto.merge(&changes)
    }

    #[test]
    fn changes_add_replace_and_delete_and_leave_the_rest() {
        let before = merge(&Metadata::default(), &[("a", "1"), ("b", "2"), ("c", "3")]).unwrap();
        let after = merge(&before, &[("b", ""), ("c", "4"), ("d", "5"), ("never", "")]).unwrap();
        assert_eq!(after.iter().collect::<Vec<_>>(), [("a", "1"), ("c", "4"), ("d", "5")]);
        assert_eq!(serde_json::to_string(&after).unwrap(), r#"{"a":"1","c":"4","d":"5"}"#);
    }

    #[test]
    fn limits_count_characters_and_are_inclusive() {
        let (key, value) = ("ä".repeat(40), "€".repeat(500));
        assert!(merge(&Metadata::default(), &[(&key, &value)]).is_ok());
        let long_key = format!("{key}x");
        assert_eq!(merge(&Metadata::default(), &[(&long_key, "v")]), Err(Error::KeyTooLong { key }));
        let long_value = format!("{value}x");
        assert_eq!(merge(&Metadata::default(), &[("k", &long_value)]), Err(Error::ValueTooLong { key: "k".into() }));
    }

    #[test]
    fn the_fifty_first_key_is_refused_unless_another_goes() {
        let names: Vec<String> = (0..50).map(|n| format!("k{n}")).collect();
        let full: Vec<_> = names.iter().map(|name| (name.as_str(), "v")).collect();
        let full = merge(&Metadata::default(), &full).unwrap();
        assert_eq!(full.len(), 50);
        assert_eq!(merge(&full, &[("one more", "v")]), Err(Error::TooManyKeys));
        assert!(merge(&full, &[("one more", "v"), ("k0", "")]).is_ok());
    }

    #[test]
    fn empty_keys_and_brackets_are_refused() {
        for key in ["", "a[b", "a]", "[]"] {
            assert_eq!(merge(&Metadata::default(), &[(key, "v")]), Err(Error::KeyInvalid), "{key}");
        }
    }

    proptest! {
        #[test]
        fn merging_is_what_a_map_does(changes in prop::collection::vec(("[a-e]", "[xy]{0,2}"), 0..20)) {
            let mut model = BTreeMap::new();
            for (key, value) in &changes {
                if value.is_empty() { model.remove(key); } else { model.insert(key.clone(), value.clone()); }
            }
            let merged = Metadata::default().merge(&changes).unwrap();
            prop_assert_eq!(&merged.0, &model);
            prop_assert!(merged.iter().all(|(key, value)| merged.get(key) == Some(value)));
            let text = serde_json::to_string(&merged).unwrap();
            prop_assert_eq!(serde_json::from_str::<Metadata>(&text).unwrap(), merged);
        }
    }

    #[test]
    fn notes_are_empty_until_there_is_one() {
        let none = Metadata::default();
        assert!(none.is_empty() && !merge(&none, &[("order", "1")]).unwrap().is_empty());
    }
}
