//! What the bank decides: from a card's behaviour and the facts of a request, without looking at the books
//! (authorisations), or from what the books say of an authorisation (captures, voids, refunds). Pure.

use domain::decline::DeclineCode;
use domain::outcome::{Check, RefundFailure, ThreeDSecureResult};
use domain::payment_intent::ThreeDSecureRequest;

use super::behaviour::{Behaviour, Checks, Fault, FollowUpBehaviour, RefundBehaviour, Stage, ThreeDSecure};
use super::verdict::{Checked, Kind, Verdict};
use crate::connector::Initiator;

/// The facts an issuer decides an authorisation or card check on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) behaviour: Behaviour,
    /// A card check takes no money and cannot lack funds.
    pub(super) is_payment: bool,
    pub(super) amount_is_valid: bool,
    pub(super) card_is_expired: bool,
    pub(super) capture: bool,
    pub(super) initiator: Initiator,
    pub(super) three_d_secure: ThreeDSecureRequest,
    pub(super) saved: bool,
    pub(super) cvc_sent: bool,
    pub(super) line1_sent: bool,
    pub(super) postal_code_sent: bool,
}

/// A verdict now, and perhaps another one after the challenge or after some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    pub(super) then: Option<Then>,
    pub(super) fault: Option<Fault>,
}

/// What replaces the first verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// When the buyer has authenticated.
    AfterChallenge(Verdict),
    /// When some time has passed.
    Later(Verdict),
}

impl Decision {
    const fn now(verdict: Verdict) -> Self {
        Self { verdict, then: None, fault: None }
    }

    const fn later(verdict: Verdict, then: Verdict) -> Self {
        Self { verdict, then: Some(Then::Later(then)), fault: None }
    }
}

impl Facts {
    fn checked(&self) -> Checked {
        let (cvc, line1, postal) = match self.behaviour {
            Behaviour::Checks(Checks::AddressFails) => (Check::Pass, Check::Fail, Check::Fail),
            Behaviour::Checks(Checks::Line1Fails) => (Check::Pass, Check::Fail, Check::Pass),
            Behaviour::Checks(Checks::PostalCodeFails) => (Check::Pass, Check::Pass, Check::Fail),
            Behaviour::Checks(Checks::AddressUnavailable) => (Check::Pass, Check::Unavailable, Check::Unavailable),
            Behaviour::Checks(Checks::CvcFails) => (Check::Fail, Check::Pass, Check::Pass),
            Behaviour::Approve
            | Behaviour::Decline(_)
            | Behaviour::DeclineIfCvcSent
            | Behaviour::DeclineCharge(_)
            | Behaviour::ThreeDSecure(_)
            | Behaviour::Refund(_)
            | Behaviour::Fault { .. } => (Check::Pass, Check::Pass, Check::Pass),
        };
        Checked {
            cvc: self.cvc_sent.then_some(cvc),
            line1: self.line1_sent.then_some(line1),
            postal: self.postal_code_sent.then_some(postal),
        }
    }

    fn approved(&self, three_d_secure: Option<ThreeDSecureResult>) -> Verdict {
        Verdict::Approved { checked: self.checked(), three_d_secure, captured: self.capture && self.is_payment }
    }

    fn declined(&self, code: DeclineCode) -> Verdict {
        let cvc = match code {
            DeclineCode::IncorrectCvc | DeclineCode::InvalidCvc => Check::Fail,
            _ => Check::Pass,
        };
        Verdict::Declined { code, cvc: self.cvc_sent.then_some(cvc) }
    }

    /// What a card without an opinion on authentication reports when it is asked for.
    fn attempted(&self, result: ThreeDSecureResult) -> Option<ThreeDSecureResult> {
        match (self.three_d_secure, self.initiator) {
            (ThreeDSecureRequest::Any | ThreeDSecureRequest::Challenge, Initiator::Customer) => Some(result),
            (ThreeDSecureRequest::Automatic, _) | (_, Initiator::Merchant) => None,
        }
    }
}

/// Decides an authorisation or card check.
pub(super) fn authorization(facts: &Facts) -> Decision {
    if facts.is_payment && !facts.amount_is_valid {
        return Decision::now(facts.declined(DeclineCode::InvalidAmount));
    }
    if facts.card_is_expired {
        return Decision::now(facts.declined(DeclineCode::ExpiredCard));
    }
    let plain = || facts.approved(facts.attempted(ThreeDSecureResult::AttemptAcknowledged));
    match facts.behaviour {
        Behaviour::Decline(code) => Decision::now(facts.declined(code)),
        Behaviour::DeclineIfCvcSent if facts.cvc_sent => Decision::now(facts.declined(DeclineCode::IncorrectCvc)),
        Behaviour::DeclineCharge(code) if facts.is_payment => Decision::now(facts.declined(code)),
        Behaviour::ThreeDSecure(attitude) => three_d_secure(facts, attitude),
        Behaviour::Fault { stage: Stage::Authorize, fault } => Decision { fault: Some(fault), ..faulty(facts, fault, plain()) },
        Behaviour::Approve
        | Behaviour::Checks(_)
        | Behaviour::DeclineIfCvcSent
        | Behaviour::DeclineCharge(_)
        | Behaviour::Refund(_)
        | Behaviour::Fault { .. } => Decision::now(plain()),
    }
}

