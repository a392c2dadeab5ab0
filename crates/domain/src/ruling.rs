//! A person's word on an operation whose end its provider does not tell: what they saw with the provider decides as the
//! provider's answer would have.
//!
//! Only what is unknown is ruled on; a later answer that contradicts a ruling is kept as a conflict like any other. Absent
//! on purpose: who may rule, and where the ruling is written down (the audit trail).

use crate::card::{Brand, CardNumber};
use crate::decline::DeclineCode;
use crate::outcome::{Approval, AuthorizeOutcome, Decline, FollowUpOutcome, QueryOutcome, RefundFailure, RefundOutcome};
use crate::payment_attempt::OperationKind;

/// The longest evidence: a few sentences.
pub const MAX_EVIDENCE: usize = 500;
/// The longest card number there is.
const LONGEST_NUMBER: usize = 19;

/// How the operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The provider carried it out. An authorisation or refund has a name with the provider, by which it is followed up.
    Succeeded {
        /// The provider's own name for the transaction.
        provider_reference: Option<String>,
    },
    /// The provider did not and will not.
    Failed,
}

/// How an operation ended, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    end: End,
    evidence: String,
}

/// Why there can be no such ruling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Nothing says how it is known.
    #[error("say what shows how it ended")]
    NoEvidence,
    /// It is longer than [`MAX_EVIDENCE`] characters or holds control characters.
    #[error("it is longer than {MAX_EVIDENCE} characters, or has control characters")]
    Unreadable,
    /// A card's number is in it.
    #[error("it has a card number in it")]
    CardNumber,
    /// What was granted could not be followed up.
    #[error("an authorization or refund that went through has a reference with its provider")]
    NoReference,
}

impl Ruling {
    /// A ruling on that evidence.
    ///
    /// # Errors
    /// The evidence cannot be kept.
    pub fn new(end: End, evidence: &str) -> Result<Self, Invalid> {
        let evidence = evidence.trim();
        if evidence.is_empty() {
            return Err(Invalid::NoEvidence);
        }
        if evidence.chars().count() > MAX_EVIDENCE || evidence.chars().any(char::is_control) {
            return Err(Invalid::Unreadable);
        }
        if has_card_number(evidence) {
            return Err(Invalid::CardNumber);
        }
        Ok(Self { end, evidence: evidence.to_owned() })
    }

    /// How it is known.
    #[must_use]
    pub fn evidence(&self) -> &str {
        &self.evidence
    }

    /// The ruling as the provider would have said it of an operation of that kind; `captured` if an authorisation takes the
    /// money at once.
    ///
    /// # Errors
    /// The provider's reference is missing where it is needed.
    pub fn said(&self, kind: OperationKind, captured: bool) -> Result<QueryOutcome, Invalid> {
        let reference = || match &self.end {
            End::Succeeded { provider_reference } => provider_reference.clone().filter(|text| !text.is_empty()).ok_or(Invalid::NoReference),
            End::Failed => Err(Invalid::NoReference),
        };
        let succeeded = matches!(self.end, End::Succeeded { .. });
        Ok(match kind {
            OperationKind::Authorize | OperationKind::VerifyCard if succeeded => {
                let captured = captured && kind == OperationKind::Authorize;
                QueryOutcome::Authorize(AuthorizeOutcome::Approved(granted(reference()?, captured)))
            }
            OperationKind::Authorize | OperationKind::VerifyCard => QueryOutcome::Authorize(AuthorizeOutcome::Declined(refused())),
            OperationKind::Capture => QueryOutcome::Capture(self.followed_up()),
            OperationKind::Void | OperationKind::Abandon => QueryOutcome::Void(self.followed_up()),
            OperationKind::Refund if succeeded => QueryOutcome::Refund(RefundOutcome::Succeeded { provider_reference: reference()? }),
            OperationKind::Refund => QueryOutcome::Refund(RefundOutcome::Failed { reason: RefundFailure::Unknown }),
        })
    }

    fn followed_up(&self) -> FollowUpOutcome {
        match self.end {
            End::Succeeded { .. } => FollowUpOutcome::Done,
            End::Failed => FollowUpOutcome::Refused("ruled to have failed".to_owned()),
        }
    }
}

const fn granted(provider_reference: String, captured: bool) -> Approval {
    Approval {
        provider_reference,
        authorization_code: String::new(),
        network_transaction_id: String::new(),
        cvc_check: None,
        address_line1_check: None,
        postal_code_check: None,
        three_d_secure: None,
        captured,
    }
}

