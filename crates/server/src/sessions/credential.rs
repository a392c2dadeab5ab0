//! A session as a credential: in one account and mode, what the person's role there opens. Where no mode is named, it is test.

use std::sync::Arc;

use domain::audit::Actor;
use domain::id::AccountId;
use domain::scope::{Mode, Scope};
use domain::user::session::Proof;
use domain::user::{Refusal, User};
use http::HeaderMap;
use http::request::Parts;

use super::{cookie, guard};
use crate::api::credential::{Credential, Grant};
use crate::api::gate::{self, Sender};
use crate::api::{App, Failure};

/// Which account; not needed by whoever looks after one only.
const ACCOUNT: &str = "bursar-account";
/// The same, as clients for keys know it.
const STRIPE_ACCOUNT: &str = "stripe-account";
const NOT_LOGGED_IN: payments::Error = payments::Error::User(Refusal::NotLoggedIn);

/// Whether a request shows a session.
pub(crate) fn is_shown(app: &App, parts: &Parts) -> bool {
    cookie::read(&parts.headers, app.platform.public_url()).is_some()
}

/// Whose session a request shows. What is known of whoever is denied something is told as far as it is known.
pub(crate) async fn prove(app: &App, parts: &Parts, sender: &mut Sender) -> Result<Arc<Credential>, Failure> {
    let headers = &parts.headers;
    let token = cookie::read(headers, app.platform.public_url()).ok_or(Failure::Case(NOT_LOGGED_IN))?;
    guard::check_site(headers, app.platform.public_url())?;
    let from = gate::from(parts);
    sender.standing = app.limits.try_key(from, &token)?;
    let (user, session) = app.platform.session(&token).await?;
    app.limits.key_is_good(from, &token);
    if session.proof == Proof::AwaitsCode {
        return Err(Failure::Case(NOT_LOGGED_IN));
    }
    let (account, mode) = (account(headers, &user)?, gate::mode(headers)?.unwrap_or(Mode::Test));
    let role = user.role_in(account).ok_or(Failure::Account)?;
    let grant = Grant::Person(role.permissions(mode));
    let credential = Arc::new(Credential { scope: Scope { account, mode }, actor: Actor::User { id: user.id }, grant, key: None });
    sender.credential = Some(Arc::clone(&credential));
    guard::check_token(headers, &parts.method, &token)?;
    if role.needs_second_factor(mode) && session.proof != Proof::SecondFactor {
        return Err(Failure::SecondFactor);
    }
    Ok(credential)
}

fn account(headers: &HeaderMap, user: &User) -> Result<AccountId, Failure> {
    if let Some(named) = headers.get(ACCOUNT).or_else(|| headers.get(STRIPE_ACCOUNT)) {
        return named.to_str().ok().and_then(|text| text.parse().ok()).ok_or(Failure::Account);
    }
    let mut all = user.roles().map(|(account, _)| account);
    match (all.next(), all.next()) {
        (Some(only), None) => Ok(only),
        (Some(_) | None, _) => Err(Failure::WhichAccount),
    }
}
