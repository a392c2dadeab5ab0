//! Events, by what happened and whether all endpoints took them.

use domain::event::{Event, EventKind};
use domain::id::EventId;
use domain::scope::Scope;
use payments::Error;
use payments::idempotency::Answered;
use payments::lists::events_of_kind;
use payments::outcome::{Object, ShownEvent};
use store::{Index, List};

use super::page::{Paging, Source, page, write};
use super::{Call, Failure, find, list_params, tell_object};
use crate::api::requests::ExpandOnly;
use crate::params::{ParamError, RangeParam, from_tree};

/// Types in one request, as with Stripe.
const MAX_TYPES: usize = 20;

list_params!(
    /// A page of events.
    EventsParams {
        /// When they were made: a time in seconds since 1970, or bounds as `created[gte]`.
        created: Option<RangeParam>,
        /// Only this type; with a `*` at its end, all that begin so.
        r#type: Option<String>,
        /// Only these types, up to 20.
        types: Option<Vec<String>>,
        /// `true`: only those that every webhook endpoint took; `false`: only those that one is still to take, or did not take in the end.
        delivery_success: Option<bool>,
    }
);

pub(crate) async fn events(call: Call<'_>) -> Result<Answered, Failure> {
    let params = EventsParams::of(&call)?;
    let source: Source<Event> = match (&params.r#type, &params.types) {
        (None, None) => Source::of(List::all(call.request.scope, Index::Events)),
        (Some(one), None) => of_types(call.request.scope, "type", std::slice::from_ref(one))?,
        (None, Some(many)) => of_types(call.request.scope, "types", many)?,
        (Some(_), Some(_)) => return Err(ParamError::invalid("types", "Send type or types, not both.").into()),
    };
    let source = match params.delivery_success {
        None => source,
        Some(true) => {
            source.sifted(|call, events| Box::pin(async { Ok(untaken(call, events).await?.into_iter().map(|is| !is).collect()) }))
        }
        Some(false) => source.sifted(|call, events| Box::pin(untaken(call, events))),
    };
    let paging = Paging { created: params.created, ..params.paging() };
    let (events, has_more) = page(&call, &source, &paging).await?;
    write(&call, shown(&call, events).await?, has_more, &paging).await
}

pub(crate) async fn event(call: Call<'_>, id: &str) -> Result<Answered, Failure> {
    let params: ExpandOnly = from_tree(&call.tree)?;
    let found = shown(&call, vec![find::<Event>(&call, id, "id").await?]).await?;
    let object = found.first().ok_or_else(|| Error::Internal("an event is not shown".to_owned()))?;
    tell_object(&call, object, &params.expand).await
}

/// Which of them some endpoint did not take.
async fn untaken(call: &Call<'_>, events: &[Event]) -> Result<Vec<bool>, Failure> {
    let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
    Ok(call.app.platform.undelivered(call.request.scope, &ids).await?)
}

async fn shown(call: &Call<'_>, events: Vec<Event>) -> Result<Vec<Object>, Failure> {
    let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
    let pending = call.app.platform.pending_webhooks(call.request.scope, &ids).await?;
    let shown = events.into_iter().zip(pending).map(|(event, pending_webhooks)| ShownEvent { event, pending_webhooks });
    Ok(shown.map(|shown| Object::Event(Box::new(shown))).collect())
}

/// Events whose type is named, or begins with what stands before a `*`.
fn of_types(scope: Scope, param: &str, names: &[String]) -> Result<Source<Event>, Failure> {
    if names.is_empty() || names.len() > MAX_TYPES {
        return Err(ParamError::invalid(param, "Name from 1 to 20 types.").into());
    }
    let mut kinds: Vec<EventKind> = Vec::new();
    for name in names {
        let matches = |kind: &&EventKind| match name.strip_suffix('*') {
            Some(beginning) => kind.as_str().starts_with(beginning),
            None => kind.as_str() == name,
        };
        let before = kinds.len();
        kinds.extend(EventKind::ALL.iter().filter(matches));
        if kinds.len() == before {
            return Err(ParamError::invalid(param, "There is no such type of event.").into());
        }
    }
    kinds.sort_unstable_by_key(|kind| kind.code());
    kinds.dedup();
    Ok(Source::merged(kinds.into_iter().map(|kind| events_of_kind(scope, kind)).collect()))
}
