//! A row of the audit trail: who did what, and what it changed.

use domain::audit::{self, Actor, Change};
use domain::id::AuditEntryId;
use serde::Serialize;
use utoipa::ToSchema;

use super::Context;

/// A row of the audit trail: one commit.
#[derive(Serialize, ToSchema)]
pub struct AuditEntry<'a> {
    #[schema(value_type = String)]
    id: AuditEntryId,
    /// `audit_log.entry`.
    object: &'static str,
    /// What was done, such as `refund.create`.
    action: &'static str,
    actor: AuditActor<'a>,
    changes: Vec<AuditChange>,
    /// When it was done, in seconds since 1970.
    created: i64,
    livemode: bool,
    /// What a person said of why, where one decided.
    note: Option<&'a str>,
    /// The address at the other end of the connection.
    remote_address: Option<String>,
    /// The id of the request of the API that asked for it.
    request: Option<&'a str>,
    /// `success`, or the code of what the provider or issuer refused.
    result: &'a str,
}

/// Who acted.
#[derive(Serialize, ToSchema)]
pub struct AuditActor<'a> {
    /// The key's id, where a key acted.
    id: Option<String>,
    /// The name of the job, provider or operator.
    name: Option<&'a str>,
    /// `api_key`, `client`, `publishable_key`, `buyer`, `job`, `provider`, `operator`, `user` or `unknown`.
    r#type: &'static str,
}

/// An object that was written.
#[derive(Serialize, ToSchema)]
pub struct AuditChange {
    id: String,
    /// What it is, such as `payment_intent`.
    object: &'static str,
    /// SHA-256 of its stored bytes afterwards, base64url; null if it was removed.
    digest_after: Option<String>,
    /// SHA-256 of its stored bytes before, base64url; null if it was made.
    digest_before: Option<String>,
    /// How often it had been written afterwards.
    revision: u64,
}

fn actor(actor: &Actor) -> AuditActor<'_> {
    let (id, name) = match actor {
        Actor::ApiKey { id } | Actor::PublishableKey { id } => (Some(id.to_string()), None),
        Actor::Client { issuer, subject } => (Some(issuer.to_string()), Some(subject.as_str())),
        Actor::User { id } => (Some(id.to_string()), None),
        Actor::Buyer | Actor::Unknown => (None, None),
        Actor::Job { name } => (None, Some(name.as_str())),
        Actor::Provider { name } | Actor::Operator { name } => (None, Some(name.as_str())),
    };
    AuditActor { id, name, r#type: actor.kind().as_str() }
}

fn change(change: &Change) -> AuditChange {
    AuditChange {
        id: change.object.to_string(),
        object: change.object.kind().as_str(),
        digest_after: change.after.map(|digest| digest.to_string()),
        digest_before: change.before.map(|digest| digest.to_string()),
        revision: change.revision,
    }
}

impl<'a> AuditEntry<'a> {
    /// The row as the API shows it.
    #[must_use]
    pub fn view(entry: &'a audit::AuditEntry, ctx: Context) -> Self {
        Self {
            id: entry.id,
            object: "audit_log.entry",
            action: entry.action.as_str(),
            actor: actor(&entry.actor),
            changes: entry.changes.iter().map(change).collect(),
            created: entry.at().seconds(),
            livemode: ctx.livemode,
            note: entry.note.as_deref(),
            remote_address: entry.from.map(|from| from.to_string()),
            request: entry.request.as_deref(),
            result: entry.result.as_str(),
        }
    }
}
