//! Sealing the audit trail: rows that have settled are joined into the next segment of their scope's chain.
//!
//! Rows are sealed some time after they land, so that no commit has to wait for another one's hash. When a row's turn comes,
//! none before it may land any more. Names of rows are made just before their commits, in order within a process, and above
//! all that it knows to be sealed. So a look marks the newest row, and what is up to the mark is sealed a settling time
//! later: by then every commit of this process whose row is older has landed or never will. For rows of other processes
//! the clocks decide: they must agree within the settling time.

use std::time::Duration;

use domain::audit::Digest;
use domain::audit::chain::{Head, MAX_ROWS, Row, Segment};
use domain::id::Ulid;
use domain::scope::{Mode, Scope};
use store::{Batch, Index, List, Precondition, Scan};
use tokio::time::Instant;

use crate::audit::segments::{self, head_key, segment_key};
use crate::error::Error;
use crate::leases::{Duty, Fence};
use crate::platform::Platform;
use crate::records::{Loaded, encode};

/// So long after a look all that was seen in it is sealed. No commit takes as long: a store that is so slow answers that it
/// is busy.
pub const SETTLING_TIME: Duration = Duration::from_secs(60);

/// What a look saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// The newest row.
    upto: Ulid,
    /// When.
    seen_at: Instant,
}

impl Platform {
    /// Seals up to a segment of rows of each scope; says how many rows. `settling` is [`SETTLING_TIME`].
    ///
    /// # Errors
    /// The store failed.
    pub async fn seal_audit(&self, settling: Duration) -> Result<usize, Error> {
        match self.lease(Duty::Sealing).await? {
            Some(fence) => self.seal_all(settling, fence).await,
            None => Ok(0),
        }
    }

    /// Seals up to a segment of rows of each scope that no commit can come before any more, whichever process does so
    /// otherwise; says how many rows. For when no other process writes.
    ///
    /// # Errors
    /// The store failed.
    pub async fn seal_audit_now(&self) -> Result<usize, Error> {
        self.seal_all(Duration::ZERO, Fence::default()).await
    }

    async fn seal_all(&self, settling: Duration, fence: Fence) -> Result<usize, Error> {
        let mut sealed = self.seal_scope(Scope::PLATFORM, settling, fence).await?;
        for account in self.all_accounts().await? {
            for mode in [Mode::Test, Mode::Live] {
                sealed += self.seal_scope(Scope { account: account.id, mode }, settling, fence).await?;
            }
        }
        Ok(sealed)
    }

    async fn seal_scope(&self, scope: Scope, settling: Duration, fence: Fence) -> Result<usize, Error> {
        let list = List::all(scope, Index::AuditEntries);
        let before = segments::head(&*self.store, scope).await?;
        let head = before.as_ref().map_or(Head::NONE, |loaded| loaded.value);
        self.row_ids.not_before(head.last);
        let Some(newest) = self.store.scan(Scan::newest(list, 1)).await?.first().copied().filter(|newest| *newest > head.last) else {
            return Ok(0);
        };
        let Some(upto) = self.settled(scope, &head, newest, settling) else { return Ok(0) };
        let scan = Scan {
            newer_than: Some(head.last),
            older_than: upto.bits().checked_add(1).map(Ulid::from_bits),
            ..Scan::oldest(list, MAX_ROWS)
        };
        let ids = self.store.scan(scan).await?;
        if ids.is_empty() {
            return Ok(0);
        }
        let items = segments::rows(&*self.store, scope, &ids).await?;
        // A listed row that is gone is sealed as one that is missing, so that it is named as removed from then on.
        let digest = |item: Option<store::Item>| item.map_or(Digest::ZERO, |item| Digest::of(&item.body));
        let rows: Vec<Row> = ids.iter().zip(items).map(|(id, item)| Row { id: *id, digest: digest(item) }).collect();
        self.add_segment(scope, before.as_ref(), &rows, fence).await
    }

    /// Up to which row everything has settled. Where no mark is pending, one is made of what is seen now.
    fn settled(&self, scope: Scope, head: &Head, newest: Ulid, settling: Duration) -> Option<Ulid> {
        let mut marks = self.marks.lock();
        let mark = marks.entry(scope).or_insert(Mark { upto: newest, seen_at: Instant::now() });
        if mark.upto <= head.last {
            *mark = Mark { upto: newest, seen_at: Instant::now() };
        }
        if mark.seen_at.elapsed() < settling {
            return None;
        }
        if settling.is_zero() {
            // Nobody else writes, so there is nothing that clocks would have to tell; and a row may be ahead of all of them,
            // named above one that was sealed by a clock that was wrong.
            return Some(mark.upto).filter(|upto| *upto > head.last);
        }
        let millis = i64::try_from(settling.as_millis()).unwrap_or(i64::MAX);
        let by_clock = Ulid::first_at(self.now().plus_millis(millis.saturating_neg()));
        Some(mark.upto.min(by_clock)).filter(|upto| *upto > head.last)
    }

    async fn add_segment(&self, scope: Scope, before: Option<&Loaded<Head>>, rows: &[Row], fence: Fence) -> Result<usize, Error> {
        let head = before.map_or(&Head::NONE, |loaded| &loaded.value);
        let mut segment = Segment::seal(scope, head, rows, self.now());
        if let Some(key) = &self.audit_signing_key {
            segment.signature = Some(key.sign(&segment.hash).map_err(|e| Error::Internal(e.to_string()))?);
        }
        let Some(after) = segment.head() else { return Ok(0) };
        let precondition = before.map_or(Precondition::Absent, |loaded| Precondition::Revision(loaded.version.revision));
        let mut batch = Batch::new();
        batch.create(segment_key(scope, segment.number), encode(&segment)?);
        batch.put(head_key(scope), encode(&after)?, precondition);
        fence.guard(&mut batch);
        match self.commit_without_row(batch).await {
            Ok(()) => {
                self.row_ids.not_before(after.last);
                Ok(rows.len())
            }
            // Another process sealed them.
            Err(Error::LockTimeout) => Ok(0),
            Err(error) => Err(error),
        }
    }
}
