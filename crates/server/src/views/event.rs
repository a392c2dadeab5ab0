//! The event: something that happened, with the object as it was after it.

use domain::event::{self, Snapshot};
use domain::id::EventId;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{API_VERSION, Charge, Context, Customer, PaymentIntent, PaymentMethod, Refund, SetupIntent};

/// Something that happened.
#[derive(Serialize, ToSchema)]
pub struct Event<'a> {
    #[schema(value_type = String)]
    id: EventId,
    /// `event`.
    object: &'static str,
    /// The version of the API whose shape the object has.
    api_version: &'static str,
    /// When it happened, in seconds since 1970.
    created: i64,
    data: EventData<'a>,
    livemode: bool,
    /// So many endpoints are still to take it; in a delivery, so many are told of it.
    pending_webhooks: u32,
    request: EventRequest<'a>,
    /// Position among the object's events, from 1 without gaps.
    sequence: u32,
    /// What happened: `payment_intent.succeeded`.
    r#type: &'static str,
}

/// The object of an event.
#[derive(Serialize, ToSchema)]
pub struct EventData<'a> {
    /// The object after the change.
    #[schema(value_type = Object)]
    object: Pictured<'a>,
    /// What the changed fields were before; on updates only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    previous_attributes: Option<Difference<'a>>,
}

/// The request that caused an event.
#[derive(Serialize, ToSchema)]
pub struct EventRequest<'a> {
    id: Option<&'a str>,
    idempotency_key: Option<&'a str>,
}

/// A snapshot, shown as the API shows its object; a deleted one as it was.
struct Pictured<'a> {
    snapshot: &'a Snapshot,
    ctx: Context,
}

impl Serialize for Pictured<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.snapshot {
            Snapshot::PaymentIntent(intent) => PaymentIntent::view(intent, self.ctx).serialize(serializer),
            Snapshot::Charge(charge) => Charge::view(charge, self.ctx).serialize(serializer),
            Snapshot::Refund(refund) => Refund::view(refund).serialize(serializer),
            Snapshot::Customer(customer) => Customer::view(customer, self.ctx).serialize(serializer),
            Snapshot::PaymentMethod(method) => PaymentMethod::view(method, self.ctx).serialize(serializer),
            Snapshot::SetupIntent(intent) => SetupIntent::view(intent, self.ctx).serialize(serializer),
        }
    }
}

/// What the changed fields of an object were before.
struct Difference<'a> {
    before: Pictured<'a>,
    after: Pictured<'a>,
}

impl Serialize for Difference<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let before = serde_json::to_value(&self.before).map_err(S::Error::custom)?;
        let after = serde_json::to_value(&self.after).map_err(S::Error::custom)?;
        match (&before, &after) {
            (Value::Object(before), Value::Object(after)) => difference(before, after).serialize(serializer),
            _ => Err(S::Error::custom("a snapshot is not an object")),
        }
    }
}

/// The former values of all fields that differ, inside nested objects too; null for those that were not there.
fn difference(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let mut changed = Map::new();
    for (field, was) in before {
        match (was, after.get(field)) {
            (was, Some(is)) if was == is => {}
            (Value::Object(was), Some(Value::Object(is))) => {
                changed.insert(field.clone(), Value::Object(difference(was, is)));
            }
            _ => {
                changed.insert(field.clone(), was.clone());
            }
        }
    }
    for field in after.keys().filter(|field| !before.contains_key(*field)) {
        changed.insert(field.clone(), Value::Null);
    }
    changed
}

impl<'a> Event<'a> {
    /// The event as the API shows it.
    #[must_use]
    pub fn view(event: &'a event::Event, pending_webhooks: u32, ctx: Context) -> Self {
        let pictured = |snapshot| Pictured { snapshot, ctx };
        let difference = |before| Difference { before: pictured(before), after: pictured(&event.object) };
        Self {
            id: event.id,
            object: "event",
            api_version: API_VERSION,
            created: event.created_at.seconds(),
            data: EventData { object: pictured(&event.object), previous_attributes: event.previous.as_ref().map(difference) },
            livemode: ctx.livemode,
            pending_webhooks,
            request: EventRequest { id: event.cause.request.as_deref(), idempotency_key: event.cause.idempotency_key.as_deref() },
            sequence: event.sequence,
            r#type: event.kind.as_str(),
        }
    }
}
