//! The chain: rows in the order of their names are sealed in segments, each of which holds the hash of the one before.
//!
//! A segment's hash is SHA-256 over the previous hash, its number, whose chain it is, when it was sealed, and the name and
//! digest of every row in order; each part is preceded by its length. So a row that is altered, removed, added or moved,
//! and a segment that is altered or missing, change the hash of a segment, and with it those of all later ones.
//!
//! A hash tells that a segment is not what it was, not which row. For that a segment keeps a mark of each row: its name and
//! the first 8 bytes of its digest. Whoever forges a row to fit its mark still misses the hash.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::digest::Digest;
use super::signing::Signature;
use crate::id::{AuditEntryId, Ulid};
use crate::scope::Scope;
use crate::time::Timestamp;

/// Rows of a segment at most: what is read at once to seal or verify it, about half a megabyte.
pub const MAX_ROWS: usize = 1_000;
/// No other hash of this program is made of bytes that begin so.
const DOMAIN: &[u8] = b"bursar audit segment 1";
const ID_BYTES: usize = 16;
const MARK_BYTES: usize = 8;
const PACKED_BYTES: usize = ID_BYTES + MARK_BYTES;

/// A row as the chain sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub id: Ulid,
    /// Of its stored bytes.
    pub digest: Digest,
}

/// What a segment keeps of a row, to tell which one differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    id: Ulid,
    digest: [u8; MARK_BYTES],
}

impl Mark {
    fn of(row: &Row) -> Self {
        let mut digest = [0; MARK_BYTES];
        for (to, from) in digest.iter_mut().zip(row.digest.as_bytes()) {
            *to = *from;
        }
        Self { id: row.id, digest }
    }

    /// The row's name.
    #[must_use]
    pub const fn id(&self) -> Ulid {
        self.id
    }
}

/// The marks of a segment's rows, in order; base64 in a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(Vec<Mark>);

impl Marks {
    /// In order.
    #[must_use]
    pub fn as_slice(&self) -> &[Mark] {
        &self.0
    }
}

impl Serialize for Marks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(self.0.len().saturating_mul(PACKED_BYTES));
        for mark in &self.0 {
            bytes.extend_from_slice(&mark.id.bits().to_be_bytes());
            bytes.extend_from_slice(&mark.digest);
        }
        serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Marks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(serde::de::Error::custom)?;
        let (packed, rest) = bytes.as_chunks::<PACKED_BYTES>();
        if !rest.is_empty() {
            return Err(serde::de::Error::custom("the marks of rows are cut off"));
        }
        Ok(Self(packed.iter().map(unpack).collect()))
    }
}

fn unpack(packed: &[u8; PACKED_BYTES]) -> Mark {
    let (mut id, mut digest) = ([0; ID_BYTES], [0; MARK_BYTES]);
    for (to, from) in id.iter_mut().chain(digest.iter_mut()).zip(packed) {
        *to = *from;
    }
    Mark { id: Ulid::from_bits(u128::from_be_bytes(id)), digest }
}

/// Where a chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The number of the last segment; 0 where there is none.
    pub number: u64,
    /// Its hash.
    pub hash: Digest,
    /// The last row that is sealed.
    pub last: Ulid,
}

impl Head {
    /// Of a chain that has not begun.
    pub const NONE: Self = Self { number: 0, hash: Digest::ZERO, last: Ulid::NIL };
}

/// What is written down beside a chain: where it ends, and how far it is about to be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Where the chain ends.
    #[serde(flatten)]
    pub head: Head,
    /// Rows up to this one are sealed next, so whoever has read it names no row up to it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Ulid>,
}

impl End {
    /// Of a chain that has not begun.
    pub const NONE: Self = Self { head: Head::NONE, closing: None };

    /// New rows are named after this one.
    #[must_use]
    pub fn floor(&self) -> Ulid {
        self.closing.map_or(self.head.last, |closing| closing.max(self.head.last))
    }
}

/// A link of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Counted from 1.
    pub number: u64,
    /// The hash of the segment before; zeros in the first one.
    pub previous: Digest,
    /// When it was made.
    pub sealed_at: Timestamp,
    /// Its rows.
    pub rows: Marks,
    /// Of all that.
    pub hash: Digest,
    /// Whoever holds the signing key vouches for it and all before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

impl Segment {
    /// The segment that goes on after `head` with these rows, not signed yet.
    #[must_use]
    pub fn seal(scope: Scope, head: &Head, rows: &[Row], now: Timestamp) -> Self {
        let mut segment = Self {
            number: head.number.saturating_add(1),
            previous: head.hash,
            sealed_at: now,
            rows: Marks(rows.iter().map(Mark::of).collect()),
            hash: Digest::ZERO,
            signature: None,
        };
        segment.hash = segment.hash_of(scope, rows);
        segment
    }

