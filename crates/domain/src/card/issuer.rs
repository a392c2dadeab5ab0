//! What the first digits tell of a card's issuer: its country, and whose money the card spends.
//!
//! The tables hold the published test cards, by country and by funding. Everything else is taken for a credit
//! card of the United States. Absent on purpose: a real table of issuers, which is licensed data; a connector
//! may report better facts with the authorisation.

use serde::{Deserialize, Serialize};

use super::CardNumber;

/// Whose money a card spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Funding {
    /// Lent by the issuer.
    Credit,
    /// The buyer's, from an account.
    Debit,
    /// The buyer's, paid in before.
    Prepaid,
    /// Not known.
    Unknown,
}

impl Funding {
    /// The funding as the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credit => "credit",
            Self::Debit => "debit",
            Self::Prepaid => "prepaid",
            Self::Unknown => "unknown",
        }
    }
}

/// What is known of a card's issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// Whose money its cards spend.
    pub funding: Funding,
    /// ISO 3166 alpha-2.
    pub country: &'static str,
}

const DEFAULT_COUNTRY: &str = "US";

/// First digits of test cards that are not credit cards.
const FUNDINGS: &[(&str, Funding)] = &[
    ("400005", Funding::Debit),
    ("510510", Funding::Prepaid),
    ("520082", Funding::Debit),
    ("555505", Funding::Debit),
    ("601198", Funding::Debit),
    ("6200000000000047", Funding::Debit),
];

/// Test cards under these first digits carry their country's ISO 3166 number next.
const NUMBERED: &[&str] = &["400000", "400005", "520000", "555505", "555525", "555555"];

/// Test cards that name their country in no systematic way.
const COUNTRIES: &[(&str, &str)] = &[("3530111333300000", "JP")];

/// ISO 3166 numbers of the countries with test cards.
#[rustfmt::skip]
const ISO_3166: &[(&str, &str)] = &[
    ("032", "AR"), ("036", "AU"), ("040", "AT"), ("056", "BE"), ("076", "BR"), ("100", "BG"), ("112", "BY"), ("124", "CA"),
    ("152", "CL"), ("156", "CN"), ("158", "TW"), ("170", "CO"), ("188", "CR"), ("191", "HR"), ("196", "CY"), ("203", "CZ"),
    ("208", "DK"), ("218", "EC"), ("233", "EE"), ("246", "FI"), ("250", "FR"), ("276", "DE"), ("292", "GI"), ("300", "GR"),
    ("344", "HK"), ("348", "HU"), ("356", "IN"), ("372", "IE"), ("380", "IT"), ("392", "JP"), ("428", "LV"), ("438", "LI"),
    ("440", "LT"), ("442", "LU"), ("458", "MY"), ("470", "MT"), ("484", "MX"), ("528", "NL"), ("554", "NZ"), ("578", "NO"),
    ("591", "PA"), ("600", "PY"), ("604", "PE"), ("616", "PL"), ("620", "PT"), ("642", "RO"), ("682", "SA"), ("702", "SG"),
    ("703", "SK"), ("705", "SI"), ("724", "ES"), ("752", "SE"), ("756", "CH"), ("764", "TH"), ("784", "AE"), ("826", "GB"),
    ("840", "US"), ("858", "UY"),
];

/// What is known of the issuer of a number.
#[must_use]
pub fn of(number: &CardNumber) -> Issuer {
    let digits = number.reveal();
    let funding = FUNDINGS.iter().find(|(first, _)| digits.starts_with(first)).map_or(Funding::Credit, |(_, funding)| *funding);
    let listed = COUNTRIES.iter().find(|(first, _)| digits.starts_with(first));
    let country = listed.or_else(|| {
        let rest = NUMBERED.iter().find_map(|first| digits.strip_prefix(first))?;
        ISO_3166.iter().find(|(number, _)| rest.starts_with(number))
    });
    Issuer { funding, country: country.map_or(DEFAULT_COUNTRY, |(_, country)| *country) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_test_cards_have_their_country_and_funding() {
        for (number, funding, country) in [
            ("4242424242424242", Funding::Credit, "US"),
            ("4000056655665556", Funding::Debit, "US"),
            ("5555555555554444", Funding::Credit, "US"),
            ("5200828282828210", Funding::Debit, "US"),
            ("5105105105105100", Funding::Prepaid, "US"),
            ("6011981111111113", Funding::Debit, "US"),
            ("6200000000000047", Funding::Debit, "US"),
            ("6200000000000005", Funding::Credit, "US"),
            ("4000000000000002", Funding::Credit, "US"),
            ("4000000760000002", Funding::Credit, "BR"),
            ("4000001240000000", Funding::Credit, "CA"),
            ("4000004840008001", Funding::Credit, "MX"),
            ("4000002760000016", Funding::Credit, "DE"),
            ("4000002500001001", Funding::Credit, "FR"),
            ("5555552500001001", Funding::Credit, "FR"),
            ("4000000560000004", Funding::Credit, "BE"),
            ("5200007840000022", Funding::Credit, "AE"),
            ("4000008260000000", Funding::Credit, "GB"),
            ("4000058260000005", Funding::Debit, "GB"),
            ("5555558265554449", Funding::Credit, "GB"),
            ("4000050360000001", Funding::Debit, "AU"),
            ("5555050360000080", Funding::Debit, "AU"),
            ("4000057640000008", Funding::Debit, "TH"),
            ("4000003920000003", Funding::Credit, "JP"),
            ("3530111333300000", Funding::Credit, "JP"),
            ("3566002020360505", Funding::Credit, "US"),
        ] {
            let issuer = of(&CardNumber::parse(number).unwrap());
            assert_eq!(issuer, Issuer { funding, country }, "{number}");
        }
    }

    #[test]
    fn fundings_have_the_words_of_the_api() {
        let words = [Funding::Credit, Funding::Debit, Funding::Prepaid, Funding::Unknown].map(Funding::as_str);
        assert_eq!(words, ["credit", "debit", "prepaid", "unknown"]);
    }
}
