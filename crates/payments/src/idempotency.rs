//! Repeated requests: the first outcome is kept with what it did, and told again.
//!
//! A request that reaches a provider writes its record `InFlight` in the first commit and completes it in the
//! last one; whoever finishes the operation, the request itself or the recovery job, completes the record.

use domain::idempotency::Fingerprint;
use domain::scope::Scope;
use domain::time::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{Batch, Key, Kind, Precondition, Write};

use crate::error::Error;
use crate::platform::{Platform, Request};
use crate::ports::{Answer, Audience, Rendering};
use crate::records::{decode, encode};

/// How long an answer can be had again: the API promises a day at least.
pub const KEPT_MS: i64 = 24 * 3_600 * 1_000;

/// The longest key, as the API documents it.
pub const MAX_KEY: usize = 255;

/// The key a client sent, and what it sent with it.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The client's key.
    pub key: String,
    /// A keyed hash of the request; comparing it with another takes the same time wherever they differ.
    pub fingerprint: Fingerprint,
}

/// What is kept of a request with a key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IdempotencyRecord {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) created_at: Timestamp,
    #[serde(default)]
    pub(crate) rendering: Rendering,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<String>,
    /// `None` while the request is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<KeptAnswer>,
}

/// What of a record says whether it is to be kept.
#[derive(Deserialize)]
pub(crate) struct Age {
    pub(crate) created_at: Timestamp,
    /// `None` while the request is under way.
    #[serde(default)]
    pub(crate) answer: Option<IgnoredAny>,
}

/// The answer, byte for byte.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeptAnswer {
    pub(crate) status: u16,
    pub(crate) body: Box<RawValue>,
}

impl KeptAnswer {
    pub(crate) fn keep(answer: &Answer) -> Result<Self, Error> {
        let text = String::from_utf8(answer.body.clone()).map_err(|e| Error::Internal(e.to_string()))?;
        let body = RawValue::from_string(text).map_err(|e| Error::Internal(e.to_string()))?;
        Ok(Self { status: answer.status, body })
    }
}

/// The request, if what it began still has it to answer: once somebody else has, say by noting that the outcome is not
/// known yet, that answer is the answer.
pub(crate) const fn still_waiting<'a>(request: &'a Request, answers: Option<&String>) -> Option<&'a Request> {
    if request.idempotency.is_none() || answers.is_some() { Some(request) } else { None }
}

/// Where the record of that name is kept.
pub(crate) fn key(scope: Scope, name: &str) -> Key {
    Key::named(scope, Kind::IdempotencyRecord, name.as_bytes())
}

impl Request {
    /// The name of the record of this request, if it has a key. Shop and browsers choose their keys apart: whoever has the
    /// publishable key, which anybody can read, can neither see what was kept for the shop nor use up a key that it will send.
    pub(crate) fn record(&self) -> Option<String> {
        let chosen_by = match self.rendering.audience {
            Audience::Shop => "shop",
            Audience::Browser => "browser",
        };
        self.idempotency.as_ref().map(|idempotency| format!("{chosen_by}:{}", idempotency.key))
    }
}

/// The record that says a request is under way, or the whole of one that needs no provider.
pub(crate) fn begin(request: &Request, now: Timestamp, answer: Option<&Answer>) -> Result<Option<Write>, Error> {
    let (Some(idempotency), Some(name)) = (&request.idempotency, request.record()) else { return Ok(None) };
    let record = IdempotencyRecord {
        fingerprint: idempotency.fingerprint,
        created_at: now,
        rendering: request.rendering.clone(),
        request: Some(request.id.clone()),
        answer: answer.map(KeptAnswer::keep).transpose()?,
    };
    let body = encode(&record)?;
    Ok(Some(Write::Put { key: key(request.scope, &name), body, precondition: Precondition::Absent }))
}

/// An answer, and whether it was kept from before.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The answer.
    pub answer: Answer,
    /// It was given before.
    pub replayed: bool,
}

impl Platform {
    /// The answer that was given to the same request before, if it was.
    ///
    /// # Errors
    /// The key belongs to another request, or the first one is still under way.
    pub async fn replay(&self, request: &Request) -> Result<Option<Answered>, Error> {
        let (Some(idempotency), Some(name)) = (&request.idempotency, request.record()) else { return Ok(None) };
        let Some(item) = self.store.get_one(&key(request.scope, &name)).await? else { return Ok(None) };
        let record: IdempotencyRecord = decode(&item.body)?;
        if record.fingerprint != idempotency.fingerprint {
            return Err(Error::IdempotencyMismatch);
        }
        let kept = record.answer.ok_or(Error::IdempotencyInFlight)?;
        let answer = Answer { status: kept.status, body: kept.body.get().as_bytes().to_vec() };
        Ok(Some(Answered { answer, replayed: true }))
    }

    /// Keeps a refusal under the request's key before it is told: repeated when the state is another, the request
    /// is refused in the same words rather than carried out. Gives the answer to tell.
    ///
    /// # Errors
    /// The key belongs to another request or one under way, or the store failed; nothing may be told of the refusal then.
    pub async fn keep_refusal(&self, request: &Request, refusal: Answer) -> Result<Answered, Error> {
        let Some(write) = begin(request, self.now(), Some(&refusal))? else { return Ok(Answered { answer: refusal, replayed: false }) };
        let mut batch = Batch::new();
        batch.push(write);
        match self.commit_without_row(batch).await {
            Ok(()) => Ok(Answered { answer: refusal, replayed: false }),
            // The same request, sent at the same time, had its outcome first.
            Err(Error::LockTimeout) => self.replay(request).await?.ok_or(Error::LockTimeout),
            Err(other) => Err(other),
        }
    }
}
