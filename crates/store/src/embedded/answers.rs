//! What the callers of a group are told once it is known what became of it.

use domain::scope::Scope;
use tokio::sync::oneshot;

use super::apply::Verdict;
use super::codec::ScopeNumber;
use super::queue::Answer;
use super::scopes::Scopes;
use crate::contract::CommitError;

/// A caller, and what it will be told if the group lands.
pub(super) enum Answered {
    /// A batch, and how its preconditions were judged.
    Batch(Answer, Verdict),
    /// A scope, and the number it was given.
    Scope(oneshot::Sender<Result<ScopeNumber, CommitError>>, Scope, ScopeNumber),
}

impl Answered {
    /// The group has landed.
    pub(super) fn landed(self, scopes: &Scopes) {
        match self {
            Self::Batch(answer, Verdict::Applied) => drop(answer.send(Ok(()))),
            Self::Batch(answer, Verdict::Failed { write }) => drop(answer.send(Err(CommitError::PreconditionFailed { write }))),
            Self::Scope(answer, scope, number) => {
                scopes.learn(scope, number);
                drop(answer.send(Ok(number)));
            }
        }
    }

    /// The group has not.
    pub(super) fn failed(self, error: CommitError) {
        match self {
            Self::Batch(answer, _) => drop(answer.send(Err(error))),
            Self::Scope(answer, ..) => drop(answer.send(Err(error))),
        }
    }
}
