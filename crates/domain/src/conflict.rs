//! Late answers that contradict what an attempt or refund had ended as: kept with it, never dropped, and put right.
//!
//! What the shop was told stays: a terminal status never changes. What the provider did beyond it is given up or given
//! back under a key of its own ([`Remedy`]), and until then stands in the books' suspense account. Absent on purpose:
//! how a contradiction is found and a remedy carried out; see [`flow`](crate::flow).

use serde::{Deserialize, Serialize};

use crate::money::Money;
use crate::payment_attempt::Operation;
use crate::provider_key::ProviderKey;
use crate::time::Timestamp;

/// In which way a late answer contradicts what was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contradiction {
    /// Declined or given up, and granted after all.
    ApprovedAfterEnd,
    /// Granted, and declined after all.
    DeclinedAfterApproval,
    /// Refused or overtaken by a void, and taken after all.
    CapturedAfterEnd,
    /// Taken, and refused after all.
    CaptureRefusedAfterCapture,
    /// Given up, and refused to be after all.
    VoidRefusedAfterVoid,
    /// Refused to be given up, and given up after all.
    VoidedAfterRefusal,
    /// Not given back, and given back after all.
    RefundedAfterFailure,
    /// Not given back, and accepted after all.
    RefundAcceptedAfterFailure,
}

impl Contradiction {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::ApprovedAfterEnd,
        Self::DeclinedAfterApproval,
        Self::CapturedAfterEnd,
        Self::CaptureRefusedAfterCapture,
        Self::VoidRefusedAfterVoid,
        Self::VoidedAfterRefusal,
        Self::RefundedAfterFailure,
        Self::RefundAcceptedAfterFailure,
    ];
}

/// What is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// The provider gives up what it holds.
    Void,
    /// The provider gives back what it took.
    Refund(Money),
    /// Nothing the provider could do puts it right: a person decides.
    Person,
}

/// How far the remedy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The provider is asked; its operation says how that stands.
    UnderWay,
    /// What the provider did beyond what was told is undone.
    Remedied,
    /// A person must decide: the provider refused the remedy, or there is none.
    NeedsPerson,
}

/// Every legal change of status. A provider can change its mind about a remedy too.
pub const EDGES: &[(Status, Status)] =
    &[(Status::UnderWay, Status::Remedied), (Status::UnderWay, Status::NeedsPerson), (Status::Remedied, Status::NeedsPerson)];

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::UnderWay, Self::Remedied, Self::NeedsPerson];

    /// Whether the change is declared.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        EDGES.contains(&(self, next))
    }
}

/// A late answer that contradicts what was known, and what is done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The operation whose answer it was.
    pub key: ProviderKey,
    /// In which way.
    pub contradiction: Contradiction,
    /// What is done about it.
    pub remedy: Remedy,
    /// How far that is.
    pub status: Status,
    /// What the provider is asked, while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// The provider's own name for the transaction, if it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_reference: Option<String>,
    /// When it was heard.
    pub heard_at: Timestamp,
}

impl Conflict {
    /// Changes the status along a declared edge; says whether there is one.
    pub(crate) fn become_(&mut self, to: Status) -> bool {
        if !self.status.may_become(to) {
            return false;
        }
        self.status = to;
        self.operation = None;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_must_decide_changes_no_more_by_itself() {
        for to in Status::ALL {
            assert!(!Status::NeedsPerson.may_become(to));
        }
    }
}
