//! Currencies: ISO 4217 as published on 2026-01-01, and how the API counts each of them.
//!
//! The API counts as Stripe's does, since shops bring their amounts from there: in the minor unit of ISO 4217, except that
//! ISK and UGX are counted in hundredths that nobody can pay with, and MGA in whole ariary
//! (<https://docs.stripe.com/currencies#special-cases>). HUF and TWD are special in Stripe's payouts only.
//!
//! Invariants: the table is in the order of the codes, which makes looking up a code a binary search and the
//! order of [`Currency`] the order of its codes. Absent on purpose: funds codes (BOV, CHE, CLF, USN, …), metals,
//! baskets and the codes without a currency (XDR, XTS, XXX, …), in which no card can be charged.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! currencies {
    ($($variant:ident = $code:literal, $exponent:literal, $name:literal;)*) => {
        /// A currency of ISO 4217.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Currency {
            $(#[doc = $name] $variant,)*
        }

        impl Currency {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The three letters in lower case, as the API writes them.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// How many digits the minor unit of ISO 4217 has behind the point: 0, 2, 3 or 4.
            #[must_use]
            pub const fn iso_exponent(self) -> u8 {
                match self { $(Self::$variant => $exponent,)* }
            }

            /// Its English name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

impl Currency {
    /// How many digits of an amount in the API stand behind the point: 0, 2, 3 or 4.
    #[must_use]
    pub const fn exponent(self) -> u8 {
        match self {
            Self::Isk | Self::Ugx => 2,
            Self::Mga => 0,
            other => other.iso_exponent(),
        }
    }

    /// What every amount that is charged or given back must be a multiple of, in the API's unit: the hundred that make one
    /// krona or shilling, and in dinars and rials the ten that card networks count in, as Stripe documents.
    #[must_use]
    pub const fn step(self) -> i64 {
        match self {
            Self::Isk | Self::Ugx => 100,
            Self::Bhd | Self::Jod | Self::Kwd | Self::Omr | Self::Tnd => 10,
            _ => 1,
        }
    }

    /// The least there can be of it, in the API's unit: nothing smaller has a name in the currency itself.
    #[must_use]
    pub const fn least(self) -> i64 {
        match self {
            Self::Isk | Self::Ugx => 100,
            _ => 1,
        }
    }

    /// The currency of a code in upper or lower case.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let mut letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        letters.make_ascii_lowercase();
        let found = Self::ALL.binary_search_by(|currency| currency.code().as_bytes().cmp(&letters)).ok()?;
        Self::ALL.get(found).copied()
    }

    /// Every currency, in the order of the codes.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        Self::ALL
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

currencies! {
    Aed = "aed", 2, "UAE Dirham";
    Afn = "afn", 2, "Afghani";
    All = "all", 2, "Lek";
    Amd = "amd", 2, "Armenian Dram";
    Aoa = "aoa", 2, "Kwanza";
    Ars = "ars", 2, "Argentine Peso";
    Aud = "aud", 2, "Australian Dollar";
    Awg = "awg", 2, "Aruban Florin";
    Azn = "azn", 2, "Azerbaijan Manat";
    Bam = "bam", 2, "Convertible Mark";
    Bbd = "bbd", 2, "Barbados Dollar";
    Bdt = "bdt", 2, "Taka";
    Bhd = "bhd", 3, "Bahraini Dinar";
    Bif = "bif", 0, "Burundi Franc";
    Bmd = "bmd", 2, "Bermudian Dollar";
    Bnd = "bnd", 2, "Brunei Dollar";
    Bob = "bob", 2, "Boliviano";
    Brl = "brl", 2, "Brazilian Real";
    Bsd = "bsd", 2, "Bahamian Dollar";
    Btn = "btn", 2, "Ngultrum";
    Bwp = "bwp", 2, "Pula";
    Byn = "byn", 2, "Belarusian Ruble";
    Bzd = "bzd", 2, "Belize Dollar";
    Cad = "cad", 2, "Canadian Dollar";
    Cdf = "cdf", 2, "Congolese Franc";
    Chf = "chf", 2, "Swiss Franc";
    Clp = "clp", 0, "Chilean Peso";
    Cny = "cny", 2, "Yuan Renminbi";
    Cop = "cop", 2, "Colombian Peso";
    Crc = "crc", 2, "Costa Rican Colon";
    Cup = "cup", 2, "Cuban Peso";
    Cve = "cve", 2, "Cabo Verde Escudo";
    Czk = "czk", 2, "Czech Koruna";
    Djf = "djf", 0, "Djibouti Franc";
    Dkk = "dkk", 2, "Danish Krone";
    Dop = "dop", 2, "Dominican Peso";
    Dzd = "dzd", 2, "Algerian Dinar";
    Egp = "egp", 2, "Egyptian Pound";
    Ern = "ern", 2, "Nakfa";
    Etb = "etb", 2, "Ethiopian Birr";
    Eur = "eur", 2, "Euro";
    Fjd = "fjd", 2, "Fiji Dollar";
    Fkp = "fkp", 2, "Falkland Islands Pound";
    Gbp = "gbp", 2, "Pound Sterling";
    Gel = "gel", 2, "Lari";
    Ghs = "ghs", 2, "Ghana Cedi";
    Gip = "gip", 2, "Gibraltar Pound";
    Gmd = "gmd", 2, "Dalasi";
    Gnf = "gnf", 0, "Guinean Franc";
    Gtq = "gtq", 2, "Quetzal";
    Gyd = "gyd", 2, "Guyana Dollar";
    Hkd = "hkd", 2, "Hong Kong Dollar";
    Hnl = "hnl", 2, "Lempira";
    Htg = "htg", 2, "Gourde";
    Huf = "huf", 2, "Forint";
    Idr = "idr", 2, "Rupiah";
    Ils = "ils", 2, "New Israeli Sheqel";
    Inr = "inr", 2, "Indian Rupee";
    Iqd = "iqd", 3, "Iraqi Dinar";
    Irr = "irr", 2, "Iranian Rial";
    Isk = "isk", 0, "Iceland Krona";
    Jmd = "jmd", 2, "Jamaican Dollar";
    Jod = "jod", 3, "Jordanian Dinar";
    Jpy = "jpy", 0, "Yen";
    Kes = "kes", 2, "Kenyan Shilling";
    Kgs = "kgs", 2, "Som";
    Khr = "khr", 2, "Riel";
    Kmf = "kmf", 0, "Comorian Franc";
    Kpw = "kpw", 2, "North Korean Won";
    Krw = "krw", 0, "Won";
    Kwd = "kwd", 3, "Kuwaiti Dinar";
    Kyd = "kyd", 2, "Cayman Islands Dollar";
    Kzt = "kzt", 2, "Tenge";
    Lak = "lak", 2, "Lao Kip";
    Lbp = "lbp", 2, "Lebanese Pound";
    Lkr = "lkr", 2, "Sri Lanka Rupee";
    Lrd = "lrd", 2, "Liberian Dollar";
    Lsl = "lsl", 2, "Loti";
    Lyd = "lyd", 3, "Libyan Dinar";
    Mad = "mad", 2, "Moroccan Dirham";
    Mdl = "mdl", 2, "Moldovan Leu";
    Mga = "mga", 2, "Malagasy Ariary";
    Mkd = "mkd", 2, "Denar";
    Mmk = "mmk", 2, "Kyat";
    Mnt = "mnt", 2, "Tugrik";
    Mop = "mop", 2, "Pataca";
    Mru = "mru", 2, "Ouguiya";
    Mur = "mur", 2, "Mauritius Rupee";
    Mvr = "mvr", 2, "Rufiyaa";
    Mwk = "mwk", 2, "Malawi Kwacha";
    Mxn = "mxn", 2, "Mexican Peso";
    Myr = "myr", 2, "Malaysian Ringgit";
    Mzn = "mzn", 2, "Mozambique Metical";
    Nad = "nad", 2, "Namibia Dollar";
    Ngn = "ngn", 2, "Naira";
    Nio = "nio", 2, "Cordoba Oro";
    Nok = "nok", 2, "Norwegian Krone";
    Npr = "npr", 2, "Nepalese Rupee";
    Nzd = "nzd", 2, "New Zealand Dollar";
    Omr = "omr", 3, "Rial Omani";
    Pab = "pab", 2, "Balboa";
    Pen = "pen", 2, "Sol";
    Pgk = "pgk", 2, "Kina";
    Php = "php", 2, "Philippine Peso";
    Pkr = "pkr", 2, "Pakistan Rupee";
    Pln = "pln", 2, "Zloty";
    Pyg = "pyg", 0, "Guarani";
    Qar = "qar", 2, "Qatari Rial";
    Ron = "ron", 2, "Romanian Leu";
    Rsd = "rsd", 2, "Serbian Dinar";
    Rub = "rub", 2, "Russian Ruble";
    Rwf = "rwf", 0, "Rwanda Franc";
    Sar = "sar", 2, "Saudi Riyal";
    Sbd = "sbd", 2, "Solomon Islands Dollar";
    Scr = "scr", 2, "Seychelles Rupee";
    Sdg = "sdg", 2, "Sudanese Pound";
    Sek = "sek", 2, "Swedish Krona";
    Sgd = "sgd", 2, "Singapore Dollar";
    Shp = "shp", 2, "Saint Helena Pound";
    Sle = "sle", 2, "Leone";
    Sos = "sos", 2, "Somali Shilling";
    Srd = "srd", 2, "Surinam Dollar";
    Ssp = "ssp", 2, "South Sudanese Pound";
    Stn = "stn", 2, "Dobra";
    Svc = "svc", 2, "El Salvador Colon";
    Syp = "syp", 2, "Syrian Pound";
    Szl = "szl", 2, "Lilangeni";
    Thb = "thb", 2, "Baht";
    Tjs = "tjs", 2, "Somoni";
    Tmt = "tmt", 2, "Turkmenistan New Manat";
    Tnd = "tnd", 3, "Tunisian Dinar";
    Top = "top", 2, "Pa’anga";
    Try = "try", 2, "Turkish Lira";
    Ttd = "ttd", 2, "Trinidad and Tobago Dollar";
    Twd = "twd", 2, "New Taiwan Dollar";
    Tzs = "tzs", 2, "Tanzanian Shilling";
    Uah = "uah", 2, "Hryvnia";
    Ugx = "ugx", 0, "Uganda Shilling";
    Usd = "usd", 2, "US Dollar";
    Uyu = "uyu", 2, "Peso Uruguayo";
    Uyw = "uyw", 4, "Unidad Previsional";
    Uzs = "uzs", 2, "Uzbekistan Sum";
    Ved = "ved", 2, "Bolívar Soberano";
    Ves = "ves", 2, "Bolívar Soberano";
    Vnd = "vnd", 0, "Dong";
    Vuv = "vuv", 0, "Vatu";
    Wst = "wst", 2, "Tala";
    Xad = "xad", 2, "Arab Accounting Dinar";
    Xaf = "xaf", 0, "CFA Franc BEAC";
    Xcd = "xcd", 2, "East Caribbean Dollar";
    Xcg = "xcg", 2, "Caribbean Guilder";
    Xof = "xof", 0, "CFA Franc BCEAO";
    Xpf = "xpf", 0, "CFP Franc";
    Yer = "yer", 2, "Yemeni Rial";
    Zar = "zar", 2, "Rand";
    Zmw = "zmw", 2, "Zambian Kwacha";
    Zwg = "zwg", 2, "Zimbabwe Gold";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_complete() {
        assert_eq!(Currency::all().len(), 157);
        assert!(Currency::all().windows(2).all(|w| w[0].code() < w[1].code() && w[0] < w[1]));
    }

    #[test]
    fn every_code_is_found_in_either_case_and_stored_in_lower_case() {
        for currency in Currency::all() {
            assert_eq!(Currency::from_code(currency.code()), Some(*currency));
            assert_eq!(Currency::from_code(&currency.code().to_uppercase()), Some(*currency));
            let text = serde_json::to_string(currency).unwrap();
            assert_eq!(text, format!("\"{}\"", currency.code()));
            assert_eq!(serde_json::from_str::<Currency>(&text).unwrap(), *currency);
        }
    }

    #[test]
    fn exponents_are_those_of_iso_4217() {
        let with = |exponent| {
            let codes = Currency::all().iter().filter(|c| c.iso_exponent() == exponent).map(|c| c.code());
            codes.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(with(0), "bif clp djf gnf isk jpy kmf krw pyg rwf ugx vnd vuv xaf xof xpf");
        assert_eq!(with(3), "bhd iqd jod kwd lyd omr tnd");
        assert_eq!(with(4), "uyw");
        assert!(Currency::all().iter().all(|c| matches!(c.iso_exponent(), 0 | 2 | 3 | 4)));
    }

    #[test]
    fn the_api_counts_three_currencies_unlike_iso_4217() {
        let special: Vec<_> = Currency::all().iter().filter(|c| c.exponent() != c.iso_exponent()).collect();
        assert_eq!(special, [&Currency::Isk, &Currency::Mga, &Currency::Ugx]);
        assert_eq!([Currency::Isk, Currency::Mga, Currency::Ugx].map(Currency::exponent), [2, 0, 2]);
    }

    #[test]
    fn amounts_go_in_steps_of_what_can_be_paid() {
        let with = |step| Currency::all().iter().filter(|c| c.step() == step).map(|c| c.code()).collect::<Vec<_>>().join(" ");
        assert_eq!((with(100), with(10)), ("isk ugx".to_owned(), "bhd jod kwd omr tnd".to_owned()));
        assert_eq!([Currency::Huf, Currency::Twd, Currency::Iqd, Currency::Uyw].map(Currency::step), [1; 4]);
        assert!(Currency::all().iter().all(|c| c.step() % c.least() == 0));
    }

    #[test]
    fn funds_withdrawn_codes_and_other_texts_are_unknown() {
        for bad in ["", "us", "usdd", "clf", "xxx", "xts", "xau", "hrk", "bgn", "uß", "€", "u d"] {
            assert_eq!(Currency::from_code(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_currency_is_shown_by_its_code() {
        assert_eq!(format!("{:?} {}", Currency::Eur, Currency::Eur), "eur eur");
    }
}
