//! Going along a chain, segment by segment, wherever it is kept.

use super::chain::{Difference, Found, Head, Segment};
use super::signing::PublicKey;
use crate::scope::Scope;

/// What must be remembered of a chain to check its next segment.
#[derive(Debug)]
pub struct Walk<'k> {
    scope: Scope,
    keys: &'k [PublicKey],
    /// `None` where the segment before is not known.
    before: Option<Head>,
    signed: bool,
}

impl<'k> Walk<'k> {
    /// From the beginning of a scope's chain. If keys are named, no other key may have signed it.
    #[must_use]
    pub const fn new(scope: Scope, keys: &'k [PublicKey]) -> Self {
        Self { scope, keys, before: Some(Head::NONE), signed: false }
    }

    /// The next segment cannot be told to follow the last one: one between them is missing.
    pub const fn skip(&mut self) {
        self.before = None;
    }

    /// Where the chain ends as far as it was walked; `None` where that is not known.
    #[must_use]
    pub const fn head(&self) -> Option<&Head> {
        self.before.as_ref()
    }

    /// Checks the next segment against what is found where its rows should be.
    #[must_use]
    pub fn step(&mut self, segment: &Segment, found: &[Found]) -> Vec<Difference> {
        let mut differences: Vec<Difference> = segment.follows(self.before.as_ref()).into_iter().collect();
        differences.extend(segment.compare(self.scope, found));
        differences.extend(self.signature(segment));
        self.before = segment.head();
        differences
    }

    fn signature(&mut self, segment: &Segment) -> Option<Difference> {
        let Some(signature) = &segment.signature else {
            return (self.signed && !self.keys.is_empty()).then_some(Difference::Unsigned(segment.number));
        };
        self.signed = true;
        let known = self.keys.is_empty() || self.keys.contains(&signature.key);
        (!known || !signature.is_valid(&segment.hash)).then_some(Difference::WrongSignature(segment.number))
    }
}

#[cfg(test)]
mod tests {
    use super::super::chain::{FoundRow, Row};
    use super::super::digest::Digest;
    use super::super::signing::SigningKey;
    use super::*;
    use crate::id::Ulid;
    use crate::time::Timestamp;

    const SCOPE: Scope = Scope::PLATFORM;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&[seed; 32]).unwrap()
    }

    /// Three segments of one row each, the second of them and all later ones signed.
    fn chain() -> Vec<(Segment, Vec<Found>)> {
        let (mut head, mut chain) = (Head::NONE, Vec::new());
        for number in 1..=3_u128 {
            let row = Row { id: Ulid::from_bits(number), digest: Digest::of(&number.to_be_bytes()) };
            let mut segment = Segment::seal(SCOPE, &head, &[row], Timestamp::EPOCH);
            if number > 1 {
                segment.signature = Some(key(1).sign(&segment.hash).unwrap());
            }
            head = segment.head().unwrap();
            chain.push((segment, vec![Found { id: row.id, row: Some(FoundRow { digest: row.digest, says: Some(row.id) }) }]));
        }
        chain
    }

    fn walked(chain: &[(Segment, Vec<Found>)], keys: &[PublicKey]) -> Vec<Difference> {
        let mut walk = Walk::new(SCOPE, keys);
        chain.iter().flat_map(|(segment, found)| walk.step(segment, found)).collect()
    }

    #[test]
    fn a_chain_is_right_to_whoever_knows_its_key_or_none() {
        assert_eq!(walked(&chain(), &[]), []);
        assert_eq!(walked(&chain(), &[key(2).public().unwrap(), key(1).public().unwrap()]), []);
    }

    #[test]
    fn a_missing_segment_breaks_the_link_unless_it_is_skipped() {
        let mut chain = chain();
        chain.remove(1);
        assert_eq!(walked(&chain, &[]), [Difference::BrokenLink(3)]);
        let mut walk = Walk::new(SCOPE, &[]);
        assert_eq!(walk.step(&chain[0].0, &chain[0].1), []);
        walk.skip();
        assert_eq!(walk.step(&chain[1].0, &chain[1].1), []);
    }

    #[test]
    fn a_segment_that_is_made_anew_breaks_the_next_link_and_fails_its_signature() {
        let mut chain = chain();
        let row = Row { id: Ulid::from_bits(2), digest: Digest::of(b"forged") };
        let forged = Segment {
            signature: chain[1].0.signature.clone(),
            ..Segment::seal(SCOPE, &chain[0].0.head().unwrap(), &[row], Timestamp::EPOCH)
        };
        chain[1] = (forged, vec![Found { id: row.id, row: Some(FoundRow { digest: row.digest, says: Some(row.id) }) }]);
        assert_eq!(walked(&chain, &[]), [Difference::WrongSignature(2), Difference::BrokenLink(3)]);
    }

    #[test]
    fn signatures_of_other_keys_and_segments_whose_signature_is_gone_are_named() {
        let other = [key(2).public().unwrap()];
        assert_eq!(walked(&chain(), &other), [Difference::WrongSignature(2), Difference::WrongSignature(3)]);
        let mut stripped = chain();
        stripped[2].0.signature = None;
        assert_eq!(walked(&stripped, &[key(1).public().unwrap()]), [Difference::Unsigned(3)]);
        assert_eq!(walked(&stripped, &[]), []);
    }

    #[test]
    fn a_walk_knows_where_it_is_until_a_segment_is_missing() {
        let chain = chain();
        let mut walk = Walk::new(SCOPE, &[]);
        assert_eq!(walk.head(), Some(&Head::NONE));
        assert_eq!(walk.step(&chain[0].0, &chain[0].1), []);
        assert_eq!(walk.head(), chain[0].0.head().as_ref());
        walk.skip();
        assert_eq!(walk.head(), None);
    }
}
