//! Bursar's rules of payment: money, currencies, cards, ids, state machines, the ledger, fees and events.
//!
//! Everything here is pure and total: a function of its arguments that never panics on any of them.
//! Absent on purpose: `await`, clocks, random numbers, logging, HTTP, databases.

pub mod access_token;
pub mod account;
pub mod audit;
pub mod balance;
pub mod balance_transaction;
pub mod card;
pub mod charge;
pub mod conflict;
pub mod contact;
pub mod currency;
pub mod customer;
pub mod decline;
pub mod event;
pub mod fee;
pub mod fingerprint_key;
pub mod flow;
pub mod id;
pub mod idempotency;
pub mod ledger;
pub mod metadata;
pub mod money;
pub mod outcome;
pub mod payment_attempt;
pub mod payment_intent;
pub mod payment_method;
pub mod permission;
pub mod provider_key;
pub mod refund;
pub mod ruling;
pub mod scope;
pub mod sealed;
pub mod setup_intent;
pub mod statement;
pub mod time;
pub mod token_issuer;
pub mod token_key;
pub mod user;
pub mod webhook_delivery;
pub mod webhook_endpoint;