    /// Where the chain ends with it.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        self.rows.0.last().map(|last| Head { number: self.number, hash: self.hash, last: last.id })
    }

    /// What its hash must be if these are its rows.
    fn hash_of(&self, scope: Scope, rows: &[Row]) -> Digest {
        let mut context = Context::new(&SHA256);
        let mut part = |bytes: &[u8]| {
            context.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(bytes);
        };
        part(DOMAIN);
        part(self.previous.as_bytes());
        part(&self.number.to_be_bytes());
        part(scope.account.to_string().as_bytes());
        part(scope.mode.to_string().as_bytes());
        part(&self.sealed_at.millis().to_be_bytes());
        part(&u64::try_from(rows.len()).unwrap_or(u64::MAX).to_be_bytes());
        for row in rows {
            part(&row.id.bits().to_be_bytes());
            part(row.digest.as_bytes());
        }
        Digest::from_digest(&context.finish())
    }

    /// Compares it with what is found where its rows should be, in the order in which it stands there.
    #[must_use]
    pub fn compare(&self, scope: Scope, found: &[Found]) -> Vec<Difference> {
        let number = self.number;
        let there: Vec<Row> = found.iter().filter_map(|found| Some(Row { id: found.id, digest: found.row?.digest })).collect();
        if self.hash_of(scope, &there) == self.hash && found.iter().all(Found::is_its_own) {
            let marks: Vec<Mark> = there.iter().map(Mark::of).collect();
            return if marks == self.rows.0 { Vec::new() } else { vec![Difference::SegmentAltered(number)] };
        }
        let by_name: BTreeMap<Ulid, &Found> = found.iter().map(|found| (found.id, found)).collect();
        let sealed: BTreeMap<Ulid, &Mark> = self.rows.0.iter().map(|mark| (mark.id, mark)).collect();
        let mut differences: Vec<Difference> = self.rows.0.iter().filter_map(|mark| of_row(number, mark, by_name.get(&mark.id))).collect();
        differences.extend(found.iter().filter(|found| !sealed.contains_key(&found.id)).map(|found| Difference::RowAdded(row(found.id))));
        let common = found.iter().map(|found| found.id).filter(|id| sealed.contains_key(id));
        let in_order = self.rows.0.iter().map(|mark| mark.id).filter(|id| by_name.contains_key(id));
        differences.extend(common.zip(in_order).filter(|(is, was)| is != was).map(|(is, _)| Difference::RowReordered(number, row(is))));
        if differences.is_empty() { vec![Difference::SegmentAltered(number)] } else { differences }
    }

    /// Compares it with the segment before; `None` where that is missing.
    #[must_use]
    pub fn follows(&self, before: Option<&Head>) -> Option<Difference> {
        let before = before?;
        let linked = self.previous == before.hash && self.rows.0.first().is_some_and(|first| first.id > before.last);
        (!linked).then_some(Difference::BrokenLink(self.number))
    }
}

const fn row(id: Ulid) -> AuditEntryId {
    AuditEntryId::new(id)
}

fn of_row(segment: u64, mark: &Mark, found: Option<&&Found>) -> Option<Difference> {
    let Some(is) = found.and_then(|found| found.row) else { return Some(Difference::RowRemoved(segment, row(mark.id))) };
    if is.says.is_some_and(|says| says != mark.id) {
        return Some(Difference::RowReordered(segment, row(mark.id)));
    }
    let same = is.says.is_some() && Mark::of(&Row { id: mark.id, digest: is.digest }) == *mark;
    (!same).then_some(Difference::RowAltered(segment, row(mark.id)))
}

/// What is found where a row should be.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The name it stands under.
    pub id: Ulid,
    /// What stands there; `None` if nothing does.
    pub row: Option<FoundRow>,
}

/// A row that is there.
#[derive(Clone, Copy, Debug)]
pub struct FoundRow {
    /// Of its bytes.
    pub digest: Digest,
    /// What it calls itself; `None` if it cannot be read.
    pub says: Option<Ulid>,
}

impl Found {
    fn is_its_own(&self) -> bool {
        self.row.is_some_and(|row| row.says == Some(self.id))
    }
}

