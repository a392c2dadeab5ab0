//! How telling endpoints went, and telling them again.

use domain::id::{EventId, Ulid, WebhookEndpointId};
use domain::time::Timestamp;
use domain::webhook_delivery::WebhookDelivery;
use payments::idempotency::Answered;
use payments::payment_methods::create::masked;
use payments::ports::{Answer, Audience};
use payments::{Error, Place};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Failure;
use super::dispatch::Call;
use super::lists::page::limit;
use super::webhook_endpoints::id as endpoint_id;
use crate::params::{self, ParamError, RangeParam};
use crate::views::{Context, List, WebhookDelivery as DeliveryView, WebhookReplay};

/// A page of deliveries to an endpoint.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveriesParams {
    /// How many; 10 if left out. A page with `has_more` can have fewer, where many events in between are none of the endpoint's.
    #[schema(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// The event of the last delivery of the page before.
    starting_after: Option<String>,
}

/// Deliveries of an event: one for each endpoint at most, of which there are fewer than a page holds.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventDeliveriesParams {
    /// How many; 10 if left out.
    #[schema(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// Telling an endpoint an event again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryEvent {
    /// The id of the endpoint.
    webhook_endpoint: String,
}

/// Telling an endpoint all events of a time again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayEvents {
    /// When they were made: a time in seconds since 1970, or bounds as `created[gte]`.
    #[schema(inline)]
    created: RangeParam,
    /// The last event that the request before looked at.
    starting_after: Option<String>,
}

fn event_id(text: &str) -> Result<EventId, Failure> {
    Ok(text.parse().map_err(|_| Error::NotFound { kind: "event", id: masked(text), param: "id", place: Place::Path })?)
}

fn cursor(text: Option<&str>) -> Result<Option<EventId>, Failure> {
    let parsed = text.map(str::parse::<EventId>).transpose();
    parsed.map_err(|_| ParamError::invalid("starting_after", "No such object.").into())
}

fn context(call: &Call<'_>) -> Context {
    Context::of(call.request.scope, call.app.platform.now(), Audience::Shop)
}

fn told(view: &impl Serialize) -> Result<Answered, Failure> {
    let body = serde_json::to_vec(view).map_err(|e| Error::Internal(format!("write deliveries: {e}")))?;
    Ok(Answered { answer: Answer { status: 200, body }, replayed: false })
}

fn page(call: &Call<'_>, deliveries: &[WebhookDelivery], has_more: bool) -> Result<Answered, Failure> {
    let ctx = context(call);
    let data: Vec<DeliveryView<'_>> = deliveries.iter().map(|delivery| DeliveryView::view(delivery, ctx)).collect();
    told(&List::of(data, has_more, call.path))
}

pub(crate) async fn list(call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: DeliveriesParams = params::from_tree(&call.tree)?;
    let limit = limit(params.limit)?;
    let before = cursor(params.starting_after.as_deref())?;
    let found = call.app.platform.deliveries_to(&call.request, endpoint_id(text)?, before, limit).await?;
    page(&call, &found.deliveries, found.has_more)
}

pub(crate) async fn of_event(call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: EventDeliveriesParams = params::from_tree(&call.tree)?;
    let limit = limit(params.limit)?;
    let mut deliveries = call.app.platform.deliveries_of_event(&call.request, event_id(text)?).await?;
    let has_more = deliveries.len() > limit;
    deliveries.truncate(limit);
    page(&call, &deliveries, has_more)
}

pub(crate) async fn retry(call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: RetryEvent = params::from_tree(&call.tree)?;
    let missing = || Error::NotFound {
        kind: "webhook_endpoint",
        id: masked(&params.webhook_endpoint),
        param: "webhook_endpoint",
        place: Place::Parameter,
    };
    let endpoint: WebhookEndpointId = params.webhook_endpoint.parse().map_err(|_| missing())?;
    let delivery = call.app.platform.resend_event(&call.request, event_id(text)?, endpoint).await?;
    told(&DeliveryView::view(&delivery, context(&call)))
}

pub(crate) async fn replay(call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: ReplayEvents = params::from_tree(&call.tree)?;
    let first_of = |second: i64| Ulid::first_at(Timestamp::from_seconds(second.max(0)));
    let first = params.created.first.map(|first| Ulid::from_bits(first_of(first).bits().saturating_sub(1)));
    let last = params.created.last.map(|last| first_of(last.saturating_add(1)));
    let after = cursor(params.starting_after.as_deref())?.map(EventId::ulid);
    let bounds = (first.into_iter().chain(after).max(), last);
    let replayed = call.app.platform.replay_events(&call.request, endpoint_id(text)?, bounds).await?;
    told(&WebhookReplay::view(&replayed, context(&call)))
}
