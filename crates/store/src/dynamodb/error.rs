//! What AWS and the way to it say, sorted by what it means for what was asked.

use std::io;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::CancellationReason;

/// What an answer that is not the one hoped for means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nothing was done, and the same may be asked again: too much was asked at once, or others were in the way.
    Disturbed(String),
    /// Whether anything was done is not known: no answer came, or one that says nothing.
    Lost(String),
    /// Nothing was done, and nothing will be however often it is asked.
    Refused(String),
}

/// What is said when too much is asked at once.
const THROTTLED: [&str; 5] =
    ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "LimitExceededException", "Throttling"];
/// What is said of a write of a transaction when too much is asked at once, or another transaction is in the way.
const DISTURBED: [&str; 4] = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"];

/// The code for a write whose condition does not hold.
pub(super) const CONDITION: &str = "ConditionalCheckFailed";

/// What stands in the way of the first write that something stands in the way of.
pub(super) enum Obstacle {
    /// Its condition does not hold.
    Condition {
        /// Its position in the transaction.
        position: usize,
    },
    /// Something else.
    Other(Failure),
}

/// What canceled a transaction.
pub(super) fn obstacle(reasons: &[CancellationReason]) -> Obstacle {
    for (position, reason) in reasons.iter().enumerate() {
        match reason.code() {
            None | Some("None") => {}
            // What stands before it holds: its own condition is the first that does not.
            Some(CONDITION) => return Obstacle::Condition { position },
            Some(code) if DISTURBED.contains(&code) => return Obstacle::Other(Failure::Disturbed(code.to_owned())),
            Some(code) => {
                return Obstacle::Other(Failure::Refused(format!("{code} {}", reason.message().unwrap_or_default())));
            }
        }
    }
    Obstacle::Other(Failure::Lost("a transaction was canceled without a reason".to_owned()))
}

/// What an error means, whatever was asked. A transaction that was canceled is looked at by [`obstacle`] before.
pub(super) fn failure<E>(error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error {
        SdkError::ConstructionFailure(_) => Failure::Refused(text(error)),
        SdkError::DispatchFailure(_) if was_not_sent(error) => Failure::Refused(text(error)),
        SdkError::ServiceError(answer) => {
            let code = answer.err().code().unwrap_or_default();
            let said = format!("{code}: {}", answer.err().message().unwrap_or_default());
            if THROTTLED.contains(&code) {
                Failure::Disturbed(said)
            } else if answer.raw().status().is_server_error() || code == "TransactionInProgressException" || code.is_empty() {
                Failure::Lost(said)
            } else {
                Failure::Refused(said)
            }
        }
        _ => Failure::Lost(text(error)),
    }
}

/// Only a connection that was never made is refused.
fn was_not_sent(error: &(dyn std::error::Error + 'static)) -> bool {
    chain(error).any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::ConnectionRefused))
}

fn chain<'a>(error: &'a (dyn std::error::Error + 'static)) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// What an error and its causes say, each once.
pub(super) fn text(error: &(dyn std::error::Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    for cause in chain(error).map(ToString::to_string) {
        if !said.iter().any(|before| before.contains(&cause)) {
            said.push(cause);
        }
    }
    said.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(codes: &[&str]) -> Vec<CancellationReason> {
        codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect()
    }

    fn is_condition(codes: &[&str]) -> Option<usize> {
        match obstacle(&reasons(codes)) {
            Obstacle::Condition { position } => Some(position),
            Obstacle::Other(_) => None,
        }
    }

    #[test]
    fn the_first_condition_counts_if_nothing_before_it_is_undecided() {
        assert_eq!(is_condition(&["None", CONDITION, CONDITION]), Some(1));
        assert_eq!(is_condition(&["None", CONDITION, "TransactionConflict"]), Some(1));
        assert_eq!(is_condition(&["TransactionConflict", CONDITION]), None);
        assert_eq!(is_condition(&["None", "None"]), None);
    }

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        for code in DISTURBED {
            assert!(matches!(obstacle(&reasons(&["None", code])), Obstacle::Other(Failure::Disturbed(_))), "{code}");
        }
        assert!(matches!(obstacle(&reasons(&["ValidationError"])), Obstacle::Other(Failure::Refused(_))));
        assert!(matches!(obstacle(&[]), Obstacle::Other(Failure::Lost(_))));
    }
}
