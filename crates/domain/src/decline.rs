//! Why a card payment was refused: the API's closed list of codes.
//!
//! Source: Stripe's published lists of error codes and card decline codes.

use serde::{Deserialize, Serialize};

macro_rules! decline_codes {
    ($($variant:ident = $text:literal, $error:ident;)*) => {
        /// An issuer's or provider's reason to decline (`decline_code` in errors).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs)] // each is Stripe's published code of the same name
        pub enum DeclineCode { $($variant,)* }

        impl DeclineCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as the API writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The error's `code` that goes with this reason.
            #[must_use]
            pub const fn error_code(self) -> CardErrorCode {
                match self { $(Self::$variant => CardErrorCode::$error,)* }
            }
        }
    };
}

decline_codes! {
    AuthenticationRequired = "authentication_required", AuthenticationRequired;
    ApproveWithId = "approve_with_id", CardDeclined;
    CallIssuer = "call_issuer", CardDeclined;
    CardNotSupported = "card_not_supported", CardDeclined;
    CardVelocityExceeded = "card_velocity_exceeded", CardDeclined;
    CurrencyNotSupported = "currency_not_supported", CardDeclined;
    DoNotHonor = "do_not_honor", CardDeclined;
    DoNotTryAgain = "do_not_try_again", CardDeclined;
    DuplicateTransaction = "duplicate_transaction", CardDeclined;
    ExpiredCard = "expired_card", ExpiredCard;
    Fraudulent = "fraudulent", CardDeclined;
    GenericDecline = "generic_decline", CardDeclined;
    IncorrectNumber = "incorrect_number", IncorrectNumber;
    IncorrectCvc = "incorrect_cvc", IncorrectCvc;
    IncorrectPin = "incorrect_pin", CardDeclined;
    IncorrectZip = "incorrect_zip", IncorrectZip;
    InsufficientFunds = "insufficient_funds", CardDeclined;
    InvalidAccount = "invalid_account", CardDeclined;
    InvalidAmount = "invalid_amount", CardDeclined;
    InvalidCvc = "invalid_cvc", InvalidCvc;
    InvalidExpiryMonth = "invalid_expiry_month", InvalidExpiryMonth;
    InvalidExpiryYear = "invalid_expiry_year", InvalidExpiryYear;
    InvalidNumber = "invalid_number", IncorrectNumber;
    InvalidPin = "invalid_pin", CardDeclined;
    IssuerNotAvailable = "issuer_not_available", CardDeclined;
    LostCard = "lost_card", CardDeclined;
    MerchantBlacklist = "merchant_blacklist", CardDeclined;
    NewAccountInformationAvailable = "new_account_information_available", CardDeclined;
    NoActionTaken = "no_action_taken", CardDeclined;
    NotPermitted = "not_permitted", CardDeclined;
    OfflinePinRequired = "offline_pin_required", CardDeclined;
    OnlineOrOfflinePinRequired = "online_or_offline_pin_required", CardDeclined;
    PickupCard = "pickup_card", CardDeclined;
    PinTryExceeded = "pin_try_exceeded", CardDeclined;
    ProcessingError = "processing_error", ProcessingError;
    ReenterTransaction = "reenter_transaction", CardDeclined;
    RestrictedCard = "restricted_card", CardDeclined;
    RevocationOfAllAuthorizations = "revocation_of_all_authorizations", CardDeclined;
    RevocationOfAuthorization = "revocation_of_authorization", CardDeclined;
    SecurityViolation = "security_violation", CardDeclined;
    ServiceNotAllowed = "service_not_allowed", CardDeclined;
    StolenCard = "stolen_card", CardDeclined;
    StopPaymentOrder = "stop_payment_order", CardDeclined;
    TestmodeDecline = "testmode_decline", CardDeclined;
    TransactionNotAllowed = "transaction_not_allowed", CardDeclined;
    TryAgainLater = "try_again_later", CardDeclined;
    WithdrawalCountLimitExceeded = "withdrawal_count_limit_exceeded", CardDeclined;
}

