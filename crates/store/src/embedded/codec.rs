//! How keys become bytes, compactly.
//!
//! A record's `key` column holds what its row number does not say: the scope's number, and of the identifier
//! the 59 random bits (and the six bits of time above 42, zero until the year 2109). With the row number it
//! gives back the whole key, which is compared at every read and at every precondition. A named record's
//! `key` is the scope's number and the name.
//!
//! Row numbers: objects have `Ulid::row()`, which is never negative; named records have negative ones.

use domain::id::Ulid;
use siphasher::sip::SipHasher24;
use std::hash::Hasher;

use crate::key::{Index, Kind};

const SEQUENCE_AND_RANDOM_BITS: u32 = 59;
const RANDOM_MASK: u128 = (1 << SEQUENCE_AND_RANDOM_BITS) - 1;
/// Where the bits of time begin that do not fit into a row number.
const TIME_ABOVE_ROW: u32 = 122;
const VARINT_PAYLOAD: u32 = 7;
const VARINT_MORE: u8 = 0x80;

/// The number a scope is stored under.
pub(super) type ScopeNumber = u32;

/// The hash of names: keyed with a secret of the file, so that a caller cannot choose names that collide.
#[derive(Clone, Copy)]
pub(super) struct NameHash {
    pub(super) key: [u8; 16],
    /// Keeps only so many bits: tests force collisions with it.
    pub(super) mask: u64,
}

impl NameHash {
    pub(super) fn of(&self, kind: Kind, key: &[u8]) -> i64 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write(kind.table().as_bytes());
        hasher.write_u8(0);
        hasher.write(key);
        (hasher.finish() & self.mask).cast_signed()
    }
}

fn write_number(bytes: &mut Vec<u8>, mut number: ScopeNumber) {
    loop {
        let low = u8::try_from(number & u32::from(!VARINT_MORE)).unwrap_or_default();
        number >>= VARINT_PAYLOAD;
        if number == 0 {
            return bytes.push(low);
        }
        bytes.push(low | VARINT_MORE);
    }
}

fn read_number(bytes: &[u8]) -> Option<(ScopeNumber, &[u8])> {
    let mut number: ScopeNumber = 0;
    let mut shift = 0;
    let mut rest = bytes;
    loop {
        let (byte, after) = rest.split_first()?;
        rest = after;
        number |= ScopeNumber::from(byte & !VARINT_MORE).checked_shl(shift)?;
        if byte & VARINT_MORE == 0 {
            return Some((number, rest));
        }
        shift = shift.saturating_add(VARINT_PAYLOAD);
    }
}

/// The `key` column of an object.
pub(super) fn object_key(scope: ScopeNumber, id: Ulid) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16);
    write_number(&mut bytes, scope);
    let late = u8::try_from(id.bits() >> TIME_ABOVE_ROW).unwrap_or_default();
    if late != 0 {
        bytes.push(late);
    }
    let random = u64::try_from(id.bits() & RANDOM_MASK).unwrap_or_default();
    bytes.extend_from_slice(&random.to_be_bytes());
    bytes
}

/// The object whose row number and `key` column these are.
pub(super) fn parse_object_key(row: i64, key: &[u8]) -> Option<(ScopeNumber, Ulid)> {
    let (scope, rest) = read_number(key)?;
    let (late, random) = match rest.len() {
        8 => (0, rest),
        9 => rest.split_first().map(|(late, random)| (*late, random))?,
        _ => return None,
    };
    let random = u64::from_be_bytes(random.try_into().ok()?);
    let row = u128::try_from(row).ok()?;
    Some((scope, Ulid::from_bits(u128::from(late) << TIME_ABOVE_ROW | row << SEQUENCE_AND_RANDOM_BITS | u128::from(random))))
}

/// The `key` column of a named record.
pub(super) fn named_key(scope: ScopeNumber, name: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len().saturating_add(5));
    write_number(&mut bytes, scope);
    bytes.extend_from_slice(name);
    bytes
}

/// The named record whose `key` column this is.
pub(super) fn parse_named_key(key: &[u8]) -> Option<(ScopeNumber, &[u8])> {
    read_number(key)
}

/// The `list` column of an entry.
pub(super) fn list_key(scope: ScopeNumber, index: Index, parent: Option<Ulid>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(24);
    write_number(&mut bytes, scope);
    bytes.push(index.code());
    if let Some(parent) = parent {
        bytes.extend_from_slice(&ulid_bytes(parent));
    }
    bytes
}

/// The list whose `list` column this is.
pub(super) fn parse_list_key(bytes: &[u8]) -> Option<(ScopeNumber, Index, Option<Ulid>)> {
    let (scope, rest) = read_number(bytes)?;
    let (code, parent) = rest.split_first()?;
    let parent = if parent.is_empty() { None } else { Some(parse_ulid(parent)?) };
    Some((scope, Index::from_code(*code)?, parent))
}

/// An identifier as bytes that sort as it does.
pub(super) fn ulid_bytes(id: Ulid) -> [u8; 16] {
    id.bits().to_be_bytes()
}

/// The identifier with these bytes.
pub(super) fn parse_ulid(bytes: &[u8]) -> Option<Ulid> {
    bytes.try_into().ok().map(|bits| Ulid::from_bits(u128::from_be_bytes(bits)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn row_and_key_give_back_the_whole_object_key(scope: u32, bits: u128) {
            let id = Ulid::from_bits(bits);
            prop_assert_eq!(parse_object_key(id.row(), &object_key(scope, id)), Some((scope, id)));
        }

        #[test]
        fn a_named_key_reads_back(scope: u32, name: Vec<u8>) {
            let key = named_key(scope, &name);
            prop_assert_eq!(parse_named_key(&key), Some((scope, &name[..])));
        }

        #[test]
        fn a_list_key_reads_back(scope: u32, index in prop::sample::select(Index::ALL), parent: Option<u128>) {
            let parent = parent.map(Ulid::from_bits);
            prop_assert_eq!(parse_list_key(&list_key(scope, index, parent)), Some((scope, index, parent)));
        }

        #[test]
        fn any_bytes_can_be_parsed_without_a_panic(row: i64, bytes: Vec<u8>) {
            let _ = parse_object_key(row, &bytes);
            let _ = parse_list_key(&bytes);
        }
    }

    #[test]
    fn an_object_of_this_century_needs_nine_bytes() {
        let id = Ulid::from_parts(domain::time::Timestamp::from_millis(1_795_000_000_123), 7, u64::MAX);
        assert_eq!(object_key(3, id).len(), 9);
    }

    #[test]
    fn the_same_name_of_two_kinds_has_two_hashes() {
        let hash = NameHash { key: [7; 16], mask: u64::MAX };
        assert_ne!(hash.of(Kind::ApiKey, b"x"), hash.of(Kind::Setting, b"x"));
    }
}
