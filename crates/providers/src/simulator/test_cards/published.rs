//! Test cards as published in Stripe's documentation on testing: numbers, names and what they stand for.

use domain::decline::DeclineCode;

use super::{TestCard, card};
use crate::simulator::behaviour::{Behaviour, Checks, RefundBehaviour, ThreeDSecure};

/// Approved, by brand.
#[rustfmt::skip]
pub(super) const BRANDS: &[TestCard] = &[
    card("4242424242424242", &["visa", "us"], Behaviour::Approve, "Visa"),
    card("4000056655665556", &["visa_debit"], Behaviour::Approve, "Visa debit"),
    card("5555555555554444", &["mastercard"], Behaviour::Approve, "Mastercard"),
    card("2223003122003222", &[], Behaviour::Approve, "Mastercard, 2-series"),
    card("5200828282828210", &["mastercard_debit"], Behaviour::Approve, "Mastercard debit"),
    card("5105105105105100", &["mastercard_prepaid"], Behaviour::Approve, "Mastercard prepaid"),
    card("371449635398431", &[], Behaviour::ThreeDSecure(ThreeDSecure::NotSupported), "American Express"),
    card("6011111111111117", &["discover"], Behaviour::Approve, "Discover"),
    card("6011000990139424", &[], Behaviour::Approve, "Discover"),
    card("6011981111111113", &[], Behaviour::Approve, "Discover debit"),
    card("3056930009020004", &["diners"], Behaviour::Approve, "Diners Club"),
    card("36227206271667", &[], Behaviour::Approve, "Diners Club, 14 digits"),
    card("6555900000604105", &[], Behaviour::Approve, "BCcard and DinaCard"),
    card("3566002020360505", &["jcb"], Behaviour::Approve, "JCB"),
    card("6200000000000005", &["unionpay"], Behaviour::Approve, "UnionPay"),
    card("6200000000000047", &[], Behaviour::Approve, "UnionPay debit"),
    card("6205500000000000004", &[], Behaviour::Approve, "UnionPay, 19 digits"),
    card("4000002500001001", &["visa_cartesBancaires"], Behaviour::Approve, "Cartes Bancaires and Visa"),
    card("5555552500001001", &["mastercard_cartesBancaires"], Behaviour::Approve, "Cartes Bancaires and Mastercard"),
    card("4000050360000001", &["visa_debit_eftposAuCoBranded"], Behaviour::Approve, "eftpos Australia and Visa"),
    card("5555050360000080", &["mastercard_debit_eftposAuCoBranded"], Behaviour::Approve, "eftpos Australia and Mastercard"),
];

/// Declined.
#[rustfmt::skip]
pub(super) const DECLINES: &[TestCard] = &[
    card("4000000000000002", &["visa_chargeDeclined", "chargeDeclined"], Behaviour::Decline(DeclineCode::GenericDecline), "Declined"),
    card("4000000000009995", &["visa_chargeDeclinedInsufficientFunds", "chargeDeclinedInsufficientFunds", "visa_debit_chargeDeclinedInsufficientFunds"], Behaviour::Decline(DeclineCode::InsufficientFunds), "Insufficient funds"),
    card("4000000000009987", &["visa_chargeDeclinedLostCard", "chargeDeclinedLostCard"], Behaviour::Decline(DeclineCode::LostCard), "Lost card"),
    card("4000000000009979", &["visa_chargeDeclinedStolenCard", "chargeDeclinedStolenCard"], Behaviour::Decline(DeclineCode::StolenCard), "Stolen card"),
    card("4000000000000069", &["chargeDeclinedExpiredCard", "visa_chargeDeclinedExpiredCard"], Behaviour::Decline(DeclineCode::ExpiredCard), "Expired card"),
    card("4000000000000127", &["chargeDeclinedIncorrectCvc", "visa_chargeDeclinedIncorrectCvc"], Behaviour::DeclineIfCvcSent, "Incorrect security code, if one is sent"),
    card("4000000000000119", &["chargeDeclinedProcessingError", "visa_chargeDeclinedProcessingError"], Behaviour::Decline(DeclineCode::ProcessingError), "Processing error"),
    card("4000000000006975", &["visa_chargeDeclinedVelocityLimitExceeded", "chargeDeclinedVelocityLimitExceeded"], Behaviour::Decline(DeclineCode::CardVelocityExceeded), "Too many payments"),
    card("4100000000000019", &["radarBlock", "visa_chargeDeclinedFraudulent", "chargeDeclinedFraudulent"], Behaviour::Decline(DeclineCode::Fraudulent), "Blocked as fraudulent"),
    card("4000000000000341", &["chargeCustomerFail", "visa_chargeCustomerFail"], Behaviour::DeclineCharge(DeclineCode::GenericDecline), "Can be saved; payments are declined"),
];

/// Approved; checks of the buyer's data fail.
#[rustfmt::skip]
pub(super) const CHECKS: &[TestCard] = &[
    card("4000000000004954", &["riskLevelHighest"], Behaviour::Approve, "Highest risk"),
    card("4000000000009235", &["riskLevelElevated"], Behaviour::Approve, "Elevated risk"),
    card("4000000000000101", &["cvcCheckFail"], Behaviour::Checks(Checks::CvcFails), "The security code does not match"),
    card("4000000000000036", &["avsZipFail"], Behaviour::Checks(Checks::PostalCodeFails), "The postal code does not match"),
    card("4000058400307872", &["cvcCheckFailElevatedRisk"], Behaviour::Checks(Checks::CvcFails), "Elevated risk; the security code does not match"),
    card("4000058400306072", &["avsZipFailElevatedRisk"], Behaviour::Checks(Checks::PostalCodeFails), "Elevated risk; the postal code does not match"),
    card("4000000000000028", &["avsLine1Fail"], Behaviour::Checks(Checks::Line1Fails), "The address line does not match"),
    card("4000000000000010", &["avsFail"], Behaviour::Checks(Checks::AddressFails), "Address line and postal code do not match"),
    card("4000000000000044", &["avsUnchecked"], Behaviour::Checks(Checks::AddressUnavailable), "The issuer does not check addresses"),
];

