//! Identifiers: a prefix that names the kind of object, and a ULID.
//!
//! A ULID orders by time of creation. Its 128 bits are, from the top: 48 bits of milliseconds, 21 bits
//! of a sequence within the millisecond, and 59 random bits. The top 63 bits of use (42 bits of time and
//! the sequence) are unique within one process and become row numbers in the embedded store, so that
//! inserts land at the right edge of their table.
//!
//! Absent on purpose: a source of time or randomness. [`UlidSequence`] takes both as arguments.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// For each byte the digit it stands for.
const DIGITS: [u8; 256] = digits();
const NO_DIGIT: u8 = u8::MAX;
const TEXT_LENGTH: usize = 26;
/// Digits of 5 bits that are handled in one word; the two before them and those are an identifier's.
const PART: usize = 12;
const PART_BITS: u32 = 60;
const PART_MASK: u128 = (1 << PART_BITS) - 1;
const SEQUENCE_BITS: u32 = 21;
const SEQUENCE_MAX: u32 = (1 << SEQUENCE_BITS) - 1;
const RANDOM_BITS: u32 = 59;
const RANDOM_MASK: u64 = (1 << RANDOM_BITS) - 1;
const TIME_BITS_IN_ROW: u32 = 42;

#[allow(clippy::indexing_slicing, clippy::as_conversions, clippy::cast_possible_truncation)] // evaluated by the compiler, which checks
const fn digits() -> [u8; 256] {
    let mut digits = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < ALPHABET.len() {
        digits[ALPHABET[digit] as usize] = digit as u8;
        digit += 1;
    }
    digits
}

/// A 128-bit identifier that sorts by time of creation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ulid(u128);

impl Ulid {
    /// The smallest identifier; names the platform itself where an account is asked for.
    pub const NIL: Self = Self(0);
    /// The largest identifier.
    pub const MAX: Self = Self(u128::MAX);

    /// Builds an identifier from its parts; the sequence is cut to 21 bits and the randomness to 59.
    #[must_use]
    pub fn from_parts(at: Timestamp, sequence: u32, random: u64) -> Self {
        let millis = u128::from(u64::try_from(at.millis()).unwrap_or(0) & 0xFFFF_FFFF_FFFF);
        let sequence = u128::from(sequence & SEQUENCE_MAX);
        Self(millis << 80 | sequence << RANDOM_BITS | u128::from(random & RANDOM_MASK))
    }

    /// From the 128 bits themselves.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The 128 bits themselves.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// The moment of creation that the identifier carries.
    #[must_use]
    pub fn created_at(self) -> Timestamp {
        let millis = (self.0 >> 80) & 0xFFFF_FFFF_FFFF;
        Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    /// The smallest identifier of that millisecond: the boundary for filters by time.
    #[must_use]
    pub fn first_at(at: Timestamp) -> Self {
        Self::from_parts(at, 0, 0)
    }

    /// 63 bits, unique among the identifiers of one process, in the identifiers' own order (until the year 2109).
    #[must_use]
    pub fn row(self) -> i64 {
        let millis = (self.0 >> 80) & ((1 << TIME_BITS_IN_ROW) - 1);
        let sequence = (self.0 >> RANDOM_BITS) & u128::from(SEQUENCE_MAX);
        i64::try_from(millis << SEQUENCE_BITS | sequence).unwrap_or(i64::MAX)
    }
}

impl Ulid {
    fn text(self) -> [u8; TEXT_LENGTH] {
        let mut text = [0u8; TEXT_LENGTH];
        let mut bits = self.0;
        // From the right, a word at a time: to shift all 128 bits for each digit takes several steps each.
        for part in text.rchunks_mut(PART) {
            let mut word = u64::try_from(bits & PART_MASK).unwrap_or(0);
            for slot in part.iter_mut().rev() {
                let digit = usize::try_from(word & 31).unwrap_or(0);
                *slot = ALPHABET.get(digit).copied().unwrap_or(b'0');
                word >>= 5;
            }
            bits >>= PART_BITS;
        }
        text
    }
}

impl fmt::Display for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl fmt::Debug for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not an identifier of the kind that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid identifier")]
pub struct InvalidId;

impl FromStr for Ulid {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.len() != TEXT_LENGTH {
            return Err(InvalidId);
        }
        let (first, rest) = text.as_bytes().split_at_checked(TEXT_LENGTH - 2 * PART).ok_or(InvalidId)?;
        let (middle, last) = rest.split_at_checked(PART).ok_or(InvalidId)?;
        // 26 digits have two bits more than an identifier.
        let first = u8::try_from(word(first)?).map_err(|_| InvalidId)?;
        Ok(Self(u128::from(first) << (2 * PART_BITS) | u128::from(word(middle)?) << PART_BITS | u128::from(word(last)?)))
    }
}

