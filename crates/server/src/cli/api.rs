//! A server's API, as commands call it that work through a server and not on its store.

use std::time::Duration;

use bursar::compose::SetupError;
use clap::Args;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use super::failed;

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(30);

/// Which server, and as whom.
#[derive(Args)]
pub(super) struct ApiArgs {
    /// Where the server is.
    #[arg(long, env = "BURSAR_URL", default_value = "http://127.0.0.1:8420")]
    url: String,
    /// The secret key that opens it.
    #[arg(long, env = "BURSAR_API_KEY", hide_env_values = true)]
    api_key: String,
}

/// The API of a server.
pub(super) struct Api {
    client: Client,
    url: String,
    key: String,
}

impl ApiArgs {
    /// The server's API.
    pub(super) fn api(self) -> Result<Api, SetupError> {
        let client = Client::builder().timeout(WITHIN).build().map_err(|e| failed("the client", e))?;
        Ok(Api { client, url: self.url.trim_end_matches('/').to_owned(), key: self.api_key })
    }
}

impl Api {
    /// Where it is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Looks something up.
    pub(super) async fn get(&self, path: &str) -> Result<Value, SetupError> {
        answer(self.request(&Method::GET, path), path).await
    }

    /// Does something, with a form's parameters.
    pub(super) async fn send(&self, method: &Method, path: &str, form: &str) -> Result<Value, SetupError> {
        let request = self.request(method, path).header("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
        answer(request, path).await
    }

    fn request(&self, method: &Method, path: &str) -> RequestBuilder {
        self.client.request(method.clone(), format!("{}{path}", self.url)).bearer_auth(&self.key)
    }
}

/// What was answered. A card that is refused is what some commands are after: its error carries the payment.
async fn answer(request: RequestBuilder, path: &str) -> Result<Value, SetupError> {
    let response = request.send().await.map_err(|e| failed("the server", e))?;
    let status = response.status();
    let body: Value = response.json().await.map_err(|e| failed("the server's answer", e))?;
    if status.is_success() {
        return Ok(body);
    }
    let error = body.get("error").cloned().unwrap_or_default();
    if status.as_u16() == 402 {
        let object = ["payment_intent", "setup_intent"].into_iter().find_map(|name| error.get(name).cloned());
        return Ok(object.unwrap_or(error));
    }
    let message = error.get("message").and_then(Value::as_str).unwrap_or("no reason was given");
    Err(SetupError(format!("{path}: {message}")))
}

/// A field that is a text; empty if there is none.
pub(super) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
