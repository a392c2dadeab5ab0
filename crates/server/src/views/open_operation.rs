//! An operation without a known end, for whoever looks after unknown money.

use payments::open_operations::{self, On};
use serde::Serialize;
use utoipa::ToSchema;

use super::Context;
use super::words::{OperationKind, UnknownReason};

/// Something that a provider was asked for and whose end is not known.
#[derive(Serialize, ToSchema)]
pub struct OpenOperation {
    /// The attempt, refund or set-up that it is on.
    id: String,
    /// `open_operation`.
    object: &'static str,
    /// In the currency's minor unit.
    amount: i64,
    /// How often the provider was asked about it.
    checks: u32,
    /// When it was begun, in seconds since 1970.
    created: i64,
    /// Three letters, lower case.
    currency: &'static str,
    /// The key under which the provider knows it.
    key: String,
    kind: OperationKind,
    livemode: bool,
    /// When the provider is asked again, in seconds since 1970.
    next_check: i64,
    /// The payment it is for, unless it is for a set-up.
    payment_intent: Option<String>,
    /// The provider's name.
    provider: String,
    /// It puts right what the provider had contradicted.
    remedy: bool,
    /// Why its end is not known; null while the provider may still answer.
    unknown_reason: Option<UnknownReason>,
}

impl OpenOperation {
    /// The operation as the API shows it.
    #[must_use]
    pub fn view(open: &open_operations::OpenOperation, ctx: Context) -> Self {
        let (id, payment_intent) = match open.on {
            On::Attempt(id, intent) => (id.to_string(), Some(intent.to_string())),
            On::Refund(id, intent) => (id.to_string(), Some(intent.to_string())),
            On::Setup(id) => (id.to_string(), None),
        };
        let operation = &open.operation;
        Self {
            id,
            object: "open_operation",
            amount: operation.amount.minor(),
            checks: operation.checks,
            created: operation.started_at.seconds(),
            currency: operation.amount.currency().code(),
            key: operation.key.to_string(),
            kind: operation.kind.into(),
            livemode: ctx.livemode,
            next_check: operation.next_check_at.seconds(),
            payment_intent,
            provider: open.provider.clone(),
            remedy: open.is_remedy,
            unknown_reason: operation.unknown.map(UnknownReason::from),
        }
    }
}
