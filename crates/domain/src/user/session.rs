//! Being logged in: kept by the server, shown by the browser as a random text of which only the hash is kept.

use serde::{Deserialize, Serialize};

use super::User;
use crate::id::UserId;
use crate::time::Timestamp;

/// Without a request for so long somebody is logged out (NIST SP 800-63B §4.2.3: half an hour where two factors are shown).
pub const IDLE_MS: i64 = 30 * 60_000;
/// After so long somebody is logged out whatever they do (the same: twelve hours).
pub const LONGEST_MS: i64 = 12 * 3_600_000;
/// For so long a code can follow a password: long enough to find a telephone.
const CODE_WITHIN_MS: i64 = 5 * 60_000;
/// A request is written down as the last one if the one before was so long ago: not every one costs a commit.
const NOTED_EVERY_MS: i64 = 60_000;

/// What was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The password of somebody who has a second factor: it opens nothing until the code follows.
    AwaitsCode,
    /// The password of somebody who has no second factor.
    Password,
    /// The password, and a code.
    SecondFactor,
}

/// Where a person is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Who.
    pub user: UserId,
    /// What was shown.
    pub proof: Proof,
    /// Which of the person's epochs it belongs to: another one ends it.
    pub epoch: u64,
    /// When it began.
    pub created_at: Timestamp,
    /// When the last request came, to the minute.
    pub last_seen_at: Timestamp,
}

impl Session {
    /// One that begins now. Of somebody who has a second factor a password alone opens nothing yet.
    #[must_use]
    pub const fn begin(user: &User, proof: Proof, now: Timestamp) -> Self {
        Self { user: user.id, proof, epoch: user.epoch, created_at: now, last_seen_at: now }
    }

    /// Whether it still stands for that person.
    #[must_use]
    pub fn is_good(&self, user: &User, now: Timestamp) -> bool {
        let longest = match self.proof {
            Proof::AwaitsCode => CODE_WITHIN_MS,
            Proof::Password | Proof::SecondFactor => LONGEST_MS,
        };
        self.user == user.id
            && self.epoch == user.epoch
            && user.is_active_anywhere()
            && now.millis_since(self.created_at) < longest
            && now.millis_since(self.last_seen_at) < IDLE_MS
    }

    /// Whether it is over for whoever it is.
    #[must_use]
    pub const fn is_over(&self, now: Timestamp) -> bool {
        now.millis_since(self.created_at) >= LONGEST_MS || now.millis_since(self.last_seen_at) >= IDLE_MS
    }

    /// With a request now, if that is worth writing down.
    #[must_use]
    pub fn seen(&self, now: Timestamp) -> Option<Self> {
        (now.millis_since(self.last_seen_at) >= NOTED_EVERY_MS).then(|| Self { last_seen_at: now, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::active;
    use super::*;
    use crate::user::Role;

    const BEGAN: Timestamp = Timestamp::from_seconds(1_000_000);

    fn after(minutes: i64) -> Timestamp {
        BEGAN.plus_millis(minutes * 60_000)
    }

    #[test]
    fn a_session_ends_when_nothing_comes_for_half_an_hour_and_after_half_a_day_in_any_case() {
        let user = active(Role::Support);
        for proof in [Proof::Password, Proof::SecondFactor] {
            let session = Session::begin(&user, proof, BEGAN);
            assert!(session.is_good(&user, after(29)) && !session.is_good(&user, after(30)));
            assert!(!session.is_over(after(29)) && session.is_over(after(30)));
            let used = Session { last_seen_at: after(719), ..session };
            assert!(used.is_good(&user, after(719)) && !used.is_good(&user, after(720)));
            assert!(!used.is_over(after(719)) && used.is_over(after(720)));
        }
    }

    #[test]
    fn a_code_must_follow_a_password_in_five_minutes() {
        let user = active(Role::Support);
        let session = Session::begin(&user, Proof::AwaitsCode, BEGAN);
        assert!(session.is_good(&user, after(4)) && !session.is_good(&user, after(5)));
    }

    #[test]
    fn a_session_ends_with_its_epoch_and_is_nobody_elses() {
        let user = active(Role::Support);
        let session = Session::begin(&user, Proof::Password, BEGAN);
        assert!(!session.is_good(&user.clone().logged_out(), BEGAN));
        assert!(!session.is_good(&User { id: UserId::new(crate::id::Ulid::MAX), ..user }, BEGAN));
    }

    #[test]
    fn a_request_is_written_down_once_a_minute() {
        let session = Session::begin(&active(Role::Support), Proof::Password, BEGAN);
        assert_eq!(session.seen(BEGAN.plus_millis(59_999)), None);
        assert_eq!(session.seen(after(1)).unwrap().last_seen_at, after(1));
    }
}
