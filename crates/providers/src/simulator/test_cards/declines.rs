//! The simulator's own cards that are declined: one for every decline code.
//!
//! Their numbers begin with 40009900 1, which no published test card uses.

use domain::decline::DeclineCode;

use super::{TestCard, card};
use crate::simulator::behaviour::Behaviour;

/// Declined, one for every code.
#[rustfmt::skip]
pub(super) const DECLINES: &[TestCard] = &[
    card("4000990010000010", &["simulator_declineAuthenticationRequired"], Behaviour::Decline(DeclineCode::AuthenticationRequired), "authentication_required"),
    card("4000990010000028", &["simulator_declineApproveWithId"], Behaviour::Decline(DeclineCode::ApproveWithId), "approve_with_id"),
    card("4000990010000036", &["simulator_declineCallIssuer"], Behaviour::Decline(DeclineCode::CallIssuer), "call_issuer"),
    card("4000990010000044", &["simulator_declineCardNotSupported"], Behaviour::Decline(DeclineCode::CardNotSupported), "card_not_supported"),
    card("4000990010000051", &["simulator_declineCardVelocityExceeded"], Behaviour::Decline(DeclineCode::CardVelocityExceeded), "card_velocity_exceeded"),
    card("4000990010000069", &["simulator_declineCurrencyNotSupported"], Behaviour::Decline(DeclineCode::CurrencyNotSupported), "currency_not_supported"),
    card("4000990010000077", &["simulator_declineDoNotHonor"], Behaviour::Decline(DeclineCode::DoNotHonor), "do_not_honor"),
    card("4000990010000085", &["simulator_declineDoNotTryAgain"], Behaviour::Decline(DeclineCode::DoNotTryAgain), "do_not_try_again"),
    card("4000990010000093", &["simulator_declineDuplicateTransaction"], Behaviour::Decline(DeclineCode::DuplicateTransaction), "duplicate_transaction"),
    card("4000990010000101", &["simulator_declineExpiredCard"], Behaviour::Decline(DeclineCode::ExpiredCard), "expired_card"),
    card("4000990010000119", &["simulator_declineFraudulent"], Behaviour::Decline(DeclineCode::Fraudulent), "fraudulent"),
    card("4000990010000127", &["simulator_declineGenericDecline"], Behaviour::Decline(DeclineCode::GenericDecline), "generic_decline"),
    card("4000990010000135", &["simulator_declineIncorrectNumber"], Behaviour::Decline(DeclineCode::IncorrectNumber), "incorrect_number"),
    card("4000990010000143", &["simulator_declineIncorrectCvc"], Behaviour::Decline(DeclineCode::IncorrectCvc), "incorrect_cvc"),
    card("4000990010000150", &["simulator_declineIncorrectPin"], Behaviour::Decline(DeclineCode::IncorrectPin), "incorrect_pin"),
    card("4000990010000168", &["simulator_declineIncorrectZip"], Behaviour::Decline(DeclineCode::IncorrectZip), "incorrect_zip"),
    card("4000990010000176", &["simulator_declineInsufficientFunds"], Behaviour::Decline(DeclineCode::InsufficientFunds), "insufficient_funds"),
    card("4000990010000184", &["simulator_declineInvalidAccount"], Behaviour::Decline(DeclineCode::InvalidAccount), "invalid_account"),
    card("4000990010000192", &["simulator_declineInvalidAmount"], Behaviour::Decline(DeclineCode::InvalidAmount), "invalid_amount"),
    card("4000990010000200", &["simulator_declineInvalidCvc"], Behaviour::Decline(DeclineCode::InvalidCvc), "invalid_cvc"),
    card("4000990010000218", &["simulator_declineInvalidExpiryMonth"], Behaviour::Decline(DeclineCode::InvalidExpiryMonth), "invalid_expiry_month"),
    card("4000990010000226", &["simulator_declineInvalidExpiryYear"], Behaviour::Decline(DeclineCode::InvalidExpiryYear), "invalid_expiry_year"),
    card("4000990010000234", &["simulator_declineInvalidNumber"], Behaviour::Decline(DeclineCode::InvalidNumber), "invalid_number"),
    card("4000990010000242", &["simulator_declineInvalidPin"], Behaviour::Decline(DeclineCode::InvalidPin), "invalid_pin"),
    card("4000990010000259", &["simulator_declineIssuerNotAvailable"], Behaviour::Decline(DeclineCode::IssuerNotAvailable), "issuer_not_available"),
    card("4000990010000267", &["simulator_declineLostCard"], Behaviour::Decline(DeclineCode::LostCard), "lost_card"),
    card("4000990010000275", &["simulator_declineMerchantBlacklist"], Behaviour::Decline(DeclineCode::MerchantBlacklist), "merchant_blacklist"),
    card("4000990010000283", &["simulator_declineNewAccountInformationAvailable"], Behaviour::Decline(DeclineCode::NewAccountInformationAvailable), "new_account_information_available"),
    card("4000990010000291", &["simulator_declineNoActionTaken"], Behaviour::Decline(DeclineCode::NoActionTaken), "no_action_taken"),
    card("4000990010000309", &["simulator_declineNotPermitted"], Behaviour::Decline(DeclineCode::NotPermitted), "not_permitted"),
    card("4000990010000317", &["simulator_declineOfflinePinRequired"], Behaviour::Decline(DeclineCode::OfflinePinRequired), "offline_pin_required"),
    card("4000990010000325", &["simulator_declineOnlineOrOfflinePinRequired"], Behaviour::Decline(DeclineCode::OnlineOrOfflinePinRequired), "online_or_offline_pin_required"),
    card("4000990010000333", &["simulator_declinePickupCard"], Behaviour::Decline(DeclineCode::PickupCard), "pickup_card"),
    card("4000990010000341", &["simulator_declinePinTryExceeded"], Behaviour::Decline(DeclineCode::PinTryExceeded), "pin_try_exceeded"),
    card("4000990010000358", &["simulator_declineProcessingError"], Behaviour::Decline(DeclineCode::ProcessingError), "processing_error"),
    card("4000990010000366", &["simulator_declineReenterTransaction"], Behaviour::Decline(DeclineCode::ReenterTransaction), "reenter_transaction"),
    card("4000990010000374", &["simulator_declineRestrictedCard"], Behaviour::Decline(DeclineCode::RestrictedCard), "restricted_card"),
    card("4000990010000382", &["simulator_declineRevocationOfAllAuthorizations"], Behaviour::Decline(DeclineCode::RevocationOfAllAuthorizations), "revocation_of_all_authorizations"),
    card("4000990010000390", &["simulator_declineRevocationOfAuthorization"], Behaviour::Decline(DeclineCode::RevocationOfAuthorization), "revocation_of_authorization"),
    card("4000990010000408", &["simulator_declineSecurityViolation"], Behaviour::Decline(DeclineCode::SecurityViolation), "security_violation"),
    card("4000990010000416", &["simulator_declineServiceNotAllowed"], Behaviour::Decline(DeclineCode::ServiceNotAllowed), "service_not_allowed"),
    card("4000990010000424", &["simulator_declineStolenCard"], Behaviour::Decline(DeclineCode::StolenCard), "stolen_card"),
    card("4000990010000432", &["simulator_declineStopPaymentOrder"], Behaviour::Decline(DeclineCode::StopPaymentOrder), "stop_payment_order"),
    card("4000990010000440", &["simulator_declineTestmodeDecline"], Behaviour::Decline(DeclineCode::TestmodeDecline), "testmode_decline"),
    card("4000990010000457", &["simulator_declineTransactionNotAllowed"], Behaviour::Decline(DeclineCode::TransactionNotAllowed), "transaction_not_allowed"),
    card("4000990010000465", &["simulator_declineTryAgainLater"], Behaviour::Decline(DeclineCode::TryAgainLater), "try_again_later"),
    card("4000990010000473", &["simulator_declineWithdrawalCountLimitExceeded"], Behaviour::Decline(DeclineCode::WithdrawalCountLimitExceeded), "withdrawal_count_limit_exceeded"),
];