fn faulty(facts: &Facts, fault: Fault, plain: Verdict) -> Decision {
    match fault {
        Fault::SettlesApproved => Decision::later(Verdict::Processing, plain),
        Fault::SettlesDeclined => Decision::later(Verdict::Processing, facts.declined(DeclineCode::GenericDecline)),
        Fault::AnswersLate
        | Fault::TimesOutAfter
        | Fault::TimesOutBefore
        | Fault::ArrivesTwice
        | Fault::DropsAfter
        | Fault::ServerErrorAfter
        | Fault::ServerErrorBefore
        | Fault::Garbage => Decision::now(plain),
    }
}

fn three_d_secure(facts: &Facts, attitude: ThreeDSecure) -> Decision {
    let authenticated = || facts.approved(Some(ThreeDSecureResult::Authenticated));
    let challenge = |then| Decision { verdict: Verdict::Challenge, then: Some(Then::AfterChallenge(then)), fault: None };
    let decline = |code| Decision::now(facts.declined(code));
    let asked = !facts.three_d_secure.is_automatic();
    // The verdict on a card that asks for authentication, once it has it or (off session) does not need it.
    let (after, waived) = match attitude {
        ThreeDSecure::NotSupported => {
            return Decision::now(facts.approved(facts.attempted(ThreeDSecureResult::NotSupported)));
        }
        ThreeDSecure::Frictionless => return Decision::now(authenticated()),
        ThreeDSecure::LookupError => return decline(DeclineCode::GenericDecline),
        ThreeDSecure::Optional | ThreeDSecure::OptionalError if !asked || facts.initiator == Initiator::Merchant => {
            return Decision::now(facts.approved(None));
        }
        ThreeDSecure::OptionalError => return decline(DeclineCode::ProcessingError),
        ThreeDSecure::Optional | ThreeDSecure::UnlessSetUp => (authenticated(), facts.saved),
        ThreeDSecure::Always => (authenticated(), false),
        ThreeDSecure::AlreadySetUp => (authenticated(), true),
        ThreeDSecure::ThenInsufficientFunds if facts.is_payment => (facts.declined(DeclineCode::InsufficientFunds), facts.saved),
        ThreeDSecure::ThenInsufficientFunds => (authenticated(), facts.saved),
        ThreeDSecure::ThenDeclined => (facts.declined(DeclineCode::GenericDecline), facts.saved),
    };
    match facts.initiator {
        Initiator::Customer => challenge(after),
        Initiator::Merchant if !waived => decline(DeclineCode::AuthenticationRequired),
        Initiator::Merchant => Decision::now(match after {
            Verdict::Approved { .. } => facts.approved(None),
            refused => refused,
        }),
    }
}

/// What the books say of an authorisation: amounts in the minor unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) state: State,
    pub(super) authorized: i64,
    pub(super) captured: i64,
    pub(super) refunded: i64,
    pub(super) voided: bool,
    pub(super) follow_up: Option<FollowUpBehaviour>,
}

/// How far an authorisation got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Approved,
    Declined,
    Challenged,
    Processing,
}

/// Decides a capture, void or refund of `amount` (for a void: nothing).
pub(super) fn follow_up(kind: Kind, amount: i64, standing: &Standing) -> Decision {
    let fault = match (standing.follow_up, kind) {
        (Some(FollowUpBehaviour::Fault { stage: Stage::Capture, fault }), Kind::Capture)
        | (Some(FollowUpBehaviour::Fault { stage: Stage::Void, fault }), Kind::Void)
        | (Some(FollowUpBehaviour::Fault { stage: Stage::Refund, fault }), Kind::Refund) => Some(fault),
        _ => None,
    };
    let granted = match kind {
        Kind::Refund => refund(amount, standing),
        Kind::Capture => capture(amount, standing),
        Kind::Void => void(standing),
        Kind::Authorize | Kind::VerifyCard => Err(Verdict::Refused("not a follow-up".to_owned())),
    };
    let done = match granted {
        Ok(done) => done,
        Err(refused) => {
            return Decision { verdict: refused, then: None, fault };
        }
    };
    let refused = || match kind {
        Kind::Refund => Verdict::RefundFailed(RefundFailure::Declined),
        Kind::Capture | Kind::Void | Kind::Authorize | Kind::VerifyCard => Verdict::Refused("declined".to_owned()),
    };
    let decision = match (fault, standing.follow_up) {
        (Some(Fault::SettlesApproved), _) => Decision::later(Verdict::Processing, done),
        (Some(Fault::SettlesDeclined), _) => Decision::later(Verdict::Processing, refused()),
        (None, Some(FollowUpBehaviour::Refund(behaviour))) if kind == Kind::Refund => match behaviour {
            RefundBehaviour::PendingThenSucceeds => Decision::later(Verdict::RefundPending, done),
            RefundBehaviour::PendingThenFails => Decision::later(Verdict::RefundPending, Verdict::RefundFailed(RefundFailure::Unknown)),
            RefundBehaviour::SucceedsThenFails => Decision::later(done, Verdict::RefundFailed(RefundFailure::Unknown)),
            RefundBehaviour::Fails(reason) => Decision::now(Verdict::RefundFailed(reason)),
        },
        _ => Decision::now(done),
    };
    Decision { fault, ..decision }
}

