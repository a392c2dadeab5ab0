//! Events, by what happened and whether all endpoints took them; also of those that happen while the request waits.

use std::time::Duration;

use domain::event::{Event, EventKind};
use domain::id::EventId;
use domain::scope::Scope;
use payments::Error;
use payments::idempotency::Answered;
use payments::lists::events_of_kind;
use payments::outcome::{Object, ShownEvent};
use store::{Index, List};
use tokio::time::{Instant, timeout};

use super::page::{Paging, Source, page, write};
use super::{Call, Failure, find, list_params, tell_object};
use crate::api::requests::ExpandOnly;
use crate::params::{ParamError, RangeParam, from_tree};

/// How long a request may wait for an event, in seconds: shorter than clients and proxies wait for an answer.
const MAX_WAIT: u64 = 20;
/// Where other servers may make events, too, a request that waits looks for them so often.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
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
        /// If the page is empty, so many seconds, 20 at most, to wait for something to happen. The answer comes with it, even if what
        /// happened is not of this page. Beyond the number of requests that may wait, it comes at once.
        #[schema(minimum = 0, maximum = 20)]
        wait: Option<u64>,
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
    let (events, has_more) = match params.wait {
        None | Some(0) => page(&call, &source, &paging).await?,
        Some(seconds) if seconds <= MAX_WAIT => wait(&call, &source, &paging, Duration::from_secs(seconds)).await?,
        Some(_) => return Err(ParamError::invalid("wait", "A request waits 20 seconds at most.").into()),
    };
    write(&call, shown(&call, events).await?, has_more, &paging).await
}

/// A page that is not empty, or what there is once something happened or the time is over.
async fn wait(call: &Call<'_>, source: &Source<Event>, paging: &Paging<'_>, within: Duration) -> Result<(Vec<Event>, bool), Failure> {
    let platform = &call.app.platform;
    let until = Instant::now() + within;
    // Before the look: what lands after it is heard.
    let mut listener = platform.listener(call.request.scope);
    let pause = if platform.store().is_shared() { LOOK_PAUSE } else { within };
    let mut ended = false;
    loop {
        let found = page(call, source, paging).await?;
        let (false, true, Some(listener)) = (ended, found.0.is_empty(), &mut listener) else { return Ok(found) };
        let rest = until.saturating_duration_since(Instant::now());
        let heard = call.place.wait(timeout(rest.min(pause), listener.heard())).await.is_ok();
        ended = heard || rest <= pause;
    }
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
