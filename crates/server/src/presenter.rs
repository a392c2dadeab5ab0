//! Writes answers: an outcome or objects become bytes, with references replaced by objects where a client asked.
//!
//! Without `expand` an answer is written straight from its view. Which references there are to expand is
//! [`expandable`]'s to say, before anything is done; [`expand`] carries it out. An answer can be written before
//! the commit that makes it true: what changed with it is taken from the outcome and not from the store.
//!
//! Absent on purpose: the errors of requests that were not carried out; see the one place that maps those.

use std::sync::Arc;

use async_trait::async_trait;
use domain::decline::DeclineCode;
use domain::payment_intent::{CardError, Command};
use domain::scope::Scope;
use payments::Error;
use payments::outcome::{Object, Outcome, Refused};
use payments::ports::{Answer, Audience, Clock, Presenter, Rendering};
use serde::Serialize;
use store::Store;

use crate::views::{self, Context, Error as ErrorView, ErrorBody, List, Rendered, card};

mod expand;
pub mod expandable;
#[cfg(test)]
mod tests;

use expand::Expansion;
use expandable::Root;

const OK: u16 = 200;
const BAD_REQUEST: u16 = 400;
const PAYMENT_REQUIRED: u16 = 402;

/// Room for an object; most answers are one and need no more.
const TYPICAL_BYTES: usize = 4096;

/// Writes answers in the API's shapes.
pub struct ApiPresenter {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

fn write(view: &impl Serialize, capacity: usize) -> Result<Vec<u8>, Error> {
    let mut body = Vec::with_capacity(capacity);
    serde_json::to_writer(&mut body, view).map_err(|e| Error::Internal(format!("write an answer: {e}")))?;
    Ok(body)
}

impl ApiPresenter {
    /// One that expands references from `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// An object.
    ///
    /// # Errors
    /// `expand` names what cannot be expanded, or a reference could not be read.
    pub async fn render_one(&self, scope: Scope, object: &Object, rendering: &Rendering) -> Result<Vec<u8>, Error> {
        self.render_fresh(scope, object, &[], rendering).await
    }

    /// A page of a list of objects.
    ///
    /// # Errors
    /// `expand` names what cannot be expanded, or a reference could not be read.
    pub async fn render_list(
        &self,
        scope: Scope,
        objects: Vec<Object>,
        has_more: bool,
        url: &str,
        expand: &[String],
    ) -> Result<Vec<u8>, Error> {
        let ctx = Context::of(scope, self.clock.now(), Audience::Shop);
        let data: Vec<_> = objects.iter().map(|object| Rendered { object, ctx }).collect();
        let capacity = data.len().saturating_add(1).saturating_mul(TYPICAL_BYTES);
        let list = List::of(data, has_more, url);
        // Without objects there is nothing to expand, and what could have been was checked with the request.
        match objects.first().map(Root::of) {
            Some(root) if !expand.is_empty() => {
                let paths = expandable::paths(Root::list(root), expand)?;
                let value = Expansion::new(&*self.store, scope, ctx, &[]).expand(&list, &paths).await?;
                write(&value, capacity)
            }
            _ => write(&list, capacity),
        }
    }

    async fn render_fresh(&self, scope: Scope, object: &Object, fresh: &[&Object], rendering: &Rendering) -> Result<Vec<u8>, Error> {
        let ctx = Context::of(scope, self.clock.now(), rendering.audience);
        let view = Rendered { object, ctx };
        if rendering.expand.is_empty() {
            return write(&view, TYPICAL_BYTES);
        }
        let paths = expandable::paths(Root::of(object), &rendering.expand)?;
        let value = Expansion::new(&*self.store, scope, ctx, fresh).expand(&view, &paths).await?;
        write(&value, TYPICAL_BYTES)
    }

    /// A command that the provider did not carry out.
    fn render_not_done(ctx: Context, object: &Object, command: Command) -> Result<Vec<u8>, Error> {
        let verb = command.verb();
        let mut message = format!("This PaymentIntent could not be {verb}: its provider did not do it.");
        let mut body = ErrorBody { code: Some("payment_intent_unexpected_state"), r#type: "invalid_request_error", ..ErrorBody::default() };
        if let Object::PaymentIntent(intent) = object {
            message.push_str(&format!(" It has a status of {}.", intent.status.as_str()));
            body.payment_intent = Some(Box::new(views::PaymentIntent::view(intent, ctx)));
        }
        body.message = &message;
        write(&ErrorView { error: body }, TYPICAL_BYTES)
    }

    fn render_card_error(ctx: Context, object: &Object, error: &CardError) -> Result<Vec<u8>, Error> {
        let mut body = ErrorBody {
            advice_code: error.decline_code.and_then(card::advice),
            charge: error.charge.map(|id| id.to_string()),
            code: Some(error.code.as_str()),
            decline_code: error.decline_code.map(DeclineCode::as_str),
            message: error.code.message(),
            payment_method: error.payment_method.as_deref().map(|method| Box::new(views::PaymentMethod::view(method, ctx))),
            r#type: "card_error",
            ..ErrorBody::default()
        };
        match object {
            Object::PaymentIntent(intent) => body.payment_intent = Some(Box::new(views::PaymentIntent::view(intent, ctx))),
            Object::SetupIntent(intent) => body.setup_intent = Some(Box::new(views::SetupIntent::view(intent, ctx))),
            Object::Account(_)
            | Object::ApiKey(_)
            | Object::AuditEntry(_)
            | Object::BalanceTransaction(_)
            | Object::Charge(_)
            | Object::Customer(_)
            | Object::Event(_)
            | Object::PaymentMethod(_)
            | Object::Refund(_)
            | Object::Token(_)
            | Object::User(_)
            | Object::WebhookEndpoint(_) => {}
        }
        write(&ErrorView { error: body }, TYPICAL_BYTES)
    }
}

#[async_trait]
impl Presenter for ApiPresenter {
    async fn present(&self, scope: Scope, outcome: &Outcome, rendering: &Rendering) -> Result<Answer, Error> {
        let ctx = Context::of(scope, self.clock.now(), rendering.audience);
        match &outcome.refused {
            Some(Refused::Card(error)) => {
                return Ok(Answer { status: PAYMENT_REQUIRED, body: Self::render_card_error(ctx, &outcome.object, error)? });
            }
            Some(Refused::Command(command)) => {
                return Ok(Answer { status: BAD_REQUEST, body: Self::render_not_done(ctx, &outcome.object, *command)? });
            }
            None => {}
        }
        // The object itself is as fresh as what changed with it, and may be referred to by that.
        let fresh: Vec<&Object> = outcome.changed.iter().chain([&outcome.object]).collect();
        Ok(Answer { status: OK, body: self.render_fresh(scope, &outcome.object, &fresh, rendering).await? })
    }
}
