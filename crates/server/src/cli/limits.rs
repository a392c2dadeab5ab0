//! How much clients may ask of `bursar serve`.

use std::num::{NonZeroU32, NonZeroUsize};

use bursar::limits::Rules;
use clap::Args;

#[derive(Args)]
pub(super) struct LimitArgs {
    /// Requests a second that one key may make, twice as many at once; 0 is no limit.
    #[arg(long, env = "BURSAR_RATE_LIMIT_KEY", value_name = "A_SECOND", default_value_t = 0)]
    rate_limit_key: u32,
    /// Requests a second that one account may make with all its keys, twice as many at once; 0 is no limit.
    #[arg(long, env = "BURSAR_RATE_LIMIT_ACCOUNT", value_name = "A_SECOND", default_value_t = 0)]
    rate_limit_account: u32,
    /// Wrong keys a minute that one address may try; 0 is no limit.
    #[arg(long, env = "BURSAR_RATE_LIMIT_FAILURES", value_name = "A_MINUTE", default_value_t = 60)]
    rate_limit_failures: u32,
    /// Requests under way at the same time, without those that wait for a provider; others are turned away. 0 is no limit.
    #[arg(long, env = "BURSAR_MAX_IN_FLIGHT", value_name = "REQUESTS", default_value_t = 2048)]
    max_in_flight: usize,
}

impl LimitArgs {
    pub(super) const fn rules(&self) -> Rules {
        Rules {
            per_key: NonZeroU32::new(self.rate_limit_key),
            per_account: NonZeroU32::new(self.rate_limit_account),
            failures: NonZeroU32::new(self.rate_limit_failures),
            in_flight: NonZeroUsize::new(self.max_in_flight),
        }
    }
}
