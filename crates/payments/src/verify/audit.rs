//! The audit trail: every segment of every chain is made again of its rows, and every object is what its rows say.
//!
//! Rows and objects are compared as sums of hashes, as the lists are: each version of an object that a row tells of is
//! either what the next row says was before it, or the object as it is. Only where sums differ are names looked for.

use std::collections::{BTreeMap, BTreeSet};

use domain::audit::chain::{Difference, End, Found, Head, MAX_ROWS, Segment};
use domain::audit::signing::PublicKey;
use domain::audit::walk::Walk;
use domain::audit::{AuditEntry, Change, Digest, Subject, SubjectKind};
use domain::id::{AuditEntryId, Ulid};
use domain::scope::{Mode, Scope};
use store::{Exported, Index, Key, Kind, List, Scan, Store};

use super::{AT_ONCE, Fingerprint, Report, each};
use crate::audit::segments::{self, found, parse};
use crate::error::Error;
use crate::records::decode;
use crate::writes::kind_of;

/// Objects are told apart by so many sums: where a few objects differ, few are held in memory to be named.
const SUMS: u16 = 4_096;
/// Sums whose objects are looked for in one go.
const SUMS_AT_ONCE: usize = 64;
/// Segments that are missing one after the other, after which no more are looked for.
const MISSING_MAX: u64 = 1_000;
/// Rows held at once that stand where a segment's rows should be: some more than a segment has.
const FOUND_MAX: usize = 2 * MAX_ROWS;

/// What the audit trail comes to.
#[derive(Debug, Default)]
pub struct Trail {
    /// Rows.
    pub rows: u64,
    /// Segments.
    pub segments: u64,
    /// Rows that no segment has yet.
    pub unsealed: u64,
    /// Segments that are signed.
    pub signed: u64,
    /// The keys that signed them.
    pub keys: BTreeSet<PublicKey>,
}

/// Verifies the audit trail of a store. If keys are named, only they may have signed it.
///
/// # Errors
/// The store cannot be read.
pub async fn verify(store: &dyn Store, keys: &[PublicKey], report: &mut Report) -> Result<Trail, Error> {
    let mut trail = Trail::default();
    let mut scopes = BTreeSet::from([Scope::PLATFORM]);
    each::<domain::account::Account>(store, |_, account| {
        scopes.extend([Mode::Test, Mode::Live].map(|mode| Scope { account: account.id, mode }));
    })
    .await?;
    let (mut there, mut sums) = (Fingerprint::default(), Sums::default());
    each_row(store, |scope, id, entry| {
        trail.rows = trail.rows.saturating_add(1);
        scopes.insert(scope);
        there.add(&(scope, id));
        match entry {
            Some(entry) => sums.row(&entry),
            None => report.differ(Difference::RowUnreadable(AuditEntryId::new(id)).to_string()),
        }
    })
    .await?;
    let mut listed = Fingerprint::default();
    for scope in scopes {
        let mut chain = Chain { store, scope, walk: Walk::new(scope, keys), at: Ulid::NIL, listed: &mut listed, trail: &mut trail, report };
        chain.verify().await?;
    }
    if there != listed {
        name_unlisted(store, report).await?;
    }
    each_object(store, |subject, version| sums.is(subject, version)).await?;
    name_objects(store, &sums.differing(), report).await?;
    Ok(trail)
}

/// Calls `visit` with every row there is, whosesoever; without what it says if that cannot be read.
async fn each_row(store: &dyn Store, mut visit: impl FnMut(Scope, Ulid, Option<AuditEntry>)) -> Result<(), Error> {
    each_exported(store, Kind::AuditEntry, |exported| {
        if let Key::Object(key) = &exported.key {
            visit(key.scope, key.id, decode(&exported.item.body).ok());
        }
    })
    .await
}

async fn each_exported(store: &dyn Store, kind: Kind, mut visit: impl FnMut(&Exported)) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = store.export(kind, after, AT_ONCE).await?;
        page.iter().for_each(&mut visit);
        match page.last() {
            Some(last) if page.len() == AT_ONCE => after = Some(last.cursor.clone()),
            _ => return Ok(()),
        }
    }
}

/// One scope's chain as it is gone along.
struct Chain<'a> {
    store: &'a dyn Store,
    scope: Scope,
    walk: Walk<'a>,
    /// Up to here the list of rows was read.
    at: Ulid,
    listed: &'a mut Fingerprint,
    trail: &'a mut Trail,
    report: &'a mut Report,
}

