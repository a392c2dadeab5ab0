//! Serving: the first start's shop, background jobs, and an end that finishes what was begun.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use domain::account::ApiKeyKind;
use domain::currency::Currency;
use domain::scope::{Mode, Scope};
use payments::accounts::NewAccount;
use payments::jobs::expire::is_worth_going_on;
use payments::jobs::seal::SETTLING_TIME;
use payments::leases::BEAT;
use payments::{Error, Platform};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::api;
use crate::compose::{self, Composed};
use crate::connections::{self, Terms, Times};
use crate::tls::Tls;
use crate::traces::Traces;

/// Between two looks at open operations.
const RECOVERY_PAUSE: Duration = Duration::from_secs(1);
/// Between two looks at buyers who are to act: each is at a few of them.
const WAITS_PAUSE: Duration = Duration::from_secs(1);
/// Between two questions for what providers say of their own accord.
const NOTICES_PAUSE: Duration = Duration::from_secs(1);
/// Between two looks for statements to sum up: a balance that is asked for reads what has come since.
const CHECKPOINT_PAUSE: Duration = Duration::from_secs(1);
/// Between two looks at a part of the journal: ten million entries are gone through in a day.
const BOOKS_PAUSE: Duration = Duration::from_secs(10);
/// The same where each entry that is read is paid for.
const BOOKS_PAUSE_SHARED: Duration = Duration::from_secs(60);
/// Between two looks at rows of the audit trail that have settled.
const SEAL_PAUSE: Duration = Duration::from_secs(10);
/// Between two times that it is written down which keys were used.
const KEY_USES_PAUSE: Duration = Duration::from_secs(60);
/// Between two removals of old idempotency records, deliveries and sessions.
const EXPIRY_PAUSE: Duration = Duration::from_secs(60);

/// How long the end may take: longer than a provider is waited for, shorter than service managers wait before they kill.
const STOP_WITHIN: Duration = Duration::from_secs(25);
/// How much of it clients have to send the rest of their requests and to take their answers.
const CLIENTS_WITHIN: Duration = Duration::from_secs(13);

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

/// Structured logs on standard error; `RUST_LOG` says how much.
pub fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    // Where the log cannot be written, as on a full disk, a complaint about that cannot be either, and would panic.
    tracing_subscriber::fmt().json().log_internal_errors(false).with_env_filter(filter).with_writer(io::stderr).init();
}

/// The same, and spans for a collector.
pub fn log_and_trace(traces: &Traces) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let lines = tracing_subscriber::fmt::layer().json().log_internal_errors(false).with_writer(io::stderr).with_filter(filter);
    tracing_subscriber::registry().with(lines).with(traces.layer()).init();
}

/// Makes a shop with test keys when there is none; `secret` fixes its secret key.
///
/// # Errors
/// The store failed.
pub async fn first_shop(platform: &Platform, secret: Option<&str>) -> Result<Option<FirstKeys>, Error> {
    if !platform.makes_first_account().await? {
        return Ok(None);
    }
    let by = compose::operator();
    let new = NewAccount {
        name: "Test shop".to_owned(),
        email: None,
        country: "US".to_owned(),
        default_currency: Currency::Usd,
        statement_descriptor: None,
    };
    let account = platform.create_account(&by, &new).await?;
    let scope = Scope { account: account.id, mode: Mode::Test };
    let (_, secret) = platform.create_key(&by, scope, ApiKeyKind::Secret, secret).await?;
    let (_, publishable) = platform.create_key(&by, scope, ApiKeyKind::Publishable, None).await?;
    Ok(Some(FirstKeys { secret, publishable }))
}

/// Serves until `stop` is ready, and then ends within [`STOP_WITHIN`]: no new connections, answers to the requests that
/// are there, and the end of what was begun for clients that have hung up.
pub async fn run(listener: TcpListener, composed: &Composed, stop: impl Future<Output = ()> + Send + 'static) {
    let platform = &composed.app.platform;
    let stopping = CancellationToken::new();
    let mut jobs = tokio::spawn(background(Arc::clone(platform), stopping.clone()));
    let (signal, waited_for) = (stopping.clone(), Arc::clone(platform));
    let asked = async move {
        stop.await;
        signal.cancel();
        waited_for.stop_listening();
    };
    let terms =
        Terms { most: composed.connections, times: Times::USUAL, tls: composed.tls.clone(), proxies: Arc::clone(&composed.proxies) };
    tokio::select! {
        () = keep_up(composed.tls.as_deref()) => {}
        () = connections::serve(listener, router(composed), terms, asked) => {}
        () = overdue(&stopping) => tracing::warn!("some clients did not take their answers in time"),
    }
    stopping.cancel();
    let started = Instant::now();
    let rest = || STOP_WITHIN.saturating_sub(CLIENTS_WITHIN).saturating_sub(started.elapsed());
    if tokio::time::timeout(rest(), &mut jobs).await.is_err() {
        jobs.abort();
    }
    let left = platform.finish(rest()).await;
    if left > 0 {
        tracing::warn!(left, "operations were left to the next start");
    }
}

