//! What is being told at the moment, in a lane of its own for each endpoint.
//!
//! All of it is also in the store: what is lost of this with a process, or finds no room in it, is found there again.

use std::collections::{HashMap, HashSet, VecDeque};

use domain::id::{EventId, Ulid};
use domain::time::Timestamp;
use domain::webhook_delivery::Health;
use parking_lot::Mutex;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{Notify, Semaphore};

use super::Of;
use super::silenced::Silenced;
use super::sweep::Backlog;

/// Events on their way to one endpoint at the same time: an endpoint that takes a tenth of a second has 160 a second.
pub(crate) const PER_ENDPOINT: usize = 16;
/// On their way to all endpoints together: sockets of this process. Sixty-four endpoints that are as slow as they may be, and still
/// take what they are told, fill it; one that takes nothing has one of them now and then.
pub(crate) const ALL_ENDPOINTS: usize = 1_024;
/// Events that wait for their turn at one endpoint: a name each.
pub(crate) const MAX_WAITING: usize = 2_000;
/// A lane with fewer that wait is filled up from the store, if there is more.
const LOW: usize = MAX_WAITING / 2;
/// Lanes that are to begin and have not: each is one endpoint.
const MAX_BEGINNING: usize = 10_000;

/// Where an event in a lane comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This process made it, and nobody has tried it.
    Commit,
    /// It was found in the list, and nobody has tried it.
    Untried,
    /// It was found in the list, or is asked for again, and somebody may have tried it.
    Tried,
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    /// It is in the lane, and somebody more is to work there.
    Begin,
    /// It is in the lane.
    Waits,
    /// There is no room, or it is there already, or the endpoint is down.
    Refused,
}

/// How far the list of an endpoint was gone through.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Round {
    /// Up to here.
    pub(crate) after: Option<Ulid>,
    /// Not before then does the next one begin.
    pub(crate) not_before: Option<Timestamp>,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<(EventId, Origin)>,
    /// Those that wait and those on their way.
    taken: HashSet<EventId>,
    workers: usize,
    health: Health,
    /// When the endpoint took something again.
    back: Option<Timestamp>,
    round: Round,
    /// The last one that an endpoint which is down was tried with.
    probed: Option<Ulid>,
    /// Since when the endpoint listens, as far as this lane knows.
    listens_since: Option<Timestamp>,
    /// What it missed when it was new was entered.
    caught_up: bool,
    /// There is more in the list than there was room for.
    has_more: bool,
    /// What was found out about the endpoint before was read.
    learned: bool,
}

/// What the sweep wants to know of a lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance {
    pub(crate) room: usize,
    pub(crate) workers: usize,
    pub(crate) health: Health,
    pub(crate) back: Option<Timestamp>,
    pub(crate) round: Round,
    pub(crate) probed: Option<Ulid>,
    pub(crate) caught_up: bool,
}

/// All lanes.
pub(crate) struct Lanes {
    of: Mutex<HashMap<Of, Lane>>,
    beginning: Sender<Of>,
    /// The lanes in which somebody is to begin, for the one who sees to it.
    pub(crate) begun: tokio::sync::Mutex<Receiver<Of>>,
    /// Who may send.
    pub(crate) sending: Semaphore,
    /// A lane runs low and there is more for it.
    pub(crate) low: Notify,
    /// What the last sweep saw.
    pub(crate) backlog: Mutex<Option<Backlog>>,
    /// How many endpoints this process disabled.
    pub(crate) silenced: Mutex<Silenced>,
    /// When endpoints that are told nothing were looked at.
    silent: Mutex<Option<Timestamp>>,
}

impl Default for Lanes {
    fn default() -> Self {
        let (beginning, begun) = channel(MAX_BEGINNING);
        Self {
            of: Mutex::default(),
            beginning,
            begun: tokio::sync::Mutex::new(begun),
            sending: Semaphore::new(ALL_ENDPOINTS),
            low: Notify::new(),
            backlog: Mutex::default(),
            silenced: Mutex::default(),
            silent: Mutex::default(),
        }
    }
}

