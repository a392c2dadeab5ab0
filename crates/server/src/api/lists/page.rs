//! One page of a list, or of several lists read as one, with filters.
//!
//! Identifiers carry the time they were made at, so a page's cursors and its `created` filter are both bounds of
//! what is read. Only filters that no list is kept for look into the objects, and look into a bounded number of them.

use domain::id::Ulid;
use domain::time::Timestamp;
use futures::future::BoxFuture;
use payments::idempotency::Answered;
use payments::outcome::Object;
use payments::ports::Answer;
use payments::records::{decode, key_of};
use store::{List, Order, Scan};

use super::{Call, Failure, Plain, Resource, expansions};
use crate::params::{ExpandParam, ParamError, RangeParam};

/// Objects in a page unless asked otherwise.
const DEFAULT_LIMIT: i64 = 10;
/// Objects in a page at most.
const MAX_LIMIT: usize = 100;
/// Objects read in one go while looking for those that pass a filter.
const READ_AT_ONCE: usize = 100;
/// Objects looked into for one page: about a second's work. Then the client is asked for narrower bounds.
const MAX_EXAMINED: usize = 50_000;
/// The same where more than the object is looked at.
const MAX_SIFTED: usize = 2_000;

/// What every list can be asked.
pub(in crate::api) struct Paging<'a> {
    pub(in crate::api) limit: Option<i64>,
    pub(in crate::api) starting_after: Option<&'a str>,
    pub(in crate::api) ending_before: Option<&'a str>,
    pub(in crate::api) created: Option<RangeParam>,
    pub(in crate::api) expand: &'a ExpandParam,
}

type Filter<T> = Box<dyn Fn(&T) -> bool + Send + Sync>;

/// Looks elsewhere which of some objects pass.
pub(super) type Sieve<T> = for<'a> fn(&'a Call<'a>, &'a [T]) -> BoxFuture<'a, Result<Vec<bool>, Failure>>;

/// What a page is read from.
pub(in crate::api) struct Source<T> {
    lists: Vec<List>,
    filters: Vec<Filter<T>>,
    sieve: Option<Sieve<T>>,
}

impl<T> Source<T> {
    /// One list.
    pub(in crate::api) fn of(list: List) -> Self {
        Self::merged(vec![list])
    }

    /// Several lists, none of which shares an entry with another; nothing, if there are none.
    pub(super) fn merged(lists: Vec<List>) -> Self {
        Self { lists, filters: Vec::new(), sieve: None }
    }

    /// Without the objects that do not pass.
    pub(super) fn only(mut self, filter: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        self.filters.push(Box::new(filter));
        self
    }

    /// Without the objects that are found not to pass.
    pub(super) const fn sifted(mut self, sieve: Sieve<T>) -> Self {
        self.sieve = Some(sieve);
        self
    }
}

/// What of a list remains to be read.
struct Window {
    newer_than: Option<Ulid>,
    older_than: Option<Ulid>,
    order: Order,
}

fn cursor<T: Resource>(text: Option<&str>, param: &str) -> Result<Option<Ulid>, Failure> {
    match text {
        Some(text) => T::parse(text).map(Some).ok_or_else(|| ParamError::invalid(param, "No such object.").into()),
        None => Ok(None),
    }
}

impl Window {
    fn of<T: Resource>(paging: &Paging<'_>) -> Result<Self, Failure> {
        let after = cursor::<T>(paging.starting_after, "starting_after")?;
        let before = cursor::<T>(paging.ending_before, "ending_before")?;
        let first = paging.created.and_then(|range| range.first).map(last_before);
        let last = paging.created.and_then(|range| range.last).map(|last| first_of(last.saturating_add(1)));
        Ok(Self {
            newer_than: before.into_iter().chain(first).max(),
            older_than: after.into_iter().chain(last).min(),
            order: if before.is_some() { Order::OldestFirst } else { Order::NewestFirst },
        })
    }

    /// The next entries of all lists together.
    async fn next(&mut self, call: &Call<'_>, lists: &[List], limit: usize) -> Result<Vec<Ulid>, Failure> {
        let mut ids = Vec::new();
        for list in lists {
            let scan = Scan { list: *list, newer_than: self.newer_than, older_than: self.older_than, order: self.order, limit };
            ids.extend(call.app.platform.store().scan(scan).await.map_err(payments::Error::from)?);
        }
        if lists.len() > 1 {
            ids.sort_unstable();
            if self.order == Order::NewestFirst {
                ids.reverse();
            }
            ids.truncate(limit);
        }
        match self.order {
            Order::NewestFirst => self.older_than = ids.last().copied().or(self.older_than),
            Order::OldestFirst => self.newer_than = ids.last().copied().or(self.newer_than),
        }
        Ok(ids)
    }
}

