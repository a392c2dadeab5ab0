//! Names not yet in the index of names.
//!
//! Hashes are random, so putting each new name into its place would write one page of the index a name, and
//! more and more of them the larger the store. Instead a new name is appended to the table `fresh_names` and
//! remembered here; when many have gathered, a sweep moves them into the index in the order of their hashes,
//! a few with each group, so that neighbours share a page; then the table's head is cut off.
//!
//! What is remembered are hints and no more: which row to look at. The row itself, in the reader's own view of
//! the file, decides; so hints may be published before their commit, and a hint for a commit that failed does
//! no harm. A hint is withdrawn only after the index has it, durably. Hence two ways to look that miss nothing:
//!
//! - One name: ask here first and look into the file afterwards. What was acknowledged before is found.
//! - Several records as of one moment: fix the view of the file first and ask here afterwards. All names in the
//!   view are here or in its index, unless a hint was withdrawn in between: [`Fresh::withdrawals`] tells, and
//!   the view's own table of fresh names decides then.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use rusqlite::Connection;

use super::schema;

/// So many names gather before a sweep begins. Remembering them and what comes during the sweep takes some
/// 8 MB; with a million names in the index, a group of 64 then touches 3 of its pages instead of 60.
const GATHER: usize = 131_072;
/// How many rows of the table's head are cut off with one group.
const CUT: i64 = 4_096;

/// A name's hash and the row of its record.
pub(super) type Hint = (i64, i64);

/// All names that are not in the index yet; some that just came there, too.
pub(super) struct Fresh {
    hints: RwLock<BTreeSet<Hint>>,
    /// Counted up while `hints` is locked.
    withdrawals: AtomicU64,
    gather: usize,
}

impl Default for Fresh {
    fn default() -> Self {
        Self::gathering(GATHER)
    }
}

impl Fresh {
    /// With a sweep whenever so many names have gathered.
    pub(super) fn gathering(gather: usize) -> Self {
        Self { hints: RwLock::default(), withdrawals: AtomicU64::new(0), gather }
    }

    /// The rows to look at for a hash.
    pub(super) fn rows(&self, hash: i64) -> Vec<i64> {
        self.hints.read().range((hash, i64::MIN)..=(hash, i64::MAX)).map(|(_, row)| *row).collect()
    }

    /// Remembers a name.
    pub(super) fn add(&self, hint: Hint) {
        self.hints.write().insert(hint);
    }

    /// Remembers many names.
    pub(super) fn extend(&self, hints: impl IntoIterator<Item = Hint>) {
        self.hints.write().extend(hints);
    }

    /// Withdraws names.
    pub(super) fn remove<'h>(&self, hints: impl IntoIterator<Item = &'h Hint>) {
        let mut all = self.hints.write();
        for hint in hints {
            if all.remove(hint) {
                self.withdrawals.fetch_add(1, Ordering::Release);
            }
        }
    }

    /// Remembers what the file says and nothing else: to be called whenever it was opened for writing, before
    /// anybody reads or writes it.
    pub(super) fn recall(&self, connection: &Connection) -> rusqlite::Result<()> {
        self.replace(schema::fresh_names(connection, i64::MIN)?);
        Ok(())
    }

    fn replace(&self, hints: impl IntoIterator<Item = Hint>) {
        let mut all = self.hints.write();
        *all = hints.into_iter().collect();
        self.withdrawals.fetch_add(1, Ordering::Release);
    }

    /// How often something was withdrawn: who sees the same number before and after missed nothing in between.
    pub(super) fn withdrawals(&self) -> u64 {
        self.withdrawals.load(Ordering::Acquire)
    }

    /// Forgets all names if they are more than a sweep ever leaves. Answers whether it did.
    pub(super) fn forget_surplus(&self) -> bool {
        let mut all = self.hints.write();
        let surplus = all.len() > self.gather.saturating_mul(4);
        if surplus {
            all.clear();
        }
        surplus
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.hints.read().len()
    }

    fn enough(&self) -> bool {
        self.hints.read().len() >= self.gather
    }

    fn next(&self, from: Hint, last_row: i64, count: usize) -> Vec<Hint> {
        self.hints.read().range(from..).filter(|(_, row)| *row <= last_row).take(count).copied().collect()
    }
}

