//! A request's way through the bank: from the connector's request to a row in the books, and back to an outcome
//! and the manner in which it is delivered. In process and over HTTP this is the same; only the delivery differs.

use domain::outcome::{AuthorizeOutcome, FollowUpOutcome, QueryOutcome, RefundFailure, RefundOutcome};
use domain::payment_intent::ThreeDSecureRequest;
use domain::provider_key::ProviderKey;

use super::Simulator;
use super::behaviour::Fault;
use super::books::{self, NewAuthorization, NewFollowUp, Recorded};
use super::decide::{self, Facts};
use super::test_cards::behaviour_of;
use super::verdict::{Kind, Verdict};
use super::worker::BooksUnavailable;
use crate::connector::{Authorize, Capture, CardForProvider, Initiator, Notice, Refund, VerifyCard, Void};

/// How an outcome reaches the caller, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Prompt,
    Late,
    Never,
    Dropped,
    ServerError,
    Garbage,
}

/// An outcome and its manner of delivery.
#[derive(Clone, Debug)]
pub(super) struct Answer<T> {
    pub(super) outcome: T,
    pub(super) manner: Manner,
}

/// The bank did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the key was used for an operation with other parameters")]
    KeyReused,
    #[error(transparent)]
    Books(#[from] BooksUnavailable),
}

impl From<Option<Fault>> for Manner {
    fn from(fault: Option<Fault>) -> Self {
        match fault {
            Some(Fault::AnswersLate) => Self::Late,
            Some(Fault::TimesOutAfter | Fault::TimesOutBefore) => Self::Never,
            Some(Fault::DropsAfter) => Self::Dropped,
            Some(Fault::ServerErrorAfter | Fault::ServerErrorBefore) => Self::ServerError,
            Some(Fault::Garbage) => Self::Garbage,
            Some(Fault::ArrivesTwice | Fault::SettlesApproved | Fault::SettlesDeclined) | None => Self::Prompt,
        }
    }
}

/// What an authorisation and a card check have in common.
struct Request {
    key: ProviderKey,
    kind: Kind,
    amount: Option<domain::money::Money>,
    card: CardForProvider,
    capture: bool,
    initiator: Initiator,
    three_d_secure: ThreeDSecureRequest,
    saved: bool,
    return_to: String,
    merchant: Option<String>,
}

impl Simulator {
    pub(super) async fn take_authorize(&self, request: Authorize) -> Result<Answer<AuthorizeOutcome>, Refusal> {
        self.take(Request {
            key: request.key,
            kind: Kind::Authorize,
            amount: Some(request.amount),
            card: request.card,
            capture: request.capture,
            initiator: request.initiator,
            three_d_secure: request.three_d_secure,
            saved: request.saved,
            return_to: request.return_to,
            merchant: request.statement_descriptor,
        })
        .await
    }

    pub(super) async fn take_verify_card(&self, request: VerifyCard) -> Result<Answer<AuthorizeOutcome>, Refusal> {
        self.take(Request {
            key: request.key,
            kind: Kind::VerifyCard,
            amount: None,
            card: request.card,
            capture: false,
            initiator: request.initiator,
            three_d_secure: request.three_d_secure,
            saved: false,
            return_to: request.return_to,
            merchant: None,
        })
        .await
    }

    async fn take(&self, request: Request) -> Result<Answer<AuthorizeOutcome>, Refusal> {
        let new = self.decided(&request);
        let key = request.key;
        // Wiped before the wait: the books get no card number and no security code.
        drop(request.card);
        let again = matches!(new.decision.fault, Some(Fault::ArrivesTwice)).then(|| new.clone());
        let recorded = self.writer.run(move |books| books::authorize(books, &new)).await?;
        let recorded = match again {
            Some(new) => self.writer.run(move |books| books::authorize(books, &new)).await?,
            None => recorded,
        };
        let (verdict, manner) = delivered(recorded)?;
        let outcome = verdict.authorize_outcome(self.secret.names(&key), || self.challenge_url(&key));
        Ok(Answer { outcome, manner })
    }

    fn decided(&self, request: &Request) -> NewAuthorization {
        let now = self.now();
        let card = &request.card;
        let behaviour = behaviour_of(&card.number);
        let decision = decide::authorization(&Facts {
            behaviour,
            is_payment: request.kind == Kind::Authorize,
            amount_is_valid: request.amount.is_none_or(domain::money::Money::is_positive),
            card_is_expired: card.expiry.is_past(now),
            capture: request.capture,
            initiator: request.initiator,
            three_d_secure: request.three_d_secure,
            saved: request.saved,
            cvc_sent: card.cvc.is_some(),
            line1_sent: card.address_line1.is_some(),
            postal_code_sent: card.postal_code.is_some(),
        });
        let (minor, currency) = request.amount.map_or((0, ""), |amount| (amount.minor(), amount.currency().code()));
        let initiator: &[u8] = match request.initiator {
            Initiator::Customer => b"customer",
            Initiator::Merchant => b"merchant",
        };
        let fingerprint = self.secret.parameters(&[
            &request.kind.number().to_be_bytes(),
            &minor.to_be_bytes(),
            currency.as_bytes(),
            card.number.reveal().as_bytes(),
            &card.expiry.year().to_be_bytes(),
            &[card.expiry.month(), u8::from(request.capture)],
            initiator,
        ]);
        let is_challenge = decision.verdict == Verdict::Challenge;
        NewAuthorization {
            key: request.key.clone(),
            kind: request.kind,
            amount: request.amount,
            fingerprint,
            decision,
            follow_up: behaviour.follow_up(),
            last4: card.number.last4().to_owned(),
            card: self.secret.card(card.number.reveal()),
            now,
            settles_at: self.settles_at(now),
            challenge_id: if is_challenge { self.secret.challenge(&request.key) } else { String::new() },
            return_to: if is_challenge { request.return_to.clone() } else { String::new() },
            merchant: request.merchant.clone().filter(|_| is_challenge),
        }
    }

