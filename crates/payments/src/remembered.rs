//! What was looked up once, kept by its name so that it need not be again.
//!
//! Only for what stays true, or may be seen as it was a while ago. Once it is full all is forgotten: with room for everything
//! that is asked for, that never happens, and a look-up again is all that it costs.

use std::collections::HashMap;
use std::hash::Hash;

use parking_lot::RwLock;

/// At most so many things, by their names.
pub(crate) struct Remembered<K, V> {
    most: usize,
    known: RwLock<HashMap<K, V>>,
}

impl<K: Eq + Hash, V: Clone> Remembered<K, V> {
    /// Nothing yet, and never more than so many.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, known: RwLock::default() }
    }

    /// What is known under that name.
    pub(crate) fn get(&self, name: &K) -> Option<V> {
        self.known.read().get(name).cloned()
    }

    /// Keeps it.
    pub(crate) fn insert(&self, name: K, value: V) {
        let mut known = self.known.write();
        if known.len() >= self.most {
            known.clear();
        }
        known.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_known_until_there_is_no_room_for_more() {
        let remembered = Remembered::new(2);
        remembered.insert("a", 1);
        remembered.insert("b", 2);
        assert_eq!((remembered.get(&"a"), remembered.get(&"b"), remembered.get(&"c")), (Some(1), Some(2), None));
        remembered.insert("c", 3);
        assert_eq!((remembered.get(&"a"), remembered.get(&"b"), remembered.get(&"c")), (None, None, Some(3)));
    }
}
