//! Where a shop wants to hear of what happens.

use domain::id::WebhookEndpointId;
use domain::webhook_endpoint::{self, EnabledEvents, State};
use payments::outcome::ShownEndpoint;
use serde::Serialize;
use utoipa::ToSchema;

use super::words::DisabledReason;
use super::{Context, Metadata, Null};

/// Where a shop wants to hear of what happens.
#[derive(Serialize, ToSchema)]
pub struct WebhookEndpoint<'a> {
    #[schema(value_type = String)]
    id: WebhookEndpointId,
    /// `webhook_endpoint`.
    object: &'static str,
    #[schema(inline)]
    api_version: Null,
    #[schema(inline)]
    application: Null,
    /// When it was made, in seconds since 1970.
    created: i64,
    description: Option<&'a str>,
    /// Why it is told nothing; null while it is enabled.
    disabled_reason: Option<DisabledReason>,
    /// The types of events it is told; `*` for all.
    enabled_events: Vec<&'static str>,
    livemode: bool,
    metadata: Metadata<'a>,
    /// What verifies the signatures of deliveries: only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    /// `enabled` or `disabled`.
    status: &'static str,
    url: &'a str,
}

fn names(events: &EnabledEvents) -> Vec<&'static str> {
    match events {
        EnabledEvents::All => vec!["*"],
        EnabledEvents::Only(kinds) => kinds.iter().map(|kind| kind.as_str()).collect(),
    }
}

const fn reason(endpoint: &webhook_endpoint::WebhookEndpoint) -> Option<webhook_endpoint::DisabledBecause> {
    match endpoint.state {
        State::Disabled { because } => Some(because),
        State::Enabled | State::Deleted => None,
    }
}

impl<'a> WebhookEndpoint<'a> {
    /// The endpoint as the API shows it.
    #[must_use]
    pub fn view(shown: &'a ShownEndpoint, ctx: Context) -> Self {
        let endpoint = &shown.endpoint;
        Self {
            id: endpoint.id,
            object: "webhook_endpoint",
            api_version: Null,
            application: Null,
            created: endpoint.created_at.seconds(),
            description: endpoint.description.as_deref(),
            disabled_reason: reason(endpoint).map(DisabledReason::from),
            enabled_events: names(&endpoint.enabled_events),
            livemode: ctx.livemode,
            metadata: Metadata(Some(&endpoint.metadata)),
            secret: shown.secret.as_ref().map(|secret| secret.0.as_str()),
            status: if endpoint.state == State::Enabled { "enabled" } else { "disabled" },
            url: &endpoint.url,
        }
    }
}
