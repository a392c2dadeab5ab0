//! Telling shops of what happened: each event is posted to each endpoint that wants it, at least once.
//!
//! - The commit that makes an event also enters it, for each endpoint that is to hear of it, into a list of the endpoint's own
//!   ([`outbox`]). So there is no event without its entries, and no dispatcher that could fall behind.
//! - A process that made an event tells it at once, by [`lanes`] of which each endpoint has one: whatever an endpoint does, it
//!   delays no other. A job goes through the lists ([`sweep`]) for what is due again and for what another process left.
//! - An entry goes when the endpoint has taken the event, or it was given up. How each attempt went is kept for 30 days.
//! - Order: none is promised. Each event has its number among those of its object.
//!
//! When anything is tried, tried again and given up is `domain`'s to say ([`domain::webhook_delivery`]). Absent on purpose: how bytes
//! get to an endpoint, and which addresses may be reached; that is the [`Courier`](crate::ports::Courier)'s.

mod deliver;
pub mod endpoints;
pub(crate) mod known;
pub(crate) mod lanes;
pub mod log;
mod outbox;
pub mod resend;
pub mod signature;
pub mod silenced;
pub mod standing;
pub mod sweep;

use domain::id::{EventId, Ulid, WebhookEndpointId};
use domain::scope::Scope;
use store::{Index, Key, Kind, List};

/// An endpoint, and whose it is.
pub(crate) type Of = (Scope, WebhookEndpointId);

/// Events that an endpoint is still to be told.
pub(crate) const fn pending((scope, endpoint): Of) -> List {
    List::of(scope, Index::PendingDeliveries, endpoint.ulid())
}

/// Where it is kept how telling an endpoint of an event went.
pub(crate) fn delivery_key((scope, endpoint): Of, event: EventId) -> Key {
    Key::named(scope, Kind::WebhookDelivery, [bytes(endpoint.ulid()), bytes(event.ulid())].concat())
}

/// Where it is kept whether an endpoint takes what it is told.
pub(crate) fn health_key((scope, endpoint): Of) -> Key {
    Key::named(scope, Kind::WebhookDelivery, bytes(endpoint.ulid()))
}

const fn bytes(id: Ulid) -> [u8; 16] {
    id.bits().to_be_bytes()
}
