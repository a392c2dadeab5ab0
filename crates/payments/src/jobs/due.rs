//! All background jobs once, for a process that is started to do them and stands still afterwards: what a schedule calls.
//!
//! - The leases are given back at the end, so that the next run, by whichever process, begins at once.
//! - A run that finds leases of a process that has gone waits until it may take them; nobody else would.
//! - A run ends when nothing is due or when its time is over, whichever is first. What it is at then is left as a crash would
//!   leave it, and the next run goes on from there.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::recover::LeftOpen;
use super::seal::SETTLING_TIME;
use crate::error::Error;
use crate::leases::{BEAT, Duty, LEASE};
use crate::platform::Platform;

/// Between two looks whether leases of somebody else have run out.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// How long giving the leases back may take: without it the next run only waits for them.
const RELEASE_WITHIN: Duration = Duration::from_secs(2);

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Operations that were followed up to their end.
    pub recovered: usize,
    /// Waits for buyers that ended.
    pub waits_settled: usize,
    /// What providers said of their own accord.
    pub notices_heard: usize,
    /// Lines of statements that were taken into checkpoints.
    pub lines_summed_up: usize,
    /// Rows of the audit trail that were sealed.
    pub rows_sealed: usize,
    /// Idempotency records, deliveries and sessions that were removed.
    pub records_expired: usize,
    /// What recovery left open; `None` if another process does it, or it did not get round.
    pub left_open: Option<LeftOpen>,
    /// Deliveries to webhook endpoints that were begun.
    pub deliveries_begun: usize,
    /// Jobs that failed.
    pub failed: usize,
    /// The time was over before all was done.
    pub cut: bool,
}

impl Platform {
    /// Does what is due of all background jobs, for so long at most and a moment more.
    pub async fn run_due(self: &Arc<Self>, within: Duration) -> Ran {
        let ran = Mutex::new(Ran::default());
        // If this run does not get round, what an earlier one saw is no longer so.
        *self.left_open.lock() = None;
        let work = async {
            self.wait_for_leases().await;
            tokio::select! {
                () = self.all_due(&ran) => {}
                () = self.beat() => {}
            }
        };
        let in_time = tokio::time::timeout(within, Box::pin(work)).await.is_ok();
        match tokio::time::timeout(RELEASE_WITHIN, self.release_leases()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the next run waits for this one's leases"),
            Err(_) => tracing::warn!("the next run waits for this one's leases: giving them back took too long"),
        }
        let mut ran = ran.into_inner();
        ran.left_open = self.left_open();
        ran.cut = !in_time;
        ran
    }

    /// Waits for leases whose holder has gone. A failure is the jobs' to tell.
    async fn wait_for_leases(&self) {
        let since = Instant::now();
        loop {
            let mut all = true;
            for duty in Duty::ALL {
                let Ok(lease) = self.lease(duty).await else { return };
                all &= lease.is_some();
            }
            if all || since.elapsed() > LEASE {
                return;
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// Shows that this process lives, until it is dropped.
    async fn beat(&self) {
        loop {
            tokio::time::sleep(BEAT).await;
            if let Err(error) = self.keep_leases().await {
                tracing::warn!(%error, "this process could not show that it lives");
            }
        }
    }

    async fn all_due(self: &Arc<Self>, ran: &Mutex<Ran>) {
        let recover = async {
            let done = self.recover_due().await;
            count(ran, "recovery could not look", done, |ran, done| ran.recovered += done);
        };
        let waits = async {
            loop {
                let done = self.look_after_waits().await;
                let go_on = count(ran, "waits for buyers could not be looked at", done, |ran, done| ran.waits_settled += done);
                if !go_on || self.waits.lock().is_over() {
                    return;
                }
            }
        };
        let notices = until_nothing(
            ran,
            "what providers say could not be taken in",
            || self.listen_to_providers(),
            |ran, done| {
                ran.notices_heard += done;
            },
        );
        let checkpoint = until_nothing(
            ran,
            "balances could not be summed up",
            || self.checkpoint_balances(),
            |ran, done| {
                ran.lines_summed_up += done;
            },
        );
        let seal = until_nothing(
            ran,
            "the audit trail could not be sealed",
            || self.seal_audit(SETTLING_TIME),
            |ran, done| {
                ran.rows_sealed += done;
            },
        );
        let expire = until_nothing(
            ran,
            "old records could not be removed",
            || self.expire_idempotency(),
            |ran, done| {
                ran.records_expired += done;
            },
        );
        let expire_deliveries = until_nothing(
            ran,
            "old deliveries could not be removed",
            || self.expire_deliveries(),
            |ran, done| {
                ran.records_expired += done;
            },
        );
        let expire_sessions = until_nothing(
            ran,
            "old sessions could not be removed",
            || self.expire_sessions(),
            |ran, done| {
                ran.records_expired += done;
            },
        );
        let deliver = async {
            let done = self.deliver_due().await;
            count(ran, "events could not be delivered", done, |ran, done| ran.deliveries_begun += done);
        };
        futures::join!(recover, waits, notices, checkpoint, seal, expire, expire_deliveries, expire_sessions, deliver);
    }
}

/// Repeats a look until it finds nothing.
async fn until_nothing<F, Look>(ran: &Mutex<Ran>, failed: &'static str, look: F, add: fn(&mut Ran, usize))
where
    F: Fn() -> Look,
    Look: Future<Output = Result<usize, Error>>,
{
    loop {
        let done = look().await;
        let found = matches!(done, Ok(found) if found > 0);
        count(ran, failed, done, add);
        if !found {
            return;
        }
    }
}

/// Takes a look into account; whether it succeeded.
fn count(ran: &Mutex<Ran>, failed: &'static str, done: Result<usize, Error>, add: impl FnOnce(&mut Ran, usize)) -> bool {
    match done {
        Ok(done) => {
            add(&mut ran.lock(), done);
            true
        }
        Err(error) => {
            tracing::error!(%error, detail = ?error, "{failed}");
            ran.lock().failed += 1;
            false
        }
    }
}
