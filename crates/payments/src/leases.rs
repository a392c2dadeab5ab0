//! Leases: which of the processes on one store does a background job.
//!
//! - At any moment the record of a lease names one holder. What a job writes names the revision of that record, too
//!   ([`Fence`]): once another process has taken the lease, nothing more of the one before lands.
//! - Clocks of different machines are never compared. A holder beats, and an observer for whose own clock a beat has not
//!   changed for [`LEASE`] takes the holder for dead. A holder that was only slow is stopped by the fence.
//! - The record is never deleted, so that its revision never comes again.
//!
//! Absent on purpose: leases on a store that one process has to itself, which needs none; and moving a job from a process
//! that does many to one that does few.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::id::Ulid;
use domain::scope::Scope;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use store::{Batch, Item, Key, Kind, Precondition};
use tokio::time::Instant;

use crate::error::Error;
use crate::platform::Platform;
use crate::records::{decode, encode};

/// After so long without a beat a holder is taken for dead.
pub const LEASE: Duration = Duration::from_secs(15);
/// Between two beats of a holder: two may be late or lost before its leases are.
pub const BEAT: Duration = Duration::from_secs(5);

/// A job that one process does at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Duty {
    /// Following up what was begun and has not ended.
    Recovery,
    /// Looking after those who wait for a buyer.
    Waits,
    /// Listening to providers.
    Notices,
    /// Removing what is too old.
    Expiry,
    /// Summing up balances.
    Checkpoints,
    /// Sealing the audit trail.
    Sealing,
    /// Telling shops of what happened.
    Deliveries,
}

impl Duty {
    pub(crate) const ALL: [Self; 7] =
        [Self::Recovery, Self::Waits, Self::Notices, Self::Expiry, Self::Checkpoints, Self::Sealing, Self::Deliveries];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::Waits => "waits",
            Self::Notices => "notices",
            Self::Expiry => "expiry",
            Self::Checkpoints => "checkpoints",
            Self::Sealing => "sealing",
            Self::Deliveries => "deliveries",
        }
    }

    fn lease(self) -> Key {
        Key::named(Scope::PLATFORM, Kind::Setting, format!("lease:{}", self.as_str()))
    }

    fn beat(self) -> Key {
        Key::named(Scope::PLATFORM, Kind::Setting, format!("beat:{}", self.as_str()))
    }
}

/// Who has a lease.
#[derive(Serialize, Deserialize)]
struct Lease {
    /// The process; `None` once it gave the lease back.
    holder: Option<Ulid>,
}

/// The record that a holder changes to show that it lives; that it changes is all it says.
#[derive(Serialize)]
struct Beat {}

/// What makes the writes of a job fail whose lease another process has taken. By default, that of a process which has the
/// store to itself, or of no job: it stops nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fence(Option<(Duty, u64)>);

impl Fence {
    /// Lets a batch land only while the lease is still held.
    pub(crate) fn guard(self, batch: &mut Batch) {
        if let Some((duty, revision)) = self.0 {
            batch.assert(duty.lease(), Precondition::Revision(revision));
        }
    }
}

/// What an observer last saw of a lease of somebody else.
#[derive(Clone, Copy)]
struct Seen {
    lease: u64,
    beat: u64,
    since: Instant,
}

/// What a process knows of leases.
pub(crate) struct Leases {
    process: Ulid,
    held: Mutex<BTreeMap<Duty, u64>>,
    seen: Mutex<BTreeMap<Duty, Seen>>,
}

impl Leases {
    /// Of a process of that name.
    pub(crate) fn of(process: Ulid) -> Self {
        Self { process, held: Mutex::default(), seen: Mutex::default() }
    }

    /// Whether a holder has not beaten for too long.
    fn is_dead(&self, duty: Duty, lease: u64, beat: u64) -> bool {
        let mut all = self.seen.lock();
        let seen = all.entry(duty).or_insert_with(|| Seen { lease, beat, since: Instant::now() });
        if (seen.lease, seen.beat) != (lease, beat) {
            *seen = Seen { lease, beat, since: Instant::now() };
        }
        seen.since.elapsed() >= LEASE
    }

