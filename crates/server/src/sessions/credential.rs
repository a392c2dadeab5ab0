//! A session as a credential: in one account and mode, what the person's role there opens.

use domain::audit::Actor;
use domain::id::AccountId;
use domain::scope::{Mode, Scope};
use domain::user::session::Proof;
use domain::user::{Refusal, User};
use http::HeaderMap;
use http::request::Parts;

use super::{cookie, guard};
use crate::api::credential::{Credential, Grant};
use crate::api::{App, Failure, gate};

/// Which account; not needed by whoever looks after one only.
const ACCOUNT: &str = "bursar-account";
/// The same, as clients for keys know it.
const STRIPE_ACCOUNT: &str = "stripe-account";
/// Test or live data; test if nothing is said.
const MODE: &str = "bursar-mode";

/// Whether a request shows a session.
pub(crate) fn is_shown(app: &App, parts: &Parts) -> bool {
    cookie::read(&parts.headers, app.platform.public_url()).is_some()
}

/// What a request's session opens.
pub(crate) async fn of(app: &App, parts: &Parts) -> Result<Credential, Failure> {
    let headers = &parts.headers;
    let token = cookie::read(headers, app.platform.public_url()).ok_or(Refusal::NotLoggedIn).map_err(payments::Error::from)?;
    guard::check_site(headers, app.platform.public_url())?;
    guard::check_token(headers, &parts.method, &token)?;
    let from = gate::from(parts);
    app.limits.try_key(from, &token)?;
    let (user, session) = app.platform.session(&token).await?;
    app.limits.key_is_good(from, &token);
    if session.proof == Proof::AwaitsCode {
        return Err(payments::Error::from(Refusal::NotLoggedIn).into());
    }
    let (account, mode) = (account(headers, &user)?, mode(headers)?);
    let role = user.role_in(account).ok_or(Failure::Account)?;
    if role.needs_second_factor(mode) && session.proof != Proof::SecondFactor {
        return Err(Failure::SecondFactor);
    }
    let scope = Scope { account, mode };
    Ok(Credential { scope, actor: Actor::User { id: user.id }, grant: Grant::Person(role.permissions(mode)), key: None })
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

fn mode(headers: &HeaderMap) -> Result<Mode, Failure> {
    match headers.get(MODE).map(|mode| mode.to_str()) {
        None | Some(Ok("test")) => Ok(Mode::Test),
        Some(Ok("live")) => Ok(Mode::Live),
        Some(Ok(_) | Err(_)) => Err(Failure::Mode),
    }
}
