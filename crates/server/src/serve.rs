//! Serving: the first start's shop, background jobs, and an end that finishes what was begun.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use domain::account::ApiKeyKind;
use domain::currency::Currency;
use domain::scope::{Mode, Scope};
use payments::accounts::NewAccount;
use payments::{Error, Platform};

use crate::api;
use crate::compose::Composed;

/// Between two looks at open operations.
const RECOVERY_PAUSE: Duration = Duration::from_secs(1);
/// Between two looks for statements to sum up: a balance that is asked for reads what has come since.
const CHECKPOINT_PAUSE: Duration = Duration::from_secs(1);
/// Between two removals of old idempotency records.
const EXPIRY_PAUSE: Duration = Duration::from_secs(60);

/// The keys of the shop that the first start makes.
#[derive(Clone, Debug)]
pub struct FirstKeys {
    /// For the shop's server.
    pub secret: String,
    /// For browsers.
    pub publishable: String,
}

/// Everything that is served.
pub fn router(composed: &Composed) -> Router {
    let api = api::router(Arc::clone(&composed.app));
    match &composed.bank {
        Some(bank) => providers::simulator::challenge::router(Arc::clone(bank)).fallback_service(api),
        None => api,
    }
}

/// Makes a shop with test keys when there is none; `secret` fixes its secret key.
///
/// # Errors
/// The store failed.
pub async fn first_shop(platform: &Platform, secret: Option<&str>) -> Result<Option<FirstKeys>, Error> {
    if !platform.all_accounts().await?.is_empty() {
        return Ok(None);
    }
    let new = NewAccount {
        name: "Test shop".to_owned(),
        email: None,
        country: "US".to_owned(),
        default_currency: Currency::Usd,
        statement_descriptor: None,
    };
    let account = platform.create_account(&new).await?;
    let scope = Scope { account: account.id, mode: Mode::Test };
    let (_, secret) = platform.create_key(scope, ApiKeyKind::Secret, secret).await?;
    let (_, publishable) = platform.create_key(scope, ApiKeyKind::Publishable, None).await?;
    Ok(Some(FirstKeys { secret, publishable }))
}

/// Follows up open operations and removes old records, for ever.
pub async fn background(platform: Arc<Platform>) {
    let expiry = Arc::clone(&platform);
    let checkpoints = Arc::clone(&platform);
    let recover = async {
        loop {
            if let Err(error) = platform.recover_due().await {
                tracing::error!(%error, detail = ?error, "recovery could not look");
            }
            tokio::time::sleep(RECOVERY_PAUSE).await;
        }
    };
    let expire = async {
        loop {
            match expiry.expire_idempotency().await {
                Ok(0) => tokio::time::sleep(EXPIRY_PAUSE).await,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, detail = ?error, "old records could not be removed");
                    tokio::time::sleep(EXPIRY_PAUSE).await;
                }
            }
        }
    };
    let checkpoint = async {
        loop {
            match checkpoints.checkpoint_balances().await {
                Ok(0) => tokio::time::sleep(CHECKPOINT_PAUSE).await,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, detail = ?error, "balances could not be summed up");
                    tokio::time::sleep(CHECKPOINT_PAUSE).await;
                }
            }
        }
    };
    futures::join!(recover, expire, checkpoint);
}