impl Chain<'_> {
    async fn verify(&mut self) -> Result<(), Error> {
        let kept = self.store.get_one(&segments::end_key(self.scope)).await?;
        let head: Option<Head> = kept.as_ref().and_then(|item| decode::<End>(&item.body).ok()).map(|end| end.head);
        let end = head.map_or(0, |head| head.number);
        let (mut number, mut missing) = (1_u64, 0_u64);
        loop {
            let item = segments::segment(self.store, self.scope, number).await?;
            match item.map(|item| parse(&item.body)) {
                Some(Some(segment)) => {
                    self.gap(number, &mut missing);
                    self.segment(&segment, number).await?;
                }
                Some(None) => {
                    self.gap(number, &mut missing);
                    self.differ(&Difference::SegmentAltered(number));
                    self.walk.skip();
                }
                None if number > end => break,
                None => {
                    missing = missing.saturating_add(1);
                    self.walk.skip();
                    if missing >= MISSING_MAX {
                        break;
                    }
                }
            }
            number = number.saturating_add(1);
        }
        self.gap(number, &mut missing);
        let as_it_is = match (head, self.walk.head()) {
            (Some(head), Some(last)) => head == *last,
            (None, Some(last)) => kept.is_none() && *last == Head::NONE,
            (_, None) => true,
        };
        if !as_it_is {
            self.differ(&Difference::HeadAltered);
        }
        self.rest(head.map_or(self.at, |head| head.last)).await
    }

    fn differ(&mut self, difference: &Difference) {
        self.report.differ(format!("{} {}: {difference}", self.scope.account, self.scope.mode));
    }

    /// Names the segments that were missing before this number.
    fn gap(&mut self, number: u64, missing: &mut u64) {
        if *missing > 0 {
            self.differ(&Difference::SegmentsMissing(number.saturating_sub(*missing), number.saturating_sub(1)));
            *missing = 0;
        }
    }

    async fn segment(&mut self, segment: &Segment, number: u64) -> Result<(), Error> {
        self.trail.segments = self.trail.segments.saturating_add(1);
        if let Some(signature) = &segment.signature {
            self.trail.signed = self.trail.signed.saturating_add(1);
            self.trail.keys.insert(signature.key);
        }
        if segment.number != number {
            self.differ(&Difference::SegmentAltered(number));
        }
        let found = self.rows_of(segment).await?;
        for difference in self.walk.step(segment, &found) {
            self.differ(&difference);
        }
        Ok(())
    }

    /// What stands where the rows of a segment should be: those listed there, and those that it names.
    async fn rows_of(&mut self, segment: &Segment) -> Result<Vec<Found>, Error> {
        let sealed: BTreeSet<Ulid> = segment.rows.as_slice().iter().map(domain::audit::chain::Mark::id).collect();
        let Some(last) = sealed.last().copied() else { return Ok(Vec::new()) };
        // Rows of segments that are missing lie before it, and are not added ones.
        let first = sealed.first().copied().filter(|_| self.walk.head().is_none());
        let mut ids = sealed.clone();
        while self.at < last {
            let page = self.page(last).await?;
            for id in page.iter().filter(|id| first.is_none_or(|first| **id >= first)) {
                if ids.len() < FOUND_MAX {
                    ids.insert(*id);
                } else if !sealed.contains(id) {
                    self.differ(&Difference::RowAdded(AuditEntryId::new(*id)));
                }
            }
            self.at = if page.len() < AT_ONCE { last } else { page.last().copied().unwrap_or(last) };
        }
        let ids: Vec<Ulid> = ids.into_iter().collect();
        let items = segments::rows(self.store, self.scope, &ids).await?;
        Ok(ids.iter().zip(items).map(|(id, item)| found(*id, item.as_ref().map(|item| item.body.as_slice()))).collect())
    }

    /// A page of listed rows after where the list was read, up to `last`.
    async fn page(&mut self, last: Ulid) -> Result<Vec<Ulid>, Error> {
        let list = List::all(self.scope, Index::AuditEntries);
        let older_than = last.bits().checked_add(1).map(Ulid::from_bits);
        let page = self.store.scan(Scan { newer_than: Some(self.at), older_than, ..Scan::oldest(list, AT_ONCE) }).await?;
        page.iter().for_each(|id| self.listed.add(&(self.scope, *id)));
        Ok(page)
    }

    /// Counts what is not sealed yet.
    async fn rest(&mut self, sealed: Ulid) -> Result<(), Error> {
        loop {
            let page = self.page(Ulid::MAX).await?;
            for id in &page {
                if *id > sealed {
                    self.trail.unsealed = self.trail.unsealed.saturating_add(1);
                } else if self.walk.head().is_some() {
                    self.differ(&Difference::RowAdded(AuditEntryId::new(*id)));
                }
            }
            match page.last() {
                Some(last) if page.len() == AT_ONCE => self.at = *last,
                _ => return Ok(()),
            }
        }
    }
}

