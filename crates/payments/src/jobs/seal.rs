//! Sealing the audit trail: rows that have settled are joined into the next segment of their scope's chain.
//!
//! Rows are sealed some time after they land, so that no commit has to wait for another one's hash. When a row's turn comes,
//! none before it may land any more. So a look writes down the newest row as the one up to which the next segment goes, and
//! only a settling time later that is sealed. Names of rows are made just before their commits and above what is written down
//! there, which every process reads again after a while: by then whoever did not know of it has landed its commit or never
//! will. No clock is asked; only that nobody stands still between reading and landing for longer than that.

use std::time::Duration;

use domain::audit::Digest;
use domain::audit::chain::{End, MAX_ROWS, Row, Segment};
use domain::id::Ulid;
use domain::scope::{Mode, Scope};
use store::{Batch, Index, List, Precondition, Scan};
use tokio::time::Instant;

use crate::audit::segments::{self, end_key, segment_key};
use crate::error::Error;
use crate::leases::{Duty, Fence};
use crate::platform::Platform;
use crate::records::{Loaded, encode};

/// So long after it was written down which rows are sealed next, they are. What a process knows of a chain's end it relies on
/// for less, with the commit after it: a store that is so slow answers that it is busy.
pub const SETTLING_TIME: Duration = Duration::from_secs(60);

/// What is about to be sealed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// The last row of it.
    upto: Ulid,
    /// Since when it is known here that this is written down.
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
        let before = segments::end(&*self.store, scope).await?;
        let end = before.as_ref().map_or(End::NONE, |loaded| loaded.value);
        let Some(newest) = self.store.scan(Scan::newest(list, 1)).await?.first().copied().filter(|newest| *newest > end.head.last) else {
            return Ok(0);
        };
        let upto = match end.closing.filter(|closing| *closing > end.head.last) {
            // Nobody else writes.
            _ if settling.is_zero() => newest,
            Some(closing) if self.has_settled(scope, closing, settling) => closing,
            Some(_) => return Ok(0),
            None => {
                self.write_end(scope, before.as_ref(), None, End { closing: Some(newest), ..end }, fence).await?;
                return Ok(0);
            }
        };
        let scan = Scan {
            newer_than: Some(end.head.last),
            older_than: upto.bits().checked_add(1).map(Ulid::from_bits),
            ..Scan::oldest(list, MAX_ROWS)
        };
        let ids = self.store.scan(scan).await?;
        let items = segments::rows(&*self.store, scope, &ids).await?;
        // A listed row that is gone is sealed as one that is missing, so that it is named as removed from then on.
        let digest = |item: Option<store::Item>| item.map_or(Digest::ZERO, |item| Digest::of(&item.body));
        let rows: Vec<Row> = ids.iter().zip(items).map(|(id, item)| Row { id: *id, digest: digest(item) }).collect();
        let segment = self.segment(scope, &end, &rows)?;
        let Some(head) = segment.as_ref().map_or(Some(end.head), Segment::head) else { return Ok(0) };
        // What is left of the rows that have settled is sealed in the next round; otherwise all rows of this look come next.
        let closing = Some(if rows.len() < MAX_ROWS { newest } else { upto }).filter(|closing| *closing > head.last);
        let written = self.write_end(scope, before.as_ref(), segment, End { head, closing }, fence).await?;
        Ok(if written { rows.len() } else { 0 })
    }

    /// Whether it has been known here for the settling time that rows up to `closing` are sealed next.
    fn has_settled(&self, scope: Scope, closing: Ulid, settling: Duration) -> bool {
        let mut marks = self.marks.lock();
        let mark = marks.entry(scope).or_insert(Mark { upto: closing, seen_at: Instant::now() });
        if mark.upto != closing {
            *mark = Mark { upto: closing, seen_at: Instant::now() };
        }
        mark.seen_at.elapsed() >= settling
    }

    /// The next segment, if there are rows for one.
    fn segment(&self, scope: Scope, end: &End, rows: &[Row]) -> Result<Option<Segment>, Error> {
        if rows.is_empty() {
            return Ok(None);
        }
        let mut segment = Segment::seal(scope, &end.head, rows, self.now());
        if let Some(key) = &self.audit_signing_key {
            segment.signature = Some(key.sign(&segment.hash).map_err(|e| Error::Internal(e.to_string()))?);
        }
        Ok(Some(segment))
    }

    /// Writes down where the chain ends from now on, with its new segment; whether nobody else has done so meanwhile.
    async fn write_end(
        &self,
        scope: Scope,
        before: Option<&Loaded<End>>,
        segment: Option<Segment>,
        after: End,
        fence: Fence,
    ) -> Result<bool, Error> {
        let precondition = before.map_or(Precondition::Absent, |loaded| Precondition::Revision(loaded.version.revision));
        let mut batch = Batch::new();
        if let Some(segment) = segment {
            batch.create(segment_key(scope, segment.number), encode(&segment)?);
        }
        batch.put(end_key(scope), encode(&after)?, precondition);
        fence.guard(&mut batch);
        // This process knows before anybody else does.
        self.row_ids.not_before(after.floor());
        match self.commit_without_row(batch).await {
            Ok(()) => {
                if let Some(upto) = after.closing {
                    self.marks.lock().insert(scope, Mark { upto, seen_at: Instant::now() });
                }
                Ok(true)
            }
            Err(Error::LockTimeout) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
