//! Waking those who wait for something to happen to a shop.
//!
//! - Who is to be woken takes a [`Listener`] first and looks into the store then: what lands in between wakes it at once, and so nothing is
//!   missed.
//! - It hears what commits in this process. On a store that others share it has to look again by itself.
//! - So many may wait ([`MAX_LISTENERS`]), and of one shop fewer, so that one shop does not keep the others from it.

use std::collections::HashMap;

use domain::scope::Scope;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::platform::Platform;

/// So many wait in a process: each holds a connection and some kilobytes.
pub const MAX_LISTENERS: usize = 256;
/// So many of one shop and mode: as many developers as may work with one at a time.
pub const MAX_LISTENERS_OF_ONE: usize = 32;

/// Those who wait.
#[derive(Default)]
pub(crate) struct News(Mutex<State>);

#[derive(Default)]
struct State {
    /// Nobody waits any more.
    ended: bool,
    listeners: usize,
    of: HashMap<Scope, watch::Sender<()>>,
}

/// Somebody who waits; leaves when it is dropped.
pub struct Listener<'a> {
    news: &'a News,
    scope: Scope,
    hears: watch::Receiver<()>,
}

impl News {
    /// An event of a shop has landed.
    pub(crate) fn tell(&self, scope: Scope) {
        if let Some(tells) = self.0.lock().of.get(&scope) {
            tells.send_replace(());
        }
    }

    fn listen(&self, scope: Scope) -> Option<Listener<'_>> {
        let mut state = self.0.lock();
        if state.ended || state.listeners >= MAX_LISTENERS {
            return None;
        }
        let tells = state.of.entry(scope).or_insert_with(|| watch::Sender::new(()));
        if tells.receiver_count() >= MAX_LISTENERS_OF_ONE {
            return None;
        }
        let hears = tells.subscribe();
        state.listeners = state.listeners.saturating_add(1);
        Some(Listener { news: self, scope, hears })
    }
}

impl Listener<'_> {
    /// Ends when an event of the shop lands that had not when this was taken or asked last, or when nobody is to wait any more.
    pub async fn heard(&mut self) {
        // Nobody is left to tell of anything: that is an end, too.
        let _ = self.hears.changed().await;
    }
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        let mut state = self.news.0.lock();
        state.listeners = state.listeners.saturating_sub(1);
        if state.of.get(&self.scope).is_some_and(|tells| tells.receiver_count() <= 1) {
            state.of.remove(&self.scope);
        }
    }
}

impl Platform {
    /// To be woken when an event of a shop lands; `None` if too many wait already, or nobody is to wait any more.
    #[must_use]
    pub fn listener(&self, scope: Scope) -> Option<Listener<'_>> {
        self.news.listen(scope)
    }

    /// Wakes all who wait, and lets nobody wait any more: the process is to end.
    pub fn stop_listening(&self) {
        let mut state = self.news.0.lock();
        state.ended = true;
        state.of.clear();
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{AccountId, Ulid};
    use domain::scope::Mode;
    use futures::FutureExt as _;

    use super::*;

    const fn shop(number: u128) -> Scope {
        Scope { account: AccountId::new(Ulid::from_bits(number)), mode: Mode::Test }
    }

    fn is_woken(listener: &mut Listener<'_>) -> bool {
        listener.heard().now_or_never().is_some()
    }

    #[test]
    fn who_listens_hears_of_its_shop_once_and_of_no_other() {
        let news = News::default();
        let mut listener = news.listen(shop(1)).unwrap();
        news.tell(shop(2));
        assert!(!is_woken(&mut listener));
        news.tell(shop(1));
        assert!(is_woken(&mut listener) && !is_woken(&mut listener));
    }

    #[test]
    fn so_many_may_wait_and_who_leaves_makes_room() {
        let news = News::default();
        let of_one: Vec<_> = (0..MAX_LISTENERS).filter_map(|_| news.listen(shop(1))).collect();
        assert_eq!(of_one.len(), MAX_LISTENERS_OF_ONE);
        drop(of_one);
        let mut all: Vec<_> = (0..2 * MAX_LISTENERS).filter_map(|number| news.listen(shop(number as u128))).collect();
        assert_eq!(all.len(), MAX_LISTENERS);
        all.pop();
        assert!(news.listen(shop(1)).is_some());
        drop(all);
        let left = news.0.lock();
        assert_eq!((left.listeners, left.of.len()), (0, 0), "nothing is left of them");
    }
}
