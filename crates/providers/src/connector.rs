//! What every connector can be asked, and what it says it can do.
//!
//! Requests are named structs; answers are `domain::outcome`'s facts. No request can be serialised, and the
//! card in it does not show its number when it is printed.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use domain::card::{CardNumber, Cvc, Expiry};
use domain::money::Money;
use domain::outcome::{AuthorizeOutcome, FollowUpOutcome, QueryOutcome, RefundOutcome, UnknownReason};
use domain::payment_intent::ThreeDSecureRequest;
use domain::provider_key::ProviderKey;
use domain::scope::Mode;
use serde::{Deserialize, Serialize};

/// What a connector can do, as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The provider's name, as provider accounts and logs write it.
    pub provider: &'static str,
    /// Whether it moves money.
    pub modes: &'static [Mode],
    /// An authorisation may be captured later.
    pub manual_capture: bool,
    /// Less than the authorised amount may be captured.
    pub partial_capture: bool,
    /// Less than the captured amount may be refunded.
    pub partial_refund: bool,
    /// Buyers can be asked to authenticate.
    pub three_d_secure: bool,
    /// A card can be checked without a payment.
    pub card_verification: bool,
}

/// A company that moves money, as the platform sees it.
///
/// Each operation is named by its key. Sending a key again gives the first outcome and never acts twice.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// What it can do.
    fn capabilities(&self) -> &Capabilities;

    /// Asks the issuer for the money, and takes it at once if `capture` is set.
    async fn authorize(&self, request: Authorize) -> AuthorizeOutcome;

    /// Asks the issuer whether the card is good, without a payment.
    async fn verify_card(&self, request: VerifyCard) -> AuthorizeOutcome;

    /// Takes authorised money.
    async fn capture(&self, request: Capture) -> FollowUpOutcome;

    /// Gives up an authorisation, or a challenge that the buyer has not answered.
    async fn void(&self, request: Void) -> FollowUpOutcome;

    /// Gives captured money back.
    async fn refund(&self, request: Refund) -> RefundOutcome;

    /// Asks what became of an operation.
    async fn query(&self, key: &ProviderKey) -> QueryOutcome;

    /// What the provider says of its own accord of operations that it had answered before: at most [`NOTICES_MAX`], those
    /// above that number, in the order of their numbers. A notice that was told once is told again to whoever asks again.
    async fn notices(&self, after: u64) -> Result<Vec<Notice>, UnknownReason>;
}

/// Notices in one answer at most.
pub const NOTICES_MAX: u32 = 100;

/// What a provider says of an operation of its own accord.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its place in the order in which the provider tells; from 1.
    pub number: u64,
    /// The operation.
    pub key: ProviderKey,
    /// How it stands now.
    pub said: QueryOutcome,
}

/// A card on its way to a provider.
pub struct CardForProvider {
    /// The number.
    pub number: CardNumber,
    /// Good until the end of this month.
    pub expiry: Expiry,
    /// The security code, while it is still in memory.
    pub cvc: Option<Arc<Cvc>>,
    /// The name on the card.
    pub holder_name: Option<String>,
    /// The first line of the billing address.
    pub address_line1: Option<String>,
    /// The billing address's postal code.
    pub postal_code: Option<String>,
}

impl fmt::Debug for CardForProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardForProvider").finish_non_exhaustive()
    }
}

/// Who sets off a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiator {
    /// The buyer is there and can be asked to authenticate.
    Customer,
    /// The buyer is away (off session).
    Merchant,
}

/// A request for money.
#[derive(Debug)]
pub struct Authorize {
    /// Names this operation.
    pub key: ProviderKey,
    /// How much, in the API's unit; [`Money::to_iso_minor`] gives it in ISO 4217's, in which most providers count.
    pub amount: Money,
    /// From which card.
    pub card: CardForProvider,
    /// Take the whole amount with the authorisation.
    pub capture: bool,
    /// Who sets it off.
    pub initiator: Initiator,
    /// When to ask the buyer to authenticate.
    pub three_d_secure: ThreeDSecureRequest,
    /// The card was saved before with the buyer's consent, authenticated where asked.
    pub saved: bool,
    /// The card is to be used later in the buyer's absence.
    pub save_for_off_session: bool,
    /// Where the provider's challenge page sends the browser when done.
    pub return_to: String,
    /// What the buyer reads on their statement.
    pub statement_descriptor: Option<String>,
    /// What the payment is for.
    pub description: Option<String>,
}

/// A request to check that a card can be saved.
#[derive(Debug)]
pub struct VerifyCard {
    /// Names this operation.
    pub key: ProviderKey,
    /// Which card.
    pub card: CardForProvider,
    /// Who sets it off.
    pub initiator: Initiator,
    /// When to ask the buyer to authenticate.
    pub three_d_secure: ThreeDSecureRequest,
    /// The card is to be used later in the buyer's absence.
    pub save_for_off_session: bool,
    /// Where the provider's challenge page sends the browser when done.
    pub return_to: String,
}

/// A request to take authorised money.
#[derive(Debug)]
pub struct Capture {
    /// Names this operation.
    pub key: ProviderKey,
    /// The authorisation's key.
    pub authorization_key: ProviderKey,
    /// The provider's own name for the authorisation.
    pub provider_reference: String,
    /// At most the authorised amount; the rest is released.
    pub amount: Money,
}

/// A request to give up an authorisation.
#[derive(Debug)]
pub struct Void {
    /// Names this operation.
    pub key: ProviderKey,
    /// The authorisation's key.
    pub authorization_key: ProviderKey,
    /// The provider's own name for the authorisation.
    pub provider_reference: String,
}

/// A request to give captured money back.
#[derive(Debug)]
pub struct Refund {
    /// Names this operation.
    pub key: ProviderKey,
    /// The authorisation's key.
    pub authorization_key: ProviderKey,
    /// The provider's own name for the authorisation.
    pub provider_reference: String,
    /// At most what was captured and not given back.
    pub amount: Money,
}