/// The `code` of an error of type `card_error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardErrorCode {
    /// The issuer wants the buyer to authenticate first.
    AuthenticationRequired,
    /// The general refusal; the decline code says more.
    CardDeclined,
    /// The card has expired.
    ExpiredCard,
    /// The issuer says the security code is wrong.
    IncorrectCvc,
    /// The number is not a card's.
    IncorrectNumber,
    /// The postal code does not match.
    IncorrectZip,
    /// The security code cannot be one.
    InvalidCvc,
    /// The month cannot be one.
    InvalidExpiryMonth,
    /// The year cannot be one, or lies in the past.
    InvalidExpiryYear,
    /// The card was given to another customer or detached while it was being saved.
    PaymentMethodUnexpectedState,
    /// Something went wrong on the way; trying again may help.
    ProcessingError,
    /// The buyer failed 3-D Secure on a payment.
    PaymentIntentAuthenticationFailure,
    /// The buyer failed 3-D Secure on saving a card.
    SetupIntentAuthenticationFailure,
}

impl CardErrorCode {
    /// The code as the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthenticationRequired => "authentication_required",
            Self::CardDeclined => "card_declined",
            Self::ExpiredCard => "expired_card",
            Self::IncorrectCvc => "incorrect_cvc",
            Self::IncorrectNumber => "incorrect_number",
            Self::IncorrectZip => "incorrect_zip",
            Self::InvalidCvc => "invalid_cvc",
            Self::InvalidExpiryMonth => "invalid_expiry_month",
            Self::InvalidExpiryYear => "invalid_expiry_year",
            Self::PaymentMethodUnexpectedState => "payment_method_unexpected_state",
            Self::ProcessingError => "processing_error",
            Self::PaymentIntentAuthenticationFailure => "payment_intent_authentication_failure",
            Self::SetupIntentAuthenticationFailure => "setup_intent_authentication_failure",
        }
    }

    /// A sentence for the buyer.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::AuthenticationRequired => "The card was declined: the issuer asks the buyer to authenticate.",
            Self::CardDeclined => "The card was declined.",
            Self::ExpiredCard => "The card has expired.",
            Self::IncorrectCvc => "The card's security code is incorrect.",
            Self::IncorrectNumber => "The card number is incorrect.",
            Self::IncorrectZip => "The postal code does not match the card.",
            Self::InvalidCvc => "The card's security code is invalid.",
            Self::InvalidExpiryMonth => "The card's expiry month is invalid.",
            Self::InvalidExpiryYear => "The card's expiry year is invalid.",
            Self::PaymentMethodUnexpectedState => {
                "The card was attached to another customer or detached while it was being saved. Use another payment method."
            }
            Self::ProcessingError => "An error occurred while the card was processed. Try again in a little while.",
            Self::PaymentIntentAuthenticationFailure | Self::SetupIntentAuthenticationFailure => {
                "The buyer could not be authenticated. Try another payment method."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_written_the_same_way_everywhere_and_has_a_sentence_for_the_buyer() {
        use CardErrorCode as Code;
        for code in [
            Code::AuthenticationRequired,
            Code::CardDeclined,
            Code::ExpiredCard,
            Code::IncorrectCvc,
            Code::IncorrectNumber,
            Code::IncorrectZip,
            Code::InvalidCvc,
            Code::InvalidExpiryMonth,
            Code::InvalidExpiryYear,
            Code::PaymentMethodUnexpectedState,
            Code::ProcessingError,
            Code::PaymentIntentAuthenticationFailure,
            Code::SetupIntentAuthenticationFailure,
        ] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert!(code.message().starts_with("The ") || code.message().starts_with("An "), "{code:?}");
            assert!(code.message().ends_with('.'), "{code:?}");
        }
    }
}
