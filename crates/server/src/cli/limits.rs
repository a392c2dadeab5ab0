//! How much clients may ask of `bursar serve`.

use std::num::{NonZeroU32, NonZeroUsize};

use bursar::limits::Rules;
use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

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
    /// Connections open at the same time; others wait. If left out 10000, or half of the files that the system allows. 0 is no limit.
    #[arg(long, env = "BURSAR_MAX_CONNECTIONS", value_name = "CONNECTIONS")]
    max_connections: Option<usize>,
}

/// Open connections of a machine that is not made for more: each takes some ten kilobytes when it is idle.
const USUAL_CONNECTIONS: usize = 10_000;
/// Of the files that may be open, as many are left to the store and to connections to providers.
const CONNECTIONS_SHARE: u64 = 2;

/// Lets this process open as many files as its administrator allows it to, and tells how many: by default it may open a thousand,
/// for the sake of programs that cannot deal with more.
fn most_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let allowed = if setrlimit(Resource::Nofile, raised).is_ok() { raised.current } else { limit.current };
    allowed.unwrap_or(u64::MAX)
}

impl LimitArgs {
    /// The rules; raises how many files may be open.
    pub(super) fn rules(&self) -> Rules {
        let of_files = usize::try_from(most_files() / CONNECTIONS_SHARE).unwrap_or(usize::MAX).clamp(1, USUAL_CONNECTIONS);
        Rules {
            per_key: NonZeroU32::new(self.rate_limit_key),
            per_account: NonZeroU32::new(self.rate_limit_account),
            failures: NonZeroU32::new(self.rate_limit_failures),
            in_flight: NonZeroUsize::new(self.max_in_flight),
            connections: NonZeroUsize::new(self.max_connections.unwrap_or(of_files)),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        limits: LimitArgs,
    }

    fn rules(line: &str) -> Rules {
        Line::parse_from(line.split(' ')).limits.rules()
    }

    #[test]
    fn by_default_no_shop_is_limited_and_a_guesser_a_crowd_and_connections_are() {
        let usual = rules("serve");
        assert_eq!((usual.per_key, usual.per_account), (None, None));
        assert_eq!((usual.failures.map(NonZeroU32::get), usual.in_flight.map(NonZeroUsize::get)), (Some(60), Some(2048)));
        let files = usize::try_from(most_files()).unwrap_or(usize::MAX);
        assert!(usual.connections.is_some_and(|most| most.get() <= USUAL_CONNECTIONS && most.get() < files));
    }

    #[test]
    fn zero_is_no_limit() {
        let all = "serve --rate-limit-key 0 --rate-limit-account 0 --rate-limit-failures 0 --max-in-flight 0 --max-connections 0";
        assert_eq!(rules(all), Rules::default());
    }

    #[test]
    fn each_option_sets_its_own_limit() {
        let given = rules("serve --rate-limit-key 1 --rate-limit-account 2 --rate-limit-failures 3 --max-in-flight 4 --max-connections 5");
        let [per_key, per_account, failures] = [1, 2, 3].map(NonZeroU32::new);
        let [in_flight, connections] = [4, 5].map(NonZeroUsize::new);
        assert_eq!(given, Rules { per_key, per_account, failures, in_flight, connections });
    }
}
