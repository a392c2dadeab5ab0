//! Too many requests at once are turned away, before those that are there take longer and longer.
//!
//! The rule is a bound on requests under way. Where they wait, they wait in line for what the machine can do: for a core, and for the
//! store's writer, which takes all that waits as one group. So the time a request takes is, under load, how many are under way
//! divided by how many a second the machine ends (Little's law); a bound on the one bounds the other, whatever is the bottleneck, and
//! needs no clock, no history and no tuning to a machine. It is far above what keeps a machine busy (a few hundred), since larger
//! groups make a commit cheaper, and a stall of the disk should fill it up for a moment and not turn clients away.
//!
//! - There is no queue in front of it: the writer's queue is one already, and what waits before it makes no group larger.
//! - It does not follow measured delays as CoDel does. Here the bottleneck works in groups, and a sync of a disk or a neighbour on
//!   the machine delays everything for a moment: that looks the same as too much load and is not, and a rule that follows it swings.
//! - Who waits for a provider uses nothing of this machine, and a provider that hangs must not keep anybody from looking payments
//!   up. So calls of providers that are under way are left out, up to [`SLACK`] times the bound, for they take memory after all. A call
//!   whose client has gone away is left out, too: that errs on the generous side, and within that bound.
//! - Who waits for a client that sends slowly is left out without a bound of its own ([`Place::aside`]): connections have one. So is who
//!   waits because its client asked for that ([`Place::wait`]), of whom there may be so many.
//!
//! Absent on purpose: classes of requests. A retrieval is a hundredth of the work, but a shop that may not pay learns nothing from
//! being able to list, and clients repeat both.

use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How many times the bound may be under way when most of it waits for providers: at the default some 200 MB.
const SLACK: usize = 4;
/// Between two lines of the log that tell of it: a line for each would be more work than the refusal.
const TELL_PAUSE: Duration = Duration::from_secs(10);

/// Counts requests under way.
pub(crate) struct Load {
    most: usize,
    under_way: AtomicUsize,
    at_providers: AtomicUsize,
    turned_away: AtomicU64,
    began: Instant,
    /// Milliseconds since `began` when the log may tell again.
    tell_from: AtomicU64,
}

/// A request's place among those under way, which it leaves when this is dropped.
pub(crate) struct Place {
    load: Option<Arc<Load>>,
    /// Microseconds that it waited because its client asked for it.
    waited: AtomicU64,
}

/// A call of a provider that is under way.
pub(crate) struct Call<'a>(&'a Load);

impl Load {
    pub(crate) fn new(most: NonZeroUsize) -> Self {
        Self {
            most: most.get(),
            under_way: AtomicUsize::new(0),
            at_providers: AtomicUsize::new(0),
            turned_away: AtomicU64::new(0),
            began: Instant::now(),
            tell_from: AtomicU64::new(0),
        }
    }

    /// A place, if there is one.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Place> {
        let others = self.under_way.fetch_add(1, Ordering::Relaxed);
        // From here on it is given back, whatever happens.
        let place = Place::of(Some(Arc::clone(self)));
        let working = others.saturating_sub(self.at_providers.load(Ordering::Relaxed));
        if working < self.most && others < self.most.saturating_mul(SLACK) {
            return Some(place);
        }
        self.tell();
        None
    }

    /// A provider is called.
    pub(crate) fn call(&self) -> Call<'_> {
        self.at_providers.fetch_add(1, Ordering::Relaxed);
        Call(self)
    }

    fn tell(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let due = self.tell_from.load(Ordering::Relaxed);
        let next = now.saturating_add(u64::try_from(TELL_PAUSE.as_millis()).unwrap_or(u64::MAX));
        if now >= due && self.tell_from.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            let requests = self.turned_away.swap(0, Ordering::Relaxed);
            tracing::warn!(requests, most = self.most, "too many requests are under way: some were turned away");
        }
    }
}

impl Place {
    /// One where nothing is counted.
    pub(crate) const fn uncounted() -> Self {
        Self::of(None)
    }

    const fn of(load: Option<Arc<Load>>) -> Self {
        Self { load, waited: AtomicU64::new(0) }
    }

    /// Waits for a client, which is no work. Whoever comes back is not turned away: something was begun.
    pub(crate) async fn aside<T>(&self, waiting: impl Future<Output = T> + Send) -> T {
        let _aside = self.load.as_deref().map(Aside::of);
        waiting.await
    }

    /// Waits because the client asked for it: that says nothing of how fast this server is.
    pub(crate) async fn wait<T>(&self, waiting: impl Future<Output = T> + Send) -> T {
        let began = Instant::now();
        let waited = self.aside(waiting).await;
        self.waited.fetch_add(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        waited
    }

    /// How long it waited so.
    pub(crate) fn waited(&self) -> Duration {
        Duration::from_micros(self.waited.load(Ordering::Relaxed))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(load) = &self.load {
            load.under_way.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.at_providers.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Aside<'a>(&'a Load);

impl<'a> Aside<'a> {
    fn of(load: &'a Load) -> Self {
        load.under_way.fetch_sub(1, Ordering::Relaxed);
        Self(load)
    }
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn load(most: usize) -> Arc<Load> {
        Arc::new(Load::new(NonZeroUsize::new(most).unwrap()))
    }

    fn enter_all(load: &Arc<Load>) -> Vec<Place> {
        std::iter::from_fn(|| load.enter()).take(1_000).collect()
    }

    #[test]
    fn as_many_as_there_are_places_get_in_and_one_that_leaves_makes_room() {
        let load = load(3);
        let mut places = enter_all(&load);
        assert_eq!(places.len(), 3);
        places.pop();
        assert_eq!(enter_all(&load).len(), 1);
        drop(places);
        // What was turned away holds no place.
        assert_eq!(load.under_way.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn who_waits_for_a_provider_makes_room_and_takes_memory() {
        let load = load(3);
        let mut places = enter_all(&load);
        let calls: Vec<Call<'_>> = (0..2).map(|_| load.call()).collect();
        places.extend(enter_all(&load));
        assert_eq!(places.len(), 5);
        drop(calls);
        assert!(load.enter().is_none());
        let _hanging: Vec<Call<'_>> = (0..100).map(|_| load.call()).collect();
        places.extend(enter_all(&load));
        assert_eq!(places.len(), 3 * SLACK);
    }

    #[test]
    fn calls_whose_clients_have_gone_make_no_more_room_than_there_is() {
        let load = load(3);
        let _calls: Vec<Call<'_>> = (0..100).map(|_| load.call()).collect();
        assert_eq!(enter_all(&load).len(), 3 * SLACK);
    }

    #[tokio::test]
    async fn who_waits_for_a_client_makes_room_and_comes_back() {
        let load = load(1);
        let place = load.enter().unwrap();
        let (send, sent) = tokio::sync::oneshot::channel::<()>();
        let mut waiting = Box::pin(place.aside(sent));
        assert!(waiting.as_mut().now_or_never().is_none());
        let other = load.enter().unwrap();
        send.send(()).unwrap();
        waiting.await.unwrap();
        assert_eq!(load.under_way.load(Ordering::Relaxed), 2);
        drop((place, other));
        assert_eq!(load.under_way.load(Ordering::Relaxed), 0);
        // One that goes away while it waits leaves as well.
        let place = load.enter().unwrap();
        assert!(place.aside(std::future::pending::<()>()).now_or_never().is_none());
        drop(place);
        assert_eq!(load.under_way.load(Ordering::Relaxed), 0);
    }
}