impl Lanes {
    /// Nobody works in any lane, and nothing waits: of those who did, some were cut off.
    pub(crate) fn empty(&self) {
        for lane in self.of.lock().values_mut() {
            lane.workers = 0;
            lane.waiting.clear();
            lane.taken.clear();
        }
    }

    /// Has somebody begin in a lane.
    pub(crate) fn begin(&self, of: Of) {
        if self.beginning.try_send(of).is_err() {
            self.leave(of);
        }
    }

    /// One who was to work in a lane does not.
    fn leave(&self, of: Of) {
        if let Some(lane) = self.of.lock().get_mut(&of) {
            lane.workers = lane.workers.saturating_sub(1);
            if lane.workers == 0 {
                lane.waiting.clear();
                lane.taken.clear();
            }
        }
    }

    /// Puts an event into a lane.
    pub(crate) fn offer(&self, of: Of, event: EventId, origin: Origin, now: Timestamp) -> Offered {
        let mut lanes = self.of.lock();
        let lane = lanes.entry(of).or_default();
        if let Some(at) = lane.health.next_probe_at() {
            // It is tried with what there is.
            return if at > now || lane.workers > 0 { Offered::Refused } else { lane.take(event, origin, 1) };
        }
        if lane.waiting.len() >= MAX_WAITING {
            lane.has_more = true;
            return Offered::Refused;
        }
        lane.take(event, origin, PER_ENDPOINT)
    }

    /// Puts the one event into a lane that an endpoint which is down is tried with.
    pub(crate) fn probe(&self, of: Of, event: EventId) -> Offered {
        let mut lanes = self.of.lock();
        let lane = lanes.entry(of).or_default();
        lane.probed = Some(event.ulid());
        if lane.workers > 0 { Offered::Refused } else { lane.take(event, Origin::Tried, 1) }
    }

    /// The next event for whoever works in a lane; `None` sends them away.
    pub(crate) fn next(&self, of: Of) -> Option<(EventId, Origin)> {
        let mut lanes = self.of.lock();
        let lane = lanes.get_mut(&of)?;
        if lane.has_more && lane.waiting.len() < LOW {
            lane.has_more = false;
            self.low.notify_one();
        }
        let next = lane.waiting.pop_front();
        if next.is_none() {
            lane.workers = lane.workers.saturating_sub(1);
        }
        next
    }

    /// An event is on its way no more.
    pub(crate) fn done(&self, of: Of, event: EventId) {
        if let Some(lane) = self.of.lock().get_mut(&of) {
            lane.taken.remove(&event);
        }
    }

    /// Whether what was found out about an endpoint before was read.
    pub(crate) fn has_learned(&self, of: Of) -> bool {
        self.of.lock().get(&of).is_some_and(|lane| lane.learned)
    }

    /// Takes over what an earlier process, or another one, found out about an endpoint; answers whether it is down.
    pub(crate) fn learn(&self, of: Of, stored: Health, now: Timestamp) -> bool {
        let mut lanes = self.of.lock();
        let lane = lanes.entry(of).or_default();
        lane.learned = true;
        if lane.health.failing.is_none() && lane.back.is_none() {
            lane.health = stored;
            if lane.health.next_probe_at().is_some_and(|at| at > now) {
                lane.drop_waiting();
                return true;
            }
        }
        false
    }

    /// The endpoint took an event. Answers whether it had been failing.
    pub(crate) fn took(&self, of: Of, now: Timestamp) -> bool {
        let mut lanes = self.of.lock();
        let Some(lane) = lanes.get_mut(&of) else { return false };
        let was_failing = lane.health.failing.is_some();
        if was_failing {
            // All that failed before is due at once.
            lane.back = Some(now);
            lane.round = Round::default();
            lane.health = Health::default();
            self.low.notify_one();
        }
        was_failing
    }

    /// The endpoint did not take an event. Answers what is known of it now.
    pub(crate) fn failed(&self, of: Of, now: Timestamp, jitter: u16) -> Health {
        let mut lanes = self.of.lock();
        let lane = lanes.entry(of).or_default();
        lane.health = lane.health.failed(now, jitter);
        if lane.health.next_probe_at().is_some() {
            lane.drop_waiting();
        }
        lane.health
    }

