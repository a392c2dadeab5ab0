//! The test cards, as data: which number or test token behaves how.
//!
//! [`published`] and [`countries`] are Stripe's documented test cards, [`declines`] and [`faults`] the simulator's
//! own. Any other valid number is approved. A name stands for a payment method (`pm_card_<name>`) and for a token
//! (`tok_<name>`). docs/test-cards.md is this table, written out; a test keeps the two the same.

mod countries;
mod declines;
mod faults;
#[cfg(test)]
mod page;
mod published;

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use domain::card::{CardNumber, Cvc, Expiry};

use super::behaviour::{Behaviour, ThreeDSecure};

const METHOD_PREFIX: &str = "pm_card_";
const TOKEN_PREFIX: &str = "tok_";
const EXPIRY_MONTH: i64 = 12;
/// Far ahead, and within the fifty years a card may be good for.
const EXPIRY_YEAR: i64 = 2050;
const AMEX_LENGTH: usize = 15;

/// A card with a documented behaviour.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TestCard {
    /// The number.
    pub number: &'static str,
    /// What follows `pm_card_` or `tok_` in the names that stand for it.
    pub names: &'static [&'static str],
    /// What it does.
    pub behaviour: Behaviour,
    /// The same in words.
    pub about: &'static str,
}

impl fmt::Debug for TestCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestCard").field("behaviour", &self.behaviour).finish_non_exhaustive()
    }
}

impl TestCard {
    /// The number, checked; `None` for the one test card whose check digit is wrong.
    #[must_use]
    pub fn card_number(&self) -> Option<CardNumber> {
        CardNumber::parse(self.number).ok()
    }

    /// When it ends.
    #[must_use]
    pub fn expiry(&self) -> Option<Expiry> {
        Expiry::new(EXPIRY_MONTH, EXPIRY_YEAR).ok()
    }

    /// A security code of the right length.
    #[must_use]
    pub fn cvc(&self) -> Option<Cvc> {
        let digits = if self.number.len() == AMEX_LENGTH { "1234" } else { "123" };
        Cvc::parse(digits, self.card_number()?.brand()).ok()
    }
}

const fn card(number: &'static str, names: &'static [&'static str], behaviour: Behaviour, about: &'static str) -> TestCard {
    TestCard { number, names, behaviour, about }
}

/// Cards that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// What they have in common.
    pub title: &'static str,
    /// The cards.
    pub cards: &'static [TestCard],
}

/// Every test card.
pub const GROUPS: &[Group] = &[
    Group { title: "Approved, by brand", cards: published::BRANDS },
    Group { title: "Declined", cards: published::DECLINES },
    Group { title: "3-D Secure", cards: published::THREE_D_SECURE },
    Group { title: "Checks of the buyer's data; risk is not estimated", cards: published::CHECKS },
    Group { title: "Refunds that end later", cards: published::REFUNDS },
    Group { title: "Approved; disputes and early availability are not simulated yet", cards: published::LATER },
    Group { title: "Approved, by country", cards: countries::COUNTRIES },
    Group { title: "The simulator's own: every decline code", cards: declines::DECLINES },
    Group { title: "The simulator's own: the authorisation or card check goes wrong", cards: faults::AUTHORIZE },
    Group { title: "The simulator's own: the capture goes wrong", cards: faults::CAPTURE },
    Group { title: "The simulator's own: the void goes wrong", cards: faults::VOID },
    Group { title: "The simulator's own: the refund goes wrong", cards: faults::REFUND },
];

static BY_NUMBER: LazyLock<HashMap<&'static str, &'static TestCard>> = LazyLock::new(|| all().map(|card| (card.number, card)).collect());

static BY_NAME: LazyLock<HashMap<&'static str, &'static TestCard>> =
    LazyLock::new(|| all().flat_map(|card| card.names.iter().map(move |name| (*name, card))).collect());

/// Every test card, in the order of the groups.
pub fn all() -> impl Iterator<Item = &'static TestCard> {
    GROUPS.iter().flat_map(|group| group.cards)
}

/// Every test payment method and token, and its card.
pub fn test_methods() -> impl Iterator<Item = (String, &'static TestCard)> {
    all().flat_map(|card| {
        let name_it = move |prefix: &'static str| card.names.iter().map(move |name| (format!("{prefix}{name}"), card));
        name_it(METHOD_PREFIX).chain(name_it(TOKEN_PREFIX))
    })
}

/// The card behind a test payment method (`pm_card_…`) or token (`tok_…`).
#[must_use]
pub fn lookup(name: &str) -> Option<&'static TestCard> {
    let name = name.strip_prefix(METHOD_PREFIX).or_else(|| name.strip_prefix(TOKEN_PREFIX))?;
    BY_NAME.get(name).copied()
}

/// What a card does; cards that are not in the table are approved, and the American Express ones among them
/// do not support 3-D Secure.
pub(super) fn behaviour_of(number: &CardNumber) -> Behaviour {
    match BY_NUMBER.get(number.reveal()) {
        Some(card) => card.behaviour,
        None if number.reveal().len() == AMEX_LENGTH => Behaviour::ThreeDSecure(ThreeDSecure::NotSupported),
        None => Behaviour::Approve,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use domain::decline::DeclineCode;

    use super::*;

    #[test]
    fn every_number_is_valid_and_stands_once() {
        let mut seen = HashSet::new();
        for card in all() {
            assert!(card.card_number().is_some() && card.cvc().is_some() && card.expiry().is_some(), "{}", card.about);
            assert!(seen.insert(card.number), "{} stands twice", card.number);
        }
    }

    #[test]
    fn every_name_stands_once_and_is_found() {
        let mut seen = HashSet::new();
        for (name, card) in test_methods() {
            assert_eq!(lookup(&name), Some(card), "{name}");
            assert!(seen.insert(name.clone()), "{name} stands twice");
        }
        assert_eq!(lookup("pm_card_us"), lookup("tok_visa"));
        for absent in ["pm_card_", "pm_card_nothing", "visa", "pm_01ARZ3NDEKTSV4RRFFQ69G5FAV", ""] {
            assert_eq!(lookup(absent), None, "{absent}");
        }
    }

    #[test]
    fn every_decline_code_has_a_card() {
        let reached: HashSet<DeclineCode> = all()
            .filter_map(|card| match card.behaviour {
                Behaviour::Decline(code) => Some(code),
                _ => None,
            })
            .collect();
        for code in DeclineCode::ALL {
            assert!(reached.contains(code), "no card is declined with {}", code.as_str());
        }
    }

    #[test]
    fn a_debugged_card_does_not_show_its_number() {
        let card = lookup("pm_card_visa").unwrap();
        assert!(!format!("{card:?}").contains(card.number));
    }
}
