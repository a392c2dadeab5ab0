//! Getting events to shops' endpoints over HTTP, and to nowhere else.
//!
//! Whoever has a key may name any address, and this server stands inside somebody's network: so an address is looked at where the
//! connection is made ([`address`]), after the name was resolved, and the connection goes to the very address that was looked at.

mod address;
mod courier;

pub use courier::{HttpCourier, Reach};