/// 3-D Secure.
#[rustfmt::skip]
pub(super) const THREE_D_SECURE: &[TestCard] = &[
    card("4000002500003155", &["authenticationRequiredOnSetup"], Behaviour::ThreeDSecure(ThreeDSecure::UnlessSetUp), "Authentication, unless saved before and off session"),
    card("4000002760003184", &["authenticationRequired"], Behaviour::ThreeDSecure(ThreeDSecure::Always), "Authentication, always"),
    card("4000003800000446", &["authenticationRequiredSetupForOffSession"], Behaviour::ThreeDSecure(ThreeDSecure::AlreadySetUp), "As if saved: authentication on session, none off session"),
    card("4000008260003178", &["authenticationRequiredChargeDeclinedInsufficientFunds"], Behaviour::ThreeDSecure(ThreeDSecure::ThenInsufficientFunds), "Authentication; payments are then declined for insufficient funds"),
    card("4000000000003220", &["threeDSecure2Required"], Behaviour::ThreeDSecure(ThreeDSecure::UnlessSetUp), "3-D Secure required"),
    card("4000008400000027", &[], Behaviour::ThreeDSecure(ThreeDSecure::UnlessSetUp), "3-D Secure required"),
    card("4000000000003063", &["threeDSecureRequired"], Behaviour::ThreeDSecure(ThreeDSecure::UnlessSetUp), "3-D Secure required"),
    card("4000008400001629", &["threeDSecureRequiredChargeDeclined"], Behaviour::ThreeDSecure(ThreeDSecure::ThenDeclined), "3-D Secure required, then declined"),
    card("4000008400001280", &["threeDSecureRequiredProcessingError"], Behaviour::ThreeDSecure(ThreeDSecure::LookupError), "3-D Secure required, but it cannot be begun: declined"),
    card("4000000000003055", &["threeDSecureOptional"], Behaviour::ThreeDSecure(ThreeDSecure::Optional), "3-D Secure supported: done only when asked for"),
    card("4000000000003097", &["threeDSecureOptionalProcessingError"], Behaviour::ThreeDSecure(ThreeDSecure::OptionalError), "3-D Secure supported, but fails when asked for"),
    card("378282246310005", &["amex", "amex_threeDSecureNotSupported"], Behaviour::ThreeDSecure(ThreeDSecure::NotSupported), "American Express; 3-D Secure not supported"),
    card("4000000032200000", &[], Behaviour::ThreeDSecure(ThreeDSecure::Frictionless), "3-D Secure without a challenge"),
    card("4000582600000094", &[], Behaviour::ThreeDSecure(ThreeDSecure::UnlessSetUp), "3-D Secure required (out of band)"),
    card("4000582600000045", &[], Behaviour::ThreeDSecure(ThreeDSecure::UnlessSetUp), "3-D Secure required (one-time passcode)"),
    card("4000582600000102", &[], Behaviour::ThreeDSecure(ThreeDSecure::UnlessSetUp), "3-D Secure required (single select)"),
    card("4000582600000110", &[], Behaviour::ThreeDSecure(ThreeDSecure::UnlessSetUp), "3-D Secure required (multi select)"),
];

/// Approved; refunds end later.
#[rustfmt::skip]
pub(super) const REFUNDS: &[TestCard] = &[
    card("4000000000007726", &["pendingRefund"], Behaviour::Refund(RefundBehaviour::PendingThenSucceeds), "Refunds are pending first, then succeed"),
    card("4000000000005126", &["refundFail"], Behaviour::Refund(RefundBehaviour::SucceedsThenFails), "Refunds succeed first, then fail"),
];

/// Approved; what is special about them happens after the payment and is not simulated yet.
#[rustfmt::skip]
pub(super) const LATER: &[TestCard] = &[
    card("4000000000000259", &["createDispute"], Behaviour::Approve, "Disputed as fraudulent"),
    card("4000000000002685", &["createDisputeProductNotReceived"], Behaviour::Approve, "Disputed as not received"),
    card("4000000000001976", &["createDisputeInquiry"], Behaviour::Approve, "Disputed as an inquiry"),
    card("4000000000005423", &["createIssuerFraudRecord"], Behaviour::Approve, "Early fraud warning"),
    card("4000000404000079", &["createMultipleDisputes"], Behaviour::Approve, "Disputed several times"),
    card("4000000404000038", &["createCe3EligibleDispute"], Behaviour::Approve, "Disputed, eligible for Visa Compelling Evidence 3.0"),
    card("4000008400000779", &["createComplianceDispute"], Behaviour::Approve, "Visa compliance dispute"),
    card("5105008400000002", &["createMastercardComplianceDispute"], Behaviour::Approve, "Mastercard compliance dispute"),
    card("4000000000000077", &["bypassPending"], Behaviour::Approve, "Funds are available at once"),
    card("4000003720000278", &["bypassPendingInternational"], Behaviour::Approve, "Funds are available at once; not a card of the United States"),
];
