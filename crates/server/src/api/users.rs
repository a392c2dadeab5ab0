//! `/v1/users`: people who look after an account, for a secret key to look after, and for people whose role is that.

use domain::id::UserId;
use domain::user::Role;
use payments::idempotency::Answered;
use payments::payment_methods::create::masked;
use payments::ports::Answer;
use payments::users::NewUser;
use payments::{Error, Place};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Failure;
use super::customers::Nothing;
use super::dispatch::Call;
use super::lists::page::limit;
use crate::params::{self, ParamError};

/// Characters of a name.
const MAX_NAME: usize = 256;

/// Somebody to be invited.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InviteUser {
    /// Their address, with which they log in.
    email: String,
    /// What they are called.
    name: Option<String>,
    /// `owner`, `admin`, `developer`, `support` or `analyst`; none above that of whoever invites.
    role: String,
}

/// Another role for somebody.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeUser {
    /// `owner`, `admin`, `developer`, `support` or `analyst`; none above that of whoever asks.
    role: String,
}

/// A page of people.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UsersParams {
    /// How many; 10 if left out.
    #[schema(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// The id of the last user of the page before.
    starting_after: Option<String>,
}

fn role(name: &str) -> Result<Role, ParamError> {
    let wrong = || ParamError::invalid("role", "The role must be owner, admin, developer, support or analyst.");
    Role::from_name(name).ok_or_else(wrong)
}

/// The person that a path names.
fn id(text: &str) -> Result<UserId, Failure> {
    let missing = || Error::NotFound { kind: "user", id: masked(text), param: "user", place: Place::Path };
    Ok(text.parse().map_err(|_| missing())?)
}

pub(crate) async fn invite(call: Call<'_>) -> Result<Answered, Failure> {
    let params: InviteUser = params::from_tree(&call.tree)?;
    if params.name.as_ref().is_some_and(|name| name.chars().count() > MAX_NAME) {
        return Err(ParamError::invalid("name", "A name has at most 256 characters.").into());
    }
    let new = NewUser { role: role(&params.role)?, email: params.email, name: params.name };
    Ok(call.app.platform.invite_user(&call.request, &new).await?)
}

pub(crate) async fn change_role(call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: ChangeUser = params::from_tree(&call.tree)?;
    let role = role(&params.role)?;
    Ok(call.app.platform.change_user_role(&call.request, id(text)?, role).await?)
}

pub(crate) async fn disable(call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let Nothing {} = params::from_tree(&call.tree)?;
    Ok(call.app.platform.disable_user(&call.request, id(text)?).await?)
}

pub(crate) async fn retrieve(call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let Nothing {} = params::from_tree(&call.tree)?;
    let user = call.app.platform.user_of(&call.request, id(text)?).await?;
    let body = call.app.presenter.render_one(call.request.scope, &user, &call.request.rendering).await?;
    Ok(Answered { answer: Answer { status: 200, body }, replayed: false })
}

/// The latest first.
pub(crate) async fn list(call: Call<'_>) -> Result<Answered, Failure> {
    let params: UsersParams = params::from_tree(&call.tree)?;
    let limit = limit(params.limit)?;
    let no_cursor = |_| ParamError::invalid("starting_after", "No such object.");
    let before: Option<UserId> = params.starting_after.as_deref().map(str::parse).transpose().map_err(no_cursor)?;
    let mut users = call.app.platform.users(&call.request, before).await?;
    let has_more = users.len() > limit;
    users.truncate(limit);
    let body = call.app.presenter.render_list(call.request.scope, users, has_more, call.path, &[]).await?;
    Ok(Answered { answer: Answer { status: 200, body }, replayed: false })
}