/// Goes on with new certificates, without end.
async fn keep_up(tls: Option<&Tls>) {
    match tls {
        Some(tls) => tls.keep_up().await,
        None => std::future::pending().await,
    }
}

async fn overdue(stopping: &CancellationToken) {
    stopping.cancelled().await;
    tokio::time::sleep(CLIENTS_WITHIN).await;
}

/// Follows up open operations, looks after waits for buyers, listens to providers, sums up balances, looks through the journal, removes old
/// records, seals the audit trail and tells shops of what happened, each while no other server does, until it is to stop; it ends between two looks.
async fn background(platform: Arc<Platform>, stop: CancellationToken) {
    let recover = repeat(&stop, RECOVERY_PAUSE, "recovery could not look", || {
        let platform = Arc::clone(&platform);
        async move { platform.recover_due().await.map(|_| Next::Pause) }
    });
    let waits = repeat(&stop, WAITS_PAUSE, "waits for buyers could not be looked at", || {
        let platform = Arc::clone(&platform);
        async move { platform.look_after_waits().await.map(|_| Next::Pause) }
    });
    let notices = repeat(&stop, NOTICES_PAUSE, "what providers say could not be taken in", || {
        let platform = Arc::clone(&platform);
        async move { platform.listen_to_providers().await.map(Next::after) }
    });
    let expire = repeat(&stop, EXPIRY_PAUSE, "old records could not be removed", || {
        let platform = Arc::clone(&platform);
        async move {
            let removed = platform.expire_idempotency().await?;
            Ok(if is_worth_going_on(removed) { Next::AtOnce } else { Next::Pause })
        }
    });
    let expire_deliveries = repeat(&stop, EXPIRY_PAUSE, "old deliveries could not be removed", || {
        let platform = Arc::clone(&platform);
        async move {
            let removed = platform.expire_deliveries().await?;
            Ok(if is_worth_going_on(removed) { Next::AtOnce } else { Next::Pause })
        }
    });
    let expire_sessions = repeat(&stop, EXPIRY_PAUSE, "old sessions could not be removed", || {
        let platform = Arc::clone(&platform);
        async move {
            let removed = platform.expire_sessions().await?;
            Ok(if is_worth_going_on(removed) { Next::AtOnce } else { Next::Pause })
        }
    });
    let key_uses = repeat(&stop, KEY_USES_PAUSE, "when keys were used could not be written down", || {
        let platform = Arc::clone(&platform);
        async move { platform.note_key_uses().await.map(|()| Next::Pause) }
    });
    let checkpoint = repeat(&stop, CHECKPOINT_PAUSE, "balances could not be summed up", || {
        let platform = Arc::clone(&platform);
        async move { platform.checkpoint_balances().await.map(Next::after) }
    });
    let books_pause = if platform.store().is_shared() { BOOKS_PAUSE_SHARED } else { BOOKS_PAUSE };
    let books = repeat(&stop, books_pause, "the journal could not be looked through", || {
        let platform = Arc::clone(&platform);
        async move { platform.look_through_books().await.map(|()| Next::Pause) }
    });
    let seal = repeat(&stop, SEAL_PAUSE, "the audit trail could not be sealed", || {
        let platform = Arc::clone(&platform);
        async move { platform.seal_audit(SETTLING_TIME).await.map(Next::after) }
    });
    let beats = repeat(&stop, BEAT, "this server could not show that it lives", || {
        let platform = Arc::clone(&platform);
        async move { platform.keep_leases().await.map(|()| Next::Pause) }
    });
    let deliver = Arc::clone(&platform).deliver_until(stop.clone());
    futures::join!(recover, waits, notices, expire, expire_deliveries, expire_sessions, checkpoint, books, seal, deliver, key_uses, beats);
    if let Err(error) = platform.note_key_uses().await {
        tracing::warn!(%error, "when keys were used last was not written down");
    }
    if let Err(error) = platform.release_leases().await {
        tracing::warn!(%error, "other servers do this one's jobs only once its leases have run out");
    }
}

/// When a job looks again.
enum Next {
    AtOnce,
    Pause,
}

impl Next {
    const fn after(done: usize) -> Self {
        if done > 0 { Self::AtOnce } else { Self::Pause }
    }
}

async fn repeat<F, Look>(stop: &CancellationToken, pause: Duration, failed: &'static str, look: F)
where
    F: Fn() -> Look + Send,
    Look: Future<Output = Result<Next, Error>> + Send,
{
    while !stop.is_cancelled() {
        match look().await {
            Ok(Next::AtOnce) => continue,
            Ok(Next::Pause) => {}
            Err(error) => tracing::error!(%error, detail = ?error, "{failed}"),
        }
        // Whether the pause ended or is to end now is asked at the top.
        let _ = stop.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}