fn refuse(reason: &str) -> Result<Verdict, Verdict> {
    Err(Verdict::Refused(reason.to_owned()))
}

fn capture(amount: i64, standing: &Standing) -> Result<Verdict, Verdict> {
    match standing.state {
        State::Approved if standing.voided => refuse("the authorization was voided"),
        State::Approved if standing.captured > 0 => refuse("the authorization was captured before"),
        State::Approved if amount <= 0 => refuse("the amount must be positive"),
        State::Approved if amount > standing.authorized => refuse("the amount exceeds the authorized amount"),
        State::Approved => Ok(Verdict::Done),
        State::Declined => refuse("the authorization was declined"),
        State::Challenged => refuse("the buyer has not authenticated"),
        State::Processing => refuse("the authorization is still being processed"),
    }
}

fn void(standing: &Standing) -> Result<Verdict, Verdict> {
    match standing.state {
        State::Approved if standing.voided => refuse("the authorization was voided before"),
        State::Approved if standing.captured > 0 => refuse("the authorization was captured"),
        State::Approved | State::Challenged => Ok(Verdict::Done),
        State::Declined => refuse("the authorization was declined"),
        State::Processing => refuse("the authorization is still being processed"),
    }
}

fn refund(amount: i64, standing: &Standing) -> Result<Verdict, Verdict> {
    let rest = standing.captured.checked_sub(standing.refunded).unwrap_or(0);
    if standing.state == State::Approved && amount > 0 && amount <= rest {
        Ok(Verdict::RefundSucceeded)
    } else {
        Err(Verdict::RefundFailed(RefundFailure::Declined))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDING: Standing =
        Standing { state: State::Approved, authorized: 100, captured: 0, refunded: 0, voided: false, follow_up: None };

    fn is_granted(kind: Kind, amount: i64, standing: Standing) -> bool {
        matches!(follow_up(kind, amount, &standing).verdict, Verdict::Done | Verdict::RefundSucceeded)
    }

    #[test]
    fn capture_beyond_authorized_is_refused() {
        assert!(is_granted(Kind::Capture, 100, STANDING));
        assert!(is_granted(Kind::Capture, 1, STANDING));
        assert!(!is_granted(Kind::Capture, 101, STANDING));
        assert!(!is_granted(Kind::Capture, 0, STANDING));
        assert!(!is_granted(Kind::Capture, -1, STANDING));
    }

    #[test]
    fn a_second_capture_is_refused() {
        assert!(!is_granted(Kind::Capture, 1, Standing { captured: 50, ..STANDING }));
    }

    #[test]
    fn refund_beyond_captured_is_refused() {
        let captured = Standing { captured: 60, refunded: 20, ..STANDING };
        assert!(is_granted(Kind::Refund, 40, captured));
        assert!(!is_granted(Kind::Refund, 41, captured));
        assert!(!is_granted(Kind::Refund, 0, captured));
        assert!(!is_granted(Kind::Refund, -1, captured));
        assert!(!is_granted(Kind::Refund, i64::MAX, captured));
        assert!(!is_granted(Kind::Refund, 1, STANDING));
    }

    #[test]
    fn nothing_follows_a_void() {
        let voided = Standing { voided: true, ..STANDING };
        assert!(is_granted(Kind::Void, 0, STANDING));
        assert!(!is_granted(Kind::Void, 0, voided));
        assert!(!is_granted(Kind::Capture, 1, voided));
    }

    #[test]
    fn what_was_captured_cannot_be_voided() {
        assert!(!is_granted(Kind::Void, 0, Standing { captured: 1, ..STANDING }));
    }

    #[test]
    fn only_an_approved_authorization_can_be_captured_or_refunded() {
        for state in [State::Declined, State::Challenged, State::Processing] {
            let standing = Standing { state, captured: 100, ..STANDING };
            assert!(!is_granted(Kind::Refund, 1, standing), "{state:?}");
            assert!(!is_granted(Kind::Capture, 1, Standing { captured: 0, ..standing }), "{state:?}");
            assert_eq!(is_granted(Kind::Void, 0, Standing { captured: 0, ..standing }), state == State::Challenged);
        }
    }
}
