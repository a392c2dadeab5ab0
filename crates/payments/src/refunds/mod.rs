//! Money given back: begun, settled, and what the shop may change of it.

pub mod cancel;
pub mod create;
pub(crate) mod settle;
pub mod update;
