//! Who was denied what: a row of the audit trail each, in the trail of whoever's credential it was, else in the platform's.
//!
//! Anybody can be denied something as often as they like, so rows are bounded: the same is told once in a while, and all together
//! so many times a minute. What is left out is in the log and the figures all the same.

use std::net::IpAddr;
use std::time::Duration;

use domain::audit::{Action, Actor, AuditEntry, Ending};
use domain::id::AuditEntryId;
use domain::scope::Scope;
use domain::time::Timestamp;
use moka::sync::Cache;
use parking_lot::Mutex;
use store::Batch;

use crate::error::Error;
use crate::platform::Platform;
use crate::writes::Writes;

/// For how long the same denial is not told again.
const TOLD_FOR: Duration = Duration::from_secs(60);
/// Denials remembered for that.
const MAX_TOLD: u64 = 10_000;
/// Rows a minute, of all denials of this process: some kilobytes.
const MAX_A_MINUTE: u32 = 120;
const MINUTE_MS: i64 = 60_000;

/// Somebody was denied something.
#[derive(Clone, Debug)]
pub struct Denial {
    /// Whose trail tells of it; the platform's, if nobody knows whose credential it was.
    pub scope: Scope,
    /// Who.
    pub actor: Actor,
    /// From where.
    pub from: Option<IpAddr>,
    /// The request.
    pub request: String,
    /// Why, as the answer's code says.
    pub code: &'static str,
    /// Method and path of the operation, as the API's description has them, if it got so far.
    pub operation: Option<String>,
}

/// What tells two denials apart.
type What = (Scope, Actor, Option<IpAddr>, &'static str, Option<String>);

/// Which were told.
pub(crate) struct Told {
    lately: Cache<What, ()>,
    minute: Mutex<(Timestamp, u32)>,
}

impl Default for Told {
    fn default() -> Self {
        let lately = Cache::builder().max_capacity(MAX_TOLD).time_to_live(TOLD_FOR).build();
        Self { lately, minute: Mutex::new((Timestamp::EPOCH, 0)) }
    }
}

impl Told {
    /// Whether it is to be told now.
    fn is_new(&self, denial: &Denial, now: Timestamp) -> bool {
        let what = (denial.scope, denial.actor.clone(), denial.from, denial.code, denial.operation.clone());
        if self.lately.contains_key(&what) {
            return false;
        }
        let mut minute = self.minute.lock();
        let (began, rows) = &mut *minute;
        if !(0..MINUTE_MS).contains(&now.millis_since(*began)) {
            (*began, *rows) = (now, 0);
        }
        if *rows >= MAX_A_MINUTE {
            return false;
        }
        *rows = rows.saturating_add(1);
        self.lately.insert(what, ());
        true
    }
}

impl Platform {
    /// Writes a denial down, unless it was lately.
    ///
    /// # Errors
    /// The store failed: the trail does not tell of it.
    pub async fn note_denial(&self, denial: &Denial) -> Result<(), Error> {
        if !self.denials.is_new(denial, self.now()) {
            return Ok(());
        }
        let batch = self.with_denial(denial, Batch::new()).await?;
        self.land(batch).await
    }

    /// Commits a batch that changes no object, and with it the denial, unless it was written down lately: one commit in any case.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn commit_denial(&self, denial: &Denial, batch: Batch) -> Result<(), Error> {
        let batch = if self.denials.is_new(denial, self.now()) { self.with_denial(denial, batch).await? } else { batch };
        self.land(batch).await
    }

    async fn with_denial(&self, denial: &Denial, batch: Batch) -> Result<Batch, Error> {
        self.learn_chain(denial.scope).await?;
        let row = AuditEntry {
            id: AuditEntryId::new(self.row_ids.next()),
            actor: denial.actor.clone(),
            from: denial.from,
            action: Action::AccessDeny,
            changes: Vec::new(),
            request: Some(denial.request.clone()),
            result: Ending::Refused(denial.code.to_owned()),
            note: denial.operation.clone(),
        };
        Writes::with_row(batch, denial.scope, &row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(from: u8) -> Denial {
        Denial {
            scope: Scope::PLATFORM,
            actor: Actor::Unknown,
            from: Some([192, 0, 2, from].into()),
            request: "req_1".to_owned(),
            code: "api_key_invalid",
            operation: None,
        }
    }

    #[test]
    fn the_same_is_told_once_in_a_while_and_another_at_once() {
        let (told, now) = (Told::default(), Timestamp::from_seconds(1_000));
        let again = Denial { request: "req_2".to_owned(), ..denial(1) };
        assert!(told.is_new(&denial(1), now) && !told.is_new(&again, now));
        let other = Denial { operation: Some("GET /v1/charges".to_owned()), ..denial(1) };
        assert!(told.is_new(&denial(2), now) && told.is_new(&other, now));
    }

    #[test]
    fn so_many_are_told_a_minute_and_no_more() {
        let told = Told::default();
        let count = |at| (0..=u8::MAX).filter(|from| told.is_new(&denial(*from), at)).count();
        assert_eq!(count(Timestamp::from_seconds(1_000)), usize::try_from(MAX_A_MINUTE).unwrap());
        assert_eq!(count(Timestamp::from_seconds(1_059)), 0);
        assert_eq!(count(Timestamp::from_seconds(1_060)), usize::try_from(MAX_A_MINUTE).unwrap());
    }
}
