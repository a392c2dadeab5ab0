//! Items: where a record or a list entry is in the table, and what stands in it.
//!
//! | | partition key `p` | sort key `s` | attributes |
//! | --- | --- | --- | --- |
//! | record | `r`, kind, shard | the rest of its bytes as `crate::codec` has them | `b` body, `r` revision, `t` when it may go |
//! | record with a long name | the same | 2, whose, SHA-256 of the name | the same, and `n` the name |
//! | list entry | `l`, the list's bytes, shard | identifier | none |
//!
//! A record's shard is chosen by a hash of its bytes, an entry's by one of its identifier; both keep their partition keys
//! below what one can take, see docs/scaling.md.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::id::Ulid;

use super::layout::Layout;
use crate::codec::{code, key_bytes, list_bytes, parse_entry, parse_key};
use crate::contract::{Item, ReadError};
use crate::key::{Index, Key, Kind, List};

pub(super) const PARTITION_KEY: &str = "p";
pub(super) const SORT_KEY: &str = "s";
pub(super) const BODY: &str = "b";
pub(super) const REVISION: &str = "r";
pub(super) const NAME: &str = "n";
pub(super) const EXPIRY: &str = "t";

/// What the partition keys of list entries begin with.
pub(super) const LISTS: u8 = b'l';
const RECORDS: u8 = b'r';
/// The longest sort key that there may be.
const MAX_SORT: usize = 1_024;
/// What the sort key of a record with a long name begins with.
const HASHED: u8 = 2;
/// "Whose" is so many bytes.
const SCOPE: usize = 17;

/// What a table's attributes hold.
pub(super) type Attributes = HashMap<String, AttributeValue>;

/// Where something is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) partition: Vec<u8>,
    pub(super) sort: Vec<u8>,
}

impl Place {
    /// The primary key.
    pub(super) fn key(&self) -> Attributes {
        HashMap::from([(PARTITION_KEY.to_owned(), blob(&self.partition)), (SORT_KEY.to_owned(), blob(&self.sort))])
    }

    /// Where a record is; with its name, if that is too long to be part of it.
    pub(super) fn of_record(layout: &Layout, key: &Key) -> (Self, Option<Vec<u8>>) {
        let bytes = key_bytes(key);
        let partition = records_of(key.kind(), layout.shard(&bytes, layout.plan.record_shards));
        let sort = bytes.get(1..).unwrap_or_default();
        match key {
            Key::Named(named) if sort.len() > MAX_SORT => {
                let whose = sort.get(1..=SCOPE).unwrap_or_default();
                let sort = [&[HASHED], whose, digest(&SHA256, &named.name).as_ref()].concat();
                (Self { partition, sort }, Some(named.name.clone()))
            }
            Key::Named(_) | Key::Object(_) => (Self { partition, sort: sort.to_vec() }, None),
        }
    }

    /// Where a list's entry is.
    pub(super) fn of_entry(layout: &Layout, list: &List, id: Ulid) -> Self {
        let sort = id.bits().to_be_bytes();
        Self { partition: entries_of(list, layout.shard(&sort, shards_of(layout, list))), sort: sort.to_vec() }
    }
}

/// The partition key of a shard of a kind's records.
pub(super) fn records_of(kind: Kind, shard: u16) -> Vec<u8> {
    [&[RECORDS, code(kind)][..], &shard.to_be_bytes()].concat()
}

/// The partition key of a shard of a list.
pub(super) fn entries_of(list: &List, shard: u16) -> Vec<u8> {
    [&[LISTS], &*list_bytes(list), &shard.to_be_bytes()].concat()
}

/// Over how many shards a list is spread: those that each payment of a merchant adds to, over as many as the table has for
/// them; those of one object, one customer or one address, and those that grow as merchants come, are in one place.
pub(super) const fn shards_of(layout: &Layout, list: &List) -> u16 {
    match list.index {
        Index::PaymentIntents
        | Index::SetupIntents
        | Index::Charges
        | Index::Refunds
        | Index::BalanceTransactions
        | Index::Events
        | Index::Customers
        | Index::PaymentMethods
        | Index::OpenOperations
        | Index::AwaitingBuyer
        | Index::EventsByKind
        | Index::BalanceTransactionsByKind
        | Index::UnsummedBalanceTransactions
        | Index::AuditEntries
        | Index::PendingDeliveries => layout.plan.list_shards,
        Index::Accounts
        | Index::ApiKeys
        | Index::WebhookEndpoints
        | Index::DeletedWebhookEndpoints
        | Index::TokenKeys
        | Index::TokenIssuers
        | Index::UsersByAccount
        | Index::PaymentIntentsByCustomer
        | Index::ChargesByCustomer
        | Index::ChargesByPaymentIntent
        | Index::RefundsByCharge
        | Index::RefundsByPaymentIntent
        | Index::PaymentMethodsByCustomer
        | Index::SetupIntentsByCustomer
        | Index::SetupAttemptsBySetupIntent
        | Index::BalanceTransactionsBySource
        | Index::CustomersByEmail => 1,
    }
}