/// The bits of at most [`PART`] digits.
fn word(digits: &[u8]) -> Result<u64, InvalidId> {
    let (mut bits, mut seen) = (0_u64, 0_u8);
    for byte in digits {
        let digit = DIGITS.get(usize::from(*byte)).copied().unwrap_or(NO_DIGIT);
        seen |= digit;
        bits = bits << 5 | u64::from(digit);
    }
    // What is no digit has bits that no digit has.
    if seen < 32 { Ok(bits) } else { Err(InvalidId) }
}

impl Serialize for Ulid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize::<TEXT_LENGTH, S>("", *self, serializer)
    }
}

impl<'de> Deserialize<'de> for Ulid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Parsed(PhantomData))
    }
}

/// Parses the text where it is read: records hold many identifiers, and to copy each first would cost as much again.
struct Parsed<T>(PhantomData<T>);

impl<T: FromStr<Err = InvalidId>> Visitor<'_> for Parsed<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identifier")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// Writes an identifier of `N` bytes without the detour of formatting.
fn serialize<const N: usize, S: Serializer>(prefix: &str, ulid: Ulid, serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = [0u8; N];
    for (slot, byte) in text.iter_mut().zip(prefix.bytes().chain(ulid.text())) {
        *slot = byte;
    }
    serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default())
}

/// Makes identifiers that strictly increase within one process, also when the clock stands still or runs back.
#[derive(Debug, Default)]
pub struct UlidSequence {
    last_millis: i64,
    sequence: u32,
}

impl UlidSequence {
    /// All further identifiers are of that time or later, as if the clock had been there.
    pub fn not_before(&mut self, at: Timestamp) {
        if at.millis() > self.last_millis {
            self.last_millis = at.millis();
            self.sequence = 0;
        }
    }

    /// The next identifier, given the time and 64 random bits.
    pub fn next(&mut self, now: Timestamp, random: u64) -> Ulid {
        if now.millis() > self.last_millis {
            self.last_millis = now.millis();
            self.sequence = 0;
        } else if self.sequence < SEQUENCE_MAX {
            self.sequence += 1;
        } else {
            self.last_millis = self.last_millis.saturating_add(1);
            self.sequence = 0;
        }
        Ulid::from_parts(Timestamp::from_millis(self.last_millis), self.sequence, random)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// What the text form begins with.
            pub const PREFIX: &'static str = $prefix;

            /// Names the object with that ULID.
            #[must_use]
            pub const fn new(ulid: Ulid) -> Self {
                Self(ulid)
            }

            /// The ULID without its prefix.
            #[must_use]
            pub const fn ulid(self) -> Ulid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix($prefix).ok_or(InvalidId)?.parse().map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serialize::<{ $prefix.len() + TEXT_LENGTH }, S>($prefix, self.0, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Parsed(PhantomData))
            }
        }
    )*};
}

