//! People at a browser, which keeps the cookie that it is given and shows the session's token.

use axum::Router;
use bursar::api::App;
use domain::id::AccountId;
use domain::user::Role;
use http::StatusCode;
use payments::By;
use payments::users::NewUser;
use serde_json::Value;
use totp_rs::{Builder, Secret};

use super::{Reply, send};

/// Everybody's.
pub const PASSWORD: &str = "correct horse battery";
/// Seconds of a code.
const STEP: u64 = 30;

/// A browser.
#[derive(Clone)]
pub struct Browser {
    pub api: Router,
    /// Name and value, as it is sent.
    pub cookie: Option<String>,
    pub csrf: String,
}

impl Browser {
    /// One that has been nowhere yet.
    pub fn new(api: &Router) -> Self {
        Self { api: api.clone(), cookie: None, csrf: String::new() }
    }

    /// Of somebody with that role, who is logged in with a password.
    pub async fn of(api: &Router, app: &App, account: AccountId, role: Role) -> Self {
        let email = format!("{}-{}@shop.example", role.as_str(), app.platform.mint()).to_lowercase();
        invite(api, app, account, (&email, role)).await;
        let mut browser = Self::new(api);
        browser.log_in(&email).await;
        browser
    }

    /// The same, with a second factor.
    pub async fn with_factor(api: &Router, app: &App, account: AccountId, role: Role) -> Self {
        let mut browser = Self::of(api, app, account, role).await;
        browser.take_factor().await;
        browser
    }

    /// Logs in, if that is enough.
    pub async fn log_in(&mut self, email: &str) -> Reply {
        let reply = self.post("/session", &format!("email={email}&password={PASSWORD}")).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.json);
        reply
    }

    /// Takes a second factor into use; its secret, and what was told of it.
    pub async fn take_factor(&mut self) -> (String, Value) {
        let secret = self.post("/session/totp", &format!("password={PASSWORD}")).await.json["secret"].as_str().unwrap().to_owned();
        let reply = self.post("/session/totp/confirm", &format!("code={}", code(&secret, 0))).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.json);
        (secret, reply.json)
    }

    /// A request as our own page sends it; keeps what it is told.
    pub async fn ask(&mut self, method: &str, path: &str, more: &[(&str, &str)], form: &str) -> Reply {
        let mut headers = more.to_vec();
        let (cookie, csrf) = (self.cookie.clone(), self.csrf.clone());
        headers.extend(cookie.as_deref().map(|cookie| ("cookie", cookie)));
        if more.iter().all(|(name, _)| *name != "bursar-csrf-token") && !csrf.is_empty() {
            headers.push(("bursar-csrf-token", &csrf));
        }
        let reply = send(&self.api, method, path, &headers, form).await;
        if let Some(set) = reply.headers.get("set-cookie") {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            self.cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
        }
        if let Some(csrf) = reply.json["csrf_token"].as_str() {
            csrf.clone_into(&mut self.csrf);
        }
        reply
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        self.ask("GET", path, &[], "").await
    }

    pub async fn post(&mut self, path: &str, form: &str) -> Reply {
        self.ask("POST", path, &[], form).await
    }

    /// With live data.
    pub async fn live(&mut self, method: &str, path: &str, form: &str) -> Reply {
        self.ask(method, path, &[("bursar-mode", "live")], form).await
    }
}

/// Invites somebody, who takes it; their id.
pub async fn invite(api: &Router, app: &App, account: AccountId, (email, role): (&str, Role)) -> String {
    let new = NewUser { email: email.to_owned(), name: None, role };
    let (user, link) = app.platform.invite_user_by(&By::operator("test"), account, &new).await.unwrap();
    let form = format!("invitation={}&password={PASSWORD}", link.0.as_str());
    let reply = Browser::new(api).post("/invitation", &form).await;
    assert_eq!((reply.status, &reply.json["email"]), (StatusCode::OK, &email.into()), "{}", reply.json);
    user.id.to_string()
}

/// The code of so many steps after now.
pub fn code(secret: &str, later: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let totp = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap();
    totp.generate(now + later * STEP).to_string()
}
