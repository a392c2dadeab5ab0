//! What a browser is told of its session.

use domain::scope::{Mode, Scope};
use domain::user::SecondFactor;
use domain::user::User;
use domain::user::session::{LONGEST_MS, Proof, Session};
use serde::Serialize;

use super::guard;
use crate::api::{App, Failure};

/// A session.
#[derive(Serialize)]
struct Shown<'a> {
    object: &'static str,
    /// `awaits_code`, `password` or `second_factor`: what was shown.
    proof: &'static str,
    /// What requests that change something are to show.
    csrf_token: String,
    /// When it ends at the latest, in seconds since 1970.
    expires_at: i64,
    /// Nobody, while a code is owed.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Person<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes: Option<Vec<&'a str>>,
}

#[derive(Serialize)]
struct Person<'a> {
    id: String,
    email: &'a str,
    /// Whether a second factor is in use.
    second_factor: bool,
    /// Codes that are left for when it is lost.
    recovery_codes_left: usize,
    accounts: Vec<Place>,
}

/// An account that the person looks after.
#[derive(Serialize)]
struct Place {
    id: String,
    name: String,
    role: &'static str,
    /// Whether the role needs the second factor for live data.
    needs_second_factor: bool,
}

const fn word(proof: Proof) -> &'static str {
    match proof {
        Proof::AwaitsCode => "awaits_code",
        Proof::Password => "password",
        Proof::SecondFactor => "second_factor",
    }
}

async fn person<'a>(app: &App, user: &'a User) -> Result<Person<'a>, Failure> {
    let mut accounts = Vec::new();
    for (id, role) in user.roles() {
        let account = app.platform.account(Scope { account: id, mode: Mode::Test }).await?;
        let needs_second_factor = role.needs_second_factor(Mode::Live);
        accounts.push(Place { id: id.to_string(), name: account.name.clone(), role: role.as_str(), needs_second_factor });
    }
    let recovery_codes_left = match &user.second_factor {
        SecondFactor::On { recovery, .. } => recovery.len(),
        SecondFactor::Off | SecondFactor::Enrolling { .. } => 0,
    };
    let second_factor = user.second_factor.is_on();
    Ok(Person { id: user.id.to_string(), email: &user.email, second_factor, recovery_codes_left, accounts })
}

/// The session as its browser sees it; with recovery codes, if they were just made.
pub(super) async fn session(
    app: &App,
    user: &User,
    session: &Session,
    token: &str,
    recovery: Option<Vec<&str>>,
) -> Result<Vec<u8>, Failure> {
    let user = match session.proof {
        Proof::AwaitsCode => None,
        Proof::Password | Proof::SecondFactor => Some(person(app, user).await?),
    };
    let shown = Shown {
        object: "session",
        proof: word(session.proof),
        csrf_token: guard::csrf_token(token),
        expires_at: session.created_at.plus_millis(LONGEST_MS).seconds(),
        user,
        recovery_codes: recovery,
    };
    write(&shown)
}

/// Any answer.
pub(super) fn write(shown: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(shown).map_err(|error| payments::Error::Internal(error.to_string()).into())
}
