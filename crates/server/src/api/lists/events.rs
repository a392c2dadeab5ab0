//! Events, by what happened.

use domain::event::{Event, EventKind};
use domain::scope::Scope;
use payments::idempotency::Answered;
use payments::lists::events_of_kind;
use store::{Index, List};

use super::page::{Paging, Source, answer};
use super::{Call, Failure, list_params};
use crate::params::{ParamError, RangeParam};

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
    answer(&call, source, Paging { created: params.created, ..params.paging() }).await
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
