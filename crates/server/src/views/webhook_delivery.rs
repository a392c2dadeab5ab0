//! How telling an endpoint of an event went.

use domain::id::{EventId, WebhookEndpointId};
use domain::webhook_delivery::{self, Told};
use serde::Serialize;
use utoipa::ToSchema;

use super::Context;
use super::words::{DeliveryFailure, DeliveryStatus};

/// How telling an endpoint of an event went.
#[derive(Serialize, ToSchema)]
pub struct WebhookDelivery<'a> {
    /// `webhook_delivery`.
    object: &'static str,
    /// How often it was tried, since it was last asked for.
    attempts: u32,
    /// The event.
    #[schema(value_type = String)]
    event: EventId,
    livemode: bool,
    /// The latest attempts, oldest first, also those before it was asked for again.
    log: Vec<WebhookAttempt<'a>>,
    /// When it is tried again, in seconds since 1970; null if it is tried as soon as can be, or not any more.
    next_attempt: Option<i64>,
    status: DeliveryStatus,
    /// What happened: `payment_intent.succeeded`.
    r#type: &'static str,
    /// The endpoint.
    #[schema(value_type = String)]
    webhook_endpoint: WebhookEndpointId,
}

/// One attempt to tell an endpoint of an event.
#[derive(Serialize, ToSchema)]
pub struct WebhookAttempt<'a> {
    /// How its answer began.
    answer: &'a str,
    /// When, in seconds since 1970.
    created: i64,
    /// How long it took, in milliseconds.
    duration: u32,
    /// Why there was no answer; null if there was.
    failure: Option<DeliveryFailure>,
    /// The status of its answer; null if there was none.
    http_status: Option<u16>,
}

impl<'a> WebhookAttempt<'a> {
    fn view(attempt: &'a webhook_delivery::Attempt) -> Self {
        let (answer, failure, http_status) = match &attempt.told {
            Told::Answered { status, head } => (head.as_str(), None, Some(*status)),
            Told::Failed(failure) => ("", Some((*failure).into()), None),
        };
        Self { answer, created: attempt.at.seconds(), duration: attempt.took_ms, failure, http_status }
    }
}

impl<'a> WebhookDelivery<'a> {
    /// The delivery as the API shows it.
    #[must_use]
    pub fn view(delivery: &'a webhook_delivery::WebhookDelivery, ctx: Context) -> Self {
        Self {
            object: "webhook_delivery",
            attempts: delivery.attempts,
            event: delivery.event,
            livemode: ctx.livemode,
            log: delivery.log.iter().map(WebhookAttempt::view).collect(),
            next_attempt: delivery.next_attempt_at.map(domain::time::Timestamp::seconds),
            status: delivery.status.into(),
            r#type: delivery.kind.as_str(),
            webhook_endpoint: delivery.endpoint,
        }
    }
}

/// What asking for all events of a time again came to.
#[derive(Serialize, ToSchema)]
pub struct WebhookReplay {
    /// `webhook_replay`.
    object: &'static str,
    /// How many events are told again.
    events: usize,
    /// There are more: ask again with `starting_after` this one.
    has_more: bool,
    /// The last event that was looked at; null if there was none.
    last_event: Option<String>,
    livemode: bool,
}

impl WebhookReplay {
    /// The replay as the API shows it.
    #[must_use]
    pub fn view(replayed: &payments::webhooks::resend::Replayed, ctx: Context) -> Self {
        Self {
            object: "webhook_replay",
            events: replayed.events,
            has_more: replayed.has_more,
            last_event: replayed.last.map(|event| event.to_string()),
            livemode: ctx.livemode,
        }
    }
}