/// Bytes as an attribute.
pub(super) fn blob(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

/// An attribute's bytes.
pub(super) fn binary<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a [u8]> {
    attributes.get(name)?.as_b().ok().map(AsRef::as_ref)
}

/// An attribute's number.
pub(super) fn number(attributes: &Attributes, name: &str) -> Option<u64> {
    attributes.get(name)?.as_n().ok()?.parse().ok()
}

fn corrupt(what: &str) -> ReadError {
    ReadError::Corrupt(what.to_owned())
}

/// What a record holds.
pub(super) fn record(layout: &Layout, attributes: &Attributes) -> Result<Item, ReadError> {
    let revision = number(attributes, REVISION).ok_or_else(|| corrupt("a record without a revision"))?;
    let kept = binary(attributes, BODY).ok_or_else(|| corrupt("a record without a body"))?;
    let body = layout.unpack(kept).map_err(|what| ReadError::Corrupt(format!("a body cannot be unpacked: {what}")))?;
    Ok(Item { revision, body })
}

/// Where an item is.
pub(super) fn place(attributes: &Attributes) -> Result<Place, ReadError> {
    let part = |name| binary(attributes, name).map(<[u8]>::to_vec).ok_or_else(|| corrupt("an item without a key"));
    Ok(Place { partition: part(PARTITION_KEY)?, sort: part(SORT_KEY)? })
}

/// The key of a record that is there; `name` is what the item says of it.
pub(super) fn parse_record(kind: Kind, sort: &[u8], name: Option<&[u8]>) -> Option<Key> {
    let whole = match (sort.split_first()?, name) {
        // What a short name of the same scope would be found by, were it not too long.
        ((&HASHED, rest), Some(name)) => [&[code(kind), 0], rest.get(..SCOPE)?, name].concat(),
        (_, None) => [&[code(kind)], sort].concat(),
        (_, Some(_)) => return None,
    };
    parse_key(kind, &whole)
}

/// The entry at a place.
pub(super) fn parse_listed(place: &Place) -> Option<(List, Ulid)> {
    let (_shard, list) = place.partition.strip_prefix(&[LISTS])?.split_last_chunk::<2>().map(|(list, shard)| (shard, list))?;
    parse_entry(&[list, &place.sort].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{id, scope};
    use crate::dynamodb::layout::Plan;
    use crate::key::MAX_NAME;
    use proptest::prelude::*;

    fn layout() -> Layout {
        Layout::new(Plan { record_shards: 300, list_shards: 5, plain: true }).unwrap()
    }

    #[test]
    fn a_sort_key_is_never_too_long_and_gives_back_its_record() {
        for length in [1, 2, 255, 900, 1_006, 1_007, MAX_NAME] {
            let key = Key::named(scope(), Kind::Setting, vec![b'x'; length]);
            let (place, name) = Place::of_record(&layout(), &key);
            assert!(place.sort.len() <= MAX_SORT);
            assert_eq!(name.is_some(), length > 1_006);
            assert_eq!(parse_record(Kind::Setting, &place.sort, name.as_deref()), Some(key));
        }
        let key = Key::object(scope(), Kind::Charge, id(7));
        let (place, name) = Place::of_record(&layout(), &key);
        assert_eq!(parse_record(Kind::Charge, &place.sort, name.as_deref()), Some(key));
    }

    #[test]
    fn every_list_gives_back_its_entries() {
        for index in Index::ALL {
            for list in [List::all(scope(), *index), List::of(scope(), *index, id(3))] {
                let place = Place::of_entry(&layout(), &list, id(9));
                assert_eq!(parse_listed(&place), Some((list, id(9))));
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_parsing_fail_otherwise_than_by_none(partition: Vec<u8>, sort: Vec<u8>, name: Option<Vec<u8>>) {
            let _ = parse_record(Kind::Event, &sort, name.as_deref());
            let _ = parse_listed(&Place { partition: [&[LISTS], &*partition].concat(), sort });
        }
    }
}