    /// What there is to know of the lane of an endpoint that listens since then.
    pub(crate) fn glance(&self, of: Of, listens_since: Timestamp) -> Glance {
        let mut lanes = self.of.lock();
        let lane = lanes.entry(of).or_default();
        if lane.listens_since.replace(listens_since).is_some_and(|before| before != listens_since) {
            // It was enabled again, or hears otherwise, maybe by another server: how it failed before says nothing of it now.
            (lane.health, lane.back, lane.caught_up, lane.round) = (Health::default(), None, false, Round::default());
        }
        Glance {
            room: MAX_WAITING.saturating_sub(lane.waiting.len()),
            workers: lane.workers,
            health: lane.health,
            back: lane.back,
            round: lane.round,
            probed: lane.probed,
            caught_up: lane.caught_up,
        }
    }

    /// Notes how far its list was gone through.
    pub(crate) fn went(&self, of: Of, round: Round, has_more: bool) {
        if let Some(lane) = self.of.lock().get_mut(&of) {
            lane.round = round;
            lane.has_more = has_more;
        }
    }

    /// Has its list gone through from the beginning, as soon as can be.
    pub(crate) fn look_again(&self, of: Of) {
        if let Some(lane) = self.of.lock().get_mut(&of) {
            lane.round = Round::default();
        }
    }

    /// Notes that what a new endpoint missed was entered.
    pub(crate) fn caught_up(&self, of: Of) {
        if let Some(lane) = self.of.lock().get_mut(&of) {
            lane.caught_up = true;
        }
    }

    /// Forgets an endpoint that is told nothing any more, or is told afresh.
    pub(crate) fn forget(&self, of: Of) {
        let mut lanes = self.of.lock();
        if let Some(lane) = lanes.get_mut(&of) {
            let workers = lane.workers;
            *lane = Lane { workers, ..Lane::default() };
        }
    }

    /// Whether it is time again to look at endpoints that are told nothing.
    pub(crate) fn looks_at_silent(&self, now: Timestamp, pause_ms: i64) -> bool {
        let mut last = self.silent.lock();
        let is_time = last.is_none_or(|last| !(0..pause_ms).contains(&now.millis_since(last)));
        if is_time {
            *last = Some(now);
        }
        is_time
    }
}

impl Lane {
    /// They are in the endpoint's list.
    fn drop_waiting(&mut self) {
        for (event, _) in std::mem::take(&mut self.waiting) {
            self.taken.remove(&event);
        }
    }