    fn hold(&self, duty: Duty, revision: u64) -> Fence {
        self.held.lock().insert(duty, revision);
        Fence(Some((duty, revision)))
    }
}

impl Platform {
    /// The lease of a job, if this process has it or can take it.
    pub(crate) async fn lease(&self, duty: Duty) -> Result<Option<Fence>, Error> {
        if !self.store.is_shared() {
            return Ok(Some(Fence::default()));
        }
        let items = self.store.get(&[duty.lease(), duty.beat()]).await?;
        let revision = |index: usize| items.get(index).and_then(Option::as_ref).map_or(0, |item: &Item| item.revision);
        let (lease, beat) = (revision(0), revision(1));
        let Some(item) = items.first().and_then(Option::as_ref) else { return self.take_lease(duty, Precondition::Absent, 1).await };
        match decode::<Lease>(&item.body)?.holder {
            Some(holder) if holder == self.leases.process => Ok(Some(self.leases.hold(duty, lease))),
            Some(_) if !self.leases.is_dead(duty, lease, beat) => Ok(None),
            Some(_) | None => self.take_lease(duty, Precondition::Revision(lease), lease.saturating_add(1)).await,
        }
    }

    async fn take_lease(&self, duty: Duty, precondition: Precondition, revision: u64) -> Result<Option<Fence>, Error> {
        let mut batch = Batch::new();
        batch.put(duty.lease(), encode(&Lease { holder: Some(self.leases.process) })?, precondition);
        batch.put(duty.beat(), encode(&Beat {})?, Precondition::Any);
        match self.commit_without_row(batch).await {
            Ok(()) => {
                tracing::info!(job = duty.as_str(), process = %self.leases.process, "this server does the job now");
                Ok(Some(self.leases.hold(duty, revision)))
            }
            Err(Error::LockTimeout) => self.lease_of_another_job(duty).await,
            Err(error) => Err(error),
        }
    }

    /// The lease that somebody else was faster to take, if that was a job of this process that goes by the same one.
    async fn lease_of_another_job(&self, duty: Duty) -> Result<Option<Fence>, Error> {
        let Some(item) = self.store.get_one(&duty.lease()).await? else { return Ok(None) };
        let is_held_here = decode::<Lease>(&item.body)?.holder == Some(self.leases.process);
        Ok(is_held_here.then(|| self.leases.hold(duty, item.revision)))
    }

    /// Shows that this process lives, to those who would take its leases otherwise. To be called every [`BEAT`].
    ///
    /// # Errors
    /// The store failed.
    pub async fn keep_leases(&self) -> Result<(), Error> {
        let held = self.leases.held.lock().clone();
        for (duty, revision) in held {
            let mut batch = Batch::new();
            batch.put(duty.beat(), encode(&Beat {})?, Precondition::Any);
            Fence(Some((duty, revision))).guard(&mut batch);
            match self.commit_without_row(batch).await {
                Ok(()) => {}
                Err(Error::LockTimeout) => self.lost_lease(duty, revision),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn lost_lease(&self, duty: Duty, revision: u64) {
        let mut held = self.leases.held.lock();
        if held.get(&duty) == Some(&revision) {
            held.remove(&duty);
            tracing::warn!(job = duty.as_str(), process = %self.leases.process, "another server has taken the job");
        }
    }

    /// Gives all leases back, so that others need not wait for them to run out. To be called when no job runs any more.
    ///
    /// # Errors
    /// The store failed.
    pub async fn release_leases(&self) -> Result<(), Error> {
        let held = std::mem::take(&mut *self.leases.held.lock());
        for (duty, revision) in held {
            let mut batch = Batch::new();
            batch.put(duty.lease(), encode(&Lease { holder: None })?, Precondition::Revision(revision));
            match self.commit_without_row(batch).await {
                Ok(()) | Err(Error::LockTimeout) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
