//! The protocol of payments against a provider whose every answer the test chooses: see [`bank`] and [`shop`].
#![allow(
    clippy::large_futures,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod audit;
mod bank;
mod books;
mod commands;
mod courier;
mod customers;
mod due;
mod idempotency;
mod late_answers;
mod leases;
mod meanwhile;
mod notices;
mod open_operations;
mod payment_methods;
mod recovery;
mod security_codes;
mod setup_intents;
mod shop;
mod shutdown;
mod sizes;
mod tokens;
mod users;
mod verify;
mod waits;
mod webhooks;
