//! The audit trail, by who acted, what was done and what it changed.

use domain::audit::{Action, ActorKind, AuditEntry, Subject};
use payments::idempotency::Answered;
use serde::Deserialize;
use store::{Index, List};
use utoipa::ToSchema;

use super::page::{Paging, Source, answer};
use super::{Call, Failure, list_params};
use crate::params::{ParamError, RangeParam};

/// Who acted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActorFilter {
    /// `api_key`, `client`, `publishable_key`, `buyer`, `job`, `provider`, `operator`, `user` or `unknown`.
    r#type: String,
}

list_params!(
    /// A page of the audit trail.
    AuditLogParams {
        /// Only what was done so, such as `refund.create`.
        action: Option<String>,
        /// Only what such an actor did.
        actor: Option<ActorFilter>,
        /// When it was done: a time in seconds since 1970, or bounds as `created[gte]`.
        created: Option<RangeParam>,
        /// Only what changed the object of that id.
        object: Option<String>,
    }
);

pub(crate) async fn audit_log(call: Call<'_>) -> Result<Answered, Failure> {
    let params = AuditLogParams::of(&call)?;
    let mut source: Source<AuditEntry> = Source::of(List::all(call.request.scope, Index::AuditEntries));
    if let Some(text) = &params.action {
        let found = Action::ALL.iter().copied().find(|action| action.as_str() == text);
        let action = found.ok_or_else(|| ParamError::invalid("action", "There is no such action."))?;
        source = source.only(move |entry| entry.action == action);
    }
    if let Some(filter) = &params.actor {
        let found = ActorKind::ALL.into_iter().find(|kind| kind.as_str() == filter.r#type);
        let kind = found.ok_or_else(|| ParamError::invalid("actor[type]", "There is no such type of actor."))?;
        source = source.only(move |entry| entry.actor.kind() == kind);
    }
    if let Some(text) = &params.object {
        let found: Result<Subject, _> = text.parse();
        let subject = found.map_err(|_| ParamError::invalid("object", "No row can be about an object of that id."))?;
        source = source.only(move |entry| entry.changes.iter().any(|change| change.object == subject));
    }
    answer(&call, source, Paging { created: params.created, ..params.paging() }).await
}