    fn take(&mut self, event: EventId, origin: Origin, workers: usize) -> Offered {
        if !self.taken.insert(event) {
            return Offered::Refused;
        }
        self.waiting.push_back((event, origin));
        if self.workers >= workers {
            return Offered::Waits;
        }
        self.workers = self.workers.saturating_add(1);
        Offered::Begin
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::WebhookEndpointId;
    use domain::scope::Scope;

    const OF: Of = (Scope::PLATFORM, WebhookEndpointId::new(Ulid::from_bits(1)));

    fn event(number: usize) -> EventId {
        EventId::new(Ulid::from_bits(u128::try_from(number).unwrap()))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn down() -> Lanes {
        let lanes = Lanes::default();
        (0..5).for_each(|_| {
            lanes.failed(OF, at(100), 20);
        });
        lanes
    }

    #[test]
    fn an_event_is_in_a_lane_once_and_so_many_work_there_at_most() {
        let lanes = Lanes::default();
        for number in 0..PER_ENDPOINT {
            assert_eq!(lanes.offer(OF, event(number), Origin::Commit, at(100)), Offered::Begin);
        }
        assert_eq!(lanes.offer(OF, event(PER_ENDPOINT), Origin::Commit, at(100)), Offered::Waits);
        assert_eq!(lanes.offer(OF, event(0), Origin::Untried, at(100)), Offered::Refused);
        assert_eq!(lanes.next(OF), Some((event(0), Origin::Commit)));
        assert_eq!(lanes.offer(OF, event(0), Origin::Untried, at(100)), Offered::Refused, "it is on its way");
        assert!(!lanes.took(OF, at(1)));
        assert_eq!(lanes.offer(OF, event(0), Origin::Untried, at(100)), Offered::Refused, "it is not noted yet");
        lanes.done(OF, event(0));
        assert_eq!(lanes.offer(OF, event(0), Origin::Untried, at(100)), Offered::Waits);
    }

    #[test]
    fn what_finds_no_room_is_asked_for_when_there_is_some() {
        let lanes = Lanes::default();
        (0..MAX_WAITING).for_each(|number| assert_ne!(lanes.offer(OF, event(number), Origin::Commit, at(100)), Offered::Refused));
        assert_eq!(lanes.offer(OF, event(MAX_WAITING), Origin::Commit, at(100)), Offered::Refused);
        let low = tokio_test(lanes.low.notified());
        assert!(!low);
        (0..=LOW + 1).for_each(|_| assert!(lanes.next(OF).is_some()));
        assert!(tokio_test(lanes.low.notified()));
    }

    /// Whether it is ready.
    fn tokio_test(future: impl Future) -> bool {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        std::pin::pin!(future).poll(&mut context).is_ready()
    }

    #[test]
    fn an_endpoint_that_is_down_is_tried_by_one_probe_at_a_time() {
        let lanes = down();
        assert_eq!(lanes.offer(OF, event(9), Origin::Commit, at(100)), Offered::Refused);
        assert_eq!(lanes.probe(OF, event(9)), Offered::Begin);
        assert_eq!(lanes.probe(OF, event(10)), Offered::Refused);
        let lanes = down();
        assert_eq!(lanes.offer(OF, event(9), Origin::Commit, at(105)), Offered::Begin, "its time has come");
        assert_eq!(lanes.offer(OF, event(10), Origin::Commit, at(105)), Offered::Refused);
    }

    #[test]
    fn what_waits_is_dropped_when_the_endpoint_is_down_and_offered_again_when_it_is_back() {
        let lanes = Lanes::default();
        (0..PER_ENDPOINT + 3).for_each(|number| assert_ne!(lanes.offer(OF, event(number), Origin::Commit, at(100)), Offered::Refused));
        for _ in 0..5 {
            assert!(lanes.next(OF).is_some());
            lanes.failed(OF, at(100), 20);
        }
        assert_eq!(lanes.next(OF), None);
        assert!(lanes.took(OF, at(200)));
        assert_eq!(lanes.glance(OF, at(0)).back, Some(at(200)));
        assert_ne!(lanes.offer(OF, event(8), Origin::Untried, at(100)), Offered::Refused);
    }

    #[test]
    fn what_was_known_before_counts_until_this_process_knows_better() {
        let stored = Health::default();
        let stored = (0..5).fold(stored, |health, _| health.failed(at(100), 20));
        let lanes = Lanes::default();
        assert_ne!(lanes.offer(OF, event(5), Origin::Commit, at(100)), Offered::Refused);
        assert!(lanes.learn(OF, stored, at(101)));
        assert_eq!(lanes.next(OF), None, "nothing waits where nothing is sent");
        assert_eq!(lanes.offer(OF, event(1), Origin::Commit, at(100)), Offered::Refused);
        assert!(lanes.took(OF, at(110)));
        assert!(!lanes.learn(OF, stored, at(111)), "that was before");
        assert_ne!(lanes.offer(OF, event(2), Origin::Commit, at(100)), Offered::Refused);
    }

    #[test]
    fn an_endpoint_that_listens_anew_is_tried_as_if_it_had_not_failed() {
        let lanes = down();
        assert!(lanes.glance(OF, at(1)).health.failing.is_some());
        lanes.caught_up(OF);
        assert!(lanes.glance(OF, at(1)).caught_up);
        let anew = lanes.glance(OF, at(2));
        assert!(anew.health.failing.is_none() && !anew.caught_up);
    }

    #[test]
    fn endpoints_that_are_told_nothing_are_looked_at_now_and_then() {
        let lanes = Lanes::default();
        assert!(lanes.looks_at_silent(at(100), 60_000));
        assert!(!lanes.looks_at_silent(at(159), 60_000));
        assert!(lanes.looks_at_silent(at(160), 60_000));
        assert!(lanes.looks_at_silent(at(10), 60_000), "the clock was set back");
    }
}
