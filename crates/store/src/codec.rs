//! How keys and list entries become bytes, whose order is the order in which they are read.
//!
//! - A record: kind, then 0 and whose and the name, or 1 and the identifier and whose. So an export meets named records
//!   first, then objects by their identifiers.
//! - A list: index, whose, then 0, or 1 and the parent. An entry: its list, then the identifier. No list's bytes begin
//!   another's.
//!
//! "Whose" is the account's 16 bytes and a byte that says test (0) or live (1).

use domain::id::{AccountId, Ulid};
use domain::scope::{Mode, Scope};

use crate::key::{Index, Key, Kind, List};

const NAMED: u8 = 0;
const OBJECT: u8 = 1;
const WHOLE: u8 = 0;
const OF_PARENT: u8 = 1;

/// The number a kind is stored under: it never changes and is never reused. The views name them, too.
pub(crate) const fn code(kind: Kind) -> u8 {
    match kind {
        Kind::Account => 1,
        Kind::ApiKey => 2,
        Kind::IdempotencyRecord => 3,
        Kind::PaymentIntent => 4,
        Kind::PaymentAttempt => 5,
        Kind::Charge => 6,
        Kind::Refund => 7,
        Kind::BalanceTransaction => 8,
        Kind::JournalEntry => 9,
        Kind::BalanceCheckpoint => 10,
        Kind::Event => 11,
        Kind::Customer => 12,
        Kind::PaymentMethod => 13,
        Kind::SealedCard => 14,
        Kind::SetupIntent => 15,
        Kind::SetupAttempt => 16,
        Kind::Token => 17,
        Kind::Setting => 18,
        Kind::AuditEntry => 19,
        Kind::AuditSegment => 20,
        Kind::WebhookEndpoint => 21,
        Kind::WebhookDelivery => 22,
        Kind::TokenKey => 23,
        Kind::TokenIssuer => 24,
        Kind::User => 25,
        Kind::Session => 26,
    }
}

fn write_ulid(bytes: &mut Vec<u8>, id: Ulid) {
    bytes.extend_from_slice(&id.bits().to_be_bytes());
}

fn read_ulid(bytes: &[u8]) -> Option<(Ulid, &[u8])> {
    let (id, rest) = bytes.split_first_chunk()?;
    Some((Ulid::from_bits(u128::from_be_bytes(*id)), rest))
}

fn write_scope(bytes: &mut Vec<u8>, scope: Scope) {
    write_ulid(bytes, scope.account.ulid());
    bytes.push(u8::from(scope.mode.is_live()));
}

fn read_scope(bytes: &[u8]) -> Option<(Scope, &[u8])> {
    let (account, rest) = read_ulid(bytes)?;
    let (mode, rest) = rest.split_first()?;
    let mode = match mode {
        0 => Mode::Test,
        1 => Mode::Live,
        _ => return None,
    };
    Some((Scope { account: AccountId::new(account), mode }, rest))
}

/// The bytes of a record's key.
pub(crate) fn key_bytes(key: &Key) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(48);
    bytes.push(code(key.kind()));
    match key {
        Key::Named(named) => {
            bytes.push(NAMED);
            write_scope(&mut bytes, named.scope);
            bytes.extend_from_slice(&named.name);
        }
        Key::Object(object) => {
            bytes.push(OBJECT);
            write_ulid(&mut bytes, object.id);
            write_scope(&mut bytes, object.scope);
        }
    }
    bytes
}

/// The key of those bytes, if they are one of that kind.
pub(crate) fn parse_key(kind: Kind, bytes: &[u8]) -> Option<Key> {
    let rest = bytes.strip_prefix(&[code(kind)])?;
    match rest.split_first()? {
        (&NAMED, rest) => {
            let (scope, name) = read_scope(rest)?;
            Some(Key::named(scope, kind, name))
        }
        (&OBJECT, rest) => {
            let (id, rest) = read_ulid(rest)?;
            let (scope, rest) = read_scope(rest)?;
            rest.is_empty().then(|| Key::object(scope, kind, id))
        }
        _ => None,
    }
}

/// The keys of a kind begin at the first of these and end before the second.
pub(crate) fn keys_of(kind: Kind) -> (Vec<u8>, Vec<u8>) {
    (vec![code(kind)], vec![code(kind).saturating_add(1)])
}

