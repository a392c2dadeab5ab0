//! A provider whose answers are set by the test: what it says when asked, and what it says when queried.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use domain::decline::DeclineCode;
use domain::outcome::{Approval, AuthorizeOutcome, Challenge, Decline, FollowUpOutcome, QueryOutcome, RefundOutcome, UnknownReason};
use domain::payment_intent::ThreeDSecureRequest;
use domain::provider_key::ProviderKey;
use domain::scope::Mode;
use parking_lot::Mutex;
use providers::{Authorize, Capabilities, Capture, Connector, Notice, Refund, VerifyCard, Void};
use tokio::sync::{Barrier, Semaphore};

/// What reached the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    Authorize(ProviderKey, ThreeDSecureRequest),
    VerifyCard(ProviderKey),
    Capture(ProviderKey),
    Void(ProviderKey),
    Refund(ProviderKey, i64),
    Query(ProviderKey),
}

#[derive(Default)]
struct State {
    sent: Vec<Sent>,
    /// Whether each authorisation and card check brought a security code.
    codes: Vec<bool>,
    authorize: VecDeque<AuthorizeOutcome>,
    follow_up: VecDeque<FollowUpOutcome>,
    refund: VecDeque<RefundOutcome>,
    known: HashMap<ProviderKey, QueryOutcome>,
    notices: Vec<(ProviderKey, QueryOutcome)>,
    /// Queries are answered once so many have arrived.
    meeting: Option<Arc<Barrier>>,
    /// Answers wait for it, when there is one.
    gate: Option<Arc<Semaphore>>,
}

/// Without instructions it approves everything, and remembers it for queries.
#[derive(Default)]
pub struct Bank(Mutex<State>);

const CAPABILITIES: Capabilities = Capabilities {
    provider: "scripted",
    modes: &[Mode::Test],
    manual_capture: true,
    partial_capture: true,
    partial_refund: true,
    three_d_secure: true,
    card_verification: true,
};

pub fn approval(captured: bool) -> Approval {
    Approval {
        provider_reference: "ref".to_owned(),
        authorization_code: "123456".to_owned(),
        network_transaction_id: "net".to_owned(),
        cvc_check: None,
        address_line1_check: None,
        postal_code_check: None,
        three_d_secure: None,
        captured,
    }
}

pub fn approved(captured: bool) -> AuthorizeOutcome {
    AuthorizeOutcome::Approved(approval(captured))
}

pub fn declined() -> AuthorizeOutcome {
    let code = DeclineCode::InsufficientFunds;
    AuthorizeOutcome::Declined(Decline { code, provider_reference: None, network_decline_code: None, cvc_check: None })
}

pub fn challenge() -> AuthorizeOutcome {
    AuthorizeOutcome::ActionRequired(Challenge {
        provider_reference: "ref".to_owned(),
        redirect_url: "https://bank.example/3ds".to_owned(),
    })
}

impl Bank {
    /// The next authorisation or card check ends so.
    pub fn will_authorize(&self, outcome: AuthorizeOutcome) {
        self.0.lock().authorize.push_back(outcome);
    }

    /// The next capture or void ends so.
    pub fn will_follow_up(&self, outcome: FollowUpOutcome) {
        self.0.lock().follow_up.push_back(outcome);
    }

    /// The next refund ends so.
    pub fn will_refund(&self, outcome: RefundOutcome) {
        self.0.lock().refund.push_back(outcome);
    }

    /// From now on that is what is known under the key.
    pub fn knows(&self, key: &ProviderKey, outcome: QueryOutcome) {
        self.0.lock().known.insert(key.clone(), outcome);
    }

    /// Says so of its own accord, and whenever asked.
    pub fn tells(&self, key: &ProviderKey, outcome: QueryOutcome) {
        self.knows(key, outcome.clone());
        self.0.lock().notices.push((key.clone(), outcome));
    }

    /// From now on a query has no answer before so many are asked at the same time.
    pub fn answers_queries_together(&self, number: usize) {
        self.0.lock().meeting = Some(Arc::new(Barrier::new(number)));
    }

    /// From now on answers to authorisations and refunds wait until permits are added.
    pub fn hold(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.0.lock().gate = Some(Arc::clone(&gate));
        gate
    }

    /// From now on nothing waits; what waits already goes on waiting.
    pub fn release(&self) {
        self.0.lock().gate = None;
    }

