//! `/v1/account`.

use payments::idempotency::Answered;
use payments::outcome::Object;
use payments::ports::Answer;

use super::Failure;
use super::dispatch::Call;
use super::requests::{ExpandOnly, expand};
use crate::params;
use crate::presenter::expandable::Shape;

/// The merchant whose key it is.
pub(crate) async fn retrieve(mut call: Call<'_>) -> Result<Answered, Failure> {
    let params: ExpandOnly = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::Opaque, &params.expand)?;
    let object = Object::Account(Box::new((*call.request.account).clone()));
    let body = call.app.presenter.render_one(call.request.scope, &object, &call.request.rendering).await?;
    Ok(Answered { answer: Answer { status: 200, body }, replayed: false })
}
