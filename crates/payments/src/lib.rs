//! What the platform does: its use cases and background jobs, over the ports of store, providers, clock and entropy.
//!
//! Every use case loads, lets `domain` decide, and commits once — or twice, around a provider: what is to be
//! sent is durable before its first byte leaves, and the answer is durable before it is given.
//!
//! Absent on purpose: rules that `domain` could hold, and any word of HTTP besides a carried status code.

pub mod accounts;
mod acting;
pub mod api_keys;
pub mod audit;
pub mod balance;
pub mod change;
pub mod charges;
pub mod client_secrets;
pub mod customers;
pub mod denials;
pub mod error;
pub mod idempotency;
pub mod jobs;
mod key_uses;
pub mod late_answers;
pub mod leases;
pub mod lists;
mod locks;
pub mod merchants;
pub mod metadata;
pub mod news;
pub mod open_operations;
pub mod outcome;
pub mod payment_intents;
pub mod payment_methods;
pub mod platform;
pub mod ports;
pub mod reached;
pub mod records;
pub mod redirect;
pub mod refunds;
mod remembered;
mod security_codes;
pub mod setup_intents;
pub mod shutdown;
pub mod sizes;
mod texts;
pub mod tokens;
pub mod users;
pub mod vault;
pub mod verify;
pub mod webhooks;
mod writes;

pub use acting::{By, Visit};
pub use error::{Error, Place};
pub use platform::{Parts, Platform, Request, TestCard};
