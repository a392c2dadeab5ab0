//! What people do to themselves: log in and out, change their password and second factor, take an invitation.

use domain::user::Refusal;
use http::{HeaderMap, Method};
use payments::Visit;
use payments::users::LoggedIn;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{cookie, guard, shown};
use crate::api::{App, Failure};
use crate::params::{self, ParamError, Tree};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Show,
    LogIn,
    LogOut,
    LogOutEverywhere,
    ChangePassword,
    Enroll,
    Confirm,
    GiveUp,
    Accept,
}

impl Operation {
    pub(super) const fn method(self) -> &'static str {
        match self {
            Self::Show => "GET",
            Self::LogOut | Self::LogOutEverywhere => "DELETE",
            Self::LogIn | Self::ChangePassword | Self::Enroll | Self::Confirm | Self::GiveUp | Self::Accept => "POST",
        }
    }

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Show | Self::LogIn | Self::LogOut => "/session",
            Self::LogOutEverywhere => "/session/everywhere",
            Self::ChangePassword => "/session/password",
            Self::Enroll => "/session/totp",
            Self::Confirm => "/session/totp/confirm",
            Self::GiveUp => "/session/totp/disable",
            Self::Accept => "/invitation",
        }
    }
}

/// What came of it.
pub(super) struct Done {
    pub(super) body: Vec<u8>,
    pub(super) cookie: Option<String>,
}

/// Who logs in: address and password, or the code that is owed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogIn {
    email: Option<String>,
    password: Option<String>,
    code: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    current_password: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Password {
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Both {
    password: String,
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Taken {
    invitation: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// A second factor to be entered into what makes codes.
#[derive(Serialize)]
struct Factor<'a> {
    object: &'static str,
    secret: &'a str,
    url: &'a str,
}

/// That something is no more, or is as it was asked to be.
#[derive(Serialize)]
struct Plain<'a> {
    object: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<bool>,
}

/// One request.
struct Asked<'a> {
    app: &'a App,
    headers: &'a HeaderMap,
    visit: &'a Visit,
    tree: &'a Tree,
}

/// Carries it out.
pub(super) async fn run(app: &App, headers: &HeaderMap, visit: &Visit, operation: Operation, tree: &Tree) -> Result<Done, Failure> {
    let asked = Asked { app, headers, visit, tree };
    match operation {
        Operation::Show => asked.show().await,
        Operation::LogIn => asked.log_in().await,
        Operation::LogOut => asked.log_out().await,
        Operation::LogOutEverywhere => asked.log_out_everywhere().await,
        Operation::ChangePassword => asked.change_password().await,
        Operation::Enroll => asked.enroll().await,
        Operation::Confirm => asked.confirm().await,
        Operation::GiveUp => asked.give_up().await,
        Operation::Accept => asked.accept().await,
    }
}

