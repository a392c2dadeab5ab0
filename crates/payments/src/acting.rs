//! Who acts: what a commit says of its cause, in the audit trail and in events.

use std::net::IpAddr;

use domain::audit::{Action, Actor, Ending, Job};
use domain::event::Cause;
use domain::payment_intent::{CardError, Command};
use domain::refund::Refund;
use domain::scope::Scope;

use crate::leases::Fence;
use crate::outcome::{Outcome, Refused};

/// A request of somebody who looks after accounts, before it is known who they are.
#[derive(Clone, Debug)]
pub struct Visit {
    /// From where.
    pub from: Option<IpAddr>,
    /// The request's id.
    pub request: String,
}

/// Who acts, from where, and at whose request.
#[derive(Clone, Debug)]
pub struct By {
    /// Who.
    pub actor: Actor,
    /// From where, if over the network.
    pub from: Option<IpAddr>,
    /// The request, if one asked.
    pub cause: Cause,
    /// What a person says of why.
    pub note: Option<String>,
    /// Of a job, that it still has its lease.
    pub(crate) fence: Fence,
}

impl By {
    /// Somebody who made no request of the API.
    #[must_use]
    pub fn actor(actor: Actor) -> Self {
        Self { actor, from: None, cause: Cause::default(), note: None, fence: Fence::default() }
    }

    /// A background job.
    #[must_use]
    pub fn job(name: Job) -> Self {
        Self::actor(Actor::Job { name })
    }

    /// A provider that tells something of its own accord.
    #[must_use]
    pub fn provider(name: &str) -> Self {
        Self::actor(Actor::Provider { name: name.to_owned() })
    }

    /// A person at the command line.
    #[must_use]
    pub fn operator(name: &str) -> Self {
        Self::actor(Actor::Operator { name: name.to_owned() })
    }

    /// A buyer whose browser is back from the issuer's page.
    #[must_use]
    pub fn buyer(from: Option<IpAddr>) -> Self {
        Self { from, ..Self::actor(Actor::Buyer) }
    }

    /// Somebody at a browser, by a request that is no API call of a shop's.
    #[must_use]
    pub fn visitor(actor: Actor, visit: &Visit) -> Self {
        Self { from: visit.from, cause: Cause { request: Some(visit.request.clone()), idempotency_key: None }, ..Self::actor(actor) }
    }

    /// The same, as long as the lease of the job is held.
    pub(crate) fn fenced(self, fence: Fence) -> Self {
        Self { fence, ..self }
    }

    pub(crate) const fn did(&self, action: Action, scope: Scope) -> Act<'_> {
        Act { by: self, action, scope, ending: Ending::Success }
    }
}

/// What a commit is, for its row in the audit trail.
pub(crate) struct Act<'a> {
    pub(crate) by: &'a By,
    pub(crate) action: Action,
    /// Whose trail it belongs to.
    pub(crate) scope: Scope,
    pub(crate) ending: Ending,
}

impl Act<'_> {
    /// That was refused, for that reason.
    pub(crate) fn refused(self, code: &str) -> Self {
        Self { ending: Ending::Refused(code.to_owned()), ..self }
    }

    /// That ended as an outcome says.
    pub(crate) fn ending(self, outcome: &Outcome) -> Self {
        let ending = match &outcome.refused {
            None => Ending::Success,
            Some(Refused::Card(error)) => Ending::Refused(code_of(error).to_owned()),
            Some(Refused::Command(command)) => Ending::Refused(format!("{}_refused", word(*command))),
        };
        Self { ending, ..self }
    }

    /// That ended as the refund did.
    pub(crate) fn of_refund(self, refund: &Refund) -> Self {
        let ending = refund.failure.map_or(Ending::Success, |failure| Ending::Refused(failure.as_str().to_owned()));
        Self { ending, ..self }
    }
}

/// The issuer's reason, if it gave one.
fn code_of(error: &CardError) -> &'static str {
    error.decline_code.map_or(error.code.as_str(), domain::decline::DeclineCode::as_str)
}

const fn word(command: Command) -> &'static str {
    match command {
        Command::Update => "update",
        Command::Confirm => "confirm",
        Command::Capture => "capture",
        Command::Cancel => "cancel",
    }
}