/// What the sweep does with a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// Nothing.
    Rest,
    /// These go into the index; they are sorted.
    Index(Vec<Hint>),
    /// The table loses its rows up to this one, all of which are in the index.
    Cut(i64),
}

/// Where the sweep stands. It advances only when the group it went with has landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Sweep {
    #[default]
    Gathering,
    /// Names up to this row are being moved, those before this hint have been.
    Moving { last_row: i64, from: Hint },
    /// Rows up to this one are being cut off, those up to the other one have been.
    Cutting { last_row: i64, cut: i64 },
}

impl Sweep {
    /// What to do with a group, and where the sweep stands once it has landed. `rows` are the first and the
    /// last row of the table.
    pub(super) fn step(self, fresh: &Fresh, (first_row, last_row): (i64, i64), count: usize) -> (Move, Self) {
        match self {
            Self::Gathering if !fresh.enough() => (Move::Rest, self),
            Self::Gathering => Self::Moving { last_row, from: (i64::MIN, i64::MIN) }.step(fresh, (first_row, last_row), count),
            Self::Moving { last_row, from } => {
                let hints = fresh.next(from, last_row, count);
                match hints.last() {
                    Some((hash, row)) => {
                        let from = (*hash, row.saturating_add(1));
                        (Move::Index(hints), Self::Moving { last_row, from })
                    }
                    None => Self::Cutting { last_row, cut: first_row.saturating_sub(1) }.step(fresh, (first_row, last_row), count),
                }
            }
            Self::Cutting { last_row, cut } => {
                let to = cut.saturating_add(CUT).min(last_row);
                let next = if to == last_row { Self::Gathering } else { Self::Cutting { last_row, cut: to } };
                (Move::Cut(to), next)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_moves_every_gathered_name_once_in_order_and_then_cuts_them_off() {
        let fresh = Fresh::gathering(10_000);
        let mut sweep = Sweep::default();
        for row in 0..10_000 {
            assert_eq!(sweep.step(&fresh, (0, row), 16), (Move::Rest, Sweep::Gathering));
            fresh.add(((row / 3 * 7_919) % 1_000, row));
        }
        let mut moved = Vec::new();
        let mut cut = -1;
        let mut later = 10_000;
        loop {
            let (step, next) = sweep.step(&fresh, (0, later - 1), 16);
            match step {
                Move::Rest => break,
                Move::Index(hints) => {
                    fresh.remove(&hints);
                    moved.extend(hints);
                }
                Move::Cut(to) => {
                    assert!(to > cut && to - cut <= CUT && to <= 9_999, "{cut} {to}");
                    cut = to;
                }
            }
            // Others come meanwhile.
            fresh.add((later % 1_000, later));
            later += 1;
            sweep = next;
        }
        assert_eq!((moved.len(), cut), (10_000, 9_999));
        assert!(moved.is_sorted() && moved.iter().all(|(_, row)| *row < 10_000));
        assert_eq!(fresh.len(), usize::try_from(later - 10_000).unwrap());
    }

    #[test]
    fn whatever_is_withdrawn_is_counted() {
        let fresh = Fresh::default();
        fresh.extend([(5, 1), (6, 2)]);
        let before = fresh.withdrawals();
        fresh.remove(&[(7, 7)]);
        assert_eq!(fresh.withdrawals(), before);
        fresh.remove(&[(5, 1)]);
        let after = fresh.withdrawals();
        assert_ne!(after, before);
        fresh.replace([(6, 2)]);
        assert_ne!(fresh.withdrawals(), after);
        assert_eq!((fresh.rows(5), fresh.rows(6)), (vec![], vec![2]));
    }

    #[test]
    fn names_that_share_a_hash_are_all_looked_at() {
        let fresh = Fresh::default();
        fresh.extend([(5, 1), (5, 2), (6, 3), (5, i64::MAX)]);
        assert_eq!(fresh.rows(5), [1, 2, i64::MAX]);
        fresh.remove(&[(5, 1)]);
        assert_eq!(fresh.rows(5), [2, i64::MAX]);
        assert_eq!(fresh.rows(7), [0; 0]);
    }
}
