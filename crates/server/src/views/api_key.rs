//! An API key, without the key.

use std::collections::BTreeMap;

use domain::account::ApiKeyKind;
use domain::id::ApiKeyId;
use domain::time::Timestamp;
use payments::outcome::ShownKey;
use serde::Serialize;
use utoipa::ToSchema;

use super::Context;

/// An API key; its text is in the answer that makes it, and nowhere else.
#[derive(Serialize, ToSchema)]
pub struct ApiKey<'a> {
    #[schema(value_type = String)]
    id: ApiKeyId,
    /// `api_key`.
    object: &'static str,
    /// The networks that it may be used from; any, if there are none.
    allowed_from: Vec<String>,
    /// When it was made, in seconds since 1970.
    created: i64,
    /// When it opens nothing any more, because another one took its place; null if none did.
    expires_at: Option<i64>,
    /// `secret`, `publishable` or `restricted`.
    kind: &'static str,
    /// Its last four characters.
    last4: &'a str,
    /// When it was used last, as of a minute ago; null if it never was.
    last_used: Option<i64>,
    livemode: bool,
    /// What a restricted one may do, `read` or `write`, by what it may do it to.
    permissions: BTreeMap<&'static str, &'static str>,
    /// When it was revoked; null if it was not.
    revoked_at: Option<i64>,
    /// The key: only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

impl<'a> ApiKey<'a> {
    /// The key as the API shows it.
    #[must_use]
    pub fn view(shown: &'a ShownKey, ctx: Context) -> Self {
        let key = &shown.key;
        Self {
            id: key.id,
            object: "api_key",
            allowed_from: key.allowed_from.iter().map(ToString::to_string).collect(),
            created: key.created_at.seconds(),
            expires_at: key.expires_at.map(Timestamp::seconds),
            kind: match key.kind {
                ApiKeyKind::Secret => "secret",
                ApiKeyKind::Publishable => "publishable",
                ApiKeyKind::Restricted => "restricted",
                ApiKeyKind::Platform => "platform",
            },
            last4: &key.last4,
            last_used: shown.last_used.map(Timestamp::seconds),
            livemode: ctx.livemode,
            permissions: key.permissions.iter().map(|(resource, access)| (resource.as_str(), access.as_str())).collect(),
            revoked_at: key.revoked_at.map(Timestamp::seconds),
            secret: shown.secret.as_ref().map(|secret| secret.0.as_str()),
        }
    }
}
