//! Telling one endpoint of one event: tried until it takes it, with growing pauses, for three days.
//!
//! - [`WebhookDelivery`] is what is known of one event at one endpoint. Its pauses grow because the event may be what the endpoint
//!   stumbles over.
//! - [`Health`] is what is known of an endpoint. Once it takes nothing at all, event after event is not tried any more, only one
//!   now and then, so that an endpoint that is down costs little however much happens; and once it takes one, all others are due.
//!
//! Numbers: three days as Stripe has them; the first pause is short because most failures are restarts.

use serde::{Deserialize, Serialize};

use crate::event::EventKind;
use crate::id::{EventId, WebhookEndpointId};
use crate::time::Timestamp;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// An event is given up so long after it was first tried.
pub const GIVEN_UP_AFTER_MS: i64 = 3 * DAY_MS;
/// An endpoint that took nothing for so long is disabled.
pub const DISABLED_AFTER_MS: i64 = 3 * DAY_MS;
/// However long it took nothing, after fewer failures it is not: nobody has tried for long.
const DISABLED_AFTER_FAILURES: u32 = 20;
/// After so many failures in a row, an endpoint is taken to be down.
pub const DOWN_AFTER_FAILURES: u32 = 5;

/// Pauses before an event is tried again; the last one repeats.
const PAUSES_MS: [i64; 9] =
    [5 * SECOND_MS, 30 * SECOND_MS, 2 * MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS, 8 * HOUR_MS];
/// Pauses before an endpoint that is down is tried again; the last one repeats: it is what an endpoint that is back waits at most.
const PROBE_PAUSES_MS: [i64; 6] = [5 * SECOND_MS, 10 * SECOND_MS, 30 * SECOND_MS, MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS];
/// Each pause is longer or shorter by up to this part of it (in percent), so that what failed together is not tried together.
const JITTER_PERCENT: i64 = 20;

/// Attempts whose particulars are kept: the latest ones.
pub const MAX_LOG: usize = 20;
/// Characters of an endpoint's answer that are kept.
pub const MAX_HEAD: usize = 256;

/// Why an attempt had no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The address is none that may be reached.
    AddressNotAllowed,
    /// The name of the host has no address.
    NameNotFound,
    /// No connection could be made.
    ConnectionFailed,
    /// No secure connection could be made.
    TlsFailed,
    /// No answer came in time.
    TimedOut,
    /// The connection ended before the answer.
    NoAnswer,
}

impl Failure {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::AddressNotAllowed, Self::NameNotFound, Self::ConnectionFailed, Self::TlsFailed, Self::TimedOut, Self::NoAnswer];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AddressNotAllowed => "address_not_allowed",
            Self::NameNotFound => "name_not_found",
            Self::ConnectionFailed => "connection_failed",
            Self::TlsFailed => "tls_failed",
            Self::TimedOut => "timed_out",
            Self::NoAnswer => "no_answer",
        }
    }
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The endpoint answered.
    Answered {
        /// The HTTP status.
        status: u16,
        /// How the answer began.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        head: String,
    },
    /// It did not.
    Failed(Failure),
}

impl Told {
    /// Whether the endpoint took the event: any status of success says so.
    #[must_use]
    pub const fn is_taken(&self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }

    /// Whether the endpoint is gone for good.
    #[must_use]
    pub const fn is_gone(&self) -> bool {
        matches!(self, Self::Answered { status: 410, .. })
    }
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it was begun.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
    /// How it ended.
    pub told: Told,
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is tried, or will be.
    Pending,
    /// The endpoint took the event.
    Delivered,
    /// It is not tried any more.
    GivenUp,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::GivenUp];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }
}

/// What is known of telling one endpoint of one event. Of what was never tried, nothing is kept but that it is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookDelivery {
    /// Who is told.
    pub endpoint: WebhookEndpointId,
    /// Of what.
    pub event: EventId,
    /// What that is.
    pub kind: EventKind,
    /// How far it is.
    pub status: Status,
    /// When it was tried first, since it was last asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_at: Option<Timestamp>,
    /// When it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// Attempts since it was last asked for.
    pub attempts: u32,
    /// The latest attempts, oldest first.
    #[serde(default)]
    pub log: Vec<Attempt>,
}

impl WebhookDelivery {
    /// Of an event that was never tried.
    #[must_use]
    pub const fn new(endpoint: WebhookEndpointId, event: EventId, kind: EventKind) -> Self {
        Self { endpoint, event, kind, status: Status::Pending, begun_at: None, next_attempt_at: None, attempts: 0, log: Vec::new() }
    }

    /// To be tried again from the beginning, because somebody asked for it.
    #[must_use]
    pub fn again(self) -> Self {
        Self { log: self.log, ..Self::new(self.endpoint, self.event, self.kind) }
    }

    /// Whether it is to be tried now. What failed before the endpoint was `back` is tried without a further pause.
    #[must_use]
    pub fn is_due(&self, now: Timestamp, back: Option<Timestamp>) -> bool {
        let waits = self.next_attempt_at.is_some_and(|at| at > now);
        let failed_before = |back: Timestamp| self.log.last().is_none_or(|last| last.at < back);
        self.status == Status::Pending && (!waits || back.is_some_and(failed_before))
    }

