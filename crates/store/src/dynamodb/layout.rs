//! What a table is made with and keeps for good: over how many partition keys it spreads what is written, and how bodies are
//! kept.

use std::collections::HashMap;
use std::hash::Hasher as _;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use siphasher::sip::SipHasher24;

use super::OpenError;
use super::item::{binary, number};
use crate::bodies::{Bodies, DICTIONARY};

/// What this program makes and reads.
pub(super) const VERSION: u64 = 1;
/// Where the layout is kept.
pub(super) const PARTITION: &[u8] = b"m";
pub(super) const SORT: &[u8] = b"layout";

const VERSION_OF: &str = "v";
const RECORD_SHARDS: &str = "rs";
const LIST_SHARDS: &str = "ls";
const HASH_KEY: &str = "h";
const DICTIONARY_OF: &str = "d";

/// The most shards: a scan asks each of a list's.
pub const MAX_LIST_SHARDS: u16 = 256;
/// The most shards: an export asks each of a kind's.
pub const MAX_RECORD_SHARDS: u16 = 32_768;

/// How a new table is to be laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Partition keys over which the records of each kind are spread.
    pub record_shards: u16,
    /// Partition keys over which each long list of each merchant is spread.
    pub list_shards: u16,
    /// Bodies are kept as the JSON they are, for other programs to read, and not compressed.
    pub plain: bool,
}

impl Default for Plan {
    /// Good for some hundred payments a second, and cheap while there are none: see docs/scaling.md.
    fn default() -> Self {
        Self { record_shards: 16, list_shards: 4, plain: false }
    }
}

/// How a table is laid out.
pub(super) struct Layout {
    pub(super) plan: Plan,
    hash_key: [u8; 16],
    dictionary: Option<Vec<u8>>,
    bodies: Option<Bodies>,
}

impl Layout {
    /// A new one.
    pub(super) fn new(plan: Plan) -> Result<Self, OpenError> {
        let dictionary = (!plan.plain).then(|| DICTIONARY.to_vec());
        Self::of(plan, rand::random::<u128>().to_be_bytes(), dictionary)
    }

    fn of(plan: Plan, hash_key: [u8; 16], dictionary: Option<Vec<u8>>) -> Result<Self, OpenError> {
        if !(1..=MAX_RECORD_SHARDS).contains(&plan.record_shards) || !(1..=MAX_LIST_SHARDS).contains(&plan.list_shards) {
            return Err(OpenError::Unsuitable(format!(
                "1 to {MAX_RECORD_SHARDS} shards of records and 1 to {MAX_LIST_SHARDS} of lists are possible"
            )));
        }
        let prepared = dictionary
            .as_deref()
            .map(|dictionary| Bodies::new(dictionary).ok_or_else(|| OpenError::Unsuitable("its dictionary cannot be used".to_owned())));
        Ok(Self { plan, hash_key, dictionary, bodies: prepared.transpose()? })
    }

    /// As it is kept.
    pub(super) fn attributes(&self) -> HashMap<String, AttributeValue> {
        let number = |n: u64| AttributeValue::N(n.to_string());
        let mut attributes = HashMap::from([
            (VERSION_OF.to_owned(), number(VERSION)),
            (RECORD_SHARDS.to_owned(), number(u64::from(self.plan.record_shards))),
            (LIST_SHARDS.to_owned(), number(u64::from(self.plan.list_shards))),
            (HASH_KEY.to_owned(), AttributeValue::B(Blob::new(self.hash_key))),
        ]);
        if let Some(dictionary) = &self.dictionary {
            attributes.insert(DICTIONARY_OF.to_owned(), AttributeValue::B(Blob::new(dictionary.clone())));
        }
        attributes
    }

    /// From what is kept.
    pub(super) fn read(attributes: &HashMap<String, AttributeValue>) -> Result<Self, OpenError> {
        let damaged = || OpenError::Unsuitable("what it says of its layout makes no sense".to_owned());
        let found = number(attributes, VERSION_OF).ok_or_else(damaged)?;
        if found != VERSION {
            return Err(OpenError::Newer { found, known: VERSION });
        }
        let shards = |name| number(attributes, name).and_then(|n| u16::try_from(n).ok()).ok_or_else(damaged);
        let hash_key = binary(attributes, HASH_KEY).and_then(|key| key.try_into().ok()).ok_or_else(damaged)?;
        let dictionary = binary(attributes, DICTIONARY_OF).map(<[u8]>::to_vec);
        let plan = Plan { record_shards: shards(RECORD_SHARDS)?, list_shards: shards(LIST_SHARDS)?, plain: dictionary.is_none() };
        Self::of(plan, hash_key, dictionary)
    }

    /// Which of so many shards these bytes belong to. The hash has a key of the table's own, so that nobody can choose names
    /// that meet in one shard.
    pub(super) fn shard(&self, bytes: &[u8], of: u16) -> u16 {
        let mut hasher = SipHasher24::new_with_key(&self.hash_key);
        hasher.write(bytes);
        let shard = hasher.finish().checked_rem(u64::from(of)).unwrap_or_default();
        u16::try_from(shard).unwrap_or_default()
    }

    /// What is to be kept of a body.
    pub(super) fn pack(&self, body: Vec<u8>) -> Result<Vec<u8>, String> {
        match &self.bodies {
            Some(bodies) => bodies.pack(body),
            None => Ok(body),
        }
    }

    /// The body that was kept like this.
    pub(super) fn unpack(&self, kept: &[u8]) -> Result<Vec<u8>, String> {
        match &self.bodies {
            Some(bodies) => bodies.unpack(kept),
            None => Ok(kept.to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_comes_back_as_it_was_made() {
        for plan in [Plan::default(), Plan { record_shards: 7, list_shards: 256, plain: true }] {
            let made = Layout::new(plan).unwrap();
            let read = Layout::read(&made.attributes()).unwrap();
            assert_eq!((read.plan, read.hash_key, &read.dictionary), (made.plan, made.hash_key, &made.dictionary));
            let body = br#"{"v":1,"d":{"id":"txn_01M87RVXYB0000MZ0J0B6RFY4Y","created_at":1795557291979,"amount":{"minor":10000}}}"#;
            let kept = made.pack(body.to_vec()).unwrap();
            assert_eq!(kept.len() < body.len(), !plan.plain);
            assert_eq!(read.unpack(&kept).as_deref(), Ok(&body[..]));
        }
    }

    #[test]
    fn what_no_table_can_have_is_refused() {
        for (record_shards, list_shards) in [(0, 1), (1, 0), (MAX_RECORD_SHARDS + 1, 1), (1, MAX_LIST_SHARDS + 1)] {
            assert!(Layout::new(Plan { record_shards, list_shards, plain: true }).is_err());
        }
    }

    #[test]
    fn a_layout_of_another_version_is_refused() {
        let mut attributes = Layout::new(Plan::default()).unwrap().attributes();
        attributes.insert(VERSION_OF.to_owned(), AttributeValue::N("2".to_owned()));
        assert!(matches!(Layout::read(&attributes), Err(OpenError::Newer { found: 2, known: VERSION })));
        attributes.remove(VERSION_OF);
        assert!(matches!(Layout::read(&attributes), Err(OpenError::Unsuitable(_))));
    }

    #[test]
    fn shards_are_used_evenly() {
        let layout = Layout::new(Plan::default()).unwrap();
        let mut used = [0_u32; 16];
        for n in 0..16_000_u32 {
            used[usize::from(layout.shard(&n.to_be_bytes(), 16))] += 1;
        }
        assert!(used.iter().all(|times| (800..1_200).contains(times)), "{used:?}");
    }
}