const fn refused() -> Decline {
    Decline::without_provider(DeclineCode::GenericDecline)
}

/// Whether groups of digits that stand together come to what can be a card's number of a brand that is known.
fn has_card_number(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit() && c != ' ' && c != '-').any(|run| {
        let groups: Vec<&str> = run.split([' ', '-']).filter(|group| !group.is_empty()).collect();
        (0..groups.len()).any(|first| {
            let mut numbers = groups.iter().skip(first).scan(String::new(), |number, group| {
                number.push_str(group);
                (number.len() <= LONGEST_NUMBER).then(|| number.clone())
            });
            numbers.any(|number| CardNumber::parse(&number).is_ok_and(|number| number.brand() != Brand::Unknown))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ruling(end: End) -> Ruling {
        Ruling::new(end, "seen in the provider's dashboard").unwrap()
    }

    fn succeeded(reference: Option<&str>) -> End {
        End::Succeeded { provider_reference: reference.map(str::to_owned) }
    }

    #[test]
    fn evidence_is_there_readable_and_without_a_card_number() {
        let table = [
            (" ", Err(Invalid::NoEvidence)),
            ("a\u{7}b", Err(Invalid::Unreadable)),
            ("card 4242 4242 4242 4242 was charged", Err(Invalid::CardNumber)),
            ("x4242424242424242x", Err(Invalid::CardNumber)),
            ("no 7 4242-4242-4242-4242 12/30", Err(Invalid::CardNumber)),
            (" ticket 4711, transaction 20261125-000123 ", Ok("ticket 4711, transaction 20261125-000123")),
        ];
        for (text, expected) in table {
            let found = Ruling::new(End::Failed, text);
            assert_eq!(found.as_ref().map(Ruling::evidence), expected.as_ref().copied(), "{text}");
        }
        assert_eq!(Ruling::new(End::Failed, &"x".repeat(MAX_EVIDENCE + 1)), Err(Invalid::Unreadable));
        assert!(Ruling::new(End::Failed, &"x".repeat(MAX_EVIDENCE)).is_ok());
    }

    #[test]
    fn a_ruling_is_what_the_provider_would_have_said_of_each_operation() {
        use OperationKind::{Abandon, Authorize, Capture, Refund, VerifyCard, Void};
        let (done, not_done) = (ruling(succeeded(Some("ref"))), ruling(End::Failed));
        let approved = |captured| QueryOutcome::Authorize(AuthorizeOutcome::Approved(granted("ref".to_owned(), captured)));
        assert_eq!(done.said(Authorize, true), Ok(approved(true)));
        assert_eq!(done.said(Authorize, false), Ok(approved(false)));
        assert_eq!(done.said(VerifyCard, true), Ok(approved(false)));
        assert_eq!(done.said(Capture, true), Ok(QueryOutcome::Capture(FollowUpOutcome::Done)));
        assert_eq!(done.said(Refund, false), Ok(QueryOutcome::Refund(RefundOutcome::Succeeded { provider_reference: "ref".to_owned() })));
        for kind in [Void, Abandon] {
            assert_eq!(done.said(kind, false), Ok(QueryOutcome::Void(FollowUpOutcome::Done)));
            assert!(matches!(not_done.said(kind, false), Ok(QueryOutcome::Void(FollowUpOutcome::Refused(_)))));
        }
        for kind in [Authorize, VerifyCard] {
            assert_eq!(not_done.said(kind, true), Ok(QueryOutcome::Authorize(AuthorizeOutcome::Declined(refused()))));
        }
        assert!(matches!(not_done.said(Capture, true), Ok(QueryOutcome::Capture(FollowUpOutcome::Refused(_)))));
        assert!(matches!(not_done.said(Refund, true), Ok(QueryOutcome::Refund(RefundOutcome::Failed { .. }))));
    }

    #[test]
    fn what_will_be_followed_up_needs_the_providers_reference() {
        for reference in [None, Some("")] {
            let ruling = ruling(succeeded(reference));
            for kind in [OperationKind::Authorize, OperationKind::VerifyCard, OperationKind::Refund] {
                assert_eq!(ruling.said(kind, true), Err(Invalid::NoReference), "{kind:?}");
            }
            for kind in [OperationKind::Capture, OperationKind::Void, OperationKind::Abandon] {
                assert!(ruling.said(kind, true).is_ok(), "{kind:?}");
            }
        }
    }
}