/// What all entries of a list begin with.
pub(crate) fn list_bytes(list: &List) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(52);
    bytes.push(list.index.code());
    write_scope(&mut bytes, list.scope);
    match list.parent {
        None => bytes.push(WHOLE),
        Some(parent) => {
            bytes.push(OF_PARENT);
            write_ulid(&mut bytes, parent);
        }
    }
    bytes
}

/// The bytes of an entry.
pub(crate) fn entry_bytes(list: &List, id: Ulid) -> Vec<u8> {
    let mut bytes = list_bytes(list);
    write_ulid(&mut bytes, id);
    bytes
}

/// The entry of those bytes.
pub(crate) fn parse_entry(bytes: &[u8]) -> Option<(List, Ulid)> {
    let (index, rest) = bytes.split_first()?;
    let index = Index::from_code(*index)?;
    let (scope, rest) = read_scope(rest)?;
    let (parent, rest) = match rest.split_first()? {
        (&WHOLE, rest) => (None, rest),
        (&OF_PARENT, rest) => read_ulid(rest).map(|(parent, rest)| (Some(parent), rest))?,
        _ => return None,
    };
    let (id, rest) = read_ulid(rest)?;
    rest.is_empty().then_some((List { scope, index, parent }, id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scope() -> impl Strategy<Value = Scope> {
        (any::<u128>(), any::<bool>()).prop_map(|(account, live)| Scope {
            account: AccountId::new(Ulid::from_bits(account)),
            mode: if live { Mode::Live } else { Mode::Test },
        })
    }

    fn key() -> impl Strategy<Value = Key> {
        let name = prop::collection::vec(any::<u8>(), 1..40);
        (scope(), prop::sample::select(Kind::ALL), any::<u128>(), name, any::<bool>()).prop_map(|(scope, kind, id, name, named)| {
            if named { Key::named(scope, kind, name) } else { Key::object(scope, kind, Ulid::from_bits(id)) }
        })
    }

    fn list() -> impl Strategy<Value = List> {
        (scope(), prop::sample::select(Index::ALL), prop::option::of(any::<u128>())).prop_map(|(scope, index, parent)| List {
            scope,
            index,
            parent: parent.map(Ulid::from_bits),
        })
    }

    #[test]
    fn codes_of_kinds_are_unique() {
        let codes: std::collections::BTreeSet<u8> = Kind::ALL.iter().map(|kind| code(*kind)).collect();
        assert_eq!(codes.len(), Kind::ALL.len());
        assert!(codes.last() < Some(&u8::MAX), "what follows the last kind ends its keys");
    }

    proptest! {
        #[test]
        fn keys_come_back_and_only_as_their_kind(key in key()) {
            let bytes = key_bytes(&key);
            let (from, to) = keys_of(key.kind());
            prop_assert!(from <= bytes && bytes < to);
            for kind in Kind::ALL {
                prop_assert_eq!(parse_key(*kind, &bytes), (*kind == key.kind()).then(|| key.clone()));
            }
        }

        #[test]
        fn entries_come_back(list in list(), id: u128) {
            let id = Ulid::from_bits(id);
            prop_assert_eq!(parse_entry(&entry_bytes(&list, id)), Some((list, id)));
        }

        #[test]
        fn no_list_begins_another(one in list(), other in list()) {
            prop_assert_eq!(list_bytes(&other).starts_with(&list_bytes(&one)), one == other);
        }

        #[test]
        fn entries_of_a_list_are_in_the_order_of_their_identifiers(list in list(), one: u128, other: u128) {
            let (one, other) = (Ulid::from_bits(one), Ulid::from_bits(other));
            prop_assert_eq!(entry_bytes(&list, one).cmp(&entry_bytes(&list, other)), one.cmp(&other));
        }

        #[test]
        fn no_bytes_make_parsing_fail_otherwise_than_by_none(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            for kind in Kind::ALL {
                if let Some(key) = parse_key(*kind, &bytes) {
                    prop_assert_eq!(key_bytes(&key), bytes.clone());
                }
            }
            if let Some((list, id)) = parse_entry(&bytes) {
                prop_assert_eq!(entry_bytes(&list, id), bytes);
            }
        }
    }
}
