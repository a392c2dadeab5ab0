//! How many endpoints were disabled without their shop asking for it: somebody should tell the shop.
//!
//! Of this process, since it began. Which they are is in the log and in the audit trail, and each endpoint says why.

use domain::webhook_endpoint::DisabledBecause;

use crate::platform::Platform;

/// How many endpoints this process disabled since it began, for those who watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Silenced {
    /// They answered that they are gone.
    pub gone: u64,
    /// They took nothing for days.
    pub failing: u64,
}

impl Silenced {
    pub(crate) const fn count(&mut self, because: DisabledBecause) {
        match because {
            DisabledBecause::Gone => self.gone = self.gone.saturating_add(1),
            DisabledBecause::Failing => self.failing = self.failing.saturating_add(1),
            DisabledBecause::Asked => {}
        }
    }
}

impl Platform {
    /// How many endpoints this process disabled without their shops asking for it.
    #[must_use]
    pub fn endpoints_silenced(&self) -> Silenced {
        *self.lanes.silenced.lock()
    }
}
