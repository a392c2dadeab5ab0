//! How much clients may ask of `bursar serve`.

use std::num::NonZeroU32;

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
}

impl LimitArgs {
    pub(super) const fn rules(&self) -> Rules {
        Rules {
            per_key: NonZeroU32::new(self.rate_limit_key),
            per_account: NonZeroU32::new(self.rate_limit_account),
            failures: NonZeroU32::new(self.rate_limit_failures),
        }
    }
}
