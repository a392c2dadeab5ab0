//! Cards to pay with: made, found, attached, and opened for a provider.

pub mod attach;
pub mod create;
pub(crate) mod erase;
pub mod resolve;
pub mod update;
