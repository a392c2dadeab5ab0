//! A part of a list: what its shards hold, merged.
//!
//! Each shard is asked for its share and a few more. What the shards have given is merged as far as none of them can hold
//! anything that comes before; a shard that has no more in hand is asked for more, until the limit is met.

use std::collections::VecDeque;

use domain::id::Ulid;
use futures::future::try_join_all;

use super::item::{SORT_KEY, binary, entries_of, shards_of};
use super::query::{Query, query};
use super::table::Table;
use crate::contract::{Order, ReadError, Scan};

/// Asked of a shard beyond its share: shares of short lists differ.
const MORE: usize = 8;

/// What is left of one shard.
struct Shard {
    number: u16,
    /// Both included; `None` once it has given all.
    rest: Option<(Ulid, Ulid)>,
    in_hand: VecDeque<Ulid>,
}

fn next(id: Ulid) -> Option<Ulid> {
    id.bits().checked_add(1).map(Ulid::from_bits)
}

fn before(id: Ulid) -> Option<Ulid> {
    id.bits().checked_sub(1).map(Ulid::from_bits)
}

/// The identifiers that a scan is about, from and to.
fn range(scan: &Scan) -> Option<(Ulid, Ulid)> {
    let from = scan.newer_than.map_or(Some(Ulid::NIL), next)?;
    let to = scan.older_than.map_or(Some(Ulid::MAX), before)?;
    (from <= to).then_some((from, to))
}

/// The part of the list.
pub(super) async fn scan(table: &Table, scan: &Scan) -> Result<Vec<Ulid>, ReadError> {
    let Some(range) = range(scan) else { return Ok(Vec::new()) };
    let number = shards_of(&table.layout, &scan.list);
    let mut shards: Vec<Shard> = (0..number).map(|number| Shard { number, rest: Some(range), in_hand: VecDeque::new() }).collect();
    let mut merged = Vec::with_capacity(scan.limit.min(64));
    loop {
        let wanted = scan.limit.saturating_sub(merged.len());
        let share = wanted.div_ceil(usize::from(number).max(1)).saturating_add(MORE).min(wanted);
        let empty = shards.iter_mut().filter(|shard| shard.in_hand.is_empty() && shard.rest.is_some());
        try_join_all(empty.map(|shard| shard.ask(table, scan, share))).await?;
        merge(&mut shards, scan, &mut merged);
        if merged.len() >= scan.limit || shards.iter().all(|shard| shard.rest.is_none() && shard.in_hand.is_empty()) {
            return Ok(merged);
        }
    }
}

/// Takes what comes next while every shard that may have more has shown what its next is.
fn merge(shards: &mut [Shard], scan: &Scan, merged: &mut Vec<Ulid>) {
    while merged.len() < scan.limit && !shards.iter().any(|shard| shard.in_hand.is_empty() && shard.rest.is_some()) {
        let heads = shards.iter_mut().filter(|shard| !shard.in_hand.is_empty());
        let head = |shard: &&mut Shard| shard.in_hand.front().copied();
        let first = match scan.order {
            Order::OldestFirst => heads.min_by_key(head),
            Order::NewestFirst => heads.max_by_key(head),
        };
        let Some(id) = first.and_then(|shard| shard.in_hand.pop_front()) else { return };
        merged.push(id);
    }
}

impl Shard {
    async fn ask(&mut self, table: &Table, scan: &Scan, limit: usize) -> Result<(), ReadError> {
        let Some((from, to)) = self.rest else { return Ok(()) };
        let ascending = scan.order == Order::OldestFirst;
        let bytes = |id: Ulid| id.bits().to_be_bytes().to_vec();
        let partition = entries_of(&scan.list, self.number);
        let page = query(table, &Query { partition, from: bytes(from), to: bytes(to), after: None, ascending, limit }).await?;
        for item in &page.items {
            let id = binary(item, SORT_KEY).and_then(|sort| sort.try_into().ok()).map(u128::from_be_bytes);
            self.in_hand.push_back(Ulid::from_bits(id.ok_or_else(|| ReadError::Corrupt("an entry of no list".to_owned()))?));
        }
        self.rest = match self.in_hand.back() {
            _ if page.is_last => None,
            // Nothing was given and yet there is more: that is asked for again.
            None => self.rest,
            Some(last) if ascending => next(*last).filter(|from| *from <= to).map(|from| (from, to)),
            Some(last) => before(*last).filter(|to| from <= *to).map(|to| (from, to)),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::scope;
    use crate::key::{Index, List};

    fn shard(rest: Option<(Ulid, Ulid)>, in_hand: &[u128]) -> Shard {
        Shard { number: 0, rest, in_hand: in_hand.iter().map(|bits| Ulid::from_bits(*bits)).collect() }
    }

    fn merged(order: Order, shards: &mut [Shard], limit: usize) -> Vec<u128> {
        let mut merged = Vec::new();
        let scan = Scan { order, ..Scan::newest(List::all(scope(), Index::Charges), limit) };
        merge(shards, &scan, &mut merged);
        merged.into_iter().map(Ulid::bits).collect()
    }

    #[test]
    fn nothing_is_taken_beyond_what_a_shard_has_shown() {
        let more = Some((Ulid::from_bits(6), Ulid::MAX));
        let mut shards = [shard(more, &[1, 5]), shard(None, &[2, 3, 9]), shard(None, &[])];
        assert_eq!(merged(Order::OldestFirst, &mut shards, 10), [1, 2, 3, 5], "9 may come after what the first has not shown");
        let less = Some((Ulid::NIL, Ulid::from_bits(4)));
        let mut shards = [shard(less, &[8, 5]), shard(None, &[9, 3, 2])];
        assert_eq!(merged(Order::NewestFirst, &mut shards, 10), [9, 8, 5]);
    }

    #[test]
    fn no_more_is_taken_than_was_asked_for() {
        assert_eq!(merged(Order::OldestFirst, &mut [shard(None, &[1, 5]), shard(None, &[2])], 2), [1, 2]);
    }

    #[test]
    fn bounds_that_leave_nothing_leave_nothing() {
        let list = List::all(scope(), Index::Charges);
        let scan = |newer_than, older_than| Scan { newer_than, older_than, ..Scan::newest(list, 1) };
        let id = |bits| Some(Ulid::from_bits(bits));
        assert_eq!(range(&scan(None, None)), Some((Ulid::NIL, Ulid::MAX)));
        assert_eq!(range(&scan(id(1), id(3))), Some((Ulid::from_bits(2), Ulid::from_bits(2))));
        for (newer, older) in [(id(1), id(2)), (id(2), id(1)), (Some(Ulid::MAX), None), (None, Some(Ulid::NIL))] {
            assert_eq!(range(&scan(newer, older)), None);
        }
    }
}