ids! {
    /// A merchant.
    AccountId = "acct_";
    /// An API key's own name; not the key.
    ApiKeyId = "key_";
    /// A row of the audit trail.
    AuditEntryId = "aud_";
    /// A line of the merchant's statement.
    BalanceTransactionId = "txn_";
    /// The visible result of an authorised attempt.
    ChargeId = "ch_";
    /// A buyer the merchant knows.
    CustomerId = "cus_";
    /// Something that happened.
    EventId = "evt_";
    /// An entry of the internal books.
    JournalEntryId = "je_";
    /// One try through one provider.
    PaymentAttemptId = "pa_";
    /// A purpose to collect an amount.
    PaymentIntentId = "pi_";
    /// A card to pay with.
    PaymentMethodId = "pm_";
    /// Money given back.
    RefundId = "re_";
    /// A try to save a card through one provider.
    SetupAttemptId = "setatt_";
    /// A purpose to save a card for later.
    SetupIntentId = "seti_";
    /// A card handed over once.
    TokenId = "tok_";
    /// The card inside a token.
    CardId = "card_";
    /// A request to the API.
    RequestId = "req_";
    /// An outside issuer of access tokens that is trusted.
    TokenIssuerId = "iss_";
    /// A key that signs access tokens.
    TokenKeyId = "jwk_";
    /// A person who looks after shops.
    UserId = "usr_";
    /// Where a shop wants to hear of what happens.
    WebhookEndpointId = "we_";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_form_round_trips(bits: u128) {
            let id = PaymentIntentId::new(Ulid::from_bits(bits));
            prop_assert_eq!(id.to_string().parse::<PaymentIntentId>(), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(&json, &format!("\"{id}\""));
            prop_assert_eq!(serde_json::from_str::<PaymentIntentId>(&json).unwrap(), id);
        }

        #[test]
        fn text_order_is_identifier_order(a: u128, b: u128) {
            let (a, b) = (Ulid::from_bits(a), Ulid::from_bits(b));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }
    }

    #[test]
    fn identifiers_and_rows_increase_when_the_clock_stands_still_or_runs_back() {
        let mut sequence = UlidSequence::default();
        let times = [5, 5, 5, 3, 9, 9, 1];
        let ids: Vec<Ulid> = times.iter().map(|t| sequence.next(Timestamp::from_millis(*t), 7)).collect();
        assert!(ids.windows(2).all(|w| w[0] < w[1] && w[0].row() < w[1].row()), "{ids:?}");
    }

    #[test]
    fn identifiers_come_after_what_is_not_to_be_reached_again() {
        let mut sequence = UlidSequence::default();
        let before = Ulid::from_parts(Timestamp::from_millis(8), SEQUENCE_MAX, u64::MAX);
        sequence.not_before(before.created_at().plus_millis(1));
        assert!(sequence.next(Timestamp::from_millis(3), 0) > before);
        sequence.not_before(Timestamp::from_millis(5));
        assert!(sequence.next(Timestamp::from_millis(3), 0) > before);
    }

    #[test]
    fn a_full_millisecond_borrows_from_the_next() {
        let mut sequence = UlidSequence { last_millis: 5, sequence: SEQUENCE_MAX };
        assert_eq!(sequence.next(Timestamp::from_millis(5), 0).created_at().millis(), 6);
    }

    #[test]
    fn the_time_of_creation_can_be_read_back() {
        let at = Timestamp::from_millis(1_795_000_000_123);
        assert_eq!(Ulid::from_parts(at, 3, 4).created_at(), at);
    }

    #[test]
    fn wrong_prefixes_lengths_letters_and_overflows_are_refused() {
        let good = PaymentIntentId::new(Ulid::MAX).to_string();
        assert!(good.parse::<PaymentIntentId>().is_ok());
        for bad in ["", "pi_", &good.replace("pi_", "ch_"), &good.replace('Z', "U"), &good.replace("pi_7", "pi_8"), &format!("{good}0")] {
            assert_eq!(bad.parse::<PaymentIntentId>(), Err(InvalidId), "{bad}");
        }
    }

    #[test]
    fn the_parts_of_an_identifier_have_their_bits_and_no_others() {
        let at = Timestamp::from_millis;
        assert_eq!(Ulid::from_parts(at(1), 0, 0).bits(), 1 << 80);
        assert_eq!(Ulid::from_parts(at(0), u32::MAX, 0).bits(), ((1 << 21) - 1) << 59);
        assert_eq!(Ulid::from_parts(at(0), 0, u64::MAX).bits(), (1 << 59) - 1);
        assert_eq!(Ulid::from_parts(at(0), 0, 1 << 58).bits(), 1 << 58);
    }

    #[test]
    fn within_a_millisecond_the_sequence_counts_also_if_the_clock_is_set_there_again() {
        let mut sequence = UlidSequence::default();
        let first = sequence.next(Timestamp::from_millis(5), 0);
        let second = sequence.next(Timestamp::from_millis(5), 0);
        sequence.not_before(Timestamp::from_millis(5));
        let third = sequence.next(Timestamp::from_millis(5), 0);
        assert_eq!([first, second, third], [0, 1, 2].map(|n| Ulid::from_parts(Timestamp::from_millis(5), n, 0)));
    }

    #[test]
    fn an_identifier_is_shown_as_its_text_and_what_is_none_is_told_so() {
        let id = Ulid::from_bits(33);
        assert_eq!((format!("{id:?}"), id.to_string()), ("00000000000000000000000011".to_owned(), "00000000000000000000000011".to_owned()));
        let error = serde_json::from_str::<Ulid>("1").unwrap_err().to_string();
        assert!(error.contains("expected an identifier"), "{error}");
    }
}