/// The smallest identifier of a second.
fn first_of(second: i64) -> Ulid {
    Ulid::first_at(Timestamp::from_seconds(second.max(0)))
}

/// The largest identifier before a second.
fn last_before(second: i64) -> Ulid {
    Ulid::from_bits(first_of(second).bits().saturating_sub(1))
}

/// How many objects a page is to have.
pub(in crate::api) fn limit(param: Option<i64>) -> Result<usize, Failure> {
    let limit = usize::try_from(param.unwrap_or(DEFAULT_LIMIT)).ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    Ok(limit.ok_or_else(|| ParamError::invalid("limit", "The limit must be from 1 to 100."))?)
}

/// Answers with a page.
pub(in crate::api) async fn answer<T: Plain>(call: &Call<'_>, source: Source<T>, paging: Paging<'_>) -> Result<Answered, Failure> {
    let (objects, has_more) = page(call, &source, &paging).await?;
    write(call, objects.into_iter().map(T::object).collect(), has_more, &paging).await
}

/// A page's objects, and whether there are more.
pub(super) async fn page<T: Resource>(call: &Call<'_>, source: &Source<T>, paging: &Paging<'_>) -> Result<(Vec<T>, bool), Failure> {
    let limit = limit(paging.limit)?;
    let window = Window::of::<T>(paging)?;
    let oldest_first = window.order == Order::OldestFirst;
    let all = source.filters.is_empty() && source.sieve.is_none();
    let (mut objects, has_more) = if all { read(call, source, window, limit).await? } else { search(call, source, window, limit).await? };
    if oldest_first {
        objects.reverse();
    }
    Ok((objects, has_more))
}

/// Answers with a page's objects.
pub(super) async fn write(call: &Call<'_>, objects: Vec<Object>, has_more: bool, paging: &Paging<'_>) -> Result<Answered, Failure> {
    let body = call.app.presenter.render_list(call.request.scope, objects, has_more, call.path, &expansions(paging.expand)).await?;
    Ok(Answered { answer: Answer { status: 200, body }, replayed: false })
}

/// A page of everything there is.
async fn read<T: Resource>(call: &Call<'_>, source: &Source<T>, mut window: Window, limit: usize) -> Result<(Vec<T>, bool), Failure> {
    let mut ids = window.next(call, &source.lists, limit.saturating_add(1)).await?;
    let has_more = ids.len() > limit;
    ids.truncate(limit);
    Ok((load(call, &ids).await?, has_more))
}

/// A page of what passes the filters.
async fn search<T: Resource>(call: &Call<'_>, source: &Source<T>, mut window: Window, limit: usize) -> Result<(Vec<T>, bool), Failure> {
    let mut found = Vec::new();
    let mut examined = 0_usize;
    while found.len() <= limit {
        if examined >= if source.sieve.is_some() { MAX_SIFTED } else { MAX_EXAMINED } {
            return Err(
                ParamError::invalid("created", "Too few objects pass these filters: bound `created`, or leave a filter out.").into()
            );
        }
        let ids = window.next(call, &source.lists, READ_AT_ONCE).await?;
        examined = examined.saturating_add(ids.len());
        let passes = |object: &T| source.filters.iter().all(|filter| filter(object));
        let passing: Vec<T> = load::<T>(call, &ids).await?.into_iter().filter(passes).collect();
        match source.sieve {
            Some(sieve) => {
                let passes = sieve(call, &passing).await?;
                found.extend(passing.into_iter().zip(passes).filter(|(_, passes)| *passes).map(|(object, _)| object));
            }
            None => found.extend(passing),
        }
        if ids.len() < READ_AT_ONCE {
            break;
        }
    }
    let has_more = found.len() > limit;
    found.truncate(limit);
    Ok((found, has_more))
}

async fn load<T: Resource>(call: &Call<'_>, ids: &[Ulid]) -> Result<Vec<T>, Failure> {
    let keys: Vec<_> = ids.iter().map(|id| key_of::<T>(call.request.scope, *id)).collect();
    let items = call.app.platform.store().get(&keys).await.map_err(payments::Error::from)?;
    let mut objects = Vec::with_capacity(items.len());
    for item in items.iter().flatten() {
        objects.push(decode(&item.body)?);
    }
    Ok(objects)
}
