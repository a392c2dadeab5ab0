//! `/v1/open_operations`: what was begun and has no known end, and how a person ends it.

use domain::id::{PaymentAttemptId, RefundId, SetupIntentId, Ulid};
use domain::provider_key::ProviderKey;
use domain::ruling::{End, Invalid, MAX_EVIDENCE, Ruling};
use payments::Error;
use payments::idempotency::Answered;
use payments::ports::{Answer, Audience};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Failure;
use super::dispatch::Call;
use super::lists::page::limit;
use crate::params::{self, ParamError, Text};
use crate::views::{Context, List, OpenOperation};

/// A page of open operations, those on what was begun first before others.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenOperationsParams {
    /// How many objects; 10 if left out. An object can have more than one operation open.
    #[schema(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// The id of the last object of the page before.
    starting_after: Option<String>,
}

fn ulid(text: &str) -> Option<Ulid> {
    let attempt = text.parse().map(PaymentAttemptId::ulid).ok();
    attempt.or_else(|| text.parse().map(RefundId::ulid).ok()).or_else(|| text.parse().map(SetupIntentId::ulid).ok())
}

pub(crate) async fn list(call: Call<'_>) -> Result<Answered, Failure> {
    let params: OpenOperationsParams = params::from_tree(&call.tree)?;
    let after = match &params.starting_after {
        Some(text) => Some(ulid(text).ok_or_else(|| ParamError::invalid("starting_after", "No such object."))?),
        None => None,
    };
    let limit = limit(params.limit)?;
    let platform = &call.app.platform;
    let page = platform.open_operations(call.request.scope, after, limit).await?;
    let ctx = Context::of(call.request.scope, platform.now(), Audience::Shop);
    let data: Vec<OpenOperation> = page.operations.iter().map(|open| OpenOperation::view(open, ctx)).collect();
    let list = List::of(data, page.last.is_some(), call.path);
    let body = serde_json::to_vec(&list).map_err(|e| Error::Internal(format!("write open operations: {e}")))?;
    Ok(Answered { answer: Answer { status: 200, body }, replayed: false })
}

/// How an operation ended.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    /// The provider carried it out.
    Succeeded,
    /// The provider did not, and will not.
    Failed,
}

/// A person's word on how an operation ended.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResolveOpenOperation {
    /// What shows it, such as a ticket or what the provider's dashboard says; kept in the audit trail.
    #[schema(inline)]
    evidence: Text<{ MAX_EVIDENCE }>,
    /// Which operation, where several are open.
    key: Option<String>,
    #[schema(inline)]
    outcome: Outcome,
    /// The provider's own name for the transaction: of an authorization or refund that succeeded.
    #[schema(inline)]
    provider_reference: Option<Text<{ MAX_REFERENCE }>>,
}

/// The longest name of a transaction with any provider.
const MAX_REFERENCE: usize = 100;

impl ResolveOpenOperation {
    fn ruling(&self) -> Result<Ruling, Failure> {
        let reference = self.provider_reference.clone().map(Text::into_string);
        let end = match self.outcome {
            Outcome::Succeeded => End::Succeeded { provider_reference: reference },
            Outcome::Failed => End::Failed,
        };
        let refused = |why: Invalid| ParamError::invalid("evidence", format!("This cannot be the evidence: {why}.")).into();
        Ruling::new(end, &self.evidence).map_err(refused)
    }
}

pub(crate) async fn resolve(call: Call<'_>, id: &str) -> Result<Answered, Failure> {
    let params: ResolveOpenOperation = params::from_tree(&call.tree)?;
    let ruling = params.ruling()?;
    let key = params.key.as_deref().map(ProviderKey::from_text);
    let request = &call.request;
    // Rare, and its future large: it lives on the heap.
    let resolved = Box::pin(call.app.platform.resolve(request.scope, &request.account, &request.by(), id, key.as_ref(), &ruling)).await?;
    let body = call.app.presenter.render_one(request.scope, &resolved, &request.rendering).await?;
    Ok(Answered { answer: Answer { status: 200, body }, replayed: false })
}
