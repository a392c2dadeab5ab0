//! Security codes: in memory only, from the request that brings one to the one authorisation or card check that uses it.
//!
//! PCI DSS 3.3.1 forbids to keep one after authorisation, sealed or not. A code waits under the token or method that it
//! came with; the operation that uses it takes it along, and leaves it under its own identifier only while the provider's
//! answer is unknown, because it may have to be sent again. Absent on purpose: any way to write one down.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use domain::card::Cvc;
use domain::id::Ulid;
use domain::outcome::AuthorizeOutcome;
use moka::sync::Cache;

/// Codes that wait; more than this many push out the oldest.
const MAX_CODES: u64 = 100_000;
/// How long a code waits for the payment that will use it, or for its provider's answer: a buyer is at the checkout.
const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// Security codes that were not used yet, or whose use has no known end. The room for them is made with the first: what a short
/// process costs otherwise, such as a function's or a simulated one, is mostly this.
#[derive(Default)]
pub(crate) struct SecurityCodes(OnceLock<Cache<Ulid, Arc<Cvc>>>);

impl SecurityCodes {
    /// Keeps a code, if there is one.
    pub(crate) fn keep(&self, under: Ulid, code: Option<&Arc<Cvc>>) {
        if let Some(code) = code {
            let room = || Cache::builder().max_capacity(MAX_CODES).time_to_live(LIFETIME).build();
            self.0.get_or_init(room).insert(under, Arc::clone(code));
        }
    }

    /// The code under that identifier. It stays: whoever uses it [forgets](Self::forget) it once the use is durable.
    pub(crate) fn look(&self, under: Ulid) -> Option<Arc<Cvc>> {
        self.0.get()?.get(&under)
    }

    /// Forgets a code.
    pub(crate) fn forget(&self, under: Ulid) {
        if let Some(codes) = self.0.get() {
            codes.invalidate(&under);
        }
    }

    /// An operation took a code along and came to that: the code is kept while the operation may have to be sent again.
    pub(crate) fn used(&self, operation: Ulid, code: Option<&Arc<Cvc>>, outcome: &AuthorizeOutcome) {
        match outcome {
            AuthorizeOutcome::Unknown(_) => self.keep(operation, code),
            AuthorizeOutcome::Approved(_) | AuthorizeOutcome::Declined(_) | AuthorizeOutcome::ActionRequired(_) => self.forget(operation),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.0.get().map_or(0, |codes| {
            codes.run_pending_tasks();
            codes.entry_count()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::card::Brand;
    use domain::decline::DeclineCode;
    use domain::outcome::{Challenge, Decline, UnknownReason};

    #[test]
    fn a_code_outlives_its_use_only_while_the_provider_has_not_answered() {
        let (codes, of) = (SecurityCodes::default(), Ulid::from_bits(1));
        let code = Arc::new(Cvc::parse("123", Brand::Visa).unwrap());
        let decline = Decline { code: DeclineCode::GenericDecline, provider_reference: None, network_decline_code: None, cvc_check: None };
        let challenge = Challenge { provider_reference: String::new(), redirect_url: String::new() };
        for known in [AuthorizeOutcome::Declined(decline), AuthorizeOutcome::ActionRequired(challenge)] {
            codes.used(of, Some(&code), &AuthorizeOutcome::Unknown(UnknownReason::Timeout));
            assert_eq!((codes.look(of).is_some(), codes.len()), (true, 1));
            codes.used(of, Some(&code), &known);
            assert_eq!((codes.look(of).is_some(), codes.len()), (false, 0));
        }
    }
}