    async fn take_follow_up(&self, new: NewFollowUp) -> Result<Recorded, Refusal> {
        let again = new.clone();
        let recorded = self.writer.run(move |books| books::follow_up(books, &new)).await?;
        if matches!(recorded, Recorded::Fresh(_, Some(Fault::ArrivesTwice))) {
            return Ok(self.writer.run(move |books| books::follow_up(books, &again)).await?);
        }
        Ok(recorded)
    }

    fn new_follow_up(
        &self,
        kind: Kind,
        key: ProviderKey,
        authorization: ProviderKey,
        reference: &str,
        amount: Option<domain::money::Money>,
    ) -> NewFollowUp {
        let now = self.now();
        let (minor, currency) = amount.map_or((0, ""), |amount| (amount.minor(), amount.currency().code()));
        let fingerprint = self.secret.parameters(&[
            &kind.number().to_be_bytes(),
            authorization.as_str().as_bytes(),
            &minor.to_be_bytes(),
            currency.as_bytes(),
        ]);
        // A void may be sent without a reference: it can follow an authorisation whose answer never came.
        let reference_matches = kind == Kind::Void && reference.is_empty() || self.secret.names(&authorization).reference == reference;
        let settles_at = self.settles_at(now);
        NewFollowUp { key, kind, authorization, amount, reference_matches, fingerprint, now, settles_at }
    }

    pub(super) async fn take_capture(&self, request: Capture) -> Result<Answer<FollowUpOutcome>, Refusal> {
        let Capture { key, authorization_key, provider_reference, amount } = request;
        let new = self.new_follow_up(Kind::Capture, key, authorization_key, &provider_reference, Some(amount));
        follow_up_answer(self.take_follow_up(new).await?)
    }

    pub(super) async fn take_void(&self, request: Void) -> Result<Answer<FollowUpOutcome>, Refusal> {
        let Void { key, authorization_key, provider_reference } = request;
        let new = self.new_follow_up(Kind::Void, key, authorization_key, &provider_reference, None);
        follow_up_answer(self.take_follow_up(new).await?)
    }

    pub(super) async fn take_refund(&self, request: Refund) -> Result<Answer<RefundOutcome>, Refusal> {
        let Refund { key, authorization_key, provider_reference, amount } = request;
        let names = self.secret.names(&key);
        let new = self.new_follow_up(Kind::Refund, key, authorization_key, &provider_reference, Some(amount));
        let recorded = self.take_follow_up(new).await?;
        if recorded == Recorded::NoAuthorization {
            return Ok(Answer { outcome: RefundOutcome::Failed { reason: RefundFailure::Unknown }, manner: Manner::Prompt });
        }
        let (verdict, manner) = delivered(recorded)?;
        Ok(Answer { outcome: verdict.refund_outcome(names), manner })
    }

    /// Point queries stand in the writer's queue, behind every request that arrived before them: an operation that
    /// waits there is not reported as never received.
    pub(super) async fn take_query(&self, key: &ProviderKey) -> Result<QueryOutcome, BooksUnavailable> {
        let (asked, now) = (key.clone(), self.now());
        let found = self.writer.run(move |books| books::query(books, &asked, now)).await?;
        Ok(found.map_or(QueryOutcome::NotFound, |(kind, verdict)| {
            verdict.query_outcome(kind, self.secret.names(key), || self.challenge_url(key))
        }))
    }

    pub(super) async fn take_notices(&self, after: u64, limit: u32) -> Result<Vec<Notice>, BooksUnavailable> {
        let now = self.now();
        let told = self.writer.run(move |books| books::notices(books, after, limit, now)).await?;
        let notice = |books::Noticed { number, key, kind, verdict }| {
            let said = verdict.query_outcome(kind, self.secret.names(&key), || self.challenge_url(&key));
            Notice { number, key, said }
        };
        Ok(told.into_iter().map(notice).collect())
    }
}

fn delivered(recorded: Recorded) -> Result<(Verdict, Manner), Refusal> {
    match recorded {
        Recorded::Fresh(verdict, fault) => Ok((verdict, Manner::from(fault))),
        Recorded::Repeated(verdict) => Ok((verdict, Manner::Prompt)),
        Recorded::Lost(fault) => Ok((Verdict::Processing, Manner::from(Some(fault)))),
        Recorded::NoAuthorization => Ok((Verdict::Refused("no such authorization".to_owned()), Manner::Prompt)),
        Recorded::KeyReused => Err(Refusal::KeyReused),
    }
}

fn follow_up_answer(recorded: Recorded) -> Result<Answer<FollowUpOutcome>, Refusal> {
    let (verdict, manner) = delivered(recorded)?;
    Ok(Answer { outcome: verdict.follow_up_outcome(), manner })
}