impl Asked<'_> {
    fn url(&self) -> &str {
        self.app.platform.public_url()
    }

    /// What the browser shows of a session.
    fn token(&self) -> Result<Zeroizing<String>, Failure> {
        let token = cookie::read(self.headers, self.url()).map(Zeroizing::new);
        Ok(token.ok_or(Refusal::NotLoggedIn).map_err(payments::Error::from)?)
    }

    /// The same, of a request that changes something.
    fn own_token(&self) -> Result<Zeroizing<String>, Failure> {
        let token = self.token()?;
        guard::check_token(self.headers, &Method::POST, &token)?;
        Ok(token)
    }

    fn nothing(&self) -> Result<(), Failure> {
        let Nothing {} = params::from_tree(self.tree)?;
        Ok(())
    }

    async fn let_in(&self, logged_in: &LoggedIn, recovery: Option<Vec<&str>>) -> Result<Done, Failure> {
        let token = &logged_in.token.0;
        let body = shown::session(self.app, &logged_in.user, &logged_in.session, token, recovery).await?;
        Ok(Done { body, cookie: Some(cookie::keep(self.url(), token)) })
    }

    fn out(&self) -> Result<Done, Failure> {
        let body = shown::write(&Plain { object: "session", email: None, deleted: Some(true) })?;
        Ok(Done { body, cookie: Some(cookie::forget(self.url())) })
    }

    async fn show(&self) -> Result<Done, Failure> {
        self.nothing()?;
        let token = self.token()?;
        let (user, session) = self.app.platform.session(&token).await?;
        Ok(Done { body: shown::session(self.app, &user, &session, &token, None).await?, cookie: None })
    }

    async fn log_in(&self) -> Result<Done, Failure> {
        let LogIn { email, password, code } = params::from_tree(self.tree)?;
        if let Some(code) = code {
            if email.is_some() || password.is_some() {
                return Err(ParamError::invalid("code", "The code follows once the password was right.").into());
            }
            return self.give_code(&code).await;
        }
        let email = email.ok_or_else(|| ParamError::missing("email"))?;
        let password = password.map(Zeroizing::new).ok_or_else(|| ParamError::missing("password"))?;
        let tried = Zeroizing::new(format!("{email}\n{}", password.as_str()));
        self.app.limits.try_key(self.visit.from, &tried)?;
        let logged_in = self.app.platform.log_in(self.visit, &email, &password).await?;
        self.app.limits.key_is_good(self.visit.from, &tried);
        // Whoever was logged in at this browser is no more: one cookie is one person.
        if let Ok(before) = self.token() {
            self.app.platform.log_out(self.visit, &before).await?;
        }
        self.let_in(&logged_in, None).await
    }

    async fn give_code(&self, code: &str) -> Result<Done, Failure> {
        let token = self.own_token()?;
        let tried = Zeroizing::new(format!("{}\n{code}", token.as_str()));
        self.app.limits.try_key(self.visit.from, &tried)?;
        let logged_in = self.app.platform.give_code(self.visit, &token, code).await?;
        self.app.limits.key_is_good(self.visit.from, &tried);
        self.let_in(&logged_in, None).await
    }

    async fn log_out(&self) -> Result<Done, Failure> {
        self.nothing()?;
        let token = self.own_token()?;
        self.app.platform.log_out(self.visit, &token).await?;
        self.out()
    }

    async fn log_out_everywhere(&self) -> Result<Done, Failure> {
        self.nothing()?;
        let token = self.own_token()?;
        self.app.platform.log_out_everywhere(self.visit, &token).await?;
        self.out()
    }

    async fn change_password(&self) -> Result<Done, Failure> {
        let token = self.own_token()?;
        let NewPassword { current_password, password } = params::from_tree(self.tree)?;
        let (current, new) = (Zeroizing::new(current_password), Zeroizing::new(password));
        let logged_in = self.app.platform.change_password(self.visit, &token, &current, &new).await?;
        self.let_in(&logged_in, None).await
    }

    async fn enroll(&self) -> Result<Done, Failure> {
        let token = self.own_token()?;
        let Password { password } = params::from_tree(self.tree)?;
        let factor = self.app.platform.enroll_factor(self.visit, &token, &Zeroizing::new(password)).await?;
        let body = shown::write(&Factor { object: "totp", secret: &factor.secret, url: &factor.url })?;
        Ok(Done { body, cookie: None })
    }

    async fn confirm(&self) -> Result<Done, Failure> {
        let token = self.own_token()?;
        let Code { code } = params::from_tree(self.tree)?;
        let (logged_in, recovery) = self.app.platform.confirm_factor(self.visit, &token, &code).await?;
        self.let_in(&logged_in, Some(recovery.iter().map(|code| code.as_str()).collect())).await
    }

    async fn give_up(&self) -> Result<Done, Failure> {
        let token = self.own_token()?;
        let Both { password, code } = params::from_tree(self.tree)?;
        let logged_in = self.app.platform.disable_factor(self.visit, &token, &Zeroizing::new(password), &code).await?;
        self.let_in(&logged_in, None).await
    }

    async fn accept(&self) -> Result<Done, Failure> {
        let Taken { invitation, password } = params::from_tree(self.tree)?;
        self.app.limits.try_key(self.visit.from, &invitation)?;
        let user = self.app.platform.accept_invitation(self.visit, &invitation, &Zeroizing::new(password)).await?;
        self.app.limits.key_is_good(self.visit.from, &invitation);
        let body = shown::write(&Plain { object: "invitation", email: Some(&user.email), deleted: None })?;
        Ok(Done { body, cookie: None })
    }
}