/// Names rows that are there and in no list.
async fn name_unlisted(store: &dyn Store, report: &mut Report) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = store.export(Kind::AuditEntry, after, AT_ONCE).await?;
        for exported in &page {
            let Key::Object(key) = &exported.key else { continue };
            if !super::lists::has(store, List::all(key.scope, Index::AuditEntries), key.id).await? {
                report.differ(Difference::RowUnlisted(AuditEntryId::new(key.id)).to_string());
            }
        }
        match page.last() {
            Some(last) if page.len() == AT_ONCE => after = Some(last.cursor.clone()),
            _ => return Ok(()),
        }
    }
}

/// A version of an object: its revision, and the digest of its bytes.
type Version = (u64, Digest);

/// Calls `visit` with every object that the trail follows, as it is.
async fn each_object(store: &dyn Store, mut visit: impl FnMut(Subject, Version)) -> Result<(), Error> {
    for kind in SubjectKind::ALL {
        each_exported(store, kind_of(*kind), |exported| {
            if let Key::Object(key) = &exported.key {
                visit(kind.subject(key.id), (exported.item.revision, Digest::of(&exported.item.body)));
            }
        })
        .await?;
    }
    Ok(())
}

/// The versions that rows told objects to have, and those that rows found them to have or that they have now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Versions {
    told: Fingerprint,
    are: Fingerprint,
}

impl Versions {
    /// Takes in what a row says of an object.
    fn row(&mut self, change: &Change) {
        if let Some(after) = change.after {
            self.told.add(&(change.object, (change.revision, after)));
        }
        if let Some(before) = change.before {
            self.is(change.object, (change.revision.saturating_sub(1), before));
        }
    }

    fn is(&mut self, subject: Subject, version: Version) {
        self.are.add(&(subject, version));
    }

    fn agree(&self) -> bool {
        self.told == self.are
    }
}

/// The versions of all objects, in as many sums as there is room for.
struct Sums(Vec<Versions>);

impl Default for Sums {
    fn default() -> Self {
        Self(vec![Versions::default(); usize::from(SUMS)])
    }
}

fn sum_of(subject: Subject) -> usize {
    // The last bits of a name are random.
    usize::try_from(subject.ulid().bits() % u128::from(SUMS)).unwrap_or(0)
}

impl Sums {
    fn row(&mut self, entry: &AuditEntry) {
        for change in &entry.changes {
            if let Some(sum) = self.0.get_mut(sum_of(change.object)) {
                sum.row(change);
            }
        }
    }

    fn is(&mut self, subject: Subject, version: Version) {
        if let Some(sum) = self.0.get_mut(sum_of(subject)) {
            sum.is(subject, version);
        }
    }

    fn differing(&self) -> Vec<usize> {
        self.0.iter().enumerate().filter(|(_, versions)| !versions.agree()).map(|(sum, _)| sum).collect()
    }
}

/// Names the objects of these sums that are not what their rows say.
async fn name_objects(store: &dyn Store, differing: &[usize], report: &mut Report) -> Result<(), Error> {
    for part in differing.chunks(SUMS_AT_ONCE) {
        let mut objects: BTreeMap<Subject, Versions> = BTreeMap::new();
        each_row(store, |_, _, entry| {
            for change in entry.iter().flat_map(|entry| &entry.changes).filter(|change| part.contains(&sum_of(change.object))) {
                objects.entry(change.object).or_default().row(change);
            }
        })
        .await?;
        each_object(store, |subject, version| {
            if part.contains(&sum_of(subject)) {
                objects.entry(subject).or_default().is(subject, version);
            }
        })
        .await?;
        for (subject, _) in objects.iter().filter(|(_, versions)| !versions.agree()) {
            report.differ(Difference::ObjectDiffers(*subject).to_string());
        }
    }
    Ok(())
}
