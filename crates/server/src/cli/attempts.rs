//! `bursar attempts`: what was begun and has no known end, and how a person ends it.

use std::sync::Arc;

use bursar::compose::{SetupError, operator};
use clap::{Args, Subcommand, ValueEnum};
use domain::account::Account;
use domain::id::AccountId;
use domain::money::Money;
use domain::provider_key::ProviderKey;
use domain::ruling::{End, Ruling};
use domain::scope::{Mode, Scope};
use domain::time::Timestamp;
use payments::Platform;
use payments::open_operations::{OBJECTS_AT_ONCE, On, OpenOperation};
use payments::outcome::Object;

use super::{StoreArgs, failed, say};

#[derive(Subcommand)]
pub(super) enum Attempts {
    /// List operations whose end is not known, the oldest first; also while a server runs.
    List(List),
    /// End one by hand, by what the provider shows. No server may run on the store meanwhile; a running one takes it at
    /// `POST /v1/open_operations/…/resolve`.
    Resolve(Resolve),
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    store: StoreArgs,
    /// Those without a known end: what this lists, said in full.
    #[arg(long, env = "BURSAR_OPEN", default_value_t = true)]
    open: bool,
    /// Whose; everybody's if left out.
    #[arg(long, env = "BURSAR_ACCOUNT")]
    account: Option<AccountId>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Outcome {
    /// The provider carried it out.
    Succeeded,
    /// The provider did not, and will not.
    Failed,
}

#[derive(Args)]
pub(super) struct Resolve {
    #[command(flatten)]
    store: StoreArgs,
    /// The attempt (pa_…), refund (re_…) or set-up (seti_…), as the list shows it.
    #[arg(env = "BURSAR_OPERATION")]
    id: String,
    /// Which operation, where several are open.
    #[arg(long, env = "BURSAR_OPERATION_KEY")]
    key: Option<String>,
    /// How it ended.
    #[arg(long, env = "BURSAR_OUTCOME")]
    outcome: Outcome,
    /// The provider's own name for the transaction: of an authorization or refund that succeeded.
    #[arg(long, env = "BURSAR_PROVIDER_REFERENCE")]
    provider_reference: Option<String>,
    /// What shows it, such as a ticket; kept in the audit trail.
    #[arg(long, env = "BURSAR_EVIDENCE")]
    evidence: String,
}

impl Attempts {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        match self {
            Self::List(list) => list.run().await,
            Self::Resolve(resolve) => resolve.run().await,
        }
    }
}

async fn scopes(platform: &Platform, only: Option<AccountId>) -> Result<Vec<(Scope, Arc<Account>)>, SetupError> {
    let mut all = platform.all_accounts().await.map_err(|e| failed("the accounts", e))?;
    all.retain(|account| only.is_none_or(|only| only == account.id));
    let both = |account: Arc<Account>| [Mode::Test, Mode::Live].map(|mode| (Scope { account: account.id, mode }, Arc::clone(&account)));
    Ok(all.into_iter().flat_map(both).collect())
}

impl List {
    async fn run(self) -> Result<(), SetupError> {
        let platform = self.store.read().await?;
        let now = platform.now();
        for (scope, _) in scopes(&platform, self.account).await? {
            let mut after = None;
            loop {
                let page = platform.open_operations(scope, after, OBJECTS_AT_ONCE).await.map_err(|e| failed("open operations", e))?;
                page.operations.iter().for_each(|open| say(&line(scope, open, now)));
                after = page.last;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Seconds from then to now.
fn age(now: Timestamp, then: Timestamp) -> i64 {
    now.millis_since(then) / 1_000
}

fn line(scope: Scope, open: &OpenOperation, now: Timestamp) -> String {
    let on = match open.on {
        On::Attempt(id, intent) => format!("{id}  {intent}"),
        On::Refund(id, intent) => format!("{id}  {intent}"),
        On::Setup(id) => id.to_string(),
    };
    let operation = &open.operation;
    let remedy = if open.is_remedy { " (remedy)" } else { "" };
    let state = match operation.unknown {
        Some(reason) => format!("unknown ({reason:?})"),
        None if open.is_unknown => "pending".to_owned(),
        None => "sending".to_owned(),
    };
    format!(
        "{on}  {} {}  {:?}{remedy}  {}  at {}  {state}  {} s old, asked {} times, next in {} s  {}\n",
        scope.account,
        scope.mode,
        operation.kind,
        amount(operation.amount),
        open.provider,
        age(now, operation.started_at),
        operation.checks,
        age(operation.next_check_at, now).max(0),
        operation.key
    )
}

fn amount(amount: Money) -> String {
    format!("{} {}", amount.minor(), amount.currency().code())
}

impl Resolve {
    async fn run(self) -> Result<(), SetupError> {
        let end = match self.outcome {
            Outcome::Succeeded => End::Succeeded { provider_reference: self.provider_reference.clone() },
            Outcome::Failed => End::Failed,
        };
        let ruling = Ruling::new(end, &self.evidence).map_err(|e| failed("the evidence", e))?;
        let platform = Arc::new(self.store.change().await?);
        let key = self.key.as_deref().map(ProviderKey::from_text);
        for (scope, account) in scopes(&platform, None).await? {
            match platform.resolve(scope, &account, &operator(), &self.id, key.as_ref(), &ruling).await {
                Ok(object) => {
                    say(&format!("{} is resolved: {}\n", self.id, stands(&object)));
                    return Ok(());
                }
                Err(payments::Error::NotFound { .. }) => {}
                Err(error) => return Err(failed(&self.id, error)),
            }
        }
        Err(SetupError(format!("no operation on {} is open; `bursar attempts list` shows those that are", self.id)))
    }
}

fn stands(object: &Object) -> String {
    match object {
        Object::PaymentIntent(intent) => format!("{} is {}", intent.id, intent.status.as_str()),
        Object::Refund(refund) => format!("{} is {:?}", refund.id, refund.status),
        Object::SetupIntent(setup) => format!("{} is {}", setup.id, setup.status.as_str()),
        Object::Account(_)
        | Object::ApiKey(_)
        | Object::AuditEntry(_)
        | Object::BalanceTransaction(_)
        | Object::Charge(_)
        | Object::Customer(_)
        | Object::Event(_)
        | Object::PaymentMethod(_)
        | Object::Token(_)
        | Object::User(_)
        | Object::WebhookEndpoint(_) => String::new(),
    }
}
