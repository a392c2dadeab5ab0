//! What is told of a run of the background jobs.

use std::time::{Duration, SystemTime};

use payments::jobs::due::Ran;
use serde::Serialize;

use super::Failure;
use super::event::Trigger;

/// What a run leaves of an invocation's time, for its end and its report.
const RESERVE: Duration = Duration::from_secs(5);
/// A run takes no longer, however much time an invocation has: another one comes.
const LONGEST: Duration = Duration::from_secs(50);

/// Until when a run may go on.
pub(super) fn time_until(deadline: SystemTime) -> Duration {
    let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
    left.saturating_sub(RESERVE).min(LONGEST)
}

/// The answer to whatever asked for the run. A queue and a stream read from it what to deliver again.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    batch_item_failures: Vec<Failed>,
    ran: Counts,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    item_identifier: String,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Counts {
    recovered: usize,
    waits_settled: usize,
    notices_heard: usize,
    lines_summed_up: usize,
    rows_sealed: usize,
    records_expired: usize,
    deliveries_begun: usize,
    /// `None` if another process recovers.
    left_open: Option<u64>,
    cut: bool,
}

/// Reports on a run.
///
/// # Errors
/// A job failed, and what asked for the run is told only so.
pub(super) fn report(trigger: Trigger, ran: &Ran) -> Result<Report, Failure> {
    let failed = ran.failed > 0;
    let batch_item_failures = match trigger {
        Trigger::Schedule if failed => return Err(format!("{} background jobs failed; the log says why", ran.failed).into()),
        Trigger::Batch(names) if failed => names.into_iter().map(|item_identifier| Failed { item_identifier }).collect(),
        Trigger::Schedule | Trigger::Batch(_) => Vec::new(),
    };
    let ran = Counts {
        recovered: ran.recovered,
        waits_settled: ran.waits_settled,
        notices_heard: ran.notices_heard,
        lines_summed_up: ran.lines_summed_up,
        rows_sealed: ran.rows_sealed,
        records_expired: ran.records_expired,
        deliveries_begun: ran.deliveries_begun,
        left_open: ran.left_open.map(|left| left.objects),
        cut: ran.cut,
    };
    Ok(Report { batch_item_failures, ran })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(trigger: Trigger, failed: usize) -> Option<serde_json::Value> {
        let ran = Ran { failed, recovered: 3, ..Ran::default() };
        report(trigger, &ran).ok().map(|report| serde_json::to_value(report).unwrap())
    }

    #[test]
    fn a_queue_is_told_which_messages_to_deliver_again_and_a_schedule_that_it_failed() {
        let batch = || Trigger::Batch(vec!["a".to_owned(), "b".to_owned()]);
        let done = told(batch(), 0).unwrap();
        assert_eq!(done["batchItemFailures"], json!([]));
        assert_eq!(done["ran"]["recovered"], json!(3));
        let failed = told(batch(), 1).unwrap();
        assert_eq!(failed["batchItemFailures"], json!([{"itemIdentifier": "a"}, {"itemIdentifier": "b"}]));
        assert!(told(Trigger::Schedule, 0).is_some());
        assert!(told(Trigger::Schedule, 1).is_none());
    }

    #[test]
    fn a_run_ends_before_its_invocation_does() {
        let in_a_minute = SystemTime::now() + Duration::from_secs(60);
        assert_eq!(time_until(in_a_minute), LONGEST);
        assert!(time_until(SystemTime::now() + Duration::from_secs(20)) <= Duration::from_secs(15));
        assert_eq!(time_until(SystemTime::UNIX_EPOCH), Duration::ZERO);
    }
}
