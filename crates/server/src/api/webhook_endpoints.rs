//! `/v1/webhook_endpoints`: where a shop wants to hear of what happens.

use domain::event::EventKind;
use domain::id::{Ulid, WebhookEndpointId};
use domain::webhook_endpoint::{EnabledEvents, WebhookEndpoint};
use payments::idempotency::Answered;
use payments::outcome::{Object, ShownEndpoint};
use payments::payment_methods::create::masked;
use payments::ports::{Answer, Rendering};
use payments::webhooks::endpoints::{NewWebhookEndpoint, WebhookEndpointChange};
use payments::{Error, Place};
use serde::Deserialize;
use store::{Index, List};
use utoipa::ToSchema;

use super::Failure;
use super::customers::Nothing;
use super::dispatch::Call;
use super::lists::page::{Source, answer};
use super::lists::{Plain, Resource, expansions, list_params};
use super::requests::{ExpandOnly, change, expand, metadata};
use crate::params::{self, ExpandParam, MetadataParam, ParamError, Text, Update};
use crate::presenter::expandable::Shape;

/// The longest address.
const MAX_URL: usize = 2_048;
/// The longest description, as with Stripe.
const MAX_DESCRIPTION: usize = 500;
/// For how long two secrets sign unless asked otherwise: a day, in seconds.
const DEFAULT_OVERLAP: i64 = 86_400;
/// For how long at most: a week.
const MAX_OVERLAP: i64 = 7 * 86_400;

type UrlText = Text<MAX_URL>;
type DescriptionText = Text<MAX_DESCRIPTION>;

/// A new endpoint.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateWebhookEndpoint {
    /// The types of events it is told; `*` alone for all.
    enabled_events: Vec<String>,
    /// Where events are posted to. With live keys it begins with `https://`.
    #[schema(inline)]
    url: UrlText,
    #[serde(default)]
    #[schema(inline)]
    description: Update<DescriptionText>,
    #[serde(default)]
    #[schema(inline)]
    metadata: MetadataParam,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

/// Changes to an endpoint.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateWebhookEndpoint {
    /// Whether it is told nothing.
    disabled: Option<bool>,
    /// The types of events it is told; `*` alone for all.
    enabled_events: Option<Vec<String>>,
    /// Where events are posted to.
    #[schema(inline)]
    url: Option<UrlText>,
    #[serde(default)]
    #[schema(inline)]
    description: Update<DescriptionText>,
    #[serde(default)]
    #[schema(inline)]
    metadata: MetadataParam,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

/// A new secret for an endpoint.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollWebhookSecret {
    /// For how many seconds the present secret signs beside the new one: a day if left out, a week at most.
    #[schema(minimum = 0, maximum = 604_800)]
    expires_in: Option<i64>,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

list_params!(
    /// A page of endpoints.
    WebhookEndpointsParams {}
);

impl Resource for WebhookEndpoint {
    const NAME: &'static str = "webhook_endpoint";

    fn parse(text: &str) -> Option<Ulid> {
        text.parse::<WebhookEndpointId>().ok().map(WebhookEndpointId::ulid)
    }
}

impl Plain for WebhookEndpoint {
    fn object(self) -> Object {
        Object::WebhookEndpoint(Box::new(ShownEndpoint { endpoint: self, secret: None }))
    }
}

/// The endpoint that a path names.
pub(crate) fn id(text: &str) -> Result<WebhookEndpointId, Failure> {
    let missing = || Error::NotFound { kind: "webhook_endpoint", id: masked(text), param: "webhook_endpoint", place: Place::Path };
    Ok(text.parse().map_err(|_| missing())?)
}

fn events(names: &[String]) -> Result<EnabledEvents, Failure> {
    if let [all] = names
        && all == "*"
    {
        return Ok(EnabledEvents::All);
    }
    if names.is_empty() {
        return Err(ParamError::invalid("enabled_events", "Name at least one type of event, or `*` for all.").into());
    }
    let mut kinds: Vec<EventKind> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let unknown = || {
            let told = if name == "*" { "`*` stands alone." } else { "There is no such type of event." };
            ParamError::invalid(&format!("enabled_events[{index}]"), told)
        };
        let kind = EventKind::ALL.iter().find(|kind| kind.as_str() == name).ok_or_else(unknown)?;
        if !kinds.contains(kind) {
            kinds.push(*kind);
        }
    }
    Ok(EnabledEvents::Only(kinds))
}

pub(crate) async fn create(mut call: Call<'_>) -> Result<Answered, Failure> {
    let params: CreateWebhookEndpoint = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::Opaque, &params.expand)?;
    let new = NewWebhookEndpoint {
        url: params.url.into_string(),
        enabled_events: events(&params.enabled_events)?,
        description: params.description.into_new().map(Text::into_string),
        metadata: metadata(params.metadata),
    };
    Ok(call.app.platform.create_webhook_endpoint(&call.request, &new).await?)
}

pub(crate) async fn update(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: UpdateWebhookEndpoint = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::Opaque, &params.expand)?;
    let changes = WebhookEndpointChange {
        url: params.url.map(Text::into_string),
        enabled_events: params.enabled_events.as_deref().map(events).transpose()?,
        description: change(params.description.map(Text::into_string)),
        metadata: metadata(params.metadata),
        disabled: params.disabled,
    };
    Ok(call.app.platform.update_webhook_endpoint(&call.request, id(text)?, &changes).await?)
}

pub(crate) async fn delete(call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let Nothing {} = params::from_tree(&call.tree)?;
    Ok(call.app.platform.delete_webhook_endpoint(&call.request, id(text)?).await?)
}

pub(crate) async fn roll_secret(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: RollWebhookSecret = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::Opaque, &params.expand)?;
    let overlap = params.expires_in.unwrap_or(DEFAULT_OVERLAP);
    if !(0..=MAX_OVERLAP).contains(&overlap) {
        return Err(ParamError::invalid("expires_in", "The time must be from 0 to 604800 seconds.").into());
    }
    Ok(call.app.platform.roll_webhook_secret(&call.request, id(text)?, overlap).await?)
}

pub(crate) async fn retrieve(call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: ExpandOnly = params::from_tree(&call.tree)?;
    let endpoint = call.app.platform.webhook_endpoint(&call.request, id(text)?).await?;
    let rendering = Rendering { expand: expansions(&params.expand), ..call.request.rendering };
    let body = call.app.presenter.render_one(call.request.scope, &endpoint.object(), &rendering).await?;
    Ok(Answered { answer: Answer { status: 200, body }, replayed: false })
}

pub(crate) async fn list(call: Call<'_>) -> Result<Answered, Failure> {
    let params = WebhookEndpointsParams::of(&call)?;
    let source: Source<WebhookEndpoint> = Source::of(List::all(call.request.scope, Index::WebhookEndpoints));
    answer(&call, source, params.paging()).await
}
