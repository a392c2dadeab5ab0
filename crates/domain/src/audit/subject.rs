//! The objects whose every change has a row.

use std::fmt;
use std::str::FromStr;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{
    AccountId, ApiKeyId, ChargeId, CustomerId, InvalidId, PaymentAttemptId, PaymentIntentId, PaymentMethodId, RefundId, SetupIntentId,
    TokenIssuerId, TokenKeyId, Ulid, UserId, WebhookEndpointId,
};

macro_rules! subjects {
    ($($variant:ident($id:ident) = $text:literal;)*) => {
        /// An object whose every change has a row, by its name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // the variants are the objects
        pub enum Subject { $($variant($id),)* }

        /// What such an object is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // the variants are the objects
        pub enum SubjectKind { $($variant,)* }

        impl SubjectKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As the API calls it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The object of this kind with that ULID.
            #[must_use]
            pub const fn subject(self, ulid: Ulid) -> Subject {
                match self { $(Self::$variant => Subject::$variant($id::new(ulid)),)* }
            }
        }

        impl Subject {
            /// What it is.
            #[must_use]
            pub const fn kind(self) -> SubjectKind {
                match self { $(Self::$variant(_) => SubjectKind::$variant,)* }
            }

            /// Its ULID.
            #[must_use]
            pub const fn ulid(self) -> Ulid {
                match self { $(Self::$variant(id) => id.ulid(),)* }
            }
        }

        impl fmt::Display for Subject {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Self::$variant(id) => id.fmt(f),)* }
            }
        }

        impl FromStr for Subject {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                $(if text.starts_with($id::PREFIX) {
                    return text.parse().map(Self::$variant);
                })*
                Err(InvalidId)
            }
        }

        impl Serialize for Subject {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$variant(id) => id.serialize(serializer),)* }
            }
        }
    };
}

subjects! {
    Account(AccountId) = "account";
    ApiKey(ApiKeyId) = "api_key";
    Charge(ChargeId) = "charge";
    Customer(CustomerId) = "customer";
    PaymentAttempt(PaymentAttemptId) = "payment_attempt";
    PaymentIntent(PaymentIntentId) = "payment_intent";
    PaymentMethod(PaymentMethodId) = "payment_method";
    Refund(RefundId) = "refund";
    SetupIntent(SetupIntentId) = "setup_intent";
    TokenIssuer(TokenIssuerId) = "token_issuer";
    TokenKey(TokenKeyId) = "token_key";
    User(UserId) = "user";
    WebhookEndpoint(WebhookEndpointId) = "webhook_endpoint";
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Subject;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an object")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Subject, E> {
        text.parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_is_found_by_its_name_and_by_no_other() {
        for kind in SubjectKind::ALL {
            let subject = kind.subject(Ulid::MAX);
            assert_eq!((subject.kind(), subject.ulid()), (*kind, Ulid::MAX));
            assert_eq!(subject.to_string().parse(), Ok(subject));
            let json = serde_json::to_string(&subject).unwrap();
            assert_eq!(serde_json::from_str::<Subject>(&json).unwrap(), subject);
        }
        for wrong in ["", "evt_7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "pi_", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"] {
            assert_eq!(wrong.parse::<Subject>(), Err(InvalidId), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_name_of_an_object_is_told_so() {
        let error = serde_json::from_str::<Subject>("1").unwrap_err().to_string();
        assert!(error.contains("expected the name of an object"), "{error}");
    }
}
