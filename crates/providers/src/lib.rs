//! Connectors to those who move the money.
//!
//! A [`Connector`] translates to one provider's wire and back, and reports facts in `domain::outcome`'s words.
//! Every operation carries a provider key by which the provider is idempotent; a timeout, a reset, a 5xx or an
//! unreadable answer is `Unknown`, never a refusal.
//!
//! Absent on purpose: the choice of a payment's next status (that is `domain`'s), and the store.

pub mod connector;
pub mod simulator;

pub use connector::{
    Authorize, Capabilities, Capture, CardForProvider, Connector, Initiator, NOTICES_MAX, Notice, Refund, VerifyCard, Void,
};