    /// With one attempt more. `jitter` is any random number.
    #[must_use]
    pub fn after(mut self, attempt: Attempt, jitter: u16) -> Self {
        let ended_at = attempt.at.plus_millis(i64::from(attempt.took_ms));
        let begun_at = *self.begun_at.get_or_insert(attempt.at);
        let next = ended_at.plus_millis(jittered(pause(&PAUSES_MS, self.attempts), jitter));
        (self.status, self.next_attempt_at) = if attempt.told.is_taken() {
            (Status::Delivered, None)
        } else if attempt.told.is_gone() || next.millis_since(begun_at) > GIVEN_UP_AFTER_MS {
            (Status::GivenUp, None)
        } else {
            (Status::Pending, Some(next))
        };
        self.attempts = self.attempts.saturating_add(1);
        if self.log.len() >= MAX_LOG {
            self.log.remove(0);
        }
        self.log.push(attempt);
        self
    }
}

/// What is known of an endpoint that failed last; of one that took what it was told last, nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// Since when it takes nothing.
    pub since: Timestamp,
    /// How often it failed in that time.
    pub failures: u32,
    /// It is taken to be down, and not tried before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_probe_at: Option<Timestamp>,
}

/// Whether an endpoint takes what it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Since it last took something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<Failing>,
}

impl Health {
    /// When it is to be tried with one event, if it is down.
    #[must_use]
    pub const fn next_probe_at(self) -> Option<Timestamp> {
        match self.failing {
            Some(failing) => failing.next_probe_at,
            None => None,
        }
    }

    /// After a failure. `jitter` is any random number.
    #[must_use]
    pub fn failed(self, now: Timestamp, jitter: u16) -> Self {
        let before = self.failing.unwrap_or(Failing { since: now, failures: 0, next_probe_at: None });
        let failures = before.failures.saturating_add(1);
        let probe = failures.checked_sub(DOWN_AFTER_FAILURES).map(|probes| jittered(pause(&PROBE_PAUSES_MS, probes), jitter));
        // What was under way when it was found to be down tells nothing new.
        let waits = before.next_probe_at.filter(|at| *at > now);
        let (failures, next_probe_at) = match waits {
            Some(at) => (before.failures, Some(at)),
            None => (failures, probe.map(|pause| now.plus_millis(pause))),
        };
        Self { failing: Some(Failing { since: before.since, failures, next_probe_at }) }
    }

    /// Whether it is to be given up.
    #[must_use]
    pub fn is_hopeless(self, now: Timestamp) -> bool {
        self.failing
            .is_some_and(|failing| failing.failures >= DISABLED_AFTER_FAILURES && now.millis_since(failing.since) >= DISABLED_AFTER_MS)
    }
}

/// The pause after so many failures before this one.
fn pause(pauses: &[i64], failures: u32) -> i64 {
    let index = usize::try_from(failures).unwrap_or(usize::MAX);
    pauses.get(index).or_else(|| pauses.last()).copied().unwrap_or_default()
}

