//! The bank over HTTP: a connector to a simulator that runs as a server of its own.
//!
//! Only a connection that could not be made is [`UnknownReason::Unreachable`]; from then on the request may have
//! arrived, and everything but a readable outcome is unknown for the reason that fits.

use std::time::Duration;

use async_trait::async_trait;
use domain::outcome::{AuthorizeOutcome, FollowUpOutcome, QueryOutcome, RefundOutcome, UnknownReason};
use domain::provider_key::ProviderKey;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::connector::CAPABILITIES;
use super::wire::{AmountBody, AuthorizeBody, VerifyCardBody, VoidBody};
use super::{Books, OperationRecord};
use crate::connector::{Authorize, Capabilities, Capture, Connector, Notice, Refund, VerifyCard, Void};

/// An outcome is a few hundred bytes and a page of the list a few hundred thousand; more is not read.
const ANSWER_MAX: usize = 1_024 * 1_024;
/// Connections kept for the next request.
const IDLE_MAX: usize = 256;
/// How often, and with what pauses, a bank is asked that turns requests away unread (RFC 6585 §4), as one does that is a single
/// Lambda function: five seconds in all. It is idempotent, so that nothing would be done twice even if it had read one.
const TURNS: u32 = 50;
const TURN_PAUSE: Duration = Duration::from_millis(100);

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For a whole answer, the connection included.
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(2), answer: Duration::from_secs(10) }
    }
}

/// Why there can be no connector.
#[derive(Debug, thiserror::Error)]
#[error("the connection to the bank simulator cannot be set up: {0}")]
pub struct SetupError(#[from] reqwest::Error);

/// A simulator at an address.
#[derive(Clone, Debug)]
pub struct RemoteSimulator {
    client: Client,
    base: String,
}

impl RemoteSimulator {
    /// A connector to the simulator at `base_url` (`http://host:port`).
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(base_url: &str, timeouts: Timeouts) -> Result<Self, SetupError> {
        let client = Client::builder()
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.answer)
            .pool_max_idle_per_host(IDLE_MAX)
            .redirect(reqwest::redirect::Policy::none())
            // The bank is addressed directly, whatever the environment says about the web.
            .no_proxy()
            .build()?;
        Ok(Self { client, base: base_url.trim_end_matches('/').to_owned() })
    }

    /// The bank's totals.
    ///
    /// # Errors
    /// The bank gave no readable answer.
    pub async fn books(&self) -> Result<Books, UnknownReason> {
        ask(self.client.get(format!("{}/books", self.base))).await
    }

    /// A page of the bank's operations, in the order of their keys.
    ///
    /// # Errors
    /// The bank gave no readable answer.
    pub async fn operations(&self, after: Option<&ProviderKey>, limit: u32) -> Result<Vec<OperationRecord>, UnknownReason> {
        // Built in a block of its own: the serializer must not live across the wait.
        let query = {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("limit", &limit.to_string());
            if let Some(after) = after {
                query.append_pair("after", after.as_str());
            }
            query.finish()
        };
        ask(self.client.get(format!("{}/operations?{query}", self.base))).await
    }

    async fn post<B: Serialize + Sync, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, UnknownReason> {
        ask(self.client.post(format!("{}{path}", self.base)).json(body)).await
    }
}

async fn ask<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, UnknownReason> {
    let response = turn(request).await.map_err(|error| reason(&error))?;
    if !response.status().is_success() {
        tracing::warn!(status = response.status().as_u16(), "the bank gave no outcome");
        return Err(UnknownReason::ProviderError);
    }
    let body = body(response).await?;
    serde_json::from_slice(&body).map_err(|_| UnknownReason::Unreadable)
}

/// Sends a request, again and again while the bank has no time to read it.
async fn turn(request: RequestBuilder) -> reqwest::Result<Response> {
    for _ in 0..TURNS {
        let Some(again) = request.try_clone() else { break };
        let response = again.send().await?;
        if response.status() != StatusCode::TOO_MANY_REQUESTS {
            return Ok(response);
        }
        tokio::time::sleep(TURN_PAUSE).await;
    }
    request.send().await
}

async fn body(mut response: Response) -> Result<Vec<u8>, UnknownReason> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
        if body.len().saturating_add(chunk.len()) > ANSWER_MAX {
            return Err(UnknownReason::Unreadable);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn reason(error: &reqwest::Error) -> UnknownReason {
    if error.is_connect() {
        UnknownReason::Unreachable
    } else if error.is_timeout() {
        UnknownReason::Timeout
    } else {
        UnknownReason::ConnectionLost
    }
}

#[async_trait]
impl Connector for RemoteSimulator {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    async fn authorize(&self, request: Authorize) -> AuthorizeOutcome {
        let body = AuthorizeBody::from(request);
        self.post("/authorizations", &body).await.unwrap_or_else(AuthorizeOutcome::Unknown)
    }

    async fn verify_card(&self, request: VerifyCard) -> AuthorizeOutcome {
        let body = VerifyCardBody::from(request);
        self.post("/verifications", &body).await.unwrap_or_else(AuthorizeOutcome::Unknown)
    }

    async fn capture(&self, request: Capture) -> FollowUpOutcome {
        self.post("/captures", &AmountBody::from(request)).await.unwrap_or_else(FollowUpOutcome::Unknown)
    }

    async fn void(&self, request: Void) -> FollowUpOutcome {
        self.post("/voids", &VoidBody::from(request)).await.unwrap_or_else(FollowUpOutcome::Unknown)
    }

    async fn refund(&self, request: Refund) -> RefundOutcome {
        self.post("/refunds", &AmountBody::from(request)).await.unwrap_or_else(RefundOutcome::Unknown)
    }

    async fn query(&self, key: &ProviderKey) -> QueryOutcome {
        ask(self.client.get(format!("{}/operations/{key}", self.base))).await.unwrap_or_else(QueryOutcome::Unknown)
    }

    async fn notices(&self, after: u64) -> Result<Vec<Notice>, UnknownReason> {
        ask(self.client.get(format!("{}/notices?after={after}", self.base))).await
    }
}