    async fn pass_gate(&self) {
        let gate = self.0.lock().gate.clone();
        if let Some(gate) = gate {
            gate.acquire().await.unwrap().forget();
        }
    }

    /// Whether each authorisation and card check brought a security code, in their order.
    pub fn codes(&self) -> Vec<bool> {
        self.0.lock().codes.clone()
    }

    /// How many questions arrived.
    pub fn asked(&self) -> usize {
        self.0.lock().sent.iter().filter(|sent| matches!(sent, Sent::Query(_))).count()
    }

    /// What arrived, queries left out.
    pub fn sent(&self) -> Vec<Sent> {
        self.0.lock().sent.iter().filter(|sent| !matches!(sent, Sent::Query(_))).cloned().collect()
    }
}

fn unheard(outcome: &QueryOutcome) -> bool {
    matches!(
        outcome,
        QueryOutcome::Authorize(AuthorizeOutcome::Unknown(_))
            | QueryOutcome::Capture(FollowUpOutcome::Unknown(_))
            | QueryOutcome::Void(FollowUpOutcome::Unknown(_))
            | QueryOutcome::Refund(RefundOutcome::Unknown(_))
    )
}

impl State {
    /// Notes an outcome for queries; a request whose outcome is unknown got lost on its way.
    fn note(&mut self, key: ProviderKey, outcome: QueryOutcome) {
        if !unheard(&outcome) {
            self.known.insert(key, outcome);
        }
    }
}

#[async_trait]
impl Connector for Bank {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    async fn authorize(&self, request: Authorize) -> AuthorizeOutcome {
        {
            let mut state = self.0.lock();
            state.sent.push(Sent::Authorize(request.key.clone(), request.three_d_secure));
            state.codes.push(request.card.cvc.is_some());
        }
        self.pass_gate().await;
        let mut state = self.0.lock();
        let outcome = state.authorize.pop_front().unwrap_or_else(|| approved(request.capture));
        state.note(request.key, QueryOutcome::Authorize(outcome.clone()));
        outcome
    }

    async fn verify_card(&self, request: VerifyCard) -> AuthorizeOutcome {
        let mut state = self.0.lock();
        state.sent.push(Sent::VerifyCard(request.key.clone()));
        state.codes.push(request.card.cvc.is_some());
        let outcome = state.authorize.pop_front().unwrap_or_else(|| approved(false));
        state.note(request.key, QueryOutcome::Authorize(outcome.clone()));
        outcome
    }

    async fn capture(&self, request: Capture) -> FollowUpOutcome {
        let mut state = self.0.lock();
        state.sent.push(Sent::Capture(request.key.clone()));
        let outcome = state.follow_up.pop_front().unwrap_or(FollowUpOutcome::Done);
        state.note(request.key, QueryOutcome::Capture(outcome.clone()));
        outcome
    }

    async fn void(&self, request: Void) -> FollowUpOutcome {
        let mut state = self.0.lock();
        state.sent.push(Sent::Void(request.key.clone()));
        let outcome = state.follow_up.pop_front().unwrap_or(FollowUpOutcome::Done);
        state.note(request.key, QueryOutcome::Void(outcome.clone()));
        outcome
    }

    async fn refund(&self, request: Refund) -> RefundOutcome {
        self.0.lock().sent.push(Sent::Refund(request.key.clone(), request.amount.minor()));
        self.pass_gate().await;
        let mut state = self.0.lock();
        let done = RefundOutcome::Succeeded { provider_reference: "ref_refund".to_owned() };
        let outcome = state.refund.pop_front().unwrap_or(done);
        state.note(request.key, QueryOutcome::Refund(outcome.clone()));
        outcome
    }

    async fn query(&self, key: &ProviderKey) -> QueryOutcome {
        let meeting = self.0.lock().meeting.clone();
        if let Some(meeting) = meeting {
            meeting.wait().await;
        }
        let mut state = self.0.lock();
        state.sent.push(Sent::Query(key.clone()));
        state.known.get(key).cloned().unwrap_or(QueryOutcome::NotFound)
    }

    async fn notices(&self, after: u64) -> Result<Vec<Notice>, UnknownReason> {
        let state = self.0.lock();
        let numbered = (1..).zip(&state.notices);
        Ok(numbered
            .filter(|(number, _)| *number > after)
            .map(|(number, (key, said))| Notice { number, key: key.clone(), said: said.clone() })
            .collect())
    }
}