fn jittered(pause_ms: i64, jitter: u16) -> i64 {
    let spread = i64::from(jitter) % (2 * JITTER_PERCENT + 1) - JITTER_PERCENT;
    pause_ms.saturating_add(pause_ms.saturating_mul(spread) / 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Ulid;
    use proptest::prelude::*;

    /// No jitter.
    const MIDDLE: u16 = 20;

    fn fresh() -> WebhookDelivery {
        let (endpoint, event) = (WebhookEndpointId::new(Ulid::from_bits(1)), EventId::new(Ulid::from_bits(2)));
        WebhookDelivery::new(endpoint, event, EventKind::RefundCreated)
    }

    fn answered(at: Timestamp, status: u16) -> Attempt {
        Attempt { at, took_ms: 10, told: Told::Answered { status, head: String::new() } }
    }

    /// Tries a delivery at each moment that it is due until it ends; says when.
    fn try_for_ever(mut delivery: WebhookDelivery, jitter: u16) -> (WebhookDelivery, Timestamp) {
        let mut now = Timestamp::from_seconds(1_000);
        while delivery.status == Status::Pending {
            delivery = delivery.after(answered(now, 500), jitter);
            now = delivery.next_attempt_at.unwrap_or(now);
        }
        (delivery, now)
    }

    #[test]
    fn any_success_is_a_delivery_and_a_redirect_is_none() {
        let now = Timestamp::from_seconds(5);
        for status in [200, 204, 299] {
            let delivery = fresh().after(answered(now, status), MIDDLE);
            assert_eq!((delivery.status, delivery.next_attempt_at, delivery.attempts), (Status::Delivered, None, 1));
        }
        for status in [100, 199, 300, 302, 404, 500] {
            assert_eq!(fresh().after(answered(now, status), MIDDLE).status, Status::Pending, "{status}");
        }
        assert_eq!(fresh().after(answered(now, 410), MIDDLE).status, Status::GivenUp);
    }

    #[test]
    fn pauses_grow_and_end_after_three_days() {
        let first = fresh().after(answered(Timestamp::from_seconds(100), 500), MIDDLE);
        assert_eq!(first.next_attempt_at, Some(Timestamp::from_millis(105_010)));
        let second = first.after(answered(Timestamp::from_seconds(106), 500), MIDDLE);
        assert_eq!(second.next_attempt_at, Some(Timestamp::from_millis(136_010)));
        assert_eq!(second.begun_at, Some(Timestamp::from_seconds(100)));
        let (ended, last) = try_for_ever(fresh(), MIDDLE);
        assert_eq!((ended.status, ended.attempts, ended.next_attempt_at), (Status::GivenUp, 17, None));
        let days = last.millis_since(Timestamp::from_seconds(1_000));
        assert!((GIVEN_UP_AFTER_MS - 8 * HOUR_MS..=GIVEN_UP_AFTER_MS).contains(&days), "{days}");
    }

    #[test]
    fn a_delivery_is_due_when_its_pause_is_over_or_the_endpoint_is_back() {
        let at = Timestamp::from_seconds(100);
        let failed = fresh().after(answered(at, 500), MIDDLE);
        let next = failed.next_attempt_at.unwrap();
        assert!(fresh().is_due(at, None) && failed.is_due(next, None) && !failed.is_due(at.plus_millis(20), None));
        assert!(failed.is_due(at.plus_millis(20), Some(at.plus_millis(1))));
        assert!(!failed.is_due(at.plus_millis(20), Some(at)), "it failed after the endpoint was back");
        assert!(!fresh().after(answered(at, 200), MIDDLE).is_due(next, Some(next)));
    }

    #[test]
    fn what_is_asked_for_again_has_three_days_again_and_keeps_its_log() {
        let (ended, last) = try_for_ever(fresh(), MIDDLE);
        let again = ended.clone().again();
        assert!(again.is_due(last, None));
        assert_eq!((again.attempts, again.begun_at, &again.log), (0, None, &ended.log));
        assert_eq!(again.after(answered(last, 500), MIDDLE).status, Status::Pending);
    }

    #[test]
    fn the_log_holds_the_latest_attempts() {
        let mut delivery = fresh();
        for second in 0..30 {
            delivery = delivery.after(answered(Timestamp::from_seconds(second), 500), MIDDLE);
        }
        let seconds: Vec<i64> = delivery.log.iter().map(|attempt| attempt.at.seconds()).collect();
        assert_eq!((seconds, delivery.attempts), ((10..30).collect(), 30));
    }

    #[test]
    fn an_endpoint_is_down_after_five_failures_and_tried_ever_less_often() {
        let (mut health, mut now) = (Health::default(), Timestamp::from_seconds(0));
        for failure in 1..DOWN_AFTER_FAILURES {
            health = health.failed(now, MIDDLE);
            assert_eq!(health.next_probe_at(), None, "{failure}");
        }
        let mut pauses = Vec::new();
        for _ in 0..8 {
            health = health.failed(now, MIDDLE);
            let next = health.next_probe_at().unwrap();
            pauses.push(next.millis_since(now) / SECOND_MS);
            assert_eq!(health.failed(next.plus_millis(-1), MIDDLE), health, "what was under way adds nothing");
            now = next;
        }
        assert_eq!(pauses, [5, 10, 30, 60, 120, 300, 300, 300]);
    }

    #[test]
    fn an_endpoint_is_hopeless_after_three_days_of_failures_and_not_after_a_few() {
        let began = Timestamp::from_seconds(0);
        let later = began.plus_millis(DISABLED_AFTER_MS);
        let failing = |failures| Health { failing: Some(Failing { since: began, failures, next_probe_at: None }) };
        assert!(failing(20).is_hopeless(later));
        assert!(
            !failing(19).is_hopeless(later) && !failing(20).is_hopeless(later.plus_millis(-1)) && !Health::default().is_hopeless(later)
        );
        let health = Health::default().failed(began, MIDDLE).failed(later, MIDDLE);
        assert_eq!(health.failing.map(|failing| failing.since), Some(began));
    }

    #[test]
    fn the_words_that_are_stored_and_shown_are_the_same() {
        for failure in Failure::ALL {
            assert_eq!(serde_json::to_value(failure).unwrap(), failure.as_str());
        }
        for status in Status::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        let delivery = fresh().after(Attempt { told: Told::Failed(Failure::TimedOut), ..answered(Timestamp::from_seconds(1), 1) }, 3);
        let text = serde_json::to_string(&delivery).unwrap();
        assert_eq!(serde_json::from_str::<WebhookDelivery>(&text).unwrap(), delivery);
    }

    proptest! {
        #[test]
        fn a_pause_is_never_longer_or_shorter_than_by_a_fifth(jitter: u16) {
            let pause = jittered(10_000, jitter);
            prop_assert!((8_000..=12_000).contains(&pause), "{}", pause);
            let (ended, _) = try_for_ever(fresh(), jitter);
            prop_assert!(ended.attempts >= 10);
        }
    }
}