/// What is not as it was sealed, by what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The row is not what it was.
    RowAltered(u64, AuditEntryId),
    /// The row is not there.
    RowRemoved(u64, AuditEntryId),
    /// The row stands elsewhere than it did, or another one in its place.
    RowReordered(u64, AuditEntryId),
    /// The row lies where all rows are sealed, and no segment has it.
    RowAdded(AuditEntryId),
    /// The row is in no list of rows.
    RowUnlisted(AuditEntryId),
    /// The row cannot be read.
    RowUnreadable(AuditEntryId),
    /// Segments from the first to the second number are not there.
    SegmentsMissing(u64, u64),
    /// The segment is not what it was.
    SegmentAltered(u64),
    /// The segment does not go on where the one before ends.
    BrokenLink(u64),
    /// The chain's end is written down as another than it is.
    HeadAltered,
    /// The signature is not that of a key that was named.
    WrongSignature(u64),
    /// The segment is not signed, although one before it is.
    Unsigned(u64),
    /// The object is not what the last row that names it says: it was changed without a row, or a row was lost.
    ObjectDiffers(super::Subject),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RowAltered(segment, row) => write!(f, "{row}: altered since it was sealed in segment {segment}"),
            Self::RowRemoved(segment, row) => write!(f, "{row}: removed since it was sealed in segment {segment}"),
            Self::RowReordered(segment, row) => write!(f, "{row}: reordered since it was sealed in segment {segment}"),
            Self::RowAdded(row) => write!(f, "{row}: added where everything is sealed; no segment has it"),
            Self::RowUnlisted(row) => write!(f, "{row}: in no list of rows"),
            Self::RowUnreadable(row) => write!(f, "{row}: cannot be read"),
            Self::SegmentsMissing(first, last) if first == last => write!(f, "segment {first}: missing"),
            Self::SegmentsMissing(first, last) => write!(f, "segments {first} to {last}: missing"),
            Self::SegmentAltered(segment) => write!(f, "segment {segment}: altered"),
            Self::BrokenLink(segment) => write!(f, "segment {segment}: does not go on where the one before ends"),
            Self::HeadAltered => write!(f, "the chain's end is written down as another than it is"),
            Self::WrongSignature(segment) => write!(f, "segment {segment}: its signature is not of a key that was named"),
            Self::Unsigned(segment) => write!(f, "segment {segment}: not signed, although one before it is"),
            Self::ObjectDiffers(object) => write!(f, "{object}: is not what the audit trail says it is"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AccountId;
    use crate::scope::Mode;

    const SCOPE: Scope = Scope { account: AccountId::new(Ulid::MAX), mode: Mode::Test };

    fn rows(ids: std::ops::Range<u128>) -> Vec<Row> {
        ids.map(|id| Row { id: Ulid::from_bits(id), digest: Digest::of(&id.to_be_bytes()) }).collect()
    }

    fn found(rows: &[Row]) -> Vec<Found> {
        rows.iter().map(|row| Found { id: row.id, row: Some(FoundRow { digest: row.digest, says: Some(row.id) }) }).collect()
    }

    fn sealed() -> Segment {
        Segment::seal(SCOPE, &Head::NONE, &rows(1..6), Timestamp::from_millis(7))
    }

    fn id(bits: u128) -> AuditEntryId {
        row(Ulid::from_bits(bits))
    }

    #[test]
    fn a_segment_that_nothing_happened_to_has_no_differences_and_round_trips() {
        let segment = sealed();
        assert_eq!(segment.compare(SCOPE, &found(&rows(1..6))), []);
        let text = serde_json::to_string(&segment).unwrap();
        assert_eq!(serde_json::from_str::<Segment>(&text).unwrap(), segment);
        assert_eq!(segment.head().unwrap(), Head { number: 1, hash: segment.hash, last: Ulid::from_bits(5) });
    }

    #[test]
    fn altered_removed_added_and_reordered_rows_are_named() {
        let (segment, whole) = (sealed(), found(&rows(1..6)));
        let with = |change: &dyn Fn(&mut Vec<Found>)| {
            let mut changed = whole.clone();
            change(&mut changed);
            segment.compare(SCOPE, &changed)
        };
        let other = Some(FoundRow { digest: Digest::of(b"another"), says: Some(Ulid::from_bits(3)) });
        assert_eq!(with(&|rows| rows[2].row = other), [Difference::RowAltered(1, id(3))]);
        assert_eq!(with(&|rows| rows[2].row = Some(FoundRow { says: None, ..rows[2].row.unwrap() })), [Difference::RowAltered(1, id(3))]);
        assert_eq!(with(&|rows| drop(rows.drain(2..3))), [Difference::RowRemoved(1, id(3))]);
        assert_eq!(with(&|rows| rows[2].row = None), [Difference::RowRemoved(1, id(3))]);
        let extra = Found { id: Ulid::from_bits(0), row: other };
        assert_eq!(with(&|rows| rows.insert(0, extra)), [Difference::RowAdded(id(0))]);
        let both = [Difference::RowReordered(1, id(2)), Difference::RowReordered(1, id(4))];
        // What stands under their names is the other's.
        let swapped = with(&|rows| (rows[1].row, rows[3].row) = (rows[3].row, rows[1].row));
        assert_eq!(swapped, both);
        // They stand in another order, as lines of a file can.
        let mut moved = with(&|rows| rows.swap(1, 3));
        moved.reverse();
        assert_eq!(moved, both);
    }

    #[test]
    fn every_part_of_a_segment_is_under_its_hash() {
        let whole = found(&rows(1..6));
        let altered = |change: &dyn Fn(&mut Segment)| {
            let mut segment = sealed();
            change(&mut segment);
            assert_eq!(segment.compare(SCOPE, &whole), [Difference::SegmentAltered(segment.number)]);
        };
        altered(&|segment| segment.number = 2);
        altered(&|segment| segment.previous = Digest::of(b""));
        altered(&|segment| segment.sealed_at = Timestamp::EPOCH);
        altered(&|segment| segment.hash = Digest::of(b""));
        altered(&|segment| segment.rows.0[2].digest = [0; MARK_BYTES]);
        let live = Scope { mode: Mode::Live, ..SCOPE };
        assert_eq!(sealed().compare(live, &whole), [Difference::SegmentAltered(1)]);
    }

    #[test]
    fn a_row_that_was_forged_to_fit_its_mark_alters_the_segment() {
        let mut forged = found(&rows(1..6));
        let mut bytes = *forged[2].row.unwrap().digest.as_bytes();
        bytes[31] ^= 1;
        let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        forged[2].row = Some(FoundRow { digest: text.parse().unwrap(), says: Some(Ulid::from_bits(3)) });
        assert_eq!(sealed().compare(SCOPE, &forged), [Difference::SegmentAltered(1)]);
    }

    #[test]
    fn a_segment_follows_the_one_whose_hash_it_holds_and_whose_rows_are_older() {
        let first = sealed();
        let second = Segment::seal(SCOPE, &first.head().unwrap(), &rows(6..8), Timestamp::EPOCH);
        assert_eq!(second.follows(first.head().as_ref()), None);
        assert_eq!(second.follows(Some(&Head { hash: Digest::ZERO, ..first.head().unwrap() })), Some(Difference::BrokenLink(2)));
        assert_eq!(second.follows(Some(&Head { last: Ulid::from_bits(6), ..first.head().unwrap() })), Some(Difference::BrokenLink(2)));
        assert_eq!(second.follows(None), None);
    }

    #[test]
    fn marks_that_are_cut_off_are_refused() {
        let text = serde_json::to_string(&sealed()).unwrap().replacen("\"rows\":\"AAAA", "\"rows\":\"", 1);
        assert!(serde_json::from_str::<Segment>(&text).is_err());
    }

    #[test]
    fn a_segment_names_its_rows_in_their_order() {
        let names: Vec<u128> = sealed().rows.as_slice().iter().map(|mark| mark.id().bits()).collect();
        assert_eq!(names, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn what_differs_is_told_by_its_name() {
        for (difference, told) in [
            (Difference::RowAltered(3, id(7)), format!("{}: altered since it was sealed in segment 3", id(7))),
            (Difference::SegmentsMissing(4, 4), "segment 4: missing".to_owned()),
            (Difference::SegmentsMissing(4, 6), "segments 4 to 6: missing".to_owned()),
        ] {
            assert_eq!(difference.to_string(), told);
        }
    }

    #[test]
    fn new_rows_are_named_after_all_that_is_sealed_or_about_to_be() {
        let head = sealed().head().unwrap();
        let floor = |closing: Option<u128>| End { head, closing: closing.map(Ulid::from_bits) }.floor().bits();
        assert_eq!([None, Some(3), Some(9)].map(floor), [5, 5, 9]);
        let end = End { head, closing: Some(Ulid::from_bits(9)) };
        let text = serde_json::to_string(&end).unwrap();
        assert_eq!(serde_json::from_str::<End>(&text).unwrap(), end);
        // As it was written before anything was told beforehand.
        let bare = serde_json::to_string(&head).unwrap();
        assert_eq!(serde_json::from_str::<End>(&bare).unwrap(), End { head, closing: None });
    }
}
