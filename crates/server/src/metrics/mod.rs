//! Figures for operators, as Prometheus reads them, on an address of their own: shops and buyers have no business there.
//!
//! What is open is looked up when it is asked for; what happens is counted as it does ([`Meters`]). Absent: what is open where another
//! server does recovery, and figures of single requests, objects or merchants, whose number has no bound.

mod connector;
mod courier;
mod meters;
mod store;

use std::future::IntoFuture as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use domain::webhook_endpoint::DisabledBecause;
use http::header::CONTENT_TYPE;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use payments::Platform;
use payments::reached::Reached;
use tokio::net::TcpListener;

pub(crate) use self::connector::{Ending, Metered as MeteredConnector};
pub(crate) use self::courier::{Metered as MeteredCourier, word};
pub use self::meters::Meters;
pub(crate) use self::store::{Metered as MeteredStore, ending};

/// Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const RECOVERS: &str = "bursar_recovery_here";
const OPEN: &str = "bursar_open_operations";
const OLDEST: &str = "bursar_oldest_open_operation_age_seconds";
const PENDING: &str = "bursar_webhook_pending";
const OLDEST_PENDING: &str = "bursar_webhook_oldest_pending_age_seconds";
const DISABLED: &str = "bursar_webhook_endpoints_disabled_total";
const PAYMENTS: &str = "bursar_payments_total";
const IMBALANCE: &str = "bursar_ledger_imbalance";
const ENTRIES: &str = "bursar_ledger_entries_read_total";

/// Between two times that what was timed is sorted into its buckets: until then each time is held by itself.
const UPKEEP_PAUSE: Duration = Duration::from_secs(5);

struct Figures {
    platform: Arc<Platform>,
    meters: Meters,
}

impl Figures {
    fn of(platform: Arc<Platform>, meters: Meters) -> Self {
        meters.record(|| {
            describe_gauge!(RECOVERS, "1 if this server follows up operations without a known end, 0 if another one does");
            describe_gauge!(OPEN, "Payments, refunds and set-ups with an operation that has no known end; 0 where another server recovers");
            describe_gauge!(OLDEST, Unit::Seconds, "Age of the oldest operation that has no known end; 0 if there is none");
            describe_gauge!(
                PENDING,
                "Events that wait to be told to webhook endpoints, of each endpoint counted up to 500; 0 where another server looks"
            );
            describe_counter!(
                PAYMENTS,
                "Payments that reached a status, by provider and currency; the provider is empty before one is asked"
            );
            describe_gauge!(
                IMBALANCE,
                "By how much debits and credits of the journal differ, in minor units; 0 where another server looks"
            );
            describe_counter!(ENTRIES, "Entries of the journal that were read for that");
            describe_counter!(DISABLED, "Webhook endpoints that were disabled without their shop asking for it");
            describe_gauge!(OLDEST_PENDING, Unit::Seconds, "Age of the oldest of them; 0 if there is none");
        });
        Self { platform, meters }
    }

    fn write(&self) -> String {
        let left = self.platform.left_open();
        let recovers = left.is_some();
        let left = left.unwrap_or_default();
        let age = left.oldest.map_or(0, |oldest| self.platform.now().millis_since(oldest).max(0));
        let age = Duration::from_millis(age.unsigned_abs());
        let backlog = self.platform.delivery_backlog().unwrap_or_default();
        let pending_age = Duration::from_millis(backlog.oldest_ms.max(0).unsigned_abs());
        let silenced = self.platform.endpoints_silenced();
        let books = self.platform.books_seen().unwrap_or_default();
        let reached = self.platform.payments_reached();
        self.meters.record(|| {
            for (Reached { status, currency, provider }, times) in reached {
                let (status, currency) = (status.as_str(), currency.code());
                counter!(PAYMENTS, "status" => status, "provider" => provider, "currency" => currency).absolute(times);
            }
            gauge!(IMBALANCE).set(float(books.imbalance));
            counter!(ENTRIES).absolute(books.entries);
            gauge!(PENDING).set(float(u64::try_from(backlog.pending).unwrap_or(u64::MAX)));
            counter!(DISABLED, "because" => DisabledBecause::Gone.as_str()).absolute(silenced.gone);
            counter!(DISABLED, "because" => DisabledBecause::Failing.as_str()).absolute(silenced.failing);
            gauge!(OLDEST_PENDING).set(pending_age.as_secs_f64());
            gauge!(RECOVERS).set(f64::from(u8::from(recovers)));
            gauge!(OPEN).set(float(left.objects));
            gauge!(OLDEST).set(age.as_secs_f64());
        });
        self.meters.handle().map(|handle| handle.render()).unwrap_or_default()
    }
}

/// Exact below 2^32, and beyond that as good as Prometheus has it.
fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

async fn figures(State(figures): State<Arc<Figures>>) -> ([(http::HeaderName, &'static str); 1], String) {
    ([(CONTENT_TYPE, TEXT)], figures.write())
}

/// What is served there.
pub fn router(platform: Arc<Platform>, meters: Meters) -> Router {
    Router::new().route("/metrics", get(figures)).with_state(Arc::new(Figures::of(platform, meters)))
}

/// Serves them until it is dropped.
///
/// # Errors
/// The listener fails.
pub async fn run(listener: TcpListener, platform: Arc<Platform>, meters: Meters) -> io::Result<()> {
    let keep = keep_up(meters.clone());
    tokio::select! {
        served = axum::serve(listener, router(platform, meters)).into_future() => served,
        () = keep => Ok(()),
    }
}

/// Sorts what was timed, also while nobody asks for it.
async fn keep_up(meters: Meters) {
    loop {
        tokio::time::sleep(UPKEEP_PAUSE).await;
        if let Some(handle) = meters.handle() {
            handle.run_upkeep();
        }
    }
}
